//! Reading and writing variables: names, references, elements, attributes.

use std::rc::Rc;

use wasmsh_syntax::parser::Whole;

use crate::options::Opt;
use crate::symbol::{Sym, known};
use crate::text::Str;
use crate::vars::{Assoc, Attrs, Indexed, Value, Var};
use crate::vm::{CallKind, Unwind, Vm, memory};

/// Whether `text` is a name (POSIX XBD 3.216).
pub(crate) fn is_name(text: &[u8]) -> bool {
    match text {
        [first, rest @ ..] => {
            (first.is_ascii_alphabetic() || *first == b'_')
                && rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        }
        [] => false,
    }
}

/// Splits `name[subscript]`. `None`: it is neither that nor a name.
pub(crate) fn split_reference(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    if is_name(text) {
        return Some((text, None));
    }
    let open = text.iter().position(|b| *b == b'[')?;
    let (name, rest) = text.split_at(open);
    let subscript = rest.strip_prefix(b"[")?.strip_suffix(b"]")?;
    if !wasmsh_syntax::quote::is_balanced(subscript) {
        return None;
    }
    (is_name(name) && !subscript.is_empty()).then_some((name, Some(subscript)))
}

/// What is appended to an element without looking at how long it becomes.
const LONG: usize = 256;

impl Vm {
    /// Follows references: the variable that `symbol` really means, and the subscript if it means an element.
    pub(crate) fn resolve(&mut self, symbol: Sym) -> Result<(Sym, Option<Str>), Unwind> {
        if !self.shell.vars.get(symbol).attrs.contains(Attrs::NAMEREF) {
            return Ok((symbol, None));
        }
        let mut at = symbol;
        for _ in 0..=8 {
            let var = self.shell.vars.get(at);
            if !var.attrs.contains(Attrs::NAMEREF) {
                return Ok((at, None));
            }
            let Some(target) = var.value.scalar() else { return Ok((at, None)) };
            let Some((name, subscript)) = split_reference(&target) else { return Ok((at, None)) };
            let next = self.symbol(name);
            if let Some(subscript) = subscript {
                return Ok((next, Some(Str::new(subscript))));
            }
            if next == at {
                break;
            }
            at = next;
        }
        let mut message = b"warning: ".to_vec();
        message.extend_from_slice(&self.name_of(symbol));
        message.extend_from_slice(b": circular name reference");
        self.error(&message);
        Ok((symbol, None))
    }

    /// Whether a variable is a reference.
    #[inline]
    pub(crate) fn is_reference(&self, symbol: Sym) -> bool {
        self.shell.vars.get(symbol).attrs.contains(Attrs::NAMEREF)
    }

    /// Whether a variable is a reference to one element of an array.
    pub(crate) fn refers_to_element(&mut self, symbol: Sym) -> Result<bool, Unwind> {
        if !self.shell.vars.get(symbol).attrs.contains(Attrs::NAMEREF) {
            return Ok(false);
        }
        let (_, subscript) = self.resolve(symbol)?;
        Ok(subscript.is_some_and(|subscript| !matches!(subscript.as_bytes(), b"@" | b"*")))
    }

    /// The value of a variable as a string; of an array the element 0.
    #[inline]
    pub(crate) fn scalar(&mut self, symbol: Sym) -> Result<Option<Str>, Unwind> {
        let var = self.shell.vars.get(symbol);
        if !var.attrs.intersects(Attrs::SPECIAL | Attrs::NAMEREF) {
            return Ok(var.value.scalar());
        }
        self.scalar_slow(symbol)
    }

