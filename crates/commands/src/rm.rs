//! `rm`: removes names.

use bstr::BString;
use wasmsh_os::{AccessMode, Errno, FileType, Stat};

use crate::ask::confirm;
use crate::path::{base_name, join};
use crate::quote::quote_always;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "rm",
    usage: &["[OPTION]... [FILE]..."],
    about: "Remove (unlink) the FILE(s).",
    options: &[
        Opt::flag("f,force", "ignore nonexistent files and arguments, never prompt"),
        Opt::flag("i", "prompt before every removal"),
        Opt::flag(
            "I",
            "prompt once before removing more than three files, or\nwhen removing recursively; less intrusive than -i,\nwhile still giving protection against most mistakes",
        ),
        Opt::optional(
            "interactive",
            "WHEN",
            "prompt according to WHEN: never, once (-I), or\nalways (-i); without WHEN, prompt always",
        ),
        Opt::flag(
            "one-file-system",
            "when removing a hierarchy recursively, skip any\ndirectory that is on a file system different from\nthat of the corresponding command line argument",
        ),
        Opt::flag("no-preserve-root", "do not treat '/' specially"),
        Opt::optional(
            "preserve-root",
            "all",
            "do not remove '/' (default);\nwith 'all', reject any command line argument\non a separate device from its parent",
        ),
        Opt::flag("r,R,recursive", "remove directories and their contents recursively"),
        Opt::flag("d,dir", "remove empty directories"),
        Opt::flag("v,verbose", "explain what is being done"),
    ],
    more: "By default, rm does not remove directories.  Use the --recursive (-r or -R)\n\
           option to remove each listed directory, too, along with all of its contents.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Prompt {
    Never,
    Once,
    Always,
    /// Only before what is write-protected, and only at a terminal.
    Protected,
}

struct Plan {
    force: bool,
    prompt: Prompt,
    recursive: bool,
    directories: bool,
    verbose: bool,
    preserve_root: bool,
    one_filesystem: bool,
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        force: false,
        prompt: Prompt::Protected,
        recursive: false,
        directories: false,
        verbose: false,
        preserve_root: true,
        one_filesystem: false,
    };
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "f" => (plan.force, plan.prompt) = (true, Prompt::Never),
            "i" => (plan.force, plan.prompt) = (false, Prompt::Always),
            "I" => (plan.force, plan.prompt) = (false, Prompt::Once),
            "interactive" => {
                plan.prompt = match value.as_deref() {
                    None => Prompt::Always,
                    Some(when) => match crate::choice::choose(t, "--interactive", when, WHEN)? {
                        "never" => Prompt::Never,
                        "once" => Prompt::Once,
                        _ => Prompt::Always,
                    },
                };
            }
            "one-file-system" => plan.one_filesystem = true,
            "no-preserve-root" => plan.preserve_root = false,
            "preserve-root" => match value.as_ref().map(|value| &value[..]) {
                None | Some(b"all") => plan.preserve_root = true,
                Some(other) => {
                    let message = format!("unrecognized --preserve-root argument: {}", quote_always(other));
                    return Err(Fail::Message(message, 1));
                }
            },
            "r" => plan.recursive = true,
            "d" => plan.directories = true,
            _ => plan.verbose = true,
        }
    }
    let files = options.operands();
    if files.is_empty() {
        return if plan.force { Ok(()) } else { Err(t.missing_operand()) };
    }
    if plan.prompt == Prompt::Once && (plan.recursive || files.len() > 3) {
        let plural = if files.len() == 1 { "" } else { "s" };
        let how = if plan.recursive { " recursively" } else { "" };
        let question = format!("{}: remove {} argument{plural}{how}? ", t.name, files.len());
        if !confirm(t, &question).await? {
            return Ok(());
        }
    }
    for file in &files {
        remove(t, &plan, file).await?;
    }
    Ok(())
}

/// Removes a tree without asking, as `mv` does after a copy.
pub(crate) async fn remove_quietly(t: &mut Tool, file: &[u8], verbose: bool) -> Done {
    let plan = Plan {
        force: true,
        prompt: Prompt::Never,
        recursive: true,
        directories: false,
        verbose,
        preserve_root: true,
        one_filesystem: false,
    };
    remove(t, &plan, &file.into()).await
}

const WHEN: &[(&str, &str)] = &[
    ("never", "never"),
    ("no", "never"),
    ("none", "never"),
    ("once", "once"),
    ("always", "always"),
    ("yes", "always"),
];

async fn cannot(t: &mut Tool, path: &[u8], error: Errno) -> Done {
    t.error(format!("cannot remove {}: {}", quote_always(path), error.strerror())).await
}

