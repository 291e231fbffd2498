//! The filesystem of the shell: `wasmsh:fs/files` behind the traits of `wasmsh_vfs::api`.

use std::any::Any;
use std::rc::Rc;

use wasmsh_os::{AccessMode, Entry, Errno, FileSystem, NewTime, OpenFile, OpenFlags, Position, Space, Stat};

use crate::bindings::wasmsh::fs::{files as imported, quotas};
use crate::convert::{access_in, entry_out, errno_out, flags_in, flags_out, position_in, stat_out, time_in};

/// The imported filesystem.
pub(crate) struct ImportedFiles;

/// An open file of it.
pub(crate) struct ImportedFile(pub(crate) imported::File);

/// Bytes asked for in one call: an answer is a list that lives in memory twice for a moment.
const READ_MAX: usize = 1 << 20;

fn max_in(max: usize) -> u32 {
    max.min(READ_MAX) as u32
}

fn put(buffer: &mut Vec<u8>, bytes: Vec<u8>) -> usize {
    let count = bytes.len();
    if buffer.is_empty() {
        *buffer = bytes;
    } else {
        buffer.extend_from_slice(&bytes);
    }
    count
}

impl OpenFile for ImportedFile {
    fn read_into(&self, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        self.0.read(max_in(max)).map(|bytes| put(buffer, bytes)).map_err(errno_out)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        self.0.write(bytes).map_err(errno_out)
    }

    fn read_at_into(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        self.0.read_at(offset, max_in(max)).map(|bytes| put(buffer, bytes)).map_err(errno_out)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.0.write_at(offset, bytes).map_err(errno_out)
    }

    fn seek(&self, to: Position) -> Result<u64, Errno> {
        self.0.seek(position_in(to)).map_err(errno_out)
    }

    fn stat(&self) -> Result<Stat, Errno> {
        self.0.stat().map(stat_out).map_err(errno_out)
    }

    fn set_size(&self, size: u64) -> Result<(), Errno> {
        self.0.set_size(size).map_err(errno_out)
    }

    fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        self.0.set_mode(mode).map_err(errno_out)
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), Errno> {
        self.0.set_owner(uid, gid).map_err(errno_out)
    }

    fn set_times(&self, accessed: NewTime, modified: NewTime) -> Result<(), Errno> {
        self.0.set_times(time_in(accessed), time_in(modified)).map_err(errno_out)
    }

    fn flags(&self) -> OpenFlags {
        flags_out(self.0.get_flags())
    }

    fn set_append(&self, append: bool) {
        self.0.set_append(append);
    }

    fn duplicate(self: Rc<Self>) -> Result<Rc<dyn OpenFile>, Errno> {
        Ok(Rc::new(Self(self.0.duplicate())))
    }

    fn path(&self) -> Option<String> {
        self.0.path()
    }
}

/// The imported handle behind an open file, for handing it to another component.
pub(crate) fn duplicate_handle(file: &Rc<dyn OpenFile>) -> Option<imported::File> {
    let file: &dyn Any = &**file;
    file.downcast_ref::<ImportedFile>().map(|file| file.0.duplicate())
}

impl FileSystem for ImportedFiles {
    fn open(&self, path: &str, how: OpenFlags, mode: u32) -> Result<Rc<dyn OpenFile>, Errno> {
        let file = imported::open(path, flags_in(how), mode).map_err(errno_out)?;
        Ok(Rc::new(ImportedFile(file)))
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, Errno> {
        imported::read_file(path).map_err(errno_out)
    }

    fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        imported::write_file(path, bytes, mode).map_err(errno_out)
    }

    fn append_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        imported::append_file(path, bytes, mode).map_err(errno_out)
    }

    fn copy_file(&self, source: &str, target: &str, mode: u32) -> Result<(), Errno> {
        imported::copy_file(source, target, mode).map_err(errno_out)
    }

    fn stat_at(&self, path: &str, follow: bool) -> Result<Stat, Errno> {
        imported::stat_at(path, follow).map(stat_out).map_err(errno_out)
    }

    fn access(&self, path: &str, mode: AccessMode) -> Result<(), Errno> {
        imported::access(path, access_in(mode)).map_err(errno_out)
    }

    fn read_directory(&self, path: &str) -> Result<Vec<Entry>, Errno> {
        let entries = imported::read_directory(path).map_err(errno_out)?;
        Ok(entries.into_iter().map(entry_out).collect())
    }

    fn canonicalize(&self, path: &str) -> Result<String, Errno> {
        imported::canonicalize(path).map_err(errno_out)
    }

    fn read_link(&self, path: &str) -> Result<String, Errno> {
        imported::read_link(path).map_err(errno_out)
    }

    fn make_directory(&self, path: &str, mode: u32) -> Result<(), Errno> {
        imported::make_directory(path, mode).map_err(errno_out)
    }

    fn make_fifo(&self, path: &str, mode: u32) -> Result<(), Errno> {
        imported::make_fifo(path, mode).map_err(errno_out)
    }

    fn link(&self, existing: &str, new: &str, follow: bool) -> Result<(), Errno> {
        imported::link(existing, new, follow).map_err(errno_out)
    }

    fn link_all(&self, existing: &str, directory: &str, names: &[&str]) -> Result<(), Errno> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        imported::link_all(existing, directory, &names).map_err(errno_out)
    }

    fn symlink(&self, target: &str, new: &str) -> Result<(), Errno> {
        imported::symlink(target, new).map_err(errno_out)
    }

    fn rename(&self, old: &str, new: &str) -> Result<(), Errno> {
        imported::rename(old, new).map_err(errno_out)
    }

    fn remove_file(&self, path: &str) -> Result<(), Errno> {
        imported::remove_file(path).map_err(errno_out)
    }

    fn remove_directory(&self, path: &str) -> Result<(), Errno> {
        imported::remove_directory(path).map_err(errno_out)
    }

    fn set_size_at(&self, path: &str, size: u64) -> Result<(), Errno> {
        imported::set_size_at(path, size).map_err(errno_out)
    }

    fn set_mode_at(&self, path: &str, mode: u32, follow: bool) -> Result<(), Errno> {
        imported::set_mode_at(path, mode, follow).map_err(errno_out)
    }

    fn set_owner_at(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), Errno> {
        imported::set_owner_at(path, uid, gid, follow).map_err(errno_out)
    }

    fn set_times_at(
        &self,
        path: &str,
        accessed: NewTime,
        modified: NewTime,
        follow: bool,
    ) -> Result<(), Errno> {
        imported::set_times_at(path, time_in(accessed), time_in(modified), follow).map_err(errno_out)
    }

    fn space(&self) -> Space {
        let (quota, used) = (quotas::get_quota(), quotas::get_usage());
        Space { bytes: quota.bytes, bytes_used: used.bytes, inodes: quota.inodes, inodes_used: used.inodes }
    }

    fn set_user(&self, uid: u32, gid: u32) {
        imported::set_user(uid, gid);
    }

    fn get_user(&self) -> (u32, u32) {
        imported::get_user()
    }
}
