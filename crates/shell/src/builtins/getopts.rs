//! `getopts`

use super::Builtin;
use crate::symbol::known;
use crate::text::Str;
use crate::vars::Value;
use crate::vm::{Outcome, Unwind, Vm};

pub(crate) const GETOPTS: Builtin = Builtin::new(
    "getopts",
    "getopts optstring name [arg ...]",
    "Reads the next option of the positional parameters, or of the arguments.\n\nThe letters of optstring are the options; one with a colon after it takes a value, which\ncomes into OPTARG. With a colon at its begin errors are left to the caller. OPTIND is the\nindex of the next argument.\n\nStatus: 0 if there was an option.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let argv = match argv.get(1) {
        Some(arg) if arg == b"--" => argv.get(1..).unwrap_or_default(),
        Some(arg) if arg.len() > 1 && arg.starts_with(b"-") => {
            let letter = arg.get(1..2).unwrap_or_default();
            vm.builtin_error([b"-", letter, b": invalid option"].concat());
            vm.usage();
            return Outcome::Status(2);
        }
        _ => argv,
    };
    let (Some(spec), Some(name)) = (argv.get(1), argv.get(2)) else {
        vm.usage();
        return Outcome::Status(2);
    };
    let args: Vec<Str> =
        if argv.len() > 3 { argv.get(3..).unwrap_or_default().to_vec() } else { vm.shell.args.to_vec() };
    match next(vm, spec, name, &args) {
        Ok(status) => Outcome::Status(status),
        Err(Unwind::Fail(status)) => Outcome::Status(status),
        Err(_) => Outcome::Status(1),
    }
}

fn next(vm: &mut Vm, spec: &Str, name: &Str, args: &[Str]) -> Result<u8, Unwind> {
    let silent = spec.starts_with(b":");
    let index = vm.shell.vars.get(known::OPTIND).value.int().unwrap_or(1).max(1) as usize;
    let mut at = vm.shell.getopts_at;
    let mut index = index;
    let set_index = |vm: &mut Vm, index: usize, at: usize| -> Result<(), Unwind> {
        vm.assign(known::OPTIND, Value::Int(index as i64))?;
        vm.shell.getopts_at = at;
        Ok(())
    };
    let done = |vm: &mut Vm, index: usize| -> Result<u8, Unwind> {
        set_index(vm, index, 1)?;
        vm.unset(known::OPTARG)?;
        vm.assign_place(name, Str::from("?"))?;
        Ok(1)
    };
    let Some(arg) = args.get(index - 1) else {
        let end = args.len() + 1;
        return done(vm, index.min(end));
    };
    if at == 1 {
        if arg == b"--" {
            return done(vm, index + 1);
        }
        if arg.len() < 2 || !arg.starts_with(b"-") {
            return done(vm, index);
        }
    }
    let Some(&letter) = arg.get(at) else {
        set_index(vm, index + 1, 1)?;
        return next(vm, spec, name, args);
    };
    at += 1;
    let place = (letter != b':').then(|| spec.iter().position(|b| *b == letter)).flatten();
    let takes = place.is_some_and(|place| spec.get(place + 1) == Some(&b':'));
    let finished = at >= arg.len();
    let letter_text = Str::new(&[letter]);
    let show = vm.shell.vars.get(known::OPTERR).value.int() != Some(0);
    if place.is_none() {
        if finished {
            index += 1;
            at = 1;
        }
        set_index(vm, index, at)?;
        if silent {
            let _ = vm.assign(known::OPTARG, Value::Str(letter_text));
        } else {
            vm.unset(known::OPTARG)?;
            if show {
                tell(vm, "illegal option", letter);
            }
        }
        vm.assign_place(name, Str::from("?"))?;
        return Ok(0);
    }
    if !takes {
        if finished {
            index += 1;
            at = 1;
        }
        set_index(vm, index, at)?;
        vm.unset(known::OPTARG)?;
        vm.assign_place(name, letter_text)?;
        return Ok(0);
    }
    let value = if finished {
        index += 1;
        args.get(index - 1).cloned()
    } else {
        Some(Str::new(arg.get(at..).unwrap_or_default()))
    };
    match value {
        Some(value) => {
            set_index(vm, index + 1, 1)?;
            let _ = vm.assign(known::OPTARG, Value::Str(value));
            vm.assign_place(name, letter_text)?;
        }
        None => {
            set_index(vm, index, 1)?;
            if silent {
                let _ = vm.assign(known::OPTARG, Value::Str(letter_text));
                vm.assign_place(name, Str::from(":"))?;
            } else {
                vm.unset(known::OPTARG)?;
                if show {
                    tell(vm, "option requires an argument", letter);
                }
                vm.assign_place(name, Str::from("?"))?;
            }
        }
    }
    Ok(0)
}

fn tell(vm: &mut Vm, message: &str, letter: u8) {
    let mut line = vm.shell_name();
    line.extend_from_slice(format!(": {message} -- {}\n", letter as char).as_bytes());
    vm.put(2, &line);
}
