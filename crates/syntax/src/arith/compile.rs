//! Compiles an expression by operator precedence, with an explicit stack of what waits for an operand.

use std::collections::HashMap;

use super::{ArithError, ArithErrorKind as Kind, BinaryOp, Expression, NameId, Op, UnaryOp, parse_number};

/// What has been read and waits for its right side.
#[derive(Clone, Copy, Debug)]
enum Pending {
    /// `(`
    Paren,
    /// `name[`, up to the end of the region. `key`: position of its [`Op::Key`].
    Subscript {
        name: NameId,
        key: usize,
        outer: Region,
        start: usize,
    },
    Unary(UnaryOp),
    /// Unary plus.
    Plus,
    Binary {
        op: BinaryOp,
        at: u32,
    },
    /// `&&`, `||` with the jump to fill in.
    And(usize),
    Or(usize),
    /// `?` with the branch to fill in.
    Question(usize),
    /// `:` with the jump to fill in.
    Colon(usize),
    Assign {
        name: NameId,
        element: bool,
        op: Option<(BinaryOp, u32)>,
        /// Of `name[…] =`: where the code of the subscript is, which is executed after that of the value.
        key: Option<(usize, usize)>,
    },
    /// `++` or `--` before a variable: the operator.
    PreStep(BinaryOp),
}

/// The part of the text that is read as one expression: all of it, or a subscript.
#[derive(Clone, Copy, Debug)]
struct Region {
    start: usize,
    end: usize,
}

struct Compiler<'a> {
    text: &'a [u8],
    pos: usize,
    region: Region,
    /// Start of the last token.
    last: usize,
    code: Vec<Op>,
    names: Vec<Box<[u8]>>,
    name_ids: HashMap<&'a [u8], NameId>,
    errors: Vec<ArithError>,
    pending: Vec<Pending>,
    /// For each `[` the position of its `]`; made when the first is met.
    brackets: Option<HashMap<usize, usize>>,
}

pub(super) fn compile(text: &[u8]) -> Result<Expression> {
    let mut c = Compiler {
        text,
        pos: 0,
        region: Region { start: 0, end: text.len() },
        last: 0,
        code: Vec::new(),
        names: Vec::new(),
        name_ids: HashMap::new(),
        errors: Vec::new(),
        pending: Vec::new(),
        brackets: None,
    };
    c.skip_blanks();
    if c.pos == text.len() {
        c.code.push(Op::Const(0));
    } else {
        let mut want_operand = true;
        loop {
            let step = if want_operand { c.operand() } else { c.operator() };
            match step.or_else(|error| c.recover(error))? {
                Step::Operand => want_operand = true,
                Step::Operator => want_operand = false,
                Step::End => break,
            }
        }
    }
    let expansions = memchr::memchr2(b'$', b'`', text).is_some();
    Ok(Expression { code: c.code, names: c.names, errors: c.errors, text: text.into(), expansions })
}

/// What comes next.
enum Step {
    Operand,
    Operator,
    End,
}

type Result<T> = std::result::Result<T, ArithError>;

fn is_name_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_'
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// A binary operator, its length, and its precedence.
fn binary(rest: &[u8]) -> Option<(BinaryOp, usize, u8)> {
    Some(match rest {
        [b'*', b'*', ..] => (BinaryOp::Pow, 2, 11),
        [b'*', ..] => (BinaryOp::Mul, 1, 10),
        [b'/', ..] => (BinaryOp::Div, 1, 10),
        [b'%', ..] => (BinaryOp::Rem, 1, 10),
        [b'+', ..] => (BinaryOp::Add, 1, 9),
        [b'-', ..] => (BinaryOp::Sub, 1, 9),
        [b'<', b'<', ..] => (BinaryOp::Shl, 2, 8),
        [b'>', b'>', ..] => (BinaryOp::Shr, 2, 8),
        [b'<', b'=', ..] => (BinaryOp::Le, 2, 7),
        [b'>', b'=', ..] => (BinaryOp::Ge, 2, 7),
        [b'<', ..] => (BinaryOp::Lt, 1, 7),
        [b'>', ..] => (BinaryOp::Gt, 1, 7),
        [b'=', b'=', ..] => (BinaryOp::Eq, 2, 6),
        [b'!', b'=', ..] => (BinaryOp::Ne, 2, 6),
        [b'&', b'&', ..] | [b'|', b'|', ..] => return None,
        [b'&', ..] => (BinaryOp::BitAnd, 1, 5),
        [b'^', ..] => (BinaryOp::BitXor, 1, 4),
        [b'|', ..] => (BinaryOp::BitOr, 1, 3),
        _ => return None,
    })
}

fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Pow => 11,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => 10,
        BinaryOp::Add | BinaryOp::Sub => 9,
        BinaryOp::Shl | BinaryOp::Shr => 8,
        BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => 7,
        BinaryOp::Eq | BinaryOp::Ne => 6,
        BinaryOp::BitAnd => 5,
        BinaryOp::BitXor => 4,
        BinaryOp::BitOr => 3,
    }
}

/// An assignment operator and its length.
fn assignment(rest: &[u8]) -> Option<(Option<BinaryOp>, usize)> {
    match rest {
        [b'=', b'=', ..] => None,
        [b'=', ..] => Some((None, 1)),
        _ => {
            let (op, len, _) = binary(rest)?;
            let assignable = !matches!(
                op,
                BinaryOp::Pow
                    | BinaryOp::Lt
                    | BinaryOp::Le
                    | BinaryOp::Gt
                    | BinaryOp::Ge
                    | BinaryOp::Eq
                    | BinaryOp::Ne
            );
            (assignable && rest.get(len) == Some(&b'=')).then_some((Some(op), len + 1))
        }
    }
}

impl<'a> Compiler<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.pos..self.region.end).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        while self.rest().first().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.pos += 1;
        }
    }

    fn error(&self, kind: Kind) -> ArithError {
        self.error_from(kind, self.last)
    }

    fn error_from(&self, kind: Kind, token: usize) -> ArithError {
        ArithError {
            kind,
            expression: self.text[self.region.start..self.region.end].to_vec(),
            token: self.text.get(token..self.region.end).unwrap_or_default().to_vec(),
        }
    }

    fn name(&mut self, name: &'a [u8]) -> NameId {
        if let Some(id) = self.name_ids.get(name) {
            return *id;
        }
        let id = NameId(self.names.len() as u32);
        self.names.push(name.into());
        self.name_ids.insert(name, id);
        id
    }

    fn operand(&mut self) -> Result<Step> {
        self.skip_blanks();
        let rest = self.rest();
        let after_question = matches!(self.pending.last(), Some(Pending::Question(_) | Pending::Colon(_)));
        let Some(&b) = rest.first() else {
            let kind = if after_question && matches!(self.text.get(self.last), Some(b'?' | b':')) {
                Kind::ExpressionExpected
            } else {
                Kind::OperandExpected
            };
            return Err(self.error(kind));
        };
        self.last = self.pos;
        match b {
            b'0'..=b'9' => {
                let len = rest
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'@' | b'_'))
                    .count();
                let number = &rest[..len];
                let value = parse_number(number).map_err(|kind| ArithError {
                    kind,
                    expression: number.to_vec(),
                    token: number.to_vec(),
                })?;
                self.pos += len;
                self.code.push(Op::Const(value));
                self.operand_done()
            }
            b if is_name_start(b) => {
                let len = rest.iter().take_while(|b| is_name(**b)).count();
                let name = self.name(&rest[..len]);
                self.pos += len;
                if rest.get(len) == Some(&b'[') {
                    return self.begin_subscript(name);
                }
                self.variable(name, None)
            }
            b'(' => {
                self.pos += 1;
                self.pending.push(Pending::Paren);
                Ok(Step::Operand)
            }
            b'!' if rest.get(1) != Some(&b'=') => self.unary(Pending::Unary(UnaryOp::Not), 1),
            b'~' => self.unary(Pending::Unary(UnaryOp::BitNot), 1),
            b'+' | b'-' => {
                if rest.get(1) == Some(&b) {
                    let next = rest[2..].iter().find(|b| !b.is_ascii_whitespace());
                    if next.is_some_and(|b| is_name_start(*b)) {
                        let op = if b == b'+' { BinaryOp::Add } else { BinaryOp::Sub };
                        return self.unary(Pending::PreStep(op), 2);
                    }
                }
                let pending = if b == b'+' { Pending::Plus } else { Pending::Unary(UnaryOp::Neg) };
                self.unary(pending, 1)
            }
            b':' if after_question => Err(self.error(Kind::ExpressionExpected)),
            _ => Err(self.error(Kind::OperandExpected)),
        }
    }

    fn unary(&mut self, pending: Pending, len: usize) -> Result<Step> {
        self.pending.push(pending);
        self.pos += len;
        Ok(Step::Operand)
    }

    /// `[` at the position.
    fn begin_subscript(&mut self, name: NameId) -> Result<Step> {
        let text = self.text;
        let brackets = self.brackets.get_or_insert_with(|| match_brackets(text));
        let Some(end) = brackets.get(&self.pos).copied().filter(|end| *end < self.region.end) else {
            return Err(self.error(Kind::BadSubscript));
        };
        let start = self.pos + 1;
        let key = self.code.len();
        self.code.push(Op::Key { name, start: start as u32, end: end as u32, skip: 0 });
        self.pending.push(Pending::Subscript { name, key, outer: self.region, start: self.last });
        self.region = Region { start, end };
        self.pos = start;
        self.skip_blanks();
        if self.pos == end {
            let error = ArithError {
                kind: Kind::BadSubscript,
                expression: text[self.last..=end].to_vec(),
                token: text[self.last..].to_vec(),
            };
            return Err(error);
        }
        Ok(Step::Operand)
    }

    /// The region of a subscript has ended: the element is the operand.
    fn subscript_done(&mut self, name: NameId, key: usize, outer: Region, start: usize) -> Result<Step> {
        let skip = self.code.len() as u32;
        if let Some(Op::Key { skip: target, .. }) = self.code.get_mut(key) {
            *target = skip;
        }
        self.pos = self.region.end + 1;
        self.region = outer;
        self.last = start;
        self.variable(name, Some(key))
    }

    /// An error in a subscript counts only if the array turns out not to be associative.
    fn recover(&mut self, error: ArithError) -> Result<Step> {
        while let Some(pending) = self.pending.pop() {
            if let Pending::Subscript { name, key, outer, start } = pending {
                self.code.truncate(key + 1);
                self.code.push(Op::Fail(self.errors.len() as u32));
                self.errors.push(error);
                // Whoever expands the subscript goes on here.
                self.code.push(Op::Index);
                return self.subscript_done(name, key, outer, start);
            }
        }
        Err(error)
    }

    /// A variable (an element: its key is on the stack, by the code from `key` on) has been read.
    fn variable(&mut self, name: NameId, key: Option<usize>) -> Result<Step> {
        let element = key.is_some();
        let (load, peek, store) = if element {
            (Op::LoadElement(name), Op::PeekElement(name), Op::StoreElement(name))
        } else {
            (Op::Load(name), Op::Load(name), Op::Store(name))
        };
        if let Some(Pending::PreStep(op)) = self.pending.last().copied() {
            self.pending.pop();
            self.code.extend([peek, Op::Const(1), Op::Binary(op, self.last as u32), store]);
            return self.operand_done();
        }
        let before = self.pos;
        self.skip_blanks();
        let rest = self.rest();
        match rest {
            [b'+', b'+', ..] | [b'-', b'-', ..] => {
                self.last = self.pos;
                self.pos += 2;
                let op = if rest[0] == b'+' { BinaryOp::Add } else { BinaryOp::Sub };
                let step = [peek, Op::Dup, Op::Const(1), Op::Binary(op, self.last as u32), store, Op::Pop];
                self.code.extend(step);
                return self.operand_done();
            }
            _ => {}
        }
        if let Some((op, len)) = assignment(rest) {
            self.last = self.pos;
            let free = matches!(
                self.pending.last(),
                None | Some(
                    Pending::Paren
                        | Pending::Subscript { .. }
                        | Pending::Question(_)
                        | Pending::Assign { .. }
                )
            );
            if !free {
                return Err(self.error(Kind::NotAssignable));
            }
            self.pos += len;
            if op.is_some() {
                self.code.push(peek);
            }
            let mut at = self.pos;
            while self.text.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            let op = op.map(|op| (op, at as u32));
            let key = key.filter(|_| op.is_none()).map(|key| (key, self.code.len()));
            self.pending.push(Pending::Assign { name, element, op, key });
            return Ok(Step::Operand);
        }
        self.pos = before;
        self.code.push(load);
        self.operand_done()
    }

    /// An operand is complete: unary operators before it apply.
    fn operand_done(&mut self) -> Result<Step> {
        loop {
            match self.pending.last() {
                Some(Pending::Unary(op)) => self.code.push(Op::Unary(*op)),
                Some(Pending::Plus) => {}
                _ => return Ok(Step::Operator),
            }
            self.pending.pop();
        }
    }

    /// The code from `begin` to `end` comes after what follows it.
    fn move_to_end(&mut self, begin: usize, end: usize) {
        let (first, second) = ((end - begin) as u32, (self.code.len() - end) as u32);
        for (at, op) in self.code.iter_mut().enumerate().skip(begin) {
            let moved = |target: u32| if at < end { target + second } else { target - first };
            match op {
                Op::And(target) | Op::Or(target) | Op::Branch(target) | Op::Jump(target) => {
                    *target = moved(*target)
                }
                Op::Key { skip, .. } => *skip = moved(*skip),
                _ => {}
            }
        }
        if let Some(code) = self.code.get_mut(begin..) {
            code.rotate_left(first as usize);
        }
    }

    /// Emits pending operators that bind at least as tight as `precedence`; 0: also `:` and assignments.
    fn reduce(&mut self, least: u8) {
        while let Some(pending) = self.pending.last().copied() {
            let target = self.code.len() as u32;
            match pending {
                Pending::Binary { op, at } if precedence(op) >= least => self.code.push(Op::Binary(op, at)),
                Pending::And(jump) if 2 >= least => {
                    self.code.push(Op::Bool);
                    self.patch(jump, Op::And(target + 1));
                }
                Pending::Or(jump) if 1 >= least => {
                    self.code.push(Op::Bool);
                    self.patch(jump, Op::Or(target + 1));
                }
                Pending::Colon(jump) if least == 0 => self.patch(jump, Op::Jump(target)),
                Pending::Assign { name, element, op, key } if least == 0 => {
                    if let Some((begin, end)) = key {
                        self.move_to_end(begin, end);
                    }
                    if let Some((op, at)) = op {
                        self.code.push(Op::Binary(op, at));
                    }
                    self.code.push(if element { Op::StoreElement(name) } else { Op::Store(name) });
                }
                _ => return,
            }
            self.pending.pop();
        }
    }

    fn patch(&mut self, at: usize, op: Op) {
        if let Some(slot) = self.code.get_mut(at) {
            *slot = op;
        }
    }

    fn operator(&mut self) -> Result<Step> {
        self.skip_blanks();
        let rest = self.rest();
        let Some(&b) = rest.first() else {
            self.reduce(0);
            return match self.pending.last().copied() {
                None => Ok(Step::End),
                Some(Pending::Subscript { name, key, outer, start }) => {
                    self.pending.pop();
                    self.code.push(Op::Index);
                    self.subscript_done(name, key, outer, start)
                }
                Some(Pending::Question(_)) => Err(self.error(Kind::ColonExpected)),
                Some(_) => Err(self.error(Kind::MissingParen)),
            };
        };
        self.last = self.pos;
        if assignment(rest).is_some() {
            return Err(self.error(Kind::NotAssignable));
        }
        if let [first @ (b'+' | b'-'), second, after @ ..] = rest
            && first == second
            && after.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| is_name_start(*b))
        {
            // Before a name bash always reads `++` and `--` as one token.
            return Err(self.error(Kind::TrailingText));
        }
        if let Some((op, len, least)) = binary(rest) {
            // `**` groups to the right.
            self.reduce(if op == BinaryOp::Pow { least + 1 } else { least });
            self.pos += len;
            let mut at = self.pos;
            while self.text.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            self.pending.push(Pending::Binary { op, at: at as u32 });
            return Ok(Step::Operand);
        }
        match rest {
            [b'&', b'&', ..] => {
                self.reduce(2);
                let here = self.code.len();
                self.code.push(Op::And(0));
                self.pending.push(Pending::And(here));
                self.pos += 2;
                Ok(Step::Operand)
            }
            [b'|', b'|', ..] => {
                self.reduce(1);
                let here = self.code.len();
                self.code.push(Op::Or(0));
                self.pending.push(Pending::Or(here));
                self.pos += 2;
                Ok(Step::Operand)
            }
            [b'?', ..] => {
                self.reduce(1);
                let here = self.code.len();
                self.code.push(Op::Branch(0));
                self.pending.push(Pending::Question(here));
                self.pos += 1;
                Ok(Step::Operand)
            }
            [b':', ..] => {
                self.reduce(0);
                let Some(Pending::Question(branch)) = self.pending.last().copied() else {
                    return Err(self.error(Kind::TrailingText));
                };
                self.pending.pop();
                let here = self.code.len();
                self.code.push(Op::Jump(0));
                self.patch(branch, Op::Branch(here as u32 + 1));
                self.pending.push(Pending::Colon(here));
                self.pos += 1;
                Ok(Step::Operand)
            }
            [b',', ..] => {
                self.reduce(0);
                self.code.push(Op::Pop);
                self.pos += 1;
                Ok(Step::Operand)
            }
            [b')', ..] => {
                self.reduce(0);
                match self.pending.last() {
                    Some(Pending::Paren) => {
                        self.pending.pop();
                        self.pos += 1;
                        self.operand_done()
                    }
                    Some(Pending::Question(_)) => Err(self.error(Kind::ColonExpected)),
                    _ => Err(self.error(Kind::TrailingText)),
                }
            }
            _ => {
                let known = b.is_ascii_alphanumeric() || matches!(b, b'_' | b'!' | b'~' | b'(');
                Err(self.error(if known { Kind::TrailingText } else { Kind::InvalidOperator }))
            }
        }
    }
}

fn match_brackets(text: &[u8]) -> HashMap<usize, usize> {
    let mut open = Vec::new();
    let mut out = HashMap::new();
    let mut bytes = text.iter().enumerate();
    while let Some((at, b)) = bytes.next() {
        match b {
            // A bracket that an expansion has brought along.
            b'\\' => {
                bytes.next();
            }
            b'[' => open.push(at),
            b']' => {
                if let Some(start) = open.pop() {
                    out.insert(start, at);
                }
            }
            _ => {}
        }
    }
    out
}
