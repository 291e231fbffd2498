//! History expansion (bash manual "History Interaction"): `!event:words:modifiers` and `^old^new^`.

use std::rc::Rc;

use super::{Entry, History};
use crate::text::Str;

/// How a line is read.
pub(crate) struct Style {
    /// `histchars`: what begins an expansion, a quick substitution, a comment.
    pub(crate) chars: [u8; 3],
    /// `!(` is a pattern.
    pub(crate) extglob: bool,
    /// Comments are known.
    pub(crate) comments: bool,
    /// Most bytes of a line, and of each text on the way to it: every `!#` doubles what there is.
    pub(crate) limit: usize,
}

/// What later expansions may refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    /// The string of the last `!?string?`.
    search: Vec<u8>,
    /// The word that it was found in: `%`.
    word: Vec<u8>,
    /// Of the last `:s`.
    old: Vec<u8>,
    new: Vec<u8>,
}

/// A line after its expansion.
pub(crate) struct Expanded {
    pub(crate) text: Vec<u8>,
    /// `:p`: it is shown and not executed.
    pub(crate) shown_only: bool,
}

/// Why a line is not expanded.
pub(crate) enum Failure {
    /// Bash's message.
    Wrong(Vec<u8>),
    /// More than [`Style::limit`].
    TooLarge,
}

impl Failure {
    /// What is wrong with an expansion: its text, and bash's words for it.
    fn wrong(what: &[u8], message: &str) -> Self {
        Self::Wrong([what, b": ", message.as_bytes()].concat())
    }
}

/// Expands a line that begins inside the quotation `quote` (0: none), and leaves that in which it ends. `None`:
/// there is nothing to expand.
///
/// # Errors
/// [`Failure`]
pub(crate) fn expand(
    line: &[u8],
    history: &History,
    recent: &mut Recent,
    style: &Style,
    quote: &mut u8,
) -> Result<Option<Expanded>, Failure> {
    let [bang, quick, _] = style.chars;
    let text = match *quote == 0 && line.first() == Some(&quick) {
        true => [&[bang, bang, b':', b's'], line].concat().into(),
        false => line.into(),
    };
    let mut reader = Reader { text, at: 0, history, recent, style, shown_only: false };
    let (text, changed) = reader.line(quote)?;
    Ok(changed.then_some(Expanded { text, shown_only: reader.shown_only }))
}

struct Reader<'a> {
    text: Rc<[u8]>,
    at: usize,
    history: &'a History,
    recent: &'a mut Recent,
    style: &'a Style,
    shown_only: bool,
}

