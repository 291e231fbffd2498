//! An in-memory POSIX filesystem, and the types by which others speak of files.
//!
//! [`api`] holds types and two traits, [`FileSystem`] and [`OpenFile`], and no
//! filesystem: whoever only speaks of files (the shell's kernel, a component
//! that reaches them through imports) uses that and pays for nothing else.

pub mod api;
mod errno;

pub use api::{
    AccessMode, Entry, FileSystem, FileType, NAME_MAX, NewTime, OpenFile, OpenFlags, PATH_MAX, Position,
    SYMLOOP_MAX, Stat, Timestamp,
};
pub use errno::Errno;
