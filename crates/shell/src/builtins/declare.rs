//! `declare`, `typeset`, `local`, `export`, `readonly`

use std::rc::Rc;

use wasmsh_syntax::parser::Whole;

use super::Builtin;
use crate::options::Shopt;
use crate::symbol::Sym;
use crate::text::Str;
use crate::vars::{Attrs, Value};
use crate::vm::variables::{is_name, split_reference};
use crate::vm::{Declaration, DeclarationValue, Outcome, Unwind, Vm};

const DECLARE_HELP: &str = "Gives variables values and attributes, or shows them.\n\n-a  indexed array\n-A  associative array\n-f  functions instead of variables\n-F  names of functions alone\n-g  global, also inside a function\n-i  integer\n-I  a local variable inherits value and attributes\n-l  lower case\n-n  reference to another variable\n-p  show\n-r  read-only\n-t  trace\n-u  upper case\n-x  exported\n\nWith + in place of - the attribute is taken away. Inside a function the variables are local.\n\nStatus: 0, or 1 if a name or value is wrong.";
pub(crate) const DECLARE: Builtin = Builtin::new(
    "declare",
    "declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]",
    DECLARE_HELP,
    run_declare,
);
pub(crate) const TYPESET: Builtin = Builtin::new(
    "typeset",
    "typeset [-aAfFgiIlnrtux] name[=value] ... or typeset -p [-aAfFilnrtux] [name ...]",
    DECLARE_HELP,
    run_declare,
);
pub(crate) const LOCAL: Builtin = Builtin::new(
    "local",
    "local [option] name[=value] ...",
    "Makes variables local to the function, with the options of `declare`.\n`local -` puts the options of `set` back when the function returns.\n\nStatus: 0, or 1 outside a function.",
    run_local,
);
pub(crate) const EXPORT: Builtin = Builtin::new(
    "export",
    "export [-fn] [name[=value] ...] or export -p",
    "Marks variables for the environment of programs.\n\n-f  functions\n-n  takes the mark away\n-p  shows all that have it\n\nStatus: 0, or 1 if a name is wrong.",
    run_export,
);
pub(crate) const READONLY: Builtin = Builtin::new(
    "readonly",
    "readonly [-aAf] [name[=value] ...] or readonly -p",
    "Makes variables read-only.\n\n-a  indexed arrays\n-A  associative arrays\n-f  functions\n-p  shows all that are\n\nStatus: 0, or 1 if a name is wrong.",
    run_readonly,
);

/// What is asked for.
#[derive(Clone, Copy, Default)]
struct Request {
    set: Attrs,
    unset: Attrs,
    indexed: bool,
    assoc: bool,
    unset_array: bool,
    global: bool,
    functions: bool,
    names_only: bool,
    print: bool,
    inherit: bool,
    local: bool,
}

fn parse(vm: &mut Vm, argv: &[Str], letters: &[u8]) -> Result<(Request, usize), Outcome> {
    let mut request = Request::default();
    let mut at = 1;
    while let Some(arg) = argv.get(at) {
        let (on, rest) = match arg.as_bytes() {
            b"--" => {
                at += 1;
                break;
            }
            [b'-', rest @ ..] if !rest.is_empty() => (true, rest),
            [b'+', rest @ ..] if !rest.is_empty() => (false, rest),
            _ => break,
        };
        for letter in rest {
            let mut attr = |flag: Attrs| {
                if on { request.set.insert(flag) } else { request.unset.insert(flag) }
            };
            if !letters.contains(letter) {
                vm.builtin_error([&arg.as_bytes()[..1], &[*letter], b": invalid option"].concat());
                vm.usage();
                return Err(Outcome::Status(2));
            }
            match letter {
                b'a' => {
                    request.indexed |= on;
                    request.unset_array |= !on;
                }
                b'A' => {
                    request.assoc |= on;
                    request.unset_array |= !on;
                }
                b'f' => request.functions = true,
                b'F' => {
                    request.functions = true;
                    request.names_only = true;
                }
                b'g' => request.global = true,
                b'i' => attr(Attrs::INTEGER),
                b'I' => request.inherit = true,
                b'l' => {
                    attr(Attrs::LOWER);
                    if on {
                        request.unset.insert(Attrs::UPPER | Attrs::CAPITAL);
                    }
                }
                b'u' => {
                    attr(Attrs::UPPER);
                    if on {
                        request.unset.insert(Attrs::LOWER | Attrs::CAPITAL);
                    }
                }
                b'c' => {
                    attr(Attrs::CAPITAL);
                    if on {
                        request.unset.insert(Attrs::LOWER | Attrs::UPPER);
                    }
                }
                b'n' => attr(Attrs::NAMEREF),
                b'p' => request.print = true,
                b'r' => attr(Attrs::READONLY),
                b't' => attr(Attrs::TRACE),
                b'x' => attr(Attrs::EXPORT),
                _ => {}
            }
        }
        at += 1;
    }
    Ok((request, at))
}

