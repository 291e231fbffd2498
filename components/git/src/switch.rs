//! From one tree to another in the index and the working tree, without losing what the user changed.

use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};

use crate::error::{Error, Result};
use crate::index::{FOLDER, Index};
use crate::session::Session;
use crate::tree::{self, Item};
use crate::worktree::{Files, Ignore};

/// The words for what would be lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Another branch is checked out.
    Checkout,
    /// A merge.
    Merge,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Verb::Checkout => "checkout",
            Verb::Merge => "merge",
        }
    }

    fn before(self) -> &'static str {
        match self {
            Verb::Checkout => "switch branches",
            Verb::Merge => "merge",
        }
    }
}

/// What a step from one tree to another does to files.
struct Plan {
    gone: Vec<BString>,
    written: Vec<(BString, Item)>,
}

fn check(
    session: &Session<'_>,
    index: &Index,
    old: &BTreeMap<BString, Item>,
    new: &BTreeMap<BString, Item>,
    verb: Verb,
) -> Result<Plan> {
    let mut plan = Plan { gone: Vec::new(), written: Vec::new() };
    let (mut changed, mut untracked, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    let mut files = Files::new(session, index)?;
    let mut rules = Ignore::new(session, index)?;
    let paths: BTreeSet<&BString> = old.keys().chain(new.keys()).collect();
    for path in paths {
        let (before, after) = (old.get(path).copied(), new.get(path).copied());
        if before == after {
            continue;
        }
        let entry = index.get(path.as_bstr()).cloned();
        let now = entry.as_ref().map(|entry| Item { mode: entry.mode, id: entry.id });
        if now == after {
            continue;
        }
        if now != before {
            changed.push(path.clone());
            continue;
        }
        match (&entry, after) {
            (Some(entry), after) => {
                match files.compare(index, path.as_bstr(), entry)? {
                    // A file that is gone already may go, or come back.
                    None | Some(None) => {}
                    Some(found) if found == after => {}
                    Some(_) => {
                        changed.push(path.clone());
                        continue;
                    }
                }
                match after {
                    Some(item) => plan.written.push((path.clone(), item)),
                    None => plan.gone.push(path.clone()),
                }
            }
            (None, Some(item)) => {
                let mode = files.mode(path.as_bstr(), Some(item.mode));
                if mode == Some(FOLDER) {
                    // What is tracked there goes; anything else would be lost.
                    let empty = std::fs::read_dir(files.at(path.as_bstr()))
                        .is_ok_and(|mut list| list.next().is_none());
                    if !empty && !index.has_below(path.as_bstr()) {
                        untracked.push(path.clone());
                        continue;
                    }
                } else if let Some(mode) = mode {
                    let same = mode == item.mode && files.hash(path.as_bstr(), mode)? == item.id;
                    if !same && rules.excluded_part(path.as_bstr(), false)?.is_none() {
                        untracked.push(path.clone());
                        continue;
                    }
                }
                plan.written.push((path.clone(), item));
            }
            (None, None) => removed.push(path.clone()),
        }
    }
    let list = |paths: &[BString]| paths.iter().map(|path| format!("\t{path}\n")).collect::<String>();
    let mut text = String::new();
    if !changed.is_empty() {
        text.push_str(&format!(
            "error: Your local changes to the following files would be overwritten by {}:\n{}\
             Please commit your changes or stash them before you {}.\n",
            verb.name(),
            list(&changed),
            verb.before()
        ));
    }
    if !untracked.is_empty() {
        text.push_str(&format!(
            "error: The following untracked working tree files would be overwritten by {}:\n{}\
             Please move or remove them before you {}.\n",
            verb.name(),
            list(&untracked),
            verb.before()
        ));
    }
    if !text.is_empty() {
        text.push_str("Aborting\n");
        return Err(Error::Text(text, 1));
    }
    Ok(plan)
}

/// Goes from one tree to another; what differs in index and files between them stays where neither tree cares.
pub fn two_way(
    session: &Session<'_>,
    index: &mut Index,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    verb: Verb,
) -> Result {
    let old = tree::flatten(session, old)?;
    let new = tree::flatten(session, new)?;
    let plan = check(session, index, &old, &new, verb)?;
    apply(session, index, plan)
}

fn apply(session: &Session<'_>, index: &mut Index, plan: Plan) -> Result {
    let mut files = Files::new(session, index)?;
    for path in &plan.gone {
        files.delete(path.as_bstr())?;
        index.remove(path.as_bstr());
    }
    for (path, item) in &plan.written {
        let stat = files.put(path.as_bstr(), *item)?;
        index.set(path.as_bstr(), item.mode, item.id, stat);
    }
    Ok(())
}

/// Makes index and files what a tree says, whatever they are.
pub fn force(session: &Session<'_>, index: &mut Index, tree: Option<ObjectId>) -> Result {
    let new = tree::flatten(session, tree)?;
    let mut files = Files::new(session, index)?;
    let tracked: BTreeSet<BString> = index.entries.keys().map(|(path, _)| path.clone()).collect();
    for path in tracked.iter().filter(|path| !new.contains_key(*path)) {
        if files.mode(path.as_bstr(), None).is_some_and(|mode| mode != FOLDER) {
            files.delete(path.as_bstr())?;
        }
        index.remove(path.as_bstr());
    }
    for (path, item) in &new {
        let entry = index.get(path.as_bstr()).cloned();
        if let Some(entry) = entry
            && entry.id == item.id
            && entry.mode == item.mode
            && files.compare(index, path.as_bstr(), &entry)?.is_none()
        {
            continue;
        }
        let stat = files.put(path.as_bstr(), *item)?;
        index.set(path.as_bstr(), item.mode, item.id, stat);
    }
    Ok(())
}

/// Makes the index what a tree says, and leaves files alone. What is known about files that stay the same is kept.
pub fn index_only(session: &Session<'_>, index: &mut Index, tree: Option<ObjectId>) -> Result {
    let new = tree::flatten(session, tree)?;
    let old = std::mem::take(&mut index.entries);
    for (path, item) in &new {
        let known =
            old.get(&(path.clone(), 0)).filter(|entry| entry.id == item.id && entry.mode == item.mode);
        index.set(path.as_bstr(), item.mode, item.id, known.map(|entry| entry.stat));
    }
    Ok(())
}
