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

/// Chooses the file: the one of the command line, or of the names of the header that fits best.
pub(super) fn choose(t: &Tool, plan: &Plan, patch: &FilePatch) -> Option<Target> {
    if let Some(name) = &plan.file {
        return Some(Target {
            name: name.clone(),
            stat: t.ctx.stat(name, true).ok(),
            from: None,
            renamed: None,
        });
    }
    let git_strip = |name: &[u8]| strip(name, plan.strip.or(Some(1)));
    if let Some(git) = &patch.git
        && (git.rename || git.copy)
        && let (Some(from), Some(to)) = (&git.from, &git.to)
    {
        // These names have no prefix.
        let count = plan.strip.map(|count| count.saturating_sub(1));
        let (from, to) = (strip(from, count.or(Some(0)))?, strip(to, count.or(Some(0)))?);
        if is_dangerous(&from) || is_dangerous(&to) {
            return None;
        }
        // It may have been renamed already.
        let (there, done) = (t.ctx.stat(&from, true).ok(), t.ctx.stat(&to, true).ok());
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
            .filter(|name| !is_dangerous(name))
    };
    let mut names: Vec<BString> = [of(&patch.old), of(&patch.new)].into_iter().flatten().collect();
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
        return Some(Target {
            name: (*first).clone(),
            stat: t.ctx.stat(first, true).ok(),
            from: None,
            renamed: None,
        });
    }
    let parts = |name: &BString| name.split_str("/").filter(|part| !part.is_empty()).count();
    let best = candidates
        .into_iter()
        .min_by_key(|name| (parts(name), crate::path::base_name(name).len(), name.len()))?;
    Some(Target { name: best.clone(), stat: t.ctx.stat(best, true).ok(), from: None, renamed: None })
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
