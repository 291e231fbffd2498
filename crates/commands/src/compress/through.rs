//! Programs that show compressed files to others: `zgrep`, `zdiff`, `zcmp`, `zless`, `zmore` and their like for the other
//! formats. Each starts the format's own program and reads its output, or lets `grep`, `diff` and `cmp` read it.

use std::rc::Rc;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Child, Description, Errno, Pid, Spawn};

use crate::{Command, Done, Fail, Tool, start};

/// Which family a program belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

fn family(t: &Tool) -> Family {
    match t.command.name {
        name if name.starts_with("bz") => Family::Bzip2,
        name if name.starts_with("xz") => Family::Xz,
        name if name.starts_with("zst") => Family::Zstd,
        _ => Family::Gzip,
    }
}

impl Family {
    /// What writes the contents of a file to its standard output; what is not compressed, as it is.
    fn program(self, file: &[u8]) -> &'static [&'static str] {
        const GZIP: &[&str] = &["gzip", "-cdfq"];
        const BZIP2: &[&str] = &["bzip2", "-cdfq"];
        const ZSTD: &[&str] = &["zstd", "-cdfq"];
        let ends = |endings: &[&str]| endings.iter().any(|end| file.ends_with(end.as_bytes()));
        match self {
            Family::Gzip => GZIP,
            Family::Bzip2 => BZIP2,
            Family::Zstd => ZSTD,
            Family::Xz if ends(&[".gz", "-gz", ".tgz", ".z", ".Z"]) => GZIP,
            Family::Xz if ends(&[".bz2", "-bz2", ".tbz", ".tbz2"]) => BZIP2,
            Family::Xz if ends(&[".zst", "-zst", ".tzst"]) => ZSTD,
            Family::Xz => &["xz", "-cdfq"],
        }
    }

    /// The name without the ending of a compressed file; `None`: it has no such ending.
    fn stripped(self, file: &[u8]) -> Option<BString> {
        let endings: &[(&str, &str)] = match self {
            Family::Gzip => {
                &[(".gz", ""), ("-gz", ""), (".tgz", ".tar"), (".taz", ".tar"), (".z", ""), (".Z", "")]
            }
            Family::Bzip2 => &[(".bz2", ""), (".bz", ""), (".tbz2", ".tar"), (".tbz", ".tar")],
            Family::Xz | Family::Zstd => &[
                (".xz", ""),
                (".lzma", ""),
                (".gz", ""),
                (".bz2", ""),
                (".zst", ""),
                (".txz", ".tar"),
                (".tlz", ".tar"),
                (".tgz", ".tar"),
                (".tbz", ".tar"),
                (".tzst", ".tar"),
            ],
        };
        endings.iter().find_map(|(end, instead)| {
            file.strip_suffix(end.as_bytes()).map(|rest| [rest, instead.as_bytes()].concat().into())
        })
    }
}

/// A program, declared by its name, what it does and its code.
macro_rules! programs {
    ($($constant:ident $name:literal $usage:literal $about:literal $main:ident;)*) => {
        $(pub(crate) static $constant: Command = Command {
            name: $name,
            usage: &[$usage],
            about: $about,
            options: &[],
            more: "",
            usage_status: 2,
            main: |ctx| start(&$constant, ctx, $main),
        };)*
    };
}

programs! {
    ZGREP "zgrep" "[OPTION]... [-e] PATTERN [FILE]..." "Look for PATTERN in files compressed by gzip, as grep does." grep;
    ZEGREP "zegrep" "[OPTION]... [-e] PATTERN [FILE]..." "As zgrep -E." grep;
    ZFGREP "zfgrep" "[OPTION]... [-e] PATTERN [FILE]..." "As zgrep -F." grep;
    BZGREP "bzgrep" "[OPTION]... [-e] PATTERN [FILE]..." "Look for PATTERN in files compressed by bzip2, as grep does." grep;
    BZEGREP "bzegrep" "[OPTION]... [-e] PATTERN [FILE]..." "As bzgrep -E." grep;
    BZFGREP "bzfgrep" "[OPTION]... [-e] PATTERN [FILE]..." "As bzgrep -F." grep;
    XZGREP "xzgrep" "[OPTION]... [-e] PATTERN [FILE]..." "Look for PATTERN in compressed files, as grep does." grep;
    XZEGREP "xzegrep" "[OPTION]... [-e] PATTERN [FILE]..." "As xzgrep -E." grep;
    XZFGREP "xzfgrep" "[OPTION]... [-e] PATTERN [FILE]..." "As xzgrep -F." grep;
    ZSTDGREP "zstdgrep" "[OPTION]... [-e] PATTERN [FILE]..." "Look for PATTERN in files compressed by zstd, as grep does." grep;
    ZDIFF "zdiff" "[OPTION]... FILE1 [FILE2]" "Compare files compressed by gzip, as diff does." compare;
    ZCMP "zcmp" "[OPTION]... FILE1 [FILE2]" "Compare files compressed by gzip, as cmp does." compare;
    BZDIFF "bzdiff" "[OPTION]... FILE1 [FILE2]" "Compare files compressed by bzip2, as diff does." compare;
    BZCMP "bzcmp" "[OPTION]... FILE1 [FILE2]" "Compare files compressed by bzip2, as cmp does." compare;
    XZDIFF "xzdiff" "[OPTION]... FILE1 [FILE2]" "Compare compressed files, as diff does." compare;
    XZCMP "xzcmp" "[OPTION]... FILE1 [FILE2]" "Compare compressed files, as cmp does." compare;
    ZLESS "zless" "[FILE]..." "Show files compressed by gzip." show;
    ZMORE "zmore" "[FILE]..." "Show files compressed by gzip." show;
    BZLESS "bzless" "[FILE]..." "Show files compressed by bzip2." show;
    BZMORE "bzmore" "[FILE]..." "Show files compressed by bzip2." show;
    XZLESS "xzless" "[FILE]..." "Show compressed files." show;
    XZMORE "xzmore" "[FILE]..." "Show compressed files." show;
    ZSTDLESS "zstdless" "[FILE]..." "Show files compressed by zstd." show;
}

