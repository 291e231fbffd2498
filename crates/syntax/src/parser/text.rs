//! Words and every other sequence of parts: quotations, words of expansions, subscripts, arithmetic.

use super::token::{WordContext, is_blank, is_name, is_name_start};
use super::*;
use crate::ast::UNESCAPED;
use crate::quote;

/// What `/` does in a word of `${…}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slash {
    /// Nothing.
    No,
    /// It ends the pattern.
    Ends,
    /// It ends the pattern unless it is its first character.
    EndsAfterFirst,
}

/// What a sequence of parts is, which says how characters in it are read and where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// A word: ends before an unquoted metacharacter.
    Word(WordContext),
    /// Inside `"…"`.
    DoubleQuotes { localized: bool },
    /// The body of a here-document: ends at the limit.
    HereDoc,
    /// A word of `${…}`: ends at `}`, a pattern of `${v/…}` also at `/`. `quoted`: read as in double quotes.
    Operand { quoted: bool, slash: Slash },
    /// An expression of `${v:…}`: ends at `}` and `:`.
    Offset,
    /// `[…]` after a name.
    Subscript,
    /// `$((…))`
    ArithExpansion,
    /// `$[…]`
    ArithBracket,
    /// `((…))`
    ArithCommand { line: u32 },
    /// One expression of `for ((…;…;…))`.
    ArithFor,
}

impl Mode {
    /// Read as in double quotes.
    fn is_quoted(self) -> bool {
        !matches!(self, Mode::Word(_) | Mode::Operand { quoted: false, .. } | Mode::Subscript)
    }

    pub(super) fn is_arith(self) -> bool {
        matches!(
            self,
            Mode::Offset
                | Mode::ArithExpansion
                | Mode::ArithBracket
                | Mode::ArithCommand { .. }
                | Mode::ArithFor
        )
    }
}

/// How far the left side of an assignment has been read.
#[derive(Clone, Copy, Debug)]
enum Left {
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
struct Name {
    name: Str,
    subscript: Option<Word>,
    append: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct TextFrame {
    pub(super) mode: Mode,
    pub(super) start: u32,
    /// Where its parts begin among the parsers' unfinished ones.
    base: u32,
    /// Open parentheses or brackets inside.
    depth: u32,
    /// `?` without `:` in an offset.
    ternaries: u32,
    paren_base: u32,
    left: Left,
    /// A tilde here begins a tilde prefix.
    tilde: bool,
    /// The word looks like `name=…`: tilde prefixes also after colons.
    like_assignment: bool,
    braces: bool,
    /// Between apostrophes of a quoted operand, the first at `single`.
    in_single: bool,
    single: u32,
}

impl TextFrame {
    pub(super) fn new(parser: &Parser, mode: Mode, start: usize) -> Self {
        let left = match mode {
            Mode::Word(c) if c.assign || c.element || c.tilde_in_argument => Left::Start,
            _ => Left::None,
        };
        TextFrame {
            mode,
            start: start as u32,
            base: parser.parts.len() as u32,
            depth: 0,
            ternaries: 0,
            paren_base: parser.parens.len() as u32,
            left,
            tilde: matches!(mode, Mode::Word(_) | Mode::Operand { quoted: false, slash: Slash::No }),
            like_assignment: false,
            braces: false,
            in_single: false,
            single: 0,
        }
    }
}

/// Bytes that may mean something in unquoted text.
const UNQUOTED: [bool; 256] = table(b" \t\n;&|<>()\\'\"$`?*+@!~:={}[]/");
/// Bytes that may mean something in quoted text.
const QUOTED: [bool; 256] = table(b"\\\"'$`}");
/// Bytes that may mean something in arithmetic.
const ARITH: [bool; 256] = table(b"\\'\"$`()[]{};:?");

const fn table(special: &[u8]) -> [bool; 256] {
    let mut out = [false; 256];
    let mut i = 0;
    while i < special.len() {
        out[special[i] as usize] = true;
        i += 1;
    }
    out
}

impl Parser {
    /// Reads on in the text on top until it ends or something nested begins.
    pub(super) fn text_step(&mut self, mut f: TextFrame, aliases: &dyn Aliases) -> Result<()> {
        if !matches!(f.left, Left::None | Left::Done(_)) {
            return self.left_side(f);
        }
        let table = if f.mode.is_arith() {
            &ARITH
        } else if f.mode.is_quoted() {
            &QUOTED
        } else {
            &UNQUOTED
        };
        loop {
            // A run of ordinary bytes.
            let end = self.text.len().min(self.limit);
            let mut at = self.pos;
            while at < end && !table[self.text[at] as usize] {
                at += 1;
            }
            if at > self.pos {
                self.literal(f.base, self.pos, at);
                self.pos = at;
                f.tilde = false;
                self.set_top(Frame::Text(f));
            }
            let Some(b) = self.peek(0)? else { return self.text_eof(f) };
            if !table[b as usize] {
                continue;
            }
            let before = f;
            let done = if f.mode.is_quoted() {
                self.quoted_byte(&mut f, b, aliases)?
            } else {
                self.unquoted_byte(&mut f, b, aliases)?
            };
            match done {
                Next::Literal(n) => {
                    self.literal(f.base, self.pos, self.pos + n);
                    self.pos += n;
                    if f.tilde && before.tilde {
                        f.tilde = false;
                    }
                    self.set_top(Frame::Text(f));
                }
                Next::Continue => self.set_top(Frame::Text(f)),
                Next::Leave => return Ok(()),
            }
        }
    }

