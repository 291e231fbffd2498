//! The core: a store with the filesystem and the shell in it, and everything that is called in it.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use wasmtime::component::{HasSelf, Linker, ResourceAny};
use wasmtime::{Store, UpdateDeadline};

use crate::bindings::core::exports::wasmsh::fs::quotas;
use crate::bindings::core::exports::wasmsh::session::session::{
    Busy, Completion, LoadError, Progress, TextState,
};
use crate::bindings::core::wasmsh::fs::blobs;
use crate::bindings::core::wasmsh::net::types::Request as HttpRequest;
use crate::bindings::core::wasmsh::session::host;
use crate::bindings::core::wasmsh::session::types::{
    Answer, Chunk, Config, Event, OutputStream, Reception, Request, RequestId, RunOptions,
};
use crate::bindings::core::{Sandbox, SandboxPre};
use crate::blobs::Blobs;
use crate::config::{DEEP_STACK, DEEP_STACK_RESERVE};
use crate::driver;
use crate::limits::{Ceilings, Limit, Limits, Quota, Usage};
use crate::mailbox::{Mail, Mailbox};
use crate::memory::Memory;
use crate::network::{Exchanges, Network};
use crate::output::Collected;
use crate::pipe::Pipe;
use crate::stdin::{Source, Stdin};
use crate::types::{Signal, Stream};
use crate::wasi::{self, Wasi};

/// How long a component may compute after it should have stopped by itself, before it is stopped by force.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// Is called with what a run writes.
pub(crate) type OnOutput = Box<dyn FnMut(Stream, &[u8]) -> ControlFlow<()> + Send>;

/// What receives the output of a run.
#[derive(Default)]
pub(crate) enum Sink {
    /// It is kept until the end.
    #[default]
    Collect,
    /// This is called.
    Call(OnOutput),
    /// It goes into pipes, while they have room.
    Pipes { stdout: Arc<Pipe>, stderr: Arc<Pipe> },
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Self::Pipes { stdout, stderr } = self {
            stdout.end();
            stderr.end();
        }
    }
}

/// Time that this thread has computed since some point.
pub(crate) fn computed_by_thread() -> Duration {
    cpu_time::ThreadTime::now().as_duration()
}

/// A component has trapped, or was stopped by force: its store is lost.
#[derive(Clone, Debug)]
pub(crate) struct Trapped(pub(crate) Arc<str>);

/// What a core store keeps.
pub(crate) struct CoreState {
    wasi: Wasi,
    memory: Memory,
    io: Io,
    pub(crate) blobs: Blobs,
    /// When the component should have stopped by itself.
    stop_at: Option<Instant>,
    /// How long this thread may have computed when the component is stopped by force.
    stop_cpu: Option<Duration>,
    /// How long this thread had computed when the component was first seen not to have stopped, in the present call.
    overdue: Option<Duration>,
}

impl CoreState {
    /// Whether the component is to be stopped by force. What counts is how long it has computed since it should have
    /// stopped: on a busy machine, that it had no turn is no fault of its own.
    fn must_stop(&mut self) -> bool {
        let now = Instant::now();
        if ![self.stop_at, self.io.mailbox.cancelled_at()].into_iter().flatten().any(|at| at <= now) {
            return self.stop_cpu.is_some_and(|at| at <= computed_by_thread());
        }
        let computed = computed_by_thread();
        let since = *self.overdue.get_or_insert(computed);
        computed.saturating_sub(since) >= GRACE || self.stop_cpu.is_some_and(|at| at <= computed)
    }
}

/// The outside of the run that is under way.
pub(crate) struct Io {
    mailbox: Arc<Mailbox>,
    pub(crate) exchanges: Exchanges,
    pub(crate) stdin: Stdin,
    sink: Sink,
    pub(crate) collected: Collected,
    /// Nobody wants the output any more.
    pub(crate) refused: bool,
    pub(crate) cancelled: bool,
    /// The shell has had a turn in this run.
    pub(crate) begun: bool,
    deadline: Option<Instant>,
    /// Those of the run.
    pub(crate) limits: Limits,
    /// Time that was computed in this run.
    pub(crate) computed: Duration,
    requests: u64,
    /// Requests that came while a command looked for signals: the driver takes them at its next turn.
    deferred: Vec<(RequestId, Request)>,
}

