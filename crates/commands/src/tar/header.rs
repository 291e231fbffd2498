//! Members of tar archives and their headers: ustar and pax (POSIX.1-2017, `pax`), and GNU's own format.

use bstr::{BString, ByteSlice};
use wasmsh_os::Timestamp;

use super::sparse::{self, Version};

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

/// A block of zeros; two end an archive.
pub(super) const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Regular,
    HardLink,
    SymbolicLink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,
    /// The name of the volume (GNU).
    Label,
}

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// As it is stored.
    pub(super) name: BString,
    pub(super) link: BString,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) user: BString,
    pub(super) group: BString,
    /// Bytes of the file.
    pub(super) size: u64,
    /// Bytes that it has in the archive.
    pub(super) stored: u64,
    pub(super) modified: Timestamp,
    pub(super) device: (u64, u64),
    /// Where there is data in a sparse file: offset and length.
    pub(super) sparse: Option<Vec<(u64, u64)>>,
}

impl Default for Member {
    fn default() -> Member {
        Member {
            name: BString::default(),
            link: BString::default(),
            kind: Kind::Regular,
            mode: 0o644,
            uid: 0,
            gid: 0,
            user: BString::default(),
            group: BString::default(),
            size: 0,
            stored: 0,
            modified: Timestamp::default(),
            device: (0, 0),
            sparse: None,
        }
    }
}

/// Which dialect is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    V7,
    Ustar,
    Gnu,
    Pax,
}

/// A header as it stands in its block.
pub(super) struct Raw<'a>(pub(super) &'a [u8; BLOCK]);

impl Raw<'_> {
    fn field(&self, start: usize, length: usize) -> &[u8] {
        self.0.get(start..start + length).unwrap_or_default()
    }

    fn text(&self, start: usize, length: usize) -> &[u8] {
        let field = self.field(start, length);
        field.get(..field.find_byte(0).unwrap_or(field.len())).unwrap_or_default()
    }

    fn number(&self, start: usize, length: usize) -> i64 {
        number(self.field(start, length))
    }

    /// Whether the check sum is right; some old programs have added the bytes up as signed ones.
    pub(super) fn is_valid(&self) -> bool {
        let stated = self.number(148, 8);
        let (mut unsigned, mut signed) = (0_i64, 0_i64);
        for (index, byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&index) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte as i8);
        }
        stated == unsigned || stated == signed
    }

    pub(super) fn kind_byte(&self) -> u8 {
        self.0[156]
    }

    /// Bytes of data that follow.
    pub(super) fn size(&self) -> u64 {
        u64::try_from(self.number(124, 12)).unwrap_or(0)
    }

    /// The field of the size, if it is no number that a size can be.
    pub(super) fn wrong_size(&self) -> Option<&[u8]> {
        let field = self.field(124, 12);
        if field.first().is_some_and(|first| first & 0x80 != 0) {
            return (number(field) < 0).then_some(field);
        }
        let text = field.trim_start_with(|letter| letter == ' ' || letter == '\0');
        let digits = text.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        let ended = matches!(text.get(digits), None | Some(b' ' | 0));
        (!ended || (digits == 0 && !text.is_empty())).then_some(field)
    }

    fn is_gnu(&self) -> bool {
        self.field(257, 8) == b"ustar  \0"
    }

    fn is_ustar(&self) -> bool {
        self.field(257, 6) == b"ustar\0"
    }

    pub(super) fn member(&self) -> Member {
        let mut name = BString::from(self.text(0, 100));
        if self.is_ustar() {
            let prefix = self.text(345, 155);
            if !prefix.is_empty() {
                name = [prefix, b"/", &name].concat().into();
            }
        }
        let kind = match self.kind_byte() {
            b'1' => Kind::HardLink,
            b'2' => Kind::SymbolicLink,
            b'3' => Kind::CharacterDevice,
            b'4' => Kind::BlockDevice,
            b'5' | b'D' => Kind::Directory,
            b'6' => Kind::Fifo,
            b'V' => Kind::Label,
            _ => Kind::Regular,
        };
        let has_data = matches!(kind, Kind::Regular) || self.kind_byte() == b'D';
        let size = if has_data { self.size() } else { 0 };
        Member {
            name,
            link: self.text(157, 100).into(),
            kind,
            mode: (self.number(100, 8) & 0o7777) as u32,
            uid: u64::try_from(self.number(108, 8)).unwrap_or(0),
            gid: u64::try_from(self.number(116, 8)).unwrap_or(0),
            user: if self.is_gnu() || self.is_ustar() {
                self.text(265, 32).into()
            } else {
                BString::default()
            },
            group: if self.is_gnu() || self.is_ustar() {
                self.text(297, 32).into()
            } else {
                BString::default()
            },
            size,
            stored: size,
            modified: Timestamp { seconds: self.number(136, 12), nanoseconds: 0 },
            device: (
                u64::try_from(self.number(329, 8)).unwrap_or(0),
                u64::try_from(self.number(337, 8)).unwrap_or(0),
            ),
            sparse: None,
        }
    }

    /// Of a sparse member of GNU's format: the first four pieces, whether more follow, and the real size.
    pub(super) fn old_sparse(&self) -> (Vec<(u64, u64)>, bool, u64) {
        let size = u64::try_from(self.number(483, 12)).unwrap_or(0);
        (pieces(self.field(386, 96)), self.0[482] != 0, size)
    }

    /// Of a block that goes on with the pieces: those, and whether more follow.
    pub(super) fn more_sparse(&self) -> (Vec<(u64, u64)>, bool) {
        (pieces(self.field(0, 504)), self.0[504] != 0)
    }
}

