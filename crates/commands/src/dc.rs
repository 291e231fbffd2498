//! `dc`: a calculator with a stack and arbitrary precision, as GNU dc has it.

use std::collections::HashMap;
use std::rc::Rc;

use bstr::ByteSlice;
use wasmsh_os::{Child, Input, Spawn};

use crate::decimal::Number;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "dc",
    usage: &["[OPTION] [file ...]"],
    about: "Compute, in reverse Polish notation and with arbitrary precision.",
    options: &[
        Opt::value("e,expression", "EXPR", "evaluate expression"),
        Opt::value("f,file", "FILE", "evaluate contents of file"),
        Opt::flag("h", "as --help"),
        Opt::flag("V", "as --version"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Clone)]
enum Value {
    Number(Number),
    Text(Rc<[u8]>),
}

/// A value of a register, with the array that lies there.
#[derive(Default, Clone)]
struct Cell {
    value: Option<Value>,
    array: HashMap<i64, Value>,
}

/// A text that is run.
struct Level {
    text: Rc<[u8]>,
    at: usize,
}

/// How deep macros may call, but for calls at their end.
const DEPTH: usize = 100_000;

struct Machine {
    stack: Vec<Value>,
    registers: HashMap<u8, Vec<Cell>>,
    scale: usize,
    input_base: u32,
    output_base: u32,
    line_length: usize,
    stdin: Option<Input>,
    /// What is to be warned of.
    warning: Option<&'static str>,
}

/// Why a command did nothing.
enum Wrong {
    Message(String),
    /// There is no such command.
    Unknown(u8),
}

impl From<String> for Wrong {
    fn from(message: String) -> Wrong {
        Wrong::Message(message)
    }
}

impl From<&str> for Wrong {
    fn from(message: &str) -> Wrong {
        Wrong::Message(message.into())
    }
}

/// What a step asks for.
enum Next {
    On,
    /// Run this text.
    Call(Rc<[u8]>),
    /// Leave so many levels.
    Quit(usize),
}

async fn run(t: &mut Tool) -> Done {
    let length =
        t.ctx.env("DC_LINE_LENGTH").and_then(|text| text.to_str().ok().and_then(|text| text.parse().ok()));
    let mut machine = Machine {
        stack: Vec::new(),
        registers: HashMap::new(),
        scale: 0,
        input_base: 10,
        output_base: 10,
        line_length: match length {
            Some(0 | 1) => 0,
            Some(length @ 2..) => length,
            None => 70,
        },
        stdin: t.ctx.stdin().ok(),
        warning: None,
    };
    let mut any = false;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "e" => {
                any = true;
                let text = [&value[..], b"\n"].concat();
                if machine.run(t, text.into(), false, false).await? {
                    return Ok(());
                }
            }
            "f" => {
                any = true;
                if machine.file(t, &value).await? {
                    return Err(Fail::Status(1));
                }
            }
            "h" => return Err(Fail::Help),
            _ => return Err(Fail::Version),
        }
    }
    for file in options.operands() {
        any = true;
        if machine.file(t, &file).await? {
            return Err(Fail::Status(1));
        }
    }
    if !any && machine.file(t, b"-").await? {
        return Err(Fail::Status(1));
    }
    Ok(())
}

impl Machine {
    /// Runs a file. True: the program has been left.
    async fn file(&mut self, t: &mut Tool, name: &[u8]) -> Result<bool, Fail> {
        if name == b"-" {
            // Line by line: what runs may read on itself.
            let mut pending = Vec::new();
            loop {
                t.out.flush().await?;
                if !self.line(&mut pending).await {
                    break;
                }
                if open_brackets(&pending) {
                    continue;
                }
                let text = std::mem::take(&mut pending);
                if self.run(t, text.into(), true, true).await? {
                    return Ok(true);
                }
            }
            return if pending.is_empty() {
                Ok(false)
            } else {
                self.run(t, pending.into(), true, true).await
            };
        }
        match t.ctx.read_file(name).await {
            Ok(text) => self.run(t, text.into(), false, true).await,
            Err(_) => {
                self.say(t, &format!("Could not open file {}", name.as_bstr())).await?;
                Ok(false)
            }
        }
    }

