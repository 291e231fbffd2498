//! `eval`

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Unwind, Vm, param::join};

pub(crate) const EVAL: Builtin = Builtin::new(
    "eval",
    "eval [arg ...]",
    "Joins its arguments with blanks and executes the result as commands.\n\nStatus: that of the commands, or 0.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let rest = match argv.get(1) {
        Some(arg) if arg == b"--" => argv.get(2..),
        Some(arg) if arg.len() > 1 && arg.starts_with(b"-") => {
            let letter = arg.get(1..2).unwrap_or_default();
            vm.builtin_error([b"-", letter, b": invalid option"].concat());
            vm.usage();
            return Outcome::Status(2);
        }
        _ => argv.get(1..),
    };
    let text = join(rest.unwrap_or_default(), b" ");
    if text.trim_ascii().is_empty() {
        return Outcome::Status(0);
    }
    if vm.is_nested_too_deep("eval: maximum eval") {
        return Outcome::Unwind(Unwind::Discard(1));
    }
    vm.call_eval(text);
    Outcome::Continue
}
