//! Expansions that are functions of text: patterns, pathnames, tildes, prompts, quoting.

pub(crate) mod glob;
pub(crate) mod pattern;
pub(crate) mod prompt;
pub(crate) mod source;
pub(crate) mod transform;
