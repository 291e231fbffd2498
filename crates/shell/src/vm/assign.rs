//! Assignments as commands have them: scalars, elements, compound values; temporary ones; declarations.

use std::rc::Rc;

use crate::options::Opt;
use crate::symbol::Sym;
use crate::text::Str;
use crate::vars::{Attrs, Indexed, Value, Var};
use crate::vm::code::{Assign, AssignKind};
use crate::vm::{Declaration, DeclarationValue, Element, Unwind, Vm};

impl Vm {
    /// Carries out an assignment whose operands lie on the stacks.
    pub(crate) fn assign_from_stack(&mut self, assign: &Assign) -> Result<(), Unwind> {
        let name = assign.name;
        match assign.kind {
            AssignKind::Scalar => {
                let value = self.args.pop().unwrap_or_default();
                if self.opt(Opt::XTrace) && !self.is_retried() {
                    self.trace_assign(name, &value);
                }
                let result = if assign.append {
                    self.append(name, value)
                } else {
                    self.assign(name, Value::Str(value))
                };
                if matches!(result, Err(Unwind::Expand))
                    && let Some(value) = self.operand.take()
                {
                    self.args.push(value);
                }
                result
            }
            AssignKind::Element => {
                let key = self.args.pop().unwrap_or_default();
                let value = self.args.pop().unwrap_or_default();
                if self.opt(Opt::XTrace) {
                    let name = self.name_of(name);
                    let sign: &[u8] = if assign.append { b"]+=" } else { b"]=" };
                    let quoted = crate::vm::trace::trace_quote(&value);
                    self.trace(&[&*name, b"[", &*key, sign, &quoted].concat());
                }
                if key.is_empty() {
                    let mut message = self.name_of(name).to_vec();
                    message.extend_from_slice(b"[]: bad array subscript");
                    self.error(&message);
                    return Err(Unwind::Discard(1));
                }
                self.assign_element(name, key, value, assign.append)
            }
            AssignKind::Array => {
                let elements = self.elements.pop().unwrap_or_default();
                if self.opt(Opt::XTrace) {
                    self.trace_array(assign.span);
                }
                self.assign_compound(name, elements, assign.append)
            }
        }
    }

    /// `name=(…)` and `name+=(…)`
    pub(crate) fn assign_compound(
        &mut self,
        name: Sym,
        elements: Vec<Element>,
        append: bool,
    ) -> Result<(), Unwind> {
        let (target, subscript) = self.resolve(name)?;
        self.whole_reference(target, subscript.as_ref())?;
        let attrs = self.shell.vars.get(target).attrs;
        if attrs.contains(Attrs::READONLY) {
            return Err(self.readonly_error(target));
        }
        if attrs.contains(Attrs::NAMEREF) {
            let name = self.name_of(target);
            self.error(&[b"warning: ", &*name, b": removing nameref attribute"].concat());
            self.shell.vars.get_mut(target).attrs.remove(Attrs::NAMEREF);
        }
        if self.shell.vars.get(target).value.is_assoc() {
            return self.assign_assoc(target, elements, append);
        }
        let plain = elements.iter().all(|element| matches!(element, Element::Value(_)))
            && !attrs.intersects(Attrs::CONVERT);
        if plain && !append {
            let values = elements
                .into_iter()
                .map(|element| match element {
                    Element::Value(value) | Element::Keyed { value, .. } => value,
                })
                .collect();
            self.assign_array(target, values)?;
            self.assigned(target);
            return Ok(());
        }
        // The elements may read the old value (`a=([0]=${a[1]})` was expanded before), so it goes at once.
        let var = self.shell.vars.get_mut(target);
        var.exists = true;
        var.attrs.remove(Attrs::INVISIBLE);
        let mut next = match &mut var.value {
            Value::Indexed(array) if append => array.end(),
            value => {
                let mut array = Indexed::default();
                if append && let Some(old) = value.scalar() {
                    array.set(0, old);
                }
                let end = array.end();
                *value = Value::Indexed(Rc::new(array));
                end
            }
        };
        for element in elements {
            match element {
                Element::Value(value) => {
                    self.assign_element(target, Str::from_int(next), value, false)?;
                    next += 1;
                }
                Element::Keyed { key, value, .. } if matches!(&*key, b"@" | b"*") => {
                    let message = [b"[", &*key, b"]=", &*value, b": cannot assign to non-numeric index"];
                    self.error(&message.concat());
                }
                Element::Keyed { key, value, .. } if key.is_empty() => {
                    self.error(&[b"[]=", &*value, b": bad array subscript"].concat());
                }
                Element::Keyed { key, value, append } => {
                    let mut index = self.index_of(&key)?;
                    if index < 0
                        && let Value::Indexed(array) = &self.shell.vars.get(target).value
                    {
                        index += array.end();
                    }
                    if index < 0 {
                        self.error(&[b"[", &*key, b"]=", &*value, b": bad array subscript"].concat());
                        continue;
                    }
                    self.assign_element(target, Str::from_int(index), value, append)?;
                    next = index + 1;
                }
            }
        }
        Ok(())
    }

