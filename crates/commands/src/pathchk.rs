//! `pathchk`: checks whether names are valid and portable.

use bstr::{BString, ByteSlice};

use crate::quote::{quote_always, quote_name};
use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "pathchk",
    usage: &["[OPTION]... NAME..."],
    about: "Diagnose invalid or unportable file names.",
    options: &[
        Opt::flag("p", "check for most POSIX systems"),
        Opt::flag("P", "check for empty names and leading \"-\""),
        Opt::flag("portability", "check for all POSIX systems (equivalent to -p -P)"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// `_POSIX_PATH_MAX`, the terminating NUL counted.
const POSIX_PATH_MAX: usize = 256;
/// `_POSIX_NAME_MAX`.
const POSIX_NAME_MAX: usize = 14;

async fn run(t: &mut Tool) -> Done {
    let (mut basic, mut extra) = (false, false);
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "p" => basic = true,
            "P" => extra = true,
            _ => (basic, extra) = (true, true),
        }
    }
    let names = options.operands();
    if names.is_empty() {
        return Err(t.missing_operand());
    }
    for name in &names {
        if let Some(message) = trouble(t, name, basic, extra) {
            t.error(message).await?;
        }
    }
    Ok(())
}

/// What is wrong with a name.
fn trouble(t: &Tool, name: &BString, basic: bool, extra: bool) -> Option<String> {
    let mut parts = name.split(|byte| *byte == b'/');
    if extra && parts.clone().any(|part| part.starts_with(b"-")) {
        return Some(format!("leading '-' in a component of file name {}", quote_always(name)));
    }
    if (basic || extra) && name.is_empty() {
        return Some("empty file name".into());
    }
    if basic {
        let portable = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        if let Some((start, end, _)) =
            name.char_indices().find(|(start, _, _)| !name.get(*start).copied().is_some_and(portable))
        {
            let character = name.get(start..end).unwrap_or_default();
            return Some(format!(
                "nonportable character {} in file name {}",
                t.quote(character),
                quote_always(name)
            ));
        }
    } else {
        // The existing part of the path decides: what is there can be named.
        match t.ctx.stat(name, false) {
            Ok(_) => return None,
            Err(wasmsh_os::Errno::NoEntry) if !name.is_empty() => {}
            Err(error) => return Some(format!("{}: {}", quote_name(name), error.strerror())),
        }
    }
    let (path_max, name_max) = if basic { (POSIX_PATH_MAX, POSIX_NAME_MAX) } else { (4096, 255) };
    if name.len() >= path_max {
        let limit = path_max - 1;
        return Some(format!(
            "limit {limit} exceeded by length {} of file name {}",
            name.len(),
            quote_always(name)
        ));
    }
    parts.find(|part| part.len() > name_max).map(|part| {
        format!("limit {name_max} exceeded by length {} of file name component {}", part.len(), t.quote(part))
    })
}
