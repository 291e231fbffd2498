//! `zstd`, `unzstd`, `zstdcat`: as zstd 1.5, on the codecs of this folder.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, Input, Stat};

use super::codec::{Broken, Format, Settings};
use super::stream::{Packed, StreamError, Unpacked};
use super::{create, decode_all, digits, encode_all, option_error, say, settle, with_suffix};
use crate::path::join;
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::value("o", "OUTPUT", "Write output to a single file, OUTPUT."),
    Opt::flag("k,keep", "Preserve INPUT file(s). [Default]"),
    Opt::flag("rm", "Remove INPUT file(s) after successful (de)compression."),
    Opt::flag("#", "Desired compression level, where `#` is a number between 1 and 19"),
    Opt::flag("z,compress", "Force compression."),
    Opt::flag("d,decompress,uncompress", "Force decompression."),
    Opt::flag("t,test", "Test compressed file integrity."),
    Opt::flag("c,stdout", "Write to STDOUT (even if it is a console) and keep the INPUT file(s)."),
    Opt::flag("f,force", "Disable input and output checks."),
    Opt::flag("r", "Operate recursively on directories."),
    Opt::flag("q,quiet", "Suppress warnings; pass twice to suppress errors."),
    Opt::flag("v,verbose", "Enable verbose output; pass multiple times to increase verbosity."),
    Opt::flag("ultra", "Enable levels beyond 19, up to 22; requires more memory."),
    Opt::optional("fast", "#", "Use to very fast compression levels. [Default: 1]"),
    Opt::optional("long", "#", ""),
    Opt::flag("check", "Add XXH64 integrity checksums during compression. [Default]"),
    Opt::flag("no-check", ""),
    Opt::flag("content-size,progress,no-progress,sparse,no-sparse,single-thread,no-dictID", ""),
    Opt::value("T,threads", "#", ""),
    Opt::value("M,memory", "#", ""),
    Opt::flag("no-content-size", ""),
    Opt::flag("h,H", "Display short usage and exit."),
    Opt::flag("V", ""),
];

macro_rules! program {
    ($name:ident, $text:literal, $decompress:literal, $stdout:literal) => {
        pub(crate) static $name: Command = Command {
            name: $text,
            usage: &["[OPTIONS...] [INPUT... | -] [-o OUTPUT]"],
            about: "Compress or decompress the INPUT file(s); reads from STDIN if INPUT is `-` or not provided.",
            options: OPTIONS,
            more: "",
            usage_status: 1,
            main: |ctx| start(&$name, ctx, async |t| run(t, $decompress, $stdout).await),
        };
    };
}

program!(ZSTD, "zstd", false, false);
program!(UNZSTD, "unzstd", true, false);
program!(ZSTDCAT, "zstdcat", true, true);

struct Plan {
    decompress: bool,
    test: bool,
    stdout: bool,
    remove: bool,
    force: bool,
    recursive: bool,
    /// 2 by default: notes and errors; 1: errors.
    display: i32,
    output: Option<BString>,
    settings: Settings,
}

