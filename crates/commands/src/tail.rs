//! `tail`: the end of files, and what is added to them.

use std::collections::VecDeque;
use std::rc::Rc;

use bstr::BString;
use wasmsh_os::{Description, Errno, Input, OpenFile, Pid, Position};

use crate::head::{Headers, header};
use crate::quote::{quote_always, quote_name};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "tail",
    usage: &["[OPTION]... [FILE]..."],
    about: "Print the last 10 lines of each FILE to standard output.\n\
            With more than one FILE, precede each with a header giving the file name.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::value(
            "c,bytes",
            "[+]NUM",
            "output the last NUM bytes; or use -c +NUM to\noutput starting with byte NUM of each file",
        ),
        Opt::optional(
            "f,follow",
            "{name|descriptor}",
            "output appended data as the file grows;\nan absent option argument means 'descriptor'",
        ),
        Opt::flag("F", "same as --follow=name --retry"),
        Opt::value(
            "n,lines",
            "[+]NUM",
            "output the last NUM lines, instead of the last 10;\nor use -n +NUM to output starting with line NUM",
        ),
        Opt::value(
            "max-unchanged-stats",
            "N",
            "with --follow=name, reopen a FILE which has not\nchanged size after N iterations (always done here)",
        ),
        Opt::value("pid", "PID", "with -f, terminate after process ID, PID dies"),
        Opt::flag("q,quiet,silent", "never output headers giving file names"),
        Opt::flag("retry", "keep trying to open a file if it is inaccessible"),
        Opt::value(
            "s,sleep-interval",
            "N",
            "with -f, sleep for approximately N seconds\n(default 0.1) between iterations",
        ),
        Opt::flag("v,verbose", "always output headers giving file names"),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
    ],
    more: "NUM may have a multiplier suffix:\nb 512, kB 1000, K 1024, MB 1000*1000, M 1024*1024,\n\
           GB 1000*1000*1000, G 1024*1024*1024, and so on for T, P, E, Z, Y.\n\
           Binary prefixes can be used, too: KiB=K, MiB=M, and so on.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

struct Plan {
    bytes: bool,
    from_start: bool,
    amount: u64,
    delimiter: u8,
    follow: bool,
    by_name: bool,
    retry: bool,
    interval: f64,
    pid: Option<Pid>,
    show: bool,
}

