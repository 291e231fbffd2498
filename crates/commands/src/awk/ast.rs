//! The tree of a parsed awk program.
//!
//! Chains of operators of one precedence are lists, so that the depth of a tree is that of its parentheses.

/// A variable, by the place it lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Var {
    Global(u32),
    Local(u32),
}

/// An operator of arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Less,
    LessEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
}

/// An expression, with the line it is in where that can matter.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    Number(f64),
    Text(Vec<u8>),
    /// A regular expression on its own: matched against `$0`.
    Regex(u32),
    /// `@/…/`
    TypedRegex(u32),
    Var(Var),
    Field(Box<Expr>),
    Index(Box<Expr>, Vec<Expr>),
    Assign(Box<Expr>, Box<Expr>),
    AssignOp(Arith, Box<Expr>, Box<Expr>),
    /// `++` and `--`: what is added, and whether the old value counts.
    Step(Box<Expr>, i8, bool),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    /// The first operand, and what follows from left to right.
    Arithmetic(Box<Expr>, Vec<(Arith, Expr, Place)>),
    Compare(Compare, Box<Expr>, Box<Expr>),
    Concat(Vec<Expr>),
    /// `~`, or `!~` when negated.
    Match(Box<Expr>, Box<Expr>, bool),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    In(Vec<Expr>, Box<Expr>),
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(Vec<u8>, Vec<Expr>, Place),
    Indirect(Var, Vec<Expr>, Place),
    Builtin(&'static str, Vec<Expr>, Place),
    Getline(Source, Option<Box<Expr>>, Place),
    /// In parentheses: ends what precedence could still change.
    Group(Box<Expr>),
}

/// Where something stands: the number of its source, and the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) source: u32,
    pub(super) line: u32,
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
    /// The conditions with their bodies, and `else`.
    If(Vec<(Expr, Line)>, Option<Box<Line>>),
    While(Expr, Box<Line>),
    Do(Box<Line>, Expr),
    For(Option<Box<Line>>, Option<Expr>, Option<Box<Line>>, Box<Line>),
    ForIn(Var, Expr, Box<Line>),
    Switch(Expr, Vec<(Option<Expr>, Vec<Line>)>),
    Block(Vec<Line>),
    Break,
    Continue,
    Next,
    NextFile,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    Delete(Expr, Option<Vec<Expr>>),
}

/// A statement and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) stmt: Stmt,
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

/// A rule; no body: `{ print }`.
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    pub(super) body: Option<Vec<Line>>,
    pub(super) place: Place,
}

/// A function.
pub(super) struct Function {
    pub(super) name: Vec<u8>,
    pub(super) parameters: Vec<Vec<u8>>,
    pub(super) body: Vec<Line>,
}

/// A program.
#[derive(Default)]
pub(super) struct Program {
    pub(super) rules: Vec<Rule>,
    pub(super) functions: Vec<Function>,
    pub(super) globals: Vec<Vec<u8>>,
    pub(super) regexes: Vec<(Vec<u8>, Place)>,
    /// The names of the sources, as messages tell them.
    pub(super) sources: Vec<String>,
    /// SYMTAB or FUNCTAB occur.
    pub(super) uses_tables: bool,
}

/// Variables that awk itself uses, in the places they have.
pub(super) const SPECIALS: &[&str] = &[
    "NF",
    "NR",
    "FNR",
    "FS",
    "OFS",
    "ORS",
    "RS",
    "SUBSEP",
    "CONVFMT",
    "OFMT",
    "IGNORECASE",
    "FPAT",
    "FIELDWIDTHS",
    "FILENAME",
    "RSTART",
    "RLENGTH",
    "RT",
    "ENVIRON",
    "ARGC",
    "ARGV",
    "ARGIND",
    "PROCINFO",
    "ERRNO",
    "BINMODE",
    "LINT",
    "TEXTDOMAIN",
    "SYMTAB",
    "FUNCTAB",
    "PREC",
    "ROUNDMODE",
];

/// Their places.
pub(super) mod special {
    pub(in super::super) const NF: u32 = 0;
    pub(in super::super) const NR: u32 = 1;
    pub(in super::super) const FNR: u32 = 2;
    pub(in super::super) const FS: u32 = 3;
    pub(in super::super) const OFS: u32 = 4;
    pub(in super::super) const ORS: u32 = 5;
    pub(in super::super) const RS: u32 = 6;
    pub(in super::super) const SUBSEP: u32 = 7;
    pub(in super::super) const CONVFMT: u32 = 8;
    pub(in super::super) const OFMT: u32 = 9;
    pub(in super::super) const IGNORECASE: u32 = 10;
    pub(in super::super) const FPAT: u32 = 11;
    pub(in super::super) const FIELDWIDTHS: u32 = 12;
    /// Those below are kept by the machine, not by the table of globals alone.
    pub(in super::super) const HOOKED: u32 = 13;
    pub(in super::super) const FILENAME: u32 = 13;
    pub(in super::super) const RSTART: u32 = 14;
    pub(in super::super) const RLENGTH: u32 = 15;
    pub(in super::super) const RT: u32 = 16;
    pub(in super::super) const ENVIRON: u32 = 17;
    pub(in super::super) const ARGC: u32 = 18;
    pub(in super::super) const ARGV: u32 = 19;
    pub(in super::super) const ARGIND: u32 = 20;
    pub(in super::super) const PROCINFO: u32 = 21;
    pub(in super::super) const ERRNO: u32 = 22;
    pub(in super::super) const BINMODE: u32 = 23;
    pub(in super::super) const LINT: u32 = 24;
    pub(in super::super) const TEXTDOMAIN: u32 = 25;
    pub(in super::super) const SYMTAB: u32 = 26;
    pub(in super::super) const FUNCTAB: u32 = 27;
    pub(in super::super) const PREC: u32 = 28;
    pub(in super::super) const ROUNDMODE: u32 = 29;
}
