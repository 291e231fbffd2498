//! What two sessions, or two snapshots, have that differs: changed paths.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::blobs::Blobs;
use crate::session::Session;
use crate::snapshot::{Parts, SharedFiles, Snapshot, SnapshotError};
use crate::types::FileType;

/// A path that two trees of files have not alike.
///
/// Its text is one line: a letter (`A` added, `D` removed, `M` changed), the path, and of what is changed what it is.
///
/// ```
/// use wasmsh::{Change, Difference, FileType};
///
/// let change = Change {
///     path: "/workspace/file".into(),
///     kind: FileType::Regular,
///     difference: Difference::Changed {
///         kind: false,
///         contents: true,
///         mode: true,
///         owner: false,
///         modified: false,
///     },
/// };
/// assert_eq!(change.to_string(), "M /workspace/file (contents, mode)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The path, absolute.
    pub path: String,
    /// What it is: in the later tree, unless it was removed.
    pub kind: FileType,
    /// How they differ.
    #[serde(flatten)]
    pub difference: Difference,
}

/// How two trees differ at a path.
///
/// ```
/// use wasmsh::Difference;
///
/// let mut session = wasmsh::Sandbox::builder().build()?;
/// let mut other = session.fork()?;
/// other.run("echo text > file").output()?;
/// let added = session.diff(&mut other)?.iter().filter(|change| change.difference == Difference::Added).count();
/// assert_eq!(added, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub enum Difference {
    /// Only the later one has it.
    Added,
    /// Only the earlier one has it.
    Removed,
    /// Both have it.
    Changed {
        /// One is a file and the other a directory, and the like.
        #[serde(rename = "type")]
        kind: bool,
        /// The bytes of the file, the target of the link, the number of the device.
        contents: bool,
        /// Permission bits.
        mode: bool,
        /// User or group.
        owner: bool,
        /// The time of the last change of its contents; not of directories, which change with their entries.
        modified: bool,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, difference, .. } = self;
        match *difference {
            Difference::Added => write!(f, "A {path}"),
            Difference::Removed => write!(f, "D {path}"),
            Difference::Changed { kind, contents, mode, owner, modified } => {
                let all = [
                    (kind, "type"),
                    (contents, "contents"),
                    (mode, "mode"),
                    (owner, "owner"),
                    (modified, "time"),
                ];
                let names: Vec<_> = all.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
                write!(f, "M {path} ({})", names.join(", "))
            }
        }
    }
}

/// Compares the files of two snapshots, in the order of paths.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut session = wasmsh::Sandbox::builder().build()?;
/// let before = session.snapshot()?;
/// session.run("echo text > file").output()?;
/// let changes = wasmsh::diff(&before, &session.snapshot()?)?;
/// assert_eq!(changes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["A /workspace/file"]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`SnapshotError`]: one of them is damaged.
pub fn diff(before: &Snapshot, after: &Snapshot) -> Result<Vec<Change>, SnapshotError> {
    let (before, after) = (Parts::split(before.as_ref())?, Parts::split(after.as_ref())?);
    compare(&Tree::decode(before.files, None)?, &Tree::decode(after.files, None)?)
}

impl Session {
    /// The files of this session compared with those of another one, which is taken for the later: most useful with one
    /// that was [forked](Session::fork). What they share is known to be alike without being read.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("file", "one")?;
    /// let mut other = session.fork()?;
    /// other.run("chmod +x file").output()?;
    /// let changes = session.diff(&mut other)?;
    /// assert_eq!(changes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["M /workspace/file (mode)"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SnapshotError::Unreadable`], [`SnapshotError::Trapped`]
    pub fn diff(&mut self, other: &mut Self) -> Result<Vec<Change>, SnapshotError> {
        let before = self.core.lock().share_files()??;
        let after = other.core.lock().share_files()??;
        compare(&Tree::of(&before)?, &Tree::of(&after)?)
    }
}

