//! `pgrep` and `pkill`: find processes by name, and signal them.

use bstr::{BString, ByteSlice};
use wasmsh_os::{ProcessInfo, Signal, State, Target};

use crate::ps::{all, command_line, name, signal};
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::value("d,delimiter", "STRING", "specify output delimiter"),
    Opt::flag("l,list-name", "list PID and process name"),
    Opt::flag("a,list-full", "list PID and full command line"),
    Opt::flag("v,inverse", "negates the matching"),
    Opt::flag("c,count", "count of matching processes"),
    Opt::flag("e,echo", "display what is killed"),
    Opt::flag("f,full", "use full process name to match"),
    Opt::value("g,pgroup", "PGID,...", "match listed process group IDs"),
    Opt::flag("i,ignore-case", "match case insensitively"),
    Opt::flag("n,newest", "select most recently started"),
    Opt::flag("o,oldest", "select least recently started"),
    Opt::value("P,parent", "PPID,...", "match only child processes of the given parent"),
    Opt::value("s,session", "SID,...", ""),
    Opt::value("t,terminal", "TTY,...", ""),
    Opt::value("u,euid", "ID,...", "match by effective IDs"),
    Opt::value("U,uid", "ID,...", "match by real IDs"),
    Opt::flag("x,exact", "match exactly with the command name"),
    Opt::value("signal", "SIG", "signal to send (either number or name)"),
    Opt::value("r,runstates", "STATE", "match runstates [D,S,Z,...]"),
];

pub(crate) static PGREP: Command = Command {
    name: "pgrep",
    usage: &["[options] <pattern>"],
    about: "Look up processes by name.",
    options: OPTIONS,
    more: "",
    usage_status: 2,
    main: |ctx| start(&PGREP, ctx, async |t: &mut Tool| run(t, false).await),
};

pub(crate) static PKILL: Command = Command {
    name: "pkill",
    usage: &["[options] <pattern>"],
    about: "Signal processes by name.",
    options: OPTIONS,
    more: "",
    usage_status: 2,
    main: |ctx| start(&PKILL, ctx, async |t: &mut Tool| run(t, true).await),
};

async fn run(t: &mut Tool, kill: bool) -> Done {
    let mut arguments = t.arguments();
    let mut send = Some(Signal::Term);
    if kill
        && let Some(at) = arguments.iter().position(|argument| {
            argument
                .strip_prefix(b"-")
                .is_some_and(|text| text == b"0" || (text.len() > 1 && signal(text).is_some()))
        })
    {
        let argument = arguments.remove(at);
        send = argument.strip_prefix(b"-").and_then(signal);
    }
    let mut delimiter = BString::from("\n");
    let (mut names, mut full_names, mut inverse, mut count, mut echo) = (false, false, false, false, false);
    let (mut full, mut ignore_case, mut exact, mut newest, mut oldest) = (false, false, false, false, false);
    let (mut groups, mut parents): (Option<Vec<u32>>, Option<Vec<u32>>) = (None, None);
    let mut users: Option<Vec<BString>> = None;
    let mut options = crate::opts::Options::new(OPTIONS, arguments, false);
    let mut criteria = 0;
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        let numbers = || -> Result<Vec<u32>, Fail> {
            value
                .split(|byte| *byte == b',')
                .map(|word| {
                    let number = word.to_str().ok().and_then(|text| text.parse().ok());
                    number.ok_or_else(|| Fail::Usage(format!("not a number: {}", word.as_bstr())))
                })
                .collect()
        };
        match name {
            "d" => delimiter = value,
            "l" => names = true,
            "a" => full_names = true,
            "v" => inverse = true,
            "c" => count = true,
            "e" => echo = true,
            "f" => full = true,
            "g" => groups = Some(numbers()?),
            "i" => ignore_case = true,
            "n" => newest = true,
            "o" => oldest = true,
            "P" => parents = Some(numbers()?),
            "u" | "U" => users = Some(value.split(|byte| *byte == b',').map(BString::from).collect()),
            "x" => exact = true,
            "signal" => {
                send = match &value[..] {
                    b"0" => None,
                    text => Some(
                        signal(text).ok_or_else(|| Fail::Usage(format!("Unknown signal \"{value}\".")))?,
                    ),
                };
            }
            _ => {}
        }
        criteria += i32::from(matches!(name, "g" | "P" | "u" | "U" | "n" | "o" | "s" | "t" | "r"));
    }
    let operands = options.operands();
    if operands.len() > 1 {
        return Err(Fail::Message(
            format!("only one pattern can be provided\nTry `{} --help' for more information.", t.name),
            2,
        ));
    }
    if operands.is_empty() && criteria == 0 {
        return Err(Fail::Message(
            format!("no matching criteria specified\nTry `{} --help' for more information.", t.name),
            2,
        ));
    }
    let pattern = match operands.first() {
        None => None,
        Some(text) => {
            let text = if exact { BString::from(format!("^({text})$")) } else { text.clone() };
            let syntax = wasmsh_regex::Syntax { ignore_case, ..wasmsh_regex::Syntax::EXTENDED };
            let regex = wasmsh_regex::Regex::new(&text, &syntax)
                .map_err(|error| Fail::Message(error.to_string(), 2))?;
            Some(regex)
        }
    };
    let table = crate::users::Users::load(&t.ctx).await;
    let own = t.ctx.pid();
    let uid = t.ctx.user().0;
    let mut found: Vec<ProcessInfo> = all(t)
        .into_iter()
        .filter(|process| process.pid != own)
        .filter(|process| {
            let text = if full { BString::from(command_line(process)) } else { name(process) };
            let matches = pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text).unwrap_or(false))
                && groups.as_ref().is_none_or(|groups| groups.contains(&process.group.get()))
                && parents.as_ref().is_none_or(|parents| parents.contains(&process.parent.get()))
                && users
                    .as_ref()
                    .is_none_or(|users| users.iter().any(|user| table.uid_of(user) == Some(uid)));
            matches != inverse
        })
        .collect();
    if newest && let Some(last) = found.iter().max_by_key(|process| (process.started, process.pid)).cloned() {
        found = vec![last];
    }
    if oldest && let Some(first) = found.iter().min_by_key(|process| (process.started, process.pid)).cloned()
    {
        found = vec![first];
    }
    if found.is_empty() {
        t.status = 1;
    }
    if kill {
        for process in &found {
            if matches!(process.state, State::Zombie(_) | State::Gone(_)) {
                continue;
            }
            if let Err(error) = t.ctx.kill(Target::Process(process.pid), send) {
                t.warn(format!("killing pid {} failed: {}", process.pid, error.strerror())).await?;
            } else if echo {
                t.out.put(format!("{} killed (pid {})\n", name(process), process.pid).as_bytes());
            }
        }
        if count {
            t.out.put(format!("{}\n", found.len()).as_bytes());
        }
        return Ok(());
    }
    if count {
        t.out.put(format!("{}\n", found.len()).as_bytes());
        return Ok(());
    }
    for (index, process) in found.iter().enumerate() {
        if index > 0 {
            t.out.put(&delimiter);
        }
        t.out.put(process.pid.to_string().as_bytes());
        if full_names {
            t.out.put(format!(" {}", command_line(process)).as_bytes());
        } else if names {
            t.out.put(format!(" {}", name(process)).as_bytes());
        }
    }
    if !found.is_empty() {
        t.out.put(b"\n");
    }
    Ok(())
}
