//! `tar -x`, `-t` and `-d`: what reads an archive through.

use std::collections::BTreeSet;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Description, Errno, NewTime, OpenFlags, Output, Stat, Timestamp};

use super::archive::{ArchiveError, Next, Reader};
use super::args::{Existing, Mode, Plan};
use super::header::{Kind, Member};
use super::names::{Selection, has_wildcards};
use super::transform::{Role, strip_components};
use super::{Prefixes, broken, cannot, error, open_reader, transformed};
use crate::compress::stream::StreamError;
use crate::path::{join, parent};
use crate::{Done, Fail, Tool};

/// What is done when everything is there.
#[derive(Default)]
struct Later {
    /// Directories get their mode and time after their contents.
    directories: Vec<(BString, Member)>,
    /// Links that lead out of the directory, or may: until the end an empty file holds their place, so that nothing
    /// is written through them. The path, the inode of that file, the target, and the header.
    links: Vec<(BString, (u64, u64), BString, Member)>,
    prefixes: Prefixes,
    /// Directories that are known to be there.
    made: BTreeSet<BString>,
}

pub(super) async fn read(t: &mut Tool, plan: &mut Plan) -> Done {
    let mut reader = open_reader(t, plan).await?;
    let names = plan.names.iter().map(|name| (name.name.clone(), name.directory.clone())).collect();
    let mut selection = Selection::new(names, plan.matching);
    let mut later = Later::default();
    let (mut first, mut told) = (true, false);
    let mut skipping = plan.starting.clone();
    loop {
        t.ctx.tick().await;
        match reader.next().await {
            Err(failure) => {
                t.out.flush().await?;
                finish(t, plan, &mut later).await?;
                return Err(broken(t, plan, failure).await);
            }
            Ok(Next::End { marked, lone }) => {
                if plan.block_number && marked && plan.verbose > 0 {
                    let text = format!("block {}: ** Block of NULs **\n", reader.start / 512);
                    t.out.put(text.as_bytes());
                }
                if first && !marked && !lone && !told {
                    error(t, "This does not look like a tar archive").await?;
                } else if lone && plan.says("alone-zero-block") {
                    t.warn(format!("A lone zero block at {}", reader.start / 512 + 1)).await?;
                }
                break;
            }
            Ok(Next::Garbage) => {
                if let Some(field) = reader.wrong_size.take() {
                    let text = if field.first().is_some_and(|first| first & 0x80 != 0) {
                        "Archive value is out of off_t range 0..9223372036854775807".to_owned()
                    } else {
                        let text = field.trim_with(|letter| letter == '\0');
                        format!("Archive contains {} where numeric off_t value expected", t.quote(text))
                    };
                    error(t, text).await?;
                }
                if !told {
                    if first {
                        error(t, "This does not look like a tar archive").await?;
                    }
                    error(t, "Skipping to next header").await?;
                    told = true;
                }
            }
            Ok(Next::Member(member)) => {
                (first, told) = (false, false);
                if skipping.as_ref().is_some_and(|name| *name != member.name) {
                    continue;
                }
                skipping = None;
                let Some(directory) = selection.wants(&member.name, plan.occurrence) else { continue };
                if plan.excludes.iter().any(|pattern| pattern.matches(&member.name)) {
                    continue;
                }
                let directory = directory.unwrap_or_else(|| plan.directory.clone());
                if let Err(failure) = one(t, plan, &mut reader, &mut later, &member, directory).await? {
                    t.out.flush().await?;
                    finish(t, plan, &mut later).await?;
                    return Err(broken(t, plan, failure).await);
                }
                if selection.is_done(plan.occurrence) {
                    break;
                }
            }
        }
    }
    reader.drain().await;
    finish(t, plan, &mut later).await?;
    let missing: Vec<BString> = selection.missing(plan.occurrence).cloned().collect();
    for name in &missing {
        if has_wildcards(name) && !plan.wildcards_given {
            t.warn("Pattern matching characters used in file names").await?;
            t.warn("Use --wildcards to enable pattern matching, or --no-wildcards to suppress this warning")
                .await?;
            break;
        }
    }
    let what = match plan.occurrence {
        Some(_) => "Required occurrence not found in archive",
        None => "Not found in archive",
    };
    for name in missing {
        let shown = super::list::escape(&name, t.utf8);
        error(t, format!("{shown}: {what}")).await?;
    }
    Ok(())
}

