//! The types that `od` shows bytes as.

use std::fmt::Write as _;

use bstr::ByteSlice;

use crate::{Fail, Tool};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Named,
    Letter,
    Signed,
    Unsigned,
    Octal,
    Hex,
    Float,
}

/// One line of each block.
pub(crate) struct Type {
    kind: Kind,
    /// Bytes of a unit.
    pub(crate) size: usize,
    /// Columns of a unit, without the blank before it.
    width: usize,
    /// Columns that are given to the units of a line beside their own, so that all lines are as wide.
    padding: usize,
    /// Printable characters stand behind the line.
    text: bool,
}

const NAMES: [&str; 33] = [
    "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "nl", "vt", "ff", "cr", "so", "si",
    "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em", "sub", "esc", "fs", "gs", "rs",
    "us", "sp",
];

/// Reads a string of types.
pub(crate) fn parse(t: &Tool, whole: &[u8], types: &mut Vec<Type>) -> Result<(), Fail> {
    let mut rest = whole;
    while let Some((&letter, more)) = rest.split_first() {
        rest = more;
        let kind = match letter {
            b'a' => Kind::Named,
            b'c' => Kind::Letter,
            b'd' => Kind::Signed,
            b'u' => Kind::Unsigned,
            b'o' => Kind::Octal,
            b'x' => Kind::Hex,
            b'f' => Kind::Float,
            other => {
                let other = char::from(other);
                let message = format!("invalid character '{other}' in type string {}", t.quote(whole));
                return Err(Fail::Message(message, 1));
            }
        };
        let size = match kind {
            Kind::Named | Kind::Letter => 1,
            _ => size(t, kind == Kind::Float, whole, &mut rest)?,
        };
        let width = match (kind, size) {
            (Kind::Named | Kind::Letter, _) => 3,
            (Kind::Octal, size) => (size * 8).div_ceil(3),
            (Kind::Hex, size) => size * 2,
            (Kind::Signed, 1) => 4,
            (Kind::Signed, 2) => 6,
            (Kind::Signed, 4) => 11,
            (Kind::Unsigned, 1) => 3,
            (Kind::Unsigned, 2) => 5,
            (Kind::Unsigned, 4) => 10,
            (Kind::Signed | Kind::Unsigned, _) => 20,
            (Kind::Float, 4) => 15,
            (Kind::Float, 8) => 24,
            (Kind::Float, _) => 29,
        };
        let text = rest.first() == Some(&b'z');
        if text {
            rest = rest.get(1..).unwrap_or_default();
        }
        types.push(Type { kind, size, width, padding: 0, text });
    }
    Ok(())
}

fn size(t: &Tool, float: bool, whole: &[u8], rest: &mut &[u8]) -> Result<usize, Fail> {
    let named = match (rest.first(), float) {
        (Some(b'C'), false) => Some(1),
        (Some(b'S'), false) => Some(2),
        (Some(b'I'), false) | (Some(b'F'), true) => Some(4),
        (Some(b'L'), false) | (Some(b'D'), true) => Some(8),
        (Some(b'L'), true) => Some(16),
        _ => None,
    };
    if let Some(size) = named {
        *rest = rest.get(1..).unwrap_or_default();
        return Ok(size);
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, more) = rest.split_at(digits);
    if number.is_empty() {
        return Ok(if float { 8 } else { 4 });
    }
    let value = number.to_str().ok().and_then(|number| number.parse::<usize>().ok());
    *rest = more;
    match value {
        Some(size @ (1 | 2)) if !float => Ok(size),
        Some(size @ (4 | 8)) => Ok(size),
        Some(16) if float => Ok(16),
        Some(size) => {
            let what = if float { "floating point" } else { "integral" };
            let message = format!(
                "invalid type string {};\nthis system doesn't provide a {size}-byte {what} type",
                t.quote(whole)
            );
            Err(Fail::Message(message, 1))
        }
        None => Err(Fail::Message(format!("invalid type string {}", t.quote(whole)), 1)),
    }
}

/// Makes all lines as wide as the widest.
pub(crate) fn align(types: &mut [Type], block: usize) {
    let own = |one: &Type| block / one.size * (one.width + 1);
    let widest = types.iter().map(own).max().unwrap_or(0);
    for one in types {
        one.padding = widest - own(one);
    }
}

