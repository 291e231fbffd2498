//! Bytecode: what a complete command or a function body is compiled to.

use std::rc::Rc;

use wasmsh_syntax::ast::{Ast, CaseChange, Command, CondBinary, Id, Replace, Span};

use crate::symbol::Sym;
use crate::text::Str;
use crate::vm::arith::ArithCode;

/// A position in [`Code::ops`]; while compiling, the number of a label.
pub(crate) type Target = u32;
/// An index into one of the tables of [`Code`].
pub(crate) type Index = u32;

/// How unquoted text of a part behaves later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// Quoted: neither split nor a pattern.
    Quoted,
    /// Literal unquoted text: a pattern, not split.
    Literal,
    /// The result of an unquoted expansion: a pattern, and split.
    Expanded,
}

/// What becomes of a finished word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordEnd {
    /// Field splitting, pathname expansion: any number of arguments.
    Fields,
    /// One string, which is assigned.
    Single,
    /// One string, which is not assigned: what an operator has made of `$@` is joined by spaces then.
    Operand,
    /// One string, in which quoted characters are escaped for a pattern.
    Pattern,
    /// One string, in which quoted characters are escaped for a regular expression.
    Regex,
    /// One string, in which quoted characters are escaped for the right side of `${v/…/…}`.
    Replacement,
    /// As `Fields`, but it must be one: the target of a redirection.
    Redirect,
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// The end of the code.
    End,
    /// Later commands stand on this line.
    Line(u32),
    Jump(Target),
    /// Jumps if the status is 0.
    JumpOk(Target),
    /// Jumps if the status is not 0.
    JumpFail(Target),
    SetStatus(u8),
    /// `!`
    Negate,
    /// Leaves the shell if `set -e` says so, and runs the ERR trap.
    ErrCheck,
    /// Runs the DEBUG trap for a command; goes to the target if that is to be left out (`extdebug`).
    Debug(Span, Target),

    /// This command runs, as traps see it; without a DEBUG trap.
    Command(Span),
    /// `set -x` shows the head of a `case`.
    TraceCase,
    /// Begins a loop: `break` goes to the first, `continue` to the second.
    EnterLoop(Target, Target),
    /// The same for `while` and `until`.
    EnterWhile(Index),
    LeaveLoop,
    /// As `LoopStatus`, before the step of `for ((…))`, which stands on this line.
    LoopNext(u32),
    /// Keeps the status of a body, or sets the status to that of the last one.
    LoopStatus {
        store: bool,
    },
    /// Takes the marked arguments (or the positional parameters) as the items of the loop.
    ForInit {
        positional: bool,
    },
    /// The next item into the variable, or on to the target when there is none.
    ForNext(Sym, Target),
    /// The same for `select`: shows the menu and reads a choice.
    SelectNext(Sym, Target),
    /// The name of a loop variable is not an identifier.
    BadName(Index),

    /// Pushes the height of the argument stack.
    Mark,
    Push(Index),
    /// `"$v"` as a whole word.
    PushVar(Sym),
    /// `$v` as a whole word.
    PushVarSplit(Sym),
    /// The words of a sequence `{1..n}`.
    PushSequence(Index),
    /// `"$@"` as a whole word.
    PushArgs,
    PopArg,
    BeginWord,
    EndWord(WordEnd),
    /// Appends text.
    Text(Index, Quoting),
    /// A quoted part begins: the word exists even if it stays empty.
    Quote,
    /// `$v`, `${v}`.
    Var(Sym, Quoting),
    Param(Index),
    /// A default, error, or assignment operator: if there is a value, appends it and jumps.
    ParamDefault(Index, Target),
    /// Before the operands of an operator: if the variable is unset they are not expanded, and nothing is.
    SkipUnset(Sym, Quoting, Target),
    /// The same for an element, whose key is on the argument stack.
    SkipElement(Sym, Quoting, Target),
    /// The same for a positional parameter.
    SkipAbsent(u32, Quoting, Target),
    /// An alternative: jumps if there is no value.
    ParamAlternative(Index, Target),
    ParamAssign(Index),
    ParamError(Index),
    Tilde(Index, Quoting),
    ArithText(Index, Quoting),
    /// Jumps if `$name` in the expression does not stand for a plain number.
    ArithGuard(Index, Target),
    /// Evaluates the string on top of the arguments.
    ArithDynamic(Quoting),
    /// Pushes a number: static, or that of the string on top of the arguments.
    Number(Index),
    NumberDynamic,
    /// Around an expansion in a subscript of an expression.
    SubscriptPart,
    SubscriptPartEnd,
    /// Turns the text of a subscript on top of the arguments into a key of the variable.
    Subscript(Sym),
    /// Pushes the key for a subscript that is known text, also compiled as an expression.
    SubscriptStatic(Sym, Index, Index),

    /// A command substitution: the child goes on behind it, the parent at the target.
    Substitute(Quoting, Target),
    /// `$(< file)`; the name is on the argument stack.
    SubstituteFile(Quoting),
    /// A process substitution.
    ProcessSubstitute {
        write: bool,
        end: Target,
    },
    /// Closes the descriptors of process substitutions down to the last mark.
    ProcessMark,
    ProcessClose,
    /// Reports an error that the parser found in backquotes or in a here-document.
    SyntaxError(Index),

    Assign(Index),
    /// `v=$((…))`
    AssignNumber(Sym, Index),
    /// The subscript and value of one element of a compound assignment.
    ElementKeyed {
        append: bool,
    },
    /// The marked arguments are elements of a compound assignment.
    ElementWords,
    /// Before a compound assignment: what does not exist becomes an empty array.
    MakeArray(Sym),
    /// Begins a compound assignment.
    ArrayBegin,
    /// Begins a command that is assignments alone.
    AssignBegin,
    /// The status of a command that is assignments alone.
    AssignEnd(Index),
    /// An assignment as argument of a declaration builtin.
    Declare(Index),
    /// A temporary assignment before a command.
    TempAssign(Index),

    /// The redirections of a program are made in its process: if they may leave something behind in this one, a
    /// child goes on here and the parent at the target. Otherwise only under `set -u`.
    RedirFork {
        always: bool,
        end: Target,
    },
    /// The end of what such a child executes.
    RedirForkEnd,
    /// Begins redirections that end with the command.
    RedirBegin(Target),
    Redir(Index),
    RedirEnd,

    /// Runs the simple command of the marked arguments.
    Exec(Index),
    /// Expansions have been done: a command of redirections alone.
    ExecNothing(Index),
    DefineFunction(Index),

    /// `( … )`: the child goes on behind it, the parent waits and goes on at the target.
    Subshell(Target),
    /// `… &`
    Background(Index, Target),
    /// `coproc`
    Coproc(Index, Target),
    /// The end of what a child executes.
    SubshellEnd,
    PipeBegin,
    PipeStage(Index),
    /// What follows is turned around by a `!`: if `set -e` is on it does not apply to it.
    Invert,
    InvertEnd,
    /// The stages from this one, of a pipeline in the background, are a job.
    PipeBackground(Index),
    PipeWait {
        negated: bool,
    },
    /// Notes the times for `time`.
    TimeBegin,
    TimeEnd {
        posix: bool,
    },

    ArithCommand(Index),
    ArithCommandDynamic,
    /// Evaluates; jumps if it is 0.
    ArithJumpZero(Index, Target),
    ArithJumpZeroDynamic(Target),
    /// Evaluates an expression of `for ((…))`; jumps if it is wrong.
    ArithFor(Index, Target),
    ArithForDynamic(Target),

    /// Compares the string below with the pattern on top; jumps if it matches.
    CaseMatch(Target),
    CaseLiteral(Index, Target),
    CondWord,
    CondUnary(u8),
    CondBinary(CondBinary),
    CondNot,
    /// The end of `[[ … ]]`.
    CondEnd,
    /// For a here-string.
    AppendNewline,
    /// The target of a redirection is more than one word.
    Ambiguous,
    /// Gives up the command with this message.
    Fail(Index),
    /// Writes the file whose name is on the argument stack to standard output.
    CopyFile,
    /// Jumps if the variable is an associative array.
    AssocJump(Sym, Target),
    /// Pushes the key 0 and jumps if there is no such variable: then its subscript is not looked at.
    UnsetKey(Sym, Target),
}

