//! Arithmetic: expressions of `wasmsh_syntax::arith` with their names resolved to symbols, and the evaluator.

use std::rc::Rc;

use wasmsh_syntax::arith::{ArithError, ArithErrorKind, Expression, Op};
use wasmsh_syntax::parser::Whole;

use crate::options::Shopt;
use crate::shared::Shared;
use crate::symbol::Sym;
use crate::text::Str;
use crate::vars::{Attrs, Value};
use crate::vm::{Unwind, Vm};

/// Nested values of variables that are expressions themselves (bash's limit).
const DEPTH: usize = 1024;

/// An expression, or what is wrong with it.
#[derive(Debug)]
pub(crate) struct ArithCode {
    expression: Result<Expression, ArithError>,
    symbols: Vec<Sym>,
    guards: Guards,
}

/// What has to hold for code to be right in which names stand for `$name`.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    /// These variables are plain numbers.
    pub(crate) numbers: Vec<Sym>,
    /// These are no associative arrays, since the text of a subscript would be the key.
    pub(crate) indexed: Vec<Sym>,
}

impl ArithCode {
    /// The expression as text.
    pub(crate) fn text(&self) -> &[u8] {
        match &self.expression {
            Ok(expression) => expression.text(),
            Err(error) => &error.expression,
        }
    }

    /// Whether it is no expression.
    pub(crate) fn is_wrong(&self) -> bool {
        self.expression.is_err()
    }

    /// Whether the code is right only while some variables are plain numbers.
    pub(crate) fn is_guarded(&self) -> bool {
        !self.guards.numbers.is_empty()
    }
}

/// Compiles `text`, in which the numbers of `guards` stood as `$name`.
pub(crate) fn compile_guarded(shared: &Shared, text: &[u8], guards: Guards) -> Rc<ArithCode> {
    let expression = Expression::parse(text);
    let symbols = match &expression {
        Ok(expression) => expression.names().iter().map(|name| shared.names.intern(name)).collect(),
        Err(_) => Vec::new(),
    };
    Rc::new(ArithCode { expression, symbols, guards })
}

impl Shared {
    /// The compiled form of `text`, from the cache if it was compiled before.
    pub(crate) fn arith(&self, text: &[u8]) -> Rc<ArithCode> {
        if let Some(code) = self.arith_cache.borrow().get(text) {
            return code.clone();
        }
        let code = compile_guarded(self, text, Guards::default());
        let mut cache = self.arith_cache.borrow_mut();
        if cache.len() >= 512 {
            cache.clear();
        }
        if text.len() < 4096 {
            cache.insert(Str::new(text), code.clone());
        }
        code
    }
}

/// The key of `a[]`, `a[@]` and `a[*]`, which no index looks like.
const NO_ELEMENT: &str = "@";

/// What an evaluation ends with that has no value.
enum Stop {
    Error(ArithError),
    Unwind(Unwind),
}

impl From<Unwind> for Stop {
    fn from(unwind: Unwind) -> Stop {
        Stop::Unwind(unwind)
    }
}

impl Vm {
    /// Whether the guards of `code` hold.
    #[inline]
    pub(crate) fn arith_guard(&self, code: &ArithCode) -> bool {
        code.guards.numbers.iter().all(|symbol| {
            let var = self.shell.vars.get(*symbol);
            !var.attrs.intersects(Attrs::SPECIAL | Attrs::NAMEREF) && var.value.int().is_some()
        }) && code.guards.indexed.iter().all(|symbol| {
            let var = self.shell.vars.get(*symbol);
            !var.attrs.contains(Attrs::NAMEREF) && !var.value.is_assoc()
        })
    }

    /// Evaluates; an error has been reported when this returns `Err`.
    pub(crate) fn arith(&mut self, code: &Rc<ArithCode>) -> Result<i64, Unwind> {
        match self.arith_quiet(code) {
            Ok(value) => Ok(value),
            Err(Stop::Unwind(unwind)) => Err(unwind),
            Err(Stop::Error(error)) => {
                let mut message = Vec::new();
                if let Some(prefix) = self.arith_prefix {
                    message.extend_from_slice(prefix);
                    message.extend_from_slice(b": ");
                }
                message.extend_from_slice(&error.message());
                self.error(&message);
                self.arith_failed = true;
                Err(Unwind::Discard(1))
            }
        }
    }

