//! The tree of names: making, linking, moving and removing them.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::contents::Contents;
use crate::kept::Keeper;
use crate::node::{Body, Caller, Directory, Node, NodeId, SET_GID, SET_UID, STICKY, Table};
use crate::path::{Follow, Last, Place};
use crate::quota::Account;
use crate::{AccessMode, Errno, PATH_MAX, Timestamp};

/// Most names of one inode; what fits into `st_nlink` of every host.
const LINK_MAX: u32 = i32::MAX as u32;

/// A filesystem: its inodes, root and accounts.
pub(crate) struct Tree {
    /// `st_dev`: tells the filesystems of a session apart.
    pub(crate) device: u64,
    pub(crate) table: Table,
    pub(crate) root: NodeId,
    pub(crate) account: Account,
    /// Counts what may have changed something.
    pub(crate) changes: u64,
    /// Filesystems of their own, below directories.
    pub(crate) mounts: Vec<Mount>,
    /// Where contents can be kept outside.
    pub(crate) keeper: Option<Rc<dyn Keeper>>,
}

/// A directory below which a filesystem of its own begins.
#[derive(Clone, Copy)]
pub(crate) struct Mount {
    pub(crate) root: NodeId,
    pub(crate) read_only: bool,
}

/// What `make` makes.
pub(crate) enum New {
    File,
    Directory,
    Fifo,
    Symlink(Rc<str>),
    Device(u64),
}

impl Tree {
    /// A root directory (0755, owned by root) and nothing else.
    pub(crate) fn new(device: u64, now: Timestamp) -> Result<Tree, Errno> {
        let mut table = Table::default();
        let root = table.insert(new_node(0o755, 0, 0, now, Body::Fifo))?;
        let node = table.get_mut(root)?;
        node.body = Body::Directory(Directory { entries: BTreeMap::new(), parent: root });
        node.links = 2;
        let mut account = Account::default();
        account.used.inodes = 1;
        Ok(Tree { device, table, root, account, changes: 0, mounts: Vec::new(), keeper: None })
    }

    /// Resolves a name that is to be made: EEXIST for what exists, `.`, `..` and
    /// `/`; ENOENT for a trailing slash that asks for a directory that is not
    /// about to be made.
    fn resolve_new(
        &self,
        caller: &Caller,
        base: NodeId,
        path: &str,
        directory: bool,
    ) -> Result<(NodeId, Rc<str>), Errno> {
        let place = self.resolve(caller, base, path, Follow::Never)?;
        match place.last {
            Last::Name(name) if place.node.is_none() => {
                if place.slash && !directory {
                    return Err(Errno::NoEntry);
                }
                Ok((place.parent, name))
            }
            Last::TooLong => Err(Errno::NameTooLong),
            _ => Err(Errno::Exist),
        }
    }

    /// `mkdir(2)`, `mknod(2)`, `symlink(2)`, and the making half of `open(2)`.
    pub(crate) fn make(
        &mut self,
        caller: &Caller,
        base: NodeId,
        path: &str,
        mode: u32,
        new: New,
    ) -> Result<NodeId, Errno> {
        if let New::Symlink(target) = &new {
            if target.is_empty() {
                return Err(Errno::NoEntry);
            }
            if target.len() >= PATH_MAX {
                return Err(Errno::NameTooLong);
            }
            if target.as_bytes().contains(&0) {
                return Err(Errno::Invalid);
            }
        }
        let (parent, name) = self.resolve_new(caller, base, path, matches!(new, New::Directory))?;
        self.make_in(caller, parent, &name, mode, new)
    }