async fn remove(t: &mut Tool, plan: &Plan, file: &BString) -> Done {
    let stat = match t.ctx.stat(file, false) {
        Ok(stat) => stat,
        Err(Errno::NoEntry | Errno::NotDirectory) if plan.force => return Ok(()),
        Err(error) => return cannot(t, file, error).await,
    };
    if !stat.is_directory() || (!plan.recursive && !plan.directories) {
        if stat.is_directory() {
            return cannot(t, file, Errno::IsDirectory).await;
        }
        remove_one(t, plan, file, &stat).await?;
        return Ok(());
    }
    if plan.recursive {
        let last = base_name(file);
        if last == b"." || last == b".." {
            let name = quote_always(file);
            return t.error(format!("refusing to remove '.' or '..' directory: skipping {name}")).await;
        }
        if plan.preserve_root && t.ctx.canonicalize(file).is_ok_and(|path| path == "/") {
            let is = if file == "/" { String::new() } else { format!(" (same as {})", quote_always(b"/")) };
            t.error(format!("it is dangerous to operate recursively on {}{is}", quote_always(file))).await?;
            return t.warn("use --no-preserve-root to override this failsafe").await;
        }
    }
    remove_tree(t, plan, file, stat).await
}

/// A directory whose entries are being removed.
struct Level {
    path: BString,
    stat: Stat,
    entries: std::vec::IntoIter<wasmsh_os::Entry>,
    /// Something in it stays, so it stays too.
    kept: bool,
}

async fn remove_tree(t: &mut Tool, plan: &Plan, root: &BString, stat: Stat) -> Done {
    let mut levels: Vec<Level> = Vec::new();
    let Some(first) = enter(t, plan, root.clone(), stat).await? else { return Ok(()) };
    levels.push(first);
    while let Some(level) = levels.last_mut() {
        t.ctx.tick().await;
        if let Some(entry) = level.entries.next() {
            let path = join(&level.path, entry.name.as_bytes());
            if entry.stat.is_directory() {
                if plan.one_filesystem && entry.stat.device != stat.device {
                    level.kept = true;
                    let message =
                        format!("skipping {}, since it's on a different device", quote_always(&path));
                    t.error(message).await?;
                    continue;
                }
                match enter(t, plan, path, entry.stat).await? {
                    Some(next) => levels.push(next),
                    None => {
                        if let Some(level) = levels.last_mut() {
                            level.kept = true;
                        }
                    }
                }
            } else if !remove_one(t, plan, &path, &entry.stat).await?
                && let Some(level) = levels.last_mut()
            {
                level.kept = true;
            }
            continue;
        }
        let Some(done) = levels.pop() else { break };
        let removed = if done.kept { false } else { remove_directory(t, plan, &done).await? };
        if !removed && let Some(parent) = levels.last_mut() {
            parent.kept = true;
        }
    }
    Ok(())
}

/// `None`: the directory stays.
async fn enter(t: &mut Tool, plan: &Plan, path: BString, stat: Stat) -> Result<Option<Level>, Fail> {
    let entries = match t.ctx.read_directory(&path) {
        Ok(entries) => entries,
        Err(error) => {
            // An unreadable directory may still be empty.
            if t.ctx.remove_directory(&path).is_err() {
                cannot(t, &path, error).await?;
            } else if plan.verbose {
                removed(t, "removed directory ", &path);
            }
            return Ok(None);
        }
    };
    if !entries.is_empty() && !plan.recursive {
        cannot(t, &path, Errno::DirectoryNotEmpty).await?;
        return Ok(None);
    }
    if !entries.is_empty() && plan.prompt == Prompt::Always {
        let question = format!("{}: descend into directory {}? ", t.name, quote_always(&path));
        if !confirm(t, &question).await? {
            return Ok(None);
        }
    }
    Ok(Some(Level { path, stat, entries: entries.into_iter(), kept: false }))
}

async fn remove_directory(t: &mut Tool, plan: &Plan, level: &Level) -> Result<bool, Fail> {
    if !allowed(t, plan, &level.path, &level.stat).await? {
        return Ok(false);
    }
    match t.ctx.remove_directory(&level.path) {
        Ok(()) => {
            if plan.verbose {
                removed(t, "removed directory ", &level.path);
            }
            Ok(true)
        }
        Err(error) => {
            cannot(t, &level.path, error).await?;
            Ok(false)
        }
    }
}

async fn remove_one(t: &mut Tool, plan: &Plan, path: &[u8], stat: &Stat) -> Result<bool, Fail> {
    if !allowed(t, plan, path, stat).await? {
        return Ok(false);
    }
    match t.ctx.remove_file(path) {
        Ok(()) => {
            if plan.verbose {
                removed(t, "removed ", path);
            }
            Ok(true)
        }
        Err(Errno::NoEntry) if plan.force => Ok(true),
        Err(error) => {
            cannot(t, path, error).await?;
            Ok(false)
        }
    }
}

fn removed(t: &mut Tool, what: &str, path: &[u8]) {
    t.out.put(format!("{what}{}\n", quote_always(path)).as_bytes());
}

async fn allowed(t: &mut Tool, plan: &Plan, path: &[u8], stat: &Stat) -> Result<bool, Fail> {
    let protected = stat.kind != FileType::SymbolicLink && t.ctx.access(path, AccessMode::WRITE).is_err();
    let ask = match plan.prompt {
        Prompt::Always => true,
        Prompt::Protected => protected && t.ctx.is_terminal(0),
        Prompt::Never | Prompt::Once => false,
    };
    if !ask {
        return Ok(true);
    }
    let kind = crate::path::describe(stat);
    let what = if protected { format!("write-protected {kind}") } else { kind.to_owned() };
    let question = format!("{}: remove {what} {}? ", t.name, quote_always(path));
    confirm(t, &question).await
}
