//! `wasmsh-forge`: what the build needs an engine for. Started by `cargo xtask build`; a program of its own, so
//! that xtask itself stays quick to compile.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

// The very configuration that the host runs with: code compiled for another is refused when it is loaded.
#[path = "../../../host-rust/src/config.rs"]
#[allow(dead_code, unreachable_pub, reason = "the host's file; the build uses a part of it")]
mod config;
mod precompile;
mod preinit;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use wasmtime::bail;
use wasmtime::error::{Context as _, Result};

const HELP: &str = "\
Usage: wasmsh-forge preinit FUNCTION MODULE OUTPUT   run FUNCTION of a core module and keep what it left in memory
       wasmsh-forge precompile COMPONENT OUTPUT      compile a component for this machine
       wasmsh-forge fingerprint                      print what precompiled code depends on besides the component
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasmsh-forge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["preinit", function, module, output] => {
            let module = read(module)?;
            write(output, &preinit::preinitialize(&module, function)?)
        }
        ["precompile", component, output] => {
            let component = read(component)?;
            write(output, &precompile::precompile(&component)?)
        }
        ["fingerprint"] => {
            println!("{:016x}", precompile::fingerprint()?);
            Ok(())
        }
        _ => bail!("wrong arguments\n{HELP}"),
    }
}

fn read(path: &str) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {path}"))
}

fn write(path: &str, bytes: &[u8]) -> Result<()> {
    fs::write(Path::new(path), bytes).with_context(|| format!("cannot write {path}"))
}
