//! `diff`: differences of files and directories, as GNU diff 3.8.

pub(crate) mod compare;
mod formats;
mod output;
mod sdiff;
mod side;
pub(crate) mod text;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, Stat, Timestamp};
use wasmsh_regex::{Regex, Syntax};

use crate::glob::Glob;
use crate::path::{base_name, describe, join, same_file};
use crate::time::{Moment, zone};
use crate::{Command, Done, Fail, Opt, Tool, start};
use formats::{CHANGED, Formats, NEW, OLD, UNCHANGED};
use output::{Form, Hunk, Look, Pair, Palette, Writer};
use text::{Ends, Sameness, Space, Text, classes, is_binary};

pub(crate) use sdiff::SDIFF;

pub(crate) static COMMAND: Command = Command {
    name: "diff",
    usage: &["[OPTION]... FILES"],
    about: "Compare FILES line by line.",
    options: &[
        Opt::flag("normal", "output a normal diff (the default)"),
        Opt::flag("q,brief", "report only when files differ"),
        Opt::flag("s,report-identical-files", "report when two files are the same"),
        Opt::flag("c", ""),
        Opt::value("C", "NUM", "output NUM lines of copied context"),
        Opt::optional("context", "NUM", "output NUM (default 3) lines of copied context"),
        Opt::flag("u", ""),
        Opt::value("U", "NUM", "output NUM lines of unified context"),
        Opt::optional("unified", "NUM", "output NUM (default 3) lines of unified context"),
        Opt::flag("e,ed", "output an ed script"),
        Opt::flag("f,forward-ed", ""),
        Opt::flag("n,rcs", "output an RCS format diff"),
        Opt::flag("y,side-by-side", "output in two columns"),
        Opt::value("W,width", "NUM", "output at most NUM (default 130) print columns"),
        Opt::flag("left-column", "output only the left column of common lines"),
        Opt::flag("suppress-common-lines", "do not output common lines"),
        Opt::flag("p,show-c-function", "show which C function each change is in"),
        Opt::value("F,show-function-line", "RE", "show the most recent line matching RE"),
        Opt::value("label,L", "LABEL", "use LABEL instead of file name and timestamp\n(can be repeated)"),
        Opt::flag("t,expand-tabs", "expand tabs to spaces in output"),
        Opt::flag("T,initial-tab", "make tabs line up by prepending a tab"),
        Opt::value("tabsize", "NUM", "tab stops every NUM (default 8) print columns"),
        Opt::flag("suppress-blank-empty", "suppress space or tab before empty output lines"),
        Opt::flag("l,paginate", ""),
        Opt::flag("r,recursive", "recursively compare any subdirectories found"),
        Opt::flag("no-dereference", "don't follow symbolic links"),
        Opt::flag("N,new-file", "treat absent files as empty"),
        Opt::flag("P,unidirectional-new-file", "treat absent first files as empty"),
        Opt::flag("ignore-file-name-case", "ignore case when comparing file names"),
        Opt::flag("no-ignore-file-name-case", "consider case when comparing file names"),
        Opt::value("x,exclude", "PAT", "exclude files that match PAT"),
        Opt::value("X,exclude-from", "FILE", "exclude files that match any pattern in FILE"),
        Opt::value("S,starting-file", "FILE", "start with FILE when comparing directories"),
        Opt::value("from-file", "FILE1", "compare FILE1 to all operands;\nFILE1 can be a directory"),
        Opt::value("to-file", "FILE2", "compare all operands to FILE2;\nFILE2 can be a directory"),
        Opt::flag("i,ignore-case", "ignore case differences in file contents"),
        Opt::flag("E,ignore-tab-expansion", "ignore changes due to tab expansion"),
        Opt::flag("Z,ignore-trailing-space", "ignore white space at line end"),
        Opt::flag("b,ignore-space-change", "ignore changes in the amount of white space"),
        Opt::flag("w,ignore-all-space", "ignore all white space"),
        Opt::flag("B,ignore-blank-lines", "ignore changes where lines are all blank"),
        Opt::value("I,ignore-matching-lines", "RE", "ignore changes where all lines match RE"),
        Opt::flag("a,text", "treat all files as text"),
        Opt::flag("strip-trailing-cr", "strip trailing carriage return on input"),
        Opt::value("D,ifdef", "NAME", "output merged file with '#ifdef NAME' diffs"),
        Opt::value("old-line-format", "LFMT", "format lines of the old file with LFMT"),
        Opt::value("new-line-format", "LFMT", "format lines of the new file with LFMT"),
        Opt::value("unchanged-line-format", "LFMT", "format common lines with LFMT"),
        Opt::value("line-format", "LFMT", "format all input lines with LFMT"),
        Opt::value("old-group-format", "GFMT", "format groups of lines of the old file with GFMT"),
        Opt::value("new-group-format", "GFMT", "format groups of lines of the new file with GFMT"),
        Opt::value("unchanged-group-format", "GFMT", "format groups of common lines with GFMT"),
        Opt::value("changed-group-format", "GFMT", "format groups of changed lines with GFMT"),
        Opt::flag("d,minimal", "try hard to find a smaller set of changes"),
        Opt::value("horizon-lines", "NUM", "keep NUM lines of the common prefix and suffix"),
        Opt::flag("H,speed-large-files", "assume large files and many scattered small changes"),
        Opt::optional("color", "WHEN", "color output; WHEN is 'never', 'always', or 'auto'"),
        Opt::value("palette", "PALETTE", ""),
        Opt::flag("v", ""),
        Opt::flag("#", ""),
    ],
    more: "FILES are 'FILE1 FILE2' or 'DIR1 DIR2' or 'DIR FILE' or 'FILE DIR'.\n\
           If a FILE is '-', read standard input.\n\
           Exit status is 0 if inputs are the same, 1 if different, 2 if trouble.",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

struct Plan {
    look: Look,
    sameness: Sameness,
    minimal: bool,
    /// Lines of the ends that are the same, and are compared nevertheless.
    horizon: usize,
    brief: bool,
    report_identical: bool,
    recursive: bool,
    follow: bool,
    new_file: bool,
    new_first_file: bool,
    ignore_name_case: bool,
    exclude: Vec<Glob>,
    starting: Option<BString>,
    blank_lines: bool,
    ignore: Vec<Regex>,
    as_text: bool,
    strip_cr: bool,
    labels: Vec<BString>,
    formats: Formats,
    /// The options as they were given, for the headings of a recursive comparison.
    given: String,
}

impl Plan {
    /// What the files are called: by their labels, if they have some.
    fn names<'a>(&'a self, old: &'a Side, new: &'a Side) -> [&'a BString; 2] {
        [(0, old), (1, new)].map(|(index, side)| self.labels.get(index).unwrap_or(&side.name))
    }

    /// Whether what is the same is shown as well.
    fn shows_same(&self) -> bool {
        matches!(self.look.form, Form::SideBySide | Form::Merged) && !self.brief
    }
}

