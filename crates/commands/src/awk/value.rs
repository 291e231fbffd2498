//! Values: strings, numbers, strings that look numeric, arrays.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use crate::extended::{Extended, Flags};

/// A string, shared.
pub(super) type Text = Rc<[u8]>;

/// A value.
#[derive(Clone)]
pub(super) enum Value {
    Unset,
    Number(f64),
    Text(Text),
    /// From input: a number too, if it looks like one (POSIX "numeric string").
    Input(Text),
    /// `@/…/`, by its source.
    Regex(Text),
    Array(Rc<Array>),
    /// A variable passed on unset: it becomes this array if it is used as one.
    Maybe(Rc<Array>),
}

impl Value {
    pub(super) fn text(bytes: &[u8]) -> Value {
        Value::Text(bytes.into())
    }

    pub(super) fn flag(value: bool) -> Value {
        Value::Number(f64::from(u8::from(value)))
    }

    pub(super) fn number(&self) -> f64 {
        match self {
            Value::Number(number) => *number,
            Value::Text(text) | Value::Input(text) | Value::Regex(text) => to_number(text),
            Value::Unset | Value::Array(_) | Value::Maybe(_) => 0.0,
        }
    }

    /// Whether it compares as a number.
    pub(super) fn is_numeric(&self) -> bool {
        match self {
            Value::Number(_) | Value::Unset | Value::Maybe(_) => true,
            Value::Input(text) => looks_numeric(text),
            _ => false,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Value::Number(number) => *number != 0.0,
            Value::Text(text) | Value::Regex(text) => !text.is_empty(),
            Value::Input(text) => {
                if looks_numeric(text) { to_number(text) != 0.0 } else { !text.is_empty() }
            }
            Value::Unset | Value::Array(_) | Value::Maybe(_) => false,
        }
    }

    /// As a string; numbers that are no integers by `format` (CONVFMT or OFMT).
    pub(super) fn to_text(&self, format: &[u8]) -> Text {
        match self {
            Value::Text(text) | Value::Input(text) | Value::Regex(text) => text.clone(),
            Value::Unset | Value::Array(_) | Value::Maybe(_) => empty(),
            Value::Number(_) => {
                let mut out = Vec::new();
                self.append_to(format, &mut out);
                out.into()
            }
        }
    }

    /// Appends it as a string.
    pub(super) fn append_to(&self, format: &[u8], out: &mut Vec<u8>) {
        match self {
            Value::Text(text) | Value::Input(text) | Value::Regex(text) => out.extend_from_slice(text),
            Value::Unset | Value::Array(_) | Value::Maybe(_) => {}
            Value::Number(number) => append_number(*number, format, out),
        }
    }
}

thread_local! {
    static EMPTY: Text = Rc::from(&b""[..]);
}

/// The empty string.
pub(super) fn empty() -> Text {
    EMPTY.with(Rc::clone)
}

/// Appends a number: an integer as one, any other by `format`.
pub(super) fn append_number(number: f64, format: &[u8], out: &mut Vec<u8>) {
    if number == number.trunc() && number.abs() < 1e15 {
        let mut buffer = [0; 20];
        if number < 0.0 {
            out.push(b'-');
        }
        out.extend_from_slice(crate::number::decimal(number.abs() as u64, &mut buffer));
    } else if !number.is_finite() {
        out.extend_from_slice(special_name(number).as_bytes());
    } else if number == number.trunc() {
        out.extend_from_slice(format!("{number:.0}").as_bytes());
    } else {
        match format {
            b"%.6g" => out.extend_from_slice(float(number, b'g', Flags::default(), Some(6)).as_bytes()),
            _ => super::format::format(format, &[Value::Number(number)], format, true, out),
        }
    }
}

/// How gawk writes what is no finite number.
pub(super) fn special_name(number: f64) -> &'static str {
    match (number.is_nan(), number.is_sign_negative()) {
        (true, true) => "-nan",
        (true, false) => "+nan",
        (false, true) => "-inf",
        (false, false) => "+inf",
    }
}

