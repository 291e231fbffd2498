//! `git grep`, `git clean`, `git blame`, `git describe`.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::num::IntErrorKind;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::glob::wildmatch;
use gix::glob::wildmatch::Mode;
use gix::objs::Kind;

use crate::commit::Commit;
use crate::diff::is_binary;
use crate::error::{Error, Result, fatal, library};
use crate::ident::DateStyle;
use crate::index::{COMMIT, FOLDER, LINK};
use crate::options::{Takes, parse};
use crate::pathspec::Pathspec;
use crate::pattern::{Pattern, is_word};
use crate::session::{Globals, Session, quote};
use crate::status::shorten;
use crate::tree;
use crate::walk;
use crate::worktree::{Depth, Files, mode_at, others};

/// How `git grep` searches and shows.
struct Search {
    patterns: Vec<Pattern>,
    word: bool,
    invert: bool,
    number: bool,
    column: bool,
    names: Option<bool>,
    only: bool,
    count: bool,
    quiet: bool,
    bare: bool,
    before: usize,
    after: usize,
    heading: bool,
    apart: bool,
    nul: bool,
    most: Option<usize>,
    text: bool,
    skip_binary: bool,
}

impl Search {
    fn find(&self, line: &[u8]) -> Option<wasmsh_regex::Span> {
        let mut best: Option<wasmsh_regex::Span> = None;
        for pattern in &self.patterns {
            let mut at = 0;
            while let Some(span) = pattern.find(line, at) {
                if !self.word || is_word(line, span) {
                    if best.is_none_or(|best| span.start < best.start) {
                        best = Some(span);
                    }
                    break;
                }
                at = span.start + 1;
                if at > line.len() {
                    break;
                }
            }
        }
        best
    }

    /// Searches one file; tells whether anything matched.
    fn run(&self, session: &Session<'_>, name: &BStr, data: &[u8], first: &mut bool) -> Result<bool> {
        let out = session.out();
        let separator = if self.nul { "\0" } else { ":" };
        if is_binary(data) && !self.text {
            if self.skip_binary {
                return Ok(false);
            }
            let hit = self.find_any(data) != self.invert;
            if hit && !self.quiet {
                match self.names {
                    Some(true) => out.bytes(format!("{name}{}", if self.nul { "\0" } else { "\n" }))?,
                    Some(false) => return Ok(false),
                    None if self.count => out.bytes(format!("{name}{separator}1\n"))?,
                    None => out.line(format!("Binary file {name} matches"))?,
                }
            }
            if self.names == Some(false) {
                if !hit && !self.quiet {
                    out.bytes(format!("{name}{}", if self.nul { "\0" } else { "\n" }))?;
                }
                return Ok(!hit);
            }
            return Ok(hit);
        }
        let lines: Vec<&[u8]> = data.lines().collect();
        let (mut hits, mut shown_to) = (0, 0_usize);
        let mut started = false;
        let mark = |sign: &str, at: usize, column: Option<usize>| -> BString {
            let mut text = BString::default();
            if !self.bare && !self.heading {
                text.push_str(name);
                text.push_str(if self.nul && sign == ":" { "\0" } else { sign });
            }
            if self.number {
                text.push_str(format!("{}{sign}", at + 1));
            }
            if let Some(column) = column.filter(|_| self.column) {
                text.push_str(format!("{}{sign}", column + 1));
            }
            text
        };
        let context = self.before + self.after > 0;
        let mut pending_after = 0;
        for (at, line) in lines.iter().enumerate() {
            let span = self.find(line);
            let hit = span.is_some() != self.invert;
            if hit && self.most.is_none_or(|most| hits < most) {
                hits += 1;
                if self.quiet || self.names.is_some() || self.count {
                    if !self.count {
                        break;
                    }
                    continue;
                }
                if self.heading && !started {
                    if !*first && self.apart {
                        out.bytes("\n")?;
                    }
                    out.line(name)?;
                }
                let from = at.saturating_sub(self.before).max(shown_to);
                if context && (if started { from > shown_to } else { !*first && !self.heading }) {
                    out.line("--")?;
                }
                for (before, line) in lines.iter().enumerate().take(at).skip(from) {
                    out.bytes(mark("-", before, None))?;
                    out.line(line)?;
                }
                if self.only && !self.invert {
                    let mut rest = span;
                    while let Some(found) = rest {
                        if found.end > found.start {
                            out.bytes(mark(":", at, Some(found.start)))?;
                            out.line(&line[found.start..found.end])?;
                        }
                        let next = found.end.max(found.start + 1);
                        rest = if next < line.len() {
                            self.find(&line[next..]).map(|span| wasmsh_regex::Span {
                                start: span.start + next,
                                end: span.end + next,
                            })
                        } else {
                            None
                        };
                    }
                } else {
                    out.bytes(mark(":", at, span.map(|span| span.start)))?;
                    out.line(line)?;
                }
                started = true;
                *first = false;
                shown_to = at + 1;
                pending_after = self.after;
            } else if pending_after > 0 {
                pending_after -= 1;
                out.bytes(mark("-", at, None))?;
                out.line(line)?;
                shown_to = at + 1;
            }
        }
        match self.names {
            _ if self.quiet => {}
            Some(true) if hits > 0 => out.bytes(format!("{name}{}", if self.nul { "\0" } else { "\n" }))?,
            Some(false) if hits == 0 => out.bytes(format!("{name}{}", if self.nul { "\0" } else { "\n" }))?,
            None if self.count && hits > 0 => {
                if !self.bare {
                    out.bytes(format!("{name}{separator}"))?;
                }
                out.line(hits.to_string())?;
            }
            _ => {}
        }
        Ok(if self.names == Some(false) { hits == 0 } else { hits > 0 })
    }

