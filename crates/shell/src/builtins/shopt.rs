//! `shopt`

use super::Builtin;
use crate::options::{Opt, Shopt};
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const SHOPT: Builtin = Builtin::new(
    "shopt",
    "shopt [-pqsu] [-o] [optname ...]",
    "Turns optional behaviour of the shell on or off, or shows it.\n\n-o  the options of set -o\n-p  in a form that can be executed\n-q  only the status tells\n-s  on\n-u  off\n\nStatus: 0 if all named options are on, or were changed.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"pqsuo") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let (set, unset, quiet, print, of_set) =
        (given.has(b's'), given.has(b'u'), given.has(b'q'), given.has(b'p'), given.has(b'o'));
    if set && unset {
        vm.builtin_error("cannot set and unset shell options simultaneously");
        return Outcome::Status(1);
    }
    let names = argv.get(given.operands..).unwrap_or_default();
    let mut status = 0;
    if names.is_empty() {
        let all: Vec<(&str, bool)> = if of_set {
            Opt::ALL.iter().map(|(option, name)| (*name, vm.opt(*option))).collect()
        } else {
            Shopt::ALL.iter().map(|(option, name)| (*name, vm.shopt(*option))).collect()
        };
        for (name, on) in all {
            if (set && !on) || (unset && on) || quiet {
                continue;
            }
            show(vm, name, on, print, of_set);
        }
        return Outcome::Status(0);
    }
    for name in names {
        let value = if of_set {
            Opt::from_name(name).map(|option| vm.opt(option))
        } else {
            Shopt::from_name(name).map(|option| vm.shopt(option))
        };
        let Some(on) = value else {
            let _ =
                vm.complain(name, if of_set { "invalid option name" } else { "invalid shell option name" });
            status = 1;
            continue;
        };
        if set || unset {
            if of_set {
                if let Some(option) = Opt::from_name(name) {
                    super::set::turn(vm, option, set);
                }
            } else if let Some(option) = Shopt::from_name(name) {
                vm.shell.options.set_shopt(option, set);
                if option == Shopt::ExtDebug {
                    vm.shell.options.set_opt(Opt::FuncTrace, set);
                    vm.shell.options.set_opt(Opt::ErrTrace, set);
                    if set {
                        vm.init_base_args();
                    }
                }
            }
        } else {
            if !on {
                status = 1;
            }
            if !quiet {
                let name = name.to_text().into_owned();
                show(vm, &name, on, print, of_set);
            }
        }
    }
    Outcome::Status(status)
}

fn show(vm: &mut Vm, name: &str, on: bool, print: bool, of_set: bool) {
    let line = match (print, of_set) {
        (true, true) => format!("set {}o {name}\n", if on { '-' } else { '+' }),
        (true, false) => format!("shopt -{} {name}\n", if on { 's' } else { 'u' }),
        (false, true) => format!("{name:<15}\t{}\n", if on { "on" } else { "off" }),
        (false, false) => format!("{name:<15}\t{}\n", if on { "on" } else { "off" }),
    };
    vm.put(1, line.as_bytes());
}
