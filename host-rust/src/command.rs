//! Commands of the host's: closures that a script runs like any other command.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wasmtime::Store;

use crate::bindings::core::exports::wasmsh::fs::types::ErrorCode;
use crate::bindings::core::exports::wasmsh::session::processes::GuestProcess;
use crate::bindings::core::wasmsh::session::types::Exit as WitExit;
use crate::component::CommandComponent;
use crate::core::{Core, CoreCell, CoreState};
use crate::python::{Handle, complain};
use crate::types::{Errno, Signal};

/// A command: gets its process, returns its status.
pub(crate) type Command = dyn Fn(Process) -> u8 + Send + Sync;

/// What answers a command that the shell does not have itself.
#[derive(Clone)]
pub(crate) enum Answering {
    /// A closure of the host's.
    Closure(Arc<Command>),
    /// Somebody's component.
    Component(CommandComponent),
}

/// The host's commands, by name.
pub(crate) type Commands = BTreeMap<String, Answering>;

/// The process of a session that a command of the host's runs as. The command runs in a thread of its own, and
/// its reads and writes block until the rest of the pipeline has done its part.
///
/// ```no_run
/// use std::io::{Read, Write};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = wasmsh::Engine::new()?;
/// let mut session = engine
///     .session()
///     .command("shout", |process| {
///         let mut text = String::new();
///         match process.stdin().read_to_string(&mut text) {
///             Ok(_) => u8::from(process.stdout().write_all(text.to_uppercase().as_bytes()).is_err()),
///             Err(_) => 2,
///         }
///     })
///     .build()?;
/// assert_eq!(session.run("echo hi | shout").output()?.stdout, b"HI\n");
/// # Ok(())
/// # }
/// ```
pub struct Process {
    handle: Handle,
    core: Arc<CoreCell>,
    waker: Waker,
    cancelled: Arc<Cancelled>,
    /// The shell was given a turn since an attempt last came to something.
    asked: AtomicBool,
    arguments: Vec<Vec<u8>>,
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    cwd: String,
}

impl Process {
    /// The arguments, the name first.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder()
    ///     .command("count", |process| u8::try_from(process.arguments().len() - 1).unwrap_or(255))
    ///     .build()?;
    /// assert_eq!(session.run("count a b c").output()?.status(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn arguments(&self) -> &[Vec<u8>] {
        &self.arguments
    }

    /// The exported variables.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder()
    ///     .command("has-a", |process| u8::from(!process.environment().iter().any(|(name, _)| name == b"A")))
    ///     .build()?;
    /// assert_eq!(session.run("A=1 has-a").output()?.status(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn environment(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.environment
    }

    /// The value of an exported variable.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder()
    ///     .command("is-b", |process| u8::from(process.variable("A") != Some(b"b")))
    ///     .build()?;
    /// assert_eq!(session.run("A=b is-b").output()?.status(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&[u8]> {
        let found = self.environment.iter().find(|(variable, _)| variable == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    /// The working directory.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder()
    ///     .command("at-home", |process| u8::from(process.cwd() != "/home/user"))
    ///     .build()?;
    /// assert_eq!(session.run("cd; at-home").output()?.status(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn cwd(&self) -> &str {
        &self.cwd
    }

    /// Standard input.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder()
    ///     .command("lines", |process| {
    ///         std::io::read_to_string(process.stdin()).map_or(255, |text| text.lines().count() as u8)
    ///     })
    ///     .build()?;
    /// assert_eq!(session.run("seq 5 | lines").output()?.status(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stdin(&self) -> ProcessStream<'_> {
        ProcessStream { process: self, number: 0 }
    }

    /// Standard output.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// let mut session = wasmsh::Sandbox::builder()
    ///     .command("hello", |process| u8::from(process.stdout().write_all(b"hello\n").is_err()))
    ///     .build()?;
    /// assert_eq!(session.run("hello").output()?.stdout, b"hello\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stdout(&self) -> ProcessStream<'_> {
        ProcessStream { process: self, number: 1 }
    }

    /// Standard error.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// let mut session = wasmsh::Sandbox::builder()
    ///     .command("fail", |process| 1 + u8::from(process.stderr().write_all(b"no\n").is_err()))
    ///     .build()?;
    /// assert_eq!(session.run("fail").output()?.stderr, b"no\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stderr(&self) -> ProcessStream<'_> {
        ProcessStream { process: self, number: 2 }
    }

    /// Calls once. `None`: nothing comes of it before the shell had a turn, after which `task` is woken.
    fn attempt_once<R>(
        &self,
        call: impl FnOnce(
            GuestProcess<'_>,
            &mut Store<CoreState>,
            &Handle,
        ) -> wasmtime::Result<Result<R, ErrorCode>>,
        task: &Waker,
    ) -> Poll<io::Result<R>> {
        let mut core = self.core.lock();
        if self.cancelled.flag.load(Ordering::Acquire) {
            return Poll::Ready(Err(killed()));
        }
        let called = core.call_in(self.handle.of(), |world, store| {
            call(world.wasmsh_session_processes().process(), store, &self.handle)
        });
        match called {
            Err(_) => Poll::Ready(Err(io::Error::other("the session has ended"))),
            Ok(Ok(result)) => {
                core.activity += 1;
                self.asked.store(false, Ordering::Relaxed);
                self.waker.wake_by_ref();
                Poll::Ready(Ok(result))
            }
            Ok(Err(ErrorCode::Again)) => {
                self.core.wake_after_turn(task);
                self.ask(&mut core);
                Poll::Pending
            }
            Ok(Err(error)) => Poll::Ready(Err(failure(error))),
        }
    }

    /// Has the shell take another turn, once: an attempt may have told it that standard input is waited for, and only
    /// a turn after that tells the host.
    fn ask(&self, core: &mut Core) {
        if !self.asked.swap(true, Ordering::Relaxed) {
            core.activity += 1;
            self.waker.wake_by_ref();
        }
    }

    /// Calls until something comes of it; between two attempts the shell has a turn.
    fn attempt<R>(
        &self,
        mut call: impl FnMut(
            GuestProcess<'_>,
            &mut Store<CoreState>,
            &Handle,
        ) -> wasmtime::Result<Result<R, ErrorCode>>,
    ) -> io::Result<R> {
        let mut core = self.core.lock();
        loop {
            if self.cancelled.flag.load(Ordering::Acquire) {
                return Err(killed());
            }
            let result = core
                .call_in(self.handle.of(), |world, store| {
                    call(world.wasmsh_session_processes().process(), store, &self.handle)
                })
                .map_err(|_| io::Error::other("the session has ended"))?;
            match result {
                Ok(result) => {
                    core.activity += 1;
                    self.asked.store(false, Ordering::Relaxed);
                    self.waker.wake_by_ref();
                    return Ok(result);
                }
                Err(ErrorCode::Again) => {
                    self.ask(&mut core);
                    core = self.core.turned.wait(core).unwrap_or_else(PoisonError::into_inner);
                }
                Err(error) => return Err(failure(error)),
            }
        }
    }
}

