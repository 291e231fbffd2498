//! Directories of the host, and trees in its memory, in a session.
//!
//! A mount is a filesystem of its own in the session. Its names are read when the session is made, and again before each
//! run; contents are read from the host when somebody asks for them, and a file is copied into the session when it is
//! changed. What has changed is written to the host by a commit. Symbolic links are links, never followed by the host, and
//! one that would lead out of the directory is not written. A tree in memory is the same without a host that changes: its
//! contents are shared by all sessions that mount it, and nothing is written back.

mod host;
mod tree;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::blobs::Lender;
use crate::files::FileError;
use crate::mount::host::{HostDirectory, HostFile, stays_inside};
use crate::mount::tree::Planted;
use crate::session::Session;
use crate::types::{Errno, FileType, Stat, timestamp};

pub use crate::mount::tree::Tree;

/// What a session may do to a directory of the host, or to a [`Tree`], which has no host: what is changed in one stays in
/// the session, and `ReadWrite` and `Overlay` differ only by [`Session::discard`].
///
/// ```
/// # let directory = std::env::temp_dir().join(format!("wasmsh-mode-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// use wasmsh::{MountMode, Sandbox};
///
/// let mut session = Sandbox::builder().mount(&directory, "/data", MountMode::ReadWrite).build()?;
/// session.run("echo text > /data/file").output()?;
/// assert_eq!(std::fs::read(directory.join("file"))?, b"text\n");
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MountMode {
    /// Nothing: whoever writes gets `EROFS`. What the host changes is seen by the next run.
    #[default]
    ReadOnly,
    /// Everything: [`Session::commit`] happens after each run that goes through this crate's blocking or asynchronous
    /// calls on the session that has the mount. What the host changes is seen by the next run.
    ReadWrite,
    /// Everything, and nothing of it reaches the host before [`Session::commit`]; [`Session::discard`] undoes it. What the
    /// host changes is seen after either, and after [`Session::refresh`].
    Overlay,
}

/// Why a directory cannot be mounted, or a change not be written back.
///
/// ```
/// use wasmsh::{MountError, MountMode, Sandbox, SessionError};
///
/// match Sandbox::builder().mount("/no/such/directory", "/data", MountMode::ReadOnly).build() {
///     Err(SessionError::Mount(error)) => assert!(matches!(*error, MountError::Host { .. })),
///     other => panic!("{:?}", other.err()),
/// }
/// ```
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
///
/// ```
/// # let directory = std::env::temp_dir().join(format!("wasmsh-commit-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// use wasmsh::{MountMode, Sandbox};
///
/// let mut session = Sandbox::builder().mount(&directory, "/data", MountMode::Overlay).build()?;
/// session.run("cd /data; echo text > file; ln -s /etc/passwd link").output()?;
/// let commit = session.commit()?;
/// assert_eq!((commit.written, commit.refused), (vec!["file".to_owned()], vec!["link".to_owned()]));
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Created, or written anew.
    pub written: Vec<String>,
    /// Removed.
    pub removed: Vec<String>,
    /// Not written, since they would lead out of the directory or are nothing that a host should get (FIFOs, devices).
    pub refused: Vec<String>,
}

/// Something to be mounted.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) source: WantedSource,
    pub(crate) guest: String,
    pub(crate) mode: MountMode,
}

/// What is to be mounted.
#[derive(Clone)]
pub(crate) enum WantedSource {
    /// A directory of the host.
    Host(PathBuf),
    /// What the program has in memory.
    Tree(Arc<Planted>),
}

/// What is mounted.
#[derive(Clone)]
enum Source {
    Host(Arc<HostDirectory>),
    Tree(Arc<Planted>),
}

impl Source {
    /// Everything below, by relative path; what comes above another path comes before it.
    fn walk(&self) -> Result<BTreeMap<String, Seen>, MountError> {
        match self {
            Self::Host(host) => host.walk(),
            Self::Tree(tree) => Ok(tree.seen()),
        }
    }

    /// Whether it can change, and be changed, outside of the session.
    fn lives(&self) -> bool {
        matches!(self, Self::Host(_))
    }
}

/// What a source has under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    kind: SeenKind,
    mode: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum SeenKind {
    Directory,
    File(Identity),
    /// Its target.
    Link(String),
}

