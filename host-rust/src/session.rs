//! Sessions: a shell and a filesystem that stay from run to run.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::bindings::core::exports::wasmsh::session::session as wit;
use crate::bindings::core::wasmsh::session::types::Config;
use crate::command::{Commands, Process};
use crate::core::{Core, CoreCell, Trapped};
use crate::driver::{Driver, PYTHON};
use crate::engine::{Engine, Python};
use crate::mailbox::Mailbox;
use crate::network::Network;
use crate::run::Run;
use crate::types::{Ceilings, Limits, Signal};

/// The directory that a session starts in.
pub const DEFAULT_WORKSPACE_DIR: &str = "/workspace";

/// Memory that one component may have unless the builder says otherwise: a quarter of what 32 bits address.
const DEFAULT_MEMORY: usize = 1 << 30;

/// Why a session cannot be made.
#[derive(Debug, Error)]
pub enum SessionError {
    /// There is no room for another one: memory, or the engine's pool.
    #[error("cannot create a session")]
    Instantiate(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The core has trapped while it started.
    #[error("the session has trapped: {0}")]
    Trapped(String),
    /// A variable that cannot be in an environment: its name.
    #[error("a name or a value contains a NUL byte: {0:?}")]
    Nul(String),
}

/// Why the shell's state cannot be saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// Background jobs are running: their number.
    #[error("{0} processes are running")]
    Busy(u32),
    /// The core has trapped. The session is lost.
    #[error("the session has trapped: {0}")]
    Trapped(String),
}

/// Why a state cannot be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Background jobs are running: their number.
    #[error("{0} processes are running")]
    Busy(u32),
    /// These bytes are no state, or a damaged one.
    #[error("damaged state: {0}")]
    Damaged(String),
    /// A later version of wasmsh has written it: the version of the format.
    #[error("the state has the newer format {0}")]
    NewerVersion(u32),
    /// The core has trapped. The session is lost.
    #[error("the session has trapped: {0}")]
    Trapped(String),
}

impl From<Trapped> for SessionError {
    fn from(trapped: Trapped) -> Self {
        Self::Trapped(trapped.0.to_string())
    }
}

impl From<Trapped> for SaveError {
    fn from(trapped: Trapped) -> Self {
        Self::Trapped(trapped.0.to_string())
    }
}

impl From<Trapped> for LoadError {
    fn from(trapped: Trapped) -> Self {
        Self::Trapped(trapped.0.to_string())
    }
}

/// Settings of a session.
pub struct SessionBuilder {
    engine: Engine,
    environment: BTreeMap<String, Vec<u8>>,
    cwd: String,
    umask: u32,
    limits: Limits,
    ceilings: Ceilings,
    memory: usize,
    files: Option<u64>,
    network: Option<Network>,
    commands: Commands,
}

impl SessionBuilder {
    pub(crate) fn new(engine: Engine) -> Self {
        let environment = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/home/user"),
            ("USER", "user"),
            ("LOGNAME", "user"),
            ("SHELL", "/bin/bash"),
            ("LANG", "C.UTF-8"),
            ("TERM", "dumb"),
            ("TZ", "UTC"),
        ];
        Self {
            engine,
            environment: environment.map(|(name, value)| (name.to_owned(), value.into())).into(),
            cwd: DEFAULT_WORKSPACE_DIR.to_owned(),
            umask: 0o022,
            limits: Limits::default(),
            ceilings: Ceilings::default(),
            memory: DEFAULT_MEMORY,
            files: None,
            network: None,
            commands: Commands::new(),
        }
    }

    /// Sets a variable of every run, exported.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Forgets all variables that would be set, those that every session has (`PATH`, `HOME`, …) included.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.environment.clear();
        self
    }

    /// The directory to start in, absolute; [`DEFAULT_WORKSPACE_DIR`] unless set. The file functions of the session
    /// resolve relative paths from here.
    #[must_use]
    pub fn cwd(mut self, directory: impl Into<String>) -> Self {
        self.cwd = directory.into();
        self
    }

    /// The permission bits that new files do not get; `0o022` unless set.
    #[must_use]
    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = umask & 0o777;
        self
    }

    /// What ends a run that would not end by itself; nothing does unless set.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the session may hold at one time.
    #[must_use]
    pub fn ceilings(mut self, ceilings: Ceilings) -> Self {
        self.ceilings = ceilings;
        self
    }

    /// What the session may reach over HTTP, for `curl`, `wget` and the like; nothing unless set.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = Some(network);
        self
    }

    /// Bytes of memory that each component of the session may have; 1 GiB unless set. The shell and the
    /// filesystem are two, every Python that runs at the same time is another.
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Bytes that all files together may hold (`Disk quota exceeded` beyond).
    #[must_use]
    pub fn filesystem_limit(mut self, bytes: u64) -> Self {
        self.files = Some(bytes);
        self
    }

    /// A command that is a closure of the host's; it returns its exit status. See [`Process`].
    #[must_use]
    pub fn command(
        mut self,
        name: impl Into<String>,
        run: impl Fn(&Process) -> u8 + Send + Sync + 'static,
    ) -> Self {
        self.commands.insert(name.into(), Arc::new(run));
        self
    }

    /// Creates the session.
    ///
    /// # Errors
    /// [`SessionError`]
    pub fn build(self) -> Result<Session, SessionError> {
        for (name, value) in &self.environment {
            if name.contains('\0') || value.contains(&0) {
                return Err(SessionError::Nul(name.clone()));
            }
        }
        let inner = &self.engine.0;
        let mailbox = Arc::new(Mailbox::default());
        let composed = inner.python == Python::Composed;
        let mut core = Core::new(&inner.core, Arc::clone(&mailbox), self.memory, self.network, composed)
            .map_err(|error| SessionError::Instantiate(Arc::from(error.into_boxed_dyn_error())))?;
        let mut commands: Vec<String> = self.commands.keys().cloned().collect();
        if inner.python == Python::Linked {
            commands.extend(PYTHON.iter().map(|name| (*name).to_owned()));
        }
        core.open(&Config {
            environment: self
                .environment
                .into_iter()
                .map(|(name, value)| (name.into_bytes(), value))
                .collect(),
            cwd: self.cwd.clone(),
            umask: self.umask,
            limits: self.limits.into(),
            ceilings: self.ceilings.into(),
            commands,
            // Every Python has an instance of its own here; the composed sandbox has one, and says so by itself.
            exclusive_commands: Vec::new(),
            host_blocks: true,
        })?;
        if let Some(bytes) = self.files {
            core.call(|world, store| {
                let quotas = world.wasmsh_fs_quotas();
                let mut quota = quotas.call_get_quota(&mut *store)?;
                quota.bytes = bytes;
                quotas.call_set_quota(store, quota)
            })?;
        }
        let driver =
            Driver::new(CoreCell::new(core), mailbox, self.engine, Arc::new(self.commands), self.memory);
        Ok(Session { driver, limits: self.limits, home: self.cwd })
    }
}

