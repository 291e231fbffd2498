//! Statements.

use super::super::ast::{Expr, Line, Redirect, Stmt};
use super::super::lex::Token;
use super::{Parsed, Parser, Section};

impl Parser {
    pub(super) fn statement(&mut self) -> Parsed<Line> {
        let place = self.place();
        let stmt = self.deeper(Self::statement_inner)?;
        Ok(Line { place, stmt })
    }

    fn end_of_simple(&mut self) -> Parsed<()> {
        match self.peek() {
            Token::Newline | Token::Op(";") => self.at += 1,
            Token::Op("}") | Token::End | Token::Leave => {}
            _ => return self.syntax_error(),
        }
        Ok(())
    }

    /// The body of a loop or a condition.
    fn body(&mut self) -> Parsed<Line> {
        if self.is(";") {
            let place = self.place();
            self.at += 1;
            return Ok(Line { place, stmt: Stmt::Block(Vec::new()) });
        }
        self.skip_newlines();
        self.statement()
    }

    fn loop_body(&mut self) -> Parsed<Box<Line>> {
        self.loops += 1;
        let body = self.body();
        self.loops -= 1;
        body.map(Box::new)
    }

    fn condition(&mut self) -> Parsed<Expr> {
        self.expect("(")?;
        let condition = self.grouped()?;
        self.expect(")")?;
        Ok(condition)
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
            "if" => self.conditional(),
            "while" => {
                self.at += 1;
                let condition = self.condition()?;
                Ok(Stmt::While(condition, self.loop_body()?))
            }
            "do" => {
                self.at += 1;
                let body = self.loop_body()?;
                self.skip_terminators();
                if !self.is_keyword("while") {
                    return self.syntax_error();
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

    fn conditional(&mut self) -> Parsed<Stmt> {
        let mut branches = Vec::new();
        loop {
            self.at += 1;
            let condition = self.condition()?;
            branches.push((condition, self.body()?));
            let before = self.at;
            self.skip_terminators();
            if !self.is_keyword("else") {
                self.at = before;
                return Ok(Stmt::If(branches, None));
            }
            self.at += 1;
            self.skip_newlines();
            // A chain of these is a list, however long.
            if !self.is_keyword("if") {
                let other = self.body()?;
                return Ok(Stmt::If(branches, Some(Box::new(other))));
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
            if let (Token::Name(name), Token::Keyword("in")) = (self.peek().clone(), self.peek_at(1).clone())
            {
                let before = self.at;
                self.at += 2;
                let variable = self.variable(&name);
                if let Ok(array) = self.array_name()
                    && self.eat(")")
                {
                    return Ok(Stmt::ForIn(variable, array, self.loop_body()?));
                }
                self.at = before;
            }
            Some(Box::new(self.simple_line()?))
        };
        self.expect(";")?;
        self.skip_newlines();
        let condition = if self.is(";") { None } else { Some(self.expr()?) };
        self.expect(";")?;
        self.skip_newlines();
        let step = if self.is(")") { None } else { Some(Box::new(self.simple_line()?)) };
        self.skip_newlines();
        self.expect(")")?;
        Ok(Stmt::For(start, condition, step, self.loop_body()?))
    }

    fn simple_line(&mut self) -> Parsed<Line> {
        let place = self.place();
        let stmt = self.simple()?;
        Ok(Line { place, stmt })
    }

    fn switch(&mut self) -> Parsed<Stmt> {
        self.at += 1;
        let subject = self.condition()?;
        self.skip_newlines();
        self.expect("{")?;
        self.skip_terminators();
        let mut cases: Vec<(Option<Expr>, Vec<Line>)> = Vec::new();
        self.switches += 1;
        while !self.is("}") {
            let label = match self.peek() {
                Token::Keyword("case") => {
                    self.at += 1;
                    Some(self.label()?)
                }
                Token::Keyword("default") => {
                    self.at += 1;
                    if cases.iter().any(|(label, _)| label.is_none()) {
                        return self.error("duplicate `default' detected in switch body");
                    }
                    None
                }
                _ => return self.syntax_error(),
            };
            self.expect(":")?;
            self.skip_terminators();
            let mut body = Vec::new();
            while !matches!(self.peek(), Token::Keyword("case" | "default") | Token::Op("}")) {
                if matches!(self.peek(), Token::End | Token::Leave) {
                    return self.syntax_error();
                }
                body.push(self.statement()?);
                self.skip_terminators();
            }
            cases.push((label, body));
        }
        self.switches -= 1;
        self.at += 1;
        Ok(Stmt::Switch(subject, cases))
    }

    /// What stands behind `case`: a constant.
    fn label(&mut self) -> Parsed<Expr> {
        let negative = if self.eat("-") {
            true
        } else {
            self.eat("+");
            false
        };
        match self.next() {
            Token::Number(number) => Ok(Expr::Number(if negative { -number } else { number })),
            Token::Text(text) if !negative => Ok(Expr::Text(text)),
            Token::Regex(text, _) if !negative => Ok(Expr::TypedRegex(self.add_regex(text))),
            _ => {
                self.at -= 1;
                self.syntax_error()
            }
        }
    }

    /// A statement that may stand in the head of a `for`.
    fn simple(&mut self) -> Parsed<Stmt> {
        let keyword = match self.peek() {
            Token::Keyword(keyword) => *keyword,
            _ => "",
        };
        match keyword {
            "print" => self.print(false),
            "printf" => self.print(true),
            "break" if self.loops + self.switches == 0 => {
                self.error_at(self.place(), "`break' is not allowed outside a loop or switch")
            }
            "break" => self.bare(Stmt::Break),
            "continue" if self.loops == 0 => {
                self.error_at(self.place(), "`continue' is not allowed outside a loop")
            }
            "continue" => self.bare(Stmt::Continue),
            "next" | "nextfile" => {
                let forbidden = match self.section {
                    Section::Begin | Section::End => true,
                    Section::BeginFile | Section::EndFile => {
                        keyword == "next" || self.section == Section::EndFile
                    }
                    Section::Main | Section::Function => false,
                };
                if forbidden {
                    let section = self.section.name();
                    return self.error_at(self.place(), format!("`{keyword}' used in {section} action"));
                }
                self.bare(if keyword == "next" { Stmt::Next } else { Stmt::NextFile })
            }
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
                let array = self.array_name()?;
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
            Token::Newline | Token::End | Token::Leave | Token::Op(";" | "}") => Ok(None),
            _ => Ok(Some(self.expr()?)),
        }
    }

    fn print(&mut self, formatted: bool) -> Parsed<Stmt> {
        let place = self.place();
        self.at += 1;
        let ends = |token: &Token| {
            matches!(
                token,
                Token::Newline | Token::End | Token::Leave | Token::Op(";" | "}" | ">" | ">>" | "|" | "|&")
            )
        };
        let mut arguments = None;
        if self.is("(") {
            // All arguments in parentheses, if nothing follows that goes on with an expression.
            let (before, depth) = (self.at, self.depth);
            self.at += 1;
            let list = self.list(")");
            if let Ok(list) = list
                && self.eat(")")
                && ends(self.peek())
                && !(self.is("|") || self.is("|&")) | (*self.peek_at(1) != Token::Keyword("getline"))
            {
                arguments = Some(list);
            } else {
                self.at = before;
                self.depth = depth;
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
            return self.error_at(place, "printf: no arguments");
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
}
