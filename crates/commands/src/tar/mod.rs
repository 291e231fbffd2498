//! `tar`: archives, as GNU tar 1.34. Headers, names and the walk are its own; compressed archives stand on `compress`.

mod archive;
mod args;
mod create;
mod extract;
mod header;
mod list;
mod names;
mod sparse;
mod transform;
mod update;

use std::rc::Rc;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Description, Errno, FileType, Input, OpenFlags, Output};

use crate::compress::codec::{Broken, Format, Settings};
use crate::compress::stream::{Packed, StreamError, Unpacked};
use crate::{Command, Done, Fail, Tool, start};
use archive::{ArchiveError, Reader, Writer};
use args::{Mode, Packing, Plan};
use transform::{Role, Substitution};

pub(crate) static COMMAND: Command = Command {
    name: "tar",
    usage: &["[OPTION...] [FILE]..."],
    about: "GNU 'tar' saves many files together into a single tape or disk archive, and can\n\
            restore individual files from the archive.",
    options: args::OPTIONS,
    more: "",
    usage_status: 64,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut plan = args::read(t).await?;
    let done = match plan.mode {
        Mode::Create => create::create(t, &mut plan).await,
        Mode::Extract | Mode::List | Mode::Compare => extract::read(t, &mut plan).await,
        Mode::Append | Mode::Update | Mode::Concatenate => update::append(t, &mut plan).await,
        Mode::Delete => update::delete(t, &mut plan).await,
    };
    done?;
    if t.status == 2 {
        t.warn("Exiting with failure status due to previous errors").await?;
    }
    Ok(())
}

/// An error that lets tar go on, and end with status 2.
async fn error(t: &mut Tool, text: impl AsRef<str>) -> Done {
    t.status = 2;
    t.warn(text).await
}

/// An error of a file: `FILE: Cannot DO: REASON`.
async fn cannot(t: &mut Tool, file: &[u8], what: &str, reason: Errno) -> Done {
    let file = list::escape(file, t.utf8);
    error(t, format!("{file}: Cannot {what}: {}", reason.strerror())).await
}

/// An error that ends tar at once.
async fn fatal(t: &mut Tool, text: impl AsRef<str>) -> Fail {
    // Nobody is left to tell when this fails.
    let _ = t.warn(text).await;
    Fail::Message("Error is not recoverable: exiting now".into(), 2)
}

/// What went wrong below an archive that is read.
async fn broken(t: &mut Tool, plan: &Plan, failure: ArchiveError) -> Fail {
    let archive = shown_archive(plan);
    match failure {
        ArchiveError::Truncated | ArchiveError::TooLarge => fatal(t, failure.to_string()).await,
        ArchiveError::Stream(StreamError::Read(reason)) => {
            fatal(t, format!("{archive}: Cannot read: {}", reason.strerror())).await
        }
        ArchiveError::Stream(StreamError::Write(reason)) => {
            fatal(t, format!("{archive}: Cannot write: {}", reason.strerror())).await
        }
        ArchiveError::Stream(StreamError::Broken(what)) => {
            t.err.put(child_message(plan, what).as_bytes());
            let status = match plan.packing {
                Packing::Named(Format::Bzip2) => 2,
                _ => 1,
            };
            if what == Broken::Truncated {
                let _ = t.warn("Unexpected EOF in archive").await;
            }
            fatal(t, format!("Child returned status {status}")).await
        }
    }
}

/// What the program that decompresses says.
fn child_message(plan: &Plan, what: Broken) -> String {
    let format = match plan.packing {
        Packing::Named(format) => format,
        _ => Format::Gzip,
    };
    match (format, what) {
        (Format::Gzip, Broken::Format) => "\ngzip: stdin: not in gzip format\n".into(),
        (Format::Gzip, what) => format!("\ngzip: stdin: {what}\n"),
        (Format::Bzip2, Broken::Format) => "bzip2: (stdin) is not a bzip2 file.\n".into(),
        (Format::Bzip2, _) => "\nbzip2: Data integrity error when decompressing.\n".into(),
        (Format::Xz, Broken::Truncated) => "xz: (stdin): Unexpected end of input\n".into(),
        (Format::Xz, _) => "xz: (stdin): File format not recognized\n".into(),
        (Format::Lzma, _) => "lzma: (stdin): File format not recognized\n".into(),
        (Format::Zstd, Broken::Truncated) => "/*stdin*\\ : Read error (39) : premature end \n".into(),
        (Format::Zstd, _) => "zstd: /*stdin*\\: unsupported format \n".into(),
    }
}

fn shown_archive(plan: &Plan) -> String {
    match &plan.archive {
        Some(path) => path.to_string(),
        None => "-".into(),
    }
}

/// `archive: Cannot open: …`, as tar itself or its child says it.
async fn cannot_open(t: &mut Tool, plan: &Plan, reason: Errno) -> Fail {
    let archive = shown_archive(plan);
    let text = format!("{archive}: Cannot open: {}", reason.strerror());
    if matches!(plan.packing, Packing::Named(_)) {
        let child = format!("tar (child): {text}\ntar (child): Error is not recoverable: exiting now\n");
        t.err.put(child.as_bytes());
        return fatal(t, "Child returned status 2").await;
    }
    fatal(t, text).await
}

