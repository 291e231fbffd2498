//! `tput`, `clear` and `reset`: what a terminal of a type understands, from a table of the usual types.

use bstr::{BString, ByteSlice};

use crate::command::command;
use crate::{Done, Fail, Opt, Tool};

const TYPE: Opt = Opt::value("T", "TERM", "use this instead of $TERM");
const KEEP: Opt = Opt::flag("x", "do not try to clear scrollback");
const LIBRARY: Opt = Opt::flag("V", "print curses-version");

command!(
    TPUT,
    "tput",
    &["[options] [command]"],
    "Write what a terminal of this type understands.",
    &[Opt::flag("S", "read commands from standard input"), TYPE, LIBRARY, KEEP],
    2,
    tput
);
command!(CLEAR, "clear", &["[options]"], "Clear the terminal screen.", &[TYPE, LIBRARY, KEEP], 1, clear);
command!(RESET, "reset", &["[-T TERM] [terminal]"], "Reinitialize the terminal.", &[TYPE], 1, reset);

const TPUT_USAGE: &str = "\
Usage: tput [options] [command]

Options:
  -S <<       read commands from standard input
  -T TERM     use this instead of $TERM
  -V          print curses-version
  -x          do not try to clear scrollback

Commands:
  clear       clear the screen
  init        initialize the terminal
  reset       reinitialize the terminal
  capname     unlike clear/init/reset, print value for capability \"capname\"";

/// A type of terminals: what it understands beyond the type it is based on.
struct Type {
    names: &'static [&'static str],
    title: &'static str,
    base: Option<&'static Type>,
    flags: &'static [&'static str],
    numbers: &'static [(&'static str, i64)],
    strings: &'static [(&'static str, &'static str)],
}

static DUMB: Type = Type {
    names: &["dumb"],
    title: "80-column dumb tty",
    base: None,
    flags: &["am"],
    numbers: &[("cols", 80)],
    strings: &[("bel", "\x07"), ("cr", "\r"), ("cud1", "\n"), ("ind", "\n")],
};

/// What all terminals with the sequences of ECMA-48 understand.
static ANSI: Type = Type {
    names: &[],
    title: "",
    base: None,
    flags: &["am", "mir", "msgr", "xenl"],
    numbers: &[("cols", 80), ("it", 8), ("lines", 24), ("colors", 8), ("pairs", 64)],
    strings: &[
        ("bel", "\x07"),
        ("blink", "\x1b[5m"),
        ("bold", "\x1b[1m"),
        ("clear", "\x1b[H\x1b[2J"),
        ("cr", "\r"),
        ("csr", "\x1b[%i%p1%d;%p2%dr"),
        ("cub", "\x1b[%p1%dD"),
        ("cub1", "\x08"),
        ("cud", "\x1b[%p1%dB"),
        ("cud1", "\n"),
        ("cuf", "\x1b[%p1%dC"),
        ("cuf1", "\x1b[C"),
        ("cup", "\x1b[%i%p1%d;%p2%dH"),
        ("cuu", "\x1b[%p1%dA"),
        ("cuu1", "\x1b[A"),
        ("dch", "\x1b[%p1%dP"),
        ("dch1", "\x1b[P"),
        ("dl", "\x1b[%p1%dM"),
        ("dl1", "\x1b[M"),
        ("ed", "\x1b[J"),
        ("el", "\x1b[K"),
        ("el1", "\x1b[1K"),
        ("home", "\x1b[H"),
        ("ht", "\t"),
        ("hts", "\x1bH"),
        ("ich", "\x1b[%p1%d@"),
        ("il", "\x1b[%p1%dL"),
        ("il1", "\x1b[L"),
        ("ind", "\n"),
        ("rc", "\x1b8"),
        ("rev", "\x1b[7m"),
        ("ri", "\x1bM"),
        ("rmir", "\x1b[4l"),
        ("rmso", "\x1b[27m"),
        ("rmul", "\x1b[24m"),
        ("sc", "\x1b7"),
        ("setab", "\x1b[4%p1%dm"),
        ("setaf", "\x1b[3%p1%dm"),
        ("smir", "\x1b[4h"),
        ("smso", "\x1b[7m"),
        ("smul", "\x1b[4m"),
        ("tbc", "\x1b[3g"),
    ],
};

