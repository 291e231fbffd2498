//! What begins with `$`, and backquotes.

use super::text::{Mode, Next, TextFrame};
use super::token::{is_name, is_name_start};
use super::*;
use crate::ast::UNESCAPED;
use crate::quote;

impl Parser {
    pub(super) fn begin_double_quotes(&mut self, skip: usize, localized: bool, nested: bool) -> Result<Next> {
        let start = self.pos;
        self.pos += skip;
        let text = TextFrame::new(self, Mode::DoubleQuotes { localized, nested }, start);
        self.push_frame(Frame::Text(text))?;
        Ok(Next::Leave)
    }

    /// Whether a text is the word of a `${…}` inside double quotes, where `$'…'` is as without them.
    fn is_in_quoted_operand(&self, f: TextFrame) -> bool {
        matches!(f.mode, Mode::Operand { quoted: true, .. })
            && self.frames.iter().rev().find_map(|frame| match frame {
                Frame::Text(text) => match text.mode {
                    Mode::DoubleQuotes { .. } => Some(true),
                    Mode::Operand { .. } => None,
                    _ => Some(false),
                },
                _ => None,
            }) == Some(true)
    }

    /// `$` at the position.
    pub(super) fn dollar(&mut self, f: TextFrame) -> Result<Next> {
        let start = self.pos;
        let quoted = f.mode.is_quoted();
        let Some(b) = self.peek(1)? else { return Ok(Next::Literal(1)) };
        match b {
            b'\\' if self.peek(2)? == Some(b'\n') && !self.is_added_newline(start + 2) => {
                self.unfold(start + 1)?;
                return Ok(Next::Continue);
            }
            b'"' if f.mode.is_arith() => {
                // The quotes are removed, and with them the dollar.
                self.pos += 1;
                return Ok(Next::Continue);
            }
            b'\'' if f.mode.is_arith() => {
                self.pos += 1;
                return Ok(Next::Continue);
            }
            b'(' => {
                self.unfold(start + 2)?;
                if self.peek(2)? == Some(b'(') && !self.not_arith.contains(&start) {
                    self.pos += 3;
                    let text = TextFrame::new(self, Mode::ArithExpansion, start);
                    self.push_frame(Frame::Text(text))?;
                } else {
                    self.pos += 2;
                    self.push_frame(Frame::Substitution { start: start as u32, process: None })?;
                    self.push_list(ListEnd::Paren)?;
                }
                return Ok(Next::Leave);
            }
            b'{' => {
                self.begin_param(quoted)?;
                return Ok(Next::Leave);
            }
            b'[' => {
                self.pos += 2;
                let text = TextFrame::new(self, Mode::ArithBracket, start);
                self.push_frame(Frame::Text(text))?;
                return Ok(Next::Leave);
            }
            b'\'' if !quoted || self.is_in_quoted_operand(f) => {
                let mut at = start + 2;
                loop {
                    match self.byte(at)? {
                        None => return Err(self.unmatched(b'\'', start)),
                        Some(b'\\') => at += 2,
                        Some(b'\'') => break,
                        Some(_) => at += 1,
                    }
                }
                let decoded = quote::decode_ansi_c(self.slice(start + 2, at));
                let s = self.add_owned(&decoded);
                let span = Span { start: start as u32, end: at as u32 + 1 };
                if self.ast.ansi_c.last().is_none_or(|(last, _)| *last < s.start) || s.is_empty() {
                    self.ast.ansi_c.push((s.start, span));
                }
                self.parts.push(Part::AnsiC(s));
                self.pos = at + 1;
                return Ok(Next::Continue);
            }
            b'"' if !quoted => return self.begin_double_quotes(2, true, false),
            b'"' if self.is_in_quoted_operand(f) => return self.begin_double_quotes(2, true, true),
            _ => {}
        }
        let (name, len) = if is_name_start(b) {
            let mut at = start + 2;
            self.unfold(at)?;
            while self.byte(at)?.is_some_and(is_name) {
                at += 1;
                self.unfold(at)?;
            }
            (ParamName::Variable(self.add_bytes(start + 1, at)), at - start)
        } else if b.is_ascii_digit() {
            (ParamName::Positional(u32::from(b - b'0')), 2)
        } else if matches!(b, b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') {
            (ParamName::Special(b), 2)
        } else {
            return Ok(Next::Literal(1));
        };
        let span = Span { start: start as u32, end: (start + len) as u32 };
        let param = Param { name, subscript: None, indirect: false, op: ParamOp::Value, span };
        let id = add(&mut self.ast.params, param);
        self.parts.push(Part::Param(id));
        self.pos = start + len;
        Ok(Next::Continue)
    }

