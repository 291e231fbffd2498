//! Reads an awk program.

use std::collections::{BTreeMap, VecDeque};

use bstr::ByteSlice;

use super::ast::{Expr, Function, Pattern, Program, Redirect, SPECIALS, Source, Stmt, Var};
use super::lex::{Placed, Token, tokens};

/// How deep expressions and statements may nest; each level costs native stack.
const DEPTH: usize = 200;

/// Why a program is none, and in which line of which source.
pub(super) struct SyntaxError {
    pub(super) source: String,
    pub(super) line: usize,
    pub(super) message: String,
}

type Parsed<T> = Result<T, SyntaxError>;

/// Reads the sources of a program one after the other.
pub(super) struct Parser {
    program: Program,
    globals: BTreeMap<Vec<u8>, usize>,
    /// Of the function that is read.
    locals: Option<Vec<Vec<u8>>>,
    tokens: Vec<Placed>,
    at: usize,
    source: String,
    depth: usize,
    /// `in` is no operator, in the head of a `for`.
    no_in: bool,
    /// `>` is no operator, in a `print`.
    no_greater: bool,
    /// Files to be included, by the parser's user.
    pub(super) includes: VecDeque<Vec<u8>>,
    calls: Vec<(Vec<u8>, String, usize)>,
}

impl Parser {
    pub(super) fn new() -> Parser {
        let mut globals = BTreeMap::new();
        let mut names = Vec::new();
        for (index, name) in SPECIALS.iter().enumerate() {
            globals.insert(name.as_bytes().to_vec(), index);
            names.push(name.as_bytes().to_vec());
        }
        let program =
            Program { rules: Vec::new(), functions: Vec::new(), globals: names, regexes: Vec::new() };
        Parser {
            program,
            globals,
            locals: None,
            tokens: Vec::new(),
            at: 0,
            source: String::new(),
            depth: 0,
            no_in: false,
            no_greater: false,
            includes: VecDeque::new(),
            calls: Vec::new(),
        }
    }

    /// Reads one source, called `name` in messages.
    pub(super) fn source(&mut self, name: &str, text: &[u8]) -> Parsed<()> {
        self.source = name.into();
        self.at = 0;
        self.tokens = tokens(text).map_err(|error| SyntaxError {
            source: name.into(),
            line: error.line,
            message: error.message,
        })?;
        self.skip_terminators();
        while *self.peek() != Token::End {
            self.item()?;
            self.skip_terminators();
        }
        Ok(())
    }

    /// The whole program.
    pub(super) fn finish(self) -> Parsed<Program> {
        for (name, source, line) in &self.calls {
            if !self.program.functions.iter().any(|function| function.name == *name) {
                return Err(SyntaxError {
                    source: source.clone(),
                    line: *line,
                    message: format!("function `{}' not defined", name.as_bstr()),
                });
            }
        }
        Ok(self.program)
    }

    /// The place of a global variable.
    pub(super) fn global(&mut self, name: &[u8]) -> usize {
        if let Some(index) = self.globals.get(name) {
            return *index;
        }
        let index = self.program.globals.len();
        self.program.globals.push(name.to_vec());
        self.globals.insert(name.to_vec(), index);
        index
    }

