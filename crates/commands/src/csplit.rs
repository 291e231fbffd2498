//! `csplit`: cuts a file into pieces at lines that patterns choose.

use bstr::{BString, ByteSlice};
use wasmsh_regex::{Regex, Syntax};

use crate::number::parse_size;
use crate::pad;
use crate::quote::quote_always;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "csplit",
    usage: &["[OPTION]... FILE PATTERN..."],
    about: "Output pieces of FILE separated by PATTERN(s) to files 'xx00', 'xx01', ...,\n\
            and output byte counts of each piece to standard output.\n\n\
            Read standard input if FILE is -",
    options: &[
        Opt::value("b,suffix-format", "FORMAT", "use sprintf FORMAT instead of %02d"),
        Opt::value("f,prefix", "PREFIX", "use PREFIX instead of 'xx'"),
        Opt::flag("k,keep-files", "do not remove output files on errors"),
        Opt::flag("suppress-matched", "suppress the lines matching PATTERN"),
        Opt::value("n,digits", "DIGITS", "use specified number of digits instead of 2"),
        Opt::flag("s,q,quiet,silent", "do not print counts of output file sizes"),
        Opt::flag("z,elide-empty-files", "remove empty output files"),
    ],
    more: "Each PATTERN may be:\n\
           \x20 INTEGER            copy up to but not including specified line number\n\
           \x20 /REGEXP/[OFFSET]   copy up to but not including a matching line\n\
           \x20 %REGEXP%[OFFSET]   skip to, but not including a matching line\n\
           \x20 {INTEGER}          repeat the previous pattern specified number of times\n\
           \x20 {*}                repeat the previous pattern as many times as possible\n\n\
           A line OFFSET is a required '+' or '-' followed by a positive integer.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// No number of a file is wider.
const WIDEST: usize = 1 << 24;

enum Place {
    Line(u64),
    Match { regex: Regex, offset: i64, skip: bool },
}

struct Pattern {
    text: BString,
    place: Place,
    /// How many times more; `None`: as often as there is input.
    repeat: Option<u64>,
}

/// A conversion of `printf` for the numbers of files.
struct Suffix {
    before: BString,
    after: BString,
    left: bool,
    zeros: bool,
    alternative: bool,
    width: usize,
    precision: Option<usize>,
    letter: u8,
}

impl Suffix {
    fn parse(format: &[u8]) -> Result<Suffix, String> {
        let mut found: Option<Suffix> = None;
        let (mut plain, mut rest) = (BString::default(), format);
        while let Some((&byte, behind)) = rest.split_first() {
            rest = behind;
            if byte != b'%' {
                plain.push(byte);
                continue;
            }
            if let Some(behind) = rest.strip_prefix(b"%") {
                plain.push(b'%');
                rest = behind;
                continue;
            }
            let spec = crate::escape::spec(rest, b"-0#'");
            let letter = spec.rest.first().copied();
            if found.is_some() {
                return Err("too many % conversion specifications in suffix".into());
            }
            let letter = match letter {
                None => return Err("missing conversion specifier in suffix".into()),
                Some(letter @ (b'd' | b'i' | b'u' | b'o' | b'x' | b'X')) => letter,
                Some(b' '..=b'~') => {
                    return Err(format!(
                        "invalid conversion specifier in suffix: {}",
                        spec.rest.get(..1).unwrap_or_default().as_bstr()
                    ));
                }
                Some(other) => return Err(format!("invalid conversion specifier in suffix: \\{other:03o}")),
            };
            rest = spec.rest.get(1..).unwrap_or_default();
            let useless = if matches!(letter, b'd' | b'i' | b'u') { b'#' } else { b'\'' };
            if spec.flags.contains(&useless) {
                let (flag, letter) = (char::from(useless), char::from(letter));
                return Err(format!("invalid flags in conversion specification: %{flag}{letter}"));
            }
            let has = |flag| spec.flags.contains(&flag);
            if (spec.width as usize).max(spec.precision.unwrap_or(0)) > WIDEST {
                return Err("memory exhausted".into());
            }
            found = Some(Suffix {
                before: std::mem::take(&mut plain),
                after: BString::default(),
                left: has(b'-'),
                zeros: has(b'0'),
                alternative: has(b'#'),
                width: spec.width as usize,
                precision: spec.precision,
                letter,
            });
        }
        let mut found = found.ok_or("missing % conversion specification in suffix")?;
        found.after = plain;
        Ok(found)
    }

