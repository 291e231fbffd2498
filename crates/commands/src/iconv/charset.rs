//! The encodings of `iconv`: their names, and how characters are read and written.

use super::tables::{TABLES, Table};

/// The order of the bytes of a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
    /// By a mark at the beginning, and little without one; written little, with the mark.
    Marked,
}

/// An encoding.
#[derive(Clone, Copy)]
pub(super) enum Charset {
    Ascii,
    Latin1,
    Utf8,
    Utf16(Order),
    /// As UTF-16, without surrogates.
    Ucs2(Order),
    Utf32(Order),
    Table(&'static Table),
}

/// Those that are no tables, with their names.
static OTHERS: &[(Charset, &str)] = &[
    (
        Charset::Ascii,
        "ANSI_X3.4-1968 ANSI_X3.4-1986 ASCII CP367 CSASCII IBM367 ISO-IR-6 ISO646-US ISO_646.IRV:1991 US US-ASCII",
    ),
    (
        Charset::Latin1,
        "ISO-8859-1 8859_1 CP819 CSISOLATIN1 IBM819 ISO-IR-100 ISO8859-1 ISO88591 ISO_8859-1 ISO_8859-1:1987 L1 LATIN1",
    ),
    (Charset::Ucs2(Order::Little), "UCS-2 ISO-10646/UCS2/ UCS-2LE UCS2 UNICODELITTLE"),
    (Charset::Ucs2(Order::Big), "UCS-2BE UNICODEBIG"),
    (
        Charset::Utf32(Order::Big),
        "UCS-4 10646-1:1993 CSUCS4 ISO-10646 ISO-10646/UCS4/ UCS-4BE UCS4 UTF-32BE UTF32BE",
    ),
    (Charset::Utf32(Order::Little), "UCS-4LE UTF-32LE UTF32LE WCHAR_T"),
    (Charset::Utf16(Order::Marked), "UTF-16 CSUNICODE UNICODE UTF16"),
    (Charset::Utf16(Order::Big), "UTF-16BE UTF16BE"),
    (Charset::Utf16(Order::Little), "UTF-16LE UTF16LE"),
    (Charset::Utf32(Order::Marked), "UTF-32 UTF32"),
    (Charset::Utf8, "UTF-8 ISO-10646/UTF-8/ ISO-10646/UTF8/ ISO-IR-193 UTF8"),
];

/// All names.
pub(super) fn names() -> Vec<&'static str> {
    let lists = OTHERS.iter().map(|(_, names)| *names).chain(TABLES.iter().map(|table| table.names));
    let mut all: Vec<&str> = lists.flat_map(|names| names.split(' ')).collect();
    all.sort_unstable();
    all
}

impl Charset {
    /// By one of its names, in capitals.
    pub(super) fn find(name: &str) -> Option<Charset> {
        let has = |names: &str| names.split(' ').any(|other| other == name);
        let other = OTHERS.iter().find(|(_, names)| has(names)).map(|(charset, _)| *charset);
        other.or_else(|| TABLES.iter().find(|table| has(table.names)).map(Charset::Table))
    }
}

/// What stands at the beginning of some bytes.
pub(super) enum Read {
    /// A character of so many bytes.
    Char(char, usize),
    /// A byte order mark.
    Mark(usize),
    /// No character; so many bytes are passed over when such are.
    Illegal(usize),
    /// The beginning of a character.
    Partial,
}

/// Reads an encoding.
pub(super) struct Decoder {
    charset: Charset,
    /// The order of the bytes, once it is known.
    order: Order,
    /// The characters of the upper bytes of a table.
    upper: Vec<char>,
}

/// The first byte for which a table has a character.
fn first_byte(upper: &[char]) -> usize {
    256 - upper.len()
}

impl Decoder {
    pub(super) fn new(charset: Charset) -> Decoder {
        let (order, upper) = match charset {
            Charset::Utf16(order) | Charset::Ucs2(order) | Charset::Utf32(order) => (order, Vec::new()),
            Charset::Table(table) => (Order::Little, table.upper.chars().collect()),
            _ => (Order::Little, Vec::new()),
        };
        Decoder { charset, order, upper }
    }

