//! The orders of `for (k in a)`, `asort` and `asorti`.

use std::cmp::Ordering;
use std::rc::Rc;

use super::super::array::{Array, Index};
use super::super::machine::{Machine, Step, fatal};
use super::super::text::change_case;
use super::super::value::{Value, empty, to_number};
use super::nth;

type Pair = (Index, Value);

/// An index as a number: what does not look like one comes before all others.
fn index_number(index: &Index) -> f64 {
    match index {
        Index::Integer(number) => *number as f64,
        Index::Text(text) => to_number(text),
    }
}

fn by_number(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Numbers, then strings, then arrays.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Array(_) => 3,
        Value::Maybe(array) if array.is_used() => 3,
        value if value.is_numeric() && !matches!(value, Value::Unset | Value::Maybe(_)) => 0,
        _ => 2,
    }
}

impl Machine<'_> {
    fn text_of(&self, value: &Value) -> Vec<u8> {
        let text = value.to_text(&self.convfmt);
        if self.ignore_case { change_case(&text, false, self.utf8) } else { text.to_vec() }
    }

    fn index_text(&self, index: &Index) -> Vec<u8> {
        let text = index.text();
        if self.ignore_case { change_case(&text, false, self.utf8) } else { text.to_vec() }
    }

    fn by_value(&self, a: &Value, b: &Value) -> Ordering {
        rank(a).cmp(&rank(b)).then_with(|| match rank(a) {
            0 => by_number(a.number(), b.number()),
            2 => self.text_of(a).cmp(&self.text_of(b)),
            _ => Ordering::Equal,
        })
    }

    /// The keys of an array as PROCINFO["sorted_in"] says.
    pub(in super::super) async fn sorted_keys(&mut self, array: &Rc<Array>) -> Step<Vec<Index>> {
        let how = match self.information(b"sorted_in") {
            Some(how) if !self.modes.posix && !self.modes.traditional => how.to_text(&self.convfmt),
            _ => empty(),
        };
        if how.is_empty() || &how[..] == b"@unsorted" {
            return Ok(array.indices());
        }
        let mut pairs = array.pairs();
        self.settle(&mut pairs)?;
        self.sort_pairs(&mut pairs, &how).await?;
        Ok(pairs.into_iter().map(|(index, _)| index).collect())
    }

    /// Elements of SYMTAB as what they stand for.
    fn settle(&mut self, pairs: &mut [Pair]) -> Step<()> {
        for (_, value) in pairs {
            if let Value::Symbol(index) = value {
                *value = self.symbol_value(*index)?;
            }
        }
        Ok(())
    }

    /// Sorts by one of gawk's orders, or by a function of the program.
    async fn sort_pairs(&mut self, pairs: &mut Vec<Pair>, how: &[u8]) -> Step<()> {
        let shown = || bstr::BStr::new(how).to_string();
        let Some(order) = how.strip_prefix(b"@") else {
            let Some(function) = self.code.function(how) else {
                return fatal(format!("sort comparison function `{}' is not defined", shown()));
            };
            let order = Box::pin(self.merge_sort(std::mem::take(pairs), function)).await?;
            *pairs = order;
            return Ok(());
        };
        let (name, descending) = match (order.strip_suffix(b"_asc"), order.strip_suffix(b"_desc")) {
            (Some(name), _) => (name, false),
            (_, Some(name)) => (name, true),
            _ => (order, false),
        };
        let compare = |a: &Pair, b: &Pair| match name {
            b"ind_num" => by_number(index_number(&a.0), index_number(&b.0))
                .then_with(|| self.index_text(&a.0).cmp(&self.index_text(&b.0))),
            b"ind_str" => self.index_text(&a.0).cmp(&self.index_text(&b.0)),
            b"val_num" => {
                let array = |value: &Value| rank(value) == 3;
                array(&a.1)
                    .cmp(&array(&b.1))
                    .then_with(|| by_number(a.1.number(), b.1.number()))
                    .then_with(|| self.text_of(&a.1).cmp(&self.text_of(&b.1)))
            }
            b"val_str" => {
                let array = |value: &Value| rank(value) == 3;
                array(&a.1).cmp(&array(&b.1)).then_with(|| self.text_of(&a.1).cmp(&self.text_of(&b.1)))
            }
            _ => self.by_value(&a.1, &b.1),
        };
        let by_index = |a: &Pair, b: &Pair| {
            by_number(index_number(&a.0), index_number(&b.0)).then_with(|| a.0.text().cmp(&b.0.text()))
        };
        match name {
            b"unsorted" => {}
            b"ind_num" | b"ind_str" | b"val_num" | b"val_str" | b"val_type" => pairs.sort_by(|a, b| {
                let order = compare(a, b).then_with(|| by_index(a, b));
                if descending { order.reverse() } else { order }
            }),
            _ => return fatal(format!("sort comparison function `{}' is not defined", shown())),
        }
        Ok(())
    }

    /// Sorts by a function that may do anything, so it cannot be a comparison of `sort_by`.
    async fn merge_sort(&mut self, pairs: Vec<Pair>, function: usize) -> Step<Vec<Pair>> {
        let parameters = self.code.functions.get(function).map_or(0, |entry| entry.parameters.len());
        let mut runs: Vec<Vec<Pair>> = pairs.into_iter().map(|pair| vec![pair]).collect();
        while runs.len() > 1 {
            let mut merged = Vec::new();
            let mut rest = runs.into_iter();
            while let Some(left) = rest.next() {
                let Some(right) = rest.next() else {
                    merged.push(left);
                    break;
                };
                let mut out = Vec::with_capacity(left.len() + right.len());
                let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
                while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
                    self.t.ctx.tick().await;
                    let key = |index: &Index| match index {
                        Index::Integer(number) => Value::Number(*number as f64),
                        Index::Text(text) => Value::Text(text.clone()),
                    };
                    let mut arguments = vec![key(&a.0), a.1.clone(), key(&b.0), b.1.clone()];
                    arguments.truncate(parameters);
                    let order = self.call(function, arguments).await?.number();
                    out.extend(if order > 0.0 { right.next() } else { left.next() });
                }
                out.extend(left);
                out.extend(right);
                merged.push(out);
            }
            runs = merged;
        }
        Ok(runs.pop().unwrap_or_default())
    }

    /// `asort` and `asorti`: array[, target[, order]]
    pub(super) async fn sort(&mut self, by_index: bool, count: usize) -> Step<Value> {
        let name = if by_index { "asorti" } else { "asort" };
        let how = if count > 2 { self.pop_text() } else { empty() };
        let target = if count > 1 { Some(self.pop_array()?) } else { None };
        let source = self.pop_array()?;
        let mut pairs = source.pairs();
        self.settle(&mut pairs)?;
        let default: &[u8] = if by_index { b"@ind_str_asc" } else { b"@val_type_asc" };
        let how = if how.is_empty() { default } else { &how };
        if !how.starts_with(b"@") && self.code.function(how).is_none() {
            let shown = bstr::BStr::new(how);
            return fatal(format!("{name}: `{shown}' is invalid as a function name"));
        }
        self.sort_pairs(&mut pairs, how).await?;
        let target = target.unwrap_or(source);
        target.clear();
        let total = pairs.len();
        for (place, (index, value)) in pairs.into_iter().enumerate() {
            let value = match (by_index, value) {
                (true, _) => Value::Text(index.text()),
                // Arrays are copied.
                (false, Value::Array(array)) => Value::Array(copy(&array, 0)),
                (false, value) => value,
            };
            target.set(nth(place + 1), value);
        }
        Ok(Value::Number(total as f64))
    }
}

/// A copy of an array and of those in it; what is deeper than arrays can be written is shared.
fn copy(array: &Rc<Array>, depth: usize) -> Rc<Array> {
    if depth > 100 {
        return array.clone();
    }
    let new = Rc::new(Array::default());
    for (index, value) in array.pairs() {
        let value = match value {
            Value::Array(inner) => Value::Array(copy(&inner, depth + 1)),
            value => value,
        };
        new.set(index.key(), value);
    }
    new
}
