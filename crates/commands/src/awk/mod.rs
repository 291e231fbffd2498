//! `awk`, as GNU awk has it.
//!
//! A program becomes a tree, the tree becomes code for a stack machine whose variables are numbered places. Fields are
//! split when one is asked for.

mod array;
mod ast;
mod builtins;
mod code;
mod compile;
mod dump;
mod extensions;
mod fields;
mod format;
mod inplace;
mod lex;
mod machine;
mod parse;
mod random;
mod source;
mod streams;
mod text;
mod time;
mod value;

use std::rc::Rc;

use bstr::{BStr, BString, ByteSlice};

use crate::{Command, Done, Fail, Opt, Tool, start};
use array::{Array, Key};
use ast::special;
use machine::{Machine, Modes, Stop};
use parse::Parser;
use source::{Part, Sources};
use value::Value;

const USAGE: &[&str] = &[
    "[POSIX or GNU style options] -f progfile [--] file ...",
    "[POSIX or GNU style options] [--] 'program' file ...",
];
const ABOUT: &str =
    "Run a program of patterns and actions over the records of each file, or of standard input.";
const OPTIONS: &[Opt] = &[
    Opt::value("f,file", "PROGFILE", "read the program from PROGFILE"),
    Opt::value("F,field-separator", "FS", "set the variable FS"),
    Opt::value("v,assign", "VAR=VAL", "set a variable before the program begins"),
    Opt::flag("b,characters-as-bytes", "text is bytes"),
    Opt::flag("c,traditional", "without the extensions of GNU"),
    Opt::flag("C,copyright", "show the licence"),
    Opt::optional("d,dump-variables", "FILE", "write the variables to FILE at the end"),
    Opt::optional("D,debug", "FILE", ""),
    Opt::value("e,source", "PROGRAM", "add to the program"),
    Opt::value("E,exec", "FILE", "as -f, and the last option"),
    Opt::flag("g,gen-pot", ""),
    Opt::flag("h", "as --help"),
    Opt::value("i,include", "FILE", "include FILE before the program"),
    Opt::flag("I,trace", ""),
    Opt::value("l,load", "LIBRARY", "load the functions of LIBRARY"),
    Opt::optional("L,lint", "fatal", "warn about what is not portable"),
    Opt::flag("M,bignum", "arithmetic of arbitrary precision (not supported)"),
    Opt::flag("N,use-lc-numeric", "the locale's decimal point, which is the point"),
    Opt::flag("n,non-decimal-data", "input may be hexadecimal and octal numbers"),
    Opt::optional("o,pretty-print", "FILE", ""),
    // A program runs the same with and without.
    Opt::flag("O,optimize", ""),
    Opt::optional("p,profile", "FILE", ""),
    Opt::flag("P,posix", "as POSIX says, without the extensions of GNU"),
    Opt::flag("r,re-interval", "intervals in regular expressions, also with -c"),
    Opt::flag("s,no-optimize", ""),
    Opt::flag("S,sandbox", "no commands and no redirections"),
    Opt::flag("t,lint-old", ""),
    Opt::flag("V", "as --version"),
    Opt::value("W", "OPTION", "as --OPTION"),
];

const fn command(name: &'static str, main: fn(wasmsh_os::Ctx) -> wasmsh_os::ProcessFuture) -> Command {
    Command { name, usage: USAGE, about: ABOUT, options: OPTIONS, more: "", usage_status: 1, main }
}

pub(crate) static COMMAND: Command = command("awk", |ctx| start(&COMMAND, ctx, run));
pub(crate) static GAWK: Command = command("gawk", |ctx| start(&GAWK, ctx, run));
pub(crate) static NAWK: Command = command("nawk", |ctx| start(&NAWK, ctx, run));

/// What the command line asks for.
#[derive(Default)]
struct Request {
    parts: Vec<Part>,
    assignments: Vec<BString>,
    separator: Option<BString>,
    modes: Modes,
    bytes: bool,
    in_place: bool,
    dump: Option<BString>,
    operands: Vec<BString>,
}

