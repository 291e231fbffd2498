//! `kill` and `killall` as programs; in a shell `kill` is a builtin.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Pid, Signal, State, Target};

use crate::ps::{all, name, signal};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static KILL: Command = Command {
    name: "kill",
    usage: &["[options] <pid> [...]"],
    about: "Send a signal to processes: -SIGNAL, -s SIGNAL; -l lists their names, -L as a table.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&KILL, ctx, kill),
};

pub(crate) static KILLALL: Command = Command {
    name: "killall",
    usage: &["[OPTION]... NAME..."],
    about: "Kill processes by name.",
    options: &[
        Opt::flag("e,exact", "require exact match for very long names"),
        Opt::flag("I,ignore-case", "case insensitive process name match"),
        Opt::flag("g,process-group", "kill process group instead of process"),
        Opt::flag("i,interactive", "ask for confirmation before killing"),
        Opt::flag("l,list", "list all known signal names"),
        Opt::flag("q,quiet", "don't print complaints"),
        Opt::flag("r,regexp", "interpret NAME as an extended regular expression"),
        Opt::value("s,signal", "SIGNAL", "send this signal instead of SIGTERM"),
        Opt::value("u,user", "USER", "kill only process(es) running as USER"),
        Opt::flag("v,verbose", "report if the signal was successfully sent"),
        Opt::flag("w,wait", "wait for processes to die"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&KILLALL, ctx, killall),
};

const USAGE: &str = "\nUsage:\n kill [options] <pid> [...]\n\nOptions:\n \
    <pid> [...]            send signal to every <pid> listed\n \
    -<signal>, -s, --signal <signal>\n                        specify the <signal> to be sent\n \
    -l, --list=[<signal>]  list all signal names, or convert one to a name\n \
    -L, --table            list all signal names in a nice table\n";

async fn usage(t: &mut Tool) -> Done {
    t.err.put(USAGE.as_bytes());
    let _ = t.err.flush().await;
    Err(Fail::Status(1))
}

async fn kill(t: &mut Tool) -> Done {
    let mut send = Some(Signal::Term);
    let mut targets: Vec<BString> = Vec::new();
    let mut arguments = t.arguments().into_iter();
    while let Some(argument) = arguments.next() {
        let given = match &argument[..] {
            b"-l" | b"--list" => return list(t, arguments.next()).await,
            b"-L" | b"--table" => {
                table(t);
                return Ok(());
            }
            b"--help" => return Err(Fail::Help),
            b"--version" => return Err(Fail::Version),
            b"-s" | b"--signal" | b"-n" => arguments.next(),
            b"--" => {
                targets.extend(arguments.by_ref());
                break;
            }
            text if targets.is_empty() && text.len() > 1 && text.starts_with(b"-") => {
                match text.strip_prefix(b"--signal=").or_else(|| text.strip_prefix(b"--list=")) {
                    Some(value) if text.starts_with(b"--list=") => return list(t, Some(value.into())).await,
                    Some(value) => Some(value.into()),
                    None => Some(text.get(1..).unwrap_or_default().into()),
                }
            }
            _ => {
                targets.push(argument);
                continue;
            }
        };
        let given = given.unwrap_or_default();
        send = match &given[..] {
            b"0" | b"EXIT" => None,
            text => match signal(text) {
                Some(found) => Some(found),
                None => {
                    let message = format!("unknown signal name {given}");
                    return Err(Fail::Message(message, 1));
                }
            },
        };
    }
    if targets.is_empty() {
        return usage(t).await;
    }
    for text in &targets {
        let number: Option<i64> = text.to_str().ok().and_then(|text| text.parse().ok());
        let Some(number) = number else {
            t.error(format!("failed to parse argument: '{text}'")).await?;
            continue;
        };
        let id = u32::try_from(number.unsigned_abs()).ok().and_then(Pid::new);
        let target = match (number, id) {
            (0, _) => Some(Target::Group(t.ctx.group())),
            (-1, _) => Some(Target::All),
            (..0, Some(id)) => Some(Target::Group(id)),
            (_, Some(id)) => Some(Target::Process(id)),
            _ => None,
        };
        let sent = match target {
            Some(target) => t.ctx.kill(target, send),
            None => Err(wasmsh_os::Errno::NoProcess),
        };
        if let Err(error) = sent {
            t.error(format!("({number}): {}", error.strerror())).await?;
        }
    }
    Ok(())
}

async fn list(t: &mut Tool, which: Option<BString>) -> Done {
    let Some(which) = which else {
        let names: Vec<&str> = Signal::ALL.iter().map(|signal| listed(*signal)).collect();
        for line in names.chunks(16) {
            t.out.put(line.join(" ").as_bytes());
            t.out.put(b"\n");
        }
        return Ok(());
    };
    let number: Option<u32> = which.to_str().ok().and_then(|text| text.parse().ok());
    let text = match number {
        // A status of a process that a signal ended counts from 128.
        Some(number) => Signal::from_number(if number > 128 { number - 128 } else { number })
            .map(|signal| listed(signal).to_owned()),
        None => Signal::from_name(&which).map(|signal| signal.number().to_string()),
    };
    match text {
        Some(text) => t.out.put(format!("{text}\n").as_bytes()),
        None => return Err(Fail::Message(format!("unknown signal name {which}"), 1)),
    }
    Ok(())
}

/// The name of a signal as this program has it.
fn listed(signal: Signal) -> &'static str {
    match signal.name() {
        "IO" => "POLL",
        name => name,
    }
}

