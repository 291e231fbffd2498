//! The commands, and what stands before their names on the command line.

mod add;
mod branch;
mod checkout;
mod commit;
mod config;
mod diff;
mod init;
mod log;
mod merge;
mod misc;
mod objects;
mod pick;
mod remote;
mod reset;
mod revparse;
mod stash;
mod status;

use std::path::PathBuf;

use gix::bstr::{BString, ByteSlice};

use crate::complain;
use crate::error::{Error, Result};
use crate::session::{Globals, Out};

/// The version of git whose behaviour this is.
pub const VERSION: &str = "2.47.3";

/// A command.
type Command = fn(&Globals, &[BString]) -> Result;

const COMMANDS: &[(&str, Command)] = &[
    ("add", add::add),
    ("annotate", misc::blame),
    ("blame", misc::blame),
    ("branch", branch::branch),
    ("cat-file", objects::cat_file),
    ("check-ignore", add::check_ignore),
    ("checkout", checkout::checkout),
    ("cherry-pick", pick::cherry_pick),
    ("clean", misc::clean),
    ("clone", remote::clone),
    ("commit", commit::commit),
    ("commit-tree", commit::commit_tree),
    ("config", config::config),
    ("describe", misc::describe),
    ("diff", diff::diff),
    ("fetch", remote::fetch),
    ("for-each-ref", revparse::for_each_ref),
    ("grep", misc::grep),
    ("hash-object", objects::hash_object),
    ("help", help),
    ("init", init::init),
    ("log", log::log),
    ("ls-files", objects::ls_files),
    ("ls-remote", remote::ls_remote),
    ("ls-tree", objects::ls_tree),
    ("merge", merge::merge),
    ("merge-base", revparse::merge_base),
    ("mv", add::mv),
    ("pull", remote::pull),
    ("push", remote::push),
    ("rebase", pick::rebase),
    ("reflog", log::reflog_command),
    ("remote", remote::remote),
    ("reset", reset::reset),
    ("restore", checkout::restore),
    ("rev-list", log::rev_list),
    ("rev-parse", revparse::rev_parse),
    ("revert", pick::revert),
    ("rm", add::rm),
    ("shortlog", log::shortlog),
    ("show", log::show),
    ("show-ref", revparse::show_ref),
    ("stage", add::add),
    ("stash", stash::stash),
    ("status", status::status),
    ("switch", checkout::switch),
    ("symbolic-ref", revparse::symbolic_ref),
    ("tag", branch::tag),
    ("update-ref", revparse::update_ref),
    ("version", version),
    ("write-tree", objects::write_tree),
];

/// Runs a command line; gives the status.
pub fn run(arguments: Vec<BString>) -> u8 {
    let mut globals = Globals { overrides: Vec::new(), git_dir: None, work_tree: None, out: Out::new() };
    let result = begin(&mut globals, arguments);
    let flushed = globals.out.flush();
    match result.and(flushed) {
        Ok(()) => 0,
        Err(error) => {
            complain(&error.report());
            error.status()
        }
    }
}

const USAGE: &str = "usage: git [-v | --version] [-h | --help] [-C <path>] [-c <name>=<value>]\n\
           \x20          [--git-dir=<path>] [--work-tree=<path>] [--no-pager]\n\
           \x20          <command> [<args>]\n";

fn begin(globals: &mut Globals, arguments: Vec<BString>) -> Result {
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut needed = |name: &str| {
            arguments.next().ok_or_else(|| Error::Text(format!("no value given for {name}\n{USAGE}"), 129))
        };
        match argument.as_bytes() {
            b"-C" => {
                let folder = arguments.next().ok_or_else(|| {
                    Error::Text(format!("no directory given for '-C' option\n{USAGE}"), 129)
                })?;
                if !folder.is_empty() {
                    std::env::set_current_dir(crate::session::to_path(folder.as_bstr())).map_err(
                        |error| crate::error::fatal!("cannot change to '{folder}': {}", reason(&error)),
                    )?;
                }
            }
            b"-c" => {
                let value = arguments
                    .next()
                    .ok_or_else(|| Error::Text(format!("-c expects a configuration string\n{USAGE}"), 129))?;
                globals.overrides.push(value);
            }
            b"--git-dir" => globals.git_dir = Some(PathBuf::from(needed("--git-dir")?.to_string())),
            b"--work-tree" => globals.work_tree = Some(PathBuf::from(needed("--work-tree")?.to_string())),
            b"-v" | b"--version" => return version(globals, &[]),
            b"-h" | b"--help" => return help(globals, &[]),
            b"--no-pager"
            | b"-P"
            | b"-p"
            | b"--paginate"
            | b"--no-optional-locks"
            | b"--no-replace-objects"
            | b"--literal-pathspecs"
            | b"--no-advice" => {}
            b"--bare" => globals.git_dir = Some(PathBuf::from(".")),
            other => {
                if let Some(path) = other.strip_prefix(b"--git-dir=") {
                    globals.git_dir = Some(PathBuf::from(path.to_str_lossy().into_owned()));
                } else if let Some(path) = other.strip_prefix(b"--work-tree=") {
                    globals.work_tree = Some(PathBuf::from(path.to_str_lossy().into_owned()));
                } else if other.starts_with(b"-") {
                    return Err(Error::Text(format!("unknown option: {argument}\n{USAGE}"), 129));
                } else {
                    let rest: Vec<BString> = arguments.collect();
                    return dispatch(globals, argument, &rest, 0);
                }
            }
        }
    }
    globals.out.bytes(overview())?;
    Err(Error::Status(1))
}

