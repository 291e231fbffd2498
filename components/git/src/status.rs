//! The state of the working tree, and how `git status` and `git commit` print it.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};

use crate::diff::rename;
use crate::error::Result;
use crate::index::Index;
use crate::pathspec::Pathspec;
use crate::session::{Session, quote_if};
use crate::tree::{self, Change, Item};
use crate::walk;
use crate::worktree::{Depth, Files, Others, others};

/// Everything that is to be told.
pub struct Status {
    /// Index against `HEAD`.
    pub staged: Vec<Change>,
    /// Working tree against index.
    pub unstaged: Vec<Change>,
    /// Paths in conflict, with their stages as bits.
    pub conflicts: BTreeMap<BString, u8>,
    /// What is in no index.
    pub others: Others,
    /// Whether untracked files were looked for.
    pub looked: bool,
    /// Whether ignored ones are shown.
    pub ignored: bool,
}

/// The differences of the index to a tree.
pub fn staged(
    session: &Session<'_>,
    tree: Option<ObjectId>,
    index: &Index,
    wanted: &Pathspec,
) -> Result<Vec<Change>> {
    let old = tree::flatten(session, tree)?;
    let mut found = Vec::new();
    let conflicts = index.conflicts();
    for (path, item) in &old {
        if wanted.matches(path.as_bstr()) && !index.has(path.as_bstr()) {
            found.push(Change::new(path.clone(), Some(*item), None));
        }
    }
    for ((path, stage), entry) in &index.entries {
        if *stage > 0
            || !wanted.matches(path.as_bstr())
            || entry.flags.contains(gix::index::entry::Flags::INTENT_TO_ADD)
        {
            continue;
        }
        let new = Item { mode: entry.mode, id: entry.id };
        let before = old.get(path).copied();
        if before != Some(new) {
            found.push(Change::new(path.clone(), before, Some(new)));
        }
    }
    for path in conflicts.keys().filter(|path| wanted.matches(path.as_bstr())) {
        let mut change = Change::new(path.clone(), None, None);
        change.unmerged = true;
        found.push(change);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

impl Status {
    /// Looks at everything. The index gets what was learnt about files that did not change.
    pub fn new(
        session: &Session<'_>,
        index: &mut Index,
        depth: Option<Depth>,
        ignored: bool,
        wanted: &Pathspec,
    ) -> Result<Status> {
        let tree = session.head_tree()?;
        let mut staged = staged(session, tree, index, wanted)?;
        staged.retain(|change| !change.unmerged);
        let blobs = &mut |session: &Session<'_>, change: &Change, old: bool| {
            let item = if old { change.old } else { change.new };
            item.map_or(Ok(Vec::new()), |item| session.blob(item.id))
        };
        if session.config_bool("status.renames", session.config_bool("diff.renames", true)) {
            staged = rename::detect(session, staged, 50, blobs)?;
        }
        let mut unstaged = Files::new(session, index)?.changes(index, wanted)?;
        unstaged.retain(|change| !change.unmerged);
        let mut conflicts = index.conflicts();
        conflicts.retain(|path, _| wanted.matches(path.as_bstr()));
        let mut others = match depth {
            Some(depth) => others(session, index, depth, ignored, wanted)?,
            None => Others::default(),
        };
        // What lies below the place of a tracked file is told by that file's being gone.
        others.untracked.retain(|path| {
            let mut above = path.trim_end_with(|end| end == '/').as_bstr();
            while let Some(at) = above.rfind_byte(b'/') {
                above = above[..at].as_bstr();
                if index.has(above) {
                    return false;
                }
            }
            !path.ends_with(b"/") || !index.has(path.trim_end_with(|end| end == '/').as_bstr())
        });
        Ok(Status { staged, unstaged, conflicts, others, looked: depth.is_some(), ignored })
    }
}

/// How far a branch and the one it follows are apart.
pub struct Tracking {
    /// The other one's short name.
    pub name: BString,
    /// Commits only here and only there; none where the other one is gone.
    pub counts: Option<(usize, usize)>,
}

/// The branch that a branch follows.
pub fn upstream(session: &Session<'_>, branch: &BStr) -> Option<BString> {
    let short = branch.strip_prefix(b"refs/heads/")?.as_bstr();
    let remote = session.config(&format!("branch.{short}.remote"))?;
    let merge = session.config(&format!("branch.{short}.merge"))?;
    if remote == "." {
        return Some(merge);
    }
    let name = merge.strip_prefix(b"refs/heads/")?.as_bstr();
    Some(format!("refs/remotes/{remote}/{name}").into())
}

/// The short form of a reference's name.
pub fn shorten(name: &BStr) -> BString {
    for prefix in ["refs/heads/", "refs/tags/", "refs/remotes/"] {
        if let Some(short) = name.strip_prefix(prefix.as_bytes()) {
            return short.into();
        }
    }
    name.to_owned()
}

/// How a branch stands to the one it follows.
pub fn tracking(session: &Session<'_>, branch: &BStr) -> Result<Option<Tracking>> {
    let Some(upstream) = upstream(session, branch) else { return Ok(None) };
    let name = shorten(upstream.as_bstr());
    let (Some(ours), Some(theirs)) = (session.try_commit(branch), session.try_commit(upstream.as_bstr()))
    else {
        return Ok(Some(Tracking { name, counts: None }));
    };
    Ok(Some(Tracking { name, counts: Some(apart(session, ours, theirs)?) }))
}

/// How many commits are only in one and only in the other.
pub fn apart(session: &Session<'_>, one: ObjectId, other: ObjectId) -> Result<(usize, usize)> {
    if one == other {
        return Ok((0, 0));
    }
    let ours = walk::ancestors(session, &[one])?;
    let theirs = walk::ancestors(session, &[other])?;
    Ok((ours.difference(&theirs).count(), theirs.difference(&ours).count()))
}

/// The sentences about how a branch stands to the one it follows.
pub fn tracking_text(session: &Session<'_>, branch: &BStr) -> Result<String> {
    let Some(tracking) = tracking(session, branch)? else { return Ok(String::new()) };
    let name = &tracking.name;
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    Ok(match tracking.counts {
        None => format!(
            "Your branch is based on '{name}', but the upstream is gone.\n  (use \"git branch --unset-upstream\" to fixup)\n"
        ),
        Some((0, 0)) => format!("Your branch is up to date with '{name}'.\n"),
        Some((ahead, 0)) => format!(
            "Your branch is ahead of '{name}' by {ahead} commit{}.\n  (use \"git push\" to publish your local commits)\n",
            plural(ahead)
        ),
        Some((0, behind)) => format!(
            "Your branch is behind '{name}' by {behind} commit{}, and can be fast-forwarded.\n  \
             (use \"git pull\" to update your local branch)\n",
            plural(behind)
        ),
        Some((ahead, behind)) => format!(
            "Your branch and '{name}' have diverged,\nand have {ahead} and {behind} different commits each, respectively.\n  \
             (use \"git pull\" if you want to integrate the remote branch with yours)\n"
        ),
    })
}

/// What is in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing.
    None,
    /// A merge.
    Merge,
    /// A commit is being picked.
    Pick(ObjectId),
    /// A commit is being reverted.
    Revert(ObjectId),
    /// A rebase has stopped.
    Rebase,
}

