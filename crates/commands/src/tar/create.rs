//! `tar -c`, and the walk that `-r` and `-u` share with it.

use std::collections::BTreeMap;

use bstr::BString;
use wasmsh_os::{Errno, FileType, Input, Stat, Timestamp};

use super::archive::Writer;
use super::args::{Leaves, Name, Plan, Tag};
use super::header::{Dialect, Kind, Member, encode};
use super::sparse::{self, Version};
use super::transform::Role;
use super::{Prefixes, cannot, error, fatal, open_writer, transformed};
use crate::compress::stream::StreamError;
use crate::path::{join, same_file};
use crate::{Done, Fail, Tool};

/// What goes on while files are added.
pub(super) struct Adding {
    pub(super) writer: Writer,
    /// The archive itself, which is not put into itself.
    pub(super) archive: Option<Stat>,
    pub(super) prefixes: Prefixes,
    /// The names of files with several links that are in the archive, and how many of them are not.
    links: BTreeMap<(u64, u64), (BString, u64)>,
    /// Times of what the archive has already (`-u`), by stored name.
    pub(super) known: Option<BTreeMap<BString, Timestamp>>,
}

impl Adding {
    pub(super) fn new(writer: Writer, archive: Option<Stat>) -> Adding {
        Adding { writer, archive, prefixes: Prefixes::default(), links: BTreeMap::new(), known: None }
    }
}

pub(super) async fn create(t: &mut Tool, plan: &mut Plan) -> Done {
    if !plan.has_names && plan.label.is_none() {
        return Err(Fail::Bare(
            "tar: Cowardly refusing to create an empty archive\nTry 'tar --help' or 'tar --usage' for more information.".into(),
            2,
        ));
    }
    let writer = open_writer(t, plan).await?;
    let archive = writer.packed.out.description().and_then(|out| t.ctx.stat_description(out).ok());
    let archive = archive.filter(Stat::is_regular);
    let mut adding = Adding::new(writer, archive);
    if let Some(label) = plan.label.clone() {
        let now = Timestamp { nanoseconds: 0, ..t.ctx.now() };
        let member = Member { name: label, kind: Kind::Label, mode: 0, modified: now, ..Member::default() };
        header(t, plan, &mut adding, &member).await?;
    }
    add(t, plan, &mut adding).await?;
    end(t, plan, &mut adding).await
}

/// Ends the archive.
pub(super) async fn end(t: &mut Tool, plan: &Plan, adding: &mut Adding) -> Done {
    let result = adding.writer.finish().await;
    written(t, plan, result).await?;
    if plan.check_links {
        for (name, missing) in adding.links.values() {
            if *missing > 0 {
                let shown = t.quote(name);
                t.warn(format!("Missing links to {shown}.")).await?;
            }
        }
    }
    if plan.totals {
        let bytes = adding.writer.at;
        let human = crate::human::Units::Binary.show(bytes);
        let text = format!("Total bytes written: {bytes} ({human}iB, ?/s)\n");
        t.err.put(text.as_bytes());
        let _ = t.err.flush().await;
    }
    Ok(())
}

async fn written(t: &mut Tool, plan: &Plan, result: Result<(), StreamError>) -> Done {
    match result {
        Ok(()) => Ok(()),
        Err(StreamError::Write(reason)) => {
            let archive = super::shown_archive(plan);
            Err(fatal(t, format!("{archive}: Cannot write: {}", reason.strerror())).await)
        }
        Err(failure) => Err(fatal(t, failure.to_string()).await),
    }
}

async fn header(t: &mut Tool, plan: &Plan, adding: &mut Adding, member: &Member) -> Result<bool, Fail> {
    match encode(member, plan.dialect, plan.sparse_version) {
        Ok(blocks) => {
            let result = adding.writer.put(&blocks).await;
            written(t, plan, result).await?;
            Ok(true)
        }
        Err(_) => {
            let name = super::list::escape(&member.name, t.utf8);
            error(t, format!("{name}: file name is too long (cannot be split); not dumped")).await?;
            Ok(false)
        }
    }
}

