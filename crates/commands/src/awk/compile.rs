//! Turns the tree of a program into code for the machine.

use super::ast::{Expr, Pattern, Program, Redirect, Source, Stmt, Var};
use super::value::Value;

/// An instruction. Operands are taken from the stack, results are left on it.
#[derive(Clone)]
pub(super) enum Op {
    Push(Value),
    /// A regular expression of the program, as a value.
    PushRegex(usize),
    Pop,
    /// Copies the top.
    Dup,
    /// Copies the two at the top.
    Dup2,
    Get(Var),
    /// Leaves the value.
    Set(Var),
    /// A field by number; `$` by a constant.
    FieldAt(usize),
    Field,
    /// index, value → value
    SetField,
    /// The array that a variable is.
    Array(Var),
    /// For an argument: an unset variable may become an array.
    Reference(Var),
    /// array, keys → array, key
    Join(usize),
    /// array, key → value
    Index,
    /// array, key, value → value
    SetIndex,
    /// array, key → subarray
    Subarray,
    /// array, key → flag
    Contains,
    Delete,
    DeleteAll,
    Step(Var, f64, bool),
    StepField(f64, bool),
    StepIndex(f64, bool),
    /// Adds the top to a variable.
    Arithmetic(u8),
    Compare(&'static str),
    Concat(usize),
    Negate,
    Plus,
    Not,
    /// value, pattern → flag
    Match(bool),
    /// value → flag
    MatchStatic(usize, bool),
    /// Whether `$0` matches.
    MatchRecord(usize),
    /// → flag
    Flag,
    Jump(usize),
    JumpIfFalse(usize),
    JumpIfTrue(usize),
    /// As `JumpIfTrue`, for the second test of a range.
    Range(usize, usize),
    EndRange(usize),
    Call(usize, usize),
    CallIndirect(Var, usize),
    Return,
    Builtin(&'static str, usize),
    /// `sub` and `gsub`: pattern, text, target → target's new value, count
    Substitute(bool),
    /// Swaps the two at the top.
    Swap,
    Getline(Reader),
    /// The line that `getline` has read.
    Line,
    /// Whether it has read one: 1 and a jump otherwise.
    JumpIfNoLine(usize),
    Print(usize, Writer),
    Printf(usize, Writer),
    /// array → ; begins a loop over its keys.
    Iterate,
    /// Pushes the next key, or jumps.
    NextKey(usize),
    EndIterate,
    Next,
    NextFile,
    Exit(bool),
    /// subject, label → subject, flag
    Case,
    End,
}

/// Where `getline` reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Sets `$0`, NF, NR, FNR.
    Main,
    MainVar,
    File,
    FileVar,
    Command,
    CommandVar,
    Coprocess,
    CoprocessVar,
}

/// Where `print` writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    Stdout,
    File,
    Append,
    Command,
    Coprocess,
}

/// A compiled program.
pub(super) struct Code {
    pub(super) ops: Vec<Op>,
    pub(super) functions: Vec<Entry>,
    pub(super) begin: Option<usize>,
    pub(super) main: Option<usize>,
    pub(super) end: Option<usize>,
    pub(super) begin_file: Option<usize>,
    pub(super) end_file: Option<usize>,
    pub(super) globals: Vec<Vec<u8>>,
    pub(super) regexes: Vec<Vec<u8>>,
    pub(super) ranges: usize,
}

/// Where a function begins.
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) at: usize,
    pub(super) parameters: usize,
}

struct Loop {
    breaks: Vec<usize>,
    continues: Vec<usize>,
    /// A `switch`: `continue` means the loop around it.
    is_switch: bool,
}

struct Compiler {
    ops: Vec<Op>,
    loops: Vec<Loop>,
    names: Vec<Vec<u8>>,
    ranges: usize,
}

