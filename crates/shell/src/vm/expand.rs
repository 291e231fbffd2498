//! Text that is expanded when it is met: subscripts that builtins are given, prompts, word lists.
//!
//! Such a text is compiled like a word. Where it holds no command substitution it is executed at once. Where it
//! does, the machine may have to wait, so the instruction that needs the text gives way ([`Unwind::Expand`]):
//! the text is executed as a call, and then the instruction again, which finds what came of it.

use std::rc::Rc;

use wasmsh_syntax::ast::Ast;
use wasmsh_syntax::parser::{Whole, parse_text};

use crate::text::Str;
use crate::vm::code::{AssignKind, Code, Op, WordEnd};
use crate::vm::{CallKind, Ctl, Step, Unwind, Vm, compile};

/// Bits of [`Vm::attention`]: the shell ends with the present status.
pub(super) const STOP: u8 = 1;
/// The next instruction is one that gave way.
const RETRY: u8 = 1 << 1;
/// The present instruction is such a one.
const RETRYING: u8 = 1 << 2;
/// A text that is executed at once has come to its end.
const DONE: u8 = 1 << 3;

/// Marks the call of a text that an instruction waits for.
const WAITS: u8 = 1;

/// How deep texts may be expanded inside texts on the native stack.
const DEPTH: u32 = 32;

/// How a text is expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct How {
    pub(crate) kind: Whole,
    /// Field splitting follows.
    pub(crate) fields: bool,
}

impl How {
    pub(crate) const fn one(kind: Whole) -> How {
        How { kind, fields: false }
    }
}

/// A text that an instruction waits for, and what came of those before.
#[derive(Default)]
pub(crate) struct Expansions {
    wanted: Option<(Str, How, Rc<Code>)>,
    done: Vec<Done>,
    /// Texts that are being executed, with what had been done for the instruction that waits.
    stack: Vec<(Str, How, Vec<Done>)>,
    /// How many texts are being executed on the native stack.
    depth: u32,
}

type Done = (Str, How, Vec<Str>);

/// The compiled form of a text.
#[derive(Clone)]
pub(crate) struct Text {
    code: Rc<Code>,
    /// It runs commands.
    waits: bool,
}

impl Vm {
    /// One string: `text` after its expansions.
    pub(crate) fn expand_text(&mut self, text: &[u8], kind: Whole) -> Result<Str, Unwind> {
        let special: &[u8] = match kind {
            Whole::Word => b"$`'\"\\~",
            Whole::Subscript => b"$`'\"\\",
            Whole::DoubleQuotes => b"$`\\",
            Whole::Arith => b"$`\"\\",
        };
        if !text.iter().any(|b| special.contains(b)) {
            return Ok(Str::new(text));
        }
        if kind == Whole::Subscript && !wasmsh_syntax::quote::is_closed(text) {
            // An apostrophe alone is one.
            return Ok(Str::new(text));
        }
        let mut values = self.expand_fields(text, How::one(kind))?;
        Ok(values.pop().unwrap_or_default())
    }

    /// What `text` expands to.
    pub(crate) fn expand_fields(&mut self, text: &[u8], how: How) -> Result<Vec<Str>, Unwind> {
        let done = &self.expansions.done;
        if let Some((_, _, values)) =
            done.iter().find(|(other, other_how, _)| *other_how == how && &**other == text)
        {
            return Ok(values.clone());
        }
        let compiled = self.compile_text(text, how)?;
        if compiled.waits {
            self.expansions.wanted = Some((Str::new(text), how, compiled.code));
            return Err(Unwind::Expand);
        }
        if self.expansions.depth >= DEPTH {
            self.error(&[text, b": expression recursion level exceeded"].concat());
            return Err(Unwind::Discard(1));
        }
        self.expansions.depth += 1;
        let result = self.run_text(compiled.code);
        self.expansions.depth -= 1;
        result
    }

    fn compile_text(&mut self, text: &[u8], how: How) -> Result<Text, Unwind> {
        let key = (how, Str::new(text));
        if let Some(compiled) = self.shell.shared.texts.borrow().get(&key) {
            return Ok(compiled.clone());
        }
        let options = self.parser_options();
        let aliases = self.shell.aliases.clone();
        let (ast, word) = match parse_text(text, how.kind, self.line, options, &*aliases) {
            Ok(parsed) => parsed,
            Err(error) => {
                for (_, line) in error.messages() {
                    self.error(&line);
                }
                return Err(Unwind::Discard(1));
            }
        };
        let waits = ast.runs_commands();
        let quoted = matches!(how.kind, Whole::DoubleQuotes | Whole::Arith);
        let end = if how.fields { WordEnd::Fields } else { WordEnd::Single };
        let source = self.calls.last().map(|call| call.source.clone()).unwrap_or_default();
        let shared = self.shell.shared.clone();
        let code = compile::compile_text(&shared, Rc::<Ast>::new(ast), source, word, quoted, end);
        let compiled = Text { code, waits };
        let mut cache = shared.texts.borrow_mut();
        if cache.len() >= 256 {
            cache.clear();
        }
        if text.len() < 4096 && !options.aliases {
            cache.insert(key, compiled.clone());
        }
        Ok(compiled)
    }

