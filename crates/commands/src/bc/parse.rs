//! Reads one item of a bc program: a line of statements, or a function.

use std::collections::HashMap;
use std::rc::Rc;

use super::code::{Binary, Function, Local, Op, Place};
use super::lex::{Lexer, Token};

/// How deep expressions and statements may nest; each level costs native stack.
const DEPTH: usize = 200;

/// Why there is no item.
#[derive(Debug)]
pub(super) enum Trouble {
    /// More input is needed.
    Incomplete,
    Wrong(String),
    /// `quit` was read.
    Quit,
}

type Parsed<T> = Result<T, Trouble>;

/// Names that are known.
#[derive(Debug, Default)]
pub(super) struct Names {
    variables: HashMap<Vec<u8>, usize>,
    arrays: HashMap<Vec<u8>, usize>,
    /// The names of the arrays, by their numbers.
    pub(super) array_names: Vec<Vec<u8>>,
    functions: HashMap<Vec<u8>, usize>,
    pub(super) table: Vec<Function>,
}

fn number_of(map: &mut HashMap<Vec<u8>, usize>, name: &[u8]) -> usize {
    match map.get(name) {
        Some(number) => *number,
        None => {
            let number = map.len();
            map.insert(name.to_vec(), number);
            number
        }
    }
}

impl Names {
    pub(super) fn variable(&mut self, name: &[u8]) -> usize {
        number_of(&mut self.variables, name)
    }

    fn array(&mut self, name: &[u8]) -> usize {
        let number = number_of(&mut self.arrays, name);
        if number >= self.array_names.len() {
            self.array_names.push(name.to_vec());
        }
        number
    }

    pub(super) fn function(&mut self, name: &[u8]) -> usize {
        let number = number_of(&mut self.functions, name);
        if number >= self.table.len() {
            self.table.resize_with(number + 1, Function::default);
            if let Some(function) = self.table.get_mut(number) {
                function.name = name.to_vec();
            }
        }
        number
    }
}

/// What kind of expression was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Assignment,
    Void,
}

struct Loop {
    breaks: Vec<usize>,
    /// Where `continue` goes; only in a `for`.
    continues: Option<Vec<usize>>,
}

pub(super) struct Parser<'a, 'n> {
    pub(super) lexer: Lexer<'a>,
    token: Token,
    names: &'n mut Names,
    code: Vec<Op>,
    loops: Vec<Loop>,
    /// In a function; true: in one that returns nothing.
    function: Option<bool>,
    depth: usize,
}

impl<'a, 'n> Parser<'a, 'n> {
    pub(super) fn new(text: &'a [u8], names: &'n mut Names) -> Parser<'a, 'n> {
        let lexer = Lexer::new(text);
        let mut parser = Parser {
            lexer,
            token: Token::End,
            names,
            code: Vec::new(),
            loops: Vec::new(),
            function: None,
            depth: 0,
        };
        parser.advance();
        parser
    }

    fn advance(&mut self) {
        self.token = self.lexer.next();
    }