/// Compiles a program.
pub(super) fn compile(program: Program) -> Result<Code, String> {
    let Program { rules, functions, globals, regexes } = program;
    let names = functions.iter().map(|function| function.name.clone()).collect();
    let mut compiler = Compiler { ops: Vec::new(), loops: Vec::new(), names, ranges: 0 };
    let mut entries = Vec::new();
    for function in functions {
        entries.push(Entry { name: function.name, at: compiler.ops.len(), parameters: function.parameters });
        compiler.block(&function.body)?;
        compiler.ops.push(Op::Push(Value::Unset));
        compiler.ops.push(Op::Return);
    }
    let mut section = |wanted: &dyn Fn(&Pattern) -> bool| -> Result<Option<usize>, String> {
        let start = compiler.ops.len();
        let mut any = false;
        for (pattern, body) in rules.iter().filter(|(pattern, _)| wanted(pattern)) {
            any = true;
            compiler.rule(pattern, body.as_deref())?;
        }
        compiler.ops.push(Op::End);
        Ok(any.then_some(start))
    };
    let begin = section(&|pattern| matches!(pattern, Pattern::Begin))?;
    let main =
        section(&|pattern| matches!(pattern, Pattern::Always | Pattern::When(_) | Pattern::Range(..)))?;
    let end = section(&|pattern| matches!(pattern, Pattern::End))?;
    let begin_file = section(&|pattern| matches!(pattern, Pattern::BeginFile))?;
    let end_file = section(&|pattern| matches!(pattern, Pattern::EndFile))?;
    Ok(Code {
        ops: compiler.ops,
        functions: entries,
        begin,
        main,
        end,
        begin_file,
        end_file,
        globals,
        regexes,
        ranges: compiler.ranges,
    })
}

type Done = Result<(), String>;

impl Compiler {
    fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// A jump whose target comes later.
    fn hole(&mut self, op: Op) -> usize {
        self.ops.push(op);
        self.ops.len() - 1
    }

    fn fill(&mut self, hole: usize) {
        let here = self.ops.len();
        self.fill_with(hole, here);
    }

    fn fill_with(&mut self, hole: usize, target: usize) {
        if let Some(
            Op::Jump(place)
            | Op::JumpIfFalse(place)
            | Op::JumpIfTrue(place)
            | Op::Range(_, place)
            | Op::NextKey(place)
            | Op::JumpIfNoLine(place),
        ) = self.ops.get_mut(hole)
        {
            *place = target;
        }
    }

    fn rule(&mut self, pattern: &Pattern, body: Option<&[Stmt]>) -> Done {
        let hole = match pattern {
            Pattern::When(condition) => {
                self.expr(condition)?;
                Some(self.hole(Op::JumpIfFalse(0)))
            }
            Pattern::Range(from, to) => {
                let range = self.ranges;
                self.ranges += 1;
                let active = self.hole(Op::Range(range, 0));
                self.expr(from)?;
                let outside = self.hole(Op::JumpIfFalse(0));
                self.fill(active);
                self.expr(to)?;
                self.push(Op::EndRange(range));
                Some(outside)
            }
            _ => None,
        };
        match body {
            Some(body) => self.block(body)?,
            None => self.push(Op::Print(0, Writer::Stdout)),
        }
        if let Some(hole) = hole {
            self.fill(hole);
        }
        Ok(())
    }

    fn block(&mut self, body: &[Stmt]) -> Done {
        body.iter().try_for_each(|statement| self.statement(statement))
    }

    fn begin_loop(&mut self, is_switch: bool) {
        self.loops.push(Loop { breaks: Vec::new(), continues: Vec::new(), is_switch });
    }

    /// Ends a loop: where `continue` goes; `break` goes here.
    fn end_loop(&mut self, again: usize) {
        if let Some(done) = self.loops.pop() {
            for hole in done.breaks {
                self.fill(hole);
            }
            for hole in done.continues {
                self.fill_with(hole, again);
            }
        }
    }