/// A shell with its files. Variables, functions, the directory and files stay from run to run.
///
/// Dropping it ends everything that runs in it.
pub struct Session {
    pub(crate) driver: Driver,
    pub(crate) limits: Limits,
    /// Where relative paths of the host start.
    pub(crate) home: String,
}

impl Session {
    /// A run of a script: `bash -c`, in this session. Nothing happens before [`Run::output`] or [`Run::stream`].
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut session = wasmsh::Engine::new()?.session().build()?;
    /// let output = session.run("read name; echo \"hello $name\"").stdin("world\n").output()?;
    /// assert_eq!(output.stdout, b"hello world\n");
    /// assert_eq!(output.status(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn run(&mut self, script: impl Into<Vec<u8>>) -> Run<'_> {
        Run::new(self, script.into())
    }

    /// What other threads may use to interrupt a run.
    #[must_use]
    pub fn control(&self) -> Control {
        Control { mailbox: Arc::clone(&self.driver.mailbox), engine: self.driver.engine.clone() }
    }

    /// The shell's working directory.
    ///
    /// # Errors
    /// [`SessionError::Trapped`]
    pub fn cwd(&mut self) -> Result<String, SessionError> {
        Ok(self.driver.core.lock().cwd()?)
    }

    /// The shell's state: variables, functions, options, traps, aliases, the directory. Files are not part of it.
    ///
    /// # Errors
    /// [`SaveError`]
    pub fn save(&mut self) -> Result<Vec<u8>, SaveError> {
        self.driver.core.lock().save()?.map_err(|busy| SaveError::Busy(busy.processes))
    }

    /// Puts a state back that [`Session::save`] has returned, here or in another session.
    ///
    /// # Errors
    /// [`LoadError`]
    pub fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        self.driver.core.lock().load(state)?.map_err(|error| match error {
            wit::LoadError::Busy(busy) => LoadError::Busy(busy.processes),
            wit::LoadError::Damaged(why) => LoadError::Damaged(why),
            wit::LoadError::NewerVersion(version) => LoadError::NewerVersion(version),
        })
    }

    /// Does now what would otherwise be done at the next run: puts the memory of a Python that has run back.
    /// For a host that has nothing better to do.
    pub fn tidy(&mut self) {
        self.driver.tidy();
    }
}

/// Interrupts the run of a session, from any thread.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut session = wasmsh::Engine::new()?.session().build()?;
/// let control = session.control();
/// std::thread::spawn(move || {
///     std::thread::sleep(std::time::Duration::from_millis(100));
///     control.signal(wasmsh::Signal::Int);
/// });
/// assert_eq!(session.run("sleep 60").output()?.status(), 130);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Control {
    mailbox: Arc<Mailbox>,
    engine: Engine,
}

impl Control {
    /// Sends a signal to the processes in the foreground, as a terminal's keys would. Between two runs it is
    /// forgotten when the next one starts.
    pub fn signal(&self, signal: Signal) {
        self.mailbox.signal(signal);
    }

    /// Ends the run, as by KILL. The session can be used further.
    pub fn cancel(&self) {
        self.mailbox.cancel(self.engine.0.tick());
    }
}
