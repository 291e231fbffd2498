//! The vocabulary of the crate: streams, signals, limits, how a run ended, what a file is.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::bindings::core::exports::wasmsh::fs::types as fs;
use crate::bindings::core::wasmsh::session::types as wit;

/// One of the two output streams of a run.
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
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "UPPERCASE")]
        pub enum Signal { $($(#[doc = $doc])* $name,)* }

        impl Signal {
            /// Its number on Linux, by which a shell reports it: the status is 128 more.
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

/// The limit that ended a run, with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Steps of the shell's machine.
    Steps(u64),
    /// Wall-clock time, in milliseconds.
    WallTimeMs(u64),
    /// Bytes written to standard output and standard error together.
    OutputBytes(u64),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => write!(f, "step limit of {steps} exceeded"),
            Self::WallTimeMs(ms) => write!(f, "time limit of {ms} ms exceeded"),
            Self::OutputBytes(bytes) => write!(f, "output limit of {bytes} bytes exceeded"),
        }
    }
}

/// How a run, or a process, ended.
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
    /// The status as a shell shows it (bash manual, 3.7.5): the code; 128 and the signal's number; 124 for the
    /// limit of time, as `timeout(1)` has it, and 137 for any other limit.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signalled(signal) => 128 + signal.number(),
            Self::Limited(Limit::WallTimeMs(_)) => 124,
            Self::Limited(_) => 137,
        }
    }

    /// Whether the status is 0.
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

impl From<Exit> for wit::Exit {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Self::Code(code),
            Exit::Signalled(signal) => Self::Signalled(signal.into()),
            Exit::Limited(limit) => Self::Limited(match limit {
                Limit::Steps(steps) => wit::Limit::Steps(steps),
                Limit::WallTimeMs(ms) => wit::Limit::WallTimeMs(ms),
                Limit::OutputBytes(bytes) => wit::Limit::OutputBytes(bytes),
            }),
        }
    }
}

/// What ends a run that would not end by itself. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Steps of the shell's machine.
    pub steps: Option<u64>,
    /// Wall-clock time, in milliseconds.
    #[serde(rename = "wall_ms")]
    pub wall_time_ms: Option<u64>,
    /// Bytes written to standard output and standard error together.
    pub output_bytes: Option<u64>,
}

impl From<Limits> for wit::Limits {
    fn from(limits: Limits) -> Self {
        Self { steps: limits.steps, wall_time_ms: limits.wall_time_ms, output_bytes: limits.output_bytes }
    }
}

/// What a session may hold at one time. Beyond it a script meets an ordinary error, and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ceilings {
    /// Processes: `fork: Resource temporarily unavailable` beyond.
    pub processes: u32,
    /// Nested calls of functions, `.` and `eval`.
    pub call_depth: u32,
    /// Descriptors of one process: `Too many open files` beyond.
    pub descriptors: u32,
    /// Bytes that one expansion, one variable or one pipe may grow to.
    pub expansion_bytes: u64,
}

impl Default for Ceilings {
    /// Those of an ordinary login on Linux, where it has them; an expansion may have 256 MiB.
    fn default() -> Self {
        Self { processes: 4096, call_depth: 10_000, descriptors: 1024, expansion_bytes: 256 << 20 }
    }
}

impl From<Ceilings> for wit::Ceilings {
    fn from(ceilings: Ceilings) -> Self {
        Self {
            processes: ceilings.processes,
            call_depth: ceilings.call_depth,
            descriptors: ceilings.descriptors,
            expansion_bytes: ceilings.expansion_bytes,
        }
    }
}

/// What a run has left behind: how it ended, and what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How the run ended.
    pub exit: Exit,
    /// All of standard output.
    pub stdout: Vec<u8>,
    /// All of standard error.
    pub stderr: Vec<u8>,
    /// Steps that the shell's machine has executed.
    pub steps: u64,
    /// From which stream how many bytes came next, in the order of writing.
    order: Vec<(Stream, usize)>,
}

impl Output {
    /// The status as a shell shows it: see [`Exit::status`].
    #[must_use]
    pub fn status(&self) -> u8 {
        self.exit.status()
    }

    /// Whether the status is 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.exit.success()
    }

    /// Standard output as text; what is not UTF-8 is replaced by U+FFFD.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text; what is not UTF-8 is replaced by U+FFFD.
    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Both streams, piece by piece, in the order of writing.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut session = wasmsh::Engine::new()?.session().build()?;
    /// let output = session.run("echo one; echo two >&2; echo three").output()?;
    /// let terminal: Vec<u8> = output.chunks().flat_map(|(_, bytes)| bytes).copied().collect();
    /// assert_eq!(terminal, b"one\ntwo\nthree\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn chunks(&self) -> impl Iterator<Item = (Stream, &[u8])> {
        let (mut out, mut err) = (self.stdout.as_slice(), self.stderr.as_slice());
        self.order.iter().map(move |&(stream, length)| {
            let rest = match stream {
                Stream::Stdout => &mut out,
                Stream::Stderr => &mut err,
            };
            let (piece, after) = rest.split_at(length.min(rest.len()));
            *rest = after;
            (stream, piece)
        })
    }
}

/// Output while it is being collected.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    order: Vec<(Stream, usize)>,
    pub(crate) steps: u64,
}

impl Collected {
    pub(crate) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.extend_from_slice(bytes),
            Stream::Stderr => self.stderr.extend_from_slice(bytes),
        }
        match self.order.last_mut() {
            Some((last, length)) if *last == stream => *length += bytes.len(),
            _ => self.order.push((stream, bytes.len())),
        }
    }

    pub(crate) fn finish(self, exit: Exit) -> Output {
        let Self { stdout, stderr, order, steps } = self;
        Output { exit, stdout, stderr, steps, order }
    }
}

macro_rules! errors {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        /// The error numbers of POSIX `<errno.h>` that a call on files can end with.
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
    fn chunks_keep_the_order_of_writing() {
        let mut collected = Collected::default();
        for (stream, bytes) in [
            (Stream::Stdout, "a"),
            (Stream::Stdout, "b"),
            (Stream::Stderr, "c"),
            (Stream::Stdout, ""),
            (Stream::Stdout, "d"),
        ] {
            collected.push(stream, bytes.as_bytes());
        }
        let output = collected.finish(Exit::Code(0));
        let chunks: Vec<_> = output.chunks().collect();
        assert_eq!(chunks, [(Stream::Stdout, &b"ab"[..]), (Stream::Stderr, b"c"), (Stream::Stdout, b"d")]);
    }

    #[test]
    fn times_before_the_epoch_count_forward() {
        let at = instant(fs::Timestamp { seconds: -1, nanoseconds: 250_000_000 });
        assert_eq!(UNIX_EPOCH.duration_since(at).unwrap(), Duration::from_millis(750));
    }
}
