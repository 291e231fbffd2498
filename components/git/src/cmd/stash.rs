//! `git stash`.

use std::collections::BTreeSet;
use std::fs;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::Kind;

use super::commit::create;
use crate::commit::Commit;
use crate::diff::options::{Options, invalid};
use crate::diff::stat::Widths;
use crate::diff::{self, Contents};
use crate::error::{Error, Result, failed, fatal};
use crate::ident::{self, Role};
use crate::index::Index;
use crate::merging::{self, Labels};
use crate::options::{Takes, parse};
use crate::pathspec::Pathspec;
use crate::refs;
use crate::session::{Globals, Session};
use crate::status::shorten;
use crate::switch;
use crate::tree::{self, Item};
use crate::worktree::{Depth, Files, others};

/// `git stash`.
pub fn stash(globals: &Globals, arguments: &[BString]) -> Result {
    let session = &globals.session()?;
    session.root()?;
    let (word, rest) = match arguments.split_first() {
        Some((word, rest)) if !word.starts_with(b"-") => (word.to_str_lossy().into_owned(), rest),
        _ => ("push".to_owned(), arguments),
    };
    match word.as_str() {
        "push" => push(session, rest),
        "save" => {
            let message = rest.iter().filter(|word| !word.starts_with(b"-")).cloned().collect::<Vec<_>>();
            let mut all: Vec<BString> = rest.iter().filter(|word| word.starts_with(b"-")).cloned().collect();
            if !message.is_empty() {
                all.push("-m".into());
                all.push(gix::bstr::join(" ", message).into());
            }
            push(session, &all)
        }
        "list" => super::log::stash_list(session, rest),
        "show" => show(session, rest),
        "apply" => apply(session, rest, false),
        "pop" => apply(session, rest, true),
        "drop" => {
            let (number, _) = pick(session, rest.iter().find(|word| !word.starts_with(b"-")))?;
            drop_entry(session, number, rest.iter().any(|word| word == "-q" || word == "--quiet"))
        }
        "clear" => {
            refs::remove(session, &["refs/stash".into()])?;
            let _ = fs::remove_file(session.own("logs/refs/stash"));
            Ok(())
        }
        "branch" => {
            let name = rest.first().ok_or_else(|| fatal!("No branch name specified"))?;
            let (number, id) = pick(session, rest.get(1))?;
            let base = Commit::read(session, id)?.parents.first().copied();
            let base = base.ok_or_else(|| fatal!("'{id}' is not a stash-like commit"))?;
            super::checkout::checkout(globals, &["-b".into(), name.clone(), base.to_string().into()])?;
            let again = &globals.session()?;
            restore(again, id, true, false)?;
            drop_entry(again, number, false)
        }
        other => Err(Error::Text(
            format!(
                "error: unknown subcommand: `{other}'\nusage: git stash [push | list | show | pop | apply | drop | clear | branch]\n"
            ),
            129,
        )),
    }
}