/// Adds all that was named.
pub(super) async fn add(t: &mut Tool, plan: &mut Plan, adding: &mut Adding) -> Done {
    let names = std::mem::take(&mut plan.names);
    for name in &names {
        walk(t, plan, adding, name).await?;
    }
    plan.names = names;
    Ok(())
}

/// The tag that a directory has.
async fn tag_of(t: &Tool, plan: &Plan, path: &[u8]) -> Option<Tag> {
    for tag in &plan.tags {
        let file = join(path, &tag.name);
        if t.ctx.stat(&file, true).is_err() {
            continue;
        }
        if tag.cache {
            let mut begin = Vec::new();
            let Ok(mut input) = t.ctx.open_input(&file).await else { continue };
            while begin.len() < CACHE.len() {
                let Ok(block @ [_, ..]) = input.fill().await else { break };
                let count = block.len();
                begin.extend_from_slice(block);
                input.consume(count);
            }
            if !begin.starts_with(CACHE) {
                continue;
            }
        }
        return Some(tag.clone());
    }
    None
}

/// What the tags of caches begin with.
const CACHE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

enum Step {
    Visit {
        name: BString,
        stat: Option<Stat>,
        top: bool,
    },
    /// The directory is in the archive with all below it.
    Remove(BString),
}

/// Adds a file with all below it.
async fn walk(t: &mut Tool, plan: &mut Plan, adding: &mut Adding, top: &Name) -> Done {
    let mut name = top.name.clone();
    while name.len() > 1 && name.ends_with(b"/") {
        name.pop();
    }
    let path_of = |name: &[u8]| -> BString {
        if top.directory.is_empty() || name.starts_with(b"/") {
            name.into()
        } else {
            join(&top.directory, name)
        }
    };
    let mut device = None;
    let mut stack = vec![Step::Visit { name, stat: None, top: true }];
    while let Some(step) = stack.pop() {
        t.ctx.tick().await;
        let (name, known, is_top) = match step {
            Step::Visit { name, stat, top } => (name, stat, top),
            Step::Remove(path) => {
                if let Err(reason) = t.ctx.remove_directory(&path) {
                    cannot(t, &path, "rmdir", reason).await?;
                }
                continue;
            }
        };
        let excludes = plan.excludes.get(..top.excludes).unwrap_or_default();
        if excludes.iter().any(|pattern| pattern.matches(&name)) {
            continue;
        }
        let path = path_of(&name);
        let stat = match known.filter(|stat| !plan.dereference || !stat.is_symbolic_link()) {
            Some(stat) => stat,
            None => match t.ctx.stat(&path, plan.dereference) {
                Ok(stat) => stat,
                Err(reason) => {
                    if plan.ignore_failed_read {
                        let shown = super::list::escape(&name, t.utf8);
                        t.warn(format!("{shown}: Warning: Cannot stat: {}", reason.strerror())).await?;
                    } else {
                        cannot(t, &name, "stat", reason).await?;
                    }
                    continue;
                }
            },
        };
        if plan.one_filesystem && *device.get_or_insert(stat.device) != stat.device {
            continue;
        }
        if adding.archive.as_ref().is_some_and(|archive| same_file(archive, &stat)) {
            if plan.says("ignore-archive") {
                let shown = super::list::escape(&name, t.utf8);
                t.warn(format!("{shown}: file is the archive; not dumped")).await?;
            }
            continue;
        }
        if stat.is_directory() {
            let tag = tag_of(t, plan, &path).await;
            if let Some(tag) = &tag
                && plan.verbose > 0
                && plan.says("cachedir")
            {
                let kind = if tag.cache { "cache directory tag" } else { "directory tag" };
                let what = if tag.leaves == Leaves::Nothing { "directory" } else { "contents" };
                let shown = super::list::escape(&name, t.utf8);
                t.warn(format!("{shown}/: contains a {kind} {}; {what} not dumped", tag.name)).await?;
            }
            if tag.as_ref().is_some_and(|tag| tag.leaves == Leaves::Nothing) {
                continue;
            }
            directory(t, plan, adding, &name, &path, &stat).await?;
            if let Some(tag) = tag {
                if tag.leaves == Leaves::Tag {
                    stack.push(Step::Visit { name: join(&name, &tag.name), stat: None, top: false });
                }
                continue;
            }
            if !top.recursive {
                continue;
            }
            match t.ctx.read_directory(&path) {
                Ok(mut entries) => {
                    if plan.remove_files {
                        stack.push(Step::Remove(path.clone()));
                    }
                    if plan.sort_inode {
                        entries.sort_by_key(|entry| entry.stat.inode);
                    }
                    let below = |entry: &wasmsh_os::Entry| Step::Visit {
                        name: join(&name, entry.name.as_bytes()),
                        stat: Some(entry.stat),
                        top: false,
                    };
                    stack.extend(entries.iter().rev().map(below));
                }
                Err(reason) => cannot(t, &name, "open", reason).await?,
            }
        } else {
            file(t, plan, adding, &name, &path, &stat, is_top).await?;
        }
    }
    Ok(())
}

