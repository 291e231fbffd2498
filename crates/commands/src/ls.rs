//! `ls`, `dir` and `vdir`: list directories.

use std::cmp::Ordering;

use bstr::{BString, ByteSlice};
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthChar;
use wasmsh_os::{Errno, FileType, Stat, Timestamp};

use crate::glob::Glob;
use crate::human::Units;
use crate::ls_color::Colors;
use crate::ls_format::{columns, indent};
use crate::mode::mode_string;
use crate::path::join;
use crate::quote::{quote_always, quote_name, shell_escape};
use crate::time::{Moment, zone};
use crate::users::Users;
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("a,all", "do not ignore entries starting with ."),
    Opt::flag("A,almost-all", "do not list implied . and .."),
    Opt::flag("author", "with -l, print the author of each file"),
    Opt::flag("b,escape", "print C-style escapes for nongraphic characters"),
    Opt::value(
        "block-size",
        "SIZE",
        "with -l, scale sizes by SIZE when printing them;\ne.g., '--block-size=M'",
    ),
    Opt::flag("B,ignore-backups", "do not list implied entries ending with ~"),
    Opt::flag(
        "c",
        "with -lt: sort by, and show, ctime;\nwith -l: show ctime and sort by name;\notherwise: sort by ctime, newest first",
    ),
    Opt::flag("C", "list entries by columns"),
    Opt::optional("color,colour", "WHEN", "color the output WHEN"),
    Opt::flag("d,directory", "list directories themselves, not their contents"),
    Opt::flag("D,dired", ""),
    Opt::flag("f", "list all entries in directory order"),
    Opt::optional("F,classify", "WHEN", "append indicator (one of */=>@|) to entries WHEN"),
    Opt::flag("file-type", "likewise, except do not append '*'"),
    Opt::value(
        "format",
        "WORD",
        "across -x, commas -m, horizontal -x, long -l,\nsingle-column -1, verbose -l, vertical -C",
    ),
    Opt::flag("full-time", "like -l --time-style=full-iso"),
    Opt::flag("g", "like -l, but do not list owner"),
    Opt::flag("group-directories-first", "group directories before files"),
    Opt::flag("G,no-group", "in a long listing, don't print group names"),
    Opt::flag("h,human-readable", "with -l and -s, print sizes like 1K 234M 2G etc."),
    Opt::flag("si", "likewise, but use powers of 1000 not 1024"),
    Opt::flag("H,dereference-command-line", "follow symbolic links listed on the command line"),
    Opt::flag(
        "dereference-command-line-symlink-to-dir",
        "follow each command line symbolic link\nthat points to a directory",
    ),
    Opt::value("hide", "PATTERN", "do not list implied entries matching shell PATTERN"),
    Opt::optional("hyperlink", "WHEN", ""),
    Opt::value(
        "indicator-style",
        "WORD",
        "append indicator with style WORD to entry names:\nnone (default), slash (-p), file-type, classify (-F)",
    ),
    Opt::flag("i,inode", "print the index number of each file"),
    Opt::value("I,ignore", "PATTERN", "do not list implied entries matching shell PATTERN"),
    Opt::flag("k,kibibytes", "default to 1024-byte blocks for disk usage"),
    Opt::flag("l", "use a long listing format"),
    Opt::flag(
        "L,dereference",
        "when showing file information for a symbolic link,\nshow information for the file the link references",
    ),
    Opt::flag("m", "fill width with a comma separated list of entries"),
    Opt::flag("n,numeric-uid-gid", "like -l, but list numeric user and group IDs"),
    Opt::flag("N,literal", "print entry names without quoting"),
    Opt::flag("o", "like -l, but do not list group information"),
    Opt::flag("p", "append / indicator to directories"),
    Opt::flag("q,hide-control-chars", "print ? instead of nongraphic characters"),
    Opt::flag("show-control-chars", "show nongraphic characters as-is"),
    Opt::flag("Q,quote-name", "enclose entry names in double quotes"),
    Opt::value(
        "quoting-style",
        "WORD",
        "use quoting style WORD for entry names: literal, locale,\nshell, shell-always, shell-escape, shell-escape-always, c, escape",
    ),
    Opt::flag("r,reverse", "reverse order while sorting"),
    Opt::flag("R,recursive", "list subdirectories recursively"),
    Opt::flag("s,size", "print the allocated size of each file, in blocks"),
    Opt::flag("S", "sort by file size, largest first"),
    Opt::value(
        "sort",
        "WORD",
        "sort by WORD instead of name: none (-U), size (-S),\ntime (-t), version (-v), extension (-X), width",
    ),
    Opt::value(
        "time",
        "WORD",
        "change the default of using modification times;\naccess time (-u): atime, access, use;\nchange time (-c): ctime, status;\nbirth time: birth, creation;",
    ),
    Opt::value(
        "time-style",
        "TIME_STYLE",
        "time/date format with -l: full-iso, long-iso, iso,\nlocale, or +FORMAT",
    ),
    Opt::flag("t", "sort by time, newest first; see --time"),
    Opt::value("T,tabsize", "COLS", "assume tab stops at each COLS instead of 8"),
    Opt::flag("u", "with -lt: sort by, and show, access time"),
    Opt::flag("U", "do not sort; list entries in directory order"),
    Opt::flag("v", "natural sort of (version) numbers within text"),
    Opt::value("w,width", "COLS", "set output width to COLS.  0 means no limit"),
    Opt::flag("x", "list entries by lines instead of by columns"),
    Opt::flag("X", "sort alphabetically by entry extension"),
    Opt::flag("Z,context", "print any security context of each file"),
    Opt::flag("zero", "end each output line with NUL, not newline"),
    Opt::flag("1", "list one file per line"),
];

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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Long,
    Single,
    Vertical,
    Horizontal,
    Commas,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Name,
    None,
    Size,
    Time,
    Version,
    Extension,
    Width,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Modified,
    Accessed,
    Changed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Indicators {
    None,
    Slash,
    FileType,
    Classify,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Literal,
    Shell,
    ShellAlways,
    ShellEscape,
    ShellEscapeAlways,
    C,
    Escape,
    Locale,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    Never,
    CommandLineDirectories,
    CommandLine,
    Always,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Skip,
    Almost,
    All,
}

