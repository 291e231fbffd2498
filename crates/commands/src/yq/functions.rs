//! The functions of one node: its parts, its properties, its place; and what `call` does with values.

use std::collections::HashSet;
use std::rc::Rc;

use super::dates;
use super::eval::{Scope, Yq};
use super::formats;
use super::node::{Id, Kind, Res, Step, fault, style};
use super::scalars::{integer, number};

impl Yq {
    /// A function without arguments.
    pub(super) fn plain(&mut self, name: &str, id: Id, scope: &Scope, found: &mut Vec<Id>) -> Res<()> {
        let real = self.tree.real(id);
        let node = self.tree.n(real).clone();
        let new = match name {
            "length" => {
                let length = match node.kind {
                    Kind::Map => node.content.len() / 2,
                    Kind::Seq => node.content.len(),
                    _ if self.tree.is_null(real) => 0,
                    _ => node.value.chars().count(),
                };
                self.tree.int(length as i64)
            }
            "keys" => {
                let seq = self.tree.seq();
                match node.kind {
                    Kind::Map => {
                        for (key, _) in self.resolved(real, 0) {
                            let key = self.tree.copy(key)?;
                            let plain = self.tree.m(key);
                            (plain.head, plain.side, plain.foot) = (None, None, None);
                            self.tree.push(seq, key);
                        }
                    }
                    Kind::Seq => {
                        for index in 0..node.content.len() {
                            let index = self.tree.int(index as i64);
                            self.tree.push(seq, index);
                        }
                    }
                    _ => {
                        return fault(format!(
                            "cannot get keys of {}, keys only works for maps and arrays",
                            self.tree.core_tag(real)
                        ));
                    }
                }
                seq
            }
            "to_entries" | "toEntries" => {
                if self.tree.is_null(real) {
                    return Ok(());
                }
                self.entry_list(id)?
            }
            "from_entries" | "fromEntries" => {
                let entries = self.splat(id);
                let map = self.entries_map(&entries)?;
                self.tree.m(map).style = node.style;
                map
            }
            "reverse" | "shuffle" | "sort" | "unique" => {
                if self.tree.is_null(real) {
                    found.push(id);
                    return Ok(());
                }
                if node.kind != Kind::Seq {
                    return fault(format!(
                        "node at path [{}] is not an array (it's a {})",
                        self.path_text(id),
                        self.tree.core_tag(real)
                    ));
                }
                let mut members = node.content.clone();
                match name {
                    "reverse" => members.reverse(),
                    "sort" => members.sort_by(|a, b| self.order(*a, *b)),
                    "shuffle" => {
                        let mut bytes = vec![0; members.len() * 8];
                        self.ctx.random(&mut bytes);
                        let mut random = bytes
                            .chunks_exact(8)
                            .map(|part| part.iter().fold(0, |n, b| n << 8 | u64::from(*b)));
                        for at in (1..members.len()).rev() {
                            members.swap(at, (random.next().unwrap_or(0) % (at as u64 + 1)) as usize);
                        }
                    }
                    _ => {
                        let mut seen = HashSet::new();
                        let mut kept = Vec::new();
                        for member in members {
                            let mut text = self.tree.core_tag(member).to_owned();
                            if !self.tree.is_null(member) {
                                text.push_str(&formats::compact_json(self, member)?);
                            }
                            if seen.insert(text) {
                                kept.push(member);
                            }
                        }
                        members = kept;
                    }
                }
                let seq = self.tree.shell(real);
                for member in members {
                    let member = self.tree.copy(member)?;
                    self.tree.push(seq, member);
                }
                seq
            }
            "min" | "max" | "first" | "last" => {
                let members = self.splat(id);
                let chosen = match name {
                    "min" => {
                        members.iter().copied().reduce(|a, b| if self.order(b, a).is_lt() { b } else { a })
                    }
                    "max" => {
                        members.iter().copied().reduce(|a, b| if self.order(b, a).is_gt() { b } else { a })
                    }
                    "first" => members.first().copied(),
                    _ => members.last().copied(),
                };
                found.extend(chosen);
                return Ok(());
            }
            "add" => {
                let mut sum = self.tree.null();
                for member in self.splat(id) {
                    let merge = super::parse::Merge::default();
                    if let Some(next) =
                        self.operate(super::parse::Op::Add, merge, Some(sum), Some(member), scope)?
                    {
                        sum = next;
                    }
                }
                sum
            }
            "flatten" => self.flatten(real, -1)?,
            "any" | "all" => {
                let members = self.splat(id);
                let mut truths = members.iter().map(|id| self.tree.truthy(*id));
                let value = if name == "any" { truths.any(|truth| truth) } else { truths.all(|truth| truth) };
                self.tree.boolean(value)
            }
            "not" => {
                let value = !self.tree.truthy(id);
                self.tree.boolean(value)
            }
            "pivot" => self.pivot(real)?,
            "array_to_map" => {
                let map = self.tree.map();
                for (index, member) in self.splat(id).into_iter().enumerate() {
                    if !self.tree.is_null(member) {
                        let key = self.tree.int(index as i64);
                        let member = self.tree.copy(member)?;
                        self.tree.put(map, key, member);
                    }
                }
                map
            }
            "path" => {
                let seq = self.tree.seq();
                for step in self.tree.path(id) {
                    let step = match step {
                        Step::Index(index) => self.tree.int(i64::from(index)),
                        Step::Key(key) => {
                            let (value, tag) =
                                (Rc::clone(&self.tree.n(key).value), Rc::clone(&self.tree.n(key).tag));
                            let new = self.tree.string(value);
                            self.tree.m(new).tag = tag;
                            new
                        }
                    };
                    self.tree.push(seq, step);
                }
                seq
            }
            "parent" => {
                found.extend(self.tree.n(id).parent);
                return Ok(());
            }
            "parents" => {
                let seq = self.tree.seq();
                let mut at = self.tree.n(id).parent;
                while let Some(parent) = at {
                    let copy = self.tree.copy(parent)?;
                    at = self.tree.n(parent).parent;
                    self.tree.push(seq, copy);
                }
                seq
            }
            "key" => {
                found.extend(self.tree.key_node(id));
                return Ok(());
            }
            "is_key" => {
                let value = self.tree.n(id).is_key;
                self.tree.boolean(value)
            }
            "line" => {
                let line = self.tree.n(id).line;
                self.tree.int(i64::from(line))
            }
            "column" => {
                let column = self.tree.n(id).column;
                self.tree.int(i64::from(column))
            }
            "kind" => self.tree.string(match self.tree.n(id).kind {
                Kind::Map => "map",
                Kind::Seq => "seq",
                Kind::Scalar => "scalar",
                Kind::Alias => "alias",
            }),
            "type" | "tag" => {
                let own = self.tree.n(id);
                let tag =
                    if own.tag.is_empty() { self.tree.core_tag(id).to_owned() } else { own.tag.to_string() };
                self.tree.string(tag)
            }
            "style" => {
                let own = self.tree.n(id).style;
                let names = [
                    (style::TAGGED, "tagged"),
                    (style::DOUBLE, "double"),
                    (style::SINGLE, "single"),
                    (style::LITERAL, "literal"),
                    (style::FOLDED, "folded"),
                    (style::FLOW, "flow"),
                ];
                let name = names.iter().find(|(bit, _)| own & bit != 0).map_or("", |(_, name)| name);
                self.tree.string(name)
            }
            "anchor" => {
                let anchor = self.tree.n(id).anchor.clone();
                self.tree.string(anchor.unwrap_or_default())
            }
            "alias" => {
                let own = self.tree.n(id);
                let name = if own.kind == Kind::Alias { Rc::clone(&own.value) } else { Rc::from("") };
                self.tree.string(name)
            }
            "line_comment" | "lineComment" | "head_comment" | "headComment" | "foot_comment"
            | "footComment" => {
                let own = self.tree.n(id);
                let text = match name.get(..1) {
                    Some("l") => own.side.clone(),
                    Some("f") => own.foot.clone(),
                    _ => own.head.clone().or_else(|| own.leading.clone()),
                };
                let text = text.as_deref().unwrap_or_default();
                let text = bare_comment(text.strip_suffix('\n').unwrap_or(text));
                self.tree.string(text)
            }
            "document_index" | "documentIndex" | "di" => self.tree.int(i64::from(self.tree.n(id).doc)),
            "file_index" | "fileIndex" | "fi" => self.tree.int(i64::from(self.tree.n(id).file)),
            "filename" => {
                let name = self.files.get(self.tree.n(id).file as usize).cloned().unwrap_or_default();
                self.tree.string(name)
            }
            "to_number" | "tonumber" => self.numeric(id)?,
            "to_string" | "tostring" => {
                let text = self.as_text(id)?;
                self.tree.string(text)
            }
            "upcase" | "ascii_upcase" | "downcase" | "ascii_downcase" | "trim" | "ltrim" | "rtrim" => {
                if node.kind != Kind::Scalar || self.tree.core_tag(real) != "!!str" {
                    return fault(format!(
                        "cannot {name} {}, can only operate on strings",
                        self.tree.core_tag(real)
                    ));
                }
                let text = match name {
                    "trim" => node.value.trim().to_owned(),
                    "ltrim" => node.value.trim_start().to_owned(),
                    "rtrim" => node.value.trim_end().to_owned(),
                    "upcase" | "ascii_upcase" => node.value.to_uppercase(),
                    _ => node.value.to_lowercase(),
                };
                let new = self.tree.shell(real);
                self.tree.m(new).value = Rc::from(text);
                new
            }
            "from_unix" => {
                let seconds = number(&node.value).unwrap_or(f64::NAN);
                let moment = dates::from_unix(seconds)?.with_time_zone(crate::time::zone(&self.ctx));
                let text = dates::format(&moment, scope.layout.as_deref().unwrap_or(dates::RFC3339));
                self.tree.guess(&text)
            }
            "to_unix" => {
                let moment = dates::parse(&node.value, scope.layout.as_deref())?;
                self.tree.int(moment.timestamp().as_second())
            }
            _ => return fault(format!("bad expression, unknown function '{name}'")),
        };
        if self.tree.n(new).parent.is_none() {
            self.like(new, Some(id));
        }
        found.push(new);
        Ok(())
    }

