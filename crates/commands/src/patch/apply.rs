//! Where a hunk fits into a file, and what the file becomes.

use std::ops::Range;

use bstr::BString;

use super::parse::{Hunk, Mark};
use crate::diff::text::Text;

/// How exactly hunks must fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strictness {
    /// Lines of context at each end that may differ.
    pub(super) fuzz: usize,
    /// `-l`: amounts of white space do not count.
    pub(super) loose: bool,
}

/// Where a hunk was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Lines of the file that it takes the place of.
    pub(super) lines: Range<usize>,
    /// Lines of the hunk's context that were left out, at the beginning and at the end.
    pub(super) left_out: (usize, usize),
    pub(super) fuzz: usize,
}

fn same(a: &[u8], b: &[u8], loose: bool) -> bool {
    if !loose {
        return a == b;
    }
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let words = |line: &[u8]| -> Vec<Vec<u8>> {
        line.trim_ascii_end().split(blank).filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let leading = |line: &[u8]| line.first().is_some_and(blank);
    a == b || (words(a) == words(b) && leading(a) == leading(b))
}

/// Looks for a hunk at or near where it should be. `from`: the first line that no hunk before has taken. `offset`: how
/// far the last one was from its place.
pub(super) fn locate(file: &Text, hunk: &Hunk, from: usize, offset: isize, how: Strictness) -> Option<Found> {
    let (prefix, suffix) = hunk.context();
    (0..=how.fuzz.min(prefix.max(suffix))).find_map(|fuzz| locate_with(file, hunk, from, offset, how, fuzz))
}

/// The same with just so many lines of context left out.
pub(super) fn locate_with(
    file: &Text,
    hunk: &Hunk,
    from: usize,
    offset: isize,
    how: Strictness,
    fuzz: usize,
) -> Option<Found> {
    let (prefix, suffix) = hunk.context();
    let context = prefix.max(suffix);
    let old: Vec<&BString> = hunk.old_lines().collect();
    // Shorter context at one end stands for the end of the file: less of it is left out there.
    let cut = |own: usize| (fuzz + own).saturating_sub(context);
    // Where all is context, both ends are the same lines.
    let left_out = (cut(prefix), cut(suffix).min(old.len().saturating_sub(cut(prefix))));
    let pattern = old.get(left_out.0..old.len() - left_out.1).unwrap_or_default();
    let at = search(file, hunk, pattern, left_out, (prefix, suffix), from, offset, how, fuzz)?;
    Some(Found { lines: at..at + pattern.len(), left_out, fuzz })
}

#[expect(clippy::too_many_arguments, reason = "one search of several, with what they share")]
fn search(
    file: &Text,
    hunk: &Hunk,
    pattern: &[&BString],
    left_out: (usize, usize),
    (prefix, suffix): (usize, usize),
    from: usize,
    offset: isize,
    how: Strictness,
    fuzz: usize,
) -> Option<usize> {
    let last = file.len().checked_sub(pattern.len())?;
    // A hunk without old lines stands behind the line that it names.
    let stated = if hunk.old_count() == 0 { hunk.old_start } else { hunk.old_start.saturating_sub(1) };
    let first_guess = stated as isize + left_out.0 as isize + offset;
    let fits = |at: usize| {
        pattern.iter().enumerate().all(|(index, line)| same(file.line(at + index), line, how.loose))
    };
    // Without fuzz, context that is cut short is an end of the file.
    if fuzz == 0 && prefix < suffix && stated == 0 {
        return (from == 0 && fits(0)).then_some(0);
    }
    if fuzz == 0 && suffix < prefix {
        return (last >= from && fits(last)).then_some(last);
    }
    let near = first_guess.clamp(0, last as isize);
    let most = (near - from as isize).max(last as isize - near).max(0);
    for distance in 0..=most {
        for at in [near + distance, near - distance] {
            if at >= from as isize && at <= last as isize && fits(at as usize) {
                return Some(at as usize);
            }
        }
    }
    None
}

/// Appends a line; one before it that has no newline gets one.
pub(super) fn put_line(line: &[u8], out: &mut Vec<u8>) {
    if !out.is_empty() && !out.ends_with(b"\n") {
        out.push(b'\n');
    }
    out.extend_from_slice(line);
}

/// Appends what a hunk makes of the lines where it was found: lines of context stay as the file has them. With a name to
/// `define` both versions are written, between lines for the preprocessor.
pub(super) fn write(file: &Text, hunk: &Hunk, found: &Found, define: Option<&BString>, out: &mut Vec<u8>) {
    let mut at = found.lines.start;
    let count = hunk.lines.len() - found.left_out.0 - found.left_out.1;
    // What the lines before this one are, in one change.
    let mut change = Mark::Same;
    let directive = |from: Mark, to: Mark, out: &mut Vec<u8>| {
        let Some(name) = define else { return };
        match (from, to) {
            (from, to) if from == to => {}
            (_, Mark::Same) => put_line(b"#endif\n", out),
            (Mark::Same, to) => {
                let word = if to == Mark::Insert { "#ifdef" } else { "#ifndef" };
                put_line(format!("{word} {name}\n").as_bytes(), out);
            }
            _ => put_line(b"#else\n", out),
        }
    };
    for (mark, line) in hunk.lines.iter().skip(found.left_out.0).take(count) {
        directive(change, *mark, out);
        change = *mark;
        match mark {
            Mark::Same => {
                put_line(file.line(at), out);
                at += 1;
            }
            Mark::Delete => {
                if define.is_some() {
                    put_line(file.line(at), out);
                }
                at += 1;
            }
            Mark::Insert => put_line(line, out),
        }
    }
    directive(change, Mark::Same, out);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_hunk_of_context_alone_is_left_out_once() {
        let lines = vec![(Mark::Same, "x\n".into())];
        let hunk = Hunk { old_start: 1, new_start: 1, lines, function: "".into() };
        let file = Text::new(b"1\n2\n3\n".to_vec());
        // With all of it left out nothing is left to differ.
        let found = locate(&file, &hunk, 0, 0, Strictness { fuzz: 2, loose: false }).unwrap();
        assert_eq!((found.left_out, found.lines.len()), ((1, 0), 0));
        let mut out = Vec::new();
        write(&file, &hunk, &found, None, &mut out);
        assert!(out.is_empty());
    }
}