    fn scalar_slow(&mut self, symbol: Sym) -> Result<Option<Str>, Unwind> {
        let var = self.shell.vars.get(symbol);
        if var.attrs.contains(Attrs::NAMEREF) {
            let (target, subscript) = self.resolve(symbol)?;
            return match subscript {
                Some(subscript) => {
                    if &*subscript == b"@" || &*subscript == b"*" {
                        let values = self.values(target)?;
                        let mut joined = Vec::new();
                        for (i, value) in values.iter().enumerate() {
                            if i > 0 {
                                joined.push(b' ');
                            }
                            joined.extend_from_slice(value);
                        }
                        return Ok(Some(joined.into()));
                    }
                    let key = self.key_from_source(target, &subscript)?;
                    self.element(target, &key)
                }
                None if self.shell.vars.get(target).attrs.contains(Attrs::NAMEREF) => {
                    Ok(self.hidden_value(target).scalar())
                }
                None => self.scalar(target),
            };
        }
        match self.special_value(symbol) {
            Some(value) => Ok(value.scalar()),
            None => Ok(self.shell.vars.get(symbol).value.scalar()),
        }
    }

    /// The whole value of a variable, references followed.
    pub(crate) fn value(&mut self, symbol: Sym) -> Result<Value, Unwind> {
        let (target, subscript) = self.resolve(symbol)?;
        if let Some(subscript) = subscript {
            let key = self.key_from_source(target, &subscript)?;
            return Ok(self.element(target, &key)?.map_or(Value::Unset, Value::Str));
        }
        if self.shell.vars.get(target).attrs.contains(Attrs::SPECIAL)
            && let Some(value) = self.special_value(target)
        {
            return Ok(value);
        }
        if self.is_own_name(target) {
            return Ok(self.hidden_value(target));
        }
        Ok(self.shell.vars.get(target).value.clone())
    }

    /// Whether a variable is a reference whose target is its own name.
    fn is_own_name(&self, symbol: Sym) -> bool {
        let var = self.shell.vars.get(symbol);
        var.attrs.contains(Attrs::NAMEREF)
            && var.value.scalar().is_some_and(|name| *name == *self.name_of(symbol))
    }

    /// The global variable that a local one hides: the call and the place among what that has saved.
    pub(crate) fn hidden(&self, symbol: Sym) -> Option<(usize, usize)> {
        self.calls.iter().enumerate().find_map(|(at, call)| {
            call.saved.iter().position(|(saved, _)| *saved == symbol).map(|place| (at, place))
        })
    }

    /// What a local reference to its own name reads: the global variable.
    fn hidden_value(&self, symbol: Sym) -> Value {
        let saved = self.hidden(symbol).and_then(|(at, place)| self.calls.get(at)?.saved.get(place));
        saved.map_or(Value::Unset, |(_, var)| var.value.clone())
    }

    /// Does something to the global variable that a local one hides; fails if there is none.
    pub(crate) fn with_hidden<T>(
        &mut self,
        symbol: Sym,
        action: impl FnOnce(&mut Vm) -> Result<T, Unwind>,
    ) -> Result<T, Unwind> {
        let Some((at, place)) = self.hidden(symbol) else { return Err(Unwind::Discard(1)) };
        let swap = |vm: &mut Vm| {
            let current = vm.shell.vars.get(symbol).clone();
            if let Some(call) = vm.calls.get_mut(at)
                && let Some((_, saved)) = Rc::make_mut(call).saved.get_mut(place)
            {
                *vm.shell.vars.get_mut(symbol) = std::mem::replace(saved, current);
            }
        };
        swap(self);
        let result = if self.is_own_name(symbol) { Err(Unwind::Discard(1)) } else { action(self) };
        swap(self);
        result
    }

    /// The value for an expansion: empty if unset, which `set -u` forbids.
    #[inline]
    pub(crate) fn value_or_unset(&mut self, symbol: Sym) -> Result<Str, Unwind> {
        match self.scalar(symbol)? {
            Some(value) => Ok(value),
            None => {
                self.check_unset(symbol)?;
                Ok(Str::EMPTY)
            }
        }
    }

    /// `set -u`
    pub(crate) fn check_unset(&mut self, symbol: Sym) -> Result<(), Unwind> {
        if self.opt(Opt::NoUnset) && !self.refers_to_element(symbol)? {
            let name = self.name_of(symbol);
            return Err(self.unbound(&name));
        }
        Ok(())
    }

    pub(crate) fn unbound(&mut self, name: &[u8]) -> Unwind {
        let mut message = name.to_vec();
        message.extend_from_slice(b": unbound variable");
        self.error(&message);
        self.expansion_error()
    }

