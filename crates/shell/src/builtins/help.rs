//! `help`

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const HELP: Builtin = Builtin::new(
    "help",
    "help [-dms] [pattern ...]",
    "Explains builtins whose names match a pattern; without one it lists all.\n\n-d  one line each\n-m  like a manual page\n-s  the form alone\n\nStatus: 0, unless nothing matches.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"dms") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let patterns = argv.get(given.operands..).unwrap_or_default();
    if patterns.is_empty() {
        vm.put(1, b"These shell commands are defined internally.  Type `help name' to find out more about `name'.\n\n");
        for builtin in super::ALL {
            vm.put(1, format!(" {}\n", builtin.synopsis).as_bytes());
        }
        return Outcome::Status(0);
    }
    let mut missing = 0;
    for pattern in patterns {
        let compiled = vm.pattern(pattern, false);
        let mut found: Vec<&Builtin> =
            super::ALL.iter().filter(|builtin| builtin.name.as_bytes() == &**pattern).collect();
        if found.is_empty() {
            found = super::ALL
                .iter()
                .filter(|builtin| {
                    compiled.is_match(builtin.name.as_bytes()) || builtin.name.as_bytes().starts_with(pattern)
                })
                .collect();
        }
        if found.is_empty() {
            let mut message = b"no help topics match `".to_vec();
            message.extend_from_slice(pattern);
            message.extend_from_slice(b"'.  Try `help help' or `man -k ");
            message.extend_from_slice(pattern);
            message.extend_from_slice(b"' or `info ");
            message.extend_from_slice(pattern);
            message.extend_from_slice(b"'.");
            vm.builtin_error(message);
            missing += 1;
        }
        for builtin in found {
            let text = if given.has(b's') {
                format!("{}: {}\n", builtin.name, builtin.synopsis).into_bytes()
            } else if given.has(b'd') {
                format!("{} - {}\n", builtin.name, builtin.help.lines().next().unwrap_or("")).into_bytes()
            } else {
                builtin.help_text()
            };
            vm.put(1, &text);
        }
    }
    Outcome::Status(u8::from(missing == patterns.len()))
}