struct Plan {
    layout: Layout,
    sort: Sort,
    reverse: bool,
    which: Which,
    hidden: Hidden,
    ignore: Vec<Glob>,
    hide: Vec<Glob>,
    directories: bool,
    recursive: bool,
    follow: Follow,
    indicators: Indicators,
    quoting: Quoting,
    hide_control: bool,
    inode: bool,
    blocks: bool,
    owner: bool,
    group: bool,
    author: bool,
    numeric: bool,
    directories_first: bool,
    context: bool,
    block_units: Units,
    size_units: Units,
    width: usize,
    tab: usize,
    end: u8,
    style: Style,
    zone: TimeZone,
    now: Timestamp,
    users: Users,
    colors: Option<Colors>,
    any_color: bool,
}

enum Style {
    Locale,
    Iso,
    Format(Vec<u8>),
}

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
    let terminal = t.ctx.is_terminal(1);
    let mut plan = Plan {
        layout: default.unwrap_or(if terminal { Layout::Vertical } else { Layout::Single }),
        sort: Sort::Name,
        reverse: false,
        which: Which::Modified,
        hidden: Hidden::Skip,
        ignore: Vec::new(),
        hide: Vec::new(),
        directories: false,
        recursive: false,
        follow: Follow::Never,
        indicators: Indicators::None,
        quoting: match (default, terminal) {
            (Some(_), _) => Quoting::Escape,
            (None, true) => Quoting::ShellEscape,
            (None, false) => Quoting::Literal,
        },
        hide_control: terminal && default.is_none(),
        inode: false,
        blocks: false,
        owner: true,
        group: true,
        author: false,
        numeric: false,
        directories_first: false,
        context: false,
        block_units: Units::Blocks(if t.ctx.env("POSIXLY_CORRECT").is_some() { 512 } else { 1024 }),
        size_units: Units::Blocks(1),
        width: t.ctx.kernel().terminal().filter(|_| terminal).map_or(80, |size| usize::from(size.columns)),
        tab: 8,
        end: b'\n',
        style: Style::Locale,
        zone: zone(&t.ctx),
        now: t.ctx.now(),
        users: Users::default(),
        colors: None,
        any_color: false,
    };
    if let Some(columns) = number_of(t.ctx.env("COLUMNS").as_ref().map(|text| &text[..])) {
        plan.width = columns;
    }
    if let Some(style) = t.ctx.env("QUOTING_STYLE").and_then(|style| quoting(&style)) {
        plan.quoting = style;
    }
    let mut sort_given = false;
    let mut style_text: Option<BString> = t.ctx.env("TIME_STYLE");
    let mut options = t.options();
    let mut follow = None;
    while let Some((name, value)) = options.next()? {
        let given = value.is_some();
        let value = value.unwrap_or_default();
        match name {
            "a" => plan.hidden = Hidden::All,
            "A" => plan.hidden = Hidden::Almost,
            "author" => plan.author = true,
            "b" => plan.quoting = Quoting::Escape,
            "block-size" => {
                let units = Units::parse(&value)
                    .ok_or_else(|| Fail::Message(format!("invalid --block-size argument '{value}'"), 2))?;
                (plan.block_units, plan.size_units) = (units, units);
            }
            "B" => {
                plan.ignore.push(Glob::new(b"*~"));
                plan.ignore.push(Glob::new(b".*~"));
            }
            "c" => plan.which = Which::Changed,
            "C" => plan.layout = Layout::Vertical,
            "color" => {
                let on = match &value[..] {
                    b"" if !given => true,
                    b"" => return Err(Fail::Usage("ambiguous argument ‘’ for ‘--color’".into())),
                    word => match crate::choice::choose(t, "--color", word, WHEN)? {
                        "always" => true,
                        "never" => false,
                        _ => terminal,
                    },
                };
                plan.colors = if on { Colors::of_environment(&t.ctx.environment()) } else { None };
            }
            "d" => plan.directories = true,
            "f" => {
                (plan.hidden, plan.sort, sort_given) = (Hidden::All, Sort::None, true);
                if plan.layout == Layout::Long {
                    plan.layout = if terminal { Layout::Vertical } else { Layout::Single };
                }
                plan.blocks = false;
                plan.colors = None;
            }
            "F" => {
                let on = value.is_empty()
                    || match crate::choice::choose(t, "--classify", &value, WHEN)? {
                        "always" => true,
                        "never" => false,
                        _ => terminal,
                    };
                plan.indicators = if on { Indicators::Classify } else { Indicators::None };
            }
            "file-type" => plan.indicators = Indicators::FileType,
            "format" => {
                plan.layout = match crate::choice::choose(t, "--format", &value, FORMATS)? {
                    "long" => Layout::Long,
                    "commas" => Layout::Commas,
                    "across" => Layout::Horizontal,
                    "vertical" => Layout::Vertical,
                    _ => Layout::Single,
                }
            }
            "full-time" => {
                plan.layout = Layout::Long;
                style_text = Some("full-iso".into());
            }
            "g" => (plan.layout, plan.owner) = (Layout::Long, false),
            "group-directories-first" => plan.directories_first = true,
            "G" => plan.group = false,
            "h" => (plan.block_units, plan.size_units) = (Units::Binary, Units::Binary),
            "si" => (plan.block_units, plan.size_units) = (Units::Decimal, Units::Decimal),
            "H" => follow = Some(Follow::CommandLine),
            "dereference-command-line-symlink-to-dir" => follow = Some(Follow::CommandLineDirectories),
            "hide" => plan.hide.push(Glob::new(&value)),
            "indicator-style" => {
                plan.indicators = match crate::choice::choose(t, "--indicator-style", &value, INDICATORS)? {
                    "slash" => Indicators::Slash,
                    "file-type" => Indicators::FileType,
                    "classify" => Indicators::Classify,
                    _ => Indicators::None,
                }
            }
            "i" => plan.inode = true,
            "I" => plan.ignore.push(Glob::new(&value)),
            "k" => plan.block_units = Units::Blocks(1024),
            "l" => plan.layout = Layout::Long,
            "L" => follow = Some(Follow::Always),
            "m" => plan.layout = Layout::Commas,
            "n" => (plan.layout, plan.numeric) = (Layout::Long, true),
            "N" => plan.quoting = Quoting::Literal,
            "o" => (plan.layout, plan.group) = (Layout::Long, false),
            "p" => plan.indicators = Indicators::Slash,
            "q" => plan.hide_control = true,
            "show-control-chars" => plan.hide_control = false,
            "Q" => plan.quoting = Quoting::C,
            "quoting-style" => {
                crate::choice::choose(t, "--quoting-style", &value, QUOTINGS)?;
                plan.quoting = quoting(&value).unwrap_or(Quoting::Literal);
            }
            "r" => plan.reverse = true,
            "R" => plan.recursive = true,
            "s" => plan.blocks = true,
            "S" => (plan.sort, sort_given) = (Sort::Size, true),
            "sort" => {
                plan.sort = match crate::choice::choose(t, "--sort", &value, SORTS)? {
                    "none" => Sort::None,
                    "size" => Sort::Size,
                    "time" => Sort::Time,
                    "version" => Sort::Version,
                    "extension" => Sort::Extension,
                    _ => Sort::Width,
                };
                sort_given = true;
            }
            "time" => {
                plan.which = match crate::choice::choose(t, "--time", &value, TIMES)? {
                    "atime" => Which::Accessed,
                    "ctime" => Which::Changed,
                    _ => Which::Modified,
                }
            }
            "time-style" => style_text = Some(value),
            "t" => (plan.sort, sort_given) = (Sort::Time, true),
            "T" => {
                plan.tab = number_of(Some(&value))
                    .ok_or_else(|| Fail::Message(format!("invalid tab size: {}", t.quote(&value)), 2))?;
            }
            "u" => plan.which = Which::Accessed,
            "U" => (plan.sort, sort_given) = (Sort::None, true),
            "v" => (plan.sort, sort_given) = (Sort::Version, true),
            "w" => {
                plan.width = number_of(Some(&value))
                    .ok_or_else(|| Fail::Message(format!("invalid line width: {}", t.quote(&value)), 2))?;
            }
            "x" => plan.layout = Layout::Horizontal,
            "X" => (plan.sort, sort_given) = (Sort::Extension, true),
            "Z" => plan.context = true,
            "zero" => {
                plan.end = 0;
                plan.quoting = Quoting::Literal;
                plan.hide_control = false;
                plan.colors = None;
                if plan.layout != Layout::Long {
                    plan.layout = Layout::Single;
                }
            }
            // It does not undo a long listing.
            "1" if plan.layout != Layout::Long => plan.layout = Layout::Single,
            _ => {}
        }
    }
    if plan.which != Which::Modified && !sort_given && plan.layout != Layout::Long {
        plan.sort = Sort::Time;
    }
    plan.follow = follow.unwrap_or(
        if plan.directories || plan.indicators == Indicators::Classify || plan.layout == Layout::Long {
            Follow::Never
        } else {
            Follow::CommandLineDirectories
        },
    );
    if plan.layout == Layout::Long {
        plan.users = Users::load(&t.ctx).await;
        if let Some(text) = &style_text {
            plan.style = style(t, text)?;
        }
    }
    let mut operands = options.operands();
    if operands.is_empty() {
        operands.push(".".into());
    }
    list(t, &mut plan, operands).await
}

