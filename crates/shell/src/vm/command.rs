//! Simple commands: functions, builtins, programs; calls; what follows them.

use std::cell::RefCell;
use std::rc::Rc;

use bstr::BString;
use wasmsh_os::{AccessMode, Ceiling, Environment, Errno, Exit, Signal, Spawn};
use wasmsh_syntax::options::ParserOptions;

use crate::args::Args;
use crate::builtins::Builtin;
use crate::options::{Opt, Shopt};
use crate::symbol::{Sym, known};
use crate::text::Str;
use crate::vars::{Attrs, Value};
use crate::vm::code::{Code, Function};
use crate::vm::run::Next;
use crate::vm::script::Script;
use crate::vm::{AfterTrap, Call, CallKind, Ctl, Current, Outcome, Pending, Unwind, Vm};

impl Vm {
    /// Runs the command of the marked arguments.
    pub(super) fn exec(&mut self, index: u32) -> Result<Next, Unwind> {
        let Some(exec) = self.code.execs.get(index as usize).copied() else { return Ok(Next::Go) };
        let mark = self.marks.pop().unwrap_or(0).min(self.args.len());
        let argv: Vec<Str> = self.args.drain(mark..).collect();
        let retried = self.is_retried();
        self.current = Current {
            in_condition: exec.in_condition,
            last: exec.last,
            negated: exec.negated,
            inverted: exec.inverted,
            alone: exec.alone,
        };
        self.command = exec.span;
        if self.command_code.is_some() {
            self.command_code = None;
        }
        let Some(name) = argv.first().cloned() else {
            // Everything has vanished: the assignments stay.
            self.temporary.clear();
            let status = self.substituted.take().unwrap_or(0);
            self.finish_command(status)?;
            return Ok(Next::Go);
        };
        if self.opt(Opt::XTrace) && !retried {
            self.trace_words(&argv);
        }
        if let Some(last) = argv.last() {
            let mut last = last.clone();
            if let Some(declaration) = self.declarations.last()
                && declaration.arg + 1 == argv.len()
                && matches!(declaration.value, crate::vm::DeclarationValue::Array(_))
            {
                // Of a compound assignment the name alone.
                let name = last.strip_suffix(b"=").unwrap_or(&last);
                last = Str::new(name.strip_suffix(b"+").unwrap_or(name));
            }
            self.coming_last = Some(last);
        }
        let symbol = self.symbol(&name);
        if self.opt(Opt::Posix)
            && let Some(builtin) = self.shell.shared.builtin(symbol)
            && builtin.special
            && !self.shell.disabled.contains(&symbol)
        {
            // Special builtins come before functions, and what stands before them stays.
            for (symbol, _) in self.temporary.drain(..) {
                let depth = self.calls.iter().filter(|call| call.kind == CallKind::Function).count() as u32;
                let var = self.shell.vars.get_mut(symbol);
                var.attrs.remove(Attrs::TEMPORARY);
                if var.scope > depth {
                    var.scope = 0;
                }
            }
            let mut outcome = self.run_builtin(builtin, &argv);
            if matches!(outcome, Outcome::Status(2)) && !self.shell.interactive && !self.current.in_condition
            {
                // They cannot be used so, which ends the shell unless the status is looked at.
                self.flush_now();
                outcome = Outcome::Unwind(Unwind::Exit(2));
            }
            return self.outcome_next(outcome);
        }
        if let Some(function) = self.shell.functions.get(&symbol).cloned() {
            self.call_function(&function, symbol, argv)?;
            return Ok(Next::Go);
        }
        if let Some(builtin) = self.shell.shared.builtin(symbol)
            && !self.shell.disabled.contains(&symbol)
        {
            let outcome = self.run_builtin(builtin, &argv);
            if matches!(outcome, Outcome::Unwind(Unwind::Expand)) {
                // The same once more when the text has been expanded.
                self.builtin = "";
                self.marks.push(mark);
                self.args.extend(argv);
                return Err(Unwind::Expand);
            }
            return self.outcome_next(outcome);
        }
        let outcome = self.external(&argv, true);
        self.outcome_next(outcome)
    }

