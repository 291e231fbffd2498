//! JSON and tables of commas, which are recognised by reading them whole.

use super::Found;

/// JSON, lines of JSON, or a table.
pub(super) fn detect(head: &[u8]) -> Option<Found> {
    if let Some(rest) = value(head) {
        let rest = skip(rest);
        if rest.is_empty() {
            return Some(Found::plain("JSON text data", "application/json"));
        }
        let mut rest = rest;
        while !rest.is_empty() {
            rest = skip(value(rest)?);
        }
        return Some(Found::plain("New Line Delimited JSON text data", "application/x-ndjson"));
    }
    is_table(head).then(|| Found::plain("CSV text", "text/csv"))
}

fn skip(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

/// What stands behind an object or an array at the beginning of `text`.
fn value(text: &[u8]) -> Option<&[u8]> {
    let mut rest = skip(text);
    if !matches!(rest.first(), Some(b'{' | b'[')) {
        return None;
    }
    /// What may come next.
    #[derive(PartialEq)]
    enum Expect {
        Value,
        ValueOrEnd,
        KeyOrEnd,
        Key,
        CommaOrEnd,
    }
    let mut open: Vec<u8> = Vec::new();
    let mut expect = Expect::Value;
    loop {
        rest = skip(rest);
        let (first, behind) = rest.split_first()?;
        match (&expect, first) {
            (Expect::ValueOrEnd, b']') | (Expect::KeyOrEnd, b'}') | (Expect::CommaOrEnd, b']' | b'}') => {
                let opened = open.pop()?;
                if (opened == b'{') != (*first == b'}') {
                    return None;
                }
                rest = behind;
                if open.is_empty() {
                    return Some(rest);
                }
                expect = Expect::CommaOrEnd;
            }
            (Expect::CommaOrEnd, b',') => {
                rest = behind;
                expect = if open.last() == Some(&b'{') { Expect::Key } else { Expect::Value };
            }
            (Expect::Key | Expect::KeyOrEnd, b'"') => {
                rest = skip(string(behind)?).strip_prefix(b":")?;
                expect = Expect::Value;
            }
            (Expect::Value | Expect::ValueOrEnd, _) => match first {
                b'{' | b'[' => {
                    open.push(*first);
                    rest = behind;
                    expect = if *first == b'{' { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
                }
                _ => {
                    rest = scalar(rest)?;
                    expect = Expect::CommaOrEnd;
                }
            },
            _ => return None,
        }
    }
}

fn string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        let (first, rest) = text.split_first()?;
        text = match first {
            b'"' => return Some(rest),
            b'\\' => match rest.split_first()? {
                (b'u', digits) => {
                    if !digits.get(..4)?.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    digits.get(4..)?
                }
                (b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest) => rest,
                _ => return None,
            },
            _ => rest,
        };
    }
}

fn scalar(text: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = text.strip_prefix(b"\"") {
        return string(rest);
    }
    for word in [&b"true"[..], b"false", b"null"] {
        if let Some(rest) = text.strip_prefix(word) {
            return Some(rest);
        }
    }
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let digits = |rest: &mut &[u8]| {
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        *rest = rest.get(count..).unwrap_or_default();
        count
    };
    if digits(&mut rest) == 0 {
        return None;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = fraction;
        digits(&mut rest);
    }
    if let Some((b'e' | b'E', exponent)) = rest.split_first() {
        rest = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        if digits(&mut rest) == 0 {
            return None;
        }
    }
    Some(rest)
}

/// Lines that are looked at in a table.
const TABLE_LINES: usize = 10;

/// Three lines and more with the same number of commas.
fn is_table(text: &[u8]) -> bool {
    let (mut fields, mut commas, mut lines) = (None, 0, 0);
    let mut quoted = false;
    for byte in text {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b',' => commas += 1,
            b'\n' => {
                if commas == 0 || fields.is_some_and(|other| other != commas) {
                    return false;
                }
                fields = Some(commas);
                commas = 0;
                lines += 1;
                if lines == TABLE_LINES {
                    return true;
                }
            }
            0..=8 | 14..=31 | 127 => return false,
            _ => {}
        }
    }
    lines > 2
}

#[cfg(test)]
mod tests {
    use super::detect;

    #[test]
    fn values_are_read_whole() {
        for (text, words) in [
            ("{\"a\": [1, -2.5e3, {\"b\": null}, \"\\u00e9\\n\"]}\n", Some("JSON text data")),
            ("[]", Some("JSON text data")),
            ("{\"a\":1}\n{\"b\":2}\n", Some("New Line Delimited JSON text data")),
            ("a,b\n1,2\n3,\"4\n,5\"\n", Some("CSV text")),
            ("a,b\n1,2\n", None),
            ("{\"a\":1} x", None),
            ("[1,]", None),
            ("{\"a\" 1}", None),
            ("[1}", None),
            ("12", None),
            ("{\"a\":", None),
        ] {
            assert_eq!(detect(text.as_bytes()).map(|found| found.words).as_deref(), words, "{text}");
        }
    }
}