const WHEN: &[(&str, &str)] = &[
    ("always", "always"),
    ("yes", "always"),
    ("force", "always"),
    ("never", "never"),
    ("no", "never"),
    ("none", "never"),
    ("auto", "auto"),
    ("tty", "auto"),
    ("if-tty", "auto"),
];
const FORMATS: &[(&str, &str)] = &[
    ("verbose", "long"),
    ("long", "long"),
    ("commas", "commas"),
    ("horizontal", "across"),
    ("across", "across"),
    ("vertical", "vertical"),
    ("single-column", "single"),
];
const INDICATORS: &[(&str, &str)] =
    &[("none", "none"), ("slash", "slash"), ("file-type", "file-type"), ("classify", "classify")];
const SORTS: &[(&str, &str)] = &[
    ("none", "none"),
    ("time", "time"),
    ("size", "size"),
    ("extension", "extension"),
    ("version", "version"),
    ("width", "width"),
];
const TIMES: &[(&str, &str)] = &[
    ("atime", "atime"),
    ("access", "atime"),
    ("use", "atime"),
    ("ctime", "ctime"),
    ("status", "ctime"),
    ("birth", "birth"),
    ("creation", "birth"),
];
const QUOTINGS: &[(&str, &str)] = &[
    ("literal", "literal"),
    ("shell", "shell"),
    ("shell-always", "shell-always"),
    ("shell-escape", "shell-escape"),
    ("shell-escape-always", "shell-escape-always"),
    ("c", "c"),
    ("c-maybe", "c-maybe"),
    ("escape", "escape"),
    ("locale", "locale"),
    ("clocale", "clocale"),
];