    /// What an expansion that is wrong leads to: its command is given up, and under `set -e` the shell.
    pub(crate) fn failed_expansion(&self) -> Unwind {
        if self.opt(Opt::ErrExit) && !self.shell.interactive { Unwind::Exit(1) } else { Unwind::Discard(1) }
    }

    /// What a failed `${v?}` or `set -u` leads to: the end of a shell that is not interactive.
    pub(crate) fn expansion_error(&self) -> Unwind {
        if self.shell.interactive {
            return Unwind::Discard(1);
        }
        let command = self.shell.command_string.is_some()
            && self.shell.subshell == u32::from(self.redirects_alone)
            && !self.opt(Opt::ErrExit);
        Unwind::Exit(if command { 127 } else { 1 })
    }

    /// The elements of an array, or the value of a scalar; none if unset.
    pub(crate) fn values(&mut self, symbol: Sym) -> Result<Vec<Str>, Unwind> {
        if self.resolve(symbol)?.1.is_some_and(|subscript| matches!(subscript.as_bytes(), b"@" | b"*")) {
            return Ok(Vec::new());
        }
        Ok(match self.value(symbol)? {
            Value::Unset => Vec::new(),
            Value::Indexed(array) => match &*array {
                Indexed::Dense(items) => items.clone(),
                Indexed::Sparse(items) => items.values().cloned().collect(),
            },
            Value::Assoc(array) => array.sorted().into_iter().map(|(_, value)| value.clone()).collect(),
            value => value.scalar().into_iter().collect(),
        })
    }

    /// The keys of an array.
    pub(crate) fn keys(&mut self, symbol: Sym) -> Result<Vec<Str>, Unwind> {
        Ok(match self.value(symbol)? {
            Value::Unset => Vec::new(),
            Value::Indexed(array) => array.iter().map(|(index, _)| Str::from_int(index)).collect(),
            Value::Assoc(array) => array.sorted().into_iter().map(|(key, _)| key.clone()).collect(),
            _ => vec![Str::from_int(0)],
        })
    }

    /// The key that the text of a subscript means for a variable.
    pub(crate) fn key(&mut self, symbol: Sym, text: Str) -> Result<Str, Unwind> {
        let target = self.resolve(symbol)?.0;
        if self.shell.vars.get(target).value.is_assoc() {
            return Ok(text);
        }
        if crate::text::plain_int(&text).is_some() {
            return Ok(text);
        }
        let value = self.index_of(&text)?;
        Ok(Str::from_int(value))
    }

    /// The value of a subscript, or of an element of an integer array. A command string is given up if it is wrong, as in bash.
    pub(crate) fn index_of(&mut self, text: &[u8]) -> Result<i64, Unwind> {
        match self.arith_text(text) {
            Err(Unwind::Discard(_)) => Err(self.too_many_arguments()),
            other => other,
        }
    }

    /// The key that a subscript in source form (with quotes and expansions) means.
    pub(crate) fn key_from_source(&mut self, symbol: Sym, text: &[u8]) -> Result<Str, Unwind> {
        let target = self.resolve(symbol)?.0;
        if self.shell.vars.get(target).value.is_assoc() {
            if self.shopt(crate::options::Shopt::AssocExpandOnce)
                && matches!(
                    self.builtin,
                    "printf" | "read" | "unset" | "test" | "[" | "wait" | "mapfile" | "getopts"
                )
            {
                return Ok(Str::new(text));
            }
            return self.expand_text(text, Whole::Subscript);
        }
        let text = self.expand_text(text, Whole::Arith)?;
        self.key(target, text)
    }

