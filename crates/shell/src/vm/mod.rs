//! The machine of one shell process: its state, and how it is polled.

pub(crate) mod arith;
pub(crate) mod assign;
pub(crate) mod code;
pub(crate) mod command;
pub(crate) mod compile;
pub(crate) mod control;
pub(crate) mod expand;
mod fork;
mod memory;
pub(crate) mod param;
mod pipeline;
pub(crate) mod redirect;
pub(crate) mod run;
pub(crate) mod script;
mod slot;
pub(crate) mod special;
pub(crate) mod trace;
pub(crate) mod variables;
pub(crate) mod word;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use wasmsh_os::{Child, ChildState, Ctx, Description, Environment, Errno, Exit, Pid};
use wasmsh_syntax::ast::Span;

use crate::args::Args;
use crate::hash::Map;
use crate::jobs::Jobs;
use crate::options::{Opt, Options, Shopt};
use crate::shared::Shared;
use crate::symbol::Sym;
use crate::text::Str;
use crate::traps::Traps;
use crate::vars::{Table, Var};
use crate::vm::code::{Code, Function, Quoting};
use crate::vm::script::Script;
pub(crate) use crate::vm::slot::{Abort, RunSlot};
use crate::vm::word::{Builder, Ifs};

/// Why the present command is not carried to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwind {
    /// The complete command is given up; the next one of the same text follows.
    Discard(u8),
    /// The command has failed with this status; what comes after it follows.
    Fail(u8),
    /// The shell ends.
    Exit(u8),
    /// `break n`
    Break(u32),
    /// `continue n`
    Continue(u32),
    /// `return`
    Return(u8),
    /// A text has to be expanded first, which may wait; then the instruction comes again.
    Expand,
}

/// What a builtin has come to.
pub(crate) enum Outcome {
    Status(u8),
    Unwind(Unwind),
    /// It waits; what happens next is in the future.
    Wait(Pending),
    /// It has arranged that other code runs next (`eval`, `source`), which gives the status.
    Continue,
    /// Another program takes the place of the shell.
    Replaced,
}

impl From<u8> for Outcome {
    fn from(status: u8) -> Self {
        Outcome::Status(status)
    }
}

impl From<bool> for Outcome {
    fn from(fine: bool) -> Self {
        Outcome::Status(u8::from(!fine))
    }
}

impl From<Unwind> for Outcome {
    fn from(unwind: Unwind) -> Self {
        Outcome::Unwind(unwind)
    }
}

/// What is done when something that was waited for has come.
pub(crate) type After = Box<dyn FnOnce(&mut Vm) -> Outcome>;

/// What the machine waits for.
pub(crate) enum Pending {
    /// A child whose status is that of the command.
    Child(Pid),
    /// A job that is in the foreground now.
    Job(u32),
    /// The stages of the pipeline on top.
    Pipeline { negated: bool },
    /// The output of a command substitution, then its status.
    Substitute { from: Option<Rc<Description>>, pid: Pid, output: Vec<u8>, quoting: Quoting },
    /// Room for the output of a builtin, which then ends with this status.
    Output(u8),
    /// A FIFO whose other end is not open yet.
    Open(wasmsh_os::FifoOpen, redirect::Opened),
    /// Input or time for a builtin. A signal with a trap ends it if `interruptible`.
    Future { future: Pin<Box<dyn Future<Output = After>>>, interruptible: bool },
    /// Work for the shell of a session.
    Idle,
    /// An exec: the process becomes something else after this turn.
    Replaced,
}

/// The contents of the stacks at some point.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heights {
    args: usize,
    marks: usize,
    words: usize,
    elements: usize,
    numbers: usize,
    pipes: usize,
    process_marks: usize,
}

/// The condition of a loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Condition {
    /// Where it ends.
    end: u32,
    /// Where the loop goes on when it ends the loop.
    done: u32,
    until: bool,
}