    /// Runs a builtin with these arguments.
    pub(crate) fn run_builtin(&mut self, builtin: &'static Builtin, argv: &[Str]) -> Outcome {
        self.builtin = builtin.name;
        if !builtin.declaration && !self.declarations.is_empty() {
            self.declarations.clear();
        }
        if argv.len() == 2 && argv.get(1).is_some_and(|arg| arg == b"--help") && builtin.has_help() {
            let help = builtin.help_text();
            self.put(1, &help);
            return Outcome::Status(2);
        }
        (builtin.run)(self, argv)
    }

    fn outcome_next(&mut self, outcome: Outcome) -> Result<Next, Unwind> {
        self.outcome(outcome)?;
        Ok(if self.pending.is_some() { Next::Wait } else { Next::Go })
    }

    /// Takes over what a builtin has come to.
    pub(super) fn outcome(&mut self, outcome: Outcome) -> Result<(), Unwind> {
        match outcome {
            Outcome::Status(status) => {
                if self.has_output() {
                    self.flush_then(status)?;
                    return Ok(());
                }
                self.finish_command(status)
            }
            Outcome::Unwind(unwind) => {
                self.builtin = "";
                self.restore_temporary();
                Err(unwind)
            }
            Outcome::Wait(pending) => {
                self.flush_now();
                self.pending = Some(pending);
                Ok(())
            }
            Outcome::Continue => {
                self.builtin = "";
                Ok(())
            }
            Outcome::Replaced => {
                if let Some(slot) = &self.slot {
                    slot.set_replaced();
                }
                self.pending = Some(Pending::Replaced);
                Ok(())
            }
        }
    }

    /// The status of a builtin whose output could not be written.
    pub(super) fn write_status(&mut self, status: u8, result: Result<(), Errno>) -> u8 {
        let Err(error) = result else { return status };
        let mut message =
            if self.builtin.is_empty() { Vec::new() } else { [self.builtin.as_bytes(), b": "].concat() };
        message.extend_from_slice(b"write error: ");
        message.extend_from_slice(error.strerror().as_bytes());
        self.error(&message);
        self.flush_now();
        if status == 0 { 1 } else { status }
    }

    /// The command has ended with this status.
    pub(super) fn finish_command(&mut self, status: u8) -> Result<(), Unwind> {
        self.builtin = "";
        if !self.temporary.is_empty() {
            self.restore_temporary();
        }
        if !self.declarations.is_empty() {
            self.declarations.clear();
        }
        self.set_status(status);
        if let Some(last) = self.coming_last.take() {
            self.bind_last_arg(last);
        }
        if self.ctx.is_killed() {
            // By its own hand: nothing follows.
            self.pending = Some(Pending::Replaced);
            return Ok(());
        }
        if status != 0 {
            let in_condition = self.current.in_condition || self.current.alone;
            self.after_command(in_condition)?;
        }
        if self.ctx.has_signal() {
            self.take_signal();
        }
        Ok(())
    }

    /// A foreground command was ended by a signal: bash says so, for some of them.
    pub(super) fn tell_death(&mut self, exit: Exit) {
        let Exit::Signalled(signal) = exit else { return };
        if matches!(signal, Signal::Int | Signal::Pipe) {
            return;
        }
        let mut message = self.message_prefix();
        message.extend_from_slice(format!("{:>5} {}", "", signal.description()).as_bytes());
        message.push(b'\n');
        self.put(2, &message);
        self.flush_now();
    }

    // Programs.

