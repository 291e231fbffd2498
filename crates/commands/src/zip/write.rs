//! A zip file that is written: entries that stay are copied as they are, files are packed, and the whole takes the place of
//! the old archive at the end. It stands on `flate2` and the bzip2 of `compress`.

use bstr::{BString, ByteSlice};
use flate2::{Compress, Compression, FlushCompress, Status};
use wasmsh_os::{Description, Errno, FileType, Input, NewTime, OpenFlags, Output, Position};

use super::create::{Action, Found, Plan, fatal, say, warn};
use super::format::{
    CENTRAL, DESCRIPTOR, END, END64, Entry, LOCAL, LOCAL_LENGTH, LOCATOR64, UNIX, method, u16_at, u32_at,
};
use super::source::Source;
use crate::compress::codec::{Encoder, Format, Settings};
use crate::time::{Date, offset_at, zone};
use crate::{Done, Fail, Tool};

/// Bytes that are read or copied at once.
const PIECE: usize = 64 * 1024;

/// Files up to this size are packed before anything of them is written.
const SMALL: usize = 1 << 20;

/// The archive on its way.
struct Archive {
    out: Output,
    /// Where it is written; `None`: it is standard output.
    path: Option<BString>,
    at: u64,
    entries: Vec<Entry>,
}

impl Archive {
    async fn put(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.at += bytes.len() as u64;
        self.out.write(bytes).await
    }

    /// Writes over what was written.
    async fn patch(&mut self, at: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.out.flush().await?;
        match self.out.description().map(|file| &**file) {
            Some(Description::File(file)) => file.write_at(at, bytes),
            _ => Err(Errno::IllegalSeek),
        }
    }

    /// Takes back what was written from `at` on.
    async fn rewind(&mut self, at: u64) -> Result<(), Errno> {
        self.out.flush().await?;
        if let Some(Description::File(file)) = self.out.description().map(|file| &**file) {
            file.set_size(at)?;
            file.seek(Position::Start(at))?;
        }
        self.at = at;
        Ok(())
    }
}

fn local_header(entry: &Entry, extra: &[u8]) -> Vec<u8> {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = LOCAL.to_le_bytes().to_vec();
    for number in [entry.needed.into(), entry.flags, entry.method, entry.dos_time, entry.dos_date] {
        bytes.extend_from_slice(&u16::to_le_bytes(number));
    }
    for number in [entry.crc.to_le_bytes(), small(entry.packed), small(entry.size)] {
        bytes.extend_from_slice(&number);
    }
    for length in [entry.name.len(), extra.len()] {
        bytes.extend_from_slice(&(length as u16).to_le_bytes());
    }
    bytes.extend_from_slice(&entry.name);
    bytes.extend_from_slice(extra);
    bytes
}

fn central_header(entry: &Entry) -> Vec<u8> {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = CENTRAL.to_le_bytes().to_vec();
    bytes.extend_from_slice(&[entry.made_by, entry.system]);
    for number in [entry.needed.into(), entry.flags, entry.method, entry.dos_time, entry.dos_date] {
        bytes.extend_from_slice(&u16::to_le_bytes(number));
    }
    for number in [entry.crc.to_le_bytes(), small(entry.packed), small(entry.size)] {
        bytes.extend_from_slice(&number);
    }
    for length in [entry.name.len(), entry.extra.len(), entry.comment.len(), 0] {
        bytes.extend_from_slice(&(length as u16).to_le_bytes());
    }
    bytes.extend_from_slice(&entry.internal.to_le_bytes());
    bytes.extend_from_slice(&entry.external.to_le_bytes());
    bytes.extend_from_slice(&small(entry.offset));
    bytes.extend_from_slice(&entry.name);
    bytes.extend_from_slice(&entry.extra);
    bytes.extend_from_slice(&entry.comment);
    bytes
}

/// Saved share as messages have it, in whole per cent.
fn saved(size: u64, packed: u64) -> u64 {
    if size > packed { (200 * (size - packed) / size).div_ceil(2) } else { 0 }
}

