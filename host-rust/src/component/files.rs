//! `wasi:filesystem` for command components: the session's files, whole, as the directory `/`.
//!
//! The filesystem is the session's own, so nothing is gained by refusing `..` above the directory of a descriptor, or
//! links to absolute paths, as hosts must that share a part of theirs: these mean here what POSIX says.

use std::hash::{DefaultHasher, Hash, Hasher};

use wasmtime::component::{Resource, ResourceAny, ResourceTableError};

use super::io::{Failure, InputStream, OutputStream, PIECE};
use super::paths::{Place, join};
use super::run::State;
use crate::bindings::command::wasi::clocks::wall_clock::Datetime;
use crate::bindings::command::wasi::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use crate::bindings::command::wasi::filesystem::{preopens, types};
use crate::bindings::core::exports::wasmsh::fs::types as own;
use crate::python::Handle;

/// What new files and directories may be before the umask is taken off: WASI has no modes.
const FILE_MODE: u32 = 0o666;
const DIRECTORY_MODE: u32 = 0o777;

/// Entries that all open lists of directories may have, which are memory of the host's. A single list may be longer: the
/// session's quota bounds it.
const MOST_LISTED: usize = 1 << 18;

/// What a call on a file ends with: an error for the component, or one of the host's that ends it.
#[derive(Debug)]
#[allow(unreachable_pub)]
pub enum FileFailure {
    Code(ErrorCode),
    Trap(wasmtime::Error),
}

