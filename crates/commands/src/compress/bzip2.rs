//! `bzip2`, `bunzip2`, `bzcat`: as bzip2 1.0.8, on the codecs of this folder.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Input, Stat};

use super::codec::{Broken, Format, Settings};
use super::stream::{Packed, StreamError, Unpacked};
use super::{create, decode_all, encode_all, option_error, say, settle, with_suffix};
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("d,decompress", "force decompression"),
    Opt::flag("z,compress", "force compression"),
    Opt::flag("k,keep", "keep (don't delete) input files"),
    Opt::flag("f,force", "overwrite existing output files"),
    Opt::flag("t,test", "test compressed file integrity"),
    Opt::flag("c,stdout", "output to standard out"),
    Opt::flag("q,quiet", "suppress noncritical error messages"),
    Opt::flag("v,verbose", "be verbose (a 2nd -v gives more)"),
    Opt::flag("L,V,license", "display software version & license"),
    Opt::flag("s,small", "use less memory (at most 2500k)"),
    Opt::flag("h", ""),
    Opt::flag("1,fast", "set block size to 100k"),
    Opt::flag("2", ""),
    Opt::flag("3", ""),
    Opt::flag("4", ""),
    Opt::flag("5", ""),
    Opt::flag("6", ""),
    Opt::flag("7", ""),
    Opt::flag("8", ""),
    Opt::flag("9,best", "set block size to 900k (default)"),
    Opt::flag("repetitive-fast,repetitive-best", ""),
];

const ABOUT: &str = "If no file names are given, bzip2 compresses or decompresses\n\
                     from standard input to standard output.";

pub(crate) static BZIP2: Command = Command {
    name: "bzip2",
    usage: &["[flags and input files in any order]"],
    about: ABOUT,
    options: OPTIONS,
    more: "",
    usage_status: 1,
    main: |ctx| start(&BZIP2, ctx, async |t| run(t, Mode::Compress, false).await),
};

pub(crate) static BUNZIP2: Command = Command {
    name: "bunzip2",
    usage: &["[flags and input files in any order]"],
    about: ABOUT,
    options: OPTIONS,
    more: "",
    usage_status: 1,
    main: |ctx| start(&BUNZIP2, ctx, async |t| run(t, Mode::Decompress, false).await),
};

pub(crate) static BZCAT: Command = Command {
    name: "bzcat",
    usage: &["[flags and input files in any order]"],
    about: ABOUT,
    options: OPTIONS,
    more: "",
    usage_status: 1,
    main: |ctx| start(&BZCAT, ctx, async |t| run(t, Mode::Decompress, true).await),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Compress,
    Decompress,
    Test,
}

struct Plan {
    mode: Mode,
    stdout: bool,
    keep: bool,
    force: bool,
    quiet: bool,
    verbose: bool,
    level: i32,
    /// Bytes of the longest name, or of the name of standard input.
    longest: usize,
}

async fn run(t: &mut Tool, mode: Mode, stdout: bool) -> Done {
    let mut plan =
        Plan { mode, stdout, keep: false, force: false, quiet: false, verbose: false, level: 9, longest: 7 };
    let mut options = t.options();
    loop {
        let command = t.command;
        let name = t.name.clone();
        let next = options.next().map_err(|fail| {
            option_error(fail, |message| {
                let flag = message.rsplit('\'').nth(1).unwrap_or_default();
                let dash = if message.starts_with("invalid") { "-" } else { "" };
                (format!("{name}: Bad flag `{dash}{flag}'\n{}", command.help(&name).trim_end()), 1)
            })
        })?;
        let Some((name, _)) = next else { break };
        match name {
            "d" => plan.mode = Mode::Decompress,
            "z" => plan.mode = Mode::Compress,
            "t" => plan.mode = Mode::Test,
            "k" => plan.keep = true,
            "f" => plan.force = true,
            "c" => plan.stdout = true,
            "q" => plan.quiet = true,
            "v" => plan.verbose = true,
            "h" => return Err(Fail::Help),
            "L" => return Err(Fail::Version),
            digit => {
                if let Ok(level) = digit.parse() {
                    plan.level = level;
                }
            }
        }
    }
    let files = options.operands();
    plan.longest = files.iter().map(|file| file.len()).fold(plan.longest, usize::max);
    if files.is_empty() {
        let input =
            t.ctx.stdin().map_err(|error| Fail::Message(format!("(stdin): {}", error.strerror()), 1))?;
        return transfer(t, &plan, b"(stdin)", input, None).await;
    }
    for file in files {
        if file == "-" {
            match t.ctx.stdin() {
                Ok(input) => transfer(t, &plan, b"(stdin)", input, None).await?,
                Err(error) => t.error(format!("(stdin): {}", error.strerror())).await?,
            }
        } else {
            one(t, &plan, &file).await?;
        }
    }
    Ok(())
}

