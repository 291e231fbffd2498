//! Taking a snapshot: the tree is frozen at once, its bytes are made as they are asked for.

use std::collections::BTreeMap;
use std::rc::Rc;

use xxhash_rust::xxh3::Xxh3;

use super::{
    Attributes, DEVICE, DIRECTORY, END, EXTENT_MAX, FIFO, FILE, HARD_LINK, Item, ItemBody, KEPT, KEPT_MAX,
    LENT, MAGIC, MOUNT, SHARED, SNAPSHOT_VERSION, SYMLINK, What,
};
use crate::contents::{Contents, Stored};
use crate::node::{Body, NodeId};
use crate::tree::Tree;
use crate::{Errno, Timestamp, Vfs};

/// A snapshot being read. It shows the tree as it was when it was taken; file
/// contents are shared with the tree, not copied.
pub struct SnapshotReader {
    items: std::vec::IntoIter<Item>,
    /// Records begun.
    count: u64,
    /// The file whose extents are being written, and how far.
    file: Option<(Contents, u64)>,
    /// Made and not yet asked for, from `sent` on.
    pending: Vec<u8>,
    sent: usize,
    hash: Box<Xxh3>,
    ended: bool,
    /// Contents that are kept elsewhere are told by their numbers.
    shared: bool,
    failure: Option<Errno>,
}

impl Tree {
    /// All names with what they lead to, in the order of a snapshot.
    fn freeze(&self) -> Result<Vec<Item>, Errno> {
        let mut items = Vec::new();
        items.try_reserve(self.table.iter().count()).map_err(|_| Errno::NoMemory)?;
        let mut seen: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut todo: Vec<(u32, Rc<str>, NodeId)> = vec![(0, Rc::from(""), self.root)];
        while let Some((depth, name, id)) = todo.pop() {
            let node = self.table.get(id)?;
            if let Some(first) = seen.get(&id) {
                items.push(Item { depth, name, what: What::Link(*first) });
                continue;
            }
            let body = match &node.body {
                Body::File(contents) => ItemBody::File(contents.clone()),
                Body::Directory(directory) => {
                    let names = directory.entries.iter().rev();
                    todo.extend(names.map(|(name, id)| (depth.saturating_add(1), name.clone(), *id)));
                    let mount = self.is_mount(id).then(|| self.check_not_read_only(node).is_err());
                    ItemBody::Directory(mount)
                }
                Body::Symlink(target) => ItemBody::Symlink(target.clone()),
                Body::Fifo => ItemBody::Fifo,
                Body::Device(number) => ItemBody::Device(*number),
            };
            if node.links > 1 && !node.is_directory() {
                seen.insert(id, items.len());
            }
            let attributes = Attributes {
                mode: node.mode,
                uid: node.uid,
                gid: node.gid,
                accessed: node.accessed,
                modified: node.modified,
                changed: node.changed,
            };
            items.push(Item { depth, name, what: What::Node(attributes, body) });
        }
        Ok(items)
    }
}

impl Vfs {
    /// Takes a snapshot of the whole tree: O(inodes) now, the rest while it is read.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn take_snapshot(&self) -> Result<SnapshotReader, Errno> {
        let items = self.shared.tree()?.freeze()?;
        Ok(SnapshotReader::new(items, false))
    }

    /// Takes a snapshot for whoever has the same [`Keeper`](crate::Keeper): of the contents it has the numbers under
    /// which they are kept, and what was not kept so far is now, but for little pieces. That is as much work as there are
    /// inodes, and bytes that were changed since the last time.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn take_shared(&self) -> Result<SnapshotReader, Errno> {
        let mut tree = self.shared.tree_mut()?;
        if let Some(keeper) = tree.keeper.clone() {
            tree.table.contents_mut().for_each(|contents| contents.seal(&keeper));
        }
        Ok(SnapshotReader::new(tree.freeze()?, true))
    }
}

impl SnapshotReader {
    fn new(items: Vec<Item>, shared: bool) -> Self {
        let mut pending = MAGIC.to_vec();
        pending.extend_from_slice(&if shared { SHARED } else { SNAPSHOT_VERSION }.to_le_bytes());
        let mut hash = Box::new(Xxh3::new());
        hash.update(&pending);
        Self {
            items: items.into_iter(),
            count: 0,
            file: None,
            pending,
            sent: 0,
            hash,
            ended: false,
            shared,
            failure: None,
        }
    }