/// What is in progress.
pub fn progress(session: &Session<'_>) -> Progress {
    let id = |name: &str| ObjectId::from_hex(session.read_own(name)?.trim()).ok();
    if session.own("rebase-merge").exists() {
        Progress::Rebase
    } else if session.own("MERGE_HEAD").exists() {
        Progress::Merge
    } else if let Some(id) = id("CHERRY_PICK_HEAD") {
        Progress::Pick(id)
    } else if let Some(id) = id("REVERT_HEAD") {
        Progress::Revert(id)
    } else {
        Progress::None
    }
}

fn label(letter: char) -> &'static str {
    match letter {
        'A' => "new file:   ",
        'D' => "deleted:    ",
        'R' => "renamed:    ",
        'T' => "typechange: ",
        _ => "modified:   ",
    }
}

fn conflict_label(bits: u8) -> &'static str {
    match bits {
        1 => "both deleted:    ",
        2 => "added by us:     ",
        3 => "deleted by them: ",
        4 => "added by them:   ",
        5 => "deleted by us:   ",
        6 => "both added:      ",
        _ => "both modified:   ",
    }
}

/// Paths as `git status` shows them: from the current directory on, quoted.
pub fn place(session: &Session<'_>, path: &BStr) -> BString {
    if session.config_bool("status.relativePaths", true) {
        crate::session::quote(session.relative(path).as_bstr())
    } else {
        crate::session::quote(path)
    }
}

impl Status {
    /// The long form. `committing`: it is `git commit` that tells it.
    pub fn long(&self, session: &Session<'_>, committing: bool) -> Result<BString> {
        self.told(session, committing, false)
    }

    /// The long form where a commit is amended.
    pub fn amending(&self, session: &Session<'_>) -> Result<BString> {
        self.told(session, true, true)
    }

