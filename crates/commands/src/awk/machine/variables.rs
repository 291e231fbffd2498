//! Variables, elements of arrays, and fields.

use std::rc::Rc;

use bstr::ByteSlice;
use wasmsh_os::Errno;

use super::super::array::{Array, Key};
use super::super::ast::{Var, special};
use super::super::code::Base;
use super::super::fields::{self, Splitter};
use super::super::streams::Separator;
use super::super::value::Value;
use super::{Machine, Step, fatal};

impl Machine<'_> {
    // Variables.

    #[inline]
    pub(super) fn slot(&mut self, variable: Var) -> &mut Value {
        let place = match variable {
            Var::Global(index) => self.globals.get_mut(index as usize),
            Var::Local(index) => self.stack.get_mut(self.base + index as usize),
        };
        // The compiler makes no place that does not exist.
        place.unwrap_or(&mut self.nowhere)
    }

    /// How messages call a variable.
    pub(super) fn name(&self, variable: Var) -> String {
        let name = match variable {
            Var::Global(index) => self.code.globals.get(index as usize),
            Var::Local(index) => self
                .frames
                .last()
                .and_then(|frame| self.code.functions.get(frame.function))
                .and_then(|entry| entry.parameters.get(index as usize)),
        };
        name.map_or_else(String::new, |name| name.as_bstr().to_string())
    }

    #[cold]
    pub(super) fn is_array<T>(&self, variable: Var) -> Step<T> {
        fatal(format!("attempt to use array `{}' in a scalar context", self.name(variable)))
    }

    #[inline]
    pub(super) fn get(&mut self, variable: Var) -> Step<Value> {
        if let Var::Global(index) = variable
            && index < special::HOOKED
        {
            return Ok(self.get_special(index));
        }
        match self.slot(variable) {
            Value::Array(_) => self.is_array(variable),
            Value::Maybe(array) if array.is_used() => self.is_array(variable),
            Value::Maybe(_) => Ok(Value::Unset),
            value => Ok(value.clone()),
        }
    }

    pub(super) fn get_special(&mut self, index: u32) -> Value {
        match index {
            special::NF => Value::Number(self.record.count() as f64),
            special::NR => Value::Number(self.nr),
            special::FNR => Value::Number(self.fnr),
            index => self.global_value(index),
        }
    }

    /// The array that a variable is or becomes.
    pub(in super::super) fn array(&mut self, variable: Var) -> Step<Rc<Array>> {
        let slot = self.slot(variable);
        match slot {
            Value::Array(array) => Ok(array.clone()),
            Value::Maybe(array) => {
                let array = array.clone();
                array.set_used();
                *slot = Value::Array(array.clone());
                Ok(array)
            }
            Value::Unset => {
                let array = Rc::new(Array::default());
                *slot = Value::Array(array.clone());
                Ok(array)
            }
            _ => {
                let parameter = if matches!(variable, Var::Local(_)) { "parameter " } else { "" };
                fatal(format!("attempt to use scalar {parameter}`{}' as an array", self.name(variable)))
            }
        }
    }

    /// What an argument passes on.
    pub(super) fn reference(&mut self, variable: Var) -> Step<Value> {
        if let Var::Global(index) = variable
            && index < special::HOOKED
        {
            return self.get(variable);
        }
        let slot = self.slot(variable);
        match slot {
            Value::Unset => *slot = Value::Maybe(Rc::new(Array::default())),
            // Used as an array meanwhile, by the one it was passed to.
            Value::Maybe(array) if array.is_used() => *slot = Value::Array(array.clone()),
            _ => {}
        }
        Ok(slot.clone())
    }

    /// Assigns a variable.
    #[inline]
    pub(in super::super) fn set(&mut self, variable: Var, value: Value) -> Step<()> {
        if let Var::Global(index) = variable
            && index < special::HOOKED
        {
            return self.set_special(index, value);
        }
        let value = if let Value::Maybe(_) = value { Value::Unset } else { value };
        let slot = self.slot(variable);
        match slot {
            Value::Array(_) => return self.is_array(variable),
            Value::Maybe(array) if array.is_used() => return self.is_array(variable),
            _ => *slot = value,
        }
        Ok(())
    }

    pub(super) fn set_special(&mut self, index: u32, value: Value) -> Step<()> {
        let value = if let Value::Maybe(_) = value { Value::Unset } else { value };
        let text = value.to_text(&self.convfmt);
        match index {
            special::NF => {
                let number = self.number(&value);
                if number < 0.0 || number.is_nan() {
                    return fatal("NF set to negative value");
                }
                self.check_size(number.min(1e12) as usize)?;
                self.record.set_count(number as usize);
            }
            special::NR => self.nr = self.number(&value),
            special::FNR => self.fnr = self.number(&value),
            special::OFS => {
                // What was put together by the old one stays so.
                self.record.bytes(&self.ofs, &self.convfmt);
                self.ofs = text;
            }
            special::ORS => self.ors = text,
            special::SUBSEP => self.subsep = text,
            special::CONVFMT => self.convfmt = text,
            special::OFMT => self.ofmt = text,
            special::IGNORECASE => {
                let before =
                    std::mem::replace(&mut self.ignore_case, !self.modes.traditional && value.is_true());
                if before != self.ignore_case {
                    self.regexes.iter_mut().for_each(|regex| *regex = None);
                    self.made.clear();
                    self.last = None;
                }
            }
            _ => {}
        }
        self.set_global(index, value);
        match index {
            special::FS | special::FPAT | special::FIELDWIDTHS => {
                let names =
                    [(special::FS, "FS"), (special::FPAT, "FPAT"), (special::FIELDWIDTHS, "FIELDWIDTHS")];
                let name = names.iter().find(|(other, _)| *other == index).map_or("", |(_, name)| name);
                if let Value::Array(info) = self.global_value(special::PROCINFO) {
                    info.set_name(b"FS", Value::text(name.as_bytes()));
                }
                self.set_splitter(index)?;
            }
            special::RS | special::IGNORECASE => {
                let rs = self.global_value(special::RS);
                let text = rs.to_text(&self.convfmt);
                let was_paragraph = self.paragraph;
                self.paragraph = text.is_empty() && !matches!(rs, Value::Regex(_));
                let caseless = self.ignore_case && text.first().is_some_and(u8::is_ascii_alphabetic);
                self.separator = Rc::new(match &text[..] {
                    [] => Separator::Paragraph,
                    [byte] if !matches!(rs, Value::Regex(_)) && !caseless => Separator::Byte(*byte),
                    _ if self.modes.traditional || self.modes.posix => {
                        Separator::Byte(text.first().copied().unwrap_or(b'\n'))
                    }
                    _ => Separator::Regex(self.build(&text)?),
                });
                let again = match &*self.splitter {
                    Splitter::Pattern(_) | Splitter::Widths(_) => false,
                    Splitter::Regex(_) => true,
                    Splitter::Byte(byte) => byte.is_ascii_alphabetic() || was_paragraph != self.paragraph,
                    _ => was_paragraph != self.paragraph,
                };
                if again {
                    self.set_splitter(special::FS)?;
                } else if let Splitter::Pattern(_) = &*self.splitter {
                    self.set_splitter(special::FPAT)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn set_splitter(&mut self, index: u32) -> Step<()> {
        let value = self.global_value(index);
        let splitter = match index {
            special::FS => self.splitter_of(&value, self.paragraph, self.ignore_case)?,
            special::FPAT => {
                let pattern = value.to_text(&self.convfmt);
                Splitter::Pattern(self.regex_of(&pattern)?)
            }
            _ => match fields::widths(&value.to_text(&self.convfmt)) {
                Ok(widths) => Splitter::Widths(widths),
                Err((field, near)) => {
                    return fatal(format!("invalid FIELDWIDTHS value, for field {field}, near `{near}'"));
                }
            },
        };
        self.splitter = Rc::new(splitter);
        Ok(())
    }

    pub(in super::super) fn global_value(&self, index: u32) -> Value {
        self.globals.get(index as usize).cloned().unwrap_or(Value::Unset)
    }

    pub(in super::super) fn set_global(&mut self, index: u32, value: Value) {
        if let Some(global) = self.globals.get_mut(index as usize) {
            *global = value;
        }
    }

    /// Sets ERRNO.
    pub(in super::super) fn set_error(&mut self, error: Errno) {
        self.set_global(special::ERRNO, Value::text(error.strerror().as_bytes()));
        if let Value::Array(info) = self.global_value(special::PROCINFO) {
            info.set_name(b"errno", Value::Number(f64::from(error.code())));
        }
    }

    /// The value of an element of PROCINFO.
    pub(in super::super) fn information(&self, name: &[u8]) -> Option<Value> {
        match self.globals.get(special::PROCINFO as usize) {
            Some(Value::Array(info)) => info.get(Key::Text(name)),
            _ => None,
        }
    }

    // Elements.

    /// Calls `body` with the array and the key on the stack.
    #[inline]
    pub(super) fn with_key<T>(&mut self, base: Base, body: impl FnOnce(&Array, Key<'_>) -> T) -> Step<T> {
        let key = self.pop();
        let array = match base {
            Base::Var(variable) => match self.slot(variable) {
                Value::Array(array) => array.clone(),
                _ => self.array(variable)?,
            },
            Base::Stack => self.pop_array()?,
        };
        Ok(match &key {
            Value::Text(text) | Value::Input(text) | Value::Regex(text) => body(&array, Key::of(text)),
            Value::Number(number) => match Key::of_number(*number) {
                Some(key) => body(&array, key),
                None => body(&array, Key::of(&key.to_text(&self.convfmt))),
            },
            other => body(&array, Key::of(&other.to_text(&self.convfmt))),
        })
    }

    /// The variable in a place, for SYMTAB.
    pub(in super::super) fn symbol_value(&mut self, index: u32) -> Step<Value> {
        self.resolved(Value::Symbol(index))
    }

    /// An element of SYMTAB is the variable.
    #[inline]
    pub(super) fn resolved(&mut self, value: Value) -> Step<Value> {
        match value {
            Value::Symbol(index) => match self.global_value(index) {
                array @ Value::Array(_) => Ok(array),
                _ => self.get(Var::Global(index)),
            },
            Value::Maybe(array) if array.is_used() => Ok(Value::Array(array)),
            value => Ok(value),
        }
    }

    /// The value of a variable that has this name and is set.
    pub(in super::super) fn variable(&self, name: &[u8]) -> Option<Value> {
        let index = self.code.globals.iter().position(|global| global == name)?;
        match self.globals.get(index)? {
            Value::Unset => None,
            value => Some(value.clone()),
        }
    }

    // Fields.

    pub(super) fn bad_field<T>(&self, number: f64) -> Step<T> {
        fatal(format!("attempt to access field {}", number as i64))
    }

    pub(super) fn field(&mut self, number: f64) -> Step<Value> {
        if number < 0.0 || number.is_nan() {
            return self.bad_field(number);
        }
        Ok(if number < 1.0 { self.whole() } else { self.record.get(number as usize) })
    }

    /// `$0`.
    pub(in super::super) fn whole(&mut self) -> Value {
        self.record.whole(&self.ofs, &self.convfmt)
    }

    pub(in super::super) fn set_field(&mut self, number: f64, value: Value) -> Step<()> {
        if number < 0.0 || number.is_nan() {
            return self.bad_field(number);
        }
        if number < 1.0 {
            let text = value.to_text(&self.convfmt);
            let splitter = self.splitter.clone();
            match value {
                Value::Input(_) => self.record.set(&text, &splitter),
                value => self.record.set_value(fields::settled(value), &text, &splitter),
            }
        } else {
            self.check_size(number.min(1e12) as usize)?;
            self.record.assign(number as usize, fields::settled(value));
        }
        Ok(())
    }
}
