//! An archive as a stream of members: read member by member, and written.

use bstr::{BString, ByteSlice};
use thiserror::Error;

use super::header::{BLOCK, Extended, Kind, Member, Raw, ZEROS};
use crate::compress::stream::{Packed, StreamError, Unpacked};

/// Why an archive cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum ArchiveError {
    /// The stream below.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// It ends inside a member.
    #[error("Unexpected EOF in archive")]
    Truncated,
    /// A name, or what an extended header holds, is longer than memory should be given for.
    #[error("Extended header too large")]
    TooLarge,
}

/// What comes next.
pub(super) enum Next {
    /// A member; the data follows.
    Member(Box<Member>),
    /// A block that is no header.
    Garbage,
    /// The end. `marked`: by two blocks of zeros; `lone`: by one.
    End { marked: bool, lone: bool },
}

/// Bytes of names and extended headers together, at most.
const MOST_EXTENDED: u64 = 1 << 20;

/// Reads an archive.
pub(super) struct Reader {
    pub(super) data: Unpacked,
    /// Bytes that were read.
    pub(super) at: u64,
    /// Where the last member began, its long names included.
    pub(super) start: u64,
    /// Data of the last member that is not read yet, padding included.
    pub(super) left: u64,
    /// Zero blocks do not end it.
    pub(super) ignore_zeros: bool,
    /// The field of the size that made a block no header.
    pub(super) wrong_size: Option<BString>,
    global: Extended,
    block: Vec<u8>,
}

impl Reader {
    pub(super) fn new(data: Unpacked) -> Reader {
        Reader {
            data,
            at: 0,
            start: 0,
            left: 0,
            ignore_zeros: false,
            wrong_size: None,
            global: Extended::default(),
            block: Vec::new(),
        }
    }

    /// A whole block. `None`: there is none.
    async fn block(&mut self) -> Result<Option<[u8; BLOCK]>, StreamError> {
        self.block.clear();
        let count = self.data.take(BLOCK, &mut self.block).await?;
        self.at += count as u64;
        Ok(self.block.first_chunk::<BLOCK>().copied())
    }

    /// The next member; what is left of the last one is passed over.
    pub(super) async fn next(&mut self) -> Result<Next, ArchiveError> {
        self.skip().await?;
        self.start = self.at;
        let mut name: Option<BString> = None;
        let mut link: Option<BString> = None;
        let mut extended = self.global.clone();
        loop {
            let begin = self.at;
            let Some(block) = self.block().await? else {
                return Ok(Next::End { marked: false, lone: false });
            };
            if block == ZEROS {
                if self.ignore_zeros {
                    self.start = self.at;
                    continue;
                }
                self.start = begin;
                return Ok(match self.block().await? {
                    Some(ZEROS) => Next::End { marked: true, lone: false },
                    _ => Next::End { marked: false, lone: true },
                });
            }
            let raw = Raw(&block);
            if !raw.is_valid() {
                return Ok(Next::Garbage);
            }
            if let Some(field) = raw.wrong_size() {
                self.wrong_size = Some(field.into());
                return Ok(Next::Garbage);
            }
            match raw.kind_byte() {
                kind @ (b'L' | b'K' | b'x' | b'X' | b'g') => {
                    let data = self.small(raw.size()).await?;
                    let text = || {
                        BString::from(data.get(..data.find_byte(0).unwrap_or(data.len())).unwrap_or_default())
                    };
                    match kind {
                        b'L' => name = Some(text()),
                        b'K' => link = Some(text()),
                        b'g' => {
                            self.global.read(&data);
                            extended.read(&data);
                        }
                        _ => extended.read(&data),
                    }
                }
                kind => {
                    let mut member = raw.member();
                    if kind == b'S' {
                        let (mut pieces, mut more, size) = raw.old_sparse();
                        while more {
                            let block = self.block().await?.ok_or(ArchiveError::Truncated)?;
                            let (others, go_on) = Raw(&block).more_sparse();
                            pieces.extend(others);
                            more = go_on;
                            if pieces.len() as u64 * 16 > MOST_EXTENDED {
                                return Err(ArchiveError::TooLarge);
                            }
                        }
                        member.size = size;
                        member.sparse = Some(pieces);
                    }
                    if let Some(name) = name {
                        member.name = name;
                    }
                    if let Some(link) = link {
                        member.link = link;
                    }
                    extended.apply(&mut member);
                    // Old archives tell directories by their names alone; a long name stands elsewhere.
                    if matches!(kind, b'0' | 0) && member.name.ends_with(b"/") {
                        member.kind = Kind::Directory;
                        (member.size, member.stored) = (0, 0);
                    }
                    self.left = member.stored.next_multiple_of(BLOCK as u64);
                    if extended.map_in_data() {
                        self.map_in_data(&mut member).await?;
                    }
                    return Ok(Next::Member(Box::new(member)));
                }
            }
        }
    }

