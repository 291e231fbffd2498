//! Two columns: `diff -y`.

use unicode_width::UnicodeWidthChar;

use super::compare::Change;
use super::output::{Hunk, Look, Palette, color};
use super::text::Text;

/// The columns' places.
struct Columns<'a> {
    half: usize,
    second: usize,
    tab: usize,
    expand: bool,
    utf8: bool,
    color: bool,
    palette: &'a Palette,
}

/// Two files, side by side.
pub(super) struct Sides<'a> {
    look: &'a Look,
    old: &'a Text,
    new: &'a Text,
    columns: Columns<'a>,
    /// How far they are written.
    at: (usize, usize),
}

impl<'a> Sides<'a> {
    pub(super) fn new(look: &'a Look, old: &'a Text, new: &'a Text) -> Sides<'a> {
        let tab = look.tab_size.max(1);
        // The columns are as wide as they can be where the second begins at a tab stop.
        let unit = if look.expand_tabs { 1 } else { tab };
        let offset = (look.width + unit + 3) / (2 * unit) * unit;
        let half = offset.saturating_sub(3).min(look.width.saturating_sub(offset));
        let second = if half > 0 { offset } else { look.width };
        let columns = Columns {
            half,
            second,
            tab,
            expand: look.expand_tabs,
            utf8: look.utf8,
            color: look.color,
            palette: &look.palette,
        };
        Sides { look, old, new, columns, at: (0, 0) }
    }

    /// All of it.
    pub(super) fn all(&mut self, out: &mut Vec<u8>, hunks: &[Hunk]) {
        for Hunk { change, .. } in hunks.iter().filter(|hunk| !hunk.ignored) {
            self.common(out, (change.old.start, change.new.start), self.look.suppress_common);
            self.change(out, change);
        }
        self.common(out, (self.old.len(), self.new.len()), self.look.suppress_common);
    }

    /// Lines that differ.
    pub(super) fn change(&mut self, out: &mut Vec<u8>, change: &Change) {
        let both = change.old.len().min(change.new.len());
        for index in 0..both {
            let (left, right) =
                (self.old.line(change.old.start + index), self.new.line(change.new.start + index));
            self.columns.line(out, Some(left), b'|', Some(right));
        }
        for index in change.new.start + both..change.new.end {
            self.columns.line(out, None, b'>', Some(self.new.line(index)));
        }
        for index in change.old.start + both..change.old.end {
            self.columns.line(out, Some(self.old.line(index)), b'<', None);
        }
        self.at = (change.old.end, change.new.end);
    }

    /// Lines that are the same, up to `end`; what only looks the same is shown as it is on each side.
    pub(super) fn common(&mut self, out: &mut Vec<u8>, end: (usize, usize), suppress: bool) {
        let (at, columns) = (&mut self.at, &self.columns);
        if !suppress {
            while at.0 < end.0 && at.1 < end.1 {
                if self.look.left_column {
                    columns.line(out, Some(self.old.line(at.0)), b'(', None);
                } else {
                    columns.line(out, Some(self.old.line(at.0)), b' ', Some(self.new.line(at.1)));
                }
                *at = (at.0 + 1, at.1 + 1);
            }
            while at.1 < end.1 {
                columns.line(out, None, b')', Some(self.new.line(at.1)));
                at.1 += 1;
            }
            while at.0 < end.0 {
                columns.line(out, Some(self.old.line(at.0)), b'(', None);
                at.0 += 1;
            }
        }
        *at = end;
    }
}

impl Columns<'_> {
    fn line(&self, out: &mut Vec<u8>, left: Option<&[u8]>, mut mark: u8, right: Option<&[u8]>) {
        let mut column = 0;
        let mut newline = false;
        let code = match mark {
            b'<' => Some(&self.palette.deleted),
            b'>' => Some(&self.palette.added),
            _ => None,
        };
        let code = code.filter(|_| self.color);
        if let Some(code) = code {
            color(out, code);
        }
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
        if code.is_some() {
            color(out, &self.palette.reset);
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
        let mut rest = line;
        while let Some((&byte, after)) = rest.split_first() {
            if self.utf8
                && byte >= 0x80
                && let (Some(character), length) = bstr::decode_utf8(rest)
            {
                let (text, after) = rest.split_at(length);
                rest = after;
                let end = at + character.width().unwrap_or(0);
                if end <= self.half {
                    shown = end;
                    out.extend_from_slice(text);
                }
                at = end;
                continue;
            }
            rest = after;
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
                    // Control characters, and bytes that are no characters, have no width.
                    if at < self.half {
                        out.push(byte);
                    }
                }
            }
        }
        indent + shown
    }
}
