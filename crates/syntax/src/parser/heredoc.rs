//! Bodies of here-documents.

use super::text::{Mode, TextFrame};
use super::*;

/// A here-document whose body has not been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingHereDoc {
    id: Id<HereDoc>,
    /// Line of the redirection.
    line: u32,
    progress: Option<Progress>,
    /// Body found: its end and the end of the delimiter's line.
    found: Option<(usize, usize)>,
}

/// A body whose parts are being read: what to go back to if they cannot be.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenBody {
    marks: Marks,
    frames: usize,
    previous_limit: usize,
    limit: usize,
    pending_base: usize,
    pending: usize,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    body: usize,
    /// Start of the next line.
    at: usize,
    /// Where the line began that the next one continues: it ended in a backslash.
    continues: Option<usize>,
}

/// A line with those that continue it, as one.
fn without_continuations(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while let Some(tail) = rest.strip_prefix(b"\\\n") {
            rest = tail;
        }
        let (first, tail) = rest.split_first()?;
        rest = tail;
        Some(*first)
    })
}

impl OpenBody {
    /// Its text has grown by so many bytes.
    pub(super) fn moved(&mut self, grown: isize) {
        self.limit = self.limit.saturating_add_signed(grown);
        if self.previous_limit != usize::MAX {
            self.previous_limit = self.previous_limit.saturating_add_signed(grown);
        }
    }
}

impl PendingHereDoc {
    /// The text of its body has grown by so many bytes.
    pub(super) fn moved(&mut self, grown: isize) {
        if let Some((end, after)) = &mut self.found {
            *end = end.saturating_add_signed(grown);
            *after = after.saturating_add_signed(grown);
        }
    }

    pub(super) fn new(id: Id<HereDoc>, line: u32) -> Self {
        PendingHereDoc { id, line, progress: None, found: None }
    }
}

impl Parser {
    /// Reads the bodies of the here-documents from `next` on; the position is after a newline or a body.
    pub(super) fn here_docs_step(&mut self, next: usize, base: usize) -> Result<()> {
        let Some(pending) = self.pending.get(next).copied() else {
            self.pending.truncate(base);
            self.pending_base = base;
            self.frames.pop();
            self.tok = Some(Tok::Newline);
            return Ok(());
        };
        let here_doc = self.ast[pending.id];
        let mut delimiter = self.ast[here_doc.delimiter].to_vec();
        if here_doc.strip_tabs {
            // Lines are compared after their tabs have been removed.
            let tabs = delimiter.iter().take_while(|b| **b == b'\t').count();
            delimiter.drain(..tabs);
        }
        let mut progress =
            pending.progress.unwrap_or(Progress { body: self.pos, at: self.pos, continues: None });
        let (body_end, after) = loop {
            if let Some(pending) = self.pending.get_mut(next) {
                pending.progress = Some(progress);
            }
            let start = progress.at;
            let Some(end) = self.find(b'\n', start)? else {
                // The input ends here.
                let end = self.text.len().min(self.limit);
                if self.slice(start, end) == delimiter && end > start {
                    break (start, end);
                }
                self.warn_at_eof(end.saturating_sub(1), pending.line, delimiter);
                break (end, end);
            };
            let mut end = end;
            // Of a line that continues another one they are text.
            if here_doc.strip_tabs && progress.continues.is_none() {
                let tabs = self.slice(start, end).iter().take_while(|b| **b == b'\t').count();
                if tabs > 0 {
                    self.splice(start, start + tabs, b"");
                    end -= tabs;
                    if self.limit != usize::MAX && self.bodies.is_empty() {
                        self.limit -= tabs;
                    }
                }
            }
            let line = self.slice(start, end);
            if let Some(first) = progress.continues {
                if without_continuations(self.slice(first, end)).eq(delimiter.iter().copied()) {
                    break (first, end + 1);
                }
            } else {
                if line == delimiter {
                    break (start, end + 1);
                }
                // In a command substitution `EOF)` ends the body too.
                if !delimiter.is_empty()
                    && line.starts_with(&delimiter)
                    && line[delimiter.len()..].contains(&b')')
                    && self.frames.iter().any(|f| matches!(f, Frame::Substitution { .. }))
                {
                    let end = start + delimiter.len();
                    self.warn_at_eof(start, pending.line, delimiter);
                    break (start, end);
                }
            }
            let backslashes = line.iter().rev().take_while(|b| **b == b'\\').count();
            progress.continues = match progress.continues {
                _ if here_doc.quoted || backslashes % 2 == 0 => None,
                first => first.or(Some(start)),
            };
            progress.at = end + 1;
        };
        let start = progress.body;
        let line = self.line_at(start);
        let span = Span { start: start as u32, end: body_end as u32 };
        if here_doc.quoted {
            let s = self.add_bytes(start, body_end);
            let first = self.ast.parts.len();
            self.ast.parts.push(Part::SingleQuoted(s));
            self.set_here_doc_body(pending.id, Word { parts: Seq::new(first, 1), span, braces: false }, line);
            self.pos = after;
            self.set_top(Frame::HereDocs { next: next as u32 + 1, base: base as u32 });
            return Ok(());
        }
        if let Some(pending) = self.pending.get_mut(next) {
            pending.found = Some((body_end, after));
        }
        self.set_here_doc_body(pending.id, Word::default(), line);
        self.bodies.push(OpenBody {
            marks: self.marks(),
            frames: self.frames.len() + 1,
            previous_limit: self.limit,
            limit: body_end,
            pending_base: self.pending_base,
            pending: self.pending.len(),
        });
        self.pos = start;
        self.limit = body_end;
        let text = TextFrame::new(self, Mode::HereDoc, start);
        self.push_frame(Frame::Text(text))
    }

