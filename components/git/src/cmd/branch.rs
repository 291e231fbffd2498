//! `git branch` and `git tag`.

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::glob::wildmatch;
use gix::glob::wildmatch::Mode;
use gix::objs::Kind;

use crate::commit::Commit;
use crate::error::{Error, Result, failed, fatal};
use crate::ident::{self, Role};
use crate::options::{Parsed, Takes, parse};
use crate::refs;
use crate::session::{Globals, Session};
use crate::status::{shorten, tracking};
use crate::walk;

fn heads(name: &BStr) -> BString {
    format!("refs/heads/{name}").into()
}

/// Why a name is refused.
pub(super) fn invalid(name: &BStr) -> Error {
    Error::Text(
        format!(
            "fatal: '{name}' is not a valid branch name\nhint: See `man git check-ref-format`\n\
             hint: Disable this message with \"git config advice.refSyntax false\"\n"
        ),
        128,
    )
}

/// `git branch`.
pub fn branch(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("d delete", Takes::Nothing),
            ("D", Takes::Nothing),
            ("m move", Takes::Nothing),
            ("M", Takes::Nothing),
            ("c copy", Takes::Nothing),
            ("C", Takes::Nothing),
            ("a all", Takes::Nothing),
            ("r remotes", Takes::Nothing),
            ("v verbose", Takes::Nothing),
            ("l list", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("f force", Takes::Nothing),
            ("show-current", Takes::Nothing),
            ("t track", Takes::Glued),
            ("u set-upstream-to", Takes::Value),
            ("unset-upstream", Takes::Nothing),
            ("contains", Takes::Value),
            ("no-contains", Takes::Value),
            ("merged", Takes::Glued),
            ("no-merged", Takes::Glued),
            ("points-at", Takes::Value),
            ("sort", Takes::Value),
            ("format", Takes::Value),
            ("color", Takes::Glued),
            ("column", Takes::Glued),
            ("i ignore-case", Takes::Nothing),
            ("abbrev", Takes::Glued),
        ],
        "git branch [<options>] [-r | -a] [--merged] [--no-merged]",
    )?;
    let session = &globals.session()?;
    if parsed.has("show-current") {
        return match session.head_ref() {
            Some(branch) => session.out().line(shorten(branch.as_bstr())),
            None => Ok(()),
        };
    }
    if parsed.has("delete") || parsed.has("D") {
        return delete(session, &parsed);
    }
    if let Some(kind) = parsed.last_of(&["move", "M", "copy", "C"]) {
        return rename(session, &parsed, kind);
    }
    let current = || -> Result<BString> {
        match session.head_ref() {
            Some(branch) => Ok(shorten(branch.as_bstr())),
            None => {
                Err(fatal!("could not set upstream of HEAD to {} when it does not point to any branch", "it"))
            }
        }
    };
    if let Some(upstream) = parsed.value("set-upstream-to") {
        let branch = parsed.rest.first().cloned().map_or_else(current, Ok)?;
        if refs::find(session, heads(branch.as_bstr()).as_bstr()).is_none() && session.head().is_some() {
            return Err(fatal!("branch '{branch}' does not exist"));
        }
        if session.head().is_none() {
            return Err(fatal!("no commit on branch '{branch}' yet"));
        }
        return set_upstream(session, branch.as_bstr(), upstream, parsed.has("quiet"));
    }
    if parsed.has("unset-upstream") {
        let branch = parsed.rest.first().cloned().map_or_else(current, Ok)?;
        let path = session.repo.common_dir().join("config");
        let mut file = gix::config::File::from_path_no_includes(path.clone(), gix::config::Source::Local)
            .map_err(crate::error::library)?;
        if file.remove_section("branch", Some(branch.as_bstr())).is_none() {
            return Err(fatal!("branch '{branch}' has no upstream information"));
        }
        std::fs::write(path, file.to_bstring())?;
        return Ok(());
    }
    let filters = ["contains", "no-contains", "merged", "no-merged", "points-at"];
    let listing = parsed.rest.is_empty()
        || parsed.has("list")
        || parsed.has("all")
        || parsed.has("remotes")
        || filters.iter().any(|key| parsed.has(key));
    if listing {
        return list(session, &parsed);
    }
    // A new branch.
    let name = &parsed.rest[0];
    if parsed.rest.len() > 2 {
        return Err(Error::Text(
            "usage: git branch [<options>] [-f] <branch-name> [<start-point>]\n".into(),
            129,
        ));
    }
    if !refs::is_valid(name.as_bstr()) {
        return Err(invalid(name.as_bstr()));
    }
    let full = heads(name.as_bstr());
    let existed = refs::find(session, full.as_bstr()).is_some();
    if existed && !parsed.has("force") {
        return Err(fatal!("a branch named '{name}' already exists"));
    }
    if existed && session.head_ref().is_some_and(|head| head == full) {
        let root = session.root()?;
        return Err(fatal!(
            "cannot force update the branch '{name}' used by worktree at '{}'",
            crate::session::normal(&root).display()
        ));
    }
    let start = parsed.rest.get(1).cloned().unwrap_or_else(|| "HEAD".into());
    let Some(commit) = session.try_commit(start.as_bstr()) else {
        if start == "HEAD" {
            let head = session.head_ref().map(|head| shorten(head.as_bstr())).unwrap_or_default();
            return Err(fatal!("not a valid object name: '{head}'"));
        }
        return Err(fatal!("not a valid object name: '{start}'"));
    };
    let from = if start == "HEAD" {
        session.head_ref().map_or_else(|| start.clone(), |head| shorten(head.as_bstr()))
    } else {
        start.clone()
    };
    let message =
        if existed { format!("branch: Reset to {from}") } else { format!("branch: Created from {from}") };
    refs::set(session, full.as_bstr(), commit, message.as_bytes().as_bstr())?;
    if !parsed.negated("track")
        && let Some(upstream) = super::checkout::follow_start(session, name.as_bstr(), start.as_bstr())?
        && !parsed.has("quiet")
    {
        session.out().line(format!("branch '{name}' set up to track '{upstream}'."))?;
    }
    Ok(())
}