fn run_declare(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let (mut request, at) = match parse(vm, argv, b"aAfFgiIlnprtuxc") {
        Ok(parsed) => parsed,
        Err(outcome) => return outcome,
    };
    request.local = vm.depth() > 0 && !request.global;
    declare(vm, argv, at, request)
}

fn run_local(vm: &mut Vm, argv: &[Str]) -> Outcome {
    if vm.depth() == 0 {
        vm.builtin_error("can only be used in a function");
        return Outcome::Status(1);
    }
    let (mut request, at) = match parse(vm, argv, b"aAfFgiIlnprtuxc") {
        Ok(parsed) => parsed,
        Err(outcome) => return outcome,
    };
    request.local = true;
    if at == argv.len() {
        // The local variables of this function.
        if vm.function_call().is_some_and(|call| call.options.is_some()) {
            vm.put(1, b"local -\n");
        }
        for (_, symbol) in vm.local_names() {
            if !vm.shell.vars.get(symbol).attrs.contains(Attrs::TEMPORARY) {
                let line = vm.declare_line(symbol);
                vm.put(1, &line);
            }
        }
        return Outcome::Status(0);
    }
    declare(vm, argv, at, request)
}

fn run_export(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"aAfnp") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let mut request = Request {
        functions: given.has(b'f'),
        indexed: given.has(b'a'),
        assoc: given.has(b'A'),
        ..Request::default()
    };
    if given.has(b'n') {
        request.unset = Attrs::EXPORT;
    } else {
        request.set = Attrs::EXPORT;
    }
    if given.operands == argv.len() {
        request.print = true;
        request.set = Attrs::EXPORT;
    }
    if request.functions {
        return export_functions(vm, argv.get(given.operands..).unwrap_or_default(), given.has(b'n'));
    }
    declare(vm, argv, given.operands, request)
}

fn run_readonly(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"aAfp") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let mut request = Request {
        set: Attrs::READONLY,
        indexed: given.has(b'a'),
        assoc: given.has(b'A'),
        functions: given.has(b'f'),
        ..Request::default()
    };
    if given.operands == argv.len() {
        request.print = true;
    }
    if request.functions && !request.print {
        let mut status = 0;
        for name in argv.iter().skip(given.operands) {
            let symbol = vm.symbol(name);
            if vm.shell.functions.contains_key(&symbol) {
                Rc::make_mut(&mut vm.shell.readonly_functions).push(symbol);
            } else {
                let _ = vm.complain(name, "not a function");
                status = 1;
            }
        }
        return Outcome::Status(status);
    }
    declare(vm, argv, given.operands, request)
}

