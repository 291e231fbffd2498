//! The loop over instructions.
//!
//! Instructions run synchronously; those that may have to wait hand over to [`Machine::wait_for`].

use std::rc::Rc;

use super::super::array::Key;
use super::super::ast::{Arith, Var};
use super::super::code::{After, Base, Op, Target, Writer};
use super::super::value::{Value, empty};
use super::operators::arithmetic;
use super::{Flow, Machine, Step, fatal};

/// Jumps back and calls between two turns of other processes.
pub(super) const PATIENCE: u32 = 256;

/// Why the loop over instructions pauses.
enum Pause {
    /// Others have their turn.
    Tick,
    /// Standard output is full.
    Drain,
    /// An instruction that may have to wait.
    Wait(Op),
    Over(Flow),
}

impl Machine<'_> {
    /// Runs from an instruction on until the section or, at fewer than `floor` frames, the function ends.
    pub(super) async fn run(&mut self, start: usize, floor: usize) -> Step<Flow> {
        self.at = start;
        loop {
            match self.steps(floor)? {
                Pause::Over(flow) => return Ok(flow),
                Pause::Tick => {
                    self.patience = PATIENCE;
                    self.t.ctx.ticks(PATIENCE).await;
                }
                Pause::Drain => self.flush_stdout().await?,
                Pause::Wait(op) => self.wait_for(op).await?,
            }
        }
    }

    /// Runs a section that is mostly over before it has to wait.
    #[inline]
    pub(super) fn run_now(&mut self, start: usize) -> Step<Result<Flow, Unfinished>> {
        self.at = start;
        Ok(match self.steps(0)? {
            Pause::Over(flow) => Ok(flow),
            pause => Err(Unfinished(pause)),
        })
    }

    /// Goes on with such a section.
    pub(super) async fn finish(&mut self, unfinished: Unfinished) -> Step<Flow> {
        match unfinished.0 {
            Pause::Over(flow) => return Ok(flow),
            Pause::Tick => {
                self.patience = PATIENCE;
                self.t.ctx.ticks(PATIENCE).await;
            }
            Pause::Drain => self.flush_stdout().await?,
            Pause::Wait(op) => self.wait_for(op).await?,
        }
        let at = self.at;
        self.run(at, 0).await
    }

    fn steps(&mut self, floor: usize) -> Step<Pause> {
        let code = self.code.clone();
        let ops = &code.ops[..];
        while let Some(op) = ops.get(self.at) {
            self.at += 1;
            match *op {
                Op::Const(index) => {
                    let value = code.constants.get(index as usize).cloned().unwrap_or(Value::Unset);
                    self.push(value);
                }
                Op::Unset => self.push(Value::Unset),
                Op::Regex(index) => {
                    let source = code.regexes.get(index as usize).map_or(&[][..], |(source, _)| source);
                    self.push(Value::Regex(source.into()));
                }
                Op::Pop => {
                    self.stack.pop();
                }
                Op::Get(variable) => {
                    let value = self.get(variable)?;
                    self.push(value);
                }
                Op::GetSpecial(index) => {
                    let value = self.get_special(index);
                    self.push(value);
                }
                Op::Set(variable) => {
                    let value = self.stack.last().cloned().unwrap_or(Value::Unset);
                    self.set(variable, value)?;
                }
                Op::Store(variable) => {
                    let value = self.pop();
                    self.set(variable, value)?;
                }
                Op::Update(variable, op) => {
                    let right = self.pop_number();
                    let left = self.get(variable)?;
                    let result = Value::Number(arithmetic(op, self.number(&left), right)?);
                    self.set(variable, result.clone())?;
                    self.push(result);
                }
                Op::UpdateStore(variable, op) => {
                    let right = self.pop_number();
                    if let Value::Number(left) = self.slot(variable) {
                        *left = arithmetic(op, *left, right)?;
                        continue;
                    }
                    let left = self.get(variable)?;
                    let result = Value::Number(arithmetic(op, self.number(&left), right)?);
                    self.set(variable, result)?;
                }
                Op::FieldAt(0) => {
                    let value = self.whole();
                    self.push(value);
                }
                Op::FieldAt(number) => {
                    let value = self.record.get(number as usize);
                    self.push(value);
                }
                Op::FieldNumber(number) => {
                    let number = if self.modes.non_decimal {
                        let value = self.record.get(number as usize);
                        self.number(&value)
                    } else {
                        self.record.number(number as usize)
                    };
                    self.push(Value::Number(number));
                }
                Op::Field => {
                    let number = self.pop_number();
                    let value = self.field(number)?;
                    self.push(value);
                }
                Op::SetField => {
                    let number = self.pop_number();
                    let value = self.pop();
                    self.set_field(number, value.clone())?;
                    self.push(value);
                }
                Op::UpdateField(op) => {
                    let number = self.pop_number();
                    let right = self.pop_number();
                    let left = self.field(number)?;
                    let result = Value::Number(arithmetic(op, self.number(&left), right)?);
                    self.set_field(number, result.clone())?;
                    self.push(result);
                }
                Op::StepField(by, old) => {
                    let number = self.pop_number();
                    let before = self.field(number)?;
                    let before = self.number(&before);
                    let after = before + f64::from(by);
                    self.set_field(number, Value::Number(after))?;
                    self.push(Value::Number(if old { before } else { after }));
                }
                Op::Array(variable) => {
                    let array = self.array(variable)?;
                    self.push(Value::Array(array));
                }
                Op::Reference(variable) => {
                    let value = self.reference(variable)?;
                    self.push(value);
                }
                Op::ReferenceElement(base) => {
                    let value = self.with_key(base, |array, key| {
                        array.update(key, |place| {
                            if let Value::Unset = place {
                                *place = Value::Maybe(Rc::default());
                            }
                            place.clone()
                        })
                    })?;
                    let value = self.resolved(value)?;
                    self.push(value);
                }
                Op::Join(count) => {
                    let mut key = Vec::new();
                    for (index, part) in self.pop_many(count as usize).iter().enumerate() {
                        if index > 0 {
                            key.extend_from_slice(&self.subsep);
                        }
                        part.append_to(&self.convfmt, &mut key);
                    }
                    self.push(Value::Text(key.into()));
                }
                Op::Element(base) => {
                    let value = self.with_key(base, |array, key| array.update(key, |place| place.clone()))?;
                    self.push_element(value)?;
                }
                Op::ElementOfField(variable, field) => {
                    let array = self.array(variable)?;
                    let value = match self.record.read(field as usize) {
                        Some(text) => array.update(Key::of(text.unwrap_or_default()), |place| place.clone()),
                        None => {
                            let key = self.record.get(field as usize).to_text(&self.convfmt);
                            array.update(Key::of(&key), |place| place.clone())
                        }
                    };
                    self.push_element(value)?;
                }
                Op::SetElement(base) => {
                    let value = self.set_element(base)?;
                    self.push(value);
                }
                Op::StoreElement(base) => {
                    self.set_element(base)?;
                }
                Op::UpdateElement(base, op) => self.update_element(base, op)?,
                Op::UpdateOfField(variable, field, op) => {
                    let right = self.pop_number();
                    let array = self.array(variable)?;
                    let change = |place: &mut Value| -> Step<bool> {
                        match place {
                            Value::Number(left) => {
                                *left = arithmetic(op, *left, right)?;
                                Ok(true)
                            }
                            Value::Symbol(_) | Value::Array(_) | Value::Maybe(_) => Ok(false),
                            other => {
                                *other = Value::Number(arithmetic(op, other.number(), right)?);
                                Ok(true)
                            }
                        }
                    };
                    let done = match self.record.read(field as usize) {
                        Some(text) => array.update(Key::of(text.unwrap_or_default()), change)?,
                        None => {
                            let key = self.record.get(field as usize).to_text(&self.convfmt);
                            array.update(Key::of(&key), change)?
                        }
                    };
                    if !done {
                        let key = self.record.get(field as usize);
                        self.push(Value::Number(right));
                        self.push(key);
                        self.update_element(Base::Var(variable), op)?;
                        self.stack.pop();
                    }
                }
                Op::StepElement(base, by, old) => self.step_element(base, by, old)?,
                Op::StepOfField(variable, field, by) => {
                    let array = self.array(variable)?;
                    let change = |place: &mut Value| match place {
                        Value::Number(number) => {
                            *number += f64::from(by);
                            true
                        }
                        Value::Unset => {
                            *place = Value::Number(f64::from(by));
                            true
                        }
                        _ => false,
                    };
                    let done = match self.record.read(field as usize) {
                        Some(text) => array.update(Key::of(text.unwrap_or_default()), change),
                        None => {
                            let key = self.record.get(field as usize).to_text(&self.convfmt);
                            array.update(Key::of(&key), change)
                        }
                    };
                    if !done {
                        let key = self.record.get(field as usize);
                        self.push(key);
                        self.step_element(Base::Var(variable), by, true)?;
                        self.stack.pop();
                    }
                }
                Op::Subarray(base) => {
                    let value = self.with_key(base, |array, key| {
                        array.update(key, |place| {
                            match place {
                                Value::Unset => *place = Value::Array(Rc::default()),
                                Value::Maybe(array) => {
                                    array.set_used();
                                    *place = Value::Array(array.clone());
                                }
                                _ => {}
                            }
                            place.clone()
                        })
                    })?;
                    match value {
                        Value::Symbol(index) => {
                            let array = self.array(Var::Global(index))?;
                            self.push(Value::Array(array));
                        }
                        value @ Value::Array(_) => self.push(value),
                        _ => return fatal("attempt to use a scalar value as array"),
                    }
                }
                Op::Contains(base) => {
                    let found = self.with_key(base, |array, key| array.contains(key))?;
                    self.push(Value::flag(found));
                }
                Op::Delete(base) => self.with_key(base, |array, key| array.remove(key))?,
                Op::DeleteAll => self.pop_array()?.clear(),
                Op::Step(variable, by, old) => {
                    let before = self.get(variable)?;
                    let before = self.number(&before);
                    let after = before + f64::from(by);
                    self.set(variable, Value::Number(after))?;
                    self.push(Value::Number(if old { before } else { after }));
                }
                Op::StepStore(variable, by) => {
                    if let Value::Number(number) = self.slot(variable) {
                        *number += f64::from(by);
                        continue;
                    }
                    let before = self.get(variable)?;
                    let after = self.number(&before) + f64::from(by);
                    self.set(variable, Value::Number(after))?;
                }
                Op::Arith(op) => {
                    let right = self.pop_number();
                    let left = self.pop_number();
                    let result = arithmetic(op, left, right)?;
                    self.push(Value::Number(result));
                }
                Op::Compare(op) => {
                    let right = self.pop();
                    let left = self.pop();
                    let result = self.compare(op, &left, &right);
                    self.push(Value::flag(result));
                }
                Op::Concat(count) => {
                    let from = self.stack.len().saturating_sub(count as usize);
                    let mut text = Vec::new();
                    for part in self.stack.drain(from..) {
                        part.append_to(&self.convfmt, &mut text);
                    }
                    self.check_size(text.len())?;
                    self.push(Value::Text(text.into()));
                }
                Op::Negate => {
                    let number = self.pop_number();
                    self.push(Value::Number(-number));
                }
                Op::Plus => {
                    let number = self.pop_number();
                    self.push(Value::Number(number));
                }
                Op::Not => {
                    let value = self.pop();
                    self.push(Value::flag(!value.is_true()));
                }
                Op::Match(negated) => {
                    let pattern = self.pop();
                    let text = self.pop_text();
                    let regex = self.dynamic(&pattern)?;
                    let found = self.is_match(&regex, &text)?;
                    self.push(Value::flag(found != negated));
                }
                Op::MatchStatic(index, negated) => {
                    let value = self.pop();
                    let regex = self.regex(index)?;
                    let found = match &value {
                        Value::Text(text) | Value::Input(text) => self.is_match(&regex, text)?,
                        value => self.is_match(&regex, &value.to_text(&self.convfmt))?,
                    };
                    self.push(Value::flag(found != negated));
                }
                Op::MatchRecord(index) => {
                    let found = self.record_matches(index)?;
                    self.push(Value::flag(found));
                }
                Op::Jump(target) => {
                    let target = target as usize;
                    let back = target < self.at;
                    self.at = target;
                    if back && self.is_impatient() {
                        return Ok(Pause::Tick);
                    }
                }
                Op::JumpIf(sense, target) => {
                    if self.pop().is_true() == sense {
                        let target = target as usize;
                        let back = target < self.at;
                        self.at = target;
                        if back && self.is_impatient() {
                            return Ok(Pause::Tick);
                        }
                    }
                }
                Op::JumpCompare(op, sense, target) => {
                    let right = self.pop();
                    let left = self.pop();
                    if self.compare(op, &left, &right) == sense {
                        self.at = target as usize;
                    }
                }
                Op::JumpRecord(index, sense, target) => {
                    if self.record_matches(index)? == sense {
                        self.at = target as usize;
                    }
                }
                Op::JumpInRange(range, target) => {
                    if self.ranges.get(range as usize).copied().unwrap_or(false) {
                        self.at = target as usize;
                    }
                }
                Op::BeginRange(range) => {
                    if let Some(range) = self.ranges.get_mut(range as usize) {
                        *range = true;
                    }
                }
                Op::EndRange(range) => {
                    let over = self.pop().is_true();
                    if let Some(range) = self.ranges.get_mut(range as usize) {
                        *range = !over;
                    }
                }
                Op::Call(function, arguments) => {
                    self.enter(function as usize, arguments as usize, self.at)?;
                    if self.is_impatient() {
                        return Ok(Pause::Tick);
                    }
                }
                Op::Undefined(name) => {
                    let name = code.constants.get(name as usize).map_or_else(empty, |name| name.to_text(b""));
                    return fatal(format!("function `{}' not defined", bstr::BStr::new(&name[..])));
                }
                Op::CallIndirect(variable, arguments) => {
                    let name = self.get(variable)?.to_text(&self.convfmt);
                    if let Some(function) = code.function(&name) {
                        self.enter(function, arguments as usize, self.at)?;
                        continue;
                    }
                    let plain = name.strip_prefix(b"awk::").unwrap_or(&name);
                    let found =
                        super::super::lex::builtin(plain).or_else(|| super::super::extensions::find(plain));
                    match found {
                        Some(name @ ("sub" | "gsub")) => {
                            if arguments < 3 {
                                self.push(Value::Number(0.0));
                            }
                            let target = if arguments < 3 { Target::Field } else { Target::None };
                            self.substitute(name == "gsub", target)?;
                        }
                        Some(name) => return Ok(Pause::Wait(Op::Builtin(name, arguments))),
                        None => {
                            return fatal(format!(
                                "function `{}' called indirectly through `{}' does not exist",
                                bstr::BStr::new(&name[..]),
                                self.name(variable)
                            ));
                        }
                    }
                }
                Op::Return => {
                    let value = self.pop();
                    let Some(frame) = self.frames.pop() else { return Ok(Pause::Over(Flow::Return)) };
                    let value = match value {
                        Value::Array(_) => return fatal("attempt to use array in a scalar context"),
                        value => value,
                    };
                    self.stack.truncate(frame.base);
                    self.loops.truncate(frame.loops);
                    self.push(value);
                    self.at = frame.return_to;
                    self.base = self.frames.last().map_or(0, |frame| frame.base);
                    if self.frames.len() < floor {
                        return Ok(Pause::Over(Flow::Return));
                    }
                }
                Op::Builtin(name, count) => {
                    if !self.builtin_now(name, count as usize)? {
                        return Ok(Pause::Wait(*op));
                    }
                }
                Op::Substitute(global, target) => self.substitute(global, target)?,
                Op::Getline(..) | Op::Iterate => return Ok(Pause::Wait(*op)),
                Op::Print(count, Writer::Stdout) => {
                    self.print_now(count as usize);
                    if self.wants_drain() {
                        return Ok(Pause::Drain);
                    }
                }
                Op::Printf(count, Writer::Stdout) => {
                    let arguments = self.pop_many(count as usize);
                    let text = self.formatted(&arguments)?;
                    self.out.put(&text);
                    if self.wants_drain() {
                        return Ok(Pause::Drain);
                    }
                }
                Op::Print(..) | Op::Printf(..) => return Ok(Pause::Wait(*op)),
                Op::PutField(number, after) => {
                    if number == 0 {
                        let Machine { record, out, ofs, convfmt, .. } = self;
                        out.put(record.bytes(ofs, convfmt));
                    } else if let Some(text) = self.record.read(number as usize) {
                        self.out.put(text.unwrap_or_default());
                    } else {
                        let value = self.record.get(number as usize);
                        value.append_to(&self.ofmt, self.out.buffer());
                    }
                    if self.put_after(after) {
                        return Ok(Pause::Drain);
                    }
                }
                Op::Put(after) => {
                    let value = self.pop();
                    value.append_to(&self.ofmt, self.out.buffer());
                    if self.put_after(after) {
                        return Ok(Pause::Drain);
                    }
                }
                Op::NextKey(variable, target) => match self.loops.last_mut().and_then(Iterator::next) {
                    Some(index) => self.set(variable, Value::Text(index.text()))?,
                    None => self.at = target as usize,
                },
                Op::EndIterate => {
                    self.loops.pop();
                }
                Op::Next | Op::NextFile => {
                    let (flow, name) = if matches!(op, Op::Next) {
                        (Flow::Next, "next")
                    } else {
                        (Flow::NextFile, "nextfile")
                    };
                    let section = if self.in_begin { "BEGIN" } else { "END" };
                    if self.in_begin || self.in_end {
                        return fatal(format!("`{name}' cannot be called from a `{section}' rule"));
                    }
                    return Ok(Pause::Over(flow));
                }
                Op::Exit(has_status) => {
                    if has_status {
                        // As `exit(3)`: the low byte.
                        self.status = self.pop_number() as i64 as u8;
                    }
                    return Ok(Pause::Over(Flow::Exit));
                }
                Op::Case(target) => {
                    let label = self.pop();
                    let subject = self.stack.last().cloned().unwrap_or(Value::Unset);
                    let found = match &label {
                        Value::Regex(_) => {
                            let regex = self.dynamic(&label)?;
                            self.is_match(&regex, &subject.to_text(&self.convfmt))?
                        }
                        Value::Text(_) => {
                            !matches!(subject, Value::Number(_) | Value::Bool(_))
                                && self.text_order(&subject, &label).is_eq()
                        }
                        // A number is the case for a number.
                        label => subject.is_numeric() && self.order(&subject, label).is_eq(),
                    };
                    if found {
                        self.at = target as usize;
                    }
                }
                Op::End => return Ok(Pause::Over(Flow::End)),
            }
        }
        Ok(Pause::Over(Flow::End))
    }

    #[inline]
    fn is_impatient(&mut self) -> bool {
        self.patience = self.patience.saturating_sub(1);
        self.patience == 0
    }

    fn push_element(&mut self, value: Value) -> Step<()> {
        let value = match value {
            Value::Symbol(_) | Value::Maybe(_) => match self.resolved(value)? {
                Value::Maybe(_) => Value::Unset,
                value => value,
            },
            value => value,
        };
        if let Value::Array(_) = value {
            return fatal("attempt to use array in a scalar context");
        }
        self.push(value);
        Ok(())
    }

    #[inline]
    fn put_after(&mut self, after: After) -> bool {
        match after {
            After::Separator => {
                self.out.put(&self.ofs);
                false
            }
            After::End => {
                self.out.put(&self.ors);
                self.wants_drain()
            }
        }
    }

    fn record_matches(&mut self, index: u32) -> Step<bool> {
        let regex = self.regex(index)?;
        let found = regex.is_match(self.record.bytes(&self.ofs, &self.convfmt));
        found.or_else(|error| fatal(error.to_string()))
    }

    /// value, \[array,\] key → ; the value.
    pub(super) fn set_element(&mut self, base: Base) -> Step<Value> {
        let symbol;
        let value;
        {
            // The value lies below what leads to the element.
            let depth = if base == Base::Stack { 3 } else { 2 };
            let at = self.stack.len().saturating_sub(depth);
            let taken = match self.stack.get_mut(at) {
                Some(place) => std::mem::replace(place, Value::Unset),
                None => Value::Unset,
            };
            value = match taken {
                Value::Maybe(_) => Value::Unset,
                taken => taken,
            };
            let new = value.clone();
            let old = self.with_key(base, |array, key| {
                array.update(key, |place| match place {
                    Value::Symbol(_) | Value::Array(_) => place.clone(),
                    _ => std::mem::replace(place, new),
                })
            })?;
            self.stack.truncate(at);
            symbol = old;
        }
        match symbol {
            Value::Symbol(index) => self.set(Var::Global(index), value.clone())?,
            Value::Array(_) => return fatal("attempt to use array in a scalar context"),
            Value::Maybe(array) if array.is_used() => {
                return fatal("attempt to use array in a scalar context");
            }
            _ => {}
        }
        Ok(value)
    }

    fn update_element(&mut self, base: Base, op: Arith) -> Step<()> {
        let depth = if base == Base::Stack { 3 } else { 2 };
        let at = self.stack.len().saturating_sub(depth);
        let right = self.stack.get(at).cloned().unwrap_or(Value::Unset);
        let right = self.number(&right);
        let changed = self.with_key(base, |array, key| {
            array.update(key, |place| match place {
                Value::Symbol(_) | Value::Array(_) => Step::Ok(Err(place.clone())),
                other => {
                    let result = arithmetic(op, other.number(), right)?;
                    *other = Value::Number(result);
                    Step::Ok(Ok(result))
                }
            })
        })??;
        self.stack.truncate(at);
        match changed {
            Ok(result) => self.push(Value::Number(result)),
            Err(Value::Symbol(index)) => {
                let left = self.get(Var::Global(index))?;
                let result = Value::Number(arithmetic(op, self.number(&left), right)?);
                self.set(Var::Global(index), result.clone())?;
                self.push(result);
            }
            Err(_) => return fatal("attempt to use array in a scalar context"),
        }
        Ok(())
    }

    fn step_element(&mut self, base: Base, by: i8, old: bool) -> Step<()> {
        let by = f64::from(by);
        let changed = self.with_key(base, |array, key| {
            array.update(key, |place| match place {
                Value::Symbol(_) | Value::Array(_) => Err(place.clone()),
                other => {
                    let before = other.number();
                    *other = Value::Number(before + by);
                    Ok(before)
                }
            })
        })?;
        let before = match changed {
            Ok(before) => before,
            Err(Value::Symbol(index)) => {
                let before = self.get(Var::Global(index))?;
                let before = self.number(&before);
                self.set(Var::Global(index), Value::Number(before + by))?;
                before
            }
            Err(_) => return fatal("attempt to use array in a scalar context"),
        };
        self.push(Value::Number(if old { before } else { before + by }));
        Ok(())
    }

    /// An instruction that may have to wait.
    async fn wait_for(&mut self, op: Op) -> Step<()> {
        match op {
            Op::Getline(reader, target) => {
                let result = self.getline(reader, target).await?;
                self.push(Value::Number(result));
            }
            Op::Builtin(name, count) => self.builtin(name, count as usize).await?,
            Op::Print(count, writer) => {
                let name = self.pop_text();
                let mut text = Vec::new();
                if count == 0 {
                    text.extend_from_slice(self.record.bytes(&self.ofs, &self.convfmt));
                } else {
                    for (index, value) in self.pop_many(count as usize).iter().enumerate() {
                        if index > 0 {
                            text.extend_from_slice(&self.ofs);
                        }
                        value.append_to(&self.ofmt, &mut text);
                    }
                }
                text.extend_from_slice(&self.ors);
                self.write(writer, name, &text).await?;
            }
            Op::Printf(count, writer) => {
                let name = self.pop_text();
                let arguments = self.pop_many(count as usize);
                let text = self.formatted(&arguments)?;
                self.write(writer, name, &text).await?;
            }
            Op::Iterate => {
                let array = self.pop_array()?;
                let keys = self.sorted_keys(&array).await?;
                self.loops.push(keys.into_iter());
            }
            _ => {}
        }
        Ok(())
    }
}

/// A section that has to wait before it goes on.
pub(super) struct Unfinished(Pause);
