//! One run of a script: its options, and the ways to wait for its end.

use std::future::{Future, IntoFuture};
use std::io::Read;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::active::{Active, Start};
use crate::bindings::core::wasmsh::session::types::{RunOptions, StdinKind, TerminalSize};
use crate::child::Child;
use crate::core::{Sink, Trapped};
use crate::driver::Driver;
use crate::limits::Limits;
use crate::mount::MountError;
use crate::output::Output;
use crate::pipe::{ChildStderr, ChildStdin, ChildStdout, Inlet, Outlet, Pipe};
use crate::session::Session;
use crate::stdin::Source;
use crate::types::{Exit, Stream};

/// Why a run could not be carried out. That a script fails is not an error here: see [`Output::exit`].
///
/// ```
/// use wasmsh::RunError;
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// assert!(matches!(session.run("true").arg("a\0b").output(), Err(RunError::Nul("an argument"))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Error)]
pub enum RunError {
    /// Another run is under way: so many processes.
    #[error("a run is under way, with {0} processes")]
    Busy(u32),
    /// A component has trapped, and the session could not be made anew.
    #[error("the session has trapped: {0}")]
    Trapped(String),
    /// The run is over, and what it has changed in a mount cannot be written to the host.
    #[error("cannot write back")]
    WriteBack(#[source] Arc<MountError>),
    /// A directory of the host that is mounted cannot be looked at. Nothing has run.
    #[error("cannot look at a mounted directory")]
    Mount(#[source] Arc<MountError>),
    /// There is no thread for a run that goes on by itself.
    #[error("no thread for a run: {0}")]
    Thread(String),
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
///
/// There are four ways to start it. [`output`](Self::output) and [`stream`](Self::stream) wait in this thread.
/// Awaiting it (`session.run("…").await`) does the same in a task of any runtime, and when that future is dropped the
/// run ends. [`spawn`](Self::spawn) starts it in a thread of its own, with pipes.
///
/// ```
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// let run = session.run("cat; echo $1 $NAME").arg("one").env("NAME", "value").stdin("input\n");
/// assert_eq!(run.output()?.stdout, b"input\none value\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing runs before it is awaited, or `output`, `stream` or `spawn` is called"]
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
    on_start: Option<Box<dyn FnOnce() + Send>>,
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
            on_start: None,
        }
    }

