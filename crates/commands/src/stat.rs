//! `stat`: shows what is known of a file.

use bstr::{BString, ByteSlice};
use wasmsh_os::{FileType, Stat, Timestamp};

use crate::mode::mode_string;
use crate::path::describe;
use crate::quote::{quote_always, shell_escape};
use crate::time::{Moment, zone};
use crate::users::Users;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "stat",
    usage: &["[OPTION]... FILE..."],
    about: "Display file or file system status.",
    options: &[
        Opt::flag("L,dereference", "follow links"),
        Opt::flag("f,file-system", "display file system status instead of file status"),
        Opt::value("cached", "MODE", "specify how to use cached attributes"),
        Opt::value(
            "c,format",
            "FORMAT",
            "use the specified FORMAT instead of the default;\noutput a newline after each use of FORMAT",
        ),
        Opt::value(
            "printf",
            "FORMAT",
            "like --format, but interpret backslash escapes,\nand do not output a mandatory trailing newline;\nif you want a newline, include \\n in FORMAT",
        ),
        Opt::flag("t,terse", "print the information in terse form"),
    ],
    more: "The valid format sequences for files (without --file-system):\n\n\
           %a %A %b %B %C %d %D %f %F %g %G %h %i %m %n %N %o %s %t %T %u %U\n\
           %w %W %x %X %y %Y %z %Z",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

const DEFAULT: &[u8] = b"  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n\
Device: %Hd,%Ld\tInode: %-10i  Links: %h\n\
Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: %w\n";
const DEVICE: &[u8] = b"  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n\
Device: %Hd,%Ld\tInode: %-10i  Links: %-5h Device type: %Hr,%Lr\n\
Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: %w\n";
const TERSE: &[u8] = b"%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o\n";
const FS_DEFAULT: &[u8] =
    b"  File: \"%n\"\n    ID: %-8i Namelen: %-7l Type: %T\nBlock size: %-10s Fundamental block size: %S\n\
Blocks: Total: %-10b Free: %-10f Available: %a\nInodes: Total: %-10c Free: %d\n";
const FS_TERSE: &[u8] = b"%n %i %l %t %s %S %b %f %a %c %d\n";

/// A name, and of a link what it leads to: in quotation marks, or on a terminal in those that they need.
fn name_and_target(t: &Tool, name: &[u8], stat: &Stat, always: bool) -> String {
    let show = |name: &[u8]| match always || t.ctx.is_terminal(1) {
        true => shell_escape(name, always, false),
        false => name.to_str_lossy().into_owned(),
    };
    let mut shown = show(name);
    if stat.is_symbolic_link()
        && let Ok(target) = t.ctx.read_link(name)
    {
        shown.push_str(" -> ");
        shown.push_str(&show(target.as_bytes()));
    }
    shown
}

