//! `jq`: the command line. The language is in the modules below: `parse` makes trees, `compile` nodes, `machine` runs
//! them; `read` and `print` are JSON.

use std::collections::HashMap;
use std::rc::Rc;

use bstr::{BString, ByteSlice};

mod compile;
mod dates;
mod format;
mod host;
mod input;
mod machine;
mod modules;
mod natives;
mod node;
mod number;
mod ops;
mod parse;
mod paths;
mod print;
mod read;
mod regex;
mod syntax;
mod value;

pub(crate) use number::parse as number;
pub(crate) use print::{Escapes, compact, quote};
pub(crate) use read::{Reader, Step};
pub(crate) use value::Value;

use compile::Program;
use host::{Fault, Host};
use input::{Inputs, Mode, Next};
use machine::{Machine, Outcome};
use modules::Loader;
use print::{Colors, Style};
use value::Members;

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "jq",
    usage: &[
        "[OPTIONS] FILTER [FILES...]",
        "[OPTIONS] -f FILE [FILES...]",
        "[OPTIONS] --args FILTER [ARGUMENTS...]",
        "[OPTIONS] --jsonargs FILTER [JSON_VALUES...]",
    ],
    about: "Process JSON: FILTER is applied to each value of the FILES, or of standard input.",
    options: &[
        Opt::flag("n,null-input", "use null as the only input"),
        Opt::flag("R,raw-input", "each line of the input is a string"),
        Opt::flag("s,slurp", "read all inputs into one array"),
        Opt::flag("c,compact-output", "one line for each result"),
        Opt::flag("r,raw-output", "strings without quotation marks"),
        Opt::flag("raw-output0", "as -r, with NUL after each result"),
        Opt::flag("j,join-output", "as -r, without newlines"),
        Opt::flag("a,ascii-output", "escape what is not ASCII"),
        Opt::flag("S,sort-keys", "order the keys of objects"),
        Opt::flag("C,color-output", "colours"),
        Opt::flag("M,monochrome-output", "no colours"),
        Opt::flag("tab", "indent with tabs"),
        Opt::value("indent", "n", "indent with n blanks, up to 7"),
        Opt::flag("unbuffered", "write each result at once"),
        Opt::flag("stream", "parse into pairs of path and leaf"),
        Opt::flag("stream-errors", "as --stream, errors as values"),
        Opt::flag("seq", "RS before each result, and between inputs"),
        Opt::flag("f,from-file", "read the filter from a file"),
        Opt::value("L,library-path", "dir", "search modules in dir"),
        Opt::value("arg", "name value", "set $name to a string"),
        Opt::value("argjson", "name value", "set $name to a JSON value"),
        Opt::value("slurpfile", "name file", "set $name to the values of a file"),
        Opt::value("rawfile", "name file", "set $name to the text of a file"),
        Opt::flag("args", "what follows are strings"),
        Opt::flag("jsonargs", "what follows are JSON values"),
        Opt::flag("e,exit-status", "status 1 if the last result is false or null"),
    ],
    more: "",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Steps of the machine between two looks at the clock.
const SLICE: u32 = 512;

#[derive(Default)]
struct Settings {
    mode: Mode,
    style: Style,
    null_input: bool,
    raw: bool,
    join: bool,
    nul: bool,
    unbuffered: bool,
    seq: bool,
    from_file: bool,
    exit_status: bool,
    color: Option<bool>,
    libraries: Vec<String>,
    named: Members,
    positional: Vec<Value>,
    program: Option<BString>,
    files: Vec<BString>,
}

fn usage(message: impl std::fmt::Display) -> Fail {
    Fail::Message(
        format!(
            "{message}\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs at https://jqlang.org"
        ),
        2,
    )
}

enum Rest {
    Files,
    Strings,
    Json,
}

