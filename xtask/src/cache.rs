//! The cache of build products that outlives a checkout.
//!
//! An entry is a folder named by the hash of everything it was made from. It is made in a temporary folder
//! beside its final place and renamed, so an interrupted run leaves no half entry; a lock file for each entry
//! lets several runs work at once, and the second one waits for the first instead of repeating its work.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, anyhow};

use crate::hash::Inputs;
use crate::ui;

/// The cache folder: `$WASMSH_CACHE`, else `$XDG_CACHE_HOME/wasmsh`, else `~/.cache/wasmsh`.
pub(crate) fn root() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = if let Some(path) = set("WASMSH_CACHE") {
        path
    } else if let Some(path) = set("XDG_CACHE_HOME") {
        path.join("wasmsh")
    } else if let Some(path) = env::home_dir() {
        path.join(".cache/wasmsh")
    } else {
        return Err(anyhow!("there is no home folder to keep the cache in: set WASMSH_CACHE to a folder"));
    };
    fs::create_dir_all(&root).with_context(|| format!("cannot make the cache folder {}", root.display()))?;
    root.canonicalize().with_context(|| format!("cannot open the cache folder {}", root.display()))
}

/// The entry of `kind` for `inputs`, made by `make` if it is not there. `make` gets an empty folder to fill;
/// what it makes must not hold that folder's own path, since the folder is renamed afterwards.
///
/// `title` is what the user reads while it is made.
pub(crate) fn entry(
    kind: &str,
    title: &str,
    inputs: Inputs,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let folder = root()?.join(kind);
    let name = inputs.digest();
    let place = folder.join(&name);
    if place.is_dir() {
        ui::fresh(format_args!("{title} [{kind}/{}]", name.get(..8).unwrap_or_default()));
        return Ok(place);
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let _lock = lock(&folder.join(format!("{name}.lock")), title)?;
    if place.is_dir() {
        return Ok(place);
    }
    let step = ui::step(title);
    let building = Scratch::new(folder.join(format!("{name}.part-{}", process::id())))?;
    make(building.path()).with_context(|| format!("{title}: failed"))?;
    fs::rename(building.path(), &place)
        .with_context(|| format!("cannot move the finished entry to {}", place.display()))?;
    step.done();
    Ok(place)
}

/// Holds `path` as a lock for as long as the value lives; waits, and says so, while another process has it.
pub(crate) fn lock(path: &Path, what: &str) -> Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open the lock file {}", path.display()))?;
    if file.try_lock().is_err() {
        ui::note(format_args!("waiting for another xtask: {what}"));
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

/// A folder that is removed when the value is dropped (unless it was renamed away).
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Self> {
        if path.exists() {
            remove(&path)?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if env::var_os("WASMSH_KEEP_SCRATCH").is_some() {
            return;
        }
        if self.0.exists()
            && let Err(error) = remove(&self.0)
        {
            ui::warn(format_args!("could not remove {}: {error}", self.0.display()));
        }
    }
}

/// A temporary folder in the cache, for work whose result goes elsewhere.
/// With `WASMSH_KEEP_SCRATCH` set these folders stay, to look into after a failure.
pub(crate) fn scratch(name: &str) -> Result<Scratch> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Scratch::new(root()?.join("tmp").join(format!("{name}-{}-{count}", process::id())))
}

/// Removes a tree, also one with folders that are not writable (unpacked source packages have such).
fn remove(path: &Path) -> Result<()> {
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    make_writable(path)?;
    fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))
}

#[cfg(unix)]
fn make_writable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_dir() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(path)? {
            make_writable(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_writable(_: &Path) -> Result<()> {
    Ok(())
}
