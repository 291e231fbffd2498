//! Expressions, from the loosest operators to the tightest.

use bstr::ByteSlice;

use super::super::ast::{Arith, Compare, Expr, Source};
use super::super::lex::Token;
use super::{Parsed, Parser};

impl Parser {
    /// An expression in parentheses, where all operators mean what they usually do.
    pub(super) fn grouped(&mut self) -> Parsed<Expr> {
        let no_greater = std::mem::replace(&mut self.no_greater, false);
        self.skip_newlines();
        let result = self.expr();
        self.skip_newlines();
        self.no_greater = no_greater;
        result
    }

    pub(super) fn list(&mut self, close: &str) -> Parsed<Vec<Expr>> {
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

    pub(super) fn add_regex(&mut self, text: Vec<u8>) -> u32 {
        if let Some(index) = self.regexes.get(&text) {
            return *index;
        }
        let index = self.program.regexes.len() as u32;
        let place =
            self.tokens.get(self.at.wrapping_sub(1)).map_or_else(|| self.place(), |placed| placed.place);
        self.program.regexes.push((text.clone(), place));
        self.regexes.insert(text, index);
        index
    }

    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(Self::ternary)
    }

    fn ternary(&mut self) -> Parsed<Expr> {
        let condition = self.or()?;
        if let Some(assigned) = self.assignment_to(&condition)? {
            return Ok(assigned);
        }
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

    /// What is assigned to `target` here, if it can be assigned to and something is.
    fn assignment_to(&mut self, target: &Expr) -> Parsed<Option<Expr>> {
        if !is_lvalue(target) {
            return Ok(None);
        }
        let op = match *self.peek() {
            Token::Op("=") => None,
            Token::Op("+=") => Some(Arith::Add),
            Token::Op("-=") => Some(Arith::Sub),
            Token::Op("*=") => Some(Arith::Mul),
            Token::Op("/=") => Some(Arith::Div),
            Token::Op("%=") => Some(Arith::Mod),
            Token::Op("^=") => Some(Arith::Pow),
            _ => return Ok(None),
        };
        self.at += 1;
        self.skip_newlines();
        let value = Box::new(self.expr()?);
        let target = Box::new(target.clone());
        Ok(Some(match op {
            None => Expr::Assign(target, value),
            Some(op) => Expr::AssignOp(op, target, value),
        }))
    }

    fn or(&mut self) -> Parsed<Expr> {
        let first = self.and()?;
        if !self.is("||") {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.eat("||") {
            self.skip_newlines();
            let next = self.and()?;
            operands.push(self.assigned(next)?);
        }
        Ok(Expr::Or(operands))
    }

    /// An operand on the right, which may be assigned to: `a && b = 1`.
    fn assigned(&mut self, operand: Expr) -> Parsed<Expr> {
        Ok(self.assignment_to(&operand)?.unwrap_or(operand))
    }

    fn and(&mut self) -> Parsed<Expr> {
        let first = self.membership()?;
        if !self.is("&&") {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.eat("&&") {
            self.skip_newlines();
            let next = self.membership()?;
            operands.push(self.assigned(next)?);
        }
        Ok(Expr::And(operands))
    }

    fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        let mut count = 0;
        while self.is_keyword("in") {
            count += 1;
            if count > 50 {
                return self.error("the program nests too deep");
            }
            self.at += 1;
            let array = self.array_name()?;
            left = Expr::In(vec![left], Box::new(array));
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        let mut count = 0;
        while let Token::Op(op @ ("~" | "!~")) = *self.peek() {
            count += 1;
            if count > 50 {
                return self.error("the program nests too deep");
            }
            self.at += 1;
            let right = self.comparison()?;
            let right = self.assigned(right)?;
            left = Expr::Match(Box::new(left), Box::new(right), op == "!~");
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.concatenation(true)?;
        let op = match *self.peek() {
            Token::Op(">") if self.no_greater => return Ok(left),
            Token::Op("<") => Compare::Less,
            Token::Op("<=") => Compare::LessEqual,
            Token::Op("==") => Compare::Equal,
            Token::Op("!=") => Compare::NotEqual,
            Token::Op(">") => Compare::Greater,
            Token::Op(">=") => Compare::GreaterEqual,
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.concatenation(true)?;
        let right = self.assigned(right)?;
        Ok(Expr::Compare(op, Box::new(left), Box::new(right)))
    }

    /// Concatenation, and `command | getline` if `piped`.
    pub(super) fn concatenation(&mut self, piped: bool) -> Parsed<Expr> {
        let mut parts = vec![self.additive()?];
        let mut count = 0;
        loop {
            match self.peek() {
                Token::Op(op @ ("|" | "|&")) if piped && *self.peek_at(1) == Token::Keyword("getline") => {
                    count += 1;
                    if count > 50 {
                        return self.error("the program nests too deep");
                    }
                    let coprocess = *op == "|&";
                    self.at += 2;
                    let place = self.place();
                    let target = self.getline_target()?;
                    let command = Box::new(concatenated(std::mem::take(&mut parts)));
                    let source =
                        if coprocess { Source::Coprocess(command) } else { Source::Command(command) };
                    parts.push(Expr::Getline(source, target, place));
                }
                Token::Number(_)
                | Token::Text(_)
                | Token::Name(_)
                | Token::Call(_)
                | Token::Indirect(_)
                | Token::Builtin(..)
                | Token::Op("$" | "!" | "(" | "-" | "+" | "++" | "--")
                | Token::Regex(..) => parts.push(self.additive()?),
                _ => return Ok(concatenated(parts)),
            }
        }
    }

    fn additive(&mut self) -> Parsed<Expr> {
        let first = self.multiplicative()?;
        let mut rest = Vec::new();
        loop {
            let op = match *self.peek() {
                Token::Op("+") => Arith::Add,
                Token::Op("-") => Arith::Sub,
                _ => break,
            };
            let place = self.place();
            self.at += 1;
            rest.push((op, self.multiplicative()?, place));
        }
        Ok(if rest.is_empty() { first } else { Expr::Arithmetic(Box::new(first), rest) })
    }

    fn multiplicative(&mut self) -> Parsed<Expr> {
        let first = self.unary()?;
        let mut rest = Vec::new();
        loop {
            let op = match *self.peek() {
                Token::Op("*") => Arith::Mul,
                Token::Op("/") => Arith::Div,
                Token::Op("%") => Arith::Mod,
                _ => break,
            };
            let place = self.place();
            self.at += 1;
            let operand = self.unary()?;
            if let (Arith::Div | Arith::Mod, Some(0.0)) = (op, constant(&operand)) {
                let suffix = if op == Arith::Mod { " in `%'" } else { "" };
                return self.error_at(place, format!("division by zero attempted{suffix}"));
            }
            rest.push((op, operand, place));
        }
        Ok(if rest.is_empty() { first } else { Expr::Arithmetic(Box::new(first), rest) })
    }

    fn unary(&mut self) -> Parsed<Expr> {
        match *self.peek() {
            Token::Op(op @ ("!" | "-" | "+")) => {
                self.at += 1;
                // `! x ~ y` is `(! x) ~ y`, but `! /re/` and `- x ^ 2` take what stands behind.
                let operand = Box::new(self.deeper(Self::unary)?);
                Ok(match op {
                    "!" => Expr::Not(operand),
                    "-" => match *operand {
                        Expr::Number(number) => Expr::Number(-number),
                        _ => Expr::Negate(operand),
                    },
                    _ => Expr::Plus(operand),
                })
            }
            _ => self.power(),
        }
    }

    fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if !self.is("^") {
            return Ok(base);
        }
        let place = self.place();
        self.at += 1;
        let exponent = match *self.peek() {
            Token::Op("-" | "+" | "!") => self.deeper(Self::unary)?,
            _ => self.deeper(Self::power)?,
        };
        Ok(Expr::Arithmetic(Box::new(base), vec![(Arith::Pow, exponent, place)]))
    }

    /// A primary, with `++` and `--` behind it.
    fn postfix(&mut self) -> Parsed<Expr> {
        let primary = self.primary()?;
        if !is_lvalue(&primary) {
            return Ok(primary);
        }
        Ok(self.stepped(primary))
    }

    fn stepped(&mut self, target: Expr) -> Expr {
        let by = match *self.peek() {
            Token::Op("++") => 1,
            Token::Op("--") => -1,
            _ => return target,
        };
        self.at += 1;
        Expr::Step(Box::new(target), by, true)
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

    /// The name of an array, or an element that is one.
    pub(super) fn array_name(&mut self) -> Parsed<Expr> {
        match self.next() {
            Token::Name(name) => self.named(&name),
            Token::Op("(") => {
                let array = self.deeper(Self::array_name)?;
                self.expect(")")?;
                Ok(array)
            }
            _ => {
                self.at -= 1;
                self.syntax_error()
            }
        }
    }

    /// A variable, or an element.
    fn named(&mut self, name: &[u8]) -> Parsed<Expr> {
        let mut found = Expr::Var(self.variable(name));
        let mut depth = 0;
        while self.eat("[") {
            depth += 1;
            if depth > 50 {
                return self.error("the program nests too deep");
            }
            let keys = self.list("]")?;
            self.expect("]")?;
            if keys.is_empty() {
                return self.error("invalid subscript expression");
            }
            found = Expr::Index(Box::new(found), keys);
        }
        Ok(found)
    }

    fn step_before(&mut self, by: i8) -> Parsed<Expr> {
        let target = self.deeper(Self::primary)?;
        if !is_lvalue(&target) {
            return self.syntax_error();
        }
        Ok(Expr::Step(Box::new(target), by, false))
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let place = self.place();
        match self.next() {
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Regex(text, typed) => {
                let index = self.add_regex(text);
                Ok(if typed { Expr::TypedRegex(index) } else { Expr::Regex(index) })
            }
            Token::Op("$") => {
                let index = match *self.peek() {
                    Token::Op("-" | "+" | "!") => self.deeper(Self::unary)?,
                    // `$$i++++`: the inner field takes the first pair.
                    Token::Op("$") => {
                        let inner = self.deeper(Self::primary)?;
                        if is_lvalue(&inner) { self.stepped(inner) } else { inner }
                    }
                    _ => self.deeper(Self::primary)?,
                };
                Ok(Expr::Field(Box::new(index)))
            }
            Token::Op("++") => self.step_before(1),
            Token::Op("--") => self.step_before(-1),
            Token::Op("(") => self.parenthesis(),
            Token::Op("-") => Ok(Expr::Negate(Box::new(self.deeper(Self::unary)?))),
            Token::Op("+") => Ok(Expr::Plus(Box::new(self.deeper(Self::unary)?))),
            Token::Op("!") => Ok(Expr::Not(Box::new(self.deeper(Self::unary)?))),
            Token::Keyword("getline") => {
                let target = self.getline_target()?;
                let source = if self.eat("<") {
                    let name = self.deeper(Self::primary)?;
                    let name = if is_lvalue(&name) { self.stepped(name) } else { name };
                    Source::File(Box::new(name))
                } else {
                    Source::Main
                };
                Ok(Expr::Getline(source, target, place))
            }
            Token::Builtin(name, prefixed) if self.is_name_here(name, prefixed) => {
                if self.is("(") {
                    let name = self.qualified(name.as_bytes());
                    return self.call(name);
                }
                self.named(name.as_bytes())
            }
            Token::Builtin(name, _) => {
                if self.eat("(") {
                    let arguments = self.list(")")?;
                    if !self.eat(")") {
                        return self.syntax_error();
                    }
                    if let Some(message) = wrong_count(name, arguments.len()) {
                        let mut error = self.error(message);
                        if let (Err(error), Some(last)) = (&mut error, self.tokens.get(self.at - 1)) {
                            error.at = Some(last.start);
                        }
                        return error;
                    }
                    return Ok(Expr::Builtin(name, arguments, place));
                }
                if name == "length" {
                    return Ok(Expr::Builtin(name, Vec::new(), place));
                }
                self.syntax_error()
            }
            Token::Call(name) => {
                if self.locals.iter().flatten().any(|local| *local == name) {
                    return self.error_at(
                        place,
                        format!("attempt to use non-function `{}' in function call", name.as_bstr()),
                    );
                }
                let name = self.qualified(&name);
                self.call(name)
            }
            Token::Indirect(name) => {
                let variable = self.variable(&name);
                let arguments = self.list(")")?;
                self.expect(")")?;
                Ok(Expr::Indirect(variable, arguments, place))
            }
            Token::Name(name) => self.named(&name),
            _ => {
                self.at -= 1;
                self.syntax_error()
            }
        }
    }

    fn call(&mut self, name: Vec<u8>) -> Parsed<Expr> {
        let place = self.place();
        self.expect("(")?;
        let arguments = self.list(")")?;
        self.expect(")")?;
        Ok(Expr::Call(name, arguments, place))
    }

    /// Behind an opening parenthesis.
    fn parenthesis(&mut self) -> Parsed<Expr> {
        let mut list = self.list(")")?;
        self.expect(")")?;
        if list.len() > 1 {
            if !self.is_keyword("in") {
                return self.syntax_error();
            }
            self.at += 1;
            let array = self.array_name()?;
            return Ok(Expr::In(list, Box::new(array)));
        }
        match list.pop() {
            Some(inner) => Ok(Expr::Group(Box::new(inner))),
            None => self.syntax_error(),
        }
    }
}

fn is_lvalue(expr: &Expr) -> bool {
    matches!(expr, Expr::Var(_) | Expr::Field(_) | Expr::Index(..))
}

fn concatenated(mut parts: Vec<Expr>) -> Expr {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            Expr::Concat(parts)
        }
    }
}

/// The value of a constant.
fn constant(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Number(number) => Some(*number),
        _ => None,
    }
}

/// What is wrong about so many arguments of a function.
fn wrong_count(name: &str, count: usize) -> Option<String> {
    let (least, most) = match name {
        "rand" | "systime" => (0, 0),
        "length" | "fflush" | "srand" => (0, 1),
        "sin" | "cos" | "exp" | "log" | "sqrt" | "int" | "tolower" | "toupper" | "system" | "compl"
        | "strtonum" | "mkbool" | "isarray" => (1, 1),
        "index" | "atan2" | "lshift" | "rshift" => (2, 2),
        "close" | "mktime" | "bindtextdomain" => (1, 2),
        "typeof" => (1, 2),
        "substr" | "match" | "sub" | "gsub" => (2, 3),
        "split" | "patsplit" => (2, 4),
        "gensub" => (3, 4),
        "strftime" => (0, 3),
        "asort" | "asorti" | "dcgettext" => (1, 3),
        "dcngettext" => (3, 5),
        "sprintf" => (1, usize::MAX),
        _ => return None,
    };
    (!(least..=most).contains(&count))
        .then(|| format!("{count} is invalid as number of arguments for {name}"))
}