/// By what a change of a file is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    size: u64,
    modified: SystemTime,
    inode: u64,
}

/// A directory, or a tree, that is mounted.
#[derive(Clone)]
pub(crate) struct Mount {
    source: Source,
    guest: String,
    pub(crate) mode: MountMode,
    /// What the session had when the two last agreed, by relative path.
    known: BTreeMap<String, Stamp>,
    /// What the host had then.
    seen: BTreeMap<String, Seen>,
    /// The files that the session has from the host.
    lent: BTreeMap<String, Arc<HostFile>>,
    /// Where others are mounted on this one.
    inner: Vec<String>,
    /// The session cannot write to it at the moment.
    frozen: bool,
}

/// By what a change in the session is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    kind: FileType,
    size: u64,
    mode: u32,
    modified: SystemTime,
    changed: SystemTime,
}

impl From<&Stat> for Stamp {
    fn from(stat: &Stat) -> Self {
        let Stat { kind, size, mode, modified, changed, .. } = *stat;
        // The size and the times of a directory are those of its entries.
        let directory = kind == FileType::Directory;
        let still = SystemTime::UNIX_EPOCH;
        Self {
            kind,
            size: if directory { 0 } else { size },
            mode,
            modified: if directory { still } else { modified },
            changed: if directory { still } else { changed },
        }
    }
}

impl Mount {
    pub(crate) fn open(session: &mut Session, wanted: &Wanted) -> Result<Self, MountError> {
        let source = match &wanted.source {
            WantedSource::Host(path) => Source::Host(HostDirectory::open(path)?),
            WantedSource::Tree(tree) => Source::Tree(Arc::clone(tree)),
        };
        let mut mount = Self {
            source,
            guest: wanted.guest.trim_end_matches('/').to_owned(),
            mode: wanted.mode,
            known: BTreeMap::new(),
            seen: BTreeMap::new(),
            lent: BTreeMap::new(),
            inner: Vec::new(),
            frozen: false,
        };
        mount.begin(session)?;
        Ok(mount)
    }

    /// The same directory in a session that has been forked.
    pub(crate) fn share(&self) -> Self {
        self.clone()
    }

    /// Learns that another directory is mounted, perhaps on this one.
    pub(crate) fn beside(&mut self, other: &Self) {
        if let Some(inner) = other.guest.strip_prefix(&self.guest).and_then(|rest| rest.strip_prefix('/')) {
            self.inner.push(inner.to_owned());
        }
    }

    fn guest(&self, relative: &str) -> String {
        format!("{}/{relative}", self.guest)
    }

