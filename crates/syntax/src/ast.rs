//! The abstract syntax tree of one complete command.
//!
//! All nodes of a tree live in arenas owned by one [`Ast`]; nodes refer to each other by small typed indices
//! ([`Id`], [`Seq`], [`Str`]), which are `Copy`. So a tree of any depth is cloned, compared and dropped
//! without recursion, and a node is found in one indexing operation:
//!
//! ```
//! # use wasmsh_syntax::{ast::*, parser::*};
//! let mut parser = Parser::new(b"echo hello | wc -c", ParserOptions::default());
//! let ast = parser.next(&NoAliases).unwrap().unwrap();
//! let pipeline = ast[ast[ast.root.items][0].pipelines][0].pipeline;
//! let first = &ast[ast[pipeline.stages][0].command];
//! let CommandKind::Simple(simple) = first.kind else { panic!() };
//! let Argument::Word(word) = ast[simple.args][1] else { panic!() };
//! assert_eq!(ast.literal(word.parts).as_deref(), Some(&b"hello"[..]));
//! ```
//!
//! An index is only meaningful for the tree that made it. Indexing with one of another tree may panic.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Index;

use crate::error::{ParseError, Warning};

/// The index of one node of type `T` in an [`Ast`].
pub struct Id<T>(u32, PhantomData<fn() -> T>);

impl<T> Id<T> {
    pub(crate) fn new(index: usize) -> Self {
        Id(index as u32, PhantomData)
    }

    /// The position of the node in its arena, dense from 0: a key for side tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The indices of consecutive nodes of type `T` in an [`Ast`]; `ast[seq]` is a slice.
pub struct Seq<T>(u32, u32, PhantomData<fn() -> T>);

impl<T> Seq<T> {
    pub(crate) fn new(start: usize, len: usize) -> Self {
        Seq(start as u32, len as u32, PhantomData)
    }

    /// A sequence of no nodes.
    pub const EMPTY: Self = Seq(0, 0, PhantomData);

    /// Number of nodes.
    pub fn len(self) -> usize {
        self.1 as usize
    }

    /// Whether there are no nodes.
    pub fn is_empty(self) -> bool {
        self.1 == 0
    }

    /// The position of the first node in its arena.
    pub fn start(self) -> usize {
        self.0 as usize
    }

    /// The part of the sequence from the `from`th node on (empty if there are fewer).
    pub fn skip(self, from: usize) -> Self {
        let from = (from as u32).min(self.1);
        Seq(self.0 + from, self.1 - from, PhantomData)
    }

    /// The indices of the single nodes.
    pub fn ids(self) -> impl DoubleEndedIterator<Item = Id<T>> + ExactSizeIterator {
        (self.0..self.0 + self.1).map(|i| Id(i, PhantomData))
    }
}

macro_rules! index_traits {
    ($name:ident, $($field:tt),*) => {
        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<T> Copy for $name<T> {}
        impl<T> PartialEq for $name<T> {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&*
            }
        }
        impl<T> Eq for $name<T> {}
        impl<T> Hash for $name<T> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                $(self.$field.hash(state);)*
            }
        }
        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))?;
                f.debug_list()$(.entry(&self.$field))*.finish()
            }
        }
    };
}
index_traits!(Id, 0);
index_traits!(Seq, 0, 1);

/// A byte string kept in an [`Ast`]; `ast[str]` is a `[u8]`. A sub-range of it is again a `Str`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Str {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Str {
    /// The empty string.
    pub const EMPTY: Str = Str { start: 0, len: 0 };

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// Whether the string has no bytes.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Bytes `from..to` of it, clamped to its length.
    pub fn slice(self, from: usize, to: usize) -> Str {
        let to = (to as u32).min(self.len);
        let from = (from as u32).min(to);
        Str { start: self.start + from, len: to - from }
    }
}

/// Spans from here on count bytes of [`Ast::unescaped`].
pub(crate) const UNESCAPED: u32 = 0x8000_0000;

