//! The options of `ls`.

use bstr::{BString, ByteSlice};
use jiff::tz::TimeZone;
use wasmsh_os::Timestamp;

use crate::glob::Glob;
use crate::human::Units;
use crate::ls_color::Colors;
use crate::time::zone;
use crate::users::Users;
use crate::{Fail, Opt, Tool};

pub(super) const OPTIONS: &[Opt] = &[
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

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Long,
    Single,
    Vertical,
    Horizontal,
    Commas,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Name,
    None,
    Size,
    Time,
    Version,
    Extension,
    Width,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Modified,
    Accessed,
    Changed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Indicators {
    None,
    Slash,
    FileType,
    Classify,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
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
pub(super) enum Follow {
    Never,
    CommandLineDirectories,
    CommandLine,
    Always,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    Skip,
    Almost,
    All,
}

pub(super) struct Plan {
    pub(super) layout: Layout,
    pub(super) sort: Sort,
    pub(super) reverse: bool,
    pub(super) which: Which,
    pub(super) hidden: Hidden,
    pub(super) ignore: Vec<Glob>,
    pub(super) hide: Vec<Glob>,
    pub(super) directories: bool,
    pub(super) recursive: bool,
    pub(super) follow: Follow,
    pub(super) indicators: Indicators,
    pub(super) quoting: Quoting,
    pub(super) hide_control: bool,
    pub(super) inode: bool,
    pub(super) blocks: bool,
    pub(super) owner: bool,
    pub(super) group: bool,
    pub(super) author: bool,
    pub(super) numeric: bool,
    pub(super) directories_first: bool,
    pub(super) context: bool,
    pub(super) block_units: Units,
    pub(super) size_units: Units,
    pub(super) width: usize,
    pub(super) tab: usize,
    pub(super) end: u8,
    pub(super) style: Style,
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
    pub(super) users: Users,
    pub(super) colors: Option<Colors>,
    pub(super) any_color: bool,
    /// The name of the host, for `--hyperlink`.
    pub(super) host: Option<String>,
    pub(super) dired: Option<Dired>,
}

impl Plan {
    /// Whether more than the names of files is asked for.
    pub(super) fn needs_stat(&self) -> bool {
        self.layout == Layout::Long
            || self.recursive
            || self.inode
            || self.blocks
            || self.indicators != Indicators::None
            || self.colors.is_some()
            || self.directories_first
            || matches!(self.sort, Sort::Size | Sort::Time)
    }
}

/// Where names stand in the output, for `--dired`.
#[derive(Default)]
pub(super) struct Dired {
    /// What was written already.
    pub(super) written: u64,
    pub(super) names: Vec<u64>,
    pub(super) headers: Vec<u64>,
}

pub(super) enum Style {
    Locale,
    Iso,
    Format(Vec<u8>),
}

/// Reads the options; the operands are what is left.
pub(super) async fn parse(t: &mut Tool, default: Option<Layout>) -> Result<(Plan, Vec<BString>), Fail> {
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
        host: None,
        dired: None,
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
            "hyperlink" => {
                let on = !given
                    || match crate::choice::choose(t, "--hyperlink", &value, WHEN)? {
                        "always" => true,
                        "never" => false,
                        _ => terminal,
                    };
                plan.host = if on { Some(crate::system::node_name(t).await) } else { None };
            }
            "D" => plan.dired = Some(Dired::default()),
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
                let word = crate::choice::choose(t, "--quoting-style", &value, QUOTINGS)?;
                plan.quoting = quoting(word.as_bytes()).unwrap_or(Quoting::Literal);
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
    if plan.layout != Layout::Long || plan.host.is_some() {
        plan.dired = None;
    }
    if plan.layout == Layout::Long {
        plan.users = Users::load(&t.ctx).await;
        if let Some(text) = &style_text {
            plan.style = style(t, text)?;
        }
    }
    Ok((plan, options.operands()))
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

pub(super) const QUOTINGS: &[(&str, &str)] = &[
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

pub(super) fn quoting(word: &[u8]) -> Option<Quoting> {
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
        [b'+', format @ ..] if crate::time::too_wide(format) => {
            return Err(Fail::Message("memory exhausted".into(), 2));
        }
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
