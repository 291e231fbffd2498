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
use crate::command::{self, Answering, Commands};
use crate::component;
use crate::core::{Core, CoreCell, GRACE, Trapped, computed_by_thread};
use crate::engine::Engine;
use crate::limits::Limit;
use crate::mailbox::{Mail, Mailbox};
use crate::output::{Collected, Recovery};
use crate::python::{self, Instance};
use crate::recipe::{Failure, Recipe};
use crate::snapshot::SharedFiles;
use crate::types::{Exit, Signal};

/// Steps of the shell's machine in one slice: a few milliseconds, after which signals and other commands get
/// their turn.
const FUEL: u64 = 200_000;

/// Bytes of output that are taken at once.
const MAX_OUTPUT: u32 = 256 << 10;

/// The names that run Python.
pub(crate) const PYTHON: [&str; 7] = ["python3", "python", "python3.13", "pip", "pip3", "pip3.13", "sqlite3"];

/// The name that runs `git`, where there is one.
pub(crate) const GIT: &str = "git";

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

/// What a session is put back to.
pub(crate) struct Checkpoint {
    /// Of the files, in the core that they are from.
    pub(crate) generation: u64,
    pub(crate) state: Vec<u8>,
    /// `None`: those of a new session.
    pub(crate) files: Option<Arc<SharedFiles>>,
}

/// What drives the runs of one session.
pub(crate) struct Driver {
    pub(crate) core: Arc<CoreCell>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) commands: Arc<Commands>,
    pub(crate) pythons: Pythons,
    /// What the session is put back to when its core is lost.
    checkpoint: Option<Checkpoint>,
    /// It was, and no run has told of it yet.
    pub(crate) revived: Option<Recovery>,
    /// The generation of a new session's files.
    pristine: u64,
    foreign: Vec<Foreign>,
    /// Exchanges whose answer is read more slowly than it comes.
    paused: Vec<RequestId>,
}

impl Driver {
    pub(crate) fn new(
        core: Arc<CoreCell>,
        mailbox: Arc<Mailbox>,
        recipe: Arc<Recipe>,
        commands: Arc<Commands>,
        pristine: u64,
    ) -> Self {
        Self {
            core,
            mailbox,
            recipe,
            commands,
            pythons: Pythons::default(),
            checkpoint: None,
            revived: None,
            pristine,
            foreign: Vec::new(),
            paused: Vec::new(),
        }
    }

    /// What the session is now, with so many bytes of files, so that the next run need not find out.
    pub(crate) fn keep(&mut self, bytes: u64, checkpoint: Checkpoint) {
        let most = self.recipe.checkpoint_bytes;
        if most > 0 && bytes <= most {
            self.checkpoint = Some(checkpoint);
        }
    }

    /// What the checkpoint has of the files, if it is of this generation. A new session's files are in none.
    pub(crate) fn shared(&self, generation: u64) -> Option<Arc<SharedFiles>> {
        let checkpoint = self.checkpoint.as_ref().filter(|checkpoint| checkpoint.generation == generation)?;
        checkpoint.files.clone()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.recipe.engine
    }

    /// Whether a run is under way.
    pub(crate) fn running(&self) -> bool {
        self.core.lock().running()
    }

    /// Advances the run that is under way, and counts the time that it computes, if that is limited.
    pub(crate) fn step(&mut self, context: &mut Context<'_>) -> Result<Step, Trapped> {
        let Some(limit) = self.core.lock().io().limits.cpu_time_ms else { return self.advance(context) };
        let start = computed_by_thread();
        let result = self.advance(context);
        let mut core = self.core.lock();
        core.io().computed += computed_by_thread().saturating_sub(start);
        match result? {
            Step::Progress | Step::Idle { .. } if core.io().cpu_left() == Some(Duration::ZERO) => {
                Ok(Step::Stopped(Exit::Limited(Limit::CpuTimeMs(limit))))
            }
            step => Ok(step),
        }
    }

