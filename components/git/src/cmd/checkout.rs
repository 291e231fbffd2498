//! `git checkout`, `git switch`, `git restore`.

use std::collections::BTreeSet;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::Kind;

use crate::commit::Commit;
use crate::error::{Error, Result, failed, fatal};
use crate::index::{FOLDER, Index};
use crate::options::{Parsed, Takes, parse};
use crate::pathspec::Pathspec;
use crate::refs;
use crate::session::{Globals, Session};
use crate::status::{progress, shorten, tracking_text};
use crate::switch::{self, Verb};
use crate::tree::{self, Item};
use crate::worktree::Files;

/// Where a checkout goes.
struct Target {
    /// The branch, `refs/heads/…`; none for a commit alone.
    branch: Option<BString>,
    commit: Option<ObjectId>,
    /// As the user wrote it.
    name: BString,
}

/// What the command line asks for besides the target.
#[derive(Default)]
struct Wishes {
    quiet: bool,
    force: bool,
    detach: bool,
    /// A branch to make; whether an old one of that name may go.
    new: Option<(BString, bool)>,
    orphan: Option<BString>,
    track: Option<bool>,
}

/// `git checkout`.
pub fn checkout(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("b", Takes::Value),
            ("B", Takes::Value),
            ("q quiet", Takes::Nothing),
            ("f force", Takes::Nothing),
            ("d detach", Takes::Nothing),
            ("t track", Takes::Glued),
            ("orphan", Takes::Value),
            ("ours", Takes::Nothing),
            ("theirs", Takes::Nothing),
            ("guess", Takes::Nothing),
            ("progress", Takes::Nothing),
            ("overlay", Takes::Nothing),
            ("l", Takes::Nothing),
        ],
        "git checkout [<options>] <branch>",
    )?;
    let session = &globals.session()?;
    session.root()?;
    let wishes = Wishes {
        quiet: parsed.has("quiet"),
        force: parsed.has("force"),
        detach: parsed.has("detach"),
        new: parsed
            .value("B")
            .map(|name| (name.to_owned(), true))
            .or_else(|| parsed.value("b").map(|name| (name.to_owned(), false))),
        orphan: parsed.value("orphan").map(ToOwned::to_owned),
        track: if parsed.negated("track") { Some(false) } else { parsed.has("track").then_some(true) },
    };
    let mut rest = parsed.rest.as_slice();
    let (mut name, mut paths): (Option<BString>, Vec<BString>) = (None, Vec::new());
    match parsed.separator {
        Some(at) => {
            if at > 1 {
                return Err(fatal!("only one reference expected, {at} given."));
            }
            name = rest.first().filter(|_| at == 1).cloned();
            paths = rest[at..].to_vec();
            if paths.is_empty() && at == 0 {
                name = None;
            }
        }
        None => {
            if let Some(first) = rest.first() {
                let is_revision = first == "-" || session.try_object(first.as_bstr()).is_some();
                let is_path = session
                    .inside(first.as_bstr())
                    .ok()
                    .and_then(|path| session.file(path.as_bstr()).ok())
                    .is_some_and(|place| std::fs::symlink_metadata(place).is_ok());
                if is_revision
                    || (!is_path && rest.len() == 1 && remote_branch(session, first.as_bstr())?.is_some())
                {
                    if is_revision
                        && is_path
                        && rest.len() == 1
                        && wishes.new.is_none()
                        && first != "-"
                        && !first.contains(&b'.')
                    {
                        return Err(fatal!(
                            "'{first}' could be both a local file and a tracking branch.\nPlease use -- (and optionally --no-guess) to disambiguate"
                        ));
                    }
                    name = Some(first.clone());
                    rest = &rest[1..];
                }
                paths = rest.to_vec();
            }
        }
    }
    if let Some(name) = &name
        && paths.is_empty()
        && session.try_object(name.as_bstr()).is_none()
        && name != "-"
        && parsed.separator.is_some()
        && remote_branch(session, name.as_bstr())?.is_none()
    {
        return Err(fatal!("invalid reference: {name}"));
    }
    if !paths.is_empty() {
        if let Some((branch, _)) = &wishes.new {
            if name.is_none() {
                return Err(fatal!(
                    "'{}' is not a commit and a branch '{branch}' cannot be created from it",
                    paths[0]
                ));
            }
            return Err(fatal!("Cannot update paths and switch to branch '{branch}' at the same time."));
        }
        return checkout_paths(session, name.as_ref(), &paths, &parsed);
    }
    go(session, name, &wishes, false)
}