fn pieces(field: &[u8]) -> Vec<(u64, u64)> {
    field
        .chunks_exact(24)
        .take_while(|piece| piece.first().is_some_and(|byte| *byte != 0))
        .filter_map(|piece| {
            let (offset, length) = piece.split_at(12);
            Some((u64::try_from(number(offset)).ok()?, u64::try_from(number(length)).ok()?))
        })
        .collect()
}

/// A number in octal digits, or in base 256 where the first bit is set.
fn number(field: &[u8]) -> i64 {
    match field.first() {
        Some(first) if first & 0x80 != 0 => {
            let negative = first & 0x40 != 0;
            let mut value: i64 = if negative { -1 } else { 0 };
            for (index, byte) in field.iter().enumerate() {
                let byte = if index == 0 && !negative { byte & 0x7f } else { *byte };
                value = value.wrapping_shl(8) | i64::from(byte);
            }
            value
        }
        _ => {
            let digits = field.trim_start_with(|letter| letter == ' ' || letter == '\0');
            digits
                .iter()
                .take_while(|byte| (b'0'..=b'7').contains(byte))
                .fold(0_i64, |value, byte| value.wrapping_mul(8).wrapping_add(i64::from(byte - b'0')))
        }
    }
}

/// Puts a number into a field: octal digits with a NUL behind, or base 256 where they do not fit.
pub(super) fn put_number(block: &mut [u8; BLOCK], start: usize, length: usize, value: i64) {
    let digits = format!("{value:0width$o}", width = length - 1);
    let Some(field) = block.get_mut(start..start + length) else { return };
    if value >= 0 && digits.len() < length {
        for (to, from) in field.iter_mut().zip(digits.bytes().chain([0])) {
            *to = from;
        }
        return;
    }
    let mut rest = value;
    for byte in field.iter_mut().rev() {
        *byte = rest as u8;
        rest >>= 8;
    }
    if let Some(first) = field.first_mut() {
        *first = if value < 0 { 0xff } else { 0x80 };
    }
}

fn put_text(block: &mut [u8; BLOCK], start: usize, length: usize, text: &[u8]) {
    if let Some(field) = block.get_mut(start..start + length) {
        for (to, from) in field.iter_mut().zip(text) {
            *to = *from;
        }
    }
}

fn finish(block: &mut [u8; BLOCK]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put_text(block, 148, 8, format!("{sum:06o}\0 ").as_bytes());
}

