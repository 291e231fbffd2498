//! `dircolors`: makes LS_COLORS from a list of colours.

use bstr::{BString, ByteSlice};

use crate::glob::Glob;
use crate::ls_color::TERMINALS;
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "dircolors",
    usage: &["[OPTION]... [FILE]"],
    about: "Output commands to set the LS_COLORS environment variable.",
    options: &[
        Opt::flag("b,sh,bourne-shell", "output Bourne shell code to set LS_COLORS"),
        Opt::flag("c,csh,c-shell", "output C shell code to set LS_COLORS"),
        Opt::flag("p,print-database", "output defaults"),
        Opt::flag("print-ls-colors", "output fully escaped colors for display"),
    ],
    more: "If FILE is specified, read it to determine which colors to use for which\n\
           file types and extensions.  Otherwise, a precompiled database is used.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// A group of the database: what it is, its colour, its keywords.
type Group = (&'static str, &'static str, &'static [&'static str]);

const DATABASE: &[Group] = &[
    ("Back to the ordinary colour", "0", &["RESET"]),
    ("Directories", "01;34", &["DIR"]),
    ("Symbolic links; \"target\" instead of a colour takes that of the file it leads to", "01;36", &["LINK"]),
    ("Regular files with several links", "00", &["MULTIHARDLINK"]),
    ("Pipes", "40;33", &["FIFO"]),
    ("Sockets and doors", "01;35", &["SOCK", "DOOR"]),
    ("Devices", "40;33;01", &["BLK", "CHR"]),
    ("Links to files that are missing", "40;31;01", &["ORPHAN"]),
    ("Files that links to nowhere lead to", "00", &["MISSING"]),
    ("Set-user-id files", "37;41", &["SETUID"]),
    ("Set-group-id files", "30;43", &["SETGID"]),
    ("Files with capabilities", "00", &["CAPABILITY"]),
    ("Directories that are sticky and that others may write to", "30;42", &["STICKY_OTHER_WRITABLE"]),
    ("Directories that others may write to", "34;42", &["OTHER_WRITABLE"]),
    ("Directories that are sticky", "37;44", &["STICKY"]),
    ("Files that may be executed", "01;32", &["EXEC"]),
    (
        "Archives",
        "01;31",
        &[
            ".tar", ".tgz", ".arc", ".arj", ".taz", ".lha", ".lz4", ".lzh", ".lzma", ".tlz", ".txz", ".tzo",
            ".t7z", ".zip", ".z", ".dz", ".gz", ".lrz", ".lz", ".lzo", ".xz", ".zst", ".tzst", ".bz2", ".bz",
            ".tbz", ".tbz2", ".tz", ".deb", ".rpm", ".jar", ".war", ".ear", ".sar", ".rar", ".alz", ".ace",
            ".zoo", ".cpio", ".7z", ".rz", ".cab", ".wim", ".swm", ".dwm", ".esd",
        ],
    ),
    (
        "Images and films",
        "01;35",
        &[
            ".avif", ".jpg", ".jpeg", ".mjpg", ".mjpeg", ".gif", ".bmp", ".pbm", ".pgm", ".ppm", ".tga",
            ".xbm", ".xpm", ".tif", ".tiff", ".png", ".svg", ".svgz", ".mng", ".pcx", ".mov", ".mpg",
            ".mpeg", ".m2v", ".mkv", ".webm", ".webp", ".ogm", ".mp4", ".m4v", ".mp4v", ".vob", ".qt",
            ".nuv", ".wmv", ".asf", ".rm", ".rmvb", ".flc", ".avi", ".fli", ".flv", ".gl", ".dl", ".xcf",
            ".xwd", ".yuv", ".cgm", ".emf", ".ogv", ".ogx",
        ],
    ),
    (
        "Sound",
        "00;36",
        &[
            ".aac", ".au", ".flac", ".m4a", ".mid", ".midi", ".mka", ".mp3", ".mpc", ".ogg", ".ra", ".wav",
            ".oga", ".opus", ".spx", ".xspf",
        ],
    ),
    (
        "Backups",
        "00;90",
        &[
            "*~",
            "*#",
            ".bak",
            ".old",
            ".orig",
            ".part",
            ".rej",
            ".swp",
            ".tmp",
            ".dpkg-dist",
            ".dpkg-old",
            ".ucf-dist",
            ".ucf-new",
            ".ucf-old",
            ".rpmnew",
            ".rpmorig",
            ".rpmsave",
        ],
    ),
];

