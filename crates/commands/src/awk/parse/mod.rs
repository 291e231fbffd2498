//! Reads an awk program, as the grammar of GNU awk has it.

mod expr;
mod stmt;

use std::collections::HashMap;

use bstr::ByteSlice;

use super::ast::{Function, Line, Pattern, Place, Program, Rule, SPECIALS, Var};
use super::lex::{Placed, Token, builtin, is_extension};

/// How deep expressions and statements may nest; each level costs native stack.
const DEPTH: usize = 200;

/// Why a program is none, and where.
pub(super) struct SyntaxError {
    pub(super) place: Place,
    /// The byte of the source that it was noticed at; `None`: it is about more than one place.
    pub(super) at: Option<usize>,
    pub(super) message: String,
}

type Parsed<T> = Result<T, SyntaxError>;

/// How the name of a function is used before it is known to be one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Begin,
    End,
    BeginFile,
    EndFile,
    Main,
    Function,
}

impl Section {
    fn name(self) -> &'static str {
        match self {
            Section::Begin => "BEGIN",
            Section::End => "END",
            Section::BeginFile => "BEGINFILE",
            Section::EndFile => "ENDFILE",
            Section::Main | Section::Function => "",
        }
    }
}

/// Reads the tokens of a program.
pub(super) struct Parser {
    program: Program,
    globals: HashMap<Vec<u8>, u32>,
    functions: HashMap<Vec<u8>, usize>,
    regexes: HashMap<Vec<u8>, u32>,
    /// Of the function that is read.
    locals: Option<Vec<Vec<u8>>>,
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    /// `>` is no operator, in a `print`.
    no_greater: bool,
    /// Loops around, and switches.
    loops: usize,
    switches: usize,
    section: Section,
    namespace: Vec<u8>,
    outer_namespaces: Vec<Vec<u8>>,
}

impl Parser {
    pub(super) fn new() -> Parser {
        let mut globals = HashMap::new();
        let mut names = Vec::new();
        for (index, name) in (0..).zip(SPECIALS) {
            globals.insert(name.as_bytes().to_vec(), index);
            names.push(name.as_bytes().to_vec());
        }
        Parser {
            program: Program { globals: names, ..Program::default() },
            globals,
            functions: HashMap::new(),
            regexes: HashMap::new(),
            locals: None,
            tokens: Vec::new(),
            at: 0,
            depth: 0,
            no_greater: false,
            loops: 0,
            switches: 0,
            section: Section::Main,
            namespace: Vec::new(),
            outer_namespaces: Vec::new(),
        }
    }

    /// Reads the tokens of one source after the others.
    pub(super) fn read(&mut self, tokens: Vec<Placed>) -> Parsed<()> {
        self.tokens = tokens;
        self.at = 0;
        self.namespace.clear();
        self.skip_terminators();
        while *self.peek() != Token::End {
            self.item()?;
            self.skip_terminators();
        }
        Ok(())
    }

    /// The whole program, whose sources have these names.
    pub(super) fn finish(mut self, sources: Vec<String>) -> Parsed<Program> {
        for function in &self.program.functions {
            if let Some(index) = self.globals.get(&function.name) {
                let name = function.name.as_bstr();
                // Only what is really used as a variable is one: the place of a name that was only asked for is not.
                let _ = index;
                return Err(SyntaxError {
                    place: function.body.first().map_or(Place::default(), |line| line.place),
                    at: None,
                    message: format!(
                        "function `{name}' called with space between name and `(',\nor used as a variable or an array"
                    ),
                });
            }
        }
        self.program.sources = sources;
        Ok(self.program)
    }

    /// The place of a global variable.
    pub(super) fn global(&mut self, name: &[u8]) -> u32 {
        if let Some(index) = self.globals.get(name) {
            return *index;
        }
        let index = self.program.globals.len() as u32;
        self.program.globals.push(name.to_vec());
        self.globals.insert(name.to_vec(), index);
        index
    }

    /// A variable that an operand assigns to: it has a place if the program could ask for it by its name.
    pub(super) fn operand(&mut self, name: &[u8]) {
        if self.program.uses_tables {
            self.global(name);
        }
    }