    /// `$0`, and the name in messages; `bash` unless set.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("echo $0").name("tool").output()?.stdout, b"tool\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name(mut self, name: impl Into<Vec<u8>>) -> Self {
        self.name = name.into();
        self
    }

    /// One more of `$1`, `$2` …
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("echo $1").arg("one").output()?.stdout, b"one\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// More of `$1`, `$2` …
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("echo $2 $#").args(["one", "two"]).output()?.stdout, b"two 2\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn args<A: Into<Vec<u8>>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// A variable, exported, for this run alone.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("printenv A").env("A", "a").output()?.stdout, b"a\n");
    /// assert!(!session.run("printenv A").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn env(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The working directory, for this run alone.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("pwd").cwd("/tmp").output()?.stdout, b"/tmp\n");
    /// assert_eq!(session.run("pwd").output()?.stdout, b"/workspace\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cwd(mut self, directory: impl Into<String>) -> Self {
        self.cwd = Some(directory.into());
        self
    }

    /// Limits in the place of the session's.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let limits = wasmsh::Limits { steps: Some(1000), ..wasmsh::Limits::default() };
    /// let output = session.run("while :; do :; done").limits(limits).output()?;
    /// assert_eq!(output.exit, wasmsh::Exit::Limited(wasmsh::Limit::Steps(1000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Ends the run after this time, with status 124.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let output = session.run("sleep 60").timeout(std::time::Duration::from_millis(20)).output()?;
    /// assert_eq!(output.status(), 124);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn timeout(mut self, time: Duration) -> Self {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.limits.get_or_insert(self.session.limits).wall_time_ms = Some(ms);
        self
    }

    /// Ends the run after so many steps of the shell's machine, with status 137.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("while :; do :; done").steps(1000).output()?.status(), 137);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn steps(mut self, steps: u64) -> Self {
        self.limits.get_or_insert(self.session.limits).steps = Some(steps);
        self
    }

    /// Ends the run after it has computed for this time, with status 124.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let run = session.run("while :; do :; done").cpu_time(std::time::Duration::from_millis(20));
    /// assert_eq!(run.output()?.status(), 124);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cpu_time(mut self, time: Duration) -> Self {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.limits.get_or_insert(self.session.limits).cpu_time_ms = Some(ms);
        self
    }

    /// Ends the run when it has written more than so many bytes, with status 137.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("yes").output_bytes(1000).output()?.status(), 137);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn output_bytes(mut self, bytes: u64) -> Self {
        self.limits.get_or_insert(self.session.limits).output_bytes = Some(bytes);
        self
    }

    /// Denies requests to the network beyond so many.
    ///
    /// ```
    /// let network = wasmsh::Network::new().allow("*".parse()?);
    /// let mut session = wasmsh::Sandbox::builder().network(network).build()?;
    /// let output = session.run("curl -s http://example.org").requests(0).output()?;
    /// assert_eq!(output.exceeded, [wasmsh::Limit::Requests(0)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn requests(mut self, requests: u64) -> Self {
        self.limits.get_or_insert(self.session.limits).requests = Some(requests);
        self
    }

    /// Standard input: these bytes. Without it standard input is empty.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("wc -c").stdin("text").output()?.stdout, b"4\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Source::Bytes(bytes.into());
        self
    }

    /// Standard input: this reader, which is read, in a thread, only when the script reads. When the run ends while
    /// the thread waits for the reader, it stays until the reader returns.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let reader = std::io::Cursor::new("one\ntwo\n");
    /// assert_eq!(session.run("tail -n 1").stdin_reader(reader).output()?.stdout, b"two\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stdin_reader(mut self, reader: impl Read + Send + 'static) -> Self {
        self.stdin = Source::Reader(Box::new(reader));
        self
    }

    /// Standard input: this pipe.
    pub(crate) fn stdin_pipe(mut self, pipe: Arc<Pipe>) -> Self {
        self.stdin = Source::Pipe(pipe);
        self
    }

    /// Standard input is a terminal.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let run = session.run("test -t 0").stdin_terminal(std::io::empty());
    /// assert!(run.output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stdin_terminal(mut self, reader: impl Read + Send + 'static) -> Self {
        self.stdin_is_terminal = true;
        self.stdin_reader(reader)
    }

    /// Standard output and error are a terminal of this size.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert!(session.run("test -t 1").terminal(80, 24).output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn terminal(mut self, columns: u16, rows: u16) -> Self {
        self.terminal = Some((columns, rows));
        self
    }

    /// Runs in a shell of its own, as by `bash -c`: nothing but files is left of it.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.run("x=1").output()?;
    /// assert_eq!(session.run("echo ${x-unset}").fresh().output()?.stdout, b"unset\n");
    /// assert_eq!(session.run("echo $x").output()?.stdout, b"1\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// Is called once, in the thread or the task that starts the run, as soon as a [`Control`](crate::Control) reaches it.
    ///
    /// A run that has not begun cannot be cancelled. Who gives one up from another thread says so first where this looks, and
    /// cancels then: one of the two finds it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let given_up = Arc::new(AtomicBool::new(false));
    /// let (control, flag) = (session.control(), Arc::clone(&given_up));
    /// let run = session.run("sleep 60").on_start(move || {
    ///     if flag.load(Ordering::SeqCst) {
    ///         control.cancel();
    ///     }
    /// });
    /// given_up.store(true, Ordering::SeqCst);
    /// assert_eq!(run.output()?.status(), 137);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_start(mut self, call: impl FnOnce() + Send + 'static) -> Self {
        self.on_start = Some(Box::new(call));
        self
    }

    /// Runs to the end, and returns all that was written.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let output = session.run("echo out; exit 3").output()?;
    /// assert_eq!((output.stdout, output.exit), (b"out\n".to_vec(), wasmsh::Exit::Code(3)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RunError`]
    pub fn output(self) -> Result<Output, RunError> {
        self.block(Sink::Collect)
    }

    /// Starts the run in a thread of its own. Unless it was given a standard input, that is a pipe too. The session
    /// refuses other runs until this one is over; its files can be read and written.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let mut child = session.run("while read line; do echo \"got $line\"; done").spawn()?;
    /// let stdin = child.stdin.take().ok_or("no stdin")?;
    /// let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().ok_or("no stdout")?));
    /// std::io::Write::write_all(&mut { stdin }, b"one\n")?;
    /// assert_eq!(lines.next().transpose()?.as_deref(), Some("got one"));
    /// assert!(child.wait()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RunError`]
    pub fn spawn(mut self) -> Result<Child, RunError> {
        let control = self.session.control();
        let mailbox = Arc::clone(&self.session.mailbox);
        let (stdout, stderr) = (Pipe::new(&mailbox), Pipe::new(&mailbox));
        let stdin = matches!(self.stdin, Source::Empty).then(|| {
            let pipe = Pipe::new(&mailbox);
            self.stdin = Source::Pipe(Arc::clone(&pipe));
            ChildStdin(Inlet(pipe))
        });
        let (out, err) = (Outlet(Arc::clone(&stdout)), Outlet(Arc::clone(&stderr)));
        let active = self.start(Sink::Pipes { stdout, stderr })?;
        Child::spawn(active, control, stdin, ChildStdout(out), ChildStderr(err))
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
        Ok(self.stream_output(sink)?.exit)
    }

    /// As [`Run::stream`], and tells all of how the run ended; the streams of the result are empty.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// use std::ops::ControlFlow;
    ///
    /// // Ends the run after the first piece.
    /// let output = session.run("yes").stream_output(|_, _| ControlFlow::Break(()))?;
    /// assert_eq!(output.status(), 141);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RunError`]
    pub fn stream_output(
        self,
        sink: impl FnMut(Stream, &[u8]) -> ControlFlow<()> + Send + 'static,
    ) -> Result<Output, RunError> {
        self.block(Sink::Call(Box::new(sink)))
    }

    /// As [`Run::stream`], in a task: gives `sink` what is written as soon as it is.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let run = session.run("echo text");
    /// run.stream_async(|stream, bytes| {
    ///     eprintln!("{stream:?}: {bytes:?}");
    ///     std::ops::ControlFlow::Continue(())
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RunError`]
    pub async fn stream_async(
        self,
        sink: impl FnMut(Stream, &[u8]) -> ControlFlow<()> + Send + 'static,
    ) -> Result<Output, RunError> {
        self.wait(Sink::Call(Box::new(sink))).await
    }

    fn block(mut self, sink: Sink) -> Result<Output, RunError> {
        let output = self.start(sink)?.block()?;
        self.write_back(output)
    }

    async fn wait(mut self, sink: Sink) -> Result<Output, RunError> {
        let output = self.start(sink)?.wait().await?;
        self.write_back(output)
    }

    fn write_back(self, output: Output) -> Result<Output, RunError> {
        if self.session.writes_back() {
            self.session.commit_written().map_err(|error| RunError::WriteBack(Arc::new(error)))?;
        }
        Ok(output)
    }

    fn start(&mut self, sink: Sink) -> Result<Active, RunError> {
        self.check()?;
        if !self.session.mounts.is_empty() {
            self.session.garage.with(Driver::revive_early);
            self.session.follow_host().map_err(|error| RunError::Mount(Arc::new(error)))?;
        }
        let options = RunOptions {
            name: std::mem::take(&mut self.name),
            arguments: std::mem::take(&mut self.arguments),
            environment: std::mem::take(&mut self.environment),
            cwd: self.cwd.take(),
            limits: self.limits.map(Into::into),
            stdin: match &self.stdin {
                Source::Empty => StdinKind::Empty,
                Source::Reader(_) if self.stdin_is_terminal => StdinKind::Terminal,
                Source::Bytes(_) | Source::Reader(_) | Source::Pipe(_) => StdinKind::Piped,
            },
            terminal: self.terminal.map(|(columns, rows)| TerminalSize { columns, rows }),
            fresh: self.fresh,
        };
        let limits = self.limits.unwrap_or(self.session.limits);
        let (script, stdin) = (std::mem::take(&mut self.script), std::mem::take(&mut self.stdin));
        let start = Start { script, options, stdin, sink, limits };
        let active = Active::start(&self.session.garage, &self.session.mailbox, start)?;
        if let Some(call) = self.on_start.take() {
            call();
        }
        Ok(active)
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

impl<'s> IntoFuture for Run<'s> {
    type Output = Result<Output, RunError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 's>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.wait(Sink::Collect))
    }
}