/// A construct that is being executed.
pub(crate) enum Ctl {
    Loop {
        break_to: u32,
        continue_to: u32,
        status: u8,
        heights: Heights,
        /// The items of a `for` that are still to come, the next one last.
        items: Vec<Str>,
        /// Of `while` and `until`.
        condition: Option<Condition>,
        /// Of `select`: the menu has been shown.
        shown: bool,
    },
    Redirect {
        /// Descriptors as they were before.
        saved: Vec<(u32, Option<Rc<Description>>)>,
        fail_to: u32,
        heights: Heights,
    },
    /// The top of `calls`.
    Call,
    /// What a `!` turns around; whether `set -e` applied before.
    Inverted { no_errexit: bool },
    /// The last stage of a pipeline in this process (`lastpipe`).
    LastPipe { saved: Option<Rc<Description>>, end: u32 },
}

/// What kind of code a call runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// The script of the shell itself.
    Main,
    Function,
    Source,
    Eval,
    Trap,
    /// A text that an instruction needs (`vm::expand`).
    Expand,
}

/// What is done when a function has returned.
pub(crate) type AfterCall = Rc<dyn Fn(&mut Vm) -> u8>;

/// A call: of a function, of a sourced file, of `eval`, of a trap.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) kind: CallKind,
    /// The function's name.
    pub(crate) name: Sym,
    /// The file in which what is called stands.
    pub(crate) source: Str,
    /// The line it was called from.
    pub(crate) line: u32,
    /// Calls of functions up to here.
    pub(crate) depth: u32,
    code: Rc<Code>,
    pc: usize,
    heights: Heights,
    in_condition: bool,
    /// As it was before the call.
    no_errexit: bool,
    args: Option<Args>,
    pub(crate) options: Option<Options>,
    /// Variables that are local here, as they were before.
    pub(crate) saved: Vec<(Sym, Var)>,
    script: Option<(Rc<RefCell<Script>>, usize)>,
    /// Its commands come from `fc`: each is shown, and enters the history.
    edited: bool,
    /// Of a trap: what is put back after it.
    after_trap: Option<AfterTrap>,
    /// The trap that runs.
    pub(crate) trap: u8,
    /// Where `getopts` was in a word, if `OPTIND` is local here.
    pub(crate) getopts_at: Option<usize>,
    /// Traps that do not hold inside a function, while it runs.
    stashed: Vec<(u8, Str)>,
    /// What is done when the function has returned; it gives the status.
    pub(crate) after: Option<AfterCall>,
    /// What `BASH_ARGV` shows of it.
    pub(crate) pushed: Option<Args>,
    /// `$_` after it.
    last_arg: Option<Str>,
}

/// What happens when a trap's commands are done.
#[derive(Clone)]
struct AfterTrap {
    status: u8,
    pipe_status: PipeStatus,
    unwind: Option<Unwind>,
    line: u32,
    /// The command that was interrupted, and the code it stands in.
    command: (Rc<Code>, Span),
    /// Of a DEBUG trap under `extdebug`: where the command ends that it may leave out.
    skip: Option<u32>,
}

impl Call {
    /// The trap on `EXIT`, `DEBUG`, `ERR` or `RETURN` whose commands these are.
    fn unasked_trap(&self) -> Option<u8> {
        let unasked = self.trap == crate::traps::EXIT || self.trap >= crate::traps::DEBUG;
        (self.kind == CallKind::Trap && unasked).then_some(self.trap)
    }

    fn trapped_command(&self) -> Option<(Rc<Code>, Span)> {
        self.after_trap.as_ref().map(|after| after.command.clone())
    }

    /// Its file as `BASH_SOURCE` shows it.
    pub(crate) fn shown_source(&self) -> Str {
        if self.kind == CallKind::Function && self.source.is_empty() {
            return Str::from("environment");
        }
        self.source.clone()
    }

    /// Whether it is a frame of `FUNCNAME`, `BASH_SOURCE` and `caller`.
    pub(crate) fn is_frame(&self) -> bool {
        match self.kind {
            CallKind::Function | CallKind::Source => true,
            // That of a command string is none.
            CallKind::Main => !self.source.is_empty(),
            _ => false,
        }
    }
}

/// `PIPESTATUS`.
#[derive(Clone, Debug)]
pub(crate) enum PipeStatus {
    One(u8),
    Many(Rc<Vec<u8>>),
}

