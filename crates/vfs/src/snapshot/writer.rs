//! Restoring a snapshot: everything is checked before anything changes.

use std::collections::BTreeMap;
use std::rc::Rc;

use xxhash_rust::xxh3::Xxh3;

use super::{
    Attributes, DEVICE, DIRECTORY, END, EXTENT_MAX, FIFO, HARD_LINK, Item, ItemBody, KEPT, KEPT_MAX, LENT,
    MAGIC, MOUNT, SHARED, SNAPSHOT_VERSION, SYMLINK, SnapshotError, What,
};
use crate::contents::{Contents, Extent};
use crate::kept::{Keeper, Kept};
use crate::node::{Body, Directory, NodeId};
use crate::tree::{Mount, Tree, new_node};
use crate::{Errno, NAME_MAX, PATH_MAX, Quota, Timestamp, Vfs};

/// A snapshot being put back. Nothing changes before [`finish`](SnapshotWriter::finish).
pub struct SnapshotWriter {
    target: Vfs,
    quota: Quota,
    /// Received and not yet understood.
    pending: Vec<u8>,
    /// How many bytes were understood.
    offset: u64,
    hash: Box<Xxh3>,
    state: State,
    items: Vec<Item>,
    /// The directories above the next record: the last name met in each.
    path: Vec<Option<Rc<str>>>,
    /// The end of the last extent of the file being read.
    extent_end: u64,
    stored: u64,
    /// What the keeper has, by number; `None`: the snapshot must have everything itself.
    kept: Option<Owners>,
}

/// The owners of the keeper's numbers that were met, in runs of numbers that follow one another, each under its first.
#[derive(Default)]
struct Owners(BTreeMap<u64, Vec<Rc<Kept>>>);

impl Owners {
    /// The one of a number, made at the first call.
    fn of(&mut self, number: u64, lent: bool, keeper: &Rc<dyn Keeper>) -> Rc<Kept> {
        if let Some((first, run)) = self.0.range_mut(..=number).next_back() {
            let place = usize::try_from(number - first).unwrap_or(usize::MAX);
            if let Some(kept) = run.get(place) {
                return Rc::clone(kept);
            }
            if place == run.len() {
                let kept = Kept::new(number, lent, keeper);
                run.push(Rc::clone(&kept));
                return kept;
            }
        }
        let kept = Kept::new(number, lent, keeper);
        self.0.insert(number, vec![Rc::clone(&kept)]);
        kept
    }
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Header,
    Record,
    Extent,
    Checksum,
    /// Complete and undamaged.
    Complete,
    Failed(SnapshotError),
    Finished,
}

/// Reads fields off a slice; `None`: more bytes are needed.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(n)?;
        self.rest = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.rest.split_first_chunk()?;
        self.rest = tail;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn time(&mut self) -> Option<Timestamp> {
        Some(Timestamp { seconds: self.array().map(i64::from_le_bytes)?, nanoseconds: self.u32()? })
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.bytes(usize::from(length))
    }
}

/// What a step of the parser came to.
type Step = Result<Option<State>, SnapshotError>;

impl Vfs {
    /// Begins to put a snapshot back in the place of the present tree.
    pub fn restore_snapshot(&self) -> SnapshotWriter {
        self.writer(None)
    }

    /// As [`Vfs::restore_snapshot`], for one by [`Vfs::take_shared`]: the keeper of this filesystem has everything under
    /// the same numbers. Each of them is released once by this filesystem, like one of its own.
    pub fn restore_shared(&self) -> SnapshotWriter {
        self.writer(Some(Owners::default()))
    }

    fn writer(&self, kept: Option<Owners>) -> SnapshotWriter {
        SnapshotWriter {
            target: self.clone(),
            quota: self.quota(),
            pending: Vec::new(),
            offset: 0,
            hash: Box::new(Xxh3::new()),
            state: State::Header,
            items: Vec::new(),
            path: Vec::new(),
            extent_end: 0,
            stored: 0,
            kept,
        }
    }
}

