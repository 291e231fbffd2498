//! `bind`

use super::Builtin;
use crate::vm::Outcome;

pub(crate) const BIND: Builtin = Builtin::new(
    "bind",
    "bind [-lpsvPSVX] [-m keymap] [-f filename] [-q name] [-u name] [-r keyseq] [-x keyseq:shell-command] [keyseq:readline-function or readline-command]",
    "Sets key bindings of the line editor, which the host of a session brings.\n\nStatus: 1; this shell has no line editor of its own.",
    |vm, _| {
        vm.builtin_error("warning: line editing not enabled");
        Outcome::Status(1)
    },
);
