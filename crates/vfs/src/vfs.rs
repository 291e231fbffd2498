//! The in-memory filesystem as others see it.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;

use crate::handle::Handle;
use crate::host::{Clock, Entropy};
use crate::kept::{Keeper, Kept};
use crate::node::{Body, Caller, NodeId};
use crate::path::Follow;
use crate::tree::{New, Tree};
use crate::{
    AccessMode, Entry, Errno, FileSystem, FileType, NewTime, OpenFile, OpenFlags, Quota, Space, Stat, Usage,
    layout,
};

/// What all handles of one filesystem share.
pub(crate) struct Shared {
    /// Borrowed for the length of one operation, never while the clock or the
    /// entropy of the embedder runs.
    tree: RefCell<Tree>,
    clock: Rc<dyn Clock>,
    entropy: Rc<dyn Entropy>,
    user: Cell<(u32, u32)>,
}

impl Shared {
    pub(crate) fn tree(&self) -> Result<Ref<'_, Tree>, Errno> {
        self.tree.try_borrow().map_err(|_| Errno::Busy)
    }

    pub(crate) fn tree_mut(&self) -> Result<RefMut<'_, Tree>, Errno> {
        self.tree.try_borrow_mut().map_err(|_| Errno::Busy)
    }

    /// As [`Shared::tree_mut`], for what may change the tree.
    pub(crate) fn tree_to_change(&self) -> Result<RefMut<'_, Tree>, Errno> {
        let mut tree = self.tree_mut()?;
        tree.changes = tree.changes.wrapping_add(1);
        Ok(tree)
    }

    pub(crate) fn now(&self) -> crate::Timestamp {
        self.clock.now()
    }

    /// The current user at the present time.
    pub(crate) fn caller(&self) -> Caller {
        let (uid, gid) = self.user.get();
        Caller { uid, gid, now: self.clock.now() }
    }

    /// The current user, for what stamps nothing.
    fn reader(&self) -> Caller {
        let (uid, gid) = self.user.get();
        Caller { uid, gid, now: crate::Timestamp::default() }
    }

    pub(crate) fn fill_random(&self, bytes: &mut [u8]) {
        self.entropy.fill(bytes);
    }

    /// Stamps the access time of an inode.
    pub(crate) fn touch_access(&self, id: NodeId) {
        let now = self.clock.now();
        if let Ok(mut tree) = self.tree_mut()
            && let Ok(node) = tree.table.get_mut(id)
        {
            node.accessed = now;
        }
    }
}

/// The in-memory filesystem. A cheap handle: clones are the same filesystem.
///
/// A path that does not begin with a slash is resolved from the root, or from
/// the directory given to [`Vfs::at`].
#[derive(Clone)]
pub struct Vfs {
    pub(crate) shared: Rc<Shared>,
    base: Option<Rc<Handle>>,
}

impl Vfs {
    /// The tree that a session begins with, as user 1000 with the default
    /// [`Quota`].
    ///
    /// # Errors
    /// `NoMemory`, if there is none even for that.
    pub fn new(clock: Rc<dyn Clock>, entropy: Rc<dyn Entropy>) -> Result<Vfs, Errno> {
        let now = clock.now();
        let mut tree = Tree::new(1, now)?;
        layout::build(&mut tree, now)?;
        let user = Cell::new((layout::USER, layout::GROUP));
        let shared = Shared { tree: RefCell::new(tree), clock, entropy, user };
        Ok(Vfs { shared: Rc::new(shared), base: None })
    }

    /// The same filesystem, with relative paths resolved from an open directory
    /// (as by `openat(2)` and its kin).
    ///
    /// # Errors
    /// `NotDirectory` when it is none; `CrossDevice` when it belongs to another filesystem.
    pub fn at(&self, directory: &Rc<Handle>) -> Result<Vfs, Errno> {
        if !directory.belongs_to(&self.shared) {
            return Err(Errno::CrossDevice);
        }
        if directory.kind() != FileType::Directory {
            return Err(Errno::NotDirectory);
        }
        Ok(Vfs { shared: self.shared.clone(), base: Some(directory.clone()) })
    }

    /// `open(2)`, with the type of the handle known.
    pub fn open_handle(&self, path: &str, how: OpenFlags, mode: u32) -> Result<Rc<Handle>, Errno> {
        let caller = self.shared.caller();
        let changes = how.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
        let mut tree = if changes { self.shared.tree_to_change()? } else { self.shared.tree_mut()? };
        tree.account.check_open()?;
        let base = self.base(&tree);
        let id = tree.open(&caller, base, path, how, mode)?;
        drop(tree);
        Handle::new(&self.shared, id, how)
    }

