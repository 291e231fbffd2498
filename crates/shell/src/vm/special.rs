//! Variables whose value is made when it is read, or whose assignment has an effect (bash manual "Bash
//! Variables").

use std::rc::Rc;

use wasmsh_os::{Environment, Pid};

use crate::options::{Opt, Options, Shopt};
use crate::shared::Shared;
use crate::symbol::{Sym, known};
use crate::text::{Str, plain_int};
use crate::traps::Traps;
use crate::vars::{Attrs, Indexed, Table, Value, Var};
use crate::vm::word::Ifs;
use crate::vm::{CallKind, PipeStatus, Shell, Vm};

/// The version of bash whose language this is.
pub(crate) const VERSION: &str = "5.2.15(1)-release";

/// Variables with the attribute `SPECIAL`.
const SPECIAL: &[Sym] = &[
    known::IFS,
    known::PATH,
    known::OPTIND,
    known::RANDOM,
    known::SRANDOM,
    known::SECONDS,
    known::LINENO,
    known::BASHPID,
    known::EPOCHSECONDS,
    known::EPOCHREALTIME,
    known::FUNCNAME,
    known::BASH_SOURCE,
    known::BASH_LINENO,
    known::PIPESTATUS,
    known::DIRSTACK,
    known::GROUPS,
    known::BASH_SUBSHELL,
    known::BASH_COMMAND,
    known::UNDERSCORE,
    known::SHELLOPTS,
    known::BASHOPTS,
    known::POSIXLY_CORRECT,
    known::BASH_ALIASES,
    known::BASH_CMDS,
    known::BASH_ARGV0,
    known::HISTCMD,
    known::BASH_ARGC,
    known::BASH_ARGV,
    known::BASH_EXECUTION_STRING,
    known::LC_ALL,
    known::LC_CTYPE,
    known::LANG,
    known::IGNOREEOF,
];

/// Those that are arrays.
const ARRAYS: &[Sym] = &[
    known::FUNCNAME,
    known::BASH_SOURCE,
    known::BASH_LINENO,
    known::BASH_ARGC,
    known::BASH_ARGV,
    known::PIPESTATUS,
    known::DIRSTACK,
    known::GROUPS,
];

impl Shell {
    /// A new shell with `environment`, named `name`.
    pub(crate) fn new(shared: Rc<Shared>, environment: &Environment, name: Str, pid: Pid, now: u64) -> Shell {
        let mut shell = Shell {
            shared,
            vars: Table::default(),
            functions: Rc::default(),
            exported_functions: Rc::default(),
            readonly_functions: Rc::default(),
            aliases: Rc::default(),
            options: Options::default(),
            name,
            args: crate::args::Args::default(),
            status: 0,
            pipe_status: PipeStatus::Many(Rc::default()),
            last_arg: Str::EMPTY,
            base_args: None,
            last_background: None,
            pid,
            subshell: 0,
            subshell_trace: 0,
            traps: Rc::new(Traps::new(true, true)),
            traps_debug: false,
            jobs: Rc::default(),
            dirs: Rc::default(),
            hashed: Rc::default(),
            disabled: Rc::default(),
            completions: Rc::default(),
            history: Rc::default(),
            bindings: Rc::default(),
            random: pid.get().wrapping_mul(2_654_435_761) ^ (now as u32) | 1,
            seconds_base: 0,
            started: now,
            ifs: Ifs::default(),
            getopts_at: 1,
            environment: None,
            command_string: None,
            interactive: false,
            from_stdin: false,
            bytes: false,
        };
        shell.last_arg = match environment.get(b"_") {
            Some(value) => Str::new(value),
            None => shell.name.clone(),
        };
        shell.import(environment);
        shell.look_at_locale();
        shell
    }

    /// Whether characters are bytes, as the variables of the locale say. Where none says anything they are not, since
    /// the locale of a session is `C.UTF-8`.
    pub(crate) fn look_at_locale(&mut self) {
        let names = [known::LC_ALL, known::LC_CTYPE, known::LANG];
        let values = names.into_iter().filter_map(|name| self.vars.get(name).value.scalar());
        let locale = values.into_iter().find(|value| !value.is_empty());
        self.bytes = locale.is_some_and(|locale| matches!(locale.as_bytes(), b"C" | b"POSIX"));
    }

