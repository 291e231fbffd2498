//! The bytes of a regular file: shared, copy-on-write chunks; holes take no storage.
//!
//! A file is cut into pieces of [`CHUNK`] bytes. A chunk holds a prefix of its
//! piece; what it does not hold, and every piece without a chunk, reads as NUL.
//! Chunks are reference-counted and written to only while unshared, so a copy
//! of a file, a snapshot and an open snapshot reader cost a pointer a chunk.
//! A chunk starts at exactly the size of the first write, so thousands of tiny
//! files are cheap, and doubles when it grows, so appending is amortised O(1).

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::Errno;

/// Bytes of a full chunk.
///
/// Chosen with `benches/files.rs`: chunks of 16 KiB make writing and reading
/// 10 MiB slower by half and more, and sharing a copy three times as slow; chunks
/// of 256 KiB read no faster in pieces and make the first write to a shared
/// chunk nearly twice as slow.
pub(crate) const CHUNK: usize = 64 * 1024;
const CHUNK_U64: u64 = CHUNK as u64;
/// The unit in which common filesystems allot storage.
const PAGE: usize = 4096;

type Chunk = Rc<Vec<u8>>;

/// The contents of one regular file. Cloning shares the chunks.
#[derive(Clone, Default)]
pub(crate) struct Contents {
    size: u64,
    /// Bytes held by all chunks.
    stored: u64,
    /// Pages of 4,096 bytes that the chunks would fill.
    pages: u64,
    /// The first piece, so that a small file needs no map.
    first: Option<Chunk>,
    /// The other pieces, by number.
    rest: BTreeMap<u64, Chunk>,
}

/// Where in the chunks a range lies: piece, start and length inside it.
fn pieces(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let mut at = offset;
    let mut left = length;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let start = (at % CHUNK_U64) as usize;
        let n = left.min(CHUNK - start);
        let piece = at / CHUNK_U64;
        at += n as u64;
        left -= n;
        Some((piece, start, n))
    })
}

fn out_of_memory<E>(_: E) -> Errno {
    Errno::NoMemory
}

impl Contents {
    /// `st_size`.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that count against the quota: what the chunks hold, shared or not.
    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    /// `st_blocks`: whole pages of 4,096 bytes, as common filesystems allot them.
    pub(crate) fn blocks(&self) -> u64 {
        self.pages * 8
    }

    fn chunk(&self, piece: u64) -> Option<&Chunk> {
        if piece == 0 { self.first.as_ref() } else { self.rest.get(&piece) }
    }