/// The number and commit of an entry.
fn pick(session: &Session<'_>, name: Option<&BString>) -> Result<(usize, ObjectId)> {
    let number = match name {
        None => 0,
        Some(name) => {
            let digits =
                name.strip_prefix(b"stash@{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or(name);
            match digits.to_str().ok().and_then(|digits| digits.parse().ok()) {
                Some(number) => number,
                None => return Err(failed!("{name} is not a valid reference")),
            }
        }
    };
    let list = entries(session);
    if list.is_empty() {
        return Err(Error::Text("No stash entries found.\n".into(), 1));
    }
    match list.get(number) {
        Some(id) => Ok((number, *id)),
        None => Err(fatal!("log for 'stash' only has {} entries", list.len())),
    }
}

fn entries(session: &Session<'_>) -> Vec<ObjectId> {
    let log = session.read_own("logs/refs/stash").unwrap_or_default();
    let mut list: Vec<ObjectId> =
        log.lines().filter_map(|line| ObjectId::from_hex(line.get(41..81)?).ok()).collect();
    list.reverse();
    list
}

fn push(session: &Session<'_>, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("m message", Takes::Value),
            ("u include-untracked", Takes::Nothing),
            ("a all", Takes::Nothing),
            ("k keep-index", Takes::Nothing),
            ("S staged", Takes::Nothing),
            ("q quiet", Takes::Nothing),
        ],
        "git stash [push [-k | --keep-index] [-u | --include-untracked] [-a | --all] [-q | --quiet] [-m <message>] [--] [<pathspec>...]]",
    )?;
    let Some(head) = session.head() else {
        return Err(Error::Text("You do not have the initial commit yet\n".into(), 1));
    };
    let head_tree = session.tree_of(head)?;
    let wanted = Pathspec::new(session, &parsed.rest)?;
    let mut index = session.index()?;
    if !index.conflicts().is_empty() {
        let list: String = index.conflicts().keys().map(|path| format!("{path}: needs merge\n")).collect();
        session.out().bytes(list)?;
        return Err(failed!("could not write index"));
    }
    let mut files = Files::new(session, &index)?;
    let changes = files.changes(&mut index, &wanted)?;
    let staged = crate::status::staged(session, Some(head_tree), &index, &wanted)?;
    let untracked: BTreeSet<BString> = if parsed.has("include-untracked") || parsed.has("all") {
        let found = others(session, &index, Depth::Files, parsed.has("all"), &wanted)?;
        let mut all = found.untracked;
        if parsed.has("all") {
            all.extend(found.ignored.into_iter().filter(|path| !path.ends_with(b"/")));
        }
        all
    } else {
        BTreeSet::new()
    };
    let only_staged = parsed.has("staged");
    if (changes.is_empty() || only_staged) && staged.is_empty() && untracked.is_empty() {
        if only_staged {
            return Err(Error::Text("No staged changes\n".into(), 1));
        }
        if !parsed.has("quiet") {
            session.out().line("No local changes to save")?;
        }
        return Ok(());
    }
    let branch =
        session.head_ref().map_or_else(|| BString::from("(no branch)"), |branch| shorten(branch.as_bstr()));
    let title = super::pick::title(session, head)?;
    let message = match parsed.value("message").filter(|message| !message.is_empty()) {
        Some(message) => format!("On {branch}: {message}"),
        None => format!("WIP on {branch}: {title}"),
    };
    let author = ident::person(session, Role::Author)?;
    let committer = ident::person(session, Role::Committer)?;
    let make = |tree: ObjectId, parents: &[ObjectId], text: &str| {
        create(session, tree, parents, &author, &committer, text.as_bytes().as_bstr())
    };
    let index_tree = tree::write(session, &index)?;
    let index_commit = make(index_tree, &[head], &format!("index on {branch}: {title}\n"))?;
    let mut parents = vec![head, index_commit];
    if !untracked.is_empty() {
        let mut list = Vec::new();
        for path in &untracked {
            if let Some(mode) = files.mode(path.as_bstr(), None).filter(|mode| *mode != crate::index::FOLDER)
            {
                let bytes = files.content(path.as_bstr(), mode)?;
                list.push((path.clone(), Item { mode, id: session.write(Kind::Blob, &bytes)? }));
            }
        }
        let tree = tree::write_files(session, list.iter().map(|(path, item)| (path.as_bstr(), *item)))?;
        parents.push(make(tree, &[], &format!("untracked files on {branch}: {title}\n"))?);
    }
    // The working tree's state.
    let mut state: std::collections::BTreeMap<BString, Item> = if wanted.is_empty() {
        index
            .entries
            .iter()
            .map(|((path, _), entry)| (path.clone(), Item { mode: entry.mode, id: entry.id }))
            .collect()
    } else {
        let mut state = tree::flatten(session, Some(head_tree))?;
        for change in &staged {
            match change.new {
                Some(item) => state.insert(change.path.clone(), item),
                None => state.remove(&change.path),
            };
        }
        state
    };
    if !only_staged {
        for change in &changes {
            match change.new {
                Some(item) => {
                    let bytes = files.content(change.path.as_bstr(), item.mode)?;
                    session.write(Kind::Blob, &bytes)?;
                    state.insert(change.path.clone(), item);
                }
                None => {
                    state.remove(&change.path);
                }
            }
        }
    }
    let tree = tree::write_files(session, state.iter().map(|(path, item)| (path.as_bstr(), *item)))?;
    let stash = make(tree, &parents, &message)?;
    let old = refs::find(session, b"refs/stash".as_bstr());
    let place = session.own("refs/stash");
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(place, format!("{stash}\n"))?;
    refs::log(session, "refs/stash", old, Some(stash), message.as_bytes().as_bstr())?;
    if !parsed.has("quiet") {
        session.out().line(format!("Saved working directory and index state {message}"))?;
    }
    // Back to what was committed.
    for path in &untracked {
        files.delete(path.as_bstr())?;
    }
    if only_staged {
        let base = tree::flatten(session, Some(head_tree))?;
        for change in &staged {
            back(session, &mut index, &mut files, &change.path, base.get(&change.path).copied())?;
        }
    } else if wanted.is_empty() {
        let target = if parsed.has("keep-index") { index_tree } else { head_tree };
        switch::force(session, &mut index, Some(target))?;
    } else {
        let base = tree::flatten(session, Some(head_tree))?;
        let paths: BTreeSet<BString> =
            changes.iter().chain(&staged).map(|change| change.path.clone()).collect();
        for path in paths {
            back(session, &mut index, &mut files, &path, base.get(&path).copied())?;
        }
    }
    index.write()
}