    /// A name as it is known outside of the namespace.
    fn qualified(&self, name: &[u8]) -> Vec<u8> {
        if let Some(plain) = name.strip_prefix(b"awk::") {
            return plain.to_vec();
        }
        let capitals =
            name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
        if self.namespace.is_empty() || name.contains(&b':') || capitals {
            return name.to_vec();
        }
        [&self.namespace[..], b"::", name].concat()
    }

    fn variable(&mut self, name: &[u8]) -> Var {
        if let Some(locals) = &self.locals
            && let Some(index) = locals.iter().position(|local| local == name)
        {
            return Var::Local(index as u32);
        }
        let name = self.qualified(name);
        self.program.uses_tables |= name == b"SYMTAB" || name == b"FUNCTAB";
        Var::Global(self.global(&name))
    }

    /// Whether a function of awk is called so here, rather than a variable or a function of the program.
    fn is_name_here(&self, name: &str, prefixed: bool) -> bool {
        !prefixed
            && is_extension(name)
            && (!self.namespace.is_empty()
                || self.locals.iter().flatten().any(|local| local == name.as_bytes()))
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
        if self.eat(op) { Ok(()) } else { self.syntax_error() }
    }

    fn placed(&self) -> Option<&Placed> {
        self.tokens.get(self.at).or_else(|| self.tokens.last())
    }

    fn place(&self) -> Place {
        self.placed().map_or(Place::default(), |placed| placed.place)
    }

