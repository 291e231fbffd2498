//! `comm`: compares two sorted files line by line.

use bstr::{BStr, BString};
use wasmsh_os::Input;

use crate::lines::body;
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "comm",
    usage: &["[OPTION]... FILE1 FILE2"],
    about: "Compare sorted files FILE1 and FILE2 line by line.\n\n\
            When FILE1 or FILE2 (not both) is -, read standard input.",
    options: &[
        Opt::flag("1", "suppress column 1 (lines unique to FILE1)"),
        Opt::flag("2", "suppress column 2 (lines unique to FILE2)"),
        Opt::flag("3", "suppress column 3 (lines that appear in both files)"),
        Opt::flag(
            "check-order",
            "check that the input is correctly sorted, even\nif all input lines are pairable",
        ),
        Opt::flag("nocheck-order", "do not check that the input is correctly sorted"),
        Opt::value("output-delimiter", "STR", "separate columns with STR"),
        Opt::flag("total", "output a summary"),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
    ],
    more: "With no options, produce three-column output.  Column one contains\n\
           lines unique to FILE1, column two contains lines unique to FILE2,\n\
           and column three contains lines common to both files.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// When disorder is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    Never,
    /// When lines are left without a partner, which disorder may be the cause of.
    Unpaired,
    Always,
}

struct Side {
    input: Input,
    name: BString,
    line: Option<Vec<u8>>,
    last: Option<Vec<u8>>,
    /// The line before the last.
    before: Option<Vec<u8>>,
    told: bool,
}

async fn run(t: &mut Tool) -> Done {
    let mut shown = [true; 3];
    let (mut check, mut total, mut end) = (Check::Unpaired, false, b'\n');
    let mut separator: Option<BString> = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "1" => shown[0] = false,
            "2" => shown[1] = false,
            "3" => shown[2] = false,
            "check-order" => check = Check::Always,
            "nocheck-order" => check = Check::Never,
            "output-delimiter" => {
                if separator.is_some() && separator != value {
                    return Err(Fail::Message("multiple output delimiters specified".into(), 1));
                }
                separator = value;
            }
            "total" => total = true,
            _ => end = 0,
        }
    }
    let operands = options.operands();
    let (first, second) = match &operands[..] {
        [] => return Err(t.missing_operand()),
        [one] => return Err(Fail::Usage(format!("missing operand after {}", t.quote(one)))),
        [one, two] => (one, two),
        [_, _, extra, ..] => return Err(t.extra_operand(BStr::new(extra))),
    };
    let separator = match separator {
        Some(text) if text.is_empty() => BString::from("\0"),
        Some(text) => text,
        None => "\t".into(),
    };
    let mut sides = Vec::new();
    for name in [first, second] {
        match t.open(name).await {
            Ok(input) => sides.push(Side {
                input,
                name: name.clone(),
                line: None,
                last: None,
                before: None,
                told: false,
            }),
            Err(error) => {
                return Err(Fail::Message(format!("{}: {}", quote_name(name), error.strerror()), 1));
            }
        }
    }
    let [left, right] = &mut sides[..] else { return Ok(()) };
    let mut counts = [0_u64; 3];
    let mut unpaired = false;
    let mut disorder = false;
    advance(t, left, 1, end, check, unpaired, &mut disorder).await?;
    advance(t, right, 2, end, check, unpaired, &mut disorder).await?;
    loop {
        let order = match (&left.line, &right.line) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(b),
        };
        let (column, line) = match order {
            std::cmp::Ordering::Less => (0, &left.line),
            std::cmp::Ordering::Greater => (1, &right.line),
            std::cmp::Ordering::Equal => (2, &left.line),
        };
        unpaired |= column != 2;
        if let Some(place) = counts.get_mut(column) {
            *place += 1;
        }
        if let (true, Some(line)) = (shown.get(column).copied().unwrap_or(false), line) {
            for _ in shown.iter().take(column).filter(|shown| **shown) {
                t.out.put(&separator);
            }
            t.out.put(line);
            t.out.put_byte(end);
            t.out.drain().await?;
        }
        if order.is_le() {
            advance(t, left, 1, end, check, unpaired, &mut disorder).await?;
        }
        if order.is_ge() {
            advance(t, right, 2, end, check, unpaired, &mut disorder).await?;
        }
    }
    if total {
        let texts: Vec<String> = counts.iter().map(u64::to_string).collect();
        for text in &texts {
            t.out.put(text.as_bytes());
            t.out.put(&separator);
        }
        t.out.put(b"total");
        t.out.put_byte(end);
    }
    if disorder && check == Check::Unpaired {
        return Err(Fail::Message("input is not in sorted order".into(), 1));
    }
    Ok(())
}

async fn advance(
    t: &mut Tool,
    side: &mut Side,
    number: u32,
    end: u8,
    check: Check,
    unpaired: bool,
    disorder: &mut bool,
) -> Done {
    let line = match side.input.line(end).await {
        Ok(line) => line.map(|line| body(line, end).to_vec()),
        Err(error) => {
            return Err(Fail::Message(format!("{}: {}", quote_name(&side.name), error.strerror()), 1));
        }
    };
    let last = std::mem::replace(&mut side.line, line);
    side.before = std::mem::replace(&mut side.last, last);
    // At the end the two lines before are compared again: a line without a partner may have been found since.
    let pair = if side.line.is_some() { (&side.last, &side.line) } else { (&side.before, &side.last) };
    if let (Some(last), Some(line)) = pair
        && last > line
        && !side.told
        && (check == Check::Always || (check == Check::Unpaired && unpaired))
    {
        side.told = true;
        *disorder = true;
        let message = format!("file {number} is not in sorted order");
        if check == Check::Always {
            return Err(Fail::Message(message, 1));
        }
        t.error(message).await?;
    }
    Ok(())
}
