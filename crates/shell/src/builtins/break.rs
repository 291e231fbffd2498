//! `break`, `continue`

use super::Builtin;
use super::options::integer;
use crate::text::Str;
use crate::vm::{Outcome, Unwind, Vm};

pub(crate) const BREAK: Builtin = Builtin::new(
    "break",
    "break [n]",
    "Leaves the n innermost loops; n is 1 if not given.\n\nStatus: 0, or 1 if n is wrong.",
    |vm, argv| run(vm, argv, true),
);
pub(crate) const CONTINUE: Builtin = Builtin::new(
    "continue",
    "continue [n]",
    "Goes on with the next pass of the n-th enclosing loop.\n\nStatus: 0, or 1 if n is wrong.",
    |vm, argv| run(vm, argv, false),
);

fn run(vm: &mut Vm, argv: &[Str], is_break: bool) -> Outcome {
    let argv = match argv.get(1) {
        Some(arg) if arg == b"--" => argv.get(1..).unwrap_or_default(),
        _ => argv,
    };
    let levels = match argv.get(1) {
        None => 1,
        Some(arg) => match integer(arg) {
            None => {
                let arg = arg.clone();
                let _ = vm.complain(&arg, "numeric argument required");
                return Outcome::Unwind(Unwind::Exit(128));
            }
            Some(value) => value,
        },
    };
    if vm.loop_depth() == 0 {
        vm.builtin_error("only meaningful in a `for', `while', or `until' loop");
        return Outcome::Status(0);
    }
    if argv.len() > 2 {
        vm.builtin_error("too many arguments");
        return Outcome::Unwind(vm.too_many_arguments());
    }
    if levels < 1 {
        let text = Str::from_int(levels);
        let _ = vm.complain(&text, "loop count out of range");
        vm.flush_now();
        vm.set_status(1);
        // Bash leaves all loops then, with status 1.
        return Outcome::Unwind(Unwind::Break(u32::MAX));
    }
    let levels = u32::try_from(levels).unwrap_or(u32::MAX);
    Outcome::Unwind(if is_break { Unwind::Break(levels) } else { Unwind::Continue(levels) })
}
