//! The bytes of a regular file: shared, copy-on-write chunks; holes take no storage.
//!
//! A file is cut into pieces of [`CHUNK`] bytes. A chunk holds a prefix of its
//! piece; what it does not hold, and every piece without a chunk, reads as NUL.
//! Chunks are reference-counted and written to only while unshared, so a copy
//! of a file, a snapshot and an open snapshot reader cost a pointer a chunk.
//! A chunk starts at exactly the size of the first write, so thousands of tiny
//! files are cheap, and doubles when it grows, so appending is amortised O(1).
//!
//! Where there is a [`Keeper`], a chunk that has become full is given to it, and is
//! a number here; a write to it brings it back. So what is large is outside, where
//! several filesystems can share it, and what is being written is here.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::Errno;
use crate::kept::{Keeper, Kept, Part};

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

/// Chunks from this size on are given to a keeper when a filesystem is to be shared; a smaller one costs less where it is.
const SEALED: usize = 512;

/// The storage of one piece.
#[derive(Clone)]
pub(crate) enum Chunk {
    /// In this memory.
    Here(Rc<Vec<u8>>),
    /// At the keeper's.
    There(Part),
}

impl Chunk {
    fn len(&self) -> usize {
        match self {
            Self::Here(bytes) => bytes.len(),
            Self::There(part) => part.length,
        }
    }

    /// Bytes that count against the quota.
    fn counted(&self) -> u64 {
        match self {
            Self::There(part) if part.kept.lent => 0,
            _ => self.len() as u64,
        }
    }

    /// Appends what is in a range, as far as there is something.
    fn read(&self, start: usize, length: usize, buffer: &mut Vec<u8>) -> Result<(), Errno> {
        match self {
            Self::Here(bytes) => {
                let stop = start.saturating_add(length).min(bytes.len());
                buffer.extend_from_slice(bytes.get(start..stop).unwrap_or_default());
                Ok(())
            }
            Self::There(part) => part.read(start, length, buffer),
        }
    }
}

/// Bytes that are stored together.
pub(crate) struct Stored<'a> {
    pub(crate) offset: u64,
    pub(crate) length: usize,
    /// Where the keeper has them, when they are all of what it has of this chunk.
    pub(crate) part: Option<&'a Part>,
}

/// Bytes of a file that the keeper has: one part, or whole chunks that follow one another there as they do here. What is
/// lent is one number then, what is kept a number for each chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) length: usize,
    /// The first number, and where the bytes begin there.
    pub(crate) number: u64,
    pub(crate) at: u64,
    pub(crate) lent: bool,
}

impl Extent {
    /// What the keeper has, as it was found in a chunk.
    fn of(offset: u64, part: &Part) -> Self {
        Self { offset, length: part.length, number: part.kept.number, at: part.at, lent: part.kept.lent }
    }

    /// The chunks of it: where each is in the file, its number, where it begins there, its length.
    pub(crate) fn chunks(self) -> impl Iterator<Item = Self> {
        let Self { offset, length, number, at, lent } = self;
        (0..length.div_ceil(CHUNK) as u64).map(move |i| {
            let skipped = i.saturating_mul(CHUNK_U64);
            Self {
                offset: offset.saturating_add(skipped),
                length: length.saturating_sub(skipped as usize).min(CHUNK),
                number: if lent { number } else { number.saturating_add(i) },
                at: if lent { at.saturating_add(skipped) } else { at },
                lent,
            }
        })
    }

    /// This and a chunk that follows it, as one; `None`: they do not belong together.
    fn joined(self, next: Self, most: usize) -> Option<Self> {
        let whole = self.length.is_multiple_of(CHUNK).then_some((self.length / CHUNK) as u64)?;
        let follows = if self.lent {
            (self.number, self.at.checked_add(self.length as u64)?)
        } else {
            (self.number.checked_add(whole)?, self.at)
        };
        let joins = next.lent == self.lent
            && (next.number, next.at) == follows
            && next.offset == self.offset.checked_add(self.length as u64)?;
        let length = self.length.checked_add(next.length).filter(|length| *length <= most)?;
        joins.then_some(Self { length, ..self })
    }
}

