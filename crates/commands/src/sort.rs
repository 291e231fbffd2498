//! `sort`: sorts, merges and checks lines.

use std::cmp::Ordering;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, Input};

use crate::quote::{quote_always, quote_name};
use crate::sort_key::{Key, Order, parse_key, parse_obsolete};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "sort",
    usage: &["[OPTION]... [FILE]...", "[OPTION]... --files0-from=F"],
    about: "Write sorted concatenation of all FILE(s) to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("b,ignore-leading-blanks", "ignore leading blanks"),
        Opt::flag("d,dictionary-order", "consider only blanks and alphanumeric characters"),
        Opt::flag("f,ignore-case", "fold lower case to upper case characters"),
        Opt::flag("g,general-numeric-sort", "compare according to general numerical value"),
        Opt::flag("i,ignore-nonprinting", "consider only printable characters"),
        Opt::flag("M,month-sort", "compare (unknown) < 'JAN' < ... < 'DEC'"),
        Opt::flag("h,human-numeric-sort", "compare human readable numbers (e.g., 2K 1G)"),
        Opt::flag("n,numeric-sort", "compare according to string numerical value"),
        Opt::flag("R,random-sort", "shuffle, but group identical keys.  See shuf(1)"),
        Opt::value("random-source", "FILE", "get random bytes from FILE"),
        Opt::flag("r,reverse", "reverse the result of comparisons"),
        Opt::value(
            "sort",
            "WORD",
            "sort according to WORD: general-numeric -g,\nhuman-numeric -h, month -M, numeric -n, random -R, version -V",
        ),
        Opt::flag("V,version-sort", "natural sort of (version) numbers within text"),
        Opt::value("batch-size", "NMERGE", "merge at most NMERGE inputs at once (not needed here)"),
        Opt::flag("c", "check for sorted input; do not sort"),
        Opt::flag("C", "like -c, but do not report first bad line"),
        Opt::optional("check", "diagnose-first", "like -c; with quiet or silent, like -C"),
        Opt::value("compress-program", "PROG", "compress temporaries with PROG (none are made here)"),
        Opt::flag(
            "debug",
            "annotate the part of the line used to sort, and\nwarn about questionable usage to stderr",
        ),
        Opt::value(
            "files0-from",
            "F",
            "read input from the files specified by\nNUL-terminated names in file F;\nIf F is - then read names from standard input",
        ),
        Opt::value("k,key", "KEYDEF", "sort via a key; KEYDEF gives location and type"),
        Opt::flag("m,merge", "merge already sorted files; do not sort"),
        Opt::value("o,output", "FILE", "write result to FILE instead of standard output"),
        Opt::flag("s,stable", "stabilize sort by disabling last-resort comparison"),
        Opt::value("S,buffer-size", "SIZE", "use SIZE for main memory buffer"),
        Opt::value("t,field-separator", "SEP", "use SEP instead of non-blank to blank transition"),
        Opt::value("T,temporary-directory", "DIR", "use DIR for temporaries (none are made here)"),
        Opt::value("parallel", "N", "change the number of sorts run concurrently to N"),
        Opt::flag(
            "u,unique",
            "with -c, check for strict ordering;\nwithout -c, output only the first of an equal run",
        ),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
        Opt::value("y", "", ""),
    ],
    more: "KEYDEF is F[.C][OPTS][,F[.C][OPTS]] for start and stop position, where F is a\n\
           field number and C a character position in the field; both are origin 1, and\n\
           the stop position defaults to the line's end.  If neither -t nor -b is in\n\
           effect, characters in a field are counted from the beginning of the preceding\n\
           whitespace.  OPTS is one or more single-letter ordering options [bdfgiMhnRrV],\n\
           which override global ordering options for that key.  If no key is given, use\n\
           the entire line as the key.",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// How lines are compared.
pub(crate) struct Plan {
    pub(crate) keys: Vec<Key>,
    pub(crate) global: Order,
    pub(crate) separator: Option<u8>,
    pub(crate) stable: bool,
    pub(crate) unique: bool,
    delimiter: u8,
    /// `--debug`, and whether there are keys.
    debug: Option<bool>,
}

