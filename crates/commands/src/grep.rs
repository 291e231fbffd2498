//! `grep`: prints the lines that match. It stands on `wasmsh-regex` for patterns and `memchr` for fixed strings.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Description, Errno, FileType, Input, Position};

use crate::glob::Glob;
use crate::grep_color::Colors;
use crate::grep_match::{Kind, Matcher};
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("E,extended-regexp", "PATTERNS are extended regular expressions"),
    Opt::flag("F,fixed-strings", "PATTERNS are strings"),
    Opt::flag("G,basic-regexp", "PATTERNS are basic regular expressions"),
    Opt::flag("P,perl-regexp", "PATTERNS are Perl regular expressions"),
    Opt::value("e,regexp", "PATTERNS", "use PATTERNS for matching"),
    Opt::value("f,file", "FILE", "take PATTERNS from FILE"),
    Opt::flag("i,y,ignore-case", "ignore case distinctions in patterns and data"),
    Opt::flag("no-ignore-case", "do not ignore case distinctions (default)"),
    Opt::flag("w,word-regexp", "match only whole words"),
    Opt::flag("x,line-regexp", "match only whole lines"),
    Opt::flag("z,null-data", "a data line ends in 0 byte, not newline"),
    Opt::flag("s,no-messages", "suppress error messages"),
    Opt::flag("v,invert-match", "select non-matching lines"),
    Opt::value("m,max-count", "NUM", "stop after NUM selected lines"),
    Opt::flag("b,byte-offset", "print the byte offset with output lines"),
    Opt::flag("n,line-number", "print line number with output lines"),
    Opt::flag("line-buffered", "flush output on every line"),
    Opt::flag("H,with-filename", "print file name with output lines"),
    Opt::flag("h,no-filename", "suppress the file name prefix on output"),
    Opt::value("label", "LABEL", "use LABEL as the standard input file name prefix"),
    Opt::flag("o,only-matching", "show only nonempty parts of lines that match"),
    Opt::flag("q,quiet,silent", "suppress all normal output"),
    Opt::value(
        "binary-files",
        "TYPE",
        "assume that binary files are TYPE;\nTYPE is 'binary', 'text', or 'without-match'",
    ),
    Opt::flag("a,text", "equivalent to --binary-files=text"),
    Opt::flag("I", "equivalent to --binary-files=without-match"),
    Opt::value(
        "d,directories",
        "ACTION",
        "how to handle directories;\nACTION is 'read', 'recurse', or 'skip'",
    ),
    Opt::value(
        "D,devices",
        "ACTION",
        "how to handle devices, FIFOs and sockets;\nACTION is 'read' or 'skip'",
    ),
    Opt::flag("r,recursive", "like --directories=recurse"),
    Opt::flag("R,dereference-recursive", "likewise, but follow all symlinks"),
    Opt::value("include", "GLOB", "search only files that match GLOB (a file pattern)"),
    Opt::value("exclude", "GLOB", "skip files that match GLOB"),
    Opt::value("exclude-from", "FILE", "skip files that match any file pattern from FILE"),
    Opt::value("exclude-dir", "GLOB", "skip directories that match GLOB"),
    Opt::flag("L,files-without-match", "print only names of FILEs with no selected lines"),
    Opt::flag("l,files-with-matches", "print only names of FILEs with selected lines"),
    Opt::flag("c,count", "print only a count of selected lines per FILE"),
    Opt::flag("T,initial-tab", "make tabs line up (if needed)"),
    Opt::flag("Z,null", "print 0 byte after FILE name"),
    Opt::value("B,before-context", "NUM", "print NUM lines of leading context"),
    Opt::value("A,after-context", "NUM", "print NUM lines of trailing context"),
    Opt::value("C,context", "NUM", "print NUM lines of output context"),
    Opt::value("#", "NUM", ""),
    Opt::value("group-separator", "SEP", "print SEP on line between matches with context"),
    Opt::flag("no-group-separator", "do not print separator for matches with context"),
    Opt::optional(
        "color,colour",
        "WHEN",
        "use markers to highlight the matching strings;\nWHEN is 'always', 'never', or 'auto'",
    ),
    Opt::flag("U,binary", "do not strip CR characters at EOL (MSDOS/Windows)"),
    Opt::flag("u,unix-byte-offsets", ""),
    Opt::flag("V", ""),
];

const ABOUT: &str = "Search for PATTERNS in each FILE.\n\
                     PATTERNS can contain multiple patterns separated by newlines.";