    /// An element of an array; of a scalar the element 0 is its value.
    pub(crate) fn element(&mut self, symbol: Sym, key: &[u8]) -> Result<Option<Str>, Unwind> {
        let (target, _) = self.resolve(symbol)?;
        let var = self.shell.vars.get(target);
        if !var.attrs.contains(Attrs::SPECIAL) {
            match &var.value {
                Value::Indexed(array) => {
                    let index = crate::text::plain_int(key).unwrap_or(0);
                    if index >= 0 {
                        return Ok(array.get(index).cloned());
                    }
                }
                Value::Assoc(array) => return Ok(array.get(key).cloned()),
                _ => {}
            }
        }
        let value = self.value(target)?;
        match value {
            Value::Indexed(array) => {
                let index = crate::text::plain_int(key).unwrap_or(0);
                let index = if index < 0 { index + array.end() } else { index };
                if index < 0 {
                    let mut message = self.name_of(target).to_vec();
                    message.extend_from_slice(b": bad array subscript");
                    self.error(&message);
                    return Ok(None);
                }
                Ok(array.get(index).cloned())
            }
            Value::Assoc(array) => Ok(array.get(key).cloned()),
            Value::Unset => Ok(None),
            value => {
                let index = crate::text::plain_int(key).unwrap_or(0);
                Ok(if index == 0 || index == -1 { value.scalar() } else { None })
            }
        }
    }

    // Writing.

    pub(crate) fn readonly_error(&mut self, symbol: Sym) -> Unwind {
        let mut message = Vec::new();
        if !self.builtin.is_empty() {
            message.extend_from_slice(self.builtin.as_bytes());
            message.extend_from_slice(b": ");
        }
        message.extend_from_slice(&self.name_of(symbol));
        message.extend_from_slice(b": readonly variable");
        self.error(&message);
        Unwind::Discard(1)
    }

    /// Assigns a string (or number) to a variable.
    #[inline]
    pub(crate) fn assign(&mut self, symbol: Sym, value: Value) -> Result<(), Unwind> {
        let slow = self.opt(Opt::AllExport);
        if let Value::Str(text) = &value {
            self.keep(text.len() + memory::PLACE)?;
        }
        let var = self.shell.vars.get_mut(symbol);
        if slow || var.attrs.intersects(Attrs::SLOW) || var.value.is_array() {
            return self.assign_slow(symbol, value);
        }
        var.value = value;
        var.exists = true;
        Ok(())
    }

    fn assign_slow(&mut self, symbol: Sym, value: Value) -> Result<(), Unwind> {
        let given = value.clone();
        let result = self.assign_with_effects(symbol, value);
        if matches!(result, Err(Unwind::Expand)) {
            self.operand = given.scalar();
        }
        result
    }

    fn assign_with_effects(&mut self, symbol: Sym, value: Value) -> Result<(), Unwind> {
        let (target, subscript) = self.resolve(symbol)?;
        if let Some(subscript) = subscript {
            let all = matches!(subscript.as_bytes(), b"@" | b"*");
            let key = if all { subscript } else { self.key_from_source(target, &subscript)? };
            return self.assign_element(target, key, value.scalar().unwrap_or_default(), false);
        }
        self.settle_before_assignment(target);
        let attrs = self.shell.vars.get(target).attrs;
        if attrs.contains(Attrs::READONLY) {
            return Err(self.readonly_error(target));
        }
        if attrs.contains(Attrs::NAMEREF) && self.is_own_name(target) {
            return self.with_hidden(target, |vm| vm.assign_with_effects(target, value));
        }
        if attrs.contains(Attrs::NAMEREF) {
            // A reference without a target gets one.
            let text = value.scalar().unwrap_or_default();
            let old = self.shell.vars.get(target).value.scalar();
            if old.is_some_and(|old| split_reference(&old).is_some()) {
                // It refers to itself; that has been said.
                return Err(Unwind::Discard(1));
            }
            if split_reference(&text).is_none() && !text.is_empty() {
                let mut message = b"`".to_vec();
                message.extend_from_slice(&text);
                message.extend_from_slice(b"': not a valid identifier");
                self.error(&message);
                return Err(Unwind::Discard(1));
            }
        }
        let value = self.convert(attrs, value)?;
        let export = self.opt(Opt::AllExport);
        let var = self.shell.vars.get_mut(target);
        var.exists = true;
        match &mut var.value {
            Value::Indexed(array) => {
                Rc::make_mut(array).set(0, value.scalar().unwrap_or_default());
                var.attrs.remove(Attrs::INVISIBLE);
            }
            Value::Assoc(array) => {
                Rc::make_mut(array).set(Str::new(b"0"), value.scalar().unwrap_or_default());
                var.attrs.remove(Attrs::INVISIBLE);
            }
            place => *place = value,
        }
        if export {
            var.attrs.insert(Attrs::EXPORT);
        }
        self.assigned(target);
        Ok(())
    }