    fn unquoted_byte(&mut self, f: &mut TextFrame, b: u8, aliases: &dyn Aliases) -> Result<Next> {
        let (word, regex) = match f.mode {
            Mode::Word(c) => (true, c.regex),
            _ => (false, false),
        };
        match b {
            b'\\' => {
                match self.peek(1)? {
                    None => return Ok(Next::Literal(1)),
                    Some(b'\n') if self.is_added_newline(self.pos + 1) => return Ok(Next::Literal(1)),
                    Some(b'\n') => self.pos += 2,
                    Some(_) => {
                        let len = self.char_len(self.pos + 1)?;
                        self.escaped(f.base, self.pos + 1, self.pos + 1 + len);
                        self.pos += 1 + len;
                        f.tilde = false;
                    }
                }
                Ok(Next::Continue)
            }
            b'\'' => {
                let Some(end) = self.find(b'\'', self.pos + 1)? else {
                    return Err(self.unmatched(b'\'', self.pos));
                };
                let s = self.add_bytes(self.pos + 1, end);
                self.parts.push(Part::SingleQuoted(s));
                self.pos = end + 1;
                f.tilde = false;
                Ok(Next::Continue)
            }
            b'"' => {
                f.tilde = false;
                self.set_top(Frame::Text(*f));
                self.begin_double_quotes(1, false)
            }
            b'$' => {
                f.tilde = false;
                self.set_top(Frame::Text(*f));
                self.dollar(*f)
            }
            b'`' => {
                f.tilde = false;
                self.set_top(Frame::Text(*f));
                self.backquotes(false, aliases)
            }
            b'<' | b'>' if self.starts_process(self.pos)? => {
                f.tilde = false;
                self.set_top(Frame::Text(*f));
                let kind = if b == b'<' { ProcessKind::Read } else { ProcessKind::Write };
                let start = self.pos as u32;
                self.pos += 2;
                self.push_frame(Frame::Substitution { start, process: Some(kind) })?;
                self.push_list(ListEnd::Paren)?;
                Ok(Next::Leave)
            }
            b'?' | b'*' | b'+' | b'@' | b'!' => {
                if let Mode::Word(WordContext { extglob: true, .. }) = f.mode
                    && self.peek(1)? == Some(b'(')
                {
                    f.depth += 1;
                    return Ok(Next::Literal(2));
                }
                Ok(Next::Literal(1))
            }
            b'(' if word && (regex || f.depth > 0) => {
                f.depth += 1;
                Ok(Next::Literal(1))
            }
            b')' if word && f.depth > 0 => {
                f.depth -= 1;
                Ok(Next::Literal(1))
            }
            b'|' if regex => Ok(Next::Literal(1)),
            b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => {
                if word && f.depth == 0 {
                    return self.text_end(*f, 0);
                }
                Ok(Next::Literal(1))
            }
            b'~' if f.tilde => {
                let colon = b':';
                let mut end = self.pos + 1;
                loop {
                    match self.byte(end)? {
                        Some(b'/') | None => break,
                        Some(c) if c == colon => break,
                        Some(b'}') if !word => break,
                        Some(c) if is_word_end(c) => break,
                        Some(b'\\' | b'\'' | b'"' | b'$' | b'`' | b'{') => {
                            f.tilde = false;
                            return Ok(Next::Literal(1));
                        }
                        Some(_) => end += 1,
                    }
                }
                let s = self.add_bytes(self.pos + 1, end);
                self.parts.push(Part::Tilde(s));
                self.pos = end;
                f.tilde = false;
                Ok(Next::Continue)
            }
            b':' if f.like_assignment => {
                self.literal(f.base, self.pos, self.pos + 1);
                self.pos += 1;
                f.tilde = true;
                Ok(Next::Continue)
            }
            b'{' => {
                f.braces = true;
                Ok(Next::Literal(1))
            }
            b'}' if matches!(f.mode, Mode::Operand { .. }) => self.text_end(*f, 1),
            b'/' => match f.mode {
                Mode::Operand { slash: Slash::EndsAfterFirst, .. } if self.pos == f.start as usize => {
                    Ok(Next::Literal(1))
                }
                Mode::Operand { slash: Slash::Ends | Slash::EndsAfterFirst, .. } => self.text_end(*f, 1),
                _ => Ok(Next::Literal(1)),
            },
            b'[' if matches!(f.mode, Mode::Subscript) => {
                f.depth += 1;
                Ok(Next::Literal(1))
            }
            b']' if matches!(f.mode, Mode::Subscript) => {
                if f.depth == 0 {
                    return self.text_end(*f, 1);
                }
                f.depth -= 1;
                Ok(Next::Literal(1))
            }
            _ => Ok(Next::Literal(1)),
        }
    }

