//! `touch`: changes the times of files, and makes those that are missing.

use bstr::BString;
use wasmsh_os::{Errno, NewTime, OpenFlags};

use crate::date_parse::YearAt;
use crate::quote::quote_always;
use crate::time::zone;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "touch",
    usage: &["[OPTION]... FILE..."],
    about: "Update the access and modification times of each FILE to the current time.\n\n\
            A FILE argument that does not exist is created empty, unless -c or -h\n\
            is supplied.",
    options: &[
        Opt::flag("a", "change only the access time"),
        Opt::flag("c,no-create", "do not create any files"),
        Opt::value("d,date", "STRING", "parse STRING and use it instead of current time"),
        Opt::flag("f", "(ignored)"),
        Opt::flag("h,no-dereference", "affect each symbolic link instead of any referenced\nfile"),
        Opt::flag("m", "change only the modification time"),
        Opt::value("r,reference", "FILE", "use this file's times instead of current time"),
        Opt::value("t", "STAMP", "use [[CC]YY]MMDDhhmm[.ss] instead of current time"),
        Opt::value(
            "time",
            "WORD",
            "change the specified time:\nWORD is access, atime, or use: equivalent to -a\nWORD is modify or mtime: equivalent to -m",
        ),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut accessed, mut modified, mut create, mut follow) = (false, false, true, true);
    let (mut date, mut reference, mut stamp): (Option<BString>, Option<BString>, Option<BString>) =
        (None, None, None);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "a" => accessed = true,
            "c" => create = false,
            "d" => date = value,
            "h" => (follow, create) = (false, false),
            "m" => modified = true,
            "r" => reference = value,
            "t" => stamp = value,
            "time" => {
                let words = &[("atime", "a"), ("access", "a"), ("use", "a"), ("mtime", "m"), ("modify", "m")];
                match crate::choice::choose(t, "--time", &value.unwrap_or_default(), words)? {
                    "a" => accessed = true,
                    _ => modified = true,
                }
            }
            _ => {}
        }
    }
    if !accessed && !modified {
        (accessed, modified) = (true, true);
    }
    let mut times = (NewTime::Now, NewTime::Now);
    if stamp.is_some() && (date.is_some() || reference.is_some()) {
        return Err(Fail::Usage("cannot specify times from more than one source".into()));
    }
    if let Some(file) = &reference {
        let stat = t.ctx.stat(file, follow).map_err(|error| {
            Fail::Message(
                format!("failed to get attributes of {}: {}", quote_always(file), error.strerror()),
                1,
            )
        })?;
        times = (NewTime::At(stat.accessed), NewTime::At(stat.modified));
    }
    let now = t.ctx.now();
    if let Some(text) = &date {
        let invalid = || Fail::Message(format!("invalid date format {}", t.quote(text)), 1);
        let parse = |base: NewTime| {
            let base = if let NewTime::At(base) = base { base } else { now };
            crate::date_parse::parse(text, base, &zone(&t.ctx)).map(NewTime::At)
        };
        times = (parse(times.0).ok_or_else(invalid)?, parse(times.1).ok_or_else(invalid)?);
    }
    if let Some(text) = &stamp {
        let at = crate::date_parse::parse_digits(text, YearAt::Front, now, &zone(&t.ctx))
            .ok_or_else(|| Fail::Message(format!("invalid date format {}", t.quote(text)), 1))?;
        times = (NewTime::At(at), NewTime::At(at));
    }
    let accessed = if accessed { times.0 } else { NewTime::Keep };
    let modified = if modified { times.1 } else { NewTime::Keep };
    let files = options.operands();
    if files.is_empty() {
        return Err(Fail::Usage("missing file operand".into()));
    }
    for file in &files {
        if file == "-" {
            if let Ok(description) = t.ctx.description(1)
                && let wasmsh_os::Description::File(open) = &*description
                && let Err(error) = open.set_times(accessed, modified)
            {
                t.error(format!("setting times of {}: {}", quote_always(file), error.strerror())).await?;
            }
            continue;
        }
        match t.ctx.set_times(file, accessed, modified, follow) {
            Ok(()) => continue,
            Err(Errno::NoEntry) if !create && follow => continue,
            Err(error @ Errno::NoEntry) if !follow => {
                t.error(format!("setting times of {}: {}", quote_always(file), error.strerror())).await?;
                continue;
            }
            Err(Errno::NoEntry) => {}
            Err(error) => {
                t.error(format!("setting times of {}: {}", quote_always(file), error.strerror())).await?;
                continue;
            }
        }
        let how = OpenFlags::WRITE | OpenFlags::CREATE;
        match t.ctx.open_description(file, how, 0o666).await {
            Ok(_) => {
                if (accessed, modified) != (NewTime::Now, NewTime::Now)
                    && let Err(error) = t.ctx.set_times(file, accessed, modified, true)
                {
                    t.error(format!("setting times of {}: {}", quote_always(file), error.strerror())).await?;
                }
            }
            Err(error) => {
                t.error(format!("cannot touch {}: {}", quote_always(file), error.strerror())).await?
            }
        }
    }
    Ok(())
}
