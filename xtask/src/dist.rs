//! `cargo xtask dist`: what is given to users, in `target/dist`.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::{build, exec, js, ui};

/// Makes an archive of the command line with its components, one of the bare components, and the npm package.
pub(crate) fn run(project: &Project) -> Result<()> {
    let _lock = project.lock()?;
    build::all(project)?;
    let programs = build::programs(project)?;
    let dist = project.path("target/dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).with_context(|| format!("cannot remove {}", dist.display()))?;
    }
    fs::create_dir_all(&dist)?;

    let version = env!("CARGO_PKG_VERSION");
    let products = project.products();
    let native = format!("wasmsh-{version}-{}-{}", env::consts::ARCH, env::consts::OS);
    let files = ["core.wasm", "core.cwasm", "python.wasm", "python.cwasm", "git.wasm", "git.cwasm"]
        .map(|name| products.join(name));
    let texts = ["LICENSE", "README.md"].map(|name| project.path(name));
    let contents =
        [programs.wasmsh.as_path()].into_iter().chain(files.iter().chain(&texts).map(AsRef::as_ref));
    archive(&dist, &native, contents)?;

    let files =
        ["core.wasm", "python.wasm", "sandbox.wasm", "git.wasm", "parts/vfs.wasm", "parts/shell.wasm"]
            .map(|name| products.join(name));
    archive(
        &dist,
        &format!("wasmsh-{version}-components"),
        files.iter().chain(&texts[..1]).map(AsRef::as_ref),
    )?;

    exec::output(
        js::npm()
            .args(["pack", "--silent", "--pack-destination"])
            .arg(&dist)
            .current_dir(project.path("host-js")),
    )?;
    for entry in fs::read_dir(&dist)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            ui::note(format_args!("{} ({} kB)", path.display(), fs::metadata(&path)?.len() / 1000));
        }
    }
    Ok(())
}

/// `NAME.tar.gz` with the folder NAME and copies of `files` in it.
fn archive<'a>(dist: &Path, name: &str, files: impl Iterator<Item = &'a Path>) -> Result<()> {
    let folder = dist.join(name);
    fs::create_dir_all(&folder)?;
    for file in files {
        let target = folder.join(file.file_name().unwrap_or_default());
        fs::copy(file, &target).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    // Precompiled code is refused when it is older than its component: copies have no order, so say one.
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let file = fs::File::options().append(true).open(&path)?;
            file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60))?;
        }
    }
    exec::output(
        Command::new("tar")
            .arg("-czf")
            .arg(dist.join(format!("{name}.tar.gz")))
            .arg("-C")
            .arg(dist)
            .arg(name),
    )?;
    Ok(())
}