    /// `linkat(2)` with two directories.
    pub fn link_to(&self, existing: &str, other: &Vfs, new: &str, follow: bool) -> Result<(), Errno> {
        if !Rc::ptr_eq(&self.shared, &other.shared) {
            return Err(Errno::CrossDevice);
        }
        let caller = self.shared.caller();
        let mut tree = self.shared.tree_to_change()?;
        let (here, there) = (self.base(&tree), other.base(&tree));
        tree.link(&caller, (here, existing), (there, new), follow)
    }

    /// `renameat(2)` with two directories.
    pub fn rename_to(&self, old: &str, other: &Vfs, new: &str) -> Result<(), Errno> {
        if !Rc::ptr_eq(&self.shared, &other.shared) {
            return Err(Errno::CrossDevice);
        }
        let caller = self.shared.caller();
        let mut tree = self.shared.tree_to_change()?;
        let (here, there) = (self.base(&tree), other.base(&tree));
        tree.rename(&caller, (here, old), (there, new))
    }

    /// Sets the bounds. One below what is used now refuses growth only.
    pub fn set_quota(&self, quota: Quota) {
        if let Ok(mut tree) = self.shared.tree_mut() {
            tree.account.quota = quota;
        }
    }

    /// The bounds.
    pub fn quota(&self) -> Quota {
        self.shared.tree().map(|tree| tree.account.quota).unwrap_or_default()
    }

    /// What is used now.
    pub fn usage(&self) -> Usage {
        self.shared.tree().map(|tree| tree.account.used).unwrap_or_default()
    }

    /// Has full chunks of files kept elsewhere from now on.
    pub fn keep_with(&self, keeper: Rc<dyn Keeper>) {
        if let Ok(mut tree) = self.shared.tree_mut() {
            tree.keeper = Some(keeper);
        }
    }

    /// Makes a directory, and what is below it, a filesystem of its own: it has another device number, no name in it can
    /// be linked or moved out, and it is not removed or moved itself (EBUSY). With `read_only` nothing in it can be
    /// changed (EROFS), by root neither. Of a directory that is one already, sets `read_only`.
    ///
    /// # Errors
    /// `NotDirectory`; `Busy` for the root.
    pub fn mount(&self, path: &str, read_only: bool) -> Result<(), Errno> {
        self.on(path, true, |tree, _, id| tree.mount(id, read_only))
    }

    /// Gives the file at `path`, which is created if need be, contents of which the [`Keeper`] has `size` bytes
    /// under `number`. They are read when somebody asks for them, and count as nothing against the quota while they are
    /// not changed. The number is released when nothing refers to it any more, also after an error.
    ///
    /// # Errors
    /// Those of opening it; `NotSupported` where there is no keeper.
    pub fn lend_file(&self, path: &str, mode: u32, number: u64, size: u64) -> Result<(), Errno> {
        self.with(|tree, caller, base| {
            let keeper = tree.keeper.as_ref().ok_or(Errno::NotSupported)?;
            // From here on the number is released when nothing refers to it.
            let lent = Kept::new(number, true, keeper);
            let id = tree.open(caller, base, path, OpenFlags::WRITE | OpenFlags::CREATE, mode)?;
            tree.lend(caller, id, &lent, size)
        })
    }

    /// A number that is another one whenever anything but access times may have changed.
    pub fn generation(&self) -> u64 {
        self.shared.tree().map(|tree| tree.changes).unwrap_or_default()
    }

    /// The bounds that have refused something since the last call.
    pub fn take_refusals(&self) -> crate::Refusals {
        self.shared.tree().map(|tree| tree.account.refusals.take()).unwrap_or_default()
    }

    fn base(&self, tree: &Tree) -> NodeId {
        self.base.as_ref().map_or(tree.root, |handle| handle.node())
    }

    /// Runs an operation on what a path leads to.
    fn on<T>(
        &self,
        path: &str,
        follow: bool,
        operation: impl FnOnce(&mut Tree, &Caller, NodeId) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let caller = self.shared.caller();
        let mut tree = self.shared.tree_to_change()?;
        let base = self.base(&tree);
        let id = tree.lookup(&caller, base, path, follow)?;
        operation(&mut tree, &caller, id)
    }

