//! The backslash escapes of `echo -e` and `printf %b`.

/// What an escape stands for.
pub(crate) enum Escape {
    /// These bytes were appended.
    Text,
    /// `\c`: write nothing more.
    Stop,
}

/// Which digits an octal escape has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Octal {
    /// `\0NNN`, as in `echo -e`.
    Zero,
    /// `\NNN` and `\0NNN`, as in `printf %b`.
    Both,
    /// `\NNN`, as in a format of `printf`.
    Plain,
}

/// Reads an escape whose backslash stands before `rest`, appends what it stands for to `out`, and tells how many bytes
/// of `rest` it took. An unknown one stands for itself, the backslash included.
pub(crate) fn escape(rest: &[u8], octal: Octal, out: &mut Vec<u8>) -> (usize, Escape) {
    let Some(&letter) = rest.first() else {
        out.push(b'\\');
        return (0, Escape::Text);
    };
    let plain = |byte: u8, out: &mut Vec<u8>| {
        out.push(byte);
        (1, Escape::Text)
    };
    match letter {
        b'a' => plain(7, out),
        b'b' => plain(8, out),
        b'c' if octal != Octal::Plain => (1, Escape::Stop),
        b'e' | b'E' => plain(27, out),
        b'f' => plain(12, out),
        b'n' => plain(b'\n', out),
        b'r' => plain(b'\r', out),
        b't' => plain(b'\t', out),
        b'v' => plain(11, out),
        b'\\' => plain(b'\\', out),
        b'0' if octal != Octal::Plain => {
            let (value, count) = digits(rest.get(1..).unwrap_or_default(), 8, 3);
            out.push(value as u8);
            (1 + count, Escape::Text)
        }
        b'0'..=b'7' if octal != Octal::Zero => {
            let (value, count) = digits(rest, 8, 3);
            out.push(value as u8);
            (count, Escape::Text)
        }
        b'x' => match digits(rest.get(1..).unwrap_or_default(), 16, 2) {
            (_, 0) => {
                out.extend_from_slice(b"\\x");
                (1, Escape::Text)
            }
            (value, count) => {
                out.push(value as u8);
                (1 + count, Escape::Text)
            }
        },
        b'u' | b'U' => {
            let most = if letter == b'u' { 4 } else { 8 };
            match digits(rest.get(1..).unwrap_or_default(), 16, most) {
                (_, 0) => {
                    out.extend_from_slice(&[b'\\', letter]);
                    (1, Escape::Text)
                }
                (value, count) => {
                    push_utf8(value, out);
                    (1 + count, Escape::Text)
                }
            }
        }
        other => {
            out.extend_from_slice(&[b'\\', other]);
            (1, Escape::Text)
        }
    }
}

/// A number of at most `most` digits: its value, and how many digits it has.
pub(crate) fn digits(text: &[u8], radix: u32, most: usize) -> (u32, usize) {
    let mut value = 0_u32;
    let mut count = 0;
    for byte in text.iter().take(most) {
        let Some(digit) = char::from(*byte).to_digit(radix) else { break };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        count += 1;
    }
    (value, count)
}

/// UTF-8 as RFC 2279 had it, surrogates and values up to 31 bits included, since bash writes those so too.
pub(crate) fn push_utf8(value: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | ((value >> shift) & 0x3f) as u8;
    match value {
        0..0x80 => out.push(value as u8),
        0x80..0x800 => out.extend_from_slice(&[0xc0 | (value >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend_from_slice(&[0xe0 | (value >> 12) as u8, tail(6), tail(0)]),
        0x1_0000..0x20_0000 => {
            out.extend_from_slice(&[0xf0 | (value >> 18) as u8, tail(12), tail(6), tail(0)])
        }
        0x20_0000..0x400_0000 => {
            out.extend_from_slice(&[0xf8 | (value >> 24) as u8, tail(18), tail(12), tail(6), tail(0)]);
        }
        _ => {
            let first = 0xfc | ((value >> 30) as u8 & 1);
            out.extend_from_slice(&[first, tail(24), tail(18), tail(12), tail(6), tail(0)]);
        }
    }
}

/// What stands between a `%` and its letter in a format (`printf(3)`).
pub(crate) struct Spec<'a> {
    /// The flags, in their order.
    pub(crate) flags: &'a [u8],
    /// 0 where none is given.
    pub(crate) width: u32,
    pub(crate) precision: Option<usize>,
    /// The letter, and what follows it.
    pub(crate) rest: &'a [u8],
}

/// Reads flags out of `allowed`, a width and a precision from the start of `format`.
pub(crate) fn spec<'a>(format: &'a [u8], allowed: &[u8]) -> Spec<'a> {
    let flags = format.iter().take_while(|byte| allowed.contains(byte)).count();
    let (flags, more) = format.split_at(flags);
    let (width, count) = digits(more, 10, 6);
    let mut rest = more.get(count..).unwrap_or_default();
    let mut precision = None;
    if let Some(behind) = rest.strip_prefix(b".") {
        let (value, count) = digits(behind, 10, 6);
        precision = Some(value as usize);
        rest = behind.get(count..).unwrap_or_default();
    }
    Spec { flags, width, precision, rest }
}