/// The options of jq are its own: `--arg` takes two arguments, and operands may follow each option.
async fn settings(t: &mut Tool) -> Result<Settings, Fail> {
    let mut settings = Settings { style: Style { indent: 2, ..Style::default() }, ..Settings::default() };
    let mut arguments = t.arguments().into_iter();
    let mut rest = Rest::Files;
    let mut plain = false;
    while let Some(argument) = arguments.next() {
        // What looks like no option is a program: `-.` and the like.
        let is_option =
            matches!(argument.as_slice(), [b'-', next, ..] if next.is_ascii_alphabetic() || *next == b'-');
        let is_option = is_option
            && !matches!(argument.as_slice(), [b'-', b'-', next, ..] if !next.is_ascii_alphabetic());
        if plain || !is_option {
            if settings.program.is_none() {
                settings.program = Some(argument);
                continue;
            }
            match rest {
                Rest::Files => settings.files.push(argument),
                Rest::Strings => settings.positional.push(Value::string(argument.to_str_lossy())),
                Rest::Json => match read::whole(&argument) {
                    Ok(Some(value)) => settings.positional.push(value),
                    _ => return Err(usage("invalid JSON text passed to --jsonargs")),
                },
            }
            continue;
        }
        if argument == "--" {
            plain = true;
            continue;
        }
        if let Some(long) = argument.strip_prefix(b"--") {
            let name = long.to_str_lossy().into_owned();
            let two =
                |arguments: &mut dyn Iterator<Item = BString>| match (arguments.next(), arguments.next()) {
                    (Some(name), Some(value)) => Ok((Rc::new(name.to_str_lossy().into_owned()), value)),
                    _ => Err(usage(format!(
                        "--{name} takes two parameters (e.g. --{name} {})",
                        match name.as_str() {
                            "arg" => "varname value",
                            "argjson" => "varname text",
                            _ => "varname filename",
                        }
                    ))),
                };
            match name.as_str() {
                "arg" => {
                    let (name, value) = two(&mut arguments)?;
                    settings.named.entry(name).or_insert(Value::string(value.to_str_lossy()));
                }
                "argjson" => {
                    let (name, text) = two(&mut arguments)?;
                    let value = match read::whole(&text) {
                        Ok(Some(value)) => value,
                        _ => return Err(usage("invalid JSON text passed to --argjson")),
                    };
                    settings.named.entry(name).or_insert(value);
                }
                "slurpfile" | "rawfile" => {
                    let raw = name == "rawfile";
                    let (variable, file) = two(&mut arguments)?;
                    let text = match t.open(&file).await {
                        Ok(mut input) => {
                            let mut bytes = Vec::new();
                            input.read_to_end(&mut bytes).await.map(|()| bytes)
                        }
                        Err(error) => Err(error),
                    };
                    let bad = |what: String| {
                        Fail::Message(
                            format!("Bad JSON in --{name} {variable} {}: {what}", file.as_bstr()),
                            2,
                        )
                    };
                    let text = text.map_err(|error| {
                        bad(format!("Could not open {}: {}", file.as_bstr(), error.strerror()))
                    })?;
                    let value = if raw {
                        Value::string(text.to_str_lossy())
                    } else {
                        modules::data(&text).map_err(bad)?
                    };
                    settings.named.entry(variable).or_insert(value);
                }
                "indent" => {
                    let text = arguments.next().ok_or_else(|| usage("--indent takes one parameter"))?;
                    let number: i64 = text
                        .to_str()
                        .ok()
                        .and_then(|text| text.parse().ok())
                        .ok_or_else(|| usage("--indent takes a number"))?;
                    match usize::try_from(number) {
                        Ok(count) if count <= 7 => settings.style.indent = count,
                        Ok(_) => return Err(usage("Cannot indent more than 7 characters")),
                        Err(_) => return Err(usage("Cannot indent less than zero")),
                    }
                    settings.style.tabs = false;
                }
                "library-path" => {
                    let path = arguments.next().ok_or_else(|| {
                        usage("--library-path takes a parameter: (e.g. --library-path /search/path)")
                    })?;
                    settings.libraries.push(path.to_str_lossy().into_owned());
                }
                "args" => rest = Rest::Strings,
                "jsonargs" => rest = Rest::Json,
                "tab" => {
                    settings.style.tabs = true;
                    settings.style.indent = 1;
                }
                "raw-output0" => (settings.raw, settings.nul) = (true, true),
                "unbuffered" => settings.unbuffered = true,
                "stream" => settings.mode.stream = true,
                "stream-errors" => (settings.mode.stream, settings.mode.stream_errors) = (true, true),
                "seq" => (settings.mode.seq, settings.seq) = (true, true),
                "help" => return Err(Fail::Help),
                "version" => return Err(version(t)),
                "build-configuration" => {
                    t.out.put(b"wasmsh\n");
                    return Err(Fail::Status(0));
                }
                "debug-dump-disasm" | "debug-trace" => {
                    return Err(usage(format!("--{name} is not available here")));
                }
                _ => {
                    let letter = match name.as_str() {
                        "null-input" => 'n',
                        "raw-input" => 'R',
                        "slurp" => 's',
                        "compact-output" => 'c',
                        "raw-output" => 'r',
                        "join-output" => 'j',
                        "ascii-output" => 'a',
                        "sort-keys" => 'S',
                        "color-output" => 'C',
                        "monochrome-output" => 'M',
                        "from-file" => 'f',
                        "exit-status" => 'e',
                        _ => return Err(usage(format!("Unknown option --{name}"))),
                    };
                    short(t, &mut settings, letter)?;
                }
            }
            continue;
        }
        let mut letters = argument.chars().skip(1);
        while let Some(letter) = letters.next() {
            if letter == 'L' {
                let attached: String = letters.by_ref().collect();
                let path = if attached.is_empty() {
                    let path = arguments.next().ok_or_else(|| {
                        usage("-L takes a parameter: (e.g. -L /search/path or -L/search/path)")
                    })?;
                    path.to_str_lossy().into_owned()
                } else {
                    attached
                };
                settings.libraries.push(path);
            } else if short(t, &mut settings, letter).is_err_and(|fail| matches!(fail, Fail::Usage(_))) {
                return Err(usage(format!("Unknown option {}", argument.as_bstr())));
            } else if letter == 'h' {
                return Err(Fail::Help);
            } else if letter == 'V' {
                return Err(version(t));
            }
        }
    }
    Ok(settings)
}

