//! Counts of lines: `--stat`, `--numstat`, `--shortstat`.

use gix::bstr::{BStr, BString, ByteSlice};

use super::options::Options;
use super::{Contents, is_binary, lines};
use crate::error::Result;
use crate::session::{Session, quote};
use crate::tree::Change;

/// One file's counts.
pub struct Count {
    name: BString,
    added: usize,
    removed: usize,
    binary: Option<(usize, usize)>,
    unmerged: bool,
}

/// Old and new name of a rename, with what they share outside braces.
pub fn joined(old: &BStr, new: &BStr) -> BString {
    let (old_quoted, new_quoted) = (quote(old), quote(new));
    if old_quoted != old || new_quoted != new {
        return format!("{old_quoted} => {new_quoted}").into();
    }
    let shared = old.iter().zip(new.iter()).take_while(|(one, other)| one == other).count();
    let lead = old[..shared].rfind_byte(b'/').map_or(0, |at| at + 1);
    // The end may share the slash that ends the beginning.
    let floor = lead.saturating_sub(1);
    let mut tail = 0;
    let ends = old.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
    for length in 1..=ends {
        if old.len() - length < floor || new.len() - length < floor {
            break;
        }
        if old[old.len() - length] == b'/' {
            tail = length;
        }
    }
    if lead == 0 && tail == 0 {
        return format!("{old} => {new}").into();
    }
    let middle = |path: &BStr| -> BString {
        let end = path.len() - tail;
        if end > lead { path[lead..end].into() } else { BString::default() }
    };
    format!(
        "{}{{{} => {}}}{}",
        old[..lead].as_bstr(),
        middle(old),
        middle(new),
        old[old.len() - tail..].as_bstr()
    )
    .into()
}

