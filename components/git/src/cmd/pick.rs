//! `git cherry-pick`, `git revert` and `git rebase`: commits made anew on another place.

use std::fs;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};

use super::commit::{clean, create, forget_progress, report};
use crate::commit::Commit;
use crate::error::{Error, Result, fatal};
use crate::ident::{self, Role};
use crate::merging::{self, Labels};
use crate::options::{Parsed, Takes, parse};
use crate::refs;
use crate::session::{Globals, Session};
use crate::status::shorten;
use crate::switch::{self, Verb};
use crate::walk::{Order, Range, Walk};

/// What is done with commits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pick,
    Revert,
    Rebase,
}

impl Kind {
    fn command(self) -> &'static str {
        match self {
            Kind::Pick => "cherry-pick",
            Kind::Revert => "revert",
            Kind::Rebase => "rebase",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Kind::Revert => "REVERT_HEAD",
            Kind::Pick => "CHERRY_PICK_HEAD",
            Kind::Rebase => "REBASE_HEAD",
        }
    }

    /// Where what is still to do is kept.
    fn folder(self) -> &'static str {
        if self == Kind::Rebase { "rebase-merge" } else { "sequencer" }
    }
}

/// What the command line wishes.
#[derive(Clone, Default)]
struct Wishes {
    no_commit: bool,
    mainline: Option<usize>,
    origin: bool,
    signoff: bool,
    empty: bool,
}

/// How one commit went.
enum Done {
    /// It is in.
    Made(ObjectId),
    /// It would change nothing.
    Nothing,
    /// It is in conflict.
    Conflict,
}

fn apply(session: &Session<'_>, commit: &Commit, kind: Kind, wishes: &Wishes) -> Result<Done> {
    let empty = ObjectId::empty_tree(session.repo.object_hash());
    let number = match (commit.parents.len(), wishes.mainline) {
        (0 | 1, None) => 0,
        (0 | 1, Some(_)) => {
            return Err(fatal!("mainline was specified but commit {} is not a merge.", commit.id));
        }
        (_, None) => {
            return Err(Error::Text(
                format!(
                    "error: commit {} is a merge but no -m option was given.\nfatal: {} failed\n",
                    commit.id,
                    kind.command()
                ),
                128,
            ));
        }
        (count, Some(number)) if number == 0 || number > count => {
            return Err(fatal!("commit {} does not have parent {number}", commit.id));
        }
        (_, Some(number)) => number - 1,
    };
    let parent = commit.parents.get(number).copied();
    let parent_tree = parent.map_or(Ok(empty), |parent| session.tree_of(parent))?;
    let name = format!("{} ({})", session.short(commit.id), commit.subject());
    let above = format!("parent of {name}");
    let (base, theirs, labels) = match kind {
        Kind::Revert => (commit.tree, parent_tree, Labels { base: &name, ours: "HEAD", theirs: &above }),
        _ => (parent_tree, commit.tree, Labels { base: &above, ours: "HEAD", theirs: &name }),
    };
    let mut index = session.index()?;
    let head = session.head();
    let head_tree = head.map_or(Ok(empty), |head| session.tree_of(head))?;
    let ours = if wishes.no_commit { crate::tree::write(session, &index)? } else { head_tree };
    if !wishes.no_commit
        && !crate::status::staged(session, Some(head_tree), &index, &Default::default())?.is_empty()
    {
        return Err(Error::Text(
            format!(
                "error: your local changes would be overwritten by {0}.\nhint: commit your changes or stash them to proceed.\nfatal: {0} failed\n",
                kind.command()
            ),
            128,
        ));
    }
    let merged = merging::trees(session, base, ours, theirs, &labels, None)?;
    merged.apply(session, &mut index, Some(ours))?;
    index.write()?;
    for message in &merged.messages {
        session.out().line(message)?;
    }
    let mut message = match kind {
        Kind::Revert => {
            let of = match (commit.parents.len() > 1, parent) {
                (true, Some(parent)) => format!(", reversing\nchanges made to {parent}"),
                _ => String::new(),
            };
            let subject = commit.subject();
            match subject.strip_prefix(b"Revert \"").and_then(|rest| rest.strip_suffix(b"\"")) {
                Some(rest) => BString::from(format!(
                    "Reapply \"{}\"\n\nThis reverts commit {}{of}.\n",
                    rest.as_bstr(),
                    commit.id
                )),
                None => {
                    BString::from(format!("Revert \"{subject}\"\n\nThis reverts commit {}{of}.\n", commit.id))
                }
            }
        }
        _ => commit.message.clone(),
    };
    if wishes.origin {
        super::commit::append_trailer(
            &mut message,
            format!("(cherry picked from commit {})", commit.id).as_bytes().as_bstr(),
        );
    }
    let committer = ident::person(session, Role::Committer)?;
    if wishes.signoff {
        super::commit::append_trailer(
            &mut message,
            format!("Signed-off-by: {}", committer.who()).as_bytes().as_bstr(),
        );
    }
    if !merged.is_clean() {
        message.extend_from_slice(merging::remark(&merged.conflicts()).as_bytes());
        fs::write(session.own("MERGE_MSG"), &message)?;
        if !wishes.no_commit {
            fs::write(session.own(kind.head()), format!("{}\n", commit.id))?;
        }
        return Ok(Done::Conflict);
    }
    if wishes.no_commit {
        return Ok(Done::Nothing);
    }
    if merged.tree == head_tree && !wishes.empty {
        // A commit that was empty from the beginning is kept by a rebase.
        if kind != Kind::Rebase || parent_tree != commit.tree {
            if kind != Kind::Rebase {
                fs::write(session.own(kind.head()), format!("{}\n", commit.id))?;
                fs::write(session.own("MERGE_MSG"), &message)?;
            }
            return Ok(Done::Nothing);
        }
    }
    let author =
        if kind == Kind::Revert { ident::person(session, Role::Author)? } else { commit.author.clone() };
    let message = clean(message.as_bstr(), false);
    let parents: Vec<ObjectId> = head.into_iter().collect();
    let id = create(session, merged.tree, &parents, &author, &committer, message.as_bstr())?;
    let what = match kind {
        Kind::Rebase => "rebase (pick)".to_owned(),
        kind => kind.command().to_owned(),
    };
    let subject = crate::commit::subject(message.as_bstr());
    refs::set(session, b"HEAD".as_bstr(), id, format!("{what}: {subject}").as_bytes().as_bstr())?;
    Ok(Done::Made(id))
}