    fn assign_assoc(&mut self, target: Sym, elements: Vec<Element>, append: bool) -> Result<(), Unwind> {
        let var = self.shell.vars.get_mut(target);
        var.attrs.remove(Attrs::INVISIBLE);
        // `[key]+=` appends to what was there before.
        let mut before = None;
        if !append && let Value::Assoc(old) = std::mem::replace(&mut var.value, Value::Assoc(Rc::default())) {
            before = Some(old);
        }
        let mut elements = elements.into_iter().peekable();
        // `(key value key value …)` if the first element has no subscript.
        let pairs = matches!(elements.peek(), Some(Element::Value(_)));
        while let Some(element) = elements.next() {
            match element {
                Element::Value(key) if pairs => {
                    let value = match elements.next() {
                        Some(Element::Value(value) | Element::Keyed { value, .. }) => value,
                        None => Str::EMPTY,
                    };
                    if key.is_empty() {
                        self.bad_key(target, b"");
                        continue;
                    }
                    self.assign_element(target, key, value, false)?;
                }
                Element::Value(value) => {
                    let mut message = self.name_of(target).to_vec();
                    message.extend_from_slice(b": ");
                    message.extend_from_slice(&value);
                    message.extend_from_slice(b": must use subscript when assigning associative array");
                    self.error(&message);
                }
                Element::Keyed { key, value, append } => {
                    if key.is_empty() {
                        self.bad_key(target, b"");
                        continue;
                    }
                    if append && let Some(before) = &before {
                        let mut text = before.get(&key).cloned().unwrap_or_default();
                        text.push(&value);
                        self.assign_element(target, key, text, false)?;
                        continue;
                    }
                    self.assign_element(target, key, value, append)?;
                }
            }
        }
        Ok(())
    }

    /// A reference to an element cannot be assigned as an array, nor have elements.
    pub(crate) fn whole_reference(&mut self, target: Sym, subscript: Option<&Str>) -> Result<(), Unwind> {
        let Some(subscript) = subscript else { return Ok(()) };
        let name = self.name_of(target);
        self.error(&[b"`", &*name, b"[", &**subscript, b"]': not a valid identifier"].concat());
        Err(Unwind::Discard(1))
    }

    fn bad_key(&mut self, target: Sym, key: &[u8]) {
        let mut message = self.name_of(target).to_vec();
        message.extend_from_slice(b"[");
        message.extend_from_slice(key);
        message.extend_from_slice(b"]: bad array subscript");
        self.error(&message);
    }

    /// The variable of a `for` or `select`.
    pub(crate) fn for_assign(&mut self, symbol: Sym, item: Str) -> Result<(), Unwind> {
        if self.opt(Opt::XTrace) {
            self.trace_head();
        }
        if self.shell.vars.get(symbol).attrs.contains(Attrs::NAMEREF) {
            // The reference itself is given a new target.
            let var = self.shell.vars.get_mut(symbol);
            if var.attrs.contains(Attrs::READONLY) {
                return Err(self.readonly_error(symbol));
            }
            var.value = Value::Str(item);
            return Ok(());
        }
        self.assign(symbol, Value::Str(item))
    }

