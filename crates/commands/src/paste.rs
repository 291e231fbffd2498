//! `paste`: joins the lines of files.

use bstr::{BString, ByteSlice};
use wasmsh_os::Input;

use crate::lines::{body, next_line, or_stdin};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "paste",
    usage: &["[OPTION]... [FILE]..."],
    about: "Write lines consisting of the sequentially corresponding lines from\n\
            each FILE, separated by TABs, to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::value("d,delimiters", "LIST", "reuse characters from LIST instead of TABs"),
        Opt::flag("s,serial", "paste one file at a time instead of in parallel"),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// `None`: the empty string, `\0`.
fn delimiters(list: &[u8]) -> Result<Vec<Option<u8>>, Fail> {
    let mut all = Vec::new();
    let mut bytes = list.iter().copied();
    while let Some(byte) = bytes.next() {
        all.push(if byte == b'\\' {
            match bytes.next() {
                Some(b'0') => None,
                Some(b'b') => Some(8),
                Some(b'f') => Some(12),
                Some(b'n') => Some(b'\n'),
                Some(b'r') => Some(b'\r'),
                Some(b't') => Some(b'\t'),
                Some(b'v') => Some(11),
                Some(other) => Some(other),
                None => {
                    let message =
                        format!("delimiter list ends with an unescaped backslash: {}", list.as_bstr());
                    return Err(Fail::Message(message, 1));
                }
            }
        } else {
            Some(byte)
        });
    }
    if all.is_empty() {
        all.push(None);
    }
    Ok(all)
}

async fn run(t: &mut Tool) -> Done {
    let (mut list, mut serial, mut end) = (BString::from("\t"), false, b'\n');
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "d" => list = value.unwrap_or_default(),
            "s" => serial = true,
            _ => end = 0,
        }
    }
    let delimiters = delimiters(&list)?;
    let files = or_stdin(options.operands());
    if serial {
        for file in files {
            let Some(mut input) = t.open_or_tell(&file).await? else { continue };
            let mut count = 0;
            while let Some(line) = next_line(t, &mut input, &file, end).await? {
                if count > 0 {
                    t.out.buffer().extend(delimiters.get((count - 1) % delimiters.len()).copied().flatten());
                }
                t.out.put(body(line, end));
                t.out.drain().await?;
                count += 1;
            }
            t.out.put_byte(end);
        }
        return Ok(());
    }
    // Standard input may stand in several columns: they share it.
    let mut standard: Option<Input> = None;
    let mut inputs: Vec<Option<Input>> = Vec::new();
    for file in &files {
        if file == "-" {
            if standard.is_none() {
                standard = t.open_or_tell(file).await?;
            }
            inputs.push(None);
        } else {
            match t.open(file).await {
                Ok(input) => inputs.push(Some(input)),
                Err(error) => {
                    let message = format!("{}: {}", crate::quote::quote_name(file), error.strerror());
                    return Err(Fail::Message(message, 1));
                }
            }
        }
    }
    let mut open: Vec<bool> = files.iter().map(|_| true).collect();
    loop {
        let mut any = false;
        let mut row = Vec::new();
        for (index, file) in files.iter().enumerate() {
            if index > 0 {
                row.extend(delimiters.get((index - 1) % delimiters.len()).copied().flatten());
            }
            if !open.get(index).copied().unwrap_or(false) {
                continue;
            }
            let input = match inputs.get_mut(index) {
                Some(Some(input)) => Some(input),
                _ => standard.as_mut(),
            };
            let Some(input) = input else { continue };
            match next_line(t, input, file, end).await? {
                Some(line) => {
                    any = true;
                    row.extend_from_slice(body(line, end));
                }
                None => {
                    if let Some(place) = open.get_mut(index) {
                        *place = false;
                    }
                }
            }
        }
        if !any {
            return Ok(());
        }
        row.push(end);
        t.out.write(&row).await?;
    }
}
