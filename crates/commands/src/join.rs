//! `join`: a relational join of two sorted files.

use std::cmp::Ordering;

use bstr::{BStr, BString, ByteSlice};
use wasmsh_os::Input;

use crate::comm::Check;
use crate::lines::body;
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "join",
    usage: &["[OPTION]... FILE1 FILE2"],
    about: "For each pair of input lines with identical join fields, write a line to\n\
            standard output.  The default join field is the first, delimited by blanks.\n\n\
            When FILE1 or FILE2 (not both) is -, read standard input.",
    options: &[
        Opt::value("a", "FILENUM", "also print unpairable lines from file FILENUM"),
        Opt::value("e", "STRING", "replace missing (empty) input fields with STRING"),
        Opt::flag("i,ignore-case", "ignore differences in case when comparing fields"),
        Opt::value("j", "FIELD", "equivalent to '-1 FIELD -2 FIELD'"),
        Opt::value("o", "FORMAT", "obey FORMAT while constructing output line"),
        Opt::value("t", "CHAR", "use CHAR as input and output field separator"),
        Opt::value("v", "FILENUM", "like -a FILENUM, but suppress joined output lines"),
        Opt::value("1", "FIELD", "join on this FIELD of file 1"),
        Opt::value("2", "FIELD", "join on this FIELD of file 2"),
        Opt::flag(
            "check-order",
            "check that the input is correctly sorted, even\nif all input lines are pairable",
        ),
        Opt::flag("nocheck-order", "do not check that the input is correctly sorted"),
        Opt::flag(
            "header",
            "treat the first line in each file as field headers,\nprint them without trying to pair them",
        ),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
    ],
    more: "Unless -t CHAR is given, leading blanks separate fields and are ignored,\n\
           else fields are separated by CHAR.  Any FIELD is a field number counted\n\
           from 1.  FORMAT is one or more comma or blank separated specifications,\n\
           each being 'FILENUM.FIELD' or '0'.  Default FORMAT outputs the join field,\n\
           the remaining fields from FILE1, the remaining fields from FILE2, all\n\
           separated by CHAR.  If FORMAT is the keyword 'auto', then the first\n\
           line of each file determines the number of fields output for each line.\n\n\
           Important: FILE1 and FILE2 must be sorted on the join fields.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What separates fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Blanks,
    /// The whole line is one field.
    None,
    Byte(u8),
}

/// A line and the places of its fields.
struct Line {
    text: Vec<u8>,
    fields: Vec<(usize, usize)>,
}

impl Line {
    fn new(text: Vec<u8>, separator: Separator) -> Line {
        let mut fields = Vec::new();
        match separator {
            Separator::None => fields.push((0, text.len())),
            Separator::Byte(byte) => {
                let mut start = 0;
                for at in memchr::memchr_iter(byte, &text) {
                    fields.push((start, at));
                    start = at + 1;
                }
                if !text.is_empty() {
                    fields.push((start, text.len()));
                }
            }
            Separator::Blanks => {
                let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
                let mut at = text.iter().take_while(|byte| is_blank(byte)).count();
                let mut ends_blank = false;
                while at < text.len() {
                    let rest = text.get(at..).unwrap_or_default();
                    let length = rest.iter().take_while(|byte| !is_blank(byte)).count();
                    fields.push((at, at + length));
                    at += length;
                    ends_blank = at < text.len();
                    at += text.get(at..).unwrap_or_default().iter().take_while(|byte| is_blank(byte)).count();
                }
                // Blanks at the end separate an empty field.
                if ends_blank {
                    fields.push((at, at));
                }
            }
        }
        Line { text, fields }
    }

    /// Empty if there is none.
    fn field(&self, index: usize) -> &[u8] {
        let range = self.fields.get(index).copied();
        range.and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default()
    }
}

/// A column of the output.
#[derive(Clone, Copy)]
enum Column {
    Key,
    Field { file: usize, index: usize },
}

struct Plan {
    separator: Separator,
    end: u8,
    keys: [usize; 2],
    ignore_case: bool,
    filler: BString,
    columns: Option<Vec<Column>>,
    /// The number of fields of the first lines, which all others are given.
    widths: Option<[usize; 2]>,
    unpaired: [bool; 2],
    paired: bool,
    check: Check,
}