/// What came of a member; an error inside is one of the archive, and the end.
type Read = Result<Result<(), ArchiveError>, Fail>;

async fn one(
    t: &mut Tool,
    plan: &mut Plan,
    reader: &mut Reader,
    later: &mut Later,
    member: &Member,
    directory: BString,
) -> Read {
    let mut name = transformed(&plan.transform, &member.name, Role::File);
    if plan.strip > 0 {
        match strip_components(&name, plan.strip) {
            Some(rest) => name = rest.into(),
            None => return Ok(Ok(())),
        }
    }
    if let Some(top) = &plan.top_level {
        let trimmed = name.strip_prefix(b"./").unwrap_or(&name);
        if !(trimmed.strip_prefix(&top[..]).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))) {
            name = join(top, trimmed);
        }
    }
    if plan.mode == Mode::List {
        let mut link = member.link.clone();
        if !plan.absolute {
            later.prefixes.strip(t, &name, Role::File).await?;
            if member.kind == Kind::HardLink {
                link = later.prefixes.strip(t, &link, Role::HardLink).await?;
            }
        }
        let shown = if plan.show_transformed { &name } else { &member.name };
        tell(t, plan, reader, member, shown, &link).await?;
        return Ok(Ok(()));
    }
    if plan.mode == Mode::Compare {
        if plan.verbose > 0 {
            tell(t, plan, reader, member, &member.name, &member.link).await?;
        }
        let path = place(&directory, &name);
        return compare(t, reader, member, &path).await;
    }
    if member.kind == Kind::Label {
        return Ok(Ok(()));
    }
    let has_parents = |name: &[u8]| name.split_str("/").any(|part| part == b"..");
    let outside = !plan.absolute && has_parents(&member.name);
    if !plan.absolute {
        let (prefix, _) = super::transform::unsafe_prefix(&name);
        if !prefix.is_empty() {
            name = later.prefixes.strip(t, &name, Role::File).await?;
        }
    }
    if outside || (!plan.absolute && has_parents(&name)) {
        let shown = super::list::escape(&member.name, t.utf8);
        error(t, format!("{shown}: Member name contains '..'")).await?;
        return Ok(Ok(()));
    }
    if name.is_empty() {
        return Ok(Ok(()));
    }
    if plan.verbose > 0 {
        let shown = if plan.show_transformed { name.clone() } else { member.name.clone() };
        tell(t, plan, reader, member, &shown, &member.link).await?;
    }
    if plan.to_stdout {
        if member.kind != Kind::Regular {
            return Ok(Ok(()));
        }
        let mut out = std::mem::replace(&mut t.out, t.ctx.stdout());
        let result = contents(reader, member, &mut out, None).await;
        t.out = out;
        return match result {
            Err(ArchiveError::Stream(StreamError::Write(reason))) => Err(Fail::Write(reason)),
            other => Ok(other),
        };
    }
    let path = place(&directory, &name);
    match member.kind {
        Kind::Directory => make_directory(t, plan, later, member, &path).await?,
        Kind::Regular => return regular(t, plan, reader, later, member, &path, &name).await,
        Kind::HardLink => {
            let mut target = transformed(&plan.transform, &member.link, Role::HardLink);
            if plan.strip > 0 {
                target = strip_components(&target, plan.strip).unwrap_or_default().into();
            }
            if !plan.absolute {
                target = later.prefixes.strip(t, &target, Role::HardLink).await?;
            }
            if let Some(top) = &plan.top_level {
                target = join(top, target.strip_prefix(b"./").unwrap_or(&target));
            }
            hard_link(t, plan, later, &path, &place(&directory, &target), &name, &target).await?;
        }
        Kind::SymbolicLink => {
            let target = transformed(&plan.transform, &member.link, Role::SymbolicLink);
            symbolic_link(t, plan, later, member, &path, &name, target).await?;
        }
        Kind::Fifo => {
            let made = retry(t, plan, later, &path, |t| t.ctx.make_fifo(&path, member.mode)).await?;
            match made {
                Ok(true) => attributes(t, plan, member, &path),
                Ok(false) => {}
                Err(reason) => cannot(t, &name, "mkfifo", reason).await?,
            }
        }
        Kind::CharacterDevice | Kind::BlockDevice => {
            cannot(t, &name, "mknod", Errno::NotPermitted).await?;
        }
        Kind::Label => {}
    }
    Ok(Ok(()))
}

