//! Quoting: what `printf %q`, `${v@Q}` and `$'…'` do.

use std::borrow::Cow;

/// Decodes the escapes of `$'…'` (bash manual "ANSI-C Quoting"). Text after `\0` or an escape for NUL is
/// dropped, as in bash.
pub fn decode_ansi_c(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        at += 1;
        if b != b'\\' {
            out.push(b);
            continue;
        }
        let Some(&c) = text.get(at) else {
            out.push(b'\\');
            break;
        };
        at += 1;
        let value = match c {
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' | b'\'' | b'"' | b'?' => c,
            b'0'..=b'7' => {
                let mut value = u32::from(c - b'0');
                for _ in 0..2 {
                    match text.get(at) {
                        Some(d @ b'0'..=b'7') => value = value * 8 + u32::from(d - b'0'),
                        _ => break,
                    }
                    at += 1;
                }
                value as u8
            }
            b'x' => {
                let braces = text.get(at) == Some(&b'{');
                let start = at + usize::from(braces);
                let limit = if braces { usize::MAX } else { 2 };
                let (value, len) = hex(text.get(start..).unwrap_or_default(), limit);
                if len == 0 && !braces {
                    out.extend_from_slice(b"\\x");
                    continue;
                }
                at = start + len;
                if braces && text.get(at) == Some(&b'}') {
                    at += 1;
                }
                value as u8
            }
            b'u' | b'U' => {
                let (value, len) = hex(text.get(at..).unwrap_or_default(), if c == b'u' { 4 } else { 8 });
                if len == 0 {
                    out.extend_from_slice(&[b'\\', c]);
                    continue;
                }
                at += len;
                if value == 0 {
                    return out;
                }
                push_code_point(&mut out, value);
                continue;
            }
            b'c' => match text.get(at) {
                Some(&d) => {
                    at += 1;
                    if d == b'\\' && text.get(at) == Some(&b'\\') {
                        at += 1;
                    }
                    if d == b'?' { 0x7f } else { d.to_ascii_uppercase() & 0x1f }
                }
                None => {
                    out.extend_from_slice(b"\\c");
                    continue;
                }
            },
            _ => {
                out.extend_from_slice(&[b'\\', c]);
                continue;
            }
        };
        if value == 0 {
            return out;
        }
        out.push(value);
    }
    out
}

/// The value of at most `limit` hexadecimal digits (wrapping), and their number.
fn hex(text: &[u8], limit: usize) -> (u32, usize) {
    let mut value = 0u32;
    let mut len = 0;
    for &b in text.iter().take(limit) {
        let Some(digit) = (b as char).to_digit(16) else { break };
        value = value.wrapping_mul(16).wrapping_add(digit);
        len += 1;
    }
    (value, len)
}

/// Appends a code point as UTF-8, in the original form of up to six bytes above U+10FFFF and for surrogates,
/// as bash does.
/// Where characters are bytes, one that is no ASCII stays an escape.
pub fn push_code_point(out: &mut Vec<u8>, value: u32) {
    if value >= 0x80 && crate::locale::is_bytes() {
        let text = if value <= 0xffff { format!("\\u{value:04X}") } else { format!("\\U{value:08X}") };
        out.extend_from_slice(text.as_bytes());
        return;
    }
    if let Some(c) = char::from_u32(value) {
        let mut buffer = [0; 4];
        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        return;
    }
    let (len, lead) = match value {
        0..=0xffff => (3, 0xe0),
        0x1_0000..=0x1f_ffff => (4, 0xf0),
        0x20_0000..=0x3ff_ffff => (5, 0xf8),
        0x400_0000..=0x7fff_ffff => (6, 0xfc),
        _ => return,
    };
    let mut shift = 6 * (len - 1);
    out.push(lead | (value >> shift) as u8);
    while shift > 0 {
        shift -= 6;
        out.push(0x80 | (value >> shift & 0x3f) as u8);
    }
}

