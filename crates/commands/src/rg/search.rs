//! Searches one input for `rg`: whole blocks of lines at once, or the whole text where matches go over lines.

use std::collections::VecDeque;

use wasmsh_os::Input;

use super::print::{self, File};
use super::{Mode, Plan, Run};
use crate::{Fail, Tool};

/// What is done about zero bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    /// Nothing: everything is text.
    Text,
    /// The search ends at the first.
    Quit,
    /// They end lines, and matches are told, not shown.
    Convert,
}

/// A line before a match, should there be one.
pub(crate) struct Held {
    pub(crate) line: u64,
    pub(crate) offset: u64,
    pub(crate) text: Vec<u8>,
}

/// How far the search of a file has come.
struct State<'a> {
    file: File<'a>,
    line: u64,
    offset: u64,
    /// Lines of context that are still to be printed.
    trailing: u64,
    held: VecDeque<Held>,
    over: bool,
}

/// Searches, and prints what there is. Whether there was a match.
pub(crate) async fn search(
    t: &mut Tool,
    plan: &Plan,
    run: &mut Run,
    mut input: Input,
    path: &[u8],
    binary: Binary,
) -> Result<bool, Fail> {
    let began = t.ctx.monotonic();
    let mut state = State {
        file: File::new(path),
        line: 1,
        offset: 0,
        trailing: if plan.passthru { u64::MAX } else { 0 },
        held: VecDeque::new(),
        over: false,
    };
    let wrong = |error: wasmsh_os::Errno| super::errno_text(path, error);
    let mut first = true;
    let result: Result<(), String> = 'search: {
        if plan.multiline {
            let mut text = Vec::new();
            if let Err(error) = input.read_to_end(&mut text).await {
                break 'search Err(wrong(error));
            }
            let text = super::encoding::decode(text, plan.encoding);
            if let Some(text) = check_binary(plan, &mut state, &text, binary, &text) {
                block_of(t, plan, run, &mut state, &text).await?;
            }
            break 'search Ok(());
        }
        loop {
            let more = match input.extend().await {
                Ok(more) => more,
                Err(error) => break 'search Err(wrong(error)),
            };
            if std::mem::take(&mut first) {
                match super::encoding::sniff(input.buffered(), plan.encoding) {
                    super::encoding::Sniffed::Text(mark) => input.consume(mark),
                    super::encoding::Sniffed::Encoded(encoding) => {
                        let mut text = Vec::new();
                        if let Err(error) = input.read_to_end(&mut text).await {
                            break 'search Err(wrong(error));
                        }
                        let text = super::encoding::decode(text, Some(encoding));
                        if let Some(text) = check_binary(plan, &mut state, &text, binary, &text) {
                            block_of(t, plan, run, &mut state, &text).await?;
                        }
                        break 'search Ok(());
                    }
                }
            }
            let block = input.buffered();
            let length = if more {
                match memchr::memrchr(plan.terminator, block) {
                    Some(last) => last + 1,
                    None => continue,
                }
            } else {
                block.len()
            };
            let block = block.get(..length).unwrap_or_default();
            match check_binary(plan, &mut state, block, binary, input.buffered()) {
                None => state.over = true,
                Some(block) => block_of(t, plan, run, &mut state, &block).await?,
            }
            input.consume(length);
            if state.over || !more {
                break 'search Ok(());
            }
        }
    };
    if let Err(message) = result {
        run.complain(t, plan, &message).await?;
    }
    let bytes = state.offset;
    print::finish(t, plan, run, &mut state.file, binary, bytes, t.ctx.monotonic().saturating_sub(began));
    t.out.drain().await?;
    Ok(state.file.is_matched(plan))
}

/// The block as it is searched; `None`: it is not, since it is no text. `seen`: the block, and what is read behind it.
fn check_binary<'b>(
    plan: &Plan,
    state: &mut State<'_>,
    block: &'b [u8],
    binary: Binary,
    seen: &[u8],
) -> Option<std::borrow::Cow<'b, [u8]>> {
    if binary == Binary::Text || plan.terminator == 0 {
        return Some(block.into());
    }
    let Some(zero) = memchr::memchr(0, seen) else { return Some(block.into()) };
    if state.file.binary.is_none() {
        state.file.binary = Some(state.offset + zero as u64);
    }
    if binary == Binary::Quit {
        return None;
    }
    let mut block = block.to_vec();
    for byte in &mut block {
        if *byte == 0 {
            *byte = b'\n';
        }
    }
    Some(block.into())
}

/// Where the line that `at` is in ends, its terminator included.
fn line_end(block: &[u8], at: usize, terminator: u8) -> usize {
    let rest = block.get(at..).unwrap_or_default();
    memchr::memchr(terminator, rest).map_or(block.len(), |found| at + found + 1)
}

/// The next line from `at` (the beginning of a line) on with a match; with `multiline` all lines that a match, and
/// those that overlap with it, cover.
fn next_match(plan: &Plan, block: &[u8], at: usize) -> Result<Option<(usize, usize)>, String> {
    let terminator = plan.terminator;
    if !plan.pattern.whole_blocks && !plan.multiline {
        let mut at = at;
        while at < block.len() {
            let end = line_end(block, at, terminator);
            let body = block.get(at..end).unwrap_or_default();
            let body = body.strip_suffix(&[terminator]).unwrap_or(body);
            if plan.pattern.find(body, 0)?.is_some() {
                return Ok(Some((at, end)));
            }
            at = end;
        }
        return Ok(None);
    }
    let Some((from, to)) = plan.pattern.find(block, at)? else { return Ok(None) };
    // Behind the last terminator there is no line.
    if from >= block.len() && (block.is_empty() || block.last() == Some(&terminator)) {
        return Ok(None);
    }
    let before = block.get(at..from).unwrap_or_default();
    let start = memchr::memrchr(terminator, before).map_or(at, |last| at + last + 1);
    if !plan.multiline {
        return Ok(Some((start, line_end(block, from, terminator))));
    }
    let end_of = |from: usize, to: usize| {
        if to > from && block.get(to - 1) == Some(&terminator) { to } else { line_end(block, to, terminator) }
    };
    let mut end = end_of(from, to);
    let mut next = if to > from { to } else { to + 1 };
    while next <= end {
        let Some((from, to)) = plan.pattern.find(block, next)? else { break };
        if from > end || from >= block.len() {
            break;
        }
        end = end.max(end_of(from, to));
        next = if to > from { to } else { to + 1 };
    }
    Ok(Some((start, end)))
}

