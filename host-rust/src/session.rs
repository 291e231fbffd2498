//! Sessions: a shell and a filesystem that stay from run to run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::active::Garage;
use crate::bindings::core::exports::wasmsh::session::session as wit;
use crate::bindings::core::wasmsh::session::types::Config;
use crate::command::{Answering, Commands, Process, block_on};
use crate::component::{ComponentError, ComponentSource};
use crate::core::{Core, CoreCell, Trapped};
use crate::driver::{Checkpoint, Driver, GIT, PYTHON};
use crate::engine::{Engine, EngineError, Python};
use crate::limits::{Ceilings, Limits, Quota, Usage};
use crate::mailbox::Mailbox;
use crate::mount::{Mount, MountError, MountMode, Tree, Wanted, WantedSource};
use crate::network::Network;
use crate::recipe::{Failure, Recipe};
use crate::run::Run;
use crate::snapshot::{SharedFiles, SnapshotError};
use crate::types::Signal;

/// The directory that a session starts in.
///
/// ```
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// assert_eq!(session.cwd()?, wasmsh::DEFAULT_WORKSPACE_DIR);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const DEFAULT_WORKSPACE_DIR: &str = "/workspace";

/// Memory that one component may have unless the builder says otherwise: a quarter of what 32 bits address.
const DEFAULT_MEMORY: usize = 1 << 30;

/// Why a session cannot be made.
///
/// ```
/// use wasmsh::{Sandbox, SessionError};
///
/// let error = Sandbox::builder().env("NAME", "a\0b").build().err().ok_or("built")?;
/// assert!(matches!(error, SessionError::Nul(name) if name == "NAME"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// There is no engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A component that should be a command: the command's name.
    #[error("cannot make the command {0}")]
    Component(String, #[source] ComponentError),
    /// A directory of the host.
    #[error("cannot mount")]
    Mount(#[from] Box<MountError>),
    /// The snapshot that it should begin with, or that a fork is made by.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl From<Failure> for SessionError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Instantiate(error) => Self::Instantiate(Arc::from(error.into_boxed_dyn_error())),
            Failure::Trapped(trapped) => trapped.into(),
        }
    }
}

/// Why the shell's state cannot be saved.
///
/// ```
/// use wasmsh::SaveError;
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// session.run("sleep 60 &").output()?;
/// match session.save() {
///     Err(SaveError::Busy(processes)) => assert_eq!(processes, 1),
///     other => assert!(other.is_ok()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use wasmsh::LoadError;
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// assert!(matches!(session.load(b"no state"), Err(LoadError::Damaged(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use wasmsh::{Limits, Sandbox};
///
/// // Settings can be used again: each `build` makes another session.
/// let builder = Sandbox::builder().env("NAME", "value").limits(Limits::untrusted());
/// let (mut one, mut other) = (builder.clone().build()?, builder.build()?);
/// one.write_file("file", "text")?;
/// assert!(!other.exists("file")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SessionBuilder {
    /// `None`: the one that the process shares.
    engine: Option<Engine>,
    environment: BTreeMap<String, Vec<u8>>,
    cwd: String,
    umask: u32,
    limits: Limits,
    ceilings: Ceilings,
    memory: usize,
    quota: Quota,
    checkpoint_bytes: u64,
    network: Option<Arc<Network>>,
    commands: Commands,
    components: BTreeMap<String, ComponentSource>,
    mounts: Vec<Wanted>,
}

