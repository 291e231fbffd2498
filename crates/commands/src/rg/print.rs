//! What `rg` prints: lines with their prefixes and colours, counts, names.

use std::collections::VecDeque;

use super::search::{Binary, Held};
use super::{Mode, Plan, Run, json};
use crate::Tool;

/// What is known of the file that is searched.
pub(crate) struct File<'a> {
    pub(crate) path: &'a [u8],
    /// Selected lines; with `multiline` groups of them.
    pub(crate) matched_lines: u64,
    pub(crate) matches: u64,
    /// Lines in all that matches cover.
    pub(crate) covered_lines: u64,
    /// The first zero byte.
    pub(crate) binary: Option<u64>,
    /// Something was printed, up to this offset.
    printed_to: Option<u64>,
    began: bool,
    printed_bytes: u64,
    /// It turned out to be no text: nothing is said of it.
    dropped: bool,
}

impl<'a> File<'a> {
    pub(crate) fn new(path: &'a [u8]) -> File<'a> {
        File {
            path,
            matched_lines: 0,
            matches: 0,
            covered_lines: 0,
            binary: None,
            printed_to: None,
            began: false,
            printed_bytes: 0,
            dropped: false,
        }
    }

    /// Whether the search of it was successful.
    pub(crate) fn is_matched(&self, plan: &Plan) -> bool {
        !self.dropped && (self.matched_lines > 0) != (plan.mode == Mode::FilesWithout && !plan.quiet)
    }
}

/// A stretch of a line that is shown in colour.
type Span = (usize, usize);

fn put_styled(out: &mut Vec<u8>, style: &str, text: &[u8]) {
    out.extend_from_slice(style.as_bytes());
    out.extend_from_slice(text);
    out.extend_from_slice(b"\x1b[0m");
}

fn put_path(plan: &Plan, out: &mut Vec<u8>, path: &[u8]) {
    let changed;
    let path = match plan.path_separator {
        Some(separator) => {
            changed =
                path.iter().map(|byte| if *byte == b'/' { separator } else { *byte }).collect::<Vec<_>>();
            &changed
        }
        None => path,
    };
    if plan.color { put_styled(out, &plan.styles.path, path) } else { out.extend_from_slice(path) }
}

/// The path of a line of its own.
pub(crate) fn put_path_line(plan: &Plan, out: &mut Vec<u8>, path: &[u8]) {
    put_path(plan, out, path);
    out.push(if plan.null { 0 } else { b'\n' });
}

/// Everything that precedes the first line of a file.
fn begin(plan: &Plan, run: &mut Run, file: &mut File<'_>, out: &mut Vec<u8>) {
    if std::mem::replace(&mut file.began, true) {
        return;
    }
    if plan.mode == Mode::Json {
        json::begin(out, file.path);
        return;
    }
    if std::mem::replace(&mut run.printed, true) {
        if plan.heading {
            out.push(b'\n');
        } else if (plan.before > 0 || plan.after > 0)
            && let Some(separator) = &plan.context_separator
        {
            out.extend_from_slice(separator);
            out.push(b'\n');
        }
    }
    if plan.heading && plan.with_filename {
        put_path_line(plan, out, file.path);
    }
}

/// What stands before a line.
struct Place {
    line: u64,
    column: u64,
    offset: u64,
    matched: bool,
}

fn put_prefix(plan: &Plan, file: &File<'_>, out: &mut Vec<u8>, place: &Place) {
    let separator = if place.matched { &plan.match_separator } else { &plan.field_separator };
    if plan.with_filename && !plan.heading {
        put_path(plan, out, file.path);
        if plan.null {
            out.push(0);
        } else {
            out.extend_from_slice(separator);
        }
    }
    let mut number = |value: u64, style: &str| {
        let text = value.to_string();
        if plan.color {
            put_styled(out, style, text.as_bytes());
        } else {
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(separator);
    };
    if plan.line_number {
        number(place.line, &plan.styles.line);
    }
    if plan.column && place.matched {
        number(place.column, &plan.styles.column);
    }
    if plan.byte_offset {
        number(place.offset, &plan.styles.column);
    }
}

/// A line, or a part of one, with a terminator behind it.
fn put_line(plan: &Plan, out: &mut Vec<u8>, line: &[u8], spans: &[Span], matched: bool, known: usize) {
    let mut line = line;
    let mut cut = 0;
    if plan.trim {
        cut = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | 11 | 12)).count();
        line = line.get(cut..).unwrap_or_default();
    }
    let mut tail: &[u8] = b"";
    if let Some(most) = plan.most_columns
        && line.len() as u64 > most
    {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if !plan.preview {
            let text = if !matched {
                "[Omitted long context line]".to_owned()
            } else if plan.only_matching {
                "[Omitted long matching line]".to_owned()
            } else if known > 0 {
                format!("[Omitted long line with {known} matches]")
            } else {
                "[Omitted long matching line]".to_owned()
            };
            out.extend_from_slice(text.as_bytes());
            out.push(plan.terminator);
            return;
        }
        // As many characters, not half of one.
        let shown = bstr::ByteSlice::char_indices(line).nth(most).map_or(line.len(), |(start, _, _)| start);
        line = line.get(..shown).unwrap_or_default();
        tail = b" [... omitted end of long line]";
    }
    if plan.color && !spans.is_empty() && !plan.styles.matched.is_empty() {
        let mut at = 0;
        for (start, end) in spans {
            let (start, end) = (start.saturating_sub(cut), end.saturating_sub(cut).min(line.len()));
            if start >= end || start < at {
                continue;
            }
            out.extend_from_slice(line.get(at..start).unwrap_or_default());
            let part = line.get(start..end).unwrap_or_default();
            let ended = part.strip_suffix(&[plan.terminator]);
            put_styled(out, &plan.styles.matched, ended.unwrap_or(part));
            if ended.is_some() {
                out.push(plan.terminator);
            }
            at = end;
        }
        out.extend_from_slice(line.get(at..).unwrap_or_default());
    } else {
        out.extend_from_slice(line);
    }
    out.extend_from_slice(tail);
    if !tail.is_empty() || !line.ends_with(&[plan.terminator]) {
        if plan.crlf && tail.is_empty() && !line.ends_with(b"\r") {
            out.push(b'\r');
        }
        out.push(plan.terminator);
    }
}

