//! `bc`: arithmetic of arbitrary precision, as GNU bc has it.
//!
//! An item of the input, which is a line or a function, is compiled to code for a small stack machine and run before the
//! next one is read.

mod code;
mod lex;
mod machine;
mod math;
mod parse;

use bstr::{BString, ByteSlice};
use wasmsh_os::Input;

use crate::{Command, Done, Fail, Opt, Tool, start};
use machine::{Ended, Machine};
use parse::{Names, Parser, Trouble};

pub(crate) static COMMAND: Command = Command {
    name: "bc",
    usage: &["[OPTION]... [FILE]..."],
    about: "Compute what the FILEs and then standard input say, with arbitrary precision.",
    options: &[
        Opt::flag("h", "as --help"),
        Opt::flag("i,interactive", ""),
        Opt::flag("l,mathlib", "define s, c, a, l, e and j, and let scale be 20"),
        Opt::flag("q,quiet", ""),
        Opt::flag("s,standard", ""),
        Opt::flag("w,warn", ""),
        Opt::flag("v", "as --version"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// The lines of an input.
pub(super) struct Lines {
    input: Option<Input>,
}

impl Lines {
    /// Appends the next line. False: there is none.
    async fn append(&mut self, t: &mut Tool, text: &mut Vec<u8>) -> Result<bool, Fail> {
        let Some(input) = &mut self.input else { return Ok(false) };
        match input.line(b'\n').await {
            Ok(Some(line)) => {
                text.extend_from_slice(line);
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => {
                t.file_error(b"-", error).await?;
                Ok(false)
            }
        }
    }

    /// The next number, for `read()`: from standard input, which may be what is read anyway.
    async fn number(&mut self, t: &mut Tool) -> Result<Vec<u8>, Fail> {
        let mut text = Vec::new();
        while text.trim_ascii().is_empty() {
            if !self.append(t, &mut text).await? {
                break;
            }
        }
        let word = text.trim_ascii();
        let digits = word
            .iter()
            .enumerate()
            .take_while(|(place, byte)| {
                byte.is_ascii_digit()
                    || byte.is_ascii_uppercase()
                    || **byte == b'.'
                    || *place == 0 && **byte == b'-'
            })
            .count();
        Ok(word.get(..digits).unwrap_or_default().to_vec())
    }
}

async fn run(t: &mut Tool) -> Done {
    let mut library = false;
    let mut arguments: Vec<BString> = t
        .ctx
        .env("BC_ENV_ARGS")
        .map(|text| {
            text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(BString::from).collect()
        })
        .unwrap_or_default();
    arguments.extend(t.arguments());
    let mut options = t.options_of(arguments);
    while let Some((name, _)) = options.next()? {
        match name {
            "l" => library = true,
            "h" => return Err(Fail::Help),
            "v" => return Err(Fail::Version),
            "w" | "s" | "i" => return Err(t.refused(name)),
            // No banner is shown anyway.
            _ => {}
        }
    }
    let length =
        t.ctx.env("BC_LINE_LENGTH").and_then(|text| text.to_str().ok().and_then(|text| text.parse().ok()));
    let length = match length {
        Some(0) => 0,
        Some(length @ 3..) => length,
        _ => 70,
    };
    let mut machine = Machine::new(length, library);
    let mut names = Names::default();
    let mut standard = Lines { input: t.ctx.stdin().ok() };
    for file in options.operands() {
        let Ok(input) = t.ctx.open_input(&file).await else {
            t.out.flush().await?;
            t.err.put(format!("File {file} is unavailable.\n").as_bytes());
            let _ = t.err.flush().await;
            return Err(Fail::Status(1));
        };
        let lines = Lines { input: Some(input) };
        if interpret(t, &mut machine, &mut names, lines, Some(&mut standard), &file).await? == Ended::Halted {
            return Ok(());
        }
    }
    interpret(t, &mut machine, &mut names, standard, None, b"(standard_in)").await?;
    Ok(())
}

/// Reads and runs all of an input. `read()` reads from `numbers`, or from the input itself.
async fn interpret(
    t: &mut Tool,
    machine: &mut Machine,
    names: &mut Names,
    mut lines: Lines,
    mut numbers: Option<&mut Lines>,
    name: &[u8],
) -> Result<Ended, Fail> {
    let mut line = 1;
    let mut wrong_at = 0;
    let mut text = Vec::new();
    loop {
        // What was computed is seen before more is waited for.
        t.out.flush().await?;
        if !lines.append(t, &mut text).await? {
            break;
        }
        loop {
            let mut parser = Parser::new(&text, names);
            let result = parser.item();
            let at_newline = parser.at_newline();
            let (mut at, mut passed) = (parser.lexer.at, parser.lexer.lines);
            if let Err(Trouble::Wrong(_)) = result {
                wrong_at = passed;
                if !at_newline {
                    // The rest of the line is not looked at.
                    parser.lexer.skip_line();
                    (at, passed) = (parser.lexer.at, parser.lexer.lines);
                }
            }
            match result {
                Ok(None) => {
                    // Blanks and comments that are over.
                    line += passed;
                    text.clear();
                }
                Ok(Some(code)) => {
                    line += passed;
                    text.drain(..at.min(text.len()));
                    let numbers = numbers.as_deref_mut().unwrap_or(&mut lines);
                    if machine.run(t, names, code, numbers).await? == Ended::Halted {
                        return Ok(Ended::Halted);
                    }
                    if !text.is_empty() {
                        continue;
                    }
                }
                Err(Trouble::Incomplete) => {
                    if lines.append(t, &mut text).await? {
                        continue;
                    }
                    tell(t, name, line + passed, "syntax error").await?;
                    return Ok(Ended::Done);
                }
                Err(Trouble::Quit) => return Ok(Ended::Halted),
                Err(Trouble::Wrong(message)) => {
                    tell(t, name, line + wrong_at, &message).await?;
                    line += passed;
                    text.drain(..at.min(text.len()));
                    if !text.is_empty() {
                        continue;
                    }
                }
            }
            break;
        }
    }
    Ok(Ended::Done)
}

async fn tell(t: &mut Tool, name: &[u8], line: usize, message: &str) -> Done {
    t.out.flush().await?;
    t.err.put(format!("{} {line}: {message}\n", name.as_bstr()).as_bytes());
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    Ok(())
}
