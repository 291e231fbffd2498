//! The subcommands that set tables against each other, or rows: cat, join, dedup, split.

use std::collections::{HashMap, HashSet};

use bstr::BString;

use super::csv::{Row, Rows, Shape, failed, put};
use super::{Call, pick, select as selection};
use crate::{Done, Fail, Tool};

pub(super) async fn cat(t: &mut Tool, call: &Call) -> Done {
    let how = call.required(0)?;
    let mut names: Vec<BString> = call.operands.iter().skip(1).cloned().collect();
    if names.is_empty() {
        names.push("-".into());
    }
    match &how[..] {
        b"rows" => {
            let mut first: Option<Row> = None;
            let source = call.get("S");
            for name in names {
                let mut rows = Rows::open(t, &name, call.separator).await?;
                let mut at = 0;
                while let Some(mut row) = rows.next().await? {
                    t.ctx.tick().await;
                    let is_header = call.named && at == 0;
                    at += 1;
                    match &first {
                        Some(first) if first.len() != row.len() => {
                            return Err(Fail::Message(
                                format!(
                                    "{name}: has {} columns, but the first has {}",
                                    row.len(),
                                    first.len()
                                ),
                                1,
                            ));
                        }
                        Some(_) if is_header => continue,
                        Some(_) => {}
                        None => first = Some(row.clone()),
                    }
                    if let Some(source) = source {
                        row.insert(0, if is_header { source.clone() } else { name.clone() });
                    }
                    put(t, &row).await?;
                }
            }
            Ok(())
        }
        b"columns" => {
            let mut inputs = Vec::new();
            for name in &names {
                inputs.push((Rows::open(t, name, call.separator).await?, 0));
            }
            loop {
                let (mut whole, mut any) = (Row::new(), false);
                let mut all = true;
                for (rows, width) in &mut inputs {
                    t.ctx.tick().await;
                    match rows.next().await? {
                        Some(row) => {
                            *width = row.len();
                            any = true;
                            whole.extend(row);
                        }
                        None => {
                            all = false;
                            whole.extend(std::iter::repeat_n(BString::default(), *width));
                        }
                    }
                }
                if !any || !all && !call.has("p") {
                    return Ok(());
                }
                put(t, &whole).await?;
            }
        }
        _ => Err(Fail::Usage("cat needs rows or columns".into())),
    }
}

fn key(row: &[BString], columns: &[usize], fold: bool) -> Row {
    let key = pick(row, columns);
    if !fold {
        return key;
    }
    key.into_iter().map(|field| BString::from(String::from_utf8_lossy(&field).to_lowercase())).collect()
}

