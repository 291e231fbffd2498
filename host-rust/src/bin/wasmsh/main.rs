//! `wasmsh`: runs scripts in a sandbox.

mod cli;
mod conformance;
mod diff;
mod keyboard;
mod log;
mod mcp;
mod repl;
mod script;
mod serve;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    log::install();
    let status = match cli.command {
        Some(cli::Command::Conformance(options)) => conformance::serve(&options),
        Some(cli::Command::Serve(options)) => serve::run(&options),
        Some(cli::Command::Mcp(options)) => mcp::run(&options),
        Some(cli::Command::Diff(options)) => diff::run(&options),
        Some(cli::Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut cli::Cli::command(), "wasmsh", &mut std::io::stdout());
            0
        }
        None => script::run(cli.script),
    };
    // Everything is written and nothing is left to be saved: the operating system takes the memory back sooner
    // than destructors do.
    std::process::exit(status.into())
}