    /// The data of a member that belongs to another one's header.
    async fn small(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        if size > MOST_EXTENDED {
            return Err(ArchiveError::TooLarge);
        }
        let padded = size.next_multiple_of(BLOCK as u64) as usize;
        let mut data = Vec::new();
        let count = self.data.take(padded, &mut data).await?;
        self.at += count as u64;
        if count < padded {
            return Err(ArchiveError::Truncated);
        }
        data.truncate(size as usize);
        Ok(data)
    }

    /// The map of a sparse file that stands before its data: numbers, each on a line, filled up to a block.
    async fn map_in_data(&mut self, member: &mut Member) -> Result<(), ArchiveError> {
        let mut text = Vec::new();
        let mut numbers: Vec<u64> = Vec::new();
        loop {
            let block = self.block().await?.ok_or(ArchiveError::Truncated)?;
            self.left = self.left.saturating_sub(BLOCK as u64);
            member.stored = member.stored.saturating_sub(BLOCK as u64);
            text.extend_from_slice(&block);
            let mut used = 0;
            while let Some(end) = text.get(used..).and_then(|rest| rest.find_byte(b'\n')) {
                let digits = text.get(used..used + end).unwrap_or_default();
                let number = digits.to_str().ok().and_then(|digits| digits.parse().ok());
                numbers.push(number.ok_or(ArchiveError::Truncated)?);
                used += end + 1;
                let count = numbers.first().copied().unwrap_or(0);
                if count.saturating_mul(16) > MOST_EXTENDED {
                    return Err(ArchiveError::TooLarge);
                }
                if numbers.len() as u64 == 1 + count * 2 {
                    let pairs = numbers.get(1..).unwrap_or_default().chunks_exact(2);
                    member.sparse = Some(
                        pairs
                            .filter_map(|pair| match pair {
                                [offset, length] => Some((*offset, *length)),
                                _ => None,
                            })
                            .collect(),
                    );
                    return Ok(());
                }
            }
            text.drain(..used);
        }
    }

    /// Some of the member's data, `wanted` bytes at most, which is more than none.
    pub(super) async fn piece(&mut self, wanted: u64) -> Result<&[u8], ArchiveError> {
        let block = self.data.fill().await?;
        if block.is_empty() {
            return Err(ArchiveError::Truncated);
        }
        let count = block.len().min(usize::try_from(wanted.min(self.left)).unwrap_or(usize::MAX));
        Ok(block.get(..count).unwrap_or_default())
    }

    /// Takes what [`Reader::piece`] has shown.
    pub(super) fn consume(&mut self, count: usize) {
        self.data.consume(count);
        self.at += count as u64;
        self.left = self.left.saturating_sub(count as u64);
    }

    /// Passes over what is left of the member.
    async fn skip(&mut self) -> Result<(), ArchiveError> {
        while self.left > 0 {
            let count = self.piece(self.left).await?.len();
            self.consume(count);
        }
        Ok(())
    }

    /// Reads what stands behind the end, so that whoever writes it can end.
    pub(super) async fn drain(&mut self) {
        while let Ok(block) = self.data.fill().await {
            let count = block.len();
            if count == 0 {
                return;
            }
            self.data.consume(count);
        }
    }
}

/// Writes an archive.
pub(super) struct Writer {
    pub(super) packed: Packed,
    /// Bytes that were written, those before an appended part included.
    pub(super) at: u64,
    /// Bytes of a record, which the archive is filled up to.
    pub(super) record: u64,
}

impl Writer {
    pub(super) async fn put(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.at += bytes.len() as u64;
        self.packed.write(bytes).await
    }

    async fn zeros(&mut self, mut count: u64) -> Result<(), StreamError> {
        while count > 0 {
            let piece = count.min(BLOCK as u64);
            self.put(ZEROS.get(..piece as usize).unwrap_or_default()).await?;
            count -= piece;
        }
        Ok(())
    }

    /// Fills up the data of a member of which `missing` bytes could not be read.
    pub(super) async fn end_member(&mut self, missing: u64) -> Result<(), StreamError> {
        self.zeros(missing).await?;
        self.zeros(self.at.next_multiple_of(BLOCK as u64) - self.at).await
    }

    /// Ends the archive.
    pub(super) async fn finish(&mut self) -> Result<(), StreamError> {
        self.zeros(2 * BLOCK as u64).await?;
        self.zeros(self.at.next_multiple_of(self.record) - self.at).await?;
        self.packed.finish().await
    }
}
