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
    ExitCode::from(cmd::run(arguments))
}

/// Writes to the error stream, where nothing can be done about a failure.
fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