fn set_upstream(session: &Session<'_>, branch: &BStr, upstream: &BStr, quiet: bool) -> Result {
    if let Some(shown) = super::checkout::follow_start(session, branch, upstream)? {
        if !quiet {
            session.out().line(format!("branch '{branch}' set up to track '{shown}'."))?;
        }
        return Ok(());
    }
    let local = heads(upstream);
    if refs::find(session, local.as_bstr()).is_some() {
        super::checkout::follow(session, branch, b".".as_bstr(), local.as_bstr())?;
        if !quiet {
            session.out().line(format!("branch '{branch}' set up to track '{upstream}'."))?;
        }
        return Ok(());
    }
    Err(Error::Text(
        format!(
            "fatal: the requested upstream branch '{upstream}' does not exist\nhint:\n\
             hint: If you are planning on basing your work on an upstream\n\
             hint: branch that already exists at the remote, you may need to\n\
             hint: run \"git fetch\" to retrieve it.\nhint:\n\
             hint: If you are planning to push out a new local branch that\n\
             hint: will track its remote counterpart, you may want to use\n\
             hint: \"git push -u\" to set the upstream config as you push.\n\
             hint: Disable this message with \"git config advice.setUpstreamFailure false\"\n"
        ),
        128,
    ))
}

fn delete(session: &Session<'_>, parsed: &Parsed) -> Result {
    let forced = parsed.has("D") || parsed.has("force");
    let remote = parsed.has("remotes");
    if parsed.rest.is_empty() {
        return Err(fatal!("branch name required"));
    }
    let mut failed = false;
    for name in &parsed.rest {
        let full: BString =
            if remote { format!("refs/remotes/{name}").into() } else { heads(name.as_bstr()) };
        let Some(id) = refs::find(session, full.as_bstr()) else {
            let word = if remote { "remote-tracking branch" } else { "branch" };
            session.say(format!("error: {word} '{name}' not found\n"))?;
            failed = true;
            continue;
        };
        if !remote && session.head_ref().is_some_and(|head| head == full) {
            let root = session.root()?;
            session.say(format!(
                "error: cannot delete branch '{name}' used by worktree at '{}'\n",
                crate::session::normal(&root).display()
            ))?;
            failed = true;
            continue;
        }
        if !forced && !remote {
            let upstream = crate::status::upstream(session, full.as_bstr())
                .and_then(|upstream| session.try_commit(upstream.as_bstr()));
            let base = upstream.or_else(|| session.head());
            let merged = match base {
                Some(base) => walk::is_ancestor(session, id, base)?,
                None => false,
            };
            if !merged {
                session.say(format!(
                    "error: the branch '{name}' is not fully merged\nhint: If you are sure you want to delete it, run 'git branch -D {name}'\n\
                     hint: Disable this message with \"git config advice.forceDeleteBranch false\"\n"
                ))?;
                failed = true;
                continue;
            }
        }
        refs::remove(session, std::slice::from_ref(&full))?;
        if !remote {
            let path = session.repo.common_dir().join("config");
            if let Ok(mut file) =
                gix::config::File::from_path_no_includes(path.clone(), gix::config::Source::Local)
                && file.remove_section("branch", Some(name.as_bstr())).is_some()
            {
                std::fs::write(path, file.to_bstring())?;
            }
        }
        if !parsed.has("quiet") {
            let word = if remote { "remote-tracking branch" } else { "branch" };
            session.out().line(format!("Deleted {word} {name} (was {}).", session.short(id)))?;
        }
    }
    if failed { Err(Error::Status(1)) } else { Ok(()) }
}