fn export_functions(vm: &mut Vm, names: &[Str], remove: bool) -> Outcome {
    let mut status = 0;
    if names.is_empty() {
        let exported = vm.shell.exported_functions.clone();
        for symbol in exported.iter() {
            if let Some(function) = vm.shell.functions.get(symbol).cloned() {
                let mut text = crate::expand::source::function(&function);
                text.push(b'\n');
                vm.put(1, &text);
                let name = vm.name_of(*symbol);
                vm.put(1, &[b"declare -fx ", &*name, b"\n"].concat());
            }
        }
    }
    for name in names {
        let symbol = vm.symbol(name);
        if !vm.shell.functions.contains_key(&symbol) {
            let _ = vm.complain(name, "not a function");
            status = 1;
            continue;
        }
        if !remove && name.iter().any(|b| matches!(b, b'=' | b'/')) {
            let _ = vm.complain(name, "cannot export");
            status = 1;
            continue;
        }
        let exported = Rc::make_mut(&mut vm.shell.exported_functions);
        exported.retain(|other| *other != symbol);
        if !remove {
            exported.push(symbol);
        }
        vm.shell.environment = None;
    }
    Outcome::Status(status)
}

fn declare(vm: &mut Vm, argv: &[Str], first: usize, request: Request) -> Outcome {
    let declarations = vm.take_declarations();
    if request.functions {
        return functions(vm, argv.get(first..).unwrap_or_default(), request);
    }
    if first == argv.len() {
        print_all(
            vm,
            request,
            !request.print && request.set.is_empty() && !request.indexed && !request.assoc,
        );
        return Outcome::Status(0);
    }
    if request.print {
        let mut status = 0;
        for name in argv.iter().skip(first) {
            let Some(symbol) = vm.shell.shared.names.get(name) else {
                let _ = vm.complain(name, "not found");
                status = 1;
                continue;
            };
            // A local variable that was unset is one still.
            let (var, depth) = (vm.shell.vars.get(symbol), vm.depth());
            let local = depth > 0 && var.scope == depth;
            if !(local || var.exists && vm.builtin != "local") {
                let _ = vm.complain(name, "not found");
                status = 1;
                continue;
            }
            let line = vm.declare_line(symbol);
            vm.put(1, &line);
        }
        return Outcome::Status(status);
    }
    let mut status = 0;
    for (index, word) in argv.iter().enumerate().skip(first) {
        if request.local && word == b"-" && vm.builtin == "local" {
            let options = vm.shell.options;
            if let Some(call) = vm.function_call() {
                call.options.get_or_insert(options);
            }
            continue;
        }
        let declaration = declarations.iter().find(|declaration| declaration.arg == index).cloned();
        match declare_one(vm, word, declaration, request) {
            Ok(fine) => {
                if !fine {
                    status = 1;
                }
            }
            Err(Unwind::Discard(_)) if !vm.builtin.is_empty() => {
                status = 1;
            }
            Err(unwind) => {
                vm.put_declarations(declarations);
                return Outcome::Unwind(unwind);
            }
        }
    }
    Outcome::Status(status)
}

/// An assignment that is given as a string.
struct Given<'a> {
    name: &'a [u8],
    subscript: Option<&'a [u8]>,
    append: bool,
    value: Option<&'a [u8]>,
}

/// Splits `name[subscript]+=value`.
fn split_word(word: &[u8]) -> Given<'_> {
    let mut depth = 0usize;
    let equals = word.iter().position(|b| {
        match b {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        *b == b'=' && depth == 0
    });
    let (left, value) = match equals {
        Some(at) => (word.get(..at).unwrap_or_default(), word.get(at + 1..)),
        None => (word, None),
    };
    let (left, append) = match (value, left.strip_suffix(b"+")) {
        (Some(_), Some(left)) => (left, true),
        _ => (left, false),
    };
    match split_reference(left) {
        Some((name, subscript)) => Given { name, subscript, append, value },
        None => Given { name: left, subscript: None, append, value },
    }
}

