//! `set`

use std::rc::Rc;

use super::Builtin;
use crate::args::Args;
use crate::options::{Opt, opt_from_letter};
use crate::symbol::known;
use crate::text::Str;
use crate::vars::Value;
use crate::vm::{Outcome, Vm};

pub(crate) const SET: Builtin = Builtin::new(
    "set",
    "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]",
    "Turns options of the shell on (-) or off (+), and sets the positional parameters.\nWithout arguments it shows all variables and functions.\n\n-a allexport  -b notify  -e errexit  -f noglob  -h hashall  -k keyword  -m monitor  -n noexec\n-p privileged  -t onecmd  -u nounset  -v verbose  -x xtrace  -B braceexpand  -C noclobber\n-E errtrace  -H histexpand  -P physical  -T functrace\n-o name  the option of this name; without a name all are shown\n\nStatus: 0, unless an option is wrong.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    if argv.len() == 1 {
        for (_, symbol) in vm.variable_names() {
            let line = vm.assignment_line(symbol);
            vm.put(1, &line);
        }
        if !vm.opt(Opt::Posix) {
            let mut all: Vec<_> = vm.shell.functions.values().cloned().collect();
            all.sort_by(|a, b| a.name.cmp(&b.name));
            for function in all {
                let mut text = crate::expand::source::function(&function);
                text.push(b'\n');
                vm.put(1, &text);
            }
        }
        return Outcome::Status(0);
    }
    if let Some(wrong) = wrong_option(argv) {
        vm.builtin_error([&wrong[..], b": invalid option"].concat());
        vm.usage();
        return Outcome::Status(2);
    }
    let mut at = 1;
    while let Some(arg) = argv.get(at) {
        let (on, letters) = match arg.as_bytes() {
            b"--" => {
                set_args(vm, argv.get(at + 1..).unwrap_or_default());
                return Outcome::Status(0);
            }
            b"-" => {
                vm.shell.options.set_opt(Opt::XTrace, false);
                vm.shell.options.set_opt(Opt::Verbose, false);
                if at + 1 < argv.len() {
                    set_args(vm, argv.get(at + 1..).unwrap_or_default());
                }
                return Outcome::Status(0);
            }
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => break,
        };
        at += 1;
        for letter in letters {
            if *letter == b'o' {
                let Some(name) = name_behind(argv, at).cloned() else {
                    show(vm, on);
                    continue;
                };
                at += 1;
                let Some(option) = Opt::from_name(&name) else {
                    let _ = vm.complain(&name, "invalid option name");
                    return Outcome::Status(2);
                };
                turn(vm, option, on);
            } else if let Some(option) = opt_from_letter(*letter) {
                turn(vm, option, on);
            }
        }
    }
    if at < argv.len() {
        set_args(vm, argv.get(at..).unwrap_or_default());
    }
    Outcome::Status(0)
}

/// The name that belongs to a `-o`, if it is not an option that follows.
fn name_behind(argv: &[Str], at: usize) -> Option<&Str> {
    argv.get(at).filter(|name| !matches!(name.first(), Some(b'-' | b'+')))
}

/// The first letter that is none: then nothing is set.
fn wrong_option(argv: &[Str]) -> Option<[u8; 2]> {
    let mut at = 1;
    while let Some(arg) = argv.get(at) {
        let (sign, letters) = match arg.as_bytes() {
            b"--" | b"-" => return None,
            [sign @ (b'-' | b'+'), letters @ ..] => (*sign, letters),
            _ => return None,
        };
        at += 1;
        for letter in letters {
            if *letter == b'o' {
                at += usize::from(name_behind(argv, at).is_some());
            } else if opt_from_letter(*letter).is_none() {
                return Some([sign, *letter]);
            }
        }
    }
    None
}

fn set_args(vm: &mut Vm, args: &[Str]) {
    vm.shell.args = Args::new(args.to_vec());
}

/// Turns an option on or off.
pub(crate) fn turn(vm: &mut Vm, option: Opt, on: bool) {
    vm.shell.options.set_opt(option, on);
    match option {
        Opt::Vi if on => vm.shell.options.set_opt(Opt::Emacs, false),
        Opt::Emacs if on => vm.shell.options.set_opt(Opt::Vi, false),
        Opt::Posix => {
            vm.shell.options.set_shopt(crate::options::Shopt::InheritErrExit, on);
            vm.shell.options.set_shopt(crate::options::Shopt::ExpandAliases, on || vm.shell.interactive);
        }
        Opt::IgnoreEof => {
            // The option and the variable are one.
            let _ = if on { vm.assign(known::IGNOREEOF, Value::Int(10)) } else { vm.unset(known::IGNOREEOF) };
        }
        Opt::History if on => vm.enable_history(),
        Opt::ErrTrace if on => Rc::make_mut(&mut vm.shell.traps).own_err |= vm.shell.subshell == 0,
        _ => {}
    }
}

fn show(vm: &mut Vm, table: bool) {
    for (option, name) in Opt::ALL {
        let on = vm.opt(*option);
        let line = if table {
            format!("{name:<15}\t{}\n", if on { "on" } else { "off" })
        } else {
            format!("set {}o {name}\n", if on { '-' } else { '+' })
        };
        vm.put(1, line.as_bytes());
    }
}
