//! A bash, a Python and one filesystem, in your process, with nothing of the host in reach.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut session = wasmsh::Engine::new()?.session().build()?;
//! let output = session.run("echo hello && python3 -c 'print(\"world\")'").output()?;
//! assert_eq!(output.stdout, b"hello\nworld\n");
//! # Ok(())
//! # }
//! ```
//!
//! An [`Engine`] holds the compiled components and is shared by all sessions. A [`Session`] is a shell with its
//! files, which stay from run to run. A [`Run`] is one script: its arguments, its standard input, its limits.

mod bindings;
mod command;
mod components;
pub mod config;
mod core;
mod driver;
mod engine;
mod files;
mod mailbox;
mod network;
mod python;
mod run;
mod session;
mod stdin;
mod ticker;
mod types;
mod wasi;

pub use crate::command::Process;
pub use crate::components::ComponentName;
pub use crate::engine::{Engine, EngineBuilder, EngineError, Python};
pub use crate::files::FileError;
pub use crate::network::{Access, Decision, Network, Rule, RuleError};
pub use crate::run::{Run, RunError};
pub use crate::session::{
    Control, DEFAULT_WORKSPACE_DIR, LoadError, SaveError, Session, SessionBuilder, SessionError,
};
pub use crate::types::{Ceilings, Entry, Errno, Exit, FileType, Limit, Limits, Output, Signal, Stat, Stream};
