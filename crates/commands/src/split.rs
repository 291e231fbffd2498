//! `split`: cuts a file into pieces.

use bstr::{BStr, BString, ByteSlice};
use wasmsh_os::{Child, Environment, Errno, Exit, Input, Output, Pid, Spawn};

use crate::number::{Trouble, parse_size_or_largest};
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "split",
    usage: &["[OPTION]... [FILE [PREFIX]]"],
    about: "Output pieces of FILE to PREFIXaa, PREFIXab, ...;\n\
            default size is 1000 lines, and default PREFIX is 'x'.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::value("a,suffix-length", "N", "generate suffixes of length N (default 2)"),
        Opt::value("additional-suffix", "SUFFIX", "append an additional SUFFIX to file names"),
        Opt::value("b,bytes", "SIZE", "put SIZE bytes per output file"),
        Opt::value("C,line-bytes", "SIZE", "put at most SIZE bytes of records per output file"),
        Opt::flag("d", "use numeric suffixes starting at 0, not alphabetic"),
        Opt::optional("numeric-suffixes", "FROM", "same as -d, but allow setting the start value"),
        Opt::flag("x", "use hex suffixes starting at 0, not alphabetic"),
        Opt::optional("hex-suffixes", "FROM", "same as -x, but allow setting the start value"),
        Opt::flag("e,elide-empty-files", "do not generate empty output files with '-n'"),
        Opt::value("filter", "COMMAND", "write to shell COMMAND; file name is $FILE"),
        Opt::value("l,lines", "NUMBER", "put NUMBER lines/records per output file"),
        Opt::value("n,number", "CHUNKS", "generate CHUNKS output files; see explanation below"),
        Opt::value(
            "t,separator",
            "SEP",
            "use SEP instead of newline as the record separator;\n'\\0' (zero) specifies the NUL character",
        ),
        Opt::flag("u,unbuffered", "immediately copy input to output with '-n r/...'"),
        Opt::flag("verbose", "print a diagnostic just before each\noutput file is opened"),
        Opt::value("#", "NUMBER", ""),
    ],
    more: "The SIZE argument is an integer and optional unit (example: 10K is 10*1024).\n\
           Units are K,M,G,T,P,E,Z,Y (powers of 1024) or KB,MB,... (powers of 1000).\n\
           Binary prefixes can be used, too: KiB=K, MiB=M, and so on.\n\n\
           CHUNKS may be:\n\
           \x20 N       split into N files based on size of input\n\
           \x20 K/N     output Kth of N to stdout\n\
           \x20 l/N     split into N files without splitting lines/records\n\
           \x20 l/K/N   output Kth of N to stdout without splitting lines/records\n\
           \x20 r/N     like 'l' but use round robin distribution\n\
           \x20 r/K/N   likewise but only output Kth of N to stdout",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Lines(u64),
    Bytes(u64),
    /// Whole lines, as many as fit.
    LineBytes(u64),
    /// So many pieces; only this one, to standard output.
    Chunks {
        kind: Chunk,
        count: u64,
        only: Option<u64>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chunk {
    Bytes,
    Lines,
    Round,
}

/// The names of the pieces.
struct Names {
    prefix: BString,
    digits: &'static [u8],
    suffix: Vec<usize>,
    /// The suffix grows when all of its length are used.
    grows: bool,
    begun: bool,
    additional: BString,
}

impl Names {
    /// `None`: there are no more.
    fn next(&mut self) -> Option<BString> {
        if std::mem::replace(&mut self.begun, true) && !self.advance() {
            return None;
        }
        let mut name = self.prefix.clone();
        name.extend(self.suffix.iter().filter_map(|digit| self.digits.get(*digit).copied()));
        name.extend_from_slice(&self.additional);
        Some(name)
    }

    fn advance(&mut self) -> bool {
        let base = self.digits.len();
        for digit in self.suffix.iter_mut().rev() {
            *digit += 1;
            if *digit < base {
                break;
            }
            *digit = 0;
        }
        if self.suffix.iter().all(|digit| *digit == 0) {
            return false;
        }
        // The last first digit begins names that are longer by two: `xyz` is followed by `xzaaa`.
        if self.grows
            && self.suffix.first() == Some(&(base - 1))
            && self.suffix.iter().skip(1).all(|digit| *digit == 0)
        {
            self.prefix.extend(self.digits.get(base - 1).copied());
            let length = self.suffix.len() + 1;
            self.suffix = vec![0; length];
        }
        true
    }
}

/// A piece that is open.
struct Piece {
    output: Output,
    name: BString,
    filter: Option<Pid>,
}

struct Splitter {
    names: Names,
    filter: Option<BString>,
    verbose: bool,
    input_id: Option<(u64, u64)>,
}

impl Splitter {
    async fn open(&mut self, t: &mut Tool) -> Result<Piece, Fail> {
        let Some(name) = self.names.next() else {
            return Err(Fail::Message("output file suffixes exhausted".into(), 1));
        };
        if self.verbose {
            let what = if self.filter.is_some() { "executing with FILE=" } else { "creating file " };
            let shown = if self.filter.is_some() { quote_name(&name) } else { format!("'{name}'") };
            t.out.put(format!("{what}{shown}\n").as_bytes());
            t.out.flush().await?;
        }
        let cannot = |error: Errno| Fail::Message(format!("{}: {}", quote_name(&name), error.strerror()), 1);
        let Some(command) = &self.filter else {
            if let (Some(id), Ok(stat)) = (self.input_id, t.ctx.stat(&name, true))
                && (stat.device, stat.inode) == id
            {
                let message = format!("{} would overwrite input; aborting", t.quote(&name));
                return Err(Fail::Message(message, 1));
            }
            let output = t.ctx.create_output(&name, false).await.map_err(cannot)?;
            return Ok(Piece { output, name, filter: None });
        };
        let (reader, writer) = t.ctx.new_pipe();
        let mut variables: Vec<(BString, BString)> = t
            .ctx
            .environment()
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .filter(|(name, _): &(BString, BString)| name != "FILE")
            .collect();
        variables.push(("FILE".into(), name.clone()));
        let pid = t
            .ctx
            .spawn(Spawn {
                program: "sh".into(),
                arguments: vec!["sh".into(), "-c".into(), command.clone()],
                environment: Some(Environment::new(variables)),
                inherit: true,
                descriptors: vec![(0, Some(reader))],
                ..Spawn::default()
            })
            .map_err(cannot)?;
        Ok(Piece { output: Output::new(t.ctx.clone(), Some(writer)), name, filter: Some(pid) })
    }

    async fn close(&mut self, t: &mut Tool, piece: Piece) -> Done {
        let Piece { mut output, name, filter } = piece;
        let cannot = |error: Errno| Fail::Message(format!("{}: {}", quote_name(&name), error.strerror()), 1);
        match output.flush().await {
            // A filter need not read all.
            Err(Errno::BrokenPipe) if filter.is_some() => {}
            result => result.map_err(cannot)?,
        }
        drop(output);
        if let Some(pid) = filter {
            let command = self.filter.clone().unwrap_or_default();
            match t.ctx.wait(Child::Process(pid)).await {
                Ok((_, Exit::Code(0))) => {}
                Ok((_, Exit::Code(code))) => {
                    let file = t.quote(&name);
                    let message = format!(
                        "with FILE={}, exit {code} from command: {command}",
                        file.trim_matches(['‘', '’', '\''])
                    );
                    return Err(Fail::Message(message, code));
                }
                Ok((_, Exit::Signalled(wasmsh_os::Signal::Pipe))) => {}
                Ok((_, Exit::Signalled(signal))) => {
                    let message =
                        format!("with FILE={name}, signal {} from command: {command}", signal.name());
                    return Err(Fail::Message(message, 128 + signal.number()));
                }
                Err(error) => return Err(cannot(error)),
            }
        }
        Ok(())
    }
}

impl Piece {
    async fn write(&mut self, bytes: &[u8]) -> Done {
        self.output.put(bytes);
        match self.output.drain().await {
            Err(Errno::BrokenPipe) if self.filter.is_some() => Ok(()),
            result => result.map_err(|error| {
                Fail::Message(format!("{}: {}", quote_name(&self.name), error.strerror()), 1)
            }),
        }
    }
}

fn count(t: &Tool, text: &[u8], what: &str, suffixes: &[u8]) -> Result<u64, Fail> {
    let wrong = |more: &str| Err(Fail::Message(format!("invalid {what}: {}{more}", t.quote(text)), 1));
    match parse_size_or_largest(text, suffixes) {
        (0, None) => wrong(": Numerical result out of range"),
        (value, None) => Ok(value),
        (_, Some(Trouble::Overflow)) => Ok(u64::MAX),
        _ => wrong(""),
    }
}

fn chunks(t: &Tool, text: &[u8]) -> Result<How, Fail> {
    let (kind, rest) = match text {
        [b'r', b'/', rest @ ..] => (Chunk::Round, rest),
        [b'l', b'/', rest @ ..] => (Chunk::Lines, rest),
        _ => (Chunk::Bytes, text),
    };
    let (only, total) = match rest.split_once_str("/") {
        Some((only, total)) => (Some(only), total),
        None => (None, rest),
    };
    let text = total;
    let total = count(t, text, "number of chunks", b"")?;
    // Pieces of a size are counted as positions in a file are.
    if kind != Chunk::Round && i64::try_from(total).is_err() {
        let message = format!("invalid number of chunks: {}", t.quote(text));
        return Err(Fail::Message(format!("{message}: Value too large for defined data type"), 1));
    }
    let only = match only {
        None => None,
        Some(only) => {
            let number = count(t, only, "chunk number", b"")?;
            if number > total {
                let message =
                    format!("invalid chunk number: {}: Numerical result out of range", t.quote(only));
                return Err(Fail::Message(message, 1));
            }
            Some(number)
        }
    };
    Ok(How::Chunks { kind, count: total, only })
}

const SIZES: &[u8] = b"bEGKkMmPTYZ0";
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const HEX: &[u8] = b"0123456789abcdef";
const DECIMAL: &[u8] = b"0123456789";

async fn run(t: &mut Tool) -> Done {
    let mut how: Option<How> = None;
    let mut length: Option<usize> = None;
    let mut digits = ALPHABET;
    let mut from: Option<BString> = None;
    let mut additional = BString::default();
    let (mut elide, mut verbose, mut separator) = (false, false, b'\n');
    let mut given_separator = false;
    let mut filter: Option<BString> = None;
    let mut old_lines = Vec::new();
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let given = value.is_some();
        let value = value.unwrap_or_default();
        let new = match name {
            "a" => {
                match parse_size_or_largest(&value, b"") {
                    (value, None) => length = Some(usize::try_from(value).unwrap_or(usize::MAX)),
                    _ => return Err(Fail::Message(format!("invalid suffix length: {}", t.quote(&value)), 1)),
                }
                continue;
            }
            "additional-suffix" => {
                if value.contains(&b'/') {
                    let message = format!("invalid suffix {}, contains directory separator", t.quote(&value));
                    return Err(Fail::Usage(message));
                }
                additional = value;
                continue;
            }
            "d" | "numeric-suffixes" | "x" | "hex-suffixes" => {
                let hex = matches!(name, "x" | "hex-suffixes");
                digits = if hex { HEX } else { DECIMAL };
                from = None;
                if given {
                    if !value.iter().all(|digit| digits.contains(digit)) || value.is_empty() {
                        let what = if hex { "hexadecimal" } else { "numerical" };
                        return Err(Fail::Usage(format!(
                            "{}: invalid start value for {what} suffix",
                            t.quote(&value)
                        )));
                    }
                    from = Some(value);
                }
                continue;
            }
            "e" => {
                elide = true;
                continue;
            }
            "filter" => {
                filter = Some(value);
                continue;
            }
            "t" => {
                let new = match &value[..] {
                    [] => return Err(Fail::Message("empty record separator".into(), 1)),
                    [byte] => *byte,
                    b"\\0" => 0,
                    _ => {
                        return Err(Fail::Message(
                            format!("multi-character separator {}", t.quote(&value)),
                            1,
                        ));
                    }
                };
                if given_separator && new != separator {
                    return Err(Fail::Message("multiple separator characters specified".into(), 1));
                }
                (separator, given_separator) = (new, true);
                continue;
            }
            "u" => continue,
            "verbose" => {
                verbose = true;
                continue;
            }
            "b" => How::Bytes(count(t, &value, "number of bytes", SIZES)?),
            "C" => How::LineBytes(count(t, &value, "number of bytes", SIZES)?),
            "l" => How::Lines(count(t, &value, "number of lines", b"")?),
            "n" => chunks(t, &value)?,
            _ => {
                old_lines.extend_from_slice(&value);
                how = None;
                How::Lines(count(t, &old_lines, "number of lines", b"")?)
            }
        };
        if how.is_some() {
            return Err(Fail::Usage("cannot split in more than one way".into()));
        }
        how = Some(new);
    }
    let operands = options.operands();
    if let Some(extra) = operands.get(2) {
        return Err(t.extra_operand(BStr::new(extra)));
    }
    let how = how.unwrap_or(How::Lines(1000));
    if let How::Chunks { only: Some(_), .. } = how
        && filter.is_some()
    {
        return Err(Fail::Usage("--filter does not process a chunk extracted to stdout".into()));
    }
    let file: BString = operands.first().cloned().unwrap_or_else(|| "-".into());
    let names = names(t, how, length, digits, from, operands.get(1).cloned(), additional)?;
    let mut input = t.open(&file).await.map_err(|error| {
        Fail::Message(format!("cannot open {} for reading: {}", t.quote(&file), error.strerror()), 1)
    })?;
    let stat = t.ctx.stat(&file, true).ok().filter(|stat| file != "-" && stat.is_regular());
    let mut splitter =
        Splitter { names, filter, verbose, input_id: stat.as_ref().map(|stat| (stat.device, stat.inode)) };
    if splitter.filter.is_some() {
        t.ctx.set_disposition(wasmsh_os::Signal::Pipe, wasmsh_os::Disposition::Ignore);
    }
    let done = match how {
        How::Lines(lines) => by_lines(t, &mut splitter, &mut input, lines, separator).await,
        How::Bytes(bytes) => by_bytes(t, &mut splitter, &mut input, bytes).await,
        How::LineBytes(bytes) => by_line_bytes(t, &mut splitter, &mut input, bytes, separator).await,
        How::Chunks { kind: Chunk::Round, count, only } => {
            round_robin(t, &mut splitter, &mut input, count, only, separator, elide).await
        }
        How::Chunks { kind, count, only } => {
            by_chunks(t, &mut splitter, &mut input, kind == Chunk::Lines, count, only, separator, elide).await
        }
    };
    match done {
        Err(Fail::Write(error)) => {
            Err(Fail::Message(format!("{}: {}", quote_name(&file), error.strerror()), 1))
        }
        done => done,
    }
}

