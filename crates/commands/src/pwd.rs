//! `pwd`: names the current directory.

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "pwd",
    usage: &["[OPTION]..."],
    about: "Print the full filename of the current working directory.",
    options: &[
        Opt::flag("L,logical", "use PWD from environment, even if it contains symlinks"),
        Opt::flag("P,physical", "avoid all symlinks"),
    ],
    more: "If no option is specified, -P is assumed.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut logical = t.ctx.env("POSIXLY_CORRECT").is_some();
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        logical = name == "L";
    }
    if !options.operands().is_empty() {
        t.warn("ignoring non-option arguments").await?;
    }
    if logical && let Some(pwd) = t.ctx.env("PWD").filter(|pwd| names_here(t, pwd)) {
        t.out.put(&pwd);
    } else {
        let path = t.ctx.canonicalize(b".").map_err(|error| Fail::Message(error.strerror().into(), 1))?;
        t.out.put(path.as_bytes());
    }
    t.out.put_byte(b'\n');
    Ok(())
}

/// Whether `path` is absolute, without `.` and `..`, and the current directory.
fn names_here(t: &Tool, path: &[u8]) -> bool {
    path.starts_with(b"/")
        && !path.split(|byte| *byte == b'/').any(|part| part == b"." || part == b"..")
        && match (t.ctx.stat(path, true), t.ctx.stat(b".", true)) {
            (Ok(a), Ok(b)) => (a.device, a.inode) == (b.device, b.inode),
            _ => false,
        }
}