    /// What an assignment has to do beside storing the value.
    pub(crate) fn assigned(&mut self, symbol: Sym) {
        let attrs = self.shell.vars.get(symbol).attrs;
        if attrs.contains(Attrs::EXPORT) {
            self.shell.environment = None;
        }
        if attrs.contains(Attrs::SPECIAL) {
            self.special_assigned(symbol);
        }
    }

    /// The value as the attributes of the variable make it.
    fn convert(&mut self, attrs: Attrs, value: Value) -> Result<Value, Unwind> {
        if attrs.contains(Attrs::INTEGER) {
            return Ok(match value {
                Value::Int(value) => Value::Int(value),
                value => match self.arith_text(&value.scalar().unwrap_or_default()) {
                    Ok(value) => Value::Int(value),
                    // A command string is given up then, as in bash.
                    Err(Unwind::Discard(_)) => return Err(self.too_many_arguments()),
                    Err(unwind) => return Err(unwind),
                },
            });
        }
        if !attrs.intersects(Attrs::CONVERT) {
            return Ok(value);
        }
        let text = value.scalar().unwrap_or_default();
        Ok(Value::Str(self.convert_case(attrs, &text)))
    }

    fn convert_case(&self, attrs: Attrs, text: &[u8]) -> Str {
        use crate::expand::transform::{lower, upper};
        if attrs.contains(Attrs::UPPER) {
            upper(text).into()
        } else if attrs.contains(Attrs::LOWER) {
            lower(text).into()
        } else if attrs.contains(Attrs::CAPITAL) {
            let length = crate::expand::pattern::char_len(text);
            let (head, tail) = text.split_at(length.min(text.len()));
            let mut out = upper(head);
            out.extend_from_slice(&lower(tail));
            out.into()
        } else {
            Str::new(text)
        }
    }

    /// `name+=value`
    pub(crate) fn append(&mut self, symbol: Sym, value: Str) -> Result<(), Unwind> {
        let limit = self.expansion_limit;
        self.keep(value.len())?;
        let slow = self.opt(Opt::AllExport);
        let var = self.shell.vars.get_mut(symbol);
        if !slow && !var.attrs.intersects(Attrs::SLOW) {
            match &mut var.value {
                Value::Str(old) => {
                    if value.len() > limit.saturating_sub(old.len()) {
                        return Err(self.too_large());
                    }
                    old.push(&value);
                    return Ok(());
                }
                Value::Unset => return self.assign(symbol, Value::Str(value)),
                Value::Int(old) => {
                    let mut text = Str::from_int(*old);
                    text.push(&value);
                    var.value = Value::Str(text);
                    return Ok(());
                }
                _ => {}
            }
        }
        let given = value.clone();
        let result = self.append_with_effects(symbol, value);
        if matches!(result, Err(Unwind::Expand)) {
            self.operand = Some(given);
        }
        result
    }

    fn append_with_effects(&mut self, symbol: Sym, value: Str) -> Result<(), Unwind> {
        let (target, subscript) = self.resolve(symbol)?;
        if let Some(subscript) = subscript {
            let key = self.key_from_source(target, &subscript)?;
            return self.assign_element(target, key, value, true);
        }
        let var = self.shell.vars.get(target);
        if var.attrs.contains(Attrs::INTEGER) {
            let old = self.scalar(target)?.unwrap_or_default();
            let old = self.arith_text(&old)?;
            let new = self.arith_text(&value)?;
            return self.assign(target, Value::Int(old.wrapping_add(new)));
        }
        let mut text = self.scalar(target)?.unwrap_or_default();
        if value.len() > self.expansion_limit.saturating_sub(text.len()) {
            return Err(self.too_large());
        }
        text.push(&value);
        self.assign(target, Value::Str(text))
    }

