//! Functions of strings that change nothing but arrays.

use wasmsh_regex::{Captures, Regex};

use super::super::array::Array;
use super::super::ast::{Var, special};
use super::super::fields::{Range, Splitter, all, part};
use super::super::machine::{Machine, Step, fatal};
use super::super::text;
use super::super::value::{Value, empty};
use super::nth;

impl Machine<'_> {
    pub(super) fn length(&self, text: &[u8]) -> usize {
        if self.utf8 { text::length(text) } else { text.len() }
    }

    pub(super) fn position(&self, text: &[u8], byte: usize) -> usize {
        if self.utf8 { text::position(text, byte) } else { byte }
    }

    pub(super) fn find(&self, regex: &Regex, text: &[u8], from: usize) -> Step<Option<Captures>> {
        regex.captures_at(text, from).or_else(|error| fatal(error.to_string()))
    }

    pub(super) fn substr(&mut self, count: usize) -> Value {
        let length = if count > 2 { Some(self.pop_number()) } else { None };
        let start = self.pop_number();
        let text = self.pop_text();
        if start.is_nan() || length.is_some_and(f64::is_nan) {
            return Value::Text(empty());
        }
        // The start is cut to an integer and not before the text; the length is counted from there.
        let start = start.trunc().max(1.0);
        let length = length.map_or(f64::INFINITY, f64::trunc);
        if length < 1.0 {
            return Value::Text(empty());
        }
        let from = (start - 1.0).min(1e15) as usize;
        let count = length.min(1e15) as usize;
        if !self.utf8 || text.is_ascii() {
            let to = from.saturating_add(count).min(text.len());
            if from == 0 && to == text.len() {
                return Value::Text(text);
            }
            return Value::text(text.get(from..to).unwrap_or_default());
        }
        let first = text::offset(&text, from);
        let rest = text.get(first..).unwrap_or_default();
        Value::text(rest.get(..text::offset(rest, count)).unwrap_or_default())
    }

    /// `split`: text, array[, separator[, separators]]
    pub(super) fn split(&mut self, count: usize) -> Step<Value> {
        let separators = if count > 3 { Some(self.pop_array()?) } else { None };
        let separator = if count > 2 { self.pop() } else { self.global_value(special::FS) };
        let array = self.pop_array()?;
        let subject = self.pop_text();
        if separators.as_ref().is_some_and(|other| std::rc::Rc::ptr_eq(other, &array)) {
            return fatal("split: cannot use the same array for second and fourth args");
        }
        let splitter = self.splitter_of(&separator, false, false)?;
        let ranges = all(&splitter, &subject, self.utf8);
        fill(&subject, &array, &ranges);
        if let Some(separators) = separators {
            let outer = matches!(splitter, Splitter::Blanks);
            fill_separators(&subject, &separators, &ranges, outer, outer);
        }
        Ok(Value::Number(ranges.len() as f64))
    }

    pub(super) fn patsplit(&mut self, count: usize) -> Step<Value> {
        let separators = if count > 3 { Some(self.pop_array()?) } else { None };
        let pattern = if count > 2 { self.pop() } else { self.global_value(special::FPAT) };
        let array = self.pop_array()?;
        let subject = self.pop_text();
        let splitter = Splitter::Pattern(self.dynamic(&pattern)?);
        let ranges = all(&splitter, &subject, self.utf8);
        fill(&subject, &array, &ranges);
        if let Some(separators) = separators {
            fill_separators(&subject, &separators, &ranges, true, true);
        }
        Ok(Value::Number(ranges.len() as f64))
    }

    /// `match`: text, pattern[, array]
    pub(super) fn matching(&mut self, count: usize) -> Step<Value> {
        let array = if count > 2 { Some(self.pop_array()?) } else { None };
        let pattern = self.pop();
        let subject = self.pop_text();
        let regex = self.dynamic(&pattern)?;
        let found = match &array {
            Some(_) => self.find(&regex, &subject, 0)?,
            None => {
                let span = regex.find_at(&subject, 0).or_else(|error| fatal(error.to_string()))?;
                span.map(|span| vec![Some(span)])
            }
        };
        if let Some(array) = &array {
            array.clear();
        }
        let Some(whole) = found.as_ref().and_then(|captures| captures.first().copied().flatten()) else {
            self.set(Var::Global(special::RSTART), Value::Number(0.0))?;
            self.set(Var::Global(special::RLENGTH), Value::Number(-1.0))?;
            return Ok(Value::Number(0.0));
        };
        if let (Some(array), Some(captures)) = (&array, &found) {
            for (group, span) in captures.iter().enumerate() {
                let Some(span) = span else { continue };
                array.set(nth(group), Value::Input(span.of(&subject).into()));
                let start = self.position(&subject, span.start) + 1;
                let length = self.length(span.of(&subject));
                for (name, number) in [(&b"start"[..], start), (b"length", length)] {
                    let key = [group.to_string().as_bytes(), &self.subsep, name].concat();
                    array.set_name(&key, Value::Number(number as f64));
                }
            }
        }
        let start = (self.position(&subject, whole.start) + 1) as f64;
        let length = self.length(whole.of(&subject)) as f64;
        self.set(Var::Global(special::RSTART), Value::Number(start))?;
        self.set(Var::Global(special::RLENGTH), Value::Number(length))?;
        Ok(Value::Number(start))
    }
}

/// Fills an array with the parts of a text.
fn fill(subject: &[u8], array: &Array, ranges: &[Range]) {
    array.clear();
    for (index, range) in ranges.iter().enumerate() {
        array.set(nth(index + 1), Value::Input(part(subject, *range)));
    }
}

/// Fills an array with what stands between the parts; with `before` and `after` also with what stands around them.
fn fill_separators(subject: &[u8], array: &Array, ranges: &[Range], before: bool, after: bool) {
    array.clear();
    let between = |from: usize, to: usize| Value::text(subject.get(from..to).unwrap_or_default());
    let Some(((first, _), (_, last))) = ranges.first().zip(ranges.last()) else {
        if before && !subject.is_empty() {
            array.set(nth(0), between(0, subject.len()));
        }
        return;
    };
    if before {
        array.set(nth(0), between(0, *first));
    }
    for (index, pair) in ranges.windows(2).enumerate() {
        if let [(_, end), (start, _)] = pair {
            array.set(nth(index + 1), between(*end, *start));
        }
    }
    if after {
        array.set(nth(ranges.len()), between(*last, subject.len()));
    }
}
