//! `git reset`.

use gix::bstr::{BString, ByteSlice};

use crate::commit::Commit;
use crate::error::{Error, Result, fatal};
use crate::index::Index;
use crate::options::{Takes, parse};
use crate::pathspec::Pathspec;
use crate::refs;
use crate::session::{Globals, Session};
use crate::status::place;
use crate::switch::{self, Verb};
use crate::tree;
use crate::walk::revisions;
use crate::worktree::Files;

/// `git reset`.
pub fn reset(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("soft", Takes::Nothing),
            ("mixed", Takes::Nothing),
            ("hard", Takes::Nothing),
            ("keep", Takes::Nothing),
            ("merge", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("no-refresh", Takes::Nothing),
            ("refresh", Takes::Nothing),
            ("N intent-to-add", Takes::Nothing),
        ],
        "git reset [--mixed | --soft | --hard | --merge | --keep] [-q] [<commit>]",
    )?;
    let session = &globals.session()?;
    let mode = parsed.last_of(&["soft", "mixed", "hard", "keep", "merge"]);
    let mut target: Option<BString> = None;
    let paths = revisions(session, &parsed.rest, parsed.separator, &mut |name| {
        if target.is_none() && session.try_object(name).is_some() {
            target = Some(name.to_owned());
            return Ok(true);
        }
        Ok(false)
    })?;
    let name = target.unwrap_or_else(|| "HEAD".into());
    if !paths.is_empty() {
        match mode {
            Some("mixed") | None => {}
            Some(mode) => {
                return Err(fatal!("Cannot do {mode} reset with paths."));
            }
        }
        return reset_paths(session, &name, &paths, parsed.has("quiet"));
    }
    let born = session.head();
    let commit = match session.try_commit(name.as_bstr()) {
        Some(commit) => Some(commit),
        None if name == "HEAD" && born.is_none() => None,
        None => return Err(session.commit(name.as_bstr()).err().unwrap_or(Error::Status(128))),
    };
    let tree = commit.map(|commit| session.tree_of(commit)).transpose()?;
    let mut index = session.index()?;
    let mode = mode.unwrap_or("mixed");
    if mode != "soft" && mode != "mixed" {
        session.root()?;
    }
    match mode {
        "soft" => {
            if !index.conflicts().is_empty() || session.own("MERGE_HEAD").exists() {
                return Err(fatal!("Cannot do a soft reset in the middle of a merge."));
            }
        }
        "hard" => switch::force(session, &mut index, tree)?,
        "keep" | "merge" => {
            let conflicts = index.conflicts();
            for path in conflicts.keys() {
                index.remove(path.as_bstr());
            }
            let head = session.head_tree()?;
            if mode == "merge" {
                switch::force(session, &mut index, tree)?;
            } else {
                switch::two_way(session, &mut index, head, tree, Verb::Merge)?;
            }
        }
        _ => switch::index_only(session, &mut index, tree)?,
    }
    if mode != "soft" {
        index.write()?;
    }
    if let Some(commit) = commit {
        if let Some(old) = born {
            std::fs::write(session.own("ORIG_HEAD"), format!("{old}\n"))?;
        }
        refs::set(
            session,
            b"HEAD".as_bstr(),
            commit,
            format!("reset: moving to {name}").as_bytes().as_bstr(),
        )?;
        if mode != "soft" {
            super::commit::forget_progress(session);
        }
        if mode == "hard" && !parsed.has("quiet") {
            let commit = Commit::read(session, commit)?;
            session.out().line(format!(
                "HEAD is now at {} {}",
                session.short(commit.id),
                commit.subject()
            ))?;
        }
    }
    if mode == "mixed" && !parsed.has("quiet") && session.repo.workdir().is_some() {
        unstaged(session, &mut index)?;
    }
    Ok(())
}

/// What differs from the index afterwards.
fn unstaged(session: &Session<'_>, index: &mut Index) -> Result {
    let changes = Files::new(session, index)?.changes(index, &Pathspec::default())?;
    if changes.is_empty() {
        return Ok(());
    }
    session.out().line("Unstaged changes after reset:")?;
    for change in changes {
        session.out().line(format!("{}\t{}", change.letter(), place(session, change.path.as_bstr())))?;
    }
    Ok(())
}

fn reset_paths(session: &Session<'_>, name: &BString, paths: &[BString], quiet: bool) -> Result {
    let wanted = Pathspec::new(session, paths)?;
    let mut index = session.index()?;
    let tree = match session.try_object(name.as_bstr()) {
        Some(object) => {
            let object = session.repo.find_object(object).map_err(crate::error::library)?;
            Some(object.peel_to_kind(gix::objs::Kind::Tree).map_err(crate::error::library)?.id)
        }
        None => None,
    };
    let base = tree::flatten(session, tree)?;
    let tracked: Vec<BString> = index.entries.keys().map(|(path, _)| path.clone()).collect();
    for path in tracked.iter().chain(base.keys()).filter(|path| wanted.matches(path.as_bstr())) {
        match base.get(path) {
            Some(item) => {
                let known =
                    index.get(path.as_bstr()).filter(|entry| entry.id == item.id && entry.mode == item.mode);
                let stat = known.map(|entry| entry.stat);
                index.set(path.as_bstr(), item.mode, item.id, stat);
            }
            None => {
                index.remove(path.as_bstr());
            }
        }
    }
    index.write()?;
    if quiet { Ok(()) } else { unstaged(session, &mut index) }
}
