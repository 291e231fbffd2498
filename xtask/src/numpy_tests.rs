//! `cargo xtask numpy-test`: programs that use numpy, and numpy's own tests, in the sandbox.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::build::{self, WithNumpy};
use crate::project::Project;
use crate::python_tests::{self as tests, Outcome};

/// The programs.
const PROGRAMS: &str = "tests/numpy";
/// What numpy's tests need besides numpy.
const TOOLS: &str = "pytest hypothesis==6.104.1";

/// The files of numpy's own tests that are named, or all programs.
pub(crate) fn run(project: &Project, names: &[String]) -> Result<ExitCode> {
    let (programs, with) = {
        let _lock = project.lock()?;
        build::numpy(project)?
    };
    let logs = project.target().join("numpy-tests");
    fs::create_dir_all(&logs)?;
    let wasmsh = &programs.wasmsh;
    let outcomes = if names.is_empty() {
        let folder = project.path(PROGRAMS);
        let mount = ["--mount".to_owned(), format!("{}:/uses:ro", folder.display())];
        tests::each(&tests::programs(&folder)?, |name| {
            let script = format!("python3 -P /uses/{name}.py 2>&1");
            outcome(&with.folder, wasmsh, &mount, &script, name, &logs)
        })?
    } else {
        own(project, &with, wasmsh, names, &logs)?
    };
    let good = outcomes.iter().filter(|outcome| outcome.good).count();
    println!("{good} of {} pass; what they said is in {}", outcomes.len(), logs.display());
    Ok(if good == outcomes.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// numpy's own tests: they lie beside numpy, not in it.
fn own(
    project: &Project,
    with: &WithNumpy,
    wasmsh: &Path,
    names: &[String],
    logs: &Path,
) -> Result<Vec<Outcome>> {
    let mut arguments = tests::with_index();
    let configuration = project.path("components/python/numpy");
    for (from, to) in [(with.tests.as_path(), "/tests"), (&configuration, "/configuration")] {
        arguments.extend(["--mount".to_owned(), format!("{}:{to}:ro", from.display())]);
    }
    tests::each(names, |name| {
        let script = format!(
            "pip install -q {TOOLS} 2>&1 && mkdir /t && cp -R /tests/numpy /configuration/conftest.py /t && \
             cd /t && python3 -m pytest -q -rf --tb=short numpy/{name} 2>&1"
        );
        outcome(&with.folder, wasmsh, &arguments, &script, name, logs)
    })
}

fn outcome(
    components: &Path,
    wasmsh: &Path,
    arguments: &[String],
    script: &str,
    name: &str,
    logs: &Path,
) -> Result<Outcome> {
    let log = logs.join(format!("{}.log", name.replace('/', "-")));
    let (good, text) = tests::sandboxed(components, wasmsh, arguments, script, &log)?;
    let last = tests::last_line(&text).unwrap_or("passes").to_owned();
    Ok(Outcome { name: name.to_owned(), verdict: if good { last } else { format!("FAILS: {last}") }, good })
}
