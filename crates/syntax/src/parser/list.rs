//! Lists, and-or lists and pipelines.

use super::token::{Tok, WordToken};
use super::*;

/// What ends a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListEnd {
    /// The end of the line: a complete command.
    Line,
    /// `)`
    Paren,
    /// `}`
    Brace,
    /// `then`
    Then,
    /// `elif`, `else`, `fi`
    Branch,
    /// `fi`
    Fi,
    /// `do`
    Do,
    /// `done`
    Done,
    /// `;;`, `;&`, `;;&`, `esac`
    CaseArm,
}

impl ListEnd {
    fn is_word(self, word: &[u8]) -> bool {
        match self {
            ListEnd::Line | ListEnd::Paren => false,
            ListEnd::Brace => word == b"}",
            ListEnd::Then => word == b"then",
            ListEnd::Branch => matches!(word, b"elif" | b"else" | b"fi"),
            ListEnd::Fi => word == b"fi",
            ListEnd::Do => word == b"do",
            ListEnd::Done => word == b"done",
            ListEnd::CaseArm => word == b"esac",
        }
    }

    fn is_operator(self, tok: Tok) -> bool {
        match self {
            ListEnd::Paren => tok == Tok::RParen,
            ListEnd::CaseArm => matches!(tok, Tok::DoubleSemi | Tok::SemiAmp | Tok::DoubleSemiAmp),
            _ => false,
        }
    }
}

/// What a list can take next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// A command, or the end of the list.
    Item,
    /// A command: an operator stands before it.
    Command,
    /// A command or nothing: `!` stands before it.
    AfterBang,
    /// `-p`, a command or nothing: `time` stands before it.
    TimeOption,
    /// An operator, or the end of the list.
    Operator,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ListFrame {
    pub(super) end: ListEnd,
    pub(super) expect: Expect,
    and_or_base: u32,
    part_base: u32,
    stage_base: u32,
    /// The and-or list in progress.
    item: Head,
    op: AndOrOp,
    /// The pipeline in progress.
    pipeline: Head,
    /// Whether `pipeline` (and `item`) have begun.
    begun: bool,
    negated: bool,
    time: Time,
}

impl ListFrame {
    pub(super) fn new(parser: &Parser, end: ListEnd) -> Self {
        let head = Head { start: 0, line: 0 };
        ListFrame {
            end,
            expect: Expect::Item,
            and_or_base: parser.and_ors.len() as u32,
            part_base: parser.and_or_parts.len() as u32,
            stage_base: parser.stages.len() as u32,
            item: head,
            op: AndOrOp::First,
            pipeline: head,
            begun: false,
            negated: false,
            time: Time::No,
        }
    }
}

/// Reserved words that cannot begin a command.
fn is_closing(word: &[u8]) -> bool {
    matches!(word, b"then" | b"else" | b"elif" | b"fi" | b"do" | b"done" | b"esac" | b"}" | b"in")
}

impl Parser {
    pub(super) fn push_list(&mut self, end: ListEnd) -> Result<()> {
        let frame = ListFrame::new(self, end);
        self.push_frame(Frame::List(frame))
    }

    pub(super) fn list_token(&mut self, mut f: ListFrame, tok: Tok, aliases: &dyn Aliases) -> Result<()> {
        if f.expect == Expect::Operator {
            return self.list_operator(f, tok);
        }
        match tok {
            Tok::Word(w) => {
                if self.expand_alias(w, aliases, false) {
                    return Ok(());
                }
                self.list_word(f, w)
            }
            Tok::LParen => {
                self.list_begin(&mut f);
                f.expect = Expect::Operator;
                self.set_top(Frame::List(f));
                self.begin_paren()
            }
            Tok::Redirect(..) => {
                self.list_begin(&mut f);
                f.expect = Expect::Operator;
                self.set_top(Frame::List(f));
                self.begin_simple()
            }
            Tok::Newline => match f.expect {
                Expect::Item if f.end == ListEnd::Line && self.and_ors.len() > f.and_or_base as usize => {
                    self.consume();
                    self.list_done(f)
                }
                Expect::Item | Expect::Command => {
                    self.consume();
                    Ok(())
                }
                _ => self.list_empty_pipeline(f),
            },
            Tok::Semi if matches!(f.expect, Expect::AfterBang | Expect::TimeOption) => {
                self.list_empty_pipeline(f)
            }
            Tok::Eof if f.end == ListEnd::Line && f.expect != Expect::Command => {
                if f.expect == Expect::Item {
                    self.list_done(f)
                } else {
                    self.list_empty_pipeline(f)
                }
            }
            tok if f.expect == Expect::Item && f.end.is_operator(tok) => {
                let empty = self.and_ors.len() == f.and_or_base as usize;
                let may_be_empty = f.end == ListEnd::CaseArm || self.in_substitution();
                if empty && !may_be_empty {
                    return Err(self.unexpected(tok));
                }
                self.list_done(f)
            }
            tok => Err(self.unexpected(tok)),
        }
    }

    /// Whether the list on top is that of a command or process substitution.
    fn in_substitution(&self) -> bool {
        matches!(self.frames.iter().rev().nth(1), Some(Frame::Substitution { .. }))
    }

    /// `!` or `time` without a command: the terminator is looked at again.
    fn list_empty_pipeline(&mut self, mut f: ListFrame) -> Result<()> {
        f.expect = Expect::Operator;
        self.set_top(Frame::List(f));
        Ok(())
    }

