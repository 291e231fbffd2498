//! The real filesystem of a Linux system, behind the same traits: the oracle.
//!
//! Paths are prefixed with a directory deep enough that no `..` leads out of it.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code, of which each program uses a part"
)]

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::rc::Rc;

use wasmsh_vfs::{
    AccessMode, Entry, Errno, FileSystem, FileType, NewTime, OpenFile, OpenFlags, Position, Stat, Timestamp,
};

/// Levels of `/z` below the temporary directory that stand for the root.
pub const DEPTH: usize = 100;

pub struct Linux {
    temporary: PathBuf,
    pub prefix: String,
    user: Cell<(u32, u32)>,
}

fn last_error() -> Errno {
    let error = std::io::Error::last_os_error();
    let code = error.raw_os_error().unwrap();
    // ENOTTY and the like do not occur; EOVERFLOW is what lseek says for EINVAL on some kernels.
    Errno::from_code(code).unwrap_or_else(|| panic!("no such error code: {code}"))
}

fn check(result: i32) -> Result<(), Errno> {
    if result < 0 { Err(last_error()) } else { Ok(()) }
}

fn time(seconds: i64, nanos: i64) -> Timestamp {
    Timestamp { seconds, nanoseconds: nanos as u32 }
}

fn convert(stat: &libc::stat) -> Stat {
    Stat {
        device: stat.st_dev,
        inode: stat.st_ino,
        kind: match stat.st_mode & libc::S_IFMT {
            libc::S_IFREG => FileType::Regular,
            libc::S_IFDIR => FileType::Directory,
            libc::S_IFLNK => FileType::SymbolicLink,
            libc::S_IFIFO => FileType::Fifo,
            libc::S_IFCHR => FileType::CharacterDevice,
            _ => FileType::Unknown,
        },
        mode: stat.st_mode & 0o7777,
        links: stat.st_nlink as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        device_number: stat.st_rdev,
        size: stat.st_size as u64,
        blocks: stat.st_blocks as u64,
        accessed: time(stat.st_atime, stat.st_atime_nsec),
        modified: time(stat.st_mtime, stat.st_mtime_nsec),
        changed: time(stat.st_ctime, stat.st_ctime_nsec),
    }
}

fn timespec(new: NewTime) -> libc::timespec {
    match new {
        NewTime::Keep => libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_OMIT },
        NewTime::Now => libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_NOW },
        NewTime::At(t) => libc::timespec { tv_sec: t.seconds, tv_nsec: i64::from(t.nanoseconds) },
    }
}

fn owner(id: Option<u32>) -> u32 {
    id.unwrap_or(u32::MAX)
}

