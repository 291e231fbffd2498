//! The interpreter loop.

use std::rc::Rc;
use std::task::Poll;

use crate::options::Opt;
use crate::text::Str;
use crate::traps;
use crate::vm::code::{AssignKind, Op, Quoting};
use crate::vm::expand::STOP;
use crate::vm::{CallKind, Condition, Ctl, Element, Step, Unwind, Vm};

/// Instructions between two looks at the scheduler.
const BATCH: u32 = 64;

/// What an instruction did beside its effect on the state.
pub(crate) enum Next {
    Go,
    /// `pending` is set.
    Wait,
}

impl Vm {
    /// Executes until something is waited for, the slice is used up, or the shell ends.
    pub(super) fn run(&mut self) -> Step {
        let mut budget = BATCH;
        loop {
            if budget == 0 {
                budget = BATCH;
                if !self.expands_at_once() && self.ctx.poll_tick(BATCH).is_pending() {
                    return Step::Yield;
                }
            }
            budget -= 1;
            let op = self.code.ops.get(self.pc).copied().unwrap_or(Op::End);
            self.pc += 1;
            match self.execute(op) {
                Ok(Next::Go) => {}
                Ok(Next::Wait) => {
                    if self.pending.is_some() {
                        return Step::Wait;
                    }
                }
                Err(unwind) => {
                    if self.expands_at_once() {
                        return Step::Unwind(unwind);
                    }
                    if unwind == Unwind::Expand && self.begin_expansion() {
                        continue;
                    }
                    if let Some(status) = self.unwind(unwind) {
                        return Step::Exit(status);
                    }
                }
            }
            if self.attention != 0
                && let Some(step) = self.attend()
            {
                return step;
            }
        }
    }

    fn pop(&mut self) -> Str {
        self.args.pop().unwrap_or_default()
    }

