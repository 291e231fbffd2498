//! A bash, a Python and one filesystem, in your process, with nothing of the host in reach.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut session = wasmsh::Sandbox::builder().build()?;
//! let output = session.run("echo hello && python3 -c 'print(\"world\")'").output()?;
//! assert_eq!(output.stdout, b"hello\nworld\n");
//! # Ok(())
//! # }
//! ```
//!
//! An [`Engine`] holds the compiled components and is shared by all sessions; [`Sandbox::builder`] uses one that the
//! whole process shares. A [`Session`] is a shell with its files, which stay from run to run. A [`Run`] is one script:
//! its arguments, its standard input, its limits.
//!
//! Waiting for a run is possible in a thread and in a task; the crate needs no asynchronous runtime and works in each:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! let mut session = wasmsh::Sandbox::builder().limits(wasmsh::Limits::untrusted()).build()?;
//! let output = session.run("wc -l").stdin("one\ntwo\n").timeout(Duration::from_secs(5)).await?;
//! assert_eq!(output.stdout_text().trim(), "2");
//! # Ok(())
//! # }
//! ```
//!
//! A script that fails, or meets a limit, is no error of this crate: [`Output::exit`] and [`Output::exceeded`] tell
//! of it. [`tracing`] has a span for each run (`run`, at level info) and, at level debug, for `build`, `snapshot`,
//! `restore`, `fork` and `commit`; network accesses, traps and sessions that are made anew are events.

mod active;
mod bindings;
mod blobs;
mod child;
mod command;
mod compiled;
mod component;
mod components;
pub mod config;
mod core;
mod diff;
mod driver;
mod engine;
mod files;
mod limits;
mod mailbox;
mod memory;
mod mount;
mod network;
mod output;
mod pipe;
pub mod protocol;
mod python;
mod recipe;
mod run;
mod sandbox;
mod session;
mod snapshot;
mod stdin;
mod ticker;
mod timer;
mod tree;
mod types;
mod wasi;

pub use crate::child::Child;
pub use crate::command::{Process, ProcessStream};
pub use crate::component::{CommandComponent, ComponentError, ComponentSource};
pub use crate::components::ComponentName;
pub use crate::diff::{Change, Difference, diff};
pub use crate::engine::{Engine, EngineBuilder, EngineError, Python};
pub use crate::files::FileError;
pub use crate::limits::{Ceilings, Limit, Limits, Quota, Usage};
pub use crate::mount::{Commit, MountError, MountMode, Tree};
pub use crate::network::{Access, Decision, Network, Roots, Rule, RuleError, TrustError};
pub use crate::output::{Output, Recovery};
pub use crate::pipe::{ChildStderr, ChildStdin, ChildStdout};
pub use crate::run::{Run, RunError};
pub use crate::sandbox::Sandbox;
pub use crate::session::{
    Completion, Control, DEFAULT_WORKSPACE_DIR, LoadError, SaveError, Session, SessionBuilder, SessionError,
    TextState,
};
pub use crate::snapshot::{Snapshot, SnapshotError};
pub use crate::tree::{ArchiveError, Walk};
pub use crate::types::{Entry, Errno, Exit, FileType, Signal, Stat, Stream};