/// The matches in the lines that were selected.
fn spans_of(plan: &Plan, lines: &[u8]) -> Result<Vec<Span>, String> {
    let body = if plan.multiline { lines } else { lines.strip_suffix(&[plan.terminator]).unwrap_or(lines) };
    let mut spans = Vec::new();
    let mut at = 0;
    let mut last = usize::MAX;
    while let Some((start, end)) = plan.pattern.find(body, at)? {
        if start == end {
            at = start + bstr::decode_utf8(body.get(start..).unwrap_or_default()).1.max(1);
            if start == last || (plan.multiline && start >= body.len() && body.ends_with(&[plan.terminator]))
            {
                continue;
            }
        } else {
            at = end;
            last = end;
        }
        spans.push((start, end));
    }
    Ok(spans)
}

/// The lines with all matches replaced, and where the replacements stand.
fn replaced(plan: &Plan, with: &[u8], lines: &[u8], spans: &[Span]) -> Result<(Vec<u8>, Vec<Span>), String> {
    let body = if plan.multiline { lines } else { lines.strip_suffix(&[plan.terminator]).unwrap_or(lines) };
    let mut out = Vec::with_capacity(lines.len());
    let mut places = Vec::with_capacity(spans.len());
    let mut at = 0;
    for (start, end) in spans {
        let Some(captures) = plan.pattern.captures(body, *start)? else { continue };
        out.extend_from_slice(lines.get(at..*start).unwrap_or_default());
        let from = out.len();
        plan.pattern.expand(with, body, &captures, &mut out);
        places.push((from, out.len()));
        at = *end;
    }
    out.extend_from_slice(lines.get(at..).unwrap_or_default());
    Ok((out, places))
}

