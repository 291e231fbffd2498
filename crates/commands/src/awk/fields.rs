//! The record and its fields, split when somebody asks for one and only as far as that.

use std::rc::Rc;

use wasmsh_regex::Regex;

use super::value::{Text, Value, empty, missing, to_number};

/// How a text is split.
pub(super) enum Splitter {
    /// At blanks, as FS = " " says.
    Blanks,
    Byte(u8),
    /// At a byte and at newlines: records are paragraphs.
    ByteOrNewline(u8),
    /// Every character is a field; true: newlines are none.
    Characters(bool),
    Regex(Rc<Regex>),
    /// What matches is a field.
    Pattern(Rc<Regex>),
    /// Skipped and taken characters; `None`: all that is left.
    Widths(Vec<Width>),
}

/// Characters to skip, and to take.
pub(super) type Width = (usize, Option<usize>);

/// Where a field begins and ends.
pub(super) type Range = (usize, usize);

/// Splits a text step by step.
#[derive(Default)]
pub(super) struct Progress {
    at: usize,
    done: bool,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

impl Splitter {
    /// Adds fields until there are `wanted`, or all.
    pub(super) fn split(
        &self,
        text: &[u8],
        utf8: bool,
        state: &mut Progress,
        found: &mut Vec<Range>,
        wanted: usize,
    ) {
        if state.done || found.len() >= wanted {
            return;
        }
        if text.is_empty() {
            state.done = true;
            return;
        }
        match self {
            Splitter::Blanks => {
                let mut at = state.at;
                while found.len() < wanted {
                    while text.get(at).is_some_and(|byte| is_blank(*byte)) {
                        at += 1;
                    }
                    let start = at;
                    while text.get(at).is_some_and(|byte| !is_blank(*byte)) {
                        at += 1;
                    }
                    if at == start {
                        state.done = true;
                        break;
                    }
                    found.push((start, at));
                }
                state.at = at;
            }
            Splitter::Byte(byte) => {
                while found.len() < wanted {
                    let rest = text.get(state.at..).unwrap_or_default();
                    match memchr::memchr(*byte, rest) {
                        Some(end) => {
                            found.push((state.at, state.at + end));
                            state.at += end + 1;
                        }
                        None => {
                            found.push((state.at, text.len()));
                            state.done = true;
                            break;
                        }
                    }
                }
            }
            _ => {
                self.split_all(text, utf8, found);
                state.done = true;
            }
        }
    }