/// How an error of the command line is told.
fn usage(text: impl Into<String>) -> Fail {
    Fail::Bare(format!("diff: {}\ndiff: Try 'diff --help' for more information.", text.into()), 2)
}

async fn run(t: &mut Tool) -> Done {
    let (plan, pairs) = parse(t).await?;
    let mut status = 0;
    for (old, new) in pairs {
        status = status.max(compare_operands(t, &plan, old, new).await?);
    }
    t.status = t.status.max(status);
    Ok(())
}

/// An error of the command line as diff and its kin tell it, the name before both lines.
pub(crate) fn hinted(t: &Tool, fail: Fail) -> Fail {
    match fail {
        Fail::Usage(text) => {
            let name = &t.name;
            Fail::Bare(format!("{name}: {text}\n{name}: Try '{name} --help' for more information."), 2)
        }
        other => other,
    }
}

/// Too few operands.
pub(crate) fn missing_operand(t: &Tool) -> Fail {
    let arguments = t.ctx.arguments();
    let last = arguments.last().map_or_else(|| t.name.clone(), BString::to_string);
    hinted(t, Fail::Usage(format!("missing operand after '{last}'")))
}

/// What the arguments ask for, and the files to be compared.
async fn parse(t: &mut Tool) -> Result<(Plan, Vec<(BString, BString)>), Fail> {
    let mut plan = Plan {
        look: Look {
            form: Form::Normal,
            context: 3,
            color: false,
            expand_tabs: false,
            initial_tab: false,
            tab_size: 8,
            suppress_blank_empty: false,
            function: None,
            palette: Palette::default(),
            utf8: t.utf8,
            width: 130,
            left_column: false,
            suppress_common: false,
        },
        sameness: Sameness { tab_size: 8, newline_counts: true, ..Sameness::default() },
        minimal: false,
        horizon: 0,
        brief: false,
        report_identical: false,
        recursive: false,
        follow: true,
        new_file: false,
        new_first_file: false,
        ignore_name_case: false,
        exclude: Vec::new(),
        starting: None,
        blank_lines: false,
        ignore: Vec::new(),
        as_text: false,
        strip_cr: false,
        labels: Vec::new(),
        formats: Formats::default(),
        given: String::new(),
    };
    let mut form: Option<Form> = None;
    let mut context: Option<usize> = None;
    let (mut from_file, mut to_file) = (None, None);
    let (mut tabs, mut trailing) = (false, false);
    let mut palette = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next().map_err(|fail| hinted(t, fail))? {
        let given = value.is_some();
        let value = value.unwrap_or_default();
        let mut set = |new: Form| match form {
            Some(old) if old != new => Err(usage("conflicting output style options")),
            _ => {
                form = Some(new);
                Ok(())
            }
        };
        match name {
            "normal" => set(Form::Normal)?,
            "q" => plan.brief = true,
            "s" => plan.report_identical = true,
            "c" | "u" => {
                set(if name == "c" { Form::Context } else { Form::Unified })?;
                context = Some(context.unwrap_or(0).max(3));
            }
            "C" | "U" | "context" | "unified" => {
                set(if matches!(name, "C" | "context") { Form::Context } else { Form::Unified })?;
                let lines = if given {
                    number(&value).ok_or_else(|| usage(format!("invalid context length '{value}'")))?
                } else {
                    3
                };
                context = Some(context.unwrap_or(0).max(lines));
            }
            "#" => context = number(&value),
            "e" => set(Form::Ed)?,
            "f" => set(Form::ForwardEd)?,
            "n" => set(Form::Rcs)?,
            "y" => set(Form::SideBySide)?,
            "W" => {
                plan.look.width = number(&value)
                    .filter(|width| *width > 0)
                    .ok_or_else(|| usage(format!("invalid width '{value}'")))?;
            }
            "left-column" => plan.look.left_column = true,
            "suppress-common-lines" => plan.look.suppress_common = true,
            "p" => plan.look.function = Some(regex(b"^[[:alpha:]$_]")?),
            "F" => plan.look.function = Some(regex(&value)?),
            "label" => {
                if plan.labels.len() == 2 {
                    return Err(Fail::Message("too many file label options".into(), 2));
                }
                plan.labels.push(value);
            }
            "t" => plan.look.expand_tabs = true,
            "T" => plan.look.initial_tab = true,
            "tabsize" => {
                plan.look.tab_size = number(&value)
                    .filter(|size| *size > 0)
                    .ok_or_else(|| usage(format!("invalid tabsize '{value}'")))?;
            }
            "suppress-blank-empty" => plan.look.suppress_blank_empty = true,
            "r" => plan.recursive = true,
            "no-dereference" => plan.follow = false,
            "N" => plan.new_file = true,
            "P" => plan.new_first_file = true,
            "ignore-file-name-case" => plan.ignore_name_case = true,
            "no-ignore-file-name-case" => plan.ignore_name_case = false,
            "x" => plan.exclude.push(Glob::new(&value)),
            "X" => {
                let mut input = t
                    .open(&value)
                    .await
                    .map_err(|error| Fail::Message(format!("{}: {}", shown(&value), error.strerror()), 2))?;
                while let Some(line) = crate::lines::next_line(t, &mut input, &value, b'\n').await? {
                    let line = line.trim_ascii_end();
                    if !line.is_empty() {
                        plan.exclude.push(Glob::new(line));
                    }
                }
            }
            "S" => plan.starting = Some(value),
            "from-file" => from_file = Some(value),
            "to-file" => to_file = Some(value),
            "i" => plan.sameness.ignore_case = true,
            "E" => tabs = true,
            "Z" => trailing = true,
            "b" => plan.sameness.space = plan.sameness.space.max(Space::Amount),
            "w" => plan.sameness.space = Space::All,
            "B" => plan.blank_lines = true,
            "I" => plan.ignore.push(regex(&value)?),
            "a" => plan.as_text = true,
            "strip-trailing-cr" => plan.strip_cr = true,
            "D" => {
                set(Form::Merged)?;
                let formats = Formats::of_macro(&value);
                for (place, format) in plan.formats.groups.iter_mut().zip(&formats) {
                    set_format([place], name, format)?;
                }
            }
            "line-format" => {
                set(Form::Merged)?;
                set_format(plan.formats.lines.iter_mut(), name, &value)?;
            }
            "old-line-format" | "new-line-format" | "unchanged-line-format" => {
                set(Form::Merged)?;
                set_format(plan.formats.lines.get_mut(kind(name)), name, &value)?;
            }
            "old-group-format" | "new-group-format" | "unchanged-group-format" | "changed-group-format" => {
                set(Form::Merged)?;
                set_format(plan.formats.groups.get_mut(kind(name)), name, &value)?;
            }
            "d" => plan.minimal = true,
            "horizon-lines" => {
                plan.horizon =
                    number(&value).ok_or_else(|| usage(format!("invalid horizon length '{value}'")))?;
            }
            "color" => {
                plan.look.color = match &value[..] {
                    b"" | b"auto" => t.ctx.is_terminal(1),
                    b"always" => true,
                    b"never" => false,
                    _ => return Err(usage(format!("invalid color '{value}'"))),
                };
            }
            "palette" => palette = Some(value),
            "v" => return Err(Fail::Version),
            _ => {}
        }
    }
    if let Some(text) = palette.filter(|_| plan.look.color) {
        plan.look.color = set_palette(t, &mut plan.look.palette, &text).await?;
    }
    let operands = options.operands();
    let space = match (tabs, trailing) {
        (true, true) => Space::TabsAndTrailing,
        (true, false) => Space::Tabs,
        (false, true) => Space::Trailing,
        (false, false) => Space::Counts,
    };
    plan.sameness.space = plan.sameness.space.max(space);
    plan.sameness.tab_size = plan.look.tab_size;
    let default = if plan.look.function.is_some() { Form::Context } else { Form::Normal };
    plan.look.form = match form {
        None if context.is_some() && plan.look.function.is_none() => Form::Normal,
        form => form.unwrap_or(default),
    };
    plan.look.context = context.unwrap_or(3);
    plan.sameness.newline_counts = !matches!(plan.look.form, Form::Ed | Form::ForwardEd);
    plan.given = given_options(&t.arguments(), &operands);

    let pairs = match (from_file, to_file) {
        (Some(_), Some(_)) => {
            return Err(Fail::Message("--from-file and --to-file both specified".into(), 2));
        }
        (Some(from), None) => operands.into_iter().map(|operand| (from.clone(), operand)).collect(),
        (None, Some(to)) => operands.into_iter().map(|operand| (operand, to.clone())).collect(),
        (None, None) => {
            let mut operands = operands.into_iter();
            match (operands.next(), operands.next(), operands.next()) {
                (Some(a), Some(b), None) => vec![(a, b)],
                (_, _, Some(extra)) => return Err(usage(format!("extra operand '{extra}'"))),
                _ => return Err(missing_operand(t)),
            }
        }
    };
    Ok((plan, pairs))
}

