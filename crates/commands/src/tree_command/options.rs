//! The options of `tree`, which it reads in its own way: any cluster, and `--name value` or `--name=value`.

use std::collections::VecDeque;

use bstr::{BString, ByteSlice};

use crate::glob::Glob;
use crate::{Fail, Tool};

/// How the tree is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Xml,
    Json,
}

/// What entries are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    Version,
    Size,
    Modified,
    Changed,
    None,
}

/// The lines that are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    Unicode,
    Ascii,
    Ansi,
    Cp437,
}

/// How the characters of names that cannot be printed are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unprintable {
    Octal,
    Question,
    Raw,
}

pub(super) struct Plan {
    pub(super) all: bool,
    pub(super) directories_only: bool,
    pub(super) follow: bool,
    pub(super) full_path: bool,
    pub(super) one_filesystem: bool,
    pub(super) level: usize,
    pub(super) only: Vec<Glob>,
    pub(super) ignore: Vec<Glob>,
    pub(super) git_ignore: bool,
    pub(super) match_directories: bool,
    pub(super) meta_first: bool,
    /// The operands are lists of paths.
    pub(super) from_file: bool,
    pub(super) prune: bool,
    pub(super) report: bool,
    pub(super) lines: Lines,
    pub(super) file_limit: usize,
    pub(super) output: Option<BString>,
    pub(super) unprintable: Unprintable,
    pub(super) quote: bool,
    pub(super) mode: bool,
    pub(super) user: bool,
    pub(super) group: bool,
    pub(super) size: bool,
    pub(super) human: Option<u64>,
    pub(super) usage: bool,
    pub(super) date: bool,
    pub(super) time_format: Option<BString>,
    pub(super) classify: bool,
    pub(super) inode: bool,
    pub(super) device: bool,
    pub(super) order: Order,
    pub(super) reverse: bool,
    /// Directories first (`Some(true)`) or files first.
    pub(super) first: Option<bool>,
    pub(super) indent: bool,
    pub(super) color: bool,
    pub(super) form: Form,
}

const USAGE: &str = "usage: tree [-acdfghilnpqrstuvxACDFJNQSUX] [-L level [-R]] [-o filename]\n\
    \t[-P pattern] [-I pattern] [--gitignore] [--matchdirs] [--metafirst]\n\
    \t[--ignore-case] [--inodes] [--device] [--sort[=]<name>] [--dirsfirst]\n\
    \t[--filesfirst] [--filelimit #] [--si] [--du] [--prune] [--charset[=]X]\n\
    \t[--timefmt[=]format] [--noreport] [--version] [--help] [--]\n\
    \t[directory ...]\n";

async fn fail<T>(t: &mut Tool, text: String) -> Result<T, Fail> {
    t.err.put(text.as_bytes());
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    Err(Fail::Status(1))
}

