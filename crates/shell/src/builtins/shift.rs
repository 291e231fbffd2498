//! `shift`

use super::Builtin;
use super::options::integer;
use crate::options::Shopt;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const SHIFT: Builtin = Builtin::new(
    "shift",
    "shift [n]",
    "Drops the first n positional parameters; n is 1 if not given.\n\nStatus: 0, or 1 if there are fewer.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let argv = match argv.get(1) {
        Some(arg) if arg == b"--" => argv.get(1..).unwrap_or_default(),
        _ => argv,
    };
    let count = match argv.get(1) {
        None => 1,
        Some(arg) => match integer(arg) {
            Some(value) => value,
            None => {
                let arg = arg.clone();
                return vm.complain(&arg, "numeric argument required");
            }
        },
    };
    if argv.len() > 2 {
        vm.builtin_error("too many arguments");
        return Outcome::Unwind(vm.too_many_arguments());
    }
    if count < 0 || count as usize > vm.shell.args.len() {
        if vm.shopt(Shopt::ShiftVerbose) || count < 0 {
            let text = Str::from_int(count);
            return vm.complain(&text, "shift count out of range");
        }
        return Outcome::Status(1);
    }
    vm.shell.args.shift(count as usize);
    Outcome::Status(0)
}
