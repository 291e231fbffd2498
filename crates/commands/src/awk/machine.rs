//! Runs compiled programs.

use std::collections::HashMap;
use std::rc::Rc;

use bstr::BString;
use wasmsh_os::{Input, Output};
use wasmsh_regex::{Regex, Syntax};

use super::ast::{Var, special};
use super::compile::{Code, Op, Reader, Writer};
use super::fields::{Record, Splitter};
use super::random::Random;
use super::streams::{
    Kind, Read, Reading, Separator, Terminator, Writing, read_record, start_shell, wait,
};
use super::value::{Array, Text, Value, append_number, empty};
use super::{format, text};
use crate::{Fail, Tool};

/// How a section of the program has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    End,
    Next,
    NextFile,
    Exit,
    /// A function that was called from outside of the code has returned.
    Return,
}

struct Frame {
    return_to: usize,
    base: usize,
    parameters: usize,
    loops: usize,
}

/// How deep functions may call.
const DEPTH: usize = 100_000;
/// Regular expressions made at run time that are kept.
const KEPT: usize = 500;

pub(super) struct Machine<'a> {
    pub(super) t: &'a mut Tool,
    pub(super) code: Rc<Code>,
    pub(super) posix: bool,
    pub(super) utf8: bool,
    pub(super) stack: Vec<Value>,
    frames: Vec<Frame>,
    loops: Vec<std::vec::IntoIter<Text>>,
    pub(super) globals: Vec<Value>,
    pub(super) record: Record,
    nr: f64,
    fnr: f64,
    splitter: Rc<Splitter>,
    pub(super) paragraph: bool,
    separator: Rc<Separator>,
    ofs: Text,
    ors: Text,
    subsep: Text,
    pub(super) convfmt: Text,
    ofmt: Text,
    pub(super) ignore_case: bool,
    regexes: Vec<Option<Rc<Regex>>>,
    made: HashMap<(Text, bool), Rc<Regex>>,
    ranges: Vec<bool>,
    out: Output,
    writings: Vec<Writing>,
    readings: Vec<Reading>,
    main: Option<Input>,
    /// Where the search for operands goes on.
    operand: usize,
    any_file: bool,
    ended: bool,
    line: Option<Text>,
    newline: Value,
    pub(super) random: Random,
    pub(super) seed: f64,
    pub(super) status: u8,
    /// What stands for a place that does not exist.
    nowhere: Value,
}

pub(super) type Step<T> = Result<T, Fail>;

pub(super) fn fatal<T>(message: impl AsRef<str>) -> Step<T> {
    Err(Fail::Message(format!("fatal: {}", message.as_ref()), 2))
}

impl<'a> Machine<'a> {
    pub(super) fn new(t: &'a mut Tool, code: Code, posix: bool) -> Machine<'a> {
        let out = t.ctx.stdout();
        let utf8 = t.utf8;
        let mut globals = vec![Value::Unset; code.globals.len()];
        let defaults: [(usize, &[u8]); 8] = [
            (special::FS, b" "),
            (special::OFS, b" "),
            (special::ORS, b"\n"),
            (special::RS, b"\n"),
            (special::SUBSEP, b"\x1c"),
            (special::CONVFMT, b"%.6g"),
            (special::OFMT, b"%.6g"),
            (special::FPAT, b"[^[:space:]]+"),
        ];
        for (place, value) in defaults {
            if let Some(global) = globals.get_mut(place) {
                *global = Value::text(value);
            }
        }
        for place in [special::RSTART, special::ARGIND, special::IGNORECASE] {
            if let Some(global) = globals.get_mut(place) {
                *global = Value::Number(0.0);
            }
        }
        if let Some(global) = globals.get_mut(special::RLENGTH) {
            *global = Value::Number(-1.0);
        }
        let text = |bytes: &[u8]| -> Text { bytes.into() };
        Machine {
            posix,
            utf8,
            stack: Vec::with_capacity(64),
            frames: Vec::new(),
            loops: Vec::new(),
            globals,
            record: Record::new(),
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
            ranges: vec![false; code.ranges],
            out,
            writings: Vec::new(),
            readings: Vec::new(),
            main: None,
            operand: 1,
            any_file: false,
            ended: false,
            line: None,
            newline: Value::text(b"\n"),
            random: Random::new(0),
            seed: 0.0,
            status: 0,
            nowhere: Value::Unset,
            code: Rc::new(code),
            t,
        }
    }

    // Values.

    pub(super) fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or(Value::Unset)
    }

    pub(super) fn pop_text(&mut self) -> Text {
        let value = self.pop();
        value.to_text(&self.convfmt)
    }

    pub(super) fn pop_number(&mut self) -> f64 {
        self.pop().number()
    }

    fn slot(&mut self, variable: Var) -> &mut Value {
        let place = match variable {
            Var::Global(index) => self.globals.get_mut(index),
            Var::Local(index) => {
                let base = self.frames.last().map_or(0, |frame| frame.base);
                self.stack.get_mut(base + index)
            }
        };
        // The compiler makes no place that does not exist.
        place.unwrap_or(&mut self.nowhere)
    }

    fn name(&self, variable: Var) -> String {
        match variable {
            Var::Global(index) => {
                self.code.globals.get(index).map_or_else(String::new, |name| BString::from(&name[..]).to_string())
            }
            Var::Local(_) => "a parameter".into(),
        }
    }

    fn get(&mut self, variable: Var) -> Step<Value> {
        match variable {
            Var::Global(special::NF) => return Ok(Value::Number(self.record.count() as f64)),
            Var::Global(special::NR) => return Ok(Value::Number(self.nr)),
            Var::Global(special::FNR) => return Ok(Value::Number(self.fnr)),
            _ => {}
        }
        let value = self.slot(variable).clone();
        if let Value::Array(_) = value {
            let name = self.name(variable);
            return fatal(format!("attempt to use array `{name}' in a scalar context"));
        }
        Ok(value)
    }