async fn block_of(
    t: &mut Tool,
    plan: &Plan,
    run: &mut Run,
    state: &mut State<'_>,
    block: &[u8],
) -> Result<(), Fail> {
    let wrong = |message: String| Fail::Bare(message, 2);
    let needs_lines = plan.needs_line_numbers();
    let (mut at, mut counted) = (0, 0);
    // The next match, as far as it is known: only an inverted search looks at it twice.
    let mut ahead: Option<Option<(usize, usize)>> = None;
    while at < block.len() && !state.over {
        let found = if plan.invert {
            loop {
                let next = match ahead {
                    Some(next) => next,
                    None => *ahead.insert(next_match(plan, block, at).map_err(wrong)?),
                };
                match next {
                    Some((start, end)) if start <= at => {
                        // Passed over, or context of what comes.
                        if at < end {
                            context(t, plan, run, state, block, at, end, &mut counted).await?;
                        }
                        at = end;
                        ahead = None;
                        if at >= block.len() {
                            break None;
                        }
                    }
                    _ => break Some((at, line_end(block, at, plan.terminator))),
                }
            }
        } else {
            next_match(plan, block, at).map_err(wrong)?
        };
        let (start, end) = found.unwrap_or((block.len(), block.len()));
        if start > at {
            context(t, plan, run, state, block, at, start, &mut counted).await?;
        }
        if start >= block.len() || state.over {
            break;
        }
        if needs_lines {
            count_lines(plan, state, block, &mut counted, start);
        }
        let lines = block.get(start..end).unwrap_or_default();
        print::before(t, plan, run, &mut state.file, &mut state.held, state.offset + start as u64);
        print::matched(t, plan, run, &mut state.file, lines, state.line, state.offset + start as u64)
            .map_err(wrong)?;
        at = end;
        t.out.drain().await?;
        if plan.stops_at_first(&state.file) {
            state.over = true;
            break;
        }
        match plan.most {
            Some(most) if state.file.matched_lines >= most => {
                // Lines that match are context now.
                state.trailing = if state.file.matched_lines == most {
                    plan.after
                } else {
                    state.trailing.saturating_sub(1)
                };
                if plan.passthru {
                    state.trailing = u64::MAX;
                } else if state.trailing == 0 {
                    state.over = true;
                }
            }
            _ if plan.passthru => {}
            _ => state.trailing = plan.after,
        }
        if state.file.matched_lines & 63 == 0 {
            t.ctx.ticks(64).await;
        }
    }
    if needs_lines {
        count_lines(plan, state, block, &mut counted, block.len());
    }
    state.offset += if state.over { at } else { block.len() } as u64;
    Ok(())
}

fn count_lines(plan: &Plan, state: &mut State<'_>, block: &[u8], counted: &mut usize, position: usize) {
    if position > *counted {
        let passed = block.get(*counted..position).unwrap_or_default();
        state.line += memchr::memchr_iter(plan.terminator, passed).count() as u64;
        *counted = position;
    }
}

/// Lines that are not selected: the first ones follow a match, the last ones may precede one.
#[expect(clippy::too_many_arguments, reason = "a part of the loop above")]
async fn context(
    t: &mut Tool,
    plan: &Plan,
    run: &mut Run,
    state: &mut State<'_>,
    block: &[u8],
    from: usize,
    to: usize,
    counted: &mut usize,
) -> Result<(), Fail> {
    if !matches!(plan.mode, Mode::Standard | Mode::Json) || plan.quiet {
        return Ok(());
    }
    let mut at = from;
    while at < to && !state.over {
        let before = if state.trailing > 0 { 0 } else { usize::try_from(plan.before).unwrap_or(usize::MAX) };
        if state.trailing == 0 {
            if before == 0 {
                return Ok(());
            }
            // Only the last lines of a long stretch can be context.
            let mut start = to;
            for _ in 0..before {
                if start <= at {
                    break;
                }
                let head = block.get(at..start - 1).unwrap_or_default();
                start = memchr::memrchr(plan.terminator, head).map_or(at, |last| at + last + 1);
            }
            if start > at {
                state.held.clear();
                at = start;
            }
        }
        let end = line_end(block, at, plan.terminator).min(to);
        let line = block.get(at..end).unwrap_or_default();
        if plan.needs_line_numbers() {
            count_lines(plan, state, block, counted, at);
        }
        let offset = state.offset + at as u64;
        if state.trailing > 0 {
            print::context(t, plan, run, &mut state.file, line, state.line, offset);
            t.out.drain().await?;
            if !plan.passthru {
                state.trailing -= 1;
                if state.trailing == 0 && plan.most.is_some_and(|most| state.file.matched_lines >= most) {
                    state.over = true;
                }
            }
        } else {
            if state.held.len() >= before {
                state.held.pop_front();
            }
            state.held.push_back(Held { line: state.line, offset, text: line.to_vec() });
        }
        at = end;
        t.ctx.tick().await;
    }
    Ok(())
}
