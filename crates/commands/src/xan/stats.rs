//! The subcommands that describe columns: stats, frequency.

use std::collections::HashMap;

use bstr::{BString, ByteSlice};

use super::Call;
use super::csv::put;
use super::rows::number;
use crate::{Done, Tool};

/// What is known of a column.
#[derive(Default)]
struct Column {
    count: u64,
    empty: u64,
    ints: u64,
    floats: u64,
    texts: u64,
    sum: f64,
    /// Welford's running mean and sum of squares.
    mean: f64,
    squares: f64,
    range: Option<(f64, f64)>,
    words: Option<(BString, BString)>,
    lengths: Option<(usize, usize)>,
    values: HashMap<BString, u64>,
    numbers: Vec<f64>,
}

impl Column {
    fn add(&mut self, field: &BString, all: bool) {
        if all {
            *self.values.entry(field.clone()).or_default() += 1;
        }
        let length = field.chars().count();
        let (low, high) = self.lengths.unwrap_or((length, length));
        self.lengths = Some((low.min(length), high.max(length)));
        if field.is_empty() {
            self.empty += 1;
            return;
        }
        self.count += 1;
        match &mut self.words {
            None => self.words = Some((field.clone(), field.clone())),
            Some((low, _)) if *field < *low => low.clone_from(field),
            Some((_, high)) if *field > *high => high.clone_from(field),
            Some(_) => {}
        }
        let Some(value) = number(field) else {
            self.texts += 1;
            return;
        };
        if field.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            self.floats += 1
        } else {
            self.ints += 1
        }
        let (low, high) = self.range.unwrap_or((value, value));
        self.range = Some((low.min(value), high.max(value)));
        if all {
            self.numbers.push(value);
        }
        self.sum += value;
        let before = self.mean;
        self.mean += (value - before) / (self.ints + self.floats) as f64;
        self.squares += (value - before) * (value - self.mean);
    }

    fn kind(&self) -> &'static str {
        match (self.texts, self.floats, self.ints) {
            (0, 0, 0) => "empty",
            (0, 0, _) => "int",
            (0, ..) => "float",
            _ => "string",
        }
    }

    fn kinds(&self) -> String {
        let all = [(self.ints, "int"), (self.floats, "float"), (self.texts, "string"), (self.empty, "empty")];
        all.iter().filter(|(count, _)| *count > 0).map(|(_, name)| *name).collect::<Vec<_>>().join("|")
    }

    /// The value below which a part of the numbers lies, between two of them in proportion.
    fn quantile(&self, part: f64) -> Option<f64> {
        let place = part * (self.numbers.len().checked_sub(1)? as f64);
        let low = *self.numbers.get(place.floor() as usize)?;
        let high = *self.numbers.get(place.ceil() as usize)?;
        Some(low + (high - low) * place.fract())
    }
}

fn show(value: f64) -> String {
    value.to_string()
}

pub(super) async fn stats(t: &mut Tool, call: &Call) -> Done {
    let mut table = call.open(t, 0).await?;
    let columns = call.columns(&table.header)?;
    let cardinality = call.has("c") || call.has("A");
    let quartiles = call.has("q") || call.has("A");
    let mut all: Vec<Column> = columns.iter().map(|_| Column::default()).collect();
    while let Some(row) = table.next(t).await? {
        for (column, number) in all.iter_mut().zip(&columns) {
            if let Some(field) = row.get(*number) {
                column.add(field, cardinality || quartiles);
            }
        }
    }
    let mut header = vec!["field", "count", "count_empty", "type", "types", "sum", "mean"];
    if quartiles {
        header.extend(["q1", "median", "q3"]);
    }
    header.extend(["variance", "stddev", "min", "max"]);
    if cardinality {
        header.extend(["cardinality", "mode", "tied_for_mode"]);
    }
    header.extend(["lex_first", "lex_last", "min_length", "max_length"]);
    put(t, &header.into_iter().map(BString::from).collect::<Vec<_>>()).await?;
    for (mut column, number) in all.into_iter().zip(&columns) {
        let numeric = column.ints + column.floats;
        let total = numeric + if call.has("nulls") { column.empty } else { 0 };
        let some = |value: f64| if numeric > 0 { show(value) } else { String::new() };
        let mean = column.sum / total as f64;
        // Empty fields are zeros where they count.
        let (apart, zeros) = (column.mean - mean, (total - numeric) as f64);
        let variance = (column.squares + numeric as f64 * apart * apart + zeros * mean * mean) / total as f64;
        let mut row = vec![
            table.header.get(*number).cloned().unwrap_or_default().to_string(),
            column.count.to_string(),
            column.empty.to_string(),
            column.kind().to_owned(),
            column.kinds(),
            some(column.sum),
            some(mean),
        ];
        if quartiles {
            column.numbers.sort_by(f64::total_cmp);
            for part in [0.25, 0.5, 0.75] {
                row.push(column.quantile(part).map(show).unwrap_or_default());
            }
        }
        row.extend([some(variance), some(libm::sqrt(variance))]);
        let (low, high) = column.range.unwrap_or((0.0, 0.0));
        row.extend([some(low), some(high)]);
        if cardinality {
            let most = column.values.values().copied().max().unwrap_or(0);
            let mut modes: Vec<&BString> =
                column.values.iter().filter(|(_, count)| **count == most).map(|(value, _)| value).collect();
            modes.sort();
            row.push(column.values.len().to_string());
            row.push(modes.first().map(ToString::to_string).unwrap_or_default());
            row.push(modes.len().to_string());
        }
        let (first, last) = column.words.unwrap_or_default();
        row.extend([first.to_string(), last.to_string()]);
        let (low, high) = column.lengths.unwrap_or((0, 0));
        row.extend([low.to_string(), high.to_string()]);
        put(t, &row.into_iter().map(BString::from).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

pub(super) async fn frequency(t: &mut Tool, call: &Call) -> Done {
    let mut table = call.open(t, 0).await?;
    let columns = call.columns(&table.header)?;
    let limit = if call.has("A") { 0 } else { call.number("l")?.unwrap_or(10) };
    let limit = if limit == 0 { usize::MAX } else { limit };
    let mut all: Vec<HashMap<BString, u64>> = columns.iter().map(|_| HashMap::new()).collect();
    while let Some(row) = table.next(t).await? {
        for (counts, column) in all.iter_mut().zip(&columns) {
            let field = row.get(*column).cloned().unwrap_or_default();
            *counts.entry(field).or_default() += 1;
        }
    }
    put(t, &["field", "value", "count"].map(BString::from)).await?;
    for (mut counts, column) in all.into_iter().zip(&columns) {
        let name = table.header.get(*column).cloned().unwrap_or_default();
        let empty = counts.remove(&b""[..]).unwrap_or(0);
        let mut sorted: Vec<(BString, u64)> = counts.into_iter().collect();
        sorted.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        let rest: u64 = sorted.iter().skip(limit).map(|(_, count)| count).sum();
        sorted.truncate(limit);
        if !call.has("N") {
            for (label, count) in [("<empty>", empty), ("<rest>", rest)] {
                if count > 0 {
                    sorted.push((label.into(), count));
                }
            }
        }
        for (value, count) in sorted {
            put(t, &[name.clone(), value, BString::from(count.to_string())]).await?;
        }
    }
    Ok(())
}
