//! The vocabulary of the crate: streams, signals, how a run ended, what a file is.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::bindings::core::exports::wasmsh::fs::types as fs;
use crate::bindings::core::wasmsh::session::types as wit;
use crate::limits::Limit;

/// One of the two output streams of a run.
///
/// ```
/// use wasmsh::Stream;
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// session.run("echo out; echo err >&2").stream(|stream, bytes| {
///     match stream {
///         Stream::Stdout => assert_eq!(bytes, b"out\n"),
///         Stream::Stderr => assert_eq!(bytes, b"err\n"),
///     }
///     std::ops::ControlFlow::Continue(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output, descriptor 1.
    Stdout,
    /// Standard error, descriptor 2.
    Stderr,
}

macro_rules! signals {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal;)*) => {
        /// The signals of POSIX `<signal.h>` that have a meaning in a session.
        ///
        /// ```
        /// use wasmsh::{Exit, Signal};
        ///
        /// # let mut session = wasmsh::Sandbox::builder().build()?;
        /// assert_eq!(session.run("kill -TERM $$").output()?.exit, Exit::Signalled(Signal::Term));
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "UPPERCASE")]
        pub enum Signal { $($(#[doc = $doc])* $name,)* }

        impl Signal {
            /// Its number on Linux, by which a shell reports it: the status is 128 more.
            ///
            /// ```
            /// assert_eq!(wasmsh::Signal::Kill.number(), 9);
            /// ```
            #[must_use]
            pub fn number(self) -> u8 {
                match self { $(Self::$name => $number,)* }
            }
        }

        impl From<wit::Signal> for Signal {
            fn from(signal: wit::Signal) -> Self {
                match signal { $(wit::Signal::$name => Self::$name,)* }
            }
        }

        impl From<Signal> for wit::Signal {
            fn from(signal: Signal) -> Self {
                match signal { $(Signal::$name => Self::$name,)* }
            }
        }
    };
}

signals! {
    /// Hang-up of the terminal.
    Hup = 1;
    /// What Ctrl-C sends.
    Int = 2;
    /// What Ctrl-\ sends.
    Quit = 3;
    /// An instruction that is none.
    Ill = 4;
    /// For debuggers.
    Trap = 5;
    /// Abnormal end.
    Abrt = 6;
    /// An address that is none.
    Bus = 7;
    /// An arithmetic operation without a result.
    Fpe = 8;
    /// The end that cannot be caught.
    Kill = 9;
    /// For the program's own use.
    Usr1 = 10;
    /// Invalid memory reference.
    Segv = 11;
    /// For the program's own use.
    Usr2 = 12;
    /// A pipe without a reader was written to.
    Pipe = 13;
    /// A timer.
    Alrm = 14;
    /// Please end.
    Term = 15;
    /// Unused.
    Stkflt = 16;
    /// A child changed its state.
    Chld = 17;
    /// Go on after a stop.
    Cont = 18;
    /// The stop that cannot be caught.
    Stop = 19;
    /// What Ctrl-Z sends.
    Tstp = 20;
    /// A background process reads the terminal.
    Ttin = 21;
    /// A background process writes to the terminal.
    Ttou = 22;
    /// Urgent data on a socket.
    Urg = 23;
    /// The limit of CPU time.
    Xcpu = 24;
    /// The limit on the size of files.
    Xfsz = 25;
    /// A timer of CPU time.
    Vtalrm = 26;
    /// A timer for profiling.
    Prof = 27;
    /// The terminal's size changed.
    Winch = 28;
    /// A descriptor is ready.
    Io = 29;
    /// The power fails.
    Pwr = 30;
    /// A system call that is none.
    Sys = 31;
}

/// How a run, or a process, ended.
///
/// ```
/// use wasmsh::{Exit, Limit};
///
/// assert_eq!(Exit::Code(3).status(), 3);
/// assert_eq!(Exit::Limited(Limit::WallTimeMs(100)).status(), 124);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this status.
    Code(u8),
    /// By a signal.
    Signalled(Signal),
    /// By a limit of the run.
    Limited(Limit),
}