/// What the header of a file says, the name and what depends on its kind left out.
fn member(t: &Tool, plan: &Plan, stat: &Stat) -> Member {
    let mut modified = stat.modified;
    if plan.dialect != Dialect::Pax {
        modified.nanoseconds = 0;
    }
    if let Some(forced) = plan.mtime
        && (!plan.clamp || modified > forced)
    {
        modified = forced;
    }
    let mut mode = stat.mode & 0o7777;
    if let Some(change) = &plan.mode_change {
        mode = change.apply(mode, stat.is_directory(), t.ctx.umask());
    }
    let mut member = Member {
        mode,
        uid: stat.uid.into(),
        gid: stat.gid.into(),
        user: plan.users.user_name(stat.uid).cloned().unwrap_or_default(),
        group: plan.users.group_name(stat.gid).cloned().unwrap_or_default(),
        modified,
        ..Member::default()
    };
    if let Some(owner) = &plan.owner {
        member.user = owner.name.clone();
        member.uid = owner.id.unwrap_or(member.uid);
    }
    if let Some(group) = &plan.group {
        member.group = group.name.clone();
        member.gid = group.id.unwrap_or(member.gid);
    }
    if plan.columns.numeric {
        member.user.clear();
        member.group.clear();
    }
    member
}

/// The name that a file is stored under.
async fn stored_name(
    t: &mut Tool,
    plan: &Plan,
    adding: &mut Adding,
    name: &[u8],
    role: Role,
) -> Result<BString, Fail> {
    let name = transformed(&plan.transform, name, role);
    if plan.absolute { Ok(name) } else { adding.prefixes.strip(t, &name, role).await }
}

/// Tells of a file that is put into the archive.
async fn tell(t: &mut Tool, plan: &mut Plan, name: &[u8], member: &Member) -> Done {
    if plan.verbose == 0 {
        return Ok(());
    }
    let shown: &[u8] = if plan.show_transformed { &member.name } else { name };
    let mut line = if plan.verbose > 1 {
        plan.columns.line(t, member, shown, &member.link)
    } else {
        plan.columns.name(shown, t.utf8)
    };
    line.push(b'\n');
    if plan.archive.is_none() {
        t.err.put(&line);
        let _ = t.err.flush().await;
        return Ok(());
    }
    t.out.put(&line);
    Ok(t.out.drain().await?)
}

/// Whether the archive has the file already, not older than it is.
fn is_known(adding: &Adding, stored: &[u8], stat: &Stat) -> bool {
    adding
        .known
        .as_ref()
        .and_then(|known| known.get(stored))
        .is_some_and(|time| *time >= Timestamp { nanoseconds: 0, ..stat.modified })
}