    fn find_any(&self, data: &[u8]) -> bool {
        data.lines().any(|line| self.find(line).is_some())
    }
}

/// `git grep`.
pub fn grep(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("e", Takes::Value),
            ("f", Takes::Value),
            ("i ignore-case", Takes::Nothing),
            ("w word-regexp", Takes::Nothing),
            ("v invert-match", Takes::Nothing),
            ("n line-number", Takes::Nothing),
            ("column", Takes::Nothing),
            ("l files-with-matches name-only", Takes::Nothing),
            ("L files-without-match", Takes::Nothing),
            ("o only-matching", Takes::Nothing),
            ("c count", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("h", Takes::Nothing),
            ("H", Takes::Nothing),
            ("E extended-regexp", Takes::Nothing),
            ("G basic-regexp", Takes::Nothing),
            ("F fixed-strings", Takes::Nothing),
            ("P perl-regexp", Takes::Nothing),
            ("A after-context", Takes::Value),
            ("B before-context", Takes::Value),
            ("C context", Takes::Value),
            ("cached", Takes::Nothing),
            ("untracked", Takes::Nothing),
            ("heading", Takes::Nothing),
            ("break", Takes::Nothing),
            ("z null", Takes::Nothing),
            ("full-name", Takes::Nothing),
            ("m max-count", Takes::Value),
            ("a text", Takes::Nothing),
            ("I", Takes::Nothing),
            ("r recursive", Takes::Nothing),
            ("no-color", Takes::Nothing),
            ("color", Takes::Glued),
            ("exclude-standard", Takes::Nothing),
            ("threads", Takes::Value),
            ("max-depth", Takes::Value),
        ],
        "git grep [<options>] [-e] <pattern> [<rev>...] [[--] <path>...]",
    )?;
    let session = &globals.session()?;
    let mut rest: Vec<BString> = parsed.rest.clone();
    let mut separator = parsed.separator;
    let mut texts: Vec<BString> = parsed.values("e").map(ToOwned::to_owned).collect();
    for file in parsed.values("f") {
        let text = fs::read(crate::session::to_path(file))
            .map_err(|error| fatal!("cannot open '{file}': {}", super::reason(&error)))?;
        texts.extend(text.lines().map(BString::from));
    }
    if texts.is_empty() {
        if rest.is_empty() {
            return Err(fatal!("no pattern given"));
        }
        texts.push(rest.remove(0));
        separator = separator.map(|at| at.saturating_sub(1));
    }
    let fold = parsed.has("ignore-case");
    let kind = parsed.last_of(&["extended-regexp", "basic-regexp", "fixed-strings", "perl-regexp"]);
    let mut patterns = Vec::new();
    for text in &texts {
        patterns.push(match kind {
            Some("fixed-strings") => Pattern::fixed(text.as_bstr(), fold)?,
            Some("extended-regexp") => Pattern::new(text.as_bstr(), true, fold)?,
            Some("perl-regexp") => {
                return Err(fatal!("cannot use Perl-compatible regexes when not compiled with USE_LIBPCRE"));
            }
            _ => Pattern::new(
                text.as_bstr(),
                session.config_bool("grep.extendedRegexp", false) && kind.is_none(),
                fold,
            )?,
        });
    }
    let context = parsed.number("context")?.unwrap_or(0);
    let search = Search {
        patterns,
        word: parsed.has("word-regexp"),
        invert: parsed.has("invert-match"),
        number: (parsed.has("line-number") || session.config_bool("grep.lineNumber", false))
            && !parsed.negated("line-number"),
        column: parsed.has("column"),
        names: if parsed.has("files-with-matches") {
            Some(true)
        } else {
            parsed.has("files-without-match").then_some(false)
        },
        only: parsed.has("only-matching"),
        count: parsed.has("count"),
        quiet: parsed.has("quiet"),
        bare: parsed.last_of(&["h", "H"]) == Some("h"),
        before: parsed.number("before-context")?.unwrap_or(context),
        after: parsed.number("after-context")?.unwrap_or(context),
        heading: parsed.has("heading"),
        apart: parsed.has("break"),
        nul: parsed.has("null"),
        most: parsed.number("max-count")?,
        text: parsed.has("text"),
        skip_binary: parsed.has("I"),
    };
    let mut trees: Vec<(BString, ObjectId)> = Vec::new();
    let paths = walk::revisions(session, &rest, separator, &mut |name| {
        let Some(id) = session.try_object(name) else { return Ok(false) };
        let Ok(object) = session.repo.find_object(id) else { return Ok(false) };
        let Ok(tree) = object.peel_to_kind(Kind::Tree) else { return Ok(false) };
        trees.push((name.to_owned(), tree.id));
        Ok(true)
    })?;
    let mut arguments = paths;
    if arguments.is_empty() && !session.prefix.is_empty() {
        arguments.push(".".into());
    }
    let wanted = Pathspec::new(session, &arguments)?;
    let shown = |path: &BStr| -> BString {
        let path = if parsed.has("full-name") { path.to_owned() } else { session.relative(path) };
        if search.nul { path } else { quote(path.as_bstr()) }
    };
    let (mut any, mut first) = (false, true);
    if !trees.is_empty() {
        for (name, id) in trees {
            for (path, item) in tree::flatten(session, Some(id))? {
                if wanted.matches(path.as_bstr()) && item.mode != COMMIT {
                    let full = format!("{name}:{}", shown(path.as_bstr()));
                    any |= search.run(
                        session,
                        full.as_bytes().as_bstr(),
                        &session.blob(item.id)?,
                        &mut first,
                    )?;
                }
            }
        }
    } else {
        let index = session.index()?;
        let cached = parsed.has("cached") || session.repo.workdir().is_none();
        let mut list: BTreeSet<BString> = index
            .entries
            .iter()
            .filter(|(_, entry)| entry.mode != COMMIT && entry.mode != LINK)
            .map(|((path, _), _)| path.clone())
            .filter(|path| wanted.matches(path.as_bstr()))
            .collect();
        if parsed.has("untracked") {
            list.extend(others(session, &index, Depth::Files, false, &wanted)?.untracked);
        }
        for path in list {
            let data = if cached {
                match index.get(path.as_bstr()) {
                    Some(entry) => session.blob(entry.id)?,
                    None => continue,
                }
            } else {
                match fs::read(session.file(path.as_bstr())?) {
                    Ok(data) => data,
                    Err(_) => continue,
                }
            };
            any |= search.run(session, shown(path.as_bstr()).as_bstr(), &data, &mut first)?;
            if any && search.quiet {
                break;
            }
        }
    }
    if any { Ok(()) } else { Err(Error::Status(1)) }
}

