//! `file`: tells what is in files, in the words of file 5.44 for the types that it knows.

mod binary;
mod elf;
mod json;
mod source;
mod text;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, FileType, Stat};

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "file",
    usage: &["[OPTION...] [FILE...]"],
    about: "Determine type of FILEs.",
    options: &[
        Opt::flag("b,brief", "do not prepend filenames to output lines"),
        Opt::flag("c,checking-printout", ""),
        Opt::flag("C,compile", ""),
        Opt::flag("d,debug", ""),
        Opt::value("e,exclude", "TEST", "exclude TEST from the list of test to be performed"),
        Opt::value("exclude-quiet", "TEST", "like exclude, but ignore unknown tests"),
        Opt::value("f,files-from", "FILE", "read the filenames to be examined from FILE"),
        Opt::value("F,separator", "STRING", "use string as separator instead of `:'"),
        Opt::flag("i,mime", "output MIME type strings (--mime-type and\n--mime-encoding)"),
        Opt::flag("mime-type", "output the MIME type"),
        Opt::flag("mime-encoding", "output the MIME encoding"),
        Opt::flag("k,keep-going", "don't stop at the first match"),
        Opt::flag("l,list", ""),
        Opt::flag("L,dereference", "follow symlinks (default if POSIXLY_CORRECT is set)"),
        Opt::flag(
            "h,no-dereference",
            "don't follow symlinks (default if POSIXLY_CORRECT is not\nset) (default)",
        ),
        Opt::value("m,magic-file", "LIST", ""),
        Opt::flag("n,no-buffer", "do not buffer output"),
        Opt::flag("N,no-pad", "do not pad output"),
        Opt::flag("0,print0", "terminate filenames with ASCII NUL"),
        Opt::flag("p,preserve-date", ""),
        Opt::value("P,parameter", "NAME=VALUE", ""),
        Opt::flag("r,raw", "don't translate unprintable chars to \\ooo"),
        Opt::flag("s,special-files", "treat special (block/char devices) files as\nordinary ones"),
        Opt::flag("S,no-sandbox", ""),
        Opt::flag("z,uncompress", ""),
        Opt::flag("Z,uncompress-noreport", ""),
        Opt::flag("E", "exit on error"),
        Opt::flag("v", "output version information and exit"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What was found.
pub(super) struct Found {
    /// In words.
    pub(super) words: String,
    /// As a MIME type.
    pub(super) mime: &'static str,
    /// What the description of a text's encoding adds.
    pub(super) text: Addition,
}

/// What stands behind a description when the file is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addition {
    /// Nothing.
    Nothing,
    /// `, ASCII text`.
    Text,
    /// `, ASCII text executable`.
    Executable,
}

impl Found {
    pub(super) fn plain(words: impl Into<String>, mime: &'static str) -> Found {
        Found { words: words.into(), mime, text: Addition::Nothing }
    }

    pub(super) fn text(words: impl Into<String>, mime: &'static str) -> Found {
        Found { words: words.into(), mime, text: Addition::Text }
    }

    pub(super) fn script(words: impl Into<String>, mime: &'static str) -> Found {
        Found { words: words.into(), mime, text: Addition::Executable }
    }
}

/// Bytes that are looked at.
const BYTES: usize = 1 << 20;

struct Plan {
    brief: bool,
    separator: BString,
    mime_type: bool,
    mime_encoding: bool,
    follow: bool,
    pad: bool,
    zero: bool,
    special: bool,
    stop: bool,
    raw: bool,
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        brief: false,
        separator: ":".into(),
        mime_type: false,
        mime_encoding: false,
        follow: t.ctx.env("POSIXLY_CORRECT").is_some(),
        pad: true,
        zero: false,
        special: false,
        stop: false,
        raw: false,
    };
    let mut names: Vec<BString> = Vec::new();
    let mut listed = false;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "b" => plan.brief = true,
            "F" => plan.separator = value.unwrap_or_default(),
            "f" => {
                listed = true;
                let from = value.unwrap_or_default();
                let mut text = Vec::new();
                let read = match t.open(&from).await {
                    Ok(mut input) => input.read_to_end(&mut text).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = read {
                    let message = format!("Cannot open `{from}' ({})", error.strerror());
                    return Err(Fail::Message(message, 1));
                }
                names.extend(text.lines().map(BString::from));
            }
            "i" => (plan.mime_type, plan.mime_encoding) = (true, true),
            "mime-type" => plan.mime_type = true,
            "mime-encoding" => plan.mime_encoding = true,
            "L" => plan.follow = true,
            "h" => plan.follow = false,
            "N" => plan.pad = false,
            "0" => plan.zero = true,
            "s" => plan.special = true,
            "E" => plan.stop = true,
            "r" => plan.raw = true,
            "v" => return Err(Fail::Version),
            _ => {}
        }
    }
    names.extend(options.operands());
    if names.is_empty() && !listed {
        let text = "Usage: file [-bcCdEhikLlNnprsSvzZ0] [--apple] [--extension] [--mime-encoding]\n            \
                    [--mime-type] [-e <testname>] [-F <separator>]  [-f <namefile>]\n            \
                    [-m <magicfiles>] [-P <parameter=value>] [--exclude-quiet]\n            <file> ...\n       \
                    file -C [-m <magicfiles>]\n       file [--help]\n";
        t.err.put(text.as_bytes());
        let _ = t.err.flush().await;
        return Err(Fail::Status(1));
    }
    let shown = |name: &BString| if name == "-" { BString::from("/dev/stdin") } else { name.clone() };
    let widest = names.iter().map(|name| shown(name).chars().count()).max().unwrap_or(0);
    for name in &names {
        let (text, failed) = examine(t, &plan, name).await;
        if !plan.brief {
            let name = shown(name);
            t.out.put(&name);
            if plan.zero {
                t.out.put(b"\0");
            }
            t.out.put(&plan.separator);
            t.out.put(b" ");
            if plan.pad && !plan.zero {
                t.blanks(widest - name.chars().count());
            }
        }
        t.out.put(text.as_bytes());
        t.out.put(b"\n");
        t.out.drain().await?;
        if failed && plan.stop {
            return Err(Fail::Status(1));
        }
    }
    Ok(())
}

