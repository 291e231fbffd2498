//! `:`, `true`, `false`

use super::Builtin;
use crate::vm::Outcome;

pub(crate) const COLON: Builtin =
    Builtin::new(":", ":", "Does nothing; its arguments are expanded.\n\nStatus: 0.", |_, _| {
        Outcome::Status(0)
    });
pub(crate) const TRUE: Builtin =
    Builtin::new("true", "true", "Succeeds.\n\nStatus: 0.", |_, _| Outcome::Status(0));
pub(crate) const FALSE: Builtin =
    Builtin::new("false", "false", "Fails.\n\nStatus: 1.", |_, _| Outcome::Status(1));