impl Plan {
    /// What the lines of a file are ordered by.
    fn key(&self, line: &Line, file: usize) -> Vec<u8> {
        let field = line.field(self.keys.get(file).copied().unwrap_or(0));
        if self.ignore_case { field.to_ascii_uppercase() } else { field.to_vec() }
    }

    fn compare(&self, a: (&Line, usize), b: (&Line, usize)) -> Ordering {
        if self.ignore_case {
            return self.key(a.0, a.1).cmp(&self.key(b.0, b.1));
        }
        let field = |file: usize| self.keys.get(file).copied().unwrap_or(0);
        a.0.field(field(a.1)).cmp(b.0.field(field(b.1)))
    }

    fn put_field(&self, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(if text.is_empty() { &self.filler } else { text });
    }

    /// Writes the line for a pair, or for a line without a partner.
    fn put(&self, lines: [Option<&Line>; 2], out: &mut Vec<u8>) {
        let separator = match self.separator {
            Separator::Blanks => b' ',
            Separator::None => self.end,
            Separator::Byte(byte) => byte,
        };
        let field = |file: usize, index: usize| {
            lines.get(file).copied().flatten().map_or(&b""[..], |line| line.field(index))
        };
        let keyed = usize::from(lines[0].is_none());
        let key = field(keyed, self.keys.get(keyed).copied().unwrap_or(0));
        if let Some(columns) = &self.columns {
            for (at, column) in columns.iter().enumerate() {
                if at > 0 {
                    out.push(separator);
                }
                match *column {
                    Column::Key => self.put_field(key, out),
                    Column::Field { file, index } => self.put_field(field(file, index), out),
                }
            }
        } else {
            self.put_field(key, out);
            for (file, line) in lines.into_iter().enumerate() {
                let own = line.map_or(0, |line| line.fields.len());
                let count = self.widths.and_then(|widths| widths.get(file).copied()).unwrap_or(own);
                let key = self.keys.get(file).copied().unwrap_or(0);
                for index in (0..count).filter(|index| *index != key) {
                    out.push(separator);
                    self.put_field(field(file, index), out);
                }
            }
        }
        out.push(self.end);
    }
}

struct Side {
    input: Input,
    name: BString,
    number: u64,
    /// The line read last, and those with its key that have a partner.
    group: Vec<Line>,
    /// The key of the line read last.
    last_key: Option<Vec<u8>>,
    /// Disorder was told.
    told: bool,
}

fn field_number(t: &Tool, text: &[u8]) -> Result<usize, Fail> {
    let wrong = || Fail::Message(format!("invalid field number: {}", t.quote(text)), 1);
    match crate::number::parse_size_or_largest(text, b"") {
        (value, None) if value > 0 => Ok(usize::try_from(value - 1).unwrap_or(usize::MAX - 1)),
        (_, Some(crate::number::Trouble::Overflow)) => Ok(usize::MAX - 1),
        _ => Err(wrong()),
    }
}

fn file_number(t: &Tool, text: &[u8]) -> Result<usize, Fail> {
    match text {
        b"1" => Ok(0),
        b"2" => Ok(1),
        _ => Err(Fail::Message(format!("invalid field number: {}", t.quote(text)), 1)),
    }
}

fn add_columns(t: &Tool, text: &[u8], columns: &mut Vec<Column>) -> Done {
    for word in text.split(|byte| matches!(byte, b',' | b' ' | b'\t')) {
        columns.push(match word {
            b"0" => Column::Key,
            [file @ (b'1' | b'2'), b'.', field @ ..] => {
                Column::Field { file: usize::from(file - b'1'), index: field_number(t, field)? }
            }
            [b'0' | b'1' | b'2', ..] => {
                return Err(Fail::Message(format!("invalid field specifier: {}", t.quote(word)), 1));
            }
            _ => {
                return Err(Fail::Message(
                    format!("invalid file number in field spec: {}", t.quote(word)),
                    1,
                ));
            }
        });
    }
    Ok(())
}

