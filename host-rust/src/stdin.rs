//! The standard input of a run: nothing, bytes, or a reader that is asked only when the script asks.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Wake;

use crate::mailbox::Mailbox;
use crate::pipe::Pipe;

/// How much is read from a reader, and given to the shell, at once: what a pipe of the shell holds.
pub(crate) const PIECE: usize = 64 << 10;

/// Where the standard input of a run comes from.
#[derive(Default)]
pub(crate) enum Source {
    #[default]
    Empty,
    Bytes(Vec<u8>),
    Reader(Box<dyn Read + Send>),
    Pipe(Arc<Pipe>),
}

/// Standard input while the run is under way.
#[derive(Default)]
pub(crate) struct Stdin {
    /// What can be given now, in pieces; the first from this offset on.
    pieces: VecDeque<Vec<u8>>,
    offset: usize,
    /// Nothing comes after `pieces`.
    ended: bool,
    /// The shell was told so.
    closed: bool,
    reader: Option<Reader>,
}

/// The session's end of a pipe: its writer is told when nobody reads any more.
struct PipeEnd(Arc<Pipe>);

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.0.break_off();
    }
}

enum Reader {
    Pipe(PipeEnd),
    Idle(Box<dyn Read + Send>),
    /// A thread that reads once for each token, what it has read (an empty piece is the end), and whether it has a
    /// token now.
    Thread {
        tokens: Sender<()>,
        pieces: Receiver<Vec<u8>>,
        reading: bool,
    },
}

impl Stdin {
    pub(crate) fn new(source: Source) -> Self {
        match source {
            // The shell knows that there is none.
            Source::Empty => Self { ended: true, closed: true, ..Self::default() },
            Source::Bytes(bytes) => Self { pieces: [bytes].into(), ended: true, ..Self::default() },
            Source::Pipe(pipe) => Self { reader: Some(Reader::Pipe(PipeEnd(pipe))), ..Self::default() },
            Source::Reader(reader) => Self { reader: Some(Reader::Idle(reader)), ..Self::default() },
        }
    }

    /// Takes in what the reader's thread has read, or what is in the pipe.
    pub(crate) fn receive(&mut self) {
        if let Some(Reader::Pipe(pipe)) = &self.reader {
            if self.pieces.is_empty() {
                let piece = pipe.0.pull(PIECE);
                if !piece.is_empty() {
                    self.pieces.push_back(piece);
                } else if pipe.0.finished() {
                    self.ended = true;
                    self.reader = None;
                }
            }
            return;
        }
        let Some(Reader::Thread { pieces, reading, .. }) = &mut self.reader else { return };
        let Ok(piece) = pieces.try_recv() else { return };
        *reading = false;
        if piece.is_empty() {
            self.ended = true;
            self.reader = None;
        } else {
            self.pieces.push_back(piece);
        }
    }

    /// What can be given to the shell now, at most [`PIECE`] bytes.
    pub(crate) fn peek(&self) -> &[u8] {
        let rest = self.pieces.front().and_then(|piece| piece.get(self.offset..)).unwrap_or_default();
        rest.get(..PIECE).unwrap_or(rest)
    }

    /// So many bytes of [`Stdin::peek`] were taken.
    pub(crate) fn advance(&mut self, taken: usize) {
        self.offset += taken;
        if self.pieces.front().is_some_and(|piece| self.offset >= piece.len()) {
            self.pieces.pop_front();
            self.offset = 0;
        }
    }

    /// Whether the end must be told to the shell now; true only once.
    pub(crate) fn take_end(&mut self) -> bool {
        // An empty `Bytes` leaves an empty piece.
        if self.peek().is_empty() {
            self.pieces.clear();
        }
        let end = self.ended && self.pieces.is_empty() && !self.closed;
        self.closed |= end;
        end
    }

    /// Asks the reader for more, if nothing is left and it was not asked yet. Its thread is started by the first
    /// call; where none can be had, there is no input.
    pub(crate) fn want(&mut self, mailbox: &Arc<Mailbox>) {
        if !self.pieces.is_empty() || self.ended {
            return;
        }
        if let Some(Reader::Pipe(_)) = &self.reader {
            // Its writer wakes the session.
            self.receive();
            return;
        }
        if let Some(Reader::Idle(_)) = &self.reader
            && let Some(Reader::Idle(reader)) = self.reader.take()
        {
            self.reader = Some(start(reader, Arc::clone(mailbox)));
        }
        if let Some(Reader::Thread { tokens, reading, .. }) = &mut self.reader
            && !*reading
        {
            *reading = tokens.send(()).is_ok();
            // The thread ends only after it has sent the end, unless it could not be started.
            self.ended = !*reading;
        }
    }
}

fn start(mut reader: Box<dyn Read + Send>, mailbox: Arc<Mailbox>) -> Reader {
    let (tokens, asked) = channel::<()>();
    let (read_piece, pieces) = channel();
    let thread = std::thread::Builder::new().name("wasmsh-stdin".into()).stack_size(128 << 10);
    let started = thread.spawn(move || {
        let mut buffer = vec![0; PIECE];
        while asked.recv().is_ok() {
            let read = loop {
                match reader.read(&mut buffer) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        tracing::warn!(%error, "standard input cannot be read");
                        break 0;
                    }
                    Ok(read) => break read,
                }
            };
            // Nobody receives it when the run is over.
            let received = read_piece.send(buffer.get(..read).unwrap_or_default().to_vec());
            Arc::clone(&mailbox).wake();
            if read == 0 || received.is_err() {
                return;
            }
        }
    });
    if let Err(error) = started {
        tracing::warn!(%error, "no thread for standard input");
    }
    Reader::Thread { tokens, pieces, reading: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_given_piece_by_piece_and_then_the_end() {
        let mut stdin = Stdin::new(Source::Bytes(vec![7; PIECE + 1]));
        assert_eq!(stdin.peek().len(), PIECE);
        stdin.advance(PIECE - 1);
        assert!(!stdin.take_end());
        assert_eq!(stdin.peek().len(), 2);
        stdin.advance(2);
        assert!(stdin.take_end());
        assert!(!stdin.take_end());
    }

    #[test]
    fn no_bytes_are_an_end() {
        assert!(Stdin::new(Source::Bytes(Vec::new())).take_end());
        assert!(!Stdin::new(Source::Empty).take_end());
    }

    #[test]
    fn a_reader_is_not_read_ahead() {
        struct Counting(Arc<std::sync::atomic::AtomicUsize>);
        impl Read for Counting {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let n = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                buffer[0] = b'x';
                Ok(usize::from(n < 2))
            }
        }
        let count = Arc::default();
        let mailbox = Arc::new(Mailbox::default());
        let mut stdin = Stdin::new(Source::Reader(Box::new(Counting(Arc::clone(&count)))));
        for round in 1..=3 {
            stdin.want(&mailbox);
            stdin.want(&mailbox);
            mailbox.wait(None);
            assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), round);
            mailbox.take();
            stdin.receive();
            let length = stdin.peek().len();
            assert_eq!(length, usize::from(round < 3));
            stdin.advance(length);
        }
        assert!(stdin.take_end());
    }
}