impl Plan {
    fn show(&self, words: &str, mime: &str, charset: &str) -> String {
        match (self.mime_type, self.mime_encoding) {
            (false, false) => words.to_owned(),
            (true, true) if charset.is_empty() => mime.to_owned(),
            (true, true) => format!("{mime}; charset={charset}"),
            (true, false) => mime.to_owned(),
            (false, true) => charset.to_owned(),
        }
    }
}

/// The line for a file, and whether it could not be opened.
async fn examine(t: &mut Tool, plan: &Plan, name: &BString) -> (String, bool) {
    let cannot = |error: Errno| (format!("cannot open `{name}' ({})", error.strerror()), true);
    if name == "-" {
        let mut head = Vec::new();
        if let Ok(input) = t.ctx.stdin() {
            let from = input.description().clone();
            while head.len() < BYTES
                && t.ctx.read_from(&from, &mut head, BYTES).await.is_ok_and(|count| count > 0)
            {}
        }
        let stat = t.ctx.stat_descriptor(0).ok();
        return (of_contents(plan, &head, stat.as_ref()), false);
    }
    let stat = match t.ctx.stat(name, plan.follow) {
        Ok(stat) => stat,
        Err(error) if plan.stop => {
            return (format!("ERROR: cannot stat `{name}' ({})", error.strerror()), true);
        }
        Err(error) => return cannot(error),
    };
    if let Some((words, mime, charset)) = special(t, plan, name, &stat) {
        let prefix = set_bits(&stat);
        return (plan.show(&format!("{prefix}{words}"), mime, charset), false);
    }
    let file = match t.ctx.open_input(name).await {
        Ok(file) => file,
        Err(Errno::Access) => {
            let mut words = String::from("regular file, no read permission");
            if stat.mode & 0o222 != 0 {
                words.insert_str(0, "writable, ");
            }
            if stat.mode & 0o111 != 0 {
                words.insert_str(0, "executable, ");
            }
            return (plan.show(&words, "inode/x-empty", "binary"), false);
        }
        Err(error) => return cannot(error),
    };
    let from = file.description().clone();
    let mut head = Vec::new();
    loop {
        let room = BYTES - head.len();
        match t.ctx.read_from(&from, &mut head, room).await {
            Ok(0) => break,
            Ok(_) if head.len() >= BYTES => break,
            Ok(_) => {}
            Err(error) => return (format!("cannot read `{name}' ({})", error.strerror()), true),
        }
    }
    (of_contents(plan, &head, Some(&stat)), false)
}

