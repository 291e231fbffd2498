//! Which file a patch is for: the names of its header, those that lead out of the directory left out.

use bstr::{BString, ByteSlice};
use wasmsh_os::Stat;

use super::Plan;
use super::parse::{FilePatch, Form, Heading};
use crate::Tool;

/// A name without its first parts. `None`: it has fewer.
pub(super) fn strip(name: &[u8], count: Option<usize>) -> Option<BString> {
    let Some(count) = count else {
        return Some(crate::path::base_name(name).into());
    };
    let mut rest = name;
    for _ in 0..count {
        let slash = rest.find_byte(b'/')?;
        rest = rest.get(slash..)?.trim_start_with(|letter| letter == '/');
    }
    (!rest.is_empty()).then(|| rest.into())
}

/// Whether a name leads out of the directory.
fn is_dangerous(name: &[u8]) -> bool {
    name.starts_with(b"/") || name.split_str("/").any(|part| part == b"..")
}

/// What a patch is applied to.
pub(super) struct Target {
    pub(super) name: BString,
    /// What there is; `None`: nothing.
    pub(super) stat: Option<Stat>,
    /// A file of another name becomes it.
    pub(super) from: Option<BString>,
    /// It has the new name already, and had this one.
    pub(super) renamed: Option<BString>,
}

/// What a patch is for.
pub(super) enum Choice {
    Target(Target),
    None,
    /// Nothing; what is told of it.
    Skip(String),
}

/// Whether the directory of a name is reached through a link that leads out of the working directory.
pub(super) fn leads_out(t: &Tool, name: &[u8]) -> bool {
    if name.starts_with(b"/") {
        return false;
    }
    let Ok(here) = t.ctx.canonicalize(b".") else { return false };
    let mut directory = crate::path::parent(name);
    loop {
        if let Ok(place) = t.ctx.canonicalize(directory) {
            return std::path::Path::new(&place).strip_prefix(&here).is_err();
        }
        let above = crate::path::parent(directory);
        if above == directory {
            return false;
        }
        directory = above;
    }
}

/// Chooses the file: the one of the command line, or of the names of the header that fits best.
pub(super) fn choose(t: &mut Tool, plan: &Plan, patch: &FilePatch) -> Choice {
    let mut dangerous = Vec::new();
    let mut told = String::new();
    let choice = chosen(t, plan, patch, &mut dangerous);
    for name in dangerous {
        let line = format!("Ignoring potentially dangerous file name {}\n", super::quoted(&name));
        if !told.contains(&line) {
            told.push_str(&line);
        }
    }
    if choice.is_none() && patch.git.as_ref().is_some_and(|git| git.rename || git.copy) && !told.is_empty() {
        let what = if patch.git.as_ref().is_some_and(|git| git.rename) { "rename" } else { "copy" };
        told.push_str(&format!("Cannot {what} file without two valid file names\n"));
        return Choice::Skip(told);
    }
    super::note(t, plan, &told);
    choice.map_or(Choice::None, Choice::Target)
}

fn chosen(t: &Tool, plan: &Plan, patch: &FilePatch, dangerous: &mut Vec<BString>) -> Option<Target> {
    let see = |name: &BString| t.ctx.stat(name, plan.follow).ok();
    if let Some(name) = &plan.file {
        return Some(Target { name: name.clone(), stat: see(name), from: None, renamed: None });
    }
    let git_strip = |name: &[u8]| strip(name, plan.strip.or(Some(1)));
    if let Some(git) = &patch.git
        && (git.rename || git.copy)
        && let (Some(from), Some(to)) = (&git.from, &git.to)
    {
        // These names have no prefix.
        let count = plan.strip.map(|count| count.saturating_sub(1));
        let (from, to) = (strip(from, count.or(Some(0)))?, strip(to, count.or(Some(0)))?);
        let bad = [&from, &to].into_iter().filter(|name| is_dangerous(name)).cloned();
        dangerous.extend(bad);
        if !dangerous.is_empty() {
            return None;
        }
        // It may have been renamed already.
        let (there, done) = (see(&from), see(&to));
        if there.is_none() && done.is_some() && git.rename {
            return Some(Target { name: to, stat: done, from: None, renamed: Some(from) });
        }
        let stat = there;
        return Some(Target { name: to, stat, from: Some(from), renamed: None });
    }
    let of = |heading: &Option<Heading>| {
        heading
            .as_ref()
            .filter(|heading| heading.name != "/dev/null")
            .and_then(|heading| strip(&heading.name, plan.strip))
    };
    let mut names: Vec<BString> = [of(&patch.old), of(&patch.new)].into_iter().flatten().collect();
    // Where a file would be made, it is told.
    if creates(patch) {
        dangerous.extend(names.iter().filter(|name| is_dangerous(name)).cloned());
    }
    names.retain(|name| !is_dangerous(name));
    if let Some(index) = patch.index.as_ref().and_then(|name| strip(name, plan.strip))
        && names.is_empty()
        && !is_dangerous(&index)
    {
        names.push(index);
    }
    if names.is_empty()
        && let Some(git) = &patch.git
    {
        names.extend(git_strip(&git.new).filter(|name| !is_dangerous(name)));
    }
    let existing: Vec<&BString> = names.iter().filter(|name| t.ctx.stat(name, true).is_ok()).collect();
    let creates = creates(patch);
    let candidates: Vec<&BString> =
        if existing.is_empty() && creates { names.iter().collect() } else { existing };
    if plan.posix {
        // The first that there is.
        let first = candidates.first()?;
        return Some(Target { name: (*first).clone(), stat: see(first), from: None, renamed: None });
    }
    let parts = |name: &BString| name.split_str("/").filter(|part| !part.is_empty()).count();
    let best = candidates
        .into_iter()
        .min_by_key(|name| (parts(name), crate::path::base_name(name).len(), name.len()))?;
    Some(Target { name: best.clone(), stat: see(best), from: None, renamed: None })
}

/// Whether the patch says that there is no file before it.
pub(super) fn makes(patch: &FilePatch) -> bool {
    let named = patch.old.as_ref().is_some_and(|heading| heading.name == "/dev/null" || heading.epoch);
    patch.git.as_ref().is_some_and(|git| git.created) || named
}

/// Whether the patch is for a file that is not there, or is empty.
pub(super) fn creates(patch: &FilePatch) -> bool {
    let empty = patch.form != Form::Normal
        && patch.hunks.first().is_some_and(|hunk| hunk.old_start == 0 && hunk.old_count() == 0);
    makes(patch) || (empty && patch.hunks.len() == 1)
}

/// Whether the patch removes a file.
pub(super) fn removes(patch: &FilePatch) -> bool {
    let named = patch.new.as_ref().is_some_and(|heading| heading.name == "/dev/null" || heading.epoch);
    patch.git.as_ref().is_some_and(|git| git.deleted) || named
}
