//! Prints commands in bash's canonical layout, as `declare -f`, `type` and `BASH_COMMAND` show them.
//!
//! Words keep their source text, except that line continuations are dropped, `$'…'` is shown decoded and
//! command substitutions are laid out anew, as bash 5.2 does. Nothing recurses: what is still to be printed
//! waits on a stack.

use crate::ast::*;
use crate::quote;

/// A function definition as `declare -f` prints it, without a newline at the end.
pub fn function(ast: &Ast, name: &[u8], body: Id<Command>) -> Vec<u8> {
    let mut printer = Printer::new(ast);
    if is_reserved(name) {
        printer.out.extend_from_slice(b"function ");
    }
    printer.out.extend_from_slice(name);
    printer.out.extend_from_slice(b" () \n");
    printer.schedule(&[Task::Body(body)]);
    printer.run();
    printer.out
}

/// A list of commands on as few lines as bash uses outside functions.
pub fn list(ast: &Ast, list: List) -> Vec<u8> {
    let mut printer = Printer::new(ast);
    printer.schedule(&[Task::List(list), Task::Deferred]);
    printer.run();
    printer.out
}

/// A single command, as `jobs` and `BASH_COMMAND` show it.
pub fn command(ast: &Ast, command: Id<Command>) -> Vec<u8> {
    let mut printer = Printer::new(ast);
    printer.schedule(&[Task::Command(command, false), Task::Deferred]);
    printer.run();
    printer.out
}

/// What a trap sees of the command at `span` (`BASH_COMMAND`): of a loop or `case` only the head; of anything
/// else that stands there, such as an expression of `for ((…))`, `((` its text `))`.
pub fn trapped(ast: &Ast, span: Span) -> Vec<u8> {
    if span == Span::default() {
        return Vec::new();
    }
    let Some(id) = ast.command_at(span) else {
        let text = &ast[span];
        return [b"((", text.trim_ascii_start(), b"))"].concat();
    };
    let mut printer = Printer::new(ast);
    match ast[id].kind {
        CommandKind::For { name, words, .. } | CommandKind::Select { name, words, .. } => {
            let is_for = matches!(ast[id].kind, CommandKind::For { .. });
            printer.schedule(&[
                Task::Text(if is_for { "for " } else { "select " }),
                Task::Str(name),
                Task::Text(" in "),
                match words {
                    Some(words) => Task::Words(words, " "),
                    None => Task::Text("\"$@\""),
                },
            ]);
        }
        CommandKind::Case { subject, .. } => {
            printer.schedule(&[Task::Text("case "), Task::Word(subject), Task::Text(" in ")]);
        }
        _ => printer.schedule(&[Task::Command(id, false), Task::Deferred]),
    }
    printer.run();
    printer.out
}

/// An and-or list.
pub fn and_or(ast: &Ast, item: AndOr) -> Vec<u8> {
    let mut printer = Printer::new(ast);
    printer.schedule(&[Task::AndOr(item), Task::Deferred]);
    printer.run();
    printer.out
}

/// A pipeline.
pub fn pipeline(ast: &Ast, pipeline: Pipeline) -> Vec<u8> {
    let mut printer = Printer::new(ast);
    printer.schedule(&[Task::Pipeline(pipeline), Task::Deferred]);
    printer.run();
    printer.out
}

/// A word as it was written.
pub fn word(ast: &Ast, word: Word) -> Vec<u8> {
    let mut printer = Printer::new(ast);
    printer.schedule(&[Task::Word(word)]);
    printer.run();
    printer.out
}

/// Whether `word` is a reserved word of bash.
pub fn is_reserved(word: &[u8]) -> bool {
    matches!(
        word,
        b"if"
            | b"then"
            | b"else"
            | b"elif"
            | b"fi"
            | b"case"
            | b"esac"
            | b"for"
            | b"select"
            | b"while"
            | b"until"
            | b"do"
            | b"done"
            | b"in"
            | b"function"
            | b"time"
            | b"{"
            | b"}"
            | b"!"
            | b"[["
            | b"]]"
            | b"coproc"
    )
}

