//! `xxd`: makes a hexadecimal dump, or undoes one (the one that comes with Vim).

use bstr::{BString, ByteSlice};
use wasmsh_os::{Description, Errno, Input, OpenFlags, Output, Position};

use crate::dd::from_ebcdic;
use crate::printf::strtoimax;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "xxd",
    usage: &["[options] [infile [outfile]]", "-r [-s [-]offset] [-c cols] [-ps] [infile [outfile]]"],
    about: "Make a hexdump or do the reverse.",
    options: &[
        Opt::flag("a,autoskip", "toggle autoskip: a single '*' replaces nul-lines"),
        Opt::flag("b,bits", "binary digit dump"),
        Opt::flag("C,capitalize", "capitalize variable names in C include file style"),
        Opt::value("c,cols", "COLS", "format COLS octets per line"),
        Opt::flag("E,EBCDIC", "show characters in EBCDIC"),
        Opt::flag("e", "little-endian dump"),
        Opt::value("g,groupsize", "BYTES", "number of octets per group"),
        Opt::flag("h", "print this summary"),
        Opt::flag("i,include", "output in C include file style"),
        Opt::value("l,len", "LEN", "stop after LEN octets"),
        Opt::value("n,name", "NAME", "the variable name used in C include output"),
        Opt::value("o,offset", "OFF", "add OFF to the displayed file position"),
        Opt::flag("p,ps,postscript,plain", "output in postscript plain hexdump style"),
        Opt::flag("r,revert", "reverse operation: convert a hexdump into binary"),
        Opt::flag("d", "show offset in decimal instead of hex"),
        Opt::value("s,seek", "[+][-]SEEK", "start at SEEK bytes"),
        Opt::flag("u,uppercase", "use upper case hex letters"),
        Opt::flag("v,version", "show version"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Hex,
    Bits,
    LittleEndian,
    Plain,
    Include,
}

struct Plan {
    style: Style,
    autoskip: bool,
    capitals: bool,
    upper: bool,
    ebcdic: bool,
    decimal: bool,
    revert: bool,
    columns: Option<i64>,
    group: Option<i64>,
    length: Option<u64>,
    offset: i64,
    seek: i64,
    /// From where the input stands.
    relative: bool,
    name: Option<BString>,
}

/// Options with a value: the letter, and what follows it in the long name, for whose sake the value is the next argument.
const VALUES: &[(u8, &[&str])] = &[
    (b'c', &["ols"]),
    (b'g', &["roup"]),
    (b'l', &["en"]),
    (b'n', &["ame"]),
    (b'o', &["ffset"]),
    (b's', &["eek", "kip"]),
];

fn number(text: &[u8]) -> i64 {
    let (value, _, _) = strtoimax(text);
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

fn usage(t: &Tool) -> Fail {
    let help = t.command.help(&t.name);
    Fail::Bare(help.trim_end().into(), 1)
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        style: Style::Hex,
        autoskip: false,
        capitals: false,
        upper: false,
        ebcdic: false,
        decimal: false,
        revert: false,
        columns: None,
        group: None,
        length: None,
        offset: 0,
        seek: 0,
        relative: false,
        name: None,
    };
    let mut arguments = std::collections::VecDeque::from(t.arguments());
    // Its options are told by their first letter; those with a value take it from the same argument or from the next.
    while let Some(argument) =
        arguments.front().filter(|text| text.starts_with(b"-") && *text != "-").cloned()
    {
        arguments.pop_front();
        let text = argument.strip_prefix(b"--").unwrap_or(argument.get(1..).unwrap_or_default());
        let Some((&letter, rest)) = text.split_first() else { break };
        let capital = text.starts_with(b"cap");
        if let Some((_, longs)) = VALUES.iter().find(|(other, _)| *other == letter && !capital) {
            let next = rest.is_empty() || longs.iter().any(|long| rest.starts_with(long.as_bytes()));
            let value = if next { arguments.pop_front() } else { Some(rest.into()) };
            let value = value.ok_or_else(|| usage(t))?;
            match letter {
                b'c' => plan.columns = Some(number(&value)),
                b'g' => plan.group = Some(number(&value)),
                b'l' => plan.length = u64::try_from(number(&value)).ok(),
                b'n' => plan.name = Some(value),
                b'o' => plan.offset = number(&value),
                _ => {
                    let bare = value.strip_prefix(b"+");
                    plan.relative = bare.is_some();
                    plan.seek = number(bare.unwrap_or(&value));
                }
            }
            continue;
        }
        match letter {
            b'a' => plan.autoskip ^= true,
            b'b' => plan.style = Style::Bits,
            b'e' => plan.style = Style::LittleEndian,
            b'p' => plan.style = Style::Plain,
            b'i' => plan.style = Style::Include,
            b'C' | b'c' => plan.capitals = true,
            b'E' => plan.ebcdic = true,
            b'd' => plan.decimal = true,
            b'r' => plan.revert = true,
            b'u' => plan.upper = true,
            b'v' => return Err(Fail::Version),
            b'h' if rest == b"elp" && argument.starts_with(b"--") => return Err(Fail::Help),
            _ => return Err(usage(t)),
        }
    }
    let mut operands = arguments.into_iter();
    let (from, to) = (operands.next(), operands.next());
    if operands.next().is_some() {
        return Err(usage(t));
    }
    let (default, most) = match plan.style {
        Style::Plain => (30, i64::MAX),
        Style::Include => (12, i64::MAX),
        Style::Bits => (6, 256),
        _ => (16, 256),
    };
    let columns = match plan.columns {
        None => default,
        Some(0) if plan.style == Style::Plain => i64::MAX,
        Some(0) => default,
        Some(given) if (1..=most).contains(&given) => given,
        Some(_) => return Err(Fail::Message("invalid number of columns (max. 256).".into(), 1)),
    };
    let columns = usize::try_from(columns).unwrap_or(usize::MAX);
    let from = from.filter(|name| name != "-");
    let opened = match &from {
        None => t.ctx.stdin(),
        Some(name) => t.ctx.open_input(name).await,
    };
    let shown = from.clone().unwrap_or_default();
    let input = opened.map_err(|error| Fail::Message(format!("{shown}: {}", error.strerror()), 2))?;
    let mut target = None;
    if let Some(name) = to.filter(|name| name != "-") {
        // What is reverted may patch a file.
        let how = OpenFlags::WRITE | OpenFlags::CREATE;
        let how = if plan.revert { how } else { how | OpenFlags::TRUNCATE };
        let file = t.ctx.open_description(&name, how, 0o666).await;
        let file = file.map_err(|error| Fail::Message(format!("{name}: {}", error.strerror()), 3))?;
        target = Some(Output::new(t.ctx.clone(), Some(file)));
    }
    if let Some(target) = target {
        let kept = std::mem::replace(&mut t.out, target);
        let done = act(t, &plan, input, from.as_ref(), columns).await;
        let flushed = t.out.flush().await;
        t.out = kept;
        done?;
        return Ok(flushed?);
    }
    act(t, &plan, input, from.as_ref(), columns).await
}

async fn act(t: &mut Tool, plan: &Plan, mut input: Input, from: Option<&BString>, columns: usize) -> Done {
    if plan.revert {
        if !matches!(plan.style, Style::Hex | Style::Plain) {
            // The status of C's -1.
            return Err(Fail::Message("Sorry, cannot revert this type of hexdump".into(), 255));
        }
        return revert(t, plan, input, columns).await;
    }
    let begin = seek(&mut input, plan).await?;
    let mut source = Source { input, left: plan.length.unwrap_or(u64::MAX) };
    match plan.style {
        Style::Include => include(t, plan, &mut source, from, columns).await,
        Style::Plain => {
            let mut column = 0;
            while source.ready().await? {
                let piece = source.take(columns - column);
                column += piece.len();
                hex(piece, plan.upper, t.out.buffer());
                source.consume(piece.len());
                if column == columns {
                    t.out.put(b"\n");
                    column = 0;
                }
                t.out.drain().await?;
            }
            if column > 0 {
                t.out.put(b"\n");
            }
            Ok(())
        }
        _ => lines(t, plan, &mut source, begin, columns).await,
    }
}

/// Goes to where the dump begins; what cannot be sought is read over.
async fn seek(input: &mut Input, plan: &Plan) -> Result<u64, Fail> {
    if plan.seek == 0 && !plan.relative {
        return Ok(0);
    }
    let cannot = || Fail::Message("Sorry, cannot seek.".into(), 4);
    if let Description::File(file) = &**input.description() {
        let to = match plan.seek {
            offset if plan.relative => Position::Current(offset),
            offset if offset < 0 => Position::End(offset),
            offset => Position::Start(offset.unsigned_abs()),
        };
        if let Ok(at) = file.seek(to) {
            return Ok(at);
        }
        return Err(cannot());
    }
    let mut left = u64::try_from(plan.seek).map_err(|_| cannot())?;
    let begin = left;
    while left > 0 {
        let data = input.fill().await.map_err(read_error)?;
        if data.is_empty() {
            return Err(cannot());
        }
        let count = data.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        input.consume(count);
        left -= count as u64;
    }
    Ok(begin)
}

fn read_error(error: Errno) -> Fail {
    Fail::Message(error.strerror().into(), 2)
}

/// The input up to a number of bytes.
struct Source {
    input: Input,
    left: u64,
}

impl Source {
    /// Whether there is more.
    async fn ready(&mut self) -> Result<bool, Fail> {
        Ok(self.left > 0 && !self.input.fill().await.map_err(read_error)?.is_empty())
    }

    /// What is there already, at most so many bytes.
    fn take(&self, most: usize) -> &[u8] {
        let most = most.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let data = self.input.buffered();
        data.get(..most).unwrap_or(data)
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.left -= count as u64;
    }

    /// A line of so many bytes, or what is left.
    async fn line(&mut self, columns: usize, line: &mut Vec<u8>) -> Result<(), Fail> {
        line.clear();
        while line.len() < columns && self.ready().await? {
            let piece = self.take(columns - line.len());
            line.extend_from_slice(piece);
            let count = piece.len();
            self.consume(count);
        }
        Ok(())
    }
}

fn digits(upper: bool) -> &'static [u8; 16] {
    if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" }
}

