//! The grammar of jq.

use std::rc::Rc;

use super::number;
use super::syntax::{Arithmetic, Ast, Definition, Import, Operator, Part, Pattern, Source};
use super::value::{Members, Value};

/// Parentheses, brackets and the like, one within the other: what the native stack of the guest has room for.
const MAX_NESTING: usize = 400;

/// A program that is none.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct SyntaxError {
    /// What is wrong.
    pub(crate) message: String,
    /// Where, in bytes.
    pub(crate) at: usize,
}

type Parsed<T> = Result<T, SyntaxError>;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    End,
    /// `.name`
    Field(String),
    /// A name or word of the language.
    Name(String),
    /// `$name`
    Binding(String),
    /// `@name`
    Format(String),
    Number(String),
    /// `"`
    Quote,
    Symbol(&'static str),
}

const SYMBOLS: &[&str] = &[
    "?//=", "?//", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", "..", "::", ".",
    "[", "]", "(", ")", "{", "}", "|", ",", ":", ";", "=", "<", ">", "+", "-", "*", "/", "%", "?", "$",
];

const KEYWORDS: &[&str] = &[
    "def", "module", "import", "include", "if", "then", "else", "elif", "end", "as", "reduce", "foreach",
    "try", "catch", "label", "and", "or", "__loc__",
];

struct Parser<'a> {
    text: &'a str,
    /// Behind the token.
    at: usize,
    /// Where the token begins.
    start: usize,
    token: Token,
    nesting: usize,
}

/// Reads a program or module.
pub(crate) fn parse(text: &str) -> Parsed<Source> {
    let mut parser = Parser { text, at: 0, start: 0, token: Token::End, nesting: 0 };
    parser.advance()?;
    let mut source = Source::default();
    if parser.is_word("module") {
        parser.advance()?;
        let meta = parser.constant("Module metadata must be constant")?;
        if !matches!(meta, Value::Object(_)) {
            return parser.error("Module metadata must be an object");
        }
        source.meta = Some(meta);
        parser.expect(";")?;
    }
    while parser.is_word("import") || parser.is_word("include") {
        source.imports.push(parser.import()?);
    }
    while parser.is_word("def") {
        source.definitions.push(Rc::new(parser.definition()?));
    }
    if parser.token != Token::End {
        source.body = Some(parser.query()?);
    }
    if parser.token != Token::End {
        return parser.unexpected();
    }
    Ok(source)
}

fn name_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
        return 0;
    }
    bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
}

