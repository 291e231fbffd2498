//! `diff`: differences of files and directories, as GNU diff 3.8.

pub(crate) mod compare;
mod output;
mod side;
pub(crate) mod text;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, Stat, Timestamp};
use wasmsh_regex::{Regex, Syntax};

use crate::glob::Glob;
use crate::path::{base_name, describe, join, same_file};
use crate::time::{Moment, zone};
use crate::{Command, Done, Fail, Opt, Tool, start};
use compare::Ends;
use output::{Form, Hunk, Look, Pair, Writer};
use text::{Sameness, Space, Text, classes};

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

/// Formats of lines: those of the old file, of the new one, and common ones.
#[derive(Default)]
struct LineFormats {
    old: Option<BString>,
    new: Option<BString>,
    common: Option<BString>,
}

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
    formats: LineFormats,
    /// The options as they were given, for the headings of a recursive comparison.
    given: String,
}

/// How an error of the command line is told.
fn usage(text: impl Into<String>) -> Fail {
    Fail::Bare(format!("diff: {}\ndiff: Try 'diff --help' for more information.", text.into()), 2)
}

async fn run(t: &mut Tool) -> Done {
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
            macro_name: Vec::new(),
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
        formats: LineFormats::default(),
        given: String::new(),
    };
    let mut form: Option<Form> = None;
    let mut context: Option<usize> = None;
    let (mut from_file, mut to_file) = (None, None);
    let (mut tabs, mut trailing) = (false, false);
    let mut options = t.options();
    while let Some((name, value)) = options.next().map_err(|fail| match fail {
        Fail::Usage(text) => usage(text),
        other => other,
    })? {
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
                plan.look.macro_name = value.into();
            }
            "old-line-format" => plan.formats.old = Some(value),
            "new-line-format" => plan.formats.new = Some(value),
            "unchanged-line-format" => plan.formats.common = Some(value),
            "line-format" => {
                plan.formats =
                    LineFormats { old: Some(value.clone()), new: Some(value.clone()), common: Some(value) };
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
            "v" => return Err(Fail::Version),
            _ => {}
        }
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
                (last, ..) => {
                    let last = last.unwrap_or_else(|| t.name.clone().into());
                    return Err(usage(format!("missing operand after '{last}'")));
                }
            }
        }
    };
    let mut status = 0;
    for (old, new) in pairs {
        status = status.max(compare_operands(t, &plan, old, new).await?);
    }
    t.status = t.status.max(status);
    Ok(())
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
        } else if argument != "--" {
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
            let text = format!(
                "File {} is a {} while file {} is a {}\n",
                shown(&old.name),
                describe(a),
                shown(&new.name),
                describe(b)
            );
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
                    if plan.ignore_name_case {
                        list.sort_by_key(|name| name.to_ascii_lowercase());
                    }
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
        let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
        loop {
            let order = match (a.peek(), b.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) if plan.ignore_name_case => {
                    a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase())
                }
                (Some(a), Some(b)) => a.cmp(b),
            };
            let first = if order.is_le() { a.next() } else { None };
            let second = if order.is_ge() { b.next() } else { None };
            let Some(either) = first.as_ref().or(second.as_ref()).cloned() else { break };
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

