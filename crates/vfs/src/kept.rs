//! Contents that whoever embeds the filesystem keeps for it.

use std::rc::Rc;

use crate::Errno;

/// Where contents can be kept outside of the filesystem's own memory, each under a number.
///
/// Numbers are what makes a fork cheap: two filesystems that know the same number share what is behind it. Called while
/// the tree is borrowed: an implementation must not call the filesystem.
pub trait Keeper {
    /// Takes bytes in, under a number that is theirs until it is released. `None`: the filesystem keeps them itself.
    fn keep(&self, bytes: &[u8]) -> Option<u64>;

    /// Appends `length` bytes from `offset` to `buffer`.
    ///
    /// # Errors
    /// `Io`: they are not there any more.
    fn read(&self, number: u64, offset: u64, length: usize, buffer: &mut Vec<u8>) -> Result<(), Errno>;

    /// Nothing in this filesystem refers to the number any more.
    fn release(&self, number: u64);
}

/// A number that something refers to; with the last of its owners it is released.
pub(crate) struct Kept {
    pub(crate) number: u64,
    /// It belongs to somebody else, who lets it be read: it takes no storage of this filesystem.
    pub(crate) lent: bool,
    keeper: Rc<dyn Keeper>,
}

impl Kept {
    pub(crate) fn new(number: u64, lent: bool, keeper: &Rc<dyn Keeper>) -> Rc<Self> {
        Rc::new(Self { number, lent, keeper: Rc::clone(keeper) })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keeper.release(self.number);
    }
}

/// A part of what a keeper has, in the place of a chunk.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) kept: Rc<Kept>,
    /// Where it begins there.
    pub(crate) at: u64,
    pub(crate) length: usize,
}

impl Part {
    /// Bytes given to the keeper; `None`: it does not want them.
    pub(crate) fn keep(keeper: Option<&Rc<dyn Keeper>>, bytes: &[u8]) -> Option<Self> {
        let keeper = keeper?;
        let number = keeper.keep(bytes)?;
        Some(Self { kept: Kept::new(number, false, keeper), at: 0, length: bytes.len() })
    }

    /// Appends what is in a range of the part, as far as there is something.
    pub(crate) fn read(&self, start: usize, length: usize, buffer: &mut Vec<u8>) -> Result<(), Errno> {
        let length = length.min(self.length.saturating_sub(start));
        if length == 0 {
            return Ok(());
        }
        let before = buffer.len();
        self.kept.keeper.read(self.kept.number, self.at + start as u64, length, buffer)?;
        if buffer.len() == before + length { Ok(()) } else { Err(Errno::Io) }
    }
}
