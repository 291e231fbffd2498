//! The expressions of `find`: what they are made of, and how they are read.

use bstr::{BString, ByteSlice};
use wasmsh_os::{FileType, Timestamp};
use wasmsh_regex::{Regex, Syntax};

use crate::glob::Glob;
use crate::mode::ModeChange;
use crate::{Fail, Tool};

/// What the filesystem is called.
pub(crate) const FILESYSTEM: &str = "tmpfs";

const REGEX_TYPES: &[&str] = &[
    "findutils-default",
    "ed",
    "emacs",
    "gnu-awk",
    "grep",
    "posix-awk",
    "awk",
    "posix-basic",
    "posix-egrep",
    "egrep",
    "posix-extended",
    "posix-minimal-basic",
    "sed",
];

/// Letters that have a meaning behind a backslash in a format; also octal digits.
pub(crate) const ESCAPES: &[u8] = b"abfnrtv\\01234567";

/// A comparison with a number: `+n`, `-n`, `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    More,
    Less,
    Same,
}

impl Compare {
    pub(crate) fn holds<T: PartialOrd>(self, value: T, with: T) -> bool {
        match self {
            Compare::More => value > with,
            Compare::Less => value < with,
            Compare::Same => value == with,
        }
    }
}

/// Which of the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Accessed,
    Changed,
    Modified,
}

/// A test or an action.
pub(crate) enum Primary {
    Always(bool),
    Name(Glob),
    Path(Glob),
    LinkName(Glob),
    Regex(Box<Regex>),
    Kind(Vec<FileType>, bool),
    Empty,
    Size(Compare, u64, u64),
    Links(Compare, u64),
    Inode(Compare, u64),
    User(u32),
    UserIs(Compare, u64),
    GroupIs(Compare, u64),
    Group(u32),
    NoUser,
    NoGroup,
    Readable,
    Writable,
    Executable,
    /// All of these bits, any of them, exactly these.
    Permissions(char, ModeChange),
    /// In units of so many seconds.
    Age(Which, Compare, u64, u64),
    Newer(Which, Timestamp),
    SameFile(u64, u64),
    Used(Compare, u64),
    Prune,
    Quit,
    Delete,
    Print(Option<usize>),
    Print0(Option<usize>),
    Format(Vec<u8>, Option<usize>),
    List(Option<usize>),
    /// Words; run in the file's directory; ask first.
    Execute {
        words: Vec<BString>,
        in_directory: bool,
        ask: bool,
    },
    /// The place of its pending arguments.
    ExecuteMany {
        words: Vec<BString>,
        in_directory: bool,
        batch: usize,
    },
}

impl Primary {
    fn is_action(&self) -> bool {
        matches!(
            self,
            Primary::Delete
                | Primary::Print(_)
                | Primary::Print0(_)
                | Primary::Format(..)
                | Primary::List(_)
                | Primary::Execute { .. }
                | Primary::ExecuteMany { .. }
        )
    }
}

/// An expression, by the places of its parts.
pub(crate) enum Node {
    Primary(Primary),
    Not(usize),
    And(usize, usize),
    Or(usize, usize),
    /// Both; the value of the second.
    List(usize, usize),
}

/// What the command line says.
pub(crate) struct Expression {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: usize,
    pub(crate) least_depth: usize,
    pub(crate) most_depth: usize,
    pub(crate) depth_first: bool,
    pub(crate) one_filesystem: bool,
    /// Files that output goes to.
    pub(crate) outputs: Vec<BString>,
    pub(crate) batches: usize,
    /// The file of `-files0-from`.
    pub(crate) starting_points: Option<BString>,
}

pub(crate) struct Parser<'a> {
    t: &'a Tool,
    words: &'a [BString],
    at: usize,
    expression: Expression,
    regex: Syntax,
    users: &'a crate::users::Users,
    now: Timestamp,
    day_start: bool,
    any_action: bool,
    pub(crate) warnings: Vec<String>,
    /// Depth of parentheses.
    depth: usize,
}

fn fail<T>(message: impl Into<String>) -> Result<T, Fail> {
    Err(Fail::Message(message.into(), 1))
}

/// Parentheses beyond this depth are a mistake.
const DEEPEST: usize = 1000;