impl SessionBuilder {
    pub(crate) fn new(engine: Option<Engine>) -> Self {
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
            quota: Quota::default(),
            checkpoint_bytes: u64::MAX,
            network: None,
            commands: Commands::new(),
            components: BTreeMap::new(),
            mounts: Vec::new(),
        }
    }

    /// Sets a variable of every run, exported.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().env("NAME", "value").build()?;
    /// assert_eq!(session.run("printenv NAME").output()?.stdout, b"value\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Forgets all variables that would be set, those that every session has (`PATH`, `HOME`, …) included.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().env_clear().env("A", "a").build()?;
    /// assert_eq!(session.run("echo ${HOME-none} $A").output()?.stdout, b"none a\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.environment.clear();
        self
    }

    /// The directory to start in, absolute; [`DEFAULT_WORKSPACE_DIR`] unless set. The file functions of the session
    /// resolve relative paths from here.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().cwd("/tmp").build()?;
    /// assert_eq!(session.run("pwd").output()?.stdout, b"/tmp\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn cwd(mut self, directory: impl Into<String>) -> Self {
        self.cwd = directory.into();
        self
    }

    /// The permission bits that new files do not get; `0o022` unless set.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().umask(0o077).build()?;
    /// assert_eq!(session.run("touch file; stat -c %a file").output()?.stdout, b"600\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = umask & 0o777;
        self
    }

    /// What ends a run that would not end by itself; nothing does unless set.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().limits(wasmsh::Limits::untrusted()).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(crate) fn present_limits(&self) -> Limits {
        self.limits
    }

    /// What the session may hold at one time.
    ///
    /// ```
    /// let ceilings = wasmsh::Ceilings { call_depth: 10, ..wasmsh::Ceilings::default() };
    /// let mut session = wasmsh::Sandbox::builder().ceilings(ceilings).build()?;
    /// let output = session.run("f() { f; }; f").output()?;
    /// assert_eq!(output.exceeded, [wasmsh::Limit::CallDepth(10)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn ceilings(mut self, ceilings: Ceilings) -> Self {
        self.ceilings = ceilings;
        self
    }

    /// What the session may reach over HTTP, for `curl`, `wget` and the like; nothing unless set.
    ///
    /// ```
    /// let network = wasmsh::Network::new().allow("https://packages.example.org".parse()?);
    /// let mut session = wasmsh::Sandbox::builder().network(network).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = Some(Arc::new(network));
        self
    }

    /// Bytes of memory that each component of the session may have; 1 GiB unless set. The shell and the
    /// filesystem are two, every Python that runs at the same time is another.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().memory_limit(64 << 20).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Bytes that all files together may hold (`Disk quota exceeded` beyond).
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().filesystem_limit(1 << 20).build()?;
    /// let output = session.run("head -c 2M /dev/zero > file").output()?;
    /// assert_eq!(output.exceeded, [wasmsh::Limit::FilesBytes(1 << 20)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn filesystem_limit(mut self, bytes: u64) -> Self {
        self.quota.bytes = bytes;
        self
    }

    /// What the files may be.
    ///
    /// ```
    /// let quota = wasmsh::Quota { inodes: 100, ..wasmsh::Quota::default() };
    /// let mut session = wasmsh::Sandbox::builder().quota(quota).build()?;
    /// let output = session.run("touch {1..100}").output()?;
    /// assert_eq!(output.exceeded, [wasmsh::Limit::Inodes(100)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    /// Makes a checkpoint before each run, of the files when they have changed, as long as all files together have at most
    /// so many bytes; always unless set. To it the session is put back when a component traps, as it does when it is
    /// stopped by force or cannot have the memory that it needs. 0: no checkpoints, and such a session is as new
    /// afterwards. A checkpoint shares the contents of files; it takes about half a millisecond for each thousand names,
    /// and for each megabyte that was written since the last one.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().checkpoint_bytes(0).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn checkpoint_bytes(mut self, bytes: u64) -> Self {
        self.checkpoint_bytes = bytes;
        self
    }

    /// Ends a run after this time, with status 124: see [`Limits::wall_time_ms`].
    ///
    /// ```
    /// let time = std::time::Duration::from_millis(20);
    /// let mut session = wasmsh::Sandbox::builder().timeout(time).build()?;
    /// assert_eq!(session.run("sleep 60").output()?.status(), 124);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.limits.wall_time_ms = Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Ends a run after so many steps of the shell's machine, with status 137: see [`Limits::steps`].
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().steps(1000).build()?;
    /// assert_eq!(session.run("while :; do :; done").output()?.status(), 137);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn steps(mut self, steps: u64) -> Self {
        self.limits.steps = Some(steps);
        self
    }

    /// Ends a run after it has computed for this time, with status 124: see [`Limits::cpu_time_ms`].
    ///
    /// ```
    /// let time = std::time::Duration::from_millis(20);
    /// let mut session = wasmsh::Sandbox::builder().cpu_time(time).build()?;
    /// assert_eq!(session.run("while :; do :; done").output()?.status(), 124);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn cpu_time(mut self, time: Duration) -> Self {
        self.limits.cpu_time_ms = Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Ends a run when it has written more than so many bytes, with status 137: see [`Limits::output_bytes`].
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().output_bytes(1000).build()?;
    /// assert_eq!(session.run("yes").output()?.status(), 137);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn output_bytes(mut self, bytes: u64) -> Self {
        self.limits.output_bytes = Some(bytes);
        self
    }

    /// Denies a run's requests to the network beyond so many: see [`Limits::requests`].
    ///
    /// ```
    /// let network = wasmsh::Network::new().allow("*".parse()?);
    /// let mut session = wasmsh::Sandbox::builder().network(network).requests(0).build()?;
    /// let output = session.run("curl -s http://example.org").output()?;
    /// assert_eq!(output.exceeded, [wasmsh::Limit::Requests(0)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn requests(mut self, requests: u64) -> Self {
        self.limits.requests = Some(requests);
        self
    }

    /// Files, directories and links that the session may have (`No space left on device` beyond): see [`Quota::inodes`].
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().inodes(100).build()?;
    /// assert_eq!(session.run("touch {1..100}").output()?.exceeded, [wasmsh::Limit::Inodes(100)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn inodes(mut self, inodes: u64) -> Self {
        self.quota.inodes = inodes;
        self
    }

    /// Descriptors that one process may have open (`Too many open files` beyond): see [`Ceilings::descriptors`].
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().descriptors(20).build()?;
    /// let output = session.run("for i in {1..30}; do exec {fd}</dev/null; done").output()?;
    /// assert_eq!(output.exceeded, [wasmsh::Limit::Descriptors(20)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn descriptors(mut self, descriptors: u32) -> Self {
        self.ceilings.descriptors = descriptors;
        self
    }

    /// Processes that the session may have (`Resource temporarily unavailable` beyond): see [`Ceilings::processes`].
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().processes(10).build()?;
    /// let output = session.run("for i in {1..20}; do sleep 60 & done").output()?;
    /// assert_eq!(output.exceeded, [wasmsh::Limit::Processes(10)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn processes(mut self, processes: u32) -> Self {
        self.ceilings.processes = processes;
        self
    }

    /// Puts a directory of the host at an absolute path of the session, as a filesystem of its own. Its names are read now,
    /// its contents when somebody asks for them. See [`MountMode`].
    ///
    /// ```
    /// use wasmsh::{MountMode, Sandbox};
    ///
    /// let mut session = Sandbox::builder().mount(".", "/data", MountMode::ReadOnly).build()?;
    /// assert!(!session.run("echo x > /data/new").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn mount(mut self, host: impl Into<PathBuf>, guest: impl Into<String>, mode: MountMode) -> Self {
        self.mounts.push(Wanted { source: WantedSource::Host(host.into()), guest: guest.into(), mode });
        self
    }

    /// Puts a tree that this program has in memory, or in an archive of tar, at an absolute path of the session, as a
    /// filesystem of its own. Sessions of this builder share its contents. See [`Tree`] and [`MountMode`].
    ///
    /// ```
    /// use wasmsh::{MountMode, Sandbox, Tree};
    ///
    /// let tree = Tree::new().file("file", "text\n");
    /// let builder = Sandbox::builder().mount_tree(tree, "/data", MountMode::Overlay);
    /// let (mut one, mut other) = (builder.clone().build()?, builder.build()?);
    /// one.run("echo more >> /data/file").output()?;
    /// assert_eq!(one.read_file("/data/file")?, b"text\nmore\n");
    /// assert_eq!(other.read_file("/data/file")?, b"text\n");
    /// one.discard()?;
    /// assert_eq!(one.read_file("/data/file")?, b"text\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn mount_tree(mut self, tree: Tree, guest: impl Into<String>, mode: MountMode) -> Self {
        let source = WantedSource::Tree(Arc::new(tree.into()));
        self.mounts.push(Wanted { source, guest: guest.into(), mode });
        self
    }

    /// A command that is a closure of the host's; it returns its exit status. See [`Process`].
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().command("answer", |_| 42).build()?;
    /// assert_eq!(session.run("answer").output()?.status(), 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn command(
        mut self,
        name: impl Into<String>,
        run: impl Fn(&Process) -> u8 + Send + Sync + 'static,
    ) -> Self {
        self.commands.insert(name.into(), Answering::Closure(Arc::new(move |process| run(&process))));
        self
    }

    /// A command that is an asynchronous closure of the host's; its future returns the exit status, and is dropped when
    /// the process is killed. It has a thread of its own and no runtime: what it uses must bring one.
    ///
    /// ```no_run
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut session = wasmsh::Sandbox::builder()
    ///     .command_async("shout", |process| async move {
    ///         let mut text = String::new();
    ///         match process.stdin().read_to_string(&mut text).await {
    ///             Ok(_) => u8::from(process.stdout().write_all(text.to_uppercase().as_bytes()).await.is_err()),
    ///             Err(_) => 2,
    ///         }
    ///     })
    ///     .build()?;
    /// assert_eq!(session.run("echo hi | shout").output()?.stdout, b"HI\n");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn command_async<F>(
        mut self,
        name: impl Into<String>,
        run: impl Fn(Process) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = u8> + Send + 'static,
    {
        let command = move |process| block_on(process, |process| Box::pin(run(process)));
        self.commands.insert(name.into(), Answering::Closure(Arc::new(command)));
        self
    }

    /// A command that is a component: any `wasi:cli/command` of WASI 0.2, from a file, from bytes, or compiled before.
    /// See [`CommandComponent`](crate::CommandComponent).
    ///
    /// ```no_run
    /// let mut session = wasmsh::Sandbox::builder().component_command("tool", "tool.wasm").build()?;
    /// assert!(session.run("tool < /etc/passwd | sort").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn component_command(
        mut self,
        name: impl Into<String>,
        component: impl Into<ComponentSource>,
    ) -> Self {
        self.components.insert(name.into(), component.into());
        self
    }

    /// Creates the session.
    ///
    /// ```
    /// let mut session = wasmsh::Sandbox::builder().build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SessionError`]
    pub fn build(self) -> Result<Session, SessionError> {
        let _span = tracing::debug_span!("build").entered();
        for (name, value) in &self.environment {
            if name.contains('\0') || value.contains(&0) {
                return Err(SessionError::Nul(name.clone()));
            }
        }
        let engine = match self.engine {
            Some(engine) => engine,
            None => Engine::shared()?,
        };
        let mut provided = self.commands;
        for (name, source) in &self.components {
            let component =
                source.compiled(&engine).map_err(|error| SessionError::Component(name.clone(), error))?;
            provided.insert(name.clone(), Answering::Component(component));
        }
        let mut commands: Vec<String> = provided.keys().cloned().collect();
        if engine.0.python == Python::Linked {
            commands.extend(PYTHON.iter().map(|name| (*name).to_owned()));
        }
        if engine.0.has_git && !provided.contains_key(GIT) {
            commands.push(GIT.to_owned());
        }
        let config = Config {
            environment: self
                .environment
                .into_iter()
                .map(|(name, value)| (name.into_bytes(), value))
                .collect(),
            cwd: self.cwd,
            umask: self.umask,
            limits: self.limits.into(),
            ceilings: self.ceilings.into(),
            commands,
            // Every Python has an instance of its own here; the composed sandbox has one, and says so by itself.
            exclusive_commands: Vec::new(),
            host_blocks: true,
        };
        let recipe = Recipe {
            engine,
            config,
            memory: self.memory,
            quota: self.quota,
            ceilings: self.ceilings,
            network: self.network,
            checkpoint_bytes: self.checkpoint_bytes,
        };
        let mut session = Session::new(Arc::new(recipe), Arc::new(provided), self.limits)?;
        for wanted in &self.mounts {
            let mount = Mount::open(&mut session, wanted).map_err(Box::new)?;
            session.mounts.iter_mut().for_each(|other| other.beside(&mount));
            session.mounts.push(mount);
        }
        Ok(session)
    }
}

