//! The core: a store with the filesystem and the shell in it, and everything that is called in it.

use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::component::{HasSelf, Linker, ResourceAny};
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};

use crate::bindings::core::exports::wasmsh::session::session::{Busy, LoadError, Progress};
use crate::bindings::core::wasmsh::net::types::Request as HttpRequest;
use crate::bindings::core::wasmsh::session::host;
use crate::bindings::core::wasmsh::session::types::{
    Answer, Chunk, Config, Event, OutputStream, Reception, Request, RequestId, RunOptions,
};
use crate::bindings::core::{Sandbox, SandboxPre};
use crate::config::{DEEP_STACK, DEEP_STACK_RESERVE};
use crate::driver;
use crate::mailbox::{Mail, Mailbox};
use crate::network::{Exchanges, Network};
use crate::stdin::{Source, Stdin};
use crate::types::{Collected, Signal, Stream};
use crate::wasi::{self, Wasi};

/// How long a component may go on after it should have stopped by itself, before it is stopped by force.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// What receives the output of a run.
pub(crate) type Sink = Box<dyn FnMut(Stream, &[u8]) -> ControlFlow<()> + Send>;

/// A component has trapped, or was stopped by force: its store is lost.
#[derive(Clone, Debug)]
pub(crate) struct Trapped(pub(crate) Arc<str>);

/// What a core store keeps.
pub(crate) struct CoreState {
    wasi: Wasi,
    limits: StoreLimits,
    io: Io,
    /// When the component is stopped by force.
    stop_at: Option<Instant>,
}

/// The outside of the run that is under way.
pub(crate) struct Io {
    mailbox: Arc<Mailbox>,
    pub(crate) exchanges: Exchanges,
    pub(crate) stdin: Stdin,
    sink: Option<Sink>,
    collected: Collected,
    /// Nobody wants the output any more.
    pub(crate) refused: bool,
    pub(crate) cancelled: bool,
    deadline: Option<Instant>,
}

impl Io {
    pub(crate) fn deliver(&mut self, output: &[Chunk]) {
        for Chunk { origin, bytes } in output {
            let stream = match origin {
                OutputStream::Stdout => Stream::Stdout,
                OutputStream::Stderr => Stream::Stderr,
            };
            match &mut self.sink {
                None => self.collected.push(stream, bytes),
                Some(_) if self.refused => {}
                Some(sink) => self.refused = sink(stream, bytes).is_break(),
            }
        }
    }

