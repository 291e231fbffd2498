//! The compiler for guest code: a rustc that has the WebAssembly targets.
//!
//! In this order: the active rustc has them; `rustup target add` brings them; Debian's packages of a newer rustc,
//! unpacked into the cache. `WASMSH_FORCE_DEBIAN=1` takes the last way at once.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::debian::{self, Apt};
use crate::hash::Inputs;
use crate::{cache, exec, ui};

/// The targets that guest code is built for.
pub(crate) const TARGETS: [&str; 3] = ["wasm32-unknown-unknown", "wasm32-wasip1", "wasm32-wasip2"];

/// Debian suites that may have rustc and its WebAssembly library of one version.
const SUITES: [&str; 2] = ["forky", "sid"];

/// A rustc with all [`TARGETS`].
pub(crate) struct GuestRustc {
    /// What to start.
    pub(crate) path: PathBuf,
    /// `rustc -vV`: identifies the compiler exactly.
    pub(crate) version: String,
    /// Whether this is a compiler of its own, apart from the one for host code.
    pub(crate) separate: bool,
}

/// Finds or provides the guest compiler.
pub(crate) fn provide() -> Result<GuestRustc> {
    let active =
        env::var_os("RUSTC").filter(|path| !path.is_empty()).unwrap_or_else(|| OsString::from("rustc"));
    let active = PathBuf::from(active);
    if env::var_os("WASMSH_FORCE_DEBIAN").is_none_or(|value| value.is_empty() || value == "0") {
        if has_targets(&active)? {
            return describe(active, false);
        }
        if rustup_add() && has_targets(&active)? {
            return describe(active, false);
        }
        ui::note("rustup cannot add the WebAssembly targets here: taking Debian's compiler for guest code");
    }
    let prefix = from_debian(&active).with_context(|| {
        format!(
            "no compiler for WebAssembly; where rustup has a network, this is enough: rustup target add {}",
            TARGETS.join(" ")
        )
    })?;
    describe(prefix.join("bin/rustc"), true)
}

fn describe(path: PathBuf, separate: bool) -> Result<GuestRustc> {
    let version = exec::output(Command::new(&path).arg("-vV"))?;
    Ok(GuestRustc { path, version, separate })
}