    /// Appends a line of standard input. False: there is none.
    async fn line(&mut self, text: &mut Vec<u8>) -> bool {
        let Some(input) = &mut self.stdin else { return false };
        match input.line(b'\n').await {
            Ok(Some(line)) => {
                text.extend_from_slice(line);
                true
            }
            _ => false,
        }
    }

    async fn say(&mut self, t: &mut Tool, message: &str) -> Done {
        t.warn(message).await
    }

    /// Runs a text, and what it runs. True: the program has been left. `shared`: it is what standard input is read from;
    /// `file`: it is a file rather than an expression.
    async fn run(&mut self, t: &mut Tool, text: Rc<[u8]>, shared: bool, file: bool) -> Result<bool, Fail> {
        let mut levels = vec![Level { text, at: 0 }];
        let mut steps = 0_u32;
        while let Some(level) = levels.last_mut() {
            steps += 1;
            if steps >= 256 {
                t.ctx.ticks(steps).await;
                steps = 0;
            }
            let Some(&command) = level.text.get(level.at) else {
                levels.pop();
                continue;
            };
            level.at += 1;
            let text = level.text.clone();
            let depth = levels.len();
            let Some(level) = levels.last_mut() else { break };
            let next = match command {
                b'?' => {
                    let mut line = Vec::new();
                    if shared && depth == 1 {
                        // The rest of the line that is run is what comes next in the input.
                        line = text.get(level.at..).unwrap_or_default().to_vec();
                        level.at = text.len();
                    }
                    if line.is_empty() {
                        t.out.flush().await?;
                        self.line(&mut line).await;
                    }
                    Next::Call(line.into())
                }
                b'!' if !matches!(text.get(level.at), Some(b'<' | b'>' | b'=')) => {
                    let rest = text.get(level.at..).unwrap_or_default();
                    let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    let line = rest.get(..length).unwrap_or_default();
                    level.at += length;
                    self.system(t, line).await?;
                    Next::On
                }
                _ => {
                    let mut at = level.at;
                    let result = self.step(t, command, &text, &mut at);
                    level.at = at;
                    if let Some(warning) = self.warning.take() {
                        t.out.flush().await?;
                        t.err.put(format!("Runtime warning: {warning}\n").as_bytes());
                        // Nobody is left to tell when this fails.
                        let _ = t.err.flush().await;
                    }
                    match result {
                        Ok(next) => next,
                        Err(Wrong::Unknown(command)) => {
                            // The name goes one way and the rest the other, as GNU has it.
                            t.out.flush().await?;
                            t.err.put(format!("{}: ", t.name).as_bytes());
                            let _ = t.err.flush().await;
                            let shown = match command {
                                command if command.is_ascii_graphic() => char::from(command).to_string(),
                                command => format!("\\{command:03o}"),
                            };
                            t.out.put(format!("'{shown}' ({command:04o}) unimplemented\n").as_bytes());
                            Next::On
                        }
                        Err(Wrong::Message(message)) => {
                            self.say(t, &message).await?;
                            Next::On
                        }
                    }
                }
            };
            t.out.drain().await?;
            match next {
                Next::On => {}
                Next::Call(text) => {
                    // A call at the end of a macro takes its place.
                    if levels.last().is_some_and(|level| level.at >= level.text.len()) && levels.len() > 1 {
                        levels.pop();
                    }
                    if levels.len() >= DEPTH {
                        self.say(t, "macros nest too deep").await?;
                        return Ok(true);
                    }
                    levels.push(Level { text, at: 0 });
                }
                Next::Quit(count) => {
                    if count == levels.len() && !file {
                        // Only this expression is over.
                        return Ok(false);
                    }
                    if count >= levels.len() {
                        return Ok(true);
                    }
                    levels.truncate(levels.len() - count);
                }
            }
        }
        Ok(false)
    }

    async fn system(&mut self, t: &mut Tool, line: &[u8]) -> Done {
        t.out.flush().await?;
        let spawned = t.ctx.spawn(Spawn {
            program: "sh".into(),
            arguments: vec!["sh".into(), "-c".into(), line.into()],
            inherit: true,
            ..Spawn::default()
        });
        if let Ok(pid) = spawned {
            // Whatever it ends with, the program goes on.
            let _ = t.ctx.wait(Child::Process(pid)).await;
        }
        Ok(())
    }