/// A shell with its files. Variables, functions, the directory and files stay from run to run.
///
/// Dropping it ends everything that runs in it.
///
/// ```
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// session.run("cd /tmp; x=1; echo text > file").output()?;
/// assert_eq!(session.run("pwd; echo $x; cat file").output()?.stdout_text(), "/tmp\n1\ntext\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Session {
    pub(crate) core: Arc<CoreCell>,
    pub(crate) mailbox: Arc<Mailbox>,
    /// What drives the run that is under way has the driver.
    pub(crate) garage: Arc<Garage>,
    recipe: Arc<Recipe>,
    commands: Arc<Commands>,
    pub(crate) limits: Limits,
    /// The generation of a new session's files.
    pristine: u64,
    pub(crate) mounts: Vec<Mount>,
}

impl Session {
    fn new(recipe: Arc<Recipe>, commands: Arc<Commands>, limits: Limits) -> Result<Self, SessionError> {
        let mailbox = Arc::new(Mailbox::default());
        let mut core = recipe.core(&mailbox)?;
        let pristine = core.generation()?;
        Ok(Self::of_core(core, mailbox, recipe, commands, limits, pristine, None))
    }

    /// Another session with the same settings, with these files and this state of the shell.
    pub(crate) fn sibling(&self, files: Arc<SharedFiles>, state: Vec<u8>) -> Result<Self, SessionError> {
        let mailbox = Arc::new(Mailbox::default());
        let mut core = self.recipe.core_with(&mailbox, Some(&files), &state)?;
        let bytes = core.usage()?.bytes;
        let checkpoint = Checkpoint { generation: core.generation()?, state, files: Some(files) };
        let (recipe, commands) = (Arc::clone(&self.recipe), Arc::clone(&self.commands));
        let session = Self::of_core(
            core,
            mailbox,
            recipe,
            commands,
            self.limits,
            self.pristine,
            Some((bytes, checkpoint)),
        );
        Ok(Self { mounts: self.mounts.iter().map(Mount::share).collect(), ..session })
    }