/// With `::` between.
fn long_name_length(text: &str) -> usize {
    let mut length = name_length(text);
    while length > 0 {
        let rest = text.get(length..).unwrap_or_default();
        let Some(rest) = rest.strip_prefix("::") else { break };
        let more = name_length(rest);
        if more == 0 {
            break;
        }
        length += 2 + more;
    }
    length
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(SyntaxError { message: message.into(), at: self.start })
    }

    fn unexpected<T>(&self) -> Parsed<T> {
        let what = match &self.token {
            Token::End => "end of file".to_owned(),
            Token::Field(_) => "FIELD".into(),
            Token::Name(name) if KEYWORDS.contains(&name.as_str()) => name.clone(),
            Token::Name(_) => "IDENT".into(),
            Token::Binding(_) => "BINDING".into(),
            Token::Format(_) => "FORMAT".into(),
            Token::Number(_) => "LITERAL".into(),
            Token::Quote => "QQSTRING_START".into(),
            Token::Symbol(symbol) if symbol.len() == 1 => format!("'{symbol}'"),
            Token::Symbol(symbol) => (*symbol).to_owned(),
        };
        self.error(format!("syntax error, unexpected {what}"))
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.at += blank;
            if !self.rest().starts_with('#') {
                return;
            }
            // A comment ends with its line, unless an odd number of backslashes stands before the end.
            let bytes = self.text.as_bytes();
            let mut slashes = 0;
            while let Some(byte) = bytes.get(self.at) {
                match byte {
                    b'\\' => slashes += 1,
                    b'\r' if bytes.get(self.at + 1) == Some(&b'\n') => {}
                    b'\n' if slashes % 2 == 0 => break,
                    _ => slashes = 0,
                }
                self.at += 1;
            }
        }
    }

    fn advance(&mut self) -> Parsed<()> {
        self.skip_blank();
        self.start = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            self.token = Token::End;
            return Ok(());
        };
        let (token, length) = match first {
            '"' => (Token::Quote, 1),
            '.' if name_length(rest.get(1..).unwrap_or_default()) > 0 => {
                let length = name_length(rest.get(1..).unwrap_or_default());
                (Token::Field(rest.get(1..=length).unwrap_or_default().to_owned()), length + 1)
            }
            '$' if long_name_length(rest.get(1..).unwrap_or_default()) > 0 => {
                let length = long_name_length(rest.get(1..).unwrap_or_default());
                (Token::Binding(rest.get(1..=length).unwrap_or_default().to_owned()), length + 1)
            }
            '@' if name_length(&rest[1..].replace(|letter: char| letter.is_ascii_digit(), "a")) > 0 => {
                let length = rest
                    .bytes()
                    .skip(1)
                    .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                    .count();
                (Token::Format(rest.get(..=length).unwrap_or_default().to_owned()), length + 1)
            }
            '0'..='9' | '.' if number_length(rest) > 0 => {
                let length = number_length(rest);
                (Token::Number(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            _ if long_name_length(rest) > 0 => {
                let length = long_name_length(rest);
                (Token::Name(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            _ => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol) && **symbol != "?//=") {
                Some(symbol) => (Token::Symbol(symbol), symbol.len()),
                None => return self.error("syntax error, unexpected INVALID_CHARACTER"),
            },
        };
        self.at += length;
        self.token = token;
        Ok(())
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(&self.token, Token::Symbol(other) if *other == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.token, Token::Name(name) if name == word)
    }

    fn eat(&mut self, symbol: &str) -> Parsed<bool> {
        let found = self.is(symbol);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn eat_word(&mut self, word: &str) -> Parsed<bool> {
        let found = self.is_word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol)? { Ok(()) } else { self.unexpected() }
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.eat_word(word)? { Ok(()) } else { self.unexpected() }
    }

    fn binding(&mut self) -> Parsed<String> {
        match &self.token {
            Token::Binding(name) => {
                let name = name.clone();
                self.advance()?;
                Ok(name)
            }
            Token::Symbol("$") => {
                self.advance()?;
                match &self.token {
                    Token::Name(name) => {
                        let name = name.clone();
                        self.advance()?;
                        Ok(name)
                    }
                    _ => self.unexpected(),
                }
            }
            _ => self.unexpected(),
        }
    }

    fn constant(&mut self, message: &str) -> Parsed<Value> {
        let at = self.start;
        let ast = self.term()?;
        constant(&ast).ok_or(SyntaxError { message: message.into(), at })
    }

    fn import(&mut self) -> Parsed<Import> {
        let is_import = self.is_word("import");
        self.advance()?;
        if self.token != Token::Quote {
            return self.unexpected();
        }
        let Some(Value::String(path)) = constant(&self.string("@text".into())?) else {
            return self.error("Import path must be constant");
        };
        let (mut name, mut data) = (None, false);
        if is_import {
            self.expect_word("as")?;
            if let Token::Name(module) = &self.token {
                name = Some(module.clone());
                self.advance()?;
            } else {
                name = Some(self.binding()?);
                data = true;
            }
        }
        let mut meta = None;
        if !self.is(";") {
            let value = self.constant("Module metadata must be constant")?;
            if !matches!(value, Value::Object(_)) {
                return self.error("Module metadata must be an object");
            }
            meta = Some(value);
        }
        self.expect(";")?;
        Ok(Import { path: path.to_string(), name, data, meta })
    }

    fn definition(&mut self) -> Parsed<Definition> {
        self.expect_word("def")?;
        let Token::Name(name) = &self.token else { return self.unexpected() };
        let name = name.clone();
        self.advance()?;
        let mut parameters = Vec::new();
        if self.eat("(")? {
            loop {
                if let Token::Name(name) = &self.token {
                    parameters.push(name.clone());
                    self.advance()?;
                } else {
                    parameters.push(format!("${}", self.binding()?));
                }
                if !self.eat(";")? {
                    break;
                }
            }
            self.expect(")")?;
        }
        self.expect(":")?;
        let body = self.query()?;
        self.expect(";")?;
        Ok(Definition { name, parameters, body })
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return self.error("syntax error, memory exhausted");
        }
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// Everything, down to `|`.
    fn query(&mut self) -> Parsed<Ast> {
        self.deeper(Self::query_inner)
    }

    fn query_inner(&mut self) -> Parsed<Ast> {
        let mut stages = Vec::new();
        loop {
            let mut items = Vec::new();
            let whole = loop {
                let (item, rest_is_in_it) = self.item()?;
                items.push(item);
                if rest_is_in_it || !self.eat(",")? {
                    break rest_is_in_it;
                }
            };
            stages.push(match items.pop() {
                Some(only) if items.is_empty() => only,
                Some(last) => {
                    items.push(last);
                    Ast::Comma(items)
                }
                None => Ast::Identity,
            });
            if whole || !self.eat("|")? {
                break;
            }
        }
        Ok(match stages.pop() {
            Some(only) if stages.is_empty() => only,
            Some(last) => {
                stages.push(last);
                Ast::Pipe(stages)
            }
            None => Ast::Identity,
        })
    }

    /// An operand of `,`; whether it reaches to the end of the query.
    fn item(&mut self) -> Parsed<(Ast, bool)> {
        if self.is_word("def") {
            let mut definitions = Vec::new();
            while self.is_word("def") {
                definitions.push(Rc::new(self.definition()?));
            }
            let body = self.query()?;
            let ast = definitions
                .into_iter()
                .rev()
                .fold(body, |body, definition| Ast::Def(definition, Box::new(body)));
            return Ok((ast, true));
        }
        if self.is_word("label") {
            self.advance()?;
            let name = self.binding()?;
            self.expect("|")?;
            let body = self.query()?;
            return Ok((Ast::Label(name, Box::new(body)), true));
        }
        let source = self.expression(0)?;
        if self.eat_word("as")? {
            let patterns = self.patterns()?;
            self.expect("|")?;
            let body = self.query()?;
            return Ok((Ast::As(Box::new(source), patterns, Box::new(body)), true));
        }
        Ok((source, false))
    }

    fn patterns(&mut self) -> Parsed<Vec<Pattern>> {
        let mut patterns = vec![self.pattern()?];
        while self.eat("?//")? {
            patterns.push(self.pattern()?);
        }
        Ok(patterns)
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        self.deeper(Self::pattern_inner)
    }

    fn pattern_inner(&mut self) -> Parsed<Pattern> {
        if self.eat("[")? {
            let mut patterns = vec![self.pattern()?];
            while self.eat(",")? {
                patterns.push(self.pattern()?);
            }
            self.expect("]")?;
            return Ok(Pattern::Array(patterns));
        }
        if self.eat("{")? {
            let mut members = Vec::new();
            loop {
                let (key, name) = match &self.token {
                    Token::Binding(_) | Token::Symbol("$") => {
                        let name = self.binding()?;
                        (Ast::Const(Value::string(name.clone())), Some(name))
                    }
                    Token::Name(name) => {
                        let key = Ast::Const(Value::string(name.clone()));
                        self.advance()?;
                        (key, None)
                    }
                    Token::Quote => (self.string("@text".into())?, None),
                    Token::Symbol("(") => {
                        self.advance()?;
                        let key = self.query()?;
                        self.expect(")")?;
                        (key, None)
                    }
                    _ => return self.unexpected(),
                };
                let mut pattern = None;
                if name.is_none() || self.is(":") {
                    self.expect(":")?;
                    pattern = Some(self.pattern()?);
                }
                members.push((key, name, pattern));
                if !self.eat(",")? {
                    break;
                }
            }
            self.expect("}")?;
            return Ok(Pattern::Object(members));
        }
        Ok(Pattern::Var(self.binding()?))
    }

    /// The operator that comes, how strongly it binds, and what its right side must have at least.
    fn operator(&self) -> Option<(Operator, u8, u8)> {
        Some(match &self.token {
            Token::Symbol(symbol) => match *symbol {
                "//" => (Operator::Alternative, 1, 1),
                "=" => (Operator::Assign, 2, 3),
                "|=" => (Operator::Modify, 2, 3),
                "+=" => (Operator::ModifyWith(Arithmetic::Add), 2, 3),
                "-=" => (Operator::ModifyWith(Arithmetic::Subtract), 2, 3),
                "*=" => (Operator::ModifyWith(Arithmetic::Multiply), 2, 3),
                "/=" => (Operator::ModifyWith(Arithmetic::Divide), 2, 3),
                "%=" => (Operator::ModifyWith(Arithmetic::Remainder), 2, 3),
                "//=" => (Operator::ModifyAlternative, 2, 3),
                "==" => (Operator::Equal, 5, 6),
                "!=" => (Operator::Unequal, 5, 6),
                "<" => (Operator::Less, 5, 6),
                "<=" => (Operator::LessEqual, 5, 6),
                ">" => (Operator::Greater, 5, 6),
                ">=" => (Operator::GreaterEqual, 5, 6),
                "+" => (Operator::Add, 6, 7),
                "-" => (Operator::Subtract, 6, 7),
                "*" => (Operator::Multiply, 7, 8),
                "/" => (Operator::Divide, 7, 8),
                "%" => (Operator::Remainder, 7, 8),
                _ => return None,
            },
            Token::Name(name) if name == "or" => (Operator::Or, 3, 4),
            Token::Name(name) if name == "and" => (Operator::And, 4, 5),
            _ => return None,
        })
    }

    fn expression(&mut self, least: u8) -> Parsed<Ast> {
        self.deeper(|parser| parser.expression_inner(least))
    }

    fn expression_inner(&mut self, least: u8) -> Parsed<Ast> {
        let mut left = if self.eat("-")? { Ast::Negate(Box::new(self.expression(7)?)) } else { self.term()? };
        let mut height = 0;
        // What the operator just read forbids: `1 == 2 == 3` is none.
        let mut barred = 0;
        while let Some((operator, level, right)) = self.operator() {
            if level < least {
                break;
            }
            if level == barred {
                return self.unexpected();
            }
            self.advance()?;
            let operand = self.expression(right)?;
            height += 1;
            // A chain is a tree that leans to the left; its depth is bounded as all nesting.
            if height > 4 * MAX_NESTING {
                return self.error("syntax error, memory exhausted");
            }
            left = Ast::Binary(operator, Box::new(left), Box::new(operand));
            barred = if level == 2 || level == 5 { level } else { 0 };
        }
        Ok(left)
    }

    /// A term with what follows it.
    fn term(&mut self) -> Parsed<Ast> {
        self.deeper(Self::term_inner)
    }

    fn term_inner(&mut self) -> Parsed<Ast> {
        let mut term = self.primary()?;
        loop {
            match &self.token {
                Token::Field(name) => {
                    let key = Ast::Const(Value::string(name.clone()));
                    self.advance()?;
                    term = Ast::Index(Box::new(term), Box::new(key));
                }
                Token::Symbol(".") => {
                    self.advance()?;
                    match &self.token {
                        Token::Quote => {
                            let key = self.string("@text".into())?;
                            term = Ast::Index(Box::new(term), Box::new(key));
                        }
                        Token::Symbol("[") => term = self.suffix(term)?,
                        _ => return self.unexpected(),
                    }
                }
                Token::Symbol("[") => term = self.suffix(term)?,
                Token::Symbol("?") => {
                    self.advance()?;
                    term = Ast::Try(Box::new(term), None);
                }
                _ => return Ok(term),
            }
        }
    }

    /// `[…]` behind a term.
    fn suffix(&mut self, term: Ast) -> Parsed<Ast> {
        self.expect("[")?;
        let term = Box::new(term);
        if self.eat("]")? {
            return Ok(Ast::Iterate(term));
        }
        if self.eat(":")? {
            let to = self.query()?;
            self.expect("]")?;
            return Ok(Ast::Slice(term, None, Some(Box::new(to))));
        }
        let key = Box::new(self.query()?);
        if self.eat(":")? {
            if self.eat("]")? {
                return Ok(Ast::Slice(term, Some(key), None));
            }
            let to = self.query()?;
            self.expect("]")?;
            return Ok(Ast::Slice(term, Some(key), Some(Box::new(to))));
        }
        self.expect("]")?;
        Ok(Ast::Index(term, key))
    }

    fn primary(&mut self) -> Parsed<Ast> {
        let token = self.token.clone();
        match token {
            Token::Number(text) => {
                let Some(value) = number::parse(&text) else { return self.unexpected() };
                self.advance()?;
                Ok(Ast::Const(value))
            }
            Token::Quote => self.string("@text".into()),
            Token::Format(name) => {
                self.advance()?;
                if self.token == Token::Quote { self.string(name) } else { Ok(Ast::Format(name)) }
            }
            Token::Field(name) => {
                self.advance()?;
                Ok(Ast::Index(Box::new(Ast::Identity), Box::new(Ast::Const(Value::string(name)))))
            }
            Token::Binding(name) if name == "__loc__" => {
                let location = self.location();
                self.advance()?;
                Ok(Ast::Const(location))
            }
            Token::Binding(_) | Token::Symbol("$") => Ok(Ast::Var(self.binding()?)),
            Token::Symbol(symbol) => match symbol {
                "." => {
                    self.advance()?;
                    if self.token == Token::Quote {
                        let key = self.string("@text".into())?;
                        return Ok(Ast::Index(Box::new(Ast::Identity), Box::new(key)));
                    }
                    Ok(Ast::Identity)
                }
                ".." => {
                    self.advance()?;
                    Ok(Ast::Descend)
                }
                "(" => {
                    self.advance()?;
                    let inner = self.query()?;
                    self.expect(")")?;
                    Ok(inner)
                }
                "[" => {
                    self.advance()?;
                    if self.eat("]")? {
                        return Ok(Ast::Array(None));
                    }
                    let inner = self.query()?;
                    self.expect("]")?;
                    Ok(Ast::Array(Some(Box::new(inner))))
                }
                "{" => self.object(),
                "-" => {
                    self.advance()?;
                    Ok(Ast::Negate(Box::new(self.term()?)))
                }
                _ => self.unexpected(),
            },
            Token::Name(name) => self.word(name),
            Token::End => self.unexpected(),
        }
    }

    fn location(&self) -> Value {
        let line = 1 + self.text.get(..self.start).unwrap_or_default().matches('\n').count();
        let mut members = Members::default();
        members.insert(Rc::new("file".into()), Value::string("<top-level>"));
        members.insert(Rc::new("line".into()), Value::Number(line as f64));
        Value::object(members)
    }

    fn word(&mut self, name: String) -> Parsed<Ast> {
        match name.as_str() {
            "if" => {
                self.advance()?;
                self.conditional()
            }
            "try" => {
                self.advance()?;
                let body = self.post_term()?;
                let handler = if self.eat_word("catch")? { Some(Box::new(self.post_term()?)) } else { None };
                Ok(Ast::Try(Box::new(body), handler))
            }
            "reduce" => {
                self.advance()?;
                let source = Box::new(self.expression(0)?);
                self.expect_word("as")?;
                let patterns = self.patterns()?;
                self.expect("(")?;
                let init = Box::new(self.query()?);
                self.expect(";")?;
                let update = Box::new(self.query()?);
                self.expect(")")?;
                Ok(Ast::Reduce(source, patterns, init, update))
            }
            "foreach" => {
                self.advance()?;
                let source = Box::new(self.expression(0)?);
                self.expect_word("as")?;
                let patterns = self.patterns()?;
                self.expect("(")?;
                let init = Box::new(self.query()?);
                self.expect(";")?;
                let update = Box::new(self.query()?);
                let extract = if self.eat(";")? { Some(Box::new(self.query()?)) } else { None };
                self.expect(")")?;
                Ok(Ast::Foreach(source, patterns, init, update, extract))
            }
            "break" if matches!(self.rest().trim_start().as_bytes().first(), Some(b'$')) => {
                self.advance()?;
                Ok(Ast::Break(self.binding()?))
            }
            "break" => {
                self.advance()?;
                self.error("break requires a label to break to")
            }
            "def" | "label" => {
                // Within a term only in parentheses.
                self.unexpected()
            }
            _ if KEYWORDS.contains(&name.as_str()) => self.unexpected(),
            _ => {
                self.advance()?;
                let mut arguments = Vec::new();
                if self.eat("(")? {
                    loop {
                        arguments.push(self.query()?);
                        if !self.eat(";")? {
                            break;
                        }
                    }
                    self.expect(")")?;
                }
                Ok(Ast::Call(name, arguments))
            }
        }
    }

    fn post_term(&mut self) -> Parsed<Ast> {
        self.term()
    }

    /// Behind `if` or `elif`.
    fn conditional(&mut self) -> Parsed<Ast> {
        let mut branches = Vec::new();
        let otherwise = loop {
            let condition = self.query()?;
            self.expect_word("then")?;
            branches.push((condition, self.query()?));
            if branches.len() > MAX_NESTING * 5 {
                return self.error("syntax error, memory exhausted");
            }
            if self.eat_word("elif")? {
                continue;
            }
            break if self.eat_word("else")? { self.query()? } else { Ast::Identity };
        };
        self.expect_word("end")?;
        Ok(branches.into_iter().rev().fold(otherwise, |otherwise, (condition, then)| {
            Ast::If(Box::new(condition), Box::new(then), Box::new(otherwise))
        }))
    }

    fn object(&mut self) -> Parsed<Ast> {
        self.expect("{")?;
        let mut members = Vec::new();
        if self.eat("}")? {
            return Ok(Ast::Object(members));
        }
        loop {
            let token = self.token.clone();
            let index = |key: Ast| Ast::Index(Box::new(Ast::Identity), Box::new(key));
            let (key, short) = match token {
                Token::Binding(name) if name == "__loc__" => {
                    let location = self.location();
                    self.advance()?;
                    (Ast::Const(Value::string(name)), Some(Ast::Const(location)))
                }
                Token::Binding(_) | Token::Symbol("$") => {
                    let name = self.binding()?;
                    // `{$x: …}` takes the value for the key.
                    if self.is(":") {
                        (Ast::Var(name), None)
                    } else {
                        (Ast::Const(Value::string(name.clone())), Some(Ast::Var(name)))
                    }
                }
                Token::Name(name) => {
                    self.advance()?;
                    let key = Ast::Const(Value::string(name));
                    (key.clone(), Some(index(key)))
                }
                Token::Number(text) => {
                    let Some(value) = number::parse(&text) else { return self.unexpected() };
                    self.advance()?;
                    if self.is(":") {
                        return self.error("Object keys must be strings");
                    }
                    (Ast::Const(value), None)
                }
                Token::Quote => {
                    let key = self.string("@text".into())?;
                    (key.clone(), Some(index(key)))
                }
                Token::Format(name) => {
                    self.advance()?;
                    let key = if self.token == Token::Quote { self.string(name)? } else { Ast::Format(name) };
                    (key.clone(), Some(index(key)))
                }
                Token::Symbol("(") => {
                    self.advance()?;
                    let at = self.start;
                    let key = self.query()?;
                    self.expect(")")?;
                    if let Some(value) = constant(&key)
                        && !matches!(value, Value::String(_))
                    {
                        let message = format!(
                            "Cannot use {} ({}) as object key",
                            value.type_name(),
                            super::print::excerpt(&value)
                        );
                        return Err(SyntaxError { message, at });
                    }
                    (key, None)
                }
                _ => return self.unexpected(),
            };
            let value = match short {
                Some(short) if !self.is(":") => short,
                _ => {
                    self.expect(":")?;
                    self.member()?
                }
            };
            members.push((key, value));
            if !self.eat(",")? {
                break;
            }
            // A comma may stand behind the last one.
            if self.is("}") {
                break;
            }
        }
        self.expect("}")?;
        Ok(Ast::Object(members))
    }

    /// What a member of an object may be without parentheses.
    fn member(&mut self) -> Parsed<Ast> {
        let mut stages = vec![self.expression(1)?];
        while self.eat("|")? {
            stages.push(self.expression(1)?);
        }
        Ok(match stages.pop() {
            Some(only) if stages.is_empty() => only,
            Some(last) => {
                stages.push(last);
                Ast::Pipe(stages)
            }
            None => Ast::Identity,
        })
    }

    /// From the quotation mark, which is the token, behind the other one.
    fn string(&mut self, format: String) -> Parsed<Ast> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        loop {
            let rest = self.rest();
            let Some(stop) = rest.find(['"', '\\']) else {
                self.at = self.text.len();
                return self.error("syntax error, unexpected end of file, expecting QQSTRING_TEXT or QQSTRING_INTERP_START or QQSTRING_END");
            };
            plain.push_str(rest.get(..stop).unwrap_or_default());
            let rest = rest.get(stop..).unwrap_or_default();
            if rest.starts_with('"') {
                self.at += stop + 1;
                break;
            }
            let Some(letter) = rest.chars().nth(1) else {
                return self.error("syntax error, unexpected end of file");
            };
            if letter == '(' {
                self.at += stop + 2;
                parts.push(Part::Plain(std::mem::take(&mut plain)));
                self.advance()?;
                let inner = self.query()?;
                if !self.is(")") {
                    return self.unexpected();
                }
                parts.push(Part::Inner(inner));
                // What follows is text again: from behind the parenthesis.
                continue;
            }
            let mut length = 1 + letter.len_utf8();
            let plain_letter = match letter {
                '"' | '\\' | '/' => letter,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let unit = |at: usize| u32::from_str_radix(rest.get(at..at + 4)?, 16).ok();
                    let Some(mut code) = unit(2) else {
                        self.start = self.at + stop;
                        return self.error("Invalid escape");
                    };
                    length = 6;
                    if (0xd800..0xdc00).contains(&code)
                        && rest.get(6..8) == Some("\\u")
                        && let Some(low) = unit(8)
                        && (0xdc00..0xe000).contains(&low)
                    {
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                        length = 12;
                    }
                    char::from_u32(code).unwrap_or('\u{fffd}')
                }
                _ => {
                    self.start = self.at + stop;
                    return self.error("syntax error, unexpected INVALID_CHARACTER");
                }
            };
            plain.push(plain_letter);
            self.at += stop + length;
        }
        self.advance()?;
        if parts.is_empty() {
            return Ok(Ast::Const(Value::string(plain)));
        }
        parts.push(Part::Plain(plain));
        Ok(Ast::Text(format, parts))
    }
}