#[derive(Clone, Copy)]
enum Task {
    Text(&'static str),
    Str(Str),
    List(List),
    AndOr(AndOr),
    Pipeline(Pipeline),
    /// Also with `2>&1`: it is joined by `|&`.
    Command(Id<Command>, bool),
    /// The body of a function: `{`, its commands, `}`.
    Body(Id<Command>),
    Word(Word),
    Words(Seq<Word>, &'static str),
    Arms(Seq<CaseArm>),
    /// Of an `if` from this clause on.
    If(Seq<IfClause>, Option<List>),
    Assignment(Assignment),
    Redirects(Seq<Redirect>, bool),
    Cond(Id<Cond>),
    /// Source text, with nothing to lay out anew.
    Source(Span),
    /// The next item goes on in this line.
    SkipIndent,
    Indent(isize),
    IndentHere,
    /// The next `;` is written even if bodies of here-documents come before it.
    ForgetHereDocs,
    SingleQuoted(Str),
    Number(u32),
    /// The delimiter of a here-document whose body then waits.
    Delimiter(Id<HereDoc>),
    Inside(isize),
    NewLine(&'static str),
    Semicolon,
    /// Bodies of here-documents, if any wait.
    Deferred,
    /// An operator, then bodies of here-documents.
    Operator(&'static str),
    /// `;` or a new line between items. `newline`: it was written so.
    Separator {
        newline: bool,
    },
    /// `{` … `}` of a group: how it opens and closes depends on where it is.
    OpenGroup,
    CloseGroup,
    /// A substitution is laid out as if it stood alone.
    Enter(Substitution),
    Leave,
}

#[derive(Default)]
struct State {
    indentation: usize,
    inside_function: usize,
    skip_indent: bool,
    /// In a command substitution, where new lines stay.
    substitution: bool,
    was_here_doc: bool,
    deferred: Vec<Id<HereDoc>>,
}

struct Printer<'a> {
    ast: &'a Ast,
    out: Vec<u8>,
    tasks: Vec<Task>,
    state: State,
    saved: Vec<State>,
    /// The source text that is being copied stands in double quotes.
    in_double_quotes: bool,
}

impl<'a> Printer<'a> {
    fn new(ast: &'a Ast) -> Self {
        Printer {
            ast,
            out: Vec::new(),
            tasks: Vec::new(),
            state: State { skip_indent: true, ..State::default() },
            saved: Vec::new(),
            in_double_quotes: false,
        }
    }

    fn schedule(&mut self, tasks: &[Task]) {
        self.tasks.extend(tasks.iter().rev());
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn run(&mut self) {
        while let Some(task) = self.tasks.pop() {
            self.step(task);
        }
    }

    fn indent(&mut self) {
        self.out.resize(self.out.len() + self.state.indentation, b' ');
    }

    fn step(&mut self, task: Task) {
        match task {
            Task::Text(text) => self.text(text),
            Task::Str(s) => self.out.extend_from_slice(&self.ast[s]),
            Task::List(list) => {
                let mut tasks = Vec::with_capacity(2 * list.items.len());
                let items = &self.ast[list.items];
                for (i, item) in items.iter().enumerate() {
                    tasks.push(Task::AndOr(*item));
                    if i > 0 {
                        tasks.push(Task::Deferred);
                    }
                    let last = i + 1 == items.len();
                    if item.background {
                        tasks.push(Task::Operator(" &"));
                        if !last {
                            tasks.extend([Task::Text(" "), Task::SkipIndent]);
                        }
                    } else if !last {
                        tasks.push(Task::Separator { newline: item.newline });
                    }
                }
                self.schedule(&tasks);
            }
            Task::AndOr(item) => {
                if !std::mem::take(&mut self.state.skip_indent) {
                    self.indent();
                }
                let mut tasks = Vec::new();
                for part in &self.ast[item.pipelines] {
                    match part.op {
                        AndOrOp::First => {}
                        AndOrOp::And => tasks.push(Task::Operator(" && ")),
                        AndOrOp::Or => tasks.push(Task::Operator(" || ")),
                    }
                    tasks.push(Task::Pipeline(part.pipeline));
                    if part.op != AndOrOp::First {
                        tasks.push(Task::Deferred);
                    }
                }
                self.schedule(&tasks);
            }
            Task::Pipeline(pipeline) => {
                self.text(match pipeline.time {
                    Time::No => "",
                    Time::Yes => "time ",
                    Time::Posix => "time -p ",
                });
                if pipeline.negated {
                    self.text("! ");
                }
                let mut tasks = Vec::new();
                for (i, stage) in self.ast[pipeline.stages].iter().enumerate() {
                    if i > 0 {
                        tasks.extend([Task::Operator(" |"), Task::Text(" ")]);
                    }
                    tasks.push(Task::Command(stage.command, stage.stderr));
                    if i > 0 {
                        tasks.push(Task::Deferred);
                    }
                }
                self.schedule(&tasks);
            }
            Task::Command(id, stderr) => self.command(id, stderr),
            Task::Body(body) => self.body(body),
            Task::Word(word) => self.word(word.span, word.parts),
            Task::Words(words, separator) => {
                let mut tasks = Vec::new();
                for (i, word) in self.ast[words].iter().enumerate() {
                    if i > 0 {
                        tasks.push(Task::Text(separator));
                    }
                    tasks.push(Task::Word(*word));
                }
                self.schedule(&tasks);
            }
            Task::Arms(arms) => {
                let mut tasks = vec![Task::Indent(4)];
                for arm in &self.ast[arms] {
                    tasks.extend([
                        Task::NewLine(""),
                        Task::Words(arm.patterns, " | "),
                        Task::Text(")\n"),
                        Task::Indent(4),
                        Task::List(arm.body),
                        Task::Indent(-4),
                        Task::Deferred,
                        Task::NewLine(match arm.end {
                            CaseEnd::Break => ";;",
                            CaseEnd::FallThrough => ";&",
                            CaseEnd::Continue => ";;&",
                        }),
                    ]);
                }
                tasks.push(Task::Indent(-4));
                self.schedule(&tasks);
            }
            Task::If(clauses, otherwise) => self.if_clauses(clauses, otherwise),
            Task::Assignment(assignment) => self.assignment(assignment),
            Task::Redirects(redirects, stderr) => self.redirects(redirects, stderr),
            Task::Cond(id) => self.cond(id),
            Task::Source(span) => self.source(span),
            Task::SkipIndent => self.state.skip_indent = true,
            Task::Indent(by) => {
                self.state.indentation = self.state.indentation.saturating_add_signed(by);
            }
            Task::SingleQuoted(text) => {
                let quoted = quote::single(&self.ast[text]);
                self.out.extend_from_slice(&quoted);
            }
            Task::ForgetHereDocs => self.state.was_here_doc = false,
            Task::IndentHere => self.indent(),
            Task::Number(n) => self.text(&n.to_string()),
            Task::Delimiter(id) => {
                let here_doc = self.ast[id];
                let delimiter = &self.ast[here_doc.delimiter];
                if here_doc.quoted {
                    self.out.extend_from_slice(&quote::single(delimiter));
                } else {
                    self.out.extend_from_slice(delimiter);
                }
                self.state.deferred.push(id);
            }
            Task::Inside(by) => {
                self.state.inside_function = self.state.inside_function.saturating_add_signed(by);
            }
            Task::NewLine(text) => {
                self.out.push(b'\n');
                self.indent();
                self.text(text);
            }
            Task::Semicolon => {
                if !matches!(self.out.last(), Some(b'&' | b'\n')) {
                    self.out.push(b';');
                }
            }
            Task::Deferred => {
                if !self.state.deferred.is_empty() {
                    self.deferred();
                }
            }
            Task::Operator(text) => {
                self.text(text);
                if !self.state.deferred.is_empty() {
                    self.deferred();
                    self.out.push(b' ');
                }
            }
            Task::Separator { newline } => {
                let newline = newline && self.state.substitution;
                if !self.state.deferred.is_empty() {
                    if self.state.inside_function == 0 {
                        self.out.push(b';');
                    }
                    self.deferred();
                } else if self.state.was_here_doc {
                    self.state.was_here_doc = false;
                } else {
                    self.out.push(if newline { b'\n' } else { b';' });
                }
                if newline {
                    self.state.skip_indent = true;
                } else if self.state.inside_function > 0 {
                    self.out.push(b'\n');
                } else {
                    self.out.push(b' ');
                    self.state.skip_indent = true;
                }
            }
            Task::OpenGroup => {
                self.text("{ ");
                if self.state.inside_function > 0 {
                    self.out.push(b'\n');
                    self.state.indentation += 4;
                } else {
                    self.state.skip_indent = true;
                }
            }
            Task::CloseGroup => {
                if self.state.inside_function > 0 {
                    self.out.push(b'\n');
                    self.state.indentation = self.state.indentation.saturating_sub(4);
                    self.indent();
                } else {
                    self.step(Task::Semicolon);
                    self.out.push(b' ');
                }
                self.out.push(b'}');
            }
            Task::Enter(substitution) => {
                let mark = self.ast[substitution.span].first().copied().unwrap_or(b'$');
                self.out.extend_from_slice(&[mark, b'(']);
                // `$((` would begin an arithmetic expansion.
                if let Some(item) = self.ast[substitution.list.items].first()
                    && let Some(part) = self.ast[item.pipelines].first()
                    && let Some(stage) = self.ast[part.pipeline.stages].first()
                    && matches!(
                        self.ast[stage.command].kind,
                        CommandKind::Subshell(_) | CommandKind::Arith(_)
                    )
                    && !part.pipeline.negated
                    && part.pipeline.time == Time::No
                {
                    self.out.push(b' ');
                }
                let state = State { skip_indent: true, substitution: true, ..State::default() };
                self.saved.push(std::mem::replace(&mut self.state, state));
            }
            Task::Leave => {
                self.out.push(b')');
                if let Some(state) = self.saved.pop() {
                    self.state = state;
                }
            }
        }
    }

    fn command(&mut self, id: Id<Command>, stderr: bool) {
        let command = self.ast[id];
        let mut tasks = Vec::new();
        match command.kind {
            CommandKind::Simple(simple) => {
                let mut first = true;
                let mut space = |tasks: &mut Vec<Task>| {
                    if !std::mem::take(&mut first) {
                        tasks.push(Task::Text(" "));
                    }
                };
                for assignment in &self.ast[simple.assignments] {
                    space(&mut tasks);
                    tasks.push(Task::Assignment(*assignment));
                }
                for argument in &self.ast[simple.args] {
                    space(&mut tasks);
                    tasks.push(match argument {
                        Argument::Word(word) => Task::Word(*word),
                        Argument::Assignment(assignment) => Task::Assignment(*assignment),
                    });
                }
                if !command.redirects.is_empty() || stderr {
                    space(&mut tasks);
                    tasks.push(Task::Redirects(command.redirects, stderr));
                }
                self.schedule(&tasks);
                return;
            }
            CommandKind::Group(list) => {
                tasks.extend([Task::OpenGroup, Task::List(list), Task::Deferred, Task::CloseGroup]);
            }
            CommandKind::Subshell(list) => tasks.extend([
                Task::Text("( "),
                Task::SkipIndent,
                Task::List(list),
                Task::Deferred,
                Task::Text(" )"),
            ]),
            CommandKind::If { clauses, otherwise } => tasks.push(Task::If(clauses, otherwise)),
            CommandKind::While { cond, body } | CommandKind::Until { cond, body } => {
                let is_while = matches!(command.kind, CommandKind::While { .. });
                tasks.extend([
                    Task::Text(if is_while { "while " } else { "until " }),
                    Task::SkipIndent,
                    Task::List(cond),
                    Task::Deferred,
                    Task::Semicolon,
                    Task::Text(" do\n"),
                ]);
                tasks.extend(loop_body(body));
            }
            CommandKind::For { name, words, body, .. } | CommandKind::Select { name, words, body } => {
                let is_for = matches!(command.kind, CommandKind::For { .. });
                tasks.extend([
                    Task::Text(if is_for { "for " } else { "select " }),
                    Task::Str(name),
                    Task::Text(" in "),
                ]);
                tasks.push(match words {
                    Some(words) => Task::Words(words, " "),
                    None => Task::Text("\"$@\""),
                });
                tasks.extend([Task::Text(";"), Task::NewLine("do\n")]);
                tasks.extend(loop_body(body));
            }
            CommandKind::ForArith { init, cond, step, body } => {
                tasks.push(Task::Text("for (("));
                for (i, expression) in [init, cond, step].into_iter().enumerate() {
                    if i > 0 {
                        tasks.push(Task::Text("; "));
                    }
                    let text = &self.ast[expression.span];
                    let blanks = text.len() - text.trim_ascii_start().len();
                    let mut span = expression.span;
                    span.start += blanks as u32;
                    // Quotes in the expressions are not kept track of, so neither is `$'`.
                    tasks.push(if span.start == span.end {
                        Task::Text("1")
                    } else {
                        Task::Word(Word { span, ..expression })
                    });
                }
                tasks.extend([Task::Text("))"), Task::NewLine("do\n")]);
                tasks.extend(loop_body(body));
            }
            CommandKind::Case { subject, arms } => {
                tasks.extend([Task::Text("case "), Task::Word(subject), Task::Text(" in ")]);
                tasks.extend([Task::Arms(arms), Task::NewLine("esac")]);
            }
            CommandKind::Cond(id) => tasks.extend([Task::Text("[[ "), Task::Cond(id), Task::Text(" ]]")]),
            CommandKind::Arith(word) => {
                tasks.extend([Task::Text("(("), Task::Word(word), Task::Text("))")]);
            }
            CommandKind::Function { name, body } => {
                tasks.extend([Task::Text("function "), Task::Str(name), Task::Text(" () \n")]);
                tasks.push(Task::Body(body));
            }
            CommandKind::Coproc { name, body } => {
                tasks.push(Task::Text("coproc "));
                tasks.push(name.map_or(Task::Text("COPROC"), Task::Str));
                tasks.extend([Task::Text(" "), Task::Command(body, false)]);
            }
        }
        if !command.redirects.is_empty() || stderr {
            tasks.extend([Task::Text(" "), Task::Redirects(command.redirects, stderr)]);
        }
        self.schedule(&tasks);
    }

    fn body(&mut self, body: Id<Command>) {
        self.indent();
        self.text("{ \n");
        let command = self.ast[body];
        let mut tasks = vec![Task::Inside(1), Task::Indent(4)];
        let group = match command.kind {
            CommandKind::Group(list) => {
                tasks.push(Task::List(list));
                true
            }
            _ => {
                self.state.indentation += 4;
                self.indent();
                self.state.indentation -= 4;
                tasks.push(Task::Command(body, false));
                false
            }
        };
        self.state.skip_indent = false;
        tasks.extend([Task::Deferred, Task::ForgetHereDocs, Task::Indent(-4), Task::Inside(-1)]);
        if group && !command.redirects.is_empty() {
            tasks.extend([Task::NewLine("} "), Task::Redirects(command.redirects, false)]);
        } else {
            tasks.push(Task::NewLine("}"));
        }
        self.schedule(&tasks);
    }

    fn if_clauses(&mut self, clauses: Seq<IfClause>, otherwise: Option<List>) {
        let Some(clause) = self.ast[clauses].first() else { return };
        let rest = clauses.skip(1);
        let mut tasks = vec![
            Task::Text("if "),
            Task::SkipIndent,
            Task::List(clause.cond),
            Task::Deferred,
            Task::Semicolon,
            Task::Text(" then\n"),
            Task::Indent(4),
            Task::List(clause.body),
            Task::Deferred,
            Task::Indent(-4),
        ];
        if !rest.is_empty() || otherwise.is_some() {
            tasks.extend([Task::Semicolon, Task::NewLine("else\n"), Task::Indent(4)]);
            match otherwise {
                Some(list) if rest.is_empty() => tasks.push(Task::List(list)),
                // `elif` is an `if` in an `else` to bash.
                _ => tasks.extend([Task::IndentHere, Task::If(rest, otherwise)]),
            }
            tasks.extend([Task::Deferred, Task::Indent(-4)]);
        }
        tasks.extend([Task::Semicolon, Task::NewLine("fi")]);
        self.schedule(&tasks);
    }

    fn assignment(&mut self, a: Assignment) {
        match a.value {
            AssignmentValue::Scalar(word) => {
                // The left side may hold substitutions in its subscript.
                let left = Span { start: a.span.start, end: word.span.start };
                self.tasks.push(Task::Word(word));
                let parts = a.subscript.map_or(Seq::EMPTY, |s| s.parts);
                self.word(left, parts);
            }
            AssignmentValue::Array(elements) => {
                let text = &self.ast[a.span];
                let subscript = a.subscript.map_or(0, |s| (s.span.end - a.span.start) as usize);
                let open = text.iter().skip(subscript).position(|b| *b == b'(').unwrap_or(0) + subscript;
                let left = Span { start: a.span.start, end: a.span.start + open as u32 + 1 };
                let mut tasks = vec![Task::Source(left)];
                for (i, element) in self.ast[elements].iter().enumerate() {
                    if i > 0 {
                        tasks.push(Task::Text(" "));
                    }
                    if let Some(subscript) = element.subscript {
                        tasks.extend([
                            Task::Text("["),
                            Task::Word(subscript),
                            Task::Text(if element.append { "]+=" } else { "]=" }),
                        ]);
                    }
                    tasks.push(Task::Word(element.value));
                }
                tasks.push(Task::Text(")"));
                self.schedule(&tasks);
            }
        }
    }

    fn redirects(&mut self, redirects: Seq<Redirect>, stderr: bool) {
        self.state.was_here_doc = false;
        let mut tasks = Vec::new();
        for redirect in &self.ast[redirects] {
            if !tasks.is_empty() {
                tasks.push(Task::Text(" "));
            }
            self.redirect(redirect, &mut tasks);
        }
        if stderr {
            if !tasks.is_empty() {
                tasks.push(Task::Text(" "));
            }
            tasks.push(Task::Text("2>&1"));
        }
        self.schedule(&tasks);
    }

    fn redirect(&mut self, redirect: &Redirect, tasks: &mut Vec<Task>) {
        let fd = |default: u32, always: bool, tasks: &mut Vec<Task>| match redirect.fd {
            RedirectFd::Variable(name) => {
                tasks.extend([Task::Text("{"), Task::Str(name), Task::Text("}")]);
            }
            RedirectFd::Number(n) if always || n != default => tasks.push(Task::Number(n)),
            RedirectFd::Default if always => tasks.push(Task::Number(default)),
            _ => {}
        };
        let (operator, word) = match redirect.kind {
            RedirectKind::Input(word) => {
                fd(0, false, tasks);
                ("< ", word)
            }
            RedirectKind::Output(word) => {
                fd(1, false, tasks);
                ("> ", word)
            }
            RedirectKind::Clobber(word) => {
                fd(1, false, tasks);
                (">| ", word)
            }
            RedirectKind::Append(word) => {
                fd(1, false, tasks);
                (">> ", word)
            }
            RedirectKind::ReadWrite(word) => {
                match redirect.fd {
                    RedirectFd::Number(1) => {}
                    _ => fd(0, true, tasks),
                }
                ("<> ", word)
            }
            RedirectKind::OutputBoth(word) => ("&> ", word),
            RedirectKind::AppendBoth(word) => ("&>> ", word),
            RedirectKind::HereString(word) => {
                fd(0, false, tasks);
                ("<<< ", word)
            }
            RedirectKind::DupInput(word) | RedirectKind::DupOutput(word) => {
                let input = matches!(redirect.kind, RedirectKind::DupInput(_));
                let default = u32::from(!input);
                let literal = self.ast.bare(word.parts).unwrap_or_default();
                let digits = literal.strip_suffix(b"-").unwrap_or(literal);
                let is_number = !literal.is_empty() && digits.iter().all(u8::is_ascii_digit);
                fd(default, is_number, tasks);
                if literal == b"-" || !input { (">&", word) } else { ("<&", word) }
            }
            RedirectKind::HereDoc(id) => {
                fd(0, false, tasks);
                let here_doc = self.ast[id];
                tasks.push(Task::Text(if here_doc.strip_tabs { "<<-" } else { "<<" }));
                tasks.push(Task::Delimiter(id));
                return;
            }
        };
        tasks.extend([Task::Text(operator), Task::Word(word)]);
    }

    /// Prints the bodies of here-documents that wait.
    fn deferred(&mut self) {
        self.out.push(b'\n');
        for id in std::mem::take(&mut self.state.deferred) {
            let here_doc = self.ast[id];
            let mut body = &self.ast[here_doc.body.span];
            // Lines that a backslash continues have been joined as they were read.
            while !here_doc.quoted
                && let Some(at) = memchr::memchr(b'\\', body)
                && let (head, [_, next, rest @ ..]) = body.split_at(at)
            {
                self.out.extend_from_slice(head);
                if *next != b'\n' {
                    self.out.extend_from_slice(&[b'\\', *next]);
                }
                body = rest;
            }
            self.out.extend_from_slice(body);
            self.out.extend_from_slice(&self.ast[here_doc.delimiter]);
            self.out.push(b'\n');
        }
        self.state.was_here_doc = true;
    }

    fn cond(&mut self, id: Id<Cond>) {
        let tasks = match self.ast[id] {
            Cond::Word(word) => vec![Task::Text("-n "), Task::Word(word)],
            Cond::Unary(op, word) => {
                self.out.extend_from_slice(&[b'-', op.0, b' ']);
                vec![Task::Word(word)]
            }
            Cond::Binary(op, left, right) => vec![
                Task::Word(left),
                Task::Text(" "),
                Task::Text(op.as_str()),
                Task::Text(" "),
                Task::Word(right),
            ],
            Cond::Not(inner) => vec![Task::Text("! "), Task::Cond(inner)],
            Cond::And(left, right) => vec![Task::Cond(left), Task::Text(" && "), Task::Cond(right)],
            Cond::Or(left, right) => vec![Task::Cond(left), Task::Text(" || "), Task::Cond(right)],
            Cond::Group(inner) => vec![Task::Text("( "), Task::Cond(inner), Task::Text(" )")],
        };
        self.schedule(&tasks);
    }

    /// Source text with its substitutions laid out anew.
    fn word(&mut self, span: Span, parts: Seq<Part>) {
        self.in_double_quotes = false;
        let mut changes = Vec::new();
        collect(self.ast, parts, &mut changes);
        if changes.is_empty() {
            self.source(span);
            return;
        }
        changes.sort_by_key(|change| change.span().start);
        let mut tasks = Vec::new();
        let mut at = span.start;
        for change in changes {
            let place = change.span();
            if place.start < at || place.end > span.end {
                continue;
            }
            tasks.push(Task::Source(Span { start: at, end: place.start }));
            match change {
                Change::Substitution(substitution) => tasks.extend([
                    Task::Enter(substitution),
                    Task::List(substitution.list),
                    Task::Deferred,
                    Task::Leave,
                ]),
                Change::AnsiC(_, text) => tasks.push(Task::SingleQuoted(text)),
                Change::Localized(_) => {}
            }
            at = place.end;
        }
        tasks.push(Task::Source(Span { start: at, end: span.end }));
        self.schedule(&tasks);
    }

    /// Source text without line continuations.
    fn source(&mut self, span: Span) {
        let text = &self.ast[span];
        let mut at = 0;
        while let Some(&b) = text.get(at) {
            match b {
                b'\\' if text.get(at + 1) == Some(&b'\n') => at += 2,
                b'\\' => {
                    self.out.extend_from_slice(&text[at..text.len().min(at + 2)]);
                    at += 2;
                }
                b'"' => {
                    self.in_double_quotes = !self.in_double_quotes;
                    self.out.push(b);
                    at += 1;
                }
                b'\'' if !self.in_double_quotes => {
                    let end = text[at + 1..].iter().position(|b| *b == b'\'');
                    let end = end.map_or(text.len(), |i| at + i + 2);
                    self.out.extend_from_slice(&text[at..end]);
                    at = end;
                }
                b => {
                    self.out.push(b);
                    at += 1;
                }
            }
        }
    }
}

/// A piece of source text that bash prints in another way.
#[derive(Clone, Copy)]
enum Change {
    Substitution(Substitution),
    AnsiC(Span, Str),
    /// The `$` of `$"…"`.
    Localized(Span),
}

impl Change {
    fn span(&self) -> Span {
        match self {
            Change::Substitution(s) => s.span,
            Change::AnsiC(span, _) | Change::Localized(span) => *span,
        }
    }
}

fn loop_body(body: List) -> [Task; 6] {
    [
        Task::Indent(4),
        Task::List(body),
        Task::Deferred,
        Task::Indent(-4),
        Task::Semicolon,
        Task::NewLine("done"),
    ]
}

/// What is printed in another way in `parts`, not counting what stands inside substitutions.
fn collect(ast: &Ast, parts: Seq<Part>, out: &mut Vec<Change>) {
    let mut todo = vec![parts];
    while let Some(parts) = todo.pop() {
        for part in &ast[parts] {
            match *part {
                Part::DoubleQuoted(inner) | Part::Arith { text: inner, .. } => todo.push(inner),
                Part::Localized(inner) => {
                    let known = ast.localized.partition_point(|(start, _)| *start < inner.start() as u32);
                    if let Some((start, at)) = ast.localized.get(known)
                        && *start == inner.start() as u32
                    {
                        out.push(Change::Localized(Span { start: *at, end: at + 1 }));
                    }
                    todo.push(inner);
                }
                Part::AnsiC(text) => {
                    let known = ast.ansi_c.partition_point(|(start, _)| *start < text.start);
                    if let Some((start, span)) = ast.ansi_c.get(known)
                        && *start == text.start
                    {
                        out.push(Change::AnsiC(*span, text));
                    }
                }
                Part::Command(id) | Part::Process(_, id) => {
                    let substitution = ast[id];
                    if !substitution.backquote {
                        out.push(Change::Substitution(substitution));
                    }
                }
                Part::Param(id) => {
                    let param = ast[id];
                    if let Some(Subscript::Index(word)) = param.subscript {
                        todo.push(word.parts);
                    }
                    match param.op {
                        ParamOp::Default { word, .. }
                        | ParamOp::Assign { word, .. }
                        | ParamOp::Error { word, .. }
                        | ParamOp::Alternative { word, .. }
                        | ParamOp::RemovePrefix { pattern: word, .. }
                        | ParamOp::RemoveSuffix { pattern: word, .. }
                        | ParamOp::Case { pattern: word, .. } => todo.push(word.parts),
                        ParamOp::Replace { pattern, replacement, .. } => {
                            todo.push(pattern.parts);
                            todo.extend(replacement.map(|w| w.parts));
                        }
                        ParamOp::Substring { offset, length } => {
                            todo.push(offset.parts);
                            todo.extend(length.map(|w| w.parts));
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
}
