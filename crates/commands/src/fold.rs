//! `fold`: wraps long lines.

use bstr::BString;

use crate::lines::{body, next_line, or_stdin};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "fold",
    usage: &["[OPTION]... [FILE]..."],
    about: "Wrap input lines in each FILE, writing to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("b,bytes", "count bytes rather than columns"),
        Opt::flag("s,spaces", "break at spaces"),
        Opt::value("w,width", "WIDTH", "use WIDTH columns instead of 80"),
        Opt::value("#", "WIDTH", ""),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut bytes, mut spaces, mut width) = (false, false, BString::from("80"));
    let mut digits = Vec::new();
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "b" => bytes = true,
            "s" => spaces = true,
            "w" => width = value.unwrap_or_default(),
            _ => {
                digits.extend_from_slice(&value.unwrap_or_default());
                width = digits.clone().into();
            }
        }
    }
    let invalid = format!("invalid number of columns: {}", t.quote(&width));
    let limit = match crate::number::parse_size(&width, b"") {
        Err(_) => return Err(Fail::Message(invalid, 1)),
        Ok(0) => return Err(Fail::Message(format!("{invalid}: Numerical result out of range"), 1)),
        Ok(limit) => limit,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    for file in or_stdin(options.operands()) {
        let Some(mut input) = t.open_or_tell(&file).await? else { continue };
        while let Some(line) = next_line(t, &mut input, &file, b'\n').await? {
            let text = body(line, b'\n');
            wrap(text, limit, bytes, spaces, t.out.buffer());
            if text.len() < line.len() {
                t.out.put(b"\n");
            }
            t.out.drain().await?;
        }
    }
    Ok(())
}

fn advance(column: usize, byte: u8, bytes: bool) -> usize {
    match byte {
        _ if bytes => column + 1,
        8 => column.saturating_sub(1),
        b'\r' => 0,
        b'\t' => column + 8 - column % 8,
        _ => column + 1,
    }
}

fn wrap(text: &[u8], limit: usize, bytes: bool, spaces: bool, out: &mut Vec<u8>) {
    // The part of the row that is being filled.
    let (mut start, mut at, mut column) = (0, 0, 0);
    while let Some(&byte) = text.get(at) {
        let next = advance(column, byte, bytes);
        if next <= limit || at == start {
            column = next;
            at += 1;
            continue;
        }
        let row = text.get(start..at).unwrap_or_default();
        let mut cut = at;
        if spaces && let Some(blank) = row.iter().rposition(|byte| matches!(byte, b' ' | b'\t')) {
            cut = start + blank + 1;
        }
        out.extend_from_slice(text.get(start..cut).unwrap_or_default());
        out.push(b'\n');
        start = cut;
        column = text
            .get(start..at)
            .unwrap_or_default()
            .iter()
            .fold(0, |column, byte| advance(column, *byte, bytes));
    }
    out.extend_from_slice(text.get(start..).unwrap_or_default());
}