/// Quote removal on source text without expansions, as for the delimiter of a here-document. Also says
/// whether there was a quote.
pub fn remove_quotes(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let mut quoted = false;
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        at += 1;
        match b {
            b'\\' => {
                match text.get(at) {
                    Some(b'\n') => {}
                    Some(&c) => {
                        quoted = true;
                        out.push(c);
                    }
                    None => {
                        quoted = true;
                        out.push(b'\\');
                    }
                }
                at += 1;
            }
            b'\'' => {
                quoted = true;
                let end = text[at..].iter().position(|b| *b == b'\'').map_or(text.len(), |i| at + i);
                out.extend_from_slice(&text[at..end]);
                at = end + 1;
            }
            b'$' if text.get(at) == Some(&b'\'') => {
                quoted = true;
                let start = at + 1;
                let mut end = start;
                while end < text.len() && text[end] != b'\'' {
                    end += if text[end] == b'\\' { 2 } else { 1 };
                }
                let end = end.min(text.len());
                out.extend_from_slice(&decode_ansi_c(&text[start..end]));
                at = end + 1;
            }
            b'"' => {
                quoted = true;
                while let Some(&c) = text.get(at) {
                    at += 1;
                    match c {
                        b'"' => break,
                        b'\\' => match text.get(at) {
                            Some(&d @ (b'$' | b'`' | b'"' | b'\\')) => {
                                out.push(d);
                                at += 1;
                            }
                            Some(b'\n') => at += 1,
                            _ => out.push(b'\\'),
                        },
                        c => out.push(c),
                    }
                }
            }
            b => out.push(b),
        }
    }
    (out, quoted)
}

/// Whether `text` must be written as `$'…'`: it holds control characters or is no UTF-8.
pub fn needs_ansi_c(text: &[u8]) -> bool {
    match std::str::from_utf8(text) {
        Ok(text) if crate::locale::is_bytes() && !text.is_ascii() => true,
        Ok(text) => text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')),
        Err(_) => true,
    }
}

/// `$'…'`, as bash writes text that is not printable.
pub fn ansi_c(text: &[u8]) -> Vec<u8> {
    let mut out = b"$'".to_vec();
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\u{1b}' => out.extend_from_slice(b"\\E"),
                '\u{7}' => out.extend_from_slice(b"\\a"),
                '\u{8}' => out.extend_from_slice(b"\\b"),
                '\u{b}' => out.extend_from_slice(b"\\v"),
                '\u{c}' => out.extend_from_slice(b"\\f"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\'' => out.extend_from_slice(b"\\'"),
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                    let mut buffer = [0; 4];
                    octal(&mut out, c.encode_utf8(&mut buffer).as_bytes());
                }
                c if !c.is_ascii() && crate::locale::is_bytes() => {
                    let mut buffer = [0; 4];
                    octal(&mut out, c.encode_utf8(&mut buffer).as_bytes());
                }
                c => {
                    let mut buffer = [0; 4];
                    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                }
            }
        }
        octal(&mut out, chunk.invalid());
    }
    out.push(b'\'');
    out
}

fn octal(out: &mut Vec<u8>, bytes: &[u8]) {
    for b in bytes {
        out.extend_from_slice(format!("\\{b:03o}").as_bytes());
    }
}

/// `'…'`, an apostrophe written as `'\''`.
pub fn single(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    if text == b"'" {
        return b"\\'".to_vec();
    }
    out.push(b'\'');
    for &b in text {
        if b == b'\'' {
            out.extend_from_slice(b"'\\''");
        } else {
            out.push(b);
        }
    }
    out.push(b'\'');
    out
}

/// As `${v@Q}`, `set` and `declare -p` of a scalar would be fed back: `'…'` or `$'…'`.
pub fn reusable(text: &[u8]) -> Vec<u8> {
    if needs_ansi_c(text) { ansi_c(text) } else { single(text) }
}

/// As `printf %q` writes it: backslashes where needed, `$'…'` for control characters, `''` for nothing.
pub fn backslash(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_empty() {
        return Cow::Borrowed(b"''");
    }
    if needs_ansi_c(text) {
        return Cow::Owned(ansi_c(text));
    }
    let mut out = Vec::with_capacity(text.len() + 8);
    for (i, &b) in text.iter().enumerate() {
        let special = match b {
            b' ' | b'\t' | b'\n' | b'\'' | b'"' | b'\\' | b'|' | b'&' | b';' | b'(' | b')' | b'<' | b'>' => {
                true
            }
            b'!' | b'{' | b'}' | b'*' | b'[' | b']' | b'?' | b'^' | b'$' | b'`' | b',' => true,
            b'#' => i == 0,
            b'~' => i == 0 || matches!(text[i - 1], b'=' | b':'),
            _ => false,
        };
        if special {
            out.push(b'\\');
        }
        out.push(b);
    }
    if out.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// `"…"` with backslashes before what is special in it, as `declare -p` writes values.
pub fn double(text: &[u8]) -> Vec<u8> {
    if needs_ansi_c(text) {
        return ansi_c(text);
    }
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(b'"');
    for &b in text {
        if matches!(b, b'"' | b'$' | b'\\' | b'`') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
    out
}

/// Whether every quotation that begins in source text ends there too.
pub fn is_closed(text: &[u8]) -> bool {
    let mut quote = 0u8;
    let mut bytes = text.iter().copied();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' if quote != b'\'' => {
                bytes.next();
            }
            _ if quote == b => quote = 0,
            b'\'' | b'"' | b'`' if quote == 0 => quote = b,
            _ => {}
        }
    }
    quote == 0
}

