//! Who runs next, and who waits for what.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

use crate::process::{Pid, Process};

/// The processes that can go on, in the order in which they became able to.
#[derive(Default)]
pub(crate) struct RunQueue(RefCell<VecDeque<Rc<Process>>>);

impl RunQueue {
    /// Puts a process at the end, unless it is there already.
    pub(crate) fn push(&self, process: &Rc<Process>) {
        if !process.queued.replace(true) {
            self.0.borrow_mut().push_back(process.clone());
        }
    }

    pub(crate) fn pop(&self) -> Option<Rc<Process>> {
        let process = self.0.borrow_mut().pop_front()?;
        process.queued.set(false);
        Some(process)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut *self.0.borrow_mut());
        for process in &all {
            process.queued.set(false);
        }
    }
}

/// The processes that wait for one event.
#[derive(Default)]
pub(crate) struct WaitQueue(RefCell<Vec<Rc<Process>>>);

impl WaitQueue {
    /// Notes that the process waits. It is woken once, perhaps for nothing.
    pub(crate) fn register(&self, process: &Rc<Process>) {
        let mut waiting = self.0.borrow_mut();
        if !waiting.iter().any(|other| Rc::ptr_eq(other, process)) {
            waiting.push(process.clone());
        }
    }

    pub(crate) fn wake_all(&self, queue: &RunQueue) {
        for process in self.0.borrow_mut().drain(..) {
            process.wake(queue);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

/// Wakeups by `std::task::Waker`, which may come from any thread by its contract.
/// What the kernel wakes itself does not go this way.
#[derive(Default)]
pub(crate) struct ForeignWakeups(Mutex<Vec<Pid>>);

impl ForeignWakeups {
    pub(crate) fn take(&self) -> Vec<Pid> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, pid: Pid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
    }
}

pub(crate) struct ProcessWaker {
    pub(crate) pid: Pid,
    pub(crate) wakeups: Arc<ForeignWakeups>,
}

impl Wake for ProcessWaker {
    fn wake(self: Arc<Self>) {
        self.wakeups.push(self.pid);
    }
}
