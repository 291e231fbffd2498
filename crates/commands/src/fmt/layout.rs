//! Where the lines of a paragraph end: the breaks that cost least, found from the last word backwards. The weights were
//! measured at the tool, by paragraphs for which it prefers one layout to another.

use std::ops::Range;

/// So many words are laid out at once.
pub(super) const MOST_WORDS: usize = 1000;
/// And so many bytes of them.
pub(super) const MOST_BYTES: usize = 5000;

/// Each line.
const LINE: i64 = 4900;
/// For the square of the columns between a line and the goal.
const SHORT: i64 = 100;
/// For the square of the difference of two lines after each other.
const RAGGED: i64 = 50;
/// A break after a sentence.
const SENTENCE: i64 = -2500;
/// A break behind a stop that ends no sentence, as after an abbreviation.
const ABBREVIATION: i64 = 360_000;
/// A break before a parenthesis or a quotation mark, and one behind a punctuation mark.
const MARK: i64 = -1600;
/// A break behind the first word of a sentence; the longer the word, the less.
const FIRST_WORD: i64 = 40_000;
/// A break before the last word of a sentence.
const LAST_WORD: i64 = 22_500;

/// A word of a paragraph.
pub(super) struct Word {
    /// In bytes.
    pub(super) length: usize,
    /// The columns between it and the next.
    pub(super) gap: usize,
    pub(super) ends_sentence: bool,
    /// It begins with a parenthesis or a quotation mark.
    opens: bool,
    /// Its last letter but closing marks is one that could end a sentence.
    stops: bool,
    punctuation: bool,
}

impl Word {
    pub(super) fn new(text: &[u8], gap: usize, last_of_line: bool) -> Word {
        let closing = |byte: &u8| matches!(byte, b'"' | b'\'' | b')' | b']' | b'}');
        let kernel = text.iter().rev().find(|byte| !closing(byte));
        let stops = matches!(kernel, Some(b'.' | b'?' | b'!'));
        Word {
            length: text.len(),
            gap,
            ends_sentence: stops && (gap > 1 || last_of_line),
            opens: matches!(text.first(), Some(b'(' | b'[' | b'\'' | b'`' | b'"')),
            stops,
            punctuation: text.last().is_some_and(u8::is_ascii_punctuation),
        }
    }
}

/// What a line may be long, and what it should be.
#[derive(Clone, Copy)]
pub(super) struct Measure {
    /// A line of several words is shorter than this.
    pub(super) width: usize,
    pub(super) goal: usize,
}

/// The best line from a word on.
#[derive(Clone, Copy, Default)]
struct Best {
    cost: i64,
    /// The word after it.
    next: usize,
    length: usize,
}

/// The best lines from each word on.
pub(super) struct Plan {
    best: Vec<Best>,
}

impl Plan {
    /// The word after the line that begins with this one.
    pub(super) fn next(&self, start: usize) -> usize {
        self.best.get(start).map_or(usize::MAX, |best| best.next).max(start + 1)
    }
}

/// Lays a paragraph out: `indents` are those of its first and of its other lines, `before` the length of the line before
/// its first, or 0.
pub(super) fn plan(words: &[Word], measure: Measure, indents: (usize, usize), before: usize) -> Plan {
    let mut best = vec![Best::default(); words.len() + 1];
    for start in (0..words.len()).rev() {
        let found = best_line(words, start, measure, indents, before, &best);
        if let Some(slot) = best.get_mut(start) {
            *slot = found;
        }
    }
    Plan { best }
}

fn best_line(
    words: &[Word],
    start: usize,
    measure: Measure,
    indents: (usize, usize),
    before: usize,
    best: &[Best],
) -> Best {
    let mut length = if start == 0 { indents.0 } else { indents.1 };
    let mut found = Best { cost: i64::MAX, next: start + 1, length };
    let mut gap = 0;
    for next in start + 1..=words.len() {
        let Some(word) = words.get(next - 1) else { break };
        length += gap + word.length;
        if next > start + 1 && length >= measure.width {
            break;
        }
        let rest = best.get(next).copied().unwrap_or_default();
        let mut cost = rest.cost;
        if next < words.len() {
            cost += SHORT * square(measure.goal, length);
            if rest.next < words.len() {
                cost += RAGGED * square(length, rest.length);
            }
        }
        if start == 0 && before > 0 {
            cost += RAGGED * square(length, before);
        }
        if cost < found.cost {
            found = Best { cost, next, length };
        }
        gap = word.gap;
    }
    found.cost += line_cost(words, start);
    found
}

/// What a line costs by beginning with this word.
fn line_cost(words: &[Word], start: usize) -> i64 {
    let Some(before) = start.checked_sub(1) else { return LINE };
    let (Some(word), Some(last)) = (words.get(start), words.get(before)) else { return LINE };
    let second_of_sentence =
        before.checked_sub(1).and_then(|at| words.get(at)).is_some_and(|word| word.ends_sentence);
    let mut cost = LINE;
    if last.stops {
        cost += if last.ends_sentence { SENTENCE } else { ABBREVIATION };
    } else if last.punctuation {
        cost += MARK;
    } else if second_of_sentence {
        cost += FIRST_WORD / (last.length as i64 + 2);
    }
    if word.opens {
        cost += MARK;
    } else if word.ends_sentence || start + 1 == words.len() {
        cost += LAST_WORD / (word.length as i64 + 2);
    }
    cost
}

fn square(a: usize, b: usize) -> i64 {
    // No line has a goal as wide as that, but the indentation of one may be wider; the sum over all lines must not
    // overflow.
    let difference = a.abs_diff(b).min(1 << 20) as i64;
    difference * difference
}

/// Up to which word the lines of a piece of a longer paragraph are written: all but its last lines, which what follows
/// would change.
pub(super) fn cut(plan: &Plan) -> usize {
    let words = plan.best.len().saturating_sub(1);
    let mut starts = Vec::new();
    let mut at = 0;
    while at < words {
        starts.push(at);
        at = plan.next(at);
    }
    let kept: Range<usize> = starts.len().saturating_sub(2)..starts.len();
    starts.get(kept).and_then(|kept| kept.first()).copied().filter(|at| *at > 0).unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Costs of lines that are all much too wide can be added up.
    #[test]
    fn wide_indents() {
        let words: Vec<Word> = (0..MOST_WORDS).map(|_| Word::new(b"a", 1, false)).collect();
        let plan = plan(&words, Measure { width: 75, goal: 70 }, (1 << 29, 1 << 30), 1);
        assert!((0..MOST_WORDS).all(|start| plan.next(start) == start + 1));
    }
}
