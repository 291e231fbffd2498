//! The parser: a pushdown automaton with an explicit stack.
//!
//! Lexical and grammatical constructs share one stack of frames, because a word may hold commands (`$(…)`)
//! and commands hold words. A lexical frame on top reads bytes; a grammatical frame on top gets one token of
//! lookahead. Finished children are delivered to the frame below. So nesting costs heap, never native stack,
//! every byte is looked at a constant number of times, and the parser can stop between any two bytes to wait
//! for more input.

mod assignment;
mod compound;
mod cond;
mod dollar;
mod heredoc;
mod input;
mod list;
mod param;
mod rebase;
mod simple;
mod text;
mod token;

use std::collections::HashSet;
use std::mem;

use crate::ast::*;
use crate::error::{ParseError, ParseErrorKind as ErrorKind, Warning};
pub use crate::options::{Aliases, NoAliases, ParserOptions};
pub use text::Whole;

use compound::{CaseFrame, ForFrame, FunctionFrame};
use cond::CondFrame;
use heredoc::{OpenBody, PendingHereDoc};
use input::Source;
use list::{ListEnd, ListFrame};
use param::ParamFrame;
use simple::{PendingRedirect, SimpleFrame};
use text::{Mode, TextFrame};
use token::{Tok, WordToken};

/// Why a step of the automaton did not happen.
#[derive(Debug)]
enum Stop {
    /// The text ends here and more may come; nothing was changed.
    NeedInput,
    Error(Box<ParseError>),
}

type Result<T> = std::result::Result<T, Stop>;

/// What [`Parser::poll`] found.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one")]
pub enum Poll {
    /// A complete command; of blank lines and comments alone nothing is returned.
    Command(Ast),
    /// The text so far ends inside a command, or it is used up: push more, or finish.
    NeedInput {
        /// A command has begun (a shell shows its second prompt).
        inside: bool,
    },
    /// Everything has been read.
    End,
}

/// Reads complete commands from source text.
#[derive(Clone, Debug)]
pub struct Parser {
    /// Settings; they may be changed between commands.
    pub options: ParserOptions,
    source: Source,
    /// The text of the current command as far as it was read.
    text: Vec<u8>,
    /// The next byte.
    pos: usize,
    /// The text ends here for now (inside a here-document).
    limit: usize,
    /// The last newline of the text was not in the source.
    added_newline: bool,
    /// A position and its line.
    line_cursor: (usize, u32),
    ast: Ast,
    frames: Vec<Frame>,
    tok: Option<Tok>,
    tok_start: usize,
    /// End of the last token that was consumed.
    last_end: usize,
    /// Descriptor before a redirection operator whose first byte is next.
    fd: RedirectFd,
    result: Option<List>,
    /// The result of [`parse_text`].
    whole: Word,
    /// Here-documents whose bodies come after the next newline, from `pending_base` on.
    pending: Vec<PendingHereDoc>,
    pending_base: usize,
    /// Here-documents whose bodies are being read, the innermost last.
    bodies: Vec<OpenBody>,
    /// Positions of `((` that turned out to be two parentheses.
    not_arith: HashSet<usize>,
    /// Bytes read twice because of that.
    reread: usize,
    /// Aliases inside whose text the position is: name and end of the text.
    active_aliases: Vec<(Vec<u8>, usize)>,
    /// An alias that ends in a blank has been replaced up to here: the next word may be an alias too.
    alias_next: Option<usize>,
    /// The text of an argument begins here: its first word may be an alias too.
    alias_again: Option<usize>,
    /// Frames of the parsers around this one.
    outer_depth: usize,
    /// Children of unfinished nodes, each kind a stack; a frame knows where its own begin.
    parts: Vec<Part>,
    stages: Vec<Stage>,
    and_or_parts: Vec<AndOrPart>,
    and_ors: Vec<AndOr>,
    assignments: Vec<Assignment>,
    arguments: Vec<Argument>,
    redirects: Vec<Redirect>,
    elements: Vec<ArrayElement>,
    words: Vec<Word>,
    clauses: Vec<IfClause>,
    arms: Vec<CaseArm>,
    cond_ops: Vec<cond::Operator>,
    parens: Vec<u32>,
}

/// Where a compound command began.
#[derive(Clone, Copy, Debug)]
struct Head {
    start: u32,
    line: u32,
}

