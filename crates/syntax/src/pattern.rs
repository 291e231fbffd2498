//! Shell patterns (bash manual "Pattern Matching"), compiled once and matched without exponential cost.
//!
//! Matching is on bytes with UTF-8 in mind, as in the C.UTF-8 locale: `?` and bracket expressions match one
//! character; a byte that belongs to no character counts as one. A pattern without extended globs is cut at
//! its `*`s into segments that are searched for one after the other; extended globs run on a simulated
//! automaton. Both take at most time proportional to pattern × text, times the text once more for `!(…)`.

mod automaton;
mod bracket;
mod parse;
mod segments;
#[cfg(test)]
mod tests;

use std::ops::Range;

use automaton::Automaton;
use bracket::Bracket;
use segments::Segments;

pub use parse::{has_glob, split_path};

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The text.
    pub bytes: &'a [u8],
    /// It was quoted: it stands for itself.
    pub quoted: bool,
}

/// How a pattern is read and matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatternOptions {
    /// `?(…)`, `*(…)`, `+(…)`, `@(…)`, `!(…)` are patterns.
    pub extglob: bool,
    /// Case does not matter (`nocasematch`, `nocaseglob`).
    pub nocase: bool,
}

/// An element of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// A character (its code point, or what `chars` gives for a byte that is none).
    Char(u32),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `[…]`: an index.
    Bracket(u32),
    /// `x(` of an extended glob.
    Open(Ext),
    /// `|`
    Alternative,
    /// `)`, of which kind.
    Close(Ext),
}

/// The kinds of extended glob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ext {
    /// `?(`
    Optional,
    /// `*(`
    Any,
    /// `+(`
    Some,
    /// `@(`
    One,
    /// `!(`
    Not,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    matcher: Matcher,
    dot: bool,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// No special character.
    Literal(Vec<u8>),
    Segments(Segments),
    /// Forwards and backwards.
    Automaton(Box<(Automaton, Automaton)>),
}