    pub(crate) fn too_large(&mut self) -> Unwind {
        self.meet_expansion_limit();
        Unwind::Discard(1)
    }

    /// Tells that an expansion is larger than the session permits.
    pub(crate) fn meet_expansion_limit(&mut self) {
        let limit = self.expansion_limit;
        self.ctx.kernel().meet(wasmsh_os::Ceiling::ExpansionBytes);
        self.error(format!("expansion: more than {limit} bytes").as_bytes());
    }

    /// Assigns to an element; makes an indexed array of what is none.
    pub(crate) fn assign_element(
        &mut self,
        symbol: Sym,
        key: Str,
        value: Str,
        append: bool,
    ) -> Result<(), Unwind> {
        let (target, subscript) = self.resolve(symbol)?;
        if subscript.is_some() && target != symbol {
            self.whole_reference(target, subscript.as_ref())?;
        }
        self.settle_before_assignment(target);
        let attrs = self.shell.vars.get(target).attrs;
        if attrs.contains(Attrs::READONLY) {
            return Err(self.readonly_error(target));
        }
        if attrs.contains(Attrs::NAMEREF) && self.is_own_name(target) {
            return self.with_hidden(target, |vm| vm.assign_element(target, key, value, append));
        }
        if attrs.contains(Attrs::NAMEREF) {
            // A reference that refers to nothing yet.
            let name = self.shell.vars.get(target).value.scalar().unwrap_or_default();
            self.error(&[b"`", &*name, b"': not a valid identifier"].concat());
            return Err(Unwind::Discard(1));
        }
        if attrs.contains(Attrs::SPECIAL) && self.assign_table(target, &key, &value) {
            return Ok(());
        }
        let value = if attrs.contains(Attrs::INTEGER) {
            let new = self.index_of(&value)?;
            if append {
                let old = self.element(target, &key)?.unwrap_or_default();
                Str::from_int(self.arith_text(&old)?.wrapping_add(new))
            } else {
                Str::from_int(new)
            }
        } else if attrs.intersects(Attrs::CONVERT) {
            self.convert_case(attrs, &value)
        } else {
            value
        };
        self.keep(value.len() + memory::PLACE)?;
        let append = append && !attrs.contains(Attrs::INTEGER);
        if append && value.len() > LONG {
            let old = self.element(target, &key)?.map_or(0, |old| old.len());
            if value.len() > self.expansion_limit.saturating_sub(old) {
                return Err(self.too_large());
            }
        }
        let var = self.shell.vars.get_mut(target);
        if let Value::Assoc(array) = &mut var.value {
            if key.is_empty() {
                let name = self.name_of(target);
                self.error(&[&*name, b"[]: bad array subscript"].concat());
                return Err(Unwind::Discard(1));
            }
            let array = Rc::make_mut(array);
            if append { array.append(key, &value) } else { array.set(key, value) }
        } else {
            let mut index = crate::text::plain_int(&key).unwrap_or(0);
            if index < 0 {
                index += match &var.value {
                    Value::Indexed(array) => array.end(),
                    Value::Unset => 0,
                    _ => 1,
                };
            }
            if index < 0 || matches!(key.as_bytes(), b"@" | b"*") {
                let name = self.name_of(target);
                self.error(&[&*name, b"[", &*key, b"]: bad array subscript"].concat());
                return Err(Unwind::Discard(1));
            }
            if !matches!(var.value, Value::Indexed(_)) {
                let mut array = Indexed::default();
                if let Some(old) = var.value.scalar() {
                    array.set(0, old);
                }
                var.value = Value::Indexed(Rc::new(array));
            }
            if let Value::Indexed(array) = &mut var.value {
                let array = Rc::make_mut(array);
                if append { array.append(index, &value) } else { array.set(index, value) }
            }
        }
        var.exists = true;
        var.attrs.remove(Attrs::INVISIBLE);
        self.assigned(target);
        Ok(())
    }