/// One construct that has begun and not ended.
#[derive(Clone, Copy, Debug)]
enum Frame {
    /// A sequence of parts: a word, double quotes, the word of an expansion, arithmetic …
    Text(TextFrame),
    /// `${…}`
    Param(ParamFrame),
    /// `$(…)`, `<(…)`, `>(…)`
    Substitution {
        start: u32,
        process: Option<ProcessKind>,
    },
    /// `( … )` of a compound assignment.
    Array {
        start: u32,
        base: u32,
    },
    /// Bodies of here-documents, `next` to be read.
    HereDocs {
        next: u32,
        base: u32,
    },
    List(ListFrame),
    Simple(SimpleFrame),
    /// Redirections after a compound command.
    Tail {
        head: Head,
        kind: CommandKind,
        base: u32,
        end_line: u32,
        redirect: Option<PendingRedirect>,
    },
    Group(Head),
    Subshell(Head),
    If {
        head: Head,
        base: u32,
        cond: Option<List>,
        last: bool,
    },
    Loop {
        head: Head,
        until: bool,
        cond: Option<List>,
    },
    For(ForFrame),
    Case(CaseFrame),
    Cond(CondFrame),
    Function(FunctionFrame),
    Coproc {
        head: Head,
        name: Option<Str>,
        first: Option<WordToken>,
    },
}

/// The memory of a command with a longer text is not kept.
const RECYCLED: usize = 64 * 1024;

impl Parser {
    /// A parser for the whole of `source`.
    pub fn new(source: impl Into<Vec<u8>>, options: ParserOptions) -> Self {
        Self::with_source(Source::new(source.into(), true), options)
    }

    /// A parser whose source comes piece by piece through [`push`](Self::push).
    pub fn incremental(options: ParserOptions) -> Self {
        Self::with_source(Source::new(Vec::new(), false), options)
    }

    fn with_source(source: Source, options: ParserOptions) -> Self {
        Parser {
            options,
            source,
            text: Vec::new(),
            pos: 0,
            limit: usize::MAX,
            added_newline: false,
            line_cursor: (0, 1),
            ast: Ast { first_line: 1, last_line: 1, ..Ast::default() },
            frames: Vec::new(),
            tok: None,
            tok_start: 0,
            last_end: 0,
            fd: RedirectFd::Default,
            result: None,
            whole: Word::default(),
            pending: Vec::new(),
            pending_base: 0,
            bodies: Vec::new(),
            not_arith: HashSet::new(),
            reread: 0,
            active_aliases: Vec::new(),
            alias_next: None,
            alias_again: None,
            outer_depth: 0,
            parts: Vec::new(),
            stages: Vec::new(),
            and_or_parts: Vec::new(),
            and_ors: Vec::new(),
            assignments: Vec::new(),
            arguments: Vec::new(),
            redirects: Vec::new(),
            elements: Vec::new(),
            words: Vec::new(),
            clauses: Vec::new(),
            arms: Vec::new(),
            cond_ops: Vec::new(),
            parens: Vec::new(),
        }
    }

    /// Sets the number of the line that is read next. Only meaningful between commands.
    pub fn set_line(&mut self, line: u32) {
        self.line_cursor = (self.pos, line);
        self.ast.first_line = line;
    }

    /// The number of the line that is read next.
    pub fn line(&self) -> u32 {
        if self.pos < self.line_cursor.0 {
            let newlines = memchr::memchr_iter(b'\n', self.slice(self.pos, self.line_cursor.0)).count();
            return self.line_cursor.1 - newlines as u32;
        }
        self.line_cursor.1
            + memchr::memchr_iter(b'\n', self.slice(self.line_cursor.0, self.pos)).count() as u32
    }