    fn name(&self, prefix: &[u8], number: u64) -> BString {
        let mut digits = match self.letter {
            b'o' => format!("{number:o}"),
            b'x' => format!("{number:x}"),
            b'X' => format!("{number:X}"),
            _ => number.to_string(),
        };
        let lead = match self.letter {
            b'o' if self.alternative && !digits.starts_with('0') => "0",
            b'x' if self.alternative && number != 0 => "0x",
            b'X' if self.alternative && number != 0 => "0X",
            _ => "",
        };
        let least = match self.precision {
            Some(precision) => precision,
            None if self.zeros && !self.left => self.width.saturating_sub(lead.len()),
            None => 0,
        };
        digits = format!("{lead}{}", pad::zeros(digits, least));
        let number = if self.left { pad::left(digits, self.width) } else { pad::right(digits, self.width) };
        [prefix, &self.before, number.as_bytes(), &self.after].concat().into()
    }
}

struct Splitter {
    text: Vec<u8>,
    /// Where each line begins, and the end of the last.
    lines: Vec<usize>,
    /// The first line of the next piece, counted from 0.
    next: usize,
    /// The line behind which a match is looked for, counted from 1.
    current: usize,
    names: Vec<BString>,
    suffix: Suffix,
    prefix: BString,
    quiet: bool,
    elide: bool,
    suppress: bool,
}

impl Splitter {
    fn count(&self) -> usize {
        self.lines.len().saturating_sub(1)
    }

    /// Writes the lines up to `end`.
    async fn piece(&mut self, t: &mut Tool, end: usize) -> Done {
        let at = |line: usize| self.lines.get(line).copied().unwrap_or(self.text.len());
        let (from, to) = (at(self.next), at(end.max(self.next)));
        self.next = end.max(self.next);
        if self.elide && from == to {
            return Ok(());
        }
        let name = self.suffix.name(&self.prefix, self.names.len() as u64);
        let failed = |error: wasmsh_os::Errno| {
            Fail::Message(format!("{}: {}", crate::quote::quote_name(&name), error.strerror()), 1)
        };
        let mut file = t.ctx.create_output(&name, false).await.map_err(failed)?;
        self.names.push(name.clone());
        file.write(self.text.get(from..to).unwrap_or_default()).await.map_err(failed)?;
        file.flush().await.map_err(failed)?;
        if !self.quiet {
            t.out.put(format!("{}\n", to - from).as_bytes());
        }
        t.out.drain().await?;
        Ok(())
    }

    /// Passes the line at which the next piece begins.
    fn pass_matched(&mut self) {
        if self.suppress && self.next < self.count() {
            self.next += 1;
        }
    }

    /// Why it ends; the rest has been written.
    async fn stop(&mut self, t: &mut Tool, pattern: &Pattern, what: &str, round: u64) -> Fail {
        if !matches!(pattern.place, Place::Match { skip: true, .. })
            && let Err(error) = self.piece(t, self.count()).await
        {
            return error;
        }
        let round = if round > 0 { format!(" on repetition {round}") } else { String::new() };
        Fail::Message(format!("{}: {what}{round}", t.quote(&pattern.text)), 1)
    }

