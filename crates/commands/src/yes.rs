//! `yes`: writes a line until it is stopped.

use bstr::join;

use crate::{Command, Done, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "yes",
    usage: &["[STRING]...", "OPTION"],
    about: "Repeatedly output a line with all specified STRING(s), or 'y'.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut options = t.options();
    while options.next()?.is_some() {}
    let words = options.operands();
    let mut line = if words.is_empty() { b"y".to_vec() } else { join(" ", &words) };
    line.push(b'\n');
    let copies = (32 * 1024 / line.len()).max(1);
    let block = line.repeat(copies);
    loop {
        if let Err(error) = t.out.write(&block).await {
            return Err(crate::Fail::Message(format!("standard output: {}", error.strerror()), 1));
        }
    }
}