/// A name does not fit into the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// The blocks that stand before the data of a member.
/// Those of a sparse member tell where it has data, in the given version if they are pax's.
pub(super) fn encode(member: &Member, dialect: Dialect, version: Version) -> Result<Vec<u8>, TooLong> {
    let mut out = Vec::new();
    let mut prefix: &[u8] = b"";
    let pieces = member.sparse.as_deref();
    let (sparse, shown_name) = match (pieces, dialect) {
        (Some(pieces), Dialect::Pax) => sparse::records(member, pieces, version),
        _ => (Vec::new(), member.name.clone()),
    };
    let mut name: &[u8] = &shown_name;
    match dialect {
        Dialect::Gnu => {
            if member.link.len() > 100 {
                long(&mut out, b'K', &member.link);
            }
            if name.len() > 100 {
                long(&mut out, b'L', name);
            }
        }
        Dialect::V7 => {
            if name.len() > 99 || member.link.len() > 99 {
                return Err(TooLong);
            }
        }
        Dialect::Ustar | Dialect::Pax => {
            if name.len() > 100 {
                match split(name) {
                    Some((head, tail)) => (prefix, name) = (head, tail),
                    None if dialect == Dialect::Ustar => return Err(TooLong),
                    None => {}
                }
            }
            if dialect == Dialect::Ustar && member.link.len() > 100 {
                return Err(TooLong);
            }
            if dialect == Dialect::Pax {
                pax(&mut out, member, prefix.is_empty() && name.len() > 100, &sparse);
            }
        }
    }
    let mut block = [0; BLOCK];
    put_text(&mut block, 0, 100, name);
    put_number(&mut block, 100, 8, i64::from(member.mode & 0o7777));
    put_number(&mut block, 108, 8, i64::try_from(member.uid).unwrap_or(0));
    put_number(&mut block, 116, 8, i64::try_from(member.gid).unwrap_or(0));
    put_number(&mut block, 124, 12, i64::try_from(member.stored).unwrap_or(0));
    put_number(&mut block, 136, 12, member.modified.seconds);
    block[156] = match member.kind {
        Kind::Regular => b'0',
        Kind::HardLink => b'1',
        Kind::SymbolicLink => b'2',
        Kind::CharacterDevice => b'3',
        Kind::BlockDevice => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
        Kind::Label => b'V',
    };
    if dialect == Dialect::V7 && matches!(member.kind, Kind::Regular | Kind::Directory) {
        block[156] = 0;
    }
    put_text(&mut block, 157, 100, &member.link);
    match dialect {
        Dialect::V7 => {}
        Dialect::Gnu => put_text(&mut block, 257, 8, b"ustar  \0"),
        Dialect::Ustar | Dialect::Pax => put_text(&mut block, 257, 8, b"ustar\x0000"),
    }
    if dialect != Dialect::V7 && member.kind != Kind::Label {
        put_text(&mut block, 265, 31, &member.user);
        put_text(&mut block, 297, 31, &member.group);
    }
    let is_device = matches!(member.kind, Kind::CharacterDevice | Kind::BlockDevice);
    if is_device || dialect != Dialect::Gnu {
        put_number(&mut block, 329, 8, i64::try_from(member.device.0).unwrap_or(0));
        put_number(&mut block, 337, 8, i64::try_from(member.device.1).unwrap_or(0));
    }
    put_text(&mut block, 345, 155, prefix);
    let behind = match (pieces, dialect) {
        (Some(pieces), Dialect::Gnu) => sparse::put_old(&mut block, member, pieces),
        (Some(pieces), Dialect::Pax) if version == Version::V1_0 => sparse::map_text(pieces),
        _ => Vec::new(),
    };
    finish(&mut block);
    out.extend_from_slice(&block);
    out.extend_from_slice(&behind);
    Ok(out)
}

/// Splits a name at a slash so that the parts fit into the two fields of ustar.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let last = name.len().min(156);
    let slash = name.get(..last)?.iter().rposition(|byte| *byte == b'/').filter(|slash| *slash > 0)?;
    let (head, tail) = (name.get(..slash)?, name.get(slash + 1..)?);
    (!tail.is_empty() && tail.len() <= 100).then_some((head, tail))
}

