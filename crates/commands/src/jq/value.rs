//! Values of jq: JSON with shared parts, on `indexmap`. Nothing here recurses with the depth of a value.

use std::cmp::Ordering;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::number::Literal;

/// The deepest nesting that comparisons and paths follow.
pub(crate) const MAX_DEPTH: usize = 10_000;

/// A value.
#[derive(Debug, Clone, Default)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(f64),
    /// A number that a double does not tell: its text is kept as long as nothing is computed with it.
    Literal(Rc<Literal>),
    String(Rc<String>),
    Array(Rc<Array>),
    Object(Rc<Object>),
}

/// The members of an array.
#[derive(Debug, Clone, Default)]
pub(crate) struct Array(pub(crate) Vec<Value>);

/// What an object maps names with.
pub(crate) type Members = indexmap::IndexMap<Rc<String>, Value, foldhash::fast::FixedState>;

/// The members of an object, in the order of their insertion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object(pub(crate) Members);

impl Deref for Array {
    type Target = Vec<Value>;
    fn deref(&self) -> &Vec<Value> {
        &self.0
    }
}

impl DerefMut for Array {
    fn deref_mut(&mut self) -> &mut Vec<Value> {
        &mut self.0
    }
}

impl Deref for Object {
    type Target = Members;
    fn deref(&self) -> &Members {
        &self.0
    }
}

impl DerefMut for Object {
    fn deref_mut(&mut self) -> &mut Members {
        &mut self.0
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        take_apart(self.0.iter_mut());
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        take_apart(self.0.values_mut());
    }
}

/// Drops what is nested with a list instead of the stack.
fn take_apart<'a>(values: impl Iterator<Item = &'a mut Value>) {
    let mut list: Vec<Value> = Vec::new();
    collect_last_owned(values, &mut list);
    while let Some(value) = list.pop() {
        match value {
            Value::Array(array) => {
                if let Ok(mut array) = Rc::try_unwrap(array) {
                    collect_last_owned(array.0.iter_mut(), &mut list);
                }
            }
            Value::Object(object) => {
                if let Ok(mut object) = Rc::try_unwrap(object) {
                    collect_last_owned(object.0.values_mut(), &mut list);
                }
            }
            _ => {}
        }
    }
}

fn collect_last_owned<'a>(values: impl Iterator<Item = &'a mut Value>, list: &mut Vec<Value>) {
    for value in values {
        let nested = match value {
            Value::Array(array) => Rc::strong_count(array) == 1 && !array.is_empty(),
            Value::Object(object) => Rc::strong_count(object) == 1 && !object.is_empty(),
            _ => false,
        };
        if nested {
            list.push(std::mem::take(value));
        }
    }
}

/// Nested deeper than is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep;

impl Value {
    pub(crate) fn string(text: impl Into<String>) -> Value {
        Value::String(Rc::new(text.into()))
    }

    pub(crate) fn array(values: Vec<Value>) -> Value {
        Value::Array(Rc::new(Array(values)))
    }

    pub(crate) fn object(members: Members) -> Value {
        Value::Object(Rc::new(Object(members)))
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) | Value::Literal(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        !matches!(self, Value::Null | Value::Bool(false))
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Literal(literal) => Some(literal.value),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether both are the very same value, as far as a path can tell.
    pub(crate) fn is_same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a.to_bits() == b.to_bits(),
            (Value::Literal(a), Value::Literal(b)) => Rc::ptr_eq(a, b),
            (Value::String(a), Value::String(b)) => Rc::ptr_eq(a, b),
            (Value::Array(a), Value::Array(b)) => Rc::ptr_eq(a, b),
            (Value::Object(a), Value::Object(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Bool(false) => 1,
            Value::Bool(true) => 2,
            Value::Number(_) | Value::Literal(_) => 3,
            Value::String(_) => 4,
            Value::Array(_) => 5,
            Value::Object(_) => 6,
        }
    }

    /// jq's order of values: nan comes before all numbers, also before itself.
    pub(crate) fn compare(&self, other: &Value) -> Result<Ordering, TooDeep> {
        if let Some(order) = compare_flat(self, other) {
            return Ok(order);
        }
        let mut work = Vec::new();
        let Some(first) = Pair::new(self, other) else { return Ok(Ordering::Equal) };
        if let Some(order) = first.order() {
            return Ok(order);
        }
        work.push(first);
        while let Some(pair) = work.last_mut() {
            let Some((a, b)) = pair.next() else {
                let rest = pair.rest();
                if rest != Ordering::Equal {
                    return Ok(rest);
                }
                work.pop();
                continue;
            };
            match compare_flat(a, b) {
                Some(Ordering::Equal) => {}
                Some(order) => return Ok(order),
                None => {
                    if work.len() > MAX_DEPTH {
                        return Err(TooDeep);
                    }
                    if let Some(inner) = Pair::new(a, b) {
                        if let Some(order) = inner.order() {
                            return Ok(order);
                        }
                        work.push(inner);
                    }
                }
            }
        }
        Ok(Ordering::Equal)
    }

    pub(crate) fn equals(&self, other: &Value) -> Result<bool, TooDeep> {
        Ok(self.compare(other)? == Ordering::Equal)
    }
}

/// `None`: both are arrays or both are objects, and not the same one.
fn compare_flat(a: &Value, b: &Value) -> Option<Ordering> {
    Some(match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(*a, *b),
        (Value::Literal(x), Value::Literal(y)) => x.compare(y),
        (Value::Number(_) | Value::Literal(_), Value::Number(_) | Value::Literal(_)) => {
            compare_numbers(a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0))
        }
        (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => return None,
        _ => a.rank().cmp(&b.rank()),
    })
}