    /// Why there are no more bytes, though this is not the end: contents cannot be read where they are kept.
    pub fn failure(&self) -> Option<Errno> {
        self.failure
    }

    /// The next bytes, at most `max`; fewer only at the end, empty after it (or
    /// when `max` is 0).
    pub fn next(&mut self, max: usize) -> Vec<u8> {
        if self.failure.is_some() {
            return Vec::new();
        }
        while self.pending.len() - self.sent < max && !self.ended {
            let before = self.pending.len();
            if let Err(error) = self.produce() {
                self.failure = Some(error);
                return Vec::new();
            }
            self.hash.update(self.pending.get(before..).unwrap_or_default());
            if self.ended {
                let sum = self.hash.digest();
                self.pending.extend_from_slice(&sum.to_le_bytes());
            }
        }
        let end = self.sent.saturating_add(max).min(self.pending.len());
        let bytes = self.pending.get(self.sent..end).unwrap_or_default().to_vec();
        self.sent = end;
        if self.sent == self.pending.len() {
            self.pending.clear();
            self.sent = 0;
        } else if self.sent > EXTENT_MAX {
            self.pending.drain(..self.sent);
            self.sent = 0;
        }
        bytes
    }

    /// Makes one more piece: an extent, a record up to its extents, or the end.
    fn produce(&mut self) -> Result<(), Errno> {
        let out = &mut self.pending;
        if let Some((contents, offset)) = &mut self.file {
            if self.shared
                && let Some(extent) = contents.next_kept(*offset, KEPT_MAX)
            {
                let flags = KEPT | if extent.lent { LENT } else { 0 };
                out.extend_from_slice(&(extent.length as u32 | flags).to_le_bytes());
                for number in [extent.offset, extent.number, extent.at] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
                *offset = extent.offset.saturating_add(extent.length as u64);
                return Ok(());
            }
            match contents.next_stored(*offset) {
                // Bytes behind the end of the file cannot be: set_size cuts them off.
                Some(Stored { offset: at, length, .. }) => {
                    out.extend_from_slice(&(length as u32).to_le_bytes());
                    out.extend_from_slice(&at.to_le_bytes());
                    contents.read(at, out, length)?;
                    *offset = at.saturating_add(length as u64);
                }
                None => {
                    out.extend_from_slice(&0u32.to_le_bytes());
                    self.file = None;
                }
            }
            return Ok(());
        }
        let Some(item) = self.items.next() else {
            out.push(END);
            out.extend_from_slice(&self.count.to_le_bytes());
            self.ended = true;
            return Ok(());
        };
        self.count += 1;
        out.push(match &item.what {
            What::Link(_) => HARD_LINK,
            What::Node(_, ItemBody::Directory(Some(_))) if self.shared => MOUNT,
            What::Node(_, ItemBody::Directory(_)) => DIRECTORY,
            What::Node(_, ItemBody::File(_)) => FILE,
            What::Node(_, ItemBody::Symlink(_)) => SYMLINK,
            What::Node(_, ItemBody::Fifo) => FIFO,
            What::Node(_, ItemBody::Device(_)) => DEVICE,
        });
        out.extend_from_slice(&item.depth.to_le_bytes());
        put_text(out, &item.name);
        match item.what {
            What::Link(first) => out.extend_from_slice(&(first as u64).to_le_bytes()),
            What::Node(attributes, body) => {
                for number in [attributes.mode, attributes.uid, attributes.gid] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
                for Timestamp { seconds, nanoseconds } in
                    [attributes.accessed, attributes.modified, attributes.changed]
                {
                    out.extend_from_slice(&seconds.to_le_bytes());
                    out.extend_from_slice(&nanoseconds.to_le_bytes());
                }
                match body {
                    ItemBody::File(contents) => {
                        out.extend_from_slice(&contents.size().to_le_bytes());
                        self.file = Some((contents, 0));
                    }
                    ItemBody::Symlink(target) => put_text(out, &target),
                    ItemBody::Device(number) => out.extend_from_slice(&number.to_le_bytes()),
                    ItemBody::Directory(Some(read_only)) if self.shared => out.push(read_only.into()),
                    ItemBody::Directory(_) | ItemBody::Fifo => {}
                }
            }
        }
        Ok(())
    }
}

/// A name or a target; neither is longer than `PATH_MAX`.
fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}