/// Takes colours from `--palette`, like `ad=32:de=31`; false: it cannot be read, which was told, and there are no colours.
async fn set_palette(t: &mut Tool, palette: &mut Palette, text: &[u8]) -> Result<bool, Fail> {
    for part in text.split_str(":").filter(|part| !part.is_empty()) {
        let (name, code) = part.split_once_str("=").unwrap_or((part, b""));
        let place = match name {
            b"rs" => &mut palette.reset,
            b"hd" => &mut palette.heading,
            b"ad" => &mut palette.added,
            b"de" => &mut palette.deleted,
            b"ln" => &mut palette.lines,
            _ => {
                if name.len() == 2 && part.len() > 2 {
                    t.warn(format!("unrecognized prefix: {}", name.as_bstr())).await?;
                }
                t.warn("unparsable value for --palette").await?;
                return Ok(false);
            }
        };
        if part.len() == name.len() {
            t.warn("unparsable value for --palette").await?;
            return Ok(false);
        }
        *place = code.as_bstr().to_string();
    }
    Ok(true)
}

/// The kind that an option for a format begins with.
fn kind(name: &str) -> usize {
    match name.split('-').next() {
        Some("old") => OLD,
        Some("new") => NEW,
        Some("changed") => CHANGED,
        _ => UNCHANGED,
    }
}