fn pair(byte: u8, upper: bool) -> [u8; 2] {
    let digit = |value: u8| digits(upper).get(usize::from(value)).copied().unwrap_or(b'0');
    [digit(byte >> 4), digit(byte & 15)]
}

fn hex(bytes: &[u8], upper: bool, out: &mut Vec<u8>) {
    for byte in bytes {
        out.extend(pair(*byte, upper));
    }
}

async fn include(
    t: &mut Tool,
    plan: &Plan,
    source: &mut Source,
    from: Option<&BString>,
    columns: usize,
) -> Done {
    let name = plan.name.as_ref().or(from).map(|name| {
        let mut text: Vec<u8> = name
            .iter()
            .map(|byte| match byte {
                _ if !byte.is_ascii_alphanumeric() => b'_',
                _ if plan.capitals => byte.to_ascii_uppercase(),
                _ => *byte,
            })
            .collect();
        if text.first().is_some_and(u8::is_ascii_digit) {
            text.splice(..0, *b"__");
        }
        text.to_str_lossy().into_owned()
    });
    if let Some(name) = &name {
        t.out.put(format!("unsigned char {name}[] = {{\n").as_bytes());
    }
    let (mut count, mut column) = (0_u64, 0);
    while source.ready().await? {
        let piece = source.take(usize::MAX);
        for byte in piece {
            let lead: &[u8] = match (count, column) {
                (0, _) => b"  ",
                (_, 0) => b",\n  ",
                _ => b", ",
            };
            t.out.put(lead);
            t.out.put(if plan.upper { b"0X" } else { b"0x" });
            t.out.put(&pair(*byte, plan.upper));
            count += 1;
            column = if column + 1 == columns { 0 } else { column + 1 };
        }
        let length = piece.len();
        source.consume(length);
        t.out.drain().await?;
    }
    if count > 0 {
        t.out.put(b"\n");
    }
    if let Some(name) = name {
        let behind = if plan.capitals { "_LEN" } else { "_len" };
        t.out.put(format!("}};\nunsigned int {name}{behind} = {count};\n").as_bytes());
    }
    Ok(())
}