    /// Runs an operation that changes names, from the base.
    fn with<T>(
        &self,
        operation: impl FnOnce(&mut Tree, &Caller, NodeId) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let caller = self.shared.caller();
        let mut tree = self.shared.tree_to_change()?;
        let base = self.base(&tree);
        operation(&mut tree, &caller, base)
    }
}

impl FileSystem for Vfs {
    fn open(&self, path: &str, how: OpenFlags, mode: u32) -> Result<Rc<dyn OpenFile>, Errno> {
        Ok(self.open_handle(path, how, mode)?)
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, Errno> {
        let caller = self.shared.reader();
        let tree = self.shared.tree()?;
        let id = tree.lookup(&caller, self.base(&tree), path, true)?;
        let node = tree.table.get(id)?;
        node.check_access(&caller, AccessMode::READ)?;
        let mut bytes = Vec::new();
        let due = match &node.body {
            Body::File(contents) => {
                let size = usize::try_from(contents.size()).map_err(|_| Errno::NoMemory)?;
                bytes.try_reserve_exact(size).map_err(|_| Errno::NoMemory)?;
                tree.read(id, 0, &mut bytes, size)?.1
            }
            Body::Directory(_) => return Err(Errno::IsDirectory),
            _ => {
                drop(tree);
                // A device: what one read gives, if it ever ends.
                let file = self.open_handle(path, OpenFlags::READ, 0)?;
                return match file.read(1)?.is_empty() {
                    true => Ok(bytes),
                    false => Err(Errno::FileTooLarge),
                };
            }
        };
        drop(tree);
        if due {
            self.shared.touch_access(id);
        }
        Ok(bytes)
    }

    fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        self.put(path, mode, bytes, |tree, caller, id| tree.replace(caller, id, bytes))
    }

