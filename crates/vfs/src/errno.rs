//! The errors of files and processes: POSIX `errno` values as an enum.

/// What a call of the system can end with (POSIX XBD `<errno.h>`).
///
/// The variants are those of `error-code` in `wit/fs/types.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Errno {
    /// E2BIG: the argument list is too long.
    ArgumentListTooLong,
    /// EACCES: permission denied.
    Access,
    /// EAGAIN: nothing can be done now without waiting.
    Again,
    /// EBADF: no such descriptor, or not open for this.
    BadDescriptor,
    /// EBUSY: in use.
    Busy,
    /// ECHILD: no child to wait for.
    NoChild,
    /// EXDEV: the two names are on different filesystems.
    CrossDevice,
    /// EDQUOT: a quota of the session is used up.
    OverQuota,
    /// EEXIST: the file exists.
    Exist,
    /// EFBIG: the file would be too large.
    FileTooLarge,
    /// EILSEQ: a name is not UTF-8.
    IllegalByteSequence,
    /// EINTR: a signal came first.
    Interrupted,
    /// EINVAL: an argument is out of its range.
    Invalid,
    /// EIO: the storage behind a mount failed.
    Io,
    /// EISDIR: it is a directory.
    IsDirectory,
    /// ELOOP: too many symbolic links.
    Loop,
    /// EMFILE: too many open descriptors.
    TooManyOpenFiles,
    /// EMLINK: too many hard links.
    TooManyLinks,
    /// ENAMETOOLONG: a name or a path is too long.
    NameTooLong,
    /// ENODEV: the device does not do that.
    NoDevice,
    /// ENOENT: no such file or directory.
    NoEntry,
    /// ENOEXEC: the file is no program.
    NotExecutable,
    /// ENOMEM: no memory is left.
    NoMemory,
    /// ENOSPC: the filesystem is full.
    NoSpace,
    /// ENOTSUP: this filesystem does not do that (also for ENOSYS).
    NotSupported,
    /// ENOTDIR: a part of the path is not a directory.
    NotDirectory,
    /// ENOTEMPTY: the directory is not empty.
    DirectoryNotEmpty,
    /// ENXIO: nobody is at the other end of a FIFO or device.
    NoSuchDevice,
    /// EPERM: not the owner.
    NotPermitted,
    /// EPIPE: nobody reads the other end.
    BrokenPipe,
    /// EROFS: the filesystem is read-only.
    ReadOnly,
    /// ESPIPE: a pipe has no position.
    IllegalSeek,
    /// ESRCH: no such process.
    NoProcess,
    /// ETIMEDOUT: it took too long.
    TimedOut,
    /// ETXTBSY: the program is being run.
    TextFileBusy,
}

impl Errno {
    /// All of them, in the order of `error-code`: the position is the discriminant.
    pub const ALL: [Errno; 35] = [
        Errno::ArgumentListTooLong,
        Errno::Access,
        Errno::Again,
        Errno::BadDescriptor,
        Errno::Busy,
        Errno::NoChild,
        Errno::CrossDevice,
        Errno::OverQuota,
        Errno::Exist,
        Errno::FileTooLarge,
        Errno::IllegalByteSequence,
        Errno::Interrupted,
        Errno::Invalid,
        Errno::Io,
        Errno::IsDirectory,
        Errno::Loop,
        Errno::TooManyOpenFiles,
        Errno::TooManyLinks,
        Errno::NameTooLong,
        Errno::NoDevice,
        Errno::NoEntry,
        Errno::NotExecutable,
        Errno::NoMemory,
        Errno::NoSpace,
        Errno::NotSupported,
        Errno::NotDirectory,
        Errno::DirectoryNotEmpty,
        Errno::NoSuchDevice,
        Errno::NotPermitted,
        Errno::BrokenPipe,
        Errno::ReadOnly,
        Errno::IllegalSeek,
        Errno::NoProcess,
        Errno::TimedOut,
        Errno::TextFileBusy,
    ];

