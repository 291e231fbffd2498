//! Directories of the host in a session, as working copies.
//!
//! A mount is copied into the session's filesystem when the session is made, and what has changed there is written back
//! by a commit. The host's side is reached by cap-std alone: it resolves every path below an open directory, so that
//! neither `..`, nor a symbolic link, nor a rename at the wrong moment leads out. Symbolic links are copied as links,
//! never followed, and one that would lead out of the directory is not written to the host.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::files::FileError;
use crate::session::Session;
use crate::types::{FileType, Stat};

/// What a session may do to a directory of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MountMode {
    /// Nothing: the files belong to root in the session, and nobody may write to them.
    #[default]
    ReadOnly,
    /// Everything: [`Session::commit`] happens after each run that goes through this crate's blocking or asynchronous
    /// calls on the session that has the mount.
    ReadWrite,
    /// Everything, and nothing of it reaches the host before [`Session::commit`]; [`Session::discard`] undoes it.
    Overlay,
}

/// Why a directory cannot be mounted, or a change not be written back.
#[derive(Debug, Error)]
pub enum MountError {
    /// The host's side.
    #[error("{}", .path.display())]
    Host {
        /// The path, from the directory that is mounted.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The session's side.
    #[error(transparent)]
    Session(#[from] FileError),
}

/// What a commit has done; paths are relative to the mounted directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Created, or written anew.
    pub written: Vec<String>,
    /// Removed.
    pub removed: Vec<String>,
    /// Not written, since they would lead out of the directory or are nothing that a host should get (FIFOs, devices).
    pub refused: Vec<String>,
}

/// A directory to be mounted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) mode: MountMode,
}

/// A directory that is mounted.
pub(crate) struct Mount {
    host: Dir,
    guest: String,
    pub(crate) mode: MountMode,
    /// What the host and the session had when they last agreed, by relative path.
    known: BTreeMap<String, Stamp>,
}

/// By what a change is seen.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    kind: FileType,
    size: u64,
    mode: u32,
    inode: u64,
    modified: SystemTime,
    changed: SystemTime,
}

impl From<&Stat> for Stamp {
    fn from(stat: &Stat) -> Self {
        let Stat { kind, size, mode, inode, modified, changed, .. } = *stat;
        // The size and the times of a directory are those of its entries.
        let directory = kind == FileType::Directory;
        let still = SystemTime::UNIX_EPOCH;
        Self {
            kind,
            size: if directory { 0 } else { size },
            mode,
            inode,
            modified: if directory { still } else { modified },
            changed: if directory { still } else { changed },
        }
    }
}

impl Mount {
    pub(crate) fn open(session: &mut Session, wanted: &Wanted) -> Result<Self, MountError> {
        let host = Dir::open_ambient_dir(&wanted.host, ambient_authority())
            .map_err(|source| MountError::Host { path: wanted.host.clone(), source })?;
        let guest = wanted.guest.trim_end_matches('/').to_owned();
        let mut mount = Self { host, guest, mode: wanted.mode, known: BTreeMap::new() };
        mount.bring(session)?;
        Ok(mount)
    }

    fn guest(&self, relative: &str) -> String {
        format!("{}/{relative}", self.guest)
    }

