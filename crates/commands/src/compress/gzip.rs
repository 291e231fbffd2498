//! `gzip`, `gunzip`, `zcat`: as gzip 1.12, on the codecs of this folder.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, FileType, Stat, Timestamp};

use super::codec::{Broken, Format, Settings};
use super::stream::{Packed, StreamError, Unpacked};
use super::{create, decode_all, encode_all, option_error, say, settle, with_suffix};
use crate::path::{base_name, join};
use crate::time::{Moment, zone};
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("a,ascii", ""),
    Opt::value("b,bits", "BITS", ""),
    Opt::flag("c,stdout,to-stdout", "write on standard output, keep original files unchanged"),
    Opt::flag("d,decompress,uncompress", "decompress"),
    Opt::flag("f,force", "force overwrite of output file and compress links"),
    Opt::flag("h", ""),
    Opt::flag("k,keep", "keep (don't delete) input files"),
    Opt::flag("l,list", "list compressed file contents"),
    Opt::flag("L,license", ""),
    Opt::flag("n,no-name", "do not save or restore the original name and timestamp"),
    Opt::flag("N,name", "save or restore the original name and timestamp"),
    Opt::flag("q,quiet,silent", "suppress all warnings"),
    Opt::flag("r,recursive", "operate recursively on directories"),
    Opt::flag("rsyncable", "make rsync-friendly archive"),
    Opt::value("S,suffix", "SUF", "use suffix SUF on compressed files"),
    Opt::flag("synchronous", "synchronous output (safer if system crashes, but slower)"),
    Opt::flag("t,test", "test compressed file integrity"),
    Opt::flag("v,verbose", "verbose mode"),
    Opt::flag("V", ""),
    Opt::flag("1,fast", "compress faster"),
    Opt::flag("2", ""),
    Opt::flag("3", ""),
    Opt::flag("4", ""),
    Opt::flag("5", ""),
    Opt::flag("6", ""),
    Opt::flag("7", ""),
    Opt::flag("8", ""),
    Opt::flag("9,best", "compress better"),
];

const MORE: &str = "With no FILE, or when FILE is -, read standard input.";

pub(crate) static GZIP: Command = Command {
    name: "gzip",
    usage: &["[OPTION]... [FILE]..."],
    about: "Compress or uncompress FILEs (by default, compress FILES in-place).",
    options: OPTIONS,
    more: MORE,
    usage_status: 1,
    main: |ctx| start(&GZIP, ctx, async |t| run(t, Plan::default()).await),
};

pub(crate) static GUNZIP: Command = Command {
    name: "gunzip",
    usage: &["[OPTION]... [FILE]..."],
    about: "Uncompress FILEs (by default, in-place).",
    options: OPTIONS,
    more: MORE,
    usage_status: 1,
    main: |ctx| start(&GUNZIP, ctx, async |t| run(t, Plan { decompress: true, ..Plan::default() }).await),
};

pub(crate) static ZCAT: Command = Command {
    name: "zcat",
    usage: &["[OPTION]... [FILE]..."],
    about: "Uncompress FILEs to standard output.",
    options: OPTIONS,
    more: MORE,
    usage_status: 1,
    main: |ctx| {
        start(&ZCAT, ctx, async |t| run(t, Plan { decompress: true, stdout: true, ..Plan::default() }).await)
    },
};

#[derive(Default)]
struct Plan {
    decompress: bool,
    stdout: bool,
    force: bool,
    keep: bool,
    list: bool,
    test: bool,
    /// `-n` or `-N`.
    name: Option<bool>,
    quiet: bool,
    verbose: bool,
    recursive: bool,
    suffix: BString,
    level: i32,
    /// Of `-l`: headings are written; compressed and uncompressed bytes, files.
    listed: (u64, u64, u64),
    /// Bytes around the data of the last file that was listed.
    last_frame: u64,
}

