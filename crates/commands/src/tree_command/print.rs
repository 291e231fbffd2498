//! How `tree` shows what it has found: lines, XML, JSON.

use bstr::{BString, ByteSlice};
use wasmsh_os::{FileType, Stat, Timestamp};

use super::options::{Form, Lines, Plan, Unprintable};
use super::walk::{Node, Report};
use crate::Tool;
use crate::ls_color::Colors;
use crate::mode::mode_string;
use crate::time::{Moment, zone};
use crate::users::Users;

pub(super) struct Printer {
    pub(super) plan: Plan,
    users: Users,
    colors: Option<Colors>,
    now: Timestamp,
    /// Of each directory that is open: whether more entries follow it.
    more: Vec<bool>,
    /// The root has no entries.
    empty: bool,
}

const KINDS: [(FileType, &str); 7] = [
    (FileType::Regular, "file"),
    (FileType::Directory, "directory"),
    (FileType::SymbolicLink, "link"),
    (FileType::CharacterDevice, "char"),
    (FileType::Fifo, "fifo"),
    (FileType::Socket, "socket"),
    (FileType::Unknown, "unknown"),
];

impl Printer {
    pub(super) async fn new(t: &Tool, plan: Plan) -> Printer {
        let users = if plan.user || plan.group { Users::load(&t.ctx).await } else { Users::default() };
        let colors = if plan.color { Colors::always(&t.ctx.environment()) } else { None };
        Printer { plan, users, colors, now: t.ctx.now(), more: Vec::new(), empty: false }
    }

    pub(super) fn begin(&self, t: &mut Tool) {
        match self.plan.form {
            Form::Text => {}
            Form::Xml => {
                let charset = if t.utf8 { "UTF-8" } else { "ANSI_X3.4-1968" };
                t.out.put(format!("<?xml version=\"1.0\" encoding=\"{charset}\"?>").as_bytes());
                self.newline(t);
                t.out.put(b"<tree>");
                self.newline(t);
            }
            Form::Json => {
                t.out.put(b"[");
                self.newline(t);
            }
        }
    }

    /// XML and JSON are one line without indentation.
    fn newline(&self, t: &mut Tool) {
        if self.plan.form == Form::Text || self.plan.indent {
            t.out.put(b"\n");
        }
    }

    pub(super) fn end(&self, t: &mut Tool, report: &Report) {
        let (directories, files) = (report.directories, report.files);
        match self.plan.form {
            Form::Text => {
                if !self.plan.report {
                    return;
                }
                t.out.put(b"\n");
                if self.plan.usage {
                    let size = self.size_text(report.size).trim_start().to_owned();
                    let size =
                        format!("{size:>width$}", width = if self.plan.human.is_some() { 5 } else { 12 });
                    t.out.put(
                        if self.plan.human.is_some() {
                            format!("{size} used in ").into_bytes()
                        } else {
                            format!("{size} bytes used in ").into_bytes()
                        }
                        .as_slice(),
                    );
                }
                let plural = if directories == 1 { "y" } else { "ies" };
                let mut text = format!("{directories} director{plural}");
                if !self.plan.directories_only {
                    let plural = if files == 1 { "" } else { "s" };
                    text.push_str(&format!(", {files} file{plural}"));
                }
                text.push('\n');
                t.out.put(text.as_bytes());
            }
            Form::Xml => {
                if self.plan.report {
                    let lines = self.report_lines(report);
                    self.indent(t, 1);
                    t.out.put(b"<report>");
                    self.newline(t);
                    for (name, value) in lines {
                        self.indent(t, 2);
                        t.out.put(format!("<{name}>{value}</{name}>").as_bytes());
                        self.newline(t);
                    }
                    self.indent(t, 1);
                    t.out.put(b"</report>");
                    self.newline(t);
                }
                t.out.put(b"</tree>\n");
            }
            Form::Json => {
                if self.plan.report {
                    t.out.put(b",");
                    self.newline(t);
                    self.indent(t, 1);
                    t.out.put(b"{\"type\":\"report\"");
                    for (name, value) in self.report_lines(report) {
                        t.out.put(format!(",\"{name}\":{value}").as_bytes());
                    }
                    t.out.put(b"}");
                }
                self.newline(t);
                t.out.put(b"]\n");
            }
        }
    }

