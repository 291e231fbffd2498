//! A zip file that is read: its end, its central directory one entry after the other, and the data of an entry, decoded
//! in pieces. It stands on `flate2` and the codecs of `compress`.

use std::rc::Rc;

use bstr::BString;
use flate2::{Decompress, FlushDecompress, Status};
use memchr::memmem;
use thiserror::Error;
use wasmsh_os::{Ctx, Description, Errno, OpenFlags, Position};

use super::format::{
    END, END_LENGTH, END64, Entry, LOCAL, LOCAL_LENGTH, LOCATOR64, method, u16_at, u32_at, u64_at,
};
use crate::compress::codec::{Decoder, Format, Progress};

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// How far from its end a zip file is searched for the end of the central directory: record and comment.
const TAIL: u64 = END_LENGTH as u64 + 0xffff;

/// Why a zip file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum ZipError {
    /// The file below.
    #[error("read error")]
    Read(Errno),
    /// There is no end of a central directory.
    #[error("End-of-central-directory signature not found")]
    NoEnd,
    /// A header is not where it should be.
    #[error("bad header")]
    Header,
    /// No codec is there for the method.
    #[error("unsupported compression method {0}")]
    Method(u16),
    /// The data of an entry is not what its method makes.
    #[error("invalid compressed data")]
    Data,
    /// The data of an entry has another check sum, which is this.
    #[error("bad CRC {0:08x}")]
    Crc(u32),
}

/// A zip file, open.
pub(super) struct Source {
    ctx: Ctx,
    file: Rc<Description>,
    /// Its size.
    pub(super) size: u64,
    /// Where the directory begins, as it is and as it is stated.
    pub(super) directory: u64,
    pub(super) stated_directory: u64,
    /// Its length.
    pub(super) directory_length: u64,
    /// Entries, as stated.
    pub(super) count: u64,
    pub(super) comment: BString,
}

impl Source {
    pub(super) async fn open(ctx: &Ctx, path: &[u8]) -> Result<Source, ZipError> {
        let file = ctx.open_description(path, OpenFlags::READ, 0).await.map_err(ZipError::Read)?;
        let stat = ctx.stat_description(&file).map_err(ZipError::Read)?;
        let mut source = Source {
            ctx: ctx.clone(),
            file,
            size: stat.size,
            directory: 0,
            stated_directory: 0,
            directory_length: 0,
            count: 0,
            comment: BString::default(),
        };
        source.find_end().await?;
        Ok(source)
    }

    async fn find_end(&mut self) -> Result<(), ZipError> {
        let from = self.size.saturating_sub(TAIL);
        let tail = self.read_at(from, TAIL as usize).await?;
        let at = memmem::rfind(&tail, &END.to_le_bytes()).ok_or(ZipError::NoEnd)?;
        let record = tail.get(at..).unwrap_or_default();
        let number = |at| u32_at(record, at).map(u64::from).ok_or(ZipError::NoEnd);
        let comment = usize::from(u16_at(record, 20).ok_or(ZipError::NoEnd)?);
        self.count = u16_at(record, 10).map(u64::from).ok_or(ZipError::NoEnd)?;
        (self.directory_length, self.stated_directory) = (number(12)?, number(16)?);
        let rest = record.get(END_LENGTH..).unwrap_or_default();
        self.comment = rest.get(..comment).unwrap_or(rest).into();
        let mut end = from + at as u64;
        if let Some(locator) = at.checked_sub(20).and_then(|at| tail.get(at..))
            && u32_at(locator, 0) == Some(LOCATOR64)
            && let Some(wide_at) = u64_at(locator, 8)
        {
            let wide = self.read_at(wide_at, 56).await?;
            if u32_at(&wide, 0) == Some(END64)
                && let (Some(count), Some(length), Some(start)) =
                    (u64_at(&wide, 32), u64_at(&wide, 40), u64_at(&wide, 48))
            {
                (self.count, self.directory_length, self.stated_directory) = (count, length, start);
                end = wide_at;
            }
        }
        // Something may stand before the zip file: the directory ends where its end record begins.
        self.directory = end.checked_sub(self.directory_length).ok_or(ZipError::NoEnd)?;
        Ok(())
    }

    /// Bytes that stand before what the zip file says is its start; negative: they are missing.
    pub(super) fn shift(&self) -> i64 {
        self.directory.wrapping_sub(self.stated_directory) as i64
    }

    /// `count` bytes from `offset` on, fewer only at the end.
    pub(super) async fn read_at(&self, offset: u64, count: usize) -> Result<Vec<u8>, ZipError> {
        let Description::File(file) = &*self.file else { return Err(ZipError::Read(Errno::IllegalSeek)) };
        file.seek(Position::Start(offset)).map_err(ZipError::Read)?;
        let mut bytes = Vec::new();
        while bytes.len() < count {
            let wanted = (count - bytes.len()).min(PIECE);
            let got = self.ctx.read_from(&self.file, &mut bytes, wanted).await.map_err(ZipError::Read)?;
            if got == 0 {
                break;
            }
            self.ctx.tick().await;
        }
        Ok(bytes)
    }

    /// The entries, from the first on.
    pub(super) fn entries(&self) -> Entries {
        Entries { next: self.directory, left: self.directory_length, buffer: Vec::new(), at: 0 }
    }

