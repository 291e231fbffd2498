//! `zip`: what its arguments ask for, and which files and entries are meant.

use bstr::{BString, ByteSlice};
use wasmsh_os::{FileType, Stat};

use super::source::{Source, ZipError};
use super::write;
use crate::glob::Glob;
use crate::path::{base_name, join};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static ZIP: Command = Command {
    name: "zip",
    usage: &["[-OPTIONS] [FILE[.zip] [PATH...]] [-x PATTERN...] [-i PATTERN...]"],
    about: "Add files to a zip archive, or replace, freshen or delete its entries. The name - stands for\n\
            standard input among the paths, and for standard output as the archive.",
    options: &[
        Opt::flag("f", "freshen: only what is in the archive, and has changed"),
        Opt::flag("u", "update: only what is new or has changed"),
        Opt::flag("d", "delete entries of the archive"),
        Opt::flag("FS", "make the archive as the files are"),
        Opt::flag("m", "delete the files afterwards"),
        Opt::flag("r", "go into directories"),
        Opt::flag("R", "go into the working directory for names that match the patterns"),
        Opt::flag("j", "leave the directories of the names out"),
        Opt::flag("D", "no entries for directories"),
        Opt::flag("y", "store symbolic links as links"),
        Opt::flag("0", "store only; to -9, compress best"),
        Opt::value("Z", "METHOD", "store, deflate or bzip2"),
        Opt::value("n", "SUFFIXES", "do not compress files with these endings"),
        Opt::flag("l", "ends of lines become CR LF; -ll: LF"),
        Opt::flag("q", "say nothing"),
        Opt::flag("v", "say more"),
        Opt::flag("z", "ask for a comment of the archive"),
        Opt::flag("@", "read names from standard input"),
        Opt::flag("o", "make the archive as old as its latest entry"),
        Opt::flag("X", "no extra fields"),
        Opt::flag("T", "test the archive"),
        Opt::value("t", "DATE", "only files from this date on; -tt: before it"),
        Opt::value("O", "FILE", "write the archive there"),
        Opt::value("x", "PATTERN...", "leave these names out"),
        Opt::value("i", "PATTERN...", "only these names"),
    ],
    more: "",
    usage_status: 16,
    main: |ctx| start(&ZIP, ctx, run),
};

/// What is done with the archive.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Action {
    #[default]
    Add,
    Update,
    Freshen,
    Delete,
    Sync,
}

/// What is asked for.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) action: Action,
    pub(super) archive: BString,
    pub(super) output: Option<BString>,
    paths: Vec<BString>,
    recurse: bool,
    by_patterns: bool,
    pub(super) junk: bool,
    pub(super) no_directories: bool,
    pub(super) links: bool,
    pub(super) level: Option<u32>,
    pub(super) method: Option<u16>,
    pub(super) stored_suffixes: Vec<BString>,
    /// 1: to CR LF, 2: to LF.
    pub(super) newlines: u8,
    pub(super) quiet: u8,
    pub(super) verbose: bool,
    pub(super) comment: bool,
    from_stdin: bool,
    pub(super) latest: bool,
    pub(super) plain: bool,
    pub(super) test: bool,
    pub(super) remove: bool,
    since: Option<i64>,
    before: Option<i64>,
    included: Vec<Glob>,
    excluded: Vec<Glob>,
}

/// A file that is put in.
pub(super) struct Found {
    pub(super) path: BString,
    /// As the archive has it.
    pub(super) name: BString,
    /// `None`: standard input.
    pub(super) stat: Option<Stat>,
}

/// An error that ends everything, as it is told: on standard output unless that is the archive.
pub(super) async fn fatal(t: &mut Tool, plan: &Plan, status: u8, text: &str) -> Fail {
    if let Err(fail) = say(t, plan, &format!("\nzip error: {text}\n")).await {
        return fail;
    }
    Fail::Status(status)
}

/// Text on its way to whoever watches.
pub(super) async fn say(t: &mut Tool, plan: &Plan, text: &str) -> Done {
    if plan.archive == "-" {
        t.err.put(text.as_bytes());
        // Nobody is left to tell when this fails.
        let _ = t.err.flush().await;
    } else {
        t.out.put(text.as_bytes());
        t.out.drain().await?;
    }
    Ok(())
}

