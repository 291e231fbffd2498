//! `tee`: copies standard input to files and standard output.

use bstr::BString;
use wasmsh_os::{Disposition, Errno, Output, Signal};

use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "tee",
    usage: &["[OPTION]... [FILE]..."],
    about: "Copy standard input to each FILE, and also to standard output.",
    options: &[
        Opt::flag("a,append", "append to the given FILEs, do not overwrite"),
        Opt::flag("i,ignore-interrupts", "ignore interrupt signals"),
        Opt::flag("p", "diagnose errors writing to non pipes"),
        Opt::optional(
            "output-error",
            "MODE",
            "set behavior on write error: warn, warn-nopipe,\nexit, exit-nopipe",
        ),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnError {
    /// A broken pipe ends it, as by default.
    Signal,
    Warn,
    WarnNoPipe,
    Exit,
    ExitNoPipe,
}

async fn run(t: &mut Tool) -> Done {
    let (mut append, mut on_error) = (false, OnError::Signal);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "a" => append = true,
            "i" => t.ctx.set_disposition(Signal::Int, Disposition::Ignore),
            "p" => on_error = OnError::WarnNoPipe,
            _ => {
                let words = &[
                    ("warn", "warn"),
                    ("warn-nopipe", "warn-nopipe"),
                    ("exit", "exit"),
                    ("exit-nopipe", "exit-nopipe"),
                ];
                on_error = match &value {
                    None => OnError::WarnNoPipe,
                    Some(word) => match crate::choice::choose(t, "--output-error", word, words)? {
                        "warn" => OnError::Warn,
                        "exit" => OnError::Exit,
                        "exit-nopipe" => OnError::ExitNoPipe,
                        _ => OnError::WarnNoPipe,
                    },
                };
            }
        }
    }
    if on_error != OnError::Signal {
        t.ctx.set_disposition(Signal::Pipe, Disposition::Ignore);
    }
    let standard = std::mem::replace(&mut t.out, Output::new(t.ctx.clone(), None));
    let mut outputs: Vec<(BString, Output)> = vec![("standard output".into(), standard)];
    for file in options.operands() {
        match t.ctx.create_output(&file, append).await {
            Ok(output) => outputs.push((file, output)),
            Err(error) => {
                t.file_error(&file, error).await?;
                if matches!(on_error, OnError::Exit | OnError::ExitNoPipe) {
                    return Err(Fail::Status(1));
                }
            }
        }
    }
    let mut input =
        t.ctx.stdin().map_err(|error| Fail::Message(format!("read error: {}", error.strerror()), 1))?;
    while !outputs.is_empty() {
        let block = match input.fill().await {
            Ok([]) => break,
            Ok(block) => block,
            Err(error) => {
                t.error(format!("read error: {}", error.strerror())).await?;
                break;
            }
        };
        let count = block.len();
        let mut failed = Vec::new();
        for (index, (_, output)) in outputs.iter_mut().enumerate() {
            output.put(block);
            if let Err(error) = output.flush().await {
                failed.push((index, error));
            }
        }
        input.consume(count);
        for (index, error) in failed.into_iter().rev() {
            let (name, _) = outputs.remove(index);
            let pipe = error == Errno::BrokenPipe;
            let quiet = pipe && matches!(on_error, OnError::WarnNoPipe | OnError::ExitNoPipe);
            if !quiet {
                t.error(format!("{}: {}", quote_name(&name), error.strerror())).await?;
                if matches!(on_error, OnError::Exit | OnError::ExitNoPipe) {
                    return Err(Fail::Status(1));
                }
            }
        }
    }
    Ok(())
}
