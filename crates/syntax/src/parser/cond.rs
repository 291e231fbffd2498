//! `[[ … ]]`

use super::token::{RedirectOp, Tok};
use super::*;

#[derive(Clone, Copy, Debug)]
pub(super) struct CondFrame {
    head: Head,
    /// Where its operators begin among the unfinished ones.
    base: u32,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// A term comes.
    Term,
    /// The operand of a unary operator comes.
    Unary(CondUnary),
    /// A word was read that may be the left side of a binary operator.
    Left(Word),
    /// The right side comes.
    Right(CondBinary, Word),
    /// A term was read.
    After(Id<Cond>),
}

/// An operator that waits for its right side.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Open,
    Not,
    And(Id<Cond>),
    Or(Id<Cond>),
}

impl CondFrame {
    pub(super) fn new(parser: &Parser, head: Head) -> Self {
        CondFrame { head, base: parser.cond_ops.len() as u32, state: State::Term }
    }

    /// Whether the next word is a regular expression, and whether it is a pattern.
    pub(super) fn operand_kind(&self) -> (bool, bool) {
        match self.state {
            State::Right(CondBinary::Regex, _) => (true, false),
            State::Right(CondBinary::Match | CondBinary::MatchSingle | CondBinary::NotMatch, _) => {
                (false, true)
            }
            _ => (false, false),
        }
    }
}

fn unary(word: &[u8]) -> Option<CondUnary> {
    match word {
        [b'-', c] if b"abcdefghknoprstuvwxzGLNORS".contains(c) => Some(CondUnary(*c)),
        _ => None,
    }
}

fn binary(word: &[u8]) -> Option<CondBinary> {
    Some(match word {
        b"==" => CondBinary::Match,
        b"=" => CondBinary::MatchSingle,
        b"!=" => CondBinary::NotMatch,
        b"=~" => CondBinary::Regex,
        b"-eq" => CondBinary::Eq,
        b"-ne" => CondBinary::Ne,
        b"-lt" => CondBinary::Lt,
        b"-le" => CondBinary::Le,
        b"-gt" => CondBinary::Gt,
        b"-ge" => CondBinary::Ge,
        b"-nt" => CondBinary::Newer,
        b"-ot" => CondBinary::Older,
        b"-ef" => CondBinary::SameFile,
        _ => return None,
    })
}

impl Parser {
    pub(super) fn cond_token(&mut self, mut f: CondFrame, tok: Tok) -> Result<()> {
        match f.state {
            State::Term => match tok {
                Tok::Newline => self.consume(),
                Tok::LParen => {
                    self.consume();
                    self.cond_push(Operator::Open)?;
                }
                Tok::Word(w) => {
                    if self.is_bare(tok, b"]]") {
                        return Err(self.cond_error(b"", f.base, tok));
                    }
                    let bare = self.bare_word(w);
                    let is_not = bare == Some(b"!");
                    let unary = bare.and_then(unary);
                    self.consume();
                    if is_not {
                        self.cond_push(Operator::Not)?;
                    } else if let Some(op) = unary {
                        f.state = State::Unary(op);
                    } else {
                        f.state = State::Left(w.word);
                    }
                }
                _ => {
                    let message = self.cond_message("unexpected token `", tok, "' in conditional command");
                    return Err(self.cond_error(&message, f.base, tok));
                }
            },
            State::Unary(op) => match tok {
                Tok::Word(w) if !self.is_bare(tok, b"]]") => {
                    self.consume();
                    let id = add(&mut self.ast.conds, Cond::Unary(op, w.word));
                    f.state = State::After(self.cond_reduce_not(f.base, id));
                }
                _ => {
                    let message =
                        self.cond_message("unexpected argument `", tok, "' to conditional unary operator");
                    return Err(self.cond_error(&message, f.base, tok));
                }
            },
            State::Left(left) => {
                let op = match tok {
                    Tok::Word(w) => self.bare_word(w).and_then(binary),
                    Tok::Redirect(RedirectOp::Input, RedirectFd::Default) => Some(CondBinary::Before),
                    Tok::Redirect(RedirectOp::Output, RedirectFd::Default) => Some(CondBinary::After),
                    _ => None,
                };
                if let Some(op) = op {
                    self.consume();
                    f.state = State::Right(op, left);
                } else if self.is_bare(tok, b"]]") || matches!(tok, Tok::AndAnd | Tok::OrOr | Tok::RParen) {
                    let id = add(&mut self.ast.conds, Cond::Word(left));
                    f.state = State::After(self.cond_reduce_not(f.base, id));
                } else if let Tok::Word(_) = tok {
                    return Err(self.cond_error(b"conditional binary operator expected", f.base, tok));
                } else {
                    let message = self.cond_message(
                        "unexpected token `",
                        tok,
                        "', conditional binary operator expected",
                    );
                    return Err(self.cond_error(&message, f.base, tok));
                }
            }
            State::Right(op, left) => match tok {
                Tok::Word(w) if !self.is_bare(tok, b"]]") => {
                    self.consume();
                    let id = add(&mut self.ast.conds, Cond::Binary(op, left, w.word));
                    f.state = State::After(self.cond_reduce_not(f.base, id));
                }
                _ => {
                    let message =
                        self.cond_message("unexpected argument `", tok, "' to conditional binary operator");
                    return Err(self.cond_error(&message, f.base, tok));
                }
            },
            State::After(id) => match tok {
                Tok::Newline => self.consume(),
                Tok::AndAnd => {
                    self.consume();
                    self.cond_push(Operator::And(id))?;
                    f.state = State::Term;
                }
                Tok::OrOr => {
                    self.consume();
                    let left = self.cond_reduce_and(f.base, id);
                    self.cond_push(Operator::Or(left))?;
                    f.state = State::Term;
                }
                Tok::RParen => {
                    let inner = self.cond_reduce_or(f.base, id);
                    if self.cond_ops.len() == f.base as usize {
                        let message = self.cond_message(
                            "syntax error in conditional expression: unexpected token `",
                            tok,
                            "'",
                        );
                        return Err(self.cond_error(&message, f.base, tok));
                    }
                    self.cond_ops.pop();
                    self.consume();
                    let group = add(&mut self.ast.conds, Cond::Group(inner));
                    f.state = State::After(self.cond_reduce_not(f.base, group));
                }
                tok if self.is_bare(tok, b"]]") => {
                    let id = self.cond_reduce_or(f.base, id);
                    if self.cond_ops.len() > f.base as usize {
                        let message = self.cond_message("unexpected token `", tok, "', expected `)'");
                        return Err(self.cond_error(&message, f.base, tok));
                    }
                    self.consume();
                    return self.compound_done(f.head, CommandKind::Cond(id));
                }
                Tok::Word(_) => {
                    return Err(self.cond_error(b"syntax error in conditional expression", f.base, tok));
                }
                tok => {
                    let message = self.cond_message(
                        "syntax error in conditional expression: unexpected token `",
                        tok,
                        "'",
                    );
                    return Err(self.cond_error(&message, f.base, tok));
                }
            },
        }
        self.set_top(Frame::Cond(f));
        Ok(())
    }

