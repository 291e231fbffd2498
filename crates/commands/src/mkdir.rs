//! `mkdir`: makes directories.

use bstr::{BString, ByteSlice};
use wasmsh_os::Errno;

use crate::mode::ModeChange;
use crate::quote::quote_always;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "mkdir",
    usage: &["[OPTION]... DIRECTORY..."],
    about: "Create the DIRECTORY(ies), if they do not already exist.",
    options: &[
        Opt::value("m,mode", "MODE", "set file mode (as in chmod), not a=rwx - umask"),
        Opt::flag(
            "p,parents",
            "no error if existing, make parent directories as needed,\nwith their file modes unaffected by any -m option",
        ),
        Opt::flag("v,verbose", "print a message for each created directory"),
        Opt::flag("Z", ""),
        Opt::optional("context", "CTX", ""),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut parents, mut verbose, mut mode) = (false, false, None);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "p" => parents = true,
            "v" => verbose = true,
            "m" => mode = value,
            _ => {}
        }
    }
    let directories = options.operands();
    if directories.is_empty() {
        return Err(t.missing_operand());
    }
    let change = match &mode {
        None => None,
        Some(text) => Some(
            ModeChange::parse(text)
                .ok_or_else(|| Fail::Message(format!("invalid mode {}", t.quote(text)), 1))?,
        ),
    };
    for directory in &directories {
        if parents && !make_parents(t, directory, verbose).await?.0 {
            continue;
        }
        match t.ctx.make_directory(directory, 0o777) {
            Ok(()) => {
                if verbose {
                    created(t, directory);
                }
                if let Some(change) = &change
                    && let Err(error) =
                        t.ctx.set_mode(directory, change.apply(0o777, true, t.ctx.umask()), true)
                {
                    t.error(format!(
                        "cannot set permissions of {}: {}",
                        quote_always(directory),
                        error.strerror()
                    ))
                    .await?;
                }
            }
            Err(Errno::Exist)
                if parents && t.ctx.stat(directory, true).is_ok_and(|stat| stat.is_directory()) => {}
            Err(error) => {
                t.error(format!("cannot create directory {}: {}", t.quote(directory), error.strerror()))
                    .await?;
            }
        }
    }
    Ok(())
}

fn created(t: &mut Tool, directory: &[u8]) {
    t.out.put(format!("{}: created directory {}\n", t.name, quote_always(directory)).as_bytes());
}

/// Makes what stands before the last part of the path. False: it cannot be. And what was made.
pub(crate) async fn make_parents(
    t: &mut Tool,
    path: &[u8],
    verbose: bool,
) -> Result<(bool, Vec<BString>), Fail> {
    let trimmed = path.trim_end_with(|letter| letter == '/');
    let (mut at, mut made) = (0, Vec::new());
    while let Some(slash) = trimmed.get(at..).and_then(|rest| memchr::memchr(b'/', rest)) {
        let parent = trimmed.get(..at + slash).unwrap_or_default();
        at += slash + 1;
        if parent.is_empty() || parent.ends_with(b"/") {
            continue;
        }
        match t.ctx.make_directory(parent, 0o777) {
            Ok(()) => {
                // A parent must let its maker in, whatever the umask (POSIX mkdir -p).
                if t.ctx.umask() & 0o300 != 0 {
                    let mode = (0o777 & !t.ctx.umask()) | 0o300;
                    // The directory is our own and new.
                    let _ = t.ctx.set_mode(parent, mode, true);
                }
                if verbose {
                    created(t, parent);
                }
                made.push(BString::from(parent));
            }
            Err(error) => match t.ctx.stat(parent, true) {
                Ok(stat) if stat.is_directory() => {}
                Ok(_) => {
                    let message = format!(
                        "cannot create directory {}: {}",
                        t.quote(parent),
                        Errno::NotDirectory.strerror()
                    );
                    t.error(message).await?;
                    return Ok((false, made));
                }
                Err(_) => {
                    t.error(format!("cannot create directory {}: {}", t.quote(parent), error.strerror()))
                        .await?;
                    return Ok((false, made));
                }
            },
        }
    }
    Ok((true, made))
}
