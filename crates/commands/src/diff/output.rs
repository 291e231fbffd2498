//! The forms that differences are written in: normal, context, unified, ed, forward ed, RCS, merged, side by side.

use wasmsh_regex::Regex;

use super::compare::Change;
use super::text::Text;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Normal,
    Context,
    Unified,
    Ed,
    ForwardEd,
    Rcs,
    Merged,
    SideBySide,
}

/// How the lines look.
pub(super) struct Look {
    pub(super) form: Form,
    pub(super) context: usize,
    pub(super) color: bool,
    pub(super) palette: Palette,
    pub(super) expand_tabs: bool,
    pub(super) initial_tab: bool,
    pub(super) tab_size: usize,
    pub(super) suppress_blank_empty: bool,
    /// Of `-p` and `-F`.
    pub(super) function: Option<Regex>,
    /// Text is UTF-8, with characters of two columns and of none.
    pub(super) utf8: bool,
    pub(super) width: usize,
    pub(super) left_column: bool,
    pub(super) suppress_common: bool,
}

/// What the parts are written in, as SGR parameters.
pub(super) struct Palette {
    pub(super) reset: String,
    pub(super) heading: String,
    pub(super) added: String,
    pub(super) deleted: String,
    pub(super) lines: String,
}

impl Default for Palette {
    fn default() -> Palette {
        let [reset, heading, added, deleted, lines] = ["0", "1", "32", "31", "36"].map(String::from);
        Palette { reset, heading, added, deleted, lines }
    }
}

/// Two files and what they are called.
pub(super) struct Pair<'a> {
    pub(super) old: &'a Text,
    pub(super) new: &'a Text,
    /// What stands in the headings, with the time.
    pub(super) names: [Vec<u8>; 2],
}

/// A hunk, and whether nobody wants to see it.
pub(super) struct Hunk {
    pub(super) change: Change,
    pub(super) ignored: bool,
}