fn declare_one(
    vm: &mut Vm,
    word: &Str,
    declaration: Option<Declaration>,
    request: Request,
) -> Result<bool, Unwind> {
    let Given { name, subscript, append, value: text } = split_word(word);
    let exports = matches!(vm.builtin, "export" | "readonly");
    if !is_name(name) || (subscript.is_some() && exports) {
        let shown = match subscript {
            Some(subscript) => [name, b"[", subscript, b"]"].concat(),
            None => word.to_vec(),
        };
        let what = [b"`", &*shown, b"'"].concat();
        let _ = vm.complain(&what, "not a valid identifier");
        return Ok(false);
    }
    let value = match declaration {
        Some(declaration) => Some(declaration.value),
        None => text.map(|text| DeclarationValue::Scalar(Str::new(text))),
    };
    let mut request = request;
    if value.is_none() && vm.builtin == "readonly" {
        // Without a value it does not become an array.
        request.indexed = false;
        request.assoc = false;
    }
    if (request.indexed || request.assoc) && request.set.contains(Attrs::NAMEREF) {
        // An array is no reference.
        request.set.remove(Attrs::NAMEREF);
    }
    let mut symbol = vm.symbol(name);
    let mut value = value;
    if request.set.contains(Attrs::NAMEREF) {
        if let Some(subscript) = subscript {
            let what = [name, b"[", subscript, b"]"].concat();
            let _ = vm.complain(&what, "reference variable cannot be an array");
            return Ok(false);
        }
        if let Some(DeclarationValue::Scalar(text)) = &mut value
            && (request.set | vm.shell.vars.get(symbol).attrs & !request.unset).contains(Attrs::INTEGER)
            && request.set.contains(Attrs::INTEGER)
        {
            // The value is an expression first, and then no name any more.
            *text = Str::from_int(vm.arith_text(text)?);
        }
    }
    if request.unset.contains(Attrs::NAMEREF)
        && vm.is_reference(symbol)
        && let Some(DeclarationValue::Scalar(text)) = &value
    {
        // What it refers to is assigned, before it is a reference no more.
        vm.assign(symbol, Value::Str(text.clone()))?;
        value = None;
    }
    let reference = request.set.contains(Attrs::NAMEREF);
    if request.unset.intersects(Attrs::READONLY) && vm.shell.vars.get(symbol).attrs.contains(Attrs::READONLY)
    {
        return Err(vm.readonly_error(symbol));
    }
    if request.local && !reference && !request.unset.contains(Attrs::NAMEREF) {
        let var = vm.shell.vars.get(symbol);
        if var.exists && var.attrs.contains(Attrs::NAMEREF) && var.scope == vm.depth() {
            // What a reference of this function refers to.
            symbol = vm.resolve(symbol)?.0;
        }
    }
    let lasting = request.set.intersects(Attrs::EXPORT | Attrs::READONLY);
    let stays = lasting
        && vm.shell.vars.get(symbol).attrs.contains(Attrs::TEMPORARY)
        && !vm.stands_before_builtin(symbol);
    if request.local {
        let var = vm.shell.vars.get(symbol);
        if var.attrs.contains(Attrs::READONLY) && var.scope < vm.depth() && var.exists {
            let global = var.scope == 0;
            if global || value.is_some() {
                return Err(vm.readonly_error(symbol));
            }
        }
        let inherit = request.inherit.then(|| vm.shell.vars.get(symbol).clone());
        // A compound value may read the variable that is hidden now; it was expanded before.
        vm.make_local(symbol);
        if let Some(old) = inherit {
            let depth = vm.depth();
            let var = vm.shell.vars.get_mut(symbol);
            *var = crate::vars::Var { scope: depth, ..old };
        }
    } else if request.global && vm.depth() > 0 {
        return declare_global(vm, symbol, value, append, subscript, request);
    } else if !reference && !request.unset.contains(Attrs::NAMEREF) {
        let (target, element) = vm.resolve(symbol)?;
        if let Some(element) = element
            && value.is_none()
            && matches!(vm.builtin, "export" | "readonly")
        {
            // An element has no attributes of its own.
            if vm.builtin == "readonly" {
                let what = [b"`", &*vm.name_of(target), b"[", &*element, b"]'"].concat();
                let _ = vm.complain(&what, "not a valid identifier");
                return Ok(false);
            }
            return Ok(true);
        }
        symbol = target;
    }
    if lasting && (exports || vm.depth() == 0) {
        if let Some(given) = vm.settle_temporary(symbol) {
            request.set.insert(Attrs::EXPORT);
            value = value.or_else(|| given.value.scalar().map(DeclarationValue::Scalar));
        }
    } else if request.global {
        vm.settle_temporary(symbol);
    }
    let fine = apply(vm, symbol, value, append, subscript, request)?;
    if stays {
        vm.shell.vars.get_mut(symbol).attrs.insert(Attrs::STAYS);
    }
    Ok(fine)
}

