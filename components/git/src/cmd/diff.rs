//! `git diff`.

use std::collections::VecDeque;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::Kind;

use crate::diff::options::{Options, invalid};
use crate::diff::{self, Contents};
use crate::error::{Error, Result, fatal};
use crate::pathspec::Pathspec;
use crate::session::{Globals, Session};
use crate::status::staged;
use crate::tree::{self, Change, Item};
use crate::walk::{Range, bases, revisions};
use crate::worktree::Files;

/// A tree by a revision's name, or a blob.
fn endpoint(session: &Session<'_>, name: &BStr) -> Option<(ObjectId, Kind)> {
    let id = session.try_object(name)?;
    let object = session.repo.find_object(id).ok()?;
    if object.kind == Kind::Blob {
        return Some((id, Kind::Blob));
    }
    Some((object.peel_to_kind(Kind::Tree).ok()?.id, Kind::Tree))
}

/// `git diff`.
pub fn diff(globals: &Globals, arguments: &[BString]) -> Result {
    let Some(session) = globals.discover()? else {
        return no_index_alone(globals, arguments);
    };
    let session = &session;
    let mut options = Options::new(session);
    let mut cached = false;
    let mut merge_base = false;
    let mut no_index = false;
    let mut rest: Vec<BString> = Vec::new();
    let mut separator = None;
    let mut waiting: VecDeque<BString> = arguments.iter().cloned().collect();
    while let Some(argument) = waiting.pop_front() {
        match argument.as_bytes() {
            b"--" => {
                separator = Some(rest.len());
                rest.extend(waiting.drain(..));
            }
            b"--cached" | b"--staged" => cached = true,
            b"--merge-base" => merge_base = true,
            b"--no-index" => no_index = true,
            b"-q" => options.quiet = true,
            text if text.starts_with(b"-") && text.len() > 1 => {
                if !options.take(argument.as_bstr(), &mut || waiting.pop_front())? {
                    return Err(invalid(argument.as_bstr()));
                }
            }
            _ => rest.push(argument),
        }
    }
    if !options.any_form() {
        options.patch = true;
    }
    if no_index {
        return compare_files(session, &rest, options);
    }
    let mut ends: Vec<(ObjectId, Kind, BString)> = Vec::new();
    let paths = revisions(session, &rest, separator, &mut |name| {
        if let Some(at) = name.find(b"...") {
            let mut range = Range::default();
            if !range.take(session, name)? {
                return Ok(false);
            }
            let _ = at;
            let Some((one, other)) = range.symmetric else { return Ok(false) };
            let base = bases(session, one, other)?
                .first()
                .copied()
                .ok_or_else(|| fatal!("{name}: no merge base"))?;
            ends.push((session.tree_of(base)?, Kind::Tree, name.to_owned()));
            ends.push((session.tree_of(other)?, Kind::Tree, name.to_owned()));
            return Ok(true);
        }
        if let Some(at) = name.find(b"..")
            && !name.starts_with(b"../")
        {
            let side = |text: &[u8]| {
                endpoint(session, if text.is_empty() { b"HEAD".as_bstr() } else { text.as_bstr() })
            };
            let (Some(one), Some(other)) = (side(&name[..at]), side(&name[at + 2..])) else {
                return Ok(false);
            };
            ends.push((one.0, one.1, name.to_owned()));
            ends.push((other.0, other.1, name.to_owned()));
            return Ok(true);
        }
        match endpoint(session, name) {
            Some((id, kind)) => {
                ends.push((id, kind, name.to_owned()));
                Ok(true)
            }
            None => Ok(false),
        }
    })?;
    let wanted = Pathspec::new(session, &paths)?;
    let wants = &mut |path: &BStr| wanted.may_match(path);
    if merge_base && !ends.is_empty() {
        let other = if ends.len() > 1 { Some(ends[1].2.clone()) } else { None };
        let one = session.commit(ends[0].2.as_bstr())?;
        let other = match &other {
            Some(other) => session.commit(other.as_bstr())?,
            None => session.head().ok_or_else(|| fatal!("no HEAD"))?,
        };
        let base =
            bases(session, one, other)?.first().copied().ok_or_else(|| fatal!("no merge base found"))?;
        ends[0].0 = session.tree_of(base)?;
    }
    let mut index = None;
    let mut blobs = false;
    let changes = match ends.as_slice() {
        [(one, Kind::Blob, one_name), (other, Kind::Blob, other_name)] => {
            blobs = true;
            let path = |name: &BString| {
                BString::from(name.rsplit_once_str(":").map_or(name.as_slice(), |(_, path)| path))
            };
            let file = crate::index::FILE;
            let mut change = Change::new(
                path(other_name),
                Some(Item { mode: file, id: *one }),
                Some(Item { mode: file, id: *other }),
            );
            change.old_path = path(one_name);
            if one == other { Vec::new() } else { vec![change] }
        }
        [(one, Kind::Tree, _), (other, Kind::Tree, _)] => {
            tree::diff(session, Some(*one), Some(*other), wants)?
        }
        [(tree, Kind::Tree, _)] if cached => {
            let loaded = session.index()?;
            staged(session, Some(*tree), &loaded, &wanted)?
        }
        [] if cached => {
            let loaded = session.index()?;
            staged(session, session.head_tree()?, &loaded, &wanted)?
        }
        [] => {
            session.root()?;
            let mut loaded = session.index()?;
            let mut files = Files::new(session, &loaded)?;
            let mut changes = Vec::new();
            for change in files.changes(&mut loaded, &wanted)? {
                // Where lines are counted or names listed, a path in conflict is also told against this side.
                let ours = loaded.entries.get(&(change.path.clone(), 2)).cloned();
                let mode = ours.as_ref().and_then(|ours| files.mode(change.path.as_bstr(), Some(ours.mode)));
                let unmerged = change.unmerged;
                let path = change.path.clone();
                changes.push(change);
                if let (true, Some(ours), Some(mode)) = (unmerged && !options.patch, ours, mode) {
                    let new = Item { mode, id: files.hash(path.as_bstr(), mode)? };
                    let mut again = Change::new(path, Some(Item { mode: ours.mode, id: ours.id }), Some(new));
                    again.worktree = true;
                    changes.push(again);
                }
            }
            drop(files);
            index = Some(loaded);
            changes
        }
        [(tree, Kind::Tree, _)] => {
            session.root()?;
            let mut loaded = session.index()?;
            let changes = against_worktree(session, *tree, &mut loaded, &wanted)?;
            index = Some(loaded);
            changes
        }
        _ => {
            return Err(Error::Text("usage: git diff [<options>] [<commit>] [--] [<path>...]\n".into(), 129));
        }
    };
    let mut contents = Contents::new(session, index.as_ref())?;
    let conflicts = if let Some(index) = index.as_ref().filter(|_| ends.is_empty()) {
        index.conflicts()
    } else {
        Default::default()
    };
    let _ = blobs;
    let changes = diff::prepare(session, changes, &options, &mut contents)?;
    if !options.quiet {
        if options.patch
            && !conflicts.is_empty()
            && let Some(index) = &index
        {
            show_with_conflicts(session, index, &changes, &options, &mut contents)?;
        } else {
            diff::show(session, &changes, &options, &mut contents)?;
        }
    }
    if (options.exit_code || options.quiet) && !changes.is_empty() {
        return Err(Error::Status(1));
    }
    Ok(())
}

