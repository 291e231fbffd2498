//! The machine that runs compiled programs: its state, variables and regular expressions.

mod input;
mod output;
mod run;

use std::collections::HashMap;
use std::rc::Rc;

use bstr::ByteSlice;
use wasmsh_os::{Errno, Input, Output};
use wasmsh_regex::{Regex, Syntax};

use super::array::{Array, Index, Key};
use super::ast::{Arith, Compare, Place, Var, special};
use super::code::Code;
use super::fields::{self, Record, Splitter};
use super::random::Random;
use super::streams::{Reading, Separator, Writing};
use super::value::{Text, Value, empty};
use super::{format, text};
use crate::{Fail, Tool};

/// How a section of the program has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    End,
    Next,
    NextFile,
    Exit,
    /// A function that was called from outside of the code has returned.
    Return,
}

/// Why a program stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// `fatal: …`, with the place it happened at.
    Fatal(String),
    /// As the tool says it.
    Fail(Fail),
}

impl From<Fail> for Stop {
    fn from(fail: Fail) -> Stop {
        Stop::Fail(fail)
    }
}

pub(super) type Step<T> = Result<T, Stop>;

pub(super) fn fatal<T>(message: impl Into<String>) -> Step<T> {
    Err(Stop::Fatal(message.into()))
}

struct Frame {
    function: usize,
    return_to: usize,
    base: usize,
    loops: usize,
}

/// How deep functions may call.
const DEPTH: usize = 200_000;
/// Values on the stack: a bound for what recursion may take.
const STACK: usize = 8_000_000;
/// Regular expressions made at run time that are kept.
const KEPT: usize = 500;

/// What the command line says about how to run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Modes {
    pub(super) posix: bool,
    pub(super) traditional: bool,
    /// Intervals in regular expressions all the same.
    pub(super) intervals: bool,
    pub(super) sandbox: bool,
    /// Input may be hexadecimal and octal numbers.
    pub(super) non_decimal: bool,
}

pub(super) struct Machine<'a> {
    pub(super) t: &'a mut Tool,
    pub(super) code: Rc<Code>,
    pub(super) modes: Modes,
    pub(super) utf8: bool,
    stack: Vec<Value>,
    frames: Vec<Frame>,
    /// Where the variables of the running function begin.
    base: usize,
    loops: Vec<std::vec::IntoIter<Index>>,
    globals: Vec<Value>,
    pub(super) record: Record,
    nr: f64,
    fnr: f64,
    splitter: Rc<Splitter>,
    paragraph: bool,
    separator: Rc<Separator>,
    pub(super) ofs: Text,
    ors: Text,
    pub(super) subsep: Text,
    pub(super) convfmt: Text,
    ofmt: Text,
    pub(super) ignore_case: bool,
    regexes: Vec<Option<Rc<Regex>>>,
    made: HashMap<Text, Rc<Regex>>,
    /// The regular expression made last, with its text: most programs have one.
    last: Option<(Text, Rc<Regex>)>,
    ranges: Vec<bool>,
    /// The next instruction.
    at: usize,
    /// Jumps back until others have their turn.
    patience: u32,
    pub(super) out: Output,
    writings: Vec<Writing>,
    readings: Vec<Reading>,
    main: Option<Input>,
    /// Where the search for operands goes on.
    operand: usize,
    any_file: bool,
    ended: bool,
    newline: Value,
    /// Which rules run, for messages.
    in_begin: bool,
    in_end: bool,
    /// The main input is read for the rules, rather than for `getline`.
    between: bool,
    pub(super) in_place: Option<super::inplace::InPlace>,
    pub(super) random: Random,
    pub(super) seed: f64,
    pub(super) status: u8,
    /// What stands for a place that does not exist.
    nowhere: Value,
}