/// A descriptor of a new process and what it leads to.
type Descriptor = (u32, Option<Rc<Description>>);

fn run(t: &Tool, words: Vec<BString>, descriptors: Vec<Descriptor>) -> Result<Pid, Fail> {
    let program = words.first().cloned().unwrap_or_default();
    let spawn =
        Spawn { program: program.clone(), arguments: words, inherit: true, descriptors, ..Spawn::default() };
    t.ctx.spawn(spawn).map_err(|error| {
        let status = if error == Errno::NoEntry { 127 } else { 126 };
        Fail::Message(format!("{program}: {}", error.strerror()), status)
    })
}

async fn wait(t: &Tool, pid: Pid) -> u8 {
    t.ctx.wait(Child::Process(pid)).await.map_or(2, |(_, exit)| exit.status())
}

/// Starts what writes the contents of a file; where they are read.
fn unpack(t: &Tool, family: Family, file: &[u8]) -> Result<(Pid, Rc<Description>), Fail> {
    let (reader, writer) = t.ctx.new_pipe();
    let mut words: Vec<BString> = family.program(file).iter().map(|word| (*word).into()).collect();
    if file != b"-" {
        words.extend(["--".into(), file.into()]);
    }
    Ok((run(t, words, vec![(1, Some(writer))])?, reader))
}

/// Options of grep that take an argument, and those that make no sense for what is no file.
const WITH_ARGUMENT: &[u8] = b"ABCDdefmX";
const NOT_SUPPORTED: &[u8] = b"drRzZ";
const LONG_WITH_ARGUMENT: [&str; 11] = [
    "after-context",
    "before-context",
    "binary-files",
    "context",
    "devices",
    "file",
    "group-separator",
    "label",
    "max-count",
    "regexp",
    "colour",
];
const LONG_NOT_SUPPORTED: [&str; 9] = [
    "dereference-recursive",
    "directories",
    "exclude",
    "exclude-from",
    "exclude-dir",
    "include",
    "null",
    "null-data",
    "recursive",
];

/// What is asked of `grep`.
#[derive(Default)]
struct Asked {
    options: Vec<BString>,
    /// A pattern came with an option.
    pattern: bool,
    /// Names of files are, or are not, to be shown.
    names: Option<bool>,
    /// Only the names of files are shown.
    listed: bool,
    operands: Vec<BString>,
}

