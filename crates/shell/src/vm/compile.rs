//! From the syntax tree to bytecode, with an explicit stack of tasks: nothing recurses with the nesting of
//! the source.

pub(super) mod command;
mod word;

use std::rc::Rc;

use wasmsh_syntax::ast::*;

use crate::shared::Shared;
use crate::symbol::Sym;
use crate::text::Str;
use crate::vm::arith::ArithCode;
use crate::vm::code::{self, Code, Index, Op, Target, WordEnd};

/// What a command is part of.
#[derive(Clone, Copy, Debug, Default)]
struct Context {
    /// Its status is looked at: `set -e` does not apply.
    condition: bool,
    /// Nothing follows in this process.
    last: bool,
    /// Joined to the next stage by `|&`.
    stderr: bool,
    /// `!` turns its status around, an odd number of times; `break` leaves that status.
    negated: bool,
    /// Its own status is looked at only by a `!`, which counts for what it runs if `set -e` is on by then.
    inverted: bool,
    /// A stage of a pipeline or an asynchronous command: its process does nothing else.
    alone: bool,
    /// The DEBUG trap has been run for it.
    debugged: bool,
    /// What its failure leads to follows elsewhere.
    unchecked: bool,
    /// Its `!` has no effect.
    as_is: bool,
}

impl Context {
    fn inner(self) -> Context {
        Context { last: false, stderr: false, alone: false, debugged: false, inverted: false, ..self }
    }

    /// The condition of `if` and the like.
    fn condition() -> Context {
        Context { condition: true, ..Context::default() }
    }
}

/// Where parts of a word stand.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Inside double quotes.
    quoted: bool,
    /// Inside the word of an unquoted `${v:-…}`: literal text is split.
    operand: bool,
}

/// What is still to be done. The top of the stack is next.
#[derive(Clone, Copy)]
enum Task {
    Op(Op),
    Label(Target),
    List(List, Context),
    AndOr(AndOr, Context),
    Pipeline(Pipeline, Context),
    Command(Id<Command>, Context),
    Body(Id<Command>, Context),
    Word(Word, WordEnd),
    Parts(Seq<Part>, Place),
    Cond(Id<Cond>),
    /// A text that is expanded when it is met.
    Text(Seq<Part>, bool, WordEnd),
}

pub(crate) struct Compiler<'a> {
    shared: &'a Shared,
    ast: Rc<Ast>,
    code: Code,
    labels: Vec<u32>,
    stack: Vec<Task>,
    next: Vec<Task>,
    /// The functions defined in this code, to be compiled after it.
    functions: Vec<(Str, Id<Command>, u32)>,
}

/// What compiling needs memory for, kept from one time to the next.
#[derive(Default)]
pub(crate) struct Spare {
    /// Code that has run and will not again.
    code: Option<Code>,
    labels: Vec<u32>,
    stack: Vec<Task>,
    next: Vec<Task>,
}

/// Takes code that has run and will not again; gives back its syntax tree. Nothing happens if somebody still
/// needs it.
pub(crate) fn recycle(shared: &Shared, code: Rc<Code>) -> Option<Ast> {
    let mut code = Rc::into_inner(code)?;
    code.clear();
    let ast = std::mem::take(Rc::get_mut(&mut code.ast)?);
    // What a long command needed is not kept.
    if ast.text.len() <= RECYCLED {
        shared.spare.borrow_mut().code = Some(code);
    }
    Some(ast)
}

/// The memory of a command with a longer text is not kept.
const RECYCLED: usize = 64 * 1024;

/// Compiles a complete command.
pub(crate) fn compile(shared: &Shared, ast: Ast, source: Str) -> Rc<Code> {
    let mut code = shared.spare.borrow_mut().code.take().unwrap_or_default();
    let ast = match Rc::get_mut(&mut code.ast) {
        Some(place) => {
            *place = ast;
            code.ast.clone()
        }
        None => Rc::new(ast),
    };
    let root = Task::List(ast.root, Context::default());
    build(shared, &ast, &source, root, Code { ast: ast.clone(), ..code })
}

/// Compiles a text of parts alone; what it expands to is left on the stack of arguments.
pub(crate) fn compile_text(
    shared: &Shared,
    ast: Rc<Ast>,
    source: Str,
    word: Word,
    quoted: bool,
    end: WordEnd,
) -> Rc<Code> {
    let code = empty(&ast);
    build(shared, &ast, &source, Task::Text(word.parts, quoted, end), code)
}

/// Functions inside functions are compiled when the outer one is, from a list and not by recursion.
struct Pending {
    code: Code,
    functions: Vec<(Str, Id<Command>, u32)>,
    done: Vec<Rc<code::Function>>,
    /// Which function of the one below it is; not for the lowest.
    name: Option<(Str, Id<Command>, u32)>,
}

/// Code without anything in it.
fn empty(ast: &Rc<Ast>) -> Code {
    Code {
        ops: Vec::new(),
        texts: Vec::new(),
        params: Vec::new(),
        ariths: Vec::new(),
        assigns: Vec::new(),
        redirs: Vec::new(),
        execs: Vec::new(),
        stages: Vec::new(),
        loops: Vec::new(),
        functions: code::Functions::default(),
        sequences: Vec::new(),
        ast: ast.clone(),
    }
}