    fn quoted_byte(&mut self, f: &mut TextFrame, b: u8, aliases: &dyn Aliases) -> Result<Next> {
        match b {
            b'\\' => {
                let escaped = match self.peek(1)? {
                    Some(b'\n') if !self.is_added_newline(self.pos + 1) => {
                        self.pos += 2;
                        return Ok(Next::Continue);
                    }
                    Some(b'$' | b'`' | b'\\') => true,
                    Some(b'"') => !matches!(f.mode, Mode::HereDoc),
                    Some(b'}') => matches!(f.mode, Mode::Operand { .. }),
                    _ => false,
                };
                if !escaped {
                    // An apostrophe after a backslash is not one of a pair.
                    let pair = matches!(f.mode, Mode::Operand { .. }) && !f.in_single;
                    return Ok(Next::Literal(if pair && self.peek(1)? == Some(b'\'') { 2 } else { 1 }));
                }
                self.literal(f.base, self.pos + 1, self.pos + 2);
                self.pos += 2;
                Ok(Next::Continue)
            }
            b'$' => {
                self.set_top(Frame::Text(*f));
                self.dollar(*f)
            }
            b'`' => {
                self.set_top(Frame::Text(*f));
                let double_quoted = !matches!(f.mode, Mode::HereDoc);
                self.backquotes(double_quoted, aliases)
            }
            b'\'' if f.mode.is_arith() => match self.find(b'\'', self.pos + 1)? {
                Some(end) => Ok(Next::Literal(end + 1 - self.pos)),
                None => Err(self.unmatched(b'\'', self.pos)),
            },
            b'\'' => {
                if matches!(f.mode, Mode::Operand { .. }) && !self.options.posix {
                    // Between them a brace does not end the expansion; they stay in the text.
                    f.in_single = !f.in_single;
                    f.single = self.pos as u32;
                }
                Ok(Next::Literal(1))
            }
            b'"' if f.in_single => {
                self.pos += 1;
                Ok(Next::Continue)
            }
            b'}' if f.in_single => Ok(Next::Literal(1)),
            b'"' => match f.mode {
                Mode::DoubleQuotes { .. } => self.text_end(*f, 1),
                Mode::HereDoc => Ok(Next::Literal(1)),
                Mode::Operand { .. } => {
                    self.set_top(Frame::Text(*f));
                    self.begin_double_quotes(1, false)
                }
                _ => {
                    // Quotes in arithmetic are removed.
                    self.pos += 1;
                    Ok(Next::Continue)
                }
            },
            b'}' => match f.mode {
                Mode::Operand { .. } | Mode::Offset => self.text_end(*f, 1),
                _ => Ok(Next::Literal(1)),
            },
            _ => self.arith_byte(f, b),
        }
    }