fn place(directory: &[u8], name: &[u8]) -> BString {
    if directory.is_empty() || name.starts_with(b"/") { name.into() } else { join(directory, name) }
}

async fn tell(
    t: &mut Tool,
    plan: &mut Plan,
    reader: &Reader,
    member: &Member,
    name: &[u8],
    link: &[u8],
) -> Done {
    let mut line =
        if plan.block_number { format!("block {}: ", reader.start / 512).into_bytes() } else { Vec::new() };
    if plan.verbose > 1 {
        line.extend(plan.columns.line(t, member, name, link));
    } else {
        line.extend_from_slice(&plan.columns.name(name, t.utf8));
    }
    line.push(b'\n');
    if plan.to_stdout {
        // The output belongs to the files.
        t.err.put(&line);
        let _ = t.err.flush().await;
        return Ok(());
    }
    t.out.put(&line);
    Ok(t.out.drain().await?)
}

/// Writes a member's data; `sparse`: into a file, where holes can stay.
async fn contents(
    reader: &mut Reader,
    member: &Member,
    out: &mut Output,
    sparse: Option<&Description>,
) -> Result<(), ArchiveError> {
    let Some(pieces) = &member.sparse else {
        let mut left = member.stored;
        while left > 0 {
            let piece = match reader.piece(left).await {
                Ok(piece) => piece,
                Err(failure) => {
                    // What there was of it stays.
                    out.flush().await.map_err(StreamError::Write)?;
                    return Err(failure);
                }
            };
            let count = piece.len();
            out.write(piece).await.map_err(StreamError::Write)?;
            reader.consume(count);
            left -= count as u64;
        }
        return Ok(());
    };
    let mut at = 0;
    for (offset, length) in pieces {
        // Pieces stand in their order; others are damage.
        let gap = offset.checked_sub(at).ok_or(ArchiveError::Truncated)?;
        hole(out, gap, sparse).await?;
        let mut left = *length;
        while left > 0 {
            let piece = reader.piece(left).await?;
            let count = piece.len();
            if count == 0 {
                return Err(ArchiveError::Truncated);
            }
            out.write(piece).await.map_err(StreamError::Write)?;
            reader.consume(count);
            left -= count as u64;
        }
        at = offset.saturating_add(*length);
    }
    hole(out, member.size.saturating_sub(at), sparse).await
}

/// Passes over a hole.
async fn hole(out: &mut Output, mut length: u64, sparse: Option<&Description>) -> Result<(), ArchiveError> {
    if length == 0 {
        return Ok(());
    }
    if let Some(Description::File(file)) = sparse {
        out.flush().await.map_err(StreamError::Write)?;
        let at = file.seek(wasmsh_os::Position::Current(0)).map_err(StreamError::Write)?;
        let end = at.saturating_add(length);
        file.set_size(end).map_err(StreamError::Write)?;
        file.seek(wasmsh_os::Position::Start(end)).map_err(StreamError::Write)?;
        return Ok(());
    }
    let zeros = [0; 4096];
    while length > 0 {
        let count = length.min(4096);
        let zeros = zeros.get(..count as usize).unwrap_or_default();
        out.write(zeros).await.map_err(StreamError::Write)?;
        length -= count;
    }
    Ok(())
}

/// Makes the directories above a path.
fn make_parents(t: &Tool, later: &mut Later, path: &[u8]) -> Result<(), Errno> {
    let above = parent(path);
    if later.made.contains(above) || t.ctx.stat(above, true).is_ok_and(|stat| stat.is_directory()) {
        later.made.insert(above.into());
        return Ok(());
    }
    let mut missing = vec![BString::from(above)];
    let mut at = above;
    loop {
        let next = parent(at);
        if next == at || next == b"." || t.ctx.stat(next, true).is_ok() {
            break;
        }
        missing.push(next.into());
        at = next;
    }
    while let Some(directory) = missing.pop() {
        match t.ctx.make_directory(&directory, 0o777) {
            Ok(()) | Err(Errno::Exist) => {}
            Err(reason) => return Err(reason),
        }
    }
    Ok(())
}