impl<'a> Machine<'a> {
    pub(super) fn new(t: &'a mut Tool, code: Code, modes: Modes) -> Machine<'a> {
        let out = t.ctx.stdout();
        let utf8 = t.utf8;
        let mut globals = vec![Value::Unset; code.globals.len()];
        let defaults: [(u32, Value); 21] = [
            (special::RLENGTH, Value::Number(0.0)),
            (special::FS, Value::text(b" ")),
            (special::OFS, Value::text(b" ")),
            (special::ORS, Value::text(b"\n")),
            (special::RS, Value::text(b"\n")),
            (special::SUBSEP, Value::text(b"\x1c")),
            (special::CONVFMT, Value::text(b"%.6g")),
            (special::OFMT, Value::text(b"%.6g")),
            (special::FPAT, Value::text(b"[^[:space:]]+")),
            (special::FIELDWIDTHS, Value::Text(empty())),
            (special::FILENAME, Value::Text(empty())),
            (special::RT, Value::Text(empty())),
            (special::ERRNO, Value::Text(empty())),
            (special::TEXTDOMAIN, Value::text(b"messages")),
            (special::RSTART, Value::Number(0.0)),
            (special::ARGIND, Value::Number(0.0)),
            (special::IGNORECASE, Value::Number(0.0)),
            (special::BINMODE, Value::Number(0.0)),
            (special::LINT, Value::Number(0.0)),
            (special::PREC, Value::Number(53.0)),
            (special::ROUNDMODE, Value::text(b"N")),
        ];
        for (place, value) in defaults {
            if let Some(global) = globals.get_mut(place as usize) {
                *global = value;
            }
        }
        let text = |bytes: &[u8]| -> Text { bytes.into() };
        Machine {
            modes,
            utf8,
            stack: Vec::with_capacity(64),
            frames: Vec::new(),
            base: 0,
            loops: Vec::new(),
            globals,
            record: Record::new(utf8),
            nr: 0.0,
            fnr: 0.0,
            splitter: Rc::new(Splitter::Blanks),
            paragraph: false,
            separator: Rc::new(Separator::Byte(b'\n')),
            ofs: text(b" "),
            ors: text(b"\n"),
            subsep: text(b"\x1c"),
            convfmt: text(b"%.6g"),
            ofmt: text(b"%.6g"),
            ignore_case: false,
            regexes: vec![None; code.regexes.len()],
            made: HashMap::new(),
            last: None,
            ranges: vec![false; code.ranges],
            at: 0,
            patience: run::PATIENCE,
            out,
            writings: Vec::new(),
            readings: Vec::new(),
            main: None,
            operand: 1,
            any_file: false,
            ended: false,
            newline: Value::text(b"\n"),
            in_begin: false,
            in_end: false,
            between: false,
            in_place: None,
            random: Random::new(1),
            seed: 0.0,
            status: 0,
            nowhere: Value::Unset,
            code: Rc::new(code),
            t,
        }
    }

    /// Compiles the regular expressions that stand in the program.
    pub(super) fn check_regexes(&mut self) -> Result<(), Fail> {
        let code = self.code.clone();
        for (index, (source, place)) in code.regexes.iter().enumerate() {
            match self.try_build(source) {
                Ok(regex) => {
                    if let Some(kept) = self.regexes.get_mut(index) {
                        *kept = Some(Rc::new(regex));
                    }
                }
                Err(error) => {
                    let place = code.place(*place);
                    return Err(Fail::Message(format!("{place}: error: {error}: /{}/", source.as_bstr()), 1));
                }
            }
        }
        Ok(())
    }

    // Messages.

    /// Where the program is, and in which record.
    fn location(&self) -> String {
        let place = self.code.places.get(self.at.saturating_sub(1)).copied().unwrap_or(Place::default());
        let mut location = self.code.place(place);
        if self.fnr > 0.0 {
            let name = self.global_value(special::FILENAME).to_text(b"");
            location.push_str(&format!(": (FILENAME={} FNR={})", name.as_bstr(), self.fnr));
        } else {
            location.push(':');
        }
        location
    }

    /// What the tool ends with for this.
    fn failure(&self, stop: Stop) -> Fail {
        match stop {
            Stop::Fail(fail) => fail,
            Stop::Fatal(message) => Fail::Message(format!("{} fatal: {message}", self.location()), 2),
        }
    }

    /// Says something about the program.
    pub(super) async fn warn(&mut self, message: impl AsRef<str>) -> Step<()> {
        self.flush_stdout().await?;
        let message = format!("{} warning: {}", self.location(), message.as_ref());
        self.t.warn(message).await.map_err(Stop::Fail)
    }

    // The stack.

    #[inline]
    pub(super) fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or(Value::Unset)
    }

