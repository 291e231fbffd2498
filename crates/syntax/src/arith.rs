//! Shell arithmetic (bash manual "Shell Arithmetic"): expressions are compiled to code for a small stack
//! machine, without recursion, and evaluated against any kind of variables.
//!
//! ```
//! use std::{borrow::Cow, collections::HashMap, convert::Infallible};
//! use wasmsh_syntax::arith::*;
//!
//! struct Scalars(HashMap<Vec<u8>, i64>);
//! impl Variables for Scalars {
//!     type Error = Infallible;
//!     fn get(&mut self, name: &[u8], _: Option<Key<'_>>) -> Result<Value<'_>, Infallible> {
//!         Ok(Value::Int(self.0.get(name).copied().unwrap_or(0)))
//!     }
//!     fn set(&mut self, name: &[u8], _: Option<Key<'_>>, value: i64) -> Result<(), Infallible> {
//!         self.0.insert(name.to_vec(), value);
//!         Ok(())
//!     }
//!     fn is_associative(&mut self, _: &[u8]) -> bool {
//!         false
//!     }
//! }
//! let expression = Expression::parse(b"x = 3, x ** 2 + 0xff").unwrap();
//! assert_eq!(expression.eval(&mut Scalars(HashMap::new())).unwrap(), 264);
//! ```

mod compile;
mod eval;
#[cfg(test)]
mod tests;

pub use eval::{EvalError, Key, Value, Variables};

/// A compiled expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    pub(crate) code: Vec<Op>,
    pub(crate) names: Vec<Box<[u8]>>,
    pub(crate) errors: Vec<ArithError>,
    pub(crate) text: Box<[u8]>,
    pub(crate) expansions: bool,
}

impl Expression {
    /// Whether there is a `$` or a backquote in the text.
    pub fn has_expansions(&self) -> bool {
        self.expansions
    }

    /// Compiles an expression. An empty one is 0.
    ///
    /// # Errors
    /// The text is no expression. (Bash evaluates while it parses, so there assignments left of the mistake
    /// have already happened.)
    pub fn parse(text: &[u8]) -> Result<Expression, ArithError> {
        compile::compile(text)
    }

    /// The code.
    pub fn code(&self) -> &[Op] {
        &self.code
    }

    /// The variable that `id` stands for in this expression.
    pub fn name(&self, id: NameId) -> &[u8] {
        self.names.get(id.0 as usize).map_or(b"", |name| name)
    }

    /// All variable names, indexed by [`NameId`].
    pub fn names(&self) -> &[Box<[u8]>] {
        &self.names
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The mistake that an [`Op::Fail`] names.
    pub fn error(&self, number: u32) -> Option<&ArithError> {
        self.errors.get(number as usize)
    }

    /// The value if it is a constant.
    pub fn constant(&self) -> Option<i64> {
        match self.code[..] {
            [Op::Const(value)] => Some(value),
            _ => None,
        }
    }
}

/// A variable of an [`Expression`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameId(pub u32);

/// An instruction. There is a stack of 64-bit values and one of keys (array subscripts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Pushes a constant.
    Const(i64),
    /// Pushes the value of a variable.
    Load(NameId),
    /// Assigns the top value to a variable; it stays.
    Store(NameId),
    /// If the variable is an associative array: pushes the text `start..end` of the expression as key and goes
    /// to `skip`. Otherwise goes on: code for the subscript as expression and [`Op::Index`] follow.
    Key {
        /// The array.
        name: NameId,
        /// Start of the subscript's text.
        start: u32,
        /// End of the subscript's text.
        end: u32,
        /// Where the code goes on after the key is known.
        skip: u32,
    },
    /// Pops a value and pushes it as key.
    Index,
    /// Pops a key and pushes the element's value.
    LoadElement(NameId),
    /// Pushes the value of the element at the top key, which stays.
    PeekElement(NameId),
    /// Pops a key and assigns the top value to the element; the value stays.
    StoreElement(NameId),
    /// Replaces the top value.
    Unary(UnaryOp),
    /// Replaces the two top values. `at`: where the right operand begins, for error messages.
    Binary(BinaryOp, u32),
    /// Pops; if zero pushes 0 and goes to the target.
    And(u32),
    /// Pops; if not zero pushes 1 and goes to the target.
    Or(u32),
    /// Makes the top value 0 or 1.
    Bool,
    /// Pops; if zero goes to the target.
    Branch(u32),
    /// Goes to the target.
    Jump(u32),
    /// Pops a value.
    Pop,
    /// Pushes the top value again.
    Dup,
    /// The subscript is no expression: error number so and so.
    Fail(u32),
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `!`
    Not,
    /// `~`
    BitNot,
}

impl UnaryOp {
    /// The operator's value; arithmetic wraps.
    pub fn apply(self, value: i64) -> i64 {
        match self {
            UnaryOp::Neg => value.wrapping_neg(),
            UnaryOp::Not => i64::from(value == 0),
            UnaryOp::BitNot => !value,
        }
    }
}

/// Binary operators that evaluate both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `**`
    Pow,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `&`
    BitAnd,
    /// `^`
    BitXor,
    /// `|`
    BitOr,
}

