//! `return`

use super::Builtin;
use super::exit::status_argument;
use crate::text::Str;
use crate::vm::{Outcome, Unwind, Vm};

pub(crate) const RETURN: Builtin = Builtin::new(
    "return",
    "return [n]",
    "Leaves a function or a sourced file with status n, or that of the last command.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    if !vm.can_return() {
        vm.builtin_error("can only `return' from a function or sourced script");
        return Outcome::Status(2);
    }
    match status_argument(vm, argv) {
        // Of a trap: as it was before the trap.
        Ok(_) if argv.len() < 2 => Outcome::Unwind(Unwind::Return(vm.status_before_trap())),
        Ok(status) => Outcome::Unwind(Unwind::Return(status)),
        Err(2) => Outcome::Unwind(Unwind::Return(2)),
        Err(_) => Outcome::Unwind(vm.too_many_arguments()),
    }
}
