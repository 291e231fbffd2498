//! The subcommands that take rows as they come: select, search, slice, sort and the like.

use std::cmp::Ordering;

use bstr::{BString, ByteSlice};
use regex_automata::meta::Regex;

use super::csv::{Row, put};
use super::{Call, pick, select as selection};
use crate::{Done, Fail, Tool};

/// Writes the header, if the table has one.
async fn put_header(t: &mut Tool, call: &Call, header: &[BString]) -> Done {
    if call.named && !header.is_empty() { put(t, header).await } else { Ok(()) }
}

pub(super) async fn count(t: &mut Tool, call: &Call) -> Done {
    let mut table = call.open(t, 0).await?;
    let mut count = 0_u64;
    while table.next(t).await?.is_some() {
        count += 1;
    }
    t.out.put(format!("{count}\n").as_bytes());
    Ok(())
}

pub(super) async fn headers(t: &mut Tool, call: &Call) -> Done {
    for at in 0..call.operands.len().max(1) {
        if call.operands.len() > 1 {
            t.out.put(format!("{}{}\n", if at > 0 { "\n" } else { "" }, call.input(at)).as_bytes());
        }
        let table = call.open(t, at).await?;
        let width = table.header.len().saturating_sub(1).to_string().len();
        for (index, name) in table.header.iter().enumerate() {
            if !call.has("j") {
                t.out.put(format!("{index:<width$} ").as_bytes());
            }
            t.out.put(name);
            t.out.put(b"\n");
        }
    }
    Ok(())
}

pub(super) async fn select(t: &mut Tool, call: &Call, drop: bool) -> Done {
    let text = call.required(0)?;
    let mut table = call.open(t, 1).await?;
    let mut columns = selection::columns(&text, &table.header, call.named)?;
    if drop {
        columns = (0..table.header.len()).filter(|column| !columns.contains(column)).collect();
    }
    put_header(t, call, &pick(&table.header, &columns)).await?;
    while let Some(row) = table.next(t).await? {
        put(t, &pick(&row, &columns)).await?;
    }
    Ok(())
}

pub(super) async fn rename(t: &mut Tool, call: &Call) -> Done {
    let names: Vec<BString> = call.required(0)?.split_str(",").map(BString::from).collect();
    let mut table = call.open(t, 1).await?;
    let columns = call.columns(&table.header)?;
    if columns.len() != names.len() {
        return Err(Fail::Message(format!("{} names for {} columns", names.len(), columns.len()), 1));
    }
    for (column, name) in columns.into_iter().zip(names) {
        if let Some(place) = table.header.get_mut(column) {
            *place = name;
        }
    }
    let header = table.header.clone();
    put(t, &header).await?;
    while let Some(row) = table.next(t).await? {
        put(t, &row).await?;
    }
    Ok(())
}

pub(super) async fn slice(t: &mut Tool, call: &Call) -> Done {
    let (mut start, mut end) = (call.number("s")?.unwrap_or(0), call.number("e")?.unwrap_or(usize::MAX));
    if let Some(length) = call.number("l")? {
        end = start.saturating_add(length);
    }
    let mut wanted = None;
    if let Some(text) = call.get("i") {
        let numbers: Result<Vec<usize>, _> =
            text.to_str_lossy().split(',').map(|part| part.trim().parse()).collect();
        let numbers = numbers.map_err(|_| Fail::Message(format!("'{text}' is no number for --index"), 1))?;
        (start, end) = (0, numbers.iter().max().map_or(0, |last| last + 1));
        wanted = Some(numbers);
    }
    let mut table = call.open(t, 0).await?;
    put_header(t, call, &table.header).await?;
    let mut at = 0;
    while at < end {
        let Some(row) = table.next(t).await? else { break };
        if at >= start && wanted.as_ref().is_none_or(|wanted| wanted.contains(&at)) {
            put(t, &row).await?;
        }
        at += 1;
    }
    Ok(())
}

pub(super) async fn ends(t: &mut Tool, call: &Call, which: &str) -> Done {
    let limit = call.number("l")?.unwrap_or(10);
    let mut table = call.open(t, 0).await?;
    put_header(t, call, &table.header).await?;
    match which {
        "head" => {
            for _ in 0..limit {
                let Some(row) = table.next(t).await? else { break };
                put(t, &row).await?;
            }
        }
        "tail" => {
            let mut last = std::collections::VecDeque::new();
            while let Some(row) = table.next(t).await? {
                last.push_back(row);
                if last.len() > limit {
                    last.pop_front();
                }
            }
            for row in last {
                put(t, &row).await?;
            }
        }
        _ => {
            for row in table.all(t).await?.iter().rev() {
                put(t, row).await?;
            }
        }
    }
    Ok(())
}

/// What the numbers of fields are compared by: fields that are no numbers come last.
pub(super) fn number(field: &BString) -> Option<f64> {
    let text = field.to_str().ok()?.trim();
    let first = text.trim_start_matches(['-', '+']).bytes().next()?;
    if !(first.is_ascii_digit() || first == b'.') {
        return None;
    }
    text.parse().ok()
}

fn compare(a: &[BString], b: &[BString], numeric: bool) -> Ordering {
    a.iter().zip(b).fold(Ordering::Equal, |order, (a, b)| {
        order.then_with(|| {
            if !numeric {
                return a.cmp(b);
            }
            match (number(a), number(b)) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            }
        })
    })
}

