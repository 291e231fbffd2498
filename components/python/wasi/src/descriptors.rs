//! Calls on descriptors: `read`, `write`, `lseek`, `fstat`, `dup`, `fcntl` and their like.

use alloc::rc::Rc;
use core::ffi::c_void;

use crate::bindings::wasmsh::fs::types::{self as fs, FileType, NewTime, Position, Timestamp};
use crate::bindings::wasmsh::session::processes::{PollEntry, Process};
use crate::errno::{Errno, answer, done};
use crate::layer::{self, Description, Object};
use crate::nest;
use crate::processes::wait_ready;
use crate::rom::{Kind, Node};

unsafe extern "C" {
    /// `reactor/signals.c`: nanoseconds until the alarm, or what is given if that is less; negative: for ever.
    fn wasmsh_until_alarm(timeout: i64) -> i64;
}

/// The most that one call across the component boundary carries: larger pieces save nothing more, and
/// each is held twice while it crosses.
const PIECE: usize = 1 << 20;

/// The `O_*` flags of wasi-libc's `<fcntl.h>`.
pub(crate) mod flags {
    pub(crate) const APPEND: i32 = 1;
    pub(crate) const NONBLOCK: i32 = 4;
    pub(crate) const CREAT: i32 = 1 << 12;
    pub(crate) const DIRECTORY: i32 = 2 << 12;
    pub(crate) const EXCL: i32 = 4 << 12;
    pub(crate) const TRUNC: i32 = 8 << 12;
    pub(crate) const NOFOLLOW: i32 = 0x0100_0000;
    pub(crate) const RDONLY: i32 = 0x0400_0000;
    pub(crate) const WRONLY: i32 = 0x1000_0000;
    /// Our own `<fcntl.h>`'s.
    pub(crate) const CLOEXEC: i32 = 0x2000_0000;
}

/// What `stat` tells, in a layout that C and Rust agree on; `posix.c` makes a `struct stat` of it.
#[repr(C)]
pub(crate) struct Stat {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) links: u64,
    /// With the type of the file (`S_IFMT`).
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) unused: u32,
    pub(crate) device_number: u64,
    pub(crate) size: u64,
    pub(crate) blocks: u64,
    /// Of the last access, modification and change.
    pub(crate) times: [Time; 3],
}

/// A point in time as C and Rust agree on it: seconds since the epoch, and nanoseconds.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: i64,
}

/// The type bits of `st_mode`.
pub(crate) fn type_bits(kind: FileType) -> u32 {
    match kind {
        FileType::Regular => 0o100_000,
        FileType::Directory => 0o040_000,
        FileType::SymbolicLink => 0o120_000,
        FileType::CharacterDevice => 0o020_000,
        FileType::Fifo => 0o010_000,
        FileType::Socket => 0o140_000,
        FileType::Unknown => 0,
    }
}

impl Stat {
    pub(crate) fn of(stat: &fs::Stat) -> Stat {
        let time = |time: Timestamp| Time { seconds: time.seconds, nanoseconds: i64::from(time.nanoseconds) };
        Stat {
            device: stat.device,
            inode: stat.inode,
            links: u64::from(stat.links),
            mode: type_bits(stat.kind) | (stat.mode & 0o7777),
            uid: stat.uid,
            gid: stat.gid,
            unused: 0,
            device_number: stat.device_number,
            size: stat.size,
            blocks: stat.blocks,
            times: [time(stat.accessed), time(stat.modified), time(stat.changed)],
        }
    }

    /// A file or directory of the library: root's, and read-only.
    pub(crate) fn of_rom(node: Node) -> Stat {
        let (mode, size) = match node.kind() {
            Kind::File(contents) => (type_bits(FileType::Regular) | 0o644, contents.len() as u64),
            Kind::Directory { .. } => (type_bits(FileType::Directory) | 0o755, 0),
        };
        Stat {
            device: u64::MAX,
            inode: node.inode(),
            links: 1,
            mode,
            uid: 0,
            gid: 0,
            unused: 0,
            device_number: 0,
            size,
            blocks: size.div_ceil(512),
            times: [Time { seconds: 0, nanoseconds: 0 }; 3],
        }
    }

