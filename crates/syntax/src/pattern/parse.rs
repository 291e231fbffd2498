//! From pieces of text to the elements of a pattern.

use super::bracket::Bracket;
use super::{Ext, Piece, Token, first_char};

/// A pattern as a flat sequence.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) tokens: Vec<Token>,
    pub(super) brackets: Vec<Bracket>,
}

impl Parsed {
    pub(super) fn can_begin_with_dot(&self) -> bool {
        // At the start, and at the start of each alternative that stands there.
        let mut depth = 0usize;
        let mut at_start = vec![true];
        for token in &self.tokens {
            let start = at_start.last().copied().unwrap_or(false);
            match token {
                Token::Char(c) if start && *c == u32::from(b'.') => return true,
                Token::Open(_) => {
                    depth += 1;
                    at_start.push(start);
                }
                Token::Alternative => {
                    at_start.truncate(depth);
                    let outer = at_start.last().copied().unwrap_or(false);
                    at_start.push(outer);
                }
                Token::Close(kind) => {
                    depth -= 1;
                    at_start.truncate(depth + 1);
                    if let Some(top) = at_start.last_mut() {
                        *top &= matches!(kind, Ext::Optional | Ext::Any | Ext::Not);
                    }
                }
                _ => {
                    if let Some(top) = at_start.last_mut() {
                        *top = false;
                    }
                    if depth == 0 {
                        return false;
                    }
                }
            }
        }
        false
    }
}

