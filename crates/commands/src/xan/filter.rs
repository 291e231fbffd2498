//! Conditions of `xan filter`: names of columns, numbers and texts; comparisons of numbers (`==`, `<`) and of texts
//! (`eq`, `lt`); arithmetic; `and`, `or`, `not`, `in`; a few functions, called `f(x)` or `x.f()`.

use bstr::{BString, ByteSlice};

use crate::Fail;

/// Nesting of expressions.
const MAX_DEPTH: usize = 60;

/// Operators in one chain.
const MAX_CHAIN: usize = 200;

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Empty,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
}

#[derive(Debug)]
enum Expr {
    Literal(Value),
    Column(usize),
    List(Vec<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    /// Operators of one level, from left to right.
    Chain(Box<Expr>, Vec<(&'static str, Expr)>),
    Call(String, Vec<Expr>),
}

/// A condition, with its columns looked up.
pub(super) struct Expression(Expr);

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Word(String),
    /// A name in backquotes.
    Name(String),
    Sign(&'static str),
}

const SIGNS: [&str; 25] = [
    "===", "!==", "==", "!=", "<=", ">=", "&&", "||", "**", "++", "//", "<", ">", "+", "-", "*", "/", "%",
    "!", "(", ")", "[", "]", ",", ".",
];

fn wrong(message: impl std::fmt::Display) -> Fail {
    Fail::Message(format!("expression: {message}"), 1)
}

fn tokens(text: &str) -> Result<Vec<Token>, Fail> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if matches!(first, '"' | '\'' | '`') {
            let mut value = String::new();
            let mut letters = rest.char_indices().skip(1);
            let end = loop {
                match letters.next() {
                    None => return Err(wrong("a text is not closed")),
                    Some((at, letter)) if letter == first => break at + 1,
                    Some((_, '\\')) => match letters.next() {
                        Some((_, 'n')) => value.push('\n'),
                        Some((_, 't')) => value.push('\t'),
                        Some((_, other)) => value.push(other),
                        None => {}
                    },
                    Some((_, letter)) => value.push(letter),
                }
            };
            all.push(if first == '`' { Token::Name(value) } else { Token::Text(value) });
            rest = rest.get(end..).unwrap_or_default();
        } else if first.is_ascii_digit() {
            let end = rest
                .find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '_' | 'e' | 'E')));
            let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
            let value =
                number.replace('_', "").parse().map_err(|_| wrong(format!("{number} is no number")))?;
            all.push(Token::Number(value));
            rest = after;
        } else if first.is_alphanumeric() || first == '_' {
            let end =
                rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            all.push(Token::Word(word.to_owned()));
            rest = after;
        } else {
            let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
                return Err(wrong(format!("unexpected {first}")));
            };
            all.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        }
        rest = rest.trim_start();
    }
    Ok(all)
}

struct Parser<'h> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    header: &'h [BString],
}

/// The operators from loose to tight; words may stand for signs.
const LEVELS: [&[&str]; 5] = [
    &["||", "or"],
    &["&&", "and"],
    &["===", "!==", "==", "!=", "<=", ">=", "<", ">", "eq", "ne", "lt", "le", "gt", "ge", "in"],
    &["+", "-", "++"],
    &["*", "/", "//", "%", "**"],
];