/// `git switch`.
pub fn switch(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("c create", Takes::Value),
            ("C force-create", Takes::Value),
            ("q quiet", Takes::Nothing),
            ("f force", Takes::Nothing),
            ("discard-changes", Takes::Nothing),
            ("d detach", Takes::Nothing),
            ("t track", Takes::Glued),
            ("orphan", Takes::Value),
            ("guess", Takes::Nothing),
            ("progress", Takes::Nothing),
        ],
        "git switch [<options>] [<branch>]",
    )?;
    let session = &globals.session()?;
    session.root()?;
    let wishes = Wishes {
        quiet: parsed.has("quiet"),
        force: parsed.has("force") || parsed.has("discard-changes"),
        detach: parsed.has("detach"),
        new: parsed
            .value("force-create")
            .map(|name| (name.to_owned(), true))
            .or_else(|| parsed.value("create").map(|name| (name.to_owned(), false))),
        orphan: parsed.value("orphan").map(ToOwned::to_owned),
        track: if parsed.negated("track") { Some(false) } else { parsed.has("track").then_some(true) },
    };
    if parsed.rest.len() > 1 {
        return Err(fatal!("only one reference expected, {} given.", parsed.rest.len()));
    }
    if parsed.rest.is_empty() && wishes.new.is_none() && wishes.orphan.is_none() && !wishes.detach {
        return Err(fatal!("missing branch or commit argument"));
    }
    go(session, parsed.rest.first().cloned(), &wishes, true)
}

/// The only remote's branch of this name.
fn remote_branch(session: &Session<'_>, name: &BStr) -> Result<Option<(BString, BString)>> {
    let mut found = None;
    for (full, _, symbolic) in refs::list(session, "refs/remotes/")? {
        let Some(rest) = full.strip_prefix(b"refs/remotes/") else { continue };
        if symbolic.is_none()
            && let Some((remote, branch)) = rest.split_once_str("/")
            && branch == name.as_bytes()
        {
            if found.is_some() {
                return Ok(None);
            }
            found = Some((BString::from(remote), full.clone()));
        }
    }
    Ok(found)
}

/// Makes a branch follow another one.
pub fn follow(session: &Session<'_>, branch: &BStr, remote: &BStr, merge: &BStr) -> Result {
    let path = session.repo.common_dir().join("config");
    let mut file = gix::config::File::from_path_no_includes(path.clone(), gix::config::Source::Local)
        .map_err(crate::error::library)?;
    file.set_raw_value_by("branch", Some(branch), "remote", remote).map_err(crate::error::library)?;
    file.set_raw_value_by("branch", Some(branch), "merge", merge).map_err(crate::error::library)?;
    std::fs::write(path, file.to_bstring())?;
    Ok(())
}

/// What a branch that starts at a remote's one follows.
pub fn follow_start(session: &Session<'_>, branch: &BStr, start: &BStr) -> Result<Option<BString>> {
    let full = if start.starts_with(b"refs/") {
        start.to_owned()
    } else {
        BString::from(format!("refs/remotes/{start}"))
    };
    if refs::find(session, full.as_bstr()).is_none() {
        return Ok(None);
    }
    let Some(rest) = full.strip_prefix(b"refs/remotes/") else { return Ok(None) };
    let Some((remote, name)) = rest.split_once_str("/") else { return Ok(None) };
    follow(session, branch, remote.as_bstr(), format!("refs/heads/{}", name.as_bstr()).as_bytes().as_bstr())?;
    Ok(Some(rest.into()))
}

