//! Programs that run another one a little differently: `nice`, `nohup`, `stdbuf`, `time`.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Child, Disposition, Errno, Exit, OpenFlags, Signal, Spawn};

use crate::env::execute;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static NICE: Command = Command {
    name: "nice",
    usage: &["[OPTION] [COMMAND [ARG]...]"],
    about: "Run COMMAND with an adjusted niceness, which affects process scheduling.\n\
            With no COMMAND, print the current niceness.",
    options: &[
        Opt::value("n,adjustment", "N", "add integer N to the niceness (default 10)"),
        Opt::value("#", "N", ""),
    ],
    more: "",
    usage_status: 125,
    main: |ctx| start(&NICE, ctx, nice),
};

pub(crate) static NOHUP: Command = Command {
    name: "nohup",
    usage: &["COMMAND [ARG]...", "OPTION"],
    about: "Run COMMAND, ignoring hangup signals.",
    options: &[],
    more: "If standard output is a terminal, append output to 'nohup.out' if possible,\n\
           '$HOME/nohup.out' otherwise.",
    usage_status: 125,
    main: |ctx| start(&NOHUP, ctx, nohup),
};

pub(crate) static STDBUF: Command = Command {
    name: "stdbuf",
    usage: &["OPTION... COMMAND"],
    about: "Run COMMAND, with modified buffering operations for its standard streams.",
    options: &[
        Opt::value("i,input", "MODE", "adjust standard input stream buffering"),
        Opt::value("o,output", "MODE", "adjust standard output stream buffering"),
        Opt::value("e,error", "MODE", "adjust standard error stream buffering"),
    ],
    more: "If MODE is 'L' the corresponding stream will be line buffered.\n\
           If MODE is '0' the corresponding stream will be unbuffered.\n\
           Otherwise MODE is a number which may be followed by a suffix.",
    usage_status: 125,
    main: |ctx| start(&STDBUF, ctx, stdbuf),
};

pub(crate) static TIME: Command = Command {
    name: "time",
    usage: &["[-apvV] [-f format] [-o file] [--append] [--verbose] [--portability] command [arg...]"],
    about: "Run COMMAND, then print system resource usage.",
    options: &[
        Opt::flag("a,append", "with -o FILE, append instead of overwriting"),
        Opt::value("f,format", "FORMAT", "use the specified FORMAT instead of the default"),
        Opt::value("o,output", "FILE", "write to FILE instead of STDERR"),
        Opt::flag("p,portability", "print POSIX standard 1003.2 conformant string"),
        Opt::flag("q,quiet", "do not print information about abnormal program\ntermination"),
        Opt::flag("v,verbose", "print all resource usage information"),
        Opt::flag("V", "output version information and exit"),
    ],
    more: "",
    usage_status: 125,
    main: |ctx| start(&TIME, ctx, time),
};

async fn nice(t: &mut Tool) -> Done {
    let mut adjustment: Option<BString> = None;
    // `-5` and `--5` are numbers, not options.
    let mut arguments = t.arguments();
    while let Some(first) = arguments.first() {
        let digits = first
            .strip_prefix(b"-")
            .map(|rest| rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest));
        if !digits.is_some_and(|digits| digits.first().is_some_and(u8::is_ascii_digit)) {
            break;
        }
        adjustment = first.get(1..).map(BString::from);
        arguments.remove(0);
    }
    let mut options = crate::opts::Options::new(NICE.options, arguments, true);
    while let Some((_, value)) = options.next()? {
        adjustment = value;
    }
    let words = options.operands();
    if let Some(text) = &adjustment {
        let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Fail::Message(format!("invalid adjustment {}", t.quote(text)), 125));
        }
        if words.is_empty() {
            return Err(Fail::Usage("a command must be given with an adjustment".into()));
        }
    }
    if words.is_empty() {
        let niceness = t.ctx.niceness();
        t.out.put(format!("{niceness}\n").as_bytes());
        return Ok(());
    }
    let adjustment = match &adjustment {
        None => 10,
        // More than the whole range is as good as the whole range.
        Some(text) => text
            .to_str()
            .ok()
            .and_then(|text| text.parse::<i32>().ok())
            .unwrap_or(if text.starts_with(b"-") { -40 } else { 40 })
            .clamp(-40, 40),
    };
    if let Err(error) = t.ctx.set_niceness(t.ctx.niceness() + adjustment) {
        t.warn(format!("cannot set niceness: {}", error.strerror())).await?;
    }
    execute(t, words, None).await
}

