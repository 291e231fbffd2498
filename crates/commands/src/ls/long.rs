//! The long listing of `ls`.

use bstr::BString;
use wasmsh_os::{FileType, Stat, Timestamp};

use super::options::{Plan, Style};
use super::print::{drain, indicator, margin, name_text, prefix, put_linked, put_name};
use super::{File, moment_of};
use crate::mode::mode_string;
use crate::time::Moment;
use crate::{Done, Tool};

pub(super) async fn long(
    t: &mut Tool,
    plan: &mut Plan,
    files: &[File],
    inode_width: usize,
    block_width: usize,
) -> Done {
    struct Row {
        links: String,
        owner: String,
        group: String,
        size: String,
        time: Vec<u8>,
    }
    let names = |plan: &Plan, stat: &Stat| {
        let user = plan.users.user_name(stat.uid).filter(|_| !plan.numeric);
        let group = plan.users.group_name(stat.gid).filter(|_| !plan.numeric);
        (
            user.map_or_else(|| stat.uid.to_string(), BString::to_string),
            group.map_or_else(|| stat.gid.to_string(), BString::to_string),
        )
    };
    let mut rows = Vec::with_capacity(files.len());
    for file in files {
        rows.push(match &file.stat {
            Some(stat) => {
                let (owner, group) = names(plan, stat);
                let size = if stat.kind == FileType::CharacterDevice {
                    let (major, minor) = (stat.device_number >> 8 & 0xfff, stat.device_number & 0xff);
                    format!("{major:>3}, {minor:>3}")
                } else {
                    plan.size_units.show(stat.size)
                };
                Row {
                    links: stat.links.to_string(),
                    owner,
                    group,
                    size,
                    time: time_text(plan, moment_of(plan, stat)),
                }
            }
            None => {
                let unknown = || "?".to_owned();
                Row {
                    links: unknown(),
                    owner: unknown(),
                    group: unknown(),
                    size: unknown(),
                    time: b"           ?".to_vec(),
                }
            }
        });
    }
    let width = |of: &dyn Fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let links = width(&|row| row.links.len());
    let owner = width(&|row| row.owner.len());
    let group = width(&|row| row.group.len());
    let size = width(&|row| row.size.len());
    let time = width(&|row| row.time.len());
    for (file, row) in files.iter().zip(rows) {
        margin(t, plan);
        prefix(plan, file, inode_width, block_width, t.out.buffer());
        let mode = file.stat.as_ref().map_or_else(|| "??????????".into(), mode_string);
        t.out.put(format!("{mode} {:>links$} ", row.links).as_bytes());
        // Numbers stand to the right, names to the left.
        let put_id = |t: &mut Tool, text: &str, width: usize| {
            let numeric = text.bytes().all(|byte| byte.is_ascii_digit());
            let padded = if numeric { format!("{text:>width$} ") } else { format!("{text:<width$} ") };
            t.out.put(padded.as_bytes());
        };
        if plan.owner {
            put_id(t, &row.owner, owner);
        }
        if plan.group {
            put_id(t, &row.group, group);
        }
        if plan.author {
            put_id(t, &row.owner, owner);
        }
        if plan.context {
            t.out.put(b"? ");
        }
        t.out.put(format!("{:>size$} ", row.size).as_bytes());
        t.out.put(&row.time);
        t.blanks(time - row.time.len() + 1);
        put_name(t, plan, file);
        if let Some((target, stat)) = &file.target {
            t.out.put(b" -> ");
            let color = plan.colors.as_ref().and_then(|colors| match stat {
                Some(stat) => colors.of(target, Some(stat), None),
                None => colors.missing(),
            });
            let shown = name_text(plan, target);
            put_linked(t, plan, &file.path, &shown, color);
            t.out.buffer().extend(indicator(plan, stat.as_ref()));
        }
        t.out.put_byte(plan.end);
        drain(t, plan).await?;
    }
    Ok(())
}

pub(super) fn time_text(plan: &Plan, at: Timestamp) -> Vec<u8> {
    // Half a year of the mean length.
    const HALF_A_YEAR: i128 = 31_556_952 / 2 * 1_000_000_000;
    let age = plan.now.as_nanos() - at.as_nanos();
    let recent = (0..HALF_A_YEAR).contains(&age);
    let format: &[u8] = match (&plan.style, recent) {
        (Style::Locale, true) => b"%b %e %H:%M",
        (Style::Locale, false) => b"%b %e  %Y",
        (Style::Iso, true) => b"%m-%d %H:%M",
        (Style::Iso, false) => b"%Y-%m-%d ",
        (Style::Format(format), _) => {
            // Two lines: for old files, and for recent ones.
            let mut lines = format.splitn(2, |byte| *byte == b'\n');
            let first = lines.next().unwrap_or_default();
            let second = lines.next().unwrap_or(first);
            if recent { second } else { first }
        }
    };
    let mut text = Vec::new();
    match Moment::new(at, &plan.zone) {
        Some(moment) => moment.format(format, &mut text),
        None => text.extend_from_slice(at.seconds.to_string().as_bytes()),
    }
    text
}