const MORE: &str = "When FILE is '-', read standard input.  If no FILE is given, read standard\n\
                    input, but with -r, recursively search the working directory instead.\n\
                    Exit status is 0 if any line is selected, 1 otherwise;\n\
                    if any error occurs and -q is not given, the exit status is 2.";

pub(crate) static COMMAND: Command = Command {
    name: "grep",
    usage: &["[OPTION]... PATTERNS [FILE]..."],
    about: ABOUT,
    options: OPTIONS,
    more: MORE,
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, async |t: &mut Tool| run(t, Kind::Basic).await),
};

pub(crate) static EXTENDED: Command = Command {
    name: "egrep",
    usage: &["[OPTION]... PATTERNS [FILE]..."],
    about: ABOUT,
    options: OPTIONS,
    more: MORE,
    usage_status: 2,
    main: |ctx| start(&EXTENDED, ctx, async |t: &mut Tool| run_old(t, Kind::Extended).await),
};

pub(crate) static FIXED: Command = Command {
    name: "fgrep",
    usage: &["[OPTION]... PATTERNS [FILE]..."],
    about: ABOUT,
    options: OPTIONS,
    more: MORE,
    usage_status: 2,
    main: |ctx| start(&FIXED, ctx, async |t: &mut Tool| run_old(t, Kind::Fixed).await),
};