fn rename(session: &Session<'_>, parsed: &Parsed, kind: &str) -> Result {
    let forced = parsed.has("force") || kind == "M" || kind == "C";
    let copy = kind == "copy" || kind == "C";
    let (old, new) = match parsed.rest.as_slice() {
        [new] => (session.head_ref().map(|head| shorten(head.as_bstr())), new),
        [old, new] => (Some(old.clone()), new),
        [] => return Err(fatal!("branch name required")),
        _ => return Err(fatal!("too many arguments for a rename operation")),
    };
    let old = old.ok_or_else(|| fatal!("cannot rename the current branch while not on any"))?;
    if !refs::is_valid(new.as_bstr()) {
        return Err(invalid(new.as_bstr()));
    }
    let (old_full, new_full) = (heads(old.as_bstr()), heads(new.as_bstr()));
    let id = refs::find(session, old_full.as_bstr());
    let current = session.head_ref().is_some_and(|head| head == old_full);
    if id.is_none() && (copy || !current) {
        return Err(fatal!("no branch named '{old}'"));
    }
    if old_full != new_full && refs::find(session, new_full.as_bstr()).is_some() && !forced {
        return Err(fatal!("a branch named '{new}' already exists"));
    }
    if old_full == new_full {
        return Ok(());
    }
    let word = if copy { "copied" } else { "renamed" };
    let message = format!("Branch: {word} {old_full} to {new_full}");
    if let Some(id) = id {
        let gone = Some(old_full.as_bstr()).filter(|_| !copy);
        if let Some(other) = refs::obstacle(session, new_full.as_bstr(), gone)? {
            let what = if copy { "copy" } else { "rename" };
            return Err(Error::Text(
                format!("error: '{other}' exists; cannot create '{new_full}'\nfatal: branch {what} failed\n"),
                128,
            ));
        }
        let log = session.read_own(&format!("logs/{old_full}"));
        if !copy {
            refs::remove(session, std::slice::from_ref(&old_full))?;
        }
        if let Some(log) = log {
            let place = session.own(&format!("logs/{new_full}"));
            if let Some(folder) = place.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(place, log)?;
        }
        refs::write(session, new_full.as_bstr(), &format!("{id}\n"))?;
        refs::log(session, &new_full.to_string(), Some(id), Some(id), message.as_bytes().as_bstr())?;
    }
    if current && !copy {
        refs::set_symbolic(session, "HEAD", new_full.as_bstr())?;
        if let Some(id) = id {
            refs::log(session, "HEAD", Some(id), None, message.as_bytes().as_bstr())?;
            refs::log(session, "HEAD", None, Some(id), message.as_bytes().as_bstr())?;
        }
    }
    let path = session.repo.common_dir().join("config");
    if let Ok(mut file) = gix::config::File::from_path_no_includes(path.clone(), gix::config::Source::Local) {
        let had = file.section("branch", Some(old.as_bstr())).is_ok();
        if had
            && !copy
            && file.rename_section("branch", Some(old.as_bstr()), "branch", Some(new.clone())).is_ok()
        {
            std::fs::write(path, file.to_bstring())?;
        }
    }
    Ok(())
}

