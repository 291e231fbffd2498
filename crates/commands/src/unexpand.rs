//! `unexpand`: spaces become tabs.

use crate::lines::or_stdin;
use crate::tab_stops::{Next, TabStops, with_old_form};
use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "unexpand",
    usage: &["[OPTION]... [FILE]..."],
    about: "Convert blanks in each FILE to tabs, writing to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("a,all", "convert all blanks, instead of just initial blanks"),
        Opt::flag("first-only", "convert only leading sequences of blanks (overrides -a)"),
        Opt::value(
            "t,tabs",
            "N",
            "have tabs N characters apart, not 8 (enables -a); or the\n\
             tab positions of a comma separated list; its last may have\n\
             a prefix of '/' (multiples of it follow) or '+' (steps)",
        ),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// A line on its way.
struct Line {
    column: u64,
    /// Blanks may still become tabs.
    convert: bool,
    /// Blanks since the last stop, or the last letter, which are not written yet.
    pending: Vec<u8>,
    /// The first of them is a single blank just before a stop: it stays what it is unless more follow.
    single: bool,
    last_was_blank: bool,
}

impl Line {
    fn new() -> Line {
        Line { column: 0, convert: true, pending: Vec::new(), single: false, last_was_blank: true }
    }

    fn put_pending(&mut self, out: &mut Vec<u8>) {
        if self.pending.len() > 1
            && self.single
            && let Some(first) = self.pending.first_mut()
        {
            *first = b'\t';
        }
        out.append(&mut self.pending);
        self.single = false;
    }

    /// Takes a byte that is no newline.
    fn take(&mut self, byte: u8, stops: &TabStops, all: bool, out: &mut Vec<u8>) {
        let mut byte = byte;
        if self.convert {
            let blank = matches!(byte, b' ' | b'\t');
            if blank {
                match stops.after(self.column) {
                    Next::None => self.convert = false,
                    Next::Stop(stop) => {
                        if byte == b'\t' {
                            self.column = stop;
                            if let Some(first) = self.pending.first_mut() {
                                *first = b'\t';
                            }
                        } else {
                            self.column += 1;
                            if !(self.last_was_blank && self.column == stop) {
                                self.single |= self.column == stop;
                                self.pending.push(byte);
                                self.last_was_blank = true;
                                return;
                            }
                            byte = b'\t';
                            if let Some(first) = self.pending.first_mut() {
                                *first = b'\t';
                            }
                        }
                        // One tab stands for them all.
                        self.pending.truncate(usize::from(self.single));
                    }
                }
            } else if byte == 8 {
                self.column = self.column.saturating_sub(1);
            } else {
                self.column += 1;
            }
            self.put_pending(out);
            self.last_was_blank = blank;
            self.convert &= all || blank;
        }
        out.push(byte);
    }
}

async fn run(t: &mut Tool) -> Done {
    let mut stops = TabStops::default();
    let (mut all, mut first_only, mut lists) = (false, false, 0);
    let (arguments, old) = with_old_form(t.arguments());
    let mut options = t.options_of(arguments);
    while let Some((name, value)) = options.next()? {
        match name {
            "a" => all = true,
            "first-only" => first_only = true,
            _ => {
                lists += 1;
                stops.add(t, &value.unwrap_or_default())?;
            }
        }
    }
    // The old form, unlike the option, leaves blanks inside of lines alone.
    let all = (all || lists > old) && !first_only;
    stops.finish()?;
    // A line may go on in the next file.
    let mut line = Line::new();
    for file in or_stdin(options.operands()) {
        let Some(mut input) = t.open_or_tell(&file).await? else { continue };
        loop {
            let block = match input.fill().await {
                Ok(block) => block,
                Err(error) => {
                    t.file_error(&file, error).await?;
                    break;
                }
            };
            if block.is_empty() {
                break;
            }
            let count = block.len();
            for &byte in block {
                if byte == b'\n' {
                    line.put_pending(t.out.buffer());
                    t.out.put_byte(byte);
                    line = Line::new();
                } else {
                    line.take(byte, &stops, all, t.out.buffer());
                }
            }
            input.consume(count);
            t.out.drain().await?;
        }
    }
    line.put_pending(t.out.buffer());
    Ok(())
}