    /// As `make`, in a directory that is known to lack the name.
    pub(crate) fn make_in(
        &mut self,
        caller: &Caller,
        parent: NodeId,
        name: &Rc<str>,
        mode: u32,
        new: New,
    ) -> Result<NodeId, Errno> {
        let above = self.check_may_create(caller, self.table.get(parent)?)?;
        let inherits = above.mode & SET_GID != 0;
        let gid = if inherits { above.gid } else { caller.gid };
        if above.links >= LINK_MAX {
            return Err(Errno::TooManyLinks);
        }
        self.account.check_inode()?;
        let is_directory = matches!(new, New::Directory);
        let (mode, body) = match new {
            New::File => (mode & 0o7777, Body::File(Contents::default())),
            New::Directory => (
                mode & 0o1777 | if inherits { SET_GID } else { 0 },
                Body::Directory(Directory { entries: BTreeMap::new(), parent }),
            ),
            New::Fifo => (mode & 0o7777, Body::Fifo),
            New::Symlink(target) => (0o777, Body::Symlink(target)),
            New::Device(number) => (mode & 0o7777, Body::Device(number)),
        };
        let mut node = new_node(mode, caller.uid, gid, caller.now, body);
        node.mount = above.mount;
        node.links = if is_directory { 2 } else { 1 };
        node.hint = Some((parent, name.clone()));
        let id = self.table.insert(node)?;
        self.account.used.inodes += 1;
        self.enter(caller, parent, name.clone(), id)?;
        if is_directory {
            self.table.get_mut(parent)?.links += 1;
        }
        Ok(id)
    }

    /// Puts a name into a directory and stamps the directory.
    fn enter(&mut self, caller: &Caller, parent: NodeId, name: Rc<str>, id: NodeId) -> Result<(), Errno> {
        let above = self.table.get_mut(parent)?;
        above.directory_mut()?.entries.insert(name, id);
        above.modified = caller.now;
        above.changed = caller.now;
        Ok(())
    }

    /// Takes a name out of a directory and stamps the directory.
    fn leave(&mut self, caller: &Caller, parent: NodeId, name: &str) -> Result<(), Errno> {
        let above = self.table.get_mut(parent)?;
        above.directory_mut()?.entries.remove(name);
        above.modified = caller.now;
        above.changed = caller.now;
        Ok(())
    }

    /// `linkat(2)`.
    pub(crate) fn link(
        &mut self,
        caller: &Caller,
        existing: (NodeId, &str),
        new: (NodeId, &str),
        follow: bool,
    ) -> Result<(), Errno> {
        let id = self.lookup(caller, existing.0, existing.1, follow)?;
        self.link_to(caller, id, new)
    }

    /// Another name for an inode.
    pub(crate) fn link_to(&mut self, caller: &Caller, id: NodeId, new: (NodeId, &str)) -> Result<(), Errno> {
        let (parent, name) = self.resolve_new(caller, new.0, new.1, false)?;
        let node = self.table.get(id)?;
        self.check_may_link(caller, node)?;
        self.check_may_create(caller, self.table.get(parent)?)?;
        if node.is_directory() {
            return Err(Errno::NotPermitted);
        }
        if node.mount != self.table.get(parent)?.mount {
            return Err(Errno::CrossDevice);
        }
        if node.links == 0 {
            return Err(Errno::NoEntry);
        }
        if node.links >= LINK_MAX {
            return Err(Errno::TooManyLinks);
        }
        self.account.check_inode()?;
        self.account.used.inodes += 1;
        let node = self.table.get_mut(id)?;
        node.links += 1;
        node.changed = caller.now;
        node.hint = Some((parent, name.clone()));
        self.enter(caller, parent, name, id)
    }

    /// Others' files may be linked to only if they could be copied and changed
    /// anyway (Linux's `fs.protected_hardlinks`, on in every distribution).
    fn check_may_link(&self, caller: &Caller, node: &Node) -> Result<(), Errno> {
        if node.check_owner(caller).is_ok() {
            return Ok(());
        }
        let set_id = node.mode & SET_UID != 0 || node.mode & (SET_GID | 0o010) == SET_GID | 0o010;
        let open = node.check_access(caller, AccessMode::READ | AccessMode::WRITE).is_ok();
        let safe = matches!(node.body, Body::File(_)) && !set_id && open;
        if safe { Ok(()) } else { Err(Errno::NotPermitted) }
    }

