//! Options as GNU's `getopt_long` reads them: clusters, abbreviated long options, optional arguments, operands
//! anywhere, `--`, and its messages to the byte.

use std::collections::VecDeque;

use bstr::{BString, ByteSlice};

use crate::Fail;

/// An option of a command.
pub struct Opt {
    /// Its names, separated by commas: single letters are short, `#` stands for a number as in `head -5`. The first is
    /// the one that `Options::next` tells.
    pub names: &'static str,
    /// Whether it takes an argument.
    pub arg: Arg,
    /// For the help text; empty: not shown.
    pub help: &'static str,
}

/// Whether an option takes an argument; what to call it in the help text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Arg {
    /// None.
    No,
    /// `-o ARG`, `--option=ARG`, `--option ARG`.
    Required(&'static str),
    /// `-oARG`, `--option=ARG`.
    Optional(&'static str),
}

impl Opt {
    /// An option without an argument.
    pub const fn flag(names: &'static str, help: &'static str) -> Opt {
        Opt { names, arg: Arg::No, help }
    }

    /// An option with an argument.
    pub const fn value(names: &'static str, arg: &'static str, help: &'static str) -> Opt {
        Opt { names, arg: Arg::Required(arg), help }
    }

    /// An option that may have an argument.
    pub const fn optional(names: &'static str, arg: &'static str, help: &'static str) -> Opt {
        Opt { names, arg: Arg::Optional(arg), help }
    }

    fn name(&self) -> &'static str {
        self.names.split(',').next().unwrap_or(self.names)
    }

    fn has_short(&self, letter: u8) -> bool {
        self.names.split(',').any(|name| name.as_bytes() == [letter])
    }

    pub(crate) fn longs(&self) -> impl Iterator<Item = &'static str> {
        self.names.split(',').filter(|name| name.len() > 1)
    }

    pub(crate) fn shorts(&self) -> impl Iterator<Item = &'static str> {
        self.names.split(',').filter(|name| name.len() == 1 && *name != "#")
    }
}