/// Tries to make something, and again when what is in the way is gone or what is missing is there. False: what is
/// there stays.
async fn retry(
    t: &mut Tool,
    plan: &Plan,
    later: &mut Later,
    path: &[u8],
    make: impl Fn(&Tool) -> Result<(), Errno>,
) -> Result<Result<bool, Errno>, Fail> {
    if plan.existing == Existing::UnlinkFirst {
        let _ = t.ctx.remove_file(path);
    }
    let mut tries = 0;
    loop {
        let reason = match make(t) {
            Ok(()) => return Ok(Ok(true)),
            Err(reason) => reason,
        };
        tries += 1;
        if tries > 3 {
            return Ok(Err(reason));
        }
        match reason {
            Errno::Exist if plan.existing == Existing::Skip => return Ok(Ok(false)),
            Errno::Exist if plan.existing != Existing::Keep => {
                let gone = t.ctx.remove_file(path).or_else(|_| t.ctx.remove_directory(path));
                if gone.is_err() {
                    return Ok(Err(reason));
                }
            }
            Errno::NoEntry => {
                if make_parents(t, later, path).is_err() {
                    return Ok(Err(reason));
                }
            }
            _ => return Ok(Err(reason)),
        }
    }
}

fn mode_of(t: &Tool, plan: &Plan, member: &Member) -> u32 {
    if plan.same_permissions { member.mode } else { member.mode & 0o777 & !t.ctx.umask() }
}

/// Owner, mode and time of what was extracted; what cannot be set is left.
fn attributes(t: &Tool, plan: &Plan, member: &Member, path: &[u8]) {
    let is_link = member.kind == Kind::SymbolicLink;
    if plan.same_owner {
        let id = |name: &BString, number: u64, found: Option<u32>| {
            if plan.columns.numeric || name.is_empty() { None } else { found }
                .or_else(|| u32::try_from(number).ok())
        };
        let uid = id(&member.user, member.uid, plan.users.user(&member.user).map(|user| user.uid));
        let gid = id(&member.group, member.gid, plan.users.group(&member.group).map(|group| group.gid));
        let _ = t.ctx.set_owner(path, uid, gid, false);
    }
    if !is_link {
        let _ = t.ctx.set_mode(path, mode_of(t, plan, member), true);
    }
    if !plan.touch {
        let _ = t.ctx.set_times(path, NewTime::Now, NewTime::At(member.modified), !is_link);
    }
}

async fn make_directory(t: &mut Tool, plan: &Plan, later: &mut Later, member: &Member, path: &[u8]) -> Done {
    let path = if path.len() > 1 { path.strip_suffix(b"/").unwrap_or(path) } else { path };
    let mut tries = 0;
    loop {
        // Its owner must be able to fill it.
        let reason = match t.ctx.make_directory(path, (member.mode & 0o777) | 0o700) {
            Ok(()) => break,
            Err(reason) => reason,
        };
        tries += 1;
        match reason {
            Errno::Exist => {
                // A symbolic link to a directory is replaced, unless it was asked for.
                if t.ctx.stat(path, plan.keep_directory_links).is_ok_and(|stat| stat.is_directory()) {
                    if plan.keep_directories || matches!(plan.existing, Existing::Keep | Existing::Skip) {
                        return Ok(());
                    }
                    break;
                }
                if plan.existing == Existing::Keep || tries > 2 || t.ctx.remove_file(path).is_err() {
                    return cannot(t, path, "mkdir", reason).await;
                }
                later.made.clear();
            }
            Errno::NoEntry if tries < 2 && make_parents(t, later, path).is_ok() => {}
            _ => return cannot(t, path, "mkdir", reason).await,
        }
    }
    later.made.insert(path.into());
    later.directories.push((path.into(), member.clone()));
    Ok(())
}

