//! Runs the code of bc.

use std::collections::HashMap;
use std::rc::Rc;

use super::code::{Binary, Function, Local, Op, Place};
use super::math;
use super::parse::Names;
use crate::decimal::Number;
use crate::{Done, Fail, Tool};

/// How deep functions may call.
const DEPTH: usize = 100_000;
/// The largest index of an array.
const INDEX: i64 = 16_777_215;

/// Why a statement ends early.
enum Stop {
    /// With how many bytes of the instruction GNU would not have read.
    Error(String, usize),
    Halt,
    Fail(Fail),
}

impl From<Fail> for Stop {
    fn from(fail: Fail) -> Stop {
        Stop::Fail(fail)
    }
}

type Array = HashMap<i64, Number>;

/// What a function's parameters and variables hid.
enum Hidden {
    Variable(usize, Number),
    Array(usize, Rc<Array>),
    /// The array is written back to the one that was passed.
    Reference(usize, usize, Rc<Array>),
}

struct Frame {
    code: Rc<Vec<Op>>,
    at: usize,
    function: usize,
    hidden: Vec<Hidden>,
    base: usize,
}

/// How a run has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    Halted,
}

/// Variables and settings.
pub(super) struct Machine {
    variables: Vec<Number>,
    arrays: Vec<Rc<Array>>,
    scale: usize,
    input_base: u32,
    output_base: u32,
    last: Number,
    pub(super) library: bool,
    line_length: usize,
    column: usize,
    random: Vec<u32>,
}

impl Machine {
    pub(super) fn new(line_length: usize, library: bool) -> Machine {
        Machine {
            variables: Vec::new(),
            arrays: Vec::new(),
            scale: if library { 20 } else { 0 },
            input_base: 10,
            output_base: 10,
            last: Number::zero(),
            library,
            line_length,
            column: 0,
            random: Vec::new(),
        }
    }

    fn variable(&mut self, number: usize) -> &mut Number {
        if number >= self.variables.len() {
            self.variables.resize_with(number + 1, Number::zero);
        }
        &mut self.variables[number]
    }

    fn array(&mut self, number: usize) -> &mut Rc<Array> {
        if number >= self.arrays.len() {
            self.arrays.resize_with(number + 1, Rc::default);
        }
        &mut self.arrays[number]
    }

    /// Writes text, broken into lines.
    fn put(&mut self, t: &mut Tool, text: &[u8]) {
        for byte in text {
            if *byte == b'\n' {
                self.column = 0;
            } else {
                self.column += 1;
                if self.line_length > 0 && self.column + 1 == self.line_length {
                    t.out.put(b"\\\n");
                    self.column = 1;
                }
            }
            t.out.put_byte(*byte);
        }
    }

    fn show(&mut self, t: &mut Tool, number: &Number) {
        let mut text = Vec::new();
        number.write(self.output_base, &mut text);
        self.put(t, &text);
    }

    /// Runs code; an error is told, and ends it.
    pub(super) async fn run(
        &mut self,
        t: &mut Tool,
        names: &Names,
        code: Vec<Op>,
        input: &mut super::Lines,
    ) -> Result<Ended, Fail> {
        let mut frames =
            vec![Frame { code: Rc::new(code), at: 0, function: usize::MAX, hidden: Vec::new(), base: 0 }];
        let mut stack: Vec<Number> = Vec::new();
        let result = self.steps(t, names, &mut frames, &mut stack, input).await;
        let place = frames.last().map(|frame| (frame.function, address(&frame.code, frame.at)));
        // What functions have hidden comes back, from the innermost on.
        while let Some(frame) = frames.pop() {
            self.restore(frame.hidden);
        }
        match result {
            Ok(()) => Ok(Ended::Done),
            Err(Stop::Halt) => Ok(Ended::Halted),
            Err(Stop::Fail(fail)) => Err(fail),
            Err(Stop::Error(message, unread)) => {
                let (function, address) = place.unwrap_or((usize::MAX, 0));
                self.tell(t, "error", names, function, address.saturating_sub(unread), &message).await?;
                Ok(Ended::Done)
            }
        }
    }

