//! Operators between values.

use std::rc::Rc;

use super::host::{Fault, Host};
use super::print::excerpt;
use super::syntax::Operator;
use super::value::{MAX_DEPTH, Object, TooDeep, Value};

/// `type (text)`, as messages name a value.
pub(crate) fn described(value: &Value) -> String {
    format!("{} ({})", value.type_name(), excerpt(value))
}

pub(crate) fn too_deep(what: &str) -> impl Fn(TooDeep) -> Fault {
    move |TooDeep| Fault::error(format!("{what} too deep"))
}

/// `-value`
pub(crate) fn negate(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Number(number) => Ok(Value::Number(if *number == 0.0 { 0.0 } else { -number })),
        Value::Literal(literal) => Ok(literal.negated()),
        other => Err(Fault::error(format!("{} cannot be negated", described(other)))),
    }
}

fn cannot(left: &Value, right: &Value, what: &str) -> Fault {
    Fault::error(format!("{} and {} cannot be {what}", described(left), described(right)))
}

/// `left OP right`. What is left is changed in place if nobody else holds it.
pub(crate) fn binary(host: &Host, operator: Operator, left: Value, right: &Value) -> Result<Value, Fault> {
    let equal = |left: &Value| left.equals(right).map_err(too_deep("Equality check"));
    let order = |left: &Value| left.compare(right).map_err(too_deep("Comparison"));
    match operator {
        Operator::Add => add(host, left, right),
        Operator::Subtract => subtract(left, right),
        Operator::Multiply => multiply(host, left, right),
        Operator::Divide => divide(left, right),
        Operator::Remainder => remainder(&left, right),
        Operator::Equal => equal(&left).map(Value::Bool),
        Operator::Unequal => equal(&left).map(|same| Value::Bool(!same)),
        Operator::Less => order(&left).map(|order| Value::Bool(order.is_lt())),
        Operator::LessEqual => order(&left).map(|order| Value::Bool(order.is_le())),
        Operator::Greater => order(&left).map(|order| Value::Bool(order.is_gt())),
        Operator::GreaterEqual => order(&left).map(|order| Value::Bool(order.is_ge())),
        _ => Err(Fault::Fatal("no operator".into())),
    }
}

/// `left + right`
pub(crate) fn add(host: &Host, left: Value, right: &Value) -> Result<Value, Fault> {
    Ok(match (left, right) {
        (Value::Null, right) => right.clone(),
        (left, Value::Null) => left,
        (Value::String(mut left), Value::String(right)) => {
            host.check_size(left.len() + right.len())?;
            Rc::make_mut(&mut left).push_str(right);
            Value::String(left)
        }
        (Value::Array(mut left), Value::Array(right)) => {
            host.check_size((left.len() + right.len()) * size_of::<Value>())?;
            if left.is_empty() {
                return Ok(Value::Array(Rc::clone(right)));
            }
            Rc::make_mut(&mut left).extend(right.iter().cloned());
            Value::Array(left)
        }
        (Value::Object(mut left), Value::Object(right)) => {
            let members = Rc::make_mut(&mut left);
            members.extend(right.iter().map(|(key, value)| (Rc::clone(key), value.clone())));
            Value::Object(left)
        }
        (left, right) => match (left.as_f64(), right.as_f64()) {
            (Some(a), Some(b)) => Value::Number(a + b),
            _ => return Err(cannot(&left, right, "added")),
        },
    })
}

fn subtract(left: Value, right: &Value) -> Result<Value, Fault> {
    Ok(match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            let mut rest = Vec::new();
            for value in left.iter() {
                let mut found = false;
                for other in right.iter() {
                    found = found || value.equals(other).map_err(too_deep("Equality check"))?;
                }
                if !found {
                    rest.push(value.clone());
                }
            }
            Value::array(rest)
        }
        (left, right) => match (left.as_f64(), right.as_f64()) {
            (Some(a), Some(b)) => Value::Number(a - b),
            _ => return Err(cannot(&left, right, "subtracted")),
        },
    })
}

