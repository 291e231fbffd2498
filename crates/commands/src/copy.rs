//! Copying of files and trees, for `cp`, `mv` across filesystems, and `install`.

use std::collections::BTreeMap;

use bstr::BString;
use wasmsh_os::{Errno, FileType, NewTime, Output, Stat};

use crate::ask::confirm;
use crate::path::{join, same_file};
use crate::quote::quote_always;
use crate::targets::{Backup, arrow};
use crate::{Done, Fail, Tool};

/// Which links are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    Never,
    CommandLine,
    Always,
}

/// What to do when the target is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Overwrite,
    Ask,
    Keep,
}

/// How things are copied.
pub(crate) struct Copier {
    pub(crate) recursive: bool,
    pub(crate) follow: Follow,
    pub(crate) existing: Existing,
    pub(crate) force: bool,
    pub(crate) remove_first: bool,
    pub(crate) update: bool,
    pub(crate) verbose: bool,
    pub(crate) hard_link: bool,
    pub(crate) symbolic_link: bool,
    pub(crate) keep_mode: bool,
    pub(crate) keep_times: bool,
    pub(crate) keep_owner: bool,
    pub(crate) keep_links: bool,
    pub(crate) attributes_only: bool,
    /// New files get the mode of any new file.
    pub(crate) plain_mode: bool,
    pub(crate) one_filesystem: bool,
    pub(crate) copy_contents: bool,
    pub(crate) backup: Backup,
    pub(crate) suffix: BString,
    /// What was made by this command, and must not be overwritten by it.
    pub(crate) made: Vec<(u64, u64)>,
    /// The copies of files with several names.
    pub(crate) links: BTreeMap<(u64, u64), BString>,
    /// The operand that is being copied, and where to.
    pub(crate) top: (BString, BString),
}

enum Step {
    Copy {
        source: BString,
        target: BString,
        top: bool,
        device: u64,
    },
    /// The directory is filled: its mode and times can be set.
    Finish {
        target: BString,
        stat: Stat,
        existed: bool,
    },
}

impl Copier {
    /// Copies one operand with all below it. False: something went wrong, and was told.
    pub(crate) async fn copy(&mut self, t: &mut Tool, source: &[u8], target: &[u8]) -> Result<bool, Fail> {
        let before = std::mem::replace(&mut t.status, 0);
        let mut steps =
            vec![Step::Copy { source: source.into(), target: target.into(), top: true, device: 0 }];
        self.top = (source.into(), target.into());
        // Directories that are being copied, to tell a copy into itself.
        let mut sources: Vec<(u64, u64)> = Vec::new();
        while let Some(step) = steps.pop() {
            t.ctx.tick().await;
            match step {
                Step::Copy { source, target, top, device } => {
                    self.one(t, source, target, top, device, &mut steps, &mut sources).await?;
                }
                Step::Finish { target, stat, existed } => {
                    sources.pop();
                    self.attributes(t, &target, &stat, !existed).await?;
                }
            }
        }
        let fine = t.status == 0;
        t.status = t.status.max(before);
        Ok(fine)
    }

