//! `rev`: writes the characters of each line last first.

use bstr::ByteSlice;

use crate::lines::{body, next_line, or_stdin};
use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "rev",
    usage: &["[options] [<file> ...]"],
    about: "Reverse lines characterwise.",
    options: &[Opt::flag("0,zero", "use the nul character as line separator")],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut end = b'\n';
    let mut options = t.options();
    while options.next()?.is_some() {
        end = 0;
    }
    for file in or_stdin(options.operands()) {
        let mut input = match t.open(&file).await {
            Ok(input) => input,
            Err(error) => {
                t.error(format!("cannot open {}: {}", file, error.strerror())).await?;
                continue;
            }
        };
        while let Some(line) = next_line(t, &mut input, &file, end).await? {
            let text = body(line, end);
            let out = t.out.buffer();
            if text.is_ascii() {
                out.extend(text.iter().rev());
            } else {
                for (start, stop, _) in text.char_indices().rev() {
                    out.extend_from_slice(text.get(start..stop).unwrap_or_default());
                }
            }
            if text.len() < line.len() {
                out.push(end);
            }
            t.out.drain().await?;
        }
    }
    Ok(())
}