/// The names that pieces get.
fn names(
    t: &Tool,
    how: How,
    length: Option<usize>,
    digits: &'static [u8],
    from: Option<BString>,
    prefix: Option<BString>,
    additional: BString,
) -> Result<Names, Fail> {
    let mut start = 0_u64;
    if let Some(from) = &from {
        for digit in from.iter() {
            let value = digits.iter().position(|other| other == digit).unwrap_or(0) as u64;
            start = start.saturating_mul(digits.len() as u64).saturating_add(value);
        }
    }
    // So long that a known number of pieces has names.
    let mut needed = 0;
    if let How::Chunks { count, .. } = how {
        let mut last = count.saturating_sub(1);
        if start < count {
            last = last.saturating_add(start);
        }
        while last > 0 {
            needed += 1;
            last /= digits.len() as u64;
        }
        if let Some(length) = length.filter(|length| *length > 0)
            && length < needed
        {
            return Err(Fail::Message(format!("the suffix length needs to be at least {needed}"), 1));
        }
    }
    let grows = length.is_none_or(|length| length == 0) && from.is_none() && needed == 0;
    let mut size = length.filter(|length| *length > 0).unwrap_or(2).max(needed);
    if let Some(from) = &from {
        if length.is_some_and(|length| length > 0 && from.len() > length) {
            let message = "numerical suffix start value is too large for the suffix length";
            return Err(Fail::Usage(message.into()));
        }
        size = size.max(from.len());
    }
    if size > 255 {
        return Err(Fail::Message(
            format!("invalid suffix length: {}", t.quote(size.to_string().as_bytes())),
            1,
        ));
    }
    let mut suffix = vec![0; size];
    if let Some(from) = &from {
        for (place, digit) in suffix.iter_mut().rev().zip(from.iter().rev()) {
            *place = digits.iter().position(|other| other == digit).unwrap_or(0);
        }
    }
    let prefix = prefix.unwrap_or_else(|| "x".into());
    Ok(Names { prefix, digits, suffix, grows, begun: false, additional })
}