    /// Parentheses, brackets and separators of arithmetic.
    fn arith_byte(&mut self, f: &mut TextFrame, b: u8) -> Result<Next> {
        match b {
            b'(' => {
                self.parens.push(self.pos as u32);
                f.depth += 1;
                Ok(Next::Literal(1))
            }
            b')' if f.depth > 0 => {
                let followed = self.peek(1)? == Some(b')');
                f.depth -= 1;
                if let Some(open) = self.parens.pop()
                    && !followed
                    && open > 0
                {
                    // If a `(` stands before it, the two are not those of an arithmetic command.
                    self.not_arith.insert(open as usize - 1);
                }
                Ok(Next::Literal(1))
            }
            b')' => match f.mode {
                Mode::ArithExpansion | Mode::ArithCommand { .. } | Mode::ArithFor => {
                    if self.peek(1)? == Some(b')') {
                        return self.text_end(*f, 2);
                    }
                    self.not_arith_after_all(*f)
                }
                _ => Ok(Next::Literal(1)),
            },
            b';' if matches!(f.mode, Mode::ArithFor) && f.depth == 0 => self.text_end(*f, 1),
            b'[' if matches!(f.mode, Mode::ArithBracket) => {
                f.ternaries += 1;
                Ok(Next::Literal(1))
            }
            b']' if matches!(f.mode, Mode::ArithBracket) => {
                if f.ternaries == 0 {
                    return self.text_end(*f, 1);
                }
                f.ternaries -= 1;
                Ok(Next::Literal(1))
            }
            b'?' if matches!(f.mode, Mode::Offset) => {
                f.ternaries += 1;
                Ok(Next::Literal(1))
            }
            b':' if matches!(f.mode, Mode::Offset) && f.depth == 0 => {
                if f.ternaries == 0 {
                    return self.text_end(*f, 1);
                }
                f.ternaries -= 1;
                Ok(Next::Literal(1))
            }
            _ => Ok(Next::Literal(1)),
        }
    }

    /// `((…)` did not end with `))`: reads it again as a subshell (in a command substitution).
    fn not_arith_after_all(&mut self, f: TextFrame) -> Result<Next> {
        let start = f.start as usize;
        self.reread += self.pos - start;
        if self.reread > 64 * (self.text.len() + PIECE_OF_GRACE) {
            return Err(self.error_at(ErrorKind::TooManyRereads, self.pos));
        }
        match f.mode {
            Mode::ArithFor => {
                let text = self.token_text(Tok::RParen);
                return Err(self.error_at(ErrorKind::UnexpectedToken(text), self.pos));
            }
            Mode::ArithCommand { .. } | Mode::ArithExpansion => {}
            _ => return Ok(Next::Literal(1)),
        }
        self.not_arith.insert(start);
        self.parts.truncate(f.base as usize);
        self.parens.truncate(f.paren_base as usize);
        self.pos = start;
        self.tok = None;
        self.frames.pop();
        if matches!(f.mode, Mode::ArithCommand { .. }) {
            self.paren_after_all(start)?;
        }
        Ok(Next::Leave)
    }