    pub(super) fn array(&mut self, variable: Var) -> Step<Rc<Array>> {
        let slot = self.slot(variable);
        match slot {
            Value::Array(array) => Ok(array.clone()),
            Value::Maybe(array) => {
                let array = array.clone();
                *slot = Value::Array(array.clone());
                Ok(array)
            }
            Value::Unset => {
                let array = Rc::new(Array::default());
                *slot = Value::Array(array.clone());
                Ok(array)
            }
            _ => {
                let name = self.name(variable);
                fatal(format!("attempt to use scalar `{name}' as an array"))
            }
        }
    }

    fn reference(&mut self, variable: Var) -> Step<Value> {
        if let Var::Global(index) = variable
            && index < special::HOOKED
        {
            return self.get(variable);
        }
        let slot = self.slot(variable);
        if matches!(slot, Value::Unset) {
            *slot = Value::Maybe(Rc::new(Array::default()));
        }
        // Used as an array meanwhile, by the one it was passed to.
        if let Value::Maybe(array) = slot
            && array.len() > 0
        {
            *slot = Value::Array(array.clone());
        }
        Ok(slot.clone())
    }

    /// Assigns a variable.
    pub(super) fn set(&mut self, variable: Var, value: Value) -> Step<()> {
        if let Var::Global(index) = variable
            && index < special::HOOKED
        {
            return self.set_special(index, value);
        }
        let value = if let Value::Maybe(_) = value { Value::Unset } else { value };
        let slot = self.slot(variable);
        if let Value::Array(_) = slot {
            let name = self.name(variable);
            return fatal(format!("attempt to use array `{name}' in a scalar context"));
        }
        *slot = value;
        Ok(())
    }

