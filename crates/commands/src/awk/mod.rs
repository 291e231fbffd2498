//! `awk`, as GNU awk has it.
//!
//! A program becomes a tree, the tree becomes code for a stack machine whose variables are numbered places. Fields are
//! split when one is asked for.

mod ast;
mod builtins;
mod compile;
mod fields;
mod format;
mod lex;
mod machine;
mod parse;
mod random;
mod streams;
mod text;
mod time;
mod value;

use std::collections::BTreeSet;
use std::rc::Rc;

use bstr::{BString, ByteSlice};

use crate::{Command, Done, Fail, Opt, Tool, start};
use ast::{Var, special};
use machine::Machine;
use parse::{Parser, SyntaxError};
use value::{Array, Text, Value};

const USAGE: &[&str] = &["[OPTION]... -f PROGFILE [--] FILE...", "[OPTION]... [--] 'PROGRAM' FILE..."];
const ABOUT: &str = "Run a program of patterns and actions over the records of each FILE, or of standard input.";
const OPTIONS: &[Opt] = &[
    Opt::value("f,file", "PROGFILE", "read the program from PROGFILE"),
    Opt::value("F,field-separator", "FS", "set the variable FS"),
    Opt::value("v,assign", "VAR=VAL", "set a variable before the program begins"),
    Opt::value("e,source", "PROGRAM", "add to the program"),
    Opt::value("i,include", "FILE", "include FILE before the program"),
    Opt::value("E,exec", "FILE", "as -f, and the last option"),
    Opt::flag("P,posix", "without the extensions of GNU"),
    Opt::flag("c,traditional", ""),
    Opt::flag("r,re-interval", ""),
    Opt::flag("b,characters-as-bytes", "text is bytes"),
    Opt::flag("O,optimize", ""),
    Opt::flag("s,no-optimize", ""),
    Opt::flag("S,sandbox", ""),
    Opt::flag("n,non-decimal-data", ""),
    Opt::flag("N,use-lc-numeric", ""),
    Opt::flag("t,lint-old", ""),
    Opt::optional("L,lint", "fatal", ""),
    Opt::flag("V", ""),
    Opt::flag("h", ""),
];

const fn command(name: &'static str, main: fn(wasmsh_os::Ctx) -> wasmsh_os::ProcessFuture) -> Command {
    Command { name, usage: USAGE, about: ABOUT, options: OPTIONS, more: "", usage_status: 1, main }
}

pub(crate) static COMMAND: Command = command("awk", |ctx| start(&COMMAND, ctx, run));
pub(crate) static GAWK: Command = command("gawk", |ctx| start(&GAWK, ctx, run));
pub(crate) static MAWK: Command = command("mawk", |ctx| start(&MAWK, ctx, run));
pub(crate) static NAWK: Command = command("nawk", |ctx| start(&NAWK, ctx, run));

/// What makes up the program.
enum Part {
    Text(BString),
    File(BString),
}

async fn run(t: &mut Tool) -> Done {
    let mut parts = Vec::new();
    let mut assignments = Vec::new();
    let mut separator = None;
    let (mut posix, mut bytes) = (false, false);
    let mut options = t.options_in_order();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "f" | "E" | "i" => parts.push(Part::File(value)),
            "e" => parts.push(Part::Text(value)),
            "F" => separator = Some(value),
            "v" => assignments.push(value),
            "P" => posix = true,
            "b" => bytes = true,
            "V" => return Err(Fail::Version),
            "h" => return Err(Fail::Help),
            _ => {}
        }
    }
    let mut operands = options.operands();
    if parts.is_empty() {
        if operands.is_empty() {
            let text = t.command.help(&t.name);
            t.err.put(text.as_bytes());
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
            return Err(Fail::Status(1));
        }
        parts.push(Part::Text(operands.remove(0)));
    }
    let mut parser = Parser::new();
    let mut included = BTreeSet::new();
    for part in parts {
        let (name, text) = match part {
            Part::Text(text) => ("cmd. line".to_owned(), text.into()),
            Part::File(name) => {
                included.insert(name.to_vec());
                (name.to_string(), read(t, &name).await?)
            }
        };
        parser.source(&name, &text).map_err(syntax_error)?;
        while let Some(file) = parser.includes.pop_front() {
            if included.insert(file.clone()) {
                let text = read(t, &file).await?;
                parser.source(&file.as_bstr().to_string(), &text).map_err(syntax_error)?;
            }
        }
    }
    for assignment in &assignments {
        match self::assignment(assignment) {
            Some((name, _)) => {
                parser.global(name);
            }
            None => {
                return Err(Fail::Message(
                    format!("fatal: `{assignment}' argument to `-v' not in `var=value' form"),
                    2,
                ));
            }
        }
    }
    let program = parser.finish().map_err(syntax_error)?;
    let code = compile::compile(program).map_err(|message| Fail::Message(format!("cmd. line:1: error: {message}"), 1))?;
    if bytes {
        t.utf8 = false;
    }
    let name = t.name.clone();
    let environment = t.ctx.environment();
    let mut machine = Machine::new(t, code, posix);
    let environ = machine.array(Var::Global(special::ENVIRON))?;
    for (name, value) in environment.iter() {
        environ.set(name.as_bytes().into(), Value::Input(value.as_bytes().into()));
    }
    arguments(&mut machine, &name, &operands)?;
    process_information(&machine.array(Var::Global(special::PROCINFO))?, &machine);
    if let Some(separator) = separator {
        // A lone `t` means a tab (POSIX).
        let value: &[u8] = if separator == "t" { b"\t" } else { &separator };
        machine.assign_by_name(b"FS", value)?;
    }
    for assignment in &assignments {
        if let Some((name, value)) = self::assignment(assignment) {
            machine.assign_by_name(name, value)?;
        }
    }
    let result = machine.program().await;
    let status = machine.status;
    result?;
    if status > 0 {
        t.status = status;
    }
    Ok(())
}

fn arguments(machine: &mut Machine<'_>, name: &str, operands: &[BString]) -> Done {
    let array = machine.array(Var::Global(special::ARGV))?;
    array.set(b"0"[..].into(), Value::text(name.as_bytes()));
    for (index, operand) in operands.iter().enumerate() {
        let key: Text = (index + 1).to_string().into_bytes().into();
        array.set(key, Value::Input(operand.as_bytes().into()));
    }
    machine.set(Var::Global(special::ARGC), Value::Number((operands.len() + 1) as f64))
}

fn process_information(info: &Rc<Array>, machine: &Machine<'_>) {
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
    ];
    for (name, number) in numbers {
        info.set(name.as_bytes().into(), Value::Number(f64::from(number)));
    }
    for (name, text) in [("version", "5.2.1"), ("FS", "FS"), ("platform", "posix")] {
        info.set(name.as_bytes().into(), Value::text(text.as_bytes()));
    }
}

fn syntax_error(error: SyntaxError) -> Fail {
    Fail::Message(format!("{}:{}: {}", error.source, error.line, error.message), 1)
}

async fn read(t: &Tool, name: &[u8]) -> Result<Vec<u8>, Fail> {
    let mut text = Vec::new();
    let result = match t.open(name).await {
        Ok(mut input) => input.read_to_end(&mut text).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Ok(text),
        Err(error) => Err(Fail::Message(
            format!("fatal: cannot open source file `{}' for reading: {}", name.as_bstr(), error.strerror()),
            2,
        )),
    }
}

/// `name=value` apart.
fn assignment(argument: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = argument.split_once_str("=")?;
    let first = name.first()?;
    let is_name = (first.is_ascii_alphabetic() || *first == b'_')
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is_name.then_some((name, value))
}
