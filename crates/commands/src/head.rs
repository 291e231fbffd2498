//! `head`: the beginning of files.

use std::collections::VecDeque;

use bstr::BString;
use wasmsh_os::{Description, Errno, Input, Position};

use crate::number::{Trouble, parse_size};
use crate::quote::quote_always;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "head",
    usage: &["[OPTION]... [FILE]..."],
    about: "Print the first 10 lines of each FILE to standard output.\n\
            With more than one FILE, precede each with a header giving the file name.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::value(
            "c,bytes",
            "[-]NUM",
            "print the first NUM bytes of each file;\nwith the leading '-', print all but the last\nNUM bytes of each file",
        ),
        Opt::value(
            "n,lines",
            "[-]NUM",
            "print the first NUM lines instead of the first 10;\nwith the leading '-', print all but the last\nNUM lines of each file",
        ),
        Opt::flag("q,quiet,silent", "never print headers giving file names"),
        Opt::flag("v,verbose", "always print headers giving file names"),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
    ],
    more: "NUM may have a multiplier suffix:\nb 512, kB 1000, K 1024, MB 1000*1000, M 1024*1024,\n\
           GB 1000*1000*1000, G 1024*1024*1024, and so on for T, P, E, Z, Y.\n\
           Binary prefixes can be used, too: KiB=K, MiB=M, and so on.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// When file names stand above the parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    /// With more than one file.
    Several,
    Always,
    Never,
}

/// Bytes or lines, with `-NUM` for all but the last.
pub(crate) fn count(t: &Tool, text: &[u8], bytes: bool) -> Result<u64, Fail> {
    parse_size(text, b"bkKmMGTPEZY0").map_err(|trouble| {
        let what = if bytes { "bytes" } else { "lines" };
        let reason = match trouble {
            Trouble::Overflow => ": Value too large for defined data type",
            _ => "",
        };
        Fail::Message(format!("invalid number of {what}: {}{reason}", t.quote(text)), 1)
    })
}

async fn run(t: &mut Tool) -> Done {
    let (mut bytes, mut amount, mut all_but) = (false, 10, false);
    let mut headers = Headers::Several;
    let mut delimiter = b'\n';
    let mut arguments = t.arguments();
    if let Some(modern) = arguments.first().and_then(|first| obsolete(first)) {
        arguments.splice(0..1, modern);
    }
    let mut options = t.options_of(arguments);
    while let Some((name, value)) = options.next()? {
        match name {
            "c" | "n" => {
                let value = value.unwrap_or_default();
                bytes = name == "c";
                let rest = value.strip_prefix(b"-");
                all_but = rest.is_some();
                amount = count(t, rest.unwrap_or(&value), bytes)?;
            }
            "q" => headers = Headers::Never,
            "v" => headers = Headers::Always,
            _ => delimiter = 0,
        }
    }
    let mut files = options.operands();
    if files.is_empty() {
        files.push("-".into());
    }
    let show = headers == Headers::Always || (headers == Headers::Several && files.len() > 1);
    let mut first = true;
    for file in &files {
        let mut input = match t.open(file).await {
            Ok(input) => input,
            Err(error) => {
                t.error(format!("cannot open {} for reading: {}", quote_always(file), error.strerror()))
                    .await?;
                continue;
            }
        };
        let name: &[u8] = if file == "-" { b"standard input" } else { file };
        if show {
            header(t, name, first);
        }
        first = false;
        let result = match (bytes, all_but) {
            (true, false) => first_bytes(t, &mut input, amount).await?,
            (false, false) => first_lines(t, &mut input, amount, delimiter).await?,
            (true, true) => all_but_bytes(t, &mut input, amount).await?,
            (false, true) => all_but_lines(t, &mut input, amount, delimiter).await?,
        };
        if let Err(error) = result {
            t.error(format!("error reading {}: {}", quote_always(name), error.strerror())).await?;
            continue;
        }
        give_back(&input);
    }
    Ok(())
}

pub(crate) fn header(t: &mut Tool, name: &[u8], first: bool) {
    if !first {
        t.out.put(b"\n");
    }
    t.out.put(b"==> ");
    t.out.put(name);
    t.out.put(b" <==\n");
}

/// `-5`, `-5c`, `-5qv` as options of today.
fn obsolete(argument: &[u8]) -> Option<Vec<BString>> {
    let rest = argument.strip_prefix(b"-")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let (number, letters) = rest.split_at(digits);
    let mut number = BString::from(number);
    let mut options: Vec<BString> = Vec::new();
    let mut option = "-n";
    for letter in letters {
        match letter {
            b'c' => option = "-c",
            b'b' | b'k' | b'm' => {
                option = "-c";
                number.push(*letter);
            }
            b'l' => option = "-n",
            _ => options.push(vec![b'-', *letter].into()),
        }
    }
    let mut all: Vec<BString> = vec![option.into(), number];
    all.append(&mut options);
    Some(all)
}

/// What was read and not used stays for whoever shares the file's position.
pub(crate) fn give_back(input: &Input) {
    let unused = input.buffered().len();
    if unused > 0
        && let Description::File(file) = &**input.description()
    {
        // A device cannot, and then nothing is lost.
        let _ = file.seek(Position::Current(-(unused as i64)));
    }
}

type Read = Result<Result<(), Errno>, Fail>;

async fn first_bytes(t: &mut Tool, input: &mut Input, mut left: u64) -> Read {
    while left > 0 {
        let block = match input.fill().await {
            Ok([]) => break,
            Ok(block) => block,
            Err(error) => return Ok(Err(error)),
        };
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        t.out.write(block.get(..count).unwrap_or_default()).await?;
        input.consume(count);
        left -= count as u64;
    }
    Ok(Ok(()))
}

async fn first_lines(t: &mut Tool, input: &mut Input, mut left: u64, delimiter: u8) -> Read {
    while left > 0 {
        let block = match input.fill().await {
            Ok([]) => break,
            Ok(block) => block,
            Err(error) => return Ok(Err(error)),
        };
        let mut end = block.len();
        for at in memchr::memchr_iter(delimiter, block) {
            left -= 1;
            if left == 0 {
                end = at + 1;
                break;
            }
        }
        t.out.write(block.get(..end).unwrap_or_default()).await?;
        input.consume(end);
    }
    Ok(Ok(()))
}

async fn all_but_bytes(t: &mut Tool, input: &mut Input, keep: u64) -> Read {
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    loop {
        let held = input.buffered().len();
        if held > keep {
            let count = held - keep;
            t.out.write(input.buffered().get(..count).unwrap_or_default()).await?;
            input.consume(count);
        }
        match input.extend().await {
            Ok(true) => {}
            Ok(false) => {
                input.consume(usize::MAX >> 1);
                return Ok(Ok(()));
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}

async fn all_but_lines(t: &mut Tool, input: &mut Input, keep: u64, delimiter: u8) -> Read {
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let mut held: VecDeque<Vec<u8>> = VecDeque::new();
    loop {
        match input.line(delimiter).await {
            Ok(None) => return Ok(Ok(())),
            Ok(Some(line)) => {
                let mut spare = Vec::new();
                if held.len() >= keep {
                    if let Some(oldest) = held.pop_front() {
                        t.out.write(&oldest).await?;
                        spare = oldest;
                    } else {
                        t.out.write(line).await?;
                        continue;
                    }
                }
                spare.clear();
                spare.extend_from_slice(line);
                held.push_back(spare);
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}
