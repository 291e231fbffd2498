//! POSIX regular expressions (XBD chapter 9) with the additions of GNU: one translation for grep, sed, awk,
//! find, expr and `[[ =~ ]]`.
//!
//! Matching is leftmost-longest, in time linear in the haystack, by `regex-automata`. Only a pattern with
//! back-references, which no automaton can match, runs on a backtracking matcher of our own, whose work is
//! bounded (see [`Exhausted`]).
//!
//! Text is bytes. With [`Syntax::utf8`] a character is a UTF-8 sequence, and a byte that belongs to none is
//! matched by nothing but itself, as in the C.UTF-8 locale.

mod ast;
mod backtrack;
mod class;
mod parse;
mod regex;
mod translate;

pub use parse::ParseError;
pub use regex::{BuildError, Captures, Exhausted, Regex, Span};

/// Which dialect a pattern is written in, and how it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// Extended (ERE) rather than basic (BRE).
    pub extended: bool,
    /// Letters match both their cases.
    pub ignore_case: bool,
    /// `^` and `$` match at every newline too, not only at the ends of the haystack.
    pub multiline: bool,
    /// What a newline is to [`multiline`](Self::multiline) and [`within_lines`](Self::within_lines).
    pub line_terminator: u8,
    /// No `.` and no bracket expression matches a newline: a match of a pattern without one stays in its line.
    pub within_lines: bool,
    /// Characters are UTF-8 sequences; otherwise bytes (`LC_ALL=C`).
    pub utf8: bool,
    /// `\1` … `\9` refer back. POSIX has none in ERE, GNU has; awk has none.
    pub back_references: bool,
    /// An ERE's `)` without a `(` is an ordinary character, as for `grep -E`.
    pub lone_close_is_literal: bool,
    /// Only for BRE and ERE of GNU: `\w \W \s \S \b \B \< \> \` \'`, and `\+ \? \|` in a BRE.
    pub gnu: bool,
    /// An ERE's operator with nothing before it, and a `{` that begins no interval, are errors, as for `regcomp`.
    pub strict_operators: bool,
    /// A BRE's `*` or `\{` behind another one is an error, as POSIX allows and `sed` has it.
    pub repeat_once: bool,
}

impl Syntax {
    /// A BRE as GNU tools read it, in a UTF-8 locale.
    pub const BASIC: Self = Self {
        extended: false,
        ignore_case: false,
        multiline: false,
        line_terminator: b'\n',
        within_lines: false,
        utf8: true,
        back_references: true,
        lone_close_is_literal: false,
        gnu: true,
        strict_operators: false,
        repeat_once: false,
    };
    /// An ERE as GNU tools and `regcomp` with `REG_EXTENDED` read it, in a UTF-8 locale.
    pub const EXTENDED: Self = Self { extended: true, ..Self::BASIC };
}
