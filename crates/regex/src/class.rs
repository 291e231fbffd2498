//! Bracket expressions (XBD 9.3.5): what they hold, and whether a character is in them.

/// `[ … ]`
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Class {
    pub(crate) negated: bool,
    pub(crate) items: Vec<Item>,
}

/// One member of a bracket expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// From the first to the last, both included; a single character twice.
    Range(char, char),
    /// A byte that is no character.
    Byte(u8),
    Named(Named),
}

/// The character classes of POSIX (XBD 7.3.1), and GNU's word characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Alnum,
    Alpha,
    Blank,
    Cntrl,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    Xdigit,
    /// `[_[:alnum:]]`
    Word,
}

impl Named {
    /// From the name between `[:` and `:]`.
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"alnum" => Self::Alnum,
            b"alpha" => Self::Alpha,
            b"blank" => Self::Blank,
            b"cntrl" => Self::Cntrl,
            b"digit" => Self::Digit,
            b"graph" => Self::Graph,
            b"lower" => Self::Lower,
            b"print" => Self::Print,
            b"punct" => Self::Punct,
            b"space" => Self::Space,
            b"upper" => Self::Upper,
            b"xdigit" => Self::Xdigit,
            _ => return None,
        })
    }

    /// The inside of a bracket expression of `regex-syntax`.
    pub(crate) fn pattern(self, utf8: bool) -> &'static str {
        if utf8 {
            match self {
                Self::Alnum => r"\p{Alphabetic}\p{Nd}",
                Self::Alpha => r"\p{Alphabetic}",
                Self::Blank => r"\t\p{Zs}",
                Self::Cntrl => r"\p{Cc}\p{Zl}\p{Zp}",
                Self::Digit => "0-9",
                Self::Graph => r"[^\p{C}\p{Z}\s]\p{Cf}",
                Self::Lower => r"\p{Lowercase}",
                Self::Print => r"[^\p{C}\p{Zl}\p{Zp}]\p{Cf}",
                Self::Punct => r"\p{P}\p{S}",
                Self::Space => r"\s",
                Self::Upper => r"\p{Uppercase}",
                Self::Xdigit => "0-9A-Fa-f",
                Self::Word => r"_\p{Alphabetic}\p{Nd}",
            }
        } else {
            match self {
                Self::Alnum => "0-9A-Za-z",
                Self::Alpha => "A-Za-z",
                Self::Blank => r"\t\x20",
                Self::Cntrl => r"\x00-\x1F\x7F",
                Self::Digit => "0-9",
                Self::Graph => r"\x21-\x7E",
                Self::Lower => "a-z",
                Self::Print => r"\x20-\x7E",
                Self::Punct => r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E",
                Self::Space => r"\t\n\x0B\x0C\r\x20",
                Self::Upper => "A-Z",
                Self::Xdigit => "0-9A-Fa-f",
                Self::Word => "_0-9A-Za-z",
            }
        }
    }

    /// Whether `char` is in the class, for the matcher that follows back-references.
    pub(crate) fn contains(self, char: char, utf8: bool) -> bool {
        if !utf8 && !char.is_ascii() {
            return false;
        }
        match self {
            Self::Alnum => char.is_alphabetic() || char.is_ascii_digit(),
            Self::Alpha => char.is_alphabetic(),
            Self::Blank => char == ' ' || char == '\t',
            Self::Cntrl => char.is_control(),
            Self::Digit => char.is_ascii_digit(),
            Self::Graph => !char.is_control() && !char.is_whitespace(),
            Self::Lower => char.is_lowercase(),
            Self::Print => !char.is_control(),
            Self::Punct => {
                char.is_ascii_punctuation()
                    || !char.is_ascii()
                        && !char.is_alphanumeric()
                        && !char.is_control()
                        && !char.is_whitespace()
            }
            Self::Space => char.is_whitespace(),
            Self::Upper => char.is_uppercase(),
            Self::Xdigit => char.is_ascii_hexdigit(),
            Self::Word => char == '_' || char.is_alphanumeric(),
        }
    }
}

impl Class {
    /// A class of one named set, as `\w` and its like make.
    pub(crate) fn named(named: Named, negated: bool) -> Self {
        Self { negated, items: vec![Item::Named(named)] }
    }

    /// Whether the class matches `char`.
    pub(crate) fn contains(&self, char: char, utf8: bool, ignore_case: bool) -> bool {
        let within = |char: char| {
            self.items.iter().any(|item| match *item {
                Item::Range(first, last) => (first..=last).contains(&char),
                Item::Byte(_) => false,
                Item::Named(named) => named.contains(char, utf8),
            })
        };
        let found = within(char)
            || ignore_case && (char.to_lowercase().any(within) || char.to_uppercase().any(within));
        found != self.negated
    }
}
