//! Whether a descriptor can be read or written without waiting (`poll(2)`).

use std::rc::Rc;
use std::task::Poll;

use crate::context::Ctx;
use crate::descriptor::Description;

bitflags::bitflags! {
    /// What a descriptor is ready for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Readiness: u8 {
        /// A read does not wait (`POLLIN`).
        const READ = 1;
        /// A write does not wait (`POLLOUT`).
        const WRITE = 2;
        /// The other end is closed (`POLLHUP`).
        const HANG_UP = 4;
        /// No such descriptor (`POLLNVAL`).
        const INVALID = 8;
    }
}

/// What is asked of a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// The descriptor.
    pub descriptor: u32,
    /// Whether it can be read.
    pub read: bool,
    /// Whether it can be written.
    pub write: bool,
}

impl Ctx {
    fn readiness_of(&self, what: &Description) -> Readiness {
        let mut ready = Readiness::empty();
        match what {
            Description::File(_) => ready |= Readiness::READ | Readiness::WRITE,
            Description::PipeReader(reader) => {
                let pipe = reader.pipe();
                ready.set(Readiness::READ, !pipe.is_empty());
                ready.set(Readiness::HANG_UP, !pipe.has_writers());
            }
            Description::PipeWriter(writer) => {
                let pipe = writer.pipe();
                ready.set(Readiness::WRITE, pipe.can_write());
                ready.set(Readiness::HANG_UP, !pipe.has_readers());
            }
            Description::Fifo(reader, _) => {
                ready.set(Readiness::READ, !reader.pipe().is_empty());
                ready.set(Readiness::WRITE, reader.pipe().can_write());
            }
            Description::HostInput => ready.set(Readiness::READ, self.kernel().input.can_read()),
            Description::HostOutput(_) => {
                let high_water = self.kernel().ceilings().output_bytes;
                ready.set(Readiness::WRITE, self.kernel().output.has_room(high_water));
            }
        }
        ready
    }

    /// What a descriptor is ready for now, of what is asked. A hang-up and an invalid descriptor are always told.
    pub fn readiness(&self, interest: Interest) -> Readiness {
        let Ok(description) = self.description(interest.descriptor) else { return Readiness::INVALID };
        let mut ready = self.readiness_of(&description);
        if !interest.read {
            ready.remove(Readiness::READ);
        }
        if !interest.write {
            ready.remove(Readiness::WRITE);
        }
        ready
    }

    fn wait_ready(&self, what: &Rc<Description>, read: bool, write: bool) {
        match &**what {
            Description::File(_) => {}
            Description::PipeReader(reader) => reader.pipe().wait_readable(self.process()),
            Description::PipeWriter(writer) => writer.pipe().wait_writable(self.process()),
            Description::Fifo(reader, writer) => {
                if read {
                    reader.pipe().wait_readable(self.process());
                }
                if write {
                    writer.pipe().wait_writable(self.process());
                }
            }
            Description::HostInput => self.kernel().input.wait(self.process()),
            Description::HostOutput(_) => self.kernel().output.wait(self.process()),
        }
    }

    /// One answer for each entry as soon as one of them is ready; else the process is woken
    /// when it is worth asking again.
    pub fn poll_ready(&self, entries: &[Interest]) -> Poll<Vec<Readiness>> {
        if self.is_killed() {
            return Poll::Pending;
        }
        let ready: Vec<Readiness> = entries.iter().map(|entry| self.readiness(*entry)).collect();
        if ready.iter().any(|one| !one.is_empty()) {
            return Poll::Ready(ready);
        }
        for entry in entries {
            if let Ok(description) = self.description(entry.descriptor) {
                self.wait_ready(&description, entry.read, entry.write);
            }
        }
        Poll::Pending
    }

    /// Waits until a descriptor is ready, or `timeout` nanoseconds have passed (`None`: for ever).
    pub async fn poll(&self, entries: &[Interest], timeout: Option<u64>) -> Vec<Readiness> {
        let mut sleep = timeout.map(|nanoseconds| self.sleep(nanoseconds));
        std::future::poll_fn(|_| {
            if let Poll::Ready(ready) = self.poll_ready(entries) {
                return Poll::Ready(ready);
            }
            match sleep.as_mut().map(crate::context::Sleep::poll_elapsed) {
                Some(Poll::Ready(())) => Poll::Ready(vec![Readiness::empty(); entries.len()]),
                _ => Poll::Pending,
            }
        })
        .await
    }
}
