//! `trap`

use std::rc::Rc;

use wasmsh_os::Disposition;

use super::Builtin;
use crate::text::Str;
use crate::traps;
use crate::vm::{Outcome, Vm};

pub(crate) const TRAP: Builtin = Builtin::new(
    "trap",
    "trap [-lp] [[arg] signal_spec ...]",
    "Executes commands when a signal comes, or at another event.\n\nEvents are signals by name or number, EXIT (the shell ends), DEBUG (before each simple\ncommand), RETURN (a function returns), ERR (a command fails). - puts back what was, an\nempty argument makes the shell ignore the signal.\n\n-l  lists the signals\n-p  shows the traps\n\nStatus: 0, unless a name is wrong.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"lp") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    if given.has(b'l') {
        let list = super::kill::table();
        vm.put(1, &list);
        return Outcome::Status(0);
    }
    let operands = argv.get(given.operands..).unwrap_or_default();
    if given.has(b'p') || operands.is_empty() {
        return show(vm, operands);
    }
    let (action, events) = match operands {
        [only] => {
            if traps::number(only).is_none() {
                vm.usage();
                return Outcome::Status(2);
            }
            (None, operands)
        }
        [first, rest @ ..] => {
            if first == b"-" {
                (None, rest)
            } else if first.iter().all(u8::is_ascii_digit)
                && !first.is_empty()
                && traps::number(first).is_some()
            {
                // A number first: all are put back.
                (None, operands)
            } else {
                (Some(first.clone()), rest)
            }
        }
        [] => return Outcome::Status(0),
    };
    let mut status = 0;
    for event in events {
        let Some(trap) = traps::number(event) else {
            let _ = vm.complain(event, "invalid signal specification");
            status = 1;
            continue;
        };
        set(vm, trap, action.clone());
    }
    Outcome::Status(status)
}

fn set(vm: &mut Vm, trap: u8, action: Option<Str>) {
    let table = Rc::make_mut(&mut vm.shell.traps);
    if !table.own {
        // The first trap of a subshell: those of its parent were only to be seen.
        let ignored: Vec<u8> =
            table.iter().filter(|(_, text)| text.is_empty()).map(|(trap, _)| trap).collect();
        let keep_err = table.own_err;
        let err = table.get(traps::ERR).cloned();
        *table = traps::Traps::default();
        for trap in ignored {
            table.set(trap, Some(Str::EMPTY));
        }
        if keep_err {
            table.set(traps::ERR, err);
        }
        table.own = true;
        table.own_err = keep_err;
    }
    if trap == traps::ERR {
        table.own_err = true;
    }
    let disposition = match &action {
        None => Disposition::Default,
        Some(text) if text.is_empty() => Disposition::Ignore,
        Some(_) => Disposition::Deliver,
    };
    table.set(trap, action);
    vm.shell.traps_debug = table.get(traps::DEBUG).is_some();
    if let Some(signal) = traps::signal(trap) {
        vm.ctx.set_disposition(signal, disposition);
    }
}

fn show(vm: &mut Vm, events: &[Str]) -> Outcome {
    let mut status = 0;
    let posix = vm.opt(crate::options::Opt::Posix);
    let line = |trap: u8, text: &[u8]| {
        let mut line = b"trap -- ".to_vec();
        line.extend_from_slice(&wasmsh_syntax::quote::single(text));
        line.push(b' ');
        let name = traps::name(trap);
        let name = if posix { name.strip_prefix("SIG").unwrap_or(&name) } else { &name };
        line.extend_from_slice(name.as_bytes());
        line.push(b'\n');
        line
    };
    let table = vm.shell.traps.clone();
    if events.is_empty() {
        for (trap, text) in table.shown() {
            vm.put(1, &line(*trap, text));
        }
    }
    for event in events {
        match traps::number(event) {
            Some(trap) => {
                if let Some((_, text)) = table.shown().iter().find(|(other, _)| *other == trap) {
                    vm.put(1, &line(trap, text));
                }
            }
            None => {
                let _ = vm.complain(event, "invalid signal specification");
                status = 1;
            }
        }
    }
    Outcome::Status(status)
}
