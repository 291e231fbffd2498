//! Guest crates: compiled for WebAssembly, then made components.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use wit_component::ComponentEncoder;

use crate::exec;
use crate::hash::Inputs;
use crate::project::Project;
use crate::rust_guest::GuestRustc;

/// Not a WASI target: the component then imports what its world says and nothing else.
const TARGET: &str = "wasm32-unknown-unknown";

/// SIMD is in every engine that has the component model's core features (Safari since 16.4); what else the
/// compiler uses by default (bulk memory, sign extension, non-trapping conversions) is older.
const FEATURES: &str = "-Ctarget-feature=+simd128";

/// Guest packages. Native linkers do not accept the names of their exports: they are checked and linted natively, but
/// run only as WebAssembly, by the tests of those who use them.
pub(crate) const PACKAGES: [&str; 4] =
    ["wasmsh-vfs-component", "wasmsh-shell-component", "wasmsh-sandbox-component", "wasmsh-python-wasi"];

/// The components made from Rust crates, by the names of their folders in `components/`.
const NAMES: [&str; 3] = ["vfs", "shell", "sandbox"];

/// The components made from Rust crates.
pub(crate) struct Components {
    /// The filesystem.
    pub(crate) vfs: PathBuf,
    /// The shell.
    pub(crate) shell: PathBuf,
    /// The driver of the composed sandbox.
    pub(crate) driver: PathBuf,
}

/// Compiles the guest crates and makes them components.
pub(crate) fn components(project: &Project, rustc: &GuestRustc) -> Result<Components> {
    let target = project.target().join("guest");
    let modules = NAMES.map(|name| module(&target, name));
    let inputs = project
        .rust_sources(Inputs::new("guest code", 1))?
        .tree("components", &project.path("components"))?
        .text("rustc", &rustc.version)
        .text("flags", &rustflags(project)?);
    let outputs: Vec<&Path> = modules.iter().map(PathBuf::as_path).collect();
    project.step("guest-code", "Guest code: vfs, shell, driver", inputs, &outputs, || {
        build(project, rustc, &NAMES.map(package), &target)
    })?;
    let [vfs, shell, driver] = NAMES.map(|name| component(project, name, &module(&target, name)));
    Ok(Components { vfs: vfs?, shell: shell?, driver: driver? })
}

/// Compiles packages for the guest target into `target`.
fn build(project: &Project, rustc: &GuestRustc, packages: &[String], target: &Path) -> Result<()> {
    let mut cargo = project.cargo();
    cargo
        .args(["build", "--profile", "guest", "--target", TARGET, "--target-dir"])
        .arg(target)
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(project)?)
        .env_remove("RUSTFLAGS");
    if rustc.separate {
        // A wrapper is set up for the host's compiler and may know no other.
        cargo.env("RUSTC", &rustc.path).env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
    }
    exec::run(&mut cargo).context("cannot compile the guest code")
}

/// Compiles a guest crate of the kind `staticlib`, to be linked with C code, and gives the archive.
pub(crate) fn static_library(project: &Project, rustc: &GuestRustc, package: &str) -> Result<PathBuf> {
    let target = project.target().join("guest");
    let archive = target.join(TARGET).join("guest").join(format!("lib{}.a", package.replace('-', "_")));
    let inputs = project
        .rust_sources(Inputs::new("static library", 1))?
        .tree("components", &project.path("components"))?
        .text("package", package)
        .text("rustc", &rustc.version)
        .text("flags", &rustflags(project)?);
    project.step(package, &format!("Guest code: {package}"), inputs, &[&archive], || {
        build(project, rustc, &[package.to_owned()], &target)
    })?;
    Ok(archive)
}

fn component(project: &Project, name: &str, module: &Path) -> Result<PathBuf> {
    let inputs = Inputs::new("component", 1).file("module", module)?;
    project.product(&format!("parts/{name}.wasm"), &format!("Component {name}"), inputs, || {
        let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
        encode(&bytes)
    })
}

/// Where cargo leaves the module of `components/NAME`.
fn module(target: &Path, name: &str) -> PathBuf {
    target.join(TARGET).join("guest").join(package(name).replace('-', "_")).with_extension("wasm")
}

/// The package in `components/NAME`.
fn package(name: &str) -> String {
    format!("wasmsh-{name}-component")
}

/// Makes a core module, which carries its world in a custom section, a component.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .context("the module does not say which world it implements")?
        .encode()
        .context("the module does not implement its world")
}

/// Flags for guest code, in cargo's encoding, which allows spaces. Paths of this machine stay out of the products.
fn rustflags(project: &Project) -> Result<String> {
    let text = |path: PathBuf| {
        path.into_os_string()
            .into_string()
            .map_err(|path| anyhow!("the path {} is not UTF-8", path.display()))
    };
    let mut flags = vec![FEATURES.to_owned()];
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=/cargo", text(home)?));
    }
    flags.push(format!("--remap-path-prefix={}=/wasmsh", text(project.root().to_path_buf())?));
    Ok(flags.join("\u{1f}"))
}
