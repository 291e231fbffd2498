//! `cargo xtask`: sets up, builds, runs, tests and measures wasmsh.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]
#![allow(dead_code, reason = "the build steps that use these modules land next")]
mod cache;
mod compose;
mod debian;
mod exec;
mod guest;
mod hash;
mod project;
mod rust_guest;
mod ui;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
Usage: cargo xtask COMMAND [ARGUMENTS]

  guest-rustc   print the path of the compiler for WebAssembly, providing it if necessary
  help          this text

Products are cached in $WASMSH_CACHE (default: $XDG_CACHE_HOME/wasmsh or ~/.cache/wasmsh).
WASMSH_FORCE_DEBIAN=1 takes the guest compiler from Debian packages even where rustup has one.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            ui::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    match arguments.first().map(String::as_str) {
        None | Some("help" | "--help" | "-h") => print!("{HELP}"),
        Some("guest-rustc") => println!("{}", rust_guest::provide()?.path.display()),
        Some(other) => bail!("no such command: {other} (see `cargo xtask help`)"),
    }
    Ok(ExitCode::SUCCESS)
}