    /// Whether a path is another mount's.
    fn is_covered(&self, path: &str) -> bool {
        let below = |inner: &String| {
            path.strip_prefix(inner).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.inner.iter().any(below)
    }

    /// Puts what the host has in the place of all that is there.
    fn begin(&mut self, session: &mut Session) -> Result<(), MountError> {
        session.create_dir(&self.guest)?;
        self.freeze(session, false)?;
        session.empty(&self.guest)?;
        session.give_to_user(&self.guest)?;
        (self.known, self.seen, self.lent) = Default::default();
        self.catch_up(session)?;
        self.freeze(session, self.mode == MountMode::ReadOnly)
    }

    /// Makes it a filesystem of its own, which can be written to or not.
    fn freeze(&mut self, session: &mut Session, frozen: bool) -> Result<(), MountError> {
        session.mount_point(&self.guest, frozen)?;
        self.frozen = frozen;
        Ok(())
    }

    /// Whether the session still has the mount: not after another tree was put in the place of its own.
    fn is_there(&self, session: &mut Session) -> Result<bool, MountError> {
        let device = |session: &mut Session, path: &str| match session.stat(path) {
            Ok(stat) => Ok(Some(stat.device)),
            Err(FileError::Errno { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let above =
            self.guest.rsplit_once('/').map_or("/", |(above, _)| if above.is_empty() { "/" } else { above });
        let here = device(session, &self.guest)?;
        Ok(here.is_some() && here != device(session, above)?)
    }

    /// Whether what the session has there is its own, rather than the host's.
    fn keeps_what_is_restored(&self) -> bool {
        match self.mode {
            MountMode::ReadOnly => false,
            MountMode::ReadWrite => !self.source.lives(),
            MountMode::Overlay => true,
        }
    }

    /// Mounts it again, on another tree. With `restored` that tree is one that the session was put back to, and what an
    /// overlay has there stays.
    pub(crate) fn again(&mut self, session: &mut Session, restored: bool) -> Result<(), MountError> {
        if self.is_there(session)? {
            return Ok(());
        }
        if !restored || !self.keeps_what_is_restored() || session.stat(&self.guest).is_err() {
            return self.begin(session);
        }
        self.freeze(session, false)?;
        self.seen = self.source.walk()?;
        self.lent.clear();
        // All that the host has counts as changed by the session, since nobody knows what it was.
        let unknown = Stamp {
            kind: FileType::Unknown,
            size: 0,
            mode: 0,
            modified: SystemTime::UNIX_EPOCH,
            changed: SystemTime::UNIX_EPOCH,
        };
        self.known = self.seen.keys().map(|path| (path.clone(), unknown)).collect();
        Ok(())
    }

    /// Takes over what the host has changed, but for what the session has changed, too.
    pub(crate) fn follow(&mut self, session: &mut Session) -> Result<(), MountError> {
        if self.source.lives() { self.catch_up(session) } else { Ok(()) }
    }

    fn catch_up(&mut self, session: &mut Session) -> Result<(), MountError> {
        let host = self.source.walk()?;
        if host == self.seen {
            return Ok(());
        }
        let mut here = self.look(session)?;
        let frozen = self.frozen;
        if frozen {
            self.freeze(session, false)?;
        }
        let changed = self.take_over(session, &host, &mut here);
        if frozen {
            self.freeze(session, true)?;
        }
        changed
    }

    fn take_over(
        &mut self,
        session: &mut Session,
        host: &BTreeMap<String, Seen>,
        here: &mut BTreeMap<String, Stamp>,
    ) -> Result<(), MountError> {
        let same_kind =
            |a: &Seen, b: &Seen| std::mem::discriminant(&a.kind) == std::mem::discriminant(&b.kind);
        let gone: Vec<String> = self
            .seen
            .iter()
            .rev()
            .filter(|(path, seen)| host.get(*path).is_none_or(|now| !same_kind(now, seen)))
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            if here.get(&path) == self.known.get(&path) && !self.is_covered(&path) {
                match session.remove(&self.guest(&path)) {
                    Ok(())
                    | Err(FileError::Errno { errno: Errno::NoEntry | Errno::DirectoryNotEmpty, .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                self.known.remove(&path);
                here.remove(&path);
            }
            self.seen.remove(&path);
            self.lent.remove(&path);
        }
        let mut taken = Vec::new();
        for (path, now) in host {
            let before = self.seen.insert(path.clone(), now.clone());
            if before.as_ref() == Some(now) || self.is_covered(path) {
                continue;
            }
            // What the session has changed is the session's.
            if here.get(path) != self.known.get(path) {
                continue;
            }
            self.take(session, path, now)?;
            taken.push(path);
        }
        // At the end, and the deepest first: a directory that may not be written to is filled before.
        for path in taken.into_iter().rev() {
            let full = self.guest(path);
            if let Some(Seen { kind: SeenKind::Directory, mode }) = host.get(path) {
                session.set_mode(&full, *mode)?;
            }
            self.known.insert(path.clone(), Stamp::from(&session.symlink_stat(&full)?));
        }
        Ok(())
    }

    /// Puts what the host has under a name into the session.
    fn take(&mut self, session: &mut Session, path: &str, now: &Seen) -> Result<(), MountError> {
        let full = self.guest(path);
        match &now.kind {
            SeenKind::Directory => session.create_dir(&full)?,
            SeenKind::Link(target) => {
                match session.remove(&full) {
                    Ok(()) | Err(FileError::Errno { errno: Errno::NoEntry, .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                session.symlink(target, &full)?;
            }
            SeenKind::File(identity) => {
                let lender: Arc<dyn Lender> = match &self.source {
                    Source::Host(host) => {
                        let file = HostFile::new(host, path, *identity);
                        self.lent.insert(path.to_owned(), Arc::clone(&file));
                        file
                    }
                    Source::Tree(tree) => match tree.file(path) {
                        Some(file) => file,
                        None => return Ok(()),
                    },
                };
                session.lend(&full, now.mode, identity.size, identity.modified, lender)?;
            }
        }
        Ok(())
    }

    /// What the session has now.
    fn look(&self, session: &mut Session) -> Result<BTreeMap<String, Stamp>, MountError> {
        let prefix = format!("{}/", self.guest);
        let mut found = BTreeMap::new();
        for item in session.walk(&self.guest)? {
            let (path, stat) = item?;
            if let Some(relative) = path.strip_prefix(&prefix).filter(|relative| !relative.is_empty())
                && !self.is_covered(relative)
            {
                found.insert(relative.to_owned(), Stamp::from(&stat));
            }
        }
        Ok(found)
    }

    /// Writes to the host what has changed in the session.
    pub(crate) fn commit(&mut self, session: &mut Session) -> Result<Commit, MountError> {
        let mut commit = Commit::default();
        let host = match &self.source {
            Source::Host(host) => Arc::clone(host),
            Source::Tree(_) => return Ok(commit),
        };
        if !self.is_there(session)? {
            // The session was made anew, without what it had here: that is no wish to remove it.
            self.begin(session)?;
            return Ok(commit);
        }
        let now = self.look(session)?;
        // A file whose name goes, or is written anew, may be another name's by now.
        for (path, file) in &self.lent {
            if now.get(path) != self.known.get(path) {
                file.pin();
            }
        }
        let failed = |path: &str, source| MountError::Host { path: path.into(), source };
        // What is below comes later in the order of paths, so that it is removed first.
        let gone: Vec<String> = self
            .known
            .iter()
            .rev()
            .filter(|(path, stamp)| {
                !self.is_covered(path) && now.get(*path).is_none_or(|now| now.kind != stamp.kind)
            })
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            host.remove(&path).map_err(|source| failed(&path, source))?;
            self.known.remove(&path);
            self.seen.remove(&path);
            self.lent.remove(&path);
            if !now.contains_key(&path) {
                commit.removed.push(path);
            }
        }
        for (path, stamp) in &now {
            if self.known.get(path) == Some(stamp) {
                continue;
            }
            if self.put(&host, session, path, stamp)?.map_err(|source| failed(path, source))? {
                commit.written.push(path.clone());
                self.agree(&host, session, path)?;
            } else {
                commit.refused.push(path.clone());
                self.known.insert(path.clone(), *stamp);
            }
        }
        Ok(commit)
    }

    /// After a path was written: the two have the same, and the file is the host's again.
    fn agree(&mut self, host: &HostDirectory, session: &mut Session, path: &str) -> Result<(), MountError> {
        let seen = host.look(path).map_err(|source| MountError::Host { path: path.into(), source })?;
        if let Some(seen) = seen {
            if matches!(seen.kind, SeenKind::File(_)) {
                self.take(session, path, &seen)?;
            }
            self.seen.insert(path.to_owned(), seen);
        }
        let stat = session.symlink_stat(&self.guest(path))?;
        self.known.insert(path.to_owned(), Stamp::from(&stat));
        Ok(())
    }

    /// Whether it was written.
    fn put(
        &self,
        host: &HostDirectory,
        session: &mut Session,
        path: &str,
        stamp: &Stamp,
    ) -> Result<io::Result<bool>, MountError> {
        let full = self.guest(path);
        Ok(match stamp.kind {
            FileType::Directory => host.put_directory(path, stamp.mode).map(|()| true),
            FileType::Regular => {
                let contents = session.read_file(&full)?;
                host.put_file(path, &contents, stamp.mode, stamp.modified).map(|()| true)
            }
            FileType::SymbolicLink => {
                let target = session.read_link(&full)?;
                if stays_inside(path, &target) {
                    host.put_link(path, &target).map(|()| true)
                } else {
                    Ok(false)
                }
            }
            _ => Ok(false),
        })
    }
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
        let _span = tracing::debug_span!("commit").entered();
        let mut all = Commit::default();
        self.each_mount(|mount, session| {
            if which(mount.mode) {
                let Commit { written, removed, refused } = mount.commit(session)?;
                all.written.extend(written);
                all.removed.extend(removed);
                all.refused.extend(refused);
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Makes mounts that are overlays what the host has.
    ///
    /// ```
    /// # let directory = std::env::temp_dir().join(format!("wasmsh-discard-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// use wasmsh::{MountMode, Sandbox};
    ///
    /// let mut session = Sandbox::builder().mount(&directory, "/data", MountMode::Overlay).build()?;
    /// session.run("echo text > /data/new").output()?;
    /// session.discard()?;
    /// assert!(!session.exists("/data/new")?);
    /// # std::fs::remove_dir_all(directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`MountError`]
    pub fn discard(&mut self) -> Result<(), MountError> {
        self.each_mount(
            |mount, session| {
                if mount.mode == MountMode::Overlay { mount.begin(session) } else { Ok(()) }
            },
        )
    }

    /// Takes over what the host has changed in mounted directories since they were last looked at, but for what the session
    /// has changed itself. Runs do so before they begin, except for overlays.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use wasmsh::{MountMode, Sandbox};
    ///
    /// let mut session = Sandbox::builder().mount("/srv/data", "/data", MountMode::Overlay).build()?;
    /// std::fs::write("/srv/data/new", "text")?;
    /// session.refresh()?;
    /// assert_eq!(session.read_file("/data/new")?, b"text");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`MountError`]
    pub fn refresh(&mut self) -> Result<(), MountError> {
        self.each_mount(Mount::follow)
    }

    /// As [`Session::refresh`], of what follows the host by itself; and mounts again what a session that was made anew has
    /// lost.
    pub(crate) fn follow_host(&mut self) -> Result<(), MountError> {
        self.each_mount(|mount, session| {
            mount.again(session, false)?;
            if mount.mode == MountMode::Overlay { Ok(()) } else { mount.follow(session) }
        })
    }

    /// Mounts again, after another tree was put in the place of the session's.
    pub(crate) fn mount_again(&mut self) -> Result<(), MountError> {
        self.each_mount(|mount, session| mount.again(session, true))
    }

    fn each_mount(
        &mut self,
        mut act: impl FnMut(&mut Mount, &mut Self) -> Result<(), MountError>,
    ) -> Result<(), MountError> {
        let mut mounts = std::mem::take(&mut self.mounts);
        let result = mounts.iter_mut().try_for_each(|mount| act(mount, self));
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

    /// Makes a directory a filesystem of its own.
    fn mount_point(&mut self, path: &str, read_only: bool) -> Result<(), MountError> {
        let mounted =
            self.core.lock().call(|world, store| world.wasmsh_fs_mounts().call_mount(store, path, read_only));
        let mounted = mounted.map_err(FileError::from)?;
        mounted.map_err(|error| FileError::Errno { path: path.to_owned(), errno: error.into() })?;
        Ok(())
    }

    /// Gives a file of the session contents that are read when somebody asks for them.
    fn lend(
        &mut self,
        path: &str,
        mode: u32,
        size: u64,
        modified: SystemTime,
        file: Arc<dyn Lender>,
    ) -> Result<(), MountError> {
        let mut core = self.core.lock();
        let lent = match core.blobs().lend(file) {
            Some(number) => core
                .call(|world, store| {
                    let files = world.wasmsh_fs_files();
                    let (uid, gid) = files.call_get_user(&mut *store)?;
                    files.call_set_user(&mut *store, 0, 0)?;
                    let mounts = world.wasmsh_fs_mounts();
                    let mut lent =
                        mounts.call_lend(&mut *store, path, mode, number, size, timestamp(modified))?;
                    if lent.is_ok() {
                        lent = files.call_set_mode_at(&mut *store, path, mode, true)?;
                    }
                    if lent.is_ok() {
                        lent = files.call_set_owner_at(&mut *store, path, Some(uid), Some(gid), true)?;
                    }
                    files.call_set_user(store, uid, gid)?;
                    Ok(lent.map_err(Errno::from))
                })
                .map_err(FileError::from)?,
            None => Err(Errno::NoSpace),
        };
        drop(core);
        lent.map_err(|errno| FileError::Errno { path: path.to_owned(), errno })?;
        Ok(())
    }

    /// Whether a mount must be written back after a run.
    pub(crate) fn writes_back(&self) -> bool {
        self.mounts.iter().any(|mount| mount.mode == MountMode::ReadWrite && mount.source.lives())
    }
}