    /// Follows a pattern once. False: the input is over, and that is no mistake.
    async fn follow(&mut self, t: &mut Tool, pattern: &Pattern, round: u64) -> Result<bool, Fail> {
        match &pattern.place {
            Place::Line(line) => {
                let line = line.saturating_mul(round + 1);
                let line = usize::try_from(line).unwrap_or(usize::MAX);
                if line > self.count() {
                    return Err(self.stop(t, pattern, "line number out of range", round).await);
                }
                self.piece(t, line - 1).await?;
                self.current = line - 1;
            }
            Place::Match { regex, offset, skip } => {
                let mut found = None;
                for line in self.current..self.count() {
                    let from = self.lines.get(line).copied().unwrap_or(0);
                    let to = self.lines.get(line + 1).copied().unwrap_or(0);
                    let text = self.text.get(from..to).unwrap_or_default();
                    let text = text.strip_suffix(b"\n").unwrap_or(text);
                    if regex.is_match(text).map_err(|error| Fail::Message(error.to_string(), 1))? {
                        found = Some(line);
                        break;
                    }
                    t.ctx.tick().await;
                }
                let Some(line) = found else {
                    if pattern.repeat.is_none() {
                        if !skip {
                            self.piece(t, self.count()).await?;
                        }
                        return Ok(false);
                    }
                    return Err(self.stop(t, pattern, "match not found", round).await);
                };
                let cut = line.saturating_add_signed(isize::try_from(*offset).unwrap_or(isize::MAX));
                let before = offset.is_negative() && (line as u64) < offset.unsigned_abs();
                if before || cut < self.next || cut > self.count() {
                    if !skip {
                        let end = if before || cut < self.next { self.next } else { self.count() };
                        self.piece(t, end).await?;
                    }
                    let said = t.quote(&pattern.text);
                    return Err(Fail::Message(format!("{said}: line number out of range"), 1));
                }
                if *skip {
                    self.next = cut;
                } else {
                    self.piece(t, cut).await?;
                }
                self.current = (line + 1).max(cut + 1);
            }
        }
        self.pass_matched();
        Ok(true)
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.first().filter(|digit| digit.is_ascii_digit())?;
    parse_size(digits, b"").ok()
}

fn pattern(t: &Tool, text: &[u8]) -> Result<Pattern, Fail> {
    let said = |what: &str| Fail::Message(format!("{}: {what}", t.quote(text)), 1);
    let delimiter = text.first().copied().filter(|byte| matches!(byte, b'/' | b'%'));
    let place = match delimiter {
        None => {
            let line = number(text).ok_or_else(|| said("invalid pattern"))?;
            if line == 0 {
                return Err(Fail::Message(
                    format!("{}: line number must be greater than zero", text.as_bstr()),
                    1,
                ));
            }
            Place::Line(line)
        }
        Some(delimiter) => {
            let rest = text.get(1..).unwrap_or_default();
            let end = rest.rfind_byte(delimiter).ok_or_else(|| {
                let message =
                    format!("{}: closing delimiter '{}' missing", text.as_bstr(), char::from(delimiter));
                Fail::Message(message, 1)
            })?;
            let (regex, offset) =
                (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default());
            let regex = Regex::new(regex, &Syntax { utf8: t.utf8, ..Syntax::BASIC })
                .map_err(|error| said(&format!("invalid regular expression: {error}")))?;
            let digits = offset.strip_prefix(b"-").or_else(|| offset.strip_prefix(b"+")).unwrap_or(offset);
            let value = if offset.is_empty() { Some(0) } else { number(digits) };
            let value = value.and_then(|value| i64::try_from(value).ok());
            let value = value.ok_or_else(|| said("integer expected after delimiter"))?;
            let offset = if offset.starts_with(b"-") { -value } else { value };
            Place::Match { regex, offset, skip: delimiter == b'%' }
        }
    };
    Ok(Pattern { text: text.into(), place, repeat: Some(0) })
}

/// `{N}` or `{*}`.
fn repetition(t: &Tool, text: &[u8]) -> Result<Option<u64>, Fail> {
    let Some(inner) = text.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")) else {
        return Err(Fail::Message(format!("{}: '}}' is required in repeat count", t.quote(text)), 1));
    };
    if inner == b"*" {
        return Ok(None);
    }
    match number(inner) {
        Some(count) => Ok(Some(count)),
        None => {
            let open = [b"{", inner].concat();
            Err(Fail::Message(format!("{}}}: integer required between '{{' and '}}'", t.quote(&open)), 1))
        }
    }
}