/// `git clean`.
pub fn clean(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("f force", Takes::Nothing),
            ("n dry-run", Takes::Nothing),
            ("d", Takes::Nothing),
            ("x", Takes::Nothing),
            ("X", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("e exclude", Takes::Value),
            ("i interactive", Takes::Nothing),
        ],
        "git clean [-d] [-f] [-i] [-n] [-q] [-e <pattern>] [-x | -X] [--] [<pathspec>...]",
    )?;
    let session = &globals.session()?;
    let root = session.root()?;
    let dry = parsed.has("dry-run");
    if !dry && !parsed.has("force") && session.config_bool("clean.requireForce", true) {
        return Err(fatal!("clean.requireForce is true and -f not given: refusing to clean"));
    }
    let mut names = parsed.rest.clone();
    if names.is_empty() && !session.prefix.is_empty() {
        names.push(".".into());
    }
    let wanted = Pathspec::new(session, &names)?;
    let index = session.index()?;
    let found = others(session, &index, Depth::Folders, true, &wanted)?;
    let excluded = |path: &BString| {
        let bare = path.trim_end_with(|end| end == '/');
        let base = bare.rfind_byte(b'/').map_or(bare, |at| &bare[at + 1..]);
        parsed.values("exclude").any(|pattern| {
            wildmatch(pattern, base.as_bstr(), Mode::empty())
                || wildmatch(pattern, bare.as_bstr(), Mode::NO_MATCH_SLASH_LITERAL)
        })
    };
    let mut list: BTreeSet<BString> = if parsed.has("X") {
        found.ignored.clone()
    } else if parsed.has("x") {
        found.untracked.union(&found.ignored).cloned().collect()
    } else {
        // A folder that holds ignored files stays, and only the others in it go.
        let mut list = BTreeSet::new();
        for path in &found.untracked {
            let inside: Vec<&BString> =
                found.ignored.iter().filter(|ignored| ignored.starts_with(path)).collect();
            if !path.ends_with(b"/") || inside.is_empty() {
                list.insert(path.clone());
            } else {
                let below = Pathspec::new(session, &[format!(":/{path}").into()])?;
                list.extend(others(session, &index, Depth::Files, false, &below)?.untracked);
            }
        }
        list
    };
    // What lies below a folder that goes anyway is not told apart.
    let folders: Vec<BString> = list.iter().filter(|path| path.ends_with(b"/")).cloned().collect();
    list.retain(|path| !folders.iter().any(|folder| folder != path && path.starts_with(folder)));
    for path in list {
        if excluded(&path) {
            continue;
        }
        let named = wanted.places().any(|(_, place)| place == path.trim_end_with(|end| end == '/'));
        if path.ends_with(b"/") && !parsed.has("d") && !named {
            continue;
        }
        let place = root.join(crate::session::to_path(path.as_bstr()));
        if path.ends_with(b"/") && place.join(".git").exists() {
            let word = if dry { "Would skip" } else { "Skipping" };
            session.out().line(format!("{word} repository {}", session.relative(path.as_bstr())))?;
            continue;
        }
        if !parsed.has("quiet") || dry {
            let word = if dry { "Would remove" } else { "Removing" };
            session.out().line(format!("{word} {}", quote(session.relative(path.as_bstr()).as_bstr())))?;
        }
        if !dry {
            let removed = if mode_at(&place) == Some(FOLDER) {
                fs::remove_dir_all(&place)
            } else {
                fs::remove_file(&place)
            };
            if let Err(error) = removed {
                session.say(format!("warning: failed to remove {path}: {}\n", super::reason(&error)))?;
            }
        }
    }
    Ok(())
}

