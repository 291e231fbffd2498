//! `xz`, `unxz`, `xzcat`, `lzma`, `unlzma`, `lzcat`: as XZ Utils 5.4, on the codecs of this folder.

use bstr::{BString, ByteSlice};
use lzma_rust2::CheckType;
use wasmsh_os::{Errno, Input, Stat};

use super::codec::{Broken, Format, Settings};
use super::stream::{Packed, StreamError, Unpacked};
use super::{create, decode_all, encode_all, option_error, settle, with_suffix};
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("z,compress", "force compression"),
    Opt::flag("d,decompress,uncompress", "force decompression"),
    Opt::flag("t,test", "test compressed file integrity"),
    Opt::flag("l,list", "list information about .xz files"),
    Opt::flag("k,keep", "keep (don't delete) input files"),
    Opt::flag("f,force", "force overwrite of output file and (de)compress links"),
    Opt::flag("c,stdout,to-stdout", "write to standard output and don't delete input files"),
    Opt::flag(
        "single-stream",
        "decompress only the first stream, and silently\nignore possible remaining input data",
    ),
    Opt::flag("no-sparse", "do not create sparse files when decompressing"),
    Opt::value("S,suffix", ".SUF", "use the suffix '.SUF' on compressed files"),
    Opt::value(
        "F,format",
        "FMT",
        "file format to encode or decode; possible values are\n'auto' (default), 'xz', 'lzma'",
    ),
    Opt::value("C,check", "CHECK", "integrity check type: 'none', 'crc32', 'crc64' (default), or 'sha256'"),
    Opt::flag("ignore-check", "don't verify the integrity check when decompressing"),
    Opt::flag("e,extreme", "try to improve compression ratio by using more CPU time"),
    Opt::value("T,threads", "NUM", "use at most NUM threads"),
    Opt::value("M,memlimit,memory", "LIMIT", ""),
    Opt::value("memlimit-compress", "LIMIT", ""),
    Opt::value("memlimit-decompress", "LIMIT", ""),
    Opt::value("block-size", "SIZE", ""),
    Opt::flag("q,quiet", "suppress warnings; specify twice to suppress errors too"),
    Opt::flag("v,verbose", "be verbose; specify twice for even more verbose"),
    Opt::flag("Q,no-warn", "make warnings not affect the exit status"),
    Opt::flag("robot", "use machine-parsable messages (useful for scripts)"),
    Opt::flag("h,H,long-help", "display the short help and exit"),
    Opt::flag("V", ""),
    Opt::flag("0", "compression preset; default is 6"),
    Opt::flag("1,fast", ""),
    Opt::flag("2", ""),
    Opt::flag("3", ""),
    Opt::flag("4", ""),
    Opt::flag("5", ""),
    Opt::flag("6", ""),
    Opt::flag("7", ""),
    Opt::flag("8", ""),
    Opt::flag("9,best", ""),
];

const USAGE: &[&str] = &["[OPTION]... [FILE]..."];
const ABOUT: &str = "Compress or decompress FILEs in the .xz format.";
const MORE: &str = "With no FILE, or when FILE is -, read standard input.";

macro_rules! program {
    ($name:ident, $text:literal, $decompress:literal, $stdout:literal, $lzma:literal) => {
        pub(crate) static $name: Command = Command {
            name: $text,
            usage: USAGE,
            about: ABOUT,
            options: OPTIONS,
            more: MORE,
            usage_status: 1,
            main: |ctx| start(&$name, ctx, async |t| run(t, $decompress, $stdout, $lzma).await),
        };
    };
}

program!(XZ, "xz", false, false, false);
program!(UNXZ, "unxz", true, false, false);
program!(XZCAT, "xzcat", true, true, false);
program!(LZMA, "lzma", false, false, true);
program!(UNLZMA, "unlzma", true, false, true);
program!(LZCAT, "lzcat", true, true, true);

struct Plan {
    decompress: bool,
    test: bool,
    stdout: bool,
    keep: bool,
    force: bool,
    quiet: u8,
    no_warn: bool,
    suffix: Option<BString>,
    format: Option<Format>,
    settings: Settings,
}

