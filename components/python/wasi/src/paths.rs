//! Calls on paths: `open`, `stat`, `mkdir`, `rename`, `chmod`, `chdir` and their like.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::cell::Cell;
use core::ffi::{CStr, c_char};

use crate::bindings::wasmsh::fs::files;
use crate::bindings::wasmsh::fs::types::{AccessMode, ErrorCode, FileType, OpenFlags};
use crate::descriptors::{self, Stat, Time, command, control, flags, new_time, owner};
use crate::errno::{Errno, answer, done};
use crate::layer::{self, Object};
use crate::rom::{self, Kind, Node};

/// `AT_FDCWD` of wasi-libc.
const AT_FDCWD: i32 = -2;

/// Where a path leads to.
pub(crate) enum Place {
    /// Into the standard library.
    Rom(Option<Node>),
    /// Into the filesystem; the path is absolute.
    Files(String),
}

/// The directory that a descriptor stands for.
fn directory_of(number: i32) -> Result<String, Errno> {
    if number == AT_FDCWD {
        return Ok(layer::cwd());
    }
    let description = layer::description(number)?;
    match &description.object {
        Object::Directory(path) => Ok(path.clone()),
        Object::File { file, .. } => file.path().ok_or(Errno::ENOENT),
        _ => Err(Errno::ENOTDIR),
    }
}

/// The path below the library's mount point, if the parts lead there. Parts of `..` are taken by their
/// names: a symbolic link outside that leads into the library is not followed.
fn below_rom(path: &str) -> Option<String> {
    let mut parts: alloc::vec::Vec<&str> = alloc::vec::Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut parts = parts.into_iter();
    for expected in rom::ROOT.split('/').filter(|part| !part.is_empty()) {
        if parts.next()? != expected {
            return None;
        }
    }
    let mut rest = String::new();
    for part in parts {
        if !rest.is_empty() {
            rest.push('/');
        }
        rest.push_str(part);
    }
    Some(rest)
}

/// # Safety
/// `path` is a C string, or null.
unsafe fn text<'a>(path: *const c_char) -> Result<&'a str, Errno> {
    if path.is_null() {
        return Err(Errno::EINVAL);
    }
    unsafe { CStr::from_ptr(path) }.to_str().map_err(|_| Errno::EILSEQ)
}

/// The absolute path that C means.
fn absolute(base: i32, path: &str) -> Result<String, Errno> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    let mut whole = directory_of(base)?;
    if !whole.ends_with('/') {
        whole.push('/');
    }
    whole.push_str(path);
    Ok(whole)
}

/// Resolves as much as is needed to know who answers.
pub(crate) fn place(base: i32, path: &str) -> Result<Place, Errno> {
    if layer::is_dead() {
        return Err(Errno::EIO);
    }
    let path = absolute(base, path)?;
    if let Some(below) = below_rom(&path) {
        return Ok(Place::Rom(Node::find(&below)));
    }
    if layer::is_live() { Ok(Place::Files(path)) } else { Err(Errno::ENOENT) }
}

/// # Safety
/// `path` is a C string, or null.
unsafe fn place_of(base: i32, path: *const c_char) -> Result<Place, Errno> {
    place(base, unsafe { text(path) }?)
}

/// The path in the filesystem, for calls that change what is there: the library is read-only.
///
/// # Safety
/// `path` is a C string, or null.
unsafe fn changeable(base: i32, path: *const c_char) -> Result<String, Errno> {
    match unsafe { place_of(base, path) }? {
        Place::Rom(None) => Err(Errno::ENOENT),
        Place::Rom(Some(_)) => Err(Errno::EROFS),
        Place::Files(path) => Ok(path),
    }
}

/// The same for calls that make something.
///
/// # Safety
/// `path` is a C string, or null.
unsafe fn creatable(base: i32, path: *const c_char) -> Result<String, Errno> {
    match unsafe { place_of(base, path) }? {
        Place::Rom(_) => Err(Errno::EROFS),
        Place::Files(path) => Ok(path),
    }
}

