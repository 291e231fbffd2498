//! `od`: dumps files in octal and other forms.

use bstr::{BString, ByteSlice};

use crate::number::{Trouble, parse_size};
use crate::{Command, Done, Fail, Opt, Tool, start};

mod types;

use types::Type;

pub(crate) static COMMAND: Command = Command {
    name: "od",
    usage: &[
        "[OPTION]... [FILE]...",
        "[-abcdfilosx]... [FILE] [[+]OFFSET[.][b]]",
        "--traditional [OPTION]... [FILE] [[+]OFFSET[.][b] [+][LABEL][.][b]]",
    ],
    about: "Write an unambiguous representation, octal bytes by default,\n\
            of FILE to standard output.  With more than one FILE argument,\n\
            concatenate them in the listed order to form the input.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::value(
            "A,address-radix",
            "RADIX",
            "output format for file offsets; RADIX is one\nof [doxn], for Decimal, Octal, Hex or None",
        ),
        Opt::value("endian", "{big|little}", "swap input bytes according the specified order"),
        Opt::value("j,skip-bytes", "BYTES", "skip BYTES input bytes first"),
        Opt::value("N,read-bytes", "BYTES", "limit dump to BYTES input bytes"),
        Opt::value("S", "BYTES", "output strings of at least BYTES graphic chars"),
        Opt::optional("strings", "BYTES", "as -S; 3 is implied when BYTES is not specified"),
        Opt::value("t,format", "TYPE", "select output format or formats"),
        Opt::flag("v,output-duplicates", "do not use * to mark line suppression"),
        Opt::optional(
            "w,width",
            "BYTES",
            "output BYTES bytes per output line;\n32 is implied when BYTES is not specified",
        ),
        Opt::flag("traditional", "accept arguments in third form above"),
        Opt::flag("a", "same as -t a,  select named characters, ignoring high-order bit"),
        Opt::flag("b", "same as -t o1, select octal bytes"),
        Opt::flag("c", "same as -t c,  select printable characters or backslash escapes"),
        Opt::flag("d", "same as -t u2, select unsigned decimal 2-byte units"),
        Opt::flag("f", "same as -t fF, select floats"),
        Opt::flag("i", "same as -t dI, select decimal ints"),
        Opt::flag("l", "same as -t dL, select decimal longs"),
        Opt::flag("o", "same as -t o2, select octal 2-byte units"),
        Opt::flag("s", "same as -t d2, select decimal 2-byte units"),
        Opt::flag("x", "same as -t x2, select hexadecimal 2-byte units"),
        Opt::flag("X,H", ""),
        Opt::flag("B", ""),
        Opt::flag("D", ""),
        Opt::flag("O", ""),
        Opt::flag("e,F", ""),
        Opt::flag("h", ""),
        Opt::flag("I,L", ""),
    ],
    more: "TYPE is made up of one or more of these specifications:\n\
           \x20 a          named character, ignoring high-order bit\n\
           \x20 c          printable character or backslash escape\n\
           \x20 d[SIZE]    signed decimal, SIZE bytes per integer\n\
           \x20 f[SIZE]    floating point, SIZE bytes per float\n\
           \x20 o[SIZE]    octal, SIZE bytes per integer\n\
           \x20 u[SIZE]    unsigned decimal, SIZE bytes per integer\n\
           \x20 x[SIZE]    hexadecimal, SIZE bytes per integer\n\n\
           SIZE is a number.  For TYPE in [doux], SIZE may also be C for\n\
           sizeof(char), S for sizeof(short), I for sizeof(int) or L for\n\
           sizeof(long).  If TYPE is f, SIZE may also be F for sizeof(float), D\n\
           for sizeof(double) or L for sizeof(long double).\n\n\
           Adding a z suffix to any type displays printable characters at the end of\n\
           each output line.\n\n\
           BYTES is hex with 0x or 0X prefix, and may have a multiplier suffix: b (512),\n\
           KB (1000), K (1024), and so on for M, G, T, P, E, Z, Y.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// How addresses are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Radix {
    Decimal,
    Octal,
    Hex,
    None,
}