/// A range of bytes of [`Ast::text`], or of the text inside backquotes. `ast[span]` is a `[u8]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

/// One complete command: what the shell executes before it reads on.
#[derive(Clone, Debug, Default)]
pub struct Ast {
    /// What to execute.
    pub root: List,
    /// The source text as read: after alias expansion, with here-document bodies, from the first byte after
    /// the previous complete command.
    pub text: Vec<u8>,
    /// Line number (from 1) of the first byte of `text`.
    pub first_line: u32,
    /// Line number after the last byte of `text`.
    pub last_line: u32,
    /// What the reader should be told although the command is well-formed.
    pub warnings: Vec<Warning>,
    /// Errors inside backquotes and here-documents, which bash reports only when it expands them.
    pub errors: Vec<ParseError>,
    /// The unescaped contents of backquotes, one after the other.
    pub(crate) unescaped: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    /// Where each `$'…'` stands, by the position of its decoded text in `bytes`, ascending.
    pub(crate) ansi_c: Vec<(u32, Span)>,
    /// Where each `$"…"` begins, by the position of its first part in `parts`, ascending.
    pub(crate) localized: Vec<(u32, u32)>,
    pub(crate) commands: Vec<Command>,
    pub(crate) and_ors: Vec<AndOr>,
    pub(crate) and_or_parts: Vec<AndOrPart>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) if_clauses: Vec<IfClause>,
    pub(crate) case_arms: Vec<CaseArm>,
    pub(crate) words: Vec<Word>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) parts: Vec<Part>,
    pub(crate) params: Vec<Param>,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) elements: Vec<ArrayElement>,
    pub(crate) redirects: Vec<Redirect>,
    pub(crate) here_docs: Vec<HereDoc>,
    pub(crate) conds: Vec<Cond>,
    pub(crate) substitutions: Vec<Substitution>,
}

impl Ast {
    /// Empties it, and keeps its memory.
    pub(crate) fn clear(&mut self) {
        let Ast {
            root,
            text,
            first_line,
            last_line,
            warnings,
            errors,
            unescaped,
            bytes,
            ansi_c,
            localized,
            commands,
            and_ors,
            and_or_parts,
            stages,
            if_clauses,
            case_arms,
            words,
            arguments,
            parts,
            params,
            assignments,
            elements,
            redirects,
            here_docs,
            conds,
            substitutions,
        } = self;
        *root = List::default();
        *first_line = 0;
        *last_line = 0;
        text.clear();
        warnings.clear();
        errors.clear();
        unescaped.clear();
        bytes.clear();
        ansi_c.clear();
        localized.clear();
        commands.clear();
        and_ors.clear();
        and_or_parts.clear();
        stages.clear();
        if_clauses.clear();
        case_arms.clear();
        words.clear();
        arguments.clear();
        parts.clear();
        params.clear();
        assignments.clear();
        elements.clear();
        redirects.clear();
        here_docs.clear();
        conds.clear();
        substitutions.clear();
    }
}

macro_rules! arenas {
    ($($type:ident => $field:ident),* $(,)?) => {
        $(
            impl Index<Id<$type>> for Ast {
                type Output = $type;
                fn index(&self, id: Id<$type>) -> &$type {
                    &self.$field[id.index()]
                }
            }
            impl Index<Seq<$type>> for Ast {
                type Output = [$type];
                fn index(&self, seq: Seq<$type>) -> &[$type] {
                    &self.$field[seq.start()..seq.start() + seq.len()]
                }
            }
        )*
    };
}
arenas! {
    Command => commands,
    AndOr => and_ors,
    AndOrPart => and_or_parts,
    Stage => stages,
    IfClause => if_clauses,
    CaseArm => case_arms,
    Word => words,
    Argument => arguments,
    Part => parts,
    Param => params,
    Assignment => assignments,
    ArrayElement => elements,
    Redirect => redirects,
    HereDoc => here_docs,
    Cond => conds,
    Substitution => substitutions,
}