/// Opens the archive to be read.
async fn open_reader(t: &mut Tool, plan: &mut Plan) -> Result<Reader, Fail> {
    let mut input = match &plan.archive {
        Some(path) => match t.ctx.open_input(path).await {
            Ok(input) => input,
            Err(reason) => return Err(cannot_open(t, plan, reason).await),
        },
        None => t.ctx.stdin().map_err(|reason| Fail::Message(reason.strerror().into(), 2))?,
    };
    let format = detect(t, plan, &mut input).await?;
    let mut reader = Reader::new(Unpacked::new(&t.ctx, input, format));
    reader.ignore_zeros = plan.ignore_zeros;
    Ok(reader)
}

/// The compression of an archive: as its first bytes say, if it may be any.
async fn detect(t: &mut Tool, plan: &mut Plan, input: &mut Input) -> Result<Option<Format>, Fail> {
    while input.buffered().len() < 512 {
        match input.extend().await {
            Ok(true) => {}
            Ok(false) => break,
            Err(Errno::IsDirectory) => {
                let archive = shown_archive(plan);
                return Err(fatal(t, format!("{archive}: Cannot read: Is a directory")).await);
            }
            Err(reason) => {
                let archive = shown_archive(plan);
                return Err(fatal(t, format!("{archive}: Cannot read: {}", reason.strerror())).await);
            }
        }
    }
    let is_header = input.buffered().first_chunk::<512>().is_some_and(|block| header::Raw(block).is_valid());
    let found = if is_header { None } else { Format::detect(input.buffered()) };
    if let Packing::Named(format) = plan.packing
        && plan.named_by_option
    {
        return Ok(Some(format));
    }
    let Some(found) = found else { return Ok(None) };
    if plan.archive.is_none() {
        let option = match found {
            Format::Gzip => "-z",
            Format::Bzip2 => "-j",
            Format::Xz => "-J",
            Format::Lzma => "--lzma",
            Format::Zstd => "--zstd",
        };
        return Err(fatal(t, format!("Archive is compressed. Use {option} option")).await);
    }
    plan.packing = Packing::Named(found);
    Ok(Some(found))
}

/// Creates the archive.
async fn open_writer(t: &mut Tool, plan: &Plan) -> Result<Writer, Fail> {
    let out = match &plan.archive {
        Some(path) => match t.ctx.create_output(path, false).await {
            Ok(out) => out,
            Err(reason) => return Err(cannot_open(t, plan, reason).await),
        },
        None => {
            if t.ctx.is_terminal(1) {
                let text = "Refusing to write archive contents to terminal (missing -f option?)";
                return Err(fatal(t, text).await);
            }
            t.ctx.stdout()
        }
    };
    writer_to(plan, out, 0)
}

/// A writer that goes on at `at`.
fn writer_to(plan: &Plan, out: Output, at: u64) -> Result<Writer, Fail> {
    let mut settings;
    let packing = match plan.packing {
        Packing::Named(format) => {
            settings = Settings::new(format);
            if let Some(level) = plan.level {
                settings.level = level;
            }
            settings.checksum = false;
            Some((format, &settings))
        }
        Packing::Unknown => None,
    };
    let packed = Packed::new(out, packing).map_err(|broken| Fail::Message(broken.to_string(), 2))?;
    Ok(Writer { packed, at, record: plan.record })
}

/// Opens an archive that is changed in its place.
async fn open_update(t: &mut Tool, plan: &Plan, create: bool) -> Result<Rc<Description>, Fail> {
    let Some(path) = &plan.archive else {
        return Err(fatal(t, "-: Cannot open: Invalid argument").await);
    };
    let mut how = OpenFlags::READ | OpenFlags::WRITE;
    if create {
        how |= OpenFlags::CREATE;
    }
    match t.ctx.open_description(path, how, 0o666).await {
        Ok(description) => {
            let kind = t.ctx.stat_description(&description).map(|stat| stat.kind);
            if kind != Ok(FileType::Regular) {
                return Err(fatal(t, format!("{path}: Cannot seek: Illegal seek")).await);
            }
            Ok(description)
        }
        Err(reason) => Err(cannot_open(t, plan, reason).await),
    }
}

/// What must not stand at the beginning of names is left out, and told once for each kind.
#[derive(Default)]
struct Prefixes {
    told: Vec<(BString, Role)>,
}

impl Prefixes {
    /// The name without what would lead out of the directory.
    async fn strip(&mut self, t: &mut Tool, name: &[u8], role: Role) -> Result<BString, Fail> {
        let (prefix, rest) = transform::unsafe_prefix(name);
        if !prefix.is_empty() {
            let key = (BString::from(prefix), role);
            if !self.told.contains(&key) {
                let what = if role == Role::File { "member names" } else { "hard link targets" };
                t.warn(format!("Removing leading `{}' from {what}", prefix.as_bstr())).await?;
                self.told.push(key);
            }
        }
        if rest.is_empty() {
            if !prefix.is_empty() || name.is_empty() {
                let key = (BString::default(), role);
                if !self.told.contains(&key) {
                    let what = if role == Role::File { "member name" } else { "hard link target" };
                    t.warn(format!("Substituting `.' for empty {what}")).await?;
                    self.told.push(key);
                }
            }
            return Ok(".".into());
        }
        Ok(rest.into())
    }
}

/// The name after `--transform`, if there is one.
fn transformed(all: &[Substitution], name: &[u8], role: Role) -> BString {
    if all.is_empty() { name.into() } else { transform::apply(all, name, role) }
}
