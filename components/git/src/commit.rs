//! Commits: read, and printed in git's formats.

use std::collections::HashMap;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::objs::Kind;

use crate::error::{Result, fatal};
use crate::ident::{DateStyle, Person};
use crate::session::Session;

/// A commit's parts.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its name.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents.
    pub parents: Vec<ObjectId>,
    /// Who wrote it.
    pub author: Person,
    /// Who put it in.
    pub committer: Person,
    /// Its message, as it is.
    pub message: BString,
    /// The bytes of the object.
    pub data: Vec<u8>,
}

impl Commit {
    /// Reads one.
    pub fn read(session: &Session<'_>, id: ObjectId) -> Result<Commit> {
        let (kind, data) = session.read(id)?;
        if kind != Kind::Commit {
            return Err(fatal!("object {id} is a {kind}, not a commit"));
        }
        let null = ObjectId::null(session.repo.object_hash());
        let nobody = Person::parse(b"".as_bstr());
        let mut commit = Commit {
            id,
            tree: null,
            parents: Vec::new(),
            author: nobody.clone(),
            committer: nobody,
            message: BString::default(),
            data: Vec::new(),
        };
        let head = data.find(b"\n\n").map_or(data.len(), |at| at + 1);
        for line in data[..head].lines() {
            let Some((key, value)) = line.split_once_str(b" ") else { continue };
            let id = || ObjectId::from_hex(value).map_err(|_| fatal!("corrupt commit {id}"));
            match key {
                b"tree" => commit.tree = id()?,
                b"parent" => commit.parents.push(id()?),
                b"author" => commit.author = Person::parse(value.as_bstr()),
                b"committer" => commit.committer = Person::parse(value.as_bstr()),
                _ => {}
            }
        }
        commit.message = data.get(head + 1..).unwrap_or_default().into();
        commit.data = data;
        Ok(commit)
    }

    /// The first paragraph in one line.
    pub fn subject(&self) -> BString {
        subject(self.message.as_bstr())
    }

    /// What follows the first paragraph.
    pub fn body(&self) -> BString {
        let message = skip_blank(self.message.as_bstr());
        let mut rest = message;
        while let Some((line, after)) = next_line(rest) {
            if is_blank(line) {
                break;
            }
            rest = after;
        }
        skip_blank(rest).to_owned()
    }
}

fn next_line(text: &BStr) -> Option<(&BStr, &BStr)> {
    if text.is_empty() {
        return None;
    }
    let end = text.find_byte(b'\n').map_or(text.len(), |at| at + 1);
    Some((text[..end].as_bstr(), text[end..].as_bstr()))
}

fn is_blank(line: &BStr) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn skip_blank(mut text: &BStr) -> &BStr {
    while let Some((line, rest)) = next_line(text) {
        if !is_blank(line) {
            break;
        }
        text = rest;
    }
    text
}

/// The first paragraph of a message in one line.
pub fn subject(message: &BStr) -> BString {
    let mut rest = skip_blank(message);
    let mut subject = BString::default();
    while let Some((line, after)) = next_line(rest) {
        if is_blank(line) {
            break;
        }
        if !subject.is_empty() {
            subject.push_byte(b' ');
        }
        subject.push_str(line.trim_end());
        rest = after;
    }
    subject
}

/// Which names point to which commits.
#[derive(Default)]
pub struct Decorations {
    names: HashMap<ObjectId, Vec<BString>>,
}

impl Decorations {
    /// Reads all references.
    pub fn new(session: &Session<'_>, full: bool) -> Result<Decorations> {
        let mut found = Decorations::default();
        let head = session.head();
        let head_ref = session.head_ref();
        let references = session.repo.references().map_err(crate::error::library)?;
        for reference in references.all().map_err(crate::error::library)? {
            let Ok(mut reference) = reference else { continue };
            let name = reference.name().as_bstr().to_owned();
            let shown: BString = if full {
                name.clone()
            } else if let Some(short) =
                name.strip_prefix(b"refs/heads/").or_else(|| name.strip_prefix(b"refs/remotes/"))
            {
                short.into()
            } else if let Some(short) = name.strip_prefix(b"refs/tags/") {
                short.into()
            } else if name == "refs/stash" {
                name.clone()
            } else {
                continue;
            };
            let Ok(id) = reference.peel_to_id() else { continue };
            let text: BString =
                if name.starts_with(b"refs/tags/") { format!("tag: {shown}").into() } else { shown };
            let list = found.names.entry(id.detach()).or_default();
            if Some(&name) == head_ref.as_ref() {
                list.push(format!("HEAD -> {text}").into());
            } else {
                list.push(text);
            }
        }
        if let Some(head) = head {
            let list = found.names.entry(head).or_default();
            match list.iter().position(|name| name.starts_with(b"HEAD -> ")) {
                Some(at) => {
                    let name = list.remove(at);
                    list.push(name);
                }
                None => list.push("HEAD".into()),
            }
        }
        Ok(found)
    }