/// A word of a command: from, to.
type Span = (usize, usize);

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Whether a text may grow by so much.
    fn fits(&self, length: usize, more: usize) -> Result<(), Failure> {
        let fits = length.checked_add(more).is_some_and(|length| length <= self.style.limit);
        if fits { Ok(()) } else { Err(Failure::TooLarge) }
    }

    fn line(&mut self, quote: &mut u8) -> Result<(Vec<u8>, bool), Failure> {
        let [bang, _, comment] = self.style.chars;
        let (mut out, mut changed) = (Vec::new(), false);
        // The quotations around each `$(…)` that is open.
        let mut around = Vec::new();
        while let Some(b) = self.peek(0) {
            match b {
                b'\\' if *quote != b'\'' => {
                    out.push(b);
                    self.at += 1;
                    out.extend(self.peek(0));
                }
                b'\'' if *quote != b'"' => {
                    *quote = match *quote {
                        // `$'…'`, in which a backslash quotes.
                        0 if out.ends_with(b"$") => b'$',
                        0 => b,
                        _ => 0,
                    };
                    out.push(b);
                }
                b'"' if !matches!(*quote, b'\'' | b'$') => {
                    *quote = if *quote == 0 { b } else { 0 };
                    out.push(b);
                }
                _ if matches!(*quote, b'\'' | b'$') => out.push(b),
                _ if b == comment
                    && self.style.comments
                    && *quote == 0
                    && out.last().is_none_or(|b| b" \t\n;&|()<>".contains(b)) =>
                {
                    out.extend_from_slice(self.rest());
                    break;
                }
                b'(' if out.ends_with(b"$") => {
                    around.push(std::mem::take(quote));
                    out.push(b);
                }
                b')' if *quote == 0 && !around.is_empty() => {
                    *quote = around.pop().unwrap_or_default();
                    out.push(b);
                }
                _ if b == bang && self.expands(*quote, &out) => {
                    let text = self.expansion(*quote, &out)?;
                    self.fits(out.len(), text.len())?;
                    out.extend_from_slice(&text);
                    changed = true;
                    continue;
                }
                _ => out.push(b),
            }
            self.at += 1;
        }
        Ok((out, changed))
    }

    /// Whether the character at the position begins an expansion.
    fn expands(&self, quote: u8, before: &[u8]) -> bool {
        let Some(next) = self.peek(1) else { return false };
        let rest = self.rest();
        !(b" \t\n\r=".contains(&next)
            || (quote == b'"' && next == b'"')
            || (self.style.extglob && next == b'(' && rest.contains(&b')'))
            // `[!a]`, `${!name}` and `$!`
            || (before.ends_with(b"[") && rest.contains(&b']'))
            || (before.ends_with(b"${") && rest.contains(&b'}'))
            || before.ends_with(b"$"))
    }

    /// The expansion at the position, which moves behind it.
    fn expansion(&mut self, quote: u8, before: &[u8]) -> Result<Vec<u8>, Failure> {
        let start = self.at;
        let text = Rc::clone(&self.text);
        let wrong = |from: usize, to: usize, message: &str| {
            Err(Failure::wrong(text.get(from..to).unwrap_or_default(), message))
        };
        let event = match self.event(quote, before) {
            Some(event) => event,
            None => return wrong(start, self.at, "event not found"),
        };
        let words_at = self.at;
        let mut value = match self.words(&event) {
            Ok(Some(words)) => words,
            Ok(None) => event,
            Err(()) => return wrong(words_at, self.at, "bad word specifier"),
        };
        let mut quoting = 0u8;
        while self.peek(0) == Some(b':') {
            let modifier_at = self.at;
            self.at += 1;
            let (mut all, mut each) = (false, false);
            while let Some(letter @ (b'g' | b'a' | b'G')) = self.peek(0) {
                all |= letter != b'G';
                each |= letter == b'G';
                self.at += 1;
            }
            let Some(letter) = self.peek(0) else {
                return wrong(start, self.at, "unrecognized history modifier");
            };
            self.at += 1;
            let slash = value.iter().rposition(|b| *b == b'/');
            let dot = value.iter().rposition(|b| *b == b'.');
            match letter {
                b'h' => value.truncate(slash.unwrap_or(value.len())),
                b't' => drop(value.drain(..slash.map_or(0, |at| at + 1))),
                b'r' => value.truncate(dot.unwrap_or(value.len())),
                b'e' => drop(value.drain(..dot.unwrap_or(0))),
                b'p' => self.shown_only = true,
                b'q' | b'x' => quoting = letter,
                b's' | b'&' => {
                    if letter == b's' {
                        self.substitution()?;
                    }
                    if self.recent.old.is_empty() {
                        return wrong(modifier_at, self.at, "no previous substitution");
                    }
                    match self.substitute(&value, all, each)? {
                        Some(new) => value = new,
                        None => return wrong(modifier_at, self.at, "substitution failed"),
                    }
                }
                _ => return wrong(modifier_at + 1, self.at, "unrecognized history modifier"),
            }
        }
        Ok(match quoting {
            b'q' => wasmsh_syntax::quote::single(&value),
            b'x' => {
                let words = value.split(|b| b" \t\n".contains(b)).filter(|word| !word.is_empty());
                words.map(wasmsh_syntax::quote::single).collect::<Vec<_>>().join(&b' ')
            }
            _ => value,
        })
    }

    /// The event designator at the position: the command it means.
    fn event(&mut self, quote: u8, before: &[u8]) -> Option<Vec<u8>> {
        let [bang, ..] = self.style.chars;
        self.at += 1;
        let last = || self.history.entries.last().map(|entry| entry.text.to_vec());
        let next = self.peek(0)?;
        if next == bang {
            self.at += 1;
            return last();
        }
        if b":$*%^".contains(&next) {
            return last();
        }
        if next == b'#' {
            self.at += 1;
            return Some(before.to_vec());
        }
        let negative = next == b'-' && self.peek(1).is_some_and(|b| b.is_ascii_digit());
        let digits = self.at + usize::from(negative);
        let count =
            self.text.get(digits..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
        if count > 0 {
            let number = self.text.get(digits..digits + count).unwrap_or_default();
            let number: usize = std::str::from_utf8(number).ok()?.parse().unwrap_or(usize::MAX);
            self.at = digits + count;
            let past = &self.history.entries;
            let index = if negative {
                past.len().checked_sub(number)?
            } else {
                number.checked_sub(self.history.base())?
            };
            return past.get(index).map(|entry| entry.text.to_vec());
        }
        if next == b'-' {
            self.at += 1;
            return last();
        }
        let anywhere = next == b'?';
        if anywhere {
            self.at += 1;
        }
        let begin = self.at;
        while let Some(b) = self.peek(0) {
            let ends = if anywhere {
                b == b'?' || b == b'\n'
            } else {
                b" \t\n:^$*%-;&()|<>".contains(&b) || (quote == b'"' && b == b'"')
            };
            if ends {
                break;
            }
            self.at += 1;
        }
        let mut wanted = self.text.get(begin..self.at).unwrap_or_default().to_vec();
        if anywhere {
            if self.peek(0) == Some(b'?') {
                self.at += 1;
            }
            if wanted.is_empty() {
                wanted = self.recent.search.clone();
            }
        }
        if wanted.is_empty() {
            return None;
        }
        let found = |entry: &Entry| {
            if anywhere {
                memchr::memmem::rfind(&entry.text, &wanted)
            } else {
                entry.text.starts_with(&wanted).then_some(0)
            }
        };
        let (entry, place) =
            self.history.entries.iter().rev().find_map(|entry| Some((entry, found(entry)?)))?;
        if anywhere {
            let word = words(&entry.text).into_iter().find(|(from, to)| (*from..*to).contains(&place));
            self.recent.word =
                word.and_then(|(from, to)| entry.text.get(from..to)).unwrap_or_default().to_vec();
            self.recent.search = wanted;
        }
        Some(entry.text.to_vec())
    }

    /// The word designator at the position, if there is one. `Err`: there are no such words.
    fn words(&mut self, event: &[u8]) -> Result<Option<Vec<u8>>, ()> {
        let colon = self.peek(0) == Some(b':');
        let Some(first) = self.peek(usize::from(colon)) else { return Ok(None) };
        if !(b"^$*%-".contains(&first) || (colon && first.is_ascii_digit())) {
            return Ok(None);
        }
        self.at += usize::from(colon);
        let list = words(event);
        let last = list.len().saturating_sub(1);
        if first == b'%' {
            self.at += 1;
            return Ok(Some(self.recent.word.clone()));
        }
        let (from, to) = match first {
            b'*' => {
                self.at += 1;
                if list.len() < 2 {
                    return Ok(Some(Vec::new()));
                }
                (1, last)
            }
            b'$' => {
                self.at += 1;
                (last, last)
            }
            _ => {
                let from = match first {
                    b'-' => 0,
                    b'^' => {
                        self.at += 1;
                        1
                    }
                    _ => self.number(),
                };
                match self.peek(0) {
                    Some(b'*') => {
                        self.at += 1;
                        if from == last + 1 {
                            return Ok(Some(Vec::new()));
                        }
                        (from, last)
                    }
                    Some(b'-') => {
                        self.at += 1;
                        match self.peek(0) {
                            Some(b'$') => {
                                self.at += 1;
                                (from, last)
                            }
                            Some(b'^') => {
                                self.at += 1;
                                (from, 1)
                            }
                            Some(b) if b.is_ascii_digit() => (from, self.number()),
                            _ => (from, last.checked_sub(1).ok_or(())?),
                        }
                    }
                    _ => (from, from),
                }
            }
        };
        let chosen = list.get(from..=to).filter(|chosen| !chosen.is_empty()).ok_or(())?;
        let texts = chosen.iter().filter_map(|(from, to)| event.get(*from..*to));
        Ok(Some(texts.collect::<Vec<_>>().join(&b' ')))
    }

    fn number(&mut self) -> usize {
        let digits = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        let text = self.text.get(self.at..self.at + digits).unwrap_or_default();
        self.at += digits;
        std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX - 1)
    }

    /// Reads `/old/new/` behind `:s`.
    fn substitution(&mut self) -> Result<(), Failure> {
        let Some(delimiter) = self.peek(0).filter(|b| *b != b'\n') else { return Ok(()) };
        self.at += 1;
        let old = self.until(delimiter, false)?;
        if !old.is_empty() {
            self.recent.old = old;
        } else if self.recent.old.is_empty() {
            self.recent.old = self.recent.search.clone();
        }
        self.recent.new = self.until(delimiter, true)?;
        Ok(())
    }

    /// The text up to a delimiter; of a replacement `&` stands for what is replaced.
    fn until(&mut self, delimiter: u8, replacement: bool) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        while let Some(b) = self.peek(0).filter(|b| *b != b'\n') {
            self.at += 1;
            match (b, self.peek(0)) {
                (b'\\', Some(next)) if next == delimiter || (replacement && next == b'&') => {
                    out.push(next);
                    self.at += 1;
                }
                (b'&', _) if replacement && delimiter != b'&' => {
                    self.fits(out.len(), self.recent.old.len())?;
                    out.extend_from_slice(&self.recent.old);
                }
                _ if b == delimiter => break,
                _ => out.push(b),
            }
        }
        Ok(out)
    }

    /// Replaces once, everywhere (`all`), or once in each word. `None`: there is nothing to be replaced.
    fn substitute(&self, text: &[u8], all: bool, each: bool) -> Result<Option<Vec<u8>>, Failure> {
        let Recent { old, new, .. } = &*self.recent;
        let between = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let mut out = Vec::with_capacity(text.len());
        let (mut at, mut changed) = (0, false);
        let spans: Vec<Span> = if each { words(text) } else { vec![(0, text.len())] };
        for (from, to) in spans {
            out.extend_from_slice(between(at, from));
            at = from;
            for found in memchr::memmem::find_iter(between(from, to), old) {
                changed = true;
                out.extend_from_slice(between(at, from + found));
                // What follows is no longer than the text was, and that fits.
                self.fits(out.len(), new.len())?;
                out.extend_from_slice(new);
                at = from + found + old.len();
                if !all {
                    break;
                }
            }
            out.extend_from_slice(between(at, to));
            at = to;
        }
        out.extend_from_slice(between(at, text.len()));
        Ok(changed.then_some(out))
    }
}