fn quoting(word: &[u8]) -> Option<Quoting> {
    Some(match word {
        b"literal" => Quoting::Literal,
        b"shell" => Quoting::Shell,
        b"shell-always" => Quoting::ShellAlways,
        b"shell-escape" => Quoting::ShellEscape,
        b"shell-escape-always" => Quoting::ShellEscapeAlways,
        b"c" | b"c-maybe" => Quoting::C,
        b"escape" => Quoting::Escape,
        b"locale" | b"clocale" => Quoting::Locale,
        _ => return None,
    })
}

fn number_of(text: Option<&[u8]>) -> Option<usize> {
    text?.to_str().ok()?.parse().ok()
}

fn style(t: &Tool, text: &[u8]) -> Result<Style, Fail> {
    let text = text.strip_prefix(b"posix-").unwrap_or(text);
    Ok(match text {
        [b'+', format @ ..] => Style::Format(format.to_vec()),
        b"full-iso" => Style::Format(b"%Y-%m-%d %H:%M:%S.%N %z".to_vec()),
        b"long-iso" => Style::Format(b"%Y-%m-%d %H:%M".to_vec()),
        b"iso" => Style::Iso,
        b"locale" => Style::Locale,
        _ => {
            let message = format!(
                "invalid argument {} for {}\nValid arguments are:\n  - [posix-]full-iso\n  - [posix-]long-iso\n  - [posix-]iso\n  - [posix-]locale\n  - +FORMAT (e.g., +%H:%M) for a 'date'-style format",
                t.quote(text),
                t.quote(b"time style")
            );
            return Err(Fail::Usage(message));
        }
    })
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
            let name = name_text(plan, &path);
            t.out.put(&name);
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
                    Err(error) => {
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

fn name_text(plan: &Plan, name: &[u8]) -> Vec<u8> {
    let text = match plan.quoting {
        Quoting::Literal => name.to_vec(),
        Quoting::Shell => shell_plain(name, false),
        Quoting::ShellAlways => shell_plain(name, true),
        Quoting::ShellEscape => shell_escape(name, false, false).into_bytes(),
        Quoting::ShellEscapeAlways => shell_escape(name, true, false).into_bytes(),
        Quoting::C => crate::quote::c_style(name, Some('"')).into_bytes(),
        Quoting::Escape => crate::quote::c_style(name, None).into_bytes(),
        Quoting::Locale => crate::quote::quote(name, true).into_bytes(),
    };
    if !plan.hide_control || !matches!(plan.quoting, Quoting::Literal | Quoting::Shell | Quoting::ShellAlways)
    {
        return text;
    }
    let mut hidden = Vec::with_capacity(text.len());
    for (start, end, character) in text.char_indices() {
        let bytes = text.get(start..end).unwrap_or_default();
        if character.is_control() || std::str::from_utf8(bytes).is_err() {
            hidden.push(b'?');
        } else {
            hidden.extend_from_slice(bytes);
        }
    }
    hidden
}

fn shell_plain(name: &[u8], always: bool) -> Vec<u8> {
    let quoted = shell_escape(name, always, false);
    if quoted.as_bytes() == name || !quoted.contains("$'") {
        return quoted.into_bytes();
    }
    // The style without escapes keeps such characters as they are.
    let mut text = vec![b'\''];
    text.extend_from_slice(&name.replace("'", "'\\''"));
    text.push(b'\'');
    text
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

fn indicator(plan: &Plan, stat: Option<&Stat>) -> Option<u8> {
    let stat = stat?;
    if plan.indicators == Indicators::None {
        return None;
    }
    match stat.kind {
        FileType::Directory => Some(b'/'),
        _ if plan.indicators == Indicators::Slash => None,
        FileType::SymbolicLink => Some(b'@'),
        FileType::Fifo => Some(b'|'),
        FileType::Socket => Some(b'='),
        FileType::Regular if plan.indicators == Indicators::Classify && stat.mode & 0o111 != 0 => Some(b'*'),
        _ => None,
    }
}

fn blocks(plan: &Plan, file: &File) -> String {
    file.stat.map_or("?".into(), |stat| plan.block_units.show(stat.blocks * 512))
}

/// What stands before the name in every layout.
fn prefix(plan: &Plan, file: &File, inode_width: usize, block_width: usize, out: &mut Vec<u8>) {
    if plan.inode {
        let inode = file.stat.map_or("?".into(), |stat| stat.inode.to_string());
        out.extend_from_slice(format!("{inode:>inode_width$} ").as_bytes());
    }
    if plan.blocks {
        let text = blocks(plan, file);
        let width = if plan.layout == Layout::Commas { 0 } else { block_width };
        out.extend_from_slice(format!("{text:>width$} ").as_bytes());
    }
    if plan.context && plan.layout != Layout::Long {
        out.extend_from_slice(b"? ");
    }
}

async fn show(t: &mut Tool, plan: &mut Plan, files: &[File], total: bool) -> Done {
    let width_of = |texts: &mut dyn Iterator<Item = String>| texts.map(|text| text.len()).max().unwrap_or(0);
    let inode_width =
        width_of(&mut files.iter().filter_map(|file| file.stat.map(|stat| stat.inode.to_string())));
    let block_width = width_of(&mut files.iter().map(|file| blocks(plan, file)));
    if total && (plan.layout == Layout::Long || plan.blocks) {
        let sum = files.iter().filter_map(|file| file.stat).map(|stat| stat.blocks * 512).sum();
        t.out.put(format!("total {}", plan.block_units.show(sum)).as_bytes());
        t.out.put_byte(plan.end);
    }
    // With quoting somewhere, names without it are put in line with those that have it.
    let aligned = matches!(plan.quoting, Quoting::Shell | Quoting::ShellEscape)
        && !matches!(plan.layout, Layout::Commas)
        && t.ctx.is_terminal(1)
        && files.iter().any(|file| matches!(file.shown.first(), Some(b'\'' | b'"')));
    let pad = |file: &File| usize::from(aligned && !matches!(file.shown.first(), Some(b'\'' | b'"')));
    match plan.layout {
        Layout::Single => {
            for file in files {
                prefix(plan, file, inode_width, block_width, t.out.buffer());
                t.blanks(pad(file));
                put_name(t, plan, file);
                t.out.put_byte(plan.end);
                t.out.drain().await?;
            }
        }
        Layout::Long => long(t, plan, files, inode_width, block_width).await?,
        Layout::Commas => {
            let mut column = 0;
            for (index, file) in files.iter().enumerate() {
                let length = cell_width(plan, file, inode_width, 0);
                if index > 0 {
                    if plan.width == 0 || column + length + 2 < plan.width {
                        t.out.put(b", ");
                        column += 2;
                    } else {
                        t.out.put(b",\n");
                        column = 0;
                    }
                }
                prefix(plan, file, inode_width, block_width, t.out.buffer());
                put_name(t, plan, file);
                column += length;
            }
            if !files.is_empty() {
                t.out.put_byte(plan.end);
            }
        }
        Layout::Vertical | Layout::Horizontal => {
            let across = plan.layout == Layout::Horizontal;
            let lengths: Vec<usize> = files
                .iter()
                .map(|file| cell_width(plan, file, inode_width, block_width) + pad(file))
                .collect();
            let layout = columns(&lengths, plan.width, across);
            let number = layout.widths.len();
            let rows = if files.is_empty() { 0 } else { layout.rows };
            for row in 0..rows {
                let mut at = 0;
                let mut position = 0;
                for column in 0..number {
                    let index = if across { row * number + column } else { column * rows + row };
                    let (Some(file), Some(length)) = (files.get(index), lengths.get(index)) else { break };
                    if column > 0 {
                        indent(at, position, plan.tab, t.out.buffer());
                        at = position;
                    }
                    prefix(plan, file, inode_width, block_width, t.out.buffer());
                    t.blanks(pad(file));
                    put_name(t, plan, file);
                    at += length;
                    position += layout.widths.get(column).copied().unwrap_or_default();
                }
                t.out.put_byte(plan.end);
                t.out.drain().await?;
            }
        }
    }
    Ok(())
}

fn cell_width(plan: &Plan, file: &File, inode_width: usize, block_width: usize) -> usize {
    let mut text = Vec::new();
    prefix(plan, file, inode_width, block_width, &mut text);
    text.len() + file.width + usize::from(indicator(plan, file.stat.as_ref()).is_some())
}

fn put_colored(t: &mut Tool, plan: &mut Plan, text: &[u8], color: Option<String>) {
    let Some(color) = color else { return t.out.put(text) };
    if !std::mem::replace(&mut plan.any_color, true) {
        t.out.put(b"\x1b[0m");
    }
    t.out.put(format!("\x1b[{color}m").as_bytes());
    t.out.put(text);
    t.out.put(b"\x1b[0m");
}

fn put_name(t: &mut Tool, plan: &mut Plan, file: &File) {
    let color = plan.colors.as_ref().and_then(|colors| {
        let target = file.target.as_ref().map(|(_, target)| target.as_ref());
        colors.of(&file.name, file.stat.as_ref(), target)
    });
    put_colored(t, plan, &file.shown, color);
    // In a long listing the indicator is that of the target.
    if plan.layout != Layout::Long || file.target.is_none() {
        t.out.buffer().extend(indicator(plan, file.stat.as_ref()));
    }
}

async fn long(t: &mut Tool, plan: &mut Plan, files: &[File], inode_width: usize, block_width: usize) -> Done {
    struct Row {
        links: String,
        owner: String,
        group: String,
        size: String,
        time: Vec<u8>,
    }
    let names = |plan: &Plan, stat: &Stat| {
        let user = plan.users.user_name(stat.uid).filter(|_| !plan.numeric);
        let group = plan.users.group_name(stat.gid).filter(|_| !plan.numeric);
        (
            user.map_or_else(|| stat.uid.to_string(), BString::to_string),
            group.map_or_else(|| stat.gid.to_string(), BString::to_string),
        )
    };
    let mut rows = Vec::with_capacity(files.len());
    for file in files {
        rows.push(match &file.stat {
            Some(stat) => {
                let (owner, group) = names(plan, stat);
                let size = if stat.kind == FileType::CharacterDevice {
                    let (major, minor) = (stat.device_number >> 8 & 0xfff, stat.device_number & 0xff);
                    format!("{major:>3}, {minor:>3}")
                } else {
                    plan.size_units.show(stat.size)
                };
                Row {
                    links: stat.links.to_string(),
                    owner,
                    group,
                    size,
                    time: time_text(plan, moment_of(plan, stat)),
                }
            }
            None => {
                let unknown = || "?".to_owned();
                Row {
                    links: unknown(),
                    owner: unknown(),
                    group: unknown(),
                    size: unknown(),
                    time: b"           ?".to_vec(),
                }
            }
        });
    }
    let width = |of: &dyn Fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let links = width(&|row| row.links.len());
    let owner = width(&|row| row.owner.len());
    let group = width(&|row| row.group.len());
    let size = width(&|row| row.size.len());
    let time = width(&|row| row.time.len());
    for (file, row) in files.iter().zip(rows) {
        prefix(plan, file, inode_width, block_width, t.out.buffer());
        let mode = file.stat.as_ref().map_or_else(|| "??????????".into(), mode_string);
        t.out.put(format!("{mode} {:>links$} ", row.links).as_bytes());
        // Numbers stand to the right, names to the left.
        let put_id = |t: &mut Tool, text: &str, width: usize| {
            let numeric = text.bytes().all(|byte| byte.is_ascii_digit());
            let padded = if numeric { format!("{text:>width$} ") } else { format!("{text:<width$} ") };
            t.out.put(padded.as_bytes());
        };
        if plan.owner {
            put_id(t, &row.owner, owner);
        }
        if plan.group {
            put_id(t, &row.group, group);
        }
        if plan.author {
            put_id(t, &row.owner, owner);
        }
        if plan.context {
            t.out.put(b"? ");
        }
        t.out.put(format!("{:>size$} ", row.size).as_bytes());
        t.out.put(&row.time);
        t.blanks(time - row.time.len() + 1);
        put_name(t, plan, file);
        if let Some((target, stat)) = &file.target {
            t.out.put(b" -> ");
            let color = plan.colors.as_ref().and_then(|colors| match stat {
                Some(stat) => colors.of(target, Some(stat), None),
                None => colors.missing(),
            });
            let shown = name_text(plan, target);
            put_colored(t, plan, &shown, color);
            t.out.buffer().extend(indicator(plan, stat.as_ref()));
        }
        t.out.put_byte(plan.end);
        t.out.drain().await?;
    }
    Ok(())
}

fn time_text(plan: &Plan, at: Timestamp) -> Vec<u8> {
    // Half a year of the mean length.
    const HALF_A_YEAR: i128 = 31_556_952 / 2 * 1_000_000_000;
    let age = plan.now.as_nanos() - at.as_nanos();
    let recent = (0..HALF_A_YEAR).contains(&age);
    let format: &[u8] = match (&plan.style, recent) {
        (Style::Locale, true) => b"%b %e %H:%M",
        (Style::Locale, false) => b"%b %e  %Y",
        (Style::Iso, true) => b"%m-%d %H:%M",
        (Style::Iso, false) => b"%Y-%m-%d ",
        (Style::Format(format), _) => {
            // Two lines: for old files, and for recent ones.
            let mut lines = format.splitn(2, |byte| *byte == b'\n');
            let first = lines.next().unwrap_or_default();
            let second = lines.next().unwrap_or(first);
            if recent { second } else { first }
        }
    };
    let mut text = Vec::new();
    match Moment::new(at, &plan.zone) {
        Some(moment) => moment.format(format, &mut text),
        None => text.extend_from_slice(at.seconds.to_string().as_bytes()),
    }
    text
}