/// The patch of the working tree where paths are in conflict: those as both sides against the file.
fn show_with_conflicts(
    session: &Session<'_>,
    index: &crate::index::Index,
    changes: &[Change],
    options: &Options,
    contents: &mut Contents<'_>,
) -> Result {
    let mut files = Files::new(session, index)?;
    for change in changes {
        if !change.unmerged {
            session.out().bytes(diff::patch(session, change, options, contents)?)?;
            continue;
        }
        let stage = |stage: u8| index.entries.get(&(change.path.clone(), stage));
        let mode = files.mode(change.path.as_bstr(), stage(2).map(|entry| entry.mode));
        match (stage(2), stage(3), mode) {
            (Some(ours), Some(theirs), Some(mode)) => {
                let result = files.content(change.path.as_bstr(), mode)?;
                let parents = [
                    diff::combined::Parent { item: Some(Item { mode: ours.mode, id: ours.id }) },
                    diff::combined::Parent { item: Some(Item { mode: theirs.mode, id: theirs.id }) },
                ];
                let null = ObjectId::null(session.repo.object_hash());
                let text = diff::combined::patch(
                    session,
                    change.path.as_bstr(),
                    &parents,
                    Item { mode, id: null },
                    &result,
                    options,
                )?;
                session.out().bytes(text)?;
            }
            _ => session.out().line(format!("* Unmerged path {}", change.path))?,
        }
    }
    Ok(())
}