    /// Whether the caller may take this name out of its directory; `directory`:
    /// with `rmdir(2)`.
    fn check_may_delete(
        &self,
        caller: &Caller,
        parent: NodeId,
        id: NodeId,
        directory: bool,
    ) -> Result<(), Errno> {
        let above = self.table.get(parent)?;
        self.check_not_read_only(above)?;
        above.check_access(caller, AccessMode::WRITE | AccessMode::EXECUTE)?;
        let node = self.table.get(id)?;
        if self.is_mount(id) {
            return Err(Errno::Busy);
        }
        let sticky = above.mode & STICKY != 0 && !caller.is_root();
        if sticky && caller.uid != above.uid && caller.uid != node.uid {
            return Err(Errno::NotPermitted);
        }
        match (directory, node.is_directory()) {
            (true, false) => Err(Errno::NotDirectory),
            (false, true) => Err(Errno::IsDirectory),
            _ => Ok(()),
        }
    }

    fn check_empty(&self, id: NodeId) -> Result<(), Errno> {
        let empty = self.table.get(id)?.directory()?.entries.is_empty();
        if empty { Ok(()) } else { Err(Errno::DirectoryNotEmpty) }
    }

    /// `unlink(2)`.
    pub(crate) fn remove_file(&mut self, caller: &Caller, base: NodeId, path: &str) -> Result<(), Errno> {
        let place = self.resolve(caller, base, path, Follow::Never)?;
        let id = place.existing()?;
        let Some(name) = place.name() else { return Err(Errno::IsDirectory) };
        if place.slash {
            let directory = self.table.get(id)?.is_directory();
            return Err(if directory { Errno::IsDirectory } else { Errno::NotDirectory });
        }
        self.check_may_delete(caller, place.parent, id, false)?;
        self.leave(caller, place.parent, name)?;
        self.drop_link(caller, id)
    }

    /// `rmdir(2)`.
    pub(crate) fn remove_directory(
        &mut self,
        caller: &Caller,
        base: NodeId,
        path: &str,
    ) -> Result<(), Errno> {
        let place = self.resolve(caller, base, path, Follow::Never)?;
        let name = match &place.last {
            Last::Name(name) => name,
            Last::Dot => return Err(Errno::Invalid),
            Last::DotDot => return Err(Errno::DirectoryNotEmpty),
            Last::Root => return Err(Errno::Busy),
            Last::TooLong => return Err(Errno::NameTooLong),
        };
        let id = place.existing()?;
        self.check_may_delete(caller, place.parent, id, true)?;
        self.check_empty(id)?;
        self.leave(caller, place.parent, name)?;
        self.drop_directory(caller, place.parent, id)
    }

    /// A name of a file is gone.
    fn drop_link(&mut self, caller: &Caller, id: NodeId) -> Result<(), Errno> {
        let node = self.table.get_mut(id)?;
        node.links = node.links.saturating_sub(1);
        node.changed = caller.now;
        if node.links > 0 {
            self.account.used.inodes = self.account.used.inodes.saturating_sub(1);
        }
        self.free_if_unused(id);
        Ok(())
    }

    /// The name of an empty directory is gone.
    fn drop_directory(&mut self, caller: &Caller, parent: NodeId, id: NodeId) -> Result<(), Errno> {
        let above = self.table.get_mut(parent)?;
        above.links = above.links.saturating_sub(1);
        let node = self.table.get_mut(id)?;
        node.links = 0;
        node.changed = caller.now;
        // While it is still open, `..` must not lead to an inode that may be gone.
        node.directory_mut()?.parent = id;
        self.free_if_unused(id);
        Ok(())
    }

