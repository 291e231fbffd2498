//! Inodes, and the table that owns them.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::contents::Contents;
use crate::{AccessMode, Errno, FileType, Stat, Timestamp};

/// Set-user-ID on execution (POSIX `S_ISUID`).
pub(crate) const SET_UID: u32 = 0o4000;
/// Set-group-ID on execution (POSIX `S_ISGID`).
pub(crate) const SET_GID: u32 = 0o2000;
/// Restricted deletion (POSIX `S_ISVTX`).
pub(crate) const STICKY: u32 = 0o1000;

/// The place of an inode in the table. Places are used again; whoever keeps one
/// keeps the inode alive by a link or an open count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

/// Who calls, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) now: Timestamp,
}

impl Caller {
    /// Whether permission bits do not count.
    pub(crate) fn is_root(&self) -> bool {
        self.uid == 0
    }
}

/// What is particular to a type of file.
#[derive(Clone)]
pub(crate) enum Body {
    File(Contents),
    Directory(Directory),
    /// The target.
    Symlink(Rc<str>),
    Fifo,
    /// `st_rdev`.
    Device(u64),
}

/// A directory: names in the order of their bytes.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(crate) entries: BTreeMap<Rc<str>, NodeId>,
    /// `..`; the root is its own.
    pub(crate) parent: NodeId,
}

/// One inode.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) inode: u64,
    /// The filesystem that it is on: 0, or one more than the place of its mount in the tree's list.
    pub(crate) mount: u32,
    /// `0o7777`.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Names; of a directory 2 and one for each directory in it, 0 when it is removed.
    pub(crate) links: u32,
    /// Open file descriptions.
    pub(crate) opens: u32,
    pub(crate) accessed: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) changed: Timestamp,
    /// A directory in which it had a name, and that name: exact for a directory,
    /// for others the latest, which may be gone.
    pub(crate) hint: Option<(NodeId, Rc<str>)>,
    pub(crate) body: Body,
}

impl Node {
    pub(crate) fn is_directory(&self) -> bool {
        matches!(self.body, Body::Directory(_))
    }

    pub(crate) fn kind(&self) -> FileType {
        match self.body {
            Body::File(_) => FileType::Regular,
            Body::Directory(_) => FileType::Directory,
            Body::Symlink(_) => FileType::SymbolicLink,
            Body::Fifo => FileType::Fifo,
            Body::Device(_) => FileType::CharacterDevice,
        }
    }

    pub(crate) fn directory(&self) -> Result<&Directory, Errno> {
        match &self.body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(Errno::NotDirectory),
        }
    }

    pub(crate) fn directory_mut(&mut self) -> Result<&mut Directory, Errno> {
        match &mut self.body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(Errno::NotDirectory),
        }
    }

    pub(crate) fn stat(&self, device: u64) -> Stat {
        let (size, blocks, device_number) = match &self.body {
            Body::File(contents) => (contents.size(), contents.blocks(), 0),
            // The size is what ext4 shows of a directory of one block; as in any filesystem in memory it takes no storage.
            Body::Directory(_) => (4096, 0, 0),
            Body::Symlink(target) => (target.len() as u64, 0, 0),
            Body::Fifo => (0, 0, 0),
            Body::Device(number) => (0, 0, *number),
        };
        Stat {
            device: device.saturating_add(self.mount.into()),
            inode: self.inode,
            kind: self.kind(),
            mode: self.mode,
            links: self.links,
            uid: self.uid,
            gid: self.gid,
            device_number,
            size,
            blocks,
            accessed: self.accessed,
            modified: self.modified,
            changed: self.changed,
        }
    }

    /// File access permissions, POSIX XBD 4.7: root may do all but run what
    /// nobody may run.
    pub(crate) fn check_access(&self, caller: &Caller, wanted: AccessMode) -> Result<(), Errno> {
        let bits = u32::from(wanted.contains(AccessMode::READ)) << 2
            | u32::from(wanted.contains(AccessMode::WRITE)) << 1
            | u32::from(wanted.contains(AccessMode::EXECUTE));
        let allowed = if caller.is_root() {
            let run = self.is_directory() || self.mode & 0o111 != 0;
            0o6 | u32::from(run)
        } else if caller.uid == self.uid {
            self.mode >> 6
        } else if caller.gid == self.gid {
            self.mode >> 3
        } else {
            self.mode
        };
        if bits & !allowed == 0 { Ok(()) } else { Err(Errno::Access) }
    }

    /// Owner or root, or EPERM.
    pub(crate) fn check_owner(&self, caller: &Caller) -> Result<(), Errno> {
        if caller.is_root() || caller.uid == self.uid { Ok(()) } else { Err(Errno::NotPermitted) }
    }

    /// Contents changed: times, and the set-id bits go unless root did it.
    pub(crate) fn touch_contents(&mut self, caller: &Caller) {
        self.modified = caller.now;
        self.changed = caller.now;
        if !caller.is_root() {
            self.drop_set_id();
        }
    }

    /// Set-id bits that a change of contents or owner takes away. Set-group-ID
    /// without group execution means something else and stays.
    pub(crate) fn drop_set_id(&mut self) {
        if !self.is_directory() {
            self.mode &= !self.set_id();
        }
    }

    /// Whether a change would take a set-id bit away.
    pub(crate) fn has_set_id(&self) -> bool {
        !self.is_directory() && self.mode & self.set_id() != 0
    }

    fn set_id(&self) -> u32 {
        if self.mode & 0o010 != 0 { SET_UID | SET_GID } else { SET_UID }
    }
}

