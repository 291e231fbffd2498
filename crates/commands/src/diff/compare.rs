//! Which lines of two sequences differ: Myers' linear-space algorithm ("An O(ND) Difference Algorithm and Its
//! Variations", 1986), after lines that cannot matter are put aside, and with hunks moved to where GNU diff has them.

use std::ops::Range;

use wasmsh_os::Ctx;

/// A hunk: lines of the first sequence that those of the second take the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
}

/// The differences of two sequences of classes, in their order; `prefix` lines that are the same stand before each of
/// them. `minimal`: however long it takes.
pub(crate) async fn changes(
    ctx: &Ctx,
    old: &[u32],
    new: &[u32],
    prefix: usize,
    minimal: bool,
) -> Vec<Change> {
    let kept = Kept::new(old, new, minimal);
    let mut search = Search::new(&kept.xs, &kept.ys, minimal);
    while !search.run() {
        ctx.tick().await;
    }
    let (deleted, inserted) = (search.deleted, search.inserted);
    kept.hunks(old, new, prefix, &deleted, &inserted)
}

/// What the search looks at: lines that may have one like them on the other side, and where they stand.
struct Kept {
    xs: Vec<u32>,
    ys: Vec<u32>,
    old_at: Vec<u32>,
    new_at: Vec<u32>,
}

impl Kept {
    fn new(old: &[u32], new: &[u32], minimal: bool) -> Kept {
        let classes = old.iter().chain(new).max().map_or(0, |class| *class as usize + 1);
        let count = |lines: &[u32]| {
            let mut counts = vec![0_u32; classes];
            for class in lines {
                if let Some(count) = counts.get_mut(*class as usize) {
                    *count += 1;
                }
            }
            counts
        };
        let (old_at, xs) = keep_of(old, &count(new), minimal);
        let (new_at, ys) = keep_of(new, &count(old), minimal);
        Kept { xs, ys, old_at, new_at }
    }

    /// The hunks, when the search has told what of the rest differs. What was put aside differs.
    fn hunks(
        &self,
        old: &[u32],
        new: &[u32],
        prefix: usize,
        deleted: &[bool],
        inserted: &[bool],
    ) -> Vec<Change> {
        let spread = |count: usize, at: &[u32], flags: &[bool]| {
            let mut all = vec![true; count];
            for (at, flag) in at.iter().zip(flags) {
                if !*flag {
                    set(&mut all, *at as usize, false);
                }
            }
            all
        };
        let mut first = spread(old.len(), &self.old_at, deleted);
        let mut second = spread(new.len(), &self.new_at, inserted);
        slide(&mut first, &second, old);
        slide(&mut second, &first, new);
        hunks(&first, &second, prefix)
    }
}

fn mark(flags: &mut [bool], from: usize, count: usize) {
    if let Some(part) = flags.get_mut(from..from + count) {
        part.fill(true);
    }
}

fn set(flags: &mut [bool], at: usize, value: bool) {
    if let Some(flag) = flags.get_mut(at) {
        *flag = value;
    }
}

fn is_set(flags: &[bool], at: usize) -> bool {
    flags.get(at).copied().unwrap_or(false)
}

fn hunks(old: &[bool], new: &[bool], prefix: usize) -> Vec<Change> {
    let mut all = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let (start_i, start_j) = (i, j);
        while is_set(old, i) {
            i += 1;
        }
        while is_set(new, j) {
            j += 1;
        }
        if i > start_i || j > start_j {
            all.push(Change { old: prefix + start_i..prefix + i, new: prefix + start_j..prefix + j });
        }
        i += 1;
        j += 1;
    }
    all
}

/// What a line is worth to the search.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worth {
    Keep,
    /// The other side has no such line.
    Discard,
    /// The other side has so many of them that a match says little.
    Perhaps,
}