/// The lines that `-L` names, counted from 1, the smaller one first; 0 is an end that is not given.
fn line_range(text: &str) -> Result<(usize, usize)> {
    let number = |text: &str| match text.parse::<isize>() {
        Ok(number) => Ok(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Ok(isize::MAX),
        Err(_) => {
            Err(Error::Text("usage: git blame [<options>] [<rev-opts>] [<rev>] [--] <file>\n".into(), 129))
        }
    };
    let line = |text: &str| match number(text)? {
        number @ ..1 => Err(fatal!("-L invalid line number: {number}")),
        number => Ok(number.unsigned_abs()),
    };
    let count = |text: &str| match number(text)?.unsigned_abs() {
        0 => Err(fatal!("-L invalid empty range")),
        count => Ok(count),
    };
    let (start, end) = text.split_once(',').unwrap_or((text, ""));
    let from = if start.is_empty() { 0 } else { line(start)? };
    let to = if let Some(lines) = end.strip_prefix('+') {
        from.saturating_add(count(lines)? - 1)
    } else if let Some(lines) = end.strip_prefix('-') {
        (from + 1).saturating_sub(count(lines)?).max(1)
    } else if end.is_empty() {
        0
    } else {
        line(end)?
    };
    Ok(if from > 0 && to > 0 && to < from { (to, from) } else { (from, to) })
}

/// `git blame`.
pub fn blame(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("L", Takes::Value),
            ("e show-email", Takes::Nothing),
            ("s", Takes::Nothing),
            ("l", Takes::Nothing),
            ("t", Takes::Nothing),
            ("f show-name", Takes::Nothing),
            ("n show-number", Takes::Nothing),
            ("p porcelain", Takes::Nothing),
            ("line-porcelain", Takes::Nothing),
            ("date", Takes::Value),
            ("abbrev", Takes::Value),
            ("w", Takes::Nothing),
            ("M", Takes::Glued),
            ("C", Takes::Glued),
            ("root", Takes::Nothing),
            ("b", Takes::Nothing),
        ],
        "git blame [<options>] [<rev-opts>] [<rev>] [--] <file>",
    )?;
    let session = &globals.session()?;
    let (revision, file) = match parsed.rest.as_slice() {
        [file] => (None, file),
        [one, other] if parsed.separator == Some(1) || session.try_commit(one.as_bstr()).is_some() => {
            (Some(one), other)
        }
        [one, other] if session.try_commit(other.as_bstr()).is_none() => {
            let _ = other;
            return Err(fatal!("bad revision '{one}'"));
        }
        [file, revision] => (Some(revision), file),
        _ => {
            return Err(Error::Text(
                "usage: git blame [<options>] [<rev-opts>] [<rev>] [--] <file>\n".into(),
                129,
            ));
        }
    };
    let path = session.inside(file.as_bstr())?;
    let name = revision.cloned().unwrap_or_else(|| "HEAD".into());
    let commit = session.commit(name.as_bstr())?;
    let missing = || match revision {
        Some(_) => fatal!("no such path {path} in {name}"),
        None => fatal!("no such path '{path}' in HEAD"),
    };
    let item = tree::lookup(session, session.tree_of(commit)?, path.as_bstr())?.ok_or_else(missing)?;
    if item.mode == FOLDER {
        return Err(missing());
    }
    let options = gix::repository::blame_file::Options {
        rewrites: Some(gix::diff::Rewrites::default()),
        ..Default::default()
    };
    let outcome = session.repo.blame_file(path.as_bstr(), commit, options).map_err(library)?;
    let committed = session.blob(item.id)?;
    let old: Vec<&[u8]> = committed.lines_with_terminator().collect();
    // Where each line of the commit comes from.
    let mut source: Vec<Option<(ObjectId, usize, BString)>> = vec![None; old.len()];
    for entry in &outcome.entries {
        let from = entry.source_file_name.clone().unwrap_or_else(|| path.clone());
        for (offset, at) in entry.range_in_blamed_file().enumerate() {
            if let Some(slot) = source.get_mut(at) {
                *slot = Some((entry.commit_id, entry.start_in_source_file as usize + offset, from.clone()));
            }
        }
    }
    let data = if revision.is_none() && session.repo.workdir().is_some() {
        let index = session.index()?;
        let mut files = Files::new(session, &index)?;
        match files.mode(path.as_bstr(), Some(item.mode)).filter(|mode| *mode != FOLDER) {
            Some(mode) => files.content(path.as_bstr(), mode)?,
            None => return Err(fatal!("Cannot lstat '{path}': No such file or directory")),
        }
    } else {
        committed.clone()
    };
    let lines: Vec<&[u8]> = data.lines_with_terminator().collect();
    if data != committed {
        let mut now = Vec::with_capacity(lines.len());
        let mut at = 0;
        for (before, after) in crate::diff::lines::edits(&old, &lines, &Default::default()) {
            now.extend(source[at..before.start].iter().cloned());
            now.extend(after.clone().map(|_| None));
            at = before.end;
        }
        now.extend(source[at..].iter().cloned());
        source = now;
    }
    let (mut from, mut to) = (0, lines.len());
    if let Some(range) = parsed.value("L") {
        let (first, last) = line_range(&range.to_str_lossy())?;
        if first > lines.len() || (lines.is_empty() && last > 0) {
            return Err(fatal!(
                "file {path} has only {} line{}",
                lines.len(),
                if lines.len() == 1 { "" } else { "s" }
            ));
        }
        from = first.saturating_sub(1);
        if last > 0 {
            to = last.min(lines.len());
        }
    }
    let mut commits: HashMap<ObjectId, Commit> = HashMap::new();
    for (id, ..) in source.iter().flatten() {
        if !commits.contains_key(id) {
            commits.insert(*id, Commit::read(session, *id)?);
        }
    }
    let style = match parsed.value("date") {
        Some(style) => DateStyle::parse(style)?,
        None => DateStyle::Iso,
    };
    let digits = match parsed.number("abbrev")? {
        Some(digits) => digits + 1,
        None if parsed.has("l") => 40,
        None => source.iter().flatten().map(|(id, ..)| session.short(*id).len()).max().unwrap_or(7) + 1,
    }
    .min(40);
    let now = crate::ident::now();
    let who = |line: &Option<(ObjectId, usize, BString)>| -> (BString, String) {
        match line.as_ref().and_then(|(id, ..)| commits.get(id)) {
            Some(commit) => {
                let name = if parsed.has("show-email") {
                    format!("<{}>", commit.author.email).into()
                } else {
                    commit.author.name.clone()
                };
                let date = if parsed.has("t") {
                    DateStyle::Raw.show(commit.author.time)
                } else {
                    style.show(commit.author.time)
                };
                (name, date)
            }
            None => {
                let name = if parsed.has("show-email") { "<not.committed.yet>" } else { "Not Committed Yet" };
                (name.into(), if parsed.has("t") { DateStyle::Raw.show(now) } else { style.show(now) })
            }
        }
    };
    let list = &source[from..to];
    if parsed.has("porcelain") || parsed.has("line-porcelain") {
        return porcelain(
            session,
            list,
            &lines[from..to],
            from,
            &commits,
            &path,
            parsed.has("line-porcelain"),
        );
    }
    let name_width = list.iter().map(|line| who(line).0.chars().count()).max().unwrap_or(0);
    let date_width = list.iter().map(|line| who(line).1.len()).max().unwrap_or(0);
    let number_width = to.to_string().len();
    let renamed = list.iter().flatten().any(|(_, _, name)| *name != path) || parsed.has("show-name");
    let file_width = list
        .iter()
        .map(|line| line.as_ref().map_or(path.len(), |(_, _, name)| name.len()))
        .max()
        .unwrap_or(0);
    let source_width = list.iter().flatten().map(|(_, at, _)| (at + 1).to_string().len()).max().unwrap_or(1);
    for (offset, line) in list.iter().enumerate() {
        let mut text = BString::default();
        match line {
            Some((id, ..)) => {
                let root = commits.get(id).is_some_and(|commit| commit.parents.is_empty());
                let hex = id.to_string();
                if root && !parsed.has("root") {
                    text.push_str(format!("^{}", hex.get(..digits - 1).unwrap_or(&hex)));
                } else {
                    text.push_str(hex.get(..digits).unwrap_or(&hex));
                }
            }
            None => text.push_str("0".repeat(digits)),
        }
        if renamed {
            let name = line.as_ref().map_or_else(|| path.clone(), |(_, _, name)| name.clone());
            text.push_str(format!(" {name}{}", " ".repeat(file_width - name.len())));
        }
        if parsed.has("show-number") {
            let at = line.as_ref().map_or(from + offset, |(_, at, _)| *at) + 1;
            text.push_str(format!(" {at:>source_width$}"));
        }
        if parsed.has("s") {
            text.push_str(format!(" {:>number_width$}) ", from + offset + 1));
        } else {
            let (name, date) = who(line);
            text.push_str(format!(
                " ({name}{} {date:<date_width$} {:>number_width$}) ",
                " ".repeat(name_width - name.chars().count()),
                from + offset + 1
            ));
        }
        text.push_str(lines[from + offset]);
        if !text.ends_with(b"\n") {
            text.push_byte(b'\n');
        }
        session.out().bytes(text)?;
    }
    Ok(())
}