async fn run(t: &mut Tool, mut plan: Plan) -> Done {
    // The other two are scripts that call it.
    if t.name != "zcat" || !t.arguments().iter().any(|argument| argument == "--help") {
        t.name = "gzip".into();
    }
    plan.suffix = ".gz".into();
    plan.level = 6;
    let mut options = t.options();
    let try_help = |message: String| (format!("gzip: {message}\nTry `gzip --help' for more information."), 1);
    while let Some((name, value)) = options.next().map_err(|fail| option_error(fail, try_help))? {
        match name {
            "c" => plan.stdout = true,
            "d" => plan.decompress = true,
            "f" => plan.force = true,
            "h" => return Err(Fail::Help),
            "k" => plan.keep = true,
            "l" => (plan.list, plan.decompress, plan.stdout) = (true, true, true),
            "L" | "V" => return Err(Fail::Version),
            "n" => plan.name = Some(false),
            "N" => plan.name = Some(true),
            "q" => (plan.quiet, plan.verbose) = (true, false),
            "r" => plan.recursive = true,
            "S" => {
                let value = value.unwrap_or_default();
                if value.is_empty() || value.contains(&b'/') {
                    return Err(Fail::Message(format!("invalid suffix '{value}'"), 1));
                }
                plan.suffix = value;
            }
            "t" => (plan.test, plan.decompress, plan.stdout) = (true, true, true),
            "v" => (plan.verbose, plan.quiet) = (true, false),
            digit if digit.bytes().all(|byte| byte.is_ascii_digit()) => {
                plan.level = digit.parse().unwrap_or(6);
            }
            // Bytes are never converted, the bits were those of an older format, and a file of the sandbox is safe once it is written.
            "a" | "b" | "synchronous" => {}
            name => return Err(t.refused(name)),
        }
    }
    let files = options.operands();
    if files.is_empty() {
        stdin(t, &mut plan).await?;
    }
    for file in files {
        if file == "-" {
            stdin(t, &mut plan).await?;
        } else {
            path(t, &mut plan, file).await?;
        }
    }
    if plan.list && plan.listed.2 > 1 && !plan.quiet {
        let (packed, plain, _) = plan.listed;
        if plan.verbose {
            t.out.put(&[b' '; 30]);
        }
        let line = format!("{packed:19} {plain:19} {} (totals)\n", ratio(plain, packed, plan.last_frame));
        t.out.put(line.as_bytes());
    }
    Ok(())
}

/// Says a warning; the status is 2 unless there was an error.
async fn warning(t: &mut Tool, plan: &Plan, text: String) -> Done {
    if t.status == 0 {
        t.status = 2;
    }
    if plan.quiet { Ok(()) } else { t.warn(text).await }
}

async fn error(t: &mut Tool, name: &[u8], error: Errno) -> Done {
    t.status = 1;
    t.warn(format!("{}: {}", name.as_bstr(), error.strerror())).await
}

async fn stdin(t: &mut Tool, plan: &mut Plan) -> Done {
    if !plan.force && !plan.list && !plan.test {
        let descriptor = if plan.decompress { 0 } else { 1 };
        if t.ctx.is_terminal(descriptor) {
            let (what, how) =
                if plan.decompress { ("read from", "decompression") } else { ("written to", "compression") };
            let text = format!(
                "compressed data not {what} a terminal. Use -f to force {how}.\nFor help, type: gzip -h"
            );
            t.status = 1;
            return t.warn(text).await;
        }
    }
    let stat = t.ctx.stat_descriptor(0).ok().filter(|stat| stat.is_regular());
    let input = match t.ctx.stdin() {
        Ok(input) => input,
        Err(failure) => return error(t, b"stdin", failure).await,
    };
    if plan.decompress {
        decompress(t, plan, b"stdin", input, None, b"stdout", stat.as_ref()).await?;
    } else {
        let mut settings = Settings::new(Format::Gzip);
        settings.level = plan.level;
        settings.time = stat.filter(|_| plan.name != Some(false)).map_or(0, |stat| stamp(&stat));
        compress(t, plan, b"stdin", input, settings, None, b"stdout").await?;
    }
    Ok(())
}

/// The time that a header can hold; 0: none.
fn stamp(stat: &Stat) -> u32 {
    u32::try_from(stat.modified.seconds).unwrap_or(0)
}