    fn is(&self, op: &str) -> bool {
        matches!(self.token, Token::Op(found) if found == op)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.token, Token::Word(found) if found == word)
    }

    fn eat(&mut self, op: &str) -> bool {
        let found = self.is(op);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, op: &str) -> Parsed<()> {
        if self.eat(op) { Ok(()) } else { self.wrong() }
    }

    fn wrong<T>(&self) -> Parsed<T> {
        match self.token {
            Token::End => Err(Trouble::Incomplete),
            Token::Wrong(byte) => Err(Trouble::Wrong(format!("illegal character: {}", shown(byte)))),
            _ => Err(Trouble::Wrong("syntax error".into())),
        }
    }

    fn say<T>(&self, message: &str) -> Parsed<T> {
        Err(Trouble::Wrong(message.into()))
    }

    fn deeper<T>(&mut self, body: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.say("the program nests too deep");
        }
        let result = body(self);
        self.depth -= 1;
        result
    }

    fn skip_newlines(&mut self) {
        while self.token == Token::Newline {
            self.advance();
        }
    }

    /// Whether the last line read ended in the middle of an item: then a newline was the token that is wrong.
    pub(super) fn at_newline(&self) -> bool {
        self.token == Token::Newline
    }

    /// The next item. `None`: there is nothing more in the text.
    pub(super) fn item(&mut self) -> Parsed<Option<Vec<Op>>> {
        if self.token == Token::End {
            return if self.lexer.open { Err(Trouble::Incomplete) } else { Ok(None) };
        }
        loop {
            match &self.token {
                Token::Newline => {
                    // Only what stands behind it may be missing.
                    return Ok(Some(std::mem::take(&mut self.code)));
                }
                Token::End => return Err(Trouble::Incomplete),
                Token::Op(";") => self.advance(),
                _ => {
                    if self.is_word("define") {
                        // More may stand behind its brace.
                        self.define()?;
                        continue;
                    }
                    self.statement()?;
                    match &self.token {
                        Token::Newline | Token::Op(";") => {}
                        _ => return self.wrong(),
                    }
                }
            }
        }
    }

    fn push(&mut self, op: Op) -> usize {
        self.code.push(op);
        self.code.len() - 1
    }

    fn fill(&mut self, hole: usize) {
        let here = self.code.len();
        self.fill_with(hole, here);
    }

    fn fill_with(&mut self, hole: usize, to: usize) {
        if let Some(Op::Jump(place) | Op::JumpIfZero(place) | Op::JumpUnlessZero(place)) =
            self.code.get_mut(hole)
        {
            *place = to;
        }
    }

    fn define(&mut self) -> Parsed<()> {
        self.advance();
        let is_void = self.is_word("void");
        if is_void {
            self.advance();
        }
        let Token::Name(name) = self.token.clone() else { return self.wrong() };
        self.advance();
        self.expect("(")?;
        let parameters = self.locals(")")?;
        self.expect(")")?;
        self.skip_newlines();
        self.expect("{")?;
        self.skip_separators();
        let mut locals = Vec::new();
        if self.is_word("auto") {
            self.advance();
            locals = self.locals(";")?;
            if !matches!(self.token, Token::Newline | Token::Op(";")) {
                return self.wrong();
            }
        }
        self.function = Some(is_void);
        let outer = std::mem::take(&mut self.code);
        let body = self.statements();
        self.function = None;
        let mut code = std::mem::replace(&mut self.code, outer);
        body?;
        code.push(Op::Number(b"0".to_vec()));
        code.push(Op::Return);
        let number = self.names.function(&name);
        if let Some(function) = self.names.table.get_mut(number) {
            *function = Function { name, code: Rc::new(code), defined: true, is_void, parameters, locals };
        }
        Ok(())
    }

    /// Names of parameters or local variables.
    fn locals(&mut self, close: &str) -> Parsed<Vec<Local>> {
        let mut found = Vec::new();
        if self.is(close) {
            return Ok(found);
        }
        loop {
            let reference = self.eat("*") || self.eat("&");
            let Token::Name(name) = self.token.clone() else { return self.wrong() };
            self.advance();
            let local = if self.eat("[") {
                self.expect("]")?;
                let number = self.names.array(&name);
                if reference { Local::Reference(number) } else { Local::Array(number) }
            } else if reference {
                return self.wrong();
            } else {
                Local::Variable(self.names.variable(&name))
            };
            if found.contains(&local) {
                return self.say("duplicate parameter names");
            }
            found.push(local);
            if !self.eat(",") {
                return Ok(found);
            }
        }
    }

    fn skip_separators(&mut self) {
        while matches!(self.token, Token::Newline | Token::Op(";")) {
            self.advance();
        }
    }

    /// Statements up to a brace, which is taken.
    fn statements(&mut self) -> Parsed<()> {
        loop {
            self.skip_separators();
            if self.eat("}") {
                return Ok(());
            }
            self.statement()?;
            if !matches!(self.token, Token::Newline | Token::Op(";" | "}")) {
                return self.wrong();
            }
        }
    }

    fn statement(&mut self) -> Parsed<()> {
        self.deeper(Self::statement_inner)
    }

    fn statement_inner(&mut self) -> Parsed<()> {
        match self.token.clone() {
            Token::Text(text) => {
                self.advance();
                self.push(Op::Text(text, false));
            }
            Token::Op("{") => {
                self.advance();
                self.statements()?;
            }
            Token::Word("break") => {
                let hole = self.push(Op::Jump(0));
                match self.loops.last_mut() {
                    Some(inner) => inner.breaks.push(hole),
                    None => return self.say("Break outside a for/while"),
                }
                self.advance();
            }
            Token::Word("continue") => {
                let hole = self.push(Op::Jump(0));
                match self.loops.iter_mut().rev().find_map(|inner| inner.continues.as_mut()) {
                    Some(continues) => continues.push(hole),
                    None => return self.say("Continue outside a for"),
                }
                self.advance();
            }
            Token::Word("quit") => return Err(Trouble::Quit),
            Token::Word("halt") => {
                self.advance();
                self.push(Op::Halt);
            }
            Token::Word("limits") => {
                self.advance();
                self.push(Op::Limits);
            }
            Token::Word("warranty") => {
                self.advance();
                self.push(Op::Warranty);
            }
            Token::Word("return") => self.return_statement()?,
            Token::Word("print") => {
                self.advance();
                loop {
                    if let Token::Text(text) = self.token.clone() {
                        self.advance();
                        self.push(Op::Text(text, true));
                    } else {
                        self.value()?;
                        self.push(Op::Print);
                    }
                    if !self.eat(",") {
                        break;
                    }
                }
            }
            Token::Word("if") => {
                self.advance();
                self.expect("(")?;
                self.value()?;
                self.expect(")")?;
                let no = self.push(Op::JumpIfZero(0));
                self.skip_newlines();
                self.statement()?;
                if self.is_word("else") {
                    self.advance();
                    let end = self.push(Op::Jump(0));
                    self.fill(no);
                    self.skip_newlines();
                    self.statement()?;
                    self.fill(end);
                } else {
                    self.fill(no);
                }
            }
            Token::Word("while") => {
                self.advance();
                self.expect("(")?;
                let start = self.code.len();
                self.value()?;
                self.expect(")")?;
                let over = self.push(Op::JumpIfZero(0));
                self.loops.push(Loop { breaks: Vec::new(), continues: Some(Vec::new()) });
                self.skip_newlines();
                self.statement()?;
                self.push(Op::Jump(start));
                self.fill(over);
                self.end_loop(start);
            }
            Token::Word("for") => self.for_statement()?,
            _ => match self.expression()? {
                Kind::Plain => {
                    self.push(Op::Show);
                }
                Kind::Assignment | Kind::Void => {
                    self.push(Op::Drop);
                }
            },
        }
        Ok(())
    }

    fn return_statement(&mut self) -> Parsed<()> {
        self.advance();
        let Some(is_void) = self.function else {
            if !matches!(self.token, Token::Newline | Token::Op(";" | "}")) {
                self.value()?;
            }
            return self.say("Return outside of a function.");
        };
        if matches!(self.token, Token::Newline | Token::Op(";" | "}")) {
            self.push(Op::Number(b"0".to_vec()));
        } else {
            if is_void && !self.is("(") {
                return self.say("Return expression in a void function.");
            }
            self.value()?;
        }
        self.push(Op::Return);
        Ok(())
    }

    fn for_statement(&mut self) -> Parsed<()> {
        self.advance();
        self.expect("(")?;
        if !self.is(";") {
            self.value()?;
            self.push(Op::Drop);
        }
        self.expect(";")?;
        let test = self.code.len();
        let over = if self.is(";") {
            None
        } else {
            self.value()?;
            Some(self.push(Op::JumpIfZero(0)))
        };
        self.expect(";")?;
        let to_body = self.push(Op::Jump(0));
        let again = self.code.len();
        if !self.is(")") {
            self.value()?;
            self.push(Op::Drop);
        }
        self.push(Op::Jump(test));
        self.expect(")")?;
        self.fill(to_body);
        self.loops.push(Loop { breaks: Vec::new(), continues: Some(Vec::new()) });
        self.skip_newlines();
        self.statement()?;
        self.push(Op::Jump(again));
        if let Some(over) = over {
            self.fill(over);
        }
        self.end_loop(again);
        Ok(())
    }

    fn end_loop(&mut self, again: usize) {
        if let Some(done) = self.loops.pop() {
            for hole in done.breaks {
                self.fill(hole);
            }
            for hole in done.continues.into_iter().flatten() {
                self.fill_with(hole, again);
            }
        }
    }

    // Expressions, from the loosest operators to the tightest.

    /// An expression that has a value.
    fn value(&mut self) -> Parsed<()> {
        match self.expression()? {
            Kind::Void => self.say("void expression"),
            _ => Ok(()),
        }
    }

    fn expression(&mut self) -> Parsed<Kind> {
        self.deeper(Self::or)
    }

    fn or(&mut self) -> Parsed<Kind> {
        let mut kind = self.and()?;
        while self.is("||") {
            self.operand(kind, "||")?;
            self.advance();
            kind = Kind::Plain;
            self.push(Op::Not);
            self.push(Op::Not);
            self.push(Op::Duplicate);
            let end = self.push(Op::JumpUnlessZero(0));
            self.push(Op::Drop);
            let right = self.and()?;
            self.operand(right, "||")?;
            self.push(Op::Not);
            self.push(Op::Not);
            self.fill(end);
        }
        Ok(kind)
    }

    fn and(&mut self) -> Parsed<Kind> {
        let mut kind = self.not()?;
        while self.is("&&") {
            self.operand(kind, "&&")?;
            self.advance();
            kind = Kind::Plain;
            self.push(Op::Not);
            self.push(Op::Not);
            self.push(Op::Duplicate);
            let end = self.push(Op::JumpIfZero(0));
            self.push(Op::Drop);
            let right = self.not()?;
            self.operand(right, "&&")?;
            self.push(Op::Not);
            self.push(Op::Not);
            self.fill(end);
        }
        Ok(kind)
    }

    /// What was read must have a value.
    fn operand(&self, kind: Kind, op: &str) -> Parsed<()> {
        if kind == Kind::Void { self.say(&format!("void expression with {op}")) } else { Ok(()) }
    }

    fn not(&mut self) -> Parsed<Kind> {
        if self.eat("!") {
            let kind = self.deeper(Self::not)?;
            self.operand(kind, "!")?;
            self.push(Op::Not);
            return Ok(Kind::Plain);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Kind> {
        let mut kind = self.sum()?;
        loop {
            let op = match self.token {
                Token::Op("==") => Binary::Equal,
                Token::Op("!=") => Binary::NotEqual,
                Token::Op("<") => Binary::Less,
                Token::Op("<=") => Binary::LessEqual,
                Token::Op(">") => Binary::Greater,
                Token::Op(">=") => Binary::GreaterEqual,
                _ => return Ok(kind),
            };
            kind = self.binary(kind, op, Self::sum)?;
        }
    }

    fn binary(&mut self, left: Kind, op: Binary, right: fn(&mut Self) -> Parsed<Kind>) -> Parsed<Kind> {
        let mark = if let Token::Op(mark) = self.token { mark } else { "" };
        self.operand(left, mark)?;
        self.advance();
        let right = right(self)?;
        self.operand(right, mark)?;
        self.push(Op::Binary(op));
        Ok(Kind::Plain)
    }

    fn sum(&mut self) -> Parsed<Kind> {
        let mut kind = self.product()?;
        loop {
            let op = match self.token {
                Token::Op("+") => Binary::Add,
                Token::Op("-") => Binary::Subtract,
                _ => return Ok(kind),
            };
            kind = self.binary(kind, op, Self::product)?;
        }
    }

    fn product(&mut self) -> Parsed<Kind> {
        let mut kind = self.power()?;
        loop {
            let op = match self.token {
                Token::Op("*") => Binary::Multiply,
                Token::Op("/") => Binary::Divide,
                Token::Op("%") => Binary::Rest,
                _ => return Ok(kind),
            };
            kind = self.binary(kind, op, Self::power)?;
        }
    }

    fn power(&mut self) -> Parsed<Kind> {
        let kind = self.unary()?;
        if self.is("^") {
            return self.binary(kind, Binary::Raise, |parser| parser.deeper(Self::power));
        }
        Ok(kind)
    }

    fn unary(&mut self) -> Parsed<Kind> {
        if self.eat("-") {
            let kind = self.deeper(Self::unary)?;
            self.operand(kind, "-")?;
            self.push(Op::Negate);
            return Ok(Kind::Plain);
        }
        self.primary()
    }

    fn primary(&mut self) -> Parsed<Kind> {
        match self.token.clone() {
            Token::Number(digits) => {
                self.advance();
                self.push(Op::Number(digits));
                Ok(Kind::Plain)
            }
            Token::Op("(") => {
                self.advance();
                let kind = self.expression()?;
                self.expect(")")?;
                Ok(if kind == Kind::Assignment { Kind::Plain } else { kind })
            }
            Token::Op(op @ ("++" | "--")) => {
                self.advance();
                let place = self.named()?;
                self.push(Op::Step(place, if op == "++" { 1 } else { -1 }, false));
                Ok(Kind::Plain)
            }
            Token::Name(name) => {
                let mut ahead = self.lexer.clone();
                if ahead.next() == Token::Op("(") {
                    self.advance();
                    return self.call(&name);
                }
                self.assignable()
            }
            Token::Word("ibase" | "obase" | "last") => self.assignable(),
            Token::Word("scale") => {
                let mut ahead = self.lexer.clone();
                if ahead.next() == Token::Op("(") {
                    return self.function(Op::ScaleOf);
                }
                self.assignable()
            }
            Token::Word("sqrt") => self.function(Op::Root),
            Token::Word("length") => self.function(Op::Length),
            Token::Word(word @ ("read" | "random")) => {
                self.advance();
                self.expect("(")?;
                self.expect(")")?;
                self.push(if word == "read" { Op::Read } else { Op::Random });
                Ok(Kind::Plain)
            }
            _ => self.wrong(),
        }
    }

    fn function(&mut self, op: Op) -> Parsed<Kind> {
        self.advance();
        self.expect("(")?;
        self.value()?;
        self.expect(")")?;
        self.push(op);
        Ok(Kind::Plain)
    }

    /// The name of a place; the index of an element is computed.
    fn named(&mut self) -> Parsed<Place> {
        let token = self.token.clone();
        self.advance();
        Ok(match token {
            Token::Name(name) => {
                if self.eat("[") {
                    let array = self.names.array(&name);
                    self.value()?;
                    self.expect("]")?;
                    Place::Element(array)
                } else {
                    Place::Variable(self.names.variable(&name))
                }
            }
            Token::Word("scale") => Place::Scale,
            Token::Word("ibase") => Place::InputBase,
            Token::Word("obase") => Place::OutputBase,
            Token::Word("last") => Place::Last,
            _ => return self.wrong(),
        })
    }

    /// A place, and what is assigned to it.
    fn assignable(&mut self) -> Parsed<Kind> {
        let place = self.named()?;
        let op = match self.token {
            Token::Op("=") => None,
            Token::Op("+=") => Some(Binary::Add),
            Token::Op("-=") => Some(Binary::Subtract),
            Token::Op("*=") => Some(Binary::Multiply),
            Token::Op("/=") => Some(Binary::Divide),
            Token::Op("%=") => Some(Binary::Rest),
            Token::Op("^=") => Some(Binary::Raise),
            Token::Op(op @ ("++" | "--")) => {
                self.advance();
                self.push(Op::Step(place, if op == "++" { 1 } else { -1 }, true));
                return Ok(Kind::Plain);
            }
            _ => {
                self.push(Op::Load(place));
                return Ok(Kind::Plain);
            }
        };
        self.advance();
        if op.is_some() {
            if let Place::Element(_) = place {
                self.push(Op::DuplicateIndex);
            }
            self.push(Op::Load(place));
        }
        let kind = self.deeper(Self::sum)?;
        self.operand(kind, "assignment")?;
        if let Some(op) = op {
            self.push(Op::Binary(op));
        }
        self.push(Op::Store(place));
        Ok(Kind::Assignment)
    }

    fn call(&mut self, name: &[u8]) -> Parsed<Kind> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        if !self.is(")") {
            loop {
                let mut array = None;
                if let Token::Name(name) = self.token.clone() {
                    let mut ahead = self.lexer.clone();
                    if ahead.next() == Token::Op("[") && ahead.next() == Token::Op("]") {
                        array = Some(self.names.array(&name));
                        self.advance();
                        self.advance();
                        self.advance();
                    }
                }
                if array.is_none() {
                    self.value()?;
                }
                arguments.push(array);
                if !self.eat(",") {
                    break;
                }
            }
        }
        self.expect(")")?;
        let number = self.names.function(name);
        let is_void = self.names.table.get(number).is_some_and(|function| function.is_void);
        self.push(Op::Call(number, arguments));
        Ok(if is_void { Kind::Void } else { Kind::Plain })
    }
}

fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("\\{byte:03o}") }
}