/// Where the lines stand that the search looks at, and their classes.
fn keep_of(lines: &[u32], in_other: &[u32], minimal: bool) -> (Vec<u32>, Vec<u32>) {
    // What is frequent grows with the square root of the length.
    let mut many = 5;
    let mut rest = lines.len() / 64;
    loop {
        rest >>= 2;
        if rest == 0 {
            break;
        }
        many *= 2;
    }
    let mut worth: Vec<Worth> = lines
        .iter()
        .map(|class| match in_other.get(*class as usize).copied().unwrap_or(0) {
            0 => Worth::Discard,
            count if count > many => Worth::Perhaps,
            _ => Worth::Keep,
        })
        .collect();
    settle(&mut worth);
    let kept = (0_u32..).zip(lines.iter().zip(&worth));
    kept.filter(|(_, (_, worth))| minimal || **worth != Worth::Discard)
        .map(|(at, (class, _))| (at, *class))
        .unzip()
}

/// Decides what perhaps is discarded: only inside a run of lines that are, with such at both ends.
fn settle(worth: &mut [Worth]) {
    let mut start = 0;
    while start < worth.len() {
        let Some(run) = worth.get_mut(start..) else { return };
        match run.first() {
            Some(Worth::Keep) | None => {
                start += 1;
                continue;
            }
            Some(Worth::Perhaps) => {
                if let Some(first) = run.first_mut() {
                    *first = Worth::Keep;
                }
                start += 1;
                continue;
            }
            Some(Worth::Discard) => {}
        }
        let mut length = run.iter().take_while(|worth| **worth != Worth::Keep).count();
        while length > 0 && run.get(length - 1) == Some(&Worth::Perhaps) {
            if let Some(last) = run.get_mut(length - 1) {
                *last = Worth::Keep;
            }
            length -= 1;
        }
        let Some(run) = run.get_mut(..length) else { return };
        settle_run(run);
        start += length.max(1);
    }
}

/// A run that begins and ends with lines that are discarded for certain.
fn settle_run(run: &mut [Worth]) {
    let perhaps = run.iter().filter(|worth| **worth == Worth::Perhaps).count();
    if perhaps * 4 > run.len() {
        keep_perhaps(run);
    } else {
        // Long stretches of them are kept.
        let mut least = 1;
        let mut rest = run.len() >> 2;
        loop {
            rest >>= 2;
            if rest == 0 {
                break;
            }
            least *= 2;
        }
        least += 1;
        let mut at = 0;
        while at < run.len() {
            let stretch = run.iter().skip(at).take_while(|worth| **worth == Worth::Perhaps).count();
            if stretch >= least
                && let Some(part) = run.get_mut(at..at + stretch)
            {
                keep_perhaps(part);
            }
            at += stretch.max(1);
        }
        // And those near the ends.
        settle_edge(run.iter_mut());
        settle_edge(run.iter_mut().rev());
    }
    for worth in run {
        if *worth == Worth::Perhaps {
            *worth = Worth::Discard;
        }
    }
}

fn keep_perhaps(run: &mut [Worth]) {
    for worth in run {
        if *worth == Worth::Perhaps {
            *worth = Worth::Keep;
        }
    }
}

/// From an end on: until three certain ones in a row, or one at least eight lines in.
fn settle_edge<'a>(run: impl Iterator<Item = &'a mut Worth>) {
    let mut certain = 0;
    for (index, worth) in run.enumerate() {
        if index >= 8 && *worth == Worth::Discard {
            return;
        }
        match worth {
            Worth::Perhaps => {
                certain = 0;
                *worth = Worth::Keep;
            }
            Worth::Keep => certain = 0,
            Worth::Discard => certain += 1,
        }
        if certain == 3 {
            return;
        }
    }
}

