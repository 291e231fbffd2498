//! `getopt`: reads the options of a script and puts them in order, as that of util-linux.

use bstr::{BString, ByteSlice};

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "getopt",
    usage: &[
        "<optstring> <parameters>",
        "[options] [--] <optstring> <parameters>",
        "[options] -o|--options <optstring> [options] [--] <parameters>",
    ],
    about: "Parse command options.",
    options: &[
        Opt::flag("a,alternative", "allow long options starting with single -"),
        Opt::value("l,longoptions", "LONGOPTS", "the long options to be recognized"),
        Opt::value("n,name", "PROGNAME", "the name under which errors are reported"),
        Opt::value("o,options", "OPTSTRING", "the short options to be recognized"),
        Opt::flag("q,quiet", "disable error reporting by getopt(3)"),
        Opt::flag("Q,quiet-output", "no normal output"),
        Opt::value("s,shell", "SHELL", "set quoting conventions to those of <shell>"),
        Opt::flag("T,test", "test for getopt(1) version"),
        Opt::flag("u,unquoted", "do not quote the output"),
    ],
    more: "",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Whether an option takes an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    No,
    Must,
    May,
}

struct Plan {
    short: Vec<(u8, Takes)>,
    long: Vec<(BString, Takes)>,
    alternative: bool,
    /// Options end at the first operand.
    in_order: bool,
    /// Operands stay where they are.
    in_place: bool,
    quiet: bool,
    quote: bool,
    csh: bool,
    name: String,
}

async fn run(t: &mut Tool) -> Done {
    let compatible = t.ctx.env("GETOPT_COMPATIBLE").is_some();
    let mut arguments = t.arguments();
    let mut plan = Plan {
        short: Vec::new(),
        long: Vec::new(),
        alternative: false,
        in_order: t.ctx.env("POSIXLY_CORRECT").is_some(),
        in_place: false,
        quiet: false,
        quote: true,
        csh: false,
        name: "getopt".into(),
    };
    let first = arguments.first().cloned();
    if first.is_none() {
        if compatible {
            t.out.put(b" --\n");
            return Ok(());
        }
        return Err(Fail::Usage("missing optstring argument".into()));
    }
    let mut silent = false;
    let mut short: Option<BString> = None;
    if compatible || first.as_ref().is_some_and(|first| !first.starts_with(b"-")) {
        // The old form: nothing is quoted.
        plan.quote = false;
        let text = arguments.remove(0);
        short = Some(text.trim_start_with(|letter| letter == '-' || letter == '+').into());
        if arguments.first().is_some_and(|first| first == "--") {
            arguments.remove(0);
        }
        plan.in_order |= text.starts_with(b"+");
        plan.in_place = text.starts_with(b"-");
    } else {
        let mut options = crate::opts::Options::new(COMMAND.options, arguments, true);
        while let Some((name, value)) = options.next()? {
            let value = value.unwrap_or_default();
            match name {
                "a" => plan.alternative = true,
                "l" => add_long(&mut plan.long, &value)?,
                "n" => plan.name = value.to_string(),
                "o" => short = Some(value),
                "q" => plan.quiet = true,
                "Q" => silent = true,
                "s" => {
                    plan.csh = match &value[..] {
                        b"sh" | b"bash" => false,
                        b"csh" | b"tcsh" => true,
                        _ => {
                            return Err(Fail::Usage("unknown shell after -s or --shell argument".into()));
                        }
                    };
                }
                "T" => return Err(Fail::Status(4)),
                _ => plan.quote = false,
            }
        }
        arguments = options.operands();
        if short.is_none() {
            if arguments.is_empty() {
                return Err(Fail::Usage("missing optstring argument".into()));
            }
            short = Some(arguments.remove(0));
        }
        let text = short.clone().unwrap_or_default();
        plan.in_order |= text.starts_with(b"+");
        plan.in_place = text.starts_with(b"-");
    }
    let text = short.unwrap_or_default();
    add_short(&mut plan.short, text.trim_start_with(|letter| letter == '-' || letter == '+'));
    let (line, messages) = read(&plan, arguments);
    if !plan.quiet {
        for message in &messages {
            t.err.put(format!("{}: {message}\n", plan.name).as_bytes());
        }
        let _ = t.err.flush().await;
    }
    if !messages.is_empty() {
        t.status = 1;
    }
    if !silent {
        t.out.put(&line);
        t.out.put(b"\n");
    }
    Ok(())
}

fn add_long(long: &mut Vec<(BString, Takes)>, list: &[u8]) -> Done {
    for name in list.split(|byte| matches!(byte, b',' | b' ' | b'\t' | b'\n')).filter(|name| !name.is_empty())
    {
        let (name, takes) = match (name.strip_suffix(b"::"), name.strip_suffix(b":")) {
            (Some(name), _) => (name, Takes::May),
            (None, Some(name)) => (name, Takes::Must),
            (None, None) => (name, Takes::No),
        };
        if name.is_empty() {
            return Err(Fail::Usage("empty long option after -l or --long argument".into()));
        }
        long.push((name.into(), takes));
    }
    Ok(())
}

fn add_short(short: &mut Vec<(u8, Takes)>, text: &[u8]) {
    let mut rest = text;
    while let Some((letter, behind)) = rest.split_first() {
        let (takes, more) = match behind {
            [b':', b':', more @ ..] => (Takes::May, more),
            [b':', more @ ..] => (Takes::Must, more),
            more => (Takes::No, more),
        };
        if *letter != b':' {
            short.push((*letter, takes));
        }
        rest = more;
    }
}

