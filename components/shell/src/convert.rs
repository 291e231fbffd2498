//! Between the plain types of the kernel and those of the bindings. `…_in` goes to the bindings, `…_out` comes
//! from them.

use wasmsh_os as os;
use wasmsh_os::{AccessMode, Entry, Errno, FileType, NewTime, OpenFlags, Position, Stat, Timestamp};

use crate::bindings::wasmsh::fs::types as fs;
use crate::bindings::wasmsh::net::types as net;
use crate::bindings::wasmsh::session::types as session;

/// One arm for each error code, both ways: the names are the same on both sides.
macro_rules! error_codes {
    ($($name:ident),* $(,)?) => {
        pub(crate) fn errno_out(code: fs::ErrorCode) -> Errno {
            match code {
                $(fs::ErrorCode::$name => Errno::$name,)*
            }
        }

        pub(crate) fn errno_in(errno: Errno) -> fs::ErrorCode {
            match errno {
                $(Errno::$name => fs::ErrorCode::$name,)*
            }
        }
    };
}

error_codes!(
    ArgumentListTooLong,
    Access,
    Again,
    BadDescriptor,
    Busy,
    NoChild,
    CrossDevice,
    OverQuota,
    Exist,
    FileTooLarge,
    IllegalByteSequence,
    Interrupted,
    Invalid,
    Io,
    IsDirectory,
    Loop,
    TooManyOpenFiles,
    TooManyLinks,
    NameTooLong,
    NoDevice,
    NoEntry,
    NotExecutable,
    NoMemory,
    NoSpace,
    NotSupported,
    NotDirectory,
    DirectoryNotEmpty,
    NoSuchDevice,
    NotPermitted,
    BrokenPipe,
    ReadOnly,
    IllegalSeek,
    NoProcess,
    TimedOut,
    TextFileBusy,
);

pub(crate) fn flags_in(flags: OpenFlags) -> fs::OpenFlags {
    fs::OpenFlags::from_bits_truncate(flags.bits())
}

pub(crate) fn flags_out(flags: fs::OpenFlags) -> OpenFlags {
    OpenFlags::from_bits_truncate(flags.bits())
}

pub(crate) fn access_in(mode: AccessMode) -> fs::AccessMode {
    fs::AccessMode::from_bits_truncate(mode.bits())
}

// The two sides number the flags alike.
const _: () = {
    assert!(fs::OpenFlags::READ.bits() == OpenFlags::READ.bits());
    assert!(fs::OpenFlags::WRITE.bits() == OpenFlags::WRITE.bits());
    assert!(fs::OpenFlags::APPEND.bits() == OpenFlags::APPEND.bits());
    assert!(fs::OpenFlags::CREATE.bits() == OpenFlags::CREATE.bits());
    assert!(fs::OpenFlags::EXCLUSIVE.bits() == OpenFlags::EXCLUSIVE.bits());
    assert!(fs::OpenFlags::TRUNCATE.bits() == OpenFlags::TRUNCATE.bits());
    assert!(fs::OpenFlags::DIRECTORY.bits() == OpenFlags::DIRECTORY.bits());
    assert!(fs::OpenFlags::NO_FOLLOW.bits() == OpenFlags::NO_FOLLOW.bits());
    assert!(fs::AccessMode::READ.bits() == AccessMode::READ.bits());
    assert!(fs::AccessMode::WRITE.bits() == AccessMode::WRITE.bits());
    assert!(fs::AccessMode::EXECUTE.bits() == AccessMode::EXECUTE.bits());
};

