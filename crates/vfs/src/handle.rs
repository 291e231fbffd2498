//! Open file descriptions of the in-memory tree.

use std::cell::Cell;
use std::rc::Rc;

use crate::device::Device;
use crate::node::{Body, NodeId};
use crate::vfs::Shared;
use crate::{Errno, FileType, NewTime, OpenFile, OpenFlags, Position, Stat};

/// What is behind a handle; fixed when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    Device(Device),
    /// Open for its metadata, or a FIFO.
    Other(FileType),
}

/// An open file description. It keeps its inode alive; the last drop closes it.
pub struct Handle {
    shared: Rc<Shared>,
    node: NodeId,
    kind: Kind,
    position: Cell<u64>,
    flags: Cell<OpenFlags>,
}

/// The flags of `open(2)` that stay with the description.
const STATUS: OpenFlags = OpenFlags::READ
    .union(OpenFlags::WRITE)
    .union(OpenFlags::APPEND)
    .union(OpenFlags::DIRECTORY)
    .union(OpenFlags::NO_FOLLOW);

impl Handle {
    /// Counts the inode as open. The caller has checked the quota.
    pub(crate) fn new(shared: &Rc<Shared>, node: NodeId, how: OpenFlags) -> Result<Rc<Handle>, Errno> {
        let mut tree = shared.tree_mut()?;
        let kind = match &tree.table.get(node)?.body {
            Body::File(_) => Kind::File,
            Body::Directory(_) => Kind::Directory,
            Body::Fifo => Kind::Other(FileType::Fifo),
            Body::Symlink(_) => Kind::Other(FileType::SymbolicLink),
            Body::Device(number) => match Device::from_number(*number) {
                None | Some(Device::Tty) if how.intersects(OpenFlags::READ | OpenFlags::WRITE) => {
                    return Err(Errno::NoSuchDevice);
                }
                None => Kind::Other(FileType::CharacterDevice),
                Some(device) => Kind::Device(device),
            },
        };
        tree.account.check_open()?;
        tree.account.used.open_files += 1;
        tree.table.get_mut(node)?.opens += 1;
        drop(tree);
        Ok(Rc::new(Handle {
            shared: shared.clone(),
            node,
            kind,
            position: Cell::new(0),
            flags: Cell::new(how.intersection(STATUS)),
        }))
    }

    pub(crate) fn node(&self) -> NodeId {
        self.node
    }

    pub(crate) fn belongs_to(&self, shared: &Rc<Shared>) -> bool {
        Rc::ptr_eq(&self.shared, shared)
    }

    /// Whether two descriptions are of the same inode.
    pub fn is_same_file(&self, other: &Handle) -> bool {
        Rc::ptr_eq(&self.shared, &other.shared) && self.node == other.node
    }

    /// The entries of an open directory, also after its last name is gone (it
    /// is empty then).
    pub fn read_directory(&self) -> Result<Vec<crate::Entry>, Errno> {
        let (entries, due) = self.shared.tree()?.read_directory(self.node)?;
        if due {
            self.shared.touch_access(self.node);
        }
        Ok(entries)
    }

    /// Writes at the end, whatever the flags and the position say. All bytes or none.
    pub fn append(&self, bytes: &[u8]) -> Result<(), Errno> {
        let end = self.stat()?.size;
        self.write_to(end, bytes).map(drop)
    }

    /// Type of the file, without the rest of `stat`.
    pub fn kind(&self) -> FileType {
        match self.kind {
            Kind::File => FileType::Regular,
            Kind::Directory => FileType::Directory,
            Kind::Device(_) => FileType::CharacterDevice,
            Kind::Other(kind) => kind,
        }
    }

    fn read_from(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        if !self.flags.get().contains(OpenFlags::READ) {
            return Err(Errno::BadDescriptor);
        }
        match self.kind {
            Kind::File => {
                let (n, due) = self.shared.tree()?.read(self.node, offset, buffer, max)?;
                if due && n > 0 {
                    self.shared.touch_access(self.node);
                }
                Ok(n)
            }
            Kind::Directory => Err(Errno::IsDirectory),
            Kind::Device(Device::Null | Device::Tty) => Ok(0),
            Kind::Device(Device::Zero | Device::Full) => {
                buffer.try_reserve(max).map_err(|_| Errno::NoMemory)?;
                buffer.resize(buffer.len().saturating_add(max), 0);
                Ok(max)
            }
            Kind::Device(Device::Random) => {
                let start = buffer.len();
                buffer.try_reserve(max).map_err(|_| Errno::NoMemory)?;
                buffer.resize(start.saturating_add(max), 0);
                self.shared.fill_random(buffer.get_mut(start..).unwrap_or_default());
                Ok(max)
            }
            Kind::Other(_) => Err(Errno::NotSupported),
        }
    }