/// Puts a format into places that must not hold another one.
fn set_format<'a>(
    places: impl IntoIterator<Item = &'a mut Option<BString>>,
    name: &str,
    value: &BString,
) -> Result<(), Fail> {
    for place in places {
        if place.get_or_insert_with(|| value.clone()) != value {
            return Err(usage(format!("conflicting {} option value '{value}'", option_name(name))));
        }
    }
    Ok(())
}

fn option_name(name: &str) -> String {
    if name.len() == 1 { format!("-{name}") } else { format!("--{name}") }
}

fn number(text: &[u8]) -> Option<usize> {
    let digits = text.to_str().ok()?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(usize::MAX))
}

fn regex(pattern: &[u8]) -> Result<Regex, Fail> {
    Regex::new(pattern, &Syntax::BASIC)
        .map_err(|error| Fail::Message(format!("{}: {error}", pattern.as_bstr()), 2))
}

/// The options, as a shell would read them.
fn given_options(arguments: &[BString], operands: &[BString]) -> String {
    let mut rest = operands.iter().rev().peekable();
    let mut kept: Vec<&BString> = Vec::new();
    for argument in arguments.iter().rev() {
        if rest.peek() == Some(&argument) {
            rest.next();
        } else {
            kept.push(argument);
        }
    }
    kept.iter()
        .rev()
        .map(|argument| format!(" {}", crate::quote::shell_escape(argument, false, false)))
        .collect()
}