async fn run(t: &mut Tool) -> Done {
    let (mut format, mut prefix, mut digits) = (None, BString::from("xx"), 2);
    let (mut keep, mut suppress, mut quiet, mut elide) = (false, false, false, false);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let text = value.unwrap_or_default();
        match name {
            "b" => format = Some(text),
            "f" => prefix = text,
            "k" => keep = true,
            "suppress-matched" => suppress = true,
            "n" => {
                let found = number(&text).filter(|value| *value < 1 << 16);
                digits = found
                    .ok_or_else(|| Fail::Message(format!("invalid number: {}", t.quote(&text)), 1))?
                    as usize;
            }
            "s" => quiet = true,
            _ => elide = true,
        }
    }
    let operands = options.operands();
    let Some(file) = operands.first() else { return Err(t.missing_operand()) };
    if operands.len() < 2 {
        return Err(Fail::Usage(format!("missing operand after {}", t.quote(file))));
    }
    let suffix = format.unwrap_or_else(|| format!("%0{digits}u").into());
    let suffix = Suffix::parse(&suffix).map_err(|message| Fail::Message(message, 1))?;
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut last = 0;
    for text in operands.iter().skip(1) {
        if let Some(pattern) = patterns.last_mut().filter(|_| text.starts_with(b"{")) {
            pattern.repeat = repetition(t, text)?;
            continue;
        }
        let next = pattern(t, text)?;
        if let Place::Line(line) = next.place {
            let said = t.quote(text);
            if line < last {
                let message = format!("line number {said} is smaller than preceding line number, {last}");
                return Err(Fail::Message(message, 1));
            }
            if line == last {
                t.warn(format!("warning: line number {said} is the same as preceding line number")).await?;
            }
            last = line;
        }
        patterns.push(next);
    }
    let mut text = Vec::new();
    let mut input = t.open(file).await.map_err(|error| {
        Fail::Message(format!("cannot open {} for reading: {}", quote_always(file), error.strerror()), 1)
    })?;
    let read = input.read_to_end(&mut text).await;
    read.map_err(|error| Fail::Message(format!("read error: {}", error.strerror()), 1))?;
    let mut lines: Vec<usize> =
        std::iter::once(0).chain(memchr::memchr_iter(b'\n', &text).map(|at| at + 1)).collect();
    if lines.last() != Some(&text.len()) {
        lines.push(text.len());
    }
    let mut splitter = Splitter {
        text,
        lines,
        next: 0,
        current: 0,
        names: Vec::new(),
        suffix,
        prefix,
        quiet,
        elide,
        suppress,
    };
    let result = split(t, &mut splitter, &patterns).await;
    if result.is_err() && !keep {
        for name in &splitter.names {
            // It may be gone already; the error that is told is the first.
            let _ = t.ctx.remove_file(name);
        }
    }
    result
}

async fn split(t: &mut Tool, splitter: &mut Splitter, patterns: &[Pattern]) -> Done {
    if splitter.text.is_empty()
        && matches!(patterns.first().map(|pattern| &pattern.place), Some(Place::Line(_)))
    {
        return Err(Fail::Message("input disappeared".into(), 1));
    }
    for pattern in patterns {
        let mut round = 0;
        while pattern.repeat.is_none_or(|repeat| round <= repeat) {
            if !splitter.follow(t, pattern, round).await? {
                return Ok(());
            }
            round += 1;
        }
    }
    splitter.piece(t, splitter.count()).await
}