fn told(entry: &Entry, verbose: bool) -> String {
    let how = match entry.method {
        method::STORED => "stored",
        method::BZIP2 => "bzipped",
        _ => "deflated",
    };
    let share = saved(entry.size, entry.packed);
    if verbose {
        format!("\t(in={}) (out={}) ({how} {share}%)\n", entry.size, entry.packed)
    } else {
        format!(" ({how} {share}%)\n")
    }
}

/// Files that could not be read, and what there was of the others.
#[derive(Default)]
struct Count {
    read: u64,
    bytes: u64,
    skipped: u64,
    skipped_bytes: u64,
}

/// Writes the archive as the plan has it.
pub(super) async fn write(
    t: &mut Tool,
    plan: &Plan,
    source: Option<Source>,
    entries: Vec<Entry>,
    mut deleted: Vec<bool>,
    mut found: Vec<Found>,
) -> Done {
    let zone = zone(&t.ctx);
    // What takes the place of each entry.
    let mut replaced: Vec<Option<Found>> = Vec::new();
    for (entry, deleted) in entries.iter().zip(&mut deleted) {
        let at = found.iter().position(|file| file.name == entry.name);
        let file = at.map(|at| found.remove(at));
        let changed = file.as_ref().is_some_and(|file| {
            file.stat.as_ref().is_none_or(|stat| {
                let (old, new) = (entry.modified(&zone).seconds, stat.modified.seconds);
                match plan.action {
                    Action::Update | Action::Freshen => new > old,
                    Action::Sync => new != old || (!entry.is_directory() && stat.size != entry.size),
                    _ => true,
                }
            })
        });
        *deleted |= plan.action == Action::Sync && file.is_none();
        replaced.push(file.filter(|_| changed));
    }
    if plan.action == Action::Freshen {
        found.clear();
    }
    let idle = found.is_empty() && replaced.iter().all(Option::is_none) && !deleted.contains(&true);
    if idle {
        match plan.action {
            Action::Sync if source.is_some() => return say(t, plan, "Archive is current\n").await,
            Action::Update | Action::Freshen if source.is_some() => return Err(Fail::Status(12)),
            _ if source.is_some() && (plan.comment || plan.test || plan.latest) => {}
            _ if plan.filters_all(t) => {}
            _ => {
                let text = format!("Nothing to do! ({})", plan.archive);
                return Err(fatal(t, plan, 12, &text).await);
            }
        }
    }
    let mut archive = open(t, plan).await?;
    let mut count = Count::default();
    let result =
        fill(t, plan, &mut archive, source.as_ref(), entries, replaced, &deleted, &found, &mut count).await;
    let path = archive.path.take();
    if let Err(fail) = result {
        if let Some(path) = &path {
            // It is of no use to anybody.
            let _ = t.ctx.remove_file(path);
        }
        return match fail {
            Fail::Write(error) => {
                say(t, plan, &format!("\nzip I/O error: {}", error.strerror())).await?;
                Err(fatal(t, plan, 14, "Output file write failure (write error on zip file)").await)
            }
            other => Err(other),
        };
    }
    let Some(path) = path else { return Ok(()) };
    let target = plan.output.as_ref().unwrap_or(&plan.archive);
    if plan.latest
        && let Some(newest) = archive.entries.iter().map(|entry| entry.modified(&zone)).max()
    {
        let _ = t.ctx.set_times(&path, NewTime::Keep, NewTime::At(newest), true);
    }
    if plan.test {
        let mut good = archive.entries.is_empty();
        if let Ok(source) = Source::open(&t.ctx, &path).await {
            good = test(&source).await;
        }
        let verdict = if good { "OK" } else { "FAILED" };
        if plan.quiet == 0 || !good {
            say(t, plan, &format!("test of {target} {verdict}\n")).await?;
        }
        if !good {
            let _ = t.ctx.remove_file(&path);
            return Err(fatal(
                t,
                plan,
                8,
                "Zip file invalid, could not spawn unzip, or wrong unzip (original files unmodified)",
            )
            .await);
        }
    }
    if let Err(error) = t.ctx.rename(&path, target) {
        let _ = t.ctx.remove_file(&path);
        say(t, plan, &format!("zip I/O error: {}", error.strerror())).await?;
        let text = format!("Could not create output file (was replacing the original zip file) ({target})");
        return Err(fatal(t, plan, 15, &text).await);
    }
    if count.skipped > 0 {
        let Count { read, bytes, skipped, skipped_bytes } = count;
        let text = format!(
            "\nzip warning: Not all files were readable\n  files/entries read:  {read} ({bytes} bytes)  \
             skipped:  {skipped} ({skipped_bytes} bytes)\n"
        );
        say(t, plan, &text).await?;
        t.status = 18;
    }
    Ok(())
}

