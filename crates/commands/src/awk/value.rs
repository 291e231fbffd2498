//! Values: strings, numbers, strings that look numeric; numbers as text and text as numbers.

use std::rc::Rc;

use super::array::Array;
use crate::extended::{Extended, Flags};

/// A string, shared.
pub(super) type Text = Rc<[u8]>;

/// A value.
#[derive(Clone)]
pub(super) enum Value {
    Unset,
    Number(f64),
    /// Of `mkbool`: a number.
    Bool(bool),
    Text(Text),
    /// From input: a number too, if it looks like one (POSIX "numeric string").
    Input(Text),
    /// `@/…/`, by its source.
    Regex(Text),
    Array(Rc<Array>),
    /// A variable passed on unset: it becomes this array if it is used as one.
    Maybe(Rc<Array>),
    /// In SYMTAB: the variable in this place.
    Symbol(u32),
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
            Value::Bool(flag) => f64::from(u8::from(*flag)),
            Value::Text(text) | Value::Input(text) | Value::Regex(text) => to_number(text),
            Value::Unset | Value::Array(_) | Value::Maybe(_) | Value::Symbol(_) => 0.0,
        }
    }

    /// Whether it compares as a number.
    pub(super) fn is_numeric(&self) -> bool {
        match self {
            Value::Number(_) | Value::Bool(_) | Value::Unset | Value::Maybe(_) => true,
            Value::Input(text) => looks_numeric(text),
            _ => false,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Value::Number(number) => *number != 0.0,
            Value::Bool(flag) => *flag,
            Value::Text(text) | Value::Regex(text) => !text.is_empty(),
            Value::Input(text) => {
                if looks_numeric(text) {
                    to_number(text) != 0.0
                } else {
                    !text.is_empty()
                }
            }
            Value::Unset | Value::Array(_) | Value::Maybe(_) | Value::Symbol(_) => false,
        }
    }

    /// As a string; numbers that are no integers by `format` (CONVFMT or OFMT).
    pub(super) fn to_text(&self, format: &[u8]) -> Text {
        match self {
            Value::Text(text) | Value::Input(text) | Value::Regex(text) => text.clone(),
            Value::Unset | Value::Array(_) | Value::Maybe(_) | Value::Symbol(_) => empty(),
            Value::Number(_) | Value::Bool(_) => {
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
            Value::Unset | Value::Array(_) | Value::Maybe(_) | Value::Symbol(_) => {}
            Value::Number(number) => append_number(*number, format, out),
            Value::Bool(flag) => out.push(if *flag { b'1' } else { b'0' }),
        }
    }
}

thread_local! {
    static EMPTY: Text = Rc::from(&b""[..]);
}

thread_local! {
    static MISSING: Text = Rc::from(Vec::new());
}

/// What a field is that the record has not: an empty string from the input.
pub(super) fn missing() -> Value {
    Value::Input(MISSING.with(Rc::clone))
}

/// Whether a string is that of a field that the record has not.
pub(super) fn is_missing(text: &Text) -> bool {
    text.is_empty() && MISSING.with(|missing| Rc::ptr_eq(missing, text))
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
            _ => {
                // A format that wants more than the number shows it without.
                let _ = super::format::format(format, &[Value::Number(number)], b"%.6g", true, out);
            }
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

/// All digits behind this are zeros: a double has at most 1,074 behind the point. `format!` would panic at 65,536.
const MOST_DIGITS: usize = 1100;

/// A number by a conversion of `printf(3)`: one of `aefgAEFG`.
pub(super) fn float(number: f64, conversion: u8, flags: Flags, precision: Option<usize>) -> String {
    let lower = conversion.to_ascii_lowercase();
    let text = match lower {
        b'f' if !flags.alternate => {
            let precision = precision.unwrap_or(6);
            let text = format!("{:.*}", precision.min(MOST_DIGITS), number.abs());
            text + &"0".repeat(precision.saturating_sub(MOST_DIGITS))
        }
        b'e' if !flags.alternate => exponential(number.abs(), precision.unwrap_or(6)),
        b'g' if !flags.alternate => {
            let digits = precision.unwrap_or(6).clamp(1, MOST_DIGITS);
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
        b'a' => hexadecimal(number.abs(), precision, flags.alternate),
        _ => {
            // The shortest decimal text of a double is exact enough to give the double back.
            let text = format!("{:e}", number.abs());
            let value = Extended::parse(text.as_bytes()).map_or(Extended::ZERO, |(value, _)| value);
            value.format(lower, Flags { alternate: flags.alternate, ..Flags::default() }, 0, precision)
        }
    };
    if conversion.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text }
}

/// As `%a`: one digit before the point.
fn hexadecimal(number: f64, precision: Option<usize>, alternate: bool) -> String {
    const FRACTION: u32 = 52;
    let bits = number.to_bits();
    let (mut fraction, biased) = (bits & ((1 << FRACTION) - 1), (bits >> FRACTION) as i64 & 0x7ff);
    let (mut lead, exponent) = match (biased, fraction) {
        (0, 0) => (0, 0),
        (0, _) => (0, -1022),
        _ => (1, biased - 1023),
    };
    let mut digits = 13;
    if let Some(precision) = precision {
        if precision < 13 {
            // To the nearest, and to even.
            let dropped = 4 * (13 - precision as u32);
            let all = (lead << FRACTION) | fraction;
            let (kept, rest, half) = (all >> dropped, all & ((1 << dropped) - 1), 1_u64 << (dropped - 1));
            let kept = kept + u64::from(rest > half || rest == half && kept & 1 == 1);
            let all = kept << dropped;
            lead = all >> FRACTION;
            fraction = all & ((1 << FRACTION) - 1);
        }
        digits = precision;
    }
    let mut text = format!("{fraction:013x}");
    if precision.is_none() {
        text.truncate(text.trim_end_matches('0').len());
    } else if digits > 13 {
        text.push_str(&"0".repeat(digits - 13));
    } else {
        text.truncate(digits);
    }
    let point = if text.is_empty() && !alternate { "" } else { "." };
    format!("0x{lead:x}{point}{text}p{exponent:+}")
}

fn exponential(number: f64, precision: usize) -> String {
    let text = format!("{number:.*e}", precision.min(MOST_DIGITS));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let zeros = "0".repeat(precision.saturating_sub(MOST_DIGITS));
    format!("{mantissa}{zeros}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
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

/// Appends a character as UTF-8, which had numbers beyond those of Unicode once; what is none, as the byte it ends in.
pub(super) fn push_char(value: u32, out: &mut Vec<u8>) {
    match (char::from_u32(value), value) {
        (Some(letter), _) => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        (None, 0x11_0000..0x8000_0000) => {
            let (lead, mut shift) = match value {
                0x400_0000.. => (0xfc, 30),
                0x20_0000..0x400_0000 => (0xf8, 24),
                0..0x20_0000 => (0xf0, 18),
            };
            out.push(lead | (value >> shift) as u8);
            while shift > 0 {
                shift -= 6;
                out.push(0x80 | (value >> shift) as u8 & 0x3f);
            }
        }
        (None, _) => out.push(value as u8),
    }
}
