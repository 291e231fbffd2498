//! Where `cp`, `mv`, `ln` and `install` put things: the last operand, `-t` and `-T`; and backups of what was there.

use bstr::{BString, ByteSlice};
use wasmsh_os::Errno;

use crate::path::join_base;
use crate::quote::quote_always;
use crate::{Fail, Tool};

/// Pairs of what to take and where to put it.
pub(crate) struct Targets {
    pub(crate) pairs: Vec<(BString, BString)>,
    /// They are put into a directory.
    pub(crate) into_directory: bool,
}

/// `directory`: that of `-t`; `no_directory`: `-T`. `lone` is what one operand alone stands for, if that is allowed.
pub(crate) fn targets(
    t: &Tool,
    mut operands: Vec<BString>,
    directory: Option<BString>,
    no_directory: bool,
    lone: Option<&[u8]>,
) -> Result<Targets, Fail> {
    let is_directory = |path: &[u8]| t.ctx.stat(path, true).map(|stat| stat.is_directory());
    if operands.is_empty() {
        return Err(Fail::Usage("missing file operand".into()));
    }
    if let Some(directory) = directory {
        if no_directory {
            let message = "cannot combine --target-directory (-t) and --no-target-directory (-T)";
            return Err(Fail::Message(message.into(), 1));
        }
        return match is_directory(&directory) {
            Ok(true) => Ok(into(operands, &directory)),
            Ok(false) => Err(not_a_directory("target directory", &directory, Errno::NotDirectory)),
            Err(error) => Err(not_a_directory("target directory", &directory, error)),
        };
    }
    if operands.len() == 1 {
        if let (Some(lone), false) = (lone, no_directory) {
            return Ok(into(operands, lone));
        }
        let first = operands.first().map(|first| quote_always(first)).unwrap_or_default();
        return Err(Fail::Usage(format!("missing destination file operand after {first}")));
    }
    let last = operands.pop().unwrap_or_default();
    if no_directory {
        if operands.len() > 1 {
            return Err(Fail::Usage(format!("extra operand {}", quote_always(&last))));
        }
    } else {
        match is_directory(&last) {
            Ok(true) => return Ok(into(operands, &last)),
            Ok(false) if operands.len() > 1 => {
                return Err(not_a_directory("target", &last, Errno::NotDirectory));
            }
            Err(error) if operands.len() > 1 => return Err(not_a_directory("target", &last, error)),
            // A name that ends in a slash must be that of a directory.
            _ => {}
        }
    }
    let first = operands.pop().unwrap_or_default();
    Ok(Targets { pairs: vec![(first, last)], into_directory: false })
}

fn not_a_directory(what: &str, path: &[u8], error: Errno) -> Fail {
    Fail::Message(format!("{what} {}: {}", quote_always(path), error.strerror()), 1)
}

fn into(operands: Vec<BString>, directory: &[u8]) -> Targets {
    let pairs = operands
        .into_iter()
        .map(|operand| {
            let target = join_base(directory, &operand);
            (operand, target)
        })
        .collect();
    Targets { pairs, into_directory: true }
}

/// How a backup is named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backup {
    None,
    Simple,
    Numbered,
    /// Numbered if there are numbered ones already.
    Existing,
}

const CONTROLS: &[(&str, &str)] = &[
    ("none", "none"),
    ("off", "none"),
    ("simple", "simple"),
    ("never", "simple"),
    ("existing", "existing"),
    ("nil", "existing"),
    ("numbered", "numbered"),
    ("t", "numbered"),
];

impl Backup {
    /// From the argument of `--backup`, or VERSION_CONTROL.
    pub(crate) fn parse(t: &Tool, word: Option<&[u8]>) -> Result<Backup, Fail> {
        let variable = t.ctx.env("VERSION_CONTROL");
        let (name, word): (&str, &[u8]) = match (word, &variable) {
            (Some(word), _) => ("backup type", word),
            (None, Some(word)) => ("$VERSION_CONTROL", word),
            (None, None) => return Ok(Backup::Existing),
        };
        Ok(match crate::choice::choose(t, name, word, CONTROLS)? {
            "none" => Backup::None,
            "simple" => Backup::Simple,
            "numbered" => Backup::Numbered,
            _ => Backup::Existing,
        })
    }

    /// The name for the backup of a file. `None`: none is made.
    pub(crate) fn name(self, t: &Tool, path: &[u8], suffix: &[u8]) -> Option<BString> {
        let highest = || {
            let directory = crate::path::parent(path);
            let base = crate::path::base_name(path);
            let entries = t.ctx.read_directory(directory).unwrap_or_default();
            let numbers = entries.iter().filter_map(|entry| {
                let rest =
                    entry.name.as_bytes().strip_prefix(base)?.strip_prefix(b".~")?.strip_suffix(b"~")?;
                rest.to_str().ok()?.parse::<u64>().ok()
            });
            numbers.max()
        };
        let numbered = |number: u64| {
            let mut name = BString::from(path);
            name.extend_from_slice(format!(".~{number}~").as_bytes());
            name
        };
        let simple = || {
            let mut name = BString::from(path);
            name.extend_from_slice(suffix);
            name
        };
        match self {
            Backup::None => None,
            Backup::Simple => Some(simple()),
            Backup::Numbered => Some(numbered(highest().unwrap_or(0) + 1)),
            Backup::Existing => Some(highest().map_or_else(simple, |number| numbered(number + 1))),
        }
    }
}

/// The suffix of simple backups.
pub(crate) fn backup_suffix(t: &Tool, given: Option<BString>) -> BString {
    given
        .or_else(|| t.ctx.env("SIMPLE_BACKUP_SUFFIX"))
        .filter(|suffix| !suffix.contains(&b'/') && !suffix.is_empty())
        .unwrap_or_else(|| "~".into())
}

/// `SOURCE -> TARGET` in quotation marks.
pub(crate) fn arrow(source: &[u8], target: &[u8]) -> String {
    format!("{} -> {}", quote_always(source), quote_always(target))
}
