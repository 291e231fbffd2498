//! `bat`: shows files, with numbers and frames where somebody looks at them. It colours nothing.

use bstr::{BStr, BString, ByteSlice};
use wasmsh_os::Input;

use crate::lines::or_stdin;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "bat",
    usage: &["[OPTIONS] [FILE]..."],
    about: "Print files, as cat does, with decorations if the output is a terminal.\n\
            Languages and themes are accepted; nothing is highlighted.",
    options: &[
        Opt::flag("A,show-all", "show non-printable characters"),
        Opt::flag("p,plain", "show no decorations"),
        Opt::value("l,language", "LANGUAGE", "(ignored)"),
        Opt::value("H,highlight-line", "N:M", "(ignored)"),
        Opt::value("file-name", "NAME", "the name to display for a file"),
        Opt::flag("d,diff", "(ignored)"),
        Opt::value("diff-context", "N", ""),
        Opt::value("tabs", "T", "set the tab width to T spaces"),
        Opt::value("wrap", "MODE", "(ignored: lines are not wrapped)"),
        Opt::value("terminal-width", "WIDTH", "set the width of the terminal"),
        Opt::flag("n,number", "show line numbers and no other decorations"),
        Opt::value("color", "WHEN", "(ignored)"),
        Opt::value("italic-text", "WHEN", ""),
        Opt::value("decorations", "WHEN", "when to show decorations: auto, never, always"),
        Opt::flag("f,force-colorization", "as --decorations=always"),
        Opt::value("paging", "WHEN", "(ignored)"),
        Opt::flag("P,no-paging", ""),
        Opt::value("pager", "COMMAND", ""),
        Opt::value("m,map-syntax", "GLOB:SYNTAX", ""),
        Opt::value("ignored-suffix", "SUFFIX", ""),
        Opt::value("theme", "THEME", "(ignored)"),
        Opt::value(
            "style",
            "COMPONENTS",
            "what to show beside the text: full, auto, plain, changes,\nheader, header-filename, header-filesize, grid, rule, numbers, snip",
        ),
        Opt::value("r,line-range", "N:M", "only print the lines from N to M"),
        Opt::flag("u,unbuffered", "(ignored)"),
        Opt::flag("h", "display this help and exit"),
        Opt::flag("V", "output version information and exit"),
    ],
    more: "",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

const PARTS: [(&str, &[&str]); 11] = [
    ("changes", &["changes"]),
    ("grid", &["grid"]),
    ("rule", &["rule"]),
    ("header", &["name"]),
    ("header-filename", &["name"]),
    ("header-filesize", &["size"]),
    ("numbers", &["numbers"]),
    ("snip", &["snip"]),
    ("plain", &[]),
    ("auto", &["changes", "grid", "name", "numbers", "snip"]),
    ("full", &["changes", "grid", "name", "size", "numbers", "snip"]),
];

struct Plan {
    show_all: bool,
    /// The parts of the style, where there are any.
    style: Vec<&'static str>,
    /// What is no character is shown as one that says so.
    lossy: bool,
    tabs: usize,
    width: usize,
    ranges: Vec<(u64, u64)>,
}

impl Plan {
    fn has(&self, part: &str) -> bool {
        self.style.contains(&part)
    }

    /// Columns before the text, without the frame.
    fn panel(&self) -> usize {
        let numbers = if self.has("numbers") { 5 } else { 0 };
        if self.has("changes") { numbers + 2 } else { numbers }
    }
}

/// `N`, `N:`, `:M`, `N:M`, `N:+K`.
fn range(text: &[u8]) -> Result<(u64, u64), Fail> {
    let wrong = || Fail::Bare("[bat error]: invalid digit found in string".into(), 1);
    let number = |text: &[u8]| text.to_str().ok().and_then(|text| text.parse::<u64>().ok()).ok_or_else(wrong);
    let Some((from, to)) = text.split_once_str(":") else {
        let line = number(text)?;
        return Ok((line, line));
    };
    let from = if from.is_empty() { 0 } else { number(from)? };
    let to = match to.split_first() {
        None => u64::MAX,
        Some((b'+', count)) => from.saturating_add(number(count)?),
        Some(_) => number(to)?,
    };
    Ok((from, to))
}

fn style(text: &[u8]) -> Result<Vec<&'static str>, Fail> {
    let mut parts = Vec::new();
    for name in text.split(|byte| *byte == b',') {
        let Some((_, own)) = PARTS.iter().find(|(other, _)| other.as_bytes() == name) else {
            let text = BStr::new(text);
            let message = format!(
                "error: Invalid value \"{text}\" for '--style <components>': Unknown style, '{}'\n\n\
                 For more information try --help",
                BStr::new(name)
            );
            return Err(Fail::Bare(message, 2));
        };
        parts.extend_from_slice(own);
    }
    Ok(parts)
}