impl Parser<'_> {
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn operator(&mut self, level: &[&'static str]) -> Option<&'static str> {
        let text = match self.tokens.get(self.at)? {
            Token::Sign(sign) => sign,
            Token::Word(word) => word.as_str(),
            _ => return None,
        };
        let found = level.iter().copied().find(|operator| *operator == text)?;
        self.at += 1;
        Some(found)
    }

    fn chain(&mut self, level: usize) -> Result<Expr, Fail> {
        let Some(operators) = LEVELS.get(level).copied() else { return self.unary() };
        // `not` is looser than a comparison, `!` tighter.
        if level == 2 && self.is_not() {
            self.at += 1;
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(wrong("nested too deep"));
            }
            let inner = self.chain(level)?;
            self.depth -= 1;
            return Ok(Expr::Not(Box::new(inner)));
        }
        let first = self.chain(level + 1)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator(operators) {
            rest.push((operator, self.chain(level + 1)?));
            if rest.len() > MAX_CHAIN * 50 {
                return Err(wrong("too long"));
            }
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest) })
    }

    fn is_not(&self) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word == "not")
            && self.tokens.get(self.at + 1) != Some(&Token::Sign("("))
    }

    fn unary(&mut self) -> Result<Expr, Fail> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(wrong("nested too deep"));
        }
        let result = if self.sign("!") {
            Expr::Not(Box::new(self.unary()?))
        } else if self.sign("-") {
            Expr::Negative(Box::new(self.unary()?))
        } else {
            self.postfix()?
        };
        self.depth -= 1;
        Ok(result)
    }

    fn postfix(&mut self) -> Result<Expr, Fail> {
        let mut value = self.primary()?;
        let mut calls = 0;
        while self.sign(".") {
            let Some(Token::Word(name)) = self.tokens.get(self.at).cloned() else {
                return Err(wrong("expected the name of a function after ."));
            };
            self.at += 1;
            let mut arguments = vec![value];
            if self.sign("(") {
                arguments.extend(self.list(")")?);
            }
            value = Expr::Call(name, arguments);
            calls += 1;
            if calls > MAX_CHAIN {
                return Err(wrong("too long"));
            }
        }
        Ok(value)
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expr>, Fail> {
        let mut all = Vec::new();
        while !self.sign(end) {
            all.push(self.chain(0)?);
            if !self.sign(",") {
                if !self.sign(end) {
                    return Err(wrong(format!("expected {end}")));
                }
                break;
            }
        }
        Ok(all)
    }

    fn column(&self, name: &str) -> Result<Expr, Fail> {
        match self.header.iter().position(|column| *column == *name) {
            Some(column) => Ok(Expr::Column(column)),
            None => Err(wrong(format!("unknown column {name}"))),
        }
    }

    fn primary(&mut self) -> Result<Expr, Fail> {
        let Some(token) = self.tokens.get(self.at).cloned() else { return Err(wrong("unexpected end")) };
        self.at += 1;
        match token {
            Token::Number(value) => Ok(Expr::Literal(Value::Number(value))),
            Token::Text(value) => Ok(Expr::Literal(Value::Text(value))),
            Token::Name(name) => self.column(&name),
            Token::Sign("(") => {
                let inner = self.chain(0)?;
                if self.sign(")") { Ok(inner) } else { Err(wrong("expected )")) }
            }
            Token::Sign("[") => self.list("]").map(Expr::List),
            Token::Word(word) => {
                if self.sign("(") {
                    let arguments = self.list(")")?;
                    if word == "col" {
                        return match arguments.as_slice() {
                            [Expr::Literal(Value::Text(name))] => self.column(name),
                            [Expr::Literal(Value::Number(number))]
                                if (*number as usize) < self.header.len() =>
                            {
                                Ok(Expr::Column(*number as usize))
                            }
                            _ => Err(wrong("col needs the name or number of a column")),
                        };
                    }
                    return Ok(Expr::Call(word, arguments));
                }
                match word.as_str() {
                    "true" | "false" => Ok(Expr::Literal(Value::Bool(word == "true"))),
                    "null" => Ok(Expr::Literal(Value::Empty)),
                    name => self.column(name),
                }
            }
            Token::Sign(sign) => Err(wrong(format!("unexpected {sign}"))),
        }
    }
}

impl Expression {
    pub(super) fn new(text: &str, header: &[BString]) -> Result<Expression, Fail> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, header };
        let expr = parser.chain(0)?;
        match parser.tokens.get(parser.at) {
            None => Ok(Expression(expr)),
            Some(token) => Err(wrong(format!("unexpected {token:?}"))),
        }
    }

    pub(super) fn holds(&self, row: &[BString]) -> Result<bool, Fail> {
        Ok(truth(&value(&self.0, row)?))
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Empty => false,
        Value::Bool(value) => *value,
        Value::Number(value) => *value != 0.0,
        Value::Text(text) => !text.is_empty(),
        Value::List(list) => !list.is_empty(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Empty | Value::List(_) => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Text(text) => text.clone(),
    }
}

fn number(value: &Value) -> Result<f64, Fail> {
    match value {
        Value::Number(value) => Ok(*value),
        Value::Bool(value) => Ok(f64::from(u8::from(*value))),
        Value::Text(text) => super::rows::number(&BString::from(text.as_str()))
            .ok_or_else(|| wrong(format!("cannot take \"{text}\" for a number"))),
        Value::Empty | Value::List(_) => Err(wrong("cannot take an empty value for a number")),
    }
}

fn value(expr: &Expr, row: &[BString]) -> Result<Value, Fail> {
    Ok(match expr {
        Expr::Literal(value) => value.clone(),
        Expr::Column(column) => match row.get(*column) {
            Some(field) if !field.is_empty() => Value::Text(field.to_str_lossy().into_owned()),
            _ => Value::Empty,
        },
        Expr::List(all) => Value::List(all.iter().map(|expr| value(expr, row)).collect::<Result<_, _>>()?),
        Expr::Not(inner) => Value::Bool(!truth(&value(inner, row)?)),
        Expr::Negative(inner) => Value::Number(-number(&value(inner, row)?)?),
        Expr::Chain(first, rest) => {
            let mut left = value(first, row)?;
            for (operator, right) in rest {
                left = match *operator {
                    "||" | "or" if truth(&left) => left,
                    "&&" | "and" if !truth(&left) => left,
                    operator => binary(operator, left, value(right, row)?)?,
                };
            }
            left
        }
        Expr::Call(name, arguments) => {
            let values: Vec<Value> =
                arguments.iter().map(|expr| value(expr, row)).collect::<Result<_, _>>()?;
            call(name, &values)?
        }
    })
}