    fn told(&self, session: &Session<'_>, committing: bool, amending: bool) -> Result<BString> {
        let mut out = BString::default();
        let head = session.head();
        let state = progress(session);
        match session.head_ref() {
            Some(branch) => {
                out.push_str(format!("On branch {}\n", shorten(branch.as_bstr())));
                let text =
                    if head.is_some() { tracking_text(session, branch.as_bstr())? } else { String::new() };
                if !text.is_empty() {
                    out.push_str(text);
                    out.push_byte(b'\n');
                }
            }
            None if state == Progress::Rebase => {}
            None => out.push_str(detached(session)),
        }
        match state {
            Progress::None => {}
            Progress::Rebase => out.push_str(rebasing(session, !self.conflicts.is_empty())),
            Progress::Merge => {
                if self.conflicts.is_empty() {
                    out.push_str("All conflicts fixed but you are still merging.\n  (use \"git commit\" to conclude merge)\n\n");
                } else {
                    out.push_str(
                        "You have unmerged paths.\n  (fix conflicts and run \"git commit\")\n  \
                         (use \"git merge --abort\" to abort the merge)\n\n",
                    );
                }
            }
            Progress::Pick(id) | Progress::Revert(id) => {
                let (verb, command) = match state {
                    Progress::Pick(_) => ("cherry-picking", "cherry-pick"),
                    _ => ("reverting", "revert"),
                };
                let first = if self.conflicts.is_empty() {
                    format!("all conflicts fixed: run \"git {command} --continue\"")
                } else {
                    format!("fix conflicts and run \"git {command} --continue\"")
                };
                out.push_str(format!(
                    "You are currently {verb} commit {}.\n  ({first})\n  (use \"git {command} --skip\" to skip this patch)\n  \
                     (use \"git {command} --abort\" to cancel the {command} operation)\n\n",
                    session.short(id)
                ));
            }
        }
        if head.is_none() {
            out.push_str(if committing { "\nInitial commit\n\n" } else { "\nNo commits yet\n\n" });
        }
        let advice = session.config_bool("advice.statusHints", true);
        let hint = |out: &mut BString, text: &str| {
            if advice {
                out.push_str(text);
            }
        };
        if !self.staged.is_empty() {
            out.push_str("Changes to be committed:\n");
            if !matches!(state, Progress::Merge | Progress::Pick(_)) {
                if head.is_some() {
                    hint(&mut out, "  (use \"git restore --staged <file>...\" to unstage)\n");
                } else {
                    hint(&mut out, "  (use \"git rm --cached <file>...\" to unstage)\n");
                }
            }
            for change in &self.staged {
                out.push_str(self.line(session, change));
            }
            out.push_byte(b'\n');
        }
        if !self.conflicts.is_empty() {
            out.push_str("Unmerged paths:\n");
            let deleted = self.conflicts.values().any(|bits| matches!(bits, 1 | 3 | 5));
            if !matches!(state, Progress::Merge | Progress::Pick(_)) {
                hint(&mut out, "  (use \"git restore --staged <file>...\" to unstage)\n");
            }
            let all_deleted = self.conflicts.values().all(|bits| *bits == 1);
            hint(
                &mut out,
                if !deleted {
                    "  (use \"git add <file>...\" to mark resolution)\n"
                } else if all_deleted {
                    "  (use \"git rm <file>...\" to mark resolution)\n"
                } else {
                    "  (use \"git add/rm <file>...\" as appropriate to mark resolution)\n"
                },
            );
            for (path, bits) in &self.conflicts {
                out.push_str(format!("\t{}{}\n", conflict_label(*bits), place(session, path.as_bstr())));
            }
            out.push_byte(b'\n');
        }
        if !self.unstaged.is_empty() {
            out.push_str("Changes not staged for commit:\n");
            if self.unstaged.iter().any(|change| change.letter() == 'D') {
                hint(&mut out, "  (use \"git add/rm <file>...\" to update what will be committed)\n");
            } else {
                hint(&mut out, "  (use \"git add <file>...\" to update what will be committed)\n");
            }
            hint(&mut out, "  (use \"git restore <file>...\" to discard changes in working directory)\n");
            for change in &self.unstaged {
                out.push_str(self.line(session, change));
            }
            out.push_byte(b'\n');
        }
        for (title, action, list) in [
            (
                "Untracked files",
                "git add <file>...\" to include in what will be committed",
                &self.others.untracked,
            ),
            (
                "Ignored files",
                "git add -f <file>...\" to include in what will be committed",
                &self.others.ignored,
            ),
        ] {
            if list.is_empty() || (title == "Ignored files" && !self.ignored) {
                continue;
            }
            out.push_str(format!("{title}:\n"));
            hint(&mut out, &format!("  (use \"{action})\n"));
            for path in list {
                out.push_str(format!("\t{}\n", place(session, path.as_bstr())));
            }
            out.push_byte(b'\n');
        }
        if !self.looked
            && advice
            && (!self.staged.is_empty() || !self.unstaged.is_empty() || !self.conflicts.is_empty())
        {
            out.push_str("Untracked files not listed");
            out.push_str(" (use -u option to show untracked files)\n");
        }
        if amending && self.staged.is_empty() {
            out.push_str("No changes\n");
            return Ok(out);
        }
        out.push_str(self.closing(head.is_some(), advice, state == Progress::Merge));
        Ok(out)
    }

