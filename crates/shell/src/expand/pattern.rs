//! Patterns as text in which a backslash quotes the next character, compiled once and kept.

use std::rc::Rc;

use wasmsh_syntax::locale;
use wasmsh_syntax::pattern::{Pattern, PatternOptions};

use crate::options::Shopt;
use crate::text::Str;
use crate::vm::Vm;

/// Whether pathname expansion has to look at `text`: it is unquoted except for what follows a backslash.
pub(crate) fn has_magic(text: &[u8]) -> bool {
    let mut open = false;
    let mut bytes = text.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        match b {
            b'*' | b'?' => return true,
            b'[' => open = true,
            b']' if open => return true,
            b'+' | b'@' | b'!' if bytes.peek() == Some(&b'(') => return true,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
    false
}

/// Whether a backslash before this character changes what it means in a pattern.
pub(crate) fn is_special(b: u8) -> bool {
    matches!(
        b,
        b'*' | b'?'
            | b'['
            | b']'
            | b'\\'
            | b'('
            | b')'
            | b'|'
            | b'+'
            | b'@'
            | b'!'
            | b'-'
            | b'^'
            | b':'
            | b'='
            | b'.'
    )
}

/// Bytes of the first character of `text`; a byte that is no UTF-8 counts as one.
pub(crate) fn char_len(text: &[u8]) -> usize {
    let len = match text.first() {
        None => return 0,
        Some(0..=0x7f) => return 1,
        _ if locale::is_bytes() => return 1,
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        Some(_) => return 1,
    };
    match text.get(..len) {
        Some(head) if std::str::from_utf8(head).is_ok() => len,
        _ => 1,
    }
}

/// The characters of `text`.
pub(crate) fn chars(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let len = char_len(rest);
        if len == 0 {
            return None;
        }
        let (head, tail) = rest.split_at(len.min(rest.len()));
        rest = tail;
        Some(head)
    })
}

/// How many characters.
pub(crate) fn count_chars(text: &[u8]) -> usize {
    if text.is_ascii() || locale::is_bytes() {
        return text.len();
    }
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().count(),
        Err(_) => chars(text).count(),
    }
}

impl Vm {
    /// The pattern that `text` is, with the options of the shell.
    pub(crate) fn pattern(&self, text: &[u8], nocase: bool) -> Rc<Pattern> {
        self.pattern_with(text, self.shopt(Shopt::ExtGlob), nocase)
    }

    pub(crate) fn pattern_with(&self, text: &[u8], extglob: bool, nocase: bool) -> Rc<Pattern> {
        let cache = &self.shell.shared.patterns;
        let key =
            (u8::from(extglob) | u8::from(nocase) << 1 | u8::from(locale::is_bytes()) << 2, Str::new(text));
        if let Some(pattern) = cache.borrow().get(&key) {
            return pattern.clone();
        }
        let pattern = Rc::new(Pattern::unquoted(text, PatternOptions { extglob, nocase }));
        let mut cache = cache.borrow_mut();
        if cache.len() >= 256 {
            cache.clear();
        }
        if text.len() < 4096 {
            cache.insert(key, pattern.clone());
        }
        pattern
    }
}