/// What of a shell a fork copies, and a session keeps.
#[derive(Clone)]
pub(crate) struct Shell {
    pub(crate) shared: Rc<Shared>,
    pub(crate) vars: Table,
    pub(crate) functions: Rc<Map<Sym, Rc<Function>>>,
    /// Functions with the export attribute.
    pub(crate) exported_functions: Rc<Vec<Sym>>,
    pub(crate) readonly_functions: Rc<Vec<Sym>>,
    pub(crate) aliases: Rc<BTreeMap<Vec<u8>, Vec<u8>>>,
    pub(crate) options: Options,
    pub(crate) name: Str,
    pub(crate) args: Args,
    pub(crate) status: u8,
    pub(crate) pipe_status: PipeStatus,
    pub(crate) last_arg: Str,
    /// The arguments that `BASH_ARGV` begins with, once somebody has looked at it.
    pub(crate) base_args: Option<Args>,
    pub(crate) last_background: Option<Pid>,
    pub(crate) pid: Pid,
    pub(crate) subshell: u32,
    /// How deep command substitutions nest, which `set -x` shows.
    pub(crate) subshell_trace: u32,
    pub(crate) traps: Rc<Traps>,
    /// There is a DEBUG trap.
    pub(crate) traps_debug: bool,
    pub(crate) jobs: Rc<Jobs>,
    pub(crate) dirs: Rc<Vec<Str>>,
    pub(crate) hashed: Rc<BTreeMap<Str, (Str, u32)>>,
    pub(crate) disabled: Rc<Vec<Sym>>,
    pub(crate) completions: Rc<BTreeMap<Str, Rc<Vec<Str>>>>,
    pub(crate) history: Rc<crate::history::History>,
    pub(crate) bindings: Rc<crate::builtins::bind::Bindings>,
    pub(crate) random: u32,
    pub(crate) seconds_base: i64,
    pub(crate) started: u64,
    pub(crate) ifs: Ifs,
    pub(crate) getopts_at: usize,
    pub(crate) environment: Option<Environment>,
    /// Run by `bash -c`.
    pub(crate) command_string: Option<Str>,
    /// Messages name a line.
    pub(crate) interactive: bool,
    /// Read from standard input.
    pub(crate) from_stdin: bool,
    /// Characters are bytes: the locale is `C`.
    pub(crate) bytes: bool,
}

/// One element of a compound assignment.
#[derive(Clone, Debug)]
pub(crate) enum Element {
    Value(Str),
    Keyed { key: Str, value: Str, append: bool },
}

/// An assignment among the arguments of a declaration builtin.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    /// Which argument it is.
    pub(crate) arg: usize,
    pub(crate) value: DeclarationValue,
}

#[derive(Clone, Debug)]
pub(crate) enum DeclarationValue {
    Scalar(Str),
    Array(Vec<Element>),
}

/// A pipeline under way.
pub(crate) struct Pipeline {
    pub(crate) pids: Vec<Pid>,
    pub(crate) statuses: Vec<Option<u8>>,
    pub(crate) next_input: Option<Rc<Description>>,
}