fn resolve(session: &Session<'_>, name: &BString, wishes: &Wishes, strict: bool) -> Result<Target> {
    let given = name.clone();
    let name = if name == "-" {
        session
            .previous_branch()
            .ok_or_else(|| failed!("pathspec '-' did not match any file(s) known to git"))?
    } else {
        name.clone()
    };
    let full = BString::from(format!("refs/heads/{name}"));
    if !wishes.detach && wishes.new.is_none() && refs::find(session, full.as_bstr()).is_some() {
        let commit = session.commit(full.as_bstr())?;
        return Ok(Target { branch: Some(full), commit: Some(commit), name });
    }
    match session.try_commit(name.as_bstr()) {
        Some(commit) => Ok(Target { branch: None, commit: Some(commit), name }),
        None if session.head_ref().is_some_and(|head| head == full) || name == "HEAD" => {
            Ok(Target { branch: None, commit: None, name })
        }
        None if session.try_object(name.as_bstr()).is_some() => {
            Err(fatal!("reference is not a tree: {name}"))
        }
        None if wishes.new.is_some() => {
            let branch = wishes.new.as_ref().map(|(branch, _)| branch.clone()).unwrap_or_default();
            if strict {
                return Err(fatal!("invalid reference: {given}"));
            }
            Err(fatal!("'{given}' is not a commit and a branch '{branch}' cannot be created from it"))
        }
        None if strict => Err(fatal!("invalid reference: {given}")),
        None => Err(failed!("pathspec '{given}' did not match any file(s) known to git")),
    }
}

fn describe(session: &Session<'_>, id: ObjectId) -> Result<String> {
    let commit = Commit::read(session, id)?;
    Ok(format!("{} {}", session.short(id), commit.subject()))
}

