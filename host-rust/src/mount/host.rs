//! The host's side of a mount: a directory that is open, and nothing beside it.
//!
//! It is reached by cap-std alone, which resolves every path below an open directory, so that neither `..`, nor a symbolic
//! link, nor a rename at the wrong moment leads out.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, OpenOptions};

use super::{Identity, MountError, Seen, SeenKind};
use crate::blobs::Lender;

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: metadata.modified().map_or(SystemTime::UNIX_EPOCH, cap_std::time::SystemTime::into_std),
            inode: inode(metadata),
        }
    }

    /// Whether another state of the file still has what this one had: it may have been written to, as any file that others
    /// have open, but it is the same one and has not become shorter.
    fn lives_on_in(&self, now: &Self) -> bool {
        self.inode == now.inode && self.size <= now.size
    }
}

/// A directory of the host.
pub(super) struct HostDirectory {
    dir: Dir,
}

impl HostDirectory {
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, MountError> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())
            .map_err(|source| MountError::Host { path: path.to_path_buf(), source })?;
        Ok(Arc::new(Self { dir }))
    }

    /// Everything below, by relative path; what comes above another path comes before it. What is neither file, directory
    /// nor link, and names that are not UTF-8, which a session cannot have, are left out.
    pub(super) fn walk(&self) -> Result<BTreeMap<String, Seen>, MountError> {
        let mut found = BTreeMap::new();
        let mut directories = vec![String::new()];
        while let Some(directory) = directories.pop() {
            let place = if directory.is_empty() { "." } else { &directory };
            let entries = match self.dir.read_dir(place) {
                Ok(entries) => entries,
                // It is gone since its name was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !directory.is_empty() => continue,
                Err(source) => return Err(failed(place, source)),
            };
            for entry in entries {
                let entry = entry.map_err(|source| failed(place, source))?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
                match self.look(&path) {
                    Ok(Some(seen)) => {
                        if seen.kind == SeenKind::Directory {
                            directories.push(path.clone());
                        }
                        found.insert(path, seen);
                    }
                    Ok(None) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(source) => return Err(failed(&path, source)),
                }
            }
        }
        Ok(found)
    }

    /// What is under a name, unless it is something that no session gets.
    pub(super) fn look(&self, path: &str) -> io::Result<Option<Seen>> {
        let metadata = self.dir.symlink_metadata(path)?;
        let kind = if metadata.is_dir() {
            SeenKind::Directory
        } else if metadata.is_symlink() {
            match self.dir.read_link_contents(path)?.to_str() {
                Some(target) => SeenKind::Link(target.to_owned()),
                None => return Ok(None),
            }
        } else if metadata.is_file() {
            SeenKind::File(Identity::of(&metadata))
        } else {
            return Ok(None);
        };
        Ok(Some(Seen { kind, mode: permissions(&metadata) }))
    }

    /// Removes what the host has under this name, which may no longer be what it was.
    pub(super) fn remove(&self, path: &str) -> io::Result<()> {
        let removed = match self.dir.symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.dir.remove_dir(path),
            Ok(_) => self.dir.remove_file(path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // The host has put something there: that is not ours.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed,
        }
    }

    pub(super) fn put_directory(&self, path: &str, mode: u32) -> io::Result<()> {
        match self.dir.symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => {}
            // A link in the place of a directory is replaced, not followed.
            Ok(_) => {
                self.dir.remove_file(path)?;
                self.dir.create_dir(path)?;
            }
            Err(_) => self.dir.create_dir(path)?,
        }
        set_permissions(&self.dir, path, mode | 0o700)
    }

    /// Beside its place first: a reader sees the old file or the new one, and a link that is there is replaced.
    pub(super) fn put_file(
        &self,
        path: &str,
        contents: &[u8],
        mode: u32,
        modified: SystemTime,
    ) -> io::Result<()> {
        let part = beside(path);
        let written = (|| {
            let mut file = self.dir.open_with(&part, OpenOptions::new().write(true).create_new(true))?;
            file.write_all(contents)?;
            // A time that the host's files cannot have is no reason not to write them.
            let _ = file.into_std().set_modified(modified);
            set_permissions(&self.dir, &part, mode & 0o777)?;
            if self.dir.symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
                self.dir.remove_dir(path)?;
            }
            self.dir.rename(&part, &self.dir, path)
        })();
        if written.is_err() {
            // What could not be finished is of no use.
            let _ = self.dir.remove_file(&part);
        }
        written
    }

    pub(super) fn put_link(&self, path: &str, target: &str) -> io::Result<()> {
        self.remove(path)?;
        symlink(&self.dir, target, path)
    }
}

