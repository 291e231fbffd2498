//! Waiting for children (`waitpid(2)`).

use std::rc::Rc;
use std::task::Poll;

use wasmsh_vfs::Errno;

use crate::context::Ctx;
use crate::process::{Exit, News, Pid, State};
use crate::signal::Signal;

/// Which children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// Any; of several that have ended the first one.
    Any,
    /// This one.
    Process(Pid),
    /// Any of this process group.
    Group(Pid),
}

/// What became of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildState {
    /// It has ended; its number is free now.
    Ended(Exit),
    /// A signal stopped it.
    Stopped(Signal),
    /// It goes on after a stop.
    Continued,
}

impl Ctx {
    /// A child whose state has changed. Stops are told when `stops` is set (`WUNTRACED | WCONTINUED`).
    ///
    /// # Errors
    /// `NoChild`: there is no such child; `Again`: none has changed yet.
    pub fn try_wait(&self, which: Child, stops: bool) -> Result<(Pid, ChildState), Errno> {
        let mut children = self.process().children.borrow_mut();
        let mut any = false;
        let mut ended: Option<(u64, usize, Exit)> = None;
        for (index, child) in children.iter().enumerate() {
            let wanted = match which {
                Child::Any => true,
                Child::Process(pid) => child.pid == pid,
                Child::Group(group) => child.group.get() == group,
            };
            if !wanted {
                continue;
            }
            any = true;
            if let State::Zombie(exit) = child.state.get() {
                let order = child.ended.get();
                if ended.is_none_or(|(first, ..)| order < first) {
                    ended = Some((order, index, exit));
                }
            } else if stops {
                match child.news.replace(News::None) {
                    News::None => {}
                    News::Stopped(signal) => return Ok((child.pid, ChildState::Stopped(signal))),
                    News::Continued => return Ok((child.pid, ChildState::Continued)),
                }
            }
        }
        if let Some((_, index, exit)) = ended {
            let child = children.remove(index);
            drop(children);
            self.kernel().reap(&child);
            return Ok((child.pid, ChildState::Ended(exit)));
        }
        Err(if any { Errno::Again } else { Errno::NoChild })
    }

    /// As [`try_wait`](Ctx::try_wait); the process is woken when it is worth asking again.
    pub fn poll_wait(&self, which: Child, stops: bool) -> Poll<Result<(Pid, ChildState), Errno>> {
        if self.is_killed() {
            return Poll::Pending;
        }
        match self.try_wait(which, stops) {
            Err(Errno::Again) => {
                self.process().child_waiters.register(self.process());
                Poll::Pending
            }
            other => Poll::Ready(other),
        }
    }

    /// Waits until a child has ended.
    ///
    /// # Errors
    /// `NoChild`: there is no such child.
    pub async fn wait(&self, which: Child) -> Result<(Pid, Exit), Errno> {
        std::future::poll_fn(|_| {
            self.poll_wait(which, false).map_ok(|(pid, state)| match state {
                ChildState::Ended(exit) => (pid, exit),
                // Not told of without `stops`.
                ChildState::Stopped(signal) => (pid, Exit::Signalled(signal)),
                ChildState::Continued => (pid, Exit::Code(0)),
            })
        })
        .await
    }

    /// The children that are not waited for, in the order of their start.
    pub fn children(&self) -> Vec<Pid> {
        self.process().children.borrow().iter().map(|child| Rc::as_ref(child).pid).collect()
    }
}
