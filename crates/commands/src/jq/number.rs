//! Numbers of jq: how doubles are written, and decimal literals that keep their digits (as decNumber has them).

use std::cmp::Ordering;

use super::value::Value;

/// A decimal number as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Literal {
    /// In the form of decNumber's `to-scientific-string`.
    pub(crate) text: String,
    /// The nearest double; the largest one instead of an infinity.
    pub(crate) value: f64,
    negative: bool,
    /// Without leading zeros; "0" for zero.
    digits: String,
    exponent: i64,
}

/// The largest exponent that a literal has.
const MAX_EXPONENT: i64 = 999_999_999;

impl Literal {
    fn adjusted(&self) -> i64 {
        self.exponent.saturating_add(self.digits.len() as i64 - 1)
    }

    fn is_zero(&self) -> bool {
        self.digits == "0"
    }

    pub(crate) fn compare(&self, other: &Literal) -> Ordering {
        if self.is_zero() || other.is_zero() {
            let sign = |literal: &Literal| match (literal.is_zero(), literal.negative) {
                (true, _) => 0,
                (false, true) => -1,
                (false, false) => 1,
            };
            return sign(self).cmp(&sign(other));
        }
        match (self.negative, other.negative) {
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            _ => {}
        }
        let magnitude = self.adjusted().cmp(&other.adjusted()).then_with(|| {
            self.digits.trim_end_matches('0').as_bytes().cmp(other.digits.trim_end_matches('0').as_bytes())
        });
        if self.negative { magnitude.reverse() } else { magnitude }
    }

    /// The same with the other sign.
    pub(crate) fn negated(&self) -> Value {
        let mut text = String::with_capacity(self.text.len() + 1);
        if !self.negative && !self.is_zero() {
            text.push('-');
        }
        text.push_str(self.text.trim_start_matches('-'));
        parse(&text).unwrap_or(Value::Number(-self.value))
    }
}

/// Reads a decimal number in the syntax of jq's literals. `None`: it is none.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let bytes = text.as_bytes();
    // Short integers are most of all numbers.
    if let [first @ b'1'..=b'9', rest @ ..] = bytes
        && rest.len() < 15
        && rest.iter().all(u8::is_ascii_digit)
    {
        let value =
            rest.iter().fold(i64::from(first - b'0'), |value, digit| value * 10 + i64::from(digit - b'0'));
        return Some(Value::Number(value as f64));
    }
    let (negative, unsigned) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    let unsigned = std::str::from_utf8(unsigned).ok()?;
    if unsigned.eq_ignore_ascii_case("nan") {
        return Some(Value::Number(f64::NAN));
    }
    if unsigned.eq_ignore_ascii_case("infinity") || unsigned.eq_ignore_ascii_case("inf") {
        return Some(Value::Number(if negative { -f64::MAX } else { f64::MAX }));
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, Some(unsigned.get(at + 1..)?)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let mut power: i64 = 0;
    if let Some(exponent) = exponent {
        let (down, digits) = match exponent.as_bytes() {
            [b'-', ..] => (true, exponent.get(1..)?),
            [b'+', ..] => (false, exponent.get(1..)?),
            _ => (false, exponent),
        };
        if digits.is_empty() || !is_digits(digits) {
            return None;
        }
        power = digits.parse::<i64>().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        if down {
            power = -power;
        }
    }
    // What a double certainly tells needs no second form.
    if exponent.is_none()
        && (1..=15).contains(&(whole.len() + fraction.len()))
        && !whole.is_empty()
        && !(whole.len() > 1 && whole.starts_with('0'))
        && (fraction.is_empty() || (!fraction.ends_with('0') && !mantissa.starts_with("0.0000")))
        && whole != "0"
        && !mantissa.ends_with('.')
    {
        let value: f64 = mantissa.parse().ok()?;
        return Some(Value::Number(if negative { -value } else { value }));
    }
    let mut digits = String::with_capacity(whole.len() + fraction.len());
    digits.push_str(whole);
    digits.push_str(fraction);
    let digits = match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        rest => rest.to_owned(),
    };
    let zero = digits == "0";
    let mut exponent = power.saturating_sub(fraction.len() as i64);
    let adjusted = exponent.saturating_add(digits.len() as i64 - 1);
    if adjusted > MAX_EXPONENT && !zero {
        return Some(Value::Number(if negative { -f64::MAX } else { f64::MAX }));
    }
    let mut digits = digits;
    if adjusted < -MAX_EXPONENT {
        // Below the smallest number there are its multiples, and then nothing.
        let lowest = -MAX_EXPONENT - (digits.len() as i64 - 1).max(0);
        if zero || exponent < lowest {
            digits = "0".into();
            exponent = 0;
        }
    }
    let zero = digits == "0";
    let value: f64 = unsigned.parse().ok()?;
    let value = if value.is_infinite() { f64::MAX } else { value };
    let value = if negative { -value } else { value };
    if zero && exponent == 0 {
        return Some(Value::Number(value));
    }
    let text = scientific(negative && !zero, &digits, exponent);
    // Long numbers are compared by their digits, so these are kept also when a double tells them.
    if digits.len() <= 15 && text == write(value) {
        return Some(Value::Number(value));
    }
    Some(Value::Literal(std::rc::Rc::new(Literal { text, value, negative, digits, exponent })))
}