async fn lines(t: &mut Tool, plan: &Plan, source: &mut Source, begin: u64, columns: usize) -> Done {
    let little = plan.style == Style::LittleEndian;
    let bits = plan.style == Style::Bits;
    let default = if little {
        4
    } else if bits {
        1
    } else {
        2
    };
    let group = usize::try_from(plan.group.filter(|group| *group >= 0).unwrap_or(default)).unwrap_or(0);
    let group = if group == 0 || group > columns { columns } else { group };
    if little && !group.is_power_of_two() {
        let message = "number of octets per group must be a power of 2 with -e.";
        if plan.group.is_some() {
            return Err(Fail::Message(message.into(), 1));
        }
    }
    let layout = Layout {
        group,
        columns,
        cell: if bits { 8 } else { 2 } * group + 1,
        swap: if little { group - 1 } else { 0 },
        bits,
    };
    let (mut line, mut held) = (Vec::new(), Vec::new());
    let mut at = begin.wrapping_add_signed(plan.offset);
    // How many lines of zeros there were; the second is held back until there is a third.
    let mut zeros = 0_u64;
    loop {
        source.line(columns, &mut line).await?;
        if line.is_empty() {
            return Ok(());
        }
        let last = line.len() < columns || !source.ready().await?;
        if plan.autoskip && !last && line.iter().all(|byte| *byte == 0) {
            zeros += 1;
            match zeros {
                1 => layout.show(plan, at, &line, t.out.buffer()),
                2 => layout.show(plan, at, &line, &mut held),
                3 => {
                    held.clear();
                    t.out.put(b"*\n");
                }
                _ => {}
            }
        } else {
            zeros = 0;
            t.out.put(&held);
            held.clear();
            layout.show(plan, at, &line, t.out.buffer());
        }
        t.ctx.tick().await;
        t.out.drain().await?;
        at = at.wrapping_add(line.len() as u64);
    }
}