    /// Begins an exchange with the network.
    pub(crate) fn fetch(&mut self, id: RequestId, request: HttpRequest) {
        self.exchanges.begin(id, request, &self.mailbox);
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
    /// Only reached from inside `sandbox.wasm`: commands outside the core's store never block in it.
    fn block(
        &mut self,
        output: Vec<Chunk>,
        new_requests: Vec<(RequestId, Request)>,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Vec<Event>> {
        let io = &mut self.io;
        io.deliver(&output);
        let mut events = Vec::new();
        for (id, request) in new_requests {
            match request {
                Request::Command(_) => events.push(Event::Answered((id, driver::CANNOT_ANSWER))),
                Request::Fetch(request) => io.fetch(id, request),
                Request::Cancelled(id) => io.exchanges.cancel(id),
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
            // Nothing tells whether it is standard input that is waited for.
            io.stdin.want(&io.mailbox);
            let piece = io.stdin.peek().to_vec();
            if !piece.is_empty() {
                io.stdin.advance(piece.len());
                return Ok(vec![Event::Stdin(piece)]);
            }
            if io.stdin.take_end() {
                return Ok(vec![Event::StdinClosed]);
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

/// Adds what the core imports.
pub(crate) fn add_to_linker(linker: &mut Linker<CoreState>) -> wasmtime::Result<()> {
    wasi::add_to_linker(linker, |state| &mut state.wasi)?;
    host::add_to_linker::<CoreState, HasSelf<CoreState>>(linker, |state| state)
}

/// The core of one session.
pub(crate) struct Core {
    pub(crate) store: Store<CoreState>,
    pub(crate) world: Sandbox,
    session: Option<ResourceAny>,
    run: Option<ResourceAny>,
    dead: Option<Trapped>,
    /// Whether Python runs in this store, and may recurse deeply.
    deep: bool,
    /// Counts the calls of foreign commands that had an effect: the shell may be able to go on.
    pub(crate) activity: u64,
    /// When the earliest of the foreign commands that sleep wants to be asked again.
    pub(crate) wake_at: Option<Instant>,
}

/// The core, shared between its session and the foreign commands that run in it.
pub(crate) struct CoreCell {
    core: Mutex<Core>,
    /// The shell had a turn: who waits in a thread may try again.
    pub(crate) turned: Condvar,
}

impl CoreCell {
    pub(crate) fn new(core: Core) -> Arc<Self> {
        Arc::new(Self { core: Mutex::new(core), turned: Condvar::new() })
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
        network: Option<Network>,
        deep: bool,
    ) -> wasmtime::Result<Self> {
        let state = CoreState {
            wasi: Wasi::default(),
            limits: StoreLimitsBuilder::new().memory_size(memory).build(),
            io: Io {
                mailbox,
                exchanges: Exchanges::new(network),
                stdin: Stdin::default(),
                sink: None,
                collected: Collected::default(),
                refused: false,
                cancelled: false,
                deadline: None,
            },
            stop_at: None,
        };
        let mut store = Store::new(pre.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            let state = context.data();
            let cancelled = state.io.mailbox.cancelled_at().and_then(|at| at.checked_add(GRACE));
            let late = [state.stop_at, cancelled].into_iter().flatten().any(|at| at <= Instant::now());
            Ok(if late { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
        });
        let world = pre.instantiate(&mut store)?;
        Ok(Self { store, world, session: None, run: None, dead: None, deep, activity: 0, wake_at: None })
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
        call(&self.world, &mut self.store).map_err(|error| {
            let trapped = Trapped(format!("{error:#}").into());
            tracing::debug!(error = %trapped.0, "the core has trapped");
            self.dead = Some(trapped.clone());
            trapped
        })
    }

    /// Makes the shell's session.
    pub(crate) fn open(&mut self, config: &Config) -> Result<(), Trapped> {
        let session = self
            .call(|world, store| world.wasmsh_session_session().session().call_constructor(store, config))?;
        self.session = Some(session);
        Ok(())
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
        sink: Option<Sink>,
        deadline: Option<Instant>,
    ) -> Result<Result<(), Busy>, Trapped> {
        let session = self.session()?;
        let started = self.call(|world, store| {
            world.wasmsh_session_session().session().call_start(store, session, script, options)
        })?;
        Ok(started.map(|run| {
            self.run = Some(run);
            let io = self.io();
            io.mailbox.clear();
            io.stdin = Stdin::new(stdin);
            io.sink = sink;
            io.collected = Collected::default();
            (io.refused, io.cancelled, io.deadline) = (false, false, deadline);
        }))
    }

    /// Ends the run, and whatever of it still runs in the foreground. Returns what it has written.
    pub(crate) fn finish(&mut self) -> Result<Collected, Trapped> {
        // A run that is being ended has another grace: what took its time may not have been the component.
        self.io().mailbox.clear();
        self.io().exchanges.clear();
        self.store.data_mut().stop_at = Instant::now().checked_add(GRACE);
        let mut collected = std::mem::take(&mut self.io().collected);
        self.io().sink = None;
        self.io().stdin = Stdin::default();
        if let Some(run) = self.run.take() {
            collected.steps = self.call(|world, store| {
                let steps = world.wasmsh_session_session().run().call_steps(&mut *store, run)?;
                run.resource_drop(store)?;
                Ok(steps)
            })?;
        }
        self.store.data_mut().stop_at = None;
        Ok(collected)
    }

    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        self.io().deadline
    }

    pub(crate) fn resume(&mut self, fuel: u64, max_output: u32) -> Result<Progress, Trapped> {
        let run = self.current()?;
        let deep = self.deep;
        // By its limit the shell stops by itself; this is for one that cannot.
        let stop_at = self.deadline().and_then(|deadline| deadline.max(Instant::now()).checked_add(GRACE));
        self.store.data_mut().stop_at = stop_at;
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

    pub(crate) fn save(&mut self) -> Result<Result<Vec<u8>, Busy>, Trapped> {
        let session = self.session()?;
        self.call(|world, store| world.wasmsh_session_session().session().call_save(store, session))
    }

    pub(crate) fn load(&mut self, state: &[u8]) -> Result<Result<(), LoadError>, Trapped> {
        let session = self.session()?;
        self.call(|world, store| world.wasmsh_session_session().session().call_load(store, session, state))
    }
}
