//! The functions of texts: parts, patterns, replacements.

use std::rc::Rc;

use super::eval::Yq;
use super::node::{Id, Kind, Res, fault};

impl Yq {
    /// Splits a text.
    pub(super) fn split_text(&mut self, text: &str, by: &str) -> Id {
        let seq = self.tree.seq();
        if by.is_empty() {
            for letter in text.chars() {
                let part = self.tree.string(letter.to_string());
                self.tree.push(seq, part);
            }
            return seq;
        }
        for part in text.split(by) {
            let part = self.tree.string(part);
            self.tree.push(seq, part);
        }
        seq
    }

    /// The functions of texts.
    pub(super) fn strings(&mut self, name: &str, id: Id, values: &[Id], found: &mut Vec<Id>) -> Res<()> {
        let real = self.tree.real(id);
        let argument = |at: usize| values.get(at).map(|id| Rc::clone(&self.tree.n(*id).value));
        let first = argument(0).unwrap_or_default();
        let second = argument(1);
        if name == "join" {
            let parts: Vec<String> = self
                .splat(id)
                .into_iter()
                .map(|part| {
                    if self.tree.is_null(part) {
                        String::new()
                    } else {
                        self.tree.n(self.tree.real(part)).value.to_string()
                    }
                })
                .collect();
            let new = self.tree.string(parts.join(&first));
            found.push(self.like(new, Some(id)));
            return Ok(());
        }
        let tag = self.tree.core_tag(real).to_owned();
        if tag == "!!null" {
            return Ok(());
        }
        let text = Rc::clone(&self.tree.n(real).value);
        if self.tree.n(real).kind != Kind::Scalar || tag != "!!str" && name == "split" {
            return fault(match name {
                "sub" => format!(
                    "cannot substitute with {tag}, can only substitute strings. Hint: Most often you'll want to use '|=' over '=' for this operation"
                ),
                "split" => format!("cannot split {tag}, can only split strings"),
                _ => format!(
                    "cannot match with {tag}, can only match strings. Hint: Most often you'll want to use '|=' over '=' for this operation"
                ),
            });
        }
        let new = match name {
            "split" => self.split_text(&text, &first),
            "startswith" => self.tree.boolean(text.starts_with(&*first)),
            "endswith" => self.tree.boolean(text.ends_with(&*first)),
            "ltrimstr" => self.tree.string(text.strip_prefix(&*first).unwrap_or(&text)),
            "rtrimstr" => self.tree.string(text.strip_suffix(&*first).unwrap_or(&text)),
            _ => {
                let regex = regex_automata::meta::Regex::new(&first).map_err(|error| {
                    super::node::Fault(format!("error parsing regexp: {error}: `{first}`"))
                })?;
                if name == "test" {
                    self.tree.boolean(regex.is_match(&*text))
                } else if name == "sub" {
                    let replaced = substitute(&regex, &text, &second.unwrap_or_default());
                    let new = self.tree.shell(real);
                    self.tree.m(new).value = Rc::from(replaced);
                    new
                } else {
                    let all = second.is_some_and(|flags| flags.contains('g'));
                    let results = self.matches(&regex, &text, name == "capture", all);
                    for new in results {
                        found.push(self.like(new, Some(id)));
                    }
                    return Ok(());
                }
            }
        };
        let custom = !self.tree.n(real).tag.starts_with("!!");
        if name != "sub" || !custom {
            self.like(new, Some(id));
        }
        found.push(new);
        Ok(())
    }

    fn matches(
        &mut self,
        regex: &regex_automata::meta::Regex,
        text: &str,
        capture: bool,
        all: bool,
    ) -> Vec<Id> {
        let mut found = Vec::new();
        let names: Vec<Option<String>> = regex
            .group_info()
            .pattern_names(regex_automata::PatternID::ZERO)
            .map(|name| name.map(String::from))
            .collect();
        let place = |at: usize| text.get(..at).map_or(0, |before| before.chars().count());
        for groups in regex.captures_iter(text).take(if all { usize::MAX } else { 1 }) {
            let map = self.tree.map();
            let seq = self.tree.seq();
            for (index, name) in names.iter().enumerate() {
                let span = groups.get_group(index);
                let part = span.and_then(|span| text.get(span.range()));
                let string = match part {
                    Some(part) => self.tree.string(part),
                    None => self.tree.null(),
                };
                if capture {
                    if let Some(name) = name {
                        self.tree.put_named(map, name, string);
                    }
                    continue;
                }
                let target = if index == 0 { map } else { self.tree.map() };
                let offset = self.tree.int(span.map_or(-1, |span| place(span.start) as i64));
                let length = self.tree.int(part.map_or(0, |part| part.chars().count() as i64));
                self.tree.put_named(target, "string", string);
                self.tree.put_named(target, "offset", offset);
                self.tree.put_named(target, "length", length);
                if index > 0 {
                    if let Some(name) = name {
                        let name = self.tree.string(name.as_str());
                        self.tree.put_named(target, "name", name);
                    }
                    self.tree.push(seq, target);
                }
            }
            if !capture {
                self.tree.put_named(map, "captures", seq);
            }
            found.push(map);
        }
        found
    }
}

/// Replaces all matches; `$1`, `${name}` in the replacement are groups, as in Go.
fn substitute(regex: &regex_automata::meta::Regex, text: &str, with: &str) -> String {
    let mut out = String::new();
    let mut last = 0;
    for groups in regex.captures_iter(text) {
        let Some(span) = groups.get_group(0) else { continue };
        out.push_str(text.get(last..span.start).unwrap_or_default());
        groups.interpolate_string_into(text, with, &mut out);
        last = span.end;
    }
    out.push_str(text.get(last..).unwrap_or_default());
    out
}