fn complaint(session: &Session<'_>, commit: &Commit, kind: Kind) -> Error {
    let command = kind.command();
    let verb = if kind == Kind::Revert { "revert" } else { "apply" };
    let mut text = format!("error: could not {verb} {}... {}\n", session.short(commit.id), commit.subject());
    if kind == Kind::Rebase {
        text.push_str(&format!(
            "hint: Resolve all conflicts manually, mark them as resolved with\n\
             hint: \"git add/rm <conflicted_files>\", then run \"git rebase --continue\".\n\
             hint: You can instead skip this commit: run \"git rebase --skip\".\n\
             hint: To abort and get back to the state before \"git rebase\", run \"git rebase --abort\".\n\
             hint: Disable this message with \"git config advice.mergeConflict false\"\n\
             Could not apply {}... {}\n",
            session.short(commit.id),
            commit.subject()
        ));
    } else {
        text.push_str(&format!(
            "hint: After resolving the conflicts, mark them with\nhint: \"git add/rm <pathspec>\", then run\n\
             hint: \"git {command} --continue\".\nhint: You can instead skip this commit with \"git {command} --skip\".\n\
             hint: To abort and get back to the state before \"git {command}\",\nhint: run \"git {command} --abort\".\n\
             hint: Disable this message with \"git config advice.mergeConflict false\"\n"
        ));
    }
    Error::Text(text, 1)
}

fn save(session: &Session<'_>, kind: Kind, todo: &[ObjectId], start: ObjectId) -> Result {
    let folder = session.own(kind.folder());
    fs::create_dir_all(&folder)?;
    let word = if kind == Kind::Revert { "revert" } else { "pick" };
    let mut text = String::new();
    for id in todo {
        text.push_str(&format!("{word} {id} {}\n", Commit::read(session, *id)?.subject()));
    }
    fs::write(folder.join(if kind == Kind::Rebase { "git-rebase-todo" } else { "todo" }), text)?;
    let head = folder.join(if kind == Kind::Rebase { "orig-head" } else { "head" });
    if !head.exists() {
        fs::write(head, format!("{start}\n"))?;
    }
    Ok(())
}

fn load(session: &Session<'_>, kind: Kind) -> Vec<ObjectId> {
    let name = if kind == Kind::Rebase { "rebase-merge/git-rebase-todo" } else { "sequencer/todo" };
    let text = session.read_own(name).unwrap_or_default();
    text.lines().filter_map(|line| session.try_commit(line.split_str(b" ").nth(1)?.as_bstr())).collect()
}

