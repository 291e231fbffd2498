//! `sort --debug`: what it says of the options, and the parts of each line that were compared, underlined.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use crate::sort::Plan;
use crate::sort_key::{Key, number_end};
use crate::{Done, Tool};

/// Tells of questionable options. The first `obsolete` keys were written `+F -F`; `asked`: there were keys at all.
pub(crate) async fn warn(t: &mut Tool, plan: &Plan, obsolete: usize, asked: bool) -> Done {
    let names = ["LC_ALL", "LC_COLLATE", "LANG"];
    let locale = names.iter().filter_map(|name| t.ctx.env(name)).find(|value| !value.is_empty());
    let rules = match locale {
        Some(name) if name != "C" && name != "POSIX" => format!("{} sorting rules", t.quote(&name)),
        _ => "simple byte comparison".to_owned(),
    };
    t.warn(format!("text ordering performed using {rules}")).await?;
    let mut numeric = false;
    for (index, key) in plan.keys.iter().enumerate() {
        let number = index + 1;
        if index < obsolete {
            let (old, new) = key.forms();
            let message = format!(
                "obsolescent key {} used; consider {} instead",
                t.quote(old.as_bytes()),
                t.quote(new.as_bytes())
            );
            t.warn(message).await?;
        }
        let empty = key.is_empty();
        if empty {
            t.warn(format!("key {number} has zero width and will be ignored")).await?;
        }
        if asked && !empty && plan.separator.is_none() && key.has_leading_blanks() {
            let message =
                format!("leading blanks are significant in key {number}; consider also specifying 'b'");
            t.warn(message).await?;
        }
        if key.is_numeric() {
            numeric = true;
            if asked && key.spans_fields() {
                t.warn(format!("key {number} is numeric and spans multiple fields")).await?;
            }
        }
    }
    if numeric {
        let note = if plan.separator == Some(b'.') { "" } else { "note " };
        let message = format!("{note}numbers use {} as a decimal point in this locale", t.quote(b"."));
        t.warn(message).await?;
    }
    if !asked {
        return Ok(());
    }
    let mut unused = plan.global.letters();
    for key in &plan.keys {
        let used = key.letters();
        unused.retain(|letter| !used.contains(letter));
    }
    let last_resort = !plan.stable && !plan.unique;
    let reverse = last_resort && unused.contains('r');
    if reverse {
        unused.retain(|letter| letter != 'r');
    }
    match unused.len() {
        0 => {}
        1 => t.warn(format!("option '-{unused}' is ignored")).await?,
        _ => t.warn(format!("options '-{unused}' are ignored")).await?,
    }
    if reverse {
        t.warn("option '-r' only applies to last-resort comparison").await?;
    }
    Ok(())
}

/// A line, and under it its keys.
pub(crate) fn show(plan: &Plan, asked: bool, utf8: bool, line: &[u8], out: &mut Vec<u8>) {
    out.extend(line.iter().map(|byte| if *byte == b'\t' { b'>' } else { *byte }));
    out.push(b'\n');
    let plain = !asked && plan.keys.first().is_some_and(Key::is_plain_line);
    if !plain {
        for key in &plan.keys {
            let range = key.range(line, plan.separator);
            underline(line, compared(key, line, range), utf8, out);
        }
    }
    if plain || (!plan.stable && !plan.unique) {
        underline(line, 0..line.len(), utf8, out);
    }
}

/// What of a key decides: of a number no more than that.
fn compared(key: &Key, line: &[u8], range: Range<usize>) -> Range<usize> {
    let text = line.get(range.clone()).unwrap_or_default();
    match number_end(key, text) {
        None => range,
        Some((blanks, end)) => range.start + blanks..range.start + end,
    }
}

fn underline(line: &[u8], range: Range<usize>, utf8: bool, out: &mut Vec<u8>) {
    let width = |text: Option<&[u8]>| columns(text.unwrap_or_default(), utf8);
    let (before, marks) = (width(line.get(..range.start)), width(line.get(range)));
    out.resize(out.len() + before, b' ');
    if marks == 0 {
        out.extend_from_slice(b"^ no match for key");
    } else {
        out.resize(out.len() + marks, b'_');
    }
    out.push(b'\n');
}

/// The columns of a text on a terminal; a tabulator, shown as `>`, and a byte that is no character have one.
fn columns(text: &[u8], utf8: bool) -> usize {
    if !utf8 {
        return text.iter().filter(|byte| **byte == b'\t' || !byte.is_ascii_control()).count();
    }
    text.utf8_chunks()
        .map(|chunk| {
            let letters = chunk.valid().chars();
            let width = |letter: char| if letter == '\t' { 1 } else { letter.width().unwrap_or(0) };
            letters.map(width).sum::<usize>() + chunk.invalid().len()
        })
        .sum()
}
