//! Expressions of yq: their words and their grammar.
//!
//! From loose to tight: `,`; `or`, `and`; `|`; assignments; comparisons; `//`; `+ -`; `* / %`; paths. The pipe is
//! tighter than in jq: `.a, .b | length` is `.a, (.b | length)`.

use std::rc::Rc;

use super::node::{Res, fault};
use super::scalars::resolve;
use super::words::{Piece, Token, show, words};

/// Nesting of expressions.
pub(super) const MAX_NESTING: usize = 100;

/// The longest way from the root of an expression to a leaf.
const MAX_HEIGHT: usize = 200;

/// A part of a string.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    /// `\(…)`
    Inner(Expr),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Alternative,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
}

/// What an assignment sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    Value,
    Style,
    Tag,
    Anchor,
    Alias,
    Side,
    Head,
    Foot,
    Comments,
}

/// How maps and sequences are merged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Merge {
    pub(super) append: bool,
    pub(super) deep: bool,
    pub(super) existing: bool,
    pub(super) new: bool,
    pub(super) clobber: bool,
}

#[derive(Debug)]
pub(super) enum Expr {
    Own,
    /// `..`, and `...` which has the keys too.
    Descend(bool),
    Literal(&'static str, Rc<str>),
    Text(Vec<Part>),
    Variable(Rc<str>),
    /// `X.name`, `X.name?`
    Field(Box<Expr>, Rc<str>, bool),
    /// `X[Y]`
    Index(Box<Expr>, Box<Expr>, bool),
    Splat(Box<Expr>),
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    Pipe(Vec<Expr>),
    Union(Vec<Expr>),
    Binary(Op, Merge, Box<Expr>, Box<Expr>),
    /// `=`, `|=`: what is set, whether relative, whether custom tags are given up.
    Assign(Attribute, bool, bool, Box<Expr>, Box<Expr>),
    /// `+=` and the like.
    Change(Op, Merge, Box<Expr>, Box<Expr>),
    /// `X as $name | Y`, `X ref $name | Y`
    Bind(Box<Expr>, Rc<str>, bool, Box<Expr>),
    /// `X as $name ireduce (init; block)`
    Reduce(Box<Expr>, Rc<str>, Box<Expr>, Box<Expr>),
    Array(Option<Box<Expr>>),
    Object(Vec<(Expr, Expr)>),
    Call(Rc<str>, Vec<Expr>),
    If(Vec<(Expr, Expr)>, Option<Box<Expr>>),
}

/// Reads an expression.
pub(super) fn parse(text: &str, interpolate: bool) -> Res<Expr> {
    let tokens = words(text, interpolate)?;
    let mut parser = Parser { tokens, at: 0, depth: 0, height: 0 };
    if parser.tokens.is_empty() {
        return Ok(Expr::Own);
    }
    let expr = parser.union()?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => fault(format!("bad expression, unexpected {}", show(token))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// The height of the expression that was read last.
    height: usize,
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

fn attribute(word: &str) -> Option<Attribute> {
    Some(match word {
        "style" => Attribute::Style,
        "tag" | "type" => Attribute::Tag,
        "anchor" => Attribute::Anchor,
        "alias" => Attribute::Alias,
        "line_comment" | "lineComment" => Attribute::Side,
        "head_comment" | "headComment" => Attribute::Head,
        "foot_comment" | "footComment" => Attribute::Foot,
        "comments" => Attribute::Comments,
        _ => return None,
    })
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn sign(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: char) -> Res<()> {
        if self.sign(sign) {
            return Ok(());
        }
        match self.peek() {
            Some(token) => fault(format!("bad expression, expected '{sign}' but found {}", show(token))),
            None => fault(format!("bad expression - probably missing close bracket on '{sign}'")),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn op(&mut self, ops: &[(&str, Op)]) -> Option<(Op, Merge)> {
        let Some(Token::Op(found, flags)) = self.peek() else { return None };
        let (_, op) = ops.iter().find(|(text, _)| text == found)?;
        let merge = merge(flags);
        self.at += 1;
        Some((*op, merge))
    }

    fn enter(&mut self) -> Res<()> {
        self.depth += 1;
        if self.depth > MAX_NESTING { fault("bad expression, nested too deep") } else { Ok(()) }
    }

    /// After the last part of an expression, with the height of the others.
    fn grow(&mut self, other: usize) -> Res<()> {
        self.height = self.height.max(other) + 1;
        if self.height > MAX_HEIGHT { fault("bad expression, too long") } else { Ok(()) }
    }

    fn union(&mut self) -> Res<Expr> {
        self.enter()?;
        let first = self.boolean()?;
        let mut height = self.height;
        let mut all = vec![first];
        while self.sign(',') {
            all.push(self.boolean()?);
            height = height.max(self.height);
        }
        self.depth -= 1;
        if all.len() == 1
            && let Some(only) = all.pop()
        {
            return Ok(only);
        }
        self.grow(height)?;
        Ok(Expr::Union(all))
    }

    fn boolean(&mut self) -> Res<Expr> {
        let mut left = self.pipe()?;
        loop {
            let op = if self.word("or") {
                Op::Or
            } else if self.word("and") {
                Op::And
            } else {
                return Ok(left);
            };
            let height = self.height;
            left = Expr::Binary(op, Merge::default(), boxed(left), boxed(self.pipe()?));
            self.grow(height)?;
        }
    }

    fn pipe(&mut self) -> Res<Expr> {
        let mut stages = Vec::new();
        let mut height = 0;
        loop {
            let stage = self.assignment()?;
            let binds = matches!(self.peek(), Some(Token::Word(word)) if word == "as" || word == "ref");
            stages.push(if binds { self.bind(stage)? } else { stage });
            height = height.max(self.height);
            if !self.sign('|') {
                break;
            }
        }
        self.height = height;
        if stages.len() == 1
            && let Some(only) = stages.pop()
        {
            return Ok(only);
        }
        self.grow(0)?;
        Ok(Expr::Pipe(stages))
    }

    /// What follows the source of a variable; the rest of the pipe is its body.
    fn bind(&mut self, source: Expr) -> Res<Expr> {
        let height = self.height;
        let reference = matches!(self.peek(), Some(Token::Word(word)) if word == "ref");
        self.at += 1;
        let Some(Token::Variable(name)) = self.peek().cloned() else {
            return fault("bad expression, expected a variable after 'as'");
        };
        self.at += 1;
        let name: Rc<str> = Rc::from(name);
        if self.word("ireduce") || self.word("reduce") {
            self.expect('(')?;
            let init = self.union()?;
            let height = height.max(self.height);
            self.expect(';')?;
            let block = self.union()?;
            self.expect(')')?;
            self.grow(height)?;
            return Ok(Expr::Reduce(boxed(source), name, boxed(init), boxed(block)));
        }
        self.enter()?;
        let body = if self.sign('|') { self.pipe()? } else { Expr::Own };
        self.depth -= 1;
        self.grow(height)?;
        Ok(Expr::Bind(boxed(source), name, reference, boxed(body)))
    }

    fn assignment(&mut self) -> Res<Expr> {
        let mut left = self.comparison()?;
        loop {
            if let Some(Token::Word(word)) = self.peek()
                && let Some(attribute) = attribute(word)
                && let Some(Token::Op("=" | "|=", _)) = self.tokens.get(self.at + 1)
            {
                let relative = matches!(self.tokens.get(self.at + 1), Some(Token::Op("|=", _)));
                self.at += 2;
                let height = self.height;
                let right = self.comparison()?;
                self.grow(height)?;
                left = Expr::Assign(attribute, relative, false, boxed(left), boxed(right));
                continue;
            }
            let Some(Token::Op(op, flags)) = self.peek().cloned() else { return Ok(left) };
            let merge = merge(&flags);
            let change = match op {
                "=" | "|=" => {
                    self.at += 1;
                    let height = self.height;
                    let right = self.comparison()?;
                    self.grow(height)?;
                    left =
                        Expr::Assign(Attribute::Value, op == "|=", merge.clobber, boxed(left), boxed(right));
                    continue;
                }
                "+=" => Op::Add,
                "-=" => Op::Subtract,
                "*=" => Op::Multiply,
                "/=" => Op::Divide,
                "%=" => Op::Modulo,
                "//=" => Op::Alternative,
                _ => return Ok(left),
            };
            self.at += 1;
            let height = self.height;
            let right = self.comparison()?;
            self.grow(height)?;
            left = Expr::Change(change, merge, boxed(left), boxed(right));
        }
    }

    fn binary(&mut self, ops: &[(&str, Op)], next: fn(&mut Parser) -> Res<Expr>) -> Res<Expr> {
        let mut left = next(self)?;
        while let Some((op, merge)) = self.op(ops) {
            let height = self.height;
            left = Expr::Binary(op, merge, boxed(left), boxed(next(self)?));
            self.grow(height)?;
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Res<Expr> {
        let ops = [
            ("==", Op::Equal),
            ("!=", Op::Unequal),
            ("<=", Op::LessEqual),
            (">=", Op::GreaterEqual),
            ("<", Op::Less),
            (">", Op::Greater),
        ];
        self.binary(&ops, Parser::alternative)
    }

    fn alternative(&mut self) -> Res<Expr> {
        self.binary(&[("//", Op::Alternative)], Parser::sum)
    }

    fn sum(&mut self) -> Res<Expr> {
        self.binary(&[("+", Op::Add), ("-", Op::Subtract)], Parser::product)
    }

    fn product(&mut self) -> Res<Expr> {
        self.binary(&[("*", Op::Multiply), ("/", Op::Divide), ("%", Op::Modulo)], Parser::postfix)
    }

    fn postfix(&mut self) -> Res<Expr> {
        self.enter()?;
        let mut base = self.primary()?;
        loop {
            match self.peek() {
                Some(Token::Path(name)) => {
                    let name = Rc::from(name.as_str());
                    self.at += 1;
                    let optional = self.sign('?');
                    base = Expr::Field(boxed(base), name, optional);
                    self.grow(0)?;
                }
                Some(Token::Dot) if self.tokens.get(self.at + 1) == Some(&Token::Sign('[')) => self.at += 1,
                Some(Token::Sign('[')) => base = self.bracket(base)?,
                Some(Token::Sign('?')) => self.at += 1,
                _ => break,
            }
        }
        self.depth -= 1;
        Ok(base)
    }

    fn bracket(&mut self, base: Expr) -> Res<Expr> {
        let mut height = self.height;
        self.expect('[')?;
        if self.sign(']') {
            self.grow(0)?;
            // Scalars have no members anyway.
            self.sign('?');
            return Ok(Expr::Splat(boxed(base)));
        }
        let from = if self.peek() == Some(&Token::Sign(':')) { None } else { Some(self.union()?) };
        height = height.max(self.height);
        if self.sign(':') {
            let to = if self.peek() == Some(&Token::Sign(']')) { None } else { Some(boxed(self.union()?)) };
            self.expect(']')?;
            self.grow(height)?;
            return Ok(Expr::Slice(boxed(base), from.map(boxed), to));
        }
        self.expect(']')?;
        let optional = self.sign('?');
        let index = from.unwrap_or(Expr::Own);
        self.grow(height)?;
        Ok(Expr::Index(boxed(base), boxed(index), optional))
    }

    fn primary(&mut self) -> Res<Expr> {
        let Some(token) = self.peek().cloned() else { return fault("bad expression, unexpected end") };
        self.height = 1;
        match token {
            // The loop around takes what follows.
            Token::Path(_) => Ok(Expr::Own),
            Token::Dot => {
                self.at += 1;
                Ok(Expr::Own)
            }
            Token::Dots(keys) => {
                self.at += 1;
                Ok(Expr::Descend(keys))
            }
            Token::Number(text) => {
                self.at += 1;
                Ok(Expr::Literal(resolve(&text), Rc::from(text)))
            }
            Token::Variable(name) => {
                self.at += 1;
                Ok(Expr::Variable(Rc::from(name)))
            }
            Token::Text(pieces) => {
                self.at += 1;
                self.text(pieces)
            }
            Token::Sign('(') => {
                self.at += 1;
                let inner = self.union()?;
                self.expect(')')?;
                Ok(inner)
            }
            Token::Sign('[') => {
                self.at += 1;
                if self.sign(']') {
                    return Ok(Expr::Array(None));
                }
                let inner = self.union()?;
                self.grow(0)?;
                self.expect(']')?;
                Ok(Expr::Array(Some(boxed(inner))))
            }
            Token::Sign('{') => self.object(),
            Token::Word(word) => self.call(&word),
            Token::Op("-", _) => {
                self.at += 1;
                let value = self.postfix()?;
                self.grow(0)?;
                let zero = Expr::Literal("!!int", Rc::from("0"));
                Ok(Expr::Binary(Op::Subtract, Merge::default(), boxed(zero), boxed(value)))
            }
            token => fault(format!("bad expression, unexpected {}", show(&token))),
        }
    }

    fn text(&mut self, pieces: Vec<Piece>) -> Res<Expr> {
        if let [Piece::Text(text)] = pieces.as_slice() {
            return Ok(Expr::Literal("!!str", Rc::from(text.as_str())));
        }
        let mut parts = Vec::new();
        for piece in pieces {
            parts.push(match piece {
                Piece::Text(text) => Part::Text(text),
                Piece::Inner(text) => {
                    let mut inner =
                        Parser { tokens: words(&text, true)?, at: 0, depth: self.depth, height: 0 };
                    let expr = inner.union()?;
                    self.height = self.height.max(inner.height + 1);
                    if let Some(token) = inner.peek() {
                        return fault(format!("bad expression, unexpected {}", show(token)));
                    }
                    Part::Inner(expr)
                }
            });
        }
        Ok(Expr::Text(parts))
    }

    fn object(&mut self) -> Res<Expr> {
        self.enter()?;
        self.expect('{')?;
        let mut entries = Vec::new();
        let mut height = 0;
        while !self.sign('}') {
            let key = match (self.peek().cloned(), self.tokens.get(self.at + 1)) {
                (Some(Token::Word(word)), Some(Token::Sign(':'))) => {
                    self.at += 1;
                    Expr::Literal("!!str", Rc::from(word))
                }
                _ => self.boolean()?,
            };
            height = height.max(self.height);
            self.expect(':')?;
            entries.push((key, self.boolean()?));
            height = height.max(self.height);
            if !self.sign(',') {
                self.expect('}')?;
                break;
            }
        }
        self.depth -= 1;
        self.grow(height)?;
        Ok(Expr::Object(entries))
    }

    fn call(&mut self, word: &str) -> Res<Expr> {
        self.at += 1;
        match word {
            "true" | "false" => return Ok(Expr::Literal("!!bool", Rc::from(word))),
            "null" | "~" => return Ok(Expr::Literal("!!null", Rc::from(word))),
            "if" => return self.condition(),
            _ => {}
        }
        if let Some(attribute) = attribute(word)
            && let Some(Token::Op(op @ ("=" | "|="), _)) = self.peek().cloned()
        {
            self.at += 1;
            let right = self.comparison()?;
            self.grow(0)?;
            return Ok(Expr::Assign(attribute, op == "|=", false, boxed(Expr::Own), boxed(right)));
        }
        let mut arguments = Vec::new();
        if self.sign('(') {
            if matches!(word, "env" | "strenv" | "envsubst") {
                // Names, not expressions.
                while !self.sign(')') {
                    match self.peek().cloned() {
                        Some(Token::Word(name)) => arguments.push(Expr::Literal("!!str", Rc::from(name))),
                        Some(Token::Sign(',' | ';')) => {}
                        _ => return fault(format!("bad expression, expected a name in '{word}'")),
                    }
                    self.at += 1;
                }
                return Ok(Expr::Call(Rc::from(word), arguments));
            }
            let mut height = 0;
            loop {
                arguments.push(self.union()?);
                height = height.max(self.height);
                if !self.sign(';') {
                    break;
                }
            }
            self.expect(')')?;
            self.grow(height)?;
            // Older expressions part the arguments of these with a comma.
            if arguments.len() == 1
                && matches!(word, "sub" | "with_dtf" | "with" | "match" | "capture" | "test")
            {
                arguments = match arguments.pop() {
                    Some(Expr::Union(all)) => all,
                    other => other.into_iter().collect(),
                };
            }
        }
        Ok(Expr::Call(Rc::from(word), arguments))
    }

    fn condition(&mut self) -> Res<Expr> {
        let mut branches = Vec::new();
        let mut height = 0;
        loop {
            let condition = self.union()?;
            if !self.word("then") {
                return fault("bad expression, expected 'then'");
            }
            height = height.max(self.height);
            branches.push((condition, self.union()?));
            height = height.max(self.height);
            if self.word("elif") {
                continue;
            }
            let other = if self.word("else") { Some(boxed(self.union()?)) } else { None };
            if !self.word("end") {
                return fault("bad expression, expected 'end'");
            }
            self.grow(height)?;
            return Ok(Expr::If(branches, other));
        }
    }
}

fn merge(flags: &str) -> Merge {
    Merge {
        append: flags.contains('+'),
        deep: flags.contains('d'),
        existing: flags.contains('?'),
        new: flags.contains('n'),
        clobber: flags.contains('c'),
    }
}
