//! `git`, the command component in `components/git`: a workspace of its own, so that its features and patched
//! dependencies touch nothing else.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::hash::Inputs;
use crate::project::Project;
use crate::rust_guest::GuestRustc;
use crate::{exec, ui};

/// Plain WASI 0.2: the program uses nothing but `std`.
const TARGET: &str = "wasm32-wasip2";

/// A cargo for that workspace, doing `action`.
pub(crate) fn cargo(project: &Project, action: &str) -> Command {
    let mut cargo = project.cargo();
    cargo.arg(action).arg("--manifest-path").arg(project.path("components/git/Cargo.toml"));
    cargo
}

/// As [`cargo`], for actions that compile.
pub(crate) fn compile(project: &Project, action: &str) -> Command {
    let mut cargo = cargo(project, action);
    cargo.arg("--target-dir").arg(project.target().join("git"));
    cargo
}

/// Builds the component, and tells how large it is.
pub(crate) fn component(project: &Project, rustc: &GuestRustc) -> Result<PathBuf> {
    let built = project.target().join("git").join(TARGET).join("release/git.wasm");
    let inputs = Inputs::new("git", 1)
        .tree("components/git", &project.path("components/git"))?
        .tree("crates/regex", &project.path("crates/regex"))?
        .text("rustc", &rustc.version);
    let product = project.product("git.wasm", "Component git", inputs, || {
        let mut cargo = compile(project, "build");
        cargo.args(["--release", "--quiet", "--target", TARGET]).env_remove("RUSTFLAGS");
        if rustc.separate {
            // A wrapper is set up for the host's compiler and may know no other.
            cargo.env("RUSTC", &rustc.path).env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
        }
        exec::run(&mut cargo).context("cannot compile components/git")?;
        fs::read(&built).with_context(|| format!("cannot read {}", built.display()))
    })?;
    ui::note(format_args!("{}: {} bytes", product.display(), fs::metadata(&product)?.len()));
    Ok(product)
}
