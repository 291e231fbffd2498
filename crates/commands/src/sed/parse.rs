//! Reads scripts. Messages and the positions they tell are those of GNU sed.

use std::collections::BTreeMap;

use bstr::{BString, ByteSlice};
use wasmsh_regex::{Regex, Syntax};

use super::script::{Action, Address, Command, End, Part, RegexId, Script, Substitution, Translation};
use super::text;
use crate::Fail;

/// How scripts are read.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    pub(super) extended: bool,
    pub(super) posix: bool,
    /// `--sandbox`
    pub(super) sandbox: bool,
    pub(super) utf8: bool,
    /// What ends lines.
    pub(super) delimiter: u8,
}

/// Where a part of the script comes from.
pub(super) enum Origin {
    /// The nth `-e`.
    Expression(usize),
    File(BString),
}

/// Reads the parts of a script one after the other.
pub(super) struct Parser {
    dialect: Dialect,
    script: Script,
    /// Commands that open blocks.
    blocks: Vec<usize>,
    labels: BTreeMap<Vec<u8>, usize>,
    /// Branches, with the labels they want.
    branches: Vec<(usize, Vec<u8>)>,
    /// An `a`, `i` or `c` whose text is to come with the next part.
    pending: Option<(usize, Vec<u8>)>,
    /// Patterns with their syntax, for the prefilter.
    patterns: Vec<(Vec<u8>, Syntax)>,
    first_part: bool,
    last_expression: usize,
    origin: Origin,
    source: Vec<u8>,
    at: usize,
    line: usize,
}

type Parsed<T> = Result<T, Fail>;

impl Parser {
    pub(super) fn new(dialect: Dialect) -> Parser {
        Parser {
            dialect,
            script: Script::default(),
            blocks: Vec::new(),
            labels: BTreeMap::new(),
            branches: Vec::new(),
            pending: None,
            patterns: Vec::new(),
            first_part: true,
            last_expression: 0,
            origin: Origin::Expression(0),
            source: Vec::new(),
            at: 0,
            line: 1,
        }
    }

    fn bad<T>(&self, message: impl AsRef<str>) -> Parsed<T> {
        self.bad_at(self.at, message)
    }

    fn bad_at<T>(&self, at: usize, message: impl AsRef<str>) -> Parsed<T> {
        let message = message.as_ref();
        Err(Fail::Message(
            match &self.origin {
                Origin::Expression(number) => format!("-e expression #{number}, char {at}: {message}"),
                Origin::File(name) => format!("file {name} line {}: {message}", self.line),
            },
            1,
        ))
    }