impl Radix {
    fn show(self, address: u64) -> String {
        match self {
            Radix::Decimal => format!("{address:07}"),
            Radix::Octal => format!("{address:07o}"),
            Radix::Hex => format!("{address:06x}"),
            Radix::None => String::new(),
        }
    }
}

/// The files, one behind the other, without what is skipped.
struct Source {
    files: std::vec::IntoIter<BString>,
    input: Option<(wasmsh_os::Input, BString)>,
    /// A file could be opened.
    opened: bool,
    /// Bytes that may still be read.
    left: u64,
}

impl Source {
    /// Appends up to `want` bytes; fewer at the end.
    async fn read(&mut self, t: &mut Tool, want: usize, to: &mut Vec<u8>) -> Done {
        let start = to.len();
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(want);
        while to.len() - start < want {
            let Some((input, name)) = &mut self.input else {
                match self.files.next() {
                    None => break,
                    Some(name) => {
                        if let Some(input) = t.open_or_tell(&name).await? {
                            self.input = Some((input, name));
                            self.opened = true;
                        }
                        continue;
                    }
                }
            };
            match input.fill().await {
                Ok([]) => self.input = None,
                Ok(block) => {
                    let count = block.len().min(want - (to.len() - start));
                    to.extend_from_slice(block.get(..count).unwrap_or_default());
                    input.consume(count);
                }
                Err(error) => {
                    let name = name.clone();
                    t.file_error(&name, error).await?;
                    self.input = None;
                }
            }
        }
        self.left -= (to.len() - start) as u64;
        Ok(())
    }

    /// Leaves out so many bytes.
    async fn skip(&mut self, t: &mut Tool, mut count: u64) -> Done {
        let mut block = Vec::new();
        let limit = std::mem::replace(&mut self.left, u64::MAX);
        while count > 0 {
            block.clear();
            let want = usize::try_from(count).unwrap_or(usize::MAX).min(1 << 16);
            self.read(t, want, &mut block).await?;
            if block.is_empty() {
                return Err(Fail::Message("cannot skip past end of combined input".into(), 1));
            }
            count -= block.len() as u64;
        }
        self.left = limit;
        Ok(())
    }
}

/// A number as the options take it: `0x` is hexadecimal, `0` octal.
fn bytes(text: &[u8]) -> Result<u64, Trouble> {
    let suffixes = b"bEGKkMmPTYZ0";
    let (digits, base) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
        [b'0', rest @ ..] if !rest.is_empty() => (rest, 8),
        _ => {
            return if text.first().is_some_and(u8::is_ascii_digit) {
                parse_size(text, suffixes)
            } else {
                Err(Trouble::Invalid)
            };
        }
    };
    let length = digits.iter().take_while(|digit| char::from(**digit).is_digit(base)).count();
    let (number, suffix) = digits.split_at(length);
    let value = number.to_str().ok().and_then(|number| u64::from_str_radix(number, base).ok());
    let value = match value {
        Some(value) => value,
        None if base == 8 && number.is_empty() => 0,
        None => return Err(Trouble::Invalid),
    };
    if suffix.is_empty() {
        return Ok(value);
    }
    let unit = parse_size(&[b"1", suffix].concat(), suffixes)?;
    value.checked_mul(unit).ok_or(Trouble::Overflow)
}

fn argument(option: &str, text: &[u8]) -> Result<u64, Fail> {
    bytes(text).map_err(|trouble| {
        let text = text.as_bstr();
        Fail::Message(
            match trouble {
                Trouble::Overflow => format!("{option} argument '{text}' too large"),
                Trouble::Suffix => format!("invalid suffix in {option} argument '{text}'"),
                Trouble::Invalid => format!("invalid {option} argument '{text}'"),
            },
            1,
        )
    })
}

