//! The shell: bytecode, the virtual machine that runs it, builtins, the loader of programs, and sessions.
//!
//! A shell process is plain data in a `vm::Vm`, polled by the kernel of `wasmsh-os`; [`session`] is how a host
//! drives one.

mod args;
mod builtins;
pub mod complete;
mod expand;
mod hash;
mod history;
mod jobs;
mod loader;
mod options;
pub mod session;
mod shared;
pub mod state;
mod symbol;
mod text;
mod traps;
mod vars;
mod vm;

pub use wasmsh_commands::relay;
