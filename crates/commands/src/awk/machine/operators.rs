//! Regular expressions, comparison, arithmetic and formats.

use std::rc::Rc;

use bstr::ByteSlice;
use wasmsh_regex::{Regex, Syntax};

use super::super::ast::{Arith, Compare};
use super::super::fields::Splitter;
use super::super::value::{Value, empty};
use super::super::{format, text};
use super::{KEPT, Machine, Step, fatal};

impl Machine<'_> {
    // Regular expressions.

    /// How a value splits, as FS or as the third argument of `split`; with `newlines` these separate too; `caseless`: so does a
    /// letter in either case.
    pub(in super::super) fn splitter_of(
        &mut self,
        value: &Value,
        newlines: bool,
        caseless: bool,
    ) -> Step<Splitter> {
        let source = value.to_text(&self.convfmt);
        let is_regex = matches!(value, Value::Regex(_));
        let literal = |byte: u8| if newlines { Splitter::ByteOrNewline(byte) } else { Splitter::Byte(byte) };
        let any_case = |byte: &u8| (caseless || is_regex && self.ignore_case) && byte.is_ascii_alphabetic();
        Ok(match &source[..] {
            b" " if !is_regex => Splitter::Blanks,
            b"" => Splitter::Characters(newlines),
            [b'\\'] => literal(b'\\'),
            [byte] if !is_regex && !any_case(byte) => literal(*byte),
            [byte] if !b".[]()*+?{}|^$\\".contains(byte) && !any_case(byte) => literal(*byte),
            [b'\\', b't'] => literal(b'\t'),
            [b'\\', byte] if b".[]()*+?{}|^$/".contains(byte) => literal(*byte),
            [b'[', byte, b']'] if !b"^\\".contains(byte) && !any_case(byte) && byte.is_ascii() => {
                literal(*byte)
            }
            _ if newlines => {
                let both = [b"(", &source[..], b")|\n"].concat();
                Splitter::Regex(self.regex_of(&both)?)
            }
            _ => Splitter::Regex(self.regex_of(&source)?),
        })
    }

    pub(super) fn try_build(&self, source: &[u8]) -> Result<Regex, wasmsh_regex::BuildError> {
        let syntax = Syntax {
            ignore_case: self.ignore_case,
            utf8: self.utf8,
            back_references: false,
            lone_close_is_literal: false,
            ..Syntax::EXTENDED
        };
        Regex::new(&text::regex(source, &self.modes), &syntax)
    }

    pub(in super::super) fn build(&self, source: &[u8]) -> Step<Regex> {
        self.try_build(source)
            .or_else(|error| fatal(format!("invalid regexp: {error}: /{}/", source.as_bstr())))
    }

    /// A regular expression of the program.
    #[inline]
    pub(super) fn regex(&mut self, index: u32) -> Step<Rc<Regex>> {
        match self.regexes.get(index as usize) {
            Some(Some(regex)) => Ok(regex.clone()),
            _ => self.rebuilt(index),
        }
    }

    #[cold]
    pub(super) fn rebuilt(&mut self, index: u32) -> Step<Rc<Regex>> {
        let code = self.code.clone();
        let source = code.regexes.get(index as usize).map_or(&[][..], |(source, _)| source);
        let regex = Rc::new(self.build(source)?);
        if let Some(place) = self.regexes.get_mut(index as usize) {
            *place = Some(regex.clone());
        }
        Ok(regex)
    }

    /// The regular expression with this text.
    pub(in super::super) fn regex_of(&mut self, source: &[u8]) -> Step<Rc<Regex>> {
        if let Some((text, regex)) = &self.last
            && **text == *source
        {
            return Ok(regex.clone());
        }
        let regex = match self.made.get(source) {
            Some(regex) => regex.clone(),
            None => {
                let regex = Rc::new(self.build(source)?);
                if self.made.len() >= KEPT {
                    self.made.clear();
                }
                self.made.insert(source.into(), regex.clone());
                regex
            }
        };
        self.last = Some((source.into(), regex.clone()));
        Ok(regex)
    }

    /// The regular expression that a value is.
    pub(in super::super) fn dynamic(&mut self, value: &Value) -> Step<Rc<Regex>> {
        let source = value.to_text(&self.convfmt);
        self.regex_of(&source)
    }

    pub(in super::super) fn is_match(&self, regex: &Regex, text: &[u8]) -> Step<bool> {
        regex.is_match(text).or_else(|error| fatal(error.to_string()))
    }

    // Operators.

    pub(in super::super) fn order(&self, left: &Value, right: &Value) -> std::cmp::Ordering {
        use std::cmp::Ordering;
        if let (Value::Number(left), Value::Number(right)) = (left, right)
            && let Some(order) = left.partial_cmp(right)
        {
            return order;
        }
        if self.is_numeric(left) && self.is_numeric(right) {
            let (left, right) = (self.number(left), self.number(right));
            return left.partial_cmp(&right).unwrap_or(match (left.is_nan(), right.is_nan()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                _ => Ordering::Less,
            });
        }
        self.text_order(left, right)
    }

    pub(super) fn is_numeric(&self, value: &Value) -> bool {
        value.is_numeric()
            || self.modes.non_decimal
                && matches!(value, Value::Input(text) if text::non_decimal(text).is_some())
    }

    pub(in super::super) fn text_order(&self, left: &Value, right: &Value) -> std::cmp::Ordering {
        if let (Value::Text(left) | Value::Input(left), Value::Text(right) | Value::Input(right)) =
            (left, right)
            && !self.ignore_case
        {
            return left.cmp(right);
        }
        let (left, right) = (left.to_text(&self.convfmt), right.to_text(&self.convfmt));
        if self.ignore_case {
            return text::change_case(&left, false, self.utf8)
                .cmp(&text::change_case(&right, false, self.utf8));
        }
        left.cmp(&right)
    }

    #[inline]
    pub(super) fn compare(&self, op: Compare, left: &Value, right: &Value) -> bool {
        let order = self.order(left, right);
        match op {
            Compare::Less => order.is_lt(),
            Compare::LessEqual => order.is_le(),
            Compare::Equal => order.is_eq(),
            Compare::NotEqual => order.is_ne(),
            Compare::Greater => order.is_gt(),
            Compare::GreaterEqual => order.is_ge(),
        }
    }

    /// The size that a value may have.
    pub(in super::super) fn check_size(&self, size: usize) -> Step<()> {
        if size as u64 > self.t.ctx.kernel().ceilings().expansion_bytes {
            return fatal("memory exhausted");
        }
        Ok(())
    }

    /// A formatted text.
    pub(in super::super) fn formatted(&self, arguments: &[Value]) -> Step<Vec<u8>> {
        let template = arguments.first().map_or_else(empty, |value| value.to_text(&self.convfmt));
        let mut out = Vec::new();
        let rest = arguments.get(1..).unwrap_or_default();
        match format::format(&template, rest, &self.convfmt, self.utf8, &mut out) {
            Ok(()) => {}
            Err(format::Wrong::Mixed) => return fatal("must use `count$' on all formats or none"),
            Err(format::Wrong::Zero) => return fatal("argument index with `$' must be > 0"),
            Err(format::Wrong::Beyond(number)) => {
                return fatal(format!(
                    "argument index {number} greater than total number of supplied arguments"
                ));
            }
            Err(format::Wrong::RunOut(at)) => {
                let shown = template.as_bstr();
                let blanks = " ".repeat(at);
                return fatal(format!(
                    "not enough arguments to satisfy format string\n\t`{shown}'\n\t{blanks}^ ran out for this one"
                ));
            }
        }
        self.check_size(out.len())?;
        Ok(out)
    }
}