    #[inline]
    fn execute(&mut self, op: Op) -> Result<Next, Unwind> {
        match op {
            Op::End => return self.end_of_code(),
            Op::Line(line) => self.line = line,
            Op::Jump(target) => {
                // A loop that runs no command is interrupted here.
                if (target as usize) < self.pc && self.ctx.has_signal() {
                    self.pc = target as usize;
                    self.take_signal();
                    return Ok(Next::Go);
                }
                self.pc = target as usize;
            }
            Op::JumpOk(target) => {
                if self.shell.status == 0 {
                    self.pc = target as usize;
                }
            }
            Op::JumpFail(target) => {
                if self.shell.status != 0 {
                    self.pc = target as usize;
                }
            }
            Op::SetStatus(status) => self.shell.status = status,
            Op::Negate => {
                let status = u8::from(self.shell.status == 0);
                self.shell.status = status;
            }
            Op::ErrCheck => self.after_command(false)?,
            Op::Command(span) => {
                self.command = span;
                self.command_code = None;
            }
            Op::Debug(span, skip) => {
                self.command = span;
                if self.command_code.is_some() {
                    self.command_code = None;
                }
                if !self.shell.traps_debug {
                    // The expressions of a loop need not go round once more.
                    match self.code.ops.get(self.pc) {
                        Some(&Op::ArithFor(index, target)) => {
                            self.pc += 1;
                            self.arith_for(index, target)?;
                        }
                        Some(&Op::ArithJumpZero(index, target)) => {
                            self.pc += 1;
                            self.arith_jump_zero(index, target)?;
                        }
                        _ => {}
                    }
                    return Ok(Next::Go);
                }
                self.debug_trap(skip);
            }

            Op::EnterLoop(break_to, continue_to) => {
                let heights = self.heights();
                let items = std::mem::take(&mut self.loop_items);
                self.ctl.push(Ctl::Loop {
                    break_to,
                    continue_to,
                    status: 0,
                    heights,
                    items,
                    condition: None,
                    shown: false,
                });
            }
            Op::EnterWhile(index) => {
                if let Some(info) = self.code.loops.get(index as usize).copied() {
                    let condition = Condition { end: info.body, done: info.done, until: info.until };
                    let heights = self.heights();
                    self.ctl.push(Ctl::Loop {
                        break_to: info.break_to,
                        continue_to: info.top,
                        status: 0,
                        heights,
                        items: Vec::new(),
                        condition: Some(condition),
                        shown: false,
                    });
                }
            }
            Op::LeaveLoop => {
                self.pop_ctl();
            }
            Op::LoopStatus { store } => {
                if let Some(Ctl::Loop { status, .. }) = self.ctl.last_mut() {
                    if store {
                        *status = self.shell.status;
                    } else {
                        self.shell.status = *status;
                    }
                }
                if store && self.ctx.has_signal() {
                    self.take_signal();
                }
            }
            Op::LoopNext(line) => {
                if let Some(Ctl::Loop { status, .. }) = self.ctl.last_mut() {
                    *status = self.shell.status;
                }
                self.line = line;
                if self.ctx.has_signal() {
                    self.take_signal();
                }
            }
            Op::ForInit { positional } => {
                self.large_args = 0;
                // The items are taken from the end.
                self.loop_items = if positional {
                    self.shell.args.iter().rev().cloned().collect()
                } else {
                    let mark = self.marks.pop().unwrap_or(self.args.len());
                    self.args.drain(mark.min(self.args.len())..).rev().collect()
                };
            }
            Op::ForNext(symbol, done) => {
                let item = match self.ctl.last_mut() {
                    Some(Ctl::Loop { items, .. }) => items.pop(),
                    _ => None,
                };
                match item {
                    Some(item) => match self.for_assign(symbol, item) {
                        Err(Unwind::Discard(status)) => {
                            self.set_loop_status(status);
                            self.pc = done as usize;
                        }
                        other => other?,
                    },
                    None => self.pc = done as usize,
                }
            }
            Op::SelectNext(symbol, done) => return self.select(symbol, done),
            Op::BadName(index) => {
                let mut message = b"`".to_vec();
                message.extend_from_slice(self.code.text(index));
                message.extend_from_slice(b"': not a valid identifier");
                self.error(&message);
                return Err(Unwind::Discard(1));
            }

            Op::Mark => self.marks.push(self.args.len()),
            Op::Push(index) => {
                let text = self.code.text(index).clone();
                self.args.push(text);
            }
            Op::PushVar(symbol) if self.is_reference(symbol) => {
                self.begin_word();
                self.push_reference(symbol, Quoting::Quoted)?;
                self.end_word(crate::vm::code::WordEnd::Fields)?;
            }
            Op::PushVar(symbol) => {
                let value = self.value_or_unset(symbol)?;
                self.args.push(value);
            }
            Op::PushVarSplit(symbol) => {
                let value = self.value_or_unset(symbol)?;
                self.push_split(value)?;
            }
            Op::PushArgs => {
                let args = self.shell.args.clone();
                self.args.extend(args.iter().cloned());
                self.check_args()?;
            }
            Op::PushSequence(index) => return self.push_sequence(index),
            Op::PopArg => {
                self.args.pop();
            }
            Op::BeginWord => self.begin_word(),
            Op::EndWord(end) => self.end_word(end)?,
            Op::Text(index, quoting) => {
                let code = self.code.clone();
                self.word().push(code.text(index), quoting);
            }
            Op::Quote => self.word().quote(),
            Op::Var(symbol, quoting) if self.is_reference(symbol) => self.push_reference(symbol, quoting)?,
            Op::Var(symbol, quoting) => {
                let value = self.value_or_unset(symbol)?;
                self.word().push(&value, quoting);
            }
            Op::Param(index) => self.param(index)?,
            Op::ParamDefault(index, target) => self.param_default(index, target)?,
            Op::SkipUnset(symbol, quoting, target) => {
                let var = self.shell.vars.get(symbol);
                if !var.is_set()
                    && !var.attrs.intersects(crate::vars::Attrs::SPECIAL | crate::vars::Attrs::NAMEREF)
                    && !self.opt(Opt::NoUnset)
                {
                    if quoting == Quoting::Quoted {
                        self.word().quote();
                    }
                    self.pc = target as usize;
                }
            }
            Op::SkipElement(symbol, quoting, target) => {
                let var = self.shell.vars.get(symbol);
                if !var.attrs.intersects(crate::vars::Attrs::SPECIAL | crate::vars::Attrs::NAMEREF)
                    && !self.opt(Opt::NoUnset)
                    && let Some(key) = self.args.last().cloned()
                    && self.element(symbol, &key)?.is_none()
                {
                    self.args.pop();
                    if quoting == Quoting::Quoted {
                        self.word().quote();
                    }
                    self.pc = target as usize;
                }
            }
            Op::SkipAbsent(number, quoting, target) => {
                if number as usize > self.shell.args.len() && !self.opt(Opt::NoUnset) {
                    if quoting == Quoting::Quoted {
                        self.word().quote();
                    }
                    self.pc = target as usize;
                }
            }
            Op::ParamAlternative(index, target) => self.param_alternative(index, target)?,
            Op::ParamAssign(index) => self.param_assign(index)?,
            Op::ParamError(index) => return self.param_error(index).map(|()| Next::Go),
            Op::Tilde(index, quoting) => {
                let text = self.code.text(index).clone();
                match self.tilde(&text) {
                    Some(value) => {
                        self.word().push(&value, quoting);
                        self.word().quote();
                    }
                    None => {
                        self.word().push(b"~", Quoting::Literal);
                        self.word().push(&text, Quoting::Literal);
                    }
                }
            }
            Op::ArithText(index, quoting) => {
                let value = self.arith_at(index)?;
                self.word().push(&Str::from_int(value), quoting);
            }
            Op::ArithDynamic(quoting) => {
                let text = self.pop();
                let value = self.arith_text(&text);
                let value = self.give_back(value, text)?;
                self.word().push(&Str::from_int(value), quoting);
            }
            Op::ArithGuard(index, slow) => {
                let fine = self.code.ariths.get(index as usize).is_some_and(|code| self.arith_guard(code));
                if !fine {
                    self.pc = slow as usize;
                }
            }
            Op::Number(index) => {
                let value = self.arith_at(index)?;
                self.numbers.push(value);
            }
            Op::NumberDynamic => {
                let text = self.pop();
                let value = self.arith_text(&text);
                let value = self.give_back(value, text)?;
                self.numbers.push(value);
            }
            Op::SubscriptPart => self.word().begin_subscript_part(),
            Op::SubscriptPartEnd => self.word().end_subscript_part(),
            Op::Subscript(symbol) => {
                let text = self.pop();
                let key = self.key(symbol, text.clone());
                let key = self.give_back(key, text)?;
                self.args.push(key);
            }
            Op::SubscriptStatic(symbol, text, index) => {
                let target = self.resolve(symbol)?.0;
                if self.shell.vars.get(target).value.is_assoc() {
                    let text = self.code.text(text).clone();
                    self.args.push(text);
                } else {
                    let value = match self.arith_at(index) {
                        Err(Unwind::Discard(_)) => return Err(self.too_many_arguments()),
                        other => other?,
                    };
                    self.args.push(Str::from_int(value));
                }
            }

            Op::Substitute(quoting, end) => return self.substitute(quoting, end),
            Op::SubstituteFile(quoting) => return self.substitute_file(quoting),
            Op::ProcessSubstitute { write, end } => self.process_substitute(write, end)?,
            Op::ProcessMark => self.process_marks.push(self.processes.len()),
            Op::ProcessClose => self.close_processes(),
            Op::SyntaxError(index) => {
                let text = self.code.text(index).clone();
                for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
                    let line = line.to_vec();
                    self.error(&line);
                }
            }

            Op::AssignBegin => {
                self.large_args = 0;
                self.substituted = None;
            }
            Op::Assign(index) => {
                let Some(assign) = self.code.assigns.get(index as usize).copied() else {
                    return Ok(Next::Go);
                };
                self.assign_from_stack(&assign)?;
            }
            Op::AssignNumber(symbol, index) => {
                let value = self.arith_at(index)?;
                if self.opt(Opt::XTrace) {
                    self.trace_assign(symbol, &Str::from_int(value));
                }
                self.assign(symbol, crate::vars::Value::Int(value))?;
            }
            Op::MakeArray(symbol) => {
                if !self.shell.vars.get(symbol).exists {
                    let var = self.shell.vars.get_mut(symbol);
                    var.exists = true;
                    var.value = crate::vars::Value::Indexed(Rc::default());
                }
            }
            Op::ArrayBegin => self.elements.push(Vec::new()),
            Op::ElementKeyed { append } => {
                let value = self.pop();
                let key = self.pop();
                if let Some(elements) = self.elements.last_mut() {
                    elements.push(Element::Keyed { key, value, append });
                }
            }
            Op::ElementWords => {
                let mark = self.marks.pop().unwrap_or(self.args.len());
                let values = self.args.drain(mark.min(self.args.len())..);
                if let Some(elements) = self.elements.last_mut() {
                    elements.extend(values.map(Element::Value));
                }
            }
            Op::AssignEnd(index) => {
                let status = self.substituted.take().unwrap_or(0);
                self.set_status(status);
                self.bind_last_arg(Str::EMPTY);
                let in_condition = self.code.execs.get(index as usize).is_some_and(|exec| exec.in_condition);
                if self.has_output() {
                    return self.flush_then(status);
                }
                self.after_command(in_condition)?;
                if self.ctx.has_signal() {
                    self.take_signal();
                }
            }
            Op::Declare(index) => {
                let Some(assign) = self.code.assigns.get(index as usize).copied() else {
                    return Ok(Next::Go);
                };
                self.declare_from_stack(&assign);
            }
            Op::TempAssign(index) => {
                let Some(assign) = self.code.assigns.get(index as usize).copied() else {
                    return Ok(Next::Go);
                };
                self.assign_temporary(&assign)?;
            }

            Op::RedirBegin(fail_to) => {
                let heights = self.heights();
                self.ctl.push(Ctl::Redirect { saved: Vec::new(), fail_to, heights });
            }
            Op::RedirFork { always, end } => return self.redirect_fork(always, end),
            Op::RedirForkEnd => {
                if self.redirects_alone {
                    return self.subshell_end();
                }
            }
            Op::Redir(index) => return self.redirect(index),
            Op::RedirEnd => {
                self.pop_ctl();
            }

            Op::Exec(index) => {
                self.large_args = 0;
                return self.exec(index);
            }
            Op::ExecNothing(index) => {
                self.marks.pop();
                let status = self.substituted.take().unwrap_or(0);
                self.set_status(status);
                self.bind_last_arg(Str::EMPTY);
                let in_condition =
                    self.code.execs.get(index as usize).is_some_and(|exec| exec.in_condition || exec.alone);
                self.after_command(in_condition)?;
            }
            Op::DefineFunction(index) => {
                let code = self.code.clone();
                if let Some(function) = code.functions.get(index as usize) {
                    self.define_function(function)?;
                }
            }

            Op::Subshell(end) => return self.subshell(end),
            Op::Background(text, end) => self.background(text, end)?,
            Op::Coproc(name, end) => self.coproc(name, end)?,
            Op::SubshellEnd => return self.subshell_end(),
            Op::PipeBegin => self.pipe_begin(),
            Op::PipeStage(index) => self.pipe_stage(index)?,
            Op::Invert => {
                self.ctl.push(Ctl::Inverted { no_errexit: self.no_errexit });
                self.no_errexit |= self.opt(Opt::ErrExit);
            }
            Op::InvertEnd => {
                self.pop_ctl();
            }
            Op::PipeBackground(first) => self.pipe_background(first),
            Op::PipeWait { negated } => return self.pipe_wait(negated),
            Op::TimeBegin => {
                let times = (self.ctx.monotonic(), self.ctx.kernel().steps());
                self.times.push(times);
            }
            Op::TimeEnd { posix } => self.time_end(posix),

            Op::ArithCommand(index) => {
                let value = self.arith_command(|vm| vm.arith_command_at(index))?;
                self.set_status(u8::from(value == 0));
            }
            Op::ArithCommandDynamic => {
                let text = self.pop();
                let value = self.arith_command(|vm| vm.arith_command_text(&text));
                let value = self.give_back(value, text)?;
                self.set_status(u8::from(value == 0));
            }
            Op::ArithJumpZero(index, target) => self.arith_jump_zero(index, target)?,
            Op::ArithFor(index, target) => self.arith_for(index, target)?,
            Op::ArithForDynamic(target) => {
                let text = self.pop();
                let value = self.arith_command(|vm| vm.arith_command_text(&text));
                self.give_back(value, text)?;
                if self.arith_wrong {
                    self.pc = target as usize;
                }
            }
            Op::ArithJumpZeroDynamic(target) => {
                let text = self.pop();
                let value = self.arith_command(|vm| vm.arith_command_text(&text));
                if self.give_back(value, text)? == 0 {
                    self.pc = target as usize;
                }
            }

            Op::TraceCase => {
                if self.opt(Opt::XTrace) {
                    let span = self.command;
                    let code = self.code.clone();
                    let head = wasmsh_syntax::print::trapped(&code.ast, span);
                    self.trace(head.trim_ascii_end());
                }
            }
            Op::CaseMatch(target) => {
                let pattern = self.pop();
                let nocase = self.shopt(crate::options::Shopt::NoCaseMatch);
                let pattern = self.pattern(&pattern, nocase);
                if self.args.last().is_some_and(|subject| pattern.is_match(subject)) {
                    self.pc = target as usize;
                }
            }
            Op::CaseLiteral(index, target) => {
                let matches = if self.shopt(crate::options::Shopt::NoCaseMatch) {
                    let text = self.code.text(index).clone();
                    let pattern = self.pattern(&text, true);
                    self.args.last().is_some_and(|subject| pattern.is_match(subject))
                } else {
                    self.args.last().is_some_and(|subject| subject == self.code.text(index))
                };
                if matches {
                    self.pc = target as usize;
                }
            }
            Op::CondWord => {
                let text = self.pop();
                if self.opt(Opt::XTrace) {
                    self.trace_word(&text);
                }
                self.shell.status = u8::from(text.is_empty());
            }
            Op::CondUnary(letter) => {
                let operand = self.pop();
                self.builtin = "";
                let holds = self.cond_unary(letter, &operand);
                if self.opt(Opt::XTrace) && holds.is_ok() {
                    self.trace_unary(letter, &operand);
                }
                let holds = self.give_back(holds, operand)?;
                self.shell.status = u8::from(!holds);
            }
            Op::CondBinary(op) => {
                let right = self.pop();
                let left = self.pop();
                if self.opt(Opt::XTrace) && !self.is_retried() {
                    self.trace_binary(op, &left, &right);
                }
                match self.cond_binary(op, &left, &right) {
                    Err(Unwind::Expand) => {
                        self.args.push(left);
                        self.args.push(right);
                        return Err(Unwind::Expand);
                    }
                    result => self.shell.status = result?,
                }
            }
            Op::CondNot => self.shell.status = u8::from(self.shell.status == 0),
            Op::CondEnd => {
                let status = self.shell.status;
                self.set_status(status);
            }
            Op::Ambiguous => {
                self.args.push(Str::EMPTY);
                self.ambiguous = true;
            }
            Op::Fail(index) => {
                let text = self.code.text(index).clone();
                self.error(&text);
                return Err(Unwind::Discard(1));
            }
            Op::CopyFile => return self.copy_file(),
            Op::UnsetKey(symbol, target) => {
                let name = self.resolve(symbol)?.0;
                if matches!(self.shell.vars.get(name).value, crate::vars::Value::Unset) {
                    self.args.push(Str::from_int(0));
                    self.pc = target as usize;
                }
            }
            Op::AssocJump(symbol, target) => {
                let name = self.resolve(symbol)?.0;
                if self.shell.vars.get(name).value.is_assoc() {
                    self.pc = target as usize;
                }
            }
            Op::AppendNewline => {
                if let Some(text) = self.args.last_mut() {
                    text.push(b"\n");
                }
            }
        }
        Ok(Next::Go)
    }

    /// The words of `{1..n}`, a piece at a time.
    fn push_sequence(&mut self, index: u32) -> Result<Next, Unwind> {
        const PIECE: u64 = 1024;
        let code = self.code.clone();
        let Some(sequence) = code.sequences.get(index as usize) else { return Ok(Next::Go) };
        if self.progress == 0 && sequence.len() > (self.expansion_limit / std::mem::size_of::<Str>()) as u64 {
            return Err(self.too_large());
        }
        let end = sequence.len().min(self.progress + PIECE);
        let mut text = Vec::new();
        for at in self.progress..end {
            text.clear();
            sequence.write(at, &mut text);
            self.args.push(Str::new(&text));
        }
        self.fuel((end - self.progress) as u32 / 4);
        if end < sequence.len() {
            self.progress = end;
            // The same once more.
            self.pc -= 1;
            return Ok(Next::Go);
        }
        self.progress = 0;
        self.check_args()?;
        Ok(Next::Go)
    }

    #[inline]
    fn arith_command_at(&mut self, index: u32) -> Result<i64, Unwind> {
        if self.opt(Opt::XTrace)
            && let Some(code) = self.code.ariths.get(index as usize).cloned()
        {
            self.trace_arith(code.text());
        }
        self.arith_at(index)
    }

    fn arith_command_text(&mut self, text: &[u8]) -> Result<i64, Unwind> {
        if self.opt(Opt::XTrace) && !self.is_retried() {
            self.trace_arith(text);
        }
        self.arith_text(text)
    }

    #[inline]
    fn arith_at(&mut self, index: u32) -> Result<i64, Unwind> {
        let Some(code) = self.code.ariths.get(index as usize).cloned() else { return Ok(0) };
        self.arith(&code)
    }

    /// `((…))`: an error makes it fail, and no more.
    fn arith_command(
        &mut self,
        evaluate: impl FnOnce(&mut Vm) -> Result<i64, Unwind>,
    ) -> Result<i64, Unwind> {
        self.arith_prefix = Some(b"((");
        let result = evaluate(self);
        self.arith_prefix = None;
        self.arith_wrong = false;
        match result {
            Ok(value) => Ok(value),
            Err(Unwind::Discard(_)) if self.arith_failed => {
                self.arith_failed = false;
                self.arith_wrong = true;
                self.set_loop_status(1);
                if self.has_output() {
                    self.flush_now();
                }
                Ok(0)
            }
            Err(unwind) => Err(unwind),
        }
    }

    fn arith_jump_zero(&mut self, index: u32, target: u32) -> Result<(), Unwind> {
        if self.arith_command(|vm| vm.arith_command_at(index))? == 0 {
            self.pc = target as usize;
        }
        Ok(())
    }

    fn arith_for(&mut self, index: u32, target: u32) -> Result<(), Unwind> {
        self.arith_command(|vm| vm.arith_command_at(index))?;
        if self.arith_wrong {
            self.pc = target as usize;
        }
        Ok(())
    }

    /// The code has come to its end: the next command of the script, or back to the caller.
    fn end_of_code(&mut self) -> Result<Next, Unwind> {
        if self.has_output() && self.flush().is_pending() {
            // What is left is written later; messages are never lost.
            self.pc = self.code.ops.len();
        }
        match self.ctl.last() {
            None => {
                let status = self.shell.status;
                return Err(Unwind::Exit(status));
            }
            Some(Ctl::Call) => {}
            Some(_) => {
                self.pop_ctl();
                return Ok(Next::Go);
            }
        }
        let Some(call) = self.calls.last() else { return Err(Unwind::Exit(self.shell.status)) };
        let (kind, scripted) = (call.kind, call.script.is_some());
        if kind == CallKind::Expand {
            self.end_expansion();
            return Ok(Next::Go);
        }
        if scripted && self.next_unit()? {
            return Ok(if self.pending.is_some() { Next::Wait } else { Next::Go });
        }
        if kind == CallKind::Trap {
            if let Some(status) = self.end_trap() {
                self.shell.status = status;
                self.attention |= STOP;
            }
            return Ok(Next::Go);
        }
        if kind == CallKind::Main {
            return Err(Unwind::Exit(self.shell.status));
        }
        if let Some(status) = self.return_from_call() {
            self.shell.status = status;
            self.attention |= STOP;
        }
        Ok(Next::Go)
    }

    /// Lets the output go out, then ends the command with `status`.
    pub(crate) fn flush_then(&mut self, status: u8) -> Result<Next, Unwind> {
        match self.flush() {
            Poll::Ready(result) => {
                let status = self.write_status(status, result);
                self.finish_command(status)?;
                Ok(Next::Go)
            }
            Poll::Pending => {
                self.pending = Some(super::Pending::Output(status));
                Ok(Next::Wait)
            }
        }
    }

    /// The DEBUG trap before a command that ends at `skip`.
    pub(super) fn debug_trap(&mut self, skip: u32) {
        if self.in_trap(traps::DEBUG) || self.shell.traps.get(traps::DEBUG).is_none() {
            return;
        }
        self.run_trap(traps::DEBUG, None);
        if self.shopt(crate::options::Shopt::ExtDebug)
            && let Some(call) = self.calls.last_mut()
            && let Some(after) = Rc::make_mut(call).after_trap.as_mut()
        {
            after.skip = Some(skip);
        }
    }

    pub(super) fn is_scalar(kind: AssignKind) -> bool {
        kind == AssignKind::Scalar
    }

    /// The next command of the script that is read. False: there is none.
    fn next_unit(&mut self) -> Result<bool, Unwind> {
        use crate::vm::script::Unit;
        loop {
            let Some((script, index)) = self.calls.last().and_then(|call| call.script.clone()) else {
                return Ok(false);
            };
            let options = self.parser_options();
            let aliases = self.shell.aliases.clone();
            let shared = self.shell.shared.clone();
            shared.brace_expand.set(self.opt(Opt::BraceExpand));
            if self.expands_history() && self.calls.last().is_some_and(|call| call.kind == CallKind::Main) {
                script.borrow_mut().hold();
            }
            let mut warnings = Vec::new();
            let unit = script
                .borrow_mut()
                .unit(index, &shared, options, &*aliases, &mut |warning| warnings.push(warning.message()));
            for (line, message) in warnings {
                self.line = line;
                self.error(&message);
            }
            let Some(call) = self.calls.last_mut() else { return Ok(false) };
            let call = Rc::make_mut(call);
            match unit {
                Err(reread) => {
                    call.script = Some((Rc::new(std::cell::RefCell::new(*reread)), 0));
                }
                Ok(Unit::End) => return Ok(false),
                Ok(Unit::NeedInput) if script.borrow().is_held() => {
                    let line = script.borrow_mut().held_line();
                    let line = line.map(|line| self.history_line(&script, line));
                    script.borrow_mut().push(line.as_deref());
                }
                Ok(Unit::NeedInput) => {
                    self.read_script_line(script);
                    return Ok(true);
                }
                Ok(Unit::Code(code)) => {
                    let (main, edited) = (call.kind == CallKind::Main, call.edited);
                    let keep = script.borrow().keep;
                    if let Some((_, index)) = &mut call.script
                        && keep
                    {
                        *index += 1;
                    }
                    if (main || edited) && self.opt(Opt::History) {
                        self.remember(&code.ast.text, code.ast.has_here_documents());
                    }
                    let old = std::mem::replace(&mut self.code, code);
                    self.pc = 0;
                    if !keep {
                        script.borrow_mut().recycle(&shared, old);
                    }
                    let open = script.borrow().open;
                    if (edited || self.opt(Opt::Verbose)) && !open {
                        let code = self.code.clone();
                        self.put(2, &code.ast.text);
                        self.flush_now();
                    }
                    if self.opt(Opt::NoExec) && !self.shell.interactive {
                        self.code = Rc::default();
                    }
                    return Ok(true);
                }
                Ok(Unit::Error(error)) => {
                    let kind = call.kind;
                    let mut prefix = self.shell_name();
                    match kind {
                        CallKind::Eval => prefix.extend_from_slice(b": eval"),
                        CallKind::Main if self.shell.command_string.is_some() => {
                            prefix.extend_from_slice(b": -c")
                        }
                        _ => {}
                    }
                    self.put(2, &error.render(&prefix));
                    // A mistake inside `[[ … ]]` leaves the status, as in bash.
                    let cond = matches!(error.kind, wasmsh_syntax::error::ParseErrorKind::Cond { .. });
                    let array = matches!(error.kind, wasmsh_syntax::error::ParseErrorKind::ArrayToken(_));
                    if array {
                        self.set_status(1);
                    } else if !(cond && kind == CallKind::Main) || error.is_incomplete() {
                        self.set_status(2);
                    }
                    self.flush_now();
                    if error.in_substitution
                        && !array
                        && !error.is_incomplete()
                        && self.shell.command_string.is_some()
                        && !self.shell.interactive
                    {
                        // Bash gives a command string up altogether then.
                        return Err(Unwind::Exit(127));
                    }
                    if array || kind == CallKind::Main && self.shell.interactive {
                        continue;
                    }
                    // The rest of the text is given up.
                    if let Some(call) = self.calls.last_mut() {
                        Rc::make_mut(call).script = None;
                    }
                    return Ok(false);
                }
            }
        }
    }
}

