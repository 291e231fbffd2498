//! `git log`, `git show`, `git rev-list`, `git shortlog`.

use std::collections::VecDeque;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::objs::Kind;

use crate::commit::{Commit, Decorations, Format, LogEntry, Printer};
use crate::diff::options::{Options, unrecognized};
use crate::diff::{self, Contents, combined};
use crate::error::{Result, fatal};
use crate::graph::Graph;
use crate::ident::{DateStyle, parse_date};
use crate::pathspec::Pathspec;
use crate::pattern::Pattern;
use crate::session::{Globals, Session};
use crate::tree::{self, Change};
use crate::walk::{Order, Range, Walk, revisions};

/// Which commits of a walk are shown.
#[derive(Default)]
struct Limits {
    count: Option<usize>,
    skip: usize,
    since: Option<i64>,
    until: Option<i64>,
    authors: Vec<BString>,
    committers: Vec<BString>,
    greps: Vec<BString>,
    fold: bool,
    extended: bool,
    fixed: bool,
    invert: bool,
    all_match: bool,
    least_parents: usize,
    most_parents: Option<usize>,
}

/// The patterns of [`Limits`], ready.
struct Matchers {
    authors: Vec<Pattern>,
    committers: Vec<Pattern>,
    greps: Vec<Pattern>,
}

impl Limits {
    fn matchers(&self) -> Result<Matchers> {
        let make = |list: &[BString]| -> Result<Vec<Pattern>> {
            list.iter()
                .map(|text| {
                    if self.fixed {
                        Pattern::fixed(text.as_bstr(), self.fold)
                    } else {
                        Pattern::new(text.as_bstr(), self.extended, self.fold)
                    }
                })
                .collect()
        };
        Ok(Matchers {
            authors: make(&self.authors)?,
            committers: make(&self.committers)?,
            greps: make(&self.greps)?,
        })
    }

    fn accepts(&self, commit: &Commit, matchers: &Matchers) -> bool {
        let time = commit.committer.time.seconds;
        if self.since.is_some_and(|since| time < since) || self.until.is_some_and(|until| time > until) {
            return false;
        }
        if commit.parents.len() < self.least_parents
            || self.most_parents.is_some_and(|most| commit.parents.len() > most)
        {
            return false;
        }
        let any = |list: &[Pattern], text: &[u8]| {
            list.is_empty() || list.iter().any(|pattern| pattern.is_match(text))
        };
        if !any(&matchers.authors, &commit.author.who())
            || !any(&matchers.committers, &commit.committer.who())
        {
            return false;
        }
        if matchers.greps.is_empty() {
            return true;
        }
        let line_matches = |pattern: &Pattern| commit.message.lines().any(|line| pattern.is_match(line));
        let found = if self.all_match {
            matchers.greps.iter().all(line_matches)
        } else {
            matchers.greps.iter().any(line_matches)
        };
        found != self.invert
    }
}

/// How merges are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merges {
    None,
    Combined,
    Each,
    First,
}

/// Everything that the arguments say.
struct Request<'s> {
    session: &'s Session<'s>,
    options: Options,
    printer: Printer<'s>,
    walk: Walk,
    limits: Limits,
    reverse: bool,
    graph: bool,
    follow: bool,
    reflogs: bool,
    merges: Merges,
    names: Vec<BString>,
    left_right: bool,
    shown: bool,
    from: Option<ObjectId>,
}

fn all_refs(session: &Session<'_>, prefix: &str, range: &mut Range) -> Result {
    for (_, id, _) in crate::refs::list(session, prefix)? {
        if let Ok(object) = session.repo.find_object(id)
            && let Ok(commit) = object.peel_to_kind(Kind::Commit)
        {
            range.tips.push(commit.id);
        }
    }
    Ok(())
}

