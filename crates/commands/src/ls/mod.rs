//! `ls`, `dir` and `vdir`: list directories. Options, layouts and the long listing have files of their own.

mod columns;
mod long;
mod options;
mod print;

use std::cmp::Ordering;

use bstr::{BString, ByteSlice};
use unicode_width::UnicodeWidthChar;
use wasmsh_os::{Errno, Stat, Timestamp};

use crate::path::join;
use crate::quote::{quote_always, quote_name};
use crate::{Command, Done, Tool, start};
use options::{Follow, Hidden, Layout, OPTIONS, Plan, Sort, Which};
use print::{drain, name_text, show};

const ABOUT: &str = "List information about the FILEs (the current directory by default).\n\
                     Sort entries alphabetically if none of -cftuvSUX nor --sort is specified.";

const MORE: &str = "Exit status:\n 0  if OK,\n 1  if minor problems (e.g., cannot access subdirectory),\n \
                    2  if serious trouble (e.g., cannot access command-line argument).";

pub(crate) static COMMAND: Command = Command {
    name: "ls",
    usage: &["[OPTION]... [FILE]..."],
    about: ABOUT,
    options: OPTIONS,
    more: MORE,
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, async |t: &mut Tool| run(t, None).await),
};

pub(crate) static DIR: Command = Command {
    name: "dir",
    usage: &["[OPTION]... [FILE]..."],
    about: ABOUT,
    options: OPTIONS,
    more: MORE,
    usage_status: 2,
    main: |ctx| start(&DIR, ctx, async |t: &mut Tool| run(t, Some(Layout::Vertical)).await),
};

pub(crate) static VDIR: Command = Command {
    name: "vdir",
    usage: &["[OPTION]... [FILE]..."],
    about: ABOUT,
    options: OPTIONS,
    more: MORE,
    usage_status: 2,
    main: |ctx| start(&VDIR, ctx, async |t: &mut Tool| run(t, Some(Layout::Long)).await),
};

struct File {
    name: BString,
    shown: Vec<u8>,
    width: usize,
    stat: Option<Stat>,
    /// Of a symbolic link: its target, and what is there.
    target: Option<(BString, Option<Stat>)>,
    path: BString,
}

async fn run(t: &mut Tool, default: Option<Layout>) -> Done {
    let (mut plan, mut operands) = options::parse(t, default).await?;
    if operands.is_empty() {
        operands.push(".".into());
    }
    list(t, &mut plan, operands).await?;
    print::put_dired(t, &plan);
    Ok(())
}

async fn cannot_access(t: &mut Tool, path: &[u8], error: Errno, serious: bool) -> Done {
    t.warn(format!("cannot access {}: {}", quote_always(path), error.strerror())).await?;
    t.status = t.status.max(if serious { 2 } else { 1 });
    Ok(())
}

