//! `cargo xtask crates`: the packages that a registry of crates gets, and a program that depends on them.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::hash::Inputs;
use crate::project::Project;
use crate::{build, cache, exec, ui};

/// In the order in which they are published.
const PACKAGES: [&str; 2] = ["wasmsh-python", "wasmsh"];

/// Bytes that a registry takes.
const MOST: u64 = 10 << 20;

/// A program of somebody who has nothing of this repository.
const PROGRAM: &str = r#"fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut session = wasmsh::Sandbox::builder().build()?;
    for script in std::env::args().skip(1) {
        let output = session.run(script).output()?;
        print!("{}{}", output.stdout_text(), output.stderr_text());
    }
    Ok(())
}
"#;

/// What it is asked, and what it must answer.
const SCRIPTS: [(&str, &str); 3] = [
    ("echo hi | tr a-z A-Z", "HI\n"),
    ("python3 -c 'import json; print(json.dumps([6 * 7]))'", "[42]\n"),
    ("git init -q r && cd r && git branch --show-current", "master\n"),
];

/// Makes the packages in `target/package`, and builds and runs a program that depends on them, without a network, a compiler
/// for WebAssembly, or anything of this checkout.
pub(crate) fn run(project: &Project) -> Result<()> {
    {
        let _lock = project.lock()?;
        build::all(project)?;
        compressed(project)?;
    }
    let mut cargo = project.cargo();
    // What is in them is tried below.
    cargo.args(["package", "--quiet", "--allow-dirty", "--no-verify"]);
    exec::run(cargo.args(PACKAGES.iter().flat_map(|name| ["--package", name])))?;

    let scratch = cache::scratch("crates")?;
    let mut folders = Vec::new();
    for name in PACKAGES {
        let folder = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
        let archive = project.target().join(format!("package/{folder}.crate"));
        let bytes =
            fs::metadata(&archive).with_context(|| format!("cannot find {}", archive.display()))?.len();
        ui::note(format_args!("{} ({} kB)", archive.display(), bytes / 1000));
        if bytes > MOST {
            bail!("{folder}.crate has {bytes} bytes, and a registry takes {MOST}");
        }
        exec::output(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(scratch.path()))?;
        folders.push(scratch.path().join(folder));
    }
    let step = ui::step("Program that depends on the packages");
    depend(project, scratch.path(), &folders)?;
    step.done();
    Ok(())
}

/// `python.wasm.lzma`, where the package's link leads.
fn compressed(project: &Project) -> Result<PathBuf> {
    let python = project.products().join("python.wasm");
    let inputs = Inputs::new("python.wasm.lzma", 1).file("component", &python)?;
    project.product("python.wasm.lzma", "Component python.wasm, compressed", inputs, || {
        let component = fs::read(&python)?;
        let (options, bytes) = (lzma_rust2::LzmaOptions::with_preset(9), component.len() as u64);
        let mut writer = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, Some(bytes))?;
        writer.write_all(&component)?;
        Ok(writer.finish()?)
    })
}

fn depend(project: &Project, scratch: &Path, folders: &[PathBuf]) -> Result<()> {
    let user = scratch.join("user");
    fs::create_dir_all(user.join("src"))?;
    fs::write(user.join("src/main.rs"), PROGRAM)?;
    let [python, wasmsh] = folders else { bail!("not two packages") };
    let (python, wasmsh) = (python.display(), wasmsh.display());
    fs::write(
        user.join("Cargo.toml"),
        format!(
            "[package]\nname = \"user\"\nedition = \"2024\"\n[dependencies]\nwasmsh = {{ path = '{wasmsh}' }}\n\
             [patch.crates-io]\nwasmsh-python = {{ path = '{python}' }}\n[workspace]\n"
        ),
    )?;
    // With the versions that are on this machine already.
    fs::copy(project.path("Cargo.lock"), user.join("Cargo.lock"))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = project.target().join("crates");
    let mut build = Command::new(cargo);
    bare(&mut build, scratch);
    build.args(["build", "--release", "--offline", "--quiet", "--target-dir"]).arg(&target);
    exec::output(build.current_dir(&user))?;

    let program = target.join("release/user").with_extension(env::consts::EXE_EXTENSION);
    // From somewhere else: components beside a program, or in a folder `wasmsh` above it, would be found.
    let place = scratch.join("program");
    fs::copy(&program, &place).with_context(|| format!("cannot copy {}", program.display()))?;
    for (script, expected) in SCRIPTS {
        let mut command = Command::new(&place);
        bare(&mut command, scratch);
        let output = exec::output(command.arg(script).current_dir(scratch))?;
        if output != expected.trim_end() {
            bail!("`{script}` printed {output:?}, not {expected:?}");
        }
    }
    Ok(())
}

/// Takes away what leads to this checkout, to its cache, or to a compiler for WebAssembly.
fn bare(command: &mut Command, scratch: &Path) {
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("WASMSH_") || name.starts_with("CARGO_") && name != "CARGO_HOME" {
            command.env_remove(&*name);
        }
    }
    command.env("XDG_CACHE_HOME", scratch.join("cache"));
}
