//! `sed`: the stream editor, as GNU has it.

mod parse;
mod replace;
mod run;
mod script;
mod stream;
mod text;

use bstr::{BString, ByteSlice};

use crate::{Command, Done, Fail, Opt, Tool, start};
use parse::{Dialect, Origin, Parser};
use run::{Machine, Settings};
use stream::Source;

pub(crate) static COMMAND: Command = Command {
    name: "sed",
    usage: &["[OPTION]... {SCRIPT-IF-NO-OTHER} [FILE]..."],
    about: "Edit the lines of each FILE, or of standard input, by the commands of a script.",
    options: &[
        Opt::flag("n,quiet,silent", "print only what the script prints"),
        Opt::flag("debug", ""),
        Opt::value("e,expression", "SCRIPT", "add these commands to the script"),
        Opt::value("f,file", "FILE", "add the commands in FILE to the script"),
        Opt::flag("follow-symlinks", "with -i, edit what a symbolic link points to"),
        Opt::optional(
            "i,in-place",
            "SUFFIX",
            "edit the files in place; with a SUFFIX,\nkeep the old ones under that name",
        ),
        Opt::value("l,line-length", "N", "the width of the lines that 'l' writes"),
        Opt::flag("posix", "without the extensions of GNU"),
        Opt::flag("E,r,regexp-extended", "use extended regular expressions"),
        Opt::flag("s,separate", "every file has its own line numbers and last line"),
        Opt::flag("sandbox", "refuse the commands e, r and w"),
        Opt::flag("u,unbuffered", "write every line at once"),
        Opt::flag("z,null-data,zero-terminated", "lines end in NUL, not newline"),
        Opt::flag("b,binary", ""),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Columns of `l` without `-l`.
const WIDTH: usize = 70;

async fn run(t: &mut Tool) -> Done {
    let mut dialect =
        Dialect { extended: false, posix: false, sandbox: false, utf8: t.utf8, delimiter: b'\n' };
    let mut settings =
        Settings { quiet: false, unbuffered: false, posix: false, width: WIDTH, delimiter: b'\n' };
    let mut parts: Vec<(bool, BString)> = Vec::new();
    let (mut separate, mut follow, mut in_place) = (false, false, None);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "n" => settings.quiet = true,
            "e" => parts.push((false, value)),
            "f" => parts.push((true, value)),
            "follow-symlinks" => follow = true,
            "i" => {
                in_place = Some(value);
                separate = true;
            }
            "l" => {
                let Some(width) = value.to_str().ok().and_then(|value| value.parse().ok()) else {
                    return Err(Fail::Message(format!("invalid line length: {value}"), 1));
                };
                settings.width = width;
            }
            "posix" => {
                dialect.posix = true;
                settings.posix = true;
            }
            "E" => dialect.extended = true,
            "s" => separate = true,
            "sandbox" => dialect.sandbox = true,
            "u" => settings.unbuffered = true,
            "z" => (settings.delimiter, dialect.delimiter) = (0, 0),
            "debug" => return Err(Fail::Message("--debug is not supported".into(), 1)),
            _ => {}
        }
    }
    let mut operands = options.operands();
    if parts.is_empty() {
        if operands.is_empty() {
            let text = t.command.help(&t.name);
            t.err.put(text.as_bytes());
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
            return Err(Fail::Status(1));
        }
        parts.push((false, operands.remove(0)));
    }
    let mut parser = Parser::new(dialect);
    let mut expressions = 0;
    for (is_file, part) in parts {
        if is_file {
            let mut text = read_script(t, &part).await?;
            // The newline at the end of a file ends its last command, and adds nothing to a text.
            if text.ends_with(b"\n") && !text.ends_with(b"\\\n") {
                text.pop();
            }
            parser.part(Origin::File(part), text)?;
        } else {
            expressions += 1;
            parser.part(Origin::Expression(expressions), part.into())?;
        }
    }
    let script = parser.finish()?;
    settings.quiet |= script.quiet;
    if operands.is_empty() {
        operands.push("-".into());
    }
    let mut source = Source::new(t.ctx.clone(), operands, settings.delimiter);
    source.separate = separate;
    source.in_place = in_place;
    source.follow = follow;
    Machine::new(t, script, settings, source).await?.run().await
}

async fn read_script(t: &Tool, name: &BString) -> Result<Vec<u8>, Fail> {
    let mut text = Vec::new();
    let result = match if name == "-" { t.ctx.stdin() } else { t.ctx.open_input(name).await } {
        Ok(mut input) => input.read_to_end(&mut text).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Ok(text),
        Err(error) => Err(Fail::Message(format!("couldn't open file {name}: {}", error.strerror()), 4)),
    }
}
