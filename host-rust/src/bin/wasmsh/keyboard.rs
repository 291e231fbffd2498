//! The terminal's keys as the standard input of a run: what is typed after the run belongs to the prompt.

use std::io::{self, Read};

#[cfg(unix)]
use self::unix::Gate;

/// Reads the terminal until its [`Hold`] is dropped, and takes no key after that.
pub(crate) struct Keyboard {
    #[cfg(unix)]
    gate: std::sync::Arc<Gate>,
}

/// While this lives the keys are for the run.
pub(crate) struct Hold {
    #[cfg(unix)]
    gate: std::sync::Arc<Gate>,
}

#[cfg(unix)]
mod unix {
    use std::io::{self, PipeReader, PipeWriter};
    use std::os::fd::AsFd as _;
    use std::sync::{Arc, Mutex, PoisonError};

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::{Hold, Keyboard};

    /// What keeps a thread that waits for keys from taking one that is no longer meant for it.
    pub(super) struct Gate {
        /// Is ready when the run is over: its writer is gone.
        ended: PipeReader,
        /// Held while keys are taken; nothing is in it when the run is over.
        writer: Mutex<Option<PipeWriter>>,
    }

    impl Keyboard {
        /// The keys from now on.
        pub(crate) fn new() -> io::Result<(Self, Hold)> {
            let (ended, writer) = io::pipe()?;
            let gate = Arc::new(Gate { ended, writer: Mutex::new(Some(writer)) });
            Ok((Self { gate: Arc::clone(&gate) }, Hold { gate }))
        }
    }

    impl Gate {
        /// Waits for keys, or for the end of the run, where nothing comes any more.
        pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
            let keys = io::stdin();
            loop {
                let mut ready =
                    [keys.as_fd(), self.ended.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
                match poll(&mut ready, PollTimeout::NONE) {
                    Err(Errno::EINTR) => continue,
                    polled => polled?,
                };
                let [typed, ended] = ready.map(|fd| fd.revents().is_some_and(|events| !events.is_empty()));
                let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
                if writer.is_none() || ended {
                    return Ok(0);
                }
                if typed {
                    // A line, since that is what a terminal gives.
                    let read = rustix::io::read(keys.as_fd(), &mut *buffer)?;
                    // What was typed while the prompt was leaving its own mode.
                    for byte in buffer.iter_mut().take(read).filter(|byte| **byte == b'\r') {
                        *byte = b'\n';
                    }
                    return Ok(read);
                }
            }
        }

        pub(super) fn end(&self) {
            drop(self.writer.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

#[cfg(not(unix))]
impl Keyboard {
    /// The keys from now on.
    pub(crate) fn new() -> io::Result<(Self, Hold)> {
        Ok((Self {}, Hold {}))
    }
}

impl Read for Keyboard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        return self.gate.read(buffer);
        #[cfg(not(unix))]
        return io::stdin().read(buffer);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        #[cfg(unix)]
        self.gate.end();
    }
}
