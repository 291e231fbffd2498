//! Calls on processes: `getpid`, `kill`, `waitpid`, `poll`, and starting a child.

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};

use crate::bindings::wasi::clocks::monotonic_clock;
use crate::bindings::wasmsh::session::processes::{PollEntry, Process, Readiness, Spawn, Target};
use crate::bindings::wasmsh::session::types::{Exit, Limit};
use crate::errno::{Errno, answer, done};
use crate::layer::{self, Object};
use crate::{nest, signals};

#[unsafe(no_mangle)]
extern "C" fn wasmsh_getpid(parent: bool) -> i32 {
    let id = layer::process().map_or(1, |process| if parent { process.parent() } else { process.pid() });
    i32::try_from(id).unwrap_or(i32::MAX)
}

fn kill(pid: i32, signal: i32) -> Result<(), Errno> {
    let process = layer::process().ok_or(Errno::ESRCH)?;
    let target = match pid {
        0 | -1 => Target::Group(process.pid()),
        pid if pid < 0 => Target::Group(pid.unsigned_abs()),
        pid => Target::Process(pid.unsigned_abs()),
    };
    if signal == 0 {
        // Existence cannot be asked for alone; a process of one's own exists.
        return if pid.unsigned_abs() == process.pid() || pid == 0 { Ok(()) } else { Err(Errno::ESRCH) };
    }
    Ok(process.send_signal(target, signals::signal(signal).ok_or(Errno::EINVAL)?)?)
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_kill(pid: i32, signal: i32) -> i32 {
    done(kill(pid, signal))
}

/// The status of `waitpid`, in Linux's encoding.
fn status(exit: Exit) -> i32 {
    match exit {
        Exit::Code(code) => i32::from(code) << 8,
        Exit::Signalled(signal) => signals::number(signal),
        Exit::Limited(Limit::WallTimeMs(_)) => 124 << 8,
        Exit::Limited(_) => 9,
    }
}

fn wait(pid: i32, no_hang: bool) -> Result<Option<(i32, i32)>, Errno> {
    if layer::is_dead() {
        return Err(Errno::ECHILD);
    }
    let process = layer::process().ok_or(Errno::ECHILD)?;
    let child = match pid {
        -1 | 0 => None,
        pid => Some(u32::try_from(pid).map_err(|_| Errno::ECHILD)?),
    };
    let ended = nest::waiting(&process, || process.wait(child, no_hang.then_some(0)))?;
    Ok(ended.map(|(pid, exit)| (i32::try_from(pid).unwrap_or(i32::MAX), status(exit))))
}

/// The child that ended, 0 if none has.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_wait(pid: i32, no_hang: bool, to: &mut i32) -> i32 {
    answer(wait(pid, no_hang).map(|ended| match ended {
        Some((pid, status)) => {
            *to = status;
            pid
        }
        None => 0,
    }))
}

/// A `struct pollfd` with plain bits: 1 to read, 2 to write, 4 hung up, 8 no such descriptor.
#[repr(C)]
pub(crate) struct Interest {
    descriptor: i32,
    wanted: u32,
    ready: u32,
}

const READ: u32 = 1;
const WRITE: u32 = 2;
const HANG_UP: u32 = 4;
const INVALID: u32 = 8;

/// `poll` of a process, which another Python may have to run for first; that takes what time it takes.
pub(crate) fn wait_ready(
    process: &Process,
    entries: &[PollEntry],
    timeout: Option<u64>,
) -> Result<Vec<Readiness>, Errno> {
    let began = monotonic_clock::now();
    nest::waiting(process, || {
        let passed = monotonic_clock::now().saturating_sub(began);
        process.poll(entries, timeout.map(|timeout| timeout.saturating_sub(passed)))
    })
}