fn set_bits(stat: &Stat) -> String {
    let mut text = String::new();
    for (bit, word) in [(0o4000, "setuid, "), (0o2000, "setgid, "), (0o1000, "sticky, ")] {
        if stat.mode & bit != 0 {
            text.push_str(word);
        }
    }
    text
}

/// What is no regular file.
fn special(
    t: &Tool,
    plan: &Plan,
    name: &BString,
    stat: &Stat,
) -> Option<(String, &'static str, &'static str)> {
    Some(match stat.kind {
        FileType::Directory => ("directory".into(), "inode/directory", "binary"),
        FileType::SymbolicLink => {
            let target = t.ctx.read_link(name).unwrap_or_default();
            match t.ctx.stat(name, true) {
                Ok(_) => (format!("symbolic link to {target}"), "inode/symlink", "binary"),
                Err(_) => (format!("broken symbolic link to {target}"), "inode/symlink", ""),
            }
        }
        FileType::Fifo => ("fifo (named pipe)".into(), "inode/fifo", "binary"),
        FileType::Socket => ("socket".into(), "inode/socket", "binary"),
        FileType::CharacterDevice if !plan.special => {
            let (major, minor) = (stat.device_number >> 8 & 0xfff, stat.device_number & 0xff);
            (format!("character special ({major}/{minor})"), "inode/chardevice", "binary")
        }
        FileType::Regular if stat.size == 0 => ("empty".into(), "inode/x-empty", "binary"),
        _ => return None,
    })
}

fn of_contents(plan: &Plan, head: &[u8], stat: Option<&Stat>) -> String {
    let mut prefix = stat.map(set_bits).unwrap_or_default();
    if let Some(bits) = prefix.strip_suffix(", ") {
        prefix = format!("{bits} , ");
    }
    if head.is_empty() {
        return plan.show("empty", "inode/x-empty", "binary");
    }
    let encoding = text::encoding(head);
    let charset = encoding.as_ref().map_or("binary", |found| found.charset);
    // Magic is looked for in the text itself, whatever it is encoded in.
    let decoded = encoding.as_ref().map(|found| &found.ascii[..]);
    let found = if head.len() <= 1 {
        None
    } else {
        json::detect(head)
            .or_else(|| binary::detect(head))
            .or_else(|| source::detect(decoded.unwrap_or(head), decoded.is_some()))
    };
    let (words, mime) = match (found, encoding) {
        (None, None) if head.len() <= 1 => {
            ("very short file (no magic)".to_owned(), "application/octet-stream")
        }
        (None, Some(_)) if head.len() <= 1 => {
            return plan.show("very short file (no magic)", "application/octet-stream", "binary");
        }
        (None, None) => ("data".to_owned(), "application/octet-stream"),
        (None, Some(encoding)) => (format!("{} text{}", encoding.name, encoding.details), "text/plain"),
        (Some(found), Some(encoding)) if found.text != Addition::Nothing => {
            let executable = if found.text == Addition::Executable { " executable" } else { "" };
            (format!("{}, {} text{executable}{}", found.words, encoding.name, encoding.details), found.mime)
        }
        (Some(found), _) => (found.words, found.mime),
    };
    let words = if plan.raw { words } else { printable(&words) };
    plan.show(&format!("{prefix}{words}"), mime, charset)
}

/// Characters that cannot be printed, as octal numbers.
fn printable(words: &str) -> String {
    let mut text = String::new();
    for character in words.chars() {
        if character.is_control() {
            let mut buffer = [0; 4];
            for byte in character.encode_utf8(&mut buffer).bytes() {
                text.push_str(&format!("\\{byte:03o}"));
            }
        } else {
            text.push(character);
        }
    }
    text
}
