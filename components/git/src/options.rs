//! Command-line options as git's subcommands take them: clusters, abbreviations, `--no-`, values glued or apart.

use gix::bstr::{BStr, BString, ByteSlice};

use crate::error::{Error, Result};

/// What an option takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A value, glued or the next argument.
    Value,
    /// A value, only glued.
    Glued,
}

/// An option: its names apart by spaces, single letters are short; the first long one is its key.
pub type Spec = (&'static str, Takes);

/// One option as it was given.
struct Given {
    key: &'static str,
    negated: bool,
    value: Option<BString>,
}

/// The arguments of a command, taken apart.
pub struct Parsed {
    given: Vec<Given>,
    /// What is no option.
    pub rest: Vec<BString>,
    /// How many of `rest` stood before `--`, where there was one.
    pub separator: Option<usize>,
}

impl Parsed {
    /// Whether the option was given, and not taken back later.
    pub fn has(&self, key: &str) -> bool {
        self.given.iter().rev().find(|given| given.key == key).is_some_and(|given| !given.negated)
    }

    /// Whether `--no-…` was the last word on it.
    pub fn negated(&self, key: &str) -> bool {
        self.given.iter().rev().find(|given| given.key == key).is_some_and(|given| given.negated)
    }

    /// The last value of an option.
    pub fn value(&self, key: &str) -> Option<&BStr> {
        let last = self.given.iter().rev().find(|given| given.key == key)?;
        last.value.as_ref().map(|value| value.as_bstr())
    }

    /// All values of an option.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a BStr> {
        self.given
            .iter()
            .filter(move |given| given.key == key && !given.negated)
            .filter_map(|given| given.value.as_ref().map(|value| value.as_bstr()))
    }

    /// How often an option was given.
    pub fn count(&self, key: &str) -> usize {
        self.given.iter().filter(|given| given.key == key && !given.negated).count()
    }

    /// The key among `keys` that was given last.
    pub fn last_of<'a>(&self, keys: &[&'a str]) -> Option<&'a str> {
        let last = self.given.iter().rev().find(|given| !given.negated && keys.contains(&given.key))?;
        keys.iter().find(|key| **key == last.key).copied()
    }

    /// The value of an option as a number.
    pub fn number(&self, key: &str) -> Result<Option<usize>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.to_str().ok().and_then(|text| text.parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(Error::Failed(format!("option `{key}' expects a numerical value"), 129)),
        }
    }
}

fn key_of(names: &'static str) -> &'static str {
    names.split(' ').find(|name| name.len() > 1).or_else(|| names.split(' ').next()).unwrap_or(names)
}

fn find_long(specs: &[Spec], name: &str) -> std::result::Result<Option<(Spec, bool)>, String> {
    let longs = |wanted: &str, exact: bool| -> Vec<(Spec, &'static str)> {
        let mut found = Vec::new();
        for spec in specs {
            for long in spec.0.split(' ').filter(|long| long.len() > 1) {
                if long == wanted || (!exact && long.starts_with(wanted)) {
                    found.push((*spec, long));
                }
            }
        }
        found
    };
    for exact in [true, false] {
        let found = longs(name, exact);
        if found.len() > 1 && !exact && found.iter().any(|one| one.0.0 != found[0].0.0) {
            return Err(format!(
                "ambiguous option: {name} (could be --{} or --{})",
                found[0].1,
                found.last().map_or("", |one| one.1)
            ));
        }
        if let Some(one) = found.first() {
            return Ok(Some((one.0, false)));
        }
        if let Some(positive) = name.strip_prefix("no-")
            && let Some(one) = longs(positive, exact).first()
        {
            return Ok(Some((one.0, true)));
        }
    }
    Ok(None)
}

/// Takes arguments apart; `usage` is the line that is shown for those that are not understood.
pub fn parse(arguments: &[BString], specs: &[Spec], usage: &str) -> Result<Parsed> {
    parse_until(arguments, specs, usage, false)
}

/// Like [`parse`]; with `stop`, the first argument that is no option ends the options.
pub fn parse_until(arguments: &[BString], specs: &[Spec], usage: &str, stop: bool) -> Result<Parsed> {
    let mut parsed = Parsed { given: Vec::new(), rest: Vec::new(), separator: None };
    let unknown = |text: String| Error::Text(format!("error: {text}\nusage: {usage}\n"), 129);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            parsed.separator = Some(parsed.rest.len());
            parsed.rest.extend(arguments.cloned());
            break;
        }
        if let Some(long) = argument.strip_prefix(b"--") {
            let (name, glued) = match long.find_byte(b'=') {
                Some(at) => (&long[..at], Some(BString::from(&long[at + 1..]))),
                None => (long, None),
            };
            let name = name.to_str_lossy();
            let found = find_long(specs, &name)
                .map_err(|text| Error::Text(format!("error: {text}\nusage: {usage}\n"), 129))?;
            let Some((spec, negated)) = found else {
                if name == "help" {
                    return Err(Error::Text(format!("usage: {usage}\n"), 129));
                }
                return Err(unknown(format!("unknown option `{}'", long.to_str_lossy())));
            };
            let key = key_of(spec.0);
            let value = match (spec.1, glued) {
                (_, Some(_)) if negated => {
                    return Err(Error::Failed(format!("option `{name}' takes no value"), 129));
                }
                (Takes::Nothing, Some(_)) => {
                    return Err(Error::Failed(format!("option `{name}' takes no value"), 129));
                }
                (Takes::Nothing, None) => None,
                (_, Some(value)) => Some(value),
                (Takes::Value, None) if !negated => match arguments.next() {
                    Some(value) => Some(value.clone()),
                    None => {
                        return Err(Error::Failed(format!("option `{name}' requires a value"), 129));
                    }
                },
                _ => None,
            };
            parsed.given.push(Given { key, negated, value });
        } else if argument.starts_with(b"-") && argument.len() > 1 {
            let letters: &[u8] = &argument[1..];
            let mut at = 0;
            while let Some(&letter) = letters.get(at) {
                at += 1;
                let wanted = char::from(letter).to_string();
                let Some(spec) = specs.iter().find(|spec| spec.0.split(' ').any(|name| name == wanted))
                else {
                    if letter == b'h' {
                        return Err(Error::Text(format!("usage: {usage}\n"), 129));
                    }
                    return Err(unknown(format!("unknown switch `{wanted}'")));
                };
                let glued = letters.get(at..).filter(|glued| !glued.is_empty()).map(BString::from);
                let value = match (spec.1, glued) {
                    (Takes::Nothing, _) => None,
                    (_, Some(value)) => {
                        at = letters.len();
                        Some(value)
                    }
                    (Takes::Glued, None) => None,
                    (Takes::Value, None) => match arguments.next() {
                        Some(value) => Some(value.clone()),
                        None => {
                            return Err(Error::Failed(format!("switch `{wanted}' requires a value"), 129));
                        }
                    },
                };
                parsed.given.push(Given { key: key_of(spec.0), negated: false, value });
            }
        } else {
            parsed.rest.push(argument.clone());
            if stop {
                parsed.rest.extend(arguments.cloned());
                break;
            }
        }
    }
    Ok(parsed)
}
