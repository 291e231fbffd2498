//! `${…}`

use super::text::{Mode, Slash, TextFrame};
use super::token::{is_name, is_name_start};
use super::*;

#[derive(Clone, Copy, Debug)]
pub(super) struct ParamFrame {
    start: u32,
    /// The expansion stands in double quotes.
    quoted: bool,
    name: ParamName,
    subscript: Option<Subscript>,
    indirect: bool,
    length: bool,
    stage: Stage,
}

/// What is being read.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// After the name: a subscript may come.
    Name,
    InSubscript,
    /// The operator comes.
    Operator,
    /// The operand of an operator; the operator has a placeholder for it.
    Operand(ParamOp),
    /// The second operand of `${v/…/…}` and `${v:…:…}`.
    Second(ParamOp),
    /// Whatever comes up to the `}`.
    Bad,
}

impl Parser {
    /// `${` at the position.
    pub(super) fn begin_param(&mut self, quoted: bool) -> Result<()> {
        let start = self.pos;
        let mut at = start + 2;
        self.unfold(at)?;
        self.unfold(at + 1)?;
        let (mut length, mut indirect) = (false, false);
        match self.byte(at)? {
            Some(b'#') => {
                // `${#name}` or an operation on `$#`.
                length = match self.byte(at + 1)? {
                    Some(b) if is_name(b) => true,
                    Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => self.byte(at + 2)? == Some(b'}'),
                    _ => false,
                };
                at += usize::from(length);
            }
            Some(b'!') => {
                indirect = match self.byte(at + 1)? {
                    Some(b) if is_name(b) => true,
                    Some(b'@' | b'*' | b'#' | b'?') => true,
                    Some(b'$' | b'!') => self.byte(at + 2)? == Some(b'}'),
                    _ => false,
                };
                at += usize::from(indirect);
            }
            _ => {}
        }
        let name_start = at;
        let mut stage = Stage::Name;
        let name = match self.byte(at)? {
            Some(b) if is_name_start(b) => {
                while self.byte(at)?.is_some_and(is_name) {
                    at += 1;
                    self.unfold(at)?;
                }
                ParamName::Variable(self.add_bytes(name_start, at))
            }
            Some(b) if b.is_ascii_digit() => {
                let mut value = 0u32;
                while let Some(b @ b'0'..=b'9') = self.byte(at)? {
                    value = value.saturating_mul(10).saturating_add(u32::from(b - b'0'));
                    at += 1;
                }
                ParamName::Positional(value)
            }
            // An operator alone has nothing to work on.
            Some(b'#')
                if matches!(self.byte(at + 1)?, Some(b'+' | b'=' | b'%' | b'/'))
                    && self.byte(at + 2)? == Some(b'}') =>
            {
                stage = Stage::Bad;
                ParamName::Special(b'?')
            }
            Some(b @ (b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!')) => {
                at += 1;
                ParamName::Special(b)
            }
            _ => {
                stage = Stage::Bad;
                ParamName::Special(b'?')
            }
        };
        self.pos = at;
        self.push_frame(Frame::Param(ParamFrame {
            start: start as u32,
            quoted,
            name,
            subscript: None,
            indirect,
            length,
            stage,
        }))
    }

    pub(super) fn param_step(&mut self, mut f: ParamFrame) -> Result<()> {
        match f.stage {
            Stage::Name => {
                if let (ParamName::Variable(_), Some(b'[')) = (f.name, self.peek(0)?) {
                    let all = match self.peek(1)? {
                        Some(b'@') => Some(Subscript::At),
                        Some(b'*') => Some(Subscript::Star),
                        _ => None,
                    };
                    if let Some(all) = all
                        && self.peek(2)? == Some(b']')
                    {
                        self.pos += 3;
                        f.subscript = Some(all);
                        f.stage = Stage::Operator;
                        self.set_top(Frame::Param(f));
                        return Ok(());
                    }
                    f.stage = Stage::InSubscript;
                    self.set_top(Frame::Param(f));
                    if self.peek(1)? == Some(b']') {
                        return self.param_bad(f);
                    }
                    self.pos += 1;
                    return self.begin_operand(Mode::Subscript);
                }
                f.stage = Stage::Operator;
                self.set_top(Frame::Param(f));
                Ok(())
            }
            Stage::Operator => self.param_operator(f),
            Stage::Bad => self.begin_operand(Mode::Operand { quoted: f.quoted, slash: Slash::No }),
            // Waiting for a text above; it always delivers.
            Stage::InSubscript | Stage::Operand(_) | Stage::Second(_) => Ok(()),
        }
    }

    fn begin_operand(&mut self, mode: Mode) -> Result<()> {
        let text = TextFrame::new(self, mode, self.pos);
        self.push_frame(Frame::Text(text))
    }

    fn param_operator(&mut self, mut f: ParamFrame) -> Result<()> {
        let Some(b) = self.peek(0)? else {
            return Err(self.unmatched(b'}', f.start as usize));
        };
        if b != b'}' {
            self.unfold(self.pos + 1)?;
        }
        let second = if b == b'}' { None } else { self.peek(1)? };
        let empty = Word::default();
        if b == b'\\' && second == Some(b'\n') {
            self.pos += 2;
            return Ok(());
        }
        let is_list = matches!(f.subscript, Some(Subscript::At | Subscript::Star));
        if f.length {
            if b == b'}' {
                return self.param_done(f, ParamOp::Length, 1);
            }
            return self.param_bad(f);
        }
        if b == b'}' {
            if f.indirect && is_list {
                return self.param_done(f, ParamOp::Keys, 1);
            }
            return self.param_done(f, ParamOp::Value, 1);
        }
        let names = matches!(f.name, ParamName::Variable(_)) && f.indirect && f.subscript.is_none();
        if names && matches!(b, b'*' | b'@') && second == Some(b'}') {
            return self.param_done(f, ParamOp::Names { at: b == b'@' }, 2);
        }
        let value_op = |c: u8, colon: bool| match c {
            b'-' => Some(ParamOp::Default { colon, word: empty }),
            b'=' => Some(ParamOp::Assign { colon, word: empty }),
            b'?' => Some(ParamOp::Error { colon, word: empty }),
            b'+' => Some(ParamOp::Alternative { colon, word: empty }),
            _ => None,
        };
        if let Some(op) = value_op(b, false) {
            return self.param_operand(f, op, 1);
        }
        let twice = second == Some(b);
        let len = 1 + usize::from(twice);
        match b {
            b':' => {
                if let Some(op) = second.and_then(|c| value_op(c, true)) {
                    return self.param_operand(f, op, 2);
                }
                if second == Some(b'}') {
                    return self.param_bad(f);
                }
                f.stage = Stage::Operand(ParamOp::Substring { offset: empty, length: None });
                self.set_top(Frame::Param(f));
                self.pos += 1;
                self.begin_operand(Mode::Offset)
            }
            b'#' => self.param_operand(f, ParamOp::RemovePrefix { longest: twice, pattern: empty }, len),
            b'%' => self.param_operand(f, ParamOp::RemoveSuffix { longest: twice, pattern: empty }, len),
            b'/' => {
                // `${v///x}`: a slash right after `//` belongs to the pattern.
                let slash = if second == Some(b'/') { Slash::EndsAfterFirst } else { Slash::Ends };
                let (which, len) = match second {
                    Some(b'/') => (Replace::All, 2),
                    Some(b'#') => (Replace::Prefix, 2),
                    Some(b'%') => (Replace::Suffix, 2),
                    _ => (Replace::First, 1),
                };
                f.stage = Stage::Operand(ParamOp::Replace { which, pattern: empty, replacement: None });
                self.set_top(Frame::Param(f));
                self.pos += len;
                self.begin_operand(Mode::Operand { quoted: false, slash })
            }
            b'^' | b',' | b'~' => {
                let change = match b {
                    b'^' => CaseChange::Upper,
                    b',' => CaseChange::Lower,
                    _ => CaseChange::Toggle,
                };
                self.param_operand(f, ParamOp::Case { change, all: twice, pattern: empty }, len)
            }
            b'@' => match second {
                Some(c) if c.is_ascii_alphabetic() && self.peek(2)? == Some(b'}') => {
                    self.param_done(f, ParamOp::Transform(c), 3)
                }
                _ => self.param_bad(f),
            },
            _ => self.param_bad(f),
        }
    }

    fn param_operand(&mut self, mut f: ParamFrame, op: ParamOp, len: usize) -> Result<()> {
        let value = matches!(
            op,
            ParamOp::Default { .. }
                | ParamOp::Assign { .. }
                | ParamOp::Error { .. }
                | ParamOp::Alternative { .. }
        );
        f.stage = Stage::Operand(op);
        self.set_top(Frame::Param(f));
        self.pos += len;
        // Quotes are special in patterns even inside double quotes.
        self.begin_operand(Mode::Operand { quoted: f.quoted && value, slash: Slash::No })
    }

    fn param_bad(&mut self, mut f: ParamFrame) -> Result<()> {
        f.stage = Stage::Bad;
        self.set_top(Frame::Param(f));
        Ok(())
    }

    fn param_done(&mut self, f: ParamFrame, op: ParamOp, len: usize) -> Result<()> {
        self.pos += len;
        self.frames.pop();
        let span = Span { start: f.start, end: self.pos as u32 };
        // `${!name[@]}` without an operator lists keys; it is no indirection.
        let indirect = f.indirect && !matches!(op, ParamOp::Keys | ParamOp::Names { .. });
        let param = Param { name: f.name, subscript: f.subscript, indirect, op, span };
        let id = add(&mut self.ast.params, param);
        self.parts.push(Part::Param(id));
        Ok(())
    }

    /// An operand has ended at `terminator`, which has been consumed.
    pub(super) fn operand_done(&mut self, operand: Word, terminator: Option<u8>) -> Result<()> {
        let Some(Frame::Param(mut f)) = self.frames.last().copied() else { return Ok(()) };
        let more = matches!(terminator, Some(b'/' | b':'));
        let op = match f.stage {
            Stage::InSubscript => {
                f.subscript = Some(Subscript::Index(operand));
                f.stage = Stage::Operator;
                self.set_top(Frame::Param(f));
                return Ok(());
            }
            Stage::Bad | Stage::Name | Stage::Operator => ParamOp::Bad,
            Stage::Operand(op) => match op {
                ParamOp::Default { colon, .. } => ParamOp::Default { colon, word: operand },
                ParamOp::Assign { colon, .. } => ParamOp::Assign { colon, word: operand },
                ParamOp::Error { colon, .. } => ParamOp::Error { colon, word: operand },
                ParamOp::Alternative { colon, .. } => ParamOp::Alternative { colon, word: operand },
                ParamOp::RemovePrefix { longest, .. } => ParamOp::RemovePrefix { longest, pattern: operand },
                ParamOp::RemoveSuffix { longest, .. } => ParamOp::RemoveSuffix { longest, pattern: operand },
                ParamOp::Case { change, all, .. } => ParamOp::Case { change, all, pattern: operand },
                ParamOp::Substring { .. } => {
                    let op = ParamOp::Substring { offset: operand, length: None };
                    if more {
                        f.stage = Stage::Second(op);
                        self.set_top(Frame::Param(f));
                        return self.begin_operand(Mode::Offset);
                    }
                    op
                }
                ParamOp::Replace { which, .. } => {
                    let op = ParamOp::Replace { which, pattern: operand, replacement: None };
                    if more {
                        f.stage = Stage::Second(op);
                        self.set_top(Frame::Param(f));
                        return self.begin_operand(Mode::Operand { quoted: false, slash: Slash::No });
                    }
                    op
                }
                op => op,
            },
            Stage::Second(op) => match op {
                ParamOp::Substring { .. } if more => ParamOp::Bad,
                ParamOp::Substring { offset, .. } => ParamOp::Substring { offset, length: Some(operand) },
                ParamOp::Replace { which, pattern, .. } => {
                    ParamOp::Replace { which, pattern, replacement: Some(operand) }
                }
                op => op,
            },
        };
        if op == ParamOp::Bad && terminator == Some(b':') {
            return self.param_bad(f);
        }
        self.param_done(f, op, 0)
    }
}