    async fn tell(
        &mut self,
        t: &mut Tool,
        kind: &str,
        names: &Names,
        function: usize,
        address: usize,
        message: &str,
    ) -> Done {
        t.out.flush().await?;
        let name = names
            .table
            .get(function)
            .map_or("(main)".into(), |function| String::from_utf8_lossy(&function.name));
        t.err.put(format!("Runtime {kind} (func={name}, adr={address}): {message}\n").as_bytes());
        // Nobody is left to tell when this fails.
        let _ = t.err.flush().await;
        Ok(())
    }

    fn restore(&mut self, hidden: Vec<Hidden>) {
        for hidden in hidden.into_iter().rev() {
            match hidden {
                Hidden::Variable(number, value) => *self.variable(number) = value,
                Hidden::Array(number, array) => *self.array(number) = array,
                Hidden::Reference(number, passed, array) => {
                    let now = std::mem::replace(self.array(number), array);
                    *self.array(passed) = now;
                }
            }
        }
    }

    async fn steps(
        &mut self,
        t: &mut Tool,
        names: &Names,
        frames: &mut Vec<Frame>,
        stack: &mut Vec<Number>,
        input: &mut super::Lines,
    ) -> Result<(), Stop> {
        let mut steps = 0_u32;
        loop {
            let Some(frame) = frames.last_mut() else { return Ok(()) };
            let code = frame.code.clone();
            let Some(op) = code.get(frame.at) else { return Ok(()) };
            frame.at += 1;
            steps += 1;
            if steps >= 256 {
                t.ctx.ticks(steps).await;
                steps = 0;
            }
            match op {
                Op::Number(digits) => stack.push(Number::parse(digits, self.input_base)),
                Op::Load(place) => {
                    let value = self.load(*place, stack, names)?;
                    stack.push(value);
                }
                Op::Store(place) => {
                    let value = pop(stack);
                    let warning = self.store(*place, value.clone(), stack, names)?;
                    stack.push(value);
                    if let Some(warning) = warning {
                        let (function, here) = here(frames);
                        self.tell(t, "warning", names, function, here, &warning).await?;
                    }
                }
                Op::DuplicateIndex | Op::Duplicate => {
                    let top = stack.last().cloned().unwrap_or_default();
                    stack.push(top);
                }
                Op::Binary(op) => {
                    let right = pop(stack);
                    let left = pop(stack);
                    t.ctx.ticks(1 + (left.length().min(right.length()) / 256) as u32).await;
                    if *op == Binary::Raise && right.scale() != 0 {
                        let (function, here) = here(frames);
                        self.tell(t, "warning", names, function, here, "non-zero scale in exponent").await?;
                    }
                    stack.push(self.binary(*op, &left, &right)?);
                }
                Op::Negate => {
                    let value = pop(stack);
                    stack.push(value.negate());
                }
                Op::Not => {
                    let value = pop(stack);
                    stack.push(flag(value.is_zero()));
                }
                Op::Step(place, by, old) => {
                    let index = match place {
                        Place::Element(_) => stack.last().cloned(),
                        _ => None,
                    };
                    let before = self.load(*place, stack, names)?;
                    let after = before.add(&Number::from(*by));
                    stack.extend(index);
                    let warning = self.store(*place, after.clone(), stack, names)?;
                    stack.push(if *old { before } else { after });
                    if let Some(warning) = warning {
                        let (function, here) = here(frames);
                        self.tell(t, "warning", names, function, here, &warning).await?;
                    }
                }
                Op::Root => {
                    let value = pop(stack);
                    let Some(root) = value.root(self.scale) else {
                        return error("Square root of a negative number");
                    };
                    stack.push(root);
                }
                Op::Length => {
                    let value = pop(stack);
                    stack.push(Number::from(value.length() as i64));
                }
                Op::ScaleOf => {
                    let value = pop(stack);
                    stack.push(Number::from(value.scale() as i64));
                }
                Op::Read => {
                    t.out.flush().await.map_err(Fail::from)?;
                    let text = input.number(t).await?;
                    let (negative, digits) = match text.strip_prefix(b"-") {
                        Some(rest) => (true, rest),
                        None => (false, &text[..]),
                    };
                    let value = Number::parse(if digits.is_empty() { b"0" } else { digits }, self.input_base);
                    stack.push(if negative { value.negate() } else { value });
                }
                Op::Random => {
                    let value = self.random();
                    stack.push(Number::from(i64::from(value)));
                }
                Op::Show | Op::Print => {
                    let value = pop(stack);
                    self.show(t, &value);
                    if let Op::Show = op {
                        self.put(t, b"\n");
                    }
                    self.last = value;
                    t.out.drain().await.map_err(Fail::from)?;
                }
                Op::Text(text, escapes) => {
                    let text = if *escapes { unescaped(text) } else { text.clone() };
                    self.put(t, &text);
                    t.out.drain().await.map_err(Fail::from)?;
                }
                Op::Drop => {
                    stack.pop();
                }
                Op::Jump(to) => frame.at = *to,
                Op::JumpIfZero(to) => {
                    if pop(stack).is_zero() {
                        frame.at = *to;
                    }
                }
                Op::JumpUnlessZero(to) => {
                    if !pop(stack).is_zero() {
                        frame.at = *to;
                    }
                }
                Op::Call(number, arguments) => {
                    let Some(function) = names.table.get(*number) else { return error("no function") };
                    if !function.defined {
                        if self.library
                            && let Some(value) =
                                self.library_call(t, &function.name, arguments, stack).await?
                        {
                            stack.push(value);
                            continue;
                        }
                        let name = String::from_utf8_lossy(&function.name);
                        let message = format!("Function {name} not defined.");
                        return Err(Stop::Error(message, arguments.len() + 1));
                    }
                    if frames.len() >= DEPTH {
                        return error("Function calls nest too deep.");
                    }
                    let hidden = self.enter(function, arguments, stack)?;
                    let code = function.code.clone();
                    frames.push(Frame { code, at: 0, function: *number, hidden, base: stack.len() });
                }
                Op::Return => {
                    let value = pop(stack);
                    if let Some(frame) = frames.pop() {
                        stack.truncate(frame.base);
                        self.restore(frame.hidden);
                    }
                    stack.push(value);
                }
                Op::Halt => return Err(Stop::Halt),
                Op::Limits => self.put(t, LIMITS.as_bytes()),
                Op::Warranty => {
                    self.put(t, b"There is NO WARRANTY, to the extent permitted by law.\n");
                }
            }
        }
    }