    /// A session without mounts around a core, which the checkpoint is of, with so many bytes of files.
    fn of_core(
        core: Core,
        mailbox: Arc<Mailbox>,
        recipe: Arc<Recipe>,
        commands: Arc<Commands>,
        limits: Limits,
        pristine: u64,
        checkpoint: Option<(u64, Checkpoint)>,
    ) -> Self {
        let core = CoreCell::new(core);
        let mut driver = Driver::new(
            Arc::clone(&core),
            Arc::clone(&mailbox),
            Arc::clone(&recipe),
            Arc::clone(&commands),
            pristine,
        );
        if let Some((bytes, checkpoint)) = checkpoint {
            driver.keep(bytes, checkpoint);
        }
        let garage = Arc::new(Garage::default());
        garage.put(driver);
        Self { core, mailbox, garage, recipe, commands, limits, pristine, mounts: Vec::new() }
    }

    /// The most bytes that a file can have.
    pub(crate) fn largest_file(&self) -> u64 {
        self.recipe.quota.file_size.min(self.recipe.quota.bytes)
    }

    /// Where relative paths of the host start.
    pub(crate) fn home(&self) -> &str {
        &self.recipe.config.cwd
    }

    /// What the files are now.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let before = session.usage()?.bytes;
    /// session.write_file("file", "text")?;
    /// assert_eq!(session.usage()?.bytes, before + 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SessionError::Trapped`]
    pub fn usage(&mut self) -> Result<Usage, SessionError> {
        Ok(self.core.lock().usage()?)
    }

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
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let control = session.control();
    /// std::thread::spawn(move || {
    ///     std::thread::sleep(std::time::Duration::from_millis(50));
    ///     control.cancel();
    /// });
    /// assert!(!session.run("sleep 60").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn control(&self) -> Control {
        Control { mailbox: Arc::clone(&self.mailbox), engine: self.recipe.engine.clone() }
    }

    /// The shell's working directory.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.run("cd /tmp").output()?;
    /// assert_eq!(session.cwd()?, "/tmp");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SessionError::Trapped`]
    pub fn cwd(&mut self) -> Result<String, SessionError> {
        Ok(self.core.lock().cwd()?)
    }

    /// The shell's state: variables, functions, options, traps, aliases, the directory. Files are not part of it.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.run("x=1").output()?;
    /// let state = session.save()?;
    /// session.run("x=2").output()?;
    /// session.load(&state)?;
    /// assert_eq!(session.run("echo $x").output()?.stdout, b"1\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SaveError`]
    pub fn save(&mut self) -> Result<Vec<u8>, SaveError> {
        self.core.lock().save()?.map_err(|busy| SaveError::Busy(busy.processes))
    }

    /// Puts a state back that [`Session::save`] has returned, here or in another session.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.run("f() { echo f; }").output()?;
    /// let mut other = wasmsh::Sandbox::builder().build()?;
    /// other.load(&session.save()?)?;
    /// assert_eq!(other.run("f").output()?.stdout, b"f\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LoadError`]
    pub fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        self.core.lock().load(state)?.map_err(|error| match error {
            wit::LoadError::Busy(busy) => LoadError::Busy(busy.processes),
            wit::LoadError::Damaged(why) => LoadError::Damaged(why),
            wit::LoadError::NewerVersion(version) => LoadError::NewerVersion(version),
        })
    }

    /// For prompts: whether a text is a whole command.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.check("if true; then")?, wasmsh::TextState::Incomplete);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SessionError::Trapped`]
    pub fn check(&mut self, text: impl AsRef<[u8]>) -> Result<TextState, SessionError> {
        Ok(match self.core.lock().check(text.as_ref())? {
            wit::TextState::Complete => TextState::Complete,
            wit::TextState::Incomplete => TextState::Incomplete,
            wit::TextState::Wrong(wit::SyntaxError { message, line, column }) => {
                TextState::Wrong { message, line, column }
            }
        })
    }

    /// For prompts: what the word that ends at `cursor`, a byte offset, may become.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("file-with-a-long-name", "")?;
    /// let completion = session.complete("cat fil", 7)?;
    /// assert_eq!((completion.start, completion.candidates), (4, vec![b"file-with-a-long-name".to_vec()]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SessionError::Trapped`]
    pub fn complete(&mut self, text: impl AsRef<[u8]>, cursor: usize) -> Result<Completion, SessionError> {
        let cursor = u32::try_from(cursor).unwrap_or(u32::MAX);
        let wit::Completion { start, candidates } = self.core.lock().complete(text.as_ref(), cursor)?;
        Ok(Completion { start: usize::try_from(start).unwrap_or(usize::MAX), candidates })
    }

    /// Does now what would otherwise be done at the next run: puts the memory of a Python that has run back.
    /// For a host that has nothing better to do.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.run("true").output()?;
    /// session.tidy();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tidy(&mut self) {
        self.garage.with(|driver| driver.tidy());
    }
}