    /// Starts a program; the machine waits for it, or becomes it.
    pub(crate) fn external(&mut self, argv: &[Str], wait: bool) -> Outcome {
        let Some(name) = argv.first() else { return Outcome::Status(0) };
        if name.contains(&b'/')
            && (name.len() >= 4096 || name.split(|b| *b == b'/').any(|part| part.len() > 255))
        {
            self.error(&[&**name, b": File name too long"].concat());
            return Outcome::Status(126);
        }
        let path = match self.find_command(name) {
            Ok(path) => path,
            Err(status) => {
                if status == 127
                    && !name.contains(&b'/')
                    && let symbol = self.symbol(b"command_not_found_handle")
                    && let Some(function) = self.shell.functions.get(&symbol).cloned()
                {
                    let mut args = vec![Str::from("command_not_found_handle")];
                    args.extend(argv.iter().cloned());
                    return match self.call_function(&function, symbol, args) {
                        Ok(()) => Outcome::Continue,
                        Err(unwind) => Outcome::Unwind(unwind),
                    };
                }
                self.report_not_found(name, status);
                return Outcome::Status(if status == 0 { 126 } else { status });
            }
        };
        let mut environment = self.environment_for(&path);
        if wait && self.is_final() {
            // Bash becomes the last program of a command string, and is one shell less then.
            let level = self.shell.vars.get(known::SHLVL).value.int().unwrap_or(1) - 1;
            environment.set(b"SHLVL", level.to_string().as_bytes());
        }
        let arguments: Vec<BString> = argv.iter().map(|arg| BString::from(arg.to_vec())).collect();
        self.flush_now();
        let replace = wait
            && self.current.last
            && self.ctl.is_empty()
            && !self.has_output()
            && self.shell.subshell > 0
            && !(self.shell.traps.own && self.shell.traps.iter().next().is_some());
        if replace {
            self.prepare_exec();
            match self.ctx.exec(path.as_bytes(), arguments.clone(), Some(environment.clone())) {
                Ok(()) => return Outcome::Replaced,
                Err(Errno::NotExecutable) => {
                    let (program, arguments) = script_command(&path, arguments);
                    match self.ctx.exec(program.as_bytes(), arguments, Some(environment)) {
                        Ok(()) => return Outcome::Replaced,
                        Err(error) => return Outcome::Status(self.exec_error(name, error)),
                    }
                }
                Err(error) => return Outcome::Status(self.exec_error(name, error)),
            }
        }
        match self.spawn(&path, arguments, environment) {
            Ok(pid) => Outcome::Wait(Pending::Child(pid)),
            Err(error) => Outcome::Status(self.exec_error(name, error)),
        }
    }

    /// Whether nothing follows the present command in a command string.
    fn is_final(&self) -> bool {
        let [call] = self.calls.as_slice() else { return false };
        let Some((script, index)) = &call.script else { return false };
        self.ctl.len() == 1
            && self.shell.subshell == 0
            && self.shell.command_string.is_some()
            && self.shell.traps.iter().next().is_none()
            && matches!(self.code.ops.get(self.pc), Some(crate::vm::code::Op::End))
            && script.try_borrow().is_ok_and(|script| script.is_read(*index))
    }

    /// Starts a program as a child.
    pub(crate) fn spawn(
        &mut self,
        path: &str,
        arguments: Vec<BString>,
        environment: Environment,
    ) -> Result<wasmsh_os::Pid, Errno> {
        let spawn = |program: String, arguments: Vec<BString>| Spawn {
            program: program.into(),
            arguments,
            environment: Some(environment.clone()),
            inherit: true,
            ..Spawn::default()
        };
        match self.ctx.spawn(spawn(path.to_owned(), arguments.clone())) {
            Err(Errno::NotExecutable) => {
                let (program, arguments) = script_command(path, arguments);
                self.ctx.spawn(spawn(program, arguments))
            }
            other => other,
        }
    }

