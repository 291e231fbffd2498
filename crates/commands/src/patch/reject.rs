//! Hunks that did not fit, written out.

use super::parse::{FilePatch, Form, Hunk, Mark};
use super::target::strip;

/// The file of rejects: headers, and the hunks as they should have been applied.
/// Names without the parts that `-p` takes away.
pub(super) fn render(
    patch: &FilePatch,
    hunks: &[Hunk],
    unified: bool,
    count: Option<usize>,
    reverse: bool,
) -> Vec<u8> {
    let mut out = Vec::new();
    // Hunks of normal differences are written in the older form of context.
    let stars = patch.form != Form::Normal;
    let (old, new) = (patch.old.as_ref(), patch.new.as_ref());
    let marks: [&[u8]; 2] = if unified { [b"--- ", b"+++ "] } else { [b"*** ", b"--- "] };
    if let Some(index) = &patch.index
        && unified
        && !reverse
    {
        out.extend_from_slice(b"Index: ");
        out.extend_from_slice(index);
        out.push(b'\n');
    }
    for (mark, heading) in marks.into_iter().zip([old, new]) {
        out.extend_from_slice(mark);
        match heading {
            Some(heading) => match strip(&heading.name, count).filter(|_| heading.name != "/dev/null") {
                Some(name) => {
                    out.extend_from_slice(&name);
                    if !heading.time.is_empty() {
                        out.push(b'\t');
                        out.extend_from_slice(&heading.time);
                    }
                }
                None => out.extend_from_slice(&heading.text),
            },
            None => out.extend_from_slice(b"/dev/null"),
        }
        out.push(b'\n');
    }
    for hunk in hunks {
        if unified { as_unified(hunk, &mut out) } else { as_context(hunk, stars, &mut out) }
    }
    out
}

fn put(out: &mut Vec<u8>, mark: &[u8], line: &[u8]) {
    out.extend_from_slice(mark);
    out.extend_from_slice(line);
}

fn counted(start: usize, count: usize) -> String {
    if count == 1 { start.to_string() } else { format!("{start},{count}") }
}

fn as_unified(hunk: &Hunk, out: &mut Vec<u8>) {
    let old = counted(hunk.old_start, hunk.old_count());
    let new = counted(hunk.new_start, hunk.new_count());
    out.extend_from_slice(format!("@@ -{old} +{new} @@").as_bytes());
    out.extend_from_slice(&hunk.function);
    out.push(b'\n');
    for (mark, line) in &hunk.lines {
        let mark: &[u8] = match mark {
            Mark::Same => b" ",
            Mark::Delete => b"-",
            Mark::Insert => b"+",
        };
        put(out, mark, line);
    }
}

fn as_context(hunk: &Hunk, stars: bool, out: &mut Vec<u8>) {
    let range = |start: usize, count: usize| match count {
        0 => "0".into(),
        1 => start.to_string(),
        _ => format!("{start},{}", start + count - 1),
    };
    out.extend_from_slice(b"***************");
    out.extend_from_slice(&hunk.function);
    out.push(b'\n');
    for (own, other, letter) in [(Mark::Delete, Mark::Insert, b'-'), (Mark::Insert, Mark::Delete, b'+')] {
        let is_old = own == Mark::Delete;
        let heading = if is_old {
            let end = if stars { " ****" } else { "" };
            format!("*** {}{end}\n", range(hunk.old_start, hunk.old_count()))
        } else {
            let end = if stars { " ----" } else { " -----" };
            format!("--- {}{end}\n", range(hunk.new_start, hunk.new_count()))
        };
        out.extend_from_slice(heading.as_bytes());
        let mut at = 0;
        while at < hunk.lines.len() {
            let run: Vec<_> =
                hunk.lines.iter().skip(at).take_while(|(mark, _)| *mark != Mark::Same).collect();
            if run.is_empty() {
                if let Some((_, line)) = hunk.lines.get(at) {
                    put(out, b"  ", line);
                }
                at += 1;
                continue;
            }
            let both = stars && run.iter().any(|(mark, _)| *mark == other);
            let letter = if both { b'!' } else { letter };
            for (_, line) in run.iter().filter(|(mark, _)| *mark == own) {
                put(out, &[letter, b' '], line);
            }
            at += run.len();
        }
    }
}
