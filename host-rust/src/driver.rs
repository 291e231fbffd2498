//! The driver: advances a run, carries out its requests, and says what it waits for.
//!
//! [`Driver::step`] never waits. Whoever calls it waits as they like: a thread on the mailbox, a task on a timer
//! and a waker.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::bindings::core::exports::wasmsh::session::session::State;
use crate::bindings::core::wasmsh::session::types::{Answer, Exit as WitExit, Reception, Request, RequestId};
use crate::command::{self, Commands};
use crate::core::{CoreCell, GRACE, Trapped};
use crate::engine::Engine;
use crate::mailbox::Mailbox;
use crate::python::{self, Instance};
use crate::types::{Exit, Limit, Signal};

/// Steps of the shell's machine in one slice: a few milliseconds, after which signals and other commands get
/// their turn.
const FUEL: u64 = 200_000;

/// Bytes of output that are taken at once.
const MAX_OUTPUT: u32 = 256 << 10;

/// The names that run Python.
pub(crate) const PYTHON: [&str; 3] = ["python3", "python", "python3.13"];

/// The status of a command that was found and cannot be run (bash manual, 3.7.5).
const CANNOT_RUN: u8 = 126;

/// What a step has come to.
#[derive(Debug)]
pub(crate) enum Step {
    /// Call again.
    Progress,
    /// Nothing goes on before mail arrives, or before this instant.
    Idle { until: Option<Instant> },
    /// The run is over.
    Exited(Exit),
    /// The run must be ended: what of it still runs has no one to wait for it.
    Stopped(Exit),
}

/// A command that runs outside the shell.
struct Foreign {
    id: RequestId,
    future: Pin<Box<dyn Future<Output = WitExit> + Send>>,
}

/// Instances of Python that nobody uses at the moment.
#[derive(Clone, Default)]
pub(crate) struct Pythons(Arc<Mutex<Vec<Instance>>>);

/// More than these are not kept: each holds some ten megabytes.
const KEPT_PYTHONS: usize = 2;

impl Pythons {
    fn take(&self) -> Option<Instance> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, instance: Instance) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_PYTHONS {
            kept.push(instance);
        }
    }
}

/// What drives the runs of one session.
pub(crate) struct Driver {
    pub(crate) core: Arc<CoreCell>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) engine: Engine,
    pub(crate) commands: Arc<Commands>,
    pub(crate) pythons: Pythons,
    /// Memory that one Python may have, in bytes.
    pub(crate) python_memory: usize,
    foreign: Vec<Foreign>,
    /// Exchanges whose answer is read more slowly than it comes.
    paused: Vec<RequestId>,
}

impl Driver {
    pub(crate) fn new(
        core: Arc<CoreCell>,
        mailbox: Arc<Mailbox>,
        engine: Engine,
        commands: Arc<Commands>,
        python_memory: usize,
    ) -> Self {
        Self {
            core,
            mailbox,
            engine,
            commands,
            pythons: Pythons::default(),
            python_memory,
            foreign: Vec::new(),
            paused: Vec::new(),
        }
    }

