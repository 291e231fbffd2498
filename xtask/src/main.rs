//! `cargo xtask`: sets up, builds, runs, tests and measures wasmsh.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

mod bench;
mod build;
mod cache;
mod commands;
mod compose;
mod conformance;
mod cpython;
mod cpython_libraries;
mod cpython_sources;
mod crates;
mod ctools;
mod debian;
mod dist;
mod exec;
mod git;
mod guest;
mod hash;
mod js;
mod names;
mod numpy;
mod numpy_tests;
mod project;
mod python_tests;
mod rust_guest;
mod sizes;
mod ui;
mod verify;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::project::Project;

const HELP: &str = "\
Usage: cargo xtask COMMAND [ARGUMENTS]

  setup          provide all tools: the compiler for WebAssembly, CPython, npm's packages, crates
  build          build everything: components, compositions, precompiled and transpiled ones
  build --numpy  what the command line needs, with numpy in Python, in target/wasmsh/numpy; needs PyPI
  run -- ARGS    build what the command line `wasmsh` needs, and run it with ARGS
  test           build everything and run every test
  check          format, lints, documentation, types, licences
  bench [ARGS]   workloads and latencies against native bash; `bench --help` tells more
  conformance --judge PATH [ARGS]
                 run an outside judge against `wasmsh conformance`
  foreign        download tools of others (componentize-py, componentize-js, a client of the Model Context Protocol) and
                 test with what they make
  python-test [FILES]
                 CPython's own tests, in the sandbox: those of components/python/tests.txt
  python-packages [NAMES]
                 install and use packages that many use; needs the index that pip is configured for
  numpy-test [FILES]
                 build numpy, and run the programs of tests/numpy in the sandbox, or FILES of numpy's own tests
                 (`_core/tests/test_multiarray.py`), which need pytest from the index that pip is configured for
  dist           make the archives and the npm package that users get, in target/dist
  crates         make the packages that a registry of crates gets, in target/package, and build and run a program that
                 depends on them
  git            build `git` as a command component, target/wasmsh/git.wasm, which `build` does, too
  sizes [FILE]   what each command and crate costs, in code of the shell's component (or of FILE)
  clean          remove what was built in this checkout; with --cache, the cache too
  guest-rustc    print the path of the compiler for WebAssembly
  help           this text

Environment:
  WASMSH_CACHE           where products are kept that outlive a checkout
                         (default: $XDG_CACHE_HOME/wasmsh or ~/.cache/wasmsh)
  WASMSH_FORCE_DEBIAN=1  take the compiler for WebAssembly from Debian packages even where rustup has one
  WASMSH_DEBIAN_MIRROR   the Debian mirror to take packages from (default: the one of the machine's apt)
  WASMSH_KEEP_SCRATCH=1  keep temporary folders, to look into after a failure
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
    let Some((command, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    let project = Project::find()?;
    match (command.as_str(), rest) {
        ("help" | "--help" | "-h", _) => print!("{HELP}"),
        ("run", _) => return run(&project, rest),
        ("conformance", _) => return conformance::run(&project, rest),
        ("python-test", _) => return python_tests::tests(&project, rest),
        ("python-packages", _) => return python_tests::packages(&project, rest),
        ("numpy-test", _) => return numpy_tests::run(&project, rest),
        ("bench", _) => bench::run(&project, rest)?,
        ("setup", []) => setup(&project)?,
        ("build", []) => {
            let _lock = project.lock()?;
            build::all(&project)?;
        }
        ("build", [option]) if option == "--numpy" => {
            let _lock = project.lock()?;
            build::numpy(&project)?;
        }
        ("test", []) => verify::test(&project)?,
        ("check", []) => verify::check(&project)?,
        ("foreign", []) => commands::foreign(&project)?,
        ("dist", []) => dist::run(&project)?,
        ("crates", []) => crates::run(&project)?,
        ("git", []) => {
            let _lock = project.lock()?;
            build::git(&project, &build::programs(&project)?)?;
        }
        ("sizes", []) => sizes::run(&project.products().join("parts/shell.wasm"))?,
        ("sizes", [file]) => sizes::run(Path::new(file))?,
        ("clean", []) => clean(&project, false)?,
        ("clean", [option]) if option == "--cache" => clean(&project, true)?,
        ("guest-rustc", []) => println!("{}", rust_guest::provide()?.path.display()),
        (
            "setup" | "build" | "test" | "check" | "foreign" | "dist" | "crates" | "git" | "sizes" | "clean"
            | "guest-rustc",
            [argument, ..],
        ) => {
            bail!("`{command}` does not take `{argument}` (see `cargo xtask help`)")
        }
        _ => bail!("no such command: {command} (see `cargo xtask help`)"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Provides the tools; after it, `build` and `test` need no network.
fn setup(project: &Project) -> Result<()> {
    let _lock = project.lock()?;
    rust_guest::provide()?;
    exec::run(project.cargo().args(["fetch", "--quiet"])).context("cannot download the crates")?;
    js::install(project)?;
    cpython::setup(project)
}

/// Runs `wasmsh`, in the place of this program.
fn run(project: &Project, arguments: &[String]) -> Result<ExitCode> {
    ui::quiet();
    let programs = {
        let _lock = project.lock()?;
        build::native(project)?
    };
    let arguments = match arguments.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => arguments,
    };
    exec::become_program(
        Command::new(programs.wasmsh).args(arguments).env("WASMSH_COMPONENTS", project.products()),
    )
}

fn clean(project: &Project, cache: bool) -> Result<()> {
    let mut folders = vec![
        project.products(),
        project.target().join("guest"),
        project.path("target/dist"),
        project.path("host-js/dist"),
        project.path("host-js/dist-composed"),
        project.path("host-js/node_modules"),
    ];
    if cache {
        folders.push(cache::root()?);
    }
    for folder in folders.iter().filter(|folder| Path::exists(folder)) {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        ui::note(format_args!("removed {}", folder.display()));
    }
    Ok(())
}