fn run(session: &Session<'_>, list: &[ObjectId], kind: Kind, wishes: &Wishes) -> Result {
    let start = session.head().ok_or_else(|| fatal!("your current branch does not have any commits yet"))?;
    let done = count(session, "msgnum");
    let total = count(session, "end");
    for (at, id) in list.iter().enumerate() {
        let commit = Commit::read(session, *id)?;
        let rest = &list[at + 1..];
        if kind == Kind::Rebase {
            fs::write(session.own("rebase-merge/msgnum"), format!("{}\n", done + at + 1))?;
            let line = format!("pick {} {}\n", commit.id, commit.subject());
            let mut told = session.read_own("rebase-merge/done").unwrap_or_default();
            told.extend_from_slice(line.as_bytes());
            fs::write(session.own("rebase-merge/done"), told)?;
            session.say(format!("Rebasing ({}/{total})\r", done + at + 1))?;
        }
        match apply(session, &commit, kind, wishes)? {
            Done::Made(id) => {
                if kind != Kind::Rebase {
                    report(session, &Commit::read(session, id)?, true)?;
                }
            }
            Done::Nothing if wishes.no_commit => {}
            Done::Nothing if kind == Kind::Rebase => {
                session.say(format!(
                    "dropping {} {} -- patch contents already upstream\n",
                    commit.id,
                    commit.subject()
                ))?;
            }
            Done::Nothing => {
                if list.len() > 1 {
                    save(session, kind, rest, start)?;
                }
                return Err(nothing(session, kind)?);
            }
            Done::Conflict => {
                if kind == Kind::Rebase || list.len() > 1 {
                    save(session, kind, rest, start)?;
                }
                return Err(complaint(session, &commit, kind));
            }
        }
    }
    Ok(())
}