    /// Advances the run that is under way.
    pub(crate) fn step(&mut self, context: &mut Context<'_>) -> Result<Step, Trapped> {
        let mut progress = false;
        let mut guard = self.core.lock();
        let core = &mut *guard;
        let mail = self.mailbox.take();
        for signal in core.io().receive(mail) {
            core.signal(signal)?;
        }
        core.feed()?;
        if core.io().cancelled {
            return Ok(Step::Stopped(Exit::Signalled(Signal::Kill)));
        }

        let result = core.resume(FUEL, MAX_OUTPUT)?;
        core.io().deliver(&result.output);
        if core.io().refused {
            return Ok(Step::Stopped(Exit::Signalled(Signal::Pipe)));
        }
        progress |= !result.output.is_empty();
        for (id, request) in result.requests {
            progress = true;
            match request {
                Request::Cancelled(cancelled) => {
                    let gone: Vec<_> =
                        self.foreign.extract_if(.., |foreign| foreign.id == cancelled).collect();
                    guard.io().exchanges.cancel(cancelled);
                    self.paused.retain(|id| *id != cancelled);
                    // What a command has open is dropped in the core.
                    drop(guard);
                    drop(gone);
                    guard = self.core.lock();
                }
                Request::Command(command) => {
                    let future = self.command(command.name, command.pid, context.waker());
                    self.foreign.push(Foreign { id, future });
                }
                Request::Fetch(request) => guard.io().fetch(id, request),
            }
        }
        let (deadline, activity) = (guard.deadline(), guard.activity);
        guard.wake_at = None;
        drop(guard);
        self.core.turned.notify_all();

        let timer = match result.state {
            State::Exited(exit @ WitExit::Limited(_)) => return Ok(Step::Stopped(exit.into())),
            State::Exited(exit) => return Ok(Step::Exited(exit.into())),
            State::Running => {
                progress = true;
                None
            }
            State::Waiting(wait) => {
                if wait.stdin {
                    let mut core = self.core.lock();
                    progress |= core.feed()?;
                    core.io().stdin.want(&self.mailbox);
                }
                wait.timer
            }
        };
        progress |= self.poll(context)?;

        let mut core = self.core.lock();
        progress |= core.activity != activity;
        let now = Instant::now();
        // The shell ends a run at its limit by itself; this is for one that cannot.
        let deadline = deadline.and_then(|deadline| deadline.checked_add(GRACE));
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Ok(Step::Stopped(Exit::Signalled(Signal::Kill)));
        }
        if progress {
            return Ok(Step::Progress);
        }
        let timer = timer.and_then(|timer| now.checked_add(Duration::from_nanos(timer)));
        let until = [timer, core.wake_at.take(), deadline].into_iter().flatten().min();
        Ok(Step::Idle { until })
    }

    /// Lets every command that runs outside the shell go on. Whether one has ended.
    fn poll(&mut self, context: &mut Context<'_>) -> Result<bool, Trapped> {
        let mut ended = Vec::new();
        self.foreign.retain_mut(|foreign| match foreign.future.as_mut().poll(context) {
            Poll::Ready(exit) => {
                ended.push((foreign.id, exit));
                false
            }
            Poll::Pending => true,
        });
        let progress = !ended.is_empty();
        for (id, exit) in ended {
            // Unwanted is the answer of a process that was killed in the meantime.
            self.core.lock().answer(id, &Answer::Exited(exit))?;
        }
        Ok(progress | self.hand_on()?)
    }

    /// Hands on what has come from the network. Whether there was something.
    fn hand_on(&mut self) -> Result<bool, Trapped> {
        let mut core = self.core.lock();
        for id in std::mem::take(&mut self.paused) {
            match core.answer(id, &Answer::Body(Vec::new()))? {
                Reception::Taken => {}
                Reception::Full => self.paused.push(id),
                Reception::Unwanted => core.io().exchanges.cancel(id),
            }
        }
        let paused = &self.paused;
        let answers = core.io().exchanges.take(|id| !paused.contains(&id));
        let progress = !answers.is_empty();
        for (id, answer) in answers {
            match core.answer(id, &answer)? {
                Reception::Taken => {}
                Reception::Full => self.paused.push(id),
                Reception::Unwanted => core.io().exchanges.cancel(id),
            }
        }
        Ok(progress)
    }

    /// Starts a command: nothing happens before its first poll.
    fn command(
        &self,
        name: String,
        pid: u32,
        waker: &Waker,
    ) -> Pin<Box<dyn Future<Output = WitExit> + Send>> {
        let core = Arc::clone(&self.core);
        if let Some(command) = self.commands.get(&name) {
            return Box::pin(command::run(Arc::clone(command), core, pid, waker.clone()));
        }
        if PYTHON.contains(&name.as_str()) {
            let (engine, pythons) = (self.engine.clone(), self.pythons.clone());
            return Box::pin(run_python(engine, pythons, core, name, pid, self.python_memory));
        }
        Box::pin(async move {
            python::complain(&core, pid, &format!("{name}: the host does not have this command\n"));
            WitExit::Code(CANNOT_RUN)
        })
    }

    /// Ends all commands that run outside the shell.
    pub(crate) fn abandon(&mut self) {
        self.foreign.clear();
        self.paused.clear();
    }

    /// Puts the memory of Pythons back, which nobody waits for now.
    pub(crate) fn tidy(&self) {
        let used = |instances: &Vec<Instance>| instances.iter().any(Instance::used);
        let mut kept = self.pythons.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used(&kept) {
            kept.retain_mut(|instance| {
                let mut reset = std::pin::pin!(instance.reset());
                let mut context = Context::from_waker(Waker::noop());
                loop {
                    // It yields when the epoch moves, and waits for nothing.
                    if let Poll::Ready(result) = reset.as_mut().poll(&mut context) {
                        return result.is_ok();
                    }
                }
            });
        }
    }
}

/// The answer to a request for a command from inside the composed sandbox, where nobody outside can run one.
pub(crate) const CANNOT_ANSWER: Answer = Answer::Exited(WitExit::Code(CANNOT_RUN));

/// Runs one `python3`, in an instance that another has left or in a new one.
async fn run_python(
    engine: Engine,
    pythons: Pythons,
    core: Arc<CoreCell>,
    name: String,
    pid: u32,
    memory: usize,
) -> WitExit {
    // A computing Python gives way at every tick.
    let _ticking = engine.0.tick();
    let instance = match pythons.take() {
        Some(instance) => Ok(instance),
        None => match engine.0.python() {
            Ok(pre) => {
                Instance::new(&pre, Arc::clone(&core), memory).await.map_err(|error| format!("{error:#}"))
            }
            Err(error) => Err(chain(&error)),
        },
    };
    let mut instance = match instance {
        Ok(instance) => instance,
        Err(error) => {
            python::complain(&core, pid, &format!("{name}: cannot start Python: {error}\n"));
            return WitExit::Code(CANNOT_RUN);
        }
    };
    match instance.run(pid).await {
        Ok(exit) => {
            pythons.keep(instance);
            exit
        }
        Err(error) => {
            tracing::debug!(error = %format!("{error:#}"), "Python has trapped");
            instance.complain(pid, &format!("{name}: the interpreter crashed: {}\n", error.root_cause()));
            WitExit::Signalled(Signal::Segv.into())
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

/// The exit of a run that its limit of time has ended from outside.
pub(crate) fn timed_out(wall_time_ms: Option<u64>, exit: Exit) -> Exit {
    match (wall_time_ms, exit) {
        (Some(ms), Exit::Signalled(Signal::Kill)) => Exit::Limited(Limit::WallTimeMs(ms)),
        (_, exit) => exit,
    }
}
