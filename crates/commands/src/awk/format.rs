//! `printf` and `sprintf`.

use super::value::{Value, float, push_char, special_name};
use crate::extended::Flags;

/// Formats `arguments` by `template` into `out`. Numbers that `%s` shows are converted by `convfmt`.
pub(super) fn format(template: &[u8], arguments: &[Value], convfmt: &[u8], utf8: bool, out: &mut Vec<u8>) {
    let mut at = 0;
    let mut used = 0;
    while let Some(found) = memchr::memchr(b'%', template.get(at..).unwrap_or_default()) {
        out.extend_from_slice(template.get(at..at + found).unwrap_or_default());
        let start = at + found;
        at = start + 1;
        let mut flags = Flags::default();
        let mut position = None;
        let digits = template.iter().skip(at).take_while(|digit| digit.is_ascii_digit()).count();
        if digits > 0 && template.get(at + digits) == Some(&b'$') {
            position = parse(template.get(at..at + digits).unwrap_or_default());
            at += digits + 1;
        }
        loop {
            match template.get(at) {
                Some(b'-') => flags.left = true,
                Some(b'+') => flags.plus = true,
                Some(b' ') => flags.space = true,
                Some(b'#') => flags.alternate = true,
                Some(b'0') => flags.zero = true,
                Some(b'\'') => {}
                _ => break,
            }
            at += 1;
        }
        let mut next = || {
            used += 1;
            arguments.get(used - 1).cloned().unwrap_or(Value::Unset)
        };
        let mut size = |at: &mut usize| -> Option<i64> {
            if template.get(*at) == Some(&b'*') {
                *at += 1;
                return Some(next().number() as i64);
            }
            let digits = template.iter().skip(*at).take_while(|digit| digit.is_ascii_digit()).count();
            let value = parse(template.get(*at..*at + digits).unwrap_or_default());
            *at += digits;
            value.map(|value| value as i64)
        };
        let mut width = size(&mut at).unwrap_or(0);
        if width < 0 {
            flags.left = true;
            width = -width;
        }
        let mut precision = None;
        if template.get(at) == Some(&b'.') {
            at += 1;
            precision = usize::try_from(size(&mut at).unwrap_or(0)).ok();
        }
        // A width is memory: what no column needs is cut.
        let width = (width as usize).min(1 << 24);
        let precision = precision.map(|precision| precision.min(1 << 24));
        while matches!(template.get(at), Some(b'h' | b'l' | b'L' | b'q' | b'j' | b'z' | b't')) {
            at += 1;
        }
        let Some(&conversion) = template.get(at) else {
            out.extend_from_slice(template.get(start..).unwrap_or_default());
            return;
        };
        at += 1;
        if conversion == b'%' {
            out.push(b'%');
            continue;
        }
        if !b"cdiouxXeEfFgGaAs".contains(&conversion) {
            out.extend_from_slice(template.get(start..at).unwrap_or_default());
            continue;
        }
        let argument = match position {
            Some(position) => arguments.get(position.wrapping_sub(1)).cloned().unwrap_or(Value::Unset),
            None => next(),
        };
        let spec = Spec { flags, width, precision };
        match conversion {
            b'c' => {
                let mut text = Vec::new();
                match &argument {
                    Value::Number(number) => character(*number, utf8, &mut text),
                    Value::Input(_) if argument.is_numeric() => character(argument.number(), utf8, &mut text),
                    other => {
                        let all = other.to_text(convfmt);
                        let length = if utf8 { bstr::decode_utf8(&all).1 } else { 1 };
                        text.extend_from_slice(all.get(..length.min(all.len())).unwrap_or_default());
                    }
                }
                pad_text(&text, &spec, utf8, out);
            }
            b's' => {
                let text = argument.to_text(convfmt);
                let text = match precision {
                    Some(precision) if utf8 => prefix(&text, precision),
                    Some(precision) => text.get(..precision.min(text.len())).unwrap_or_default(),
                    None => &text,
                };
                pad_text(text, &spec, utf8, out);
            }
            _ => number(argument.number(), conversion, &spec, out),
        }
    }
    out.extend_from_slice(template.get(at..).unwrap_or_default());
}