    /// The names of a commit, joined.
    pub fn of(&self, id: ObjectId) -> Option<BString> {
        let list = self.names.get(&id).filter(|list| !list.is_empty())?;
        let names: Vec<&BString> = list.iter().rev().collect();
        Some(gix::bstr::join(", ", names).into())
    }
}

/// How a commit is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// One line.
    Oneline,
    /// Author and subject.
    Short,
    /// The usual one.
    Medium,
    /// With the committer.
    Full,
    /// With both dates.
    Fuller,
    /// To refer to it.
    Reference,
    /// As the object is.
    Raw,
    /// Placeholders; whether each is ended by a newline rather than apart by it.
    Custom(BString, bool),
}

impl Format {
    /// Reads the value of `--pretty` or `--format`.
    pub fn parse(session: &Session<'_>, text: &BStr) -> Result<Format> {
        Ok(match text.as_bytes() {
            b"oneline" => Format::Oneline,
            b"short" => Format::Short,
            b"medium" => Format::Medium,
            b"full" => Format::Full,
            b"fuller" => Format::Fuller,
            b"reference" => Format::Reference,
            b"raw" => Format::Raw,
            other => {
                if let Some(format) = other.strip_prefix(b"format:") {
                    Format::Custom(format.into(), false)
                } else if let Some(format) = other.strip_prefix(b"tformat:") {
                    Format::Custom(format.into(), true)
                } else if other.contains(&b'%') || other.is_empty() {
                    Format::Custom(text.to_owned(), true)
                } else if let Some(named) = session.config(&format!("pretty.{text}")) {
                    if named == text {
                        return Err(fatal!("invalid --pretty format: {text}"));
                    }
                    return Format::parse(session, named.as_bstr());
                } else {
                    return Err(fatal!("invalid --pretty format: {text}"));
                }
            }
        })
    }
}

/// An entry of a reference's log, for `%gd` and its like.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// `HEAD@{0}`.
    pub name: BString,
    /// What was done.
    pub message: BString,
    /// Who did it.
    pub who: Person,
}

/// Prints commits.
pub struct Printer<'s> {
    session: &'s Session<'s>,
    /// The format.
    pub format: Format,
    /// Dates.
    pub date: DateStyle,
    /// Whether names are shortened.
    pub short: bool,
    /// Digits of shortened names.
    pub abbrev: Option<usize>,
    /// Which names are shown, where they are.
    pub decorate: Option<Decorations>,
    /// All names, once a placeholder wants them.
    names: std::cell::OnceCell<Decorations>,
    /// Whether parents are shown.
    pub parents: bool,
}

