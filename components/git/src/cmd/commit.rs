//! `git commit` and `git commit-tree`.

use std::io::Read;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::objs::Kind;

use crate::commit::{Commit, encode, subject};
use crate::diff::options::Options;
use crate::diff::{self, Contents};
use crate::error::{Error, Result, failed, fatal};
use crate::ident::{self, DateStyle, Person, Role};
use crate::index::Index;
use crate::options::{Takes, parse};
use crate::pathspec::Pathspec;
use crate::refs;
use crate::session::{Globals, Session};
use crate::status::{Progress, Status, progress, shorten};
use crate::tree;
use crate::worktree::Depth;

/// Takes superfluous white space out of a message; `comments` too, where an editor would have shown them.
pub fn clean(message: &BStr, comments: bool) -> BString {
    let mut out = BString::default();
    let mut blank = false;
    for line in message.lines() {
        if comments && line.starts_with(b"#") {
            continue;
        }
        let line = line.trim_end();
        if line.is_empty() {
            blank = !out.is_empty();
            continue;
        }
        if blank {
            out.push_byte(b'\n');
            blank = false;
        }
        out.push_str(line);
        out.push_byte(b'\n');
    }
    out
}

/// The contents of a file or, for `-`, of the standard input.
pub fn read_message(path: &BStr) -> Result<BString> {
    let mut text = Vec::new();
    if path == "-" {
        std::io::stdin().lock().read_to_end(&mut text)?;
    } else {
        text = std::fs::read(crate::session::to_path(path))
            .map_err(|error| fatal!("could not read log file '{path}': {}", super::reason(&error)))?;
    }
    Ok(text.into())
}

/// Whether the user's editor is one that leaves a file as it is.
fn editor_is_idle(session: &Session<'_>) -> bool {
    let editor = std::env::var("GIT_EDITOR")
        .ok()
        .or_else(|| session.config("core.editor").map(|editor| editor.to_string()))
        .or_else(|| std::env::var("VISUAL").ok())
        .or_else(|| std::env::var("EDITOR").ok());
    matches!(editor.as_deref(), Some(":" | "true" | "/bin/true" | "/usr/bin/true"))
}

/// The end where a message would have to be written in an editor.
pub fn no_editor() -> Error {
    Error::Text(
        "error: Terminal is dumb, but EDITOR unset\nPlease supply the message using either -m or -F option.\n".into(),
        1,
    )
}

/// Makes a commit object.
pub fn create(
    session: &Session<'_>,
    tree: ObjectId,
    parents: &[ObjectId],
    author: &Person,
    committer: &Person,
    message: &BStr,
) -> Result<ObjectId> {
    session.write(Kind::Commit, &encode(tree, parents, author, committer, message))
}

/// What `git commit` says when it is done.
pub fn report(session: &Session<'_>, commit: &Commit, with_date: bool) -> Result {
    let out = session.out();
    let branch = match session.head_ref() {
        Some(branch) => shorten(branch.as_bstr()),
        None => "detached HEAD".into(),
    };
    let root = if commit.parents.is_empty() { " (root-commit)" } else { "" };
    out.line(format!("[{branch}{root} {}] {}", session.short(commit.id), commit.subject()))?;
    if commit.author.who() != commit.committer.who() {
        out.line(format!(" Author: {}", commit.author.who()))?;
    }
    if with_date {
        out.line(format!(" Date: {}", DateStyle::Default.show(commit.author.time)))?;
    }
    if commit.parents.len() > 1 {
        return Ok(());
    }
    let parent = commit.parents.first().map(|parent| session.tree_of(*parent)).transpose()?;
    let changes = tree::diff(session, parent, Some(commit.tree), &mut |_| true)?;
    let options = Options { shortstat: true, summary: true, renames: Some(50), ..Options::default() };
    let mut contents = Contents::new(session, None)?;
    let changes = diff::prepare(session, changes, &options, &mut contents)?;
    diff::show(session, &changes, &options, &mut contents)
}

/// Removes what a finished merge or pick leaves.
pub fn forget_progress(session: &Session<'_>) {
    for name in [
        "MERGE_HEAD",
        "MERGE_MSG",
        "MERGE_MODE",
        "CHERRY_PICK_HEAD",
        "REVERT_HEAD",
        "REBASE_HEAD",
        "SQUASH_MSG",
    ] {
        let _ = std::fs::remove_file(session.own(name));
    }
}

