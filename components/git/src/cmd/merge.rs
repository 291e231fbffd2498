//! `git merge`.

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::merge::tree::FileFavor;

use super::commit::{clean, create, forget_progress, read_message};
use crate::diff::options::Options;
use crate::diff::stat::Widths;
use crate::diff::{self, Contents};
use crate::error::{Error, Result, fatal};
use crate::ident::{self, Role};
use crate::merging::{self, Labels};
use crate::options::{Takes, parse};
use crate::refs;
use crate::session::{Globals, Session};
use crate::status::shorten;
use crate::switch::{self, Verb};
use crate::tree;
use crate::walk::is_ancestor;

/// The counts that a merge shows when it is done.
pub fn show_stat(session: &Session<'_>, old: ObjectId, new: ObjectId) -> Result {
    let changes =
        tree::diff(session, Some(session.tree_of(old)?), Some(session.tree_of(new)?), &mut |_| true)?;
    let options =
        Options { stat: Some(Widths::default()), summary: true, renames: Some(50), ..Options::default() };
    let mut contents = Contents::new(session, None)?;
    let changes = diff::prepare(session, changes, &options, &mut contents)?;
    diff::show(session, &changes, &options, &mut contents)
}

/// What a merge may and may not do.
#[derive(Default)]
pub struct Wishes {
    /// `--no-ff`.
    pub no_forward: bool,
    /// `--ff-only`.
    pub only_forward: bool,
    /// `--squash`.
    pub squash: bool,
    /// `--no-commit`.
    pub no_commit: bool,
    /// `--quiet`.
    pub quiet: bool,
    /// `--no-stat`.
    pub no_stat: bool,
    /// `--allow-unrelated-histories`.
    pub unrelated: bool,
    /// `-m`.
    pub message: Option<BString>,
    /// `-X`.
    pub favor: Option<FileFavor>,
    /// What reflogs call it.
    pub action: Option<String>,
}

/// `git merge`.
pub fn merge(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("m message", Takes::Value),
            ("F file", Takes::Value),
            ("ff", Takes::Nothing),
            ("ff-only", Takes::Nothing),
            ("squash", Takes::Nothing),
            ("commit", Takes::Nothing),
            ("e edit", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("v verbose", Takes::Nothing),
            ("n no-stat", Takes::Nothing),
            ("stat", Takes::Nothing),
            ("abort", Takes::Nothing),
            ("quit", Takes::Nothing),
            ("continue", Takes::Nothing),
            ("s strategy", Takes::Value),
            ("X strategy-option", Takes::Value),
            ("allow-unrelated-histories", Takes::Nothing),
            ("no-verify", Takes::Nothing),
            ("no-gpg-sign", Takes::Nothing),
            ("progress", Takes::Nothing),
            ("log", Takes::Glued),
        ],
        "git merge [<options>] [<commit>...]",
    )?;
    let session = &globals.session()?;
    session.root()?;
    let merging = session.own("MERGE_HEAD").exists();
    if parsed.has("abort") {
        if !merging {
            return Err(fatal!("There is no merge to abort (MERGE_HEAD missing)."));
        }
        return abort(session);
    }
    if parsed.has("quit") {
        forget_progress(session);
        return Ok(());
    }
    if parsed.has("continue") {
        if !merging {
            return Err(fatal!("There is no merge in progress (MERGE_HEAD missing)."));
        }
        return super::commit::commit(globals, &["--no-edit".into()]);
    }
    let index = session.index()?;
    if !index.conflicts().is_empty() {
        return Err(Error::Text(
            "error: Merging is not possible because you have unmerged files.\n\
             hint: Fix them up in the work tree, and then use 'git add/rm <file>'\n\
             hint: as appropriate to mark resolution and make a commit.\n\
             fatal: Exiting because of an unresolved conflict.\n"
                .into(),
            128,
        ));
    }
    if merging {
        return Err(Error::Text(
            "fatal: You have not concluded your merge (MERGE_HEAD exists).\nPlease, commit your changes before you merge.\n".into(),
            128,
        ));
    }
    if let Some(strategy) = parsed.value("strategy")
        && !matches!(strategy.as_bytes(), b"ort" | b"recursive" | b"resolve")
    {
        return Err(Error::Text(
            format!(
                "Could not find merge strategy '{strategy}'.\nAvailable strategies are: ort recursive resolve.\n"
            ),
            1,
        ));
    }
    let favor = match parsed.value("strategy-option").map(|option| option.as_bytes()) {
        Some(b"ours") => Some(FileFavor::Ours),
        Some(b"theirs") => Some(FileFavor::Theirs),
        Some(other) => return Err(fatal!("unknown strategy option: -X{}", other.as_bstr())),
        None => None,
    };
    let mut message: Option<BString> = None;
    for part in parsed.values("message") {
        let text = message.get_or_insert_default();
        if !text.is_empty() {
            text.extend_from_slice(b"\n\n");
        }
        text.extend_from_slice(part);
    }
    if let Some(path) = parsed.value("file") {
        message = Some(read_message(path)?);
    }
    let configured = session.config("merge.ff");
    let wishes = Wishes {
        no_forward: parsed.negated("ff")
            || (configured.as_ref().is_some_and(|value| value == "false") && !parsed.has("ff")),
        only_forward: parsed.has("ff-only")
            || (configured.as_ref().is_some_and(|value| value == "only")
                && !parsed.has("ff")
                && !parsed.negated("ff")),
        squash: parsed.has("squash"),
        no_commit: parsed.negated("commit"),
        quiet: parsed.has("quiet"),
        no_stat: parsed.has("no-stat") || parsed.negated("stat"),
        unrelated: parsed.has("allow-unrelated-histories"),
        message,
        favor,
        action: None,
    };
    let name = match parsed.rest.as_slice() {
        [name] => name.clone(),
        [] => {
            let branch = session.head_ref().ok_or_else(|| fatal!("No current branch."))?;
            let upstream = crate::status::upstream(session, branch.as_bstr())
                .ok_or_else(|| fatal!("No remote for the current branch."))?;
            shorten(upstream.as_bstr())
        }
        _ => return Err(fatal!("merging more than one commit at once is not available here")),
    };
    let Some(theirs) = session.try_commit(name.as_bstr()) else {
        return Err(Error::Text(format!("merge: {name} - not something we can merge\n"), 1));
    };
    let mut title = format!("Merge {}", merging::describe(session, name.as_bstr()));
    if let Some(branch) = session.head_ref() {
        let branch = shorten(branch.as_bstr());
        if branch != "main" && branch != "master" {
            title.push_str(&format!(" into {branch}"));
        }
    } else {
        title.push_str(" into HEAD");
    }
    run(session, &name.to_string(), theirs, &title, &wishes)
}

