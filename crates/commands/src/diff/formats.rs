//! Output as the user describes it: `--line-format` and its kin, `--GTYPE-group-format`, and `-D`, which stands on them.

use std::ops::Range;

use bstr::{BString, ByteSlice};

use super::output::{Hunk, Pair};
use super::text::Text;

/// What a line or a group of lines is.
pub(super) const OLD: usize = 0;
pub(super) const NEW: usize = 1;
pub(super) const UNCHANGED: usize = 2;
pub(super) const CHANGED: usize = 3;

/// The formats that were given.
#[derive(Default)]
pub(super) struct Formats {
    pub(super) lines: [Option<BString>; 3],
    pub(super) groups: [Option<BString>; 4],
}

impl Formats {
    /// The formats of `-D`.
    pub(super) fn of_macro(name: &[u8]) -> [BString; 4] {
        let name = name.replace("%", "%%");
        let name = name.as_bstr();
        [
            format!("#ifndef {name}\n%<#endif /* ! {name} */\n").into(),
            format!("#ifdef {name}\n%>#endif /* {name} */\n").into(),
            "%=".into(),
            format!("#ifndef {name}\n%<#else /* {name} */\n%>#endif /* {name} */\n").into(),
        ]
    }

    /// All groups, each in its format.
    pub(super) fn write(&self, out: &mut Vec<u8>, pair: &Pair<'_>, hunks: &[Hunk]) {
        let get =
            |kind: usize| self.groups.get(kind).and_then(Option::as_ref).map(|format| format.as_slice());
        let old = get(OLD).unwrap_or(b"%<");
        let new = get(NEW).unwrap_or(b"%>");
        let both = [old, new].concat();
        let changed = get(CHANGED).unwrap_or(&both);
        let unchanged = get(UNCHANGED).unwrap_or(b"%=");
        let mut at = (0, 0);
        let end = (pair.old.len()..pair.old.len(), pair.new.len()..pair.new.len());
        let shown = hunks.iter().filter(|hunk| !hunk.ignored);
        let spans = shown.map(|hunk| (hunk.change.old.clone(), hunk.change.new.clone()));
        for (in_old, in_new) in spans.chain([end]) {
            let common = (at.0..in_old.start, at.1..in_new.start);
            if !common.0.is_empty() || !common.1.is_empty() {
                self.group(out, unchanged, pair, [&common.0, &common.1]);
            }
            let format = match (in_old.is_empty(), in_new.is_empty()) {
                (true, true) => break,
                (false, true) => old,
                (true, false) => new,
                (false, false) => changed,
            };
            self.group(out, format, pair, [&in_old, &in_new]);
            at = (in_old.end, in_new.end);
        }
    }

    fn lines(&self, out: &mut Vec<u8>, kind: usize, text: &Text, lines: &Range<usize>) {
        match self.lines.get(kind).and_then(Option::as_deref) {
            None => {
                let lines = text.lines(lines.clone());
                out.extend_from_slice(lines);
                if !lines.is_empty() && !lines.ends_with(b"\n") {
                    out.push(b'\n');
                }
            }
            Some(format) => lines.clone().for_each(|index| line(out, format, text.line(index), index + 1)),
        }
    }

    /// A group of lines. What stands in the branch of a condition that does not hold is read over.
    fn group(&self, out: &mut Vec<u8>, format: &[u8], pair: &Pair<'_>, lines: [&Range<usize>; 2]) {
        let [old, new] = lines;
        // Of each condition that was begun: whether this branch counts, whether the first one did, whether it is the first.
        let mut conditions: Vec<(bool, bool, bool)> = Vec::new();
        let mut silent = Vec::new();
        let mut rest = format;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            let counts = conditions.iter().all(|(counts, ..)| *counts);
            let out = if counts { &mut *out } else { &mut silent };
            silent_clear(out, counts);
            match (byte, conditions.last_mut()) {
                (b':', Some((counts, first, is_first @ true))) => {
                    (*counts, *is_first) = (!*first, false);
                    continue;
                }
                (b')', Some((_, _, false))) => {
                    conditions.pop();
                    continue;
                }
                (b'%', _) => {}
                _ => {
                    out.push(byte);
                    continue;
                }
            }
            match rest {
                [b'%', after @ ..] => (out.push(b'%'), rest = after).1,
                [b'<', after @ ..] => (self.lines(out, OLD, pair.old, old), rest = after).1,
                [b'=', after @ ..] => (self.lines(out, UNCHANGED, pair.old, old), rest = after).1,
                [b'>', after @ ..] => (self.lines(out, NEW, pair.new, new), rest = after).1,
                [b'(', after @ ..] if let Some((holds, after)) = condition(after, lines) => {
                    conditions.push((holds, holds, true));
                    rest = after;
                }
                _ => rest = common(out, rest, |letter| value(letter, lines)),
            }
        }
    }
}