async fn directory(
    t: &mut Tool,
    plan: &mut Plan,
    adding: &mut Adding,
    name: &[u8],
    path: &[u8],
    stat: &Stat,
) -> Done {
    let _ = path;
    if plan.newer.is_some_and(|newer| stat.modified < newer) {
        return Ok(());
    }
    let with_slash: BString = if name.ends_with(b"/") { name.into() } else { [name, b"/"].concat().into() };
    let mut member = member(t, plan, stat);
    member.kind = Kind::Directory;
    member.name = stored_name(t, plan, adding, &with_slash, Role::File).await?;
    if !member.name.ends_with(b"/") {
        member.name.push(b'/');
    }
    if is_known(adding, &member.name, stat) {
        return Ok(());
    }
    tell(t, plan, &with_slash, &member).await?;
    header(t, plan, adding, &member).await?;
    Ok(())
}

async fn file(
    t: &mut Tool,
    plan: &mut Plan,
    adding: &mut Adding,
    name: &[u8],
    path: &[u8],
    stat: &Stat,
    is_top: bool,
) -> Done {
    if plan.newer.is_some_and(|newer| stat.modified < newer) {
        if is_top && plan.verbose > 0 && plan.says("file-unchanged") {
            let shown = super::list::escape(name, t.utf8);
            t.warn(format!("{shown}: file is unchanged; not dumped")).await?;
        }
        return Ok(());
    }
    let mut member = member(t, plan, stat);
    member.name = stored_name(t, plan, adding, name, Role::File).await?;
    if is_known(adding, &member.name, stat) {
        return Ok(());
    }
    if stat.links > 1 && !plan.hard_dereference {
        let key = (stat.device, stat.inode);
        if let Some((first, missing)) = adding.links.get_mut(&key) {
            let first = first.clone();
            *missing = missing.saturating_sub(1);
            member.kind = Kind::HardLink;
            member.link = stored_name(t, plan, adding, &first, Role::HardLink).await?;
            tell(t, plan, name, &member).await?;
            header(t, plan, adding, &member).await?;
            return remove(t, plan, path).await;
        }
        adding.links.insert(key, (name.into(), u64::from(stat.links).saturating_sub(1)));
    }
    match stat.kind {
        FileType::Regular => return regular(t, plan, adding, name, path, stat, member).await,
        FileType::SymbolicLink => {
            member.kind = Kind::SymbolicLink;
            match t.ctx.read_link(path) {
                Ok(target) => {
                    member.link = transformed(&plan.transform, target.as_bytes(), Role::SymbolicLink)
                }
                Err(reason) => return cannot(t, name, "readlink", reason).await,
            }
        }
        FileType::Fifo => member.kind = Kind::Fifo,
        FileType::CharacterDevice => {
            member.kind = Kind::CharacterDevice;
            let number = stat.device_number;
            member.device = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00));
        }
        _ if !plan.says("file-ignored") => return Ok(()),
        _ => {
            let shown = super::list::escape(name, t.utf8);
            return t.warn(format!("{shown}: socket ignored")).await;
        }
    }
    tell(t, plan, name, &member).await?;
    header(t, plan, adding, &member).await?;
    remove(t, plan, path).await
}

async fn remove(t: &mut Tool, plan: &Plan, path: &[u8]) -> Done {
    if plan.remove_files
        && let Err(reason) = t.ctx.remove_file(path)
    {
        return cannot(t, path, "unlink", reason).await;
    }
    Ok(())
}

