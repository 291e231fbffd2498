//! `command`

use super::Builtin;
use super::r#type::Meaning;
use crate::symbol::known;
use crate::text::Str;
use crate::vars::Value;
use crate::vm::{Outcome, Vm};

pub(crate) const COMMAND: Builtin = Builtin::new(
    "command",
    "command [-pVv] command [arg ...]",
    "Runs a command, functions of its name left out; or says what it would be.\n\n-p  with a PATH that finds the standard utilities\n-v  in one word or line\n-V  in a sentence\n\nStatus: that of the command; 1 if nothing is found.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"pVv") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let words: Vec<Str> = argv.get(given.operands..).unwrap_or_default().to_vec();
    let standard = given.has(b'p').then(|| vm.shell.vars.get(known::PATH).clone());
    if standard.is_some() && (given.has(b'v') || given.has(b'V')) {
        let _ = vm.assign(known::PATH, Value::Str(Str::from("/bin:/usr/bin")));
    }
    if given.has(b'v') || given.has(b'V') {
        let mut status = 1;
        for name in &words {
            match vm.meanings(name, false, true).into_iter().next() {
                None => {
                    if given.has(b'V') {
                        let _ = vm.complain(name, "not found");
                    }
                }
                Some(meaning) => {
                    status = 0;
                    let line = if given.has(b'V') {
                        vm.describe(name, &meaning)
                    } else {
                        match meaning {
                            Meaning::Alias(text) => {
                                [b"alias ", &**name, b"=", &wasmsh_syntax::quote::single(&text), b"\n"]
                                    .concat()
                            }
                            Meaning::Hashed(path) | Meaning::File(path) => [&*path, b"\n"].concat(),
                            _ => [&**name, b"\n"].concat(),
                        }
                    };
                    vm.put(1, &line);
                }
            }
        }
        if let Some(path) = standard {
            vm.restore_variable(known::PATH, path);
        }
        return Outcome::Status(if words.is_empty() { 0 } else { status });
    }
    let Some(name) = words.first() else { return Outcome::Status(0) };
    let symbol = vm.symbol(name);
    if let Some(builtin) = vm.shell.shared.builtin(symbol)
        && !vm.shell.disabled.contains(&symbol)
    {
        vm.shift_declarations(given.operands);
        // What would end the shell for a special builtin does not.
        let outer = std::mem::replace(&mut vm.through_command, true);
        let outcome = vm.run_builtin(builtin, &words);
        vm.through_command = outer;
        return outcome;
    }
    if given.has(b'p') {
        let old = vm.shell.vars.get(known::PATH).clone();
        let _ = vm.assign(known::PATH, Value::Str(Str::from("/usr/bin:/bin")));
        let outcome = vm.external(&words, true);
        vm.restore_variable(known::PATH, old);
        return outcome;
    }
    vm.external(&words, true)
}

impl Vm {
    /// The arguments of a declaration builtin have moved: it is called through another.
    pub(crate) fn shift_declarations(&mut self, by: usize) {
        let moved: Vec<_> = self
            .take_declarations()
            .into_iter()
            .filter_map(|mut declaration| {
                declaration.arg = declaration.arg.checked_sub(by)?;
                Some(declaration)
            })
            .collect();
        self.put_declarations(moved);
    }
}
