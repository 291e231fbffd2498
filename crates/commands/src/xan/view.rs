//! `xan view`: a table with lines around it.

use bstr::ByteSlice;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Call, pick};
use crate::{Done, Tool};

/// Cells narrower than this are not cut further.
const NARROWEST: usize = 6;

fn clean(text: &[u8]) -> String {
    let text = text.to_str_lossy();
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A text of just so many places.
fn fit(text: &str, width: usize, right: bool) -> String {
    let own = text.width();
    let mut out = String::new();
    if own > width {
        let mut used = 1;
        for letter in text.chars() {
            used += letter.width().unwrap_or(0);
            if used > width {
                break;
            }
            out.push(letter);
        }
        out.push('…');
    } else {
        out.push_str(text);
    }
    let gap = " ".repeat(width.saturating_sub(out.width()));
    if right { gap + &out } else { out + &gap }
}

pub(super) async fn view(t: &mut Tool, call: &Call) -> Done {
    let mut table = call.open(t, 0).await?;
    let columns = call.columns(&table.header)?;
    let limit = if call.has("A") { 0 } else { call.number("l")?.unwrap_or(100) };
    let (mut cells, mut rows, mut more) = (Vec::new(), 0_usize, false);
    while let Some(row) = table.next(t).await? {
        if limit != 0 && rows == limit {
            more = true;
            break;
        }
        let mut line: Vec<String> = pick(&row, &columns).iter().map(|field| clean(field)).collect();
        if !call.has("I") {
            line.insert(0, rows.to_string());
        }
        cells.push(line);
        rows += 1;
    }
    let mut header: Vec<String> = pick(&table.header, &columns).iter().map(|name| clean(name)).collect();
    if !call.has("I") {
        header.insert(0, "-".into());
    }
    let mut widths: Vec<usize> = header.iter().map(|name| name.width()).collect();
    let mut numbers = vec![!cells.is_empty(); widths.len()];
    for line in &cells {
        for ((cell, width), number) in line.iter().zip(&mut widths).zip(&mut numbers) {
            *width = (*width).max(cell.width());
            *number &= cell.is_empty() || cell.parse::<f64>().is_ok();
        }
    }
    if !call.has("e") {
        let wide = call.number("cols")?.unwrap_or(80);
        // The widest column gives a place until all fit.
        while widths.iter().map(|width| width + 3).sum::<usize>() + 1 > wide {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
    }
    let rule = |begin: &str, middle: &str, end: &str| {
        let lines: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{begin}{}{end}\n", lines.join(middle))
    };
    let line = |cells: &[String], align: bool| {
        let mut out = String::new();
        for ((cell, width), number) in cells.iter().zip(&widths).zip(&numbers) {
            out.push_str(&format!("│ {} ", fit(cell, *width, align && *number)));
        }
        out + "│\n"
    };
    if !call.has("M") {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let name = call.input(0);
        let name = if name == "-" { "<stdin>".into() } else { name };
        let what = if more { format!("first {rows} row") } else { format!("{rows} row") };
        let count = columns.len();
        t.out.put(
            format!("Displaying {count} col{} from {what}{} of {name}\n", plural(count), plural(rows))
                .as_bytes(),
        );
    }
    t.out.put(rule("┌", "┬", "┐").as_bytes());
    if call.named {
        t.out.put(line(&header, false).as_bytes());
        t.out.put(rule("├", "┼", "┤").as_bytes());
    }
    for cells in &cells {
        t.out.put(line(cells, true).as_bytes());
        t.out.drain().await?;
        t.ctx.tick().await;
    }
    t.out.put(rule("└", "┴", "┘").as_bytes());
    Ok(())
}
