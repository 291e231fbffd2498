//! `unzip`: members are written into files or to standard output, or tested.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, NewTime, OpenFlags, Output, Timestamp};

use super::format::{Entry, UNIX, method};
use super::source::{Data, ZipError};
use super::unzip::{Mode, Plan, Walk};
use super::{padded, say, shown};
use crate::path::join;
use crate::{Fail, Tool, time};

/// The longest target of a symbolic link.
const LONGEST_TARGET: u64 = 4096;

/// The newest version of the format whose members real `unzip` extracts.
const KNOWN_VERSION: u8 = 46;

/// What is done when everything is there.
struct State {
    zone: jiff::tz::TimeZone,
    overwrite: Option<bool>,
    /// Directories get their mode and time after their contents.
    directories: Vec<(BString, Option<u32>, Timestamp)>,
    /// Links are made at the end, so that nothing is written through them: path and target. An empty file holds the
    /// place of each.
    links: Vec<(BString, BString)>,
}

/// What comes of writing a piece of text on its way.
#[derive(Default)]
struct Newlines {
    /// A carriage return whose follower is not known yet.
    pending: bool,
}

impl Newlines {
    /// Carriage returns before newlines are left out.
    fn convert(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        out.clear();
        for byte in piece {
            if self.pending && *byte != b'\n' {
                out.push(b'\r');
            }
            self.pending = *byte == b'\r';
            if !self.pending {
                out.push(*byte);
            }
        }
    }
}

pub(super) fn verdict(t: &mut Tool, plan: &Plan, walk: &Walk) {
    let path = walk.path.to_str_lossy().into_owned();
    let text = if t.status > 1 {
        format!("At least one error was detected in {path}.\n")
    } else if plan.names.is_empty() && plan.excluded.is_empty() {
        format!("No errors detected in compressed data of {path}.\n")
    } else {
        let s = if walk.tested == 1 { "" } else { "s" };
        format!("No errors detected in {path} for the {} file{s} tested.\n", walk.tested)
    };
    t.out.put(text.as_bytes());
}

pub(super) async fn extract(t: &mut Tool, plan: &Plan, walk: &mut Walk) -> Result<(), Fail> {
    let mut state = State {
        zone: time::zone(&t.ctx),
        overwrite: plan.overwrite,
        directories: Vec::new(),
        links: Vec::new(),
    };
    if plan.mode == Mode::Extract
        && let Some(directory) = &plan.directory
        && let Err(reason) = t.ctx.make_directory(directory, 0o777)
        && reason != Errno::Exist
    {
        let text = format!(
            "checkdir:  cannot create extraction directory: {directory}\n           {}\n",
            reason.strerror()
        );
        say(t, text).await?;
        t.status = 2;
        return Ok(());
    }
    while let Some(entry) = walk.next(t).await? {
        if entry.is_encrypted() {
            skip(t, &entry, "unable to get password", 5).await?;
            continue;
        }
        let data = match walk.source.data(&entry).await {
            Ok(data) => data,
            Err(ZipError::Method(_)) if entry.needed > KNOWN_VERSION => {
                let (needed, known) = (entry.needed, KNOWN_VERSION);
                let (a, b, c, d) = (needed / 10, needed % 10, known / 10, known % 10);
                skip(t, &entry, &format!("need PK compat. v{a}.{b} (can do v{c}.{d})"), 81).await?;
                continue;
            }
            Err(ZipError::Method(number)) => {
                skip(t, &entry, &format!("unsupported compression method {number}"), 81).await?;
                continue;
            }
            Err(_) => {
                say(t, b"error:  bad zipfile offset (local header sig)\n").await?;
                t.status = t.status.max(3);
                continue;
            }
        };
        walk.tested += 1;
        match plan.mode {
            Mode::Extract => file(t, plan, walk, &mut state, &entry, data).await?,
            _ => stream(t, plan, walk, &entry, data).await?,
        }
    }
    finish(t, plan, &mut state).await
}

