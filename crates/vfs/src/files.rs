//! What happens to one inode: opening, contents, attributes.

use std::rc::Rc;

use crate::contents::Contents;
use crate::kept::Kept;
use crate::node::{Body, Caller, Node, NodeId, SET_GID};
use crate::path::Follow;
use crate::tree::{Mount, New, Tree};
use crate::{AccessMode, Entry, Errno, NewTime, OpenFlags, Stat};

impl Tree {
    /// `open(2)` up to the inode: finds or makes it, checks, truncates.
    pub(crate) fn open(
        &mut self,
        caller: &Caller,
        base: NodeId,
        path: &str,
        how: OpenFlags,
        mode: u32,
    ) -> Result<NodeId, Errno> {
        let create = how.contains(OpenFlags::CREATE);
        let exclusive = create && how.contains(OpenFlags::EXCLUSIVE);
        if create && how.contains(OpenFlags::DIRECTORY) {
            return Err(Errno::Invalid);
        }
        let follow = match () {
            () if exclusive || (create && how.contains(OpenFlags::NO_FOLLOW)) => Follow::CreateNew,
            () if create => Follow::Create,
            () if how.contains(OpenFlags::NO_FOLLOW) => Follow::No,
            () => Follow::Yes,
        };
        let place = self.resolve(caller, base, path, follow)?;
        let Some(id) = place.node else {
            let (true, Some(name)) = (create, place.name()) else { return Err(place.missing()) };
            let name = name.clone();
            return self.make_in(caller, place.parent, &name, mode, New::File);
        };
        if exclusive {
            return Err(Errno::Exist);
        }
        let node = self.table.get(id)?;
        if (place.slash || how.contains(OpenFlags::DIRECTORY)) && !node.is_directory() {
            return Err(Errno::NotDirectory);
        }
        let truncate = how.contains(OpenFlags::TRUNCATE);
        let mut wanted = AccessMode::empty();
        wanted.set(AccessMode::READ, how.contains(OpenFlags::READ));
        wanted.set(AccessMode::WRITE, how.contains(OpenFlags::WRITE) || truncate);
        match &node.body {
            Body::Symlink(_) if !wanted.is_empty() => return Err(Errno::Loop),
            Body::Directory(_) if create || wanted.contains(AccessMode::WRITE) => {
                return Err(Errno::IsDirectory);
            }
            _ => {}
        }
        if wanted.contains(AccessMode::WRITE) && matches!(node.body, Body::File(_)) {
            self.check_not_read_only(node)?;
        }
        node.check_access(caller, wanted)?;
        if truncate && matches!(node.body, Body::File(_)) {
            self.set_size(caller, id, 0)?;
        }
        Ok(id)
    }

    /// Reads contents; and whether the access time is due for an update.
    pub(crate) fn read(
        &self,
        id: NodeId,
        offset: u64,
        buffer: &mut Vec<u8>,
        max: usize,
    ) -> Result<(usize, bool), Errno> {
        let node = self.table.get(id)?;
        match &node.body {
            Body::File(contents) => Ok((contents.read(offset, buffer, max)?, self.access_is_due(node))),
            Body::Directory(_) => Err(Errno::IsDirectory),
            _ => Err(Errno::NotSupported),
        }
    }

    /// Writes at `offset`, or at the end. Where the write ended.
    pub(crate) fn write(
        &mut self,
        caller: &Caller,
        id: NodeId,
        offset: Option<u64>,
        bytes: &[u8],
    ) -> Result<u64, Errno> {
        self.own(id)?;
        let Tree { table, account, keeper, .. } = self;
        let node = table.get_mut(id)?;
        let Body::File(contents) = &mut node.body else { return Err(Errno::NotSupported) };
        let offset = offset.unwrap_or(contents.size());
        if bytes.is_empty() {
            return Ok(offset);
        }
        let end = offset.checked_add(bytes.len() as u64).ok_or(Errno::FileTooLarge)?;
        account.check_size(end)?;
        account.check_bytes(contents.growth(offset, bytes.len()))?;
        let before = contents.stored();
        contents.write(offset, bytes, keeper.as_ref())?;
        account.rebook(before, contents.stored());
        node.touch_contents(caller);
        Ok(end)
    }

    /// Gives a file other contents. On an error it keeps what it has.
    pub(crate) fn replace(&mut self, caller: &Caller, id: NodeId, bytes: &[u8]) -> Result<(), Errno> {
        let Tree { table, account, keeper, .. } = self;
        let node = table.get_mut(id)?;
        let Body::File(contents) = &mut node.body else { return Err(Errno::NotSupported) };
        let length = bytes.len() as u64;
        account.check_size(length)?;
        account.check_bytes(length.saturating_sub(contents.stored()))?;
        let mut fresh = Contents::default();
        fresh.write(0, bytes, keeper.as_ref())?;
        account.rebook(contents.stored(), fresh.stored());
        *contents = fresh;
        node.touch_contents(caller);
        Ok(())
    }

