//! The engine: compiled components, shared by all sessions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wasmtime::component::{Component, Linker};
use wasmtime::{InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::core::SandboxPre;
use crate::bindings::python::PythonPre;
use crate::compiled;
use crate::component::{CommandComponent, Known};
use crate::components::{ComponentName, Components};
use crate::config;
use crate::core::CoreState;
use crate::python::PythonState;
use crate::session::SessionBuilder;
use crate::ticker::{Ticker, Ticking};
use crate::timer::Timer;

/// How a session gets its `python3`.
///
/// ```
/// use wasmsh::{Engine, Python};
///
/// let engine = Engine::builder().python(Python::None).build()?;
/// assert!(!engine.session().build()?.run("type python3").output()?.success());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Python {
    /// `python.wasm` in a store of its own, loaded when a script first runs `python3`. A session without Python
    /// pays nothing for it, several may run side by side, and a trap in one harms nothing else.
    #[default]
    Linked,
    /// Inside `sandbox.wasm`, in the shell's store: one component for everything.
    Composed,
    /// There is no `python3`.
    None,
}

/// Why an engine cannot be made, or Python not be loaded.
///
/// ```
/// use wasmsh::{Engine, EngineError};
///
/// match Engine::builder().components("/no/such/directory").build() {
///     Err(EngineError::NotFound { name, searched }) => {
///         assert_eq!((name, searched.len()), ("core", 1));
///     }
///     other => panic!("{:?}", other.err()),
/// }
/// ```
#[derive(Debug, Error)]
pub enum EngineError {
    /// A component is in none of the places that were searched.
    #[error("{name}.wasm and {name}.cwasm are missing; searched {}", list(.searched))]
    NotFound {
        /// The component's name.
        name: &'static str,
        /// Where it was searched.
        searched: Vec<PathBuf>,
    },
    /// A component cannot be read, or cannot be compiled.
    #[error("cannot load {}", .path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A component is not what this version of wasmsh expects: it imports or exports something else.
    #[error("the component {name} does not fit this version of wasmsh")]
    Mismatch {
        /// The component's name.
        name: &'static str,
        /// What does not fit.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Wasmtime does not work on this machine, or not in this configuration.
    #[error("cannot start the WebAssembly engine")]
    Runtime(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn shared(error: wasmtime::Error) -> Arc<dyn std::error::Error + Send + Sync> {
    Arc::from(error.into_boxed_dyn_error())
}

/// Called before a component is compiled, which takes seconds, since no precompiled one fits.
type OnCompile = Box<dyn Fn(ComponentName) + Send + Sync>;

/// Compiled components, shared by all sessions. Cloning is cheap; the clones are the same engine.
///
/// ```no_run
/// let engine = wasmsh::Engine::new()?;
/// let mut session = engine.session().build()?;
/// assert_eq!(session.run("echo hi").output()?.stdout, b"hi\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) python: Python,
    pub(crate) core: SandboxPre<CoreState>,
    linked: Mutex<Option<PythonPre<PythonState>>>,
    /// Whether `git` is a command of every session.
    pub(crate) has_git: bool,
    git: Mutex<Option<CommandComponent>>,
    /// What components of others run in, once there is one.
    commands: Mutex<Option<wasmtime::Engine>>,
    known_commands: Mutex<BTreeMap<PathBuf, Arc<Mutex<Option<Known>>>>>,
    components: Components,
    cache: Option<PathBuf>,
    pooled: Option<u32>,
    on_compile: Option<OnCompile>,
    ticker: Ticker,
    pub(crate) timer: Timer,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.timer.stop();
    }
}

/// Settings of an [`Engine`].
///
/// ```
/// let engine = wasmsh::Engine::builder().python(wasmsh::Python::None).pooled(100).build()?;
/// let sessions = (0..10).map(|_| engine.session().build()).collect::<Result<Vec<_>, _>>()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct EngineBuilder {
    components: Option<PathBuf>,
    cache: Option<Option<PathBuf>>,
    python: Python,
    no_git: bool,
    pooled: Option<u32>,
    on_compile: Option<OnCompile>,
}

