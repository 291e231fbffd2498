//! `git status`.

use gix::bstr::{BString, ByteSlice};

use crate::error::{Result, fatal};
use crate::options::{Takes, parse};
use crate::pathspec::Pathspec;
use crate::session::Globals;
use crate::status::{Status, branch_line};
use crate::worktree::Depth;

/// `git status`.
pub fn status(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("s short", Takes::Nothing),
            ("b branch", Takes::Nothing),
            ("long", Takes::Nothing),
            ("porcelain", Takes::Glued),
            ("z null", Takes::Nothing),
            ("u untracked-files", Takes::Glued),
            ("ignored", Takes::Glued),
            ("v verbose", Takes::Nothing),
            ("ignore-submodules", Takes::Glued),
            ("column", Takes::Glued),
            ("ahead-behind", Takes::Nothing),
            ("renames", Takes::Nothing),
            ("M find-renames", Takes::Glued),
            ("show-stash", Takes::Nothing),
        ],
        "git status [<options>] [--] [<pathspec>...]",
    )?;
    let session = &globals.session()?;
    session.root()?;
    let depth = match parsed.value("untracked-files").map(|value| value.as_bytes()) {
        Some(b"no" | b"false") => None,
        Some(b"normal" | b"true") => Some(Depth::Folders),
        Some(b"all") => Some(Depth::Files),
        Some(other) => return Err(fatal!("Invalid untracked files mode '{}'", other.as_bstr())),
        None if parsed.has("untracked-files") => Some(Depth::Files),
        None if parsed.negated("untracked-files") => None,
        None => match session.config("status.showUntrackedFiles").as_ref().map(|value| value.as_slice()) {
            Some(b"no" | b"false") => None,
            Some(b"all") => Some(Depth::Files),
            _ => Some(Depth::Folders),
        },
    };
    if let Some(version) = parsed.value("porcelain")
        && version != "v1"
        && version != "1"
    {
        return Err(fatal!("unsupported porcelain version '{version}'"));
    }
    let ignored = parsed.has("ignored") && parsed.value("ignored").is_none_or(|mode| mode != "no");
    let wanted = Pathspec::new(session, &parsed.rest)?;
    let mut index = session.index()?;
    let status = Status::new(session, &mut index, depth, ignored, &wanted)?;
    // What was learnt spares the next look; where it cannot be kept nothing is lost.
    if session.repo.index_path().exists() {
        let _ = index.write();
    }
    let out = session.out();
    let form = parsed.last_of(&["short", "porcelain", "long"]);
    let nul = parsed.has("null");
    let porcelain = form == Some("porcelain") || (form.is_none() && nul);
    let short =
        porcelain || form == Some("short") || (form.is_none() && session.config_bool("status.short", false));
    if short {
        if parsed.has("branch")
            || (!porcelain && !parsed.negated("branch") && session.config_bool("status.branch", false))
        {
            out.bytes(branch_line(session)?)?;
            out.bytes(if nul { "\0" } else { "\n" })?;
        }
        return out.bytes(status.short(session, porcelain, nul));
    }
    out.bytes(status.long(session, false)?)
}
