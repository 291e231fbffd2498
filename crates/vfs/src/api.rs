//! How others speak of files: plain types, and the traits of a filesystem and
//! of an open file.
//!
//! The meaning of each call is that of the POSIX call of the same name. Paths
//! are absolute, and are resolved by the filesystem, symbolic links included.
//! The traits mirror `wasmsh:fs/files` (`wit/fs/files.wit`) function for
//! function, so that one caller works on the in-memory tree in the same
//! program and on one behind component imports.

use std::any::Any;
use std::rc::Rc;

pub use crate::errno::Errno;

/// Most bytes of one name (POSIX XBD `<limits.h>`, Linux's value).
pub const NAME_MAX: usize = 255;
/// Most bytes of a path, the terminating NUL of C counted: 4,095 without it.
pub const PATH_MAX: usize = 4096;
/// Most symbolic links that one resolution follows (Linux's value).
pub const SYMLOOP_MAX: usize = 40;

/// What an inode is (`S_IFMT` of POSIX `<sys/stat.h>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    SymbolicLink,
    /// A character device, such as `/dev/null`.
    CharacterDevice,
    /// A FIFO; whoever has processes puts a pipe in its place.
    Fifo,
    /// A socket.
    Socket,
    /// Something else, on a mount.
    Unknown,
}

impl FileType {
    /// The bits of `S_IFMT` in a Linux `st_mode`.
    pub const fn mode_bits(self) -> u32 {
        match self {
            FileType::Regular => 0o100_000,
            FileType::Directory => 0o040_000,
            FileType::SymbolicLink => 0o120_000,
            FileType::CharacterDevice => 0o020_000,
            FileType::Fifo => 0o010_000,
            FileType::Socket => 0o140_000,
            FileType::Unknown => 0,
        }
    }
}

/// Time since 1970-01-01T00:00:00Z. Nanoseconds count forward, also before the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp {
    /// Whole seconds, rounded towards the past.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// Nanoseconds in a second.
    pub const NANOS: u32 = 1_000_000_000;

    /// The time that is `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: i128) -> Timestamp {
        let seconds = nanos.div_euclid(Self::NANOS as i128);
        let seconds = if seconds > i64::MAX as i128 {
            i64::MAX
        } else if seconds < i64::MIN as i128 {
            i64::MIN
        } else {
            seconds as i64
        };
        Timestamp { seconds, nanoseconds: nanos.rem_euclid(Self::NANOS as i128) as u32 }
    }

    /// Nanoseconds after the epoch.
    pub const fn as_nanos(self) -> i128 {
        self.seconds as i128 * Self::NANOS as i128 + self.nanoseconds as i128
    }
}

/// What `stat(2)` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Which filesystem: the root and each mount have a number of their own.
    pub device: u64,
    /// Never used twice in a session.
    pub inode: u64,
    /// What it is.
    pub kind: FileType,
    /// Permission bits with set-id and sticky, `0o7777`.
    pub mode: u32,
    /// Hard links.
    pub links: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Major and minor of a character device as Linux's `makedev(3)` joins them, otherwise 0.
    pub device_number: u64,
    /// Bytes; of a symbolic link the length of its target.
    pub size: u64,
    /// Storage really used, in units of 512 bytes.
    pub blocks: u64,
    /// `st_atim`.
    pub accessed: Timestamp,
    /// `st_mtim`.
    pub modified: Timestamp,
    /// `st_ctim`.
    pub changed: Timestamp,
}

impl Stat {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// Whether it is a regular file.
    pub fn is_regular(&self) -> bool {
        self.kind == FileType::Regular
    }

    /// Whether it is a symbolic link.
    pub fn is_symbolic_link(&self) -> bool {
        self.kind == FileType::SymbolicLink
    }
}

/// A directory entry with what `lstat` tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name alone, without a directory.
    pub name: String,
    /// As `stat_at(…, follow: false)`.
    pub stat: Stat,
}

