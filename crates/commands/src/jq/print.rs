//! Values as text: compact or indented, sorted, coloured.

use super::number;
use super::value::{Array, MAX_DEPTH, Object, Value, sorted_keys};

/// How values are written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Style {
    /// Blanks of a step; none: everything in one line.
    pub(crate) indent: usize,
    /// Tabs instead of blanks.
    pub(crate) tabs: bool,
    /// Keys in order.
    pub(crate) sorted: bool,
    /// `\u` for everything beyond ASCII.
    pub(crate) ascii: bool,
    pub(crate) colors: Option<Colors>,
}

/// The escape sequences for the kinds of values.
#[derive(Debug, Clone)]
pub(crate) struct Colors {
    null: String,
    r#false: String,
    r#true: String,
    number: String,
    string: String,
    array: String,
    object: String,
    key: String,
}

const RESET: &str = "\x1b[0m";

impl Colors {
    /// The usual ones, changed by a value of JQ_COLORS.
    pub(crate) fn new(variable: Option<&[u8]>) -> Colors {
        let mut list = ["0;90", "0;39", "0;39", "0;39", "0;32", "1;39", "1;39", "34;1"]
            .map(|code| format!("\x1b[{code}m"));
        if let Some(variable) = variable {
            let valid = variable.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':'));
            if valid {
                for (slot, code) in list.iter_mut().zip(variable.split(|byte| *byte == b':')) {
                    *slot = format!("\x1b[{}m", String::from_utf8_lossy(code));
                }
            }
        }
        let [null, r#false, r#true, number, string, array, object, key] = list;
        Colors { null, r#false, r#true, number, string, array, object, key }
    }

    fn of(&self, value: &Value) -> &str {
        match value {
            Value::Null => &self.null,
            Value::Bool(false) => &self.r#false,
            Value::Bool(true) => &self.r#true,
            Value::Number(_) | Value::Literal(_) => &self.number,
            Value::String(_) => &self.string,
            Value::Array(_) => &self.array,
            Value::Object(_) => &self.object,
        }
    }
}

/// A container whose members are being written.
enum Open<'a> {
    Array(&'a Array, usize),
    Object(&'a Object, Option<Vec<&'a std::rc::Rc<String>>>, usize),
}

impl Style {
    fn escapes(&self) -> Escapes {
        if self.ascii { Escapes::Ascii } else { Escapes::Jq }
    }

    fn newline(&self, depth: usize, out: &mut String) {
        if self.indent == 0 && !self.tabs {
            return;
        }
        out.push('\n');
        let (letter, count) = if self.tabs { ('\t', depth) } else { (' ', depth * self.indent) };
        out.extend(std::iter::repeat_n(letter, count));
    }

    /// Appends the text of `value`.
    pub(crate) fn write(&self, value: &Value, out: &mut String) {
        let mut stack: Vec<Open<'_>> = Vec::new();
        if let Some(open) = self.begin(value, stack.len(), out) {
            stack.push(open);
        }
        while let Some(top) = stack.last_mut() {
            let color = match (&self.colors, &*top) {
                (None, _) => None,
                (Some(colors), Open::Array(..)) => Some(colors.array.as_str()),
                (Some(colors), Open::Object(..)) => Some(colors.object.as_str()),
            };
            let (next, close) = match top {
                Open::Array(array, at) => {
                    let next = array.get(*at);
                    if next.is_some() {
                        if *at > 0 {
                            self.comma(color, out);
                        }
                        *at += 1;
                    }
                    (next, ']')
                }
                Open::Object(object, keys, at) => {
                    let next = match keys {
                        Some(keys) => keys.get(*at).and_then(|key| object.get_key_value(*key)),
                        None => object.get_index(*at),
                    };
                    if let Some((key, _)) = next {
                        let first = *at == 0;
                        *at += 1;
                        let depth = stack.len();
                        if !first {
                            self.comma(color, out);
                        }
                        self.newline(depth, out);
                        self.key(key, color, out);
                        let value = next.map(|(_, value)| value);
                        if let Some(value) = value
                            && let Some(open) = self.begin(value, depth, out)
                        {
                            stack.push(open);
                        }
                        continue;
                    }
                    (None, '}')
                }
            };
            let depth = stack.len();
            match next {
                Some(value) => {
                    self.newline(depth, out);
                    if let Some(open) = self.begin(value, depth, out) {
                        stack.push(open);
                    }
                }
                None => {
                    stack.pop();
                    if let Some(color) = color {
                        out.push_str(color);
                    }
                    self.newline(stack.len(), out);
                    if let Some(color) = color {
                        out.push_str(color);
                    }
                    out.push(close);
                    if color.is_some() {
                        out.push_str(RESET);
                    }
                }
            }
        }
    }

