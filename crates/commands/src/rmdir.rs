//! `rmdir`: removes empty directories.

use bstr::{BString, ByteSlice};
use wasmsh_os::Errno;

use crate::quote::quote_always;
use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "rmdir",
    usage: &["[OPTION]... DIRECTORY..."],
    about: "Remove the DIRECTORY(ies), if they are empty.",
    options: &[
        Opt::flag("ignore-fail-on-non-empty", "ignore each failure to remove a non-empty directory"),
        Opt::flag(
            "p,parents",
            "remove DIRECTORY and its ancestors; e.g., 'rmdir -p a/b'\nis similar to 'rmdir a/b a'",
        ),
        Opt::flag("v,verbose", "output a diagnostic for every directory processed"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut ignore, mut parents, mut verbose) = (false, false, false);
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "ignore-fail-on-non-empty" => ignore = true,
            "p" => parents = true,
            _ => verbose = true,
        }
    }
    let directories = options.operands();
    if directories.is_empty() {
        return Err(t.missing_operand());
    }
    for directory in directories {
        let mut path: BString = directory;
        let mut first = true;
        loop {
            if verbose {
                t.out.put(format!("{}: removing directory, {}\n", t.name, quote_always(&path)).as_bytes());
            }
            match t.ctx.remove_directory(&path) {
                Ok(()) => {}
                Err(Errno::DirectoryNotEmpty | Errno::Exist) if ignore => break,
                Err(error) => {
                    let what = if first { "failed to remove" } else { "failed to remove directory" };
                    t.error(format!("{what} {}: {}", quote_always(&path), error.strerror())).await?;
                    break;
                }
            }
            first = false;
            let trimmed = path.trim_end_with(|letter| letter == '/');
            match trimmed.rfind_byte(b'/') {
                Some(slash) if parents && slash > 0 => {
                    let parent = trimmed.get(..slash).unwrap_or_default();
                    path = parent.trim_end_with(|letter| letter == '/').into();
                }
                _ => break,
            }
        }
    }
    Ok(())
}