fn back(
    session: &Session<'_>,
    index: &mut Index,
    files: &mut Files<'_>,
    path: &BString,
    item: Option<Item>,
) -> Result {
    let _ = session;
    match item {
        Some(item) => {
            let stat = files.put(path.as_bstr(), item)?;
            index.set(path.as_bstr(), item.mode, item.id, stat);
        }
        None => {
            files.delete(path.as_bstr())?;
            index.remove(path.as_bstr());
        }
    }
    Ok(())
}

/// Brings a stash back.
fn restore(session: &Session<'_>, id: ObjectId, with_index: bool, quiet: bool) -> Result {
    let commit = Commit::read(session, id)?;
    let [base, index_commit, ..] = commit.parents.as_slice() else {
        return Err(fatal!("'{id}' is not a stash-like commit"));
    };
    let base_tree = session.tree_of(*base)?;
    let mut index = session.index()?;
    let ours = tree::write(session, &index)?;
    let labels = Labels { base: "Stash base", ours: "Updated upstream", theirs: "Stashed changes" };
    let merged = merging::trees(session, base_tree, ours, commit.tree, &labels, None)?;
    let staged_tree = session.tree_of(*index_commit)?;
    let mut index_after = None;
    if with_index && staged_tree != base_tree {
        let both = merging::trees(session, base_tree, ours, staged_tree, &labels, None)?;
        if !both.is_clean() {
            return Err(failed!("conflicts in index. Try without --index."));
        }
        index_after = Some(both.tree);
    }
    merged.apply(session, &mut index, Some(ours))?;
    for message in &merged.messages {
        session.out().line(message)?;
    }
    if let Some(third) = commit.parents.get(2) {
        let files_there = tree::flatten(session, Some(session.tree_of(*third)?))?;
        let mut files = Files::new(session, &index)?;
        for (path, item) in files_there {
            if files.mode(path.as_bstr(), None).is_some() {
                return Err(Error::Text(
                    format!(
                        "{path} already exists, no checkout\nerror: could not restore untracked files from stash\n"
                    ),
                    1,
                ));
            }
            files.put(path.as_bstr(), item)?;
        }
    }
    if !merged.is_clean() {
        index.write()?;
        return Err(Error::Status(1));
    }
    if let Some(tree) = index_after {
        switch::index_only(session, &mut index, Some(tree))?;
    } else {
        // Changes are not staged; files that are new stay in the index.
        let before = tree::flatten(session, Some(ours))?;
        let new: Vec<BString> = index.entries.keys().map(|(path, _)| path.clone()).collect();
        for path in new {
            if let (Some(item), Some(entry)) = (before.get(&path), index.get(path.as_bstr()))
                && (entry.id != item.id || entry.mode != item.mode)
            {
                index.set(path.as_bstr(), item.mode, item.id, None);
            }
        }
        for (path, item) in &before {
            if !index.has(path.as_bstr()) {
                index.set(path.as_bstr(), item.mode, item.id, None);
            }
        }
    }
    index.write()?;
    if quiet { Ok(()) } else { super::status::status(session.globals, &[]) }
}

