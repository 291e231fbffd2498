//! Texts that are not UTF-8, for `rg`: UTF-16 by its mark or by name, and Latin-1 by name.

/// An encoding that is decoded before the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As it is; not even a mark is looked for.
    Raw,
    Utf8,
    Utf16Little,
    Utf16Big,
    Latin1,
}

/// What a text begins with.
pub(crate) enum Sniffed {
    /// Text, behind a mark of so many bytes.
    Text(usize),
    /// This must be decoded.
    Encoded(Encoding),
}

impl Encoding {
    /// By its name; the inner `None` is to look for a mark.
    #[expect(clippy::option_option, reason = "no such name, and no encoding, are two things")]
    pub(crate) fn parse(name: &str) -> Option<Option<Encoding>> {
        Some(match name.to_ascii_lowercase().as_str() {
            "auto" => None,
            "none" => Some(Encoding::Raw),
            "utf-8" | "utf8" | "unicode-1-1-utf-8" => Some(Encoding::Utf8),
            "utf-16" | "utf-16le" | "utf16" | "utf16le" => Some(Encoding::Utf16Little),
            "utf-16be" | "utf16be" => Some(Encoding::Utf16Big),
            "latin1" | "latin-1" | "iso-8859-1" | "iso8859-1" | "l1" | "ascii" | "us-ascii" => {
                Some(Encoding::Latin1)
            }
            _ => return None,
        })
    }
}

/// Looks at the first bytes.
pub(crate) fn sniff(text: &[u8], chosen: Option<Encoding>) -> Sniffed {
    match chosen {
        Some(Encoding::Raw) => Sniffed::Text(0),
        Some(Encoding::Utf16Little | Encoding::Utf16Big | Encoding::Latin1) => {
            Sniffed::Encoded(chosen.unwrap_or(Encoding::Raw))
        }
        None | Some(Encoding::Utf8) => match text {
            [0xff, 0xfe, ..] => Sniffed::Encoded(Encoding::Utf16Little),
            [0xfe, 0xff, ..] => Sniffed::Encoded(Encoding::Utf16Big),
            [0xef, 0xbb, 0xbf, ..] => Sniffed::Text(3),
            _ => Sniffed::Text(0),
        },
    }
}

/// The text as UTF-8, without a mark.
pub(crate) fn decode(text: Vec<u8>, chosen: Option<Encoding>) -> Vec<u8> {
    let encoding = match sniff(&text, chosen) {
        Sniffed::Text(0) => return text,
        Sniffed::Text(mark) => return text.get(mark..).unwrap_or_default().to_vec(),
        Sniffed::Encoded(encoding) => encoding,
    };
    let wide = |join: fn([u8; 2]) -> u16| -> Vec<u8> {
        let units = text.chunks(2).map(|pair| match pair {
            [first, second] => join([*first, *second]),
            _ => 0xfffd,
        });
        let decoded: String =
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        decoded.strip_prefix('\u{feff}').unwrap_or(&decoded).as_bytes().to_vec()
    };
    match encoding {
        Encoding::Utf16Little => wide(u16::from_le_bytes),
        Encoding::Utf16Big => wide(u16::from_be_bytes),
        Encoding::Latin1 => text.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes(),
        Encoding::Raw | Encoding::Utf8 => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_names() {
        assert_eq!(decode(b"\xff\xfea\0\xe9\0".to_vec(), None), "aé".as_bytes());
        assert_eq!(decode(b"\xfe\xff\0a".to_vec(), None), b"a");
        assert_eq!(decode(b"\xef\xbb\xbfa".to_vec(), None), b"a");
        assert_eq!(decode(b"\xe9".to_vec(), Some(Encoding::Latin1)), "é".as_bytes());
        assert!(Encoding::parse("klingon").is_none());
    }
}