/// Keywords, and what LS_COLORS calls them.
const KEYWORDS: &[(&str, &str)] = &[
    ("NORMAL", "no"),
    ("NORM", "no"),
    ("FILE", "fi"),
    ("RESET", "rs"),
    ("DIR", "di"),
    ("LNK", "ln"),
    ("LINK", "ln"),
    ("SYMLINK", "ln"),
    ("ORPHAN", "or"),
    ("MISSING", "mi"),
    ("FIFO", "pi"),
    ("PIPE", "pi"),
    ("SOCK", "so"),
    ("BLK", "bd"),
    ("BLOCK", "bd"),
    ("CHR", "cd"),
    ("CHAR", "cd"),
    ("DOOR", "do"),
    ("EXEC", "ex"),
    ("LEFT", "lc"),
    ("LEFTCODE", "lc"),
    ("RIGHT", "rc"),
    ("RIGHTCODE", "rc"),
    ("END", "ec"),
    ("ENDCODE", "ec"),
    ("SUID", "su"),
    ("SETUID", "su"),
    ("SGID", "sg"),
    ("SETGID", "sg"),
    ("STICKY", "st"),
    ("OTHER_WRITABLE", "ow"),
    ("OWR", "ow"),
    ("STICKY_OTHER_WRITABLE", "tw"),
    ("OWT", "tw"),
    ("CAPABILITY", "ca"),
    ("MULTIHARDLINK", "mh"),
    ("CLRTOEOL", "cl"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Bourne,
    C,
    Shown,
}

async fn run(t: &mut Tool) -> Done {
    let (mut syntax, mut database, mut shown) = (None, false, false);
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "b" => syntax = Some(Syntax::Bourne),
            "c" => syntax = Some(Syntax::C),
            "p" => database = true,
            _ => shown = true,
        }
    }
    let operands = options.operands();
    if (database || shown) && syntax.is_some() {
        let message =
            "the options to output non shell syntax,\nand to select a shell syntax are mutually exclusive";
        return Err(Fail::Usage(message.into()));
    }
    if database && shown {
        let message = "options --print-database and --print-ls-colors are mutually exclusive";
        return Err(Fail::Usage(message.into()));
    }
    if let Some(extra) = operands.get(usize::from(!database)) {
        let mut message = format!("extra operand {}", t.quote(extra));
        if database {
            message.push_str("\nfile operands cannot be combined with --print-database (-p)");
        }
        return Err(Fail::Usage(message));
    }
    if database {
        t.out.put(own_database().as_bytes());
        return Ok(());
    }
    if shown {
        syntax = Some(Syntax::Shown);
    }
    let syntax = match syntax {
        Some(syntax) => syntax,
        None => match t.ctx.env("SHELL").filter(|shell| !shell.is_empty()) {
            Some(shell) => match crate::path::base_name(&shell) {
                b"csh" | b"tcsh" => Syntax::C,
                _ => Syntax::Bourne,
            },
            None => {
                let message = "no SHELL environment variable, and no shell type option given";
                return Err(Fail::Message(message.into(), 1));
            }
        },
    };
    let (text, name): (Vec<u8>, Option<&BString>) = match operands.first() {
        None => (own_database().into_bytes(), None),
        Some(name) => {
            let cannot = |error: wasmsh_os::Errno| {
                Fail::Message(format!("{}: {}", quote_name(name), error.strerror()), 1)
            };
            let mut text = Vec::new();
            let mut input = t.open(name).await.map_err(cannot)?;
            // What cannot be read, as a directory, is as good as empty.
            let _ = input.read_to_end(&mut text).await;
            (text, Some(name))
        }
    };
    let Some(colors) = read(t, &text, name, syntax).await? else { return Err(Fail::Status(1)) };
    let (before, after): (&[u8], &[u8]) = match syntax {
        Syntax::Bourne => (b"LS_COLORS='", b"';\nexport LS_COLORS\n"),
        Syntax::C => (b"setenv LS_COLORS '", b"'\n"),
        Syntax::Shown => (b"", b""),
    };
    t.out.put(before);
    t.out.put(&colors);
    t.out.put(after);
    Ok(())
}

/// The database as a file that `dircolors` reads.
/// The ends of names that have a colour, and which.
pub(crate) fn endings() -> impl Iterator<Item = (&'static str, &'static str)> {
    let entries =
        DATABASE.iter().flat_map(|(_, color, keywords)| keywords.iter().map(move |word| (*word, *color)));
    entries.filter(|(word, _)| word.starts_with('.'))
}