/// Compares two files; one may be missing. `below`: they were found in directories.
async fn files(t: &mut Tool, plan: &Plan, old: &Side, new: &Side, below: bool) -> Result<u8, Fail> {
    if !plan.follow
        && let (Some(a), Some(b)) = (&old.stat, &new.stat)
        && (a.is_symbolic_link() || b.is_symbolic_link())
    {
        return links(t, old, new).await;
    }
    if let (Some(a), Some(b)) = (&old.stat, &new.stat)
        && same_file(a, b)
        && (old.name == "-") == (new.name == "-")
        && a.kind != wasmsh_os::FileType::Fifo
    {
        identical(t, plan, old, new);
        return Ok(0);
    }
    let Some(a) = read(t, old).await? else { return Ok(2) };
    let Some(b) = read(t, new).await? else { return Ok(2) };
    if a == b {
        if plan.look.form == Form::SideBySide
            || plan.formats.common.is_some()
            || plan.look.form == Form::Merged
        {
            // These show what is the same as well.
        } else {
            identical(t, plan, old, new);
            return Ok(0);
        }
    }
    let (mut a, mut b) = (Text::new(a), Text::new(b));
    let differ = |kind: &str| format!("{kind}iles {} and {} differ\n", shown(&old.name), shown(&new.name));
    if !plan.as_text && (a.is_binary() || b.is_binary()) {
        if a.bytes == b.bytes {
            return Ok(0);
        }
        let text = differ(if plan.brief { "F" } else { "Binary f" });
        t.out.put(text.as_bytes());
        return Ok(1);
    }
    if plan.strip_cr {
        a.strip_carriage_returns();
        b.strip_carriage_returns();
    }
    let all = classes(&[&a, &b], &plan.sameness);
    let [x, y] = &all[..] else { return Ok(2) };
    let horizon = match plan.look.form {
        Form::Context | Form::Unified => plan.look.context,
        _ => 0,
    };
    let ends = Ends::find(a.len(), b.len(), horizon.max(plan.horizon), |i, j| a.line(i) == b.line(j));
    let changes = compare::changes(x, y, ends, plan.minimal);
    let hunks: Vec<Hunk> = changes
        .into_iter()
        .map(|change| Hunk { ignored: is_ignored(plan, &a, &b, &change), change })
        .collect();
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
        && plan.look.form != Form::SideBySide
        && plan.look.form != Form::Merged
        && plan.formats.common.is_none()
    {
        identical(t, plan, old, new);
        return Ok(0);
    }
    if below {
        let text = format!("diff{} {} {}\n", plan.given, shell(&old.name), shell(&new.name));
        if plan.look.color {
            t.out.put(format!("\x1b[1m{}\x1b[0m\n", text.trim_end()).as_bytes());
        } else {
            t.out.put(text.as_bytes());
        }
    }
    let names = [heading(t, plan, old, 0), heading(t, plan, new, 1)];
    let pair = Pair { old: &a, new: &b, names };
    if plan.formats.old.is_some() || plan.formats.new.is_some() || plan.formats.common.is_some() {
        by_formats(plan, t.out.buffer(), &pair, &hunks);
    } else {
        Writer { look: &plan.look, out: t.out.buffer() }.all(&pair, &hunks);
    }
    t.out.drain().await?;
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

fn shell(name: &[u8]) -> String {
    crate::quote::shell_escape(name, false, false)
}

/// A name in a message.
fn shown(name: &[u8]) -> String {
    name.as_bstr().to_string()
}

/// `-s`.
fn identical(t: &mut Tool, plan: &Plan, old: &Side, new: &Side) {
    if plan.report_identical {
        let text = format!("Files {} and {} are identical\n", shown(&old.name), shown(&new.name));
        t.out.put(text.as_bytes());
    }
}

async fn links(t: &mut Tool, old: &Side, new: &Side) -> Result<u8, Fail> {
    match (t.ctx.read_link(&old.name), t.ctx.read_link(&new.name)) {
        (Ok(a), Ok(b)) if a == b => Ok(0),
        (Ok(_), Ok(_)) => {
            let text = format!("Symbolic links {} and {} differ\n", shown(&old.name), shown(&new.name));
            t.out.put(text.as_bytes());
            Ok(1)
        }
        _ => {
            let (Some(a), Some(b)) = (&old.stat, &new.stat) else { return Ok(2) };
            let text = format!(
                "File {} is a {} while file {} is a {}\n",
                shown(&old.name),
                describe(a),
                shown(&new.name),
                describe(b)
            );
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

/// A name with characters that would break a heading, as in C.
fn quote_heading(name: &[u8]) -> Vec<u8> {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\t' | b'\n') || byte.is_ascii_control();
    if !name.iter().any(special) {
        return name.to_vec();
    }
    let mut out = vec![b'"'];
    for &byte in name {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ if byte.is_ascii_control() => out.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

/// All lines, each in the format of its kind.
fn by_formats(plan: &Plan, out: &mut Vec<u8>, pair: &Pair<'_>, hunks: &[Hunk]) {
    let default = BString::from("%l\n");
    let of = |format: &Option<BString>| format.as_ref().unwrap_or(&default).clone();
    let (old, new, common) = (of(&plan.formats.old), of(&plan.formats.new), of(&plan.formats.common));
    let mut at = 0;
    let mut show = |format: &BString, line: &[u8], number: usize| line_format(out, format, line, number);
    for Hunk { change, ignored } in hunks {
        if *ignored {
            continue;
        }
        for index in at..change.old.start {
            show(&common, pair.old.line(index), index + 1);
        }
        for index in change.old.clone() {
            show(&old, pair.old.line(index), index + 1);
        }
        for index in change.new.clone() {
            show(&new, pair.new.line(index), index + 1);
        }
        at = change.old.end;
    }
    for index in at..pair.old.len() {
        show(&common, pair.old.line(index), index + 1);
    }
}

/// A line in a format: `%L` with its newline, `%l` without, `%dn` its number, `%c'C'` a character.
fn line_format(out: &mut Vec<u8>, format: &[u8], line: &[u8], number: usize) {
    let mut rest = format;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let start = rest;
        let flags = rest.iter().take_while(|byte| matches!(byte, b'-' | b'\'' | b'0'..=b'9')).count();
        let (flag, after) = rest.split_at(flags);
        match after {
            [b'%', after @ ..] => (out.push(b'%'), rest = after).1,
            [b'L', after @ ..] => (out.extend_from_slice(line), rest = after).1,
            [b'l', after @ ..] => {
                out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
                rest = after;
            }
            [b'c', b'\'', character, b'\'', after @ ..] => (out.push(*character), rest = after).1,
            [b'd', b'n', after @ ..] => {
                let left = flag.first() == Some(&b'-');
                let digits = flag.trim_with(|letter| !letter.is_ascii_digit());
                let zeros = digits.first() == Some(&b'0');
                let width: usize = digits.to_str().ok().and_then(|digits| digits.parse().ok()).unwrap_or(0);
                let width = width.min(4096);
                let text = match (left, zeros) {
                    (true, _) => format!("{number:<width$}"),
                    (false, true) => format!("{number:0width$}"),
                    (false, false) => format!("{number:width$}"),
                };
                out.extend_from_slice(text.as_bytes());
                rest = after;
            }
            _ => {
                out.push(b'%');
                rest = start;
            }
        }
    }
}