pub(super) async fn sort(t: &mut Tool, call: &Call) -> Done {
    let mut table = call.open(t, 0).await?;
    let columns = call.columns(&table.header)?;
    let (numeric, reverse) = (call.has("N"), call.has("R"));
    let order = |a: &Row, b: &Row| {
        let order = compare(a, b, numeric);
        if reverse { order.reverse() } else { order }
    };
    let mut rows: Vec<(Row, Row)> =
        table.all(t).await?.into_iter().map(|row| (pick(&row, &columns), row)).collect();
    t.ctx.ticks(rows.len() as u32).await;
    if call.has("check") {
        if rows.is_sorted_by(|(a, _), (b, _)| order(a, b) != Ordering::Greater) {
            return Ok(());
        }
        return Err(Fail::Message("the rows are not sorted".into(), 1));
    }
    rows.sort_by(|(a, _), (b, _)| order(a, b));
    let counted = call.get("c").filter(|_| call.has("u")).cloned();
    let mut header = table.header.clone();
    header.extend(counted.clone());
    put_header(t, call, &header).await?;
    let mut rows = rows.into_iter().peekable();
    while let Some((key, mut row)) = rows.next() {
        if call.has("u") {
            let mut count = 1;
            while rows.peek().is_some_and(|(next, _)| compare(next, &key, numeric) == Ordering::Equal) {
                rows.next();
                count += 1;
            }
            if counted.is_some() {
                row.push(BString::from(count.to_string()));
            }
        }
        put(t, &row).await?;
    }
    Ok(())
}

/// A text that a regular expression matches as it is.
fn literal(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if "\\.+*?()|[]{}^$#&-~/ ".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

pub(super) async fn search(t: &mut Tool, call: &Call) -> Done {
    let bare = call.has("E") || call.has("N");
    let mut at = 0;
    let mut patterns: Vec<String> = Vec::new();
    if !bare {
        patterns.push(call.required(0)?.to_str_lossy().into_owned());
        at = 1;
    }
    patterns.extend(call.lists.get("P").into_iter().flatten().map(|text| text.to_str_lossy().into_owned()));
    let sources: Vec<String> = patterns
        .iter()
        .map(|pattern| {
            let source = if call.has("r") { pattern.clone() } else { literal(pattern) };
            let source = if call.has("e") { format!("^(?:{source})$") } else { source };
            if call.has("i") { format!("(?i:{source})") } else { source }
        })
        .collect();
    let source = sources.iter().map(|source| format!("(?:{source})")).collect::<Vec<_>>().join("|");
    let regex = if let [one] = sources.as_slice() { Regex::new(one) } else { Regex::new(&source) };
    let regex = regex.map_err(|error| Fail::Message(format!("regex: {error}"), 1))?;
    let mut table = call.open(t, at).await?;
    let columns = call.columns(&table.header)?;
    let mut header = table.header.clone();
    let (flag, counted) = (call.get("f"), call.get("c"));
    header.extend(flag.or(counted).cloned());
    put_header(t, call, &header).await?;
    let matches = |field: &BString| {
        if call.has("E") {
            field.is_empty()
        } else if call.has("N") {
            !field.is_empty()
        } else {
            regex.is_match(&field[..])
        }
    };
    let limit = call.number("l")?.unwrap_or(usize::MAX);
    let mut kept = 0;
    while kept < limit {
        let Some(mut row) = table.next(t).await? else { break };
        if let Some(with) = call.get("R") {
            for column in &columns {
                if let Some(field) = row.get_mut(*column) {
                    let with = if call.has("r") { with.to_vec() } else { with.replace(b"$", b"$$") };
                    *field = replaced(&regex, field, &with);
                }
            }
            put(t, &row).await?;
            kept += 1;
            continue;
        }
        let mut fields = columns.iter().filter_map(|column| row.get(*column));
        let mut found = if call.has("A") { fields.all(matches) } else { fields.any(matches) };
        found ^= call.has("v");
        if flag.is_some() {
            row.push(BString::from(if found { "true" } else { "false" }));
            found = true;
        } else if counted.is_some() {
            let fields = columns.iter().filter_map(|column| row.get(*column));
            let count: usize = fields.map(|field| regex.find_iter(&field[..]).count()).sum();
            row.push(BString::from(count.to_string()));
            found |= call.has("left");
        }
        if found {
            put(t, &row).await?;
            kept += 1;
        }
    }
    Ok(())
}

fn replaced(regex: &Regex, text: &BString, with: &[u8]) -> BString {
    let mut out = Vec::new();
    let mut last = 0;
    for groups in regex.captures_iter(&text[..]) {
        let Some(span) = groups.get_group(0) else { continue };
        out.extend_from_slice(text.get(last..span.start).unwrap_or_default());
        groups.interpolate_bytes_into(text, with, &mut out);
        last = span.end;
    }
    out.extend_from_slice(text.get(last..).unwrap_or_default());
    out.into()
}

pub(super) async fn filter(t: &mut Tool, call: &Call) -> Done {
    let text = call.required(0)?.to_str_lossy().into_owned();
    let mut table = call.open(t, 1).await?;
    let expression = super::filter::Expression::new(&text, &table.header)?;
    put_header(t, call, &table.header).await?;
    let limit = call.number("l")?.unwrap_or(usize::MAX);
    let mut kept = 0;
    while kept < limit {
        let Some(row) = table.next(t).await? else { break };
        if expression.holds(&row)? != call.has("v") {
            put(t, &row).await?;
            kept += 1;
        }
    }
    Ok(())
}
