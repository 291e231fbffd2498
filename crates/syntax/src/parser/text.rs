//! Words and every other sequence of parts: quotations, words of expansions, subscripts, arithmetic.

use super::assignment::{Left, Name};
use super::token::{WordContext, is_blank};
use super::*;

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

/// How a text is read that is nothing but parts, up to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whole {
    /// As a word in which blanks are ordinary characters.
    Word,
    /// The same without tilde prefixes: a subscript of an associative array.
    Subscript,
    /// As inside double quotes; a double quote is an ordinary character.
    DoubleQuotes,
    /// As an arithmetic expression: as inside double quotes, and double quotes are removed.
    Arith,
}

/// What a sequence of parts is, which says how characters in it are read and where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// A word: ends before an unquoted metacharacter.
    Word(WordContext),
    /// Inside `"…"`. `nested`: these quotes stand in the word of a `${…}` that is itself in quotes, where a backslash
    /// before any character quotes it.
    DoubleQuotes { localized: bool, nested: bool },
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
    /// The whole of a text.
    Whole(Whole),
}

impl Mode {
    /// Read as in double quotes.
    pub(super) fn is_quoted(self) -> bool {
        !matches!(
            self,
            Mode::Word(_)
                | Mode::Operand { quoted: false, .. }
                | Mode::Subscript
                | Mode::Whole(Whole::Word | Whole::Subscript)
        )
    }

    pub(super) fn is_arith(self) -> bool {
        matches!(
            self,
            Mode::Offset
                | Mode::ArithExpansion
                | Mode::ArithBracket
                | Mode::ArithCommand { .. }
                | Mode::ArithFor
                | Mode::Whole(Whole::Arith)
        )
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct TextFrame {
    pub(super) mode: Mode,
    pub(super) start: u32,
    /// Where its parts begin among the parsers' unfinished ones.
    pub(super) base: u32,
    /// Open parentheses or brackets inside.
    depth: u32,
    /// `?` without `:` in an offset.
    ternaries: u32,
    paren_base: u32,
    pub(super) left: Left,
    /// A tilde here begins a tilde prefix.
    pub(super) tilde: bool,
    /// The word looks like `name=…`: tilde prefixes also after colons.
    pub(super) like_assignment: bool,
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
            tilde: matches!(
                mode,
                Mode::Word(_) | Mode::Operand { quoted: false, .. } | Mode::Whole(Whole::Word)
            ),
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
                self.begin_double_quotes(1, false, false)
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
                    _ => matches!(f.mode, Mode::DoubleQuotes { nested: true, .. }),
                };
                if !escaped {
                    // An apostrophe after a backslash is not one of a pair.
                    let pair = matches!(f.mode, Mode::Operand { .. }) && !f.in_single || f.mode.is_arith();
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
                None if matches!(f.mode, Mode::Whole(_)) => Ok(Next::Literal(1)),
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
                Mode::HereDoc | Mode::Whole(Whole::DoubleQuotes) => Ok(Next::Literal(1)),
                Mode::Operand { .. } => {
                    self.set_top(Frame::Text(*f));
                    self.begin_double_quotes(1, false, true)
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
                    self.unfold(self.pos + 1)?;
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
            Mode::DoubleQuotes { localized, .. } => {
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
            Mode::Whole(_) => {
                self.whole = word;
                self.result = Some(List { items: Seq::new(0, 0) });
            }
        }
        Ok(Next::Leave)
    }

    /// The input ends inside the text on top.
    fn text_eof(&mut self, f: TextFrame) -> Result<()> {
        if f.in_single {
            return Err(self.unmatched(b'\'', f.single as usize));
        }
        let close = match f.mode {
            Mode::Word(_) if f.depth == 0 => return self.text_end(f, 0).map(|_| ()),
            Mode::HereDoc | Mode::Whole(_) => return self.text_end(f, 0).map(|_| ()),
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
    pub(super) fn literal(&mut self, base: u32, start: usize, end: usize) {
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

    pub(super) fn push_literal(&mut self, start: usize, end: usize) {
        let s = self.add_bytes(start, end);
        self.parts.push(Part::Literal(s));
    }

    pub(super) fn escaped(&mut self, base: u32, start: usize, end: usize) {
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
    pub(super) fn char_len(&mut self, at: usize) -> Result<usize> {
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
}

/// Whether an unquoted byte ends a word.
pub(super) fn is_word_end(b: u8) -> bool {
    is_blank(b) || matches!(b, b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

/// Slack for rereading in short sources.
const PIECE_OF_GRACE: usize = 65_536;

/// How the loop over the bytes of a text goes on.
pub(super) enum Next {
    /// So many bytes are literal.
    Literal(usize),
    Continue,
    /// Another frame is on top.
    Leave,
}
