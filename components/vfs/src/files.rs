//! `wasmsh:fs/files`: the filesystem for the shell, Python and hosts.

use std::rc::Rc;

use wasmsh_vfs::{AccessMode, Errno, FileSystem, OpenFile, OpenFlags, Vfs};

use crate::Component;
use crate::bindings::exports::wasmsh::fs::{files, quotas, types};
use crate::convert::{self, error};
use crate::state::vfs;

/// An open file description, with one owner more for each handle.
pub(crate) struct File(Rc<dyn OpenFile>);

/// A flag keeps its place on both sides.
fn open_flags(flags: types::OpenFlags) -> OpenFlags {
    OpenFlags::from_bits_truncate(flags.bits())
}

impl files::GuestFile for File {
    fn read(&self, max: u32) -> Result<Vec<u8>, types::ErrorCode> {
        self.0.read(max as usize).map_err(error)
    }

    fn write(&self, bytes: Vec<u8>) -> Result<(), types::ErrorCode> {
        self.0.write(&bytes).map_err(error)
    }

    fn read_at(&self, offset: u64, max: u32) -> Result<Vec<u8>, types::ErrorCode> {
        self.0.read_at(offset, max as usize).map_err(error)
    }

    fn write_at(&self, offset: u64, bytes: Vec<u8>) -> Result<(), types::ErrorCode> {
        self.0.write_at(offset, &bytes).map_err(error)
    }

    fn seek(&self, to: types::Position) -> Result<u64, types::ErrorCode> {
        self.0.seek(convert::position(to)).map_err(error)
    }

    fn stat(&self) -> Result<types::Stat, types::ErrorCode> {
        self.0.stat().map(convert::stat).map_err(error)
    }

    fn set_size(&self, size: u64) -> Result<(), types::ErrorCode> {
        self.0.set_size(size).map_err(error)
    }

    fn set_mode(&self, mode: u32) -> Result<(), types::ErrorCode> {
        self.0.set_mode(mode).map_err(error)
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), types::ErrorCode> {
        self.0.set_owner(uid, gid).map_err(error)
    }

    fn set_times(&self, accessed: types::NewTime, modified: types::NewTime) -> Result<(), types::ErrorCode> {
        self.0.set_times(convert::new_time(accessed), convert::new_time(modified)).map_err(error)
    }

    fn get_flags(&self) -> types::OpenFlags {
        types::OpenFlags::from_bits_truncate(self.0.flags().bits())
    }

    fn set_append(&self, append: bool) {
        self.0.set_append(append);
    }

    fn duplicate(&self) -> files::File {
        files::File::new(File(self.0.clone()))
    }

    fn path(&self) -> Option<String> {
        self.0.path()
    }
}

/// Runs an operation of the filesystem and translates its error.
pub(crate) fn with<T>(operation: impl FnOnce(&Vfs) -> Result<T, Errno>) -> Result<T, types::ErrorCode> {
    vfs().and_then(|vfs| operation(&vfs)).map_err(error)
}

impl files::Guest for Component {
    type File = File;

    fn open(path: String, how: types::OpenFlags, mode: u32) -> Result<files::File, types::ErrorCode> {
        with(|vfs| Ok(files::File::new(File(vfs.open(&path, open_flags(how), mode)?))))
    }

    fn read_file(path: String) -> Result<Vec<u8>, types::ErrorCode> {
        with(|vfs| vfs.read_file(&path))
    }

    fn write_file(path: String, bytes: Vec<u8>, mode: u32) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.write_file(&path, &bytes, mode))
    }

    fn append_file(path: String, bytes: Vec<u8>, mode: u32) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.append_file(&path, &bytes, mode))
    }

    fn copy_file(source: String, target: String, mode: u32) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.copy_file(&source, &target, mode))
    }

    fn stat_at(path: String, follow: bool) -> Result<types::Stat, types::ErrorCode> {
        with(|vfs| vfs.stat_at(&path, follow).map(convert::stat))
    }

    fn access(path: String, mode: types::AccessMode) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.access(&path, AccessMode::from_bits_truncate(mode.bits())))
    }

    fn read_directory(path: String) -> Result<Vec<types::Entry>, types::ErrorCode> {
        with(|vfs| Ok(vfs.read_directory(&path)?.into_iter().map(convert::entry).collect()))
    }

    fn canonicalize(path: String) -> Result<String, types::ErrorCode> {
        with(|vfs| vfs.canonicalize(&path))
    }

    fn read_link(path: String) -> Result<String, types::ErrorCode> {
        with(|vfs| vfs.read_link(&path))
    }

    fn make_directory(path: String, mode: u32) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.make_directory(&path, mode))
    }

    fn make_fifo(path: String, mode: u32) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.make_fifo(&path, mode))
    }

    fn link(existing: String, new: String, follow: bool) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.link(&existing, &new, follow))
    }

    fn link_all(existing: String, directory: String, names: Vec<String>) -> Result<(), types::ErrorCode> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        with(|vfs| vfs.link_all(&existing, &directory, &names))
    }

    fn symlink(target: String, new: String) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.symlink(&target, &new))
    }

    fn rename(old: String, new: String) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.rename(&old, &new))
    }

    fn remove_file(path: String) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.remove_file(&path))
    }

    fn remove_directory(path: String) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.remove_directory(&path))
    }

    fn set_size_at(path: String, size: u64) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.set_size_at(&path, size))
    }

    fn set_mode_at(path: String, mode: u32, follow: bool) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.set_mode_at(&path, mode, follow))
    }

    fn set_owner_at(
        path: String,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), types::ErrorCode> {
        with(|vfs| vfs.set_owner_at(&path, uid, gid, follow))
    }

    fn set_times_at(
        path: String,
        accessed: types::NewTime,
        modified: types::NewTime,
        follow: bool,
    ) -> Result<(), types::ErrorCode> {
        let (accessed, modified) = (convert::new_time(accessed), convert::new_time(modified));
        with(|vfs| vfs.set_times_at(&path, accessed, modified, follow))
    }

    fn set_user(uid: u32, gid: u32) {
        if let Ok(vfs) = vfs() {
            vfs.set_user(uid, gid);
        }
    }

    fn get_user() -> (u32, u32) {
        vfs().map_or((wasmsh_vfs::USER, wasmsh_vfs::GROUP), |vfs| vfs.get_user())
    }
}

impl quotas::Guest for Component {
    fn set_quota(limit: quotas::Quota) {
        let quotas::Quota { bytes, inodes, file_size, open_files } = limit;
        if let Ok(vfs) = vfs() {
            vfs.set_quota(wasmsh_vfs::Quota { bytes, inodes, file_size, open_files });
        }
    }

    fn get_quota() -> quotas::Quota {
        let quota = vfs().map(|vfs| vfs.quota()).unwrap_or_default();
        quotas::Quota {
            bytes: quota.bytes,
            inodes: quota.inodes,
            file_size: quota.file_size,
            open_files: quota.open_files,
        }
    }

    fn take_refusals() -> quotas::Bounds {
        let refusals = vfs().map(|vfs| vfs.take_refusals()).unwrap_or_default();
        quotas::Bounds::from_bits_truncate(refusals.bits())
    }

    fn get_usage() -> quotas::Usage {
        let usage = vfs().map(|vfs| vfs.usage()).unwrap_or_default();
        quotas::Usage { bytes: usage.bytes, inodes: usage.inodes, open_files: usage.open_files }
    }
}