    /// Reads the first character of `bytes`, which are not empty.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Read {
        let Some(&first) = bytes.first() else { return Read::Partial };
        match self.charset {
            Charset::Ascii if first < 128 => Read::Char(char::from(first), 1),
            Charset::Ascii => Read::Illegal(1),
            Charset::Latin1 => Read::Char(char::from(first), 1),
            Charset::Table(_) => {
                let start = first_byte(&self.upper);
                match usize::from(first).checked_sub(start) {
                    None => Read::Char(char::from(first), 1),
                    Some(index) => match self.upper.get(index) {
                        Some(&letter) if letter != char::REPLACEMENT_CHARACTER => Read::Char(letter, 1),
                        _ => Read::Illegal(1),
                    },
                }
            }
            Charset::Utf8 => utf8(bytes),
            Charset::Utf16(_) | Charset::Ucs2(_) => self.read_two(bytes),
            Charset::Utf32(_) => self.read_four(bytes),
        }
    }

    fn read_two(&mut self, bytes: &[u8]) -> Read {
        let Some(&first) = bytes.first_chunk::<2>() else { return Read::Partial };
        if self.order == Order::Marked {
            self.order = if first == [0xFE, 0xFF] { Order::Big } else { Order::Little };
            if matches!(first, [0xFE, 0xFF] | [0xFF, 0xFE]) {
                return Read::Mark(2);
            }
        }
        let unit = |pair: [u8; 2]| match self.order {
            Order::Big => u16::from_be_bytes(pair),
            _ => u16::from_le_bytes(pair),
        };
        let high = unit(first);
        match high {
            0xD800..=0xDBFF if matches!(self.charset, Charset::Utf16(_)) => {
                let Some(&[low, last]) = bytes.get(2..).and_then(|rest| rest.first_chunk::<2>()) else {
                    return Read::Partial;
                };
                match char::decode_utf16([high, unit([low, last])]).next() {
                    Some(Ok(letter)) => Read::Char(letter, 4),
                    _ => Read::Illegal(2),
                }
            }
            _ => char::from_u32(u32::from(high)).map_or(Read::Illegal(2), |letter| Read::Char(letter, 2)),
        }
    }

    fn read_four(&mut self, bytes: &[u8]) -> Read {
        let Some(&four) = bytes.first_chunk::<4>() else { return Read::Partial };
        if self.order == Order::Marked {
            self.order = if four == [0, 0, 0xFE, 0xFF] { Order::Big } else { Order::Little };
            if matches!(four, [0, 0, 0xFE, 0xFF] | [0xFF, 0xFE, 0, 0]) {
                return Read::Mark(4);
            }
        }
        let code = match self.order {
            Order::Big => u32::from_be_bytes(four),
            _ => u32::from_le_bytes(four),
        };
        char::from_u32(code).map_or(Read::Illegal(4), |letter| Read::Char(letter, 4))
    }
}

fn utf8(bytes: &[u8]) -> Read {
    let head = bytes.get(..bytes.len().min(4)).unwrap_or_default();
    match head.utf8_chunks().next() {
        Some(chunk) => match chunk.valid().chars().next() {
            Some(letter) => Read::Char(letter, letter.len_utf8()),
            None => {
                let bad = chunk.invalid().len();
                let whole = chunk.invalid().first().map_or(1, |byte| match byte {
                    0xC2..=0xDF => 2,
                    0xE0..=0xEF => 3,
                    0xF0..=0xF4 => 4,
                    _ => 1,
                });
                if bad == head.len() && bad < whole { Read::Partial } else { Read::Illegal(bad) }
            }
        },
        None => Read::Partial,
    }
}

/// Writes an encoding.
pub(super) struct Encoder {
    charset: Charset,
    /// The characters of a table beyond ASCII, ordered, with their bytes.
    upper: Vec<(char, u8)>,
    begun: bool,
}

impl Encoder {
    pub(super) fn new(charset: Charset) -> Encoder {
        let mut upper = Vec::new();
        if let Charset::Table(table) = charset {
            let letters: Vec<char> = table.upper.chars().collect();
            let start = first_byte(&letters);
            let controls = (128..start).filter_map(|byte| Some((char::from(u8::try_from(byte).ok()?), byte)));
            let all =
                controls.chain(letters.iter().enumerate().map(|(index, &letter)| (letter, start + index)));
            upper.extend(
                all.filter(|(letter, _)| *letter != char::REPLACEMENT_CHARACTER)
                    .filter_map(|(letter, byte)| Some((letter, u8::try_from(byte).ok()?))),
            );
            upper.sort_unstable();
        }
        Encoder { charset, upper, begun: false }
    }

    /// The byte order mark, before the first character.
    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        match self.charset {
            Charset::Utf16(Order::Marked) => out.extend_from_slice(&[0xFF, 0xFE]),
            Charset::Utf32(Order::Marked) => out.extend_from_slice(&[0xFF, 0xFE, 0, 0]),
            _ => {}
        }
    }

    /// Appends a character; `false`: the encoding has not got it.
    pub(super) fn push(&mut self, letter: char, out: &mut Vec<u8>) -> bool {
        let code = u32::from(letter);
        match self.charset {
            Charset::Utf8 => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            Charset::Ascii | Charset::Latin1 | Charset::Table(_) if code < 128 => out.push(code as u8),
            Charset::Latin1 if code < 256 => out.push(code as u8),
            Charset::Ascii | Charset::Latin1 => return false,
            Charset::Table(_) => match self.upper.binary_search_by_key(&letter, |(other, _)| *other) {
                Ok(index) => out.extend(self.upper.get(index).map(|(_, byte)| *byte)),
                Err(_) => return false,
            },
            Charset::Utf16(order) | Charset::Ucs2(order) => {
                if code > 0xFFFF && matches!(self.charset, Charset::Ucs2(_)) {
                    return false;
                }
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    out.extend(if order == Order::Big { unit.to_be_bytes() } else { unit.to_le_bytes() });
                }
            }
            Charset::Utf32(order) => {
                out.extend(if order == Order::Big { code.to_be_bytes() } else { code.to_le_bytes() });
            }
        }
        true
    }
}
