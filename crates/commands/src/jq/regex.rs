//! Regular expressions in jq's dialect (Oniguruma's Perl syntax), on `fancy-regex`.

use std::rc::Rc;

use super::value::{Members, Value};

/// A compiled expression and how it is to be applied.
pub(crate) struct Pattern {
    regex: fancy_regex::Regex,
    global: bool,
    skip_empty: bool,
    names: Vec<Option<Rc<String>>>,
}

/// A match: where each group lies in the bytes, the whole first.
pub(crate) struct Found {
    pub(crate) groups: Vec<Option<(usize, usize)>>,
}

impl Found {
    pub(crate) fn whole(&self) -> (usize, usize) {
        self.groups.first().copied().flatten().unwrap_or((0, 0))
    }
}

impl Pattern {
    pub(crate) fn new(text: &str, flags: &str) -> Result<Pattern, String> {
        let (mut global, mut skip_empty) = (false, false);
        let mut letters = String::new();
        for flag in flags.chars() {
            match flag {
                'g' => global = true,
                'n' => skip_empty = true,
                'i' | 'x' => letters.push(flag),
                'p' => letters.push('s'),
                // `^` and `$` mean the whole text anyway; the leftmost match is taken.
                's' | 'l' => {}
                _ => return Err(format!("{flags} is not a valid modifier string")),
            }
        }
        let mut source = String::new();
        if !letters.is_empty() {
            source.push_str(&format!("(?{letters})"));
        }
        translate(text, &mut source);
        let regex = fancy_regex::Regex::new(&source)
            .map_err(|error| format!("Regex failure: {}", plain_error(&error)))?;
        let names = regex.capture_names().map(|name| name.map(|name| Rc::new(name.to_owned()))).collect();
        Ok(Pattern { regex, global, skip_empty, names })
    }

    /// Whether it matches anywhere.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, String> {
        if self.skip_empty {
            return Ok(!self.find(text, false)?.is_empty());
        }
        self.regex.is_match(text).map_err(|error| format!("Regex failure: {}", plain_error(&error)))
    }

    /// The first match, or all of them.
    pub(crate) fn find(&self, text: &str, all: bool) -> Result<Vec<Found>, String> {
        let mut found = Vec::new();
        let mut from = 0;
        while from <= text.len() {
            let captures = self
                .regex
                .captures_from_pos(text, from)
                .map_err(|error| format!("Regex failure: {}", plain_error(&error)))?;
            let Some(captures) = captures else { break };
            let groups: Vec<Option<(usize, usize)>> = (0..captures.len())
                .map(|index| captures.get(index).map(|group| (group.start(), group.end())))
                .collect();
            let this = Found { groups };
            let (start, end) = this.whole();
            from = if start == end {
                // Behind the letter that follows.
                end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
            } else {
                end
            };
            if !(self.skip_empty && start == end) {
                found.push(this);
                if !(self.global || all) {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// The groups that have names, as `capture` tells them.
    pub(crate) fn named(&self, text: &str, found: &Found) -> Value {
        let mut members = Members::default();
        for (name, group) in self.names.iter().zip(&found.groups).skip(1) {
            if let Some(name) = name {
                let value = group.and_then(|(from, to)| text.get(from..to));
                members.insert(Rc::clone(name), value.map_or(Value::Null, Value::string));
            }
        }
        Value::object(members)
    }

    /// Matches as `match` tells them.
    pub(crate) fn describe(&self, text: &str, all: Vec<Found>) -> Vec<Value> {
        let mut places = Places { text, ascii: text.is_ascii(), byte: 0, letter: 0 };
        let part = |places: &mut Places<'_>, group: Option<(usize, usize)>, members: &mut Members| {
            let (offset, length, string) = match group {
                Some((from, to)) => {
                    let piece = text.get(from..to).unwrap_or_default();
                    let length = if places.ascii { piece.len() } else { piece.chars().count() };
                    (places.of(from) as f64, length as f64, Value::string(piece))
                }
                None => (-1.0, 0.0, Value::Null),
            };
            let missing = group.is_none();
            members.insert(Rc::new("offset".into()), Value::Number(offset));
            if missing {
                members.insert(Rc::new("string".into()), string);
                members.insert(Rc::new("length".into()), Value::Number(length));
            } else {
                members.insert(Rc::new("length".into()), Value::Number(length));
                members.insert(Rc::new("string".into()), string);
            }
        };
        all.into_iter()
            .map(|found| {
                let mut members = Members::default();
                part(&mut places, found.groups.first().copied().flatten(), &mut members);
                let captures = found
                    .groups
                    .iter()
                    .zip(&self.names)
                    .skip(1)
                    .map(|(group, name)| {
                        let mut capture = Members::default();
                        part(&mut places, *group, &mut capture);
                        let name = name.as_ref().map_or(Value::Null, |name| Value::String(Rc::clone(name)));
                        capture.insert(Rc::new("name".into()), name);
                        Value::object(capture)
                    })
                    .collect();
                members.insert(Rc::new("captures".into()), Value::array(captures));
                Value::object(members)
            })
            .collect()
    }
}

/// Counts letters up to a byte, from where it was last asked.
struct Places<'a> {
    text: &'a str,
    ascii: bool,
    byte: usize,
    letter: usize,
}

impl Places<'_> {
    fn of(&mut self, byte: usize) -> usize {
        if self.ascii {
            return byte;
        }
        if byte < self.byte {
            (self.byte, self.letter) = (0, 0);
        }
        self.letter += self.text.get(self.byte..byte).unwrap_or_default().chars().count();
        self.byte = byte;
        self.letter
    }
}

/// `$` and `\Z` also match before a newline at the end.
fn translate(text: &str, out: &mut String) {
    const END: &str = "(?=\\n?\\z)";
    let mut letters = text.chars().peekable();
    let mut class = 0;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('Z') if class == 0 => out.push_str(END),
                Some('h') => out.push_str(if class == 0 { "[0-9a-fA-F]" } else { "0-9a-fA-F" }),
                Some(next) => {
                    out.push('\\');
                    out.push(next);
                }
                None => out.push('\\'),
            },
            '[' => {
                class += 1;
                out.push('[');
                if class == 1 {
                    if letters.next_if_eq(&'^').is_some() {
                        out.push('^');
                    }
                    if letters.next_if_eq(&']').is_some() {
                        out.push_str("\\]");
                    }
                }
            }
            ']' if class > 0 => {
                class -= 1;
                out.push(']');
            }
            '$' if class == 0 => out.push_str(END),
            other => out.push(other),
        }
    }
}

fn plain_error(error: &fancy_regex::Error) -> String {
    let text = error.to_string();
    if text.contains("paren") {
        return "end pattern with unmatched parenthesis".into();
    }
    text.lines().last().unwrap_or("invalid pattern").trim_start_matches("error: ").to_owned()
}
