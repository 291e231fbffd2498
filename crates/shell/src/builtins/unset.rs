//! `unset`

use std::rc::Rc;

use super::Builtin;
use crate::text::Str;
use crate::vars::{Attrs, Value};
use crate::vm::variables::{is_name, split_reference};
use crate::vm::{Outcome, Unwind, Vm};

pub(crate) const UNSET: Builtin = Builtin::new(
    "unset",
    "unset [-f] [-v] [-n] [name ...]",
    "Takes variables or functions away.\n\n-f  functions\n-v  variables\n-n  the reference itself, not what it refers to\n\nWithout options a variable, and if there is none a function.\n\nStatus: 0, or 1 if a name is wrong or read-only.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"fvn") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    if given.has(b'f') && given.has(b'v') {
        vm.builtin_error("cannot simultaneously unset a function and a variable");
        return Outcome::Status(1);
    }
    let mut status = 0;
    for name in argv.iter().skip(given.operands) {
        let result = if given.has(b'f') {
            unset_function(vm, name)
        } else {
            unset_variable(vm, name, given.has(b'n'), given.has(b'v'))
        };
        match result {
            Ok(true) => {}
            Ok(false) | Err(Unwind::Discard(_) | Unwind::Fail(_)) => status = 1,
            Err(unwind) => return Outcome::Unwind(unwind),
        }
    }
    Outcome::Status(status)
}

fn unset_function(vm: &mut Vm, name: &Str) -> Result<bool, Unwind> {
    let symbol = vm.symbol(name);
    if vm.shell.readonly_functions.contains(&symbol) {
        let _ = vm.complain(name, "cannot unset: readonly function");
        return Ok(false);
    }
    if vm.shell.functions.contains_key(&symbol) {
        Rc::make_mut(&mut vm.shell.functions).remove(&symbol);
        if vm.shell.exported_functions.contains(&symbol) {
            Rc::make_mut(&mut vm.shell.exported_functions).retain(|other| *other != symbol);
            vm.shell.environment = None;
        }
    }
    Ok(true)
}

fn unset_variable(vm: &mut Vm, name: &Str, reference: bool, only: bool) -> Result<bool, Unwind> {
    if let Some((base, Some(subscript))) = split_reference(name) {
        let symbol = vm.symbol(base);
        let target = vm.resolve(symbol)?.0;
        let var = vm.shell.vars.get(target);
        if var.attrs.contains(Attrs::READONLY) {
            let what = vm.name_of(target);
            let _ = vm.complain(&what, "cannot unset: readonly variable");
            return Ok(false);
        }
        if matches!(subscript, b"@" | b"*") && matches!(var.value, Value::Indexed(_)) {
            vm.shell.vars.get_mut(target).value = Value::Indexed(Rc::default());
            return Ok(true);
        }
        if matches!(var.value, Value::Unset) && !var.attrs.contains(Attrs::SPECIAL) {
            return Ok(true);
        }
        let key = vm.key_from_source(symbol, subscript)?;
        if key.is_empty() {
            vm.builtin_error([b"[", subscript, b"]: bad array subscript"].concat());
            return Ok(false);
        }
        match &mut vm.shell.vars.get_mut(target).value {
            Value::Assoc(array) => Rc::make_mut(array).unset(&key),
            Value::Indexed(array) => {
                let mut index = crate::text::plain_int(&key).unwrap_or(0);
                if index < 0 {
                    index += array.end();
                }
                if index < 0 {
                    let what = Str::new(subscript);
                    vm.builtin_error([b"[", &*what, b"]: bad array subscript"].concat());
                    return Ok(false);
                }
                Rc::make_mut(array).unset(index);
            }
            Value::Unset => {}
            _ => {
                if key == b"0" {
                    vm.unset(target)?;
                } else {
                    let what = vm.name_of(target);
                    let _ = vm.complain(&what, "not an array variable");
                    return Ok(false);
                }
            }
        }
        return Ok(true);
    }
    if !is_name(name) {
        if !only {
            return unset_function(vm, name);
        }
        let what = [b"`", &**name, b"'"].concat();
        let _ = vm.complain(&what, "not a valid identifier");
        return Ok(false);
    }
    let symbol = vm.symbol(name);
    if reference && !vm.shell.vars.get(symbol).attrs.contains(Attrs::NAMEREF) {
        return Ok(true);
    }
    let (target, subscript) = if reference { (symbol, None) } else { vm.resolve(symbol)? };
    if let Some(subscript) = subscript {
        let full = [&*vm.name_of(target), b"[", &*subscript, b"]"].concat();
        return unset_variable(vm, &Str::from(full), false, true);
    }
    let var = vm.shell.vars.get(target);
    if var.attrs.contains(Attrs::READONLY) {
        let _ = vm.complain(name, "cannot unset: readonly variable");
        return Ok(false);
    }
    if !var.exists && !only {
        return unset_function(vm, name);
    }
    vm.unset(target)?;
    Ok(true)
}