fn build(shared: &Shared, ast: &Rc<Ast>, source: &Str, root: Task, code: Code) -> Rc<Code> {
    let begin = |task, name, code| {
        let spare = &mut *shared.spare.borrow_mut();
        let (labels, mut stack, next) = (
            std::mem::take(&mut spare.labels),
            std::mem::take(&mut spare.stack),
            std::mem::take(&mut spare.next),
        );
        stack.push(task);
        let mut compiler =
            Compiler { shared, ast: ast.clone(), code, labels, stack, next, functions: Vec::new() };
        compiler.run();
        let Compiler { code, mut labels, stack, next, mut functions, .. } = compiler;
        labels.clear();
        if labels.capacity() <= RECYCLED && stack.capacity() <= RECYCLED && next.capacity() <= RECYCLED {
            (spare.labels, spare.stack, spare.next) = (labels, stack, next);
        }
        functions.reverse();
        Pending { code, functions, done: Vec::new(), name }
    };
    let root = begin(root, None, code);
    if root.functions.is_empty() {
        return Rc::new(root.code);
    }
    let mut stack = vec![root];
    loop {
        let Some(top) = stack.last_mut() else { return Rc::default() };
        if let Some(function) = top.functions.pop() {
            let task = Task::Command(function.1, Context::default());
            stack.push(begin(task, Some(function), empty(ast)));
            continue;
        }
        let Some(Pending { mut code, done, name, .. }) = stack.pop() else { return Rc::default() };
        code.functions = code::Functions(done);
        let code = Rc::new(code);
        match (name, stack.last_mut()) {
            (Some((name, body, line)), Some(outer)) => outer.done.push(Rc::new(code::Function {
                name,
                code,
                ast: ast.clone(),
                body,
                line,
                source: source.clone(),
            })),
            _ => return code,
        }
    }
}

impl Compiler<'_> {
    fn run(&mut self) {
        while let Some(task) = self.stack.pop() {
            match task {
                Task::Op(op) => self.code.ops.push(op),
                Task::Label(label) => {
                    let at = self.code.ops.len() as u32;
                    if let Some(place) = self.labels.get_mut(label as usize) {
                        *place = at;
                    }
                }
                Task::List(list, context) => self.list(list, context),
                Task::AndOr(and_or, context) => self.and_or(and_or, context),
                Task::Pipeline(pipeline, context) => self.pipeline(pipeline, context),
                Task::Command(id, context) => self.command(id, context),
                Task::Body(id, context) => self.body(id, context),
                Task::Word(word, end) => self.word(word, end),
                Task::Parts(parts, place) => self.parts(parts, place),
                Task::Cond(id) => self.cond(id),
                Task::Text(parts, quoted, end) => self.whole_text(parts, quoted, end),
            }
            while let Some(task) = self.next.pop() {
                self.stack.push(task);
            }
        }
        self.code.ops.push(Op::End);
        let labels = &self.labels;
        let resolve =
            |target: &mut Target| *target = labels.get(*target as usize).copied().unwrap_or_default();
        for op in &mut self.code.ops {
            match op {
                Op::Jump(t)
                | Op::JumpOk(t)
                | Op::JumpFail(t)
                | Op::Debug(_, t)
                | Op::ForNext(_, t)
                | Op::SelectNext(_, t)
                | Op::ParamDefault(_, t)
                | Op::ParamAlternative(_, t)
                | Op::Substitute(_, t)
                | Op::ProcessSubstitute { end: t, .. }
                | Op::RedirBegin(t)
                | Op::SkipUnset(_, _, t)
                | Op::SkipElement(_, _, t)
                | Op::SkipAbsent(_, _, t)
                | Op::RedirFork { end: t, .. }
                | Op::Subshell(t)
                | Op::Background(_, t)
                | Op::Coproc(_, t)
                | Op::ArithJumpZero(_, t)
                | Op::ArithJumpZeroDynamic(t)
                | Op::ArithGuard(_, t)
                | Op::ArithFor(_, t)
                | Op::ArithForDynamic(t)
                | Op::AssocJump(_, t)
                | Op::UnsetKey(_, t)
                | Op::CaseMatch(t)
                | Op::CaseLiteral(_, t) => resolve(t),
                Op::EnterLoop(a, b) => {
                    resolve(a);
                    resolve(b);
                }
                _ => {}
            }
        }
        for stage in &mut self.code.stages {
            resolve(&mut stage.end);
        }
        for info in &mut self.code.loops {
            resolve(&mut info.break_to);
            resolve(&mut info.top);
            resolve(&mut info.body);
            resolve(&mut info.done);
        }
    }

    /// Adds a task after those that have been added in this step.
    fn then(&mut self, task: Task) {
        self.next.push(task);
    }

    fn emit(&mut self, op: Op) {
        self.next.push(Task::Op(op));
    }

    fn label(&mut self) -> Target {
        self.labels.push(0);
        (self.labels.len() - 1) as Target
    }

    fn place(&mut self, label: Target) {
        self.next.push(Task::Label(label));
    }

    fn text(&mut self, text: &[u8]) -> Index {
        self.code.texts.push(Str::new(text));
        (self.code.texts.len() - 1) as Index
    }

    fn text_of(&mut self, text: wasmsh_syntax::ast::Str) -> Index {
        let ast = self.ast.clone();
        self.text(&ast[text])
    }

    fn symbol(&self, name: wasmsh_syntax::ast::Str) -> Sym {
        self.shared.names.intern(&self.ast[name])
    }

    fn arith(&mut self, code: Rc<ArithCode>) -> Index {
        self.code.ariths.push(code);
        (self.code.ariths.len() - 1) as Index
    }
}
