//! The kernel: the process table, the scheduler, timers, and what the host sees of it all.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bstr::BString;
use wasmsh_vfs::{Errno, FileSystem};

use crate::clock::{Clock, Entropy};
use crate::context::Ctx;
use crate::descriptor::{Description, DescriptorTable};
use crate::host::{Chunk, HostInput, HostOutput, OutputStream, TerminalSize};
use crate::pipe::Pipe;
use crate::process::{Environment, Exit, News, Pid, Process, ProcessFuture, ProcessTable, State};
use crate::queue::{ForeignWakeups, ProcessWaker, RunQueue, WaitQueue};
use crate::request::{Answer, Reception, Request, RequestId, Requests};
use crate::signal::{Disposition, Signal, SignalSet};

/// Steps after which the next process has its turn. Long enough that a change of process costs
/// nothing, short enough that the stages of a pipeline go hand in hand.
pub const SLICE: u32 = 4096;

/// What a session may hold at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceilings {
    /// Processes, zombies included. Beyond: `Again`.
    pub processes: u32,
    /// Nested calls of the shell's functions.
    pub call_depth: u32,
    /// Descriptors of one process. Beyond: `TooManyOpenFiles`.
    pub descriptors: u32,
    /// Bytes that one expansion, one variable, one line or one spool may grow to.
    pub expansion_bytes: u64,
    /// Bytes that the variables of all shell processes may take together.
    pub variable_bytes: u64,
    /// Bytes of output that may wait for the host before writers wait.
    pub output_bytes: usize,
    /// Bytes of standard input that are taken from the host before somebody reads them.
    pub input_bytes: usize,
}

impl Default for Ceilings {
    fn default() -> Ceilings {
        Ceilings {
            processes: 1024,
            call_depth: 10_000,
            descriptors: 1024,
            expansion_bytes: 256 * 1024 * 1024,
            // A quarter of what a 32-bit memory holds: an array that grows is there twice for a moment.
            variable_bytes: 1024 * 1024 * 1024,
            output_bytes: 256 * 1024,
            input_bytes: 256 * 1024,
        }
    }
}

/// A ceiling of [`Ceilings`] that a script can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Ceiling {
    /// [`Ceilings::processes`].
    Processes = 1,
    /// [`Ceilings::call_depth`].
    CallDepth = 2,
    /// [`Ceilings::descriptors`].
    Descriptors = 4,
    /// [`Ceilings::expansion_bytes`].
    ExpansionBytes = 8,
}

/// Finds the code of a program.
pub trait Loader {
    /// The code for the file at `path` (absolute), which `ctx` is to run from now on; its
    /// arguments are set already and may be changed (`#!`).
    ///
    /// # Errors
    /// `NotExecutable`: it is no program, though it may be a script without `#!`.
    fn load(&self, ctx: &Ctx, path: &str) -> Result<ProcessFuture, Errno>;
}

/// What a run of the kernel ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelState {
    /// The fuel is used up; more can be done at once.
    Running,
    /// The condition of `run_until` holds.
    Done,
    /// Nothing goes on before something comes from outside.
    Idle {
        /// Nanoseconds until the first timer.
        timer: Option<u64>,
    },
}

/// A new process that executes a program (`posix_spawn(3)`).
#[derive(Debug, Clone, Default)]
pub struct Spawn {
    /// The file; without a slash it is looked up in the child's PATH.
    pub program: BString,
    /// `argv`, the name included.
    pub arguments: Vec<BString>,
    /// `None`: that of the parent.
    pub environment: Option<Environment>,
    /// `None`: that of the parent. Absolute.
    pub cwd: Option<Rc<str>>,
    /// Whether the child has the parent's descriptors (those without close-on-exec).
    pub inherit: bool,
    /// What differs from that; `None`: closed.
    pub descriptors: Vec<(u32, Option<Rc<Description>>)>,
    /// Which process group.
    pub group: Group,
    /// Ignored in the child, beside what the parent ignores.
    pub ignore: SignalSet,
    /// Not ignored in the child, though the parent does.
    pub restore: SignalSet,
}

/// The process group of a new process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Group {
    /// That of the parent.
    #[default]
    Inherit,
    /// A new one that it leads.
    New,
    /// This one.
    Join(Pid),
}