/// One operand, and with `-r` all below it.
async fn path(t: &mut Tool, plan: &mut Plan, operand: BString) -> Done {
    let mut stack = vec![operand];
    while let Some(file) = stack.pop() {
        t.ctx.tick().await;
        let (file, stat) = match find(t, plan, &file) {
            Ok(found) => found,
            Err((name, failure)) => {
                error(t, &name, failure).await?;
                continue;
            }
        };
        if !stat.is_directory() {
            one(t, plan, &file, &stat).await?;
        } else if !plan.recursive {
            warning(t, plan, format!("{file} is a directory -- ignored")).await?;
        } else {
            match t.ctx.read_directory(&file) {
                Ok(entries) => {
                    stack.extend(entries.iter().rev().map(|entry| join(&file, entry.name.as_bytes())));
                }
                Err(failure) => error(t, &file, failure).await?,
            }
        }
    }
    Ok(())
}

/// The file that an operand stands for: when decompressing, the suffix may be left out.
fn find(t: &Tool, plan: &Plan, name: &BString) -> Result<(BString, Stat), (BString, Errno)> {
    let follow = plan.force || plan.stdout;
    let failure = match t.ctx.stat(name, follow) {
        Ok(stat) if stat.is_symbolic_link() => {
            // A link to a directory is walked into; one to a file is not to be replaced.
            return match t.ctx.stat(name, true) {
                Ok(target) if target.is_directory() => Ok((name.clone(), target)),
                Ok(_) => Err((name.clone(), Errno::Loop)),
                Err(failure) => Err((name.clone(), failure)),
            };
        }
        Ok(stat) => return Ok((name.clone(), stat)),
        Err(failure) => failure,
    };
    if !plan.decompress || failure != Errno::NoEntry || suffix_of(plan, name).is_some() {
        return Err((name.clone(), failure));
    }
    let mut all: Vec<&[u8]> = vec![&plan.suffix];
    all.extend([&b".gz"[..], b".z", b"-z", b".Z"]);
    for suffix in all {
        let longer = with_suffix(name, suffix);
        if let Ok(stat) = t.ctx.stat(&longer, true) {
            return Ok((longer, stat));
        }
    }
    Err((with_suffix(name, &plan.suffix), failure))
}

/// The suffix of a compressed file that a name has.
fn suffix_of<'a>(plan: &'a Plan, name: &[u8]) -> Option<&'a [u8]> {
    let base = base_name(name);
    let known: [&[u8]; 8] = [&plan.suffix, b".gz", b".z", b".taz", b".tgz", b"-gz", b"-z", b"_z"];
    known.into_iter().find(|suffix| {
        let Some(tail) = base.len().checked_sub(suffix.len()).and_then(|at| base.get(at..)) else {
            return false;
        };
        base.len() > suffix.len() && tail.eq_ignore_ascii_case(suffix)
    })
}

/// Why there is no output for a file.
enum NoOutput {
    Silent,
    /// A warning that the status tells of.
    Warning(String),
    /// It is compressed already, which the status does not tell.
    Packed(String),
}

/// The name of the output.
fn output_name(plan: &Plan, file: &BString) -> Result<BString, NoOutput> {
    let suffix = suffix_of(plan, file);
    if !plan.decompress {
        return match suffix {
            Some(suffix) if plan.verbose || (!plan.recursive && !plan.quiet) => {
                Err(NoOutput::Packed(format!("{file} already has {} suffix -- unchanged", suffix.as_bstr())))
            }
            Some(_) => Err(NoOutput::Silent),
            None => Ok(with_suffix(file, &plan.suffix)),
        };
    }
    match suffix {
        None if plan.recursive && !plan.verbose => Err(NoOutput::Silent),
        None => Err(NoOutput::Warning(format!("{file}: unknown suffix -- ignored"))),
        Some(suffix) => {
            let stem = file.get(..file.len() - suffix.len()).unwrap_or_default();
            Ok(if suffix == b".taz" || suffix == b".tgz" { with_suffix(stem, b".tar") } else { stem.into() })
        }
    }
}

