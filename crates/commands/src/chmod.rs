//! `chmod`: changes the modes of files.

use bstr::BString;
use wasmsh_os::Stat;

use crate::mode::{ModeChange, permissions};
use crate::path::join;
use crate::quote::quote_always;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "chmod",
    usage: &[
        "[OPTION]... MODE[,MODE]... FILE...",
        "[OPTION]... OCTAL-MODE FILE...",
        "[OPTION]... --reference=RFILE FILE...",
    ],
    about: "Change the mode of each FILE to MODE.\nWith --reference, change the mode of each FILE to that of RFILE.",
    options: &[
        Opt::flag("c,changes", "like verbose but report only when a change is made"),
        Opt::flag("f,silent,quiet", "suppress most error messages"),
        Opt::flag("v,verbose", "output a diagnostic for every file processed"),
        Opt::flag("no-preserve-root", "do not treat '/' specially (the default)"),
        Opt::flag("preserve-root", "fail to operate recursively on '/'"),
        Opt::value("reference", "RFILE", "use RFILE's mode instead of specifying MODE values"),
        Opt::flag("R,recursive", "change files and directories recursively"),
    ],
    more: "Each MODE is of the form '[ugoa]*([-+=]([rwxXst]*|[ugo]))+|[-+=][0-7]+'.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

struct Plan {
    change: ModeChange,
    changes: bool,
    verbose: bool,
    quiet: bool,
    /// The mode came without a "who": bits that the umask holds back are told.
    check_umask: Option<String>,
}

async fn run(t: &mut Tool) -> Done {
    let (mut changes, mut quiet, mut verbose, mut recursive, mut preserve_root) =
        (false, false, false, false, false);
    let mut reference = None;
    // A mode such as -x looks like an option.
    let mut arguments = t.arguments();
    let mut mode: Option<BString> = None;
    let mut index = 0;
    while let Some(argument) = arguments.get(index) {
        if argument == "--" {
            break;
        }
        let is_mode = matches!(
            &argument[..],
            [
                b'-',
                b'r' | b'w' | b'x' | b'X' | b's' | b't' | b'u' | b'g' | b'o' | b'a' | b'0'
                    ..=b'7' | b',' | b'+' | b'=',
                ..
            ]
        );
        if is_mode {
            let text = arguments.remove(index);
            mode = Some(match mode {
                Some(mut before) => {
                    before.push(b',');
                    before.extend_from_slice(&text);
                    before
                }
                None => text,
            });
        } else {
            index += 1;
        }
    }
    let dashed = mode.is_some();
    let mut options = t.options_of(arguments);
    while let Some((name, value)) = options.next()? {
        match name {
            "c" => changes = true,
            "f" => quiet = true,
            "v" => verbose = true,
            "reference" => reference = value,
            "R" => recursive = true,
            "preserve-root" => preserve_root = true,
            _ => preserve_root = false,
        }
    }
    let mut operands = options.operands();
    let change = match &reference {
        Some(file) => {
            let stat = t.ctx.stat(file, true).map_err(|error| {
                Fail::Message(
                    format!("failed to get attributes of {}: {}", quote_always(file), error.strerror()),
                    1,
                )
            })?;
            ModeChange::parse(format!("{:04o}", stat.mode).as_bytes())
        }
        None => {
            if mode.is_none() && !operands.is_empty() {
                mode = Some(operands.remove(0));
            }
            match &mode {
                None => return Err(t.missing_operand()),
                Some(text) if operands.is_empty() => {
                    return Err(Fail::Usage(format!("missing operand after {}", t.quote(text))));
                }
                Some(text) => match ModeChange::parse(text) {
                    Some(change) => Some(change),
                    None => return Err(Fail::Usage(format!("invalid mode: {}", t.quote(text)))),
                },
            }
        }
    };
    if operands.is_empty() {
        return Err(t.missing_operand());
    }
    let Some(change) = change else { return Ok(()) };
    let check_umask = mode.filter(|_| dashed).map(|mode| mode.to_string());
    let plan = Plan { change, changes, verbose, quiet, check_umask };
    for file in operands {
        if recursive && preserve_root && t.ctx.canonicalize(&file).is_ok_and(|path| path == "/") {
            t.error(format!("it is dangerous to operate recursively on {}", quote_always(&file))).await?;
            t.warn("use --no-preserve-root to override this failsafe").await?;
            continue;
        }
        tree(t, &plan, file, recursive).await?;
    }
    Ok(())
}