fn version(t: &mut Tool) -> Fail {
    t.out.put(b"jq-1.8.1\n");
    Fail::Status(0)
}

/// An option of one letter; `Usage`: there is none.
fn short(_: &mut Tool, settings: &mut Settings, letter: char) -> Done {
    match letter {
        'n' => settings.null_input = true,
        'R' => settings.mode.raw = true,
        's' => settings.mode.slurp = true,
        'c' => {
            settings.style.indent = 0;
            settings.style.tabs = false;
        }
        'r' => settings.raw = true,
        'j' => (settings.raw, settings.join) = (true, true),
        'a' => settings.style.ascii = true,
        'S' => settings.style.sorted = true,
        'C' => settings.color = Some(true),
        'M' => settings.color = Some(false),
        'f' => settings.from_file = true,
        'e' => settings.exit_status = true,
        'h' | 'V' => {}
        _ => return Err(Fail::Usage(String::new())),
    }
    Ok(())
}

/// A message about a program, with the line it is about.
fn compile_message(text: &str, message: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.len() - begin + 1;
    let end = text.get(begin..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| begin + length);
    let shown = text.get(begin..end).unwrap_or_default();
    format!(
        "error: {message} at <top-level>, line {line}, column {column}:\n    {shown}\n    {}^\njq: 1 compile error",
        " ".repeat(column - 1)
    )
}

