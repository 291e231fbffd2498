//! Escapes of GNU sed in texts, patterns and replacements.

use bstr::ByteSlice;

use super::script::{Case, Part};

/// Whether a version is newer than another, as `strverscmp(3)` orders them.
pub(super) fn is_newer(a: &[u8], b: &[u8]) -> bool {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let digits = |text: &[u8]| text.iter().skip(same).take_while(|byte| byte.is_ascii_digit()).count();
    let before = a.get(..same).unwrap_or_default();
    let run = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let number = before.get(same - run..).unwrap_or_default();
    let (ours, theirs) = (digits(a), digits(b));
    // A number of more digits is larger, unless a zero leads it, as in a fraction.
    if (run > 0 || ours > 0 && theirs > 0) && !number.starts_with(b"0") && ours != theirs {
        let leads = |text: &[u8]| run == 0 && text.get(same) == Some(&b'0');
        if !leads(a) && !leads(b) {
            return ours > theirs;
        }
    }
    a.get(same) > b.get(same)
}

/// The character that an escape after a backslash stands for, and its length. `None`: it stands for no character.
pub(super) fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    let number = |radix: u32, most: usize| {
        let digits = rest.get(1..).unwrap_or_default();
        let count = digits.iter().take(most).take_while(|digit| char::from(**digit).is_digit(radix)).count();
        let value = digits.get(..count)?.iter().fold(0_u32, |value, digit| {
            value * radix + char::from(*digit).to_digit(radix).unwrap_or_default()
        });
        // As C's `char`: what does not fit is cut.
        (count > 0).then_some((value as u8, count + 1))
    };
    Some(match rest.first()? {
        b'a' => (7, 1),
        b'f' => (12, 1),
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'v' => (11, 1),
        b'c' => (rest.get(1)?.to_ascii_uppercase() ^ 0x40, 2),
        b'd' => return number(10, 3),
        b'o' => return number(8, 3),
        b'x' => return number(16, 2),
        _ => return None,
    })
}

/// The text of `a`, `i` and `c`: escapes are replaced, other backslashes are dropped.
pub(super) fn text(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, next)) = rest.split_first() {
        rest = next;
        if byte != b'\\' {
            out.push(byte);
        } else if let Some((byte, length)) = escape(rest) {
            out.push(byte);
            rest = rest.get(length..).unwrap_or_default();
        } else if let Some((&byte, next)) = rest.split_first() {
            out.push(byte);
            rest = next;
        }
    }
    out
}

/// A pattern with the escapes replaced that `wasmsh_regex` does not know.
pub(super) fn pattern(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    // In a bracket expression: where its first character may be `]`.
    let mut bracket: Option<usize> = None;
    while let Some(&byte) = raw.get(at) {
        let rest = raw.get(at + 1..).unwrap_or_default();
        if byte == b'\\' {
            // `\b` and the like mean something else there; `\n` is a newline.
            if let Some((value, length)) = escape(rest) {
                out.push(value);
                at += 1 + length;
                continue;
            }
            out.push(byte);
            at += 1;
            if bracket.is_none()
                && let Some(next) = rest.first()
            {
                out.push(*next);
                at += 1;
            }
            continue;
        }
        match bracket {
            None if byte == b'[' => {
                let negated = rest.first() == Some(&b'^');
                bracket = Some(at + 1 + usize::from(negated));
                out.push(byte);
                at += 1;
                if negated {
                    out.push(b'^');
                    at += 1;
                }
                continue;
            }
            Some(first) if byte == b']' && at > first => bracket = None,
            Some(_) if byte == b'[' && matches!(rest.first(), Some(b':' | b'.' | b'=')) => {
                let kind = rest.first().copied().unwrap_or_default();
                let inner = raw.get(at + 2..).unwrap_or_default();
                if let Some(end) = inner.find([kind, b']']) {
                    let end = at + 2 + end + 2;
                    out.extend_from_slice(raw.get(at..end).unwrap_or_default());
                    at = end;
                    continue;
                }
            }
            _ => {}
        }
        out.push(byte);
        at += 1;
    }
    out
}

/// The parts of a replacement.
pub(super) fn replacement(raw: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = Vec::new();
    let mut rest = raw;
    let part = |part: Part, literal: &mut Vec<u8>, parts: &mut Vec<Part>| {
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(literal)));
        }
        parts.push(part);
    };
    while let Some((&byte, next)) = rest.split_first() {
        rest = next;
        match byte {
            b'&' => part(Part::Group(0), &mut literal, &mut parts),
            b'\\' => {
                let Some((&escaped, next)) = rest.split_first() else {
                    literal.push(b'\\');
                    break;
                };
                let case = match escaped {
                    b'0'..=b'9' => {
                        part(Part::Group(u32::from(escaped - b'0')), &mut literal, &mut parts);
                        rest = next;
                        continue;
                    }
                    b'U' => Case::Upper,
                    b'L' => Case::Lower,
                    b'E' => Case::End,
                    b'u' => Case::UpperNext,
                    b'l' => Case::LowerNext,
                    _ => {
                        if let Some((value, length)) = escape(rest) {
                            literal.push(value);
                            rest = rest.get(length..).unwrap_or_default();
                        } else {
                            literal.push(escaped);
                            rest = next;
                        }
                        continue;
                    }
                };
                part(Part::Case(case), &mut literal, &mut parts);
                rest = next;
            }
            _ => literal.push(byte),
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    parts
}

/// Whether a match of the pattern can neither hold a newline nor depend on the buffer's ends, so that a search in many
/// lines at once finds the same lines. Conservative.
pub(super) fn stays_in_line(pattern: &[u8]) -> bool {
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' | b'\n' => return false,
            b'[' if bytes.as_slice().starts_with(b"^") => return false,
            b'[' if bytes.as_slice().starts_with(b":") => {
                let name = bytes.as_slice();
                if name.starts_with(b":space:") || name.starts_with(b":cntrl:") {
                    return false;
                }
            }
            b'\\' => match bytes.next() {
                None | Some(b'W' | b'S' | b's' | b'`' | b'\'' | b'1'..=b'9') => return false,
                _ => {}
            },
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions() {
        for (a, newer) in [
            ("4.9", false),
            ("4.10", true),
            ("4.2", false),
            ("4", false),
            ("5.0", true),
            ("4.lo-9", true),
            ("4.08", false),
        ] {
            assert_eq!(super::is_newer(a.as_bytes(), b"4.9"), newer, "{a}");
        }
    }
}