    fn report_lines(&self, report: &Report) -> Vec<(&'static str, u64)> {
        let mut lines = Vec::new();
        if self.plan.usage {
            lines.push(("size", report.size));
        }
        lines.push(("directories", report.directories));
        if !self.plan.directories_only {
            lines.push(("files", report.files));
        }
        lines
    }

    fn indent(&self, t: &mut Tool, depth: usize) {
        if self.plan.indent {
            t.blanks(2 * depth);
        }
    }

    fn depth(&self) -> usize {
        self.more.len()
    }

    /// The first line of a tree that cannot be read.
    pub(super) fn root_error(&mut self, t: &mut Tool, root: &BString, stat: Option<Stat>) {
        match self.plan.form {
            Form::Text => {
                if let Some(stat) = stat {
                    let meta = self.meta(t, &stat, stat.size);
                    t.out.put(meta.as_bytes());
                }
                let name = self.name_text(root);
                t.out.put(&name);
                t.out.put(b"  [error opening dir]\n");
            }
            Form::Xml => {
                self.indent(t, 1);
                let name = xml(root);
                t.out.put(
                    format!("<directory name=\"{name}\"><error>opening dir</error></directory>").as_bytes(),
                );
                self.newline(t);
            }
            Form::Json => {
                self.indent(t, 1);
                let name = json(root);
                t.out.put(
                    format!("{{\"type\":\"directory\",\"name\":\"{name}\",\"contents\":[{{\"error\": \"opening dir\"}}]}}")
                        .as_bytes(),
                );
                self.newline(t);
            }
        }
    }

    /// The first line of a tree; `limit`: it has so many entries that none is shown.
    pub(super) fn root(&mut self, t: &mut Tool, node: &Node, limit: Option<usize>) {
        self.more.clear();
        let note = limit.map(|count| format!("{count} entries exceeds filelimit, not opening dir"));
        match self.plan.form {
            Form::Text => self.line(t, node, note),
            Form::Xml => {
                self.indent(t, 1);
                let tag = self.xml_open(t, node);
                t.out.put(tag.as_bytes());
                if let Some(note) = note {
                    t.out.put(format!("<error>{note}</error></directory>").as_bytes());
                    self.newline(t);
                }
            }
            Form::Json => {
                self.indent(t, 1);
                let text = self.json_open(t, node);
                t.out.put(text.as_bytes());
                if let Some(note) = note {
                    t.out.put(format!(",\"contents\":[{{\"error\": \"{note}\"}}]}}").as_bytes());
                    self.newline(t);
                }
            }
        }
    }

    /// What stands before the entries of the root.
    pub(super) fn open(&mut self, t: &mut Tool, empty: bool) {
        match self.plan.form {
            Form::Text => {}
            Form::Xml => self.newline(t),
            Form::Json if empty => {}
            Form::Json => {
                t.out.put(b",\"contents\":[");
                self.newline(t);
            }
        }
        self.more.push(false);
        self.empty = empty;
    }

    /// The line of an entry; `last`: none follows in its directory.
    pub(super) fn entry(&mut self, t: &mut Tool, node: &Node, last: bool, note: Option<String>) {
        match self.plan.form {
            Form::Text => {
                if self.plan.meta_first {
                    let meta = self.meta(t, &node.stat, node.size);
                    t.out.put(meta.as_bytes());
                }
                if self.plan.indent {
                    self.draw(t, last);
                }
                self.line(t, node, note);
            }
            Form::Xml => {
                self.indent(t, self.depth() + 1);
                let tag = self.xml_open(t, node);
                t.out.put(tag.as_bytes());
                if let Some(note) = note {
                    t.out.put(format!("<error>{note}</error>").as_bytes());
                }
            }
            Form::Json => {
                self.indent(t, self.depth() + 1);
                let text = self.json_open(t, node);
                t.out.put(text.as_bytes());
                if let Some(note) = note {
                    t.out.put(format!(",\"contents\":[{{\"error\": \"{note}\"}}]").as_bytes());
                }
            }
        }
    }