/// Whom a signal is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One process.
    Process(Pid),
    /// A process group.
    Group(Pid),
    /// Every process but init and the sender.
    All,
}

/// A line of `ps`.
#[derive(Debug, Clone)]
pub struct ProcessInfo {
    /// Its number.
    pub pid: Pid,
    /// Its parent's.
    pub parent: Pid,
    /// Its group's.
    pub group: Pid,
    /// What it is doing.
    pub state: State,
    /// `argv`.
    pub arguments: Rc<Vec<BString>>,
    /// When it began, by the monotonic clock.
    pub started: u64,
    /// Steps it has executed.
    pub steps: u64,
    /// Whether it could go on at once.
    pub runnable: bool,
}

/// A timer that has not fired.
pub(crate) type TimerId = (u64, u64);

/// The operating system of one session.
///
/// Single-threaded and deterministic: the order of everything follows from the order of events.
/// No interior borrow is held over a poll, or over a call of the filesystem, a clock or the loader.
pub struct Kernel {
    fs: Rc<dyn FileSystem>,
    clock: Rc<dyn Clock>,
    entropy: Rc<dyn Entropy>,
    ceilings: Cell<Ceilings>,
    /// Bits of [`Ceiling`].
    met: Cell<u8>,
    loader: RefCell<Option<Rc<dyn Loader>>>,
    pub(crate) queue: Rc<RunQueue>,
    pub(crate) table: RefCell<ProcessTable>,
    init: Rc<Process>,
    timers: RefCell<BTreeMap<TimerId, Rc<Process>>>,
    sequence: Cell<u64>,
    /// Steps left in the present slice.
    slice: Cell<u32>,
    steps: Cell<u64>,
    running: Cell<bool>,
    current: Cell<Option<Pid>>,
    pub(crate) output: HostOutput,
    pub(crate) input: HostInput,
    terminal: Cell<Option<TerminalSize>>,
    input_terminal: Cell<bool>,
    pub(crate) fifos: RefCell<BTreeMap<(u64, u64), Weak<Pipe>>>,
    pub(crate) requests: Requests,
    wakeups: Arc<ForeignWakeups>,
}

impl Kernel {
    /// A kernel with no process but init.
    pub fn new(
        fs: Rc<dyn FileSystem>,
        clock: Rc<dyn Clock>,
        entropy: Rc<dyn Entropy>,
        ceilings: Ceilings,
    ) -> Rc<Kernel> {
        let mut table = ProcessTable::new();
        let pid = table.free_pid();
        let init = Rc::new(Process {
            pid,
            parent: Cell::new(pid),
            group: Cell::new(pid),
            cwd: RefCell::new("/".into()),
            arguments: RefCell::new(Rc::new(vec!["init".into()])),
            environment: RefCell::default(),
            umask: Cell::new(0o022),
            limits: RefCell::default(),
            niceness: Cell::new(0),
            descriptors: RefCell::default(),
            ignored: Cell::default(),
            caught: Cell::default(),
            pending: Cell::default(),
            state: Cell::new(State::Alive),
            news: Cell::new(News::None),
            ended: Cell::new(0),
            children: RefCell::default(),
            child_waiters: WaitQueue::default(),
            future: RefCell::new(None),
            replacement: RefCell::new(None),
            waker: Waker::noop().clone(),
            queued: Cell::new(false),
            woken_while_stopped: Cell::new(false),
            killed: Cell::new(None),
            started: clock.monotonic(),
            steps: Cell::new(0),
        });
        table.insert(init.clone());
        Rc::new(Kernel {
            fs,
            clock,
            entropy,
            ceilings: Cell::new(ceilings),
            met: Cell::new(0),
            loader: RefCell::new(None),
            queue: Rc::default(),
            table: RefCell::new(table),
            init,
            timers: RefCell::default(),
            sequence: Cell::new(0),
            slice: Cell::new(0),
            steps: Cell::new(0),
            running: Cell::new(false),
            current: Cell::new(None),
            output: HostOutput::default(),
            input: HostInput::default(),
            terminal: Cell::new(None),
            input_terminal: Cell::new(false),
            fifos: RefCell::default(),
            requests: Requests::default(),
            wakeups: Arc::default(),
        })
    }

    /// Who finds the code of programs. Without one every `spawn` ends with `NotExecutable`.
    pub fn set_loader(&self, loader: Rc<dyn Loader>) {
        *self.loader.borrow_mut() = Some(loader);
    }

