//! Trees: flattened, compared, written from the index.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::objs::{Kind, TreeRefIter};

use crate::error::{Result, fatal};
use crate::index::{FOLDER, Index};
use crate::session::Session;

/// What a tree has at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The mode.
    pub mode: u32,
    /// The content.
    pub id: ObjectId,
}

/// One difference between two trees, the index or the working tree.
#[derive(Clone, Debug)]
pub struct Change {
    /// The path on the old side, which only a rename has apart.
    pub old_path: BString,
    /// The path.
    pub path: BString,
    /// What was there.
    pub old: Option<Item>,
    /// What is there now.
    pub new: Option<Item>,
    /// Whether the new side is a file of the working tree and not an object.
    pub worktree: bool,
    /// The likeness of a rename or copy, in percent.
    pub score: Option<u8>,
    /// Whether the path is in conflict.
    pub unmerged: bool,
}

impl Change {
    /// A change at one path.
    pub fn new(path: BString, old: Option<Item>, new: Option<Item>) -> Self {
        Change { old_path: path.clone(), path, old, new, worktree: false, score: None, unmerged: false }
    }

    /// git's letter for it.
    pub fn letter(&self) -> char {
        match (&self.old, &self.new) {
            _ if self.unmerged => 'U',
            _ if self.score.is_some() => 'R',
            (None, _) => 'A',
            (_, None) => 'D',
            (Some(old), Some(new)) if old.mode & 0o170_000 != new.mode & 0o170_000 => 'T',
            _ => 'M',
        }
    }
}

/// The entries of one tree, in its order.
pub fn entries(session: &Session<'_>, id: ObjectId) -> Result<Vec<(BString, Item)>> {
    if id == ObjectId::empty_tree(session.repo.object_hash()) {
        return Ok(Vec::new());
    }
    let (kind, data) = session.read(id)?;
    if kind != Kind::Tree {
        return Err(fatal!("not a tree object"));
    }
    let mut found = Vec::new();
    for entry in TreeRefIter::from_bytes(&data, session.repo.object_hash()) {
        let entry = entry.map_err(|_| fatal!("corrupt tree {id}"))?;
        let item = Item { mode: u32::from(entry.mode.value()), id: entry.oid.to_owned() };
        found.push((entry.filename.to_owned(), item));
    }
    Ok(found)
}

fn join(prefix: &BStr, name: &BStr) -> BString {
    let mut path = prefix.to_owned();
    path.push_str(name);
    path
}

/// Every file of a tree by its path.
pub fn flatten(session: &Session<'_>, id: Option<ObjectId>) -> Result<BTreeMap<BString, Item>> {
    let mut found = BTreeMap::new();
    let mut waiting: Vec<(BString, ObjectId)> = id.map(|id| (BString::default(), id)).into_iter().collect();
    while let Some((prefix, id)) = waiting.pop() {
        for (name, item) in entries(session, id)? {
            let mut path = join(prefix.as_bstr(), name.as_bstr());
            if item.mode == FOLDER {
                path.push_byte(b'/');
                waiting.push((path, item.id));
            } else {
                found.insert(path, item);
            }
        }
    }
    Ok(found)
}

/// What a tree has at a path.
pub fn lookup(session: &Session<'_>, tree: ObjectId, path: &BStr) -> Result<Option<Item>> {
    let mut item = Item { mode: FOLDER, id: tree };
    for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        if item.mode != FOLDER {
            return Ok(None);
        }
        match entries(session, item.id)?.into_iter().find(|(name, _)| name == part) {
            Some((_, found)) => item = found,
            None => return Ok(None),
        }
    }
    Ok(Some(item))
}

