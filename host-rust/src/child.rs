//! A run that goes on by itself, in a thread, while its streams are read and written.

use std::future::poll_fn;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::active::Active;
use crate::output::Output;
use crate::pipe::{ChildStderr, ChildStdin, ChildStdout};
use crate::run::RunError;
use crate::session::Control;
use crate::types::Signal;

/// How it ended, once it has.
#[derive(Default)]
pub(crate) struct Ending {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    output: Option<Result<Output, RunError>>,
    waiting: Vec<Waker>,
}

impl Ending {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, output: Result<Output, RunError>) {
        let mut state = self.lock();
        state.output = Some(output);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// A run that was started by [`Run::spawn`](crate::Run::spawn). Dropping it cancels the run.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let mut session = wasmsh::Sandbox::builder().build()?;
/// let mut child = session.run("tr a-z A-Z").spawn()?;
/// let mut stdin = child.stdin.take().ok_or("no stdin")?;
/// stdin.write_all(b"hello\n").await?;
/// drop(stdin);
/// let mut text = String::new();
/// child.stdout.take().ok_or("no stdout")?.read_to_string(&mut text).await?;
/// assert_eq!(text, "HELLO\n");
/// assert!(child.ended().await?.success());
/// # Ok(())
/// # }
/// ```
pub struct Child {
    /// Standard input, unless the run was given another one.
    pub stdin: Option<ChildStdin>,
    /// Standard output. The run waits while it is not read, or until it is dropped.
    pub stdout: Option<ChildStdout>,
    /// Standard error. The run waits while it is not read, or until it is dropped.
    pub stderr: Option<ChildStderr>,
    control: Control,
    ending: Arc<Ending>,
}

impl Child {
    pub(crate) fn spawn(
        active: Active,
        control: Control,
        stdin: Option<ChildStdin>,
        stdout: ChildStdout,
        stderr: ChildStderr,
    ) -> Result<Self, RunError> {
        let ending = Arc::new(Ending::default());
        let result = Arc::clone(&ending);
        let thread = std::thread::Builder::new().name("wasmsh-run".into());
        thread
            .spawn(move || result.set(active.block()))
            .map_err(|error| RunError::Thread(error.to_string()))?;
        Ok(Self { stdin, stdout: Some(stdout), stderr: Some(stderr), control, ending })
    }

    /// Sends a signal to the processes in the foreground, as a terminal's keys would.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let child = session.run("sleep 60").spawn()?;
    /// child.signal(wasmsh::Signal::Term);
    /// assert_eq!(child.wait()?.status(), 143);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signal(&self, signal: Signal) {
        if !self.is_over() {
            self.control.signal(signal);
        }
    }

    /// Ends the run, as by KILL.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let child = session.run("sleep 60").spawn()?;
    /// child.cancel();
    /// assert!(!child.wait()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel(&self) {
        if !self.is_over() {
            self.control.cancel();
        }
    }

    /// Whether the run is over.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let child = session.run("exit 3").spawn()?;
    /// assert_eq!(child.wait()?.status(), 3);
    /// assert!(child.is_over());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ending.lock().output.is_some()
    }

    /// Waits for the end in this thread. The result has no output: that went through the pipes.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let child = session.run("exit 3").spawn()?;
    /// assert_eq!(child.wait()?.status(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RunError`]
    pub fn wait(&self) -> Result<Output, RunError> {
        let mut state = self.ending.lock();
        loop {
            if let Some(output) = &state.output {
                return output.clone();
            }
            state = self.ending.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the end in a task. The result has no output: that went through the pipes.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let child = session.run("exit 3").spawn()?;
    /// assert_eq!(child.ended().await?.status(), 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RunError`]
    pub async fn ended(&self) -> Result<Output, RunError> {
        poll_fn(|context| {
            let mut state = self.ending.lock();
            match &state.output {
                Some(output) => Poll::Ready(output.clone()),
                None => {
                    state.waiting.retain(|waker| !waker.will_wake(context.waker()));
                    state.waiting.push(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Closes standard input, and returns all that is still written, in this thread.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let child = session.run("echo out; echo err >&2").spawn()?;
    /// let output = child.wait_with_output()?;
    /// assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RunError`]
    pub fn wait_with_output(mut self) -> Result<Output, RunError> {
        drop(self.stdin.take());
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        let (stdout, stderr) = std::thread::scope(|scope| {
            let stderr = scope.spawn(move || stderr.map(read_to_end).unwrap_or_default());
            let stdout = stdout.map(read_to_end).unwrap_or_default();
            (stdout, stderr.join().unwrap_or_default())
        });
        Ok(self.wait()?.with_streams(stdout, stderr))
    }
}

fn read_to_end(mut pipe: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A pipe of ours does not fail.
    let _ = pipe.read_to_end(&mut bytes);
    bytes
}

impl Drop for Child {
    fn drop(&mut self) {
        self.cancel();
    }
}