    /// The filesystem.
    pub fn fs(&self) -> &Rc<dyn FileSystem> {
        &self.fs
    }

    /// The clocks.
    pub fn clock(&self) -> &Rc<dyn Clock> {
        &self.clock
    }

    /// The source of randomness.
    pub fn entropy(&self) -> &Rc<dyn Entropy> {
        &self.entropy
    }

    /// What the session may hold.
    pub fn ceilings(&self) -> Ceilings {
        self.ceilings.get()
    }

    /// Notes that a ceiling has refused something.
    pub fn meet(&self, ceiling: Ceiling) {
        self.met.set(self.met.get() | ceiling as u8);
    }

    /// Whether a ceiling has refused something since [`Kernel::forget_met`].
    pub fn has_met(&self, ceiling: Ceiling) -> bool {
        self.met.get() & ceiling as u8 != 0
    }

    /// Forgets what was met.
    pub fn forget_met(&self) {
        self.met.set(0);
    }

    /// Changes what the session may hold; what is held already stays.
    pub fn set_ceilings(&self, ceilings: Ceilings) {
        self.ceilings.set(ceilings);
    }

    /// Steps executed since the kernel was made.
    pub fn steps(&self) -> u64 {
        self.steps.get()
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        let number = self.sequence.get() + 1;
        self.sequence.set(number);
        number
    }

    // Scheduling.

    /// How many more processes there may be.
    pub fn processes_left(&self) -> u32 {
        let count = u32::try_from(self.table.borrow().len()).unwrap_or(u32::MAX);
        (self.ceilings.get().processes + 1).saturating_sub(count)
    }

    /// Takes `steps` off the present slice. False: it is used up, and the process should yield.
    #[inline]
    pub fn consume(&self, steps: u32) -> bool {
        let left = self.slice.get();
        self.slice.set(left.saturating_sub(steps));
        left > steps
    }

    pub(crate) fn end_slice(&self) {
        self.slice.set(0);
    }

    /// Lets processes run until `fuel` steps are used up or none can go on.
    pub fn run(self: &Rc<Self>, fuel: u64) -> KernelState {
        self.run_until(fuel, || false)
    }

    /// As [`run`](Kernel::run), and returns `Done` as soon as `done` holds; it is asked before each turn
    /// of a process. Called from inside a process it does nothing and returns `Running`.
    pub fn run_until(self: &Rc<Self>, fuel: u64, mut done: impl FnMut() -> bool) -> KernelState {
        if self.running.replace(true) {
            return KernelState::Running;
        }
        let state = self.turns(fuel, &mut done);
        self.running.set(false);
        self.current.set(None);
        state
    }

    fn turns(self: &Rc<Self>, mut fuel: u64, done: &mut dyn FnMut() -> bool) -> KernelState {
        let mut turns = 0_u32;
        self.fire_timers();
        loop {
            for pid in self.wakeups.take() {
                let process = self.table.borrow().get(pid).cloned();
                if let Some(process) = process {
                    process.wake(&self.queue);
                }
            }
            if done() {
                return KernelState::Done;
            }
            // A clock may be a call out of the component: once in some turns is enough.
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(64) {
                self.fire_timers();
            }
            if fuel == 0 && !self.queue.is_empty() {
                return KernelState::Running;
            }
            let Some(process) = self.queue.pop() else {
                if self.fire_timers() {
                    continue;
                }
                return KernelState::Idle { timer: self.next_timer() };
            };
            match process.state.get() {
                State::Alive => {}
                State::Stopped(_) => {
                    process.woken_while_stopped.set(true);
                    continue;
                }
                State::Zombie(_) | State::Gone(_) => continue,
            }
            fuel -= self.turn(&process, fuel).min(fuel);
        }
    }

