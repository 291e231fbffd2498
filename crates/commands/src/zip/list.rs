//! `unzip -l` and `-v`: tables of what an archive holds.

use jiff::tz::TimeZone;

use super::format::{Entry, per_cent};
use super::shown;
use super::unzip::{Plan, Walk};
use crate::time::Moment;
use crate::{Fail, Tool, time};

/// Year, month, day, hour, minute, second of an entry, in the zone.
pub(super) fn fields(entry: &Entry, zone: &TimeZone) -> [i64; 6] {
    match entry.unix_time().and_then(|_| Moment::new(entry.modified(zone), zone)) {
        Some(at) => [
            at.date.year,
            at.date.month.into(),
            at.date.day.into(),
            at.hour.into(),
            at.minute.into(),
            at.second.into(),
        ],
        None => entry.dos().map(i64::from),
    }
}

fn method(entry: &Entry) -> String {
    match entry.method {
        0 => "Stored".into(),
        1 => "Shrunk".into(),
        2..=5 => format!("Reduce{}", entry.method - 1),
        6 => "Implode".into(),
        7 => "Token".into(),
        8 => format!("Defl:{}", entry.effort()),
        9 => format!("Def64{}", entry.effort()),
        10 => "ImplDCL".into(),
        12 => "BZip2".into(),
        14 => "LZMA".into(),
        18 => "Terse".into(),
        19 => "IBMLZ77".into(),
        97 => "WavPack".into(),
        98 => "PPMd".into(),
        other => format!("Unk:{other:03}"),
    }
}

pub(super) async fn list(t: &mut Tool, plan: &Plan, walk: &mut Walk) -> Result<(), Fail> {
    let zone = time::zone(&t.ctx);
    if plan.quiet < 2 {
        t.out.put(if plan.verbose {
            b" Length   Method    Size  Cmpr    Date    Time   CRC-32   Name\n\
              --------  ------  ------- ---- ---------- ----- --------  ----\n"
        } else {
            &b"  Length      Date    Time    Name\n---------  ---------- -----   ----\n"[..]
        });
    }
    let (mut files, mut size, mut packed) = (0_u64, 0_u64, 0_u64);
    while let Some(entry) = walk.next(t).await? {
        files += 1;
        size = size.saturating_add(entry.size);
        packed = packed.saturating_add(entry.packed);
        let [year, month, day, hour, minute, _] = fields(&entry, &zone);
        let date = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}");
        let line = if plan.verbose {
            let share = per_cent(Entry::saved(entry.size, entry.packed));
            let (method, crc) = (method(&entry), entry.crc);
            format!("{:>8}  {method:<7}{:>8} {share:>4} {date} {crc:08x}  ", entry.size, entry.packed)
        } else {
            format!("{:>9}  {date}   ", entry.size)
        };
        t.out.put(line.as_bytes());
        t.out.put(&shown(&entry.name));
        t.out.put(b"\n");
        if plan.quiet == 0 && !entry.comment.is_empty() {
            t.out.put(&shown(&entry.comment));
            t.out.put(b"\n");
        }
        t.out.drain().await?;
    }
    if plan.quiet < 2 {
        let s = if files == 1 { "" } else { "s" };
        let text = if plan.verbose {
            let share = per_cent(Entry::saved(size, packed));
            let rule = format!("--------          -------  ---{:28}-------\n", "");
            format!("{rule}{size:>8}  {packed:>15} {share:>4}{:28}{files} file{s}\n", "")
        } else {
            format!("---------                     -------\n{size:>9}{:21}{files} file{s}\n", "")
        };
        t.out.put(text.as_bytes());
    }
    Ok(())
}