impl Linux {
    pub fn new(name: &str) -> Linux {
        // SAFETY: no other code of this test program depends on the mask.
        unsafe { libc::umask(0) };
        let temporary = std::env::temp_dir().join(format!("wasmsh-vfs-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&temporary);
        let mut deep = temporary.clone();
        for _ in 0..DEPTH {
            deep.push("z");
        }
        std::fs::create_dir_all(&deep).unwrap();
        for level in deep.ancestors().take(DEPTH + 1) {
            std::fs::set_permissions(level, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        // SAFETY: these have no preconditions.
        let user = unsafe { (libc::geteuid(), libc::getegid()) };
        let prefix = deep.to_str().unwrap().to_owned();
        Linux { temporary, prefix, user: Cell::new(user) }
    }

    fn path(&self, path: &str) -> CString {
        let path = if path.is_empty() { String::new() } else { format!("{}{path}", self.prefix) };
        CString::new(path).unwrap()
    }
}

impl Drop for Linux {
    fn drop(&mut self) {
        self.set_user(0, 0);
        let _ = std::process::Command::new("chmod").arg("-R").arg("u+rwx").arg(&self.temporary).output();
        let _ = std::fs::remove_dir_all(&self.temporary);
    }
}

/// What links lead to is prefixed too, when it is absolute.
impl Linux {
    fn target(&self, target: &str) -> CString {
        let target =
            if target.starts_with('/') { format!("{}{target}", self.prefix) } else { target.to_owned() };
        CString::new(target).unwrap()
    }

    fn stat_c(&self, path: &CStr, follow: bool) -> Result<Stat, Errno> {
        // SAFETY: `stat` is plain data, and the pointers are valid for the call.
        unsafe {
            let mut stat: libc::stat = std::mem::zeroed();
            let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
            check(libc::fstatat(libc::AT_FDCWD, path.as_ptr(), &mut stat, flags))?;
            Ok(convert(&stat))
        }
    }
}

// SAFETY (of all blocks below): every pointer comes from a CString or slice that
// outlives the call, and descriptors are owned by `File`.
impl FileSystem for Linux {
    fn open(&self, path: &str, how: OpenFlags, mode: u32) -> Result<Rc<dyn OpenFile>, Errno> {
        let access = match (how.contains(OpenFlags::READ), how.contains(OpenFlags::WRITE)) {
            (true, true) => libc::O_RDWR,
            (true, false) => libc::O_RDONLY,
            (false, true) => libc::O_WRONLY,
            (false, false) => libc::O_PATH,
        };
        let mut flags = access | libc::O_CLOEXEC | libc::O_NONBLOCK;
        for (flag, bit) in [
            (OpenFlags::APPEND, libc::O_APPEND),
            (OpenFlags::CREATE, libc::O_CREAT),
            (OpenFlags::EXCLUSIVE, libc::O_EXCL),
            (OpenFlags::TRUNCATE, libc::O_TRUNC),
            (OpenFlags::DIRECTORY, libc::O_DIRECTORY),
            (OpenFlags::NO_FOLLOW, libc::O_NOFOLLOW),
        ] {
            if how.contains(flag) {
                flags |= bit;
            }
        }
        let fd = unsafe { libc::open(self.path(path).as_ptr(), flags, mode) };
        check(fd)?;
        let kept = how - (OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE);
        Ok(Rc::new(File { fd, flags: Cell::new(kept), prefix: self.prefix.clone() }))
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, Errno> {
        self.open(path, OpenFlags::READ, 0)?.read(1 << 28)
    }

    fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        self.open(path, how, mode)?.write(bytes)
    }

    fn append_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::APPEND;
        self.open(path, how, mode)?.write(bytes)
    }

    fn copy_file(&self, source: &str, target: &str, mode: u32) -> Result<(), Errno> {
        let from = self.open(source, OpenFlags::READ, 0)?;
        let bytes = from.read(1 << 28)?;
        if from.stat()?.kind != FileType::Regular {
            return Err(Errno::Invalid);
        }
        // Not truncated before it is known to be another file.
        let to = self.open(target, OpenFlags::WRITE | OpenFlags::CREATE, mode)?;
        if to.stat()?.kind != FileType::Regular {
            return Err(Errno::Invalid);
        }
        to.set_size(0)?;
        to.write(&bytes)
    }

    fn stat_at(&self, path: &str, follow: bool) -> Result<Stat, Errno> {
        self.stat_c(&self.path(path), follow)
    }

    fn access(&self, path: &str, mode: AccessMode) -> Result<(), Errno> {
        let mut bits = libc::F_OK;
        for (flag, bit) in [
            (AccessMode::READ, libc::R_OK),
            (AccessMode::WRITE, libc::W_OK),
            (AccessMode::EXECUTE, libc::X_OK),
        ] {
            if mode.contains(flag) {
                bits |= bit;
            }
        }
        check(unsafe { libc::access(self.path(path).as_ptr(), bits) })
    }

    fn read_directory(&self, path: &str) -> Result<Vec<Entry>, Errno> {
        let path = self.path(path);
        let mut entries = Vec::new();
        unsafe {
            let directory = libc::opendir(path.as_ptr());
            if directory.is_null() {
                return Err(last_error());
            }
            loop {
                let entry = libc::readdir(directory);
                if entry.is_null() {
                    break;
                }
                let name = CStr::from_ptr((*entry).d_name.as_ptr());
                if matches!(name.to_bytes(), b"." | b"..") {
                    continue;
                }
                let mut stat: libc::stat = std::mem::zeroed();
                let fd = libc::dirfd(directory);
                let done = check(libc::fstatat(fd, name.as_ptr(), &mut stat, libc::AT_SYMLINK_NOFOLLOW));
                // A directory that may be read but not searched: names alone.
                let stat = match done {
                    Ok(()) => convert(&stat),
                    Err(_) => convert(&std::mem::zeroed()),
                };
                entries.push(Entry { name: name.to_str().unwrap().to_owned(), stat });
            }
            libc::closedir(directory);
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn canonicalize(&self, path: &str) -> Result<String, Errno> {
        unsafe {
            let result = libc::realpath(self.path(path).as_ptr(), std::ptr::null_mut());
            if result.is_null() {
                return Err(last_error());
            }
            let text = CStr::from_ptr(result).to_str().unwrap().to_owned();
            libc::free(result.cast());
            let outside = self.temporary.to_str().unwrap();
            let text = text.strip_prefix(&self.prefix).or(text.strip_prefix(outside)).unwrap_or(&text);
            Ok(if text.is_empty() { "/".to_owned() } else { text.to_owned() })
        }
    }

    fn read_link(&self, path: &str) -> Result<String, Errno> {
        let mut buffer = [0u8; 8192];
        let n = unsafe { libc::readlink(self.path(path).as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
        if n < 0 {
            return Err(last_error());
        }
        let text = std::str::from_utf8(&buffer[..n as usize]).unwrap();
        Ok(text.strip_prefix(&self.prefix).unwrap_or(text).to_owned())
    }

    fn make_directory(&self, path: &str, mode: u32) -> Result<(), Errno> {
        check(unsafe { libc::mkdir(self.path(path).as_ptr(), mode) })
    }

    fn make_fifo(&self, path: &str, mode: u32) -> Result<(), Errno> {
        check(unsafe { libc::mkfifo(self.path(path).as_ptr(), mode) })
    }

    fn link(&self, existing: &str, new: &str, follow: bool) -> Result<(), Errno> {
        let flags = if follow { libc::AT_SYMLINK_FOLLOW } else { 0 };
        let (existing, new) = (self.path(existing), self.path(new));
        let here = libc::AT_FDCWD;
        check(unsafe { libc::linkat(here, existing.as_ptr(), here, new.as_ptr(), flags) })
    }

    fn symlink(&self, target: &str, new: &str) -> Result<(), Errno> {
        check(unsafe { libc::symlink(self.target(target).as_ptr(), self.path(new).as_ptr()) })
    }

    fn rename(&self, old: &str, new: &str) -> Result<(), Errno> {
        check(unsafe { libc::rename(self.path(old).as_ptr(), self.path(new).as_ptr()) })
    }

    fn remove_file(&self, path: &str) -> Result<(), Errno> {
        check(unsafe { libc::unlink(self.path(path).as_ptr()) })
    }

    fn remove_directory(&self, path: &str) -> Result<(), Errno> {
        check(unsafe { libc::rmdir(self.path(path).as_ptr()) })
    }

    fn set_size_at(&self, path: &str, size: u64) -> Result<(), Errno> {
        check(unsafe { libc::truncate(self.path(path).as_ptr(), size as i64) })
    }

    fn set_mode_at(&self, path: &str, mode: u32, follow: bool) -> Result<(), Errno> {
        let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        check(unsafe { libc::fchmodat(libc::AT_FDCWD, self.path(path).as_ptr(), mode, flags) })
    }

    fn set_owner_at(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), Errno> {
        let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        let (uid, gid) = (owner(uid), owner(gid));
        check(unsafe { libc::fchownat(libc::AT_FDCWD, self.path(path).as_ptr(), uid, gid, flags) })
    }

    fn set_times_at(
        &self,
        path: &str,
        accessed: NewTime,
        modified: NewTime,
        follow: bool,
    ) -> Result<(), Errno> {
        let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        let times = [timespec(accessed), timespec(modified)];
        let path = self.path(path);
        check(unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), times.as_ptr(), flags) })
    }

    fn space(&self) -> wasmsh_vfs::Space {
        let root = CString::new(self.prefix.as_str()).unwrap_or_default();
        unsafe {
            let mut all: libc::statvfs = std::mem::zeroed();
            libc::statvfs(root.as_ptr(), &mut all);
            wasmsh_vfs::Space {
                bytes: all.f_blocks * all.f_frsize,
                bytes_used: (all.f_blocks - all.f_bfree) * all.f_frsize,
                inodes: all.f_files,
                inodes_used: all.f_files - all.f_ffree,
            }
        }
    }

    /// Changes the ids of this thread alone (the C library would change all
    /// threads'), keeping root as the saved ones. For tests that run as root.
    fn set_user(&self, uid: u32, gid: u32) {
        unsafe {
            if libc::getuid() == self.user.get().0 && self.user.get() == (uid, gid) {
                return;
            }
            libc::syscall(libc::SYS_setresuid, 0, 0, 0);
            libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<u32>());
            libc::syscall(libc::SYS_setresgid, gid, gid, 0);
            libc::syscall(libc::SYS_setresuid, uid, uid, 0);
        }
        self.user.set((uid, gid));
    }

    fn get_user(&self) -> (u32, u32) {
        self.user.get()
    }
}

struct File {
    fd: i32,
    flags: Cell<OpenFlags>,
    prefix: String,
}

impl Drop for File {
    fn drop(&mut self) {
        unsafe { libc::close(self.fd) };
    }
}

impl File {
    fn read_with(
        &self,
        buffer: &mut Vec<u8>,
        max: usize,
        read: impl Fn(*mut libc::c_void, usize) -> isize,
    ) -> Result<usize, Errno> {
        let max = max.min(1 << 26);
        let mut bytes = vec![0u8; max];
        let n = read(bytes.as_mut_ptr().cast(), max);
        if n < 0 {
            return Err(last_error());
        }
        buffer.extend_from_slice(&bytes[..n as usize]);
        Ok(n as usize)
    }
}

impl OpenFile for File {
    fn read_into(&self, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        self.read_with(buffer, max, |at, n| unsafe { libc::read(self.fd, at, n) })
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        let n = unsafe { libc::write(self.fd, bytes.as_ptr().cast(), bytes.len()) };
        if n < 0 {
            return Err(last_error());
        }
        assert_eq!(n as usize, bytes.len());
        Ok(())
    }

    fn read_at_into(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        self.read_with(buffer, max, |at, n| unsafe { libc::pread(self.fd, at, n, offset as i64) })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let n = unsafe { libc::pwrite(self.fd, bytes.as_ptr().cast(), bytes.len(), offset as i64) };
        if n < 0 {
            return Err(last_error());
        }
        assert_eq!(n as usize, bytes.len());
        Ok(())
    }

    fn seek(&self, to: Position) -> Result<u64, Errno> {
        let (by, whence) = match to {
            Position::Start(offset) => (offset as i64, libc::SEEK_SET),
            Position::Current(by) => (by, libc::SEEK_CUR),
            Position::End(by) => (by, libc::SEEK_END),
        };
        let at = unsafe { libc::lseek(self.fd, by, whence) };
        if at < 0 { Err(last_error()) } else { Ok(at as u64) }
    }

    fn stat(&self) -> Result<Stat, Errno> {
        unsafe {
            let mut stat: libc::stat = std::mem::zeroed();
            check(libc::fstat(self.fd, &mut stat))?;
            Ok(convert(&stat))
        }
    }

    fn set_size(&self, size: u64) -> Result<(), Errno> {
        check(unsafe { libc::ftruncate(self.fd, size as i64) })
    }

    fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        check(unsafe { libc::fchmod(self.fd, mode) })
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), Errno> {
        check(unsafe { libc::fchown(self.fd, owner(uid), owner(gid)) })
    }

    fn set_times(&self, accessed: NewTime, modified: NewTime) -> Result<(), Errno> {
        let times = [timespec(accessed), timespec(modified)];
        check(unsafe { libc::futimens(self.fd, times.as_ptr()) })
    }

    fn flags(&self) -> OpenFlags {
        self.flags.get()
    }

    fn set_append(&self, append: bool) {
        unsafe {
            let now = libc::fcntl(self.fd, libc::F_GETFL);
            let new = if append { now | libc::O_APPEND } else { now & !libc::O_APPEND };
            libc::fcntl(self.fd, libc::F_SETFL, new);
        }
        let mut flags = self.flags.get();
        flags.set(OpenFlags::APPEND, append);
        self.flags.set(flags);
    }

    fn duplicate(self: Rc<Self>) -> Result<Rc<dyn OpenFile>, Errno> {
        let fd = unsafe { libc::dup(self.fd) };
        check(fd)?;
        Ok(Rc::new(File { fd, flags: self.flags.clone(), prefix: self.prefix.clone() }))
    }

    fn path(&self) -> Option<String> {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", self.fd)).ok()?;
        let path = path.to_str()?;
        let path = path.strip_prefix(&self.prefix)?;
        if path.ends_with(" (deleted)") {
            return None;
        }
        Some(if path.is_empty() { "/".to_owned() } else { path.to_owned() })
    }
}