    /// Gives `target` the contents of `source`, shared.
    pub(crate) fn share(&mut self, caller: &Caller, source: NodeId, target: NodeId) -> Result<(), Errno> {
        let Body::File(from) = &self.table.get(source)?.body else { return Err(Errno::Invalid) };
        let mut from = from.clone();
        let Tree { table, account, keeper, .. } = self;
        let node = table.get_mut(target)?;
        let Body::File(contents) = &mut node.body else { return Err(Errno::Invalid) };
        account.check_size(from.size())?;
        // A copy stays what it is when somebody else's file is changed.
        let lent = from.is_lent();
        let stored = if lent { from.size() } else { from.stored() };
        account.check_bytes(stored.saturating_sub(contents.stored()))?;
        if lent {
            from = from.owned(keeper.as_ref())?;
        }
        account.rebook(contents.stored(), from.stored());
        *contents = from;
        node.touch_contents(caller);
        Ok(())
    }

    /// `ftruncate(2)`.
    pub(crate) fn set_size(&mut self, caller: &Caller, id: NodeId, size: u64) -> Result<(), Errno> {
        if size > 0 {
            self.own(id)?;
        }
        let Tree { table, account, .. } = self;
        let node = table.get_mut(id)?;
        let contents = match &mut node.body {
            Body::File(contents) => contents,
            Body::Directory(_) => return Err(Errno::IsDirectory),
            _ => return Err(Errno::Invalid),
        };
        if size > contents.size() {
            account.check_size(size)?;
        }
        let before = contents.stored();
        contents.set_size(size)?;
        account.rebook(before, contents.stored());
        node.touch_contents(caller);
        Ok(())
    }

    /// `truncate(2)`.
    pub(crate) fn set_size_at(
        &mut self,
        caller: &Caller,
        base: NodeId,
        path: &str,
        size: u64,
    ) -> Result<(), Errno> {
        let id = self.lookup(caller, base, path, true)?;
        let node = self.table.get(id)?;
        match node.body {
            Body::Directory(_) => return Err(Errno::IsDirectory),
            Body::File(_) => {
                self.check_not_read_only(node)?;
                node.check_access(caller, AccessMode::WRITE)?;
            }
            _ => return Err(Errno::Invalid),
        }
        self.set_size(caller, id, size)
    }

    /// `fstat(2)`.
    pub(crate) fn stat(&self, id: NodeId) -> Result<Stat, Errno> {
        Ok(self.table.get(id)?.stat(self.device))
    }

    /// The entries of a directory, and whether its access time is due for an update.
    pub(crate) fn read_directory(&self, id: NodeId) -> Result<(Vec<Entry>, bool), Errno> {
        let node = self.table.get(id)?;
        let names = &node.directory()?.entries;
        let mut entries = Vec::new();
        entries.try_reserve_exact(names.len()).map_err(|_| Errno::NoMemory)?;
        for (name, id) in names {
            entries.push(Entry { name: String::from(&**name), stat: self.stat(*id)? });
        }
        Ok((entries, self.access_is_due(node)))
    }

    /// The mount that an inode is on, unless it is on the first filesystem.
    fn mount_of(&self, node: &Node) -> Option<&Mount> {
        self.mounts.get((node.mount as usize).checked_sub(1)?)
    }

    /// EROFS for what is on a filesystem that is read only.
    pub(crate) fn check_not_read_only(&self, node: &Node) -> Result<(), Errno> {
        if self.mount_of(node).is_some_and(|mount| mount.read_only) { Err(Errno::ReadOnly) } else { Ok(()) }
    }

    /// Whether a read moves the access time: as Linux's `relatime`, only when it
    /// is not later than the last change, so that readers can be told from
    /// non-readers and a loop of reads costs no writes.
    fn access_is_due(&self, node: &Node) -> bool {
        let due = node.accessed <= node.modified || node.accessed <= node.changed;
        due && self.check_not_read_only(node).is_ok()
    }

    /// Whether a filesystem of its own begins at this directory.
    pub(crate) fn is_mount(&self, id: NodeId) -> bool {
        self.table.get(id).ok().and_then(|node| self.mount_of(node)).is_some_and(|mount| mount.root == id)
    }

