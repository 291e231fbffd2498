//! `tac`: writes the records of files last first.

use bstr::{BString, ByteSlice};
use wasmsh_regex::{Regex, Syntax};

use crate::lines::or_stdin;
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "tac",
    usage: &["[OPTION]... [FILE]..."],
    about: "Write each FILE to standard output, last line first.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("b,before", "attach the separator before instead of after"),
        Opt::flag("r,regex", "interpret the separator as a regular expression"),
        Opt::value("s,separator", "STRING", "use STRING as the separator instead of newline"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut before, mut regex, mut separator) = (false, false, BString::from("\n"));
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "b" => before = true,
            "r" => regex = true,
            _ => separator = value.unwrap_or_default(),
        }
    }
    if separator.is_empty() {
        if regex {
            return Err(Fail::Message("separator cannot be empty".into(), 1));
        }
        separator = "\0".into();
    }
    let pattern = match regex {
        false => None,
        true => Some(
            Regex::new(&separator, &Syntax { multiline: true, ..Syntax::BASIC })
                .map_err(|error| Fail::Message(error.to_string(), 1))?,
        ),
    };
    for file in or_stdin(options.operands()) {
        let mut input = match t.open(&file).await {
            Ok(input) => input,
            Err(error) => {
                t.error(format!(
                    "failed to open {} for reading: {}",
                    crate::quote::quote_always(&file),
                    error.strerror()
                ))
                .await?;
                continue;
            }
        };
        let mut text = Vec::new();
        if let Err(error) = input.read_to_end(&mut text).await {
            t.error(format!("{}: read error: {}", quote_name(&file), error.strerror())).await?;
            continue;
        }
        // Where records are cut: before or behind each separator.
        let mut cuts = Vec::new();
        match &pattern {
            None => {
                for at in text.find_iter(&separator) {
                    cuts.push(if before { at } else { at + separator.len() });
                }
            }
            Some(pattern) => {
                // Found from behind, as the separators are: each of them as short as it can be there.
                let mut limit = text.len();
                let mut at = text.len();
                while at > 0 {
                    at -= 1;
                    let part = text.get(..limit).unwrap_or_default();
                    let found =
                        pattern.find_at(part, at).map_err(|error| Fail::Message(error.to_string(), 1))?;
                    if let Some(span) = found.filter(|span| span.start == at && span.end > span.start) {
                        cuts.push(if before { span.start } else { span.end });
                        limit = span.start;
                    }
                }
                cuts.reverse();
            }
        }
        let mut end = text.len();
        for cut in cuts.into_iter().rev() {
            if cut < end {
                t.out.write(text.get(cut..end).unwrap_or_default()).await?;
            }
            end = cut;
        }
        t.out.write(text.get(..end).unwrap_or_default()).await?;
    }
    Ok(())
}