impl EngineBuilder {
    /// The directory of the components. Without it `WASMSH_COMPONENTS` names it, or they lie beside the
    /// executable.
    ///
    /// Files that end in `.cwasm` contain machine code: whoever can write to the directory can do what this
    /// program can.
    ///
    /// ```
    /// let error = wasmsh::Engine::builder().components("/no/such/directory").build().err().ok_or("found")?;
    /// assert!(error.to_string().starts_with("core.wasm and core.cwasm are missing"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn components(mut self, directory: impl Into<PathBuf>) -> Self {
        self.components = Some(directory.into());
        self
    }

    /// Where components are kept that had to be compiled; `None`: nowhere. Without it that is `wasmsh/compiled` in the
    /// user's cache (`XDG_CACHE_HOME`, `LOCALAPPDATA` or `~/.cache`).
    ///
    /// The files contain machine code. Where others than the user could have written them they are left alone.
    ///
    /// ```
    /// // Compiled anew in each process, unless it is precompiled.
    /// let engine = wasmsh::Engine::builder().cache(None).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn cache(mut self, directory: Option<PathBuf>) -> Self {
        self.cache = Some(directory);
        self
    }

    /// How sessions get their `python3`; [`Python::Linked`] unless set.
    ///
    /// ```
    /// let engine = wasmsh::Engine::builder().python(wasmsh::Python::None).build()?;
    /// assert_eq!(engine.session().build()?.run("python3 -c pass").output()?.status(), 127);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn python(mut self, python: Python) -> Self {
        self.python = python;
        self
    }

    /// Whether sessions have `git`; they do unless this is called with `false`, where `git.wasm` or `git.cwasm` is among the
    /// components, or the crate carries it. It is loaded when a script first runs it. A command of that name of the session's own comes first.
    ///
    /// ```
    /// let engine = wasmsh::Engine::builder().git(false).build()?;
    /// assert_eq!(engine.session().build()?.run("git version").output()?.status(), 127);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn git(mut self, wanted: bool) -> Self {
        self.no_git = !wanted;
        self
    }

    /// Reserves address space for this many sessions at a time, and keeps what ended sessions had for new ones.
    /// For servers: it makes a session quicker to create, an engine slower, and more sessions than these fail
    /// with [`SessionError`](crate::SessionError).
    ///
    /// ```
    /// let engine = wasmsh::Engine::builder().pooled(10).build()?;
    /// assert!(engine.session().build()?.run("true").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pooled(mut self, sessions: u32) -> Self {
        self.pooled = Some(sessions);
        self
    }

    /// Called before a component is compiled, which takes a while; with precompiled components that is never, and otherwise
    /// only when it is not in the [cache](EngineBuilder::cache).
    ///
    /// ```
    /// let builder = wasmsh::Engine::builder().on_compile(|name| eprintln!("compiling {}", name.stem()));
    /// let engine = builder.build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn on_compile(mut self, call: impl Fn(ComponentName) + Send + Sync + 'static) -> Self {
        self.on_compile = Some(Box::new(call));
        self
    }

    /// Loads the core; Python is loaded when it is first used.
    ///
    /// ```
    /// let engine = wasmsh::Engine::builder().build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EngineError`]
    pub fn build(self) -> Result<Engine, EngineError> {
        let components = self.components.map_or_else(Components::search, Components::at);
        let name = match self.python {
            Python::Composed => ComponentName::Sandbox,
            Python::Linked | Python::None => ComponentName::Core,
        };
        let mut config = match self.python {
            // Here Python runs on whatever stack the shell runs on: see `Core::resume`.
            Python::Composed => config::deep_config(),
            Python::Linked | Python::None => config::config(),
        };
        if let Some(sessions) = self.pooled {
            config.allocation_strategy(pool(sessions));
        }
        let engine = wasmtime::Engine::new(&config).map_err(|error| EngineError::Runtime(shared(error)))?;
        let cache = self.cache.unwrap_or_else(compiled::usual_directory);
        let component = load(&engine, &components, name, cache.as_deref(), self.on_compile.as_ref())?;
        let fit = || {
            let mut linker = Linker::new(&engine);
            crate::core::add_to_linker(&mut linker)?;
            SandboxPre::new(linker.instantiate_pre(&component)?)
        };
        let core =
            fit().map_err(|error| EngineError::Mismatch { name: name.stem(), source: shared(error) })?;
        let ticker = Ticker::new();
        ticker.add(&engine);
        Ok(Engine(Arc::new(Inner {
            python: self.python,
            core,
            linked: Mutex::new(None),
            has_git: !self.no_git && components.has(ComponentName::Git),
            git: Mutex::new(None),
            commands: Mutex::new(None),
            known_commands: Mutex::default(),
            components,
            cache,
            pooled: self.pooled,
            on_compile: self.on_compile,
            ticker,
            timer: Timer::default(),
        })))
    }
}

