//! `printf` and `sprintf`.

use super::value::{Value, float, push_char, special_name};
use crate::extended::Flags;

/// What is wrong with a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The arguments have run out here.
    RunOut(usize),
    /// There is no argument with this number.
    Beyond(usize),
    /// Some conversions have the number of their argument, and some have not.
    Mixed,
    /// Arguments are numbered from 1 on.
    Zero,
}

/// Which arguments are used: one after the other, or by number.
struct Arguments<'a> {
    values: &'a [Value],
    used: usize,
    numbered: Option<bool>,
}

impl Arguments<'_> {
    fn get(&mut self, number: Option<usize>, at: usize) -> Result<&Value, Wrong> {
        if *self.numbered.get_or_insert(number.is_some()) != number.is_some() {
            return Err(Wrong::Mixed);
        }
        let place = match number {
            Some(0) => return Err(Wrong::Zero),
            Some(number) => number - 1,
            None => {
                self.used += 1;
                self.used - 1
            }
        };
        self.values.get(place).ok_or(number.map_or(Wrong::RunOut(at), Wrong::Beyond))
    }
}

/// Formats `arguments` by `template` into `out`. Numbers that `%s` shows are converted by `convfmt`.
pub(super) fn format(
    template: &[u8],
    arguments: &[Value],
    convfmt: &[u8],
    utf8: bool,
    out: &mut Vec<u8>,
) -> Result<(), Wrong> {
    let mut arguments = Arguments { values: arguments, used: 0, numbered: None };
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'%', template.get(at..).unwrap_or_default()) {
        out.extend_from_slice(template.get(at..at + found).unwrap_or_default());
        let start = at + found;
        at = start + 1;
        let (spec, number) = specification(template, &mut at, &mut arguments)?;
        let Some(&conversion) = template.get(at) else {
            out.extend_from_slice(template.get(start..).unwrap_or_default());
            return Ok(());
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
        let argument = arguments.get(number, at - 1)?;
        convert(conversion, argument, &spec, convfmt, utf8, out);
    }
    out.extend_from_slice(template.get(at..).unwrap_or_default());
    Ok(())
}

/// What stands between `%` and the letter, in any order; and the number of the argument.
fn specification(
    template: &[u8],
    at: &mut usize,
    arguments: &mut Arguments<'_>,
) -> Result<(Spec, Option<usize>), Wrong> {
    let mut spec = Spec { flags: Flags::default(), width: 0, precision: None };
    let mut number = None;
    let mut in_precision = false;
    // Each of these may stand once.
    let mut modifiers = [b'h', b'l', b'L'];
    loop {
        let Some(&byte) = template.get(*at) else { return Ok((spec, number)) };
        match byte {
            b'-' => spec.flags.left = true,
            b'+' => spec.flags.plus = true,
            b' ' => spec.flags.space = true,
            b'#' => spec.flags.alternate = true,
            b'\'' | b'q' | b'j' | b'z' | b't' => {}
            b'0' if !in_precision => spec.flags.zero = true,
            b'.' if !in_precision => {
                in_precision = true;
                spec.precision = Some(0);
            }
            b'0'..=b'9' | b'*' => {
                let starred = byte == b'*';
                if starred {
                    *at += 1;
                }
                let digits = template.iter().skip(*at).take_while(|digit| digit.is_ascii_digit()).count();
                let written = parse(template.get(*at..*at + digits).unwrap_or_default());
                *at += digits;
                let counted = digits > 0 && template.get(*at) == Some(&b'$');
                let size = if starred {
                    let which = if counted { written } else { None };
                    if counted {
                        *at += 1;
                    } else {
                        *at -= digits;
                    }
                    arguments.get(which, *at)?.number() as i64
                } else if counted {
                    *at += 1;
                    number = written;
                    continue;
                } else {
                    written.map_or(i64::MAX, |size| size as i64)
                };
                // A width is memory: what no column needs is cut.
                let bounded = usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX).min(1 << 24);
                if in_precision {
                    spec.precision = (size >= 0).then_some(bounded);
                } else {
                    spec.flags.left |= size < 0;
                    spec.width = bounded;
                }
                continue;
            }
            byte => match modifiers.iter_mut().find(|modifier| **modifier == byte) {
                Some(modifier) => *modifier = 0,
                None => return Ok((spec, number)),
            },
        }
        *at += 1;
    }
}

fn convert(conversion: u8, argument: &Value, spec: &Spec, convfmt: &[u8], utf8: bool, out: &mut Vec<u8>) {
    match conversion {
        b'c' => {
            let mut text = Vec::new();
            match argument {
                Value::Number(number) => character(*number, utf8, &mut text),
                Value::Bool(flag) => character(f64::from(u8::from(*flag)), utf8, &mut text),
                Value::Input(_) if argument.is_numeric() => character(argument.number(), utf8, &mut text),
                other => {
                    let all = other.to_text(convfmt);
                    let length = if utf8 { bstr::decode_utf8(&all).1 } else { 1 };
                    match all.get(..length) {
                        Some(first) if length > 0 => text.extend_from_slice(first),
                        // The end of the string, in C.
                        _ => text.push(0),
                    }
                }
            }
            pad_text(&text, spec, utf8, out);
        }
        b's' => {
            let text = argument.to_text(convfmt);
            let text = match spec.precision {
                Some(precision) if utf8 => prefix(&text, precision),
                Some(precision) => text.get(..precision.min(text.len())).unwrap_or_default(),
                None => &text,
            };
            pad_text(text, spec, utf8, out);
        }
        _ => number(argument.number(), conversion, spec, out),
    }
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
    let value = number as i64 as u32;
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
            // Negative numbers are shown as C shows them in an unsigned integer.
            let unsigned =
                if whole < 0.0 && whole >= i64::MIN as f64 { whole as i64 as u64 } else { whole as u64 };
            if !signed && !(i64::MIN as f64..18_446_744_073_709_551_616.0).contains(&whole) {
                // What none holds is a decimal number.
                format!("{:.0}", whole.abs())
            } else {
                if !signed {
                    sign = "";
                }
                let mut digits = match conversion {
                    b'o' => format!("{unsigned:o}"),
                    b'x' => format!("{unsigned:x}"),
                    b'X' => format!("{unsigned:X}"),
                    b'u' => unsigned.to_string(),
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
