//! Pipes (POSIX `pipe(2)`), which FIFOs are too once they are open.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use wasmsh_vfs::Errno;

use crate::process::Process;
use crate::queue::{RunQueue, WaitQueue};

/// What a pipe holds before a writer waits (Linux's default).
pub const PIPE_CAPACITY: usize = 64 * 1024;

/// A write of at most this many bytes goes in as one piece (POSIX `PIPE_BUF`, Linux's value).
pub const PIPE_BUF: usize = 4096;

/// The buffer between the two ends of a pipe.
pub struct Pipe {
    queue: Rc<RunQueue>,
    bytes: RefCell<VecDeque<u8>>,
    capacity: Cell<usize>,
    /// The capacity is a ceiling beyond which a write fails, since no reader runs yet.
    spool: Cell<bool>,
    readers: Cell<usize>,
    writers: Cell<usize>,
    /// How often an end was opened: an opener of a FIFO waits for the other count to move.
    pub(crate) readers_ever: Cell<u64>,
    pub(crate) writers_ever: Cell<u64>,
    pub(crate) readable: WaitQueue,
    pub(crate) writable: WaitQueue,
    /// Openers of a FIFO that wait for the other end.
    pub(crate) opened: WaitQueue,
    identity: u64,
}

impl Pipe {
    pub(crate) fn new(queue: Rc<RunQueue>, identity: u64) -> Rc<Pipe> {
        Rc::new(Pipe {
            queue,
            bytes: RefCell::default(),
            capacity: Cell::new(PIPE_CAPACITY),
            spool: Cell::new(false),
            readers: Cell::new(0),
            writers: Cell::new(0),
            readers_ever: Cell::new(0),
            writers_ever: Cell::new(0),
            readable: WaitQueue::default(),
            writable: WaitQueue::default(),
            opened: WaitQueue::default(),
            identity,
        })
    }

    pub(crate) fn reader(self: &Rc<Self>) -> PipeReader {
        self.readers.set(self.readers.get() + 1);
        self.readers_ever.set(self.readers_ever.get() + 1);
        self.opened.wake_all(&self.queue);
        PipeReader(self.clone())
    }

    pub(crate) fn writer(self: &Rc<Self>) -> PipeWriter {
        self.writers.set(self.writers.get() + 1);
        self.writers_ever.set(self.writers_ever.get() + 1);
        self.opened.wake_all(&self.queue);
        PipeWriter(self.clone())
    }

    /// A number of its own, as the inode of a pipe is.
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// Bytes that wait to be read.
    pub fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    /// The position of the first `byte` among those that wait to be read.
    pub fn find(&self, byte: u8) -> Option<usize> {
        let bytes = self.bytes.borrow();
        let (front, back) = bytes.as_slices();
        memchr::memchr(byte, front).or_else(|| memchr::memchr(byte, back).map(|at| front.len() + at))
    }

    /// Whether no byte waits to be read.
    pub fn is_empty(&self) -> bool {
        self.bytes.borrow().is_empty()
    }

    /// Whether anybody has the writing end open.
    pub fn has_writers(&self) -> bool {
        self.writers.get() > 0
    }

    /// Whether anybody has the reading end open.
    pub fn has_readers(&self) -> bool {
        self.readers.get() > 0
    }

    /// Lets the pipe take up to `ceiling` bytes without a reader; a write beyond ends
    /// with `NoSpace`. For a reader that can only start when all writers are done.
    pub fn set_spool(&self, ceiling: usize) {
        self.capacity.set(ceiling.max(PIPE_CAPACITY));
        self.spool.set(true);
        self.writable.wake_all(&self.queue);
    }

    /// An ordinary pipe again: writers wait while it holds 64 KiB or more.
    pub fn end_spool(&self) {
        self.capacity.set(PIPE_CAPACITY);
        self.spool.set(false);
    }

    /// Appends at most `max` bytes to `buffer`. 0: end of file. `Again`: none yet.
    pub(crate) fn read(&self, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let mut bytes = self.bytes.borrow_mut();
        if bytes.is_empty() {
            return if self.writers.get() == 0 || max == 0 { Ok(0) } else { Err(Errno::Again) };
        }
        let count = bytes.len().min(max);
        let (front, back) = bytes.as_slices();
        let from_front = front.len().min(count);
        buffer.extend_from_slice(front.get(..from_front).unwrap_or_default());
        buffer.extend_from_slice(back.get(..count - from_front).unwrap_or_default());
        if count == bytes.len() {
            bytes.clear();
        } else {
            bytes.drain(..count);
        }
        drop(bytes);
        self.writable.wake_all(&self.queue);
        Ok(count)
    }

    /// How many bytes went in. `Again`: no room, `BrokenPipe`: nobody reads.
    pub(crate) fn write(&self, from: &[u8]) -> Result<usize, Errno> {
        if self.readers.get() == 0 {
            return Err(Errno::BrokenPipe);
        }
        let mut bytes = self.bytes.borrow_mut();
        let room = self.capacity.get().saturating_sub(bytes.len());
        if room == 0 || (from.len() <= PIPE_BUF && room < from.len()) {
            return if from.is_empty() {
                Ok(0)
            } else if self.spool.get() {
                Err(Errno::NoSpace)
            } else {
                Err(Errno::Again)
            };
        }
        let count = room.min(from.len());
        bytes.extend(from.get(..count).unwrap_or_default());
        drop(bytes);
        self.readable.wake_all(&self.queue);
        Ok(count)
    }

    pub(crate) fn can_write(&self) -> bool {
        self.readers.get() == 0 || self.spool.get() || self.len() + PIPE_BUF <= self.capacity.get()
    }

    pub(crate) fn wait_readable(&self, process: &Rc<Process>) {
        self.readable.register(process);
    }

    pub(crate) fn wait_writable(&self, process: &Rc<Process>) {
        self.writable.register(process);
    }
}

/// The reading end. Dropping the last one breaks the pipe.
pub struct PipeReader(Rc<Pipe>);

/// The writing end. Dropping the last one ends the input of the readers.
pub struct PipeWriter(Rc<Pipe>);

impl PipeReader {
    /// The pipe.
    pub fn pipe(&self) -> &Rc<Pipe> {
        &self.0
    }
}

impl PipeWriter {
    /// The pipe.
    pub fn pipe(&self) -> &Rc<Pipe> {
        &self.0
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let pipe = &self.0;
        pipe.readers.set(pipe.readers.get() - 1);
        if pipe.readers.get() == 0 {
            pipe.bytes.take();
            pipe.writable.wake_all(&pipe.queue);
        }
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        let pipe = &self.0;
        pipe.writers.set(pipe.writers.get() - 1);
        if pipe.writers.get() == 0 {
            pipe.readable.wake_all(&pipe.queue);
        }
    }
}
