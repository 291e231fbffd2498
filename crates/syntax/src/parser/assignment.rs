//! Assignments: their left sides, and compound values.

use super::text::{Mode, TextFrame, is_word_end};
use super::token::{Tok, WordContext, is_name, is_name_start};
use super::*;

/// How far the left side of an assignment has been read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Left {
    /// Nothing has been read: a name may come.
    Start,
    /// `name` is read, its subscript is being read.
    InSubscript(Str),
    /// `name[subscript]` is read.
    AfterSubscript(Str, Word),
    /// `name=` is read.
    Done(Name),
    /// It is no assignment.
    None,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) name: Str,
    pub(super) subscript: Option<Word>,
    pub(super) append: bool,
}

impl Parser {
    /// Reads `name=`, `name+=`, `name[` or finds that there is no assignment.
    pub(super) fn left_side(&mut self, mut f: TextFrame) -> Result<()> {
        let Mode::Word(context) = f.mode else {
            f.left = Left::None;
            self.set_top(Frame::Text(f));
            return Ok(());
        };
        match f.left {
            Left::Start => {
                f.left = Left::None;
                let mut at = self.pos;
                if context.element {
                    if self.byte(at)? == Some(b'[') {
                        f.left = Left::InSubscript(Str::EMPTY);
                        return self.begin_subscript(f, at);
                    }
                    self.set_top(Frame::Text(f));
                    return Ok(());
                }
                loop {
                    self.unfold(at)?;
                    let Some(b) = self.byte(at)? else { break };
                    if !(is_name(b) && (at > self.pos || is_name_start(b))) {
                        break;
                    }
                    at += 1;
                }
                if at > self.pos {
                    match self.byte(at)? {
                        Some(b'[')
                            if context.assign && (context.blanks || self.closes_before_blank(at)?) =>
                        {
                            let name = self.add_bytes(self.pos, at);
                            f.left = Left::InSubscript(name);
                            return self.begin_subscript(f, at);
                        }
                        Some(b'=') => return self.left_done(f, context, at, false, None),
                        Some(b'+') if self.byte(at + 1)? == Some(b'=') => {
                            return self.left_done(f, context, at, true, None);
                        }
                        _ => {}
                    }
                }
            }
            Left::AfterSubscript(name, subscript) => {
                let append = match self.peek(0)? {
                    Some(b'=') => Some(false),
                    Some(b'+') if self.peek(1)? == Some(b'=') => Some(true),
                    _ => None,
                };
                if let Some(append) = append {
                    return self.left_done(f, context, self.pos, append, Some((name, subscript)));
                }
                // No assignment: the text is part of an ordinary word.
                f.left = Left::None;
                f.tilde = false;
                let (open, close) = (subscript.span.start as usize, subscript.span.end as usize);
                let start = f.start as usize;
                self.literal(f.base, start, open);
                self.parts
                    .extend_from_slice(&self.ast.parts[subscript.parts.start()..][..subscript.parts.len()]);
                self.push_literal(close, close + 1);
            }
            _ => f.left = Left::None,
        }
        self.set_top(Frame::Text(f));
        Ok(())
    }

    /// Whether the subscript whose bracket is at `at` ends before an unquoted blank.
    fn closes_before_blank(&mut self, mut at: usize) -> Result<bool> {
        let (mut brackets, mut parens, mut quote) = (0usize, 0usize, 0u8);
        while let Some(b) = self.byte(at)? {
            match b {
                b'\\' if quote != b'\'' => at += 1,
                _ if quote == b => quote = 0,
                _ if quote != 0 => {}
                b'\'' | b'"' | b'`' => quote = b,
                b'(' => parens += 1,
                b')' if parens > 0 => parens -= 1,
                b'[' => brackets += 1,
                b']' => {
                    brackets -= 1;
                    if brackets == 0 {
                        return Ok(true);
                    }
                }
                _ if parens == 0 && is_word_end(b) => return Ok(false),
                _ => {}
            }
            at += 1;
        }
        Ok(false)
    }

    pub(super) fn begin_subscript(&mut self, f: TextFrame, bracket: usize) -> Result<()> {
        self.set_top(Frame::Text(f));
        self.pos = bracket + 1;
        let text = TextFrame::new(self, Mode::Subscript, self.pos);
        self.push_frame(Frame::Text(text))
    }