/// An option that was given: its first name, and its argument.
pub(crate) type Given = (&'static str, Option<BString>);

/// The arguments of a command being read.
pub(crate) struct Options {
    table: &'static [Opt],
    arguments: VecDeque<BString>,
    /// The rest of a cluster of short options.
    cluster: Vec<u8>,
    at: usize,
    operands: Vec<BString>,
    /// Options end at the first operand.
    in_order: bool,
}

impl Options {
    /// `arguments` without the command's name.
    pub(crate) fn new(
        table: &'static [Opt],
        arguments: impl IntoIterator<Item = BString>,
        in_order: bool,
    ) -> Options {
        Options {
            table,
            arguments: arguments.into_iter().collect(),
            cluster: Vec::new(),
            at: 0,
            operands: Vec::new(),
            in_order,
        }
    }

    /// The next option. `None`: the rest are operands.
    pub(crate) fn next(&mut self) -> Result<Option<Given>, Fail> {
        if let Some(&letter) = self.cluster.get(self.at) {
            return self.short(letter).map(Some);
        }
        while let Some(argument) = self.arguments.pop_front() {
            if argument == "--" {
                self.operands.extend(self.arguments.drain(..));
                return Ok(None);
            }
            if let Some(long) = argument.strip_prefix(b"--") {
                return self.long(long.to_vec()).map(Some);
            }
            if argument.len() > 1 && argument.starts_with(b"-") {
                self.cluster = argument.into();
                self.at = 1;
                let letter = self.cluster.get(1).copied().unwrap_or_default();
                return self.short(letter).map(Some);
            }
            self.operands.push(argument);
            if self.in_order {
                self.operands.extend(self.arguments.drain(..));
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Puts arguments before those that are still to be read.
    pub(crate) fn insert(&mut self, arguments: impl IntoIterator<Item = BString>) {
        let rest = std::mem::take(&mut self.arguments);
        self.arguments = arguments.into_iter().chain(rest).collect();
    }

    /// How many operands stood before the option that [`Options::next`] has told last.
    pub(crate) fn operands_so_far(&self) -> usize {
        self.operands.len()
    }

    /// What is no option. Call it after [`Options::next`] has returned `None`.
    pub(crate) fn operands(self) -> Vec<BString> {
        self.operands
    }

    fn short(&mut self, letter: u8) -> Result<Given, Fail> {
        self.at += 1;
        let rest = self.cluster.get(self.at..).unwrap_or_default();
        if letter.is_ascii_digit()
            && let Some(number) =
                self.table.iter().find(|option| option.names.split(',').any(|name| name == "#"))
        {
            let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let digits = self.cluster.get(self.at - 1..self.at + count).unwrap_or_default().into();
            self.at += count;
            return Ok((number.name(), Some(digits)));
        }
        let Some(option) = self.table.iter().find(|option| option.has_short(letter) && letter != b'#') else {
            return Err(Fail::Usage(format!("invalid option -- '{}'", [letter].as_bstr())));
        };
        let value = match option.arg {
            Arg::No => return Ok((option.name(), None)),
            Arg::Optional(_) if rest.is_empty() => None,
            Arg::Required(_) if rest.is_empty() => match self.arguments.pop_front() {
                Some(value) => Some(value),
                None => {
                    return Err(Fail::Usage(format!(
                        "option requires an argument -- '{}'",
                        [letter].as_bstr()
                    )));
                }
            },
            _ => Some(rest.into()),
        };
        self.cluster.clear();
        Ok((option.name(), value))
    }

    fn long(&mut self, text: Vec<u8>) -> Result<Given, Fail> {
        let (name, value) = match text.split_once_str("=") {
            Some((name, value)) => (name, Some(BString::from(value))),
            None => (&text[..], None),
        };
        let option = self.find_long(name, &text)?;
        let (option, full) = match option {
            Found::Help => return Err(help_or_version(Fail::Help, "help", value)),
            Found::Version => return Err(help_or_version(Fail::Version, "version", value)),
            Found::Option(option, full) => (option, full),
        };
        match (option.arg, value) {
            (Arg::No, Some(_)) => Err(Fail::Usage(format!("option '--{full}' doesn't allow an argument"))),
            (Arg::Required(_), None) => match self.arguments.pop_front() {
                Some(value) => Ok((option.name(), Some(value))),
                None => Err(Fail::Usage(format!("option '--{full}' requires an argument"))),
            },
            (_, value) => Ok((option.name(), value)),
        }
    }

    fn find_long(&self, name: &[u8], whole: &[u8]) -> Result<Found, Fail> {
        let mut candidates: Vec<(&'static str, Found)> = Vec::new();
        let own = self
            .table
            .iter()
            .flat_map(|option| option.longs().map(move |long| (long, Found::Option(option, long))));
        for (long, found) in own.chain([("help", Found::Help), ("version", Found::Version)]) {
            if long.as_bytes() == name {
                return Ok(found);
            }
            if long.as_bytes().starts_with(name) {
                candidates.push((long, found));
            }
        }
        let Some((_, first)) = candidates.first() else {
            return Err(Fail::Usage(format!("unrecognized option '--{}'", whole.as_bstr())));
        };
        if candidates.iter().all(|(_, other)| other.same(first)) {
            return Ok(*first);
        }
        let mut message = format!("option '--{}' is ambiguous; possibilities:", name.as_bstr());
        for (long, _) in &candidates {
            message.push_str(&format!(" '--{long}'"));
        }
        Err(Fail::Usage(message))
    }
}

fn help_or_version(fail: Fail, name: &str, value: Option<BString>) -> Fail {
    match value {
        Some(_) => Fail::Usage(format!("option '--{name}' doesn't allow an argument")),
        None => fail,
    }
}

#[derive(Clone, Copy)]
enum Found {
    Option(&'static Opt, &'static str),
    Help,
    Version,
}

impl Found {
    fn same(&self, other: &Found) -> bool {
        match (self, other) {
            (Found::Option(a, _), Found::Option(b, _)) => std::ptr::eq(*a, *b),
            (Found::Help, Found::Help) | (Found::Version, Found::Version) => true,
            _ => false,
        }
    }
}