    /// Where the write ended.
    fn write_to(&self, offset: u64, bytes: &[u8]) -> Result<u64, Errno> {
        let flags = self.flags.get();
        if !flags.contains(OpenFlags::WRITE) {
            return Err(Errno::BadDescriptor);
        }
        match self.kind {
            Kind::File => {
                let caller = self.shared.caller();
                let at = (!flags.contains(OpenFlags::APPEND)).then_some(offset);
                self.shared.tree_to_change()?.write(&caller, self.node, at, bytes)
            }
            Kind::Directory => Err(Errno::IsDirectory),
            Kind::Device(Device::Full) if !bytes.is_empty() => Err(Errno::NoSpace),
            Kind::Device(_) => Ok(offset),
            Kind::Other(_) => Err(Errno::NotSupported),
        }
    }
}

impl OpenFile for Handle {
    fn read_into(&self, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let position = self.position.get();
        let n = self.read_from(position, buffer, max)?;
        if self.kind == Kind::File {
            self.position.set(position.saturating_add(n as u64));
        }
        Ok(n)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        let end = self.write_to(self.position.get(), bytes)?;
        if !bytes.is_empty() {
            self.position.set(end);
        }
        Ok(())
    }

    fn read_at_into(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        if matches!(self.kind, Kind::Other(FileType::Fifo)) {
            return Err(Errno::IllegalSeek);
        }
        self.read_from(offset, buffer, max)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        if matches!(self.kind, Kind::Other(FileType::Fifo)) {
            return Err(Errno::IllegalSeek);
        }
        self.write_to(offset, bytes).map(drop)
    }

    fn seek(&self, to: Position) -> Result<u64, Errno> {
        match self.kind {
            Kind::File | Kind::Directory => {}
            Kind::Device(_) => return Ok(0),
            Kind::Other(_) => return Err(Errno::IllegalSeek),
        }
        let target = match to {
            Position::Start(offset) => Some(offset),
            Position::Current(by) => self.position.get().checked_add_signed(by),
            Position::End(by) => self.stat()?.size.checked_add_signed(by),
        };
        let target = target.filter(|offset| i64::try_from(*offset).is_ok()).ok_or(Errno::Invalid)?;
        self.position.set(target);
        Ok(target)
    }

    fn stat(&self) -> Result<Stat, Errno> {
        self.shared.tree()?.stat(self.node)
    }

    fn set_size(&self, size: u64) -> Result<(), Errno> {
        if !self.flags.get().contains(OpenFlags::WRITE) || self.kind != Kind::File {
            return Err(Errno::Invalid);
        }
        let caller = self.shared.caller();
        self.shared.tree_to_change()?.set_size(&caller, self.node, size)
    }

    fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        let caller = self.shared.caller();
        self.shared.tree_to_change()?.set_mode(&caller, self.node, mode)
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), Errno> {
        let caller = self.shared.caller();
        self.shared.tree_to_change()?.set_owner(&caller, self.node, uid, gid)
    }

    fn set_times(&self, accessed: NewTime, modified: NewTime) -> Result<(), Errno> {
        let caller = self.shared.caller();
        self.shared.tree_to_change()?.set_times(&caller, self.node, accessed, modified)
    }

    fn flags(&self) -> OpenFlags {
        self.flags.get()
    }

    fn set_append(&self, append: bool) {
        let mut flags = self.flags.get();
        flags.set(OpenFlags::APPEND, append);
        self.flags.set(flags);
    }

    fn duplicate(self: Rc<Self>) -> Result<Rc<dyn OpenFile>, Errno> {
        Ok(self)
    }

    fn path(&self) -> Option<String> {
        self.shared.tree().ok()?.path_of(self.node)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The tree is never borrowed while foreign code runs, so this succeeds.
        if let Ok(mut tree) = self.shared.tree_mut() {
            tree.account.used.open_files = tree.account.used.open_files.saturating_sub(1);
            if let Ok(node) = tree.table.get_mut(self.node) {
                node.opens = node.opens.saturating_sub(1);
            }
            tree.free_if_unused(self.node);
        }
    }
}