async fn one(t: &mut Tool, plan: &mut Plan, file: &BString, stat: &Stat) -> Done {
    if stat.kind != FileType::Regular && !plan.stdout {
        return warning(t, plan, format!("{file} is not a directory or a regular file - ignored")).await;
    }
    if !plan.stdout && !plan.force && !plan.keep && stat.links > 1 {
        let count = stat.links - 1;
        let plural = if count == 1 { ' ' } else { 's' };
        return warning(t, plan, format!("{file} has {count} other link{plural} -- file ignored")).await;
    }
    let target = if plan.stdout {
        None
    } else {
        match output_name(plan, file) {
            Ok(name) => Some(name),
            Err(NoOutput::Silent) => return Ok(()),
            Err(NoOutput::Warning(text)) => return warning(t, plan, text).await,
            Err(NoOutput::Packed(text)) => return t.warn(text).await,
        }
    };
    let input = match t.ctx.open_input(file).await {
        Ok(input) => input,
        Err(failure) => return error(t, file, failure).await,
    };
    if plan.decompress {
        return decompress(
            t,
            plan,
            file,
            input,
            target.as_ref().map(|target| target.as_slice()),
            b"stdout",
            Some(stat),
        )
        .await;
    }
    let mut settings = Settings::new(Format::Gzip);
    settings.level = plan.level;
    if plan.name != Some(false) {
        settings.time = stamp(stat);
        settings.name = Some(base_name(file).to_vec());
    }
    let Some(target) = target else {
        return compress(t, plan, file, input, settings, None, b"stdout").await;
    };
    if !free(t, plan, &target).await? {
        return Ok(());
    }
    compress(t, plan, file, input, settings, Some(stat), &target).await
}

/// Makes room for an output. False: something is there, and stays.
async fn free(t: &mut Tool, plan: &Plan, target: &BString) -> Result<bool, Fail> {
    if t.ctx.stat(target, false).is_err() {
        return Ok(true);
    }
    if !plan.force {
        if t.ctx.is_terminal(0) {
            let question = format!("gzip: {target} already exists; do you wish to overwrite (y or n)? ");
            if crate::ask::confirm(t, &question).await? {
                return Ok(t.ctx.remove_file(target).is_ok());
            }
            say(t, "\tnot overwritten\n").await?;
        } else {
            say(t, format!("gzip: {target} already exists;\tnot overwritten\n")).await?;
        }
        if t.status == 0 {
            t.status = 2;
        }
        return Ok(false);
    }
    if let Err(failure) = t.ctx.remove_file(target) {
        error(t, target, failure).await?;
        return Ok(false);
    }
    Ok(true)
}

/// Compresses into `target`; `stat` is that of the file, whose place it takes.
async fn compress(
    t: &mut Tool,
    plan: &Plan,
    file: &[u8],
    mut input: wasmsh_os::Input,
    settings: Settings,
    stat: Option<&Stat>,
    target: &[u8],
) -> Done {
    let out = match stat {
        None => {
            t.out.flush().await?;
            t.ctx.stdout()
        }
        Some(_) => match create(t, target).await {
            Ok(out) => out,
            Err(failure) => return error(t, target, failure).await,
        },
    };
    if plan.verbose && file != b"stdin" {
        say(t, format!("{}:\t", file.as_bstr())).await?;
    }
    let header = 18 + settings.name.as_ref().map_or(0, |name| name.len() as u64 + 1);
    let mut packed = Packed::new(out, Some((Format::Gzip, &settings)))
        .map_err(|broken| Fail::Message(broken.to_string(), 1))?;
    if let Err(failure) = encode_all(&mut input, &mut packed).await {
        if stat.is_some() {
            let _ = t.ctx.remove_file(target);
        }
        return broken(t, plan, file, target, failure).await.map(|_| ());
    }
    if plan.verbose {
        let mut text = ratio(packed.bytes_in, packed.bytes_out, header);
        text.push_str(&done(plan, file, target));
        say(t, text).await?;
    }
    drop(packed);
    if let Some(stat) = stat {
        settle(t, target, stat, None);
        if !plan.keep
            && let Err(failure) = t.ctx.remove_file(file)
        {
            return error(t, file, failure).await;
        }
    }
    Ok(())
}

