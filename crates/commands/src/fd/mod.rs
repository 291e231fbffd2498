//! `fd`: finds files by a pattern of their names, leaving out what ignore files name. It stands on `regex-automata`,
//! `globset` and the matchers of `ignore`.

mod args;
mod colors;
mod template;

use bstr::{BString, ByteSlice};
use regex_automata::meta::Regex;
use wasmsh_os::{AccessMode, Child, Errno, Exit, FileType, Spawn, Timestamp};

use crate::path::{base_name, join};
use crate::tree::{Found, Walk};
use crate::{Command, Done, Fail, Tool, start};
use colors::Colors;
use template::Template;

pub(crate) static COMMAND: Command = Command {
    name: "fd",
    usage: &["[OPTIONS] [pattern] [path]..."],
    about: "A program to find entries in your filesystem",
    options: args::OPTIONS,
    more: "",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Which kinds of files are wanted; nothing set: all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Kinds {
    files: bool,
    directories: bool,
    links: bool,
    sockets: bool,
    pipes: bool,
    executables: bool,
    empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    AtLeast(u64),
    AtMost(u64),
    Exactly(u64),
}

/// A user or a group: this one, or anyone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Is(u32),
    IsNot(u32),
}

/// What is done with the files that are found.
enum Action {
    Print,
    Execute(Vec<Template>),
    /// With how many at once; 0: as many as a command line holds.
    Batch(Vec<Template>, usize),
}

struct Plan {
    patterns: Vec<Regex>,
    full_path: bool,
    extensions: Option<Regex>,
    kinds: Kinds,
    sizes: Vec<Size>,
    after: Vec<Timestamp>,
    before: Vec<Timestamp>,
    user: Option<Owner>,
    group: Option<Owner>,
    least_depth: usize,
    most_results: usize,
    absolute: bool,
    null: bool,
    quiet: bool,
    prune: bool,
    show_errors: bool,
    path_separator: Option<BString>,
    colors: Option<Colors>,
    action: Action,
}

/// Bytes of arguments that one command gets.
const MOST_ARGUMENTS: usize = 131_072;

/// A message as fd writes it.
async fn say(t: &mut Tool, message: &str) -> Result<(), Fail> {
    t.out.flush().await?;
    t.err.put(format!("[fd error]: {message}\n").as_bytes());
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    Ok(())
}

async fn run(t: &mut Tool) -> Done {
    let args::Arguments { plan, rules, paths, implied, prefix } = args::read(t).await?;
    let (mut walk, messages) = Walk::new(&t.ctx, rules).await;
    for message in messages {
        say(t, &message).await?;
    }
    let mut results = 0;
    let mut batch: Vec<BString> = Vec::new();
    let mut failed = false;
    'search: for root in paths {
        if let Err(error) = walk.begin(&t.ctx, &root, implied) {
            say(t, &format!("{root}: {}", error.strerror())).await?;
            failed = true;
            continue;
        }
        while let Some(next) = walk.next(&t.ctx).await {
            let found = match next {
                Ok(found) => found,
                Err((path, error)) => match broken_link(t, &root, path, error) {
                    Ok(found) => found,
                    Err((path, error)) => {
                        if plan.show_errors {
                            say(t, &format!("{path}: {}", error.strerror())).await?;
                        }
                        failed |= plan.show_errors;
                        continue;
                    }
                },
            };
            if !is_wanted(t, &plan, &found) {
                continue;
            }
            if plan.prune && found.stat.is_directory() {
                walk.skip();
            }
            results += 1;
            if plan.quiet {
                return Ok(());
            }
            let path = shown(t, &plan, &found.path, prefix);
            match &plan.action {
                Action::Print => put(t, &plan, &found, &path),
                Action::Execute(commands) => failed |= !execute(t, &plan, commands, &[path]).await?,
                Action::Batch(..) => batch.push(path),
            }
            t.out.drain().await?;
            if results >= plan.most_results {
                break 'search;
            }
        }
    }
    if let Action::Batch(commands, most) = &plan.action
        && !batch.is_empty()
    {
        let most = if *most == 0 { usize::MAX } else { *most };
        let mut rest = &batch[..];
        while !rest.is_empty() {
            let mut length = 0;
            let count = rest
                .iter()
                .take(most)
                .take_while(|path| {
                    length += path.len() + 1;
                    length <= MOST_ARGUMENTS
                })
                .count();
            let (these, later) = rest.split_at(count.max(1));
            failed |= !execute(t, &plan, commands, these).await?;
            rest = later;
        }
    }
    t.status = u8::from(failed || plan.quiet && results == 0);
    Ok(())
}

/// A link that leads nowhere is found as itself.
fn broken_link(t: &Tool, root: &BString, path: BString, error: Errno) -> Result<Found, (BString, Errno)> {
    match t.ctx.stat(&path, false) {
        Ok(stat) if stat.is_symbolic_link() && error == Errno::NoEntry => {
            let below =
                path.strip_prefix(root.as_bytes()).unwrap_or(&path).trim_start_with(|letter| letter == '/');
            let depth = below.split_str("/").count();
            Ok(Found { path, stat, depth })
        }
        _ => Err((path, error)),
    }
}