/// The member that holds a long name (GNU).
fn long(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    let mut block = [0; BLOCK];
    put_text(&mut block, 0, 100, b"././@LongLink");
    put_number(&mut block, 100, 8, 0o644);
    for start in [108, 116] {
        put_number(&mut block, start, 8, 0);
    }
    put_number(&mut block, 124, 12, text.len() as i64 + 1);
    put_number(&mut block, 136, 12, 0);
    block[156] = kind;
    put_text(&mut block, 257, 8, b"ustar  \0");
    put_text(&mut block, 265, 32, b"root");
    put_text(&mut block, 297, 32, b"root");
    finish(&mut block);
    out.extend_from_slice(&block);
    out.extend_from_slice(text);
    out.push(0);
    pad(out);
}

pub(super) fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

/// The extended header of a member, if it needs one.
fn pax(out: &mut Vec<u8>, member: &Member, long_name: bool, sparse: &[(&str, BString)]) {
    let mut records = Vec::new();
    for (key, value) in sparse {
        record(&mut records, key, value);
    }
    if long_name {
        record(&mut records, "path", &member.name);
    }
    if member.link.len() > 100 {
        record(&mut records, "linkpath", &member.link);
    }
    if member.stored > 0o777_7777_7777 {
        record(&mut records, "size", member.stored.to_string().as_bytes());
    }
    for (key, id) in [("uid", member.uid), ("gid", member.gid)] {
        if id > 0o777_7777 {
            record(&mut records, key, id.to_string().as_bytes());
        }
    }
    let time = member.modified;
    if time.nanoseconds != 0 || time.seconds < 0 || time.seconds > 0o777_7777_7777 {
        let fraction = format!("{:09}", time.nanoseconds);
        let fraction = fraction.trim_end_matches('0');
        let text = if fraction.is_empty() {
            time.seconds.to_string()
        } else {
            format!("{}.{fraction}", time.seconds)
        };
        record(&mut records, "mtime", text.as_bytes());
    }
    if records.is_empty() {
        return;
    }
    let trimmed = member.name.strip_suffix(b"/").unwrap_or(&member.name);
    let (directory, base) = match trimmed.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => {
            (trimmed.get(..slash).unwrap_or_default(), trimmed.get(slash + 1..).unwrap_or_default())
        }
        None => (&b"."[..], trimmed),
    };
    let mut name = [directory, b"/PaxHeaders/", base].concat();
    name.truncate(100);
    let mut block = [0; BLOCK];
    put_text(&mut block, 0, 100, &name);
    put_number(&mut block, 100, 8, 0o644);
    for start in [108, 116, 329, 337] {
        put_number(&mut block, start, 8, 0);
    }
    put_number(&mut block, 124, 12, records.len() as i64);
    put_number(&mut block, 136, 12, time.seconds.max(0));
    block[156] = b'x';
    put_text(&mut block, 257, 8, b"ustar\x0000");
    finish(&mut block);
    out.extend_from_slice(&block);
    out.extend_from_slice(&records);
    pad(out);
}