fn counts(
    session: &Session<'_>,
    changes: &[Change],
    options: &Options,
    contents: &mut Contents<'_>,
) -> Result<Vec<Count>> {
    let mut found = Vec::new();
    for change in changes {
        let place = |path: &BStr| options.place(session, path);
        let name = if change.score.is_some() {
            joined(place(change.old_path.as_bstr()).as_bstr(), place(change.path.as_bstr()).as_bstr())
        } else {
            quote(place(change.path.as_bstr()).as_bstr())
        };
        let mut count = Count { name, added: 0, removed: 0, binary: None, unmerged: change.unmerged };
        if !change.unmerged {
            let same = change.old.zip(change.new).is_some_and(|(old, new)| old.id == new.id);
            if !same {
                let (old, new) =
                    (contents.get(session, change, true)?, contents.get(session, change, false)?);
                if !options.text && (is_binary(&old) || is_binary(&new)) {
                    count.binary = Some((old.len(), new.len()));
                } else {
                    (count.added, count.removed) = lines::count(&old, &new, &options.lines);
                }
            } else if change.score.is_some() {
                let old = contents.get(session, change, true)?;
                if is_binary(&old) {
                    count.binary = Some((old.len(), old.len()));
                }
            }
        }
        found.push(count);
    }
    Ok(found)
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The line of totals.
fn total(counts: &[Count]) -> String {
    let files = counts.iter().filter(|count| !count.unmerged).count();
    let added: usize = counts.iter().map(|count| count.added).sum();
    let removed: usize = counts.iter().map(|count| count.removed).sum();
    if files == 0 {
        return " 0 files changed\n".into();
    }
    let mut line = format!(" {} changed", plural(files, "file", "files"));
    if added > 0 || removed == 0 {
        line.push_str(&format!(", {}(+)", plural(added, "insertion", "insertions")));
    }
    if removed > 0 || added == 0 {
        line.push_str(&format!(", {}(-)", plural(removed, "deletion", "deletions")));
    }
    line.push('\n');
    line
}

/// Prints the counts in the forms that are wanted.
pub fn show(
    session: &Session<'_>,
    changes: &[Change],
    options: &Options,
    contents: &mut Contents<'_>,
) -> Result {
    let counts = counts(session, changes, options, contents)?;
    let out = session.out();
    if options.numstat {
        for (count, change) in counts.iter().zip(changes) {
            let numbers = match count.binary {
                Some(_) => "-\t-".to_owned(),
                None => format!("{}\t{}", count.added, count.removed),
            };
            out.bytes(&numbers)?;
            out.bytes("\t")?;
            if options.nul {
                if change.score.is_some() {
                    out.bytes("\0")?;
                    out.bytes(options.place(session, change.old_path.as_bstr()))?;
                    out.bytes("\0")?;
                }
                out.bytes(options.place(session, change.path.as_bstr()))?;
                out.bytes("\0")?;
            } else {
                out.line(&count.name)?;
            }
        }
    }
    if let Some(widths) = &options.stat {
        bars(session, &counts, widths)?;
    }
    if (options.shortstat || options.stat.is_some()) && !counts.is_empty() {
        out.bytes(total(&counts))?;
    }
    Ok(())
}

/// How wide `--stat` may be.
#[derive(Clone, Debug, Default)]
pub struct Widths {
    /// Columns in all.
    pub width: Option<usize>,
    /// Columns for names.
    pub name: Option<usize>,
    /// Files at most.
    pub count: Option<usize>,
}

fn columns(text: &BStr) -> usize {
    text.chars().count()
}

fn bars(session: &Session<'_>, counts: &[Count], widths: &Widths) -> Result {
    let shown = widths.count.unwrap_or(usize::MAX).min(counts.len());
    let list = &counts[..shown];
    let longest = list.iter().map(|count| columns(count.name.as_bstr())).max().unwrap_or(0);
    let most = list
        .iter()
        .filter(|count| count.binary.is_none())
        .map(|count| count.added + count.removed)
        .max()
        .unwrap_or(0);
    let digits = |number: usize| number.to_string().len();
    let mut number_width = digits(most);
    let mut binary_width = 0;
    for (old, new) in list.iter().filter_map(|count| count.binary) {
        binary_width = binary_width.max(14 + digits(old) + digits(new));
        number_width = number_width.max(3);
    }
    let unmerged = if list.iter().any(|count| count.unmerged) { 8 } else { 0 };
    let width = widths.width.unwrap_or(80).max(16 + 6 + number_width);
    let mut name_width = longest.min(widths.name.unwrap_or(usize::MAX));
    let extra = (number_width + 4).max(binary_width).max(unmerged);
    let mut graph_width = if most + 4 > binary_width.max(unmerged) { most } else { extra - 4 };
    if name_width + number_width + 6 + graph_width > width {
        let room = (width * 3 / 8).saturating_sub(number_width + 6);
        if graph_width > room {
            graph_width = room.max(6);
        }
        if name_width > width - number_width - 6 - graph_width {
            name_width = width - number_width - 6 - graph_width;
        } else {
            graph_width = width - number_width - 6 - name_width;
        }
    }
    for count in list {
        let mut name = count.name.clone();
        let mut lead = "";
        if columns(name.as_bstr()) > name_width {
            lead = "...";
            let keep = name_width.saturating_sub(3);
            let skip = columns(name.as_bstr()) - keep;
            let at = name.char_indices().nth(skip).map_or(name.len(), |(at, ..)| at);
            name = name[at..].into();
            if let Some(slash) = name.find_byte(b'/') {
                name = name[slash..].into();
            }
        }
        let padding = name_width.saturating_sub(lead.len() + columns(name.as_bstr()));
        let out = session.out();
        out.bytes(format!(" {lead}"))?;
        out.bytes(&name)?;
        out.bytes(format!("{} | ", " ".repeat(padding)))?;
        if count.unmerged {
            out.line("Unmerged")?;
            continue;
        }
        if let Some((old, new)) = count.binary {
            if old == new {
                out.line(format!("{:>number_width$}", "Bin"))?;
            } else {
                out.line(format!("{:>number_width$} {old} -> {new} bytes", "Bin"))?;
            }
            continue;
        }
        let (mut added, mut removed) = (count.added, count.removed);
        if graph_width <= most {
            let scale = |value: usize| if value == 0 { 0 } else { 1 + value * (graph_width - 1) / most };
            let mut total = scale(added + removed);
            if total < 2 && added > 0 && removed > 0 {
                total = 2;
            }
            if added < removed {
                added = scale(added);
                removed = total - added;
            } else {
                removed = scale(removed);
                added = total - removed;
            }
        }
        let sum = count.added + count.removed;
        let space = if sum > 0 { " " } else { "" };
        out.line(format!("{sum:>number_width$}{space}{}{}", "+".repeat(added), "-".repeat(removed)))?;
    }
    if shown < counts.len() {
        session.out().line(" ...")?;
    }
    Ok(())
}