fn parse_author(text: &BStr) -> Result<(BString, BString)> {
    let bad = || fatal!("--author '{text}' is not 'Name <email>' and matches no existing author");
    let open = text.find_byte(b'<').ok_or_else(bad)?;
    let close = text.rfind_byte(b'>').filter(|close| *close > open).ok_or_else(bad)?;
    Ok((text[..open].trim().into(), text[open + 1..close].trim().into()))
}

/// `git commit`.
pub fn commit(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("m message", Takes::Value),
            ("F file", Takes::Value),
            ("a all", Takes::Nothing),
            ("amend", Takes::Nothing),
            ("no-edit", Takes::Nothing),
            ("e edit", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("v verbose", Takes::Nothing),
            ("allow-empty", Takes::Nothing),
            ("allow-empty-message", Takes::Nothing),
            ("author", Takes::Value),
            ("date", Takes::Value),
            ("s signoff", Takes::Nothing),
            ("C reuse-message", Takes::Value),
            ("c reedit-message", Takes::Value),
            ("reset-author", Takes::Nothing),
            ("fixup", Takes::Value),
            ("squash", Takes::Value),
            ("i include", Takes::Nothing),
            ("o only", Takes::Nothing),
            ("n no-verify", Takes::Nothing),
            ("verify", Takes::Nothing),
            ("dry-run", Takes::Nothing),
            ("short", Takes::Nothing),
            ("porcelain", Takes::Nothing),
            ("cleanup", Takes::Value),
            ("trailer", Takes::Value),
            ("u untracked-files", Takes::Glued),
            ("status", Takes::Nothing),
            ("no-gpg-sign", Takes::Nothing),
            ("no-post-rewrite", Takes::Nothing),
        ],
        "git commit [-a | --interactive | --patch] [-s] [-v] [-u[<mode>]] [--amend]",
    )?;
    let session = &globals.session()?;
    session.root()?;
    let head = session.head();
    let amend = parsed.has("amend");
    let state = progress(session);
    let old = match (amend, head) {
        (true, None) => return Err(fatal!("You have nothing to amend.")),
        (true, Some(_)) if state == Progress::Merge => {
            return Err(fatal!("You are in the middle of a merge -- cannot amend."));
        }
        (true, Some(head)) => Some(Commit::read(session, head)?),
        (false, _) => None,
    };
    if parsed.has("all") && !parsed.rest.is_empty() {
        return Err(fatal!("paths '{} ...' with -a does not make sense", parsed.rest[0]));
    }
    let mut index = session.index()?;
    let wanted = Pathspec::new(session, &parsed.rest)?;
    // The index that is kept afterwards, where only some paths are committed.
    let mut later: Option<Index> = None;
    if parsed.has("all") {
        super::add::update(session, &mut index, &wanted, false, false)?;
    } else if !wanted.is_empty() {
        if state == Progress::Merge {
            return Err(fatal!("cannot do a partial commit during a merge."));
        }
        let tracked: Vec<BString> = index.entries.keys().map(|(path, _)| path.clone()).collect();
        let base = tree::flatten(session, session.head_tree()?)?;
        let known = tracked.iter().chain(base.keys()).map(|path| path.as_bstr());
        if let Some(text) = wanted.unmatched(known) {
            return Err(failed!("pathspec '{text}' did not match any file(s) known to git"));
        }
        super::add::update(session, &mut index, &wanted, false, false)?;
        if !parsed.has("include") {
            let whole = session.index()?;
            let mut partial = whole;
            let keep = std::mem::take(&mut partial.entries);
            for (path, item) in &base {
                let known = keep
                    .get(&(path.clone(), 0))
                    .filter(|entry| entry.id == item.id && entry.mode == item.mode);
                partial.set(path.as_bstr(), item.mode, item.id, known.map(|entry| entry.stat));
            }
            for path in tracked.iter().chain(base.keys()).filter(|path| wanted.matches(path.as_bstr())) {
                match index.get(path.as_bstr()) {
                    Some(entry) => partial.set(path.as_bstr(), entry.mode, entry.id, Some(entry.stat)),
                    None => {
                        partial.remove(path.as_bstr());
                    }
                }
            }
            later = Some(std::mem::replace(&mut index, partial));
        }
    }
    if let Some((path, _)) = index.conflicts().iter().next() {
        let mut text = String::new();
        for path in index.conflicts().keys() {
            text.push_str(&format!("U\t{path}\n"));
        }
        let _ = path;
        globals.out.bytes(text)?;
        globals.say(
            "error: Committing is not possible because you have unmerged files.\n\
             hint: Fix them up in the work tree, and then use 'git add/rm <file>'\n\
             hint: as appropriate to mark resolution and make a commit.\n",
        )?;
        return Err(fatal!("Exiting because of an unresolved conflict."));
    }
    let tree_id = tree::write(session, &index)?;
    let mut parents: Vec<ObjectId> = match &old {
        Some(old) => old.parents.clone(),
        None => head.into_iter().collect(),
    };
    if state == Progress::Merge && !amend {
        let merged = session.read_own("MERGE_HEAD").unwrap_or_default();
        parents.extend(merged.lines().filter_map(|line| ObjectId::from_hex(line.trim()).ok()));
    }
    // Who.
    let committer = ident::person(session, Role::Committer);
    let reused = parsed.value("reuse-message").or_else(|| parsed.value("reedit-message"));
    let reused =
        reused.map(|name| session.commit(name).and_then(|id| Commit::read(session, id))).transpose()?;
    let picked = match &state {
        Progress::Pick(id) => Some(Commit::read(session, *id)?),
        _ => None,
    };
    let mut author =
        match old.as_ref().or(reused.as_ref()).or(picked.as_ref()).filter(|_| !parsed.has("reset-author")) {
            Some(commit) => commit.author.clone(),
            None => match ident::person(session, Role::Author) {
                Ok(author) => author,
                Err(error) if parsed.value("author").is_none() => return Err(error),
                Err(_) => {
                    committer.as_ref().map_err(|error| Error::Text(error.report(), error.status()))?.clone()
                }
            },
        };
    let committer = committer?;
    if let Some(text) = parsed.value("author") {
        (author.name, author.email) = parse_author(text)?;
    }
    if let Some(date) = parsed.value("date") {
        author.time = ident::parse_date(date).ok_or_else(|| fatal!("invalid date format: {date}"))?;
    }
    // What changes.
    let same = match parents.first() {
        Some(parent) => session.tree_of(*parent)? == tree_id,
        None => index.entries.is_empty(),
    };
    let dry = parsed.has("dry-run") || parsed.has("short") || parsed.has("porcelain");
    if dry || (same && parents.len() < 2 && !parsed.has("allow-empty") && !(amend && parents.is_empty())) {
        let mut shown = later.unwrap_or(index);
        let status = Status::new(session, &mut shown, Some(Depth::Folders), false, &Pathspec::default())?;
        if parsed.has("short") || parsed.has("porcelain") {
            globals.out.bytes(status.short(session, parsed.has("porcelain"), false))?;
        } else if amend && !dry {
            globals.out.bytes(status.amending(session)?)?;
        } else {
            globals.out.bytes(status.long(session, true)?)?;
        }
        if dry && !same {
            return Ok(());
        }
        if amend && !dry {
            globals.say(
                "You asked to amend the most recent commit, but doing so would make\n\
                 it empty. You can repeat your command with --allow-empty, or you can\n\
                 remove the commit entirely with \"git reset HEAD^\".\n",
            )?;
        }
        return Err(Error::Status(1));
    }
    // What is said about it.
    let mut message = BString::default();
    let mut edited = false;
    let given: Vec<&BStr> = parsed.values("message").collect();
    if let Some(target) = parsed.value("fixup") {
        let target = Commit::read(session, session.commit(target)?)?;
        message = format!("fixup! {}\n", target.subject()).into();
    } else if !given.is_empty() {
        for (at, part) in given.iter().enumerate() {
            if at > 0 {
                message.push_str("\n\n");
            }
            message.push_str(part.trim_end_with(|end| end == '\n'));
        }
        message.push_byte(b'\n');
    } else if let Some(path) = parsed.value("file") {
        message = read_message(path)?;
    } else if let Some(commit) = &reused {
        message = commit.message.clone();
    } else if let Some(old) = &old {
        if !parsed.has("no-edit") && !editor_is_idle(session) {
            return Err(no_editor());
        }
        message = old.message.clone();
    } else if let Some(prepared) = session.read_own("MERGE_MSG").or_else(|| session.read_own("SQUASH_MSG")) {
        if !parsed.has("no-edit") && !editor_is_idle(session) {
            return Err(no_editor());
        }
        message = prepared;
        edited = !parsed.has("no-edit");
    } else if editor_is_idle(session) {
        edited = true;
    } else {
        return Err(no_editor());
    }
    let mode = parsed.value("cleanup").map(|mode| mode.as_bytes().to_vec());
    message = match mode.as_deref() {
        Some(b"verbatim") => message,
        Some(b"strip") => clean(message.as_bstr(), true),
        _ => clean(message.as_bstr(), edited),
    };
    let mut trailers: Vec<BString> = parsed
        .values("trailer")
        .map(|text| match text.find_byteset(b"=:") {
            Some(at) => {
                format!("{}: {}", text[..at].as_bstr().trim().as_bstr(), text[at + 1..].trim().as_bstr())
                    .into()
            }
            None => format!("{text}: ").into(),
        })
        .collect();
    if parsed.has("signoff") {
        trailers.push(format!("Signed-off-by: {}", committer.who()).into());
    }
    for trailer in trailers {
        append_trailer(&mut message, trailer.as_bstr());
    }
    if message.trim().is_empty() && !parsed.has("allow-empty-message") {
        return Err(Error::Text("Aborting commit due to empty commit message.\n".into(), 1));
    }
    let id = create(session, tree_id, &parents, &author, &committer, message.as_bstr())?;
    let kind = if amend {
        " (amend)"
    } else if parents.is_empty() {
        " (initial)"
    } else if parents.len() > 1 {
        " (merge)"
    } else if session.own("rebase-merge").exists() {
        " (rebase)"
    } else if matches!(state, Progress::Pick(_)) {
        " (cherry-pick)"
    } else {
        ""
    };
    let what = if kind == " (rebase)" { "rebase (continue)".to_owned() } else { format!("commit{kind}") };
    refs::set(
        session,
        b"HEAD".as_bstr(),
        id,
        format!("{what}: {}", subject(message.as_bstr())).as_bytes().as_bstr(),
    )?;
    later.as_ref().unwrap_or(&index).write()?;
    forget_progress(session);
    if !parsed.has("quiet") {
        report(
            session,
            &Commit::read(session, id)?,
            kind != " (rebase)" && (amend || parsed.value("date").is_some() || picked.is_some()),
        )?;
    }
    Ok(())
}

