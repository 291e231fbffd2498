//! `sync`: writes to the disk what waits for it; files in memory have no disk, so it only checks its operands.

use crate::quote::{quote_always, quote_name};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "sync",
    usage: &["[OPTION] [FILE]..."],
    about: "Synchronize cached writes to persistent storage\n\n\
            If one or more files are specified, sync only them,\n\
            or their containing file systems.",
    options: &[
        Opt::flag("d,data", "sync only file data, no unneeded metadata"),
        Opt::flag("f,file-system", "sync the file systems that contain the files"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut data, mut filesystem) = (false, false);
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        if name == "d" {
            data = true;
        } else {
            filesystem = true;
        }
    }
    let files = options.operands();
    if data && filesystem {
        return Err(Fail::Message("cannot specify both --data and --file-system".into(), 1));
    }
    if data && files.is_empty() {
        return Err(Fail::Message("--data needs at least one argument".into(), 1));
    }
    for file in &files {
        if let Err(error) = t.ctx.stat(file, true) {
            t.error(format!("error opening {}: {}", quote_always(file), error.strerror())).await?;
        } else if let Err(error) = t.ctx.access(file, wasmsh_os::AccessMode::READ) {
            t.error(format!("error opening {}: {}", quote_name(file), error.strerror())).await?;
        }
    }
    Ok(())
}