/// The arguments in order, and what is wrong with them.
fn read(plan: &Plan, arguments: Vec<BString>) -> (Vec<u8>, Vec<String>) {
    let (mut out, mut messages) = (Vec::new(), Vec::new());
    let mut operands: Vec<BString> = Vec::new();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            operands.extend(rest.by_ref());
            break;
        }
        let long = argument
            .strip_prefix(b"--")
            .or_else(|| argument.strip_prefix(b"-").filter(|name| plan.alternative && !name.is_empty()))
            // One letter after one dash is the short option, if there is one.
            .filter(|name| {
                let letter = name.first().filter(|_| name.len() == 1 && !argument.starts_with(b"--"));
                !letter.is_some_and(|letter| plan.short.iter().any(|(other, _)| other == letter))
            });
        if let Some(text) = long {
            let dashes = if argument.starts_with(b"--") { "--" } else { "-" };
            match find_long(plan, text) {
                Ok(found) => {
                    let (name, takes) = found;
                    let given = text.split_once_str("=").map(|(_, value)| BString::from(value));
                    let full = format!(" --{name}");
                    match (takes, given) {
                        (Takes::No, Some(_)) => {
                            messages.push(format!("option '{dashes}{name}' doesn't allow an argument"));
                        }
                        (Takes::No, None) => out.extend_from_slice(full.as_bytes()),
                        (Takes::Must, None) => match rest.next() {
                            Some(value) => {
                                out.extend_from_slice(full.as_bytes());
                                put(plan, &value, &mut out);
                            }
                            None => {
                                messages.push(format!("option '{dashes}{name}' requires an argument"));
                            }
                        },
                        (_, value) => {
                            out.extend_from_slice(full.as_bytes());
                            put(plan, &value.unwrap_or_default(), &mut out);
                        }
                    }
                    continue;
                }
                Err(message) => {
                    let single = dashes == "-"
                        && text
                            .first()
                            .is_some_and(|letter| plan.short.iter().any(|(other, _)| other == letter));
                    if !single {
                        messages.push(message.replace("--", dashes));
                        continue;
                    }
                }
            }
        }
        if argument.len() > 1 && argument.starts_with(b"-") {
            cluster(plan, &argument, &mut rest, &mut out, &mut messages);
            continue;
        }
        if plan.in_place {
            put(plan, &argument, &mut out);
            continue;
        }
        operands.push(argument);
        if plan.in_order {
            operands.extend(rest.by_ref());
            break;
        }
    }
    out.extend_from_slice(b" --");
    for operand in &operands {
        put(plan, operand, &mut out);
    }
    (out, messages)
}

fn cluster(
    plan: &Plan,
    argument: &[u8],
    rest: &mut std::vec::IntoIter<BString>,
    out: &mut Vec<u8>,
    messages: &mut Vec<String>,
) {
    let mut letters = argument.get(1..).unwrap_or_default();
    while let Some((letter, behind)) = letters.split_first() {
        letters = behind;
        let shown = [*letter];
        let shown = shown.as_bstr();
        let Some((_, takes)) = plan.short.iter().find(|(other, _)| other == letter) else {
            messages.push(format!("invalid option -- '{shown}'"));
            continue;
        };
        let option = |out: &mut Vec<u8>| {
            out.extend_from_slice(b" -");
            out.push(*letter);
        };
        match takes {
            Takes::No => {
                option(out);
                continue;
            }
            Takes::Must if behind.is_empty() => match rest.next() {
                Some(value) => {
                    option(out);
                    put(plan, &value, out);
                }
                None => messages.push(format!("option requires an argument -- '{shown}'")),
            },
            _ => {
                option(out);
                put(plan, behind, out);
            }
        }
        return;
    }
}

/// A long option by its name or what that begins with. The error is the message.
fn find_long<'a>(plan: &'a Plan, text: &[u8]) -> Result<(&'a BString, Takes), String> {
    let name = text.split(|byte| *byte == b'=').next().unwrap_or_default();
    if let Some((full, takes)) = plan.long.iter().find(|(full, _)| full == name) {
        return Ok((full, *takes));
    }
    let matching: Vec<_> = plan.long.iter().filter(|(full, _)| full.starts_with(name)).collect();
    match &matching[..] {
        [(full, takes)] => Ok((full, *takes)),
        [] => Err(format!("unrecognized option '--{}'", name.as_bstr())),
        many => {
            let names: String = many.iter().map(|(full, _)| format!(" '--{full}'")).collect();
            Err(format!("option '--{}' is ambiguous; possibilities:{names}", name.as_bstr()))
        }
    }
}

/// An argument, quoted for the shell.
fn put(plan: &Plan, text: &[u8], out: &mut Vec<u8>) {
    out.push(b' ');
    if !plan.quote {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'\'');
    for byte in text {
        match byte {
            b'\'' => out.extend_from_slice(b"'\\''"),
            b'\\' if plan.csh => out.extend_from_slice(b"\\\\"),
            b'!' if plan.csh => out.extend_from_slice(b"'\\!'"),
            b'\n' if plan.csh => out.extend_from_slice(b"\\n"),
            _ => out.push(*byte),
        }
    }
    out.push(b'\'');
}
