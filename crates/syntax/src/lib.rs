//! The grammar of bash 5.2 as a library without any I/O: bytes in, a syntax tree with positions out.
//!
//! * [`ast`]: the tree of one complete command;
//! * [`error`]: errors and warnings with bash's wording.
//!
//! Source text is bytes, not necessarily UTF-8. Nothing recurses on the native stack with the nesting of the
//! input.

pub mod arith;
pub mod ast;
pub mod brace;
pub mod error;
pub mod options;
pub mod parser;
pub mod pattern;
pub mod print;
pub mod quote;