fn done(plan: &Plan, file: &[u8], target: &[u8]) -> String {
    if file == b"stdin" {
        return "\n".into();
    }
    let verb = if plan.keep { "created" } else { "replaced with" };
    format!(" -- {verb} {}\n", target.as_bstr())
}

/// How much smaller `packed` is, its `header` left out, in percent of `plain`.
fn ratio(plain: u64, packed: u64, header: u64) -> String {
    if plain == 0 {
        return "  0.0%".into();
    }
    let saved = plain as f64 - (packed as f64 - header as f64);
    format!("{:5.1}%", saved * 100.0 / plain as f64)
}

/// Tells what went wrong. False: nothing more is to be done.
async fn broken(
    t: &mut Tool,
    plan: &Plan,
    file: &[u8],
    target: &[u8],
    failure: StreamError,
) -> Result<bool, Fail> {
    t.status = 1;
    let file = file.as_bstr();
    let (text, go_on) = match failure {
        StreamError::Read(error) => (format!("gzip: {file}: {}\n", error.strerror()), false),
        StreamError::Write(error) => (format!("\ngzip: {}: {}\n", target.as_bstr(), error.strerror()), false),
        StreamError::Broken(Broken::Format) => (format!("\ngzip: {file}: not in gzip format\n"), true),
        StreamError::Broken(what @ (Broken::Crc | Broken::Length)) => {
            (format!("\ngzip: {file}: {what}\n"), plan.test)
        }
        StreamError::Broken(what) => (format!("\ngzip: {file}: {what}\n"), false),
    };
    say(t, text).await?;
    if go_on { Ok(true) } else { Err(Fail::Status(1)) }
}

