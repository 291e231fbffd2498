//! File name patterns (`fnmatch(3)`): `*`, `?`, bracket expressions, backslash.

use bstr::{BString, ByteSlice};

/// A pattern.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    pattern: BString,
    /// Letters match both their cases.
    ignore_case: bool,
    /// `*`, `?` and brackets do not match a slash.
    pathname: bool,
}

impl Glob {
    pub(crate) fn new(pattern: &[u8]) -> Glob {
        Glob { pattern: pattern.into(), ignore_case: false, pathname: false }
    }

    pub(crate) fn ignore_case(mut self, ignore: bool) -> Glob {
        self.ignore_case = ignore;
        self
    }

    /// Whether `*`, `?` and brackets do not match a slash.
    pub(crate) fn pathname(mut self, pathname: bool) -> Glob {
        self.pathname = pathname;
        self
    }

    /// Whether it names the leading dot itself.
    pub(crate) fn begins_with_dot(&self) -> bool {
        self.pattern.starts_with(b".")
    }

    /// Whether the whole name matches.
    pub(crate) fn matches(&self, name: &[u8]) -> bool {
        matches(&self.pattern, name, self.ignore_case, self.pathname)
    }

    /// Whether the name, or what stands behind one of its slashes, matches.
    pub(crate) fn matches_name_or_tail(&self, name: &[u8]) -> bool {
        self.matches(name)
            || memchr::memchr_iter(b'/', name)
                .any(|slash| self.matches(name.get(slash + 1..).unwrap_or_default()))
    }
}

/// One character of a text: its value and its length. A byte that is no text stands for itself.
fn character(text: &[u8]) -> (u32, usize) {
    match bstr::decode_utf8(text) {
        (Some(character), size) => (character.into(), size),
        (None, _) => (0x11_0000 + u32::from(text.first().copied().unwrap_or_default()), 1),
    }
}

fn fold(value: u32, ignore_case: bool) -> u32 {
    if !ignore_case {
        return value;
    }
    char::from_u32(value).map_or(value, |letter| letter.to_lowercase().next().map_or(value, u32::from))
}

fn matches(pattern: &[u8], name: &[u8], ignore_case: bool, pathname: bool) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let rest = name.get(n..).unwrap_or_default();
        let step = match pattern.get(p..).and_then(|pattern| pattern.split_first()) {
            None if rest.is_empty() => return true,
            None => None,
            Some((b'*', _)) => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some(_) if rest.is_empty() => None,
            Some((b'?', _)) if !(pathname && rest.first() == Some(&b'/')) => Some((1, character(rest).1)),
            Some((b'[', inside)) => {
                let (value, size) = character(rest);
                match bracket(inside, value, ignore_case) {
                    Some((true, length)) if !(pathname && rest.first() == Some(&b'/')) => {
                        Some((1 + length, size))
                    }
                    Some(_) => None,
                    None => (rest.first() == Some(&b'[')).then_some((1, 1)),
                }
            }
            Some((b'\\', escaped)) if !escaped.is_empty() => {
                let (wanted, length) = character(escaped);
                let (value, size) = character(rest);
                (fold(wanted, ignore_case) == fold(value, ignore_case)).then_some((1 + length, size))
            }
            Some(_) => {
                let (wanted, length) = character(pattern.get(p..).unwrap_or_default());
                let (value, size) = character(rest);
                (fold(wanted, ignore_case) == fold(value, ignore_case)).then_some((length, size))
            }
        };
        match (step, star) {
            (Some((pattern_step, name_step)), _) => {
                p += pattern_step;
                n += name_step;
            }
            (None, Some((at, taken))) => {
                let behind = name.get(taken..).unwrap_or_default();
                if behind.is_empty() || (pathname && behind.first() == Some(&b'/')) {
                    return false;
                }
                let next = taken + character(behind).1;
                star = Some((at, next));
                p = at + 1;
                n = next;
            }
            (None, None) => return false,
        }
    }
}

/// A bracket expression behind its `[`: whether the character is in it, and its length with the `]`. `None`: it has no end.
fn bracket(pattern: &[u8], value: u32, ignore_case: bool) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let value = fold(value, ignore_case);
    let mut found = false;
    let mut first = true;
    loop {
        let rest = pattern.get(at..)?;
        match rest.first()? {
            b']' if !first => return Some((found != negated, at + 1)),
            b'[' if matches!(rest.get(1), Some(b':')) => {
                let inner = rest.get(2..)?;
                if let Some(end) = inner.find(b":]") {
                    found |= in_class(inner.get(..end)?, value);
                    at += 2 + end + 2;
                    first = false;
                    continue;
                }
                found |= value == u32::from(b'[');
                at += 1;
            }
            _ => {
                let (low, length) = one(rest)?;
                at += length;
                let behind = pattern.get(at..)?;
                if behind.first() == Some(&b'-') && behind.get(1).is_some_and(|next| *next != b']') {
                    let (high, length) = one(behind.get(1..)?)?;
                    at += 1 + length;
                    found |= (fold(low, ignore_case)..=fold(high, ignore_case)).contains(&value);
                } else {
                    found |= fold(low, ignore_case) == value;
                }
            }
        }
        first = false;
    }
}

/// A character of a bracket expression, perhaps escaped, or `[.x.]`, `[=x=]`.
fn one(text: &[u8]) -> Option<(u32, usize)> {
    if let [b'[', kind @ (b'.' | b'='), inner @ ..] = text {
        let (value, size) = character(inner);
        if inner.get(size..size + 2) == Some(&[*kind, b']']) {
            return Some((value, 2 + size + 2));
        }
    }
    if let [b'\\', escaped @ ..] = text
        && !escaped.is_empty()
    {
        let (value, size) = character(escaped);
        return Some((value, 1 + size));
    }
    let (value, size) = character(text);
    Some((value, size))
}

fn in_class(name: &[u8], value: u32) -> bool {
    let Some(letter) = char::from_u32(value) else { return false };
    match name {
        b"alpha" => letter.is_alphabetic(),
        b"digit" => letter.is_ascii_digit(),
        b"alnum" => letter.is_alphanumeric(),
        b"upper" => letter.is_uppercase(),
        b"lower" => letter.is_lowercase(),
        b"space" => letter.is_whitespace(),
        b"blank" => matches!(letter, ' ' | '\t'),
        b"punct" => {
            letter.is_ascii_punctuation()
                || !(letter.is_ascii() || letter.is_alphanumeric() || letter.is_whitespace())
        }
        b"print" => !letter.is_control(),
        b"graph" => !letter.is_control() && !letter.is_whitespace(),
        b"cntrl" => letter.is_control(),
        b"xdigit" => letter.is_ascii_hexdigit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn names_match() {
        let matches = |pattern: &str, name: &str| Glob::new(pattern.as_bytes()).matches(name.as_bytes());
        assert!(matches("*.rs", "a.rs"));
        assert!(matches("*a*b*", "xxaxxbxx"));
        assert!(!matches("*a*b*c", "xxaxxbxx"));
        assert!(matches("?é[!a-c]", "xéd"));
        assert!(matches("[]a]", "]"));
        assert!(matches("[[:digit:]x]", "7"));
        assert!(matches("\\*", "*"));
        assert!(matches("[", "["));
        assert!(matches("a[-]b", "a-b"));
        assert!(!matches("a", "ab"));
        assert!(Glob::new(b"A*").ignore_case(true).matches(b"abc"));
        assert!(Glob::new(b"b").matches_name_or_tail(b"a/b"));
        // Linear time: no exponential search.
        assert!(!matches(&"*a".repeat(40), &"a".repeat(200).replace("aa", "ab")));
    }
}