/// The lines of context that were held back, and what tells that some are left out.
pub(crate) fn before(
    t: &mut Tool,
    plan: &Plan,
    run: &mut Run,
    file: &mut File<'_>,
    held: &mut VecDeque<Held>,
    offset: u64,
) {
    if plan.quiet || !matches!(plan.mode, Mode::Standard | Mode::Json) {
        return;
    }
    let out = t.out.buffer();
    let first = held.front().map_or(offset, |held| held.offset);
    if file.binary.is_some() && plan.mode == Mode::Standard {
        held.clear();
        return;
    }
    if plan.mode == Mode::Standard
        && (plan.before > 0 || plan.after > 0)
        && file.printed_to.is_some_and(|printed| printed != first)
        && let Some(separator) = &plan.context_separator
    {
        out.extend_from_slice(separator);
        out.push(b'\n');
    }
    for held in held.drain(..) {
        context(t, plan, run, file, &held.text, held.line, held.offset);
    }
}

/// A line that is not selected.
pub(crate) fn context(
    t: &mut Tool,
    plan: &Plan,
    run: &mut Run,
    file: &mut File<'_>,
    line: &[u8],
    number: u64,
    offset: u64,
) {
    if plan.quiet || (file.binary.is_some() && plan.mode == Mode::Standard) {
        return;
    }
    let out = t.out.buffer();
    let length = out.len();
    begin(plan, run, file, out);
    if plan.mode == Mode::Json {
        json::lines(out, "context", plan, file.path, line, number, offset, &[]);
    } else {
        put_prefix(plan, file, out, &Place { line: number, column: 0, offset, matched: false });
        put_line(plan, out, line, &[], false, 0);
    }
    file.printed_to = Some(offset + line.len() as u64);
    file.printed_bytes += (out.len() - length) as u64;
}

/// A line that is selected; with `multiline` perhaps several.
pub(crate) fn matched(
    t: &mut Tool,
    plan: &Plan,
    run: &mut Run,
    file: &mut File<'_>,
    lines: &[u8],
    number: u64,
    offset: u64,
) -> Result<(), String> {
    file.matched_lines += 1;
    let spans = if plan.needs_spans() && !plan.invert { spans_of(plan, lines)? } else { Vec::new() };
    file.matches += if plan.invert { 0 } else { spans.len() as u64 };
    if plan.stats || plan.mode == Mode::Json {
        file.covered_lines += memchr::memchr_iter(plan.terminator, lines).count().max(1) as u64;
    }
    if plan.quiet || !matches!(plan.mode, Mode::Standard | Mode::Json) {
        return Ok(());
    }
    if file.binary.is_some() && plan.mode == Mode::Standard {
        return Ok(());
    }
    let out = t.out.buffer();
    let length = out.len();
    begin(plan, run, file, out);
    if plan.mode == Mode::Json {
        json::lines(out, "match", plan, file.path, lines, number, offset, &spans);
    } else {
        let changed;
        let (text, places) = match &plan.replacement {
            Some(with) if !plan.invert => {
                changed = replaced(plan, with, lines, &spans)?;
                (&changed.0[..], &changed.1[..])
            }
            _ => (lines, &spans[..]),
        };
        standard(plan, file, out, text, places, number, offset);
    }
    file.printed_to = Some(offset + lines.len() as u64);
    file.printed_bytes += (out.len() - length) as u64;
    Ok(())
}