/// Gives a file the field that it is joined by, counted from 0; once only.
fn set_key(key: &mut Option<usize>, number: usize) -> Done {
    if let Some(other) = key
        && *other != number
    {
        let message = format!("incompatible join fields {}, {}", *other + 1, number + 1);
        return Err(Fail::Message(message, 1));
    }
    *key = Some(number);
    Ok(())
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        separator: Separator::Blanks,
        end: b'\n',
        keys: [0, 0],
        ignore_case: false,
        filler: BString::default(),
        columns: None,
        widths: None,
        unpaired: [false; 2],
        paired: true,
        check: Check::Unpaired,
    };
    let (mut header, mut auto) = (false, false);
    let mut keys: [Option<usize>; 2] = [None; 2];
    let mut filler: Option<BString> = None;
    let mut separator: Option<Separator> = None;
    // Where `-j1` and `-j2` stand among the operands: once, the field stood behind them as a word of its own.
    let mut old_fields: Vec<(usize, usize)> = Vec::new();
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "a" | "v" => {
                if let Some(place) = plan.unpaired.get_mut(file_number(t, &value)?) {
                    *place = true;
                }
                plan.paired &= name == "a";
            }
            "e" => {
                if filler.as_ref().is_some_and(|filler| *filler != value) {
                    return Err(Fail::Message("conflicting empty-field replacement strings".into(), 1));
                }
                filler = Some(value);
            }
            "i" => plan.ignore_case = true,
            "j" if value == "1" || value == "2" => {
                old_fields.push((options.operands_so_far(), usize::from(value == "2")));
            }
            "1" | "2" | "j" => {
                let number = field_number(t, &value)?;
                for (file, key) in keys.iter_mut().enumerate() {
                    if name == "j" || (name == "1") == (file == 0) {
                        set_key(key, number)?;
                    }
                }
            }
            "o" if value == "auto" => auto = true,
            "o" => add_columns(t, &value, plan.columns.get_or_insert_default())?,
            "t" => {
                let new = match &value[..] {
                    [] => Separator::None,
                    [byte] => Separator::Byte(*byte),
                    b"\\0" => Separator::Byte(0),
                    _ => return Err(Fail::Message(format!("multi-character tab {}", t.quote(&value)), 1)),
                };
                if separator.is_some_and(|separator| separator != new) {
                    return Err(Fail::Message("incompatible tabs".into(), 1));
                }
                separator = Some(new);
            }
            "check-order" => plan.check = Check::Always,
            "nocheck-order" => plan.check = Check::Never,
            "header" => header = true,
            _ => plan.end = 0,
        }
    }
    plan.filler = filler.unwrap_or_default();
    plan.separator = separator.unwrap_or(Separator::Blanks);
    let mut operands = options.operands();
    for (taken, (place, file)) in old_fields.into_iter().enumerate() {
        // With two operands alone these are the files, and the number is the field of both.
        if operands.len() > 2 && place >= taken && place - taken < operands.len() {
            let number = field_number(t, &operands.remove(place - taken))?;
            if let Some(key) = keys.get_mut(file) {
                set_key(key, number)?;
            }
        } else {
            for key in &mut keys {
                set_key(key, file)?;
            }
        }
    }
    plan.keys = keys.map(|key| key.unwrap_or(0));
    // Further specifications may stand behind the first one, as they did once.
    while operands.len() > 2 && plan.columns.is_some() {
        let word = operands.remove(0);
        add_columns(t, &word, plan.columns.get_or_insert_default())?;
    }
    let (first, second) = match &operands[..] {
        [] => return Err(t.missing_operand()),
        [one] => return Err(Fail::Usage(format!("missing operand after {}", t.quote(one)))),
        [one, two] => (one.clone(), two.clone()),
        [_, _, extra, ..] => return Err(t.extra_operand(BStr::new(extra))),
    };
    if first == "-" && second == "-" {
        return Err(Fail::Message("both files cannot be standard input".into(), 1));
    }
    let mut sides = Vec::new();
    for name in [first, second] {
        match t.open(&name).await {
            Ok(input) => {
                sides.push(Side { input, name, number: 0, group: Vec::new(), last_key: None, told: false })
            }
            Err(error) => {
                return Err(Fail::Message(format!("{}: {}", quote_name(&name), error.strerror()), 1));
            }
        }
    }
    let [left, right] = &mut sides[..] else { return Ok(()) };
    join(t, &mut plan, left, right, header, auto).await?;
    if left.told || right.told {
        return Err(Fail::Message("input is not in sorted order".into(), 1));
    }
    Ok(())
}

