//! `alias`, `unalias`

use std::rc::Rc;

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const ALIAS: Builtin = Builtin::new(
    "alias",
    "alias [-p] [name[=value] ... ]",
    "Defines aliases, or shows them.\n\nStatus: 0, unless a name has no alias.",
    run_alias,
);
pub(crate) const UNALIAS: Builtin = Builtin::new(
    "unalias",
    "unalias [-a] name [name ...]",
    "Takes aliases away; with -a all.\n\nStatus: 0, unless a name has no alias.",
    run_unalias,
);

fn line(vm: &Vm, name: &[u8], text: &[u8]) -> Vec<u8> {
    let command: &[u8] = if vm.opt(crate::options::Opt::Posix) { b"" } else { b"alias " };
    [command, name, b"=", &wasmsh_syntax::quote::single(text), b"\n"].concat()
}

fn run_alias(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"p") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    if given.operands == argv.len() || given.has(b'p') {
        let aliases = vm.shell.aliases.clone();
        for (name, text) in aliases.iter() {
            let line = line(vm, name, text);
            vm.put(1, &line);
        }
    }
    let mut status = 0;
    for arg in argv.iter().skip(given.operands) {
        match arg.iter().position(|b| *b == b'=').filter(|at| *at > 0) {
            Some(at) => {
                let (name, text) = arg.split_at(at);
                if name.iter().any(|b| b" \t\n/$`\"'\\<>|&;()=".contains(b)) {
                    let what = [b"`", name, b"'"].concat();
                    let _ = vm.complain(&what, "invalid alias name");
                    status = 1;
                    continue;
                }
                let text = text.get(1..).unwrap_or_default().to_vec();
                Rc::make_mut(&mut vm.shell.aliases).insert(name.to_vec(), text);
            }
            None => match vm.shell.aliases.get(arg.as_bytes()).cloned() {
                Some(text) => {
                    let line = line(vm, arg, &text);
                    vm.put(1, &line);
                }
                None => {
                    let _ = vm.complain(arg, "not found");
                    status = 1;
                }
            },
        }
    }
    Outcome::Status(status)
}

fn run_unalias(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"a") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    if given.has(b'a') {
        vm.shell.aliases = Rc::default();
        return Outcome::Status(0);
    }
    if given.operands == argv.len() {
        vm.usage();
        return Outcome::Status(2);
    }
    let mut status = 0;
    for name in argv.iter().skip(given.operands) {
        if Rc::make_mut(&mut vm.shell.aliases).remove(name.as_bytes()).is_none() {
            let _ = vm.complain(name, "not found");
            status = 1;
        }
    }
    Outcome::Status(status)
}