bitflags::bitflags! {
    /// How a file is opened (`open(2)`). `READ` and `WRITE` may both be set; with
    /// neither the file is open for nothing but its metadata (as `O_PATH`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct OpenFlags: u8 {
        /// `O_RDONLY`, with `WRITE` `O_RDWR`.
        const READ = 1;
        /// `O_WRONLY`, with `READ` `O_RDWR`.
        const WRITE = 2;
        /// `O_APPEND`: each write goes to the end.
        const APPEND = 4;
        /// `O_CREAT`.
        const CREATE = 8;
        /// `O_EXCL`: with `CREATE`, the file must not exist.
        const EXCLUSIVE = 16;
        /// `O_TRUNC`.
        const TRUNCATE = 32;
        /// `O_DIRECTORY`: it must be a directory.
        const DIRECTORY = 64;
        /// `O_NOFOLLOW`: the last part of the path must not be a symbolic link.
        const NO_FOLLOW = 128;
    }

    /// What `access(2)` asks for; none: does it exist?
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct AccessMode: u8 {
        /// `R_OK`.
        const READ = 1;
        /// `W_OK`.
        const WRITE = 2;
        /// `X_OK`; of a directory, search.
        const EXECUTE = 4;
    }
}

/// From where a position is counted (`lseek(2)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// `SEEK_SET`.
    Start(u64),
    /// `SEEK_CUR`.
    Current(i64),
    /// `SEEK_END`.
    End(i64),
}

/// What to do with a time (`utimensat(2)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewTime {
    /// `UTIME_OMIT`.
    Keep,
    /// `UTIME_NOW`.
    Now,
    /// This time.
    At(Timestamp),
}

/// An open file description (POSIX XBD 3.258): it has one position, shared by
/// all its duplicates, and stays readable after its last name is gone. Dropping
/// the last handle closes it.
///
/// `Any`, so that whoever made it can find out its own type again.
pub trait OpenFile: Any {
    /// Appends to `buffer` at most `max` bytes from the position, which moves on.
    /// How many; 0: end of file.
    fn read_into(&self, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno>;

    /// At most `max` bytes from the position, which moves on. Empty: end of file.
    fn read(&self, max: usize) -> Result<Vec<u8>, Errno> {
        let mut buffer = Vec::new();
        self.read_into(&mut buffer, max)?;
        Ok(buffer)
    }

    /// Writes at the position (at the end with `APPEND`), which moves on. All
    /// bytes are written or none.
    fn write(&self, bytes: &[u8]) -> Result<(), Errno>;

    /// As [`read_into`](OpenFile::read_into), from `offset`; the position stays.
    fn read_at_into(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno>;

    /// As [`read`](OpenFile::read), from `offset`; the position stays.
    fn read_at(&self, offset: u64, max: usize) -> Result<Vec<u8>, Errno> {
        let mut buffer = Vec::new();
        self.read_at_into(offset, &mut buffer, max)?;
        Ok(buffer)
    }

    /// As [`write`](OpenFile::write), at `offset`; the position stays. A gap
    /// reads as NUL bytes. With `APPEND` it goes to the end (as on Linux).
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno>;

    /// Moves the position and returns it, counted from the start.
    fn seek(&self, to: Position) -> Result<u64, Errno>;

    /// `fstat(2)`.
    fn stat(&self) -> Result<Stat, Errno>;

    /// `ftruncate(2)`.
    fn set_size(&self, size: u64) -> Result<(), Errno>;

    /// `fchmod(2)`.
    fn set_mode(&self, mode: u32) -> Result<(), Errno>;

    /// `fchown(2)`; `None` keeps.
    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), Errno>;

    /// `futimens(2)`.
    fn set_times(&self, accessed: NewTime, modified: NewTime) -> Result<(), Errno>;

    /// How it was opened, `CREATE`, `EXCLUSIVE` and `TRUNCATE` left out.
    fn flags(&self) -> OpenFlags;

    /// `fcntl(F_SETFL)` for the one flag that can change.
    fn set_append(&self, append: bool);

    /// `dup(2)`: another handle of the same description. Inside one program a
    /// clone of the `Rc` is the same and cheaper.
    fn duplicate(self: Rc<Self>) -> Result<Rc<dyn OpenFile>, Errno>;

    /// A path that leads to it now, if it still has a name.
    fn path(&self) -> Option<String>;
}

/// A filesystem, as seen by its one current user (`set_user`). Single-threaded;
/// a handle, so every method takes `&self`.
pub trait FileSystem {
    /// `open(2)`. `mode` counts when the file is created; the caller has taken its
    /// umask off. A FIFO opens, but its reads and writes end with
    /// `Errno::NotSupported`: whoever has processes puts a pipe in its place.
    fn open(&self, path: &str, how: OpenFlags, mode: u32) -> Result<Rc<dyn OpenFile>, Errno>;

