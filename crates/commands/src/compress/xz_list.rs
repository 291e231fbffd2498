//! `xz --list`: what the indexes of .xz files tell (The .xz File Format, 1.1.0), without decoding their data.

use std::collections::BTreeSet;

use bstr::{BString, ByteSlice};
use wasmsh_os::Errno;

use crate::{Done, Tool};

/// What is listed of a file, or of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counts {
    streams: u64,
    blocks: u64,
    packed: u64,
    plain: u64,
    padding: u64,
    /// The kinds of checks, by their numbers.
    checks: BTreeSet<u8>,
}

/// Why a file cannot be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum ListError {
    /// It has no bytes.
    #[error("File is empty")]
    Empty,
    /// It is smaller than two headers.
    #[error("Too small to be a valid .xz file")]
    Small,
    /// It does not begin as .xz files do.
    #[error("File format not recognized")]
    Format,
    /// Sizes or check sums do not go together.
    #[error("Compressed data is corrupt")]
    Corrupt,
    /// It cannot be read.
    #[error("{}", .0.strerror())]
    Read(Errno),
}

const MAGIC: &[u8] = b"\xfd7zXZ\0";
/// Bytes of a stream's header, and of its footer.
const HEADER: usize = 12;

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|value| u32::from_le_bytes(*value))
}

/// A number in pieces of seven bits, the lowest first, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

/// Adds the last stream of `bytes`. What stands before it.
fn last_stream<'a>(bytes: &'a [u8], counts: &mut Counts) -> Option<&'a [u8]> {
    let footer = bytes.get(bytes.len().checked_sub(HEADER)?..)?;
    if !footer.ends_with(b"YZ") || u32_at(footer, 0)? != crc32fast::hash(footer.get(4..10)?) {
        return None;
    }
    let index_size = (usize::try_from(u32_at(footer, 4)?).ok()?).checked_add(1)?.checked_mul(4)?;
    let index_end = bytes.len() - HEADER;
    let index = bytes.get(index_end.checked_sub(index_size)?..index_end)?;
    let (body, sum) = index.split_at_checked(index_size.checked_sub(4)?)?;
    if u32_at(sum, 0)? != crc32fast::hash(body) {
        return None;
    }
    let (blocks, mut rest) = number(body.strip_prefix(&[0])?)?;
    let mut data = 0_u64;
    for _ in 0..blocks {
        let (packed, after) = number(rest)?;
        let (plain, after) = number(after)?;
        rest = after;
        data = data.checked_add(packed.checked_next_multiple_of(4)?)?;
        counts.plain = counts.plain.checked_add(plain)?;
    }
    let begin = (index_end - index_size).checked_sub(usize::try_from(data).ok()?)?.checked_sub(HEADER)?;
    let header = bytes.get(begin..begin + HEADER)?;
    let flags = header.get(6..8)?;
    if !header.starts_with(MAGIC)
        || u32_at(header, 8)? != crc32fast::hash(flags)
        || flags != footer.get(8..10)?
    {
        return None;
    }
    counts.checks.insert(flags.get(1)? & 15);
    counts.streams += 1;
    counts.blocks += blocks;
    bytes.get(..begin)
}