async fn run(t: &mut Tool) -> Done {
    let terminal = t.ctx.is_terminal(1);
    let size = t.ctx.kernel().terminal().filter(|_| terminal);
    let width = size.map_or(80, |size| usize::from(size.columns));
    let mut plan =
        Plan { show_all: false, style: Vec::new(), lossy: false, tabs: 4, width, ranges: Vec::new() };
    let (mut decorated, mut plain, mut numbers) = (terminal, false, false);
    let mut styles = t.ctx.env("BAT_STYLE").unwrap_or_else(|| "auto".into());
    let mut given = false;
    let mut names: Vec<BString> = Vec::new();
    let mut options = t.options();
    loop {
        let (name, value) = match options.next() {
            Ok(Some(given)) => given,
            Ok(None) => break,
            Err(Fail::Usage(message)) => {
                let usage = "USAGE:\n    bat [OPTIONS] [FILE]...\n\nFor more information try --help";
                return Err(Fail::Bare(format!("error: {message}\n\n{usage}"), 2));
            }
            Err(other) => return Err(other),
        };
        let value = value.unwrap_or_default();
        let number = |text: &BString| text.to_str().ok().and_then(|text| text.parse::<usize>().ok());
        match name {
            "A" => plan.show_all = true,
            "p" => plain = true,
            "n" => numbers = true,
            "style" => (styles, given) = (value, true),
            "file-name" => names.push(value),
            "r" => plan.ranges.push(range(&value)?),
            "tabs" => plan.tabs = number(&value).unwrap_or(plan.tabs).min(1 << 16),
            "terminal-width" => plan.width = number(&value).unwrap_or(plan.width).min(1 << 16),
            "decorations" => decorated = value == "always" || (value == "auto" && terminal),
            "f" => decorated = true,
            "h" => return Err(Fail::Help),
            "V" => return Err(Fail::Version),
            _ => {}
        }
    }
    // Where nobody looks the style that follows from that has no parts.
    let chosen = if styles == "auto" && given && !terminal { Vec::new() } else { style(&styles)? };
    plan.lossy = decorated;
    if decorated && !plain {
        plan.style = if numbers { vec!["numbers", "snip"] } else { chosen };
    }
    for (index, file) in or_stdin(options.operands()).iter().enumerate() {
        let shown = names.get(index);
        if let Err(message) = show(t, &plan, file, shown, index == 0).await? {
            t.out.flush().await?;
            t.err.put(format!("[bat error]: {message}\n").as_bytes());
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
            t.status = 1;
        }
    }
    Ok(())
}

/// Shows a file. The inner error is what is wrong with it.
async fn show(
    t: &mut Tool,
    plan: &Plan,
    file: &BString,
    name: Option<&BString>,
    first: bool,
) -> Result<Result<(), String>, Fail> {
    let stdin = file == "-";
    let size = if stdin { None } else { t.ctx.stat(file, true).ok() };
    if size.as_ref().is_some_and(|stat| stat.is_directory()) {
        return Ok(Err(format!("'{file}' is a directory.")));
    }
    let mut input = match t.open(file).await {
        Ok(input) => input,
        Err(error) => {
            return Ok(Err(format!("'{file}': {} (os error {})", error.strerror(), error.code())));
        }
    };
    if let Err(error) = input.fill().await {
        return Ok(Err(error.strerror().into()));
    }
    if !plan.lossy && plan.ranges.is_empty() && !plan.show_all {
        loop {
            let data = match input.fill().await {
                Ok(data) => data,
                Err(error) => return Ok(Err(error.strerror().into())),
            };
            if data.is_empty() {
                return Ok(Ok(()));
            }
            t.out.write(data).await?;
            let count = data.len();
            input.consume(count);
        }
    }
    let (panel, grid) = (plan.panel(), plan.has("grid"));
    let line = |mark: &str| -> String {
        let (left, middle) = if panel > 0 { (panel, mark) } else { (0, "─") };
        let rest = plan.width.saturating_sub(left + 1);
        format!("{}{middle}{}\n", "─".repeat(left), "─".repeat(rest))
    };
    let empty = input.buffered().is_empty();
    let mut start = input.buffered().iter().take(1024).take_while(|byte| **byte != b'\n');
    let binary = !plan.show_all && start.any(|byte| *byte == 0);
    let hidden = !plan.style.is_empty() && (empty || binary);
    let headed = plan.has("name") || plan.has("size");
    if grid {
        t.out.put(line("┬").as_bytes());
    } else if plan.has("rule") && !first {
        t.out.put(line("─").as_bytes());
    } else if headed && !first {
        t.out.put(b"\n");
    }
    let lead = match (panel, grid) {
        (0, _) => String::new(),
        (panel, true) => format!("{:panel$}│ ", ""),
        (panel, false) => format!("{:panel$}", ""),
    };
    if plan.has("name") {
        let title = match (name, stdin) {
            (Some(name), _) => format!("File: {name}"),
            (None, true) => "STDIN".into(),
            (None, false) => format!("File: {file}"),
        };
        let mode = if empty {
            "   <EMPTY>"
        } else if binary {
            "   <BINARY>"
        } else {
            ""
        };
        t.out.put(format!("{lead}{title}{mode}\n").as_bytes());
    }
    if plan.has("size") {
        let size = size.map_or("-".into(), |stat| bytes(stat.size));
        t.out.put(format!("{lead}Size: {size}\n").as_bytes());
    }
    if grid && headed && !hidden {
        t.out.put(line("┼").as_bytes());
    }
    let done = if hidden { Ok(()) } else { text(t, plan, &mut input).await? };
    if grid {
        t.out.put(line("┴").as_bytes());
    }
    Ok(done)
}