static XTERM: Type = Type {
    names: &["xterm", "xterm-debian"],
    title: "xterm terminal emulator (X Window System)",
    base: Some(&ANSI),
    flags: &["bce", "km", "mc5i", "npc"],
    numbers: &[],
    strings: &[
        ("E3", "\x1b[3J"),
        ("cbt", "\x1b[Z"),
        ("civis", "\x1b[?25l"),
        ("cnorm", "\x1b[?12l\x1b[?25h"),
        ("cvvis", "\x1b[?12;25h"),
        ("dim", "\x1b[2m"),
        ("ech", "\x1b[%p1%dX"),
        ("flash", "\x1b[?5h\x1b[?5l"),
        ("hpa", "\x1b[%i%p1%dG"),
        ("indn", "\x1b[%p1%dS"),
        ("invis", "\x1b[8m"),
        ("is2", "\x1b[!p\x1b[?3;4l\x1b[4l\x1b>"),
        ("kbs", "\x7f"),
        ("kcub1", "\x1bOD"),
        ("kcud1", "\x1bOB"),
        ("kcuf1", "\x1bOC"),
        ("kcuu1", "\x1bOA"),
        ("kdch1", "\x1b[3~"),
        ("kend", "\x1bOF"),
        ("kf1", "\x1bOP"),
        ("kf2", "\x1bOQ"),
        ("kf3", "\x1bOR"),
        ("kf4", "\x1bOS"),
        ("khome", "\x1bOH"),
        ("kich1", "\x1b[2~"),
        ("knp", "\x1b[6~"),
        ("kpp", "\x1b[5~"),
        ("nel", "\x1bE"),
        ("op", "\x1b[39;49m"),
        ("rin", "\x1b[%p1%dT"),
        ("ritm", "\x1b[23m"),
        ("rmacs", "\x1b(B"),
        ("rmam", "\x1b[?7l"),
        ("rmcup", "\x1b[?1049l\x1b[23;0;0t"),
        ("rmkx", "\x1b[?1l\x1b>"),
        ("rmxx", "\x1b[29m"),
        ("rs1", "\x1bc"),
        ("rs2", "\x1b[!p\x1b[?3;4l\x1b[4l\x1b>"),
        (
            "sgr",
            "%?%p9%t\x1b(0%e\x1b(B%;\x1b[0%?%p6%t;1%;%?%p5%t;2%;%?%p2%t;4%;%?%p1%p3%|%t;7%;%?%p4%t;5%;%?%p7%t;8%;m",
        ),
        ("sgr0", "\x1b(B\x1b[m"),
        ("sitm", "\x1b[3m"),
        ("smacs", "\x1b(0"),
        ("smam", "\x1b[?7h"),
        ("smcup", "\x1b[?1049h\x1b[22;0;0t"),
        ("smkx", "\x1b[?1h\x1b="),
        ("smxx", "\x1b[9m"),
        ("vpa", "\x1b[%i%p1%dd"),
    ],
};

static XTERM_256: Type = Type {
    names: &["xterm-256color"],
    title: "xterm with 256 colors",
    base: Some(&XTERM),
    flags: &["ccc"],
    numbers: &[("colors", 256), ("pairs", 65536)],
    strings: &[
        ("oc", "\x1b]104\x07"),
        ("rs1", "\x1bc\x1b]104\x07"),
        ("setab", "\x1b[%?%p1%{8}%<%t4%p1%d%e%p1%{16}%<%t10%p1%{8}%-%d%e48;5;%p1%d%;m"),
        ("setaf", "\x1b[%?%p1%{8}%<%t3%p1%d%e%p1%{16}%<%t9%p1%{8}%-%d%e38;5;%p1%d%;m"),
    ],
};

static TYPES: &[&Type] = &[&DUMB, &XTERM, &XTERM_256];

/// Names that no type of the table has, but that are capabilities.
const OTHER_NUMBERS: &[&str] = &["wsl", "xmc", "lm", "pb", "vt", "nlab", "ncv", "lh", "lw"];
const OTHER_FLAGS: &[&str] =
    &["bw", "hs", "eo", "gn", "hc", "da", "db", "in", "os", "ul", "xon", "hz", "eslok", "xsb"];

enum Value {
    Flag(bool),
    Number(i64),
    Text(Option<&'static str>),
}

impl Type {
    fn lookup(&'static self, name: &str) -> Option<Value> {
        let mut chain = Some(self);
        while let Some(at) = chain {
            if at.flags.contains(&name) {
                return Some(Value::Flag(true));
            }
            if let Some((_, number)) = at.numbers.iter().find(|(other, _)| *other == name) {
                return Some(Value::Number(*number));
            }
            if let Some((_, text)) = at.strings.iter().find(|(other, _)| *other == name) {
                return Some(Value::Text(Some(text)));
            }
            chain = at.base;
        }
        let all = || TYPES.iter().copied().chain([&ANSI]);
        if OTHER_FLAGS.contains(&name) || all().any(|other| other.flags.contains(&name)) {
            Some(Value::Flag(false))
        } else if OTHER_NUMBERS.contains(&name)
            || all().any(|other| other.numbers.iter().any(|(n, _)| *n == name))
        {
            Some(Value::Number(-1))
        } else if all().any(|other| other.strings.iter().any(|(n, _)| *n == name)) {
            Some(Value::Text(None))
        } else {
            None
        }
    }

