//! Leaving constructs: loops, calls, the whole command, the shell; and what follows a command.

use std::rc::Rc;

use wasmsh_os::Signal;

use crate::options::Opt;
use crate::traps;
use crate::vars::Attrs;
use crate::vm::{AfterTrap, CallKind, Ctl, PipeStatus, Unwind, Vm};

impl Vm {
    /// Leaves the top construct, whatever it is.
    pub(crate) fn pop_ctl(&mut self) {
        match self.ctl.pop() {
            None => {}
            Some(Ctl::Loop { heights, .. }) => self.cut(heights),
            Some(Ctl::Redirect { saved, heights, .. }) => {
                self.flush_now();
                self.restore_descriptors(saved);
                self.cut(heights);
            }
            Some(Ctl::LastPipe { saved, .. }) => {
                self.restore_descriptors(vec![(0, saved)]);
            }
            Some(Ctl::Inverted { no_errexit }) => self.no_errexit = no_errexit,
            Some(Ctl::Call) => self.pop_call(),
        }
    }

    /// Leaves the top call: what it has changed for its time is put back.
    pub(crate) fn pop_call(&mut self) {
        let Some(call) = self.calls.pop() else { return };
        let mut call = Rc::try_unwrap(call).unwrap_or_else(|call| (*call).clone());
        if call.kind == CallKind::Expand {
            self.expansion_left(call.trap);
        }
        let code = std::mem::replace(&mut self.code, call.code);
        if call.kind == CallKind::Function && self.command_code.is_none() && !self.shell.traps.is_empty() {
            // Traps of the caller see the last command of the function.
            self.command_code = Some(code);
        }
        self.pc = call.pc;
        self.no_errexit = call.no_errexit;
        self.cut(call.heights);
        if let Some(args) = call.args {
            self.shell.args = args;
        }
        if let Some(options) = call.options {
            self.shell.options = options;
        }
        if !call.stashed.is_empty() {
            let table = Rc::make_mut(&mut self.shell.traps);
            for (trap, text) in call.stashed {
                table.set(trap, Some(text));
            }
            self.shell.traps_debug = self.shell.traps.get(traps::DEBUG).is_some();
        }
        while let Some((symbol, mut var)) = call.saved.pop() {
            let left = self.shell.vars.get(symbol);
            if left.attrs.contains(Attrs::STAYS) && left.exists && !var.attrs.contains(Attrs::READONLY) {
                let kept = Attrs::EXPORT | Attrs::READONLY;
                var.value = left.value.clone();
                var.exists = true;
                var.attrs |= left.attrs & kept;
            }
            self.restore_variable(symbol, var);
        }
        if matches!(call.kind, CallKind::Function | CallKind::Source | CallKind::Eval) {
            self.line = call.line;
        }
        if let Some(at) = call.getopts_at {
            self.shell.getopts_at = at;
        }
        if let Some(last) = call.last_arg {
            self.bind_last_arg(last);
        }
        if let Some(after) = call.after_trap {
            self.shell.status = after.status;
            self.shell.pipe_status = after.pipe_status;
            self.line = after.line;
            let (code, span) = after.command;
            self.command = span;
            self.command_code = (!Rc::ptr_eq(&code, &self.code)).then_some(code);
        }
    }