    fn set(&mut self, symbol: Sym, value: impl Into<Str>, attrs: Attrs) {
        *self.vars.get_mut(symbol) = Var::with(Value::Str(value.into()), attrs);
    }

    fn import(&mut self, environment: &Environment) {
        for symbol in SPECIAL {
            self.vars.get_mut(*symbol).attrs = Attrs::SPECIAL;
            self.vars.get_mut(*symbol).exists = true;
        }
        for symbol in [known::BASH_ALIASES, known::BASH_CMDS] {
            self.vars.get_mut(symbol).value = Value::Assoc(Rc::default());
        }
        for symbol in [
            known::POSIXLY_CORRECT,
            known::PATH,
            known::LC_ALL,
            known::LC_CTYPE,
            known::LANG,
            known::IGNOREEOF,
        ] {
            self.vars.get_mut(symbol).exists = false;
        }
        for (name, value) in environment.iter() {
            if !crate::vm::variables::is_name(name) {
                continue;
            }
            if name == "SHELLOPTS" || name == "BASHOPTS" {
                // Options that the parent shell hands on.
                for option in value.split(|b| *b == b':') {
                    if name == "SHELLOPTS" {
                        if let Some(option) = Opt::from_name(option) {
                            self.options.set_opt(option, true);
                        }
                    } else if let Some(option) = Shopt::from_name(option) {
                        self.options.set_shopt(option, true);
                    }
                }
                let symbol = self.shared.names.intern(name);
                self.vars.get_mut(symbol).attrs.insert(Attrs::EXPORT);
                continue;
            }
            let symbol = self.shared.names.intern(name);
            if matches!(
                symbol,
                known::IFS | known::UNDERSCORE | known::OPTIND | known::PPID | known::UID | known::EUID
            ) {
                continue;
            }
            let special = self.vars.get(symbol).attrs & Attrs::SPECIAL;
            self.set(symbol, Str::new(value), Attrs::EXPORT | special);
        }
        self.set(known::IFS, " \t\n", Attrs::SPECIAL);
        self.set(known::OPTIND, "1", Attrs::SPECIAL);
        self.set(known::OPTERR, "1", Attrs::empty());
        self.set(known::PS4, "+ ", Attrs::empty());
        self.set(known::COMP_WORDBREAKS, " \t\n\"'@><=;|&(:", Attrs::empty());
        self.set(known::BASH, "/usr/bin/bash", Attrs::empty());
        self.set(known::BASH_VERSION, VERSION, Attrs::empty());
        let info = ["5", "2", "15", "1", "release", "wasm32-unknown-wasi"];
        *self.vars.get_mut(known::BASH_VERSINFO) = Var::with(
            Value::Indexed(Rc::new(Indexed::from_values(info.iter().map(|part| Str::from(*part)).collect()))),
            Attrs::READONLY,
        );
        self.set(known::HOSTTYPE, "x86_64", Attrs::empty());
        self.set(known::OSTYPE, "linux-gnu", Attrs::empty());
        self.set(known::MACHTYPE, "x86_64-pc-linux-gnu", Attrs::empty());
        if !self.vars.get(known::HOSTNAME).exists {
            self.set(known::HOSTNAME, "wasmsh", Attrs::empty());
        }
        if !self.vars.get(known::PATH).exists {
            self.set(known::PATH, "/usr/local/bin:/usr/bin:/bin", Attrs::SPECIAL);
        }
        if !self.vars.get(known::TERM).exists {
            self.set(known::TERM, "dumb", Attrs::empty());
        }
        let level = self.vars.get(known::SHLVL).value.int().unwrap_or(0).saturating_add(1).clamp(0, 999);
        self.set(known::SHLVL, Str::from_int(level), Attrs::EXPORT);
        self.set(known::BASH_COMPAT, "", Attrs::empty());
        *self.vars.get_mut(known::BASH_COMPAT) = Var::default();
    }
}