    pub(super) fn path_text(&self, id: Id) -> String {
        let steps: Vec<String> = self
            .tree
            .path(id)
            .into_iter()
            .map(|step| match step {
                Step::Index(index) => index.to_string(),
                Step::Key(key) => self.tree.n(key).value.to_string(),
            })
            .collect();
        steps.join(".")
    }

    pub(super) fn entry_list(&mut self, id: Id) -> Res {
        let real = self.tree.real(id);
        let seq = self.tree.seq();
        self.like(seq, Some(id));
        let pairs: Vec<(Id, Id)> = match self.tree.n(real).kind {
            Kind::Map => self.resolved(real, 0),
            Kind::Seq => {
                let members = self.tree.n(real).content.clone();
                members
                    .into_iter()
                    .enumerate()
                    .map(|(index, member)| (self.tree.int(index as i64), member))
                    .collect()
            }
            _ => return fault(format!("{} has no keys", self.tree.core_tag(real))),
        };
        for (key, value) in pairs {
            let entry = self.tree.map();
            let (key, value) = (self.tree.copy(key)?, self.tree.copy(value)?);
            self.tree.put_named(entry, "key", key);
            self.tree.put_named(entry, "value", value);
            self.tree.push(seq, entry);
        }
        Ok(seq)
    }

