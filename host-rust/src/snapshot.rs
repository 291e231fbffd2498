//! Snapshots: a session as bytes, in one portable format.
//!
//! Eight bytes `wasmshSN`, the version of the format as `u32`, the length of the shell's state as `u64` (both
//! little-endian), the state as `wasmsh:session/session.save` returns it, and, to the end, the files as
//! `wasmsh:fs/snapshots.take` returns them. Both parts have a version and a checksum of their own, so that a host needs
//! nothing but these twenty bytes to read one.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wasmtime::component::ResourceAny;

use crate::bindings::core::exports::wasmsh::fs::snapshots::SnapshotError as WitError;
use crate::bindings::core::exports::wasmsh::session::session as wit;
use crate::blobs::Blobs;
use crate::core::{Core, Trapped};
use crate::driver::Checkpoint;
use crate::mount::MountError;
use crate::protocol::Data;
use crate::session::{Session, SessionError};
use crate::types::Errno;

const MAGIC: &[u8; 8] = b"wasmshSN";
/// The version that is written, and the latest that is read.
const VERSION: u32 = 1;
const HEADER: usize = 20;

/// Bytes that cross between a component and the host at once.
const PIECE: u32 = 1 << 20;

/// Why a snapshot cannot be taken or put back. The session is as it was.
///
/// ```
/// use wasmsh::{Snapshot, SnapshotError};
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// let mut bytes = session.snapshot()?.into_bytes();
/// bytes[100] ^= 1;
/// assert!(matches!(session.restore(&Snapshot::from_bytes(bytes)?), Err(SnapshotError::Damaged(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Error)]
pub enum SnapshotError {
    /// A run is under way: so many processes.
    #[error("a run is under way, with {0} processes")]
    Busy(u32),
    /// These bytes are no snapshot, or a damaged one: what is wrong.
    #[error("damaged snapshot: {0}")]
    Damaged(String),
    /// The bytes end too early.
    #[error("the snapshot ends too early")]
    Truncated,
    /// A later version of wasmsh has made it: the version of the format.
    #[error("the snapshot has the newer format {0}")]
    NewerVersion(u32),
    /// The files are more than the session may have.
    #[error("the files of the snapshot are more than this session may have")]
    OverQuota,
    /// The contents of a file cannot be read: the host has changed one that is mounted.
    #[error("a file cannot be read: {0}")]
    Unreadable(Errno),
    /// The snapshot is restored, but a directory of the host cannot be mounted on it again.
    #[error("cannot mount again")]
    Mount(#[source] Arc<MountError>),
    /// The component has trapped; the next run restores the session.
    #[error("the session has trapped: {0}")]
    Trapped(String),
}

impl From<Trapped> for SnapshotError {
    fn from(trapped: Trapped) -> Self {
        Self::Trapped(trapped.0.to_string())
    }
}

impl From<WitError> for SnapshotError {
    fn from(error: WitError) -> Self {
        match error {
            WitError::Truncated => Self::Truncated,
            WitError::Damaged(why) => Self::Damaged(why),
            WitError::NewerVersion(version) => Self::NewerVersion(version),
            WitError::OverQuota => Self::OverQuota,
            WitError::Finished => Self::Damaged("it was put back before".to_owned()),
        }
    }
}

impl From<wit::LoadError> for SnapshotError {
    fn from(error: wit::LoadError) -> Self {
        match error {
            wit::LoadError::Busy(busy) => Self::Busy(busy.processes),
            wit::LoadError::Damaged(why) => Self::Damaged(why),
            wit::LoadError::NewerVersion(version) => Self::NewerVersion(version),
        }
    }
}

/// All files of a core, for another one of the same process.
#[derive(Debug)]
pub(crate) struct SharedFiles {
    /// A snapshot that has numbers in the place of contents.
    pub(crate) names: Vec<u8>,
    /// The contents.
    pub(crate) blobs: Blobs,
}

/// The two parts of a snapshot.
pub(crate) struct Parts<'a> {
    pub(crate) state: &'a [u8],
    pub(crate) files: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Takes a snapshot apart; what is inside of the parts is not looked at.
    pub(crate) fn split(bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(SnapshotError::Truncated)?;
        if magic != MAGIC {
            return Err(SnapshotError::Damaged("it does not begin like one".to_owned()));
        }
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(SnapshotError::Truncated)?;
        match u32::from_le_bytes(*version) {
            VERSION => {}
            0 => return Err(SnapshotError::Damaged("format 0".to_owned())),
            newer => return Err(SnapshotError::NewerVersion(newer)),
        }
        let (length, rest) = rest.split_first_chunk::<8>().ok_or(SnapshotError::Truncated)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| SnapshotError::Truncated)?;
        let (state, files) = rest.split_at_checked(length).ok_or(SnapshotError::Truncated)?;
        Ok(Self { state, files })
    }
}