async fn skip(t: &mut Tool, entry: &Entry, why: &str, status: u8) -> Result<(), Fail> {
    t.status = t.status.max(status);
    let mut text = b"   skipping: ".to_vec();
    text.extend(padded(&entry.name));
    text.extend_from_slice(format!("  {why}\n").as_bytes());
    say(t, text).await
}

fn verb(entry: &Entry) -> &'static str {
    match entry.method {
        method::STORED => " extracting: ",
        method::BZIP2 => " bunzipping: ",
        _ => "  inflating: ",
    }
}

/// Tells an error of the data.
async fn broken(t: &mut Tool, plan: &Plan, entry: &Entry, error: ZipError) -> Result<(), Fail> {
    t.status = t.status.max(2);
    let named = !matches!(plan.mode, Mode::Pipe) && plan.quiet == 0;
    let mut text = Vec::new();
    match error {
        ZipError::Crc(crc) => {
            if !named {
                text.extend(padded(&entry.name));
                text.push(b' ');
            }
            text.extend_from_slice(format!(" bad CRC {crc:08x}  (should be {:08x})\n", entry.crc).as_bytes());
        }
        _ => {
            let what = match entry.method {
                method::STORED => "error:  invalid compressed data to extract",
                method::BZIP2 => "error:  invalid compressed data to bunzip",
                _ => "error:  invalid compressed data to inflate",
            };
            text.extend_from_slice(if named { b"\n  " } else { b"  " });
            text.extend_from_slice(what.as_bytes());
            if !named {
                text.push(b' ');
                text.extend(shown(&entry.name));
            }
            text.push(b'\n');
        }
    }
    if plan.mode == Mode::Test {
        t.out.put(&text);
        return Ok(());
    }
    say(t, text).await
}