    fn text(&'static self, name: &str) -> Option<&'static str> {
        match self.lookup(name) {
            Some(Value::Text(text)) => text,
            _ => None,
        }
    }
}

/// Skips to behind the `%;` (or, if `or_else`, the `%e`) that belongs to the conditional that is open.
fn skip(text: &[u8], mut at: usize, or_else: bool) -> usize {
    let mut depth = 0_usize;
    while at < text.len() {
        if text.get(at) == Some(&b'%') {
            match text.get(at + 1) {
                Some(b'?') => depth += 1,
                Some(b';') if depth == 0 => return at + 2,
                Some(b';') => depth -= 1,
                Some(b'e') if depth == 0 && or_else => return at + 2,
                _ => {}
            }
            at += 1;
        }
        at += 1;
    }
    at
}

/// What `tparm(3)` makes of a text and its parameters.
fn expand(text: &str, mut parameters: [i64; 9]) -> Vec<u8> {
    let text = text.as_bytes();
    let (mut out, mut stack, mut at) = (Vec::new(), Vec::<i64>::new(), 0);
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let Some(&operation) = text.get(at) else { break };
        at += 1;
        let mut pop = || stack.pop().unwrap_or(0);
        match operation {
            b'%' => out.push(b'%'),
            b'd' => out.extend_from_slice(pop().to_string().as_bytes()),
            b'i' => {
                parameters.iter_mut().take(2).for_each(|parameter| *parameter = parameter.saturating_add(1))
            }
            b'p' => {
                let index = text.get(at).map_or(0, |digit| usize::from(digit.wrapping_sub(b'1')));
                at += 1;
                stack.push(parameters.get(index).copied().unwrap_or(0));
            }
            b'{' => {
                let mut number = 0_i64;
                while let Some(digit) = text.get(at).filter(|digit| digit.is_ascii_digit()) {
                    number = number.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
                    at += 1;
                }
                at += 1;
                stack.push(number);
            }
            b'+' | b'-' | b'<' | b'|' => {
                let (right, left) = (pop(), pop());
                stack.push(match operation {
                    b'+' => left.wrapping_add(right),
                    b'-' => left.wrapping_sub(right),
                    b'<' => i64::from(left < right),
                    _ => left | right,
                });
            }
            // The pop is part of the operation, whatever comes of it.
            b't' if pop() == 0 => at = skip(text, at, true),
            b'e' => at = skip(text, at, false),
            _ => {}
        }
    }
    out
}

fn of_name(name: &[u8]) -> Option<&'static Type> {
    TYPES.iter().copied().find(|one| one.names.iter().any(|other| other.as_bytes() == name))
}

fn has_terminal(t: &Tool) -> bool {
    (0..3).any(|descriptor| t.ctx.is_terminal(descriptor))
}

fn size(t: &Tool, name: &str, default: i64) -> i64 {
    let (variable, lines) = if name == "cols" { ("COLUMNS", false) } else { ("LINES", true) };
    let given =
        t.ctx.env(variable).and_then(|value| value.to_str().ok()?.parse().ok()).filter(|value| *value > 0);
    given.unwrap_or_else(|| match t.ctx.kernel().terminal().filter(|_| has_terminal(t)) {
        Some(size) if lines => size.rows.into(),
        Some(size) => size.columns.into(),
        None => default,
    })
}

/// Brings the terminal into its first state; there must be one.
fn initialize(t: &mut Tool, terminal: &'static Type, again: bool) -> Done {
    if !has_terminal(t) {
        return Err(Fail::Message("terminal attributes: No such device or address\n".into(), 10));
    }
    let names: &[&str] = if again { &["rs1", "rs2"] } else { &["is2"] };
    for text in names.iter().filter_map(|name| terminal.text(name)) {
        t.out.put(text.as_bytes());
    }
    Ok(())
}