async fn nohup(t: &mut Tool) -> Done {
    let mut options = t.options_in_order();
    while options.next()?.is_some() {}
    let words = options.operands();
    if words.is_empty() {
        return Err(t.missing_operand());
    }
    let input_ignored = t.ctx.is_terminal(0);
    let (output, error) = (t.ctx.is_terminal(1), t.ctx.is_terminal(2));
    if input_ignored && let Ok(null) = t.ctx.open_description(b"/dev/null", OpenFlags::WRITE, 0).await {
        let _ = t.ctx.set_descriptor(0, null);
    }
    let ignoring = if input_ignored { "ignoring input" } else { "" };
    if output {
        let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::APPEND;
        let mut name = BString::from("nohup.out");
        let mut opened = t.ctx.open_description(&name, how, 0o600).await;
        if opened.is_err()
            && let Some(home) = t.ctx.env("HOME")
        {
            name = crate::path::join(&home, &name);
            opened = t.ctx.open_description(&name, how, 0o600).await;
        }
        match opened {
            Ok(file) => {
                let and = if ignoring.is_empty() { "" } else { " and " };
                t.warn(format!("{ignoring}{and}appending output to {}", t.quote(&name))).await?;
                if error {
                    let _ = t.ctx.set_descriptor(2, file.clone());
                }
                let _ = t.ctx.set_descriptor(1, file);
            }
            Err(error) => {
                let message = format!("failed to open {}: {}", t.quote(b"nohup.out"), error.strerror());
                return Err(Fail::Message(message, 125));
            }
        }
    } else if error {
        let and = if ignoring.is_empty() { "" } else { " and " };
        t.warn(format!("{ignoring}{and}redirecting stderr to stdout")).await?;
        if let Ok(out) = t.ctx.description(1) {
            let _ = t.ctx.set_descriptor(2, out);
        }
    } else if input_ignored {
        t.warn(ignoring).await?;
    }
    t.ctx.set_disposition(Signal::Hup, Disposition::Ignore);
    match execute(t, words.clone(), None).await {
        Err(Fail::Message(message, status)) => {
            Err(Fail::Message(format!("failed to run command {message}"), status))
        }
        other => other,
    }
}

async fn stdbuf(t: &mut Tool) -> Done {
    let mut environment = t.ctx.environment();
    let mut any = false;
    let mut options = t.options_in_order();
    while let Some((name, value)) = options.next()? {
        any = true;
        let text = value.unwrap_or_default();
        let mode: BString = match &text[..] {
            b"L" if name == "i" => {
                return Err(Fail::Usage("line buffering stdin is meaningless".into()));
            }
            b"L" => "L".into(),
            _ => match crate::number::parse_size(&text, b"EGkKMPTYZ0") {
                Ok(size) => size.to_string().into(),
                Err(_) => {
                    return Err(Fail::Message(format!("invalid mode {}", t.quote(&text)), 125));
                }
            },
        };
        let variable = match name {
            "i" => "_STDBUF_I",
            "o" => "_STDBUF_O",
            _ => "_STDBUF_E",
        };
        environment.set(variable.as_bytes(), &mode);
    }
    let words = options.operands();
    if words.is_empty() {
        return Err(t.missing_operand());
    }
    if !any {
        return Err(Fail::Usage("you must specify a buffering mode option".into()));
    }
    match execute(t, words, Some(environment)).await {
        Err(Fail::Message(message, status)) => {
            Err(Fail::Message(format!("failed to run command {message}"), status))
        }
        other => other,
    }
}

const DEFAULT: &str = "%Uuser %Ssystem %Eelapsed %PCPU (%Xavgtext+%Davgdata %Mmaxresident)k\n\
    %Iinputs+%Ooutputs (%Fmajor+%Rminor)pagefaults %Wswaps";
const POSIX: &str = "real %e\nuser %U\nsys %S";
const VERBOSE: &str = "\tCommand being timed: \"%C\"\n\
    \tUser time (seconds): %U\n\
    \tSystem time (seconds): %S\n\
    \tPercent of CPU this job got: %P\n\
    \tElapsed (wall clock) time (h:mm:ss or m:ss): %E\n\
    \tAverage shared text size (kbytes): %X\n\
    \tAverage unshared data size (kbytes): %D\n\
    \tAverage stack size (kbytes): %p\n\
    \tAverage total size (kbytes): %K\n\
    \tMaximum resident set size (kbytes): %M\n\
    \tAverage resident set size (kbytes): %t\n\
    \tMajor (requiring I/O) page faults: %F\n\
    \tMinor (reclaiming a frame) page faults: %R\n\
    \tVoluntary context switches: %w\n\
    \tInvoluntary context switches: %c\n\
    \tSwaps: %W\n\
    \tFile system inputs: %I\n\
    \tFile system outputs: %O\n\
    \tSocket messages sent: %s\n\
    \tSocket messages received: %r\n\
    \tSignals delivered: %k\n\
    \tPage size (bytes): %Z\n\
    \tExit status: %x";

