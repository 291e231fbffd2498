//! `git add`, `git rm`, `git mv`.

use std::collections::BTreeSet;
use std::fs;

use gix::bstr::{BString, ByteSlice};
use gix::objs::Kind;

use crate::error::{Error, Result, failed, fatal};
use crate::index::{COMMIT, FILE, FOLDER, Index, PROGRAM, stat_of};
use crate::options::{Takes, parse};
use crate::pathspec::Pathspec;
use crate::session::{Globals, Session};
use crate::worktree::{Depth, Files, Ignore, mode_at, others};

/// Puts a file's present content into the index.
pub fn stage(
    session: &Session<'_>,
    files: &mut Files<'_>,
    index: &mut Index,
    path: &gix::bstr::BStr,
) -> Result {
    let known = index.get(path).map(|entry| entry.mode);
    let mode = files.mode(path, known).ok_or_else(|| fatal!("pathspec '{path}' did not match any files"))?;
    let place = files.at(path);
    if mode == FOLDER {
        let inner = session
            .globals
            .open_at(&place)
            .map_err(|_| failed!("'{path}/' does not have a commit checked out"))?;
        let Some(head) = inner.head_id().ok().map(gix::Id::detach) else {
            return Err(Error::Text(
                format!("error: '{path}/' does not have a commit checked out\nfatal: adding files failed\n"),
                128,
            ));
        };
        index.set(path, COMMIT, head, stat_of(&place));
        return Ok(());
    }
    let stat = stat_of(&place);
    if let (Some(entry), Some(stat)) = (index.get(path), &stat)
        && entry.mode == mode
        && index.is_fresh(entry, stat)
    {
        return Ok(());
    }
    let bytes = files.content(path, mode)?;
    let id = session.write(Kind::Blob, &bytes)?;
    // A file in the place of a folder, or the other way round, takes the entries that stood there.
    let mut inside = path.to_owned();
    inside.push(b'/');
    let below: Vec<BString> = index
        .entries
        .range((inside.clone(), 0)..)
        .map(|((below, _), _)| below.clone())
        .take_while(|below| below.starts_with(&inside))
        .collect();
    for below in below {
        index.remove(below.as_bstr());
    }
    let mut above = path;
    while let Some(at) = above.rfind_byte(b'/') {
        above = above[..at].as_bstr();
        index.remove(above);
    }
    index.set(path, mode, id, stat);
    Ok(())
}

/// Stages what changed or went among tracked files.
pub fn update(
    session: &Session<'_>,
    index: &mut Index,
    wanted: &Pathspec,
    verbose: bool,
    dry: bool,
) -> Result {
    let mut files = Files::new(session, index)?;
    let changes = files.changes(index, wanted)?;
    for change in changes {
        let path = change.path.as_bstr();
        let there = files.mode(path, None).is_some_and(|mode| mode != FOLDER);
        if verbose || dry {
            session.out().line(format!("{} '{path}'", if there { "add" } else { "remove" }))?;
        }
        if dry {
            continue;
        }
        if there {
            stage(session, &mut files, index, path)?;
        } else {
            index.remove(path);
        }
    }
    Ok(())
}

