//! `ps`: the processes of the session.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Pid, ProcessInfo, Signal, State, Timestamp};

use crate::pad;
use crate::time::{Moment, zone};
use crate::users::Users;
use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "ps",
    usage: &["[options]"],
    about: "Report a snapshot of the current processes.\n\n\
            Selection: -e, -A, a, x all; -p LIST, -C LIST, -u LIST, --ppid LIST, -N the others.\n\
            Output: -f, -F, -l, u, -o FORMAT, --no-headers, --sort KEYS.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Steps that stand for a second of processor time: a process counts its work, not its time.
const STEPS_PER_SECOND: u64 = 10_000_000;

/// A column: its names, its heading, its width, whether it stands on the right.
type Column = (&'static [&'static str], &'static str, usize, bool);

const COLUMNS: &[Column] = &[
    (&["pid"], "PID", 7, true),
    (&["tgid"], "TGID", 7, true),
    (&["ppid"], "PPID", 7, true),
    (&["pgid", "pgrp"], "PGID", 7, true),
    (&["sid"], "SID", 7, true),
    (&["sess", "session"], "SESS", 7, true),
    (&["tid"], "TID", 7, true),
    (&["lwp"], "LWP", 7, true),
    (&["spid"], "SPID", 7, true),
    (&["tpgid"], "TPGID", 7, true),
    (&["user", "uname"], "USER", 8, false),
    (&["euser"], "EUSER", 8, false),
    (&["ruser"], "RUSER", 8, false),
    (&["suser"], "SUSER", 8, false),
    (&["fuser"], "FUSER", 8, false),
    (&["uid"], "UID", 5, true),
    (&["euid"], "EUID", 5, true),
    (&["ruid"], "RUID", 5, true),
    (&["suid"], "SUID", 5, true),
    (&["fuid"], "FUID", 5, true),
    (&["group"], "GROUP", 8, false),
    (&["egroup"], "EGROUP", 8, false),
    (&["rgroup"], "RGROUP", 8, false),
    (&["gid"], "GID", 5, true),
    (&["egid"], "EGID", 5, true),
    (&["rgid"], "RGID", 5, true),
    (&["sgid"], "SGID", 5, true),
    (&["fgid"], "FGID", 5, true),
    (&["tty", "tt"], "TT", 8, false),
    (&["tname"], "TTY", 8, false),
    (&["stat"], "STAT", 4, false),
    (&["s", "state"], "S", 1, false),
    (&["time", "cputime"], "TIME", 8, true),
    (&["times", "cputimes"], "TIME", 8, true),
    (&["bsdtime"], "TIME", 6, true),
    (&["etime"], "ELAPSED", 11, true),
    (&["etimes"], "ELAPSED", 7, true),
    (&["start"], "STARTED", 8, true),
    (&["stime"], "STIME", 5, false),
    (&["start_time"], "START", 5, false),
    (&["bsdstart"], "START", 6, true),
    (&["lstart"], "STARTED", 24, true),
    (&["pcpu", "%cpu"], "%CPU", 4, true),
    (&["pmem", "%mem"], "%MEM", 4, true),
    (&["c"], "C", 2, true),
    (&["cp"], "CP", 3, true),
    (&["rss", "rssize", "rsz"], "RSS", 5, true),
    (&["vsz", "vsize"], "VSZ", 6, true),
    (&["sz"], "SZ", 5, true),
    (&["size"], "SIZE", 5, true),
    (&["ni", "nice"], "NI", 3, true),
    (&["pri"], "PRI", 3, true),
    (&["psr"], "PSR", 3, true),
    (&["cls", "class"], "CLS", 3, true),
    (&["policy"], "POL", 3, true),
    (&["rtprio"], "RTPRIO", 6, true),
    (&["nlwp"], "NLWP", 4, true),
    (&["thcount"], "THCNT", 5, true),
    (&["f", "flag", "flags"], "F", 1, true),
    (&["wchan"], "WCHAN", 6, false),
    (&["addr"], "ADDR", 4, false),
    (&["label"], "LABEL", 31, false),
    (&["fname"], "COMMAND", 8, false),
    (&["ucmd"], "CMD", 15, false),
    (&["comm", "ucomm"], "COMMAND", 15, false),
    (&["args", "command"], "COMMAND", 27, false),
    (&["cmd"], "CMD", 27, false),
];