/// Reads the arguments: the plan, and the directories.
pub(super) async fn parse(t: &mut Tool) -> Result<(Plan, Vec<BString>), Fail> {
    let charset = t.ctx.env("TREE_CHARSET");
    let mut plan = Plan {
        all: false,
        directories_only: false,
        follow: false,
        full_path: false,
        one_filesystem: false,
        level: usize::MAX,
        only: Vec::new(),
        ignore: Vec::new(),
        git_ignore: false,
        match_directories: false,
        from_file: false,
        meta_first: false,
        prune: false,
        report: true,
        lines: lines_of(t, charset.as_deref().map(|name| &name[..])),
        file_limit: usize::MAX,
        output: None,
        unprintable: Unprintable::Octal,
        quote: false,
        mode: false,
        user: false,
        group: false,
        size: false,
        human: None,
        usage: false,
        date: false,
        time_format: None,
        classify: false,
        inode: false,
        device: false,
        order: Order::Name,
        reverse: false,
        first: None,
        indent: true,
        color: false,
        form: Form::Text,
    };
    let mut ignore_case = false;
    let (mut only, mut ignore): (Vec<BString>, Vec<BString>) = (Vec::new(), Vec::new());
    let mut roots = Vec::new();
    let mut arguments: VecDeque<BString> = t.arguments().into();
    let mut literal = false;
    while let Some(argument) = arguments.pop_front() {
        if literal || !argument.starts_with(b"-") || argument == "-" {
            roots.push(argument);
            continue;
        }
        if argument == "--" {
            literal = true;
            continue;
        }
        if let Some(long) = argument.strip_prefix(b"--") {
            let (name, attached) = match long.split_once_str("=") {
                Some((name, value)) => (name, Some(BString::from(value))),
                None => (long, None),
            };
            if long == b"help" {
                return Err(Fail::Help);
            }
            if long == b"version" {
                return Err(Fail::Version);
            }
            let mut value = || attached.clone().or_else(|| arguments.pop_front());
            match name {
                b"gitignore" => plan.git_ignore = true,
                b"ignore-case" => ignore_case = true,
                b"matchdirs" => plan.match_directories = true,
                b"metafirst" => plan.meta_first = true,
                b"fromfile" => plan.from_file = true,
                b"prune" => plan.prune = true,
                b"noreport" => plan.report = false,
                b"si" => (plan.size, plan.human) = (true, Some(1000)),
                b"du" => (plan.usage, plan.size) = (true, true),
                b"inodes" => plan.inode = true,
                b"device" => plan.device = true,
                b"dirsfirst" => plan.first = Some(true),
                b"filesfirst" => plan.first = Some(false),
                b"nolinks" | b"fflinks" => {}
                b"charset" => {
                    let Some(name) = value() else {
                        return fail(t, "tree: Missing argument to --charset\n".into()).await;
                    };
                    plan.lines = lines_of(t, Some(&name));
                }
                b"filelimit" => {
                    let Some(text) = value() else {
                        return fail(t, "tree: Missing argument to --filelimit\n".into()).await;
                    };
                    let number: usize = text.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(0);
                    plan.file_limit = if number == 0 { usize::MAX } else { number };
                }
                b"timefmt" => {
                    let Some(format) = value() else {
                        return fail(t, "tree: Missing argument to --timefmt\n".into()).await;
                    };
                    plan.time_format = Some(format);
                    plan.date = true;
                }
                b"sort" => {
                    let Some(word) = value() else {
                        return fail(t, "tree: Missing argument to --sort\n".into()).await;
                    };
                    plan.order = match &word[..] {
                        b"name" => Order::Name,
                        b"version" => Order::Version,
                        b"size" => Order::Size,
                        b"mtime" => Order::Modified,
                        b"ctime" => Order::Changed,
                        b"none" => Order::None,
                        _ => {
                            let message = format!(
                                "tree: Sort type '{word}' not valid, should be one of: name,version,size,mtime,ctime,none\n"
                            );
                            return fail(t, message).await;
                        }
                    };
                }
                _ => {
                    let message = format!("tree: Invalid argument `{argument}'.\n{USAGE}");
                    return fail(t, message).await;
                }
            }
            continue;
        }
        for letter in argument.bytes().skip(1) {
            match letter {
                b'a' => plan.all = true,
                b'd' => plan.directories_only = true,
                b'l' => plan.follow = true,
                b'f' => plan.full_path = true,
                b'x' => plan.one_filesystem = true,
                b'R' => {}
                b'q' => plan.unprintable = Unprintable::Question,
                b'N' => plan.unprintable = Unprintable::Raw,
                b'Q' => plan.quote = true,
                b'p' => plan.mode = true,
                b'u' => plan.user = true,
                b'g' => plan.group = true,
                b's' => plan.size = true,
                b'h' => (plan.size, plan.human) = (true, Some(1024)),
                b'D' => plan.date = true,
                b'F' => plan.classify = true,
                b'v' => plan.order = Order::Version,
                b't' => plan.order = Order::Modified,
                b'c' => plan.order = Order::Changed,
                b'U' => plan.order = Order::None,
                b'r' => plan.reverse = true,
                b'i' => plan.indent = false,
                b'A' => plan.lines = Lines::Ansi,
                b'S' => plan.lines = Lines::Cp437,
                b'n' => plan.color = false,
                b'C' => plan.color = true,
                b'X' => plan.form = Form::Xml,
                b'J' => plan.form = Form::Json,
                b'L' | b'P' | b'I' | b'o' | b'H' | b'T' => {
                    let Some(value) = arguments.pop_front() else {
                        let message = format!("tree: Missing argument to -{} option.\n", char::from(letter));
                        return fail(t, message).await;
                    };
                    match letter {
                        b'L' => {
                            let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
                            let number =
                                value.get(..digits).and_then(|text| text.to_str().ok()?.parse().ok());
                            match number {
                                Some(level) if level > 0 => plan.level = level,
                                _ => {
                                    let message = "tree: Invalid level, must be greater than 0.\n";
                                    return fail(t, message.into()).await;
                                }
                            }
                        }
                        b'P' => only.push(value),
                        b'I' => ignore.push(value),
                        b'o' => plan.output = Some(value),
                        _ => {}
                    }
                }
                _ => {
                    let message =
                        format!("tree: Invalid argument -`{}'.\n{USAGE}", BString::from(vec![letter]));
                    return fail(t, message).await;
                }
            }
        }
    }
    let patterns = |texts: &[BString]| -> Vec<Glob> {
        let alternatives = texts.iter().flat_map(|text| text.split(|byte| *byte == b'|'));
        alternatives.map(|text| Glob::new(text).ignore_case(ignore_case)).collect()
    };
    plan.only = patterns(&only);
    plan.ignore = patterns(&ignore);
    Ok((plan, roots))
}

fn lines_of(t: &Tool, charset: Option<&[u8]>) -> Lines {
    match charset {
        None if t.utf8 => Lines::Unicode,
        Some(name) if name.eq_ignore_ascii_case(b"utf-8") || name.eq_ignore_ascii_case(b"utf8") => {
            Lines::Unicode
        }
        _ => Lines::Ascii,
    }
}
