//! `times`

use super::Builtin;
use crate::vm::Outcome;

pub(crate) const TIMES: Builtin = Builtin::new(
    "times",
    "times",
    "Shows the processor time used by the shell and by its children: user and system.\n\nStatus: 0.",
    |vm, argv| {
        if let Err(outcome) = vm.options(argv, b"") {
            return outcome;
        }
        let elapsed = vm.ctx.monotonic().saturating_sub(vm.shell.started) as f64 / 1e9;
        let minutes = (elapsed / 60.0).floor();
        let text = format!("{}m{:.3}s 0m0.000s\n0m0.000s 0m0.000s\n", minutes, elapsed - minutes * 60.0);
        vm.put(1, text.as_bytes());
        Outcome::Status(0)
    },
);