/// The differences between two trees, in the order of paths. `wanted` sees each folder (with a slash at its end) and file.
pub fn diff(
    session: &Session<'_>,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    wanted: &mut dyn FnMut(&BStr) -> bool,
) -> Result<Vec<Change>> {
    let mut found = Vec::new();
    let mut waiting = vec![(BString::default(), old, new)];
    while let Some((prefix, old, new)) = waiting.pop() {
        if old == new {
            continue;
        }
        let mut names: BTreeMap<BString, (Option<Item>, Option<Item>)> = BTreeMap::new();
        if let Some(old) = old {
            for (name, item) in entries(session, old)? {
                names.entry(name).or_default().0 = Some(item);
            }
        }
        if let Some(new) = new {
            for (name, item) in entries(session, new)? {
                names.entry(name).or_default().1 = Some(item);
            }
        }
        for (name, (old, new)) in names {
            if old == new {
                continue;
            }
            let path = join(prefix.as_bstr(), name.as_bstr());
            let is_folder = |item: &Option<Item>| item.is_some_and(|item| item.mode == FOLDER);
            let (old_folder, new_folder) = (is_folder(&old), is_folder(&new));
            if old_folder || new_folder {
                let mut below = path.clone();
                below.push_byte(b'/');
                if wanted(below.as_bstr()) {
                    let folder = |item: Option<Item>, is: bool| item.filter(|_| is).map(|item| item.id);
                    waiting.push((below, folder(old, old_folder), folder(new, new_folder)));
                }
            }
            let old = old.filter(|_| !old_folder);
            let new = new.filter(|_| !new_folder);
            if (old.is_some() || new.is_some()) && wanted(path.as_bstr()) {
                found.push(Change::new(path, old, new));
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Writes the trees that the index describes.
pub fn write(session: &Session<'_>, index: &Index) -> Result<ObjectId> {
    if let Some((path, _)) = index.entries.keys().find(|(_, stage)| *stage > 0) {
        return Err(fatal!(
            "{path}: unmerged ({})\nfatal: git-write-tree: error building trees",
            ObjectId::null(session.repo.object_hash())
        ));
    }
    let files = index
        .entries
        .iter()
        .map(|((path, _), entry)| (path.as_bstr(), Item { mode: entry.mode, id: entry.id }));
    write_files(session, files)
}

/// Writes the trees for files that come in the order of their paths.
pub fn write_files<'a>(
    session: &Session<'_>,
    files: impl Iterator<Item = (&'a BStr, Item)>,
) -> Result<ObjectId> {
    // The folders that are open, each with the bytes of its tree so far.
    let mut open: Vec<(BString, Vec<u8>)> = vec![(BString::default(), Vec::new())];
    for (path, item) in files {
        let (folder, name) = match path.rfind_byte(b'/') {
            Some(at) => (&path[..=at], &path[at + 1..]),
            None => (&path[..0], path),
        };
        while open.last().is_some_and(|(top, _)| !folder.starts_with(top)) {
            close(session, &mut open)?;
        }
        let mut at = open.last().map_or(0, |(top, _)| top.len());
        while let Some(next) = folder.get(at..).and_then(|rest| rest.find_byte(b'/')) {
            at += next + 1;
            open.push((BString::from(&folder[..at]), Vec::new()));
        }
        if let Some((_, bytes)) = open.last_mut() {
            push(bytes, item, name);
        }
    }
    while open.len() > 1 {
        close(session, &mut open)?;
    }
    let bytes = open.pop().map(|(_, bytes)| bytes).unwrap_or_default();
    session.write(Kind::Tree, &bytes)
}

fn push(bytes: &mut Vec<u8>, item: Item, name: &[u8]) {
    bytes.extend_from_slice(format!("{:o} ", item.mode).as_bytes());
    bytes.extend_from_slice(name);
    bytes.push(0);
    bytes.extend_from_slice(item.id.as_slice());
}

fn close(session: &Session<'_>, open: &mut Vec<(BString, Vec<u8>)>) -> Result {
    let Some((path, bytes)) = open.pop() else { return Ok(()) };
    let id = session.write(Kind::Tree, &bytes)?;
    if let Some((above, bytes)) = open.last_mut() {
        let name = path.get(above.len()..path.len().saturating_sub(1)).unwrap_or_default();
        push(bytes, Item { mode: FOLDER, id }, name);
    }
    Ok(())
}