    /// Adds source text (best whole lines). Nothing after [`finish`](Self::finish).
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.source.complete {
            self.source.data.extend(bytes);
        }
    }

    /// Says that the source is complete.
    pub fn finish(&mut self) {
        self.source.complete = true;
    }

    /// Takes back the source text that has not been looked at: it comes again line by line through
    /// [`push`](Self::push), and [`finish`](Self::finish) says that it is complete.
    pub fn hold_back(&mut self) -> Vec<u8> {
        self.source.complete = false;
        std::mem::take(&mut self.source.data).into()
    }

    /// Whether the next line belongs to the body of a here-document.
    pub fn in_here_document(&self) -> bool {
        !self.bodies.is_empty() || self.frames.iter().any(|frame| matches!(frame, Frame::HereDocs { .. }))
    }

    /// Source text that no command has used yet.
    pub fn remaining(&self) -> usize {
        self.source.data.len() + self.text.len().saturating_sub(self.pos)
    }

    /// The next complete command: a list up to the end of its line. `None` at the end of the source.
    ///
    /// After an error the rest of the line is skipped. If an incremental parser needs more input, that is an
    /// error too: use [`poll`](Self::poll) there.
    ///
    /// # Errors
    /// The text is not well-formed or ends inside a command.
    pub fn next(&mut self, aliases: &dyn Aliases) -> std::result::Result<Option<Ast>, ParseError> {
        match self.poll(aliases)? {
            Poll::Command(ast) => Ok(Some(ast)),
            Poll::End => Ok(None),
            Poll::NeedInput { inside: false } => Ok(None),
            Poll::NeedInput { inside: true } => {
                let at = self.text.len();
                match self.error_at(ErrorKind::UnexpectedEof, at) {
                    Stop::Error(error) => Err(*error),
                    Stop::NeedInput => Ok(None),
                }
            }
        }
    }

    /// Like [`next`](Self::next), but tells apart that more input is needed. Parsing goes on where it was
    /// when more has been pushed; nothing is read twice.
    ///
    /// # Errors
    /// The text is not well-formed or ends inside a command.
    pub fn poll(&mut self, aliases: &dyn Aliases) -> std::result::Result<Poll, ParseError> {
        if self.frames.is_empty() {
            self.begin();
        }
        loop {
            match self.run(aliases) {
                Ok(()) => {}
                Err(Stop::NeedInput) => {
                    // Blank lines and comments begin nothing.
                    let mut lines =
                        self.text[..self.pos].split(|b| *b == b'\n').map(<[u8]>::trim_ascii_start);
                    let inside = lines.any(|line| !line.is_empty() && !line.starts_with(b"#"))
                        || self.tok.is_some()
                        || self.frames.len() > 1;
                    return Ok(Poll::NeedInput { inside });
                }
                Err(Stop::Error(error)) => {
                    if self.recover_in_here_doc(&error) {
                        continue;
                    }
                    self.skip_line();
                    return Err(*error);
                }
            }
            if let Some(root) = self.result.take() {
                let ast = self.end(root);
                if !root.items.is_empty() || !ast.warnings.is_empty() {
                    return Ok(Poll::Command(ast));
                }
                if matches!(self.byte(self.pos), Ok(None)) {
                    return Ok(Poll::End);
                }
                self.recycle(ast);
                self.begin();
            }
        }
    }

    /// Takes a command that nobody needs any more: the next one is read into its memory.
    pub fn recycle(&mut self, mut ast: Ast) {
        if !self.frames.is_empty() || ast.text.len() > RECYCLED {
            return;
        }
        ast.clear();
        if self.text.is_empty() {
            self.text = mem::take(&mut ast.text);
        }
        self.ast = ast;
    }

    fn begin(&mut self) {
        let line = self.line();
        self.text.drain(..self.pos);
        self.pos = 0;
        self.last_end = 0;
        self.line_cursor = (0, line);
        self.ast.clear();
        self.ast.first_line = line;
        self.not_arith.clear();
        self.reread = 0;
        self.alias_next = None;
        self.alias_again = None;
        self.active_aliases.clear();
        self.frames.push(Frame::List(ListFrame::new(self, ListEnd::Line)));
    }

    fn end(&mut self, root: List) -> Ast {
        let last_line = self.line_at(self.pos);
        let mut ast = mem::take(&mut self.ast);
        ast.root = root;
        ast.last_line = last_line;
        let rest = self.text.split_off(self.pos);
        ast.text = mem::replace(&mut self.text, rest);
        self.pos = 0;
        self.line_cursor = (0, last_line);
        ast
    }

    /// After an error: forgets the command and the rest of its line.
    fn skip_line(&mut self) {
        self.limit = usize::MAX;
        let at = self.pos.max(self.tok_start);
        self.frames.clear();
        self.tok = None;
        self.result = None;
        self.fd = RedirectFd::Default;
        self.pending.clear();
        self.pending_base = 0;
        self.bodies.clear();
        self.truncate(&Marks::default());
        if at > 0 && self.text.get(at - 1) == Some(&b'\n') && self.pos == at && at > self.tok_start {
            return;
        }
        loop {
            match self.find(b'\n', at) {
                Ok(Some(end)) => self.pos = end + 1,
                Ok(None) | Err(Stop::NeedInput) => self.pos = self.text.len(),
                Err(Stop::Error(_)) => continue,
            }
            return;
        }
    }

    /// Runs the automaton until a command is complete.
    fn run(&mut self, aliases: &dyn Aliases) -> Result<()> {
        while self.result.is_none() {
            let Some(frame) = self.frames.last().copied() else { return Ok(()) };
            match frame {
                Frame::Text(frame) => self.text_step(frame, aliases)?,
                Frame::Param(frame) => self.param_step(frame)?,
                Frame::HereDocs { next, base } => self.here_docs_step(next as usize, base as usize)?,
                _ => {
                    let Some(tok) = self.tok else {
                        self.read_token(frame)?;
                        continue;
                    };
                    match frame {
                        Frame::List(frame) => self.list_token(frame, tok, aliases)?,
                        Frame::Simple(frame) => self.simple_token(frame, tok, aliases)?,
                        Frame::Tail { head, kind, base, end_line, redirect } => {
                            self.tail_token(head, kind, base, end_line, redirect, tok)?;
                        }
                        Frame::For(frame) => self.for_token(frame, tok, aliases)?,
                        Frame::Case(frame) => self.case_token(frame, tok, aliases)?,
                        Frame::Cond(frame) => self.cond_token(frame, tok)?,
                        Frame::Function(frame) => self.function_token(frame, tok)?,
                        Frame::Coproc { head, name: _, first } => self.coproc_token(head, first, tok)?,
                        Frame::Array { start, base } => self.array_token(start, base, tok)?,
                        // The others only wait for their children.
                        _ => return Err(self.unexpected(tok)),
                    }
                }
            }
        }
        Ok(())
    }

    fn push_frame(&mut self, frame: Frame) -> Result<()> {
        if self.frames.len() + self.outer_depth >= self.options.max_depth as usize {
            return Err(self.error_at(ErrorKind::TooDeep { limit: self.options.max_depth }, self.pos));
        }
        self.frames.push(frame);
        Ok(())
    }

    fn set_top(&mut self, frame: Frame) {
        if let Some(top) = self.frames.last_mut() {
            *top = frame;
        }
    }

    /// Marks the token of lookahead as used.
    fn consume(&mut self) {
        self.tok = None;
        self.last_end = self.pos;
    }

    fn span_from(&self, start: u32) -> Span {
        Span { start, end: (self.last_end as u32).max(start) }
    }

    fn head_here(&mut self) -> Head {
        Head { start: self.tok_start as u32, line: self.line_at(self.tok_start) }
    }

    fn add_bytes(&mut self, start: usize, end: usize) -> Str {
        let s = Str { start: self.ast.bytes.len() as u32, len: (end - start) as u32 };
        if let Some(bytes) = self.text.get(start..end) {
            self.ast.bytes.extend_from_slice(bytes);
        }
        s
    }

    fn add_owned(&mut self, bytes: &[u8]) -> Str {
        let s = Str { start: self.ast.bytes.len() as u32, len: bytes.len() as u32 };
        self.ast.bytes.extend_from_slice(bytes);
        s
    }

    /// The source text of a word that is not expanded, without line continuations.
    fn add_name(&mut self, word: Word) -> Str {
        let (start, end) = (word.span.start as usize, word.span.end as usize);
        if memchr::memchr(b'\n', self.slice(start, end)).is_none() {
            return self.add_bytes(start, end);
        }
        let text = self.slice(start, end).to_vec();
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(&b) = text.get(at) {
            if b == b'\\' && text.get(at + 1) == Some(&b'\n') {
                at += 2;
                continue;
            }
            out.push(b);
            at += 1;
        }
        self.add_owned(&out)
    }

    fn error_at(&mut self, kind: ErrorKind, at: usize) -> Stop {
        let line = self.line_at(at);
        self.error_with_line(kind, at, line)
    }

    fn error_with_line(&mut self, kind: ErrorKind, at: usize, line: u32) -> Stop {
        let at = at.min(self.text.len());
        let start = memchr::memrchr(b'\n', &self.text[..at]).map_or(0, |i| i + 1);
        let end = memchr::memchr(b'\n', &self.text[at..]).map_or(self.text.len(), |i| at + i);
        Stop::Error(Box::new(ParseError {
            kind,
            line,
            column: (at - start) as u32 + 1,
            in_substitution: self.frames.iter().any(|frame| matches!(frame, Frame::Substitution { .. })),
            source_line: self.text[start..end].to_vec(),
        }))
    }

    fn unexpected(&mut self, tok: Tok) -> Stop {
        let at = self.tok_start;
        if let Tok::Eof = tok {
            let inner = self.frames.iter().rev().find_map(|f| match f {
                Frame::Substitution { .. } => Some(None),
                Frame::Array { start, .. } => Some(Some(*start)),
                _ => None,
            });
            return match inner {
                None => self.error_at(ErrorKind::UnexpectedEof, at),
                Some(None) => self.error_at(ErrorKind::UnmatchedDelimiter(b')'), at),
                Some(Some(start)) => self.error_at(ErrorKind::UnmatchedDelimiter(b')'), start as usize),
            };
        }
        let text = self.token_text(tok);
        self.error_at(ErrorKind::UnexpectedToken(text), at)
    }

    fn marks(&self) -> Marks {
        Marks {
            stages: self.stages.len(),
            and_or_parts: self.and_or_parts.len(),
            and_ors: self.and_ors.len(),
            assignments: self.assignments.len(),
            arguments: self.arguments.len(),
            redirects: self.redirects.len(),
            elements: self.elements.len(),
            words: self.words.len(),
            clauses: self.clauses.len(),
            arms: self.arms.len(),
            cond_ops: self.cond_ops.len(),
            parens: self.parens.len(),
            parts: self.parts.len(),
        }
    }

    fn truncate(&mut self, marks: &Marks) {
        self.stages.truncate(marks.stages);
        self.and_or_parts.truncate(marks.and_or_parts);
        self.and_ors.truncate(marks.and_ors);
        self.assignments.truncate(marks.assignments);
        self.arguments.truncate(marks.arguments);
        self.redirects.truncate(marks.redirects);
        self.elements.truncate(marks.elements);
        self.words.truncate(marks.words);
        self.clauses.truncate(marks.clauses);
        self.arms.truncate(marks.arms);
        self.cond_ops.truncate(marks.cond_ops);
        self.parens.truncate(marks.parens);
        self.parts.truncate(marks.parts);
    }
}

