//! `expr`: evaluates an expression. Numbers are of any size, on `num-bigint`; patterns stand on `wasmsh-regex`.

use bstr::{BString, ByteSlice};
use num_bigint::BigInt;
use wasmsh_regex::{Regex, Syntax};

use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "expr",
    usage: &["EXPRESSION", "OPTION"],
    about: "Print the value of EXPRESSION to standard output.",
    options: &[],
    more: "ARG1 | ARG2  ARG1 & ARG2  ARG1 < ARG2 (also <= = != >= >)  ARG1 + ARG2  ARG1 - ARG2\n\
           ARG1 * ARG2  ARG1 / ARG2  ARG1 % ARG2  STRING : REGEXP  match STRING REGEXP\n\
           substr STRING POS LENGTH  index STRING CHARS  length STRING  + TOKEN  ( EXPRESSION )\n\n\
           Exit status is 0 if EXPRESSION is neither null nor 0, 1 if EXPRESSION is null\n\
           or 0, 2 if EXPRESSION is syntactically invalid, and 3 if an error occurred.",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    crate::r#true::lone_option(t)?;
    let mut words = t.arguments();
    if words.first().is_some_and(|first| first == "--") {
        words.remove(0);
    }
    if words.is_empty() {
        return Err(t.missing_operand());
    }
    let mut parser = Parser { t, words: &words, at: 0, depth: 0 };
    let value = parser.or(true)?;
    if let Some(extra) = words.get(parser.at) {
        return Err(Fail::Message(format!("syntax error: unexpected argument {}", t.quote(extra)), 2));
    }
    t.status = u8::from(is_null(&value));
    t.out.put(&value);
    t.out.put(b"\n");
    Ok(())
}

/// Nesting beyond this is a mistake.
const DEEPEST: usize = 500;

fn is_null(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    text.is_empty() || (!digits.is_empty() && digits.iter().all(|digit| *digit == b'0'))
}

fn number(text: &[u8]) -> Option<BigInt> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    BigInt::parse_bytes(text, 10)
}

struct Parser<'a> {
    t: &'a Tool,
    words: &'a [BString],
    at: usize,
    depth: usize,
}

type Value = Result<BString, Fail>;

