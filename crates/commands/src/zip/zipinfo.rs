//! `unzip -Z` and `zipinfo`: what an archive holds, with modes and methods.

use bstr::ByteSlice;

use super::format::{DESCRIPTOR, Entry, UNIX, per_cent};
use super::list::fields;
use super::shown;
use super::unzip::{Plan, Walk};
use crate::time::MONTHS;
use crate::{Fail, Tool, time};

/// How much is told of each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// Names alone.
    Names,
    /// Names, and the head and the tail if asked for.
    NamesAndMore,
    Short,
    /// With the share that was saved.
    Medium,
    /// With the packed size.
    Long,
}

fn attributes(entry: &Entry) -> String {
    if entry.system == UNIX || entry.system == 19 || entry.external >> 16 != 0 {
        let mode = entry.external >> 16;
        let kind = match mode >> 12 {
            0o4 => 'd',
            0o10 => '-',
            0o12 => 'l',
            0o6 => 'b',
            0o2 => 'c',
            0o1 => 'p',
            0o14 => 's',
            _ => '?',
        };
        let mut text = String::from(kind);
        for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
            let bits = mode >> shift;
            text.push(if bits & 4 != 0 { 'r' } else { '-' });
            text.push(if bits & 2 != 0 { 'w' } else { '-' });
            text.push(match (mode & special != 0, bits & 1 != 0) {
                (true, true) => letter,
                (true, false) => letter.to_ascii_uppercase(),
                (false, true) => 'x',
                (false, false) => '-',
            });
        }
        return text;
    }
    let bit = |bit: u32, letter: char| if entry.external & bit != 0 { letter } else { '-' };
    let lower = entry.name.to_ascii_lowercase();
    let runs = [".exe", ".com", ".bat", ".btm", ".cmd"].iter().any(|end| lower.ends_with_str(end));
    let x = if entry.external & 16 != 0 || runs { 'x' } else { '-' };
    let w = if entry.external & 1 != 0 { '-' } else { 'w' };
    format!("{}r{w}{x}{}{}{}   ", bit(16, 'd'), bit(32, 'a'), bit(2, 'h'), bit(4, 's'))
}

fn system(entry: &Entry) -> &'static str {
    const NAMES: [&str; 20] = [
        "fat", "ami", "vms", "unx", "cms", "atr", "hpf", "mac", "zzz", "cpm", "t20", "ntf", "qds", "aco",
        "vft", "mvs", "be ", "nsk", "ths", "osx",
    ];
    NAMES.get(usize::from(entry.system)).copied().unwrap_or("???")
}

fn method(entry: &Entry) -> String {
    match entry.method {
        0 => "stor".into(),
        1 => "shrk".into(),
        2..=5 => format!("re:{}", entry.method - 1),
        6 => {
            let window = if entry.flags & 2 != 0 { '8' } else { '4' };
            format!("i{window}:{}", if entry.flags & 4 != 0 { '3' } else { '2' })
        }
        7 => "tokn".into(),
        8 => format!("def{}", entry.effort()),
        9 => format!("d64{}", entry.effort()),
        10 => "dcli".into(),
        12 => "bzp2".into(),
        14 => "lzma".into(),
        18 => "ters".into(),
        19 => "lz77".into(),
        97 => "wavp".into(),
        98 => "ppmd".into(),
        other => format!("u{other:03}"),
    }
}

fn line(entry: &Entry, form: Form, plan: &Plan, zone: &jiff::tz::TimeZone) -> String {
    let kind = match (entry.internal & 1 != 0, entry.is_encrypted()) {
        (true, false) => 't',
        (true, true) => 'T',
        (false, false) => 'b',
        (false, true) => 'B',
    };
    let extra = match (entry.extra.is_empty(), entry.flags & DESCRIPTOR != 0) {
        (false, false) => 'x',
        (false, true) => 'X',
        (true, false) => '-',
        (true, true) => 'l',
    };
    let version = format!("{}.{}", entry.made_by / 10, entry.made_by % 10);
    let packed = match form {
        Form::Medium => format!("{:>4}", per_cent(Entry::saved(entry.size, entry.packed))),
        Form::Long => format!(" {:>8}", entry.packed),
        _ => String::new(),
    };
    let [year, month, day, hour, minute, second] = fields(entry, zone);
    let stamp = if plan.decimal_times {
        format!("{year:04}{month:02}{day:02}.{hour:02}{minute:02}{second:02}")
    } else {
        let name = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)?.get(..3));
        let month = name.map_or_else(|| format!("{month:03}"), str::to_owned);
        format!("{:02}-{month}-{day:02} {hour:02}:{minute:02}", year.rem_euclid(100))
    };
    let (mode, system, method, size) = (attributes(entry), system(entry), method(entry), entry.size);
    format!("{mode}  {version} {system} {size:>8} {kind}{extra}{packed} {method} {stamp} ")
}

pub(super) async fn zipinfo(t: &mut Tool, plan: &Plan, walk: &mut Walk) -> Result<(), Fail> {
    let zone = time::zone(&t.ctx);
    // Asked for the head or the tail alone, the entries are not told.
    let form = match plan.form {
        Some(form) => Some(form),
        None if plan.head || plan.tail => None,
        None => Some(Form::Short),
    };
    let filtered = !plan.names.is_empty() || !plan.excluded.is_empty();
    let by_default = plan.form.is_none_or(|form| form >= Form::Short) && !filtered;
    let bare = form == Some(Form::Names);
    let (head, tail) = if bare {
        (false, false)
    } else if plan.head || plan.tail {
        (plan.head, plan.tail)
    } else {
        (by_default, by_default)
    };
    if head {
        let name = shown(&walk.path);
        t.out.put(b"Archive:  ");
        t.out.put(&name);
        t.out.put(b"\n");
    }
    if plan.comment && !walk.source.comment.is_empty() {
        let comment = walk.source.comment.clone();
        t.out.put(&comment);
        t.out.put(b"\n");
    }
    if head {
        let (size, count) = (walk.source.size, walk.source.count);
        t.out.put(format!("Zip file size: {size} bytes, number of entries: {count}\n").as_bytes());
    }
    let (mut files, mut size, mut packed) = (0_u64, 0_u64, 0_u64);
    while let Some(entry) = walk.next(t).await? {
        files += 1;
        size = size.saturating_add(entry.size);
        packed = packed.saturating_add(entry.packed);
        let Some(form) = form else { continue };
        if form >= Form::Short {
            t.out.put(line(&entry, form, plan, &zone).as_bytes());
        }
        t.out.put(&shown(&entry.name));
        t.out.put(b"\n");
        t.out.drain().await?;
    }
    if walk.source.count == 0 && !bare {
        t.out.put(b"Empty zipfile.\n");
        t.status = t.status.max(1);
    } else if tail {
        let saved = Entry::saved(size, packed);
        let sign = if saved < 0 { "-" } else { "" };
        let (s, saved) = (if files == 1 { "" } else { "s" }, saved.abs());
        let share = format!("{sign}{}.{}%", saved / 10, saved % 10);
        let text =
            format!("{files} file{s}, {size} bytes uncompressed, {packed} bytes compressed:  {share}\n");
        t.out.put(text.as_bytes());
    }
    Ok(())
}