/// `git add`.
pub fn add(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("A all no-ignore-removal", Takes::Nothing),
            ("u update", Takes::Nothing),
            ("f force", Takes::Nothing),
            ("n dry-run", Takes::Nothing),
            ("v verbose", Takes::Nothing),
            ("N intent-to-add", Takes::Nothing),
            ("ignore-errors", Takes::Nothing),
            ("refresh", Takes::Nothing),
            ("chmod", Takes::Value),
            ("renormalize", Takes::Nothing),
        ],
        "git add [<options>] [--] <pathspec>...",
    )?;
    let session = &globals.session()?;
    session.root()?;
    let everything = parsed.has("all") || parsed.has("update");
    if parsed.rest.is_empty() && !everything {
        globals.say("Nothing specified, nothing added.\n")?;
        if session.config_bool("advice.addEmptyPathspec", true) {
            globals.say("hint: Maybe you wanted to say 'git add .'?\nhint: Disable this message with \"git config advice.addEmptyPathspec false\"\n")?;
        }
        return Ok(());
    }
    let wanted = Pathspec::new(session, &parsed.rest)?;
    let mut index = session.index()?;
    let (verbose, dry) = (parsed.has("verbose"), parsed.has("dry-run"));
    let force = parsed.has("force");
    if parsed.has("update") {
        check_matches(&wanted, index.entries.keys().map(|(path, _)| path.clone()).collect())?;
        update(session, &mut index, &wanted, verbose, dry)?;
        return if dry { Ok(()) } else { index.write() };
    }
    let found = others(session, &index, Depth::Files, force, &wanted)?;
    let mut new: BTreeSet<BString> = found.untracked;
    if force {
        new.extend(all_ignored(session, &found.ignored, &wanted)?);
    }
    // What was named and is ignored is refused.
    let mut refused = Vec::new();
    let mut rules = Ignore::new(session, &index)?;
    let mut tracked: BTreeSet<BString> = index.entries.keys().map(|(path, _)| path.clone()).collect();
    tracked.extend(new.iter().map(|path| BString::from(path.trim_end_with(|end| end == '/'))));
    for (text, path) in wanted.places() {
        if path.is_empty() || path.find_byteset(b"*?[").is_some() {
            continue;
        }
        let exists = mode_at(&session.file(path)?);
        if !force && !index.has(path) && !index.has_below(path) {
            let part = rules.excluded_part(path, exists == Some(FOLDER))?;
            if let Some(part) = part
                && exists.is_some()
            {
                refused.push(session.relative(part.as_bstr()));
                continue;
            }
        }
        let through = crate::tree::Item { mode: 0, id: gix::ObjectId::null(session.repo.object_hash()) };
        let _ = through;
        if exists.is_none() && !index.has(path) && !index.has_below(path) {
            return Err(fatal!("pathspec '{text}' did not match any files"));
        }
    }
    for (text, path) in wanted.places().filter(|(_, path)| path.find_byteset(b"*?[").is_some()) {
        let alone = Pathspec::new(session, &[text.to_owned()])?;
        let _ = path;
        if !tracked.iter().any(|path| alone.matches(path.as_bstr())) {
            return Err(fatal!("pathspec '{text}' did not match any files"));
        }
    }
    let mut files = Files::new(session, &index)?;
    let changes = files.changes(&mut index, &wanted)?;
    let mut work: BTreeSet<(BString, bool)> =
        changes.into_iter().map(|change| (change.path, false)).collect();
    work.extend(new.into_iter().map(|path| (path, true)));
    let (program, plain) = (
        parsed.value("chmod").is_some_and(|text| text == "+x"),
        parsed.value("chmod").is_some_and(|text| text == "-x"),
    );
    if let Some(value) = parsed.value("chmod")
        && !program
        && !plain
    {
        return Err(fatal!("--chmod param '{value}' must be either -x or +x"));
    }
    for (path, _) in &work {
        let path = path.trim_end_with(|end| end == '/').as_bstr();
        let there = files.mode(path, None);
        let present = there.is_some_and(|mode| mode != FOLDER || !index.has(path));
        if !present && parsed.negated("all") {
            continue;
        }
        if verbose || dry {
            session.out().line(format!("{} '{path}'", if present { "add" } else { "remove" }))?;
        }
        if dry {
            continue;
        }
        if !present {
            index.remove(path);
        } else if parsed.has("intent-to-add") && !index.has(path) {
            index.set(
                path,
                there.unwrap_or(FILE),
                gix::ObjectId::empty_blob(session.repo.object_hash()),
                None,
            );
            if let Some(entry) = index.entries.get_mut(&(path.to_owned(), 0)) {
                entry.flags = gix::index::entry::Flags::INTENT_TO_ADD | gix::index::entry::Flags::EXTENDED;
            }
        } else {
            stage(session, &mut files, &mut index, path)?;
        }
    }
    if program || plain {
        for ((path, _), entry) in &mut index.entries {
            if wanted.matches(path.as_bstr()) && matches!(entry.mode, FILE | PROGRAM) {
                entry.mode = if program { PROGRAM } else { FILE };
            }
        }
    }
    if !dry {
        index.write()?;
    }
    if !refused.is_empty() {
        let mut text = String::from("The following paths are ignored by one of your .gitignore files:\n");
        for path in refused {
            text.push_str(&format!("{path}\n"));
        }
        if session.config_bool("advice.addIgnoredFile", true) {
            text.push_str("hint: Use -f if you really want to add them.\nhint: Disable this message with \"git config advice.addIgnoredFile false\"\n");
        }
        return Err(Error::Text(text, 1));
    }
    Ok(())
}