fn killed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the process was killed")
}

fn failure(error: ErrorCode) -> io::Error {
    let kind = match error {
        ErrorCode::BrokenPipe => io::ErrorKind::BrokenPipe,
        ErrorCode::Interrupted => io::ErrorKind::Interrupted,
        ErrorCode::NoSpace | ErrorCode::OverQuota => io::ErrorKind::StorageFull,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, Errno::from(error))
}

/// A stream of a [`Process`], for blocking and for asynchronous commands.
///
/// ```
/// use std::io::{BufRead, BufReader, Write};
///
/// let mut session = wasmsh::Sandbox::builder()
///     .command("number", |process| {
///         for (number, line) in BufReader::new(process.stdin()).lines().enumerate() {
///             let Ok(line) = line else { return 1 };
///             if writeln!(process.stdout(), "{} {line}", number + 1).is_err() {
///                 return 1;
///             }
///         }
///         0
///     })
///     .build()?;
/// assert_eq!(session.run("printf 'a\nb\n' | number").output()?.stdout, b"1 a\n2 b\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ProcessStream<'p> {
    process: &'p Process,
    number: u32,
}

/// Bytes that cross into or out of the core at once.
const PIECE: usize = 64 << 10;

impl Read for ProcessStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let max = u32::try_from(buffer.len().min(PIECE)).unwrap_or(u32::MAX);
        let number = self.number;
        let bytes = self
            .process
            .attempt(|guest, store, handle| guest.call_read(store, handle.resource(), number, max, false))?;
        let length = bytes.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(&bytes) {
            *to = *from;
        }
        Ok(length)
    }
}

impl Write for ProcessStream<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let piece = buffer.get(..PIECE).unwrap_or(buffer);
        if piece.is_empty() {
            return Ok(0);
        }
        let number = self.number;
        let written = self.process.attempt(|guest, store, handle| {
            match guest.call_write(store, handle.resource(), number, piece, false)? {
                Ok(0) => Ok(Err(ErrorCode::Again)),
                other => Ok(other),
            }
        })?;
        Ok(usize::try_from(written).unwrap_or(usize::MAX).min(piece.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for ProcessStream<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let max = u32::try_from(buffer.remaining().min(PIECE)).unwrap_or(u32::MAX);
        let number = self.number;
        let read = self.process.attempt_once(
            |guest, store, handle| guest.call_read(store, handle.resource(), number, max, false),
            context.waker(),
        );
        read.map_ok(|bytes| buffer.put_slice(bytes.get(..buffer.remaining()).unwrap_or(&bytes)))
    }
}