fn failed(path: &str, source: io::Error) -> MountError {
    MountError::Host { path: path.into(), source }
}

/// A file of a mounted directory, which the session reads when it needs it.
pub(super) struct HostFile {
    directory: Arc<HostDirectory>,
    path: String,
    was: Identity,
    /// Held open while its name may be taken away.
    pinned: Mutex<Option<File>>,
}

impl HostFile {
    pub(super) fn new(directory: &Arc<HostDirectory>, path: &str, was: Identity) -> Arc<Self> {
        Arc::new(Self {
            directory: Arc::clone(directory),
            path: path.to_owned(),
            was,
            pinned: Mutex::default(),
        })
    }

    /// The file, if it is still the one that the session knows.
    fn open(&self) -> io::Result<File> {
        let file = self.directory.dir.open(&self.path)?;
        if self.was.lives_on_in(&Identity::of(&file.metadata()?)) {
            Ok(file)
        } else {
            Err(io::Error::other("the host has changed it"))
        }
    }

    /// Holds it open, so that it can be read after its name is gone.
    pub(super) fn pin(&self) {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if pinned.is_none() {
            // Where that is not possible, whoever reads it is told.
            *pinned = self.open().ok();
        }
    }
}

impl Lender for HostFile {
    fn read(&self, offset: u64, length: usize) -> Option<Vec<u8>> {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |file: &mut File| -> io::Result<Vec<u8>> {
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        let result = match &mut *pinned {
            Some(file) => read(file),
            None => self.open().and_then(|mut file| read(&mut file)),
        };
        result.inspect_err(|error| tracing::debug!(path = self.path, %error, "a mounted file is lost")).ok()
    }
}

/// A name for a file that is being written.
fn beside(path: &str) -> PathBuf {
    let path = Path::new(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let random = getrandom::u64().unwrap_or(0);
    // A name may have 255 bytes.
    let kept: String = name.chars().take(40).collect();
    path.with_file_name(format!(".{kept}.wasmsh-{random:016x}"))
}

/// Whether a link at `path` leads to something below the directory that `path` is relative to, whatever else is there: a name
/// that another link has, or gets later, may lead up already, so nothing goes up behind one.
pub(super) fn stays_inside(path: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') || target.contains('\\') {
        return false;
    }
    let mut above = path.split('/').count() - 1;
    let mut named = false;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => match above.checked_sub(1).filter(|_| !named) {
                Some(left) => above = left,
                None => return false,
            },
            _ => named = true,
        }
    }
    true
}

#[cfg(unix)]
fn permissions(metadata: &Metadata) -> u32 {
    use cap_std::fs::MetadataExt as _;
    metadata.mode() & 0o777
}

#[cfg(not(unix))]
fn permissions(metadata: &Metadata) -> u32 {
    let write = if metadata.permissions().readonly() { 0 } else { 0o200 };
    if metadata.is_dir() { 0o555 | write } else { 0o444 | write }
}

#[cfg(unix)]
fn set_permissions(host: &Dir, path: impl AsRef<Path>, mode: u32) -> io::Result<()> {
    use cap_std::fs::PermissionsExt as _;
    host.set_permissions(path, cap_std::fs::Permissions::from_mode(mode & 0o777))
}

#[cfg(not(unix))]
fn set_permissions(_: &Dir, _: impl AsRef<Path>, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn symlink(host: &Dir, target: &str, path: &str) -> io::Result<()> {
    host.symlink(target, path)
}

#[cfg(not(unix))]
fn symlink(host: &Dir, target: &str, path: &str) -> io::Result<()> {
    host.symlink_file(target, path)
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    use cap_std::fs::MetadataExt as _;
    metadata.ino()
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_out_are_known() {
        for (path, target) in
            [("a", "b"), ("a", "./b/c"), ("d/a", "../b"), ("d/e/a", ".././../b/."), ("a", "...")]
        {
            assert!(stays_inside(path, target), "{path} -> {target}");
        }
        for (path, target) in [
            ("a", "/etc/passwd"),
            ("a", ".."),
            ("a", "../x"),
            ("d/a", "../../x"),
            ("a", "b/../../x"),
            // These two together would.
            ("a", "d/up/../x"),
            ("d/a", "up/.."),
            ("a", ""),
            ("a", "//x"),
            ("a", "..\\x"),
            ("a", "x\0"),
            ("d/a", "./../.././x"),
        ] {
            assert!(!stays_inside(path, target), "{path} -> {target:?}");
        }
    }
}