    fn load(&mut self, place: Place, stack: &mut Vec<Number>, names: &Names) -> Result<Number, Stop> {
        Ok(match place {
            Place::Variable(number) => self.variable(number).clone(),
            Place::Element(number) => {
                let index = index(&pop(stack), number, names)?;
                self.array(number).get(&index).cloned().unwrap_or_default()
            }
            Place::Scale => Number::from(self.scale as i64),
            Place::InputBase => Number::from(i64::from(self.input_base)),
            Place::OutputBase => Number::from(i64::from(self.output_base)),
            Place::Last => self.last.clone(),
        })
    }

    /// Assigns; the index of an element is on the stack. What there is to warn of.
    fn store(
        &mut self,
        place: Place,
        value: Number,
        stack: &mut Vec<Number>,
        names: &Names,
    ) -> Result<Option<String>, Stop> {
        let whole = value.to_integer();
        let mut warning = None;
        match place {
            Place::Variable(number) => *self.variable(number) = value,
            Place::Element(number) => {
                let index = index(&pop(stack), number, names)?;
                Rc::make_mut(self.array(number)).insert(index, value);
            }
            Place::Last => self.last = value,
            Place::Scale => {
                if value.is_negative() {
                    warning = Some("negative scale, set to 0".into());
                    self.scale = 0;
                } else {
                    match whole {
                        Some(scale @ ..=2_000_000) => self.scale = scale as usize,
                        _ => {
                            warning = Some("scale too large, set to 2000000".into());
                            self.scale = 2_000_000;
                        }
                    }
                }
            }
            Place::InputBase => match whole {
                Some(base @ 2..=36) => self.input_base = base as u32,
                Some(..=1) => {
                    warning = Some("ibase too small, set to 2".into());
                    self.input_base = 2;
                }
                _ => {
                    warning = Some("ibase too large, set to 36".into());
                    self.input_base = 36;
                }
            },
            Place::OutputBase => match whole {
                Some(base @ 2..=2_147_483_647) => self.output_base = base as u32,
                Some(..=1) => {
                    warning = Some("obase too small, set to 2".into());
                    self.output_base = 2;
                }
                _ => {
                    warning = Some("obase too large, set to 2147483647".into());
                    self.output_base = 2_147_483_647;
                }
            },
        }
        Ok(warning)
    }