impl Core {
    /// A snapshot. `None`: a run is under way.
    fn snapshot(&mut self) -> Result<Option<Result<Vec<u8>, SnapshotError>>, Trapped> {
        let Ok(state) = self.save()? else { return Ok(None) };
        let expected = usize::try_from(self.usage()?.bytes).unwrap_or(0);
        let mut bytes = Vec::with_capacity(HEADER + state.len() + expected + expected / 64 + (64 << 10));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&state);
        Ok(Some(self.read_files(&mut bytes, false)?.map(|()| bytes)))
    }

    /// All files, for another core of this process.
    pub(crate) fn share_files(&mut self) -> Result<Result<SharedFiles, SnapshotError>, Trapped> {
        let mut names = Vec::new();
        let read = self.read_files(&mut names, true)?;
        Ok(read.map(|()| SharedFiles { names, blobs: self.blobs().clone() }))
    }

    fn read_files(
        &mut self,
        bytes: &mut Vec<u8>,
        shared: bool,
    ) -> Result<Result<(), SnapshotError>, Trapped> {
        self.call(|world, store| {
            let snapshots = world.wasmsh_fs_snapshots();
            let reader = if shared {
                snapshots.call_take_shared(&mut *store)?
            } else {
                snapshots.call_take(&mut *store)?
            };
            loop {
                let piece = snapshots.reader().call_next(&mut *store, reader, PIECE)?;
                if piece.is_empty() {
                    let failure = snapshots.reader().call_failure(&mut *store, reader)?;
                    reader.resource_drop(store)?;
                    return Ok(failure.map_or(Ok(()), |error| Err(SnapshotError::Unreadable(error.into()))));
                }
                bytes.extend_from_slice(&piece);
            }
        })
    }

    /// Hands the files of a snapshot to the filesystem, which keeps its own until [`Core::commit_files`].
    fn push_files(&mut self, files: &[u8], shared: bool) -> Result<Result<ResourceAny, WitError>, Trapped> {
        self.call(|world, store| {
            let snapshots = world.wasmsh_fs_snapshots();
            let writer = if shared {
                snapshots.call_restore_shared(&mut *store)?
            } else {
                snapshots.call_restore(&mut *store)?
            };
            for piece in files.chunks(PIECE as usize) {
                if let Err(error) = snapshots.writer().call_push(&mut *store, writer, piece)? {
                    writer.resource_drop(store)?;
                    return Ok(Err(error));
                }
            }
            Ok(Ok(writer))
        })
    }

    fn commit_files(&mut self, writer: ResourceAny) -> Result<Result<(), WitError>, Trapped> {
        self.call(|world, store| {
            let finished = world.wasmsh_fs_snapshots().writer().call_finish(&mut *store, writer)?;
            writer.resource_drop(store)?;
            Ok(finished)
        })
    }

    /// Puts files of another core in the place of all that are there. This one must have that one's blobs.
    pub(crate) fn put_shared(&mut self, names: &[u8]) -> Result<Result<(), SnapshotError>, Trapped> {
        match self.push_files(names, true)? {
            Ok(writer) => Ok(self.commit_files(writer)?.map_err(Into::into)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    /// Puts a snapshot back, all of it or nothing.
    fn restore(&mut self, parts: &Parts<'_>) -> Result<Result<(), SnapshotError>, Trapped> {
        let before = match self.save()? {
            Ok(state) => state,
            Err(busy) => return Ok(Err(SnapshotError::Busy(busy.processes))),
        };
        let writer = match self.push_files(parts.files, false)? {
            Ok(writer) => writer,
            Err(error) => return Ok(Err(error.into())),
        };
        if let Err(error) = self.load(parts.state)? {
            self.call(|_, store| writer.resource_drop(store))?;
            return Ok(Err(error.into()));
        }
        if let Err(error) = self.commit_files(writer)? {
            // It was this session's own a moment ago.
            let _ = self.load(&before)?;
            return Ok(Err(error.into()));
        }
        Ok(Ok(()))
    }
}

/// A session as bytes: its files with modes and times, the shell's variables, functions, options, traps, aliases and
/// directory. Every host reads it, on every machine.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wasmsh::{Sandbox, Snapshot};
///
/// let mut one = Sandbox::builder().build()?;
/// one.run("x=kept; echo text > file").output()?;
/// std::fs::write("session.wasmsh", one.snapshot()?)?;
///
/// let mut other = Sandbox::builder().build()?;
/// other.restore(&Snapshot::from_bytes(std::fs::read("session.wasmsh")?)?)?;
/// assert_eq!(other.run("echo $x; cat file").output()?.stdout, b"kept\ntext\n");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Data", try_from = "Data")]
pub struct Snapshot(Vec<u8>);

impl From<Snapshot> for Data {
    fn from(snapshot: Snapshot) -> Self {
        Self(snapshot.0)
    }
}

impl TryFrom<Data> for Snapshot {
    type Error = SnapshotError;

    fn try_from(data: Data) -> Result<Self, SnapshotError> {
        Self::from_bytes(data.0)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({} bytes)", self.0.len())
    }
}

impl AsRef<[u8]> for Snapshot {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Snapshot {
    /// Takes bytes for a snapshot. Damage inside is found when it is restored.
    ///
    /// ```
    /// use wasmsh::{Snapshot, SnapshotError};
    ///
    /// assert!(matches!(Snapshot::from_bytes(b"short".to_vec()), Err(SnapshotError::Truncated)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SnapshotError`]
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, SnapshotError> {
        Parts::split(&bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// let bytes = session.snapshot()?.into_bytes();
    /// assert!(bytes.starts_with(b"wasmshSN"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl Session {
    /// The session as bytes. Background jobs are not part of it.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("file", "text")?;
    /// let snapshot = session.snapshot()?;
    /// session.remove("file")?;
    /// session.restore(&snapshot)?;
    /// assert!(session.exists("file")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SnapshotError::Busy`], [`SnapshotError::Trapped`]
    pub fn snapshot(&mut self) -> Result<Snapshot, SnapshotError> {
        let _span = tracing::debug_span!("snapshot").entered();
        Ok(Snapshot(self.core.lock().snapshot()?.ok_or(SnapshotError::Busy(1))??))
    }

    /// Puts a snapshot in the place of what the session is, files and shell. On an error nothing has changed. Where a
    /// directory of the host is mounted there is what the host has; what an overlay had changed is part of the snapshot.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.run("x=1").output()?;
    /// let snapshot = session.snapshot()?;
    /// session.run("x=2").output()?;
    /// session.restore(&snapshot)?;
    /// assert_eq!(session.run("echo $x").output()?.stdout, b"1\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SnapshotError`]
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let _span = tracing::debug_span!("restore", bytes = snapshot.0.len()).entered();
        let parts = Parts::split(&snapshot.0)?;
        self.core.lock().restore(&parts)??;
        self.mount_again().map_err(|error| SnapshotError::Mount(Arc::new(error)))
    }

    /// Another session with the same settings that is now as this one is, and goes its own way. Contents of files are
    /// shared until one of the two changes them: this takes as long as there are names and as bytes that were written since
    /// the last run, however large the files are.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.run("echo one > file").output()?;
    /// let mut other = session.fork()?;
    /// other.run("echo two > file").output()?;
    /// assert_eq!(session.read_file("file")?, b"one\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SessionError`]
    pub fn fork(&mut self) -> Result<Self, SessionError> {
        let _span = tracing::debug_span!("fork").entered();
        let mut core = self.core.lock();
        let state = core.save()?.map_err(|busy| SnapshotError::Busy(busy.processes))?;
        let generation = core.generation()?;
        drop(core);
        let mut known = None;
        self.garage.with(|driver| known = driver.shared(generation));
        let files = match known {
            Some(files) => files,
            None => {
                let mut core = self.core.lock();
                let (bytes, files) = (core.usage()?.bytes, Arc::new(core.share_files()??));
                drop(core);
                // Another fork, or the next run, has less to do.
                let checkpoint =
                    Checkpoint { generation, state: state.clone(), files: Some(Arc::clone(&files)) };
                self.garage.with(|driver| driver.keep(bytes, checkpoint));
                files
            }
        };
        self.sibling(files, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(version: u32, length: u64) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(b"statefiles");
        bytes
    }

    #[test]
    fn a_snapshot_comes_apart_into_its_parts() {
        let bytes = snapshot(1, 5);
        let parts = Parts::split(&bytes).unwrap();
        assert_eq!((parts.state, parts.files), (&b"state"[..], &b"files"[..]));
    }

    #[test]
    fn a_snapshot_is_serialized_as_bytes_and_looked_at_when_it_comes_back() {
        let whole = Snapshot::from_bytes(snapshot(1, 5)).unwrap();
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), whole);
        let error = serde_json::from_str::<Snapshot>("\"something\"").unwrap_err().to_string();
        assert!(error.starts_with("damaged snapshot"), "{error}");
    }

    #[test]
    fn what_is_no_snapshot_is_refused_and_says_why() {
        let error = |bytes: Vec<u8>| Snapshot::from_bytes(bytes).unwrap_err().to_string();
        assert_eq!(error(snapshot(2, 5)), "the snapshot has the newer format 2");
        assert_eq!(error(snapshot(1, 11)), "the snapshot ends too early");
        assert_eq!(error(snapshot(1, u64::MAX)), "the snapshot ends too early");
        assert_eq!(error(b"wasms".to_vec()), "the snapshot ends too early");
        assert_eq!(error(b"something".to_vec()), "damaged snapshot: it does not begin like one");
    }
}