/// `timeout` in nanoseconds, negative: for ever. How many are ready.
fn poll(interests: &mut [Interest], timeout: i64) -> Result<i32, Errno> {
    let mut entries = Vec::new();
    let mut asked = Vec::new();
    let mut ready = 0;
    for (index, interest) in interests.iter_mut().enumerate() {
        interest.ready = 0;
        if interest.descriptor < 0 {
            continue;
        }
        match layer::description(interest.descriptor) {
            Err(_) => interest.ready = INVALID,
            Ok(description) => match &description.object {
                Object::Process(number) => {
                    entries.push(PollEntry {
                        descriptor: *number,
                        read: interest.wanted & READ != 0,
                        write: interest.wanted & WRITE != 0,
                    });
                    asked.push(index);
                    continue;
                }
                // Files are always ready.
                _ => interest.ready = interest.wanted & (READ | WRITE),
            },
        }
        ready += i32::from(interest.ready != 0);
    }
    let Some(process) = layer::process() else {
        return Ok(ready);
    };
    if layer::is_dead() {
        return Ok(ready);
    }
    let timeout = if ready > 0 { Some(0) } else { u64::try_from(timeout).ok() };
    let answers = wait_ready(&process, &entries, timeout)?;
    for (index, answer) in asked.into_iter().zip(answers) {
        let Some(interest) = interests.get_mut(index) else {
            continue;
        };
        for (flag, bit) in [
            (Readiness::READ, READ),
            (Readiness::WRITE, WRITE),
            (Readiness::HANG_UP, HANG_UP),
            (Readiness::INVALID, INVALID),
        ] {
            if answer.contains(flag) {
                interest.ready |= bit;
            }
        }
        ready += i32::from(interest.ready != 0);
    }
    Ok(ready)
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_poll(interests: *mut Interest, count: usize, timeout: i64) -> i32 {
    let interests = if interests.is_null() || count == 0 {
        &mut []
    } else {
        // SAFETY: posix.c makes the array.
        unsafe { core::slice::from_raw_parts_mut(interests, count) }
    };
    answer(poll(interests, timeout))
}

/// What `_posixsubprocess` asks for.
#[repr(C)]
pub(crate) struct Request {
    program: *const c_char,
    /// Ends with a null pointer.
    arguments: *const *const c_char,
    /// Ends with a null pointer; null: the parent's.
    environment: *const *const c_char,
    /// Null: the parent's.
    cwd: *const c_char,
    /// Pairs of a number in the child and one in the parent.
    descriptors: *const [i32; 2],
    descriptor_count: usize,
    new_group: bool,
    /// Negative: the parent's.
    umask: i32,
}

/// # Safety
/// A list of C strings that ends with a null pointer.
unsafe fn strings(mut list: *const *const c_char) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    if list.is_null() {
        return all;
    }
    unsafe {
        while !(*list).is_null() {
            all.push(CStr::from_ptr(*list).to_bytes().to_vec());
            list = list.add(1);
        }
    }
    all
}

/// # Safety
/// The pointers are as `Request` says.
unsafe fn spawn(request: &Request) -> Result<i32, Errno> {
    let process = layer::process().ok_or(Errno::ENOSYS)?;
    if layer::is_dead() {
        return Err(Errno::EIO);
    }
    let environment = (!request.environment.is_null()).then(|| {
        unsafe { strings(request.environment) }
            .into_iter()
            .filter_map(|entry| {
                let at = entry.iter().position(|byte| *byte == b'=')?;
                Some((entry.get(..at)?.to_vec(), entry.get(at + 1..)?.to_vec()))
            })
            .collect()
    });
    let cwd = if request.cwd.is_null() {
        layer::cwd()
    } else {
        let text = unsafe { CStr::from_ptr(request.cwd) }.to_str().map_err(|_| Errno::EILSEQ)?;
        if text.starts_with('/') {
            String::from(text)
        } else {
            let mut whole = layer::cwd();
            whole.push('/');
            whole.push_str(text);
            whole
        }
    };
    let pairs = if request.descriptors.is_null() {
        &[]
    } else {
        unsafe { core::slice::from_raw_parts(request.descriptors, request.descriptor_count) }
    };
    // A file of this process gets a number in the shell's table for the time of the call.
    let mut adopted = Vec::new();
    let mut descriptors = Vec::new();
    let result = (|| {
        for [child, parent] in pairs {
            let child = u32::try_from(*child).map_err(|_| Errno::EBADF)?;
            let description = layer::description(*parent)?;
            let number = match &description.object {
                Object::Process(number) | Object::File { inherited: Some(number), .. } => *number,
                Object::File { file, inherited: None } => {
                    let number = process.adopt(file.duplicate())?;
                    adopted.push(number);
                    number
                }
                Object::Nothing | Object::Directory(_) | Object::Rom { .. } => return Err(Errno::EBADF),
            };
            descriptors.push((child, number));
        }
        let program = unsafe { CStr::from_ptr(request.program) }.to_bytes().to_vec();
        let arguments = unsafe { strings(request.arguments) };
        Ok(process.spawn(&Spawn {
            program,
            arguments,
            environment,
            cwd: Some(cwd),
            descriptors,
            new_group: request.new_group,
            umask: Some(u32::try_from(request.umask).unwrap_or(layer::layer().umask)),
        })?)
    })();
    for number in adopted {
        // The child has its own; a failure to close leaves one number in use until the process ends.
        let _ = process.close(number);
    }
    result.map(|pid| i32::try_from(pid).unwrap_or(i32::MAX))
}

/// The child's process number.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_spawn(request: &Request) -> i32 {
    // SAFETY: subprocess.c fills it in.
    answer(unsafe { spawn(request) })
}
