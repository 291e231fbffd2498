//! `strings`: the printable texts in any file.

use bstr::{BString, ByteSlice};
use wasmsh_os::Input;

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "strings",
    usage: &["[option(s)] [file(s)]"],
    about: "Display printable strings in [file(s)] (stdin by default)",
    options: &[
        Opt::flag("a,all", "scan the entire file (the default)"),
        Opt::flag("d,data", "scan the initialised data of object files only: not supported for these"),
        Opt::flag("f,print-file-name", "print the name of the file before each string"),
        Opt::value("n,bytes", "NUMBER", "the least number of characters of a string (4)"),
        Opt::value("t,radix", "{o,d,x}", "print the location of the string in base 8, 10 or 16"),
        Opt::flag("w,include-all-whitespace", "include all whitespace as valid string characters"),
        Opt::flag("o", "an alias for --radix=o"),
        Opt::value("T,target", "BFDNAME", "the format of object files, which matters to -d only"),
        Opt::value(
            "e,encoding",
            "{s,S,b,l,B,L}",
            "size and order of characters:\ns = 7 bits, S = 8 bits, {b,l} = 16 bits, {B,L} = 32 bits",
        ),
        Opt::value("U,unicode", "{default|invalid|locale|escape|hex|highlight}", "how to show UTF-8"),
        Opt::value("s,output-separator", "STRING", "what separates strings in the output"),
        Opt::value("#", "NUMBER", ""),
        Opt::flag("h", ""),
        Opt::flag("v,V", ""),
    ],
    more: "@FILE stands for the options in that file.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// How UTF-8 is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unicode {
    /// It is nothing special.
    Plain,
    Invalid,
    Shown,
    Escaped,
    Hex,
    /// As `Escaped`, in red on a terminal.
    Red,
}

struct Plan {
    least: u64,
    radix: Option<u8>,
    names: bool,
    blanks: bool,
    /// Bytes of a character, and whether the last of them counts least.
    unit: usize,
    big: bool,
    eight_bits: bool,
    unicode: Unicode,
    separator: BString,
    data: bool,
}

/// So many files of options are read at most, since they can name each other.
const MOST_FILES: usize = 2000;

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        least: 4,
        radix: None,
        names: false,
        blanks: false,
        unit: 1,
        big: false,
        eight_bits: false,
        unicode: Unicode::Plain,
        separator: "\n".into(),
        data: false,
    };
    let arguments = expand(t).await?;
    let mut options = t.options_of(arguments);
    let mut digits = Vec::new();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "a" => plan.data = false,
            "d" => plan.data = true,
            "f" => plan.names = true,
            "n" => plan.least = least(&value)?,
            "#" => {
                digits.extend_from_slice(&value);
                plan.least = least(&digits)?;
            }
            "o" => plan.radix = Some(b'o'),
            "t" => match &value[..] {
                [letter @ (b'o' | b'd' | b'x')] => plan.radix = Some(*letter),
                _ => return Err(Fail::Usage(String::new())),
            },
            "w" => plan.blanks = true,
            "T" => {}
            "e" => {
                (plan.unit, plan.big, plan.eight_bits) = match &value[..] {
                    b"s" => (1, false, false),
                    b"S" => (1, false, true),
                    b"b" => (2, true, false),
                    b"l" => (2, false, false),
                    b"B" => (4, true, false),
                    b"L" => (4, false, false),
                    _ => return Err(Fail::Usage(String::new())),
                };
            }
            "U" => {
                plan.unicode = match &value[..] {
                    b"d" | b"default" => Unicode::Plain,
                    b"i" | b"invalid" => Unicode::Invalid,
                    b"l" | b"locale" => Unicode::Shown,
                    b"e" | b"escape" => Unicode::Escaped,
                    b"x" | b"hex" => Unicode::Hex,
                    b"h" | b"highlight" => Unicode::Red,
                    _ => {
                        return Err(Fail::Message(format!("invalid argument to -U/--unicode: {value}"), 1));
                    }
                }
            }
            "s" => plan.separator = value,
            "h" => return Err(Fail::Help),
            _ => return Err(Fail::Version),
        }
    }
    if plan.unicode != Unicode::Plain {
        (plan.unit, plan.eight_bits) = (1, true);
    }
    if plan.unicode == Unicode::Red && !t.ctx.is_terminal(1) {
        plan.unicode = Unicode::Escaped;
    }
    let all = options.operands();
    let files: Vec<&BString> = all.iter().filter(|file| *file != "-").collect();
    if files.is_empty() {
        if !all.is_empty() {
            return Err(Fail::Usage(String::new()));
        }
        let Ok(mut input) = t.ctx.stdin() else { return Ok(()) };
        return scan(t, &plan, b"{standard input}", &mut input).await;
    }
    for file in files {
        match t.ctx.stat(file, true) {
            Err(_) => {
                t.error(format!("'{file}': No such file")).await?;
                continue;
            }
            Ok(stat) if stat.kind == wasmsh_os::FileType::Directory => {
                t.error(format!("Warning: '{file}' is a directory")).await?;
                continue;
            }
            Ok(_) => {}
        }
        match t.ctx.open_input(file).await {
            Ok(mut input) => scan(t, &plan, file, &mut input).await?,
            Err(error) => t.error(format!("{file}: {}", error.strerror())).await?,
        }
    }
    Ok(())
}

