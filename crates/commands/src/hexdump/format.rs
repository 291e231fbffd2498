//! The format strings of `hexdump`: what they interpret, and how a block looks.

use bstr::{BString, ByteSlice};

use crate::Fail;
use crate::escape::spec;
use crate::extended::{Extended, Flags};
use crate::printf::{integer, pad};

/// What a conversion shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Signed,
    Unsigned,
    Float,
    Letter,
    Text,
    /// `%_c`
    Escaped,
    /// `%_p`
    Printable,
    /// `%_u`
    Named,
    /// `%_a`, in a base
    Address,
    /// `%_A`
    End,
}

struct Conversion {
    kind: Kind,
    /// The letter of `printf(3)`.
    letter: u8,
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    /// Bytes of input that it takes.
    bytes: usize,
}

enum Piece {
    Text(Vec<u8>),
    Conversion(Conversion),
}

/// A format with its counts.
struct Unit {
    count: usize,
    /// The count was given, and does not grow.
    counted: bool,
    bytes: usize,
    pieces: Vec<Piece>,
}

/// One format string.
pub(super) struct Format {
    units: Vec<Unit>,
    /// Bytes that it interprets.
    bytes: usize,
}

/// All format strings of a command.
#[derive(Default)]
pub(super) struct Formats {
    list: Vec<Format>,
    /// What is shown behind the end.
    end: Option<Unit>,
    /// Bytes of a block.
    pub(super) block: usize,
}

/// A field that is wider is a mistake that would only use up memory.
const WIDEST: usize = 1 << 20;

/// The largest block.
const LARGEST: usize = 1 << 24;

fn message(text: impl Into<String>) -> Fail {
    Fail::Message(text.into(), 1)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (text, more) = rest.split_at(digits);
    *rest = more;
    text.to_str().ok()?.parse().ok()
}

impl Formats {
    /// Adds a format string.
    pub(super) fn add(&mut self, text: &[u8]) -> Result<(), Fail> {
        let bad = || message(format!("bad format {{{}}}", text.as_bstr()));
        let mut format = Format { units: Vec::new(), bytes: 0 };
        let mut ended = false;
        let mut rest = text.trim_ascii_start();
        while !rest.is_empty() {
            let count = number(&mut rest);
            let mut bytes = None;
            let behind = rest.trim_ascii_start();
            if count.is_some() && behind.len() == rest.len() && !behind.starts_with(b"/") {
                return Err(bad());
            }
            rest = behind;
            if let Some(behind) = rest.strip_prefix(b"/") {
                rest = behind.trim_ascii_start();
                if rest.first().is_some_and(u8::is_ascii_digit) {
                    bytes = Some(number(&mut rest).ok_or_else(bad)?);
                }
                rest = rest.trim_ascii_start();
            }
            rest = rest.strip_prefix(b"\"").ok_or_else(bad)?;
            let close = rest.find_byte(b'"').ok_or_else(bad)?;
            let (inner, behind) = rest.split_at(close);
            rest = behind.get(1..).unwrap_or_default().trim_ascii_start();
            let mut unit =
                Unit { count: count.unwrap_or(1), counted: count.is_some(), bytes: 0, pieces: Vec::new() };
            unit.read(&escapes(inner), bytes)?;
            if unit
                .pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Conversion(one) if one.kind == Kind::End))
            {
                self.end = Some(unit);
                ended = true;
                continue;
            }
            let more = unit.bytes.checked_mul(unit.count).and_then(|more| format.bytes.checked_add(more));
            format.bytes = more.filter(|bytes| *bytes <= LARGEST).ok_or_else(bad)?;
            // What follows the end in its format string takes its part of the input, and is not shown.
            if !ended {
                format.units.push(unit);
            }
        }
        self.block = self.block.max(format.bytes);
        self.list.push(format);
        Ok(())
    }

    /// Lets the last units grow to the size of the block.
    pub(super) fn complete(&mut self) {
        for format in &mut self.list {
            let missing = self.block - format.bytes;
            if let Some(last) = format.units.last_mut().filter(|last| !last.counted && last.bytes > 0) {
                last.count += missing / last.bytes;
            }
        }
    }

    /// A block, which lies at `address`; what is missing of it at the end is blank.
    pub(super) fn show(&self, block: &[u8], address: u64, out: &mut Vec<u8>) {
        for format in &self.list {
            let mut at = 0;
            for unit in &format.units {
                for round in 1..=unit.count {
                    let last = round == unit.count && unit.count > 1;
                    unit.show(block, &mut at, address, (last, block.len() < self.block), out);
                }
            }
        }
    }

    /// What stands behind the end.
    pub(super) fn show_end(&self, address: u64, out: &mut Vec<u8>) {
        if let Some(unit) = &self.end {
            unit.show(&[], &mut 0, address, (false, false), out);
        }
    }
}

