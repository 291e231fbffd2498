//! The structures of a zip file (PKWARE's APPNOTE, with the extra fields of Info-ZIP): entries of the central directory,
//! as they are read.

use bstr::BString;
use wasmsh_os::Timestamp;

use crate::time::{DAY, Date};

pub(super) const LOCAL: u32 = 0x0403_4b50;
pub(super) const CENTRAL: u32 = 0x0201_4b50;
pub(super) const END: u32 = 0x0605_4b50;
pub(super) const END64: u32 = 0x0606_4b50;
pub(super) const LOCATOR64: u32 = 0x0706_4b50;

/// Bytes of the fixed parts of the records.
pub(super) const LOCAL_LENGTH: usize = 30;
pub(super) const CENTRAL_LENGTH: usize = 46;
pub(super) const END_LENGTH: usize = 22;

/// The system that an entry was made on, whose attributes are Unix modes.
pub(super) const UNIX: u8 = 3;

/// Methods of compression.
pub(super) mod method {
    pub(in crate::zip) const STORED: u16 = 0;
    pub(in crate::zip) const DEFLATED: u16 = 8;
    pub(in crate::zip) const BZIP2: u16 = 12;
    pub(in crate::zip) const ZSTD: u16 = 93;
    pub(in crate::zip) const XZ: u16 = 95;
}

/// General purpose bits.
pub(super) const ENCRYPTED: u16 = 1;
pub(super) const DESCRIPTOR: u16 = 8;

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|value| u16::from_le_bytes(*value))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|value| u32::from_le_bytes(*value))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk::<8>().map(|value| u64::from_le_bytes(*value))
}

/// An entry of the central directory.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    /// Version and system of what made it.
    pub(super) made_by: u8,
    pub(super) system: u8,
    /// Version that is needed to extract it.
    pub(super) needed: u8,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) dos_time: u16,
    pub(super) dos_date: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) name: BString,
    pub(super) extra: Vec<u8>,
    pub(super) comment: BString,
    pub(super) internal: u16,
    pub(super) external: u32,
    /// Of its local header, as it is stated.
    pub(super) offset: u64,
}