async fn regular(
    t: &mut Tool,
    plan: &Plan,
    reader: &mut Reader,
    later: &mut Later,
    member: &Member,
    path: &[u8],
    name: &[u8],
) -> Read {
    if plan.existing == Existing::KeepNewer
        && let Ok(stat) = t.ctx.stat(path, false)
        && stat.modified >= member.modified
    {
        let shown = t.quote(path);
        if plan.says("ignore-newer") {
            t.warn(format!("Current {shown} is newer or same age")).await?;
        }
        return Ok(Ok(()));
    }
    if plan.existing == Existing::UnlinkFirst {
        let _ = t.ctx.remove_file(path);
    }
    let overwrite = plan.existing == Existing::Overwrite;
    let how = OpenFlags::WRITE
        | OpenFlags::CREATE
        | if overwrite { OpenFlags::TRUNCATE } else { OpenFlags::EXCLUSIVE };
    let mut tries = 0;
    let description = loop {
        let reason = match t.ctx.open_description(path, how, 0o600).await {
            Ok(description) => break description,
            Err(reason) => reason,
        };
        tries += 1;
        let go_on = tries < 4
            && match reason {
                Errno::Exist if plan.existing == Existing::Skip => return Ok(Ok(())),
                Errno::Exist if plan.existing == Existing::Keep => false,
                Errno::Exist => t.ctx.remove_file(path).or_else(|_| t.ctx.remove_directory(path)).is_ok(),
                Errno::NoEntry => make_parents(t, later, path).is_ok(),
                _ => false,
            };
        if !go_on {
            cannot(t, name, "open", reason).await?;
            return Ok(Ok(()));
        }
    };
    let mut out = Output::new(t.ctx.clone(), Some(description.clone()));
    let mut result = contents(reader, member, &mut out, Some(&description)).await;
    if result.is_ok() {
        result = out.flush().await.map_err(|reason| StreamError::Write(reason).into());
    }
    attributes(t, plan, member, path);
    match result {
        Err(ArchiveError::Stream(StreamError::Write(reason))) => {
            cannot(t, name, "write", reason).await?;
            Ok(Ok(()))
        }
        Err(ArchiveError::Truncated) => {
            // Told of the file, and of the archive after it.
            t.warn("Unexpected EOF in archive").await?;
            Ok(result)
        }
        other => Ok(other),
    }
}

async fn hard_link(
    t: &mut Tool,
    plan: &Plan,
    later: &mut Later,
    path: &[u8],
    target: &[u8],
    name: &[u8],
    shown: &[u8],
) -> Done {
    let same = match (t.ctx.stat(path, false), t.ctx.stat(target, false)) {
        (Ok(a), Ok(b)) => crate::path::same_file(&a, &b),
        _ => false,
    };
    if same {
        return Ok(());
    }
    // A link to what is no link yet is made when that is made.
    let made = retry(t, plan, later, path, |t| t.ctx.link(target, path, false)).await?;
    match made {
        Ok(_) => {
            let place = later.links.iter().find(|(link, ..)| link == target).cloned();
            if let Some((_, inode, to, member)) = place {
                later.links.push((path.into(), inode, to, member));
            }
            Ok(())
        }
        Err(reason) => {
            let (name, shown) = (super::list::escape(name, t.utf8), t.quote(shown));
            error(t, format!("{name}: Cannot hard link to {shown}: {}", reason.strerror())).await
        }
    }
}

async fn symbolic_link(
    t: &mut Tool,
    plan: &Plan,
    later: &mut Later,
    member: &Member,
    path: &[u8],
    name: &[u8],
    target: BString,
) -> Done {
    let leads_out = target.starts_with(b"/") || target.split_str("/").any(|part| part == b"..");
    if leads_out && !plan.absolute {
        let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let mut tries = 0;
        loop {
            let reason = match t.ctx.open_description(path, how, 0).await {
                Ok(_) => break,
                Err(reason) => reason,
            };
            tries += 1;
            let go_on = tries < 4
                && match reason {
                    Errno::Exist if plan.existing == Existing::Skip => return Ok(()),
                    Errno::Exist if plan.existing == Existing::Keep => false,
                    Errno::Exist => t.ctx.remove_file(path).or_else(|_| t.ctx.remove_directory(path)).is_ok(),
                    Errno::NoEntry => make_parents(t, later, path).is_ok(),
                    _ => false,
                };
            if !go_on {
                return cannot(t, name, "open", reason).await;
            }
        }
        if let Ok(stat) = t.ctx.stat(path, false) {
            later.links.push((path.into(), (stat.device, stat.inode), target, member.clone()));
        }
        return Ok(());
    }
    let made = retry(t, plan, later, path, |t| t.ctx.symlink(&target, path)).await?;
    match made {
        Ok(true) => attributes(t, plan, member, path),
        Ok(false) => {}
        Err(reason) => {
            let (name, target) = (super::list::escape(name, t.utf8), t.quote(&target));
            return error(t, format!("{name}: Cannot create symlink to {target}: {}", reason.strerror()))
                .await;
        }
    }
    Ok(())
}

