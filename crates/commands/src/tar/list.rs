//! How members are shown: `-t`, `-v`, `-R`.

use bstr::ByteSlice;
use unicode_width::UnicodeWidthChar;
use wasmsh_os::Timestamp;

use super::header::{Kind, Member};
use crate::Tool;
use crate::mode::permissions_of;
use crate::pad;
use crate::time::{Moment, zone};

/// The columns of a long listing, which grow with what they hold.
pub(super) struct Columns {
    width: usize,
    pub(super) numeric: bool,
    pub(super) full_time: bool,
    pub(super) utc: bool,
    /// Names are shown as they are.
    pub(super) literal: bool,
}

impl Columns {
    pub(super) fn new() -> Columns {
        Columns { width: 19, numeric: false, full_time: false, utc: false, literal: false }
    }

    /// A name as it is shown.
    pub(super) fn name(&self, name: &[u8], utf8: bool) -> Vec<u8> {
        if self.literal { name.to_vec() } else { escape(name, utf8).into_bytes() }
    }

    /// The line of `-tv`, without its newline.
    pub(super) fn line(&mut self, t: &Tool, member: &Member, name: &[u8], link: &[u8]) -> Vec<u8> {
        let kind = match member.kind {
            Kind::Regular => '-',
            Kind::HardLink => 'h',
            Kind::SymbolicLink => 'l',
            Kind::CharacterDevice => 'c',
            Kind::BlockDevice => 'b',
            Kind::Directory => 'd',
            Kind::Fifo => 'p',
            Kind::Label => 'V',
        };
        let mode = if member.kind == Kind::Label { 0 } else { member.mode };
        let owner = |text: &[u8], number: u64| {
            if self.numeric || text.is_empty() { number.to_string() } else { text.as_bstr().to_string() }
        };
        let user = owner(&member.user, member.uid);
        let group = owner(&member.group, member.gid);
        let size = match member.kind {
            Kind::CharacterDevice | Kind::BlockDevice => format!("{},{}", member.device.0, member.device.1),
            _ => member.size.to_string(),
        };
        let used = user.len() + 1 + group.len() + 1 + size.len();
        self.width = self.width.max(used);
        let width = self.width - used + size.len();
        let mut line = format!("{kind}{} {user}/{group} {} ", permissions_of(mode), pad::right(size, width))
            .into_bytes();
        let format: &[u8] = if self.full_time { b"%Y-%m-%d %H:%M:%S" } else { b"%Y-%m-%d %H:%M" };
        let zone = if self.utc { jiff::tz::TimeZone::UTC } else { zone(&t.ctx) };
        match Moment::new(member.modified, &zone) {
            Some(moment) => moment.format(format, &mut line),
            None => line.extend_from_slice(member.modified.seconds.to_string().as_bytes()),
        }
        if self.full_time && member.modified.nanoseconds != 0 {
            line.extend_from_slice(fraction(member.modified).as_bytes());
        }
        line.push(b' ');
        line.extend_from_slice(&self.name(name, t.utf8));
        match member.kind {
            Kind::SymbolicLink => {
                line.extend_from_slice(b" -> ");
                line.extend_from_slice(&self.name(link, t.utf8));
            }
            Kind::HardLink => {
                line.extend_from_slice(b" link to ");
                line.extend_from_slice(&self.name(link, t.utf8));
            }
            Kind::Label => line.extend_from_slice(b"--Volume Header--"),
            _ => {}
        }
        line
    }
}

fn fraction(time: Timestamp) -> String {
    let digits = format!("{:09}", time.nanoseconds);
    format!(".{}", digits.trim_end_matches('0'))
}

/// A name on one line: what cannot be printed as in C.
pub(super) fn escape(name: &[u8], utf8: bool) -> String {
    let mut text = String::new();
    for (start, end, character) in name.char_indices() {
        let bytes = name.get(start..end).unwrap_or_default();
        let valid = std::str::from_utf8(bytes).is_ok();
        match character {
            '\\' => text.push_str("\\\\"),
            '\x07' => text.push_str("\\a"),
            '\x08' => text.push_str("\\b"),
            '\x0c' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\x0b' => text.push_str("\\v"),
            _ if valid
                && (character.is_ascii() || utf8)
                && !character.is_control()
                && character.width().is_some() =>
            {
                text.push(character);
            }
            _ => {
                for byte in bytes {
                    text.push_str(&format!("\\{byte:03o}"));
                }
            }
        }
    }
    text
}