async fn run(t: &mut Tool, decompress: bool, stdout: bool, lzma: bool) -> Done {
    let mut plan = Plan {
        decompress,
        test: false,
        stdout,
        keep: false,
        force: false,
        quiet: 0,
        no_warn: false,
        suffix: None,
        format: lzma.then_some(Format::Lzma),
        settings: Settings::new(Format::Xz),
    };
    let (mut list, mut robot, mut verbose) = (false, false, false);
    let mut options = t.options();
    loop {
        let name = t.name.clone();
        let next = options.next().map_err(|fail| {
            option_error(fail, |message| {
                (format!("{name}: {message}\n{name}: Try `{name} --help' for more information."), 1)
            })
        })?;
        let Some((option, value)) = next else { break };
        let value = value.unwrap_or_default();
        match option {
            "z" => plan.decompress = false,
            "d" => plan.decompress = true,
            "t" => (plan.test, plan.decompress) = (true, true),
            "l" => list = true,
            "robot" => robot = true,
            "k" => plan.keep = true,
            "f" => plan.force = true,
            "c" => plan.stdout = true,
            "S" => {
                if value.is_empty() || value.contains(&b'/') {
                    return Err(Fail::Message(format!("{value}: Invalid filename suffix"), 1));
                }
                plan.suffix = Some(value);
            }
            "F" => {
                plan.format = match &value[..] {
                    b"auto" => None,
                    b"xz" => Some(Format::Xz),
                    b"lzma" | b"alone" => Some(Format::Lzma),
                    _ => return Err(Fail::Message(format!("{value}: Unknown file format type"), 1)),
                };
            }
            "C" => {
                plan.settings.check = match &value[..] {
                    b"none" => CheckType::None,
                    b"crc32" => CheckType::Crc32,
                    b"crc64" => CheckType::Crc64,
                    b"sha256" => CheckType::Sha256,
                    _ => return Err(Fail::Message(format!("{value}: Unsupported integrity check type"), 1)),
                };
            }
            "e" => plan.settings.extreme = true,
            "q" => plan.quiet = plan.quiet.saturating_add(1),
            "Q" => plan.no_warn = true,
            "h" => return Err(Fail::Help),
            "V" => return Err(Fail::Version),
            // There is one thread, and files have no holes that one would have to ask for.
            "v" => verbose = true,
            "T" | "no-sparse" => {}
            option => match option.parse() {
                Ok(level) => plan.settings.level = level,
                Err(_) => return Err(t.refused(option)),
            },
        }
    }
    let mut files = options.operands();
    if files.is_empty() {
        files.push("-".into());
    }
    if list {
        if !matches!(plan.format, None | Some(Format::Xz)) {
            let text = "--list works only on .xz files (--format=xz or --format=auto)";
            return Err(Fail::Message(text.into(), 1));
        }
        if verbose {
            return Err(Fail::Message("option --verbose is not available here with --list".into(), 1));
        }
        return super::xz_list::list(t, &files, robot).await;
    }
    if robot {
        return Err(t.refused("robot"));
    }
    for file in files {
        if file != "-" {
            one(t, &plan, &file).await?;
            continue;
        }
        match t.ctx.stdin() {
            Ok(input) => transfer(t, &plan, b"(stdin)", input, None).await?,
            Err(error) => failed(t, &plan, format!("(stdin): {}", error.strerror())).await?,
        }
    }
    if plan.no_warn && t.status == 2 {
        t.status = 0;
    }
    Ok(())
}

async fn failed(t: &mut Tool, plan: &Plan, text: String) -> Done {
    t.status = 1;
    if plan.quiet < 2 { t.warn(text).await } else { Ok(()) }
}

async fn skipped(t: &mut Tool, plan: &Plan, text: String) -> Done {
    if t.status == 0 {
        t.status = 2;
    }
    if plan.quiet == 0 { t.warn(text).await } else { Ok(()) }
}

/// The suffixes of the format, and what they are replaced with.
fn suffixes(format: Option<Format>) -> &'static [(&'static [u8], &'static [u8])] {
    match format {
        Some(Format::Xz) => &[(b".xz", b""), (b".txz", b".tar")],
        Some(Format::Lzma) => &[(b".lzma", b""), (b".tlz", b".tar")],
        _ => &[(b".xz", b""), (b".txz", b".tar"), (b".lzma", b""), (b".tlz", b".tar")],
    }
}

fn output_name(plan: &Plan, file: &BString) -> Result<BString, String> {
    let stem = suffixes(if plan.decompress { plan.format } else { Some(plan.format.unwrap_or(Format::Xz)) })
        .iter()
        .find_map(|(suffix, new)| {
            let stem = file.strip_suffix(*suffix).filter(|stem| !stem.is_empty() && !stem.ends_with(b"/"))?;
            Some((with_suffix(stem, new), suffix.as_bstr()))
        });
    let own = plan.suffix.as_ref().and_then(|suffix| file.strip_suffix(&suffix[..]));
    if plan.decompress {
        return match (stem, own) {
            (_, Some(own)) if !own.is_empty() => Ok(own.into()),
            (Some((stem, _)), _) => Ok(stem),
            _ => Err(format!("{file}: Filename has an unknown suffix, skipping")),
        };
    }
    match (stem, own, &plan.suffix) {
        (Some((_, suffix)), ..) => Err(format!("{file}: File already has `{suffix}' suffix, skipping")),
        (_, Some(_), Some(suffix)) => Err(format!("{file}: File already has `{suffix}' suffix, skipping")),
        (_, _, Some(suffix)) => Ok(with_suffix(file, suffix)),
        _ if plan.format == Some(Format::Lzma) => Ok(with_suffix(file, b".lzma")),
        _ => Ok(with_suffix(file, b".xz")),
    }
}

