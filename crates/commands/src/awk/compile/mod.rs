//! Turns the tree of a program into code: rules and statements.

mod expr;

use std::collections::HashMap;

use super::ast::{Expr, Line, Pattern, Place, Program, Redirect, Rule, Stmt};
use super::code::{After, Base, Code, Entry, Op, Writer};
use super::value::Value;

/// Why a program cannot be compiled.
pub(super) type Wrong = (Place, String);
type Done = Result<(), Wrong>;

struct Loop {
    breaks: Vec<usize>,
    continues: Vec<usize>,
    /// A `switch`: `continue` means the loop around it.
    is_switch: bool,
}

struct Compiler {
    code: Code,
    loops: Vec<Loop>,
    functions: HashMap<Vec<u8>, u32>,
    numbers: HashMap<u64, u32>,
    texts: HashMap<Vec<u8>, u32>,
    place: Place,
}

/// Compiles a program.
pub(super) fn compile(program: Program) -> Result<Code, Wrong> {
    let Program { rules, functions, globals, regexes, sources, uses_tables } = program;
    let names = (0..).zip(&functions).map(|(index, function)| (function.name.clone(), index)).collect();
    let mut compiler = Compiler {
        code: Code { globals, regexes, sources, uses_tables, ..Code::default() },
        loops: Vec::new(),
        functions: names,
        numbers: HashMap::new(),
        texts: HashMap::new(),
        place: Place::default(),
    };
    for function in functions {
        let at = compiler.here();
        compiler.code.functions.push(Entry { name: function.name, at, parameters: function.parameters });
        compiler.block(&function.body)?;
        compiler.push(Op::Unset);
        compiler.push(Op::Return);
    }
    let begin = compiler.section(&rules, |pattern| matches!(pattern, Pattern::Begin))?;
    let main = compiler.section(&rules, |pattern| {
        matches!(pattern, Pattern::Always | Pattern::When(_) | Pattern::Range(..))
    })?;
    let end = compiler.section(&rules, |pattern| matches!(pattern, Pattern::End))?;
    let begin_file = compiler.section(&rules, |pattern| matches!(pattern, Pattern::BeginFile))?;
    let end_file = compiler.section(&rules, |pattern| matches!(pattern, Pattern::EndFile))?;
    Ok(Code { begin, main, end, begin_file, end_file, ..compiler.code })
}

impl Compiler {
    fn here(&self) -> usize {
        self.code.ops.len()
    }

    fn push(&mut self, op: Op) {
        self.code.ops.push(op);
        self.code.places.push(self.place);
    }

    fn constant(&mut self, value: Value) -> u32 {
        self.code.constants.push(value);
        self.code.constants.len() as u32 - 1
    }

    fn number(&mut self, number: f64) {
        let index = match self.numbers.get(&number.to_bits()) {
            Some(index) => *index,
            None => {
                let index = self.constant(Value::Number(number));
                self.numbers.insert(number.to_bits(), index);
                index
            }
        };
        self.push(Op::Const(index));
    }

