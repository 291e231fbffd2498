//! Simple commands and redirections.

use super::heredoc::PendingHereDoc;
use super::token::{RedirectOp, Tok, WordToken};
use super::*;
use crate::quote;

#[derive(Clone, Copy, Debug)]
pub(super) struct SimpleFrame {
    pub(super) head: Head,
    assignment_base: u32,
    pub(super) arg_base: u32,
    redirect_base: u32,
    /// A redirection that waits for its word.
    pub(super) redirect: Option<PendingRedirect>,
    /// The command name is a declaration builtin: assignments are accepted among the arguments.
    pub(super) declaration: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PendingRedirect {
    op: RedirectOp,
    fd: RedirectFd,
    start: u32,
    line: u32,
}

/// Builtins whose arguments may be assignments.
fn is_declaration(name: &[u8]) -> bool {
    matches!(name, b"declare" | b"typeset" | b"local" | b"export" | b"readonly" | b"alias" | b"eval" | b"let")
}

/// Of those, the ones for which bash only accepts the syntax of array assignments.
fn is_syntax_only(name: &[u8]) -> bool {
    matches!(name, b"eval" | b"let")
}

impl Parser {
    pub(super) fn begin_simple(&mut self) -> Result<()> {
        let head = self.head_here();
        self.push_frame(Frame::Simple(SimpleFrame {
            head,
            assignment_base: self.assignments.len() as u32,
            arg_base: self.arguments.len() as u32,
            redirect_base: self.redirects.len() as u32,
            redirect: None,
            declaration: false,
        }))
    }

    pub(super) fn simple_token(&mut self, mut f: SimpleFrame, tok: Tok, aliases: &dyn Aliases) -> Result<()> {
        let no_args = self.arguments.len() == f.arg_base as usize;
        if let Some(redirect) = f.redirect {
            self.redirect_target(redirect, tok)?;
            f.redirect = None;
            self.set_top(Frame::Simple(f));
            return Ok(());
        }
        match tok {
            Tok::Redirect(op, fd) => {
                f.redirect = Some(self.pending_redirect(op, fd));
                self.consume();
            }
            Tok::Word(w) => {
                if (no_args || self.after_blank_alias(w))
                    && w.assignment.is_none()
                    && self.expand_alias(w, aliases, !no_args)
                {
                    return Ok(());
                }
                self.consume();
                match w.assignment {
                    Some(assignment) if no_args || self.options.keyword => self.assignments.push(assignment),
                    Some(assignment) if f.declaration => {
                        self.arguments.push(Argument::Assignment(assignment));
                    }
                    _ => {
                        let posix_prefix = self.options.posix
                            && !f.declaration
                            && self.arguments[f.arg_base as usize..]
                                .iter()
                                .all(|a| matches!(a, Argument::Word(w) if self.ast.bare(w.parts) == Some(b"command")));
                        if (no_args || posix_prefix)
                            && let Some(name) = self.bare_word(w)
                        {
                            f.declaration = is_declaration(name);
                        }
                        self.arguments.push(Argument::Word(w.word));
                    }
                }
            }
            Tok::LParen
                if self.arguments.len() == f.arg_base as usize + 1
                    && self.assignments.len() == f.assignment_base as usize
                    && self.redirects.len() == f.redirect_base as usize =>
            {
                let Some(Argument::Word(name)) = self.arguments.pop() else {
                    return Err(self.unexpected(tok));
                };
                self.consume();
                self.frames.pop();
                return self.begin_function_parens(f.head, name);
            }
            Tok::LParen => return Err(self.unexpected(tok)),
            _ => return self.simple_done(f),
        }
        self.set_top(Frame::Simple(f));
        Ok(())
    }

    fn simple_done(&mut self, f: SimpleFrame) -> Result<()> {
        let span = self.span_from(f.head.start);
        let end_line = self.line_at(span.end as usize);
        let mut args = seal(&mut self.arguments, f.arg_base as usize, &mut self.ast.arguments);
        if f.declaration
            && let Some(Argument::Word(first)) = self.ast.arguments.get(args.start()).copied()
            && self.ast.bare(first.parts).is_some_and(is_syntax_only)
        {
            // `let a=(1)` and `eval a=(1)` are words like any other.
            for i in args.ids() {
                if let Argument::Assignment(a) = self.ast.arguments[i.index()] {
                    self.ast.arguments[i.index()] = Argument::Word(self.assignment_as_word(a));
                }
            }
            args = Seq::new(args.start(), args.len());
        }
        let simple = Simple {
            assignments: seal(&mut self.assignments, f.assignment_base as usize, &mut self.ast.assignments),
            args,
        };
        let redirects = seal(&mut self.redirects, f.redirect_base as usize, &mut self.ast.redirects);
        self.frames.pop();
        self.deliver_command(Command {
            kind: CommandKind::Simple(simple),
            redirects,
            span,
            line: f.head.line,
            end_line,
        })
    }