const SUFFIXES: [(&[u8], &[u8]); 4] =
    [(b".bz2", b""), (b".bz", b""), (b".tbz2", b".tar"), (b".tbz", b".tar")];

async fn one(t: &mut Tool, plan: &Plan, file: &BString) -> Done {
    let stem = SUFFIXES.iter().find_map(|(suffix, new)| {
        let stem = file.strip_suffix(*suffix)?;
        Some((with_suffix(stem, new), *suffix))
    });
    let stat = match t.ctx.stat(file, true) {
        Ok(stat) => stat,
        Err(error) => {
            return t.error(format!("Can't open input file {file}: {}.", error.strerror())).await;
        }
    };
    if plan.mode == Mode::Compress
        && let Some((_, suffix)) = stem
    {
        return t.error(format!("Input file {file} already has {} suffix.", suffix.as_bstr())).await;
    }
    if stat.is_directory() {
        return t.error(format!("Input file {file} is a directory.")).await;
    }
    let to_file = !plan.stdout && plan.mode != Mode::Test;
    if to_file && !plan.force && t.ctx.stat(file, false).is_ok_and(|stat| !stat.is_regular()) {
        return t.error(format!("Input file {file} is not a normal file.")).await;
    }
    let target = match (plan.mode, stem) {
        (Mode::Compress, _) => with_suffix(file, b".bz2"),
        (_, Some((stem, _))) => stem,
        (_, None) => {
            let target = with_suffix(file, b".out");
            if to_file && !plan.quiet {
                t.warn(format!("Can't guess original name for {file} -- using {target}")).await?;
            }
            target
        }
    };
    if to_file && t.ctx.stat(&target, false).is_ok() {
        if !plan.force {
            return t.error(format!("Output file {target} already exists.")).await;
        }
        let _ = t.ctx.remove_file(&target);
    }
    if to_file && !plan.force && stat.links > 1 {
        let count = stat.links - 1;
        let plural = if count > 1 { "s" } else { "" };
        return t.error(format!("Input file {file} has {count} other link{plural}.")).await;
    }
    let input = match t.ctx.open_input(file).await {
        Ok(input) => input,
        Err(error) => {
            return t.error(format!("Can't open input file {file}: {}.", error.strerror())).await;
        }
    };
    transfer(t, plan, file, input, to_file.then_some((&target, &stat))).await
}

/// Compresses or decompresses one input, into a file that takes its place or to standard output.
async fn transfer(
    t: &mut Tool,
    plan: &Plan,
    file: &[u8],
    mut input: Input,
    target: Option<(&BString, &Stat)>,
) -> Done {
    t.out.flush().await?;
    let mut out = match target {
        None => t.ctx.stdout(),
        Some((path, _)) => match create(t, path).await {
            Ok(out) => out,
            Err(error) => {
                return t.error(format!("Can't create output file {path}: {}.", error.strerror())).await;
            }
        },
    };
    if plan.verbose {
        say(t, format!("  {}: ", file.as_bstr())).await?;
        // Names stand in a column.
        let pad = plan.longest.saturating_sub(file.len());
        say(t, vec![b' '; pad]).await?;
    }
    let result = if plan.mode == Mode::Compress {
        let mut settings = Settings::new(Format::Bzip2);
        settings.level = plan.level;
        let mut packed = Packed::new(out, Some((Format::Bzip2, &settings)))
            .map_err(|broken| Fail::Message(broken.to_string(), 1))?;
        let result = encode_all(&mut input, &mut packed).await;
        if result.is_ok() && plan.verbose {
            say(t, rates(packed.bytes_in, packed.bytes_out)).await?;
        }
        result.map(|()| false)
    } else {
        let mut unpacked = Unpacked::new(&t.ctx, input, Some(Format::Bzip2));
        let to = if plan.mode == Mode::Test { None } else { Some(&mut out) };
        let mut result = decode_all(&mut unpacked, to).await.map(|_| ());
        // What is forced to standard output goes there as it is.
        let plain = plan.force && plan.stdout && result == Err(StreamError::Broken(Broken::Format));
        if plain {
            result = decode_plain(t, unpacked, &mut out).await;
            result = result.and(out.flush().await.map_err(StreamError::Write));
            result.map(|()| false)
        } else {
            let flushed = out.flush().await.map_err(StreamError::Write);
            let garbage = unpacked.decoder.as_ref().is_some_and(|decoder| decoder.garbage);
            result.and(flushed).map(|()| garbage)
        }
    };
    match result {
        Ok(garbage) => {
            if garbage && !plan.quiet {
                // A test that tells names has begun the line.
                if plan.mode == Mode::Test && plan.verbose {
                    say(t, "trailing garbage after EOF ignored\n").await?;
                } else {
                    if plan.mode != Mode::Test {
                        say(t, "\n").await?;
                    }
                    t.warn(format!("{}: trailing garbage after EOF ignored", file.as_bstr())).await?;
                }
            }
            if plan.verbose && plan.mode != Mode::Compress {
                say(t, if plan.mode == Mode::Test { "ok\n" } else { "done\n" }).await?;
            }
            if let Some((path, stat)) = target {
                settle(t, path, stat, None);
                if !plan.keep
                    && let Err(error) = t.ctx.remove_file(file)
                {
                    return t.error(format!("Can't remove {}: {}.", file.as_bstr(), error.strerror())).await;
                }
            }
            Ok(())
        }
        Err(failure) => failed(t, plan, file, target.map(|(path, _)| path), failure).await,
    }
}

