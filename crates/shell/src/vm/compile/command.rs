//! Commands: lists, pipelines, compound commands, redirections, assignments.

use wasmsh_syntax::ast::*;

use super::{Compiler, Context, Task};
use crate::symbol::Sym;
use crate::vm::code::{self, AssignKind, Op, RedirKind, WordEnd};

impl Compiler<'_> {
    pub(super) fn list(&mut self, list: List, context: Context) {
        let ast = self.ast.clone();
        let count = list.items.len();
        for (i, and_or) in ast[list.items].iter().enumerate() {
            let last = context.last && i + 1 == count;
            if and_or.background {
                if let [part] = ast[and_or.pipelines]
                    && part.pipeline.time == Time::No
                    && part.pipeline.stages.len() > 1
                {
                    // Each stage is a process of the job.
                    self.emit(Op::Line(and_or.line));
                    let inverted = part.pipeline.negated;
                    self.inverted(inverted, |compiler| {
                        compiler.stages(part.pipeline.stages, false, true);
                    });
                    continue;
                }
                let end = self.label();
                let alone = AndOr { background: false, ..*and_or };
                let text = self.text(&wasmsh_syntax::print::and_or(&ast, alone));
                self.emit(Op::Line(and_or.line));
                let debugged = match ast[and_or.pipelines] {
                    [part] => match ast[part.pipeline.stages] {
                        [only] => self.debug_before_fork(only.command),
                        _ => false,
                    },
                    _ => false,
                };
                self.emit(Op::Background(text, end));
                // Bash does not turn the status of a single pipeline around then.
                let as_is = and_or.pipelines.len() == 1;
                self.then(Task::AndOr(
                    *and_or,
                    Context { last: true, alone: true, debugged, as_is, ..Context::default() },
                ));
                self.emit(Op::SubshellEnd);
                self.place(end);
            } else {
                self.then(Task::AndOr(*and_or, Context { last, ..context }));
            }
        }
    }

    pub(super) fn and_or(&mut self, and_or: AndOr, context: Context) {
        let ast = self.ast.clone();
        let parts = &ast[and_or.pipelines];
        let count = parts.len();
        for (i, part) in parts.iter().enumerate() {
            let is_last = i + 1 == count;
            let inner = Context {
                condition: context.condition || !is_last,
                // What is skipped by `&&` leaves the status as it is, so only a single pipeline ends the process.
                last: context.last && is_last,
                alone: context.alone && count == 1,
                stderr: false,
                ..context
            };
            let end = self.label();
            match part.op {
                AndOrOp::First => {}
                AndOrOp::And => self.emit(Op::JumpFail(end)),
                AndOrOp::Or => self.emit(Op::JumpOk(end)),
            }
            self.then(Task::Pipeline(part.pipeline, inner));
            self.place(end);
        }
    }

    pub(super) fn pipeline(&mut self, pipeline: Pipeline, context: Context) {
        let ast = self.ast.clone();
        let stages = &ast[pipeline.stages];
        let time = pipeline.time != Time::No;
        let inverted = pipeline.negated && !context.condition;
        let pipeline = Pipeline { negated: pipeline.negated && !context.as_is, ..pipeline };
        let context = Context { as_is: false, inverted: false, ..context };
        let inner = Context {
            condition: context.condition || inverted,
            inverted,
            negated: context.negated != pipeline.negated,
            stderr: false,
            ..context
        };
        let inner = if time || pipeline.negated { Context { inverted, ..inner.inner() } } else { inner };
        if time {
            self.emit(Op::TimeBegin);
        }
        match stages {
            [] => self.emit(Op::SetStatus(0)),
            [only] if !only.stderr => {
                let simple = matches!(
                    ast[only.command].kind,
                    CommandKind::Simple(_) | CommandKind::Cond(_) | CommandKind::Arith(_)
                );
                if simple || !inverted {
                    self.then(Task::Command(only.command, inner));
                } else {
                    let inner = Context { condition: context.condition, ..inner };
                    self.inverted(true, |compiler| compiler.then(Task::Command(only.command, inner)));
                }
                if pipeline.negated {
                    self.emit(Op::Negate);
                }
            }
            _ => {
                self.emit(Op::Line(pipeline.line));
                self.inverted(inverted, |compiler| {
                    compiler.stages(pipeline.stages, context.condition, false);
                    compiler.emit(Op::PipeWait { negated: pipeline.negated });
                });
                if !inner.condition {
                    self.emit(Op::ErrCheck);
                }
            }
        }
        if pipeline.negated && stages.is_empty() {
            self.emit(Op::Negate);
        }
        if time {
            self.emit(Op::TimeEnd { posix: pipeline.time == Time::Posix });
        }
    }

    /// What a `!` turns around, if it is one whose status nobody else looks at.
    fn inverted(&mut self, inverted: bool, compile: impl FnOnce(&mut Self)) {
        if inverted {
            self.emit(Op::Invert);
        }
        compile(self);
        if inverted {
            self.emit(Op::InvertEnd);
        }
    }

    /// Starts the stages of a pipeline. In the background they become a job.
    fn stages(&mut self, stages: Seq<Stage>, condition: bool, background: bool) {
        let ast = self.ast.clone();
        self.emit(Op::PipeBegin);
        let first = self.code.stages.len() as u32;
        for (i, stage) in ast[stages].iter().enumerate() {
            let end = self.label();
            let debugged = self.debug_before_fork(stage.command);
            let background = background.then(|| {
                let mut text = wasmsh_syntax::print::command(&ast, stage.command);
                if stage.stderr {
                    text.extend_from_slice(b" 2>&1");
                }
                self.text(&text)
            });
            let (jobs, name) = match ast[stage.command].kind {
                CommandKind::Simple(simple) => match ast[simple.args].first() {
                    Some(Argument::Word(word)) => match ast.literal(word.parts) {
                        // What these run is no longer the command of the stage.
                        Some(name) if matches!(&name[..], b"eval" | b"." | b"source" | b"builtin") => {
                            (false, None)
                        }
                        Some(name) => (true, Some(self.text(&name))),
                        None => (true, None),
                    },
                    _ => (true, None),
                },
                _ => (false, None),
            };
            self.code.stages.push(code::Stage { last: i + 1 == stages.len(), jobs, name, background, end });
            let index = (self.code.stages.len() - 1) as u32;
            self.emit(Op::PipeStage(index));
            self.then(Task::Command(
                stage.command,
                Context {
                    last: true,
                    condition,
                    stderr: stage.stderr,
                    alone: true,
                    debugged,
                    ..Context::default()
                },
            ));
            self.emit(Op::SubshellEnd);
            self.place(end);
        }
        if background {
            self.emit(Op::PipeBackground(first));
        }
    }

    /// The DEBUG trap of a simple command that gets a process of its own runs before that is made. Whether
    /// the command is one.
    fn debug_before_fork(&mut self, id: Id<Command>) -> bool {
        let command = self.ast[id];
        let simple = matches!(command.kind, CommandKind::Simple(_));
        if simple {
            let next = self.label();
            self.emit(Op::Line(command.line));
            self.emit(Op::Debug(command.span, next));
            self.place(next);
        }
        simple
    }

    pub(super) fn command(&mut self, id: Id<Command>, context: Context) {
        let ast = self.ast.clone();
        let command = &ast[id];
        if let CommandKind::Simple(simple) = command.kind {
            return self.simple(command, simple, context);
        }
        let substitutions = self.has_process_substitution(command.redirects);
        if substitutions {
            self.emit(Op::ProcessMark);
        }
        let redirected = !command.redirects.is_empty() || context.stderr;
        if matches!(command.kind, CommandKind::Function { .. }) || !redirected {
            self.then(Task::Body(id, if substitutions { context.inner() } else { context }));
        } else {
            let end = self.label();
            self.emit(Op::Line(command.line));
            self.emit(Op::RedirBegin(end));
            self.redirects(command.redirects);
            self.pipe_stderr(context);
            let subshell = matches!(command.kind, CommandKind::Subshell(_));
            self.then(Task::Body(id, Context { unchecked: subshell, ..context.inner() }));
            self.redirects_end(end, !subshell, context);
        }
        if substitutions {
            self.emit(Op::ProcessClose);
        }
    }

    /// A compound command without its redirections.
    pub(super) fn body(&mut self, id: Id<Command>, context: Context) {
        let ast = self.ast.clone();
        let command = &ast[id];
        let outer = context;
        let context = Context { alone: false, debugged: false, unchecked: false, inverted: false, ..context };
        match command.kind {
            CommandKind::Simple(simple) => self.simple(command, simple, outer),
            CommandKind::Group(list) => self.then(Task::List(list, context)),
            CommandKind::Subshell(list) if outer.alone => {
                // The process is there already.
                self.then(Task::List(
                    list,
                    Context { condition: context.condition, last: true, ..Context::default() },
                ));
            }
            CommandKind::Subshell(list) => {
                let end = self.label();
                self.emit(Op::Line(command.line));
                self.emit(Op::Subshell(end));
                self.then(Task::List(
                    list,
                    Context { condition: context.condition, last: true, ..Context::default() },
                ));
                self.emit(Op::SubshellEnd);
                self.place(end);
                if !context.condition && !outer.unchecked && !outer.inverted {
                    self.emit(Op::Command(command.span));
                    self.emit(Op::ErrCheck);
                }
            }
            CommandKind::If { clauses, otherwise } => {
                let done = self.label();
                for clause in &ast[clauses] {
                    let next = self.label();
                    self.then(Task::List(clause.cond, Context::condition()));
                    self.emit(Op::JumpFail(next));
                    self.then(Task::List(clause.body, context));
                    self.emit(Op::Jump(done));
                    self.place(next);
                }
                match otherwise {
                    Some(list) => self.then(Task::List(list, context)),
                    None => self.emit(Op::SetStatus(0)),
                }
                self.place(done);
            }
            CommandKind::While { cond, body } | CommandKind::Until { cond, body } => {
                let (top, done, brk) = (self.label(), self.label(), self.label());
                let until = matches!(command.kind, CommandKind::Until { .. });
                // The status is that of the last body, or 0: it is kept in the loop's frame.
                let begin = self.label();
                self.code.loops.push(code::While { break_to: brk, top, body: begin, done, until });
                self.emit(Op::EnterWhile((self.code.loops.len() - 1) as u32));
                self.place(top);
                self.then(Task::List(cond, Context { condition: true, ..Context::default() }));
                self.emit(if until { Op::JumpOk(done) } else { Op::JumpFail(done) });
                self.place(begin);
                let inner = Context { negated: false, ..context.inner() };
                self.then(Task::List(body, inner));
                self.emit(Op::LoopStatus { store: true });
                self.emit(Op::Jump(top));
                self.place(done);
                self.emit(Op::LoopStatus { store: false });
                self.emit(Op::LeaveLoop);
                self.place(brk);
            }
            CommandKind::For { name, words, body, line } => {
                self.emit(Op::Line(line));
                self.for_words(words);
                self.for_loop(command, name, words, body, false, context);
            }
            CommandKind::Select { name, words, body } => {
                let skipped = self.label();
                self.emit(Op::Line(command.line));
                self.emit(Op::Debug(command.span, skipped));
                self.for_words(words);
                self.for_loop(command, name, words, body, true, context);
                self.place(skipped);
            }
            CommandKind::ForArith { init, cond, step, body } => {
                let (top, next, done, brk) = (self.label(), self.label(), self.label(), self.label());
                self.emit(Op::Line(command.line));
                self.emit(Op::EnterLoop(brk, next));
                if !ast[init.parts].is_empty() {
                    let next = self.label();
                    self.emit(Op::Debug(init.span, next));
                    self.arith_for(init.parts, done);
                    self.place(next);
                }
                self.place(top);
                if !ast[cond.parts].is_empty()
                    && ast.literal(cond.parts).is_none_or(|t| !t.trim_ascii().is_empty())
                {
                    self.emit(Op::Debug(cond.span, done));
                    self.arith_jump_zero(cond.parts, done);
                }
                let inner = Context { negated: false, ..context.inner() };
                self.then(Task::List(body, inner));
                self.place(next);
                self.emit(Op::LoopNext(command.line));
                if !ast[step.parts].is_empty() {
                    let next = self.label();
                    self.emit(Op::Debug(step.span, next));
                    self.arith_for(step.parts, done);
                    self.place(next);
                }
                self.emit(Op::Jump(top));
                self.place(done);
                self.emit(Op::LoopStatus { store: false });
                self.emit(Op::LeaveLoop);
                self.place(brk);
            }
            CommandKind::Case { subject, arms } => self.case(command, subject, arms, context),
            CommandKind::Cond(cond) => {
                let skipped = self.label();
                self.emit(Op::Line(command.line));
                self.emit(Op::Debug(command.span, skipped));
                self.then(Task::Cond(cond));
                self.emit(Op::CondEnd);
                if !context.condition {
                    self.emit(Op::ErrCheck);
                }
                self.place(skipped);
            }
            CommandKind::Arith(word) => {
                let skipped = self.label();
                self.emit(Op::Line(command.line));
                self.emit(Op::Debug(command.span, skipped));
                self.arith_command(word.parts);
                if !context.condition {
                    self.emit(Op::ErrCheck);
                }
                self.place(skipped);
            }
            CommandKind::Function { name, body } => {
                let index = self.functions.len() as u32;
                self.functions.push((crate::text::Str::new(&ast[name]), body, command.line));
                self.emit(Op::DefineFunction(index));
            }
            CommandKind::Coproc { name, body } => {
                let end = self.label();
                let name = match name {
                    Some(name) => self.text_of(name),
                    None => self.text(b"COPROC"),
                };
                self.emit(Op::Coproc(name, end));
                self.then(Task::Command(body, Context { last: true, ..Context::default() }));
                self.emit(Op::SubshellEnd);
                self.place(end);
            }
        }
    }

    fn for_words(&mut self, words: Option<Seq<Word>>) {
        if let Some(words) = words {
            let ast = self.ast.clone();
            self.emit(Op::Mark);
            for word in &ast[words] {
                self.then(Task::Word(*word, WordEnd::Fields));
            }
        }
    }

    fn for_loop(
        &mut self,
        command: &Command,
        name: Str,
        words: Option<Seq<Word>>,
        body: List,
        select: bool,
        context: Context,
    ) {
        let ast = self.ast.clone();
        let positional = words.is_none();
        if !crate::vm::variables::is_name(&ast[name]) {
            let text = self.text_of(name);
            self.emit(Op::BadName(text));
        }
        let (top, done, brk) = (self.label(), self.label(), self.label());
        let symbol = self.symbol(name);
        self.emit(Op::ForInit { positional });
        self.emit(Op::EnterLoop(brk, top));
        self.place(top);
        if select {
            self.emit(Op::SelectNext(symbol, done));
        } else {
            self.emit(Op::ForNext(symbol, done));
            self.emit(Op::Line(command.line));
            self.emit(Op::Debug(command.span, top));
        }
        let inner = Context { negated: false, ..context.inner() };
        self.then(Task::List(body, inner));
        self.emit(Op::LoopStatus { store: true });
        self.emit(Op::Jump(top));
        self.place(done);
        self.emit(Op::LoopStatus { store: false });
        self.emit(Op::LeaveLoop);
        self.place(brk);
    }

    fn case(&mut self, command: &Command, subject: Word, arms: Seq<CaseArm>, context: Context) {
        let ast = self.ast.clone();
        let skipped = self.label();
        self.emit(Op::Line(command.line));
        self.emit(Op::Debug(command.span, skipped));
        self.emit(Op::TraceCase);
        self.then(Task::Word(subject, WordEnd::Operand));
        let done = self.label();
        let arms = &ast[arms];
        let bodies: Vec<_> = arms.iter().map(|_| self.label()).collect();
        let tests: Vec<_> = arms.iter().map(|_| self.label()).collect();
        let none = self.label();
        for (i, arm) in arms.iter().enumerate() {
            let (Some(&body), Some(&test)) = (bodies.get(i), tests.get(i)) else { continue };
            let next_test = tests.get(i + 1).copied().unwrap_or(none);
            self.place(test);
            for pattern in &ast[arm.patterns] {
                let plain =
                    ast.literal(pattern.parts).filter(|text| !crate::expand::pattern::has_magic(text));
                match plain {
                    Some(text) => {
                        let text = self.text(&text);
                        self.emit(Op::CaseLiteral(text, body));
                    }
                    None => {
                        self.then(Task::Word(*pattern, WordEnd::Pattern));
                        self.emit(Op::CaseMatch(body));
                    }
                }
            }
            self.emit(Op::Jump(next_test));
            self.place(body);
            if arm.body.items.is_empty() {
                self.emit(Op::SetStatus(0));
            }
            self.then(Task::List(arm.body, context.inner()));
            match arm.end {
                CaseEnd::Break => self.emit(Op::Jump(done)),
                CaseEnd::FallThrough => match bodies.get(i + 1) {
                    Some(&body) => self.emit(Op::Jump(body)),
                    None => self.emit(Op::Jump(done)),
                },
                // Later arms that do not match leave the status.
                CaseEnd::Continue => self.emit(Op::Jump(if i + 1 < arms.len() { next_test } else { done })),
            }
        }
        self.place(none);
        if !arms.iter().any(|arm| arm.end == CaseEnd::Continue) {
            self.emit(Op::SetStatus(0));
        }
        self.place(done);
        self.emit(Op::PopArg);
        self.place(skipped);
    }

    pub(super) fn cond(&mut self, id: Id<Cond>) {
        let ast = self.ast.clone();
        match ast[id] {
            Cond::Word(word) => {
                self.then(Task::Word(word, WordEnd::Operand));
                self.emit(Op::CondWord);
            }
            Cond::Unary(CondUnary(letter), word) => {
                self.then(Task::Word(word, WordEnd::Operand));
                self.emit(Op::CondUnary(letter));
            }
            Cond::Binary(op, left, right) => {
                self.then(Task::Word(left, WordEnd::Operand));
                let end = match op {
                    CondBinary::Match | CondBinary::MatchSingle | CondBinary::NotMatch => WordEnd::Pattern,
                    CondBinary::Regex => WordEnd::Regex,
                    _ => WordEnd::Operand,
                };
                self.then(Task::Word(right, end));
                self.emit(Op::CondBinary(op));
            }
            Cond::Not(inner) => {
                self.then(Task::Cond(inner));
                self.emit(Op::CondNot);
            }
            Cond::And(left, right) => {
                let end = self.label();
                self.then(Task::Cond(left));
                self.emit(Op::JumpFail(end));
                self.then(Task::Cond(right));
                self.place(end);
            }
            Cond::Or(left, right) => {
                let end = self.label();
                self.then(Task::Cond(left));
                self.emit(Op::JumpOk(end));
                self.then(Task::Cond(right));
                self.place(end);
            }
            Cond::Group(inner) => self.then(Task::Cond(inner)),
        }
    }

    fn simple(&mut self, command: &Command, simple: Simple, context: Context) {
        let ast = self.ast.clone();
        self.emit(Op::Line(command.line));
        let args = &ast[simple.args];
        // `declare -A` says what its arguments become.
        let assoc = args
            .iter()
            .any(|arg| match *arg {
                Argument::Word(word) => {
                    ast.literal(word.parts).is_some_and(|text| text.starts_with(b"-") && text.contains(&b'A'))
                }
                Argument::Assignment(_) => false,
            })
            .then_some(true);
        let substitutions =
            self.has_process_substitution(command.redirects) || self.simple_has_process_substitution(simple);
        if substitutions {
            self.emit(Op::ProcessMark);
        }
        let (end, skipped) = (self.label(), self.label());
        let redirected = !command.redirects.is_empty() || context.stderr;
        self.code.execs.push(code::Exec {
            span: command.span,
            in_condition: context.condition,
            last: context.last && !substitutions,
            negated: context.negated,
            inverted: context.inverted,
            alone: context.alone || redirected,
        });
        let exec = (self.code.execs.len() - 1) as u32;
        if args.is_empty() && !redirected && !substitutions {
            self.debug(command, skipped, context);
            self.emit(Op::AssignBegin);
            for assignment in &ast[simple.assignments] {
                self.assignment(assignment);
            }
            self.emit(Op::AssignEnd(exec));
            self.place(skipped);
            return;
        }
        self.debug(command, skipped, context);
        // Descriptors that variables name belong to a process of their own where there is no command.
        let own = (args.is_empty()
            && simple.assignments.is_empty()
            && ast[command.redirects].iter().any(|redirect| matches!(redirect.fd, RedirectFd::Variable(_))))
        .then(|| self.label());
        if let Some(own) = own {
            self.emit(Op::Subshell(own));
        }
        if redirected {
            self.emit(Op::RedirBegin(end));
        }
        self.emit(Op::Mark);
        for arg in args {
            match *arg {
                Argument::Word(word) => self.then(Task::Word(word, WordEnd::Fields)),
                Argument::Assignment(assignment) => self.declaration(&assignment, assoc),
            }
        }
        if args.is_empty() {
            // What the values expand has the descriptors as they were.
            self.emit(Op::AssignBegin);
            for assignment in &ast[simple.assignments] {
                self.assignment(assignment);
            }
        }
        let mut forks = false;
        if redirected {
            if !args.is_empty()
                && let Some(always) = self.redirects_may_touch(command.redirects)
            {
                forks = true;
                self.emit(Op::RedirFork { always, end });
            }
            self.redirects(command.redirects);
            self.pipe_stderr(context);
        }
        if args.is_empty() {
            self.emit(Op::ExecNothing(exec));
        } else {
            for assignment in &ast[simple.assignments] {
                if let AssignmentValue::Array(_) = assignment.value {
                    // A program is given the text of a compound value.
                    let name = ast[assignment.name].len() + 1 + usize::from(assignment.append);
                    let text = self.text(ast[assignment.span].get(name..).unwrap_or_default());
                    self.emit(Op::Push(text));
                    let index = self.assign_entry(assignment);
                    if let Some(entry) = self.code.assigns.get_mut(index as usize) {
                        entry.kind = AssignKind::Scalar;
                    }
                    self.emit(Op::TempAssign(index));
                    continue;
                }
                self.value(assignment, None);
                let index = self.assign_entry(assignment);
                self.emit(Op::TempAssign(index));
            }
            self.emit(Op::Exec(exec));
        }
        if forks {
            self.emit(Op::RedirForkEnd);
        }
        if redirected {
            self.redirects_end(end, false, context);
        }
        if let Some(own) = own {
            self.emit(Op::SubshellEnd);
            self.place(own);
            if !context.condition {
                self.emit(Op::ErrCheck);
            }
        }
        self.place(skipped);
        if substitutions {
            self.emit(Op::ProcessClose);
        }
    }

    /// The end of a command with redirections. What a failure leads to follows when they are undone: that of a
    /// redirection comes to `end`, and if `checked` the command itself has seen to its own already.
    fn redirects_end(&mut self, end: u32, checked: bool, context: Context) {
        self.emit(Op::RedirEnd);
        if context.condition || context.alone || context.inverted {
            self.place(end);
            return;
        }
        let after = self.label();
        if checked {
            self.emit(Op::Jump(after));
        }
        self.place(end);
        self.emit(Op::ErrCheck);
        self.place(after);
    }

    fn debug(&mut self, command: &Command, skipped: u32, context: Context) {
        if !context.debugged {
            self.emit(Op::Debug(command.span, skipped));
        }
    }

    fn assign_entry(&mut self, assignment: &Assignment) -> u32 {
        let kind = match (assignment.value, assignment.subscript) {
            (AssignmentValue::Array(_), _) => AssignKind::Array,
            (AssignmentValue::Scalar(_), Some(_)) => AssignKind::Element,
            (AssignmentValue::Scalar(_), None) => AssignKind::Scalar,
        };
        let name = self.symbol(assignment.name);
        self.code.assigns.push(code::Assign {
            name,
            kind,
            append: assignment.append,
            subscript_given: assignment.subscript.is_some(),
            span: assignment.span,
        });
        (self.code.assigns.len() - 1) as u32
    }

    /// Pushes what an assignment assigns.
    /// `assoc`: whether it is an associative array that is assigned, if that is known.
    fn value(&mut self, assignment: &Assignment, assoc: Option<bool>) {
        let ast = self.ast.clone();
        let name = self.symbol(assignment.name);
        match assignment.value {
            AssignmentValue::Scalar(word) => self.then(Task::Word(word, WordEnd::Single)),
            AssignmentValue::Array(elements) => {
                if assignment.subscript.is_some() {
                    let whole = &ast[assignment.span];
                    let left = whole.iter().position(|b| *b == b'=').unwrap_or(whole.len());
                    let message =
                        [whole.get(..left).unwrap_or_default(), b": cannot assign list to array member"]
                            .concat();
                    let text = self.text(&message);
                    self.emit(Op::Fail(text));
                }
                self.emit(Op::ArrayBegin);
                let differs = ast[elements].iter().any(|element| self.differs_for_assoc(element));
                match assoc {
                    Some(assoc) => self.elements(elements, assoc),
                    None if differs => {
                        let (other, end) = (self.label(), self.label());
                        self.emit(Op::AssocJump(name, other));
                        self.elements(elements, false);
                        self.emit(Op::Jump(end));
                        self.place(other);
                        self.elements(elements, true);
                        self.place(end);
                    }
                    None => self.elements(elements, false),
                }
            }
        }
        // The subscript is expanded and evaluated after the value.
        if let Some(subscript) = assignment.subscript {
            self.subscript(name, subscript);
        }
    }

    /// Whether an element means something else for an associative array, where keys and values have no brace
    /// expansion, no tilde prefixes and are not split.
    fn differs_for_assoc(&self, element: &ArrayElement) -> bool {
        let parts = &self.ast[element.value.parts];
        element.value.braces
            || parts.iter().any(|part| matches!(part, Part::Tilde(_)))
            || element.subscript.is_none() && self.ast.literal(element.value.parts).is_none()
    }

    fn elements(&mut self, elements: Seq<ArrayElement>, assoc: bool) {
        let ast = self.ast.clone();
        for element in &ast[elements] {
            match element.subscript {
                Some(subscript) => {
                    let braces = !assoc
                        && element.value.braces
                        && self.shared.brace_expand.get()
                        && wasmsh_syntax::brace::expand(&ast, element.value).is_some();
                    if braces {
                        // Brace expansion comes first, and what it makes are ordinary words.
                        self.emit(Op::Mark);
                        let close = if element.append { b"]+=".as_slice() } else { b"]=" };
                        self.braced_element(subscript, close, element.value);
                        self.emit(Op::ElementWords);
                        continue;
                    }
                    self.then(Task::Word(subscript, WordEnd::Operand));
                    if assoc {
                        self.plain_word(element.value);
                    } else {
                        self.then(Task::Word(element.value, WordEnd::Operand));
                    }
                    self.emit(Op::ElementKeyed { append: element.append });
                }
                None => {
                    self.emit(Op::Mark);
                    if assoc {
                        self.plain_word(element.value);
                    } else {
                        self.then(Task::Word(element.value, WordEnd::Fields));
                    }
                    self.emit(Op::ElementWords);
                }
            }
        }
    }

    fn assignment(&mut self, assignment: &Assignment) {
        let ast = self.ast.clone();
        if let (AssignmentValue::Scalar(word), None, false) =
            (assignment.value, assignment.subscript, assignment.append)
            && let [Part::Arith { text, .. }] = ast[word.parts]
            && let Some(code) = self.static_arith(text)
        {
            let guarded = code.is_guarded();
            let index = self.arith(code);
            let name = self.symbol(assignment.name);
            if !guarded {
                self.emit(Op::AssignNumber(name, index));
                return;
            }
            let (slow, end) = (self.label(), self.label());
            self.emit(Op::ArithGuard(index, slow));
            self.emit(Op::AssignNumber(name, index));
            self.emit(Op::Jump(end));
            self.place(slow);
            self.value(assignment, None);
            let index = self.assign_entry(assignment);
            self.emit(Op::Assign(index));
            self.place(end);
            return;
        }
        if let (AssignmentValue::Array(_), None) = (assignment.value, assignment.subscript) {
            let name = self.symbol(assignment.name);
            self.emit(Op::MakeArray(name));
        }
        self.value(assignment, None);
        let index = self.assign_entry(assignment);
        self.emit(Op::Assign(index));
    }

    fn declaration(&mut self, assignment: &Assignment, assoc: Option<bool>) {
        // Each word that braces make is an assignment of its own.
        if let (None, AssignmentValue::Scalar(word)) = (assignment.subscript, assignment.value)
            && self.shared.brace_expand.get()
            && let ast = self.ast.clone()
            && let Some(braces) =
                wasmsh_syntax::brace::expand(&ast, Word { braces: may_have_braces(&ast, word), ..word })
            && braces.len() <= 1024
        {
            let index = self.assign_entry(assignment);
            for pieces in braces.words(&ast) {
                self.brace_word(&pieces, WordEnd::Single);
                self.emit(Op::Declare(index));
            }
            return;
        }
        // The subscript stays text: the builtin knows what kind of variable it makes.
        if let Some(subscript) = assignment.subscript {
            self.then(Task::Word(subscript, WordEnd::Single));
        }
        self.value(&Assignment { subscript: None, ..*assignment }, assoc);
        let index = self.assign_entry(assignment);
        self.emit(Op::Declare(index));
    }

    /// `|&`: after the other redirections standard error goes where standard output goes.
    fn pipe_stderr(&mut self, context: Context) {
        if !context.stderr {
            return;
        }
        let text = self.text(b"1");
        self.emit(Op::Push(text));
        self.code.redirs.push(code::Redir {
            fd: code::RedirFd::Number(2),
            kind: RedirKind::DupOutput,
            line: 0,
            text,
        });
        let index = (self.code.redirs.len() - 1) as u32;
        self.emit(Op::Redir(index));
    }

    fn redirects(&mut self, redirects: Seq<Redirect>) {
        let ast = self.ast.clone();
        for redirect in &ast[redirects] {
            let (kind, word, end) = match redirect.kind {
                RedirectKind::Input(w) => (RedirKind::Input, w, WordEnd::Redirect),
                RedirectKind::Output(w) => (RedirKind::Output, w, WordEnd::Redirect),
                RedirectKind::Clobber(w) => (RedirKind::Clobber, w, WordEnd::Redirect),
                RedirectKind::Append(w) => (RedirKind::Append, w, WordEnd::Redirect),
                RedirectKind::ReadWrite(w) => (RedirKind::ReadWrite, w, WordEnd::Redirect),
                RedirectKind::DupInput(w) => (RedirKind::DupInput, w, WordEnd::Redirect),
                RedirectKind::DupOutput(w) => (RedirKind::DupOutput, w, WordEnd::Redirect),
                RedirectKind::OutputBoth(w) => (RedirKind::OutputBoth, w, WordEnd::Redirect),
                RedirectKind::AppendBoth(w) => (RedirKind::AppendBoth, w, WordEnd::Redirect),
                RedirectKind::HereDoc(id) => (RedirKind::Here, ast[id].body, WordEnd::Operand),
                RedirectKind::HereString(w) => (RedirKind::Here, w, WordEnd::Single),
            };
            self.then(Task::Word(word, end));
            if matches!(redirect.kind, RedirectKind::HereString(_)) {
                self.emit(Op::AppendNewline);
            }
            let fd = match redirect.fd {
                RedirectFd::Default => code::RedirFd::Default,
                RedirectFd::Number(number) => code::RedirFd::Number(number),
                RedirectFd::Variable(name) => code::RedirFd::Variable(self.text_of(name)),
            };
            let text = self.text(&ast[word.span]);
            self.code.redirs.push(code::Redir { fd, kind, line: redirect.line, text });
            let index = (self.code.redirs.len() - 1) as u32;
            self.emit(Op::Redir(index));
        }
    }

    /// Whether expansions in the words of redirections may change a variable or end the shell (`Some(true)`), or may
    /// do so under `set -u`. Told by the text: too often does no harm.
    fn redirects_may_touch(&self, redirects: Seq<Redirect>) -> Option<bool> {
        let ast = &self.ast;
        let mut touch = None;
        for redirect in &ast[redirects] {
            let word = match redirect.kind {
                RedirectKind::HereDoc(id) => Some(ast[id].body),
                kind => kind.word(),
            };
            let Some(word) = word else { continue };
            if ast[word.parts].iter().all(|part| matches!(part, Part::Literal(_))) {
                continue;
            }
            let text = &ast[word.span];
            let always = bstr::ByteSlice::contains_str(text, "$((")
                || bstr::ByteSlice::contains_str(text, "$[")
                || bstr::ByteSlice::contains_str(text, "${") && text.iter().any(|b| b"=?!".contains(b));
            touch = Some(always || touch == Some(true));
        }
        touch
    }

    fn has_process_substitution(&self, redirects: Seq<Redirect>) -> bool {
        self.ast[redirects].iter().any(|redirect| match redirect.kind {
            RedirectKind::HereString(_) => false,
            kind => kind.word().is_some_and(|word| self.word_has_process(word)),
        })
    }

    fn word_has_process(&self, word: Word) -> bool {
        self.ast[word.parts].iter().any(|part| matches!(part, Part::Process(..)))
    }

    fn simple_has_process_substitution(&self, simple: Simple) -> bool {
        self.ast[simple.args].iter().any(|arg| match *arg {
            Argument::Word(word) => self.word_has_process(word),
            Argument::Assignment(_) => false,
        })
    }

    pub(super) fn subscript(&mut self, name: Sym, word: Word) {
        let ast = self.ast.clone();
        if let [] | [Part::Literal(_)] = ast[word.parts]
            && let Some(text) = ast.literal(word.parts)
            && matches!(&*text, b"" | b"@" | b"*")
        {
            // No expression: the assignment says what is wrong.
            let text = self.text(&text);
            self.emit(Op::Push(text));
            return;
        }
        if let Some(text) = ast.literal(word.parts)
            && let Some(code) = self.static_arith(word.parts)
        {
            let text = self.text(&text);
            let index = self.arith(code);
            self.emit(Op::SubscriptStatic(name, text, index));
            return;
        }
        self.then(Task::Word(word, WordEnd::Single));
        self.emit(Op::Subscript(name));
    }
}

/// Whether there is an unquoted brace in a word.
fn may_have_braces(ast: &Ast, word: Word) -> bool {
    ast[word.parts].iter().any(|part| matches!(*part, Part::Literal(s) if ast[s].contains(&b'{')))
}