    /// The chunks that exist, in order, with the offset of each.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (u64, &Vec<u8>)> {
        let first = self.first.iter().map(|chunk| (0, &**chunk));
        first.chain(self.rest.iter().map(|(piece, chunk)| (piece * CHUNK_U64, &**chunk)))
    }

    /// The first stored bytes at or after `offset`: where they start, and what follows in their chunk.
    pub(crate) fn next_stored(&self, offset: u64) -> Option<(u64, &[u8])> {
        let piece = offset / CHUNK_U64;
        let first = self.first.as_ref().filter(|_| piece == 0).map(|chunk| (0, chunk));
        first.into_iter().chain(self.rest.range(piece..).map(|(piece, chunk)| (*piece, chunk))).find_map(
            |(piece, chunk)| {
                let start = piece * CHUNK_U64;
                let skip = usize::try_from(offset.saturating_sub(start)).ok()?;
                let bytes = chunk.get(skip..).filter(|bytes| !bytes.is_empty())?;
                Some((start + skip as u64, bytes))
            },
        )
    }

    /// Appends to `buffer` what lies at `offset`, at most `max` bytes. How many.
    pub(crate) fn read(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let available = self.size.saturating_sub(offset);
        let length = usize::try_from(available).unwrap_or(usize::MAX).min(max);
        buffer.try_reserve(length).map_err(out_of_memory)?;
        for (piece, start, n) in pieces(offset, length) {
            let end = buffer.len() + n;
            if let Some(chunk) = self.chunk(piece) {
                let stop = (start + n).min(chunk.len());
                if let Some(bytes) = chunk.get(start..stop) {
                    buffer.extend_from_slice(bytes);
                }
            }
            buffer.resize(end, 0);
        }
        Ok(length)
    }

    /// How many bytes more the chunks will hold after a write.
    pub(crate) fn growth(&self, offset: u64, length: usize) -> u64 {
        pieces(offset, length)
            .map(|(piece, start, n)| {
                let held = self.chunk(piece).map_or(0, |chunk| chunk.len());
                (start + n).saturating_sub(held) as u64
            })
            .sum()
    }

    /// Writes at `offset`. The caller has checked quota, and that the end of the
    /// range can be expressed. On an error (no memory) nothing has changed.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        // First make all room, then copy: a failure leaves no half of a write.
        for (piece, start, n) in pieces(offset, bytes.len()) {
            self.make_room(piece, start + n)?;
        }
        let mut left = bytes;
        for (piece, start, n) in pieces(offset, bytes.len()) {
            let Some((now, later)) = left.split_at_checked(n) else { break };
            left = later;
            let Some(chunk) = self.chunk_mut(piece).and_then(Rc::get_mut) else {
                return Err(Errno::Io); // make_room has unshared it
            };
            let before = chunk.len();
            if before <= start {
                chunk.resize(start, 0);
                chunk.extend_from_slice(now);
            } else {
                let (inside, beyond) = now.split_at(n.min(before - start));
                if let Some(target) = chunk.get_mut(start..start + inside.len()) {
                    target.copy_from_slice(inside);
                }
                chunk.extend_from_slice(beyond);
            }
            let after = chunk.len();
            self.stored += (after - before) as u64;
            self.pages += (after.div_ceil(PAGE) - before.div_ceil(PAGE)) as u64;
        }
        self.size = self.size.max(offset.saturating_add(bytes.len() as u64));
        Ok(())
    }

    fn chunk_mut(&mut self, piece: u64) -> Option<&mut Chunk> {
        if piece == 0 { self.first.as_mut() } else { self.rest.get_mut(&piece) }
    }

    /// Makes the chunk exist, unshared, with room for `end` bytes.
    fn make_room(&mut self, piece: u64, end: usize) -> Result<(), Errno> {
        let Some(chunk) = self.chunk_mut(piece) else {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(end).map_err(out_of_memory)?;
            let chunk = Rc::new(bytes);
            if piece == 0 {
                self.first = Some(chunk);
            } else {
                self.rest.insert(piece, chunk);
            }
            return Ok(());
        };
        let held = chunk.len();
        match Rc::get_mut(chunk) {
            Some(bytes) if bytes.capacity() >= end => Ok(()),
            Some(bytes) => {
                let room = end.max(bytes.capacity().saturating_mul(2).min(CHUNK));
                bytes.try_reserve_exact(room - held).map_err(out_of_memory)
            }
            None => {
                let mut copy = Vec::new();
                copy.try_reserve_exact(end.max(held)).map_err(out_of_memory)?;
                copy.extend_from_slice(chunk);
                *chunk = Rc::new(copy);
                Ok(())
            }
        }
    }

    /// `ftruncate(2)`: cuts off, or adds a hole.
    pub(crate) fn set_size(&mut self, size: u64) -> Result<(), Errno> {
        if size < self.size {
            let (last, keep) = (size / CHUNK_U64, (size % CHUNK_U64) as usize);
            if let Some(chunk) = self.chunk_mut(last).filter(|chunk| chunk.len() > keep) {
                if let Some(bytes) = Rc::get_mut(chunk) {
                    bytes.truncate(keep);
                    bytes.shrink_to_fit();
                } else {
                    let mut copy = Vec::new();
                    copy.try_reserve_exact(keep).map_err(out_of_memory)?;
                    copy.extend_from_slice(chunk.get(..keep).unwrap_or_default());
                    *chunk = Rc::new(copy);
                }
            }
            self.rest.split_off(&(last + 1));
            if keep == 0 {
                if last == 0 {
                    self.first = None;
                } else {
                    self.rest.remove(&last);
                }
            }
            self.stored = self.chunks().map(|(_, chunk)| chunk.len() as u64).sum();
            self.pages = self.chunks().map(|(_, chunk)| chunk.len().div_ceil(PAGE) as u64).sum();
        }
        self.size = size;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(contents: &Contents) -> Vec<u8> {
        let mut out = Vec::new();
        contents.read(0, &mut out, usize::MAX).unwrap();
        out
    }

    #[test]
    fn a_hole_reads_as_nul_and_stores_nothing() {
        let mut c = Contents::default();
        c.write(10 * CHUNK_U64 + 3, b"end").unwrap();
        assert_eq!(c.size(), 10 * CHUNK_U64 + 6);
        assert_eq!(c.stored(), 6);
        let out = all(&c);
        assert!(out[..10 * CHUNK + 3].iter().all(|b| *b == 0));
        assert_eq!(&out[10 * CHUNK + 3..], b"end");
        c.set_size(u64::from(u32::MAX) * 4096).unwrap();
        assert_eq!(c.stored(), 6);
    }

    #[test]
    fn a_copy_shares_until_one_is_written_to() {
        let mut a = Contents::default();
        a.write(0, &vec![7; 3 * CHUNK]).unwrap();
        let mut b = a.clone();
        b.write(CHUNK_U64 + 1, b"x").unwrap();
        assert!(Rc::ptr_eq(a.chunk(0).unwrap(), b.chunk(0).unwrap()));
        assert!(!Rc::ptr_eq(a.chunk(1).unwrap(), b.chunk(1).unwrap()));
        assert!(all(&a).iter().all(|b| *b == 7));
        assert_eq!(all(&b)[CHUNK + 1], b'x');
    }

    #[test]
    fn growth_foretells_what_a_write_stores() {
        let mut c = Contents::default();
        for (offset, n) in [(5, 10), (0, 3), (CHUNK_U64 - 4, 9), (CHUNK_U64 * 3, CHUNK * 2 + 1), (2, 0)] {
            let before = c.stored();
            let growth = c.growth(offset, n);
            c.write(offset, &vec![1; n]).unwrap();
            assert_eq!(c.stored(), before + growth);
        }
    }

    #[test]
    fn cutting_forgets_the_bytes() {
        let mut c = Contents::default();
        c.write(0, &vec![9; 2 * CHUNK + 10]).unwrap();
        let shared = c.clone();
        c.set_size(CHUNK_U64 + 5).unwrap();
        c.set_size(CHUNK_U64 + 10).unwrap();
        assert_eq!(&all(&c)[CHUNK + 3..], &[9, 9, 0, 0, 0, 0, 0]);
        assert_eq!(c.stored(), CHUNK_U64 + 5);
        assert_eq!(shared.size(), 2 * CHUNK_U64 + 10);
        assert!(all(&shared).iter().all(|b| *b == 9));
        c.set_size(0).unwrap();
        assert_eq!((c.stored(), c.blocks()), (0, 0));
    }

    #[test]
    fn next_stored_skips_holes() {
        let mut c = Contents::default();
        c.write(3, b"abc").unwrap();
        c.write(4 * CHUNK_U64, b"xyz").unwrap();
        assert_eq!(c.next_stored(5), Some((5, &b"c"[..])));
        assert_eq!(c.next_stored(6), Some((4 * CHUNK_U64, &b"xyz"[..])));
        assert_eq!(c.next_stored(4 * CHUNK_U64 + 3), None);
    }
}
