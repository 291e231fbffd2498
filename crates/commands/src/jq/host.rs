//! What natives may know of the world, and how an evaluation can end.

use std::collections::HashMap;
use std::rc::Rc;

use wasmsh_os::Ctx;

use super::regex::Pattern;
use super::value::Value;

/// A function in Rust: the input, and the arguments.
pub(crate) type Native = fn(&mut Host, Value, &[Value]) -> Result<Value, Fault>;

/// What stops an evaluation, or a part of it.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// What `try` catches.
    Error(Value),
    /// `break` to the label with this number.
    Break(u64),
    /// `halt`: a status, and what goes to standard error.
    Halt(u8, Vec<u8>),
    /// Nothing catches this.
    Fatal(String),
}

impl Fault {
    pub(crate) fn error(message: impl Into<String>) -> Fault {
        Fault::Error(Value::string(message))
    }
}

/// The surroundings of an evaluation.
pub(crate) struct Host {
    pub(crate) ctx: Ctx,
    /// The file that the present input comes from.
    pub(crate) filename: Option<String>,
    pub(crate) line: u64,
    /// Values parsed so far came from a text with so many bytes at most in one value.
    ceiling: usize,
    messages: Vec<u8>,
    patterns: HashMap<(Rc<String>, String), Rc<Pattern>>,
    pub(crate) search: Vec<String>,
}

impl Host {
    pub(crate) fn new(ctx: Ctx, search: Vec<String>) -> Host {
        let ceiling = usize::try_from(ctx.kernel().ceilings().expansion_bytes).unwrap_or(usize::MAX);
        Host { ctx, filename: None, line: 0, ceiling, messages: Vec::new(), patterns: HashMap::new(), search }
    }

    /// Bytes that one value may take.
    pub(crate) fn ceiling(&self) -> usize {
        self.ceiling
    }

    pub(crate) fn check_size(&self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.ceiling { Err(Fault::Fatal("cannot allocate memory".into())) } else { Ok(()) }
    }

    /// Something for standard error.
    pub(crate) fn say(&mut self, text: &[u8]) {
        self.messages.extend_from_slice(text);
    }

    pub(crate) fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    pub(crate) fn take_messages(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.messages)
    }

    /// A compiled pattern; programs use the same few again and again.
    pub(crate) fn pattern(&mut self, text: &Rc<String>, flags: &str) -> Result<Rc<Pattern>, Fault> {
        let key = (Rc::clone(text), flags.to_owned());
        if let Some(pattern) = self.patterns.get(&key) {
            return Ok(Rc::clone(pattern));
        }
        let pattern = Rc::new(Pattern::new(text, flags).map_err(Fault::error)?);
        if self.patterns.len() >= 256 {
            self.patterns.clear();
        }
        self.patterns.insert(key, Rc::clone(&pattern));
        Ok(pattern)
    }
}