struct Layout {
    group: usize,
    columns: usize,
    /// Columns of a group with the blank behind it.
    cell: usize,
    /// What turns the place of a byte in its group.
    swap: usize,
    bits: bool,
}

impl Layout {
    fn show(&self, plan: &Plan, at: u64, line: &[u8], out: &mut Vec<u8>) {
        let address = match plan.decimal {
            true => format!("{at:08}: "),
            false => format!("{at:08x}: "),
        };
        out.extend_from_slice(address.as_bytes());
        let begin = out.len();
        // Groups that are longer than the rest of a line reach into the text, which is written over them.
        let text = (self.cell * self.columns - 1) / self.group + 2;
        let room = text.max(self.cell * (self.columns + self.group) / self.group) + line.len() + 8;
        out.resize(begin + room, b' ');
        let Some(row) = out.get_mut(begin..) else { return };
        for (index, byte) in line.iter().enumerate() {
            let place = self.cell * (index ^ self.swap) / self.group;
            let cells: &[u8] = match self.bits {
                true => &std::array::from_fn::<u8, 8, _>(|bit| b'0' + (byte >> (7 - bit) & 1)),
                false => &pair(*byte, plan.upper),
            };
            if let Some(to) = row.get_mut(place..place + cells.len()) {
                to.copy_from_slice(cells);
            }
            let letter = match plan.ebcdic {
                true => from_ebcdic(*byte),
                false => *byte,
            };
            if let Some(to) = row.get_mut(text + index) {
                *to = if matches!(letter, b' '..=b'~') { letter } else { b'.' };
            }
        }
        out.truncate(begin + text + line.len());
        out.push(b'\n');
    }
}