impl Asked {
    async fn read(t: &mut Tool) -> Result<Asked, Fail> {
        let mut asked = Asked::default();
        let mut arguments = t.arguments().into_iter();
        let unsupported = |name: &str| Fail::Message(format!("{name}: option not supported"), 2);
        let wanting = |option: &str| Fail::Message(format!("{option} option requires an argument"), 2);
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                asked.operands.extend(arguments.by_ref());
            } else if let Some(long) = argument.strip_prefix(b"--") {
                let (name, given) =
                    long.split_once_str("=").map_or((long, None), |(name, value)| (name, Some(value)));
                let name = name.to_str_lossy().into_owned();
                let value = given.map(BString::from);
                match &name[..] {
                    "help" => return Err(Fail::Help),
                    "version" => return Err(Fail::Version),
                    name if LONG_NOT_SUPPORTED.contains(&name) => {
                        return Err(unsupported(&argument.to_str_lossy()));
                    }
                    name if LONG_WITH_ARGUMENT.contains(&name) => {
                        let value = value
                            .or_else(|| arguments.next())
                            .ok_or_else(|| wanting(&format!("--{name}")))?;
                        match name {
                            "regexp" => asked.pattern(b'e', value, t).await?,
                            "file" => asked.pattern(b'f', value, t).await?,
                            // That of the file takes its place.
                            "label" => {}
                            _ => asked.options.push(format!("--{name}={value}").into()),
                        }
                    }
                    name => {
                        match name {
                            "with-filename" => asked.names = Some(true),
                            "no-filename" => asked.names = Some(false),
                            "files-with-matches" | "files-without-match" => asked.listed = true,
                            _ => {}
                        }
                        asked.options.push(argument);
                    }
                }
            } else if argument.len() > 1 && argument.starts_with(b"-") {
                for at in 1..argument.len() {
                    let letter = argument.get(at).copied().unwrap_or_default();
                    let name = format!("-{}", [letter].as_bstr());
                    if NOT_SUPPORTED.contains(&letter) {
                        return Err(unsupported(&name));
                    }
                    if WITH_ARGUMENT.contains(&letter) {
                        let rest = argument.get(at + 1..).filter(|rest| !rest.is_empty()).map(BString::from);
                        let value = rest.or_else(|| arguments.next()).ok_or_else(|| wanting(&name))?;
                        match letter {
                            b'e' | b'f' => asked.pattern(letter, value, t).await?,
                            _ => asked.options.push(format!("{name}{value}").into()),
                        }
                        break;
                    }
                    match letter {
                        b'V' => return Err(Fail::Version),
                        b'H' => asked.names = Some(true),
                        b'h' => asked.names = Some(false),
                        b'l' | b'L' => asked.listed = true,
                        _ => {}
                    }
                    asked.options.push(name.into());
                }
            } else {
                asked.operands.push(argument);
            }
        }
        Ok(asked)
    }

    async fn pattern(&mut self, letter: u8, mut value: BString, t: &mut Tool) -> Done {
        self.pattern = true;
        let mut letter = letter;
        if letter == b'f' && value == "-" {
            // Every grep needs the patterns, and has other things on its standard input.
            let mut text = Vec::new();
            t.ctx.stdin()?.read_to_end(&mut text).await?;
            value = text.strip_suffix(b"\n").unwrap_or(&text).into();
            letter = b'e';
        }
        self.options.extend([format!("-{}", char::from(letter)).into(), value]);
        Ok(())
    }
}

async fn grep(t: &mut Tool) -> Done {
    let family = family(t);
    let mut asked = Asked::read(t).await?;
    if !asked.pattern {
        if asked.operands.is_empty() {
            let name = &t.name;
            return Err(match family {
                Family::Gzip => Fail::Message(format!("missing pattern; try `{name} --help' for help"), 2),
                Family::Xz => Fail::Message(format!("Missing pattern; try `{name} --help' for help"), 2),
                Family::Bzip2 => Fail::Bare(
                    format!("grep through bzip2 files\nusage: {name} [grep_options] pattern [files]"),
                    2,
                ),
                Family::Zstd => Fail::Message("missing pattern".into(), 1),
            });
        }
        let pattern = asked.operands.remove(0);
        asked.options.extend(["-e".into(), pattern]);
    }
    let mut words: Vec<BString> = vec!["grep".into()];
    match t.command.name {
        name if name.ends_with("egrep") => words.push("-E".into()),
        name if name.ends_with("fgrep") => words.push("-F".into()),
        _ => {}
    }
    let Asked { options, names, listed, operands: mut files, .. } = asked;
    words.extend(options);
    if files.is_empty() {
        files.push("-".into());
    }
    if names.is_none() && files.len() > 1 {
        words.push("-H".into());
    }
    let mut status = 1;
    let mut last_bad = 0;
    for file in files {
        t.ctx.tick().await;
        let mut words = words.clone();
        if file != "-" || listed {
            words.push(format!("--label={file}").into());
        }
        let (unpacker, contents) = unpack(t, family, &file)?;
        let searcher = run(t, words, vec![(0, Some(contents))])?;
        let found = wait(t, searcher).await;
        // It may have been told that nobody reads on, and warnings are none of the searcher's business.
        let failed = !matches!(wait(t, unpacker).await, 0 | 2 | 141);
        if found > 1 {
            return Err(Fail::Status(found));
        }
        if found != 0 {
            last_bad = found;
        }
        status = match (failed && matches!(family, Family::Gzip | Family::Xz), found) {
            (true, _) => 2,
            (false, 0) if status == 1 => 0,
            _ => status,
        };
    }
    t.status = if family == Family::Bzip2 { last_bad } else { status };
    Ok(())
}