    fn statement(&mut self, statement: &Stmt) -> Done {
        match statement {
            Stmt::Expr(expr) => {
                self.expr(expr)?;
                self.push(Op::Pop);
            }
            Stmt::Print(arguments, redirect) => {
                arguments.iter().try_for_each(|argument| self.expr(argument))?;
                let writer = self.redirect(redirect.as_ref())?;
                self.push(Op::Print(arguments.len(), writer));
            }
            Stmt::Printf(arguments, redirect) => {
                arguments.iter().try_for_each(|argument| self.expr(argument))?;
                let writer = self.redirect(redirect.as_ref())?;
                self.push(Op::Printf(arguments.len(), writer));
            }
            Stmt::If(condition, then, other) => {
                self.expr(condition)?;
                let no = self.hole(Op::JumpIfFalse(0));
                self.statement(then)?;
                if let Some(other) = other {
                    let end = self.hole(Op::Jump(0));
                    self.fill(no);
                    self.statement(other)?;
                    self.fill(end);
                } else {
                    self.fill(no);
                }
            }
            Stmt::While(condition, body) => {
                let start = self.ops.len();
                self.expr(condition)?;
                let end = self.hole(Op::JumpIfFalse(0));
                self.begin_loop(false);
                self.statement(body)?;
                self.push(Op::Jump(start));
                self.fill(end);
                self.end_loop(start);
            }
            Stmt::Do(body, condition) => {
                let start = self.ops.len();
                self.begin_loop(false);
                self.statement(body)?;
                let again = self.ops.len();
                self.expr(condition)?;
                self.push(Op::JumpIfTrue(start));
                self.end_loop(again);
            }
            Stmt::For(start, condition, step, body) => {
                if let Some(start) = start {
                    self.statement(start)?;
                }
                let test = self.ops.len();
                let end = match condition {
                    Some(condition) => {
                        self.expr(condition)?;
                        Some(self.hole(Op::JumpIfFalse(0)))
                    }
                    None => None,
                };
                self.begin_loop(false);
                self.statement(body)?;
                let again = self.ops.len();
                if let Some(step) = step {
                    self.statement(step)?;
                }
                self.push(Op::Jump(test));
                if let Some(end) = end {
                    self.fill(end);
                }
                self.end_loop(again);
            }
            Stmt::ForIn(variable, array, body) => {
                self.array(array)?;
                self.push(Op::Iterate);
                let start = self.hole(Op::NextKey(0));
                let Expr::Var(variable) = variable else { return Err("syntax error".into()) };
                self.push(Op::Set(*variable));
                self.push(Op::Pop);
                self.begin_loop(false);
                self.statement(body)?;
                self.push(Op::Jump(start));
                self.fill(start);
                self.end_loop(start);
                self.push(Op::EndIterate);
            }
            Stmt::Switch(subject, cases) => self.switch(subject, cases)?,
            Stmt::Block(body) => self.block(body)?,
            Stmt::Break => {
                let hole = self.hole(Op::Jump(0));
                match self.loops.last_mut() {
                    Some(inner) => inner.breaks.push(hole),
                    None => return Err("`break' is not allowed outside a loop or switch".into()),
                }
            }
            Stmt::Continue => {
                // The subject of each switch on the way lies on the stack.
                let subjects = self.loops.iter().rev().take_while(|inner| inner.is_switch).count();
                for _ in 0..subjects {
                    self.push(Op::Pop);
                }
                let hole = self.hole(Op::Jump(0));
                match self.loops.iter_mut().rev().find(|inner| !inner.is_switch) {
                    Some(inner) => inner.continues.push(hole),
                    None => return Err("`continue' is not allowed outside a loop".into()),
                }
            }
            Stmt::Next => self.push(Op::Next),
            Stmt::NextFile => self.push(Op::NextFile),
            Stmt::Exit(status) => {
                if let Some(status) = status {
                    self.expr(status)?;
                }
                self.push(Op::Exit(status.is_some()));
            }
            Stmt::Return(value) => {
                match value {
                    Some(value) => self.expr(value)?,
                    None => self.push(Op::Push(Value::Unset)),
                }
                self.push(Op::Return);
            }
            Stmt::Delete(array, keys) => {
                self.array(array)?;
                match keys {
                    Some(keys) => {
                        self.keys(keys)?;
                        self.push(Op::Delete);
                    }
                    None => self.push(Op::DeleteAll),
                }
            }
        }
        Ok(())
    }

    fn switch(&mut self, subject: &Expr, cases: &[(Option<Expr>, Vec<Stmt>)]) -> Done {
        self.expr(subject)?;
        let mut holes = Vec::new();
        for (label, _) in cases {
            holes.push(match label {
                Some(label) => {
                    match label {
                        Expr::TypedRegex(regex) => self.push(Op::PushRegex(*regex)),
                        label => self.expr(label)?,
                    }
                    self.push(Op::Case);
                    Some(self.hole(Op::JumpIfTrue(0)))
                }
                None => None,
            });
        }
        let default = self.hole(Op::Jump(0));
        self.begin_loop(true);
        let mut has_default = false;
        for ((_, body), hole) in cases.iter().zip(holes) {
            match hole {
                Some(hole) => self.fill(hole),
                None => {
                    has_default = true;
                    self.fill(default);
                }
            }
            self.block(body)?;
        }
        if !has_default {
            self.fill(default);
        }
        let here = self.ops.len();
        self.end_loop(here);
        self.push(Op::Pop);
        Ok(())
    }