    /// Carries out an unwinding. `Some`: the shell ends with this status.
    pub(crate) fn unwind(&mut self, unwind: Unwind) -> Option<u8> {
        self.restore_temporary();
        self.declarations.clear();
        self.arith_prefix = None;
        if self.has_expansions() {
            self.forget_expansions();
        }
        match unwind {
            // It cannot be done here.
            Unwind::Expand => return self.unwind(Unwind::Discard(1)),
            Unwind::Exit(status) => return self.begin_exit(status),
            Unwind::Fail(status) => {
                self.set_status(status);
                // Only redirections fail so; they know where their command ends.
                while let Some(ctl) = self.ctl.last() {
                    if let Ctl::Redirect { fail_to, .. } = ctl {
                        self.pc = *fail_to as usize;
                        self.pop_ctl();
                        return None;
                    }
                    if matches!(ctl, Ctl::Call) {
                        break;
                    }
                    self.pop_ctl();
                }
                return self.unwind(Unwind::Discard(status));
            }
            Unwind::Discard(status) => {
                self.set_status(status);
                loop {
                    match self.ctl.last() {
                        None => return self.begin_exit(status),
                        Some(Ctl::Call) => {
                            let reads = self.calls.last().is_some_and(|call| call.script.is_some());
                            if reads {
                                let heights = self.calls.last().map(|call| call.heights).unwrap_or_default();
                                let main = self.calls.last().is_some_and(|call| call.kind == CallKind::Main);
                                self.cut(heights);
                                if self.shell.subshell > 0 && !main {
                                    return self.begin_exit(status);
                                }
                                // The reader goes on with its next command.
                                self.code = Rc::default();
                                self.pc = 0;
                                return None;
                            }
                            self.pop_ctl();
                        }
                        Some(_) => self.pop_ctl(),
                    }
                }
            }
            Unwind::Break(levels) | Unwind::Continue(levels) => {
                if let Some(last) = self.coming_last.take() {
                    self.bind_last_arg(last);
                }
                let is_break = matches!(unwind, Unwind::Break(_));
                let mut left = levels.max(1);
                // Bash's way out of all loops after a wrong count.
                let new = u8::from(levels == u32::MAX || self.current.negated);
                self.set_status(new);
                let loops = self.loop_depth();
                left = left.min(loops as u32);
                if left == 0 {
                    return None;
                }
                while let Some(ctl) = self.ctl.last_mut() {
                    if let Ctl::Loop { break_to, continue_to, status, heights, condition, .. } = ctl {
                        left -= 1;
                        if left == 0 {
                            if let Some(condition) = condition
                                && !is_break
                                && self.pc <= condition.end as usize
                                && condition.until == (new == 0)
                            {
                                // In the condition: it is as if that had ended the loop.
                                self.pc = condition.done as usize;
                                let heights = *heights;
                                self.cut(heights);
                            } else if is_break {
                                self.pc = *break_to as usize;
                                self.pop_ctl();
                            } else {
                                *status = new;
                                self.pc = *continue_to as usize;
                                let heights = *heights;
                                self.cut(heights);
                            }
                            return None;
                        }
                    }
                    self.pop_ctl();
                }
            }
            Unwind::Return(status) => {
                let before = self.shell.status;
                self.set_status(status);
                loop {
                    match self.ctl.last() {
                        // The function belongs to the parent of this subshell.
                        None => return self.begin_exit(status),
                        Some(Ctl::Call) => {
                            let kind = self.calls.last().map(|call| call.kind);
                            match kind {
                                Some(CallKind::Function | CallKind::Source) => {
                                    let depth = self.calls.len();
                                    let ended = self.return_from_call();
                                    if self.calls.len() > depth {
                                        // A RETURN trap sees the status from before `return`.
                                        self.shell.status = before;
                                    }
                                    return ended;
                                }
                                Some(CallKind::Trap) => {
                                    // `return` in a trap returns from what was interrupted.
                                    if let Some(call) = self.calls.last_mut()
                                        && let Some(after) = Rc::make_mut(call).after_trap.as_mut()
                                    {
                                        after.status = status;
                                    }
                                    self.pop_ctl();
                                }
                                Some(CallKind::Main) => return self.begin_exit(status),
                                _ => self.pop_ctl(),
                            }
                        }
                        Some(_) => self.pop_ctl(),
                    }
                }
            }
        }
        None
    }

    /// Loops of this process around the present command, as far as `break` sees them.
    pub(crate) fn loop_depth(&self) -> usize {
        let mut count = 0;
        let mut call = self.calls.len();
        for ctl in self.ctl.iter().rev() {
            match ctl {
                Ctl::Loop { .. } => count += 1,
                Ctl::Call => {
                    call -= 1;
                    let kind = self.calls.get(call).map(|call| call.kind);
                    if !matches!(kind, Some(CallKind::Eval | CallKind::Source | CallKind::Trap)) {
                        break;
                    }
                }
                _ => {}
            }
        }
        count
    }

    /// The function, file or text has come to its end.
    pub(crate) fn return_from_call(&mut self) -> Option<u8> {
        let Some(call) = self.calls.last().cloned() else { return Some(self.shell.status) };
        if matches!(call.kind, CallKind::Function | CallKind::Source)
            && self.shell.traps.get(traps::RETURN).is_some()
            && !self.in_trap(traps::RETURN)
            && call.trap == 0
        {
            if let Some(top) = self.calls.last_mut() {
                // Once.
                Rc::make_mut(top).trap = u8::MAX;
                self.code = Rc::default();
                self.pc = 0;
            }
            self.run_trap(traps::RETURN, None);
            return None;
        }
        let in_condition = call.in_condition;
        let kind = call.kind;
        let after = call.after.clone();
        drop(call);
        self.pop_ctl();
        if let Some(after) = after {
            let status = after(self);
            self.set_status(status);
            self.flush_now();
        }
        match kind {
            CallKind::Main => Some(self.shell.status),
            CallKind::Trap => None,
            _ => match self.after_command(in_condition) {
                Ok(()) => None,
                Err(unwind) => self.unwind(unwind),
            },
        }
    }

