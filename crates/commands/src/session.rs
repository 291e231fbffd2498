//! Small commands that tell of logins and of the session as a host: `hostid`, `stty`, `uptime`, `users`,
//! `w`, `who`.
//!
//! Nobody logs in to a sandbox: there is no `utmp`, and the tables of logins are empty.

use bstr::{BStr, BString, ByteSlice};

use crate::command::command;
use crate::time::{Date, offset_at, zone};
use crate::{Done, Fail, Opt, Tool};

command!(
    HOSTID,
    "hostid",
    &["[OPTION]"],
    "Print the numeric identifier (in hexadecimal) for the current host.",
    &[],
    1,
    hostid
);
command!(
    STTY,
    "stty",
    &["[-F DEVICE | --file=DEVICE] [-a|--all]", "[-F DEVICE | --file=DEVICE] size"],
    "Print terminal characteristics.",
    &[
        Opt::flag("a,all", "print all current settings in human-readable form"),
        Opt::flag("g,save", "print all current settings in a stty-readable form"),
        Opt::value("F,file", "DEVICE", "open and use the specified DEVICE instead of stdin"),
    ],
    1,
    stty
);
command!(
    UPTIME,
    "uptime",
    &["[options]"],
    "Tell how long the session has been running.",
    &[
        Opt::flag("p,pretty", "show uptime in pretty format"),
        Opt::flag("s,since", "system up since"),
        Opt::flag("h", "display this help and exit"),
        Opt::flag("V", "output version information and exit"),
    ],
    1,
    uptime
);
command!(
    USERS,
    "users",
    &["[OPTION]... [FILE]"],
    "Output who is currently logged in according to FILE.",
    &[],
    1,
    users
);
command!(
    W,
    "w",
    &["[options] [user]"],
    "Show who is logged on and what they are doing.",
    &[
        Opt::flag("h,no-header", "do not print header"),
        Opt::flag("u,no-current", "ignore current process username"),
        Opt::flag("s,short", "short format"),
        Opt::flag("f,from", "show remote hostname field"),
        Opt::flag("o,old-style", "old style output"),
        Opt::flag("i,ip-addr", "display IP address instead of hostname (if possible)"),
        Opt::flag("V", "output version information and exit"),
    ],
    1,
    w
);
command!(
    WHO,
    "who",
    &["[OPTION]... [ FILE | ARG1 ARG2 ]"],
    "Print information about users who are currently logged in.",
    &[
        Opt::flag("a,all", "same as -b -d --login -p -r -t -T -u"),
        Opt::flag("b,boot", "time of last system boot"),
        Opt::flag("d,dead", "print dead processes"),
        Opt::flag("H,heading", "print line of column headings"),
        Opt::flag("l,login", "print system login processes"),
        Opt::flag("lookup", "attempt to canonicalize hostnames via DNS"),
        Opt::flag("m", "only hostname and user associated with stdin"),
        Opt::flag("p,process", "print active processes spawned by init"),
        Opt::flag("q,count", "all login names and number of users logged on"),
        Opt::flag("r,runlevel", "print current runlevel"),
        Opt::flag("s,short", "print only name, line, and time (default)"),
        Opt::flag("t,time", "print last system clock change"),
        Opt::flag("T,w,mesg,message,writable", "add user's message status as +, - or ?"),
        Opt::flag("u,users", "list users logged in"),
    ],
    1,
    who
);

/// The operands, of which there may be at most so many.
fn operands(t: &Tool, most: usize) -> Result<Vec<BString>, Fail> {
    let mut options = t.options();
    while options.next()?.is_some() {}
    let operands = options.operands();
    match operands.get(most) {
        Some(extra) => Err(t.extra_operand(BStr::new(extra))),
        None => Ok(operands),
    }
}

/// What `gethostid(3)` makes of the address of a host that knows only itself, 127.0.0.1.
async fn hostid(t: &mut Tool) -> Done {
    operands(t, 0)?;
    let address = u32::from_le_bytes([127, 0, 0, 1]);
    t.out.put(format!("{:08x}\n", address.rotate_left(16)).as_bytes());
    Ok(())
}

/// Nobody is logged in: the headings are all there is.
async fn w(t: &mut Tool) -> Done {
    let (mut header, mut short, mut from) = (true, false, true);
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "h" => header = false,
            "s" => short = true,
            "f" => from = !from,
            "V" => return Err(Fail::Version),
            _ => {}
        }
    }
    if header {
        let line = status_line(t);
        let from = if from { "FROM           " } else { "" };
        let times = if short { "   IDLE" } else { "  LOGIN@   IDLE   JCPU   PCPU" };
        t.out.put(format!("{line}\nUSER     TTY      {from}{times} WHAT\n").as_bytes());
    }
    Ok(())
}

