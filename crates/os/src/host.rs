//! The two ends that lead to the host: standard input, and ordered output.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use wasmsh_vfs::Errno;

use crate::process::Process;
use crate::queue::{RunQueue, WaitQueue};

/// Which of the two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it was written.
    pub origin: OutputStream,
    /// What was written.
    pub bytes: Vec<u8>,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Width.
    pub columns: u16,
    /// Height.
    pub rows: u16,
}

/// What is written and not yet taken by the host, in the order of writing.
#[derive(Default)]
pub(crate) struct HostOutput {
    chunks: RefCell<VecDeque<Chunk>>,
    length: Cell<usize>,
    written: Cell<u64>,
    /// What `written` may come to; nothing more is taken then.
    limit: Cell<Option<u64>>,
    /// Somebody wanted to write beyond the limit.
    exceeded: Cell<bool>,
    waiting: WaitQueue,
}

impl HostOutput {
    /// Sets how many bytes may be written from now on.
    pub(crate) fn set_limit(&self, bytes: Option<u64>) {
        self.limit.set(bytes.map(|bytes| self.written.get().saturating_add(bytes)));
        self.exceeded.set(false);
    }

    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded.get()
    }

    pub(crate) fn len(&self) -> usize {
        self.length.get()
    }

    /// Bytes ever written.
    pub(crate) fn written(&self) -> u64 {
        self.written.get()
    }

    pub(crate) fn write(
        &self,
        origin: OutputStream,
        bytes: &[u8],
        high_water: usize,
    ) -> Result<usize, Errno> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut room = high_water.saturating_sub(self.length.get());
        if let Some(limit) = self.limit.get() {
            let left = limit.saturating_sub(self.written.get());
            if left < bytes.len() as u64 {
                self.exceeded.set(true);
            }
            room = room.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        if room == 0 {
            return Err(Errno::Again);
        }
        let bytes = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.length.set(self.length.get() + bytes.len());
        self.written.set(self.written.get() + bytes.len() as u64);
        let mut chunks = self.chunks.borrow_mut();
        match chunks.back_mut() {
            Some(last) if last.origin == origin => last.bytes.extend_from_slice(bytes),
            _ => chunks.push_back(Chunk { origin, bytes: bytes.to_vec() }),
        }
        Ok(bytes.len())
    }

    pub(crate) fn wait(&self, process: &Rc<Process>) {
        self.waiting.register(process);
    }

    pub(crate) fn has_room(&self, high_water: usize) -> bool {
        self.length.get() < high_water
    }

    /// At most `max` bytes.
    pub(crate) fn take(&self, max: usize, queue: &RunQueue) -> Vec<Chunk> {
        let mut taken = Vec::new();
        let mut left = max;
        let mut chunks = self.chunks.borrow_mut();
        while left > 0 {
            let Some(mut first) = chunks.pop_front() else { break };
            if first.bytes.len() > left {
                let rest = first.bytes.split_off(left);
                chunks.push_front(Chunk { origin: first.origin, bytes: rest });
            }
            left -= first.bytes.len();
            taken.push(first);
        }
        drop(chunks);
        self.length.set(self.length.get() - (max - left));
        if !taken.is_empty() {
            self.waiting.wake_all(queue);
        }
        taken
    }
}

/// What the host has given as standard input.
#[derive(Default)]
pub(crate) struct HostInput {
    bytes: RefCell<VecDeque<u8>>,
    closed: Cell<bool>,
    waiting: WaitQueue,
}

impl HostInput {
    pub(crate) fn read(&self, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let mut bytes = self.bytes.borrow_mut();
        if bytes.is_empty() {
            return if self.closed.get() || max == 0 { Ok(0) } else { Err(Errno::Again) };
        }
        let count = bytes.len().min(max);
        buffer.extend(bytes.drain(..count));
        Ok(count)
    }

    pub(crate) fn can_read(&self) -> bool {
        self.closed.get() || !self.bytes.borrow().is_empty()
    }

    pub(crate) fn wait(&self, process: &Rc<Process>) {
        self.waiting.register(process);
    }

    /// Whether somebody reads, and nothing is left.
    pub(crate) fn is_open(&self) -> bool {
        !self.closed.get()
    }

    pub(crate) fn wanted(&self) -> bool {
        !self.can_read() && !self.waiting.is_empty()
    }

    pub(crate) fn feed(&self, from: &[u8], capacity: usize, queue: &RunQueue) -> usize {
        if self.closed.get() {
            return 0;
        }
        let mut bytes = self.bytes.borrow_mut();
        let count = capacity.saturating_sub(bytes.len()).min(from.len());
        bytes.extend(from.get(..count).unwrap_or_default());
        drop(bytes);
        if count > 0 {
            self.waiting.wake_all(queue);
        }
        count
    }

    pub(crate) fn close(&self, queue: &RunQueue) {
        self.closed.set(true);
        self.waiting.wake_all(queue);
    }

    /// Empty, and open again: for the next run.
    pub(crate) fn reopen(&self) {
        self.bytes.borrow_mut().clear();
        self.closed.set(false);
    }
}