    fn text_constant(&mut self, text: &[u8]) -> u32 {
        match self.texts.get(text) {
            Some(index) => *index,
            None => {
                let index = self.constant(Value::text(text));
                self.texts.insert(text.to_vec(), index);
                index
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        let index = self.text_constant(text);
        self.push(Op::Const(index));
    }

    /// An instruction whose jump is filled in later.
    fn hole(&mut self, op: Op) -> usize {
        self.push(op);
        self.here() - 1
    }

    fn fill(&mut self, hole: usize) {
        self.fill_with(hole, self.here());
    }

    fn fill_with(&mut self, hole: usize, to: usize) {
        if let Some(
            Op::Jump(place)
            | Op::JumpIf(_, place)
            | Op::JumpCompare(_, _, place)
            | Op::JumpRecord(_, _, place)
            | Op::JumpInRange(_, place)
            | Op::Case(place)
            | Op::NextKey(_, place),
        ) = self.code.ops.get_mut(hole)
        {
            *place = to as u32;
        }
    }

    fn fill_all(&mut self, holes: Vec<usize>) {
        for hole in holes {
            self.fill(hole);
        }
    }

    fn section(&mut self, rules: &[Rule], wanted: impl Fn(&Pattern) -> bool) -> Result<Option<usize>, Wrong> {
        let start = self.here();
        let mut any = false;
        for rule in rules.iter().filter(|rule| wanted(&rule.pattern)) {
            any = true;
            self.place = rule.place;
            self.rule(rule)?;
        }
        self.push(Op::End);
        Ok(any.then_some(start))
    }

    fn rule(&mut self, rule: &Rule) -> Done {
        let mut holes = Vec::new();
        match &rule.pattern {
            Pattern::When(condition) => self.unless(condition, &mut holes)?,
            Pattern::Range(from, to) => {
                let range = self.code.ranges as u32;
                self.code.ranges += 1;
                let active = self.hole(Op::JumpInRange(range, 0));
                self.unless(from, &mut holes)?;
                self.push(Op::BeginRange(range));
                self.fill(active);
                self.expr(to)?;
                self.push(Op::EndRange(range));
            }
            _ => {}
        }
        match &rule.body {
            Some(body) => self.block(body)?,
            None => self.push(Op::Print(0, Writer::Stdout)),
        }
        self.fill_all(holes);
        Ok(())
    }

    fn block(&mut self, body: &[Line]) -> Done {
        body.iter().try_for_each(|line| self.line(line))
    }

    fn begin_loop(&mut self, is_switch: bool) {
        self.loops.push(Loop { breaks: Vec::new(), continues: Vec::new(), is_switch });
    }

    /// Ends a loop: where `continue` goes; `break` goes here.
    fn end_loop(&mut self, again: usize) {
        if let Some(done) = self.loops.pop() {
            self.fill_all(done.breaks);
            for hole in done.continues {
                self.fill_with(hole, again);
            }
        }
    }

    fn line(&mut self, line: &Line) -> Done {
        self.place = line.place;
        match &line.stmt {
            Stmt::Expr(expr) => self.effect(expr)?,
            Stmt::Print(arguments, redirect) => self.print(arguments, redirect.as_ref())?,
            Stmt::Printf(arguments, redirect) => {
                arguments.iter().try_for_each(|argument| self.expr(argument))?;
                let writer = self.redirect(redirect.as_ref())?;
                self.push(Op::Printf(arguments.len() as u32, writer));
            }
            Stmt::If(branches, other) => {
                let mut ends = Vec::new();
                for (index, (condition, body)) in branches.iter().enumerate() {
                    let mut no = Vec::new();
                    self.unless(condition, &mut no)?;
                    self.line(body)?;
                    if index + 1 < branches.len() || other.is_some() {
                        ends.push(self.hole(Op::Jump(0)));
                    }
                    self.fill_all(no);
                }
                if let Some(other) = other {
                    self.line(other)?;
                }
                self.fill_all(ends);
            }
            Stmt::While(condition, body) => {
                let start = self.here();
                let mut over = Vec::new();
                self.unless(condition, &mut over)?;
                self.begin_loop(false);
                self.line(body)?;
                self.push(Op::Jump(start as u32));
                self.fill_all(over);
                self.end_loop(start);
            }
            Stmt::Do(body, condition) => {
                let start = self.here();
                self.begin_loop(false);
                self.line(body)?;
                let again = self.here();
                self.expr(condition)?;
                self.push(Op::JumpIf(true, start as u32));
                self.end_loop(again);
            }
            Stmt::For(start, condition, step, body) => {
                if let Some(start) = start {
                    self.line(start)?;
                }
                let test = self.here();
                let mut over = Vec::new();
                if let Some(condition) = condition {
                    self.unless(condition, &mut over)?;
                }
                self.begin_loop(false);
                self.line(body)?;
                let again = self.here();
                if let Some(step) = step {
                    self.line(step)?;
                }
                self.push(Op::Jump(test as u32));
                self.fill_all(over);
                self.end_loop(again);
            }
            Stmt::ForIn(variable, array, body) => {
                self.array(array)?;
                self.push(Op::Iterate);
                let start = self.hole(Op::NextKey(*variable, 0));
                self.begin_loop(false);
                self.line(body)?;
                self.push(Op::Jump(start as u32));
                self.fill(start);
                self.end_loop(start);
                self.push(Op::EndIterate);
            }
            Stmt::Switch(subject, cases) => self.switch(subject, cases)?,
            Stmt::Block(body) => self.block(body)?,
            Stmt::Break => {
                let hole = self.hole(Op::Jump(0));
                if let Some(inner) = self.loops.last_mut() {
                    inner.breaks.push(hole);
                }
            }
            Stmt::Continue => {
                // The subject of each switch on the way lies on the stack.
                let subjects = self.loops.iter().rev().take_while(|inner| inner.is_switch).count();
                for _ in 0..subjects {
                    self.push(Op::Pop);
                }
                let hole = self.hole(Op::Jump(0));
                if let Some(inner) = self.loops.iter_mut().rev().find(|inner| !inner.is_switch) {
                    inner.continues.push(hole);
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
                    None => self.push(Op::Unset),
                }
                self.push(Op::Return);
            }
            Stmt::Delete(array, keys) => match keys {
                Some(keys) => {
                    let base = self.element(array, keys)?;
                    self.push(Op::Delete(base));
                }
                None => {
                    self.array(array)?;
                    self.push(Op::DeleteAll);
                }
            },
        }
        Ok(())
    }

    fn print(&mut self, arguments: &[Expr], redirect: Option<&Redirect>) -> Done {
        // What has no effect on what was printed before it may go out at once.
        let simple = |expr: &Expr| {
            matches!(expr, Expr::Number(_) | Expr::Text(_) | Expr::Var(_))
                || matches!(expr, Expr::Field(index) if matches!(**index, Expr::Number(number) if number >= 0.0))
        };
        if redirect.is_none() && !arguments.is_empty() && arguments.iter().all(simple) {
            for (index, argument) in arguments.iter().enumerate() {
                let after = if index + 1 == arguments.len() { After::End } else { After::Separator };
                match field_number(argument) {
                    Some(number) => self.push(Op::PutField(number, after)),
                    None => {
                        self.expr(argument)?;
                        self.push(Op::Put(after));
                    }
                }
            }
            return Ok(());
        }
        arguments.iter().try_for_each(|argument| self.expr(argument))?;
        let writer = self.redirect(redirect)?;
        self.push(Op::Print(arguments.len() as u32, writer));
        Ok(())
    }

    fn switch(&mut self, subject: &Expr, cases: &[(Option<Expr>, Vec<Line>)]) -> Done {
        self.expr(subject)?;
        let mut holes = Vec::new();
        for (label, _) in cases {
            holes.push(match label {
                Some(label) => {
                    self.pattern(label)?;
                    Some(self.hole(Op::Case(0)))
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
        let here = self.here();
        self.end_loop(here);
        self.push(Op::Pop);
        Ok(())
    }

    fn redirect(&mut self, redirect: Option<&Redirect>) -> Result<Writer, Wrong> {
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

    /// Leaves an array on the stack.
    fn array(&mut self, array: &Expr) -> Done {
        match array {
            Expr::Var(variable) => self.push(Op::Array(*variable)),
            Expr::Index(array, keys) => {
                let base = self.element(array, keys)?;
                self.push(Op::Subarray(base));
            }
            Expr::Group(inner) => self.array(inner)?,
            _ => return Err((self.place, "attempt to use a scalar value as array".into())),
        }
        Ok(())
    }

    /// Leaves what leads to an element: the array unless it is a variable, and the key.
    fn element(&mut self, array: &Expr, keys: &[Expr]) -> Result<Base, Wrong> {
        let base = match array {
            Expr::Var(variable) => Base::Var(*variable),
            other => {
                self.array(other)?;
                Base::Stack
            }
        };
        keys.iter().try_for_each(|key| self.expr(key))?;
        if keys.len() != 1 {
            self.push(Op::Join(keys.len() as u32));
        }
        Ok(base)
    }
}

/// The number of a field that is a constant, from 1 on.
fn field_number(expr: &Expr) -> Option<u32> {
    match expr {
        Expr::Field(index) => match **index {
            Expr::Number(number) if (0.0..1e6).contains(&number) => Some(number as u32),
            _ => None,
        },
        Expr::Group(inner) => field_number(inner),
        _ => None,
    }
}
