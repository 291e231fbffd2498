//! The difference of one file to several others at once, as for a merge: `diff --cc`.

use gix::bstr::{BStr, BString, ByteSlice, ByteVec};

use super::is_binary;
use super::lines::{self, LineOptions};
use super::options::Options;
use crate::error::Result;
use crate::session::{Session, quote};
use crate::tree::Item;

/// One of the sides that the result is compared with.
pub struct Parent {
    /// What it has there.
    pub item: Option<Item>,
}

/// What stands before a line of the result: lines that were lost, with the parents that had them as bits.
type Lost = Vec<(Vec<u8>, u32)>;

struct Line {
    lost: Lost,
    /// The parents that do not have this line.
    new: u32,
    /// Where the line is in each parent.
    shown: bool,
}

/// The patch for one path, or nothing where the result is one of the parents' in every part.
pub fn patch(
    session: &Session<'_>,
    path: &BStr,
    parents: &[Parent],
    result: Item,
    data: &[u8],
    options: &Options,
) -> Result<BString> {
    let mut text = BString::default();
    let sides: Vec<Vec<u8>> = parents
        .iter()
        .map(|parent| parent.item.map_or(Ok(Vec::new()), |item| session.blob(item.id)))
        .collect::<Result<_>>()?;
    let (old_prefix, new_prefix) = options.prefixes();
    let name = |prefix: &str| quote(format!("{prefix}{path}").as_bytes().as_bstr());
    let mut head = BString::from(format!("diff --cc {}\n", quote(path)));
    let null = gix::ObjectId::null(session.repo.object_hash());
    let ids: Vec<String> = parents
        .iter()
        .map(|parent| options.short(session, parent.item.map_or(null, |item| item.id)))
        .collect();
    head.push_str(format!("index {}..{}\n", ids.join(","), options.short(session, result.id)));
    let modes: Vec<u32> = parents.iter().filter_map(|parent| parent.item.map(|item| item.mode)).collect();
    if modes.iter().any(|mode| *mode != result.mode) && modes.len() == parents.len() {
        let list: Vec<String> = modes.iter().map(|mode| format!("{mode:06o}")).collect();
        head.push_str(format!("mode {}..{:06o}\n", list.join(","), result.mode));
    } else if modes.is_empty() {
        head.push_str(format!("new file mode {:06o}\n", result.mode));
    }
    if is_binary(data) || sides.iter().any(|side| is_binary(side)) {
        text.push_str(&head);
        text.push_str("Binary files differ\n");
        return Ok(text);
    }
    let new = lines::lines(data);
    let mut list: Vec<Line> =
        (0..=new.len()).map(|_| Line { lost: Vec::new(), new: 0, shown: false }).collect();
    let plain = LineOptions { context: 0, ..options.lines.clone() };
    for (number, side) in sides.iter().enumerate() {
        let bit = 1 << number;
        let old = lines::lines(side);
        for (before, after) in lines::edits(&old, &new, &plain) {
            for at in after.clone() {
                list[at].new |= bit;
            }
            // What was lost stands before the line that took its place.
            add_lost(&mut list[after.start].lost, &old[before], bit);
        }
    }
    mark(&mut list, parents.len(), options.lines.context);
    if !list.iter().any(|line| line.shown) {
        return Ok(text);
    }
    text.push_str(&head);
    let old_label = if modes.is_empty() { "/dev/null".into() } else { name(old_prefix) };
    text.push_str(format!("--- {old_label}\n+++ {}\n", name(new_prefix)));
    hunks(&mut text, &list, &new, &sides, parents.len());
    Ok(text)
}

/// Joins a run of lost lines with those of parents before: the same line is told once.
fn add_lost(lost: &mut Lost, old: &[&[u8]], bit: u32) {
    let known: Vec<Vec<u8>> = lost.iter().map(|(line, _)| line.clone()).collect();
    let known: Vec<&[u8]> = known.iter().map(Vec::as_slice).collect();
    let edits = lines::edits(&known, old, &LineOptions::default());
    let mut merged: Lost = Vec::new();
    let mut at = 0;
    for (before, after) in edits.into_iter().chain([(known.len()..known.len(), old.len()..old.len())]) {
        while at < before.start {
            let (line, bits) = &lost[at];
            merged.push((line.clone(), bits | bit));
            at += 1;
        }
        merged.extend(lost[before.clone()].iter().cloned());
        merged.extend(old[after.clone()].iter().map(|line| (line.to_vec(), bit)));
        at = before.end;
    }
    *lost = merged;
}