/// Moves hunks as far down as they go, joins those that touch, and moves them back to one of the other side.
fn slide(changed: &mut [bool], other: &[bool], lines: &[u32]) {
    let end = lines.len();
    let same = |a: usize, b: usize| lines.get(a) == lines.get(b);
    // Both sides are walked together: unchanged lines correspond.
    let (mut i, mut j) = (0, 0);
    loop {
        while i < end && !is_set(changed, i) {
            while is_set(other, j) {
                j += 1;
            }
            j += 1;
            i += 1;
        }
        if i >= end {
            return;
        }
        let mut start = i;
        while is_set(changed, i) {
            i += 1;
        }
        while is_set(other, j) {
            j += 1;
        }
        let mut meets;
        loop {
            let length = i - start;
            while start > 0 && same(start - 1, i - 1) {
                start -= 1;
                set(changed, start, true);
                i -= 1;
                set(changed, i, false);
                while start > 0 && is_set(changed, start - 1) {
                    start -= 1;
                }
                j -= 1;
                while j > 0 && is_set(other, j) {
                    j -= 1;
                }
            }
            meets = if j > 0 && is_set(other, j - 1) { i } else { end };
            while i < end && same(start, i) {
                set(changed, start, false);
                start += 1;
                set(changed, i, true);
                i += 1;
                while is_set(changed, i) {
                    i += 1;
                }
                j += 1;
                while is_set(other, j) {
                    meets = i;
                    j += 1;
                }
            }
            if length == i - start {
                break;
            }
        }
        while meets < i {
            start -= 1;
            set(changed, start, true);
            i -= 1;
            set(changed, i, false);
            j -= 1;
            while j > 0 && is_set(other, j) {
                j -= 1;
            }
        }
    }
}

/// Steps of the search between two turns of other processes, roughly.
const STEPS: usize = 1 << 18;

/// The search for a shortest way through the table of two sequences.
struct Search<'a> {
    xs: &'a [u32],
    ys: &'a [u32],
    /// How far the ways from the front and from the back have come on each diagonal.
    forward: Vec<isize>,
    backward: Vec<isize>,
    /// What is added to a diagonal's number.
    shift: isize,
    /// Steps after which a good way is enough.
    too_expensive: isize,
    deleted: Vec<bool>,
    inserted: Vec<bool>,
    /// What is still to be looked at, the next part last.
    parts: Vec<Part>,
    /// The part that is looked at.
    sweep: Option<Sweep>,
}

/// A part of the table.
#[derive(Clone, Copy)]
struct Part {
    x: isize,
    x_end: isize,
    y: isize,
    y_end: isize,
    minimal: bool,
}

/// The search for a point on a shortest way through a part, from its front and its back.
#[derive(Clone, Copy)]
struct Sweep {
    part: Part,
    /// The lowest and the highest diagonals that were reached from either side.
    front: (isize, isize),
    back: (isize, isize),
    /// Whether both meet on their way from the front.
    odd: bool,
    cost: isize,
}

/// A point, and whether the two halves need shortest ways too.
type Middle = (isize, isize, bool, bool);