fn multiply(host: &Host, left: Value, right: &Value) -> Result<Value, Fault> {
    if let (Some(a), Some(b)) = (left.as_f64(), right.as_f64()) {
        return Ok(Value::Number(a * b));
    }
    let repeated = match (&left, right) {
        (Value::String(text), count) => count.as_f64().map(|count| (text, count)),
        (count, Value::String(text)) => count.as_f64().map(|count| (text, count)),
        _ => None,
    };
    if let Some((text, count)) = repeated {
        if count.is_nan() || count < 0.0 {
            return Ok(Value::Null);
        }
        if text.len() as f64 * count >= f64::from(i32::MAX) {
            return Err(Fault::error("Repeat string result too long"));
        }
        let count = count as usize;
        host.check_size(text.len().saturating_mul(count))?;
        return Ok(Value::string(text.repeat(count)));
    }
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => merge(left, right).map(Value::Object),
        (left, right) => Err(cannot(&left, right, "multiplied")),
    }
}

/// Merges what is nested, with a list of the objects that are at work.
fn merge(left: Rc<Object>, right: &Rc<Object>) -> Result<Rc<Object>, Fault> {
    struct Level {
        into: Rc<Object>,
        from: Rc<Object>,
        at: usize,
    }
    let mut levels = vec![Level { into: left, from: Rc::clone(right), at: 0 }];
    loop {
        if levels.len() > MAX_DEPTH {
            return Err(Fault::error("Object merge too deep"));
        }
        let Some(level) = levels.last_mut() else { return Ok(Rc::default()) };
        if let Some((key, value)) = level.from.get_index(level.at) {
            let old = match value {
                Value::Object(_) => Rc::make_mut(&mut level.into).get_mut(key).map(std::mem::take),
                _ => None,
            };
            if let (Some(Value::Object(old)), Value::Object(new)) = (&old, value) {
                let next = Level { into: Rc::clone(old), from: Rc::clone(new), at: 0 };
                levels.push(next);
                continue;
            }
            Rc::make_mut(&mut level.into).insert(Rc::clone(key), value.clone());
            level.at += 1;
            continue;
        }
        let Some(done) = levels.pop() else { return Ok(Rc::default()) };
        let Some(outer) = levels.last_mut() else { return Ok(done.into) };
        if let Some((key, _)) = outer.from.get_index(outer.at) {
            Rc::make_mut(&mut outer.into).insert(Rc::clone(key), Value::Object(done.into));
        }
        outer.at += 1;
    }
}

fn divide(left: Value, right: &Value) -> Result<Value, Fault> {
    if let (Some(a), Some(b)) = (left.as_f64(), right.as_f64()) {
        if b == 0.0 {
            return Err(cannot(&left, right, "divided because the divisor is zero"));
        }
        return Ok(Value::Number(a / b));
    }
    match (&left, right) {
        (Value::String(text), Value::String(separator)) => Ok(split(text, separator)),
        _ => Err(cannot(&left, right, "divided")),
    }
}

/// The pieces of a text between separators; without one its letters.
pub(crate) fn split(text: &str, separator: &str) -> Value {
    let pieces = if text.is_empty() {
        Vec::new()
    } else if separator.is_empty() {
        text.chars().map(|letter| Value::string(letter.to_string())).collect()
    } else {
        text.split(separator).map(Value::string).collect()
    };
    Value::array(pieces)
}

/// A double as an integer, with the ends of the range for what is beyond.
fn to_integer(number: f64) -> i64 {
    number as i64
}

fn remainder(left: &Value, right: &Value) -> Result<Value, Fault> {
    let (Some(a), Some(b)) = (left.as_f64(), right.as_f64()) else {
        return Err(cannot(left, right, "divided (remainder)"));
    };
    if a.is_nan() || b.is_nan() {
        return Ok(Value::Number(f64::NAN));
    }
    let divisor = to_integer(b).unsigned_abs();
    if divisor == 0 {
        return Err(cannot(left, right, "divided (remainder) because the divisor is zero"));
    }
    let dividend = to_integer(a);
    let rest = (dividend.unsigned_abs() % divisor) as f64;
    Ok(Value::Number(if dividend < 0 && rest != 0.0 { -rest } else { rest }))
}