    /// A backquote at the position: unescapes and parses what stands up to the next.
    pub(super) fn backquotes(&mut self, double_quoted: bool, aliases: &dyn Aliases) -> Result<Next> {
        let start = self.pos;
        let mut source = Vec::new();
        let mut at = start + 1;
        loop {
            match self.byte(at)? {
                None => return Err(self.unmatched(b'`', start)),
                Some(b'`') => break,
                Some(b'\\') => {
                    match self.byte(at + 1)? {
                        Some(c @ (b'`' | b'\\' | b'$')) => source.push(c),
                        Some(b'"') if double_quoted => source.push(b'"'),
                        // A line goes on, whatever the quoting inside is.
                        Some(b'\n') => {}
                        Some(c) => source.extend_from_slice(&[b'\\', c]),
                        None => return Err(self.unmatched(b'`', start)),
                    }
                    at += 2;
                }
                Some(c) => {
                    source.push(c);
                    at += 1;
                }
            }
        }
        let span = Span { start: start as u32, end: at as u32 + 1 };
        let line = self.line_at(start);
        let kept = self.add_owned(&source);
        // Each level of backquotes inside backquotes doubles the backslashes, so this recursion is never
        // deeper than the logarithm of the source's length.
        let mut inner = Parser::new(source, self.options);
        inner.line_cursor = (0, line);
        inner.outer_depth = self.outer_depth + self.frames.len();
        inner.ast = mem::take(&mut self.ast);
        let outer = (inner.ast.first_line, inner.ast.last_line);
        let age = rebase::age(&inner.ast);
        let (mut items, error) = inner.backquoted(aliases);
        self.ast = mem::take(&mut inner.ast);
        let base = self.ast.unescaped.len();
        if base + inner.text.len() >= UNESCAPED as usize {
            return Err(self.error_at(ErrorKind::TooLong, start));
        }
        self.ast.unescaped.append(&mut inner.text);
        let base = UNESCAPED | base as u32;
        rebase::rebase(&mut self.ast, age, base);
        for item in &mut items {
            rebase::span(base, &mut item.span);
        }
        (self.ast.first_line, self.ast.last_line) = outer;
        let first = self.ast.and_ors.len();
        self.ast.and_ors.extend(items);
        let list = List { items: Seq::new(first, self.ast.and_ors.len() - first) };
        let error = error.map(|error| {
            self.ast.errors.push(error);
            self.ast.errors.len() as u32 - 1
        });
        let substitution = Substitution { list, span, backquote: true, source: Some(kept), error };
        let id = add(&mut self.ast.substitutions, substitution);
        self.parts.push(Part::Command(id));
        self.pos = at + 1;
        Ok(Next::Continue)
    }

    /// Parses all commands of the source into the tree that is there; stops at the first error.
    pub(super) fn backquoted(&mut self, aliases: &dyn Aliases) -> (Vec<AndOr>, Option<ParseError>) {
        let mut items = Vec::new();
        loop {
            self.frames.push(Frame::List(ListFrame::new(self, ListEnd::Line)));
            loop {
                match self.run(aliases) {
                    Ok(()) => break,
                    Err(Stop::NeedInput) => return (items, None),
                    Err(Stop::Error(error)) if self.recover_in_here_doc(&error) => {}
                    Err(Stop::Error(error)) => return (items, Some(*error)),
                }
            }
            let Some(root) = self.result.take() else { return (items, None) };
            items.extend_from_slice(&self.ast[root.items]);
            if matches!(self.byte(self.pos), Ok(None)) {
                return (items, None);
            }
        }
    }
}