/// The number in `/dev/fd/N`, `/proc/self/fd/N` and the three names for the standard descriptors.
fn descriptor_path(path: &str) -> Option<i32> {
    let number = match path {
        "/dev/stdin" => return Some(0),
        "/dev/stdout" => return Some(1),
        "/dev/stderr" => return Some(2),
        path => path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))?,
    };
    number.parse().ok().filter(|number| *number >= 0)
}

fn open(base: i32, path: &str, how: i32, mode: u32) -> Result<i32, Errno> {
    let path = match place(base, path)? {
        Place::Rom(node) => return open_rom(node, how),
        Place::Files(path) => path,
    };
    if let Some(number) = descriptor_path(&path) {
        let description = layer::description(number)?;
        return layer::layer_mut().install(description, 0);
    }
    if how & flags::DIRECTORY != 0 {
        let stat = files::stat_at(&path, how & flags::NOFOLLOW == 0)?;
        return match stat.kind {
            FileType::Directory if how & flags::WRONLY != 0 => Err(Errno::EISDIR),
            FileType::Directory => layer::install(Object::Directory(files::canonicalize(&path)?), how),
            _ => Err(Errno::ENOTDIR),
        };
    }
    let mut wanted = OpenFlags::empty();
    for (bit, flag) in [
        (flags::RDONLY, OpenFlags::READ),
        (flags::WRONLY, OpenFlags::WRITE),
        (flags::APPEND, OpenFlags::APPEND),
        (flags::CREAT, OpenFlags::CREATE),
        (flags::EXCL, OpenFlags::EXCLUSIVE),
        (flags::TRUNC, OpenFlags::TRUNCATE),
        (flags::NOFOLLOW, OpenFlags::NO_FOLLOW),
    ] {
        if how & bit != 0 {
            wanted |= flag;
        }
    }
    let mask = layer::layer().umask;
    match files::open(&path, wanted, mode & 0o7777 & !mask) {
        Ok(file) => {
            let kept = how & !(flags::CREAT | flags::EXCL | flags::TRUNC | flags::NOFOLLOW);
            layer::install(Object::File { file, inherited: None }, kept)
        }
        Err(ErrorCode::IsDirectory) if how & (flags::WRONLY | flags::CREAT) == 0 => {
            layer::install(Object::Directory(files::canonicalize(&path)?), how)
        }
        Err(error) => Err(error.into()),
    }
}

fn open_rom(node: Option<Node>, how: i32) -> Result<i32, Errno> {
    let Some(node) = node else {
        return Err(if how & flags::CREAT != 0 { Errno::EROFS } else { Errno::ENOENT });
    };
    if how & (flags::CREAT | flags::EXCL) == flags::CREAT | flags::EXCL {
        return Err(Errno::EEXIST);
    }
    if how & (flags::WRONLY | flags::TRUNC) != 0 {
        return Err(Errno::EROFS);
    }
    if how & flags::DIRECTORY != 0 && matches!(node.kind(), Kind::File(_)) {
        return Err(Errno::ENOTDIR);
    }
    layer::install(Object::Rom { node, position: Cell::new(0) }, how)
}

/// What is at an absolute path.
pub(crate) fn stat(path: &str, follow: bool) -> Result<Stat, Errno> {
    stat_place(place(AT_FDCWD, path)?, follow)
}

fn stat_place(place: Place, follow: bool) -> Result<Stat, Errno> {
    match place {
        Place::Rom(node) => node.map(Stat::of_rom).ok_or(Errno::ENOENT),
        Place::Files(path) => match descriptor_path(&path) {
            Some(number) if follow => descriptors::stat(number).map_err(|_| Errno::ENOENT),
            _ => Ok(Stat::of(&files::stat_at(&path, follow)?)),
        },
    }
}