/// Merges a commit into what is checked out.
pub fn run(session: &Session<'_>, name: &str, theirs: ObjectId, title: &str, wishes: &Wishes) -> Result {
    let out = session.out();
    let action = wishes.action.clone().unwrap_or_else(|| format!("merge {name}"));
    let mut index = session.index()?;
    let Some(ours) = session.head() else {
        switch::two_way(session, &mut index, None, Some(session.tree_of(theirs)?), Verb::Merge)?;
        index.write()?;
        return refs::set(session, b"HEAD".as_bstr(), theirs, b"initial pull".as_bstr());
    };
    if is_ancestor(session, theirs, ours)? {
        return if wishes.quiet { Ok(()) } else { out.line("Already up to date.") };
    }
    let forward = is_ancestor(session, ours, theirs)?;
    if forward && !wishes.no_forward {
        if !wishes.quiet {
            out.line(format!("Updating {}..{}", session.short(ours), session.short(theirs)))?;
        }
        out.flush()?;
        switch::two_way(
            session,
            &mut index,
            Some(session.tree_of(ours)?),
            Some(session.tree_of(theirs)?),
            Verb::Merge,
        )?;
        index.write()?;
        if wishes.squash {
            out.line("Fast-forward")?;
            write_squash(session, ours, theirs)?;
            session.out().line("Squash commit -- not updating HEAD")?;
        } else {
            std::fs::write(session.own("ORIG_HEAD"), format!("{ours}\n"))?;
            refs::set(
                session,
                b"HEAD".as_bstr(),
                theirs,
                format!("{action}: Fast-forward").as_bytes().as_bstr(),
            )?;
            if !wishes.quiet {
                out.line("Fast-forward")?;
            }
        }
        if !wishes.quiet && !wishes.no_stat {
            show_stat(session, ours, theirs)?;
        }
        return Ok(());
    }
    if wishes.only_forward {
        session.say(
            "hint: Diverging branches can't be fast-forwarded, you need to either:\nhint:\nhint: \tgit merge --no-ff\nhint:\n\
             hint: or:\nhint:\nhint: \tgit rebase\nhint:\n\
             hint: Disable this message with \"git config advice.diverging false\"\n",
        )?;
        return Err(fatal!("Not possible to fast-forward, aborting."));
    }
    let (base, base_name) = match merging::base_tree(session, ours, theirs)? {
        Some(found) => found,
        None if wishes.unrelated => (ObjectId::empty_tree(session.repo.object_hash()), "empty tree".into()),
        None => return Err(fatal!("refusing to merge unrelated histories")),
    };
    let our_tree = session.tree_of(ours)?;
    // What is staged already would be lost in the commit.
    let staged = crate::status::staged(session, Some(our_tree), &index, &Default::default())?;
    if !staged.is_empty() {
        let list: String = staged.iter().map(|change| format!("  {}", change.path)).collect();
        return Err(Error::Text(
            format!(
                "error: Your local changes to the following files would be overwritten by merge:\n{list}\n\
                 Merge with strategy ort failed.\n"
            ),
            2,
        ));
    }
    let labels = Labels { base: &base_name, ours: "HEAD", theirs: name };
    let merged = merging::trees(session, base, our_tree, session.tree_of(theirs)?, &labels, wishes.favor)?;
    if let Err(error) = merged.apply(session, &mut index, Some(our_tree)) {
        return Err(match error {
            Error::Text(text, _) => Error::Text(format!("{text}Merge with strategy ort failed.\n"), 2),
            other => other,
        });
    }
    index.write()?;
    std::fs::write(session.own("ORIG_HEAD"), format!("{ours}\n"))?;
    if !wishes.quiet || !merged.is_clean() {
        for message in &merged.messages {
            out.line(message)?;
        }
    }
    let message = match &wishes.message {
        Some(message) => message.clone(),
        None => title.into(),
    };
    let mut message = clean(message.as_bstr(), false);
    if !merged.is_clean() {
        message.extend_from_slice(merging::remark(&merged.conflicts()).as_bytes());
        if wishes.squash {
            write_squash(session, ours, theirs)?;
        } else {
            begin(session, theirs, &message, wishes.no_forward)?;
        }
        out.line("Automatic merge failed; fix conflicts and then commit the result.")?;
        return Err(Error::Status(1));
    }
    if wishes.squash {
        write_squash(session, ours, theirs)?;
        out.line("Squash commit -- not updating HEAD")?;
        return session.say("Automatic merge went well; stopped before committing as requested\n");
    }
    if wishes.no_commit {
        begin(session, theirs, &message, wishes.no_forward)?;
        return session.say("Automatic merge went well; stopped before committing as requested\n");
    }
    let author = ident::person(session, Role::Author)?;
    let committer = ident::person(session, Role::Committer)?;
    let id = create(session, merged.tree, &[ours, theirs], &author, &committer, message.as_bstr())?;
    refs::set(
        session,
        b"HEAD".as_bstr(),
        id,
        format!("{action}: Merge made by the 'ort' strategy.").as_bytes().as_bstr(),
    )?;
    if !wishes.quiet {
        out.line("Merge made by the 'ort' strategy.")?;
        if !wishes.no_stat {
            show_stat(session, ours, id)?;
        }
    }
    Ok(())
}

