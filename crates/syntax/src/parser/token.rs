//! Tokens: operators, and where words begin and end.

use super::list::Expect;
use super::text::{Mode, TextFrame};
use super::*;

/// A token of lookahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tok {
    Word(WordToken),
    Newline,
    Eof,
    Semi,
    Amp,
    AndAnd,
    OrOr,
    Pipe,
    PipeAmp,
    LParen,
    RParen,
    DoubleSemi,
    SemiAmp,
    DoubleSemiAmp,
    Redirect(RedirectOp, RedirectFd),
}

/// A word, perhaps an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WordToken {
    pub(super) word: Word,
    pub(super) assignment: Option<Assignment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RedirectOp {
    Input,
    Output,
    Clobber,
    Append,
    ReadWrite,
    DupInput,
    DupOutput,
    OutputBoth,
    AppendBoth,
    HereDoc,
    HereDocStrip,
    HereString,
}

impl RedirectOp {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            RedirectOp::Input => "<",
            RedirectOp::Output => ">",
            RedirectOp::Clobber => ">|",
            RedirectOp::Append => ">>",
            RedirectOp::ReadWrite => "<>",
            RedirectOp::DupInput => "<&",
            RedirectOp::DupOutput => ">&",
            RedirectOp::OutputBoth => "&>",
            RedirectOp::AppendBoth => "&>>",
            RedirectOp::HereDoc => "<<",
            RedirectOp::HereDocStrip => "<<-",
            RedirectOp::HereString => "<<<",
        }
    }
}

impl Tok {
    fn operator_str(self) -> &'static str {
        match self {
            Tok::Word(_) | Tok::Eof => "",
            Tok::Newline => "newline",
            Tok::Semi => ";",
            Tok::Amp => "&",
            Tok::AndAnd => "&&",
            Tok::OrOr => "||",
            Tok::Pipe => "|",
            Tok::PipeAmp => "|&",
            Tok::LParen => "(",
            Tok::RParen => ")",
            Tok::DoubleSemi => ";;",
            Tok::SemiAmp => ";&",
            Tok::DoubleSemiAmp => ";;&",
            Tok::Redirect(op, _) => op.as_str(),
        }
    }
}

pub(super) fn is_blank(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

pub(super) fn is_name_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_'
}

pub(super) fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// Which kind of word the frame on top can take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WordContext {
    /// `name=` and `name[…]=` begin assignments.
    pub(super) assign: bool,
    /// Blanks may stand in the subscript of an assignment.
    pub(super) blanks: bool,
    /// `[…]=` begins an element of a compound assignment.
    pub(super) element: bool,
    /// An argument that looks like an assignment has tilde prefixes like one.
    pub(super) tilde_in_argument: bool,
    /// Right of `=~`.
    pub(super) regex: bool,
    pub(super) extglob: bool,
    /// Digits before `<` and `>` are no descriptor.
    pub(super) cond: bool,
}

impl Parser {
    /// How an error message names a token.
    pub(super) fn token_text(&self, tok: Tok) -> Vec<u8> {
        match tok {
            Tok::Word(w) => self.slice(w.word.span.start as usize, w.word.span.end as usize).to_vec(),
            tok => tok.operator_str().as_bytes().to_vec(),
        }
    }

    fn word_context(&self, frame: Frame) -> WordContext {
        let extglob = self.options.extglob;
        let plain = WordContext { extglob, ..WordContext::default() };
        match frame {
            Frame::List(f) => WordContext {
                assign: !matches!(f.expect, Expect::Operator | Expect::TimeOption),
                blanks: true,
                ..plain
            },
            Frame::Simple(f) => {
                let no_args = f.arg_base as usize == self.arguments.len();
                WordContext {
                    assign: f.redirect.is_none() && (no_args || f.declaration || self.options.keyword),
                    blanks: no_args,
                    tilde_in_argument: f.redirect.is_none() && !no_args && !self.options.posix,
                    ..plain
                }
            }
            Frame::For(_) => WordContext { tilde_in_argument: !self.options.posix, ..plain },
            Frame::Array { .. } => WordContext { element: true, ..plain },
            Frame::Cond(f) => {
                let (regex, pattern) = f.operand_kind();
                WordContext { regex, extglob: extglob || pattern, cond: true, ..plain }
            }
            _ => plain,
        }
    }

