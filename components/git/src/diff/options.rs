//! The options that `diff`, `log` and `show` share.

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::diff::blob::Algorithm;

use super::lines::{self, LineOptions, Space};
use super::stat::Widths;
use crate::error::{Error, Result, fatal};
use crate::pattern::Pattern;
use crate::session::Session;

/// Which kinds of changes are shown.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    only: Vec<char>,
    not: Vec<char>,
}

impl Filter {
    /// Whether changes with this letter are shown.
    pub fn accepts(&self, letter: char) -> bool {
        (self.only.is_empty() || self.only.contains(&letter)) && !self.not.contains(&letter)
    }
}

/// Changes that bring or take a text.
#[derive(Clone)]
pub enum Pickaxe {
    /// The number of its occurrences changes.
    Text(BString),
    /// The number of its matches changes.
    Regex(Pattern),
    /// A line that matches is added or removed.
    Lines(Pattern),
}

impl Pickaxe {
    /// Whether a change is meant.
    pub fn picks(&self, old: &[u8], new: &[u8], options: &LineOptions) -> bool {
        match self {
            Pickaxe::Text(text) => old.find_iter(text).count() != new.find_iter(text).count(),
            Pickaxe::Regex(pattern) => pattern.count(old) != pattern.count(new),
            Pickaxe::Lines(pattern) => {
                let (old, new) = (lines::lines(old), lines::lines(new));
                lines::edits(&old, &new, options).iter().any(|(before, after)| {
                    old[before.clone()]
                        .iter()
                        .chain(&new[after.clone()])
                        .any(|line| pattern.is_match(line.trim_end_with(|end| end == '\n')))
                })
            }
        }
    }
}

/// Everything about how differences are found and shown.
#[derive(Clone, Default)]
pub struct Options {
    /// `-p`.
    pub patch: bool,
    /// `-s`.
    pub silent: bool,
    /// `--raw`.
    pub raw: bool,
    /// `--stat`.
    pub stat: Option<Widths>,
    /// `--numstat`.
    pub numstat: bool,
    /// `--shortstat`.
    pub shortstat: bool,
    /// `--summary`.
    pub summary: bool,
    /// `--name-only`.
    pub name_only: bool,
    /// `--name-status`.
    pub name_status: bool,
    /// `--quiet`.
    pub quiet: bool,
    /// `--exit-code`.
    pub exit_code: bool,
    /// `-z`.
    pub nul: bool,
    /// `-a`.
    pub text: bool,
    /// `--full-index`.
    pub full_index: bool,
    /// `--abbrev`.
    pub abbrev: Option<usize>,
    /// From how many percent on two files are one that was renamed.
    pub renames: Option<u8>,
    /// `--diff-filter`.
    pub filter: Filter,
    /// `-R`.
    pub reverse: bool,
    /// `--relative`.
    pub relative: bool,
    /// `-S`, `-G`.
    pub pickaxe: Option<Pickaxe>,
    /// Lines.
    pub lines: LineOptions,
    /// What stands before the names of both sides, where it is not `a/` and `b/`.
    pub prefix_pair: Option<(String, String)>,
    /// `--pickaxe-regex`.
    pub pickaxe_regex: bool,
}

impl Options {
    /// What the configuration says.
    pub fn new(session: &Session<'_>) -> Options {
        let mut options = Options { renames: Some(50), ..Options::default() };
        options.configure(session);
        options
    }

    fn configure(&mut self, session: &Session<'_>) {
        if session.config("diff.renames").is_some() && !session.config_bool("diff.renames", true) {
            self.renames = None;
        }
        if let Some(context) =
            session.config("diff.context").and_then(|text| text.to_str().ok()?.parse().ok())
        {
            self.lines.context = context;
        }
        if session.config_bool("diff.noprefix", false) {
            self.prefix_pair = Some((String::new(), String::new()));
        }
        if let Some(algorithm) = session.config("diff.algorithm").and_then(|name| algorithm(name.as_bstr())) {
            self.lines.algorithm = algorithm;
        }
    }

    /// Whether lines have to be counted.
    pub fn wants_counts(&self) -> bool {
        self.stat.is_some() || self.numstat || self.shortstat
    }

    /// Whether not every change is shown.
    pub fn filter_is_set(&self) -> bool {
        !self.filter.only.is_empty() || !self.filter.not.is_empty()
    }

    /// Whether any form was asked for.
    pub fn any_form(&self) -> bool {
        self.patch
            || self.silent
            || self.raw
            || self.summary
            || self.name_only
            || self.name_status
            || self.wants_counts()
    }