impl Plan {
    fn compare_keys(&self, a: &[u8], b: &[u8]) -> Ordering {
        for key in &self.keys {
            let order = key.compare(key.extract(a, self.separator), key.extract(b, self.separator));
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }

    fn last_resort(&self, a: &[u8], b: &[u8]) -> Ordering {
        if self.stable || self.unique {
            return Ordering::Equal;
        }
        let order = a.cmp(b);
        if self.global.reverse { order.reverse() } else { order }
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        self.compare_keys(a, b).then_with(|| self.last_resort(a, b))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sort,
    Merge,
    Check,
    CheckQuietly,
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        keys: Vec::new(),
        global: Order::default(),
        separator: None,
        stable: false,
        unique: false,
        delimiter: b'\n',
        debug: None,
    };
    let (mut debug, mut random) = (false, None);
    let mut mode = Mode::Sort;
    let (mut output, mut list): (Option<BString>, Option<BString>) = (None, None);
    let mut arguments = t.arguments();
    plan.keys.extend(parse_obsolete(t, &mut arguments)?);
    let obsolete = plan.keys.len();
    let mut options = t.options_of(arguments);
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "c" | "C" | "check" => {
                let quiet = name == "C"
                    || match &value[..] {
                        b"" => false,
                        word => crate::choice::choose(t, "--check", word, CHECKS)? == "quiet",
                    };
                if mode == if quiet { Mode::Check } else { Mode::CheckQuietly } {
                    return Err(Fail::Message("options '-cC' are incompatible".into(), 2));
                }
                mode = if quiet { Mode::CheckQuietly } else { Mode::Check };
            }
            "files0-from" => list = Some(value),
            "k" => plan.keys.push(parse_key(t, &value)?),
            "m" => mode = Mode::Merge,
            "o" => {
                if output.as_ref().is_some_and(|other| *other != value) {
                    return Err(Fail::Message("multiple output files specified".into(), 2));
                }
                output = Some(value);
            }
            "debug" => debug = true,
            "random-source" => random = Some(value),
            "s" => plan.stable = true,
            "S" => {
                let number = value.strip_suffix(b"%").unwrap_or(&value);
                if crate::number::parse_size(number, b"bkKmMGTPEZY").is_err() {
                    let option = if t.arguments().iter().any(|argument| argument.starts_with(b"--bu")) {
                        "--buffer-size"
                    } else {
                        "-S"
                    };
                    return Err(Fail::Message(
                        format!("invalid {option} argument {}", quote_always(&value)),
                        2,
                    ));
                }
            }
            "t" => plan.separator = Some(separator(t, &value, plan.separator)?),
            "u" => plan.unique = true,
            "z" => plan.delimiter = 0,
            "sort" => {
                let letter = crate::choice::choose(t, "--sort", &value, SORTS)?;
                plan.global.set(letter.bytes().next().unwrap_or_default());
            }
            "batch-size" | "parallel" => {
                if crate::number::parse_size(&value, b"").is_err() {
                    return Err(Fail::Message(
                        format!("invalid --{name} argument {}", quote_always(&value)),
                        2,
                    ));
                }
                let least = match crate::number::parse_size(&value, b"") {
                    Ok(0) if name == "parallel" => Some("number in parallel must be nonzero".to_owned()),
                    Ok(0 | 1) if name == "batch-size" => Some(format!(
                        "invalid --batch-size argument {}\nsort: minimum --batch-size argument is {}",
                        t.quote(&value),
                        t.quote(b"2")
                    )),
                    _ => None,
                };
                if let Some(message) = least {
                    return Err(Fail::Message(message, 2));
                }
            }
            _ => {
                plan.global.set(if name.len() == 1 { name.bytes().next().unwrap_or_default() } else { 0 });
            }
        }
    }
    let mut files = options.operands();
    if let Some(list) = &list {
        if let Some(extra) = files.first() {
            let message = format!(
                "extra operand {}\nfile operands cannot be combined with --files0-from",
                quote_always(extra)
            );
            return Err(Fail::Usage(message));
        }
        files = names_from(t, list).await?;
    }
    let mut seed = [0; 8];
    match &random {
        None => t.ctx.random(&mut seed),
        Some(file) => {
            let cannot = |error: Errno| {
                Fail::Message(format!("open failed: {}: {}", quote_name(file), error.strerror()), 2)
            };
            let mut input = t.ctx.open_input(file).await.map_err(cannot)?;
            let bytes = input.fill().await.map_err(|error| cannot_read(file, error))?;
            for (place, byte) in seed.iter_mut().zip(bytes) {
                *place = *byte;
            }
        }
    }
    let asked = !plan.keys.is_empty();
    for key in &mut plan.keys {
        key.inherit(&plan.global);
    }
    if plan.keys.is_empty() {
        plan.keys.push(Key::whole_line(&plan.global));
    }
    for key in &mut plan.keys {
        key.order.seed = u64::from_le_bytes(seed);
        if let Some(letters) = key.order.conflict() {
            return Err(Fail::Message(format!("options '-{letters}' are incompatible"), 2));
        }
    }
    if files.is_empty() {
        files.push("-".into());
    }
    if debug {
        let checks = match mode {
            Mode::Check => Some('c'),
            Mode::CheckQuietly => Some('C'),
            _ => output.is_some().then_some('o'),
        };
        if let Some(letter) = checks {
            return Err(Fail::Message(format!("options '-{letter} --debug' are incompatible"), 2));
        }
        crate::sort_debug::warn(t, &plan, obsolete, asked).await?;
        plan.debug = Some(asked);
    }
    if matches!(mode, Mode::Check | Mode::CheckQuietly) {
        let letter = if mode == Mode::Check { 'c' } else { 'C' };
        if output.is_some() {
            return Err(Fail::Message(format!("options '-{letter}o' are incompatible"), 2));
        }
        if let Some(extra) = files.get(1) {
            let message = format!("extra operand {} not allowed with -{letter}", quote_always(extra));
            return Err(Fail::Message(message, 2));
        }
        return check(t, &plan, &files, mode == Mode::CheckQuietly).await;
    }
    if mode == Mode::Merge {
        merge(t, &plan, &files, output).await
    } else {
        sort(t, &plan, &files, output).await
    }
}