impl From<wasmtime::Error> for FileFailure {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

impl From<ResourceTableError> for FileFailure {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl From<ErrorCode> for FileFailure {
    fn from(error: ErrorCode) -> Self {
        Self::Code(error)
    }
}

impl From<own::ErrorCode> for FileFailure {
    fn from(error: own::ErrorCode) -> Self {
        Self::Code(code(error))
    }
}

type Outcome<T> = Result<T, FileFailure>;

/// `wasi:filesystem/types.descriptor`: an open file or directory.
#[allow(unreachable_pub)]
pub struct Descriptor {
    file: Handle,
    kind: own::FileType,
    flags: DescriptorFlags,
    /// It is the root that the component was given.
    root: bool,
}

/// `wasi:filesystem/types.directory-entry-stream`: the entries as they were when the directory was opened.
#[allow(unreachable_pub)]
pub struct Entries {
    rest: std::vec::IntoIter<own::Entry>,
    /// How many there were.
    all: usize,
}

/// The error as `wasi:filesystem` has it: the nearest, where it has no name of its own.
pub(crate) fn code(error: own::ErrorCode) -> ErrorCode {
    use {ErrorCode as W, own::ErrorCode as E};
    match error {
        E::Access => W::Access,
        E::Again => W::WouldBlock,
        E::BadDescriptor => W::BadDescriptor,
        E::Busy => W::Busy,
        E::CrossDevice => W::CrossDevice,
        E::OverQuota => W::Quota,
        E::Exist => W::Exist,
        E::FileTooLarge => W::FileTooLarge,
        E::IllegalByteSequence => W::IllegalByteSequence,
        E::Interrupted => W::Interrupted,
        E::Invalid | E::ArgumentListTooLong => W::Invalid,
        E::Io | E::TimedOut => W::Io,
        E::IsDirectory => W::IsDirectory,
        E::Loop => W::Loop,
        E::TooManyOpenFiles | E::NoMemory => W::InsufficientMemory,
        E::TooManyLinks => W::TooManyLinks,
        E::NameTooLong => W::NameTooLong,
        E::NoDevice => W::NoDevice,
        E::NoEntry => W::NoEntry,
        E::NoSpace => W::InsufficientSpace,
        E::NotSupported | E::NotExecutable => W::Unsupported,
        E::NotDirectory => W::NotDirectory,
        E::DirectoryNotEmpty => W::NotEmpty,
        E::NoSuchDevice => W::NoSuchDevice,
        E::NotPermitted | E::NoChild | E::NoProcess => W::NotPermitted,
        E::BrokenPipe => W::Pipe,
        E::ReadOnly => W::ReadOnly,
        E::IllegalSeek => W::InvalidSeek,
        E::TextFileBusy => W::TextFileBusy,
    }
}

fn kind(kind: own::FileType) -> DescriptorType {
    match kind {
        own::FileType::Regular => DescriptorType::RegularFile,
        own::FileType::Directory => DescriptorType::Directory,
        own::FileType::SymbolicLink => DescriptorType::SymbolicLink,
        own::FileType::CharacterDevice => DescriptorType::CharacterDevice,
        own::FileType::Fifo => DescriptorType::Fifo,
        own::FileType::Socket => DescriptorType::Socket,
        own::FileType::Unknown => DescriptorType::Unknown,
    }
}

/// Times before the epoch cannot be said in WASI.
fn datetime(time: own::Timestamp) -> Option<Datetime> {
    Some(Datetime { seconds: u64::try_from(time.seconds).ok()?, nanoseconds: time.nanoseconds })
}

fn new_time(time: NewTimestamp) -> own::NewTime {
    match time {
        NewTimestamp::NoChange => own::NewTime::Keep,
        NewTimestamp::Now => own::NewTime::Now,
        NewTimestamp::Timestamp(at) => own::NewTime::At(own::Timestamp {
            seconds: i64::try_from(at.seconds).unwrap_or(i64::MAX),
            nanoseconds: at.nanoseconds,
        }),
    }
}

fn told(stat: &own::Stat) -> DescriptorStat {
    DescriptorStat {
        type_: kind(stat.kind),
        link_count: u64::from(stat.links),
        size: stat.size,
        data_access_timestamp: datetime(stat.accessed),
        data_modification_timestamp: datetime(stat.modified),
        status_change_timestamp: datetime(stat.changed),
    }
}

/// A number that changes when the file is changed or replaced.
fn hash(stat: &own::Stat) -> MetadataHashValue {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        let times = [stat.modified, stat.changed].map(|time| (time.seconds, time.nanoseconds));
        (salt, stat.device, stat.inode, stat.size, times).hash(&mut hasher);
        hasher.finish()
    };
    MetadataHashValue { lower: half(0), upper: half(1) }
}

fn follow(flags: PathFlags) -> bool {
    flags.contains(PathFlags::SYMLINK_FOLLOW)
}

impl State {
    /// The file behind a descriptor.
    fn opened(&self, descriptor: &Resource<Descriptor>) -> Outcome<ResourceAny> {
        Ok(self.table.get(descriptor)?.file.resource())
    }

    /// The file behind a descriptor that was opened for this.
    fn opened_for(&self, descriptor: &Resource<Descriptor>, flag: DescriptorFlags) -> Outcome<ResourceAny> {
        let descriptor = self.table.get(descriptor)?;
        if descriptor.kind == own::FileType::Directory {
            return Err(ErrorCode::IsDirectory.into());
        }
        if !descriptor.flags.contains(flag) {
            return Err(ErrorCode::BadDescriptor.into());
        }
        Ok(descriptor.file.resource())
    }

    /// A file of its own for a stream.
    fn duplicate(&self, file: ResourceAny) -> Outcome<Handle> {
        let duplicate = self.files(|files, store| files.file().call_duplicate(store, file))?;
        Ok(Handle::new(duplicate, &self.core, self.process.of()))
    }

    /// The absolute path of a path relative to a directory.
    fn at(&self, descriptor: &Resource<Descriptor>, path: &str) -> Outcome<String> {
        let directory = self.table.get(descriptor)?;
        if directory.kind != own::FileType::Directory {
            return Err(ErrorCode::NotDirectory.into());
        }
        if path.starts_with('/') {
            return Err(ErrorCode::NotPermitted.into());
        }
        if directory.root {
            if self.knows_cwd {
                return Ok(format!("/{path}"));
            }
            let place = Place { cwd: &self.cwd, arguments: self.arguments.get(1..).unwrap_or_default() };
            return Ok(place.resolve(path, |path| {
                let found = self.files(|files, store| files.call_stat_at(store, path, false));
                matches!(found, Ok(Ok(_)))
            }));
        }
        let file = directory.file.resource();
        let here = self.files(|files, store| files.file().call_path(store, file))?;
        Ok(join(&here.ok_or(ErrorCode::NoEntry)?, path))
    }