    /// What stands before the names of both sides.
    pub fn prefixes(&self) -> (&str, &str) {
        let (old, new) = match &self.prefix_pair {
            Some((old, new)) => (old.as_str(), new.as_str()),
            None => ("a/", "b/"),
        };
        if self.reverse { (new, old) } else { (old, new) }
    }

    /// A path as it is shown.
    pub fn place(&self, session: &Session<'_>, path: &BStr) -> BString {
        if self.relative
            && let Some(rest) = path.strip_prefix(session.prefix.as_slice())
        {
            return rest.into();
        }
        path.to_owned()
    }

    /// An object's name as short as it is shown.
    pub fn short(&self, session: &Session<'_>, id: ObjectId) -> String {
        match self.abbrev {
            _ if id.is_null() => id.to_hex_with_len(self.abbrev.unwrap_or(7).min(40)).to_string(),
            Some(digits) => session.short_at_least(id, digits),
            None => session.short(id),
        }
    }

    /// Takes an argument if it is one of these options. `next` gives the argument after it.
    pub fn take(&mut self, argument: &BStr, next: &mut dyn FnMut() -> Option<BString>) -> Result<bool> {
        let text = argument.to_str_lossy();
        let (name, value) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (&*text, None),
        };
        let number = |value: &str| -> Result<usize> {
            value.parse().map_err(|_| {
                Error::Failed(format!("{} expects a numerical value", name.trim_start_matches('-')), 129)
            })
        };
        let mut needed = |value: Option<&str>| -> Result<String> {
            match value {
                Some(value) => Ok(value.to_owned()),
                None => next().map(|value| value.to_str_lossy().into_owned()).ok_or_else(|| {
                    Error::Failed(format!("option `{}' requires a value", name.trim_start_matches('-')), 129)
                }),
            }
        };
        match name {
            "-p" | "-u" | "--patch" => self.patch = true,
            "-s" | "--no-patch" => {
                *self = Options {
                    silent: true,
                    patch: false,
                    raw: false,
                    stat: None,
                    numstat: false,
                    shortstat: false,
                    summary: false,
                    name_only: false,
                    name_status: false,
                    ..self.clone()
                };
            }
            "--raw" => self.raw = true,
            "--patch-with-stat" => {
                self.patch = true;
                self.stat.get_or_insert_default();
            }
            "--patch-with-raw" => {
                self.patch = true;
                self.raw = true;
            }
            "--stat" => {
                let widths = self.stat.get_or_insert_default();
                let mut parts = value.unwrap_or_default().split(',').filter(|part| !part.is_empty());
                if let Some(width) = parts.next() {
                    widths.width = Some(number(width)?);
                }
                if let Some(name) = parts.next() {
                    widths.name = Some(number(name)?);
                }
                if let Some(count) = parts.next() {
                    widths.count = Some(number(count)?);
                }
            }
            "--stat-width" => self.stat.get_or_insert_default().width = Some(number(&needed(value)?)?),
            "--stat-name-width" => self.stat.get_or_insert_default().name = Some(number(&needed(value)?)?),
            "--stat-count" => self.stat.get_or_insert_default().count = Some(number(&needed(value)?)?),
            "--numstat" => self.numstat = true,
            "--shortstat" => self.shortstat = true,
            "--summary" => self.summary = true,
            "--compact-summary" => return Ok(false),
            "--name-only" => self.name_only = true,
            "--name-status" => self.name_status = true,
            "--quiet" => self.quiet = true,
            "--exit-code" => self.exit_code = true,
            "-z" => self.nul = true,
            "-a" | "--text" => self.text = true,
            "--full-index" => self.full_index = true,
            "--abbrev" => self.abbrev = Some(value.map(number).transpose()?.unwrap_or(7)),
            "-R" => self.reverse = true,
            "--relative" if value.is_none() => self.relative = true,
            "--no-relative" => self.relative = false,
            "--no-renames" => self.renames = None,
            "--rename-empty" | "--no-rename-empty" | "--ext-diff" | "--no-ext-diff" | "--textconv"
            | "--no-textconv" | "--indent-heuristic" | "--no-color" | "--no-color-moved" => {}
            "--color" if matches!(value, Some("never" | "auto")) => {}
            "-w" | "--ignore-all-space" => self.lines.space = Space::All,
            "-b" | "--ignore-space-change" => self.lines.space = Space::Amount,
            "--ignore-space-at-eol" | "--ignore-cr-at-eol" => self.lines.space = Space::AtEnd,
            "--ignore-blank-lines" => self.lines.blank = true,
            "--minimal" => self.lines.algorithm = Algorithm::MyersMinimal,
            "--histogram" | "--patience" => self.lines.algorithm = Algorithm::Histogram,
            "--diff-algorithm" => {
                let value = needed(value)?;
                self.lines.algorithm = algorithm(value.as_bytes().as_bstr()).ok_or_else(|| {
                    Error::Failed(
                        "option diff-algorithm accepts \"myers\", \"minimal\", \"patience\" and \"histogram\"".into(),
                        129,
                    )
                })?;
            }
            "--unified" => {
                self.lines.context = number(&needed(value)?)?;
                self.patch = true;
            }
            "--inter-hunk-context" => self.lines.between = number(&needed(value)?)?,
            "--no-prefix" => self.prefix_pair = Some((String::new(), String::new())),
            "--default-prefix" => self.prefix_pair = None,
            "--src-prefix" => {
                let new = self.prefixes().1.to_owned();
                self.prefix_pair = Some((needed(value)?, new));
            }
            "--dst-prefix" => {
                let old = self.prefixes().0.to_owned();
                self.prefix_pair = Some((old, needed(value)?));
            }
            "--diff-filter" => {
                for letter in needed(value)?.chars() {
                    if letter.is_ascii_lowercase() {
                        self.filter.not.push(letter.to_ascii_uppercase());
                    } else if letter.is_ascii_uppercase() || letter == '*' {
                        self.filter.only.push(letter);
                    } else {
                        return Err(Error::Failed(
                            format!("unknown change class '{letter}' in --diff-filter={letter}"),
                            129,
                        ));
                    }
                }
            }
            "--find-renames" => self.renames = Some(percent(value.unwrap_or("50%"))),
            "--pickaxe-regex" => {
                self.pickaxe_regex = true;
                if let Some(Pickaxe::Text(text)) = &self.pickaxe {
                    self.pickaxe = Some(Pickaxe::Regex(Pattern::new(text.as_bstr(), true, false)?));
                }
            }
            "--pickaxe-all" => return Ok(false),
            _ => return self.take_short(argument, next),
        }
        Ok(true)
    }

    fn take_short(&mut self, argument: &BStr, next: &mut dyn FnMut() -> Option<BString>) -> Result<bool> {
        let Some(letters) = argument.strip_prefix(b"-").filter(|letters| !letters.starts_with(b"-")) else {
            return Ok(false);
        };
        let Some((&letter, glued)) = letters.split_first() else { return Ok(false) };
        let mut value = || -> Result<BString> {
            if glued.is_empty() {
                next().ok_or_else(|| {
                    Error::Failed(format!("switch `{}' requires a value", char::from(letter)), 129)
                })
            } else {
                Ok(glued.into())
            }
        };
        match letter {
            b'U' => {
                let value = value()?;
                self.lines.context =
                    value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
                        Error::Failed("option `unified' expects a numerical value".into(), 129)
                    })?;
                self.patch = true;
            }
            b'M' => self.renames = Some(if glued.is_empty() { 50 } else { percent(&glued.to_str_lossy()) }),
            b'S' => {
                let value = value()?;
                self.pickaxe = Some(if self.pickaxe_regex {
                    Pickaxe::Regex(Pattern::new(value.as_bstr(), true, false)?)
                } else {
                    Pickaxe::Text(value)
                });
            }
            b'G' => self.pickaxe = Some(Pickaxe::Lines(Pattern::new(value()?.as_bstr(), true, false)?)),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn percent(text: &str) -> u8 {
    let value = match text.strip_suffix('%') {
        Some(whole) => whole.parse::<f64>().unwrap_or(50.0),
        // Digits alone are what stands after the point.
        None => format!("0.{text}").parse::<f64>().unwrap_or(0.5) * 100.0,
    };
    value.clamp(0.0, 100.0) as u8
}

fn algorithm(name: &BStr) -> Option<Algorithm> {
    Some(match name.as_bytes() {
        b"myers" | b"default" => Algorithm::Myers,
        b"minimal" => Algorithm::MyersMinimal,
        b"histogram" | b"patience" => Algorithm::Histogram,
        _ => return None,
    })
}

/// The end for an option that `diff` does not have.
pub fn invalid(argument: &BStr) -> Error {
    Error::Text(
        format!(
            "error: invalid option: {argument}\nusage: git diff [<options>] [<commit>] [--] [<path>...]\n"
        ),
        129,
    )
}

/// The end for an option that `log` and `show` do not have.
pub fn unrecognized(argument: &BStr) -> Error {
    fatal!("unrecognized argument: {argument}")
}