/// A number by a conversion of `printf(3)`: one of `aefgAEFG`.
pub(super) fn float(number: f64, conversion: u8, flags: Flags, precision: Option<usize>) -> String {
    let lower = conversion.to_ascii_lowercase();
    let text = match lower {
        b'f' if !flags.alternate => format!("{:.*}", precision.unwrap_or(6), number.abs()),
        b'e' if !flags.alternate => exponential(number.abs(), precision.unwrap_or(6)),
        b'g' if !flags.alternate => {
            let digits = precision.unwrap_or(6).max(1);
            let text = format!("{:.*e}", digits - 1, number.abs());
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let trimmed = |text: &str| match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text.to_owned(),
            };
            if exponent < -4 || exponent >= digits as i32 {
                let sign = if exponent < 0 { '-' } else { '+' };
                format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
            } else {
                let places = (digits as i32 - 1 - exponent).max(0) as usize;
                trimmed(&format!("{:.*}", places, number.abs()))
            }
        }
        _ => {
            // The shortest decimal text of a double is exact enough to give the double back.
            let text = format!("{:e}", number.abs());
            let value = Extended::parse(text.as_bytes()).map_or(Extended::ZERO, |(value, _)| value);
            value.format(lower, Flags { alternate: flags.alternate, ..Flags::default() }, 0, precision)
        }
    };
    if conversion.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text }
}

fn exponential(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// The number at the start of `text`, and its length.
pub(super) fn decimal_prefix(text: &[u8]) -> (f64, usize) {
    let mut at = 0;
    let mut value: u64 = 0;
    while let Some(digit @ b'0'..=b'9') = text.get(at).copied() {
        if at >= 18 {
            break;
        }
        value = value * 10 + u64::from(digit - b'0');
        at += 1;
    }
    match text.get(at) {
        Some(b'.' | b'e' | b'E' | b'0'..=b'9') => {}
        _ => return (value as f64, at),
    }
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    at += digits(at);
    let mut any = at > 0;
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        any |= fraction > 0;
        if any {
            at += 1 + fraction;
        }
    }
    if !any {
        return (0.0, 0);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let count = digits(at + 1 + sign);
        if count > 0 {
            at += 1 + sign + count;
        }
    }
    let found = text.get(..at).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or("0");
    (found.parse().unwrap_or(0.0), at)
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 11 | 12)
}

/// The number at the start of `text` behind blanks and a sign, and where it is over; 0 when there is none.
fn signed_prefix(text: &[u8]) -> (f64, usize) {
    let blanks = text.iter().take_while(|byte| is_space(byte)).count();
    let sign = text.get(blanks).copied().filter(|byte| matches!(byte, b'+' | b'-'));
    let start = blanks + usize::from(sign.is_some());
    let rest = text.get(start..).unwrap_or_default();
    let (value, length) = decimal_prefix(rest);
    if length > 0 {
        return (if sign == Some(b'-') { -value } else { value }, start + length);
    }
    // gawk knows these only with a sign.
    if let Some(sign) = sign
        && let Some(word) = rest.get(..3)
    {
        let value = match word.to_ascii_lowercase().as_slice() {
            b"inf" => f64::INFINITY,
            b"nan" => f64::NAN,
            _ => return (0.0, 0),
        };
        let after = rest.get(3).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if after {
            return (if sign == b'-' { -value } else { value }, start + 3);
        }
    }
    (0.0, 0)
}

/// A string as a number.
pub(super) fn to_number(text: &[u8]) -> f64 {
    signed_prefix(text).0
}

/// Whether a string is a number with nothing but blanks around.
pub(super) fn looks_numeric(text: &[u8]) -> bool {
    // Most words are not, by their last character.
    match text.last() {
        None => return false,
        Some(last) if last.is_ascii_digit() || *last == b'.' || is_space(last) => {}
        Some(b'f' | b'F' | b'n' | b'N') => {}
        Some(_) => return false,
    }
    let (_, end) = signed_prefix(text);
    end > 0 && text.iter().skip(end).all(is_space)
}

/// Appends a character as UTF-8; what is none, as the byte it ends in.
pub(super) fn push_char(value: u32, out: &mut Vec<u8>) {
    match char::from_u32(value) {
        Some(letter) => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.push(value as u8),
    }
}

/// Hashes keys; the same in every run.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut hash = self.0;
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
        let mut word = [0; 8];
        for (place, byte) in word.iter_mut().zip(chunks.remainder()) {
            *place = *byte;
        }
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
        self.0 = hash;
    }

    fn write_usize(&mut self, value: usize) {
        self.0 = (self.0.rotate_left(5) ^ value as u64).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn finish(&self) -> u64 {
        // The multiplication leaves the low bits poor, and tables take those.
        self.0 ^ (self.0 >> 32)
    }
}