impl<'s> Request<'s> {
    fn parse(session: &'s Session<'s>, arguments: &[BString], show: bool) -> Result<Request<'s>> {
        let mut options = Options::new(session);
        let mut walk = Walk::default();
        let mut limits = Limits::default();
        let mut format: Option<Format> = None;
        let mut date = session
            .config("log.date")
            .map(|style| DateStyle::parse(style.as_bstr()))
            .transpose()?
            .unwrap_or_default();
        let mut short = session.config_bool("log.abbrevCommit", false);
        let mut abbrev = None;
        let mut decorate: Option<bool> = None;
        let mut parents = false;
        let mut request_reverse = false;
        let (mut graph, mut follow, mut reflogs, mut left_right) =
            (false, session.config_bool("log.follow", false), false, false);
        let mut merges = if show { Merges::Combined } else { Merges::None };
        let mut any_ref = false;
        let mut rest: Vec<BString> = Vec::new();
        let mut separator = None;
        let mut waiting: VecDeque<BString> = arguments.iter().cloned().collect();
        let mut negated = false;
        while let Some(argument) = waiting.pop_front() {
            let text = argument.to_str_lossy().into_owned();
            let (name, value) = match text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => {
                    (name.to_owned(), Some(BString::from(value)))
                }
                _ => (text.clone(), None),
            };
            let needed = |value: Option<BString>, waiting: &mut VecDeque<BString>| {
                value
                    .or_else(|| waiting.pop_front())
                    .ok_or_else(|| fatal!("Option '{}' requires a value", name.trim_start_matches('-')))
            };
            let number = |value: BString| -> Result<usize> {
                match value.to_str().ok().and_then(|text| text.parse::<i64>().ok()) {
                    Some(number) => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
                    None => Err(fatal!("'{value}': not an integer")),
                }
            };
            let moment = |value: BString| -> Result<i64> {
                parse_date(value.as_bstr())
                    .map(|time| time.seconds)
                    .ok_or_else(|| fatal!("invalid date: {value}"))
            };
            match name.as_str() {
                "--" => {
                    separator = Some(rest.len());
                    rest.extend(waiting.drain(..));
                }
                "--oneline" => {
                    format = Some(Format::Oneline);
                    short = true;
                }
                "--pretty" | "--format" => {
                    let value = match (name.as_str(), value) {
                        (_, Some(value)) => value,
                        ("--format", None) => waiting.pop_front().unwrap_or_default(),
                        _ => "medium".into(),
                    };
                    format = Some(Format::parse(session, value.as_bstr())?);
                }
                "--abbrev-commit" => short = true,
                "--no-abbrev-commit" => short = false,
                "--no-abbrev" => {
                    abbrev = Some(40);
                    options.abbrev = Some(40);
                }
                "--abbrev" => {
                    let digits = value.map(number).transpose()?.unwrap_or(7);
                    abbrev = Some(digits);
                    options.abbrev = Some(digits);
                }
                "--decorate" => {
                    decorate = match value.as_ref().map(|value| value.as_slice()) {
                        Some(b"no" | b"auto") => None,
                        Some(b"full") => Some(true),
                        _ => Some(false),
                    }
                }
                "--no-decorate" => decorate = None,
                "--date" => date = DateStyle::parse(needed(value, &mut waiting)?.as_bstr())?,
                "--relative-date" => date = DateStyle::Relative,
                "--parents" => parents = true,
                "--graph" => {
                    graph = true;
                    if walk.order == Order::Date {
                        walk.order = Order::Topo;
                    }
                }
                "--no-graph" => graph = false,
                "--reverse" => request_reverse = true,
                "--topo-order" => walk.order = Order::Topo,
                "--date-order" | "--author-date-order" => walk.order = Order::DateTopo,
                "--first-parent" => walk.first_parent = true,
                "--follow" => follow = true,
                "--no-follow" => follow = false,
                "-g" | "--walk-reflogs" => reflogs = true,
                "--left-right" => left_right = true,
                "--all" => {
                    any_ref = true;
                    all_refs(session, "refs/", &mut walk.range)?;
                    walk.range.tips.extend(session.head());
                }
                "--branches" if value.is_none() => {
                    any_ref = true;
                    all_refs(session, "refs/heads/", &mut walk.range)?;
                }
                "--tags" if value.is_none() => {
                    any_ref = true;
                    all_refs(session, "refs/tags/", &mut walk.range)?;
                }
                "--remotes" if value.is_none() => {
                    any_ref = true;
                    all_refs(session, "refs/remotes/", &mut walk.range)?;
                }
                "-n" | "--max-count" => limits.count = Some(number(needed(value, &mut waiting)?)?),
                "--skip" => limits.skip = number(needed(value, &mut waiting)?)?,
                "--since" | "--after" | "--since-as-filter" => {
                    limits.since = Some(moment(needed(value, &mut waiting)?)?)
                }
                "--until" | "--before" => limits.until = Some(moment(needed(value, &mut waiting)?)?),
                "--author" => limits.authors.push(needed(value, &mut waiting)?),
                "--committer" => limits.committers.push(needed(value, &mut waiting)?),
                "--grep" => limits.greps.push(needed(value, &mut waiting)?),
                "-i" | "--regexp-ignore-case" => limits.fold = true,
                "-E" | "--extended-regexp" | "-P" | "--perl-regexp" => limits.extended = true,
                "-F" | "--fixed-strings" => limits.fixed = true,
                "--basic-regexp" => limits.extended = false,
                "--invert-grep" => limits.invert = true,
                "--all-match" => limits.all_match = true,
                "--merges" => limits.least_parents = 2,
                "--no-merges" => limits.most_parents = Some(1),
                "--min-parents" => limits.least_parents = number(needed(value, &mut waiting)?)?,
                "--max-parents" => limits.most_parents = Some(number(needed(value, &mut waiting)?)?),
                "-m" => merges = Merges::Each,
                "-c" | "--cc" => {
                    merges = Merges::Combined;
                    options.patch = true;
                }
                "--diff-merges" => {
                    merges = match needed(value, &mut waiting)?.as_slice() {
                        b"off" | b"none" => Merges::None,
                        b"on" | b"m" | b"separate" => Merges::Each,
                        b"first-parent" | b"1" => Merges::First,
                        b"cc" | b"c" | b"combined" | b"dense-combined" => Merges::Combined,
                        other => {
                            return Err(fatal!("invalid value for '--diff-merges': '{}'", other.as_bstr()));
                        }
                    };
                }
                "--no-diff-merges" => merges = Merges::None,
                "--no-walk" => {}
                "--not" => negated = !negated,
                "--root"
                | "--full-history"
                | "--no-mailmap"
                | "--mailmap"
                | "--use-mailmap"
                | "--no-notes"
                | "--encoding"
                | "--sparse"
                | "--no-show-signature" => {}
                _ => {
                    if let Some(digits) =
                        text.strip_prefix("-n").filter(|digits| digits.parse::<usize>().is_ok())
                    {
                        limits.count = Some(number(digits.into())?);
                    } else if let Some(digits) =
                        text.strip_prefix('-').filter(|digits| digits.parse::<usize>().is_ok())
                    {
                        limits.count = Some(number(digits.into())?);
                    } else if text.starts_with('-') && text.len() > 1 {
                        if !options.take(argument.as_bstr(), &mut || waiting.pop_front())? {
                            return Err(unrecognized(argument.as_bstr()));
                        }
                    } else {
                        let negative =
                            negated && argument.find(b"..").is_none() && !argument.starts_with(b"^");
                        rest.push(if negative { format!("^{argument}").into() } else { argument });
                    }
                }
            }
        }
        if walk.first_parent && merges == Merges::None && !show {
            merges = Merges::First;
        }
        let mut names: Vec<BString> = Vec::new();
        let range = &mut walk.range;
        let paths = revisions(session, &rest, separator, &mut |name| {
            if show || reflogs {
                let known = session.try_object(name).is_some();
                let is_range = name.find(b"..").is_some() && Range::default().take(session, name)?;
                if known || is_range {
                    names.push(name.to_owned());
                    if is_range || !show {
                        range.take(session, name)?;
                    }
                    return Ok(true);
                }
                return Ok(false);
            }
            let taken = range.take(session, name)?;
            any_ref |= taken;
            Ok(taken)
        })?;
        if walk.range.tips.is_empty() && !any_ref && !show && !reflogs {
            match session.head() {
                Some(head) => walk.range.tips.push(head),
                None => {
                    let branch = session
                        .head_ref()
                        .map(|branch| crate::status::shorten(branch.as_bstr()))
                        .unwrap_or_default();
                    return Err(fatal!("your current branch '{branch}' does not have any commits yet"));
                }
            }
        }
        walk.paths = Pathspec::new(session, &paths)?;
        let format = match format {
            Some(format) => format,
            None => match session.config("format.pretty") {
                Some(text) => Format::parse(session, text.as_bstr())?,
                None => Format::Medium,
            },
        };
        if graph && request_reverse {
            return Err(fatal!("options '--reverse' and '--graph' cannot be used together"));
        }
        let mut printer = Printer::new(session, format);
        printer.date = date;
        printer.short = short;
        printer.abbrev = abbrev;
        printer.parents = parents;
        if let Some(full) = decorate {
            printer.decorate = Some(Decorations::new(session, full)?);
        }
        Ok(Request {
            session,
            options,
            printer,
            walk,
            limits,
            reverse: request_reverse,
            graph,
            follow,
            reflogs,
            merges,
            names,
            left_right,
            shown: false,
            from: None,
        })
    }

    /// The changes that a commit brings, to be shown with it: text that is ready, or changes.
    fn changes(&self, commit: &Commit, paths: &Pathspec) -> Result<(Vec<Change>, BString)> {
        let session = self.session;
        let wants = &mut |path: &BStr| paths.may_match(path);
        let mut contents = Contents::new(session, None)?;
        if commit.parents.len() > 1 {
            match self.merges {
                Merges::None => return Ok((Vec::new(), BString::default())),
                Merges::Combined => return self.combined(commit, paths),
                Merges::Each | Merges::First => {}
            }
        }
        let parent = commit.parents.first().map(|parent| session.tree_of(*parent)).transpose()?;
        let changes = tree::diff(session, parent, Some(commit.tree), wants)?;
        Ok((diff::prepare(session, changes, &self.options, &mut contents)?, BString::default()))
    }

    fn wants_diff(&self) -> bool {
        self.options.any_form() && !self.options.silent
    }

    /// A merge against all its parents: files that are like none of them.
    fn combined(&self, commit: &Commit, paths: &Pathspec) -> Result<(Vec<Change>, BString)> {
        let session = self.session;
        let result = tree::flatten(session, Some(commit.tree))?;
        let mut sides = Vec::new();
        for parent in &commit.parents {
            sides.push(tree::flatten(session, Some(session.tree_of(*parent)?))?);
        }
        let mut text = BString::default();
        let mut changes = Vec::new();
        for (path, item) in result.iter().filter(|(path, _)| paths.matches(path.as_bstr())) {
            if sides.iter().any(|side| side.get(path) == Some(item)) {
                continue;
            }
            let parents: Vec<combined::Parent> =
                sides.iter().map(|side| combined::Parent { item: side.get(path).copied() }).collect();
            let data = session.blob(item.id)?;
            text.push_str(combined::patch(session, path.as_bstr(), &parents, *item, &data, &self.options)?);
            changes.push(Change::new(path.clone(), sides[0].get(path).copied(), Some(*item)));
        }
        if self.options.wants_counts()
            || self.options.name_only
            || self.options.name_status
            || self.options.raw
        {
            // Those are told against the first parent.
            let first = commit.parents.first().map(|parent| session.tree_of(*parent)).transpose()?;
            let wants = &mut |path: &BStr| paths.may_match(path);
            let mut contents = Contents::new(session, None)?;
            let against = tree::diff(session, first, Some(commit.tree), wants)?;
            let against = diff::prepare(session, against, &self.options, &mut contents)?;
            if self.options.wants_counts() {
                return Ok((against, text));
            }
            return Ok((changes, text));
        }
        Ok((Vec::new(), text))
    }

    /// Prints a commit and what it changes.
    fn show(
        &mut self,
        commit: &Commit,
        entry: Option<&LogEntry>,
        mark: &str,
        paths: &Pathspec,
        graph: Option<&mut Graph>,
    ) -> Result {
        if self.merges == Merges::Each && commit.parents.len() > 1 && self.wants_diff() && graph.is_none() {
            for parent in &commit.parents {
                let mut contents = Contents::new(self.session, None)?;
                let wants = &mut |path: &BStr| paths.may_match(path);
                let changes =
                    tree::diff(self.session, Some(self.session.tree_of(*parent)?), Some(commit.tree), wants)?;
                let changes = diff::prepare(self.session, changes, &self.options, &mut contents)?;
                self.from = Some(*parent);
                self.print(commit, entry, mark, &changes, BString::default(), None)?;
                self.from = None;
            }
            return Ok(());
        }
        let (changes, ready) =
            if self.wants_diff() { self.changes(commit, paths)? } else { Default::default() };
        self.print(commit, entry, mark, &changes, ready, graph)
    }

    fn print(
        &mut self,
        commit: &Commit,
        entry: Option<&LogEntry>,
        mark: &str,
        changes: &[Change],
        ready: BString,
        graph: Option<&mut Graph>,
    ) -> Result {
        let session = self.session;
        let terminated =
            matches!(self.printer.format, Format::Oneline | Format::Reference | Format::Custom(_, true));
        let out = session.out();
        let mut text = self.printer.text(commit, entry, mark);
        if let Some(from) = self.from {
            // Against which parent.
            let full = commit.id.to_string();
            if let Some(at) = text.find(full.as_bytes()).filter(|at| *at < 10) {
                text.insert_str(at + full.len(), format!(" (from {from})"));
            }
        }
        if let Format::Custom(pattern, true) = &self.printer.format
            && !pattern.is_empty()
        {
            text.push_byte(b'\n');
        }
        let separator = self.shown && !terminated;
        self.shown = true;
        let Some(graph) = graph else {
            if separator {
                out.bytes("\n")?;
            }
            out.bytes(&text)?;
            if commit.parents.len() > 1
                && self.merges == Merges::Combined
                && self.wants_diff()
                && changes.is_empty()
                && ready.is_empty()
                && !matches!(self.printer.format, Format::Oneline)
            {
                return out.bytes("\n");
            }
            return self.differences(changes, ready);
        };
        // With a graph everything goes through it, line by line.
        let mut after = BString::default();
        if !changes.is_empty() || !ready.is_empty() {
            // What the differences print is caught to stand behind the lines of the graph.
            out.flush()?;
            after = out.catch(|| self.differences(changes, ready))?;
        }
        out.bytes(graph.commit(
            commit,
            text.as_bstr(),
            after.as_bstr(),
            separator && !matches!(self.printer.format, Format::Custom(..)),
        ))
    }

    fn differences(&self, changes: &[Change], ready: BString) -> Result {
        if changes.is_empty() && ready.is_empty() {
            return Ok(());
        }
        let session = self.session;
        let out = session.out();
        let quiet_head = matches!(&self.printer.format, Format::Custom(pattern, _) if pattern.is_empty());
        if self.printer.format != Format::Oneline && !quiet_head {
            let both = self.options.stat.is_some() && self.options.patch;
            out.bytes(if both { "---\n" } else { "\n" })?;
        }
        let mut contents = Contents::new(session, None)?;
        if ready.is_empty() {
            return diff::show(session, changes, &self.options, &mut contents);
        }
        let before = Options { patch: false, ..self.options.clone() };
        diff::show(session, changes, &before, &mut contents)?;
        if self.options.patch {
            if before.wants_counts() {
                out.bytes("\n")?;
            }
            out.bytes(ready)?;
        }
        Ok(())
    }

    fn run(&mut self) -> Result {
        if self.reflogs {
            return self.run_reflog();
        }
        if self.follow && self.walk.paths.places().count() == 1 {
            return self.run_follow();
        }
        let session = self.session;
        let matchers = self.limits.matchers()?;
        let mut list = Vec::new();
        let (mut skipped, mut count) = (0, 0);
        let walk = self.walk.clone();
        let needs_changes = self.options.pickaxe.is_some() || self.options.filter_is_set();
        let limit = self.limits.count.unwrap_or(usize::MAX);
        if limit == 0 {
            return Ok(());
        }
        let stream = !self.reverse && !self.graph;
        let sides = match walk.range.symmetric {
            Some((left, right)) if self.left_right => {
                Some((crate::walk::ancestors(session, &[left])?, crate::walk::ancestors(session, &[right])?))
            }
            _ => None,
        };
        let mark_of = |commit: &Commit| match &sides {
            Some((left, _)) if left.contains(&commit.id) => "< ",
            Some(_) => "> ",
            None => "",
        };
        walk.run(session, &mut |commit| {
            if !self.limits.accepts(commit, &matchers) {
                return Ok(true);
            }
            if needs_changes && self.changes(commit, &walk.paths)?.0.is_empty() {
                return Ok(true);
            }
            if skipped < self.limits.skip {
                skipped += 1;
                return Ok(true);
            }
            count += 1;
            if stream {
                self.show(commit, None, mark_of(commit), &walk.paths, None)?;
            } else {
                list.push(commit.clone());
            }
            Ok(count < limit)
        })?;
        if self.reverse {
            list.reverse();
        }
        let mut graph = match self.graph {
            true => Some(Graph::new(crate::walk::ancestors(session, &walk.range.hidden)?)),
            false => None,
        };
        for commit in &list {
            self.show(commit, None, mark_of(commit), &walk.paths, graph.as_mut())?;
        }
        Ok(())
    }

    /// One file through its renames.
    fn run_follow(&mut self) -> Result {
        let session = self.session;
        let matchers = self.limits.matchers()?;
        let mut path = match self.walk.paths.places().next() {
            Some((_, path)) => path.to_owned(),
            None => return Ok(()),
        };
        let walk = Walk { paths: Pathspec::default(), ..self.walk.clone() };
        let limit = self.limits.count.unwrap_or(usize::MAX);
        let (mut count, mut skipped) = (0, 0);
        let find = Options { renames: Some(50), ..Options::default() };
        walk.run(session, &mut |commit| {
            if commit.parents.len() > 1 {
                return Ok(true);
            }
            let parent = commit.parents.first().map(|parent| session.tree_of(*parent)).transpose()?;
            let mut touched: Vec<Change> = tree::diff(session, parent, Some(commit.tree), &mut |here| {
                here.ends_with(b"/") || here == path
            })?;
            if touched.is_empty() {
                return Ok(true);
            }
            if touched.iter().any(|change| change.old.is_none()) {
                let mut contents = Contents::new(session, None)?;
                let all = tree::diff(session, parent, Some(commit.tree), &mut |_| true)?;
                touched = diff::prepare(session, all, &find, &mut contents)?;
                touched.retain(|change| change.path == path);
            }
            let mut shown = touched.clone();
            shown.retain(|_| self.wants_diff());
            let accepted = self.limits.accepts(commit, &matchers);
            if accepted && skipped < self.limits.skip {
                skipped += 1;
            } else if accepted {
                count += 1;
                self.print(commit, None, "", &shown, BString::default(), None)?;
            }
            if let Some(change) = touched.first().filter(|change| change.score.is_some()) {
                path = change.old_path.clone();
            }
            Ok(count < limit)
        })
    }

    fn run_reflog(&mut self) -> Result {
        let session = self.session;
        let name = self.names.first().cloned().unwrap_or_else(|| "HEAD".into());
        let matchers = self.limits.matchers()?;
        let limit = self.limits.count.unwrap_or(usize::MAX);
        let mut count = 0;
        for (commit, entry) in reflog(session, name.as_bstr())? {
            if count >= limit {
                break;
            }
            let Ok(mut commit) = Commit::read(session, commit) else { continue };
            if !self.limits.accepts(&commit, &matchers) {
                continue;
            }
            count += 1;
            // With a date the entries are told by their moments.
            let mut entry = entry;
            if self.printer.date != DateStyle::Default {
                let base = entry.name.find(b"@{").map_or(entry.name.clone(), |at| entry.name[..at].into());
                entry.name = format!("{base}@{{{}}}", self.printer.date.show(entry.who.time)).into();
            }
            commit.parents.truncate(commit.parents.len());
            let paths = self.walk.paths.clone();
            self.show(&commit, Some(&entry), "", &paths, None)?;
        }
        Ok(())
    }
}