impl Parser<'_> {
    fn take(&mut self, words: &[&str]) -> Option<String> {
        let word = self.words.get(self.at)?;
        let found = words.iter().find(|other| word == **other)?;
        self.at += 1;
        Some((*found).to_owned())
    }

    fn or(&mut self, evaluate: bool) -> Value {
        let mut left = self.and(evaluate)?;
        while self.take(&["|"]).is_some() {
            let right = self.and(evaluate && is_null(&left))?;
            if is_null(&left) {
                left = if is_null(&right) { "0".into() } else { right };
            }
        }
        Ok(left)
    }

    fn and(&mut self, evaluate: bool) -> Value {
        let mut left = self.comparison(evaluate)?;
        while self.take(&["&"]).is_some() {
            let right = self.comparison(evaluate && !is_null(&left))?;
            if is_null(&left) || is_null(&right) {
                left = "0".into();
            }
        }
        Ok(left)
    }

    fn comparison(&mut self, evaluate: bool) -> Value {
        let mut left = self.sum(evaluate)?;
        while let Some(operator) = self.take(&["<", "<=", "=", "==", "!=", ">=", ">"]) {
            let right = self.sum(evaluate)?;
            let order = match (number(&left), number(&right)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => left.cmp(&right),
            };
            let holds = match &operator[..] {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                "=" | "==" => order.is_eq(),
                "!=" => order.is_ne(),
                ">=" => order.is_ge(),
                _ => order.is_gt(),
            };
            left = if holds { "1" } else { "0" }.into();
        }
        Ok(left)
    }

    fn arithmetic(left: &[u8], operator: &str, right: &[u8]) -> Value {
        let fail = |message: &str| Err(Fail::Message(message.into(), 2));
        let (Some(a), Some(b)) = (number(left), number(right)) else { return fail("non-integer argument") };
        if matches!(operator, "/" | "%") && b == BigInt::ZERO {
            return fail("division by zero");
        }
        let value = match operator {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            _ => a % b,
        };
        Ok(value.to_string().into())
    }

    fn sum(&mut self, evaluate: bool) -> Value {
        let mut left = self.product(evaluate)?;
        while let Some(operator) = self.take(&["+", "-"]) {
            let right = self.product(evaluate)?;
            if evaluate {
                left = Self::arithmetic(&left, &operator, &right)?;
            }
        }
        Ok(left)
    }

    fn product(&mut self, evaluate: bool) -> Value {
        let mut left = self.matching(evaluate)?;
        while let Some(operator) = self.take(&["*", "/", "%"]) {
            let right = self.matching(evaluate)?;
            if evaluate {
                left = Self::arithmetic(&left, &operator, &right)?;
            }
        }
        Ok(left)
    }

    fn matching(&mut self, evaluate: bool) -> Value {
        let mut left = self.keyword(evaluate)?;
        while self.take(&[":"]).is_some() {
            let right = self.keyword(evaluate)?;
            if evaluate {
                left = self.match_pattern(&left, &right)?;
            }
        }
        Ok(left)
    }

    fn count(&self, text: &[u8]) -> usize {
        if self.t.utf8 { text.chars().count() } else { text.len() }
    }

    fn match_pattern(&self, text: &[u8], pattern: &[u8]) -> Value {
        let syntax = Syntax { utf8: self.t.utf8, ..Syntax::BASIC };
        let regex = Regex::new(pattern, &syntax).map_err(|error| Fail::Message(error.to_string(), 2))?;
        let found = regex.captures_at(text, 0).map_err(|error| Fail::Message(error.to_string(), 3))?;
        // It is anchored at the beginning.
        let found =
            found.filter(|captures| captures.first().copied().flatten().is_some_and(|span| span.start == 0));
        if regex.groups() > 0 {
            let group = found.and_then(|captures| captures.get(1).copied().flatten());
            return Ok(group.map_or(BString::default(), |span| span.of(text).into()));
        }
        let length = found
            .and_then(|captures| captures.first().copied().flatten())
            .map_or(0, |span| self.count(span.of(text)));
        Ok(length.to_string().into())
    }

    fn keyword(&mut self, evaluate: bool) -> Value {
        if self.take(&["+"]).is_some() {
            return self.word();
        }
        if self.take(&["length"]).is_some() {
            let text = self.keyword(evaluate)?;
            return Ok(self.count(&text).to_string().into());
        }
        if self.take(&["match"]).is_some() {
            let (text, pattern) = (self.keyword(evaluate)?, self.keyword(evaluate)?);
            return if evaluate { self.match_pattern(&text, &pattern) } else { Ok(text) };
        }
        if self.take(&["index"]).is_some() {
            let (text, letters) = (self.keyword(evaluate)?, self.keyword(evaluate)?);
            let place = text.chars().position(|letter| letters.chars().any(|other| other == letter));
            return Ok(place.map_or(0, |place| place + 1).to_string().into());
        }
        if self.take(&["substr"]).is_some() {
            let (text, from, length) =
                (self.keyword(evaluate)?, self.keyword(evaluate)?, self.keyword(evaluate)?);
            let position = |value: &[u8]| {
                number(value).map(|value| {
                    usize::try_from(&value).unwrap_or(if value < BigInt::ZERO { 0 } else { usize::MAX })
                })
            };
            let (Some(from), Some(length)) = (position(&from), position(&length)) else {
                return Ok(BString::default());
            };
            if from == 0 || length == 0 {
                return Ok(BString::default());
            }
            let mut part = BString::default();
            for (start, end, _) in text.char_indices().skip(from - 1).take(length) {
                part.extend_from_slice(text.get(start..end).unwrap_or_default());
            }
            return Ok(part);
        }
        self.primary(evaluate)
    }

    fn word(&mut self) -> Value {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word.ok_or_else(|| {
            let last = self.words.last().map(|last| self.t.quote(last)).unwrap_or_default();
            Fail::Message(format!("syntax error: missing argument after {last}"), 2)
        })
    }

    fn primary(&mut self, evaluate: bool) -> Value {
        if self.take(&["("]).is_none() {
            if self.words.get(self.at).is_some_and(|word| word == ")") {
                return Err(Fail::Message(format!("syntax error: unexpected {}", self.t.quote(b")")), 2));
            }
            return self.word();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fail::Message("syntax error: parentheses are nested too deep".into(), 2));
        }
        let value = self.or(evaluate)?;
        self.depth -= 1;
        if self.take(&[")"]).is_some() {
            return Ok(value);
        }
        let message = match self.words.get(self.at) {
            Some(found) => {
                format!("syntax error: expecting ')' instead of {}", self.t.quote(found))
            }
            None => {
                let last = self.words.last().map(|last| self.t.quote(last)).unwrap_or_default();
                format!("syntax error: expecting ')' after {last}")
            }
        };
        Err(Fail::Message(message, 2))
    }
}
