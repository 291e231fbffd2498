//! `enable`

use std::rc::Rc;

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const ENABLE: Builtin = Builtin::new(
    "enable",
    "enable [-a] [-dnps] [-f filename] [name ...]",
    "Turns builtins on, or with -n off, so that a program of the name is found; or shows them.\n\n-a  also those that are off\n-n  off\n-p  shows them\n-s  only the special builtins of POSIX\n\nStatus: 0, unless a name is no builtin.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"adnpsf:") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    if given.has(b'f') || given.has(b'd') {
        vm.builtin_error("dynamic loading not available");
        return Outcome::Status(1);
    }
    let names = argv.get(given.operands..).unwrap_or_default();
    if names.is_empty() {
        for builtin in super::ALL {
            let symbol = vm.symbol(builtin.name.as_bytes());
            let off = vm.shell.disabled.contains(&symbol);
            if (given.has(b's') && !builtin.special) || (off != given.has(b'n') && !given.has(b'a')) {
                continue;
            }
            let line = format!("enable {}{}\n", if off { "-n " } else { "" }, builtin.name);
            vm.put(1, line.as_bytes());
        }
        return Outcome::Status(0);
    }
    let mut status = 0;
    for name in names {
        let symbol = vm.symbol(name);
        if vm.shell.shared.builtin(symbol).is_none() {
            let _ = vm.complain(name, "not a shell builtin");
            status = 1;
            continue;
        }
        let disabled = Rc::make_mut(&mut vm.shell.disabled);
        disabled.retain(|other| *other != symbol);
        if given.has(b'n') {
            disabled.push(symbol);
        }
    }
    Outcome::Status(status)
}