fn check_matches(wanted: &Pathspec, paths: BTreeSet<BString>) -> Result {
    match wanted.unmatched(paths.iter().map(|path| path.as_bstr())) {
        Some(text) => Err(fatal!("pathspec '{text}' did not match any files")),
        None => Ok(()),
    }
}

/// The files below what is ignored.
fn all_ignored(
    session: &Session<'_>,
    ignored: &BTreeSet<BString>,
    wanted: &Pathspec,
) -> Result<Vec<BString>> {
    let mut found = Vec::new();
    let mut waiting: Vec<BString> = ignored.iter().cloned().collect();
    while let Some(path) = waiting.pop() {
        let place = session.file(path.as_bstr())?;
        if mode_at(&place) == Some(FOLDER) {
            for entry in fs::read_dir(&place)? {
                let name =
                    gix::path::os_string_into_bstring(entry?.file_name()).map_err(crate::error::library)?;
                let mut inner = BString::from(path.trim_end_with(|end| end == '/'));
                inner.push(b'/');
                inner.extend_from_slice(&name);
                waiting.push(inner);
            }
        } else if wanted.matches(path.as_bstr()) {
            found.push(path);
        }
    }
    Ok(found)
}

/// `git rm`.
pub fn rm(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("r", Takes::Nothing),
            ("f force", Takes::Nothing),
            ("n dry-run", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("cached", Takes::Nothing),
            ("ignore-unmatch", Takes::Nothing),
        ],
        "git rm [-f | --force] [-n] [-r] [--cached] [--ignore-unmatch] [--quiet] [--] [<pathspec>...]",
    )?;
    let session = &globals.session()?;
    if parsed.rest.is_empty() {
        return Err(fatal!("No pathspec was given. Which files should I remove?"));
    }
    let wanted = Pathspec::new(session, &parsed.rest)?;
    let mut index = session.index()?;
    let paths: Vec<BString> = {
        let all: BTreeSet<BString> = index.entries.keys().map(|(path, _)| path.clone()).collect();
        if !parsed.has("ignore-unmatch") {
            check_matches(&wanted, all.clone())?;
        }
        all.into_iter().filter(|path| wanted.matches(path.as_bstr())).collect()
    };
    if !parsed.has("r") {
        for (text, place) in wanted.places() {
            if index.has_below(place) && (place.is_empty() || !index.has(place))
                || (place.is_empty() && !paths.is_empty())
            {
                return Err(fatal!("not removing '{text}' recursively without -r"));
            }
        }
    }
    let cached = parsed.has("cached");
    let mut files = Files::new(session, &index)?;
    if !parsed.has("force") {
        let head = crate::tree::flatten(session, session.head_tree()?)?;
        let (mut both, mut staged, mut local) = (Vec::new(), Vec::new(), Vec::new());
        for path in &paths {
            let Some(entry) = index.get(path.as_bstr()).cloned() else { continue };
            if files.mode(path.as_bstr(), None).is_none() {
                continue;
            }
            let changed = files.compare(&index, path.as_bstr(), &entry)?.is_some();
            let in_index = head.get(path).is_none_or(|item| item.id != entry.id || item.mode != entry.mode);
            if changed && in_index {
                both.push(path);
            } else if !cached && in_index {
                staged.push(path);
            } else if !cached && changed {
                local.push(path);
            }
        }
        let mut text = String::new();
        let mut report = |list: &[&BString], one: &str, many: &str, hint: &str| {
            if list.is_empty() {
                return;
            }
            text.push_str(&format!("error: the following {}:\n", if list.len() == 1 { one } else { many }));
            for path in list {
                text.push_str(&format!("    {path}\n"));
            }
            text.push_str(hint);
            text.push('\n');
        };
        report(
            &both,
            "file has staged content different from both the\nfile and the HEAD",
            "files have staged content different from both the\nfile and the HEAD",
            "(use -f to force removal)",
        );
        let keep = "(use --cached to keep the file, or -f to force removal)";
        report(
            &staged,
            "file has changes staged in the index",
            "files have changes staged in the index",
            keep,
        );
        report(&local, "file has local modifications", "files have local modifications", keep);
        if !text.is_empty() {
            return Err(Error::Text(text, 1));
        }
    }
    for path in &paths {
        if !parsed.has("quiet") {
            session.out().line(format!("rm '{}'", crate::session::quote(path.as_bstr())))?;
        }
        if parsed.has("dry-run") {
            continue;
        }
        index.remove(path.as_bstr());
        if !cached && files.mode(path.as_bstr(), None).is_some_and(|mode| mode != FOLDER) {
            files.delete(path.as_bstr())?;
        }
    }
    if parsed.has("dry-run") { Ok(()) } else { index.write() }
}