/// A file that is followed.
struct Followed {
    name: BString,
    file: Option<Rc<dyn OpenFile>>,
    size: u64,
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        bytes: false,
        from_start: false,
        amount: 10,
        delimiter: b'\n',
        follow: false,
        by_name: false,
        retry: false,
        // Asking costs nothing here, and a tool that is told of changes would show them at once.
        interval: 0.1,
        pid: None,
        show: false,
    };
    let mut headers = Headers::Several;
    let mut arguments = t.arguments();
    if let Some(modern) = obsolete(&arguments) {
        arguments.splice(0..1, modern);
    }
    let mut options = t.options_of(arguments);
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "c" | "n" => {
                plan.bytes = name == "c";
                plan.from_start = value.starts_with(b"+");
                let digits = value.strip_prefix(b"-").unwrap_or(&value);
                plan.amount = crate::head::count(t, digits, plan.bytes)?;
                if plan.from_start {
                    plan.amount = plan.amount.saturating_sub(1);
                }
            }
            "f" => {
                plan.follow = true;
                plan.by_name = !value.is_empty()
                    && crate::choice::choose(t, "--follow", &value, &[("descriptor", "d"), ("name", "n")])?
                        == "n";
            }
            "F" => (plan.follow, plan.by_name, plan.retry) = (true, true, true),
            "pid" => {
                let pid =
                    std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok()).and_then(Pid::new);
                plan.pid =
                    Some(pid.ok_or_else(|| Fail::Message(format!("invalid PID: {}", t.quote(&value)), 1))?);
            }
            "q" => headers = Headers::Never,
            "retry" => plan.retry = true,
            "max-unchanged-stats" if crate::number::parse_size(&value, b"").is_err() => {
                let what = "invalid maximum number of unchanged stats between opens";
                return Err(Fail::Message(format!("{what}: {}", t.quote(&value)), 1));
            }
            "s" => {
                plan.interval = crate::sleep::duration(&value)
                    .filter(|_| value.last().is_some_and(|last| !last.is_ascii_alphabetic()))
                    .ok_or_else(|| {
                        Fail::Message(format!("invalid number of seconds: {}", t.quote(&value)), 1)
                    })?;
            }
            "v" => headers = Headers::Always,
            "z" => plan.delimiter = 0,
            _ => {}
        }
    }
    let mut files = options.operands();
    if files.is_empty() {
        files.push("-".into());
    }
    if plan.retry && !plan.follow {
        t.warn("warning: --retry ignored; --retry is useful only when following").await?;
    }
    plan.show = headers == Headers::Always || (headers == Headers::Several && files.len() > 1);
    let mut first = true;
    let mut followed = Vec::new();
    for file in &files {
        let mut input = match t.open(file).await {
            Ok(input) => input,
            Err(error) => {
                t.error(format!("cannot open {} for reading: {}", quote_always(file), error.strerror()))
                    .await?;
                if plan.follow && plan.retry && plan.by_name {
                    followed.push(Followed { name: file.clone(), file: None, size: 0 });
                }
                continue;
            }
        };
        let name: &[u8] = if file == "-" { b"standard input" } else { file };
        if plan.show {
            header(t, name, first);
        }
        first = false;
        if let Err(error) = part(t, &plan, &mut input).await? {
            t.error(format!("error reading {}: {}", quote_always(name), error.strerror())).await?;
            if error == Errno::IsDirectory && plan.follow {
                t.warn(format!("{}: cannot follow end of this type of file", quote_name(name))).await?;
            }
            continue;
        }
        if let Description::File(open) = &**input.description() {
            let size = open.seek(Position::Current(0)).unwrap_or_default();
            followed.push(Followed { name: name.into(), file: Some(open.clone()), size });
        }
    }
    t.out.flush().await?;
    if plan.follow && !followed.is_empty() {
        return follow(t, &plan, followed).await;
    }
    if plan.follow && plan.by_name {
        return Err(Fail::Message("no files remaining".into(), 1));
    }
    Ok(())
}

/// `-5`, `+5`, `-5c`, `-5f` and so on as options of today; only with at most one operand.
fn obsolete(arguments: &[BString]) -> Option<Vec<BString>> {
    let first = arguments.first()?;
    let (sign, rest) = first.split_first()?;
    if !matches!(sign, b'-' | b'+') || arguments.len() > 2 {
        return None;
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, letters) = rest.split_at(digits);
    // `-c` alone wants a number as option of today, and `-f` is one.
    if digits == 0 && *sign == b'-' && matches!(letters, b"" | b"c" | b"f") {
        return None;
    }
    let (letters, follow) = match letters.strip_suffix(b"f") {
        Some(before) => (before, true),
        None => (letters, false),
    };
    let (option, unit): (&str, &[u8]) = match letters {
        b"" | b"l" => ("-n", b""),
        b"c" => ("-c", b""),
        b"b" => ("-c", b"b"),
        _ => return None,
    };
    let mut amount = BString::from(vec![*sign]);
    amount.extend_from_slice(if digits == 0 { b"10" } else { number });
    amount.extend_from_slice(unit);
    let mut options: Vec<BString> = vec![option.into(), amount];
    if follow {
        options.push("-f".into());
    }
    Some(options)
}

type Read = Result<Result<(), Errno>, Fail>;

async fn part(t: &mut Tool, plan: &Plan, input: &mut Input) -> Read {
    if plan.from_start {
        return from_start(t, plan, input).await;
    }
    if let Description::File(file) = &**input.description() {
        let file = file.clone();
        match file.stat() {
            // A device has no end to begin from.
            Ok(stat) if stat.is_regular() => {
                if let Err(error) = seek_back(t, plan, &*file, stat.size).await {
                    return Ok(Err(error));
                }
                return copy(t, input).await;
            }
            _ => {}
        }
    }
    if plan.bytes { last_bytes(t, plan.amount, input).await } else { last_lines(t, plan, input).await }
}