    fn split_all(&self, text: &[u8], utf8: bool, found: &mut Vec<Range>) {
        match self {
            Splitter::Blanks | Splitter::Byte(_) => {}
            Splitter::ByteOrNewline(byte) => {
                let mut start = 0;
                for at in memchr::memchr2_iter(*byte, b'\n', text) {
                    found.push((start, at));
                    start = at + 1;
                }
                found.push((start, text.len()));
            }
            Splitter::Characters(newlines) => {
                let mut at = 0;
                while let Some(byte) = text.get(at) {
                    let length = if utf8 { character(text, at) } else { 1 };
                    if !(*newlines && *byte == b'\n') {
                        found.push((at, at + length));
                    }
                    at += length;
                }
            }
            Splitter::Regex(regex) => {
                let (mut start, mut from) = (0, 0);
                while let Ok(Some(span)) = regex.find_at(text, from) {
                    if span.end == span.start {
                        from = span.end + 1;
                        if from > text.len() {
                            break;
                        }
                        continue;
                    }
                    found.push((start, span.start));
                    start = span.end;
                    from = start;
                }
                found.push((start, text.len()));
            }
            Splitter::Pattern(regex) => {
                let mut at = 0;
                while let Ok(Some(span)) = regex.find_at(text, at) {
                    if span.start == span.end
                        && span.start == text.len()
                        && at < text.len()
                        && !found.is_empty()
                    {
                        break;
                    }
                    found.push((span.start, span.end));
                    at = span.end;
                    if at >= text.len() {
                        break;
                    }
                    // Where nothing can be matched right behind a field, a character there separates.
                    match regex.find_at(text, at) {
                        Ok(Some(next)) if next.start == next.end => {
                            at = next.start + if utf8 { character(text, next.start) } else { 1 };
                            if at > text.len() {
                                break;
                            }
                        }
                        Ok(Some(next)) if next.start == at => {
                            // Two fields with nothing between them.
                        }
                        Ok(Some(_)) => {}
                        _ => break,
                    }
                }
            }
            Splitter::Widths(widths) => {
                let forward = |from: usize, count: usize| {
                    let rest = text.get(from..).unwrap_or_default();
                    from + if utf8 { super::text::offset(rest, count) } else { count.min(rest.len()) }
                };
                let mut at = 0;
                for (skip, width) in widths {
                    at = forward(at, *skip);
                    if at >= text.len() {
                        break;
                    }
                    let end = width.map_or(text.len(), |width| forward(at, width));
                    found.push((at, end));
                    at = end;
                }
            }
        }
    }
}

/// The length of the character at a place, at least 1.
fn character(text: &[u8], at: usize) -> usize {
    bstr::decode_utf8(text.get(at..).unwrap_or_default()).1.max(1)
}

/// `$0`, `$1`, …
pub(super) struct Record {
    /// What the ranges are of; `$0` unless it is stale.
    text: Vec<u8>,
    /// `$0` as a value, once somebody wanted it.
    value: Option<Value>,
    /// `$0` has to be put together from the fields.
    stale: bool,
    ranges: Vec<Range>,
    progress: Progress,
    /// Once a field was assigned.
    fields: Option<Vec<Value>>,
    splitter: Rc<Splitter>,
    utf8: bool,
}

impl Record {
    pub(super) fn new(utf8: bool) -> Record {
        Record {
            text: Vec::new(),
            value: Some(missing()),
            stale: false,
            ranges: Vec::new(),
            progress: Progress::default(),
            fields: None,
            splitter: Rc::new(Splitter::Blanks),
            utf8,
        }
    }

    /// Sets `$0`, to be split as FS says now.
    #[inline]
    pub(super) fn set(&mut self, text: &[u8], splitter: &Rc<Splitter>) {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.begin(splitter);
    }

    /// Sets `$0` by a value that it keeps.
    pub(super) fn set_value(&mut self, value: Value, text: &[u8], splitter: &Rc<Splitter>) {
        self.set(text, splitter);
        self.value = Some(value);
    }

    #[inline]
    fn begin(&mut self, splitter: &Rc<Splitter>) {
        self.value = None;
        self.stale = false;
        self.ranges.clear();
        self.progress = Progress::default();
        self.fields = None;
        if !Rc::ptr_eq(&self.splitter, splitter) {
            self.splitter = splitter.clone();
        }
    }

    #[inline]
    fn split_to(&mut self, wanted: usize) {
        if self.ranges.len() < wanted && !self.progress.done {
            self.splitter.split(&self.text, self.utf8, &mut self.progress, &mut self.ranges, wanted);
        }
    }

    /// NF.
    pub(super) fn count(&mut self) -> usize {
        match &self.fields {
            Some(fields) => fields.len(),
            None => {
                self.split_to(usize::MAX);
                self.ranges.len()
            }
        }
    }

    fn freshen(&mut self, ofs: &[u8], convfmt: &[u8]) {
        if self.stale {
            self.text.clear();
            for (index, field) in self.fields.iter().flatten().enumerate() {
                if index > 0 {
                    self.text.extend_from_slice(ofs);
                }
                field.append_to(convfmt, &mut self.text);
            }
            self.stale = false;
            self.value = None;
        }
    }

    /// The bytes of `$0`.
    #[inline]
    pub(super) fn bytes(&mut self, ofs: &[u8], convfmt: &[u8]) -> &[u8] {
        self.freshen(ofs, convfmt);
        &self.text
    }