struct Spec {
    flags: Flags,
    width: usize,
    precision: Option<usize>,
}

fn parse(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The first `count` characters.
fn prefix(text: &[u8], count: usize) -> &[u8] {
    let mut end = 0;
    for _ in 0..count {
        let length = bstr::decode_utf8(text.get(end..).unwrap_or_default()).1;
        if length == 0 {
            break;
        }
        end += length;
    }
    text.get(..end).unwrap_or_default()
}

fn character(number: f64, utf8: bool, out: &mut Vec<u8>) {
    let value = number as u32;
    if utf8 { push_char(value, out) } else { out.push(value as u8) }
}

fn pad_text(text: &[u8], spec: &Spec, utf8: bool, out: &mut Vec<u8>) {
    let length = if utf8 { super::text::length(text) } else { text.len() };
    let fill = spec.width.saturating_sub(length);
    if !spec.flags.left {
        out.resize(out.len() + fill, b' ');
    }
    out.extend_from_slice(text);
    if spec.flags.left {
        out.resize(out.len() + fill, b' ');
    }
}

fn number(value: f64, conversion: u8, spec: &Spec, out: &mut Vec<u8>) {
    let flags = &spec.flags;
    if !value.is_finite() {
        let name = special_name(value);
        let name = if flags.plus || value.is_sign_negative() || matches!(conversion, b'd' | b'i') {
            name
        } else {
            name
        };
        let plain = Spec { flags: Flags { left: flags.left, ..Flags::default() }, ..*spec };
        return pad_text(name.as_bytes(), &plain, false, out);
    }
    let mut sign = if value.is_sign_negative() && value != 0.0 || value == 0.0 && value.is_sign_negative() {
        "-"
    } else if flags.plus {
        "+"
    } else if flags.space {
        " "
    } else {
        ""
    };
    let mut lead = "";
    let mut zero = flags.zero && !flags.left;
    let body = match conversion {
        b'd' | b'i' | b'o' | b'u' | b'x' | b'X' => {
            let whole = value.trunc();
            if whole == 0.0 && sign == "-" {
                sign = if flags.plus { "+" } else { "" };
            }
            let signed = matches!(conversion, b'd' | b'i');
            // What no unsigned integer holds is shown as a decimal number.
            if !signed && (whole < 0.0 || whole >= 18_446_744_073_709_551_616.0) {
                if whole < 0.0 { format!("{:.0}", whole.abs()) } else { float(value, b'g', Flags::default(), None) }
            } else {
                if !signed {
                    sign = "";
                }
                let mut digits = match conversion {
                    b'o' => format!("{:o}", whole as u64),
                    b'x' => format!("{:x}", whole as u64),
                    b'X' => format!("{:X}", whole as u64),
                    _ => format!("{:.0}", whole.abs()),
                };
                if let Some(precision) = spec.precision {
                    zero = false;
                    if precision == 0 && whole == 0.0 {
                        digits.clear();
                    }
                    if digits.len() < precision {
                        digits.insert_str(0, &"0".repeat(precision - digits.len()));
                    }
                }
                if flags.alternate && whole != 0.0 {
                    match conversion {
                        b'x' => lead = "0x",
                        b'X' => lead = "0X",
                        b'o' if !digits.starts_with('0') => digits.insert(0, '0'),
                        _ => {}
                    }
                }
                digits
            }
        }
        _ => float(value, conversion, *flags, spec.precision),
    };
    let fill = spec.width.saturating_sub(sign.len() + lead.len() + body.len());
    if !flags.left && !zero {
        out.resize(out.len() + fill, b' ');
    }
    out.extend_from_slice(sign.as_bytes());
    out.extend_from_slice(lead.as_bytes());
    if zero {
        out.resize(out.len() + fill, b'0');
    }
    out.extend_from_slice(body.as_bytes());
    if flags.left {
        out.resize(out.len() + fill, b' ');
    }
}