/// The old names run `grep`, and it is `grep` that speaks.
async fn run_old(t: &mut Tool, kind: Kind) -> Done {
    t.name = "grep".into();
    run(t, kind).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directories {
    Read,
    Skip,
    Recurse,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Binary {
    Report,
    Text,
    WithoutMatch,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    No,
    Matching,
    NotMatching,
}

struct Plan {
    matcher: Matcher,
    delimiter: u8,
    invert: bool,
    quiet: bool,
    no_messages: bool,
    count: bool,
    list: List,
    only_matching: bool,
    numbers: bool,
    offsets: bool,
    names: bool,
    null: bool,
    tabs: bool,
    line_buffered: bool,
    most: u64,
    before: u64,
    after: u64,
    separator: Option<BString>,
    colors: Option<Colors>,
    /// Context was asked for, if only of no lines: groups are kept apart.
    grouped: bool,
    binary: Binary,
    directories: Directories,
    follow: bool,
    skip_devices: Option<bool>,
    label: BString,
    /// Globs of names, and whether they include.
    files: Vec<(Glob, bool)>,
    skipped_directories: Vec<Glob>,
    /// The file that standard output is, which must not be read.
    output: Option<(u64, u64)>,
    matched: bool,
    failed: bool,
}

async fn run(t: &mut Tool, default: Kind) -> Done {
    let mut kind = default;
    let mut patterns: Option<Vec<u8>> = None;
    let (mut ignore_case, mut words, mut lines) = (false, false, false);
    let mut names: Option<bool> = None;
    let (mut before, mut after, mut context) = (None, None, None);
    let mut digits = Vec::new();
    let mut color = false;
    let mut chosen = None;
    let mut plan = Plan {
        matcher: Matcher::nothing(),
        delimiter: b'\n',
        invert: false,
        quiet: false,
        no_messages: false,
        count: false,
        list: List::No,
        only_matching: false,
        numbers: false,
        offsets: false,
        names: false,
        null: false,
        tabs: false,
        line_buffered: false,
        most: u64::MAX,
        before: 0,
        after: 0,
        separator: Some("--".into()),
        colors: None,
        grouped: false,
        binary: Binary::Report,
        directories: Directories::Read,
        follow: false,
        skip_devices: None,
        label: "(standard input)".into(),
        files: Vec::new(),
        skipped_directories: Vec::new(),
        output: None,
        matched: false,
        failed: false,
    };
    let mut options = t.options();
    // A wrong option is told with the usage.
    let wrong = |fail: Fail| match fail {
        Fail::Usage(text) => Fail::Usage(format!("{text}\nUsage: grep [OPTION]... PATTERNS [FILE]...")),
        fail => fail,
    };
    while let Some((name, value)) = options.next().map_err(wrong)? {
        let value = value.unwrap_or_default();
        match name {
            "E" | "F" | "G" | "P" => {
                kind = match name {
                    "E" => Kind::Extended,
                    "F" => Kind::Fixed,
                    "G" => Kind::Basic,
                    _ => Kind::Perl,
                };
                if chosen.replace(kind).is_some_and(|other| other != kind) {
                    return Err(Fail::Message("conflicting matchers specified".into(), 2));
                }
            }
            "u" => t.warn("warning: --unix-byte-offsets (-u) is obsolete").await?,
            "V" => return Err(Fail::Version),
            "e" => add_patterns(&mut patterns, &value),
            "f" => {
                let text = read_patterns(t, &value).await?;
                add_patterns_of_file(&mut patterns, text);
            }
            "i" => ignore_case = true,
            "no-ignore-case" => ignore_case = false,
            "w" => words = true,
            "x" => lines = true,
            "z" => plan.delimiter = 0,
            "s" => plan.no_messages = true,
            "v" => plan.invert = true,
            "m" => plan.most = number(t, &value, "max count")?,
            "b" => plan.offsets = true,
            "n" => plan.numbers = true,
            "line-buffered" => plan.line_buffered = true,
            "H" => names = Some(true),
            "h" => names = Some(false),
            "label" => plan.label = value,
            "o" => plan.only_matching = true,
            "q" => plan.quiet = true,
            "binary-files" => {
                plan.binary = match &value[..] {
                    b"binary" => Binary::Report,
                    b"text" => Binary::Text,
                    b"without-match" => Binary::WithoutMatch,
                    _ => return Err(Fail::Message("unknown binary-files type".into(), 2)),
                }
            }
            "a" => plan.binary = Binary::Text,
            "I" => plan.binary = Binary::WithoutMatch,
            "d" => {
                let words = &[("read", "read"), ("recurse", "recurse"), ("skip", "skip")];
                plan.directories = match crate::choice::choose(t, "--directories", &value, words)? {
                    "read" => Directories::Read,
                    "recurse" => Directories::Recurse,
                    _ => Directories::Skip,
                };
            }
            "D" => {
                plan.skip_devices = Some(match &value[..] {
                    b"read" => false,
                    b"skip" => true,
                    _ => return Err(Fail::Message("unknown devices method".into(), 2)),
                });
            }
            "r" => (plan.directories, plan.follow) = (Directories::Recurse, false),
            "R" => (plan.directories, plan.follow) = (Directories::Recurse, true),
            "include" => plan.files.push((Glob::new(&value), true)),
            "exclude" => plan.files.push((Glob::new(&value), false)),
            "exclude-from" => {
                let text = read_patterns(t, &value).await?;
                let lines = text.lines().filter(|line| !line.is_empty());
                plan.files.extend(lines.map(|line| (Glob::new(line), false)));
            }
            "exclude-dir" => {
                let trimmed = value.trim_end_with(|letter| letter == '/');
                plan.skipped_directories.push(Glob::new(if trimmed.is_empty() { &value } else { trimmed }));
            }
            "L" => plan.list = List::NotMatching,
            "l" => plan.list = List::Matching,
            "c" => plan.count = true,
            "T" => plan.tabs = true,
            "Z" => plan.null = true,
            "B" => before = Some(number(t, &value, "context length argument")?),
            "A" => after = Some(number(t, &value, "context length argument")?),
            "C" => context = Some(number(t, &value, "context length argument")?),
            "#" => digits.extend_from_slice(&value),
            "group-separator" => plan.separator = Some(value),
            "no-group-separator" => plan.separator = None,
            "color" => {
                color = match &value[..] {
                    b"always" | b"yes" | b"force" => true,
                    b"never" | b"no" | b"none" => false,
                    b"" | b"auto" | b"tty" | b"if-tty" => {
                        t.ctx.is_terminal(1) && t.ctx.env("TERM").is_some_and(|term| term != "dumb")
                    }
                    _ => return Err(Fail::Usage(String::new())),
                }
            }
            _ => {}
        }
    }
    if !digits.is_empty() {
        context = Some(number(t, &digits, "context length argument")?);
    }
    let mut operands = options.operands();
    if patterns.is_none() {
        if operands.is_empty() {
            let usage = format!(
                "Usage: {0} [OPTION]... PATTERNS [FILE]...\nTry '{0} --help' for more information.\n",
                t.name
            );
            t.err.put(usage.as_bytes());
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
            return Err(Fail::Status(2));
        }
        add_patterns(&mut patterns, &operands.remove(0));
    }
    if color {
        let mut colors = Colors::default();
        if let Some(value) = t.ctx.env("GREP_COLOR").filter(|value| !value.is_empty()) {
            t.warn(format!("warning: GREP_COLOR='{value}' is deprecated; use GREP_COLORS='mt={value}'"))
                .await?;
            colors.set_matches(&value.to_str_lossy());
        }
        if let Some(value) = t.ctx.env("GREP_COLORS") {
            colors.read(&value);
        }
        plan.colors = Some(colors);
    }
    plan.grouped = before.is_some() || after.is_some() || context.is_some();
    plan.before = before.or(context).unwrap_or(0);
    plan.after = after.or(context).unwrap_or(0);
    if plan.only_matching || plan.count || plan.list != List::No || plan.quiet {
        (plan.before, plan.after) = (0, 0);
    }
    let patterns = patterns.unwrap_or_default();
    // The empty pattern alone matches every line: nothing is left to print.
    if patterns == b"\n" && plan.invert && !words && !lines && plan.list != List::NotMatching {
        return Err(Fail::Status(1));
    }
    let patterns: Option<Vec<&[u8]>> = if patterns.is_empty() {
        // A file without lines: no pattern, which matches nothing.
        None
    } else {
        Some(patterns.strip_suffix(b"\n").unwrap_or(&patterns).split(|byte| *byte == b'\n').collect())
    };
    plan.matcher = Matcher::new(patterns, kind, ignore_case, words, lines, t.utf8, plan.delimiter)
        .map_err(|message| Fail::Message(message, 2))?;
    if operands.is_empty() {
        operands.push(if plan.directories == Directories::Recurse { "." } else { "-" }.into());
        if plan.directories == Directories::Recurse {
            return search_all(t, plan, operands, names, true).await;
        }
    }
    search_all(t, plan, operands, names, false).await
}

/// `-e` twice is one pattern more; each ends in a newline.
fn add_patterns(patterns: &mut Option<Vec<u8>>, text: &[u8]) {
    let all = patterns.get_or_insert_default();
    all.extend_from_slice(text);
    all.push(b'\n');
}

fn add_patterns_of_file(patterns: &mut Option<Vec<u8>>, text: Vec<u8>) {
    let all = patterns.get_or_insert_default();
    all.extend_from_slice(&text);
    if !text.is_empty() && !text.ends_with(b"\n") {
        all.push(b'\n');
    }
}

async fn read_patterns(t: &mut Tool, file: &[u8]) -> Result<Vec<u8>, Fail> {
    let mut text = Vec::new();
    let cannot = |error: Errno| Fail::Message(format!("{}: {}", quote_plain(file), error.strerror()), 2);
    t.open(file).await.map_err(cannot)?.read_to_end(&mut text).await.map_err(cannot)?;
    Ok(text)
}

/// grep shows names as they are.
fn quote_plain(name: &[u8]) -> String {
    name.to_str_lossy().into_owned()
}

fn number(_: &Tool, text: &[u8], what: &str) -> Result<u64, Fail> {
    let digits = text.strip_prefix(b"-");
    let (value, trouble) = crate::number::parse_size_or_largest(digits.unwrap_or(text), b"");
    match trouble {
        None | Some(crate::number::Trouble::Overflow) if digits.is_none() => Ok(value),
        // A negative maximum is none at all; a negative context is an error.
        None | Some(crate::number::Trouble::Overflow) if what == "max count" => Ok(u64::MAX),
        _ if what == "max count" => Err(Fail::Message(format!("invalid {what}"), 2)),
        _ => Err(Fail::Message(format!("{}: invalid {what}", quote_plain(text)), 2)),
    }
}

async fn search_all(
    t: &mut Tool,
    mut plan: Plan,
    files: Vec<BString>,
    names: Option<bool>,
    implied: bool,
) -> Done {
    // A lone operand has its name shown only if it is a tree.
    let tree = plan.directories == Directories::Recurse
        && files
            .first()
            .is_some_and(|file| file != "-" && t.ctx.stat(file, true).is_ok_and(|stat| stat.is_directory()));
    plan.names = names.unwrap_or(files.len() > 1 || tree);
    plan.count &= plan.list == List::No && !plan.quiet;
    if (plan.most == 0 || plan.matcher.is_nothing() && !plan.invert) && plan.list != List::NotMatching {
        return Err(Fail::Status(1));
    }
    if let Ok(stat) = t.ctx.stat_descriptor(1)
        && stat.is_regular()
    {
        plan.output = Some((stat.device, stat.inode));
    }
    for file in files {
        if file == "-" {
            let input = t.ctx.stdin();
            let label = plan.label.clone();
            search_input(t, &mut plan, input, &label).await?;
        } else {
            search_path(t, &mut plan, file, implied).await?;
        }
        if plan.quiet && plan.matched {
            break;
        }
    }
    t.status = if plan.failed && !(plan.quiet && plan.matched) { 2 } else { u8::from(!plan.matched) };
    Ok(())
}

async fn tell(t: &mut Tool, plan: &mut Plan, name: &[u8], error: Errno) -> Done {
    plan.failed = true;
    if !plan.no_messages {
        t.warn(format!("{}: {}", quote_plain(name), error.strerror())).await?;
    }
    Ok(())
}

fn is_skipped(plan: &Plan, name: &[u8]) -> bool {
    // The last glob that matches decides; without one it is the kind of the first.
    let mut skipped = plan.files.first().is_some_and(|(_, include)| *include);
    for (glob, include) in &plan.files {
        if glob.matches_name_or_tail(name) {
            skipped = !include;
        }
    }
    skipped
}

async fn search_path(t: &mut Tool, plan: &mut Plan, file: BString, implied: bool) -> Done {
    let stat = match t.ctx.stat(&file, true) {
        Ok(stat) => stat,
        Err(error) => return tell(t, plan, &file, error).await,
    };
    if stat.is_directory() {
        match plan.directories {
            Directories::Skip => return Ok(()),
            Directories::Recurse => {
                let trimmed = file.trim_end_with(|letter| letter == '/');
                if plan.skipped_directories.iter().any(|glob| glob.matches(trimmed) || glob.matches(&file)) {
                    return Ok(());
                }
                return walk(t, plan, file, implied).await;
            }
            Directories::Read => {
                return match t.ctx.open_input(&file).await {
                    Ok(_) => {
                        // As GNU, which reads a directory and tells that it cannot.
                        plan.failed = true;
                        if !plan.no_messages {
                            t.warn(format!("{}: Is a directory", quote_plain(&file))).await?;
                        }
                        if (plan.count && !plan.quiet) || plan.list == List::NotMatching {
                            finish_file(t, plan, &file, 0).await?;
                        }
                        Ok(())
                    }
                    Err(error) => tell(t, plan, &file, error).await,
                };
            }
        }
    }
    if !plan.files.is_empty() && is_skipped(plan, &file) {
        return Ok(());
    }
    if plan.skip_devices == Some(true) && stat.kind != FileType::Regular {
        return Ok(());
    }
    let input = t.ctx.open_input(&file).await;
    search_input(t, plan, input, &file).await
}

async fn walk(t: &mut Tool, plan: &mut Plan, root: BString, implied: bool) -> Done {
    // Directories on the way, to tell a loop of links.
    let mut levels: Vec<(BString, std::vec::IntoIter<wasmsh_os::Entry>, (u64, u64))> = Vec::new();
    let mut enter = Some(root);
    loop {
        if let Some(path) = enter.take() {
            let stat = t.ctx.stat(&path, true);
            match (stat, t.ctx.read_directory(&path)) {
                (Ok(stat), Ok(entries)) => {
                    let identity = (stat.device, stat.inode);
                    if levels.iter().any(|(_, _, other)| *other == identity) {
                        plan.failed = true;
                        if !plan.no_messages {
                            t.warn(format!("{}: warning: recursive directory loop", quote_plain(&path)))
                                .await?;
                        }
                    } else {
                        levels.push((path, entries.into_iter(), identity));
                    }
                }
                (Err(error), _) | (_, Err(error)) => tell(t, plan, &path, error).await?,
            }
        }
        let Some((directory, entries, _)) = levels.last_mut() else { return Ok(()) };
        let Some(entry) = entries.next() else {
            levels.pop();
            continue;
        };
        t.ctx.tick().await;
        let path = if implied && directory == "." {
            BString::from(entry.name.as_bytes())
        } else {
            crate::path::join(directory, entry.name.as_bytes())
        };
        let mut stat = entry.stat;
        if stat.is_symbolic_link() {
            if !plan.follow {
                continue;
            }
            match t.ctx.stat(&path, true) {
                Ok(target) => stat = target,
                Err(error) => {
                    tell(t, plan, &path, error).await?;
                    continue;
                }
            }
        }
        if stat.is_directory() {
            if !plan.skipped_directories.iter().any(|glob| glob.matches(entry.name.as_bytes())) {
                enter = Some(path);
            }
            continue;
        }
        let skipped = !plan.files.is_empty() && is_skipped(plan, entry.name.as_bytes());
        // Devices are only read when they are named.
        if skipped || (stat.kind != FileType::Regular && plan.skip_devices != Some(false)) {
            continue;
        }
        let input = t.ctx.open_input(&path).await;
        search_input(t, plan, input, &path).await?;
        if plan.quiet && plan.matched {
            return Ok(());
        }
    }
}

/// What goes on through a file.
struct Search<'a> {
    name: &'a [u8],
    selected: u64,
    /// The number of the line that the buffer begins with, from 1, as far as it was asked for.
    line: u64,
    offset: u64,
    /// Lines of context that are still to be printed.
    trailing: u64,
    /// Something was printed, and behind it nothing is left out yet.
    printed_to: Option<u64>,
    any_printed: bool,
    binary: bool,
    /// A line that is no text was selected, and not shown.
    hidden: bool,
    over: bool,
    /// The lines of leading context that stand in earlier blocks.
    held: std::collections::VecDeque<(u64, u64, Vec<u8>)>,
}

async fn search_input(t: &mut Tool, plan: &mut Plan, input: Result<Input, Errno>, name: &[u8]) -> Done {
    let mut input = match input {
        Ok(input) => input,
        Err(error) => return tell(t, plan, name, error).await,
    };
    let lists = plan.quiet || plan.list != List::No || plan.count;
    if let (Some(output), Description::File(file)) = (plan.output, &**input.description())
        && !lists
        && plan.most > 1
        && let Ok(stat) = file.stat()
        && (stat.device, stat.inode) == output
        && file.seek(Position::Current(0)).is_ok_and(|position| position < stat.size || plan.most == u64::MAX)
    {
        plan.failed = true;
        if !plan.no_messages {
            t.warn(format!("{}: input file is also the output", quote_name(name))).await?;
        }
        return Ok(());
    }
    let mut search = Search {
        name,
        selected: 0,
        line: 1,
        offset: 0,
        trailing: 0,
        printed_to: None,
        any_printed: false,
        binary: false,
        hidden: false,
        over: false,
        held: Default::default(),
    };
    loop {
        // Whole lines, as many as are there.
        let more = match input.extend().await {
            Ok(more) => more,
            Err(error) => {
                tell(t, plan, name, error).await?;
                break;
            }
        };
        let block = input.buffered();
        let length = if more {
            match memchr::memrchr(plan.delimiter, block) {
                Some(last) => last + 1,
                None => continue,
            }
        } else {
            block.len()
        };
        let block = block.get(..length).unwrap_or_default();
        if !search.binary && plan.binary != Binary::Text {
            search.binary = has_nul(block, plan.delimiter);
            if search.binary && plan.binary == Binary::WithoutMatch {
                search.over = true;
                search.selected = 0;
            }
        }
        if !search.over {
            block_of(t, plan, &mut search, block).await?;
        }
        input.consume(length);
        if search.over || !more {
            break;
        }
    }
    // Who shares the position goes on behind the last line that was used.
    if search.over && plan.most != u64::MAX {
        crate::head::give_back(&input);
    }
    let Search { selected, binary, hidden, .. } = search;
    // Also with -L it is a selected line that makes it a success.
    plan.matched |= selected > 0;
    let silent = lists;
    if (binary || hidden) && selected > 0 && !silent && plan.binary == Binary::Report {
        t.warn(format!("{}: binary file matches", quote_plain(name))).await?;
    }
    finish_file(t, plan, name, selected).await
}

fn has_nul(block: &[u8], delimiter: u8) -> bool {
    // With -z it is what ends the lines.
    delimiter != 0 && memchr::memchr(0, block).is_some()
}

/// Whether it is not shown, since it is no text.
fn is_hidden(t: &Tool, plan: &Plan, text: &[u8]) -> bool {
    plan.binary != Binary::Text && t.utf8 && !text.is_ascii() && std::str::from_utf8(text).is_err()
}

async fn finish_file(t: &mut Tool, plan: &mut Plan, name: &[u8], selected: u64) -> Done {
    if plan.quiet {
        return Ok(());
    }
    if plan.count {
        if plan.names {
            put_name(t, plan, name, Some(b':'));
        }
        t.out.put(format!("{selected}\n").as_bytes());
    }
    let listed = match plan.list {
        List::No => false,
        List::Matching => selected > 0,
        List::NotMatching => selected == 0,
    };
    if listed {
        put_name(t, plan, name, None);
        t.out.put_byte(if plan.null { 0 } else { b'\n' });
    }
    if plan.line_buffered { Ok(t.out.flush().await?) } else { Ok(t.out.drain().await?) }
}

/// A text in one of the colours.
fn put_colored(t: &mut Tool, plan: &Plan, color: fn(&Colors) -> &String, text: &[u8]) {
    let out = t.out.buffer();
    match &plan.colors {
        Some(colors) => colors.put(color(colors), text, out),
        None => out.extend_from_slice(text),
    }
}

/// The name, and what separates it from the next thing.
fn put_name(t: &mut Tool, plan: &Plan, name: &[u8], separator: Option<u8>) {
    put_colored(t, plan, |colors| &colors.name, name);
    if let Some(separator) = separator {
        if plan.null {
            t.out.put_byte(0);
        } else {
            put_colored(t, plan, |colors| &colors.separator, &[separator]);
        }
    }
}

fn put_prefix(t: &mut Tool, plan: &Plan, search: &Search<'_>, separator: u8, number: u64, offset: u64) {
    if plan.names {
        put_name(t, plan, search.name, Some(separator));
    }
    let width = if plan.tabs { 2 } else { 0 };
    if plan.numbers {
        put_colored(t, plan, |colors| &colors.number, format!("{number:width$}").as_bytes());
        put_colored(t, plan, |colors| &colors.separator, &[separator]);
    }
    if plan.offsets {
        put_colored(t, plan, |colors| &colors.offset, format!("{offset:width$}").as_bytes());
        put_colored(t, plan, |colors| &colors.separator, &[separator]);
    }
    if plan.tabs && (plan.names || plan.numbers || plan.offsets) {
        t.out.put_byte(b'\t');
    }
}

async fn block_of(t: &mut Tool, plan: &mut Plan, search: &mut Search<'_>, block: &[u8]) -> Done {
    let printing = !plan.quiet && !plan.count && plan.list == List::No;
    let stop_at_first = plan.quiet || plan.list != List::No;
    // Up to here lines are looked at; and counted.
    let (mut at, mut counted) = (0, 0);
    while at < block.len() && !search.over {
        let found =
            plan.matcher.next_line(block, at, plan.invert).map_err(|message| Fail::Message(message, 2))?;
        let (start, end) = match found {
            Some((start, end)) => (start, end),
            None => (block.len(), block.len()),
        };
        if printing && !search.binary && (search.trailing > 0 || plan.before > 0) {
            context(t, plan, search, block, at, start, &mut counted).await?;
        }
        if start >= block.len() {
            break;
        }
        search.selected += 1;
        if stop_at_first || search.binary && !plan.count {
            search.over = true;
            break;
        }
        if printing {
            let line = block.get(start..end).unwrap_or_default();
            if !plan.only_matching && is_hidden(t, plan, line) {
                // What is no text is not shown.
                search.hidden = true;
                if plan.binary == Binary::WithoutMatch {
                    search.over = true;
                    search.selected -= 1;
                    break;
                }
                at = end;
                continue;
            }
            if plan.numbers {
                count_lines(plan, search, block, &mut counted, start);
            }
            before_context(t, plan, search, start as u64);
            if plan.only_matching {
                parts(t, plan, search, block, start, end).await?;
            } else {
                let (number, offset) = (search.line, search.offset + start as u64);
                put_prefix(t, plan, search, b':', number, offset);
                put_line(t, plan, line, true)?;
            }
            search.printed_to = Some(search.offset + end as u64);
            search.any_printed = true;
            search.trailing = plan.after;
            if plan.line_buffered {
                t.out.flush().await?;
            } else {
                t.out.drain().await?;
            }
        }
        at = end;
        if search.selected >= plan.most {
            if search.trailing > 0 && printing {
                context(t, plan, search, block, at, block.len(), &mut counted).await?;
            }
            search.over = true;
        }
        if search.selected & 63 == 0 {
            t.ctx.ticks(64).await;
        }
    }
    if plan.numbers {
        count_lines(plan, search, block, &mut counted, block.len());
    }
    search.offset += block.len() as u64;
    Ok(())
}

/// Makes `search.line` the number of the line at `position`.
fn count_lines(plan: &Plan, search: &mut Search<'_>, block: &[u8], counted: &mut usize, position: usize) {
    if position > *counted {
        let passed = block.get(*counted..position).unwrap_or_default();
        search.line += memchr::memchr_iter(plan.delimiter, passed).count() as u64;
        *counted = position;
    }
}

/// Lines that do not match, from `from` to `to`: the first ones follow a match, the last ones may precede one.
async fn context(
    t: &mut Tool,
    plan: &Plan,
    search: &mut Search<'_>,
    block: &[u8],
    from: usize,
    to: usize,
    counted: &mut usize,
) -> Done {
    let mut at = from;
    while at < to {
        let rest = block.get(at..to).unwrap_or_default();
        let end = at + memchr::memchr(plan.delimiter, rest).map_or(rest.len(), |found| found + 1);
        let line = block.get(at..end).unwrap_or_default();
        if plan.numbers {
            count_lines(plan, search, block, counted, at);
        }
        if search.trailing > 0 {
            search.trailing -= 1;
            put_prefix(t, plan, search, b'-', search.line, search.offset + at as u64);
            put_line(t, plan, line, false)?;
            search.printed_to = Some(search.offset + end as u64);
            t.out.drain().await?;
        } else if plan.before > 0 {
            let mut spare = Vec::new();
            if search.held.len() as u64 >= plan.before
                && let Some((_, _, old)) = search.held.pop_front()
            {
                spare = old;
            }
            spare.clear();
            spare.extend_from_slice(line);
            search.held.push_back((search.line, search.offset + at as u64, spare));
        } else {
            return Ok(());
        }
        at = end;
    }
    Ok(())
}

fn before_context(t: &mut Tool, plan: &Plan, search: &mut Search<'_>, start: u64) {
    if !plan.grouped {
        return;
    }
    let first = search.held.front().map_or(search.offset + start, |(_, offset, _)| *offset);
    if search.any_printed
        && search.printed_to != Some(first)
        && let Some(separator) = &plan.separator
    {
        put_colored(t, plan, |colors| &colors.separator, separator);
        t.out.put_byte(b'\n');
    }
    for (number, offset, line) in std::mem::take(&mut search.held) {
        put_prefix(t, plan, search, b'-', number, offset);
        // The matcher has seen these lines already.
        let _ = put_line(t, plan, &line, false);
    }
}

/// The line with its end, in colour if that is wanted.
fn put_line(t: &mut Tool, plan: &Plan, line: &[u8], selected: bool) -> Done {
    let body = line.strip_suffix(&[plan.delimiter]).unwrap_or(line);
    let out = t.out.buffer();
    let Some(colors) = &plan.colors else {
        out.extend_from_slice(body);
        out.push(plan.delimiter);
        return Ok(());
    };
    let as_selected = selected != (plan.invert && colors.reversed);
    let line_color = if as_selected { &colors.selected } else { &colors.context };
    let match_color = if selected { &colors.selected_match } else { &colors.context_match };
    let mut put_to = 0;
    if selected != plan.invert && !match_color.is_empty() {
        let mut at = 0;
        while let Some((start, end)) =
            plan.matcher.find(body, at).map_err(|message| Fail::Message(message, 2))?
        {
            if start == end {
                at = start + 1;
                if at > body.len() {
                    break;
                }
                continue;
            }
            colors.begin(line_color, out);
            out.extend_from_slice(body.get(put_to..start).unwrap_or_default());
            colors.put(match_color, body.get(start..end).unwrap_or_default(), out);
            (at, put_to) = (end, end);
        }
    }
    let rest = body.get(put_to..).unwrap_or_default();
    if !rest.is_empty() {
        colors.put(line_color, rest, out);
    }
    out.push(plan.delimiter);
    Ok(())
}

async fn parts(
    t: &mut Tool,
    plan: &Plan,
    search: &mut Search<'_>,
    block: &[u8],
    start: usize,
    end: usize,
) -> Done {
    if plan.invert {
        return Ok(());
    }
    let line = block.get(start..end).unwrap_or_default();
    let body = line.strip_suffix(&[plan.delimiter]).unwrap_or(line);
    let mut at = 0;
    while let Some((from, to)) = plan.matcher.find(body, at).map_err(|message| Fail::Message(message, 2))? {
        if from == to {
            at = from + 1;
            if at > body.len() {
                break;
            }
            continue;
        }
        let part = body.get(from..to).unwrap_or_default();
        if is_hidden(t, plan, part) {
            search.hidden = true;
            at = to;
            continue;
        }
        put_prefix(t, plan, search, b':', search.line, search.offset + (start + from) as u64);
        put_colored(t, plan, |colors| &colors.selected_match, part);
        t.out.put_byte(plan.delimiter);
        t.out.drain().await?;
        at = to;
    }
    Ok(())
}
