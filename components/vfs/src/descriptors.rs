//! `wasi:filesystem`: descriptors, for unmodified WASI programs.
//!
//! Every program has the whole tree preopened as `/`. So nothing is gained by
//! refusing `..` above the directory of a descriptor or links to absolute paths,
//! as hosts must that share a part of a real filesystem, and these mean here
//! what POSIX says. Only a path that itself begins with a slash is refused. For the
//! same reason every directory may be changed through its descriptor, however it was
//! opened: libraries open directories for reading and remove what is in them.

use std::cell::RefCell;
use std::rc::Rc;

use wasmsh_vfs::{Entry, FileSystem, FileType, Handle, OpenFile, OpenFlags, Stat, Vfs};
use xxhash_rust::xxh3::xxh3_128;

use crate::Component;
use crate::bindings::exports::wasi::filesystem::{preopens, types};
use crate::bindings::exports::wasi::io::{error, streams};
use crate::convert::{self, wasi_error};
use crate::process::Held;
use crate::state::vfs;
use crate::streams::{InputStream, OutputStream, StreamFailure};

use types::{DescriptorFlags, ErrorCode, PathFlags};

/// Mode of new files: WASI has no modes, so that of `open(…, 0666)` under the usual umask.
const FILE_MODE: u32 = 0o644;
/// Mode of new directories, likewise.
const DIRECTORY_MODE: u32 = 0o755;
/// Most bytes of one `read` from what has no end.
const READ_MAX: u64 = 1 << 20;

pub(crate) struct Descriptor {
    file: Held<Handle>,
    flags: DescriptorFlags,
}

impl Descriptor {
    fn handle(&self) -> Result<Rc<Handle>, ErrorCode> {
        self.file.get().ok_or(ErrorCode::BadDescriptor)
    }

    /// The filesystem as seen from this directory, for a path relative to it.
    fn at(&self, path: &str) -> Result<Vfs, ErrorCode> {
        let handle = self.handle()?;
        if path.starts_with('/') {
            return Err(ErrorCode::NotPermitted);
        }
        vfs().and_then(|vfs| vfs.at(&handle)).map_err(wasi_error)
    }

    /// The file, if it was opened for that.
    fn opened_for(&self, flag: DescriptorFlags) -> Result<Rc<Handle>, ErrorCode> {
        let handle = self.handle()?;
        if handle.kind() == FileType::Directory {
            return Err(ErrorCode::IsDirectory);
        }
        if self.flags.contains(flag) { Ok(handle) } else { Err(ErrorCode::BadDescriptor) }
    }
}

fn follow(flags: PathFlags) -> bool {
    flags.contains(PathFlags::SYMLINK_FOLLOW)
}

/// Changes when the file is changed or replaced.
fn hash(stat: &Stat) -> types::MetadataHashValue {
    let mut bytes = Vec::with_capacity(64);
    for number in [stat.device, stat.inode, stat.size] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for time in [stat.modified, stat.changed] {
        bytes.extend_from_slice(&time.as_nanos().to_le_bytes());
    }
    let value = xxh3_128(&bytes);
    types::MetadataHashValue { lower: value as u64, upper: (value >> 64) as u64 }
}

impl types::GuestDescriptor for Descriptor {
    fn read_via_stream(&self, offset: u64) -> Result<streams::InputStream, ErrorCode> {
        let handle = self.opened_for(DescriptorFlags::READ)?;
        Ok(streams::InputStream::new(InputStream::file(handle, offset)))
    }

    fn write_via_stream(&self, offset: u64) -> Result<streams::OutputStream, ErrorCode> {
        let handle = self.opened_for(DescriptorFlags::WRITE)?;
        Ok(streams::OutputStream::new(OutputStream::file(handle, Some(offset))))
    }

    fn append_via_stream(&self) -> Result<streams::OutputStream, ErrorCode> {
        let handle = self.opened_for(DescriptorFlags::WRITE)?;
        Ok(streams::OutputStream::new(OutputStream::file(handle, None)))
    }

    fn advise(&self, _offset: u64, _length: u64, _advice: types::Advice) -> Result<(), ErrorCode> {
        // Everything is in memory: no advice could make a difference.
        self.handle().map(drop)
    }