    /// An element of `BASH_ALIASES` or `BASH_CMDS` is an alias or a remembered command. False: of another variable.
    fn assign_table(&mut self, symbol: Sym, key: &Str, value: &Str) -> bool {
        match symbol {
            known::BASH_ALIASES => {
                Rc::make_mut(&mut self.shell.aliases).insert(key.to_vec(), value.to_vec());
            }
            known::DIRSTACK => {
                // The first entry is the current directory, which `cd` alone changes.
                let index = crate::text::plain_int(key).and_then(|index| usize::try_from(index).ok());
                let dirs = Rc::make_mut(&mut self.shell.dirs);
                if let Some(place) = index.and_then(|index| dirs.get_mut(index.checked_sub(1)?)) {
                    *place = value.clone();
                }
            }
            known::BASH_CMDS => {
                Rc::make_mut(&mut self.shell.hashed).insert(key.clone(), (value.clone(), 0));
            }
            _ => return false,
        }
        true
    }

    /// Replaces the value of a variable by an indexed array.
    pub(crate) fn assign_array(&mut self, symbol: Sym, values: Vec<Str>) -> Result<(), Unwind> {
        let (target, _) = self.resolve(symbol)?;
        self.settle_before_assignment(target);
        let attrs = self.shell.vars.get(target).attrs;
        if attrs.contains(Attrs::READONLY) {
            return Err(self.readonly_error(target));
        }
        self.keep(values.iter().map(|value| value.len() + memory::PLACE).sum())?;
        let var = self.shell.vars.get_mut(target);
        var.exists = true;
        var.attrs.remove(Attrs::INVISIBLE);
        var.value = Value::Indexed(Rc::new(Indexed::from_values(values)));
        Ok(())
    }

    // Scope.

    /// The number of functions that are being executed.
    pub(crate) fn depth(&self) -> u32 {
        self.calls.last().map_or(0, |call| call.depth)
    }

    /// The call of the innermost function.
    pub(crate) fn function_call(&mut self) -> Option<&mut crate::vm::Call> {
        let index = self.calls.iter().rposition(|call| call.kind == CallKind::Function)?;
        self.calls.get_mut(index).map(Rc::make_mut)
    }

    /// Makes a variable local to the innermost function. False: there is none.
    pub(crate) fn make_local(&mut self, symbol: Sym) -> bool {
        let depth = self.depth();
        if depth == 0 {
            return false;
        }
        if let Some(given) = self.settle_temporary(symbol) {
            // What stands before the builtin is the value of the local variable.
            self.make_local(symbol);
            let var = self.shell.vars.get_mut(symbol);
            var.value = given.value;
            var.attrs.insert(Attrs::EXPORT);
            return true;
        }
        let old = self.shell.vars.get(symbol).clone();
        if old.scope == depth && old.exists {
            // A temporary assignment of the call becomes a local variable with its value.
            if old.attrs.contains(Attrs::TEMPORARY) {
                self.shell.vars.get_mut(symbol).attrs.remove(Attrs::TEMPORARY);
            }
            return true;
        }
        let inherits_value = old.exists && old.attrs.contains(Attrs::TEMPORARY);
        if old.scope == depth {
            // It is local here already, and unset.
            self.shell.vars.get_mut(symbol).exists = true;
            return true;
        }
        let inherit = self.shopt(crate::options::Shopt::LocalVarInherit);
        let special = old.attrs & (Attrs::SPECIAL);
        // The mark of an exported variable is inherited, and the value of a temporary one.
        let new = if inherit {
            Var { scope: depth, ..old.clone() }
        } else {
            let value = if inherits_value { old.value.clone() } else { Value::Unset };
            Var { value, attrs: special | old.attrs & Attrs::EXPORT, exists: true, scope: depth }
        };
        let getopts_at = self.shell.getopts_at;
        if let Some(call) = self.function_call() {
            if symbol == known::OPTIND {
                call.getopts_at = Some(getopts_at);
            }
            call.saved.push((symbol, old));
        }
        *self.shell.vars.get_mut(symbol) = new;
        self.shell.environment = None;
        if special.contains(Attrs::SPECIAL) {
            self.special_assigned(symbol);
        }
        true
    }