/// A warning, which `-q` keeps back.
pub(super) async fn warn(t: &mut Tool, plan: &Plan, text: &str) -> Done {
    if plan.quiet > 0 { Ok(()) } else { say(t, plan, &format!("\tzip warning: {text}\n")).await }
}

async fn bad(t: &mut Tool, plan: &Plan, text: &str) -> Fail {
    fatal(t, plan, 16, &format!("Invalid command arguments ({text})")).await
}

/// Long names of options, and their letters.
const LONG: [(&str, &str); 31] = [
    ("recurse-paths", "r"),
    ("recurse-patterns", "R"),
    ("update", "u"),
    ("freshen", "f"),
    ("delete", "d"),
    ("filesync", "FS"),
    ("move", "m"),
    ("junk-paths", "j"),
    ("no-dir-entries", "D"),
    ("symlinks", "y"),
    ("quiet", "q"),
    ("verbose", "v"),
    ("archive-comment", "z"),
    ("names-stdin", "@"),
    ("latest-time", "o"),
    ("no-extra", "X"),
    ("test", "T"),
    ("to-crlf", "l"),
    ("from-crlf", "ll"),
    ("exclude", "x"),
    ("include", "i"),
    ("suffixes", "n"),
    ("from-date", "t"),
    ("before-date", "tt"),
    ("output-file", "O"),
    ("out", "O"),
    ("compression-method", "Z"),
    ("temp-path", "b"),
    ("password", "P"),
    ("help", "h"),
    ("version", "V"),
];

/// Options of two letters.
const DOUBLE: [&str; 8] = ["FS", "ll", "tt", "nw", "ic", "ws", "mm", "la"];