    fn exec_error(&mut self, name: &[u8], error: Errno) -> u8 {
        if error == Errno::Again {
            self.fork_error();
            return 254;
        }
        let mut message = name.to_vec();
        message.extend_from_slice(b": ");
        message.extend_from_slice(error.strerror().as_bytes());
        self.error(&message);
        if error == Errno::NoEntry { 127 } else { 126 }
    }

    /// Before an exec: what this process's traps have changed does not stay.
    pub(crate) fn prepare_exec(&mut self) {
        for (trap, text) in self.shell.traps.iter() {
            if let Some(signal) = crate::traps::signal(trap)
                && !text.is_empty()
            {
                self.ctx.set_disposition(signal, wasmsh_os::Disposition::Default);
            }
        }
    }

    pub(crate) fn report_not_found(&mut self, name: &[u8], status: u8) {
        let mut message = name.to_vec();
        message.extend_from_slice(match status {
            127 if name.contains(&b'/') || self.shell.vars.get(known::PATH).value.scalar().is_none() => {
                b": No such file or directory".as_slice()
            }
            127 => b": command not found",
            0 => b": Is a directory",
            _ => b": Permission denied",
        });
        self.error(&message);
    }

    /// The file of a program. `Err`: 127 not found, 126 not executable, 0 a directory.
    pub(crate) fn find_command(&mut self, name: &Str) -> Result<String, u8> {
        if name.contains(&b'/') {
            let path = self.ctx.resolve(name).map_err(|_| 127u8)?.into_owned();
            let stat = self
                .ctx
                .kernel()
                .fs()
                .stat_at(&path, true)
                .map_err(|error| if error == Errno::Access { 126u8 } else { 127u8 })?;
            if stat.is_directory() {
                return Err(0);
            }
            return match self.ctx.kernel().fs().access(&path, AccessMode::EXECUTE) {
                Ok(()) => Ok(path),
                Err(_) => Err(126),
            };
        }
        if let Some((path, _)) = self.shell.hashed.get(name) {
            let path = path.clone();
            let text = path.to_text().into_owned();
            if !self.shopt(Shopt::CheckHash)
                || self.ctx.kernel().fs().access(&text, AccessMode::EXECUTE).is_ok()
            {
                if self.opt(Opt::HashAll)
                    && let Some(entry) = Rc::make_mut(&mut self.shell.hashed).get_mut(name)
                {
                    entry.1 += 1;
                }
                return Ok(text);
            }
        }
        let search = self.shell.vars.get(known::PATH).value.scalar();
        let Some(search) = search else { return Err(127) };
        match self.ctx.search_program(name, &search) {
            Ok(path) => {
                if self.opt(Opt::HashAll) {
                    Rc::make_mut(&mut self.shell.hashed).insert(name.clone(), (Str::from(path.as_str()), 1));
                }
                Ok(path)
            }
            Err(Errno::Access) => Err(126),
            Err(_) => Err(127),
        }
    }

    /// The exported variables, for the program at `path`.
    pub(crate) fn environment_for(&mut self, path: &str) -> Environment {
        let mut environment = self.environment();
        environment.set(b"_", path.as_bytes());
        environment
    }

    /// The value that programs see of a variable which a local one without a value hides.
    fn hidden_export(&self, symbol: Sym) -> Option<Str> {
        let saved = self.calls.iter().rev().flat_map(|call| call.saved.iter().rev());
        let mut values = saved.filter(|(saved, var)| *saved == symbol && var.attrs.contains(Attrs::EXPORT));
        values.find_map(|(_, var)| if var.value.is_array() { None } else { var.value.scalar() })
    }

