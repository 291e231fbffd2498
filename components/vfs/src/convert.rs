//! Between the types of the crate and those of the interfaces.

use wasmsh_vfs::{Entry, Errno, FileType, NewTime, Position, Stat, Timestamp};

use crate::bindings::exports::wasi::filesystem::types as wasi;
use crate::bindings::exports::wasmsh::fs::types as own;

/// One arm for each variant, since both sides have the same names.
macro_rules! same_errors {
    ($($name:ident)*) => {
        /// The error as `wasmsh:fs` has it.
        pub(crate) fn error(errno: Errno) -> own::ErrorCode {
            match errno {
                $(Errno::$name => own::ErrorCode::$name,)*
            }
        }
    };
}

same_errors! {
    ArgumentListTooLong Access Again BadDescriptor Busy NoChild CrossDevice OverQuota Exist FileTooLarge
    IllegalByteSequence Interrupted Invalid Io IsDirectory Loop TooManyOpenFiles TooManyLinks NameTooLong
    NoDevice NoEntry NotExecutable NoMemory NoSpace NotSupported NotDirectory DirectoryNotEmpty NoSuchDevice
    NotPermitted BrokenPipe ReadOnly IllegalSeek NoProcess TimedOut TextFileBusy
}

/// The error as `wasi:filesystem` has it. What it has no name for is the
/// nearest it has; such errors do not come from files, except EMFILE.
pub(crate) fn wasi_error(errno: Errno) -> wasi::ErrorCode {
    use wasi::ErrorCode as W;
    match errno {
        Errno::Access => W::Access,
        Errno::Again => W::WouldBlock,
        Errno::BadDescriptor => W::BadDescriptor,
        Errno::Busy => W::Busy,
        Errno::CrossDevice => W::CrossDevice,
        Errno::OverQuota => W::Quota,
        Errno::Exist => W::Exist,
        Errno::FileTooLarge => W::FileTooLarge,
        Errno::IllegalByteSequence => W::IllegalByteSequence,
        Errno::Interrupted => W::Interrupted,
        Errno::Invalid | Errno::ArgumentListTooLong => W::Invalid,
        Errno::Io | Errno::TimedOut => W::Io,
        Errno::IsDirectory => W::IsDirectory,
        Errno::Loop => W::Loop,
        Errno::TooManyOpenFiles | Errno::NoMemory => W::InsufficientMemory,
        Errno::TooManyLinks => W::TooManyLinks,
        Errno::NameTooLong => W::NameTooLong,
        Errno::NoDevice => W::NoDevice,
        Errno::NoEntry => W::NoEntry,
        Errno::NoSpace => W::InsufficientSpace,
        Errno::NotSupported | Errno::NotExecutable => W::Unsupported,
        Errno::NotDirectory => W::NotDirectory,
        Errno::DirectoryNotEmpty => W::NotEmpty,
        Errno::NoSuchDevice => W::NoSuchDevice,
        Errno::NotPermitted | Errno::NoChild | Errno::NoProcess => W::NotPermitted,
        Errno::BrokenPipe => W::Pipe,
        Errno::ReadOnly => W::ReadOnly,
        Errno::IllegalSeek => W::InvalidSeek,
        Errno::TextFileBusy => W::TextFileBusy,
    }
}

pub(crate) fn kind(kind: FileType) -> own::FileType {
    match kind {
        FileType::Regular => own::FileType::Regular,
        FileType::Directory => own::FileType::Directory,
        FileType::SymbolicLink => own::FileType::SymbolicLink,
        FileType::CharacterDevice => own::FileType::CharacterDevice,
        FileType::Fifo => own::FileType::Fifo,
        FileType::Socket => own::FileType::Socket,
        FileType::Unknown => own::FileType::Unknown,
    }
}

pub(crate) fn wasi_kind(kind: FileType) -> wasi::DescriptorType {
    match kind {
        FileType::Regular => wasi::DescriptorType::RegularFile,
        FileType::Directory => wasi::DescriptorType::Directory,
        FileType::SymbolicLink => wasi::DescriptorType::SymbolicLink,
        FileType::CharacterDevice => wasi::DescriptorType::CharacterDevice,
        FileType::Fifo => wasi::DescriptorType::Fifo,
        FileType::Socket => wasi::DescriptorType::Socket,
        FileType::Unknown => wasi::DescriptorType::Unknown,
    }
}

fn timestamp(time: Timestamp) -> own::Timestamp {
    own::Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

pub(crate) fn timestamp_in(time: own::Timestamp) -> Timestamp {
    Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

pub(crate) fn stat(stat: Stat) -> own::Stat {
    own::Stat {
        device: stat.device,
        inode: stat.inode,
        kind: kind(stat.kind),
        mode: stat.mode,
        links: stat.links,
        uid: stat.uid,
        gid: stat.gid,
        device_number: stat.device_number,
        size: stat.size,
        blocks: stat.blocks,
        accessed: timestamp(stat.accessed),
        modified: timestamp(stat.modified),
        changed: timestamp(stat.changed),
    }
}

pub(crate) fn entry(entry: Entry) -> own::Entry {
    own::Entry { name: entry.name, stat: stat(entry.stat) }
}

pub(crate) fn position(to: own::Position) -> Position {
    match to {
        own::Position::Start(offset) => Position::Start(offset),
        own::Position::Current(by) => Position::Current(by),
        own::Position::End(by) => Position::End(by),
    }
}

pub(crate) fn new_time(time: own::NewTime) -> NewTime {
    match time {
        own::NewTime::Keep => NewTime::Keep,
        own::NewTime::Now => NewTime::Now,
        own::NewTime::At(at) => NewTime::At(timestamp_in(at)),
    }
}

/// Times before the epoch cannot be said in WASI.
fn datetime(time: Timestamp) -> Option<wasi::Datetime> {
    let seconds = u64::try_from(time.seconds).ok()?;
    Some(wasi::Datetime { seconds, nanoseconds: time.nanoseconds })
}

pub(crate) fn wasi_stat(stat: Stat) -> wasi::DescriptorStat {
    wasi::DescriptorStat {
        type_: wasi_kind(stat.kind),
        link_count: u64::from(stat.links),
        size: stat.size,
        data_access_timestamp: datetime(stat.accessed),
        data_modification_timestamp: datetime(stat.modified),
        status_change_timestamp: datetime(stat.changed),
    }
}

pub(crate) fn wasi_new_time(time: wasi::NewTimestamp) -> NewTime {
    match time {
        wasi::NewTimestamp::NoChange => NewTime::Keep,
        wasi::NewTimestamp::Now => NewTime::Now,
        wasi::NewTimestamp::Timestamp(at) => NewTime::At(Timestamp {
            seconds: i64::try_from(at.seconds).unwrap_or(i64::MAX),
            nanoseconds: at.nanoseconds,
        }),
    }
}