    /// The data of an entry, to be decoded.
    pub(super) async fn data(&self, entry: &Entry) -> Result<Data, ZipError> {
        let start = entry.offset.wrapping_add_signed(self.shift());
        let header = self.read_at(start, LOCAL_LENGTH).await?;
        if u32_at(&header, 0) != Some(LOCAL) {
            return Err(ZipError::Header);
        }
        let name = u16_at(&header, 26).ok_or(ZipError::Header)?;
        let extra = u16_at(&header, 28).ok_or(ZipError::Header)?;
        let machine = match entry.method {
            method::STORED => Machine::Stored,
            method::DEFLATED => Machine::Deflate(Decompress::new(false)),
            method::BZIP2 => Machine::Other(Decoder::new(Format::Bzip2)),
            method::ZSTD => Machine::Other(Decoder::new(Format::Zstd)),
            method::XZ => Machine::Other(Decoder::new(Format::Xz)),
            other => return Err(ZipError::Method(other)),
        };
        Ok(Data {
            next: start + LOCAL_LENGTH as u64 + u64::from(name) + u64::from(extra),
            left: entry.packed,
            input: Vec::new(),
            at: 0,
            machine,
            hash: crc32fast::Hasher::new(),
            decoded: 0,
            size: entry.size,
            crc: entry.crc,
            ended: false,
            hungry: false,
        })
    }
}

/// The central directory, read through.
pub(super) struct Entries {
    next: u64,
    left: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl Entries {
    /// The next entry; `None` at the end.
    pub(super) async fn next(&mut self, source: &Source) -> Result<Option<Entry>, ZipError> {
        source.ctx.tick().await;
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if let Some((entry, length)) = Entry::parse(rest) {
                self.at += length;
                return Ok(Some(entry));
            }
            if self.left == 0 {
                return if rest.is_empty() { Ok(None) } else { Err(ZipError::Header) };
            }
            if rest.len() >= 4 && u32_at(rest, 0) != Some(super::format::CENTRAL) {
                return Err(ZipError::Header);
            }
            self.buffer.drain(..self.at.min(self.buffer.len()));
            self.at = 0;
            let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(PIECE);
            let more = source.read_at(self.next, count).await?;
            if more.is_empty() {
                return Err(ZipError::Header);
            }
            self.next += more.len() as u64;
            self.left -= more.len() as u64;
            self.buffer.extend_from_slice(&more);
        }
    }
}

enum Machine {
    Stored,
    Deflate(Decompress),
    Other(Decoder),
}

/// The data of an entry, decoded.
pub(super) struct Data {
    next: u64,
    left: u64,
    input: Vec<u8>,
    at: usize,
    machine: Machine,
    hash: crc32fast::Hasher,
    decoded: u64,
    size: u64,
    crc: u32,
    ended: bool,
    /// The decoder wants more than the rest that is there.
    hungry: bool,
}

impl Data {
    /// Puts the next piece into `out`, which is emptied first; false: all was there, and the check sum is right.
    pub(super) async fn next(&mut self, source: &Source, out: &mut Vec<u8>) -> Result<bool, ZipError> {
        out.clear();
        while out.is_empty() && !self.ended {
            source.ctx.tick().await;
            if self.left > 0 && (self.hungry || self.at >= self.input.len()) {
                let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(PIECE);
                let more = source.read_at(self.next, count).await?;
                if more.is_empty() {
                    return Err(ZipError::Data);
                }
                self.next += more.len() as u64;
                self.left -= more.len() as u64;
                self.input.drain(..self.at.min(self.input.len()));
                self.input.extend_from_slice(&more);
                self.at = 0;
            }
            self.step(out)?;
        }
        self.hash.update(out);
        self.decoded += out.len() as u64;
        if !out.is_empty() {
            // A bomb that says a smaller size is stopped where it lies.
            return if self.decoded > self.size { Err(ZipError::Data) } else { Ok(true) };
        }
        match self.hash.clone().finalize() {
            crc if crc == self.crc => Ok(false),
            crc => Err(ZipError::Crc(crc)),
        }
    }

    fn step(&mut self, out: &mut Vec<u8>) -> Result<(), ZipError> {
        let input = self.input.get(self.at..).unwrap_or_default();
        let mut waits = true;
        let (taken, done) = match &mut self.machine {
            Machine::Stored => {
                out.extend_from_slice(input);
                (input.len(), self.left == 0)
            }
            Machine::Deflate(inflate) => {
                out.reserve(PIECE);
                let before = inflate.total_in();
                let status = inflate.decompress_vec(input, out, FlushDecompress::None);
                let status = status.map_err(|_| ZipError::Data)?;
                let taken = usize::try_from(inflate.total_in() - before).unwrap_or(0);
                (taken, status == Status::StreamEnd)
            }
            Machine::Other(decoder) => {
                let (taken, progress) =
                    decoder.step(input, self.left == 0, out).map_err(|_| ZipError::Data)?;
                waits = progress == Progress::NeedInput;
                self.hungry = waits;
                (taken, progress == Progress::Done)
            }
        };
        let stuck = waits && taken == 0 && out.is_empty() && !done && self.left == 0;
        self.at += taken;
        self.ended = done;
        if stuck { Err(ZipError::Data) } else { Ok(()) }
    }
}
