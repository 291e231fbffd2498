//! The whole tree as bytes and back.
//!
//! # Format, version 1
//!
//! All numbers are little-endian. Eight bytes `wasmshFS`, the version as `u32`,
//! then one record an entry in depth-first order, siblings by the bytes of
//! their names, the root first:
//!
//! ```text
//! u8   kind: 1 directory, 2 file, 3 symbolic link, 4 FIFO, 5 device, 6 further hard link
//! u32  depth: 0 for the root, otherwise 1 more than that of its directory
//! u16  length of the name, and the name (empty for the root)
//! of a hard link:   u64  which record it is another name of, counted from 0
//! of all others:    u32  mode, u32 uid, u32 gid
//!                   3 × (i64 seconds, u32 nanoseconds): accessed, modified, changed
//! of a file:        u64  size, then extents: u32 length, u64 offset, the bytes; length 0 ends.
//!                        What no extent covers reads as NUL and takes no storage
//! of a link:        u16  length of the target, and the target
//! of a device:      u64  major << 8 | minor
//! ```
//!
//! and at the end `u8` 0, the number of records as `u64`, and the XXH3 hash
//! (64 bits, seed 0) of everything before it.
//!
//! A reader refuses what it does not know; a later version has a later number.
//!
//! # The form that is shared
//!
//! Filesystems that have one [`Keeper`](crate::Keeper) between them pass trees on without their contents. Such a snapshot
//! has the version [`SHARED`], which nobody else reads; the length of an extent can have bit 31 set, and then no bytes
//! follow, but the `u64` number that the keeper has them under and the `u64` offset there. Such an extent can be of many
//! chunks of 64 KiB: each but the first has the next number and the same offset, or, if bit 30 is set, which says that the
//! bytes are lent, the same number and the next offset. And a directory that is a mount is of kind 7, with an `u8` for
//! whether it is read only behind its times.

mod reader;
mod writer;

use std::rc::Rc;

pub use reader::SnapshotReader;
pub use writer::SnapshotWriter;

use crate::Timestamp;
use crate::contents::Contents;

/// What a snapshot begins with.
const MAGIC: &[u8; 8] = b"wasmshFS";
/// The version that is written, and the latest that is read.
pub const SNAPSHOT_VERSION: u32 = 1;
/// Most bytes of one extent; bounds what a reader has to hold.
const EXTENT_MAX: usize = 1 << 20;

const END: u8 = 0;
const DIRECTORY: u8 = 1;
const FILE: u8 = 2;
const SYMLINK: u8 = 3;
const FIFO: u8 = 4;
const DEVICE: u8 = 5;
const HARD_LINK: u8 = 6;
const MOUNT: u8 = 7;

/// The version of a snapshot that is shared.
const SHARED: u32 = 1 << 31 | 2;
/// Of an extent's length: the keeper has the bytes.
const KEPT: u32 = 1 << 31;
/// Of an extent's length: and they are lent.
const LENT: u32 = 1 << 30;
/// Most bytes of an extent that somebody else has.
const KEPT_MAX: usize = (LENT - 1) as usize;

/// Why a snapshot cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes end too early.
    #[error("the snapshot ends too early")]
    Truncated,
    /// No snapshot, or a damaged one: what is wrong, and where.
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
    /// Made by a later version: its number.
    #[error("the snapshot has format version {0}, the latest known is {SNAPSHOT_VERSION}")]
    NewerVersion(u32),
    /// The tree does not fit the quota (or the memory).
    #[error("the snapshot does not fit the quota")]
    OverQuota,
    /// `finish` was called before.
    #[error("the snapshot is already restored")]
    Finished,
}

/// A name of a frozen or a future tree.
pub(crate) struct Item {
    pub(crate) depth: u32,
    pub(crate) name: Rc<str>,
    pub(crate) what: What,
}

/// What a name leads to.
pub(crate) enum What {
    Node(Attributes, ItemBody),
    /// The same inode as that of an earlier item.
    Link(usize),
}

/// Mode, owner and times.
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) accessed: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) changed: Timestamp,
}

/// As a node's body; a directory's entries are the items that follow it.
pub(crate) enum ItemBody {
    File(Contents),
    /// Whether a filesystem of its own begins there, and whether that is read only.
    Directory(Option<bool>),
    Symlink(Rc<str>),
    Fifo,
    Device(u64),
}