/// `git mv`.
pub fn mv(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("f force", Takes::Nothing),
            ("n dry-run", Takes::Nothing),
            ("k", Takes::Nothing),
            ("v verbose", Takes::Nothing),
        ],
        "git mv [-v] [-f] [-n] [-k] <source>... <destination>",
    )?;
    let session = &globals.session()?;
    let Some((target, sources)) = parsed.rest.split_last().filter(|(_, sources)| !sources.is_empty()) else {
        return Err(Error::Text("usage: git mv [-v] [-f] [-n] [-k] <source>... <destination>\n".into(), 129));
    };
    let mut index = session.index()?;
    let files = Files::new(session, &index)?;
    let target_path = session.inside(target.as_bstr())?;
    let into = target_path.is_empty() || mode_at(&files.at(target_path.as_bstr())) == Some(FOLDER);
    if sources.len() > 1 && !into {
        return Err(fatal!("destination '{target}' is not a directory"));
    }
    let mut work = Vec::new();
    for source in sources {
        let from = session.inside(source.as_bstr())?;
        let mut to = target_path.clone();
        if into {
            if !to.is_empty() {
                to.push(b'/');
            }
            to.extend_from_slice(from.rfind_byte(b'/').map_or(&from[..], |at| &from[at + 1..]));
        }
        let kind = mode_at(&files.at(from.as_bstr()));
        let bad = if kind.is_none() {
            Some("bad source")
        } else if kind == Some(FOLDER) {
            if into && (to == from || to.starts_with(&[from.as_slice(), b"/"].concat())) {
                Some("can not move directory into itself")
            } else if !index.has_below(from.as_bstr()) {
                Some("source directory is empty")
            } else if mode_at(&files.at(to.as_bstr())).is_some() {
                Some("destination already exists")
            } else {
                None
            }
        } else if !index.has(from.as_bstr()) {
            Some("not under version control")
        } else if index.get(from.as_bstr()).is_none() {
            Some("conflicted")
        } else if mode_at(&files.at(to.as_bstr())).is_some() && !parsed.has("force") {
            Some("destination exists")
        } else if target.ends_with(b"/") && !into {
            Some("destination directory does not exist")
        } else {
            None
        };
        if let Some(bad) = bad {
            if parsed.has("k") {
                continue;
            }
            let shown = if target.ends_with(b"/") && !into { target.clone() } else { to };
            return Err(fatal!("{bad}, source={from}, destination={shown}"));
        }
        work.push((from, to));
    }
    for (from, to) in work {
        if parsed.has("verbose") || parsed.has("dry-run") {
            if parsed.has("dry-run") {
                session.out().line(format!("Checking rename of '{from}' to '{to}'"))?;
            }
            session.out().line(format!("Renaming {from} to {to}"))?;
        }
        if parsed.has("dry-run") {
            continue;
        }
        fs::rename(files.at(from.as_bstr()), files.at(to.as_bstr()))
            .map_err(|error| fatal!("renaming '{from}' failed: {}", super::reason(&error)))?;
        let mut below = from.clone();
        below.push(b'/');
        let moved: Vec<(BString, u8)> = index
            .entries
            .keys()
            .filter(|(path, _)| *path == from || path.starts_with(&below))
            .cloned()
            .collect();
        index.remove(to.as_bstr());
        for (path, stage) in moved {
            if let Some(entry) = index.entries.remove(&(path.clone(), stage)) {
                let mut new = to.clone();
                new.extend_from_slice(&path[from.len()..]);
                index.entries.insert((new, stage), entry);
            }
        }
    }
    if parsed.has("dry-run") { Ok(()) } else { index.write() }
}