fn go(session: &Session<'_>, name: Option<BString>, wishes: &Wishes, strict: bool) -> Result {
    let old_branch = session.head_ref();
    let old_commit = session.head();
    if let Some(orphan) = &wishes.orphan {
        if !refs::is_valid(orphan.as_bstr()) {
            return Err(super::branch::invalid(orphan.as_bstr()));
        }
        let full = BString::from(format!("refs/heads/{orphan}"));
        if refs::find(session, full.as_bstr()).is_some() {
            return Err(fatal!("a branch named '{orphan}' already exists"));
        }
        if strict {
            let mut index = session.index()?;
            switch::two_way(session, &mut index, session.head_tree()?, None, Verb::Checkout)?;
            index.write()?;
        }
        refs::set_symbolic(session, "HEAD", full.as_bstr())?;
        return say(session, wishes, format!("Switched to a new branch '{orphan}'\n"));
    }
    let mut tracked = None;
    let target = match &name {
        Some(name) => {
            let direct = name == "-"
                || session.try_object(name.as_bstr()).is_some()
                || wishes.new.is_some()
                || wishes.detach;
            let guessed = if direct { None } else { remote_branch(session, name.as_bstr())? };
            if let Some((_, full)) = guessed {
                let commit = session.commit(full.as_bstr())?;
                let branch = BString::from(format!("refs/heads/{name}"));
                refs::set(
                    session,
                    branch.as_bstr(),
                    commit,
                    format!("branch: Created from {}", full).as_bytes().as_bstr(),
                )?;
                let followed = follow_start(session, name.as_bstr(), full.as_bstr())?;
                tracked = followed;
                Target { branch: Some(branch), commit: Some(commit), name: name.clone() }
            } else {
                resolve(session, name, wishes, strict)?
            }
        }
        None => Target { branch: None, commit: old_commit, name: "HEAD".into() },
    };
    let guessed = tracked.is_some();
    if strict && target.branch.is_none() && !wishes.detach && wishes.new.is_none() {
        let given = name.clone().unwrap_or_default();
        let what = if refs::find(session, format!("refs/tags/{given}").as_bytes().as_bstr()).is_some() {
            format!("tag '{given}'")
        } else if refs::find(session, format!("refs/remotes/{given}").as_bytes().as_bstr()).is_some() {
            format!("remote branch '{given}'")
        } else {
            format!("commit '{given}'")
        };
        return Err(Error::Text(
            format!(
                "fatal: a branch is expected, got {what}\nhint: If you want to detach HEAD at the commit, try again with the --detach option.\n"
            ),
            128,
        ));
    }
    if let Some((branch, over)) = &wishes.new {
        if !refs::is_valid(branch.as_bstr()) {
            return Err(super::branch::invalid(branch.as_bstr()));
        }
        if !over && refs::find(session, format!("refs/heads/{branch}").as_bytes().as_bstr()).is_some() {
            return Err(fatal!("a branch named '{branch}' already exists"));
        }
    }
    let mut index = session.index()?;
    let same_tree = target.commit == old_commit;
    if !index.conflicts().is_empty() && !wishes.force && (name.is_some() || wishes.new.is_some()) {
        let mut text = String::new();
        for path in index.conflicts().keys() {
            text.push_str(&format!("{path}: needs merge\n"));
        }
        session.out().bytes(text)?;
        return Err(Error::Text("error: you need to resolve your current index first\n".into(), 1));
    }
    let new_tree = target.commit.map(|commit| session.tree_of(commit)).transpose()?;
    if wishes.force {
        switch::force(session, &mut index, new_tree)?;
        index.write()?;
    } else if !same_tree {
        switch::two_way(session, &mut index, session.head_tree()?, new_tree, Verb::Checkout)?;
        index.write()?;
    }
    let from = match &old_branch {
        Some(branch) => shorten(branch.as_bstr()),
        None => old_commit.map(|id| id.to_string()).unwrap_or_default().into(),
    };
    // Where the new place is told to be, in the log of `HEAD`.
    let moved = |to: &BStr| BString::from(format!("checkout: moving from {from} to {to}"));
    if let Some((branch, over)) = &wishes.new {
        let full = BString::from(format!("refs/heads/{branch}"));
        let existed = refs::find(session, full.as_bstr()).is_some();
        if let Some(commit) = target.commit {
            let message = if existed && *over {
                format!("branch: Reset to {}", target.name)
            } else {
                format!("branch: Created from {}", target.name)
            };
            refs::set(session, full.as_bstr(), commit, message.as_bytes().as_bstr())?;
            let auto = session.config("branch.autoSetupMerge").is_none_or(|value| value != "false");
            if wishes.track.unwrap_or(auto) && name.is_some() {
                tracked = follow_start(session, branch.as_bstr(), target.name.as_bstr())?;
            }
        }
        refs::set_symbolic(session, "HEAD", full.as_bstr())?;
        if target.commit.is_some() {
            refs::log(session, "HEAD", old_commit, target.commit, moved(branch.as_bstr()).as_bstr())?;
        }
        if !wishes.quiet {
            if !same_tree {
                local_changes(session, &mut index)?;
            }
            let same = old_branch.as_ref() == Some(&full);
            let word = if existed && same {
                "Reset branch"
            } else if existed {
                "Switched to and reset branch"
            } else {
                "Switched to a new branch"
            };
            session.say(format!("{word} '{branch}'\n"))?;
            if let Some(upstream) = tracked {
                session.out().line(format!("branch '{branch}' set up to track '{upstream}'."))?;
            }
        }
        return Ok(());
    }
    match &target.branch {
        Some(branch) => {
            let short = shorten(branch.as_bstr());
            if old_branch.as_ref() != Some(branch) {
                refs::set_symbolic(session, "HEAD", branch.as_bstr())?;
            }
            refs::log(session, "HEAD", old_commit, target.commit, moved(short.as_bstr()).as_bstr())?;
            if !wishes.quiet {
                if !wishes.force {
                    local_changes(session, &mut index)?;
                }
                if old_branch.is_none()
                    && old_commit != target.commit
                    && let Some(old) = old_commit
                {
                    left_behind(session, old, target.commit)?;
                }
                let word = if old_branch.as_ref() == Some(branch) {
                    format!("Already on '{short}'\n")
                } else if guessed {
                    format!("Switched to a new branch '{short}'\n")
                } else {
                    format!("Switched to branch '{short}'\n")
                };
                session.say(word)?;
                if let Some(upstream) = tracked {
                    session.out().line(format!("branch '{short}' set up to track '{upstream}'."))?;
                } else {
                    session.out().bytes(tracking_text(session, branch.as_bstr())?)?;
                }
            }
        }
        None => {
            let Some(commit) = target.commit else { return Ok(()) };
            if name.is_none() && !wishes.detach {
                if !wishes.quiet {
                    local_changes(session, &mut index)?;
                    if let Some(branch) = &old_branch {
                        session.out().bytes(tracking_text(session, branch.as_bstr())?)?;
                    }
                }
                return Ok(());
            }
            refs::detach(session, commit)?;
            refs::log(session, "HEAD", old_commit, Some(commit), moved(target.name.as_bstr()).as_bstr())?;
            if !wishes.quiet {
                if !wishes.force {
                    local_changes(session, &mut index)?;
                }
                if old_branch.is_none() {
                    if let Some(old) = old_commit.filter(|old| *old != commit) {
                        left_behind(session, old, Some(commit))?;
                    }
                } else if !wishes.detach && session.config_bool("advice.detachedHead", true) {
                    let name = name.unwrap_or_default();
                    detached_note(session, &name)?;
                }
                session.say(format!("HEAD is now at {}\n", describe(session, commit)?))?;
            }
        }
    }
    let _ = progress(session);
    Ok(())
}

