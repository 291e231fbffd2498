//! Path resolution (POSIX XBD 4.13), done one component at a time.

use std::rc::Rc;

use crate::node::{Body, Caller, Node, NodeId};
use crate::tree::Tree;
use crate::{AccessMode, Errno, NAME_MAX, PATH_MAX, SYMLOOP_MAX};

/// What the last component of a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Last {
    /// An ordinary name.
    Name(Rc<str>),
    /// `.`.
    Dot,
    /// `..`.
    DotDot,
    /// No component at all: `/`.
    Root,
    /// A name longer than `NAME_MAX`: an error once it is looked up, which
    /// `rename(2)` does with both names after it has found both directories.
    TooLong,
}

/// Where a path leads.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The directory that holds the last component. Of `.`, `..` and `/`, the
    /// directory they were looked up in.
    pub(crate) parent: NodeId,
    pub(crate) last: Last,
    /// What is there, if anything.
    pub(crate) node: Option<NodeId>,
    /// The path ends with a slash: it asks for a directory.
    pub(crate) slash: bool,
}

impl Place {
    /// What is there, or ENOENT.
    pub(crate) fn existing(&self) -> Result<NodeId, Errno> {
        self.node.ok_or(self.missing())
    }

    /// What to say when nothing is there.
    pub(crate) fn missing(&self) -> Errno {
        if self.last == Last::TooLong { Errno::NameTooLong } else { Errno::NoEntry }
    }

    /// The name of an ordinary last component.
    pub(crate) fn name(&self) -> Option<&Rc<str>> {
        match &self.last {
            Last::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// What happens with a symbolic link in the last component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// It is followed.
    Yes,
    /// Only when a slash follows it.
    No,
    /// Never, not even before a slash: it is a name to be made, moved or removed.
    Never,
    /// It is followed, also to where nothing is yet (`O_CREAT`). A slash would
    /// ask for a directory, which `open(2)` does not make: EISDIR.
    Create,
    /// It is not followed, since it exists (`O_CREAT | O_EXCL`); a slash as before.
    CreateNew,
}

/// A path, or the target of a link, and how far it has been read.
enum Text<'a> {
    Given(&'a str),
    Target(Rc<str>),
}

impl Text<'_> {
    fn as_str(&self) -> &str {
        match self {
            Text::Given(text) => text,
            Text::Target(text) => text,
        }
    }
}

/// What is left to be walked: the path, and above it the targets of the links
/// met on the way.
struct Walk<'a> {
    stack: Vec<(Text<'a>, usize)>,
}

/// One component, and whether it is the last, and whether slashes follow it.
struct Component {
    name: ComponentName,
    last: bool,
    slash: bool,
}

enum ComponentName {
    Dot,
    DotDot,
    /// Depth in the stack and range of the text.
    Name(usize, std::ops::Range<usize>),
}

impl Walk<'_> {
    fn next(&mut self) -> Option<Component> {
        while let Some(depth) = self.stack.len().checked_sub(1) {
            let (text, at) = self.stack.last_mut()?;
            let bytes = text.as_str().as_bytes();
            let start = skip_slashes(bytes, *at);
            let length = bytes.get(start..)?.iter().take_while(|b| **b != b'/').count();
            if length == 0 {
                self.stack.pop();
                continue;
            }
            let end = start + length;
            let after = skip_slashes(bytes, end);
            *at = after;
            let done = after == bytes.len();
            let slash_here = after > end;
            let name = match bytes.get(start..end)? {
                b"." => ComponentName::Dot,
                b".." => ComponentName::DotDot,
                _ => ComponentName::Name(depth, start..end),
            };
            let exhausted = self.stack.iter().rev().skip(1).all(|(text, at)| *at == text.as_str().len());
            return Some(Component { name, last: done && exhausted, slash: slash_here });
        }
        None
    }

    fn name(&self, depth: usize, range: &std::ops::Range<usize>) -> &str {
        self.stack.get(depth).and_then(|(text, _)| text.as_str().get(range.clone())).unwrap_or_default()
    }
}

fn skip_slashes(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&b'/') {
        at += 1;
    }
    at
}

