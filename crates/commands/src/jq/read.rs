//! JSON texts into values, piece by piece: the reader stops wherever its bytes end and goes on with more of them.
//! It accepts what jq accepts (nan, several values in a row) and words errors as jq does.

use std::collections::VecDeque;
use std::rc::Rc;

use bstr::ByteSlice;

use super::number;
use super::value::{Members, Value};

/// The deepest nesting; a key counts as a level.
const MAX_NESTING: usize = 10_000;

enum Open {
    Array(Vec<Value>),
    Object(Members, Option<Rc<String>>),
    /// As a stream of events: how many members came before, and whether the present one is complete.
    StreamArray {
        count: usize,
    },
    StreamObject {
        count: usize,
        key: bool,
    },
}

/// What a step gave.
pub(crate) enum Step {
    Value(Value),
    /// The bytes are used up.
    More,
    /// There is nothing behind this.
    Error(String),
}

/// A reader of JSON texts.
pub(crate) struct Reader {
    stack: Vec<Open>,
    depth: usize,
    next: Option<Value>,
    /// Newlines read.
    pub(crate) line: u64,
    /// Bytes read, and how many of them when the line began.
    offset: u64,
    line_start: u64,
    started: bool,
    names: Vec<Option<Rc<String>>>,
    /// `--stream`: paths and leaves instead of values.
    stream: bool,
    path: Vec<Value>,
    events: VecDeque<Value>,
    /// `--seq`: values are separated by RS.
    seq: bool,
    /// A number or word at the end of a text of a sequence may be cut off.
    last_was_space: bool,
}

type Checked = Result<(), &'static str>;

impl Reader {
    pub(crate) fn new(stream: bool, seq: bool) -> Reader {
        Reader {
            stack: Vec::new(),
            depth: 0,
            next: None,
            line: 0,
            offset: 0,
            line_start: 0,
            started: false,
            names: vec![None; 64],
            stream,
            path: Vec::new(),
            events: VecDeque::new(),
            seq,
            last_was_space: false,
        }
    }

