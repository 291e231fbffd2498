//! `env`: runs a program in a changed environment, or shows the environment.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Disposition, Environment, Errno, Signal};

use crate::quote::quote_always;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "env",
    usage: &["[OPTION]... [-] [NAME=VALUE]... [COMMAND [ARG]...]"],
    about: "Set each NAME to VALUE in the environment and run COMMAND.",
    options: &[
        Opt::flag("i,ignore-environment", "start with an empty environment"),
        Opt::flag("0,null", "end each output line with NUL, not newline"),
        Opt::value("u,unset", "NAME", "remove variable from the environment"),
        Opt::value("C,chdir", "DIR", "change working directory to DIR"),
        Opt::value(
            "S,split-string",
            "S",
            "process and split S into separate arguments;\nused to pass multiple arguments on shebang lines",
        ),
        Opt::optional("block-signal", "SIG", "block delivery of SIG signal(s) to COMMAND"),
        Opt::optional("default-signal", "SIG", "reset handling of SIG signal(s) to the default"),
        Opt::optional("ignore-signal", "SIG", "set handling of SIG signal(s) to do nothing"),
        Opt::flag("list-signal-handling", "list non default signal handling to stderr"),
        Opt::flag("v,debug", "print verbose information for each processing step"),
    ],
    more: "A mere - implies -i.  If no COMMAND, print the resulting environment.",
    usage_status: 125,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut environment = t.ctx.environment();
    let mut null = false;
    let mut directory: Option<BString> = None;
    let mut unset = Vec::new();
    let (mut verbose, mut list) = (false, false);
    let mut options = t.options_in_order();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "i" => environment = Environment::default(),
            "0" => null = true,
            "u" => unset.push(value),
            "C" => directory = Some(value),
            "S" => {
                let words = split_string(t, &value)?;
                options.insert(words);
            }
            "v" => verbose = true,
            "list-signal-handling" => list = true,
            "default-signal" | "ignore-signal" | "block-signal" => {
                let what = if name == "ignore-signal" { Disposition::Ignore } else { Disposition::Default };
                for signal in signals(t, &value)? {
                    // A process cannot block signals here; it is only checked that they are some.
                    if name != "block-signal" {
                        t.ctx.set_disposition(signal, what);
                    }
                }
            }
            _ => {}
        }
    }
    let mut operands = options.operands();
    if operands.first().is_some_and(|first| first == "-") {
        environment = Environment::default();
        operands.remove(0);
    }
    for name in unset {
        if name.is_empty() || name.contains(&b'=') {
            let message = format!("cannot unset {}: Invalid argument", t.quote(&name));
            return Err(Fail::Message(message, 125));
        }
        environment.remove(&name);
    }
    let assignments = operands.iter().take_while(|operand| operand.contains(&b'=')).count();
    for assignment in operands.drain(..assignments) {
        if let Some((name, value)) = assignment.split_once_str("=") {
            environment.set(name, value);
        }
    }
    if operands.is_empty() {
        if directory.is_some() {
            return Err(Fail::Usage("must specify command with --chdir (-C)".into()));
        }
        for (name, value) in environment.iter() {
            t.out.put(name);
            t.out.put_byte(b'=');
            t.out.put(value);
            t.out.put_byte(if null { 0 } else { b'\n' });
        }
        return Ok(());
    }
    if null {
        return Err(Fail::Usage("cannot specify --null (-0) with command".into()));
    }
    if let Some(directory) = directory {
        change_directory(t, &directory).map_err(|error| {
            Fail::Message(
                format!("cannot change directory to {}: {}", quote_always(&directory), error.strerror()),
                125,
            )
        })?;
    }
    if list {
        for signal in Signal::ALL {
            if t.ctx.disposition(signal) == Disposition::Ignore {
                t.err.put(format!("{:<10} ({:2}): IGNORE\n", signal.name(), signal.number()).as_bytes());
            }
        }
        let _ = t.err.flush().await;
    }
    if verbose && let Some(program) = operands.first() {
        t.err.put(format!("executing: {program}\n").as_bytes());
        for (index, word) in operands.iter().enumerate() {
            let word = t.quote(word);
            t.err.put(format!("   arg[{index}]= {word}\n").as_bytes());
        }
        let _ = t.err.flush().await;
    }
    let spaced = operands.first().is_some_and(|name| name.iter().any(u8::is_ascii_whitespace));
    let done = execute(t, operands, Some(environment)).await;
    if spaced && matches!(done, Err(Fail::Message(_, 127))) {
        if let Err(Fail::Message(message, _)) = &done {
            t.warn(message).await?;
        }
        t.warn("use -[v]S to pass options in shebang lines").await?;
        return Err(Fail::Status(127));
    }
    done
}