async fn one(t: &mut Tool, plan: &Plan, file: &BString) -> Done {
    let to_file = !plan.stdout && !plan.test;
    let stat = match t.ctx.stat(file, !to_file || plan.force) {
        Ok(stat) => stat,
        Err(error) => return failed(t, plan, format!("{file}: {}", error.strerror())).await,
    };
    if stat.is_directory() {
        return skipped(t, plan, format!("{file}: Is a directory, skipping")).await;
    }
    if to_file && !plan.force {
        if stat.is_symbolic_link() {
            return skipped(t, plan, format!("{file}: Is a symbolic link, skipping")).await;
        }
        if !stat.is_regular() {
            return skipped(t, plan, format!("{file}: Not a regular file, skipping")).await;
        }
        if stat.links > 1 && !plan.keep {
            return skipped(t, plan, format!("{file}: Input file has more than one hard link, skipping"))
                .await;
        }
    }
    let mut target = None;
    if to_file && !plan.decompress {
        match output_name(plan, file) {
            Ok(name) => target = Some(name),
            Err(text) => return skipped(t, plan, text).await,
        }
    }
    let input = match t.ctx.open_input(file).await {
        Ok(input) => input,
        Err(error) => return failed(t, plan, format!("{file}: {}", error.strerror())).await,
    };
    transfer(t, plan, file, input, to_file.then_some((target, &stat))).await
}

/// Compresses or decompresses one input, into a file that takes its place or to standard output.
async fn transfer(
    t: &mut Tool,
    plan: &Plan,
    file: &[u8],
    mut input: Input,
    target: Option<(Option<BString>, &Stat)>,
) -> Done {
    let shown = file.as_bstr();
    let mut format = plan.format;
    let mut plain = false;
    if plan.decompress {
        while input.buffered().len() < 13 {
            match input.extend().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return failed(t, plan, format!("{shown}: {}", error.strerror())).await,
            }
        }
        let found = Format::detect(input.buffered());
        let fits = |found: Format| plan.format.is_none_or(|wanted| wanted == found);
        format = found.filter(|found| matches!(found, Format::Xz | Format::Lzma) && fits(*found));
        if format.is_none() && !(plan.force && plan.stdout) {
            // Where the format is given, lzma has no magic number to miss.
            return failed(t, plan, format!("{shown}: File format not recognized")).await;
        }
        plain = format.is_none();
    }
    // What is no such data is told before a name that is no such name.
    let target = match target {
        None => None,
        Some((Some(name), stat)) => Some((name, stat)),
        Some((None, stat)) => match output_name(plan, &file.into()) {
            Ok(name) => Some((name, stat)),
            Err(text) => return skipped(t, plan, text).await,
        },
    };
    t.out.flush().await?;
    let mut out = match &target {
        None => t.ctx.stdout(),
        Some((path, _)) => {
            if plan.force {
                let _ = t.ctx.remove_file(path);
            }
            match create(t, path).await {
                Ok(out) => out,
                Err(error) => return failed(t, plan, format!("{path}: {}", error.strerror())).await,
            }
        }
    };
    let result = if plan.decompress {
        let mut unpacked = Unpacked::new(&t.ctx, input, if plain { None } else { format });
        let to = if plan.test { None } else { Some(&mut out) };
        let result = decode_all(&mut unpacked, to).await.map(|_| ());
        let garbage = unpacked.decoder.as_ref().is_some_and(|decoder| decoder.garbage);
        let result = if garbage { result.and(Err(Broken::Data.into())) } else { result };
        result.and(out.flush().await.map_err(StreamError::Write))
    } else {
        let format = format.unwrap_or(Format::Xz);
        match Packed::new(out, Some((format, &plan.settings))) {
            Ok(mut packed) => encode_all(&mut input, &mut packed).await,
            Err(broken) => Err(broken.into()),
        }
    };
    let Err(failure) = result else {
        if let Some((path, stat)) = &target {
            settle(t, path, stat, None);
            if !plan.keep
                && let Err(error) = t.ctx.remove_file(file)
            {
                return failed(t, plan, format!("{shown}: Cannot remove: {}", error.strerror())).await;
            }
        }
        return Ok(());
    };
    if let Some((path, _)) = &target {
        let _ = t.ctx.remove_file(path);
    }
    let text = match failure {
        StreamError::Read(error) => format!("{shown}: Read error: {}", error.strerror()),
        StreamError::Write(Errno::BrokenPipe) => return Err(Fail::Status(1)),
        StreamError::Write(error) => {
            let name = target.map_or("(stdout)".into(), |(path, _)| path.to_string());
            format!("{name}: Write error: {}", error.strerror())
        }
        StreamError::Broken(Broken::Truncated) => format!("{shown}: Unexpected end of input"),
        StreamError::Broken(Broken::Format) => format!("{shown}: File format not recognized"),
        StreamError::Broken(Broken::Memory) => format!("{shown}: Memory usage limit reached"),
        StreamError::Broken(_) => format!("{shown}: Compressed data is corrupt"),
    };
    failed(t, plan, text).await
}
