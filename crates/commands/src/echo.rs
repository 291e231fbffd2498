//! `echo`: writes its arguments. The logic serves the shell's builtin too.

use crate::escape::{Escape, Octal, escape};
use crate::{Command, Done, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "echo",
    usage: &["[SHORT-OPTION]... [STRING]...", "LONG-OPTION"],
    about: "Echo the STRING(s) to standard output.\n\n\
            \x20 -n             do not output the trailing newline\n\
            \x20 -e             enable interpretation of backslash escapes\n\
            \x20 -E             disable interpretation of backslash escapes (default)",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let posix = t.ctx.env("POSIXLY_CORRECT").is_some();
    if !posix {
        crate::r#true::lone_option(t)?;
    }
    let arguments = t.arguments();
    let words: Vec<&[u8]> = arguments.iter().map(|word| &word[..]).collect();
    write(&words, posix && words.first() != Some(&&b"-n"[..]), t.out.buffer());
    Ok(())
}

/// Appends what `echo WORDS` writes. With `escapes` set backslashes are interpreted unless `-E` says otherwise
/// (`xpg_echo` of bash).
pub fn write(words: &[&[u8]], mut escapes: bool, out: &mut Vec<u8>) {
    let mut newline = true;
    let mut words = words;
    while let Some((first, rest)) = words.split_first() {
        let Some(letters) = first.strip_prefix(b"-").filter(|letters| !letters.is_empty()) else { break };
        if !letters.iter().all(|letter| matches!(letter, b'n' | b'e' | b'E')) {
            break;
        }
        for letter in letters {
            match letter {
                b'n' => newline = false,
                b'e' => escapes = true,
                _ => escapes = false,
            }
        }
        words = rest;
    }
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        if !escapes {
            out.extend_from_slice(word);
        } else if !expand(word, out) {
            return;
        }
    }
    if newline {
        out.push(b'\n');
    }
}

/// False: `\c` came.
fn expand(word: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = word;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        let behind = rest.get(at + 1..).unwrap_or_default();
        let (count, what) = escape(behind, Octal::Zero, out);
        if let Escape::Stop = what {
            return false;
        }
        rest = behind.get(count..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    true
}
