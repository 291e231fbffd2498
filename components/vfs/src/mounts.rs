//! `wasmsh:fs/mounts`: filesystems of their own, and files that the host lends.

use wasmsh_vfs::{FileSystem, NewTime};

use crate::Component;
use crate::bindings::exports::wasmsh::fs::{mounts, types};
use crate::convert;
use crate::files::with;

impl mounts::Guest for Component {
    fn mount(path: String, read_only: bool) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.mount(&path, read_only))
    }

    fn lend(
        path: String,
        mode: u32,
        number: u64,
        size: u64,
        modified: types::Timestamp,
    ) -> Result<(), types::ErrorCode> {
        let modified = NewTime::At(convert::timestamp_in(modified));
        with(|vfs| {
            vfs.lend_file(&path, mode, number, size)?;
            vfs.set_times_at(&path, NewTime::Keep, modified, true)
        })
    }
}