/// A shell process.
pub(crate) struct Vm {
    pub(crate) shell: Shell,
    pub(crate) ctx: Ctx,
    pub(crate) code: Rc<Code>,
    pub(crate) pc: usize,
    pub(crate) line: u32,
    pub(crate) args: Vec<Str>,
    pub(crate) marks: Vec<usize>,
    pub(crate) words: Vec<Builder>,
    pub(crate) numbers: Vec<i64>,
    elements: Vec<Vec<Element>>,
    declarations: Vec<Declaration>,
    pub(crate) ctl: Vec<Ctl>,
    pub(crate) calls: Vec<Rc<Call>>,
    /// Calls below this one belong to the parent.
    pub(crate) floor: usize,
    pending: Option<Pending>,
    /// The output of a builtin, by descriptor, in order.
    out: Vec<(u32, Vec<u8>)>,
    /// What temporary assignments have replaced.
    temporary: Vec<(Sym, Var)>,
    /// What the variables of the present run have replaced.
    run_variables: Vec<(Sym, Var)>,
    /// The directory before the present run, when that has one of its own.
    run_directory: Option<Rc<str>>,
    /// The names among them.
    current: Current,
    pipes: Vec<Pipeline>,
    process_marks: Vec<usize>,
    processes: Vec<u32>,
    /// A command substitution has run since `AssignBegin`, with this status.
    substituted: Option<u8>,
    /// `set -e` does not apply, since a caller looks at the status.
    pub(crate) no_errexit: bool,
    pub(crate) memory: memory::Memory,
    /// The process is that of one program with its redirections.
    redirects_alone: bool,
    pub(crate) command: Span,
    /// The code that `command` stands in, if it is not the present one.
    command_code: Option<Rc<Code>>,
    pub(crate) arith_prefix: Option<&'static [u8]>,
    exiting: bool,
    times: Vec<(u64, u64)>,
    spare: Vec<Builder>,
    /// Bytes that one expansion may grow to, and all large arguments of a command together.
    pub(crate) expansion_limit: usize,
    /// Bytes of the large arguments since the last command.
    large_args: usize,
    /// How many words of a sequence have been made.
    progress: u64,
    pub(crate) builtin: &'static str,
    /// The builtin is called by `command`.
    pub(crate) through_command: bool,
    /// The last argument of the command that runs: `$_` when it is over.
    coming_last: Option<Str>,
    loop_items: Vec<Str>,
    /// The target of a redirection is not one word.
    ambiguous: bool,
    /// The last arithmetic error is only the failure of `((…))`.
    arith_failed: bool,
    /// The last arithmetic command was wrong.
    arith_wrong: bool,
    /// What the interpreter loop has to see to after the present instruction (`vm::expand`).
    attention: u8,
    /// The value of an assignment that gave way.
    operand: Option<Str>,
    expansions: expand::Expansions,
    /// Of the shell of a session: where its work comes from.
    pub(crate) slot: Option<Rc<RunSlot>>,
}

/// The simple command that is being executed.
#[derive(Clone, Copy, Debug, Default)]
struct Current {
    in_condition: bool,
    last: bool,
    negated: bool,
    inverted: bool,
    alone: bool,
}

/// What the interpreter loop ended with.
enum Step {
    /// `pending` is set.
    Wait,
    /// The slice is used up.
    Yield,
    Exit(u8),
    /// A text that is executed at once has come to its end.
    Done,
    /// It has not: this is why.
    Unwind(Unwind),
}

impl Vm {
    pub(crate) fn new(shell: Shell, ctx: Ctx) -> Vm {
        let expansion_limit = usize::try_from(ctx.kernel().ceilings().expansion_bytes).unwrap_or(usize::MAX);
        Vm {
            memory: memory::Memory::new(shell.shared.clone(), ctx.kernel().ceilings().variable_bytes),
            expansion_limit,
            large_args: 0,
            progress: 0,
            shell,
            ctx,
            code: Rc::default(),
            pc: 0,
            line: 1,
            args: Vec::new(),
            marks: Vec::new(),
            words: Vec::new(),
            numbers: Vec::new(),
            elements: Vec::new(),
            declarations: Vec::new(),
            ctl: Vec::new(),
            calls: Vec::new(),
            floor: 0,
            pending: None,
            out: Vec::new(),
            temporary: Vec::new(),
            run_variables: Vec::new(),
            run_directory: None,
            current: Current::default(),
            pipes: Vec::new(),
            process_marks: Vec::new(),
            processes: Vec::new(),
            substituted: None,
            no_errexit: false,
            redirects_alone: false,
            command: Span::default(),
            command_code: None,
            arith_prefix: None,
            exiting: false,
            times: Vec::new(),
            spare: Vec::new(),
            builtin: "",
            through_command: false,
            coming_last: None,
            loop_items: Vec::new(),
            ambiguous: false,
            arith_failed: false,
            arith_wrong: false,
            attention: 0,
            operand: None,
            expansions: expand::Expansions::default(),
            slot: None,
        }
    }

    #[inline]
    pub(crate) fn opt(&self, option: Opt) -> bool {
        self.shell.options.opt(option)
    }

    #[inline]
    pub(crate) fn shopt(&self, option: Shopt) -> bool {
        self.shell.options.shopt(option)
    }

    /// Takes steps off the slice.
    pub(crate) fn fuel(&self, steps: u32) {
        if steps > 0 {
            self.ctx.kernel().consume(steps);
        }
    }

    pub(crate) fn name_of(&self, symbol: Sym) -> Str {
        self.shell.shared.names.name(symbol)
    }

    pub(crate) fn symbol(&self, name: &[u8]) -> Sym {
        self.shell.shared.names.intern(name)
    }

