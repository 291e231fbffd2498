//! `cargo xtask build`: from sources to what the hosts load.
//!
//! ```text
//! components/{vfs,shell,sandbox} → parts/*.wasm ─┬→ core.wasm    → core.cwasm
//! CPython                        → python.wasm ──┴→ sandbox.wasm → host-js/dist
//! components/git                 → git.wasm                      → git.cwasm
//! ```

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::hash::Inputs;
use crate::project::Project;
use crate::{commands, compose, cpython, exec, git, guest, js, names, rust_guest, ui};

/// Packages that link the engine. They are always built together, tests or not: cargo chooses features for what it
/// builds at once, and with other features the engine, which takes minutes, would be compiled again.
pub(crate) const WITH_ENGINE: [&str; 3] = ["wasmsh", "wasmsh-forge", "wasmsh-test-vfs-component"];

/// The folder for [`numpy`], among the products.
const NUMPY: &str = "numpy";

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
    /// CPython, the smaller module: for JavaScript, and for the composition.
    pub(crate) python: PathBuf,
    /// CPython with its image as data: what is precompiled for Wasmtime, which shares data between sessions.
    python_with_image: PathBuf,
    /// vfs + shell + python + driver.
    pub(crate) sandbox: PathBuf,
}

impl Wholes {
    /// What is precompiled as `name` for the command line.
    fn native(&self) -> [(&'static str, &Path); 2] {
        [("core.cwasm", &self.core), ("python.cwasm", &self.python_with_image)]
    }
}

/// Everything.
pub(crate) fn all(project: &Project) -> Result<()> {
    let programs = programs(project)?;
    let wholes = wholes(project, &programs)?;
    precompile(project, &programs, &wholes.native())?;
    precompile(project, &programs, &[("sandbox.cwasm", &wholes.sandbox)])?;
    commands::test_commands(project)?;
    js::transpile(project, &wholes)?;
    git(project, &programs)
}

/// `git`, which hosts take up where it lies beside the core.
pub(crate) fn git(project: &Project, programs: &Programs) -> Result<()> {
    let component = git::component(project, &rust_guest::provide()?)?;
    precompile(project, programs, &[("git.cwasm", &component)])
}

/// A folder of components in which Python has numpy, and numpy's own tests.
pub(crate) struct WithNumpy {
    pub(crate) folder: PathBuf,
    pub(crate) tests: PathBuf,
}

/// What the command line needs, with numpy in Python: in a folder of its own, beside the one that `build` makes.
pub(crate) fn numpy(project: &Project) -> Result<(Programs, WithNumpy)> {
    let programs = native(project)?;
    let (python, numpy) = cpython::with_numpy(project, &rust_guest::provide()?, &programs.forge)?;
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    for name in ["core.wasm", "core.cwasm"] {
        let from = project.products().join(name);
        let inputs = Inputs::new("copy", 1).file("from", &from)?;
        project.product(&format!("{NUMPY}/{name}"), &format!("{NUMPY}/{name}"), inputs, || read(&from))?;
    }
    let inputs = Inputs::new("python.wasm", 1).file("part", &python.small)?;
    let small = project.product(
        &format!("{NUMPY}/python.wasm"),
        "Component python.wasm with numpy",
        inputs,
        || read(&python.small),
    )?;
    precompile(project, &programs, &[(&format!("{NUMPY}/python.cwasm"), &python.with_image)])?;
    ui::note(format_args!("{}: {} bytes", small.display(), fs::metadata(&small)?.len()));
    Ok((programs, WithNumpy { folder: project.products().join(NUMPY), tests: numpy.tests() }))
}

/// What the command line needs. `git` is not made here: it takes minutes, and there is none then.
pub(crate) fn native(project: &Project) -> Result<Programs> {
    let programs = programs(project)?;
    let wholes = wholes(project, &programs)?;
    precompile(project, &programs, &wholes.native())?;
    Ok(programs)
}

/// Compiles the command line and the forge.
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
            let packages = WITH_ENGINE.iter().flat_map(|name| ["--package", name]);
            exec::run(project.cargo().args(["build", "--release"]).args(packages))
        },
    )?;
    Ok(programs)
}

/// The components that hosts load.
pub(crate) fn wholes(project: &Project, programs: &Programs) -> Result<Wholes> {
    let rustc = rust_guest::provide()?;
    let parts = guest::components(project, &rustc)?;
    let python = cpython::component(project, &rustc, &programs.forge)?;
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));

    let inputs = Inputs::new("core", 2).file("vfs", &parts.vfs)?.file("shell", &parts.shell)?;
    let core = project.product("core.wasm", "Composition core.wasm", inputs, || {
        names::remove(&compose::core(&read(&parts.vfs)?, &read(&parts.shell)?)?)
    })?;
    let inputs = Inputs::new("python.wasm", 1).file("part", &python.small)?;
    let small = project.product("python.wasm", "Component python.wasm", inputs, || read(&python.small))?;
    let inputs = Inputs::new("sandbox", 2)
        .file("vfs", &parts.vfs)?
        .file("shell", &parts.shell)?
        .file("python", &small)?
        .file("driver", &parts.driver)?;
    let sandbox = project.product("sandbox.wasm", "Composition sandbox.wasm", inputs, || {
        let [vfs, shell, python, driver] =
            [read(&parts.vfs)?, read(&parts.shell)?, read(&small)?, read(&parts.driver)?];
        names::remove(&compose::sandbox(&vfs, &shell, &python, &driver)?)
    })?;
    Ok(Wholes { core, python: small, python_with_image: python.with_image, sandbox })
}

/// Compiles components for this machine: products of the names, made from the components.
pub(crate) fn precompile(project: &Project, programs: &Programs, components: &[(&str, &Path)]) -> Result<()> {
    let fingerprint = exec::output(Command::new(&programs.forge).arg("fingerprint"))?;
    for (name, component) in components {
        let output = project.products().join(name);
        let inputs =
            Inputs::new("precompiled", 1).text("engine", &fingerprint).file("component", component)?;
        project.step(name, &format!("Precompiled {name}"), inputs, &[&output], || {
            // Beside its place and then renamed: a host may be reading the old one.
            let part = output.with_extension("part");
            exec::output(Command::new(&programs.forge).arg("precompile").arg(component).arg(&part))?;
            fs::rename(&part, &output).with_context(|| format!("cannot write {}", output.display()))
        })?;
    }
    Ok(())
}