/// References that the filters on the command line leave.
fn kept(session: &Session<'_>, parsed: &Parsed, id: ObjectId) -> Result<bool> {
    let object = session.repo.find_object(id).map_err(crate::error::library)?;
    let commit = match object.peel_to_kind(Kind::Commit) {
        Ok(commit) => commit.id,
        Err(_) => return Ok(false),
    };
    let named = |key: &str| -> Result<ObjectId> {
        let name = parsed.value(key).map_or_else(|| BString::from("HEAD"), ToOwned::to_owned);
        session.try_commit(name.as_bstr()).ok_or_else(|| failed!("malformed object name {name}"))
    };
    if parsed.has("contains") && !walk::is_ancestor(session, named("contains")?, commit)? {
        return Ok(false);
    }
    if parsed.has("no-contains") && walk::is_ancestor(session, named("no-contains")?, commit)? {
        return Ok(false);
    }
    if parsed.has("merged") && !walk::is_ancestor(session, commit, named("merged")?)? {
        return Ok(false);
    }
    if parsed.has("no-merged") && walk::is_ancestor(session, commit, named("no-merged")?)? {
        return Ok(false);
    }
    if let Some(name) = parsed.value("points-at") {
        let target = session.try_object(name).ok_or_else(|| failed!("malformed object name '{name}'"))?;
        return Ok(target == id || target == commit);
    }
    Ok(true)
}

struct Row {
    name: BString,
    shown: BString,
    id: ObjectId,
    symbolic: Option<BString>,
    current: bool,
}

fn list(session: &Session<'_>, parsed: &Parsed) -> Result {
    let (all, remotes) = (parsed.has("all"), parsed.has("remotes"));
    let head = session.head_ref();
    let mut rows = Vec::new();
    if head.is_none()
        && !remotes
        && let Some(id) = session.head()
        && kept(session, parsed, id)?
        && parsed.rest.is_empty()
    {
        let text = detached(session);
        rows.push(Row { name: "HEAD".into(), shown: text, id, symbolic: None, current: true });
    }
    if !remotes {
        for (name, id, symbolic) in refs::list(session, "refs/heads/")? {
            let shown = shorten(name.as_bstr());
            let current = head.as_ref() == Some(&name);
            rows.push(Row { name, shown, id, symbolic, current });
        }
    }
    if all || remotes {
        for (name, id, symbolic) in refs::list(session, "refs/remotes/")? {
            let short = shorten(name.as_bstr());
            let shown = if all { format!("remotes/{short}").into() } else { short };
            rows.push(Row { name, shown, id, symbolic, current: false });
        }
    }
    let mut shown = Vec::new();
    for row in rows {
        let matches = |pattern: &BString| {
            wildmatch(pattern.as_bstr(), shorten(row.name.as_bstr()).as_bstr(), Mode::empty())
        };
        if (parsed.rest.is_empty() || parsed.rest.iter().any(matches)) && kept(session, parsed, row.id)? {
            shown.push(row);
        }
    }
    sort_rows(session, parsed, &mut shown)?;
    if let Some(format) = parsed.value("format") {
        for row in &shown {
            let line = super::revparse::expand_ref(session, format, row.name.as_bstr(), row.id)?;
            session.out().line(line)?;
        }
        return Ok(());
    }
    let verbose = parsed.has("verbose");
    let very = arguments_of_verbose(parsed) > 1;
    let width = shown.iter().map(|row| row.shown.chars().count()).max().unwrap_or(0);
    for row in &shown {
        let mark = if row.current { "* " } else { "  " };
        let mut line = BString::from(mark);
        line.push_str(&row.shown);
        if verbose {
            line.push_str(" ".repeat(width - row.shown.chars().count()));
            if let Some(symbolic) = &row.symbolic {
                line.push_str(format!(" -> {}", shorten(symbolic.as_bstr())));
            } else {
                let commit = Commit::read(session, row.id)?;
                line.push_str(format!(" {} ", session.short(row.id)));
                if let Some(tracking) = tracking(session, row.name.as_bstr())? {
                    let state = match tracking.counts {
                        None => Some("gone".to_owned()),
                        Some((0, 0)) => None,
                        Some((ahead, 0)) => Some(format!("ahead {ahead}")),
                        Some((0, behind)) => Some(format!("behind {behind}")),
                        Some((ahead, behind)) => Some(format!("ahead {ahead}, behind {behind}")),
                    };
                    match (very, state) {
                        (true, Some(state)) => line.push_str(format!("[{}: {state}] ", tracking.name)),
                        (true, None) => line.push_str(format!("[{}] ", tracking.name)),
                        (false, Some(state)) => line.push_str(format!("[{state}] ")),
                        (false, None) => {}
                    }
                }
                line.push_str(commit.subject());
            }
        } else if let Some(symbolic) = &row.symbolic {
            line.push_str(format!(" -> {}", shorten(symbolic.as_bstr())));
        }
        session.out().line(line)?;
    }
    Ok(())
}