/// What a text is to a prompt.
///
/// ```
/// use wasmsh::TextState;
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// assert_eq!(session.check("echo 'an open quote")?, TextState::Incomplete);
/// assert!(matches!(session.check("fi")?, TextState::Wrong { line: 1, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextState {
    /// Whole commands.
    Complete,
    /// More lines are needed.
    Incomplete,
    /// A syntax error.
    Wrong {
        /// What is wrong.
        message: String,
        /// Where, from 1.
        line: u32,
        /// Where, from 1.
        column: u32,
    },
}

/// What a word may become.
///
/// ```
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// let (line, cursor) = ("ech", 3);
/// let completion = session.complete(line, cursor)?;
/// let candidate = String::from_utf8_lossy(&completion.candidates[0]);
/// assert_eq!(format!("{}{candidate}", &line[..completion.start]), "echo");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The byte offset from which the candidates replace the text.
    pub start: usize,
    /// The candidates.
    #[serde(with = "crate::protocol::list")]
    pub candidates: Vec<Vec<u8>>,
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
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let control = session.control();
    /// std::thread::spawn(move || {
    ///     std::thread::sleep(std::time::Duration::from_millis(50));
    ///     control.signal(wasmsh::Signal::Term);
    /// });
    /// assert_eq!(session.run("sleep 60").output()?.status(), 143);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signal(&self, signal: Signal) {
        self.mailbox.signal(signal);
    }

    /// Ends the run, as by KILL. The session can be used further.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let control = session.control();
    /// // Between two runs there is nothing to be cancelled.
    /// control.cancel();
    /// assert!(session.run("true").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel(&self) {
        self.mailbox.cancel(self.engine.0.tick());
    }
}