    fn stat_of(&self, descriptor: &Resource<Descriptor>) -> Outcome<own::Stat> {
        let file = self.opened(descriptor)?;
        Ok(self.files(|files, store| files.file().call_stat(store, file))??)
    }

    fn stat_below(
        &self,
        descriptor: &Resource<Descriptor>,
        flags: PathFlags,
        path: &str,
    ) -> Outcome<own::Stat> {
        let path = self.at(descriptor, path)?;
        Ok(self.files(|files, store| files.call_stat_at(store, &path, follow(flags)))??)
    }

    fn open(
        &mut self,
        path: &str,
        how: own::OpenFlags,
        flags: DescriptorFlags,
        root: bool,
    ) -> Outcome<Resource<Descriptor>> {
        let mode = FILE_MODE & !self.umask;
        let file = self.files(|files, store| files.call_open(store, path, how, mode))??;
        let file = Handle::new(file, &self.core, self.process.of());
        let resource = file.resource();
        let stat = self.files(|files, store| files.file().call_stat(store, resource))??;
        let mut flags = flags;
        // Every directory may be changed through its descriptor, however it was opened: libraries open directories for
        // reading and remove what is in them.
        if stat.kind == own::FileType::Directory {
            flags |= DescriptorFlags::MUTATE_DIRECTORY;
        }
        Ok(self.table.push(Descriptor { file, kind: stat.kind, flags, root })?)
    }
}

impl types::HostDescriptor for State {
    fn read_via_stream(&mut self, this: Resource<Descriptor>, offset: u64) -> Outcome<Resource<InputStream>> {
        let file = self.opened_for(&this, DescriptorFlags::READ)?;
        let stream = InputStream::File(self.duplicate(file)?, offset);
        Ok(self.table.push(stream)?)
    }

    fn write_via_stream(
        &mut self,
        this: Resource<Descriptor>,
        offset: u64,
    ) -> Outcome<Resource<OutputStream>> {
        let file = self.opened_for(&this, DescriptorFlags::WRITE)?;
        let stream = OutputStream::File(self.duplicate(file)?, Some(offset));
        Ok(self.table.push(stream)?)
    }

    fn append_via_stream(&mut self, this: Resource<Descriptor>) -> Outcome<Resource<OutputStream>> {
        let file = self.opened_for(&this, DescriptorFlags::WRITE)?;
        let stream = OutputStream::File(self.duplicate(file)?, None);
        Ok(self.table.push(stream)?)
    }

    fn advise(&mut self, this: Resource<Descriptor>, _: u64, _: u64, _: Advice) -> Outcome<()> {
        // Everything is in memory: no advice could make a difference.
        self.opened(&this).map(drop)
    }

    fn sync_data(&mut self, this: Resource<Descriptor>) -> Outcome<()> {
        self.opened(&this).map(drop)
    }

    fn sync(&mut self, this: Resource<Descriptor>) -> Outcome<()> {
        self.opened(&this).map(drop)
    }

    fn get_flags(&mut self, this: Resource<Descriptor>) -> Outcome<DescriptorFlags> {
        Ok(self.table.get(&this)?.flags)
    }

    fn get_type(&mut self, this: Resource<Descriptor>) -> Outcome<DescriptorType> {
        Ok(kind(self.table.get(&this)?.kind))
    }

    fn set_size(&mut self, this: Resource<Descriptor>, size: u64) -> Outcome<()> {
        let file = self.opened_for(&this, DescriptorFlags::WRITE)?;
        Ok(self.files(|files, store| files.file().call_set_size(store, file, size))??)
    }