/// A text without its escape sequences.
fn escapes(text: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        all.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'0') => 0,
                Some(b'a') => 7,
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 11,
                Some(other) => *other,
                None => b'\\',
            },
            _ => *byte,
        });
    }
    all
}

impl Unit {
    /// Reads a format of `printf(3)`, with the conversions of hexdump.
    fn read(&mut self, text: &[u8], bytes: Option<usize>) -> Result<(), Fail> {
        let mut rest = text;
        let mut takers = 0;
        while let Some(at) = rest.find_byte(b'%') {
            let (before, behind) = rest.split_at(at);
            if !before.is_empty() {
                self.pieces.push(Piece::Text(before.into()));
            }
            let spec = spec(behind.get(1..).unwrap_or_default(), b"#-+ 0");
            let mut flags = Flags::default();
            for flag in spec.flags {
                match flag {
                    b'-' => flags.left = true,
                    b'+' => flags.plus = true,
                    b' ' => flags.space = true,
                    b'#' => flags.alternate = true,
                    _ => flags.zero = true,
                }
            }
            let own = spec.rest.first() == Some(&b'_');
            let name = spec.rest.get(usize::from(own)..).unwrap_or_default();
            let letter = name.first().copied().unwrap_or_default();
            let mut used = 1;
            let base = name.get(1).copied().unwrap_or_default();
            let (kind, default, sizes): (Kind, usize, &[usize]) = match (own, letter) {
                (false, b'd' | b'i') => (Kind::Signed, 4, &[1, 2, 4, 8]),
                (false, b'o' | b'u' | b'x' | b'X') => (Kind::Unsigned, 4, &[1, 2, 4, 8]),
                (false, b'e' | b'E' | b'f' | b'g' | b'G') => (Kind::Float, 8, &[4, 8]),
                (false, b'c') => (Kind::Letter, 1, &[1]),
                (false, b's') => (Kind::Text, 0, &[]),
                (true, b'c') => (Kind::Escaped, 1, &[1]),
                (true, b'p') => (Kind::Printable, 1, &[1]),
                (true, b'u') => (Kind::Named, 1, &[1]),
                (true, b'a' | b'A') if matches!(base, b'd' | b'o' | b'x') => {
                    used = 2;
                    (if letter == b'a' { Kind::Address } else { Kind::End }, 0, &[])
                }
                _ => {
                    let shown = name.get(..if own && letter.eq_ignore_ascii_case(&b'a') { 2 } else { 1 });
                    let text = shown.unwrap_or(name).as_bstr();
                    let mark = if own { "_" } else { "" };
                    return Err(message(format!("bad conversion character %{mark}{text}")));
                }
            };
            let takes = match kind {
                Kind::Address | Kind::End => 0,
                Kind::Text => bytes
                    .or(spec.precision)
                    .ok_or_else(|| message("%s requires a precision or a byte count"))?,
                _ => bytes.unwrap_or(default),
            };
            if !sizes.is_empty() && !sizes.contains(&takes) {
                let mark = if own { "_" } else { "" };
                let letter = char::from(letter);
                return Err(message(format!("bad byte count for conversion character {mark}{letter}")));
            }
            rest = name.get(used..).unwrap_or_default();
            // Colours are for terminals that are looked at.
            if let Some(behind) = rest.strip_prefix(b"_L[") {
                rest = behind.find_byte(b']').and_then(|close| behind.get(close + 1..)).unwrap_or_default();
            }
            takers += usize::from(!matches!(kind, Kind::Address | Kind::End));
            if takers > 1 && bytes.is_some() {
                return Err(message("byte count with multiple conversion characters"));
            }
            self.bytes = self.bytes.saturating_add(takes);
            self.pieces.push(Piece::Conversion(Conversion {
                kind,
                letter: if used == 2 { base } else { letter },
                flags,
                width: (spec.width as usize).min(WIDEST),
                precision: spec.precision.map(|precision| precision.min(WIDEST)),
                bytes: takes,
            }));
        }
        if !rest.is_empty() {
            self.pieces.push(Piece::Text(rest.into()));
        }
        if takers == 0 {
            self.bytes = bytes.unwrap_or(0);
        }
        Ok(())
    }