    /// Polls a process once. How many steps it took.
    fn turn(self: &Rc<Self>, process: &Rc<Process>, fuel: u64) -> u64 {
        let Some(mut future) = process.future.borrow_mut().take() else { return 0 };
        let slice = u32::try_from(fuel).unwrap_or(SLICE).min(SLICE);
        self.slice.set(slice);
        self.current.set(Some(process.pid));
        let polled = future.as_mut().poll(&mut Context::from_waker(&process.waker));
        self.current.set(None);
        // A turn is never free, so that the fuel bounds every loop.
        let used = u64::from(slice.saturating_sub(self.slice.get()).max(1));
        process.steps.set(process.steps.get() + used);
        self.steps.set(self.steps.get() + used);
        if let Some(signal) = process.killed.take() {
            drop(future);
            self.finish(process, Exit::Signalled(signal));
            return used;
        }
        match polled {
            Poll::Ready(exit) => {
                drop(future);
                self.finish(process, exit);
            }
            Poll::Pending => {
                let replacement = process.replacement.borrow_mut().take();
                if let Some(replacement) = replacement {
                    drop(future);
                    *process.future.borrow_mut() = Some(replacement);
                    self.queue.push(process);
                } else {
                    *process.future.borrow_mut() = Some(future);
                }
            }
        }
        used
    }

    // Timers.

    pub(crate) fn add_timer(&self, deadline: u64, process: &Rc<Process>) -> TimerId {
        let id = (deadline, self.next_sequence());
        self.timers.borrow_mut().insert(id, process.clone());
        id
    }

    pub(crate) fn remove_timer(&self, id: TimerId) {
        self.timers.borrow_mut().remove(&id);
    }

    fn fire_timers(&self) -> bool {
        if self.timers.borrow().is_empty() {
            return false;
        }
        let now = self.clock.monotonic();
        let mut timers = self.timers.borrow_mut();
        let mut fired = false;
        while let Some(first) = timers.first_entry().filter(|first| first.key().0 <= now) {
            first.remove().wake(&self.queue);
            fired = true;
        }
        fired
    }

    /// Nanoseconds until the first timer of a process that is not stopped.
    fn next_timer(&self) -> Option<u64> {
        let deadline = self
            .timers
            .borrow()
            .iter()
            .find(|(_, process)| process.state.get() == State::Alive)
            .map(|((deadline, _), _)| *deadline)?;
        Some(deadline.saturating_sub(self.clock.monotonic()))
    }

    // Processes.

    /// The process `pid` as its own code sees it.
    pub fn context(self: &Rc<Self>, pid: Pid) -> Option<Ctx> {
        let process = self.table.borrow().get(pid).cloned()?;
        Some(Ctx::new(self.clone(), process))
    }

    /// Init: the parent of whatever the session starts itself.
    pub fn init(self: &Rc<Self>) -> Ctx {
        Ctx::new(self.clone(), self.init.clone())
    }

    /// How a process stands; `None`: there is no such process.
    pub fn state(&self, pid: Pid) -> Option<State> {
        self.table.borrow().get(pid).map(|process| process.state.get())
    }

    /// All processes but init, by number.
    pub fn processes(&self) -> Vec<ProcessInfo> {
        let all = self.table.borrow().all();
        all.into_iter()
            .filter(|process| process.pid != Pid::INIT)
            .map(|process| ProcessInfo {
                pid: process.pid,
                parent: process.parent.get(),
                group: process.group.get(),
                state: process.state.get(),
                arguments: process.arguments.borrow().clone(),
                started: process.started,
                steps: process.steps.get(),
                runnable: process.queued.get() || self.current.get() == Some(process.pid),
            })
            .collect()
    }

    fn new_process(
        &self,
        parent: &Rc<Process>,
        arguments: Rc<Vec<BString>>,
        environment: Environment,
        cwd: Rc<str>,
        descriptors: Rc<DescriptorTable>,
        group: Group,
    ) -> Result<Rc<Process>, Errno> {
        let pid = {
            let mut table = self.table.borrow_mut();
            if table.len() > self.ceilings.get().processes as usize {
                self.meet(Ceiling::Processes);
                return Err(Errno::Again);
            }
            if table.len() > parent.limits.borrow().processes as usize {
                return Err(Errno::Again);
            }
            table.free_pid()
        };
        let group = match group {
            Group::Inherit => parent.group.get(),
            Group::New => pid,
            Group::Join(group) => group,
        };
        let waker = Waker::from(Arc::new(ProcessWaker { pid, wakeups: self.wakeups.clone() }));
        Ok(Rc::new(Process {
            pid,
            parent: Cell::new(parent.pid),
            group: Cell::new(group),
            cwd: RefCell::new(cwd),
            arguments: RefCell::new(arguments),
            environment: RefCell::new(environment),
            umask: Cell::new(parent.umask.get()),
            limits: RefCell::new(parent.limits.borrow().clone()),
            niceness: Cell::new(parent.niceness.get()),
            descriptors: RefCell::new(descriptors),
            ignored: Cell::new(parent.ignored.get()),
            caught: Cell::default(),
            pending: Cell::default(),
            state: Cell::new(State::Alive),
            news: Cell::new(News::None),
            ended: Cell::new(0),
            children: RefCell::default(),
            child_waiters: WaitQueue::default(),
            future: RefCell::new(None),
            replacement: RefCell::new(None),
            waker,
            queued: Cell::new(false),
            woken_while_stopped: Cell::new(false),
            killed: Cell::new(None),
            started: self.clock.monotonic(),
            steps: Cell::new(0),
        }))
    }

