//! Characters of strings, and regular expressions as awk writes them.

use bstr::ByteSlice;

use super::lex::escape;

/// How many characters a string has; a byte that belongs to none counts as one.
pub(super) fn length(text: &[u8]) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// The byte at which the character with this number begins, from 0 on.
pub(super) fn offset(text: &[u8], count: usize) -> usize {
    if text.is_ascii() {
        return count.min(text.len());
    }
    text.char_indices().nth(count).map_or(text.len(), |(start, _, _)| start)
}

/// The number of characters before a byte.
pub(super) fn position(text: &[u8], byte: usize) -> usize {
    length(text.get(..byte).unwrap_or_default())
}

/// A string in upper or lower case; a character that would become several stays.
pub(super) fn change_case(text: &[u8], upper: bool, utf8: bool) -> Vec<u8> {
    if !utf8 || text.is_ascii() {
        return if upper { text.to_ascii_uppercase() } else { text.to_ascii_lowercase() };
    }
    let mut out = Vec::with_capacity(text.len());
    for (start, end, letter) in text.char_indices() {
        let bytes = text.get(start..end).unwrap_or_default();
        if letter == '\u{FFFD}' {
            out.extend_from_slice(bytes);
            continue;
        }
        let mut changed: [Option<char>; 2] = [None; 2];
        if upper {
            changed.iter_mut().zip(letter.to_uppercase()).for_each(|(place, new)| *place = Some(new));
        } else {
            changed.iter_mut().zip(letter.to_lowercase()).for_each(|(place, new)| *place = Some(new));
        }
        match changed {
            [Some(one), None] => out.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes()),
            _ => out.extend_from_slice(bytes),
        }
    }
    out
}

/// The number that a text is in the notation of C, if it is hexadecimal or octal: `0x1F`, `017`.
pub(super) fn non_decimal(text: &[u8]) -> Option<f64> {
    let (number, length) = radix_prefix(text.trim_ascii())?;
    (length == text.trim_ascii().len()).then_some(number)
}

/// The hexadecimal or octal number that a text begins with, and its length.
pub(super) fn radix_prefix(text: &[u8]) -> Option<(f64, usize)> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let sign = text.len() - digits.len();
    let (radix, lead) = match digits {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => (16, 2),
        [b'0', b'0'..=b'7', ..] => (8, 1),
        _ => return None,
    };
    let (mut value, mut length) = (0.0, lead);
    for digit in digits.iter().skip(lead) {
        let Some(digit) = char::from(*digit).to_digit(radix) else { break };
        value = value * f64::from(radix) + f64::from(digit);
        length += 1;
    }
    // 08 and 0.5 are decimal.
    if radix == 8 && digits.get(length).is_some_and(|next| matches!(next, b'8' | b'9' | b'.' | b'e' | b'E')) {
        return None;
    }
    Some((if negative { -value } else { value }, sign + length))
}

