//! `ln`: makes links.

use bstr::BString;

use crate::ask::confirm;
use crate::path::same_file;
use crate::quote::{quote_always, quote_name};
use crate::targets::{Backup, backup_suffix, targets};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "ln",
    usage: &[
        "[OPTION]... [-T] TARGET LINK_NAME",
        "[OPTION]... TARGET",
        "[OPTION]... TARGET... DIRECTORY",
        "[OPTION]... -t DIRECTORY TARGET...",
    ],
    about: "In the 1st form, create a link to TARGET with the name LINK_NAME.\n\
            In the 2nd form, create a link to TARGET in the current directory.\n\
            In the 3rd and 4th forms, create links to each TARGET in DIRECTORY.\n\
            Create hard links by default, symbolic links with --symbolic.",
    options: &[
        Opt::optional("backup", "CONTROL", "make a backup of each existing destination file"),
        Opt::flag("b", "like --backup but does not accept an argument"),
        Opt::flag("d,F,directory", "allow the superuser to attempt to hard link directories"),
        Opt::flag("f,force", "remove existing destination files"),
        Opt::flag("i,interactive", "prompt whether to remove destinations"),
        Opt::flag("L,logical", "dereference TARGETs that are symbolic links"),
        Opt::flag(
            "n,no-dereference",
            "treat LINK_NAME as a normal file if\nit is a symbolic link to a directory",
        ),
        Opt::flag("P,physical", "make hard links directly to symbolic links"),
        Opt::flag("r,relative", "with -s, create links relative to link location"),
        Opt::flag("s,symbolic", "make symbolic links instead of hard links"),
        Opt::value("S,suffix", "SUFFIX", "override the usual backup suffix"),
        Opt::value("t,target-directory", "DIRECTORY", "specify the DIRECTORY in which to create\nthe links"),
        Opt::flag("T,no-target-directory", "treat LINK_NAME as a normal file always"),
        Opt::flag("v,verbose", "print name of each linked file"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Default)]
struct Plan {
    symbolic: bool,
    force: bool,
    ask: bool,
    logical: bool,
    relative: bool,
    verbose: bool,
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan::default();
    let (mut backup, mut suffix, mut directory) = (None, None, None);
    let (mut no_directory, mut no_follow) = (false, false);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "backup" | "b" => backup = Some(value),
            "f" => (plan.force, plan.ask) = (true, false),
            "i" => (plan.force, plan.ask) = (false, true),
            "L" => plan.logical = true,
            "P" => plan.logical = false,
            "n" => no_follow = true,
            "r" => plan.relative = true,
            "s" => plan.symbolic = true,
            "S" => suffix = value,
            "t" => directory = value,
            "T" => no_directory = true,
            "v" => plan.verbose = true,
            _ => {}
        }
    }
    if plan.relative && !plan.symbolic {
        return Err(Fail::Message("cannot do --relative without --symbolic".into(), 1));
    }
    let control = match backup {
        Some(word) => Backup::parse(t, word.as_ref().map(|word| &word[..]))?,
        None if suffix.is_some() => Backup::parse(t, None)?,
        None => Backup::None,
    };
    let suffix = backup_suffix(t, suffix);
    let operands = options.operands();
    // A link to a directory as the last operand is a name to be replaced, not a place.
    let replaces = no_follow
        && operands.len() == 2
        && operands
            .last()
            .is_some_and(|last| t.ctx.stat(last, false).is_ok_and(|stat| stat.is_symbolic_link()));
    let found = targets(t, operands, directory, no_directory || replaces, Some(b"."))?;
    for (source, target) in found.pairs {
        link(t, &plan, &source, &target, control, &suffix).await?;
    }
    Ok(())
}

async fn link(
    t: &mut Tool,
    plan: &Plan,
    source: &[u8],
    target: &[u8],
    control: Backup,
    suffix: &[u8],
) -> Done {
    if !plan.symbolic {
        match t.ctx.stat(source, plan.logical) {
            Err(error) => {
                return t
                    .error(format!("failed to access {}: {}", quote_always(source), error.strerror()))
                    .await;
            }
            Ok(stat) if stat.is_directory() => {
                return t.error(format!("{}: hard link not allowed for directory", quote_name(source))).await;
            }
            Ok(_) => {}
        }
    }
    let mut backed_up = None;
    if let Ok(there) = t.ctx.stat(target, false)
        && (plan.force || plan.ask || control != Backup::None)
    {
        if there.is_directory() {
            return t.error(format!("{}: cannot overwrite directory", quote_name(target))).await;
        }
        let same =
            t.ctx.stat(source, !plan.symbolic && plan.logical).is_ok_and(|stat| same_file(&stat, &there));
        if same && control == Backup::None && (source == target || !plan.symbolic && there.links == 1) {
            let message = format!("{} and {} are the same file", quote_always(source), quote_always(target));
            return t.error(message).await;
        }
        if same && !plan.symbolic && control == Backup::None {
            return Ok(());
        }
        if plan.ask {
            let question = format!("{}: replace {}? ", t.name, quote_always(target));
            if !confirm(t, &question).await? {
                return Ok(());
            }
        }
        if let Some(name) = control.name(t, target, suffix) {
            if let Err(error) = t.ctx.rename(target, &name) {
                return t
                    .error(format!("cannot backup {}: {}", quote_always(target), error.strerror()))
                    .await;
            }
            backed_up = Some(name);
        } else if let Err(error) = t.ctx.remove_file(target) {
            return t.error(format!("cannot remove {}: {}", quote_always(target), error.strerror())).await;
        }
    }
    let text: BString = if plan.relative { relative_text(t, source, target) } else { source.into() };
    let result =
        if plan.symbolic { t.ctx.symlink(&text, target) } else { t.ctx.link(source, target, plan.logical) };
    match result {
        Ok(()) => {
            if plan.verbose {
                let arrow = if plan.symbolic { "->" } else { "=>" };
                if let Some(name) = backed_up {
                    t.out.put(format!("{} ~ ", quote_always(&name)).as_bytes());
                }
                t.out.put(format!("{} {arrow} {}\n", quote_always(target), quote_always(&text)).as_bytes());
            }
            Ok(())
        }
        Err(error) => {
            let kind = if plan.symbolic { "symbolic" } else { "hard" };
            let name = quote_always(target);
            let behind = if plan.symbolic { String::new() } else { format!(" => {}", quote_always(source)) };
            // What is missing is the source, unless the link is there already.
            let behind =
                if error == wasmsh_os::Errno::Exist || plan.symbolic { String::new() } else { behind };
            t.error(format!("failed to create {kind} link {name}{behind}: {}", error.strerror())).await
        }
    }
}

/// The way to `source` from the directory of the link.
fn relative_text(t: &Tool, source: &[u8], target: &[u8]) -> BString {
    let from = crate::realpath::resolve_missing(t, crate::path::parent(target));
    let to = crate::realpath::resolve_missing(t, source);
    crate::realpath::relative(&from, &to).as_bytes().into()
}