/// An offset of the traditional form: octal unless it ends in a point or begins with `0x`.
fn offset(text: &[u8]) -> Option<u64> {
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let (text, factor) = match text.strip_suffix(b"b") {
        Some(rest) if !text.starts_with(b"0x") => (rest, 512),
        _ => (text, 1),
    };
    let (text, base) = match text.strip_suffix(b".") {
        Some(rest) => (rest, 10),
        None => match text {
            [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
            _ => (text, 8),
        },
    };
    if !text.first().is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    u64::from_str_radix(text.to_str().ok()?, base).ok()?.checked_mul(factor)
}

struct Plan {
    types: Vec<Type>,
    radix: Radix,
    width: usize,
    all: bool,
    big_endian: bool,
    /// What is shown in brackets behind the address is so much more.
    label: Option<u64>,
}

async fn run(t: &mut Tool) -> Done {
    let mut types = Vec::new();
    let (mut radix, mut skip, mut limit, mut strings) = (Radix::Octal, 0, u64::MAX, None);
    let (mut width, mut all, mut traditional, mut modern, mut big_endian) =
        (None, false, false, false, false);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let given = value.is_some();
        let value = value.unwrap_or_default();
        // Any of these rules the traditional form out.
        modern |= matches!(name, "A" | "j" | "N" | "S" | "strings" | "t" | "v" | "w" | "endian");
        match name {
            "A" => {
                radix = match &value[..] {
                    b"d" => Radix::Decimal,
                    b"o" => Radix::Octal,
                    b"x" => Radix::Hex,
                    b"n" => Radix::None,
                    [other, ..] => {
                        let other = char::from(*other);
                        let message = format!(
                            "invalid output address radix '{other}'; it must be one character from [doxn]"
                        );
                        return Err(Fail::Message(message, 1));
                    }
                    [] => {
                        return Err(Fail::Message(
                            "invalid output address radix '\0'; it must be one character from [doxn]".into(),
                            1,
                        ));
                    }
                }
            }
            "endian" => {
                let words = [("little", "little"), ("big", "big")];
                big_endian = crate::choice::choose(t, "--endian", &value, &words)? == "big";
            }
            "j" => skip = argument("-j", &value)?,
            "N" => limit = argument("-N", &value)?,
            "S" | "strings" => strings = Some(if given { argument("-S", &value)? } else { 3 }),
            "t" => types::parse(t, &value, &mut types)?,
            "v" => all = true,
            "w" => width = Some(if given { argument("-w", &value)? } else { 32 }),
            "traditional" => traditional = true,
            old => {
                let new: &[u8] = match old {
                    "a" => b"a",
                    "b" => b"o1",
                    "c" => b"c",
                    "d" => b"u2",
                    "f" => b"fF",
                    "i" => b"dI",
                    "l" | "I" => b"dL",
                    "s" => b"d2",
                    "x" | "h" => b"x2",
                    "X" => b"x4",
                    "D" => b"u4",
                    "O" => b"o4",
                    "e" => b"fD",
                    _ => b"o2",
                };
                types::parse(t, new, &mut types)?;
            }
        }
    }
    let mut files = options.operands();
    let mut label = None;
    if !modern || traditional {
        let last = files.last().map(|last| (last.clone(), offset(last)));
        match (files.len(), last) {
            (1, Some((text, Some(value)))) if traditional || text.starts_with(b"+") => {
                skip = value;
                files.clear();
            }
            (2, Some((text, Some(value))))
                if traditional || text.starts_with(b"+") || text.first().is_some_and(u8::is_ascii_digit) =>
            {
                let first = files.first().and_then(|first| offset(first));
                if let (true, Some(first)) = (traditional, first) {
                    (skip, label) = (first, Some(value));
                    files.clear();
                } else {
                    skip = value;
                    files.truncate(1);
                }
            }
            (3, Some((_, Some(value)))) if traditional => {
                let Some(first) = files.get(1).and_then(|word| offset(word)) else {
                    let word = files.get(1).cloned().unwrap_or_default();
                    return Err(t.extra_operand(word.as_bstr()));
                };
                (skip, label) = (first, Some(value));
                files.truncate(1);
            }
            _ => {}
        }
        if traditional && files.len() > 1 {
            let extra = files.get(1).cloned().unwrap_or_default();
            return Err(Fail::Usage(format!(
                "extra operand {}\nod: compatibility mode supports at most one file",
                t.quote(&extra)
            )));
        }
    }
    if types.is_empty() {
        types::parse(t, b"oS", &mut types)?;
    }
    if strings.is_some() && types.len() > 1 {
        return Err(Fail::Message("no type may be specified when dumping strings".into(), 1));
    }
    let common = types.iter().fold(1, |common, one| lcm(common, one.size));
    let width = match width {
        None => 16_usize.div_ceil(common).max(1) * common,
        Some(width) if width > 0 && width.is_multiple_of(common as u64) => {
            usize::try_from(width).unwrap_or(common)
        }
        Some(width) => {
            t.warn(format!("warning: invalid width {width}; using {common} instead")).await?;
            common
        }
    };
    let files = crate::lines::or_stdin(files).into_iter();
    let mut source = Source { files, input: None, opened: false, left: limit };
    source.skip(t, skip).await?;
    if let Some(least) = strings {
        return dump_strings(t, &mut source, radix, skip, usize::try_from(least).unwrap_or(usize::MAX)).await;
    }
    let label = label.map(|label| label.wrapping_sub(skip));
    types::align(&mut types, width);
    dump(t, &Plan { types, radix, width, all, big_endian, label }, &mut source, skip).await
}

