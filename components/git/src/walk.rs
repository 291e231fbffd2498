//! Revisions on the command line, and the walk over the commits they mean.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};

use crate::commit::Commit;
use crate::error::{Result, fatal};
use crate::pathspec::Pathspec;
use crate::session::Session;
use crate::tree;

/// Where a walk starts, and what it leaves out.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// Commits that are in, with everything they come from.
    pub tips: Vec<ObjectId>,
    /// Commits that are out, with everything they come from.
    pub hidden: Vec<ObjectId>,
    /// Both sides of `A...B`.
    pub symmetric: Option<(ObjectId, ObjectId)>,
}

impl Range {
    /// Takes an argument that may be a revision; tells whether it was one.
    pub fn take(&mut self, session: &Session<'_>, text: &BStr) -> Result<bool> {
        if let Some(at) = text.find(b"...") {
            let (Some(one), Some(other)) = (side(session, &text[..at]), side(session, &text[at + 3..]))
            else {
                return Ok(false);
            };
            self.tips.extend([one, other]);
            self.hidden.extend(bases(session, one, other)?);
            self.symmetric = Some((one, other));
            return Ok(true);
        }
        if let Some(at) = text.find(b"..") {
            let (Some(one), Some(other)) = (side(session, &text[..at]), side(session, &text[at + 2..]))
            else {
                return Ok(false);
            };
            self.hidden.push(one);
            self.tips.push(other);
            return Ok(true);
        }
        if let Some(negative) = text.strip_prefix(b"^") {
            let Some(id) = session.try_commit(negative.as_bstr()) else { return Ok(false) };
            self.hidden.push(id);
            return Ok(true);
        }
        if let Some(base) = text.strip_suffix(b"^@").or_else(|| text.strip_suffix(b"^!"))
            && let Some(id) = session.try_commit(base.as_bstr())
        {
            let parents = Commit::read(session, id)?.parents;
            if text.ends_with(b"!") {
                self.tips.push(id);
                self.hidden.extend(parents);
            } else {
                self.tips.extend(parents);
            }
            return Ok(true);
        }
        match session.try_commit(text) {
            Some(id) => {
                self.tips.push(id);
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

fn side(session: &Session<'_>, text: &[u8]) -> Option<ObjectId> {
    if text.is_empty() { session.head() } else { session.try_commit(text.as_bstr()) }
}

/// The best common ancestors of two commits.
pub fn bases(session: &Session<'_>, one: ObjectId, other: ObjectId) -> Result<Vec<ObjectId>> {
    if one == other {
        return Ok(vec![one]);
    }
    let found = session.repo.merge_bases_many(one, &[other]).map_err(crate::error::library)?;
    Ok(found.into_iter().map(gix::Id::detach).collect())
}

/// Whether a commit is among what another one comes from.
pub fn is_ancestor(session: &Session<'_>, old: ObjectId, new: ObjectId) -> Result<bool> {
    Ok(old == new || bases(session, old, new)?.contains(&old))
}

/// In which order commits come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Date,
    /// No parent before its children, lines of history together.
    Topo,
    /// No parent before its children, else the newest first.
    DateTopo,
}

/// A walk.
#[derive(Clone, Default)]
pub struct Walk {
    /// From where, without what.
    pub range: Range,
    /// Whether only first parents are followed.
    pub first_parent: bool,
    /// The order.
    pub order: Order,
    /// Which files the commits must touch.
    pub paths: Pathspec,
}

/// Everything that commits come from, themselves too.
pub fn ancestors(session: &Session<'_>, from: &[ObjectId]) -> Result<HashSet<ObjectId>> {
    let mut seen: HashSet<ObjectId> = HashSet::new();
    let mut waiting: Vec<ObjectId> = from.to_vec();
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            waiting.extend(Commit::read(session, id)?.parents);
        }
    }
    Ok(seen)
}

impl Walk {
    /// Calls `visit` with each commit until it returns false.
    pub fn run(&self, session: &Session<'_>, visit: &mut dyn FnMut(&Commit) -> Result<bool>) -> Result {
        if self.order == Order::Date {
            return self.by_date(session, visit);
        }
        let mut list = Vec::new();
        self.by_date(session, &mut |commit| {
            list.push(commit.clone());
            Ok(true)
        })?;
        for commit in sort(list, self.order) {
            if !visit(&commit)? {
                break;
            }
        }
        Ok(())
    }