    fn heights(&self) -> Heights {
        Heights {
            args: self.args.len(),
            marks: self.marks.len(),
            words: self.words.len(),
            elements: self.elements.len(),
            numbers: self.numbers.len(),
            pipes: self.pipes.len(),
            process_marks: self.process_marks.len(),
        }
    }

    fn cut(&mut self, heights: Heights) {
        self.args.truncate(heights.args);
        self.marks.truncate(heights.marks);
        self.words.truncate(heights.words);
        self.elements.truncate(heights.elements);
        self.numbers.truncate(heights.numbers);
        self.pipes.truncate(heights.pipes);
        while self.process_marks.len() > heights.process_marks {
            self.close_processes();
        }
    }

    // Messages.

    /// The name and line that begin a message.
    pub(crate) fn message_prefix(&self) -> Vec<u8> {
        let mut prefix = self.shell_name();
        if !self.shell.interactive {
            prefix.extend_from_slice(format!(": line {}", self.line).as_bytes());
        }
        prefix.extend_from_slice(b": ");
        prefix
    }

    /// The name of the script that is executed, for messages.
    pub(crate) fn shell_name(&self) -> Vec<u8> {
        let frame =
            self.calls.iter().rev().find(|call| matches!(call.kind, CallKind::Source | CallKind::Function));
        match frame.map(|call| call.shown_source()) {
            Some(source) if !source.is_empty() && !self.shell.interactive => source.to_vec(),
            _ => self.shell.name.to_vec(),
        }
    }

    /// `bash: line 3: ` and the message, on standard error.
    pub(crate) fn error(&mut self, message: &[u8]) {
        let mut line = self.message_prefix();
        line.extend_from_slice(message);
        line.push(b'\n');
        self.put(2, &line);
    }

    /// An error of the builtin that runs.
    pub(crate) fn builtin_error(&mut self, message: impl AsRef<[u8]>) {
        let mut text = self.builtin.as_bytes().to_vec();
        text.extend_from_slice(b": ");
        text.extend_from_slice(message.as_ref());
        self.error(&text);
    }

    /// Output of a builtin or a message: written when the command ends.
    #[inline]
    pub(crate) fn put(&mut self, descriptor: u32, bytes: &[u8]) {
        match self.out.last_mut() {
            Some((last, buffer)) if *last == descriptor => buffer.extend_from_slice(bytes),
            _ => self.out.push((descriptor, bytes.to_vec())),
        }
    }