    /// The exported variables.
    pub(crate) fn environment(&mut self) -> Environment {
        if let Some(environment) = &self.shell.environment {
            return environment.clone();
        }
        // Values that are made when they are read are not kept.
        let mut made = false;
        let mut variables: Vec<(BString, BString)> = Vec::new();
        let mut special = Vec::new();
        for (symbol, var) in self.shell.vars.existing() {
            if var.attrs.contains(Attrs::EXPORT)
                && !var.value.is_array()
                && let Some(value) = var.value.scalar()
                && !var.attrs.contains(Attrs::SPECIAL)
            {
                variables.push((self.name_of(symbol).to_vec().into(), value.into_vec().into()));
            } else if var.attrs.contains(Attrs::EXPORT | Attrs::SPECIAL) {
                special.push(symbol);
            } else if var.attrs.contains(Attrs::EXPORT)
                && var.scope > 0
                && let Some(value) = self.hidden_export(symbol)
            {
                variables.push((self.name_of(symbol).to_vec().into(), value.into_vec().into()));
            }
        }
        for symbol in special {
            let value = match self.special_value(symbol) {
                Some(value) => {
                    made = true;
                    value
                }
                None => self.shell.vars.get(symbol).value.clone(),
            };
            if !value.is_array()
                && let Some(value) = value.scalar()
            {
                variables.push((self.name_of(symbol).to_vec().into(), value.into_vec().into()));
            }
        }
        variables.sort_by_key(|(name, _)| crate::vars::array::chain(name, 1024));
        for symbol in self.shell.exported_functions.iter() {
            if let Some(function) = self.shell.functions.get(symbol) {
                let mut name = b"BASH_FUNC_".to_vec();
                name.extend_from_slice(&self.name_of(*symbol));
                name.extend_from_slice(b"%%");
                let text = crate::expand::source::function_body(function);
                variables.push((name.into(), [b"() ".as_slice(), &text].concat().into()));
            }
        }
        let environment = Environment::new(variables);
        self.shell.environment = (!made).then(|| environment.clone());
        environment
    }

    // Calls.

    /// Calls a function; its code runs next.
    pub(crate) fn call_function(
        &mut self,
        function: &Rc<Function>,
        name: Sym,
        argv: Vec<Str>,
    ) -> Result<(), Unwind> {
        let depth = self.calls.len() as u32;
        let nest = self.shell.vars.get(known::FUNCNEST).value.int().filter(|limit| *limit > 0);
        let ceiling = self.ctx.kernel().ceilings().call_depth;
        let over = match nest {
            Some(limit) if i64::from(depth) > limit => Some(limit.to_string()),
            _ if depth > ceiling => {
                self.ctx.kernel().meet(Ceiling::CallDepth);
                Some(ceiling.to_string())
            }
            _ => None,
        };
        if let Some(limit) = over {
            let mut message = self.name_of(name).to_vec();
            message
                .extend_from_slice(format!(": maximum function nesting level exceeded ({limit})").as_bytes());
            self.error(&message);
            return Err(Unwind::Discard(1));
        }
        self.declarations.clear();
        let saved = std::mem::take(&mut self.temporary);
        let args: Vec<Str> = argv.into_iter().skip(1).collect();
        let call = Call {
            kind: CallKind::Function,
            name,
            source: function.source.clone(),
            line: self.line,
            depth: self.depth() + 1,
            code: std::mem::replace(&mut self.code, function.code.clone()),
            pc: std::mem::take(&mut self.pc),
            heights: self.heights(),
            in_condition: self.current.in_condition || self.current.alone,
            no_errexit: self.no_errexit,
            args: Some(std::mem::replace(&mut self.shell.args, Args::new(args))),
            options: None,
            saved,
            script: None,
            edited: false,
            after_trap: None,
            trap: 0,
            getopts_at: None,
            stashed: self.stash_traps(),
            after: None,
            pushed: self.shopt(Shopt::ExtDebug).then(|| self.shell.args.clone()),
            last_arg: self.coming_last.take(),
        };
        self.no_errexit |= self.is_condition();
        self.calls.push(Rc::new(call));
        self.ctl.push(Ctl::Call);
        if self.shell.traps_debug {
            // Once more before the first command, at the line of the function.
            self.line = function.line;
            let (code, span) =
                self.calls.last().map(|call| (call.code.clone(), self.command)).unwrap_or_default();
            self.debug_trap(function.code.ops.len() as u32);
            if let Some(call) = self.calls.last_mut()
                && call.kind == CallKind::Trap
                && let Some(after) = Rc::make_mut(call).after_trap.as_mut()
            {
                after.command = (code, span);
            }
        }
        Ok(())
    }

