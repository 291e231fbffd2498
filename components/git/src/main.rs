//! `git` for the sandbox: git's commands on gitoxide, over nothing but `std`'s files, arguments and streams.
//!
//! Formats (objects, packs, references, configuration, ignore rules, merging) are the library's; what is here is what
//! the user sees.

mod cmd;
mod commit;
mod diff;
mod error;
mod graph;
mod ident;
mod index;
mod merging;
mod options;
mod pathspec;
mod pattern;
mod refs;
mod session;
mod status;
mod switch;
mod transfer;
mod tree;
mod walk;
mod worktree;

use std::io::Write;
use std::process::ExitCode;

use gix::bstr::BString;

fn main() -> ExitCode {
    let arguments: Vec<BString> = std::env::args_os()
        .skip(1)
        .map(|argument| BString::from(argument.to_string_lossy().into_owned()))
        .collect();
    enter();
    leave(cmd::run(arguments))
}

/// Goes where the user is: a component begins at the root, and has to ask.
#[cfg(target_os = "wasi")]
fn enter() {
    if let Some(folder) = wasip2::cli::environment::initial_cwd() {
        let _ = std::env::set_current_dir(folder);
    }
}

#[cfg(not(target_os = "wasi"))]
fn enter() {}

/// Ends with a status; what `std` calls knows success and failure alone.
#[cfg(target_os = "wasi")]
fn leave(status: u8) -> ExitCode {
    if status > 1 {
        wasip2::cli::exit::exit_with_code(status);
    }
    ExitCode::from(status)
}

#[cfg(not(target_os = "wasi"))]
fn leave(status: u8) -> ExitCode {
    ExitCode::from(status)
}

/// Writes to the error stream, where nothing can be done about a failure.
fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