    /// After an entry that is not entered.
    pub(super) fn leaf(&mut self, t: &mut Tool, node: &Node, last: bool) {
        match self.plan.form {
            Form::Text => {}
            Form::Xml => {
                t.out.put(format!("</{}>", kind(&node.stat)).as_bytes());
                self.newline(t);
            }
            Form::Json => {
                t.out.put(if last { b"}".as_slice() } else { b"}," });
                self.newline(t);
            }
        }
    }

    /// Before the entries of a directory.
    pub(super) fn enter(&mut self, t: &mut Tool, _: &Node, last: bool) {
        match self.plan.form {
            Form::Text => {}
            Form::Xml => self.newline(t),
            Form::Json => {
                t.out.put(b",\"contents\":[");
                self.newline(t);
            }
        }
        self.more.push(!last);
    }

    /// After the entries of a directory; `follows`: another entry comes behind it.
    pub(super) fn close(&mut self, t: &mut Tool, follows: bool, inside: bool) {
        self.more.pop();
        match self.plan.form {
            Form::Text => {}
            Form::Xml => {
                self.indent(t, self.depth() + 1);
                t.out.put(b"</directory>");
                self.newline(t);
            }
            Form::Json if self.empty && self.more.is_empty() => {
                t.out.put(b"}");
                self.newline(t);
            }
            Form::Json => {
                self.indent(t, self.depth() + 1);
                t.out.put(if follows && inside { b"]},".as_slice() } else { b"]}" });
                self.newline(t);
            }
        }
    }

    fn draw(&self, t: &mut Tool, last: bool) {
        let (through, blank, tee, corner): (&[u8], &[u8], &[u8], &[u8]) = match self.plan.lines {
            Lines::Unicode => ("│\u{a0}\u{a0} ".as_bytes(), b"    ", "├── ".as_bytes(), "└── ".as_bytes()),
            Lines::Ascii => (b"|   ", b"    ", b"|-- ", b"`-- "),
            // Of the character set that lines are drawn with.
            Lines::Ansi => (b"x   ", b"    ", b"tqq ", b"mqq "),
            Lines::Cp437 => (b"\xb3   ", b"    ", b"\xc3\xc4\xc4 ", b"\xc0\xc4\xc4 "),
        };
        let ansi = matches!(self.plan.lines, Lines::Ansi);
        if ansi {
            t.out.put(b"\x1b(0");
        }
        for more in self.more.iter().skip(1) {
            t.out.put(if *more { through } else { blank });
        }
        t.out.put(if last { corner } else { tee });
        if ansi {
            t.out.put(b"\x1b(B");
        }
    }

    /// Mode, owner, size and so on, in brackets.
    fn meta(&self, t: &Tool, stat: &Stat, size: u64) -> String {
        let plan = &self.plan;
        let mut parts = Vec::new();
        if plan.inode {
            parts.push(format!("{:>7}", stat.inode));
        }
        if plan.device {
            parts.push(format!("{:>3}", stat.device));
        }
        if plan.mode {
            parts.push(mode_string(stat));
        }
        if plan.user {
            let name = self.users.user_name(stat.uid).map_or(stat.uid.to_string(), BString::to_string);
            parts.push(format!("{name:<8}"));
        }
        if plan.group {
            let name = self.users.group_name(stat.gid).map_or(stat.gid.to_string(), BString::to_string);
            parts.push(format!("{name:<8}"));
        }
        if plan.size {
            let mut text = self.size_text(size);
            if parts.is_empty() && !text.is_empty() {
                text = text.get(1..).unwrap_or_default().to_owned();
                if plan.human.is_some() {
                    text = format!("{:>4}", text.trim_start());
                }
                parts.push(text);
            } else if plan.human.is_some() {
                parts.push(format!("{:>4}", text.trim_start()));
            } else {
                parts.push(text.get(1..).unwrap_or_default().to_owned());
            }
        }
        if plan.date {
            parts.push(self.date(t, stat));
        }
        if parts.is_empty() { String::new() } else { format!("[{}]  ", parts.join(" ")) }
    }