    pub(super) fn entries_map(&mut self, entries: &[Id]) -> Res {
        let map = self.tree.map();
        for entry in entries {
            let entry = self.tree.real(*entry);
            let get = |names: [&str; 2]| names.iter().find_map(|name| self.tree.get(entry, name));
            let (Some(key), value) = (get(["key", "name"]), get(["value", "Value"])) else {
                return fault("from_entries: expected to find a 'key' entry");
            };
            let key = self.tree.copy(key)?;
            let value = match value {
                Some(value) => self.tree.copy(value)?,
                None => self.tree.null(),
            };
            let name = Rc::clone(&self.tree.n(key).value);
            match self.tree.get(map, &name) {
                Some(old) => self.tree.assign(old, value, true)?,
                None => self.tree.put(map, key, value),
            }
        }
        Ok(map)
    }

    pub(super) fn has(&mut self, id: Id, key: Id) -> Res<bool> {
        let wanted = Rc::clone(&self.tree.n(key).value);
        Ok(match self.tree.n(id).kind {
            Kind::Map => {
                let entries = self.resolved(id, 0);
                entries.into_iter().any(|(key, _)| self.tree.n(self.tree.real(key)).value == wanted)
            }
            Kind::Seq => {
                let length = self.tree.n(id).content.len() as i64;
                integer(&wanted).is_some_and(|index| (0..length).contains(&index))
            }
            _ => false,
        })
    }

    pub(super) fn contains(&self, left: Id, right: Id, depth: usize) -> Res<bool> {
        self.tree.visit(depth)?;
        let (left, right) = (self.tree.real(left), self.tree.real(right));
        let (a, b) = (self.tree.n(left), self.tree.n(right));
        if a.kind == Kind::Seq {
            // A single value is looked for as a member.
            let wanted = if b.kind == Kind::Seq { b.content.clone() } else { vec![right] };
            for one in wanted {
                let mut found = false;
                for member in &a.content {
                    found = found
                        || self.tree.n(self.tree.real(*member)).kind == self.tree.n(self.tree.real(one)).kind
                            && self.contains(*member, one, depth + 1)?;
                }
                if !found {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        if a.kind != b.kind {
            return fault(format!(
                "{} cannot check contained in {}",
                self.tree.core_tag(right),
                self.tree.core_tag(left)
            ));
        }
        if a.kind == Kind::Map {
            for (key, value) in self.tree.entries(right) {
                match self.tree.get(left, &self.tree.n(key).value) {
                    Some(mine) if self.contains(mine, value, depth + 1)? => {}
                    _ => return Ok(false),
                }
            }
            return Ok(true);
        }
        if self.tree.core_tag(left) == "!!str" && self.tree.core_tag(right) == "!!str" {
            return Ok(a.value.contains(&*b.value));
        }
        self.tree.same(left, right, depth.max(1))
    }
}

/// A comment without its signs.
fn bare_comment(text: &str) -> String {
    let lines: Vec<&str> = text
        .split('\n')
        .filter(|line| line.trim() != "---")
        .map(|line| {
            let line = line.trim_start();
            let line = line.strip_prefix('#').unwrap_or(line);
            line.strip_prefix(' ').unwrap_or(line)
        })
        .collect();
    lines.join("\n")
}