async fn compare(t: &mut Tool) -> Done {
    let family = family(t);
    let program = if t.command.name.ends_with("cmp") { "cmp" } else { "diff" };
    let takes: &[u8] = if program == "cmp" { b"in" } else { b"CDFILSUWxX" };
    let mut words: Vec<BString> = vec![program.into()];
    let mut files: Vec<BString> = Vec::new();
    let mut arguments = t.arguments().into_iter();
    while let Some(argument) = arguments.next() {
        match &argument[..] {
            b"--" => files.extend(arguments.by_ref()),
            b"--help" => return Err(Fail::Help),
            b"--version" => return Err(Fail::Version),
            [b'-', _, ..] => {
                let wants =
                    argument.len() == 2 && argument.last().is_some_and(|letter| takes.contains(letter));
                let value = if wants {
                    let missing = || Fail::Message(format!("option requires an argument -- '{argument}'"), 2);
                    Some(arguments.next().ok_or_else(missing)?)
                } else {
                    None
                };
                words.push(argument);
                words.extend(value);
            }
            _ => files.push(argument),
        }
    }
    if let (Some(extra), Family::Gzip) = (files.get(2), family) {
        return Err(Fail::Message(format!("extra operand '{extra}'"), 2));
    }
    let mut files = files.into_iter();
    let (first, second) = match (files.next(), files.next(), files.next()) {
        (Some(first), Some(second), None) => (first, second),
        (Some(first), None, _) => match family.stripped(&first) {
            Some(plain) => (first, plain),
            None if family == Family::Bzip2 => (first.clone(), format!("{first}.bz2").into()),
            None => {
                let (what, which) = if family == Family::Gzip {
                    ("unknown", "extension")
                } else {
                    ("Unknown", "name suffix")
                };
                return Err(Fail::Message(format!("{first}: {what} compressed file {which}"), 2));
            }
        },
        _ => {
            return Err(match family {
                Family::Gzip => Fail::Message("missing operand".into(), 2),
                Family::Bzip2 => {
                    t.out.put(format!("Usage: {} [{program}_options] file [file]\n", t.name).as_bytes());
                    Fail::Status(1)
                }
                _ => {
                    Fail::Message(format!("Invalid number of operands; try `{} --help' for help", t.name), 2)
                }
            });
        }
    };
    for file in [&first, &second] {
        if file != "-" && t.ctx.stat(file, true).is_err() {
            return Err(match family {
                Family::Bzip2 => {
                    t.out.put(format!("{}: {file} not found or not a regular file\n", t.name).as_bytes());
                    Fail::Status(1)
                }
                _ => Fail::Message(format!("cannot open {file}: No such file"), 2),
            });
        }
    }
    // What is unpacked comes on standard input; the first of two, on another descriptor.
    let packed = |file: &BString| file == "-" || family.stripped(file).is_some();
    let (mut unpackers, mut descriptors) = (Vec::new(), Vec::new());
    words.push("--".into());
    let both = packed(&first) && packed(&second);
    for (file, number, name) in
        [(first, if both { 5 } else { 0 }, if both { "/dev/fd/5" } else { "-" }), (second, 0, "-")]
    {
        if !packed(&file) {
            words.push(file);
            continue;
        }
        let (pid, contents) = unpack(t, family, &file)?;
        unpackers.push(pid);
        descriptors.push((number, Some(contents)));
        words.push(name.into());
    }
    let comparer = run(t, words, descriptors)?;
    t.status = wait(t, comparer).await;
    for pid in unpackers {
        if !matches!(wait(t, pid).await, 0 | 141) {
            t.status = 2;
        }
    }
    Ok(())
}

async fn show(t: &mut Tool) -> Done {
    let family = family(t);
    let name = t.command.name;
    let mut files: Vec<BString> = Vec::new();
    for argument in t.arguments() {
        match &argument[..] {
            b"--help" => return Err(Fail::Help),
            b"--version" => return Err(Fail::Version),
            // How the pages look; there are none.
            [b'-' | b'+', _, ..] => {}
            _ => files.push(argument),
        }
    }
    let alone = files.len() < 2;
    if files.is_empty() {
        files.push("-".into());
    }
    for file in files {
        t.ctx.tick().await;
        if name == "bzless" || name == "bzmore" || name == "xzmore" {
            if file != "-" {
                t.out.put(format!("------> {file} <------\n").as_bytes());
            }
        } else if name == "zmore" && !alone {
            t.out.put(format!("::::::::::::::\n{file}\n::::::::::::::\n").as_bytes());
        }
        t.out.flush().await?;
        let mut words: Vec<BString> = family.program(&file).iter().map(|word| (*word).into()).collect();
        if file != "-" {
            words.extend(["--".into(), file]);
        }
        let pid = run(t, words, Vec::new())?;
        wait(t, pid).await;
    }
    Ok(())
}