fn change_directory(t: &Tool, path: &[u8]) -> Result<(), Errno> {
    let path = t.ctx.canonicalize(path)?;
    if !t.ctx.stat(path.as_bytes(), true)?.is_directory() {
        return Err(Errno::NotDirectory);
    }
    t.ctx.access(path.as_bytes(), wasmsh_os::AccessMode::EXECUTE)?;
    t.ctx.set_cwd(path);
    Ok(())
}

fn signals(t: &Tool, list: &[u8]) -> Result<Vec<Signal>, Fail> {
    if list.is_empty() {
        let can_change = |signal: &Signal| !matches!(signal, Signal::Kill | Signal::Stop);
        return Ok(Signal::ALL.into_iter().filter(can_change).collect());
    }
    list.split(|byte| *byte == b',')
        .map(|name| {
            let number = std::str::from_utf8(name).ok().and_then(|text| text.parse().ok());
            number
                .and_then(Signal::from_number)
                .or_else(|| Signal::from_name(name))
                .ok_or_else(|| Fail::Usage(format!("{}: invalid signal", t.quote(name))))
        })
        .collect()
}

/// Runs a program in the place of this one, or fails with 127 or 126.
pub(crate) async fn execute(t: &mut Tool, words: Vec<BString>, environment: Option<Environment>) -> Done {
    t.out.flush().await?;
    let Some(program) = words.first().cloned() else { return Err(t.missing_operand()) };
    match t.ctx.exec(&program, words, environment) {
        Ok(()) => match t.ctx.gone().await {},
        Err(error) => {
            let status = if error == Errno::NoEntry { 127 } else { 126 };
            Err(Fail::Message(format!("{}: {}", t.quote(&program), error.strerror()), status))
        }
    }
}

/// The words of `-S` (coreutils manual, "env: -S/--split-string usage").
fn split_string(t: &Tool, text: &[u8]) -> Result<Vec<BString>, Fail> {
    let fail = |message: &str| Err(Fail::Message(message.into(), 125));
    let mut words: Vec<BString> = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote: Option<u8> = None;
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\'', None) | (b'"', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (_, Some(open)) if byte == open => quote = None,
            (b' ' | b'\t' | b'\n' | b'\r' | 11 | 12, None) => words.extend(word.take().map(BString::from)),
            (b'#', None) if word.is_none() => break,
            (b'\\', Some(b'\'')) => match bytes.peek() {
                Some(b'\\' | b'\'') => word.get_or_insert_default().extend(bytes.next()),
                _ => word.get_or_insert_default().push(b'\\'),
            },
            (b'\\', _) => {
                let replaced = match bytes.next() {
                    Some(b'_') if quote.is_some() => b' ',
                    Some(b'_') => {
                        words.extend(word.take().map(BString::from));
                        continue;
                    }
                    Some(b'c') if quote.is_some() => {
                        return fail("'\\c' must not appear in double-quoted -S string");
                    }
                    Some(b'c') => break,
                    Some(b'f') => 12,
                    Some(b'n') => b'\n',
                    Some(b'r') => b'\r',
                    Some(b't') => b'\t',
                    Some(b'v') => 11,
                    Some(other @ (b'\\' | b'"' | b'\'' | b'#' | b'$')) => other,
                    Some(other) => return fail(&format!("invalid sequence '\\{}' in -S", char::from(other))),
                    None => return fail("invalid backslash at end of string in -S"),
                };
                word.get_or_insert_default().push(replaced);
            }
            (b'$', None | Some(b'"')) => {
                let at = text.len() - bytes.clone().count() - 1;
                let place = text.get(at..).unwrap_or_default().as_bstr();
                let wrong = &format!("only ${{VARNAME}} expansion is supported, error at: {place}");
                let mut name = Vec::new();
                if bytes.next() != Some(b'{') {
                    return fail(wrong);
                }
                loop {
                    match bytes.next() {
                        Some(b'}') if !name.is_empty() => break,
                        Some(letter) if letter.is_ascii_alphabetic() || letter == b'_' => name.push(letter),
                        Some(digit) if digit.is_ascii_digit() && !name.is_empty() => name.push(digit),
                        _ => return fail(wrong),
                    }
                }
                if let Some(value) = t.ctx.environment().get(&name) {
                    word.get_or_insert_default().extend_from_slice(value);
                }
            }
            _ => word.get_or_insert_default().push(byte),
        }
    }
    if quote.is_some() {
        return fail("no terminating quote in -S string");
    }
    words.extend(word.map(BString::from));
    Ok(words)
}
