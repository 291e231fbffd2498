//! `readlink`: shows where a symbolic link leads.

use wasmsh_os::Errno;

use crate::quote::quote_name;
use crate::realpath::{Missing, canonicalize};
use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "readlink",
    usage: &["[OPTION]... FILE..."],
    about: "Print value of a symbolic link or canonical file name",
    options: &[
        Opt::flag(
            "f,canonicalize",
            "canonicalize by following every symlink in\nevery component of the given name recursively;\nall but the last component must exist",
        ),
        Opt::flag(
            "e,canonicalize-existing",
            "canonicalize by following every symlink in\nevery component of the given name recursively,\nall components must exist",
        ),
        Opt::flag(
            "m,canonicalize-missing",
            "canonicalize by following every symlink in\nevery component of the given name recursively,\nwithout requirements on components existence",
        ),
        Opt::flag("n,no-newline", "do not output the trailing delimiter"),
        Opt::flag("q,quiet,s,silent", "suppress most error messages (on by default)"),
        Opt::flag("v,verbose", "report error messages"),
        Opt::flag("z,zero", "end each output line with NUL, not newline"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut mode = None;
    let mut verbose = t.ctx.env("POSIXLY_CORRECT").is_some();
    let (mut newline, mut end) = (true, b'\n');
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "f" => mode = Some(Missing::Last),
            "e" => mode = Some(Missing::Nothing),
            "m" => mode = Some(Missing::Anything),
            "n" => newline = false,
            "q" => verbose = false,
            "v" => verbose = true,
            _ => end = 0,
        }
    }
    let files = options.operands();
    if files.is_empty() {
        return Err(t.missing_operand());
    }
    if files.len() > 1 && !newline {
        t.warn("ignoring --no-newline with multiple arguments").await?;
        newline = true;
    }
    for file in &files {
        let result: Result<String, Errno> = match mode {
            Some(missing) => canonicalize(t, file, missing),
            None => t.ctx.read_link(file),
        };
        match result {
            Ok(text) => {
                t.out.put(text.as_bytes());
                if newline {
                    t.out.put_byte(end);
                }
            }
            Err(error) => {
                t.status = 1;
                if verbose {
                    t.warn(format!("{}: {}", quote_name(file), error.strerror())).await?;
                }
            }
        }
    }
    Ok(())
}
