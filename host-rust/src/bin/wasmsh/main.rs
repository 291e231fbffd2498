//! `wasmsh`: runs scripts in a sandbox.

mod cli;
mod conformance;
mod log;
mod script;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    log::install();
    let status = match cli.command {
        Some(cli::Command::Conformance(options)) => conformance::serve(&options),
        None => script::run(cli.script),
    };
    // Everything is written and nothing is left to be saved: the operating system takes the memory back sooner
    // than destructors do.
    std::process::exit(status.into())
}
