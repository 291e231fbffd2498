//! `mktemp`: makes a file or directory with a new name.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, OpenFlags};

use crate::path::join;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "mktemp",
    usage: &["[OPTION]... [TEMPLATE]"],
    about: "Create a temporary file or directory, safely, and print its name.\n\
            TEMPLATE must contain at least 3 consecutive 'X's in last component.\n\
            If TEMPLATE is not specified, use tmp.XXXXXXXXXX, and --tmpdir is implied.",
    options: &[
        Opt::flag("d,directory", "create a directory, not a file"),
        Opt::flag("u,dry-run", "do not create anything; merely print a name (unsafe)"),
        Opt::flag("q,quiet", "suppress diagnostics about file/dir-creation failure"),
        Opt::value(
            "suffix",
            "SUFF",
            "append SUFF to TEMPLATE; SUFF must not contain a slash.\nThis option is implied if TEMPLATE does not end in X",
        ),
        Opt::optional(
            "tmpdir",
            "DIR",
            "interpret TEMPLATE relative to DIR; if DIR is not\nspecified, use $TMPDIR if set, else /tmp.",
        ),
        Opt::value("p", "DIR", "interpret TEMPLATE relative to DIR"),
        Opt::flag(
            "t",
            "interpret TEMPLATE as a single file name component,\nrelative to a directory: $TMPDIR, if set; else the\ndirectory specified via -p; else /tmp [deprecated]",
        ),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut directory, mut dry, mut quiet, mut single) = (false, false, false, false);
    let mut suffix: Option<BString> = None;
    let mut place: Option<Option<BString>> = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "d" => directory = true,
            "u" => dry = true,
            "q" => quiet = true,
            "suffix" => suffix = value,
            "tmpdir" | "p" => place = Some(value.filter(|value| !value.is_empty())),
            _ => single = true,
        }
    }
    let operands = options.operands();
    if operands.len() > 1 {
        return Err(Fail::Usage("too many templates".into()));
    }
    let given = operands.first().cloned();
    let template: BString = given.clone().unwrap_or_else(|| "tmp.XXXXXXXXXX".into());
    if given.is_none() && place.is_none() {
        place = Some(None);
    }
    let (stem, tail): (BString, BString) = match &suffix {
        Some(suffix) => {
            if !template.ends_with(b"X") {
                return Err(Fail::Message(
                    format!("with --suffix, template {} must end in X", t.quote(&template)),
                    1,
                ));
            }
            (template.clone(), suffix.clone())
        }
        None => {
            let end = template.rfind_byte(b'X').map_or(0, |last| last + 1);
            (template.get(..end).unwrap_or_default().into(), template.get(end..).unwrap_or_default().into())
        }
    };
    if tail.contains(&b'/') {
        if suffix.is_some() {
            return Err(Fail::Message(
                format!("invalid suffix {}, contains directory separator", t.quote(&tail)),
                1,
            ));
        }
        return Err(Fail::Message(format!("too few X's in template {}", t.quote(&template)), 1));
    }
    let count = stem.iter().rev().take_while(|byte| **byte == b'X').count();
    if count < 3 {
        return Err(Fail::Message(format!("too few X's in template {}", t.quote(&template)), 1));
    }
    let variable = t.ctx.env("TMPDIR").filter(|value| !value.is_empty());
    let root = if single {
        if stem.contains(&b'/') {
            let message = format!("invalid template, {}, contains directory separator", t.quote(&template));
            return Err(Fail::Message(message, 1));
        }
        Some(variable.or(place.flatten()).unwrap_or_else(|| "/tmp".into()))
    } else if let Some(place) = place {
        if stem.starts_with(b"/") {
            let message =
                format!("invalid template, {}; with --tmpdir, it may not be absolute", t.quote(&template));
            return Err(Fail::Message(message, 1));
        }
        Some(place.or(variable).unwrap_or_else(|| "/tmp".into()))
    } else {
        None
    };
    let base: &[u8] = stem.get(..stem.len() - count).unwrap_or_default();
    let full = |letters: &[u8]| {
        let mut name = BString::from(base);
        name.extend_from_slice(letters);
        name.extend_from_slice(&tail);
        match &root {
            Some(root) => join(root, &name),
            None => name,
        }
    };
    const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut failure = Errno::Exist;
    for _ in 0..1000 {
        let mut random = vec![0; count * 2];
        t.ctx.random(&mut random);
        let letters: Vec<u8> = random
            .chunks(2)
            .map(|pair| {
                let value = pair.iter().fold(0_usize, |value, byte| value * 256 + usize::from(*byte));
                LETTERS.get(value % LETTERS.len()).copied().unwrap_or(b'x')
            })
            .collect();
        let path = full(&letters);
        let made = if dry {
            match t.ctx.stat(&path, false) {
                Ok(_) => Err(Errno::Exist),
                Err(_) => Ok(()),
            }
        } else if directory {
            t.ctx.make_directory(&path, 0o700)
        } else {
            let how = OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
            t.ctx.open_description(&path, how, 0o600).await.map(|_| ())
        };
        match made {
            Ok(()) => {
                t.out.put(&path);
                t.out.put(b"\n");
                return Ok(());
            }
            Err(Errno::Exist) => {}
            Err(error) => {
                failure = error;
                break;
            }
        }
    }
    if quiet {
        return Err(Fail::Status(1));
    }
    let kind = if directory { "directory" } else { "file" };
    let shown = full(&vec![b'X'; count]);
    Err(Fail::Message(
        format!("failed to create {kind} via template {}: {}", t.quote(&shown), failure.strerror()),
        1,
    ))
}