    /// `$0`.
    pub(super) fn whole(&mut self, ofs: &[u8], convfmt: &[u8]) -> Value {
        self.freshen(ofs, convfmt);
        let text = &self.text;
        self.value.get_or_insert_with(|| Value::Input(text[..].into())).clone()
    }

    /// A field from 1 on.
    pub(super) fn get(&mut self, number: usize) -> Value {
        if let Some(fields) = &self.fields {
            return fields.get(number - 1).cloned().unwrap_or_else(missing);
        }
        self.split_to(number);
        match self.ranges.get(number - 1) {
            Some((start, end)) => Value::Input(self.text.get(*start..*end).unwrap_or_default().into()),
            None => missing(),
        }
    }

    /// The bytes of a field from 1 on, if it is still as it was read. `Some(None)`: there is no such field.
    #[inline]
    pub(super) fn read(&mut self, number: usize) -> Option<Option<&[u8]>> {
        if self.fields.is_some() {
            return None;
        }
        self.split_to(number);
        Some(self.ranges.get(number - 1).map(|(start, end)| self.text.get(*start..*end).unwrap_or_default()))
    }

    /// A field from 1 on as a number.
    #[inline]
    pub(super) fn number(&mut self, number: usize) -> f64 {
        match self.read(number) {
            Some(Some(text)) => to_number(text),
            Some(None) => 0.0,
            None => self.get(number).number(),
        }
    }

    fn own(&mut self) -> &mut Vec<Value> {
        if self.fields.is_none() {
            self.split_to(usize::MAX);
            let text = &self.text;
            let fields = self
                .ranges
                .iter()
                .map(|(start, end)| Value::Input(text.get(*start..*end).unwrap_or_default().into()))
                .collect();
            self.fields = Some(fields);
        }
        self.fields.get_or_insert_with(Vec::new)
    }

    /// Assigns a field from 1 on; those before it come to be.
    pub(super) fn assign(&mut self, number: usize, value: Value) {
        let fields = self.own();
        if fields.len() < number {
            fields.resize_with(number, missing);
        }
        if let Some(place) = fields.get_mut(number - 1) {
            *place = value;
        }
        self.stale = true;
    }

    /// Assigns NF.
    pub(super) fn set_count(&mut self, count: usize) {
        self.own().resize_with(count, missing);
        self.stale = true;
    }
}

/// The widths that FIELDWIDTHS gives: `[SKIP:]WIDTH`, the last may be `*`. The error is the number of the wrong one, and
/// what it is.
pub(super) fn widths(text: &[u8]) -> Result<Vec<Width>, (usize, String)> {
    let mut widths = Vec::new();
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).peekable();
    while let Some(word) = words.next() {
        let text = String::from_utf8_lossy(word);
        let wrong = || (widths.len() + 1, text.to_string());
        let (skip, width) = text.split_once(':').unwrap_or(("0", &text));
        let skip = skip.parse().map_err(|_| wrong())?;
        if width == "*" && words.peek().is_none() {
            widths.push((skip, None));
            continue;
        }
        match width.parse() {
            Ok(width @ 1..) => widths.push((skip, Some(width))),
            _ => return Err(wrong()),
        }
    }
    Ok(widths)
}

/// An unset field is the empty string.
pub(super) fn settled(value: Value) -> Value {
    match value {
        Value::Unset | Value::Maybe(_) => Value::Text(empty()),
        value => value,
    }
}

/// The texts of the fields of `text`.
pub(super) fn all(splitter: &Splitter, text: &[u8], utf8: bool) -> Vec<Range> {
    let mut found = Vec::new();
    splitter.split(text, utf8, &mut Progress::default(), &mut found, usize::MAX);
    found
}

/// A part of a text as a field is: it may be a number.
pub(super) fn part(text: &[u8], range: Range) -> Text {
    text.get(range.0..range.1).unwrap_or_default().into()
}
