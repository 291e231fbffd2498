//! `column`: puts lines into columns, makes tables of fields, in text and in JSON.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString, ByteSlice};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::lines::{body, next_line, or_stdin};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "column",
    usage: &["[options] [<file>...]"],
    about: "Columnate lists.",
    options: &[
        Opt::flag("t,table", "create a table"),
        Opt::value("n,table-name", "<name>", "table name for JSON output"),
        Opt::value("O,table-order", "<columns>", "specify order of output columns"),
        Opt::value("N,table-columns", "<names>", "comma separated columns names"),
        Opt::value("l,table-columns-limit", "<num>", "maximal number of input columns"),
        Opt::value(
            "E,table-noextreme",
            "<columns>",
            "don't count long text from the columns to column width",
        ),
        Opt::flag("d,table-noheadings", "don't print header"),
        Opt::flag("e,table-header-repeat", "repeat header for each page"),
        Opt::value("H,table-hide", "<columns>", "don't print the columns"),
        Opt::value("R,table-right", "<columns>", "right align text in these columns"),
        Opt::value("T,table-truncate", "<columns>", "truncate text in the columns when necessary"),
        Opt::value("W,table-wrap", "<columns>", "wrap text in the columns when necessary"),
        Opt::flag("L,keep-empty-lines,table-empty-lines", "don't ignore empty lines"),
        Opt::flag("J,json", "use JSON output format for table"),
        Opt::value("r,tree", "<column>", "column to use tree-like output for the table"),
        Opt::value("i,tree-id", "<column>", "line ID to specify child-parent relation"),
        Opt::value("p,tree-parent", "<column>", "parent to specify child-parent relation"),
        Opt::value("c,output-width,columns", "<width>", "width of output in number of characters"),
        Opt::value(
            "o,output-separator",
            "<string>",
            "columns separator for table output (default is two spaces)",
        ),
        Opt::value("s,separator", "<string>", "possible table delimiters"),
        Opt::flag("x,fillrows", "fill rows before columns"),
        Opt::flag("h", ""),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

fn width(text: &[u8]) -> usize {
    text.to_str_lossy().width()
}

fn blanks(count: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + count, b' ');
}

/// What is done with a column of a table.
#[derive(Clone, Copy, Default)]
struct Style {
    hidden: bool,
    right: bool,
    truncate: bool,
    wrap: bool,
    noextreme: bool,
}

#[derive(Default)]
struct Table {
    names: Vec<BString>,
    styles: Vec<Style>,
    rows: Vec<Vec<BString>>,
    order: Vec<usize>,
    /// The column that is shown as a tree, and what stands before it in each row.
    tree: Option<usize>,
    branches: Vec<String>,
    separator: BString,
    width: usize,
}