fn arguments_of_verbose(parsed: &Parsed) -> usize {
    parsed.count("verbose")
}

fn sort_rows(session: &Session<'_>, parsed: &Parsed, rows: &mut [Row]) -> Result {
    let key = parsed.value("sort").map(ToOwned::to_owned).or_else(|| session.config("branch.sort"));
    let Some(key) = key else { return Ok(()) };
    let (descending, key) = match key.strip_prefix(b"-") {
        Some(rest) => (true, BString::from(rest)),
        None => (false, key),
    };
    match key.as_slice() {
        b"committerdate" | b"creatordate" | b"authordate" => {
            let mut dated = Vec::new();
            for row in rows.iter() {
                let commit = Commit::read(session, row.id)?;
                dated.push((
                    row.name.clone(),
                    if key == "authordate" {
                        commit.author.time.seconds
                    } else {
                        commit.committer.time.seconds
                    },
                ));
            }
            let date =
                |name: &BString| dated.iter().find(|(known, _)| known == name).map_or(0, |(_, date)| *date);
            rows.sort_by_key(|row| date(&row.name));
        }
        b"refname" => rows.sort_by(|one, other| one.name.cmp(&other.name)),
        other => return Err(fatal!("unknown field name: {}", other.as_bstr())),
    }
    if descending {
        rows.reverse();
    }
    Ok(())
}

/// How a detached `HEAD` is listed.
fn detached(session: &Session<'_>) -> BString {
    match crate::status::detached_from(session) {
        Some((how, name)) => format!("(HEAD detached {how} {name})").into(),
        None => "(no branch)".into(),
    }
}