    /// Makes a directory, and what is below it, a filesystem of its own. Of one that is it already, sets whether it is
    /// read only.
    pub(crate) fn mount(&mut self, id: NodeId, read_only: bool) -> Result<(), Errno> {
        self.table.get(id)?.directory()?;
        if self.is_mount(id) {
            let place = self.table.get(id)?.mount as usize;
            if let Some(mount) = self.mounts.get_mut(place.saturating_sub(1)) {
                mount.read_only = read_only;
            }
            return Ok(());
        }
        if id == self.root {
            return Err(Errno::Busy);
        }
        self.mounts.push(Mount { root: id, read_only });
        let number = u32::try_from(self.mounts.len()).map_err(|_| Errno::NoSpace)?;
        let mut todo = vec![id];
        while let Some(below) = todo.pop() {
            if below != id && self.is_mount(below) {
                continue;
            }
            let node = self.table.get_mut(below)?;
            node.mount = number;
            if let Body::Directory(directory) = &node.body {
                todo.extend(directory.entries.values());
            }
        }
        Ok(())
    }

    /// Before a file is changed that somebody lends, it is copied whole: what is lent can be changed by others at any time,
    /// and no file is half of one state and half of another.
    fn own(&mut self, id: NodeId) -> Result<(), Errno> {
        let Tree { table, account, keeper, .. } = self;
        if let Body::File(contents) = &mut table.get_mut(id)?.body
            && contents.is_lent()
        {
            account.check_bytes(contents.size().saturating_sub(contents.stored()))?;
            let fresh = contents.owned(keeper.as_ref())?;
            account.rebook(contents.stored(), fresh.stored());
            *contents = fresh;
        }
        Ok(())
    }

    /// Gives a file contents that somebody lends.
    pub(crate) fn lend(
        &mut self,
        caller: &Caller,
        id: NodeId,
        lent: &Rc<Kept>,
        size: u64,
    ) -> Result<(), Errno> {
        let Tree { table, account, .. } = self;
        account.check_size(size)?;
        let node = table.get_mut(id)?;
        let Body::File(contents) = &mut node.body else { return Err(Errno::Invalid) };
        account.rebook(contents.stored(), 0);
        *contents = Contents::lent(lent, size);
        node.touch_contents(caller);
        Ok(())
    }

    /// `fchmod(2)`.
    pub(crate) fn set_mode(&mut self, caller: &Caller, id: NodeId, mode: u32) -> Result<(), Errno> {
        self.check_not_read_only(self.table.get(id)?)?;
        let node = self.table.get_mut(id)?;
        node.check_owner(caller)?;
        if matches!(node.body, Body::Symlink(_)) {
            return Err(Errno::NotSupported);
        }
        node.mode = mode & 0o7777;
        if !caller.is_root() && caller.gid != node.gid {
            node.mode &= !SET_GID;
        }
        node.changed = caller.now;
        Ok(())
    }

    /// `fchown(2)` with `_POSIX_CHOWN_RESTRICTED`.
    pub(crate) fn set_owner(
        &mut self,
        caller: &Caller,
        id: NodeId,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Result<(), Errno> {
        self.check_not_read_only(self.table.get(id)?)?;
        let node = self.table.get_mut(id)?;
        if !caller.is_root() {
            let owner = caller.uid == node.uid;
            let may_uid = uid.is_none_or(|uid| owner && uid == node.uid);
            let may_gid = gid.is_none_or(|gid| owner && (gid == caller.gid || gid == node.gid));
            // Set-id bits go even if nothing else changes, and only the owner may change a mode.
            if !(may_uid && may_gid) || (!owner && node.has_set_id()) {
                return Err(Errno::NotPermitted);
            }
        }
        node.uid = uid.unwrap_or(node.uid);
        node.gid = gid.unwrap_or(node.gid);
        node.drop_set_id();
        node.changed = caller.now;
        Ok(())
    }

    /// `futimens(2)`.
    pub(crate) fn set_times(
        &mut self,
        caller: &Caller,
        id: NodeId,
        accessed: NewTime,
        modified: NewTime,
    ) -> Result<(), Errno> {
        let valid = |time| !matches!(time, NewTime::At(at) if at.nanoseconds >= crate::Timestamp::NANOS);
        if !valid(accessed) || !valid(modified) {
            return Err(Errno::Invalid);
        }
        if (accessed, modified) == (NewTime::Keep, NewTime::Keep) {
            return Ok(());
        }
        self.check_not_read_only(self.table.get(id)?)?;
        let node = self.table.get_mut(id)?;
        if node.check_owner(caller).is_err() {
            // Who may write may say that it is used now, and nothing else.
            if (accessed, modified) != (NewTime::Now, NewTime::Now) {
                return Err(Errno::NotPermitted);
            }
            node.check_access(caller, AccessMode::WRITE)?;
        }
        let pick = |new, old| match new {
            NewTime::Keep => old,
            NewTime::Now => caller.now,
            NewTime::At(time) => time,
        };
        node.accessed = pick(accessed, node.accessed);
        node.modified = pick(modified, node.modified);
        node.changed = caller.now;
        Ok(())
    }
}