async fn run(t: &mut Tool) -> Done {
    let (mut fill_rows, mut table, mut json, mut empty, mut heading) = (false, false, false, false, true);
    let (mut separator, mut output) = (None, BString::from("  "));
    let (mut names, mut json_name, mut limit) = (None, BString::from("table"), usize::MAX);
    let mut lists: Vec<(&str, BString)> = Vec::new();
    let mut columns = t.ctx.env("COLUMNS").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(80);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let text = value.unwrap_or_default();
        let number = || text.to_str().ok().and_then(|text| text.parse::<usize>().ok());
        match name {
            "t" => table = true,
            "n" => json_name = text,
            "N" => names = Some(text),
            "l" => {
                let said = || Fail::Message(format!("invalid columns limit argument: '{text}'"), 1);
                limit = number().ok_or_else(said)?;
                if limit == 0 {
                    return Err(Fail::Message("columns limit must be greater than zero".into(), 1));
                }
            }
            "d" => heading = false,
            "L" => empty = true,
            "J" => json = true,
            "c" if text == "unlimited" => columns = usize::MAX,
            "c" => {
                let said = || Fail::Message(format!("invalid columns argument: '{text}'"), 1);
                columns = number().ok_or_else(said)?;
            }
            "o" => output = text,
            "s" => separator = Some(text),
            "x" => fill_rows = true,
            "h" => return Err(Fail::Help),
            // There are pages on a terminal alone.
            "e" => {}
            _ => lists.push((name, text)),
        }
    }
    if json && names.is_none() {
        return Err(Fail::Message("option --table-columns required for --json".into(), 1));
    }
    table |= json;
    if !table && (names.is_some() || !lists.is_empty()) {
        return Err(Fail::Message("option --table required for all --table-*".into(), 1));
    }
    let mut lines: Vec<BString> = Vec::new();
    for file in or_stdin(options.operands()) {
        let Some(mut input) = t.open_or_tell(&file).await? else { continue };
        while let Some(line) = next_line(t, &mut input, &file, b'\n').await? {
            let line = body(line, b'\n');
            if empty || !line.trim_ascii_start().is_empty() {
                lines.push(line.into());
            }
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    if !table {
        return fill(t, &lines, columns, fill_rows).await;
    }
    let mut made = Table { separator: output, width: columns, ..Table::default() };
    let named = names.is_some() && heading;
    for line in &lines {
        made.rows.push(fields(line, separator.as_ref(), limit));
        t.ctx.tick().await;
    }
    drop(lines);
    made.names = names.map_or_else(Vec::new, |names| names.split_str(",").map(BString::from).collect());
    let known = made.names.len();
    for (index, row) in made.rows.iter().enumerate() {
        if json && row.len() > known {
            let column = known + 1;
            let message = format!("line {}: for JSON the name of the column {column} is required", index + 2);
            return Err(Fail::Message(message, 1));
        }
        let count = made.names.len().max(row.len());
        made.names.resize(count, BString::default());
    }
    made.style(&lists, known)?;
    if json { made.json(t, &json_name).await } else { made.print(t, named).await }
}

/// The fields of a line.
fn fields(line: &[u8], separator: Option<&BString>, limit: usize) -> Vec<BString> {
    let mut fields = Vec::new();
    let set: &[u8] = separator.map_or(b"\t ", |set| set);
    let mut rest = line;
    loop {
        if separator.is_none() && fields.len() + 1 < limit {
            let begin = rest.iter().position(|byte| !set.contains(byte)).unwrap_or(rest.len());
            rest = rest.get(begin..).unwrap_or_default();
        }
        if rest.is_empty() {
            return fields;
        }
        let end = rest.iter().position(|byte| set.contains(byte)).filter(|_| fields.len() + 1 < limit);
        fields.push(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default().into());
        if separator.is_some() && end == Some(rest.len() - 1) {
            fields.push(BString::default());
        }
        rest = end.and_then(|end| rest.get(end + 1..)).unwrap_or_default();
    }
}

/// Lines in as many columns as there is room for, with tabs between them.
async fn fill(t: &mut Tool, lines: &[BString], columns: usize, fill_rows: bool) -> Done {
    let widest = lines.iter().map(|line| width(line)).max().unwrap_or(0);
    let each = (widest + 8) & !7;
    let across = if widest >= columns { 1 } else { (columns / each).max(1) };
    let rows = lines.len().div_ceil(across);
    for row in 0..rows {
        for column in 0..across {
            let index = |column: usize| if fill_rows { row * across + column } else { column * rows + row };
            let Some(line) = lines.get(index(column)) else { break };
            t.out.put(line);
            if column + 1 < across && lines.get(index(column + 1)).is_some() {
                let tabs = each.saturating_sub(width(line)).div_ceil(8);
                t.out.buffer().extend(std::iter::repeat_n(b'\t', tabs));
            }
        }
        t.out.write(b"\n").await?;
    }
    Ok(())
}

impl Table {
    fn column(&self, name: &[u8]) -> Result<usize, Fail> {
        let number =
            name.to_str().ok().and_then(|name| name.parse::<usize>().ok()).and_then(|at| at.checked_sub(1));
        let at =
            self.names.iter().position(|known| known == name).or(number.filter(|at| *at < self.names.len()));
        at.ok_or_else(|| Fail::Message(format!("undefined column name '{}'", BStr::new(name)), 1))
    }

    /// What the options say of the columns; `known`: how many have names.
    fn style(&mut self, lists: &[(&str, BString)], known: usize) -> Done {
        self.styles = vec![Style::default(); self.names.len()];
        let mut first = Vec::new();
        let (mut id, mut parent) = (None, None);
        for (option, list) in lists {
            for name in list.split_str(",") {
                let columns: Vec<usize> = match name {
                    b"0" => (0..self.names.len()).collect(),
                    b"-" if *option == "H" => (known..self.names.len()).collect(),
                    // A number may be that of a column that no line has.
                    _ if name.iter().all(u8::is_ascii_digit) => self.column(name).into_iter().collect(),
                    _ => vec![self.column(name)?],
                };
                for column in columns {
                    match *option {
                        "O" => first.push(column),
                        "r" => self.tree = Some(column),
                        "i" => id = Some(column),
                        "p" => parent = Some(column),
                        _ => {}
                    }
                    let Some(style) = self.styles.get_mut(column) else { continue };
                    match *option {
                        "H" => style.hidden = true,
                        "R" => style.right = true,
                        "T" => style.truncate = true,
                        "W" => style.wrap = true,
                        "E" => style.noextreme = true,
                        _ => {}
                    }
                }
            }
        }
        let rest: Vec<usize> = (0..self.names.len()).filter(|column| !first.contains(column)).collect();
        self.order = first.into_iter().chain(rest).collect();
        self.order.retain(|column| self.styles.get(*column).is_some_and(|style| !style.hidden));
        if let (Some(id), Some(parent), Some(_)) = (id, parent, self.tree) {
            self.grow(id, parent);
        } else if self.tree.is_some() {
            let message = "options --tree-id and --tree-parent are required for tree formatting";
            return Err(Fail::Message(message.into(), 1));
        }
        Ok(())
    }

    fn cell(&self, row: usize, column: usize) -> &[u8] {
        self.rows.get(row).and_then(|row| row.get(column)).map_or(b"", |cell| cell)
    }

    /// Brings the rows into the order of the tree.
    fn grow(&mut self, id: usize, parent: usize) {
        let count = self.rows.len();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut roots = Vec::new();
        let ids: BTreeMap<&[u8], usize> = (0..count).rev().map(|row| (self.cell(row, id), row)).collect();
        for row in 0..count {
            match ids.get(self.cell(row, parent)).copied().filter(|above| *above != row) {
                Some(above) => children.get_mut(above).into_iter().for_each(|list| list.push(row)),
                None => roots.push(row),
            }
        }
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        let mut stack: Vec<(usize, String, String)> =
            roots.into_iter().rev().map(|row| (row, String::new(), String::new())).collect();
        while let Some((row, branch, below)) = stack.pop() {
            if !seen.insert(row) {
                continue;
            }
            order.push(row);
            self.branches.push(branch);
            let list = children.get(row).cloned().unwrap_or_default();
            for (index, child) in list.iter().enumerate().rev() {
                let (mark, line) =
                    if index + 1 == list.len() { ("└─", "  ") } else { ("├─", "│ ") };
                stack.push((*child, format!("{below}{mark}"), format!("{below}{line}")));
            }
        }
        self.rows = order.into_iter().filter_map(|row| self.rows.get_mut(row).map(std::mem::take)).collect();
    }

    /// A cell as it is shown.
    fn shown(&self, row: usize, column: usize) -> BString {
        let cell = self.cell(row, column);
        match self.branches.get(row).filter(|_| self.tree == Some(column)) {
            Some(branch) => [branch.as_bytes(), cell].concat().into(),
            None => cell.into(),
        }
    }

    async fn print(&self, t: &mut Tool, heading: bool) -> Done {
        let mut widths: Vec<usize> =
            self.names.iter().map(|name| if heading { width(name) } else { 0 }).collect();
        for row in 0..self.rows.len() {
            for (column, most) in widths.iter_mut().enumerate() {
                *most = (*most).max(width(&self.shown(row, column)));
            }
            t.ctx.tick().await;
        }
        let fits = self.excess(&widths) == 0;
        if !fits && self.styles.iter().any(|style| style.noextreme) {
            // Only then the option means something.
            let message = "--table-noextreme is not supported for tables that are too wide";
            return Err(Fail::Message(message.into(), 1));
        }
        self.shrink(&mut widths);
        if heading {
            self.line(&self.names, &widths, t.out.buffer());
        }
        for row in 0..self.rows.len() {
            let cells: Vec<BString> = (0..self.names.len()).map(|column| self.shown(row, column)).collect();
            self.line(&cells, &widths, t.out.buffer());
            t.out.drain().await?;
        }
        Ok(())
    }

    /// By how much the table is too wide.
    fn excess(&self, widths: &[usize]) -> usize {
        let between = width(&self.separator) * self.order.len().saturating_sub(1);
        let shown: usize = self.order.iter().filter_map(|column| widths.get(*column)).sum();
        (shown + between).saturating_sub(self.width)
    }

    /// Takes what is too much from the columns that may be cut or wrapped, from the widest first.
    fn shrink(&self, widths: &mut [usize]) {
        let mut excess = self.excess(widths);
        while excess > 0 {
            let can =
                |column: &&usize| self.styles.get(**column).is_some_and(|style| style.truncate || style.wrap);
            let widest = self.order.iter().filter(can).max_by_key(|column| widths.get(**column).copied());
            let Some(place) = widest.and_then(|column| widths.get_mut(*column)).filter(|width| **width > 1)
            else {
                return;
            };
            let less = excess.min(*place - 1);
            *place -= less;
            excess -= less;
        }
    }

    /// A row, in as many lines as its wrapped cells need.
    fn line(&self, cells: &[BString], widths: &[usize], out: &mut Vec<u8>) {
        let mut rests: Vec<&[u8]> = cells.iter().map(|cell| cell.as_bytes()).collect();
        loop {
            let mut more = false;
            for (index, &column) in self.order.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(&self.separator);
                }
                let style = self.styles.get(column).copied().unwrap_or_default();
                let most = widths.get(column).copied().unwrap_or(0);
                let cell = rests.get(column).copied().unwrap_or_default();
                let (text, rest) =
                    if style.wrap || style.truncate { split(cell, most) } else { (cell, &b""[..]) };
                let pad = most.saturating_sub(width(text));
                if style.right && (index + 1 < self.order.len() || !text.is_empty()) {
                    blanks(pad, out);
                }
                out.extend_from_slice(text);
                if !style.right && index + 1 < self.order.len() {
                    blanks(pad, out);
                }
                more |= style.wrap && !rest.is_empty();
                if let Some(place) = rests.get_mut(column) {
                    *place = if style.wrap { rest } else { b"" };
                }
            }
            out.push(b'\n');
            if !more {
                return;
            }
        }
    }

    async fn json(&self, t: &mut Tool, name: &[u8]) -> Done {
        t.out.put(b"{\n   ");
        string(&name.to_ascii_lowercase(), t.out.buffer());
        t.out.put(b": [\n      ");
        // The depth of a row: two columns of its branch for each.
        let depth = |row: usize| self.branches.get(row).map_or(0, |branch| branch.chars().count() / 2);
        for row in 0..self.rows.len() {
            let level = depth(row);
            let indent = 9 + 6 * level;
            t.out.put(b"{\n");
            for (index, &column) in self.order.iter().enumerate() {
                if index > 0 {
                    t.out.put(b",\n");
                }
                t.blanks(indent);
                let name = self.names.get(column).map(|name| name.to_ascii_lowercase());
                string(&name.unwrap_or_default(), t.out.buffer());
                t.out.put(b": ");
                match self.rows.get(row).and_then(|row| row.get(column)).filter(|cell| !cell.is_empty()) {
                    Some(cell) => string(cell, t.out.buffer()),
                    None => t.out.put(b"null"),
                }
            }
            let next = if row + 1 < self.rows.len() { depth(row + 1) } else { 0 };
            if row + 1 < self.rows.len() && next > level {
                t.out.put(b",\n");
                t.blanks(indent);
                t.out.put(b"\"children\": [\n");
                t.blanks(indent + 3);
                continue;
            }
            t.out.put(b"\n");
            t.blanks(indent - 3);
            t.out.put(b"}");
            for up in (next..level).rev() {
                t.out.put(b"\n");
                t.blanks(9 + 6 * up);
                t.out.put(b"]\n");
                t.blanks(6 + 6 * up);
                t.out.put(b"}");
            }
            if row + 1 < self.rows.len() {
                t.out.put(b",");
            }
            t.out.drain().await?;
        }
        t.out.put(b"\n   ]\n}\n");
        Ok(())
    }
}

/// Text of so many columns at most, and what is left.
fn split(text: &[u8], most: usize) -> (&[u8], &[u8]) {
    let mut taken = 0;
    for (start, end, character) in text.char_indices() {
        taken += character.width().unwrap_or(0);
        if taken > most && end > 0 {
            return text.split_at(start);
        }
    }
    (text, b"")
}

/// A string of JSON.
fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