fn access(place: Place, mode: i32) -> Result<(), Errno> {
    // R_OK, W_OK and X_OK of wasi-libc are those of POSIX: 4, 2, 1.
    let mut wanted = AccessMode::empty();
    for (bit, flag) in [(4, AccessMode::READ), (2, AccessMode::WRITE), (1, AccessMode::EXECUTE)] {
        if mode & bit != 0 {
            wanted |= flag;
        }
    }
    match place {
        Place::Rom(None) => Err(Errno::ENOENT),
        Place::Rom(Some(_)) if mode & 2 != 0 => Err(Errno::EROFS),
        Place::Rom(Some(node)) => match node.kind() {
            Kind::File(_) if mode & 1 != 0 => Err(Errno::EACCES),
            _ => Ok(()),
        },
        Place::Files(path) => match descriptor_path(&path) {
            Some(number) => descriptors::stat(number).map(drop).map_err(|_| Errno::ENOENT),
            None => Ok(files::access(&path, wanted)?),
        },
    }
}

fn change_directory(path: &str) -> Result<(), Errno> {
    let new = match place(AT_FDCWD, path)? {
        Place::Rom(Some(node)) if matches!(node.kind(), Kind::Directory { .. }) => {
            let below = below_rom(&absolute(AT_FDCWD, path)?).unwrap_or_default();
            if below.is_empty() { rom::ROOT.to_owned() } else { alloc::format!("{}/{below}", rom::ROOT) }
        }
        Place::Rom(Some(_)) => return Err(Errno::ENOTDIR),
        Place::Rom(None) => return Err(Errno::ENOENT),
        Place::Files(path) => {
            if files::stat_at(&path, true)?.kind != FileType::Directory {
                return Err(Errno::ENOTDIR);
            }
            files::access(&path, AccessMode::EXECUTE)?;
            files::canonicalize(&path)?
        }
    };
    layer::layer_mut().cwd = new;
    Ok(())
}

/// Copies a text for C; how many bytes it has. Without `terminate` as `readlink(2)` does it: cut if need be.
fn copy_text(text: &str, to: *mut c_char, size: usize, terminate: bool) -> Result<i32, Errno> {
    if terminate && text.len() + 1 > size {
        return Err(Errno::ERANGE);
    }
    let count = text.len().min(size);
    // SAFETY: C gave `size` bytes; `count` and the NUL fit, by the test above.
    unsafe {
        core::ptr::copy_nonoverlapping(text.as_ptr(), to.cast::<u8>(), count);
        if terminate {
            to.add(count).write(0);
        }
    }
    i32::try_from(count).map_err(|_| Errno::ENAMETOOLONG)
}

fn read_link(place: Place) -> Result<String, Errno> {
    match place {
        Place::Rom(Some(_)) => Err(Errno::EINVAL),
        Place::Rom(None) => Err(Errno::ENOENT),
        Place::Files(path) => Ok(files::read_link(&path)?),
    }
}

// The functions below are called by posix.c alone, with the C strings of its callers.

#[unsafe(no_mangle)]
extern "C" fn wasmsh_open(base: i32, path: *const c_char, how: i32, mode: u32) -> i32 {
    let opened = || {
        let path = unsafe { text(path) }?;
        let number = open(base, path, how & !flags::CLOEXEC, mode)?;
        if how & flags::CLOEXEC != 0 {
            control(number, command::SETFD, 1)?;
        }
        Ok(number)
    };
    answer(opened())
}

