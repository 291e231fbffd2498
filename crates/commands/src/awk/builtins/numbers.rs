//! Functions of numbers as bits and as text.

use super::super::machine::{Machine, Step, fatal};
use super::super::text::radix_prefix;
use super::super::value::{Value, to_number};

impl Machine<'_> {
    pub(super) fn bits(&mut self, name: &str, count: usize) -> Step<Value> {
        if count < 2 {
            return fatal(format!("{name}: called with less than two arguments"));
        }
        let mut result: Option<u64> = None;
        for (index, value) in self.pop_many(count).iter().enumerate() {
            let number = self.number(value);
            if number < 0.0 {
                let shown = self.shown(number);
                return fatal(format!(
                    "{name}: argument {} negative value {shown} is not allowed",
                    index + 1
                ));
            }
            let number = number as u64;
            result = Some(match (result, name) {
                (None, _) => number,
                (Some(so_far), "and") => so_far & number,
                (Some(so_far), "or") => so_far | number,
                (Some(so_far), _) => so_far ^ number,
            });
        }
        Ok(Value::Number(low_bits(result.unwrap_or(0))))
    }

    pub(super) fn shift(&mut self, name: &str) -> Step<Value> {
        let (by, number) = (self.pop_number(), self.pop_number());
        if by < 0.0 || number < 0.0 {
            let (by, number) = (self.shown(by), self.shown(number));
            return fatal(format!("{name}({number}, {by}): negative values are not allowed"));
        }
        let (number, by) = (number as u64, by as u32);
        let result = if name == "lshift" { number.checked_shl(by) } else { number.checked_shr(by) };
        Ok(Value::Number(low_bits(result.unwrap_or(0))))
    }

    pub(super) fn complement(&mut self) -> Step<Value> {
        let number = self.pop_number();
        if number < 0.0 {
            let shown = self.shown(number);
            return fatal(format!("compl({shown}): negative value is not allowed"));
        }
        Ok(Value::Number(low_bits(!(number as u64))))
    }

    pub(super) fn strtonum(&mut self) -> Value {
        let value = self.pop();
        if let Value::Number(_) | Value::Bool(_) = value {
            return Value::Number(value.number());
        }
        let text = value.to_text(&self.convfmt);
        Value::Number(match radix_prefix(&text) {
            Some((number, _)) => number,
            None => to_number(&text),
        })
    }
}

/// What a number of the program can hold of an integer: 53 bits from the lowest that is set.
fn low_bits(value: u64) -> f64 {
    const WIDTH: u32 = 53;
    let low = value.trailing_zeros();
    let kept = if low + WIDTH < 64 { value & ((1 << (low + WIDTH)) - 1) } else { value };
    kept as f64
}
