//! Where a session gives its shell process work, and learns how it went.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasmsh_os::{Environment, Exit, Signal};

use crate::symbol::known;
use crate::text::Str;
use crate::vars::{Attrs, Value};
use crate::vm::{Pending, Shell, Unwind, Vm};

type Prepare = Box<dyn FnOnce(&mut Vm)>;

/// Why a run is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abort {
    Limit,
    Signal(Signal),
    Dropped,
}

/// The meeting point of a run and its shell process.
#[derive(Default)]
pub(crate) struct RunSlot {
    work: RefCell<Option<(Str, Option<Prepare>)>>,
    exit: Cell<Option<Exit>>,
    abort: Cell<Option<Abort>>,
    killed: Cell<Option<Signal>>,
    /// The shell has become another program: nobody is there to give up what it does.
    replaced: Cell<bool>,
    /// The process ends with this run.
    last: Cell<bool>,
    /// The shell's state when the run began.
    state: RefCell<Option<Shell>>,
}

impl RunSlot {
    pub(crate) fn new() -> Rc<RunSlot> {
        Rc::default()
    }

    pub(crate) fn give(&self, text: Str, prepare: Option<Prepare>) {
        *self.work.borrow_mut() = Some((text, prepare));
    }

    /// Takes work back that was not begun. Whether there was some.
    pub(crate) fn withdraw(&self) -> bool {
        self.work.borrow_mut().take().is_some()
    }

    pub(crate) fn last(&self, last: bool) {
        self.last.set(last);
    }

    pub(crate) fn reset(&self) {
        self.exit.set(None);
        self.abort.set(None);
        self.killed.set(None);
    }

    pub(crate) fn set_replaced(&self) {
        self.replaced.set(true);
    }

    pub(crate) fn is_replaced(&self) -> bool {
        self.replaced.get()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.exit.get().is_some()
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.exit.get()
    }

    pub(crate) fn abort(&self, why: Abort) {
        self.abort.set(Some(why));
    }

    pub(crate) fn killed(&self, signal: Signal) {
        self.killed.set(Some(signal));
    }

    pub(crate) fn killed_by(&self) -> Option<Signal> {
        self.killed.get()
    }

    pub(crate) fn state(&self) -> Option<Shell> {
        self.state.borrow().clone()
    }
}

impl Vm {
    /// Waits for work.
    pub(crate) fn idle(&mut self) {
        self.pending = Some(Pending::Idle);
    }

    /// Whether work has come; it is begun then.
    pub(super) fn take_work(&mut self) -> bool {
        let Some(slot) = self.slot.clone() else { return false };
        let Some((text, prepare)) = slot.work.borrow_mut().take() else { return false };
        *slot.state.borrow_mut() = Some(self.shell.clone());
        if let Some(prepare) = prepare {
            prepare(self);
        }
        self.exiting = false;
        self.attention = 0;
        self.shell.command_string = Some(text.clone());
        self.call_main(text, Str::EMPTY);
        true
    }

    /// A run is given up from outside.
    pub(super) fn aborted(&mut self) -> Option<Exit> {
        let slot = self.slot.as_ref()?;
        let why = slot.abort.take()?;
        // What was not begun is given up, too: the next run would execute it.
        slot.withdraw();
        Some(match why {
            Abort::Signal(signal) => Exit::Signalled(signal),
            Abort::Limit | Abort::Dropped => Exit::Signalled(Signal::Kill),
        })
    }

    /// The run is over. True: the process goes on and waits for the next.
    pub(super) fn run_over(&mut self, exit: Exit) -> bool {
        let Some(slot) = self.slot.clone() else { return false };
        slot.exit.set(Some(exit));
        if slot.last.get() {
            return false;
        }
        // A trap that the shell runs by itself and that was given up would begin again with the next command.
        let cancelled: Vec<u8> = match exit {
            Exit::Signalled(_) => self.calls.iter().filter_map(|call| call.unasked_trap()).collect(),
            Exit::Code(_) => Vec::new(),
        };
        while !self.ctl.is_empty() {
            self.pop_ctl();
        }
        for trap in cancelled {
            Rc::make_mut(&mut self.shell.traps).set(trap, None);
            self.shell.traps_debug &= trap != crate::traps::DEBUG;
            if exit != Exit::Signalled(Signal::Kill) {
                // Somebody still listens.
                let name = crate::traps::name(trap);
                self.put(2, format!("wasmsh: trap on {name}: removed, it did not end\n").as_bytes());
                self.flush_now();
            }
        }
        self.restore_temporary();
        self.restore_run();
        self.args.clear();
        self.marks.clear();
        self.words.clear();
        self.numbers.clear();
        self.elements.clear();
        self.pipes.clear();
        self.calls.clear();
        self.out.clear();
        self.loop_items.clear();
        self.ambiguous = false;
        self.builtin = "";
        self.no_errexit = false;
        *slot.state.borrow_mut() = Some(self.shell.clone());
        self.idle();
        true
    }

