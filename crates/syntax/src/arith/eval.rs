//! Evaluates compiled expressions.

use std::borrow::Cow;
use std::rc::Rc;

use super::{ArithError, ArithErrorKind, Expression, Op, parse_number};

/// The variables of an expression.
pub trait Variables {
    /// Why a variable cannot be read or assigned (`readonly`, `set -u` …).
    type Error;

    /// The value of a variable or of an array element; an unset one is 0.
    ///
    /// # Errors
    /// The shell forbids to read it.
    fn get(&mut self, name: &[u8], key: Option<Key<'_>>) -> Result<Value<'_>, Self::Error>;

    /// Assigns a variable or an array element.
    ///
    /// # Errors
    /// The shell forbids to assign it.
    fn set(&mut self, name: &[u8], key: Option<Key<'_>>, value: i64) -> Result<(), Self::Error>;

    /// Whether the variable is an associative array: then the text of a subscript is the key.
    fn is_associative(&mut self, name: &[u8]) -> bool;
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Int(i64),
    /// Text, which is an expression again.
    Text(Cow<'a, [u8]>),
}

/// The subscript of an array element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// Of an indexed array; negative counts from the end.
    Index(i64),
    /// Of an associative array.
    Text(&'a [u8]),
}

/// Why an evaluation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError<E> {
    /// The expression, or one in a variable, has no value.
    #[error(transparent)]
    Arith(#[from] ArithError),
    /// A variable could not be read or assigned.
    #[error("{0}")]
    Variable(E),
}

/// How deep values of variables may be expressions with variables; bash's own limit.
const MAX_RECURSION: usize = 1024;

enum Code<'a> {
    Borrowed(&'a Expression),
    Owned(Rc<Expression>),
}

impl Code<'_> {
    fn get(&self) -> &Expression {
        match self {
            Code::Borrowed(expression) => expression,
            Code::Owned(expression) => expression,
        }
    }
}

#[derive(Clone, Copy)]
enum KeySlot {
    Index(i64),
    /// A range of the text of the expression of the frame that pushed it.
    Text(u32, u32),
}

/// An optional sign and decimal digits without a leading zero, surrounded by blanks.
fn plain_integer(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [] => return text.is_empty().then_some(0),
        [b'0'] => return Some(0),
        [b'0', ..] => return None,
        _ => {}
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = parse_number(digits).ok()?;
    Some(if negative { value.wrapping_neg() } else { value })
}

impl Expression {
    /// Evaluates the expression.
    ///
    /// # Errors
    /// Division by zero and the like, an error in an expression that is a variable's value, or an error of the
    /// variables.
    pub fn eval<V: Variables + ?Sized>(&self, variables: &mut V) -> Result<i64, EvalError<V::Error>> {
        if let Some(value) = self.constant() {
            return Ok(value);
        }
        let mut frames: Vec<(Code<'_>, usize)> = Vec::new();
        let mut code = Code::Borrowed(self);
        let mut pc = 0;
        let mut stack: Vec<i64> = Vec::with_capacity(8);
        let mut keys: Vec<KeySlot> = Vec::new();
        loop {
            let expression = code.get();
            let Some(op) = expression.code.get(pc).copied() else {
                match frames.pop() {
                    Some((outer, at)) => {
                        code = outer;
                        pc = at;
                        continue;
                    }
                    None => return Ok(stack.pop().unwrap_or(0)),
                }
            };
            pc += 1;
            match op {
                Op::Const(value) => stack.push(value),
                Op::Load(name) | Op::LoadElement(name) | Op::PeekElement(name) => {
                    let slot = match op {
                        Op::LoadElement(_) => keys.pop(),
                        Op::PeekElement(_) => keys.last().copied(),
                        _ => None,
                    };
                    let key = slot.map(|slot| key(expression, slot));
                    let name = expression.name(name);
                    let nested = match variables.get(name, key).map_err(EvalError::Variable)? {
                        Value::Int(value) => {
                            stack.push(value);
                            None
                        }
                        Value::Text(text) => match plain_integer(&text) {
                            Some(value) => {
                                stack.push(value);
                                None
                            }
                            None => {
                                if frames.len() + 1 >= MAX_RECURSION {
                                    return Err(EvalError::Arith(ArithError {
                                        kind: ArithErrorKind::RecursionLimit,
                                        expression: text.to_vec(),
                                        token: text.to_vec(),
                                    }));
                                }
                                Some(Rc::new(Expression::parse(&text)?))
                            }
                        },
                    };
                    if let Some(nested) = nested {
                        frames.push((code, pc));
                        code = Code::Owned(nested);
                        pc = 0;
                    }
                }
                Op::Store(name) => {
                    let value = stack.last().copied().unwrap_or(0);
                    variables.set(expression.name(name), None, value).map_err(EvalError::Variable)?;
                }
                Op::StoreElement(name) => {
                    let value = stack.last().copied().unwrap_or(0);
                    let key = keys.pop().map(|slot| key(expression, slot));
                    variables.set(expression.name(name), key, value).map_err(EvalError::Variable)?;
                }
                Op::Key { name, start, end, skip } => {
                    if variables.is_associative(expression.name(name)) {
                        keys.push(KeySlot::Text(start, end));
                        pc = skip as usize;
                    }
                }
                Op::Index => keys.push(KeySlot::Index(stack.pop().unwrap_or(0))),
                Op::Unary(op) => {
                    if let Some(top) = stack.last_mut() {
                        *top = op.apply(*top);
                    }
                }
                Op::Binary(op, at) => {
                    let b = stack.pop().unwrap_or(0);
                    if let Some(top) = stack.last_mut() {
                        *top = op.apply(*top, b).map_err(|kind| ArithError {
                            kind,
                            expression: expression.text.to_vec(),
                            token: expression.text.get(at as usize..).unwrap_or_default().to_vec(),
                        })?;
                    }
                }
                Op::And(target) => {
                    if stack.pop() == Some(0) {
                        stack.push(0);
                        pc = target as usize;
                    }
                }
                Op::Or(target) => {
                    if stack.pop() != Some(0) {
                        stack.push(1);
                        pc = target as usize;
                    }
                }
                Op::Bool => {
                    if let Some(top) = stack.last_mut() {
                        *top = i64::from(*top != 0);
                    }
                }
                Op::Branch(target) => {
                    if stack.pop() == Some(0) {
                        pc = target as usize;
                    }
                }
                Op::Jump(target) => pc = target as usize,
                Op::Pop => {
                    stack.pop();
                }
                Op::Dup => stack.push(stack.last().copied().unwrap_or(0)),
                Op::Fail(error) => {
                    if let Some(error) = expression.errors.get(error as usize) {
                        return Err(EvalError::Arith(error.clone()));
                    }
                }
            }
        }
    }
}

fn key(expression: &Expression, slot: KeySlot) -> Key<'_> {
    match slot {
        KeySlot::Index(index) => Key::Index(index),
        KeySlot::Text(start, end) => {
            Key::Text(expression.text.get(start as usize..end as usize).unwrap_or_default())
        }
    }
}
