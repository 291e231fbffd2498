//! How much a tree may hold, and how much it holds.

use std::cell::Cell;

use crate::Errno;

/// Upper bounds, checked before anything is allotted. A bound below what is used
/// now refuses growth only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of contents, all files together; beyond: [`Errno::OverQuota`]. Files
    /// that share storage count each, holes count nothing.
    pub bytes: u64,
    /// Files, directories and further hard links; beyond: [`Errno::NoSpace`].
    pub inodes: u64,
    /// Bytes of one file, holes included; beyond: [`Errno::FileTooLarge`].
    pub file_size: u64,
    /// Open file descriptions; beyond: [`Errno::TooManyOpenFiles`].
    pub open_files: u32,
}

impl Default for Quota {
    /// 1 GiB in a million files, each at most 1 TiB long (so holes are welcome,
    /// and no length can overflow), 65,536 of them open.
    fn default() -> Quota {
        Quota { bytes: 1 << 30, inodes: 1_000_000, file_size: 1 << 40, open_files: 1 << 16 }
    }
}

/// What is used now; counted as in [`Quota`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes of contents, of files that are open but have no name left too.
    pub bytes: u64,
    /// Files, directories and further hard links.
    pub inodes: u64,
    /// Open file descriptions.
    pub open_files: u32,
}

/// What a tree may hold, and holds: what `statvfs(3)` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// Bytes of contents that fit, used ones included.
    pub bytes: u64,
    /// Bytes of contents that there are.
    pub bytes_used: u64,
    /// Inodes that fit, used ones included.
    pub inodes: u64,
    /// Inodes that there are.
    pub inodes_used: u64,
}

bitflags::bitflags! {
    /// Bounds that have refused something.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Refusals: u8 {
        /// [`Quota::bytes`].
        const BYTES = 1;
        /// [`Quota::inodes`].
        const INODES = 2;
        /// [`Quota::file_size`].
        const FILE_SIZE = 4;
        /// [`Quota::open_files`].
        const OPEN_FILES = 8;
    }
}

/// Quota and usage together, with the checks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    pub(crate) quota: Quota,
    pub(crate) used: Usage,
    pub(crate) refusals: Cell<Refusals>,
}

impl Account {
    fn allow(&self, fits: bool, bound: Refusals, errno: Errno) -> Result<(), Errno> {
        if fits {
            return Ok(());
        }
        self.refusals.set(self.refusals.get() | bound);
        Err(errno)
    }

    /// Whether `more` bytes of contents may be stored.
    pub(crate) fn check_bytes(&self, more: u64) -> Result<(), Errno> {
        let fits = self.used.bytes.checked_add(more).is_some_and(|sum| sum <= self.quota.bytes);
        self.allow(more == 0 || fits, Refusals::BYTES, Errno::OverQuota)
    }

    /// Whether one more inode or link may exist.
    pub(crate) fn check_inode(&self) -> Result<(), Errno> {
        self.allow(self.used.inodes < self.quota.inodes, Refusals::INODES, Errno::NoSpace)
    }

    /// Whether a file may be `size` bytes long; `offset_max` of Linux bounds it too.
    pub(crate) fn check_size(&self, size: u64) -> Result<(), Errno> {
        let fits = size <= self.quota.file_size && i64::try_from(size).is_ok();
        self.allow(fits, Refusals::FILE_SIZE, Errno::FileTooLarge)
    }

    /// Whether one more file may be open.
    pub(crate) fn check_open(&self) -> Result<(), Errno> {
        self.allow(
            self.used.open_files < self.quota.open_files,
            Refusals::OPEN_FILES,
            Errno::TooManyOpenFiles,
        )
    }

    /// Books a change of stored bytes.
    pub(crate) fn rebook(&mut self, before: u64, after: u64) {
        self.used.bytes = self.used.bytes.saturating_sub(before).saturating_add(after);
    }
}