/// A number that a rebase keeps.
fn count(session: &Session<'_>, name: &str) -> usize {
    let text = session.read_own(&format!("rebase-merge/{name}")).unwrap_or_default();
    text.trim().to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What is said where a commit would change nothing.
fn nothing(session: &Session<'_>, kind: Kind) -> Result<Error> {
    let mut index = session.index()?;
    let status = crate::status::Status::new(
        session,
        &mut index,
        Some(crate::worktree::Depth::Folders),
        false,
        &Default::default(),
    )?;
    let status = status.long(session, true)?;
    session.out().bytes(status)?;
    let command = kind.command();
    let text = if kind == Kind::Pick {
        format!(
            "The previous {command} is now empty, possibly due to conflict resolution.\nIf you wish to commit it anyway, use:\n\n    \
             git commit --allow-empty\n\nOtherwise, please use 'git cherry-pick --skip'\n"
        )
    } else {
        String::new()
    };
    Ok(Error::Text(text, 1))
}

fn commits(session: &Session<'_>, names: &[BString]) -> Result<Vec<ObjectId>> {
    let mut found = Vec::new();
    for name in names {
        if name.find(b"..").is_some() {
            let mut range = Range::default();
            if range.take(session, name.as_bstr())? {
                let mut list = Vec::new();
                let walk = Walk { range, order: Order::Topo, ..Walk::default() };
                walk.run(session, &mut |commit| {
                    list.push(commit.id);
                    Ok(true)
                })?;
                list.reverse();
                found.extend(list);
                continue;
            }
        }
        found.push(session.try_commit(name.as_bstr()).ok_or_else(|| fatal!("bad revision '{name}'"))?);
    }
    Ok(found)
}

fn sequence(globals: &Globals, arguments: &[BString], kind: Kind) -> Result {
    let command = kind.command();
    let usage = format!("git {command} [--edit] [-n] [-m <parent-number>] [-s] [-x] <commit>...");
    let parsed = parse(
        arguments,
        &[
            ("n no-commit", Takes::Nothing),
            ("e edit", Takes::Nothing),
            ("x", Takes::Nothing),
            ("m mainline", Takes::Value),
            ("s signoff", Takes::Nothing),
            ("allow-empty", Takes::Nothing),
            ("keep-redundant-commits", Takes::Nothing),
            ("continue", Takes::Nothing),
            ("abort", Takes::Nothing),
            ("skip", Takes::Nothing),
            ("quit", Takes::Nothing),
            ("X strategy-option", Takes::Value),
            ("no-gpg-sign", Takes::Nothing),
        ],
        &usage,
    )?;
    let session = &globals.session()?;
    session.root()?;
    let wishes = Wishes {
        no_commit: parsed.has("no-commit") || parsed.negated("commit"),
        mainline: parsed.number("mainline")?,
        origin: parsed.has("x"),
        signoff: parsed.has("signoff"),
        empty: parsed.has("keep-redundant-commits"),
    };
    if let Some(step) = parsed.last_of(&["continue", "abort", "skip", "quit"]) {
        return resume(session, globals, kind, step, &wishes);
    }
    if parsed.rest.is_empty() {
        return Err(Error::Text(format!("usage: {usage}\n"), 129));
    }
    let mut list = commits(session, &parsed.rest)?;
    if kind == Kind::Revert && parsed.rest.iter().any(|name| name.find(b"..").is_some()) {
        list.reverse();
    }
    if list.is_empty() {
        return Err(fatal!("empty commit set passed"));
    }
    run(session, &list, kind, &wishes)
}

fn resume(session: &Session<'_>, globals: &Globals, kind: Kind, step: &str, wishes: &Wishes) -> Result {
    let command = kind.command();
    let stopped = session.own(kind.head()).exists();
    let running = session.own("sequencer").exists();
    if !stopped && !running {
        return Err(Error::Text(
            format!("error: no cherry-pick or revert in progress\nfatal: {command} failed\n"),
            128,
        ));
    }
    let todo = load(session, kind);
    match step {
        "quit" => {
            forget_progress(session);
            let _ = fs::remove_dir_all(session.own("sequencer"));
            return Ok(());
        }
        "abort" => {
            let start =
                session.read_own("sequencer/head").and_then(|text| ObjectId::from_hex(text.trim()).ok());
            super::merge::abort(session)?;
            if let Some(start) = start {
                let mut index = session.index()?;
                switch::force(session, &mut index, Some(session.tree_of(start)?))?;
                index.write()?;
                refs::set(
                    session,
                    b"HEAD".as_bstr(),
                    start,
                    format!("reset: moving to {start}").as_bytes().as_bstr(),
                )?;
            }
            let _ = fs::remove_dir_all(session.own("sequencer"));
            return Ok(());
        }
        "skip" => super::merge::abort(session)?,
        _ => {
            if stopped {
                super::commit::commit(globals, &["--no-edit".into(), "--cleanup=strip".into()])?;
            }
        }
    }
    let _ = fs::remove_dir_all(session.own("sequencer"));
    if todo.is_empty() { Ok(()) } else { run(session, &todo, kind, wishes) }
}

/// `git cherry-pick`.
pub fn cherry_pick(globals: &Globals, arguments: &[BString]) -> Result {
    sequence(globals, arguments, Kind::Pick)
}

/// `git revert`.
pub fn revert(globals: &Globals, arguments: &[BString]) -> Result {
    sequence(globals, arguments, Kind::Revert)
}

/// `git rebase`, without an editor.
pub fn rebase(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("onto", Takes::Value),
            ("continue", Takes::Nothing),
            ("abort", Takes::Nothing),
            ("skip", Takes::Nothing),
            ("quit", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("root", Takes::Nothing),
            ("f force-rebase no-ff", Takes::Nothing),
            ("i interactive", Takes::Nothing),
            ("m merge", Takes::Nothing),
            ("stat", Takes::Nothing),
            ("no-autosquash", Takes::Nothing),
            ("no-autostash", Takes::Nothing),
        ],
        "git rebase [-i] [options] [--onto <newbase> | --keep-base] [<upstream> [<branch>]]",
    )?;
    let session = &globals.session()?;
    session.root()?;
    if let Some(step) = parsed.last_of(&["continue", "abort", "skip", "quit"]) {
        return resume_rebase(session, globals, step);
    }
    if session.own("rebase-merge").exists() {
        return Err(fatal!(
            "It seems that there is already a rebase-merge directory, and\n\
             I wonder if you are in the middle of another rebase.  If that is the\ncase, please try\n\
             \tgit rebase (--continue | --abort | --skip)\nIf that is not the case, please\n\
             \trm -fr \".git/rebase-merge\"\nand run me again.  I am stopping in case you still have something\nvaluable there.\n"
        ));
    }
    if parsed.has("interactive") {
        return Err(Error::Failed(
            "there was a problem with the editor: Terminal is dumb, but EDITOR unset".into(),
            1,
        ));
    }
    start_rebase(session, &parsed)
}

