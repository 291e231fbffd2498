//! What a patched file becomes: its contents, name, mode and time, and the backup of what was there.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, NewTime, OpenFlags, Output};

use super::parse::{FilePatch, Heading};
use super::target::Target;
use super::{Plan, fatal, quoted};
use crate::path::parent;
use crate::targets::Backup;
use crate::{Done, Fail, Tool};

/// Keeps a file's contents under another name.
pub(super) fn back_up(t: &Tool, plan: &mut Plan, name: &BString) -> Result<(), Fail> {
    if plan.touched.contains(name) {
        return Ok(());
    }
    plan.touched.push(name.clone());
    let base = crate::path::base_name(name);
    let directory = name.get(..name.len() - base.len()).unwrap_or_default();
    let simple = [&plan.prefix[..], directory, &plan.base_prefix, base, &plan.suffix].concat().into();
    let named = !plan.prefix.is_empty() || !plan.base_prefix.is_empty() || plan.named_suffix;
    let backup: BString = match plan.control.unwrap_or(Backup::Existing) {
        _ if named => simple,
        control => control.name(t, name, &plan.suffix).unwrap_or(simple),
    };
    let result = match t.ctx.stat(name, true) {
        Ok(stat) => t.ctx.copy_file(name, &backup, stat.mode & 0o7777).and_then(|()| {
            t.ctx.set_times(&backup, NewTime::At(stat.accessed), NewTime::At(stat.modified), true)
        }),
        // A file that was not there has an empty backup.
        Err(Errno::NoEntry) => {
            t.ctx.kernel().fs().write_file(&t.ctx.resolve(&backup).unwrap_or_default(), b"", 0o644)
        }
        Err(error) => Err(error),
    };
    result.map_err(|error| fatal(format!("Can't create file {backup} : {}", error.strerror())))
}

pub(super) async fn write_file(t: &mut Tool, name: &BString, bytes: &[u8]) -> Done {
    let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let result = match t.ctx.open_description(name, how, 0o666).await {
        Ok(description) => {
            let mut out = Output::new(t.ctx.clone(), Some(description));
            match out.write(bytes).await {
                Ok(()) => out.flush().await,
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    result.map_err(|error| fatal(format!("Can't create file {name} : {}", error.strerror())))
}

/// Puts the result in its place. False: a file that should go has something left in it.
pub(super) async fn finish(
    t: &mut Tool,
    plan: &mut Plan,
    target: &mut Target,
    patch: &FilePatch,
    out: Vec<u8>,
    gone: bool,
    mismatch: bool,
) -> Result<bool, Fail> {
    // An output of its own is written, whatever becomes of the file.
    if let Some(output) = plan.output.clone() {
        if output == "-" {
            t.out.put(&out);
            return Ok(true);
        }
        let is_plain = t.ctx.stat(&output, true).map_or(true, |stat| stat.is_regular());
        write_file(t, &output, &out).await?;
        if is_plain {
            // A new file, for its owner alone.
            let _ = t.ctx.set_mode(&output, 0o600, true);
        }
        return Ok(true);
    }
    if plan.dry_run {
        return Ok(true);
    }
    let name = target.name.clone();
    if plan.backup || (mismatch && plan.backup_mismatch == Some(true)) {
        back_up(t, plan, &name)?;
        if let Some(from) = target.from.clone()
            && patch.git.as_ref().is_some_and(|git| git.rename)
        {
            back_up(t, plan, &from)?;
        }
    }
    let mut fine = true;
    if (gone || plan.remove_empty) && out.is_empty() {
        if plan.verbose {
            t.out.put(format!("Removing file {}\n", quoted(&name)).as_bytes());
        }
        if let Err(error) = t.ctx.remove_file(&name) {
            return Err(fatal(format!("Can't remove file {name} : {}", error.strerror())));
        }
        remove_directories(t, plan, &name);
        return Ok(true);
    }
    if gone {
        t.out.put(format!("Not deleting file {} as content differs from patch\n", quoted(&name)).as_bytes());
        fine = false;
    }
    let directory = parent(&name);
    if t.ctx.stat(directory, true).is_err() {
        let mut at = 0;
        while let Some(slash) = name.get(at..).and_then(|rest| rest.find_byte(b'/')) {
            at += slash + 1;
            let _ = t.ctx.make_directory(name.get(..at - 1).unwrap_or_default(), 0o777);
        }
    }
    // A new file takes the place of the old one, so that other names of that keep its contents.
    let stat = target.stat;
    if stat.is_some() && target.from.is_none() {
        let _ = t.ctx.remove_file(&name);
    }
    write_file(t, &name, &out).await?;
    let mode = patch.git.as_ref().and_then(|git| git.new_mode);
    match (mode, stat) {
        (Some(mode), _) => {
            let umask = if stat.is_none() { t.ctx.umask() } else { 0 };
            let _ = t.ctx.set_mode(&name, mode & 0o777 & !umask, true);
        }
        (None, Some(stat)) => {
            let _ = t.ctx.set_mode(&name, stat.mode & 0o7777, true);
        }
        (None, None) => {}
    }
    if let Some(utc) = plan.set_time {
        let zone = if utc { jiff::tz::TimeZone::UTC } else { crate::time::zone(&t.ctx) };
        let time = |heading: &Option<Heading>| {
            let text = &heading.as_ref()?.time;
            crate::date_parse::parse(text, t.ctx.now(), &zone).filter(|_| !text.is_empty())
        };
        let (old, new) = (time(&patch.old), time(&patch.new));
        let differs = old.is_some_and(|old| stat.is_some_and(|stat| stat.modified != old));
        match new {
            Some(_) if !plan.force && (differs || mismatch) => {
                let what = if differs { "time" } else { "contents" };
                let name = quoted(&name);
                t.out.put(format!("Not setting time of file {name} ({what} mismatch)\n").as_bytes());
            }
            Some(new) => {
                let _ = t.ctx.set_times(&name, NewTime::At(new), NewTime::At(new), true);
            }
            None => {}
        }
    }
    if let Some(from) = &target.from
        && patch.git.as_ref().is_some_and(|git| git.rename)
        && *from != name
    {
        if plan.verbose {
            t.out.put(format!("Removing file {}\n", quoted(from)).as_bytes());
        }
        if let Err(error) = t.ctx.remove_file(from) {
            return Err(fatal(format!("Can't remove file {from} : {}", error.strerror())));
        }
        remove_directories(t, plan, from);
    }
    if !plan.touched.contains(&name) {
        plan.touched.push(name);
    }
    target.stat = None;
    Ok(fine)
}

/// Removes the directories above a file that are empty now.
fn remove_directories(t: &mut Tool, plan: &Plan, name: &[u8]) {
    let mut directory = parent(name).to_vec();
    while directory != b"."
        && directory != b"/"
        && !directory.is_empty()
        && t.ctx.remove_directory(&directory).is_ok()
    {
        if plan.verbose {
            t.out.put(format!("Removed empty directory {}\n", quoted(&directory)).as_bytes());
        }
        directory = parent(&directory).to_vec();
    }
}
