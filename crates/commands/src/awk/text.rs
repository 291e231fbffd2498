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
pub(super) fn change_case(text: &[u8], upper: bool) -> Vec<u8> {
    if text.is_ascii() {
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

/// A regular expression of awk as an ERE of `wasmsh_regex`: escapes in it, also in bracket expressions, are replaced.
pub(super) fn regex(source: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len());
    let mut at = 0;
    while let Some(&byte) = source.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                let rest = source.get(at..).unwrap_or_default();
                let Some(&next) = rest.first() else {
                    out.extend_from_slice(b"\\\\");
                    break;
                };
                match next {
                    b'y' => out.extend_from_slice(b"\\b"),
                    b'B' | b'<' | b'>' | b'`' | b'\'' | b'w' | b'W' | b's' | b'S' => out.extend([b'\\', next]),
                    b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'0'..=b'7' | b'x' | b'u' => {
                        let mut made = Vec::new();
                        at += escape(rest, &mut made);
                        for byte in made {
                            if b"\\^$.[]|()*+?{}".contains(&byte) {
                                out.push(b'\\');
                            }
                            out.push(byte);
                        }
                        continue;
                    }
                    b'/' | b'"' | b'&' => out.push(next),
                    _ if next.is_ascii_alphanumeric() => out.push(next),
                    _ => out.extend([b'\\', next]),
                }
                at += 1;
            }
            b'[' => at += bracket(source.get(at..).unwrap_or_default(), &mut out),
            _ => out.push(byte),
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