    /// The position is at the name or after the subscript, `=` or `+=` at `at`.
    pub(super) fn left_done(
        &mut self,
        mut f: TextFrame,
        context: WordContext,
        at: usize,
        append: bool,
        subscripted: Option<(Str, Word)>,
    ) -> Result<()> {
        let value = at + 1 + usize::from(append);
        f.tilde = true;
        f.like_assignment = true;
        if !context.assign && !context.element {
            // An argument that looks like an assignment.
            f.left = Left::None;
            self.literal(f.base, self.pos, value);
            self.pos = value;
            self.set_top(Frame::Text(f));
            return Ok(());
        }
        let compound = context.assign && self.byte(value)? == Some(b'(');
        let (name, subscript) = match subscripted {
            Some((name, subscript)) => (name, Some(subscript)),
            None => (self.add_bytes(self.pos, at), None),
        };
        f.left = Left::Done(Name { name, subscript, append });
        self.pos = value;
        self.last_end = value;
        self.set_top(Frame::Text(f));
        if compound {
            self.pos += 1;
            let base = self.elements.len() as u32;
            return self.push_frame(Frame::Array { start: value as u32, base });
        }
        Ok(())
    }

    /// A token inside `name=( … )`.
    pub(super) fn array_token(&mut self, start: u32, base: u32, tok: Tok) -> Result<()> {
        match tok {
            Tok::Newline => self.consume(),
            Tok::Word(w) => {
                self.consume();
                let element = match w.assignment {
                    Some(Assignment { subscript, append, value: AssignmentValue::Scalar(value), .. }) => {
                        ArrayElement { subscript, append, value }
                    }
                    _ => ArrayElement { subscript: None, append: false, value: w.word },
                };
                self.elements.push(element);
            }
            Tok::RParen => {
                if self.peek(0)?.is_some_and(|b| !is_word_end(b)) {
                    return self.array_in_word(base);
                }
                self.consume();
                let seq = seal(&mut self.elements, base as usize, &mut self.ast.elements);
                self.frames.pop();
                let Some(Frame::Text(f)) = self.frames.pop() else { return Ok(()) };
                let Left::Done(name) = f.left else { return Ok(()) };
                let span = Span { start: f.start, end: self.pos as u32 };
                let parts = seal(&mut self.parts, f.base as usize, &mut self.ast.parts);
                let word = Word { parts, span, braces: false };
                let assignment = Assignment {
                    name: name.name,
                    subscript: name.subscript,
                    append: name.append,
                    value: AssignmentValue::Array(seq),
                    span,
                };
                self.tok_start = f.start as usize;
                self.word_done(word, Some(assignment), true)?;
            }
            tok => {
                let _ = start;
                let mut stop = self.unexpected(tok);
                if let Stop::Error(error) = &mut stop
                    && let ErrorKind::UnexpectedToken(token) = &mut error.kind
                {
                    error.kind = ErrorKind::ArrayToken(std::mem::take(token));
                }
                return Err(stop);
            }
        }
        Ok(())
    }

    /// `name=(…)` goes on with other text: then all of it is an ordinary word, as in `let a=(4*3)/2`.
    pub(super) fn array_in_word(&mut self, base: u32) -> Result<()> {
        self.consume();
        self.elements.truncate(base as usize);
        self.frames.pop();
        if let Some(Frame::Text(mut f)) = self.frames.last().copied() {
            f.left = Left::None;
            f.like_assignment = false;
            f.tilde = false;
            self.push_literal(f.start as usize, self.pos);
            self.set_top(Frame::Text(f));
        }
        Ok(())
    }

    pub(super) fn ast_value_start(
        &self,
        f: TextFrame,
        name: Str,
        subscript: Option<Word>,
        append: bool,
    ) -> u32 {
        match subscript {
            Some(s) => s.span.end + 2 + u32::from(append),
            None => f.start + name.len + 1 + u32::from(append),
        }
    }

    pub(super) fn subscript_done(&mut self, word: Word) -> Result<()> {
        match self.frames.last().copied() {
            Some(Frame::Text(mut f)) => {
                f.left = match f.left {
                    Left::InSubscript(name) => Left::AfterSubscript(name, word),
                    left => left,
                };
                self.set_top(Frame::Text(f));
                Ok(())
            }
            _ => self.operand_done(word, Some(b']')),
        }
    }
}