async fn request(t: &mut Tool) -> Result<Request, Fail> {
    let mut request = Request::default();
    let (mut lint, mut unknown) = (false, Vec::new());
    let mut options = t.options_in_order();
    while let Some((name, value)) = options.next()? {
        let given = value.is_some();
        let value = value.unwrap_or_default();
        match name {
            "f" => request.parts.push(Part::File(value)),
            "E" => {
                request.parts.push(Part::File(value));
                break;
            }
            "i" if value == "inplace" || value == "inplace.awk" => request.in_place = true,
            "i" => request.parts.push(Part::Include(value)),
            "e" => request.parts.push(Part::Text(value)),
            "l" if !extensions::is_known(&value) => {
                return Err(Fail::Message(
                    format!(
                        "fatal: cannot open shared library `{value}' for reading: No such file or directory"
                    ),
                    2,
                ));
            }
            "F" => request.separator = Some(value),
            "v" => request.assignments.push(value),
            "P" => request.modes.posix = true,
            "c" => request.modes.traditional = true,
            "r" => request.modes.intervals = true,
            "S" => request.modes.sandbox = true,
            "n" => request.modes.non_decimal = true,
            "b" => request.bytes = true,
            "d" => request.dump = Some(if given { value } else { "awkvars.out".into() }),
            "M" | "D" | "o" | "p" | "g" | "I" => {
                return Err(Fail::Message(format!("fatal: option -{name} is not supported"), 2));
            }
            "L" | "t" => lint = true,
            "O" | "s" | "N" => {}
            "W" => match &value[..] {
                b"version" => return Err(Fail::Version),
                b"help" | b"usage" => return Err(Fail::Help),
                b"posix" => request.modes.posix = true,
                b"traditional" | b"compat" => request.modes.traditional = true,
                b"re-interval" => request.modes.intervals = true,
                b"sandbox" => request.modes.sandbox = true,
                b"non-decimal-data" => request.modes.non_decimal = true,
                b"lint" | b"lint-old" => lint = true,
                b"optimize" | b"no-optimize" | b"use-lc-numeric" => {}
                _ => unknown.push(value),
            },
            "V" | "C" => return Err(Fail::Version),
            "h" => return Err(Fail::Help),
            name => return Err(Fail::Message(format!("fatal: option -{name} is not supported"), 2)),
        }
    }
    for option in unknown {
        t.warn(format!("option `-W {option}' unrecognized, ignored")).await?;
    }
    if lint {
        t.warn("warning: no lint checks are made here").await?;
    }
    request.modes.posix |= t.ctx.environment().get(b"POSIXLY_CORRECT").is_some();
    request.operands = options.operands();
    Ok(request)
}

async fn run(t: &mut Tool) -> Done {
    let mut request = request(t).await?;
    if !request.parts.iter().any(Part::is_program) {
        if request.operands.is_empty() {
            let text = t.command.help(&t.name);
            t.err.put(text.as_bytes());
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
            return Err(Fail::Status(1));
        }
        request.parts.push(Part::Text(request.operands.remove(0)));
    }
    if request.bytes {
        t.utf8 = false;
    }
    for assignment in &request.assignments {
        check_assignment(assignment.as_ref())?;
    }
    let (code, warnings) = compiled(t, &request).await?;
    for warning in warnings {
        t.warn(warning).await?;
    }
    let name = t.name.clone();
    let environment = t.ctx.environment();
    let words = t.ctx.arguments();
    let mut machine = Machine::new(t, code, request.modes);
    machine.check_regexes()?;
    if request.in_place {
        machine.in_place = Some(inplace::InPlace::default());
    }
    let environ = Rc::new(Array::default());
    for (name, value) in environment.iter() {
        environ.set_name(name.as_bytes(), Value::Input(value.as_bytes().into()));
    }
    machine.set_global(special::ENVIRON, Value::Array(environ));
    set_arguments(&mut machine, &name, &request.operands);
    set_tables(&mut machine, &words);
    let assigned = assign(&mut machine, &request);
    assigned.map_err(|stop| match stop {
        Stop::Fatal(message) => Fail::Message(format!("fatal: {message}"), 2),
        Stop::Fail(fail) => fail,
    })?;
    if let Some(suffix) = machine.variable(b"inplace::suffix")
        && let Some(in_place) = &mut machine.in_place
    {
        in_place.suffix = suffix.to_text(b"").to_vec().into();
    }
    let result = machine.program().await;
    let status = machine.status;
    if let Some(file) = &request.dump {
        dump::variables(&mut machine, file.as_ref()).await?;
    }
    result?;
    if status > 0 {
        t.status = status;
    }
    Ok(())
}

fn check_assignment(text: &BStr) -> Done {
    let Some((name, _)) = text.split_once_str("=") else {
        return Err(Fail::Usage(format!("`{text}' argument to `-v' not in `var=value' form\n")));
    };
    if assignment(text).is_none() {
        return Err(Fail::Message(format!("fatal: `{}' is not a legal variable name", name.as_bstr()), 2));
    }
    Ok(())
}