    fn closing(&self, born: bool, advice: bool, merging: bool) -> String {
        if !self.staged.is_empty() {
            return String::new();
        }
        let untracked = !self.others.untracked.is_empty();
        let told =
            |text: &str, hint: &str| if advice { format!("{text} ({hint})\n") } else { format!("{text}\n") };
        if !self.unstaged.is_empty() || !self.conflicts.is_empty() {
            if advice {
                "no changes added to commit (use \"git add\" and/or \"git commit -a\")\n".into()
            } else {
                "no changes added to commit\n".into()
            }
        } else if merging {
            String::new()
        } else if untracked {
            told("nothing added to commit but untracked files present", "use \"git add\" to track")
        } else if !born {
            told("nothing to commit", "create/copy files and use \"git add\" to track")
        } else if !self.looked {
            told("nothing to commit", "use -u to show untracked files")
        } else {
            "nothing to commit, working tree clean\n".into()
        }
    }

    fn line(&self, session: &Session<'_>, change: &Change) -> BString {
        let letter = change.letter();
        let path = place(session, change.path.as_bstr());
        if letter == 'R' {
            format!("\t{}{} -> {path}\n", label(letter), place(session, change.old_path.as_bstr())).into()
        } else {
            format!("\t{}{path}\n", label(letter)).into()
        }
    }

    /// The short form; with `porcelain` paths begin at the root.
    pub fn short(&self, session: &Session<'_>, porcelain: bool, nul: bool) -> BString {
        let mut lines: BTreeMap<BString, (char, char, Option<BString>)> = BTreeMap::new();
        for change in &self.staged {
            let old = (change.letter() == 'R').then(|| change.old_path.clone());
            lines.insert(change.path.clone(), (change.letter(), ' ', old));
        }
        for change in &self.unstaged {
            let letter = if change.old.is_none() { 'A' } else { change.letter() };
            lines.entry(change.path.clone()).or_insert((' ', ' ', None)).1 = letter;
        }
        for (path, bits) in &self.conflicts {
            let (one, other) = match bits {
                1 => ('D', 'D'),
                2 => ('A', 'U'),
                3 => ('U', 'D'),
                4 => ('U', 'A'),
                5 => ('D', 'U'),
                6 => ('A', 'A'),
                _ => ('U', 'U'),
            };
            lines.insert(path.clone(), (one, other, None));
        }
        let name = |path: &BStr| -> BString {
            if nul {
                return path.to_owned();
            }
            let path = if porcelain || !session.config_bool("status.relativePaths", true) {
                path.to_owned()
            } else {
                session.relative(path)
            };
            quote_if(path.as_bstr(), true)
        };
        let mut out = BString::default();
        for (path, (one, other, old)) in &lines {
            out.push_str(format!("{one}{other} "));
            match old {
                Some(old) if nul => {
                    out.push_str(name(path.as_bstr()));
                    out.push_byte(0);
                    out.push_str(name(old.as_bstr()));
                }
                Some(old) => out.push_str(format!("{} -> {}", name(old.as_bstr()), name(path.as_bstr()))),
                None => out.push_str(name(path.as_bstr())),
            }
            out.push_byte(if nul { 0 } else { b'\n' });
        }
        for (sign, list) in [("??", &self.others.untracked), ("!!", &self.others.ignored)] {
            if sign == "!!" && !self.ignored {
                continue;
            }
            for path in list {
                out.push_str(format!("{sign} {}", name(path.as_bstr())));
                out.push_byte(if nul { 0 } else { b'\n' });
            }
        }
        out
    }
}