/// `declare -g` inside a function: on the variable that a local one may hide.
fn declare_global(
    vm: &mut Vm,
    symbol: Sym,
    value: Option<DeclarationValue>,
    append: bool,
    subscript: Option<&[u8]>,
    request: Request,
) -> Result<bool, Unwind> {
    if vm.hidden(symbol).is_none() {
        return apply(vm, symbol, value, append, subscript, request);
    }
    vm.with_hidden(symbol, |vm| apply(vm, symbol, value, append, subscript, request))
}

fn apply(
    vm: &mut Vm,
    symbol: Sym,
    value: Option<DeclarationValue>,
    append: bool,
    subscript: Option<&[u8]>,
    request: Request,
) -> Result<bool, Unwind> {
    let mut reference = request.set.contains(Attrs::NAMEREF);
    let mut request = request;
    let mut fine = true;
    if reference && matches!(value, Some(DeclarationValue::Array(_))) {
        let name = vm.name_of(symbol);
        let _ = vm.complain(&name, "reference variable cannot be an array");
        request.set.remove(Attrs::NAMEREF);
        (reference, fine) = (false, false);
    }
    if request.assoc && request.indexed {
        request.indexed = false;
        let name = vm.name_of(symbol);
        let _ = vm.complain(&name, "cannot convert associative to indexed array");
        fine = false;
    }
    if (request.assoc || request.indexed) && vm.is_reference(symbol) {
        vm.shell.vars.get_mut(symbol).attrs.remove(Attrs::NAMEREF);
    }
    let var = vm.shell.vars.get(symbol);
    if var.attrs.contains(Attrs::READONLY) && (value.is_some() || request.unset.contains(Attrs::READONLY)) {
        return Err(vm.readonly_error(symbol));
    }
    if request.unset_array && var.value.is_array() {
        let name = vm.name_of(symbol);
        let _ = vm.complain(&name, "cannot destroy array variables in this way");
        return Ok(false);
    }
    if (request.assoc && matches!(var.value, Value::Indexed(_))) || (request.indexed && var.value.is_assoc())
    {
        let name = vm.name_of(symbol);
        let message = if request.assoc {
            "cannot convert indexed to associative array"
        } else {
            "cannot convert associative to indexed array"
        };
        let _ = vm.complain(&name, message);
        return Ok(false);
    }
    if reference {
        if vm.shell.vars.get(symbol).value.is_array() {
            let name = vm.name_of(symbol);
            let _ = vm.complain(&name, "reference variable cannot be an array");
            return Ok(false);
        }
        if value.is_none()
            && let Some(target) = vm.shell.vars.get(symbol).value.scalar()
            && !target.is_empty()
            && split_reference(&target).is_none()
        {
            let what = [b"`", &*target, b"'"].concat();
            let _ = vm.complain(&what, "invalid variable name for name reference");
            return Ok(false);
        }
        if let Some(DeclarationValue::Scalar(target)) = &value {
            if split_reference(target).is_none() {
                let what = [b"`", &**target, b"'"].concat();
                let _ = vm.complain(
                    &what,
                    if target.is_empty() {
                        "not a valid identifier"
                    } else {
                        "invalid variable name for name reference"
                    },
                );
                return Ok(false);
            }
            let name = vm.name_of(symbol);
            if *target == name && !request.local {
                let _ = vm.complain(&name, "nameref variable self references not allowed");
                return Ok(false);
            }
        }
    }
    if request.assoc && !vm.shell.vars.get(symbol).value.is_assoc() {
        vm.make_assoc(symbol);
    } else if (request.indexed || matches!(value, Some(DeclarationValue::Array(_))))
        && !vm.shell.vars.get(symbol).value.is_array()
    {
        vm.make_indexed(symbol);
    }
    if subscript.is_some() && value.is_none() && !vm.shell.vars.get(symbol).value.is_array() {
        vm.make_indexed(symbol);
    }
    let late = request.set & (Attrs::READONLY | Attrs::NAMEREF);
    {
        let var = vm.shell.vars.get_mut(symbol);
        var.exists = true;
        var.attrs.insert(request.set - late);
        var.attrs.remove(request.unset - Attrs::READONLY);
    }
    if reference && value.is_some() {
        vm.shell.vars.get_mut(symbol).attrs.remove(Attrs::CONVERT);
    }
    let subscript = subscript.filter(|_| {
        // With `-a` or `-A` a list is the value of the whole array, whatever the subscript.
        !((request.indexed || request.assoc)
            && matches!(&value, Some(DeclarationValue::Scalar(text)) if is_list(text)))
    });
    match value {
        None => {}
        Some(DeclarationValue::Array(elements)) => vm.assign_compound(symbol, elements, append)?,
        Some(DeclarationValue::Scalar(text)) => match subscript {
            Some(subscript) => {
                let key = vm.key_from_source(symbol, subscript)?;
                vm.assign_element(symbol, key, text, append)?;
            }
            None if reference => {
                let var = vm.shell.vars.get_mut(symbol);
                var.value = Value::Str(text);
            }
            None => {
                // `declare -a a='(1 2)'` is a compound assignment too.
                let array = vm.shell.vars.get(symbol).value.is_array()
                    && (request.indexed || request.assoc || !matches!(vm.builtin, "export" | "readonly"));
                if array && is_list(&text) {
                    fine &= vm.assign_compound_text(symbol, &text, append)?;
                } else if append {
                    vm.append(symbol, text)?;
                } else {
                    vm.assign(symbol, Value::Str(text))?;
                }
            }
        },
    }
    vm.shell.vars.get_mut(symbol).attrs.insert(late);
    let touched = request.set | request.unset;
    if touched.contains(Attrs::EXPORT) || vm.is_exported(symbol) {
        vm.shell.environment = None;
    }
    Ok(fine)
}

