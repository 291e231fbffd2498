//! Line by line: hunks of a unified diff.

use std::borrow::Cow;
use std::ops::Range;

use gix::bstr::{BString, ByteSlice, ByteVec};
use gix::diff::blob::{Algorithm, Diff, InternedInput};

/// What counts as the same line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Space {
    /// Every byte counts.
    #[default]
    Exact,
    /// White space at the end does not.
    AtEnd,
    /// The amount of white space does not.
    Amount,
    /// White space does not at all.
    All,
}

/// How lines are compared and shown.
#[derive(Clone, Debug)]
pub struct LineOptions {
    /// Lines of context.
    pub context: usize,
    /// White space.
    pub space: Space,
    /// Whether changes of blank lines alone are left out.
    pub blank: bool,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Whether white space is shown as it is where it is all that differs.
    pub between: usize,
}

impl Default for LineOptions {
    fn default() -> Self {
        LineOptions { context: 3, space: Space::Exact, blank: false, algorithm: Algorithm::Myers, between: 0 }
    }
}

/// A run of lines that went and the one that came in its place.
pub type Edit = (Range<usize>, Range<usize>);

/// Lines with their ends.
pub fn lines(data: &[u8]) -> Vec<&[u8]> {
    data.lines_with_terminator().collect()
}

fn token(line: &[u8], space: Space) -> Cow<'_, [u8]> {
    let white = |byte: &u8| byte.is_ascii_whitespace() || *byte == 11;
    match space {
        Space::Exact => Cow::Borrowed(line),
        Space::AtEnd => {
            let end = line.iter().rposition(|byte| !white(byte)).map_or(0, |at| at + 1);
            Cow::Borrowed(&line[..end])
        }
        Space::All => Cow::Owned(line.iter().copied().filter(|byte| !white(byte)).collect()),
        Space::Amount => {
            let end = line.iter().rposition(|byte| !white(byte)).map_or(0, |at| at + 1);
            let mut result = Vec::with_capacity(end);
            let mut gap = false;
            for byte in &line[..end] {
                if white(byte) {
                    gap = true;
                } else {
                    if gap {
                        result.push(b' ');
                        gap = false;
                    }
                    result.push(*byte);
                }
            }
            Cow::Owned(result)
        }
    }
}

/// The edits that make `new` of `old`.
pub fn edits(old: &[&[u8]], new: &[&[u8]], options: &LineOptions) -> Vec<Edit> {
    let mut input: InternedInput<Cow<'_, [u8]>> = InternedInput::default();
    input.update_before(old.iter().map(|line| token(line, options.space)));
    input.update_after(new.iter().map(|line| token(line, options.space)));
    let mut diff = Diff::compute(options.algorithm, &input);
    diff.postprocess_lines(&input);
    let range = |range: Range<u32>| range.start as usize..range.end as usize;
    let mut found: Vec<Edit> = diff.hunks().map(|hunk| (range(hunk.before), range(hunk.after))).collect();
    if options.blank {
        let blank = |line: &&[u8]| line.iter().all(u8::is_ascii_whitespace);
        found.retain(|(before, after)| {
            !(old[before.clone()].iter().all(blank) && new[after.clone()].iter().all(blank))
        });
    }
    found
}

/// Lines that were added and removed.
pub fn count(old: &[u8], new: &[u8], options: &LineOptions) -> (usize, usize) {
    let (old, new) = (lines(old), lines(new));
    let edits = edits(&old, &new, options);
    edits
        .iter()
        .fold((0, 0), |(added, removed), (before, after)| (added + after.len(), removed + before.len()))
}

fn is_title(line: &[u8]) -> bool {
    line.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_' || *byte == b'$')
}

fn span(start: usize, count: usize) -> String {
    match count {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        _ => format!("{},{count}", start + 1),
    }
}

/// The title of the section that a line of a file is in.
pub fn title<'a>(file: &[&'a [u8]], before: usize) -> Option<&'a [u8]> {
    let found = file[..before].iter().rev().find(|line| is_title(line))?;
    let found = &found[..found.len().min(80)];
    Some(found.trim_end())
}

/// The hunks of a unified diff.
pub fn unified(old: &[u8], new: &[u8], options: &LineOptions) -> BString {
    let mut out = BString::default();
    let (old, new) = (lines(old), lines(new));
    let edits = edits(&old, &new, options);
    let apart = options.context * 2 + options.between;
    let mut at = 0;
    while at < edits.len() {
        let mut last = at;
        while edits.get(last + 1).is_some_and(|next| next.0.start - edits[last].0.end <= apart) {
            last += 1;
        }
        let (first, end) = (&edits[at], &edits[last]);
        let lead = options.context.min(first.0.start).min(first.1.start);
        let tail = options.context.min(old.len() - end.0.end).min(new.len() - end.1.end);
        let (old_start, new_start) = (first.0.start - lead, first.1.start - lead);
        let (old_end, new_end) = (end.0.end + tail, end.1.end + tail);
        out.push_str(format!(
            "@@ -{} +{} @@",
            span(old_start, old_end - old_start),
            span(new_start, new_end - new_start)
        ));
        if let Some(title) = title(&old, old_start) {
            out.push_byte(b' ');
            out.push_str(title);
        }
        out.push_byte(b'\n');
        let mut position = (old_start, new_start);
        for (before, after) in &edits[at..=last] {
            for line in &new[position.1..after.start] {
                push(&mut out, b' ', line);
            }
            for line in &old[before.clone()] {
                push(&mut out, b'-', line);
            }
            for line in &new[after.clone()] {
                push(&mut out, b'+', line);
            }
            position = (before.end, after.end);
        }
        for line in &new[position.1..new_end] {
            push(&mut out, b' ', line);
        }
        at = last + 1;
    }
    out
}

fn push(out: &mut BString, sign: u8, line: &[u8]) {
    out.push_byte(sign);
    out.push_str(line);
    if !line.ends_with(b"\n") {
        out.push_str("\n\\ No newline at end of file\n");
    }
}