    #[expect(clippy::too_many_arguments, reason = "one step of a loop, with the loop's state")]
    async fn one(
        &mut self,
        t: &mut Tool,
        source: BString,
        target: BString,
        top: bool,
        device: u64,
        steps: &mut Vec<Step>,
        sources: &mut Vec<(u64, u64)>,
    ) -> Done {
        let follow = self.follow == Follow::Always || (top && self.follow == Follow::CommandLine);
        let stat = match t.ctx.stat(&source, follow) {
            Ok(stat) => stat,
            Err(error) => {
                return t.error(format!("cannot stat {}: {}", quote_always(&source), error.strerror())).await;
            }
        };
        if stat.is_directory() && !self.recursive {
            return t.error(format!("-r not specified; omitting directory {}", quote_always(&source))).await;
        }
        if !top && self.one_filesystem && stat.device != device {
            return Ok(());
        }
        let there = match t.ctx.stat(&target, false) {
            // Through a link to what it leads to, but for links that are copied as such.
            Ok(link) if link.is_symbolic_link() && !stat.is_symbolic_link() => {
                match t.ctx.stat(&target, true) {
                    Ok(stat) => Some(stat),
                    Err(_) if self.remove_first || self.force => Some(link),
                    Err(_) if stat.is_directory() => {
                        let names = (quote_always(&target), quote_always(&source));
                        return t
                            .error(format!(
                                "cannot overwrite non-directory {} with directory {}",
                                names.0, names.1
                            ))
                            .await;
                    }
                    Err(_) => {
                        return t
                            .error(format!("not writing through dangling symlink {}", quote_always(&target)))
                            .await;
                    }
                }
            }
            Ok(stat) => Some(stat),
            Err(Errno::NotDirectory) if !target.ends_with(b"/") => {
                let error = Errno::NotDirectory.strerror();
                return t.error(format!("cannot stat {}: {error}", quote_always(&target))).await;
            }
            Err(_) => None,
        };
        if let Some(there) = &there
            && !self.may_replace(t, &source, &target, &stat, there).await?
        {
            return Ok(());
        }
        let mut there = there;
        let exists_as_directory = there.is_some_and(|there| there.is_directory());
        let mut saved = None;
        if there.is_some()
            && !exists_as_directory
            && let Some(name) = self.backup.name(t, &target, &self.suffix.clone())
        {
            if let Err(error) = t.ctx.rename(&target, &name) {
                return t
                    .error(format!("cannot backup {}: {}", quote_always(&target), error.strerror()))
                    .await;
            }
            there = None;
            saved = Some(name);
        }
        if stat.is_directory() {
            return self.directory(t, source, target, stat, there, steps, sources).await;
        }
        let saved = saved.map(|name| format!(" (backup: {})", quote_always(&name))).unwrap_or_default();
        if self.verbose {
            if there.is_some() && self.remove_first {
                t.out.put(format!("removed {}\n", quote_always(&target)).as_bytes());
            }
            t.out.put(arrow(&source, &target).as_bytes());
            t.out.put(saved.as_bytes());
            t.out.put_byte(b'\n');
        }
        if there.is_some() && (self.remove_first || self.hard_link || self.symbolic_link) {
            if let Err(error) = t.ctx.remove_file(&target) {
                return t
                    .error(format!("cannot remove {}: {}", quote_always(&target), error.strerror()))
                    .await;
            }
            there = None;
        }
        self.leaf(t, &source, &target, &stat, there).await
    }