fn table(t: &mut Tool) {
    for line in Signal::ALL.chunks(7) {
        let cells: Vec<String> =
            line.iter().map(|signal| format!("{:2} {:<7}", signal.number(), listed(*signal))).collect();
        // A full line ends with its last name; the one that is not full keeps its blanks.
        let text = format!("{} ", cells.join(" "));
        t.out.put(if line.len() == 7 { text.trim_end() } else { &text }.as_bytes());
        t.out.put(b"\n");
    }
}

async fn killall(t: &mut Tool) -> Done {
    let mut arguments = t.arguments();
    let mut send = Some(Signal::Term);
    if let Some(at) = arguments.iter().position(|argument| {
        argument
            .strip_prefix(b"-")
            .is_some_and(|text| text == b"0" || (text.len() > 1 && signal(text).is_some()))
    }) {
        let argument = arguments.remove(at);
        send = argument.strip_prefix(b"-").and_then(signal);
    }
    let (mut quiet, mut verbose, mut ignore_case, mut wait, mut groups, mut regex) =
        (false, false, false, false, false, false);
    let mut options = t.options_of(arguments);
    while let Some((option, value)) = options.next()? {
        match option {
            "q" => quiet = true,
            "v" => verbose = true,
            "I" => ignore_case = true,
            "w" => wait = true,
            "g" => groups = true,
            "r" => regex = true,
            "l" => return list(t, None).await,
            "s" => {
                let text = value.unwrap_or_default();
                send = match signal(&text) {
                    Some(found) => Some(found),
                    None if text == "0" => None,
                    None => {
                        let message = format!("{text}: unknown signal; {} -l lists signals.\n", t.name);
                        t.err.put(message.as_bytes());
                        let _ = t.err.flush().await;
                        return Err(Fail::Status(1));
                    }
                };
            }
            _ => {}
        }
    }
    let names = options.operands();
    if names.is_empty() {
        t.err.put(b"Usage: killall [OPTION]... [--] NAME...\n");
        let _ = t.err.flush().await;
        return Err(Fail::Status(1));
    }
    let own = t.ctx.pid();
    for wanted in &names {
        let pattern = match regex {
            true => {
                let syntax = wasmsh_regex::Syntax { ignore_case, ..wasmsh_regex::Syntax::EXTENDED };
                let pattern = wasmsh_regex::Regex::new(wanted, &syntax);
                Some(pattern.map_err(|error| Fail::Message(error.to_string(), 1))?)
            }
            false => None,
        };
        let mut killed = Vec::new();
        for process in all(t) {
            let ended = matches!(process.state, State::Zombie(_) | State::Gone(_));
            let called = name(&process);
            let same = match &pattern {
                Some(pattern) => pattern.is_match(&called).unwrap_or(false),
                None if ignore_case => called.eq_ignore_ascii_case(wanted),
                None => called == *wanted,
            };
            if process.pid == own || ended || !same {
                continue;
            }
            let target = if groups { Target::Group(process.group) } else { Target::Process(process.pid) };
            match t.ctx.kill(target, send) {
                Ok(()) => {
                    if verbose {
                        let number = send.map_or(0, Signal::number);
                        let message = format!("Killed {called}({}) with signal {number}\n", process.pid);
                        t.err.put(message.as_bytes());
                        let _ = t.err.flush().await;
                    }
                    killed.push(process.pid);
                }
                Err(error) => t.error(format!("{called}({}): {}", process.pid, error.strerror())).await?,
            }
        }
        if killed.is_empty() {
            t.status = 1;
            if !quiet {
                t.err.put(format!("{wanted}: no process found\n").as_bytes());
                let _ = t.err.flush().await;
            }
        }
        while wait && killed.iter().any(|pid| t.ctx.kernel().state(*pid).is_some_and(is_alive)) {
            t.ctx.sleep(100_000_000).await;
        }
    }
    Ok(())
}

fn is_alive(state: State) -> bool {
    matches!(state, State::Alive | State::Stopped(_))
}