async fn compile(t: &mut Tool, settings: &Settings, search: &[String]) -> Result<Program, Fail> {
    let mut text = settings.program.clone().unwrap_or_else(|| ".".into());
    if settings.from_file {
        let read = match t.open(&text).await {
            Ok(mut input) => {
                let mut bytes = Vec::new();
                input.read_to_end(&mut bytes).await.map(|()| bytes)
            }
            Err(error) => Err(error),
        };
        text = read
            .map_err(|error| {
                Fail::Message(format!("error: Could not open {}: {}", text, error.strerror()), 2)
            })?
            .into();
    }
    let text = text.to_str_lossy().into_owned();
    let source = parse::parse(&text)
        .map_err(|error| Fail::Message(compile_message(&text, &error.message, error.at), 3))?;
    let modules = Loader::new(search.to_vec())
        .load(t, source)
        .await
        .map_err(|message| Fail::Message(format!("error: {message}\n\njq: 1 compile error"), 3))?;
    let mut globals: HashMap<String, Value> =
        settings.named.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let mut all = Members::default();
    all.insert(Rc::new("positional".into()), Value::array(settings.positional.clone()));
    all.insert(Rc::new("named".into()), Value::object(settings.named.clone()));
    globals.entry("ARGS".into()).or_insert(Value::object(all));
    let environment = t.ctx.environment();
    let variables = environment.iter().map(|(name, value)| {
        (Rc::new(name.to_str_lossy().into_owned()), Value::string(value.to_str_lossy()))
    });
    globals.entry("ENV".into()).or_insert(Value::object(variables.collect()));
    globals.entry("__prog_name".into()).or_insert(Value::string("jq"));
    compile::compile(&modules, globals).map_err(|error| {
        let message = error.to_string();
        let name = message.split(['/', ' ']).next().unwrap_or_default();
        let at = text.find(name.trim_start_matches("$*label-")).unwrap_or(0);
        Fail::Message(compile_message(&text, &message, at), 3)
    })
}

async fn run(t: &mut Tool) -> Done {
    // jq tells its errors under its own name, whatever it was called.
    t.name = "jq".into();
    let mut settings = settings(t).await?;
    let colors = settings.color.unwrap_or_else(|| {
        t.ctx.is_terminal(1) && t.ctx.env("NO_COLOR").is_none_or(|value| value.is_empty())
    });
    if colors {
        let variable = t.ctx.env("JQ_COLORS");
        settings.style.colors = Some(Colors::new(variable.as_ref().map(|value| &value[..])));
    }
    if settings.program.is_none() {
        return Err(Fail::UsageStatus(String::new(), 2));
    }
    let search = if settings.libraries.is_empty() {
        ["~/.jq", "$ORIGIN/../lib/jq", "$ORIGIN/../lib"].map(String::from).to_vec()
    } else {
        settings.libraries.clone()
    };
    let program = compile(t, &settings, &search).await?;
    let host = Host::new(t.ctx.clone(), search);
    let ceiling = host.ceiling();
    let machine = Machine::new(Rc::clone(&program.functions), host, ceiling);
    let inputs = Inputs::new(settings.mode, std::mem::take(&mut settings.files));
    let mut session =
        Session { settings, program, machine, inputs, status: 0, last: None, text: String::new() };
    session.run(t).await
}

/// A run over all inputs.
struct Session {
    settings: Settings,
    program: Program,
    machine: Machine,
    inputs: Inputs,
    /// 5 after an error of the program, 2 after one of the input.
    status: u8,
    /// Whether the last result was true.
    last: Option<bool>,
    text: String,
}

