//! `expand`: tabs become spaces.

use crate::lines::or_stdin;
use crate::tab_stops::{Next, TabStops, with_old_form};
use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "expand",
    usage: &["[OPTION]... [FILE]..."],
    about: "Convert tabs in each FILE to spaces, writing to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("i,initial", "do not convert tabs after non blanks"),
        Opt::value(
            "t,tabs",
            "N",
            "have tabs N characters apart, not 8; or the tab positions\n\
             of a comma separated list; its last may have a prefix of\n\
             '/' (multiples of it follow) or '+' (steps of it follow)",
        ),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut stops = TabStops::default();
    let mut initial = false;
    let (arguments, _) = with_old_form(t.arguments());
    let mut options = t.options_of(arguments);
    while let Some((name, value)) = options.next()? {
        match name {
            "i" => initial = true,
            _ => stops.add(t, &value.unwrap_or_default())?,
        }
    }
    stops.finish()?;
    // A line may go on in the next file.
    let (mut column, mut convert) = (0_u64, true);
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
                    (column, convert) = (0, true);
                } else if convert {
                    match byte {
                        b'\t' => {
                            let next = match stops.after(column) {
                                Next::Stop(next) => next,
                                Next::None => column + 1,
                            };
                            t.pad(next - column, b' ').await?;
                            column = next;
                            continue;
                        }
                        8 => column = column.saturating_sub(1),
                        _ => {
                            column += 1;
                            convert = !initial || byte == b' ';
                        }
                    }
                }
                t.out.put_byte(byte);
            }
            input.consume(count);
            t.out.drain().await?;
        }
    }
    Ok(())
}