/// The archive that is written, beside the one whose place it takes.
async fn open(t: &mut Tool, plan: &Plan) -> Result<Archive, Fail> {
    let target = plan.output.as_ref().unwrap_or(&plan.archive);
    let entries = Vec::new();
    if target == "-" {
        return Ok(Archive { out: t.ctx.stdout(), path: None, at: 0, entries });
    }
    loop {
        let mut number = [0; 4];
        t.ctx.random(&mut number);
        let name = format!("zi{:08x}", u32::from_le_bytes(number));
        let path = match target.rsplit_once_str("/") {
            Some((directory, _)) => BString::from([directory, b"/", name.as_bytes()].concat()),
            None => name.into(),
        };
        let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let mode = t.ctx.stat(target, true).map_or(0o666, |stat| stat.mode & 0o777);
        match t.ctx.open_description(&path, how, mode).await {
            Ok(file) => {
                let out = Output::new(t.ctx.clone(), Some(file));
                return Ok(Archive { out, path: Some(path), at: 0, entries });
            }
            Err(Errno::Exist) => {}
            Err(error) => {
                say(t, plan, &format!("zip I/O error: {}", error.strerror())).await?;
                return Err(fatal(t, plan, 15, &format!("Could not create output file ({target})")).await);
            }
        }
    }
}