impl Vm {
    /// The value of a special variable. `None`: it is the stored one.
    pub(crate) fn special_value(&mut self, symbol: Sym) -> Option<Value> {
        if !self.shell.vars.get(symbol).attrs.contains(Attrs::SPECIAL) {
            return None;
        }
        Some(match symbol {
            known::LINENO => Value::Int(i64::from(self.line)),
            known::RANDOM => Value::Int(self.next_random()),
            known::SRANDOM => {
                let mut bytes = [0; 4];
                self.ctx.random(&mut bytes);
                Value::Int(i64::from(u32::from_le_bytes(bytes)))
            }
            known::SECONDS => {
                let elapsed = self.ctx.monotonic().saturating_sub(self.shell.started) / 1_000_000_000;
                Value::Int(self.shell.seconds_base.wrapping_add(elapsed as i64))
            }
            known::BASHPID => Value::Int(i64::from(self.ctx.pid().get())),
            known::EPOCHSECONDS => Value::Int(self.ctx.now().seconds),
            known::EPOCHREALTIME => {
                let now = self.ctx.now();
                Value::Str(format!("{}.{:06}", now.seconds, now.nanoseconds / 1000).into())
            }
            known::BASH_SUBSHELL => Value::Int(i64::from(self.shell.subshell)),
            known::UNDERSCORE => Value::Str(self.shell.last_arg.clone()),
            known::BASH_COMMAND => {
                let trapped = self.calls.iter().find_map(|call| call.trapped_command());
                let (code, span) = trapped.unwrap_or_else(|| (self.code.clone(), self.command));
                Value::Str(wasmsh_syntax::print::trapped(&code.ast, span).into())
            }
            known::PIPESTATUS => {
                let statuses = match &self.shell.pipe_status {
                    PipeStatus::One(status) => vec![Str::from_int(i64::from(*status))],
                    PipeStatus::Many(all) => {
                        all.iter().map(|status| Str::from_int(i64::from(*status))).collect()
                    }
                };
                Value::Indexed(Rc::new(Indexed::from_values(statuses)))
            }
            known::FUNCNAME => {
                if !self.calls.iter().any(|call| call.kind == CallKind::Function) {
                    return Some(Value::Unset);
                }
                self.call_stack(|vm, call| match call.kind {
                    CallKind::Function => vm.name_of(call.name),
                    CallKind::Source => Str::from("source"),
                    _ => Str::from("main"),
                })
            }
            known::BASH_SOURCE => {
                let value = self.call_stack(|_, call| call.shown_source());
                match &value {
                    Value::Indexed(items)
                        if items.len() == 1 && items.get(0).is_some_and(|s| s.is_empty()) =>
                    {
                        Value::Unset
                    }
                    _ => value,
                }
            }
            known::BASH_LINENO => self.call_stack(|_, call| Str::from_int(i64::from(call.line))),
            known::BASH_ARGC | known::BASH_ARGV => {
                if self.shell.base_args.is_none() && self.depth() == 0 {
                    self.init_base_args();
                }
                let pushed = self.calls.iter().rev().filter_map(|call| call.pushed.clone());
                let all: Vec<crate::args::Args> = pushed.chain(self.shell.base_args.clone()).collect();
                let items = if symbol == known::BASH_ARGC {
                    all.iter().map(|args| Str::from_int(args.len() as i64)).collect()
                } else {
                    all.iter().flat_map(|args| args.iter().rev().cloned()).collect()
                };
                Value::Indexed(Rc::new(Indexed::from_values(items)))
            }
            known::DIRSTACK => {
                let mut dirs = vec![Str::from(&*self.ctx.cwd())];
                dirs.extend(self.shell.dirs.iter().cloned());
                Value::Indexed(Rc::new(Indexed::from_values(dirs)))
            }
            known::GROUPS => {
                let group = Str::from_int(i64::from(self.ctx.user().1));
                Value::Indexed(Rc::new(Indexed::from_values(vec![group])))
            }
            known::SHELLOPTS => {
                let on: Vec<&str> =
                    Opt::ALL.iter().filter(|(option, _)| self.opt(*option)).map(|(_, name)| *name).collect();
                Value::Str(on.join(":").into())
            }
            known::BASHOPTS => {
                let on: Vec<&str> = Shopt::ALL
                    .iter()
                    .filter(|(option, _)| self.shopt(*option))
                    .map(|(_, name)| *name)
                    .collect();
                Value::Str(on.join(":").into())
            }
            known::BASH_ARGV0 => Value::Str(self.shell.name.clone()),
            known::BASH_EXECUTION_STRING => {
                self.shell.command_string.clone().map_or(Value::Unset, Value::Str)
            }
            known::HISTCMD => Value::Int(self.history_number()),
            known::BASH_ALIASES => {
                let mut array = crate::vars::Assoc::default();
                for (name, text) in self.shell.aliases.iter() {
                    array.set(Str::new(name), Str::new(text));
                }
                Value::Assoc(Rc::new(array))
            }
            known::BASH_CMDS => {
                let mut array = crate::vars::Assoc::default();
                for (name, (path, _)) in self.shell.hashed.iter() {
                    array.set(name.clone(), path.clone());
                }
                Value::Assoc(Rc::new(array))
            }
            _ => return None,
        })
    }