    /// Whether `set -e` does not apply to what the present command runs.
    fn is_condition(&self) -> bool {
        self.current.in_condition && (!self.current.inverted || self.opt(Opt::ErrExit))
    }

    /// Whether calls nest as deep as they may; says so then.
    pub(crate) fn is_nested_too_deep(&mut self, what: &str) -> bool {
        let ceiling = self.ctx.kernel().ceilings().call_depth;
        if self.calls.len() as u64 <= u64::from(ceiling) {
            return false;
        }
        self.ctx.kernel().meet(Ceiling::CallDepth);
        self.error(format!("{what} nesting level exceeded ({ceiling})").as_bytes());
        true
    }

    /// Takes the traps away that a function does not inherit.
    fn stash_traps(&mut self) -> Vec<(u8, Str)> {
        use crate::traps;
        if self.shell.traps.iter().next().is_none() {
            return Vec::new();
        }
        let mut stashed = Vec::new();
        for (trap, inherited) in [
            (traps::DEBUG, self.opt(Opt::FuncTrace)),
            (traps::RETURN, self.opt(Opt::FuncTrace)),
            (traps::ERR, self.opt(Opt::ErrTrace)),
        ] {
            if !inherited && let Some(text) = self.shell.traps.get(trap).cloned() {
                Rc::make_mut(&mut self.shell.traps).set(trap, None);
                stashed.push((trap, text));
            }
        }
        self.shell.traps_debug = self.shell.traps.get(traps::DEBUG).is_some();
        stashed
    }

    /// Runs text as the commands of the shell; its code runs next.
    pub(super) fn call_text(&mut self, text: Str, kind: CallKind, trap: u8, after_trap: Option<AfterTrap>) {
        // The commands of a signal's trap have lines of their own.
        let line = if kind == CallKind::Trap && trap < crate::traps::DEBUG { 1 } else { self.line };
        let source = self.calls.last().map(|call| call.source.clone()).unwrap_or_default();
        let script = self.script_of(text, source.clone(), line);
        let no_errexit = self.no_errexit || (kind != CallKind::Trap && self.is_condition());
        self.push_script(script, kind, source, no_errexit, None);
        if let Some(call) = self.calls.last_mut() {
            let call = Rc::make_mut(call);
            call.trap = trap;
            call.after_trap = after_trap;
        }
    }

    /// `eval`
    pub(crate) fn call_eval(&mut self, text: Str) {
        self.call_text(text, CallKind::Eval, 0, None);
        self.keep_temporary();
    }

    /// What stands before `eval` and `source` holds until they end, in the scope of the present function.
    fn keep_temporary(&mut self) {
        let depth = self.depth();
        for (symbol, _) in &self.temporary {
            self.shell.vars.get_mut(*symbol).scope = depth;
        }
        let saved = std::mem::take(&mut self.temporary);
        if let Some(call) = self.calls.last_mut() {
            Rc::make_mut(call).saved = saved;
        }
    }

    /// `source`
    pub(crate) fn call_source(&mut self, text: Str, source: Str, args: Option<Vec<Str>>) {
        let options = self.parser_options();
        let script = Rc::new(RefCell::new(Script::once(text, source.clone(), options)));
        let no_errexit = self.no_errexit || self.is_condition();
        if args.is_none() {
            self.init_base_args();
        }
        let pushed = match &args {
            None => Some(Args::new(vec![source.clone()])),
            Some(args) => self.shopt(Shopt::ExtDebug).then(|| Args::new(args.clone())),
        };
        self.push_script(script, CallKind::Source, source, no_errexit, args);
        if let Some(call) = self.calls.last_mut() {
            Rc::make_mut(call).pushed = pushed;
        }
        self.keep_temporary();
    }