fn porcelain(
    session: &Session<'_>,
    list: &[Option<(ObjectId, usize, BString)>],
    lines: &[&[u8]],
    from: usize,
    commits: &HashMap<ObjectId, Commit>,
    path: &BString,
    every: bool,
) -> Result {
    let null = ObjectId::null(session.repo.object_hash());
    let mut told: BTreeSet<ObjectId> = BTreeSet::new();
    let out = session.out();
    let mut at = 0;
    while at < list.len() {
        let key = |at: usize| {
            list.get(at).map(|line| line.as_ref().map(|(id, line, name)| (*id, *line, name.clone())))
        };
        let mut end = at + 1;
        while let (Some(before), Some(next)) = (key(end - 1), key(end)) {
            let joined = match (&before, &next) {
                (Some(one), Some(other)) => one.0 == other.0 && one.1 + 1 == other.1 && one.2 == other.2,
                (None, None) => true,
                _ => false,
            };
            if !joined {
                break;
            }
            end += 1;
        }
        for number in at..end {
            let (id, line, name) = list[number].clone().unwrap_or((null, from + number, path.clone()));
            let count = if number == at { format!(" {}", end - at) } else { String::new() };
            out.line(format!("{id} {} {}{count}", line + 1, from + number + 1))?;
            if told.insert(id) || every {
                match commits.get(&id) {
                    Some(commit) => {
                        for (role, person) in [("author", &commit.author), ("committer", &commit.committer)] {
                            out.line(format!(
                                "{role} {}\n{role}-mail <{}>\n{role}-time {}\n{role}-tz {}",
                                person.name,
                                person.email,
                                person.time.seconds,
                                DateStyle::Raw.show(person.time).split(' ').nth(1).unwrap_or("+0000")
                            ))?;
                        }
                        out.line(format!("summary {}", commit.subject()))?;
                        if let Some(parent) = commit.parents.first() {
                            if tree::lookup(session, session.tree_of(*parent)?, name.as_bstr())?.is_some() {
                                out.line(format!("previous {parent} {name}"))?;
                            }
                        } else {
                            out.line("boundary")?;
                        }
                    }
                    None => out.line("author Not Committed Yet\nauthor-mail <not.committed.yet>")?,
                }
                out.line(format!("filename {name}"))?;
            }
            out.bytes("\t")?;
            out.bytes(lines[number])?;
            if !lines[number].ends_with(b"\n") {
                out.bytes("\n")?;
            }
        }
        at = end;
    }
    Ok(())
}