    fn set_special(&mut self, index: usize, value: Value) -> Step<()> {
        let number = value.number();
        let text = value.to_text(&self.convfmt);
        match index {
            special::NF => {
                if number < 0.0 || number > 50_000_000.0 {
                    return fatal("NF set to negative value");
                }
                self.record.set_count(number as usize);
            }
            special::NR => self.nr = number,
            special::FNR => self.fnr = number,
            special::OFS => {
                // What was put together by the old one stays so.
                let _ = self.whole();
                self.ofs = text;
            }
            special::ORS => self.ors = text,
            special::SUBSEP => self.subsep = text,
            special::CONVFMT => self.convfmt = text,
            special::OFMT => self.ofmt = text,
            special::IGNORECASE => {
                self.ignore_case = value.is_true();
                self.regexes.iter_mut().for_each(|regex| *regex = None);
            }
            _ => {}
        }
        if let Some(global) = self.globals.get_mut(index) {
            *global = value;
        }
        match index {
            special::FS => self.splitter = Rc::new(self.splitter_of(&self.global_value(special::FS))?),
            special::FPAT => {
                let pattern = self.global_value(special::FPAT).to_text(b"");
                self.splitter = Rc::new(Splitter::Pattern(self.build(&pattern)?));
            }
            special::FIELDWIDTHS => {
                let widths = self.global_value(special::FIELDWIDTHS).to_text(b"");
                self.splitter = Rc::new(Splitter::Widths(widths_of(&widths)?));
            }
            special::RS | special::IGNORECASE => {
                let rs = self.global_value(special::RS).to_text(b"");
                self.paragraph = rs.is_empty();
                self.separator = Rc::new(match &rs[..] {
                    [] => Separator::Paragraph,
                    [byte] => Separator::Byte(*byte),
                    _ => Separator::Regex(self.build(&rs)?),
                });
                if index == special::IGNORECASE && matches!(*self.splitter, Splitter::Regex(_)) {
                    self.splitter = Rc::new(self.splitter_of(&self.global_value(special::FS))?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn global_value(&self, index: usize) -> Value {
        self.globals.get(index).cloned().unwrap_or(Value::Unset)
    }

    fn set_global(&mut self, index: usize, value: Value) {
        if let Some(global) = self.globals.get_mut(index) {
            *global = value;
        }
    }

    /// How a value splits, as FS or as the third argument of `split`.
    pub(super) fn splitter_of(&self, value: &Value) -> Step<Splitter> {
        let source = value.to_text(&self.convfmt);
        let is_regex = matches!(value, Value::Regex(_));
        Ok(match &source[..] {
            b" " if !is_regex => Splitter::Blanks,
            b"" => Splitter::Characters,
            [b'\\'] => Splitter::Byte(b'\\'),
            [byte] if !is_regex && !(self.ignore_case && byte.is_ascii_alphabetic()) && *byte != b' ' => {
                Splitter::Byte(*byte)
            }
            [byte] if is_regex && !b".[]()*+?{}|^$\\".contains(byte) && !self.ignore_case => Splitter::Byte(*byte),
            _ => Splitter::Regex(self.build(&source)?),
        })
    }

    /// Compiles a regular expression.
    pub(super) fn build(&self, source: &[u8]) -> Step<Regex> {
        let syntax = Syntax {
            ignore_case: self.ignore_case,
            utf8: self.utf8,
            back_references: false,
            lone_close_is_literal: false,
            ..Syntax::EXTENDED
        };
        match Regex::new(&text::regex(source), &syntax) {
            Ok(regex) => Ok(regex),
            Err(error) => fatal(format!("invalid regexp: {error}: /{}/", BString::from(source))),
        }
    }

    fn regex(&mut self, index: usize) -> Step<Rc<Regex>> {
        if let Some(Some(regex)) = self.regexes.get(index) {
            return Ok(regex.clone());
        }
        let code = self.code.clone();
        let regex = Rc::new(self.build(code.regexes.get(index).map_or(&[][..], |source| source))?);
        if let Some(place) = self.regexes.get_mut(index) {
            *place = Some(regex.clone());
        }
        Ok(regex)
    }

    /// The regular expression that a value is.
    pub(super) fn dynamic(&mut self, value: &Value) -> Step<Rc<Regex>> {
        let key = (value.to_text(&self.convfmt), self.ignore_case);
        if let Some(regex) = self.made.get(&key) {
            return Ok(regex.clone());
        }
        let regex = Rc::new(self.build(&key.0)?);
        if self.made.len() >= KEPT {
            self.made.clear();
        }
        self.made.insert(key, regex.clone());
        Ok(regex)
    }

    /// `$0`.
    pub(super) fn whole(&mut self) -> Text {
        self.record.whole(&self.ofs, &self.convfmt)
    }

    fn field(&mut self, number: f64) -> Step<Value> {
        if number < 0.0 {
            return fatal(format!("attempt to access field {}", number as i64));
        }
        Ok(if number < 1.0 { Value::Input(self.whole()) } else { self.record.get(number as usize) })
    }

    pub(super) fn set_field(&mut self, number: f64, value: Value) -> Step<()> {
        if number < 0.0 {
            return fatal(format!("attempt to access field {}", number as i64));
        }
        if number < 1.0 {
            let text = value.to_text(&self.convfmt);
            self.set_record(text);
        } else if number > 50_000_000.0 {
            return fatal("too many fields");
        } else {
            let value = match value {
                Value::Unset | Value::Maybe(_) => Value::Text(empty()),
                value => value,
            };
            self.record.assign(number as usize, value);
        }
        Ok(())
    }

    fn set_record(&mut self, text: Text) {
        self.record.set(text, &self.splitter, self.paragraph);
    }

    fn pop_array(&mut self) -> Step<Rc<Array>> {
        match self.pop() {
            Value::Array(array) | Value::Maybe(array) => Ok(array),
            _ => fatal("attempt to use a scalar value as array"),
        }
    }

    pub(super) fn compare(&self, left: &Value, right: &Value) -> std::cmp::Ordering {
        use std::cmp::Ordering;
        if left.is_numeric() && right.is_numeric() {
            let (left, right) = (left.number(), right.number());
            return left.partial_cmp(&right).unwrap_or(match (left.is_nan(), right.is_nan()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                _ => Ordering::Less,
            });
        }
        let (left, right) = (left.to_text(&self.convfmt), right.to_text(&self.convfmt));
        if self.ignore_case {
            return text::change_case(&left, false).cmp(&text::change_case(&right, false));
        }
        left.cmp(&right)
    }

    fn arithmetic(&self, op: u8, left: f64, right: f64) -> Step<f64> {
        Ok(match op {
            b'+' => left + right,
            b'-' => left - right,
            b'*' => left * right,
            b'/' if right == 0.0 => return fatal("division by zero attempted"),
            b'/' => left / right,
            b'%' if right == 0.0 => return fatal("division by zero attempted in `%'"),
            b'%' => left % right,
            _ => power(left, right),
        })
    }

    fn is_match(&self, regex: &Regex, text: &[u8]) -> Step<bool> {
        regex.is_match(text).or_else(|error| fatal(error.to_string()))
    }

    // Running.

    /// Runs from an instruction on until the section or, above `floor`, the function ends.
    pub(super) async fn run(&mut self, start: usize, floor: usize) -> Step<Flow> {
        let code = self.code.clone();
        let mut at = start;
        while let Some(op) = code.ops.get(at) {
            at += 1;
            match op {
                Op::Push(value) => self.stack.push(value.clone()),
                Op::PushRegex(index) => {
                    let source = code.regexes.get(*index).map_or(&[][..], |source| source);
                    self.stack.push(Value::Regex(source.into()));
                }
                Op::Pop => {
                    self.stack.pop();
                }
                Op::Dup => {
                    let top = self.stack.last().cloned().unwrap_or(Value::Unset);
                    self.stack.push(top);
                }
                Op::Dup2 => {
                    let length = self.stack.len();
                    if let Some([a, b]) = self.stack.get(length.wrapping_sub(2)..) {
                        let (a, b) = (a.clone(), b.clone());
                        self.stack.push(a);
                        self.stack.push(b);
                    }
                }
                Op::Swap => {
                    let length = self.stack.len();
                    if length > 1 {
                        self.stack.swap(length - 1, length - 2);
                    }
                }
                Op::Get(variable) => {
                    let value = self.get(*variable)?;
                    self.stack.push(value);
                }
                Op::Set(variable) => {
                    let value = self.stack.last().cloned().unwrap_or(Value::Unset);
                    self.set(*variable, value)?;
                }
                Op::FieldAt(number) => {
                    let value =
                        if *number == 0 { Value::Input(self.whole()) } else { self.record.get(*number) };
                    self.stack.push(value);
                }
                Op::Field => {
                    let number = self.pop_number();
                    let value = self.field(number)?;
                    self.stack.push(value);
                }
                Op::SetField => {
                    let value = self.pop();
                    let number = self.pop_number();
                    self.set_field(number, value.clone())?;
                    self.stack.push(value);
                }
                Op::Array(variable) => {
                    let array = self.array(*variable)?;
                    self.stack.push(Value::Array(array));
                }
                Op::Reference(variable) => {
                    let value = self.reference(*variable)?;
                    self.stack.push(value);
                }
                Op::Join(count) => {
                    let from = self.stack.len().saturating_sub(*count);
                    let mut key = Vec::new();
                    for (index, part) in self.stack.drain(from..).enumerate() {
                        if index > 0 {
                            key.extend_from_slice(&self.subsep);
                        }
                        part.append_to(&self.convfmt, &mut key);
                    }
                    self.stack.push(Value::Text(key.into()));
                }
                Op::Index => {
                    let key = self.pop_text();
                    let array = self.pop_array()?;
                    self.stack.push(array.get_or_make(&key));
                }
                Op::SetIndex => {
                    let value = self.pop();
                    let key = self.pop_text();
                    let array = self.pop_array()?;
                    array.set(key, value.clone());
                    self.stack.push(value);
                }
                Op::Subarray => {
                    let key = self.pop_text();
                    let array = self.pop_array()?;
                    match array.subarray(key) {
                        Some(array) => self.stack.push(Value::Array(array)),
                        None => return fatal("attempt to use a scalar value as array"),
                    }
                }
                Op::Contains => {
                    let key = self.pop_text();
                    let array = self.pop_array()?;
                    self.stack.push(Value::flag(array.contains(&key)));
                }
                Op::Delete => {
                    let key = self.pop_text();
                    self.pop_array()?.remove(&key);
                }
                Op::DeleteAll => self.pop_array()?.clear(),
                Op::Step(variable, by, old) => {
                    let before = self.get(*variable)?.number();
                    self.set(*variable, Value::Number(before + by))?;
                    self.stack.push(Value::Number(if *old { before } else { before + by }));
                }
                Op::StepField(by, old) => {
                    let number = self.pop_number();
                    let before = self.field(number)?.number();
                    self.set_field(number, Value::Number(before + by))?;
                    self.stack.push(Value::Number(if *old { before } else { before + by }));
                }
                Op::StepIndex(by, old) => {
                    let key = self.pop_text();
                    let array = self.pop_array()?;
                    let before = array.update(key, |place| {
                        let before = place.number();
                        *place = Value::Number(before + by);
                        before
                    });
                    self.stack.push(Value::Number(if *old { before } else { before + by }));
                }
                Op::Arithmetic(op) => {
                    let right = self.pop_number();
                    let left = self.pop_number();
                    let result = self.arithmetic(*op, left, right)?;
                    self.stack.push(Value::Number(result));
                }
                Op::Compare(op) => {
                    let right = self.pop();
                    let left = self.pop();
                    let order = self.compare(&left, &right);
                    let result = match *op {
                        "<" => order.is_lt(),
                        "<=" => order.is_le(),
                        "==" => order.is_eq(),
                        "!=" => order.is_ne(),
                        ">" => order.is_gt(),
                        _ => order.is_ge(),
                    };
                    self.stack.push(Value::flag(result));
                }
                Op::Concat(count) => {
                    let from = self.stack.len().saturating_sub(*count);
                    let mut text = Vec::new();
                    for part in self.stack.drain(from..) {
                        part.append_to(&self.convfmt, &mut text);
                    }
                    self.check_size(text.len())?;
                    self.stack.push(Value::Text(text.into()));
                }
                Op::Negate => {
                    let number = self.pop_number();
                    self.stack.push(Value::Number(-number));
                }
                Op::Plus => {
                    let number = self.pop_number();
                    self.stack.push(Value::Number(number));
                }
                Op::Not => {
                    let value = self.pop();
                    self.stack.push(Value::flag(!value.is_true()));
                }
                Op::Flag => {
                    let value = self.pop();
                    self.stack.push(Value::flag(value.is_true()));
                }
                Op::Match(negated) => {
                    let pattern = self.pop();
                    let text = self.pop_text();
                    let regex = self.dynamic(&pattern)?;
                    let found = self.is_match(&regex, &text)?;
                    self.stack.push(Value::flag(found != *negated));
                }
                Op::MatchStatic(index, negated) => {
                    let text = self.pop_text();
                    let regex = self.regex(*index)?;
                    let found = self.is_match(&regex, &text)?;
                    self.stack.push(Value::flag(found != *negated));
                }
                Op::MatchRecord(index) => {
                    let text = self.whole();
                    let regex = self.regex(*index)?;
                    let found = self.is_match(&regex, &text)?;
                    self.stack.push(Value::flag(found));
                }
                Op::Jump(target) => {
                    if *target < at {
                        self.t.ctx.tick().await;
                    }
                    at = *target;
                }
                Op::JumpIfFalse(target) => {
                    if !self.pop().is_true() {
                        at = *target;
                    }
                }
                Op::JumpIfTrue(target) => {
                    if self.pop().is_true() {
                        if *target < at {
                            self.t.ctx.tick().await;
                        }
                        at = *target;
                    }
                }
                Op::Range(index, target) => {
                    if self.ranges.get(*index).copied().unwrap_or(false) {
                        at = *target;
                    }
                }
                Op::EndRange(index) => {
                    let over = self.pop().is_true();
                    if let Some(range) = self.ranges.get_mut(*index) {
                        *range = !over;
                    }
                }
                Op::Call(function, arguments) => {
                    self.t.ctx.tick().await;
                    at = self.enter(*function, *arguments, at)?;
                }
                Op::CallIndirect(variable, arguments) => {
                    let name = self.get(*variable)?.to_text(&self.convfmt);
                    let found = code.functions.iter().position(|entry| entry.name == name[..]);
                    let Some(function) = found else {
                        return fatal(format!(
                            "function called indirectly through `{}' does not exist",
                            self.name(*variable)
                        ));
                    };
                    self.t.ctx.tick().await;
                    at = self.enter(function, *arguments, at)?;
                }
                Op::Return => {
                    let value = self.pop();
                    let Some(frame) = self.frames.pop() else { return Ok(Flow::Return) };
                    self.stack.truncate(frame.base);
                    self.loops.truncate(frame.loops);
                    self.stack.push(value);
                    at = frame.return_to;
                    if self.frames.len() < floor {
                        return Ok(Flow::Return);
                    }
                }
                Op::Builtin(name, count) => self.builtin(name, *count).await?,
                Op::Substitute(global) => self.substitute(*global)?,
                Op::Getline(reader) => {
                    let result = self.getline(*reader).await?;
                    self.stack.push(Value::Number(result));
                }
                Op::Line => {
                    let line = self.line.take().unwrap_or_else(empty);
                    self.stack.push(Value::Input(line));
                }
                Op::JumpIfNoLine(target) => {
                    if self.line.is_none() {
                        at = *target;
                    }
                }
                Op::Print(count, writer) => self.print(*count, *writer).await?,
                Op::Printf(count, writer) => {
                    let name = if *writer == Writer::Stdout { None } else { Some(self.pop_text()) };
                    let from = self.stack.len().saturating_sub(*count);
                    let arguments: Vec<Value> = self.stack.drain(from..).collect();
                    let template = arguments.first().map_or_else(empty, |value| value.to_text(&self.convfmt));
                    let mut text = Vec::new();
                    let rest = arguments.get(1..).unwrap_or_default();
                    format::format(&template, rest, &self.convfmt, self.utf8, &mut text);
                    self.write(*writer, name, &text).await?;
                }
                Op::Iterate => {
                    let array = self.pop_array()?;
                    let keys = self.sorted_keys(&array).await?;
                    self.loops.push(keys.into_iter());
                }
                Op::NextKey(target) => match self.loops.last_mut().and_then(Iterator::next) {
                    Some(key) => self.stack.push(Value::Text(key)),
                    None => at = *target,
                },
                Op::EndIterate => {
                    self.loops.pop();
                }
                Op::Next => return Ok(Flow::Next),
                Op::NextFile => return Ok(Flow::NextFile),
                Op::Exit(has_status) => {
                    if *has_status {
                        // As `exit(3)`: the low byte.
                        self.status = self.pop_number() as i64 as u8;
                    }
                    return Ok(Flow::Exit);
                }
                Op::Case => {
                    let label = self.pop();
                    let subject = self.stack.last().cloned().unwrap_or(Value::Unset);
                    let found = match &label {
                        Value::Regex(_) => {
                            let regex = self.dynamic(&label)?;
                            self.is_match(&regex, &subject.to_text(&self.convfmt))?
                        }
                        label => self.compare(&subject, label).is_eq(),
                    };
                    self.stack.push(Value::flag(found));
                }
                Op::End => return Ok(Flow::End),
            }
        }
        Ok(Flow::End)
    }

    /// Enters a function whose arguments lie on the stack.
    fn enter(&mut self, function: usize, arguments: usize, return_to: usize) -> Step<usize> {
        let code = self.code.clone();
        let Some(entry) = code.functions.get(function) else { return fatal("no such function") };
        if arguments > entry.parameters {
            return fatal(format!(
                "function `{}' called with more arguments than declared",
                BString::from(&entry.name[..])
            ));
        }
        if self.frames.len() >= DEPTH {
            return fatal("function calls nest too deep");
        }
        let base = self.stack.len().saturating_sub(arguments);
        self.stack.resize(base + entry.parameters, Value::Unset);
        self.frames.push(Frame { return_to, base, parameters: entry.parameters, loops: self.loops.len() });
        Ok(entry.at)
    }

    /// Calls a function from outside of the code.
    pub(super) async fn call(&mut self, function: usize, arguments: Vec<Value>) -> Step<Value> {
        let count = arguments.len();
        self.stack.extend(arguments);
        let at = self.enter(function, count, 0)?;
        let floor = self.frames.len();
        Box::pin(self.run(at, floor)).await?;
        Ok(self.pop())
    }

    /// Forgets what a section has left behind that ended early.
    fn unwind(&mut self) {
        self.stack.clear();
        self.frames.clear();
        self.loops.clear();
    }

    pub(super) fn check_size(&self, size: usize) -> Step<()> {
        if size as u64 > self.t.ctx.kernel().ceilings().expansion_bytes {
            return fatal("memory exhausted");
        }
        Ok(())
    }

    /// Runs the program.
    pub(super) async fn program(&mut self) -> Step<()> {
        let result = self.sections().await;
        let closed = self.close_all().await;
        result.and(closed)
    }

    async fn sections(&mut self) -> Step<()> {
        let code = self.code.clone();
        let mut exited = false;
        if let Some(begin) = code.begin {
            exited = self.run(begin, 0).await? == Flow::Exit;
            self.unwind();
        }
        if exited {
            // The END rules run after an exit all the same.
        } else if code.main.is_some() || code.end.is_some() || code.begin_file.is_some() || code.end_file.is_some() {
            let main = code.main;
            loop {
                match self.next_record(false).await? {
                    Flow::End => break,
                    Flow::Exit => {
                        exited = true;
                        break;
                    }
                    _ => {}
                }
                let Some(main) = main else { continue };
                match self.run(main, 0).await? {
                    Flow::Exit => {
                        exited = true;
                        break;
                    }
                    Flow::NextFile => {
                        self.unwind();
                        if self.end_file().await? == Flow::Exit {
                            exited = true;
                            break;
                        }
                    }
                    Flow::Next => self.unwind(),
                    _ => {}
                }
            }
            self.unwind();
        }
        if let Some(end) = code.end {
            let _ = exited;
            self.run(end, 0).await?;
            self.unwind();
        }
        Ok(())
    }

    // Input.

    /// Reads the next record of the main input into `$0`, or into `line`.
    async fn next_record(&mut self, into_line: bool) -> Step<Flow> {
        self.t.ctx.tick().await;
        loop {
            if self.main.is_none() {
                match self.next_file().await? {
                    Flow::Next => {}
                    other => return Ok(other),
                }
            }
            let Some(input) = &mut self.main else { continue };
            let separator = self.separator.clone();
            match read_record(input, &separator).await {
                Ok(Some(read)) => {
                    self.nr += 1.0;
                    self.fnr += 1.0;
                    self.note_terminator(&read);
                    if into_line {
                        self.line = Some(read.text);
                    } else {
                        self.set_record(read.text);
                    }
                    return Ok(Flow::Next);
                }
                Ok(None) => {}
                Err(error) => {
                    let name = self.global_value(special::FILENAME).to_text(b"");
                    self.say(format!("warning: command line argument `{}' cannot be read: {}", BString::from(&name[..]), error.strerror())).await?;
                    self.t.status = 2;
                }
            }
            if self.end_file().await? == Flow::Exit {
                return Ok(Flow::Exit);
            }
        }
    }

    fn note_terminator(&mut self, read: &Read) {
        let value = match &read.terminator {
            Terminator::Usual => match &*self.separator {
                Separator::Byte(b'\n') => self.newline.clone(),
                Separator::Byte(byte) => Value::text(&[*byte]),
                _ => Value::Text(empty()),
            },
            Terminator::None => Value::Text(empty()),
            Terminator::Text(text) => Value::Text(text.clone()),
        };
        self.set_global(special::RT, value);
    }

    async fn end_file(&mut self) -> Step<Flow> {
        if self.main.take().is_some()
            && let Some(end_file) = self.code.end_file
        {
            let flow = Box::pin(self.run(end_file, self.frames.len() + 1)).await?;
            return Ok(flow);
        }
        Ok(Flow::End)
    }

    /// Opens the next operand. `Next`: there is one; `End`: there is none.
    async fn next_file(&mut self) -> Step<Flow> {
        if self.ended {
            return Ok(Flow::End);
        }
        loop {
            let count = self.global_value(special::ARGC).number() as usize;
            let name = if self.operand >= count {
                self.ended = true;
                if self.any_file {
                    return Ok(Flow::End);
                }
                BString::from("-")
            } else {
                let arguments = self.array(Var::Global(special::ARGV))?;
                let key: Text = self.operand.to_string().into_bytes().into();
                self.set_global(special::ARGIND, Value::Number(self.operand as f64));
                self.operand += 1;
                let argument = arguments.get(&key).map_or_else(empty, |value| value.to_text(&self.convfmt));
                if argument.is_empty() {
                    continue;
                }
                if let Some((name, value)) = super::assignment(&argument) {
                    self.assign_by_name(name, value)?;
                    continue;
                }
                BString::from(&argument[..])
            };
            self.any_file = true;
            self.fnr = 0.0;
            let shown = if self.ended { Value::Text(empty()) } else { Value::text(&name) };
            self.set_global(special::FILENAME, shown);
            let opened = match &name[..] {
                b"-" | b"/dev/stdin" => self.t.ctx.stdin(),
                _ => self.t.ctx.open_input(&name).await,
            };
            let opened = match opened {
                Ok(input) => match self.t.ctx.stat_description(input.description()) {
                    Ok(stat) if stat.is_directory() => Err(wasmsh_os::Errno::IsDirectory),
                    _ => Ok(input),
                },
                Err(error) => Err(error),
            };
            if let Some(begin_file) = self.code.begin_file {
                let message = match &opened {
                    Ok(_) => Value::Text(empty()),
                    Err(error) => Value::text(error.strerror().as_bytes()),
                };
                self.set_global(special::ERRNO, message);
                let is_open = opened.is_ok();
                if let Ok(input) = opened {
                    self.main = Some(input);
                }
                match Box::pin(self.run(begin_file, self.frames.len() + 1)).await? {
                    Flow::Exit => return Ok(Flow::Exit),
                    Flow::NextFile => {
                        self.unwind();
                        if is_open && self.end_file().await? == Flow::Exit {
                            return Ok(Flow::Exit);
                        }
                        continue;
                    }
                    _ => {}
                }
                if is_open {
                    return Ok(Flow::Next);
                }
                return fatal(format!("cannot open file `{name}' for reading: {}", self.global_value(special::ERRNO).to_text(b"").iter().map(|byte| char::from(*byte)).collect::<String>()));
            }
            match opened {
                Ok(input) => {
                    self.main = Some(input);
                    return Ok(Flow::Next);
                }
                Err(wasmsh_os::Errno::IsDirectory) => {
                    self.say(format!("warning: command line argument `{name}' is a directory: skipped")).await?;
                }
                Err(error) => {
                    self.say(format!("warning: command line argument `{name}' cannot be read: {}", error.strerror()))
                        .await?;
                    self.set_global(special::ERRNO, Value::text(error.strerror().as_bytes()));
                    self.t.status = 2;
                }
            }
        }
    }

    pub(super) async fn say(&mut self, message: String) -> Step<()> {
        self.flush_stdout().await?;
        self.t.warn(message).await
    }

    /// `name=value`, from an operand or `-v`.
    pub(super) fn assign_by_name(&mut self, name: &[u8], value: &[u8]) -> Step<()> {
        let mut text = Vec::new();
        let mut rest = value;
        while let Some((&byte, next)) = rest.split_first() {
            rest = next;
            if byte == b'\\' && !rest.is_empty() {
                let length = super::lex::escape(rest, &mut text);
                rest = rest.get(length..).unwrap_or_default();
            } else {
                text.push(byte);
            }
        }
        let Some(index) = self.code.globals.iter().position(|global| global == name) else { return Ok(()) };
        self.set(Var::Global(index), Value::Input(text.into()))
    }

    async fn getline(&mut self, reader: Reader) -> Step<f64> {
        self.line = None;
        let kind = match reader {
            Reader::Main | Reader::MainVar => {
                return Ok(match self.next_record(reader == Reader::MainVar).await? {
                    Flow::Next => 1.0,
                    _ => 0.0,
                });
            }
            Reader::File | Reader::FileVar => Kind::File,
            Reader::Command | Reader::CommandVar => Kind::Command,
            Reader::Coprocess | Reader::CoprocessVar => Kind::Coprocess,
        };
        let name = self.pop_text();
        let place = self.readings.iter().position(|reading| reading.kind == kind && reading.name == name[..]);
        let place = match place {
            Some(place) => place,
            None => match self.open_reading(&name, kind).await? {
                Ok(place) => place,
                Err(error) => {
                    self.set_global(special::ERRNO, Value::text(error.strerror().as_bytes()));
                    return Ok(-1.0);
                }
            },
        };
        // What is to be read may depend on what was written.
        self.flush_outputs().await?;
        let separator = self.separator.clone();
        let Some(reading) = self.readings.get_mut(place) else { return Ok(-1.0) };
        let read = match read_record(&mut reading.input, &separator).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(0.0),
            Err(error) => {
                self.set_global(special::ERRNO, Value::text(error.strerror().as_bytes()));
                return Ok(-1.0);
            }
        };
        self.note_terminator(&read);
        if matches!(reader, Reader::Command | Reader::CommandVar) {
            self.nr += 1.0;
        }
        if matches!(reader, Reader::FileVar | Reader::CommandVar | Reader::CoprocessVar) {
            self.line = Some(read.text);
        } else {
            self.set_record(read.text);
        }
        Ok(1.0)
    }

    async fn open_reading(&mut self, name: &[u8], kind: Kind) -> Step<Result<usize, wasmsh_os::Errno>> {
        let mut pid = None;
        let input = match kind {
            Kind::File if name == b"-" || name == b"/dev/stdin" => self.t.ctx.stdin(),
            Kind::File => self.t.ctx.open_input(name).await,
            Kind::Command => {
                self.flush_outputs().await?;
                let (reader, writer) = self.t.ctx.new_pipe();
                match start_shell(&self.t.ctx, name, vec![(1, writer)]) {
                    Ok(started) => {
                        pid = Some(started);
                        Ok(Input::new(self.t.ctx.clone(), reader))
                    }
                    Err(error) => Err(error),
                }
            }
            Kind::Coprocess => {
                self.open_coprocess(name)?;
                return Ok(self
                    .readings
                    .iter()
                    .position(|reading| reading.kind == kind && reading.name == name)
                    .ok_or(wasmsh_os::Errno::BadDescriptor));
            }
        };
        let input = match input {
            Ok(input) => input,
            Err(error) => return Ok(Err(error)),
        };
        self.readings.push(Reading { name: name.to_vec(), kind, input, pid });
        Ok(Ok(self.readings.len() - 1))
    }

    fn open_coprocess(&mut self, name: &[u8]) -> Step<()> {
        let (their_input, our_output) = self.t.ctx.new_pipe();
        let (our_input, their_output) = self.t.ctx.new_pipe();
        match start_shell(&self.t.ctx, name, vec![(0, their_input), (1, their_output)]) {
            Ok(pid) => {
                let input = Input::new(self.t.ctx.clone(), our_input);
                let output = Some(Output::new(self.t.ctx.clone(), Some(our_output)));
                let kind = Kind::Coprocess;
                self.readings.push(Reading { name: name.to_vec(), kind, input, pid: None });
                self.writings.push(Writing { name: name.to_vec(), kind, output, pid: Some(pid) });
                Ok(())
            }
            Err(error) => fatal(format!("cannot open two-way pipe `{}': {}", BString::from(name), error.strerror())),
        }
    }

    // Output.

    async fn print(&mut self, count: usize, writer: Writer) -> Step<()> {
        let name = if writer == Writer::Stdout { None } else { Some(self.pop_text()) };
        if writer == Writer::Stdout {
            // Straight into the buffer.
            if count == 0 {
                let text = self.whole();
                self.out.put(&text);
            } else {
                let from = self.stack.len().saturating_sub(count);
                for (index, value) in self.stack.drain(from..).enumerate() {
                    if index > 0 {
                        self.out.put(&self.ofs);
                    }
                    value.append_to(&self.ofmt, self.out.buffer());
                }
            }
            self.out.put(&self.ors);
            return self.drain_stdout().await;
        }
        let mut text = Vec::new();
        if count == 0 {
            text.extend_from_slice(&self.whole());
        } else {
            let from = self.stack.len().saturating_sub(count);
            for (index, value) in self.stack.drain(from..).enumerate() {
                if index > 0 {
                    text.extend_from_slice(&self.ofs);
                }
                value.append_to(&self.ofmt, &mut text);
            }
        }
        text.extend_from_slice(&self.ors);
        self.write(writer, name, &text).await
    }

    async fn drain_stdout(&mut self) -> Step<()> {
        if self.out.is_full() {
            self.flush_stdout().await?;
        }
        Ok(())
    }

    pub(super) async fn flush_stdout(&mut self) -> Step<()> {
        match self.out.flush().await {
            Ok(()) => Ok(()),
            Err(error) => fatal(format!("write to standard output failed: {}", error.strerror())),
        }
    }

    /// Writes out everything.
    pub(super) async fn flush_outputs(&mut self) -> Step<()> {
        self.flush_stdout().await?;
        for writing in &mut self.writings {
            if let Some(output) = &mut writing.output {
                // A command that reads no more is no error of the program.
                let _ = output.flush().await;
            }
        }
        Ok(())
    }

    /// Writes out one of the outputs. False: it is not open.
    pub(super) async fn flush_one(&mut self, name: &[u8]) -> Step<bool> {
        if name == b"/dev/stdout" || name == b"-" {
            self.flush_stdout().await?;
            return Ok(true);
        }
        for writing in &mut self.writings {
            if writing.name == name
                && let Some(output) = &mut writing.output
            {
                let _ = output.flush().await;
                return Ok(true);
            }
        }
        Ok(name == b"/dev/stderr")
    }

    async fn write(&mut self, writer: Writer, name: Option<Text>, text: &[u8]) -> Step<()> {
        let Some(name) = name else {
            self.out.put(text);
            return self.drain_stdout().await;
        };
        let kind = match writer {
            Writer::Command => Kind::Command,
            Writer::Coprocess => Kind::Coprocess,
            _ => Kind::File,
        };
        if kind == Kind::File {
            match &name[..] {
                b"/dev/stdout" | b"-" | b"/dev/fd/1" => {
                    self.out.put(text);
                    return self.drain_stdout().await;
                }
                b"/dev/stderr" | b"/dev/fd/2" => {
                    self.flush_stdout().await?;
                    self.t.err.put(text);
                    // Nobody is left to tell when this fails.
                    let _ = self.t.err.flush().await;
                    return Ok(());
                }
                b"" => return fatal("expression for `>' redirection has null string value"),
                _ => {}
            }
        }
        let place = match self.writings.iter().position(|writing| writing.kind == kind && writing.name == name[..]) {
            Some(place) => place,
            None => {
                self.open_writing(&name, kind, writer == Writer::Append).await?;
                self.writings.len() - 1
            }
        };
        let Some(Writing { output: Some(output), .. }) = self.writings.get_mut(place) else {
            return fatal("the output is closed");
        };
        if let Err(error) = output.write(text).await {
            return fatal(format!("write to `{}' failed: {}", BString::from(&name[..]), error.strerror()));
        }
        Ok(())
    }

    async fn open_writing(&mut self, name: &[u8], kind: Kind, append: bool) -> Step<()> {
        match kind {
            Kind::Coprocess => self.open_coprocess(name),
            Kind::Command => {
                self.flush_outputs().await?;
                let (reader, writer) = self.t.ctx.new_pipe();
                match start_shell(&self.t.ctx, name, vec![(0, reader)]) {
                    Ok(pid) => {
                        let output = Some(Output::new(self.t.ctx.clone(), Some(writer)));
                        self.writings.push(Writing { name: name.to_vec(), kind, output, pid: Some(pid) });
                        Ok(())
                    }
                    Err(error) => fatal(format!(
                        "cannot open pipe `{}' for output: {}",
                        BString::from(name),
                        error.strerror()
                    )),
                }
            }
            Kind::File => match self.t.ctx.create_output(name, append).await {
                Ok(output) => {
                    self.writings.push(Writing { name: name.to_vec(), kind, output: Some(output), pid: None });
                    Ok(())
                }
                Err(error) => fatal(format!(
                    "cannot redirect to `{}': {}",
                    BString::from(name),
                    error.strerror()
                )),
            },
        }
    }

    /// `close`: -1 when nothing of that name is open. `to`: only the end of a coprocess that is written to.
    pub(super) async fn close(&mut self, name: &[u8], to: bool) -> Step<f64> {
        self.flush_stdout().await?;
        let mut result = -1.0;
        if let Some(place) = self.writings.iter().position(|writing| writing.name == name) {
            if let Some(writing) = self.writings.get_mut(place) {
                if let Some(mut output) = writing.output.take() {
                    let _ = output.flush().await;
                }
                result = 0.0;
                if to {
                    return Ok(result);
                }
            }
            let writing = self.writings.remove(place);
            if writing.kind == Kind::Coprocess {
                self.readings.retain(|reading| reading.kind != Kind::Coprocess || reading.name != name);
            }
            if let Some(pid) = writing.pid {
                result = wait(&self.t.ctx, pid).await;
            }
            return Ok(result);
        }
        if let Some(place) = self.readings.iter().position(|reading| reading.name == name) {
            let Reading { input, pid, .. } = self.readings.remove(place);
            drop(input);
            result = match pid {
                Some(pid) => wait(&self.t.ctx, pid).await,
                None => 0.0,
            };
        }
        Ok(result)
    }

    async fn close_all(&mut self) -> Step<()> {
        let flushed = self.flush_stdout().await;
        self.readings.retain(|reading| reading.kind == Kind::Coprocess);
        for writing in &mut self.writings {
            if let Some(mut output) = writing.output.take() {
                let _ = output.flush().await;
            }
        }
        self.readings.clear();
        for writing in std::mem::take(&mut self.writings) {
            if let Some(pid) = writing.pid {
                wait(&self.t.ctx, pid).await;
            }
        }
        flushed
    }

    /// How many parameters the running function has, for messages.
    pub(super) fn parameters(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.parameters)
    }

    /// Appends a number as a string.
    pub(super) fn number_text(&self, number: f64) -> Text {
        let mut out = Vec::new();
        append_number(number, &self.convfmt, &mut out);
        out.into()
    }
}

fn power(base: f64, exponent: f64) -> f64 {
    if exponent == exponent.trunc() && exponent.abs() < 1024.0 {
        return base.powi(exponent as i32);
    }
    base.powf(exponent)
}

fn widths_of(text: &[u8]) -> Step<Vec<(usize, Option<usize>)>> {
    let mut widths = Vec::new();
    for word in text.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty()) {
        let text = String::from_utf8_lossy(word);
        let (skip, width) = text.split_once(':').unwrap_or(("0", &text));
        let width = if width == "*" { None } else { Some(width.parse()) };
        match (skip.parse(), width) {
            (Ok(skip), None) => widths.push((skip, None)),
            (Ok(skip), Some(Ok(width))) => widths.push((skip, Some(width))),
            _ => return fatal(format!("invalid FIELDWIDTHS value, for field {}, near `{text}'", widths.len() + 1)),
        }
    }
    Ok(widths)
}
