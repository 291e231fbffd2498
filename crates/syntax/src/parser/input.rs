//! The text that the parser reads: lines are copied one by one from the source into the text of the current
//! command, where aliases are substituted in place.

use std::collections::VecDeque;

use memchr::{memchr, memchr_iter};

use super::{Parser, Result, Stop};

/// Source text is copied in pieces of at most this size, so that the replacement of an alias never moves more.
const PIECE: usize = 4096;

/// Source text that has not been read yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) data: VecDeque<u8>,
    /// No more will come.
    pub(super) complete: bool,
    /// Whether the last byte handed out was a newline.
    ends_line: bool,
}

impl Source {
    pub(super) fn new(bytes: Vec<u8>, complete: bool) -> Self {
        Source { data: bytes.into(), complete, ends_line: true }
    }
}

impl Parser {
    /// Appends the next piece of source to the text. `Ok(false)` at the end of the source.
    pub(super) fn fill(&mut self) -> Result<bool> {
        if self.limit != usize::MAX {
            return Ok(false);
        }
        let (head, _) = self.source.data.as_slices();
        if head.is_empty() {
            if !self.source.complete {
                return Err(Stop::NeedInput);
            }
            if self.source.ends_line {
                return Ok(false);
            }
            // Bash ends the last line if the source does not.
            self.source.ends_line = true;
            self.added_newline = true;
            self.text.push(b'\n');
            return Ok(true);
        }
        let head = &head[..head.len().min(PIECE)];
        let len = memchr(b'\n', head).map_or(head.len(), |i| i + 1);
        self.source.ends_line = head[len - 1] == b'\n';
        self.text.extend_from_slice(&head[..len]);
        self.source.data.drain(..len);
        if self.text.len() >= crate::ast::UNESCAPED as usize {
            return Err(self.error_at(super::ErrorKind::TooLong, self.pos));
        }
        Ok(true)
    }

    /// The byte `n` bytes after the position; `None` at the end of the input.
    #[inline]
    pub(super) fn peek(&mut self, n: usize) -> Result<Option<u8>> {
        self.byte(self.pos + n)
    }

    /// The byte at `at`; `None` at the end of the input.
    #[inline]
    pub(super) fn byte(&mut self, at: usize) -> Result<Option<u8>> {
        loop {
            if at >= self.limit {
                return Ok(None);
            }
            if let Some(&b) = self.text.get(at) {
                return Ok(Some(b));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The position of the first `needle` from `at` on; `None` if there is none before the end of the input.
    pub(super) fn find(&mut self, needle: u8, mut at: usize) -> Result<Option<usize>> {
        loop {
            let end = self.text.len().min(self.limit);
            if let Some(slice) = self.text.get(at..end) {
                if let Some(i) = memchr(needle, slice) {
                    return Ok(Some(at + i));
                }
                at = end;
            }
            if end == self.limit || !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Whether a backslash at `at` stands before the newline that the parser has added at the end of the
    /// source: it is then no line continuation.
    pub(super) fn is_added_newline(&self, at: usize) -> bool {
        self.added_newline && self.source.data.is_empty() && at + 1 == self.text.len()
    }

    /// Bytes `start..end` of the text.
    pub(super) fn slice(&self, start: usize, end: usize) -> &[u8] {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The line number of the byte at `at`. Calls with ascending positions cost linear time together.
    pub(super) fn line_at(&mut self, at: usize) -> u32 {
        let at = at.min(self.text.len());
        let (known, line) = self.line_cursor;
        let line = if at >= known {
            line + memchr_iter(b'\n', &self.text[known..at]).count() as u32
        } else {
            line - memchr_iter(b'\n', &self.text[at..known]).count() as u32
        };
        self.line_cursor = (at, line);
        line
    }

    /// Replaces bytes `start..end` of the text, which must not lie before the position.
    pub(super) fn splice(&mut self, start: usize, end: usize, with: &[u8]) {
        let known = self.line_cursor.0;
        if known > start {
            self.line_at(start);
        }
        self.text.splice(start..end, with.iter().copied());
        self.moved((with.len() as isize).saturating_sub_unsigned(end - start));
    }

    /// Text at the position has grown by so many bytes: ends of here-documents around it move.
    fn moved(&mut self, grown: isize) {
        if self.limit == usize::MAX || self.bodies.is_empty() {
            return;
        }
        self.limit = self.limit.saturating_add_signed(grown);
        for body in &mut self.bodies {
            body.moved(grown);
        }
        for pending in &mut self.pending {
            pending.moved(grown);
        }
    }

    /// Takes line continuations at `at` out of the text. `at` must not lie before the position.
    pub(super) fn unfold(&mut self, at: usize) -> Result<()> {
        while self.byte(at)? == Some(b'\\')
            && self.byte(at + 1)? == Some(b'\n')
            && !self.is_added_newline(at + 1)
        {
            self.splice(at, at + 2, b"");
            self.line_cursor.1 += 1;
        }
        Ok(())
    }
}
