//! `hexdump` and `hd`: show bytes as format strings say (util-linux).

mod format;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Description, Errno, Input, Position};

use crate::lines::or_stdin;
use crate::printf::strtoimax;
use crate::{Command, Done, Fail, Opt, Tool, start};
use format::Formats;

const OPTIONS: &[Opt] = &[
    Opt::flag("b,one-byte-octal", "one-byte octal display"),
    Opt::flag("c,one-byte-char", "one-byte character display"),
    Opt::flag("C,canonical", "canonical hex+ASCII display"),
    Opt::flag("d,two-bytes-decimal", "two-byte decimal display"),
    Opt::flag("o,two-bytes-octal", "two-byte octal display"),
    Opt::flag("x,two-bytes-hex", "two-byte hexadecimal display"),
    Opt::optional("L,color", "MODE", "interpret color formatting specifiers"),
    Opt::value("e,format", "FORMAT", "format string to be used for displaying data"),
    Opt::value("f,format-file", "FILE", "file that contains format strings"),
    Opt::value("n,length", "LENGTH", "interpret only LENGTH bytes of input"),
    Opt::value("s,skip", "OFFSET", "skip OFFSET bytes from the beginning"),
    Opt::flag("v,no-squeezing", "output identical lines"),
    Opt::flag("h", "display this help and exit"),
    Opt::flag("V", "output version information and exit"),
];

const MORE: &str = "A FORMAT is a list of [COUNT][/BYTES] \"TEXT\", where TEXT is a format of printf(3) with the\n\
    conversions %_a[dox], %_A[dox], %_c, %_p and %_u beside.";

pub(crate) static HEXDUMP: Command = Command {
    name: "hexdump",
    usage: &["[options] <file>..."],
    about: "Display file contents in hexadecimal, decimal, octal, or ascii.",
    options: OPTIONS,
    more: MORE,
    usage_status: 1,
    main: |ctx| start(&HEXDUMP, ctx, run),
};

pub(crate) static HD: Command = Command {
    name: "hd",
    usage: &["[options] <file>..."],
    about: "Display file contents in hexadecimal and ascii.",
    options: OPTIONS,
    more: MORE,
    usage_status: 1,
    main: |ctx| start(&HD, ctx, run),
};

const CANONICAL: [&str; 3] = [
    "\"%08.8_Ax\\n\"",
    "\"%08.8_ax  \" 8/1 \"%02x \" \"  \" 8/1 \"%02x \" ",
    "\"  |\" 16/1 \"%_p\" \"|\\n\"",
];

fn canonical(formats: &mut Formats) -> Done {
    CANONICAL.iter().try_for_each(|text| formats.add(text.as_bytes()))
}

/// A size with the suffixes of util-linux: `0x…`, `K`, `KiB`, `KB`.
fn size(text: &[u8], what: &str) -> Result<u64, Fail> {
    let failed =
        || Fail::Message(format!("failed to parse {what}: '{}': Invalid argument", text.as_bstr()), 1);
    let (value, used, overflow) = strtoimax(text);
    let value = u64::try_from(value).ok().filter(|_| used > 0 && !overflow).ok_or_else(failed)?;
    let suffix = text.get(used..).unwrap_or_default();
    let unit = match suffix {
        b"" => 1,
        _ => crate::number::parse_size(suffix, b"EGKkMPTYZ0").map_err(|_| failed())?,
    };
    value.checked_mul(unit).ok_or_else(failed)
}

/// Where the bytes come from: all files one after the other.
struct Source {
    files: std::vec::IntoIter<BString>,
    input: Option<Input>,
    /// What it is called.
    name: BString,
    skip: u64,
    opened: bool,
    /// How many bytes may still be taken.
    left: u64,
    /// Where in the whole what comes next lies.
    address: u64,
}

impl Source {
    /// The next file; false: there is none.
    async fn next_file(&mut self, t: &mut Tool, stdin: bool) -> Result<bool, Fail> {
        let Some(name) = self.files.next() else { return Ok(false) };
        let opened = if stdin { t.ctx.stdin() } else { t.ctx.open_input(&name).await };
        let input = match opened {
            Ok(input) => input,
            Err(error) => {
                t.error(format!("{name}: {}", error.strerror())).await?;
                return Ok(true);
            }
        };
        self.opened = true;
        if self.skip > 0 {
            let skipped = match &**input.description() {
                Description::File(file) => {
                    file.stat().map(|stat| stat.size.min(self.skip)).and_then(|count| {
                        file.seek(Position::Current(i64::try_from(count).unwrap_or(i64::MAX)))?;
                        Ok(count)
                    })
                }
                _ => Err(Errno::IllegalSeek),
            };
            match skipped {
                Ok(count) => {
                    self.skip -= count;
                    self.address += count;
                }
                Err(error) => {
                    let name: BString = if stdin { "stdin".into() } else { name };
                    return Err(Fail::Message(format!("{name}: {}", error.strerror()), 1));
                }
            }
        }
        self.input = Some(input);
        self.name = if stdin { "stdin".into() } else { name };
        Ok(true)
    }