/// Whether a value is a compound one in a string.
fn is_list(text: &[u8]) -> bool {
    text.starts_with(b"(") && text.ends_with(b")")
}

fn functions(vm: &mut Vm, names: &[Str], request: Request) -> Outcome {
    let mut status = 0;
    if names.is_empty() {
        let mut all: Vec<(Str, Sym)> =
            vm.shell.functions.keys().map(|symbol| (vm.name_of(*symbol), *symbol)).collect();
        all.sort();
        for (name, symbol) in all {
            let fixed = vm.shell.readonly_functions.contains(&symbol);
            let exported = vm.shell.exported_functions.contains(&symbol);
            if (request.set.contains(Attrs::READONLY) && !fixed)
                || (request.set.contains(Attrs::EXPORT) && !exported)
            {
                continue;
            }
            if !request.names_only
                && let Some(function) = vm.shell.functions.get(&symbol).cloned()
            {
                let mut text = crate::expand::source::function(&function);
                text.push(b'\n');
                vm.put(1, &text);
            }
            if request.names_only || fixed || exported {
                let marks = [if fixed { &b"r"[..] } else { b"" }, if exported { b"x" } else { b"" }].concat();
                vm.put(1, &[b"declare -f", &*marks, b" ", &*name, b"\n"].concat());
            }
        }
        return Outcome::Status(0);
    }
    for name in names {
        let symbol = vm.symbol(name);
        match vm.shell.functions.get(&symbol).cloned() {
            Some(function) => {
                if request.set.contains(Attrs::READONLY) {
                    Rc::make_mut(&mut vm.shell.readonly_functions).push(symbol);
                } else if request.set.contains(Attrs::EXPORT) {
                    Rc::make_mut(&mut vm.shell.exported_functions).push(symbol);
                    vm.shell.environment = None;
                } else if request.names_only {
                    let mut line = name.to_vec();
                    if vm.shopt(Shopt::ExtDebug) {
                        line.extend_from_slice(
                            format!(
                                " {} {}",
                                function.line,
                                if function.source.is_empty() {
                                    "environment".into()
                                } else {
                                    function.source.to_text()
                                }
                            )
                            .as_bytes(),
                        );
                    }
                    line.push(b'\n');
                    vm.put(1, &line);
                } else {
                    let mut text = crate::expand::source::function(&function);
                    text.push(b'\n');
                    vm.put(1, &text);
                }
            }
            None => status = 1,
        }
    }
    Outcome::Status(status)
}

