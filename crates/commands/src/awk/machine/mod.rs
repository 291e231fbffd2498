//! The machine that runs compiled programs: its state, variables and regular expressions.

mod input;
mod operators;
mod output;
mod program;
mod run;
mod variables;

use std::collections::HashMap;
use std::rc::Rc;

use bstr::ByteSlice;
use wasmsh_os::{Input, Output};
use wasmsh_regex::Regex;

use super::array::{Array, Index};
use super::ast::{Place, special};
use super::code::Code;
use super::fields::{Record, Splitter};
use super::random::Random;
use super::streams::{Reading, Separator, Writing};
use super::text;
use super::value::{Text, Value, empty};
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
}