fn timestamp_out(time: fs::Timestamp) -> Timestamp {
    Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

fn timestamp_in(time: Timestamp) -> fs::Timestamp {
    fs::Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

pub(crate) fn time_in(time: NewTime) -> fs::NewTime {
    match time {
        NewTime::Keep => fs::NewTime::Keep,
        NewTime::Now => fs::NewTime::Now,
        NewTime::At(time) => fs::NewTime::At(timestamp_in(time)),
    }
}

pub(crate) fn position_in(to: Position) -> fs::Position {
    match to {
        Position::Start(offset) => fs::Position::Start(offset),
        Position::Current(offset) => fs::Position::Current(offset),
        Position::End(offset) => fs::Position::End(offset),
    }
}

pub(crate) fn http_request_out(request: net::Request) -> os::HttpRequest {
    os::HttpRequest {
        method: request.method,
        url: request.url,
        headers: request
            .headers
            .into_iter()
            .map(|header| os::Header { name: header.name, value: header.value })
            .collect(),
        body: request.body,
        timeout_ms: request.timeout_ms,
        redirects: request.redirects,
    }
}

pub(crate) fn position_out(to: fs::Position) -> Position {
    match to {
        fs::Position::Start(offset) => Position::Start(offset),
        fs::Position::Current(offset) => Position::Current(offset),
        fs::Position::End(offset) => Position::End(offset),
    }
}

fn kind_out(kind: fs::FileType) -> FileType {
    match kind {
        fs::FileType::Regular => FileType::Regular,
        fs::FileType::Directory => FileType::Directory,
        fs::FileType::SymbolicLink => FileType::SymbolicLink,
        fs::FileType::CharacterDevice => FileType::CharacterDevice,
        fs::FileType::Fifo => FileType::Fifo,
        fs::FileType::Socket => FileType::Socket,
        fs::FileType::Unknown => FileType::Unknown,
    }
}

fn kind_in(kind: FileType) -> fs::FileType {
    match kind {
        FileType::Regular => fs::FileType::Regular,
        FileType::Directory => fs::FileType::Directory,
        FileType::SymbolicLink => fs::FileType::SymbolicLink,
        FileType::CharacterDevice => fs::FileType::CharacterDevice,
        FileType::Fifo => fs::FileType::Fifo,
        FileType::Socket => fs::FileType::Socket,
        FileType::Unknown => fs::FileType::Unknown,
    }
}

pub(crate) fn stat_out(stat: fs::Stat) -> Stat {
    Stat {
        device: stat.device,
        inode: stat.inode,
        kind: kind_out(stat.kind),
        mode: stat.mode,
        links: stat.links,
        uid: stat.uid,
        gid: stat.gid,
        device_number: stat.device_number,
        size: stat.size,
        blocks: stat.blocks,
        accessed: timestamp_out(stat.accessed),
        modified: timestamp_out(stat.modified),
        changed: timestamp_out(stat.changed),
    }
}

pub(crate) fn stat_in(stat: &Stat) -> fs::Stat {
    fs::Stat {
        device: stat.device,
        inode: stat.inode,
        kind: kind_in(stat.kind),
        mode: stat.mode,
        links: stat.links,
        uid: stat.uid,
        gid: stat.gid,
        device_number: stat.device_number,
        size: stat.size,
        blocks: stat.blocks,
        accessed: timestamp_in(stat.accessed),
        modified: timestamp_in(stat.modified),
        changed: timestamp_in(stat.changed),
    }
}

pub(crate) fn entry_out(entry: fs::Entry) -> Entry {
    Entry { name: entry.name, stat: stat_out(entry.stat) }
}

/// One arm for each signal, both ways.
macro_rules! signals {
    ($($name:ident),* $(,)?) => {
        pub(crate) fn signal_out(signal: session::Signal) -> os::Signal {
            match signal {
                $(session::Signal::$name => os::Signal::$name,)*
            }
        }

        pub(crate) fn signal_in(signal: os::Signal) -> session::Signal {
            match signal {
                $(os::Signal::$name => session::Signal::$name,)*
            }
        }
    };
}

signals!(
    Hup, Int, Quit, Ill, Trap, Abrt, Bus, Fpe, Kill, Usr1, Segv, Usr2, Pipe, Alrm, Term, Stkflt, Chld, Cont,
    Stop, Tstp, Ttin, Ttou, Urg, Xcpu, Xfsz, Vtalrm, Prof, Winch, Io, Pwr, Sys,
);

/// How a foreign command ended. A limit is the run's business, which has ended the process already.
pub(crate) fn exit_out(exit: session::Exit) -> os::Exit {
    match exit {
        session::Exit::Code(code) => os::Exit::Code(code),
        session::Exit::Signalled(signal) => os::Exit::Signalled(signal_out(signal)),
        session::Exit::Limited(_) => os::Exit::Signalled(os::Signal::Kill),
    }
}

pub(crate) fn exit_in(exit: os::Exit) -> session::Exit {
    match exit {
        os::Exit::Code(code) => session::Exit::Code(code),
        os::Exit::Signalled(signal) => session::Exit::Signalled(signal_in(signal)),
    }
}

pub(crate) fn chunk_in(chunk: os::Chunk) -> session::Chunk {
    let origin = match chunk.origin {
        os::OutputStream::Stdout => session::OutputStream::Stdout,
        os::OutputStream::Stderr => session::OutputStream::Stderr,
    };
    session::Chunk { origin, bytes: chunk.bytes }
}

pub(crate) fn request_in((id, request): (os::RequestId, os::Request)) -> (u32, session::Request) {
    let request = match request {
        os::Request::Command { name, pid } => {
            session::Request::Command(session::Command { name, pid: pid.get() })
        }
        os::Request::Fetch(request) => session::Request::Fetch(net::Request {
            method: request.method,
            url: request.url,
            headers: request
                .headers
                .into_iter()
                .map(|header| net::Header { name: header.name, value: header.value })
                .collect(),
            body: request.body,
            timeout_ms: request.timeout_ms,
            redirects: request.redirects,
        }),
        os::Request::Cancelled(id) => session::Request::Cancelled(id.0),
    };
    (id.0, request)
}

pub(crate) fn answer_out(answer: session::Answer) -> os::Answer {
    match answer {
        session::Answer::Exited(exit) => os::Answer::Exited(exit_out(exit)),
        session::Answer::Head(head) => os::Answer::Head(os::ResponseHead {
            status: head.status,
            url: head.url,
            headers: head
                .headers
                .into_iter()
                .map(|header| os::Header { name: header.name, value: header.value })
                .collect(),
        }),
        session::Answer::Body(bytes) => os::Answer::Body(bytes),
        session::Answer::Ended(result) => os::Answer::Ended(result.map_err(|error| match error {
            net::FetchError::Denied(why) => os::FetchError::Denied(why),
            net::FetchError::UnknownHost(host) => os::FetchError::UnknownHost(host),
            net::FetchError::Refused => os::FetchError::Refused,
            net::FetchError::TimedOut => os::FetchError::TimedOut,
            net::FetchError::TooManyRedirects(count) => os::FetchError::TooManyRedirects(count),
            net::FetchError::TooLarge(size) => os::FetchError::TooLarge(size),
            net::FetchError::Tls(why) => os::FetchError::Tls(why),
            net::FetchError::Protocol(why) => os::FetchError::Protocol(why),
        })),
    }
}

pub(crate) fn reception_in(reception: os::Reception) -> session::Reception {
    match reception {
        os::Reception::Taken => session::Reception::Taken,
        os::Reception::Full => session::Reception::Full,
        os::Reception::Unwanted => session::Reception::Unwanted,
    }
}

pub(crate) fn terminal_in(size: os::TerminalSize) -> session::TerminalSize {
    session::TerminalSize { columns: size.columns, rows: size.rows }
}