impl<'s> Printer<'s> {
    /// One for a format.
    pub fn new(session: &'s Session<'s>, format: Format) -> Printer<'s> {
        Printer {
            session,
            format,
            date: DateStyle::Default,
            short: false,
            abbrev: None,
            decorate: None,
            names: std::cell::OnceCell::new(),
            parents: false,
        }
    }

    fn shorten(&self, id: ObjectId) -> String {
        match self.abbrev {
            Some(digits) => self.session.short_at_least(id, digits),
            None => self.session.short(id),
        }
    }

    fn name(&self, id: ObjectId) -> String {
        if self.short { self.shorten(id) } else { id.to_string() }
    }

    fn decoration(&self, id: ObjectId) -> String {
        match self.decorate.as_ref().and_then(|all| all.of(id)) {
            Some(names) => format!(" ({names})"),
            None => String::new(),
        }
    }

    /// The text for one commit; it ends with a newline unless it is a custom one.
    pub fn text(&self, commit: &Commit, entry: Option<&LogEntry>, mark: &str) -> BString {
        let mut out = BString::default();
        let mut names = format!("{mark}{}", self.name(commit.id));
        if self.parents {
            for parent in &commit.parents {
                names.push_str(&format!(" {}", self.name(*parent)));
            }
        }
        let date = |person: &Person| self.date.show(person.time);
        match &self.format {
            Format::Oneline => {
                out.push_str(format!("{names}{} ", self.decoration(commit.id)));
                match entry {
                    Some(entry) => out.push_str(format!("{}: {}", entry.name, entry.message)),
                    None => out.push_str(commit.subject()),
                }
                out.push_byte(b'\n');
                return out;
            }
            Format::Custom(pattern, _) => return self.expand(pattern.as_bstr(), commit, entry, mark),
            Format::Reference => {
                let day = if self.date == DateStyle::Default {
                    DateStyle::Short.show(commit.author.time)
                } else {
                    date(&commit.author)
                };
                out.push_str(format!("{mark}{} ({}, {day})\n", self.shorten(commit.id), commit.subject()));
                return out;
            }
            _ => {}
        }
        out.push_str(format!("commit {names}{}\n", self.decoration(commit.id)));
        if self.format == Format::Raw {
            let head = commit.data.find(b"\n\n").map_or(commit.data.len(), |at| at + 1);
            out.push_str(&commit.data[..head]);
        } else {
            if let Some(entry) = entry {
                out.push_str(format!(
                    "Reflog: {} ({})\nReflog message: {}\n",
                    entry.name,
                    entry.who.who(),
                    entry.message
                ));
            }
            if commit.parents.len() > 1 {
                let parents: Vec<String> = commit.parents.iter().map(|id| self.shorten(*id)).collect();
                out.push_str(format!("Merge: {}\n", parents.join(" ")));
            }
            let (author, committer) = (&commit.author, &commit.committer);
            match self.format {
                Format::Full => {
                    out.push_str(format!("Author: {}\nCommit: {}\n", author.who(), committer.who()))
                }
                Format::Fuller => out.push_str(format!(
                    "Author:     {}\nAuthorDate: {}\nCommit:     {}\nCommitDate: {}\n",
                    author.who(),
                    date(author),
                    committer.who(),
                    date(committer)
                )),
                Format::Medium => {
                    out.push_str(format!("Author: {}\nDate:   {}\n", author.who(), date(author)))
                }
                _ => out.push_str(format!("Author: {}\n", author.who())),
            }
        }
        let message: BString =
            if self.format == Format::Short { commit.subject() } else { commit.message.clone() };
        out.push_byte(b'\n');
        let message = skip_blank(message.as_bstr()).trim_end();
        for line in message.lines() {
            let line = line.trim_end();
            out.push_str("    ");
            if matches!(self.format, Format::Medium | Format::Full | Format::Fuller) && line.contains(&b'\t')
            {
                let mut column = 0;
                for letter in line.chars() {
                    if letter == '\t' {
                        let gap = 8 - column % 8;
                        out.push_str(" ".repeat(gap));
                        column += gap;
                    } else {
                        out.push_char(letter);
                        column += 1;
                    }
                }
            } else {
                out.push_str(line);
            }
            out.push_byte(b'\n');
        }
        if message.is_empty() {
            // No message, no blank line before it.
            out.pop();
        }
        out
    }

    fn all_names(&self) -> &Decorations {
        self.names.get_or_init(|| Decorations::new(self.session, false).unwrap_or_default())
    }

    fn expand(&self, pattern: &BStr, commit: &Commit, entry: Option<&LogEntry>, mark: &str) -> BString {
        let mut out = BString::default();
        let mut rest: &[u8] = pattern;
        let mut padding: Option<Padding> = None;
        while let Some(at) = rest.find_byte(b'%') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some((found, length)) = Padding::parse(rest) {
                padding = Some(found);
                rest = &rest[length..];
                continue;
            }
            let (sign, skip) = match rest.first() {
                Some(sign @ (b'+' | b'-' | b' ')) => (Some(*sign), 1),
                _ => (None, 0),
            };
            let Some((value, length)) = self.placeholder(&rest[skip..], commit, entry, mark) else {
                out.push_byte(b'%');
                continue;
            };
            rest = &rest[skip + length..];
            match sign {
                Some(b'+') if !value.is_empty() => out.push_byte(b'\n'),
                Some(b' ') if !value.is_empty() => out.push_byte(b' '),
                Some(b'-') if value.is_empty() => {
                    while out.last() == Some(&b'\n') {
                        out.pop();
                    }
                }
                _ => {}
            }
            match padding.take() {
                Some(padding) => padding.apply(&mut out, value.as_bstr()),
                None => out.push_str(&value),
            }
        }
        out.push_str(rest);
        out
    }

    fn placeholder(
        &self,
        text: &[u8],
        commit: &Commit,
        entry: Option<&LogEntry>,
        mark: &str,
    ) -> Option<(BString, usize)> {
        let first = *text.first()?;
        let second = text.get(1).copied();
        let plain = |value: BString| Some((value, 1));
        match first {
            b'H' => plain(commit.id.to_string().into()),
            b'h' => plain(self.shorten(commit.id).into()),
            b'T' => plain(commit.tree.to_string().into()),
            b't' => plain(self.shorten(commit.tree).into()),
            b'P' => {
                plain(commit.parents.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").into())
            }
            b'p' => {
                plain(commit.parents.iter().map(|id| self.shorten(*id)).collect::<Vec<_>>().join(" ").into())
            }
            b's' => plain(commit.subject()),
            b'b' => plain(commit.body()),
            b'B' => plain(skip_blank(commit.message.as_bstr()).to_owned()),
            b'f' => plain(file_name(commit.subject().as_bstr())),
            b'n' => plain("\n".into()),
            b'%' => plain("%".into()),
            b'e' | b'N' => plain(BString::default()),
            b'm' => plain(if mark.trim().is_empty() { ">" } else { mark.trim() }.into()),
            b'S' => plain(BString::default()),
            b'd' => plain(
                self.all_names().of(commit.id).map(|names| format!(" ({names})").into()).unwrap_or_default(),
            ),
            b'D' => plain(self.all_names().of(commit.id).unwrap_or_default()),
            b'x' => {
                let digits = text.get(1..3)?.to_str().ok()?;
                Some((vec![u8::from_str_radix(digits, 16).ok()?].into(), 3))
            }
            b'C' => {
                // Colours are for terminals.
                if second == Some(b'(') {
                    return Some((BString::default(), text.find_byte(b')')? + 1));
                }
                let names = ["reset", "red", "green", "blue"];
                let found = names.iter().find(|name| text[1..].starts_with(name.as_bytes()))?;
                Some((BString::default(), found.len() + 1))
            }
            b'w' if second == Some(b'(') => Some((BString::default(), text.find_byte(b')')? + 1)),
            b'g' => {
                let value = |get: &dyn Fn(&LogEntry) -> BString| entry.map(get).unwrap_or_default();
                Some((
                    match second? {
                        b'd' | b'D' => value(&|entry| entry.name.clone()),
                        b's' => value(&|entry| entry.message.clone()),
                        b'n' | b'N' => value(&|entry| entry.who.name.clone()),
                        b'e' | b'E' => value(&|entry| entry.who.email.clone()),
                        _ => return None,
                    },
                    2,
                ))
            }
            b'G' => Some((if second? == b'?' { "N".into() } else { BString::default() }, 2)),
            b'a' | b'c' => {
                let person = if first == b'a' { &commit.author } else { &commit.committer };
                let date = |style: DateStyle| BString::from(style.show(person.time));
                Some((
                    match second? {
                        b'n' | b'N' => person.name.clone(),
                        b'e' | b'E' => person.email.clone(),
                        b'l' | b'L' => person.email.split_str(b"@").next().unwrap_or_default().into(),
                        b'd' => date(self.date.clone()),
                        b'D' => date(DateStyle::Rfc),
                        b'r' => date(DateStyle::Relative),
                        b't' => person.time.seconds.to_string().into(),
                        b'i' => date(DateStyle::Iso),
                        b'I' => date(DateStyle::IsoStrict),
                        b's' => date(DateStyle::Short),
                        b'h' => date(DateStyle::Short),
                        _ => return None,
                    },
                    2,
                ))
            }
            b'(' => {
                let end = text.find_byte(b')')?;
                let word = &text[1..end];
                if word.starts_with(b"trailers") {
                    return Some((trailers(commit.message.as_bstr()), end + 1));
                }
                if word.starts_with(b"decorate") {
                    let names = self.all_names().of(commit.id);
                    return Some((
                        names.map(|names| format!(" ({names})").into()).unwrap_or_default(),
                        end + 1,
                    ));
                }
                None
            }
            _ => None,
        }
    }
}