fn apply(session: &Session<'_>, arguments: &[BString], pop: bool) -> Result {
    let parsed = parse(
        arguments,
        &[("index", Takes::Nothing), ("q quiet", Takes::Nothing)],
        "git stash pop [--index] [-q | --quiet] [<stash>]",
    )?;
    let (number, id) = pick(session, parsed.rest.first())?;
    match restore(session, id, parsed.has("index"), parsed.has("quiet")) {
        Err(Error::Status(1)) => {
            super::status::status(session.globals, &[])?;
            if pop {
                session.out().line("The stash entry is kept in case you need it again.")?;
            }
            Err(Error::Status(1))
        }
        Err(Error::Text(text, status)) if pop => {
            session.say(text)?;
            session.out().line("The stash entry is kept in case you need it again.")?;
            Err(Error::Status(status))
        }
        Err(error) => Err(error),
        Ok(()) if pop => drop_entry(session, number, parsed.has("quiet")),
        Ok(()) => Ok(()),
    }
}

fn drop_entry(session: &Session<'_>, number: usize, quiet: bool) -> Result {
    let log = session.read_own("logs/refs/stash").unwrap_or_default();
    let mut lines: Vec<BString> = log.lines().map(BString::from).collect();
    let at = lines
        .len()
        .checked_sub(number + 1)
        .ok_or_else(|| failed!("stash@{{{number}}} is not a valid reference"))?;
    let gone = lines.remove(at);
    let id = gone.get(41..81).unwrap_or_default().as_bstr().to_owned();
    if lines.is_empty() {
        refs::remove(session, &["refs/stash".into()])?;
        let _ = fs::remove_file(session.own("logs/refs/stash"));
    } else {
        // The entry after the gone one begins where the one before it ended.
        if let Some(next) = lines.get(at).cloned() {
            let before = if at == 0 {
                BString::from("0".repeat(40))
            } else {
                lines[at - 1].get(41..81).unwrap_or_default().into()
            };
            let mut joined = before;
            joined.extend_from_slice(next.get(40..).unwrap_or_default());
            lines[at] = joined;
        }
        let mut text = gix::bstr::join("\n", &lines);
        text.push(b'\n');
        fs::write(session.own("logs/refs/stash"), text)?;
        if let Some(last) = lines.last().and_then(|line| line.get(41..81)) {
            fs::write(session.own("refs/stash"), [last, b"\n"].concat())?;
        }
    }
    if quiet {
        return Ok(());
    }
    session.out().line(format!("Dropped refs/stash@{{{number}}} ({id})"))
}

fn show(session: &Session<'_>, arguments: &[BString]) -> Result {
    let mut options = Options::new(session);
    let mut name = None;
    let mut untracked = false;
    let mut waiting: std::collections::VecDeque<BString> = arguments.iter().cloned().collect();
    while let Some(argument) = waiting.pop_front() {
        if argument == "-u" || argument == "--include-untracked" {
            untracked = true;
        } else if argument.starts_with(b"-") {
            if !options.take(argument.as_bstr(), &mut || waiting.pop_front())? {
                return Err(invalid(argument.as_bstr()));
            }
        } else {
            name = Some(argument);
        }
    }
    if !options.any_form() {
        options.stat = Some(Widths::default());
    }
    let (_, id) = pick(session, name.as_ref())?;
    let commit = Commit::read(session, id)?;
    let base = commit.parents.first().map(|base| session.tree_of(*base)).transpose()?;
    let mut changes = tree::diff(session, base, Some(commit.tree), &mut |_: &BStr| true)?;
    if untracked && let Some(third) = commit.parents.get(2) {
        changes.extend(tree::diff(session, None, Some(session.tree_of(*third)?), &mut |_: &BStr| true)?);
        changes.sort_by(|one, other| one.path.cmp(&other.path));
    }
    let mut contents = Contents::new(session, None)?;
    let changes = diff::prepare(session, changes, &options, &mut contents)?;
    diff::show(session, &changes, &options, &mut contents)
}