    fn append_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        self.put(path, mode, bytes, |tree, caller, id| tree.write(caller, id, None, bytes).map(drop))
    }

    fn copy_file(&self, source: &str, target: &str, mode: u32) -> Result<(), Errno> {
        self.with(|tree, caller, base| {
            let from = tree.lookup(caller, base, source, true)?;
            let node = tree.table.get(from)?;
            node.check_access(caller, AccessMode::READ)?;
            match node.body {
                Body::File(_) => {}
                Body::Directory(_) => return Err(Errno::IsDirectory),
                _ => return Err(Errno::Invalid),
            }
            let how = OpenFlags::WRITE | OpenFlags::CREATE;
            let to = tree.open(caller, base, target, how, mode)?;
            tree.share(caller, from, to)
        })
    }

    fn stat_at(&self, path: &str, follow: bool) -> Result<Stat, Errno> {
        let caller = self.shared.reader();
        let tree = self.shared.tree()?;
        tree.stat(tree.lookup(&caller, self.base(&tree), path, follow)?)
    }

    fn access(&self, path: &str, mode: AccessMode) -> Result<(), Errno> {
        let caller = self.shared.reader();
        let tree = self.shared.tree()?;
        let node = tree.table.get(tree.lookup(&caller, self.base(&tree), path, true)?)?;
        if mode.contains(AccessMode::WRITE) && matches!(node.body, Body::File(_) | Body::Directory(_)) {
            tree.check_not_read_only(node)?;
        }
        node.check_access(&caller, mode)
    }

    fn read_directory(&self, path: &str) -> Result<Vec<Entry>, Errno> {
        let caller = self.shared.reader();
        let tree = self.shared.tree()?;
        let id = tree.lookup(&caller, self.base(&tree), path, true)?;
        let node = tree.table.get(id)?;
        node.directory()?;
        node.check_access(&caller, AccessMode::READ)?;
        let (entries, due) = tree.read_directory(id)?;
        drop(tree);
        if due {
            self.shared.touch_access(id);
        }
        Ok(entries)
    }

    fn canonicalize(&self, path: &str) -> Result<String, Errno> {
        let caller = self.shared.reader();
        let tree = self.shared.tree()?;
        let place = tree.resolve(&caller, self.base(&tree), path, Follow::Yes)?;
        let id = place.existing()?;
        let node = tree.table.get(id)?;
        if node.is_directory() {
            return tree.directory_path(id).ok_or(Errno::NoEntry);
        }
        if place.slash {
            return Err(Errno::NotDirectory);
        }
        let parent = tree.directory_path(place.parent).ok_or(Errno::NoEntry)?;
        let name = place.name().ok_or(Errno::NoEntry)?;
        Ok(if parent == "/" { format!("/{name}") } else { format!("{parent}/{name}") })
    }

    fn read_link(&self, path: &str) -> Result<String, Errno> {
        let caller = self.shared.reader();
        let tree = self.shared.tree()?;
        let place = tree.resolve(&caller, self.base(&tree), path, Follow::No)?;
        match &tree.table.get(place.existing()?)?.body {
            Body::Symlink(target) => Ok(String::from(&**target)),
            Body::Directory(_) => Err(Errno::Invalid),
            _ if place.slash => Err(Errno::NotDirectory),
            _ => Err(Errno::Invalid),
        }
    }

    fn make_directory(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.with(|tree, caller, base| tree.make(caller, base, path, mode, New::Directory).map(drop))
    }

    fn make_fifo(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.with(|tree, caller, base| tree.make(caller, base, path, mode, New::Fifo).map(drop))
    }

    fn link(&self, existing: &str, new: &str, follow: bool) -> Result<(), Errno> {
        self.link_to(existing, self, new, follow)
    }

    fn link_all(&self, existing: &str, directory: &str, names: &[&str]) -> Result<(), Errno> {
        self.with(|tree, caller, base| {
            let file = tree.lookup(caller, base, existing, false)?;
            let above = tree.lookup(caller, base, directory, true)?;
            for name in names {
                match tree.link_to(caller, file, (above, name)) {
                    Ok(()) | Err(Errno::Exist) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
    }

    fn symlink(&self, target: &str, new: &str) -> Result<(), Errno> {
        self.with(|tree, caller, base| {
            tree.make(caller, base, new, 0o777, New::Symlink(Rc::from(target))).map(drop)
        })
    }

    fn rename(&self, old: &str, new: &str) -> Result<(), Errno> {
        self.rename_to(old, self, new)
    }

    fn remove_file(&self, path: &str) -> Result<(), Errno> {
        self.with(|tree, caller, base| tree.remove_file(caller, base, path))
    }

    fn remove_directory(&self, path: &str) -> Result<(), Errno> {
        self.with(|tree, caller, base| tree.remove_directory(caller, base, path))
    }

    fn set_size_at(&self, path: &str, size: u64) -> Result<(), Errno> {
        self.with(|tree, caller, base| tree.set_size_at(caller, base, path, size))
    }

    fn set_mode_at(&self, path: &str, mode: u32, follow: bool) -> Result<(), Errno> {
        self.on(path, follow, |tree, caller, id| tree.set_mode(caller, id, mode))
    }

    fn set_owner_at(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), Errno> {
        self.on(path, follow, |tree, caller, id| tree.set_owner(caller, id, uid, gid))
    }

    fn set_times_at(
        &self,
        path: &str,
        accessed: NewTime,
        modified: NewTime,
        follow: bool,
    ) -> Result<(), Errno> {
        if (accessed, modified) == (NewTime::Keep, NewTime::Keep) {
            return Ok(()); // as Linux, which does not even look at the path
        }
        self.on(path, follow, |tree, caller, id| tree.set_times(caller, id, accessed, modified))
    }

    fn space(&self) -> Space {
        let (quota, usage) = (self.quota(), self.usage());
        Space { bytes: quota.bytes, bytes_used: usage.bytes, inodes: quota.inodes, inodes_used: usage.inodes }
    }

    fn set_user(&self, uid: u32, gid: u32) {
        self.shared.user.set((uid, gid));
    }

    fn get_user(&self) -> (u32, u32) {
        self.shared.user.get()
    }
}

impl Vfs {
    /// Opens for writing, creates if need be, and stores without a handle. A
    /// device or FIFO gets its bytes through one.
    fn put(
        &self,
        path: &str,
        mode: u32,
        bytes: &[u8],
        store: impl FnOnce(&mut Tree, &Caller, NodeId) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let how = OpenFlags::WRITE | OpenFlags::CREATE;
        let caller = self.shared.caller();
        let mut tree = self.shared.tree_to_change()?;
        let base = self.base(&tree);
        let before = tree.account.used.inodes;
        let id = tree.open(&caller, base, path, how, mode)?;
        if !matches!(tree.table.get(id)?.body, Body::File(_)) {
            drop(tree);
            return Handle::new(&self.shared, id, how)?.write(bytes);
        }
        let created = tree.account.used.inodes > before;
        if created && bytes.is_empty() {
            return Ok(()); // nothing is written, so set-id bits stay
        }
        let stored = store(&mut tree, &caller, id);
        if stored.is_err() && created {
            // All or nothing: a file that was made for bytes that did not fit goes again.
            if let Some(path) = tree.path_of(id) {
                let _ = tree.remove_file(&caller, base, &path);
            }
        }
        stored
    }
}
