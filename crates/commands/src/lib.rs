//! The utilities of the sandbox, one file each, and their registry.
//!
//! A command is an `async fn` over a [`wasmsh_os::Ctx`]; it streams, and its memory does not grow with its input where
//! its task allows. Behaviour, messages and statuses are those of the GNU tools.

mod ask;
mod basename;
mod cat;
mod choice;
mod command;
mod copy;
mod cp;
mod dirname;
pub mod echo;
mod env;
mod escape;
mod extended;
mod r#false;
mod glob;
mod grep;
mod grep_match;
mod head;
mod human;
mod ln;
mod ls;
mod ls_color;
mod ls_format;
mod mkdir;
mod mode;
mod mv;
mod number;
mod opts;
mod path;
pub mod printf;
mod pwd;
mod quote;
mod readlink;
mod realpath;
mod registry;
mod rm;
mod rmdir;
mod seq;
mod sleep;
mod sort;
mod sort_key;
mod tail;
mod targets;
pub mod test;
pub mod time;
mod r#true;
mod users;
mod version_order;
mod wc;
mod yes;

pub use command::Command;
pub(crate) use command::{Done, Fail, Tool, is_utf8_locale, start};
pub use opts::{Arg, Opt};
pub use registry::{COMMANDS, find};
