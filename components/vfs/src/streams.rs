//! `wasi:io/streams` and `wasi:io/error`: bytes to and from files and the
//! standard streams. Nothing ever has to wait, so blocking and other calls are
//! the same.

use std::cell::Cell;
use std::rc::Rc;

use wasmsh_vfs::{Errno, FileType, Handle, OpenFile};

use crate::Component;
use crate::bindings::exports::wasi::io::{error, poll, streams};
use crate::bindings::exports::wasmsh::fs::program;
use crate::clocks::Pollable;
use crate::process::{self, Held};

/// Most bytes of one read: WASI lets a read return less than was asked for, and
/// a program may ask for 2⁶⁴.
const READ_MAX: u64 = 1 << 20;
/// What `check-write` permits: large enough for one call a large write, small
/// enough to be copied without thought.
const WRITE_PERMIT: u64 = 1 << 20;

/// Why a stream failed.
pub(crate) struct StreamFailure(pub(crate) Errno);

impl error::GuestError for StreamFailure {
    fn to_debug_string(&self) -> String {
        format!("{} ({})", self.0.strerror(), self.0.name())
    }
}

impl error::Guest for Component {
    type Error = StreamFailure;
}

fn failed(errno: Errno) -> streams::StreamError {
    streams::StreamError::LastOperationFailed(error::Error::new(StreamFailure(errno)))
}

/// Where bytes come from.
enum Source {
    Stdin,
    /// A file, read from a position of the stream's own.
    File(Held<Handle>, Cell<u64>),
}

pub(crate) struct InputStream {
    source: Source,
    closed: Cell<bool>,
}

impl InputStream {
    pub(crate) fn stdin() -> InputStream {
        InputStream { source: Source::Stdin, closed: Cell::new(false) }
    }

    pub(crate) fn file(handle: Rc<Handle>, offset: u64) -> InputStream {
        let source = Source::File(Held::new(handle), Cell::new(offset));
        InputStream { source, closed: Cell::new(false) }
    }

    /// At most `length` bytes; `Closed` at the end of the file.
    fn take(&self, length: u64) -> Result<Vec<u8>, streams::StreamError> {
        if self.closed.get() {
            return Err(streams::StreamError::Closed);
        }
        let max = length.min(READ_MAX) as usize;
        let bytes = match &self.source {
            Source::Stdin if max == 0 && process::stdin_ended() => Err(Errno::Again),
            Source::Stdin => Ok(process::read_stdin(max)),
            Source::File(held, position) => match held.get() {
                Some(handle) => handle.read_at(position.get(), max).inspect(|bytes| {
                    position.set(position.get().saturating_add(bytes.len() as u64));
                }),
                None => Err(Errno::Again),
            },
        };
        match bytes {
            Ok(bytes) if bytes.is_empty() && max > 0 => {
                // Not for good: a file may grow, and a later read then succeeds.
                Err(streams::StreamError::Closed)
            }
            Ok(bytes) => Ok(bytes),
            // Again: at the end, or its process has ended.
            Err(Errno::Again) => Err(streams::StreamError::Closed),
            Err(errno) => {
                self.closed.set(true);
                Err(failed(errno))
            }
        }
    }

    /// Passes over at most `length` bytes.
    fn pass(&self, length: u64) -> Result<u64, streams::StreamError> {
        if let Source::File(held, position) = &self.source
            && let Some(handle) = held.get()
            && handle.kind() == FileType::Regular
            && !self.closed.get()
        {
            let left = match handle.stat() {
                Ok(stat) => stat.size.saturating_sub(position.get()),
                Err(errno) => return Err(failed(errno)),
            };
            let passed = left.min(length);
            if passed == 0 && length > 0 {
                return Err(streams::StreamError::Closed);
            }
            position.set(position.get().saturating_add(passed));
            return Ok(passed);
        }
        Ok(self.take(length)?.len() as u64)
    }
}

impl streams::GuestInputStream for InputStream {
    fn read(&self, len: u64) -> Result<Vec<u8>, streams::StreamError> {
        self.take(len)
    }

    fn blocking_read(&self, len: u64) -> Result<Vec<u8>, streams::StreamError> {
        self.take(len)
    }

    fn skip(&self, len: u64) -> Result<u64, streams::StreamError> {
        self.pass(len)
    }