    fn get(&mut self) -> Option<u8> {
        let byte = self.source.get(self.at).copied()?;
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
        }
        Some(byte)
    }

    /// Takes back what `get` has returned.
    fn unget(&mut self, byte: Option<u8>) {
        if let Some(byte) = byte {
            self.at -= 1;
            if byte == b'\n' {
                self.line -= 1;
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn get_nonblank(&mut self) -> Option<u8> {
        loop {
            let byte = self.get();
            if !matches!(byte, Some(b' ' | b'\t')) {
                return byte;
            }
        }
    }

    fn integer(&mut self, first: u8) -> u64 {
        let mut value = u64::from(first - b'0');
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        value
    }

    /// The number that must follow, or 0.
    fn next_integer(&mut self) -> u64 {
        match self.get_nonblank() {
            Some(digit @ b'0'..=b'9') => self.integer(digit),
            other => {
                self.unget(other);
                0
            }
        }
    }

    /// Reads one part.
    pub(super) fn part(&mut self, origin: Origin, source: Vec<u8>) -> Parsed<()> {
        if let Origin::Expression(number) = origin {
            self.last_expression = number;
        }
        self.origin = origin;
        self.source = source;
        self.at = 0;
        self.line = 1;
        if let Some((command, mut raw)) = self.pending.take() {
            let complete = self.text_lines(&mut raw);
            self.set_text(command, raw, complete);
        }
        let result = self.commands();
        self.first_part = false;
        result
    }

    fn commands(&mut self) -> Parsed<()> {
        loop {
            let mut byte = self.get();
            while byte.is_some_and(|byte| byte == b';' || byte.is_ascii_whitespace()) {
                byte = self.get();
            }
            if byte.is_none() {
                return Ok(());
            }
            self.command(byte)?;
        }
    }

    fn command(&mut self, mut byte: Option<u8>) -> Parsed<()> {
        let mut from = None;
        let mut to = None;
        if let Some(start) = self.address(byte)? {
            let start = match start {
                Place::Start(address) => address,
                Place::End(_) => return self.bad("invalid usage of +N or ~N as first address"),
            };
            byte = self.get_nonblank();
            if byte == Some(b',') {
                let next = self.get_nonblank();
                to = match self.address(next)? {
                    None => return self.bad("unexpected `,'"),
                    Some(Place::End(end)) => Some(end),
                    Some(Place::Start(address)) => Some(match address {
                        Address::Line(number) => End::Line(number),
                        Address::Step { first, .. } => End::Line(first),
                        Address::Zero => End::Line(0),
                        Address::Last => End::Last,
                        Address::Regex(regex) => End::Regex(regex),
                    }),
                };
                byte = self.get_nonblank();
            }
            if matches!(start, Address::Zero) && (self.dialect.posix || !matches!(to, Some(End::Regex(_)))) {
                return self.bad("invalid usage of line address 0");
            }
            from = Some(start);
        }
        let mut negated = false;
        if byte == Some(b'!') {
            negated = true;
            byte = self.get_nonblank();
            if byte == Some(b'!') {
                return self.bad("multiple `!'s");
            }
        }
        let Some(letter) = byte else { return self.bad("missing command") };
        let index = self.script.commands.len();
        let action = match letter {
            b'#' => {
                if from.is_some() {
                    return self.bad("comments don't accept any addresses");
                }
                return self.comment();
            }
            b':' => {
                if from.is_some() {
                    return self.bad(": doesn't want any addresses");
                }
                let label = self.label();
                if label.is_empty() {
                    return self.bad("\":\" lacks a label");
                }
                self.labels.insert(label, index);
                return Ok(());
            }
            b'v' => return self.version(),
            b'{' => {
                self.blocks.push(index);
                Action::Block(0)
            }
            b'}' => {
                let Some(open) = self.blocks.pop() else { return self.bad("unexpected `}'") };
                if from.is_some() {
                    return self.bad("`}' doesn't want any addresses");
                }
                self.end_of_command()?;
                if let Some(command) = self.script.commands.get_mut(open) {
                    command.action = Action::Block(index);
                }
                return Ok(());
            }
            b'a' | b'i' | b'c' => {
                let empty = match letter {
                    b'a' => Action::Append(Vec::new()),
                    b'i' => Action::Insert(Vec::new()),
                    _ => Action::Change(Vec::new()),
                };
                self.script.commands.push(Command { from, to, negated, action: empty });
                return self.text(index);
            }
            b'b' | b't' | b'T' => {
                let label = self.branch_label();
                self.branches.push((index, label));
                match letter {
                    b'b' => Action::Branch(0),
                    b't' => Action::BranchIf(0),
                    _ => Action::BranchUnless(0),
                }
            }
            b'd' | b'D' | b'F' | b'g' | b'G' | b'h' | b'H' | b'n' | b'N' | b'p' | b'P' | b'x' | b'z'
            | b'=' => {
                self.end_of_command()?;
                match letter {
                    b'd' => Action::Delete,
                    b'D' => Action::DeleteFirst,
                    b'F' => Action::FileName,
                    b'g' => Action::Get,
                    b'G' => Action::GetAppend,
                    b'h' => Action::Hold,
                    b'H' => Action::HoldAppend,
                    b'n' => Action::Next,
                    b'N' => Action::NextAppend,
                    b'p' => Action::Print,
                    b'P' => Action::PrintFirst,
                    b'x' => Action::Exchange,
                    b'z' => Action::Zap,
                    _ => Action::LineNumber,
                }
            }
            b'e' if self.dialect.sandbox => return self.bad("e/r/w commands disabled in sandbox mode"),
            b'e' => return self.bad("the `e' command is not supported"),
            b'l' | b'L' | b'q' | b'Q' => {
                if letter == b'L' {
                    return self.bad("unknown command: `L'");
                }
                if letter != b'l' && to.is_some() {
                    return self.bad("command only uses one address");
                }
                let number = match self.get_nonblank() {
                    Some(digit @ b'0'..=b'9') => Some(self.integer(digit)),
                    other => {
                        self.unget(other);
                        None
                    }
                };
                self.end_of_command()?;
                match letter {
                    b'l' => Action::List(number.map(|width| usize::try_from(width).unwrap_or(0))),
                    // As `exit(3)`: the low byte.
                    b'q' => Action::Quit(number.unwrap_or(0) as u8),
                    _ => Action::QuitSilently(number.unwrap_or(0) as u8),
                }
            }
            b'r' => Action::ReadFile(self.file_name()?),
            b'R' => {
                let name = self.file_name()?;
                Action::ReadLine(place(&mut self.script.inputs, name))
            }
            b'w' | b'W' => {
                let name = self.file_name()?;
                let output = place(&mut self.script.outputs, name);
                if letter == b'w' { Action::Write(output) } else { Action::WriteFirst(output) }
            }
            b's' => Action::Substitute(Box::new(self.substitution()?)),
            b'y' => Action::Translate(Box::new(self.translation()?)),
            _ => return self.bad(format!("unknown command: `{}'", [letter].as_bstr())),
        };
        self.script.commands.push(Command { from, to, negated, action });
        Ok(())
    }

    fn comment(&mut self) -> Parsed<()> {
        if self.first_part && self.at == 1 && self.source.starts_with(b"#n") {
            let third = self.source.get(2);
            // In an argument GNU sed does not look at what follows.
            if matches!(self.origin, Origin::Expression(_)) || third.is_none() || third == Some(&b'\n') {
                self.script.quiet = true;
            }
        }
        while self.get().is_some_and(|byte| byte != b'\n') {}
        Ok(())
    }

    /// `v`: the version that the script needs.
    fn version(&mut self) -> Parsed<()> {
        let wanted = self.branch_label();
        if text::is_newer(&wanted, b"4.9") { self.bad("expected newer version of sed") } else { Ok(()) }
    }

    fn end_of_command(&mut self) -> Parsed<()> {
        match self.get_nonblank() {
            close @ Some(b'}' | b'#') => {
                self.unget(close);
                Ok(())
            }
            None | Some(b'\n' | b';') => Ok(()),
            Some(b'\r') if matches!(self.peek(), None | Some(b'\n')) => Ok(()),
            _ => self.bad("extra characters after command"),
        }
    }

    fn label(&mut self) -> Vec<u8> {
        let first = self.get_nonblank();
        self.unget(first);
        let mut label = Vec::new();
        while let Some(byte) = self.peek() {
            if byte.is_ascii_whitespace() || byte == b';' || byte == b'}' {
                break;
            }
            label.push(byte);
            self.at += 1;
        }
        label
    }

    fn branch_label(&mut self) -> Vec<u8> {
        self.label()
    }

    fn file_name(&mut self) -> Parsed<Vec<u8>> {
        if self.dialect.sandbox {
            return self.bad("e/r/w commands disabled in sandbox mode");
        }
        let first = self.get_nonblank();
        self.unget(first);
        let mut name = Vec::new();
        while let Some(byte) = self.get() {
            if byte == b'\n' {
                break;
            }
            name.push(byte);
        }
        if name.is_empty() { self.bad("missing filename in r/R/w/W commands") } else { Ok(name) }
    }

    /// The text of `a`, `i` or `c`, the command with this index.
    fn text(&mut self, command: usize) -> Parsed<()> {
        let Some(first) = self.get_nonblank() else {
            return self.bad("expected \\ after `a', `c' or `i'");
        };
        let mut raw = Vec::new();
        if first == b'\\' {
            let start = self.at;
            let next = self.get_nonblank();
            match next {
                None => {
                    self.pending = Some((command, raw));
                    return Ok(());
                }
                Some(b'\n') => {}
                // The blanks after the backslash are part of the text.
                Some(_) => self.at = start,
            }
        } else {
            if self.dialect.posix {
                return self.bad("expected \\ after `a', `c' or `i'");
            }
            self.unget(Some(first));
        }
        let complete = self.text_lines(&mut raw);
        self.set_text(command, raw, complete);
        Ok(())
    }

    /// Reads up to a newline that no backslash precedes. False: the part ended in a backslash.
    fn text_lines(&mut self, raw: &mut Vec<u8>) -> bool {
        while let Some(byte) = self.get() {
            match byte {
                b'\n' => return true,
                b'\\' => match self.get() {
                    None => {
                        raw.push(b'\n');
                        return false;
                    }
                    Some(b'\n') => raw.push(b'\n'),
                    Some(other) => raw.extend([b'\\', other]),
                },
                _ => raw.push(byte),
            }
        }
        true
    }

    fn set_text(&mut self, index: usize, raw: Vec<u8>, complete: bool) {
        if !complete {
            self.pending = Some((index, raw));
            return;
        }
        let mut text = text::text(&raw);
        text.push(b'\n');
        if let Some(command) = self.script.commands.get_mut(index)
            && let Action::Append(place) | Action::Insert(place) | Action::Change(place) = &mut command.action
        {
            *place = text;
        }
    }

    fn address(&mut self, byte: Option<u8>) -> Parsed<Option<Place>> {
        let place = match byte {
            Some(b'/' | b'\\') => {
                let delimiter = if byte == Some(b'\\') { self.get() } else { byte };
                let raw = match delimiter {
                    Some(delimiter) => self.delimited(delimiter, true),
                    None => None,
                };
                let Some(raw) = raw else { return self.bad("unterminated address regex") };
                let (mut ignore_case, mut multiline) = (false, false);
                loop {
                    match self.get_nonblank() {
                        Some(b'I') if !self.dialect.posix => ignore_case = true,
                        Some(b'M') if !self.dialect.posix => multiline = true,
                        other => {
                            self.unget(other);
                            break;
                        }
                    }
                }
                Place::Start(Address::Regex(self.regex(&raw, ignore_case, multiline)?.0))
            }
            Some(digit @ b'0'..=b'9') => {
                let first = self.integer(digit);
                let next = self.get_nonblank();
                if next == Some(b'~') && !self.dialect.posix {
                    let step = self.next_integer();
                    if step == 0 && first > 0 {
                        Place::Start(Address::Line(first))
                    } else {
                        Place::Start(Address::Step { first, step })
                    }
                } else {
                    self.unget(next);
                    Place::Start(if first == 0 { Address::Zero } else { Address::Line(first) })
                }
            }
            Some(b'+') if !self.dialect.posix => Place::End(End::Plus(self.next_integer())),
            Some(b'~') if !self.dialect.posix => Place::End(End::Multiple(self.next_integer())),
            Some(b'$') => Place::Start(Address::Last),
            _ => return Ok(None),
        };
        Ok(Some(place))
    }

    /// What stands before the next `delimiter`. An escaped delimiter is one without its backslash.
    fn delimited(&mut self, delimiter: u8, regex: bool) -> Option<Vec<u8>> {
        let mut raw = Vec::new();
        // In a bracket expression: where its first character may be `]`, and a class that is open.
        let mut bracket: Option<usize> = None;
        let mut class = None;
        loop {
            let byte = self.get();
            if regex && bracket.is_none() && byte == Some(b'[') && delimiter != b'[' {
                raw.push(b'[');
                if self.peek() == Some(b'^') {
                    self.at += 1;
                    raw.push(b'^');
                }
                bracket = Some(raw.len());
                continue;
            }
            if let (Some(first), Some(byte)) = (bracket, byte)
                && byte != b'\n'
            {
                match (class, byte) {
                    (None, b'[') if matches!(self.peek(), Some(b':' | b'.' | b'=')) => {
                        class = self.get();
                        raw.push(byte);
                        raw.extend(class);
                        continue;
                    }
                    (None, b']') if raw.len() > first => bracket = None,
                    (None, b'\\') if self.peek() == Some(b'n') => {
                        self.at += 1;
                        raw.push(b'\n');
                        continue;
                    }
                    (None, b'\\') if self.peek() == Some(delimiter) => continue,
                    (Some(kind), b']') if raw.last() == Some(&kind) => class = None,
                    _ => {}
                }
                raw.push(byte);
                continue;
            }
            match byte {
                None => return None,
                Some(b'\n') => {
                    self.unget(Some(b'\n'));
                    return None;
                }
                Some(byte) if byte == delimiter => return Some(raw),
                Some(b'\\') => match self.get() {
                    None => return None,
                    Some(b'n') if regex && delimiter != b'n' => raw.push(b'\n'),
                    Some(b'\n') => raw.extend(if regex { &b"\n"[..] } else { b"\\\n" }),
                    Some(byte) => {
                        if byte != delimiter || (!regex && byte == b'&') {
                            raw.push(b'\\');
                        }
                        raw.push(byte);
                    }
                },
                Some(byte) => raw.push(byte),
            }
        }
    }

    /// Compiles a pattern; empty: the last one that was used. With the count of its groups.
    fn regex(&mut self, raw: &[u8], ignore_case: bool, multiline: bool) -> Parsed<(RegexId, Option<u32>)> {
        if raw.is_empty() {
            if ignore_case || multiline {
                return self.bad("cannot specify modifiers on empty regexp");
            }
            return Ok((None, None));
        }
        let base = if self.dialect.extended { Syntax::EXTENDED } else { Syntax::BASIC };
        let syntax = Syntax {
            ignore_case,
            multiline,
            utf8: self.dialect.utf8,
            repeat_once: true,
            strict_operators: true,
            line_terminator: self.dialect.delimiter,
            ..base
        };
        let pattern = if self.dialect.posix { raw.to_vec() } else { text::pattern(raw) };
        match Regex::new(&pattern, &syntax) {
            Ok(regex) => {
                let groups = regex.groups();
                self.patterns.push((pattern, syntax));
                self.script.regexes.push(regex);
                Ok((Some(self.script.regexes.len() - 1), Some(groups)))
            }
            Err(error) => self.bad(error.to_string()),
        }
    }

    fn substitution(&mut self) -> Parsed<Substitution> {
        let unterminated = "unterminated `s' command";
        let Some(delimiter) = self.get() else { return self.bad(unterminated) };
        if matches!(delimiter, b'\n' | b'\\') {
            return self.bad(unterminated);
        }
        let Some(pattern) = self.delimited(delimiter, true) else { return self.bad(unterminated) };
        let Some(raw) = self.delimited(delimiter, false) else { return self.bad(unterminated) };
        let replacement = text::replacement(&raw);
        let mut found = Substitution {
            regex: None,
            has_case: replacement.iter().any(|part| matches!(part, Part::Case(_))),
            highest: replacement
                .iter()
                .map(|part| if let Part::Group(group) = part { *group } else { 0 })
                .max()
                .unwrap_or(0),
            replacement,
            global: false,
            print: false,
            number: 0,
            output: None,
        };
        let (mut ignore_case, mut multiline) = (false, false);
        loop {
            match self.get() {
                Some(b'i' | b'I') => ignore_case = true,
                Some(b'm' | b'M') if !self.dialect.posix => multiline = true,
                Some(b'e') if self.dialect.sandbox => {
                    return self.bad("e/r/w commands disabled in sandbox mode");
                }
                Some(b'e') => return self.bad("the `e' option to `s' command is not supported"),
                Some(b'p') => {
                    if std::mem::replace(&mut found.print, true) {
                        return self.bad("multiple `p' options to `s' command");
                    }
                }
                Some(b'g') => {
                    if std::mem::replace(&mut found.global, true) {
                        return self.bad("multiple `g' options to `s' command");
                    }
                }
                Some(b'w') => {
                    let name = self.file_name()?;
                    found.output = Some(place(&mut self.script.outputs, name));
                    break;
                }
                Some(digit @ b'0'..=b'9') => {
                    if found.number != 0 {
                        return self.bad("multiple number options to `s' command");
                    }
                    found.number = self.integer(digit);
                    if found.number == 0 {
                        return self.bad("number option to `s' command may not be zero");
                    }
                }
                Some(b' ' | b'\t') => {}
                close @ Some(b'}' | b'#') => {
                    self.unget(close);
                    break;
                }
                None | Some(b'\n' | b';') => break,
                Some(b'\r') if matches!(self.peek(), None | Some(b'\n')) => break,
                Some(_) => return self.bad("unknown option to `s'"),
            }
        }
        let (regex, groups) = self.regex(&pattern, ignore_case, multiline)?;
        found.regex = regex;
        if let Some(groups) = groups
            && found.highest > groups
        {
            return self.bad(format!("invalid reference \\{} on `s' command's RHS", found.highest));
        }
        found.number = found.number.max(1);
        Ok(found)
    }

    fn translation(&mut self) -> Parsed<Translation> {
        let unterminated = "unterminated `y' command";
        let Some(delimiter) = self.get() else { return self.bad(unterminated) };
        if matches!(delimiter, b'\n' | b'\\') {
            return self.bad(unterminated);
        }
        let Some(from) = self.delimited(delimiter, false) else { return self.bad(unterminated) };
        let Some(to) = self.delimited(delimiter, false) else { return self.bad(unterminated) };
        let (from, to) = (self.translated(&from)?, self.translated(&to)?);
        if from.len() != to.len() {
            return self.bad("strings for `y' command are different lengths");
        }
        self.end_of_command()?;
        if from.iter().chain(&to).all(|character| character.len() == 1) {
            let mut table = Box::new([0; 256]);
            for (index, entry) in (0..=255).zip(table.iter_mut()) {
                *entry = index;
            }
            let mut seen = [false; 256];
            for (from, to) in from.iter().zip(&to) {
                if let ([from], [to]) = (&from[..], &to[..])
                    && let (Some(entry), Some(seen)) =
                        (table.get_mut(usize::from(*from)), seen.get_mut(usize::from(*from)))
                    && !std::mem::replace(seen, true)
                {
                    *entry = *to;
                }
            }
            return Ok(Translation::Bytes(table));
        }
        let mut pairs: Vec<_> = from.into_iter().zip(to).collect();
        // Stable, so the first of equal characters counts.
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        Ok(Translation::Characters(pairs))
    }

    /// The characters of one side of `y`.
    fn translated(&self, raw: &[u8]) -> Parsed<Vec<Vec<u8>>> {
        let mut characters = Vec::new();
        let mut rest = raw;
        while let Some((&byte, next)) = rest.split_first() {
            if byte == b'\\' {
                rest = next;
                match rest.first() {
                    Some(b'\\' | b'\n') => {
                        characters.push(rest.get(..1).unwrap_or_default().to_vec());
                        rest = rest.get(1..).unwrap_or_default();
                    }
                    _ => {
                        // Before any other character a backslash means nothing.
                        if let Some((value, length)) = text::escape(rest) {
                            characters.push(vec![value]);
                            rest = rest.get(length..).unwrap_or_default();
                        }
                    }
                }
                continue;
            }
            let length = if self.dialect.utf8 { bstr::decode_utf8(rest).1.max(1) } else { 1 };
            let (character, next) = rest.split_at(length.min(rest.len()));
            characters.push(character.to_vec());
            rest = next;
        }
        Ok(characters)
    }

    /// The whole script.
    pub(super) fn finish(mut self) -> Parsed<Script> {
        if let Some((command, raw)) = self.pending.take()
            && let Some(command) = self.script.commands.get_mut(command)
            && let Action::Append(place) | Action::Insert(place) | Action::Change(place) = &mut command.action
        {
            *place = text::text(&raw);
        }
        if !self.blocks.is_empty() {
            self.origin = match self.origin {
                Origin::Expression(_) => Origin::Expression(self.last_expression),
                other => other,
            };
            return self.bad_at(0, "unmatched `{'");
        }
        let end = self.script.commands.len();
        for (index, label) in std::mem::take(&mut self.branches) {
            let target = if label.is_empty() {
                end
            } else {
                let Some(target) = self.labels.get(&label) else {
                    return Err(Fail::Message(
                        format!("can't find label for jump to `{}'", label.as_bstr()),
                        4,
                    ));
                };
                *target
            };
            if let Some(command) = self.script.commands.get_mut(index)
                && let Action::Branch(place) | Action::BranchIf(place) | Action::BranchUnless(place) =
                    &mut command.action
            {
                *place = target;
            }
        }
        self.script.prefilter = self.prefilter();
        Ok(self.script)
    }

    /// A regex that finds every line which the script does something to, where the commands at the top level are all
    /// guarded by patterns.
    fn prefilter(&self) -> Option<Regex> {
        let mut wanted: Vec<&(Vec<u8>, Syntax)> = Vec::new();
        let mut index = 0;
        while let Some(command) = self.script.commands.get(index) {
            let guard = match (&command.from, &command.to, command.negated) {
                (Some(Address::Regex(Some(regex))), None, false) => *regex,
                (None, None, false) => match &command.action {
                    Action::Substitute(substitution) => substitution.regex?,
                    _ => return None,
                },
                _ => return None,
            };
            wanted.push(self.patterns.get(guard)?);
            index = match command.action {
                Action::Block(end) => end,
                _ => index + 1,
            };
        }
        let (_, first) = wanted.first()?;
        let fits = |(pattern, syntax): &&(Vec<u8>, Syntax)| {
            syntax == first && !syntax.multiline && text::stays_in_line(pattern)
        };
        if !wanted.iter().all(fits) {
            return None;
        }
        let patterns: Vec<&[u8]> = wanted.iter().map(|(pattern, _)| &pattern[..]).collect();
        Regex::any_of(&patterns, &Syntax { multiline: true, ..*first }).ok()
    }
}

/// An address that begins something, or can only end a range.
enum Place {
    Start(Address),
    End(End),
}

/// The index of `name` in the list, where it is added if need be.
fn place(list: &mut Vec<Vec<u8>>, name: Vec<u8>) -> usize {
    list.iter().position(|other| *other == name).unwrap_or_else(|| {
        list.push(name);
        list.len() - 1
    })
}
