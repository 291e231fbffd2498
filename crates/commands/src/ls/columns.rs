//! How `ls` lays names out: columns, rows, commas.

/// Columns that fit the names into a width: how many, and how wide each is.
pub(super) struct Columns {
    pub(super) widths: Vec<usize>,
    pub(super) rows: usize,
}

/// The largest number of columns that fits. `across`: rows are filled first.
pub(super) fn columns(lengths: &[usize], width: usize, across: bool) -> Columns {
    const LEAST: usize = 3;
    let count = lengths.len();
    // No limit: one row.
    let most = if width == 0 { count } else { (width / LEAST).max(1).min(count) };
    for number in (1..=most).rev() {
        let rows = count.div_ceil(number);
        let mut widths = vec![LEAST; number];
        for (index, length) in lengths.iter().enumerate() {
            let column = if across { index % number } else { index / rows };
            let gap = if column == number - 1 { 0 } else { 2 };
            if let Some(place) = widths.get_mut(column) {
                *place = (*place).max(length + gap);
            }
        }
        if number == 1 || width == 0 || widths.iter().sum::<usize>() < width {
            return Columns { widths, rows };
        }
    }
    Columns { widths: vec![0], rows: count }
}

/// Blanks from column `from` to column `to`, tabs where they reach.
pub(super) fn indent(mut from: usize, to: usize, tab: usize, out: &mut Vec<u8>) {
    while from < to {
        if tab != 0 && to / tab > (from + 1) / tab {
            out.push(b'\t');
            from += tab - from % tab;
        } else {
            out.push(b' ');
            from += 1;
        }
    }
}