    /// The symbol of `<errno.h>`: `ENOENT`.
    pub const fn name(self) -> &'static str {
        match self {
            Errno::ArgumentListTooLong => "E2BIG",
            Errno::Access => "EACCES",
            Errno::Again => "EAGAIN",
            Errno::BadDescriptor => "EBADF",
            Errno::Busy => "EBUSY",
            Errno::NoChild => "ECHILD",
            Errno::CrossDevice => "EXDEV",
            Errno::OverQuota => "EDQUOT",
            Errno::Exist => "EEXIST",
            Errno::FileTooLarge => "EFBIG",
            Errno::IllegalByteSequence => "EILSEQ",
            Errno::Interrupted => "EINTR",
            Errno::Invalid => "EINVAL",
            Errno::Io => "EIO",
            Errno::IsDirectory => "EISDIR",
            Errno::Loop => "ELOOP",
            Errno::TooManyOpenFiles => "EMFILE",
            Errno::TooManyLinks => "EMLINK",
            Errno::NameTooLong => "ENAMETOOLONG",
            Errno::NoDevice => "ENODEV",
            Errno::NoEntry => "ENOENT",
            Errno::NotExecutable => "ENOEXEC",
            Errno::NoMemory => "ENOMEM",
            Errno::NoSpace => "ENOSPC",
            Errno::NotSupported => "ENOTSUP",
            Errno::NotDirectory => "ENOTDIR",
            Errno::DirectoryNotEmpty => "ENOTEMPTY",
            Errno::NoSuchDevice => "ENXIO",
            Errno::NotPermitted => "EPERM",
            Errno::BrokenPipe => "EPIPE",
            Errno::ReadOnly => "EROFS",
            Errno::IllegalSeek => "ESPIPE",
            Errno::NoProcess => "ESRCH",
            Errno::TimedOut => "ETIMEDOUT",
            Errno::TextFileBusy => "ETXTBSY",
        }
    }

    /// The text of `strerror(3)` as the GNU C library has it, for messages that
    /// read like those of the real tools.
    pub const fn strerror(self) -> &'static str {
        match self {
            Errno::ArgumentListTooLong => "Argument list too long",
            Errno::Access => "Permission denied",
            Errno::Again => "Resource temporarily unavailable",
            Errno::BadDescriptor => "Bad file descriptor",
            Errno::Busy => "Device or resource busy",
            Errno::NoChild => "No child processes",
            Errno::CrossDevice => "Invalid cross-device link",
            Errno::OverQuota => "Disk quota exceeded",
            Errno::Exist => "File exists",
            Errno::FileTooLarge => "File too large",
            Errno::IllegalByteSequence => "Invalid or incomplete multibyte or wide character",
            Errno::Interrupted => "Interrupted system call",
            Errno::Invalid => "Invalid argument",
            Errno::Io => "Input/output error",
            Errno::IsDirectory => "Is a directory",
            Errno::Loop => "Too many levels of symbolic links",
            Errno::TooManyOpenFiles => "Too many open files",
            Errno::TooManyLinks => "Too many links",
            Errno::NameTooLong => "File name too long",
            Errno::NoDevice => "No such device",
            Errno::NoEntry => "No such file or directory",
            Errno::NotExecutable => "Exec format error",
            Errno::NoMemory => "Cannot allocate memory",
            Errno::NoSpace => "No space left on device",
            Errno::NotSupported => "Operation not supported",
            Errno::NotDirectory => "Not a directory",
            Errno::DirectoryNotEmpty => "Directory not empty",
            Errno::NoSuchDevice => "No such device or address",
            Errno::NotPermitted => "Operation not permitted",
            Errno::BrokenPipe => "Broken pipe",
            Errno::ReadOnly => "Read-only file system",
            Errno::IllegalSeek => "Illegal seek",
            Errno::NoProcess => "No such process",
            Errno::TimedOut => "Connection timed out",
            Errno::TextFileBusy => "Text file busy",
        }
    }

    /// The number that Linux gives it (`asm-generic/errno.h`).
    pub const fn code(self) -> i32 {
        match self {
            Errno::ArgumentListTooLong => 7,
            Errno::Access => 13,
            Errno::Again => 11,
            Errno::BadDescriptor => 9,
            Errno::Busy => 16,
            Errno::NoChild => 10,
            Errno::CrossDevice => 18,
            Errno::OverQuota => 122,
            Errno::Exist => 17,
            Errno::FileTooLarge => 27,
            Errno::IllegalByteSequence => 84,
            Errno::Interrupted => 4,
            Errno::Invalid => 22,
            Errno::Io => 5,
            Errno::IsDirectory => 21,
            Errno::Loop => 40,
            Errno::TooManyOpenFiles => 24,
            Errno::TooManyLinks => 31,
            Errno::NameTooLong => 36,
            Errno::NoDevice => 19,
            Errno::NoEntry => 2,
            Errno::NotExecutable => 8,
            Errno::NoMemory => 12,
            Errno::NoSpace => 28,
            Errno::NotSupported => 95,
            Errno::NotDirectory => 20,
            Errno::DirectoryNotEmpty => 39,
            Errno::NoSuchDevice => 6,
            Errno::NotPermitted => 1,
            Errno::BrokenPipe => 32,
            Errno::ReadOnly => 30,
            Errno::IllegalSeek => 29,
            Errno::NoProcess => 3,
            Errno::TimedOut => 110,
            Errno::TextFileBusy => 26,
        }
    }

    /// The error with this Linux number; `None` if it is not one of ours.
    pub fn from_code(code: i32) -> Option<Errno> {
        // ENOSYS has no variant of its own.
        if code == 38 {
            return Some(Errno::NotSupported);
        }
        Errno::ALL.into_iter().find(|e| e.code() == code)
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.strerror())
    }
}

impl std::error::Error for Errno {}
