//! What parameter expansion makes of texts.

use wasmsh_syntax::ast::{CaseChange, Replace};
use wasmsh_syntax::pattern::Pattern;

use crate::expand::pattern::{chars, count_chars};
use crate::expand::transform;
use crate::text::Str;

pub(crate) fn join(values: &[Str], separator: &[u8]) -> Str {
    let mut out = Vec::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(value);
    }
    out.into()
}

/// Characters `start..end` of `text`.
pub(super) fn slice_chars(text: &Str, start: usize, end: usize) -> Str {
    if text.is_ascii() {
        return Str::new(text.get(start..end).unwrap_or_default());
    }
    let mut from = 0;
    let mut to = text.len();
    let mut at = 0;
    for (number, one) in chars(text).enumerate() {
        if number == start {
            from = at;
        }
        if number == end {
            to = at;
            break;
        }
        at += one.len();
    }
    if start >= count_chars(text) {
        from = text.len();
    }
    Str::new(text.get(from..to).unwrap_or_default())
}

pub(super) fn replace(
    pattern: &Pattern,
    empty: bool,
    which: Replace,
    text: &Str,
    replacement: &[u8],
    ampersand: bool,
    limit: usize,
) -> Str {
    let mut out = Vec::with_capacity(text.len() + replacement.len());
    let put = |out: &mut Vec<u8>, matched: &[u8]| {
        let mut bytes = replacement.iter();
        while let Some(&b) = bytes.next() {
            match b {
                b'&' if ampersand => out.extend_from_slice(matched),
                b'\\' => match bytes.next() {
                    Some(&next) => {
                        if !matches!(next, b'&' | b'\\') {
                            out.push(b'\\');
                        }
                        out.push(next);
                    }
                    None => out.push(b'\\'),
                },
                _ => out.push(b),
            }
        }
    };
    if empty && !matches!(which, Replace::Prefix | Replace::Suffix) {
        return text.clone();
    }
    match which {
        Replace::Prefix => match pattern.prefix(text, true) {
            Some(end) => {
                put(&mut out, text.get(..end).unwrap_or_default());
                out.extend_from_slice(text.get(end..).unwrap_or_default());
            }
            None => return text.clone(),
        },
        Replace::Suffix => match pattern.suffix(text, true) {
            Some(start) => {
                out.extend_from_slice(text.get(..start).unwrap_or_default());
                put(&mut out, text.get(start..).unwrap_or_default());
            }
            None => return text.clone(),
        },
        Replace::First | Replace::All => {
            let mut at = 0;
            while let Some(found) = pattern.find(text, at) {
                if found.is_empty() && found.start >= text.len() && !(text.is_empty() && at == 0) {
                    break;
                }
                out.extend_from_slice(text.get(at..found.start).unwrap_or_default());
                put(&mut out, text.get(found.clone()).unwrap_or_default());
                at = found.end;
                if out.len() > limit {
                    // Too long for any word: whoever gets it says so.
                    break;
                }
                if found.is_empty() {
                    // An empty match moves on by one character.
                    let step = crate::expand::pattern::char_len(text.get(at..).unwrap_or_default());
                    out.extend_from_slice(text.get(at..at + step).unwrap_or_default());
                    at += step;
                }
                if which == Replace::First || at >= text.len() {
                    break;
                }
            }
            out.extend_from_slice(text.get(at..).unwrap_or_default());
        }
    }
    out.into()
}

pub(super) fn change_case(text: &Str, change: CaseChange, all: bool, pattern: Option<&Pattern>) -> Str {
    let mut out = Vec::with_capacity(text.len());
    for (number, one) in chars(text).enumerate() {
        let applies = (all || number == 0) && pattern.is_none_or(|pattern| pattern.is_match(one));
        if !applies {
            out.extend_from_slice(one);
            continue;
        }
        match change {
            CaseChange::Upper => out.extend_from_slice(&transform::upper(one)),
            CaseChange::Lower => out.extend_from_slice(&transform::lower(one)),
            CaseChange::Toggle => {
                let lower = transform::lower(one);
                if lower == one {
                    out.extend_from_slice(&transform::upper(one))
                } else {
                    out.extend_from_slice(&lower)
                }
            }
        }
    }
    out.into()
}