impl<'a> Parser<'a> {
    pub(crate) fn new(t: &'a Tool, words: &'a [BString], users: &'a crate::users::Users) -> Parser<'a> {
        Parser {
            t,
            words,
            at: 0,
            expression: Expression {
                starting_points: None,
                nodes: Vec::new(),
                root: 0,
                least_depth: 0,
                most_depth: usize::MAX,
                depth_first: false,
                one_filesystem: false,
                outputs: Vec::new(),
                batches: 0,
            },
            // Emacs' dialect is a basic one with \| and so on, near enough to GNU's BRE with + and ? bare.
            regex: Syntax::BASIC,
            users,
            now: t.ctx.now(),
            day_start: false,
            any_action: false,
            warnings: Vec::new(),
            depth: 0,
        }
    }

    fn push(&mut self, node: Node) -> usize {
        self.expression.nodes.push(node);
        self.expression.nodes.len() - 1
    }

    fn peek(&self) -> Option<&'a [u8]> {
        self.words.get(self.at).map(|word| &word[..])
    }

    pub(crate) fn parse(mut self) -> Result<(Expression, Vec<String>), Fail> {
        let root = if self.words.is_empty() {
            self.push(Node::Primary(Primary::Always(true)))
        } else {
            self.list()?
        };
        if let Some(word) = self.peek() {
            return fail(if word == b")" {
                "invalid expression; you have too many ')'".to_owned()
            } else {
                format!("paths must precede expression: `{}'", word.as_bstr())
            });
        }
        self.expression.root = root;
        if !self.any_action {
            let print = self.push(Node::Primary(Primary::Print(None)));
            self.expression.root = self.push(Node::And(root, print));
        }
        Ok((self.expression, self.warnings))
    }

    fn list(&mut self) -> Result<usize, Fail> {
        let mut left = self.or()?;
        while self.peek() == Some(b",") {
            self.at += 1;
            let right = self.or()?;
            left = self.push(Node::List(left, right));
        }
        Ok(left)
    }

    fn or(&mut self) -> Result<usize, Fail> {
        let mut left = self.and()?;
        while matches!(self.peek(), Some(b"-o" | b"-or")) {
            self.at += 1;
            self.operand_after("-o")?;
            let right = self.and()?;
            left = self.push(Node::Or(left, right));
        }
        Ok(left)
    }

    fn operand_after(&self, operator: &str) -> Result<(), Fail> {
        match self.peek() {
            None | Some(b")" | b",") => fail(format!("expected an expression after '{operator}'")),
            _ => Ok(()),
        }
    }

    fn and(&mut self) -> Result<usize, Fail> {
        let mut left = self.not()?;
        loop {
            match self.peek() {
                Some(b"-a" | b"-and") => {
                    self.at += 1;
                    self.operand_after("-a")?;
                }
                None | Some(b")" | b"," | b"-o" | b"-or") => return Ok(left),
                Some(_) => {}
            }
            let right = self.not()?;
            left = self.push(Node::And(left, right));
        }
    }

    fn not(&mut self) -> Result<usize, Fail> {
        let mut negated = false;
        while matches!(self.peek(), Some(b"!" | b"-not")) {
            self.at += 1;
            negated = !negated;
        }
        let inner = self.primary()?;
        Ok(if negated { self.push(Node::Not(inner)) } else { inner })
    }

    fn primary(&mut self) -> Result<usize, Fail> {
        let Some(word) = self.peek() else { return fail("expected an expression after '!'") };
        if word == b"(" {
            self.at += 1;
            self.depth += 1;
            if self.depth > DEEPEST {
                return fail("parentheses are nested too deep");
            }
            if self.peek().is_none() {
                return fail(
                    "invalid expression; expected to find a ')' but didn't see one. Perhaps you need an extra predicate after '('",
                );
            }
            if self.peek() == Some(b")") {
                return fail("invalid expression; empty parentheses are not allowed.");
            }
            let inner = self.list()?;
            if self.peek() != Some(b")") {
                return fail(
                    "invalid expression; I was expecting to find a ')' somewhere but did not see one.",
                );
            }
            self.at += 1;
            self.depth -= 1;
            return Ok(inner);
        }
        self.at += 1;
        match word {
            b"-o" | b"-or" | b"-a" | b"-and" | b"," => {
                return fail(format!(
                    "invalid expression; you have used a binary operator '{}' with nothing before it.",
                    word.as_bstr()
                ));
            }
            b")" => return fail("invalid expression; you have too many ')'"),
            _ => {}
        }
        let primary = self.test(word)?;
        self.any_action |= primary.is_action();
        Ok(self.push(Node::Primary(primary)))
    }