fn print_all(vm: &mut Vm, request: Request, plain: bool) {
    for (_, symbol) in vm.variable_names() {
        let var = vm.shell.vars.get(symbol);
        if !request.set.is_empty() && !var.attrs.intersects(request.set) {
            continue;
        }
        if (request.indexed && !matches!(var.value, Value::Indexed(_)))
            || (request.assoc && !var.value.is_assoc())
        {
            continue;
        }
        let mut line = if plain { vm.assignment_line(symbol) } else { vm.declare_line(symbol) };
        if matches!(vm.builtin, "export" | "readonly")
            && vm.opt(crate::options::Opt::Posix)
            && let Some(rest) = line.strip_prefix(b"declare -")
        {
            // As POSIX has it: the name of the command itself.
            let value =
                rest.iter().position(|b| *b == b' ').and_then(|at| rest.get(at..)).unwrap_or_default();
            line = [vm.builtin.as_bytes(), value].concat();
        }
        vm.put(1, &line);
    }
}

impl Vm {
    /// `( … )` with the elements of an array, as `declare -p` shows them.
    pub(crate) fn array_text(&mut self, symbol: Sym) -> Vec<u8> {
        let mut text = b"(".to_vec();
        let value = match self.value(symbol) {
            Ok(value) => value,
            Err(_) => Value::Unset,
        };
        match value {
            Value::Indexed(array) => {
                for (i, (index, element)) in array.iter().enumerate() {
                    if i > 0 {
                        text.push(b' ');
                    }
                    text.extend_from_slice(format!("[{index}]=").as_bytes());
                    text.extend_from_slice(&quoted(element));
                }
            }
            Value::Assoc(array) => {
                for (key, element) in array.sorted() {
                    text.push(b'[');
                    text.extend_from_slice(&crate::expand::transform::key_text(key));
                    text.extend_from_slice(b"]=");
                    text.extend_from_slice(&quoted(element));
                    text.push(b' ');
                }
            }
            _ => {}
        }
        text.push(b')');
        text
    }

    /// A line of `declare -p`.
    pub(crate) fn declare_line(&mut self, symbol: Sym) -> Vec<u8> {
        let letters = self.attribute_letters(symbol);
        let mut line = b"declare -".to_vec();
        if letters.is_empty() {
            line.push(b'-');
        }
        line.extend_from_slice(&letters);
        line.push(b' ');
        line.extend_from_slice(&self.name_of(symbol));
        let var = self.shell.vars.get(symbol).clone();
        if var.value.is_array() {
            if !var.attrs.contains(Attrs::INVISIBLE) {
                line.push(b'=');
                line.extend_from_slice(&self.array_text(symbol));
            }
        } else {
            let value = if var.attrs.contains(Attrs::SPECIAL) {
                self.special_value(symbol).unwrap_or(var.value)
            } else {
                var.value
            };
            match value {
                Value::Indexed(_) | Value::Assoc(_) => {
                    line.push(b'=');
                    line.extend_from_slice(&self.array_text(symbol));
                }
                value => {
                    if let Some(value) = value.scalar() {
                        line.push(b'=');
                        line.extend_from_slice(&quoted(&value));
                    }
                }
            }
        }
        line.push(b'\n');
        line
    }

