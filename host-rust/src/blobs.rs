//! Contents of files that a session's filesystem has given to the host, or that the host lends it.
//!
//! Copying this copies pointers: sessions that came from one another, and the checkpoint of a session, share the bytes.
//! Numbers mean something in one session only, so that none can name what is another's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::sync::Arc;

/// Somebody who lends a file.
pub(crate) trait Lender: Send + Sync {
    /// So many bytes from an offset. `None`: the file is not what it was.
    fn read(&self, offset: u64, length: usize) -> Option<Vec<u8>>;
}

#[derive(Clone, Default)]
enum Place {
    #[default]
    Free,
    Kept(Arc<Vec<u8>>),
    Lent(Arc<dyn Lender>),
}

/// What the filesystem of one session has outside of its memory.
///
/// A copy is made for every fork and every checkpoint, so it copies nothing before one of the two is changed.
#[derive(Clone)]
pub(crate) struct Blobs {
    places: Arc<Vec<Place>>,
    /// The least is taken first: numbers that follow one another take less room in a snapshot that is shared.
    free: Arc<BinaryHeap<Reverse<u32>>>,
    /// Bytes that are kept.
    bytes: u64,
    /// And the most that may be: the filesystem bounds it by its quota; this is for one that does not.
    most: u64,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blobs").field("places", &self.places.len()).field("bytes", &self.bytes).finish()
    }
}

impl Blobs {
    /// None yet, and room for so many bytes.
    pub(crate) fn new(most: u64) -> Self {
        Self { places: Arc::default(), free: Arc::default(), bytes: 0, most }
    }

    fn put(&mut self, place: Place) -> Option<u64> {
        let places = Arc::make_mut(&mut self.places);
        if !self.free.is_empty()
            && let Some(Reverse(number)) = Arc::make_mut(&mut self.free).pop()
        {
            *places.get_mut(number as usize)? = place;
            return Some(number.into());
        }
        let number = u32::try_from(places.len()).ok()?;
        places.push(place);
        Some(number.into())
    }

    /// Keeps bytes, if there is room.
    pub(crate) fn keep(&mut self, bytes: Vec<u8>) -> Option<u64> {
        let held = self.bytes.checked_add(bytes.len() as u64).filter(|held| *held <= self.most)?;
        let number = self.put(Place::Kept(Arc::new(bytes)))?;
        self.bytes = held;
        Some(number)
    }

    /// Has a file lent.
    pub(crate) fn lend(&mut self, lender: Arc<dyn Lender>) -> Option<u64> {
        self.put(Place::Lent(lender))
    }

    /// A part of what is there under a number.
    pub(crate) fn read(&self, number: u64, offset: u64, length: usize) -> Option<Vec<u8>> {
        match self.places.get(usize::try_from(number).ok()?)? {
            Place::Free => None,
            Place::Kept(bytes) => {
                let start = usize::try_from(offset).ok()?;
                Some(bytes.get(start..start.checked_add(length)?)?.to_vec())
            }
            Place::Lent(lender) => lender.read(offset, length).filter(|bytes| bytes.len() == length),
        }
    }

    /// Frees a number.
    pub(crate) fn release(&mut self, number: u64) {
        let Ok(number) = u32::try_from(number) else { return };
        match Arc::make_mut(&mut self.places).get_mut(number as usize).map(std::mem::take) {
            None | Some(Place::Free) => return,
            Some(Place::Kept(bytes)) => self.bytes = self.bytes.saturating_sub(bytes.len() as u64),
            Some(Place::Lent(_)) => {}
        }
        Arc::make_mut(&mut self.free).push(Reverse(number));
    }

    /// Whether two numbers, of two sessions perhaps, are the same bytes in memory.
    pub(crate) fn same(&self, number: u64, other: &Self, others: u64) -> bool {
        let place = |blobs: &Self, number| {
            usize::try_from(number).ok().and_then(|place| blobs.places.get(place)).cloned()
        };
        match (place(self, number), place(other, others)) {
            (Some(Place::Kept(a)), Some(Place::Kept(b))) => Arc::ptr_eq(&a, &b),
            (Some(Place::Lent(a)), Some(Place::Lent(b))) => Arc::ptr_eq(&a, &b),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_copies_go_their_own_way() {
        let mut one = Blobs::new(10);
        let (a, b) = (one.keep(vec![1; 4]).unwrap(), one.keep(vec![2; 4]).unwrap());
        assert_eq!(one.keep(vec![3; 3]), None);
        let two = one.clone();
        assert!(one.same(a, &two, a) && !one.same(a, &two, b));
        one.release(a);
        one.release(a);
        assert_eq!((one.read(a, 0, 1), two.read(a, 1, 2)), (None, Some(vec![1, 1])));
        assert_eq!(one.keep(vec![3; 3]), Some(a));
        assert_eq!(
            (one.read(a, 0, 3), two.read(b, 3, 2), two.read(99, 0, 1)),
            (Some(vec![3; 3]), None, None)
        );
        assert!(!one.same(a, &two, a) && one.same(b, &two, b));
    }

    #[test]
    fn numbers_that_were_released_are_given_in_their_order() {
        let mut blobs = Blobs::new(100);
        let numbers: Vec<_> = (0..5).map(|i| blobs.keep(vec![i]).unwrap()).collect();
        for number in [1, 4, 2] {
            blobs.release(number);
        }
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        assert_eq!([(); 4].map(|()| blobs.keep(vec![9]).unwrap()), [1, 2, 4, 5]);
    }
}