/// Heights of the stacks of unfinished children.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    stages: usize,
    and_or_parts: usize,
    and_ors: usize,
    assignments: usize,
    arguments: usize,
    redirects: usize,
    elements: usize,
    words: usize,
    clauses: usize,
    arms: usize,
    cond_ops: usize,
    parens: usize,
    parts: usize,
}

/// Moves the nodes from `base` on to their arena.
fn seal<T>(stack: &mut Vec<T>, base: usize, arena: &mut Vec<T>) -> Seq<T> {
    let start = arena.len();
    arena.extend(stack.drain(base.min(stack.len())..));
    Seq::new(start, arena.len() - start)
}

fn add<T>(arena: &mut Vec<T>, node: T) -> Id<T> {
    arena.push(node);
    Id::new(arena.len() - 1)
}

/// Parses the whole of a source and returns its commands as one list each; used where bash parses a string
/// that it executes at once (`eval`, traps).
///
/// # Errors
/// The first command that is not well-formed.
pub fn parse_all(
    source: &[u8],
    options: ParserOptions,
    aliases: &dyn Aliases,
) -> std::result::Result<Vec<Ast>, ParseError> {
    let mut parser = Parser::new(source, options);
    let mut out = Vec::new();
    while let Some(ast) = parser.next(aliases)? {
        out.push(ast);
    }
    Ok(out)
}

/// Reads a text that is parts alone (a subscript, a prompt …) to its end.
///
/// # Errors
/// An expansion in it is not well-formed.
pub fn parse_text(
    text: &[u8],
    kind: Whole,
    line: u32,
    options: ParserOptions,
    aliases: &dyn Aliases,
) -> std::result::Result<(Ast, Word), ParseError> {
    let mut parser = Parser::with_source(Source::new(Vec::new(), true), options);
    parser.text = text.to_vec();
    parser.set_line(line);
    let frame = TextFrame::new(&parser, Mode::Whole(kind), 0);
    parser.frames.push(Frame::Text(frame));
    loop {
        match parser.run(aliases) {
            Ok(()) => break,
            Err(Stop::Error(error)) if parser.recover_in_here_doc(&error) => {}
            Err(Stop::Error(error)) => return Err(*error),
            Err(Stop::NeedInput) => break,
        }
    }
    let root = parser.result.take().unwrap_or(List { items: Seq::new(0, 0) });
    let word = mem::take(&mut parser.whole);
    Ok((parser.end(root), word))
}

#[cfg(test)]
mod tests;