    pub(super) fn pop_text(&mut self) -> Text {
        let value = self.pop();
        value.to_text(&self.convfmt)
    }

    #[inline]
    pub(super) fn pop_number(&mut self) -> f64 {
        match self.stack.pop() {
            Some(Value::Number(number)) => number,
            Some(value) => self.number(&value),
            None => 0.0,
        }
    }

    /// A value as a number.
    #[inline]
    pub(super) fn number(&self, value: &Value) -> f64 {
        if self.modes.non_decimal
            && let Value::Input(text) = value
            && let Some(number) = text::non_decimal(text)
        {
            return number;
        }
        value.number()
    }

    pub(super) fn pop_many(&mut self, count: usize) -> Vec<Value> {
        let from = self.stack.len().saturating_sub(count);
        self.stack.drain(from..).collect()
    }

    pub(super) fn pop_array(&mut self) -> Step<Rc<Array>> {
        match self.pop() {
            Value::Array(array) => Ok(array),
            Value::Maybe(array) => {
                array.set_used();
                Ok(array)
            }
            // An argument that was not set.
            Value::Unset => Ok(Rc::new(Array::default())),
            _ => fatal("attempt to use a scalar value as array"),
        }
    }

    // Variables.

    #[inline]
    fn slot(&mut self, variable: Var) -> &mut Value {
        let place = match variable {
            Var::Global(index) => self.globals.get_mut(index as usize),
            Var::Local(index) => self.stack.get_mut(self.base + index as usize),
        };
        // The compiler makes no place that does not exist.
        place.unwrap_or(&mut self.nowhere)
    }