impl Index<Str> for Ast {
    type Output = [u8];
    fn index(&self, s: Str) -> &[u8] {
        &self.bytes[s.start as usize..(s.start + s.len) as usize]
    }
}

impl Index<Span> for Ast {
    type Output = [u8];
    fn index(&self, s: Span) -> &[u8] {
        let text = if s.start & UNESCAPED == 0 { &self.text } else { &self.unescaped };
        &text[(s.start & !UNESCAPED) as usize..(s.end & !UNESCAPED) as usize]
    }
}

impl Ast {
    /// Whether there are here-documents in it.
    pub fn has_here_documents(&self) -> bool {
        !self.here_docs.is_empty()
    }

    /// The command that stands exactly at `span`.
    pub fn command_at(&self, span: Span) -> Option<Id<Command>> {
        self.commands.iter().position(|command| command.span == span).map(Id::new)
    }

    /// Whether a command or process substitution stands anywhere in it.
    pub fn runs_commands(&self) -> bool {
        !self.substitutions.is_empty()
    }

    /// The text that `parts` stand for after quote removal if they need no expansion at all, i.e. consist of
    /// literal and quoted text. (Glob characters in it are not looked at; a tilde prefix is an expansion.)
    pub fn literal(&self, parts: Seq<Part>) -> Option<Cow<'_, [u8]>> {
        match self[parts] {
            [] => return Some(Cow::Borrowed(b"")),
            [Part::Literal(s) | Part::Escaped(s) | Part::SingleQuoted(s) | Part::AnsiC(s)] => {
                return Some(Cow::Borrowed(&self[s]));
            }
            _ => {}
        }
        let mut out = Vec::new();
        for part in &self[parts] {
            match *part {
                Part::Literal(s) | Part::Escaped(s) | Part::SingleQuoted(s) | Part::AnsiC(s) => {
                    out.extend_from_slice(&self[s]);
                }
                Part::DoubleQuoted(inner) => {
                    for part in &self[inner] {
                        match *part {
                            Part::Literal(s) | Part::Escaped(s) => out.extend_from_slice(&self[s]),
                            _ => return None,
                        }
                    }
                }
                _ => return None,
            }
        }
        Some(Cow::Owned(out))
    }

    /// The bytes of a word that is one unquoted literal, as reserved words and alias names are.
    pub fn bare(&self, parts: Seq<Part>) -> Option<&[u8]> {
        match self[parts] {
            [Part::Literal(s)] => Some(&self[s]),
            _ => None,
        }
    }
}

/// A list: and-or lists one after the other (POSIX XCU 2.9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct List {
    /// The and-or lists in order.
    pub items: Seq<AndOr>,
}

impl<T> Default for Seq<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// Pipelines joined by `&&` and `||`, which bind equally and to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AndOr {
    /// The pipelines; never empty. The operator of the first is [`AndOrOp::First`].
    pub pipelines: Seq<AndOrPart>,
    /// Ended by `&`: run asynchronously.
    pub background: bool,
    /// Ended by a new line rather than by `;` or `&`.
    pub newline: bool,
    /// Where it stands, without the terminator.
    pub span: Span,
    /// Line of its first token.
    pub line: u32,
}

/// One pipeline of an and-or list with the operator before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AndOrPart {
    /// The operator before the pipeline.
    pub op: AndOrOp,
    /// The pipeline.
    pub pipeline: Pipeline,
}

/// When a pipeline of an and-or list is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AndOrOp {
    /// Always: the first of the list.
    First,
    /// `&&`: if what was executed before succeeded.
    And,
    /// `||`: if what was executed before failed.
    Or,
}

/// Commands joined by `|` and `|&`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// The commands. Empty only for `!` or `time` that stand alone.
    pub stages: Seq<Stage>,
    /// An odd number of `!` before it: the status is inverted.
    pub negated: bool,
    /// `time` before it.
    pub time: Time,
    /// Where it stands.
    pub span: Span,
    /// Line of its first token.
    pub line: u32,
}

