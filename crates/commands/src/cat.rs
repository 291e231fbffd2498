//! `cat`: concatenates files.

use wasmsh_os::{Description, FileType, Input, Position};

use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "cat",
    usage: &["[OPTION]... [FILE]..."],
    about: "Concatenate FILE(s) to standard output.\n\nWith no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("A,show-all", "equivalent to -vET"),
        Opt::flag("b,number-nonblank", "number nonempty output lines, overrides -n"),
        Opt::flag("e", "equivalent to -vE"),
        Opt::flag("E,show-ends", "display $ at end of each line"),
        Opt::flag("n,number", "number all output lines"),
        Opt::flag("s,squeeze-blank", "suppress repeated empty output lines"),
        Opt::flag("t", "equivalent to -vT"),
        Opt::flag("T,show-tabs", "display TAB characters as ^I"),
        Opt::flag("u", "(ignored)"),
        Opt::flag("v,show-nonprinting", "use ^ and M- notation, except for LFD and TAB"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Default)]
struct Style {
    number: bool,
    number_nonblank: bool,
    squeeze: bool,
    ends: bool,
    tabs: bool,
    nonprinting: bool,
}

/// What goes on from one file to the next.
struct State {
    line: u64,
    at_start: bool,
    blank_lines: u32,
    /// A CR that was read, and is shown as ^M only before a newline that is shown as $.
    held_cr: bool,
}

async fn run(t: &mut Tool) -> Done {
    let mut style = Style::default();
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "A" => (style.nonprinting, style.ends, style.tabs) = (true, true, true),
            "b" => (style.number, style.number_nonblank) = (true, true),
            "e" => (style.nonprinting, style.ends) = (true, true),
            "E" => style.ends = true,
            "n" => style.number = true,
            "s" => style.squeeze = true,
            "t" => (style.nonprinting, style.tabs) = (true, true),
            "T" => style.tabs = true,
            "v" => style.nonprinting = true,
            _ => {}
        }
    }
    let plain = !(style.number || style.squeeze || style.ends || style.tabs || style.nonprinting);
    let mut files = options.operands();
    if files.is_empty() {
        files.push("-".into());
    }
    let mut state = State { line: 0, at_start: true, blank_lines: 0, held_cr: false };
    for file in &files {
        let Some(mut input) = t.open_or_tell(file).await? else { continue };
        if is_output(t, &input) {
            t.error(format!("{}: input file is output file", crate::quote::quote_name(file))).await?;
            continue;
        }
        loop {
            let block = match input.fill().await {
                Ok([]) => break,
                Ok(block) => block,
                Err(error) => {
                    t.file_error(file, error).await?;
                    break;
                }
            };
            if plain {
                t.out.write(block).await?;
                // Someone may look at what comes slowly.
                t.out.flush().await?;
            } else {
                show(&style, &mut state, block, t.out.buffer());
                t.out.drain().await?;
            }
            let count = block.len();
            input.consume(count);
        }
    }
    if state.held_cr {
        t.out.put_byte(b'\r');
    }
    Ok(())
}

/// Whether reading this would read what is written.
fn is_output(t: &Tool, input: &Input) -> bool {
    let Some(output) = t.out.description() else { return false };
    let (Description::File(from), Description::File(_)) = (&**input.description(), &**output) else {
        return false;
    };
    match (from.stat(), t.ctx.stat_description(output)) {
        (Ok(a), Ok(b)) => {
            a.kind == FileType::Regular
                && (a.device, a.inode) == (b.device, b.inode)
                && from.seek(Position::Current(0)).is_ok_and(|position| position < a.size)
        }
        _ => false,
    }
}

fn show(style: &Style, state: &mut State, block: &[u8], out: &mut Vec<u8>) {
    let mut rest = block;
    while !rest.is_empty() {
        let newline = memchr::memchr(b'\n', rest);
        let (line, next) = rest.split_at(newline.unwrap_or(rest.len()));
        rest = next.get(1..).unwrap_or_default();
        if state.at_start {
            if line.is_empty() && newline.is_some() && !state.held_cr {
                state.blank_lines += 1;
                if style.squeeze && state.blank_lines > 1 {
                    continue;
                }
                if style.number && !style.number_nonblank {
                    number(state, out);
                }
            } else if !line.is_empty() {
                state.blank_lines = 0;
                if style.number {
                    number(state, out);
                }
            }
        }
        if !line.is_empty() {
            state.at_start = false;
            text(style, state, line, out);
        }
        if newline.is_some() {
            if style.ends {
                out.extend_from_slice(if std::mem::take(&mut state.held_cr) { b"^M$" } else { b"$" });
            }
            out.push(b'\n');
            state.at_start = true;
        }
    }
}

fn number(state: &mut State, out: &mut Vec<u8>) {
    state.line += 1;
    let mut digits = [0; 20];
    let digits = crate::number::decimal(state.line, &mut digits);
    out.extend(std::iter::repeat_n(b' ', 6_usize.saturating_sub(digits.len())));
    out.extend_from_slice(digits);
    out.push(b'\t');
}

fn text(style: &Style, state: &mut State, line: &[u8], out: &mut Vec<u8>) {
    for &byte in line {
        if std::mem::take(&mut state.held_cr) {
            out.push(b'\r');
        }
        match byte {
            b'\t' if style.tabs => out.extend_from_slice(b"^I"),
            b'\t' => out.push(b'\t'),
            b'\r' if style.ends && !style.nonprinting => state.held_cr = true,
            _ if style.nonprinting => visible(byte, out),
            _ => out.push(byte),
        }
    }
}

/// A byte in `^` and `M-` notation.
fn visible(mut byte: u8, out: &mut Vec<u8>) {
    if byte >= 128 {
        out.extend_from_slice(b"M-");
        byte -= 128;
    }
    match byte {
        0..32 => out.extend_from_slice(&[b'^', byte + 64]),
        127 => out.extend_from_slice(b"^?"),
        _ => out.push(byte),
    }
}