    /// Puts a variable back as it was.
    pub(crate) fn restore_variable(&mut self, symbol: Sym, var: Var) {
        let special = (var.attrs | self.shell.vars.get(symbol).attrs).contains(Attrs::SPECIAL);
        if (var.attrs | self.shell.vars.get(symbol).attrs).contains(Attrs::EXPORT) {
            self.shell.environment = None;
        }
        *self.shell.vars.get_mut(symbol) = var;
        if special {
            self.special_assigned(symbol);
        }
    }

    /// `unset -v`
    pub(crate) fn unset(&mut self, symbol: Sym) -> Result<(), Unwind> {
        let var = self.shell.vars.get(symbol);
        if var.attrs.contains(Attrs::EXPORT) {
            self.shell.environment = None;
        }
        let special = var.attrs.contains(Attrs::SPECIAL);
        let scope = var.scope;
        let depth = self.depth();
        let temporary = var.attrs.contains(Attrs::TEMPORARY);
        let of_caller = scope > 0 && scope < depth && !self.shopt(crate::options::Shopt::LocalVarUnset);
        // A temporary variable, or a local one of a caller: what it hides appears again.
        if (temporary || of_caller)
            && let Some(old) = self.calls.iter_mut().rev().find_map(|call| {
                let at = call.saved.iter().rposition(|(saved, _)| *saved == symbol)?;
                Some(Rc::make_mut(call).saved.remove(at).1)
            })
        {
            self.restore_variable(symbol, old);
            return Ok(());
        }
        let local = depth > 0 && scope == depth;
        let kept = if local { self.shell.vars.get(symbol).attrs & Attrs::EXPORT } else { Attrs::empty() };
        let keep_scope = if local { scope } else { 0 };
        *self.shell.vars.get_mut(symbol) = Var { scope: keep_scope, attrs: kept, ..Var::default() };
        if special
            && matches!(
                symbol,
                known::IFS
                    | known::PATH
                    | known::OPTIND
                    | known::POSIXLY_CORRECT
                    | known::LC_ALL
                    | known::LC_CTYPE
                    | known::LANG
                    | known::IGNOREEOF
            )
        {
            self.shell.vars.get_mut(symbol).attrs = Attrs::SPECIAL;
            self.special_assigned(symbol);
        }
        Ok(())
    }

    /// The symbols of all variables that exist, sorted by name.
    pub(crate) fn variable_names(&self) -> Vec<(Str, Sym)> {
        let mut names: Vec<(Str, Sym)> =
            self.shell.vars.existing().map(|(symbol, _)| (self.name_of(symbol), symbol)).collect();
        names.sort();
        names
    }

    /// The symbols of the variables that are local to the present function, those that were unset, too, sorted by name.
    pub(crate) fn local_names(&self) -> Vec<(Str, Sym)> {
        let depth = self.depth();
        let local = self.shell.vars.all().filter(|(_, var)| depth > 0 && var.scope == depth);
        let mut names: Vec<(Str, Sym)> = local.map(|(symbol, _)| (self.name_of(symbol), symbol)).collect();
        names.sort();
        names
    }

    /// Makes an associative array of an unset variable.
    pub(crate) fn make_assoc(&mut self, symbol: Sym) {
        let var = self.shell.vars.get_mut(symbol);
        var.exists = true;
        let mut array = Assoc::default();
        if let Some(old) = var.value.scalar() {
            array.set(Str::new(b"0"), old);
        } else {
            var.attrs.insert(Attrs::INVISIBLE);
        }
        var.value = Value::Assoc(Rc::new(array));
    }

    /// Makes an indexed array of a variable that is none.
    pub(crate) fn make_indexed(&mut self, symbol: Sym) {
        let var = self.shell.vars.get_mut(symbol);
        var.exists = true;
        let mut array = Indexed::default();
        if let Some(old) = var.value.scalar() {
            array.set(0, old);
        } else {
            var.attrs.insert(Attrs::INVISIBLE);
        }
        var.value = Value::Indexed(Rc::new(array));
    }
}