impl Engine {
    /// An engine with the default settings.
    ///
    /// ```
    /// let engine = wasmsh::Engine::new()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EngineError`]
    pub fn new() -> Result<Self, EngineError> {
        Self::builder().build()
    }

    /// The engine with the default settings that the whole process shares, made at the first call.
    ///
    /// ```
    /// let engine = wasmsh::Engine::shared()?;
    /// assert!(engine.session().build()?.run("true").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EngineError`]; the next call tries again.
    pub fn shared() -> Result<Self, EngineError> {
        static SHARED: Mutex<Option<Engine>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        match &*shared {
            Some(engine) => Ok(engine.clone()),
            None => Ok(shared.insert(Self::new()?).clone()),
        }
    }

    /// An engine with other settings.
    ///
    /// ```
    /// let engine = wasmsh::Engine::builder().python(wasmsh::Python::None).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// A new session: an empty filesystem, a shell of its own.
    ///
    /// ```
    /// let engine = wasmsh::Engine::new()?;
    /// let mut session = engine.session().env("NAME", "value").build()?;
    /// assert_eq!(session.run("echo $NAME").output()?.stdout, b"value\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn session(&self) -> SessionBuilder {
        SessionBuilder::new(Some(self.clone()))
    }

    /// Loads Python now, rather than when a script first runs it.
    ///
    /// ```
    /// let engine = wasmsh::Engine::new()?;
    /// engine.preload_python()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EngineError`]
    pub fn preload_python(&self) -> Result<(), EngineError> {
        if self.0.python == Python::Linked { self.0.python().map(drop) } else { Ok(()) }
    }
}

impl Inner {
    /// Python, loaded at the first call.
    pub(crate) fn python(&self) -> Result<PythonPre<PythonState>, EngineError> {
        let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(python) = &*linked {
            return Ok(python.clone());
        }
        let mut config = config::deep_config();
        if let Some(sessions) = self.pooled {
            config.allocation_strategy(pool(sessions));
        }
        let engine = wasmtime::Engine::new(&config).map_err(|error| EngineError::Runtime(shared(error)))?;
        let name = ComponentName::Python;
        let component =
            load(&engine, &self.components, name, self.cache.as_deref(), self.on_compile.as_ref())?;
        let fit = || {
            let mut linker = Linker::new(&engine);
            crate::python::add_to_linker(&mut linker)?;
            PythonPre::new(linker.instantiate_pre(&component)?)
        };
        let python =
            fit().map_err(|error| EngineError::Mismatch { name: name.stem(), source: shared(error) })?;
        self.ticker.add(&engine);
        *linked = Some(python.clone());
        Ok(python)
    }

    /// `git`, loaded at the first call.
    pub(crate) fn git(&self) -> Result<CommandComponent, EngineError> {
        let mut git = self.git.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(git) = &*git {
            return Ok(git.clone());
        }
        let name = ComponentName::Git;
        let engine = self.command_engine().map_err(|error| EngineError::Runtime(shared(error)))?;
        let component =
            load(&engine, &self.components, name, self.cache.as_deref(), self.on_compile.as_ref())?;
        let linked = CommandComponent::link(&engine, component)
            .map_err(|error| EngineError::Mismatch { name: name.stem(), source: Arc::new(error) })?;
        Ok(git.insert(linked).clone())
    }