    fn binary(&self, op: Binary, left: &Number, right: &Number) -> Result<Number, Stop> {
        let order = || left.compare(right);
        Ok(match op {
            Binary::Add => left.add(right),
            Binary::Subtract => left.subtract(right),
            Binary::Multiply => left.multiply(right, self.scale),
            Binary::Divide => match left.divide(right, self.scale) {
                Some(quotient) => quotient,
                None => return error("Divide by zero"),
            },
            Binary::Rest => match left.divide_with_rest(right, self.scale) {
                Some((_, rest)) => rest,
                None => return error("Modulo by zero"),
            },
            Binary::Raise => {
                let Some(exponent) = right.to_integer() else { return error("exponent too large in raise") };
                match left.raise(exponent, self.scale) {
                    Ok(Some(power)) => power,
                    Ok(None) => return error("divide by zero"),
                    Err(_) => return error("exponent too large in raise"),
                }
            }
            Binary::Equal => flag(order().is_eq()),
            Binary::NotEqual => flag(order().is_ne()),
            Binary::Less => flag(order().is_lt()),
            Binary::LessEqual => flag(order().is_le()),
            Binary::Greater => flag(order().is_gt()),
            Binary::GreaterEqual => flag(order().is_ge()),
        })
    }

    /// Gives the parameters and local variables of a function their values.
    fn enter(
        &mut self,
        function: &Function,
        arguments: &[Option<usize>],
        stack: &mut Vec<Number>,
    ) -> Result<Vec<Hidden>, Stop> {
        if arguments.len() != function.parameters.len() {
            return error("Parameter number mismatch");
        }
        for (argument, parameter) in arguments.iter().zip(&function.parameters) {
            if argument.is_some() != !matches!(parameter, Local::Variable(_)) {
                return error("Parameter type mismatch.");
            }
        }
        let count = arguments.iter().filter(|argument| argument.is_none()).count();
        let from = stack.len().saturating_sub(count);
        let mut values = stack.drain(from..).collect::<Vec<_>>().into_iter();
        // All arguments are taken before any is hidden.
        let arrays: Vec<Option<Rc<Array>>> =
            arguments.iter().map(|argument| argument.map(|number| self.array(number).clone())).collect();
        let mut hidden = Vec::new();
        for ((parameter, array), argument) in function.parameters.iter().zip(arrays).zip(arguments) {
            match *parameter {
                Local::Variable(number) => {
                    let value = values.next().unwrap_or_default();
                    hidden.push(Hidden::Variable(number, std::mem::replace(self.variable(number), value)));
                }
                Local::Array(number) => {
                    let new = array.unwrap_or_default();
                    hidden.push(Hidden::Array(number, std::mem::replace(self.array(number), new)));
                }
                Local::Reference(number) => {
                    let new = array.unwrap_or_default();
                    let old = std::mem::replace(self.array(number), new);
                    hidden.push(match argument {
                        Some(passed) if *passed != number => Hidden::Reference(number, *passed, old),
                        // It is the same one: what is done to it stays.
                        _ => Hidden::Reference(number, number, old),
                    });
                }
            }
        }
        for local in &function.locals {
            match *local {
                Local::Variable(number) => {
                    hidden.push(Hidden::Variable(number, std::mem::take(self.variable(number))));
                }
                Local::Array(number) | Local::Reference(number) => {
                    hidden.push(Hidden::Array(number, std::mem::take(self.array(number))));
                }
            }
        }
        Ok(hidden)
    }

