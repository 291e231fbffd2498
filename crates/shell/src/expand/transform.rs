//! Case conversion and the text forms of keys.

/// Upper case; bytes that are no UTF-8 stay. A character whose upper case is several stays too, as in C.
pub(crate) fn upper(text: &[u8]) -> Vec<u8> {
    convert(text, u8::to_ascii_uppercase, |c| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(one), None) => one,
            _ => c,
        }
    })
}

/// Lower case, in the same way.
pub(crate) fn lower(text: &[u8]) -> Vec<u8> {
    convert(text, u8::to_ascii_lowercase, |c| {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(one), None) => one,
            _ => c,
        }
    })
}

fn convert(text: &[u8], ascii: impl Fn(&u8) -> u8, other: impl Fn(char) -> char) -> Vec<u8> {
    if text.is_ascii() {
        return text.iter().map(ascii).collect();
    }
    let mut out = Vec::with_capacity(text.len());
    for one in super::pattern::chars(text) {
        match std::str::from_utf8(one).ok().and_then(|s| s.chars().next()) {
            Some(c) => {
                let mut buffer = [0; 4];
                out.extend_from_slice(other(c).encode_utf8(&mut buffer).as_bytes());
            }
            None => out.extend_from_slice(one),
        }
    }
    out
}

/// A key as `declare -p` writes it: quoted if it is not plain.
pub(crate) fn key_text(key: &[u8]) -> Vec<u8> {
    let plain = !key.is_empty()
        && key.iter().all(|b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'_' | b'.' | b'/' | b'-' | b'+' | b',' | b':' | b'%' | b'=')
                || *b >= 0x80
        });
    if plain { key.to_vec() } else { wasmsh_syntax::quote::double(key) }
}
