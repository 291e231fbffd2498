//! The error numbers of wasi-libc (`<errno.h>`), which are those of WASI preview 1.

use crate::bindings::wasmsh::fs::types::ErrorCode;

/// A positive `errno` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

macro_rules! errnos {
    ($($name:ident = $number:literal),* $(,)?) => {
        impl Errno {
            $(pub(crate) const $name: Errno = Errno($number);)*
        }
    };
}

errnos! {
    E2BIG = 1, EACCES = 2, EAGAIN = 6, EBADF = 8, EBUSY = 10, ECHILD = 12, EDEADLK = 16, EDQUOT = 19, EEXIST = 20, EFBIG = 22,
    EILSEQ = 25, EINTR = 27, EINVAL = 28, EIO = 29, EISDIR = 31, ELOOP = 32, EMFILE = 33, EMLINK = 34,
    ENAMETOOLONG = 37, ENODEV = 43, ENOENT = 44, ENOEXEC = 45, ENOMEM = 48, ENOSPC = 51, ENOSYS = 52,
    ENOTDIR = 54, ENOTEMPTY = 55, ENOTSUP = 58, ENOTTY = 59, ENXIO = 60, EPERM = 63, EPIPE = 64, ERANGE = 68,
    EROFS = 69, ESPIPE = 70, ESRCH = 71, ETIMEDOUT = 73, ETXTBSY = 74, EXDEV = 75,
}

impl Errno {
    /// What a function of this layer returns to C.
    pub(crate) const fn negative(self) -> i32 {
        -self.0
    }
}

impl From<ErrorCode> for Errno {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::ArgumentListTooLong => Errno::E2BIG,
            ErrorCode::Access => Errno::EACCES,
            ErrorCode::Again => Errno::EAGAIN,
            ErrorCode::BadDescriptor => Errno::EBADF,
            ErrorCode::Busy => Errno::EBUSY,
            ErrorCode::NoChild => Errno::ECHILD,
            ErrorCode::CrossDevice => Errno::EXDEV,
            ErrorCode::OverQuota => Errno::EDQUOT,
            ErrorCode::Exist => Errno::EEXIST,
            ErrorCode::FileTooLarge => Errno::EFBIG,
            ErrorCode::IllegalByteSequence => Errno::EILSEQ,
            ErrorCode::Interrupted => Errno::EINTR,
            ErrorCode::Invalid => Errno::EINVAL,
            ErrorCode::Io => Errno::EIO,
            ErrorCode::IsDirectory => Errno::EISDIR,
            ErrorCode::Loop => Errno::ELOOP,
            ErrorCode::TooManyOpenFiles => Errno::EMFILE,
            ErrorCode::TooManyLinks => Errno::EMLINK,
            ErrorCode::NameTooLong => Errno::ENAMETOOLONG,
            ErrorCode::NoDevice => Errno::ENODEV,
            ErrorCode::NoEntry => Errno::ENOENT,
            ErrorCode::NotExecutable => Errno::ENOEXEC,
            ErrorCode::NoMemory => Errno::ENOMEM,
            ErrorCode::NoSpace => Errno::ENOSPC,
            ErrorCode::NotSupported => Errno::ENOTSUP,
            ErrorCode::NotDirectory => Errno::ENOTDIR,
            ErrorCode::DirectoryNotEmpty => Errno::ENOTEMPTY,
            ErrorCode::NoSuchDevice => Errno::ENXIO,
            ErrorCode::NotPermitted => Errno::EPERM,
            ErrorCode::BrokenPipe => Errno::EPIPE,
            ErrorCode::ReadOnly => Errno::EROFS,
            ErrorCode::IllegalSeek => Errno::ESPIPE,
            ErrorCode::NoProcess => Errno::ESRCH,
            ErrorCode::TimedOut => Errno::ETIMEDOUT,
            ErrorCode::TextFileBusy => Errno::ETXTBSY,
        }
    }
}

/// A call's result as C gets it: a non-negative number, or the negative error.
pub(crate) fn answer(result: Result<i32, Errno>) -> i32 {
    match result {
        Ok(value) => value,
        Err(errno) => errno.negative(),
    }
}

/// The result of a call that only succeeds or fails.
pub(crate) fn done(result: Result<(), Errno>) -> i32 {
    answer(result.map(|()| 0))
}