/// The `time` reserved word before a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Time {
    /// Not there.
    #[default]
    No,
    /// `time`: report in the format of `TIMEFORMAT`.
    Yes,
    /// `time -p`: report in the format of POSIX.
    Posix,
}

/// One command of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The command.
    pub command: Id<Command>,
    /// Joined to the next by `|&`: standard error too goes into the pipe, after the redirections of the command.
    pub stderr: bool,
}

/// A command of any kind with its redirections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// What kind, and its content.
    pub kind: CommandKind,
    /// Redirections in order; of a simple command those anywhere among its words. (Redirections after a
    /// function body belong to the body's command, as bash has it, and are done at each call.)
    pub redirects: Seq<Redirect>,
    /// Where it stands.
    pub span: Span,
    /// The line that `LINENO` shows for it.
    pub line: u32,
    /// Line of its last token.
    pub end_line: u32,
}

/// The kinds of command (POSIX XCU 2.9, bash manual "Shell Commands").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// Assignments, command name and arguments; also a command of redirections alone.
    Simple(Simple),
    /// `{ list; }`
    Group(List),
    /// `( list )`
    Subshell(List),
    /// `if … then … elif … then … else … fi`
    If {
        /// The conditions with what they guard, in order.
        clauses: Seq<IfClause>,
        /// After `else`.
        otherwise: Option<List>,
    },
    /// `while cond; do body; done`
    While {
        /// Executed before each pass.
        cond: List,
        /// Executed while `cond` succeeds.
        body: List,
    },
    /// `until cond; do body; done`
    Until {
        /// Executed before each pass.
        cond: List,
        /// Executed while `cond` fails.
        body: List,
    },
    /// `for name in words; do body; done`
    For {
        /// The variable (any word in bash; whether it is a valid name is checked on execution).
        name: Str,
        /// The words; `None` without `in`: the positional parameters.
        words: Option<Seq<Word>>,
        /// The body.
        body: List,
        /// Line of the `for` and its variable, for `LINENO` in a trap.
        line: u32,
    },
    /// `for ((init; cond; step)); do body; done`
    ForArith {
        /// Evaluated once; may be empty.
        init: Word,
        /// Evaluated before each pass; empty is true.
        cond: Word,
        /// Evaluated after each pass; may be empty.
        step: Word,
        /// The body.
        body: List,
    },
    /// `select name in words; do body; done`
    Select {
        /// The variable.
        name: Str,
        /// The words; `None` without `in`: the positional parameters.
        words: Option<Seq<Word>>,
        /// The body.
        body: List,
    },
    /// `case subject in … esac`
    Case {
        /// What is matched.
        subject: Word,
        /// The arms in order.
        arms: Seq<CaseArm>,
    },
    /// `[[ … ]]`
    Cond(Id<Cond>),
    /// `(( … ))`: the text of the expression, expanded as in double quotes before it is evaluated.
    Arith(Word),
    /// A function definition.
    Function {
        /// The name (any word in bash; whether it is a valid name is checked on execution).
        name: Str,
        /// A compound command, with the redirections of each call.
        body: Id<Command>,
    },
    /// `coproc [NAME] command`
    Coproc {
        /// The array that receives the descriptors; `None`: `COPROC`.
        name: Option<Str>,
        /// The command.
        body: Id<Command>,
    },
}

/// A simple command (POSIX XCU 2.9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simple {
    /// Assignments before the command name.
    pub assignments: Seq<Assignment>,
    /// Command name and arguments.
    pub args: Seq<Argument>,
}

/// A word of a simple command from the command name on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// An ordinary word: subject to brace expansion, field splitting, pathname expansion.
    Word(Word),
    /// An assignment as argument of a declaration builtin (`declare`, `local`, `export`, `readonly`,
    /// `typeset`, `alias`): not split, no pathname expansion.
    Assignment(Assignment),
}

/// `if` or `elif` with what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfClause {
    /// The condition.
    pub cond: List,
    /// After `then`.
    pub body: List,
}

