//! Two columns: `diff -y`.

use super::output::{Hunk, Look, Pair};

/// The columns' places.
struct Columns {
    half: usize,
    second: usize,
    tab: usize,
    expand: bool,
}

pub(super) fn write(look: &Look, out: &mut Vec<u8>, pair: &Pair<'_>, hunks: &[Hunk]) {
    let tab = look.tab_size.max(1);
    // The columns are as wide as they can be where the second begins at a tab stop.
    let unit = if look.expand_tabs { 1 } else { tab };
    let offset = (look.width + unit + 3) / (2 * unit) * unit;
    let half = offset.saturating_sub(3).min(look.width.saturating_sub(offset));
    let columns =
        Columns { half, second: if half > 0 { offset } else { look.width }, tab, expand: look.expand_tabs };
    let mut at = (0, 0);
    for Hunk { change, ignored } in hunks {
        if *ignored {
            continue;
        }
        common(look, &columns, out, pair, &mut at, (change.old.start, change.new.start));
        let both = change.old.len().min(change.new.len());
        for index in 0..both {
            let (left, right) =
                (pair.old.line(change.old.start + index), pair.new.line(change.new.start + index));
            columns.line(out, Some(left), b'|', Some(right));
        }
        for index in change.new.start + both..change.new.end {
            columns.line(out, None, b'>', Some(pair.new.line(index)));
        }
        for index in change.old.start + both..change.old.end {
            columns.line(out, Some(pair.old.line(index)), b'<', None);
        }
        at = (change.old.end, change.new.end);
    }
    common(look, &columns, out, pair, &mut at, (pair.old.len(), pair.new.len()));
}

/// Lines that are the same, up to `end`; what only looks the same is shown as it is on each side.
fn common(
    look: &Look,
    columns: &Columns,
    out: &mut Vec<u8>,
    pair: &Pair<'_>,
    at: &mut (usize, usize),
    end: (usize, usize),
) {
    if !look.suppress_common {
        while at.0 < end.0 && at.1 < end.1 {
            if look.left_column {
                columns.line(out, Some(pair.old.line(at.0)), b'(', None);
            } else {
                columns.line(out, Some(pair.old.line(at.0)), b' ', Some(pair.new.line(at.1)));
            }
            *at = (at.0 + 1, at.1 + 1);
        }
        while at.1 < end.1 {
            columns.line(out, None, b')', Some(pair.new.line(at.1)));
            at.1 += 1;
        }
        while at.0 < end.0 {
            columns.line(out, Some(pair.old.line(at.0)), b'(', None);
            at.0 += 1;
        }
    }
    *at = end;
}

impl Columns {
    fn line(&self, out: &mut Vec<u8>, left: Option<&[u8]>, mut mark: u8, right: Option<&[u8]>) {
        let mut column = 0;
        let mut newline = false;
        if let Some(left) = left {
            newline = left.ends_with(b"\n");
            column = self.half_line(out, left, 0);
        }
        if mark != b' ' {
            column = self.move_to(out, column, (self.half + self.second - 1) / 2) + 1;
            if let (b'|', Some(right)) = (mark, right)
                && newline != right.ends_with(b"\n")
            {
                mark = if newline { b'/' } else { b'\\' };
            }
            out.push(mark);
        }
        if let Some(right) = right {
            newline |= right.ends_with(b"\n");
            if right != b"\n" {
                column = self.move_to(out, column, self.second);
                self.half_line(out, right, column);
            }
        }
        if newline {
            out.push(b'\n');
        }
    }

    fn move_to(&self, out: &mut Vec<u8>, mut from: usize, to: usize) -> usize {
        if !self.expand {
            let mut stop = from + self.tab - from % self.tab;
            while stop <= to {
                out.push(b'\t');
                from = stop;
                stop += self.tab;
            }
        }
        while from < to {
            out.push(b' ');
            from += 1;
        }
        to
    }

    /// As much of a line as fits; the column where it ends.
    fn half_line(&self, out: &mut Vec<u8>, line: &[u8], indent: usize) -> usize {
        let (mut at, mut shown) = (0, 0);
        for &byte in line {
            match byte {
                b'\n' => break,
                b'\t' => {
                    let spaces = self.tab - at % self.tab;
                    if at == shown {
                        let stop = shown + spaces;
                        if self.expand {
                            let stop = stop.min(self.half);
                            while shown < stop {
                                out.push(b' ');
                                shown += 1;
                            }
                        } else if stop < self.half {
                            shown = stop;
                            out.push(byte);
                        }
                    }
                    at += spaces;
                }
                b'\r' => {
                    out.push(byte);
                    self.move_to(out, 0, indent);
                    (at, shown) = (0, 0);
                }
                b'\x08' => {
                    if at != 0 {
                        at -= 1;
                        if at < self.half {
                            if shown <= at {
                                while shown < at {
                                    out.push(b' ');
                                    shown += 1;
                                }
                            } else {
                                shown = at;
                                out.push(byte);
                            }
                        }
                    }
                }
                0x20..=0x7e => {
                    if at < self.half {
                        shown = at + 1;
                        out.push(byte);
                    }
                    at += 1;
                }
                _ => {
                    // Control characters, and bytes of longer characters, have no width.
                    if at < self.half {
                        out.push(byte);
                    }
                }
            }
        }
        indent + shown
    }
}