    /// How messages call a variable.
    fn name(&self, variable: Var) -> String {
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
    fn is_array<T>(&self, variable: Var) -> Step<T> {
        fatal(format!("attempt to use array `{}' in a scalar context", self.name(variable)))
    }

    #[inline]
    fn get(&mut self, variable: Var) -> Step<Value> {
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

    fn get_special(&mut self, index: u32) -> Value {
        match index {
            special::NF => Value::Number(self.record.count() as f64),
            special::NR => Value::Number(self.nr),
            special::FNR => Value::Number(self.fnr),
            index => self.global_value(index),
        }
    }

    /// The array that a variable is or becomes.
    pub(super) fn array(&mut self, variable: Var) -> Step<Rc<Array>> {
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
    fn reference(&mut self, variable: Var) -> Step<Value> {
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
    pub(super) fn set(&mut self, variable: Var, value: Value) -> Step<()> {
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

    fn set_special(&mut self, index: u32, value: Value) -> Step<()> {
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

    fn set_splitter(&mut self, index: u32) -> Step<()> {
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

    pub(super) fn global_value(&self, index: u32) -> Value {
        self.globals.get(index as usize).cloned().unwrap_or(Value::Unset)
    }

    pub(super) fn set_global(&mut self, index: u32, value: Value) {
        if let Some(global) = self.globals.get_mut(index as usize) {
            *global = value;
        }
    }

    /// Sets ERRNO.
    pub(super) fn set_error(&mut self, error: Errno) {
        self.set_global(special::ERRNO, Value::text(error.strerror().as_bytes()));
        if let Value::Array(info) = self.global_value(special::PROCINFO) {
            info.set_name(b"errno", Value::Number(f64::from(error.code())));
        }
    }

    /// The value of an element of PROCINFO.
    pub(super) fn information(&self, name: &[u8]) -> Option<Value> {
        match self.globals.get(special::PROCINFO as usize) {
            Some(Value::Array(info)) => info.get(Key::Text(name)),
            _ => None,
        }
    }

    // Elements.

    /// Calls `body` with the array and the key on the stack.
    #[inline]
    fn with_key<T>(&mut self, base: super::code::Base, body: impl FnOnce(&Array, Key<'_>) -> T) -> Step<T> {
        let key = self.pop();
        let array = match base {
            super::code::Base::Var(variable) => match self.slot(variable) {
                Value::Array(array) => array.clone(),
                _ => self.array(variable)?,
            },
            super::code::Base::Stack => self.pop_array()?,
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
    pub(super) fn symbol_value(&mut self, index: u32) -> Step<Value> {
        self.resolved(Value::Symbol(index))
    }

    /// An element of SYMTAB is the variable.
    #[inline]
    fn resolved(&mut self, value: Value) -> Step<Value> {
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
    pub(super) fn variable(&self, name: &[u8]) -> Option<Value> {
        let index = self.code.globals.iter().position(|global| global == name)?;
        match self.globals.get(index)? {
            Value::Unset => None,
            value => Some(value.clone()),
        }
    }

    // Fields.

    fn bad_field<T>(&self, number: f64) -> Step<T> {
        fatal(format!("attempt to access field {}", number as i64))
    }

    fn field(&mut self, number: f64) -> Step<Value> {
        if number < 0.0 || number.is_nan() {
            return self.bad_field(number);
        }
        Ok(if number < 1.0 { self.whole() } else { self.record.get(number as usize) })
    }

    /// `$0`.
    pub(super) fn whole(&mut self) -> Value {
        self.record.whole(&self.ofs, &self.convfmt)
    }

    pub(super) fn set_field(&mut self, number: f64, value: Value) -> Step<()> {
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

    // Regular expressions.

    /// How a value splits, as FS or as the third argument of `split`; with `newlines` these separate too; `caseless`: so does a
    /// letter in either case.
    pub(super) fn splitter_of(&mut self, value: &Value, newlines: bool, caseless: bool) -> Step<Splitter> {
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

    fn try_build(&self, source: &[u8]) -> Result<Regex, wasmsh_regex::BuildError> {
        let syntax = Syntax {
            ignore_case: self.ignore_case,
            utf8: self.utf8,
            back_references: false,
            lone_close_is_literal: false,
            ..Syntax::EXTENDED
        };
        Regex::new(&text::regex(source, &self.modes), &syntax)
    }

    pub(super) fn build(&self, source: &[u8]) -> Step<Regex> {
        self.try_build(source)
            .or_else(|error| fatal(format!("invalid regexp: {error}: /{}/", source.as_bstr())))
    }

    /// A regular expression of the program.
    #[inline]
    fn regex(&mut self, index: u32) -> Step<Rc<Regex>> {
        match self.regexes.get(index as usize) {
            Some(Some(regex)) => Ok(regex.clone()),
            _ => self.rebuilt(index),
        }
    }

    #[cold]
    fn rebuilt(&mut self, index: u32) -> Step<Rc<Regex>> {
        let code = self.code.clone();
        let source = code.regexes.get(index as usize).map_or(&[][..], |(source, _)| source);
        let regex = Rc::new(self.build(source)?);
        if let Some(place) = self.regexes.get_mut(index as usize) {
            *place = Some(regex.clone());
        }
        Ok(regex)
    }

    /// The regular expression with this text.
    pub(super) fn regex_of(&mut self, source: &[u8]) -> Step<Rc<Regex>> {
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
    pub(super) fn dynamic(&mut self, value: &Value) -> Step<Rc<Regex>> {
        let source = value.to_text(&self.convfmt);
        self.regex_of(&source)
    }

    pub(super) fn is_match(&self, regex: &Regex, text: &[u8]) -> Step<bool> {
        regex.is_match(text).or_else(|error| fatal(error.to_string()))
    }

    // Operators.

    pub(super) fn order(&self, left: &Value, right: &Value) -> std::cmp::Ordering {
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

    fn is_numeric(&self, value: &Value) -> bool {
        value.is_numeric()
            || self.modes.non_decimal
                && matches!(value, Value::Input(text) if text::non_decimal(text).is_some())
    }

    pub(super) fn text_order(&self, left: &Value, right: &Value) -> std::cmp::Ordering {
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
    fn compare(&self, op: Compare, left: &Value, right: &Value) -> bool {
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
    pub(super) fn check_size(&self, size: usize) -> Step<()> {
        if size as u64 > self.t.ctx.kernel().ceilings().expansion_bytes {
            return fatal("memory exhausted");
        }
        Ok(())
    }

    /// A formatted text.
    pub(super) fn formatted(&self, arguments: &[Value]) -> Step<Vec<u8>> {
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
fn arithmetic(op: Arith, left: f64, right: f64) -> Step<f64> {
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
