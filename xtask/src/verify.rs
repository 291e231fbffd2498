//! `cargo xtask test` and `cargo xtask check`.

use anyhow::{Result, bail};

use crate::build::WITH_ENGINE;
use crate::project::Project;
use crate::{build, exec, git, guest, js, rust_guest, ui};

/// Runs every test, also after one has failed; the error names the kinds that failed.
pub(crate) fn test(project: &Project) -> Result<()> {
    {
        let _lock = project.lock()?;
        build::all(project)?;
    }
    let rustc = rust_guest::provide()?;
    let nextest = exec::exists("cargo-nextest");
    if !nextest {
        ui::note("cargo-nextest is not installed: testing with `cargo test`");
    }
    let runner: &[&str] = if nextest {
        &["nextest", "run", "--no-tests=pass", "--no-fail-fast"]
    } else {
        &["test", "--no-fail-fast"]
    };
    let without_engine = || {
        ["--workspace"]
            .into_iter()
            .chain(WITH_ENGINE.iter().chain(&guest::PACKAGES).flat_map(|name| ["--exclude", name]))
    };
    let with_engine =
        || ["--release"].into_iter().chain(WITH_ENGINE.iter().flat_map(|name| ["--package", name]));
    let cargo = || {
        let mut cargo = project.cargo();
        cargo.env("WASMSH_COMPONENTS", project.products()).env("WASMSH_GUEST_RUSTC", &rustc.path);
        cargo
    };
    let mut failures = Failures::default();

    failures.check("Tests of the crates", || exec::run(cargo().args(runner).args(without_engine())));
    failures.check("Tests in the engine", || exec::run(cargo().args(runner).args(with_engine())));
    if nextest {
        // Which nextest leaves out.
        failures.check("Examples in the documentation", || {
            exec::run(cargo().args(["test", "--doc", "--no-fail-fast"]).args(without_engine()))
        });
        failures.check("Examples in the documentation of the host", || {
            exec::run(cargo().args(["test", "--doc", "--no-fail-fast"]).args(with_engine()))
        });
    }
    failures.check("Tests of git", || exec::run(git::compile(project, "test").arg("--quiet")));
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
    failures.check("Format and lints of git", || {
        exec::run(git::cargo(project, "fmt").args(["--all", "--check"]))?;
        exec::run(git::compile(project, "clippy").args([
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
        // Advisories are in a database that is downloaded: see CONTRIBUTING.md.
        failures.check("Licences, sources and bans", || {
            for manifest in ["Cargo.toml", "components/git/Cargo.toml"] {
                let mut cargo = project.cargo();
                cargo.args(["deny", "--all-features", "--manifest-path", manifest, "--config"]);
                cargo.arg(project.path("deny.toml")).args(["check", "--hide-inclusion-graph"]);
                exec::run(cargo.args([
                    "--allow",
                    "license-not-encountered",
                    "--allow",
                    "license-exception-not-encountered",
                    "bans",
                    "licenses",
                    "sources",
                ]))?;
            }
            Ok(())
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