async fn list(t: &mut Tool, plan: &mut Plan, operands: Vec<BString>) -> Done {
    let several = operands.len() > 1;
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for operand in operands {
        let mut result = match plan.follow {
            Follow::Never => t.ctx.stat(&operand, false),
            Follow::CommandLine | Follow::Always => t.ctx.stat(&operand, true),
            Follow::CommandLineDirectories => match t.ctx.stat(&operand, true) {
                Ok(stat) if stat.is_directory() => Ok(stat),
                _ => t.ctx.stat(&operand, false),
            },
        };
        // A trailing slash asks for what is behind the link.
        if operand.ends_with(b"/") {
            result = t.ctx.stat(&operand, true);
        }
        let stat = match result {
            Ok(stat) => stat,
            Err(error) => {
                cannot_access(t, &operand, error, true).await?;
                continue;
            }
        };
        let file = file(t, plan, operand.clone(), operand, Some(stat));
        if stat.is_directory() && !plan.directories { directories.push(file) } else { files.push(file) }
    }
    let any_files = !files.is_empty();
    sort(plan, &mut files);
    show(t, plan, &files, false).await?;
    sort(plan, &mut directories);
    let headers = several || plan.recursive;
    let mut first = !any_files;
    let mut pending: Vec<(BString, Vec<(u64, u64)>)> =
        directories.into_iter().rev().map(|file| (file.path, Vec::new())).collect();
    while let Some((path, mut above)) = pending.pop() {
        let entries = match t.ctx.read_directory(&path) {
            Ok(entries) => entries,
            Err(error) => {
                drain(t, plan).await?;
                t.warn(format!("cannot open directory {}: {}", quote_always(&path), error.strerror()))
                    .await?;
                t.status = t.status.max(if above.is_empty() { 2 } else { 1 });
                continue;
            }
        };
        if plan.recursive
            && let Ok(stat) = t.ctx.stat(&path, true)
        {
            let identity = (stat.device, stat.inode);
            if above.contains(&identity) {
                drain(t, plan).await?;
                let message = format!("{}: not listing already-listed directory", quote_name(&path));
                t.warn(message).await?;
                t.status = 2;
                continue;
            }
            above.push(identity);
        }
        if headers {
            if !first {
                t.out.put(b"\n");
            }
            print::put_header(t, plan, &path);
            t.out.put(b":");
            t.out.put_byte(plan.end);
        }
        first = false;
        let mut files = Vec::new();
        if plan.hidden == Hidden::All {
            for dot in ["..", "."] {
                let full = join(&path, dot.as_bytes());
                if let Ok(stat) = t.ctx.stat(&full, true) {
                    files.insert(0, file(t, plan, dot.into(), full, Some(stat)));
                }
            }
        }
        for entry in entries {
            let name = entry.name.as_bytes();
            if is_left_out(plan, name) {
                continue;
            }
            let full = join(&path, name);
            let mut stat = Some(entry.stat);
            if plan.follow == Follow::Always && entry.stat.is_symbolic_link() {
                stat = match t.ctx.stat(&full, true) {
                    Ok(stat) => Some(stat),
                    Err(_) if !plan.needs_stat() => None,
                    Err(error) => {
                        drain(t, plan).await?;
                        cannot_access(t, &full, error, false).await?;
                        None
                    }
                };
            }
            files.push(file(t, plan, name.into(), full, stat));
        }
        sort(plan, &mut files);
        show(t, plan, &files, true).await?;
        if plan.recursive {
            for file in files.into_iter().rev() {
                let real = file.name != "." && file.name != "..";
                if real && file.stat.is_some_and(|stat| stat.is_directory()) {
                    pending.push((file.path, above.clone()));
                }
            }
        }
        t.ctx.tick().await;
    }
    if plan.any_color {
        // As GNU, which leaves the terminal as it was.
        t.out.flush().await?;
    }
    Ok(())
}

fn is_left_out(plan: &Plan, name: &[u8]) -> bool {
    let hidden = plan.hidden == Hidden::Skip
        && (name.starts_with(b".") || plan.hide.iter().any(|glob| glob.matches(name)));
    hidden
        || plan.ignore.iter().any(|glob| {
            // A leading dot must be matched by a dot.
            glob.matches(name) && (!name.starts_with(b".") || glob.begins_with_dot())
        })
}

fn file(t: &Tool, plan: &Plan, name: BString, path: BString, stat: Option<Stat>) -> File {
    let shown = name_text(plan, &name);
    let width = shown.chars().filter_map(UnicodeWidthChar::width).sum();
    let needs_target = plan.layout == Layout::Long || plan.colors.is_some();
    let target = match &stat {
        Some(stat) if stat.is_symbolic_link() && needs_target => {
            t.ctx.read_link(&path).ok().map(|target| (BString::from(target), t.ctx.stat(&path, true).ok()))
        }
        _ => None,
    };
    File { name, shown, width, stat, target, path }
}

fn moment_of(plan: &Plan, stat: &Stat) -> Timestamp {
    match plan.which {
        Which::Modified => stat.modified,
        Which::Accessed => stat.accessed,
        Which::Changed => stat.changed,
    }
}

fn sort(plan: &Plan, files: &mut [File]) {
    let extension = |name: &[u8]| {
        name.rfind_byte(b'.').map_or(Vec::new(), |dot| name.get(dot..).unwrap_or_default().to_vec())
    };
    let time = |file: &File| file.stat.map(|stat| moment_of(plan, &stat));
    if plan.sort != Sort::None {
        files.sort_by(|a, b| {
            let order = match plan.sort {
                Sort::Name | Sort::None => Ordering::Equal,
                Sort::Size => b.stat.map(|stat| stat.size).cmp(&a.stat.map(|stat| stat.size)),
                Sort::Time => time(b).cmp(&time(a)),
                Sort::Version => crate::version_order::compare(&a.name, &b.name),
                Sort::Extension => extension(&a.name).cmp(&extension(&b.name)),
                Sort::Width => a.width.cmp(&b.width),
            };
            let order = order.then_with(|| a.name.cmp(&b.name));
            if plan.reverse { order.reverse() } else { order }
        });
    }
    if plan.directories_first {
        let is_directory = |file: &File| match (&file.stat, &file.target) {
            (Some(stat), _) if stat.is_directory() => true,
            (_, Some((_, Some(target)))) => target.is_directory(),
            _ => false,
        };
        files.sort_by_key(|file| !is_directory(file));
    }
}