fn dirty(session: &Session<'_>) -> Result {
    let mut index = session.index()?;
    let changes = crate::worktree::Files::new(session, &index)?.changes(&mut index, &Default::default())?;
    let staged = crate::status::staged(session, session.head_tree()?, &index, &Default::default())?;
    let mut text = String::new();
    if !changes.is_empty() {
        text.push_str("error: cannot rebase: You have unstaged changes.\n");
    }
    if !staged.is_empty() {
        text.push_str(if changes.is_empty() {
            "error: cannot rebase: Your index contains uncommitted changes.\n"
        } else {
            "error: additionally, your index contains uncommitted changes.\n"
        });
    }
    if text.is_empty() {
        return Ok(());
    }
    text.push_str("error: Please commit or stash them.\n");
    Err(Error::Text(text, 1))
}

fn start_rebase(session: &Session<'_>, parsed: &Parsed) -> Result {
    dirty(session)?;
    let branch = session.head_ref();
    let upstream: BString = match parsed.rest.first() {
        Some(name) => name.clone(),
        None => match branch.as_ref().and_then(|branch| crate::status::upstream(session, branch.as_bstr())) {
            Some(upstream) => shorten(upstream.as_bstr()),
            None => {
                let shown = branch.as_ref().map_or_else(|| "HEAD".into(), |branch| shorten(branch.as_bstr()));
                session.out().bytes(format!(
                    "There is no tracking information for the current branch.\nPlease specify which branch you want to rebase against.\n\
                     See git-rebase(1) for details.\n\n    git rebase '<branch>'\n\n\
                     If you wish to set tracking information for this branch you can do so with:\n\n    \
                     git branch --set-upstream-to=<remote>/<branch> {shown}\n\n"
                ))?;
                return Err(Error::Status(1));
            }
        },
    };
    if let Some(name) = parsed.rest.get(1)
        && branch.as_ref().is_none_or(|branch| shorten(branch.as_bstr()) != *name)
    {
        super::checkout::checkout(session.globals, &["-q".into(), name.clone()])?;
        let again = session.globals.session()?;
        return rebase_onto(&again, parsed, &upstream);
    }
    rebase_onto(session, parsed, &upstream)
}

fn rebase_onto(session: &Session<'_>, parsed: &Parsed, upstream: &BString) -> Result {
    let branch = session.head_ref();
    let shown = branch.as_ref().map_or_else(|| "HEAD".into(), |branch| shorten(branch.as_bstr()));
    let head = session.head().ok_or_else(|| fatal!("your current branch does not have any commits yet"))?;
    let base =
        session.try_commit(upstream.as_bstr()).ok_or_else(|| fatal!("invalid upstream '{upstream}'"))?;
    let onto_name = parsed.value("onto").map_or_else(|| upstream.clone(), ToOwned::to_owned);
    let onto = session
        .try_commit(onto_name.as_bstr())
        .ok_or_else(|| fatal!("Does not point to a valid commit '{onto_name}'"))?;
    let walk = Walk {
        range: Range { tips: vec![head], hidden: vec![base], symmetric: None },
        order: Order::Topo,
        ..Walk::default()
    };
    let mut list = Vec::new();
    walk.run(session, &mut |commit| {
        if commit.parents.len() < 2 {
            list.push(commit.id);
        }
        Ok(true)
    })?;
    list.reverse();
    let linear = crate::walk::is_ancestor(session, onto, head)? && parsed.value("onto").is_none();
    if linear && !parsed.has("force-rebase") {
        return session.out().line(match &branch {
            Some(_) => format!("Current branch {shown} is up to date."),
            None => "HEAD is up to date.".into(),
        });
    }
    let folder = session.own("rebase-merge");
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("head-name"),
        format!("{}\n", branch.as_ref().map_or_else(|| "detached HEAD".into(), |name| name.clone())),
    )?;
    fs::write(folder.join("onto"), format!("{onto}\n"))?;
    fs::write(folder.join("orig-head"), format!("{head}\n"))?;
    fs::write(folder.join("end"), format!("{}\n", list.len()))?;
    let mut index = session.index()?;
    let moved = switch::two_way(
        session,
        &mut index,
        Some(session.tree_of(head)?),
        Some(session.tree_of(onto)?),
        Verb::Checkout,
    );
    if let Err(error) = moved {
        let _ = fs::remove_dir_all(&folder);
        return Err(error);
    }
    index.write()?;
    fs::write(session.own("ORIG_HEAD"), format!("{head}\n"))?;
    refs::detach(session, onto)?;
    refs::log(
        session,
        "HEAD",
        Some(head),
        Some(onto),
        format!("rebase (start): checkout {onto_name}").as_bytes().as_bstr(),
    )?;
    run(session, &list, Kind::Rebase, &Wishes::default())?;
    finish_rebase(session)
}