/// The contents of one regular file. Cloning shares the chunks.
#[derive(Clone, Default)]
pub(crate) struct Contents {
    size: u64,
    /// Bytes held by all chunks, but for those that are lent.
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
    /// Contents that somebody lends: they are read when they are asked for, and take no storage here.
    pub(crate) fn lent(kept: &Rc<Kept>, size: u64) -> Self {
        let mut contents = Self { size, ..Self::default() };
        let mut at = 0;
        while at < size {
            let length = usize::try_from(size - at).unwrap_or(CHUNK).min(CHUNK);
            contents.put(at / CHUNK_U64, Chunk::There(Part { kept: Rc::clone(kept), at, length }));
            at += length as u64;
        }
        contents
    }

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

    /// The chunks that exist, in order.
    fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.first.iter().chain(self.rest.values())
    }

    /// The first stored bytes at or after `offset`, to the end of their chunk.
    pub(crate) fn next_stored(&self, offset: u64) -> Option<Stored<'_>> {
        let piece = offset / CHUNK_U64;
        let first = self.first.as_ref().filter(|_| piece == 0).map(|chunk| (0, chunk));
        first.into_iter().chain(self.rest.range(piece..).map(|(piece, chunk)| (*piece, chunk))).find_map(
            |(piece, chunk)| {
                let start = piece * CHUNK_U64;
                let skip = usize::try_from(offset.saturating_sub(start)).ok()?;
                let length = chunk.len().checked_sub(skip).filter(|length| *length > 0)?;
                let part = match chunk {
                    Chunk::There(part) if skip == 0 => Some(part),
                    _ => None,
                };
                Some(Stored { offset: start + skip as u64, length, part })
            },
        )
    }

    /// As [`Contents::next_stored`], for what the keeper has: with the chunks that follow, as far as it has them one after
    /// the other, at most `most` bytes. `None` too where the next bytes are here.
    pub(crate) fn next_kept(&self, offset: u64, most: usize) -> Option<Extent> {
        let Stored { offset, part: Some(part), .. } = self.next_stored(offset)? else { return None };
        let mut extent = Extent::of(offset, part);
        for (piece, chunk) in self.rest.range(offset / CHUNK_U64 + 1..) {
            let Chunk::There(part) = chunk else { break };
            let Some(joined) = extent.joined(Extent::of(piece.saturating_mul(CHUNK_U64), part), most) else {
                break;
            };
            extent = joined;
        }
        Some(extent)
    }

    /// Appends to `buffer` what lies at `offset`, at most `max` bytes. How many.
    pub(crate) fn read(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let available = self.size.saturating_sub(offset);
        let length = usize::try_from(available).unwrap_or(usize::MAX).min(max);
        buffer.try_reserve(length).map_err(out_of_memory)?;
        let before = buffer.len();
        for (piece, start, n) in pieces(offset, length) {
            let end = buffer.len() + n;
            if let Some(Err(error)) = self.chunk(piece).map(|chunk| chunk.read(start, n, buffer)) {
                buffer.truncate(before);
                return Err(error);
            }
            buffer.resize(end, 0);
        }
        Ok(length)
    }

    /// How many bytes more the chunks will hold after a write.
    pub(crate) fn growth(&self, offset: u64, length: usize) -> u64 {
        pieces(offset, length)
            .map(|(piece, start, n)| {
                let (held, counted) =
                    self.chunk(piece).map_or((0, 0), |chunk| (chunk.len(), chunk.counted()));
                (held.max(start + n) as u64).saturating_sub(counted)
            })
            .sum()
    }

    /// Writes at `offset`. The caller has checked quota, and that the end of the
    /// range can be expressed. On an error (no memory) nothing has changed.
    pub(crate) fn write(
        &mut self,
        offset: u64,
        bytes: &[u8],
        keeper: Option<&Rc<dyn Keeper>>,
    ) -> Result<(), Errno> {
        // First make all room, then copy: a failure leaves no half of a write.
        let mut whole = BTreeMap::new();
        let mut left = bytes;
        for (piece, start, n) in pieces(offset, bytes.len()) {
            let (now, later) = left.split_at_checked(n).unwrap_or((left, &[]));
            left = later;
            match Part::keep(keeper.filter(|_| n == CHUNK), now) {
                Some(part) => {
                    whole.insert(piece, Chunk::There(part));
                }
                None => self.make_room(piece, start + n)?,
            }
        }
        let mut left = bytes;
        for (piece, start, n) in pieces(offset, bytes.len()) {
            let Some((now, later)) = left.split_at_checked(n) else { break };
            left = later;
            if let Some(chunk) = whole.remove(&piece) {
                self.put(piece, chunk);
                continue;
            }
            let chunk = if piece == 0 { self.first.as_mut() } else { self.rest.get_mut(&piece) };
            let Some(Chunk::Here(shared)) = chunk else { return Err(Errno::Io) };
            let Some(chunk) = Rc::get_mut(shared) else {
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
            // Who writes from the start to the end has done with it.
            if start + n == CHUNK
                && let Some(part) = Part::keep(keeper, chunk)
            {
                self.put(piece, Chunk::There(part));
            }
        }
        self.size = self.size.max(offset.saturating_add(bytes.len() as u64));
        Ok(())
    }

    /// Puts a chunk in the place of what a piece has.
    fn put(&mut self, piece: u64, chunk: Chunk) {
        self.stored += chunk.counted();
        self.pages += chunk.len().div_ceil(PAGE) as u64;
        let before = if piece == 0 { self.first.replace(chunk) } else { self.rest.insert(piece, chunk) };
        if let Some(before) = before {
            self.stored -= before.counted();
            self.pages -= before.len().div_ceil(PAGE) as u64;
        }
    }

    /// Takes over what the keeper has, at the start of a piece. `kept` makes the owners of numbers.
    pub(crate) fn adopt(
        &mut self,
        extent: Extent,
        mut kept: impl FnMut(u64) -> Rc<Kept>,
    ) -> Result<(), Errno> {
        if !extent.offset.is_multiple_of(CHUNK_U64) {
            return Err(Errno::Invalid);
        }
        let chunk = |Extent { offset, length, number, at, .. }: Extent| {
            (offset / CHUNK_U64, Chunk::There(Part { kept: kept(number), at, length }))
        };
        let mut chunks = extent.chunks().map(chunk);
        if extent.offset == 0
            && let Some((piece, first)) = chunks.next()
        {
            self.put(piece, first);
        }
        if !self.rest.is_empty() {
            chunks.for_each(|(piece, chunk)| self.put(piece, chunk));
            return Ok(());
        }
        // A tree that is made at once takes a fraction of the time.
        self.rest = chunks.collect();
        for chunk in self.rest.values() {
            self.stored += chunk.counted();
            self.pages += chunk.len().div_ceil(PAGE) as u64;
        }
        Ok(())
    }

    /// Whether it is lent: then all of it is.
    pub(crate) fn is_lent(&self) -> bool {
        matches!(&self.first, Some(Chunk::There(part)) if part.kept.lent)
    }

    /// A copy that needs nobody else's storage.
    pub(crate) fn owned(&self, keeper: Option<&Rc<dyn Keeper>>) -> Result<Self, Errno> {
        let mut copy = Self::default();
        let mut bytes = Vec::new();
        let mut offset = 0;
        while let Some(stored) = self.next_stored(offset) {
            bytes.clear();
            self.read(stored.offset, &mut bytes, stored.length)?;
            copy.write(stored.offset, &bytes, keeper)?;
            offset = stored.offset.saturating_add(stored.length as u64);
        }
        copy.size = self.size;
        Ok(copy)
    }

    /// Gives to the keeper what is worth it, so that others can share it.
    pub(crate) fn seal(&mut self, keeper: &Rc<dyn Keeper>) {
        for chunk in self.first.iter_mut().chain(self.rest.values_mut()) {
            if let Chunk::Here(bytes) = chunk
                && bytes.len() >= SEALED
                && let Some(part) = Part::keep(Some(keeper), bytes)
            {
                *chunk = Chunk::There(part);
            }
        }
    }

    fn chunk_mut(&mut self, piece: u64) -> Option<&mut Chunk> {
        if piece == 0 { self.first.as_mut() } else { self.rest.get_mut(&piece) }
    }

    /// Makes the chunk exist, here and unshared, with room for `end` bytes.
    fn make_room(&mut self, piece: u64, end: usize) -> Result<(), Errno> {
        let copy = match self.chunk_mut(piece) {
            None => Vec::new(),
            Some(Chunk::Here(shared)) => {
                let held = shared.len();
                match Rc::get_mut(shared) {
                    Some(bytes) if bytes.capacity() >= end => return Ok(()),
                    Some(bytes) => {
                        let room = end.max(bytes.capacity().saturating_mul(2).min(CHUNK));
                        return bytes.try_reserve_exact(room - held).map_err(out_of_memory);
                    }
                    None => shared.as_slice().to_vec_with_room(end)?,
                }
            }
            Some(Chunk::There(part)) => {
                let mut copy = Vec::new();
                copy.try_reserve_exact(end.max(part.length)).map_err(out_of_memory)?;
                part.read(0, part.length, &mut copy)?;
                copy
            }
        };
        let mut copy = copy;
        copy.try_reserve_exact(end.saturating_sub(copy.len())).map_err(out_of_memory)?;
        self.put(piece, Chunk::Here(Rc::new(copy)));
        Ok(())
    }

    /// `ftruncate(2)`: cuts off, or adds a hole.
    pub(crate) fn set_size(&mut self, size: u64) -> Result<(), Errno> {
        if size < self.size {
            let (last, keep) = (size / CHUNK_U64, (size % CHUNK_U64) as usize);
            match self.chunk_mut(last).filter(|chunk| chunk.len() > keep) {
                Some(Chunk::Here(shared)) => {
                    if let Some(bytes) = Rc::get_mut(shared) {
                        bytes.truncate(keep);
                        bytes.shrink_to_fit();
                    } else {
                        let kept = shared.get(..keep).unwrap_or_default();
                        *shared = Rc::new(kept.to_vec_with_room(keep)?);
                    }
                }
                Some(Chunk::There(part)) => part.length = keep,
                None => {}
            }
            self.rest.split_off(&(last + 1));
            if keep == 0 {
                if last == 0 {
                    self.first = None;
                } else {
                    self.rest.remove(&last);
                }
            }
            self.stored = self.chunks().map(Chunk::counted).sum();
            self.pages = self.chunks().map(|chunk| chunk.len().div_ceil(PAGE) as u64).sum();
        }
        self.size = size;
        Ok(())
    }
}