impl BinaryOp {
    /// The operator's value; arithmetic wraps, shift counts are taken modulo 64.
    ///
    /// # Errors
    /// Division by zero or a negative exponent.
    pub fn apply(self, a: i64, b: i64) -> Result<i64, ArithErrorKind> {
        Ok(match self {
            BinaryOp::Pow => {
                if b < 0 {
                    return Err(ArithErrorKind::NegativeExponent);
                }
                let (mut result, mut base, mut exponent) = (1i64, a, b);
                while exponent > 0 {
                    if exponent & 1 == 1 {
                        result = result.wrapping_mul(base);
                    }
                    base = base.wrapping_mul(base);
                    exponent >>= 1;
                }
                result
            }
            BinaryOp::Mul => a.wrapping_mul(b),
            BinaryOp::Div | BinaryOp::Rem if b == 0 => return Err(ArithErrorKind::DivisionByZero),
            BinaryOp::Div => a.wrapping_div(b),
            BinaryOp::Rem => a.wrapping_rem(b),
            BinaryOp::Add => a.wrapping_add(b),
            BinaryOp::Sub => a.wrapping_sub(b),
            BinaryOp::Shl => a.wrapping_shl(b as u32),
            BinaryOp::Shr => a.wrapping_shr(b as u32),
            BinaryOp::Lt => i64::from(a < b),
            BinaryOp::Le => i64::from(a <= b),
            BinaryOp::Gt => i64::from(a > b),
            BinaryOp::Ge => i64::from(a >= b),
            BinaryOp::Eq => i64::from(a == b),
            BinaryOp::Ne => i64::from(a != b),
            BinaryOp::BitAnd => a & b,
            BinaryOp::BitXor => a ^ b,
            BinaryOp::BitOr => a | b,
        })
    }
}

/// Why an expression has no value. `Display` is bash's message after `script: line N: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: {kind} (error token is \"{}\")",
    String::from_utf8_lossy(.expression.trim_ascii_start()),
    String::from_utf8_lossy(.token)
)]
pub struct ArithError {
    /// What is wrong.
    pub kind: ArithErrorKind,
    /// The expression, or the number or subscript in it that is wrong.
    pub expression: Vec<u8>,
    /// The expression from the last token on that was looked at.
    pub token: Vec<u8>,
}

impl ArithError {
    /// Bash's message after `script: line N: `, as bytes.
    pub fn message(&self) -> Vec<u8> {
        let mut out = self.expression.trim_ascii_start().to_vec();
        out.extend_from_slice(format!(": {} (error token is \"", self.kind).as_bytes());
        out.extend_from_slice(&self.token);
        out.extend_from_slice(b"\")");
        out
    }
}

/// What is wrong with an expression, in bash's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithErrorKind {
    /// An operator has no operand.
    #[error("syntax error: operand expected")]
    OperandExpected,
    /// A character that is no operator stands after an operand.
    #[error("syntax error: invalid arithmetic operator")]
    InvalidOperator,
    /// Text is left after the expression.
    #[error("syntax error in expression")]
    TrailingText,
    /// Left of an assignment operator is no variable.
    #[error("attempted assignment to non-variable")]
    NotAssignable,
    /// A branch of `?:` is empty.
    #[error("expression expected")]
    ExpressionExpected,
    /// `?` without `:`.
    #[error("`:' expected for conditional expression")]
    ColonExpected,
    /// `(` without `)`.
    #[error("missing `)'")]
    MissingParen,
    /// `[` without `]`, or nothing between.
    #[error("bad array subscript")]
    BadSubscript,
    /// A digit is not below the base.
    #[error("value too great for base")]
    DigitTooGreat,
    /// A base that is not in 2–64.
    #[error("invalid arithmetic base")]
    InvalidBase,
    /// Nothing after `base#`.
    #[error("invalid integer constant")]
    InvalidConstant,
    /// Something else that looks like a number.
    #[error("invalid number")]
    InvalidNumber,
    /// Division by zero.
    #[error("division by 0")]
    DivisionByZero,
    /// `**` with a negative exponent.
    #[error("exponent less than 0")]
    NegativeExponent,
    /// The values of variables are expressions with variables, too many levels deep.
    #[error("expression recursion level exceeded")]
    RecursionLimit,
}

/// The value of a number as written in an expression: decimal, `0` octal, `0x` hexadecimal, `base#digits`.
///
/// # Errors
/// It is no number.
pub fn parse_number(text: &[u8]) -> Result<i64, ArithErrorKind> {
    let mut base = 10u64;
    let mut digits = text;
    let mut base_given = false;
    if let [b'0', rest @ ..] = text
        && !rest.is_empty()
    {
        match rest {
            [b'x' | b'X', hex @ ..] => {
                base = 16;
                digits = hex;
            }
            _ => {
                base = 8;
                digits = rest;
            }
        }
        base_given = true;
    }
    let mut value = 0u64;
    let mut at = 0;
    while let Some(&c) = digits.get(at) {
        at += 1;
        if c == b'#' {
            if base_given {
                return Err(ArithErrorKind::InvalidNumber);
            }
            if !(2..=64).contains(&value) {
                return Err(ArithErrorKind::InvalidBase);
            }
            base = value;
            base_given = true;
            value = 0;
            if at == digits.len() {
                return Err(ArithErrorKind::InvalidConstant);
            }
            continue;
        }
        let digit = match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'z' => c - b'a' + 10,
            b'A'..=b'Z' if base <= 36 => c - b'A' + 10,
            b'A'..=b'Z' => c - b'A' + 36,
            b'@' => 62,
            b'_' => 63,
            _ => return Err(ArithErrorKind::InvalidNumber),
        };
        if u64::from(digit) >= base {
            return Err(ArithErrorKind::DigitTooGreat);
        }
        value = value.wrapping_mul(base).wrapping_add(u64::from(digit));
    }
    Ok(value as i64)
}