    fn variable(&mut self, name: &[u8]) -> Var {
        if let Some(locals) = &self.locals
            && let Some(index) = locals.iter().position(|local| local == name)
        {
            return Var::Local(index);
        }
        Var::Global(self.global(name))
    }

    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.at + ahead).map_or(&Token::End, |placed| &placed.token)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn is(&self, op: &str) -> bool {
        matches!(self.peek(), Token::Op(found) if *found == op)
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Token::Keyword(found) if *found == keyword)
    }

    fn eat(&mut self, op: &str) -> bool {
        let found = self.is(op);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, op: &str) -> Parsed<()> {
        if self.eat(op) { Ok(()) } else { self.error("syntax error") }
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).or_else(|| self.tokens.last()).map_or(1, |placed| placed.line)
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(SyntaxError { source: self.source.clone(), line: self.line(), message: message.into() })
    }

    fn skip_newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.at += 1;
        }
    }

    fn skip_terminators(&mut self) {
        while *self.peek() == Token::Newline || self.is(";") {
            self.at += 1;
        }
    }

    fn deeper<T>(&mut self, body: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.error("the program nests too deep");
        }
        let result = body(self);
        self.depth -= 1;
        result
    }

    fn item(&mut self) -> Parsed<()> {
        match self.peek().clone() {
            Token::Directive(name) => {
                self.at += 1;
                let Token::Text(argument) = self.next() else { return self.error("syntax error") };
                match &name[..] {
                    b"include" => self.includes.push_back(argument),
                    b"namespace" => {}
                    _ => return self.error("extensions cannot be loaded"),
                }
                Ok(())
            }
            Token::Keyword("function") => self.function(),
            _ => {
                let pattern = match self.peek() {
                    Token::Keyword("BEGIN") => Some(Pattern::Begin),
                    Token::Keyword("END") => Some(Pattern::End),
                    Token::Keyword("BEGINFILE") => Some(Pattern::BeginFile),
                    Token::Keyword("ENDFILE") => Some(Pattern::EndFile),
                    _ => None,
                };
                let special = pattern.is_some();
                let pattern = if let Some(pattern) = pattern {
                    self.at += 1;
                    self.skip_newlines();
                    pattern
                } else if self.is("{") {
                    Pattern::Always
                } else {
                    let from = self.expr()?;
                    if self.eat(",") {
                        self.skip_newlines();
                        Pattern::Range(from, self.expr()?)
                    } else {
                        Pattern::When(from)
                    }
                };
                let body = if self.is("{") {
                    Some(self.block()?)
                } else if special {
                    return self.error("BEGIN, END, BEGINFILE and ENDFILE blocks must have an action part");
                } else {
                    None
                };
                self.program.rules.push((pattern, body));
                Ok(())
            }
        }
    }

    fn function(&mut self) -> Parsed<()> {
        self.at += 1;
        let name = match self.next() {
            Token::Name(name) | Token::Call(name) => name,
            _ => {
                self.at -= 1;
                return self.error("syntax error");
            }
        };
        if self.program.functions.iter().any(|function| function.name == name) {
            return self.error(format!("function name `{}' previously defined", name.as_bstr()));
        }
        self.expect("(")?;
        let mut parameters: Vec<Vec<u8>> = Vec::new();
        self.skip_newlines();
        while !self.is(")") {
            let Token::Name(parameter) = self.next() else {
                self.at -= 1;
                return self.error("syntax error");
            };
            if parameters.contains(&parameter) {
                return self.error(format!(
                    "function `{}': parameter #{}, `{}', duplicates parameter",
                    name.as_bstr(),
                    parameters.len() + 1,
                    parameter.as_bstr()
                ));
            }
            parameters.push(parameter);
            self.skip_newlines();
            if !self.eat(",") {
                break;
            }
            self.skip_newlines();
        }
        self.expect(")")?;
        self.skip_newlines();
        let count = parameters.len();
        self.locals = Some(parameters);
        // Its place is taken now, so that the body can call it.
        let index = self.program.functions.len();
        self.program.functions.push(Function { name, parameters: count, body: Vec::new() });
        let body = self.block();
        self.locals = None;
        if let Some(function) = self.program.functions.get_mut(index) {
            function.body = body?;
        }
        Ok(())
    }

    fn block(&mut self) -> Parsed<Vec<Stmt>> {
        self.expect("{")?;
        let mut statements = Vec::new();
        self.skip_terminators();
        while !self.is("}") {
            if *self.peek() == Token::End {
                return self.error("syntax error: unexpected newline or end of string");
            }
            statements.push(self.statement()?);
            self.skip_terminators();
        }
        self.at += 1;
        Ok(statements)
    }

    fn end_of_simple(&mut self) -> Parsed<()> {
        match self.peek() {
            Token::Newline => self.at += 1,
            Token::Op(";") => self.at += 1,
            Token::Op("}") | Token::End => {}
            _ => return self.error("syntax error"),
        }
        Ok(())
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        self.deeper(Self::statement_inner)
    }

    /// The body of a loop or a condition.
    fn body(&mut self) -> Parsed<Box<Stmt>> {
        if self.eat(";") {
            return Ok(Box::new(Stmt::Block(Vec::new())));
        }
        self.skip_newlines();
        Ok(Box::new(self.statement()?))
    }

    fn condition(&mut self) -> Parsed<Expr> {
        self.expect("(")?;
        let condition = self.grouped()?;
        self.expect(")")?;
        Ok(condition)
    }

    /// An expression in parentheses, where all operators mean what they usually do.
    fn grouped(&mut self) -> Parsed<Expr> {
        let (no_in, no_greater) = (self.no_in, self.no_greater);
        (self.no_in, self.no_greater) = (false, false);
        self.skip_newlines();
        let result = self.expr();
        self.skip_newlines();
        (self.no_in, self.no_greater) = (no_in, no_greater);
        result
    }

    fn statement_inner(&mut self) -> Parsed<Stmt> {
        let keyword = match self.peek() {
            Token::Op("{") => return Ok(Stmt::Block(self.block()?)),
            Token::Op(";") => {
                self.at += 1;
                return Ok(Stmt::Block(Vec::new()));
            }
            Token::Keyword(keyword) => *keyword,
            _ => "",
        };
        match keyword {
            "if" => {
                self.at += 1;
                let condition = self.condition()?;
                let then = self.body()?;
                let before = self.at;
                self.skip_terminators();
                if self.is_keyword("else") {
                    self.at += 1;
                    let other = self.body()?;
                    return Ok(Stmt::If(condition, then, Some(other)));
                }
                self.at = before;
                Ok(Stmt::If(condition, then, None))
            }
            "while" => {
                self.at += 1;
                let condition = self.condition()?;
                Ok(Stmt::While(condition, self.body()?))
            }
            "do" => {
                self.at += 1;
                let body = self.body()?;
                self.skip_terminators();
                if !self.is_keyword("while") {
                    return self.error("syntax error");
                }
                self.at += 1;
                let condition = self.condition()?;
                self.end_of_simple()?;
                Ok(Stmt::Do(body, condition))
            }
            "for" => self.for_loop(),
            "switch" => self.switch(),
            _ => {
                let statement = self.simple()?;
                self.end_of_simple()?;
                Ok(statement)
            }
        }
    }

    fn for_loop(&mut self) -> Parsed<Stmt> {
        self.at += 1;
        self.expect("(")?;
        self.skip_newlines();
        let start = if self.is(";") {
            None
        } else {
            // `for (k in a)`, and not `for ((k in a); …`.
            if let (Token::Name(name), Token::Keyword("in")) = (self.peek().clone(), self.peek_at(1).clone()) {
                let before = self.at;
                self.at += 2;
                let variable = Expr::Var(self.variable(&name));
                let array = self.primary_lvalue();
                if let Ok(array) = array
                    && self.eat(")")
                {
                    return Ok(Stmt::ForIn(variable, array, self.body()?));
                }
                self.at = before;
            }
            let start = self.simple()?;
            Some(Box::new(start))
        };
        self.expect(";")?;
        self.skip_newlines();
        let condition = if self.is(";") { None } else { Some(self.expr()?) };
        self.expect(";")?;
        self.skip_newlines();
        let step = if self.is(")") { None } else { Some(Box::new(self.simple()?)) };
        self.skip_newlines();
        self.expect(")")?;
        Ok(Stmt::For(start, condition, step, self.body()?))
    }

    /// The array of a `for (k in a)`.
    fn primary_lvalue(&mut self) -> Parsed<Expr> {
        let Token::Name(name) = self.next() else { return self.error("syntax error") };
        let mut array = Expr::Var(self.variable(&name));
        while self.eat("[") {
            let keys = self.list("]")?;
            self.expect("]")?;
            array = Expr::Index(Box::new(array), keys);
        }
        Ok(array)
    }

    fn switch(&mut self) -> Parsed<Stmt> {
        self.at += 1;
        let subject = self.condition()?;
        self.skip_newlines();
        self.expect("{")?;
        self.skip_terminators();
        let mut cases = Vec::new();
        while !self.eat("}") {
            let label = if self.is_keyword("default") {
                self.at += 1;
                None
            } else if self.is_keyword("case") {
                self.at += 1;
                Some(match self.peek().clone() {
                    Token::Regex(text, _) => {
                        self.at += 1;
                        Expr::TypedRegex(self.add_regex(text))
                    }
                    _ => self.unary()?,
                })
            } else {
                return self.error("syntax error");
            };
            self.skip_newlines();
            self.expect(":")?;
            self.skip_terminators();
            let mut body = Vec::new();
            while !self.is("}") && !self.is_keyword("case") && !self.is_keyword("default") {
                body.push(self.statement()?);
                self.skip_terminators();
            }
            cases.push((label, body));
        }
        Ok(Stmt::Switch(subject, cases))
    }

    fn simple(&mut self) -> Parsed<Stmt> {
        let keyword = match self.peek() {
            Token::Keyword(keyword) => *keyword,
            _ => "",
        };
        match keyword {
            "print" | "printf" => self.print(keyword == "printf"),
            "break" => self.bare(Stmt::Break),
            "continue" => self.bare(Stmt::Continue),
            "next" => self.bare(Stmt::Next),
            "nextfile" => self.bare(Stmt::NextFile),
            "exit" => {
                self.at += 1;
                Ok(Stmt::Exit(self.optional()?))
            }
            "return" => {
                if self.locals.is_none() {
                    return self.error("`return' used outside function context");
                }
                self.at += 1;
                Ok(Stmt::Return(self.optional()?))
            }
            "delete" => {
                self.at += 1;
                let parenthesis = self.eat("(");
                let array = self.primary_lvalue()?;
                if parenthesis {
                    self.expect(")")?;
                }
                Ok(match array {
                    Expr::Index(array, keys) => Stmt::Delete(*array, Some(keys)),
                    array => Stmt::Delete(array, None),
                })
            }
            _ => Ok(Stmt::Expr(self.expr()?)),
        }
    }

    fn bare(&mut self, statement: Stmt) -> Parsed<Stmt> {
        self.at += 1;
        Ok(statement)
    }

    fn optional(&mut self) -> Parsed<Option<Expr>> {
        match self.peek() {
            Token::Newline | Token::End | Token::Op(";" | "}") => Ok(None),
            _ => Ok(Some(self.expr()?)),
        }
    }

    fn print(&mut self, formatted: bool) -> Parsed<Stmt> {
        self.at += 1;
        let ends = |token: &Token| {
            matches!(token, Token::Newline | Token::End | Token::Op(";" | "}" | ">" | ">>" | "|" | "|&"))
        };
        let mut arguments = None;
        if self.is("(") {
            // All arguments in parentheses, if nothing follows that goes on with an expression.
            let before = self.at;
            self.at += 1;
            let list = self.list(")");
            if let Ok(list) = list
                && self.eat(")")
                && ends(self.peek())
            {
                arguments = Some(list);
            } else {
                self.at = before;
            }
        }
        let arguments = match arguments {
            Some(arguments) => arguments,
            None => {
                let outer = std::mem::replace(&mut self.no_greater, true);
                let mut list = Vec::new();
                if !ends(self.peek()) {
                    list.push(self.expr()?);
                    while self.eat(",") {
                        self.skip_newlines();
                        list.push(self.expr()?);
                    }
                }
                self.no_greater = outer;
                list
            }
        };
        if formatted && arguments.is_empty() {
            return self.error("printf: no arguments");
        }
        let redirect = match self.peek() {
            Token::Op(op @ (">" | ">>" | "|" | "|&")) => {
                let op = *op;
                self.at += 1;
                let outer = std::mem::replace(&mut self.no_greater, true);
                let target = self.concatenation(false)?;
                self.no_greater = outer;
                Some(match op {
                    ">" => Redirect::File(target),
                    ">>" => Redirect::Append(target),
                    "|" => Redirect::Command(target),
                    _ => Redirect::Coprocess(target),
                })
            }
            _ => None,
        };
        Ok(if formatted { Stmt::Printf(arguments, redirect) } else { Stmt::Print(arguments, redirect) })
    }

    fn list(&mut self, close: &str) -> Parsed<Vec<Expr>> {
        let mut list = Vec::new();
        self.skip_newlines();
        if self.is(close) {
            return Ok(list);
        }
        loop {
            list.push(self.grouped()?);
            if !self.eat(",") {
                return Ok(list);
            }
        }
    }

    fn add_regex(&mut self, text: Vec<u8>) -> usize {
        let regexes = &mut self.program.regexes;
        regexes.iter().position(|other| *other == text).unwrap_or_else(|| {
            regexes.push(text);
            regexes.len() - 1
        })
    }

    // Expressions, from the loosest operators to the tightest.

    fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(Self::ternary)
    }

    fn ternary(&mut self) -> Parsed<Expr> {
        let condition = self.or()?;
        if !self.eat("?") {
            return Ok(condition);
        }
        self.skip_newlines();
        let yes = self.expr()?;
        self.skip_newlines();
        self.expect(":")?;
        self.skip_newlines();
        let no = self.expr()?;
        Ok(Expr::Conditional(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.eat("||") {
            self.skip_newlines();
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.membership()?;
        while self.eat("&&") {
            self.skip_newlines();
            left = Expr::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        while !self.no_in && self.is_keyword("in") {
            self.at += 1;
            let array = self.primary_lvalue()?;
            left = Expr::In(vec![left], Box::new(array));
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        while let Token::Op(op @ ("~" | "!~")) = *self.peek() {
            self.at += 1;
            let right = self.comparison()?;
            left = Expr::Match(Box::new(left), Box::new(right), op == "!~");
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.concatenation(true)?;
        let op = match *self.peek() {
            Token::Op(">") if self.no_greater => return Ok(left),
            Token::Op(op @ ("<" | "<=" | "==" | "!=" | ">" | ">=")) => op,
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.concatenation(true)?;
        Ok(Expr::Binary(op, Box::new(left), Box::new(right)))
    }

    /// Concatenation, and `command | getline` if `piped`.
    fn concatenation(&mut self, piped: bool) -> Parsed<Expr> {
        let mut left = self.additive()?;
        loop {
            match self.peek() {
                Token::Op(op @ ("|" | "|&")) if piped && *self.peek_at(1) == Token::Keyword("getline") => {
                    let coprocess = *op == "|&";
                    self.at += 2;
                    let target = self.getline_target()?;
                    let command = Box::new(left);
                    let source =
                        if coprocess { Source::Coprocess(command) } else { Source::Command(command) };
                    left = Expr::Getline(source, target);
                }
                Token::Keyword("in") => return Ok(left),
                Token::Number(_)
                | Token::Text(_)
                | Token::Regex(..)
                | Token::Name(_)
                | Token::Call(_)
                | Token::Indirect(_)
                | Token::Builtin(_)
                | Token::Op("$" | "!" | "(" | "-" | "+" | "++" | "--") => {
                    let right = self.additive()?;
                    left = Expr::Concat(Box::new(left), Box::new(right));
                }
                _ => return Ok(left),
            }
        }
    }

    fn additive(&mut self) -> Parsed<Expr> {
        let mut left = self.multiplicative()?;
        while let Token::Op(op @ ("+" | "-")) = *self.peek() {
            self.at += 1;
            let right = self.multiplicative()?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn multiplicative(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        while let Token::Op(op @ ("*" | "/" | "%")) = *self.peek() {
            self.at += 1;
            let right = self.unary()?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        match *self.peek() {
            Token::Op(op @ ("!" | "-" | "+")) => {
                self.at += 1;
                let operand = self.deeper(Self::unary)?;
                Ok(Expr::Unary(op, Box::new(operand)))
            }
            _ => self.power(),
        }
    }

    fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix(true)?;
        if self.eat("^") {
            let exponent = match *self.peek() {
                Token::Op(op @ ("-" | "+" | "!")) => {
                    self.at += 1;
                    Expr::Unary(op, Box::new(self.deeper(Self::power)?))
                }
                _ => self.deeper(Self::power)?,
            };
            return Ok(Expr::Binary("^", Box::new(base), Box::new(exponent)));
        }
        Ok(base)
    }

    /// A primary, with `++` and `--` behind it, or an assignment to it if `assigns`.
    fn postfix(&mut self, assigns: bool) -> Parsed<Expr> {
        let primary = self.primary()?;
        if !matches!(primary, Expr::Var(_) | Expr::Field(_) | Expr::Index(..)) {
            return Ok(primary);
        }
        match *self.peek() {
            Token::Op("++") => {
                self.at += 1;
                Ok(Expr::Step(Box::new(primary), 1.0, true))
            }
            Token::Op("--") => {
                self.at += 1;
                Ok(Expr::Step(Box::new(primary), -1.0, true))
            }
            Token::Op("=") if assigns => {
                self.at += 1;
                self.skip_newlines();
                let value = self.expr()?;
                Ok(Expr::Assign(Box::new(primary), Box::new(value)))
            }
            Token::Op(op @ ("+=" | "-=" | "*=" | "/=" | "%=" | "^=")) if assigns => {
                self.at += 1;
                self.skip_newlines();
                let value = self.expr()?;
                let op = match op {
                    "+=" => "+",
                    "-=" => "-",
                    "*=" => "*",
                    "/=" => "/",
                    "%=" => "%",
                    _ => "^",
                };
                Ok(Expr::AssignOp(op, Box::new(primary), Box::new(value)))
            }
            _ => Ok(primary),
        }
    }

    fn getline_target(&mut self) -> Parsed<Option<Box<Expr>>> {
        match self.peek() {
            Token::Op("$") | Token::Name(_) => {
                let target = self.primary()?;
                Ok(Some(Box::new(target)))
            }
            _ => Ok(None),
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        match self.next() {
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Regex(text, typed) => {
                let index = self.add_regex(text);
                Ok(if typed { Expr::TypedRegex(index) } else { Expr::Regex(index) })
            }
            Token::Op("$") => {
                let index = match *self.peek() {
                    Token::Op(op @ ("++" | "--")) => {
                        self.at += 1;
                        let target = self.deeper(Self::primary)?;
                        Expr::Step(Box::new(target), if op == "++" { 1.0 } else { -1.0 }, false)
                    }
                    Token::Op(op @ ("-" | "+" | "!")) => {
                        self.at += 1;
                        Expr::Unary(op, Box::new(self.deeper(Self::primary)?))
                    }
                    _ => self.deeper(Self::primary)?,
                };
                Ok(Expr::Field(Box::new(index)))
            }
            Token::Op(op @ ("++" | "--")) => {
                let target = self.deeper(Self::primary)?;
                if !matches!(target, Expr::Var(_) | Expr::Field(_) | Expr::Index(..)) {
                    return self.error("syntax error");
                }
                Ok(Expr::Step(Box::new(target), if op == "++" { 1.0 } else { -1.0 }, false))
            }
            Token::Op("(") => {
                let mut list = self.list(")")?;
                self.expect(")")?;
                if list.len() > 1 || (self.is_keyword("in") && !self.no_in) {
                    if !self.is_keyword("in") {
                        return self.error("syntax error");
                    }
                    self.at += 1;
                    let array = self.primary_lvalue()?;
                    return Ok(Expr::In(list, Box::new(array)));
                }
                match list.pop() {
                    Some(inner) => Ok(Expr::Group(Box::new(inner))),
                    None => self.error("syntax error"),
                }
            }
            Token::Op(op @ ("-" | "+" | "!")) => {
                let operand = self.deeper(Self::unary)?;
                Ok(Expr::Unary(op, Box::new(operand)))
            }
            Token::Keyword("getline") => {
                let target = self.getline_target()?;
                let source = if self.eat("<") {
                    Source::File(Box::new(self.postfix(false)?))
                } else {
                    Source::Main
                };
                Ok(Expr::Getline(source, target))
            }
            Token::Builtin(name) => {
                if self.eat("(") {
                    let arguments = self.list(")")?;
                    self.expect(")")?;
                    return Ok(Expr::Builtin(name, arguments));
                }
                if name == "length" {
                    return Ok(Expr::Builtin(name, Vec::new()));
                }
                self.error("syntax error")
            }
            Token::Call(name) => {
                let line = self.line();
                self.expect("(")?;
                let arguments = self.list(")")?;
                self.expect(")")?;
                self.calls.push((name.clone(), self.source.clone(), line));
                Ok(Expr::Call(name, arguments, line))
            }
            Token::Indirect(name) => {
                let variable = self.variable(&name);
                let arguments = self.list(")")?;
                self.expect(")")?;
                Ok(Expr::Indirect(variable, arguments))
            }
            Token::Name(name) => {
                let mut found = Expr::Var(self.variable(&name));
                while self.eat("[") {
                    let keys = self.list("]")?;
                    self.expect("]")?;
                    if keys.is_empty() {
                        return self.error("syntax error");
                    }
                    found = Expr::Index(Box::new(found), keys);
                }
                Ok(found)
            }
            _ => {
                self.at -= 1;
                self.error("syntax error")
            }
        }
    }
}