impl Exit {
    /// The status as a shell shows it (bash manual, 3.7.5): the code; 128 and the signal's number; 124 for a
    /// limit of time, as `timeout(1)` has it, and 137 for any other limit.
    ///
    /// ```
    /// assert_eq!(wasmsh::Exit::Signalled(wasmsh::Signal::Kill).status(), 137);
    /// ```
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signalled(signal) => 128 + signal.number(),
            Self::Limited(Limit::WallTimeMs(_) | Limit::CpuTimeMs(_)) => 124,
            Self::Limited(_) => 137,
        }
    }

    /// Whether the status is 0.
    ///
    /// ```
    /// assert!(wasmsh::Exit::Code(0).success());
    /// ```
    #[must_use]
    pub fn success(self) -> bool {
        self.status() == 0
    }
}

impl From<wit::Exit> for Exit {
    fn from(exit: wit::Exit) -> Self {
        match exit {
            wit::Exit::Code(code) => Self::Code(code),
            wit::Exit::Signalled(signal) => Self::Signalled(signal.into()),
            wit::Exit::Limited(limit) => Self::Limited(match limit {
                wit::Limit::Steps(steps) => Limit::Steps(steps),
                wit::Limit::WallTimeMs(ms) => Limit::WallTimeMs(ms),
                wit::Limit::OutputBytes(bytes) => Limit::OutputBytes(bytes),
            }),
        }
    }
}

macro_rules! errors {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        /// The error numbers of POSIX `<errno.h>` that a call on files can end with.
        ///
        /// ```
        /// use wasmsh::Errno;
        ///
        /// # let mut session = wasmsh::Sandbox::builder().build()?;
        /// let error = session.write_file("/dev", "text").unwrap_err();
        /// assert_eq!(error.errno(), Some(Errno::IsDirectory));
        /// assert_eq!(Errno::IsDirectory.to_string(), "Is a directory");
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Errno {
            $(
                #[doc = concat!("`", $code, "`: ", $text, ".")]
                $name,
            )*
        }

        impl Errno {
            /// The constant's name in POSIX.
            ///
            /// ```
            /// assert_eq!(wasmsh::Errno::NoEntry.code(), "ENOENT");
            /// ```
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }

        impl fmt::Display for Errno {
            /// The text of `strerror(3)`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)* })
            }
        }

        impl std::error::Error for Errno {}

        impl From<fs::ErrorCode> for Errno {
            fn from(code: fs::ErrorCode) -> Self {
                match code { $(fs::ErrorCode::$name => Self::$name,)* }
            }
        }
    };
}

errors! {
    ArgumentListTooLong = "E2BIG", "Argument list too long";
    Access = "EACCES", "Permission denied";
    Again = "EAGAIN", "Resource temporarily unavailable";
    BadDescriptor = "EBADF", "Bad file descriptor";
    Busy = "EBUSY", "Device or resource busy";
    NoChild = "ECHILD", "No child processes";
    CrossDevice = "EXDEV", "Invalid cross-device link";
    OverQuota = "EDQUOT", "Disk quota exceeded";
    Exist = "EEXIST", "File exists";
    FileTooLarge = "EFBIG", "File too large";
    IllegalByteSequence = "EILSEQ", "Invalid or incomplete multibyte or wide character";
    Interrupted = "EINTR", "Interrupted system call";
    Invalid = "EINVAL", "Invalid argument";
    Io = "EIO", "Input/output error";
    IsDirectory = "EISDIR", "Is a directory";
    Loop = "ELOOP", "Too many levels of symbolic links";
    TooManyOpenFiles = "EMFILE", "Too many open files";
    TooManyLinks = "EMLINK", "Too many links";
    NameTooLong = "ENAMETOOLONG", "File name too long";
    NoDevice = "ENODEV", "No such device";
    NoEntry = "ENOENT", "No such file or directory";
    NotExecutable = "ENOEXEC", "Exec format error";
    NoMemory = "ENOMEM", "Cannot allocate memory";
    NoSpace = "ENOSPC", "No space left on device";
    NotSupported = "ENOTSUP", "Operation not supported";
    NotDirectory = "ENOTDIR", "Not a directory";
    DirectoryNotEmpty = "ENOTEMPTY", "Directory not empty";
    NoSuchDevice = "ENXIO", "No such device or address";
    NotPermitted = "EPERM", "Operation not permitted";
    BrokenPipe = "EPIPE", "Broken pipe";
    ReadOnly = "EROFS", "Read-only file system";
    IllegalSeek = "ESPIPE", "Illegal seek";
    NoProcess = "ESRCH", "No such process";
    TimedOut = "ETIMEDOUT", "Connection timed out";
    TextFileBusy = "ETXTBSY", "Text file busy";
}