fn lcm(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}

fn address(t: &mut Tool, plan: &Plan, at: u64) {
    t.out.put(plan.radix.show(at).as_bytes());
    if let Some(label) = plan.label {
        let shown = plan.radix.show(at.wrapping_add(label));
        let blank = if plan.radix == Radix::None { "" } else { " " };
        t.out.put(format!("{blank}({shown})").as_bytes());
    }
}

async fn dump(t: &mut Tool, plan: &Plan, source: &mut Source, start: u64) -> Done {
    let mut at = start;
    let (mut block, mut last): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
    let mut told = false;
    loop {
        block.clear();
        source.read(t, plan.width, &mut block).await?;
        if block.is_empty() {
            break;
        }
        if !plan.all && block.len() == plan.width && block == last {
            if !told {
                t.out.put(b"*\n");
                told = true;
            }
        } else {
            told = false;
            for (index, one) in plan.types.iter().enumerate() {
                if index == 0 {
                    address(t, plan, at);
                } else {
                    let address_width = match plan.radix {
                        Radix::None => 0,
                        Radix::Hex => 6,
                        Radix::Decimal | Radix::Octal => 7,
                    };
                    t.blanks(address_width);
                }
                one.show(&block, plan.width, plan.big_endian, t.out.buffer());
                t.out.put_byte(b'\n');
            }
        }
        at += block.len() as u64;
        std::mem::swap(&mut block, &mut last);
        t.out.drain().await?;
        if last.len() < plan.width {
            break;
        }
    }
    // Of no bytes at all the end is told, of no files nothing.
    if (source.opened || source.left == 0) && (plan.radix != Radix::None || plan.label.is_some()) {
        address(t, plan, at);
        t.out.put_byte(b'\n');
    }
    Ok(())
}

/// Strings of printable letters that end with a NUL.
async fn dump_strings(t: &mut Tool, source: &mut Source, radix: Radix, start: u64, least: usize) -> Done {
    let mut at = start;
    let mut block = Vec::new();
    let mut string: Vec<u8> = Vec::new();
    loop {
        block.clear();
        source.read(t, 1 << 15, &mut block).await?;
        if block.is_empty() {
            return Ok(());
        }
        for &byte in &block {
            at += 1;
            match byte {
                b' '..=b'~' => string.push(byte),
                0 if string.len() >= least => {
                    if radix != Radix::None {
                        let begin = at - 1 - string.len() as u64;
                        t.out.put(format!("{} ", radix.show(begin)).as_bytes());
                    }
                    for &letter in &string {
                        t.out.put_byte(letter);
                    }
                    t.out.put_byte(b'\n');
                    string.clear();
                }
                _ => string.clear(),
            }
        }
        t.out.drain().await?;
    }
}