/// A sparse file: the data of its pieces alone.
async fn pieces_of(
    t: &mut Tool,
    plan: &mut Plan,
    adding: &mut Adding,
    name: &[u8],
    path: &[u8],
    mut member: Member,
    pieces: Vec<(u64, u64)>,
) -> Done {
    member.stored = sparse::data(&pieces);
    if plan.dialect == Dialect::Pax && plan.sparse_version == Version::V1_0 {
        member.stored += sparse::map_text(&pieces).len() as u64;
    }
    member.sparse = Some(pieces.clone());
    tell(t, plan, name, &member).await?;
    if !header(t, plan, adding, &member).await? {
        return Ok(());
    }
    let mut missing = 0;
    for (offset, length) in pieces {
        let mut left = length;
        if missing == 0 && left > 0 {
            let result = match t.ctx.open_input(path).await {
                Ok(input) => sparse::start_at(&input, offset).map(|()| input),
                Err(reason) => Err(reason),
            };
            let mut input = match result {
                Ok(input) => input,
                Err(reason) => {
                    cannot(t, name, "open", reason).await?;
                    missing += left;
                    continue;
                }
            };
            let failure = contents(t, plan, adding, &mut input, &mut left).await?;
            if let Some(reason) = failure {
                cannot(t, name, "read", reason).await?;
            }
        }
        missing += left;
    }
    let result = adding.writer.end_member(missing).await;
    written(t, plan, result).await?;
    if missing > 0 && plan.says("file-shrank") {
        t.status = t.status.max(1);
        let shown = super::list::escape(name, t.utf8);
        let bytes = if missing == 1 { "byte" } else { "bytes" };
        t.warn(format!("{shown}: File shrank by {missing} {bytes}; padding with zeros")).await?;
    }
    remove(t, plan, path).await
}

/// Puts what comes next of a file into the archive, `left` bytes if there are so many. Why it could not be read on.
async fn contents(
    t: &mut Tool,
    plan: &Plan,
    adding: &mut Adding,
    input: &mut Input,
    left: &mut u64,
) -> Result<Option<Errno>, Fail> {
    while *left > 0 {
        let block = match input.fill().await {
            Ok([]) => break,
            Ok(block) => block,
            Err(reason) => return Ok(Some(reason)),
        };
        let count = block.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let result = adding.writer.put(block.get(..count).unwrap_or_default()).await;
        input.consume(count);
        *left -= count as u64;
        written(t, plan, result).await?;
    }
    Ok(None)
}

async fn regular(
    t: &mut Tool,
    plan: &mut Plan,
    adding: &mut Adding,
    name: &[u8],
    path: &[u8],
    stat: &Stat,
    mut member: Member,
) -> Done {
    let mut input = match t.ctx.open_input(path).await {
        Ok(input) => input,
        Err(reason) if plan.ignore_failed_read => {
            let shown = super::list::escape(name, t.utf8);
            return t.warn(format!("{shown}: Warning: Cannot open: {}", reason.strerror())).await;
        }
        Err(reason) => return cannot(t, name, "open", reason).await,
    };
    (member.size, member.stored) = (stat.size, stat.size);
    let can = matches!(plan.dialect, Dialect::Gnu | Dialect::Pax);
    if plan.sparse && can && sparse::has_holes(stat) {
        match sparse::map(t, &mut input, stat.size, plan.raw_holes).await {
            Ok(pieces) => return pieces_of(t, plan, adding, name, path, member, pieces).await,
            Err(reason) => return cannot(t, name, "read", reason).await,
        }
    }
    tell(t, plan, name, &member).await?;
    if !header(t, plan, adding, &member).await? {
        return Ok(());
    }
    let mut left = stat.size;
    let failure = contents(t, plan, adding, &mut input, &mut left).await?;
    let result = adding.writer.end_member(left).await;
    written(t, plan, result).await?;
    let shown = super::list::escape(name, t.utf8);
    if let Some(reason) = failure {
        let at = stat.size - left;
        let bytes = if left == 1 { "byte" } else { "bytes" };
        error(
            t,
            format!("{shown}: Read error at byte {at}, while reading {left} {bytes}: {}", reason.strerror()),
        )
        .await?;
    } else if left > 0 {
        t.status = t.status.max(1);
        let bytes = if left == 1 { "byte" } else { "bytes" };
        if plan.says("file-shrank") {
            t.warn(format!("{shown}: File shrank by {left} {bytes}; padding with zeros")).await?;
        }
    }
    remove(t, plan, path).await
}
