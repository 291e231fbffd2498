//! A compiled script: commands in a row, blocks and branches as indices into it.

use wasmsh_regex::Regex;

/// A script that can run.
#[derive(Default)]
pub(super) struct Script {
    pub(super) commands: Vec<Command>,
    pub(super) regexes: Vec<Regex>,
    /// Names of the files that `w`, `W` and the `w` flag of `s` write.
    pub(super) outputs: Vec<Vec<u8>>,
    /// Names of the files that `R` reads.
    pub(super) inputs: Vec<Vec<u8>>,
    /// It began with a line `#n`.
    pub(super) quiet: bool,
    /// Finds lines that the script does something to; all others are only printed.
    pub(super) prefilter: Option<Regex>,
}

/// A regular expression of the script; `None`: the one that was used last.
pub(super) type RegexId = Option<usize>;

/// What selects a line, or begins a range.
#[derive(Clone, Copy, Debug)]
pub(super) enum Address {
    /// `N`
    Line(u64),
    /// `FIRST~STEP`
    Step { first: u64, step: u64 },
    /// `$`
    Last,
    /// `/re/`
    Regex(RegexId),
    /// `0`, before `,/re/`
    Zero,
}

/// What ends a range.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// `,N`
    Line(u64),
    /// `,$`
    Last,
    /// `,/re/`
    Regex(RegexId),
    /// `,+N`
    Plus(u64),
    /// `,~N`
    Multiple(u64),
}

/// A command with its addresses.
pub(super) struct Command {
    pub(super) from: Option<Address>,
    pub(super) to: Option<End>,
    /// `!`
    pub(super) negated: bool,
    pub(super) action: Action,
}

/// What a command does. Targets are indices of commands.
pub(super) enum Action {
    /// `{`; where to go on when the line is not selected.
    Block(usize),
    Append(Vec<u8>),
    Insert(Vec<u8>),
    Change(Vec<u8>),
    /// `b`
    Branch(usize),
    /// `t`
    BranchIf(usize),
    /// `T`
    BranchUnless(usize),
    Delete,
    DeleteFirst,
    FileName,
    Get,
    GetAppend,
    Hold,
    HoldAppend,
    /// `l`, with the width.
    List(Option<usize>),
    Next,
    NextAppend,
    LineNumber,
    Print,
    PrintFirst,
    Quit(u8),
    QuitSilently(u8),
    ReadFile(Vec<u8>),
    ReadLine(usize),
    Substitute(Box<Substitution>),
    Write(usize),
    WriteFirst(usize),
    Exchange,
    Translate(Box<Translation>),
    Zap,
}

/// The `s` command.
pub(super) struct Substitution {
    pub(super) regex: RegexId,
    pub(super) replacement: Vec<Part>,
    /// The replacement has `\U` and its kin.
    pub(super) has_case: bool,
    /// The highest group it refers to.
    pub(super) highest: u32,
    pub(super) global: bool,
    pub(super) print: bool,
    /// The first match that counts, from 1 on.
    pub(super) number: u64,
    pub(super) output: Option<usize>,
}

/// A part of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(Vec<u8>),
    /// `&` is 0.
    Group(u32),
    Case(Case),
}

/// `\U \L \E \u \l`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    End,
    UpperNext,
    LowerNext,
}

/// The `y` command.
pub(super) enum Translation {
    Bytes(Box<[u8; 256]>),
    /// Ordered by the characters that are replaced.
    Characters(Vec<(Vec<u8>, Vec<u8>)>),
}