    fn of_nothing() -> Stat {
        Stat { mode: type_bits(FileType::CharacterDevice) | 0o666, ..Stat::of_rom(Node::TOP) }
    }
}

/// The bytes that C points to.
///
/// # Safety
/// `start` points to `length` bytes that stay as they are.
unsafe fn bytes<'a>(start: *const c_void, length: usize) -> &'a [u8] {
    if start.is_null() || length == 0 {
        &[]
    } else {
        unsafe { core::slice::from_raw_parts(start.cast(), length) }
    }
}

/// # Safety
/// `start` points to `length` bytes that nobody else uses.
unsafe fn bytes_mut<'a>(start: *mut c_void, length: usize) -> &'a mut [u8] {
    if start.is_null() || length == 0 {
        &mut []
    } else {
        unsafe { core::slice::from_raw_parts_mut(start.cast(), length) }
    }
}

fn copy_out(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
        to.copy_from_slice(from);
    }
    count
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn read(number: i32, to: &mut [u8]) -> Result<i32, Errno> {
    let description = layer::description(number)?;
    let want = u32::try_from(to.len().min(PIECE)).unwrap_or(u32::MAX);
    let got = match &description.object {
        Object::Nothing => return Ok(0),
        Object::Directory(_) => return Err(Errno::EISDIR),
        Object::Rom { node, position } => {
            let Kind::File(contents) = node.kind() else {
                return Err(Errno::EISDIR);
            };
            let start = usize::try_from(position.get()).unwrap_or(usize::MAX).min(contents.len());
            let read = copy_out(contents.get(start..).unwrap_or(&[]), to);
            position.set((start + read) as u64);
            return Ok(count(read));
        }
        Object::File { file, .. } => file.read(want)?,
        Object::Process(number) => {
            let process = layer::process().ok_or(Errno::EBADF)?;
            if description.flags.get() & flags::NONBLOCK == 0 {
                before_alarm(&process, *number, false)?;
                nest::waiting(&process, || process.read(*number, want, true))?
            } else {
                process.read(*number, want, false)?
            }
        }
    };
    Ok(count(copy_out(&got, to)))
}

/// Where an alarm was set, waits until the descriptor is ready, or the alarm is due. Whether one was set.
fn before_alarm(process: &Process, descriptor: u32, write: bool) -> Result<bool, Errno> {
    // SAFETY: it only looks at the clock.
    let Ok(left) = u64::try_from(unsafe { wasmsh_until_alarm(-1) }) else { return Ok(false) };
    let ready = wait_ready(process, &[PollEntry { descriptor, read: !write, write }], Some(left))?;
    if ready.iter().all(|ready| ready.is_empty()) { Err(Errno::EINTR) } else { Ok(true) }
}