    /// A variable that is set for one run.
    pub(crate) fn run_variable(&mut self, name: &[u8], value: &[u8]) {
        if !crate::vm::variables::is_name(name) {
            return;
        }
        let symbol = self.symbol(name);
        let old = self.shell.vars.get(symbol).clone();
        self.run_variables.push((symbol, old));
        // One that cannot be assigned keeps its value.
        if self.assign(symbol, Value::Str(Str::new(value))) != Err(Unwind::Discard(1)) {
            self.shell.vars.get_mut(symbol).attrs.insert(Attrs::EXPORT);
            self.shell.environment = None;
        }
    }

    /// The directory of one run.
    pub(crate) fn run_directory(&mut self, path: &str) {
        let before = self.run_directory.take().unwrap_or_else(|| self.ctx.cwd());
        self.run_directory = Some(before);
        self.ctx.set_cwd(path);
        self.run_variable(b"PWD", path.as_bytes());
    }

    /// Puts back what was set for one run.
    fn restore_run(&mut self) {
        while let Some((symbol, var)) = self.run_variables.pop() {
            self.restore_variable(symbol, var);
        }
        if let Some(cwd) = self.run_directory.take() {
            self.ctx.set_cwd(cwd);
        }
    }

    /// `PWD` and `OLDPWD` as the shell starts.
    pub(crate) fn start_directory(&mut self) {
        let cwd = Str::from(&*self.ctx.cwd());
        let var = self.shell.vars.get_mut(known::PWD);
        var.value = Value::Str(cwd);
        var.exists = true;
        var.attrs.insert(Attrs::EXPORT);
        let old = self.shell.vars.get(known::OLDPWD).value.scalar();
        let fine = old.is_some_and(|old| self.ctx.stat(&old, true).is_ok_and(|stat| stat.is_directory()));
        if !fine {
            let old = self.shell.vars.get_mut(known::OLDPWD);
            old.exists = true;
            old.value = Value::Unset;
            old.attrs.insert(Attrs::EXPORT);
        }
        let (uid, _) = self.ctx.user();
        for symbol in [known::UID, known::EUID] {
            *self.shell.vars.get_mut(symbol) =
                crate::vars::Var::with(Value::Int(i64::from(uid)), Attrs::INTEGER | Attrs::READONLY);
        }
        let parent = self.ctx.parent().get();
        *self.shell.vars.get_mut(known::PPID) =
            crate::vars::Var::with(Value::Int(i64::from(parent)), Attrs::INTEGER | Attrs::READONLY);
    }

    /// Functions that come in the environment (`BASH_FUNC_name%%`).
    pub(crate) fn import_functions(&mut self, environment: &Environment) {
        for (name, value) in environment.iter() {
            let Some(name) = name.strip_prefix(b"BASH_FUNC_").and_then(|name| name.strip_suffix(b"%%"))
            else {
                continue;
            };
            if !value.starts_with(b"() {") {
                continue;
            }
            let text = [name, b" ", value].concat();
            let mut parser = wasmsh_syntax::parser::Parser::new(text, self.parser_options());
            let shared = self.shell.shared.clone();
            if let Ok(Some(ast)) = parser.next(&wasmsh_syntax::options::NoAliases) {
                let code = super::compile::compile(&shared, ast, Str::from("environment"));
                // Only a definition is taken, never a command.
                if let [function] = &*code.functions
                    && matches!(code.ops.first(), Some(super::code::Op::DefineFunction(0)))
                    && code.ops.len() == 2
                {
                    let symbol = self.symbol(name);
                    let function = function.clone();
                    Rc::make_mut(&mut self.shell.functions).insert(symbol, function);
                    Rc::make_mut(&mut self.shell.exported_functions).push(symbol);
                }
            }
        }
    }
}