/// Adds a line to the last paragraph of a message, if that holds such lines, or begins one.
pub fn append_trailer(message: &mut BString, trailer: &BStr) {
    let text = message.trim_end().to_vec();
    let last = text.rfind(b"\n\n").map_or(&text[..0], |at| &text[at + 2..]);
    if last.lines().any(|line| line == trailer.as_bytes()) {
        return;
    }
    let is_block = !last.is_empty()
        && last.lines().all(|line| line.find(b": ").is_some_and(|at| !line[..at].contains(&b' ')));
    *message = text.into();
    let gap = if message.is_empty() || is_block { "\n" } else { "\n\n" };
    message.push_str(gap);
    message.push_str(trailer);
    message.push_byte(b'\n');
}

/// `git commit-tree`.
pub fn commit_tree(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[("p", Takes::Value), ("m", Takes::Value), ("F", Takes::Value)],
        "git commit-tree <tree> [(-p <parent>)...] [(-m <message>)...] [(-F <file>)...]",
    )?;
    let session = &globals.session()?;
    let name = parsed.rest.first().ok_or_else(|| fatal!("must give exactly one tree"))?;
    let tree = session.try_object(name.as_bstr()).ok_or_else(|| fatal!("not a valid object name {name}"))?;
    let mut parents = Vec::new();
    for parent in parsed.values("p") {
        parents.push(session.try_commit(parent).ok_or_else(|| fatal!("not a valid object name {parent}"))?);
    }
    let mut message = BString::default();
    for part in parsed.values("m") {
        if !message.is_empty() {
            message.push_byte(b'\n');
        }
        message.push_str(part);
        message.push_byte(b'\n');
    }
    for path in parsed.values("F") {
        message.push_str(read_message(path)?);
    }
    if message.is_empty() && parsed.values("m").next().is_none() {
        message = read_message(b"-".as_bstr())?;
    }
    let author = ident::person(session, Role::Author)?;
    let committer = ident::person(session, Role::Committer)?;
    let id = create(session, tree, &parents, &author, &committer, message.as_bstr())?;
    session.out().line(id.to_string())
}