    fn admit(&self, parent: &Rc<Process>, process: &Rc<Process>, future: ProcessFuture) {
        *process.future.borrow_mut() = Some(future);
        self.table.borrow_mut().insert(process.clone());
        parent.children.borrow_mut().push(process.clone());
        self.queue.push(process);
    }

    /// `fork(2)`: a child that has all of the parent, and runs the code that `code` makes.
    ///
    /// # Errors
    /// `Again`: too many processes.
    pub(crate) fn fork(
        self: &Rc<Self>,
        parent: &Rc<Process>,
        group: Group,
        code: impl FnOnce(Ctx) -> ProcessFuture,
    ) -> Result<Pid, Errno> {
        let arguments = parent.arguments.borrow().clone();
        let environment = parent.environment.borrow().clone();
        let cwd = parent.cwd.borrow().clone();
        let descriptors = parent.descriptors.borrow().clone();
        let child = self.new_process(parent, arguments, environment, cwd, descriptors, group)?;
        child.caught.set(parent.caught.get());
        let future = code(Ctx::new(self.clone(), child.clone()));
        self.admit(parent, &child, future);
        Ok(child.pid)
    }

    pub(crate) fn spawn(self: &Rc<Self>, parent: &Rc<Process>, what: Spawn) -> Result<Pid, Errno> {
        let environment = what.environment.unwrap_or_else(|| parent.environment.borrow().clone());
        let cwd = what.cwd.unwrap_or_else(|| parent.cwd.borrow().clone());
        let mut descriptors = if what.inherit { parent.descriptors.borrow().clone() } else { Rc::default() };
        if descriptors.has_close_on_exec() {
            Rc::make_mut(&mut descriptors).take_close_on_exec();
        }
        for (number, description) in what.descriptors {
            if number >= self.ceilings.get().descriptors.min(parent.limits.borrow().descriptors) {
                return Err(Errno::BadDescriptor);
            }
            let table = Rc::make_mut(&mut descriptors);
            match description {
                Some(description) => drop(table.set(number, description, false)),
                None => drop(table.close(number)),
            }
        }
        let child =
            self.new_process(parent, Rc::new(what.arguments), environment, cwd, descriptors, what.group)?;
        for signal in Signal::ALL {
            if what.restore.contains(signal) {
                child.set_disposition(signal, Disposition::Default);
            }
            if what.ignore.contains(signal) {
                child.set_disposition(signal, Disposition::Ignore);
            }
        }
        let ctx = Ctx::new(self.clone(), child.clone());
        let path = ctx.find_program(&what.program)?;
        let future = self.load(&ctx, &path)?;
        self.admit(parent, &child, future);
        Ok(child.pid)
    }

    pub(crate) fn load(&self, ctx: &Ctx, path: &str) -> Result<ProcessFuture, Errno> {
        let loader = self.loader.borrow().clone();
        loader.ok_or(Errno::NotExecutable)?.load(ctx, path)
    }