/// A regular expression of awk as an ERE of `wasmsh_regex`: escapes in it, also in bracket expressions, are replaced.
pub(super) fn regex(source: &[u8], modes: &super::machine::Modes) -> Vec<u8> {
    let gnu = !modes.posix && !modes.traditional;
    let source = &unescaped(source, modes.traditional)[..];
    let mut out = Vec::with_capacity(source.len());
    let mut at = 0;
    // Nothing is there to be repeated.
    let mut first = true;
    while let Some(&byte) = source.get(at) {
        at += 1;
        let was_first = std::mem::replace(&mut first, matches!(byte, b'(' | b'|' | b'^'));
        match byte {
            b'*' | b'+' | b'?' if was_first => out.extend([b'\\', byte]),
            b'\\' => {
                let rest = source.get(at..).unwrap_or_default();
                let Some(&next) = rest.first() else {
                    out.extend_from_slice(b"\\\\");
                    break;
                };
                match next {
                    b'y' if gnu => out.extend_from_slice(b"\\b"),
                    b'B' | b'<' | b'>' | b'`' | b'\'' | b'w' | b'W' | b's' | b'S' if gnu => {
                        out.extend([b'\\', next]);
                    }
                    b'/' | b'"' | b'&' => out.push(next),
                    _ if next.is_ascii_alphanumeric() => out.push(next),
                    _ => out.extend([b'\\', next]),
                }
                at += 1;
            }
            b'[' => at += bracket(source.get(at..).unwrap_or_default(), &mut out),
            b'{' | b'}' if modes.traditional && !modes.intervals => out.extend([b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out
}

/// With characters in the place of the escapes that stand for one. What a number stands for means what it does as a
/// character, unless in the traditional dialect.
fn unescaped(source: &[u8], traditional: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len());
    let mut rest = source;
    while let Some((&byte, next)) = rest.split_first() {
        rest = next;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest.first() {
            Some(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v') => {
                rest = rest.get(escape(rest, &mut out)..).unwrap_or_default();
            }
            Some(b'0'..=b'7' | b'x') => {
                let before = out.len();
                rest = rest.get(escape(rest, &mut out)..).unwrap_or_default();
                if traditional && out.get(before).is_some_and(|made| b"()|*+?.^$\\[]/-".contains(made)) {
                    out.insert(before, b'\\');
                }
            }
            Some(other) => {
                out.extend([b'\\', *other]);
                rest = rest.get(1..).unwrap_or_default();
            }
            None => out.push(b'\\'),
        }
    }
    out
}

/// A bracket expression behind its `[`; how long it is.
fn bracket(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let mut at = 0;
    let negated = rest.first() == Some(&b'^');
    if negated {
        at += 1;
    }
    // What must stand first or last to be itself.
    let (mut closing, mut caret, mut dash) = (false, false, false);
    let mut inner = Vec::new();
    let first = at;
    loop {
        let Some(&byte) = rest.get(at) else {
            // No end: gawk says so; the pattern is wrong either way.
            out.push(b'[');
            out.extend_from_slice(rest);
            return rest.len();
        };
        at += 1;
        match byte {
            b']' if at - 1 > first => break,
            b']' => closing = true,
            b'[' if matches!(rest.get(at), Some(b':' | b'.' | b'=')) => {
                let kind = rest.get(at).copied().unwrap_or_default();
                let tail = rest.get(at + 1..).unwrap_or_default();
                match tail.find([kind, b']']) {
                    Some(end) => {
                        inner.push(b'[');
                        inner.extend_from_slice(rest.get(at..at + 1 + end + 2).unwrap_or_default());
                        at += 1 + end + 2;
                    }
                    None => inner.push(b'['),
                }
            }
            b'\\' => {
                let tail = rest.get(at..).unwrap_or_default();
                let mut made = Vec::new();
                at += escape(tail, &mut made).max(usize::from(!tail.is_empty()));
                let is_range = inner.last() == Some(&b'-') && inner.len() > 1
                    || rest.get(at) == Some(&b'-') && rest.get(at + 1).is_some_and(|next| *next != b']');
                for byte in made {
                    match byte {
                        b']' if is_range => inner.extend_from_slice(b"[.].]"),
                        b']' => closing = true,
                        b'^' if inner.is_empty() => caret = true,
                        b'-' => dash = true,
                        _ => inner.push(byte),
                    }
                }
                if tail.is_empty() {
                    inner.push(b'\\');
                }
            }
            // Three of them are one: a range from it to itself.
            b'-' if rest.get(at..).unwrap_or_default().starts_with(b"--") => {
                dash = true;
                at += 2;
            }
            _ => inner.push(byte),
        }
    }
    if caret && !closing && !negated && inner.is_empty() && !dash {
        out.extend_from_slice(b"\\^");
        return at;
    }
    out.push(b'[');
    if negated {
        out.push(b'^');
    }
    if closing {
        out.push(b']');
    }
    if inner.is_empty() && dash {
        if caret {
            out.extend_from_slice(b"-^]");
        } else {
            out.extend_from_slice(b"-]");
        }
        return at;
    }
    out.extend_from_slice(&inner);
    if caret {
        out.push(b'^');
    }
    if dash {
        out.push(b'-');
    }
    out.push(b']');
    at
}