async fn run(t: &mut Tool, decompress: bool, stdout: bool) -> Done {
    t.name = "zstd".into();
    let mut plan = Plan {
        decompress,
        test: false,
        stdout,
        remove: false,
        force: stdout,
        recursive: false,
        display: if stdout { 1 } else { 2 },
        output: None,
        settings: Settings::new(Format::Zstd),
    };
    let (mut ultra, mut removes) = (false, false);
    let mut options = t.options();
    let wrong = |message: String| (format!("{message}\nzstd: Incorrect parameters"), 1);
    while let Some((name, value)) = options.next().map_err(|fail| option_error(fail, wrong))? {
        let value = value.unwrap_or_default();
        match name {
            "o" => plan.output = Some(value),
            "k" => removes = false,
            "rm" => removes = true,
            "#" => {
                plan.settings.level = digits(&value).and_then(|level| i32::try_from(level).ok()).unwrap_or(3)
            }
            "z" => plan.decompress = false,
            "d" => plan.decompress = true,
            "t" => (plan.test, plan.decompress) = (true, true),
            "c" => (plan.stdout, plan.display) = (true, plan.display - 1),
            "f" => plan.force = true,
            "r" => plan.recursive = true,
            "q" => plan.display -= 1,
            "v" => plan.display += 1,
            "ultra" => ultra = true,
            "fast" => {
                let level = if value.is_empty() { Some(1) } else { digits(&value) };
                plan.settings.level = -level.and_then(|level| i32::try_from(level).ok()).unwrap_or(1);
            }
            "check" => plan.settings.checksum = true,
            "no-check" => plan.settings.checksum = false,
            "h" => return Err(Fail::Help),
            "V" => return Err(Fail::Version),
            "M" | "no-content-size" => return Err(t.refused(name)),
            // How the work is done, and what is shown meanwhile, does not show in the result.
            _ => {}
        }
    }
    plan.remove = removes && !plan.stdout;
    let most = if ultra { 22 } else { 19 };
    if plan.settings.level > most && !plan.decompress {
        let text = format!("Warning : compression level higher than max, reduced to {most} \n");
        say(t, text).await?;
        plan.settings.level = most;
    }
    let mut files = options.operands();
    if files.is_empty() {
        files.push("-".into());
    }
    if files.len() > 1 && plan.output.is_some() {
        return Err(Fail::Message("Not supported: several inputs into one output".into(), 1));
    }
    let mut stack: Vec<BString> = files.into_iter().rev().collect();
    while let Some(file) = stack.pop() {
        t.ctx.tick().await;
        if file == "-" {
            match t.ctx.stdin() {
                Ok(input) => transfer(t, &plan, b"/*stdin*\\", input, None).await?,
                Err(error) => failed(t, format!("stdin: {}", error.strerror())).await?,
            }
            continue;
        }
        match t.ctx.stat(&file, true) {
            Err(error) => {
                failed(t, format!("can't stat {file} : {} -- ignored ", error.strerror())).await?;
            }
            Ok(stat) if stat.is_directory() && plan.recursive => match t.ctx.read_directory(&file) {
                Ok(entries) => {
                    stack.extend(entries.iter().rev().map(|entry| join(&file, entry.name.as_bytes())))
                }
                Err(error) => failed(t, format!("{file}: {}", error.strerror())).await?,
            },
            Ok(stat) if stat.is_directory() => {
                failed(t, format!("{file} is a directory -- ignored ")).await?;
            }
            Ok(stat) => match t.ctx.open_input(&file).await {
                Ok(input) => transfer(t, &plan, &file, input, Some(&stat)).await?,
                Err(error) => failed(t, format!("{file}: {} ", error.strerror())).await?,
            },
        }
    }
    Ok(())
}

async fn failed(t: &mut Tool, text: String) -> Done {
    t.status = 1;
    t.warn(text).await
}

const SUFFIXES: [(&[u8], &[u8]); 7] = [
    (b".zst", b""),
    (b".tzst", b".tar"),
    (b".gz", b""),
    (b".tgz", b".tar"),
    (b".lzma", b""),
    (b".xz", b""),
    (b".txz", b".tar"),
];