    fn redirect(&mut self, redirect: Option<&Redirect>) -> Result<Writer, String> {
        let Some(redirect) = redirect else { return Ok(Writer::Stdout) };
        let (target, writer) = match redirect {
            Redirect::File(target) => (target, Writer::File),
            Redirect::Append(target) => (target, Writer::Append),
            Redirect::Command(target) => (target, Writer::Command),
            Redirect::Coprocess(target) => (target, Writer::Coprocess),
        };
        self.expr(target)?;
        Ok(writer)
    }

    fn array(&mut self, array: &Expr) -> Done {
        match array {
            Expr::Var(variable) => self.push(Op::Array(*variable)),
            Expr::Index(array, keys) => {
                self.array(array)?;
                self.keys(keys)?;
                self.push(Op::Subarray);
            }
            Expr::Group(inner) => self.array(inner)?,
            _ => return Err("syntax error: an array is wanted here".into()),
        }
        Ok(())
    }

    fn keys(&mut self, keys: &[Expr]) -> Done {
        keys.iter().try_for_each(|key| self.expr(key))?;
        if keys.len() != 1 {
            self.push(Op::Join(keys.len()));
        }
        Ok(())
    }

    /// Assigns what `value` leaves; the value stays.
    fn assign(&mut self, target: &Expr, value: impl FnOnce(&mut Self) -> Done) -> Done {
        match target {
            Expr::Var(variable) => {
                value(self)?;
                self.push(Op::Set(*variable));
            }
            Expr::Field(index) => {
                self.expr(index)?;
                value(self)?;
                self.push(Op::SetField);
            }
            Expr::Index(array, keys) => {
                self.array(array)?;
                self.keys(keys)?;
                value(self)?;
                self.push(Op::SetIndex);
            }
            _ => return Err("syntax error".into()),
        }
        Ok(())
    }

    fn is_lvalue(expr: &Expr) -> bool {
        matches!(expr, Expr::Var(_) | Expr::Field(_) | Expr::Index(..))
    }

