//! How `ls` lays names out, and how it writes one.

use bstr::{BString, ByteSlice};
use wasmsh_os::{FileType, Stat};

use super::File;
use super::columns::{columns, indent};
use super::long::long;
use super::options::{Indicators, Layout, Plan, QUOTINGS, Quoting, quoting};
use crate::path::join;
use crate::quote::shell_escape;
use crate::{Done, Tool};

pub(super) fn indicator(plan: &Plan, stat: Option<&Stat>) -> Option<u8> {
    let stat = stat?;
    if plan.indicators == Indicators::None {
        return None;
    }
    match stat.kind {
        FileType::Directory => Some(b'/'),
        _ if plan.indicators == Indicators::Slash => None,
        FileType::SymbolicLink => Some(b'@'),
        FileType::Fifo => Some(b'|'),
        FileType::Socket => Some(b'='),
        FileType::Regular if plan.indicators == Indicators::Classify && stat.mode & 0o111 != 0 => Some(b'*'),
        _ => None,
    }
}

pub(super) fn blocks(plan: &Plan, file: &File) -> String {
    file.stat.map_or("?".into(), |stat| plan.block_units.show(stat.blocks * 512))
}

/// What stands before the name in every layout.
pub(super) fn prefix(plan: &Plan, file: &File, inode_width: usize, block_width: usize, out: &mut Vec<u8>) {
    if plan.inode {
        let inode = file.stat.map_or("?".into(), |stat| stat.inode.to_string());
        out.extend_from_slice(format!("{inode:>inode_width$} ").as_bytes());
    }
    if plan.blocks {
        let text = blocks(plan, file);
        let width = if plan.layout == Layout::Commas { 0 } else { block_width };
        out.extend_from_slice(format!("{text:>width$} ").as_bytes());
    }
    if plan.context && plan.layout != Layout::Long {
        out.extend_from_slice(b"? ");
    }
}

pub(super) async fn show(t: &mut Tool, plan: &mut Plan, files: &[File], total: bool) -> Done {
    let width_of = |texts: &mut dyn Iterator<Item = String>| texts.map(|text| text.len()).max().unwrap_or(0);
    let inode_width =
        width_of(&mut files.iter().filter_map(|file| file.stat.map(|stat| stat.inode.to_string())));
    let block_width = width_of(&mut files.iter().map(|file| blocks(plan, file)));
    if total && (plan.layout == Layout::Long || plan.blocks) {
        margin(t, plan);
        let sum = files.iter().filter_map(|file| file.stat).map(|stat| stat.blocks * 512).sum();
        t.out.put(format!("total {}", plan.block_units.show(sum)).as_bytes());
        t.out.put_byte(plan.end);
    }
    // With quoting somewhere, names without it are put in line with those that have it.
    let aligned = matches!(plan.quoting, Quoting::Shell | Quoting::ShellEscape)
        && !matches!(plan.layout, Layout::Commas)
        && t.ctx.is_terminal(1)
        && files.iter().any(|file| matches!(file.shown.first(), Some(b'\'' | b'"')));
    let pad = |file: &File| usize::from(aligned && !matches!(file.shown.first(), Some(b'\'' | b'"')));
    match plan.layout {
        Layout::Single => {
            for file in files {
                prefix(plan, file, inode_width, block_width, t.out.buffer());
                t.blanks(pad(file));
                put_name(t, plan, file);
                t.out.put_byte(plan.end);
                drain(t, plan).await?;
            }
        }
        Layout::Long => long(t, plan, files, inode_width, block_width).await?,
        Layout::Commas => {
            let mut column = 0;
            for (index, file) in files.iter().enumerate() {
                let length = cell_width(plan, file, inode_width, 0);
                if index > 0 {
                    if plan.width == 0 || column + length + 2 < plan.width {
                        t.out.put(b", ");
                        column += 2;
                    } else {
                        t.out.put(b",\n");
                        column = 0;
                    }
                }
                prefix(plan, file, inode_width, block_width, t.out.buffer());
                put_name(t, plan, file);
                column += length;
            }
            if !files.is_empty() {
                t.out.put_byte(plan.end);
            }
        }
        Layout::Vertical | Layout::Horizontal if plan.width == 0 => {
            for (index, file) in files.iter().enumerate() {
                t.blanks(if index > 0 { 2 } else { 0 });
                prefix(plan, file, inode_width, block_width, t.out.buffer());
                t.blanks(pad(file));
                put_name(t, plan, file);
            }
            if !files.is_empty() {
                t.out.put_byte(plan.end);
            }
        }
        Layout::Vertical | Layout::Horizontal => {
            let across = plan.layout == Layout::Horizontal;
            let lengths: Vec<usize> = files
                .iter()
                .map(|file| cell_width(plan, file, inode_width, block_width) + pad(file))
                .collect();
            let layout = columns(&lengths, plan.width, across);
            let number = layout.widths.len();
            let rows = if files.is_empty() { 0 } else { layout.rows };
            for row in 0..rows {
                let mut at = 0;
                let mut position = 0;
                for column in 0..number {
                    let index = if across { row * number + column } else { column * rows + row };
                    let (Some(file), Some(length)) = (files.get(index), lengths.get(index)) else { break };
                    if column > 0 {
                        indent(at, position, plan.tab, t.out.buffer());
                        at = position;
                    }
                    prefix(plan, file, inode_width, block_width, t.out.buffer());
                    t.blanks(pad(file));
                    put_name(t, plan, file);
                    at += length;
                    position += layout.widths.get(column).copied().unwrap_or_default();
                }
                t.out.put_byte(plan.end);
                drain(t, plan).await?;
            }
        }
    }
    Ok(())
}