/// What is said about a `HEAD` that names no branch.
pub fn detached_note(session: &Session<'_>, name: &BString) -> Result {
    session.say(format!("Note: switching to '{name}'.\n\n{DETACHED}"))
}

const DETACHED: &str = "\
You are in 'detached HEAD' state. You can look around, make experimental
changes and commit them, and you can discard any commits you make in this
state without impacting any branches by switching back to a branch.

If you want to create a new branch to retain commits you create, you may
do so (now or later) by using -c with the switch command. Example:

  git switch -c <new-branch-name>

Or undo this operation with:

  git switch -

Turn off this advice by setting config variable advice.detachedHead to false

";

fn say(session: &Session<'_>, wishes: &Wishes, text: String) -> Result {
    if wishes.quiet { Ok(()) } else { session.say(text) }
}

/// Commits that no name leads to any more, when a detached `HEAD` leaves them.
fn left_behind(session: &Session<'_>, old: ObjectId, new: Option<ObjectId>) -> Result {
    let mut tips: Vec<ObjectId> = new.into_iter().collect();
    for (name, id, _) in refs::list(session, "refs/")? {
        let _ = name;
        if let Ok(object) = session.repo.find_object(id)
            && let Ok(commit) = object.peel_to_kind(Kind::Commit)
        {
            tips.push(commit.id);
        }
    }
    let kept = crate::walk::ancestors(session, &tips)?;
    let mut lost = Vec::new();
    let mut next = vec![old];
    let mut seen = BTreeSet::new();
    while let Some(id) = next.pop() {
        if kept.contains(&id) || !seen.insert(id) {
            continue;
        }
        let commit = Commit::read(session, id)?;
        next.extend(commit.parents.iter().copied());
        lost.push(commit);
    }
    if lost.is_empty() {
        return session.say(format!("Previous HEAD position was {}\n", describe(session, old)?));
    }
    let count = lost.len();
    let mut text = if count == 1 {
        "Warning: you are leaving 1 commit behind, not connected to\nany of your branches:\n\n".to_owned()
    } else {
        format!(
            "Warning: you are leaving {count} commits behind, not connected to\nany of your branches:\n\n"
        )
    };
    for commit in lost.iter().take(4) {
        text.push_str(&format!("  {} {}\n", session.short(commit.id), commit.subject()));
    }
    if count > 4 {
        text.push_str(&format!(" ... and {} more.\n", count - 4));
    }
    text.push('\n');
    if session.config_bool("advice.detachedHead", true) {
        text.push_str(&format!(
            "If you want to keep {} by creating a new branch, this may be a good time\nto do so with:\n\n git branch <new-branch-name> {}\n\n",
            if count == 1 { "it" } else { "them" },
            session.short(old)
        ));
    }
    session.say(text)
}