    /// Goes on with `bytes`, behind which there is nothing if `end`. Says how many are used up: the rest is to be given
    /// again, with more behind it unless a value came.
    pub(crate) fn step(&mut self, bytes: &[u8], end: bool) -> (usize, Step) {
        if let Some(event) = self.events.pop_front() {
            return (0, Step::Value(event));
        }
        let mut at = 0;
        if !self.started {
            const MARK: &[u8] = b"\xef\xbb\xbf";
            if bytes.len() < MARK.len() && !end && MARK.starts_with(bytes) {
                return (0, Step::More);
            }
            self.started = true;
            if bytes.starts_with(MARK) {
                at = MARK.len();
                self.line_start += 3;
            } else if bytes.first() == Some(&0xef) {
                return (0, Step::Error("Malformed BOM".into()));
            }
        }
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\r' => at += 1,
                b'\n' => {
                    at += 1;
                    self.line += 1;
                    self.line_start = self.offset + at as u64;
                }
                0x1e if self.seq => {
                    at += 1;
                    self.stack.clear();
                    self.depth = 0;
                    self.next = None;
                }
                b'[' | b'{' | b':' | b',' | b']' | b'}' => {
                    at += 1;
                    if let Err(message) = self.token(byte) {
                        return self.fail(at, message);
                    }
                }
                b'"' => {
                    let rest = bytes.get(at + 1..).unwrap_or_default();
                    let Some((length, escaped)) = find_quote(rest) else {
                        if end {
                            let column = self.offset + bytes.len() as u64 - self.line_start;
                            let message = format!(
                                "Unfinished string at EOF at line {}, column {column}",
                                self.line + 1
                            );
                            return (bytes.len(), Step::Error(message));
                        }
                        break;
                    };
                    let body = rest.get(..length).unwrap_or_default();
                    at += length + 2;
                    let is_key = matches!(
                        self.stack.last(),
                        Some(Open::Object(_, None) | Open::StreamObject { key: false, .. })
                    );
                    let result = match string(body, escaped) {
                        Ok(text) => {
                            let text = if is_key && text.len() < 32 {
                                self.intern(text)
                            } else {
                                Rc::new(text.into_owned())
                            };
                            self.value(Value::String(text))
                        }
                        Err(message) => Err(message),
                    };
                    if let Err(message) = result {
                        // Raw newlines, which are an error, count as well.
                        for (index, _) in body.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                            self.line += 1;
                            self.line_start = self.offset + (at - length - 1 + index + 1) as u64;
                        }
                        return self.fail(at, message);
                    }
                }
                _ => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let length = rest
                        .iter()
                        .position(|byte| {
                            matches!(
                                byte,
                                b' ' | b'\t' | b'\r' | b'\n' | b'[' | b'{' | b':' | b',' | b']' | b'}' | b'"'
                            ) || (*byte == 0x1e && self.seq)
                        })
                        .unwrap_or(rest.len());
                    if length == rest.len() && !end {
                        break;
                    }
                    let last = length == rest.len();
                    let word = rest.get(..length).unwrap_or_default();
                    at += length;
                    if let Err(message) = self.word(word) {
                        if last {
                            let column = self.offset + at as u64 - self.line_start;
                            let message =
                                format!("{message} at EOF at line {}, column {column}", self.line + 1);
                            return (at, Step::Error(message));
                        }
                        // As jq, which sees it with the byte that follows.
                        if rest.get(length) == Some(&b'\n') {
                            self.line += 1;
                            self.line_start = self.offset + at as u64 + 1;
                        }
                        return self.fail(at + 1, message);
                    }
                }
            }
            self.last_was_space = byte.is_ascii_whitespace();
            if self.stream {
                if let Some(event) = self.events.pop_front() {
                    return self.give(at, event);
                }
            } else if self.stack.is_empty()
                && let Some(value) = self.next.take()
            {
                return self.give(at, value);
            }
        }
        self.offset += at as u64;
        if end && at >= bytes.len() && !self.stack.is_empty() {
            let column = self.offset - self.line_start;
            let message = format!("Unfinished JSON term at EOF at line {}, column {column}", self.line + 1);
            self.stack.clear();
            return (at, Step::Error(message));
        }
        (at, Step::More)
    }

    fn give(&mut self, at: usize, value: Value) -> (usize, Step) {
        self.offset += at as u64;
        (at, Step::Value(value))
    }

    fn fail(&mut self, at: usize, message: &str) -> (usize, Step) {
        self.offset += at as u64;
        let column = self.offset.saturating_sub(self.line_start);
        (at, Step::Error(format!("{message} at line {}, column {column}", self.line + 1)))
    }

    /// Names of members come again and again: one string for each.
    fn intern(&mut self, text: std::borrow::Cow<'_, str>) -> Rc<String> {
        let bytes = text.as_bytes();
        let mix =
            bytes.iter().fold(bytes.len(), |mix, byte| mix.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        let Some(slot) = self.names.get_mut(mix & 63) else { return Rc::new(text.into_owned()) };
        match slot {
            Some(name) if **name == text => Rc::clone(name),
            _ => {
                let name = Rc::new(text.into_owned());
                *slot = Some(Rc::clone(&name));
                name
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Checked {
        let value = match word {
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            b"null" => Value::Null,
            b"nan" => Value::Number(f64::NAN),
            [b't' | b'f', ..] | [b'n', b'u', ..] => return Err("Invalid literal"),
            [b'\'', ..] => return Err("Invalid string literal; expected \", but got '"),
            _ => {
                let number = std::str::from_utf8(word).ok().and_then(number::parse);
                number.ok_or("Invalid numeric literal")?
            }
        };
        self.value(value)
    }

    fn value(&mut self, value: Value) -> Checked {
        if self.next.is_some() {
            return Err("Expected separator between values");
        }
        if self.stream && !matches!(self.stack.last(), Some(Open::StreamObject { key: false, .. })) {
            self.leaf(value.clone());
            // What was told stays as a mark.
            self.next = (!self.stack.is_empty()).then_some(value);
            return Ok(());
        }
        self.next = Some(value);
        Ok(())
    }

    fn leaf(&mut self, value: Value) {
        self.events.push_back(Value::array(vec![Value::array(self.path.clone()), value]));
    }

    fn nest(&mut self, open: Open) -> Checked {
        if self.depth >= MAX_NESTING {
            return Err("Exceeds depth limit for parsing");
        }
        if self.next.is_some() {
            return Err("Expected separator between values");
        }
        self.depth += 1;
        self.stack.push(open);
        Ok(())
    }

    fn token(&mut self, byte: u8) -> Checked {
        match byte {
            b'[' if self.stream => {
                self.nest(Open::StreamArray { count: 0 })?;
                self.path.push(Value::Number(0.0));
                Ok(())
            }
            b'{' if self.stream => {
                self.nest(Open::StreamObject { count: 0, key: false })?;
                self.path.push(Value::Null);
                Ok(())
            }
            b'[' => self.nest(Open::Array(Vec::new())),
            b'{' => self.nest(Open::Object(Members::default(), None)),
            b':' => self.colon(),
            b',' => self.comma(),
            b']' => self.close_array(),
            _ => self.close_object(),
        }
    }

    fn colon(&mut self) -> Checked {
        let stream = self.stream;
        match self.stack.last_mut() {
            _ if self.next.is_none() => Err("Expected string key before ':'"),
            None
            | Some(
                Open::Array(_)
                | Open::StreamArray { .. }
                | Open::Object(_, Some(_))
                | Open::StreamObject { key: true, .. },
            ) => Err("':' not as part of an object"),
            Some(open) => match self.next.take() {
                None => Err("Expected string key before ':'"),
                Some(Value::String(name)) => {
                    match open {
                        Open::Object(_, key) => *key = Some(name),
                        Open::StreamObject { key, .. } => {
                            *key = true;
                            if let Some(last) = self.path.last_mut() {
                                *last = Value::String(name);
                            }
                        }
                        _ => {}
                    }
                    if !stream {
                        self.depth += 1;
                    }
                    Ok(())
                }
                Some(_) => Err("Object keys must be strings"),
            },
        }
    }

    fn comma(&mut self) -> Checked {
        let Some(value) = self.next.take() else { return Err("Expected value before ','") };
        match self.stack.last_mut() {
            None => Err("',' not as part of an object or array"),
            Some(Open::Array(array)) => {
                array.push(value);
                Ok(())
            }
            Some(Open::Object(members, key)) => match key.take() {
                Some(key) => {
                    members.insert(key, value);
                    self.depth -= 1;
                    Ok(())
                }
                None => Err("Objects must consist of key:value pairs"),
            },
            Some(Open::StreamArray { count }) => {
                *count += 1;
                if let Some(last) = self.path.last_mut() {
                    *last = Value::Number(*count as f64);
                }
                Ok(())
            }
            Some(Open::StreamObject { count, key }) => {
                if !*key {
                    return Err("Objects must consist of key:value pairs");
                }
                *count += 1;
                *key = false;
                Ok(())
            }
        }
    }

    fn close_array(&mut self) -> Checked {
        match self.stack.pop() {
            Some(Open::Array(mut array)) => {
                match self.next.take() {
                    Some(value) => array.push(value),
                    None if !array.is_empty() => return Err("Expected another array element"),
                    None => {}
                }
                self.depth -= 1;
                array.shrink_to_fit();
                self.next = Some(Value::array(array));
                Ok(())
            }
            Some(Open::StreamArray { count }) => {
                let has_value = self.next.take().is_some();
                if !has_value && count > 0 {
                    return Err("Expected another array element");
                }
                self.close_stream(has_value, Value::array(Vec::new()));
                Ok(())
            }
            _ => Err("Unmatched ']'"),
        }
    }

    fn close_object(&mut self) -> Checked {
        match self.stack.pop() {
            Some(Open::Object(mut members, key)) => {
                match (self.next.take(), key) {
                    (Some(value), Some(key)) => {
                        members.insert(key, value);
                        self.depth -= 1;
                    }
                    (Some(_), None) => return Err("Objects must consist of key:value pairs"),
                    (None, Some(_)) => return Err("Unmatched '}'"),
                    (None, None) if !members.is_empty() => return Err("Expected another key-value pair"),
                    (None, None) => {}
                }
                self.depth -= 1;
                self.next = Some(Value::object(members));
                Ok(())
            }
            Some(Open::StreamObject { count, key }) => {
                let has_value = self.next.take().is_some();
                match (has_value, key) {
                    (true, false) => return Err("Objects must consist of key:value pairs"),
                    (false, true) => return Err("Unmatched '}'"),
                    (false, false) if count > 0 => return Err("Expected another key-value pair"),
                    _ => {}
                }
                self.close_stream(has_value, Value::object(Members::default()));
                Ok(())
            }
            _ => Err("Unmatched '}'"),
        }
    }

    /// Tells the end of a container that has members, or the whole of an empty one.
    fn close_stream(&mut self, has_members: bool, empty: Value) {
        self.depth -= 1;
        if has_members {
            self.events.push_back(Value::array(vec![Value::array(self.path.clone())]));
            self.path.pop();
        } else {
            self.path.pop();
            self.leaf(empty);
        }
        self.next = (!self.stack.is_empty()).then_some(Value::Null);
    }

    /// Where a stream was when it broke, for `--stream-errors`.
    pub(crate) fn path(&self) -> Vec<Value> {
        self.path.clone()
    }
}

/// Where a string ends, and whether there is a backslash in it.
fn find_quote(bytes: &[u8]) -> Option<(usize, bool)> {
    let mut at = 0;
    let mut escaped = false;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}

fn string(body: &[u8], escaped: bool) -> Result<std::borrow::Cow<'_, str>, &'static str> {
    if body.iter().any(|byte| *byte < 0x20) {
        return Err("Invalid string: control characters from U+0000 through U+001F must be escaped");
    }
    if !escaped {
        return Ok(body.to_str_lossy());
    }
    let mut text: Vec<u8> = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        text.extend_from_slice(rest.get(..at).unwrap_or_default());
        let letter = rest.get(at + 1).copied().unwrap_or(0);
        rest = rest.get(at + 2..).unwrap_or_default();
        let byte = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let unit = match hex4(rest) {
                    Some(unit) => unit,
                    None if rest.len() < 4 => return Err("Invalid \\uXXXX escape"),
                    None => return Err("Invalid characters in \\uXXXX escape"),
                };
                rest = rest.get(4..).unwrap_or_default();
                let mut code = u32::from(unit);
                if (0xd800..0xdc00).contains(&unit) {
                    let low = rest
                        .strip_prefix(b"\\u")
                        .and_then(hex4)
                        .filter(|low| (0xdc00..0xe000).contains(low))
                        .ok_or("Invalid \\uXXXX\\uXXXX surrogate pair escape")?;
                    rest = rest.get(6..).unwrap_or_default();
                    code = 0x10000 + ((code - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                }
                let letter = char::from_u32(code).unwrap_or('\u{fffd}');
                text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return Err("Invalid escape"),
        };
        text.push(byte);
    }
    text.extend_from_slice(rest);
    Ok(match String::from_utf8(text) {
        Ok(text) => text.into(),
        Err(error) => error.as_bytes().to_str_lossy().into_owned().into(),
    })
}

fn hex4(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.get(..4)?;
    digits.iter().try_fold(0, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | digit as u16)
    })
}

/// The one value of a text, for `fromjson` and `--argjson`. An empty text has none.
pub(crate) fn whole(text: &[u8]) -> Result<Option<Value>, String> {
    let mut reader = Reader::new(false, false);
    let (used, step) = reader.step(text, true);
    let value = match step {
        Step::Value(value) => value,
        Step::More => return Ok(None),
        Step::Error(message) => return Err(message),
    };
    match reader.step(text.get(used..).unwrap_or_default(), true).1 {
        Step::More => Ok(Some(value)),
        Step::Value(_) => Err("Unexpected extra JSON values".into()),
        Step::Error(message) => Err(message),
    }
}