    fn sync_data(&self) -> Result<(), ErrorCode> {
        self.handle().map(drop)
    }

    fn get_flags(&self) -> Result<DescriptorFlags, ErrorCode> {
        self.handle()?;
        Ok(self.flags)
    }

    fn get_type(&self) -> Result<types::DescriptorType, ErrorCode> {
        Ok(convert::wasi_kind(self.handle()?.kind()))
    }

    fn set_size(&self, size: u64) -> Result<(), ErrorCode> {
        self.handle()?.set_size(size).map_err(wasi_error)
    }

    fn set_times(
        &self,
        data_access_timestamp: types::NewTimestamp,
        data_modification_timestamp: types::NewTimestamp,
    ) -> Result<(), ErrorCode> {
        let accessed = convert::wasi_new_time(data_access_timestamp);
        let modified = convert::wasi_new_time(data_modification_timestamp);
        self.handle()?.set_times(accessed, modified).map_err(wasi_error)
    }

    fn read(&self, length: u64, offset: u64) -> Result<(Vec<u8>, bool), ErrorCode> {
        let handle = self.opened_for(DescriptorFlags::READ)?;
        let regular = handle.kind() == FileType::Regular;
        let max = if regular { length } else { length.min(READ_MAX) };
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let bytes = handle.read_at(offset, max).map_err(wasi_error)?;
        let ended = if regular { bytes.len() < max || max == 0 } else { bytes.is_empty() };
        Ok((bytes, ended))
    }

    fn write(&self, buffer: Vec<u8>, offset: u64) -> Result<u64, ErrorCode> {
        self.opened_for(DescriptorFlags::WRITE)?.write_at(offset, &buffer).map_err(wasi_error)?;
        Ok(buffer.len() as u64)
    }

    fn read_directory(&self) -> Result<types::DirectoryEntryStream, ErrorCode> {
        let entries = self.handle()?.read_directory().map_err(wasi_error)?;
        let held = Held::new(Rc::new(RefCell::new(entries.into_iter())));
        Ok(types::DirectoryEntryStream::new(DirectoryEntries(held)))
    }

    fn sync(&self) -> Result<(), ErrorCode> {
        self.handle().map(drop)
    }

    fn create_directory_at(&self, path: String) -> Result<(), ErrorCode> {
        self.at(&path)?.make_directory(&path, DIRECTORY_MODE).map_err(wasi_error)
    }

    fn stat(&self) -> Result<types::DescriptorStat, ErrorCode> {
        self.handle()?.stat().map(convert::wasi_stat).map_err(wasi_error)
    }

    fn stat_at(&self, path_flags: PathFlags, path: String) -> Result<types::DescriptorStat, ErrorCode> {
        self.at(&path)?.stat_at(&path, follow(path_flags)).map(convert::wasi_stat).map_err(wasi_error)
    }

    fn set_times_at(
        &self,
        path_flags: PathFlags,
        path: String,
        data_access_timestamp: types::NewTimestamp,
        data_modification_timestamp: types::NewTimestamp,
    ) -> Result<(), ErrorCode> {
        let accessed = convert::wasi_new_time(data_access_timestamp);
        let modified = convert::wasi_new_time(data_modification_timestamp);
        let vfs = self.at(&path)?;
        vfs.set_times_at(&path, accessed, modified, follow(path_flags)).map_err(wasi_error)
    }

    fn link_at(
        &self,
        old_path_flags: PathFlags,
        old_path: String,
        new_descriptor: types::DescriptorBorrow<'_>,
        new_path: String,
    ) -> Result<(), ErrorCode> {
        let there = new_descriptor.get::<Descriptor>().at(&new_path)?;
        let here = self.at(&old_path)?;
        here.link_to(&old_path, &there, &new_path, follow(old_path_flags)).map_err(wasi_error)
    }