impl AsyncWrite for ProcessStream<'_> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let piece = buffer.get(..PIECE).unwrap_or(buffer);
        if piece.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let number = self.number;
        let written = self.process.attempt_once(
            |guest, store, handle| match guest.call_write(store, handle.resource(), number, piece, false)? {
                Ok(0) => Ok(Err(ErrorCode::Again)),
                other => Ok(other),
            },
            context.waker(),
        );
        written.map_ok(|written| usize::try_from(written).unwrap_or(usize::MAX).min(piece.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Whether nobody waits for a command any more, and the task to be told so.
#[derive(Default)]
pub(crate) struct Cancelled {
    flag: AtomicBool,
    task: Mutex<Option<Waker>>,
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs an asynchronous command to its end, or until it is cancelled, in this thread.
pub(crate) fn block_on(process: Process, start: impl FnOnce(Process) -> BoxFuture) -> u8 {
    let cancelled = Arc::clone(&process.cancelled);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    *cancelled.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    let mut future = start(process);
    loop {
        if cancelled.flag.load(Ordering::Acquire) {
            return 128 + Signal::Kill.number();
        }
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(status) => return status,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// What an asynchronous command does.
pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = u8> + Send>>;

/// Tells the command's thread that nobody waits for it any more.
struct Cancel {
    cancelled: Arc<Cancelled>,
    core: Arc<CoreCell>,
}

impl Drop for Cancel {
    fn drop(&mut self) {
        // Under the lock, so that a thread that is about to wait has either seen it or is woken.
        let _core = self.core.lock();
        self.cancelled.flag.store(true, Ordering::Release);
        self.core.turned.notify_all();
        let task = self.cancelled.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.wake();
        }
    }
}

/// Runs a command as the process `pid`.
pub(crate) fn run(
    command: Arc<Command>,
    core: Arc<CoreCell>,
    pid: u32,
    waker: Waker,
) -> impl Future<Output = WitExit> + Send {
    let cancelled: Arc<Cancelled> = Arc::default();
    let result: Arc<Mutex<Option<WitExit>>> = Arc::default();
    let cancel = Cancel { cancelled: Arc::clone(&cancelled), core: Arc::clone(&core) };
    let mut begin = Some((command, core, waker));
    std::future::poll_fn(move |context| {
        let _ = &cancel;
        if let Some((command, core, waker)) = begin.take() {
            let (cancelled, result) = (Arc::clone(&cancelled), Arc::clone(&result));
            let thread = std::thread::Builder::new().name("wasmsh-command".into());
            let for_complaint = Arc::clone(&core);
            let started = thread.spawn(move || {
                let exit = run_in_thread(&*command, &core, pid, &waker, cancelled);
                *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(exit);
                waker.wake();
            });
            if let Err(error) = started {
                complain(&for_complaint, pid, &format!("the host has no thread for a command: {error}\n"));
                return Poll::Ready(WitExit::Code(126));
            }
            let _ = context;
        }
        match result.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(exit) => Poll::Ready(exit),
            None => Poll::Pending,
        }
    })
}

fn run_in_thread(
    command: &Command,
    core: &Arc<CoreCell>,
    pid: u32,
    waker: &Waker,
    cancelled: Arc<Cancelled>,
) -> WitExit {
    let mut locked = core.lock();
    // The thread may come late: the run is over, and the number can be another process's.
    if cancelled.flag.load(Ordering::Acquire) {
        return WitExit::Signalled(Signal::Kill.into());
    }
    let of = locked.id;
    let opened = locked.call(|world, store| {
        let guest = world.wasmsh_session_processes().process();
        let Some(resource) = guest.call_open(&mut *store, pid)? else { return Ok(None) };
        let arguments = guest.call_arguments(&mut *store, resource)?;
        let environment = guest.call_environment(&mut *store, resource)?;
        let cwd = guest.call_cwd(store, resource)?;
        Ok(Some((resource, arguments, environment, cwd)))
    });
    drop(locked);
    // No process: it was killed before it began. No core: nobody reads the status.
    let Ok(Some((resource, arguments, environment, cwd))) = opened else {
        return WitExit::Signalled(Signal::Kill.into());
    };
    let process = Process {
        handle: Handle::new(resource, core, of),
        core: Arc::clone(core),
        waker: waker.clone(),
        cancelled,
        asked: AtomicBool::new(false),
        arguments,
        environment,
        cwd,
    };
    // The closure is the host's own code; if it panics the script sees a command that aborted.
    let status = catch_unwind(AssertUnwindSafe(|| command(process)));
    match status {
        Ok(status) => WitExit::Code(status),
        Err(_) => WitExit::Signalled(Signal::Abrt.into()),
    }
}