/// A regular file takes all that it is given, piece by piece; a full disk after the first piece is told by
/// a short count, as POSIX has it.
fn write(number: i32, from: &[u8]) -> Result<i32, Errno> {
    let description = layer::description(number)?;
    let mut written = 0;
    let mut once = from.is_empty();
    while written < from.len() || once {
        once = false;
        // Whether what was not taken is tried again.
        let mut again = false;
        let piece = from.get(written..from.len().min(written + PIECE)).unwrap_or(&[]);
        let result = match &description.object {
            Object::Nothing => Ok(piece.len()),
            Object::Directory(_) | Object::Rom { .. } => Err(Errno::EBADF),
            Object::File { file, .. } => file.write(piece).map(|()| piece.len()).map_err(Errno::from),
            Object::Process(number) => {
                let process = layer::process().ok_or(Errno::EBADF)?;
                let blocking = description.flags.get() & flags::NONBLOCK == 0;
                let alarm = if blocking { before_alarm(&process, *number, true) } else { Ok(false) };
                alarm.and_then(|alarm| {
                    let taken = process.write(*number, piece, blocking && !alarm)?;
                    again = alarm;
                    Ok(taken as usize)
                })
            }
        };
        match result {
            Ok(taken) => {
                written += taken;
                if taken < piece.len() && !again {
                    break;
                }
            }
            Err(errno) if written == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(count(written))
}

fn read_at(number: i32, to: &mut [u8], offset: u64) -> Result<i32, Errno> {
    let description = layer::description(number)?;
    match &description.object {
        Object::File { file, .. } => {
            let want = u32::try_from(to.len().min(PIECE)).unwrap_or(u32::MAX);
            Ok(count(copy_out(&file.read_at(offset, want)?, to)))
        }
        Object::Rom { node, .. } => match node.kind() {
            Kind::File(contents) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(contents.len());
                Ok(count(copy_out(contents.get(start..).unwrap_or(&[]), to)))
            }
            Kind::Directory { .. } => Err(Errno::EISDIR),
        },
        Object::Directory(_) => Err(Errno::EISDIR),
        Object::Nothing | Object::Process(_) => Err(Errno::ESPIPE),
    }
}

fn write_at(number: i32, from: &[u8], offset: u64) -> Result<i32, Errno> {
    let description = layer::description(number)?;
    match &description.object {
        Object::File { file, .. } => {
            for (index, piece) in from.chunks(PIECE).enumerate() {
                let start = index * PIECE;
                match file.write_at(offset + start as u64, piece) {
                    Ok(()) => {}
                    Err(error) if start == 0 => return Err(error.into()),
                    Err(_) => return Ok(count(start)),
                }
            }
            Ok(count(from.len()))
        }
        Object::Directory(_) | Object::Rom { .. } => Err(Errno::EBADF),
        Object::Nothing | Object::Process(_) => Err(Errno::ESPIPE),
    }
}

fn seek(number: i32, offset: i64, whence: i32) -> Result<u64, Errno> {
    let description = layer::description(number)?;
    let to = match whence {
        0 => Position::Start(u64::try_from(offset).map_err(|_| Errno::EINVAL)?),
        1 => Position::Current(offset),
        2 => Position::End(offset),
        _ => return Err(Errno::EINVAL),
    };
    match &description.object {
        Object::File { file, .. } => Ok(file.seek(to)?),
        Object::Process(number) => Ok(layer::process().ok_or(Errno::EBADF)?.seek(*number, to)?),
        Object::Rom { node, position } => {
            let size = Stat::of_rom(*node).size;
            let base = match to {
                Position::Start(_) => 0,
                Position::Current(_) => position.get(),
                Position::End(_) => size,
            };
            let new = base.checked_add_signed(offset).ok_or(Errno::EINVAL)?;
            position.set(new);
            Ok(new)
        }
        Object::Directory(_) => Ok(0),
        Object::Nothing => Err(Errno::ESPIPE),
    }
}

pub(crate) fn stat(number: i32) -> Result<Stat, Errno> {
    let description = layer::description(number)?;
    match &description.object {
        Object::Nothing => Ok(Stat::of_nothing()),
        Object::File { file, .. } => Ok(Stat::of(&file.stat()?)),
        Object::Process(number) => Ok(Stat::of(&layer::process().ok_or(Errno::EBADF)?.stat(*number)?)),
        Object::Directory(path) => crate::paths::stat(path, true),
        Object::Rom { node, .. } => Ok(Stat::of_rom(*node)),
    }
}

fn set_size(number: i32, size: u64) -> Result<(), Errno> {
    let description = layer::description(number)?;
    match &description.object {
        Object::File { file, .. } => Ok(file.set_size(size)?),
        Object::Process(number) => Ok(layer::process().ok_or(Errno::EBADF)?.set_size(*number, size)?),
        _ => Err(Errno::EINVAL),
    }
}

fn close(number: i32) -> Result<(), Errno> {
    let index = usize::try_from(number).map_err(|_| Errno::EBADF)?;
    let closed = layer::layer_mut().table.get_mut(index).and_then(Option::take);
    // Dropped here, when the table is not borrowed: closing calls out.
    closed.map(drop).ok_or(Errno::EBADF)
}

fn duplicate(number: i32, from: i32) -> Result<i32, Errno> {
    let description = layer::description(number)?;
    let from = usize::try_from(from).map_err(|_| Errno::EINVAL)?;
    layer::layer_mut().install(description, from)
}

fn duplicate_to(number: i32, to: i32) -> Result<i32, Errno> {
    let mut slot = layer::slot(number)?;
    if number == to {
        return Ok(to);
    }
    slot.close_on_exec = false;
    let index = usize::try_from(to).map_err(|_| Errno::EBADF)?;
    let closed = layer::layer_mut().replace(index, slot)?;
    drop(closed);
    Ok(to)
}

/// `fcntl` commands of wasi-libc, and those that our `<fcntl.h>` adds.
pub(crate) mod command {
    pub(super) const DUPFD: i32 = 0;
    pub(super) const GETFD: i32 = 1;
    pub(crate) const SETFD: i32 = 2;
    pub(super) const GETFL: i32 = 3;
    pub(super) const SETFL: i32 = 4;
    pub(super) const DUPFD_CLOEXEC: i32 = 1030;
}

pub(crate) fn control(number: i32, what: i32, argument: i32) -> Result<i32, Errno> {
    let entry = layer::slot(number)?;
    match what {
        command::DUPFD => duplicate(number, argument),
        command::DUPFD_CLOEXEC => {
            let new = duplicate(number, argument)?;
            control(new, command::SETFD, 1)?;
            Ok(new)
        }
        command::GETFD => Ok(i32::from(entry.close_on_exec)),
        command::SETFD => {
            let index = usize::try_from(number).map_err(|_| Errno::EBADF)?;
            if let Some(Some(slot)) = layer::layer_mut().table.get_mut(index) {
                slot.close_on_exec = argument & 1 != 0;
            }
            Ok(0)
        }
        command::GETFL => Ok(entry.description.flags.get()),
        command::SETFL => {
            let changeable = flags::APPEND | flags::NONBLOCK;
            let description = &entry.description;
            description.flags.set(description.flags.get() & !changeable | argument & changeable);
            if let Object::File { file, .. } = &description.object {
                file.set_append(argument & flags::APPEND != 0);
            }
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn pipe() -> Result<[i32; 2], Errno> {
    let process = layer::process().ok_or(Errno::ENOSYS)?;
    let (reading, writing) = process.pipe()?;
    let reading = layer::install(Object::Process(reading), flags::RDONLY)?;
    match layer::install(Object::Process(writing), flags::WRONLY) {
        Ok(writing) => Ok([reading, writing]),
        Err(errno) => {
            close(reading)?;
            Err(errno)
        }
    }
}

/// The columns and rows of the terminal behind a descriptor.
fn terminal(number: i32) -> Result<(u16, u16), Errno> {
    let description = layer::description(number)?;
    let number = match &description.object {
        Object::Process(number) | Object::File { inherited: Some(number), .. } => *number,
        _ => return Err(Errno::ENOTTY),
    };
    let size = layer::process().and_then(|process| process.terminal(number)).ok_or(Errno::ENOTTY)?;
    Ok((size.columns, size.rows))
}

/// The time that C hands over: `UTIME_NOW` is -1 and `UTIME_OMIT` -2 in the nanoseconds.
pub(crate) fn new_time(Time { seconds, nanoseconds }: Time) -> Result<NewTime, Errno> {
    match nanoseconds {
        -1 => Ok(NewTime::Now),
        -2 => Ok(NewTime::Keep),
        0..=999_999_999 => Ok(NewTime::At(Timestamp {
            seconds,
            nanoseconds: u32::try_from(nanoseconds).map_err(|_| Errno::EINVAL)?,
        })),
        _ => Err(Errno::EINVAL),
    }
}

/// Applies a change of attributes to an open file, or to the directory that it is.
fn change(
    number: i32,
    of_file: impl FnOnce(&crate::bindings::wasmsh::fs::files::File) -> Result<(), fs::ErrorCode>,
    of_path: impl FnOnce(&str) -> Result<(), fs::ErrorCode>,
) -> Result<(), Errno> {
    let description: Rc<Description> = layer::description(number)?;
    match &description.object {
        Object::File { file, .. } => Ok(of_file(file)?),
        Object::Directory(path) => Ok(of_path(path)?),
        Object::Rom { .. } => Err(Errno::EROFS),
        Object::Nothing | Object::Process(_) => Err(Errno::EINVAL),
    }
}

use crate::bindings::wasmsh::fs::files;

#[unsafe(no_mangle)]
extern "C" fn wasmsh_read(number: i32, to: *mut c_void, length: usize) -> i32 {
    // SAFETY: the contract of read(2).
    answer(read(number, unsafe { bytes_mut(to, length) }))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_write(number: i32, from: *const c_void, length: usize) -> i32 {
    // SAFETY: the contract of write(2).
    answer(write(number, unsafe { bytes(from, length) }))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_pread(number: i32, to: *mut c_void, length: usize, offset: i64) -> i32 {
    // SAFETY: the contract of pread(2).
    let to = unsafe { bytes_mut(to, length) };
    answer(u64::try_from(offset).map_err(|_| Errno::EINVAL).and_then(|offset| read_at(number, to, offset)))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_pwrite(number: i32, from: *const c_void, length: usize, offset: i64) -> i32 {
    // SAFETY: the contract of pwrite(2).
    let from = unsafe { bytes(from, length) };
    answer(u64::try_from(offset).map_err(|_| Errno::EINVAL).and_then(|offset| write_at(number, from, offset)))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_seek(number: i32, offset: i64, whence: i32) -> i64 {
    match seek(number, offset, whence) {
        Ok(position) => i64::try_from(position).unwrap_or(i64::MAX),
        Err(errno) => i64::from(errno.negative()),
    }
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_fstat(number: i32, to: &mut Stat) -> i32 {
    done(stat(number).map(|stat| *to = stat))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_ftruncate(number: i32, size: i64) -> i32 {
    done(u64::try_from(size).map_err(|_| Errno::EINVAL).and_then(|size| set_size(number, size)))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_close(number: i32) -> i32 {
    done(close(number))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_dup2(number: i32, to: i32) -> i32 {
    answer(duplicate_to(number, to))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_fcntl(number: i32, what: i32, argument: i32) -> i32 {
    answer(control(number, what, argument))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_pipe(ends: &mut [i32; 2]) -> i32 {
    done(pipe().map(|new| *ends = new))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_terminal(number: i32, size: &mut [u16; 2]) -> i32 {
    done(terminal(number).map(|(columns, rows)| *size = [columns, rows]))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_fchmod(number: i32, mode: u32) -> i32 {
    done(change(number, |file| file.set_mode(mode), |path| files::set_mode_at(path, mode, true)))
}

/// An id of -1 stays as it is.
pub(crate) fn owner(id: u32) -> Option<u32> {
    (id != u32::MAX).then_some(id)
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_fchown(number: i32, uid: u32, gid: u32) -> i32 {
    let (uid, gid) = (owner(uid), owner(gid));
    done(change(number, |file| file.set_owner(uid, gid), |path| files::set_owner_at(path, uid, gid, true)))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_futimens(number: i32, times: &[Time; 2]) -> i32 {
    let [accessed, modified] = *times;
    done(new_time(accessed).and_then(|accessed| {
        let modified = new_time(modified)?;
        change(
            number,
            |file| file.set_times(accessed, modified),
            |path| files::set_times_at(path, accessed, modified, true),
        )
    }))
}