/// Compresses or decompresses one input; `stat`: that of the file, if it is one.
async fn transfer(t: &mut Tool, plan: &Plan, file: &[u8], mut input: Input, stat: Option<&Stat>) -> Done {
    let shown = file.as_bstr();
    let target = if plan.test || plan.stdout || (stat.is_none() && plan.output.is_none()) {
        None
    } else if let Some(output) = &plan.output {
        Some(output.clone()).filter(|output| output != "-")
    } else if !plan.decompress {
        Some(with_suffix(file, b".zst"))
    } else {
        let stem =
            SUFFIXES.iter().find_map(|(suffix, new)| Some(with_suffix(file.strip_suffix(*suffix)?, new)));
        let Some(stem) = stem else {
            let text = format!(
                "{shown}: unknown suffix (.zst/.tzst/.gz/.tgz/.lzma/.xz/.txz/.lz4/.tlz4 expected). \
                 Can't derive the output file name. Specify it with -o dstFileName. Ignoring."
            );
            return failed(t, text).await;
        };
        Some(stem)
    };
    let mut format = None;
    if plan.decompress {
        while input.buffered().len() < 13 {
            match input.extend().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return failed(t, format!("{shown}: {} ", error.strerror())).await,
            }
        }
        let start = input.buffered();
        format = match start {
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Format::Zstd),
            _ => Format::detect(start).filter(|format| *format != Format::Bzip2),
        };
        if format.is_none() && !(plan.force && plan.stdout) {
            let what = match start.len() {
                0 => "unexpected end of file",
                1..4 => "unknown header",
                _ => "unsupported format",
            };
            return failed(t, format!("{shown}: {what} ")).await;
        }
    }
    if let Some(target) = &target
        && t.ctx.stat(target, false).is_ok()
    {
        if !plan.force {
            let question = format!("zstd: {target} already exists; overwrite (y/n) ? ");
            if plan.display <= 1 {
                return failed(t, format!("{target} already exists; not overwritten  ")).await;
            }
            if !crate::ask::confirm(t, &question).await? {
                say(t, "Not overwritten  \n \n").await?;
                t.status = 1;
                return Ok(());
            }
        }
        let _ = t.ctx.remove_file(target);
    }
    t.out.flush().await?;
    let mut out = match &target {
        None => t.ctx.stdout(),
        Some(target) => match create(t, target).await {
            Ok(out) => out,
            Err(error) => return failed(t, format!("{target}: {} ", error.strerror())).await,
        },
    };
    let name = target.as_ref().map_or(BString::from("/*stdout*\\"), Clone::clone);
    let (result, note) = if plan.decompress {
        let mut unpacked = Unpacked::new(&t.ctx, input, format);
        let to = if plan.test { None } else { Some(&mut out) };
        let result = decode_all(&mut unpacked, to).await;
        let flushed = out.flush().await.map_err(StreamError::Write);
        let note = result.map_or(String::new(), |count| format!("{shown:<20}: {count} bytes \n"));
        (result.map(|_| ()).and(flushed), note)
    } else {
        let mut settings = plan.settings.clone();
        settings.size = stat.filter(|stat| stat.is_regular()).map(|stat| stat.size);
        match Packed::new(out, Some((Format::Zstd, &settings))) {
            Ok(mut packed) => {
                let result = encode_all(&mut input, &mut packed).await;
                (result, summary(file, packed.bytes_in, packed.bytes_out, &name))
            }
            Err(broken) => (Err(broken.into()), String::new()),
        }
    };
    let Err(failure) = result else {
        if plan.display >= 2 {
            say(t, note).await?;
        }
        if let (Some(target), Some(stat)) = (&target, stat) {
            settle(t, target, stat, None);
            if plan.remove
                && let Err(error) = t.ctx.remove_file(file)
            {
                return failed(t, format!("{shown}: {} ", error.strerror())).await;
            }
        }
        return Ok(());
    };
    if let Some(target) = &target {
        let _ = t.ctx.remove_file(target);
    }
    t.status = 1;
    let text = match failure {
        StreamError::Write(Errno::BrokenPipe) => return Ok(()),
        StreamError::Read(error) => format!("zstd: error 30 : {shown}: {} \n", error.strerror()),
        StreamError::Write(error) => {
            format!("zstd: error 70 : Write error : cannot write block : {} \n", error.strerror())
        }
        StreamError::Broken(Broken::Truncated) => format!("{shown} : Read error (39) : premature end \n"),
        StreamError::Broken(Broken::Format) => format!("zstd: {shown}: unsupported format \n"),
        StreamError::Broken(Broken::Crc) => {
            format!("{shown} : Decoding error (36) : Restored data doesn't match checksum \n")
        }
        StreamError::Broken(Broken::Memory) => {
            format!("{shown} : Decoding error (36) : Frame requires too much memory for decoding \n")
        }
        StreamError::Broken(_) => format!("{shown} : Decoding error (36) : Data corruption detected \n"),
    };
    say(t, text).await
}

fn summary(file: &[u8], plain: u64, packed: u64, target: &BString) -> String {
    let shown = file.as_bstr();
    let (left, right) = (human(plain), human(packed));
    if plain == 0 {
        return format!("{shown:<20} :  ({left} => {right}, {target}) \n");
    }
    let percent = packed as f64 * 100.0 / plain as f64;
    format!("{shown:<20} :{percent:6.2}%   ({left} => {right}, {target}) \n")
}

/// A size with the unit that fits, in three places or more.
fn human(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let places = if unit == "B" || value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:6.places$} {unit}")
}