async fn parse(t: &mut Tool) -> Result<Plan, Fail> {
    let mut plan = Plan::default();
    let mut arguments = t.arguments().into_iter().peekable();
    let (mut has_archive, mut verbatim) = (false, false);
    while let Some(argument) = arguments.next() {
        let mut letters: Vec<(String, Option<BString>)> = Vec::new();
        if verbatim || argument == "-" || !argument.starts_with(b"-") {
            if argument == "@" && !verbatim {
                continue;
            }
            if std::mem::replace(&mut has_archive, true) {
                plan.paths.push(argument);
            } else {
                plan.archive = argument;
            }
            continue;
        }
        if argument == "--" {
            verbatim = true;
            continue;
        }
        if let Some(long) = argument.strip_prefix(b"--") {
            let (name, value) =
                long.split_once_str("=").map_or((long, None), |(name, value)| (name, Some(value)));
            let mut hits = LONG.iter().filter(|(long, _)| long.as_bytes().starts_with(name));
            let exact = LONG.iter().find(|(long, _)| long.as_bytes() == name);
            let Some((_, letter)) = exact.or_else(|| hits.next().filter(|_| hits.next().is_none())) else {
                let text = format!("long option '{}' not supported", name.as_bstr());
                return Err(bad(t, &plan, &text).await);
            };
            letters.push(((*letter).into(), value.map(BString::from)));
        } else {
            let mut rest = argument.get(1..).unwrap_or_default();
            while !rest.is_empty() {
                let double = DOUBLE.iter().find(|name| rest.starts_with(name.as_bytes()));
                let count = double.map_or(1, |_| 2);
                let (name, after) = rest.split_at(count);
                let name = name.to_str_lossy().into_owned();
                rest = after;
                if matches!(&name[..], "x" | "i" | "n" | "t" | "tt" | "O" | "Z" | "b" | "P" | "s") {
                    let value = rest.strip_prefix(b"=").unwrap_or(rest);
                    letters.push((name, (!value.is_empty()).then(|| value.into())));
                    break;
                }
                letters.push((name, None));
            }
        }
        for (name, value) in letters {
            let wants = matches!(&name[..], "x" | "i" | "n" | "t" | "tt" | "O" | "Z" | "b" | "P" | "s");
            let value = match value {
                None if wants => match arguments.next_if(|next| !next.starts_with(b"-") || next.len() == 1) {
                    Some(value) => value,
                    None => {
                        let long = match &name[..] {
                            "x" => "exclude files matching patterns",
                            "i" => "include only files matching patterns",
                            "n" => "suffixes to not compress",
                            "t" => "exclude before date",
                            "tt" => "include before date",
                            "O" => "set output zipfile different than input",
                            "Z" => "compression method",
                            _ => "value",
                        };
                        let text = format!("option '{name}' ({long}) requires a value");
                        return Err(bad(t, &plan, &text).await);
                    }
                },
                value => value.unwrap_or_default(),
            };
            match &name[..] {
                "f" => plan.action = Action::Freshen,
                "u" => plan.action = Action::Update,
                "d" => plan.action = Action::Delete,
                "FS" => plan.action = Action::Sync,
                "m" => plan.remove = true,
                "r" => plan.recurse = true,
                "R" => (plan.recurse, plan.by_patterns) = (true, true),
                "j" => plan.junk = true,
                "D" => plan.no_directories = true,
                "y" => plan.links = true,
                "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" => plan.level = name.parse().ok(),
                "Z" => {
                    use super::format::method::{BZIP2, DEFLATED, STORED};
                    plan.method = Some(match &value[..] {
                        b"store" => STORED,
                        b"deflate" => DEFLATED,
                        b"bzip2" => BZIP2,
                        _ => {
                            warn(t, &plan, "valid compression methods are:  store, deflate, bzip2").await?;
                            warn(t, &plan, &format!("unknown compression method found:  {value}")).await?;
                            let text = "Option -Z (--compression-method):  unknown method";
                            return Err(bad(t, &plan, text).await);
                        }
                    });
                }
                "n" => plan.stored_suffixes.extend(value.split_str(":").map(BString::from)),
                "l" => plan.newlines = 1,
                "ll" => plan.newlines = 2,
                "q" => plan.quiet += 1,
                "v" => plan.verbose = true,
                "z" => plan.comment = true,
                "@" => plan.from_stdin = true,
                "o" => plan.latest = true,
                "X" => plan.plain = true,
                "T" => plan.test = true,
                "t" | "tt" => {
                    let Some(seconds) = date(t, &value) else {
                        let text =
                            format!("invalid date entered for -{name} option - use mmddyyyy or yyyy-mm-dd");
                        return Err(bad(t, &plan, &text).await);
                    };
                    *(if name == "t" { &mut plan.since } else { &mut plan.before }) = Some(seconds);
                }
                "O" => plan.output = Some(value),
                "x" | "i" => {
                    let mut patterns = vec![value];
                    while let Some(more) = arguments.next_if(|next| !next.starts_with(b"-") && next != "@") {
                        patterns.push(more);
                    }
                    for pattern in patterns {
                        let list = if name == "x" { &mut plan.excluded } else { &mut plan.included };
                        let Some(file) = pattern.strip_prefix(b"@") else {
                            list.push(Glob::new(&pattern));
                            continue;
                        };
                        let Ok(text) = t.ctx.read_file(file).await else {
                            let text = format!(
                                "File not found or no read permission ({name} pattern file '{pattern}')"
                            );
                            let _ = say(t, &plan, "zip I/O error: No such file or directory").await;
                            return Err(fatal(t, &plan, 18, &text).await);
                        };
                        list.extend(text.lines().filter(|line| !line.is_empty()).map(Glob::new));
                    }
                }
                "h" => return Err(Fail::Help),
                "V" => return Err(Fail::Version),
                // Where temporary files are: there are none.
                "b" => {}
                "e" | "P" => return Err(bad(t, &plan, "encryption not supported").await),
                name => {
                    let text = format!("short option '{name}' not supported");
                    return Err(bad(t, &plan, &text).await);
                }
            }
        }
    }
    if !has_archive && !plan.included.is_empty() {
        return Err(bad(t, &plan, "nothing to select from").await);
    }
    if !has_archive {
        plan.archive = "-".into();
        plan.paths.push("-".into());
    } else if plan.archive != "-" && !base_name(&plan.archive).contains(&b'.') {
        plan.archive.extend_from_slice(b".zip");
    }
    Ok(plan)
}

/// Midnight of a day.
fn date(t: &Tool, text: &[u8]) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        part.iter().all(u8::is_ascii_digit).then(|| part.to_str().ok()?.parse().ok())?
    };
    let (year, month, day) = match text.len() {
        8 => (number(4, 8)?, number(0, 2)?, number(2, 4)?),
        10 if text.get(4) == Some(&b'-') && text.get(7) == Some(&b'-') => {
            (number(0, 4)?, number(5, 7)?, number(8, 10)?)
        }
        _ => return None,
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let local = crate::time::Date::days(year, month, day)? * crate::time::DAY;
    let zone = crate::time::zone(&t.ctx);
    Some(local - crate::time::offset_at(&zone, local).seconds)
}