const CHECKS: &[(&str, &str)] = &[("quiet", "quiet"), ("silent", "quiet"), ("diagnose-first", "first")];
const SORTS: &[(&str, &str)] = &[
    ("general-numeric", "g"),
    ("human-numeric", "h"),
    ("month", "M"),
    ("numeric", "n"),
    ("random", "R"),
    ("version", "V"),
];

fn separator(t: &Tool, text: &[u8], before: Option<u8>) -> Result<u8, Fail> {
    let separator = match text {
        [] => return Err(Fail::Message("empty tab".into(), 2)),
        [byte] => *byte,
        b"\\0" => 0,
        _ => return Err(Fail::Message(format!("multi-character tab {}", t.quote(text)), 2)),
    };
    if before.is_some_and(|before| before != separator) {
        return Err(Fail::Message("incompatible tabs".into(), 2));
    }
    Ok(separator)
}

async fn names_from(t: &mut Tool, list: &[u8]) -> Result<Vec<BString>, Fail> {
    let cannot =
        |error: Errno| Fail::Message(format!("open failed: {}: {}", quote_name(list), error.strerror()), 2);
    let mut text = Vec::new();
    t.open(list).await.map_err(cannot)?.read_to_end(&mut text).await.map_err(cannot)?;
    if text.is_empty() {
        return Err(Fail::Message(format!("no input from {}", quote_always(list)), 2));
    }
    let text = text.strip_suffix(b"\0").unwrap_or(&text);
    let names: Vec<BString> = text.split(|byte| *byte == 0).map(BString::from).collect();
    if let Some(index) = names.iter().position(|name| name.is_empty()) {
        let message = format!("{}:{}: invalid zero-length file name", quote_name(list), index + 1);
        return Err(Fail::Message(message, 2));
    }
    Ok(names)
}