/// One arm of a `case`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseArm {
    /// The patterns, any of which may match.
    pub patterns: Seq<Word>,
    /// What is executed; may be empty.
    pub body: List,
    /// How the arm ends.
    pub end: CaseEnd,
}

/// What happens after an arm of a `case` was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CaseEnd {
    /// `;;` or nothing before `esac`: the `case` is done.
    #[default]
    Break,
    /// `;&`: execute the next arm without a test.
    FallThrough,
    /// `;;&`: go on testing the next arms.
    Continue,
}

/// A word, or any other piece of text with expansions in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Word {
    /// The parts, joined without anything between.
    pub parts: Seq<Part>,
    /// Where it stands.
    pub span: Span,
    /// There is an unquoted `{`: brace expansion ([`crate::brace`]) may apply.
    pub braces: bool,
}

/// A part of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Unquoted text (or, inside double quotes, quoted text). Glob characters in it are special if unquoted.
    /// With extended globs it may hold blanks and operators between the parentheses.
    Literal(Str),
    /// Characters quoted by `\`, without it.
    Escaped(Str),
    /// `'…'`
    SingleQuoted(Str),
    /// `$'…'`, decoded.
    AnsiC(Str),
    /// `"…"`; inside are only `Literal`, `Escaped` and the `$` and backquote expansions.
    DoubleQuoted(Seq<Part>),
    /// `$"…"`: double-quoted text to be translated.
    Localized(Seq<Part>),
    /// `~`, `~name`, `~+`, `~-`, `~n`: the text after the tilde. It is literal if it cannot be expanded.
    Tilde(Str),
    /// `$name`, `${…}`.
    Param(Id<Param>),
    /// `$(…)` and backquotes.
    Command(Id<Substitution>),
    /// `<(…)` and `>(…)`.
    Process(ProcessKind, Id<Substitution>),
    /// `$((…))` or `$[…]`: the text of the expression, expanded as in double quotes before it is evaluated.
    Arith {
        /// The expression's text.
        text: Seq<Part>,
        /// From `$` to the closing parentheses.
        span: Span,
    },
    /// A piece of a here-document body that cannot be parsed: an index into [`Ast::errors`]. bash reports
    /// this when it expands the body.
    Error(u32),
}

/// The direction of a process substitution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessKind {
    /// `<(…)`: the name is read from.
    Read,
    /// `>(…)`: the name is written to.
    Write,
}

/// The commands of a command or process substitution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Substitution {
    /// The commands.
    pub list: List,
    /// The text from the `$`, `<`, `>` or backquote to the closing character.
    pub span: Span,
    /// Written with backquotes.
    pub backquote: bool,
    /// The source of the commands: of backquotes the unescaped text, otherwise `None` and `span` has it.
    pub source: Option<Str>,
    /// An error inside backquotes: an index into [`Ast::errors`]. `list` holds what stands before it.
    pub error: Option<u32>,
}

/// A parameter expansion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Which parameter.
    pub name: ParamName,
    /// `[…]` after the name.
    pub subscript: Option<Subscript>,
    /// `${!name…}`: the value names the parameter that is expanded.
    pub indirect: bool,
    /// What is done with the value.
    pub op: ParamOp,
    /// The text from the `$` on.
    pub span: Span,
}

/// The name of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamName {
    /// A variable.
    Variable(Str),
    /// `$0`, `$1` … `${10}` … (saturated at `u32::MAX`).
    Positional(u32),
    /// `@ * # ? - $ !` by its character.
    Special(u8),
}

/// The subscript of an array element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscript {
    /// `[@]`
    At,
    /// `[*]`
    Star,
    /// An arithmetic expression or, for an associative array, a key.
    Index(Word),
}