    fn comma(&self, color: Option<&str>, out: &mut String) {
        if let Some(color) = color {
            out.push_str(color);
        }
        out.push(',');
    }

    fn key(&self, key: &str, color: Option<&str>, out: &mut String) {
        let spaced = self.indent > 0 || self.tabs;
        match (&self.colors, color) {
            (Some(colors), Some(object)) => {
                out.push_str(RESET);
                out.push_str(&colors.key);
                quote(key, self.escapes(), out);
                out.push_str(RESET);
                out.push_str(object);
                out.push(':');
                if spaced {
                    out.push(' ');
                }
                out.push_str(RESET);
            }
            _ => {
                quote(key, self.escapes(), out);
                out.push_str(if spaced { ": " } else { ":" });
            }
        }
    }

    /// A scalar whole; of a container what opens it.
    fn begin<'a>(&self, value: &'a Value, depth: usize, out: &mut String) -> Option<Open<'a>> {
        let color = self.colors.as_ref().map(|colors| colors.of(value));
        if let Some(color) = color {
            out.push_str(color);
        }
        let mut open = None;
        match value {
            _ if depth > MAX_DEPTH => out.push_str("<skipped: too deep>"),
            Value::Null => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Number(number) => number::write_to(*number, out),
            Value::Literal(literal) => out.push_str(&literal.text),
            Value::String(text) => quote(text, self.escapes(), out),
            Value::Array(array) if array.is_empty() => out.push_str("[]"),
            Value::Object(object) if object.is_empty() => out.push_str("{}"),
            Value::Array(array) => {
                out.push('[');
                open = Some(Open::Array(array, 0));
            }
            Value::Object(object) => {
                out.push('{');
                open = Some(Open::Object(object, self.sorted.then(|| sorted_keys(object)), 0));
            }
        }
        if color.is_some() && open.is_none() {
            out.push_str(RESET);
        }
        open
    }
}

/// The text of a value in one line.
pub(crate) fn compact(value: &Value) -> String {
    let mut text = String::new();
    Style::default().write(value, &mut text);
    text
}

/// Which letters of a JSON string are written as escapes, beside those that must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Escapes {
    /// DEL, as jq has it.
    #[default]
    Jq,
    /// All that is not ASCII.
    Ascii,
    /// The separators of lines and paragraphs, as Go has it.
    Go,
}

/// A JSON string with its quotation marks.
pub(crate) fn quote(text: &str, escapes: Escapes, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        let plain = match byte {
            ..0x20 | b'"' | b'\\' => false,
            0x7f => escapes == Escapes::Go,
            // The first byte of those separators.
            0xe2 => escapes == Escapes::Jq,
            0x80.. => escapes != Escapes::Ascii,
            _ => true,
        };
        if plain {
            continue;
        }
        if byte >= 0x80 {
            // A letter beyond ASCII: at its first byte.
            let letter = text.get(at..).and_then(|rest| rest.chars().next());
            if escapes == Escapes::Go && !matches!(letter, Some('\u{2028}' | '\u{2029}')) {
                continue;
            }
            out.push_str(text.get(done..at).unwrap_or_default());
            done = done.max(at);
            if let Some(letter) = letter {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
                done = at + letter.len_utf8();
            }
            continue;
        }
        out.push_str(text.get(done..at).unwrap_or_default());
        done = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out.push('"');
}

/// The text of a value for a message, at most 29 bytes of it.
pub(crate) fn excerpt(value: &Value) -> String {
    const MOST: usize = 29;
    let mut text = compact(value);
    if text.len() > MOST {
        let tail = match value {
            Value::String(_) => "...\"",
            Value::Array(_) => "...]",
            Value::Object(_) => "...}",
            _ => "...",
        };
        let mut end = MOST - tail.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(tail);
    }
    text
}