async fn time(t: &mut Tool) -> Done {
    let (mut append, mut quiet) = (false, false);
    let mut output: Option<BString> = None;
    let mut format: BString = t.ctx.env("TIME").unwrap_or_else(|| DEFAULT.into());
    let mut options = t.options_in_order();
    while let Some((name, value)) = options.next()? {
        match name {
            "a" => append = true,
            "f" => format = value.unwrap_or_default(),
            "o" => output = value,
            "p" => format = POSIX.into(),
            "q" => quiet = true,
            "v" => format = VERBOSE.into(),
            _ => return Err(Fail::Version),
        }
    }
    let words = options.operands();
    let Some(program) = words.first().cloned() else {
        return Err(Fail::Usage("missing program to run".into()));
    };
    let begun = t.ctx.monotonic();
    let spawn =
        Spawn { program: program.clone(), arguments: words.clone(), inherit: true, ..Spawn::default() };
    let mut signal = None;
    let status = match t.ctx.spawn(spawn) {
        Ok(pid) => match t.ctx.wait(Child::Process(pid)).await {
            Ok((_, exit)) => {
                if let Exit::Signalled(by) = exit {
                    signal = Some(by);
                }
                exit.status()
            }
            Err(_) => 125,
        },
        Err(error) => {
            t.warn(format!("cannot run {program}: {}", error.strerror())).await?;
            if error == Errno::NoEntry { 127 } else { 126 }
        }
    };
    t.status = status;
    let elapsed = t.ctx.monotonic().saturating_sub(begun);
    let command: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    let mut report = Vec::new();
    if status != 0 && !quiet {
        if let Some(signal) = signal {
            let number = signal.number();
            report.extend_from_slice(format!("Command terminated by signal {number}\n").as_bytes());
        } else {
            report.extend_from_slice(format!("Command exited with non-zero status {status}\n").as_bytes());
        }
    }
    // Who was ended has no status of its own.
    let own = if signal.is_some() { 0 } else { status };
    if fill(&format, elapsed, own, &command.join(" "), &mut report) {
        report.push(b'\n');
    }
    match output {
        None => {
            t.err.put(&report);
            let _ = t.err.flush().await;
        }
        Some(name) => {
            let cannot = |error: Errno| Fail::Message(format!("{name}: {}", error.strerror()), 125);
            let mut file = t.ctx.create_output(&name, append).await.map_err(cannot)?;
            file.put(&report);
            file.flush().await.map_err(cannot)?;
        }
    }
    Ok(())
}

/// A report; what is not known of a process is zero. False: the format ends within a conversion, and its line does not.
fn fill(format: &[u8], elapsed: u64, status: u8, command: &str, out: &mut Vec<u8>) -> bool {
    let hundredths = elapsed / 10_000_000;
    let seconds = hundredths / 100;
    let mut rest = format;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'%' => {
                let Some((letter, behind)) = rest.split_first() else {
                    out.extend_from_slice(b"?");
                    return false;
                };
                rest = behind;
                let text = match letter {
                    b'%' => "%".to_owned(),
                    b'C' => command.to_owned(),
                    b'E' if seconds >= 3600 => {
                        format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
                    }
                    b'E' => format!("{}:{:02}.{:02}", seconds / 60, seconds % 60, hundredths % 100),
                    b'e' => format!("{seconds}.{:02}", hundredths % 100),
                    b'U' | b'S' => "0.00".to_owned(),
                    b'P' => "0%".to_owned(),
                    b'x' => status.to_string(),
                    b'Z' => "65536".to_owned(),
                    b'D' | b'F' | b'I' | b'K' | b'M' | b'O' | b'R' | b'W' | b'X' | b'c' | b'k' | b'p'
                    | b'r' | b's' | b't' | b'w' => "0".to_owned(),
                    other => format!("?{}", char::from(*other)),
                };
                out.extend_from_slice(text.as_bytes());
            }
            b'\\' => match rest.split_first() {
                Some((letter, behind)) => {
                    rest = behind;
                    match letter {
                        b'n' => out.push(b'\n'),
                        b't' => out.push(b'\t'),
                        b'\\' => out.push(b'\\'),
                        other => out.extend_from_slice(&[b'?', b'\\', *other]),
                    }
                }
                None => out.extend_from_slice(b"?\\"),
            },
            _ => out.push(*byte),
        }
    }
    true
}
