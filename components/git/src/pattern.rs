//! Regular expressions for `grep`, `log --grep` and the pickaxe.

use std::rc::Rc;

use gix::bstr::{BStr, BString, ByteSlice};
use wasmsh_regex::{Regex, Span, Syntax};

use crate::error::{Result, fatal};

/// A pattern, ready to match.
#[derive(Clone)]
pub struct Pattern(Rc<Regex>);

impl Pattern {
    /// A POSIX expression, basic or extended.
    pub fn new(text: &BStr, extended: bool, fold: bool) -> Result<Pattern> {
        let syntax = Syntax { ignore_case: fold, ..if extended { Syntax::EXTENDED } else { Syntax::BASIC } };
        match Regex::new(text, &syntax) {
            Ok(regex) => Ok(Pattern(Rc::new(regex))),
            Err(error) => Err(fatal!("command line, '{text}': {error}")),
        }
    }

    /// A text that stands for itself.
    pub fn fixed(text: &BStr, fold: bool) -> Result<Pattern> {
        let mut escaped = BString::default();
        for &byte in text.iter() {
            if b"\\.[]*^$+?(){}|".contains(&byte) {
                escaped.push(b'\\');
            }
            escaped.push(byte);
        }
        Pattern::new(escaped.as_bstr(), true, fold)
    }

    /// Whether it matches anywhere.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text).unwrap_or(false)
    }

    /// The first match from a place on.
    pub fn find(&self, text: &[u8], from: usize) -> Option<Span> {
        self.0.find_at(text, from).ok().flatten()
    }

    /// How many matches there are.
    pub fn count(&self, text: &[u8]) -> usize {
        let (mut at, mut count) = (0, 0);
        while at <= text.len() {
            let Some(span) = self.find(text, at) else { break };
            count += 1;
            at = span.end.max(span.start + 1);
        }
        count
    }
}

/// Whether the match stands by itself as a word.
pub fn is_word(text: &[u8], span: Span) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    span.start < span.end
        && !word(span.start.checked_sub(1).and_then(|at| text.get(at)))
        && !word(text.get(span.end))
        && text[span.start..span.end].find_byte(b'\n').is_none()
}