    fn warn_at_eof(&mut self, at: usize, start: u32, delimiter: Vec<u8>) {
        let line = self.line_at(at);
        self.ast.warnings.push(Warning::HereDocAtEof { line, start, delimiter });
    }

    fn set_here_doc_body(&mut self, id: Id<HereDoc>, body: Word, line: u32) {
        if let Some(here_doc) = self.ast.here_docs.get_mut(id.index()) {
            here_doc.body = body;
            here_doc.line = line;
        }
    }

    /// The parts of a body are complete; the frame of the here-documents is on top.
    pub(super) fn here_doc_done(&mut self, body: Word) {
        if let Some(open) = self.bodies.pop() {
            self.limit = open.previous_limit;
        }
        let Some(Frame::HereDocs { next, base }) = self.frames.last().copied() else { return };
        if let Some(PendingHereDoc { id, found: Some((_, after)), .. }) =
            self.pending.get(next as usize).copied()
        {
            if let Some(here_doc) = self.ast.here_docs.get_mut(id.index()) {
                here_doc.body = body;
            }
            self.pos = after;
        }
        self.set_top(Frame::HereDocs { next: next + 1, base });
    }

    /// Bash looks at the expansions in a body only when it expands them, so an error there becomes a part of
    /// the body. False if the parser is in no body.
    pub(super) fn recover_in_here_doc(&mut self, error: &ParseError) -> bool {
        if matches!(error.kind, ErrorKind::TooDeep { .. } | ErrorKind::TooLong | ErrorKind::TooManyRereads) {
            return false;
        }
        let Some(open) = self.bodies.last().copied() else { return false };
        self.truncate(&open.marks);
        self.frames.truncate(open.frames);
        self.tok = None;
        self.fd = RedirectFd::Default;
        self.pending_base = open.pending_base;
        self.pending.truncate(open.pending);
        self.limit = open.limit;
        self.pos = open.limit;
        self.ast.errors.push(error.clone());
        self.parts.push(Part::Error(self.ast.errors.len() as u32 - 1));
        true
    }
}