    /// The process is over: closes what it has open, gives its children to init, tells its parent.
    fn finish(&self, process: &Rc<Process>, exit: Exit) {
        if !process.is_alive() {
            return;
        }
        process.state.set(State::Zombie(exit));
        process.ended.set(self.next_sequence());
        process.pending.set(SignalSet::EMPTY);
        // Dropping code and descriptors wakes others and may call the filesystem: no borrow is held.
        let future = process.future.borrow_mut().take();
        drop(future);
        let replacement = process.replacement.borrow_mut().take();
        drop(replacement);
        let descriptors = process.descriptors.take();
        drop(descriptors);
        let children = process.children.take();
        for child in children {
            child.parent.set(Pid::INIT);
            if child.is_alive() {
                self.init.children.borrow_mut().push(child);
            } else {
                self.reap(&child);
            }
        }
        let parent = self.table.borrow().get(process.parent.get()).cloned();
        match parent {
            Some(parent) if parent.pid != Pid::INIT => {
                parent.child_waiters.wake_all(&self.queue);
                self.deliver(&parent, Signal::Chld);
            }
            _ => {
                self.init.children.borrow_mut().retain(|child| !Rc::ptr_eq(child, process));
                self.reap(process);
            }
        }
    }

    /// Takes a zombie off the table.
    pub(crate) fn reap(&self, process: &Rc<Process>) {
        if let State::Zombie(exit) = process.state.get() {
            process.state.set(State::Gone(exit));
        }
        self.table.borrow_mut().remove(process.pid);
    }

    /// Ends every process at once, and forgets timers, input and requests that wait. Needed before the last
    /// handle of the kernel is dropped, since processes hold the kernel.
    pub fn shutdown(&self) {
        // A process that ends may leave others behind as children of init, never new ones.
        let all = self.table.borrow().all();
        for process in all.into_iter().filter(|process| process.pid != Pid::INIT) {
            self.terminate(&process, Signal::Kill);
            self.reap(&process);
        }
        self.init.children.borrow_mut().clear();
        self.queue.clear();
        self.timers.borrow_mut().clear();
    }

    // Signals.

    /// `kill(2)`; without a signal it only looks whether the target exists.
    ///
    /// # Errors
    /// `NoProcess`: there is none; `NotPermitted`: init.
    pub fn kill(&self, sender: Option<Pid>, target: Target, signal: Option<Signal>) -> Result<(), Errno> {
        let targets: Vec<Rc<Process>> = match target {
            Target::Process(Pid::INIT) => return Err(Errno::NotPermitted),
            Target::Process(pid) => self.table.borrow().get(pid).cloned().into_iter().collect(),
            Target::Group(group) => {
                let all = self.table.borrow().all();
                all.into_iter()
                    .filter(|process| process.group.get() == group && process.pid != Pid::INIT)
                    .collect()
            }
            Target::All => {
                let all = self.table.borrow().all();
                all.into_iter()
                    .filter(|process| process.pid != Pid::INIT && Some(process.pid) != sender)
                    .collect()
            }
        };
        if targets.is_empty() {
            return Err(Errno::NoProcess);
        }
        if let Some(signal) = signal {
            for process in targets {
                self.deliver(&process, signal);
            }
        }
        Ok(())
    }

    pub(crate) fn deliver(&self, process: &Rc<Process>, signal: Signal) {
        use crate::signal::DefaultAction;
        if !process.is_alive() || process.pid == Pid::INIT {
            return;
        }
        if signal == Signal::Kill {
            return self.terminate(process, signal);
        }
        if signal == Signal::Cont {
            self.proceed(process);
        }
        match process.disposition(signal) {
            Disposition::Ignore => {}
            Disposition::Deliver => {
                process.pending.set(process.pending.get().with(signal));
                process.wake(&self.queue);
            }
            Disposition::Default => match signal.default_action() {
                DefaultAction::Ignore | DefaultAction::Continue => {}
                DefaultAction::Stop => self.stop(process, signal),
                DefaultAction::Terminate if process.state.get() == State::Alive => {
                    self.terminate(process, signal)
                }
                // A stopped process meets its end when it goes on (POSIX XSH 2.4.3).
                DefaultAction::Terminate => process.pending.set(process.pending.get().with(signal)),
            },
        }
    }

    fn terminate(&self, process: &Rc<Process>, signal: Signal) {
        if self.current.get() == Some(process.pid) {
            process.killed.set(Some(signal));
            self.end_slice();
        } else {
            self.finish(process, Exit::Signalled(signal));
        }
    }

    fn stop(&self, process: &Rc<Process>, signal: Signal) {
        if process.state.get() != State::Alive {
            return;
        }
        if process.queued.get() || self.current.get() == Some(process.pid) {
            process.woken_while_stopped.set(true);
        }
        process.state.set(State::Stopped(signal));
        if self.current.get() == Some(process.pid) {
            self.end_slice();
        }
        process.news.set(News::Stopped(signal));
        self.tell_parent(process);
    }

