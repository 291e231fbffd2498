//! `less` and `more`: write their input through, since nobody can turn pages. Numbers and cut lines are for terminals.

use bstr::{BString, ByteSlice};
use unicode_width::UnicodeWidthChar;

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static LESS: Command = Command {
    name: "less",
    usage: &["[option]... [file]..."],
    about: "Show files. There are no keys to turn pages with: all of it is written.",
    options: &[
        Opt::flag("N,LINE-NUMBERS", "number lines, on a terminal"),
        Opt::flag("S,chop-long-lines", "cut lines at the width of the terminal"),
        Opt::flag("s,squeeze-blank-lines", "several empty lines become one, on a terminal"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&LESS, ctx, less),
};

pub(crate) static MORE: Command = Command {
    name: "more",
    usage: &["[options] <file>..."],
    about: "Display the contents of a file. There are no keys to turn pages with: all of it is written.",
    options: &[
        Opt::flag("d,silent", "(ignored)"),
        Opt::flag("f,logical", "(ignored)"),
        Opt::flag("l,no-pause", "(ignored)"),
        Opt::flag("c,print-over", "(ignored)"),
        Opt::flag("p,clean-print", "(ignored)"),
        Opt::flag("e,exit-on-eof", "(ignored)"),
        Opt::flag("s,squeeze", "squeeze multiple blank lines into one, on a terminal"),
        Opt::flag("u,plain", "(ignored)"),
        Opt::value("n,lines", "NUMBER", "(ignored)"),
        Opt::value("#", "NUMBER", ""),
        Opt::flag("h", "display this help and exit"),
        Opt::flag("V", "output version information and exit"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&MORE, ctx, more),
};

/// Options of `less` that change nothing where there are no pages: those without a value.
const PLAIN: &[u8] = b"aABcCdeEfFgGiIJKLmMnNqQrRsSuUVwWX~?";
/// Those with a value.
const VALUES: &[u8] = b"bDhjkoOpPtTxyz#";

/// The long names: a short one, and what it is called.
const LONG: &[(u8, &str)] = &[
    (b'?', "help"),
    (b'a', "search-skip-screen"),
    (b'A', "SEARCH-SKIP-SCREEN"),
    (b'b', "buffers"),
    (b'B', "auto-buffers"),
    (b'c', "clear-screen"),
    (b'd', "dumb"),
    (b'D', "color"),
    (b'e', "quit-at-eof"),
    (b'E', "QUIT-AT-EOF"),
    (b'f', "force"),
    (b'F', "quit-if-one-screen"),
    (b'g', "hilite-search"),
    (b'G', "HILITE-SEARCH"),
    (b'h', "max-back-scroll"),
    (b'i', "ignore-case"),
    (b'I', "IGNORE-CASE"),
    (b'j', "jump-target"),
    (b'J', "status-column"),
    (b'k', "lesskey-file"),
    (b'K', "quit-on-intr"),
    (b'L', "no-lessopen"),
    (b'm', "long-prompt"),
    (b'M', "LONG-PROMPT"),
    (b'n', "line-numbers"),
    (b'N', "LINE-NUMBERS"),
    (b'o', "log-file"),
    (b'O', "LOG-FILE"),
    (b'p', "pattern"),
    (b'P', "prompt"),
    (b'q', "quiet"),
    (b'q', "silent"),
    (b'Q', "QUIET"),
    (b'Q', "SILENT"),
    (b'r', "raw-control-chars"),
    (b'R', "RAW-CONTROL-CHARS"),
    (b's', "squeeze-blank-lines"),
    (b'S', "chop-long-lines"),
    (b't', "tag"),
    (b'T', "tag-file"),
    (b'u', "underline-special"),
    (b'U', "UNDERLINE-SPECIAL"),
    (b'V', "version"),
    (b'w', "hilite-unread"),
    (b'W', "HILITE-UNREAD"),
    (b'x', "tabs"),
    (b'X', "no-init"),
    (b'y', "max-forw-scroll"),
    (b'z', "window"),
    (b'~', "tilde"),
    (b'#', "shift"),
    (b'f', "follow-name"),
    (b'f', "incsearch"),
    (b'f', "use-color"),
    (b'f', "mouse"),
    (b'f', "MOUSE"),
    (b'f', "no-keypad"),
    (b'f', "no-histdups"),
    (b'f', "save-marks"),
    (b'#', "rscroll"),
    (b'#', "wheel-lines"),
    (b'#', "header"),
    (b'#', "line-num-width"),
    (b'#', "status-col-width"),
];

#[derive(Clone, Copy, Default)]
struct Look {
    numbers: bool,
    chop: Option<usize>,
    squeeze: bool,
}

async fn less(t: &mut Tool) -> Done {
    let (mut numbers, mut chop, mut squeeze) = (false, false, false);
    let mut arguments = std::collections::VecDeque::from(t.arguments());
    let mut files: Vec<BString> = Vec::new();
    // They are told, and do not keep it from showing its files.
    let mut unknown: Vec<String> = Vec::new();
    while let Some(argument) = arguments.pop_front() {
        if argument == "--" {
            files.extend(arguments.drain(..));
            break;
        }
        let letters: Vec<u8> = if let Some(long) = argument.strip_prefix(b"--") {
            let (name, value) = match long.split_once_str("=") {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let exact = LONG.iter().find(|(_, full)| full.as_bytes() == name);
            let found = exact.or_else(|| LONG.iter().find(|(_, full)| full.as_bytes().starts_with(name)));
            let Some((letter, _)) = found.filter(|_| !name.is_empty()) else {
                unknown.push(name.to_str_lossy().into_owned());
                continue;
            };
            if VALUES.contains(letter) && value.is_none() {
                arguments.pop_front();
                continue;
            }
            vec![*letter]
        } else if argument.starts_with(b"+") {
            // A command to begin with, which a key would give.
            continue;
        } else if argument.len() > 1 && argument.starts_with(b"-") {
            argument.get(1..).unwrap_or_default().to_vec()
        } else {
            files.push(argument);
            continue;
        };
        let long = argument.starts_with(b"--");
        let mut rest = letters.as_slice();
        while let Some((letter, behind)) = rest.split_first() {
            rest = behind;
            match letter {
                b'?' => return Err(Fail::Help),
                b'V' => return Err(Fail::Version),
                b'N' => numbers = true,
                b'S' => chop = true,
                b's' => squeeze = true,
                b'+' | b'-' | b'0'..=b'9' => {}
                other if VALUES.contains(other) => {
                    if rest.is_empty() && !long {
                        arguments.pop_front();
                    }
                    break;
                }
                other if PLAIN.contains(other) => {}
                other => {
                    unknown.push(format!("-{}", char::from(*other)));
                    break;
                }
            }
        }
    }
    for name in unknown {
        t.err.put(format!("There is no {name} option (\"less --help\" for help)\n").as_bytes());
    }
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    let look = look(t, numbers, chop, squeeze);
    if files.is_empty() {
        if t.ctx.is_terminal(0) {
            return Err(Fail::Bare("Missing filename (\"less --help\" for help)".into(), 1));
        }
        files.push("-".into());
    }
    for file in files {
        // It tells of what is missing where the text would stand.
        if t.ctx.stat(&file, true).is_ok_and(|stat| stat.is_directory()) {
            t.out.put(format!("{file} is a directory\n").as_bytes());
            continue;
        }
        match t.open(&file).await {
            Ok(input) => show(t, &file, input, look).await?,
            Err(error) => t.out.put(format!("{file}: {}\n", error.strerror()).as_bytes()),
        }
    }
    Ok(())
}

async fn more(t: &mut Tool) -> Done {
    let mut squeeze = false;
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "s" => squeeze = true,
            "h" => return Err(Fail::Help),
            "V" => return Err(Fail::Version),
            _ => {}
        }
    }
    let look = look(t, false, false, squeeze);
    let files: Vec<BString> = options.operands().into_iter().filter(|file| !file.starts_with(b"+")).collect();
    if files.is_empty() {
        if t.ctx.is_terminal(0) {
            return Err(Fail::Usage("bad usage".into()));
        }
        let input = t.ctx.stdin().map_err(|error| Fail::Message(error.strerror().into(), 1))?;
        return show(t, b"-", input, look).await;
    }
    let banner = !t.ctx.is_terminal(1) || files.len() > 1;
    for file in files {
        if t.ctx.stat(&file, true).is_ok_and(|stat| stat.is_directory()) {
            t.out.put(format!("\n*** {file}: directory ***\n\n").as_bytes());
            continue;
        }
        let input = match t.ctx.open_input(&file).await {
            Ok(input) => input,
            Err(error) => {
                t.warn(format!("cannot open {file}: {}", error.strerror())).await?;
                if file == "-"
                    && let Ok(input) = t.ctx.stdin()
                {
                    show(t, b"-", input, look).await?;
                }
                continue;
            }
        };
        if banner {
            let line = ":".repeat(14);
            t.out.put(format!("{line}\n{file}\n{line}\n").as_bytes());
        }
        show(t, &file, input, look).await?;
    }
    Ok(())
}

/// How lines look: anywhere but on a terminal as they are.
fn look(t: &Tool, numbers: bool, chop: bool, squeeze: bool) -> Look {
    match t.ctx.kernel().terminal().filter(|_| t.ctx.is_terminal(1)) {
        None => Look::default(),
        Some(size) => Look { numbers, chop: chop.then_some(usize::from(size.columns)), squeeze },
    }
}

async fn show(t: &mut Tool, name: &[u8], mut input: wasmsh_os::Input, look: Look) -> Done {
    let (mut number, mut blank) = (0_u64, false);
    loop {
        if !look.numbers && look.chop.is_none() && !look.squeeze {
            let data = match input.fill().await {
                Ok(data) => data,
                Err(error) => return t.file_error(name, error).await,
            };
            if data.is_empty() {
                return Ok(());
            }
            t.out.write(data).await?;
            let count = data.len();
            input.consume(count);
            continue;
        }
        let line = match input.line(b'\n').await {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(error) => return t.file_error(name, error).await,
        };
        number += 1;
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        if look.squeeze && blank && body.is_empty() {
            continue;
        }
        blank = body.is_empty();
        let mut room = look.chop.unwrap_or(usize::MAX);
        if look.numbers {
            t.out.put(format!("{number:>7} ").as_bytes());
            room = room.saturating_sub(8);
        }
        match look.chop {
            None => t.out.put(body),
            Some(_) => {
                let end = body
                    .char_indices()
                    .find(|(_, _, letter)| {
                        let width = letter.width().unwrap_or(0);
                        let fits = width <= room;
                        room = room.saturating_sub(width);
                        !fits
                    })
                    .map_or(body.len(), |(start, _, _)| start);
                t.out.put(body.get(..end).unwrap_or_default());
            }
        }
        t.out.put(b"\n");
        t.out.drain().await?;
    }
}
