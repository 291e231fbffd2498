//! `date`: shows the time of day, and reads dates.

use bstr::{BStr, BString};
use jiff::tz::TimeZone;
use wasmsh_os::Timestamp;

use crate::date_parse::YearAt;
use crate::quote::quote_name;
use crate::time::{Moment, too_wide, zone};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "date",
    usage: &["[OPTION]... [+FORMAT]", "[-u|--utc|--universal] [MMDDhhmm[[CC]YY][.ss]]"],
    about: "Display date and time in the given FORMAT.",
    options: &[
        Opt::value("d,date", "STRING", "display time described by STRING, not 'now'"),
        Opt::flag("debug", "annotate the parsed date"),
        Opt::value("f,file", "DATEFILE", "like --date; once for each line of DATEFILE"),
        Opt::optional(
            "I,iso-8601",
            "FMT",
            "output date/time in ISO 8601 format.\nFMT='date' for date only (the default),\n'hours', 'minutes', 'seconds', or 'ns'",
        ),
        Opt::flag("resolution", "output the available resolution of timestamps"),
        Opt::flag("R,rfc-email,rfc-822,rfc-2822", "output date and time in RFC 5322 format"),
        Opt::value("rfc-3339", "FMT", "output date/time in RFC 3339 format.\nFMT='date', 'seconds', or 'ns'"),
        Opt::value("r,reference", "FILE", "display the last modification time of FILE"),
        Opt::value("s,set", "STRING", "set time described by STRING"),
        Opt::flag("u,utc,universal", "print or set Coordinated Universal Time (UTC)"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut text, mut file, mut reference, mut set): (
        Option<BString>,
        Option<BString>,
        Option<BString>,
        Option<BString>,
    ) = (None, None, None, None);
    let mut format: Option<Vec<u8>> = None;
    let (mut utc, mut resolution, mut plain, mut debug) = (false, false, false, false);
    let set_format = |format: &mut Option<Vec<u8>>, new: &[u8]| match format {
        Some(_) => Err(Fail::Message("multiple output formats specified".into(), 1)),
        None => {
            *format = Some(new.to_vec());
            Ok(())
        }
    };
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "d" => text = value,
            "f" => file = value,
            "I" => {
                let words = &[("hours", "h"), ("minutes", "m"), ("date", "d"), ("seconds", "s"), ("ns", "n")];
                let choice = match &value {
                    None => "d",
                    Some(word) => crate::choice::choose(t, "--iso-8601", word, words)?,
                };
                let new: &[u8] = match choice {
                    "d" => b"%Y-%m-%d",
                    "h" => b"%Y-%m-%dT%H%:z",
                    "m" => b"%Y-%m-%dT%H:%M%:z",
                    "s" => b"%Y-%m-%dT%H:%M:%S%:z",
                    _ => b"%Y-%m-%dT%H:%M:%S,%N%:z",
                };
                set_format(&mut format, new)?;
            }
            "resolution" => resolution = true,
            "R" => set_format(&mut format, b"%a, %d %b %Y %H:%M:%S %z")?,
            "rfc-3339" => {
                let words = &[("date", "d"), ("seconds", "s"), ("ns", "n")];
                let new: &[u8] =
                    match crate::choice::choose(t, "--rfc-3339", &value.unwrap_or_default(), words)? {
                        "d" => b"%Y-%m-%d",
                        "s" => b"%Y-%m-%d %H:%M:%S%:z",
                        _ => b"%Y-%m-%d %H:%M:%S.%N%:z",
                    };
                set_format(&mut format, new)?;
            }
            "r" => reference = value,
            "s" => set = value,
            "u" => utc = true,
            _ => debug = true,
        }
    }
    let sources = [text.is_some(), file.is_some(), reference.is_some(), resolution];
    if sources.iter().filter(|given| **given).count() > 1 {
        return Err(Fail::Usage("the options to specify dates for printing are mutually exclusive".into()));
    }
    let operands = options.operands();
    if let Some(extra) = operands.get(1) {
        return Err(t.extra_operand(BStr::new(extra)));
    }
    if let Some(operand) = operands.first() {
        match operand.strip_prefix(b"+") {
            Some(given) => set_format(&mut format, given)?,
            None if sources.contains(&true) => {
                let message = format!(
                    "the argument {} lacks a leading '+';\nwhen using an option to specify date(s), any non-option\nargument must be a format string beginning with '+'",
                    t.quote(operand)
                );
                return Err(Fail::Usage(message));
            }
            None => {
                set = Some(operand.clone());
                plain = true;
            }
        }
    }
    if debug {
        t.warn("the steps of parsing are not told here; --debug is of no effect").await?;
    }
    if resolution {
        t.out.put(b"0.000000001\n");
        return Ok(());
    }
    let zone = if utc { TimeZone::UTC } else { zone(&t.ctx) };
    let now = t.ctx.now();
    if let Some(text) = &set {
        let at = match plain {
            true => crate::date_parse::parse_digits(text, YearAt::Back, now, &zone),
            false => crate::date_parse::parse(text, now, &zone),
        };
        // The clock is the host's; nobody inside may set it.
        if let Some(at) = at {
            t.error("cannot set date: Operation not permitted").await?;
            return show(t, at, &zone, format.as_deref());
        }
        return Err(Fail::Message(format!("invalid date {}", t.quote(text)), 1));
    }
    if let Some(name) = &file {
        let mut input = match t.open(name).await {
            Ok(input) => input,
            Err(error) => {
                return Err(Fail::Message(format!("{}: {}", quote_name(name), error.strerror()), 1));
            }
        };
        // What cannot be read, as a directory, has no lines.
        while let Ok(Some(line)) = input.line(b'\n').await {
            let line = crate::lines::body(line, b'\n').to_vec();
            match crate::date_parse::parse(&line, now, &zone) {
                Some(at) => show(t, at, &zone, format.as_deref())?,
                None => t.error(format!("invalid date {}", t.quote(&line))).await?,
            }
        }
        return Ok(());
    }
    let at = match (&text, &reference) {
        (Some(text), _) => crate::date_parse::parse(text, now, &zone)
            .ok_or_else(|| Fail::Message(format!("invalid date {}", t.quote(text)), 1))?,
        (None, Some(file)) => {
            t.ctx
                .stat(file, true)
                .map_err(|error| Fail::Message(format!("{}: {}", quote_name(file), error.strerror()), 1))?
                .modified
        }
        (None, None) => now,
    };
    show(t, at, &zone, format.as_deref())
}

fn show(t: &mut Tool, at: Timestamp, zone: &TimeZone, format: Option<&[u8]>) -> Done {
    let Some(moment) = Moment::new(at, zone) else {
        return Err(Fail::Message(
            format!("time {} is out of range", t.quote(at.seconds.to_string().as_bytes())),
            1,
        ));
    };
    let format = format.unwrap_or(b"%a %b %e %H:%M:%S %Z %Y");
    if too_wide(format) {
        return Err(Fail::Message("memory exhausted".into(), 1));
    }
    moment.format(format, t.out.buffer());
    t.out.put(b"\n");
    Ok(())
}
