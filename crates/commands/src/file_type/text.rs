//! The encodings of texts, and what their lines are like.

/// A text: its encoding in words and as MIME names it, and what else there is to say.
pub(super) struct Encoding {
    pub(super) name: &'static str,
    pub(super) charset: &'static str,
    /// `, with CRLF line terminators` and the like.
    pub(super) details: String,
    /// The text as bytes; what is no ASCII of UTF-16 and UTF-32 is left out.
    pub(super) ascii: Vec<u8>,
}

/// Lines longer than this are told.
const LONG_LINE: usize = 300;

/// Whether a byte below 128, or NEL, occurs in texts.
fn is_text(byte: u8) -> bool {
    matches!(byte, 7..=13 | 27 | 32..=126 | 0x85)
}

/// The encoding of a text. `None`: it is no text.
pub(super) fn encoding(head: &[u8]) -> Option<Encoding> {
    let (name, charset, letters) = decode(head)?;
    let ascii = match charset {
        "utf-16le" | "utf-16be" | "utf-32le" | "utf-32be" | "ebcdic" => {
            letters.iter().filter_map(|letter| u8::try_from(*letter).ok()).collect()
        }
        _ => head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).to_vec(),
    };
    Some(Encoding { name, charset, details: details(&letters), ascii })
}

type Decoded = (&'static str, &'static str, Vec<u32>);

fn decode(head: &[u8]) -> Option<Decoded> {
    let wide = |bytes: &[u8]| -> Vec<u32> { bytes.iter().map(|byte| u32::from(*byte)).collect() };
    if head.iter().all(|byte| is_text(*byte)) {
        return Some(("ASCII", "us-ascii", wide(head)));
    }
    if let Some(rest) = head.strip_prefix(b"\xef\xbb\xbf")
        && let Some(letters) = utf8(rest)
    {
        return Some(("Unicode text, UTF-8 (with BOM)", "utf-8", letters));
    }
    if let Some(letters) = utf8(head)
        && letters.iter().any(|letter| *letter > 127)
    {
        return Some(("Unicode text, UTF-8", "utf-8", letters));
    }
    if let Some(found) = utf32(head).or_else(|| utf16(head)) {
        return Some(found);
    }
    let latin = |byte: &u8| is_text(*byte) || *byte >= 0xa0;
    if head.iter().all(latin) {
        return Some(("ISO-8859", "iso-8859-1", wide(head)));
    }
    if head.iter().all(|byte| is_text(*byte) || *byte >= 0x80) {
        return Some(("Non-ISO extended-ASCII", "unknown-8bit", wide(head)));
    }
    let ebcdic: Vec<u8> = head.iter().map(|byte| crate::dd::from_ebcdic(*byte)).collect();
    if ebcdic.iter().all(|byte| is_text(*byte)) {
        return Some(("EBCDIC", "ebcdic", wide(&ebcdic)));
    }
    if ebcdic.iter().all(latin) {
        return Some(("International EBCDIC", "ebcdic", wide(&ebcdic)));
    }
    None
}

/// The letters of UTF-8; the last one may be cut off.
fn utf8(bytes: &[u8]) -> Option<Vec<u32>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    text.chars()
        .map(|letter| (!letter.is_ascii() || is_text(letter as u8)).then_some(letter.into()))
        .collect()
}

fn utf16(head: &[u8]) -> Option<Decoded> {
    let big = match head.get(..2)? {
        b"\xff\xfe" => false,
        b"\xfe\xff" => true,
        _ => return None,
    };
    let mut letters = Vec::new();
    for pair in head.get(2..)?.chunks_exact(2) {
        let pair = [pair.first().copied()?, pair.get(1).copied()?];
        let unit = if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
        if unit == 0xfffe || (unit < 128 && !is_text(unit as u8)) {
            return None;
        }
        letters.push(unit.into());
    }
    Some(if big {
        ("Unicode text, UTF-16, big-endian", "utf-16be", letters)
    } else {
        ("Unicode text, UTF-16, little-endian", "utf-16le", letters)
    })
}

fn utf32(head: &[u8]) -> Option<Decoded> {
    let big = match head.get(..4)? {
        b"\xff\xfe\0\0" => false,
        b"\0\0\xfe\xff" => true,
        _ => return None,
    };
    let mut letters = Vec::new();
    for unit in head.get(4..)?.chunks_exact(4) {
        let bytes: [u8; 4] = unit.try_into().ok()?;
        let letter = if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        if letter == 0xfffe || (letter < 128 && !is_text(letter as u8)) {
            return None;
        }
        letters.push(letter);
    }
    Some(if big {
        ("Unicode text, UTF-32, big-endian", "utf-32be", letters)
    } else {
        ("Unicode text, UTF-32, little-endian", "utf-32le", letters)
    })
}

fn details(letters: &[u32]) -> String {
    let (mut crlf, mut cr, mut lf, mut nel) = (false, false, false, false);
    let (mut escape, mut overstrike) = (false, false);
    let (mut longest, mut length) = (0, 0);
    let mut after_cr = false;
    for letter in letters {
        let ends = matches!(letter, 10 | 13 | 0x85);
        match letter {
            10 if after_cr => crlf = true,
            10 => lf = true,
            0x85 => nel = true,
            27 => escape = true,
            8 => overstrike = true,
            _ => {}
        }
        if after_cr && *letter != 10 {
            cr = true;
        }
        after_cr = *letter == 13;
        if ends {
            length = 0;
        } else {
            length += 1;
            longest = longest.max(length);
        }
    }
    cr |= after_cr;
    let mut text = String::new();
    if longest > LONG_LINE {
        text.push_str(&format!(", with very long lines ({longest})"));
    }
    let kinds: Vec<&str> = [(crlf, "CRLF"), (cr, "CR"), (lf, "LF"), (nel, "NEL")]
        .into_iter()
        .filter_map(|(present, name)| present.then_some(name))
        .collect();
    if kinds.is_empty() {
        text.push_str(", with no line terminators");
    } else if kinds != ["LF"] {
        text.push_str(&format!(", with {} line terminators", kinds.join(", ")));
    }
    if escape {
        text.push_str(", with escape sequences");
    }
    if overstrike {
        text.push_str(", with overstriking");
    }
    text
}