    /// Whether it is an array that is made when it is read.
    pub(crate) fn is_special_array(&self, symbol: Sym) -> bool {
        ARRAYS.contains(&symbol) && self.shell.vars.get(symbol).attrs.contains(Attrs::SPECIAL)
    }

    /// `BASH_ARGV` begins with the present arguments from now on.
    pub(crate) fn init_base_args(&mut self) {
        if self.shell.base_args.is_none() {
            self.shell.base_args = Some(self.shell.args.clone());
        }
    }

    /// Sets `$_`.
    pub(crate) fn bind_last_arg(&mut self, value: Str) {
        let var = self.shell.vars.get(known::UNDERSCORE);
        if var.attrs.intersects(Attrs::READONLY | Attrs::EXPORT) {
            if var.attrs.contains(Attrs::READONLY) {
                self.builtin = "";
                self.readonly_error(known::UNDERSCORE);
                self.flush_now();
                return;
            }
            self.shell.vars.get_mut(known::UNDERSCORE).attrs.remove(Attrs::EXPORT);
            self.shell.environment = None;
        }
        self.shell.last_arg = value;
    }

    fn call_stack(&mut self, item: impl Fn(&Vm, &super::Call) -> Str) -> Value {
        let items =
            self.calls.iter().rev().filter(|call| call.is_frame()).map(|call| item(self, call)).collect();
        Value::Indexed(Rc::new(Indexed::from_values(items)))
    }

    /// Bash's generator (Park and Miller's, mixed as since 5.1).
    fn next_random(&mut self) -> i64 {
        loop {
            let seed = if self.shell.random == 0 { 123_459_876 } else { i64::from(self.shell.random) };
            let (high, low) = (seed / 127_773, seed % 127_773);
            let next = 16_807 * low - 2_836 * high;
            self.shell.random = if next < 0 { (next + 0x7fff_ffff) as u32 } else { next as u32 };
            let value = i64::from((self.shell.random >> 16 ^ self.shell.random & 0xffff) & 0x7fff);
            if value != self.shell_last_random() {
                self.set_last_random(value);
                return value;
            }
        }
    }

    fn shell_last_random(&self) -> i64 {
        match self.shell.vars.get(known::RANDOM).value {
            Value::Int(value) => value,
            _ => -1,
        }
    }

    fn set_last_random(&mut self, value: i64) {
        self.shell.vars.get_mut(known::RANDOM).value = Value::Int(value);
    }

    /// A special variable has been assigned, restored, or unset.
    pub(crate) fn special_assigned(&mut self, symbol: Sym) {
        let value = self.shell.vars.get(symbol).value.scalar();
        match symbol {
            known::IFS => {
                self.shell.ifs = match value {
                    Some(text) => Ifs::new(&text),
                    None => Ifs::default(),
                };
            }
            known::PATH if !self.shell.hashed.is_empty() => {
                self.shell.hashed = Rc::default();
            }
            known::OPTIND => self.shell.getopts_at = 1,
            known::RANDOM => {
                if let Some(seed) = value.as_deref().and_then(plain_int) {
                    self.shell.random = seed as u32;
                    self.set_last_random(-1);
                }
            }
            known::SECONDS => {
                self.shell.seconds_base = value.as_deref().and_then(plain_int).unwrap_or(0);
                self.shell.started = self.ctx.monotonic();
            }
            known::IGNOREEOF => self.shell.options.set_opt(Opt::IgnoreEof, value.is_some()),
            known::POSIXLY_CORRECT => self.shell.options.set_opt(Opt::Posix, value.is_some()),
            known::BASH_ARGV0 => {
                if let Some(name) = value {
                    self.shell.name = name;
                }
            }
            known::UNDERSCORE => {
                if let Some(value) = value {
                    self.shell.last_arg = value;
                }
            }
            known::LC_ALL | known::LC_CTYPE | known::LANG => {
                self.shell.look_at_locale();
                wasmsh_syntax::locale::set_bytes(self.shell.bytes);
                // Its first character may be another one.
                self.special_assigned(known::IFS);
            }
            _ => {}
        }
    }
}