impl Io {
    pub(crate) fn deliver(&mut self, output: &[Chunk]) {
        for Chunk { origin, bytes } in output {
            let stream = match origin {
                OutputStream::Stdout => Stream::Stdout,
                OutputStream::Stderr => Stream::Stderr,
            };
            match &mut self.sink {
                Sink::Collect => self.collected.push(stream, bytes),
                _ if self.refused => {}
                Sink::Call(call) => self.refused = call(stream, bytes).is_break(),
                Sink::Pipes { stdout, stderr } => {
                    let pipe = if stream == Stream::Stdout { stdout } else { stderr };
                    self.refused = !pipe.push(bytes);
                }
            }
        }
    }

    /// Whether whoever reads the output is slow: the run must wait.
    pub(crate) fn full(&self) -> bool {
        matches!(&self.sink, Sink::Pipes { stdout, stderr } if stdout.full() || stderr.full())
    }

    /// The requests that the driver was not told of yet.
    pub(crate) fn take_deferred(&mut self) -> Vec<(RequestId, Request)> {
        std::mem::take(&mut self.deferred)
    }

    pub(crate) fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// Begins an exchange with the network.
    pub(crate) fn fetch(&mut self, id: RequestId, request: HttpRequest) {
        self.requests += 1;
        match self.limits.requests {
            Some(limit) if self.requests > limit => {
                self.collected.exceed(Limit::Requests(limit));
                let why = format!("{} in this run", Limit::Requests(limit));
                self.exchanges.deny(id, why, &self.mailbox);
            }
            _ => self.exchanges.begin(id, request, &self.mailbox),
        }
    }

    /// What is left of the time for computing, if that is limited.
    pub(crate) fn cpu_left(&self) -> Option<Duration> {
        let limit = Duration::from_millis(self.limits.cpu_time_ms?);
        Some(limit.saturating_sub(self.computed))
    }

    /// Takes in what has arrived, and returns the signals.
    pub(crate) fn receive(&mut self, mail: Mail) -> impl Iterator<Item = Signal> + use<> {
        self.cancelled |= mail.cancelled;
        self.stdin.receive();
        mail.signals.into_iter()
    }

    fn over(&self) -> bool {
        self.cancelled || self.refused || self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }
}

impl host::Host for CoreState {
    /// Only waits inside `sandbox.wasm`: commands outside the core's store never block in it, but they look for signals.
    fn block(
        &mut self,
        output: Vec<Chunk>,
        new_requests: Vec<(RequestId, Request)>,
        stdin: bool,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Vec<Event>> {
        let io = &mut self.io;
        io.deliver(&output);
        let mut events = Vec::new();
        for (id, request) in new_requests {
            match request {
                Request::Fetch(request) => io.fetch(id, request),
                Request::Cancelled(cancelled) => {
                    io.exchanges.cancel(cancelled);
                    io.deferred.push((id, request));
                }
                Request::Command(_) => io.deferred.push((id, request)),
            }
        }
        if timeout != Some(0) {
            // Whoever waits here has the core on the stack, so that no command can be started until it goes on.
            for (id, request) in io.take_deferred() {
                if matches!(request, Request::Command(_)) {
                    events.push(Event::Answered((id, driver::CANNOT_ANSWER)));
                }
            }
        }
        let until = timeout.and_then(|timeout| Instant::now().checked_add(Duration::from_nanos(timeout)));
        let until = match (until, io.deadline) {
            (Some(until), Some(deadline)) => Some(until.min(deadline)),
            (until, deadline) => until.or(deadline),
        };
        loop {
            let mail = io.mailbox.take();
            events.extend(io.receive(mail).map(|signal| Event::Signalled(signal.into())));
            events.extend(io.exchanges.take(|_| true).into_iter().map(Event::Answered));
            if io.over() {
                events.push(Event::Signalled(Signal::Kill.into()));
            }
            if !events.is_empty() || timeout == Some(0) {
                return Ok(events);
            }
            if stdin {
                io.stdin.want(&io.mailbox);
                let piece = io.stdin.peek().to_vec();
                if !piece.is_empty() {
                    io.stdin.advance(piece.len());
                    return Ok(vec![Event::Stdin(piece)]);
                }
                if io.stdin.take_end() {
                    return Ok(vec![Event::StdinClosed]);
                }
            }
            io.mailbox.wait(until);
            if io.mailbox.is_empty() {
                return Ok(events);
            }
        }
    }

    fn report_panic(&mut self, message: String) -> wasmtime::Result<()> {
        tracing::error!(%message, "a defect in a component of wasmsh");
        Ok(())
    }
}

impl blobs::Host for CoreState {
    fn keep(&mut self, bytes: Vec<u8>) -> wasmtime::Result<Option<u64>> {
        Ok(self.blobs.keep(bytes))
    }