    /// Where components are kept that had to be compiled.
    pub(crate) fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// The engine of components that are commands. Not pooled: nobody knows how large these are.
    pub(crate) fn command_engine(&self) -> wasmtime::Result<wasmtime::Engine> {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*commands {
            return Ok(engine.clone());
        }
        let engine = wasmtime::Engine::new(&config::deep_config())?;
        self.ticker.add(&engine);
        Ok(commands.insert(engine).clone())
    }

    /// Files of components that were compiled, or are being compiled.
    pub(crate) fn known_commands(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Arc<Mutex<Option<Known>>>>> {
        self.known_commands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Interrupts computing components until the result is dropped.
    pub(crate) fn tick(&self) -> Ticking {
        self.ticker.tick()
    }
}

fn pool(sessions: u32) -> InstanceAllocationStrategy {
    // A session that is made anew is two for a moment, as many at a time as there are threads that run.
    let threads =
        std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
    let sessions = sessions.saturating_add(threads);
    let mut pool = PoolingAllocationConfig::new();
    // A composition is some ten core instances, adapters included.
    pool.total_component_instances(sessions)
        .total_core_instances(sessions.saturating_mul(16))
        .total_memories(sessions.saturating_mul(4))
        .total_tables(sessions.saturating_mul(16))
        .total_stacks(sessions)
        .max_core_instances_per_component(64)
        .max_memories_per_component(8)
        .max_tables_per_component(64)
        .table_elements(100_000)
        .max_memory_size(4 << 30)
        .linear_memory_keep_resident(256 << 10)
        .max_unused_warm_slots(sessions);
    InstanceAllocationStrategy::Pooling(pool)
}

fn load(
    engine: &wasmtime::Engine,
    components: &Components,
    name: ComponentName,
    cache: Option<&Path>,
    on_compile: Option<&OnCompile>,
) -> Result<Component, EngineError> {
    let before = || {
        if let Some(call) = on_compile {
            call(name);
        }
    };
    let Some(found) = components.find(name) else {
        let Some(carried) = Components::carried(name) else {
            return Err(EngineError::NotFound {
                name: name.stem(),
                searched: components.directories().to_vec(),
            });
        };
        let path = PathBuf::from(name.stem()).with_extension("wasm");
        // It is not unpacked where it was compiled before.
        let source = || {
            before();
            carried.component()
        };
        return compiled::component(engine, carried.identity(), cache, source)
            .map_err(|error| EngineError::Load { path, source: shared(error) });
    };
    let failed = |path: &Path, error| EngineError::Load { path: path.to_path_buf(), source: shared(error) };
    if let Some(path) = &found.precompiled {
        // SAFETY: the file holds machine code, which is trusted as the executable itself is: both were installed
        // by whoever chose the directory (documented at `EngineBuilder::components`). Wasmtime checks that it was
        // made by this version for this configuration and machine.
        match unsafe { Component::deserialize_file(engine, path) } {
            Ok(component) => return Ok(component),
            Err(error) if found.component.is_none() => return Err(failed(path, error)),
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "the precompiled component does not fit");
            }
        }
    }
    let path = found.component.as_deref().ok_or_else(|| EngineError::NotFound {
        name: name.stem(),
        searched: components.directories().to_vec(),
    })?;
    let bytes = std::fs::read(path).map_err(|error| failed(path, error.into()))?;
    let source = || {
        before();
        Ok(bytes.as_slice().into())
    };
    compiled::component(engine, &bytes, cache, source).map_err(|error| failed(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_component_is_named_with_the_place_searched() {
        let error = Engine::builder().components("/nowhere/at/all").build().err().unwrap();
        assert_eq!(error.to_string(), "core.wasm and core.cwasm are missing; searched /nowhere/at/all");
    }

    #[test]
    fn a_component_that_is_none_is_refused() {
        let directory = std::env::temp_dir().join(format!("wasmsh-engine-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("core.wasm"), "no component").unwrap();
        let error = Engine::builder().components(&directory).build().err().unwrap();
        assert!(matches!(error, EngineError::Load { .. }), "{error:?}");
        std::fs::remove_dir_all(directory).unwrap();
    }
}