async fn run(t: &mut Tool) -> Done {
    let (mut follow, mut filesystem, mut terse) = (false, false, false);
    let mut format: Option<(BString, bool)> = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "L" => follow = true,
            "f" => filesystem = true,
            "c" => format = Some((value.unwrap_or_default(), false)),
            "printf" => format = Some((value.unwrap_or_default(), true)),
            "t" => terse = true,
            // There is no cache that one could ask for more or less of.
            _ => {
                let modes = [("default", "default"), ("never", "never"), ("always", "always")];
                crate::choice::choose(t, "--cached", &value.unwrap_or_default(), &modes)?;
            }
        }
    }
    let files = options.operands();
    if files.is_empty() {
        return Err(t.missing_operand());
    }
    let users = Users::load(&t.ctx).await;
    for file in &files {
        let stat = if file == "-" && !filesystem {
            t.ctx.stat_descriptor(0)
        } else {
            t.ctx.stat(file, follow || filesystem)
        };
        let stat = match stat {
            Ok(stat) => stat,
            Err(error) => {
                let what =
                    if filesystem { "cannot read file system information for" } else { "cannot statx" };
                t.error(format!("{what} {}: {}", quote_always(file), error.strerror())).await?;
                continue;
            }
        };
        let device = stat.kind == FileType::CharacterDevice;
        let (mut text, mut warnings) = (Vec::new(), Vec::new());
        let built_in = match (filesystem, terse, device) {
            (true, true, _) => FS_TERSE,
            (true, false, _) => FS_DEFAULT,
            (false, true, _) => TERSE,
            (false, false, true) => DEVICE,
            (false, false, false) => DEFAULT,
        };
        match &format {
            None => {
                if !filesystem && !terse {
                    text.extend_from_slice(b"  File: ");
                    text.extend_from_slice(name_and_target(t, file, &stat, false).as_bytes());
                    text.push(b'\n');
                }
                show(t, &users, file, &stat, built_in, false, filesystem, &mut text, &mut warnings)?;
            }
            Some((format, escapes)) => {
                show(t, &users, file, &stat, format, *escapes, filesystem, &mut text, &mut warnings)?;
                if !escapes {
                    text.push(b'\n');
                }
            }
        }
        for warning in warnings {
            t.warn(format!("warning: {warning}")).await?;
        }
        t.out.write(&text).await?;
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one format against one file")]
fn show(
    t: &mut Tool,
    users: &Users,
    name: &[u8],
    stat: &Stat,
    format: &[u8],
    escapes: bool,
    filesystem: bool,
    out: &mut Vec<u8>,
    warnings: &mut Vec<String>,
) -> Done {
    let mut rest = format;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'\\' if escapes => {
                if rest.first() == Some(&b'"') {
                    out.push(b'"');
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
                let Some(&letter) = rest.first() else {
                    warnings.push("backslash at end of format".into());
                    out.push(b'\\');
                    continue;
                };
                if !b"abefnrtvx01234567\\".contains(&letter) {
                    warnings.push(format!("unrecognized escape '\\{}'", char::from(letter)));
                    out.push(letter);
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
                let (count, _) = crate::escape::escape(rest, crate::escape::Octal::Plain, out);
                rest = rest.get(count..).unwrap_or_default();
            }
            b'%' => {
                let crate::escape::Spec { flags, width, mut precision, rest: mut more } =
                    crate::escape::spec(rest, b"'-+ #0I");
                if rest.get(rest.len() - more.len() - usize::from(rest.len() > more.len())) == Some(&b'.')
                    && precision.is_some()
                {
                    // A point alone asks for all digits.
                    precision = Some(9);
                }
                let mut half = None;
                if let [which @ (b'H' | b'L'), b'd' | b'r', ..] = more {
                    half = Some(*which);
                    more = more.get(1..).unwrap_or_default();
                }
                let (spelled, utf8) = (rest.len() - more.len(), t.utf8);
                let invalid = |length: usize| {
                    let mut directive = vec![b'%'];
                    directive.extend_from_slice(rest.get(..length).unwrap_or_default());
                    Fail::Message(format!("{}: invalid directive", crate::quote::quote(&directive, utf8)), 1)
                };
                let Some((&letter, behind)) = more.split_first() else {
                    if spelled > 0 {
                        t.out.put(out);
                        return Err(invalid(spelled));
                    }
                    out.push(b'%');
                    continue;
                };
                if letter == b'%' {
                    if spelled > 0 {
                        t.out.put(out);
                        return Err(invalid(spelled + 1));
                    }
                    rest = behind;
                    out.push(b'%');
                    continue;
                }
                rest = behind;
                let field = if filesystem {
                    of_filesystem(letter, name, stat)
                } else {
                    of_file(t, users, letter, half, name, stat, precision)
                };
                let Some((mut text, numeric)) = field else {
                    // What is no conversion stands for itself.
                    out.push(b'?');
                    continue;
                };
                if let (Some(precision), false) = (precision, numeric) {
                    text.truncate(precision);
                }
                if flags.contains(&b'#') && letter == b'a' && !text.starts_with('0') {
                    text.insert(0, '0');
                }
                if flags.contains(&b'#') && matches!(letter, b'f' | b'D' | b't' | b'T') && text != "0" {
                    text.insert_str(0, "0x");
                }
                if flags.contains(&b'+') && numeric && !text.starts_with('-') {
                    text.insert(0, '+');
                }
                let padding = (width as usize).saturating_sub(text.chars().count());
                if flags.contains(&b'-') {
                    out.extend_from_slice(text.as_bytes());
                    out.resize(out.len() + padding, b' ');
                } else {
                    let zero = flags.contains(&b'0') && numeric;
                    out.resize(out.len() + padding, if zero { b'0' } else { b' ' });
                    out.extend_from_slice(text.as_bytes());
                }
            }
            _ => out.push(byte),
        }
    }
    Ok(())
}

fn moment(t: &Tool, at: Timestamp) -> String {
    let mut text = Vec::new();
    if let Some(moment) = Moment::new(at, &zone(&t.ctx)) {
        moment.format(b"%Y-%m-%d %H:%M:%S.%N %z", &mut text);
    }
    String::from_utf8(text).unwrap_or_default()
}

fn epoch(at: Timestamp, precision: Option<usize>) -> String {
    match precision {
        None => at.seconds.to_string(),
        Some(0) => format!("{}.000000000", at.seconds).split('.').next().unwrap_or_default().to_owned(),
        Some(digits) => {
            let fraction = format!("{:09}", at.nanoseconds);
            let shown: String = fraction.chars().chain(std::iter::repeat('0')).take(digits).collect();
            format!("{}.{shown}", at.seconds)
        }
    }
}

/// The text of a conversion, and whether it is a number.
fn of_file(
    t: &Tool,
    users: &Users,
    letter: u8,
    half: Option<u8>,
    name: &[u8],
    stat: &Stat,
    precision: Option<usize>,
) -> Option<(String, bool)> {
    let number = |value: u64| Some((value.to_string(), true));
    let text = |value: String| Some((value, false));
    let (major, minor) = (stat.device_number >> 8 & 0xfff, stat.device_number & 0xff);
    match letter {
        b'a' => Some((format!("{:o}", stat.mode), true)),
        b'A' => text(mode_string(stat)),
        b'b' => number(stat.blocks),
        b'B' => number(512),
        b'C' => text("?".into()),
        b'd' => match half {
            Some(b'H') => number(stat.device >> 8),
            Some(_) => number(stat.device & 0xff),
            None => number(stat.device),
        },
        b'D' => Some((format!("{:x}", stat.device), true)),
        b'f' => Some((format!("{:x}", stat.kind.mode_bits() | stat.mode), true)),
        b'F' => text(describe(stat).into()),
        b'g' => number(stat.gid.into()),
        b'G' => text(users.group_name(stat.gid).map_or("UNKNOWN".into(), BString::to_string)),
        b'h' => number(stat.links.into()),
        b'i' => number(stat.inode),
        b'm' => text("/".into()),
        b'n' => text(name.to_str_lossy().into_owned()),
        b'N' => {
            let shown = match t.ctx.env("QUOTING_STYLE").as_ref().map(|style| &style[..]) {
                Some(b"locale") => t.quote(name),
                _ => name_and_target(t, name, stat, true),
            };
            text(shown)
        }
        b'o' => number(4096),
        b'r' => match half {
            Some(b'H') => number(major),
            Some(_) => number(minor),
            None => number(stat.device_number),
        },
        b'R' => Some((format!("{:x}", stat.device_number), true)),
        b's' => number(stat.size),
        b't' => Some((format!("{major:x}"), true)),
        b'T' => Some((format!("{minor:x}"), true)),
        b'u' => number(stat.uid.into()),
        b'U' => text(users.user_name(stat.uid).map_or("UNKNOWN".into(), BString::to_string)),
        // When it was made is not kept.
        b'w' => text("-".into()),
        b'W' => Some(("0".into(), true)),
        b'x' => text(moment(t, stat.accessed)),
        b'X' => Some((epoch(stat.accessed, precision), true)),
        b'y' => text(moment(t, stat.modified)),
        b'Y' => Some((epoch(stat.modified, precision), true)),
        b'z' => text(moment(t, stat.changed)),
        b'Z' => Some((epoch(stat.changed, precision), true)),
        _ => None,
    }
}

/// Of the filesystem there is little to say: it is in memory.
fn of_filesystem(letter: u8, name: &[u8], stat: &Stat) -> Option<(String, bool)> {
    Some(match letter {
        b'n' => (name.to_str_lossy().into_owned(), false),
        b'i' => (format!("{:x}", stat.device), true),
        b'l' => ("255".into(), true),
        b's' | b'S' => ("4096".into(), true),
        b't' => ("1021994".into(), true),
        b'T' => ("tmpfs".into(), false),
        b'a' | b'b' | b'c' | b'd' | b'f' => ("0".into(), true),
        _ => return None,
    })
}
