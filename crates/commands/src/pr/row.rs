//! A line of `pr`'s output: where it stands, and the blanks that are not written yet.

use super::options::{Numbers, Plan};

/// A line being written.
pub(super) struct Row<'a> {
    plan: &'a Plan,
    column: i64,
    /// Blanks to come. Less than none: the line is that far beyond the place where it should be.
    pending: i64,
}

impl<'a> Row<'a> {
    pub(super) fn new(plan: &'a Plan) -> Row<'a> {
        Row { plan, column: 0, pending: plan.margin }
    }

    /// Before the first thing that is written: the margin is not joined to blanks behind it.
    pub(super) fn margin(&mut self, out: &mut Vec<u8>) {
        if self.column == 0 {
            self.flush(out);
        }
    }

    /// Blanks up to a column.
    pub(super) fn pad_to(&mut self, column: i64) {
        self.pending = column + self.plan.margin - self.column;
    }

    /// Writes the blanks.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if self.pending <= 0 {
            return;
        }
        let goal = self.column + self.pending;
        self.pending = 0;
        if self.plan.tabify {
            let tab = self.plan.tab_out;
            while goal - self.column > 1 {
                let stop = self.column + tab.width - self.column % tab.width;
                if stop > goal {
                    break;
                }
                out.push(tab.letter);
                self.column = stop;
            }
        }
        let count = usize::try_from(goal - self.column).unwrap_or(0);
        out.resize(out.len() + count, b' ');
        self.column = goal;
    }

    /// Text; its blanks wait when they could become tabs.
    pub(super) fn text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &byte in text {
            if byte == b' ' && self.plan.tabify {
                self.pending += 1;
                continue;
            }
            self.flush(out);
            out.push(byte);
            self.column += match byte {
                b' '..=b'~' => 1,
                b'\x08' => -self.column.min(1),
                _ => 0,
            };
        }
    }

    /// The text between two columns, with the blanks before it.
    pub(super) fn separator(&mut self, out: &mut Vec<u8>) {
        for &byte in self.plan.separator.iter() {
            if byte == b' ' {
                self.pending += 1;
            } else {
                self.flush(out);
                out.push(byte);
                self.column += 1;
            }
        }
        self.flush(out);
    }

    pub(super) fn number(&mut self, number: i64, numbers: Numbers, out: &mut Vec<u8>) {
        let digits = number.to_string();
        let shown = digits.get(digits.len().saturating_sub(numbers.digits)..).unwrap_or_default();
        self.pending += (numbers.digits - shown.len()) as i64;
        self.text(shown.as_bytes(), out);
        if numbers.separator != b'\t' {
            self.text(&[numbers.separator], out);
        } else if self.plan.columns > 1 {
            // The width of a tab in the first column, everywhere.
            self.pending += numbers.width - numbers.digits as i64;
        } else {
            self.flush(out);
            out.push(b'\t');
            let tab = self.plan.tab_out.width;
            self.column += tab - self.column % tab;
        }
    }
}