fn own_database() -> String {
    let mut text =
        String::from("# Colours of ls: save, change, and give the name of the file to dircolors.\n\n");
    text.push_str("# What follows counts for these terminals\nCOLORTERM ?*\n");
    for name in TERMINALS {
        text.push_str(&format!("TERM {name}\n"));
    }
    for (about, color, keywords) in DATABASE {
        text.push_str(&format!("\n# {about}\n"));
        for keyword in *keywords {
            text.push_str(&format!("{keyword} {color}\n"));
        }
    }
    text
}

/// A line's two words; comments are left out.
fn split(line: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let line = line.trim_ascii_start();
    if line.is_empty() || line.starts_with(b"#") {
        return None;
    }
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_ascii_start();
    let rest = rest.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii_end();
    Some((keyword, Some(rest).filter(|rest| !rest.is_empty())))
}

/// The value of LS_COLORS. `None`: what is wrong has been told.
async fn read(
    t: &mut Tool,
    text: &[u8],
    name: Option<&BString>,
    syntax: Syntax,
) -> Result<Option<Vec<u8>>, Fail> {
    #[derive(PartialEq)]
    enum Terminal {
        /// Nothing was said of terminals, or an entry stands between.
        Open,
        No,
        Yes,
    }
    let term = t.ctx.env("TERM").filter(|term| !term.is_empty()).unwrap_or_else(|| "none".into());
    let color_term = t.ctx.env("COLORTERM").unwrap_or_default();
    let mut out = Vec::new();
    let (mut state, mut wrong) = (Terminal::Open, false);
    let (mut passed, mut sure) = (true, false);
    for (index, line) in text.lines().enumerate() {
        t.ctx.tick().await;
        let Some((keyword, argument)) = split(line) else { continue };
        let place = || {
            let file = name.map_or("<internal>".to_owned(), |name| quote_name(name));
            format!("{file}:{}", index + 1)
        };
        let Some(argument) = argument else {
            t.error(format!("{}: invalid line;  missing second token", place())).await?;
            wrong = true;
            continue;
        };
        if keyword.eq_ignore_ascii_case(b"TERM") || keyword.eq_ignore_ascii_case(b"COLORTERM") {
            let value = if keyword.eq_ignore_ascii_case(b"TERM") { &term } else { &color_term };
            if Glob::new(argument).matches(value) {
                state = Terminal::Yes;
            } else if state != Terminal::Yes {
                state = Terminal::No;
            }
            (passed, sure) = (state == Terminal::Yes, state == Terminal::Yes);
            continue;
        }
        if state == Terminal::Yes {
            // The next list of terminals counts for itself.
            state = Terminal::Open;
        }
        if !passed {
            continue;
        }
        if keyword.starts_with(b".") || keyword.starts_with(b"*") {
            let mut key = Vec::new();
            if keyword.starts_with(b".") {
                key.push(b'*');
            }
            key.extend_from_slice(keyword);
            entry(&key, argument, syntax, &mut out);
        } else if keyword.eq_ignore_ascii_case(b"OPTIONS")
            || keyword.eq_ignore_ascii_case(b"COLOR")
            || keyword.eq_ignore_ascii_case(b"EIGHTBIT")
        {
        } else if let Some((_, short)) =
            KEYWORDS.iter().find(|(word, _)| keyword.eq_ignore_ascii_case(word.as_bytes()))
        {
            entry(short.as_bytes(), argument, syntax, &mut out);
        } else if sure {
            // Before the first list of terminals there may be what other programs know.
            t.error(format!("{}: unrecognized keyword {}", place(), keyword.as_bstr())).await?;
            wrong = true;
        }
    }
    Ok((!wrong).then_some(out))
}

fn entry(key: &[u8], value: &[u8], syntax: Syntax, out: &mut Vec<u8>) {
    if syntax == Syntax::Shown {
        out.extend_from_slice(b"\x1b[");
        out.extend_from_slice(value);
        out.push(b'm');
        out.extend_from_slice(key);
        out.push(b'\t');
        out.extend_from_slice(value);
        out.extend_from_slice(b"\x1b[0m\n");
        return;
    }
    escape(key, out);
    out.push(b'=');
    escape(value, out);
    out.push(b':');
}

/// Inside the quotes of a shell; a colon and an equals sign are those of the text.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut backslash = false;
    for byte in text {
        match byte {
            b'\'' => {
                out.extend_from_slice(b"'\\''");
                backslash = false;
                continue;
            }
            b':' | b'=' if !backslash => out.push(b'\\'),
            _ => {}
        }
        backslash = matches!(byte, b'\\' | b'^') && !backslash;
        out.push(*byte);
    }
}