/// `git tag`.
pub fn tag(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("a annotate", Takes::Nothing),
            ("m message", Takes::Value),
            ("F file", Takes::Value),
            ("d delete", Takes::Nothing),
            ("l list", Takes::Nothing),
            ("f force", Takes::Nothing),
            ("n", Takes::Glued),
            ("contains", Takes::Value),
            ("no-contains", Takes::Value),
            ("merged", Takes::Glued),
            ("no-merged", Takes::Glued),
            ("points-at", Takes::Value),
            ("sort", Takes::Value),
            ("format", Takes::Value),
            ("i ignore-case", Takes::Nothing),
            ("column", Takes::Glued),
            ("no-sign", Takes::Nothing),
        ],
        "git tag [-a | -s | -u <key-id>] [-f] [-m <msg> | -F <file>] [-e] <tagname> [<commit> | <object>]",
    )?;
    let session = &globals.session()?;
    let full = |name: &BStr| BString::from(format!("refs/tags/{name}"));
    if parsed.has("delete") {
        let mut failed = false;
        for name in &parsed.rest {
            match refs::find(session, full(name.as_bstr()).as_bstr()) {
                Some(id) => {
                    refs::remove(session, &[full(name.as_bstr())])?;
                    session.out().line(format!("Deleted tag '{name}' (was {})", session.short(id)))?;
                }
                None => {
                    session.say(format!("error: tag '{name}' not found.\n"))?;
                    failed = true;
                }
            }
        }
        return if failed { Err(Error::Status(1)) } else { Ok(()) };
    }
    let filters = ["contains", "no-contains", "merged", "no-merged", "points-at", "n"];
    let annotated = parsed.has("annotate") || parsed.has("message") || parsed.has("file");
    if parsed.has("list")
        || (parsed.rest.is_empty() && !annotated)
        || filters.iter().any(|key| parsed.has(key))
    {
        let mut rows = Vec::new();
        for (name, id, _) in refs::list(session, "refs/tags/")? {
            let short = shorten(name.as_bstr());
            let matches = |pattern: &BString| wildmatch(pattern.as_bstr(), short.as_bstr(), Mode::empty());
            if (parsed.rest.is_empty() || parsed.rest.iter().any(matches))
                && (!filters.iter().any(|key| parsed.has(key) && *key != "n") || kept(session, &parsed, id)?)
            {
                rows.push((short.clone(), id, name.clone()));
            }
        }
        if let Some(key) = parsed.value("sort") {
            let (descending, key) = match key.strip_prefix(b"-") {
                Some(rest) => (true, rest.as_bstr()),
                None => (false, key),
            };
            match key.as_bytes() {
                b"refname" => {}
                b"version:refname" | b"v:refname" => {
                    rows.sort_by(|one, other| by_version(one.0.as_bstr(), other.0.as_bstr()))
                }
                b"creatordate" | b"taggerdate" | b"committerdate" => {
                    let mut dated = Vec::new();
                    for row in rows {
                        dated.push((super::revparse::created(session, row.1)?, row));
                    }
                    dated.sort_by_key(|(date, _)| *date);
                    rows = dated.into_iter().map(|(_, row)| row).collect();
                }
                other => return Err(fatal!("unknown field name: {}", other.as_bstr())),
            }
            if descending {
                rows.reverse();
            }
        }
        for (short, id, name) in rows {
            if let Some(format) = parsed.value("format") {
                session.out().line(super::revparse::expand_ref(session, format, name.as_bstr(), id)?)?;
            } else if parsed.has("n") {
                let (kind, data) = session.read(id)?;
                let head = data.find(b"\n\n").map_or(data.len(), |at| at + 2);
                let _ = kind;
                let count = parsed.number("n")?.unwrap_or(1);
                let mut line = format!("{short:<15} ");
                let message = data.get(head..).unwrap_or_default();
                for (at, text) in message.lines().take(count).enumerate() {
                    if at > 0 {
                        line.push_str("\n    ");
                    }
                    line.push_str(&text.to_str_lossy());
                }
                session.out().line(line)?;
            } else {
                session.out().line(short)?;
            }
        }
        return Ok(());
    }
    let Some(name) = parsed.rest.first() else { return Err(fatal!("tag name required")) };
    if !refs::is_valid(name.as_bstr()) {
        return Err(fatal!("'{name}' is not a valid tag name."));
    }
    let target = parsed.rest.get(1).cloned().unwrap_or_else(|| "HEAD".into());
    let object = session
        .try_object(target.as_bstr())
        .ok_or_else(|| fatal!("Failed to resolve '{target}' as a valid ref."))?;
    let old = refs::find(session, full(name.as_bstr()).as_bstr());
    if old.is_some() && !parsed.has("force") {
        return Err(fatal!("tag '{name}' already exists"));
    }
    let mut id = object;
    if annotated {
        let mut message = BString::default();
        for part in parsed.values("message") {
            if !message.is_empty() {
                message.push_str("\n");
            }
            message.push_str(part.trim_end_with(|end| end == '\n'));
            message.push_byte(b'\n');
        }
        if let Some(path) = parsed.value("file") {
            message = super::commit::read_message(path)?;
        }
        if message.is_empty() && !parsed.has("message") && !parsed.has("file") {
            return Err(super::commit::no_editor());
        }
        let message = super::commit::clean(message.as_bstr(), false);
        let who = ident::person(session, Role::Committer)?;
        let kind = session.read(object)?.0;
        let mut data = format!("object {object}\ntype {kind}\ntag {name}\ntagger ").into_bytes();
        data.extend_from_slice(&who.line());
        data.extend_from_slice(b"\n\n");
        data.extend_from_slice(&message);
        id = session.write(Kind::Tag, &data)?;
    }
    refs::set(session, full(name.as_bstr()).as_bstr(), id, b"".as_bstr())?;
    if let Some(old) = old.filter(|old| *old != id) {
        session.out().line(format!("Updated tag '{name}' (was {})", session.short(old)))?;
    }
    Ok(())
}

/// Orders names by the numbers in them.
fn by_version(one: &BStr, other: &BStr) -> std::cmp::Ordering {
    let (mut one, mut other): (&[u8], &[u8]) = (one, other);
    loop {
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (first, second) = (digits(one), digits(other));
        if first > 0 && second > 0 {
            let trim =
                |text: &[u8]| -> Vec<u8> { text.iter().copied().skip_while(|byte| *byte == b'0').collect() };
            let (left, right) = (trim(&one[..first]), trim(&other[..second]));
            let order = left.len().cmp(&right.len()).then_with(|| left.cmp(&right));
            if order.is_ne() {
                return order;
            }
            (one, other) = (&one[first..], &other[second..]);
            continue;
        }
        match (one.split_first(), other.split_first()) {
            (Some((left, rest)), Some((right, others))) => {
                if left != right {
                    return left.cmp(right);
                }
                (one, other) = (rest, others);
            }
            (left, right) => return left.is_some().cmp(&right.is_some()),
        }
    }
}
