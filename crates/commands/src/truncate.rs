//! `truncate`: makes files shorter or longer.

use bstr::BString;
use wasmsh_os::{Errno, OpenFlags};

use crate::number::{Trouble, parse_size};
use crate::quote::quote_always;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "truncate",
    usage: &["OPTION... FILE..."],
    about: "Shrink or extend the size of each FILE to the specified size\n\n\
            A FILE argument that does not exist is created.\n\n\
            If a FILE is larger than the specified size, the extra data is lost.\n\
            If a FILE is shorter, it is extended and the sparse extended part (hole)\n\
            reads as zero bytes.",
    options: &[
        Opt::flag("c,no-create", "do not create any files"),
        Opt::flag("o,io-blocks", "treat SIZE as number of IO blocks instead of bytes"),
        Opt::value("r,reference", "RFILE", "base size on RFILE"),
        Opt::value("s,size", "SIZE", "set or adjust the file size by SIZE bytes"),
    ],
    more: "SIZE may also be prefixed by one of the following modifying characters:\n\
           '+' extend by, '-' reduce by, '<' at most, '>' at least,\n\
           '/' round down to multiple of, '%' round up to multiple of.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Bytes of an IO block (`st_blksize`).
const IO_BLOCK: u64 = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Absolute,
    Extend,
    Reduce,
    AtMost,
    AtLeast,
    RoundDown,
    RoundUp,
}

async fn run(t: &mut Tool) -> Done {
    let (mut create, mut blocks) = (true, false);
    let mut reference: Option<BString> = None;
    let mut size: Option<(Mode, u64)> = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "c" => create = false,
            "o" => blocks = true,
            "r" => reference = value,
            _ => size = Some(parse(t, &value.unwrap_or_default())?),
        }
    }
    let files = options.operands();
    if reference.is_none() && size.is_none() {
        let (s, r) = (t.quote(b"--size"), t.quote(b"--reference"));
        return Err(Fail::Usage(format!("you must specify either {s} or {r}")));
    }
    if reference.is_some() && size.is_some_and(|(mode, _)| mode == Mode::Absolute) {
        let (s, r) = (t.quote(b"--size"), t.quote(b"--reference"));
        return Err(Fail::Usage(format!("you must specify a relative {s} with {r}")));
    }
    if blocks && size.is_none() {
        let (o, s) = (t.quote(b"--io-blocks"), t.quote(b"--size"));
        return Err(Fail::Usage(format!("{o} was specified but {s} was not")));
    }
    if files.is_empty() {
        return Err(Fail::Usage("missing file operand".into()));
    }
    let base = match &reference {
        Some(file) => Some(
            t.ctx
                .stat(file, true)
                .map_err(|error| {
                    Fail::Message(format!("cannot stat {}: {}", quote_always(file), error.strerror()), 1)
                })?
                .size,
        ),
        None => None,
    };
    for file in &files {
        change(t, file, create, blocks, base, size).await?;
    }
    Ok(())
}

fn parse(t: &Tool, text: &[u8]) -> Result<(Mode, u64), Fail> {
    let trimmed = text.trim_ascii_start();
    let (mut mode, mut rest) = match trimmed.split_first() {
        Some((b'<', rest)) => (Mode::AtMost, rest),
        Some((b'>', rest)) => (Mode::AtLeast, rest),
        Some((b'/', rest)) => (Mode::RoundDown, rest),
        Some((b'%', rest)) => (Mode::RoundUp, rest),
        _ => (Mode::Absolute, trimmed),
    };
    rest = rest.trim_ascii_start();
    if let Some((sign @ (b'+' | b'-'), digits)) = rest.split_first() {
        if mode != Mode::Absolute {
            return Err(Fail::Usage("multiple relative modifiers specified".into()));
        }
        mode = if *sign == b'+' { Mode::Extend } else { Mode::Reduce };
        rest = digits;
    }
    let invalid = |large: bool| {
        let why = if large { ": Value too large for defined data type" } else { "" };
        Fail::Message(format!("Invalid number: {}{why}", t.quote(text)), 1)
    };
    let first = rest.first().is_some_and(u8::is_ascii_alphanumeric);
    let number = match parse_size(rest, b"EgGkKmMPtTYZ0") {
        Ok(number) if first => number,
        Err(Trouble::Overflow) => return Err(invalid(true)),
        _ => return Err(invalid(false)),
    };
    if i64::try_from(number).is_err() {
        return Err(invalid(true));
    }
    if number == 0 && matches!(mode, Mode::RoundDown | Mode::RoundUp) {
        return Err(Fail::Message("division by zero".into(), 1));
    }
    Ok((mode, number))
}

async fn change(
    t: &mut Tool,
    file: &BString,
    create: bool,
    blocks: bool,
    base: Option<u64>,
    size: Option<(Mode, u64)>,
) -> Done {
    let mut how = OpenFlags::WRITE;
    how.set(OpenFlags::CREATE, create);
    let opened = match t.ctx.open_description(file, how, 0o666).await {
        Ok(opened) => opened,
        Err(Errno::NoEntry) if !create => return Ok(()),
        Err(error) => {
            return t
                .error(format!("cannot open {} for writing: {}", quote_always(file), error.strerror()))
                .await;
        }
    };
    let (mode, mut number) = size.unwrap_or((Mode::Absolute, base.unwrap_or_default()));
    if blocks {
        match number.checked_mul(IO_BLOCK).filter(|size| i64::try_from(*size).is_ok()) {
            Some(size) => number = size,
            None => {
                let message =
                    format!("overflow in {number} * {IO_BLOCK} byte blocks for file {}", quote_always(file));
                return t.error(message).await;
            }
        }
    }
    let old = match base {
        Some(base) => base,
        None => t.ctx.stat_description(&opened).map_or(0, |stat| stat.size),
    };
    let new = match mode {
        Mode::Absolute => Some(number),
        Mode::Extend => old.checked_add(number),
        Mode::Reduce => Some(old.saturating_sub(number)),
        Mode::AtMost => Some(old.min(number)),
        Mode::AtLeast => Some(old.max(number)),
        Mode::RoundDown => Some(old - old % number.max(1)),
        Mode::RoundUp => old.checked_next_multiple_of(number.max(1)),
    };
    let Some(new) = new.filter(|size| i64::try_from(*size).is_ok()) else {
        return t.error(format!("overflow extending size of file {}", quote_always(file))).await;
    };
    let result = match &*opened {
        wasmsh_os::Description::File(file) => file.set_size(new),
        _ => Err(Errno::Invalid),
    };
    if let Err(error) = result {
        let message =
            format!("failed to truncate {} at {new} bytes: {}", quote_always(file), error.strerror());
        t.error(message).await?;
    }
    Ok(())
}