/// The last paragraph, where it consists of `Key: value` lines.
fn trailers(message: &BStr) -> BString {
    let trimmed = message.trim_end();
    let Some(at) = trimmed.rfind(b"\n\n") else { return BString::default() };
    let last = &trimmed[at + 2..];
    let is_trailer = |line: &[u8]| {
        line.find(b": ").is_some_and(|at| {
            at > 0 && line[..at].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        }) || line.starts_with(b" ")
    };
    if last.lines().all(is_trailer) {
        let mut text = BString::from(last);
        text.push_byte(b'\n');
        text
    } else {
        BString::default()
    }
}

fn file_name(subject: &BStr) -> BString {
    let mut name = BString::default();
    let mut gap = false;
    for &byte in subject.iter() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' {
            if gap && !name.is_empty() {
                name.push_byte(b'-');
            }
            gap = false;
            if !(byte == b'.' && name.last() == Some(&b'.')) {
                name.push_byte(byte);
            }
        } else {
            gap = true;
        }
    }
    while matches!(name.last(), Some(b'.' | b'-')) {
        name.pop();
    }
    name
}

struct Padding {
    side: u8,
    width: usize,
    cut: Option<BString>,
    column: bool,
}

impl Padding {
    fn parse(text: &[u8]) -> Option<(Padding, usize)> {
        let mut at = 0;
        let side = match text {
            [b'>', b'<', ..] => {
                at += 2;
                b'='
            }
            [b'>', b'>', ..] => {
                at += 2;
                b'}'
            }
            [b'<', ..] => {
                at += 1;
                b'<'
            }
            [b'>', ..] => {
                at += 1;
                b'>'
            }
            _ => return None,
        };
        let column = text.get(at) == Some(&b'|');
        at += usize::from(column);
        if text.get(at) != Some(&b'(') {
            return None;
        }
        let end = at + text[at..].find_byte(b')')?;
        let inner = text[at + 1..end].to_str().ok()?;
        let (width, cut) = match inner.split_once(',') {
            Some((width, cut)) => (width, Some(BString::from(cut.trim()))),
            None => (inner, None),
        };
        Some((Padding { side, width: width.trim().parse().ok()?, cut, column }, end + 1))
    }