    /// The whole file.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, Errno>;

    /// Creates the file with `mode`, or replaces the contents of an existing one.
    fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno>;

    /// Adds at the end; creates the file with `mode` if it is missing.
    fn append_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno>;

    /// Gives `target` the contents of `source` without copying: the two share
    /// storage until one is written to. `mode` counts when `target` is created.
    fn copy_file(&self, source: &str, target: &str, mode: u32) -> Result<(), Errno>;

    /// `stat(2)`, or `lstat(2)` when `follow` is false.
    fn stat_at(&self, path: &str, follow: bool) -> Result<Stat, Errno>;

    /// `access(2)` for the current user.
    fn access(&self, path: &str, mode: AccessMode) -> Result<(), Errno>;

    /// All entries but `.` and `..`, ordered by name as bytes.
    fn read_directory(&self, path: &str) -> Result<Vec<Entry>, Errno>;

    /// `realpath(3)`: absolute, without links, `.` and `..`; every part must exist.
    fn canonicalize(&self, path: &str) -> Result<String, Errno>;

    /// `readlink(2)`.
    fn read_link(&self, path: &str) -> Result<String, Errno>;

    /// `mkdir(2)`.
    fn make_directory(&self, path: &str, mode: u32) -> Result<(), Errno>;

    /// `mkfifo(3)`.
    fn make_fifo(&self, path: &str, mode: u32) -> Result<(), Errno>;

    /// `linkat(2)`; `follow`: a symbolic link at the end of `existing` is followed.
    fn link(&self, existing: &str, new: &str, follow: bool) -> Result<(), Errno>;

    /// Further names for a file in one directory, as by [`FileSystem::link`]; those that are there already stay what they
    /// are. Where a call is far, this is one for many.
    ///
    /// # Errors
    /// Of the first name that cannot be made; those before it are.
    fn link_all(&self, existing: &str, directory: &str, names: &[&str]) -> Result<(), Errno> {
        for name in names {
            match self.link(existing, &format!("{directory}/{name}"), false) {
                Ok(()) | Err(Errno::Exist) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// `symlink(2)`.
    fn symlink(&self, target: &str, new: &str) -> Result<(), Errno>;

    /// `rename(2)`.
    fn rename(&self, old: &str, new: &str) -> Result<(), Errno>;

    /// `unlink(2)`.
    fn remove_file(&self, path: &str) -> Result<(), Errno>;

    /// `rmdir(2)`.
    fn remove_directory(&self, path: &str) -> Result<(), Errno>;

    /// `truncate(2)`.
    fn set_size_at(&self, path: &str, size: u64) -> Result<(), Errno>;

    /// `chmod(2)`; a symbolic link itself (`follow` false) has no mode to set: `Errno::NotSupported`.
    fn set_mode_at(&self, path: &str, mode: u32, follow: bool) -> Result<(), Errno>;

    /// `chown(2)` or `lchown(2)`; `None` keeps.
    fn set_owner_at(&self, path: &str, uid: Option<u32>, gid: Option<u32>, follow: bool)
    -> Result<(), Errno>;

    /// `utimensat(2)`.
    fn set_times_at(
        &self,
        path: &str,
        accessed: NewTime,
        modified: NewTime,
        follow: bool,
    ) -> Result<(), Errno>;

    /// How much fits, and how much there is (`statvfs(3)`).
    fn space(&self) -> crate::Space;

    /// Whose permissions count from now on. 0 may do everything.
    fn set_user(&self, uid: u32, gid: u32);

    /// Whose permissions count now.
    fn get_user(&self) -> (u32, u32);
}