/// Which parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParamName {
    Var(Sym),
    Positional(u32),
    Special(u8),
}

/// `[…]` after the name of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubscriptKind {
    None,
    At,
    Star,
    /// A key, on the argument stack.
    Key,
}

/// What is done with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParamOp {
    Value,
    Length,
    Default { colon: bool },
    Assign { colon: bool },
    Error { colon: bool },
    Alternative { colon: bool },
    RemovePrefix { longest: bool },
    RemoveSuffix { longest: bool },
    Replace { which: Replace, replacement: bool },
    Substring { length: bool },
    Case { change: CaseChange, all: bool, pattern: bool },
    Transform(u8),
    Names { at: bool },
    Keys,
    Bad,
}

/// A parameter expansion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param {
    pub name: ParamName,
    pub subscript: SubscriptKind,
    pub indirect: bool,
    pub op: ParamOp,
    pub quoting: Quoting,
    /// Where it stands, for messages.
    pub span: Span,
}

/// What an assignment assigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssignKind {
    /// The string on the stack.
    Scalar,
    /// The string, to the element whose key lies below it.
    Element,
    /// The collected elements.
    Array,
}

/// An assignment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assign {
    pub name: Sym,
    pub kind: AssignKind,
    pub append: bool,
    /// Of an argument of a declaration builtin: a subscript lies below the value.
    pub subscript_given: bool,
    /// Where it stands.
    pub span: Span,
}