/// What a parameter expansion does with the value (bash manual "Shell Parameter Expansion").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamOp {
    /// Nothing: `$v`, `${v}`.
    Value,
    /// `${#v}`
    Length,
    /// `${v-word}`, `${v:-word}`
    Default {
        /// With the colon an empty value counts as unset.
        colon: bool,
        /// What is used if unset.
        word: Word,
    },
    /// `${v=word}`, `${v:=word}`
    Assign {
        /// With the colon an empty value counts as unset.
        colon: bool,
        /// What is assigned and used if unset.
        word: Word,
    },
    /// `${v?word}`, `${v:?word}`
    Error {
        /// With the colon an empty value counts as unset.
        colon: bool,
        /// The message if unset.
        word: Word,
    },
    /// `${v+word}`, `${v:+word}`
    Alternative {
        /// With the colon an empty value counts as unset.
        colon: bool,
        /// What is used if set.
        word: Word,
    },
    /// `${v#pattern}`, `${v##pattern}`
    RemovePrefix {
        /// The longest match (`##`).
        longest: bool,
        /// The pattern.
        pattern: Word,
    },
    /// `${v%pattern}`, `${v%%pattern}`
    RemoveSuffix {
        /// The longest match (`%%`).
        longest: bool,
        /// The pattern.
        pattern: Word,
    },
    /// `${v/pattern/replacement}` and its variants.
    Replace {
        /// Which matches.
        which: Replace,
        /// The pattern.
        pattern: Word,
        /// The replacement; `None` if there was no second `/`.
        replacement: Option<Word>,
    },
    /// `${v:offset}`, `${v:offset:length}`: arithmetic expressions.
    Substring {
        /// Where the substring starts.
        offset: Word,
        /// Its length.
        length: Option<Word>,
    },
    /// `${v^p}`, `${v^^p}`, `${v,p}`, `${v,,p}`, `${v~p}`, `${v~~p}`
    Case {
        /// Which change.
        change: CaseChange,
        /// All characters, not only the first.
        all: bool,
        /// Only characters that match; empty: every character.
        pattern: Word,
    },
    /// `${v@Q}` and the others, by their letter.
    Transform(u8),
    /// `${!prefix*}` (`at` false) and `${!prefix@}`: names of variables that begin with the name.
    Names {
        /// Written with `@`: in double quotes each name is a word.
        at: bool,
    },
    /// `${!name[@]}`, `${!name[*]}`: the keys of the array (`subscript` says which form).
    Keys,
    /// Text that is no valid expansion. bash reports `bad substitution` only when it expands it.
    Bad,
}

/// Which matches `${v/…}` replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// `/`: the first.
    First,
    /// `//`: all.
    All,
    /// `/#`: one at the start.
    Prefix,
    /// `/%`: one at the end.
    Suffix,
}

/// How `${v^}` and the like change the case of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseChange {
    /// `^`
    Upper,
    /// `,`
    Lower,
    /// `~`
    Toggle,
}

/// A variable assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub name: Str,
    /// `[…]` after it.
    pub subscript: Option<Word>,
    /// `+=`.
    pub append: bool,
    /// What is assigned.
    pub value: AssignmentValue,
    /// Where it stands.
    pub span: Span,
}

/// The right side of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignmentValue {
    /// A string: no field splitting, no pathname and brace expansion.
    Scalar(Word),
    /// `( … )`
    Array(Seq<ArrayElement>),
}

/// One element of a compound array assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayElement {
    /// `[…]=` before it; without it the word may expand to any number of elements.
    pub subscript: Option<Word>,
    /// `[…]+=`
    pub append: bool,
    /// The value.
    pub value: Word,
}

/// A redirection (POSIX XCU 2.7, bash manual "Redirections").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The descriptor before the operator.
    pub fd: RedirectFd,
    /// What is done.
    pub kind: RedirectKind,
    /// Where it stands.
    pub span: Span,
    /// Line of the operator.
    pub line: u32,
}

/// The descriptor that a redirection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectFd {
    /// None written: 0 for `<…`, 1 for `>…`.
    Default,
    /// A number.
    Number(u32),
    /// `{name}`: a new descriptor of 10 or more is put into the variable (`name` may have a subscript).
    Variable(Str),
}

