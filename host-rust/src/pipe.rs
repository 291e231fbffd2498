//! Pipes between a run that goes on by itself and whoever has its streams, with a blocking end and, by the traits
//! of tokio, an asynchronous one. Neither needs a runtime.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::mailbox::Mailbox;

/// Bytes that wait in a pipe before its writer does: what a pipe of Linux holds.
const CAPACITY: usize = 64 << 10;

/// One direction. The session's end never waits.
pub(crate) struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
    /// Is woken when the outside has read or written.
    session: Arc<Mailbox>,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    /// Nothing more is written.
    ended: bool,
    /// Nobody reads any more.
    broken: bool,
    outside: Option<Waker>,
}

impl Pipe {
    pub(crate) fn new(session: &Arc<Mailbox>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), session: Arc::clone(session) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A change that the outside waits for.
    fn tell_outside(&self, mut state: MutexGuard<'_, State>) {
        let waker = state.outside.take();
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn tell_session(&self) {
        Arc::clone(&self.session).wake();
    }

    /// Whether the session should write nothing now.
    pub(crate) fn full(&self) -> bool {
        let state = self.lock();
        state.bytes.len() >= CAPACITY && !state.broken
    }

    /// The session writes. Whether anybody reads.
    pub(crate) fn push(&self, bytes: &[u8]) -> bool {
        let mut state = self.lock();
        if state.broken {
            return false;
        }
        state.bytes.extend(bytes);
        self.tell_outside(state);
        true
    }

    /// The session reads, at most so much; empty: nothing is there now.
    pub(crate) fn pull(&self, max: usize) -> Vec<u8> {
        let mut state = self.lock();
        let count = max.min(state.bytes.len());
        let bytes: Vec<u8> = state.bytes.drain(..count).collect();
        if !bytes.is_empty() {
            self.tell_outside(state);
        }
        bytes
    }

    /// Whether nothing is left to be read, and nothing will be.
    pub(crate) fn finished(&self) -> bool {
        let state = self.lock();
        state.ended && state.bytes.is_empty()
    }

    /// The session writes nothing more.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        self.tell_outside(state);
    }

    /// The outside writes, and does not wait for room.
    pub(crate) fn push_from_outside(&self, bytes: &[u8]) {
        self.push(bytes);
        self.tell_session();
    }

    /// The outside writes nothing more.
    pub(crate) fn end_from_outside(&self) {
        self.end();
        self.tell_session();
    }

    /// The session reads no more.
    pub(crate) fn break_off(&self) {
        let mut state = self.lock();
        state.broken = true;
        state.bytes.clear();
        self.tell_outside(state);
    }

    fn take(&self, state: &mut State, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(state.bytes.len());
        for (to, from) in buffer.iter_mut().zip(state.bytes.drain(..count)) {
            *to = from;
        }
        count
    }

    fn put(&self, state: &mut State, buffer: &[u8]) -> usize {
        let room = CAPACITY.saturating_sub(state.bytes.len());
        let piece = buffer.get(..room).unwrap_or(buffer);
        state.bytes.extend(piece);
        piece.len()
    }
}

/// The end that the outside reads.
pub(crate) struct Outlet(pub(crate) Arc<Pipe>);

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.break_off();
        self.0.tell_session();
    }
}

