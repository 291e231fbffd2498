//! Resource limits of a process (`getrlimit(2)`): what it has set for itself and its children, within the ceilings of
//! the session. Those of descriptors and processes are enforced; the others are kept, since nothing counts them.

use wasmsh_vfs::Errno;

use crate::context::Ctx;
use crate::kernel::Ceiling;

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Size of a core file.
    Core,
    /// Size of the data segment.
    Data,
    /// Scheduling priority.
    Priority,
    /// Size of a file.
    FileSize,
    /// Signals that wait.
    Signals,
    /// Memory that is locked.
    Locked,
    /// Memory that is resident.
    Resident,
    /// Descriptors.
    Descriptors,
    /// Bytes in message queues.
    Queues,
    /// Real-time priority.
    RealTime,
    /// Size of the stack.
    Stack,
    /// Time of the processor.
    Cpu,
    /// Processes of the session.
    Processes,
    /// Virtual memory.
    Memory,
    /// Locks of files.
    Locks,
    /// Time that a real-time process may go on.
    RealTimeSlice,
}

/// A limit; `None`: there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What holds.
    pub soft: Option<u64>,
    /// What `soft` may be set to.
    pub hard: Option<u64>,
}

/// The limits that a process and its ancestors have set.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    set: Vec<(Resource, Limit)>,
    /// Descriptors that may be open.
    pub descriptors: u32,
    /// Processes that there may be.
    pub processes: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { set: Vec::new(), descriptors: u32::MAX, processes: u32::MAX }
    }
}

/// Whether `limit` is more than `other`.
fn exceeds(limit: Option<u64>, other: Option<u64>) -> bool {
    match (limit, other) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(limit), Some(other)) => limit > other,
    }
}

impl Ctx {
    /// A limit of the process.
    pub fn limit(&self, resource: Resource) -> Limit {
        let limits = self.process().limits.borrow();
        if let Some((_, limit)) = limits.set.iter().find(|(other, _)| *other == resource) {
            return *limit;
        }
        let ceilings = self.kernel().ceilings();
        let same = |number: Option<u64>| Limit { soft: number, hard: number };
        match resource {
            Resource::Core => Limit { soft: Some(0), hard: None },
            Resource::Priority | Resource::RealTime => same(Some(0)),
            Resource::Descriptors => same(Some(u64::from(ceilings.descriptors))),
            Resource::Processes | Resource::Signals => same(Some(u64::from(ceilings.processes))),
            _ => same(None),
        }
    }

    /// Sets a limit of the process, which children inherit.
    ///
    /// # Errors
    /// `Invalid`: the soft limit is above the hard one; `NotPermitted`: the hard one would be raised.
    pub fn set_limit(&self, resource: Resource, limit: Limit) -> Result<(), Errno> {
        if exceeds(limit.soft, limit.hard) {
            return Err(Errno::Invalid);
        }
        if exceeds(limit.hard, self.limit(resource).hard) {
            return Err(Errno::NotPermitted);
        }
        let mut limits = self.process().limits.borrow_mut();
        let limits = std::rc::Rc::make_mut(&mut limits);
        limits.set.retain(|(other, _)| *other != resource);
        limits.set.push((resource, limit));
        let number = limit.soft.and_then(|number| u32::try_from(number).ok()).unwrap_or(u32::MAX);
        match resource {
            Resource::Descriptors => limits.descriptors = number,
            Resource::Processes => limits.processes = number,
            _ => {}
        }
        Ok(())
    }

    /// How many more processes this one may start.
    pub fn processes_left(&self) -> u32 {
        let ceiling = self.kernel().ceilings().processes;
        let unused = ceiling.saturating_sub(self.process().limits.borrow().processes);
        self.kernel().processes_left().saturating_sub(unused)
    }

    /// Whether a descriptor may have this number. That the session's ceiling forbids it is told.
    pub(crate) fn may_open(&self, number: u32) -> bool {
        let within = number < self.kernel().ceilings().descriptors;
        if !within {
            self.kernel().meet(Ceiling::Descriptors);
        }
        within && number < self.process().limits.borrow().descriptors
    }
}