    /// Notes where the pipeline begins.
    fn list_begin(&mut self, f: &mut ListFrame) {
        if f.begun {
            return;
        }
        let head = self.head_here();
        f.pipeline = head;
        if f.op == AndOrOp::First {
            f.item = head;
        }
        f.begun = true;
    }

    fn list_word(&mut self, mut f: ListFrame, w: WordToken) -> Result<()> {
        let mut reserved = [0u8; 8];
        let word: &[u8] = match self.bare_word(w) {
            Some(bytes) if bytes.len() <= reserved.len() => {
                let reserved = &mut reserved[..bytes.len()];
                reserved.copy_from_slice(bytes);
                reserved
            }
            _ => b"",
        };
        if f.expect == Expect::TimeOption {
            match word {
                b"-p" => {
                    self.consume();
                    f.time = Time::Posix;
                    self.set_top(Frame::List(f));
                    return Ok(());
                }
                b"--" => {
                    self.consume();
                    f.expect = Expect::AfterBang;
                    self.set_top(Frame::List(f));
                    return Ok(());
                }
                _ => f.expect = Expect::AfterBang,
            }
        }
        if is_closing(word) {
            let empty = self.and_ors.len() == f.and_or_base as usize;
            if f.expect == Expect::Item && f.end.is_word(word) && (!empty || f.end == ListEnd::CaseArm) {
                return self.list_done(f);
            }
            return Err(self.unexpected(Tok::Word(w)));
        }
        self.list_begin(&mut f);
        match word {
            b"!" => {
                self.consume();
                f.negated = !f.negated;
                f.expect = Expect::AfterBang;
                self.set_top(Frame::List(f));
                return Ok(());
            }
            b"time" => {
                self.consume();
                if f.time == Time::No {
                    f.time = Time::Yes;
                }
                f.expect = Expect::TimeOption;
                self.set_top(Frame::List(f));
                return Ok(());
            }
            _ => {}
        }
        f.expect = Expect::Operator;
        self.set_top(Frame::List(f));
        if self.begin_compound(word)? { Ok(()) } else { self.begin_simple() }
    }

    fn list_operator(&mut self, mut f: ListFrame, tok: Tok) -> Result<()> {
        match tok {
            Tok::Pipe | Tok::PipeAmp => {
                if self.stages.len() == f.stage_base as usize {
                    return Err(self.unexpected(tok));
                }
                self.consume();
                if let Some(stage) = self.stages.last_mut() {
                    stage.stderr = tok == Tok::PipeAmp;
                }
                f.expect = Expect::Command;
            }
            Tok::AndAnd | Tok::OrOr => {
                self.pipeline_done(&mut f);
                self.consume();
                f.op = if tok == Tok::AndAnd { AndOrOp::And } else { AndOrOp::Or };
                f.expect = Expect::Command;
            }
            Tok::Semi | Tok::Amp => {
                self.and_or_done(&mut f, tok == Tok::Amp, false);
                self.consume();
            }
            Tok::Newline => {
                self.and_or_done(&mut f, false, true);
                self.consume();
                if f.end == ListEnd::Line {
                    return self.list_done(f);
                }
            }
            // What ends the list, or a mistake.
            Tok::Word(w) if !self.bare_word(w).is_some_and(is_closing) => return Err(self.unexpected(tok)),
            Tok::LParen | Tok::Redirect(..) => return Err(self.unexpected(tok)),
            _ => self.and_or_done(&mut f, false, false),
        }
        self.set_top(Frame::List(f));
        Ok(())
    }

    fn pipeline_done(&mut self, f: &mut ListFrame) {
        let stages = seal(&mut self.stages, f.stage_base as usize, &mut self.ast.stages);
        let pipeline = Pipeline {
            stages,
            negated: f.negated,
            time: f.time,
            span: self.span_from(f.pipeline.start),
            line: f.pipeline.line,
        };
        self.and_or_parts.push(AndOrPart { op: f.op, pipeline });
        f.negated = false;
        f.time = Time::No;
        f.begun = false;
    }

    fn and_or_done(&mut self, f: &mut ListFrame, background: bool, newline: bool) {
        self.pipeline_done(f);
        let pipelines = seal(&mut self.and_or_parts, f.part_base as usize, &mut self.ast.and_or_parts);
        self.and_ors.push(AndOr {
            pipelines,
            background,
            newline,
            span: self.span_from(f.item.start),
            line: f.item.line,
        });
        f.op = AndOrOp::First;
        f.expect = Expect::Item;
    }

    /// The list on top ends; the token that ends it is not consumed.
    fn list_done(&mut self, f: ListFrame) -> Result<()> {
        let items = seal(&mut self.and_ors, f.and_or_base as usize, &mut self.ast.and_ors);
        self.frames.pop();
        self.deliver_list(List { items })
    }

    /// A command has ended: gives it to the frame that waits for it.
    pub(super) fn deliver_command(&mut self, command: Command) -> Result<()> {
        let mut command = command;
        loop {
            let id = add(&mut self.ast.commands, command);
            let (head, kind) = match self.frames.last().copied() {
                Some(Frame::Function(f)) => (f.head, CommandKind::Function { name: f.name, body: id }),
                Some(Frame::Coproc { head, name, .. }) => (head, CommandKind::Coproc { name, body: id }),
                _ => {
                    self.stages.push(crate::ast::Stage { command: id, stderr: false });
                    return Ok(());
                }
            };
            self.frames.pop();
            command = Command {
                kind,
                redirects: Seq::EMPTY,
                span: Span { start: head.start, end: command.span.end },
                line: head.line,
                end_line: command.end_line,
            };
        }
    }
}