impl Outlet {
    pub(crate) fn read(&self, buffer: &mut [u8]) -> usize {
        let mut state = self.0.lock();
        while state.bytes.is_empty() && !state.ended {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = self.0.take(&mut state, buffer);
        drop(state);
        self.0.tell_session();
        count
    }

    pub(crate) fn poll_read(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.bytes.is_empty() && !state.ended {
            state.outside = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = self.0.take(&mut state, buffer.initialize_unfilled());
        drop(state);
        buffer.advance(count);
        self.0.tell_session();
        Poll::Ready(())
    }
}

/// The end that the outside writes.
pub(crate) struct Inlet(pub(crate) Arc<Pipe>);

impl Drop for Inlet {
    fn drop(&mut self) {
        self.close();
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the run is over")
}

impl Inlet {
    pub(crate) fn close(&self) {
        self.0.lock().ended = true;
        self.0.tell_session();
    }

    pub(crate) fn write(&self, buffer: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        while state.bytes.len() >= CAPACITY && !state.broken {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.broken || state.ended {
            return Err(broken());
        }
        let count = self.0.put(&mut state, buffer);
        drop(state);
        self.0.tell_session();
        Ok(count)
    }

    pub(crate) fn poll_write(&self, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock();
        if state.broken || state.ended {
            return Poll::Ready(Err(broken()));
        }
        if state.bytes.len() >= CAPACITY {
            state.outside = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = self.0.put(&mut state, buffer);
        drop(state);
        self.0.tell_session();
        Poll::Ready(Ok(count))
    }
}

macro_rules! readers {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        $(
            $(#[doc = $doc])*
            ///
            /// It can be read in a blocking way ([`Read`]) and asynchronously ([`AsyncRead`]). The run waits while 64
            /// KiB are not read; when this is dropped it ends as by a PIPE signal at its next write.
            pub struct $name(pub(crate) Outlet);

            impl Read for $name {
                fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                    Ok(if buffer.is_empty() { 0 } else { self.0.read(buffer) })
                }
            }

            impl AsyncRead for $name {
                fn poll_read(
                    self: Pin<&mut Self>,
                    context: &mut Context<'_>,
                    buffer: &mut ReadBuf<'_>,
                ) -> Poll<io::Result<()>> {
                    self.0.poll_read(context, buffer).map(Ok)
                }
            }
        )*
    };
}

readers! {
    /// What a run writes to its standard output.
    ChildStdout;
    /// What a run writes to its standard error.
    ChildStderr;
}

/// What a run reads as its standard input, which ends when this is dropped.
///
/// It can be written in a blocking way ([`Write`]) and asynchronously ([`AsyncWrite`]); a writer waits while the run
/// has left 64 KiB unread.
///
/// ```
/// use std::io::Write;
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// let mut child = session.run("wc -c").spawn()?;
/// let mut stdin = child.stdin.take().ok_or("no stdin")?;
/// stdin.write_all(b"four")?;
/// drop(stdin);
/// assert_eq!(child.wait_with_output()?.stdout, b"4\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ChildStdin(pub(crate) Inlet);

impl Write for ChildStdin {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if buffer.is_empty() { Ok(0) } else { self.0.write(buffer) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for ChildStdin {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, buffer)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.close();
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_waits_for_room_and_the_reader_for_bytes() {
        let session = Arc::new(Mailbox::default());
        let pipe = Pipe::new(&session);
        let inlet = Inlet(Arc::clone(&pipe));
        let mut context = Context::from_waker(Waker::noop());
        let large = vec![1; CAPACITY + 1];
        assert!(matches!(inlet.poll_write(&mut context, &large), Poll::Ready(Ok(CAPACITY))));
        assert!(inlet.poll_write(&mut context, b"x").is_pending());
        assert_eq!(pipe.pull(10).len(), 10);
        assert!(matches!(inlet.poll_write(&mut context, &large), Poll::Ready(Ok(10))));
        drop(inlet);
        assert!(!pipe.finished());
        assert_eq!(pipe.pull(usize::MAX).len(), CAPACITY);
        assert!(pipe.finished());
    }

    #[test]
    fn a_dropped_reader_is_told_to_the_session() {
        let session = Arc::new(Mailbox::default());
        let pipe = Pipe::new(&session);
        let outlet = Outlet(Arc::clone(&pipe));
        assert!(pipe.push(&[0; CAPACITY]) && pipe.full());
        drop(outlet);
        assert!(!pipe.push(b"x") && !pipe.full() && !session.is_empty());
    }
}