fn begin(session: &Session<'_>, theirs: ObjectId, message: &BString, no_forward: bool) -> Result {
    std::fs::write(session.own("MERGE_HEAD"), format!("{theirs}\n"))?;
    std::fs::write(session.own("MERGE_MSG"), message)?;
    std::fs::write(session.own("MERGE_MODE"), if no_forward { "no-ff" } else { "" })?;
    Ok(())
}

fn write_squash(session: &Session<'_>, ours: ObjectId, theirs: ObjectId) -> Result {
    let mut text = String::from("Squashed commit of the following:\n");
    let walk = crate::walk::Walk {
        range: crate::walk::Range { tips: vec![theirs], hidden: vec![ours], symmetric: None },
        ..Default::default()
    };
    let printer = crate::commit::Printer::new(session, crate::commit::Format::Medium);
    walk.run(session, &mut |commit| {
        if commit.parents.len() < 2 {
            text.push('\n');
            text.push_str(&printer.text(commit, None, "").to_str_lossy());
        }
        Ok(true)
    })?;
    std::fs::write(session.own("SQUASH_MSG"), text)?;
    Ok(())
}

/// Goes back to what was before a merge or pick.
pub fn abort(session: &Session<'_>) -> Result {
    let mut index = session.index()?;
    // Only what the merge touched goes back; other changes in files stay.
    let head = session.head_tree()?;
    let base = tree::flatten(session, head)?;
    let mut files = crate::worktree::Files::new(session, &index)?;
    let mut paths: std::collections::BTreeSet<BString> =
        index.entries.keys().map(|(path, _)| path.clone()).collect();
    paths.extend(base.keys().cloned());
    for path in paths {
        let entry = index.get(path.as_bstr()).cloned();
        match (base.get(&path), entry) {
            (Some(item), Some(entry)) if entry.id == item.id && entry.mode == item.mode => {}
            (Some(item), _) => {
                let stat = files.put(path.as_bstr(), *item)?;
                index.set(path.as_bstr(), item.mode, item.id, stat);
            }
            (None, _) => {
                if files.mode(path.as_bstr(), None).is_some_and(|mode| mode != crate::index::FOLDER) {
                    files.delete(path.as_bstr())?;
                }
                index.remove(path.as_bstr());
            }
        }
    }
    index.write()?;
    forget_progress(session);
    Ok(())
}
