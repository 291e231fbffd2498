//! The formats: `@csv`, `@uri` and so on.

use super::host::Fault;
use super::ops::described;
use super::print::{compact, excerpt};
use super::value::Value;

/// Strings as they are, everything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => compact(other),
    }
}

/// A value in the format with this name (without `@`).
pub(crate) fn format(name: &str, value: &Value) -> Result<Value, Fault> {
    let result = match name {
        "text" => match value {
            Value::String(_) => return Ok(value.clone()),
            other => compact(other),
        },
        "json" => compact(value),
        "csv" => row(value, "csv", ",", |text, out| {
            out.push('"');
            out.push_str(&text.replace('"', "\"\""));
            out.push('"');
        })?,
        "tsv" => row(value, "tsv", "\t", |text, out| {
            for letter in text.chars() {
                match letter {
                    '\t' => out.push_str("\\t"),
                    '\r' => out.push_str("\\r"),
                    '\n' => out.push_str("\\n"),
                    '\\' => out.push_str("\\\\"),
                    other => out.push(other),
                }
            }
        })?,
        "html" => {
            let mut out = String::new();
            for letter in text(value).chars() {
                match letter {
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    '&' => out.push_str("&amp;"),
                    '\'' => out.push_str("&apos;"),
                    '"' => out.push_str("&quot;"),
                    other => out.push(other),
                }
            }
            out
        }
        "uri" => {
            use std::fmt::Write as _;
            let mut out = String::new();
            for byte in text(value).bytes() {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                    out.push(char::from(byte));
                } else {
                    let _ = write!(out, "%{byte:02X}");
                }
            }
            out
        }
        "urid" => {
            let source = text(value);
            from_uri(&source)
                .ok_or_else(|| Fault::error(format!("{} is not a valid uri encoding", described(value))))?
        }
        "sh" => match value {
            Value::Array(array) => {
                let mut out = String::new();
                for (index, item) in array.iter().enumerate() {
                    if index > 0 {
                        out.push(' ');
                    }
                    shell(item, &mut out)?;
                }
                out
            }
            other => {
                let mut out = String::new();
                shell(other, &mut out)?;
                out
            }
        },
        "base64" => encode(text(value).as_bytes(), 6, BASE64, 4),
        "base64d" => {
            let source = text(value);
            // Padding ends it.
            let body = source.split('=').next().unwrap_or_default();
            let input = || described(&Value::string(source.clone()));
            let bytes = decode(body.as_bytes(), 6, BASE64)
                .ok_or_else(|| Fault::error(format!("{} is not valid base64 data", input())))?;
            if body.len() % 4 == 1 {
                return Err(Fault::error(format!("{} trailing base64 byte found", input())));
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
        "base32" => encode(text(value).as_bytes(), 5, BASE32, 8),
        "base32d" => {
            let source = text(value);
            let bytes = decode32(source.as_bytes()).ok_or_else(|| {
                Fault::error(format!(
                    "{} is not valid base32 data",
                    described(&Value::string(source.clone()))
                ))
            })?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        other => return Err(Fault::error(format!("{other} is not a valid format"))),
    };
    Ok(Value::string(result))
}

fn row(
    value: &Value,
    name: &str,
    separator: &str,
    quote: impl Fn(&str, &mut String),
) -> Result<String, Fault> {
    let Value::Array(array) = value else {
        return Err(Fault::error(format!("{} cannot be {name}-formatted, only array", described(value))));
    };
    let mut out = String::new();
    for (index, item) in array.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        match item {
            Value::Null => {}
            Value::Bool(_) | Value::Literal(_) => out.push_str(&compact(item)),
            Value::Number(number) => {
                if !number.is_nan() {
                    super::number::write_to(*number, &mut out);
                }
            }
            Value::String(text) => quote(text, &mut out),
            other => return Err(Fault::error(format!("{} is not valid in a csv row", described(other)))),
        }
    }
    Ok(out)
}

fn shell(value: &Value, out: &mut String) -> Result<(), Fault> {
    match value {
        Value::Array(_) | Value::Object(_) => {
            return Err(Fault::error(format!(
                "{} ({}) can not be escaped for shell",
                value.type_name(),
                excerpt(value)
            )));
        }
        Value::String(text) => {
            out.push('\'');
            out.push_str(&text.replace('\'', "'\\''"));
            out.push('\'');
        }
        other => out.push_str(&compact(other)),
    }
    Ok(())
}

fn from_uri(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
            let value = digit(at + 1)? * 16 + digit(at + 2)?;
            out.push(u8::try_from(value).ok()?);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8(out).ok()
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode(bytes: &[u8], bits: u32, letters: &[u8], group: usize) -> String {
    let mut out = String::new();
    let (mut pending, mut count) = (0_u32, 0);
    let push = |index: u32, out: &mut String| {
        out.push(letters.get(index as usize).copied().map_or('=', char::from));
    };
    let mask = (1 << bits) - 1;
    for byte in bytes {
        pending = (pending << 8 | u32::from(*byte)) & 0xffff;
        count += 8;
        while count >= bits {
            count -= bits;
            push(pending >> count & mask, &mut out);
        }
    }
    if count > 0 {
        push(pending << (bits - count) & mask, &mut out);
    }
    while !out.len().is_multiple_of(group) {
        out.push('=');
    }
    out
}

fn decode(bytes: &[u8], bits: u32, letters: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut pending, mut count) = (0_u32, 0);
    for byte in bytes {
        let digit = letters.iter().position(|letter| letter == byte)?;
        pending = (pending << bits | digit as u32) & 0xffff;
        count += bits;
        if count >= 8 {
            count -= 8;
            out.push((pending >> count & 0xff) as u8);
        }
    }
    Some(out)
}

fn decode32(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = bytes.iter().rposition(|byte| *byte != b'=').map_or(0, |at| at + 1);
    decode(bytes.get(..end).unwrap_or_default(), 5, BASE32)
}