fn compare_numbers(a: f64, b: f64) -> Ordering {
    if a.is_nan() {
        Ordering::Less
    } else if b.is_nan() {
        Ordering::Greater
    } else {
        a.partial_cmp(&b).unwrap_or(Ordering::Equal)
    }
}

/// Two containers whose members are being compared.
enum Pair<'a> {
    Arrays(&'a [Value], &'a [Value]),
    /// The keys in order, and how far.
    Objects(&'a Object, &'a Object, Vec<&'a Rc<String>>, usize, Option<Ordering>),
}

impl<'a> Pair<'a> {
    fn new(a: &'a Value, b: &'a Value) -> Option<Pair<'a>> {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => Some(Pair::Arrays(a, b)),
            (Value::Object(a), Value::Object(b)) => {
                let (keys, others) = (sorted_keys(a), sorted_keys(b));
                let order =
                    keys.iter().map(|key| key.as_bytes()).cmp(others.iter().map(|key| key.as_bytes()));
                Some(Pair::Objects(a, b, keys, 0, (order != Ordering::Equal).then_some(order)))
            }
            _ => None,
        }
    }

    /// An order that is known before the members are looked at.
    fn order(&self) -> Option<Ordering> {
        match self {
            Pair::Arrays(..) => None,
            Pair::Objects(.., order) => *order,
        }
    }

    fn next(&mut self) -> Option<(&'a Value, &'a Value)> {
        match self {
            Pair::Arrays(a, b) => {
                let (x, rest_a) = a.split_first()?;
                let (y, rest_b) = b.split_first()?;
                (*a, *b) = (rest_a, rest_b);
                Some((x, y))
            }
            Pair::Objects(a, b, keys, at, _) => {
                let key = *keys.get(*at)?;
                *at += 1;
                Some((a.get(key)?, b.get(key)?))
            }
        }
    }

    fn rest(&self) -> Ordering {
        match self {
            Pair::Arrays(a, b) => a.len().cmp(&b.len()),
            Pair::Objects(..) => Ordering::Equal,
        }
    }
}

/// The keys of an object by their bytes, which is also the order of their code points.
pub(crate) fn sorted_keys(object: &Object) -> Vec<&Rc<String>> {
    let mut keys: Vec<&Rc<String>> = object.keys().collect();
    keys.sort_unstable();
    keys
}

/// Sorts by keys; `Err` when they are nested too deep.
pub(crate) fn sort_by_key<T>(items: &mut [T], key: impl Fn(&T) -> &Value) -> Result<(), TooDeep> {
    let mut deep = false;
    items.sort_by(|a, b| {
        let order = key(a).compare(key(b));
        deep |= order.is_err();
        let order = order.unwrap_or(Ordering::Equal);
        // nan is less than itself, which a sort cannot bear.
        if order == Ordering::Less
            && key(a).as_f64().is_some_and(f64::is_nan)
            && key(b).as_f64().is_some_and(f64::is_nan)
        {
            Ordering::Equal
        } else {
            order
        }
    });
    if deep { Err(TooDeep) } else { Ok(()) }
}