impl SnapshotWriter {
    /// Takes in the next bytes, however they are cut.
    ///
    /// # Errors
    /// What is wrong with the snapshot as far as it is known; `finish` repeats it.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        match &self.state {
            State::Failed(error) => return Err(error.clone()),
            State::Finished => return Err(SnapshotError::Finished),
            _ => {}
        }
        self.pending.try_reserve(bytes.len()).map_err(|_| SnapshotError::OverQuota)?;
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut used = 0;
        let outcome = loop {
            let mut fields = Fields { rest: pending.get(used..).unwrap_or_default() };
            let before = fields.rest;
            match self.step(&mut fields) {
                Ok(Some(next)) => {
                    let n = before.len() - fields.rest.len();
                    if self.state != State::Checksum {
                        self.hash.update(before.get(..n).unwrap_or_default());
                    }
                    used += n;
                    self.offset += n as u64;
                    self.state = next;
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = outcome {
            self.items = Vec::new();
            self.state = State::Failed(error.clone());
            return Err(error);
        }
        self.pending = pending;
        self.pending.drain(..used);
        Ok(())
    }

    /// Checks that it is whole, and puts it in the place of the present tree.
    /// Open files of the old tree stay readable, as unlinked files do.
    ///
    /// # Errors
    /// On any error the present tree stays as it is.
    pub fn finish(&mut self) -> Result<(), SnapshotError> {
        match &self.state {
            State::Complete => {}
            State::Failed(error) => return Err(error.clone()),
            State::Finished => return Err(SnapshotError::Finished),
            _ => return Err(SnapshotError::Truncated),
        }
        let items = std::mem::take(&mut self.items);
        self.state = State::Finished;
        let now = self.target.shared.now();
        let mut tree = self.target.shared.tree_to_change().map_err(|_| SnapshotError::OverQuota)?;
        tree.install(items, now).map_err(|_| SnapshotError::OverQuota)
    }

    fn damaged(&self, what: &str) -> SnapshotError {
        SnapshotError::Damaged(format!("{what}, at byte {}", self.offset))
    }

    /// Understands one more piece, or says that more bytes are needed.
    fn step(&mut self, fields: &mut Fields<'_>) -> Step {
        match self.state {
            State::Header => self.header(fields),
            State::Record => self.record(fields),
            State::Extent => self.extent(fields),
            State::Checksum => {
                let Some(sum) = fields.u64() else { return Ok(None) };
                if sum == self.hash.digest() {
                    Ok(Some(State::Complete))
                } else {
                    Err(self.damaged("the checksum is wrong"))
                }
            }
            State::Complete if fields.rest.is_empty() => Ok(None),
            State::Complete => Err(self.damaged("bytes follow the end")),
            State::Failed(_) | State::Finished => Ok(None),
        }
    }

    fn header(&mut self, fields: &mut Fields<'_>) -> Step {
        let n = fields.rest.len().min(MAGIC.len());
        if fields.rest.get(..n) != MAGIC.get(..n) {
            return Err(self.damaged("this is no snapshot"));
        }
        let (Some(_), Some(version)) = (fields.bytes(MAGIC.len()), fields.u32()) else { return Ok(None) };
        match version {
            SNAPSHOT_VERSION if self.kept.is_none() => Ok(Some(State::Record)),
            SHARED if self.kept.is_some() => Ok(Some(State::Record)),
            SNAPSHOT_VERSION => Err(self.damaged("this snapshot is not shared")),
            0 => Err(self.damaged("there is no format version 0")),
            _ => Err(SnapshotError::NewerVersion(version)),
        }
    }

    fn record(&mut self, fields: &mut Fields<'_>) -> Step {
        let Some(kind) = fields.u8() else { return Ok(None) };
        if kind == END {
            let Some(count) = fields.u64() else { return Ok(None) };
            if self.items.is_empty() {
                return Err(self.damaged("there is no root directory"));
            }
            if count != self.items.len() as u64 {
                return Err(self.damaged("the number of records is wrong"));
            }
            return Ok(Some(State::Checksum));
        }
        let last = if self.kept.is_some() { MOUNT } else { HARD_LINK };
        if !(DIRECTORY..=last).contains(&kind) {
            return Err(self.damaged("unknown kind of record"));
        }
        let (Some(depth), Some(name)) = (fields.u32(), fields.text()) else { return Ok(None) };
        let (what, next) = if kind == HARD_LINK {
            let Some(first) = fields.u64() else { return Ok(None) };
            let first = usize::try_from(first).ok().filter(|first| {
                let file = self.items.get(*first).map(|item| &item.what);
                matches!(file, Some(What::Node(_, body)) if !matches!(body, ItemBody::Directory(_)))
            });
            let first = first.ok_or_else(|| self.damaged("a hard link leads to no file"))?;
            (What::Link(first), State::Record)
        } else {
            let numbers = (fields.u32(), fields.u32(), fields.u32());
            let times = (fields.time(), fields.time(), fields.time());
            let ((Some(mode), Some(uid), Some(gid)), (Some(accessed), Some(modified), Some(changed))) =
                (numbers, times)
            else {
                return Ok(None);
            };
            if mode > 0o7777 {
                return Err(self.damaged("a mode is out of range"));
            }
            if [accessed, modified, changed].iter().any(|time| time.nanoseconds >= Timestamp::NANOS) {
                return Err(self.damaged("a time is out of range"));
            }
            let (body, next) = match kind {
                DIRECTORY => (ItemBody::Directory(None), State::Record),
                MOUNT => {
                    let Some(read_only) = fields.u8() else { return Ok(None) };
                    (ItemBody::Directory(Some(read_only != 0)), State::Record)
                }
                FIFO => (ItemBody::Fifo, State::Record),
                DEVICE => {
                    let Some(number) = fields.u64() else { return Ok(None) };
                    (ItemBody::Device(number), State::Record)
                }
                SYMLINK => {
                    let Some(target) = fields.text() else { return Ok(None) };
                    let target = std::str::from_utf8(target).ok();
                    let valid = |t: &&str| !t.is_empty() && t.len() < PATH_MAX && !t.contains('\0');
                    let Some(target) = target.filter(valid) else {
                        return Err(self.damaged("the target of a symbolic link is invalid"));
                    };
                    (ItemBody::Symlink(Rc::from(target)), State::Record)
                }
                // A file: no other kind is left.
                _ => {
                    let Some(size) = fields.u64() else { return Ok(None) };
                    if size > self.quota.file_size || i64::try_from(size).is_err() {
                        return Err(SnapshotError::OverQuota);
                    }
                    let mut contents = Contents::default();
                    contents.set_size(size).map_err(|_| SnapshotError::OverQuota)?;
                    self.extent_end = 0;
                    (ItemBody::File(contents), State::Extent)
                }
            };
            (What::Node(Attributes { mode, uid, gid, accessed, modified, changed }, body), next)
        };
        let name = self.check_place(kind, depth, name)?;
        if self.items.len() as u64 >= self.quota.inodes {
            return Err(SnapshotError::OverQuota);
        }
        self.items.try_reserve(1).map_err(|_| SnapshotError::OverQuota)?;
        self.items.push(Item { depth, name, what });
        Ok(Some(next))
    }

    /// Checks depth, name and order of a record.
    fn check_place(&mut self, kind: u8, depth: u32, name: &[u8]) -> Result<Rc<str>, SnapshotError> {
        if self.items.is_empty() {
            if depth != 0 || !name.is_empty() || kind != DIRECTORY {
                return Err(self.damaged("the first record is not the root directory"));
            }
            self.path.push(None);
            return Ok(Rc::from(""));
        }
        let depth = depth as usize;
        if depth == 0 || depth > self.path.len() {
            return Err(self.damaged("a record is in no directory"));
        }
        self.path.truncate(depth);
        let name = std::str::from_utf8(name).map_err(|_| self.damaged("a name is not UTF-8"))?;
        let special = matches!(name, "" | "." | "..");
        if special || name.len() > NAME_MAX || name.contains(['/', '\0']) {
            return Err(self.damaged("a name is invalid"));
        }
        let before = self.path.last().and_then(Option::as_deref);
        if before.is_some_and(|before| before >= name) {
            return Err(self.damaged("names are out of order"));
        }
        let name: Rc<str> = Rc::from(name);
        if let Some(last) = self.path.last_mut() {
            *last = Some(name.clone());
        }
        if matches!(kind, DIRECTORY | MOUNT) {
            self.path.push(None);
        }
        Ok(name)
    }

    fn extent(&mut self, fields: &mut Fields<'_>) -> Step {
        let Some(word) = fields.u32() else { return Ok(None) };
        if word == 0 {
            return Ok(Some(State::Record));
        }
        let flags = if self.kept.is_some() { word & (KEPT | LENT) } else { 0 };
        let length = (word & !flags) as usize;
        if length > if flags & KEPT == 0 { EXTENT_MAX } else { KEPT_MAX } {
            return Err(self.damaged("an extent is too long"));
        }
        let Some(offset) = fields.u64() else { return Ok(None) };
        // Made where it is needed: there are many extents.
        const WRONG: &str = "an extent is out of order or outside its file";
        let Some(Item { what: What::Node(_, ItemBody::File(contents)), .. }) = self.items.last_mut() else {
            return Err(self.damaged(WRONG));
        };
        let end = offset.checked_add(length as u64).filter(|end| *end <= contents.size());
        let (Some(end), true) = (end, offset >= self.extent_end) else { return Err(self.damaged(WRONG)) };
        if flags & KEPT != 0 {
            let (Some(number), Some(at)) = (fields.u64(), fields.u64()) else { return Ok(None) };
            let (Some(kept), Ok(tree)) = (&mut self.kept, self.target.shared.tree()) else {
                return Err(self.damaged(WRONG));
            };
            let Some(keeper) = &tree.keeper else { return Err(self.damaged(WRONG)) };
            let lent = flags & LENT != 0;
            let owner = |number| kept.of(number, lent, keeper);
            if contents.adopt(Extent { offset, length, number, at, lent }, owner).is_err() {
                return Err(self.damaged(WRONG));
            }
            if !lent {
                self.stored = self.stored.saturating_add(length as u64);
            }
            self.extent_end = end;
            return Ok(Some(State::Extent));
        }
        // Before the bytes are here, so that what is too much is refused at once.
        let stored = self.stored.saturating_add(contents.growth(offset, length));
        if stored > self.quota.bytes {
            return Err(SnapshotError::OverQuota);
        }
        let Some(bytes) = fields.bytes(length) else { return Ok(None) };
        let keeper = self.target.shared.tree().ok().and_then(|tree| tree.keeper.clone());
        contents.write(offset, bytes, keeper.as_ref()).map_err(|_| SnapshotError::OverQuota)?;
        self.stored = stored;
        self.extent_end = end;
        Ok(Some(State::Extent))
    }
}

impl Tree {
    /// Puts checked items in the place of everything there is.
    fn install(&mut self, items: Vec<Item>, now: Timestamp) -> Result<(), Errno> {
        self.table.reserve(items.len())?;
        self.unlink_all(now)?;
        self.mounts.clear();
        // The directory that each depth stands for now, and the inode of each item.
        let mut above: Vec<NodeId> = Vec::new();
        let mut ids: Vec<NodeId> = Vec::with_capacity(items.len());
        for Item { depth, name, what } in items {
            let depth = depth as usize;
            above.truncate(depth);
            let parent = above.last().copied();
            let id = match what {
                What::Link(first) => *ids.get(first).ok_or(Errno::Io)?,
                What::Node(attributes, body) => {
                    let directory = matches!(body, ItemBody::Directory(_));
                    let mount = if let ItemBody::Directory(mount) = body { mount } else { None };
                    let body = match body {
                        ItemBody::File(contents) => {
                            self.account.rebook(0, contents.stored());
                            Body::File(contents)
                        }
                        ItemBody::Directory(_) => Body::Fifo, // until its own number is known
                        ItemBody::Symlink(target) => Body::Symlink(target),
                        ItemBody::Fifo => Body::Fifo,
                        ItemBody::Device(number) => Body::Device(number),
                    };
                    let mut node = new_node(attributes.mode, attributes.uid, attributes.gid, now, body);
                    node.accessed = attributes.accessed;
                    node.modified = attributes.modified;
                    node.changed = attributes.changed;
                    node.hint = parent.map(|parent| (parent, name.clone()));
                    node.mount =
                        parent.map_or(Ok(0), |parent| self.table.get(parent).map(|node| node.mount))?;
                    let id = self.table.insert(node)?;
                    if let Some(read_only) = mount {
                        self.mounts.push(Mount { root: id, read_only });
                        self.table.get_mut(id)?.mount =
                            u32::try_from(self.mounts.len()).map_err(|_| Errno::NoSpace)?;
                    }
                    if directory {
                        let node = self.table.get_mut(id)?;
                        node.body = Body::Directory(Directory {
                            entries: BTreeMap::new(),
                            parent: parent.unwrap_or(id),
                        });
                        // `.`, which its own name joins below; the root has `..` for a name.
                        node.links = 1;
                        above.push(id);
                        if let Some(parent) = parent {
                            self.table.get_mut(parent)?.links += 1;
                        }
                    }
                    id
                }
            };
            ids.push(id);
            self.account.used.inodes += 1;
            self.table.get_mut(id)?.links += 1;
            match parent {
                Some(parent) => {
                    self.table.get_mut(parent)?.directory_mut()?.entries.insert(name, id);
                }
                None => self.root = id,
            }
        }
        Ok(())
    }

    /// Takes every name away; what is open stays until it is closed.
    fn unlink_all(&mut self, now: Timestamp) -> Result<(), Errno> {
        self.account.used.inodes = 0;
        self.account.used.bytes = 0;
        for id in self.table.ids() {
            let Ok(node) = self.table.get_mut(id) else { continue };
            node.links = 0;
            node.changed = now;
            node.mount = 0;
            if let Body::Directory(directory) = &mut node.body {
                directory.entries.clear();
                directory.parent = id;
            }
            if node.opens == 0 {
                self.table.remove(id);
                continue;
            }
            self.account.used.inodes += 1;
            if let Body::File(contents) = &node.body {
                self.account.used.bytes += contents.stored();
            }
        }
        Ok(())
    }
}