    /// How: without blanks at its end; in a block that the input has not filled.
    fn show(&self, block: &[u8], at: &mut usize, address: u64, how: (bool, bool), out: &mut Vec<u8>) {
        let (trim, short) = how;
        let from = *at;
        for (index, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Text(text) if trim && index + 1 == self.pieces.len() => {
                    out.extend_from_slice(text.trim_ascii_end());
                }
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Conversion(one) => {
                    let rest = block.get(*at..).unwrap_or_default();
                    // Where there are no more bytes there is no address of them.
                    let over = one.bytes > 0 || (one.kind == Kind::Address && short);
                    if rest.is_empty() && over {
                        out.resize(out.len() + one.width, b' ');
                    } else {
                        let data = rest.get(..one.bytes).unwrap_or(rest);
                        // A string without a precision goes on to the end of the block.
                        let whole = one.kind == Kind::Text && one.precision.is_none();
                        one.show(if whole { rest } else { data }, address.wrapping_add(*at as u64), out);
                    }
                    *at += one.bytes;
                }
            }
        }
        *at = from + self.bytes;
    }
}

/// The names of the control characters.
const NAMES: [&str; 32] = [
    "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "lf", "vt", "ff", "cr", "so", "si",
    "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em", "sub", "esc", "fs", "gs", "rs",
    "us",
];

impl Conversion {
    fn show(&self, data: &[u8], address: u64, out: &mut Vec<u8>) {
        let mut eight = [0; 8];
        for (to, from) in eight.iter_mut().zip(data) {
            *to = *from;
        }
        let value = u64::from_le_bytes(eight);
        let letter = data.first().copied().unwrap_or_default();
        let named;
        let text: &[u8] = match self.kind {
            Kind::Signed => {
                let unused = 64 - 8 * self.bytes.clamp(1, 8) as u32;
                let value = (value << unused) as i64 >> unused;
                let sign = match self.flags {
                    _ if value < 0 => "-",
                    Flags { plus: true, .. } => "+",
                    Flags { space: true, .. } => " ",
                    _ => "",
                };
                let digits = value.unsigned_abs().to_string();
                return integer(sign, &digits, self.flags, self.width, self.precision, out);
            }
            Kind::Unsigned => return self.unsigned(value, out),
            Kind::Address | Kind::End => return self.unsigned(address, out),
            Kind::Float => {
                let value = match self.bytes {
                    4 => f64::from(f32::from_bits(value as u32)),
                    _ => f64::from_bits(value),
                };
                let value = exact(value);
                let text = value.format(self.letter, self.flags, self.width, self.precision);
                return out.extend_from_slice(text.as_bytes());
            }
            Kind::Text => data.split(|byte| *byte == 0).next().unwrap_or_default(),
            Kind::Letter => &[letter],
            Kind::Printable => match letter {
                b' '..=b'~' => &[letter],
                _ => b".",
            },
            Kind::Escaped => match letter {
                0 => b"\\0",
                7 => b"\\a",
                8 => b"\\b",
                12 => b"\\f",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                11 => b"\\v",
                b' '..=b'~' => &[letter],
                _ => {
                    named = format!("{letter:03o}");
                    named.as_bytes()
                }
            },
            Kind::Named => match (NAMES.get(usize::from(letter)), letter) {
                (Some(name), _) => name.as_bytes(),
                (None, 0x7f) => b"del",
                (None, b' '..=b'~') => &[letter],
                _ => {
                    named = format!("{letter:02x}");
                    named.as_bytes()
                }
            },
        };
        pad(text, self.flags, self.width, self.precision.filter(|_| self.kind == Kind::Text), out);
    }

    fn unsigned(&self, value: u64, out: &mut Vec<u8>) {
        let (digits, prefix) = match self.letter {
            b'o' => (format!("{value:o}"), "0"),
            b'x' => (format!("{value:x}"), "0x"),
            b'X' => (format!("{value:X}"), "0X"),
            _ => (value.to_string(), ""),
        };
        let prefix = if self.flags.alternate && value != 0 { prefix } else { "" };
        integer(prefix, &digits, self.flags, self.width, self.precision, out);
    }
}

/// The same number, with all its digits.
fn exact(value: f64) -> Extended {
    let bits = value.to_bits();
    let (exponent, fraction) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
    let text = match (exponent, fraction) {
        (0x7ff, 0) => "inf".to_owned(),
        (0x7ff, _) => "nan".to_owned(),
        (0, _) => format!("0x{fraction:x}p-1074"),
        _ => format!("0x{:x}p{}", fraction | 1 << 52, exponent as i64 - 1075),
    };
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let text: BString = format!("{sign}{text}").into();
    Extended::parse(&text).map_or(Extended::ZERO, |(value, _)| value)
}