/// Decompresses into `target` (the file's place, if `None` is not given), or looks only.
async fn decompress(
    t: &mut Tool,
    plan: &mut Plan,
    file: &[u8],
    input: wasmsh_os::Input,
    target: Option<&[u8]>,
    stdout: &[u8],
    stat: Option<&Stat>,
) -> Done {
    let mut input = input;
    let first_two = loop {
        match input.buffered() {
            [a, b, ..] => break Some([*a, *b]),
            _ => match input.extend().await {
                Ok(true) => {}
                Ok(false) => break None,
                Err(failure) => return error(t, file, failure).await,
            },
        }
    };
    let format = match first_two {
        Some([0x1f, 0x8b]) => Some(Format::Gzip),
        _ if plan.force && plan.stdout && !plan.list && !plan.test => None,
        _ => Some(Format::Gzip),
    };
    let mut unpacked = Unpacked::new(&t.ctx, input, format);
    // Its header tells the name.
    if let Err(failure) = unpacked.fill().await {
        let name = target.unwrap_or(stdout).to_vec();
        let told = failure != StreamError::Broken(Broken::Format);
        if told && plan.verbose && file != b"stdin" && !plan.list {
            say(t, format!("{}:\t", file.as_bstr())).await?;
        }
        return broken(t, plan, file, &name, failure).await.map(|_| ());
    }
    let header = unpacked.decoder.as_ref().map(|decoder| decoder.header.clone()).unwrap_or_default();
    let mut target: Option<BString> = target.map(Into::into);
    let mut modified = None;
    if plan.name == Some(true) {
        if let (Some(path), Some(name)) = (&mut target, &header.name) {
            let name = base_name(name);
            if !name.is_empty() && !matches!(name, b"." | b".." | b"/") {
                let length = path.len() - base_name(path).len();
                path.truncate(length);
                path.extend_from_slice(name);
            }
        }
        if header.time != 0 {
            modified = Some(Timestamp { seconds: header.time.into(), nanoseconds: 0 });
        }
    }
    if let Some(target) = &target
        && !free(t, plan, target).await?
    {
        return Ok(());
    }
    if plan.verbose && file != b"stdin" && !plan.list {
        say(t, format!("{}:\t", file.as_bstr())).await?;
    }
    let result = match &target {
        _ if plan.list || plan.test => decode_all(&mut unpacked, None).await,
        None => decode_all(&mut unpacked, Some(&mut t.out)).await,
        Some(target) => match create(t, target).await {
            Err(failure) => return error(t, target, failure).await,
            Ok(mut out) => match decode_all(&mut unpacked, Some(&mut out)).await {
                Ok(count) => out.flush().await.map(|()| count).map_err(StreamError::Write),
                Err(failure) => {
                    let _ = out.flush().await;
                    Err(failure)
                }
            },
        },
    };
    let plain = match result {
        Ok(plain) => plain,
        Err(failure) => {
            if let Some(target) = &target {
                let _ = t.ctx.remove_file(target);
            }
            let name = target.as_ref().map(|target| target.as_slice()).unwrap_or(stdout).to_vec();
            return broken(t, plan, file, &name, failure).await.map(|_| ());
        }
    };
    if unpacked.decoder.as_ref().is_some_and(|decoder| decoder.garbage) {
        if t.status == 0 {
            t.status = 2;
        }
        if !plan.quiet {
            let text = format!("\ngzip: {}: decompression OK, trailing garbage ignored\n", file.as_bstr());
            say(t, text).await?;
        }
    }
    if plan.verbose && !plan.list && unpacked.decoder.as_ref().is_some_and(|decoder| decoder.padding) {
        if t.status == 0 {
            t.status = 2;
        }
        let text = format!("\ngzip: {}: decompression OK, trailing zero bytes ignored\n", file.as_bstr());
        say(t, text).await?;
    }
    let taken = unpacked.taken;
    let frame = header.length as u64 + 8;
    if plan.list {
        let crc = unpacked.decoder.as_ref().map_or(0, |decoder| decoder.crc);
        let time = match (header.time, stat) {
            (0, Some(stat)) => stat.modified.seconds,
            (time, _) => time.into(),
        };
        return list(t, plan, file, (taken, plain, frame), crc, time).await;
    }
    if plan.verbose {
        let text = if plan.test {
            " OK\n".to_owned()
        } else {
            ratio(plain, taken, frame)
                + &done(plan, file, target.as_ref().map(|target| target.as_slice()).unwrap_or(stdout))
        };
        say(t, text).await?;
    }
    if let (Some(target), Some(stat)) = (&target, stat) {
        settle(t, target, stat, modified);
        if !plan.keep
            && let Err(failure) = t.ctx.remove_file(file)
        {
            return error(t, file, failure).await;
        }
    }
    Ok(())
}

/// A line of `-l`.
async fn list(
    t: &mut Tool,
    plan: &mut Plan,
    file: &[u8],
    (packed, plain, frame): (u64, u64, u64),
    crc: u32,
    time: i64,
) -> Done {
    if plan.listed.2 == 0 && !plan.quiet {
        if plan.verbose {
            t.out.put(b"method  crc     date  time  ");
        }
        t.out.put(b"         compressed        uncompressed  ratio uncompressed_name\n");
    }
    plan.listed = (plan.listed.0 + packed, plan.listed.1 + plain, plan.listed.2 + 1);
    plan.last_frame = frame;
    if plan.verbose {
        let at = Timestamp { seconds: time, nanoseconds: 0 };
        let mut date = Vec::new();
        if let Some(moment) = Moment::new(at, &zone(&t.ctx)) {
            moment.format(b"%b %e %H:%M", &mut date);
        }
        t.out.put(format!("defla {crc:08x} {} ", date.as_bstr()).as_bytes());
    }
    let name: BString = match suffix_of(plan, file) {
        _ if file == b"stdin" => "stdout".into(),
        Some(suffix) => {
            let stem = file.get(..file.len() - suffix.len()).unwrap_or_default();
            if suffix == b".taz" || suffix == b".tgz" { with_suffix(stem, b".tar") } else { stem.into() }
        }
        None => file.into(),
    };
    let line = format!("{packed:19} {plain:19} {} {name}\n", ratio(plain, packed, frame));
    t.out.put(line.as_bytes());
    Ok(t.out.drain().await?)
}