    /// Copies the host's directory into the session.
    fn bring(&mut self, session: &mut Session) -> Result<(), MountError> {
        let read_only = self.mode == MountMode::ReadOnly;
        session.create_dir(&self.guest)?;
        session.give_to_user(&self.guest)?;
        let failed = |path: &str| {
            let path = PathBuf::from(path);
            move |source| MountError::Host { path, source }
        };
        let mut directories = vec![String::new()];
        let mut modes = Vec::new();
        while let Some(directory) = directories.pop() {
            let place = if directory.is_empty() { "." } else { &directory };
            for entry in self.host.read_dir(place).map_err(failed(place))? {
                let entry = entry.map_err(failed(place))?;
                // A name that is not UTF-8 has no name in a session.
                let Ok(name) = entry.file_name().into_string() else { continue };
                let relative = if directory.is_empty() { name } else { format!("{directory}/{name}") };
                let full = self.guest(&relative);
                let metadata = self.host.symlink_metadata(&relative).map_err(failed(&relative))?;
                let mode = permissions(&metadata);
                if metadata.is_dir() {
                    session.create_dir(&full)?;
                    modes.push((full, mode));
                    directories.push(relative);
                } else if metadata.is_symlink() {
                    let target = self.host.read_link_contents(&relative).map_err(failed(&relative))?;
                    if let Some(target) = target.to_str() {
                        session.symlink(target, &full)?;
                    }
                } else if metadata.is_file() {
                    let contents = self.host.read(&relative).map_err(failed(&relative))?;
                    session.write_file_with_mode(&full, contents, mode)?;
                    if let Ok(modified) = metadata.modified() {
                        session.set_modified(&full, modified.into_std())?;
                    }
                    if read_only {
                        modes.push((full, mode));
                    }
                }
            }
        }
        if read_only {
            modes.push((self.guest.clone(), 0o755));
        }
        // At the end, and the deepest first, since who may not write cannot create.
        for (path, mode) in modes.into_iter().rev() {
            if read_only {
                session.set_owner(&path, 0, 0)?;
                session.set_mode(&path, mode & !0o222)?;
            } else {
                session.set_mode(&path, mode)?;
            }
        }
        self.known = self.look(session)?;
        Ok(())
    }

    /// What the session has now.
    fn look(&self, session: &mut Session) -> Result<BTreeMap<String, Stamp>, MountError> {
        let prefix = format!("{}/", self.guest);
        let mut found = BTreeMap::new();
        for item in session.walk(&self.guest)? {
            let (path, stat) = item?;
            if let Some(relative) = path.strip_prefix(&prefix).filter(|relative| !relative.is_empty()) {
                found.insert(relative.to_owned(), Stamp::from(&stat));
            }
        }
        Ok(found)
    }

    /// Writes to the host what has changed in the session.
    pub(crate) fn commit(&mut self, session: &mut Session) -> Result<Commit, MountError> {
        let mut commit = Commit::default();
        let now = self.look(session)?;
        // What is below comes later in the order of paths, so that it is removed first.
        for (path, stamp) in self.known.iter().rev() {
            if now.get(path).is_none_or(|other| other.kind != stamp.kind) {
                self.remove(path).map_err(|source| MountError::Host { path: path.into(), source })?;
                if !now.contains_key(path) {
                    commit.removed.push(path.clone());
                }
            }
        }
        for (path, stamp) in &now {
            if self.known.get(path) == Some(stamp) {
                continue;
            }
            let put = self.put(session, path, stamp)?;
            match put {
                Ok(true) => commit.written.push(path.clone()),
                Ok(false) => commit.refused.push(path.clone()),
                Err(source) => return Err(MountError::Host { path: path.into(), source }),
            }
        }
        self.known = now;
        Ok(commit)
    }

    /// Removes what the host has under this name, which may no longer be what it was.
    fn remove(&self, path: &str) -> io::Result<()> {
        let removed = match self.host.symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.host.remove_dir(path),
            Ok(_) => self.host.remove_file(path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // The host has put something there: that is not ours.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed,
        }
    }

    /// Whether it was written.
    fn put(&self, session: &mut Session, path: &str, stamp: &Stamp) -> Result<io::Result<bool>, MountError> {
        let full = self.guest(path);
        Ok(match stamp.kind {
            FileType::Directory => self.put_directory(path, stamp.mode).map(|()| true),
            FileType::Regular => {
                let contents = session.read_file(&full)?;
                self.put_file(path, &contents, stamp.mode).map(|()| true)
            }
            FileType::SymbolicLink => {
                let target = session.read_link(&full)?;
                if stays_inside(path, &target) {
                    self.put_link(path, &target).map(|()| true)
                } else {
                    Ok(false)
                }
            }
            _ => Ok(false),
        })
    }

