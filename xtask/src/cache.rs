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
use std::time::Duration;

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
    entry_in(&root()?, kind, title, inputs, make)
}

fn entry_in(
    root: &Path,
    kind: &str,
    title: &str,
    inputs: Inputs,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let folder = root.join(kind);
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
    // What a run that was killed has left: with the lock in our hands, nobody works on it.
    for leftover in fs::read_dir(&folder)?.flatten() {
        if leftover.file_name().to_string_lossy().starts_with(&format!("{name}.part-")) {
            remove(&leftover.path())?;
        }
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
    let folder = root()?.join("tmp");
    if COUNT.load(Ordering::Relaxed) == 0 {
        sweep(&folder);
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Scratch::new(folder.join(format!("{name}-{}-{count}", process::id())))
}

/// Removes what killed runs left in the folder of temporary folders; no run takes a day.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > Duration::from_secs(24 * 60 * 60))
            && let Err(error) = remove(&entry.path())
        {
            ui::warn(error);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Inputs {
        Inputs::new("test", 1)
    }

    #[test]
    fn an_entry_is_made_once() {
        let scratch = scratch("cache-test").unwrap();
        let root = scratch.path();
        let made =
            entry_in(root, "kind", "made", inputs(), |folder| Ok(fs::write(folder.join("a"), "A")?)).unwrap();
        assert_eq!(fs::read_to_string(made.join("a")).unwrap(), "A");
        let again = entry_in(root, "kind", "made", inputs(), |_| panic!("made twice")).unwrap();
        assert_eq!(made, again);
        let other = entry_in(root, "kind", "made", inputs().text("x", "y"), |_| Ok(())).unwrap();
        assert_ne!(made, other);
    }

    #[test]
    fn a_failure_leaves_nothing_and_can_be_repeated() {
        let scratch = scratch("cache-test").unwrap();
        let root = scratch.path();
        let failed = entry_in(root, "kind", "broken", inputs(), |folder| {
            fs::write(folder.join("half"), "")?;
            anyhow::bail!("no network")
        });
        assert!(format!("{:#}", failed.unwrap_err()).contains("no network"));
        let names: Vec<_> =
            fs::read_dir(root.join("kind")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 1, "only the lock file is left: {names:?}");
        // As if a run had been killed in the middle.
        let half = root.join("kind").join(format!("{}.part-1", inputs().digest()));
        fs::create_dir_all(&half).unwrap();
        entry_in(root, "kind", "broken", inputs(), |_| Ok(())).unwrap();
        assert!(!half.exists());
    }

    #[test]
    fn two_runs_at_once_make_an_entry_once() {
        let scratch = scratch("cache-test").unwrap();
        let made = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    entry_in(scratch.path(), "kind", "shared", inputs(), |folder| {
                        made.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(20));
                        Ok(fs::write(folder.join("a"), "A")?)
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }
}