pub(super) fn cell_width(plan: &Plan, file: &File, inode_width: usize, block_width: usize) -> usize {
    let mut text = Vec::new();
    prefix(plan, file, inode_width, block_width, &mut text);
    text.len() + file.width + usize::from(indicator(plan, file.stat.as_ref()).is_some())
}

pub(super) fn put_colored(t: &mut Tool, plan: &mut Plan, text: &[u8], color: Option<String>) {
    let Some(color) = color else { return t.out.put(text) };
    if !std::mem::replace(&mut plan.any_color, true) {
        t.out.put(b"\x1b[0m");
    }
    t.out.put(format!("\x1b[{color}m").as_bytes());
    t.out.put(text);
    t.out.put(b"\x1b[0m");
}

pub(super) fn put_name(t: &mut Tool, plan: &mut Plan, file: &File) {
    let color = plan.colors.as_ref().and_then(|colors| {
        let target = file.target.as_ref().map(|(_, target)| target.as_ref());
        colors.of(&file.name, file.stat.as_ref(), target)
    });
    let start = position(t, plan);
    put_linked(t, plan, &file.path, &file.shown, color);
    let end = position(t, plan);
    if let Some(dired) = &mut plan.dired {
        dired.names.extend([start, end]);
    }
    // In a long listing the indicator is that of the target.
    if plan.layout != Layout::Long || file.target.is_none() {
        t.out.buffer().extend(indicator(plan, file.stat.as_ref()));
    }
}

pub(super) fn name_text(plan: &Plan, name: &[u8]) -> Vec<u8> {
    let text = match plan.quoting {
        Quoting::Literal => name.to_vec(),
        Quoting::Shell => shell_plain(name, false),
        Quoting::ShellAlways => shell_plain(name, true),
        Quoting::ShellEscape => shell_escape(name, false, false).into_bytes(),
        Quoting::ShellEscapeAlways => shell_escape(name, true, false).into_bytes(),
        Quoting::C => crate::quote::c_style(name, Some('"')).into_bytes(),
        Quoting::Escape => crate::quote::c_style(name, None).into_bytes(),
        Quoting::Locale => crate::quote::quote(name, true).into_bytes(),
    };
    if !plan.hide_control || !matches!(plan.quoting, Quoting::Literal | Quoting::Shell | Quoting::ShellAlways)
    {
        return text;
    }
    let mut hidden = Vec::with_capacity(text.len());
    for (start, end, character) in text.char_indices() {
        let bytes = text.get(start..end).unwrap_or_default();
        if character.is_control() || std::str::from_utf8(bytes).is_err() {
            hidden.push(b'?');
        } else {
            hidden.extend_from_slice(bytes);
        }
    }
    hidden
}

