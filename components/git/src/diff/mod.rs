//! Differences as git prints them.

pub mod combined;
pub mod lines;
pub mod options;
pub mod rename;
pub mod stat;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};

use crate::error::{Result, fatal};
use crate::index::{COMMIT, Index};
use crate::session::{Session, quote};
use crate::tree::{Change, Item};
use crate::worktree::Files;
use options::Options;

/// Whether content is no text.
pub fn is_binary(data: &[u8]) -> bool {
    data[..data.len().min(8000)].contains(&0)
}

/// Where the contents of both sides come from.
pub struct Contents<'s> {
    files: Option<Files<'s>>,
}

impl<'s> Contents<'s> {
    /// For changes between objects alone, or with the working tree.
    pub fn new(session: &'s Session<'s>, index: Option<&Index>) -> Result<Contents<'s>> {
        let files = match index {
            Some(index) if session.repo.workdir().is_some() => Some(Files::new(session, index)?),
            _ => None,
        };
        Ok(Contents { files })
    }

    /// The content of one side.
    pub fn get(&mut self, session: &Session<'_>, change: &Change, old: bool) -> Result<Vec<u8>> {
        let item = if old { change.old } else { change.new };
        let Some(item) = item else { return Ok(Vec::new()) };
        if item.mode == COMMIT {
            return Ok(format!("Subproject commit {}\n", item.id).into_bytes());
        }
        match &mut self.files {
            Some(files) if change.worktree && !old => files.content(change.path.as_bstr(), item.mode),
            _ => session.blob(item.id),
        }
    }
}

/// Applies what the options say about which changes there are: filter, direction, renames, pickaxe.
pub fn prepare(
    session: &Session<'_>,
    mut changes: Vec<Change>,
    options: &Options,
    contents: &mut Contents<'_>,
) -> Result<Vec<Change>> {
    if let Some(threshold) = options.renames {
        let get = &mut |session: &Session<'_>, change: &Change, old: bool| contents.get(session, change, old);
        changes = rename::detect(session, changes, threshold, get)?;
    }
    if options.lines.space != lines::Space::Exact || options.lines.blank {
        // What differs in white space alone is no difference to those who want the differences of text.
        if options.patch || options.wants_counts() {
            let mut kept = Vec::new();
            for change in changes {
                if change.letter() == 'M' && change.old.map(|old| old.mode) == change.new.map(|new| new.mode)
                {
                    let (old, new) =
                        (contents.get(session, &change, true)?, contents.get(session, &change, false)?);
                    if !is_binary(&old)
                        && !is_binary(&new)
                        && lines::count(&old, &new, &options.lines) == (0, 0)
                    {
                        continue;
                    }
                }
                kept.push(change);
            }
            changes = kept;
        }
    }
    if let Some(pickaxe) = &options.pickaxe {
        let mut kept = Vec::new();
        for change in changes {
            let (old, new) = (contents.get(session, &change, true)?, contents.get(session, &change, false)?);
            if pickaxe.picks(&old, &new, &options.lines) {
                kept.push(change);
            }
        }
        changes = kept;
    }
    changes.retain(|change| options.filter.accepts(change.letter()));
    if options.reverse {
        for change in &mut changes {
            std::mem::swap(&mut change.old, &mut change.new);
            std::mem::swap(&mut change.old_path, &mut change.path);
        }
    }
    Ok(changes)
}

/// Prints changes in all the forms that are wanted.
pub fn show(
    session: &Session<'_>,
    changes: &[Change],
    options: &Options,
    contents: &mut Contents<'_>,
) -> Result {
    let out = session.out();
    let mut parts = false;
    let path_of = |path: &BStr| -> BString { options.place(session, path) };
    if options.raw || options.name_only || options.name_status {
        for change in changes {
            out.bytes(listed(session, change, options, &path_of))?;
        }
        parts = true;
    }
    if options.wants_counts() {
        stat::show(session, changes, options, contents)?;
        parts = true;
    }
    if options.summary {
        for change in changes {
            out.bytes(summary(change, &path_of))?;
        }
        parts = true;
    }
    if options.patch {
        if parts && !changes.is_empty() {
            out.bytes("\n")?;
        }
        for change in changes {
            out.bytes(patch(session, change, options, contents)?)?;
        }
    }
    Ok(())
}

fn listed(
    session: &Session<'_>,
    change: &Change,
    options: &Options,
    path_of: &dyn Fn(&BStr) -> BString,
) -> BString {
    let mut line = BString::default();
    let name = |path: &BStr| if options.nul { path_of(path) } else { quote(path_of(path).as_bstr()) };
    let (tab, end) = if options.nul { ("\0", "\0") } else { ("\t", "\n") };
    if options.name_only {
        line.push_str(name(change.path.as_bstr()));
        line.push_str(end);
        return line;
    }
    if options.raw {
        let mode = |item: &Option<Item>| item.map_or(0, |item| item.mode);
        let null = ObjectId::null(session.repo.object_hash());
        let id = |item: Option<Item>| {
            let id = item.map_or(null, |item| item.id);
            if options.full_index {
                id.to_string()
            } else if id.is_null() {
                "0".repeat(options.abbrev.unwrap_or(7))
            } else {
                options.short(session, id)
            }
        };
        let new = change.new.filter(|_| !change.worktree);
        line.push_str(format!(
            ":{:06o} {:06o} {} {} ",
            mode(&change.old),
            mode(&change.new),
            id(change.old),
            id(new)
        ));
    }
    line.push_str(change.letter().to_string());
    if let Some(score) = change.score {
        line.push_str(format!("{score:03}"));
        line.push_str(tab);
        line.push_str(name(change.old_path.as_bstr()));
    }
    line.push_str(tab);
    line.push_str(name(change.path.as_bstr()));
    line.push_str(end);
    line
}