async fn copy(t: &mut Tool, input: &mut Input) -> Read {
    loop {
        let block = match input.fill().await {
            Ok([]) => return Ok(Ok(())),
            Ok(block) => block,
            Err(error) => return Ok(Err(error)),
        };
        t.out.write(block).await?;
        let count = block.len();
        input.consume(count);
    }
}

async fn from_start(t: &mut Tool, plan: &Plan, input: &mut Input) -> Read {
    let mut left = plan.amount;
    while left > 0 {
        let block = match input.fill().await {
            Ok([]) => break,
            Ok(block) => block,
            Err(error) => return Ok(Err(error)),
        };
        let mut skipped = block.len();
        if plan.bytes {
            skipped = usize::try_from(left).unwrap_or(usize::MAX).min(skipped);
            left -= skipped as u64;
        } else {
            for at in memchr::memchr_iter(plan.delimiter, block) {
                left -= 1;
                if left == 0 {
                    skipped = at + 1;
                    break;
                }
            }
        }
        input.consume(skipped);
    }
    copy(t, input).await
}

/// Moves the position of a file to where its last part begins.
async fn seek_back(t: &Tool, plan: &Plan, file: &dyn OpenFile, size: u64) -> Result<(), Errno> {
    let here = file.seek(Position::Current(0))?;
    if plan.bytes {
        let target = size.saturating_sub(plan.amount).max(here.min(size));
        file.seek(Position::Start(target))?;
        return Ok(());
    }
    const BLOCK: u64 = 64 * 1024;
    let mut lines = 0;
    let mut end = size;
    let mut block = Vec::new();
    if plan.amount == 0 {
        file.seek(Position::Start(size))?;
        return Ok(());
    }
    while end > here {
        let begin = end.saturating_sub(BLOCK).max(here);
        block.clear();
        while (block.len() as u64) < end - begin {
            let left = (end - begin) as usize - block.len();
            if file.read_at_into(begin + block.len() as u64, &mut block, left)? == 0 {
                break;
            }
        }
        t.ctx.ticks(64).await;
        for at in memchr::memrchr_iter(plan.delimiter, &block) {
            let position = begin + at as u64;
            // The delimiter that ends the file ends the last line.
            if position + 1 == size {
                continue;
            }
            lines += 1;
            if lines == plan.amount {
                file.seek(Position::Start(position + 1))?;
                return Ok(());
            }
        }
        end = begin;
    }
    file.seek(Position::Start(here))?;
    Ok(())
}

async fn last_bytes(t: &mut Tool, amount: u64, input: &mut Input) -> Read {
    let amount = usize::try_from(amount).unwrap_or(usize::MAX);
    let mut held: VecDeque<Vec<u8>> = VecDeque::new();
    let mut length = 0_usize;
    loop {
        let block = match input.fill().await {
            Ok([]) => break,
            Ok(block) => block,
            Err(error) => return Ok(Err(error)),
        };
        length += block.len();
        held.push_back(block.to_vec());
        while held.front().is_some_and(|first| length - first.len() >= amount) {
            length -= held.pop_front().map_or(0, |first| first.len());
        }
        let count = held.back().map_or(0, Vec::len);
        input.consume(count);
    }
    let mut skip = length.saturating_sub(amount);
    for block in &held {
        let start = skip.min(block.len());
        skip -= start;
        t.out.write(block.get(start..).unwrap_or_default()).await?;
    }
    Ok(Ok(()))
}