/// The characters of the pieces, each with whether it is quoted. A character across pieces counts as its first
/// byte does.
fn flatten(pieces: &[Piece<'_>]) -> Vec<(u32, bool)> {
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    for piece in pieces {
        bytes.extend_from_slice(piece.bytes);
        ends.push((bytes.len(), piece.quoted));
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let mut piece = 0;
    while at < bytes.len() {
        while ends.get(piece).is_some_and(|(end, _)| *end <= at) {
            piece += 1;
        }
        let (c, len) = first_char(&bytes[at..]);
        out.push((c, ends.get(piece).is_some_and(|(_, quoted)| *quoted)));
        at += len.max(1);
    }
    out
}

fn ext_kind(c: u32) -> Option<Ext> {
    Some(match u8::try_from(c).ok()? {
        b'?' => Ext::Optional,
        b'*' => Ext::Any,
        b'+' => Ext::Some,
        b'@' => Ext::One,
        b'!' => Ext::Not,
        _ => return None,
    })
}

/// Bracket expressions of a pattern.
struct Brackets<'a> {
    chars: &'a [(u32, bool)],
    /// Characters that may still be read for those that are not closed: `[[:alpha:]` is none, but `[:alpha:]` in it is,
    /// so that each `[` has to be tried. Beyond, a pattern that is made for it would take time by the square of its length.
    left: usize,
}

impl<'a> Brackets<'a> {
    fn new(chars: &'a [(u32, bool)]) -> Self {
        Self { chars, left: chars.len().saturating_mul(16) }
    }

    /// Parses what follows a `[`: the expression and its length.
    fn parse(&mut self, at: usize) -> Option<(Bracket, usize)> {
        let rest = self.chars.get(at..)?;
        if self.left == 0 {
            return None;
        }
        let parsed = Bracket::parse(rest);
        if parsed.is_none() {
            self.left = self.left.saturating_sub(rest.len());
        }
        parsed
    }
}

/// Positions of the `(` of extended globs that are closed, each with that of its `)`.
fn match_parens(chars: &[(u32, bool)]) -> Vec<usize> {
    let mut close = vec![0; chars.len()];
    let mut open = Vec::new();
    let mut at = 0;
    let mut brackets = Brackets::new(chars);
    while let Some(&(c, quoted)) = chars.get(at) {
        if !quoted {
            match u8::try_from(c).unwrap_or(0) {
                b'\\' => at += 1,
                b'[' => match brackets.parse(at + 1) {
                    Some((_, len)) => at += len,
                    // What is open has all the rest in the bracket expression.
                    None => open.clear(),
                },
                b'(' => open.push(at),
                b')' => {
                    if let Some(start) = open.pop() {
                        close[start] = at;
                    }
                }
                _ => {}
            }
        }
        at += 1;
    }
    close
}

pub(super) fn parse(pieces: &[Piece<'_>], extglob: bool) -> Parsed {
    let chars = flatten(pieces);
    let close = if extglob { match_parens(&chars) } else { Vec::new() };
    let mut tokens = Vec::with_capacity(chars.len());
    let mut brackets = Vec::new();
    // Extended globs that are open: kind and end.
    let mut open: Vec<(Ext, usize)> = Vec::new();
    let mut at = 0;
    let mut expressions = Brackets::new(&chars);
    while let Some(&(c, quoted)) = chars.get(at) {
        let here = at;
        at += 1;
        if quoted {
            tokens.push(Token::Char(c));
            continue;
        }
        if extglob
            && let Some(kind) = ext_kind(c)
            && chars.get(at) == Some(&(u32::from(b'('), false))
        {
            if close[at] == 0 {
                // One that is not closed stands for itself, with all that follows.
                tokens.extend(chars[here..].iter().map(|(c, _)| Token::Char(*c)));
                break;
            }
            tokens.push(Token::Open(kind));
            open.push((kind, close[at]));
            at += 1;
            continue;
        }
        match u8::try_from(c).unwrap_or(0) {
            b'*' => {
                if tokens.last() != Some(&Token::Star) {
                    tokens.push(Token::Star);
                }
            }
            b'?' => tokens.push(Token::Any),
            b'[' => match expressions.parse(at) {
                Some((bracket, len)) => {
                    tokens.push(Token::Bracket(brackets.len() as u32));
                    brackets.push(bracket);
                    at += len;
                }
                None => tokens.push(Token::Char(c)),
            },
            b'\\' => match chars.get(at) {
                Some((c, _)) => {
                    tokens.push(Token::Char(*c));
                    at += 1;
                }
                None => tokens.push(Token::Char(c)),
            },
            b'|' if !open.is_empty() => tokens.push(Token::Alternative),
            b')' if open.last().is_some_and(|(_, end)| *end == here) => {
                if let Some((kind, _)) = open.pop() {
                    tokens.push(Token::Close(kind));
                }
            }
            _ => tokens.push(Token::Char(c)),
        }
    }
    // A bracket expression may have swallowed the end of an extended glob.
    while let Some((kind, _)) = open.pop() {
        tokens.push(Token::Close(kind));
    }
    Parsed { tokens, brackets }
}

/// Whether pathname expansion has to look at a word: there is an unquoted `*`, `?`, closed `[…]` or extended
/// glob in it.
pub fn has_glob(pieces: &[Piece<'_>], extglob: bool) -> bool {
    let unquoted = |p: &&Piece<'_>| !p.quoted;
    if !pieces
        .iter()
        .filter(unquoted)
        .any(|p| p.bytes.iter().any(|b| matches!(b, b'*' | b'?' | b'[' | b'\\' | b'(' | b'+' | b'@' | b'!')))
    {
        return false;
    }
    let parsed = parse(pieces, extglob);
    parsed.tokens.iter().any(|t| !matches!(t, Token::Char(_)))
}

/// Cuts a pattern at its slashes, quoted or not, for pathname expansion component by component. (A slash in a
/// bracket expression cuts too, as POSIX has it; one inside an extended glob does not.)
pub fn split_path(pieces: &[Piece<'_>], extglob: bool) -> Vec<Vec<(Vec<u8>, bool)>> {
    let mut out = vec![Vec::new()];
    let mut depth = 0usize;
    for piece in pieces {
        let mut start = 0;
        for (i, &b) in piece.bytes.iter().enumerate() {
            if extglob && !piece.quoted {
                match b {
                    b'(' if i > 0 && ext_kind(u32::from(piece.bytes[i - 1])).is_some() => depth += 1,
                    b'(' if depth > 0 => depth += 1,
                    b')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if b == b'/' && depth == 0 {
                if let Some(last) = out.last_mut() {
                    last.push((piece.bytes[start..i].to_vec(), piece.quoted));
                }
                out.push(Vec::new());
                start = i + 1;
            }
        }
        if start < piece.bytes.len()
            && let Some(last) = out.last_mut()
        {
            last.push((piece.bytes[start..].to_vec(), piece.quoted));
        }
    }
    out
}
