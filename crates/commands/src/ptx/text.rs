//! The texts of a permuted index: their sentences, words and references.

use bstr::BString;

use super::Pattern;
use crate::{Done, Tool};

/// What is a word.
pub(super) enum Words {
    Pattern(Pattern),
    /// A run of these bytes.
    Set(Box<[bool; 256]>),
}

/// A word in its sentence.
pub(super) struct Keyword {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its sentence, without blanks around it and without a reference.
    pub(super) left: usize,
    pub(super) right: usize,
    /// The number of its line, and where that begins.
    pub(super) line: u64,
    line_start: usize,
}

/// A text.
pub(super) struct Source {
    pub(super) name: BString,
    pub(super) text: Vec<u8>,
    /// All words, in order.
    words: Vec<(usize, usize)>,
    pub(super) keywords: Vec<Keyword>,
    /// The length of the longest word.
    pub(super) longest: usize,
}

pub(super) fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

impl Source {
    pub(super) fn new(name: BString, text: Vec<u8>) -> Source {
        Source { name, text, words: Vec::new(), keywords: Vec::new(), longest: 0 }
    }

    pub(super) fn keyword(&self, index: usize) -> &[u8] {
        self.keywords.get(index).and_then(|word| self.text.get(word.start..word.end)).unwrap_or_default()
    }

    /// Passes blanks, up to `end`.
    pub(super) fn pass(&self, mut at: usize, end: usize) -> usize {
        while at < end && self.text.get(at).is_some_and(|byte| is_white(*byte)) {
            at += 1;
        }
        at
    }

    /// Passes blanks backwards, down to `start`.
    pub(super) fn pass_back(&self, mut at: usize, start: usize) -> usize {
        while at > start && self.text.get(at - 1).is_some_and(|byte| is_white(*byte)) {
            at -= 1;
        }
        at
    }

    /// Where a reference that begins at `at` ends.
    fn reference_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.iter().position(|byte| is_white(*byte)).unwrap_or(rest.len())
    }

    /// The reference of a keyword's line.
    pub(super) fn reference(&self, word: &Keyword) -> &[u8] {
        self.text.get(word.line_start..self.reference_end(word.line_start)).unwrap_or_default()
    }

    /// The word that `at` is inside of.
    pub(super) fn word_around(&self, at: usize) -> Option<(usize, usize)> {
        let index = self.words.partition_point(|(_, end)| *end <= at);
        self.words.get(index).copied().filter(|(start, _)| *start < at)
    }

    /// Finds the sentences, and in them the keywords.
    pub(super) async fn find(
        &mut self,
        t: &Tool,
        sentence: Option<&Pattern>,
        words: &Words,
        references: bool,
        keep: &dyn Fn(&[u8]) -> bool,
    ) -> Done {
        let (mut begin, mut line, mut line_start, mut counted) = (0, 1, 0, 0);
        while begin < self.text.len() {
            let mut next = self.text.len();
            if let Some(pattern) = sentence
                && let Some((start, end)) = pattern.find(&self.text, begin)?
            {
                // A sentence has something before its end.
                if start == begin {
                    return Err(pattern.empty());
                }
                next = end;
            }
            let right = self.pass_back(next, begin);
            let mut left = begin;
            if references {
                left = self.pass(self.reference_end(self.pass(begin, right)).min(right), right);
            }
            let mut at = left;
            while let Some((start, end)) = self.word(words, at, right)? {
                at = end.max(at + 1);
                for (offset, byte) in self.text.get(counted..start).unwrap_or_default().iter().enumerate() {
                    if *byte == b'\n' {
                        line += 1;
                        line_start = counted + offset + 1;
                    }
                }
                counted = start;
                self.words.push((start, end));
                self.longest = self.longest.max(end - start);
                let referred = references && start < self.reference_end(line_start);
                if !referred && keep(self.text.get(start..end).unwrap_or_default()) {
                    self.keywords.push(Keyword { start, end, left, right, line, line_start });
                }
                t.ctx.tick().await;
            }
            begin = next;
            t.ctx.tick().await;
        }
        Ok(())
    }

    /// The next word between two places.
    fn word(&self, words: &Words, at: usize, end: usize) -> Result<Option<(usize, usize)>, crate::Fail> {
        let text = self.text.get(..end).unwrap_or_default();
        match words {
            Words::Set(set) => {
                let part = |byte: &u8| set.get(usize::from(*byte)).copied().unwrap_or(false);
                let rest = text.get(at..).unwrap_or_default();
                let Some(start) = rest.iter().position(part) else { return Ok(None) };
                let count = rest.iter().skip(start).take_while(|byte| part(byte)).count();
                Ok(Some((at + start, at + start + count)))
            }
            Words::Pattern(pattern) => match pattern.find(text, at)? {
                Some((start, end)) if end > start => Ok(Some((start, end))),
                // Nothing is no word.
                Some((start, _)) if start < end => self.word(words, start + 1, end),
                _ => Ok(None),
            },
        }
    }
}