/// Chooses what is shown: runs in which the result is like no single parent, with context.
fn mark(list: &mut [Line], parents: usize, context: usize) {
    let interesting = |line: &Line| line.new != 0 || !line.lost.is_empty();
    let count = list.len();
    let mut keep = vec![false; count];
    let mut at = 0;
    while at < count {
        if !interesting(&list[at]) {
            at += 1;
            continue;
        }
        // Changes with little between them are judged together.
        let mut end = at + 1;
        let mut scan = end;
        while scan < count && scan - end <= 2 * context {
            if interesting(&list[scan]) {
                end = scan + 1;
            }
            scan += 1;
        }
        let mut pattern = None;
        let mut simple = true;
        for line in &list[at..end] {
            for bits in line.lost.iter().map(|(_, bits)| *bits).chain((line.new != 0).then_some(line.new)) {
                if *pattern.get_or_insert(bits) != bits {
                    simple = false;
                }
            }
        }
        let all = (1_u32 << parents) - 1;
        if !simple || pattern == Some(all) {
            keep[at..end].fill(true);
        }
        at = end;
    }
    for (at, keep) in keep.iter().enumerate() {
        if *keep {
            let from = at.saturating_sub(context);
            let to = (at + context + 1).min(count);
            for line in &mut list[from..to] {
                line.shown = true;
            }
        }
    }
    // A hunk that only loses lines at the end has its context before.
}

fn hunks(text: &mut BString, list: &[Line], new: &[&[u8]], sides: &[Vec<u8>], parents: usize) {
    let all = (1_u32 << parents) - 1;
    let sizes: Vec<usize> = sides.iter().map(|side| lines::lines(side).len()).collect();
    let mut position = vec![0_usize; parents];
    let mut at = 0;
    while at < list.len() {
        if !list[at].shown {
            advance(&mut position, &list[at], at < new.len());
            at += 1;
            continue;
        }
        let start = at;
        let first = position.clone();
        let mut body = BString::default();
        while at < list.len() && list[at].shown {
            for (line, bits) in &list[at].lost {
                for number in 0..parents {
                    body.push_byte(if bits & (1 << number) != 0 { b'-' } else { b' ' });
                }
                push(&mut body, line);
            }
            if let Some(line) = new.get(at) {
                let bits = list[at].new & all;
                for number in 0..parents {
                    body.push_byte(if bits & (1 << number) != 0 { b'+' } else { b' ' });
                }
                push(&mut body, line);
            }
            advance(&mut position, &list[at], at < new.len());
            at += 1;
        }
        let signs = "@".repeat(parents + 1);
        text.push_str(&signs);
        for number in 0..parents {
            let count = position[number] - first[number];
            let begin = if count == 0 && sizes[number] == 0 { 0 } else { first[number] + 1 };
            text.push_str(format!(" -{begin},{count}"));
        }
        let count = at.min(new.len()) - start;
        let begin = if new.is_empty() { 0 } else { start + 1 };
        text.push_str(format!(" +{begin},{count} {signs}"));
        let old = lines::lines(sides.first().map_or(&[][..], Vec::as_slice));
        if let Some(title) = lines::title(new, start.min(new.len())) {
            text.push_byte(b' ');
            text.push_str(title);
        }
        let _ = old;
        text.push_byte(b'\n');
        text.push_str(body);
    }
}

fn advance(position: &mut [usize], line: &Line, real: bool) {
    for (number, place) in position.iter_mut().enumerate() {
        let bit = 1 << number;
        *place += line.lost.iter().filter(|(_, bits)| bits & bit != 0).count();
        if real && line.new & bit == 0 {
            *place += 1;
        }
    }
}

fn push(text: &mut BString, line: &[u8]) {
    text.push_str(line);
    if !line.ends_with(b"\n") {
        text.push_str("\n\\ No newline at end of file\n");
    }
}