    // The stack.

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(|| "stack empty".into())
    }

    fn top(&self) -> Result<&Value, String> {
        self.stack.last().ok_or_else(|| "stack empty".into())
    }

    fn pop_number(&mut self) -> Result<Number, String> {
        match self.pop()? {
            Value::Number(number) => Ok(number),
            Value::Text(_) => Err("non-numeric value".into()),
        }
    }

    fn push(&mut self, number: Number) {
        self.stack.push(Value::Number(number));
    }

    /// The two numbers at the top, the upper one last; they stay.
    fn two(&self) -> Result<(&Number, &Number), String> {
        match self.stack.get(self.stack.len().wrapping_sub(2)..) {
            Some([Value::Number(left), Value::Number(right)]) => Ok((left, right)),
            Some([_, _]) => Err("non-numeric value".into()),
            _ => Err("stack empty".into()),
        }
    }

    fn replace_two(&mut self, results: Vec<Number>) {
        let kept = self.stack.len().saturating_sub(2);
        self.stack.truncate(kept);
        self.stack.extend(results.into_iter().map(Value::Number));
    }

    // Output.

    fn show(&self, t: &mut Tool, value: &Value) {
        match value {
            Value::Text(text) => t.out.put(text),
            Value::Number(number) => {
                let mut text = Vec::new();
                number.write(self.output_base, &mut text);
                let mut column = 0;
                for byte in text {
                    column += 1;
                    if self.line_length > 0 && column >= self.line_length {
                        t.out.put(b"\\\n");
                        column = 1;
                    }
                    t.out.put_byte(byte);
                }
            }
        }
    }

    // Commands.

    /// One command, the text behind which begins at `at`.
    fn step(&mut self, t: &mut Tool, command: u8, text: &[u8], at: &mut usize) -> Result<Next, Wrong> {
        match command {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'#' => {
                let rest = text.get(*at..).unwrap_or_default();
                *at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            }
            b'0'..=b'9' | b'A'..=b'F' | b'.' | b'_' => {
                let start = if command == b'_' { *at } else { *at - 1 };
                let mut point = false;
                let digits = text
                    .iter()
                    .skip(start)
                    .take_while(|byte| match byte {
                        b'0'..=b'9' | b'A'..=b'F' => true,
                        b'.' => !std::mem::replace(&mut point, true),
                        _ => false,
                    })
                    .count();
                let written = text.get(start..start + digits).unwrap_or_default();
                *at = start + digits;
                let number = Number::parse_as_is(written, self.input_base);
                self.push(if command == b'_' { number.negate() } else { number });
            }
            b'[' => {
                let mut depth = 1;
                let rest = text.get(*at..).unwrap_or_default();
                let length = rest
                    .iter()
                    .position(|byte| {
                        match byte {
                            b'[' => depth += 1,
                            b']' => depth -= 1,
                            _ => {}
                        }
                        depth == 0
                    })
                    .unwrap_or(rest.len());
                self.stack.push(Value::Text(rest.get(..length).unwrap_or_default().into()));
                *at += length + 1;
            }
            b'p' => {
                let top = self.top()?;
                self.show(t, top);
                t.out.put(b"\n");
            }
            b'n' => {
                let top = self.pop()?;
                self.show(t, &top);
            }
            b'P' => match self.pop()? {
                Value::Text(text) => t.out.put(&text),
                Value::Number(number) => t.out.put(&number.bytes()),
            },
            b'f' => {
                for value in self.stack.iter().rev() {
                    self.show(t, value);
                    t.out.put(b"\n");
                }
            }
            b'+' | b'-' | b'*' | b'/' | b'%' | b'~' | b'^' => return self.arithmetic(command),
            b'|' => self.raise_modulo()?,
            b'v' => {
                let Value::Number(number) = self.top()? else {
                    return Err("square root of nonnumeric attempted".into());
                };
                let Some(root) = number.root(self.scale) else {
                    return Err("square root of negative number".into());
                };
                self.stack.pop();
                self.push(root);
            }
            b'c' => self.stack.clear(),
            b'd' => {
                let top = self.top()?.clone();
                self.stack.push(top);
            }
            b'r' => {
                let length = self.stack.len();
                if length < 2 {
                    return Err("stack empty".into());
                }
                self.stack.swap(length - 1, length - 2);
            }
            b'R' => {
                let count = self.pop_number()?.to_integer().unwrap_or(0);
                let depth = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(self.stack.len());
                let from = self.stack.len() - depth;
                if let Some(part) = self.stack.get_mut(from..)
                    && depth > 1
                {
                    if count > 0 { part.rotate_left(1) } else { part.rotate_right(1) }
                }
            }
            b's' | b'S' | b'l' | b'L' | b':' | b';' => {
                let Some(&register) = text.get(*at) else { return Ok(Next::On) };
                *at += 1;
                self.register(command, register)?;
            }
            b'<' | b'>' | b'=' | b'!' => {
                let negated = command == b'!';
                let mut mark = command;
                if negated {
                    mark = text.get(*at).copied().unwrap_or(b'=');
                    *at += 1;
                }
                let Some(&register) = text.get(*at) else { return Ok(Next::On) };
                *at += 1;
                let (below, top) = self.two()?;
                let order = top.compare(below);
                let holds = match mark {
                    b'<' => order.is_lt(),
                    b'>' => order.is_gt(),
                    _ => order.is_eq(),
                };
                self.replace_two(Vec::new());
                if holds != negated
                    && let Some(Value::Text(text)) = self.load(register)
                {
                    return Ok(Next::Call(text));
                }
            }
            b'x' => match self.pop()? {
                Value::Text(text) => return Ok(Next::Call(text)),
                number => self.stack.push(number),
            },
            b'q' => return Ok(Next::Quit(2)),
            b'Q' => {
                let count = self.pop_number()?.to_integer().unwrap_or(0);
                if count < 1 {
                    return Err("Q command requires a number >= 1".into());
                }
                return Ok(Next::Quit(usize::try_from(count).unwrap_or(usize::MAX)));
            }
            b'i' | b'o' | b'k' => self.set(command)?,
            b'I' => self.push(Number::from(i64::from(self.input_base))),
            b'O' => self.push(Number::from(i64::from(self.output_base))),
            b'K' => self.push(Number::from(self.scale as i64)),
            b'Z' => {
                let length = match self.pop()? {
                    Value::Text(text) => text.len(),
                    Value::Number(number) => number.significant(),
                };
                self.push(Number::from(length as i64));
            }
            b'X' => {
                let scale = match self.pop()? {
                    Value::Text(_) => 0,
                    Value::Number(number) => number.scale(),
                };
                self.push(Number::from(scale as i64));
            }
            b'z' => self.push(Number::from(self.stack.len() as i64)),
            b'a' => {
                let text: Vec<u8> = match self.pop()? {
                    Value::Text(text) => text.first().copied().into_iter().collect(),
                    Value::Number(number) => vec![number.bytes().last().copied().unwrap_or(0)],
                };
                self.stack.push(Value::Text(text.into()));
            }
            other => {
                return Err(Wrong::Unknown(other));
            }
        }
        Ok(Next::On)
    }

    fn arithmetic(&mut self, command: u8) -> Result<Next, Wrong> {
        let scale = self.scale;
        let (left, right) = self.two()?;
        let results = match command {
            b'+' => vec![left.add(right)],
            b'-' => vec![left.subtract(right)],
            b'*' => vec![left.multiply(right, scale)],
            b'/' => vec![left.divide(right, scale).ok_or("divide by zero")?],
            b'%' => vec![left.divide_with_rest(right, scale).ok_or("remainder by zero")?.1],
            b'~' => {
                let (quotient, rest) = left.divide_with_rest(right, scale).ok_or("divide by zero")?;
                vec![quotient, rest]
            }
            _ => {
                let exponent = right.to_integer().ok_or("exponent too large in raise")?;
                if right.scale() != 0 {
                    self.warning = Some("non-zero scale in exponent");
                }
                let (left, _) = self.two()?;
                match left.raise(exponent, scale) {
                    Ok(Some(power)) => vec![power],
                    Ok(None) => return Err("divide by zero".into()),
                    Err(_) => return Err("exponent too large in raise".into()),
                }
            }
        };
        self.replace_two(results);
        Ok(Next::On)
    }

    /// base, exponent, modulus → power
    fn raise_modulo(&mut self) -> Result<(), String> {
        let Some([Value::Number(base), Value::Number(exponent), Value::Number(modulus)]) =
            self.stack.get(self.stack.len().wrapping_sub(3)..)
        else {
            return Err(if self.stack.len() < 3 { "stack empty" } else { "non-numeric value" }.into());
        };
        if modulus.is_zero() {
            return Err("remainder by zero".into());
        }
        if exponent.is_negative() {
            return Err("negative exponent".into());
        }
        let scale = self.scale;
        let within = scale.max(base.scale());
        let rest = |number: &Number| {
            number.divide_with_rest(modulus, scale).map_or_else(Number::zero, |(_, rest)| rest)
        };
        let two = Number::from(2);
        let (mut power, mut result) = (base.clone(), Number::from(1));
        let mut exponent = exponent.with_scale(0);
        while !exponent.is_zero() {
            let Some((half, odd)) = exponent.divide_with_rest(&two, 0) else { break };
            exponent = half;
            if !odd.is_zero() {
                result = rest(&result.multiply(&power, within));
            }
            power = rest(&power.multiply(&power, within));
        }
        let kept = self.stack.len() - 3;
        self.stack.truncate(kept);
        self.push(result);
        Ok(())
    }

    fn load(&self, register: u8) -> Option<Value> {
        self.registers.get(&register)?.last()?.value.clone()
    }

    fn cell(&mut self, register: u8) -> &mut Cell {
        let cells = self.registers.entry(register).or_default();
        if cells.is_empty() {
            cells.push(Cell::default());
        }
        let last = cells.len() - 1;
        &mut cells[last]
    }

    fn register(&mut self, command: u8, register: u8) -> Result<(), String> {
        match command {
            b's' => {
                let value = self.pop()?;
                self.cell(register).value = Some(value);
            }
            b'S' => {
                let value = self.pop()?;
                self.registers
                    .entry(register)
                    .or_default()
                    .push(Cell { value: Some(value), ..Cell::default() });
            }
            b'l' => {
                let value = self.load(register).unwrap_or_else(|| Value::Number(Number::zero()));
                self.stack.push(value);
            }
            b'L' => {
                let value = self.registers.get_mut(&register).and_then(Vec::pop).and_then(|cell| cell.value);
                let shown = char::from(register);
                let value =
                    value.ok_or_else(|| format!("stack register '{shown}' (0{register:o}) is empty"))?;
                self.stack.push(value);
            }
            _ => {
                let index = self.pop_number()?.to_integer().filter(|index| *index >= 0);
                let index = index.ok_or("array index must be a nonnegative integer")?;
                if command == b':' {
                    let value = self.pop()?;
                    self.cell(register).array.insert(index, value);
                } else {
                    let value = self.cell(register).array.get(&index).cloned();
                    self.stack.push(value.unwrap_or_else(|| Value::Number(Number::zero())));
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, command: u8) -> Result<(), String> {
        let value = self.pop_number()?.to_integer();
        match (command, value) {
            (b'i', Some(base @ 2..=16)) => self.input_base = base as u32,
            (b'i', _) => return Err("input base must be a number between 2 and 16 (inclusive)".into()),
            (b'o', Some(base @ 2..=2_147_483_647)) => self.output_base = base as u32,
            (b'o', _) => return Err("output base must be a number greater than 1".into()),
            (_, Some(scale @ 0..=2_000_000)) => self.scale = scale as usize,
            _ => return Err("scale must be a nonnegative number".into()),
        }
        Ok(())
    }
}

/// Whether a string in brackets goes on behind the end of the text.
fn open_brackets(text: &[u8]) -> bool {
    let mut depth = 0_i64;
    let mut comment = false;
    for byte in text {
        match byte {
            b'\n' => comment = false,
            b'#' if depth == 0 => comment = true,
            b'[' if !comment => depth += 1,
            b']' if !comment && depth > 0 => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}