/// One side of a comparison.
struct Side {
    name: BString,
    /// `None`: there is no such file.
    stat: Option<Stat>,
}

async fn trouble(t: &mut Tool, name: &[u8], error: Errno) -> Result<u8, Fail> {
    t.warn(format!("{}: {}", shown(name), error.strerror())).await?;
    Ok(2)
}

fn look_up(t: &Tool, plan: &Plan, name: &[u8]) -> Result<Stat, Errno> {
    if name == b"-" { t.ctx.stat_descriptor(0) } else { t.ctx.stat(name, plan.follow) }
}

/// Compares what was named on the command line; a directory and a file: the file of that name in it.
async fn compare_operands(t: &mut Tool, plan: &Plan, old: BString, new: BString) -> Result<u8, Fail> {
    let (mut old, mut new) = (old, new);
    let (mut a, mut b) = (look_up(t, plan, &old), look_up(t, plan, &new));
    let is_directory = |stat: &Result<Stat, Errno>| stat.as_ref().is_ok_and(Stat::is_directory);
    if is_directory(&a) != is_directory(&b)
        && !(plan.new_file && (a.is_err() || b.is_err()))
        && a.is_ok()
        && b.is_ok()
    {
        if is_directory(&a) {
            old = join(&old, base_name(&new));
            a = look_up(t, plan, &old);
        } else {
            new = join(&new, base_name(&old));
            b = look_up(t, plan, &new);
        }
    }
    let missing = |stat: &Result<Stat, Errno>| matches!(stat, Err(Errno::NoEntry));
    if (missing(&a) && b.is_ok() && (plan.new_file || plan.new_first_file))
        || (missing(&b) && a.is_ok() && plan.new_file)
    {
        // What is not there is empty.
    } else if a.is_err() || b.is_err() {
        for (name, stat) in [(&old, &a), (&new, &b)] {
            if let Err(error) = stat {
                trouble(t, name, *error).await?;
            }
        }
        return Ok(2);
    }
    let old = Side { name: old, stat: a.ok() };
    let new = Side { name: new, stat: b.ok() };
    let is_directory = |side: &Side| side.stat.as_ref().is_some_and(Stat::is_directory);
    if is_directory(&old) || is_directory(&new) {
        return directories(t, plan, old, new).await;
    }
    files(t, plan, &old, &new, false).await
}

