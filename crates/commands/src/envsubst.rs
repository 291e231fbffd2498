//! `envsubst`: puts the values of environment variables into a text.

use bstr::BString;

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "envsubst",
    usage: &["[OPTION] [SHELL-FORMAT]"],
    about: "Substitutes the values of environment variables.",
    options: &[
        Opt::flag("v,variables", "output the variables occurring in SHELL-FORMAT"),
        Opt::flag("h", ""),
        Opt::flag("V", ""),
    ],
    more: "If a SHELL-FORMAT is given, only those environment variables that are\n\
           referenced in SHELL-FORMAT are substituted; otherwise all environment\n\
           variables references occurring in standard input are substituted.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut list = false;
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "h" => return Err(Fail::Help),
            "V" => return Err(Fail::Version),
            _ => list = true,
        }
    }
    let operands = options.operands();
    if operands.len() > 1 {
        return Err(Fail::Message("too many arguments".into(), 1));
    }
    let named: Option<Vec<BString>> = operands.first().map(|format| {
        let mut names = Vec::new();
        each(format, |part| {
            if let Part::Variable(name, _) = part {
                names.push(name.into());
            }
        });
        names
    });
    if list {
        let Some(names) = named else { return Err(Fail::Message("missing arguments".into(), 1)) };
        for name in names {
            t.out.put(&name);
            t.out.put(b"\n");
        }
        return Ok(());
    }
    let environment = t.ctx.environment();
    let mut input = t.ctx.stdin()?;
    // A reference does not go over the end of a line, since a name has no such letter.
    while let Some(line) = input.line(b'\n').await? {
        let out = t.out.buffer();
        each(line, |part| match part {
            Part::Variable(name, whole) => {
                if named.as_ref().is_some_and(|names| !names.iter().any(|other| other == name)) {
                    out.extend_from_slice(whole);
                } else if let Some(value) = environment.get(name) {
                    out.extend_from_slice(value);
                }
            }
            Part::Text(text) => out.extend_from_slice(text),
        });
        t.out.drain().await?;
    }
    Ok(())
}

enum Part<'a> {
    Text(&'a [u8]),
    /// The name, and how it is written.
    Variable(&'a [u8], &'a [u8]),
}

/// The parts of a text: `$NAME`, `${NAME}`, and what stands between.
fn each<'a>(text: &'a [u8], mut part: impl FnMut(Part<'a>)) {
    let mut rest = text;
    while let Some(dollar) = memchr::memchr(b'$', rest) {
        let (before, from) = rest.split_at(dollar);
        part(Part::Text(before));
        let braced = from.get(1) == Some(&b'{');
        let start = 1 + usize::from(braced);
        let name = from.get(start..).unwrap_or_default();
        let letters = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        let length = name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let closed = !braced || name.get(length) == Some(&b'}');
        let end = if letters && closed { start + length + usize::from(braced) } else { 1 };
        let (whole, behind) = from.split_at(end.min(from.len()));
        if end > 1 {
            part(Part::Variable(name.get(..length).unwrap_or_default(), whole));
        } else {
            part(Part::Text(whole));
        }
        rest = behind;
    }
    part(Part::Text(rest));
}