async fn users(t: &mut Tool) -> Done {
    operands(t, 1)?;
    Ok(())
}

async fn who(t: &mut Tool) -> Done {
    let mut options = t.options();
    let (mut count, mut heading, mut state, mut idle, mut process, mut exit) =
        (false, false, false, false, false, false);
    while let Some((name, _)) = options.next()? {
        match name {
            "q" => count = true,
            "H" => heading = true,
            "T" => state = true,
            "u" | "l" => idle = true,
            "b" | "p" => process = true,
            "d" => (idle, exit) = (true, true),
            "a" => (state, idle, exit) = (true, true, true),
            _ => {}
        }
    }
    if let Some(extra) = options.operands().get(2) {
        return Err(t.extra_operand(BStr::new(extra)));
    }
    if count {
        t.out.put(b"\n# users=0\n");
    } else if heading {
        let middle = match (idle, process) {
            (true, _) => "             IDLE          PID",
            (false, true) => "                    PID",
            (false, false) => "            ",
        };
        let (gap, end) = (if state { "       " } else { "     " }, if exit { "  EXIT" } else { "" });
        t.out.put(format!("NAME{gap}LINE         TIME{middle} COMMENT{end}\n").as_bytes());
    }
    Ok(())
}

/// Minutes, hours, days as words, of those that are not 0.
fn pretty(seconds: u64) -> String {
    let minutes = seconds / 60;
    let units = [
        ("decade", 5_256_000),
        ("year", 525_600),
        ("week", 10_080),
        ("day", 1440),
        ("hour", 60),
        ("minute", 1),
    ];
    let (mut rest, mut parts) = (minutes, Vec::new());
    for (name, length) in units {
        let number = rest / length;
        rest %= length;
        if number > 0 {
            parts.push(format!("{number} {name}{}", if number == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() { "up 0 minutes".into() } else { format!("up {}", parts.join(", ")) }
}

/// The session is up since its monotonic clock has begun. What is ready to run is not averaged: the load is 0.
async fn uptime(t: &mut Tool) -> Done {
    let mut options = t.options();
    let mut what = "";
    while let Some((name, _)) = options.next()? {
        match name {
            "h" => return Err(Fail::Help),
            "V" => return Err(Fail::Version),
            name => what = name,
        }
    }
    if !options.operands().is_empty() {
        let help = t.command.help(&t.name);
        return Err(Fail::Bare(help.trim_end().into(), 1));
    }
    let up = up(t);
    let text = match what {
        "p" => pretty(up),
        "s" => {
            let now = t.ctx.now().seconds;
            let (day, clock) = local(t, now.saturating_sub(i64::try_from(up).unwrap_or(i64::MAX)));
            format!("{day} {clock}")
        }
        _ => status_line(t),
    };
    t.out.put(format!("{text}\n").as_bytes());
    Ok(())
}

/// Seconds since the session began.
fn up(t: &Tool) -> u64 {
    t.ctx.monotonic() / 1_000_000_000
}

/// Day and time of a moment.
fn local(t: &Tool, at: i64) -> (String, String) {
    let seconds = at + offset_at(&zone(&t.ctx), at).seconds;
    let (date, of_day) = (Date::from_days(seconds.div_euclid(86_400)), seconds.rem_euclid(86_400));
    let clock = format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60);
    (format!("{:04}-{:02}-{:02}", date.year, date.month, date.day), clock)
}

/// The line of `uptime`.
fn status_line(t: &Tool) -> String {
    let up = up(t);
    let (days, hours, minutes) = (up / 86_400, up / 3600 % 24, up / 60 % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".into(),
        days => format!("{days} days, "),
    };
    let time = if hours > 0 { format!("{hours:2}:{minutes:02}") } else { format!("{minutes} min") };
    let now = local(t, t.ctx.now().seconds).1;
    format!(" {now} up {days}{time},  0 user,  load average: 0.00, 0.00, 0.00")
}

/// The terminal of a session has a size and nothing else that could be set: what asks for the rest is refused, as of a
/// device that has no settings.
async fn stty(t: &mut Tool) -> Done {
    let (mut all, mut save, mut device) = (false, false, None);
    let mut modes = Vec::new();
    let mut arguments = t.arguments().into_iter();
    // Modes begin with `-` as options do.
    while let Some(argument) = arguments.next() {
        match argument.as_slice() {
            b"--help" => return Err(Fail::Help),
            b"--version" => return Err(Fail::Version),
            b"-a" | b"--all" => all = true,
            b"-g" | b"--save" => save = true,
            b"-F" | b"--file" => device = arguments.next(),
            long if long.starts_with(b"--file=") => device = long.get(7..).map(BString::from),
            short if short.starts_with(b"-F") => device = short.get(2..).map(BString::from),
            _ => modes.push(argument),
        }
    }
    if all && save {
        let message = "the options for verbose and stty-readable output styles are\nmutually exclusive";
        return Err(Fail::Message(message.into(), 1));
    }
    if (all || save) && !modes.is_empty() {
        return Err(Fail::Message("when specifying an output style, modes may not be set".into(), 1));
    }
    let mut words = modes.iter();
    while let Some(mode) = words.next() {
        if VALUES.contains(&mode.to_str_lossy().as_ref()) {
            if words.next().is_none() {
                return Err(Fail::Usage(format!("missing argument to {}", t.quote(mode))));
            }
        } else if !is_mode(mode) {
            return Err(Fail::Usage(format!("invalid argument {}", t.quote(mode))));
        }
    }
    let (name, terminal) = match device {
        Some(path) => {
            let terminal = path == "/dev/tty" && t.ctx.is_terminal(0);
            if !terminal && let Err(error) = t.ctx.open_input(&path).await {
                return Err(Fail::Message(format!("{path}: {}", error.strerror()), 1));
            }
            (path.to_string(), terminal)
        }
        None => ("'standard input'".into(), t.ctx.is_terminal(0)),
    };
    let size = t.ctx.kernel().terminal().filter(|_| terminal);
    match (size, modes.first()) {
        (Some(size), Some(mode)) if mode == "size" && modes.len() == 1 => {
            t.out.put(format!("{} {}\n", size.rows, size.columns).as_bytes());
        }
        (Some(size), None) if !save => {
            let text = match all {
                true => {
                    format!("speed 38400 baud; rows {}; columns {}; line = 0;\n", size.rows, size.columns)
                }
                false => "speed 38400 baud; line = 0;\n".to_owned(),
            };
            t.out.put(text.as_bytes());
        }
        _ => return Err(Fail::Message(format!("{name}: Inappropriate ioctl for device"), 1)),
    }
    Ok(())
}

/// What can be set to a value that follows.
const VALUES: &[&str] = &[
    "intr", "quit", "erase", "kill", "eof", "eol", "eol2", "swtch", "start", "stop", "susp", "rprnt",
    "werase", "lnext", "discard", "min", "time", "line", "rows", "cols", "columns", "ispeed", "ospeed",
];

/// What can be switched off as well, with `-` before it.
const SWITCHES: &[&str] = &[
    "parenb", "parodd", "cmspar", "hupcl", "hup", "cstopb", "cread", "clocal", "crtscts", "ignbrk", "brkint",
    "ignpar", "parmrk", "inpck", "istrip", "inlcr", "igncr", "icrnl", "ixon", "ixoff", "tandem", "iuclc",
    "ixany", "imaxbel", "iutf8", "opost", "olcuc", "ocrnl", "onlcr", "onocr", "onlret", "ofill", "ofdel",
    "isig", "icanon", "iexten", "echo", "echoe", "crterase", "echok", "echonl", "noflsh", "xcase", "tostop",
    "echoprt", "prterase", "echoctl", "ctlecho", "echoke", "crtkill", "flusho", "extproc", "evenp", "parity",
    "oddp", "nl", "cooked", "raw", "pass8", "litout", "cbreak", "decctlq", "tabs", "lcase", "LCASE", "drain",
];

const WORDS: &[&str] = &[
    "cs5", "cs6", "cs7", "cs8", "nl0", "nl1", "cr0", "cr1", "cr2", "cr3", "tab0", "tab1", "tab2", "tab3",
    "bs0", "bs1", "vt0", "vt1", "ff0", "ff1", "ek", "sane", "crt", "dec", "size", "speed",
];

const SPEEDS: &[&str] = &[
    "0", "50", "75", "110", "134", "134.5", "150", "200", "300", "600", "1200", "1800", "2400", "4800",
    "9600", "19200", "38400", "57600", "115200", "230400", "460800", "500000", "576000", "921600", "1000000",
    "1152000", "1500000", "2000000", "2500000", "3000000", "3500000", "4000000",
];

/// Whether it is something that can be set, or asked for.
fn is_mode(mode: &BString) -> bool {
    let mode = mode.to_str_lossy();
    let mode = mode.as_ref();
    let saved = mode.contains(':') && mode.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit());
    let switch = mode.strip_prefix('-').unwrap_or(mode);
    saved || SWITCHES.contains(&switch) || WORDS.contains(&mode) || SPEEDS.contains(&mode)
}