/// The changes that stay through a checkout.
fn local_changes(session: &Session<'_>, index: &mut Index) -> Result {
    let staged = crate::status::staged(session, session.head_tree()?, index, &Pathspec::default())?;
    let changes = Files::new(session, index)?.changes(index, &Pathspec::default())?;
    let mut lines: std::collections::BTreeMap<BString, char> = std::collections::BTreeMap::new();
    for change in staged.iter().chain(&changes) {
        let letter = if change.unmerged { 'U' } else { change.letter() };
        let known = lines.entry(change.path.clone()).or_insert(letter);
        if letter == 'D' {
            *known = 'D';
        }
    }
    for (path, letter) in lines {
        session.out().line(format!("{letter}\t{}", crate::session::quote(path.as_bstr())))?;
    }
    Ok(())
}

/// Files from a tree or the index.
fn checkout_paths(
    session: &Session<'_>,
    name: Option<&BString>,
    paths: &[BString],
    parsed: &Parsed,
) -> Result {
    let wanted = Pathspec::new(session, paths)?;
    let mut index = session.index()?;
    let side = parsed.last_of(&["ours", "theirs"]);
    let mut count = 0;
    if let Some(name) = name {
        let tree = tree_named(session, name.as_bstr())?;
        let base = tree::flatten(session, Some(tree))?;
        if let Some(text) = wanted.unmatched(base.keys().map(|path| path.as_bstr())) {
            return Err(failed!("pathspec '{text}' did not match any file(s) known to git"));
        }
        let mut files = Files::new(session, &index)?;
        for (path, item) in base.iter().filter(|(path, _)| wanted.matches(path.as_bstr())) {
            count += usize::from(place(&mut files, &mut index, path, *item)?);
        }
        index.write()?;
        let from = session
            .repo
            .find_commit(session.try_commit(name.as_bstr()).unwrap_or(tree))
            .map(|commit| commit.id);
        let shown = from.map_or_else(|_| session.short(tree), |_| session.short(tree));
        return updated(session, parsed, count, &shown);
    }
    if let Some(text) = wanted.unmatched(index.entries.keys().map(|(path, _)| path.as_bstr())) {
        return Err(failed!("pathspec '{text}' did not match any file(s) known to git"));
    }
    let list: BTreeSet<BString> = index
        .entries
        .keys()
        .map(|(path, _)| path.clone())
        .filter(|path| wanted.matches(path.as_bstr()))
        .collect();
    let mut files = Files::new(session, &index)?;
    for path in list {
        let entry = match side {
            Some(side) if index.get(path.as_bstr()).is_none() => {
                let number = if side == "ours" { 2 } else { 3 };
                let entry = index.entries.get(&(path.clone(), number)).cloned();
                let entry = entry.ok_or_else(|| {
                    failed!(
                        "path '{path}' does not have {} version",
                        if side == "ours" { "our" } else { "their" }
                    )
                })?;
                files.put(path.as_bstr(), Item { mode: entry.mode, id: entry.id })?;
                count += 1;
                continue;
            }
            _ => index.get(path.as_bstr()).cloned(),
        };
        let Some(entry) = entry else {
            if parsed.has("force") {
                session.say(format!("warning: path '{path}' is unmerged\n"))?;
                continue;
            }
            return Err(failed!("path '{path}' is unmerged"));
        };
        count += usize::from(place(&mut files, &mut index, &path, Item { mode: entry.mode, id: entry.id })?);
    }
    index.write()?;
    updated(session, parsed, count, "the index")
}

fn updated(session: &Session<'_>, parsed: &Parsed, count: usize, from: &str) -> Result {
    // Behind `--` there is no doubt about what was meant.
    if parsed.has("quiet") || parsed.separator.is_some() {
        return Ok(());
    }
    session.say(format!("Updated {count} path{} from {from}\n", if count == 1 { "" } else { "s" }))
}

/// The tree that a revision's name means.
pub fn tree_named(session: &Session<'_>, name: &BStr) -> Result<ObjectId> {
    let id = session.try_object(name).ok_or_else(|| fatal!("could not resolve {name}"))?;
    let object = session.repo.find_object(id).map_err(crate::error::library)?;
    Ok(object.peel_to_kind(Kind::Tree).map_err(|_| fatal!("reference is not a tree: {name}"))?.id)
}