/// A copy that can fail.
trait ToVecWithRoom {
    /// A copy with room for so many bytes, or as many as there are.
    fn to_vec_with_room(&self, room: usize) -> Result<Vec<u8>, Errno>;
}

impl ToVecWithRoom for [u8] {
    fn to_vec_with_room(&self, room: usize) -> Result<Vec<u8>, Errno> {
        let mut copy = Vec::new();
        copy.try_reserve_exact(room.max(self.len())).map_err(out_of_memory)?;
        copy.extend_from_slice(self);
        Ok(copy)
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
        c.write(10 * CHUNK_U64 + 3, b"end", None).unwrap();
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
        a.write(0, &vec![7; 3 * CHUNK], None).unwrap();
        let mut b = a.clone();
        b.write(CHUNK_U64 + 1, b"x", None).unwrap();
        let same = |piece| match (a.chunk(piece), b.chunk(piece)) {
            (Some(Chunk::Here(a)), Some(Chunk::Here(b))) => Rc::ptr_eq(a, b),
            _ => panic!("piece {piece} is not here"),
        };
        assert!(same(0) && !same(1));
        assert!(all(&a).iter().all(|b| *b == 7));
        assert_eq!(all(&b)[CHUNK + 1], b'x');
    }

    #[test]
    fn growth_foretells_what_a_write_stores() {
        let mut c = Contents::default();
        for (offset, n) in [(5, 10), (0, 3), (CHUNK_U64 - 4, 9), (CHUNK_U64 * 3, CHUNK * 2 + 1), (2, 0)] {
            let before = c.stored();
            let growth = c.growth(offset, n);
            c.write(offset, &vec![1; n], None).unwrap();
            assert_eq!(c.stored(), before + growth);
        }
    }