fn wipe(t: &mut Tool, terminal: &'static Type, keep: bool) -> Done {
    let Some(text) = terminal.text("clear") else { return Err(Fail::Status(1)) };
    t.out.put(text.as_bytes());
    if !keep && let Some(more) = terminal.text("E3") {
        t.out.put(more.as_bytes());
    }
    Ok(())
}

fn one(t: &mut Tool, terminal: &'static Type, words: &[BString], keep: bool) -> Done {
    let Some((name, rest)) = words.split_first() else { return Ok(()) };
    let name = name.to_str_lossy();
    match &*name {
        "clear" => return wipe(t, terminal, keep),
        "init" => return initialize(t, terminal, false),
        "reset" => return initialize(t, terminal, true),
        "longname" => t.out.put(terminal.title.as_bytes()),
        _ => match terminal.lookup(&name) {
            None => return Err(Fail::Message(format!("unknown terminfo capability '{name}'"), 4)),
            Some(Value::Flag(true)) => {}
            Some(Value::Flag(false) | Value::Text(None)) => t.status = 1,
            Some(Value::Number(number)) => {
                let number = match &*name {
                    "cols" => size(t, "cols", number),
                    "lines" => size(t, "lines", if number > 0 { number } else { 24 }),
                    _ => number,
                };
                t.out.put(format!("{number}\n").as_bytes());
            }
            Some(Value::Text(Some(text))) if rest.is_empty() => t.out.put(text.as_bytes()),
            Some(Value::Text(Some(text))) => {
                let mut parameters = [0; 9];
                for (parameter, word) in parameters.iter_mut().zip(rest) {
                    *parameter = word.to_str().ok().and_then(|word| word.parse().ok()).unwrap_or(0);
                }
                t.out.put(&expand(text, parameters));
            }
        },
    }
    Ok(())
}

async fn tput(t: &mut Tool) -> Done {
    let mut options = t.options_in_order();
    let (mut of, mut keep, mut input) = (t.ctx.env("TERM").filter(|name| !name.is_empty()), false, false);
    loop {
        match options.next() {
            Ok(None) => break,
            Ok(Some(("T", value))) => of = value,
            Ok(Some(("x", _))) => keep = true,
            Ok(Some(("S", _))) => input = true,
            Ok(Some(_)) => return version(t),
            Err(Fail::Usage(message)) => {
                return Err(Fail::Message(format!("{message}\n{TPUT_USAGE}"), 2));
            }
            Err(other) => return Err(other),
        }
    }
    let words = options.operands();
    if words.is_empty() && !input {
        return Err(Fail::Bare(TPUT_USAGE.into(), 2));
    }
    let Some(of) = of else { return Err(Fail::Message("No value for $TERM and no -T specified".into(), 2)) };
    let Some(terminal) = of_name(&of) else {
        return Err(Fail::Message(format!("unknown terminal \"{of}\""), 3));
    };
    if !input {
        return one(t, terminal, &words, keep);
    }
    let mut lines = t.ctx.stdin().map_err(Fail::Write)?;
    while let Some(line) = lines.line(b'\n').await? {
        let words: Vec<BString> =
            line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(BString::from).collect();
        one(t, terminal, &words, keep)?;
    }
    Ok(())
}

fn version(t: &mut Tool) -> Done {
    t.out.put(t.command.version().as_bytes());
    Ok(())
}

/// The type of `-T`, or of the environment.
fn terminal_of(t: &Tool, given: Option<BString>) -> Result<&'static Type, Fail> {
    let Some(name) = given.or_else(|| t.ctx.env("TERM")) else {
        return Err(Fail::Bare("TERM environment variable not set.".into(), 1));
    };
    of_name(&name).ok_or_else(|| Fail::Bare(format!("'{name}': unknown terminal type."), 1))
}

async fn clear(t: &mut Tool) -> Done {
    let mut options = t.options();
    let (mut of, mut keep) = (None, false);
    while let Some((name, value)) = options.next()? {
        match name {
            "T" => of = value,
            "x" => keep = true,
            _ => return version(t),
        }
    }
    let terminal = terminal_of(t, of)?;
    wipe(t, terminal, keep)
}

async fn reset(t: &mut Tool) -> Done {
    let mut options = t.options();
    let mut of = None;
    while let Some((_, value)) = options.next()? {
        of = value;
    }
    let of = of.or_else(|| options.operands().into_iter().next());
    // Without a terminal there is nothing to reset, whatever its type.
    if !has_terminal(t) {
        return Err(Fail::Message("terminal attributes: No such device or address\n".into(), 10));
    }
    let terminal = terminal_of(t, of)?;
    initialize(t, terminal, true)
}
