//! `cargo xtask test` and `cargo xtask check`.

use anyhow::{Result, bail};

use crate::project::Project;
use crate::{build, exec, js, ui};

/// Packages that link the engine: tested as they are used, optimised, and compiled but once for tests and use.
const WITH_ENGINE: [&str; 3] = ["wasmsh", "wasmsh-forge", "wasmsh-test-vfs-component"];

/// Runs every test, also after one has failed; the error names the kinds that failed.
pub(crate) fn test(project: &Project) -> Result<()> {
    {
        let _lock = project.lock()?;
        build::all(project)?;
    }
    let nextest = exec::exists("cargo-nextest");
    if !nextest {
        ui::note("cargo-nextest is not installed: testing with `cargo test`");
    }
    let runner: &[&str] =
        if nextest { &["nextest", "run", "--no-tests=pass"] } else { &["test", "--no-fail-fast"] };
    let runner: Vec<&str> = runner.iter().copied().chain(nextest.then_some("--no-fail-fast")).collect();
    let mut failures = Failures::default();

    failures.check("Tests of pure crates, components and xtask", || {
        let exclude = WITH_ENGINE.iter().flat_map(|name| ["--exclude", name]);
        exec::run(project.cargo().args(&runner).arg("--workspace").args(exclude))
    });
    failures.check("Tests of the Rust host", || {
        let packages = WITH_ENGINE.iter().flat_map(|name| ["--package", name]);
        exec::run(
            project
                .cargo()
                .args(&runner)
                .arg("--release")
                .args(packages)
                .env("WASMSH_COMPONENTS", project.products()),
        )
    });
    if nextest {
        failures.check("Documentation tests", || {
            let exclude = WITH_ENGINE.iter().flat_map(|name| ["--exclude", name]);
            exec::run(project.cargo().args(["test", "--doc", "--workspace"]).args(exclude))?;
            exec::run(
                project
                    .cargo()
                    .args(["test", "--doc", "--release", "--package", "wasmsh"])
                    .env("WASMSH_COMPONENTS", project.products()),
            )
        });
    }
    failures.check("Tests of the JavaScript host", || js::test(project));
    failures.end("test")
}

/// Format, lints, documentation, types, licences.
pub(crate) fn check(project: &Project) -> Result<()> {
    let mut failures = Failures::default();
    failures.check("Format", || exec::run(project.cargo().args(["fmt", "--all", "--check"])));
    failures.check("Lints", || {
        exec::run(project.cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ]))
    });
    failures.check("Documentation", || {
        exec::run(
            project
                .cargo()
                .args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"])
                .env("RUSTDOCFLAGS", "--deny warnings"),
        )
    });
    failures.check("Types of the JavaScript host", || {
        js::install(project)?;
        js::typecheck(project)
    });
    if exec::exists("cargo-deny") {
        failures.check("Licences and advisories", || {
            exec::run(project.cargo().args([
                "deny",
                "--all-features",
                "check",
                "bans",
                "licenses",
                "sources",
            ]))
        });
    } else {
        ui::note("cargo-deny is not installed: licences are not checked (deny.toml)");
    }
    failures.end("check")
}

/// What failed, so that one failure does not hide the next.
#[derive(Default)]
struct Failures(Vec<&'static str>);

impl Failures {
    fn check(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) {
        let step = ui::step(name);
        match work() {
            Ok(()) => step.done(),
            Err(error) => {
                ui::error(&error.context(format!("{name}: failed")));
                self.0.push(name);
            }
        }
    }

    fn end(self, command: &str) -> Result<()> {
        if self.0.is_empty() {
            ui::note(format_args!("{command}: all passed"));
            return Ok(());
        }
        bail!("{command}: failed: {}", self.0.join("; "))
    }
}
