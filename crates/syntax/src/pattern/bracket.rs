//! Bracket expressions.

use super::other_case;

/// A compiled `[…]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Bracket {
    negated: bool,
    ranges: Vec<(u32, u32)>,
    classes: Vec<Class>,
}

/// A named class of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Alnum,
    Alpha,
    Ascii,
    Blank,
    Cntrl,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    Word,
    Xdigit,
}

impl Class {
    fn from_name(name: &[u8]) -> Option<Class> {
        Some(match name {
            b"alnum" => Class::Alnum,
            b"alpha" => Class::Alpha,
            b"ascii" => Class::Ascii,
            b"blank" => Class::Blank,
            b"cntrl" => Class::Cntrl,
            b"digit" => Class::Digit,
            b"graph" => Class::Graph,
            b"lower" => Class::Lower,
            b"print" => Class::Print,
            b"punct" => Class::Punct,
            b"space" => Class::Space,
            b"upper" => Class::Upper,
            b"word" => Class::Word,
            b"xdigit" => Class::Xdigit,
            _ => return None,
        })
    }

    fn matches(self, c: u32) -> bool {
        let Some(c) = char::from_u32(c) else { return false };
        match self {
            Class::Alnum => c.is_alphanumeric(),
            Class::Alpha => c.is_alphabetic(),
            Class::Ascii => c.is_ascii(),
            Class::Blank => {
                c == '\t'
                    || c.is_whitespace()
                        && !c.is_control()
                        && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{2028}' | '\u{2029}')
            }
            Class::Cntrl => c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'),
            Class::Digit => c.is_ascii_digit(),
            Class::Graph => !c.is_control() && !c.is_whitespace(),
            Class::Lower => c.is_lowercase(),
            Class::Print => !c.is_control(),
            Class::Punct => {
                c.is_ascii_punctuation()
                    || !c.is_ascii() && !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control()
            }
            Class::Space => c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}'),
            Class::Upper => c.is_uppercase(),
            Class::Word => c.is_alphanumeric() || c == '_',
            Class::Xdigit => c.is_ascii_hexdigit(),
        }
    }
}

impl Bracket {
    /// Whether the character matches.
    pub(super) fn matches(&self, c: u32, nocase: bool) -> bool {
        let hit = |c: u32| {
            self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&c))
                || self.classes.iter().any(|class| class.matches(c))
        };
        (hit(c) || nocase && hit(other_case(c))) != self.negated
    }

    /// Parses what follows `[` in `chars` (characters, each with whether it is quoted). Returns the expression
    /// and how many characters it takes, the `]` included; `None` if it is not closed.
    pub(super) fn parse(chars: &[(u32, bool)]) -> Option<(Bracket, usize)> {
        let mut out = Bracket::default();
        let special = |at: usize, c: u8| chars.get(at) == Some(&(u32::from(c), false));
        let mut at = 0;
        if special(0, b'!') || special(0, b'^') {
            out.negated = true;
            at = 1;
        }
        let first = at;
        loop {
            if special(at, b']') && at > first {
                return Some((out, at + 1));
            }
            if special(at, b'[')
                && let Some(kind) = [b':', b'=', b'.'].into_iter().find(|c| special(at + 1, *c))
                && let Some(len) = chars
                    .get(at + 2..)?
                    .windows(2)
                    .position(|w| w[0] == (u32::from(kind), false) && w[1] == (u32::from(b']'), false))
            {
                let inner = &chars[at + 2..at + 2 + len];
                at += len + 4;
                match (kind, inner) {
                    (b':', _) => {
                        // Quoted or not.
                        let name: Vec<u8> = inner
                            .iter()
                            .filter(|c| **c != (u32::from(b'\\'), false))
                            .map(|(c, _)| u8::try_from(*c).unwrap_or(b'?'))
                            .collect();
                        out.classes.extend(Class::from_name(&name));
                    }
                    (_, [(c, _)]) => at = out.element(chars, *c, at)?,
                    (b'.', _) => {
                        if let Some(c) = collating_name(inner) {
                            at = out.element(chars, c, at)?;
                        }
                    }
                    _ => {}
                }
                continue;
            }
            let (c, at_next) = one(chars, at)?;
            at = out.element(chars, c, at_next)?;
        }
    }

    /// `low` has been read and ends before `at`: adds it, or the range that it begins.
    fn element(&mut self, chars: &[(u32, bool)], low: u32, at: usize) -> Option<usize> {
        let is_range = chars.get(at) == Some(&(u32::from(b'-'), false))
            && chars.get(at + 1).is_some_and(|c| *c != (u32::from(b']'), false));
        if !is_range {
            self.ranges.push((low, low));
            return Some(at);
        }
        let (mut high, mut next) = one(chars, at + 1)?;
        // `[a-[.x.]]`
        if chars.get(at + 1) == Some(&(u32::from(b'['), false))
            && chars.get(at + 2) == Some(&(u32::from(b'.'), false))
            && chars.get(at + 4) == Some(&(u32::from(b'.'), false))
            && chars.get(at + 5) == Some(&(u32::from(b']'), false))
            && let Some((c, _)) = chars.get(at + 3)
        {
            high = *c;
            next = at + 6;
        }
        if low <= high {
            self.ranges.push((low, high));
        }
        Some(next)
    }
}

/// The character at `at`, which a backslash may quote, and where the next begins.
fn one(chars: &[(u32, bool)], at: usize) -> Option<(u32, usize)> {
    match chars.get(at)? {
        (c, false) if *c == u32::from(b'\\') && chars.get(at + 1).is_some() => {
            chars.get(at + 1).map(|(c, _)| (*c, at + 2))
        }
        (c, _) => Some((*c, at + 1)),
    }
}

/// The character of a POSIX collating symbol with a name.
fn collating_name(name: &[(u32, bool)]) -> Option<u32> {
    let name: Vec<u8> = name.iter().map(|(c, _)| u8::try_from(*c).unwrap_or(b'?')).collect();
    let c = match &name[..] {
        b"hyphen" | b"hyphen-minus" => '-',
        b"period" | b"full-stop" => '.',
        b"slash" | b"solidus" => '/',
        b"space" => ' ',
        b"left-square-bracket" => '[',
        b"right-square-bracket" => ']',
        b"backslash" | b"reverse-solidus" => '\\',
        b"exclamation-mark" => '!',
        b"circumflex" | b"circumflex-accent" => '^',
        b"underscore" | b"low-line" => '_',
        b"asterisk" => '*',
        b"question-mark" => '?',
        b"newline" => '\n',
        b"tab" => '\t',
        _ => return None,
    };
    Some(u32::from(c))
}
