//! The tree of a parsed awk program.

/// A variable, by the place it lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Var {
    Global(usize),
    Local(usize),
}

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    Number(f64),
    Text(Vec<u8>),
    /// A regular expression on its own: matched against `$0`.
    Regex(usize),
    /// `@/…/`
    TypedRegex(usize),
    Var(Var),
    Field(Box<Expr>),
    Index(Box<Expr>, Vec<Expr>),
    Assign(Box<Expr>, Box<Expr>),
    /// With the operator before `=`.
    AssignOp(&'static str, Box<Expr>, Box<Expr>),
    /// `++` and `--`: what is added, and whether the old value counts.
    Step(Box<Expr>, f64, bool),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Concat(Box<Expr>, Box<Expr>),
    /// `~`, or `!~` when negated.
    Match(Box<Expr>, Box<Expr>, bool),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    In(Vec<Expr>, Box<Expr>),
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(Vec<u8>, Vec<Expr>, usize),
    Indirect(Var, Vec<Expr>),
    Builtin(&'static str, Vec<Expr>),
    Getline(Source, Option<Box<Expr>>),
    /// In parentheses: ends what precedence could still change.
    Group(Box<Expr>),
}

/// Where `getline` reads.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Main,
    File(Box<Expr>),
    Command(Box<Expr>),
    Coprocess(Box<Expr>),
}

/// Where `print` writes.
#[derive(Debug, Clone)]
pub(super) enum Redirect {
    File(Expr),
    Append(Expr),
    Command(Expr),
    Coprocess(Expr),
}

/// A statement.
#[derive(Debug, Clone)]
pub(super) enum Stmt {
    Expr(Expr),
    Print(Vec<Expr>, Option<Redirect>),
    Printf(Vec<Expr>, Option<Redirect>),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    Do(Box<Stmt>, Expr),
    For(Option<Box<Stmt>>, Option<Expr>, Option<Box<Stmt>>, Box<Stmt>),
    ForIn(Expr, Expr, Box<Stmt>),
    Switch(Expr, Vec<(Option<Expr>, Vec<Stmt>)>),
    Block(Vec<Stmt>),
    Break,
    Continue,
    Next,
    NextFile,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    Delete(Expr, Option<Vec<Expr>>),
}

/// What a rule waits for.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Begin,
    End,
    BeginFile,
    EndFile,
    Always,
    When(Expr),
    Range(Expr, Expr),
}

/// A function.
pub(super) struct Function {
    pub(super) name: Vec<u8>,
    pub(super) parameters: usize,
    pub(super) body: Vec<Stmt>,
}

/// A program.
pub(super) struct Program {
    /// `None`: `{ print }`.
    pub(super) rules: Vec<(Pattern, Option<Vec<Stmt>>)>,
    pub(super) functions: Vec<Function>,
    pub(super) globals: Vec<Vec<u8>>,
    pub(super) regexes: Vec<Vec<u8>>,
}

/// Variables that awk itself uses, in the places they have.
pub(super) const SPECIALS: &[&str] = &[
    "NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "SUBSEP", "CONVFMT", "OFMT", "IGNORECASE", "FPAT",
    "FIELDWIDTHS", "FILENAME", "RSTART", "RLENGTH", "RT", "ENVIRON", "ARGC", "ARGV", "ARGIND", "PROCINFO",
    "ERRNO", "BINMODE", "LINT", "TEXTDOMAIN", "SYMTAB", "FUNCTAB",
];

/// Their places.
pub(super) mod special {
    #![allow(missing_docs)]
    pub(in super::super) const NF: usize = 0;
    pub(in super::super) const NR: usize = 1;
    pub(in super::super) const FNR: usize = 2;
    pub(in super::super) const FS: usize = 3;
    pub(in super::super) const OFS: usize = 4;
    pub(in super::super) const ORS: usize = 5;
    pub(in super::super) const RS: usize = 6;
    pub(in super::super) const SUBSEP: usize = 7;
    pub(in super::super) const CONVFMT: usize = 8;
    pub(in super::super) const OFMT: usize = 9;
    pub(in super::super) const IGNORECASE: usize = 10;
    pub(in super::super) const FPAT: usize = 11;
    pub(in super::super) const FIELDWIDTHS: usize = 12;
    pub(in super::super) const FILENAME: usize = 13;
    pub(in super::super) const RSTART: usize = 14;
    pub(in super::super) const RLENGTH: usize = 15;
    pub(in super::super) const RT: usize = 16;
    pub(in super::super) const ENVIRON: usize = 17;
    pub(in super::super) const ARGC: usize = 18;
    pub(in super::super) const ARGV: usize = 19;
    pub(in super::super) const ARGIND: usize = 20;
    pub(in super::super) const PROCINFO: usize = 21;
    pub(in super::super) const ERRNO: usize = 22;
    /// Those below are kept by the machine, not by the table of globals alone.
    pub(in super::super) const HOOKED: usize = 13;
}