/// The length of a number at the beginning.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let mut length = whole;
    let mut fraction = 0;
    if bytes.get(length) == Some(&b'.') {
        fraction = digits(length + 1);
        if whole + fraction == 0 {
            return 0;
        }
        length += 1 + fraction;
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// The value of an expression without anything to compute.
pub(crate) fn constant(ast: &Ast) -> Option<Value> {
    match ast {
        Ast::Const(value) => Some(value.clone()),
        Ast::Call(name, arguments) if arguments.is_empty() => match name.as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => None,
        },
        Ast::Negate(inner) => match constant(inner)? {
            Value::Number(number) => Some(Value::Number(if number == 0.0 { 0.0 } else { -number })),
            _ => None,
        },
        Ast::Array(None) => Some(Value::array(Vec::new())),
        Ast::Array(Some(inner)) => {
            let items = match &**inner {
                Ast::Comma(items) => items.iter().map(constant).collect::<Option<Vec<Value>>>()?,
                one => vec![constant(one)?],
            };
            Some(Value::array(items))
        }
        Ast::Object(members) => {
            let mut object = Members::default();
            for (key, value) in members {
                let Value::String(key) = constant(key)? else { return None };
                object.insert(key, constant(value)?);
            }
            Some(Value::object(object))
        }
        _ => None,
    }
}