    /// Reads `name=`, `name+=`, `name[` or finds that there is no assignment.
    fn left_side(&mut self, mut f: TextFrame) -> Result<()> {
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
                while let Some(b) = self.byte(at)? {
                    if !(is_name(b) && (at > self.pos || is_name_start(b))) {
                        break;
                    }
                    at += 1;
                }
                if at > self.pos {
                    match self.byte(at)? {
                        Some(b'[') if context.assign => {
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

    fn begin_subscript(&mut self, f: TextFrame, bracket: usize) -> Result<()> {
        self.set_top(Frame::Text(f));
        self.pos = bracket + 1;
        let text = TextFrame::new(self, Mode::Subscript, self.pos);
        self.push_frame(Frame::Text(text))
    }

    /// The position is at the name or after the subscript, `=` or `+=` at `at`.
    fn left_done(
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
                return Err(self.unexpected(tok));
            }
        }
        Ok(())
    }

    /// `name=(…)` goes on with other text: then all of it is an ordinary word, as in `let a=(4*3)/2`.
    fn array_in_word(&mut self, base: u32) -> Result<()> {
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

    /// The text on top ends before `skip` bytes at the position: delivers it to the frame below.
    fn text_end(&mut self, f: TextFrame, skip: usize) -> Result<Next> {
        let terminator = self.peek(0)?;
        let mut span = Span { start: f.start, end: self.pos as u32 };
        let parts = seal(&mut self.parts, f.base as usize, &mut self.ast.parts);
        self.parens.truncate(f.paren_base as usize);
        self.pos += skip;
        self.frames.pop();
        let mut word = Word { parts, span, braces: f.braces };
        match f.mode {
            Mode::Word(context) => {
                let assignment = match f.left {
                    Left::Done(Name { name, subscript, append }) => {
                        word.span.start = self.ast_value_start(f, name, subscript, append);
                        Some(Assignment {
                            name,
                            subscript,
                            append,
                            value: AssignmentValue::Scalar(word),
                            span,
                        })
                    }
                    _ => None,
                };
                if assignment.is_some() {
                    let whole = Word { parts, span, braces: f.braces };
                    self.word_done(whole, assignment, context.cond)?;
                } else {
                    self.word_done(word, None, context.cond)?;
                }
            }
            Mode::DoubleQuotes { localized } => {
                if localized {
                    self.ast.localized.push((parts.start() as u32, f.start));
                }
                self.parts.push(if localized { Part::Localized(parts) } else { Part::DoubleQuoted(parts) });
            }
            Mode::HereDoc => self.here_doc_done(word),
            Mode::Operand { .. } | Mode::Offset => self.operand_done(word, terminator)?,
            Mode::Subscript => self.subscript_done(word)?,
            Mode::ArithExpansion | Mode::ArithBracket => {
                let open = if matches!(f.mode, Mode::ArithBracket) { 2 } else { 3 };
                span = Span { start: f.start, end: self.pos as u32 };
                let _ = open;
                self.parts.push(Part::Arith { text: parts, span });
            }
            Mode::ArithCommand { line } => {
                self.last_end = self.pos;
                word.span.start += 2;
                self.compound_done(Head { start: f.start, line }, CommandKind::Arith(word))?;
            }
            Mode::ArithFor => self.arith_for_done(word, terminator == Some(b')'))?,
        }
        Ok(Next::Leave)
    }

    fn ast_value_start(&self, f: TextFrame, name: Str, subscript: Option<Word>, append: bool) -> u32 {
        match subscript {
            Some(s) => s.span.end + 2 + u32::from(append),
            None => f.start + name.len + 1 + u32::from(append),
        }
    }

    fn subscript_done(&mut self, word: Word) -> Result<()> {
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

    /// The input ends inside the text on top.
    fn text_eof(&mut self, f: TextFrame) -> Result<()> {
        if f.in_single {
            return Err(self.unmatched(b'\'', f.single as usize));
        }
        let close = match f.mode {
            Mode::Word(_) if f.depth == 0 => return self.text_end(f, 0).map(|_| ()),
            Mode::HereDoc => return self.text_end(f, 0).map(|_| ()),
            Mode::DoubleQuotes { .. } => b'"',
            Mode::Operand { .. } | Mode::Offset => b'}',
            Mode::Subscript | Mode::ArithBracket => b']',
            _ => b')',
        };
        Err(self.unmatched(close, f.start as usize))
    }

    pub(super) fn unmatched(&mut self, close: u8, start: usize) -> Stop {
        self.error_at(ErrorKind::UnmatchedDelimiter(close), start)
    }

    /// Adds literal text to the text whose parts begin at `base`.
    fn literal(&mut self, base: u32, start: usize, end: usize) {
        let next = self.ast.bytes.len() as u32;
        if self.parts.len() > base as usize
            && let Some(Part::Literal(s)) = self.parts.last_mut()
            && s.start + s.len == next
        {
            s.len += (end - start) as u32;
            self.ast.bytes.extend_from_slice(&self.text[start..end]);
            return;
        }
        self.push_literal(start, end);
    }

    fn push_literal(&mut self, start: usize, end: usize) {
        let s = self.add_bytes(start, end);
        self.parts.push(Part::Literal(s));
    }

    fn escaped(&mut self, base: u32, start: usize, end: usize) {
        let s = self.add_bytes(start, end);
        if self.parts.len() > base as usize
            && let Some(Part::Escaped(last)) = self.parts.last_mut()
            && last.start + last.len == s.start
        {
            last.len += s.len;
            return;
        }
        self.parts.push(Part::Escaped(s));
    }

    /// Length of the UTF-8 character at `at`; of anything else 1.
    fn char_len(&mut self, at: usize) -> Result<usize> {
        let len = match self.byte(at)? {
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            _ => return Ok(1),
        };
        for i in 1..len {
            if !matches!(self.byte(at + i)?, Some(0x80..=0xbf)) {
                return Ok(1);
            }
        }
        Ok(len)
    }

    fn begin_double_quotes(&mut self, skip: usize, localized: bool) -> Result<Next> {
        let start = self.pos;
        self.pos += skip;
        let text = TextFrame::new(self, Mode::DoubleQuotes { localized }, start);
        self.push_frame(Frame::Text(text))?;
        Ok(Next::Leave)
    }

    /// `$` at the position.
    fn dollar(&mut self, f: TextFrame) -> Result<Next> {
        let start = self.pos;
        let quoted = f.mode.is_quoted();
        let Some(b) = self.peek(1)? else { return Ok(Next::Literal(1)) };
        match b {
            b'\\' if self.peek(2)? == Some(b'\n') && !self.is_added_newline(start + 2) => {
                // A line continuation after the dollar: takes it out of the text.
                self.splice(start + 1, start + 3, b"");
                let line = self.line_cursor.1 + 1;
                self.line_cursor = (self.line_cursor.0, line);
                return Ok(Next::Continue);
            }
            b'(' => {
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
            b'\'' if !quoted => {
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
            b'"' if !quoted => return self.begin_double_quotes(2, true),
            _ => {}
        }
        let (name, len) = if is_name_start(b) {
            let mut at = start + 2;
            while self.byte(at)?.is_some_and(is_name) {
                at += 1;
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
    fn backquotes(&mut self, double_quoted: bool, aliases: &dyn Aliases) -> Result<Next> {
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
    fn backquoted(&mut self, aliases: &dyn Aliases) -> (Vec<AndOr>, Option<ParseError>) {
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

/// Whether an unquoted byte ends a word.
fn is_word_end(b: u8) -> bool {
    is_blank(b) || matches!(b, b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

/// Slack for rereading in short sources.
const PIECE_OF_GRACE: usize = 65_536;

/// How the loop over the bytes of a text goes on.
enum Next {
    /// So many bytes are literal.
    Literal(usize),
    Continue,
    /// Another frame is on top.
    Leave,
}