/// One inode.
struct Node<'a> {
    kind: FileType,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, u32),
    body: Body<'a>,
}

enum Body<'a> {
    /// Size and extents, in their order.
    File(u64, Vec<Extent<'a>>),
    /// The target.
    Link(&'a [u8]),
    /// A device's number; 0 for all others.
    Other(u64),
}

/// Stored bytes of a file.
struct Extent<'a> {
    offset: u64,
    length: usize,
    bytes: Bytes<'a>,
}

#[derive(Clone, Copy)]
enum Bytes<'a> {
    Here(&'a [u8]),
    /// Number and offset.
    Kept(u64, u64),
}

/// All paths of the files of a snapshot; hard links are one node.
struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    paths: BTreeMap<String, usize>,
    blobs: Option<&'a Blobs>,
}

fn damaged(what: &str) -> SnapshotError {
    SnapshotError::Damaged(what.to_owned())
}

/// What is not decoded yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], SnapshotError> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(SnapshotError::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(SnapshotError::Truncated)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u8(&mut self) -> Result<u8, SnapshotError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<&'a [u8], SnapshotError> {
        let length = u16::from_le_bytes(self.array()?);
        self.bytes(length.into())
    }

    fn time(&mut self) -> Result<(i64, u32), SnapshotError> {
        Ok((i64::from_le_bytes(self.array()?), self.u32()?))
    }

    /// The extents of a file of `size` bytes: in order, none over another, none past the end.
    fn extents(&mut self, size: u64, shared: bool) -> Result<Vec<Extent<'a>>, SnapshotError> {
        /// Of a length: the bytes are kept; and they are lent. Both only in snapshots that are shared.
        const KEPT: u32 = 1 << 31;
        const LENT: u32 = 1 << 30;
        /// Bytes of a chunk: what is kept and longer is several.
        const CHUNK: usize = 64 << 10;
        let mut extents = Vec::new();
        let mut end = 0;
        loop {
            let word = self.u32()?;
            if word == 0 {
                return Ok(extents);
            }
            let flags = if shared { word & (KEPT | LENT) } else { 0 };
            let (length, offset) = ((word & !flags) as usize, self.u64()?);
            let next = offset.checked_add(length as u64).filter(|next| offset >= end && *next <= size);
            end = next.ok_or_else(|| damaged("an extent is out of its place"))?;
            if flags & KEPT == 0 {
                extents.push(Extent { offset, length, bytes: Bytes::Here(self.bytes(length)?) });
                continue;
            }
            let (number, at) = (self.u64()?, self.u64()?);
            for (index, skipped) in (0..).zip((0..length).step_by(CHUNK)) {
                let bytes = if flags & LENT == 0 {
                    Bytes::Kept(number.saturating_add(index), at)
                } else {
                    Bytes::Kept(number, at.saturating_add(skipped as u64))
                };
                let (offset, length) = (offset + skipped as u64, (length - skipped).min(CHUNK));
                extents.push(Extent { offset, length, bytes });
            }
        }
    }
}

impl<'a> Tree<'a> {
    fn of(files: &'a SharedFiles) -> Result<Self, SnapshotError> {
        Self::decode(&files.names, Some(&files.blobs))
    }