    fn put_directory(&self, path: &str, mode: u32) -> io::Result<()> {
        match self.host.symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => {}
            // A link in the place of a directory is replaced, not followed.
            Ok(_) => {
                self.host.remove_file(path)?;
                self.host.create_dir(path)?;
            }
            Err(_) => self.host.create_dir(path)?,
        }
        set_permissions(&self.host, path, mode | 0o700)
    }

    /// Beside its place first: a reader sees the old file or the new one, and a link that is there is replaced.
    fn put_file(&self, path: &str, contents: &[u8], mode: u32) -> io::Result<()> {
        let part = beside(path);
        let written = (|| {
            let mut file = self.host.open_with(&part, OpenOptions::new().write(true).create_new(true))?;
            file.write_all(contents)?;
            drop(file);
            set_permissions(&self.host, &part, mode & 0o777)?;
            if self.host.symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
                self.host.remove_dir(path)?;
            }
            self.host.rename(&part, &self.host, path)
        })();
        if written.is_err() {
            // What could not be finished is of no use.
            let _ = self.host.remove_file(&part);
        }
        written
    }

    fn put_link(&self, path: &str, target: &str) -> io::Result<()> {
        self.remove(path)?;
        symlink(&self.host, target, path)
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

/// Whether a link at `path` leads to something below the directory that `path` is relative to.
fn stays_inside(path: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') || target.contains('\\') {
        return false;
    }
    let mut depth = path.split('/').count() - 1;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return false,
            },
            _ => depth += 1,
        }
    }
    true
}

#[cfg(unix)]
fn permissions(metadata: &cap_std::fs::Metadata) -> u32 {
    use cap_std::fs::MetadataExt as _;
    metadata.mode() & 0o777
}

#[cfg(not(unix))]
fn permissions(metadata: &cap_std::fs::Metadata) -> u32 {
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

impl Session {
    /// Writes to the host what has changed in mounts that may be written to.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use wasmsh::{MountMode, Sandbox};
    ///
    /// let mut session = Sandbox::builder().mount(".", "/workspace", MountMode::Overlay).build()?;
    /// session.run("sed -i s/old/new/ README.md").output()?;
    /// println!("{:?}", session.commit()?.written);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`MountError`]; what was written before stays.
    pub fn commit(&mut self) -> Result<Commit, MountError> {
        self.commit_if(|mode| mode != MountMode::ReadOnly)
    }

    /// Writes back what must not wait.
    pub(crate) fn commit_written(&mut self) -> Result<Commit, MountError> {
        self.commit_if(|mode| mode == MountMode::ReadWrite)
    }

    fn commit_if(&mut self, which: impl Fn(MountMode) -> bool) -> Result<Commit, MountError> {
        let mut mounts = std::mem::take(&mut self.mounts);
        let mut all = Commit::default();
        let mut result = Ok(());
        for mount in mounts.iter_mut().filter(|mount| which(mount.mode)) {
            match mount.commit(self) {
                Ok(Commit { written, removed, refused }) => {
                    all.written.extend(written);
                    all.removed.extend(removed);
                    all.refused.extend(refused);
                }
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        self.mounts = mounts;
        result.map(|()| all)
    }

    /// Makes mounts that are overlays what the host has.
    ///
    /// # Errors
    /// [`MountError`]
    pub fn discard(&mut self) -> Result<(), MountError> {
        let mut mounts = std::mem::take(&mut self.mounts);
        let mut result = Ok(());
        for mount in mounts.iter_mut().filter(|mount| mount.mode == MountMode::Overlay) {
            result = self.empty(&mount.guest).and_then(|()| mount.bring(self));
            if result.is_err() {
                break;
            }
        }
        self.mounts = mounts;
        result
    }

    /// Removes what is in a directory.
    fn empty(&mut self, path: &str) -> Result<(), MountError> {
        for entry in self.list_dir(path)? {
            self.remove_all(&format!("{path}/{}", entry.name))?;
        }
        Ok(())
    }

    /// Whether a mount must be written back after a run.
    pub(crate) fn writes_back(&self) -> bool {
        self.mounts.iter().any(|mount| mount.mode == MountMode::ReadWrite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_out_are_known() {
        for (path, target) in
            [("a", "b"), ("a", "./b/../c"), ("d/a", "../b"), ("d/e/a", "../../b"), ("a", "...")]
        {
            assert!(stays_inside(path, target), "{path} -> {target}");
        }
        for (path, target) in [
            ("a", "/etc/passwd"),
            ("a", ".."),
            ("a", "../x"),
            ("d/a", "../../x"),
            ("a", "b/../../x"),
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