/// Compares directories, one of which may be missing.
async fn directories(t: &mut Tool, plan: &Plan, old: Side, new: Side) -> Result<u8, Fail> {
    let mut status = 0;
    let mut stack = vec![(old, new, true)];
    while let Some((old, new, is_top)) = stack.pop() {
        t.ctx.tick().await;
        let only = match (&old.stat, &new.stat) {
            (Some(_), None) if !plan.new_file => Some(&old.name),
            (None, Some(_)) if !plan.new_file && !plan.new_first_file => Some(&new.name),
            (None, None) => {
                // A link that leads nowhere.
                status = trouble(t, &old.name, Errno::NoEntry).await?;
                continue;
            }
            _ => None,
        };
        if let Some(path) = only
            && !is_top
        {
            let directory = crate::path::parent(path);
            let text = format!("Only in {}: {}\n", shown(directory), shown(base_name(path)));
            t.out.put(text.as_bytes());
            status = status.max(1);
            continue;
        }
        let is_directory = |side: &Side| side.stat.as_ref().is_some_and(Stat::is_directory);
        let (old_is, new_is) = (is_directory(&old), is_directory(&new));
        if !old_is && !new_is {
            status = status.max(files(t, plan, &old, &new, true).await?);
            t.out.drain().await?;
            continue;
        }
        if (old_is && new.stat.is_some() && !new_is) || (new_is && old.stat.is_some() && !old_is) {
            let (Some(a), Some(b)) = (&old.stat, &new.stat) else { continue };
            let [first, second] = plan.names(&old, &new);
            let text =
                format!("File {first} is a {} while file {second} is a {}\n", describe(a), describe(b));
            t.out.put(text.as_bytes());
            status = status.max(1);
            continue;
        }
        if !is_top && !plan.recursive {
            let text = format!("Common subdirectories: {} and {}\n", shown(&old.name), shown(&new.name));
            t.out.put(text.as_bytes());
            continue;
        }
        if let (Some(a), Some(b)) = (&old.stat, &new.stat)
            && same_file(a, b)
            && !plan.shows_same()
        {
            continue;
        }
        let mut lists = [Vec::new(), Vec::new()];
        let mut failed = false;
        for (side, list) in [&old, &new].into_iter().zip(&mut lists) {
            if side.stat.is_none() {
                continue;
            }
            match t.ctx.read_directory(&side.name) {
                Ok(entries) => {
                    *list = entries
                        .into_iter()
                        .map(|entry| BString::from(entry.name))
                        .filter(|name| !plan.exclude.iter().any(|glob| glob.matches(name)))
                        .filter(|name| !is_top || plan.starting.as_ref().is_none_or(|start| name >= start))
                        .collect();
                }
                Err(error) => {
                    status = trouble(t, &side.name, error).await?;
                    failed = true;
                }
            }
        }
        if failed {
            continue;
        }
        let mut found: Vec<(Side, Side, bool)> = Vec::new();
        let [a, b] = lists;
        for (first, second) in pairs(a, b, plan.ignore_name_case) {
            let Some(either) = first.as_ref().or(second.as_ref()).cloned() else { continue };
            let side = |directory: &Side, name: &Option<BString>| {
                let path = join(&directory.name, name.as_ref().unwrap_or(&either));
                let stat = name.as_ref().and_then(|_| t.ctx.stat(&path, plan.follow).ok());
                Side { name: path, stat }
            };
            found.push((side(&old, &first), side(&new, &second), false));
        }
        // The walk goes in their order, and into a directory before what follows it.
        found.reverse();
        for (old_file, new_file, top) in found {
            stack.push((old_file, new_file, top));
        }
    }
    Ok(status)
}