async fn join(
    t: &mut Tool,
    plan: &mut Plan,
    left: &mut Side,
    right: &mut Side,
    header: bool,
    auto: bool,
) -> Done {
    let mut unpaired = false;
    read(t, plan, left, 0, unpaired).await?;
    read(t, plan, right, 1, unpaired).await?;
    if auto {
        let width = |side: &Side| side.group.first().map_or(0, |line| line.fields.len());
        plan.widths = Some([width(left), width(right)]);
    }
    if header && (!left.group.is_empty() || !right.group.is_empty()) {
        plan.put([left.group.first(), right.group.first()], t.out.buffer());
        t.out.drain().await?;
        // A header is no part of the order.
        for side in [&mut *left, &mut *right] {
            side.group.clear();
            side.last_key = None;
        }
        read(t, plan, left, 0, unpaired).await?;
        read(t, plan, right, 1, unpaired).await?;
    }
    while let (Some(a), Some(b)) = (left.group.first(), right.group.first()) {
        let order = plan.compare((a, 0), (b, 1));
        if order != Ordering::Equal {
            let (side, file) = if order.is_lt() { (&mut *left, 0) } else { (&mut *right, 1) };
            alone(t, plan, side, file).await?;
            side.group.clear();
            read(t, plan, side, file, unpaired).await?;
            unpaired = true;
            continue;
        }
        // All lines with this key, and the one behind them.
        let more_left = gather(t, plan, left, 0, unpaired).await?;
        let more_right = gather(t, plan, right, 1, unpaired).await?;
        let (pairs_left, rest_left) = left.group.split_at(left.group.len() - usize::from(more_left));
        let (pairs_right, rest_right) = right.group.split_at(right.group.len() - usize::from(more_right));
        if plan.paired {
            for one in pairs_left {
                for other in pairs_right {
                    plan.put([Some(one), Some(other)], t.out.buffer());
                    t.out.drain().await?;
                }
            }
        }
        let (keep_left, keep_right) = (rest_left.len(), rest_right.len());
        left.group.drain(..left.group.len() - keep_left);
        right.group.drain(..right.group.len() - keep_right);
    }
    // One file is at its end: the rest of the other has no partner.
    for (side, file, other_ended) in [(&mut *left, 0, right.group.is_empty()), (&mut *right, 1, true)] {
        let wanted = plan.unpaired.get(file).copied().unwrap_or(false);
        if side.group.is_empty() || !(wanted || plan.check != Check::Never) {
            continue;
        }
        unpaired |= !other_ended;
        while !side.group.is_empty() {
            alone(t, plan, side, file).await?;
            if side.told && !wanted {
                break;
            }
            side.group.clear();
            read(t, plan, side, file, unpaired).await?;
        }
    }
    Ok(())
}

/// Writes the first line of a side that has no partner, if that is wanted.
async fn alone(t: &mut Tool, plan: &Plan, side: &Side, file: usize) -> Done {
    if plan.unpaired.get(file).copied().unwrap_or(false) {
        let lines = if file == 0 { [side.group.first(), None] } else { [None, side.group.first()] };
        plan.put(lines, t.out.buffer());
        t.out.drain().await?;
    }
    Ok(())
}

/// Reads on while the key stays. Whether a line with another key was read.
async fn gather(
    t: &mut Tool,
    plan: &Plan,
    side: &mut Side,
    file: usize,
    unpaired: bool,
) -> Result<bool, Fail> {
    loop {
        let before = side.group.len();
        read(t, plan, side, file, unpaired).await?;
        let (Some(first), Some(last)) = (side.group.first(), side.group.get(before)) else {
            return Ok(false);
        };
        if plan.compare((first, file), (last, file)) != Ordering::Equal {
            return Ok(true);
        }
    }
}

/// Reads a line behind those of the group, if there is one.
async fn read(t: &mut Tool, plan: &Plan, side: &mut Side, file: usize, unpaired: bool) -> Done {
    let text = match side.input.line(plan.end).await {
        Ok(Some(line)) => body(line, plan.end).to_vec(),
        Ok(None) => return Ok(()),
        Err(error) => {
            return Err(Fail::Message(format!("{}: {}", quote_name(&side.name), error.strerror()), 1));
        }
    };
    side.number += 1;
    let line = Line::new(text, plan.separator);
    if plan.check != Check::Never && !side.told {
        let key = plan.key(&line, file);
        let checked = plan.check == Check::Always || unpaired;
        if checked && side.last_key.as_ref().is_some_and(|last| *last > key) {
            let message = format!("{}:{}: is not sorted: {}", side.name, side.number, line.text.as_bstr());
            if plan.check == Check::Always {
                return Err(Fail::Message(message, 1));
            }
            side.told = true;
            t.error(message).await?;
        }
        side.last_key = Some(key);
    }
    side.group.push(line);
    Ok(())
}