fn is_wanted(t: &Tool, plan: &Plan, found: &Found) -> bool {
    let stat = &found.stat;
    if found.depth < plan.least_depth {
        return false;
    }
    let name = base_name(&found.path);
    let absolute;
    let text = if plan.full_path {
        absolute = absolute_path(t, &found.path);
        &absolute[..]
    } else {
        name
    };
    if !plan.patterns.iter().all(|pattern| pattern.is_match(text)) {
        return false;
    }
    if plan.extensions.as_ref().is_some_and(|extensions| !extensions.is_match(name)) {
        return false;
    }
    let kinds = &plan.kinds;
    if *kinds != Kinds::default() {
        let kind = match stat.kind {
            FileType::Regular => kinds.files,
            FileType::Directory => kinds.directories,
            FileType::SymbolicLink => kinds.links,
            FileType::Socket => kinds.sockets,
            FileType::Fifo => kinds.pipes,
            _ => false,
        };
        if !kind
            || kinds.executables && t.ctx.access(&found.path, AccessMode::EXECUTE).is_err()
            || kinds.empty && !is_empty(t, found)
        {
            return false;
        }
    }
    let owned = |owner: Option<Owner>, id: u32| match owner {
        None => true,
        Some(Owner::Is(wanted)) => id == wanted,
        Some(Owner::IsNot(unwanted)) => id != unwanted,
    };
    if !owned(plan.user, stat.uid) || !owned(plan.group, stat.gid) {
        return false;
    }
    let sized = |size: &Size| match size {
        Size::AtLeast(bytes) => stat.size >= *bytes,
        Size::AtMost(bytes) => stat.size <= *bytes,
        Size::Exactly(bytes) => stat.size == *bytes,
    };
    // Of a link its own size counts, if it leads to a file.
    let is_file = || match stat.kind {
        FileType::SymbolicLink => t.ctx.stat(&found.path, true).is_ok_and(|stat| stat.is_regular()),
        kind => kind == FileType::Regular,
    };
    let fits = plan.sizes.is_empty() || is_file() && plan.sizes.iter().all(sized);
    if !fits {
        return false;
    }
    plan.after.iter().all(|time| stat.modified > *time)
        && plan.before.iter().all(|time| stat.modified < *time)
}

fn is_empty(t: &Tool, found: &Found) -> bool {
    match found.stat.kind {
        FileType::Regular => found.stat.size == 0,
        FileType::Directory => t.ctx.read_directory(&found.path).is_ok_and(|entries| entries.is_empty()),
        _ => false,
    }
}

fn absolute_path(t: &Tool, path: &[u8]) -> BString {
    if path.starts_with(b"/") {
        return path.into();
    }
    let mut path = path;
    while let Some(rest) = path.strip_prefix(b"./") {
        path = rest;
    }
    if path == b"." { t.ctx.cwd().as_bytes().into() } else { join(t.ctx.cwd().as_bytes(), path) }
}

/// The path as it is printed or handed on.
fn shown(t: &Tool, plan: &Plan, path: &BString, prefix: bool) -> BString {
    if plan.absolute {
        return absolute_path(t, path);
    }
    if prefix && !path.starts_with(b"/") {
        return join(b".", path);
    }
    path.clone()
}

fn put(t: &mut Tool, plan: &Plan, found: &Found, path: &BString) {
    let mut path = path.clone();
    let directory = found.stat.is_directory();
    if let Some(separator) = &plan.path_separator {
        path = path.replace("/", separator).into();
        if directory {
            path.extend_from_slice(separator);
        }
    } else if directory {
        path.push(b'/');
    }
    let dangling =
        plan.colors.is_some() && found.stat.is_symbolic_link() && t.ctx.stat(&found.path, true).is_err();
    let out = t.out.buffer();
    match &plan.colors {
        None => out.extend_from_slice(&path),
        Some(colors) => colors.put(found, &path, dangling, out),
    }
    out.push(if plan.null { 0 } else { b'\n' });
}

/// Runs the commands for these files, one after the other until one fails. Whether all went well.
async fn execute(t: &mut Tool, plan: &Plan, commands: &[Template], paths: &[BString]) -> Result<bool, Fail> {
    t.out.flush().await?;
    for command in commands {
        let words = command.fill(paths, plan.path_separator.as_deref().map(|separator| &separator[..]));
        let Some(program) = words.first().cloned() else { continue };
        let spawn = Spawn { program: program.clone(), arguments: words, inherit: true, ..Spawn::default() };
        let ended = match t.ctx.spawn(spawn) {
            Ok(pid) => t.ctx.wait(Child::Process(pid)).await.map(|(_, exit)| exit),
            Err(Errno::NoEntry) => {
                say(t, &format!("Command not found: {program}")).await?;
                return Ok(false);
            }
            Err(error) => {
                say(t, &format!("Problem while executing command: {}", error.strerror())).await?;
                return Ok(false);
            }
        };
        if !matches!(ended, Ok(Exit::Code(0))) {
            return Ok(false);
        }
    }
    Ok(true)
}
