//! A run under way: advanced by a thread or by a task, and ended exactly once.

use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::bindings::core::wasmsh::session::types::RunOptions;
use crate::core::{GRACE, Sink, Trapped};
use crate::driver::{Driver, Step, timed_out};
use crate::limits::{Limit, Limits};
use crate::mailbox::Mailbox;
use crate::output::{Collected, Output};
use crate::run::RunError;
use crate::stdin::Source;
use crate::ticker::Ticking;
use crate::timer::Alarm;
use crate::types::{Exit, Signal};

/// How long a task computes before other tasks of its thread get their turn.
const TURN: Duration = Duration::from_millis(10);

/// Where a session keeps its driver while nothing runs.
#[derive(Default)]
pub(crate) struct Garage {
    place: Mutex<Place>,
    back: Condvar,
}

#[derive(Default)]
struct Place {
    driver: Option<Driver>,
    /// The run that has it is on its way back, whatever the mailbox, which is emptied before, says.
    returning: bool,
}

impl Garage {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, driver: Driver) {
        *self.place() = Place { driver: Some(driver), returning: false };
        self.back.notify_all();
    }

    /// The run is over, but for what it leaves behind.
    fn expect_back(&self) {
        self.place().returning = true;
    }

    /// The driver, unless a run has it. For one that is ending or being cancelled this waits, however long that takes on a
    /// machine that is busy: it comes back, since what does not stop by itself is stopped.
    fn take(&self, mailbox: &Mailbox) -> Option<Driver> {
        let mut place = self.place();
        while place.driver.is_none() && (place.returning || mailbox.cancelled_at().is_some()) {
            place = self.back.wait_timeout(place, GRACE).unwrap_or_else(PoisonError::into_inner).0;
        }
        place.driver.take()
    }

    /// Uses the driver, unless a run has it.
    pub(crate) fn with(&self, call: impl FnOnce(&mut Driver)) {
        if let Some(driver) = &mut self.place().driver {
            call(driver);
        }
    }
}

/// A run that was started. Dropping it ends it.
pub(crate) struct Active {
    /// `None`: it is back in its garage.
    driver: Option<Driver>,
    garage: Arc<Garage>,
    limits: Limits,
    deadline: Option<Instant>,
    /// Moves the epoch for the backstops behind the limits of time.
    _ticking: Option<Ticking>,
    span: tracing::Span,
}

/// What a run is started with.
pub(crate) struct Start {
    pub(crate) script: Vec<u8>,
    pub(crate) options: RunOptions,
    pub(crate) stdin: Source,
    pub(crate) sink: Sink,
    pub(crate) limits: Limits,
}

impl Active {
    pub(crate) fn start(garage: &Arc<Garage>, mailbox: &Mailbox, start: Start) -> Result<Self, RunError> {
        let limits = start.limits;
        let mut driver = garage.take(mailbox).ok_or(RunError::Busy(1))?;
        let span = tracing::info_span!("run", bytes = start.script.len());
        let deadline =
            limits.wall_time_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
        let begun = span.in_scope(|| -> Result<(), RunError> {
            let recovery = driver.revive()?.or(driver.revived.take());
            driver.checkpoint()?;
            let mut core = driver.core.lock();
            core.start(&start.script, &start.options, start.stdin, start.sink, limits, deadline)?
                .map_err(|busy| RunError::Busy(busy.processes))?;
            core.io().collected.recovery = recovery;
            Ok(())
        });
        if let Err(error) = begun {
            garage.put(driver);
            return Err(error);
        }
        let timed = deadline.is_some() || limits.cpu_time_ms.is_some();
        let ticking = timed.then(|| driver.engine().0.tick());
        Ok(Self {
            driver: Some(driver),
            garage: Arc::clone(garage),
            limits,
            deadline,
            _ticking: ticking,
            span,
        })
    }

    fn driver(&mut self) -> Result<&mut Driver, Trapped> {
        self.driver.as_mut().ok_or_else(|| Trapped("the run is over".into()))
    }

    /// One step; `waker` is the mailbox, which every part of a run wakes.
    fn step(&mut self, waker: &Waker) -> Result<Step, Trapped> {
        let span = self.span.clone();
        let _entered = span.enter();
        self.driver()?.step(&mut Context::from_waker(waker))
    }