    /// The word that an assignment would be if it were none.
    fn assignment_as_word(&mut self, a: Assignment) -> Word {
        let value = match a.value {
            AssignmentValue::Scalar(word) => word,
            AssignmentValue::Array(_) => {
                let s = self.add_bytes(a.span.start as usize, a.span.end as usize);
                let start = self.ast.parts.len();
                self.ast.parts.push(Part::Literal(s));
                return Word { parts: Seq::new(start, 1), span: a.span, braces: false };
            }
        };
        let left = self.add_bytes(a.span.start as usize, value.span.start as usize);
        let start = self.ast.parts.len();
        self.ast.parts.push(Part::Literal(left));
        for i in 0..value.parts.len() {
            let part = self.ast.parts[value.parts.start() + i];
            self.ast.parts.push(part);
        }
        Word { parts: Seq::new(start, value.parts.len() + 1), span: a.span, braces: value.braces }
    }

    pub(super) fn tail_token(
        &mut self,
        head: Head,
        kind: CommandKind,
        base: u32,
        end_line: u32,
        redirect: Option<PendingRedirect>,
        tok: Tok,
    ) -> Result<()> {
        let redirect = match (redirect, tok) {
            (Some(redirect), tok) => {
                self.redirect_target(redirect, tok)?;
                None
            }
            (None, Tok::Redirect(op, fd)) => {
                let redirect = self.pending_redirect(op, fd);
                self.consume();
                Some(redirect)
            }
            _ => {
                let redirects = seal(&mut self.redirects, base as usize, &mut self.ast.redirects);
                self.frames.pop();
                let span = self.span_from(head.start);
                return self.deliver_command(Command { kind, redirects, span, line: head.line, end_line });
            }
        };
        self.set_top(Frame::Tail { head, kind, base, end_line, redirect });
        Ok(())
    }

    /// A compound command has ended except for its redirections; its frame is still on top.
    pub(super) fn compound_done(&mut self, head: Head, kind: CommandKind) -> Result<()> {
        let end_line = self.line_at(self.last_end);
        let base = self.redirects.len() as u32;
        self.set_top(Frame::Tail { head, kind, base, end_line, redirect: None });
        Ok(())
    }

    fn pending_redirect(&mut self, op: RedirectOp, fd: RedirectFd) -> PendingRedirect {
        let head = self.head_here();
        PendingRedirect { op, fd, start: head.start, line: head.line }
    }

    fn redirect_target(&mut self, redirect: PendingRedirect, tok: Tok) -> Result<()> {
        let Tok::Word(WordToken { word, .. }) = tok else { return Err(self.unexpected(tok)) };
        self.consume();
        let kind = match redirect.op {
            RedirectOp::Input => RedirectKind::Input(word),
            RedirectOp::Output => RedirectKind::Output(word),
            RedirectOp::Clobber => RedirectKind::Clobber(word),
            RedirectOp::Append => RedirectKind::Append(word),
            RedirectOp::ReadWrite => RedirectKind::ReadWrite(word),
            RedirectOp::DupInput => RedirectKind::DupInput(word),
            RedirectOp::DupOutput => RedirectKind::DupOutput(word),
            RedirectOp::OutputBoth => RedirectKind::OutputBoth(word),
            RedirectOp::AppendBoth => RedirectKind::AppendBoth(word),
            RedirectOp::HereString => RedirectKind::HereString(word),
            RedirectOp::HereDoc | RedirectOp::HereDocStrip => {
                let raw = self.slice(word.span.start as usize, word.span.end as usize);
                let (delimiter, quoted) = quote::remove_quotes(raw);
                let delimiter = self.add_owned(&delimiter);
                let strip_tabs = redirect.op == RedirectOp::HereDocStrip;
                let here_doc =
                    HereDoc { delimiter, quoted, strip_tabs, body: Word::default(), line: redirect.line };
                let id = add(&mut self.ast.here_docs, here_doc);
                self.pending.push(PendingHereDoc::new(id, redirect.line));
                RedirectKind::HereDoc(id)
            }
        };
        let span = self.span_from(redirect.start);
        self.redirects.push(Redirect { fd: redirect.fd, kind, span, line: redirect.line });
        Ok(())
    }
}