    fn proceed(&self, process: &Rc<Process>) {
        let State::Stopped(_) = process.state.get() else { return };
        process.state.set(State::Alive);
        process.news.set(News::Continued);
        self.tell_parent(process);
        if process.woken_while_stopped.replace(false) {
            self.queue.push(process);
        }
        let pending = process.pending.get();
        for signal in Signal::ALL {
            if pending.contains(signal) && process.disposition(signal) == Disposition::Default {
                process.pending.set(process.pending.get().without(signal));
                self.deliver(process, signal);
            }
        }
    }

    fn tell_parent(&self, process: &Rc<Process>) {
        let parent = self.table.borrow().get(process.parent.get()).cloned();
        if let Some(parent) = parent {
            parent.child_waiters.wake_all(&self.queue);
            self.deliver(&parent, Signal::Chld);
        }
    }

    // The host.

    /// The terminal behind standard output and standard error, if they are one.
    pub fn terminal(&self) -> Option<TerminalSize> {
        self.terminal.get()
    }

    /// Says what is behind the standard streams.
    pub fn set_terminal(&self, output: Option<TerminalSize>, input_is_terminal: bool) {
        self.terminal.set(output);
        self.input_terminal.set(input_is_terminal);
    }

    /// Whether standard input is a terminal.
    pub fn input_is_terminal(&self) -> bool {
        self.input_terminal.get()
    }

    /// At most `max` bytes of what was written, in the order of writing. Writers that waited go on.
    pub fn take_output(&self, max: usize) -> Vec<Chunk> {
        self.output.take(max, &self.queue)
    }

    /// Bytes that wait to be taken.
    pub fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Bytes ever written to the host.
    pub fn output_written(&self) -> u64 {
        self.output.written()
    }

    /// How many bytes processes may write to the host from now on; `None`: any number. More is not taken:
    /// writers wait, and [`output_exceeded`](Kernel::output_exceeded) says so.
    pub fn limit_output(&self, bytes: Option<u64>) {
        self.output.set_limit(bytes);
    }

    /// Whether somebody has tried to write more than may be written.
    pub fn output_exceeded(&self) -> bool {
        self.output.exceeded()
    }

    /// Writes for the session itself (a message of a limit), beyond any bound.
    pub fn write_output(&self, origin: OutputStream, bytes: &[u8]) {
        // The bound is infinite, so nothing can be refused.
        let _ = self.output.write(origin, bytes, usize::MAX);
    }

    /// Gives standard input. How many bytes were taken.
    pub fn feed_input(&self, bytes: &[u8]) -> usize {
        self.input.feed(bytes, self.ceilings.get().input_bytes, &self.queue)
    }

    /// Standard input is over.
    pub fn close_input(&self) {
        self.input.close(&self.queue);
    }

    /// Empty standard input, open again.
    pub fn reopen_input(&self) {
        self.input.reopen();
    }

    /// Whether a process waits for standard input, and none is left.
    pub fn input_wanted(&self) -> bool {
        self.input.wanted()
    }

    /// The requests that the host has not been told of.
    pub fn take_requests(&self) -> Vec<(RequestId, Request)> {
        self.requests.take_new()
    }

    /// Whether there are any.
    pub fn has_new_requests(&self) -> bool {
        self.requests.has_new()
    }

    /// Requests without their last answer.
    pub fn unanswered_requests(&self) -> usize {
        self.requests.unanswered()
    }

    /// As [`unanswered_requests`](Kernel::unanswered_requests), without those for commands of these names.
    pub fn unanswered_requests_but(&self, names: &[String]) -> usize {
        self.requests.unanswered_but(names)
    }

    /// Whether the end of standard input was not given yet.
    pub fn input_is_open(&self) -> bool {
        self.input.is_open()
    }

    /// What the host has to say to a request.
    pub fn answer(&self, id: RequestId, answer: Answer) -> Reception {
        self.requests.answer(id, answer, &self.queue)
    }

    // Pipes.

    pub(crate) fn new_pipe(&self) -> Rc<Pipe> {
        Pipe::new(self.queue.clone(), self.next_sequence())
    }
}
