//! Compound commands, function definitions and coprocesses.

use super::text::{Mode, TextFrame};
use super::token::{Tok, WordToken};
use super::*;

#[derive(Clone, Copy, Debug)]
pub(super) struct ForFrame {
    head: Head,
    select: bool,
    stage: ForStage,
    name: Str,
    name_line: u32,
    words: Option<Seq<Word>>,
    word_base: u32,
    /// Expressions of the C-like form that have been read.
    arith: Option<([Word; 3], u8)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ForStage {
    /// The variable, or `((`.
    Name,
    /// `in`, `;`, `do`, `{` or newlines.
    AfterName,
    /// The words.
    Words,
    /// Newlines, then `do` or `{`.
    Do,
    /// As `Do`; a `;` may come first.
    AfterArith,
    Body,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct CaseFrame {
    head: Head,
    stage: CaseStage,
    subject: Word,
    arm_base: u32,
    word_base: u32,
    patterns: Seq<Word>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CaseStage {
    Subject,
    In,
    /// `esac`, `(` or a pattern.
    Arm,
    /// A pattern.
    Pattern,
    /// `|` or `)`.
    AfterPattern,
    Body,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct FunctionFrame {
    pub(super) head: Head,
    pub(super) name: Str,
    stage: FunctionStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FunctionStage {
    /// After `function`.
    Name,
    /// After `function name`: `(` or the body.
    Parens,
    /// `)`
    Close,
    Body,
}

impl Parser {
    /// `(` as the start of a command: a subshell, or `((…))`.
    pub(super) fn begin_paren(&mut self) -> Result<()> {
        let head = self.head_here();
        let start = self.tok_start;
        if !self.not_arith.contains(&start) && self.byte(start + 1)? == Some(b'(') {
            self.consume();
            self.pos = start + 2;
            // The frame below the text becomes the command's when the text has ended.
            self.push_frame(Frame::Subshell(head))?;
            let text = TextFrame::new(self, Mode::ArithCommand { line: head.line }, start);
            return self.push_frame(Frame::Text(text));
        }
        self.consume();
        self.push_frame(Frame::Subshell(head))?;
        self.push_list(ListEnd::Paren)
    }

    /// `((` turned out to be two parentheses: goes on with the subshell whose frame is on top.
    pub(super) fn paren_after_all(&mut self, start: usize) -> Result<()> {
        self.pos = start + 1;
        self.last_end = self.pos;
        self.push_list(ListEnd::Paren)
    }

    /// Pushes the frame of the compound command that the word on lookahead begins; false if it begins none.
    pub(super) fn begin_compound(&mut self, word: &[u8]) -> Result<bool> {
        if !matches!(
            word,
            b"{" | b"if"
                | b"while"
                | b"until"
                | b"for"
                | b"select"
                | b"case"
                | b"[["
                | b"function"
                | b"coproc"
        ) {
            return Ok(false);
        }
        let head = self.head_here();
        self.consume();
        match word {
            b"{" => {
                self.push_frame(Frame::Group(head))?;
                self.push_list(ListEnd::Brace)?;
            }
            b"if" => {
                let base = self.clauses.len() as u32;
                self.push_frame(Frame::If { head, base, cond: None, last: false })?;
                self.push_list(ListEnd::Then)?;
            }
            b"while" | b"until" => {
                self.push_frame(Frame::Loop { head, until: word == b"until", cond: None })?;
                self.push_list(ListEnd::Do)?;
            }
            b"for" | b"select" => {
                self.push_frame(Frame::For(ForFrame {
                    head,
                    select: word == b"select",
                    stage: ForStage::Name,
                    name: Str::EMPTY,
                    name_line: head.line,
                    words: None,
                    word_base: self.words.len() as u32,
                    arith: None,
                }))?;
            }
            b"case" => {
                self.push_frame(Frame::Case(CaseFrame {
                    head,
                    stage: CaseStage::Subject,
                    subject: Word::default(),
                    arm_base: self.arms.len() as u32,
                    word_base: self.words.len() as u32,
                    patterns: Seq::EMPTY,
                }))?;
            }
            b"[[" => {
                let frame = CondFrame::new(self, head);
                self.push_frame(Frame::Cond(frame))?;
            }
            b"function" => {
                let frame = FunctionFrame { head, name: Str::EMPTY, stage: FunctionStage::Name };
                self.push_frame(Frame::Function(frame))?;
            }
            _ => self.push_frame(Frame::Coproc { head, name: None, first: None })?,
        }
        Ok(true)
    }

    /// A list has ended before the token of lookahead: gives it to the frame on top.
    pub(super) fn deliver_list(&mut self, list: List) -> Result<()> {
        let Some(top) = self.frames.last().copied() else {
            self.result = Some(list);
            return Ok(());
        };
        let Some(tok) = self.tok else { return Ok(()) };
        self.consume();
        match top {
            Frame::Group(head) => self.compound_done(head, CommandKind::Group(list)),
            Frame::Subshell(head) => self.compound_done(head, CommandKind::Subshell(list)),
            Frame::Substitution { start, process } => {
                self.frames.pop();
                let span = Span { start, end: self.pos as u32 };
                let substitution = Substitution { list, span, backquote: false, source: None, error: None };
                let id = add(&mut self.ast.substitutions, substitution);
                self.parts.push(match process {
                    Some(kind) => Part::Process(kind, id),
                    None => Part::Command(id),
                });
                Ok(())
            }
            Frame::If { head, base, cond: None, last: true } => {
                let clauses = seal(&mut self.clauses, base as usize, &mut self.ast.if_clauses);
                self.compound_done(head, CommandKind::If { clauses, otherwise: Some(list) })
            }
            Frame::If { head, base, cond: None, last: false } => {
                self.set_top(Frame::If { head, base, cond: Some(list), last: false });
                self.push_list(ListEnd::Branch)
            }
            Frame::If { head, base, cond: Some(cond), .. } => {
                self.clauses.push(IfClause { cond, body: list });
                if self.is_bare(tok, b"fi") {
                    let clauses = seal(&mut self.clauses, base as usize, &mut self.ast.if_clauses);
                    return self.compound_done(head, CommandKind::If { clauses, otherwise: None });
                }
                let last = self.is_bare(tok, b"else");
                self.set_top(Frame::If { head, base, cond: None, last });
                self.push_list(if last { ListEnd::Fi } else { ListEnd::Then })
            }
            Frame::Loop { head, until, cond: None } => {
                self.set_top(Frame::Loop { head, until, cond: Some(list) });
                self.push_list(ListEnd::Done)
            }
            Frame::Loop { head, until, cond: Some(cond) } => {
                let kind = if until {
                    CommandKind::Until { cond, body: list }
                } else {
                    CommandKind::While { cond, body: list }
                };
                self.compound_done(head, kind)
            }
            Frame::For(f) => {
                let kind = match f.arith {
                    Some(([init, cond, step], _)) => CommandKind::ForArith { init, cond, step, body: list },
                    None if f.select => CommandKind::Select { name: f.name, words: f.words, body: list },
                    None => CommandKind::For { name: f.name, words: f.words, body: list, line: f.name_line },
                };
                self.compound_done(f.head, kind)
            }
            Frame::Case(mut f) => {
                let end = match tok {
                    Tok::SemiAmp => CaseEnd::FallThrough,
                    Tok::DoubleSemiAmp => CaseEnd::Continue,
                    _ => CaseEnd::Break,
                };
                self.arms.push(CaseArm { patterns: f.patterns, body: list, end });
                if matches!(tok, Tok::Word(_)) {
                    return self.case_done(f);
                }
                f.stage = CaseStage::Arm;
                self.set_top(Frame::Case(f));
                Ok(())
            }
            _ => Err(self.unexpected(tok)),
        }
    }

    pub(super) fn for_token(&mut self, mut f: ForFrame, tok: Tok, aliases: &dyn Aliases) -> Result<()> {
        if let (ForStage::Name | ForStage::AfterName | ForStage::Words, Tok::Word(w)) = (f.stage, tok)
            && self.after_blank_alias(w)
            && self.expand_alias(w, aliases, true)
        {
            return Ok(());
        }
        match (f.stage, tok) {
            (ForStage::Name, Tok::Word(w)) => {
                f.name_line = self.line_at(self.tok_start);
                f.name = self.add_name(w.word);
                f.stage = ForStage::AfterName;
                self.consume();
            }
            (ForStage::Name, Tok::LParen) if !f.select && self.byte(self.tok_start + 1)? == Some(b'(') => {
                self.consume();
                self.pos += 1;
                f.arith = Some(([Word::default(); 3], 0));
                f.stage = ForStage::AfterArith;
                self.set_top(Frame::For(f));
                let text = TextFrame::new(self, Mode::ArithFor, self.pos);
                return self.push_frame(Frame::Text(text));
            }
            (ForStage::AfterName | ForStage::Do | ForStage::AfterArith, Tok::Newline) => {
                self.consume();
                if f.stage == ForStage::AfterArith {
                    f.stage = ForStage::Do;
                }
            }
            (ForStage::AfterName | ForStage::AfterArith, Tok::Semi) => {
                self.consume();
                f.stage = ForStage::Do;
            }
            (ForStage::AfterName, tok) if self.is_bare(tok, b"in") => {
                self.consume();
                f.stage = ForStage::Words;
            }
            (ForStage::AfterName | ForStage::Do | ForStage::AfterArith, tok)
                if self.is_bare(tok, b"do") || self.is_bare(tok, b"{") =>
            {
                let end = if self.is_bare(tok, b"do") { ListEnd::Done } else { ListEnd::Brace };
                self.consume();
                f.stage = ForStage::Body;
                self.set_top(Frame::For(f));
                return self.push_list(end);
            }
            (ForStage::Words, Tok::Word(w)) => {
                self.consume();
                self.words.push(w.word);
            }
            (ForStage::Words, Tok::Semi | Tok::Newline) => {
                self.consume();
                f.words = Some(seal(&mut self.words, f.word_base as usize, &mut self.ast.words));
                f.stage = ForStage::Do;
            }
            _ => return Err(self.unexpected(tok)),
        }
        self.set_top(Frame::For(f));
        Ok(())
    }

    /// One expression of `for ((…))` has been read; `last` by `))`.
    pub(super) fn arith_for_done(&mut self, word: Word, last: bool) -> Result<()> {
        let Some(Frame::For(mut f)) = self.frames.last().copied() else { return Ok(()) };
        let Some((mut expressions, mut count)) = f.arith else { return Ok(()) };
        if let Some(slot) = expressions.get_mut(count as usize) {
            *slot = word;
        }
        count = count.saturating_add(1);
        f.arith = Some((expressions, count));
        self.set_top(Frame::For(f));
        self.last_end = self.pos;
        if !last {
            let text = TextFrame::new(self, Mode::ArithFor, self.pos);
            return self.push_frame(Frame::Text(text));
        }
        if count == 3 {
            return Ok(());
        }
        let text = self.slice(expressions[0].span.start as usize, word.span.end as usize).to_vec();
        Err(self.error_at(ErrorKind::ArithFor { text, too_many: count > 3 }, f.head.start as usize))
    }

    pub(super) fn case_token(&mut self, mut f: CaseFrame, tok: Tok, aliases: &dyn Aliases) -> Result<()> {
        if let (CaseStage::Subject | CaseStage::In, Tok::Word(w)) = (f.stage, tok)
            && self.after_blank_alias(w)
            && self.expand_alias(w, aliases, true)
        {
            return Ok(());
        }
        match (f.stage, tok) {
            (CaseStage::Subject, Tok::Word(w)) => {
                self.consume();
                f.subject = w.word;
                f.stage = CaseStage::In;
            }
            (CaseStage::In | CaseStage::Arm, Tok::Newline) => self.consume(),
            (CaseStage::In, tok) if self.is_bare(tok, b"in") => {
                self.consume();
                f.stage = CaseStage::Arm;
            }
            (CaseStage::Arm, tok) if self.is_bare(tok, b"esac") => {
                self.consume();
                return self.case_done(f);
            }
            (CaseStage::Arm, Tok::LParen) => {
                self.consume();
                f.stage = CaseStage::Pattern;
            }
            (CaseStage::Arm | CaseStage::Pattern, Tok::Word(w)) => {
                self.consume();
                self.words.push(w.word);
                f.stage = CaseStage::AfterPattern;
            }
            (CaseStage::AfterPattern, Tok::Pipe) => {
                self.consume();
                f.stage = CaseStage::Pattern;
            }
            (CaseStage::AfterPattern, Tok::RParen) => {
                self.consume();
                f.patterns = seal(&mut self.words, f.word_base as usize, &mut self.ast.words);
                f.stage = CaseStage::Body;
                self.set_top(Frame::Case(f));
                return self.push_list(ListEnd::CaseArm);
            }
            _ => return Err(self.unexpected(tok)),
        }
        self.set_top(Frame::Case(f));
        Ok(())
    }

    fn case_done(&mut self, f: CaseFrame) -> Result<()> {
        let arms = seal(&mut self.arms, f.arm_base as usize, &mut self.ast.case_arms);
        self.compound_done(f.head, CommandKind::Case { subject: f.subject, arms })
    }

    /// `name (` has been read.
    pub(super) fn begin_function_parens(&mut self, head: Head, name: Word) -> Result<()> {
        let name = self.add_name(name);
        self.push_frame(Frame::Function(FunctionFrame { head, name, stage: FunctionStage::Close }))
    }

    pub(super) fn function_token(&mut self, mut f: FunctionFrame, tok: Tok) -> Result<()> {
        match (f.stage, tok) {
            (FunctionStage::Name, Tok::Word(w)) => {
                f.name = self.add_name(w.word);
                f.stage = FunctionStage::Parens;
                self.consume();
            }
            (FunctionStage::Parens, Tok::LParen) => {
                // `function name ( list )` has a subshell as body.
                let mut at = self.pos;
                while matches!(self.byte(at)?, Some(b' ' | b'\t')) {
                    at += 1;
                }
                if self.byte(at)? != Some(b')') {
                    f.stage = FunctionStage::Body;
                    self.set_top(Frame::Function(f));
                    return self.begin_paren();
                }
                f.stage = FunctionStage::Close;
                self.consume();
            }
            (FunctionStage::Close, Tok::RParen) => {
                f.stage = FunctionStage::Body;
                self.consume();
            }
            (FunctionStage::Parens | FunctionStage::Body, Tok::Newline) => {
                f.stage = FunctionStage::Body;
                self.consume();
            }
            (FunctionStage::Body, Tok::LParen) => {
                self.set_top(Frame::Function(f));
                return self.begin_paren();
            }
            (FunctionStage::Parens | FunctionStage::Body, Tok::Word(w)) => {
                f.stage = FunctionStage::Body;
                self.set_top(Frame::Function(f));
                return self.begin_body(w);
            }
            _ => return Err(self.unexpected(tok)),
        }
        self.set_top(Frame::Function(f));
        Ok(())
    }

    /// The word must begin a compound command that can be a function's body.
    fn begin_body(&mut self, w: WordToken) -> Result<()> {
        let word = self.bare_word(w).unwrap_or_default().to_vec();
        if matches!(&word[..], b"function" | b"coproc") || !self.begin_compound(&word)? {
            return Err(self.unexpected(Tok::Word(w)));
        }
        Ok(())
    }

    pub(super) fn coproc_token(&mut self, head: Head, first: Option<WordToken>, tok: Tok) -> Result<()> {
        let starts_compound = match tok {
            Tok::LParen => true,
            Tok::Word(w) => self.bare_word(w).is_some_and(|word| {
                matches!(word, b"{" | b"if" | b"while" | b"until" | b"for" | b"select" | b"case" | b"[[")
            }),
            _ => false,
        };
        match (first, tok) {
            (None, tok) if starts_compound => self.begin_coproc_body(tok),
            (None, Tok::Word(w)) => {
                self.consume();
                self.set_top(Frame::Coproc { head, name: None, first: Some(w) });
                Ok(())
            }
            (None, Tok::Redirect(..)) => self.begin_simple(),
            (Some(name), tok) if starts_compound => {
                let name = self.add_name(name.word);
                self.set_top(Frame::Coproc { head, name: Some(name), first: None });
                self.begin_coproc_body(tok)
            }
            (Some(first), tok) => {
                // A simple command: its first word is read again as such.
                let _ = tok;
                self.set_top(Frame::Coproc { head, name: None, first: None });
                self.pos = first.word.span.start as usize;
                self.tok_start = self.pos;
                self.tok = None;
                self.begin_simple()
            }
            _ => Err(self.unexpected(tok)),
        }
    }

    fn begin_coproc_body(&mut self, tok: Tok) -> Result<()> {
        match tok {
            Tok::Word(w) => self.begin_body(w),
            _ => self.begin_paren(),
        }
    }
}