    fn by_date(&self, session: &Session<'_>, visit: &mut dyn FnMut(&Commit) -> Result<bool>) -> Result {
        let hidden = ancestors(session, &self.range.hidden)?;
        let mut seen: HashSet<ObjectId> = HashSet::new();
        let mut queue = BinaryHeap::new();
        let mut waiting: HashMap<ObjectId, Commit> = HashMap::new();
        let mut number = 0_usize;
        let mut enter =
            |id: ObjectId, queue: &mut BinaryHeap<_>, waiting: &mut HashMap<ObjectId, Commit>| -> Result {
                if !hidden.contains(&id) && seen.insert(id) {
                    let commit = Commit::read(session, id)?;
                    number += 1;
                    queue.push((commit.committer.time.seconds, Reverse(number), id));
                    waiting.insert(id, commit);
                }
                Ok(())
            };
        for tip in &self.range.tips {
            enter(*tip, &mut queue, &mut waiting)?;
        }
        while let Some((_, _, id)) = queue.pop() {
            let Some(commit) = waiting.remove(&id) else { continue };
            let parents = if self.first_parent {
                &commit.parents[..commit.parents.len().min(1)]
            } else {
                &commit.parents[..]
            };
            let (shown, follow) = self.simplify(session, &commit, parents)?;
            for parent in &follow {
                enter(*parent, &mut queue, &mut waiting)?;
            }
            if shown {
                let mut commit = commit;
                if self.order != Order::Date && !self.paths.is_empty() {
                    commit.parents.clone_from(&follow);
                }
                if !visit(&commit)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether a commit touches the paths, and which of its parents still matter.
    fn simplify(
        &self,
        session: &Session<'_>,
        commit: &Commit,
        parents: &[ObjectId],
    ) -> Result<(bool, Vec<ObjectId>)> {
        if self.paths.is_empty() {
            return Ok((true, parents.to_vec()));
        }
        if parents.is_empty() {
            return Ok((self.differ(session, None, commit.tree)?, Vec::new()));
        }
        for parent in parents {
            if !self.differ(session, Some(session.tree_of(*parent)?), commit.tree)? {
                return Ok((false, vec![*parent]));
            }
        }
        Ok((true, parents.to_vec()))
    }

    fn differ(&self, session: &Session<'_>, old: Option<ObjectId>, new: ObjectId) -> Result<bool> {
        let found = tree::diff(session, old, Some(new), &mut |path| self.paths.may_match(path))?;
        Ok(!found.is_empty())
    }
}

/// Puts children before parents.
pub fn sort(list: Vec<Commit>, order: Order) -> Vec<Commit> {
    let mut children: HashMap<ObjectId, usize> = list.iter().map(|commit| (commit.id, 0)).collect();
    for commit in &list {
        for parent in &commit.parents {
            if let Some(count) = children.get_mut(parent) {
                *count += 1;
            }
        }
    }
    let mut stack: Vec<ObjectId> = Vec::new();
    let mut heap: BinaryHeap<(i64, Reverse<usize>, ObjectId)> = BinaryHeap::new();
    let mut number = 0;
    let ready: Vec<(i64, ObjectId)> = list
        .iter()
        .filter(|commit| children.get(&commit.id) == Some(&0))
        .map(|commit| (commit.committer.time.seconds, commit.id))
        .collect();
    for (time, id) in &ready {
        number += 1;
        heap.push((*time, Reverse(number), *id));
    }
    stack.extend(ready.iter().rev().map(|(_, id)| *id));
    let mut by_id: HashMap<ObjectId, Commit> = list.into_iter().map(|commit| (commit.id, commit)).collect();
    let mut sorted = Vec::new();
    loop {
        let next = if order == Order::Topo { stack.pop() } else { heap.pop().map(|(_, _, id)| id) };
        let Some(commit) = next.and_then(|id| by_id.remove(&id)) else { break };
        for parent in &commit.parents {
            let Some(count) = children.get_mut(parent) else { continue };
            *count -= 1;
            if *count == 0 {
                let time = by_id.get(parent).map_or(0, |parent| parent.committer.time.seconds);
                number += 1;
                heap.push((time, Reverse(number), *parent));
                stack.push(*parent);
            }
        }
        sorted.push(commit);
    }
    sorted
}

/// Takes revisions and paths apart, as `log` and `diff` do: `--` or the first that is no revision ends the revisions.
pub fn revisions(
    session: &Session<'_>,
    arguments: &[BString],
    separator: Option<usize>,
    take: &mut dyn FnMut(&BStr) -> Result<bool>,
) -> Result<Vec<BString>> {
    if let Some(at) = separator {
        for name in &arguments[..at] {
            if !take(name.as_bstr())? {
                return Err(fatal!("bad revision '{name}'"));
            }
        }
        return Ok(arguments[at..].to_vec());
    }
    let mut rest: VecDeque<BString> = arguments.iter().cloned().collect();
    while let Some(name) = rest.front() {
        let exists = || {
            session
                .inside(name.as_bstr())
                .ok()
                .and_then(|path| session.file(path.as_bstr()).ok())
                .is_some_and(|file| std::fs::symlink_metadata(file).is_ok())
        };
        if take(name.as_bstr())? {
            if !name.contains(&b'.') && !name.contains(&b'^') && session.repo.workdir().is_some() && exists()
            {
                return Err(fatal!(
                    "ambiguous argument '{name}': both revision and filename\n\
                     Use '--' to separate paths from revisions, like this:\n\
                     'git <command> [<revision>...] -- [<file>...]'"
                ));
            }
            rest.pop_front();
            continue;
        }
        break;
    }
    for name in &rest {
        check_path(session, name.as_bstr(), rest.front() == Some(name))?;
    }
    Ok(rest.into())
}

/// An argument that is no revision must be a path that exists, or a pattern.
fn check_path(session: &Session<'_>, name: &BStr, first: bool) -> Result {
    if name.starts_with(b":") || name.find_byteset(b"*?[").is_some() {
        return Ok(());
    }
    let path = session.inside(name)?;
    if session.repo.workdir().is_some() && std::fs::symlink_metadata(session.file(path.as_bstr())?).is_ok() {
        return Ok(());
    }
    let _ = first;
    Err(fatal!(
        "ambiguous argument '{name}': unknown revision or path not in the working tree.\n\
         Use '--' to separate paths from revisions, like this:\n\
         'git <command> [<revision>...] -- [<file>...]'"
    ))
}