/// How far a rebase is.
fn rebasing(session: &Session<'_>, conflicts: bool) -> BString {
    let onto = session.read_own("rebase-merge/onto").unwrap_or_default();
    let onto = ObjectId::from_hex(onto.trim()).map(|id| session.short(id)).unwrap_or_default();
    let mut text = BString::from(format!("interactive rebase in progress; onto {onto}\n"));
    let read = |name: &str| -> Vec<BString> {
        let list = session.read_own(&format!("rebase-merge/{name}")).unwrap_or_default();
        let short = |line: &[u8]| {
            let mut words = line.splitn_str(3, b" ");
            let (word, id, rest) = (words.next()?, words.next()?, words.next().unwrap_or_default());
            let id = ObjectId::from_hex(id).ok()?;
            Some(BString::from(format!("{} {} {}", word.as_bstr(), session.short(id), rest.as_bstr())))
        };
        list.lines().filter_map(short).collect()
    };
    let (done, todo) = (read("done"), read("git-rebase-todo"));
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    if done.is_empty() {
        text.push_str("No commands done.\n");
    } else {
        let (count, many) = (done.len(), plural(done.len()));
        text.push_str(format!("Last command{many} done ({count} command{many} done):\n"));
        for line in done.iter().skip(done.len().saturating_sub(2)) {
            text.push_str(format!("   {line}\n"));
        }
        if done.len() > 2 {
            text.push_str("  (see more in file .git/rebase-merge/done)\n");
        }
    }
    if todo.is_empty() {
        text.push_str("No commands remaining.\n");
    } else {
        let (count, many) = (todo.len(), plural(todo.len()));
        text.push_str(format!("Next command{many} to do ({count} remaining command{many}):\n"));
        for line in todo.iter().take(2) {
            text.push_str(format!("   {line}\n"));
        }
        text.push_str("  (use \"git rebase --edit-todo\" to view and edit)\n");
    }
    let name = session.read_own("rebase-merge/head-name").unwrap_or_default();
    let branch = match name.trim().strip_prefix(b"refs/heads/") {
        Some(branch) => format!("You are currently rebasing branch '{}' on '{onto}'.\n", branch.as_bstr()),
        None => "You are currently rebasing.\n".into(),
    };
    text.push_str(branch);
    text.push_str(if conflicts {
        "  (fix conflicts and then run \"git rebase --continue\")\n  (use \"git rebase --skip\" to skip this patch)\n  \
         (use \"git rebase --abort\" to check out the original branch)\n\n"
    } else {
        "  (all conflicts fixed: run \"git rebase --continue\")\n\n"
    });
    text
}

/// The first line of the status where no branch is checked out.
fn detached(session: &Session<'_>) -> BString {
    match detached_from(session) {
        Some((how, name)) => format!("HEAD detached {how} {name}\n").into(),
        None => "Not currently on any branch.\n".into(),
    }
}

/// Where a detached `HEAD` was put last: whether it is `at` that place still or went on `from` it.
pub fn detached_from(session: &Session<'_>) -> Option<(&'static str, BString)> {
    let log = session.read_own("logs/HEAD").unwrap_or_default();
    for line in log.lines().rev() {
        if line.find(b"\tcheckout: moving from ").is_none() {
            continue;
        }
        let target = line[line.rfind(b" to ")? + 4..].as_bstr();
        let there = line.get(41..81).and_then(|hex| ObjectId::from_hex(hex).ok())?;
        let known = ["refs/heads/", "refs/tags/", "refs/remotes/"].iter().any(|prefix| {
            crate::refs::find(session, format!("{prefix}{target}").as_bytes().as_bstr()).is_some()
        });
        let shown = if known { target.to_owned() } else { BString::from(session.short(there)) };
        return Some((if Some(there) == session.head() { "at" } else { "from" }, shown));
    }
    None
}

/// The first line of the short form.
pub fn branch_line(session: &Session<'_>) -> Result<BString> {
    let Some(branch) = session.head_ref() else { return Ok("## HEAD (no branch)".into()) };
    let short = shorten(branch.as_bstr());
    if session.head().is_none() {
        return Ok(format!("## No commits yet on {short}").into());
    }
    let mut line = format!("## {short}");
    if let Some(tracking) = tracking(session, branch.as_bstr())? {
        line.push_str(&format!("...{}", tracking.name));
        match tracking.counts {
            None => line.push_str(" [gone]"),
            Some((0, 0)) => {}
            Some((ahead, 0)) => line.push_str(&format!(" [ahead {ahead}]")),
            Some((0, behind)) => line.push_str(&format!(" [behind {behind}]")),
            Some((ahead, behind)) => line.push_str(&format!(" [ahead {ahead}, behind {behind}]")),
        }
    }
    Ok(line.into())
}