    /// Executes the code of a text that never waits.
    fn run_text(&mut self, code: Rc<Code>) -> Result<Vec<Str>, Unwind> {
        let base = self.ctl.len();
        let (line, status) = (self.line, self.shell.status);
        let attention = std::mem::take(&mut self.attention);
        let done = std::mem::take(&mut self.expansions.done);
        self.push_expansion_call(code);
        let step = self.run();
        while self.ctl.len() > base + 1 {
            self.pop_ctl();
        }
        let values = self.end_expansion_call();
        self.line = line;
        self.shell.status = status;
        self.attention = attention;
        self.expansions.done = done;
        match step {
            Step::Unwind(unwind) => Err(unwind),
            _ => Ok(values),
        }
    }

    /// Whether a text is being executed at once, where nothing can wait and errors go to who asked.
    #[inline]
    pub(super) fn expands_at_once(&self) -> bool {
        self.expansions.depth > 0
    }

    fn push_expansion_call(&mut self, code: Rc<Code>) {
        let source = self.calls.last().map(|call| call.source.clone()).unwrap_or_default();
        self.push_code(code, CallKind::Expand, source);
        self.ctl.push(Ctl::Call);
    }

    /// Leaves the call of a text; what it has left on the stack.
    fn end_expansion_call(&mut self) -> Vec<Str> {
        let height = self.calls.last().map_or(0, |call| call.heights.args);
        let values = self.args.drain(height.min(self.args.len())..).collect();
        self.pop_ctl();
        values
    }

    /// An instruction has given way: begins to execute the text it waits for. False: it cannot be executed again.
    pub(super) fn begin_expansion(&mut self) -> bool {
        let Some((text, how, code)) = self.expansions.wanted.take() else { return false };
        let again = match self.code.ops.get(self.pc.wrapping_sub(1)) {
            Some(
                Op::ArithText(..)
                | Op::ArithDynamic(_)
                | Op::Number(_)
                | Op::NumberDynamic
                | Op::Subscript(_)
                | Op::SubscriptStatic(..)
                | Op::ArithCommand(_)
                | Op::ArithCommandDynamic
                | Op::ArithJumpZero(..)
                | Op::ArithJumpZeroDynamic(_)
                | Op::AssignNumber(..)
                | Op::PushVar(_)
                | Op::PushVarSplit(_)
                | Op::Var(..)
                | Op::Param(_)
                | Op::ParamDefault(..)
                | Op::ParamAlternative(..)
                | Op::CondUnary(_)
                | Op::CondBinary(_)
                | Op::Exec(_),
            ) => true,
            Some(Op::Assign(index)) => {
                self.code.assigns.get(*index as usize).is_some_and(|assign| assign.kind == AssignKind::Scalar)
            }
            _ => false,
        };
        if !again {
            return false;
        }
        self.pc -= 1;
        let done = std::mem::take(&mut self.expansions.done);
        self.expansions.stack.push((text, how, done));
        self.push_expansion_call(code);
        if let Some(call) = self.calls.last_mut() {
            Rc::make_mut(call).trap = WAITS;
        }
        self.attention &= !RETRYING;
        true
    }

    /// The text has been executed: the instruction comes again.
    pub(super) fn end_expansion(&mut self) {
        if self.calls.last().is_none_or(|call| call.trap != WAITS) {
            self.attention |= DONE;
            return;
        }
        let frame = self.expansions.stack.last().cloned();
        let values = self.end_expansion_call();
        if let Some((text, how, mut done)) = frame {
            done.push((text, how, values));
            self.expansions.done = done;
        }
        self.attention |= RETRY;
    }

    /// The call of a text is left, in whatever way.
    pub(super) fn expansion_left(&mut self, trap: u8) {
        if trap == WAITS {
            self.expansions.stack.pop();
        }
    }

    pub(super) fn has_expansions(&self) -> bool {
        !self.expansions.done.is_empty() || self.expansions.wanted.is_some()
    }

    /// If the instruction gave way its operand goes back to the stack.
    #[inline]
    pub(super) fn give_back<T>(&mut self, result: Result<T, Unwind>, operand: Str) -> Result<T, Unwind> {
        if matches!(result, Err(Unwind::Expand)) {
            self.args.push(operand);
        }
        result
    }

    /// What was kept for an instruction is void.
    #[cold]
    pub(super) fn forget_expansions(&mut self) {
        self.expansions.done.clear();
        self.expansions.wanted = None;
    }

    /// Something else than the next instruction is to be done.
    #[cold]
    pub(super) fn attend(&mut self) -> Option<Step> {
        if self.attention & STOP != 0 {
            self.attention = 0;
            return Some(Step::Exit(self.shell.status));
        }
        if self.attention & DONE != 0 {
            self.attention &= !DONE;
            return Some(Step::Done);
        }
        if self.attention & RETRY != 0 {
            self.attention = RETRYING;
        } else {
            self.attention &= !RETRYING;
            self.forget_expansions();
        }
        None
    }

    /// Whether the present instruction is executed once more after its texts.
    pub(crate) fn is_retried(&self) -> bool {
        self.attention & RETRYING != 0
    }
}
