//! Renames: a file that went and one that came, with the same or nearly the same content.

use std::collections::HashMap;

use gix::bstr::{BStr, ByteSlice};

use crate::error::Result;
use crate::index::{FILE, LINK, PROGRAM};
use crate::session::Session;
use crate::tree::{Change, Item};

/// More pairs than this are not compared by content.
const LIMIT: usize = 1000;

/// How much of `old` is in `new`, in percent of the larger one.
///
/// The unit is the line, or 64 bytes of a longer one; where it stands does not matter.
pub fn similarity(old: &[u8], new: &[u8]) -> u8 {
    let larger = old.len().max(new.len());
    if larger == 0 {
        return 100;
    }
    let mut counts: HashMap<&[u8], usize> = HashMap::new();
    for piece in pieces(old) {
        *counts.entry(piece).or_default() += 1;
    }
    let mut copied = 0;
    for piece in pieces(new) {
        if let Some(count) = counts.get_mut(piece).filter(|count| **count > 0) {
            *count -= 1;
            copied += piece.len();
        }
    }
    // The scale between, of 60000, is git's: it decides how the percentage is rounded.
    let score = copied as u64 * 60_000 / larger as u64;
    u8::try_from(score * 100 / 60_000).unwrap_or(100)
}

fn pieces(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if data.is_empty() {
            return None;
        }
        let window = &data[..data.len().min(64)];
        let length = window.find_byte(b'\n').map_or(window.len(), |at| at + 1);
        let (piece, rest) = data.split_at(length);
        data = rest;
        Some(piece)
    })
}

fn base(path: &BStr) -> &[u8] {
    path.rfind_byte(b'/').map_or(path, |at| &path[at + 1..])
}

fn regular(item: &Item) -> bool {
    matches!(item.mode, FILE | PROGRAM)
}

/// Gives the content of a change's old or new side.
pub type Read<'a> = dyn FnMut(&Session<'_>, &Change, bool) -> Result<Vec<u8>> + 'a;

/// Joins deletions and additions to renames, at `threshold` percent and above.
pub fn detect(
    session: &Session<'_>,
    changes: Vec<Change>,
    threshold: u8,
    content: &mut Read<'_>,
) -> Result<Vec<Change>> {
    let gone: Vec<usize> = positions(&changes, 'D');
    let come: Vec<usize> = positions(&changes, 'A');
    if gone.is_empty() || come.is_empty() {
        return Ok(changes);
    }
    // For each addition: the deletion it comes from, and the likeness.
    let mut origin: HashMap<usize, (usize, u8)> = HashMap::new();
    let mut used: Vec<bool> = vec![false; changes.len()];

    let mut by_id: HashMap<_, Vec<usize>> = HashMap::new();
    for &from in &gone {
        if let Some(old) = changes[from].old {
            by_id.entry(old.id).or_default().push(from);
        }
    }
    for &to in &come {
        let Some(new) = changes[to].new else { continue };
        let Some(list) = by_id.get(&new.id) else { continue };
        let fits = |from: &&usize| {
            let old = changes[**from].old;
            old.is_some_and(|old| (old.mode == LINK) == (new.mode == LINK)) && !used[**from]
        };
        let same_name = list
            .iter()
            .filter(fits)
            .find(|from| base(changes[**from].path.as_bstr()) == base(changes[to].path.as_bstr()));
        if let Some(&from) = same_name.or_else(|| list.iter().find(fits)) {
            used[from] = true;
            origin.insert(to, (from, 100));
        }
    }
    let gone: Vec<usize> = gone
        .into_iter()
        .filter(|from| !used[*from] && changes[*from].old.as_ref().is_some_and(regular))
        .collect();
    let come: Vec<usize> = come
        .into_iter()
        .filter(|to| !origin.contains_key(to) && changes[*to].new.as_ref().is_some_and(regular))
        .collect();
    if !gone.is_empty()
        && !come.is_empty()
        && gone.len().saturating_mul(come.len()) <= LIMIT * LIMIT
        && threshold < 100
    {
        let mut olds = Vec::new();
        for &from in &gone {
            olds.push(content(session, &changes[from], true)?);
        }
        let mut news = Vec::new();
        for &to in &come {
            news.push(content(session, &changes[to], false)?);
        }
        let score = |from: usize, to: usize| {
            let (old, new): (&Vec<u8>, &Vec<u8>) = (&olds[from], &news[to]);
            let (small, large) = (old.len().min(new.len()), old.len().max(new.len()));
            if small == 0 || small * 100 < large * usize::from(threshold) { 0 } else { similarity(old, new) }
        };
        // A name that went once and came once is tried first, with a higher bar.
        let mut names: HashMap<&[u8], (Vec<usize>, Vec<usize>)> = HashMap::new();
        for (at, &from) in gone.iter().enumerate() {
            names.entry(base(changes[from].path.as_bstr())).or_default().0.push(at);
        }
        for (at, &to) in come.iter().enumerate() {
            names.entry(base(changes[to].path.as_bstr())).or_default().1.push(at);
        }
        let bar = threshold + (100 - threshold) / 2;
        for (olds, news) in names.values() {
            if let ([from], [to]) = (olds.as_slice(), news.as_slice()) {
                let score = score(*from, *to);
                if score >= bar {
                    used[gone[*from]] = true;
                    origin.insert(come[*to], (gone[*from], score));
                }
            }
        }
        let mut pairs = Vec::new();
        for (to, &added) in come.iter().enumerate().filter(|(_, added)| !origin.contains_key(added)) {
            for (from, &deleted) in gone.iter().enumerate().filter(|(_, deleted)| !used[**deleted]) {
                let score = score(from, to);
                if score >= threshold {
                    let same = base(changes[deleted].path.as_bstr()) == base(changes[added].path.as_bstr());
                    pairs.push((score, same, deleted, added));
                }
            }
        }
        pairs.sort_by_key(|pair| std::cmp::Reverse((pair.0, pair.1)));
        for (score, _, from, to) in pairs {
            if !used[from] && !origin.contains_key(&to) {
                used[from] = true;
                origin.insert(to, (from, score));
            }
        }
    }
    let mut result = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        if used[at] {
            continue;
        }
        let mut change = change.clone();
        if let Some((from, score)) = origin.get(&at) {
            change.old_path = changes[*from].path.clone();
            change.old = changes[*from].old;
            change.score = Some(*score);
        }
        result.push(change);
    }
    Ok(result)
}

fn positions(changes: &[Change], letter: char) -> Vec<usize> {
    let found = changes.iter().enumerate().filter(|(_, change)| change.letter() == letter);
    found.map(|(at, _)| at).collect()
}