/// The arguments, with those in the files that `@FILE` names.
async fn expand(t: &mut Tool) -> Result<Vec<BString>, Fail> {
    let mut found = Vec::new();
    let mut waiting: Vec<BString> = t.arguments().into_iter().rev().collect();
    let mut files = 0;
    while let Some(argument) = waiting.pop() {
        let mut text = Vec::new();
        if let Some(name) = argument.strip_prefix(b"@")
            && let Ok(mut input) = t.ctx.open_input(name).await
            && input.read_to_end(&mut text).await.is_ok()
        {
            files += 1;
            if files > MOST_FILES {
                return Err(Fail::Message("too many @-files encountered".into(), 1));
            }
            waiting.extend(words(&text).into_iter().rev());
        } else {
            found.push(argument);
        }
    }
    Ok(found)
}

/// The words of a file of options: quotation marks and backslashes hold blanks together.
fn words(text: &[u8]) -> Vec<BString> {
    let mut all = Vec::new();
    let (mut word, mut quote): (Option<BString>, Option<u8>) = (None, None);
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                let escaped = bytes.next();
                word.get_or_insert_default().extend(escaped);
            }
            _ if quote == Some(byte) => quote = None,
            b'\'' | b'"' if quote.is_none() => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            b' ' | 9..=13 if quote.is_none() => all.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    all.extend(word);
    all
}

/// The least length, as C writes numbers.
fn least(text: &[u8]) -> Result<u64, Fail> {
    let wrong = || Fail::Message(format!("invalid integer argument {}", text.as_bstr()), 1);
    let (minus, rest) = match text.trim_ascii_start() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (radix, digits) = match rest {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', _, ..] => (8, rest),
        _ => (10, rest),
    };
    let digits = digits.to_str().map_err(|_| wrong())?;
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(wrong());
    }
    match u64::from_str_radix(digits, radix) {
        Ok(0) => Err(Fail::Message("invalid minimum string length 0".into(), 1)),
        Ok(value) if !minus => Ok(value),
        // Longer than any text.
        _ => Ok(u64::MAX),
    }
}

/// What stands at a place.
enum Seen {
    /// A character of so many bytes.
    Text(usize),
    Other,
    /// It takes more bytes to know.
    More,
}

impl Plan {
    fn look(&self, bytes: &[u8], ended: bool) -> Seen {
        let Some(unit) = bytes.get(..self.unit) else {
            return if ended { Seen::Other } else { Seen::More };
        };
        if self.unit > 1 {
            let (value, rest) = if self.big {
                unit.split_last().map_or((0, unit), |(last, rest)| (*last, rest))
            } else {
                unit.split_first().map_or((0, unit), |(first, rest)| (*first, rest))
            };
            let text = rest.iter().all(|byte| *byte == 0) && self.is_text(value);
            return if text { Seen::Text(self.unit) } else { Seen::Other };
        }
        let first = unit.first().copied().unwrap_or_default();
        if first < 128 || self.unicode == Unicode::Plain {
            return if self.is_text(first) { Seen::Text(1) } else { Seen::Other };
        }
        let length = match first {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            _ => return Seen::Other,
        };
        if self.unicode == Unicode::Invalid {
            return Seen::Other;
        }
        let there = bytes.get(1..bytes.len().min(length)).unwrap_or_default();
        if !there.iter().all(|byte| byte & 0xC0 == 0x80) {
            return Seen::Other;
        }
        match bytes.len() >= length {
            true => Seen::Text(length),
            false if ended => Seen::Other,
            false => Seen::More,
        }
    }