    /// Fills `block` as far as there is data.
    async fn fill(&mut self, t: &mut Tool, stdin: bool, size: usize, block: &mut Vec<u8>) -> Done {
        block.clear();
        while block.len() < size && self.left > 0 {
            let Some(input) = &mut self.input else {
                match self.next_file(t, stdin).await? {
                    true => continue,
                    false => break,
                }
            };
            let wanted = (size - block.len()).min(usize::try_from(self.left).unwrap_or(usize::MAX));
            match input.fill().await {
                Ok([]) => self.input = None,
                Ok(data) => {
                    let data = data.get(..wanted).unwrap_or(data);
                    block.extend_from_slice(data);
                    let count = data.len();
                    input.consume(count);
                    self.left = self.left.saturating_sub(count as u64);
                }
                Err(error) => {
                    // What cannot be read ends there, and is no failure of the whole.
                    let name = &self.name;
                    t.warn(format!("{name}: {}", error.strerror())).await?;
                    self.input = None;
                }
            }
        }
        Ok(())
    }
}

async fn run(t: &mut Tool) -> Done {
    let mut formats = Formats::default();
    let (mut all, mut length, mut skip) = (false, u64::MAX, 0);
    let mut options = t.options();
    let add = |formats: &mut Formats, form: &str| {
        formats.add(b"\"%07.7_Ax\\n\"")?;
        formats.add(format!("\"%07.7_ax \" {form} \"\\n\"").as_bytes())
    };
    if t.command.name == "hd" {
        canonical(&mut formats)?;
    }
    let mut given = false;
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        given |= matches!(name, "b" | "c" | "C" | "d" | "o" | "x" | "e" | "f");
        match name {
            "b" => add(&mut formats, "16/1 \"%03o \"")?,
            "c" => add(&mut formats, "16/1 \"%3_c \"")?,
            "d" => add(&mut formats, "8/2 \"  %05u \"")?,
            "o" => add(&mut formats, "8/2 \" %06o \"")?,
            "x" => add(&mut formats, "8/2 \"   %04x \"")?,
            "C" => canonical(&mut formats)?,
            "e" => {
                formats.add(&value)?;
            }
            "f" => {
                let text =
                    t.ctx.read_file(&value).await.map_err(|error| {
                        Fail::Message(format!("can't read {value}: {}", error.strerror()), 1)
                    })?;
                for line in text.lines().map(<[u8]>::trim_ascii_start) {
                    if !line.is_empty() && !line.starts_with(b"#") {
                        formats.add(line)?;
                    }
                }
            }
            "n" => length = size(&value, "length")?,
            "s" => skip = size(&value, "offset")?,
            "v" => all = true,
            "h" => return Err(Fail::Help),
            "V" => return Err(Fail::Version),
            _ => {}
        }
    }
    if !given && t.command.name != "hd" {
        add(&mut formats, "8/2 \"%04x \"")?;
    }
    formats.complete();
    let operands = options.operands();
    let stdin = operands.is_empty();
    let files = or_stdin(operands).into_iter();
    let mut source = Source {
        files,
        input: None,
        name: BString::default(),
        skip,
        opened: false,
        left: length,
        address: 0,
    };
    let (mut block, mut before) = (Vec::new(), Vec::new());
    let mut squeezed = false;
    let size = formats.block;
    loop {
        source.fill(t, stdin, size, &mut block).await?;
        if block.is_empty() {
            break;
        }
        if !all && block.len() == size && block == before {
            if !squeezed {
                t.out.put(b"*\n");
            }
            squeezed = true;
        } else {
            squeezed = false;
            formats.show(&block, source.address, t.out.buffer());
            before.clone_from(&block);
        }
        source.address += block.len() as u64;
        t.out.drain().await?;
    }
    if !source.opened && length > 0 && size > 0 {
        return Err(Fail::Message("all input file arguments failed".into(), 1));
    }
    if source.address > 0 {
        formats.show_end(source.address, t.out.buffer());
    }
    Ok(())
}