    fn argument(&mut self, name: &[u8]) -> Result<&'a [u8], Fail> {
        let argument = self.words.get(self.at).map(|word| &word[..]);
        self.at += 1;
        argument.map_or_else(|| fail(format!("missing argument to `{}'", name.as_bstr())), Ok)
    }

    /// A format of `-printf`; what it has that means nothing is told.
    fn format(&mut self, name: &[u8]) -> Result<Vec<u8>, Fail> {
        let text = self.argument(name)?.to_vec();
        let mut rest = &text[..];
        while let [first, tail @ ..] = rest {
            rest = tail;
            match first {
                b'\\' => {
                    match tail.first() {
                        None => self.warnings.push("warning: escape `\\' followed by nothing at all".into()),
                        Some(letter) if *letter != b'c' && !ESCAPES.contains(letter) => {
                            let letter = char::from(*letter);
                            self.warnings.push(format!("warning: unrecognized escape `\\{letter}'"));
                        }
                        Some(_) => {}
                    }
                    rest = tail.get(1..).unwrap_or_default();
                }
                b'%' => {
                    let more = crate::escape::spec(tail, b"-+ #0").rest;
                    let Some(letter) = more.first() else {
                        return Err(Fail::Message("error: % at end of format string".into(), 1));
                    };
                    if !b"%abcdfghiklmnpstuyABCDFGHMPSTUYZ".contains(letter) {
                        let letter = char::from(*letter);
                        let text = format!("warning: unrecognized format directive `%{letter}'");
                        self.warnings.push(text);
                    }
                    rest = more.get(1..).unwrap_or_default();
                }
                _ => {}
            }
        }
        Ok(text)
    }

    fn number(&mut self, name: &[u8]) -> Result<(Compare, u64), Fail> {
        let text = self.argument(name)?;
        comparison(text).ok_or_else(|| {
            Fail::Message(format!("invalid argument `{}' to `{}'", text.as_bstr(), name.as_bstr()), 1)
        })
    }

    fn output(&mut self, name: &[u8]) -> Result<Option<usize>, Fail> {
        let file: BString = self.argument(name)?.into();
        let place = self.expression.outputs.iter().position(|other| *other == file);
        Ok(Some(place.unwrap_or_else(|| {
            self.expression.outputs.push(file);
            self.expression.outputs.len() - 1
        })))
    }

    fn test(&mut self, name: &'a [u8]) -> Result<Primary, Fail> {
        let always = Ok(Primary::Always(true));
        match name {
            b"-true"
            | b"-noleaf"
            | b"-ignore_readdir_race"
            | b"-noignore_readdir_race"
            | b"-nowarn"
            | b"-warn" => always,
            b"-false" => Ok(Primary::Always(false)),
            b"-follow" => always,
            b"-depth" | b"-d" => {
                self.expression.depth_first = true;
                always
            }
            b"-mount" | b"-xdev" => {
                self.expression.one_filesystem = true;
                always
            }
            b"-maxdepth" | b"-mindepth" => {
                let text = self.argument(name)?;
                let value = text
                    .to_str()
                    .ok()
                    .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                    .and_then(|text| text.parse().ok());
                let Some(value) = value else {
                    return fail(format!(
                        "Expected a positive decimal integer argument to {}, but got {}",
                        name.as_bstr(),
                        self.t.quote(text)
                    ));
                };
                if name == b"-maxdepth" {
                    self.expression.most_depth = value
                } else {
                    self.expression.least_depth = value
                }
                always
            }
            b"-daystart" => {
                self.day_start = true;
                always
            }
            b"-regextype" => {
                let text = self.argument(name)?;
                self.regex = match text {
                    b"posix-extended" | b"posix-egrep" | b"egrep" | b"awk" | b"gnu-awk" | b"posix-awk" => {
                        Syntax::EXTENDED
                    }
                    b"findutils-default"
                    | b"emacs"
                    | b"ed"
                    | b"grep"
                    | b"sed"
                    | b"posix-basic"
                    | b"posix-minimal-basic" => Syntax::BASIC,
                    _ => {
                        let names: Vec<String> =
                            REGEX_TYPES.iter().map(|name| self.t.quote(name.as_bytes())).collect();
                        return fail(format!(
                            "Unknown regular expression type {}; valid types are {}.",
                            self.t.quote(text),
                            names.join(", ")
                        ));
                    }
                };
                always
            }
            b"-name" | b"-iname" => {
                let glob = Glob::new(self.argument(name)?).ignore_case(name == b"-iname");
                Ok(Primary::Name(glob))
            }
            b"-path" | b"-wholename" | b"-ipath" | b"-iwholename" => {
                let glob = Glob::new(self.argument(name)?).ignore_case(name.starts_with(b"-i"));
                Ok(Primary::Path(glob))
            }
            b"-lname" | b"-ilname" => {
                let glob = Glob::new(self.argument(name)?).ignore_case(name == b"-ilname");
                Ok(Primary::LinkName(glob))
            }
            b"-regex" | b"-iregex" => {
                let text = self.argument(name)?;
                let syntax = Syntax { ignore_case: name == b"-iregex", ..self.regex };
                // In the default dialect + and ? repeat without a backslash.
                let pattern = if syntax.extended { text.to_vec() } else { emacs(text) };
                match Regex::new(&pattern, &syntax) {
                    Ok(regex) => Ok(Primary::Regex(Box::new(regex))),
                    Err(error) => {
                        fail(format!("failed to compile regular expression '{}': {error}", text.as_bstr()))
                    }
                }
            }
            b"-type" | b"-xtype" => {
                let text = self.argument(name)?;
                let mut kinds = Vec::new();
                for part in text.split(|byte| *byte == b',') {
                    kinds.push(match part {
                        b"f" => FileType::Regular,
                        b"d" => FileType::Directory,
                        b"l" => FileType::SymbolicLink,
                        b"c" => FileType::CharacterDevice,
                        b"p" => FileType::Fifo,
                        b"s" => FileType::Socket,
                        b"b" | b"D" => FileType::Unknown,
                        [] if text.ends_with(b",") && !kinds.is_empty() => {
                            return fail(format!(
                                "Last file type in list argument to {} is missing, i.e., list is ending on: ','",
                                name.as_bstr()
                            ));
                        }
                        [] => {
                            return fail(format!(
                                "Arguments to {} should contain at least one letter",
                                name.as_bstr()
                            ));
                        }
                        [_] => {
                            return fail(format!(
                                "Unknown argument to {}: {}",
                                name.as_bstr(),
                                part.as_bstr()
                            ));
                        }
                        _ => {
                            return fail(format!(
                                "Must separate multiple arguments to {} using: ','",
                                name.as_bstr()
                            ));
                        }
                    });
                }
                Ok(Primary::Kind(kinds, name == b"-xtype"))
            }
            b"-empty" => Ok(Primary::Empty),
            b"-fstype" => {
                let text = self.argument(name)?;
                Ok(Primary::Always(text == FILESYSTEM.as_bytes()))
            }
            b"-context" => fail("invalid predicate -context: SELinux is not enabled."),
            b"-files0-from" => {
                self.expression.starting_points = Some(self.argument(name)?.into());
                always
            }
            b"-size" => {
                let text = self.argument(name)?;
                let (digits, unit) = match text.split_last() {
                    Some((b'c', digits)) => (digits, 1),
                    Some((b'w', digits)) => (digits, 2),
                    Some((b'b', digits)) => (digits, 512),
                    Some((b'k', digits)) => (digits, 1 << 10),
                    Some((b'M', digits)) => (digits, 1 << 20),
                    Some((b'G', digits)) => (digits, 1 << 30),
                    _ => (text, 512),
                };
                match comparison(digits) {
                    Some((compare, number)) => Ok(Primary::Size(compare, number, unit)),
                    None => match text.split_last() {
                        Some((last, _)) if last.is_ascii_alphabetic() && !b"cwbkMG".contains(last) => {
                            fail(format!("invalid -size type `{}'", char::from(*last)))
                        }
                        _ => fail(format!("Invalid argument `{}' to -size", text.as_bstr())),
                    },
                }
            }
            b"-links" => self.number(name).map(|(compare, number)| Primary::Links(compare, number)),
            b"-inum" => self.number(name).map(|(compare, number)| Primary::Inode(compare, number)),
            b"-uid" => self.number(name).map(|(compare, number)| Primary::UserIs(compare, number)),
            b"-gid" => self.number(name).map(|(compare, number)| Primary::GroupIs(compare, number)),
            b"-used" => self.number(name).map(|(compare, number)| Primary::Used(compare, number)),
            b"-user" => {
                let text = self.argument(name)?;
                match self.users.user(text).map(|user| user.uid).or_else(|| text.to_str().ok()?.parse().ok())
                {
                    Some(uid) => Ok(Primary::User(uid)),
                    None => fail(format!("{} is not the name of a known user", self.t.quote(text))),
                }
            }
            b"-group" => {
                let text = self.argument(name)?;
                match self
                    .users
                    .group(text)
                    .map(|group| group.gid)
                    .or_else(|| text.to_str().ok()?.parse().ok())
                {
                    Some(gid) => Ok(Primary::Group(gid)),
                    None => fail(format!("{} is not the name of an existing group", self.t.quote(text))),
                }
            }
            b"-nouser" => Ok(Primary::NoUser),
            b"-nogroup" => Ok(Primary::NoGroup),
            b"-readable" => Ok(Primary::Readable),
            b"-writable" => Ok(Primary::Writable),
            b"-executable" => Ok(Primary::Executable),
            b"-perm" => {
                let text = self.argument(name)?;
                let (how, mode) = match text.split_first() {
                    Some((b'-', rest)) => ('-', rest),
                    Some((b'/', rest)) => ('/', rest),
                    _ => ('=', text),
                };
                let old = text.first() == Some(&b'+') && text.get(1).is_some_and(u8::is_ascii_digit);
                match ModeChange::parse(mode).filter(|_| !old) {
                    Some(change) => Ok(Primary::Permissions(how, change)),
                    None => fail(format!("invalid mode {}", self.t.quote(text))),
                }
            }
            b"-atime" | b"-ctime" | b"-mtime" => self.age(name, 86400),
            b"-amin" | b"-cmin" | b"-mmin" => self.age(name, 60),
            b"-newer" | b"-anewer" | b"-cnewer" => {
                let text = self.argument(name)?;
                let stat = self.stat(text)?;
                let which = match name.get(1) {
                    Some(b'a') => Which::Accessed,
                    Some(b'c') => Which::Changed,
                    _ => Which::Modified,
                };
                Ok(Primary::Newer(which, stat.modified))
            }
            [b'-', b'n', b'e', b'w', b'e', b'r', x, y] => {
                let which = match x {
                    b'a' => Which::Accessed,
                    b'c' => Which::Changed,
                    b'm' => Which::Modified,
                    _ => return fail(format!("invalid predicate `{}'", name.as_bstr())),
                };
                let text = self.argument(name)?;
                let at = match y {
                    b't' => crate::date_parse::parse(text, self.now, &crate::time::zone(&self.t.ctx))
                        .ok_or_else(|| {
                            Fail::Message(
                                format!(
                                    "I cannot figure out how to interpret {} as a date or time",
                                    self.t.quote(text)
                                ),
                                1,
                            )
                        })?,
                    b'a' => self.stat(text)?.accessed,
                    b'c' => self.stat(text)?.changed,
                    b'm' => self.stat(text)?.modified,
                    _ => return self.unknown(name),
                };
                Ok(Primary::Newer(which, at))
            }
            b"-samefile" => {
                let text = self.argument(name)?;
                let stat = self.stat(text)?;
                Ok(Primary::SameFile(stat.device, stat.inode))
            }
            b"-prune" => Ok(Primary::Prune),
            b"-quit" => Ok(Primary::Quit),
            b"-delete" => {
                self.expression.depth_first = true;
                Ok(Primary::Delete)
            }
            b"-print" => Ok(Primary::Print(None)),
            b"-print0" => Ok(Primary::Print0(None)),
            b"-ls" => Ok(Primary::List(None)),
            b"-printf" => Ok(Primary::Format(self.format(name)?, None)),
            b"-fprint" => self.output(name).map(Primary::Print),
            b"-fprint0" => self.output(name).map(Primary::Print0),
            b"-fls" => self.output(name).map(Primary::List),
            b"-fprintf" => {
                let output = self.output(name)?;
                Ok(Primary::Format(self.format(name)?, output))
            }
            b"-exec" | b"-execdir" | b"-ok" | b"-okdir" => self.execute(name),
            b"-help" | b"--help" => Err(Fail::Help),
            b"-version" | b"--version" => Err(Fail::Version),
            _ => self.unknown(name),
        }
    }

    fn unknown(&self, name: &[u8]) -> Result<Primary, Fail> {
        if name.starts_with(b"-") {
            return fail(format!("unknown predicate `{}'", name.as_bstr()));
        }
        // A pattern that the shell has expanded: the word before the last one is a test of names.
        let before = self.at.checked_sub(3).and_then(|index| self.words.get(index)).map(|word| &word[..]);
        let hint = match before.filter(|_| self.t.ctx.stat(name, false).is_ok()) {
            Some(
                test @ (b"-name" | b"-iname" | b"-path" | b"-ipath" | b"-wholename" | b"-iwholename"
                | b"-regex" | b"-iregex" | b"-lname" | b"-ilname"),
            ) => {
                format!("\n{}: possible unquoted pattern after predicate `{}'?", self.t.name, test.as_bstr())
            }
            _ => String::new(),
        };
        fail(format!("paths must precede expression: `{}'{hint}", name.as_bstr()))
    }

    fn stat(&self, path: &[u8]) -> Result<wasmsh_os::Stat, Fail> {
        self.t
            .ctx
            .stat(path, true)
            .map_err(|error| Fail::Message(format!("{}: {}", self.t.quote(path), error.strerror()), 1))
    }

    fn age(&mut self, name: &[u8], unit: u64) -> Result<Primary, Fail> {
        let (compare, number) = self.number(name)?;
        let which = match name.get(1) {
            Some(b'a') => Which::Accessed,
            Some(b'c') => Which::Changed,
            _ => Which::Modified,
        };
        Ok(Primary::Age(which, compare, number, unit))
    }

    fn execute(&mut self, name: &[u8]) -> Result<Primary, Fail> {
        let mut words: Vec<BString> = Vec::new();
        let in_directory = name.ends_with(b"dir");
        let ask = name.starts_with(b"-ok");
        loop {
            let Some(word) = self.peek() else {
                return fail(format!("missing argument to `{}'", name.as_bstr()));
            };
            self.at += 1;
            if word == b";" {
                break;
            }
            if word == b"+"
                && !ask
                && words.len() > 1
                && words.last().is_some_and(|last| last.contains_str("{}") && last != "{}")
            {
                let last = words.last().map_or_else(String::new, |last| self.t.quote(last));
                return fail(format!(
                    "In {} the {} must appear by itself, but you specified {last}",
                    self.t.quote(format!("{} ... {{}} +", name.as_bstr()).as_bytes()),
                    self.t.quote(b"{}")
                ));
            }
            if word == b"+" && !ask && words.last().is_some_and(|last| last == "{}") {
                words.pop();
                if words.is_empty() {
                    return fail(format!("missing argument to `{}'", name.as_bstr()));
                }
                if words.iter().any(|word| word.contains_str("{}")) {
                    return fail(format!(
                        "Only one instance of {{}} is supported with {} ... +",
                        name.as_bstr()
                    ));
                }
                let batch = self.expression.batches;
                self.expression.batches += 1;
                return Ok(Primary::ExecuteMany { words, in_directory, batch });
            }
            words.push(word.into());
        }
        if words.is_empty() {
            return fail(format!("missing argument to `{}'", name.as_bstr()));
        }
        Ok(Primary::Execute { words, in_directory, ask })
    }
}

fn comparison(text: &[u8]) -> Option<(Compare, u64)> {
    let (compare, digits) = match text.split_first()? {
        (b'+', rest) => (Compare::More, rest),
        (b'-', rest) => (Compare::Less, rest),
        _ => (Compare::Same, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((compare, digits.to_str().ok()?.parse().ok()?))
}

/// The dialect of emacs as a basic regular expression of GNU's: `+` and `?` repeat bare and are letters escaped.
fn emacs(text: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    let mut in_bracket = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if !in_bracket => match bytes.next() {
                Some(letter @ (b'+' | b'?')) => pattern.push(letter),
                Some(letter) => pattern.extend_from_slice(&[b'\\', letter]),
                None => pattern.push(b'\\'),
            },
            b'+' | b'?' if !in_bracket => pattern.extend_from_slice(&[b'\\', byte]),
            b'[' => {
                in_bracket = true;
                pattern.push(byte);
            }
            b']' => {
                in_bracket = false;
                pattern.push(byte);
            }
            _ => pattern.push(byte),
        }
    }
    pattern
}