type Index = HashMap<Text, usize, BuildHasherDefault<KeyHasher>>;

/// An associative array. It remembers the order of insertion.
#[derive(Default)]
pub(super) struct Array {
    index: RefCell<Index>,
    entries: RefCell<Vec<Option<(Text, Value)>>>,
    /// Entries that were deleted.
    holes: Cell<usize>,
}

impl Array {
    pub(super) fn len(&self) -> usize {
        self.index.borrow().len()
    }

    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.index.borrow().contains_key(key)
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Value> {
        let place = *self.index.borrow().get(key)?;
        self.entries.borrow().get(place)?.as_ref().map(|(_, value)| value.clone())
    }

    /// The value, which is made when there is none.
    pub(super) fn get_or_make(&self, key: &Text) -> Value {
        match self.get(key) {
            Some(value) => value,
            None => {
                self.set(key.clone(), Value::Unset);
                Value::Unset
            }
        }
    }

    pub(super) fn set(&self, key: Text, value: Value) {
        self.update(key, |place| *place = value);
    }

    /// Changes the value in its place; it is unset when there was none.
    pub(super) fn update<T>(&self, key: Text, change: impl FnOnce(&mut Value) -> T) -> T {
        let mut entries = self.entries.borrow_mut();
        let mut index = self.index.borrow_mut();
        if let Some(place) = index.get(&key)
            && let Some(Some((_, value))) = entries.get_mut(*place)
        {
            return change(value);
        }
        let mut value = Value::Unset;
        let result = change(&mut value);
        index.insert(key.clone(), entries.len());
        entries.push(Some((key, value)));
        result
    }

    /// The subarray under a key, which is made when there is none. `None`: a scalar is there.
    pub(super) fn subarray(&self, key: Text) -> Option<Rc<Array>> {
        self.update(key, |value| match value {
            Value::Array(array) => Some(array.clone()),
            Value::Unset | Value::Maybe(_) => {
                let array = Rc::new(Array::default());
                *value = Value::Array(array.clone());
                Some(array)
            }
            _ => None,
        })
    }

    pub(super) fn remove(&self, key: &[u8]) {
        let Some(place) = self.index.borrow_mut().remove(key) else { return };
        let mut entries = self.entries.borrow_mut();
        let removed = entries.get_mut(place).and_then(Option::take);
        self.holes.set(self.holes.get() + 1);
        if self.holes.get() > 32 && self.holes.get() * 2 > entries.len() {
            entries.retain(Option::is_some);
            let mut index = self.index.borrow_mut();
            index.clear();
            for (place, entry) in entries.iter().enumerate() {
                if let Some((key, _)) = entry {
                    index.insert(key.clone(), place);
                }
            }
            self.holes.set(0);
        }
        drop(entries);
        drop(removed);
    }

    pub(super) fn clear(&self) {
        self.index.borrow_mut().clear();
        let old = std::mem::take(&mut *self.entries.borrow_mut());
        self.holes.set(0);
        drop(old);
    }

    /// Keys and values in the order of insertion.
    pub(super) fn pairs(&self) -> Vec<(Text, Value)> {
        self.entries.borrow().iter().flatten().cloned().collect()
    }

    /// Keys as `for (k in a)` gives them: integers ascending, then the others in the order of insertion.
    pub(super) fn keys(&self) -> Vec<Text> {
        let entries = self.entries.borrow();
        let mut numbers = Vec::new();
        let mut others = Vec::new();
        for (key, _) in entries.iter().flatten() {
            match integer_key(key) {
                Some(number) => numbers.push((number, key.clone())),
                None => others.push(key.clone()),
            }
        }
        numbers.sort_by_key(|(number, _)| *number);
        numbers.into_iter().map(|(_, key)| key).chain(others).collect()
    }
}

/// The integer that a key is the usual text of.
fn integer_key(key: &[u8]) -> Option<i64> {
    if key.is_empty() || key.len() > 18 {
        return None;
    }
    let digits = key.strip_prefix(b"-").unwrap_or(key);
    if digits.first() == Some(&b'0') && key.len() > 1 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(key).ok()?.parse().ok()
}