/// Which redirection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedirKind {
    Input,
    Output,
    Clobber,
    Append,
    ReadWrite,
    DupInput,
    DupOutput,
    OutputBoth,
    AppendBoth,
    /// The text is on the stack.
    Here,
}

/// The descriptor of a redirection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedirFd {
    Default,
    Number(u32),
    /// `{name}`: the text in the braces.
    Variable(Index),
}

/// A redirection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redir {
    pub fd: RedirFd,
    pub kind: RedirKind,
    pub line: u32,
    /// The word as written, for messages.
    pub text: Index,
}

/// A simple command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exec {
    pub span: Span,
    /// Its failure is looked at by `if`, `&&` and the like: no `set -e`.
    pub in_condition: bool,
    /// Nothing comes after it in this process.
    pub last: bool,
    /// `break` in it leaves status 1.
    pub negated: bool,
    /// It is in a condition only since a `!` turns its status around.
    pub inverted: bool,
    /// Its process does nothing else, so that there is no ERR trap; or that comes when redirections are undone.
    pub alone: bool,
}

/// Where `while` and `until` go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct While {
    pub break_to: Target,
    /// The condition.
    pub top: Target,
    /// The end of the condition.
    pub body: Target,
    /// Where the loop goes on when the condition ends it.
    pub done: Target,
    pub until: bool,
}

/// A stage of a pipeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage {
    pub last: bool,
    /// It is a simple command, which sees the jobs of the shell, as `jobs` and `\j` of a prompt do.
    pub jobs: bool,
    /// The name of that command if it stands there: a function sees none.
    pub name: Option<Index>,
    /// In the background: its text.
    pub background: Option<Index>,
    /// Where the parent goes on.
    pub end: Target,
}

/// A function definition.
#[derive(Debug)]
pub(crate) struct Function {
    pub name: Str,
    pub code: Rc<Code>,
    pub ast: Rc<Ast>,
    pub body: Id<Command>,
    /// Where its definition begins.
    pub line: u32,
    /// The file it was defined in.
    pub source: Str,
}

/// The functions that code defines. Functions in functions are dropped one after the other, not by recursion.
#[derive(Debug, Default)]
pub(crate) struct Functions(pub Vec<Rc<Function>>);

impl std::ops::Deref for Functions {
    type Target = [Rc<Function>];
    fn deref(&self) -> &[Rc<Function>] {
        &self.0
    }
}

impl Drop for Functions {
    fn drop(&mut self) {
        let mut left = std::mem::take(&mut self.0);
        while let Some(function) = left.pop() {
            if let Some(function) = Rc::into_inner(function)
                && let Some(mut code) = Rc::into_inner(function.code)
            {
                left.append(&mut code.functions.0);
            }
        }
    }
}

/// A compiled piece of program.
#[derive(Debug, Default)]
pub(crate) struct Code {
    pub ops: Vec<Op>,
    pub texts: Vec<Str>,
    pub params: Vec<Param>,
    pub ariths: Vec<Rc<ArithCode>>,
    pub assigns: Vec<Assign>,
    pub redirs: Vec<Redir>,
    pub execs: Vec<Exec>,
    pub stages: Vec<Stage>,
    pub loops: Vec<While>,
    pub functions: Functions,
    pub sequences: Vec<wasmsh_syntax::brace::Sequence>,
    pub ast: Rc<Ast>,
}

impl Code {
    /// Empties it, but for the syntax tree, and keeps its memory.
    pub(crate) fn clear(&mut self) {
        let Code {
            ops,
            texts,
            params,
            ariths,
            assigns,
            redirs,
            execs,
            stages,
            loops,
            functions,
            sequences,
            ast: _,
        } = self;
        ops.clear();
        texts.clear();
        params.clear();
        ariths.clear();
        assigns.clear();
        redirs.clear();
        execs.clear();
        stages.clear();
        loops.clear();
        sequences.clear();
        *functions = Functions::default();
    }

    /// A text of the table.
    #[inline]
    pub(crate) fn text(&self, index: Index) -> &Str {
        const EMPTY: &Str = &Str::EMPTY;
        self.texts.get(index as usize).unwrap_or(EMPTY)
    }

    /// The source text of a span.
    pub(crate) fn source_text(&self, span: Span) -> &[u8] {
        self.ast.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}