    /// `name=value command`: until the command ends.
    pub(crate) fn assign_temporary(&mut self, assign: &Assign) -> Result<(), Unwind> {
        if !Self::is_scalar(assign.kind) {
            // An element is none of the environment; the command runs nevertheless.
            let key = self.args.pop().unwrap_or_default();
            self.args.pop();
            let name = self.name_of(assign.name);
            self.error(&[b"`", &*name, b"[", &*key, b"]': not a valid identifier"].concat());
            return Ok(());
        }
        let value = self.args.pop().unwrap_or_default();
        if self.opt(Opt::XTrace) {
            self.trace_assign(assign.name, &value);
        }
        let (target, _) = self.resolve(assign.name)?;
        let old = self.shell.vars.get(target).clone();
        if old.attrs.contains(Attrs::READONLY) {
            // The command runs nevertheless.
            let _ = self.readonly_error(target);
            return Ok(());
        }
        let value = if assign.append {
            let mut text = self.scalar(target)?.unwrap_or_default();
            text.push(&value);
            text
        } else {
            value
        };
        let depth = self.depth();
        // It is the text as it stands, whatever the attributes of the variable.
        let attrs = old.attrs & Attrs::SPECIAL | Attrs::EXPORT | Attrs::TEMPORARY;
        let new = Var { value: Value::Str(value), attrs, exists: true, scope: depth + 1 };
        *self.shell.vars.get_mut(target) = new;
        self.temporary.push((target, old));
        self.assigned(target);
        Ok(())
    }

    /// Puts back what temporary assignments have replaced.
    pub(crate) fn restore_temporary(&mut self) {
        while let Some((symbol, var)) = self.temporary.pop() {
            self.restore_variable(symbol, var);
        }
    }

    /// Whether a temporary assignment of the present builtin is of this variable.
    pub(crate) fn stands_before_builtin(&self, symbol: Sym) -> bool {
        self.temporary.iter().any(|(other, _)| *other == symbol)
    }

    /// A builtin assigns a variable that also stands before it: the variable itself is meant, and what it held for
    /// the time of the builtin is returned.
    pub(crate) fn settle_temporary(&mut self, symbol: Sym) -> Option<Var> {
        let at = self.temporary.iter().position(|(other, _)| *other == symbol)?;
        let (_, old) = self.temporary.remove(at);
        self.temporary.retain(|(other, _)| *other != symbol);
        let given = std::mem::replace(self.shell.vars.get_mut(symbol), old);
        self.shell.environment = None;
        Some(given)
    }

    /// The same before an assignment, unless it is of `declare`, which changes what stands before it.
    pub(crate) fn settle_before_assignment(&mut self, symbol: Sym) {
        if !self.temporary.is_empty()
            && !matches!(self.builtin, "" | "declare" | "typeset" | "read" | "mapfile" | "readarray")
        {
            self.settle_temporary(symbol);
        }
    }

    /// An assignment as argument: the words are as they would be without it, the value is kept beside.
    pub(crate) fn declare_from_stack(&mut self, assign: &Assign) {
        let (text, value) = match assign.kind {
            AssignKind::Array => {
                let elements = self.elements.pop().unwrap_or_default();
                (Str::EMPTY, DeclarationValue::Array(elements))
            }
            _ => {
                let value = self.args.pop().unwrap_or_default();
                (value.clone(), DeclarationValue::Scalar(value))
            }
        };
        let subscript = (assign.subscript_given).then(|| self.args.pop().unwrap_or_default());
        let mut word = self.name_of(assign.name).to_vec();
        if let Some(subscript) = &subscript {
            word.push(b'[');
            word.extend_from_slice(subscript);
            word.push(b']');
        }
        if assign.append {
            word.push(b'+');
        }
        word.push(b'=');
        word.extend_from_slice(&text);
        let mark = self.marks.last().copied().unwrap_or(0);
        self.declarations.push(Declaration { arg: self.args.len().saturating_sub(mark), value });
        self.args.push(word.into());
    }

    /// The assignments among the arguments of the present command.
    pub(crate) fn take_declarations(&mut self) -> Vec<Declaration> {
        std::mem::take(&mut self.declarations)
    }
}

impl Vm {
    /// Puts declarations back for another builtin.
    pub(crate) fn put_declarations(&mut self, declarations: Vec<Declaration>) {
        self.declarations = declarations;
    }
}