struct Shown {
    column: &'static Column,
    name: &'static str,
    heading: String,
    /// Its width, if it was given.
    width: Option<usize>,
}

struct Plan {
    shown: Vec<Shown>,
    all: bool,
    pids: Vec<u32>,
    parents: Vec<u32>,
    commands: Vec<BString>,
    users: Vec<BString>,
    selects: bool,
    negate: bool,
    headings: bool,
    sort: Vec<(&'static str, bool)>,
}

fn column(name: &str) -> Option<(&'static Column, &'static str)> {
    COLUMNS
        .iter()
        .find_map(|column| column.0.iter().find(|other| **other == name).map(|name| (column, *name)))
}

fn syntax(message: &str) -> Fail {
    Fail::Message(
        format!(
            "{message}\n\nUsage:\n ps [options]\n\n Try 'ps --help <simple|list|output|threads|misc|all>'\n  \
             or 'ps --help <s|l|o|t|m|a>'\n for additional help text.\n\nFor more details see ps(1)."
        ),
        1,
    )
}

impl Plan {
    fn columns(&mut self, list: &[u8]) -> Done {
        let text = list.to_str_lossy().into_owned();
        let mut rest = &text[..];
        while !rest.is_empty() {
            let end = rest.find([',', ' ', '\t', '\n', '=']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            let mut heading = None;
            rest = behind;
            if let Some(text) = behind.strip_prefix('=') {
                // A heading goes on to the end; an empty one may be followed by more.
                match text.strip_prefix(',') {
                    Some(more) => (heading, rest) = (Some(String::new()), more),
                    None => (heading, rest) = (Some(text.to_owned()), ""),
                }
            } else {
                rest = rest.get(1..).unwrap_or_default();
            }
            if name.is_empty() {
                continue;
            }
            let (name, width) = match name.split_once(':') {
                Some((name, width)) => match width.parse::<usize>() {
                    Ok(width @ 1..) => (name, Some(width.min(1 << 16))),
                    _ => return Err(syntax("column widths must be unsigned decimal numbers")),
                },
                None => (name, None),
            };
            let Some((column, name)) = column(&name.to_ascii_lowercase()) else {
                return Err(syntax(&format!("unknown user-defined format specifier \"{name}\"")));
            };
            let heading = heading.unwrap_or_else(|| column.1.to_owned());
            self.shown.push(Shown { column, name, heading, width });
        }
        Ok(())
    }

    fn form(&mut self, names: &[&str]) {
        for name in names {
            let (name, heading) =
                name.split_once('=').map_or((*name, None), |(name, heading)| (name, Some(heading)));
            if let Some((column, name)) = column(name) {
                let heading = heading.unwrap_or(column.1).to_owned();
                self.shown.push(Shown { column, name, heading, width: None });
            }
        }
    }
}

fn words(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| matches!(byte, b',' | b' ' | b'\t')).filter(|word| !word.is_empty())
}

fn numbers(list: &[u8]) -> Result<Vec<u32>, Fail> {
    words(list)
        .map(|word| {
            let number = word.to_str().ok().and_then(|text| text.parse().ok());
            number.ok_or_else(|| syntax("process ID list syntax error"))
        })
        .collect()
}

async fn run(t: &mut Tool) -> Done {
    match report(t).await {
        Err(Fail::Message(message, status)) => {
            t.err.put(format!("error: {message}\n").as_bytes());
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
            Err(Fail::Status(status))
        }
        other => other,
    }
}

async fn report(t: &mut Tool) -> Done {
    let mut plan = Plan {
        shown: Vec::new(),
        all: false,
        pids: Vec::new(),
        parents: Vec::new(),
        commands: Vec::new(),
        users: Vec::new(),
        selects: false,
        negate: false,
        headings: true,
        sort: Vec::new(),
    };
    let mut form = "";
    let mut bsd = false;
    let mut arguments = std::collections::VecDeque::from(t.arguments());
    while let Some(argument) = arguments.pop_front() {
        if let Some(long) = argument.strip_prefix(b"--") {
            let (name, value) = match long.split_once_str("=") {
                Some((name, value)) => (name, Some(BString::from(value))),
                None => (long, None),
            };
            match name {
                b"help" => return Err(Fail::Help),
                b"version" => return Err(Fail::Version),
                b"no-headers" | b"no-header" | b"no-heading" | b"no-headings" => plan.headings = false,
                b"headers" | b"cols" | b"width" | b"columns" | b"forest" | b"deselect" => {
                    plan.negate |= name == b"deselect";
                }
                b"sort" | b"pid" | b"ppid" | b"format" | b"user" => {
                    let value = value.or_else(|| arguments.pop_front()).unwrap_or_default();
                    match name {
                        b"sort" => {
                            for key in words(&value) {
                                let text = key.to_str_lossy();
                                let bare = text.trim_start_matches(['+', '-']);
                                let Some((_, name)) = column(bare) else {
                                    return Err(syntax("unknown sort specifier"));
                                };
                                plan.sort.push((name, text.starts_with('-')));
                            }
                        }
                        b"pid" => plan.pids.extend(numbers(&value)?),
                        b"ppid" => plan.parents.extend(numbers(&value)?),
                        b"user" => plan.users.extend(words(&value).map(BString::from)),
                        _ => plan.columns(&value)?,
                    }
                    plan.selects |= matches!(name, b"pid" | b"ppid" | b"user");
                }
                _ => return Err(syntax("unknown gnu long option")),
            }
            continue;
        }
        if argument.first().is_some_and(u8::is_ascii_digit) {
            plan.pids.extend(numbers(&argument)?);
            (plan.selects, bsd) = (true, true);
            continue;
        }
        let unix = argument.starts_with(b"-");
        bsd |= !unix;
        let mut rest: &[u8] = argument.strip_prefix(b"-").unwrap_or(&argument);
        while let Some((letter, behind)) = rest.split_first() {
            rest = behind;
            match (unix, letter) {
                (true, b'e' | b'A' | b'a' | b'd') | (false, b'a' | b'x' | b'g' | b'T' | b'r') => {
                    plan.all = true
                }
                (true, b'f') => form = "f",
                (true, b'F') => form = "F",
                (true, b'l') => form = "l",
                (true, b'j') => form = "j",
                (false, b'u') => form = "u",
                (false, b'l') => form = "bl",
                (false, b'j') => form = "bj",
                (true, b'N') => plan.negate = true,
                (_, b'w' | b'H' | b'c' | b'y' | b'L' | b'm' | b'e' | b'f' | b'n') => {}
                (false, b'h') => plan.headings = false,
                (_, b'o' | b'O' | b'p' | b'q' | b'C' | b'u' | b'U' | b'G' | b'g' | b't' | b's') => {
                    let value = if rest.is_empty() { arguments.pop_front() } else { Some(rest.into()) };
                    rest = b"";
                    let Some(value) = value else {
                        return Err(syntax("list of process IDs must follow -p"));
                    };
                    match letter {
                        b'o' => plan.columns(&value)?,
                        b'p' | b'q' => plan.pids.extend(numbers(&value)?),
                        b'O' => {
                            plan.form(&["pid"]);
                            plan.columns(&value)?;
                            plan.form(&["s", "tname", "time", "args"]);
                        }
                        b'C' => plan.commands.extend(words(&value).map(BString::from)),
                        b'u' | b'U' => plan.users.extend(words(&value).map(BString::from)),
                        _ => plan.all = true,
                    }
                    plan.selects |= matches!(letter, b'p' | b'q' | b'C' | b'u' | b'U');
                }
                _ => return Err(syntax("unsupported SysV option")),
            }
        }
    }
    if plan.shown.is_empty() {
        match form {
            "f" => plan.form(&["user=UID", "pid", "ppid", "c", "stime", "tname", "time", "cmd"]),
            "F" => plan
                .form(&["user=UID", "pid", "ppid", "c", "sz", "rss", "psr", "stime", "tname", "time", "cmd"]),
            "l" => plan.form(&[
                "f", "s", "uid", "pid", "ppid", "c", "pri", "ni", "addr", "sz", "wchan", "tname", "time",
                "comm=CMD",
            ]),
            "bl" => plan.form(&[
                "f", "uid", "pid", "ppid", "pri", "ni", "vsz", "rss", "wchan", "stat", "tname", "bsdtime",
                "args",
            ]),
            "j" => plan.form(&["pid", "pgid", "sid", "tname", "time", "comm=CMD"]),
            "bj" => {
                plan.form(&["ppid", "pid", "pgid", "sid", "tname", "tpgid", "stat", "uid", "bsdtime", "args"])
            }
            "u" => plan.form(&[
                "user",
                "pid",
                "pcpu",
                "pmem",
                "vsz",
                "rss",
                "tname",
                "stat",
                "start_time",
                "bsdtime",
                "args",
            ]),
            _ if bsd => plan.form(&["pid", "tname", "stat", "bsdtime", "args"]),
            _ => plan.form(&["pid", "tname", "time", "comm=CMD"]),
        }
    }
    let users = Users::load(&t.ctx).await;
    let mut processes = all(t);
    processes.retain(|process| selected(t, &plan, &users, process) != plan.negate);
    for (key, descending) in plan.sort.iter().rev() {
        processes.sort_by(|a, b| {
            let order = compare(&cell(t, &users, key, a), &cell(t, &users, key, b));
            if *descending { order.reverse() } else { order }
        });
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for process in &processes {
        rows.push(plan.shown.iter().map(|shown| cell(t, &users, shown.name, process)).collect());
    }
    if rows.is_empty() {
        t.status = 1;
    }
    let headings: Vec<String> = plan.shown.iter().map(|shown| shown.heading.clone()).collect();
    if plan.headings && headings.iter().any(|heading| !heading.is_empty()) {
        rows.insert(0, headings);
    }
    for row in &rows {
        let mut line = String::new();
        for (index, (text, shown)) in row.iter().zip(&plan.shown).enumerate() {
            let last = index + 1 == row.len();
            let (_, _, width, right) = *shown.column;
            let width = shown.width.unwrap_or_else(|| width.max(shown.heading.len()));
            // A name is cut at a width that was given for it.
            let cut = shown.width.filter(|_| !right && !last);
            let text = match cut.and_then(|width| text.char_indices().nth(width)) {
                Some((end, _)) if text != &shown.heading => text.get(..end).unwrap_or(text),
                _ => text.as_str(),
            };
            if index > 0 {
                line.push(' ');
            }
            if right {
                line.push_str(&pad::right(text.to_owned(), width));
            } else if last {
                line.push_str(text);
            } else {
                line.push_str(&pad::left(text.to_owned(), width));
            }
        }
        t.out.put(line.as_bytes());
        t.out.put(b"\n");
    }
    Ok(())
}

/// All processes of the session, and init.
pub(crate) fn all(t: &Tool) -> Vec<ProcessInfo> {
    t.ctx.kernel().processes()
}

/// The name of a process: the last part of what it was called.
pub(crate) fn name(process: &ProcessInfo) -> BString {
    let called = process.arguments.first().cloned().unwrap_or_default();
    let bare = called.strip_prefix(b"-").unwrap_or(&called);
    crate::path::base_name(bare).into()
}

/// Its whole command line.
pub(crate) fn command_line(process: &ProcessInfo) -> String {
    let words: Vec<String> = process.arguments.iter().map(|word| word.to_str_lossy().into_owned()).collect();
    words.join(" ")
}

fn selected(t: &Tool, plan: &Plan, users: &Users, process: &ProcessInfo) -> bool {
    if plan.all && !plan.selects {
        return true;
    }
    if !plan.selects {
        return true;
    }
    let mine = t.ctx.user().0;
    let of_user = |user: &BString| users.uid_of(user) == Some(mine);
    plan.pids.contains(&process.pid.get())
        || plan.parents.contains(&process.parent.get())
        || plan.commands.contains(&name(process))
        || plan.users.iter().any(of_user)
}

fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    match (a.trim().parse::<f64>(), b.trim().parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    }
}

fn state(t: &Tool, process: &ProcessInfo) -> char {
    match process.state {
        State::Stopped(_) => 'T',
        State::Zombie(_) | State::Gone(_) => 'Z',
        State::Alive if process.runnable || process.pid == t.ctx.pid() => 'R',
        State::Alive => 'S',
    }
}

fn cell(t: &Tool, users: &Users, name_of: &str, process: &ProcessInfo) -> String {
    let (uid, gid) = t.ctx.user();
    let elapsed = t.ctx.monotonic().saturating_sub(process.started) / 1_000_000_000;
    let busy = process.steps / STEPS_PER_SECOND;
    let zombie = matches!(process.state, State::Zombie(_) | State::Gone(_));
    let defunct = if zombie { " <defunct>" } else { "" };
    let started = || {
        let now = t.ctx.now();
        let at = Timestamp { seconds: now.seconds - i64::try_from(elapsed).unwrap_or_default(), ..now };
        Moment::new(at, &zone(&t.ctx))
    };
    let show = |format: &[u8]| {
        let mut text = Vec::new();
        if let Some(moment) = started() {
            moment.format(format, &mut text);
        }
        text.to_str_lossy().into_owned()
    };
    match name_of {
        "pid" | "tgid" | "tid" | "lwp" | "spid" => process.pid.to_string(),
        "ppid" => {
            if process.parent == process.pid {
                "0".into()
            } else {
                process.parent.to_string()
            }
        }
        "pgid" | "pgrp" => process.group.to_string(),
        "sid" | "sess" | "session" => Pid::INIT.to_string(),
        "user" | "euser" | "uname" | "ruser" | "suser" | "fuser" => {
            users.user_name(uid).map_or(uid.to_string(), BString::to_string)
        }
        "uid" | "euid" | "ruid" | "suid" | "fuid" => uid.to_string(),
        "group" | "egroup" | "rgroup" => users.group_name(gid).map_or(gid.to_string(), BString::to_string),
        "gid" | "egid" | "rgid" | "sgid" | "fgid" => gid.to_string(),
        "tty" | "tt" | "tname" => "?".into(),
        "stat" => {
            let foreground = if process.pid == process.group { "s" } else { "" };
            format!("{}{foreground}", state(t, process))
        }
        "s" | "state" => state(t, process).to_string(),
        "time" | "cputime" => format!("{:02}:{:02}:{:02}", busy / 3600, busy / 60 % 60, busy % 60),
        "bsdtime" => format!("{}:{:02}", busy / 60, busy % 60),
        "etime" => {
            let (days, hours, minutes, seconds) =
                (elapsed / 86_400, elapsed / 3600 % 24, elapsed / 60 % 60, elapsed % 60);
            match (days, hours) {
                (0, 0) => format!("{minutes:02}:{seconds:02}"),
                (0, _) => format!("{hours:02}:{minutes:02}:{seconds:02}"),
                _ => format!("{days}-{hours:02}:{minutes:02}:{seconds:02}"),
            }
        }
        "times" | "cputimes" => busy.to_string(),
        "etimes" => elapsed.to_string(),
        "start" => show(b"%H:%M:%S"),
        "stime" | "start_time" | "bsdstart" => show(b"%H:%M"),
        "lstart" => show(b"%a %b %e %H:%M:%S %Y"),
        "pcpu" | "%cpu" => {
            let part = (busy * 1000).checked_div(elapsed).unwrap_or(0).min(1000);
            format!("{}.{}", part / 10, part % 10)
        }
        "c" => (busy * 100).checked_div(elapsed).unwrap_or(0).min(99).to_string(),
        "pmem" | "%mem" => "0.0".into(),
        "rss" | "rssize" | "vsz" | "vsize" | "sz" | "ni" | "nice" | "f" | "flag" | "flags" => "0".into(),
        "pri" => "19".into(),
        "size" | "psr" => "0".into(),
        "cp" => (busy * 1000).checked_div(elapsed).unwrap_or(0).min(999).to_string(),
        "cls" | "class" | "policy" => "TS".into(),
        "tpgid" => "-1".into(),
        "fname" => name(process).chars().take(8).collect(),
        "nlwp" | "thcount" => "1".into(),
        "wchan" | "addr" | "rtprio" | "label" => "-".into(),
        "comm" | "ucomm" | "ucmd" => format!("{}{defunct}", name(process)),
        _ if zombie => format!("[{}]{defunct}", name(process)),
        _ => command_line(process),
    }
}

/// A signal by name or number.
pub(crate) fn signal(text: &[u8]) -> Option<Signal> {
    let number = text.to_str().ok().and_then(|text| text.parse().ok());
    number.and_then(Signal::from_number).or_else(|| Signal::from_name(text))
}