pub(super) struct Writer<'a> {
    pub(super) look: &'a Look,
    pub(super) out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn color(&mut self, code: &str) {
        if self.look.color {
            color(self.out, code);
        }
    }

    fn text(&mut self, text: impl AsRef<[u8]>) {
        self.out.extend_from_slice(text.as_ref());
    }

    /// The contents of a line, tabs as they should be.
    fn contents(&mut self, line: &[u8]) {
        if !self.look.expand_tabs {
            self.out.extend_from_slice(line);
            return;
        }
        let width = self.look.tab_size.max(1);
        let mut column = 0;
        for &byte in line {
            match byte {
                b'\t' => {
                    let count = width - column % width;
                    self.out.extend(std::iter::repeat_n(b' ', count));
                    column += count;
                }
                b'\r' => {
                    column = 0;
                    self.out.push(byte);
                }
                b'\x08' => {
                    column = column.saturating_sub(1);
                    self.out.push(byte);
                }
                _ => {
                    column += 1;
                    self.out.push(byte);
                }
            }
        }
    }

    /// A line behind a mark; `code`: the color of both.
    fn line(&mut self, mark: &str, line: &[u8], code: Option<&str>) {
        if let Some(code) = code {
            self.color(code);
        }
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        let blank = body.is_empty() && self.look.suppress_blank_empty;
        let mark = if blank { mark.trim_end() } else { mark };
        if self.look.initial_tab && !mark.is_empty() {
            self.text(mark.strip_suffix(' ').unwrap_or(mark));
            if !blank {
                self.text(b"\t");
            }
        } else {
            self.text(mark);
        }
        self.contents(body);
        if code.is_some() {
            self.color(&self.look.palette.reset);
        }
        self.text(b"\n");
        if body.len() == line.len() {
            self.text("\\ No newline at end of file\n");
        }
    }

    /// All hunks.
    pub(super) fn all(&mut self, pair: &Pair<'_>, hunks: &[Hunk]) {
        match self.look.form {
            Form::Normal => self.normal(pair, hunks),
            Form::Context | Form::Unified => self.with_context(pair, hunks),
            Form::Ed => self.ed(pair, hunks),
            Form::ForwardEd => self.forward_ed(pair, hunks),
            Form::Rcs => self.rcs(pair, hunks),
            // That is written by `formats`.
            Form::Merged => {}
            Form::SideBySide => super::side::Sides::new(self.look, pair.old, pair.new).all(self.out, hunks),
        }
    }

    fn normal(&mut self, pair: &Pair<'_>, hunks: &[Hunk]) {
        for Hunk { change, .. } in hunks.iter().filter(|hunk| !hunk.ignored) {
            self.color(&self.look.palette.lines);
            let heading = format!("{}{}{}", range(&change.old), letter(change), range(&change.new));
            self.text(heading);
            self.color(&self.look.palette.reset);
            self.text(b"\n");
            let code = self.look.color;
            for index in change.old.clone() {
                self.line("< ", pair.old.line(index), code.then_some(&self.look.palette.deleted));
            }
            if !change.old.is_empty() && !change.new.is_empty() {
                self.text("---\n");
            }
            for index in change.new.clone() {
                self.line("> ", pair.new.line(index), code.then_some(&self.look.palette.added));
            }
        }
    }

    /// Hunks that are shown together: those between which there is little.
    fn with_context(&mut self, pair: &Pair<'_>, hunks: &[Hunk]) {
        let context = self.look.context;
        let mut groups: Vec<&[Hunk]> = Vec::new();
        let mut start = 0;
        for (index, hunk) in hunks.iter().enumerate() {
            let Some(next) = hunks.get(index + 1) else {
                groups.push(hunks.get(start..).unwrap_or_default());
                break;
            };
            // What is not shown by itself is shown only in the context of others.
            let near = if next.ignored { context } else { context.saturating_mul(2).saturating_add(1) };
            if next.change.old.start - hunk.change.old.end >= near {
                groups.push(hunks.get(start..=index).unwrap_or_default());
                start = index + 1;
            }
        }
        let mut first = true;
        let mut function_from = 0;
        let mut function: Option<Vec<u8>> = None;
        for group in groups {
            if group.iter().all(|hunk| hunk.ignored) {
                continue;
            }
            let (Some(head), Some(last)) = (group.first(), group.last()) else { continue };
            let before = head.change.old.start.min(context).min(head.change.new.start);
            let old = head.change.old.start - before
                ..last.change.old.end.saturating_add(context).min(pair.old.len());
            let new = head.change.new.start - before
                ..last.change.new.end.saturating_add(context).min(pair.new.len());
            if first {
                self.headings(pair);
                first = false;
            }
            if let Some(regex) = &self.look.function {
                for index in (function_from..old.start).rev() {
                    let line = pair.old.line(index);
                    let line = line.strip_suffix(b"\n").unwrap_or(line);
                    if regex.is_match(line).unwrap_or(false) {
                        function = Some(shorten(line));
                        break;
                    }
                }
                function_from = function_from.max(old.start);
            }
            if self.look.form == Form::Unified {
                self.unified(pair, group, &old, &new, function.as_deref());
            } else {
                self.context(pair, group, &old, &new, function.as_deref());
            }
        }
    }

    fn headings(&mut self, pair: &Pair<'_>) {
        let marks = if self.look.form == Form::Unified { ["--- ", "+++ "] } else { ["*** ", "--- "] };
        for (mark, name) in marks.into_iter().zip(&pair.names) {
            self.color(&self.look.palette.heading);
            self.text(mark);
            self.text(name);
            self.color(&self.look.palette.reset);
            self.text(b"\n");
        }
    }

    fn unified(
        &mut self,
        pair: &Pair<'_>,
        group: &[Hunk],
        old: &std::ops::Range<usize>,
        new: &std::ops::Range<usize>,
        function: Option<&[u8]>,
    ) {
        self.color(&self.look.palette.lines);
        self.text(format!("@@ -{} +{} @@", counted(old), counted(new)));
        self.color(&self.look.palette.reset);
        if let Some(function) = function {
            self.text(b" ");
            self.text(function);
        }
        self.text(b"\n");
        let color = self.look.color;
        let mut at = old.start;
        for Hunk { change, .. } in group {
            for index in at..change.old.start {
                self.line(" ", pair.old.line(index), None);
            }
            for index in change.old.clone() {
                self.line("-", pair.old.line(index), color.then_some(&self.look.palette.deleted));
            }
            for index in change.new.clone() {
                self.line("+", pair.new.line(index), color.then_some(&self.look.palette.added));
            }
            at = change.old.end;
        }
        for index in at..old.end {
            self.line(" ", pair.old.line(index), None);
        }
    }

    fn context(
        &mut self,
        pair: &Pair<'_>,
        group: &[Hunk],
        old: &std::ops::Range<usize>,
        new: &std::ops::Range<usize>,
        function: Option<&[u8]>,
    ) {
        let color = self.look.color;
        self.text("***************");
        if let Some(function) = function {
            self.text(b" ");
            self.text(function);
        }
        self.text(b"\n");
        self.color(&self.look.palette.lines);
        self.text(format!("*** {} ****", lines(old)));
        self.color(&self.look.palette.reset);
        self.text(b"\n");
        if group.iter().any(|hunk| !hunk.change.old.is_empty()) {
            let mut at = old.start;
            for Hunk { change, .. } in group {
                for index in at..change.old.start {
                    self.line("  ", pair.old.line(index), color.then_some(&self.look.palette.deleted));
                }
                let mark = if change.new.is_empty() { "- " } else { "! " };
                for index in change.old.clone() {
                    self.line(mark, pair.old.line(index), color.then_some(&self.look.palette.deleted));
                }
                at = change.old.end;
            }
            for index in at..old.end {
                self.line("  ", pair.old.line(index), color.then_some(&self.look.palette.deleted));
            }
        }
        self.color(&self.look.palette.lines);
        self.text(format!("--- {} ----", lines(new)));
        self.color(&self.look.palette.reset);
        self.text(b"\n");
        if group.iter().any(|hunk| !hunk.change.new.is_empty()) {
            let mut at = new.start;
            for Hunk { change, .. } in group {
                for index in at..change.new.start {
                    self.line("  ", pair.new.line(index), color.then_some(&self.look.palette.added));
                }
                let mark = if change.old.is_empty() { "+ " } else { "! " };
                for index in change.new.clone() {
                    self.line(mark, pair.new.line(index), color.then_some(&self.look.palette.added));
                }
                at = change.new.end;
            }
            for index in at..new.end {
                self.line("  ", pair.new.line(index), color.then_some(&self.look.palette.added));
            }
        }
    }

    fn ed(&mut self, pair: &Pair<'_>, hunks: &[Hunk]) {
        for Hunk { change, .. } in hunks.iter().rev().filter(|hunk| !hunk.ignored) {
            self.text(format!("{}{}\n", range(&change.old), letter(change)));
            if change.new.is_empty() {
                continue;
            }
            let mut inserting = true;
            for index in change.new.clone() {
                let line = pair.new.line(index);
                if !inserting {
                    self.text("a\n");
                    inserting = true;
                }
                // A lone dot would end the text.
                if line == b".\n" || line == b"." {
                    self.text("..\n.\ns/.//\n");
                    inserting = false;
                } else {
                    self.contents(line.strip_suffix(b"\n").unwrap_or(line));
                    self.text(b"\n");
                }
            }
            if inserting {
                self.text(".\n");
            }
        }
    }

    fn forward_ed(&mut self, pair: &Pair<'_>, hunks: &[Hunk]) {
        for Hunk { change, .. } in hunks.iter().filter(|hunk| !hunk.ignored) {
            self.text(format!("{}{}\n", letter(change), range(&change.old).replace(',', " ")));
            if !change.new.is_empty() {
                for index in change.new.clone() {
                    let line = pair.new.line(index);
                    self.contents(line.strip_suffix(b"\n").unwrap_or(line));
                    self.text(b"\n");
                }
                self.text(".\n");
            }
        }
    }

    fn rcs(&mut self, pair: &Pair<'_>, hunks: &[Hunk]) {
        for Hunk { change, .. } in hunks.iter().filter(|hunk| !hunk.ignored) {
            if !change.old.is_empty() {
                self.text(format!("d{} {}\n", change.old.start + 1, change.old.len()));
            }
            if !change.new.is_empty() {
                self.text(format!("a{} {}\n", change.old.end, change.new.len()));
                for index in change.new.clone() {
                    self.text(pair.new.line(index));
                }
            }
        }
    }
}

/// Sets a colour.
pub(super) fn color(out: &mut Vec<u8>, code: &str) {
    out.extend_from_slice(format!("\x1b[{code}m").as_bytes());
}

fn letter(change: &Change) -> char {
    match (change.old.is_empty(), change.new.is_empty()) {
        (true, _) => 'a',
        (false, true) => 'd',
        (false, false) => 'c',
    }
}

/// `3`, `3,5`; of no lines the one before.
fn range(lines: &std::ops::Range<usize>) -> String {
    if lines.len() > 1 { format!("{},{}", lines.start + 1, lines.end) } else { lines.end.to_string() }
}

/// As in unified headings.
fn counted(lines: &std::ops::Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        count => format!("{},{count}", lines.start + 1),
    }
}

/// As in context headings.
fn lines(lines: &std::ops::Range<usize>) -> String {
    if lines.len() > 1 { format!("{},{}", lines.start + 1, lines.end) } else { lines.end.to_string() }
}

/// The beginning of a line that names a function.
fn shorten(line: &[u8]) -> Vec<u8> {
    let line = line.trim_ascii_start();
    line.get(..line.len().min(40)).unwrap_or_default().trim_ascii_end().to_vec()
}
