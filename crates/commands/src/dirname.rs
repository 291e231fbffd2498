//! `dirname`: a path without its last part.

use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "dirname",
    usage: &["[OPTION] NAME..."],
    about: "Output each NAME with its last non-slash component and trailing slashes\n\
            removed; if NAME contains no /'s, output '.' (meaning the current directory).",
    options: &[Opt::flag("z,zero", "end each output line with NUL, not newline")],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut end = b'\n';
    let mut options = t.options_in_order();
    while options.next()?.is_some() {
        end = 0;
    }
    let operands = options.operands();
    if operands.is_empty() {
        return Err(t.missing_operand());
    }
    for operand in &operands {
        t.out.put(crate::path::parent(operand));
        t.out.put_byte(end);
    }
    Ok(())
}
