//! `cmp`: compares two files byte by byte.

use bstr::{BStr, BString, ByteSlice};
use wasmsh_os::{Description, Errno, Input, Position};

use crate::number::parse_size;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "cmp",
    usage: &["[OPTION]... FILE1 [FILE2 [SKIP1 [SKIP2]]]"],
    about: "Compare two files byte by byte.\n\n\
            The optional SKIP1 and SKIP2 specify the number of bytes to skip\n\
            at the beginning of each file (zero by default).",
    options: &[
        Opt::flag("b,print-bytes", "print differing bytes"),
        Opt::value(
            "i,ignore-initial",
            "SKIP",
            "skip first SKIP bytes of both inputs;\nSKIP1:SKIP2 skips different numbers of each",
        ),
        Opt::flag("l,verbose", "output byte numbers and differing byte values"),
        Opt::value("n,bytes", "LIMIT", "compare at most LIMIT bytes"),
        Opt::flag("s,quiet,silent", "suppress all normal output"),
        Opt::flag("v", ""),
    ],
    more: "SKIP values may be followed by the following multiplicative suffixes:\n\
           kB 1000, K 1024, MB 1,000,000, M 1,048,576,\n\
           GB 1,000,000,000, G 1,073,741,824, and so on for T, P, E, Z, Y.\n\n\
           If a FILE is '-' or missing, read standard input.\n\
           Exit status is 0 if inputs are the same, 1 if different, 2 if trouble.",
    usage_status: 2,
    main: |ctx| {
        start(&COMMAND, ctx, async |t: &mut Tool| match run(t).await {
            Err(Fail::Usage(text)) => Err(usage(&text)),
            done => done,
        })
    },
};

/// What is said of differences.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Report {
    First,
    All,
    Nothing,
}

/// As [`Fail::Usage`], in the form that diffutils give it.
fn usage(text: &str) -> Fail {
    Fail::Bare(format!("cmp: {text}\ncmp: Try 'cmp --help' for more information."), 2)
}

fn size(text: &[u8], option: &str) -> Result<u64, Fail> {
    parse_size(text, b"kKMGTPEZY0")
        .map_err(|_| usage(&format!("invalid --{option} value '{}'", BStr::new(text))))
}

struct Side {
    name: BString,
    input: Input,
    skip: u64,
}

impl Side {
    fn trouble(&self, error: Errno) -> Fail {
        Fail::Bare(format!("cmp: {}: {}", self.name, error.strerror()), 2)
    }

    /// Passes over the bytes that are not compared.
    async fn pass(&mut self) -> Result<(), Fail> {
        let mut left = self.skip;
        while left > 0 {
            let count = match self.input.fill().await {
                Ok(block) => block.len(),
                Err(error) => return Err(self.trouble(error)),
            };
            if count == 0 {
                break;
            }
            let taken = usize::try_from(left).map_or(count, |left| left.min(count));
            self.input.consume(taken);
            left -= taken as u64;
        }
        Ok(())
    }

    /// The bytes of it that are still to be compared, if it is a regular file.
    fn size(&self) -> Option<u64> {
        let Description::File(file) = &**self.input.description() else { return None };
        let stat = file.stat().ok().filter(|stat| stat.is_regular())?;
        let here = file.seek(Position::Current(0)).unwrap_or_default();
        Some(stat.size.saturating_sub(here).saturating_sub(self.skip))
    }
}

async fn run(t: &mut Tool) -> Done {
    let (mut report, mut bytes) = (Report::First, false);
    let mut limit = u64::MAX;
    let mut skips = [0_u64; 2];
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "b" => bytes = true,
            "i" => {
                let (first, second) = value.split_once_str(":").unwrap_or((&value, &value));
                // The message tells all that stands from the wrong number on.
                let one = size(first, "ignore-initial")
                    .map_err(|_| usage(&format!("invalid --ignore-initial value '{value}'")))?;
                let two = size(second, "ignore-initial")?;
                skips = [skips[0].max(one), skips[1].max(two)];
            }
            "n" => limit = limit.min(size(&value, "bytes")?),
            "v" => return Err(Fail::Version),
            _ => {
                let wanted = if name == "l" { Report::All } else { Report::Nothing };
                if report != Report::First && report != wanted {
                    return Err(usage("options -l and -s are incompatible"));
                }
                report = wanted;
            }
        }
    }
    let operands = options.operands();
    let Some(first) = operands.first() else {
        return Err(usage(&format!("missing operand after '{}'", t.name)));
    };
    if let Some(extra) = operands.get(4) {
        return Err(usage(&format!("extra operand '{extra}'")));
    }
    let second = operands.get(1).cloned().unwrap_or_else(|| "-".into());
    for (skip, text) in skips.iter_mut().zip(operands.iter().skip(2)) {
        *skip = size(text, "ignore-initial")?.max(*skip);
    }
    // A file is the same as itself, whatever it holds.
    if *first == second && skips[0] == skips[1] {
        let found = if second == "-" { Ok(()) } else { t.ctx.stat(first, true).map(|_| ()) };
        if found.is_ok() {
            return Ok(());
        }
    }
    let mut sides = Vec::new();
    for (name, skip) in [first, &second].into_iter().zip(skips) {
        match t.open(name).await {
            Ok(input) => sides.push(Side { name: name.clone(), input, skip }),
            Err(_) if report == Report::Nothing => return Err(Fail::Status(2)),
            Err(error) => return Err(Fail::Bare(format!("cmp: {name}: {}", error.strerror()), 2)),
        }
    }
    let [left, right] = &mut sides[..] else { return Ok(()) };
    compare(t, left, right, report, bytes, limit).await
}