    async fn may_replace(
        &mut self,
        t: &mut Tool,
        source: &[u8],
        target: &[u8],
        stat: &Stat,
        there: &Stat,
    ) -> Result<bool, Fail> {
        if same_file(stat, there)
            && !(self.hard_link || (self.backup != Backup::None && !stat.is_directory()))
            && !(stat.is_symbolic_link() && self.remove_first)
        {
            let message = format!("{} and {} are the same file", quote_always(source), quote_always(target));
            t.error(message).await?;
            return Ok(false);
        }
        if there.is_directory() && !stat.is_directory() {
            if self.existing != Existing::Keep {
                t.error(format!("cannot overwrite directory {} with non-directory", quote_always(target)))
                    .await?;
            }
            return Ok(false);
        }
        if stat.is_directory() {
            if !there.is_directory() {
                let names = (quote_always(target), quote_always(source));
                t.error(format!("cannot overwrite non-directory {} with directory {}", names.0, names.1))
                    .await?;
                return Ok(false);
            }
            return Ok(true);
        }
        if self.update && there.modified >= stat.modified {
            return Ok(false);
        }
        if self.made.contains(&(there.device, there.inode)) {
            let message = format!(
                "will not overwrite just-created {} with {}",
                quote_always(target),
                quote_always(source)
            );
            t.error(message).await?;
            return Ok(false);
        }
        match self.existing {
            Existing::Overwrite => Ok(true),
            Existing::Keep => Ok(false),
            Existing::Ask => ask_overwrite(t, target, there).await,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one step of a loop, with the loop's state")]
    async fn directory(
        &mut self,
        t: &mut Tool,
        source: BString,
        target: BString,
        stat: Stat,
        there: Option<Stat>,
        steps: &mut Vec<Step>,
        sources: &mut Vec<(u64, u64)>,
    ) -> Done {
        let identity = (stat.device, stat.inode);
        if sources.contains(&identity) || self.made.contains(&identity) {
            let message = format!(
                "cannot copy a directory, {}, into itself, {}",
                quote_always(&self.top.0),
                quote_always(&self.top.1)
            );
            return t.error(message).await;
        }
        if let Err(error) = t.ctx.access(&source, wasmsh_os::AccessMode::READ) {
            return t.error(format!("cannot access {}: {}", quote_always(&source), error.strerror())).await;
        }
        if there.is_none() {
            // Ours to fill whatever its mode will be.
            if let Err(error) = t.ctx.make_directory(&target, (stat.mode & 0o777) | 0o700) {
                let message =
                    format!("cannot create directory {}: {}", quote_always(&target), error.strerror());
                return t.error(message).await;
            }
            if self.verbose {
                t.out.put(arrow(&source, &target).as_bytes());
                t.out.put_byte(b'\n');
            }
            if let Ok(made) = t.ctx.stat(&target, true) {
                self.made.push((made.device, made.inode));
            }
        }
        // Read now, so that a copy into itself is seen.
        let entries = match t.ctx.read_directory(&source) {
            Ok(entries) => entries,
            Err(error) => {
                return t
                    .error(format!("cannot access {}: {}", quote_always(&source), error.strerror()))
                    .await;
            }
        };
        sources.push(identity);
        steps.push(Step::Finish { target: target.clone(), stat, existed: there.is_some() });
        for entry in entries.into_iter().rev() {
            let name = entry.name.as_bytes();
            steps.push(Step::Copy {
                source: join(&source, name),
                target: join(&target, name),
                top: false,
                device: stat.device,
            });
        }
        Ok(())
    }

    async fn leaf(
        &mut self,
        t: &mut Tool,
        source: &[u8],
        target: &[u8],
        stat: &Stat,
        there: Option<Stat>,
    ) -> Done {
        let identity = (stat.device, stat.inode);
        if self.keep_links
            && stat.links > 1
            && let Some(earlier) = self.links.get(&identity).cloned()
        {
            if there.is_some() {
                // What cannot be removed is told by the link that fails.
                let _ = t.ctx.remove_file(target);
            }
            if let Err(error) = t.ctx.link(&earlier, target, false) {
                let names = (quote_always(target), quote_always(&earlier));
                let message =
                    format!("cannot create hard link {} to {}: {}", names.0, names.1, error.strerror());
                t.error(message).await?;
            }
            return Ok(());
        }
        if self.hard_link {
            if let Err(error) = t.ctx.link(source, target, self.follow == Follow::Always) {
                let names = (quote_always(target), quote_always(source));
                let message =
                    format!("cannot create hard link {} to {}: {}", names.0, names.1, error.strerror());
                t.error(message).await?;
            }
            return Ok(());
        }
        if self.symbolic_link {
            if !source.starts_with(b"/") && target.contains(&b'/') && !same_directory(t, target) {
                let message = format!(
                    "{}: can make relative symbolic links only in current directory",
                    crate::quote::quote_name(target)
                );
                return t.error(message).await;
            }
            if let Err(error) = t.ctx.symlink(source, target) {
                let names = (quote_always(target), quote_always(source));
                let message =
                    format!("cannot create symbolic link {} to {}: {}", names.0, names.1, error.strerror());
                t.error(message).await?;
            }
            return Ok(());
        }
        let result = match stat.kind {
            FileType::SymbolicLink => {
                if there.is_some() {
                    // What cannot be removed is told by the link that fails.
                    let _ = t.ctx.remove_file(target);
                }
                let made = t.ctx.read_link(source).and_then(|to| t.ctx.symlink(to.as_bytes(), target));
                made.map_err(|error| {
                    format!("cannot create symbolic link {}: {}", quote_always(target), error.strerror())
                })
            }
            FileType::Fifo if self.recursive && !self.copy_contents => {
                t.ctx.make_fifo(target, stat.mode).map_err(|error| {
                    format!("cannot create fifo {}: {}", quote_always(target), error.strerror())
                })
            }
            FileType::Regular => self.regular(t, source, target, stat, there).await,
            _ => stream(t, source, target).await,
        };
        if let Err(message) = result {
            return t.error(message).await;
        }
        if let Ok(made) = t.ctx.stat(target, false) {
            self.made.push((made.device, made.inode));
        }
        if self.keep_links && stat.links > 1 {
            self.links.insert(identity, target.into());
        }
        if stat.is_symbolic_link() {
            if self.keep_times {
                // A link's own times are a nicety that a filesystem may not have.
                let _ =
                    t.ctx.set_times(target, NewTime::At(stat.accessed), NewTime::At(stat.modified), false);
            }
            return Ok(());
        }
        self.attributes(t, target, stat, there.is_none()).await
    }

    async fn regular(
        &mut self,
        t: &mut Tool,
        source: &[u8],
        target: &[u8],
        stat: &Stat,
        there: Option<Stat>,
    ) -> Result<(), String> {
        let mode = if self.plain_mode { 0o666 } else { stat.mode & 0o777 };
        if self.attributes_only {
            return t.ctx.create_output(target, true).await.map(|_| ()).map_err(|error| {
                format!("cannot create regular file {}: {}", quote_always(target), error.strerror())
            });
        }
        let device =
            |path: &[u8]| t.ctx.resolve(path).is_ok_and(|path| t.ctx.descriptor_path(&path).is_some());
        if device(source) || device(target) || there.is_some_and(|there| there.kind != FileType::Regular) {
            return stream(t, source, target).await;
        }
        if target.ends_with(b"/") && there.is_none() {
            return Err(format!("cannot create regular file {}: Not a directory", quote_always(target)));
        }
        let copy = |t: &Tool| t.ctx.copy_file(source, target, mode & !t.ctx.umask());
        match copy(t) {
            Ok(()) => Ok(()),
            Err(_) if self.force && there.is_some() => {
                // A target that cannot be written may still be removed.
                let removed = t.ctx.remove_file(target);
                removed
                    .and_then(|()| copy(t))
                    .map_err(|error| format!("cannot remove {}: {}", quote_always(target), error.strerror()))
            }
            Err(error) => {
                if let Err(error) = t.ctx.access(source, wasmsh_os::AccessMode::READ) {
                    return Err(format!(
                        "cannot open {} for reading: {}",
                        quote_always(source),
                        error.strerror()
                    ));
                }
                if matches!(error, Errno::NoSpace | Errno::OverQuota | Errno::FileTooLarge) {
                    return Err(format!("error writing {}: {}", quote_always(target), error.strerror()));
                }
                Err(format!("cannot create regular file {}: {}", quote_always(target), error.strerror()))
            }
        }
    }

    async fn attributes(&mut self, t: &mut Tool, target: &[u8], stat: &Stat, new: bool) -> Done {
        if self.keep_times
            && let Err(error) =
                t.ctx.set_times(target, NewTime::At(stat.accessed), NewTime::At(stat.modified), true)
        {
            t.error(format!("preserving times for {}: {}", quote_always(target), error.strerror())).await?;
        }
        if self.keep_owner {
            // As GNU: only the superuser can, and nobody else is told.
            let _ = t.ctx.set_owner(target, Some(stat.uid), Some(stat.gid), true);
        }
        let mode = if self.keep_mode {
            stat.mode
        } else if new && stat.is_directory() && !self.plain_mode {
            stat.mode & 0o777 & !t.ctx.umask()
        } else {
            return Ok(());
        };
        let now = t.ctx.stat(target, true).map(|stat| stat.mode);
        if now != Ok(mode)
            && let Err(error) = t.ctx.set_mode(target, mode, true)
        {
            t.error(format!("preserving permissions for {}: {}", quote_always(target), error.strerror()))
                .await?;
        }
        Ok(())
    }
}

/// Whether the directory of `path` is the current one.
fn same_directory(t: &Tool, path: &[u8]) -> bool {
    match (t.ctx.stat(crate::path::parent(path), true), t.ctx.stat(b".", true)) {
        (Ok(a), Ok(b)) => same_file(&a, &b),
        _ => false,
    }
}

pub(crate) async fn ask_overwrite(t: &mut Tool, target: &[u8], there: &Stat) -> Result<bool, Fail> {
    let writable = there.is_symbolic_link() || t.ctx.access(target, wasmsh_os::AccessMode::WRITE).is_ok();
    let question = if writable {
        format!("{}: overwrite {}? ", t.name, quote_always(target))
    } else {
        let what = if t.name.ends_with("mv") { "replace" } else { "unwritable" };
        let mode = format!("{:04o} ({})", there.mode, crate::mode::permissions(there, there.mode));
        let name = quote_always(target);
        if what == "replace" {
            format!("{}: replace {name}, overriding mode {mode}? ", t.name)
        } else {
            format!("{}: unwritable {name} (mode {mode}); try anyway? ", t.name)
        }
    };
    confirm(t, &question).await
}

/// Copies what is no regular file, or goes to none.
async fn stream(t: &mut Tool, source: &[u8], target: &[u8]) -> Result<(), String> {
    let mut input =
        t.ctx.open_input(source).await.map_err(|error| {
            format!("cannot open {} for reading: {}", quote_always(source), error.strerror())
        })?;
    let mut output: Output = t.ctx.create_output(target, false).await.map_err(|error| {
        format!("cannot create regular file {}: {}", quote_always(target), error.strerror())
    })?;
    loop {
        let block = match input.fill().await {
            Ok([]) => break,
            Ok(block) => block,
            Err(error) => {
                return Err(format!("error reading {}: {}", quote_always(source), error.strerror()));
            }
        };
        let count = block.len();
        let written = output.write(block).await;
        written.map_err(|error| format!("error writing {}: {}", quote_always(target), error.strerror()))?;
        input.consume(count);
    }
    output
        .flush()
        .await
        .map_err(|error| format!("error writing {}: {}", quote_always(target), error.strerror()))
}
