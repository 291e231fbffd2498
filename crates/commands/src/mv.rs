//! `mv`: renames files, and moves them across filesystems.

use bstr::{BString, ByteSlice};
use wasmsh_os::Errno;

use crate::copy::{Copier, Existing, Follow, ask_overwrite};
use crate::path::same_file;
use crate::quote::quote_always;
use crate::targets::{Backup, arrow, backup_suffix, targets};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "mv",
    usage: &[
        "[OPTION]... [-T] SOURCE DEST",
        "[OPTION]... SOURCE... DIRECTORY",
        "[OPTION]... -t DIRECTORY SOURCE...",
    ],
    about: "Rename SOURCE to DEST, or move SOURCE(s) to DIRECTORY.",
    options: &[
        Opt::optional("backup", "CONTROL", "make a backup of each existing destination file"),
        Opt::flag("b", "like --backup but does not accept an argument"),
        Opt::flag("f,force", "do not prompt before overwriting"),
        Opt::flag("i,interactive", "prompt before overwrite"),
        Opt::flag("n,no-clobber", "do not overwrite an existing file"),
        Opt::flag("no-copy", "do not copy if renaming fails"),
        Opt::flag("strip-trailing-slashes", "remove any trailing slashes from each SOURCE\nargument"),
        Opt::value("S,suffix", "SUFFIX", "override the usual backup suffix"),
        Opt::value("t,target-directory", "DIRECTORY", "move all SOURCE arguments into DIRECTORY"),
        Opt::flag("T,no-target-directory", "treat DEST as a normal file"),
        Opt::flag(
            "u,update",
            "move only when the SOURCE file is newer\nthan the destination file or when the\ndestination file is missing",
        ),
        Opt::flag("v,verbose", "explain what is being done"),
        Opt::flag("Z,context", ""),
    ],
    more: "If you specify more than one of -i, -f, -n, only the final one takes effect.\n\
           The backup suffix is '~', unless set with --suffix or SIMPLE_BACKUP_SUFFIX.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

struct Plan {
    /// `None`: ask before what is write-protected, at a terminal.
    existing: Option<Existing>,
    update: bool,
    verbose: bool,
    copy: bool,
    backup: Backup,
    suffix: BString,
    made: Vec<(u64, u64)>,
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        existing: None,
        update: false,
        verbose: false,
        copy: true,
        backup: Backup::None,
        suffix: BString::default(),
        made: Vec::new(),
    };
    let (mut backup, mut suffix, mut directory) = (None, None, None);
    let (mut no_directory, mut strip) = (false, false);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "backup" | "b" => backup = Some(value),
            "f" => plan.existing = Some(Existing::Overwrite),
            "i" => plan.existing = Some(Existing::Ask),
            "n" => plan.existing = Some(Existing::Keep),
            "no-copy" => plan.copy = false,
            "strip-trailing-slashes" => strip = true,
            "S" => suffix = value,
            "t" => directory = value,
            "T" => no_directory = true,
            "u" => plan.update = true,
            "v" => plan.verbose = true,
            _ => {}
        }
    }
    if backup.is_some() || suffix.is_some() {
        if plan.existing == Some(Existing::Keep) {
            return Err(Fail::Usage("options --backup and --no-clobber are mutually exclusive".into()));
        }
        plan.backup = Backup::parse(t, backup.flatten().as_ref().map(|word| &word[..]))?;
    }
    plan.suffix = backup_suffix(t, suffix);
    let mut operands = options.operands();
    if strip {
        for operand in &mut operands {
            let length = operand.trim_end_with(|letter| letter == '/').len().max(1);
            operand.truncate(length);
        }
    }
    for (source, target) in targets(t, operands, directory, no_directory, None)?.pairs {
        move_one(t, &mut plan, &source, &target).await?;
    }
    Ok(())
}

