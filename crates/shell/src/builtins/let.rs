//! `let`

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Unwind, Vm};

pub(crate) const LET: Builtin = Builtin::new(
    "let",
    "let arg [arg ...]",
    "Evaluates each argument as an arithmetic expression.\n\nStatus: 1 if the last value is 0, otherwise 0.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let argv = match argv.get(1) {
        Some(arg) if arg == b"--" => argv.get(1..).unwrap_or_default(),
        _ => argv,
    };
    if argv.len() < 2 {
        vm.builtin_error("expression expected");
        return Outcome::Status(1);
    }
    let mut value = 0;
    for arg in argv.iter().skip(1) {
        vm.arith_prefix = Some(b"let");
        let result = vm.arith_text(arg);
        vm.arith_prefix = None;
        match result {
            Ok(result) => value = result,
            Err(Unwind::Discard(_)) => return Outcome::Status(1),
            Err(unwind) => return Outcome::Unwind(unwind),
        }
    }
    Outcome::Status(u8::from(value == 0))
}