/// `git check-ignore`.
pub fn check_ignore(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("v verbose", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("n non-matching", Takes::Nothing),
            ("no-index", Takes::Nothing),
            ("stdin", Takes::Nothing),
            ("z", Takes::Nothing),
        ],
        "git check-ignore [<options>] <pathname>...",
    )?;
    let session = &globals.session()?;
    let index = session.index()?;
    let mut rules = Ignore::new(session, &index)?;
    let mut names = parsed.rest.clone();
    if parsed.has("stdin") {
        use std::io::BufRead;
        for line in std::io::stdin().lock().split(b'\n') {
            names.push(line?.into());
        }
    } else if names.is_empty() {
        return Err(fatal!("no path specified"));
    }
    let mut any = false;
    let end = if parsed.has("z") { "\0" } else { "\n" };
    for name in &names {
        let path = session.inside(name.as_bstr())?;
        let folder = mode_at(&session.file(path.as_bstr())?) == Some(FOLDER) || name.ends_with(b"/");
        let mut rule = None;
        if parsed.has("no-index") || !index.has(path.as_bstr()) {
            // The outermost folder that a rule excludes decides.
            let mut at = 0;
            while let Some(next) = path.get(at..).and_then(|rest| rest.find_byte(b'/')) {
                at += next;
                rule = rules.rule(path[..at].as_bstr(), true)?.filter(|(.., negative)| !negative);
                if rule.is_some() {
                    break;
                }
                at += 1;
            }
            if rule.is_none() {
                rule = rules.rule(path.as_bstr(), folder)?;
            }
        }
        let matched = rule.as_ref().is_some_and(|(.., negative)| !negative || parsed.has("verbose"));
        any |= matched;
        if parsed.has("quiet") || (!matched && !parsed.has("non-matching")) {
            continue;
        }
        if parsed.has("verbose") {
            match &rule {
                Some((source, pattern, line, _)) => {
                    session.out().bytes(format!("{source}:{line}:{pattern}\t{name}{end}"))?
                }
                None => session.out().bytes(format!("::\t{name}{end}"))?,
            }
        } else {
            session.out().bytes(format!("{}{end}", crate::session::quote(name.as_bstr())))?;
        }
    }
    if any { Ok(()) } else { Err(Error::Status(1)) }
}