/// Whether a subscript in source form ends where it ends: its brackets are balanced, and no quotation is open.
pub fn is_balanced(subscript: &[u8]) -> bool {
    let (mut depth, mut quote) = (0usize, 0u8);
    let mut bytes = subscript.iter().copied();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' if quote != b'\'' => match bytes.next() {
                Some(_) => {}
                // It is the bracket that closes which is quoted.
                None => return false,
            },
            _ if quote == b => quote = 0,
            b'\'' | b'"' | b'`' if quote == 0 => quote = b,
            b'[' if quote == 0 => depth += 1,
            b']' if quote == 0 => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
    }
    depth == 0 && quote == 0
}

/// Cuts source text at the bytes for which `ends` holds, but not inside quotations and `$(…)`, `${…}`, `` `…` ``.
/// Empty pieces are left out.
pub fn split_source(text: &[u8], ends: impl Fn(u8) -> bool) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    // What has to close before the text is outside again.
    let mut open: Vec<u8> = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(&b) = text.get(at) {
        let inside = open.last().copied();
        let next = text.get(at + 1).copied();
        match b {
            b'\\' if inside != Some(b'\'') => at += 1,
            _ if inside == Some(b) => {
                open.pop();
            }
            _ if inside == Some(b'\'') => {}
            b'\'' if inside != Some(b'"') => open.push(b'\''),
            b'"' | b'`' => open.push(b),
            b'$' if next == Some(b'(') => {
                open.push(b')');
                at += 1;
            }
            b'$' if next == Some(b'{') => {
                open.push(b'}');
                at += 1;
            }
            b'(' if inside == Some(b')') => open.push(b')'),
            _ if inside.is_none() && ends(b) => {
                pieces.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    pieces.push(text.get(start..).unwrap_or_default());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ansi_c_escapes() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"a\\nb", b"a\nb"),
            (b"\\x41\\x4z", b"A\x04z"),
            (b"\\101\\1", b"A\x01"),
            (b"\\u00e9\\U1F600", "é😀".as_bytes()),
            (b"\\ca\\c?", b"\x01\x7f"),
            (b"a\\0b", b"a"),
            (b"\\q\\", b"\\q\\"),
            (b"\\'\\\"\\?", b"'\"?"),
            (b"\\xe9", b"\xe9"),
            (b"\\x{41}B", b"AB"),
        ];
        for (source, expected) in cases {
            assert_eq!(decode_ansi_c(source), *expected, "{}", String::from_utf8_lossy(source));
        }
    }

    #[test]
    fn quoting() {
        assert_eq!(&*backslash(b"a b"), b"a\\ b");
        assert_eq!(&*backslash(b""), b"''");
        assert_eq!(&*backslash(b"plain/x=1"), b"plain/x=1");
        assert_eq!(&*backslash(b"a\nb"), b"$'a\\nb'");
        assert_eq!(&*backslash(b"#a#~"), b"\\#a#~");
        assert_eq!(reusable(b"it's"), b"'it'\\''s'");
        assert_eq!(reusable(b""), b"''");
        assert_eq!(reusable(b"\xff\t"), b"$'\\377\\t'");
        assert_eq!(double(b"a\"$`\\"), b"\"a\\\"\\$\\`\\\\\"");
    }

    #[test]
    fn quote_removal() {
        assert_eq!(remove_quotes(b"EOF"), (b"EOF".to_vec(), false));
        assert_eq!(remove_quotes(b"'E'O\"F\\$\"\\x"), (b"EOF$x".to_vec(), true));
    }
}