    fn set_times(
        &mut self,
        this: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Outcome<()> {
        let file = self.opened(&this)?;
        let (accessed, modified) = (new_time(accessed), new_time(modified));
        Ok(self.files(|files, store| files.file().call_set_times(store, file, accessed, modified))??)
    }

    fn read(&mut self, this: Resource<Descriptor>, length: u64, offset: u64) -> Outcome<(Vec<u8>, bool)> {
        let file = self.opened_for(&this, DescriptorFlags::READ)?;
        let max = length.min(PIECE);
        let piece = u32::try_from(max).unwrap_or(u32::MAX);
        let bytes = self.files(|files, store| files.file().call_read_at(store, file, offset, piece))??;
        let ended = bytes.is_empty() && max > 0;
        Ok((bytes, ended))
    }

    fn write(&mut self, this: Resource<Descriptor>, bytes: Vec<u8>, offset: u64) -> Outcome<u64> {
        let file = self.opened_for(&this, DescriptorFlags::WRITE)?;
        self.files(|files, store| files.file().call_write_at(store, file, offset, &bytes))??;
        Ok(bytes.len() as u64)
    }

    fn read_directory(&mut self, this: Resource<Descriptor>) -> Outcome<Resource<Entries>> {
        let file = self.opened(&this)?;
        let path = self.files(|files, store| files.file().call_path(store, file))?;
        let path = path.ok_or(ErrorCode::NoEntry)?;
        let entries = self.files(|files, store| files.call_read_directory(store, &path))??;
        let listed = self.listed.saturating_add(entries.len());
        if self.listed > 0 && listed > MOST_LISTED {
            return Err(ErrorCode::InsufficientMemory.into());
        }
        let list = Entries { all: entries.len(), rest: entries.into_iter() };
        let resource = self.table.push(list)?;
        self.listed = listed;
        Ok(resource)
    }

    fn create_directory_at(&mut self, this: Resource<Descriptor>, path: String) -> Outcome<()> {
        let (path, mode) = (self.at(&this, &path)?, DIRECTORY_MODE & !self.umask);
        Ok(self.files(|files, store| files.call_make_directory(store, &path, mode))??)
    }

    fn stat(&mut self, this: Resource<Descriptor>) -> Outcome<DescriptorStat> {
        self.stat_of(&this).map(|stat| told(&stat))
    }

    fn stat_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> Outcome<DescriptorStat> {
        self.stat_below(&this, flags, &path).map(|stat| told(&stat))
    }

    fn set_times_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Outcome<()> {
        let path = self.at(&this, &path)?;
        let (accessed, modified) = (new_time(accessed), new_time(modified));
        Ok(self.files(|files, store| {
            files.call_set_times_at(store, &path, accessed, modified, follow(flags))
        })??)
    }

    fn link_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        old: String,
        there: Resource<Descriptor>,
        new: String,
    ) -> Outcome<()> {
        let (old, new) = (self.at(&this, &old)?, self.at(&there, &new)?);
        Ok(self.files(|files, store| files.call_link(store, &old, &new, follow(flags)))??)
    }