/// Standard output, or nowhere.
async fn stream(t: &mut Tool, plan: &Plan, walk: &Walk, entry: &Entry, mut data: Data) -> Result<(), Fail> {
    let testing = plan.mode == Mode::Test;
    if plan.mode != Mode::Pipe && plan.quiet == 0 {
        t.out.put(if testing { "    testing: " } else { verb(entry) }.as_bytes());
        t.out.put(&padded(&entry.name));
        t.out.put(if testing { b"  " } else { &b"  \n"[..] });
    }
    let text = plan.text > 1 || (plan.text == 1 && entry.internal & 1 != 0);
    let (mut newlines, mut piece, mut converted) = (Newlines::default(), Vec::new(), Vec::new());
    let result = loop {
        match data.next(&walk.source, &mut piece).await {
            Ok(true) if testing => {}
            Ok(true) if text && plan.mode == Mode::Show => {
                newlines.convert(&piece, &mut converted);
                t.out.write(&converted).await?;
            }
            Ok(true) => t.out.write(&piece).await?,
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if newlines.pending {
        t.out.put(b"\r");
    }
    match result {
        Ok(()) if testing && plan.quiet == 0 => t.out.put(b" OK\n"),
        Ok(()) if plan.mode == Mode::Show && plan.quiet == 0 => t.out.put(b"\n"),
        Ok(()) => {}
        Err(error) => broken(t, plan, entry, error).await?,
    }
    Ok(t.out.drain().await?)
}

/// The path below the target that a name stands for, without what would lead out of it; and whether something was
/// left out.
async fn inside(t: &mut Tool, plan: &Plan, entry: &Entry) -> Result<BString, Fail> {
    let mut name = &entry.name[..];
    if name.starts_with(b"/") {
        let mut text = b"warning:  stripped absolute path spec from ".to_vec();
        text.extend(shown(&entry.name));
        text.push(b'\n');
        say(t, text).await?;
        t.status = t.status.max(1);
    }
    if plan.junk {
        let end = name.trim_end_with(|letter| letter == '/');
        name = end.rsplit_str("/").next().unwrap_or(end);
    }
    let mut dropped = false;
    let mut path = BString::default();
    for part in name.split_str("/") {
        match part {
            b"" | b"." => {}
            b".." => dropped = true,
            part => path = join(&path, part),
        }
    }
    if dropped && !plan.junk {
        t.status = t.status.max(1);
        if plan.quiet < 2 {
            t.out.put(b"warning:  skipped \"../\" path component(s) in ");
            t.out.put(&shown(&entry.name));
            t.out.put(b"\n");
        }
    }
    if plan.lower && entry.system != UNIX {
        path.make_ascii_lowercase();
    }
    Ok(path)
}

fn place(plan: &Plan, path: &[u8]) -> BString {
    match &plan.directory {
        Some(directory) => join(directory, path),
        None => path.into(),
    }
}

/// Makes the directories of a path below the target. False: something is in the way, which was told.
async fn parents(t: &mut Tool, plan: &Plan, path: &[u8], entry: &Entry) -> Result<bool, Fail> {
    let mut at = 0;
    while let Some(next) = path.get(at..).and_then(|rest| rest.find_byte(b'/')) {
        at += next;
        let directory = place(plan, path.get(..at).unwrap_or_default());
        at += 1;
        match t.ctx.stat(&directory, true) {
            Ok(stat) if stat.is_directory() => continue,
            Err(_) if t.ctx.make_directory(&directory, 0o777).is_ok() => continue,
            _ => {}
        }
        let exists = t.ctx.stat(&directory, false).is_ok();
        let what = if exists { "exists but is not directory" } else { "cannot be created" };
        let text = format!(
            "checkdir error:  {directory} {what}\n                 unable to process {}.\n",
            entry.name
        );
        say(t, text).await?;
        t.status = t.status.max(2);
        return Ok(false);
    }
    Ok(true)
}

/// Reads a line from standard input, byte by byte: the rest belongs to others. `None`: there is none.
async fn answer(t: &mut Tool) -> Option<BString> {
    let mut line = Vec::new();
    loop {
        match t.ctx.read(0, &mut line, 1).await {
            Ok(1) if line.ends_with(b"\n") => {
                line.pop();
                return Some(line.into());
            }
            Ok(1) => {}
            _ => return (!line.is_empty()).then(|| line.into()),
        }
    }
}

/// Whether, and where, a file is written over one that is there.
async fn replace(t: &mut Tool, plan: &Plan, state: &mut State, path: &mut BString) -> Result<bool, Fail> {
    loop {
        let place = place(plan, path);
        if t.ctx.stat(&place, false).is_err() {
            return Ok(true);
        }
        if let Some(always) = state.overwrite {
            return Ok(always);
        }
        say(t, format!("replace {place}? [y]es, [n]o, [A]ll, [N]one, [r]ename: ")).await?;
        let Some(line) = answer(t).await else {
            say(t, b" NULL\n(EOF or read error, treating as \"[N]one\" ...)\n").await?;
            state.overwrite = Some(false);
            t.status = t.status.max(1);
            return Ok(false);
        };
        match line.first() {
            Some(b'y' | b'Y') => return Ok(true),
            Some(b'n') => return Ok(false),
            Some(b'A') => {
                state.overwrite = Some(true);
                return Ok(true);
            }
            Some(b'N') => {
                state.overwrite = Some(false);
                return Ok(false);
            }
            Some(b'r' | b'R') => {
                say(t, b"new name: ").await?;
                if let Some(name) = answer(t).await.filter(|name| !name.is_empty()) {
                    // It is the user's own choice, but stays below the target.
                    let parts = name.split_str("/").filter(|part| !matches!(*part, b"" | b"." | b".."));
                    *path = parts.fold(BString::default(), |path, part| join(&path, part));
                }
            }
            Some(_) => say(t, format!("error:  invalid response [{line}]\n")).await?,
            None => say(t, b"error:  invalid response [{ENTER}]\n").await?,
        }
    }
}

async fn file(
    t: &mut Tool,
    plan: &Plan,
    walk: &Walk,
    state: &mut State,
    entry: &Entry,
    mut data: Data,
) -> Result<(), Fail> {
    if entry.is_directory() && plan.junk {
        return Ok(());
    }
    let mut path = inside(t, plan, entry).await?;
    if path.is_empty() {
        return Ok(());
    }
    let modified = entry.modified(&state.zone);
    let special = if plan.keep_special { 0o7777 } else { 0o777 };
    let mode = entry.unix_mode().map(|mode| mode & special);
    if entry.is_directory() {
        if plan.freshen || !parents(t, plan, &path, entry).await? {
            return Ok(());
        }
        let place = place(plan, &path);
        if t.ctx.stat(&place, true).is_ok_and(|stat| stat.is_directory()) {
            return Ok(());
        }
        if let Err(reason) = t.ctx.make_directory(&place, 0o777) {
            t.status = t.status.max(2);
            let text = format!(
                "checkdir error:  cannot create {place}\n                 {}\n                 unable to process {}.\n",
                reason.strerror(),
                entry.name
            );
            return say(t, text).await;
        }
        if plan.quiet == 0 {
            t.out.put(b"   creating: ");
            t.out.put(&shown(&place));
            t.out.put(b"/\n");
        }
        let mode = mode.filter(|_| entry.system == UNIX);
        state.directories.push((place, mode, modified));
        return Ok(t.out.drain().await?);
    }
    if plan.update {
        match t.ctx.stat(&place(plan, &path), true) {
            Ok(stat) if stat.modified.seconds >= modified.seconds => return Ok(()),
            Err(_) if plan.freshen => return Ok(()),
            _ => {}
        }
    }
    if !replace(t, plan, state, &mut path).await? || !parents(t, plan, &path, entry).await? {
        return Ok(());
    }
    let place = place(plan, &path);
    // What is there is not written through: it may be a link, or have other names.
    if let Err(reason) = t.ctx.remove_file(&place)
        && reason != Errno::NoEntry
    {
        t.status = t.status.max(50);
        let text = format!("error:  cannot delete old {place}\n        {}\n", reason.strerror());
        return say(t, text).await;
    }
    let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let opened = t.ctx.open_description(&place, how, 0o666).await;
    let mut out = match opened {
        Ok(opened) => Output::new(t.ctx.clone(), Some(opened)),
        Err(reason) => {
            t.status = t.status.max(50);
            let text = format!("error:  cannot create {place}\n        {}\n", reason.strerror());
            return say(t, text).await;
        }
    };
    if entry.is_link() {
        return link(t, plan, walk, state, entry, data, (place, path)).await;
    }
    let text = plan.text > 1 || (plan.text == 1 && entry.internal & 1 != 0);
    if plan.quiet == 0 {
        t.out.put(verb(entry).as_bytes());
        t.out.put(&padded(&place));
        t.out.put(b"  ");
        if plan.text == 1 {
            t.out.put(if text { b"[text]  " } else { b"[binary]" });
        }
    }
    let (mut newlines, mut piece, mut converted) = (Newlines::default(), Vec::new(), Vec::new());
    let result = loop {
        let block = match data.next(&walk.source, &mut piece).await {
            Ok(true) if text => {
                newlines.convert(&piece, &mut converted);
                &converted
            }
            Ok(true) => &piece,
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        };
        if let Err(reason) = out.write(block).await {
            return full(t, &place, reason).await;
        }
    };
    if newlines.pending {
        out.put(b"\r");
    }
    if let Err(reason) = out.flush().await {
        return full(t, &place, reason).await;
    }
    match result {
        Ok(()) if plan.quiet == 0 => t.out.put(b"\n"),
        Ok(()) => {}
        Err(error) => broken(t, plan, entry, error).await?,
    }
    drop(out);
    if let Some(mode) = mode {
        let _ = t.ctx.set_mode(&place, mode, true);
    }
    if plan.no_times < 2 {
        let _ = t.ctx.set_times(&place, NewTime::At(modified), NewTime::At(modified), true);
    }
    Ok(t.out.drain().await?)
}

/// Tells that a file cannot be written.
async fn full(t: &mut Tool, place: &BString, reason: Errno) -> Result<(), Fail> {
    t.status = t.status.max(50);
    say(t, format!("\n{place}:  write error ({}).\n", reason.strerror())).await
}

/// Whether a link at `path` below the target stays in there, whatever the other links are: steps up stand first, and
/// are no more than there are directories.
fn stays_inside(path: &[u8], target: &[u8]) -> bool {
    let mut room = path.iter().filter(|byte| **byte == b'/').count();
    let mut down = false;
    for part in target.split_str("/") {
        match part {
            b"" | b"." => {}
            b".." if down || room == 0 => return false,
            b".." => room -= 1,
            _ => down = true,
        }
    }
    !target.starts_with(b"/")
}

async fn link(
    t: &mut Tool,
    plan: &Plan,
    walk: &Walk,
    state: &mut State,
    entry: &Entry,
    mut data: Data,
    (place, path): (BString, BString),
) -> Result<(), Fail> {
    let (mut target, mut piece) = (BString::default(), Vec::new());
    let result = loop {
        match data.next(&walk.source, &mut piece).await {
            Ok(true) if entry.size > LONGEST_TARGET => break Err(ZipError::Data),
            Ok(true) => target.extend_from_slice(&piece),
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if plan.quiet == 0 {
        t.out.put(b"    linking: ");
        t.out.put(&padded(&place));
        t.out.put(b"  ");
    }
    if let Err(error) = result {
        let _ = t.ctx.remove_file(&place);
        return broken(t, plan, entry, error).await;
    }
    if plan.quiet == 0 {
        t.out.put(b"-> ");
        t.out.put(&shown(&target));
        t.out.put(b" \n");
    }
    if stays_inside(&path, &target) {
        state.links.push((place, target));
        return Ok(t.out.drain().await?);
    }
    let _ = t.ctx.remove_file(&place);
    t.status = t.status.max(2);
    let mut text = b"error:  symbolic link leads out of the target: ".to_vec();
    text.extend(shown(&place));
    text.extend_from_slice(b" -> ");
    text.extend(shown(&target));
    text.push(b'\n');
    say(t, text).await
}

async fn finish(t: &mut Tool, plan: &Plan, state: &mut State) -> Result<(), Fail> {
    if !state.links.is_empty() && plan.quiet == 0 {
        t.out.put(b"finishing deferred symbolic links:\n");
    }
    for (place, target) in std::mem::take(&mut state.links) {
        t.ctx.tick().await;
        if plan.quiet == 0 {
            t.out.put(b"  ");
            t.out.put(&padded(&place));
            t.out.put(b" -> ");
            t.out.put(&shown(&target));
            t.out.put(b"\n");
        }
        // Another member may have taken the place of the empty file.
        let waits = t.ctx.stat(&place, false).is_ok_and(|stat| stat.is_regular() && stat.size == 0);
        if waits && let Err(reason) = t.ctx.remove_file(&place).and_then(|()| t.ctx.symlink(&target, &place))
        {
            t.status = t.status.max(2);
            say(t, format!("symlink error: {}\n", reason.strerror())).await?;
        }
    }
    for (place, mode, modified) in std::mem::take(&mut state.directories).into_iter().rev() {
        if let Some(mode) = mode {
            let _ = t.ctx.set_mode(&place, mode, true);
        }
        if plan.no_times == 0 {
            let _ = t.ctx.set_times(&place, NewTime::At(modified), NewTime::At(modified), true);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_out_are_known() {
        assert!(stays_inside(b"a/b/link", b"../c"));
        assert!(stays_inside(b"link", b"x/y"));
        assert!(!stays_inside(b"a/link", b"../../c"));
        assert!(!stays_inside(b"a/link", b"/etc"));
        // Where `x` is another link, its `..` is anywhere.
        assert!(!stays_inside(b"a/b/link", b"x/.."));
    }

    #[test]
    fn newlines_across_pieces() {
        let (mut newlines, mut out) = (Newlines::default(), Vec::new());
        newlines.convert(b"a\r", &mut out);
        assert_eq!(out, b"a");
        newlines.convert(b"\nb\rc", &mut out);
        assert_eq!(out, b"\nb\rc");
    }
}
