//! What the text of a scalar means: YAML's numbers, dates and words.

/// An integer as YAML writes it.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let (radix, digits) = match rest.get(..2) {
        Some("0x" | "0X") => (16, rest.get(2..)?),
        Some("0o" | "0O") => (8, rest.get(2..)?),
        Some("0b" | "0B") => (2, rest.get(2..)?),
        _ => (10, rest),
    };
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let plain: String = digits.chars().filter(|letter| *letter != '_').collect();
    i128::from_str_radix(&plain, radix).ok().and_then(|value| i64::try_from(sign * value).ok())
}

/// A number as YAML writes it.
pub(super) fn number(text: &str) -> Option<f64> {
    if let Some(value) = integer(text) {
        return Some(value as f64);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1.0, text.get(1..)?),
        b'+' => (1.0, text.get(1..)?),
        _ => (1.0, text),
    };
    match rest {
        ".inf" | ".Inf" | ".INF" => return Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    let first = rest.bytes().next()?;
    let digits = rest.bytes().any(|byte| byte.is_ascii_digit());
    let letters =
        rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
    if !digits || !letters || !(first.is_ascii_digit() || first == b'.') {
        return None;
    }
    rest.replace('_', "").parse().ok().map(|value: f64| sign * value)
}

/// The tag of a plain scalar, by its text.
pub(super) fn resolve(text: &str) -> &'static str {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return "!!null",
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return "!!bool",
        "<<" => return "!!merge",
        _ => {}
    }
    if !matches!(text.as_bytes().first(), Some(b'0'..=b'9' | b'.' | b'-' | b'+')) {
        return "!!str";
    }
    if integer(text).is_some() {
        "!!int"
    } else if number(text).is_some() {
        "!!float"
    } else if is_date(text) {
        "!!timestamp"
    } else {
        "!!str"
    }
}

/// `2001-12-15`, `2001-12-15T02:59:43.1Z` and the like.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits =
        |from: usize, to: usize| bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    if !digits(0, 4) || bytes.get(4) != Some(&b'-') {
        return false;
    }
    if bytes.len() == 10 {
        return digits(5, 7) && bytes.get(7) == Some(&b'-') && digits(8, 10);
    }
    let Some((date, time)) = text.split_once(['T', 't', ' ']) else { return false };
    let mut parts = date.split('-').skip(1);
    let short = |part: Option<&str>| {
        part.is_some_and(|part| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    short(parts.next())
        && short(parts.next())
        && parts.next().is_none()
        && time.bytes().filter(|byte| *byte == b':').count() >= 2
        && time.bytes().all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'+' | b'-' | b'Z' | b'z' | b' ')
        })
}

/// A float as Go's `%v` writes it.
pub(super) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return ".nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(rest) => ('-', rest),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{value}")
}
