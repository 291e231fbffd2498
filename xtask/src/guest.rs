//! Guest crates: compiled for WebAssembly, then made components.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use wit_component::ComponentEncoder;

use crate::exec;
use crate::hash::{Inputs, file_digest};
use crate::project::Project;
use crate::rust_guest::GuestRustc;
use crate::ui;

/// Not a WASI target: the component then imports what its world says and nothing else.
const TARGET: &str = "wasm32-unknown-unknown";

/// SIMD is in every engine that has the component model's core features (Safari since 16.4); what else the
/// compiler uses by default (bulk memory, sign extension, non-trapping conversions) is older.
const FEATURES: &str = "-Ctarget-feature=+simd128";

/// Compiles the crates in `components/NAME` and gives the components, in the order of `names`.
pub(crate) fn components(project: &Project, rustc: &GuestRustc, names: &[&str]) -> Result<Vec<PathBuf>> {
    let target = project.target().join("guest");
    let step = ui::step(format!("Compile guest code: {}", names.join(", ")));
    let mut cargo = project.cargo();
    cargo
        .args(["build", "--profile", "guest", "--target", TARGET, "--target-dir"])
        .arg(&target)
        .args(names.iter().flat_map(|name| ["--package".to_owned(), package(name)]))
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(project)?)
        .env_remove("RUSTFLAGS");
    if rustc.separate {
        // A wrapper is set up for the host's compiler and may know no other.
        cargo.env("RUSTC", &rustc.path).env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
    }
    exec::run(&mut cargo).context("cannot compile the guest code")?;
    step.done();

    let mut components = Vec::new();
    for name in names {
        let module =
            target.join(TARGET).join("guest").join(package(name).replace('-', "_")).with_extension("wasm");
        let inputs = Inputs::new("component", 1).text("module", &file_digest(&module)?);
        components.push(project.product(
            &format!("parts/{name}.wasm"),
            &format!("Component {name}"),
            inputs,
            || {
                let bytes = fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
                encode(&bytes)
            },
        )?);
    }
    Ok(components)
}

/// The package in `components/NAME`.
fn package(name: &str) -> String {
    format!("wasmsh-{name}-component")
}

/// Makes a core module, which carries its world in a custom section, a component.
fn encode(module: &[u8]) -> Result<Vec<u8>> {
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