impl Tree {
    /// Walks `path`, from `base` unless it begins with a slash. The last
    /// component may be missing; every other must be a directory that the
    /// caller may search.
    pub(crate) fn resolve(
        &self,
        caller: &Caller,
        base: NodeId,
        path: &str,
        follow: Follow,
    ) -> Result<Place, Errno> {
        if path.is_empty() {
            return Err(Errno::NoEntry);
        }
        if path.len() >= PATH_MAX {
            return Err(Errno::NameTooLong);
        }
        if path.as_bytes().contains(&0) {
            return Err(Errno::Invalid);
        }
        let mut here = if path.starts_with('/') { self.root } else { base };
        let mut walk = Walk { stack: vec![(Text::Given(path), 0)] };
        // The slash after a link counts for what the link leads to.
        let mut slash = false;
        let mut links = 0;
        let mut place = Place { parent: here, last: Last::Root, node: Some(here), slash: true };
        while let Some(component) = walk.next() {
            let node = self.table.get(here)?;
            let directory = node.directory()?;
            node.check_access(caller, AccessMode::EXECUTE)?;
            slash |= component.last && component.slash;
            let (last, next) = match &component.name {
                ComponentName::Dot => (Last::Dot, Some(here)),
                ComponentName::DotDot => (Last::DotDot, Some(directory.parent)),
                ComponentName::Name(depth, range) => {
                    if component.last && slash && matches!(follow, Follow::Create | Follow::CreateNew) {
                        return Err(Errno::IsDirectory);
                    }
                    let name = walk.name(*depth, range);
                    match directory.entries.get_key_value(name) {
                        None if name.len() > NAME_MAX && component.last => (Last::TooLong, None),
                        None if name.len() > NAME_MAX => return Err(Errno::NameTooLong),
                        Some((name, id)) => (Last::Name(name.clone()), Some(*id)),
                        None if component.last => (Last::Name(name.into()), None),
                        None => return Err(Errno::NoEntry),
                    }
                }
            };
            if let Some(id) = next
                && let Body::Symlink(target) = &self.table.get(id)?.body
                && (!component.last
                    || matches!(follow, Follow::Yes | Follow::Create)
                    || (follow == Follow::No && slash))
            {
                links += 1;
                if links > SYMLOOP_MAX {
                    return Err(Errno::Loop);
                }
                if target.starts_with('/') {
                    here = self.root;
                }
                place = Place { parent: here, last: Last::Root, node: Some(here), slash: true };
                walk.stack.push((Text::Target(target.clone()), 0));
                continue;
            }
            place = Place { parent: here, last, node: next, slash };
            match next {
                Some(id) if !component.last => here = id,
                _ => break,
            }
        }
        Ok(place)
    }

    /// What a path leads to. Behind a slash it must be a directory.
    pub(crate) fn lookup(
        &self,
        caller: &Caller,
        base: NodeId,
        path: &str,
        follow: bool,
    ) -> Result<NodeId, Errno> {
        let place = self.resolve(caller, base, path, if follow { Follow::Yes } else { Follow::No })?;
        let id = place.existing()?;
        if place.slash && !self.table.get(id)?.is_directory() {
            return Err(Errno::NotDirectory);
        }
        Ok(id)
    }

    /// The path of a directory; `None` when it is removed.
    pub(crate) fn directory_path(&self, mut id: NodeId) -> Option<String> {
        let mut names: Vec<Rc<str>> = Vec::new();
        while id != self.root {
            let node = self.table.get(id).ok()?;
            if node.links == 0 {
                return None;
            }
            let (parent, name) = node.hint.clone()?;
            names.push(name);
            id = parent;
        }
        if names.is_empty() {
            return Some("/".to_owned());
        }
        let mut path = String::with_capacity(names.iter().map(|name| name.len() + 1).sum());
        for name in names.iter().rev() {
            path.push('/');
            path.push_str(name);
        }
        Some(path)
    }

    /// A path of any inode. The latest name is tried first; only after it was
    /// removed does another hard link have to be searched for.
    pub(crate) fn path_of(&self, id: NodeId) -> Option<String> {
        let node = self.table.get(id).ok()?;
        if node.is_directory() {
            return self.directory_path(id);
        }
        if node.links == 0 {
            return None;
        }
        let named = |parent: NodeId, name: &str| {
            let directory = self.table.get(parent).ok()?.directory().ok()?;
            (directory.entries.get(name) == Some(&id)).then(|| self.directory_path(parent)).flatten()
        };
        let (parent, name) = match node.hint.as_ref().and_then(|(p, n)| Some((named(*p, n)?, n.clone()))) {
            Some(found) => found,
            None => self.table.iter().find_map(|(parent, node)| {
                let (name, _) = node.directory().ok()?.entries.iter().find(|(_, entry)| **entry == id)?;
                Some((self.directory_path(parent)?, name.clone()))
            })?,
        };
        Some(if parent == "/" { format!("/{name}") } else { format!("{parent}/{name}") })
    }

    /// Whether `ancestor` is `id` or a directory above it.
    pub(crate) fn is_above(&self, ancestor: NodeId, mut id: NodeId) -> Result<bool, Errno> {
        loop {
            if id == ancestor {
                return Ok(true);
            }
            let parent = self.table.get(id)?.directory()?.parent;
            if parent == id {
                return Ok(false);
            }
            id = parent;
        }
    }

    /// Whether a name can be made in the directory: it exists, and the caller may write to it.
    pub(crate) fn check_may_create<'n>(&self, caller: &Caller, parent: &'n Node) -> Result<&'n Node, Errno> {
        if parent.links == 0 {
            return Err(Errno::NoEntry);
        }
        self.check_not_read_only(parent)?;
        parent.check_access(caller, AccessMode::WRITE | AccessMode::EXECUTE)?;
        Ok(parent)
    }
}