    fn read(&mut self, number: u64, offset: u64, length: u32) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.blobs.read(number, offset, length as usize))
    }

    fn release(&mut self, number: u64) -> wasmtime::Result<()> {
        self.blobs.release(number);
        Ok(())
    }
}

/// Adds what the core imports.
pub(crate) fn add_to_linker(linker: &mut Linker<CoreState>) -> wasmtime::Result<()> {
    wasi::add_to_linker(linker, |state| &mut state.wasi)?;
    blobs::add_to_linker::<CoreState, HasSelf<CoreState>>(linker, |state| state)?;
    host::add_to_linker::<CoreState, HasSelf<CoreState>>(linker, |state| state)
}

/// Tells the cores of this process apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CoreId(u64);

impl CoreId {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The core of one session.
pub(crate) struct Core {
    /// Which core this is. A session's core can be put in the place of another one; handles of the old one, which others
    /// may still hold, are nothing in the new one.
    pub(crate) id: CoreId,
    pub(crate) store: Store<CoreState>,
    pub(crate) world: Sandbox,
    session: Option<ResourceAny>,
    run: Option<ResourceAny>,
    dead: Option<Trapped>,
    /// Whether Python runs in this store, and may recurse deeply.
    deep: bool,
    /// Counts the calls of foreign commands that had an effect: the shell may be able to go on.
    pub(crate) activity: u64,
    /// What may be held, for telling what was met.
    pub(crate) bounds: (Ceilings, Quota),
    /// When the earliest of the foreign commands that sleep wants to be asked again.
    pub(crate) wake_at: Option<Instant>,
}

/// The core, shared between its session and the foreign commands that run in it.
pub(crate) struct CoreCell {
    core: Mutex<Core>,
    /// The shell had a turn: who waits in a thread may try again.
    pub(crate) turned: Condvar,
    /// And who waits in a task. Registered while the core is locked, so that no turn is missed.
    tasks: Mutex<Vec<Waker>>,
}

impl CoreCell {
    pub(crate) fn new(core: Core) -> Arc<Self> {
        Arc::new(Self { core: Mutex::new(core), turned: Condvar::new(), tasks: Mutex::default() })
    }

    /// Tells those who wait that the shell had a turn.
    pub(crate) fn turn(&self) {
        self.turned.notify_all();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.into_iter().for_each(Waker::wake);
    }

