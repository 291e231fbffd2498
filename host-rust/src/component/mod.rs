//! Components of others as commands: any `wasi:cli/command` of WASI 0.2.

pub(crate) mod cli;
pub(crate) mod files;
pub(crate) mod io;
mod paths;
mod refuse;
pub(crate) mod run;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use thiserror::Error;
use wasmtime::component::{Component, Linker};

use crate::bindings::command::CommandPre;
use crate::compiled;
use crate::engine::Engine;

/// Why a component cannot be a command.
///
/// ```
/// use wasmsh::ComponentError;
///
/// let engine = wasmsh::Engine::new()?;
/// assert!(matches!(engine.command_component("/none.wasm"), Err(ComponentError::Read { .. })));
/// // A core module is no component.
/// let module = b"\0asm\x01\0\0\0";
/// assert!(matches!(engine.command_component_from_bytes(module), Err(ComponentError::Compile(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Error)]
pub enum ComponentError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// The bytes are no component, or one that needs what the engine does not have; or they were precompiled by
    /// another version of it, or for another machine.
    #[error("no usable component")]
    Compile(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// It was compiled by another engine than the session's.
    #[error("the component belongs to another engine")]
    OtherEngine,
    /// It imports something that no command has: its name.
    #[error("the component imports {0}, which commands do not have")]
    Import(String),
    /// It exports no `wasi:cli/run` of WASI 0.2, or imports interfaces of WASI in another form than that version's.
    #[error("the component is no command of WASI 0.2")]
    NotACommand(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

fn shared(error: wasmtime::Error) -> Arc<dyn std::error::Error + Send + Sync> {
    Arc::from(error.into_boxed_dyn_error())
}

/// A component of others that is a command: compiled once, and cheap to clone. It belongs to the engine that it was
/// compiled by.
///
/// Each run is a new instance with a memory of its own, and a process of the session like any other: it has the
/// process's arguments, environment and standard streams, the session's files, the clock and random bytes. It has no
/// sockets. What it exits with is its status, as far as WASI can tell it: `wasi:cli/exit` of 0.2 knows success and failure, 0 and 1,
/// and a code only by `exit-with-code`. A trap ends it with a message and the status 134, as `abort` would, or that of the
/// signal that the same mistake would give a native program.
///
/// A WASI program learns its working directory only if it asks for it, which few do. For the others a relative path
/// means what it means in the shell, as far as the program's arguments and the existing files tell it apart from an
/// absolute one.
///
/// ```no_run
/// let engine = wasmsh::Engine::new()?;
/// let tool = engine.command_component("tool.wasm")?;
/// let mut session = engine.session().component_command("tool", tool).build()?;
/// let output = session.run("echo some text | tool --count").output()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CommandComponent(Arc<Compiled>);

struct Compiled {
    component: Component,
    pre: CommandPre<run::State>,
}

impl CommandComponent {
    pub(crate) fn pre(&self) -> &CommandPre<run::State> {
        &self.0.pre
    }

    /// Whether it was compiled by this engine.
    pub(crate) fn is_of(&self, engine: &wasmtime::Engine) -> bool {
        wasmtime::Engine::same(self.0.component.engine(), engine)
    }

    /// What [`Engine::command_component_precompiled`] takes: machine code for this version of wasmsh and this kind of
    /// machine.
    ///
    /// ```no_run
    /// let engine = wasmsh::Engine::new()?;
    /// std::fs::write("tool.cwasm", engine.command_component("tool.wasm")?.precompiled()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Compile`]
    pub fn precompiled(&self) -> Result<Vec<u8>, ComponentError> {
        self.0.component.serialize().map_err(|error| ComponentError::Compile(shared(error)))
    }

    pub(crate) fn link(engine: &wasmtime::Engine, component: Component) -> Result<Self, ComponentError> {
        let failed = |error| ComponentError::NotACommand(shared(error));
        let mut linker = Linker::new(engine);
        run::add_to_linker(&mut linker).map_err(failed)?;
        refuse::define(engine, &component, &mut linker).map_err(|refused| match refused {
            refuse::Refused::Import(name) => ComponentError::Import(name),
            refuse::Refused::Engine(error) => failed(error),
        })?;
        let pre = linker.instantiate_pre(&component).and_then(CommandPre::new).map_err(failed)?;
        Ok(Self(Arc::new(Compiled { component, pre })))
    }
}

/// Where [`SessionBuilder::component_command`](crate::SessionBuilder::component_command) takes a component from.
///
/// ```
/// use wasmsh::{ComponentSource, SessionBuilder};
///
/// /// Gives a session all tools that there are, wherever they are from.
/// fn with_tools(mut builder: SessionBuilder, tools: Vec<(String, ComponentSource)>) -> SessionBuilder {
///     for (name, source) in tools {
///         builder = builder.component_command(name, source);
///     }
///     builder
/// }
///
/// let tools = vec![("nothing".to_owned(), ComponentSource::from("/none.wasm"))];
/// let error = with_tools(wasmsh::Sandbox::builder(), tools).build().err().ok_or("built")?;
/// assert_eq!(error.to_string(), "cannot make the command nothing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub enum ComponentSource {
    /// A file, which is compiled once for each engine, and again when it has changed.
    File(PathBuf),
    /// The component itself, which is compiled for each session that is built.
    Bytes(Arc<[u8]>),
    /// One that is compiled already.
    Compiled(CommandComponent),
}

impl From<&str> for ComponentSource {
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

impl From<&Path> for ComponentSource {
    fn from(path: &Path) -> Self {
        Self::File(path.into())
    }
}

impl From<PathBuf> for ComponentSource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<Vec<u8>> for ComponentSource {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&[u8]> for ComponentSource {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<CommandComponent> for ComponentSource {
    fn from(component: CommandComponent) -> Self {
        Self::Compiled(component)
    }
}

impl ComponentSource {
    /// The component, compiled by this engine.
    pub(crate) fn compiled(&self, engine: &Engine) -> Result<CommandComponent, ComponentError> {
        match self {
            Self::File(path) => engine.command_component(path),
            Self::Bytes(bytes) => engine.command_component_from_bytes(bytes),
            Self::Compiled(component) => match engine.0.command_engine() {
                Ok(engine) if component.is_of(&engine) => Ok(component.clone()),
                _ => Err(ComponentError::OtherEngine),
            },
        }
    }
}

/// A file that was compiled, and what it was like then.
pub(crate) struct Known {
    changed: Option<std::time::SystemTime>,
    length: u64,
    component: CommandComponent,
}

impl Engine {
    /// Compiles a component in a file to be a command of sessions of this engine. A file that was compiled before is compiled
    /// again only when its time or its length has changed.
    ///
    /// ```no_run
    /// let engine = wasmsh::Engine::new()?;
    /// let tool = engine.command_component("tool.wasm")?;
    /// let mut session = engine.session().component_command("tool", tool).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ComponentError`]
    pub fn command_component(&self, path: impl AsRef<Path>) -> Result<CommandComponent, ComponentError> {
        let path = path.as_ref();
        let failed = |error| ComponentError::Read { path: path.to_path_buf(), source: Arc::new(error) };
        let data = fs::metadata(path).map_err(failed)?;
        let (changed, length) = (data.modified().ok(), data.len());
        // Who wants the same file waits until it is compiled; who wants another one does not.
        let place = Arc::clone(self.0.known_commands().entry(path.to_path_buf()).or_default());
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = place.as_ref().filter(|known| (known.changed, known.length) == (changed, length))
        {
            return Ok(known.component.clone());
        }
        let component = self.command_component_from_bytes(&fs::read(path).map_err(failed)?)?;
        *place = Some(Known { changed, length, component: component.clone() });
        Ok(component)
    }

    /// Compiles a component to be a command of sessions of this engine.
    ///
    /// ```no_run
    /// let engine = wasmsh::Engine::new()?;
    /// let tool = engine.command_component_from_bytes(&std::fs::read("tool.wasm")?)?;
    /// let mut session = engine.session().component_command("tool", tool).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ComponentError`]
    pub fn command_component_from_bytes(&self, bytes: &[u8]) -> Result<CommandComponent, ComponentError> {
        let failed = |error| ComponentError::Compile(shared(error));
        let engine = self.0.command_engine().map_err(failed)?;
        let component =
            compiled::component(&engine, bytes, self.0.cache(), || Ok(bytes.into())).map_err(failed)?;
        CommandComponent::link(&engine, component)
    }

    /// A component that [`CommandComponent::precompiled`] was made of, without compiling.
    ///
    /// ```no_run
    /// let engine = wasmsh::Engine::new()?;
    /// // SAFETY: this program has written the file, where nobody else may write.
    /// let tool = unsafe { engine.command_component_precompiled(&std::fs::read("tool.cwasm")?)? };
    /// let mut session = engine.session().component_command("tool", tool).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// The bytes are run as machine code of this process: they must be what [`CommandComponent::precompiled`] has
    /// returned, from where nobody else could change them.
    ///
    /// # Errors
    /// [`ComponentError`]
    #[allow(unsafe_code)]
    pub unsafe fn command_component_precompiled(
        &self,
        bytes: &[u8],
    ) -> Result<CommandComponent, ComponentError> {
        let failed = |error| ComponentError::Compile(shared(error));
        let engine = self.0.command_engine().map_err(failed)?;
        // SAFETY: promised by the caller. Wasmtime checks version, configuration and machine.
        let component = unsafe { Component::deserialize(&engine, bytes) }.map_err(failed)?;
        CommandComponent::link(&engine, component)
    }
}