async fn by_lines(t: &mut Tool, s: &mut Splitter, input: &mut Input, lines: u64, separator: u8) -> Done {
    let mut piece: Option<Piece> = None;
    let mut left = lines;
    loop {
        let block = input.fill().await?;
        if block.is_empty() {
            break;
        }
        // As many lines as the piece may still have, or all of the block.
        let mut end = block.len();
        for at in memchr::memchr_iter(separator, block) {
            left -= 1;
            if left == 0 {
                end = at + 1;
                break;
            }
        }
        let full = left == 0;
        let part = block.get(..end).unwrap_or_default().to_vec();
        input.consume(end);
        if piece.is_none() {
            piece = Some(s.open(t).await?);
        }
        if let Some(open) = &mut piece {
            open.write(&part).await?;
        }
        if full {
            left = lines;
            if let Some(open) = piece.take() {
                s.close(t, open).await?;
            }
        }
    }
    match piece {
        Some(open) => s.close(t, open).await,
        None => Ok(()),
    }
}

async fn by_bytes(t: &mut Tool, s: &mut Splitter, input: &mut Input, bytes: u64) -> Done {
    let mut piece: Option<Piece> = None;
    let mut left = bytes;
    loop {
        let block = input.fill().await?;
        if block.is_empty() {
            break;
        }
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        let part = block.get(..count).unwrap_or_default().to_vec();
        input.consume(count);
        if piece.is_none() {
            piece = Some(s.open(t).await?);
        }
        if let Some(open) = &mut piece {
            open.write(&part).await?;
        }
        left -= count as u64;
        if left == 0 {
            left = bytes;
            if let Some(open) = piece.take() {
                s.close(t, open).await?;
            }
        }
    }
    match piece {
        Some(open) => s.close(t, open).await,
        None => Ok(()),
    }
}

