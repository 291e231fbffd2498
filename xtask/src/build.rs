//! `cargo xtask build`: from sources to what the hosts load.
//!
//! ```text
//! components/{vfs,shell,sandbox} → parts/*.wasm ─┬→ core.wasm    → core.cwasm
//! CPython                        → python.wasm ──┴→ sandbox.wasm → host-js/dist
//! ```

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::hash::Inputs;
use crate::project::Project;
use crate::{compose, exec, guest, js, rust_guest, ui};

/// The programs that run on this machine.
pub(crate) struct Programs {
    /// The command line.
    pub(crate) wasmsh: PathBuf,
    /// The engine of the build.
    pub(crate) forge: PathBuf,
}

/// The finished components.
pub(crate) struct Wholes {
    /// vfs + shell.
    pub(crate) core: PathBuf,
    /// CPython.
    pub(crate) python: Option<PathBuf>,
    /// vfs + shell + python + driver.
    pub(crate) sandbox: Option<PathBuf>,
}

/// Everything.
pub(crate) fn all(project: &Project) -> Result<()> {
    let programs = programs(project)?;
    let wholes = wholes(project, &programs)?;
    let components = [Some(&wholes.core), wholes.python.as_ref(), wholes.sandbox.as_ref()];
    precompile(
        project,
        &programs,
        &components.into_iter().flatten().map(PathBuf::as_path).collect::<Vec<_>>(),
    )?;
    js::transpile(project, &wholes)
}

/// What the command line needs.
pub(crate) fn native(project: &Project) -> Result<Programs> {
    let programs = programs(project)?;
    let wholes = wholes(project, &programs)?;
    let components = [Some(&wholes.core), wholes.python.as_ref()];
    precompile(
        project,
        &programs,
        &components.into_iter().flatten().map(PathBuf::as_path).collect::<Vec<_>>(),
    )?;
    Ok(programs)
}

/// Compiles the command line and the forge, in one go: both link the engine, which takes minutes to compile.
pub(crate) fn programs(project: &Project) -> Result<Programs> {
    let release = project.target().join("release");
    let programs = Programs {
        wasmsh: release.join("wasmsh").with_extension(env::consts::EXE_EXTENSION),
        forge: release.join("wasmsh-forge").with_extension(env::consts::EXE_EXTENSION),
    };
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let inputs = project
        .rust_sources(Inputs::new("programs", 1))?
        .tree("host-rust", &project.path("host-rust"))?
        .tree("forge", &project.path("xtask/forge"))?
        .text("rustc", &exec::output(Command::new(rustc).arg("-vV"))?)
        .text("flags", &env::var("RUSTFLAGS").unwrap_or_default());
    project.step(
        "programs",
        "Programs: wasmsh, wasmsh-forge",
        inputs,
        &[&programs.wasmsh, &programs.forge],
        || {
            exec::run(project.cargo().args([
                "build",
                "--release",
                "--package",
                "wasmsh",
                "--package",
                "wasmsh-forge",
            ]))
        },
    )?;
    Ok(programs)
}

/// The components that hosts load.
pub(crate) fn wholes(project: &Project, programs: &Programs) -> Result<Wholes> {
    let rustc = rust_guest::provide()?;
    let parts = guest::components(project, &rustc)?;
    let python = python(project, &rustc, programs)?;
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));

    let inputs = Inputs::new("core", 1).file("vfs", &parts.vfs)?.file("shell", &parts.shell)?;
    let core = project.product("core.wasm", "Composition core.wasm", inputs, || {
        compose::core(&read(&parts.vfs)?, &read(&parts.shell)?)
    })?;
    let Some(python) = python else { return Ok(Wholes { core, python: None, sandbox: None }) };
    let inputs = Inputs::new("python.wasm", 1).file("part", &python)?;
    let python = project.product("python.wasm", "Component python.wasm", inputs, || read(&python))?;
    let inputs = Inputs::new("sandbox", 1)
        .file("vfs", &parts.vfs)?
        .file("shell", &parts.shell)?
        .file("python", &python)?
        .file("driver", &parts.driver)?;
    let sandbox = project.product("sandbox.wasm", "Composition sandbox.wasm", inputs, || {
        compose::sandbox(&read(&parts.vfs)?, &read(&parts.shell)?, &read(&python)?, &read(&parts.driver)?)
    })?;
    Ok(Wholes { core, python: Some(python), sandbox: Some(sandbox) })
}

/// `python.wasm`, where this checkout can build it.
fn python(project: &Project, _: &rust_guest::GuestRustc, programs: &Programs) -> Result<Option<PathBuf>> {
    ui::note(format_args!(
        "no Python in this build (pre-initialisation by {} is ready, in {})",
        programs.forge.display(),
        project.root().display()
    ));
    Ok(None)
}

/// Compiles components for this machine, each beside its component.
pub(crate) fn precompile(project: &Project, programs: &Programs, components: &[&Path]) -> Result<()> {
    let fingerprint = exec::output(Command::new(&programs.forge).arg("fingerprint"))?;
    for component in components {
        let output = component.with_extension("cwasm");
        let name = output.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let inputs =
            Inputs::new("precompiled", 1).text("engine", &fingerprint).file("component", component)?;
        project.step(&name, &format!("Precompiled {name}"), inputs, &[&output], || {
            // Beside its place and then renamed: a host may be reading the old one.
            let part = output.with_extension("part");
            exec::output(Command::new(&programs.forge).arg("precompile").arg(component).arg(&part))?;
            fs::rename(&part, &output).with_context(|| format!("cannot write {}", output.display()))
        })?;
    }
    Ok(())
}