/// The working tree against a tree.
fn against_worktree(
    session: &Session<'_>,
    tree: ObjectId,
    index: &mut crate::index::Index,
    wanted: &Pathspec,
) -> Result<Vec<Change>> {
    let base = tree::flatten(session, Some(tree))?;
    let changed: std::collections::BTreeMap<BString, Change> = Files::new(session, index)?
        .changes(index, wanted)?
        .into_iter()
        .map(|change| (change.path.clone(), change))
        .collect();
    let mut paths: std::collections::BTreeSet<BString> = base.keys().cloned().collect();
    paths.extend(index.entries.keys().map(|(path, _)| path.clone()));
    let mut found = Vec::new();
    for path in paths.into_iter().filter(|path| wanted.matches(path.as_bstr())) {
        let old = base.get(&path).copied();
        if let Some(change) = changed.get(&path).filter(|change| change.unmerged) {
            found.push(change.clone());
            continue;
        }
        let (new, worktree) = match changed.get(&path) {
            Some(change) => (change.new, true),
            None => (index.get(path.as_bstr()).map(|entry| Item { mode: entry.mode, id: entry.id }), false),
        };
        if old != new {
            let mut change = Change::new(path, old, new);
            change.worktree = worktree;
            found.push(change);
        }
    }
    Ok(found)
}

fn compare_files(session: &Session<'_>, names: &[BString], options: Options) -> Result {
    let [one, other] = names else {
        return Err(Error::Text("usage: git diff --no-index [<options>] <path> <path>\n".into(), 129));
    };
    let read = |name: &BStr| -> Result<Option<(Item, Vec<u8>)>> {
        if name == "/dev/null" {
            return Ok(None);
        }
        let place = crate::session::to_path(name);
        let mode = crate::worktree::mode_at(&place)
            .ok_or_else(|| Error::Failed(format!("Could not access '{name}'"), 1))?;
        let bytes = std::fs::read(&place)
            .map_err(|error| Error::Failed(format!("{name}: {}", super::reason(&error)), 1))?;
        Ok(Some((Item { mode, id: session.write(Kind::Blob, &bytes)? }, bytes)))
    };
    let (old, new) = (read(one.as_bstr())?, read(other.as_bstr())?);
    let strip = |name: &BString| BString::from(name.trim_start_with(|letter| letter == '/'));
    let mut change = Change::new(strip(other), old.map(|(item, _)| item), new.map(|(item, _)| item));
    change.old_path = strip(one);
    if change.new.is_none() {
        change.path = change.old_path.clone();
    } else if change.old.is_none() {
        change.old_path = change.path.clone();
    }
    if change.old.map(|item| item.id) == change.new.map(|item| item.id) {
        return Ok(());
    }
    let mut contents = Contents::new(session, None)?;
    if !options.quiet {
        diff::show(session, &[change], &options, &mut contents)?;
    }
    Err(Error::Status(1))
}

/// Outside of a repository two files can be compared; objects are kept in memory then.
fn no_index_alone(globals: &Globals, arguments: &[BString]) -> Result {
    let names = arguments.iter().filter(|argument| !argument.starts_with(b"-")).count();
    if names != 2 {
        return Err(Error::Text(
            "warning: Not a git repository. Use --no-index to compare two paths outside a working tree\n\
             usage: git diff --no-index [<options>] <path> <path>\n"
                .into(),
            129,
        ));
    }
    let _ = globals;
    Err(fatal!("--no-index is only supported inside a repository here"))
}