/// The words of a command as the shell would split it: operators are words, quotations and substitutions hold
/// theirs together.
fn words(text: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        if b.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let number = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let operator = rest.get(number..).unwrap_or_default();
        let length = match operator {
            [b'<' | b'>', b'(', ..] => 0,
            [b'<', b'<', b'<' | b'-', ..] => 3,
            [b'<' | b'>', b'&', more @ ..] => {
                let digits = more.iter().take_while(|b| b.is_ascii_digit()).count();
                2 + digits + usize::from(more.get(digits) == Some(&b'-'))
            }
            [b'<', b'<', ..] | [b'>', b'>' | b'|', ..] => 2,
            [b'<' | b'>', ..] => 1,
            _ if number > 0 => 0,
            [b'&', b'&' | b'>', ..] | [b'|', b'|', ..] | [b';', b';', ..] => 2,
            [b'&' | b'|' | b';' | b'(' | b')', ..] => 1,
            _ => 0,
        };
        let end = if length > 0 { at + number + length } else { word_end(text, at) };
        spans.push((at, end));
        at = end;
    }
    spans
}

/// Where the word that begins at `at` ends.
fn word_end(text: &[u8], mut at: usize) -> usize {
    let mut quote = 0u8;
    let mut depth = 0usize;
    while let Some(&b) = text.get(at) {
        let next = text.get(at + 1);
        match b {
            b'\\' if quote != b'\'' => at += 1,
            _ if b == quote => quote = 0,
            _ if quote != 0 => {}
            b'\'' | b'"' | b'`' => quote = b,
            b'$' | b'<' | b'>' | b'@' | b'?' | b'*' | b'+' | b'!' if next == Some(&b'(') => {
                depth += 1;
                at += 1;
            }
            b'(' if depth > 0 => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth == 0 && (b.is_ascii_whitespace() || b";&|()<>".contains(&b)) => break,
            _ => {}
        }
        at += 1;
    }
    at.min(text.len())
}

/// What `histchars` says, as far as it says it.
pub(crate) fn characters(value: Option<&Str>) -> [u8; 3] {
    let mut chars = *b"!^#";
    if let Some(value) = value {
        for (place, b) in chars.iter_mut().zip(value.iter()) {
            *place = *b;
        }
    }
    chars
}