impl Session {
    async fn run(&mut self, t: &mut Tool) -> Done {
        if self.settings.null_input {
            self.process(t, Value::Null).await?;
        } else {
            loop {
                match self.inputs.next(t).await? {
                    Next::Value(value) => self.process(t, value).await?,
                    Next::End => break,
                    Next::Error(message) => {
                        self.status = 5;
                        t.warn(format!("parse error: {message}")).await?;
                        break;
                    }
                }
            }
        }
        t.status = if self.status != 0 {
            self.status
        } else if self.inputs.failed {
            2
        } else if self.settings.exit_status {
            match self.last {
                Some(true) => 0,
                Some(false) => 1,
                None => 4,
            }
        } else {
            0
        };
        Ok(())
    }

    async fn process(&mut self, t: &mut Tool, value: Value) -> Done {
        if !self.settings.null_input {
            self.machine.host.filename = self.inputs.name.clone();
            self.machine.host.line = self.inputs.line();
        }
        self.machine.start(&self.program.main, value);
        loop {
            let outcome = self.machine.run(SLICE);
            if self.machine.host.has_messages() {
                t.out.flush().await?;
                let messages = self.machine.host.take_messages();
                t.err.put(&messages);
                let _ = t.err.flush().await;
            }
            match outcome {
                Outcome::Value(value) => {
                    self.write(t, &value).await?;
                    t.ctx.ticks(8).await;
                }
                Outcome::Paused => t.ctx.ticks(SLICE).await,
                Outcome::Done => {
                    t.ctx.ticks(8).await;
                    return Ok(());
                }
                Outcome::Input => match self.inputs.next(t).await? {
                    Next::Value(value) => {
                        self.machine.host.filename = self.inputs.name.clone();
                        self.machine.host.line = self.inputs.line();
                        self.machine.input(Some(value));
                    }
                    Next::End => self.machine.input(None),
                    Next::Error(message) => self.machine.input_error(message),
                },
                Outcome::Module(name) => {
                    let answer = match name.as_str() {
                        Some(name) => Loader::new(self.machine.host.search.clone()).meta(t, name).await,
                        None => Err("modulemeta input module name must be a string".into()),
                    };
                    self.machine.answer(answer);
                }
                Outcome::Fault(Fault::Halt(status, text)) => {
                    t.out.flush().await?;
                    t.err.put(&text);
                    let _ = t.err.flush().await;
                    return Err(Fail::Status(status));
                }
                Outcome::Fault(fault) => {
                    self.status = 5;
                    let place = match &self.machine.host.filename {
                        Some(file) => format!("{file}:{}", self.machine.host.line),
                        None => "<unknown>".into(),
                    };
                    let message = match fault {
                        Fault::Error(Value::String(text)) => format!("error (at {place}): {text}"),
                        Fault::Error(value) => {
                            format!("error (at {place}) (not a string): {}", print::compact(&value))
                        }
                        Fault::Fatal(text) => format!("error: {text}"),
                        Fault::Break(_) | Fault::Halt(..) => format!("error (at {place}): break"),
                    };
                    return t.warn(message).await;
                }
            }
        }
    }

    async fn write(&mut self, t: &mut Tool, value: &Value) -> Done {
        self.last = Some(value.is_true());
        if self.settings.seq {
            t.out.put(b"\x1e");
        }
        match value {
            Value::String(text) if self.settings.raw => {
                if self.settings.nul && text.contains('\0') {
                    self.status = 5;
                    return t.warn("error (at <unknown>): Cannot dump a string containing NUL with --raw-output0 option").await;
                }
                if self.settings.style.ascii {
                    self.text.clear();
                    print::quote(text, print::Escapes::Ascii, &mut self.text);
                    t.out.put(self.text.as_bytes());
                } else {
                    t.out.put(text.as_bytes());
                }
            }
            value => {
                self.text.clear();
                self.settings.style.write(value, &mut self.text);
                t.out.put(self.text.as_bytes());
            }
        }
        if self.settings.nul {
            t.out.put(b"\0");
        } else if !self.settings.join {
            t.out.put(b"\n");
        }
        if self.settings.unbuffered {
            t.out.flush().await?
        } else {
            t.out.drain().await?
        }
        Ok(())
    }
}