/// Names of two ordered lists that belong together. Where case does not count, those that are the same to the letter
/// find each other first.
fn pairs(a: Vec<BString>, b: Vec<BString>, ignore_case: bool) -> Vec<(Option<BString>, Option<BString>)> {
    let mut groups: std::collections::BTreeMap<BString, [Vec<BString>; 2]> =
        std::collections::BTreeMap::new();
    for (side, list) in [a, b].into_iter().enumerate() {
        for name in list {
            let key = if ignore_case { name.to_ascii_lowercase().into() } else { name.clone() };
            if let Some(names) = groups.entry(key).or_default().get_mut(side) {
                names.push(name);
            }
        }
    }
    let mut all = Vec::new();
    for [mut first, mut second] in groups.into_values() {
        first.retain(|name| {
            let Some(at) = second.iter().position(|other| other == name) else { return true };
            second.remove(at);
            all.push((Some(name.clone()), Some(name.clone())));
            false
        });
        let (mut first, mut second) = (first.into_iter(), second.into_iter());
        loop {
            match (first.next(), second.next()) {
                (None, None) => break,
                pair => all.push(pair),
            }
        }
    }
    all
}

async fn read(t: &mut Tool, side: &Side) -> Result<Option<Vec<u8>>, Fail> {
    if side.stat.is_none() {
        return Ok(Some(Vec::new()));
    }
    let mut bytes = Vec::new();
    let result = match t.open(&side.name).await {
        Ok(mut input) => input.read_to_end(&mut bytes).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Ok(Some(bytes)),
        Err(error) => {
            trouble(t, &side.name, error).await?;
            Ok(None)
        }
    }
}

/// Two files as lines, and their differences.
async fn compare(t: &Tool, plan: &Plan, a: Vec<u8>, b: Vec<u8>) -> (Text, Text, Vec<Hunk>) {
    let [a, b] = [a, b]
        .map(|bytes| Text::new(if plan.strip_cr { Text::without_carriage_returns(&bytes) } else { bytes }));
    let horizon = match plan.look.form {
        Form::Context | Form::Unified => plan.look.context,
        _ => 0,
    };
    let ends = Ends::find(&a, &b, horizon.max(plan.horizon), plan.sameness.newline_counts);
    let [x, y] = classes(&t.ctx, [&a, &b].map(|text| (text, ends.between(text))), &plan.sameness).await;
    let changes = compare::changes(&t.ctx, &x, &y, ends.prefix, plan.minimal).await;
    let hunks = changes
        .into_iter()
        .map(|change| Hunk { ignored: is_ignored(plan, &a, &b, &change), change })
        .collect();
    (a, b, hunks)
}

/// Compares two files; one may be missing. `below`: they were found in directories.
async fn files(t: &mut Tool, plan: &Plan, old: &Side, new: &Side, below: bool) -> Result<u8, Fail> {
    if !plan.follow
        && let (Some(a), Some(b)) = (&old.stat, &new.stat)
        && (a.is_symbolic_link() || b.is_symbolic_link())
    {
        return links(t, plan, old, new).await;
    }
    if let (Some(a), Some(b)) = (&old.stat, &new.stat)
        && same_file(a, b)
        && !plan.shows_same()
        && (old.name == "-") == (new.name == "-")
        && a.kind != wasmsh_os::FileType::Fifo
    {
        identical(t, plan, old, new);
        return Ok(0);
    }
    let Some(a) = read(t, old).await? else { return Ok(2) };
    let Some(b) = read(t, new).await? else { return Ok(2) };
    if a == b && !plan.shows_same() {
        identical(t, plan, old, new);
        return Ok(0);
    }
    let differ = |kind: &str| {
        let [a, b] = plan.names(old, new);
        format!("{kind}iles {a} and {b} differ\n")
    };
    if !plan.as_text && (is_binary(&a) || is_binary(&b)) {
        if a == b {
            return Ok(0);
        }
        let text = differ(if plan.brief { "F" } else { "Binary f" });
        t.out.put(text.as_bytes());
        return Ok(1);
    }
    let (a, b, hunks) = compare(t, plan, a, b).await;
    let mut status = u8::from(hunks.iter().any(|hunk| !hunk.ignored));
    if plan.brief {
        if status == 1 {
            t.out.put(differ("F").as_bytes());
        } else {
            identical(t, plan, old, new);
        }
        return Ok(status);
    }
    if status == 0
        && !(matches!(plan.look.form, Form::Ed | Form::ForwardEd) && (a.lacks_newline() || b.lacks_newline()))
        && !plan.shows_same()
    {
        identical(t, plan, old, new);
        return Ok(0);
    }
    if below {
        let [a, b] = plan.names(old, new).map(|name| quote_heading(name).as_bstr().to_owned());
        t.out.put(format!("diff{} {a} {b}\n", plan.given).as_bytes());
    }
    let names = [heading(t, plan, old, 0), heading(t, plan, new, 1)];
    let pair = Pair { old: &a, new: &b, names };
    if plan.look.form == Form::Merged {
        plan.formats.write(t.out.buffer(), &pair, &hunks);
    } else {
        Writer { look: &plan.look, out: t.out.buffer() }.all(&pair, &hunks);
    }
    t.out.drain().await?;
    if status == 0 && plan.look.form == Form::SideBySide {
        identical(t, plan, old, new);
    }
    if matches!(plan.look.form, Form::Ed | Form::ForwardEd) {
        for (text, side) in [(&a, old), (&b, new)] {
            if text.lacks_newline() {
                t.warn(format!("{}: No newline at end of file\n", shown(&side.name))).await?;
                status = 2;
            }
        }
    }
    Ok(status)
}

