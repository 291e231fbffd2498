//! `builtin`

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const BUILTIN: Builtin = Builtin::new(
    "builtin",
    "builtin [shell-builtin [arg ...]]",
    "Runs a builtin, even if there is a function of its name.\n\nStatus: that of the builtin; 1 if it is none.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let skip = match vm.options(argv, b"") {
        Ok(given) => given.operands,
        Err(outcome) => return outcome,
    };
    let words: Vec<Str> = argv.get(skip..).unwrap_or_default().to_vec();
    let Some(name) = words.first() else { return Outcome::Status(0) };
    let symbol = vm.symbol(name);
    match vm.shell.shared.builtin(symbol).filter(|_| !vm.shell.disabled.contains(&symbol)) {
        Some(builtin) => {
            vm.shift_declarations(skip);
            let outcome = vm.run_builtin(builtin, &words);
            if matches!(outcome, Outcome::Continue) {
                // As bash: what is evaluated this way does not know that its status is looked at.
                vm.no_errexit = false;
            }
            outcome
        }
        None => {
            let name = name.clone();
            vm.complain(&name, "not a shell builtin")
        }
    }
}