/// Makes the links that were put off, and gives directories their modes and times.
async fn finish(t: &mut Tool, plan: &Plan, later: &mut Later) -> Done {
    for (path, inode, target, member) in std::mem::take(&mut later.links) {
        t.ctx.tick().await;
        // Only where the file that holds the place is still there.
        let still = t.ctx.stat(&path, false).is_ok_and(|stat| (stat.device, stat.inode) == inode);
        if !still {
            continue;
        }
        let made = t.ctx.remove_file(&path).and_then(|()| t.ctx.symlink(&target, &path));
        match made {
            Ok(()) => attributes(t, plan, &member, &path),
            Err(reason) => {
                let (name, target) = (super::list::escape(&path, t.utf8), t.quote(&target));
                let text = format!("{name}: Cannot create symlink to {target}: {}", reason.strerror());
                error(t, text).await?;
            }
        }
    }
    while let Some((path, member)) = later.directories.pop() {
        t.ctx.tick().await;
        attributes(t, plan, &member, &path);
    }
    Ok(())
}

/// What `-d` finds about a member.
async fn compare(t: &mut Tool, reader: &mut Reader, member: &Member, path: &[u8]) -> Read {
    let shown = super::list::escape(&member.name, t.utf8);
    let stat = match t.ctx.stat(path, false) {
        Ok(stat) => stat,
        Err(reason) => {
            t.status = t.status.max(1);
            t.warn(format!("{shown}: Warning: Cannot stat: {}", reason.strerror())).await?;
            return Ok(Ok(()));
        }
    };
    let mut differences: Vec<&str> = Vec::new();
    let same_kind = match member.kind {
        Kind::Regular | Kind::HardLink => stat.is_regular() || member.kind == Kind::HardLink,
        Kind::Directory => stat.is_directory(),
        Kind::SymbolicLink => stat.is_symbolic_link(),
        _ => true,
    };
    if !same_kind {
        differences.push("File type differs");
    } else {
        match member.kind {
            Kind::SymbolicLink => {
                if t.ctx.read_link(path).ok().is_none_or(|target| target.as_bytes() != &member.link[..]) {
                    differences.push("Symlink differs");
                }
            }
            Kind::HardLink => {}
            _ => attributes_differ(member, &stat, &mut differences),
        }
    }
    if same_kind && member.kind == Kind::Regular && stat.size == member.size && member.sparse.is_none() {
        match contents_differ(t, reader, member, path).await {
            Ok(true) => differences.push("Contents differ"),
            Ok(false) => {}
            Err(failure) => return Ok(Err(failure)),
        }
    }
    for difference in differences {
        t.status = t.status.max(1);
        t.out.put(format!("{shown}: {difference}\n").as_bytes());
    }
    t.out.drain().await?;
    Ok(Ok(()))
}

fn attributes_differ(member: &Member, stat: &Stat, differences: &mut Vec<&str>) {
    if member.mode != stat.mode & 0o7777 {
        differences.push("Mode differs");
    }
    if member.uid != u64::from(stat.uid) {
        differences.push("Uid differs");
    }
    if member.gid != u64::from(stat.gid) {
        differences.push("Gid differs");
    }
    if member.kind == Kind::Regular {
        let time = Timestamp { nanoseconds: 0, ..stat.modified };
        if time != (Timestamp { nanoseconds: 0, ..member.modified }) {
            differences.push("Mod time differs");
        }
        if member.size != stat.size {
            differences.push("Size differs");
        }
    }
}

async fn contents_differ(
    t: &Tool,
    reader: &mut Reader,
    member: &Member,
    path: &[u8],
) -> Result<bool, ArchiveError> {
    let mut file = t.ctx.open_input(path).await.map_err(StreamError::Read)?;
    let mut left = member.stored;
    while left > 0 {
        let piece = reader.piece(left).await?;
        let block = file.fill().await.map_err(StreamError::Read)?;
        let count = piece.len().min(block.len());
        if count == 0 || piece.get(..count) != block.get(..count) {
            return Ok(true);
        }
        reader.consume(count);
        file.consume(count);
        left -= count as u64;
    }
    Ok(false)
}