    /// Advances to the end, and waits in this thread.
    pub(crate) fn block(mut self) -> Result<Output, RunError> {
        let mailbox = Arc::clone(&self.driver()?.mailbox);
        let waker = Waker::from(Arc::clone(&mailbox));
        let exit = loop {
            match self.step(&waker) {
                Ok(Step::Progress) => {}
                Ok(Step::Exited(exit) | Step::Stopped(exit)) => break Ok(exit),
                Ok(Step::Idle { until }) => {
                    if mailbox.is_empty() {
                        self.driver()?.tidy();
                    }
                    mailbox.wait(until);
                }
                Err(trapped) => break Err(trapped),
            }
        };
        self.end(exit)
    }

    /// Advances to the end, in the task that awaits it.
    pub(crate) async fn wait(mut self) -> Result<Output, RunError> {
        let mailbox = Arc::clone(&self.driver()?.mailbox);
        let timer = self.driver()?.engine().0.timer.clone();
        let waker = Waker::from(Arc::clone(&mailbox));
        let mut alarm: Option<(Instant, Waker, Alarm)> = None;
        let exit = poll_fn(|context| {
            let turn = Instant::now();
            loop {
                // Something that computes without end makes no progress, and leaves mail whenever it has given way.
                if turn.elapsed() >= TURN {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                match self.step(&waker) {
                    Ok(Step::Progress) => {}
                    Ok(Step::Exited(exit) | Step::Stopped(exit)) => return Poll::Ready(Ok(exit)),
                    Ok(Step::Idle { until }) => {
                        if until.is_some_and(|until| until <= Instant::now())
                            || !mailbox.register(context.waker())
                        {
                            continue;
                        }
                        let task = context.waker();
                        let set = |at| matches!(&alarm, Some((set, waker, _)) if *set == at && waker.will_wake(task));
                        if !until.is_some_and(set) {
                            alarm = until.map(|at| (at, task.clone(), timer.wake_at(at, task)));
                        }
                        return Poll::Pending;
                    }
                    Err(trapped) => return Poll::Ready(Err(trapped)),
                }
            }
        })
        .await;
        self.end(exit)
    }

    /// Ends it, however it came to its end.
    fn end(mut self, exit: Result<Exit, Trapped>) -> Result<Output, RunError> {
        let span = self.span.clone();
        let _entered = span.enter();
        let late = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        let wall = self.limits.wall_time_ms.filter(|_| late);
        let cpu = self.limits.cpu_time_ms;
        self.garage.expect_back();
        let driver = self.driver()?;
        let (exit, collected) = match exit.and_then(|exit| Ok((exit, driver.finish()?))) {
            // Where the session cannot be made anew now, the next run tries again and tells.
            Ok((Exit::Limited(limit @ Limit::MemoryBytes(_)), mut collected)) => {
                collected.recovery = driver.recycle().ok().or(collected.recovery);
                (Exit::Limited(limit), collected)
            }
            Ok((exit, collected)) => (timed_out(wall, exit), collected),
            Err(trapped) => {
                let (why, mut collected) = driver.wreck(cpu);
                collected.recovery = driver.revive().ok().flatten();
                collected.trap = Some(trapped.0.to_string());
                (timed_out(wall, why), collected)
            }
        };
        let output = collected.finish(exit);
        tracing::debug!(status = output.status(), steps = output.steps, "run ended");
        Ok(output)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if let Some(mut driver) = self.driver.take() {
            if driver.running() {
                self.garage.expect_back();
                // Nobody wants to know how it ends; a core that traps here is made anew when the next run begins.
                let _ = driver.finish();
            }
            self.garage.put(driver);
        }
    }
}

impl Driver {
    /// What a run that has trapped has come to, and what it had written. The limit that made it trap is its end.
    fn wreck(&mut self, cpu: Option<u64>) -> (Exit, Collected) {
        self.abandon();
        let mut core = self.core.lock();
        let refused = core.memory().refused();
        let spent = core.io().cpu_left() == Some(Duration::ZERO);
        let (cancelled, collected) = (core.io().cancelled, core.wreck());
        let exit = match (refused, cpu.filter(|_| spent), cancelled) {
            (Some(limit), _, _) => Exit::Limited(limit),
            (None, Some(ms), _) => Exit::Limited(Limit::CpuTimeMs(ms)),
            (None, None, true) => Exit::Signalled(Signal::Kill),
            (None, None, false) => Exit::Signalled(Signal::Segv),
        };
        (exit, collected)
    }
}
