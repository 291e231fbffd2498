//! One run of a script: its options, and waiting for its end.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::bindings::core::wasmsh::session::types::{RunOptions, StdinKind, TerminalSize};
use crate::core::{Sink, Trapped};
use crate::driver::{Step, timed_out};
use crate::session::Session;
use crate::stdin::Source;
use crate::types::{Collected, Exit, Limits, Output, Stream};

/// Why a run could not be carried out. That a script fails is not an error here: see [`Output::exit`].
#[derive(Debug, Error)]
pub enum RunError {
    /// Another run is under way: so many processes.
    #[error("a run is under way, with {0} processes")]
    Busy(u32),
    /// The core has trapped, or was stopped by force when it did not stop at its limit. The session is lost.
    #[error("the session has trapped: {0}")]
    Trapped(String),
    /// The script, an argument or a variable holds what cannot be in it.
    #[error("a NUL byte in {0}")]
    Nul(&'static str),
}

impl From<Trapped> for RunError {
    fn from(trapped: Trapped) -> Self {
        Self::Trapped(trapped.0.to_string())
    }
}

/// A run that has not started yet.
#[must_use = "nothing runs before `output` or `stream` is called"]
pub struct Run<'s> {
    session: &'s mut Session,
    script: Vec<u8>,
    name: Vec<u8>,
    arguments: Vec<Vec<u8>>,
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    cwd: Option<String>,
    limits: Option<Limits>,
    stdin: Source,
    stdin_is_terminal: bool,
    terminal: Option<(u16, u16)>,
    fresh: bool,
}

impl<'s> Run<'s> {
    pub(crate) fn new(session: &'s mut Session, script: Vec<u8>) -> Self {
        Self {
            session,
            script,
            name: b"bash".to_vec(),
            arguments: Vec::new(),
            environment: Vec::new(),
            cwd: None,
            limits: None,
            stdin: Source::Empty,
            stdin_is_terminal: false,
            terminal: None,
            fresh: false,
        }
    }

    /// `$0`, and the name in messages; `bash` unless set.
    pub fn name(mut self, name: impl Into<Vec<u8>>) -> Self {
        self.name = name.into();
        self
    }

    /// One more of `$1`, `$2` …
    pub fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// More of `$1`, `$2` …
    pub fn args<A: Into<Vec<u8>>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// A variable, exported, for this run alone.
    pub fn env(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The working directory, for this run alone.
    pub fn cwd(mut self, directory: impl Into<String>) -> Self {
        self.cwd = Some(directory.into());
        self
    }

    /// Limits in the place of the session's.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Ends the run after this time, with status 124.
    pub fn timeout(mut self, time: Duration) -> Self {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.limits.get_or_insert(self.session.limits).wall_time_ms = Some(ms);
        self
    }

    /// Ends the run after so many steps of the shell's machine, with status 137.
    pub fn steps(mut self, steps: u64) -> Self {
        self.limits.get_or_insert(self.session.limits).steps = Some(steps);
        self
    }

    /// Standard input: these bytes. Without it standard input is empty.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Source::Bytes(bytes.into());
        self
    }

    /// Standard input: this reader, which is read, in a thread, only when the script reads. When the run ends while
    /// the thread waits for the reader, it stays until the reader returns.
    pub fn stdin_reader(mut self, reader: impl Read + Send + 'static) -> Self {
        self.stdin = Source::Reader(Box::new(reader));
        self
    }

    /// Standard input is a terminal.
    pub fn stdin_terminal(mut self, reader: impl Read + Send + 'static) -> Self {
        self.stdin_is_terminal = true;
        self.stdin_reader(reader)
    }

    /// Standard output and error are a terminal of this size.
    pub fn terminal(mut self, columns: u16, rows: u16) -> Self {
        self.terminal = Some((columns, rows));
        self
    }

    /// Runs in a shell of its own, as by `bash -c`: nothing but files is left of it.
    pub fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// Runs to the end, and returns all that was written.
    ///
    /// # Errors
    /// [`RunError`]
    pub fn output(self) -> Result<Output, RunError> {
        let (exit, collected) = self.execute(None)?;
        Ok(collected.finish(exit))
    }

    /// Runs to the end, and gives `sink` what is written as soon as it is. When it breaks, the run ends as by a
    /// PIPE signal.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::io::Write;
    /// use std::ops::ControlFlow;
    ///
    /// let mut session = wasmsh::Engine::new()?.session().build()?;
    /// let exit = session.run("for i in 1 2 3; do echo $i; sleep 1; done").stream(|_, bytes| {
    ///     match std::io::stdout().write_all(bytes) {
    ///         Ok(()) => ControlFlow::Continue(()),
    ///         Err(_) => ControlFlow::Break(()),
    ///     }
    /// })?;
    /// assert!(exit.success());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RunError`]
    pub fn stream(
        self,
        sink: impl FnMut(Stream, &[u8]) -> ControlFlow<()> + Send + 'static,
    ) -> Result<Exit, RunError> {
        Ok(self.execute(Some(Box::new(sink)))?.0)
    }

    fn execute(self, sink: Option<Sink>) -> Result<(Exit, Collected), RunError> {
        self.check()?;
        let limits = self.limits.unwrap_or(self.session.limits);
        let deadline =
            limits.wall_time_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
        let options = RunOptions {
            name: self.name,
            arguments: self.arguments,
            environment: self.environment,
            cwd: self.cwd,
            limits: self.limits.map(Into::into),
            stdin: match &self.stdin {
                Source::Empty => StdinKind::Empty,
                Source::Reader(_) if self.stdin_is_terminal => StdinKind::Terminal,
                Source::Bytes(_) | Source::Reader(_) => StdinKind::Piped,
            },
            terminal: self.terminal.map(|(columns, rows)| TerminalSize { columns, rows }),
            fresh: self.fresh,
        };
        let driver = &mut self.session.driver;
        driver
            .core
            .lock()
            .start(&self.script, &options, self.stdin, sink, deadline)?
            .map_err(|busy| RunError::Busy(busy.processes))?;
        // The backstop behind the limit of time.
        let _ticking = deadline.map(|_| driver.engine.0.tick());
        let waker = Waker::from(Arc::clone(&driver.mailbox));
        let mut context = Context::from_waker(&waker);
        let exit = loop {
            match driver.step(&mut context)? {
                Step::Progress => {}
                Step::Exited(exit) => break exit,
                Step::Stopped(exit) => {
                    driver.abandon();
                    break exit;
                }
                Step::Idle { until } => {
                    if driver.mailbox.is_empty() {
                        driver.tidy();
                    }
                    driver.mailbox.wait(until);
                }
            }
        };
        let late = deadline.is_some_and(|deadline| deadline <= Instant::now());
        let collected = driver.core.lock().finish()?;
        Ok((timed_out(limits.wall_time_ms.filter(|_| late), exit), collected))
    }

    /// What the component model's lists would carry, and a process cannot have.
    fn check(&self) -> Result<(), RunError> {
        let nul = |bytes: &[u8]| bytes.contains(&0);
        if nul(&self.name) || self.arguments.iter().any(|argument| nul(argument)) {
            return Err(RunError::Nul("an argument"));
        }
        if self.environment.iter().any(|(name, value)| nul(name) || nul(value)) {
            return Err(RunError::Nul("a variable"));
        }
        Ok(())
    }
}
