//! What all shell processes of a session share: names, caches of compiled text, the builtins.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::builtins::{self, Builtin};
use crate::hash::Map;
use crate::symbol::{Interner, Sym};
use crate::text::Str;
use crate::vm::arith::ArithCode;
use crate::vm::compile::Spare;
use crate::vm::expand::{How, Text};
use crate::vm::script::Script;

/// Shared by reference; holds nothing that a fork would have to copy.
#[derive(Default)]
pub(crate) struct Shared {
    /// Names of variables, functions and commands.
    pub names: Interner,
    /// Whether words that are compiled now have brace expansion.
    pub brace_expand: Cell<bool>,
    pub(crate) arith_cache: RefCell<Map<Str, Rc<ArithCode>>>,
    pub(crate) patterns: RefCell<Map<(u8, Str), Rc<wasmsh_syntax::pattern::Pattern>>>,
    pub(crate) regexes: RefCell<Map<(u8, Str), Rc<wasmsh_regex::Regex>>>,
    pub(crate) scripts: RefCell<Map<Str, Rc<RefCell<Script>>>>,
    /// Texts that were expanded when they were met.
    pub(crate) texts: RefCell<Map<(How, Str), Text>>,
    /// Memory for the next code that is compiled.
    pub(crate) spare: RefCell<Spare>,
    /// Bytes that the variables of all processes take, as they were last measured.
    pub(crate) variable_bytes: Cell<u64>,
    builtins: RefCell<Vec<Option<&'static Builtin>>>,
    /// Names of commands that somebody outside answers.
    pub(crate) foreign: RefCell<Vec<String>>,
}

impl Shared {
    /// The tables of a new session.
    pub(crate) fn new() -> Rc<Shared> {
        let shared = Shared::default();
        for builtin in builtins::ALL {
            let symbol = shared.names.intern(builtin.name.as_bytes());
            let mut table = shared.builtins.borrow_mut();
            if table.len() <= symbol.index() {
                table.resize(symbol.index() + 1, None);
            }
            if let Some(place) = table.get_mut(symbol.index()) {
                *place = Some(builtin);
            }
        }
        Rc::new(shared)
    }

    /// The builtin of this name.
    #[inline]
    pub(crate) fn builtin(&self, name: Sym) -> Option<&'static Builtin> {
        self.builtins.borrow().get(name.index()).copied().flatten()
    }
}
