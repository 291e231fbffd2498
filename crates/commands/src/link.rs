//! `link` and `unlink`: the two system calls.

use bstr::BStr;

use crate::quote::quote_always;
use crate::{Command, Done, Fail, Tool, start};

pub(crate) static LINK: Command = Command {
    name: "link",
    usage: &["FILE1 FILE2", "OPTION"],
    about: "Call the link function to create a link named FILE2 to an existing FILE1.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&LINK, ctx, link),
};

pub(crate) static UNLINK: Command = Command {
    name: "unlink",
    usage: &["FILE", "OPTION"],
    about: "Call the unlink function to remove the specified FILE.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&UNLINK, ctx, unlink),
};

async fn link(t: &mut Tool) -> Done {
    let mut options = t.options();
    while options.next()?.is_some() {}
    match &options.operands()[..] {
        [] => Err(t.missing_operand()),
        [first] => Err(Fail::Usage(format!("missing operand after {}", t.quote(first)))),
        [existing, new] => t.ctx.link(existing, new, false).map_err(|error| {
            let message = format!(
                "cannot create link {} to {}: {}",
                quote_always(new),
                quote_always(existing),
                error.strerror()
            );
            Fail::Message(message, 1)
        }),
        [_, _, extra, ..] => Err(t.extra_operand(BStr::new(extra))),
    }
}

async fn unlink(t: &mut Tool) -> Done {
    let mut options = t.options();
    while options.next()?.is_some() {}
    match &options.operands()[..] {
        [] => Err(t.missing_operand()),
        [file] => t.ctx.remove_file(file).map_err(|error| {
            Fail::Message(format!("cannot unlink {}: {}", quote_always(file), error.strerror()), 1)
        }),
        [_, extra, ..] => Err(t.extra_operand(BStr::new(extra))),
    }
}
