//! `cargo xtask conformance`: an outside judge of the shell, started against `wasmsh conformance`.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Result, anyhow, bail};

use crate::exec;
use crate::project::Project;
use crate::{build, ui};

/// Starts the judge (`--judge PATH`, else `$WASMSH_JUDGE`) with `--adapter COMMAND` and the other arguments.
/// The judge starts COMMAND and speaks the protocol that `wasmsh conformance --help` describes.
pub(crate) fn run(project: &Project, arguments: &[String]) -> Result<ExitCode> {
    let mut judge = env::var_os("WASMSH_JUDGE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let mut rest = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--judge" {
            judge =
                Some(arguments.next().ok_or_else(|| anyhow!("--judge needs the path of a program"))?.into());
        } else if let Some(path) = argument.strip_prefix("--judge=") {
            judge = Some(path.into());
        } else {
            rest.push(argument);
        }
    }
    let Some(judge) = judge else {
        bail!("which judge? Give --judge PATH or set WASMSH_JUDGE");
    };
    let judge = judge
        .canonicalize()
        .map_err(|error| anyhow!("cannot open the judge {}: {error}", judge.display()))?;
    ui::quiet();
    let programs = {
        let _lock = project.lock()?;
        build::native(project)?
    };
    let mut adapter = Command::new(&programs.wasmsh);
    adapter.arg("conformance");
    // A script of Python may lie where nobody has made it executable.
    let mut command = if judge.extension().is_some_and(|extension| extension == "py") {
        let mut python = Command::new("python3");
        python.arg(judge);
        python
    } else {
        Command::new(judge)
    };
    exec::become_program(
        command
            .arg("--adapter")
            .arg(exec::describe(&adapter))
            .args(rest)
            .env("WASMSH_COMPONENTS", project.products()),
    )
}