    fn is_text(&self, byte: u8) -> bool {
        match byte {
            b'\t' | b' '..=b'~' => true,
            b'\n'..=b'\r' => self.blanks,
            _ => byte >= 128 && self.eight_bits,
        }
    }

    /// Appends a character as it is shown.
    fn show(&self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.unit > 1 {
            out.push(if self.big { bytes.last() } else { bytes.first() }.copied().unwrap_or_default());
            return;
        }
        if bytes.len() == 1 {
            out.extend_from_slice(bytes);
            return;
        }
        let lead = u32::from(bytes.first().copied().unwrap_or_default()) & (0x7F >> bytes.len());
        let code = bytes.iter().skip(1).fold(lead, |code, byte| code << 6 | u32::from(byte & 0x3F));
        match self.unicode {
            Unicode::Hex => {
                out.extend_from_slice(b"<0x");
                for byte in bytes {
                    out.extend_from_slice(format!("{byte:02x}").as_bytes());
                }
                out.push(b'>');
            }
            Unicode::Escaped | Unicode::Red => {
                let width = if code > 0xFFFF { 6 } else { 4 };
                let text = format!("\\u{code:0width$x}");
                let text =
                    if self.unicode == Unicode::Red { format!("\x1b[31;47m{text}\x1b[0m") } else { text };
                out.extend_from_slice(text.as_bytes());
            }
            _ => out.extend_from_slice(bytes),
        }
    }
}

async fn scan(t: &mut Tool, plan: &Plan, name: &[u8], input: &mut Input) -> Done {
    let most = t.ctx.kernel().ceilings().expansion_bytes;
    // The characters of a text that is still too short, where it begins, and how many it has.
    let (mut text, mut start, mut count) = (Vec::new(), 0_u64, 0_u64);
    let (mut position, mut ended, mut first) = (0_u64, false, true);
    loop {
        if !ended {
            match input.extend().await {
                Ok(more) => ended = !more,
                Err(error) => return t.error(format!("{}: {}", name.as_bstr(), error.strerror())).await,
            }
        }
        let bytes = input.buffered();
        if first && plan.data && bytes.starts_with(b"\x7fELF") {
            let message = "the sections of object files are not read; use -a";
            return t.error(format!("{}: {message}", name.as_bstr())).await;
        }
        first = false;
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let length = match plan.look(rest, ended) {
                Seen::More => break,
                Seen::Other => {
                    if count >= plan.least {
                        t.out.put(&plan.separator);
                    }
                    text.clear();
                    count = 0;
                    at += 1;
                    continue;
                }
                Seen::Text(length) => length,
            };
            if count == 0 {
                start = position + at as u64;
            }
            count += 1;
            let letter = rest.get(..length).unwrap_or_default();
            at += length;
            if count < plan.least {
                plan.show(letter, &mut text);
                continue;
            }
            if count == plan.least {
                if plan.names {
                    t.out.put(name);
                    t.out.put(b": ");
                }
                match plan.radix {
                    Some(b'o') => t.out.put(format!("{start:7o} ").as_bytes()),
                    Some(b'd') => t.out.put(format!("{start:7} ").as_bytes()),
                    Some(_) => t.out.put(format!("{start:7x} ").as_bytes()),
                    None => {}
                }
                t.out.put(&text);
                text.clear();
            }
            plan.show(letter, t.out.buffer());
        }
        if text.len() as u64 > most {
            return Err(Fail::Message("memory exhausted".into(), 1));
        }
        input.consume(at);
        position += at as u64;
        t.out.drain().await?;
        if ended {
            break;
        }
    }
    if count >= plan.least {
        t.out.put(&plan.separator);
    }
    Ok(())
}