    /// Reads the format that `crates/vfs/src/snapshot` documents.
    fn decode(bytes: &'a [u8], blobs: Option<&'a Blobs>) -> Result<Self, SnapshotError> {
        let (hashed, sum) = bytes.split_last_chunk::<8>().ok_or(SnapshotError::Truncated)?;
        let mut rest = Rest(hashed);
        if rest.bytes(8)? != b"wasmshFS" {
            return Err(damaged("the files do not begin like files"));
        }
        let version = rest.u32()?;
        if version != 1 && (blobs.is_none() || version != (1 << 31 | 2)) {
            return Err(SnapshotError::NewerVersion(version));
        }
        if xxh3_64(hashed) != u64::from_le_bytes(*sum) {
            return Err(damaged("the checksum is wrong"));
        }
        let shared = version != 1;
        let mut tree = Self { nodes: Vec::new(), paths: BTreeMap::new(), blobs };
        // The node of each record, and the path of the directory at each depth.
        let mut records = Vec::new();
        let mut above: Vec<String> = Vec::new();
        loop {
            let kind = rest.u8()?;
            if kind == 0 {
                return Ok(tree);
            }
            let depth = rest.u32()? as usize;
            let name = std::str::from_utf8(rest.text()?).map_err(|_| damaged("a name is not UTF-8"))?;
            if depth > above.len() || (depth == 0) != records.is_empty() {
                return Err(damaged("a record is in no directory"));
            }
            above.truncate(depth);
            let path = match above.last() {
                None => String::new(),
                Some(parent) => format!("{parent}/{name}"),
            };
            let node = if kind == 6 {
                let first = usize::try_from(rest.u64()?).ok().and_then(|first| records.get(first));
                *first.ok_or_else(|| damaged("a hard link leads to no file"))?
            } else {
                tree.nodes.push(Self::node(kind, &mut rest, shared)?);
                tree.nodes.len() - 1
            };
            records.push(node);
            if matches!(kind, 1 | 7) {
                above.push(path.clone());
            }
            match tree.paths.entry(if path.is_empty() { "/".to_owned() } else { path }) {
                Entry::Vacant(place) => place.insert(node),
                Entry::Occupied(_) => return Err(damaged("a path is there twice")),
            };
        }
    }

    fn node(kind: u8, rest: &mut Rest<'a>, shared: bool) -> Result<Node<'a>, SnapshotError> {
        let (mode, uid, gid) = (rest.u32()?, rest.u32()?, rest.u32()?);
        let (_, modified, _) = (rest.time()?, rest.time()?, rest.time()?);
        let (kind, body) = match kind {
            1 => (FileType::Directory, Body::Other(0)),
            2 => {
                let size = rest.u64()?;
                (FileType::Regular, Body::File(size, rest.extents(size, shared)?))
            }
            3 => (FileType::SymbolicLink, Body::Link(rest.text()?)),
            4 => (FileType::Fifo, Body::Other(0)),
            5 => (FileType::CharacterDevice, Body::Other(rest.u64()?)),
            7 if shared => {
                rest.u8()?;
                (FileType::Directory, Body::Other(0))
            }
            _ => return Err(damaged("unknown kind of record")),
        };
        Ok(Node { kind, mode, owner: (uid, gid), modified, body })
    }

    /// Bytes of a file; what is not stored is NUL.
    fn read(&self, extents: &[Extent<'_>], offset: u64, length: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut out = vec![0; length];
        let end = offset.saturating_add(length as u64);
        let first =
            extents.partition_point(|extent| extent.offset.saturating_add(extent.length as u64) <= offset);
        for extent in extents.iter().skip(first).take_while(|extent| extent.offset < end) {
            let from = extent.offset.max(offset);
            let to = extent.offset.saturating_add(extent.length as u64).min(end);
            let skipped = from - extent.offset;
            let (Ok(place), Ok(skip), Ok(n)) =
                (usize::try_from(from - offset), usize::try_from(skipped), usize::try_from(to - from))
            else {
                return Err(damaged("an extent is too long"));
            };
            let kept;
            let bytes = match extent.bytes {
                Bytes::Here(bytes) => bytes.get(skip..skip + n),
                Bytes::Kept(number, at) => {
                    kept = self.blobs.and_then(|blobs| blobs.read(number, at + skipped, n));
                    kept.as_deref()
                }
            };
            let bytes = bytes.ok_or(SnapshotError::Unreadable(crate::types::Errno::Io))?;
            if let Some(target) = out.get_mut(place..place + n) {
                target.copy_from_slice(bytes);
            }
        }
        Ok(out)
    }
}

/// Whether two files have the same bytes.
fn same_bytes(
    (a, xs): (&Tree<'_>, &[Extent<'_>]),
    (b, ys): (&Tree<'_>, &[Extent<'_>]),
    size: u64,
) -> Result<bool, SnapshotError> {
    const PIECE: usize = 64 << 10;
    let same = |x: &Extent<'_>, y: &Extent<'_>| {
        (x.offset, x.length) == (y.offset, y.length)
            && match (x.bytes, y.bytes) {
                (Bytes::Here(x), Bytes::Here(y)) => x == y,
                (Bytes::Kept(x, x_at), Bytes::Kept(y, y_at)) => {
                    let blobs = a.blobs.zip(b.blobs);
                    x_at == y_at && blobs.is_some_and(|(ours, theirs)| ours.same(x, theirs, y))
                }
                _ => false,
            }
    };
    // What is alike extent by extent needs no reading; only the rest does.
    if xs.len() == ys.len() {
        for (x, y) in xs.iter().zip(ys).filter(|(x, y)| !same(x, y)) {
            if (x.offset, x.length) != (y.offset, y.length) {
                return same_pieces((a, xs), (b, ys), 0, size, PIECE);
            }
            let end = x.offset.saturating_add(x.length as u64);
            if !same_pieces((a, xs), (b, ys), x.offset, end, PIECE)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    same_pieces((a, xs), (b, ys), 0, size, PIECE)
}

fn same_pieces(
    (a, xs): (&Tree<'_>, &[Extent<'_>]),
    (b, ys): (&Tree<'_>, &[Extent<'_>]),
    start: u64,
    end: u64,
    piece: usize,
) -> Result<bool, SnapshotError> {
    let stored = |extents: &[Extent<'_>], at: u64| {
        let next = extents.partition_point(|extent| extent.offset.saturating_add(extent.length as u64) <= at);
        extents.get(next).map_or(u64::MAX, |extent| extent.offset.max(at))
    };
    let mut at = start;
    loop {
        // Holes are as long as they like.
        at = stored(xs, at).min(stored(ys, at));
        if at >= end {
            return Ok(true);
        }
        let length = usize::try_from(end - at).unwrap_or(piece).min(piece);
        if a.read(xs, at, length)? != b.read(ys, at, length)? {
            return Ok(false);
        }
        at += length as u64;
    }
}