    fn blocking_skip(&self, len: u64) -> Result<u64, streams::StreamError> {
        self.pass(len)
    }

    fn subscribe(&self) -> poll::Pollable {
        Pollable::ready()
    }
}

/// Where bytes go.
enum Sink {
    Standard(program::OutputStream),
    /// A file, written from a position of the stream's own; `None`: at its end.
    File(Held<Handle>, Cell<Option<u64>>),
}

pub(crate) struct OutputStream {
    sink: Sink,
    closed: Cell<bool>,
}

impl OutputStream {
    pub(crate) fn standard(origin: program::OutputStream) -> OutputStream {
        OutputStream { sink: Sink::Standard(origin), closed: Cell::new(false) }
    }

    /// `offset` `None`: always at the end.
    pub(crate) fn file(handle: Rc<Handle>, offset: Option<u64>) -> OutputStream {
        let sink = Sink::File(Held::new(handle), Cell::new(offset));
        OutputStream { sink, closed: Cell::new(false) }
    }

    fn check(&self) -> Result<(), streams::StreamError> {
        let released = matches!(&self.sink, Sink::File(held, _) if held.get().is_none());
        if self.closed.get() || released { Err(streams::StreamError::Closed) } else { Ok(()) }
    }

    fn put(&self, bytes: &[u8]) -> Result<(), streams::StreamError> {
        self.check()?;
        let result = match &self.sink {
            Sink::Standard(origin) => process::write_output(*origin, bytes),
            Sink::File(held, position) => match (held.get(), position.get()) {
                (None, _) => return Err(streams::StreamError::Closed),
                (Some(handle), None) => handle.append(bytes),
                (Some(handle), Some(offset)) => handle.write_at(offset, bytes).inspect(|()| {
                    position.set(Some(offset.saturating_add(bytes.len() as u64)));
                }),
            },
        };
        result.map_err(|errno| {
            self.closed.set(true);
            failed(errno)
        })
    }

    /// Writes NUL bytes a piece at a time.
    fn put_zeroes(&self, length: u64) -> Result<(), streams::StreamError> {
        const ZEROES: [u8; 4096] = [0; 4096];
        let mut left = length;
        while left > 0 {
            let n = left.min(ZEROES.len() as u64);
            self.put(ZEROES.get(..n as usize).unwrap_or_default())?;
            left -= n;
        }
        self.check()
    }

    fn splice_from(
        &self,
        source: &streams::InputStreamBorrow<'_>,
        length: u64,
    ) -> Result<u64, streams::StreamError> {
        self.check()?;
        let bytes = source.get::<InputStream>().take(length.min(WRITE_PERMIT))?;
        self.put(&bytes)?;
        Ok(bytes.len() as u64)
    }
}

impl streams::GuestOutputStream for OutputStream {
    fn check_write(&self) -> Result<u64, streams::StreamError> {
        self.check().map(|()| WRITE_PERMIT)
    }

    fn write(&self, contents: Vec<u8>) -> Result<(), streams::StreamError> {
        self.put(&contents)
    }

    fn blocking_write_and_flush(&self, contents: Vec<u8>) -> Result<(), streams::StreamError> {
        self.put(&contents)
    }

    fn flush(&self) -> Result<(), streams::StreamError> {
        self.check()
    }

    fn blocking_flush(&self) -> Result<(), streams::StreamError> {
        self.check()
    }

    fn subscribe(&self) -> poll::Pollable {
        Pollable::ready()
    }

    fn write_zeroes(&self, len: u64) -> Result<(), streams::StreamError> {
        self.put_zeroes(len)
    }

    fn blocking_write_zeroes_and_flush(&self, len: u64) -> Result<(), streams::StreamError> {
        self.put_zeroes(len)
    }

    fn splice(&self, src: streams::InputStreamBorrow<'_>, len: u64) -> Result<u64, streams::StreamError> {
        self.splice_from(&src, len)
    }

    fn blocking_splice(
        &self,
        src: streams::InputStreamBorrow<'_>,
        len: u64,
    ) -> Result<u64, streams::StreamError> {
        self.splice_from(&src, len)
    }
}

impl streams::Guest for Component {
    type InputStream = InputStream;
    type OutputStream = OutputStream;
}