fn counts_of(bytes: &[u8]) -> Result<Counts, ListError> {
    if bytes.is_empty() {
        return Err(ListError::Empty);
    }
    if bytes.len() < 2 * HEADER {
        return Err(ListError::Small);
    }
    if !bytes.starts_with(MAGIC) {
        return Err(ListError::Format);
    }
    let mut counts = Counts { packed: bytes.len() as u64, ..Counts::default() };
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        // Between streams there are zeros in fours; the bytes of a footer are not among them.
        let zeros = (rest.len() - end) / 4 * 4;
        counts.padding += zeros as u64;
        rest = rest.get(..rest.len() - zeros).unwrap_or_default();
        rest = last_stream(rest, &mut counts).ok_or(ListError::Corrupt)?;
    }
    Ok(counts)
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 10_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"KiB");
    while value > 9999.9
        && let Some(next) = units.next()
    {
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

fn ratio(counts: &Counts) -> String {
    let ratio = counts.packed as f64 / counts.plain as f64;
    if counts.plain == 0 || ratio > 9.999 { "---".into() } else { format!("{ratio:.3}") }
}

fn checks(counts: &Counts) -> String {
    let name = |check: &u8| match check {
        0 => "None".to_owned(),
        1 => "CRC32".to_owned(),
        4 => "CRC64".to_owned(),
        10 => "SHA-256".to_owned(),
        other => format!("Unknown-{other}"),
    };
    if counts.checks.is_empty() {
        return "None".into();
    }
    counts.checks.iter().map(name).collect::<Vec<_>>().join(",")
}

fn line(counts: &Counts) -> String {
    format!(
        "{:>5} {:>7}  {:>11}  {:>11}  {:>5}  {:<7} ",
        counts.streams,
        counts.blocks,
        size(counts.packed),
        size(counts.plain),
        ratio(counts),
        checks(counts)
    )
}

fn fields(counts: &Counts) -> String {
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}",
        counts.streams,
        counts.blocks,
        counts.packed,
        counts.plain,
        ratio(counts),
        checks(counts),
        counts.padding
    )
}

/// Lists files; `robot`: for programs.
pub(super) async fn list(t: &mut Tool, files: &[BString], robot: bool) -> Done {
    let mut total = Counts::default();
    let mut listed = 0;
    for file in files {
        if file == "-" {
            t.error("--list does not support reading from standard input").await?;
            continue;
        }
        match t.ctx.stat(file, true) {
            Ok(stat) if stat.is_directory() => {
                t.error(format!("{file}: Is a directory, skipping")).await?;
                continue;
            }
            Ok(stat) if !stat.is_regular() => {
                t.error(format!("{file}: Not a regular file, skipping")).await?;
                continue;
            }
            _ => {}
        }
        let read = t.ctx.read_file(file).await.map_err(ListError::Read);
        let counts = match read.and_then(|bytes| counts_of(&bytes)) {
            Ok(counts) => counts,
            Err(failure) => {
                t.error(format!("{file}: {failure}")).await?;
                continue;
            }
        };
        let text = if robot {
            format!("name\t{file}\nfile\t{}\n", fields(&counts))
        } else {
            let heading = "Strms  Blocks   Compressed Uncompressed  Ratio  Check   Filename\n";
            format!("{}{}{}\n", if listed == 0 { heading } else { "" }, line(&counts), file.as_bstr())
        };
        t.out.put(text.as_bytes());
        listed += 1;
        total.streams += counts.streams;
        total.blocks += counts.blocks;
        total.packed += counts.packed;
        total.plain += counts.plain;
        total.padding += counts.padding;
        total.checks.extend(counts.checks);
    }
    if robot {
        t.out.put(format!("totals\t{}\t{listed}\n", fields(&total)).as_bytes());
    } else if listed > 1 {
        let text = format!("{}\n{}{listed} files\n", "-".repeat(79), line(&total));
        t.out.put(text.as_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_is_told() {
        assert_eq!(counts_of(b""), Err(ListError::Empty));
        assert_eq!(counts_of(b"\xfd7zXZ\0"), Err(ListError::Small));
        assert_eq!(counts_of(&[b'x'; 40]), Err(ListError::Format));
        let mut damaged = MAGIC.to_vec();
        damaged.extend_from_slice(&[7; 60]);
        assert_eq!(counts_of(&damaged), Err(ListError::Corrupt));
    }

    #[test]
    fn sizes_have_five_digits_at_most() {
        assert_eq!(size(9999), "9999 B");
        assert_eq!(size(10_000), "9.8 KiB");
        assert_eq!(size(30_000_000), "28.6 MiB");
    }
}