    #[test]
    fn cutting_forgets_the_bytes() {
        let mut c = Contents::default();
        c.write(0, &vec![9; 2 * CHUNK + 10], None).unwrap();
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
        c.write(3, b"abc", None).unwrap();
        c.write(4 * CHUNK_U64, b"xyz", None).unwrap();
        let next = |offset| c.next_stored(offset).map(|stored| (stored.offset, stored.length));
        assert_eq!(next(5), Some((5, 1)));
        assert_eq!(next(6), Some((4 * CHUNK_U64, 3)));
        assert_eq!(next(4 * CHUNK_U64 + 3), None);
    }

    /// A keeper that keeps everything, and tells how much it has.
    #[derive(Default)]
    struct Shelf(std::cell::RefCell<BTreeMap<u64, Vec<u8>>>);

    impl Keeper for Shelf {
        fn keep(&self, bytes: &[u8]) -> Option<u64> {
            let mut shelf = self.0.borrow_mut();
            let number = shelf.last_key_value().map_or(7, |(last, _)| last + 1);
            shelf.insert(number, bytes.to_vec());
            Some(number)
        }

        fn read(&self, number: u64, offset: u64, length: usize, buffer: &mut Vec<u8>) -> Result<(), Errno> {
            let shelf = self.0.borrow();
            let start = usize::try_from(offset).unwrap();
            let bytes = shelf.get(&number).and_then(|bytes| bytes.get(start..start + length));
            buffer.extend_from_slice(bytes.ok_or(Errno::Io)?);
            Ok(())
        }