/// Arithmetic on numbers.
#[inline]
pub(super) fn arithmetic(op: Arith, left: f64, right: f64) -> Step<f64> {
    let result = match op {
        Arith::Add => left + right,
        Arith::Sub => left - right,
        Arith::Mul => left * right,
        Arith::Div => {
            if right == 0.0 {
                return fatal("division by zero attempted");
            }
            left / right
        }
        Arith::Mod => {
            if right == 0.0 {
                return fatal("division by zero attempted in `%'");
            }
            left % right
        }
        Arith::Pow => power(left, right),
    };
    if result.is_nan() && !left.is_nan() && !right.is_nan() {
        // What the processors of gawk's makers give, on every processor.
        return Ok(-f64::NAN.abs());
    }
    Ok(result)
}

fn power(base: f64, exponent: f64) -> f64 {
    if exponent == exponent.trunc() && exponent.abs() <= 1024.0 {
        // By squaring, as gawk does, so that integers stay exact.
        let mut count = exponent.abs() as u32;
        let (mut square, mut result) = (base, 1.0);
        while count > 0 {
            if count & 1 == 1 {
                result *= square;
            }
            square *= square;
            count >>= 1;
        }
        return if exponent < 0.0 { 1.0 / result } else { result };
    }
    base.powf(exponent)
}