/// What is not to be seen is forgotten at once.
fn silent_clear(out: &mut Vec<u8>, counts: bool) {
    if !counts {
        out.clear();
    }
}

/// The number that a letter of a group stands for.
fn value(letter: u8, lines: [&Range<usize>; 2]) -> Option<usize> {
    let [old, new] = lines;
    let range = if letter.is_ascii_uppercase() { new } else { old };
    Some(match letter.to_ascii_lowercase() {
        b'e' => range.start,
        b'f' => range.start + 1,
        b'l' => range.end,
        b'm' => range.end + 1,
        b'n' => range.len(),
        _ => return None,
    })
}

/// `A=B?`, behind the parenthesis: whether it holds, and what follows.
fn condition<'a>(text: &'a [u8], lines: [&Range<usize>; 2]) -> Option<(bool, &'a [u8])> {
    let (a, text) = term(text, lines)?;
    let (b, text) = term(text.strip_prefix(b"=")?, lines)?;
    Some((a == b, text.strip_prefix(b"?")?))
}

fn term<'a>(text: &'a [u8], lines: [&Range<usize>; 2]) -> Option<(usize, &'a [u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        let (letter, rest) = text.split_first()?;
        return Some((value(*letter, lines)?, rest));
    }
    let (number, rest) = text.split_at(digits);
    Some((number.to_str().ok()?.parse().unwrap_or(usize::MAX), rest))
}

/// A line: `%L` with its newline, `%l` without, `%dn` its number.
fn line(out: &mut Vec<u8>, format: &[u8], line: &[u8], number: usize) {
    let mut rest = format;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, rest) {
            (b'%', [b'%', after @ ..]) => (out.push(b'%'), rest = after).1,
            (b'%', [b'L', after @ ..]) => (out.extend_from_slice(line), rest = after).1,
            (b'%', [b'l', after @ ..]) => {
                out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
                rest = after;
            }
            (b'%', _) => rest = common(out, rest, |letter| (letter == b'n').then_some(number)),
            _ => out.push(byte),
        }
    }
}

/// What both kinds of formats know, behind the per cent sign: `c'C'`, `c'\OOO'` and numbers. What is none of these
/// stands for itself. What follows is returned.
fn common<'a>(out: &mut Vec<u8>, text: &'a [u8], value: impl Fn(u8) -> Option<usize>) -> &'a [u8] {
    if let Some((character, rest)) = character(text) {
        out.push(character);
        return rest;
    }
    let Some((shown, rest)) = number(text, value) else {
        out.push(b'%');
        return text;
    };
    out.extend_from_slice(&shown);
    rest
}

fn character(text: &[u8]) -> Option<(u8, &[u8])> {
    match text.strip_prefix(b"c'")? {
        [b'\\', octal @ ..] => {
            let count = octal.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let (digits, rest) = octal.split_at(count);
            let value = u16::from_str_radix(digits.to_str().ok()?, 8).ok()? as u8;
            Some((value, rest.strip_prefix(b"'")?))
        }
        [letter, b'\'', rest @ ..] => Some((*letter, rest)),
        _ => None,
    }
}

/// Widths beyond this are taken for this.
const WIDEST: usize = 4096;

/// `[-'0][WIDTH][.[PREC]]{doxX}LETTER`, as `printf` has it.
fn number(text: &[u8], value: impl Fn(u8) -> Option<usize>) -> Option<(Vec<u8>, &[u8])> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let size = |digits: &[u8]| {
        digits.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(0_usize).min(WIDEST)
    };
    let flags = text.iter().take_while(|byte| matches!(byte, b'-' | b'\'' | b'0')).count();
    let (flags, rest) = text.split_at(flags);
    let (width, mut rest) = rest.split_at(digits(rest));
    let mut precision = None;
    if let Some(after) = rest.strip_prefix(b".") {
        let (least, after) = after.split_at(digits(after));
        precision = Some(size(least));
        rest = after;
    }
    let [kind, letter, rest @ ..] = rest else { return None };
    let value = value(*letter)?;
    let least = precision.unwrap_or(1);
    let body = match kind {
        b'd' => format!("{value:0least$}"),
        b'o' => format!("{value:0least$o}"),
        b'x' => format!("{value:0least$x}"),
        b'X' => format!("{value:0least$X}"),
        _ => return None,
    };
    let width = size(width);
    let shown = match (flags.contains(&b'-'), flags.contains(&b'0') && precision.is_none()) {
        (true, _) => format!("{body:<width$}"),
        (false, true) => format!("{body:0>width$}"),
        (false, false) => format!("{body:>width$}"),
    };
    Some((shown.into_bytes(), rest))
}