fn dispatch(globals: &Globals, name: BString, rest: &[BString], depth: u8) -> Result {
    if let Some((_, command)) = COMMANDS.iter().find(|(known, _)| *known == name) {
        return command(globals, rest);
    }
    let alias = match globals.discover()? {
        Some(session) => session.config(&format!("alias.{name}")),
        None => config::global(globals, &format!("alias.{name}")),
    };
    if let Some(alias) = alias {
        if alias.starts_with(b"!") {
            return Err(crate::error::fatal!(
                "while expanding alias '{name}': '{}': no commands can be started here",
                &alias[1..].as_bstr()
            ));
        }
        if depth > 9 {
            return Err(crate::error::fatal!(
                "alias loop detected: expansion of '{name}' does not terminate"
            ));
        }
        let mut words = split(alias.as_bstr());
        if !words.is_empty() {
            let first = words.remove(0);
            if first == name {
                return Err(crate::error::fatal!("recursive alias: {name}"));
            }
            words.extend(rest.iter().cloned());
            return dispatch(globals, first, &words, depth + 1);
        }
    }
    let mut text = format!("git: '{name}' is not a git command. See 'git --help'.\n");
    let near: Vec<&str> = COMMANDS
        .iter()
        .map(|(known, _)| *known)
        .filter(|known| distance(known.as_bytes(), &name) <= 1 + known.len() / 4)
        .collect();
    match near.as_slice() {
        [] => {}
        [one] => text.push_str(&format!("\nThe most similar command is\n\t{one}\n")),
        many => text.push_str(&format!("\nThe most similar commands are\n\t{}\n", many.join("\n\t"))),
    }
    Err(Error::Text(text, 1))
}

/// How many letters have to be changed, added, removed or swapped with the next one.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let width = other.len() + 1;
    let mut table = vec![0; (one.len() + 1) * width];
    for row in 0..=one.len() {
        for column in 0..width {
            let value = if row == 0 {
                column
            } else if column == 0 {
                row
            } else {
                let cost = usize::from(one[row - 1] != other[column - 1]);
                let mut best = (table[(row - 1) * width + column] + 1)
                    .min(table[row * width + column - 1] + 1)
                    .min(table[(row - 1) * width + column - 1] + cost);
                if row > 1
                    && column > 1
                    && one[row - 1] == other[column - 2]
                    && one[row - 2] == other[column - 1]
                {
                    best = best.min(table[(row - 2) * width + column - 2] + 1);
                }
                best
            };
            table[row * width + column] = value;
        }
    }
    table[one.len() * width + other.len()]
}

/// The words of an alias.
fn split(text: &gix::bstr::BStr) -> Vec<BString> {
    let mut words = Vec::new();
    let mut word: Option<BString> = None;
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(end), byte) if byte == end => quote = None,
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (Some(b'"') | None, b'\\') => word.get_or_insert_default().extend(bytes.next()),
            (None, b' ' | b'\t' | b'\n') => words.extend(word.take()),
            (_, byte) => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words
}

/// The system's words for an error.
pub fn reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "No such file or directory".into(),
        ErrorKind::PermissionDenied => "Permission denied".into(),
        ErrorKind::NotADirectory => "Not a directory".into(),
        ErrorKind::IsADirectory => "Is a directory".into(),
        ErrorKind::AlreadyExists => "File exists".into(),
        ErrorKind::DirectoryNotEmpty => "Directory not empty".into(),
        _ => error.to_string(),
    }
}

fn version(globals: &Globals, _: &[BString]) -> Result {
    globals.out.line(format!("git version {VERSION}"))
}

fn overview() -> String {
    let names: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
    let mut text = format!("{USAGE}\nThe commands there are:\n\n");
    for row in names.chunks(6) {
        text.push_str("  ");
        for name in row {
            text.push_str(&format!(" {name:<14}"));
        }
        let end = text.trim_end().len();
        text.truncate(end);
        text.push('\n');
    }
    text
}

fn help(globals: &Globals, _: &[BString]) -> Result {
    globals.out.bytes(overview())
}