pub(super) fn shell_plain(name: &[u8], always: bool) -> Vec<u8> {
    let quoted = shell_escape(name, always, false);
    if quoted.as_bytes() == name || !quoted.contains("$'") {
        return quoted.into_bytes();
    }
    // The style without escapes keeps such characters as they are.
    let mut text = vec![b'\''];
    text.extend_from_slice(&name.replace("'", "'\\''"));
    text.push(b'\'');
    text
}

/// The name, with the escapes that lead a terminal to its file if that was asked for.
pub(super) fn put_linked(t: &mut Tool, plan: &mut Plan, path: &[u8], shown: &[u8], color: Option<String>) {
    let Some(host) = &plan.host else { return put_colored(t, plan, shown, color) };
    let path = t.ctx.canonicalize(path).map(BString::from).unwrap_or_else(|_| {
        // What leads nowhere is named by where it stands.
        join(t.ctx.cwd().as_bytes(), path)
    });
    let mut text = b"\x1b]8;;file://".to_vec();
    for byte in host.bytes().chain(path.iter().copied()) {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => text.push(byte),
            _ if byte.is_ascii_alphanumeric() => text.push(byte),
            _ => text.extend_from_slice(format!("%{byte:02x}").as_bytes()),
        }
    }
    text.push(7);
    text.extend_from_slice(shown);
    text.extend_from_slice(b"\x1b]8;;\x07");
    put_colored(t, plan, &text, color);
}

/// Lets the output go on, and counts it.
pub(super) async fn drain(t: &mut Tool, plan: &mut Plan) -> Done {
    let before = t.out.buffer().len();
    t.out.drain().await?;
    let after = t.out.buffer().len();
    if let Some(dired) = &mut plan.dired {
        dired.written += (before - after) as u64;
    }
    Ok(())
}

/// Where the output is, in bytes.
fn position(t: &mut Tool, plan: &Plan) -> u64 {
    plan.dired.as_ref().map_or(0, |dired| dired.written) + t.out.buffer().len() as u64
}

/// What stands before each line with `--dired`.
pub(super) fn margin(t: &mut Tool, plan: &Plan) {
    if plan.dired.is_some() {
        t.out.put(b"  ");
    }
}

/// The name of a directory, above its entries.
pub(super) fn put_header(t: &mut Tool, plan: &mut Plan, path: &[u8]) {
    margin(t, plan);
    let start = position(t, plan);
    let name = name_text(plan, path);
    t.out.put(&name);
    let end = position(t, plan);
    if let Some(dired) = &mut plan.dired {
        dired.headers.extend([start, end]);
    }
}

/// The positions, at the end.
pub(super) fn put_dired(t: &mut Tool, plan: &Plan) {
    let Some(dired) = &plan.dired else { return };
    for (title, positions) in [("//DIRED//", &dired.names), ("//SUBDIRED//", &dired.headers)] {
        if positions.is_empty() {
            continue;
        }
        t.out.put(title.as_bytes());
        for position in positions {
            t.out.put(format!(" {position}").as_bytes());
        }
        t.out.put(b"\n");
    }
    let style = QUOTINGS.iter().find(|(word, _)| quoting(word.as_bytes()) == Some(plan.quoting));
    let style = style.map_or("literal", |(word, _)| word);
    t.out.put(format!("//DIRED-OPTIONS// --quoting-style={style}\n").as_bytes());
}