    fn operands<'e>(expr: &'e Expr, found: &mut Vec<&'e Expr>) {
        match expr {
            Expr::Concat(left, right) => {
                Self::operands(left, found);
                found.push(right);
            }
            other => found.push(other),
        }
    }

    fn expr(&mut self, expr: &Expr) -> Done {
        match expr {
            Expr::Number(number) => self.push(Op::Push(Value::Number(*number))),
            Expr::Text(text) => self.push(Op::Push(Value::text(text))),
            Expr::Regex(regex) => self.push(Op::MatchRecord(*regex)),
            Expr::TypedRegex(regex) => self.push(Op::PushRegex(*regex)),
            Expr::Var(variable) => self.push(Op::Get(*variable)),
            Expr::Group(inner) => self.expr(inner)?,
            Expr::Field(index) => match &**index {
                Expr::Number(number) if *number >= 0.0 && *number < 1e6 => {
                    self.push(Op::FieldAt(*number as usize));
                }
                index => {
                    self.expr(index)?;
                    self.push(Op::Field);
                }
            },
            Expr::Index(array, keys) => {
                self.array(array)?;
                self.keys(keys)?;
                self.push(Op::Index);
            }
            Expr::Assign(target, value) => self.assign(target, |compiler| compiler.expr(value))?,
            Expr::AssignOp(op, target, value) => {
                let op = op.as_bytes().first().copied().unwrap_or(b'+');
                match &**target {
                    Expr::Var(variable) => {
                        self.push(Op::Get(*variable));
                        self.expr(value)?;
                        self.push(Op::Arithmetic(op));
                        self.push(Op::Set(*variable));
                    }
                    Expr::Field(index) => {
                        self.expr(index)?;
                        self.push(Op::Dup);
                        self.push(Op::Field);
                        self.expr(value)?;
                        self.push(Op::Arithmetic(op));
                        self.push(Op::SetField);
                    }
                    Expr::Index(array, keys) => {
                        self.array(array)?;
                        self.keys(keys)?;
                        self.push(Op::Dup2);
                        self.push(Op::Index);
                        self.expr(value)?;
                        self.push(Op::Arithmetic(op));
                        self.push(Op::SetIndex);
                    }
                    _ => return Err("syntax error".into()),
                }
            }
            Expr::Step(target, by, old) => match &**target {
                Expr::Var(variable) => self.push(Op::Step(*variable, *by, *old)),
                Expr::Field(index) => {
                    self.expr(index)?;
                    self.push(Op::StepField(*by, *old));
                }
                Expr::Index(array, keys) => {
                    self.array(array)?;
                    self.keys(keys)?;
                    self.push(Op::StepIndex(*by, *old));
                }
                _ => return Err("syntax error".into()),
            },
            Expr::Unary(op, operand) => {
                self.expr(operand)?;
                self.push(match *op {
                    "!" => Op::Not,
                    "-" => Op::Negate,
                    _ => Op::Plus,
                });
            }
            Expr::Binary(op, left, right) => {
                self.expr(left)?;
                self.expr(right)?;
                self.push(match *op {
                    op @ ("<" | "<=" | "==" | "!=" | ">" | ">=") => Op::Compare(op),
                    op => Op::Arithmetic(op.as_bytes().first().copied().unwrap_or(b'+')),
                });
            }
            Expr::Concat(..) => {
                let mut operands = Vec::new();
                Self::operands(expr, &mut operands);
                let count = operands.len();
                operands.into_iter().try_for_each(|operand| self.expr(operand))?;
                self.push(Op::Concat(count));
            }
            Expr::Match(value, pattern, negated) => {
                self.expr(value)?;
                match &**pattern {
                    Expr::Regex(regex) | Expr::TypedRegex(regex) => {
                        self.push(Op::MatchStatic(*regex, *negated));
                    }
                    pattern => {
                        self.expr(pattern)?;
                        self.push(Op::Match(*negated));
                    }
                }
            }
            Expr::And(left, right) => {
                self.expr(left)?;
                self.push(Op::Flag);
                self.push(Op::Dup);
                let end = self.hole(Op::JumpIfFalse(0));
                self.push(Op::Pop);
                self.expr(right)?;
                self.push(Op::Flag);
                self.fill(end);
            }
            Expr::Or(left, right) => {
                self.expr(left)?;
                self.push(Op::Flag);
                self.push(Op::Dup);
                let end = self.hole(Op::JumpIfTrue(0));
                self.push(Op::Pop);
                self.expr(right)?;
                self.push(Op::Flag);
                self.fill(end);
            }
            Expr::In(keys, array) => {
                self.array(array)?;
                self.keys(keys)?;
                self.push(Op::Contains);
            }
            Expr::Conditional(condition, yes, no) => {
                self.expr(condition)?;
                let otherwise = self.hole(Op::JumpIfFalse(0));
                self.expr(yes)?;
                let end = self.hole(Op::Jump(0));
                self.fill(otherwise);
                self.expr(no)?;
                self.fill(end);
            }
            Expr::Call(name, arguments, _) => {
                let Some(index) = self.names.iter().position(|other| other == name) else {
                    return Err(format!("function `{}' not defined", bstr::BStr::new(name)));
                };
                self.arguments(arguments)?;
                self.push(Op::Call(index, arguments.len()));
            }
            Expr::Indirect(variable, arguments) => {
                self.arguments(arguments)?;
                self.push(Op::CallIndirect(*variable, arguments.len()));
            }
            Expr::Builtin(name, arguments) => self.builtin(name, arguments)?,
            Expr::Getline(source, target) => self.getline(source, target.as_deref())?,
        }
        Ok(())
    }

    /// Arguments of a function: what may be an array is passed as one.
    fn arguments(&mut self, arguments: &[Expr]) -> Done {
        for argument in arguments {
            match argument {
                Expr::Var(variable) => self.push(Op::Reference(*variable)),
                other => self.expr(other)?,
            }
        }
        Ok(())
    }

    /// A pattern: a regular expression is not matched, but passed on.
    fn pattern(&mut self, expr: &Expr) -> Done {
        match expr {
            Expr::Regex(regex) | Expr::TypedRegex(regex) => self.push(Op::PushRegex(*regex)),
            other => self.expr(other)?,
        }
        Ok(())
    }

    fn builtin(&mut self, name: &'static str, arguments: &[Expr]) -> Done {
        let count = arguments.len();
        let wrong = || Err(format!("{count} is invalid as number of arguments for {name}"));
        match (name, arguments) {
            ("sub" | "gsub", [pattern, replacement, rest @ ..]) if count <= 3 => {
                self.pattern(pattern)?;
                self.expr(replacement)?;
                let record = Expr::Field(Box::new(Expr::Number(0.0)));
                let target = rest.first().unwrap_or(&record);
                let target = if let Expr::Group(inner) = target { inner } else { target };
                self.expr(target)?;
                self.push(Op::Substitute(name == "gsub"));
                // target's value, count
                if Self::is_lvalue(target) {
                    let unchanged = {
                        self.push(Op::Dup);
                        self.hole(Op::JumpIfFalse(0))
                    };
                    self.push(Op::Swap);
                    match target {
                        Expr::Var(variable) => self.push(Op::Set(*variable)),
                        Expr::Field(index) => {
                            self.expr(index)?;
                            self.push(Op::Swap);
                            self.push(Op::SetField);
                        }
                        Expr::Index(array, keys) => {
                            self.array(array)?;
                            self.keys(keys)?;
                            self.push(Op::Builtin("rotate", 3));
                            self.push(Op::SetIndex);
                        }
                        _ => {}
                    }
                    self.push(Op::Swap);
                    self.fill(unchanged);
                }
                self.push(Op::Swap);
                self.push(Op::Pop);
                return Ok(());
            }
            ("split" | "patsplit", [text, array, rest @ ..]) if rest.len() <= 2 => {
                self.expr(text)?;
                self.array(array)?;
                if let Some(separator) = rest.first() {
                    self.pattern(separator)?;
                }
                if let Some(separators) = rest.get(1) {
                    self.array(separators)?;
                }
            }
            ("match", [text, pattern, rest @ ..]) if rest.len() <= 1 => {
                self.expr(text)?;
                self.pattern(pattern)?;
                if let Some(array) = rest.first() {
                    self.array(array)?;
                }
            }
            ("gensub", [pattern, rest @ ..]) if (2..=3).contains(&rest.len()) => {
                self.pattern(pattern)?;
                rest.iter().try_for_each(|argument| self.expr(argument))?;
            }
            ("asort" | "asorti", [array, rest @ ..]) if rest.len() <= 2 => {
                self.array(array)?;
                if let Some(target) = rest.first() {
                    self.array(target)?;
                }
                if let Some(how) = rest.get(1) {
                    self.expr(how)?;
                }
            }
            ("length" | "isarray" | "typeof", [Expr::Var(variable)]) => self.push(Op::Reference(*variable)),
            ("typeof", [Expr::Regex(regex)]) => self.push(Op::PushRegex(*regex)),
            ("length" | "typeof" | "isarray", [one]) => self.expr(one)?,
            ("length", []) => self.push(Op::FieldAt(0)),
            ("substr", [_, _] | [_, _, _])
            | ("index" | "atan2" | "lshift" | "rshift", [_, _])
            | (
                "sin" | "cos" | "exp" | "log" | "sqrt" | "int" | "tolower" | "toupper" | "system" | "compl"
                | "strtonum" | "mkbool",
                [_],
            )
            | ("close", [_] | [_, _])
            | ("fflush" | "srand", [] | [_])
            | ("rand" | "systime", [])
            | ("strftime", [] | [_] | [_, _] | [_, _, _])
            | ("mktime", [_] | [_, _])
            | ("and" | "or" | "xor", [_, _, ..])
            | ("sprintf", [_, ..]) => arguments.iter().try_for_each(|argument| self.expr(argument))?,
            _ => return wrong(),
        }
        self.push(Op::Builtin(name, count.max(usize::from(name == "length"))));
        Ok(())
    }

    fn getline(&mut self, source: &Source, target: Option<&Expr>) -> Done {
        let reader = match (source, target.is_some()) {
            (Source::Main, false) => Reader::Main,
            (Source::Main, true) => Reader::MainVar,
            (Source::File(_), false) => Reader::File,
            (Source::File(_), true) => Reader::FileVar,
            (Source::Command(_), false) => Reader::Command,
            (Source::Command(_), true) => Reader::CommandVar,
            (Source::Coprocess(_), false) => Reader::Coprocess,
            (Source::Coprocess(_), true) => Reader::CoprocessVar,
        };
        if let Source::File(name) | Source::Command(name) | Source::Coprocess(name) = source {
            self.expr(name)?;
        }
        self.push(Op::Getline(reader));
        if let Some(target) = target {
            let none = self.hole(Op::JumpIfNoLine(0));
            self.assign(target, |compiler| {
                compiler.push(Op::Line);
                Ok(())
            })?;
            self.push(Op::Pop);
            self.fill(none);
        }
        Ok(())
    }
}