impl Plan {
    /// Whether the patterns and dates let a name in.
    fn admits(&self, name: &[u8]) -> bool {
        (self.included.is_empty() || self.included.iter().any(|glob| glob.matches(name)))
            && !self.excluded.iter().any(|glob| glob.matches(name))
    }

    /// Whether there are files, and only patterns keep all of them out.
    pub(super) fn filters_all(&self, t: &Tool) -> bool {
        !self.included.is_empty() && self.paths.iter().any(|path| t.ctx.stat(path, true).is_ok())
    }

    fn in_time(&self, stat: Option<&Stat>) -> bool {
        let Some(stat) = stat else { return true };
        let seconds = stat.modified.seconds;
        self.since.is_none_or(|since| seconds >= since) && self.before.is_none_or(|before| seconds < before)
    }

    /// How the archive calls a file.
    fn name_of(&self, path: &[u8], is_directory: bool) -> BString {
        let mut name = path;
        // The root of the file system, and the working directory, are not told.
        if let Some(rest) = name.strip_prefix(b"//") {
            name = rest.split_once_str("/").map_or(&b""[..], |(_, rest)| rest);
        }
        loop {
            match name {
                [b'/', rest @ ..] => name = rest,
                [b'.', b'/', rest @ ..] => name = rest,
                b"." => name = b"",
                _ => break,
            }
        }
        let name = name.trim_end_with(|letter| letter == '/');
        let name = if self.junk { base_name(name) } else { name };
        let mut name = BString::from(name);
        if is_directory && !name.is_empty() {
            name.push(b'/');
        }
        name
    }
}

/// The files that the paths stand for, each once.
async fn gather(t: &mut Tool, plan: &Plan, existing: &[BString]) -> Result<Vec<Found>, Fail> {
    let mut paths = plan.paths.clone();
    if plan.from_stdin {
        let mut input = t.ctx.stdin()?;
        while let Some(line) = input.line(b'\n').await? {
            let line = line.trim_ascii_end();
            if !line.is_empty() {
                paths.push(line.into());
            }
        }
    }
    let mut patterns = Vec::new();
    if plan.by_patterns {
        patterns = paths.iter().map(|path| Glob::new(path)).collect();
        paths = vec![".".into()];
    } else if paths.is_empty() && matches!(plan.action, Action::Freshen | Action::Update) {
        paths = existing.to_vec();
    }
    let mut found: Vec<Found> = Vec::new();
    let mut known: std::collections::HashMap<BString, BString> = std::collections::HashMap::new();
    for path in paths {
        // What a pattern matches in the archive is meant as well.
        let glob = Glob::new(&path);
        let mut tops = vec![path.clone()];
        if path != "-" && t.ctx.stat(&path, !plan.links).is_err() {
            tops = existing.iter().filter(|name| glob.matches(name)).cloned().collect();
            tops.retain(|name| t.ctx.stat(name, !plan.links).is_ok());
            if tops.is_empty() && (plan.from_stdin || !plan.paths.is_empty()) {
                warn(t, plan, &format!("name not matched: {path}")).await?;
            }
        }
        let mut stack: Vec<(BString, bool)> = tops.into_iter().rev().map(|path| (path, true)).collect();
        while let Some((path, is_top)) = stack.pop() {
            t.ctx.tick().await;
            if path == "-" {
                found.push(Found { path: "-".into(), name: "-".into(), stat: None });
                continue;
            }
            let Ok(stat) = t.ctx.stat(&path, !plan.links) else {
                if !is_top {
                    warn(t, plan, &format!("name not matched: {path}")).await?;
                }
                continue;
            };
            let name = plan.name_of(&path, stat.is_directory());
            if stat.is_directory() {
                if plan.recurse {
                    let entries = t.ctx.read_directory(&path).unwrap_or_default();
                    let inner = entries.into_iter().rev().map(|entry| {
                        let base = if path == "." { BString::default() } else { path.clone() };
                        (join(&base, entry.name.as_bytes()), false)
                    });
                    stack.extend(inner);
                }
                if plan.no_directories || plan.junk || name.is_empty() {
                    continue;
                }
            } else if stat.kind == FileType::Fifo {
                let text = format!("ignoring FIFO (Named Pipe) - use -FI to read: {path}");
                warn(t, plan, &text).await?;
                continue;
            }
            let matching = |glob: &Glob| glob.matches(&name) || (!plan.by_patterns && glob.matches(&path));
            if !patterns.is_empty()
                && (stat.is_directory()
                    || !patterns.iter().any(|glob| matching(glob) || glob.matches(base_name(&name))))
            {
                continue;
            }
            // Neither the archive itself, nor what is left out.
            let is_archive = plan.archive != "-"
                && !is_top
                && t.ctx
                    .stat(&plan.archive, true)
                    .is_ok_and(|archive| crate::path::same_file(&archive, &stat));
            if is_archive || !plan.admits(&name) || !plan.in_time(Some(&stat)) {
                continue;
            }
            match known.get(&name) {
                Some(first) if *first == path => {}
                Some(other) => {
                    let (first, path) = (other.min(&path), other.max(&path));
                    let text = format!(
                        "\tzip warning:   first full name: {first}\n{:22}second full name: {path}\n\
                         {:21}name in zip file repeated: {name}\n",
                        "", ""
                    );
                    say(t, plan, &text).await?;
                    if plan.junk {
                        say(t, plan, &format!("{:21}this may be a result of using -j\n", "")).await?;
                    }
                    return Err(bad(t, plan, "cannot repeat names in zip file").await);
                }
                None => {
                    known.insert(name.clone(), path.clone());
                    found.push(Found { path, name, stat: Some(stat) });
                }
            }
        }
    }
    Ok(found)
}