    fn date(&self, t: &Tool, stat: &Stat) -> String {
        let at = if self.plan.order == super::options::Order::Changed { stat.changed } else { stat.modified };
        let recent = 6 * 31 * 24 * 60 * 60;
        let format: &[u8] = match &self.plan.time_format {
            Some(format) => format,
            None if at.seconds + recent < self.now.seconds || at.seconds > self.now.seconds => b"%b %e  %Y",
            None => b"%b %e %R",
        };
        let mut text = Vec::new();
        if let Some(moment) = Moment::new(at, &zone(&t.ctx)) {
            moment.format(format, &mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    fn size_text(&self, size: u64) -> String {
        let Some(base) = self.plan.human else { return format!(" {size:>11}") };
        const UNITS: [&str; 7] = ["", "K", "M", "G", "T", "P", "E"];
        let units: &[&str] = if base == 1000 { &["", "k", "M", "G", "T", "P", "E"] } else { &UNITS };
        let (mut value, mut power) = (size, 0);
        let mut whole = u128::from(size);
        let mut unit = 1_u128;
        while value >= base {
            value /= base;
            unit *= u128::from(base);
            power += 1;
        }
        let suffix = units.get(power).copied().unwrap_or_default();
        if power == 0 {
            return format!(" {size:>4}");
        }
        if value >= 10 {
            whole /= unit;
            return format!(" {whole:>3}{suffix}");
        }
        let tenths = (whole * 10 + unit / 2) / unit;
        format!(" {:>3}{suffix}", format!("{}.{}", tenths / 10, tenths % 10))
    }

    fn line(&mut self, t: &mut Tool, node: &Node, note: Option<String>) {
        let root = self.more.is_empty();
        if !self.plan.meta_first || root {
            let meta = self.meta(t, &node.stat, if self.plan.usage { node.size } else { node.stat.size });
            t.out.put(meta.as_bytes());
        }
        let name = if self.plan.full_path || root { &node.path } else { &node.name };
        let mut shown = self.name_text(name);
        self.paint(&mut shown, name, &node.stat, node.link.as_ref().map(|(_, stat)| *stat));
        t.out.put(&shown);
        match &node.link {
            Some((target, stat)) => {
                t.out.put(b" -> ");
                let mut shown = self.name_text(target.as_bytes());
                if let Some(stat) = stat {
                    self.paint(&mut shown, target.as_bytes(), stat, None);
                }
                t.out.put(&shown);
                if let (true, Some(stat)) = (self.plan.classify, stat) {
                    t.out.put(class(stat).as_bytes());
                }
            }
            None if self.plan.classify && !(root && node.path.ends_with(b"/")) => {
                t.out.put(class(&node.stat).as_bytes());
            }
            None => {}
        }
        if let Some(note) = note {
            t.out.put(format!("  [{note}]").as_bytes());
        }
        t.out.put(b"\n");
    }

    fn paint(&self, shown: &mut Vec<u8>, name: &[u8], stat: &Stat, target: Option<Option<Stat>>) {
        let Some(colors) = &self.colors else { return };
        let target = target.as_ref().map(Option::as_ref);
        let color = colors.of(name, Some(stat), target);
        if let Some(color) = color.or_else(|| colors.ordinary().map(ToString::to_string)) {
            let mut painted = format!("\x1b[{color}m").into_bytes();
            painted.append(shown);
            painted.extend_from_slice(b"\x1b[0m");
            *shown = painted;
        }
    }

    fn name_text(&self, name: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        if self.plan.quote {
            text.push(b'"');
        }
        for (start, end, character) in name.char_indices() {
            let bytes = name.get(start..end).unwrap_or_default();
            let valid = std::str::from_utf8(bytes).is_ok();
            let printable = valid && !character.is_control();
            match self.plan.unprintable {
                _ if character == '"' && self.plan.quote => text.extend_from_slice(b"\\\""),
                _ if printable => text.extend_from_slice(bytes),
                Unprintable::Raw => text.extend_from_slice(bytes),
                Unprintable::Question => text.push(b'?'),
                Unprintable::Octal => {
                    for byte in bytes {
                        text.extend_from_slice(format!("\\{byte:03o}").as_bytes());
                    }
                }
            }
        }
        if self.plan.quote {
            text.push(b'"');
        }
        text
    }

    /// Pairs of what the options ask for.
    fn attributes(&self, t: &Tool, node: &Node) -> Vec<(&'static str, String, bool)> {
        let plan = &self.plan;
        let stat = &node.stat;
        let mut all = Vec::new();
        if plan.inode {
            all.push(("inode", stat.inode.to_string(), false));
        }
        if plan.device {
            all.push(("dev", stat.device.to_string(), false));
        }
        if plan.mode {
            all.push(("mode", format!("{:04o}", stat.mode), true));
            all.push(("prot", mode_string(stat), true));
        }
        if plan.user {
            let name = self.users.user_name(stat.uid).map_or(stat.uid.to_string(), BString::to_string);
            all.push(("user", name, true));
        }
        if plan.group {
            let name = self.users.group_name(stat.gid).map_or(stat.gid.to_string(), BString::to_string);
            all.push(("group", name, true));
        }
        if plan.size {
            let size = if plan.usage { node.size } else { stat.size };
            all.push(match plan.human {
                Some(_) => ("size", self.size_text(size).trim_start().to_owned(), true),
                None => ("size", size.to_string(), false),
            });
        }
        if plan.date {
            all.push(("time", self.date(t, stat), true));
        }
        all
    }

    fn xml_open(&self, t: &Tool, node: &Node) -> String {
        let name = if self.plan.full_path || self.more.is_empty() { &node.path } else { &node.name };
        let mut tag = format!("<{} name=\"{}\"", kind(&node.stat), xml(name));
        if let Some((target, _)) = &node.link {
            tag.push_str(&format!(" target=\"{}\"", xml(target.as_bytes())));
        }
        for (name, value, _) in self.attributes(t, node) {
            tag.push_str(&format!(" {name}=\"{}\"", xml(value.as_bytes())));
        }
        tag.push('>');
        tag
    }

    fn json_open(&self, t: &Tool, node: &Node) -> String {
        let name = if self.plan.full_path || self.more.is_empty() { &node.path } else { &node.name };
        let mut text = format!("{{\"type\":\"{}\",\"name\":\"{}\"", kind(&node.stat), json(name));
        if let Some((target, _)) = &node.link {
            text.push_str(&format!(",\"target\":\"{}\"", json(target.as_bytes())));
        }
        for (name, value, quoted) in self.attributes(t, node) {
            text.push_str(&if quoted {
                format!(",\"{name}\":\"{}\"", json(value.as_bytes()))
            } else {
                format!(",\"{name}\":{value}")
            });
        }
        text
    }
}

fn kind(stat: &Stat) -> &'static str {
    KINDS.iter().find(|(kind, _)| *kind == stat.kind).map_or("unknown", |(_, name)| name)
}

fn class(stat: &Stat) -> &'static str {
    match stat.kind {
        FileType::Directory => "/",
        FileType::Socket => "=",
        FileType::Fifo => "|",
        FileType::Regular if stat.mode & 0o111 != 0 => "*",
        _ => "",
    }
}

fn xml(text: &[u8]) -> String {
    let text = text.to_str_lossy();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn json(text: &[u8]) -> String {
    let mut out = String::new();
    for character in text.to_str_lossy().chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            other if other.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => out.push(other),
        }
    }
    out
}