/// The compiled program, and what is odd about it.
async fn compiled(t: &Tool, request: &Request) -> Result<(code::Code, Vec<String>), Fail> {
    let mut sources = Sources::new(request.modes.posix);
    let mut parser = Parser::new();
    for part in &request.parts {
        let tokens = sources.load(t, part).await?;
        parser.read(tokens).map_err(|error| sources.syntax_error(&t.name, &error))?;
    }
    for assignment in &request.assignments {
        if let Some((name, _)) = self::assignment(assignment) {
            parser.global(name);
        }
    }
    for operand in &request.operands {
        // They may be asked for by SYMTAB.
        if let Some((name, _)) = self::assignment(operand) {
            parser.operand(name);
        }
    }
    let program =
        parser.finish(sources.names.clone()).map_err(|error| sources.syntax_error(&t.name, &error))?;
    let code = compile::compile(program).map_err(|(place, message)| {
        Fail::Message(format!("{}: error: {message}", sources.place(place)), 1)
    })?;
    Ok((code, std::mem::take(&mut sources.warnings)))
}

fn assign(machine: &mut Machine<'_>, request: &Request) -> Result<(), Stop> {
    if let Some(separator) = &request.separator {
        // A lone `t` means a tab (POSIX).
        let value: &[u8] = if separator == "t" { b"\t" } else { separator };
        machine.assign_by_name(b"FS", value)?;
    }
    for assignment in &request.assignments {
        if let Some((name, value)) = self::assignment(assignment) {
            machine.assign_by_name(name, value)?;
        }
    }
    Ok(())
}

fn set_arguments(machine: &mut Machine<'_>, name: &str, operands: &[BString]) {
    let array = Array::default();
    array.set(Key::Integer(0), Value::text(name.as_bytes()));
    for (index, operand) in (1..).zip(operands) {
        array.set(Key::Integer(index), Value::Input(operand.as_bytes().into()));
    }
    machine.set_global(special::ARGV, Value::Array(Rc::new(array)));
    machine.set_global(special::ARGC, Value::Number((operands.len() + 1) as f64));
}

/// PROCINFO, SYMTAB and FUNCTAB.
fn set_tables(machine: &mut Machine<'_>, words: &[BString]) {
    let info = Array::default();
    let ctx = &machine.t.ctx;
    let (user, group) = ctx.user();
    let numbers = [
        ("pid", ctx.pid().get()),
        ("ppid", ctx.parent().get()),
        ("pgrpid", ctx.group().get()),
        ("uid", user),
        ("euid", user),
        ("gid", group),
        ("egid", group),
        ("errno", 0),
        ("api_major", 3),
        ("api_minor", 2),
    ];
    for (name, number) in numbers {
        info.set_name(name.as_bytes(), Value::Number(f64::from(number)));
    }
    for (name, text) in
        [("version", "5.2.1"), ("FS", "FS"), ("platform", "posix"), ("strftime", "%a %b %e %H:%M:%S %Z %Y")]
    {
        info.set_name(name.as_bytes(), Value::text(text.as_bytes()));
    }
    let argv = Array::default();
    for (index, word) in (0..).zip(words) {
        argv.set(Key::Integer(index), Value::text(word));
    }
    info.set_name(b"argv", Value::Array(Rc::new(argv)));
    let code = machine.code.clone();
    let identifiers = Array::default();
    for builtin in lex::builtins() {
        identifiers.set_name(builtin.as_bytes(), Value::text(b"builtin"));
    }
    for function in &code.functions {
        identifiers.set_name(&function.name, Value::text(b"user"));
    }
    for (index, name) in (0..).zip(&code.globals) {
        let kind: &[u8] = match machine.global_value(index) {
            Value::Array(_) => b"array",
            Value::Unset | Value::Maybe(_) => b"untyped",
            _ => b"scalar",
        };
        identifiers.set_name(name, Value::text(kind));
    }
    info.set_name(b"identifiers", Value::Array(Rc::new(identifiers)));
    machine.set_global(special::PROCINFO, Value::Array(Rc::new(info)));
    let symbols = Array::default();
    let functions = Array::default();
    if code.uses_tables {
        for (index, name) in (0..).zip(&code.globals) {
            symbols.set_name(name, Value::Symbol(index));
        }
        for name in lex::builtins() {
            functions.set_name(name.as_bytes(), Value::text(name.as_bytes()));
        }
        for function in &code.functions {
            functions.set_name(&function.name, Value::text(&function.name));
        }
    }
    machine.set_global(special::SYMTAB, Value::Array(Rc::new(symbols)));
    machine.set_global(special::FUNCTAB, Value::Array(Rc::new(functions)));
}

/// `name=value` apart.
fn assignment(argument: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = argument.split_once_str("=")?;
    let first = name.first()?;
    let name = name.strip_prefix(b"awk::").unwrap_or(name);
    let plain = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let is_name = (first.is_ascii_alphabetic() || *first == b'_')
        && match name.split_once_str("::") {
            Some((space, name)) => plain(space) && plain(name) && !name.is_empty(),
            None => plain(name),
        };
    is_name.then_some((name, value))
}
