//! What `s`, `y` and `l` make of a pattern space.

use bstr::ByteSlice;
use wasmsh_regex::{Captures, Exhausted, Regex, Span};

use super::script::{Case, Part, Substitution, Translation};

/// Why a substitution has no result.
pub(super) enum Trouble {
    /// The regular expression gave up.
    Regex(Exhausted),
    /// The result is larger than it may be.
    Memory,
}

impl From<Exhausted> for Trouble {
    fn from(error: Exhausted) -> Self {
        Trouble::Regex(error)
    }
}

/// Substitutes in `space`; the result, of `most` bytes, is in `out` if there is one.
pub(super) fn substitute(
    substitution: &Substitution,
    regex: &Regex,
    space: &[u8],
    out: &mut Vec<u8>,
    utf8: bool,
    most: usize,
) -> Result<bool, Trouble> {
    let mut from = 0;
    let mut copied = 0;
    let mut count = 0;
    let mut done = false;
    let mut previous_end = None;
    while from <= space.len() {
        let mut captures = None;
        let found = if substitution.highest > 0 {
            captures = regex.captures_at(space, from)?;
            captures.as_ref().and_then(|captures| captures.first().copied().flatten())
        } else {
            regex.find_at(space, from)?
        };
        let Some(found) = found else { break };
        let empty = found.start == found.end;
        // An empty match right behind another is none.
        if !(empty && previous_end == Some(found.start)) {
            count += 1;
            if count >= substitution.number {
                if !done {
                    out.clear();
                    done = true;
                }
                out.extend_from_slice(space.get(copied..found.start).unwrap_or_default());
                expand(substitution, found, captures.as_ref(), space, out, utf8, most)?;
                copied = found.end;
                if !substitution.global {
                    break;
                }
            }
        }
        previous_end = Some(found.end);
        from = found.end;
        if empty {
            from += length_of_first(space.get(from..).unwrap_or_default(), utf8);
        }
    }
    if done {
        let rest = space.get(copied..).unwrap_or_default();
        if rest.len() > most.saturating_sub(out.len()) {
            return Err(Trouble::Memory);
        }
        out.extend_from_slice(rest);
    }
    Ok(done)
}

/// The length of the first character; 1 at the end.
fn length_of_first(text: &[u8], utf8: bool) -> usize {
    if utf8 { bstr::decode_utf8(text).1.max(1) } else { 1 }
}

fn expand(
    substitution: &Substitution,
    found: Span,
    captures: Option<&Captures>,
    space: &[u8],
    out: &mut Vec<u8>,
    utf8: bool,
    most: usize,
) -> Result<(), Trouble> {
    let mut case = Casing::default();
    for part in &substitution.replacement {
        let text = match part {
            Part::Text(text) => text,
            Part::Group(0) => found.of(space),
            Part::Group(group) => {
                let span = captures.and_then(|captures| captures.get(*group as usize).copied().flatten());
                span.map_or(&[][..], |span| span.of(space))
            }
            Part::Case(change) => {
                case.change(*change);
                continue;
            }
        };
        if text.len() > most.saturating_sub(out.len()) {
            return Err(Trouble::Memory);
        }
        if substitution.has_case {
            case.append(text, out, utf8);
        } else {
            out.extend_from_slice(text);
        }
    }
    Ok(())
}

/// The change of case in force.
#[derive(Default)]
struct Casing {
    all: Option<bool>,
    /// For the next character only; true: upper.
    next: Option<bool>,
}

impl Casing {
    fn change(&mut self, case: Case) {
        match case {
            Case::Upper => self.all = Some(true),
            Case::Lower => self.all = Some(false),
            Case::End => *self = Casing::default(),
            Case::UpperNext => self.next = Some(true),
            Case::LowerNext => self.next = Some(false),
        }
    }

    fn append(&mut self, text: &[u8], out: &mut Vec<u8>, utf8: bool) {
        let mut rest = text;
        while let Some(first) = rest.first() {
            let Some(upper) = self.next.take().or(self.all) else {
                out.extend_from_slice(rest);
                return;
            };
            if first.is_ascii() || !utf8 {
                out.push(if upper { first.to_ascii_uppercase() } else { first.to_ascii_lowercase() });
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let (letter, length) = bstr::decode_utf8(rest);
            let (head, tail) = rest.split_at(length.max(1).min(rest.len()));
            match letter.map(|letter| change_case(letter, upper)) {
                Some(letter) => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
                None => out.extend_from_slice(head),
            }
            rest = tail;
        }
    }
}

/// `towupper(3)` or `towlower(3)`: a character that would become several stays.
fn change_case(letter: char, upper: bool) -> char {
    let one = |mut letters: Box<dyn Iterator<Item = char>>| match (letters.next(), letters.next()) {
        (Some(only), None) => only,
        _ => letter,
    };
    if upper { one(Box::new(letter.to_uppercase())) } else { one(Box::new(letter.to_lowercase())) }
}

/// Replaces characters in `space`; `spare` is for the result.
pub(super) fn translate(translation: &Translation, space: &mut Vec<u8>, spare: &mut Vec<u8>) {
    match translation {
        Translation::Bytes(table) => {
            for byte in space {
                *byte = table.get(usize::from(*byte)).copied().unwrap_or(*byte);
            }
        }
        Translation::Characters(pairs) => {
            spare.clear();
            let mut rest = &space[..];
            while !rest.is_empty() {
                let (character, next) = rest.split_at(length_of_first(rest, true).min(rest.len()));
                match pairs.binary_search_by(|(from, _)| from[..].cmp(character)) {
                    Ok(index) => spare.extend(pairs.get(index).map_or(character, |(_, to)| to)),
                    Err(_) => spare.extend_from_slice(character),
                }
                rest = next;
            }
            std::mem::swap(space, spare);
        }
    }
}

/// The text of `l`, in lines of `width` columns; 0: one line.
pub(super) fn list(space: &[u8], width: usize, out: &mut Vec<u8>) {
    let mut column = 0;
    let mut piece = Vec::with_capacity(4);
    for &byte in space {
        piece.clear();
        let letter = match byte {
            b'\\' => Some(b'\\'),
            7 => Some(b'a'),
            8 => Some(b'b'),
            12 => Some(b'f'),
            b'\n' => Some(b'n'),
            b'\r' => Some(b'r'),
            b'\t' => Some(b't'),
            11 => Some(b'v'),
            _ => None,
        };
        match letter {
            Some(letter) => piece.extend([b'\\', letter]),
            None if (32..127).contains(&byte) => piece.push(byte),
            None => piece.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
        }
        if width > 0 && column + piece.len() > width - 1 {
            out.extend_from_slice(b"\\\n");
            column = 0;
        }
        column += piece.len();
        out.extend_from_slice(&piece);
    }
    out.extend_from_slice(b"$\n");
}

/// Where the first line of `space` ends: the delimiter's place.
pub(super) fn first_line(space: &[u8], delimiter: u8) -> Option<usize> {
    space.find_byte(delimiter)
}