/// Writes a file and its entry; tells whether there was anything to do.
fn place(files: &mut Files<'_>, index: &mut Index, path: &BString, item: Item) -> Result<bool> {
    let entry = index.get(path.as_bstr()).cloned();
    if let Some(entry) = &entry
        && entry.id == item.id
        && entry.mode == item.mode
        && files.compare(index, path.as_bstr(), entry)?.is_none()
    {
        return Ok(false);
    }
    let stat = files.put(path.as_bstr(), item)?;
    index.set(path.as_bstr(), item.mode, item.id, stat);
    Ok(true)
}

/// `git restore`.
pub fn restore(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("s source", Takes::Value),
            ("S staged", Takes::Nothing),
            ("W worktree", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("ours", Takes::Nothing),
            ("theirs", Takes::Nothing),
            ("ignore-unmerged", Takes::Nothing),
            ("overlay", Takes::Nothing),
            ("progress", Takes::Nothing),
        ],
        "git restore [<options>] [--source=<branch>] <file>...",
    )?;
    let session = &globals.session()?;
    session.root()?;
    if parsed.rest.is_empty() {
        return Err(fatal!("you must specify path(s) to restore"));
    }
    let staged = parsed.has("staged");
    let worktree = parsed.has("worktree") || !staged;
    let wanted = Pathspec::new(session, &parsed.rest)?;
    let mut index = session.index()?;
    let source = match parsed.value("source") {
        Some(name) => Some(tree::flatten(session, Some(tree_named(session, name)?))?),
        None if staged => Some(tree::flatten(session, session.head_tree()?)?),
        None => None,
    };
    let side = parsed.last_of(&["ours", "theirs"]);
    let mut known: BTreeSet<BString> = index.entries.keys().map(|(path, _)| path.clone()).collect();
    if let Some(source) = &source {
        known.extend(source.keys().cloned());
    }
    if let Some(text) = wanted.unmatched(known.iter().map(|path| path.as_bstr())) {
        return Err(failed!("pathspec '{text}' did not match any file(s) known to git"));
    }
    let mut files = Files::new(session, &index)?;
    for path in known.iter().filter(|path| wanted.matches(path.as_bstr())) {
        let unmerged = index.get(path.as_bstr()).is_none() && index.has(path.as_bstr());
        let item = match &source {
            Some(source) => source.get(path).copied(),
            None if unmerged => {
                let number = match side {
                    Some("ours") => 2,
                    Some(_) => 3,
                    None if parsed.has("ignore-unmerged") => continue,
                    None => return Err(failed!("path '{path}' is unmerged")),
                };
                let entry = index.entries.get(&(path.clone(), number));
                entry.map(|entry| Item { mode: entry.mode, id: entry.id })
            }
            None => index.get(path.as_bstr()).map(|entry| Item { mode: entry.mode, id: entry.id }),
        };
        match item {
            Some(item) => {
                let before = index.get(path.as_bstr()).cloned();
                let mut stat = before
                    .as_ref()
                    .filter(|entry| entry.id == item.id && entry.mode == item.mode)
                    .map(|entry| entry.stat);
                if worktree {
                    let same =
                        before.as_ref().is_some_and(|entry| entry.id == item.id && entry.mode == item.mode)
                            && match &before {
                                Some(entry) => files.compare(&index, path.as_bstr(), entry)?.is_none(),
                                None => false,
                            };
                    if !same {
                        stat = files.put(path.as_bstr(), item)?;
                    }
                }
                if staged || (worktree && source.is_none() && !unmerged) {
                    index.set(path.as_bstr(), item.mode, item.id, stat);
                }
            }
            None => {
                if worktree
                    && files.mode(path.as_bstr(), None).is_some_and(|mode| mode != FOLDER)
                    && index.has(path.as_bstr())
                {
                    files.delete(path.as_bstr())?;
                }
                if staged {
                    index.remove(path.as_bstr());
                }
            }
        }
    }
    index.write()
}