fn record(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    // The length counts its own digits.
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length.to_string().len() + rest != length {
        length = length.to_string().len() + rest;
    }
    out.extend_from_slice(format!("{length} {key}=").as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// What extended headers say, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Extended(Vec<(BString, BString)>);

impl Extended {
    /// Adds the records of a header; what is malformed ends it.
    pub(super) fn read(&mut self, mut data: &[u8]) {
        while let Some(space) = data.find_byte(b' ') {
            let Some(length) = data
                .get(..space)
                .and_then(|digits| digits.to_str().ok())
                .and_then(|digits| digits.parse::<usize>().ok())
            else {
                return;
            };
            let Some(text) = data.get(space + 1..length.saturating_sub(1)) else { return };
            let Some((key, value)) = text.split_once_str("=") else { return };
            self.0.push((key.into(), value.into()));
            data = data.get(length..).unwrap_or_default();
        }
    }

    /// Puts what they say into a member.
    pub(super) fn apply(&self, member: &mut Member) {
        let mut sparse: Vec<u64> = Vec::new();
        let mut has_map = false;
        for (key, value) in &self.0 {
            let as_number = || value.to_str().ok().and_then(|digits| digits.parse::<u64>().ok());
            match &key[..] {
                b"path" => {
                    member.name = value.clone();
                    if member.kind == Kind::Regular && value.ends_with(b"/") {
                        member.kind = Kind::Directory;
                    }
                }
                b"linkpath" => member.link = value.clone(),
                b"uname" => member.user = value.clone(),
                b"gname" => member.group = value.clone(),
                b"uid" => member.uid = as_number().unwrap_or(member.uid),
                b"gid" => member.gid = as_number().unwrap_or(member.gid),
                b"size" => {
                    if let Some(size) = as_number() {
                        (member.size, member.stored) = (size, size);
                    }
                }
                b"mtime" => member.modified = time(value).unwrap_or(member.modified),
                b"GNU.sparse.name" => member.name = value.clone(),
                b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                    member.size = as_number().unwrap_or(member.size);
                }
                b"GNU.sparse.map" => {
                    has_map = true;
                    sparse = value
                        .split_str(",")
                        .filter_map(|part| part.to_str().ok().and_then(|digits| digits.parse().ok()))
                        .collect();
                }
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                    has_map = true;
                    sparse.extend(as_number());
                }
                _ => {}
            }
        }
        if has_map {
            let pairs = sparse.chunks_exact(2).filter_map(|pair| match pair {
                [offset, length] => Some((*offset, *length)),
                _ => None,
            });
            member.sparse = Some(pairs.collect());
        }
    }

    /// Whether the data begins with a map of its pieces (version 1.0 of GNU's sparse files in pax).
    pub(super) fn map_in_data(&self) -> bool {
        self.0.iter().any(|(key, value)| key == "GNU.sparse.major" && value == "1")
    }
}

/// A time in decimal seconds.
fn time(text: &[u8]) -> Option<Timestamp> {
    let text = text.to_str().ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let negative = whole.starts_with('-');
    let seconds: i64 = whole.parse().ok()?;
    let mut digits: String = fraction.chars().take(9).collect();
    while digits.len() < 9 {
        digits.push('0');
    }
    let nanos: i128 = digits.parse().ok()?;
    let whole = i128::from(seconds) * i128::from(Timestamp::NANOS);
    Some(Timestamp::from_nanos(if negative { whole - nanos } else { whole + nanos }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(member: &Member, dialect: Dialect) -> [u8; BLOCK] {
        let blocks = encode(member, dialect, Version::V1_0).unwrap();
        blocks[blocks.len() - BLOCK..].try_into().unwrap()
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        let member = Member {
            name: "dir/a file".into(),
            mode: 0o4755,
            uid: 1000,
            gid: 70_000_000,
            user: "user".into(),
            group: "staff".into(),
            size: 20 << 30,
            stored: 20 << 30,
            modified: Timestamp { seconds: -5, nanoseconds: 0 },
            ..Member::default()
        };
        let block = header(&member, Dialect::Gnu);
        assert!(Raw(&block).is_valid());
        assert_eq!(Raw(&block).member(), member);
        let mut wrong = block;
        wrong[0] ^= 1;
        assert!(!Raw(&wrong).is_valid());
    }

    #[test]
    fn ustar_splits_long_names() {
        let name = format!("{}/{}", "d".repeat(120), "f".repeat(90));
        let member = Member { name: name.clone().into(), ..Member::default() };
        let block = header(&member, Dialect::Ustar);
        assert_eq!(Raw(&block).member().name, name.as_str());
        let member = Member { name: "x".repeat(101).into(), ..Member::default() };
        assert_eq!(encode(&member, Dialect::Ustar, Version::V1_0), Err(TooLong));
    }

    #[test]
    fn records_count_their_own_length() {
        for length in [1, 80, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 985, 990, 995] {
            let mut data = Vec::new();
            record(&mut data, "path", &vec![b'x'; length]);
            let mut extended = Extended::default();
            extended.read(&data);
            let mut member = Member::default();
            extended.apply(&mut member);
            assert_eq!(member.name.len(), length);
        }
    }
}