/// The lines about files that came, went, or changed their kind.
pub fn summary(change: &Change, path_of: &dyn Fn(&BStr) -> BString) -> BString {
    let mut text = BString::default();
    let name = quote(path_of(change.path.as_bstr()).as_bstr());
    match (&change.old, &change.new) {
        (None, Some(new)) => text.push_str(format!(" create mode {:06o} {name}\n", new.mode)),
        (Some(old), None) => text.push_str(format!(" delete mode {:06o} {name}\n", old.mode)),
        (Some(old), Some(new)) => {
            if let Some(score) = change.score {
                let both = stat::joined(
                    path_of(change.old_path.as_bstr()).as_bstr(),
                    path_of(change.path.as_bstr()).as_bstr(),
                );
                text.push_str(format!(" rename {both} ({score}%)\n"));
                if old.mode != new.mode {
                    text.push_str(format!(" mode change {:06o} => {:06o}\n", old.mode, new.mode));
                }
            } else if old.mode != new.mode {
                text.push_str(format!(" mode change {:06o} => {:06o} {name}\n", old.mode, new.mode));
            }
        }
        (None, None) => {}
    }
    text
}

/// One file's part of a patch.
pub fn patch(
    session: &Session<'_>,
    change: &Change,
    options: &Options,
    contents: &mut Contents<'_>,
) -> Result<BString> {
    if change.unmerged {
        return Ok(format!("* Unmerged path {}\n", options.place(session, change.path.as_bstr())).into());
    }
    if change.letter() == 'T' {
        let mut gone = change.clone();
        gone.new = None;
        let mut come = change.clone();
        come.old = None;
        let mut text = patch(session, &gone, options, contents)?;
        text.push_str(patch(session, &come, options, contents)?);
        return Ok(text);
    }
    let old_data = contents.get(session, change, true)?;
    let new_data = contents.get(session, change, false)?;
    let prefixed = |prefix: &str, path: &BStr| {
        let mut full = BString::from(prefix);
        full.push_str(options.place(session, path));
        quote(full.as_bstr())
    };
    let (old_prefix, new_prefix) = options.prefixes();
    let old_name = prefixed(old_prefix, change.old_path.as_bstr());
    let new_name = prefixed(new_prefix, change.path.as_bstr());
    let mut text = BString::from("diff --git ".to_string());
    text.push_str(&old_name);
    text.push_byte(b' ');
    text.push_str(&new_name);
    text.push_byte(b'\n');
    let mut same_mode = None;
    match (&change.old, &change.new) {
        (None, Some(new)) => text.push_str(format!("new file mode {:06o}\n", new.mode)),
        (Some(old), None) => text.push_str(format!("deleted file mode {:06o}\n", old.mode)),
        (Some(old), Some(new)) if old.mode != new.mode => {
            text.push_str(format!("old mode {:06o}\nnew mode {:06o}\n", old.mode, new.mode));
        }
        (Some(old), _) => same_mode = Some(old.mode),
        (None, None) => return Err(fatal!("no change at '{}'", change.path)),
    }
    if let Some(score) = change.score {
        let bare = |path: &BStr| quote(options.place(session, path).as_bstr());
        text.push_str(format!("similarity index {score}%\n"));
        text.push_str(format!("rename from {}\n", bare(change.old_path.as_bstr())));
        text.push_str(format!("rename to {}\n", bare(change.path.as_bstr())));
    }
    let null = ObjectId::null(session.repo.object_hash());
    let (old_id, new_id) = (change.old.map_or(null, |item| item.id), change.new.map_or(null, |item| item.id));
    if old_id == new_id {
        return Ok(text);
    }
    let id = |id: ObjectId| if options.full_index { id.to_string() } else { options.short(session, id) };
    let binary = !options.text && (is_binary(&old_data) || is_binary(&new_data));
    let mut index_line = format!("index {}..{}", id(old_id), id(new_id));
    if let Some(mode) = same_mode {
        index_line.push_str(&format!(" {mode:06o}"));
    }
    index_line.push('\n');
    let absent = BString::from("/dev/null");
    let old_label = if change.old.is_some() { &old_name } else { &absent };
    let new_label = if change.new.is_some() { &new_name } else { &absent };
    if binary {
        text.push_str(index_line);
        text.push_str(format!("Binary files {old_label} and {new_label} differ\n"));
        return Ok(text);
    }
    let hunks = lines::unified(&old_data, &new_data, &options.lines);
    text.push_str(index_line);
    if !hunks.is_empty() {
        // A name with a space ends with a tab there, so that `patch` can tell where it ends.
        let tab =
            |label: &BString| if label.contains(&b' ') && !label.starts_with(b"\"") { "\t" } else { "" };
        text.push_str(format!("--- {old_label}{}\n+++ {new_label}{}\n", tab(old_label), tab(new_label)));
        text.push_str(hunks);
    }
    Ok(text)
}