    fn open_at(
        &mut self,
        this: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> Outcome<Resource<Descriptor>> {
        let path = self.at(&this, &path)?;
        let mut how = own::OpenFlags::empty();
        for (wanted, flag) in [
            (flags.contains(DescriptorFlags::READ), own::OpenFlags::READ),
            (flags.contains(DescriptorFlags::WRITE), own::OpenFlags::WRITE),
            (open_flags.contains(OpenFlags::CREATE), own::OpenFlags::CREATE),
            (open_flags.contains(OpenFlags::EXCLUSIVE), own::OpenFlags::EXCLUSIVE),
            (open_flags.contains(OpenFlags::TRUNCATE), own::OpenFlags::TRUNCATE),
            (open_flags.contains(OpenFlags::DIRECTORY), own::OpenFlags::DIRECTORY),
            (!follow(path_flags), own::OpenFlags::NO_FOLLOW),
        ] {
            if wanted {
                how |= flag;
            }
        }
        self.open(&path, how, flags, false)
    }

    fn readlink_at(&mut self, this: Resource<Descriptor>, path: String) -> Outcome<String> {
        let path = self.at(&this, &path)?;
        Ok(self.files(|files, store| files.call_read_link(store, &path))??)
    }

    fn remove_directory_at(&mut self, this: Resource<Descriptor>, path: String) -> Outcome<()> {
        let path = self.at(&this, &path)?;
        Ok(self.files(|files, store| files.call_remove_directory(store, &path))??)
    }

    fn rename_at(
        &mut self,
        this: Resource<Descriptor>,
        old: String,
        there: Resource<Descriptor>,
        new: String,
    ) -> Outcome<()> {
        let (old, new) = (self.at(&this, &old)?, self.at(&there, &new)?);
        Ok(self.files(|files, store| files.call_rename(store, &old, &new))??)
    }

    fn symlink_at(&mut self, this: Resource<Descriptor>, target: String, path: String) -> Outcome<()> {
        let path = self.at(&this, &path)?;
        Ok(self.files(|files, store| files.call_symlink(store, &target, &path))??)
    }

    fn unlink_file_at(&mut self, this: Resource<Descriptor>, path: String) -> Outcome<()> {
        let path = self.at(&this, &path)?;
        Ok(self.files(|files, store| files.call_remove_file(store, &path))??)
    }

    fn is_same_object(
        &mut self,
        this: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        Ok(match (self.stat_of(&this), self.stat_of(&other)) {
            (Ok(one), Ok(other)) => (one.device, one.inode) == (other.device, other.inode),
            (Err(FileFailure::Trap(error)), _) | (_, Err(FileFailure::Trap(error))) => return Err(error),
            _ => false,
        })
    }

    fn metadata_hash(&mut self, this: Resource<Descriptor>) -> Outcome<MetadataHashValue> {
        self.stat_of(&this).map(|stat| hash(&stat))
    }

    fn metadata_hash_at(
        &mut self,
        this: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> Outcome<MetadataHashValue> {
        self.stat_below(&this, flags, &path).map(|stat| hash(&stat))
    }

    fn drop(&mut self, this: Resource<Descriptor>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl types::HostDirectoryEntryStream for State {
    fn read_directory_entry(&mut self, entries: Resource<Entries>) -> Outcome<Option<DirectoryEntry>> {
        let Entries { rest, .. } = self.table.get_mut(&entries)?;
        Ok(rest.next().map(|entry| DirectoryEntry { type_: kind(entry.stat.kind), name: entry.name }))
    }

    fn drop(&mut self, entries: Resource<Entries>) -> wasmtime::Result<()> {
        self.listed = self.listed.saturating_sub(self.table.delete(entries)?.all);
        Ok(())
    }
}

impl types::Host for State {
    fn filesystem_error_code(&mut self, failure: Resource<Failure>) -> wasmtime::Result<Option<ErrorCode>> {
        let Failure(error) = self.table.get(&failure)?;
        Ok(Some(code(*error)))
    }

    fn convert_error_code(&mut self, failure: FileFailure) -> wasmtime::Result<ErrorCode> {
        match failure {
            FileFailure::Code(code) => Ok(code),
            FileFailure::Trap(error) => Err(error),
        }
    }
}

impl preopens::Host for State {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let how = own::OpenFlags::READ | own::OpenFlags::DIRECTORY;
        match self.open("/", how, DescriptorFlags::READ, true) {
            Ok(root) => Ok(vec![(root, "/".to_owned())]),
            Err(FileFailure::Trap(error)) => Err(error),
            // No descriptor is left for it.
            Err(FileFailure::Code(_)) => Ok(Vec::new()),
        }
    }
}