/// The kinds of redirection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// `< file`
    Input(Word),
    /// `> file`
    Output(Word),
    /// `>| file`: also if `noclobber` is set.
    Clobber(Word),
    /// `>> file`
    Append(Word),
    /// `<> file`
    ReadWrite(Word),
    /// `<& word`: after expansion digits, digits followed by `-` (move), or `-` (close).
    DupInput(Word),
    /// `>& word`: like `DupInput`; or, without a descriptor before it and if the word is nothing of that, as
    /// `&> file`.
    DupOutput(Word),
    /// `&> file`
    OutputBoth(Word),
    /// `&>> file`
    AppendBoth(Word),
    /// `<< delimiter`, `<<- delimiter`
    HereDoc(Id<HereDoc>),
    /// `<<< word`
    HereString(Word),
}

impl RedirectKind {
    /// The word behind the operator; that of a here-document stands elsewhere.
    pub fn word(mut self) -> Option<Word> {
        self.word_mut().copied()
    }

    pub(crate) fn word_mut(&mut self) -> Option<&mut Word> {
        match self {
            Self::Input(word)
            | Self::Output(word)
            | Self::Clobber(word)
            | Self::Append(word)
            | Self::ReadWrite(word)
            | Self::DupInput(word)
            | Self::DupOutput(word)
            | Self::OutputBoth(word)
            | Self::AppendBoth(word)
            | Self::HereString(word) => Some(word),
            Self::HereDoc(_) => None,
        }
    }
}

/// A here-document (POSIX XCU 2.7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HereDoc {
    /// The delimiter after quote removal.
    pub delimiter: Str,
    /// A part of the delimiter was quoted: the body is taken as it is.
    pub quoted: bool,
    /// `<<-`: leading tabs have been removed.
    pub strip_tabs: bool,
    /// The body: one `SingleQuoted` part if `quoted`, otherwise parts as inside double quotes.
    pub body: Word,
    /// Line of the first line of the body.
    pub line: u32,
}

/// An expression of `[[ … ]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cond {
    /// `word`: not empty.
    Word(Word),
    /// `-f word` and the like.
    Unary(CondUnary, Word),
    /// `a == b` and the like. The right side of `==` and `!=` is a pattern, of `=~` a regular expression.
    Binary(CondBinary, Word, Word),
    /// `! e`
    Not(Id<Cond>),
    /// `a && b`
    And(Id<Cond>, Id<Cond>),
    /// `a || b`
    Or(Id<Cond>, Id<Cond>),
    /// `( e )`
    Group(Id<Cond>),
}

/// A unary operator of `[[ … ]]` by its letter, e.g. `b'f'` for `-f`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CondUnary(pub u8);

/// A binary operator of `[[ … ]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CondBinary {
    /// `==`
    Match,
    /// `=`, the same as `==`.
    MatchSingle,
    /// `!=`
    NotMatch,
    /// `=~`
    Regex,
    /// `<`: sorts before.
    Before,
    /// `>`: sorts after.
    After,
    /// `-eq`
    Eq,
    /// `-ne`
    Ne,
    /// `-lt`
    Lt,
    /// `-le`
    Le,
    /// `-gt`
    Gt,
    /// `-ge`
    Ge,
    /// `-nt`: newer than.
    Newer,
    /// `-ot`: older than.
    Older,
    /// `-ef`: the same file.
    SameFile,
}

impl CondBinary {
    /// How the operator is written.
    pub fn as_str(self) -> &'static str {
        match self {
            CondBinary::Match => "==",
            CondBinary::MatchSingle => "=",
            CondBinary::NotMatch => "!=",
            CondBinary::Regex => "=~",
            CondBinary::Before => "<",
            CondBinary::After => ">",
            CondBinary::Eq => "-eq",
            CondBinary::Ne => "-ne",
            CondBinary::Lt => "-lt",
            CondBinary::Le => "-le",
            CondBinary::Gt => "-gt",
            CondBinary::Ge => "-ge",
            CondBinary::Newer => "-nt",
            CondBinary::Older => "-ot",
            CondBinary::SameFile => "-ef",
        }
    }
}