fn compare(before: &Tree<'_>, after: &Tree<'_>) -> Result<Vec<Change>, SnapshotError> {
    let mut changes = Vec::new();
    let node = |tree: &Tree<'_>, place: usize| tree.nodes.get(place).map(|node| node.kind);
    for (path, place) in &before.paths {
        if !after.paths.contains_key(path) {
            let kind = node(before, *place).unwrap_or(FileType::Unknown);
            changes.push(Change { path: path.clone(), kind, difference: Difference::Removed });
        }
    }
    for (path, place) in &after.paths {
        let Some(new) = after.nodes.get(*place) else { continue };
        let difference = match before.paths.get(path).and_then(|place| before.nodes.get(*place)) {
            None => Difference::Added,
            Some(old) => {
                let contents = match (&old.body, &new.body) {
                    (Body::File(size, xs), Body::File(other, ys)) => {
                        size != other || !same_bytes((before, xs), (after, ys), *size)?
                    }
                    (Body::Link(old), Body::Link(new)) => old != new,
                    (Body::Other(old), Body::Other(new)) => old != new,
                    _ => true,
                };
                let kind = old.kind != new.kind;
                let directory = new.kind == FileType::Directory;
                let (mode, owner) = (old.mode != new.mode, old.owner != new.owner);
                let modified = !directory && old.modified != new.modified;
                if !(kind || contents || mode || owner || modified) {
                    continue;
                }
                Difference::Changed { kind, contents, mode, owner, modified }
            }
        };
        changes.push(Change { path: path.clone(), kind: new.kind, difference });
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}
