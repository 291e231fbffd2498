//! `exit`, `logout`, `suspend`

use super::Builtin;
use super::options::integer;
use crate::text::Str;
use crate::vm::{Outcome, Unwind, Vm};

pub(crate) const EXIT: Builtin = Builtin::new(
    "exit",
    "exit [n]",
    "Ends the shell with status n, or that of the last command. A trap on EXIT runs first.",
    run,
);
pub(crate) const LOGOUT: Builtin = Builtin::new(
    "logout",
    "logout [n]",
    "Ends a login shell.\n\nStatus: n; 1 if it is no login shell.",
    |vm, _| {
        vm.builtin_error("not login shell: use `exit'");
        Outcome::Status(1)
    },
);
pub(crate) const SUSPEND: Builtin = Builtin::new(
    "suspend",
    "suspend [-f]",
    "Stops the shell until it gets a CONT signal.\n\nStatus: 1 without job control.",
    |vm, argv| {
        if let Err(outcome) = vm.options(argv, b"f") {
            return outcome;
        }
        vm.builtin_error("cannot suspend: no job control");
        Outcome::Status(1)
    },
);

/// The status that `exit` and `return` are given.
pub(crate) fn status_argument(vm: &mut Vm, argv: &[Str]) -> Result<u8, u8> {
    let argv = match argv.get(1) {
        Some(arg) if arg == b"--" => argv.get(1..).unwrap_or_default(),
        _ => argv,
    };
    let Some(arg) = argv.get(1) else { return Ok(vm.shell.status) };
    let Some(value) = integer(arg) else {
        let arg = arg.clone();
        let _ = vm.complain(&arg, "numeric argument required");
        return Err(2);
    };
    if argv.len() > 2 {
        vm.builtin_error("too many arguments");
        return Err(1);
    }
    Ok(value as u8)
}

impl Vm {
    /// What too many arguments of `exit`, `return`, `break` lead to.
    pub(crate) fn too_many_arguments(&self) -> Unwind {
        if self.shell.command_string.is_some() && !self.shell.interactive {
            Unwind::Exit(1)
        } else {
            Unwind::Discard(1)
        }
    }
}

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    // In the trap on EXIT, `exit` alone leaves the status as it was.
    match status_argument(vm, argv) {
        Ok(status) => {
            let status = if argv.len() < 2 { vm.exit_status() } else { status };
            Outcome::Unwind(Unwind::Exit(status))
        }
        Err(2) => Outcome::Unwind(Unwind::Exit(2)),
        Err(_) => Outcome::Unwind(vm.too_many_arguments()),
    }
}