async fn move_one(t: &mut Tool, plan: &mut Plan, source: &[u8], target: &[u8]) -> Done {
    let names = (quote_always(source), quote_always(target));
    let stat = match t.ctx.stat(source, false) {
        Ok(stat) => stat,
        Err(error) => return t.error(format!("cannot stat {}: {}", names.0, error.strerror())).await,
    };
    let mut backed_up = None;
    if let Ok(there) = t.ctx.stat(target, false) {
        if same_file(&stat, &there) && (plan.backup == Backup::None || source == target) {
            // Two names of one file: one of them goes.
            if stat.links > 1 && !stat.is_directory() && source != target && !same_name(t, source, target) {
                return match t.ctx.remove_file(source) {
                    Ok(()) => Ok(()),
                    Err(error) => t.error(format!("cannot remove {}: {}", names.0, error.strerror())).await,
                };
            }
            return t.error(format!("{} and {} are the same file", names.0, names.1)).await;
        }
        if plan.made.contains(&(there.device, there.inode)) {
            return t.error(format!("will not overwrite just-created {} with {}", names.1, names.0)).await;
        }
        if there.is_directory() && !stat.is_directory() {
            return t.error(format!("cannot overwrite directory {} with non-directory", names.1)).await;
        }
        if stat.is_directory() && !there.is_directory() {
            return t
                .error(format!("cannot overwrite non-directory {} with directory {}", names.1, names.0))
                .await;
        }
        if plan.update && !stat.is_directory() && there.modified >= stat.modified {
            return Ok(());
        }
        let protected =
            !there.is_symbolic_link() && t.ctx.access(target, wasmsh_os::AccessMode::WRITE).is_err();
        let go_on = match plan.existing {
            Some(Existing::Keep) => false,
            Some(Existing::Overwrite) => true,
            Some(Existing::Ask) => ask_overwrite(t, target, &there).await?,
            None => !(protected && t.ctx.is_terminal(0)) || ask_overwrite(t, target, &there).await?,
        };
        if !go_on {
            return Ok(());
        }
        if let Some(name) = plan.backup.name(t, target, &plan.suffix.clone()) {
            if let Err(error) = t.ctx.rename(target, &name) {
                return t.error(format!("cannot backup {}: {}", names.1, error.strerror())).await;
            }
            backed_up = Some(name);
        }
    }
    match t.ctx.rename(source, target) {
        Ok(()) => {
            if let Ok(made) = t.ctx.stat(target, false) {
                plan.made.push((made.device, made.inode));
            }
            if plan.verbose {
                let backup =
                    backed_up.map_or_else(String::new, |name| format!(" (backup: {})", quote_always(&name)));
                t.out.put(format!("renamed {}{backup}\n", arrow(source, target)).as_bytes());
            }
            Ok(())
        }
        Err(Errno::Invalid) if stat.is_directory() => {
            t.error(format!("cannot move {} to a subdirectory of itself, {}", names.0, names.1)).await
        }
        Err(Errno::CrossDevice) if plan.copy => across(t, plan, source, target).await,
        Err(error) => {
            if stat.is_directory() && matches!(error, Errno::DirectoryNotEmpty | Errno::Exist) {
                return t
                    .error(format!(
                        "cannot move {} to {}: {}",
                        names.0,
                        names.1,
                        Errno::DirectoryNotEmpty.strerror()
                    ))
                    .await;
            }
            t.error(format!("cannot move {} to {}: {}", names.0, names.1, error.strerror())).await
        }
    }
}

/// Whether two paths are the same entry of the same directory.
fn same_name(t: &Tool, a: &[u8], b: &[u8]) -> bool {
    crate::path::base_name(a) == crate::path::base_name(b)
        && match (t.ctx.stat(crate::path::parent(a), true), t.ctx.stat(crate::path::parent(b), true)) {
            (Ok(a), Ok(b)) => same_file(&a, &b),
            _ => false,
        }
}

async fn across(t: &mut Tool, plan: &Plan, source: &[u8], target: &[u8]) -> Done {
    let mut copier = Copier::new(t);
    (copier.recursive, copier.follow) = (true, Follow::Never);
    (copier.keep_mode, copier.keep_times, copier.keep_owner, copier.keep_links) = (true, true, true, true);
    copier.remove_first = true;
    if plan.verbose {
        t.out.put(format!("copied {}\n", arrow(source, target)).as_bytes());
    }
    if copier.copy(t, source, target).await? {
        crate::rm::remove_quietly(t, source, plan.verbose).await?;
    }
    Ok(())
}