pub(super) async fn join(t: &mut Tool, call: &Call) -> Done {
    let cross = call.has("cross");
    if call.operands.len() != if cross { 2 } else { 4 } {
        return Err(Fail::Usage("join needs columns and a file, twice".into()));
    }
    let (first, second) = if cross { (0, 1) } else { (1, 3) };
    let mut left = call.open(t, first).await?;
    let mut right = call.open(t, second).await?;
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    if !cross {
        mine = selection::columns(&call.required(0)?, &left.header, call.named)?;
        others = selection::columns(&call.required(2)?, &right.header, call.named)?;
        if mine.len() != others.len() {
            return Err(Fail::Message("both selections must have the same number of columns".into(), 1));
        }
    }
    let halves = call.has("semi") || call.has("anti");
    if call.named {
        let named = |names: &[BString], flag: &str| -> Row {
            let prefix = call.get(flag).cloned().unwrap_or_default();
            names.iter().map(|name| BString::from([&prefix[..], &name[..]].concat())).collect()
        };
        let mut header = named(&left.header, "L");
        if !halves {
            header.extend(named(&right.header, "R"));
        }
        put(t, &header).await?;
    }
    let fold = call.has("i");
    let usable = |key: &Row| call.has("nulls") || key.iter().any(|field| !field.is_empty());
    let (left_width, right_width) = (left.header.len(), right.header.len());
    let outer_right = call.has("right") || call.has("full");
    let outer_left = call.has("left") || call.has("full");
    // The table that is held in memory is the one whose rows need not come in their order.
    let hold_left = !(halves || call.has("left"));
    let held = if hold_left { left.all(t).await? } else { right.all(t).await? };
    let held_columns = if hold_left { &mine } else { &others };
    let mut index: HashMap<Row, Vec<usize>> = HashMap::new();
    for (at, row) in held.iter().enumerate() {
        let key = key(row, held_columns, fold);
        if cross || usable(&key) {
            index.entry(key).or_default().push(at);
        }
    }
    t.ctx.ticks(held.len() as u32).await;
    let mut seen = vec![false; held.len()];
    let (stream, columns) = if hold_left { (&mut right, &others) } else { (&mut left, &mine) };
    let empty = |width: usize| std::iter::repeat_n(BString::default(), width);
    while let Some(row) = stream.next(t).await? {
        let key = key(&row, columns, fold);
        let found = if cross || usable(&key) { index.get(&key).map_or(&[][..], Vec::as_slice) } else { &[] };
        if halves {
            if found.is_empty() == call.has("anti") {
                put(t, &row).await?;
            }
            continue;
        }
        for at in found {
            if let Some(seen) = seen.get_mut(*at) {
                *seen = true;
            }
            let other = held.get(*at).cloned().unwrap_or_default();
            let (mut whole, rest) = if hold_left { (other, row.clone()) } else { (row.clone(), other) };
            whole.extend(rest);
            put(t, &whole).await?;
        }
        if found.is_empty() && hold_left && outer_right {
            let whole: Row = empty(left_width).chain(row).collect();
            put(t, &whole).await?;
        } else if found.is_empty() && !hold_left && outer_left {
            let whole: Row = row.into_iter().chain(empty(right_width)).collect();
            put(t, &whole).await?;
        }
    }
    if hold_left && outer_left {
        for (row, _) in held.into_iter().zip(seen).filter(|(_, seen)| !seen) {
            let whole: Row = row.into_iter().chain(empty(right_width)).collect();
            put(t, &whole).await?;
        }
    }
    Ok(())
}

pub(super) async fn dedup(t: &mut Tool, call: &Call) -> Done {
    let mut table = call.open(t, 0).await?;
    let columns = call.columns(&table.header)?;
    let check = call.has("check");
    if call.named && !check && !table.header.is_empty() {
        let header = table.header.clone();
        put(t, &header).await?;
    }
    if call.has("l") {
        let rows = table.all(t).await?;
        let mut last: HashMap<Row, usize> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            last.insert(pick(row, &columns), at);
        }
        for (at, row) in rows.iter().enumerate() {
            if last.get(&pick(row, &columns)) == Some(&at) {
                put(t, row).await?;
            }
        }
        return Ok(());
    }
    let (mut seen, mut before) = (HashSet::new(), None);
    while let Some(row) = table.next(t).await? {
        let key = pick(&row, &columns);
        let new = if call.has("S") { before.replace(key.clone()) != Some(key) } else { seen.insert(key) };
        if new && !check {
            put(t, &row).await?;
        } else if !new && check {
            return Err(Fail::Message("there are duplicates".into(), 1));
        }
    }
    Ok(())
}

pub(super) async fn split(t: &mut Tool, call: &Call) -> Done {
    let mut table = call.open(t, 0).await?;
    let folder = call.get("O").cloned().unwrap_or_else(|| ".".into());
    let names = call.get("f").cloned().unwrap_or_else(|| "{}.csv".into());
    let mut rows = table.all(t).await?;
    let size = match (call.number("c")?, call.number("S")?) {
        (Some(chunks), _) => rows.len().div_ceil(chunks.max(1)),
        (None, size) => size.unwrap_or(4096),
    }
    .max(1);
    let mut at = 0;
    while !rows.is_empty() {
        let rest = rows.split_off(size.min(rows.len()));
        let name = String::from_utf8_lossy(&names).replace("{}", &at.to_string());
        let path = BString::from(format!("{folder}/{name}"));
        let mut out = Vec::new();
        if call.named {
            Shape::default().write(&table.header, &mut out);
        }
        at += rows.len();
        for row in &rows {
            Shape::default().write(row, &mut out);
        }
        t.ctx.ticks(rows.len() as u32).await;
        let mut file = t.ctx.create_output(&path, false).await.map_err(|error| failed(&path, error))?;
        file.put(&out);
        file.flush().await.map_err(|error| failed(&path, error))?;
        rows = rest;
    }
    Ok(())
}