async fn tree(t: &mut Tool, plan: &Plan, root: BString, recursive: bool) -> Done {
    let mut pending = vec![(root, true)];
    while let Some((path, top)) = pending.pop() {
        t.ctx.tick().await;
        let link = t.ctx.stat(&path, false);
        // Links met on the way are left alone.
        if !top && link.is_ok_and(|stat| stat.is_symbolic_link()) {
            continue;
        }
        let stat = match t.ctx.stat(&path, true) {
            Ok(stat) => stat,
            Err(error) => {
                t.status = 1;
                if !plan.quiet {
                    let message = if link.is_ok() {
                        format!("cannot operate on dangling symlink {}", quote_always(&path))
                    } else {
                        format!("cannot access {}: {}", quote_always(&path), error.strerror())
                    };
                    t.warn(message).await?;
                }
                if plan.verbose {
                    t.out.put(
                        format!(
                            "failed to change mode of {} from 0000 (---------) to 0000 (---------)\n",
                            quote_always(&path)
                        )
                        .as_bytes(),
                    );
                }
                continue;
            }
        };
        one(t, plan, &path, &stat).await?;
        if recursive && stat.is_directory() {
            match t.ctx.read_directory(&path) {
                Ok(entries) => {
                    pending.extend(
                        entries.iter().rev().map(|entry| (join(&path, entry.name.as_bytes()), false)),
                    );
                }
                Err(error) => {
                    t.status = 1;
                    if !plan.quiet {
                        let message =
                            format!("cannot read directory {}: {}", quote_always(&path), error.strerror());
                        t.warn(message).await?;
                    }
                }
            }
        }
    }
    Ok(())
}

async fn one(t: &mut Tool, plan: &Plan, path: &[u8], stat: &Stat) -> Done {
    let wanted = plan.change.apply(stat.mode, stat.is_directory(), t.ctx.umask());
    let result = t.ctx.set_mode(path, wanted, true);
    let changed = result.is_ok() && wanted != stat.mode;
    let name = quote_always(path);
    let (old, new) = (permissions(stat, stat.mode), permissions(stat, wanted));
    if let Err(error) = result {
        t.status = 1;
        if !plan.quiet {
            t.warn(format!("changing permissions of {name}: {}", error.strerror())).await?;
        }
        if plan.verbose {
            t.out.put(
                format!(
                    "failed to change mode of {name} from {:04o} ({old}) to {wanted:04o} ({new})\n",
                    stat.mode
                )
                .as_bytes(),
            );
        }
        return Ok(());
    }
    if changed && (plan.verbose || plan.changes) {
        t.out.put(
            format!("mode of {name} changed from {:04o} ({old}) to {wanted:04o} ({new})\n", stat.mode)
                .as_bytes(),
        );
    } else if plan.verbose {
        t.out.put(format!("mode of {name} retained as {wanted:04o} ({new})\n").as_bytes());
    }
    if plan.check_umask.is_some() {
        let naive = plan.change.apply(stat.mode, stat.is_directory(), 0);
        if wanted & !naive != 0 {
            let message = format!(
                "{}: new permissions are {}, not {}",
                crate::quote::quote_name(path),
                permissions(stat, wanted),
                permissions(stat, naive)
            );
            t.error(message).await?;
        }
    }
    Ok(())
}