    fn open_at(
        &self,
        path_flags: PathFlags,
        path: String,
        open_flags: types::OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<types::Descriptor, ErrorCode> {
        let vfs = self.at(&path)?;
        let mut how = OpenFlags::empty();
        how.set(OpenFlags::READ, flags.contains(DescriptorFlags::READ));
        how.set(OpenFlags::WRITE, flags.contains(DescriptorFlags::WRITE));
        how.set(OpenFlags::CREATE, open_flags.contains(types::OpenFlags::CREATE));
        how.set(OpenFlags::EXCLUSIVE, open_flags.contains(types::OpenFlags::EXCLUSIVE));
        how.set(OpenFlags::TRUNCATE, open_flags.contains(types::OpenFlags::TRUNCATE));
        how.set(OpenFlags::DIRECTORY, open_flags.contains(types::OpenFlags::DIRECTORY));
        how.set(OpenFlags::NO_FOLLOW, !follow(path_flags));
        let handle = vfs.open_handle(&path, how, FILE_MODE).map_err(wasi_error)?;
        let mut flags = flags;
        flags.set(DescriptorFlags::MUTATE_DIRECTORY, handle.kind() == FileType::Directory);
        Ok(types::Descriptor::new(Descriptor { file: Held::new(handle), flags }))
    }

    fn readlink_at(&self, path: String) -> Result<String, ErrorCode> {
        self.at(&path)?.read_link(&path).map_err(wasi_error)
    }

    fn remove_directory_at(&self, path: String) -> Result<(), ErrorCode> {
        self.at(&path)?.remove_directory(&path).map_err(wasi_error)
    }

    fn rename_at(
        &self,
        old_path: String,
        new_descriptor: types::DescriptorBorrow<'_>,
        new_path: String,
    ) -> Result<(), ErrorCode> {
        let there = new_descriptor.get::<Descriptor>().at(&new_path)?;
        self.at(&old_path)?.rename_to(&old_path, &there, &new_path).map_err(wasi_error)
    }

    fn symlink_at(&self, old_path: String, new_path: String) -> Result<(), ErrorCode> {
        self.at(&new_path)?.symlink(&old_path, &new_path).map_err(wasi_error)
    }

    fn unlink_file_at(&self, path: String) -> Result<(), ErrorCode> {
        self.at(&path)?.remove_file(&path).map_err(wasi_error)
    }

    fn is_same_object(&self, other: types::DescriptorBorrow<'_>) -> bool {
        match (self.handle(), other.get::<Descriptor>().handle()) {
            (Ok(one), Ok(other)) => one.is_same_file(&other),
            _ => false,
        }
    }

    fn metadata_hash(&self) -> Result<types::MetadataHashValue, ErrorCode> {
        self.handle()?.stat().map(|stat| hash(&stat)).map_err(wasi_error)
    }

    fn metadata_hash_at(
        &self,
        path_flags: PathFlags,
        path: String,
    ) -> Result<types::MetadataHashValue, ErrorCode> {
        let stat = self.at(&path)?.stat_at(&path, follow(path_flags)).map_err(wasi_error)?;
        Ok(hash(&stat))
    }
}

/// The entries of a directory as they were when it was opened for reading.
pub(crate) struct DirectoryEntries(Held<RefCell<std::vec::IntoIter<Entry>>>);

impl types::GuestDirectoryEntryStream for DirectoryEntries {
    fn read_directory_entry(&self) -> Result<Option<types::DirectoryEntry>, ErrorCode> {
        let entries = self.0.get().ok_or(ErrorCode::BadDescriptor)?;
        let next = entries.borrow_mut().next();
        Ok(next.map(|entry| types::DirectoryEntry {
            type_: convert::wasi_kind(entry.stat.kind),
            name: entry.name,
        }))
    }
}

impl types::Guest for Component {
    type Descriptor = Descriptor;
    type DirectoryEntryStream = DirectoryEntries;

    fn filesystem_error_code(err: error::ErrorBorrow<'_>) -> Option<ErrorCode> {
        let StreamFailure(errno) = err.get::<StreamFailure>();
        Some(wasi_error(*errno))
    }
}

impl preopens::Guest for Component {
    fn get_directories() -> Vec<(types::Descriptor, String)> {
        let root = vfs().and_then(|vfs| {
            let how = OpenFlags::READ | OpenFlags::DIRECTORY;
            vfs.open_handle("/", how, 0)
        });
        let Ok(handle) = root else { return Vec::new() };
        let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
        let descriptor = types::Descriptor::new(Descriptor { file: Held::new(handle), flags });
        vec![(descriptor, "/".to_owned())]
    }
}
