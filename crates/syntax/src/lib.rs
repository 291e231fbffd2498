//! The grammar of bash 5.2 as a library without any I/O: bytes in, a syntax tree with positions out.
//!
//! * [`parser`]: reads one complete command after the other, whole or piece by piece;
//! * [`ast`]: the tree of one complete command;
//! * [`error`]: errors and warnings with bash's wording;
//! * [`print`](mod@print): commands laid out as `declare -f` does;
//! * [`arith`]: shell arithmetic, compiled and evaluated;
//! * [`pattern`]: shell patterns, compiled and matched;
//! * [`brace`]: brace expansion;
//! * [`quote`]: quoting and unquoting;
//! * [`locale`]: what a character is.
//!
//! Source text is bytes, not necessarily UTF-8. Nothing recurses on the native stack with the nesting of the
//! input, and everything takes time linear in its length unless its documentation says otherwise.

pub mod arith;
pub mod ast;
pub mod brace;
pub mod error;
pub mod locale;
pub mod options;
pub mod parser;
pub mod pattern;
pub mod print;
pub mod quote;
