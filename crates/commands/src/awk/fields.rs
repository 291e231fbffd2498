//! The record and its fields, split when somebody asks for one.

use std::rc::Rc;

use wasmsh_regex::Regex;

use super::value::{Text, Value, empty};

/// How records are split.
pub(super) enum Splitter {
    /// At blanks, as FS = " " says.
    Blanks,
    Byte(u8),
    /// Every character is a field.
    Characters,
    Regex(Regex),
    /// What matches is a field.
    Pattern(Regex),
    /// Skipped and taken characters; `None`: all that is left.
    Widths(Vec<(usize, Option<usize>)>),
}

/// The separators and fields of a text: `field(start, end)`; separators lie between.
pub(super) fn split(text: &[u8], splitter: &Splitter, newlines: bool, mut field: impl FnMut(usize, usize)) {
    if text.is_empty() {
        return;
    }
    match splitter {
        Splitter::Blanks => {
            let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n');
            let mut at = 0;
            while at < text.len() {
                while text.get(at).is_some_and(|byte| blank(*byte)) {
                    at += 1;
                }
                let start = at;
                while text.get(at).is_some_and(|byte| !blank(*byte)) {
                    at += 1;
                }
                if at > start {
                    field(start, at);
                }
            }
        }
        Splitter::Byte(byte) => {
            let mut start = 0;
            if newlines {
                for at in memchr::memchr2_iter(*byte, b'\n', text) {
                    field(start, at);
                    start = at + 1;
                }
            } else {
                for at in memchr::memchr_iter(*byte, text) {
                    field(start, at);
                    start = at + 1;
                }
            }
            field(start, text.len());
        }
        Splitter::Characters => {
            let mut at = 0;
            while at < text.len() {
                let length = bstr::decode_utf8(text.get(at..).unwrap_or_default()).1.max(1);
                field(at, at + length);
                at += length;
            }
        }
        Splitter::Regex(regex) => {
            let mut start = 0;
            let mut from = 0;
            while let Ok(Some(found)) = regex.find_at(text, from) {
                let newline = newlines
                    .then(|| memchr::memchr(b'\n', text.get(from..found.start).unwrap_or_default()))
                    .flatten();
                if let Some(newline) = newline {
                    field(start, from + newline);
                    start = from + newline + 1;
                    from = start;
                    continue;
                }
                if found.end == found.start {
                    from = found.end + 1;
                    if from > text.len() {
                        break;
                    }
                    continue;
                }
                field(start, found.start);
                start = found.end;
                from = start;
            }
            if newlines {
                for at in memchr::memchr_iter(b'\n', text.get(start..).unwrap_or_default()).collect::<Vec<_>>() {
                    let at = start.max(at);
                    field(start, at);
                    start = at + 1;
                }
            }
            field(start, text.len());
        }
        Splitter::Pattern(regex) => {
            let mut from = 0;
            let mut previous = None;
            while from <= text.len() {
                let Ok(Some(found)) = regex.find_at(text, from) else { break };
                if found.start == found.end {
                    // An empty field counts where no field has just ended.
                    if previous != Some(found.start) && found.start < text.len() {
                        field(found.start, found.end);
                    }
                    from = found.end + 1;
                } else {
                    field(found.start, found.end);
                    from = found.end;
                    previous = Some(found.end);
                }
            }
        }
        Splitter::Widths(widths) => {
            let mut at = 0;
            let forward = |from: usize, count: usize| {
                from + super::text::offset(text.get(from..).unwrap_or_default(), count)
            };
            for (skip, width) in widths {
                at = forward(at, *skip);
                if at >= text.len() {
                    break;
                }
                let end = width.map_or(text.len(), |width| forward(at, width));
                field(at, end);
                at = end;
            }
        }
    }
}

/// `$0`, `$1`, …
pub(super) struct Record {
    text: Text,
    /// `$0` has to be put together from the fields.
    stale: bool,
    spans: Option<Vec<(usize, usize)>>,
    spare: Vec<(usize, usize)>,
    /// Once a field was assigned.
    fields: Option<Vec<Value>>,
    splitter: Rc<Splitter>,
    newlines: bool,
}

impl Record {
    pub(super) fn new() -> Record {
        Record {
            text: empty(),
            stale: false,
            spans: None,
            spare: Vec::new(),
            fields: None,
            splitter: Rc::new(Splitter::Blanks),
            newlines: false,
        }
    }

    /// Sets `$0`, to be split as FS says now.
    pub(super) fn set(&mut self, text: Text, splitter: &Rc<Splitter>, newlines: bool) {
        self.text = text;
        self.stale = false;
        if let Some(spans) = self.spans.take() {
            self.spare = spans;
        }
        self.fields = None;
        if !Rc::ptr_eq(&self.splitter, splitter) {
            self.splitter = splitter.clone();
        }
        self.newlines = newlines;
    }

    fn spans(&mut self) -> &[(usize, usize)] {
        let (text, splitter, newlines) = (&self.text, &self.splitter, self.newlines);
        let spare = &mut self.spare;
        self.spans.get_or_insert_with(|| {
            let mut spans = std::mem::take(spare);
            spans.clear();
            split(text, splitter, newlines, |start, end| spans.push((start, end)));
            spans
        })
    }

    /// NF.
    pub(super) fn count(&mut self) -> usize {
        match &self.fields {
            Some(fields) => fields.len(),
            None => self.spans().len(),
        }
    }

    pub(super) fn whole(&mut self, ofs: &[u8], convfmt: &[u8]) -> Text {
        if self.stale {
            let mut out = Vec::new();
            for (index, field) in self.fields.iter().flatten().enumerate() {
                if index > 0 {
                    out.extend_from_slice(ofs);
                }
                field.append_to(convfmt, &mut out);
            }
            self.text = out.into();
            self.stale = false;
        }
        self.text.clone()
    }

    /// A field from 1 on.
    pub(super) fn get(&mut self, number: usize) -> Value {
        if let Some(fields) = &self.fields {
            return fields.get(number - 1).cloned().unwrap_or(Value::Unset);
        }
        match self.spans().get(number - 1).copied() {
            Some((start, end)) => Value::Input(self.text.get(start..end).unwrap_or_default().into()),
            None => Value::Unset,
        }
    }

    fn own(&mut self) -> &mut Vec<Value> {
        if self.fields.is_none() {
            let spans = self.spans().to_vec();
            let text = &self.text;
            let fields = spans
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
            fields.resize(number, Value::Text(empty()));
        }
        if let Some(place) = fields.get_mut(number - 1) {
            *place = value;
        }
        self.stale = true;
    }

    /// Assigns NF.
    pub(super) fn set_count(&mut self, count: usize) {
        self.own().resize(count, Value::Text(empty()));
        self.stale = true;
    }
}