    /// A function of `-l`.
    async fn library_call(
        &mut self,
        t: &Tool,
        name: &[u8],
        arguments: &[Option<usize>],
        stack: &mut Vec<Number>,
    ) -> Result<Option<Number>, Stop> {
        let wanted = match name {
            b"e" | b"l" | b"s" | b"c" | b"a" => 1,
            b"j" => 2,
            _ => return Ok(None),
        };
        if arguments.len() != wanted {
            return error("Parameter number mismatch");
        }
        if arguments.iter().any(Option::is_some) {
            return error("Parameter type mismatch.");
        }
        let x = pop(stack);
        let scale = self.scale;
        let ctx = &t.ctx;
        Ok(Some(match name {
            b"e" => {
                if x.length() > 9 + x.scale() {
                    return error("exponent too large in raise");
                }
                math::e(ctx, &x, scale).await
            }
            b"l" => math::l(ctx, &x, scale).await,
            b"s" => math::s(ctx, &x, scale).await,
            b"c" => math::c(ctx, &x, scale).await,
            b"a" => math::a(ctx, &x, scale).await,
            _ => {
                let order = pop(stack);
                math::j(ctx, &order, &x, scale).await
            }
        }))
    }

    /// A number of the additive feedback generator of the GNU C library.
    fn random(&mut self) -> u32 {
        const DEGREE: usize = 31;
        if self.random.is_empty() {
            let mut word = 1_i64;
            for _ in 0..DEGREE {
                self.random.push(word as u32);
                word = 16_807 * word % 2_147_483_647;
            }
            self.random.rotate_left(3);
            for _ in 0..10 * DEGREE {
                self.next_random();
            }
        }
        self.next_random()
    }

    fn next_random(&mut self) -> u32 {
        let length = self.random.len();
        let at = |back: usize| self.random.get(length.wrapping_sub(back)).copied().unwrap_or(0);
        let next = at(31).wrapping_add(at(3));
        self.random.remove(0);
        self.random.push(next);
        next >> 1
    }
}

const LIMITS: &str = "BC_BASE_MAX     = 2147483647\nBC_DIM_MAX      = 16777215\nBC_SCALE_MAX    = 2147483647\n\
                      BC_STRING_MAX   = 2147483647\nMAX Exponent    = 9223372036854775807\nNumber of vars  = 32767\n";

fn error<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Error(message.into(), 0))
}

fn pop(stack: &mut Vec<Number>) -> Number {
    stack.pop().unwrap_or_default()
}

fn flag(value: bool) -> Number {
    Number::from(i64::from(value))
}

fn index(value: &Number, array: usize, names: &Names) -> Result<i64, Stop> {
    match value.to_integer() {
        Some(index @ 0..=INDEX) => Ok(index),
        _ => {
            let name = names.array_names.get(array).map_or("".into(), |name| String::from_utf8_lossy(name));
            error(format!("Array {name} subscript out of bounds."))
        }
    }
}

/// How far into GNU's code an instruction is.
fn address(code: &[Op], at: usize) -> usize {
    code.iter().take(at).map(Op::size).sum()
}

fn here(frames: &[Frame]) -> (usize, usize) {
    frames.last().map_or((usize::MAX, 0), |frame| (frame.function, address(&frame.code, frame.at)))
}

/// The text of `print`.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((&byte, next)) = rest.split_first() {
        rest = next;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some((&escaped, next)) = rest.split_first() else { break };
        rest = next;
        match escaped {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'q' => out.push(b'"'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'\\' => out.push(b'\\'),
            _ => {}
        }
    }
    out
}