async fn run(t: &mut Tool) -> Done {
    let plan = parse(t).await?;
    let mut source = None;
    let mut entries = Vec::new();
    if plan.archive != "-"
        && let Ok(stat) = t.ctx.stat(&plan.archive, true)
        && stat.size > 0
    {
        match read(t, &plan).await {
            Ok((opened, all)) => (source, entries) = (Some(opened), all),
            Err(ZipError::Read(error)) => {
                say(t, &plan, &format!("zip I/O error: {}", error.strerror())).await?;
                let text = format!("Zip file structure invalid ({})", plan.archive);
                return Err(fatal(t, &plan, 3, &text).await);
            }
            Err(_) => {
                for text in [
                    "missing end signature--probably not a zip file (did you",
                    "remember to use binary mode when you transferred it?)",
                    "(if you are trying to read a damaged archive try -F)",
                ] {
                    warn(t, &plan, text).await?;
                }
                let text = format!("Zip file structure invalid ({})", plan.archive);
                return Err(fatal(t, &plan, 3, &text).await);
            }
        }
    } else if matches!(plan.action, Action::Update | Action::Freshen | Action::Delete) {
        warn(t, &plan, &format!("{} not found or empty", plan.archive)).await?;
        if plan.action == Action::Freshen {
            return Err(Fail::Status(12));
        }
    }
    let names: Vec<BString> = entries.iter().map(|entry: &super::format::Entry| entry.name.clone()).collect();
    let mut deleted = vec![false; entries.len()];
    let mut found = Vec::new();
    if plan.output.is_some() && source.is_none() && plan.archive != "-" {
        say(t, &plan, "zip I/O error: No such file or directory").await?;
        let text = format!("File not found or no read permission ({})", plan.archive);
        return Err(fatal(t, &plan, 18, &text).await);
    }
    if plan.action == Action::Delete {
        for path in &plan.paths {
            let glob = Glob::new(path);
            let mut any = false;
            for (name, deleted) in names.iter().zip(&mut deleted) {
                if glob.matches(name) {
                    (*deleted, any) = (true, true);
                }
            }
            if !any && source.is_some() {
                warn(t, &plan, &format!("name not matched: {path}")).await?;
            }
        }
    } else {
        found = gather(t, &plan, &names).await?;
    }
    write::write(t, &plan, source, entries, deleted, found).await
}

async fn read(t: &Tool, plan: &Plan) -> Result<(Source, Vec<super::format::Entry>), ZipError> {
    let source = Source::open(&t.ctx, &plan.archive).await?;
    let mut walk = source.entries();
    let mut entries = Vec::new();
    while let Some(entry) = walk.next(&source).await? {
        entries.push(entry);
    }
    Ok((source, entries))
}
