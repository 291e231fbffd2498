//! `wasmsh:fs/program`: the one process that the exported `wasi:cli` shows.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use wasmsh_vfs::Errno;

use crate::Component;
use crate::bindings::exports::wasmsh::fs::program::{self, Chunk, OutputStream};
use crate::state::vfs;

/// What a process shows and leaves.
#[derive(Default)]
struct Process {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    cwd: Option<String>,
    stdin: Vec<u8>,
    /// How much of it was read.
    stdin_at: usize,
    output: VecDeque<Chunk>,
    /// Bytes in `output`.
    output_bytes: u64,
    status: Option<u8>,
    /// What it has open.
    handles: Vec<Weak<dyn Release>>,
    /// How many handles there may be before those that are gone are forgotten.
    prune_at: usize,
}

thread_local! {
    static PROCESS: RefCell<Process> = RefCell::new(Process::default());
}

/// What a handle holds is let go when its process ends, since a program that
/// trapped or exited never drops its handles.
trait Release {
    fn release(&self);
}

/// The inside of a handle of the process; `None` once it was released.
pub(crate) struct Held<T>(Rc<RefCell<Option<Rc<T>>>>);

impl<T> Release for RefCell<Option<Rc<T>>> {
    fn release(&self) {
        // Dropped after the borrow, since that may close a file.
        let held = self.borrow_mut().take();
        drop(held);
    }
}

impl<T: 'static> Held<T> {
    /// Registers a handle with the process.
    pub(crate) fn new(value: Rc<T>) -> Held<T> {
        let held = Rc::new(RefCell::new(Some(value)));
        let release: Rc<dyn Release> = held.clone();
        PROCESS.with_borrow_mut(|process| {
            if process.handles.len() >= process.prune_at {
                process.handles.retain(|handle| handle.strong_count() > 0);
                process.prune_at = process.handles.len().saturating_mul(2).max(64);
            }
            process.handles.push(Rc::downgrade(&release));
        });
        Held(held)
    }

    /// The inside, unless the process has ended.
    pub(crate) fn get(&self) -> Option<Rc<T>> {
        self.0.borrow().clone()
    }
}

impl program::Guest for Component {
    fn begin(arguments: Vec<String>, environment: Vec<(String, String)>, cwd: String, stdin: Vec<u8>) {
        end();
        let cwd = (!cwd.is_empty()).then_some(cwd);
        PROCESS.set(Process { arguments, environment, cwd, stdin, ..Process::default() });
    }

    fn take_output(max: u32) -> Vec<Chunk> {
        PROCESS.with_borrow_mut(|process| {
            let mut taken = Vec::new();
            let mut left = max as usize;
            while left > 0
                && let Some(mut chunk) = process.output.pop_front()
            {
                if chunk.bytes.len() > left {
                    let rest = chunk.bytes.split_off(left);
                    process.output.push_front(Chunk { origin: chunk.origin, bytes: rest });
                }
                left -= chunk.bytes.len();
                process.output_bytes = process.output_bytes.saturating_sub(chunk.bytes.len() as u64);
                taken.push(chunk);
            }
            taken
        })
    }

    fn end() -> Option<u8> {
        end()
    }
}

/// Ends the process. Its output stays until it is taken or another begins.
fn end() -> Option<u8> {
    let (handles, status) = PROCESS.with_borrow_mut(|process| {
        process.stdin = Vec::new();
        process.stdin_at = 0;
        (std::mem::take(&mut process.handles), process.status.take())
    });
    for handle in handles.iter().filter_map(Weak::upgrade) {
        handle.release();
    }
    status
}

pub(crate) fn arguments() -> Vec<String> {
    PROCESS.with_borrow(|process| process.arguments.clone())
}

pub(crate) fn environment() -> Vec<(String, String)> {
    PROCESS.with_borrow(|process| process.environment.clone())
}

pub(crate) fn cwd() -> Option<String> {
    PROCESS.with_borrow(|process| process.cwd.clone())
}

/// The status that the process gave to `exit`.
pub(crate) fn set_status(status: u8) {
    PROCESS.with_borrow_mut(|process| process.status = Some(status));
}

/// The next bytes of standard input; empty at its end.
pub(crate) fn read_stdin(max: usize) -> Vec<u8> {
    PROCESS.with_borrow_mut(|process| {
        let rest = process.stdin.get(process.stdin_at..).unwrap_or_default();
        let bytes = rest.get(..max.min(rest.len())).unwrap_or_default().to_vec();
        process.stdin_at += bytes.len();
        bytes
    })
}

/// Whether standard input was read to its end.
pub(crate) fn stdin_ended() -> bool {
    PROCESS.with_borrow(|process| process.stdin_at >= process.stdin.len())
}

/// Keeps output until it is taken. What the process cannot get rid of is bounded
/// by the quota of bytes, as if it were a file.
pub(crate) fn write_output(origin: OutputStream, bytes: &[u8]) -> Result<(), Errno> {
    let bound = vfs()?.quota().bytes;
    PROCESS.with_borrow_mut(|process| {
        let sum = process.output_bytes.saturating_add(bytes.len() as u64);
        if sum > bound {
            return Err(Errno::OverQuota);
        }
        match process.output.back_mut() {
            Some(last) if last.origin == origin && last.bytes.len() < 64 * 1024 => {
                last.bytes.try_reserve(bytes.len()).map_err(|_| Errno::NoMemory)?;
                last.bytes.extend_from_slice(bytes);
            }
            _ => {
                let mut own = Vec::new();
                own.try_reserve(bytes.len()).map_err(|_| Errno::NoMemory)?;
                own.extend_from_slice(bytes);
                process.output.push_back(Chunk { origin, bytes: own });
            }
        }
        process.output_bytes = sum;
        Ok(())
    })
}