        fn release(&self, number: u64) {
            assert!(self.0.borrow_mut().remove(&number).is_some());
        }
    }

    #[test]
    fn full_chunks_are_kept_elsewhere_and_come_back_to_be_written_to() {
        let shelf = Rc::new(Shelf::default());
        let keeper: Rc<dyn Keeper> = shelf.clone();
        let kept = || shelf.0.borrow().len();
        let mut c = Contents::default();
        let bytes: Vec<u8> = (0..3 * CHUNK + 100).map(|i| (i % 251) as u8).collect();
        // In one go, and in pieces that do not fit.
        c.write(0, &bytes[..2 * CHUNK], Some(&keeper)).unwrap();
        assert_eq!(kept(), 2);
        for (at, piece) in bytes[2 * CHUNK..].chunks(1000).enumerate() {
            c.write((2 * CHUNK + at * 1000) as u64, piece, Some(&keeper)).unwrap();
        }
        assert_eq!((kept(), c.stored(), c.size()), (3, bytes.len() as u64, bytes.len() as u64));
        assert!(all(&c) == bytes);

        let frozen = c.clone();
        c.write(5, b"changed", Some(&keeper)).unwrap();
        assert_eq!((kept(), c.stored()), (3, bytes.len() as u64));
        assert!(all(&frozen) == bytes && all(&c)[5..12] == *b"changed" && all(&c)[12..] == bytes[12..]);
        c.seal(&keeper);
        // The first again, and the last is not worth it.
        assert_eq!(kept(), 4);
        c.set_size(CHUNK_U64 + 3).unwrap();
        assert_eq!((c.stored(), all(&c).len()), (CHUNK_U64 + 3, CHUNK + 3));
        drop(frozen);
        assert_eq!(kept(), 2);
        drop(c);
        assert_eq!(kept(), 0);
    }

    #[test]
    fn what_is_lent_counts_only_once_it_is_changed() {
        let shelf = Rc::new(Shelf::default());
        let keeper: Rc<dyn Keeper> = shelf.clone();
        let number = shelf.keep(&vec![3; CHUNK + 10]).unwrap();
        let mut c = Contents::lent(&Kept::new(number, true, &keeper), CHUNK_U64 + 10);
        assert_eq!((c.size(), c.stored(), c.blocks()), (CHUNK_U64 + 10, 0, 17 * 8));
        assert!(all(&c) == [3; CHUNK + 10]);
        assert_eq!(c.growth(CHUNK_U64 + 2, 1), 10);
        c.write(CHUNK_U64 + 2, b"x", Some(&keeper)).unwrap();
        assert_eq!(c.stored(), 10);
        assert_eq!(&all(&c)[CHUNK..], b"\x03\x03x\x03\x03\x03\x03\x03\x03\x03");
        shelf.0.borrow_mut().get_mut(&number).unwrap().clear();
        let mut out = vec![1];
        assert_eq!((c.read(0, &mut out, 10), out), (Err(Errno::Io), vec![1]));
    }
}