async fn compare(
    t: &mut Tool,
    left: &mut Side,
    right: &mut Side,
    report: Report,
    bytes: bool,
    limit: u64,
) -> Done {
    // Two regular files that are not as long as each other differ.
    let sizes = [left.size(), right.size()];
    if let (Report::Nothing, [Some(one), Some(two)]) = (report, sizes)
        && one.min(limit) != two.min(limit)
    {
        return Err(Fail::Status(1));
    }
    let largest = sizes.into_iter().flatten().fold(limit.min(i64::MAX as u64), u64::min);
    let width = largest.to_string().len();
    left.pass().await?;
    right.pass().await?;
    let (mut done, mut lines) = (0_u64, 0_u64);
    let (mut differs, mut line_ended) = (false, false);
    loop {
        t.ctx.tick().await;
        let room = usize::try_from(limit - done).unwrap_or(usize::MAX);
        if room == 0 {
            break;
        }
        let (one, two) = match (left.input.fill().await.map(|_| ()), right.input.fill().await.map(|_| ())) {
            (Err(error), _) => return Err(left.trouble(error)),
            (_, Err(error)) => return Err(right.trouble(error)),
            _ => (left.input.buffered(), right.input.buffered()),
        };
        let count = one.len().min(two.len()).min(room);
        let (one_ends, two_ends) = (one.is_empty(), two.is_empty());
        let (one, two) = (one.get(..count).unwrap_or_default(), two.get(..count).unwrap_or_default());
        if count == 0 {
            if one_ends && two_ends {
                break;
            }
            let shorter = if one_ends { &left.name } else { &right.name };
            if report != Report::Nothing {
                t.out.flush().await?;
                let message = if done == 0 {
                    format!("cmp: EOF on {shorter} which is empty\n")
                } else if report == Report::All {
                    format!("cmp: EOF on {shorter} after byte {done}\n")
                } else if line_ended {
                    format!("cmp: EOF on {shorter} after byte {done}, line {lines}\n")
                } else {
                    format!("cmp: EOF on {shorter} after byte {done}, in line {}\n", lines + 1)
                };
                t.err.put(message.as_bytes());
                // Nobody is left to tell when this fails.
                let _ = t.err.flush().await;
            }
            return Err(Fail::Status(1));
        }
        if one != two {
            if report == Report::Nothing {
                return Err(Fail::Status(1));
            }
            for (index, (a, b)) in one.iter().zip(two).enumerate().filter(|(_, (a, b))| a != b) {
                let number = done + index as u64 + 1;
                if report == Report::All {
                    differs = true;
                    let text = if bytes {
                        format!("{number:width$} {a:3o} {:4} {b:3o} {}\n", visible(*a), visible(*b))
                    } else {
                        format!("{number:width$} {a:3o} {b:3o}\n")
                    };
                    t.out.put(text.as_bytes());
                    continue;
                }
                let before = one.get(..index).unwrap_or_default();
                let line = lines + memchr::memchr_iter(b'\n', before).count() as u64 + 1;
                let names = format!("{} {} differ:", left.name, right.name);
                let text = if bytes {
                    let (shown_a, shown_b) = (visible(*a), visible(*b));
                    format!("{names} byte {number}, line {line} is {a:3o} {shown_a} {b:3o} {shown_b}\n")
                } else {
                    // POSIX has this word for its own locale.
                    let unit = if t.utf8 { "byte" } else { "char" };
                    format!("{names} {unit} {number}, line {line}\n")
                };
                t.out.put(text.as_bytes());
                return Err(Fail::Status(1));
            }
        }
        lines += memchr::memchr_iter(b'\n', one).count() as u64;
        line_ended = one.ends_with(b"\n");
        done += count as u64;
        left.input.consume(count);
        right.input.consume(count);
        t.out.drain().await?;
    }
    t.status = u8::from(differs);
    Ok(())
}

/// A byte as `cat -v` shows it.
fn visible(byte: u8) -> String {
    let (lead, byte) = if byte >= 128 { ("M-", byte - 128) } else { ("", byte) };
    match byte {
        0..32 => format!("{lead}^{}", char::from(byte + 64)),
        127 => format!("{lead}^?"),
        _ => format!("{lead}{}", char::from(byte)),
    }
}
