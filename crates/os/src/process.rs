//! A process: identity, environment, descriptors, signals, state.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Waker;

use bstr::{BStr, BString, ByteSlice};

use crate::descriptor::DescriptorTable;
use crate::queue::{RunQueue, WaitQueue};
use crate::signal::{Disposition, Signal, SignalSet};

/// A process number. Never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid(NonZeroU32);

impl Pid {
    /// The process that every orphan gets as its parent.
    pub const INIT: Pid = Pid(NonZeroU32::MIN);

    /// The process number `number`, if it can be one.
    pub fn new(number: u32) -> Option<Pid> {
        NonZeroU32::new(number).map(Pid)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl std::fmt::Display for Pid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned this status.
    Code(u8),
    /// A signal ended it.
    Signalled(Signal),
}

impl Exit {
    /// `$?` (bash manual 3.7.5): the code, or 128 + the signal's number.
    pub const fn status(self) -> u8 {
        match self {
            Exit::Code(code) => code,
            Exit::Signalled(signal) => 128 + signal.number(),
        }
    }
}

/// The status that a utility returns: 0 is success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExitCode(pub u8);

impl ExitCode {
    /// 0.
    pub const SUCCESS: ExitCode = ExitCode(0);
    /// 1.
    pub const FAILURE: ExitCode = ExitCode(1);
}

impl From<ExitCode> for Exit {
    fn from(code: ExitCode) -> Exit {
        Exit::Code(code.0)
    }
}

impl From<bool> for ExitCode {
    /// `true` is success.
    fn from(fine: bool) -> ExitCode {
        if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The code of a process.
pub type ProcessFuture = Pin<Box<dyn Future<Output = Exit>>>;

/// The variables that a process gets, in the order of `environ`. Copied when written to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(Rc<Vec<(BString, BString)>>);

impl Environment {
    /// An environment of these variables. Of two with one name the first counts.
    pub fn new(variables: Vec<(BString, BString)>) -> Environment {
        Environment(Rc::new(variables))
    }

    /// The value of a variable.
    pub fn get(&self, name: &[u8]) -> Option<&BStr> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_bstr())
    }

    /// Sets a variable, in its place if it is there, otherwise at the end.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        let variables = Rc::make_mut(&mut self.0);
        match variables.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value.into(),
            None => variables.push((name.into(), value.into())),
        }
    }

    /// Takes a variable out.
    pub fn remove(&mut self, name: &[u8]) {
        if self.get(name).is_some() {
            Rc::make_mut(&mut self.0).retain(|(other, _)| other != name);
        }
    }

    /// All variables, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&BStr, &BStr)> {
        self.0.iter().map(|(name, value)| (name.as_bstr(), value.as_bstr()))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs, or waits for something.
    Alive,
    /// A signal stopped it.
    Stopped(Signal),
    /// It has ended, and its parent has not asked yet how.
    Zombie(Exit),
    /// It is gone.
    Gone(Exit),
}

/// A change of state that the parent has not been told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    None,
    Stopped(Signal),
    Continued,
}

/// An entry of the process table. `Ctx` is how code uses it.
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) parent: Cell<Pid>,
    pub(crate) group: Cell<Pid>,
    pub(crate) cwd: RefCell<Rc<str>>,
    pub(crate) arguments: RefCell<Rc<Vec<BString>>>,
    pub(crate) environment: RefCell<Environment>,
    pub(crate) umask: Cell<u32>,
    /// Shared with the parent until one of them sets a limit.
    pub(crate) limits: RefCell<Rc<crate::limits::Limits>>,
    pub(crate) niceness: Cell<i32>,
    pub(crate) descriptors: RefCell<Rc<DescriptorTable>>,
    pub(crate) ignored: Cell<SignalSet>,
    pub(crate) caught: Cell<SignalSet>,
    pub(crate) pending: Cell<SignalSet>,
    pub(crate) state: Cell<State>,
    pub(crate) news: Cell<News>,
    /// In the order of death, so that a wait for any child takes the first.
    pub(crate) ended: Cell<u64>,
    pub(crate) children: RefCell<Vec<Rc<Process>>>,
    /// Woken when a child changes its state.
    pub(crate) child_waiters: WaitQueue,
    pub(crate) future: RefCell<Option<ProcessFuture>>,
    /// What takes the place of the future after the present poll (exec).
    pub(crate) replacement: RefCell<Option<ProcessFuture>>,
    pub(crate) waker: Waker,
    /// On the run queue.
    pub(crate) queued: Cell<bool>,
    /// A wakeup came while it was stopped.
    pub(crate) woken_while_stopped: Cell<bool>,
    /// A signal ended it in the middle of its own poll.
    pub(crate) killed: Cell<Option<Signal>>,
    pub(crate) started: u64,
    pub(crate) steps: Cell<u64>,
}