/// Where an open file is.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_path(number: i32, to: *mut c_char, size: usize) -> i32 {
    let path = layer::description(number).and_then(|description| match &description.object {
        Object::File { file, .. } => file.path().ok_or(Errno::ENOENT),
        _ => Err(Errno::EINVAL),
    });
    answer(path.and_then(|path| {
        if path.len() > size { Err(Errno::ENAMETOOLONG) } else { copy_text(&path, to, size, false) }
    }))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_stat(base: i32, path: *const c_char, follow: bool, to: &mut Stat) -> i32 {
    done(unsafe { place_of(base, path) }.and_then(|place| stat_place(place, follow)).map(|stat| *to = stat))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_access(base: i32, path: *const c_char, mode: i32) -> i32 {
    done(unsafe { place_of(base, path) }.and_then(|place| access(place, mode)))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_readlink(base: i32, path: *const c_char, to: *mut c_char, size: usize) -> i32 {
    answer(
        unsafe { place_of(base, path) }
            .and_then(read_link)
            .and_then(|target| copy_text(&target, to, size, false)),
    )
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_chdir(path: *const c_char) -> i32 {
    done(unsafe { text(path) }.and_then(change_directory))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_fchdir(number: i32) -> i32 {
    done(directory_of(number).and_then(|path| change_directory(&path)))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_getcwd(to: *mut c_char, size: usize) -> i32 {
    answer(copy_text(&layer::cwd(), to, size, true))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_umask(mask: u32) -> u32 {
    core::mem::replace(&mut layer::layer_mut().umask, mask & 0o777)
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_mkdir(base: i32, path: *const c_char, mode: u32) -> i32 {
    let mask = layer::layer().umask;
    done(
        unsafe { creatable(base, path) }
            .and_then(|path| Ok(files::make_directory(&path, mode & 0o7777 & !mask)?)),
    )
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_mkfifo(base: i32, path: *const c_char, mode: u32) -> i32 {
    let mask = layer::layer().umask;
    done(
        unsafe { creatable(base, path) }.and_then(|path| Ok(files::make_fifo(&path, mode & 0o7777 & !mask)?)),
    )
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_unlink(base: i32, path: *const c_char) -> i32 {
    done(unsafe { changeable(base, path) }.and_then(|path| Ok(files::remove_file(&path)?)))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_rmdir(base: i32, path: *const c_char) -> i32 {
    done(unsafe { changeable(base, path) }.and_then(|path| Ok(files::remove_directory(&path)?)))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_rename(old_base: i32, old: *const c_char, new_base: i32, new: *const c_char) -> i32 {
    done(unsafe { changeable(old_base, old) }.and_then(|old| {
        let new = unsafe { creatable(new_base, new) }?;
        Ok(files::rename(&old, &new)?)
    }))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_link(
    old_base: i32,
    old: *const c_char,
    new_base: i32,
    new: *const c_char,
    follow: bool,
) -> i32 {
    done(unsafe { changeable(old_base, old) }.and_then(|old| {
        let new = unsafe { creatable(new_base, new) }?;
        Ok(files::link(&old, &new, follow)?)
    }))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_symlink(target: *const c_char, base: i32, new: *const c_char) -> i32 {
    done(unsafe { text(target) }.and_then(|target| {
        let new = unsafe { creatable(base, new) }?;
        Ok(files::symlink(target, &new)?)
    }))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_truncate(path: *const c_char, size: i64) -> i32 {
    done(unsafe { changeable(AT_FDCWD, path) }.and_then(|path| {
        let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
        Ok(files::set_size_at(&path, size)?)
    }))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_chmod(base: i32, path: *const c_char, mode: u32, follow: bool) -> i32 {
    done(
        unsafe { changeable(base, path) }
            .and_then(|path| Ok(files::set_mode_at(&path, mode & 0o7777, follow)?)),
    )
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_chown(base: i32, path: *const c_char, uid: u32, gid: u32, follow: bool) -> i32 {
    done(
        unsafe { changeable(base, path) }
            .and_then(|path| Ok(files::set_owner_at(&path, owner(uid), owner(gid), follow)?)),
    )
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_utimens(base: i32, path: *const c_char, times: &[Time; 2], follow: bool) -> i32 {
    let [accessed, modified] = *times;
    done(
        unsafe { changeable(base, path) }.and_then(|path| {
            Ok(files::set_times_at(&path, new_time(accessed)?, new_time(modified)?, follow)?)
        }),
    )
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_user(group: bool) -> u32 {
    if !layer::is_live() {
        return 0;
    }
    let (uid, gid) = files::get_user();
    if group { gid } else { uid }
}

/// Where the entries of an open directory are.
pub(crate) fn listed(number: i32) -> Result<Place, Errno> {
    let description = layer::description(number)?;
    if let Object::Rom { node, .. } = &description.object {
        return Ok(Place::Rom(Some(*node)));
    }
    place(AT_FDCWD, &directory_of(number)?)
}

/// Where the entries of a directory are.
///
/// # Safety
/// `path` is a C string, or null.
pub(crate) unsafe fn listed_at(path: *const c_char) -> Result<Place, Errno> {
    unsafe { place_of(AT_FDCWD, path) }
}