    /// Reads a token for the frame on top: sets `tok`, or pushes the frame of a word that sets it.
    pub(super) fn read_token(&mut self, frame: Frame) -> Result<()> {
        let mut at = self.pos;
        loop {
            match self.byte(at)? {
                Some(b' ' | b'\t') => at += 1,
                Some(b'\\') if self.byte(at + 1)? == Some(b'\n') && !self.is_added_newline(at + 1) => at += 2,
                Some(b'#') if self.options.comments => {
                    at = match self.find(b'\n', at)? {
                        Some(end) => end,
                        None => self.text.len().min(self.limit),
                    };
                }
                _ => break,
            }
        }
        self.pos = at;
        self.tok_start = at;
        let Some(b) = self.byte(at)? else {
            self.tok = Some(Tok::Eof);
            return Ok(());
        };
        if b == b'\n' {
            self.pos += 1;
            if self.pending.len() > self.pending_base {
                let base = self.pending_base as u32;
                self.pending_base = self.pending.len();
                return self.push_frame(Frame::HereDocs { next: base, base });
            }
            self.tok = Some(Tok::Newline);
            return Ok(());
        }
        if matches!(b, b'<' | b'>') && self.fd == RedirectFd::Default && self.starts_process(at)?
            || b == b'(' && self.regex_operand(frame)
            || !matches!(b, b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
        {
            return self.begin_word(frame);
        }
        let (tok, end) = self.operator(at, b)?;
        self.pos = end;
        self.tok = Some(tok);
        Ok(())
    }

    /// The operator whose first byte `b` is at `at`, and where it ends.
    fn operator(&mut self, at: usize, b: u8) -> Result<(Tok, usize)> {
        let first = at + 1;
        let (second, after_second) = self.operator_byte(first)?;
        let mut redirect = |op, end| {
            let fd = std::mem::replace(&mut self.fd, RedirectFd::Default);
            (Tok::Redirect(op, fd), end)
        };
        Ok(match (b, second) {
            (b';', Some(b';')) => match self.operator_byte(after_second)? {
                (Some(b'&'), end) => (Tok::DoubleSemiAmp, end),
                _ => (Tok::DoubleSemi, after_second),
            },
            (b';', Some(b'&')) => (Tok::SemiAmp, after_second),
            (b';', _) => (Tok::Semi, first),
            (b'&', Some(b'&')) => (Tok::AndAnd, after_second),
            (b'&', Some(b'>')) => match self.operator_byte(after_second)? {
                (Some(b'>'), end) => (Tok::Redirect(RedirectOp::AppendBoth, RedirectFd::Default), end),
                _ => (Tok::Redirect(RedirectOp::OutputBoth, RedirectFd::Default), after_second),
            },
            (b'&', _) => (Tok::Amp, first),
            (b'|', Some(b'|')) => (Tok::OrOr, after_second),
            (b'|', Some(b'&')) => (Tok::PipeAmp, after_second),
            (b'|', _) => (Tok::Pipe, first),
            (b'(', _) => (Tok::LParen, first),
            (b')', _) => (Tok::RParen, first),
            (b'<', Some(b'<')) => {
                let (op, end) = match self.operator_byte(after_second)? {
                    (Some(b'<'), end) => (RedirectOp::HereString, end),
                    (Some(b'-'), end) => (RedirectOp::HereDocStrip, end),
                    _ => (RedirectOp::HereDoc, after_second),
                };
                let fd = std::mem::replace(&mut self.fd, RedirectFd::Default);
                (Tok::Redirect(op, fd), end)
            }
            (b'<', Some(b'&')) => redirect(RedirectOp::DupInput, after_second),
            (b'<', Some(b'>')) => redirect(RedirectOp::ReadWrite, after_second),
            (b'<', _) => redirect(RedirectOp::Input, first),
            (_, Some(b'>')) => redirect(RedirectOp::Append, after_second),
            (_, Some(b'&')) => redirect(RedirectOp::DupOutput, after_second),
            (_, Some(b'|')) => redirect(RedirectOp::Clobber, after_second),
            _ => redirect(RedirectOp::Output, first),
        })
    }

    /// The byte at `at` after line continuations, and the position after it.
    fn operator_byte(&mut self, mut at: usize) -> Result<(Option<u8>, usize)> {
        loop {
            match self.byte(at)? {
                Some(b'\\') if self.byte(at + 1)? == Some(b'\n') && !self.is_added_newline(at + 1) => at += 2,
                b => return Ok((b, at + 1)),
            }
        }
    }

    fn regex_operand(&self, frame: Frame) -> bool {
        matches!(frame, Frame::Cond(f) if f.operand_kind().0)
    }

    /// Whether `<` or `>` at `at` begins a process substitution.
    pub(super) fn starts_process(&mut self, at: usize) -> Result<bool> {
        Ok(!self.options.posix && self.byte(at + 1)? == Some(b'('))
    }

    fn begin_word(&mut self, frame: Frame) -> Result<()> {
        let context = self.word_context(frame);
        let text = TextFrame::new(self, Mode::Word(context), self.pos);
        self.push_frame(Frame::Text(text))
    }

    /// A word has ended before the position: makes it a token, or the descriptor of a redirection.
    pub(super) fn word_done(&mut self, word: Word, assignment: Option<Assignment>, cond: bool) -> Result<()> {
        if assignment.is_none()
            && !cond
            && let [Part::Literal(s)] = self.ast[word.parts]
            && matches!(self.ast[s].first(), Some(b'0'..=b'9' | b'{'))
            && s.len() == (word.span.end - word.span.start) as usize
            && matches!(self.peek(0)?, Some(b'<' | b'>'))
            && let Some(fd) = self.descriptor(s)
        {
            self.fd = fd;
            return Ok(());
        }
        self.tok = Some(Tok::Word(WordToken { word, assignment }));
        Ok(())
    }

    fn descriptor(&self, s: Str) -> Option<RedirectFd> {
        let bytes = &self.ast[s];
        if bytes.iter().all(u8::is_ascii_digit) {
            return std::str::from_utf8(bytes).ok()?.parse().ok().map(RedirectFd::Number);
        }
        let name = bytes.strip_prefix(b"{")?.strip_suffix(b"}")?;
        let ident = name.iter().take_while(|b| is_name(**b)).count();
        let subscript = &name[ident..];
        if !name.first().is_some_and(|b| is_name_start(*b))
            || !(subscript.is_empty() || subscript.starts_with(b"[") && subscript.ends_with(b"]"))
        {
            return None;
        }
        Some(RedirectFd::Variable(s.slice(1, s.len() - 1)))
    }

    /// The bytes of a word that is one unquoted literal.
    pub(super) fn bare_word(&self, w: WordToken) -> Option<&[u8]> {
        match (w.assignment, &self.ast[w.word.parts]) {
            (None, &[Part::Literal(s)]) => Some(&self.ast[s]),
            _ => None,
        }
    }

    /// Whether a token is the word `text` without quotes.
    pub(super) fn is_bare(&self, tok: Tok, text: &[u8]) -> bool {
        matches!(tok, Tok::Word(w) if self.bare_word(w) == Some(text))
    }

    /// Replaces an alias by its text; then the next token is read from that.
    pub(super) fn expand_alias(&mut self, w: WordToken, aliases: &dyn Aliases, argument: bool) -> bool {
        if !self.options.aliases {
            return false;
        }
        let start = w.word.span.start as usize;
        self.active_aliases.retain(|(_, end)| start < *end);
        let Some(name) = self.bare_word(w) else { return false };
        if self.active_aliases.iter().any(|(active, _)| active == name) {
            return false;
        }
        let Some(text) = aliases.get(name) else { return false };
        let name = name.to_vec();
        let end = self.pos;
        let mut text = text.to_vec();
        let blank = matches!(text.last(), Some(b) if is_blank(*b));
        // The number or `{name}` at its end is a word, not the descriptor of a redirection that follows.
        if text.last().is_some_and(|b| b.is_ascii_digit() || *b == b'}')
            && self.text.get(end).is_some_and(|b| matches!(b, b'<' | b'>'))
        {
            text.push(b' ');
        }
        self.splice(start, end, &text);
        let grown = text.len() as isize - (end - start) as isize;
        for (_, active_end) in &mut self.active_aliases {
            *active_end = active_end.saturating_add_signed(grown);
        }
        let new_end = start + text.len();
        self.active_aliases.push((name, new_end));
        self.alias_next = blank.then_some(new_end);
        // The first word of the text of an argument may be an alias as well.
        self.alias_again = argument.then_some(start);
        self.pos = start;
        self.tok = None;
        true
    }

    /// Whether an argument may be an alias: it follows an alias that ends in a blank.
    pub(super) fn after_blank_alias(&mut self, w: WordToken) -> bool {
        let start = w.word.span.start as usize;
        if self.alias_again.take() == Some(start) {
            return true;
        }
        match self.alias_next {
            Some(end) if w.word.span.start as usize >= end => {
                self.alias_next = None;
                true
            }
            _ => false,
        }
    }
}