impl Process {
    pub(crate) fn wake(self: &Rc<Self>, queue: &RunQueue) {
        match self.state.get() {
            State::Alive => queue.push(self),
            State::Stopped(_) => self.woken_while_stopped.set(true),
            State::Zombie(_) | State::Gone(_) => {}
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.state.get(), State::Alive | State::Stopped(_))
    }

    pub(crate) fn disposition(&self, signal: Signal) -> Disposition {
        if self.ignored.get().contains(signal) {
            Disposition::Ignore
        } else if self.caught.get().contains(signal) {
            Disposition::Deliver
        } else {
            Disposition::Default
        }
    }

    pub(crate) fn set_disposition(&self, signal: Signal, disposition: Disposition) {
        if matches!(signal, Signal::Kill | Signal::Stop) {
            return;
        }
        self.ignored.set(self.ignored.get().without(signal));
        self.caught.set(self.caught.get().without(signal));
        match disposition {
            Disposition::Default => {}
            Disposition::Ignore => {
                self.ignored.set(self.ignored.get().with(signal));
                self.pending.set(self.pending.get().without(signal));
            }
            Disposition::Deliver => self.caught.set(self.caught.get().with(signal)),
        }
    }
}

/// The process table. A slot is the number modulo the capacity, so a look-up is one comparison.
pub(crate) struct ProcessTable {
    slots: Vec<Option<Rc<Process>>>,
    next: u32,
    used: usize,
}

impl ProcessTable {
    /// Linux's largest process number.
    const LARGEST: u32 = 4_194_303;

    pub(crate) fn new() -> ProcessTable {
        ProcessTable { slots: vec![None; 64], next: 1, used: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.used
    }

    pub(crate) fn get(&self, pid: Pid) -> Option<&Rc<Process>> {
        let slot = pid.get() as usize & (self.slots.len() - 1);
        self.slots.get(slot)?.as_ref().filter(|process| process.pid == pid)
    }

    /// A number that is free, and stays so until the next call.
    pub(crate) fn free_pid(&mut self) -> Pid {
        // Half empty at least, so that a free slot is near.
        if self.used * 2 >= self.slots.len() {
            let capacity = self.slots.len() * 2;
            let mut slots = vec![None; capacity];
            for process in self.slots.drain(..).flatten() {
                let slot = process.pid.get() as usize & (capacity - 1);
                if let Some(place) = slots.get_mut(slot) {
                    *place = Some(process);
                }
            }
            self.slots = slots;
        }
        loop {
            let number = self.next;
            self.next = if number >= Self::LARGEST { 2 } else { number + 1 };
            let slot = number as usize & (self.slots.len() - 1);
            if let (Some(pid), Some(None)) = (Pid::new(number), self.slots.get(slot)) {
                return pid;
            }
        }
    }

    pub(crate) fn insert(&mut self, process: Rc<Process>) {
        let slot = process.pid.get() as usize & (self.slots.len() - 1);
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(process);
            self.used += 1;
        }
    }

    pub(crate) fn remove(&mut self, pid: Pid) -> Option<Rc<Process>> {
        let slot = pid.get() as usize & (self.slots.len() - 1);
        let place = self.slots.get_mut(slot)?;
        if place.as_ref()?.pid != pid {
            return None;
        }
        self.used -= 1;
        place.take()
    }

    /// All processes, by number.
    pub(crate) fn all(&self) -> Vec<Rc<Process>> {
        let mut all: Vec<_> = self.slots.iter().flatten().cloned().collect();
        all.sort_by_key(|process| process.pid);
        all
    }
}