    /// Frees an inode that has neither a name nor an open description.
    pub(crate) fn free_if_unused(&mut self, id: NodeId) {
        let unused = self.table.get(id).is_ok_and(|node| node.links == 0 && node.opens == 0);
        if unused && let Some(node) = self.table.remove(id) {
            self.account.used.inodes = self.account.used.inodes.saturating_sub(1);
            if let Body::File(contents) = &node.body {
                self.account.rebook(contents.stored(), 0);
            }
        }
    }

    /// `rename(2)`.
    pub(crate) fn rename(
        &mut self,
        caller: &Caller,
        old: (NodeId, &str),
        new: (NodeId, &str),
    ) -> Result<(), Errno> {
        let from = self.resolve(caller, old.0, old.1, Follow::Never)?;
        let to = self.resolve(caller, new.0, new.1, Follow::Never)?;
        let nameless = |place: &Place| matches!(place.last, Last::Dot | Last::DotDot | Last::Root);
        if nameless(&from) || nameless(&to) {
            return Err(Errno::Busy);
        }
        let id = from.existing()?;
        let (Some(old_name), Some(new_name)) = (from.name(), to.name()) else {
            return Err(Errno::NameTooLong);
        };
        let moves_directory = self.table.get(id)?.is_directory();
        if !moves_directory && (from.slash || to.slash) {
            return Err(Errno::NotDirectory);
        }
        if self.table.get(from.parent)?.mount != self.table.get(to.parent)?.mount {
            return Err(Errno::CrossDevice);
        }
        if moves_directory && self.is_above(id, to.parent)? {
            return Err(Errno::Invalid);
        }
        if let Some(replaced) = to.node {
            if self.table.get(replaced)?.is_directory() && self.is_above(replaced, from.parent)? {
                return Err(Errno::DirectoryNotEmpty);
            }
            if replaced == id {
                return Ok(());
            }
        }
        self.check_may_delete(caller, from.parent, id, moves_directory)?;
        match to.node {
            Some(replaced) => self.check_may_delete(caller, to.parent, replaced, moves_directory)?,
            None => {
                self.check_may_create(caller, self.table.get(to.parent)?)?;
            }
        }
        if moves_directory && from.parent != to.parent {
            // Its `..` changes.
            self.table.get(id)?.check_access(caller, AccessMode::WRITE)?;
            if to.node.is_none() && self.table.get(to.parent)?.links >= LINK_MAX {
                return Err(Errno::TooManyLinks);
            }
        }
        if let Some(replaced) = to.node
            && moves_directory
        {
            self.check_empty(replaced)?;
        }
        self.rename_checked(caller, &from, old_name, &to, new_name, id, moves_directory)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the tail of rename, cut off where nothing can fail any more"
    )]
    fn rename_checked(
        &mut self,
        caller: &Caller,
        from: &Place,
        old_name: &Rc<str>,
        to: &Place,
        new_name: &Rc<str>,
        id: NodeId,
        moves_directory: bool,
    ) -> Result<(), Errno> {
        self.leave(caller, from.parent, old_name)?;
        self.enter(caller, to.parent, new_name.clone(), id)?;
        if let Some(replaced) = to.node {
            if moves_directory {
                self.drop_directory(caller, to.parent, replaced)?;
            } else {
                self.drop_link(caller, replaced)?;
            }
        }
        if moves_directory {
            let old_parent = self.table.get_mut(from.parent)?;
            old_parent.links = old_parent.links.saturating_sub(1);
            self.table.get_mut(to.parent)?.links += 1;
            self.table.get_mut(id)?.directory_mut()?.parent = to.parent;
        }
        let node = self.table.get_mut(id)?;
        node.changed = caller.now;
        node.hint = Some((to.parent, new_name.clone()));
        Ok(())
    }
}

/// An inode without links, its three times the same.
pub(crate) fn new_node(mode: u32, uid: u32, gid: u32, now: Timestamp, body: Body) -> Node {
    Node {
        inode: 0,
        mount: 0,
        mode,
        uid,
        gid,
        links: 0,
        opens: 0,
        accessed: now,
        modified: now,
        changed: now,
        hint: None,
        body,
    }
}