    /// Commands that `fc` has let an editor change.
    pub(crate) fn call_edited(&mut self, text: Str, source: Str) {
        self.call_source(text, source, None);
        if let Some(call) = self.calls.last_mut() {
            Rc::make_mut(call).edited = true;
        }
    }

    /// The script of the shell itself.
    pub(crate) fn call_main(&mut self, text: Str, source: Str) {
        let options = self.parser_options();
        let script = Rc::new(RefCell::new(Script::once(text, source.clone(), options)));
        self.line = 0;
        self.push_script(script, CallKind::Main, source, false, None);
        self.line = 1;
    }

    /// The script that comes line by line through standard input.
    pub(crate) fn call_input(&mut self) {
        let script = Rc::new(RefCell::new(Script::incremental(Str::EMPTY, self.parser_options())));
        self.line = 0;
        self.push_script(script, CallKind::Main, Str::EMPTY, false, None);
        self.line = 1;
    }

    fn push_script(
        &mut self,
        script: Rc<RefCell<Script>>,
        kind: CallKind,
        source: Str,
        no_errexit: bool,
        args: Option<Vec<Str>>,
    ) {
        let args = args.map(|args| std::mem::replace(&mut self.shell.args, Args::new(args)));
        self.push_code(Rc::default(), kind, source);
        if let Some(call) = self.calls.last_mut() {
            let call = Rc::make_mut(call);
            call.args = args;
            call.script = Some((script, 0));
        }
        self.no_errexit = no_errexit;
        self.ctl.push(Ctl::Call);
    }

    /// Begins a call that runs `code`; its place among the constructs is the caller's to make.
    pub(super) fn push_code(&mut self, code: Rc<Code>, kind: CallKind, source: Str) {
        let call = Call {
            kind,
            name: known::UNDERSCORE,
            source,
            line: self.line,
            depth: self.depth(),
            code: std::mem::replace(&mut self.code, code),
            pc: std::mem::take(&mut self.pc),
            heights: self.heights(),
            in_condition: self.current.in_condition || self.current.alone,
            no_errexit: self.no_errexit,
            args: None,
            options: None,
            saved: Vec::new(),
            script: None,
            edited: false,
            after_trap: None,
            trap: 0,
            getopts_at: None,
            stashed: Vec::new(),
            after: None,
            pushed: None,
            last_arg: self.coming_last.take(),
        };
        self.calls.push(Rc::new(call));
    }

    /// The script of a text, kept if it was read before.
    fn script_of(&mut self, text: Str, source: Str, line: u32) -> Rc<RefCell<Script>> {
        let options = self.parser_options();
        let shared = self.shell.shared.clone();
        let key = text.clone();
        if let Some(script) = shared.scripts.borrow().get(&key)
            && !script.borrow().private
            && script.borrow().is_like(&source, line)
        {
            return script.clone();
        }
        let script = Rc::new(RefCell::new(Script::new(text, source, line, options)));
        let mut scripts = shared.scripts.borrow_mut();
        if scripts.len() >= 256 {
            scripts.clear();
        }
        if key.len() < 64 * 1024 {
            scripts.insert(key, script.clone());
        }
        script
    }

    pub(crate) fn parser_options(&self) -> ParserOptions {
        ParserOptions {
            extglob: self.shopt(Shopt::ExtGlob),
            posix: self.opt(Opt::Posix),
            keyword: self.opt(Opt::Keyword),
            comments: !self.shell.interactive || self.shopt(Shopt::InteractiveComments),
            aliases: self.shopt(Shopt::ExpandAliases) && !self.shell.aliases.is_empty(),
            ..ParserOptions::default()
        }
    }