    /// Sets the status of a command that is no pipeline.
    #[inline]
    pub(crate) fn set_status(&mut self, status: u8) {
        self.shell.status = status;
        self.shell.pipe_status = PipeStatus::One(status);
    }

    /// What follows a command that may have failed: the ERR trap, `set -e`.
    #[inline]
    pub(crate) fn after_command(&mut self, in_condition: bool) -> Result<(), Unwind> {
        if self.shell.status == 0 || in_condition || self.no_errexit {
            return Ok(());
        }
        self.command_failed()
    }

    #[cold]
    fn command_failed(&mut self) -> Result<(), Unwind> {
        let exit = self.opt(Opt::ErrExit);
        let status = self.shell.status;
        if self.shell.traps.get(traps::ERR).is_some() && !self.in_trap(traps::ERR) && self.err_trap_applies()
        {
            self.run_trap(traps::ERR, exit.then_some(Unwind::Exit(status)));
            return Ok(());
        }
        if exit { Err(Unwind::Exit(status)) } else { Ok(()) }
    }

    fn err_trap_applies(&self) -> bool {
        self.opt(Opt::ErrTrace) || self.shell.traps.own_err
    }

    /// Whether there is a function or a sourced file to return from.
    pub(crate) fn can_return(&self) -> bool {
        self.calls.iter().any(|call| matches!(call.kind, CallKind::Function | CallKind::Source))
    }

    /// Whether the commands of this trap are running.
    pub(crate) fn in_trap(&self, trap: u8) -> bool {
        self.calls
            .get(self.floor..)
            .unwrap_or_default()
            .iter()
            .any(|call| call.kind == CallKind::Trap && call.trap == trap)
    }

    /// Begins to run the commands of a trap; afterwards everything is as before, or `then` happens.
    pub(crate) fn run_trap(&mut self, trap: u8, then: Option<Unwind>) {
        let Some(text) = self.shell.traps.get(trap).cloned() else { return };
        if self.is_nested_too_deep("trap handler: maximum trap handler") {
            self.flush_now();
            return;
        }
        let after = AfterTrap {
            status: self.shell.status,
            pipe_status: self.shell.pipe_status.clone(),
            unwind: then,
            line: self.line,
            command: (self.command_code.clone().unwrap_or_else(|| self.code.clone()), self.command),
            skip: None,
        };
        self.call_text(text, CallKind::Trap, trap, Some(after));
    }

    /// The text of a trap has been executed.
    pub(crate) fn end_trap(&mut self) -> Option<u8> {
        let after = self.calls.last().and_then(|call| call.after_trap.as_ref());
        let unwind = after.and_then(|after| after.unwind);
        let skip = after.and_then(|after| after.skip);
        let status = self.shell.status;
        self.pop_ctl();
        if let Some(skip) = skip
            && status != 0
        {
            if status == 2 && self.can_return() {
                return self.unwind(Unwind::Return(status));
            }
            self.set_status(0);
            self.pc = skip as usize;
            return None;
        }
        match unwind {
            Some(Unwind::Exit(status)) if self.exiting => Some(status),
            Some(unwind) => self.unwind(unwind),
            None => None,
        }
    }

    /// Begins the end of the shell: the EXIT trap first.
    pub(crate) fn begin_exit(&mut self, status: u8) -> Option<u8> {
        self.set_status(status);
        if self.exiting || self.shell.traps.get(traps::EXIT).is_none() || !self.shell.traps.own {
            return Some(status);
        }
        self.exiting = true;
        self.no_errexit = false;
        self.run_trap(traps::EXIT, Some(Unwind::Exit(status)));
        None
    }

    /// The lowest pending signal that has a trap (its number), without taking it.
    pub(crate) fn trapped_signal(&self) -> Option<u8> {
        Signal::ALL
            .into_iter()
            .filter(|signal| {
                // A child's end ends a wait in POSIX mode alone.
                *signal != Signal::Chld
                    || (self.opt(Opt::Posix) && self.shell.traps.get(signal.number()).is_some())
            })
            .find(|signal| self.ctx.pending_signals().contains(*signal))
            .map(Signal::number)
    }

    /// Runs the trap of a signal that has come.
    pub(crate) fn take_signal(&mut self) {
        while let Some(signal) = self.ctx.take_signal() {
            if self.shell.traps.get(signal.number()).is_some_and(|text| !text.is_empty()) {
                self.run_trap(signal.number(), None);
                return;
            }
        }
    }
}