/// The input that turned out not to be compressed.
async fn decode_plain(t: &Tool, unpacked: Unpacked, out: &mut wasmsh_os::Output) -> Result<(), StreamError> {
    let mut plain = Unpacked::new(&t.ctx, unpacked.into_input(), None);
    decode_all(&mut plain, Some(out)).await.map(|_| ())
}

fn rates(plain: u64, packed: u64) -> String {
    if plain == 0 {
        return " no data compressed.\n".into();
    }
    let (plain_f, packed_f) = (plain as f64, packed as f64);
    format!(
        "{:6.3}:1, {:6.3} bits/byte, {:5.2}% saved, {plain} in, {packed} out.\n",
        plain_f / packed_f,
        packed_f * 8.0 / plain_f,
        100.0 * (1.0 - packed_f / plain_f)
    )
}

/// Tells what went wrong; most of it ends the program.
async fn failed(
    t: &mut Tool,
    plan: &Plan,
    file: &[u8],
    target: Option<&BString>,
    failure: StreamError,
) -> Done {
    let name = t.name.clone();
    let shown = file.as_bstr();
    if let Some(path) = target {
        let _ = t.ctx.remove_file(path);
    }
    let advice = "You can use the `bzip2recover' program to attempt to recover\n\
                  data from undamaged sections of corrupted files.\n\n";
    let (output, reason) = match target {
        Some(path) => (path.to_string(), "No such file or directory"),
        None => ("(stdout)".to_owned(), "Inappropriate ioctl for device"),
    };
    let files = format!("\tInput file = {shown}, output file = {output}\n");
    let deleted = match target {
        Some(path) => format!("{name}: Deleting output file {path}, if it exists.\n"),
        None => String::new(),
    };
    let text = match failure {
        StreamError::Broken(broken) if plan.mode == Mode::Test => {
            let what = match broken {
                Broken::Format => "bad magic number (file not created by bzip2)",
                Broken::Truncated => "file ends unexpectedly",
                _ => "data integrity (CRC) error in data",
            };
            t.status = 2;
            let lead = if plan.verbose { String::new() } else { format!("{name}: {shown}: ") };
            return say(t, format!("{lead}{what}\n\n{advice}")).await;
        }
        StreamError::Broken(Broken::Format) => {
            t.status = 2;
            let lead = if plan.verbose { "\n" } else { "" };
            return say(t, format!("{lead}{name}: {shown} is not a bzip2 file.\n")).await;
        }
        StreamError::Broken(Broken::Truncated) => format!(
            "\n{name}: Compressed file ends unexpectedly;\n\tperhaps it is corrupted?  *Possible* reason follows.\n\
             {name}: {reason}\n{files}\nIt is possible that the compressed file(s) have become corrupted.\n\
             You can use the -tvv option to test integrity of such files.\n\n{advice}{deleted}"
        ),
        StreamError::Broken(_) => format!(
            "\n{name}: Data integrity error when decompressing.\n{files}\n\
             It is possible that the compressed file(s) have become corrupted.\n\
             You can use the -tvv option to test integrity of such files.\n\n{advice}{deleted}"
        ),
        StreamError::Read(error) | StreamError::Write(error) => format!(
            "\n{name}: I/O or other error, bailing out.  Possible reason follows.\n{name}: {}\n{files}{deleted}",
            error.strerror()
        ),
    };
    say(t, text).await?;
    Err(Fail::Status(if matches!(failure, StreamError::Broken(_)) { 2 } else { 1 }))
}
