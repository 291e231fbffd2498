//! Sparse members on their way into an archive: where a file has data, and how each format tells of it.

use bstr::BString;
use wasmsh_os::{Description, Errno, Input, Position, Stat};

use super::header::{BLOCK, Member, pad, put_number};
use crate::Tool;
use crate::path::base_name;

/// The version of sparse members in pax archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// A record for each number.
    V0_0,
    /// A record with all of them.
    V0_1,
    /// The numbers stand before the data.
    V1_0,
}

/// A page, in which filesystems tell where data is.
const PAGE: usize = 4096;

/// Whether a file has holes: it has fewer blocks than its size takes.
pub(super) fn has_holes(stat: &Stat) -> bool {
    stat.blocks < stat.size.div_ceil(512)
}

/// Where a file has data: pieces of whole pages, or of whole blocks if it is found by reading alone (`raw`). An empty
/// piece stands for a hole at the end.
///
/// # Errors
/// Those of reading.
pub(super) async fn map(t: &Tool, input: &mut Input, size: u64, raw: bool) -> Result<Vec<(u64, u64)>, Errno> {
    let unit = if raw { BLOCK } else { PAGE };
    let mut pieces: Vec<(u64, u64)> = Vec::new();
    let (mut at, mut unit_start, mut has_data) = (0_u64, 0_u64, false);
    let mut end_unit = |start: u64, end: u64, has_data: bool| {
        if !has_data {
            return;
        }
        match pieces.last_mut() {
            Some((offset, length)) if *offset + *length == start => *length = end - *offset,
            _ => pieces.push((start, end - start)),
        }
    };
    loop {
        t.ctx.tick().await;
        let block = input.fill().await?;
        if block.is_empty() || at >= size {
            break;
        }
        let left = usize::try_from(size - at).unwrap_or(usize::MAX);
        let room = unit - usize::try_from(at - unit_start).unwrap_or(0);
        let part = block.get(..block.len().min(left).min(room)).unwrap_or_default();
        has_data |= part.iter().any(|byte| *byte != 0);
        let count = part.len();
        input.consume(count);
        at += count as u64;
        if count == room {
            end_unit(unit_start, at, has_data);
            (unit_start, has_data) = (at, false);
        }
    }
    end_unit(unit_start, at, has_data);
    if pieces.last().is_none_or(|(offset, length)| offset + length != size || *length == 0) {
        pieces.push((size, 0));
    }
    Ok(pieces)
}

/// Makes the next byte that is read the one at `offset`. The input must not have read yet.
pub(super) fn start_at(input: &Input, offset: u64) -> Result<(), Errno> {
    match &**input.description() {
        Description::File(file) => file.seek(Position::Start(offset)).map(|_| ()),
        _ => Err(Errno::IllegalSeek),
    }
}

/// The bytes of data of all pieces.
pub(super) fn data(pieces: &[(u64, u64)]) -> u64 {
    pieces.iter().map(|(_, length)| length).sum()
}

/// The map that stands before the data in version 1.0, filled up to whole blocks.
pub(super) fn map_text(pieces: &[(u64, u64)]) -> Vec<u8> {
    let mut text = format!("{}\n", pieces.len()).into_bytes();
    for (offset, length) in pieces {
        text.extend_from_slice(format!("{offset}\n{length}\n").as_bytes());
    }
    pad(&mut text);
    text
}

/// The records of an extended header, and the name that the header itself has.
pub(super) fn records(
    member: &Member,
    pieces: &[(u64, u64)],
    version: Version,
) -> (Vec<(&'static str, BString)>, BString) {
    let number = |number: u64| BString::from(number.to_string());
    let base = base_name(&member.name);
    let directory = match member.name.len() - base.len() {
        0 => &b"."[..],
        length => member.name.get(..length - 1).unwrap_or_default(),
    };
    let hidden = BString::from([directory, b"/GNUSparseFile.0/", base].concat());
    match version {
        Version::V1_0 => (
            vec![
                ("GNU.sparse.major", "1".into()),
                ("GNU.sparse.minor", "0".into()),
                ("GNU.sparse.name", member.name.clone()),
                ("GNU.sparse.realsize", number(member.size)),
            ],
            hidden,
        ),
        Version::V0_1 => {
            let all: Vec<String> =
                pieces.iter().map(|(offset, length)| format!("{offset},{length}")).collect();
            (
                vec![
                    ("GNU.sparse.size", number(member.size)),
                    ("GNU.sparse.numblocks", number(pieces.len() as u64)),
                    ("GNU.sparse.name", member.name.clone()),
                    ("GNU.sparse.map", all.join(",").into()),
                ],
                hidden,
            )
        }
        Version::V0_0 => {
            let mut all = vec![
                ("GNU.sparse.size", number(member.size)),
                ("GNU.sparse.numblocks", number(pieces.len() as u64)),
            ];
            for (offset, length) in pieces {
                all.push(("GNU.sparse.offset", number(*offset)));
                all.push(("GNU.sparse.numbytes", number(*length)));
            }
            (all, member.name.clone())
        }
    }
}

/// Pieces of a header of GNU's own format, and of each block that goes on with them.
const IN_HEADER: usize = 4;
const IN_BLOCK: usize = 21;

/// Puts pieces into a header of GNU's own format. The blocks that go on with them.
pub(super) fn put_old(block: &mut [u8; BLOCK], member: &Member, pieces: &[(u64, u64)]) -> Vec<u8> {
    let put = |block: &mut [u8; BLOCK], start: usize, pieces: &[(u64, u64)]| {
        for (index, (offset, length)) in pieces.iter().enumerate() {
            put_number(block, start + index * 24, 12, i64::try_from(*offset).unwrap_or(i64::MAX));
            put_number(block, start + index * 24 + 12, 12, i64::try_from(*length).unwrap_or(i64::MAX));
        }
    };
    let (first, rest) = pieces.split_at(pieces.len().min(IN_HEADER));
    block[156] = b'S';
    put(block, 386, first);
    block[482] = u8::from(!rest.is_empty());
    put_number(block, 483, 12, i64::try_from(member.size).unwrap_or(i64::MAX));
    let mut more = Vec::new();
    let mut chunks = rest.chunks(IN_BLOCK).peekable();
    while let Some(chunk) = chunks.next() {
        let mut extension = [0; BLOCK];
        put(&mut extension, 0, chunk);
        extension[504] = u8::from(chunks.peek().is_some());
        more.extend_from_slice(&extension);
    }
    more
}