fn binary(operator: &str, left: Value, right: Value) -> Result<Value, Fail> {
    let texts = || text(&left).cmp(&text(&right));
    // Numbers where both are such; an empty field equals nothing but an empty one.
    let order = || match (&left, &right) {
        (Value::Empty, _) | (_, Value::Empty) => None,
        _ => match (number(&left), number(&right)) {
            (Ok(left), Ok(right)) => left.partial_cmp(&right),
            _ => Some(texts()),
        },
    };
    let truth_of = |test: bool| Ok(Value::Bool(test));
    match operator {
        "||" | "or" | "&&" | "and" => Ok(right),
        "==" | "===" => truth_of(order().map_or(left == right, |order| order.is_eq())),
        "!=" | "!==" => truth_of(order().map_or(left != right, |order| order.is_ne())),
        "<" => truth_of(order().is_some_and(std::cmp::Ordering::is_lt)),
        "<=" => truth_of(order().is_some_and(std::cmp::Ordering::is_le)),
        ">" => truth_of(order().is_some_and(std::cmp::Ordering::is_gt)),
        ">=" => truth_of(order().is_some_and(std::cmp::Ordering::is_ge)),
        "eq" => truth_of(texts().is_eq()),
        "ne" => truth_of(texts().is_ne()),
        "lt" => truth_of(texts().is_lt()),
        "le" => truth_of(texts().is_le()),
        "gt" => truth_of(texts().is_gt()),
        "ge" => truth_of(texts().is_ge()),
        "in" => match &right {
            Value::List(list) => {
                let wanted = text(&left);
                truth_of(list.iter().any(|value| text(value) == wanted))
            }
            other => truth_of(text(other).contains(&text(&left))),
        },
        "++" => Ok(Value::Text(text(&left) + &text(&right))),
        _ => {
            let (left, right) = (number(&left)?, number(&right)?);
            Ok(Value::Number(match operator {
                "+" => left + right,
                "-" => left - right,
                "*" => left * right,
                "/" => left / right,
                "//" => (left / right).floor(),
                "%" => left % right,
                _ => libm::pow(left, right),
            }))
        }
    }
}

fn call(name: &str, values: &[Value]) -> Result<Value, Fail> {
    let first = values.first().cloned().unwrap_or(Value::Empty);
    let second = values.get(1).cloned().unwrap_or(Value::Empty);
    let texts = || (text(&first), text(&second));
    Ok(match name {
        "not" => Value::Bool(!truth(&first)),
        "len" | "count" if values.len() == 1 => match &first {
            Value::List(list) => Value::Number(list.len() as f64),
            other => Value::Number(text(other).chars().count() as f64),
        },
        "lower" => Value::Text(text(&first).to_lowercase()),
        "upper" => Value::Text(text(&first).to_uppercase()),
        "trim" => Value::Text(text(&first).trim().to_owned()),
        "contains" => Value::Bool(texts().0.contains(&texts().1)),
        "startswith" => Value::Bool(texts().0.starts_with(&texts().1)),
        "endswith" => Value::Bool(texts().0.ends_with(&texts().1)),
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => binary(name, first, second)?,
        "match" => {
            let pattern = texts().1;
            let regex = regex_automata::meta::Regex::new(&pattern).map_err(wrong)?;
            Value::Bool(regex.is_match(&texts().0))
        }
        "abs" => Value::Number(number(&first)?.abs()),
        "round" => Value::Number(number(&first)?.round()),
        "floor" => Value::Number(number(&first)?.floor()),
        "ceil" => Value::Number(number(&first)?.ceil()),
        "int" | "float" => {
            Value::Number(if name == "int" { number(&first)?.trunc() } else { number(&first)? })
        }
        "coalesce" => values.iter().find(|value| truth(value)).cloned().unwrap_or(Value::Empty),
        "if" => {
            if truth(&first) {
                second
            } else {
                values.get(2).cloned().unwrap_or(Value::Empty)
            }
        }
        "is_empty" | "empty" => Value::Bool(!truth(&first)),
        _ => return Err(wrong(format!("unknown function {name}"))),
    })
}