    /// An error at the present token.
    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let at = self.placed().map(|placed| placed.start);
        Err(SyntaxError { place: self.place(), at, message: message.into() })
    }

    /// An error that is told without the text.
    fn error_at<T>(&self, place: Place, message: impl Into<String>) -> Parsed<T> {
        Err(SyntaxError { place, at: None, message: message.into() })
    }

    fn syntax_error<T>(&self) -> Parsed<T> {
        match self.peek() {
            Token::Newline | Token::End | Token::Leave => self.error("unexpected newline or end of string"),
            _ => self.error("syntax error"),
        }
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
            Token::Directive(name) => self.directive(&name),
            Token::Enter => {
                self.at += 1;
                let outer = std::mem::take(&mut self.namespace);
                self.outer_namespaces.push(outer);
                Ok(())
            }
            Token::Leave => {
                self.at += 1;
                self.namespace = self.outer_namespaces.pop().unwrap_or_default();
                Ok(())
            }
            Token::Keyword("function") => self.function(),
            _ => self.rule(),
        }
    }

    /// `@namespace`; files to include are there already, by the lexer's user.
    fn directive(&mut self, name: &[u8]) -> Parsed<()> {
        self.at += 1;
        let Token::Text(argument) = self.peek().clone() else { return self.syntax_error() };
        let place = self.place();
        match name {
            b"namespace" => {
                let mut letters = argument.iter();
                let first = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
                if !first || !letters.all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                    return self.error_at(
                        place,
                        format!("namespace name `{}' must meet identifier naming rules", argument.as_bstr()),
                    );
                }
                if let Some(reserved) = builtin(&argument) {
                    return self.error_at(
                        place,
                        format!("using reserved identifier `{reserved}' as a namespace is not allowed"),
                    );
                }
                self.namespace = if argument == b"awk" { Vec::new() } else { argument };
            }
            b"load" if super::extensions::is_known(&argument) => {}
            b"load" => {
                return self.error_at(
                    place,
                    format!(
                        "cannot open shared library `{}' for reading: No such file or directory",
                        argument.as_bstr()
                    ),
                );
            }
            _ => {}
        }
        self.at += 1;
        Ok(())
    }

    fn rule(&mut self) -> Parsed<()> {
        let place = self.place();
        let (special, section) = match self.peek() {
            Token::Keyword("BEGIN") => (Some(Pattern::Begin), Section::Begin),
            Token::Keyword("END") => (Some(Pattern::End), Section::End),
            Token::Keyword("BEGINFILE") => (Some(Pattern::BeginFile), Section::BeginFile),
            Token::Keyword("ENDFILE") => (Some(Pattern::EndFile), Section::EndFile),
            _ => (None, Section::Main),
        };
        self.section = section;
        let is_special = special.is_some();
        let pattern = if let Some(pattern) = special {
            self.at += 1;
            // The brace must stand in the same line.
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
        } else if is_special {
            return self.error(format!("`{}' blocks must have an action part", section.name()));
        } else {
            match self.peek() {
                Token::Newline | Token::End | Token::Op(";") | Token::Leave => {}
                _ => return self.syntax_error(),
            }
            None
        };
        self.program.rules.push(Rule { pattern, body, place });
        Ok(())
    }

    fn function(&mut self) -> Parsed<()> {
        self.at += 1;
        let place = self.place();
        let name = match self.next() {
            Token::Name(name) | Token::Call(name) => name,
            Token::Builtin(name, prefixed) if self.is_name_here(name, prefixed) => name.as_bytes().to_vec(),
            Token::Builtin(name, _) => {
                self.at -= 1;
                return self.error(format!("`{name}' is a built-in function, it cannot be redefined"));
            }
            _ => {
                self.at -= 1;
                return self.syntax_error();
            }
        };
        let name = self.qualified(&name);
        if self.functions.contains_key(&name) {
            return self.error_at(place, format!("function name `{}' previously defined", name.as_bstr()));
        }
        if SPECIALS.iter().any(|special| special.as_bytes() == name) {
            return self.error_at(
                place,
                format!("function `{}': cannot use special variable as a function name", name.as_bstr()),
            );
        }
        self.expect("(")?;
        let parameters = self.parameters(&name, place)?;
        self.skip_newlines();
        self.locals = Some(parameters.clone());
        self.section = Section::Function;
        // Its place is taken now, so that the body can call it.
        let index = self.program.functions.len();
        self.functions.insert(name.clone(), index);
        self.program.functions.push(Function { name, parameters, body: Vec::new() });
        let body = self.block();
        self.locals = None;
        if let Some(function) = self.program.functions.get_mut(index) {
            function.body = body?;
        }
        Ok(())
    }

    fn parameters(&mut self, function: &[u8], place: Place) -> Parsed<Vec<Vec<u8>>> {
        let mut parameters: Vec<Vec<u8>> = Vec::new();
        self.skip_newlines();
        while !self.is(")") {
            let parameter = match self.next() {
                Token::Name(name) => name,
                Token::Builtin(name, false) if is_extension(name) => name.as_bytes().to_vec(),
                _ => {
                    self.at -= 1;
                    return self.syntax_error();
                }
            };
            let shown = parameter.as_bstr();
            let function = function.as_bstr();
            if parameters.contains(&parameter) {
                return self.error_at(
                    place,
                    format!(
                        "function `{function}': parameter #{}, `{shown}', duplicates parameter #{}",
                        parameters.len() + 1,
                        parameters.iter().position(|other| *other == parameter).unwrap_or(0) + 1
                    ),
                );
            }
            if parameter == function.as_bytes() {
                return self.error_at(
                    place,
                    format!("function `{function}': cannot use function name as parameter name"),
                );
            }
            if SPECIALS.iter().any(|special| special.as_bytes() == parameter) {
                return self.error_at(place, format!("function `{function}': parameter `{shown}': POSIX disallows using a special variable as a function parameter"));
            }
            parameters.push(parameter);
            self.skip_newlines();
            if !self.eat(",") {
                break;
            }
            self.skip_newlines();
        }
        self.expect(")")?;
        Ok(parameters)
    }

    fn block(&mut self) -> Parsed<Vec<Line>> {
        self.expect("{")?;
        let mut lines = Vec::new();
        self.skip_terminators();
        while !self.is("}") {
            if matches!(self.peek(), Token::End | Token::Leave) {
                // The newline before the end is where it is missing.
                self.at = self.at.saturating_sub(1);
                return self.error("unexpected newline or end of string");
            }
            lines.push(self.statement()?);
            self.skip_terminators();
        }
        self.at += 1;
        Ok(lines)
    }
}