impl<'a> Search<'a> {
    fn new(xs: &'a [u32], ys: &'a [u32], minimal: bool) -> Search<'a> {
        let diagonals = xs.len() + ys.len() + 3;
        let mut too_expensive: isize = 1;
        let mut rest = diagonals;
        while rest != 0 {
            too_expensive <<= 1;
            rest >>= 2;
        }
        Search {
            xs,
            ys,
            forward: vec![0; diagonals],
            backward: vec![0; diagonals],
            shift: ys.len() as isize + 1,
            too_expensive: too_expensive.max(4096),
            deleted: vec![false; xs.len()],
            inserted: vec![false; ys.len()],
            parts: vec![Part { x: 0, x_end: xs.len() as isize, y: 0, y_end: ys.len() as isize, minimal }],
            sweep: None,
        }
    }

    fn equal(&self, x: isize, y: isize) -> bool {
        self.xs.get(x as usize) == self.ys.get(y as usize)
    }

    /// Goes on for a while; true: all is known.
    fn run(&mut self) -> bool {
        let mut left = STEPS;
        loop {
            if let Some(mut sweep) = self.sweep.take() {
                let middle = loop {
                    if let Some(middle) = self.advance(&mut sweep) {
                        break middle;
                    }
                    left = left.saturating_sub(sweep.cost as usize);
                    if left == 0 {
                        self.sweep = Some(sweep);
                        return false;
                    }
                };
                let (x, y, low_minimal, high_minimal) = middle;
                self.parts.push(Part { x, y, minimal: high_minimal, ..sweep.part });
                self.parts.push(Part { x_end: x, y_end: y, minimal: low_minimal, ..sweep.part });
            }
            let Some(mut part) = self.parts.pop() else { return true };
            while part.x < part.x_end && part.y < part.y_end && self.equal(part.x, part.y) {
                part.x += 1;
                part.y += 1;
            }
            while part.x < part.x_end && part.y < part.y_end && self.equal(part.x_end - 1, part.y_end - 1) {
                part.x_end -= 1;
                part.y_end -= 1;
            }
            if part.x == part.x_end {
                mark(&mut self.inserted, part.y as usize, (part.y_end - part.y) as usize);
            } else if part.y == part.y_end {
                mark(&mut self.deleted, part.x as usize, (part.x_end - part.x) as usize);
            } else {
                // Diagonals are numbered by x - y.
                let (front, back) = (part.x - part.y, part.x_end - part.y_end);
                self.put(true, front, part.x);
                self.put(false, back, part.x_end);
                let odd = (front - back) & 1 != 0;
                self.sweep = Some(Sweep { part, front: (front, front), back: (back, back), odd, cost: 1 });
            }
        }
    }

    fn get(&self, forward: bool, diagonal: isize) -> isize {
        let all = if forward { &self.forward } else { &self.backward };
        all.get((diagonal + self.shift) as usize).copied().unwrap_or(0)
    }

    fn put(&mut self, forward: bool, diagonal: isize, x: isize) {
        let at = (diagonal + self.shift) as usize;
        let all = if forward { &mut self.forward } else { &mut self.backward };
        if let Some(place) = all.get_mut(at) {
            *place = x;
        }
    }

    /// One step further from either side; the point where they meet, or a good one when it was too expensive.
    fn advance(&mut self, sweep: &mut Sweep) -> Option<Middle> {
        let Part { x: x_start, x_end, y: y_start, y_end, minimal } = sweep.part;
        let (lowest, highest) = (x_start - y_end, x_end - y_start);
        let Sweep {
            odd, front: (mut front_low, mut front_high), back: (mut back_low, mut back_high), ..
        } = *sweep;
        if front_low > lowest {
            front_low -= 1;
            self.put(true, front_low - 1, -1);
        } else {
            front_low += 1;
        }
        if front_high < highest {
            front_high += 1;
            self.put(true, front_high + 1, -1);
        } else {
            front_high -= 1;
        }
        let mut diagonal = front_high;
        while diagonal >= front_low {
            let (below, above) = (self.get(true, diagonal - 1), self.get(true, diagonal + 1));
            let mut x = if below < above { above } else { below + 1 };
            let mut y = x - diagonal;
            while x < x_end && y < y_end && self.equal(x, y) {
                x += 1;
                y += 1;
            }
            self.put(true, diagonal, x);
            if odd && back_low <= diagonal && diagonal <= back_high && self.get(false, diagonal) <= x {
                return Some((x, y, true, true));
            }
            diagonal -= 2;
        }
        if back_low > lowest {
            back_low -= 1;
            self.put(false, back_low - 1, isize::MAX);
        } else {
            back_low += 1;
        }
        if back_high < highest {
            back_high += 1;
            self.put(false, back_high + 1, isize::MAX);
        } else {
            back_high -= 1;
        }
        let mut diagonal = back_high;
        while diagonal >= back_low {
            let (below, above) = (self.get(false, diagonal - 1), self.get(false, diagonal + 1));
            let mut x = if below < above { below } else { above - 1 };
            let mut y = x - diagonal;
            while x_start < x && y_start < y && self.equal(x - 1, y - 1) {
                x -= 1;
                y -= 1;
            }
            self.put(false, diagonal, x);
            if !odd && front_low <= diagonal && diagonal <= front_high && x <= self.get(true, diagonal) {
                return Some((x, y, true, true));
            }
            diagonal -= 2;
        }
        (sweep.front, sweep.back) = ((front_low, front_high), (back_low, back_high));
        sweep.cost += 1;
        (!minimal && sweep.cost >= self.too_expensive).then(|| self.good_enough(*sweep))
    }

    /// The point that is farthest from where it came.
    fn good_enough(&self, sweep: Sweep) -> Middle {
        let Sweep { part, front, back, .. } = sweep;
        let (mut best_front, mut front_x) = (-1, part.x);
        let mut diagonal = front.1;
        while diagonal >= front.0 {
            let mut x = self.get(true, diagonal).min(part.x_end);
            let mut y = x - diagonal;
            if part.y_end < y {
                x = part.y_end + diagonal;
                y = part.y_end;
            }
            if best_front < x + y {
                best_front = x + y;
                front_x = x;
            }
            diagonal -= 2;
        }
        let (mut best_back, mut back_x) = (isize::MAX, part.x_end);
        let mut diagonal = back.1;
        while diagonal >= back.0 {
            let mut x = self.get(false, diagonal).max(part.x);
            let mut y = x - diagonal;
            if y < part.y {
                x = part.y + diagonal;
                y = part.y;
            }
            if x + y < best_back {
                best_back = x + y;
                back_x = x;
            }
            diagonal -= 2;
        }
        if (part.x_end + part.y_end) - best_back < best_front - (part.x + part.y) {
            (front_x, best_front - front_x, true, false)
        } else {
            (back_x, best_back - back_x, false, true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(old: &[u32], new: &[u32], minimal: bool) -> Vec<Change> {
        let shorter = old.len().min(new.len());
        let prefix = (0..shorter).take_while(|at| old[*at] == new[*at]).count();
        let suffix =
            (1..=shorter - prefix).take_while(|at| old[old.len() - at] == new[new.len() - at]).count();
        let (old, new) = (&old[prefix..old.len() - suffix], &new[prefix..new.len() - suffix]);
        let kept = Kept::new(old, new, minimal);
        let mut search = Search::new(&kept.xs, &kept.ys, minimal);
        while !search.run() {}
        kept.hunks(old, new, prefix, &search.deleted, &search.inserted)
    }

    fn of(text: &str) -> Vec<u32> {
        text.bytes().map(u32::from).collect()
    }

    /// What stands unchanged is the same on both sides.
    fn check(old: &[u32], new: &[u32]) -> usize {
        let (mut i, mut j, mut cost) = (0, 0, 0);
        for change in changes(old, new, false) {
            assert_eq!(old[i..change.old.start], new[j..change.new.start]);
            assert!(!change.old.is_empty() || !change.new.is_empty());
            cost += change.old.len() + change.new.len();
            (i, j) = (change.old.end, change.new.end);
        }
        assert_eq!(old[i..], new[j..]);
        cost
    }

    #[test]
    fn ways_are_shortest() {
        assert_eq!(check(&of("ABCABBA"), &of("CBABAC")), 5);
        assert_eq!(check(&of(""), &of("abc")), 3);
        assert_eq!(check(&of("abc"), &of("abc")), 0);
        assert_eq!(check(&of("kitten"), &of("sitting")), 5);
    }

    #[test]
    fn any_two_sequences_fit_together() {
        let mut state = 7_u32;
        for round in 0..300 {
            let mut sequence = || {
                let length = state % 60;
                (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (state >> 16) % (2 + round % 9)
                    })
                    .collect::<Vec<u32>>()
            };
            let (old, new) = (sequence(), sequence());
            state = state.wrapping_add(12_345);
            check(&old, &new);
        }
    }

    #[test]
    fn hunks_lie_as_low_as_they_can() {
        let found = changes(&of("abcb"), &of("abcbcb"), false);
        assert_eq!(found, [Change { old: 4..4, new: 4..6 }]);
    }
}