/// A name in a message.
fn shown(name: &[u8]) -> String {
    name.as_bstr().to_string()
}

/// `-s`.
fn identical(t: &mut Tool, plan: &Plan, old: &Side, new: &Side) {
    if plan.report_identical {
        let [a, b] = plan.names(old, new);
        let text = format!("Files {a} and {b} are identical\n");
        t.out.put(text.as_bytes());
    }
}

async fn links(t: &mut Tool, plan: &Plan, old: &Side, new: &Side) -> Result<u8, Fail> {
    match (t.ctx.read_link(&old.name), t.ctx.read_link(&new.name)) {
        (Ok(a), Ok(b)) if a == b => Ok(0),
        (Ok(_), Ok(_)) => {
            let [a, b] = plan.names(old, new);
            let text = format!("Symbolic links {a} and {b} differ\n");
            t.out.put(text.as_bytes());
            Ok(1)
        }
        _ => {
            let (Some(a), Some(b)) = (&old.stat, &new.stat) else { return Ok(2) };
            let [first, second] = plan.names(old, new);
            let text =
                format!("File {first} is a {} while file {second} is a {}\n", describe(a), describe(b));
            t.out.put(text.as_bytes());
            Ok(1)
        }
    }
}

/// Whether all lines of a hunk are such as are ignored.
fn is_ignored(plan: &Plan, old: &Text, new: &Text, change: &compare::Change) -> bool {
    if !plan.blank_lines && plan.ignore.is_empty() {
        return false;
    }
    let lines = change
        .old
        .clone()
        .map(|index| old.line(index))
        .chain(change.new.clone().map(|index| new.line(index)));
    for line in lines {
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        let blank = plan.blank_lines
            && if plan.sameness.space >= Space::Trailing {
                body.trim_ascii().is_empty()
            } else {
                body.is_empty()
            };
        if !blank && !plan.ignore.iter().any(|regex| regex.is_match(body).unwrap_or(false)) {
            return false;
        }
    }
    true
}

/// What a heading calls a file: its label, or its name and time.
fn heading(t: &Tool, plan: &Plan, side: &Side, index: usize) -> Vec<u8> {
    if let Some(label) = plan.labels.get(index) {
        return label.to_vec();
    }
    let at = match &side.stat {
        None => Timestamp::default(),
        Some(_) if side.name == "-" && side.stat.as_ref().is_some_and(|stat| !stat.is_regular()) => {
            t.ctx.now()
        }
        Some(stat) => stat.modified,
    };
    let mut text = quote_heading(&side.name);
    text.push(b'\t');
    if let Some(moment) = Moment::new(at, &zone(&t.ctx)) {
        moment.format(b"%Y-%m-%d %H:%M:%S.%N %z", &mut text);
    }
    text
}

/// A name as headings show it: with characters that could break them, as a string of C.
fn quote_heading(name: &[u8]) -> Vec<u8> {
    if name.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')) {
        return name.to_vec();
    }
    let mut out = vec![b'"'];
    for &byte in name {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            7..=13 => out.extend([b'\\', b"abtnvfr".get(usize::from(byte - 7)).copied().unwrap_or(byte)]),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
        }
    }
    out.push(b'"');
    out
}