    /// Wakes a task after the shell's next turn. The core must be locked.
    pub(crate) fn wake_after_turn(&self, task: &Waker) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if !tasks.iter().any(|other| other.will_wake(task)) {
            tasks.push(task.clone());
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    pub(crate) fn new(
        pre: &SandboxPre<CoreState>,
        mailbox: Arc<Mailbox>,
        memory: usize,
        network: Option<Arc<Network>>,
        blobs: Blobs,
        deep: bool,
    ) -> wasmtime::Result<Self> {
        let state = CoreState {
            wasi: Wasi::default(),
            memory: Memory::new(memory),
            blobs,
            io: Io {
                mailbox,
                exchanges: Exchanges::new(network),
                stdin: Stdin::default(),
                sink: Sink::Collect,
                collected: Collected::default(),
                refused: false,
                cancelled: false,
                begun: false,
                deadline: None,
                limits: Limits::default(),
                computed: Duration::ZERO,
                requests: 0,
                deferred: Vec::new(),
            },
            stop_at: None,
            stop_cpu: None,
            overdue: None,
        };
        let mut store = Store::new(pre.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            let stop = context.data_mut().must_stop();
            Ok(if stop { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
        });
        let world = pre.instantiate(&mut store)?;
        Ok(Self {
            id: CoreId::new(),
            store,
            world,
            session: None,
            run: None,
            dead: None,
            deep,
            activity: 0,
            bounds: Default::default(),
            wake_at: None,
        })
    }

    pub(crate) fn io(&mut self) -> &mut Io {
        &mut self.store.data_mut().io
    }

    /// Calls into the component. After an error nothing can be called any more.
    pub(crate) fn call<R>(
        &mut self,
        call: impl FnOnce(&Sandbox, &mut Store<CoreState>) -> wasmtime::Result<R>,
    ) -> Result<R, Trapped> {
        if let Some(dead) = &self.dead {
            return Err(dead.clone());
        }
        self.store.data_mut().overdue = None;
        call(&self.world, &mut self.store).map_err(|error| {
            let trapped = Trapped(format!("{error:#}").into());
            tracing::debug!(error = %trapped.0, "the core has trapped");
            self.dead = Some(trapped.clone());
            trapped
        })
    }

    /// As [`Core::call`], with handles of a certain core: if this is another one by now, nothing happens to it.
    pub(crate) fn call_in<R>(
        &mut self,
        id: CoreId,
        call: impl FnOnce(&Sandbox, &mut Store<CoreState>) -> wasmtime::Result<R>,
    ) -> Result<R, Trapped> {
        if self.id == id { self.call(call) } else { Err(Trapped("the session was made anew".into())) }
    }

    /// Makes the shell's session.
    pub(crate) fn open(&mut self, config: &Config) -> Result<(), Trapped> {
        let session = self
            .call(|world, store| world.wasmsh_session_session().session().call_constructor(store, config))?;
        self.session = Some(session);
        Ok(())
    }

    /// Nothing may be called any more.
    pub(crate) fn kill(&mut self) {
        self.dead.get_or_insert_with(|| Trapped("the session was given up".into()));
    }

    /// Whether nothing can be called any more.
    pub(crate) fn dead(&self) -> bool {
        self.dead.is_some()
    }

    pub(crate) fn blobs(&mut self) -> &mut Blobs {
        &mut self.store.data_mut().blobs
    }

    pub(crate) fn memory(&mut self) -> &mut Memory {
        &mut self.store.data_mut().memory
    }

    fn session(&self) -> Result<ResourceAny, Trapped> {
        self.session.ok_or_else(|| Trapped("the session was never opened".into()))
    }

    fn current(&self) -> Result<ResourceAny, Trapped> {
        self.run.ok_or_else(|| Trapped("no run is under way".into()))
    }

    pub(crate) fn start(
        &mut self,
        script: &Vec<u8>,
        options: &RunOptions,
        stdin: Source,
        sink: Sink,
        limits: Limits,
        deadline: Option<Instant>,
    ) -> Result<Result<(), Busy>, Trapped> {
        let session = self.session()?;
        let started = self.call(|world, store| {
            world.wasmsh_session_session().session().call_start(store, session, script, options)
        })?;
        Ok(started.map(|run| {
            self.run = Some(run);
            let io = self.io();
            io.mailbox.begin();
            io.stdin = Stdin::new(stdin);
            io.sink = sink;
            io.collected = Collected::default();
            (io.refused, io.cancelled, io.begun, io.deadline) = (false, false, false, deadline);
            (io.limits, io.computed, io.requests) = (limits, Duration::ZERO, 0);
            io.deferred.clear();
            self.memory().begin();
        }))
    }

    /// Ends the run, and whatever of it still runs in the foreground. Returns what it has written.
    pub(crate) fn finish(&mut self) -> Result<Collected, Trapped> {
        // A run that is being ended has a grace of its own.
        self.io().mailbox.end();
        self.io().exchanges.clear();
        self.store.data_mut().stop_at = Some(Instant::now());
        let mut collected = std::mem::take(&mut self.io().collected);
        collected.exceeded.extend(self.memory().refused());
        let sink = std::mem::take(&mut self.io().sink);
        self.io().stdin = Stdin::default();
        let mut met = None;
        if let Some(run) = self.run.take() {
            collected.steps = self.call(|world, store| {
                let guest = world.wasmsh_session_session().run();
                let steps = guest.call_steps(&mut *store, run)?;
                met = Some((
                    guest.call_ceilings_met(&mut *store, run)?,
                    world.wasmsh_fs_quotas().call_take_refusals(&mut *store)?,
                ));
                run.resource_drop(store)?;
                Ok(steps)
            })?;
        }
        if let Some((ceilings, bounds)) = met {
            collected.met(ceilings, bounds, &self.bounds);
        }
        self.store.data_mut().stop_at = None;
        self.store.data_mut().stop_cpu = None;
        // The end of the output is seen only now.
        drop(sink);
        Ok(collected)
    }

    /// What a run that has trapped has written.
    pub(crate) fn wreck(&mut self) -> Collected {
        self.run = None;
        let mut collected = std::mem::take(&mut self.io().collected);
        collected.exceeded.extend(self.memory().refused());
        self.io().sink = Sink::Collect;
        self.io().mailbox.end();
        self.io().exchanges.clear();
        collected
    }

    /// Whether a run is under way.
    pub(crate) fn running(&self) -> bool {
        self.run.is_some()
    }

    pub(crate) fn set_quota(&mut self, quota: Quota) -> Result<(), Trapped> {
        let Quota { bytes, inodes, file_size, open_files } = quota;
        let quota = quotas::Quota { bytes, inodes, file_size, open_files };
        self.call(|world, store| world.wasmsh_fs_quotas().call_set_quota(store, quota))
    }

    /// A number that changes with the files.
    pub(crate) fn generation(&mut self) -> Result<u64, Trapped> {
        self.call(|world, store| world.wasmsh_fs_snapshots().call_generation(store))
    }

    pub(crate) fn usage(&mut self) -> Result<Usage, Trapped> {
        let quotas::Usage { bytes, inodes, open_files } =
            self.call(|world, store| world.wasmsh_fs_quotas().call_get_usage(store))?;
        Ok(Usage { bytes, inodes, open_files })
    }

    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        self.io().deadline
    }

    pub(crate) fn resume(&mut self, fuel: u64, max_output: u32) -> Result<Progress, Trapped> {
        let run = self.current()?;
        let deep = self.deep;
        // By its limit the shell stops by itself; this is for one that cannot.
        let stop_at = self.deadline();
        let stop_cpu = self.io().cpu_left().map(|left| computed_by_thread() + left + GRACE);
        let state = self.store.data_mut();
        (state.stop_at, state.stop_cpu) = (stop_at, stop_cpu);
        self.call(|world, store| {
            let resume = || world.wasmsh_session_session().run().call_resume(store, run, fuel, max_output);
            if deep { stacker::grow(DEEP_STACK + DEEP_STACK_RESERVE, resume) } else { resume() }
        })
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> Result<(), Trapped> {
        let run = self.current()?;
        self.call(|world, store| world.wasmsh_session_session().run().call_signal(store, run, signal.into()))
    }

    pub(crate) fn answer(&mut self, id: RequestId, answer: &Answer) -> Result<Reception, Trapped> {
        let run = self.current()?;
        self.call(|world, store| world.wasmsh_session_session().run().call_answer(store, run, id, answer))
    }

    /// Gives the shell as much of standard input as it takes. Whether it took any, or the end.
    pub(crate) fn feed(&mut self) -> Result<bool, Trapped> {
        let run = self.current()?;
        let mut fed = false;
        loop {
            let piece = self.io().stdin.peek().to_vec();
            if piece.is_empty() {
                break;
            }
            let taken = self.call(|world, store| {
                world.wasmsh_session_session().run().call_write_stdin(store, run, &piece)
            })?;
            let taken = usize::try_from(taken).unwrap_or(usize::MAX).min(piece.len());
            self.io().stdin.advance(taken);
            fed |= taken > 0;
            if taken < piece.len() {
                return Ok(fed);
            }
        }
        if self.io().stdin.take_end() {
            self.call(|world, store| world.wasmsh_session_session().run().call_close_stdin(store, run))?;
            fed = true;
        }
        Ok(fed)
    }

    pub(crate) fn cwd(&mut self) -> Result<String, Trapped> {
        let session = self.session()?;
        self.call(|world, store| world.wasmsh_session_session().session().call_cwd(store, session))
    }

    pub(crate) fn check(&mut self, text: &[u8]) -> Result<TextState, Trapped> {
        let session = self.session()?;
        self.call(|world, store| {
            world.wasmsh_session_session().session().call_check(store, session, &text.to_vec())
        })
    }

    pub(crate) fn complete(&mut self, text: &[u8], cursor: u32) -> Result<Completion, Trapped> {
        let session = self.session()?;
        self.call(|world, store| {
            world.wasmsh_session_session().session().call_complete(store, session, &text.to_vec(), cursor)
        })
    }

    pub(crate) fn save(&mut self) -> Result<Result<Vec<u8>, Busy>, Trapped> {
        let session = self.session()?;
        self.call(|world, store| world.wasmsh_session_session().session().call_save(store, session))
    }

    pub(crate) fn load(&mut self, state: &[u8]) -> Result<Result<(), LoadError>, Trapped> {
        let session = self.session()?;
        self.call(|world, store| world.wasmsh_session_session().session().call_load(store, session, state))
    }
}