/// Whether the standard library of every target is there.
fn has_targets(rustc: &Path) -> Result<bool> {
    for target in TARGETS {
        let folder =
            exec::output(Command::new(rustc).args(["--print", "target-libdir", "--target", target]))?;
        let found = fs::read_dir(folder).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                name.starts_with("libstd-") && name.ends_with(".rlib")
            })
        });
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Asks rustup for the targets; no answer within five minutes counts as none.
fn rustup_add() -> bool {
    let started = Command::new("rustup")
        .args(["target", "add"])
        .args(TARGETS)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else { return false };
    ui::note(format_args!("rustup target add {}", TARGETS.join(" ")));
    let deadline = Instant::now() + Duration::from_secs(300);
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => thread::sleep(Duration::from_millis(100)),
            Err(_) => return false,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

/// The prefix with Debian's compiler.
fn from_debian(active: &Path) -> Result<PathBuf> {
    if env::consts::OS != "linux" {
        bail!("Debian's packages run on Linux only");
    }
    // The linkers come with every rustc of rustup; the link is part of the entry, so its target is an input.
    let host = host_triple(active)?;
    let linkers = linkers(active)?;
    if !linkers.join("rust-lld").exists() || !linkers.join("wasm-component-ld").exists() {
        bail!("{} has no rust-lld and wasm-component-ld: use a rustc installed by rustup", linkers.display());
    }
    let inputs = Inputs::new("guest-rustc", 1)
        .texts("suite", SUITES)
        .texts("target", TARGETS)
        .text("host", &host)
        .text("linkers", &linkers.to_string_lossy());
    cache::entry("rust", "Rust compiler for WebAssembly (Debian packages)", inputs, |prefix| {
        let mut failures = Vec::new();
        for suite in SUITES {
            match unpack(suite, &host, &linkers, prefix) {
                Ok(()) => return Ok(()),
                Err(error) => failures.push(format!("{suite}: {error:#}")),
            }
            for entry in fs::read_dir(prefix)? {
                let path = entry?.path();
                if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
            }
        }
        Err(anyhow!(failures.join("\n")))
    })
}

fn unpack(suite: &str, host: &str, linkers: &Path, prefix: &Path) -> Result<()> {
    let apt = Apt::open(&[suite], false)?;
    let compiler = apt.version("rustc")?;
    let library = apt.version("libstd-rust-dev-wasm32")?;
    if compiler.is_none() || compiler != library {
        bail!(
            "rustc is {} and libstd-rust-dev-wasm32 {}: they must be of one version",
            compiler.as_deref().unwrap_or("absent"),
            library.as_deref().unwrap_or("absent")
        );
    }
    let shared = apt
        .depends("libstd-rust-dev")?
        .into_iter()
        .find(|name| name.starts_with("libstd-rust-") && name != "libstd-rust-dev")
        .ok_or_else(|| anyhow!("libstd-rust-dev names no shared library"))?;
    // The shared library holds the compiler; its closure is what the compiler needs to run.
    let unneeded = ["debconf", "dpkg", "perl", "cdebconf", "libc-gconv", "libc-bin"];
    let mut packages = apt.closure(&[&shared, "libc6"], |name| {
        unneeded.iter().any(|prefix| name.starts_with(prefix))
            || (name.starts_with("gcc-") && name.ends_with("-base"))
    })?;
    packages.extend(["rustc", "libstd-rust-dev", "libstd-rust-dev-wasm32"].map(str::to_owned));
    apt.unpack(&packages, prefix, &["./usr/share", "./usr/lib/*/gconv"])?;

    // A link, not a copy: rust-lld finds its LLVM beside its real place.
    let bin = prefix.join("usr/lib/rustlib").join(host).join("bin");
    if fs::symlink_metadata(&bin).is_ok() {
        fs::remove_dir_all(&bin)?;
    }
    symlink(linkers, &bin)?;
    debian::write_wrapper(prefix, "rustc", "usr/bin/rustc", "")?;
    smoke_test(&prefix.join("bin/rustc"))
}

/// Compiles and links a program for each target; that an archive is there says little.
fn smoke_test(rustc: &Path) -> Result<()> {
    let scratch = cache::scratch("smoke test")?;
    let source = scratch.path().join("main.rs");
    fs::write(&source, "fn main() { println!(\"{:?}\", std::fs::metadata(\"x\").is_ok()) }\n")?;
    for target in TARGETS {
        let program = scratch.path().join(format!("{target}.wasm"));
        exec::output(Command::new(rustc).args(["--target", target, "-o"]).arg(&program).arg(&source))
            .with_context(|| format!("the unpacked compiler cannot make a program for {target}"))?;
    }
    Ok(())
}

/// Where a rustc keeps the linkers that come with it: `wasm-component-ld` among them.
pub(crate) fn linkers(rustc: &Path) -> Result<PathBuf> {
    let sysroot = exec::output(Command::new(rustc).args(["--print", "sysroot"]))?;
    let host = host_triple(rustc)?;
    let inside = |folder: &str| Path::new(&sysroot).join(folder).join(&host).join("bin");
    // Debian has its own place for what rustup has in `lib`.
    let places = [inside("lib/rustlib"), inside("usr/lib/rustlib")];
    let found = places.iter().find(|place| place.join("wasm-component-ld").exists());
    Ok(found.unwrap_or(&places[0]).clone())
}

fn host_triple(rustc: &Path) -> Result<String> {
    let version = exec::output(Command::new(rustc).arg("-vV"))?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("`rustc -vV` names no host"))
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot make the link {}", link.display()))
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> Result<()> {
    bail!("Debian's packages run on Linux only")
}
