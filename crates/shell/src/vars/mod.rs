//! Variables: values, attributes, and the table that a fork shares.

pub(crate) mod array;
mod table;

use std::rc::Rc;

pub(crate) use array::{Assoc, Indexed};
pub(crate) use table::Table;

use crate::text::{Str, plain_int};

bitflags::bitflags! {
    /// Attributes of a variable (`declare`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Attrs: u16 {
        /// `-x`
        const EXPORT = 1;
        /// `-r`
        const READONLY = 1 << 1;
        /// `-i`
        const INTEGER = 1 << 2;
        /// `-l`
        const LOWER = 1 << 3;
        /// `-u`
        const UPPER = 1 << 4;
        /// `-c`
        const CAPITAL = 1 << 5;
        /// `-n`
        const NAMEREF = 1 << 6;
        /// `-t`
        const TRACE = 1 << 7;
        /// An array that was declared and never assigned.
        const INVISIBLE = 1 << 8;
        /// The value is made when it is read, or an assignment has an effect.
        const SPECIAL = 1 << 9;
        /// Assigned for the time of a command.
        const TEMPORARY = 1 << 10;
        /// Assigned for the time of a function, which has exported it or made it readonly: it stays for the caller.
        const STAYS = 1 << 11;
    }
}

impl Attrs {
    /// What changes a value as it is assigned.
    pub(crate) const CONVERT: Attrs =
        Attrs::INTEGER.union(Attrs::LOWER).union(Attrs::UPPER).union(Attrs::CAPITAL);
    /// What makes an assignment more than storing a value.
    pub(crate) const SLOW: Attrs = Attrs::CONVERT
        .union(Attrs::READONLY)
        .union(Attrs::NAMEREF)
        .union(Attrs::SPECIAL)
        .union(Attrs::EXPORT);
}

/// The value of a variable.
#[derive(Clone, Debug, Default)]
pub(crate) enum Value {
    /// None: the variable is unset, or only declared.
    #[default]
    Unset,
    /// A string that is the decimal representation of a number.
    Int(i64),
    /// A string.
    Str(Str),
    /// An indexed array.
    Indexed(Rc<Indexed>),
    /// An associative array.
    Assoc(Rc<Assoc>),
}

impl Value {
    /// As a string: of an array the element 0. `None` if that is unset.
    pub(crate) fn scalar(&self) -> Option<Str> {
        match self {
            Value::Unset => None,
            Value::Int(value) => Some(Str::from_int(*value)),
            Value::Str(value) => Some(value.clone()),
            Value::Indexed(array) => array.get(0).cloned(),
            Value::Assoc(array) => array.get(b"0").cloned(),
        }
    }

    /// The number, if it is plainly one.
    #[inline]
    pub(crate) fn int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            Value::Str(value) => plain_int(value),
            _ => None,
        }
    }

    /// Whether it is an array.
    pub(crate) fn is_array(&self) -> bool {
        matches!(self, Value::Indexed(_) | Value::Assoc(_))
    }

    /// Whether it is an associative array.
    pub(crate) fn is_assoc(&self) -> bool {
        matches!(self, Value::Assoc(_))
    }
}

/// A variable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Var {
    /// Its value.
    pub value: Value,
    /// Its attributes.
    pub attrs: Attrs,
    /// Whether it exists at all (`declare x` makes one without a value).
    pub exists: bool,
    /// The number of function calls it is local to; 0: global.
    pub scope: u32,
}

impl Var {
    /// Whether the variable has a value.
    pub(crate) fn is_set(&self) -> bool {
        match &self.value {
            Value::Unset => false,
            Value::Indexed(_) | Value::Assoc(_) => !self.attrs.contains(Attrs::INVISIBLE),
            _ => true,
        }
    }

    /// A global variable with this value.
    pub(crate) fn with(value: Value, attrs: Attrs) -> Var {
        Var { value, attrs, exists: true, scope: 0 }
    }
}