impl Pattern {
    /// Compiles a pattern. Every text is one: what is not well-formed stands for itself.
    pub fn new(pieces: &[Piece<'_>], options: PatternOptions) -> Pattern {
        let parsed = parse::parse(pieces, options.extglob);
        let dot = parsed.can_begin_with_dot();
        let has_ext = parsed.tokens.iter().any(|t| matches!(t, Token::Open(_)));
        let matcher = if has_ext {
            let forward = Automaton::new(&parsed.tokens, &parsed.brackets, options.nocase, false);
            let backward = Automaton::new(&parsed.tokens, &parsed.brackets, options.nocase, true);
            Matcher::Automaton(Box::new((forward, backward)))
        } else {
            let segments = Segments::new(&parsed.tokens, parsed.brackets, options.nocase);
            match segments.literal() {
                Some(literal) => Matcher::Literal(literal.to_vec()),
                None => Matcher::Segments(segments),
            }
        };
        Pattern { matcher, dot }
    }

    /// A pattern from unquoted text, as the value of a variable gives it.
    pub fn unquoted(bytes: &[u8], options: PatternOptions) -> Pattern {
        Pattern::new(&[Piece { bytes, quoted: false }], options)
    }

    /// The only text that matches, if the pattern has no special characters (and case matters).
    pub fn literal(&self) -> Option<&[u8]> {
        match &self.matcher {
            Matcher::Literal(literal) => Some(literal),
            _ => None,
        }
    }

    /// Whether the pattern begins with an explicit `.`, or can: what pathname expansion demands for names that
    /// begin with a dot.
    pub fn can_begin_with_dot(&self) -> bool {
        self.dot
    }

    /// Whether the whole of `text` matches.
    pub fn is_match(&self, text: &[u8]) -> bool {
        match &self.matcher {
            Matcher::Literal(literal) => literal == text,
            Matcher::Segments(segments) => segments.is_match(text),
            Matcher::Automaton(both) => both.0.is_match(text),
        }
    }

    /// As [`Pattern::is_match`], for the name of a file that begins with a dot which only an explicit one matches: no
    /// `?`, `*`, bracket expression or `!(…)` that stands there does.
    pub fn is_match_of_hidden(&self, name: &[u8]) -> bool {
        self.dot
            && match &self.matcher {
                Matcher::Automaton(both) => both.0.is_match_of_hidden(name),
                _ => self.is_match(name),
            }
    }

    /// The length of the shortest or longest prefix that matches (`${v#p}`, `${v##p}`).
    pub fn prefix(&self, text: &[u8], longest: bool) -> Option<usize> {
        match &self.matcher {
            Matcher::Literal(literal) => text.starts_with(literal).then_some(literal.len()),
            Matcher::Segments(segments) => segments.prefix(text, longest),
            Matcher::Automaton(both) => both.0.prefix(text, longest),
        }
    }

    /// The start of the shortest or longest suffix that matches (`${v%p}`, `${v%%p}`).
    pub fn suffix(&self, text: &[u8], longest: bool) -> Option<usize> {
        match &self.matcher {
            Matcher::Literal(literal) => text.ends_with(literal).then(|| text.len() - literal.len()),
            Matcher::Segments(segments) => segments.suffix(text, longest),
            Matcher::Automaton(both) => both.1.prefix(text, longest).map(|len| text.len() - len),
        }
    }

    /// The first part of `text` from offset `from` on that matches, the longest that starts there
    /// (`${v/p/r}`). It may be empty.
    pub fn find(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let rest = text.get(from..)?;
        let found = match &self.matcher {
            Matcher::Literal(literal) => {
                let start = memchr::memmem::find(rest, literal)?;
                start..start + literal.len()
            }
            Matcher::Segments(segments) => segments.find(rest)?,
            Matcher::Automaton(both) => both.0.find(rest)?,
        };
        Some(found.start + from..found.end + from)
    }
}

/// Bytes that belong to no character are numbered from here.
const INVALID: u32 = 0x11_0000;

/// The first character of `text` and its length in bytes; 0 bytes at the end.
fn first_char(text: &[u8]) -> (u32, usize) {
    match text {
        [] => (0, 0),
        [b @ 0..=0x7f, ..] => (u32::from(*b), 1),
        [b, ..] if crate::locale::is_bytes() => (INVALID + u32::from(*b), 1),
        [b, ..] => {
            let len = match b {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => 1,
            };
            match text.get(..len).map(std::str::from_utf8) {
                Some(Ok(s)) => (s.chars().next().map_or(INVALID, u32::from), len),
                _ => (INVALID + u32::from(*b), 1),
            }
        }
    }
}

/// The last character of `text` and its length in bytes; 0 bytes at the start.
fn last_char(text: &[u8]) -> (u32, usize) {
    let Some(&last) = text.last() else { return (0, 0) };
    if last >= 0x80 {
        for len in 2..=4.min(text.len()) {
            let tail = &text[text.len() - len..];
            let (c, n) = first_char(tail);
            if n == len {
                return (c, len);
            }
        }
        return (INVALID + u32::from(last), 1);
    }
    (u32::from(last), 1)
}

/// The other case of a character, itself if there is none.
fn other_case(c: u32) -> u32 {
    let Some(ch) = char::from_u32(c) else { return c };
    let mut other = ch.to_lowercase();
    if let (Some(lower), None) = (other.next(), other.next())
        && lower != ch
    {
        return u32::from(lower);
    }
    let mut other = ch.to_uppercase();
    match (other.next(), other.next()) {
        (Some(upper), None) => u32::from(upper),
        _ => c,
    }
}

/// Whether an element that stands for one character matches it.
fn matches_one(token: Token, c: u32, brackets: &[Bracket], nocase: bool) -> bool {
    match token {
        Token::Char(expected) => expected == c || nocase && other_case(expected) == other_case(other_case(c)),
        Token::Any => true,
        Token::Bracket(index) => brackets.get(index as usize).is_some_and(|b| b.matches(c, nocase)),
        _ => false,
    }
}