async fn last_lines(t: &mut Tool, plan: &Plan, input: &mut Input) -> Read {
    let mut held: VecDeque<(Vec<u8>, u64)> = VecDeque::new();
    let mut lines = 0_u64;
    let mut last = plan.delimiter;
    loop {
        let block = match input.fill().await {
            Ok([]) => break,
            Ok(block) => block,
            Err(error) => return Ok(Err(error)),
        };
        let count = block.len();
        last = block.last().copied().unwrap_or(last);
        let ends = memchr::memchr_iter(plan.delimiter, block).count() as u64;
        // Small reads of a slow writer are joined, so that the blocks stay few.
        match held.back_mut() {
            Some((bytes, own)) if bytes.len() + count <= 16 * 1024 => {
                bytes.extend_from_slice(block);
                *own += ends;
            }
            _ => held.push_back((block.to_vec(), ends)),
        }
        lines += ends;
        input.consume(count);
        while held.len() > 1 && held.front().is_some_and(|(_, first)| lines - first > plan.amount) {
            lines -= held.pop_front().map_or(0, |(_, first)| first);
        }
    }
    // A line without its end is one too.
    let mut skip = (lines + u64::from(last != plan.delimiter)).saturating_sub(plan.amount);
    for (block, _) in &held {
        let mut rest = &block[..];
        while skip > 0 && !rest.is_empty() {
            match memchr::memchr(plan.delimiter, rest) {
                Some(at) => {
                    rest = rest.get(at + 1..).unwrap_or_default();
                    skip -= 1;
                }
                None if plan.amount == 0 => rest = &[],
                None => rest = &[],
            }
        }
        t.out.write(rest).await?;
    }
    Ok(Ok(()))
}

async fn follow(t: &mut Tool, plan: &Plan, mut files: Vec<Followed>) -> Done {
    let mut last_shown = files.len() - 1;
    loop {
        let mut open = false;
        // Asked before the files are read, so that the last words of the process are seen.
        let over = plan.pid.is_some_and(|pid| t.ctx.kernel().state(pid).is_none());
        for index in 0..files.len() {
            let Some(followed) = files.get_mut(index) else { continue };
            if plan.by_name {
                reopen(t, plan, followed).await?;
            }
            let Some(file) = followed.file.clone() else {
                open |= plan.retry;
                continue;
            };
            open = true;
            let size = file.stat().map_or(followed.size, |stat| stat.size);
            if size < followed.size {
                t.warn(format!("{}: file truncated", quote_name(&followed.name))).await?;
                // The file was just asked for its size.
                let _ = file.seek(Position::Start(0));
            }
            followed.size = size;
            let mut input = Input::new(t.ctx.clone(), Rc::new(Description::File(file)));
            let name = followed.name.clone();
            loop {
                let block = match input.fill().await {
                    Ok([]) => break,
                    Ok(block) => block,
                    Err(error) => {
                        t.error(format!("error reading {}: {}", quote_always(&name), error.strerror()))
                            .await?;
                        break;
                    }
                };
                if plan.show && last_shown != index {
                    header(t, &name, false);
                    last_shown = index;
                }
                t.out.write(block).await?;
                let count = block.len();
                input.consume(count);
            }
        }
        t.out.flush().await?;
        if over {
            return Ok(());
        }
        if !open {
            return Err(Fail::Message("no files remaining".into(), 1));
        }
        t.ctx.sleep((plan.interval * 1e9) as u64).await;
    }
}

/// Follows the name: what it leads to now is read from now on.
async fn reopen(t: &mut Tool, plan: &Plan, followed: &mut Followed) -> Done {
    if followed.name == "standard input" {
        return Ok(());
    }
    let name = quote_name(&followed.name);
    match (t.ctx.stat(&followed.name, true), &followed.file) {
        (Ok(now), Some(file)) if file.stat().is_ok_and(|old| crate::path::same_file(&old, &now)) => Ok(()),
        (Ok(_), old) => {
            let message = if old.is_some() {
                format!("{} has been replaced;  following new file", quote_always(&followed.name))
            } else {
                format!("{} has appeared;  following new file", quote_always(&followed.name))
            };
            t.warn(message).await?;
            if let Ok(input) = t.ctx.open_input(&followed.name).await
                && let Description::File(file) = &**input.description()
            {
                followed.file = Some(file.clone());
                followed.size = 0;
            }
            Ok(())
        }
        (Err(error), Some(_)) => {
            followed.file = None;
            if plan.retry {
                t.error(format!(
                    "{} has become inaccessible: {}",
                    quote_always(&followed.name),
                    error.strerror()
                ))
                .await
            } else {
                t.error(format!("{name}: {}", error.strerror())).await
            }
        }
        (Err(_), None) => Ok(()),
    }
}