fn cannot_read(file: &[u8], error: Errno) -> Fail {
    let what =
        if matches!(error, Errno::IsDirectory | Errno::NoMemory) { "read failed" } else { "cannot read" };
    Fail::Message(format!("{what}: {}: {}", quote_name(file), error.strerror()), 2)
}

async fn open(t: &Tool, file: &[u8]) -> Result<Input, Fail> {
    t.open(file).await.map_err(|error| cannot_read(file, error))
}

/// A line, with the beginning of its first key in a form that one comparison of integers decides most cases.
#[derive(Clone, Copy)]
struct Line {
    prefix: u64,
    start: u32,
    end: u32,
}

async fn sort(t: &mut Tool, plan: &Plan, files: &[BString], output: Option<BString>) -> Done {
    // A missing file is told before anything is read.
    for file in files.iter().filter(|file| *file != "-") {
        t.ctx.stat(file, true).map_err(|error| cannot_read(file, error))?;
    }
    let mut text = Vec::new();
    for file in files {
        let mut input = open(t, file).await?;
        input.read_to_end(&mut text).await.map_err(|error| cannot_read(file, error))?;
        if text.last().is_some_and(|last| *last != plan.delimiter) {
            text.push(plan.delimiter);
        }
    }
    // Lines are noted by 32-bit positions.
    if u32::try_from(text.len()).is_err() {
        return Err(Fail::Message("memory exhausted".into(), 2));
    }
    let Some(first) = plan.keys.first() else { return Ok(()) };
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(plan.delimiter, &text) {
        let line = text.get(start..end).unwrap_or_default();
        let prefix = first.prefix(first.extract(line, plan.separator));
        lines.push(Line { prefix, start: start as u32, end: end as u32 });
        start = end + 1;
    }
    let of = |line: &Line| text.get(line.start as usize..line.end as usize).unwrap_or_default();
    let simple = plan.keys.len() == 1 && first.is_plain_line();
    let compare = |a: &Line, b: &Line| {
        let order = a.prefix.cmp(&b.prefix);
        if order != Ordering::Equal {
            return if first.order.reverse { order.reverse() } else { order };
        }
        if simple {
            let order = of(a).cmp(of(b));
            return if first.order.reverse { order.reverse() } else { order };
        }
        plan.compare(of(a), of(b))
    };
    // What compares as equal is the same bytes, or its order must stay.
    if simple && !plan.stable && !plan.unique {
        lines.sort_unstable_by(compare);
    } else {
        lines.sort_by(compare);
    }
    t.ctx.ticks(u32::try_from(lines.len()).unwrap_or(u32::MAX)).await;
    if plan.unique {
        lines.dedup_by(|b, a| plan.compare_keys(of(a), of(b)) == Ordering::Equal);
    }
    let mut out = Destination::open(t, output).await?;
    for line in &lines {
        let with_end = text.get(line.start as usize..line.end as usize + 1).unwrap_or_default();
        out.line(t, plan, with_end).await?;
    }
    out.finish(t).await
}

/// Standard output, or the file of `-o`, opened after everything is read.
struct Destination(Option<(BString, wasmsh_os::Output)>);

impl Destination {
    async fn open(t: &Tool, output: Option<BString>) -> Result<Destination, Fail> {
        let Some(name) = output else { return Ok(Destination(None)) };
        match t.ctx.create_output(&name, false).await {
            Ok(file) => Ok(Destination(Some((name, file)))),
            Err(error) => {
                Err(Fail::Message(format!("open failed: {}: {}", quote_name(&name), error.strerror()), 2))
            }
        }
    }

    /// A line with its end.
    #[inline]
    async fn line(&mut self, t: &mut Tool, plan: &Plan, line: &[u8]) -> Done {
        match plan.debug {
            None => self.write(t, line).await,
            Some(asked) => {
                let text = line.strip_suffix(&[plan.delimiter]).unwrap_or(line);
                crate::sort_debug::show(plan, asked, t.utf8, text, t.out.buffer());
                t.out.drain().await.map_err(Fail::Write)
            }
        }
    }

