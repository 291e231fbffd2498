//! An in-memory POSIX filesystem, and the types by which others speak of files.
//!
//! [`api`] holds types and two traits, [`FileSystem`] and [`OpenFile`], and no
//! filesystem: whoever only speaks of files (the shell's kernel, a component
//! that reaches them through imports) uses that and pays for nothing else.
//!
//! [`Vfs`] is the filesystem. It needs a [`Clock`] and [`Entropy`] from whoever
//! embeds it and nothing of the system: it runs alike on a desktop and in a
//! `wasm32-unknown-unknown` module.

pub mod api;
mod contents;
mod device;
mod errno;
mod files;
mod handle;
mod host;
mod kept;
mod layout;
mod node;
mod path;
mod quota;
mod snapshot;
mod tree;
mod vfs;

pub use api::{
    AccessMode, Entry, FileSystem, FileType, NAME_MAX, NewTime, OpenFile, OpenFlags, PATH_MAX, Position,
    SYMLOOP_MAX, Stat, Timestamp,
};
pub use errno::Errno;
pub use handle::Handle;
pub use host::{Clock, Entropy};
pub use kept::Keeper;
pub use layout::{GROUP, USER};
pub use quota::{Quota, Refusals, Space, Usage};
pub use snapshot::{SNAPSHOT_VERSION, SnapshotError, SnapshotReader, SnapshotWriter};
pub use vfs::Vfs;