impl Type {
    /// The line of a block, which may be shorter than the others.
    pub(crate) fn show(&self, block: &[u8], whole: usize, big_endian: bool, out: &mut Vec<u8>) {
        let count = whole / self.size;
        let units = block.chunks(self.size);
        let missing = count - units.len();
        let mut left = self.padding;
        let mut text = String::new();
        for (index, unit) in units.enumerate() {
            // Each unit has its share of the padding before it.
            let next = self.padding * (count - 1 - index) / count;
            let width = 1 + left - next + self.width;
            left = next;
            text.clear();
            self.unit(unit, big_endian, &mut text);
            let blanks = width.saturating_sub(text.len());
            out.resize(out.len() + blanks, b' ');
            out.extend_from_slice(text.as_bytes());
        }
        if self.text {
            let blanks = left + missing * (self.width + 1);
            out.resize(out.len() + blanks, b' ');
            out.extend_from_slice(b"  >");
            out.extend(block.iter().map(|byte| if matches!(byte, b' '..=b'~') { *byte } else { b'.' }));
            out.push(b'<');
        }
    }

    fn unit(&self, unit: &[u8], big_endian: bool, text: &mut String) {
        let byte = unit.first().copied().unwrap_or_default();
        let mut bytes = [0_u8; 16];
        for (to, from) in bytes.iter_mut().zip(unit) {
            *to = *from;
        }
        if big_endian && let Some(used) = bytes.get_mut(..self.size) {
            used.reverse();
        }
        let number = u64::from_le_bytes(std::array::from_fn(|index| bytes[index]));
        let width = self.width;
        // Writing to a string does not fail.
        let _ = match self.kind {
            Kind::Named => {
                let letter = byte & 0x7f;
                match NAMES.get(usize::from(letter)) {
                    Some(name) => write!(text, "{name}"),
                    None if letter == 0x7f => write!(text, "del"),
                    None => write!(text, "{}", char::from(letter)),
                }
            }
            Kind::Letter => match byte {
                0 => write!(text, "\\0"),
                7 => write!(text, "\\a"),
                8 => write!(text, "\\b"),
                9 => write!(text, "\\t"),
                10 => write!(text, "\\n"),
                11 => write!(text, "\\v"),
                12 => write!(text, "\\f"),
                13 => write!(text, "\\r"),
                b' '..=b'~' => write!(text, "{}", char::from(byte)),
                other => write!(text, "{other:03o}"),
            },
            Kind::Octal => write!(text, "{number:0width$o}"),
            Kind::Hex => write!(text, "{number:0width$x}"),
            Kind::Unsigned => write!(text, "{number}"),
            Kind::Signed => {
                let shift = 64 - 8 * self.size as u32;
                write!(text, "{}", ((number << shift) as i64) >> shift)
            }
            Kind::Float => match self.size {
                4 => write!(text, "{}", general(&format!("{:e}", f32::from_bits(number as u32)), 6)),
                8 => write!(text, "{}", general(&format!("{:e}", f64::from_bits(number)), 15)),
                _ => write!(text, "{}", general(&format!("{:e}", extended(&bytes)), 18)),
            },
        };
    }
}

/// The value of an x87 number of 80 bits, as near as a double comes.
fn extended(bytes: &[u8; 16]) -> f64 {
    let mantissa = u64::from_le_bytes(std::array::from_fn(|index| bytes[index]));
    let exponent = u16::from_le_bytes([bytes[8], bytes[9]]);
    let sign = if exponent & 0x8000 != 0 { -1.0 } else { 1.0 };
    match exponent & 0x7fff {
        0x7fff if mantissa << 1 == 0 => sign * f64::INFINITY,
        0x7fff => f64::NAN,
        // An exponent without the leading bit is no number.
        exponent if exponent > 0 && mantissa >> 63 == 0 => f64::NAN,
        exponent => sign * (mantissa as f64) * 2_f64.powi(i32::from(exponent) - 16383 - 63),
    }
}

/// The shortest digits that give the number back, as C's `%g` would lay them out.
fn general(scientific: &str, digits: i32) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return match scientific {
            "NaN" => "nan".into(),
            other => other.to_ascii_lowercase(),
        };
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let plain: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let precision = digits.max(plain.len() as i32);
    if exponent < -4 || exponent >= precision {
        let mark = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{mark}{:02}", exponent.abs());
    }
    if exponent < 0 {
        return format!("{sign}0.{}{plain}", "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0)));
    }
    let whole = usize::try_from(exponent + 1).unwrap_or(1);
    if plain.len() <= whole {
        return format!("{sign}{plain:0<whole$}");
    }
    let (before, after) = plain.split_at(whole);
    format!("{sign}{before}.{after}")
}