fn finish_rebase(session: &Session<'_>) -> Result {
    let name = session.read_own("rebase-merge/head-name").unwrap_or_default();
    let name = BString::from(name.trim());
    let old =
        session.read_own("rebase-merge/orig-head").and_then(|text| ObjectId::from_hex(text.trim()).ok());
    let onto = session.read_own("rebase-merge/onto").unwrap_or_default();
    let head = session.head().ok_or_else(|| fatal!("no HEAD"))?;
    if name.starts_with(b"refs/") {
        let message = format!("rebase (finish): {name} onto {}", onto.trim().as_bstr());
        refs::set(session, name.as_bstr(), head, message.as_bytes().as_bstr())?;
        refs::set_symbolic(session, "HEAD", name.as_bstr())?;
        refs::log(
            session,
            "HEAD",
            Some(head),
            Some(head),
            format!("rebase (finish): returning to {name}").as_bytes().as_bstr(),
        )?;
    }
    let _ = old;
    let _ = fs::remove_dir_all(session.own("rebase-merge"));
    forget_progress(session);
    let shown = if name.starts_with(b"refs/") { name } else { "HEAD".into() };
    session.say(format!("Successfully rebased and updated {shown}.\n"))
}

fn resume_rebase(session: &Session<'_>, globals: &Globals, step: &str) -> Result {
    if !session.own("rebase-merge").exists() {
        return Err(fatal!("no rebase in progress"));
    }
    match step {
        "quit" => {
            forget_progress(session);
            fs::remove_dir_all(session.own("rebase-merge"))?;
            return Ok(());
        }
        "abort" => {
            let old = session
                .read_own("rebase-merge/orig-head")
                .and_then(|text| ObjectId::from_hex(text.trim()).ok())
                .ok_or_else(|| fatal!("could not read '.git/rebase-merge/orig-head'"))?;
            let name = session.read_own("rebase-merge/head-name").unwrap_or_default();
            let name = name.trim().as_bstr();
            let head = session.head();
            let mut index = session.index()?;
            switch::force(session, &mut index, Some(session.tree_of(old)?))?;
            index.write()?;
            if name.starts_with(b"refs/") {
                refs::set_symbolic(session, "HEAD", name)?;
            } else {
                refs::detach(session, old)?;
            }
            refs::log(
                session,
                "HEAD",
                head,
                Some(old),
                format!("rebase (abort): returning to {name}").as_bytes().as_bstr(),
            )?;
            forget_progress(session);
            fs::remove_dir_all(session.own("rebase-merge"))?;
            return Ok(());
        }
        "skip" => {
            let mut index = session.index()?;
            switch::force(session, &mut index, session.head_tree()?)?;
            index.write()?;
            forget_progress(session);
        }
        _ => {
            if session.own("REBASE_HEAD").exists() {
                let index = session.index()?;
                if let Some((path, _)) = index.conflicts().iter().next() {
                    session.out().line(format!("{path}: needs merge"))?;
                    return Err(Error::Text(
                        "You must edit all merge conflicts and then\nmark them as resolved using git add\n"
                            .into(),
                        1,
                    ));
                }
                let picked = session.read_own("REBASE_HEAD").unwrap_or_default();
                let id = BString::from(picked.trim());
                // A resolution that changes nothing leaves nothing to commit.
                if crate::status::staged(session, session.head_tree()?, &index, &Default::default())?
                    .is_empty()
                {
                    forget_progress(session);
                } else {
                    let message = session.own("MERGE_MSG").display().to_string();
                    let author = Commit::read(session, session.commit(id.as_bstr())?)?.author;
                    let arguments = [
                        "--cleanup=strip".into(),
                        "-F".into(),
                        message.into(),
                        "--author".into(),
                        author.who(),
                        "--date".into(),
                        crate::ident::raw(author.time).into(),
                    ];
                    super::commit::commit(globals, &arguments)?;
                }
            }
        }
    }
    let again = &globals.session()?;
    let todo = load(again, Kind::Rebase);
    run(again, &todo, Kind::Rebase, &Wishes::default())?;
    finish_rebase(again)
}

/// A commit's short name and subject.
pub fn title(session: &Session<'_>, id: ObjectId) -> Result<String> {
    Ok(format!("{} {}", session.short(id), Commit::read(session, id)?.subject()))
}