    fn apply(&self, out: &mut BString, value: &BStr) {
        let mut width = self.width;
        if self.column {
            let line = out.rfind_byte(b'\n').map_or(0, |at| at + 1);
            width = width.saturating_sub(out[line..].chars().count());
        }
        let letters: Vec<char> = value.chars().collect();
        if letters.len() > width {
            let keep = width.saturating_sub(2);
            let text: String = match self.cut.as_ref().map(|cut| cut.as_slice()) {
                Some(b"trunc") => letters.iter().take(keep).collect::<String>() + "..",
                Some(b"ltrunc") => {
                    "..".to_owned() + &letters[letters.len() - keep..].iter().collect::<String>()
                }
                Some(b"mtrunc") => {
                    let half = keep / 2;
                    letters.iter().take(half).collect::<String>()
                        + ".."
                        + &letters[letters.len() - (keep - half)..].iter().collect::<String>()
                }
                _ => {
                    out.push_str(value);
                    return;
                }
            };
            out.push_str(text);
            return;
        }
        let gap = width - letters.len();
        let before = match self.side {
            b'<' => 0,
            b'=' => gap / 2,
            _ => gap,
        };
        out.push_str(" ".repeat(before));
        out.push_str(value);
        out.push_str(" ".repeat(gap - before));
    }
}

/// The bytes of a commit object.
pub fn encode(
    tree: ObjectId,
    parents: &[ObjectId],
    author: &Person,
    committer: &Person,
    message: &BStr,
) -> Vec<u8> {
    let mut data = format!("tree {tree}\n").into_bytes();
    for parent in parents {
        data.extend_from_slice(format!("parent {parent}\n").as_bytes());
    }
    for (key, person) in [("author", author), ("committer", committer)] {
        data.extend_from_slice(key.as_bytes());
        data.push(b' ');
        data.extend_from_slice(&person.line());
        data.push(b'\n');
    }
    data.push(b'\n');
    data.extend_from_slice(message);
    data
}
