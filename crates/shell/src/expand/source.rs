//! Functions as text again.

use crate::vm::code::Function;

/// A function as `declare -f` prints it.
pub(crate) fn function(function: &Function) -> Vec<u8> {
    wasmsh_syntax::print::function(&function.ast, &function.name, function.body)
}

/// Its body alone.
pub(crate) fn function_body(function: &Function) -> Vec<u8> {
    wasmsh_syntax::print::command(&function.ast, function.body)
}
