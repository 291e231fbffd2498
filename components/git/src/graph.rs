//! The drawing of history beside `git log --graph`.

use std::collections::{HashSet, VecDeque};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};

use crate::commit::Commit;

/// The lines of history that are open, from left to right.
pub struct Graph {
    columns: Vec<ObjectId>,
    hidden: HashSet<ObjectId>,
    width: usize,
    pending: VecDeque<String>,
    /// The drawing of the line before.
    last: String,
}

impl Graph {
    /// One for a walk that leaves these commits out.
    pub fn new(hidden: HashSet<ObjectId>) -> Graph {
        Graph { columns: Vec::new(), hidden, width: 0, pending: VecDeque::new(), last: String::new() }
    }

    fn bars(&self) -> String {
        let mut line = "| ".repeat(self.columns.len());
        while line.len() < self.width {
            line.push(' ');
        }
        line
    }

    /// A commit's text and what follows it, each line behind the drawing; `apart`: a line stands before it.
    pub fn commit(&mut self, commit: &Commit, text: &BStr, after: &BStr, apart: bool) -> BString {
        let mut out = BString::default();
        let mut line = "| ".repeat(self.columns.len());
        if apart {
            self.last.clear();
        }
        let first = self.step(commit);
        if apart {
            pad(&mut line, self.width);
            out.push_str(line);
            out.push_byte(b'\n');
        }
        for (number, line) in text.lines().enumerate() {
            let prefix = if number == 0 {
                first.clone()
            } else {
                self.pending.pop_front().unwrap_or_else(|| self.bars())
            };
            out.push_str(&prefix);
            out.push_str(line);
            out.push_byte(b'\n');
            self.last = prefix;
        }
        if text.is_empty() {
            out.push_str(&first);
            out.push_byte(b'\n');
        }
        while let Some(line) = self.pending.pop_front() {
            out.push_str(&line);
            out.push_byte(b'\n');
            self.last = line;
        }
        for line in after.lines_with_terminator() {
            out.push_str(self.bars());
            out.push_str(line);
            self.last.clear();
        }
        out
    }

    /// Draws the commit's own line and prepares those that lead to the next one.
    fn step(&mut self, commit: &Commit) -> String {
        let place = match self.columns.iter().position(|id| *id == commit.id) {
            Some(place) => place,
            None => {
                self.columns.push(commit.id);
                self.columns.len() - 1
            }
        };
        let before = self.columns.len();
        let mut parents: Vec<ObjectId> = Vec::new();
        for parent in &commit.parents {
            if !self.hidden.contains(parent) && !parents.contains(parent) {
                parents.push(*parent);
            }
        }
        // The second parent may be what the next column waits for already.
        let joins = parents.len() == 2 && self.columns.get(place + 1) == Some(&parents[1]);
        let mut wide: Vec<ObjectId> = self.columns[..place].to_vec();
        wide.extend(&parents[..if joins { 1 } else { parents.len() }]);
        wide.extend(&self.columns[place + 1..]);
        let added = wide.len().saturating_sub(before);
        self.width = 2 * wide.len().max(before);

        let mut first = String::new();
        // A line that came from the right just now and goes on to the left does not straighten between.
        let leans = |column: usize| {
            let id = self.columns.get(column);
            self.last.as_bytes().get(2 * column + 1) == Some(&b'/')
                && wide.iter().position(|known| Some(known) == id).is_some_and(|target| target < column)
        };
        for column in 0..before {
            first.push_str(if column == place {
                "* "
            } else if leans(column) {
                "/ "
            } else {
                "| "
            });
        }
        pad(&mut first, self.width);
        if parents.len() > 2 {
            // All further parents leave to the right at once.
            let mut line: String =
                (0..before).map(|column| if column == place { "*" } else { "| " }).take(place + 1).collect();
            for number in 2..parents.len() {
                line.push_str(if number + 1 == parents.len() { "-." } else { "--" });
            }
            line.push_str(&"| ".repeat(before - place - 1));
            pad(&mut line, self.width);
            line.push_str("  ");
            first = line;
        }
        if joins {
            let mut line = "| ".repeat(place);
            line.push_str("|\\");
            line.push_str(&"| ".repeat(before - place - 1));
            pad(&mut line, self.width);
            self.pending.push_back(line);
        } else if added > 0 {
            let mut line = "| ".repeat(place);
            line.push('|');
            for _ in 0..added {
                line.push_str("\\ ");
            }
            for _ in place + 1..before {
                line.push_str("\\ ");
            }
            pad(&mut line, self.width);
            self.pending.push_back(line);
        }
        // Columns that wait for the same commit become one, the leftmost; all move together.
        let mut next: Vec<ObjectId> = Vec::new();
        let mut edges: Vec<(usize, usize)> = Vec::new();
        let gap = parents.is_empty();
        for (column, id) in wide.iter().enumerate() {
            let target = match next.iter().position(|known| known == id) {
                Some(target) => target,
                None => {
                    next.push(*id);
                    next.len() - 1
                }
            };
            let from = if gap && column >= place { column + 1 } else { column };
            edges.push((from, target));
        }
        while edges.iter().any(|(from, to)| from > to) {
            let mut line = vec![b' '; self.width];
            let mut stretched = false;
            let occupied: HashSet<usize> = edges.iter().map(|(from, _)| *from).collect();
            for (from, to) in &mut edges {
                if from == to {
                    line[2 * *from] = b'|';
                    continue;
                }
                line[2 * *from - 1] = b'/';
                if *from - *to >= 3 && !stretched && (*to + 1..*from).all(|column| occupied.contains(&column))
                {
                    stretched = true;
                    for column in *to + 1..*from - 1 {
                        line[2 * column + 1] = b'_';
                    }
                    *from = *to + 1;
                } else {
                    *from -= 1;
                }
            }
            self.pending.push_back(line.as_bstr().to_string());
        }
        self.columns = next;
        first
    }
}

fn pad(line: &mut String, width: usize) {
    while line.len() < width {
        line.push(' ');
    }
}