/// decNumber's `to-scientific-string`.
fn scientific(negative: bool, digits: &str, exponent: i64) -> String {
    let mut text = String::with_capacity(digits.len() + 12);
    if negative {
        text.push('-');
    }
    let count = digits.len() as i64;
    let adjusted = exponent + count - 1;
    if exponent <= 0 && adjusted >= -6 {
        let point = count + exponent;
        if exponent == 0 {
            text.push_str(digits);
        } else if point > 0 {
            let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
            text.push_str(whole);
            text.push('.');
            text.push_str(fraction);
        } else {
            text.push_str("0.");
            text.extend(std::iter::repeat_n('0', usize::try_from(-point).unwrap_or(0)));
            text.push_str(digits);
        }
    } else {
        let (first, rest) = digits.split_at(1);
        text.push_str(first);
        if !rest.is_empty() {
            text.push('.');
            text.push_str(rest);
        }
        text.push('E');
        if adjusted >= 0 {
            text.push('+');
        }
        text.push_str(&adjusted.to_string());
    }
    text
}

/// A double in its shortest form of up to 17 digits.
pub(crate) fn write(value: f64) -> String {
    let mut text = String::new();
    write_to(value, &mut text);
    text
}

/// As [`write()`], appended.
pub(crate) fn write_to(value: f64, out: &mut String) {
    use std::fmt::Write as _;
    if value.is_nan() {
        out.push_str("null");
        return;
    }
    let value = value.clamp(-f64::MAX, f64::MAX);
    if value.fract() == 0.0 && value.abs() < 1e15 {
        if value == 0.0 && value.is_sign_negative() {
            out.push('-');
        }
        let _ = write!(out, "{}", value as i64);
        return;
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(|letter| *letter != '.').collect();
    let point = exponent + 1;
    let count = i32::try_from(digits.len()).unwrap_or(17);
    out.push_str(sign);
    if point <= -4 || point > count + 15 {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        let _ = write!(out, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    } else if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', usize::try_from(-point).unwrap_or(0)));
        out.push_str(&digits);
    } else if point >= count {
        out.push_str(&digits);
        out.extend(std::iter::repeat_n('0', usize::try_from(point - count).unwrap_or(0)));
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text).unwrap() {
            Value::Literal(literal) => literal.text.clone(),
            Value::Number(number) => write(number),
            _ => String::new(),
        }
    }

    #[test]
    fn literals_keep_their_digits() {
        for (text, expected) in [
            ("1.000", "1.000"),
            ("100e-2", "1.00"),
            ("1e5", "1E+5"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("0.00000001", "1E-8"),
            ("1E1234567890", "1.7976931348623157e+308"),
            ("3.14", "3.14"),
            ("0.5", "0.5"),
            ("001", "1"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn doubles_are_short() {
        for (value, expected) in
            [(1e17, "1e+17"), (1e-5, "1e-05"), (123456789012345680.0, "123456789012345680"), (0.1, "0.1")]
        {
            assert_eq!(write(value), expected);
        }
    }
}