/// What an inode is (`S_IFMT` of POSIX `<sys/stat.h>`).
///
/// ```
/// use wasmsh::FileType;
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// assert_eq!(session.stat("/dev/null")?.kind, FileType::CharacterDevice);
/// assert_eq!(session.stat("/tmp")?.kind, FileType::Directory);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileType {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    SymbolicLink,
    /// A character device, as `/dev/null` is.
    CharacterDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// Something that the storage behind a mount has and POSIX does not.
    Unknown,
}

/// What `stat(2)` tells of a file.
///
/// ```
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// session.run("echo text > file; chmod 600 file").output()?;
/// let stat = session.stat("file")?;
/// assert_eq!((stat.size, stat.mode, stat.links), (5, 0o600, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// What it is.
    pub kind: FileType,
    /// Permission bits with set-id and sticky, `0o7777`.
    pub mode: u32,
    /// Bytes; of a symbolic link the length of its target.
    pub size: u64,
    /// Hard links.
    pub links: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Which filesystem it is on.
    pub device: u64,
    /// Its number there, never used twice in a session.
    pub inode: u64,
    /// When its contents last changed.
    pub modified: SystemTime,
    /// When it was last read.
    pub accessed: SystemTime,
    /// When its inode last changed.
    pub changed: SystemTime,
}

/// A name in a directory, with what `lstat(2)` tells of it.
///
/// ```
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// session.run("touch b a").output()?;
/// let names: Vec<_> = session.list_dir(".")?.into_iter().map(|entry| entry.name).collect();
/// assert_eq!(names, ["a", "b"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The last part of the path.
    pub name: String,
    /// What it leads to, links not followed.
    pub stat: Stat,
}

impl From<fs::FileType> for FileType {
    fn from(kind: fs::FileType) -> Self {
        match kind {
            fs::FileType::Regular => Self::Regular,
            fs::FileType::Directory => Self::Directory,
            fs::FileType::SymbolicLink => Self::SymbolicLink,
            fs::FileType::CharacterDevice => Self::CharacterDevice,
            fs::FileType::Fifo => Self::Fifo,
            fs::FileType::Socket => Self::Socket,
            fs::FileType::Unknown => Self::Unknown,
        }
    }
}

/// The instant of a timestamp; one that `SystemTime` cannot hold becomes the epoch.
fn instant(at: fs::Timestamp) -> SystemTime {
    let whole = Duration::from_secs(at.seconds.unsigned_abs());
    let start = if at.seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
    start
        .and_then(|start| start.checked_add(Duration::from_nanos(at.nanoseconds.into())))
        .unwrap_or(UNIX_EPOCH)
}

/// The timestamp of an instant.
pub(crate) fn timestamp(at: SystemTime) -> fs::Timestamp {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => fs::Timestamp {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: since.subsec_nanos(),
        },
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            match before.subsec_nanos() {
                0 => fs::Timestamp { seconds: -whole, nanoseconds: 0 },
                part => fs::Timestamp { seconds: -whole - 1, nanoseconds: 1_000_000_000 - part },
            }
        }
    }
}

impl From<fs::Stat> for Stat {
    fn from(stat: fs::Stat) -> Self {
        Self {
            kind: stat.kind.into(),
            mode: stat.mode,
            size: stat.size,
            links: stat.links,
            uid: stat.uid,
            gid: stat.gid,
            device: stat.device,
            inode: stat.inode,
            modified: instant(stat.modified),
            accessed: instant(stat.accessed),
            changed: instant(stat.changed),
        }
    }
}

impl From<fs::Entry> for Entry {
    fn from(entry: fs::Entry) -> Self {
        Self { name: entry.name, stat: entry.stat.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_a_shell() {
        assert_eq!(Exit::Code(3).status(), 3);
        assert_eq!(Exit::Signalled(Signal::Segv).status(), 139);
        assert_eq!(Exit::Signalled(Signal::Pipe).status(), 141);
        assert_eq!(Exit::Limited(Limit::WallTimeMs(5)).status(), 124);
        assert_eq!(Exit::Limited(Limit::Steps(5)).status(), 137);
    }

    #[test]
    fn times_before_the_epoch_count_forward() {
        let at = instant(fs::Timestamp { seconds: -1, nanoseconds: 250_000_000 });
        assert_eq!(UNIX_EPOCH.duration_since(at).unwrap(), Duration::from_millis(750));
        assert_eq!(instant(timestamp(at)), at);
        assert_eq!(timestamp(at).seconds, -1);
    }
}