impl Vm {
    /// Waits for the next line of a script that comes through standard input; commands in it read on there.
    fn read_script_line(&mut self, script: Rc<std::cell::RefCell<crate::vm::script::Script>>) {
        self.code = Rc::default();
        self.pc = 0;
        let ctx = self.ctx.clone();
        let future = Box::pin(async move {
            let line = crate::builtins::read::script_line(&ctx).await;
            let after: super::After = Box::new(move |vm: &mut Vm| {
                if line.is_some() && vm.opt(Opt::Verbose) {
                    vm.put(2, line.as_deref().unwrap_or_default());
                    vm.flush_now();
                }
                let line = line.map(|line| vm.history_line(&script, line));
                script.borrow_mut().push(line.as_deref());
                super::Outcome::Continue
            });
            after
        });
        self.pending = Some(super::Pending::Future { future, interruptible: false });
    }

    pub(crate) fn set_pending(&mut self, pending: super::Pending) {
        self.pending = Some(pending);
    }

    /// The status of the innermost loop, when it ends.
    pub(crate) fn set_loop_status(&mut self, new: u8) {
        if let Some(Ctl::Loop { status, .. }) = self.ctl.last_mut() {
            *status = new;
        }
    }

    /// The status, or inside a trap that from before it.
    pub(crate) fn status_before_trap(&self) -> u8 {
        let trap = self.calls.iter().rev().find_map(|call| call.after_trap.as_ref());
        trap.map_or(self.shell.status, |after| after.status)
    }

    /// The status that `exit` without an argument means.
    pub(crate) fn exit_status(&self) -> u8 {
        let trap =
            self.calls.iter().rev().find(|call| call.kind == CallKind::Trap && call.trap == traps::EXIT);
        match trap.and_then(|call| call.after_trap.as_ref()) {
            Some(after) => after.status,
            None => self.shell.status,
        }
    }
}