/// `git describe`.
pub fn describe(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("tags", Takes::Nothing),
            ("all", Takes::Nothing),
            ("always", Takes::Nothing),
            ("long", Takes::Nothing),
            ("abbrev", Takes::Value),
            ("exact-match", Takes::Nothing),
            ("dirty", Takes::Glued),
            ("match", Takes::Value),
            ("exclude", Takes::Value),
            ("first-parent", Takes::Nothing),
            ("candidates", Takes::Value),
        ],
        "git describe [--all] [--tags] [--contains] [--abbrev=<n>] [<commit-ish>...]",
    )?;
    let session = &globals.session()?;
    let name = parsed.rest.first().cloned().unwrap_or_else(|| "HEAD".into());
    let start = session.try_commit(name.as_bstr()).ok_or_else(|| fatal!("Not a valid object name {name}"))?;
    // The name of each commit: annotated tags before others, then the newest.
    let mut names: HashMap<ObjectId, (u8, i64, BString)> = HashMap::new();
    let prefix = if parsed.has("all") { "refs/" } else { "refs/tags/" };
    let mut unannotated = false;
    for (full, id, _) in crate::refs::list(session, prefix)? {
        let short = if parsed.has("all") {
            full.strip_prefix(b"refs/").unwrap_or(&full).into()
        } else {
            shorten(full.as_bstr())
        };
        if parsed.has("match")
            && !parsed.values("match").any(|pattern| wildmatch(pattern, short.as_bstr(), Mode::empty()))
        {
            continue;
        }
        if parsed.values("exclude").any(|pattern| wildmatch(pattern, short.as_bstr(), Mode::empty())) {
            continue;
        }
        let Ok(object) = session.repo.find_object(id) else { continue };
        let rank = match object.kind {
            Kind::Tag => 2,
            _ if full.starts_with(b"refs/tags/") => 1,
            _ => 0,
        };
        unannotated |= rank == 1;
        if rank < 2 && !(parsed.has("tags") && rank == 1) && !parsed.has("all") {
            continue;
        }
        let date = super::revparse::created(session, id)?;
        let Ok(commit) = object.peel_to_kind(Kind::Commit) else { continue };
        let found = (rank, if rank == 2 { date } else { 0 }, short);
        let slot = names.entry(commit.id).or_insert_with(|| found.clone());
        if (found.0, found.1) > (slot.0, slot.1) {
            *slot = found;
        }
    }
    let mut suffix = BString::default();
    if parsed.has("dirty") {
        let mut index = session.index()?;
        let changes = Files::new(session, &index)?.changes(&mut index, &Pathspec::default())?;
        let staged = crate::status::staged(session, session.head_tree()?, &index, &Pathspec::default())?;
        if !changes.is_empty() || !staged.is_empty() {
            suffix = parsed.value("dirty").map_or_else(|| "-dirty".into(), ToOwned::to_owned);
        }
    }
    let digits = parsed.number("abbrev")?;
    let short =
        |id: ObjectId| digits.map_or_else(|| session.short(id), |digits| session.short_at_least(id, digits));
    // The nearest name is the one with the fewest commits that it does not have.
    let mut best: Option<(usize, BString)> = None;
    if let Some((_, _, name)) = names.get(&start) {
        best = Some((0, name.clone()));
    } else if !parsed.has("exact-match") && !names.is_empty() {
        let all = walk::ancestors(session, &[start])?;
        let range = walk::Range { tips: vec![start], ..Default::default() };
        let walking = walk::Walk { range, first_parent: parsed.has("first-parent"), ..Default::default() };
        let mut candidates = Vec::new();
        walking.run(session, &mut |commit| {
            if let Some((_, _, name)) = names.get(&commit.id) {
                candidates.push((commit.id, name.clone()));
            }
            Ok(candidates.len() < 10)
        })?;
        for (id, name) in candidates {
            let depth = all.len() - walk::ancestors(session, &[id])?.len();
            if best.as_ref().is_none_or(|(least, _)| depth < *least) {
                best = Some((depth, name));
            }
        }
    }
    let text = match best {
        Some((0, name)) if !parsed.has("long") => name,
        Some((_, name)) if digits == Some(0) => name,
        Some((depth, name)) => format!("{name}-{depth}-g{}", short(start)).into(),
        None if parsed.has("always") => short(start).into(),
        None if parsed.has("exact-match") => return Err(fatal!("no tag exactly matches '{start}'")),
        None if names.is_empty() && unannotated => {
            return Err(fatal!(
                "No annotated tags can describe '{start}'.\nHowever, there were unannotated tags: try --tags."
            ));
        }
        None if names.is_empty() => return Err(fatal!("No names found, cannot describe anything.")),
        None => return Err(fatal!("No tags can describe '{start}'.\nTry --always, or create some tags.")),
    };
    session.out().line(format!("{text}{suffix}"))
}