    /// Evaluates text.
    pub(crate) fn arith_text(&mut self, text: &[u8]) -> Result<i64, Unwind> {
        if let Some(value) = crate::text::plain_int(text) {
            return Ok(value);
        }
        let code = self.shell.shared.arith(text);
        self.arith(&code)
    }

    fn arith_quiet(&mut self, code: &Rc<ArithCode>) -> Result<i64, Stop> {
        let mut values = std::mem::take(&mut self.numbers);
        let base = values.len();
        let result = self.arith_run(code, &mut values);
        values.truncate(base);
        self.numbers = values;
        result
    }

    fn arith_run(&mut self, code: &Rc<ArithCode>, values: &mut Vec<i64>) -> Result<i64, Stop> {
        // The callers of the present expression: the value of a variable is an expression too.
        let mut callers: Vec<(Rc<ArithCode>, usize)> = Vec::new();
        let mut keys: Vec<Str> = Vec::new();
        let mut current: Rc<ArithCode> = code.clone();
        let mut pc = 0usize;
        let mut steps = 0u32;
        macro_rules! pop {
            () => {
                values.pop().unwrap_or_default()
            };
        }
        loop {
            let expression = match &current.expression {
                Ok(expression) => expression,
                Err(error) => return Err(Stop::Error(error.clone())),
            };
            let symbol = |name: wasmsh_syntax::arith::NameId| {
                current.symbols.get(name.0 as usize).copied().unwrap_or(crate::symbol::known::UNDERSCORE)
            };
            let Some(op) = expression.code().get(pc) else {
                match callers.pop() {
                    Some((caller, at)) => {
                        current = caller;
                        pc = at;
                        continue;
                    }
                    None => {
                        self.fuel(steps / 8);
                        return Ok(pop!());
                    }
                }
            };
            pc += 1;
            steps += 1;
            // The text of a variable whose value is an expression, to be evaluated next.
            let mut nested: Option<Str> = None;
            match *op {
                Op::Const(value) => values.push(value),
                Op::Load(name) => {
                    let symbol = symbol(name);
                    let var = self.shell.vars.get(symbol);
                    if let (Some(value), false) =
                        (var.value.int(), var.attrs.intersects(Attrs::SPECIAL | Attrs::NAMEREF))
                    {
                        values.push(value);
                    } else {
                        match self.scalar(symbol)? {
                            Some(text) => match crate::text::plain_int(&text) {
                                Some(value) => values.push(value),
                                None => nested = Some(text),
                            },
                            None => {
                                self.check_unset(symbol)?;
                                values.push(0);
                            }
                        }
                    }
                }
                Op::Store(name) => {
                    let value = values.last().copied().unwrap_or_default();
                    self.assign(symbol(name), Value::Int(value))?;
                }
                Op::Key { name, start, end, skip } => {
                    let symbol = symbol(name);
                    let target = self.resolve(symbol)?.0;
                    let text = expression.text().get(start as usize..end as usize).unwrap_or_default();
                    if self.shell.vars.get(target).value.is_assoc() {
                        let text = text.to_vec();
                        let key = self.arith_key(&text)?;
                        keys.push(key);
                        pc = skip as usize;
                    } else if matches!(text.trim_ascii(), b"" | b"@" | b"*") {
                        // No element: this is said, and it counts as 0.
                        let message =
                            [&*self.name_of(target), b"[", text, b"]: bad array subscript"].concat();
                        self.error(&message);
                        keys.push(Str::from(NO_ELEMENT));
                        pc = skip as usize;
                    } else if expression.has_expansions() && text.iter().any(|b| matches!(b, b'$' | b'`')) {
                        // The value of a variable has brought expansions along; what comes of them is the index.
                        nested = Some(self.expand_text(text, Whole::Arith)?);
                        pc = (skip as usize).saturating_sub(1);
                    }
                }
                Op::Index => keys.push(Str::from_int(pop!())),
                Op::LoadElement(name) | Op::PeekElement(name) => {
                    let symbol = symbol(name);
                    let key = if matches!(op, Op::LoadElement(_)) {
                        keys.pop().unwrap_or_default()
                    } else {
                        keys.last().cloned().unwrap_or_default()
                    };
                    if self.is_no_element(symbol, &key)? {
                        values.push(0);
                        continue;
                    }
                    match self.element(symbol, &key)? {
                        Some(text) => match crate::text::plain_int(&text) {
                            Some(value) => values.push(value),
                            None => nested = Some(text),
                        },
                        None => {
                            self.check_unset(symbol)?;
                            values.push(0);
                        }
                    }
                }
                Op::StoreElement(name) => {
                    let key = keys.pop().unwrap_or_default();
                    let value = values.last().copied().unwrap_or_default();
                    let symbol = symbol(name);
                    if self.is_no_element(symbol, &key)? {
                        continue;
                    }
                    match self.assign_element(symbol, key, Str::from_int(value), false) {
                        // A subscript out of range is only told of.
                        Err(Unwind::Discard(_))
                            if !self.shell.vars.get(symbol).attrs.contains(Attrs::READONLY) => {}
                        other => other?,
                    }
                }
                Op::Unary(op) => {
                    let value = pop!();
                    values.push(op.apply(value));
                }
                Op::Binary(op, at) => {
                    let right = pop!();
                    let left = pop!();
                    match op.apply(left, right) {
                        Ok(value) => values.push(value),
                        Err(kind) => {
                            let text = expression.text();
                            return Err(Stop::Error(ArithError {
                                kind,
                                expression: text.to_vec(),
                                token: text.get(at as usize..).unwrap_or_default().to_vec(),
                            }));
                        }
                    }
                }
                Op::And(target) => {
                    if pop!() == 0 {
                        values.push(0);
                        pc = target as usize;
                    }
                }
                Op::Or(target) => {
                    if pop!() != 0 {
                        values.push(1);
                        pc = target as usize;
                    }
                }
                Op::Bool => {
                    let value = pop!();
                    values.push(i64::from(value != 0));
                }
                Op::Branch(target) => {
                    if pop!() == 0 {
                        pc = target as usize;
                    }
                }
                Op::Jump(target) => pc = target as usize,
                Op::Pop => {
                    pop!();
                }
                Op::Dup => {
                    let value = values.last().copied().unwrap_or_default();
                    values.push(value);
                }
                Op::Fail(number) => {
                    // The subscript is no expression.
                    let error = expression.error(number);
                    let error = error.cloned().unwrap_or(ArithError {
                        kind: ArithErrorKind::BadSubscript,
                        expression: expression.text().to_vec(),
                        token: Vec::new(),
                    });
                    self.error(&error.message());
                    return Err(Stop::Unwind(self.too_many_arguments()));
                }
            }
            if let Some(text) = nested {
                if callers.len() >= DEPTH {
                    return Err(Stop::Error(ArithError {
                        kind: ArithErrorKind::RecursionLimit,
                        expression: text.to_vec(),
                        token: text.to_vec(),
                    }));
                }
                let inner = self.shell.shared.arith(&text);
                callers.push((std::mem::replace(&mut current, inner), pc));
                pc = 0;
            }
        }
    }

    /// Whether a key stands for the subscript of an indexed array that names no element.
    fn is_no_element(&mut self, symbol: Sym, key: &[u8]) -> Result<bool, Unwind> {
        if key != NO_ELEMENT.as_bytes() {
            return Ok(false);
        }
        let target = self.resolve(symbol)?.0;
        Ok(!self.shell.vars.get(target).value.is_assoc())
    }

    /// A key of an associative array in an expression: the text with its expansions.
    fn arith_key(&mut self, text: &[u8]) -> Result<Str, Unwind> {
        if self.builtin == "let" && self.shopt(Shopt::AssocExpandOnce) {
            return Ok(Str::new(text));
        }
        self.expand_text(text, Whole::Subscript)
    }
}
