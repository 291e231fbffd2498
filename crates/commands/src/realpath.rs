//! `realpath`: names a file by its absolute path without links.

use bstr::{BString, ByteSlice};
use wasmsh_os::Errno;

use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "realpath",
    usage: &["[OPTION]... FILE..."],
    about: "Print the resolved absolute file name;\nall but the last component must exist",
    options: &[
        Opt::flag("e,canonicalize-existing", "all components of the path must exist"),
        Opt::flag("m,canonicalize-missing", "no path components need exist or be a directory"),
        Opt::flag("L,logical", "resolve '..' components before symlinks"),
        Opt::flag("P,physical", "resolve symlinks as encountered (default)"),
        Opt::flag("q,quiet", "suppress most error messages"),
        Opt::value("relative-to", "DIR", "print the resolved path relative to DIR"),
        Opt::value("relative-base", "DIR", "print absolute paths unless paths below DIR"),
        Opt::flag("s,strip,no-symlinks", "don't expand symlinks"),
        Opt::flag("z,zero", "end each output line with NUL, not newline"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Nothing,
    Last,
    Anything,
}

/// The absolute path without links, `.` and `..`.
pub(crate) fn canonicalize(t: &Tool, path: &[u8], missing: Missing) -> Result<String, Errno> {
    if path.is_empty() {
        return Err(Errno::NoEntry);
    }
    let start = t.ctx.resolve(path)?.into_owned();
    let mut done = String::from("/");
    let mut rest: Vec<String> =
        start.split('/').filter(|part| !part.is_empty()).rev().map(String::from).collect();
    let mut links = 0;
    let must_be_directory = path.ends_with(b"/");
    while let Some(part) = rest.pop() {
        match &part[..] {
            "." => continue,
            ".." => {
                let cut = done.rfind('/').unwrap_or(0).max(1);
                done.truncate(cut);
                continue;
            }
            _ => {}
        }
        let before = done.len();
        if !done.ends_with('/') {
            done.push('/');
        }
        done.push_str(&part);
        match t.ctx.stat(done.as_bytes(), false) {
            Ok(stat) if stat.is_symbolic_link() => {
                links += 1;
                if links > 40 {
                    if missing == Missing::Anything {
                        continue;
                    }
                    return Err(Errno::Loop);
                }
                let target = t.ctx.read_link(done.as_bytes())?;
                if target.starts_with('/') {
                    done = "/".into();
                } else {
                    done.truncate(before);
                }
                rest.extend(target.split('/').filter(|part| !part.is_empty()).rev().map(String::from));
            }
            Ok(stat) => {
                if !stat.is_directory()
                    && (!rest.is_empty() || must_be_directory)
                    && missing != Missing::Anything
                {
                    return Err(Errno::NotDirectory);
                }
            }
            Err(Errno::NoEntry) if missing == Missing::Last && rest.is_empty() => {}
            Err(_) if missing == Missing::Anything => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// As [`canonicalize`], whatever is missing.
pub(crate) fn resolve_missing(t: &Tool, path: &[u8]) -> String {
    canonicalize(t, path, Missing::Anything).unwrap_or_else(|_| path.to_str_lossy().into_owned())
}

/// The way from a directory to a file; both absolute, without links.
pub(crate) fn relative(from: &str, to: &str) -> String {
    let parts =
        |path: &str| path.split('/').filter(|part| !part.is_empty()).map(String::from).collect::<Vec<_>>();
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - common);
    let down = to.iter().skip(common).map(String::as_str);
    let path = up.chain(down).collect::<Vec<_>>().join("/");
    if path.is_empty() { ".".into() } else { path }
}

/// `..` resolved by the text alone.
fn lexical(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

async fn run(t: &mut Tool) -> Done {
    let mut missing = Missing::Last;
    let (mut logical, mut quiet, mut strip, mut end) = (false, false, false, b'\n');
    let (mut relative_to, mut base): (Option<BString>, Option<BString>) = (None, None);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "e" => missing = Missing::Nothing,
            "m" => missing = Missing::Anything,
            "L" => logical = true,
            "P" => (logical, strip) = (false, false),
            "q" => quiet = true,
            "relative-to" => relative_to = value,
            "relative-base" => base = value,
            "s" => (strip, logical) = (true, true),
            _ => end = 0,
        }
    }
    let operands = options.operands();
    if operands.is_empty() {
        return Err(t.missing_operand());
    }
    let real = |t: &Tool, path: &[u8], missing: Missing| -> Result<String, Errno> {
        if !logical || path.is_empty() {
            return canonicalize(t, path, missing);
        }
        let text = lexical(&t.ctx.resolve(path)?);
        if !strip {
            return canonicalize(t, text.as_bytes(), missing);
        }
        match missing {
            Missing::Anything => {}
            Missing::Nothing => drop(t.ctx.stat(text.as_bytes(), true)?),
            Missing::Last => drop(t.ctx.stat(crate::path::parent(text.as_bytes()), true)?),
        }
        Ok(text)
    };
    let of = |t: &Tool, path: &Option<BString>| -> Result<Option<String>, Fail> {
        let Some(path) = path else { return Ok(None) };
        match real(t, path, missing) {
            Ok(real) => Ok(Some(real)),
            Err(error) => Err(Fail::Message(format!("{}: {}", quote_name(path), error.strerror()), 1)),
        }
    };
    let (relative_to, base) = (of(t, &relative_to)?, of(t, &base)?);
    let below = |path: &str, base: &str| {
        path == base || base == "/" || path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'))
    };
    for operand in &operands {
        let path = match real(t, operand, missing) {
            Ok(path) => path,
            Err(error) => {
                if quiet {
                    t.status = 1;
                } else {
                    t.file_error(operand, error).await?;
                }
                continue;
            }
        };
        let from = match (&relative_to, &base) {
            (Some(from), Some(base)) => (below(from, base) && below(&path, base)).then_some(from),
            (Some(from), None) => Some(from),
            (None, Some(base)) => below(&path, base).then_some(base),
            (None, None) => None,
        };
        let text = from.map_or_else(|| path.clone(), |from| relative(from, &path));
        t.out.put(text.as_bytes());
        t.out.put_byte(end);
    }
    Ok(())
}