async fn test(source: &Source) -> bool {
    let mut entries = source.entries();
    let mut piece = Vec::new();
    loop {
        let entry = match entries.next(source).await {
            Ok(Some(entry)) => entry,
            Ok(None) => return true,
            Err(_) => return false,
        };
        let Ok(mut data) = source.data(&entry).await else { return false };
        loop {
            match data.next(source, &mut piece).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return false,
            }
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one step of one function")]
async fn fill(
    t: &mut Tool,
    plan: &Plan,
    archive: &mut Archive,
    source: Option<&Source>,
    entries: Vec<Entry>,
    replaced: Vec<Option<Found>>,
    deleted: &[bool],
    found: &[Found],
    count: &mut Count,
) -> Done {
    let mut gone: Vec<&Found> = Vec::new();
    for ((entry, file), deleted) in entries.into_iter().zip(&replaced).zip(deleted) {
        if *deleted {
            if plan.quiet == 0 {
                say(t, plan, &format!("deleting: {}\n", entry.name)).await?;
            }
            continue;
        }
        match file {
            Some(file) => {
                let verb = if plan.action == Action::Freshen { "freshening" } else { "updating" };
                if add(t, plan, archive, file, verb, count).await? {
                    gone.push(file);
                } else if let Some(source) = source {
                    copy(archive, source, entry).await?;
                }
            }
            None => {
                let Some(source) = source else { continue };
                copy(archive, source, entry).await?;
            }
        }
    }
    for file in found {
        if add(t, plan, archive, file, "  adding", count).await? {
            gone.push(file);
        }
    }
    let mut comment = source.map(|source| source.comment.clone()).unwrap_or_default();
    if plan.comment {
        if !comment.is_empty() {
            say(t, plan, &format!("current zip file comment is:\n{comment}\n")).await?;
        }
        say(t, plan, "enter new zip file comment (end with .):\n").await?;
        let mut lines: Vec<BString> = Vec::new();
        let mut input = t.ctx.stdin()?;
        while let Some(line) = input.line(b'\n').await? {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if line == b"." {
                break;
            }
            lines.push(line.into());
        }
        comment = bstr::join("\r\n", &lines).into();
        comment.truncate(0xffff);
    }
    let directory = archive.at;
    for entry in std::mem::take(&mut archive.entries) {
        archive.put(&central_header(&entry)).await?;
        archive.entries.push(entry);
    }
    let (length, many) = (archive.at - directory, archive.entries.len() as u64);
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let few = u16::try_from(many).unwrap_or(u16::MAX).to_le_bytes();
    if many >= 0xffff || archive.at >= u32::MAX.into() {
        let wide = archive.at;
        let mut record = END64.to_le_bytes().to_vec();
        record.extend_from_slice(&44_u64.to_le_bytes());
        record.extend_from_slice(&[30, UNIX, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [many, many, length, directory] {
            record.extend_from_slice(&number.to_le_bytes());
        }
        record.extend_from_slice(&LOCATOR64.to_le_bytes());
        record.extend_from_slice(&[0; 4]);
        record.extend_from_slice(&wide.to_le_bytes());
        record.extend_from_slice(&1_u32.to_le_bytes());
        archive.put(&record).await?;
    }
    let mut end = END.to_le_bytes().to_vec();
    end.extend_from_slice(&[0; 4]);
    end.extend_from_slice(&few);
    end.extend_from_slice(&few);
    end.extend_from_slice(&small(length));
    end.extend_from_slice(&small(directory));
    end.extend_from_slice(&(comment.len() as u16).to_le_bytes());
    end.extend_from_slice(&comment);
    archive.put(&end).await?;
    archive.out.flush().await?;
    if plan.verbose && plan.action != Action::Delete && !archive.entries.is_empty() {
        let total = |of: fn(&Entry) -> u64| archive.entries.iter().map(of).sum::<u64>();
        let (size, packed) = (total(|entry| entry.size), total(|entry| entry.packed));
        let share = saved(size, packed);
        say(t, plan, &format!("total bytes={size}, compressed={packed} -> {share}% savings\n")).await?;
    }
    if archive.entries.is_empty() {
        warn(t, plan, "zip file empty").await?;
    }
    if plan.remove {
        for file in gone.iter().rev() {
            match &file.stat {
                Some(stat) if stat.is_directory() => drop(t.ctx.remove_directory(&file.path)),
                Some(_) => drop(t.ctx.remove_file(&file.path)),
                None => {}
            }
        }
    }
    Ok(())
}

/// Copies an entry that stays.
async fn copy(archive: &mut Archive, source: &Source, mut entry: Entry) -> Done {
    let broken = |_| Fail::Write(Errno::Io);
    let start = entry.offset.wrapping_add_signed(source.shift());
    let header = source.read_at(start, LOCAL_LENGTH).await.map_err(broken)?;
    let (Some(LOCAL), Some(name), Some(extra)) =
        (u32_at(&header, 0), u16_at(&header, 26), u16_at(&header, 28))
    else {
        return Err(Fail::Write(Errno::Io));
    };
    let mut left = LOCAL_LENGTH as u64 + u64::from(name) + u64::from(extra) + entry.packed;
    if entry.flags & DESCRIPTOR != 0 {
        let mark = source.read_at(start + left, 4).await.map_err(broken)?;
        left += if u32_at(&mark, 0) == Some(0x0807_4b50) { 16 } else { 12 };
    }
    entry.offset = archive.at;
    let mut at = start;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let piece = source.read_at(at, count).await.map_err(broken)?;
        if piece.is_empty() {
            return Err(Fail::Write(Errno::Io));
        }
        at += piece.len() as u64;
        left -= piece.len() as u64;
        archive.put(&piece).await?;
    }
    archive.entries.push(entry);
    Ok(())
}

/// Packs in pieces.
enum Packer {
    Store,
    Deflate(Compress),
    Bzip2(Box<Encoder>),
}

impl Packer {
    fn new(how: u16, level: u32) -> Result<Packer, Errno> {
        Ok(match how {
            method::STORED => Packer::Store,
            method::BZIP2 => {
                let mut settings = Settings::new(Format::Bzip2);
                settings.level = level as i32;
                Packer::Bzip2(Box::new(Encoder::new(Format::Bzip2, &settings).map_err(|_| Errno::NoMemory)?))
            }
            // The library's low and middle levels are made for speed: those that pack as the levels of zip do.
            _ => Packer::Deflate(Compress::new(
                Compression::new(match level {
                    0..=2 => 2,
                    3..=7 => 8,
                    _ => 9,
                }),
                false,
            )),
        })
    }

    fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Errno> {
        match self {
            Packer::Store => out.extend_from_slice(piece),
            Packer::Deflate(deflate) => {
                let mut rest = piece;
                while !rest.is_empty() {
                    out.reserve(PIECE);
                    let before = deflate.total_in();
                    deflate.compress_vec(rest, out, FlushCompress::None).map_err(|_| Errno::Io)?;
                    let taken = usize::try_from(deflate.total_in() - before).unwrap_or(0);
                    rest = rest.get(taken..).unwrap_or_default();
                }
            }
            Packer::Bzip2(encoder) => encoder.push(piece, out).map_err(|_| Errno::Io)?,
        }
        Ok(())
    }

    fn finish(self, out: &mut Vec<u8>) -> Result<(), Errno> {
        match self {
            Packer::Store => Ok(()),
            Packer::Deflate(mut deflate) => loop {
                out.reserve(PIECE);
                let status = deflate.compress_vec(&[], out, FlushCompress::Finish).map_err(|_| Errno::Io)?;
                if status == Status::StreamEnd {
                    return Ok(());
                }
            },
            Packer::Bzip2(encoder) => encoder.finish(out).map_err(|_| Errno::Io),
        }
    }
}

/// What a file holds.
enum Contents {
    Bytes(Vec<u8>),
    File(Input),
}

/// Puts a file in; false: it cannot be read, which was told.
async fn add(
    t: &mut Tool,
    plan: &Plan,
    archive: &mut Archive,
    file: &Found,
    verb: &str,
    count: &mut Count,
) -> Result<bool, Fail> {
    let is = |kind: FileType| file.stat.as_ref().is_some_and(|stat| stat.kind == kind);
    let contents = if is(FileType::Directory) {
        Ok(Contents::Bytes(Vec::new()))
    } else if is(FileType::SymbolicLink) {
        t.ctx.read_link(&file.path).map(|target| Contents::Bytes(target.into()))
    } else {
        t.open(&file.path).await.map(Contents::File)
    };
    let name = &file.name;
    let contents = match contents {
        Ok(contents) => contents,
        Err(error) => {
            t.out.flush().await?;
            t.err.put(format!("zip warning: {}\n", error.strerror()).as_bytes());
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
            say(t, plan, &format!("{verb}: {name}\n")).await?;
            say(t, plan, &format!("\tzip warning: could not open for reading: {}\n", file.path)).await?;
            count.skipped += 1;
            count.skipped_bytes += file.stat.as_ref().map_or(0, |stat| stat.size);
            return Ok(false);
        }
    };
    let (mut entry, extra) = entry_of(t, plan, file);
    entry.offset = archive.at;
    let level = plan.level.unwrap_or(if plan.method == Some(method::BZIP2) { 9 } else { 6 });
    let kept = level == 0 || plan.stored_suffixes.iter().any(|end| !end.is_empty() && name.ends_with(end));
    let (is_file, mut first) = (matches!(contents, Contents::File(_)), Vec::new());
    let mut input = None;
    match contents {
        Contents::Bytes(bytes) => first = bytes,
        Contents::File(mut from) => {
            while first.len() <= SMALL {
                let piece = from.fill().await?;
                if piece.is_empty() {
                    break;
                }
                first.extend_from_slice(piece);
                let taken = piece.len();
                from.consume(taken);
            }
            input = (first.len() > SMALL).then_some(from);
        }
    }
    let text = is_file && is_text(first.get(..first.len().min(PIECE)).unwrap_or_default());
    entry.internal = u16::from(text && plan.method != Some(method::BZIP2));
    entry.method = if kept || !is_file { method::STORED } else { plan.method.unwrap_or(method::DEFLATED) };
    let mut newlines = Newlines { how: if text { plan.newlines } else { 0 }, pending: false };
    let mut packer = Packer::new(entry.method, level)?;
    let (mut hash, mut packed) = (crc32fast::Hasher::new(), Vec::new());
    if let Some(mut input) = input {
        entry.needed = entry.needed.max(needed(entry.method));
        set_effort(&mut entry, level);
        if archive.path.is_none() {
            entry.flags |= DESCRIPTOR;
        }
        archive.put(&local_header(&entry, &extra)).await?;
        let start = archive.at;
        let mut piece = first;
        let mut converted = Vec::new();
        while !piece.is_empty() {
            let plain = newlines.convert(&piece, &mut converted);
            hash.update(plain);
            entry.size += plain.len() as u64;
            for part in plain.chunks(PIECE) {
                packer.push(part, &mut packed)?;
                archive.put(&packed).await?;
                packed.clear();
                t.ctx.tick().await;
            }
            piece.clear();
            piece.extend_from_slice(input.fill().await?);
            input.consume(piece.len());
        }
        packer.finish(&mut packed)?;
        archive.put(&packed).await?;
        (entry.crc, entry.packed) = (hash.finalize(), archive.at - start);
        if entry.packed >= entry.size
            && entry.method != method::STORED
            && archive.path.is_some()
            && newlines.how == 0
            && file.path != "-"
        {
            // It has not become smaller: it is kept as it is.
            archive.rewind(start).await?;
            (entry.method, entry.flags) = (method::STORED, 0);
            let mut again = t.open(&file.path).await?;
            loop {
                let piece = again.fill().await?;
                if piece.is_empty() {
                    break;
                }
                let taken = piece.len();
                archive.put(piece).await?;
                again.consume(taken);
            }
            entry.packed = archive.at - start;
        }
        if archive.path.is_some() {
            let header = local_header(&entry, &extra);
            archive.patch(entry.offset, &header).await?;
        } else {
            let mut record = 0x0807_4b50_u32.to_le_bytes().to_vec();
            for number in [entry.crc, entry.packed as u32, entry.size as u32] {
                record.extend_from_slice(&number.to_le_bytes());
            }
            archive.put(&record).await?;
        }
    } else {
        let mut converted = Vec::new();
        let plain = newlines.convert(&first, &mut converted);
        hash.update(plain);
        for part in plain.chunks(PIECE) {
            packer.push(part, &mut packed)?;
            t.ctx.tick().await;
        }
        packer.finish(&mut packed)?;
        (entry.crc, entry.size) = (hash.finalize(), plain.len() as u64);
        if packed.len() >= plain.len() {
            entry.method = method::STORED;
            packed = plain.to_vec();
        }
        entry.packed = packed.len() as u64;
        entry.needed = entry.needed.max(needed(entry.method));
        set_effort(&mut entry, level);
        archive.put(&local_header(&entry, &extra)).await?;
        archive.put(&packed).await?;
    }
    count.read += 1;
    count.bytes += entry.size;
    if plan.quiet == 0 || plan.verbose {
        let unfit = is_file && plan.newlines > 0 && !text && entry.size > 0;
        let option = if plan.newlines == 1 { "-l" } else { "-ll" };
        let remark =
            if unfit { format!("\n\tzip warning: has binary so {option} ignored\n") } else { String::new() };
        say(t, plan, &format!("{verb}: {name}{remark}{}", told(&entry, plan.verbose))).await?;
    }
    archive.entries.push(entry);
    Ok(true)
}

fn needed(how: u16) -> u8 {
    match how {
        method::STORED => 10,
        method::BZIP2 => 46,
        _ => 20,
    }
}

/// Bits that say how hard it was packed.
fn set_effort(entry: &mut Entry, level: u32) {
    if entry.method == method::DEFLATED {
        entry.flags |= match level {
            0..=1 => 6,
            2 => 4,
            3..=7 => 0,
            _ => 2,
        };
    }
}

/// Text has some printable characters, and no control characters but those of layout.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, 9 | 10 | 13 | 32..))
        && !bytes.iter().any(|byte| matches!(byte, 0..=6 | 14..=25 | 28..=31))
}

/// An entry for a file, and the extra fields of its local header.
fn entry_of(t: &Tool, plan: &Plan, file: &Found) -> (Entry, Vec<u8>) {
    let now = t.ctx.now();
    let (modified, accessed) = file.stat.as_ref().map_or((now, now), |stat| (stat.modified, stat.accessed));
    let zone = zone(&t.ctx);
    // DOS counts in twos.
    let local = modified.seconds + offset_at(&zone, modified.seconds).seconds;
    let local = (local + 1) & !1;
    let date = Date::from_days(local.div_euclid(crate::time::DAY));
    let second = local.rem_euclid(crate::time::DAY);
    let (dos_date, dos_time) = if date.year < 1980 {
        (0x21, 0)
    } else {
        let years = (date.year - 1980).min(127);
        (
            ((years << 9) | (i64::from(date.month) << 5) | i64::from(date.day)) as u16,
            (((second / 3600) << 11) | ((second / 60 % 60) << 5) | (second % 60 / 2)) as u16,
        )
    };
    let mode = file.stat.as_ref().map_or(0o010_600, |stat| {
        let kind = match stat.kind {
            FileType::Directory => 0o040_000,
            FileType::SymbolicLink => 0o120_000,
            _ => 0o100_000,
        };
        kind | stat.mode & 0o7777
    });
    let is_directory = file.stat.as_ref().is_some_and(|stat| stat.is_directory());
    let (mut extra, mut central) = (Vec::new(), Vec::new());
    if let Some(stat) = file.stat.as_ref().filter(|_| !plan.plain) {
        let stamp = |seconds: i64| (seconds as i32).to_le_bytes();
        extra.extend_from_slice(&[0x55, 0x54, 9, 0, 3]);
        extra.extend_from_slice(&stamp(modified.seconds));
        extra.extend_from_slice(&stamp(accessed.seconds));
        central.extend_from_slice(&[0x55, 0x54, 5, 0, 3]);
        central.extend_from_slice(&stamp(modified.seconds));
        let mut owner = vec![0x75, 0x78, 11, 0, 1, 4];
        owner.extend_from_slice(&stat.uid.to_le_bytes());
        owner.push(4);
        owner.extend_from_slice(&stat.gid.to_le_bytes());
        extra.extend_from_slice(&owner);
        central.extend_from_slice(&owner);
    }
    let entry = Entry {
        made_by: 30,
        system: UNIX,
        needed: 10,
        dos_time,
        dos_date,
        name: file.name.clone(),
        extra: central,
        external: mode << 16 | u32::from(is_directory) << 4 | u32::from(mode & 0o200 == 0),
        ..Entry::default()
    };
    (entry, extra)
}

/// What becomes of the ends of lines.
struct Newlines {
    how: u8,
    pending: bool,
}

impl Newlines {
    fn convert<'a>(&mut self, piece: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
        out.clear();
        match self.how {
            0 => return piece,
            1 => {
                for &byte in piece {
                    if byte == b'\n' {
                        out.push(b'\r');
                    }
                    out.push(byte);
                }
            }
            _ => {
                for &byte in piece {
                    if std::mem::take(&mut self.pending) && byte != b'\n' {
                        out.push(b'\r');
                    }
                    self.pending = byte == b'\r';
                    if !self.pending {
                        out.push(byte);
                    }
                }
            }
        }
        out
    }
}