/// All inodes of a filesystem.
#[derive(Default)]
pub(crate) struct Table {
    slots: Vec<Option<Node>>,
    free: Vec<u32>,
    /// `st_ino` of the next inode.
    next_inode: u64,
}

impl Table {
    /// `Errno::Io` would say that a directory leads nowhere, which the
    /// counting of links and open files excludes.
    pub(crate) fn get(&self, id: NodeId) -> Result<&Node, Errno> {
        self.slots.get(id.0 as usize).and_then(Option::as_ref).ok_or(Errno::Io)
    }

    pub(crate) fn get_mut(&mut self, id: NodeId) -> Result<&mut Node, Errno> {
        self.slots.get_mut(id.0 as usize).and_then(Option::as_mut).ok_or(Errno::Io)
    }

    /// Adds an inode and gives it its number.
    pub(crate) fn insert(&mut self, mut node: Node) -> Result<NodeId, Errno> {
        self.next_inode += 1;
        node.inode = self.next_inode;
        if let Some(place) = self.free.pop()
            && let Some(slot) = self.slots.get_mut(place as usize)
        {
            *slot = Some(node);
            return Ok(NodeId(place));
        }
        let place = u32::try_from(self.slots.len()).map_err(|_| Errno::NoSpace)?;
        self.slots.try_reserve(1).map_err(|_| Errno::NoMemory)?;
        self.slots.push(Some(node));
        Ok(NodeId(place))
    }

    /// The contents of all files.
    pub(crate) fn contents_mut(&mut self) -> impl Iterator<Item = &mut Contents> {
        self.slots.iter_mut().flatten().filter_map(|node| match &mut node.body {
            Body::File(contents) => Some(contents),
            _ => None,
        })
    }

    /// Makes sure that so many inodes can be added without asking for memory.
    pub(crate) fn reserve(&mut self, more: usize) -> Result<(), Errno> {
        let places = self.slots.len().saturating_add(more);
        u32::try_from(places).map_err(|_| Errno::NoSpace)?;
        self.slots.try_reserve(more).map_err(|_| Errno::NoMemory)
    }

    pub(crate) fn remove(&mut self, id: NodeId) -> Option<Node> {
        let node = self.slots.get_mut(id.0 as usize)?.take()?;
        self.free.push(id.0);
        Some(node)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.slots.len() as u32).map(NodeId)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.slots.iter().enumerate().filter_map(|(i, slot)| Some((NodeId(i as u32), slot.as_ref()?)))
    }
}
