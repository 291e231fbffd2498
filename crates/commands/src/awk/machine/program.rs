//! The sections of a program and its records; calls of functions, and what is assigned to.

use super::super::code::{Base, Target};
use super::super::value::Value;
use super::run::PATIENCE;
use super::{DEPTH, Flow, Frame, Machine, STACK, Step, fatal};

impl Machine<'_> {
    /// The present value of a place that leads to on the stack, which stays there.
    pub(in super::super) fn target_value(&mut self, target: Target) -> Step<Value> {
        match target {
            Target::None => Ok(self.pop()),
            Target::Var(variable) => self.get(variable),
            Target::Field => {
                let number = self.stack.last().cloned().unwrap_or(Value::Unset);
                let number = self.number(&number);
                self.field(number)
            }
            Target::Element(base) => {
                let depth = if base == Base::Stack { 2 } else { 1 };
                let at = self.stack.len().saturating_sub(depth);
                let kept: Vec<Value> = self.stack.get(at..).unwrap_or_default().to_vec();
                let value = self.with_key(base, |array, key| array.update(key, |place| place.clone()))?;
                self.stack.extend(kept);
                let value = self.resolved(value)?;
                if let Value::Array(_) = value {
                    return fatal("attempt to use array in a scalar context");
                }
                Ok(value)
            }
        }
    }

    /// Forgets what leads to a place.
    pub(in super::super) fn drop_target(&mut self, target: Target) {
        let at = self.stack.len().saturating_sub(target.depth());
        self.stack.truncate(at);
    }

    /// Takes the two values below the uppermost `depth`: the upper one, and the lower one.
    pub(in super::super) fn below(&mut self, depth: usize) -> (Value, Value) {
        let at = self.stack.len().saturating_sub(depth + 2);
        let mut taken = self.stack.drain(at..(at + 2).min(self.stack.len()));
        let lower = taken.next().unwrap_or(Value::Unset);
        (taken.next().unwrap_or(Value::Unset), lower)
    }

    /// Assigns a value to a place, which is taken off the stack.
    pub(in super::super) fn assign_target(&mut self, target: Target, value: Value) -> Step<()> {
        match target {
            Target::None => Ok(()),
            Target::Var(variable) => self.set(variable, value),
            Target::Field => {
                let number = self.pop_number();
                self.set_field(number, value)
            }
            Target::Element(base) => {
                let depth = if base == Base::Stack { 2 } else { 1 };
                let at = self.stack.len().saturating_sub(depth);
                self.stack.insert(at, value);
                self.set_element(base)?;
                Ok(())
            }
        }
    }

    /// Enters a function whose arguments lie on the stack.
    pub(super) fn enter(&mut self, function: usize, arguments: usize, return_to: usize) -> Step<()> {
        let Some(entry) = self.code.functions.get(function) else { return fatal("no such function") };
        if arguments > entry.parameters.len() {
            return fatal(format!(
                "function `{}' called with more arguments than declared",
                bstr::BStr::new(&entry.name[..])
            ));
        }
        let base = self.stack.len().saturating_sub(arguments);
        let (at, size) = (entry.at, base + entry.parameters.len());
        if self.frames.len() >= DEPTH || size > STACK {
            return fatal("function calls nest too deep");
        }
        self.stack.resize(size, Value::Unset);
        self.frames.push(Frame { function, return_to, base, loops: self.loops.len() });
        self.base = base;
        self.at = at;
        Ok(())
    }

    /// Calls a function from outside of the code.
    pub(in super::super) async fn call(&mut self, function: usize, arguments: Vec<Value>) -> Step<Value> {
        let here = self.at;
        let count = arguments.len();
        self.stack.extend(arguments);
        self.enter(function, count, here)?;
        let floor = self.frames.len();
        let at = self.at;
        let flow = Box::pin(self.run(at, floor)).await?;
        self.at = here;
        if flow != Flow::Return {
            return fatal("a function that compares cannot leave the rule");
        }
        Ok(self.pop())
    }

    /// Forgets what a section has left behind that ended early.
    pub(super) fn unwind(&mut self) {
        self.stack.clear();
        self.frames.clear();
        self.loops.clear();
        self.base = 0;
    }

    /// Runs the program.
    pub(in super::super) async fn program(&mut self) -> Result<(), crate::Fail> {
        let result = self.sections().await;
        // What went wrong is told where it happened.
        let result = result.map_err(|stop| self.failure(stop));
        let closed = self.close_all().await;
        let closed = closed.map_err(|stop| self.failure(stop));
        result.and(closed)
    }

    pub(super) async fn sections(&mut self) -> Step<()> {
        let code = self.code.clone();
        let mut exited = false;
        if let Some(begin) = code.begin {
            self.in_begin = true;
            exited = self.run(begin, 0).await? == Flow::Exit;
            self.in_begin = false;
            self.unwind();
        }
        let reads = code.main.is_some()
            || code.end.is_some()
            || code.begin_file.is_some()
            || code.end_file.is_some()
            || self.in_place.is_some();
        if !exited && reads {
            exited = self.records().await? == Flow::Exit;
            self.unwind();
        }
        if let Some(end) = code.end {
            // These rules run after an exit all the same.
            let _ = exited;
            self.in_end = true;
            self.run(end, 0).await?;
            self.unwind();
        }
        Ok(())
    }

    /// Runs the rules for each record.
    pub(super) async fn records(&mut self) -> Step<Flow> {
        let main = self.code.main;
        let mut count = 0_u32;
        loop {
            if !self.next_record_now() {
                self.between = true;
                let flow = self.next_record().await?;
                self.between = false;
                if flow != Flow::Next {
                    return Ok(flow);
                }
            }
            count += 1;
            if count == PATIENCE {
                count = 0;
                self.t.ctx.ticks(PATIENCE).await;
            }
            let Some(main) = main else { continue };
            let flow = match self.run_now(main)? {
                Ok(flow) => flow,
                Err(unfinished) => self.finish(unfinished).await?,
            };
            match flow {
                Flow::Exit => return Ok(Flow::Exit),
                Flow::NextFile => {
                    self.unwind();
                    if self.end_file().await? == Flow::Exit {
                        return Ok(Flow::Exit);
                    }
                }
                Flow::Next => self.unwind(),
                Flow::End | Flow::Return => {}
            }
        }
    }
}