impl Entry {
    /// The entry at the start of `bytes`, and its length. `None`: there is none, or not all of it.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Entry, usize)> {
        if u32_at(bytes, 0)? != CENTRAL {
            return None;
        }
        let lengths = [u16_at(bytes, 28)?, u16_at(bytes, 30)?, u16_at(bytes, 32)?];
        let [name, extra, comment] = lengths.map(usize::from);
        let name_at = CENTRAL_LENGTH;
        let extra_at = name_at + name;
        let comment_at = extra_at + extra;
        let end = comment_at + comment;
        let mut entry = Entry {
            made_by: *bytes.get(4)?,
            system: *bytes.get(5)?,
            needed: *bytes.get(6)?,
            flags: u16_at(bytes, 8)?,
            method: u16_at(bytes, 10)?,
            dos_time: u16_at(bytes, 12)?,
            dos_date: u16_at(bytes, 14)?,
            crc: u32_at(bytes, 16)?,
            packed: u32_at(bytes, 20)?.into(),
            size: u32_at(bytes, 24)?.into(),
            internal: u16_at(bytes, 36)?,
            external: u32_at(bytes, 38)?,
            offset: u32_at(bytes, 42)?.into(),
            // As for programs in C, a NUL ends it.
            name: bytes.get(name_at..extra_at)?.split(|byte| *byte == 0).next().unwrap_or_default().into(),
            extra: bytes.get(extra_at..comment_at)?.to_vec(),
            comment: bytes.get(comment_at..end)?.into(),
        };
        entry.widen();
        Some((entry, end))
    }

    /// Takes the numbers that did not fit from the zip64 field, where they stand in this order.
    fn widen(&mut self) {
        let Some(field) = self.field(1).map(<[u8]>::to_vec) else { return };
        let mut at = 0;
        for number in [&mut self.size, &mut self.packed, &mut self.offset] {
            if *number == u64::from(u32::MAX)
                && let Some(wide) = u64_at(&field, at)
            {
                *number = wide;
                at += 8;
            }
        }
    }

    /// An extra field's data.
    pub(super) fn field(&self, id: u16) -> Option<&[u8]> {
        let mut rest = &self.extra[..];
        loop {
            let length = usize::from(u16_at(rest, 2)?);
            let data = rest.get(4..4 + length)?;
            if u16_at(rest, 0)? == id {
                return Some(data);
            }
            rest = rest.get(4 + length..)?;
        }
    }

    /// The time of modification in UTC, if an extra field tells it.
    pub(super) fn unix_time(&self) -> Option<i64> {
        let field = self.field(0x5455)?;
        if field.first()? & 1 == 0 {
            return None;
        }
        u32_at(field, 1).map(|seconds| i64::from(seconds as i32))
    }

    /// Year, month, day, hour, minute, second of the stamp of DOS, which is local time.
    pub(super) fn dos(&self) -> [u16; 6] {
        let (date, time) = (self.dos_date, self.dos_time);
        [(date >> 9) + 1980, (date >> 5) & 15, date & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2]
    }

    /// The time of modification.
    pub(super) fn modified(&self, zone: &jiff::tz::TimeZone) -> Timestamp {
        let seconds = self.unix_time().unwrap_or_else(|| {
            let [year, month, day, hour, minute, second] = self.dos().map(i64::from);
            let days = Date::days(year, month.clamp(1, 12), day.max(1)).unwrap_or(0);
            let local = days * DAY + hour * 3600 + minute * 60 + second;
            // The offset of the moment that the local time would be in UTC, then that of the moment found.
            let guess = local - crate::time::offset_at(zone, local).seconds;
            local - crate::time::offset_at(zone, guess).seconds
        });
        Timestamp { seconds, nanoseconds: 0 }
    }

    /// The Unix mode, with the type, if there is one.
    pub(super) fn unix_mode(&self) -> Option<u32> {
        let mode = self.external >> 16;
        (self.system == UNIX || mode & 0o170_000 != 0).then_some(mode).filter(|mode| *mode != 0)
    }

    pub(super) fn is_directory(&self) -> bool {
        self.name.ends_with(b"/")
    }

    pub(super) fn is_link(&self) -> bool {
        self.unix_mode().is_some_and(|mode| mode & 0o170_000 == 0o120_000)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }

    /// The letter of how hard a deflated entry was packed.
    pub(super) fn effort(&self) -> char {
        match (self.flags >> 1) & 3 {
            0 => 'N',
            1 => 'X',
            2 => 'F',
            _ => 'S',
        }
    }

    /// Packed size against size, in thousandths saved; negative: it has grown.
    pub(super) fn saved(size: u64, packed: u64) -> i64 {
        if size == 0 {
            return 0;
        }
        let (wide, packed) = (i128::from(size), i128::from(packed));
        let difference = (wide - packed).abs() * 1000 + wide / 2;
        let saved = i64::try_from(difference / wide).unwrap_or(i64::MAX);
        if packed > wide { -saved } else { saved }
    }
}

/// A share of thousandths as listings have it, in whole per cent.
pub(super) fn per_cent(saved: i64) -> String {
    match (saved.abs() + 5) / 10 {
        100 => "100%".into(),
        share if saved < 0 => format!("-{share}%"),
        share => format!(" {share}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded() {
        assert_eq!(per_cent(Entry::saved(8893, 4200)), " 53%");
        assert_eq!(per_cent(Entry::saved(10, 12)), "-20%");
        assert_eq!(per_cent(Entry::saved(0, 5)), " 0%");
    }

    #[test]
    fn an_entry_that_is_cut_is_none() {
        assert!(Entry::parse(&[0x50, 0x4b, 1, 2, 0, 0]).is_none());
        assert!(Entry::parse(b"no zip").is_none());
    }
}