    #[inline]
    async fn write(&mut self, t: &mut Tool, bytes: &[u8]) -> Done {
        match &mut self.0 {
            None => t.out.write(bytes).await.map_err(Fail::Write),
            Some((name, file)) => file.write(bytes).await.map_err(|error| failed(name, error)),
        }
    }

    async fn finish(self, _: &mut Tool) -> Done {
        match self.0 {
            None => Ok(()),
            Some((name, mut file)) => file.flush().await.map_err(|error| failed(&name, error)),
        }
    }
}

fn failed(name: &[u8], error: Errno) -> Fail {
    Fail::Message(format!("write failed: {}: {}", quote_name(name), error.strerror()), 2)
}

async fn next_line(input: &mut Input, file: &[u8], delimiter: u8, line: &mut Vec<u8>) -> Result<bool, Fail> {
    let read = input.line(delimiter).await.map_err(|error| cannot_read(file, error))?;
    let Some(read) = read else { return Ok(false) };
    line.clear();
    line.extend_from_slice(read.strip_suffix(&[delimiter]).unwrap_or(read));
    Ok(true)
}

async fn merge(t: &mut Tool, plan: &Plan, files: &[BString], output: Option<BString>) -> Done {
    let mut sources: Vec<(Input, &BString, Vec<u8>)> = Vec::new();
    for file in files {
        let mut input = open(t, file).await?;
        // An input that is the output too is read before that is emptied.
        if output.as_ref().is_some_and(|output| output == file) {
            let mut text = Vec::new();
            input.read_to_end(&mut text).await.map_err(|error| cannot_read(file, error))?;
            let (reader, writer) = t.ctx.new_pipe();
            if let wasmsh_os::Description::PipeWriter(end) = &*writer {
                end.pipe().set_spool(
                    usize::try_from(t.ctx.kernel().ceilings().expansion_bytes).unwrap_or(usize::MAX),
                );
            }
            t.ctx.write_all_to(&writer, &text).await.map_err(|error| cannot_read(file, error))?;
            drop(writer);
            input = Input::new(t.ctx.clone(), reader);
        }
        let mut line = Vec::new();
        if next_line(&mut input, file, plan.delimiter, &mut line).await? {
            sources.push((input, file, line));
        }
    }
    let mut out = Destination::open(t, output).await?;
    let mut last: Option<Vec<u8>> = None;
    while !sources.is_empty() {
        t.ctx.tick().await;
        let mut best = 0;
        for index in 1..sources.len() {
            if let (Some(a), Some(b)) = (sources.get(index), sources.get(best))
                && plan.compare(&a.2, &b.2) == Ordering::Less
            {
                best = index;
            }
        }
        let Some((input, file, line)) = sources.get_mut(best) else { break };
        let repeated =
            plan.unique && last.as_ref().is_some_and(|last| plan.compare_keys(last, line) == Ordering::Equal);
        if !repeated {
            line.push(plan.delimiter);
            out.line(t, plan, line).await?;
            line.pop();
            if plan.unique {
                last = Some(line.clone());
            }
        }
        if !next_line(input, file, plan.delimiter, line).await? {
            drop(sources.remove(best));
        }
    }
    out.finish(t).await
}

async fn check(t: &mut Tool, plan: &Plan, files: &[BString], quiet: bool) -> Done {
    let Some(file) = files.first() else { return Ok(()) };
    let mut input = open(t, file).await?;
    let (mut last, mut line) = (Vec::new(), Vec::new());
    let mut number = 1_u64;
    if !next_line(&mut input, file, plan.delimiter, &mut last).await? {
        return Ok(());
    }
    while next_line(&mut input, file, plan.delimiter, &mut line).await? {
        t.ctx.tick().await;
        number += 1;
        let order = plan.compare(&last, &line);
        if order == Ordering::Greater || (plan.unique && order == Ordering::Equal) {
            t.status = 1;
            if !quiet {
                t.warn(format!("{}:{number}: disorder: {}", quote_name(file), line.as_bstr())).await?;
            }
            return Ok(());
        }
        std::mem::swap(&mut last, &mut line);
    }
    Ok(())
}