async fn by_line_bytes(t: &mut Tool, s: &mut Splitter, input: &mut Input, bytes: u64, separator: u8) -> Done {
    let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut piece: Option<(Piece, usize)> = None;
    while let Some(line) = input.line(separator).await? {
        let line = line.to_vec();
        let mut rest = &line[..];
        while !rest.is_empty() {
            let used = piece.as_ref().map_or(0, |(_, used)| *used);
            // A line that fits nowhere is cut; otherwise it goes into the next piece as a whole.
            if used > 0 && used + rest.len() > limit && (rest.len() <= limit || rest.len() == line.len()) {
                if let Some((open, _)) = piece.take() {
                    s.close(t, open).await?;
                }
                continue;
            }
            let count = rest.len().min(limit - used);
            let (part, more) = rest.split_at(count);
            if piece.is_none() {
                piece = Some((s.open(t).await?, 0));
            }
            if let Some((open, used)) = &mut piece {
                open.write(part).await?;
                *used += count;
            }
            rest = more;
            if !rest.is_empty()
                && let Some((open, _)) = piece.take()
            {
                s.close(t, open).await?;
            }
        }
    }
    match piece {
        Some((open, _)) => s.close(t, open).await,
        None => Ok(()),
    }
}

async fn round_robin(
    t: &mut Tool,
    s: &mut Splitter,
    input: &mut Input,
    count: u64,
    only: Option<u64>,
    separator: u8,
    elide: bool,
) -> Done {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut turn = 0_u64;
    if only.is_none() && !elide {
        for _ in 0..count {
            let piece = s.open(t).await?;
            pieces.push(piece);
        }
    }
    while let Some(line) = input.line(separator).await? {
        match only {
            Some(only) => {
                if turn + 1 == only {
                    t.out.put(line);
                    t.out.drain().await?;
                }
            }
            None => {
                let line = line.to_vec();
                let index = usize::try_from(turn).unwrap_or(usize::MAX);
                if index == pieces.len() {
                    let piece = s.open(t).await?;
                    pieces.push(piece);
                }
                if let Some(piece) = pieces.get_mut(index) {
                    piece.write(&line).await?;
                }
            }
        }
        turn = (turn + 1) % count;
    }
    for piece in pieces {
        s.close(t, piece).await?;
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "the plan of one command")]
async fn by_chunks(
    t: &mut Tool,
    s: &mut Splitter,
    input: &mut Input,
    whole_lines: bool,
    count: u64,
    only: Option<u64>,
    separator: u8,
    elide: bool,
) -> Done {
    // The size must be known before the first piece ends.
    let mut all = Vec::new();
    input.read_to_end(&mut all).await?;
    let size = all.len() as u64;
    let mut at = 0_usize;
    let step = (size / count).max(1);
    for number in 1..=only.unwrap_or(count) {
        // All that follow are empty.
        if at >= all.len() && (elide || only.is_some()) {
            break;
        }
        // The last one has what is left where they do not come out even.
        let end = if number == count { size } else { step.saturating_mul(number).min(size) };
        let mut end = usize::try_from(end).unwrap_or(usize::MAX).max(at);
        if whole_lines && end > at {
            // To the end of the line in which the piece would end.
            let from = end - 1;
            end = match memchr::memchr(separator, all.get(from..).unwrap_or_default()) {
                Some(more) => from + more + 1,
                None => all.len(),
            };
        }
        let part = all.get(at..end).unwrap_or_default();
        at = end;
        match only {
            Some(only) if only == number => {
                t.out.put(part);
                t.out.drain().await?;
            }
            Some(_) => {}
            None if part.is_empty() && elide => {}
            None => {
                let mut piece = s.open(t).await?;
                piece.write(part).await?;
                s.close(t, piece).await?;
            }
        }
        t.ctx.tick().await;
    }
    Ok(())
}