/// A size in a few letters.
fn bytes(size: u64) -> String {
    let (mut unit, mut power) = (1_u64, 0);
    while size / unit >= 1024 && power < 4 {
        unit *= 1024;
        power += 1;
    }
    let name = ["B", "KiB", "MiB", "GiB", "TiB"].get(power).copied().unwrap_or_default();
    match power {
        0 => format!("{size} B"),
        _ => format!("{:.1} {name}", size as f64 / unit as f64),
    }
}

async fn text(t: &mut Tool, plan: &Plan, input: &mut Input) -> Result<Result<(), String>, Fail> {
    let (panel, grid, decorated) = (plan.panel(), plan.has("grid"), !plan.style.is_empty());
    let last = plan.ranges.iter().map(|(_, to)| *to).max().unwrap_or(u64::MAX);
    let (mut number, mut before) = (0_u64, None);
    loop {
        let line = match input.line(b'\n').await {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error.strerror().into())),
        };
        number += 1;
        if number > last {
            return Ok(Ok(()));
        }
        if !plan.ranges.is_empty() && !plan.ranges.iter().any(|(from, to)| (*from..=*to).contains(&number)) {
            continue;
        }
        if before.is_some_and(|before| before + 1 < number) && plan.has("snip") {
            let start = if panel > 0 { " ..." } else { "" };
            let start = match (grid, panel) {
                (true, 1..) => format!("{start:panel$}│ "),
                _ => start.to_owned(),
            };
            let room = plan.width.saturating_sub(start.chars().count());
            let left = room.saturating_sub(1) / 4;
            let right = room.saturating_sub(2 * left + 2) / 2;
            t.out.put(format!("{start}{}8<{}\n", "─ ".repeat(left), " ─".repeat(right)).as_bytes());
        }
        before = Some(number);
        if plan.has("numbers") {
            t.out.put(format!("{number:4} ").as_bytes());
        }
        if plan.has("changes") {
            t.out.put(b"  ");
        }
        if grid && panel > 0 {
            t.out.put("│ ".as_bytes());
        }
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        let ended = body.len() < line.len();
        if plan.show_all {
            visible(body, plan.tabs, t.out.buffer());
            if ended {
                t.out.put("␊".as_bytes());
            }
        } else if plan.lossy {
            expanded(body, if decorated { plan.tabs } else { 0 }, t.out.buffer());
        } else {
            t.out.put(body);
        }
        if ended || decorated {
            t.out.put(b"\n");
        }
        t.out.drain().await?;
    }
}

/// A line with its tabs as blanks, and nothing that is no character.
fn expanded(line: &[u8], tabs: usize, out: &mut Vec<u8>) {
    let mut column = 0;
    for letter in line.to_str_lossy().chars() {
        if letter == '\t' && tabs > 0 {
            let count = tabs - column % tabs;
            out.resize(out.len() + count, b' ');
            column += count;
        } else {
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            column += unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0);
        }
    }
}

/// A line with a picture of each character that shows nothing.
fn visible(line: &[u8], tabs: usize, out: &mut Vec<u8>) {
    let tabs = if tabs == 0 { 4 } else { tabs };
    let (mut rest, mut column) = (line, 0);
    while !rest.is_empty() {
        let (letter, size) = bstr::decode_utf8(rest);
        let (bytes, behind) = rest.split_at(size);
        rest = behind;
        column += 1;
        let text = match letter {
            Some(' ') => "·".to_owned(),
            Some('\t') => {
                let count = tabs - (column - 1) % tabs;
                column += count - 1;
                match count {
                    1 => "↹".into(),
                    count => format!("├{}┤", "─".repeat(count - 2)),
                }
            }
            Some('\0') => "␀".into(),
            Some('\u{7}') => "␇".into(),
            Some('\u{8}') => "␈".into(),
            Some('\r') => "␍".into(),
            Some('\u{1b}') => "␛".into(),
            Some(letter @ '!'..='~') => letter.into(),
            Some(other) => format!("\\u{{{:x}}}", u32::from(other)),
            None => bytes.iter().map(|byte| format!("\\x{byte:02X}")).collect(),
        };
        out.extend_from_slice(text.as_bytes());
    }
}