fn standard(
    plan: &Plan,
    file: &File<'_>,
    out: &mut Vec<u8>,
    text: &[u8],
    spans: &[Span],
    number: u64,
    offset: u64,
) {
    let terminator = plan.terminator;
    let mut lines = Vec::new();
    let mut at = 0;
    while at < text.len() || lines.is_empty() {
        let rest = text.get(at..).unwrap_or_default();
        let end = match memchr::memchr(terminator, rest) {
            Some(found) if plan.multiline => at + found + 1,
            _ => text.len(),
        };
        lines.push((at, end));
        at = end.max(at + 1);
    }
    let place = |line: usize, column: usize, at: usize| Place {
        line: number + line as u64,
        column: column as u64 + 1,
        offset: offset + at as u64,
        matched: true,
    };
    let known = if plan.color || plan.stats || plan.column { spans.len() } else { 0 };
    if plan.only_matching && !plan.invert {
        for (start, end) in spans {
            for (index, (from, to)) in lines.iter().enumerate() {
                let (low, high) = ((*start).max(*from), (*end).min(*to));
                // A match stands on all lines that it covers, an empty one where it begins.
                if low > high || (low == high && (start != end || low == *to && index + 1 < lines.len())) {
                    continue;
                }
                put_prefix(plan, file, out, &place(index, low - from, low));
                let part = text.get(low..high).unwrap_or_default();
                put_line(plan, out, part, &[(0, part.len())], true, 1);
            }
        }
    } else if plan.each_match && !spans.is_empty() {
        for (start, end) in spans {
            let Some((index, (from, to))) = lines
                .iter()
                .enumerate()
                .find(|(_, (from, to))| start >= from && (start < to || to == &text.len()))
            else {
                continue;
            };
            put_prefix(plan, file, out, &place(index, start - from, *start));
            let span = (start - from, (*end).min(*to) - from);
            put_line(plan, out, text.get(*from..*to).unwrap_or_default(), &[span], true, known);
        }
    } else {
        for (index, (from, to)) in lines.iter().enumerate() {
            let inside: Vec<Span> = spans
                .iter()
                .filter(|(start, end)| start < to && end > from)
                .map(|(start, end)| ((*start).max(*from) - from, (*end).min(*to) - from))
                .collect();
            let column = spans.first().map_or(0, |(start, _)| if index == 0 { *start } else { 0 });
            put_prefix(plan, file, out, &place(index, column, *from));
            put_line(plan, out, text.get(*from..*to).unwrap_or_default(), &inside, true, known);
        }
    }
}

/// What is told at the end of a file.
pub(crate) fn finish(
    t: &mut Tool,
    plan: &Plan,
    run: &mut Run,
    file: &mut File<'_>,
    binary: Binary,
    bytes: u64,
    nanoseconds: u64,
) {
    // A file that turns out to be no text has no count and no name.
    if binary == Binary::Quit && file.binary.is_some() && !matches!(plan.mode, Mode::Standard | Mode::Json) {
        file.matched_lines = 0;
        file.matches = 0;
        file.dropped = true;
    }
    let out = t.out.buffer();
    let length = out.len();
    let matched = file.is_matched(plan);
    if !plan.quiet && !file.dropped {
        match plan.mode {
            Mode::Standard => {
                if let (Some(offset), true) = (file.binary, file.matched_lines > 0) {
                    if plan.with_filename {
                        put_path(plan, out, file.path);
                        out.extend_from_slice(b": ");
                    }
                    let what = match binary {
                        Binary::Quit => "WARNING: stopped searching binary file after match",
                        _ => "binary file matches",
                    };
                    out.extend_from_slice(
                        format!("{what} (found \"\\0\" byte around offset {offset})\n").as_bytes(),
                    );
                }
            }
            Mode::Count | Mode::CountMatches => {
                // Matches over lines have no lines of their own to count.
                let each = plan.mode == Mode::CountMatches || plan.multiline;
                let count = if each && !plan.invert { file.matches } else { file.matched_lines };
                if count > 0 || plan.include_zero {
                    if plan.with_filename {
                        put_path(plan, out, file.path);
                        if plan.null {
                            out.push(0);
                        } else {
                            out.extend_from_slice(&plan.match_separator);
                        }
                    }
                    out.extend_from_slice(format!("{count}\n").as_bytes());
                }
            }
            Mode::FilesWith | Mode::FilesWithout => {
                if matched {
                    put_path_line(plan, out, file.path);
                }
            }
            Mode::Json => {}
        }
    }
    file.printed_bytes += (out.len() - length) as u64;
    let stats = super::Stats {
        nanoseconds,
        searches: 1,
        searches_with_match: u64::from(file.matched_lines > 0),
        bytes_searched: bytes,
        bytes_printed: file.printed_bytes,
        matched_lines: file.covered_lines,
        matches: file.matches,
    };
    if plan.mode != Mode::Json || file.began {
        run.stats.add(&stats);
    }
    if plan.mode == Mode::Json && file.began && !plan.quiet {
        json::end(out, file.path, file.binary, &stats);
    }
}