    /// A line of `set`.
    pub(crate) fn assignment_line(&mut self, symbol: Sym) -> Vec<u8> {
        let value = match self.value(symbol) {
            Ok(Value::Unset) | Err(_) => return Vec::new(),
            Ok(value) => value,
        };
        if self.shell.vars.get(symbol).attrs.contains(Attrs::INVISIBLE) {
            return Vec::new();
        }
        let mut line = self.name_of(symbol).to_vec();
        line.push(b'=');
        if value.is_array() {
            line.extend_from_slice(&self.array_text(symbol));
        } else {
            line.extend_from_slice(&plain_or_quoted(&value.scalar().unwrap_or_default()));
        }
        line.push(b'\n');
        line
    }

    /// A compound value that is given as text, `(a b [2]=c)`.
    pub(crate) fn assign_compound_text(
        &mut self,
        symbol: Sym,
        text: &[u8],
        append: bool,
    ) -> Result<bool, Unwind> {
        let mut elements = Vec::new();
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
        let assoc = self.shell.vars.get(symbol).value.is_assoc();
        let blank = |b| matches!(b, b' ' | b'\t' | b'\n');
        for word in wasmsh_syntax::quote::split_source(inner, blank) {
            if let Some((key, appends, value)) = split_element(word) {
                let kind = if assoc { Whole::Subscript } else { Whole::Word };
                let key = self.expand_text(key, kind)?;
                let value = self.expand_text(value, kind)?;
                elements.push(crate::vm::Element::Keyed { key, value, append: appends });
            } else if assoc {
                elements.push(crate::vm::Element::Value(self.expand_text(word, Whole::Subscript)?));
            } else {
                let how = crate::vm::expand::How { kind: Whole::Word, fields: true };
                let values = self.expand_fields(word, how)?;
                elements.extend(values.into_iter().map(crate::vm::Element::Value));
            }
        }
        self.assign_compound(symbol, elements, append)?;
        Ok(true)
    }
}

/// Key, whether it appends, and value of an element `[key]=value`.
fn split_element(word: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let rest = word.strip_prefix(b"[")?;
    let (mut depth, mut at, mut quote) = (1usize, 0, 0u8);
    while let Some(&b) = rest.get(at) {
        match b {
            b'\\' if quote != b'\'' => at += 1,
            _ if quote == b => quote = 0,
            _ if quote != 0 => {}
            b'\'' | b'"' => quote = b,
            b'[' => depth += 1,
            b']' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let after = rest.get(at + 1..)?;
    let (appends, value) = match after {
        [b'=', value @ ..] => (false, value),
        [b'+', b'=', value @ ..] => (true, value),
        _ => return None,
    };
    Some((rest.get(..at)?, appends, value))
}

/// A value as `declare -p` shows it: `"…"`, or `$'…'` if it is not printable.
fn quoted(value: &[u8]) -> Vec<u8> {
    if wasmsh_syntax::quote::needs_ansi_c(value) {
        wasmsh_syntax::quote::ansi_c(value)
    } else {
        wasmsh_syntax::quote::double(value)
    }
}

/// A value as `set` shows it: quoted if it must be.
pub(crate) fn plain_or_quoted(value: &[u8]) -> Vec<u8> {
    if value.is_empty() {
        Vec::new()
    } else if wasmsh_syntax::quote::needs_ansi_c(value) {
        wasmsh_syntax::quote::ansi_c(value)
    } else {
        crate::vm::trace::trace_quote(value)
    }
}