    fn cond_push(&mut self, op: Operator) -> Result<()> {
        if self.cond_ops.len() >= self.options.max_depth as usize {
            return Err(self.error_at(ErrorKind::TooDeep { limit: self.options.max_depth }, self.pos));
        }
        self.cond_ops.push(op);
        Ok(())
    }

    fn cond_pop_if(&mut self, base: u32, f: impl Fn(Operator) -> bool) -> Option<Operator> {
        if self.cond_ops.len() > base as usize && self.cond_ops.last().is_some_and(|op| f(*op)) {
            return self.cond_ops.pop();
        }
        None
    }

    fn cond_reduce_not(&mut self, base: u32, mut id: Id<Cond>) -> Id<Cond> {
        while self.cond_pop_if(base, |op| matches!(op, Operator::Not)).is_some() {
            id = add(&mut self.ast.conds, Cond::Not(id));
        }
        id
    }

    fn cond_reduce_and(&mut self, base: u32, mut id: Id<Cond>) -> Id<Cond> {
        while let Some(Operator::And(left)) = self.cond_pop_if(base, |op| matches!(op, Operator::And(_))) {
            id = add(&mut self.ast.conds, Cond::And(left, id));
        }
        id
    }

    fn cond_reduce_or(&mut self, base: u32, id: Id<Cond>) -> Id<Cond> {
        let mut id = self.cond_reduce_and(base, id);
        while let Some(Operator::Or(left)) = self.cond_pop_if(base, |op| matches!(op, Operator::Or(_))) {
            id = add(&mut self.ast.conds, Cond::Or(left, id));
        }
        id
    }

    fn cond_message(&self, before: &str, tok: Tok, after: &str) -> Vec<u8> {
        let mut message = before.as_bytes().to_vec();
        message.extend_from_slice(&self.token_text(tok));
        message.extend_from_slice(after.as_bytes());
        message
    }

    fn cond_error(&mut self, message: &[u8], base: u32, tok: Tok) -> Stop {
        let at = self.tok_start;
        let mut messages = Vec::new();
        if tok == Tok::Eof {
            messages.push(b"unexpected EOF while looking for `]]'".to_vec());
            return self.error_at(ErrorKind::Cond { messages, eof: true }, at);
        }
        if !message.is_empty() {
            messages.push(message.to_vec());
        }
        // Each parenthesis that is open complains too.
        let open = self.cond_ops.get(base as usize..).unwrap_or_default();
        let mut open = open.iter().filter(|op| matches!(op, Operator::Open)).count();
        if message.ends_with(b"expected `)'") {
            open = open.saturating_sub(1);
        }
        messages.resize(messages.len() + open, b"expected `)'".to_vec());
        self.error_at(ErrorKind::Cond { messages, eof: false }, at)
    }
}