    /// Writes what is buffered. `Pending`: the process is woken when there is room.
    fn flush(&mut self) -> Poll<Result<(), Errno>> {
        let mut result = Ok(());
        while let Some((descriptor, mut bytes)) = (!self.out.is_empty()).then(|| self.out.remove(0)) {
            if bytes.is_empty() {
                continue;
            }
            let Ok(to) = self.ctx.description(descriptor) else {
                if descriptor != 2 {
                    result = Err(Errno::BadDescriptor);
                }
                continue;
            };
            let mut done = 0;
            match self.ctx.poll_write_to(&to, &bytes, &mut done) {
                Poll::Ready(Ok(())) => {
                    if self.out.is_empty() {
                        // The buffer is used again.
                        bytes.clear();
                        if bytes.capacity() <= 8192 {
                            self.out.push((descriptor, bytes));
                        }
                        break;
                    }
                }
                Poll::Ready(Err(error)) => result = Err(error),
                Poll::Pending => {
                    bytes.drain(..done.min(bytes.len()));
                    self.out.insert(0, (descriptor, bytes));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(result)
    }

    /// Writes what is buffered if it can be done at once; the rest stays.
    pub(crate) fn flush_now(&mut self) {
        let _ = self.flush();
    }

    fn has_output(&self) -> bool {
        self.out.iter().any(|(_, bytes)| !bytes.is_empty())
    }

    // Polling.

    fn poll_vm(&mut self, context: &mut Context<'_>) -> Poll<Exit> {
        loop {
            if self.ctx.is_killed() {
                return Poll::Pending;
            }
            if let Some(exit) = self.aborted() {
                self.pending = None;
                if self.run_over(exit) {
                    continue;
                }
                return Poll::Ready(exit);
            }
            if let Some(pending) = self.pending.take() {
                match self.poll_pending(pending, context) {
                    Ok(None) => {}
                    Ok(Some(pending)) => {
                        self.pending = Some(pending);
                        return Poll::Pending;
                    }
                    Err(unwind) => {
                        if let Some(status) = self.unwind(unwind) {
                            return self.end(status);
                        }
                    }
                }
                if self.pending.is_some() {
                    continue;
                }
            }
            match self.run() {
                Step::Wait => {}
                Step::Yield => return Poll::Pending,
                Step::Exit(status) => return self.end(status),
                // Only of a nested run.
                Step::Done | Step::Unwind(_) => {}
            }
        }
    }

    fn end(&mut self, status: u8) -> Poll<Exit> {
        if self.ctx.is_killed() {
            return Poll::Pending;
        }
        if self.has_output() && self.flush().is_pending() {
            self.exiting = true;
            self.pending = Some(Pending::Output(status));
            return Poll::Pending;
        }
        self.shell.status = status;
        if self.run_over(Exit::Code(status)) {
            self.ctx.wake();
            return Poll::Pending;
        }
        Poll::Ready(Exit::Code(status))
    }

    /// `None`: it has come, and the machine goes on.
    fn poll_pending(
        &mut self,
        pending: Pending,
        context: &mut Context<'_>,
    ) -> Result<Option<Pending>, Unwind> {
        match pending {
            Pending::Child(pid) => match self.ctx.poll_wait(Child::Process(pid), self.opt(Opt::Monitor)) {
                Poll::Pending => Ok(Some(Pending::Child(pid))),
                Poll::Ready(Ok((_, ChildState::Ended(exit)))) => {
                    self.tell_death(exit);
                    self.sweep_jobs();
                    self.finish_command(exit.status())?;
                    Ok(None)
                }
                Poll::Ready(Ok((_, ChildState::Stopped(signal)))) => {
                    self.finish_command(128 + signal.number())?;
                    Ok(None)
                }
                Poll::Ready(Ok((_, ChildState::Continued))) => Ok(Some(Pending::Child(pid))),
                Poll::Ready(Err(_)) => {
                    self.finish_command(127)?;
                    Ok(None)
                }
            },
            Pending::Job(id) => Ok(self.poll_job(id)?.then_some(Pending::Job(id))),
            Pending::Pipeline { negated } => {
                if self.poll_pipeline(negated)? {
                    Ok(None)
                } else {
                    Ok(Some(Pending::Pipeline { negated }))
                }
            }
            Pending::Substitute { from, pid, output, quoting } => {
                self.poll_substitute(from, pid, output, quoting)
            }
            Pending::Output(status) => match self.flush() {
                Poll::Pending => Ok(Some(Pending::Output(status))),
                Poll::Ready(result) => {
                    if self.exiting {
                        return Err(Unwind::Exit(status));
                    }
                    let status = self.write_status(status, result);
                    self.finish_command(status)?;
                    Ok(None)
                }
            },
            Pending::Open(opening, opened) => match opening.poll(&self.ctx) {
                Poll::Pending => Ok(Some(Pending::Open(opening, opened))),
                Poll::Ready(description) => {
                    self.redirect_opened(opened, description)?;
                    Ok(None)
                }
            },
            Pending::Future { mut future, interruptible } => {
                if interruptible
                    && self.ctx.has_signal()
                    && let Some(number) = self.trapped_signal()
                {
                    drop(future);
                    self.finish_command(128 + number)?;
                    return Ok(None);
                }
                match future.as_mut().poll(context) {
                    Poll::Pending => Ok(Some(Pending::Future { future, interruptible })),
                    Poll::Ready(after) => {
                        let outcome = after(self);
                        self.outcome(outcome)?;
                        Ok(None)
                    }
                }
            }
            Pending::Idle => Ok(if self.take_work() { None } else { Some(Pending::Idle) }),
            Pending::Replaced => Ok(Some(Pending::Replaced)),
        }
    }
}

/// A shell process as the kernel has it.
pub(crate) struct VmProcess(pub(crate) Box<Vm>);

impl Future for VmProcess {
    type Output = Exit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Exit> {
        wasmsh_syntax::locale::set_bytes(self.0.shell.bytes);
        let poll = self.0.poll_vm(context);
        wasmsh_syntax::locale::set_bytes(false);
        poll
    }
}