/// A reference's log, the newest entry first.
pub fn reflog(session: &Session<'_>, name: &BStr) -> Result<Vec<(ObjectId, LogEntry)>> {
    let candidates = [
        name.to_owned(),
        format!("refs/heads/{name}").into(),
        format!("refs/{name}").into(),
        format!("refs/remotes/{name}").into(),
    ];
    let log = candidates.iter().find_map(|full| session.read_own(&format!("logs/{full}")));
    let Some(log) = log else {
        if session.try_commit(name).is_none() {
            return Err(fatal!(
                "ambiguous argument '{name}': unknown revision or path not in the working tree.\n\
                 Use '--' to separate paths from revisions, like this:\n\
                 'git <command> [<revision>...] -- [<file>...]'"
            ));
        }
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (number, line) in log.lines().rev().enumerate() {
        let (who, message) = line.split_once_str("\t").unwrap_or((line, b""));
        let Some(id) = who.get(41..81).and_then(|hex| ObjectId::from_hex(hex).ok()) else { continue };
        let who = crate::ident::Person::parse(who.get(82..).unwrap_or_default().as_bstr());
        found.push((
            id,
            LogEntry { name: format!("{name}@{{{number}}}").into(), message: message.into(), who },
        ));
    }
    Ok(found)
}

/// `git log`.
pub fn log(globals: &Globals, arguments: &[BString]) -> Result {
    let session = &globals.session()?;
    Request::parse(session, arguments, false)?.run()
}

/// `git reflog`.
pub fn reflog_command(globals: &Globals, arguments: &[BString]) -> Result {
    let mut rest = arguments;
    match arguments.first().map(|word| word.as_slice()) {
        Some(b"show") => rest = &arguments[1..],
        Some(word @ (b"expire" | b"delete" | b"exists" | b"list")) => {
            return Err(fatal!("git reflog {} is not available here", word.as_bstr()));
        }
        _ => {}
    }
    let session = &globals.session()?;
    let mut all: Vec<BString> = vec!["-g".into(), "--oneline".into()];
    all.extend(rest.iter().cloned());
    Request::parse(session, &all, false)?.run()
}

/// `git show`.
pub fn show(globals: &Globals, arguments: &[BString]) -> Result {
    let session = &globals.session()?;
    let mut request = Request::parse(session, arguments, true)?;
    if !request.options.any_form() {
        request.options.patch = true;
    }
    if !request.walk.range.hidden.is_empty() {
        return request.run();
    }
    let names = if request.names.is_empty() { vec!["HEAD".into()] } else { request.names.clone() };
    let paths = request.walk.paths.clone();
    for name in names {
        let mut id = match session.try_object(name.as_bstr()) {
            Some(id) => id,
            None => return session.commit(name.as_bstr()).map(drop),
        };
        loop {
            let (kind, data) = session.read(id)?;
            match kind {
                Kind::Commit => request.show(&Commit::read(session, id)?, None, "", &paths, None)?,
                Kind::Blob => session.out().bytes(data)?,
                Kind::Tree => {
                    if request.shown {
                        session.out().bytes("\n")?;
                    }
                    request.shown = true;
                    session.out().bytes(format!("tree {name}\n\n"))?;
                    for (entry, item) in tree::entries(session, id)? {
                        let slash = if item.mode == crate::index::FOLDER { "/" } else { "" };
                        session.out().line(format!("{entry}{slash}"))?;
                    }
                }
                Kind::Tag => {
                    if request.shown {
                        session.out().bytes("\n")?;
                    }
                    request.shown = true;
                    id = show_tag(session, &data, &request.printer.date)?;
                    continue;
                }
            }
            break;
        }
    }
    Ok(())
}

fn show_tag(session: &Session<'_>, data: &[u8], date: &DateStyle) -> Result<ObjectId> {
    let head = data.find(b"\n\n").map_or(data.len(), |at| at + 1);
    let mut target = None;
    let out = session.out();
    let mut lines = BString::default();
    for line in data[..head].lines() {
        if let Some(hex) = line.strip_prefix(b"object ") {
            target = ObjectId::from_hex(hex).ok();
        } else if let Some(name) = line.strip_prefix(b"tag ") {
            lines.push_str(format!("tag {}\n", name.as_bstr()));
        } else if let Some(tagger) = line.strip_prefix(b"tagger ") {
            let who = crate::ident::Person::parse(tagger.as_bstr());
            lines.push_str(format!("Tagger: {}\nDate:   {}\n", who.who(), date.show(who.time)));
        }
    }
    out.bytes(lines)?;
    out.bytes("\n")?;
    out.bytes(data.get(head + 1..).unwrap_or_default())?;
    target.ok_or_else(|| fatal!("bad tag object"))
}

/// `git rev-list`.
pub fn rev_list(globals: &Globals, arguments: &[BString]) -> Result {
    let session = &globals.session()?;
    let mut count_only = false;
    let mut oneline = false;
    let arguments: Vec<BString> = arguments
        .iter()
        .filter(|argument| {
            count_only |= **argument == "--count";
            oneline |= argument.starts_with(b"--pretty")
                || argument.starts_with(b"--format")
                || **argument == "--oneline";
            **argument != "--count"
        })
        .cloned()
        .collect();
    if !arguments.iter().any(|argument| !argument.starts_with(b"-") || argument.starts_with(b"--all"))
        && !arguments
            .iter()
            .any(|argument| ["--branches", "--tags", "--remotes"].iter().any(|all| argument == all))
    {
        return Err(crate::error::Error::Text(
            "usage: git rev-list [<options>] <commit>... [--] [<path>...]\n".into(),
            129,
        ));
    }
    let mut request = Request::parse(session, &arguments, false)?;
    let matchers = request.limits.matchers()?;
    let limit = request.limits.count.unwrap_or(usize::MAX);
    let walk = request.walk.clone();
    let mut list = Vec::new();
    let mut skipped = 0;
    if limit > 0 {
        walk.run(session, &mut |commit| {
            if request.limits.accepts(commit, &matchers) {
                if skipped < request.limits.skip {
                    skipped += 1;
                } else {
                    list.push(commit.clone());
                }
            }
            Ok(list.len() < limit)
        })?;
    }
    if request.reverse {
        list.reverse();
    }
    if count_only {
        if let Some((left, _)) = walk.range.symmetric.filter(|_| request.left_right) {
            let left = crate::walk::ancestors(session, &[left])?;
            let count = list.iter().filter(|commit| left.contains(&commit.id)).count();
            return session.out().line(format!("{count}\t{}", list.len() - count));
        }
        return session.out().line(list.len().to_string());
    }
    for commit in &list {
        if oneline {
            if matches!(request.printer.format, Format::Custom(..)) {
                session.out().line(format!("commit {}", commit.id))?;
            }
            request.show(commit, None, "", &walk.paths, None)?;
        } else {
            let mut line = commit.id.to_string();
            if request.printer.short {
                line = session.short(commit.id);
            }
            if request.printer.parents {
                for parent in &commit.parents {
                    line.push_str(&format!(" {parent}"));
                }
            }
            session.out().line(line)?;
        }
    }
    Ok(())
}

/// `git shortlog`.
pub fn shortlog(globals: &Globals, arguments: &[BString]) -> Result {
    let session = &globals.session()?;
    let (mut summary, mut numbered, mut email) = (false, false, false);
    let mut rest: Vec<BString> = Vec::new();
    for argument in arguments {
        match argument.as_slice() {
            b"--summary" => summary = true,
            b"--numbered" => numbered = true,
            b"--email" => email = true,
            letters
                if letters.len() > 1
                    && letters[0] == b'-'
                    && letters[1..].iter().all(|letter| b"sne".contains(letter)) =>
            {
                summary |= letters.contains(&b's');
                numbered |= letters.contains(&b'n');
                email |= letters.contains(&b'e');
            }
            _ => rest.push(argument.clone()),
        }
    }
    let request = Request::parse(session, &rest, false)?;
    let matchers = request.limits.matchers()?;
    let mut groups: std::collections::BTreeMap<BString, Vec<BString>> = std::collections::BTreeMap::new();
    request.walk.run(session, &mut |commit| {
        if request.limits.accepts(commit, &matchers) {
            let name = if email { commit.author.who() } else { commit.author.name.clone() };
            groups.entry(name).or_default().push(commit.subject());
        }
        Ok(true)
    })?;
    let mut groups: Vec<(BString, Vec<BString>)> = groups.into_iter().collect();
    if numbered {
        groups.sort_by_key(|(_, list)| std::cmp::Reverse(list.len()));
    }
    for (name, list) in groups {
        if summary {
            session.out().line(format!("{:>6}\t{name}", list.len()))?;
            continue;
        }
        session.out().line(format!("{name} ({}):", list.len()))?;
        for subject in list.iter().rev() {
            session.out().line(format!("      {subject}"))?;
        }
        session.out().bytes("\n")?;
    }
    Ok(())
}

/// `git stash list`.
pub fn stash_list(session: &Session<'_>, arguments: &[BString]) -> Result {
    if crate::refs::find(session, b"refs/stash".as_bstr()).is_none() {
        return Ok(());
    }
    let mut all: Vec<BString> = vec!["-g".into(), "--format=%gd: %gs".into(), "--first-parent".into()];
    all.extend(arguments.iter().cloned());
    all.push("stash".into());
    all.push("--".into());
    Request::parse(session, &all, false)?.run()
}