    pub(crate) fn define_function(&mut self, function: &Rc<Function>) -> Result<(), Unwind> {
        let symbol = self.symbol(&function.name);
        if self.shell.readonly_functions.contains(&symbol) {
            let mut message = function.name.to_vec();
            message.extend_from_slice(b": readonly function");
            self.error(&message);
            self.set_status(1);
            return Ok(());
        }
        let builtin = self.shell.shared.builtin(symbol);
        if self.opt(Opt::Posix) && builtin.is_some_and(|builtin| builtin.special) {
            self.error(&[b"`", &*function.name, b"': is a special builtin"].concat());
            return Err(Unwind::Exit(2));
        }
        if !self.opt(Opt::Posix) && function.name.iter().any(|b| b"$`'\"\\".contains(b)) {
            self.error(&[b"`", &*function.name, b"': not a valid identifier"].concat());
            self.set_status(1);
            return Ok(());
        }
        if self.opt(Opt::Posix) && !crate::vm::variables::is_name(&function.name) {
            let mut message = b"`".to_vec();
            message.extend_from_slice(&function.name);
            message.extend_from_slice(b"': not a valid identifier");
            self.error(&message);
            return Err(Unwind::Exit(2));
        }
        Rc::make_mut(&mut self.shell.functions).insert(symbol, function.clone());
        if self.shell.exported_functions.contains(&symbol) {
            self.shell.environment = None;
        }
        self.shell.status = 0;
        Ok(())
    }

    /// Makes the variables of `~`, `~+`, `~name`.
    pub(crate) fn tilde(&mut self, text: &[u8]) -> Option<Str> {
        match text {
            b"" => Some(match self.shell.vars.get(known::HOME).value.scalar() {
                Some(home) => home,
                None => Str::from("/home/user"),
            }),
            b"+" => self.shell.vars.get(known::PWD).value.scalar(),
            b"-" => self.shell.vars.get(known::OLDPWD).value.scalar(),
            b"root" => Some(Str::from("/root")),
            _ => {
                let rest = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
                if !rest.is_empty() && rest.iter().all(u8::is_ascii_digit) {
                    let number: usize = std::str::from_utf8(rest).ok()?.parse().ok()?;
                    let mut dirs = vec![Str::from(&*self.ctx.cwd())];
                    dirs.extend(self.shell.dirs.iter().cloned());
                    let index =
                        if text.starts_with(b"-") { dirs.len().checked_sub(number + 1)? } else { number };
                    return dirs.get(index).cloned();
                }
                let user = self.shell.vars.get(known::USER).value.scalar();
                if user.as_deref() == Some(text) || text == b"user" {
                    return Some(Str::from("/home/user"));
                }
                // As the accounts file says, where there is one.
                let accounts = self.ctx.kernel().fs().read_file("/etc/passwd").ok()?;
                accounts.split(|b| *b == b'\n').find_map(|line| {
                    let mut fields = line.split(|b| *b == b':');
                    (fields.next() == Some(text)).then(|| fields.nth(4).map(Str::new)).flatten()
                })
            }
        }
    }

    /// An unset or empty `value` as text for a builtin's message.
    pub(crate) fn string_value(&mut self, symbol: Sym) -> Str {
        match self.value(symbol) {
            Ok(Value::Unset) | Err(_) => Str::EMPTY,
            Ok(value) => value.scalar().unwrap_or_default(),
        }
    }
}

/// A text file without `#!` is executed by the shell.
fn script_command(path: &str, mut arguments: Vec<BString>) -> (String, Vec<BString>) {
    if arguments.is_empty() {
        arguments.push(path.into());
    }
    if let Some(first) = arguments.first_mut() {
        // A name with a slash stays as it was given.
        if !first.contains(&b'/') {
            *first = path.into();
        }
    }
    arguments.insert(0, "bash".into());
    ("/bin/bash".to_owned(), arguments)
}