/// Where reverted bytes go.
struct Target {
    /// Where the next byte would stand.
    at: i64,
    file: Option<std::rc::Rc<dyn wasmsh_os::OpenFile>>,
}

impl Target {
    async fn go(&mut self, t: &mut Tool, to: i64) -> Done {
        if to == self.at {
            return Ok(());
        }
        if let (Some(file), Ok(start)) = (&self.file, u64::try_from(to)) {
            t.out.flush().await?;
            file.seek(Position::Start(start))?;
        } else if to > self.at {
            t.pad(to.abs_diff(self.at), 0).await?;
        } else {
            return Err(Fail::Message("Sorry, cannot seek backwards.".into(), 5));
        }
        self.at = to;
        Ok(())
    }
}

/// What is known of the line so far.
enum Place {
    /// Before the address.
    Before,
    /// In its digits.
    Address(u64),
    /// Behind it: how many bytes of the line there were.
    Data(usize, i64),
    /// Where nothing counts any more.
    Over,
}

/// The last signs that were read: digits, `None` for others; the newest first.
type Signs = [Option<u8>; 3];

/// As good as digits: there were no others yet.
const FRESH: Signs = [Some(16), Some(16), Some(16)];

async fn revert(t: &mut Tool, plan: &Plan, mut input: Input, columns: usize) -> Done {
    let plain = plan.style == Style::Plain;
    let file = match t.out.description().map(|to| &**to) {
        Some(Description::File(file)) => Some(file.clone()),
        _ => None,
    };
    let mut target = Target { at: 0, file };
    let mut place = if plain { Place::Data(0, plan.seek) } else { Place::Before };
    let mut signs = FRESH;
    loop {
        let data = input.fill().await.map_err(read_error)?.to_vec();
        if data.is_empty() {
            return Ok(());
        }
        input.consume(data.len());
        for byte in data {
            let digit = char::from(byte).to_digit(16).map(|digit| digit as u8);
            match &mut place {
                Place::Over => {
                    if byte == b'\n' {
                        place = if plain { Place::Data(0, target.at) } else { Place::Before };
                        signs = FRESH;
                    }
                }
                Place::Before => {
                    if let Some(digit) = digit {
                        place = Place::Address(digit.into());
                    }
                }
                Place::Address(address) => match digit {
                    Some(digit) => *address = address.wrapping_shl(4) | u64::from(digit),
                    // One sign behind the address belongs to it.
                    None => {
                        place = Place::Data(0, (*address as i64).wrapping_add(plan.seek));
                        signs = [None, Some(16), Some(16)];
                    }
                },
                Place::Data(count, to) => {
                    if plain && byte.is_ascii_whitespace() {
                        continue;
                    }
                    target.go(t, *to).await?;
                    if byte == b'\n' {
                        (place, signs) = (Place::Before, FRESH);
                        continue;
                    }
                    signs = [digit, signs[0], signs[1]];
                    match signs {
                        [Some(low), Some(high), _] if high < 16 => {
                            t.out.put_byte(high << 4 | low);
                            target.at += 1;
                            *to += 1;
                            *count += 1;
                            signs[0] = None;
                            if !plain && *count >= columns {
                                place = Place::Over;
                            }
                        }
                        // Behind two signs that are no digits stands the text.
                        [None, None, None] => place = Place::Over,
                        _ => {}
                    }
                }
            }
        }
        t.out.drain().await?;
    }
}