    fn advance(&mut self, context: &mut Context<'_>) -> Result<Step, Trapped> {
        let mut progress = false;
        let mut guard = self.core.lock();
        let core = &mut *guard;
        // A signal is for the script, which is not there before the shell's first turn.
        let mail = if core.io().begun { self.mailbox.take() } else { Mail::default() };
        for signal in core.io().receive(mail) {
            core.signal(signal)?;
        }
        core.feed()?;
        if core.io().cancelled {
            return Ok(Step::Stopped(Exit::Signalled(Signal::Kill)));
        }

        if core.io().full() {
            let until = core.deadline();
            return Ok(match until {
                Some(deadline) if deadline <= Instant::now() => Step::Stopped(Exit::Signalled(Signal::Kill)),
                _ => Step::Idle { until },
            });
        }

        let result = core.resume(FUEL, MAX_OUTPUT)?;
        core.io().begun = true;
        if let Some(limit) = core.memory().close() {
            core.io().deliver(&result.output);
            return Ok(Step::Stopped(Exit::Limited(limit)));
        }
        core.io().deliver(&result.output);
        if core.io().refused {
            return Ok(Step::Stopped(Exit::Signalled(Signal::Pipe)));
        }
        progress |= !result.output.is_empty();
        let deferred = core.io().take_deferred();
        for (id, request) in deferred.into_iter().chain(result.requests) {
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
        self.core.turn();

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
                    // What was already there, in a pipe.
                    progress |= core.feed()?;
                }
                wait.timer
            }
        };
        progress |= self.poll(context)?;

        let mut core = self.core.lock();
        progress |= core.activity != activity || core.io().has_deferred();
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
        match self.commands.get(&name) {
            Some(Answering::Closure(command)) => {
                return Box::pin(command::run(Arc::clone(command), core, pid, waker.clone()));
            }
            Some(Answering::Component(component)) => {
                let (engine, component) = (self.engine().clone(), component.clone());
                return Box::pin(component::run::run(engine, component, core, name, pid, self.recipe.memory));
            }
            None => {}
        }
        if PYTHON.contains(&name.as_str()) {
            let (engine, pythons) = (self.engine().clone(), self.pythons.clone());
            return Box::pin(run_python(engine, pythons, core, name, pid, self.recipe.memory));
        }
        if name == GIT && self.engine().0.has_git {
            let (engine, memory) = (self.engine().clone(), self.recipe.memory);
            return Box::pin(async move {
                match engine.0.git() {
                    Ok(git) => component::run::run(engine, git, core, name, pid, memory).await,
                    Err(error) => {
                        python::complain(&core, pid, &format!("{name}: cannot start: {}\n", chain(&error)));
                        WitExit::Code(CANNOT_RUN)
                    }
                }
            });
        }
        Box::pin(async move {
            python::complain(&core, pid, &format!("{name}: the host does not have this command\n"));
            WitExit::Code(CANNOT_RUN)
        })
    }

    /// Ends the run, and what of it runs outside the shell.
    pub(crate) fn finish(&mut self) -> Result<Collected, Trapped> {
        self.abandon();
        self.core.lock().finish()
    }

    /// Makes a checkpoint, if the session has them and is small enough. Of the files only when they have changed.
    pub(crate) fn checkpoint(&mut self) -> Result<(), Trapped> {
        let most = self.recipe.checkpoint_bytes;
        if most == 0 {
            return Ok(());
        }
        let mut core = self.core.lock();
        let generation = core.generation()?;
        // Nothing is taken from the checkpoint that there is before the new one is whole: any of these calls may trap.
        let files = if generation == self.pristine {
            Some(None)
        } else if self.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.generation == generation) {
            None
        } else {
            let files =
                if core.usage()?.bytes <= most { core.share_files()?.ok().map(Arc::new) } else { None };
            if files.is_none() {
                // Better none than one that is older than what everybody has seen.
                self.checkpoint = None;
                return Ok(());
            }
            Some(files)
        };
        // A run that is under way is told of by whoever starts the next.
        let Ok(state) = core.save()? else { return Ok(()) };
        self.checkpoint = Some(match (files, self.checkpoint.take()) {
            (None, Some(same)) => Checkpoint { state, ..same },
            (files, _) => Checkpoint { generation, state, files: files.flatten() },
        });
        Ok(())
    }

    /// A new core in the place of one whose memory is used up, with its files and its shell.
    pub(crate) fn recycle(&mut self) -> Result<Recovery, Trapped> {
        self.pythons = Pythons::default();
        let mut core = self.core.lock();
        let kept = match (core.save(), core.share_files()) {
            (Ok(Ok(state)), Ok(Ok(files))) => {
                Some(Checkpoint { generation: 0, state, files: Some(Arc::new(files)) })
            }
            (Err(trapped), _) | (_, Err(trapped)) => {
                tracing::debug!(error = %trapped.0, "a full session cannot be read any more");
                None
            }
            (Ok(Err(_)), _) | (_, Ok(Err(_))) => None,
        };
        core.kill();
        drop(core);
        let before = kept.and_then(|kept| self.checkpoint.replace(kept).map(Some).or(Some(None)));
        let Some(before) = before else { return Ok(self.revive()?.unwrap_or(Recovery::Lost)) };
        match self.renew(self.checkpoint.as_ref()) {
            Ok(Some(core)) => {
                self.install(core)?;
                Ok(Recovery::Kept)
            }
            renewed => {
                self.checkpoint = before;
                renewed?;
                Ok(self.revive()?.unwrap_or(Recovery::Lost))
            }
        }
    }

    /// A core from a checkpoint. `None`: there is none, or it cannot be restored, now or ever. An error: no core can be had
    /// at the moment, which says nothing about the checkpoint.
    fn renew(&self, checkpoint: Option<&Checkpoint>) -> Result<Option<Core>, Trapped> {
        let Some(checkpoint) = checkpoint else { return Ok(None) };
        match self.recipe.core_with(&self.mailbox, checkpoint.files.as_deref(), &checkpoint.state) {
            Ok(core) => Ok(Some(core)),
            Err(Failure::Trapped(trapped)) => {
                tracing::warn!(error = %trapped.0, "a checkpoint cannot be restored");
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Puts a core that the checkpoint has made in its place. The checkpoint stays one of it.
    fn install(&mut self, mut core: Core) -> Result<(), Trapped> {
        if let Some(checkpoint) = &mut self.checkpoint {
            checkpoint.generation = core.generation()?;
        }
        *self.core.lock() = core;
        Ok(())
    }

    /// As [`Driver::revive`], before the run that will tell of it. What goes wrong goes wrong there again.
    pub(crate) fn revive_early(&mut self) {
        if let Ok(Some(recovery)) = self.revive() {
            self.revived = Some(recovery);
        }
    }

    /// A new core in the place of a dead one, from the checkpoint. `None`: it is not dead. After an error it still is, and
    /// the checkpoint is kept for the next attempt.
    pub(crate) fn revive(&mut self) -> Result<Option<Recovery>, Trapped> {
        if !self.core.lock().dead() {
            return Ok(None);
        }
        self.abandon();
        self.pythons = Pythons::default();
        let recovery = match self.renew(self.checkpoint.as_ref())? {
            Some(core) => {
                self.install(core)?;
                Recovery::Checkpoint
            }
            None => {
                let core = self.recipe.core(&self.mailbox).map_err(Trapped::from)?;
                self.checkpoint = None;
                self.install(core)?;
                Recovery::Lost
            }
        };
        tracing::warn!(?recovery, "the session was made anew");
        Ok(Some(recovery))
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
            if let Some(limit) = instance.memory_refused() {
                core.lock().io().collected.exceed(limit);
            }
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

impl From<Failure> for Trapped {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Instantiate(error) => Self(format!("{error:#}").into()),
            Failure::Trapped(trapped) => trapped,
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
