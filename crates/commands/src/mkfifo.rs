//! `mkfifo` and `mknod`: make FIFOs.

use bstr::{BStr, BString};
use wasmsh_os::Errno;

use crate::mode::ModeChange;
use crate::quote::quote_always;
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::value("m,mode", "MODE", "set file permission bits to MODE, not a=rw - umask"),
    Opt::flag("Z", "set the SELinux security context to default type"),
    Opt::optional(
        "context",
        "CTX",
        "like -Z, or if CTX is specified then set the SELinux\nor SMACK security context to CTX",
    ),
];

pub(crate) static MKFIFO: Command = Command {
    name: "mkfifo",
    usage: &["[OPTION]... NAME..."],
    about: "Create named pipes (FIFOs) with the given NAMEs.",
    options: OPTIONS,
    more: "",
    usage_status: 1,
    main: |ctx| start(&MKFIFO, ctx, mkfifo),
};

pub(crate) static MKNOD: Command = Command {
    name: "mknod",
    usage: &["[OPTION]... NAME TYPE [MAJOR MINOR]"],
    about: "Create the special file NAME of the given TYPE.",
    options: OPTIONS,
    more: "Both MAJOR and MINOR must be specified when TYPE is b, c, or u, and they\n\
           must be omitted when TYPE is p.  TYPE may be:\n\n  \
           b      create a block (buffered) special file\n  \
           c, u   create a character (unbuffered) special file\n  \
           p      create a FIFO",
    usage_status: 1,
    main: |ctx| start(&MKNOD, ctx, mknod),
};

fn read_options(t: &Tool) -> Result<(Option<u32>, Vec<BString>), Fail> {
    let mut mode = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        if name == "m" {
            let text = value.unwrap_or_default();
            let change = ModeChange::parse(&text).ok_or_else(|| Fail::Message("invalid mode".into(), 1))?;
            let bits = change.apply(0o666, false, t.ctx.umask());
            if bits & !0o777 != 0 {
                return Err(Fail::Message("mode must specify only file permission bits".into(), 1));
            }
            mode = Some(bits);
        }
    }
    Ok((mode, options.operands()))
}

fn make(t: &Tool, name: &BString, mode: Option<u32>) -> Result<(), String> {
    t.ctx.make_fifo(name, 0o666).map_err(|error| error.strerror().to_owned())?;
    match mode {
        Some(mode) => t.ctx.set_mode(name, mode, true).map_err(|error| {
            format!("cannot set permissions of {}: {}", quote_always(name), error.strerror())
        }),
        None => Ok(()),
    }
}

async fn mkfifo(t: &mut Tool) -> Done {
    let (mode, names) = read_options(t)?;
    if names.is_empty() {
        return Err(t.missing_operand());
    }
    for name in &names {
        if let Err(why) = make(t, name, mode) {
            t.error(format!("cannot create fifo {}: {why}", quote_always(name))).await?;
        }
    }
    Ok(())
}

async fn mknod(t: &mut Tool) -> Done {
    let (mode, operands) = read_options(t)?;
    let kind = operands.get(1).and_then(|kind| kind.first()).copied();
    let expected = if kind == Some(b'p') { 2 } else { 4 };
    if operands.len() < expected {
        let mut message = match operands.last() {
            None => "missing operand".to_owned(),
            Some(last) => format!("missing operand after {}", t.quote(last)),
        };
        if expected == 4 && operands.len() == 2 {
            message.push_str("\nSpecial files require major and minor device numbers.");
        }
        return Err(Fail::Usage(message));
    }
    if let Some(extra) = operands.get(expected) {
        let mut message = format!("extra operand {}", t.quote(BStr::new(extra)));
        if expected == 2 && operands.len() == 4 {
            message.push_str("\nFifos do not have major and minor device numbers.");
        }
        return Err(Fail::Usage(message));
    }
    let Some(name) = operands.first() else { return Err(t.missing_operand()) };
    match kind {
        Some(b'p') => make(t, name, mode)
            .map_err(|why| Fail::Message(format!("{}: {why}", crate::quote::quote_name(name)), 1)),
        // Devices are root's to make, and the sandbox's user is not root.
        Some(b'b' | b'c' | b'u') => Err(Fail::Message(
            format!("{}: {}", crate::quote::quote_name(name), Errno::NotPermitted.strerror()),
            1,
        )),
        _ => {
            let kind = operands.get(1).cloned().unwrap_or_default();
            Err(Fail::Usage(format!("invalid device type {}", t.quote(&kind))))
        }
    }
}
