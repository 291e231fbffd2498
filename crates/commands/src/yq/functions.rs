//! The functions of one node: its parts, its properties, its place; and what `call` does with values.

use std::collections::HashSet;
use std::rc::Rc;

use super::dates;
use super::eval::{Scope, Yq};
use super::formats;
use super::node::{Id, Kind, Res, Step, fault, integer, number, style};

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
                let text = bare_comment(text.as_deref().unwrap_or_default());
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

    pub(super) fn choose(&mut self, pick: bool, id: Id, keys: Id) -> Res {
        let result = self.tree.shell(id);
        let wanted = self.splat(keys);
        let names: Vec<Rc<str>> = wanted.iter().map(|key| Rc::clone(&self.tree.n(*key).value)).collect();
        match self.tree.n(id).kind {
            Kind::Map => {
                let entries = self.tree.entries(id);
                let chosen: Vec<(Id, Id)> = if pick {
                    let found =
                        |name: &Rc<str>| entries.iter().find(|(key, _)| self.tree.n(*key).value == *name);
                    names.iter().filter_map(found).copied().collect()
                } else {
                    entries.into_iter().filter(|(key, _)| !names.contains(&self.tree.n(*key).value)).collect()
                };
                for (key, value) in chosen {
                    let (key, value) = (self.tree.copy(key)?, self.tree.copy(value)?);
                    self.tree.put(result, key, value);
                }
            }
            Kind::Seq => {
                let members = self.tree.n(id).content.clone();
                let indices: Vec<usize> =
                    names.iter().filter_map(|name| usize::try_from(integer(name)?).ok()).collect();
                let chosen: Vec<Id> = if pick {
                    indices.iter().filter_map(|index| members.get(*index)).copied().collect()
                } else {
                    let kept = members.iter().enumerate().filter(|(index, _)| !indices.contains(index));
                    kept.map(|(_, member)| *member).collect()
                };
                for member in chosen {
                    let member = self.tree.copy(member)?;
                    self.tree.push(result, member);
                }
            }
            _ => return fault(format!("cannot pick indices from type {}", self.tree.core_tag(id))),
        }
        Ok(result)
    }

    pub(super) fn flatten(&mut self, id: Id, depth: i64) -> Res {
        if self.tree.n(id).kind != Kind::Seq {
            return fault("only arrays are supported for flatten");
        }
        let result = self.tree.shell(id);
        let mut list: Vec<(Id, i64)> = self.tree.n(id).content.iter().rev().map(|id| (*id, 0)).collect();
        while let Some((member, at)) = list.pop() {
            let real = self.tree.real(member);
            if self.tree.n(real).kind == Kind::Seq && (depth < 0 || at < depth) {
                list.extend(self.tree.n(real).content.iter().rev().map(|id| (*id, at + 1)));
                continue;
            }
            let member = self.tree.copy(member)?;
            self.tree.push(result, member);
        }
        Ok(result)
    }

    /// Rows into columns: sequences of sequences, or of maps.
    fn pivot(&mut self, id: Id) -> Res {
        let rows = self.splat(id);
        let is_map = rows.first().is_some_and(|row| self.tree.n(self.tree.real(*row)).kind == Kind::Map);
        if is_map {
            let mut names: Vec<Rc<str>> = Vec::new();
            for row in &rows {
                for (key, _) in self.tree.entries(self.tree.real(*row)) {
                    let name = Rc::clone(&self.tree.n(key).value);
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
            let map = self.tree.map();
            for name in names {
                let seq = self.tree.seq();
                for row in &rows {
                    let value = match self.tree.get(self.tree.real(*row), &name) {
                        Some(value) => self.tree.copy(value)?,
                        None => self.tree.null(),
                    };
                    self.tree.push(seq, value);
                }
                self.tree.put_named(map, &name, seq);
            }
            return Ok(map);
        }
        let width = rows.iter().map(|row| self.tree.n(self.tree.real(*row)).content.len()).max().unwrap_or(0);
        let result = self.tree.seq();
        for column in 0..width {
            let seq = self.tree.seq();
            for row in &rows {
                let value = match self.tree.n(self.tree.real(*row)).content.get(column).copied() {
                    Some(value) => self.tree.copy(value)?,
                    None => self.tree.null(),
                };
                self.tree.push(seq, value);
            }
            self.tree.push(result, seq);
        }
        Ok(result)
    }

    pub(super) fn sort_keys(&mut self, id: Id) {
        if self.tree.n(id).kind != Kind::Map {
            return;
        }
        let mut entries = self.tree.entries(id);
        entries.sort_by(|(a, _), (b, _)| self.tree.n(*a).value.cmp(&self.tree.n(*b).value));
        self.tree.set_content(id, entries.into_iter().flat_map(|(key, value)| [key, value]).collect());
    }

    /// Puts what aliases stand for in their places, and takes the anchors away.
    pub(super) fn explode(&mut self, id: Id, depth: usize) -> Res<()> {
        self.tree.visit(depth)?;
        self.tree.check()?;
        match self.tree.n(id).kind {
            Kind::Alias => {
                let target = self.tree.real(id);
                if target == id {
                    return Ok(());
                }
                let mut above = Some(id);
                while let Some(at) = above {
                    if at == target {
                        return fault(format!("the anchor {} contains itself", self.tree.n(id).value));
                    }
                    above = self.tree.n(at).parent;
                }
                let copy = self.tree.copy(target)?;
                self.explode(copy, depth + 1)?;
                let source = self.tree.n(copy).clone();
                let node = self.tree.m(id);
                (node.kind, node.tag, node.style) = (source.kind, source.tag, source.style);
                (node.value, node.target, node.anchor) = (source.value, None, None);
                self.tree.set_content(id, source.content);
            }
            Kind::Scalar => self.tree.m(id).anchor = None,
            Kind::Seq => {
                self.tree.m(id).anchor = None;
                for member in self.tree.n(id).content.clone() {
                    self.explode(member, depth + 1)?;
                }
            }
            Kind::Map => {
                self.tree.m(id).anchor = None;
                let entries = self.tree.entries(id);
                let mut all: indexmap::IndexMap<Rc<str>, (Id, Id), foldhash::fast::FixedState> =
                    indexmap::IndexMap::default();
                for (key, value) in entries {
                    if &*self.tree.n(key).tag != "!!merge" {
                        self.explode(key, depth + 1)?;
                        self.explode(value, depth + 1)?;
                        all.insert(Rc::clone(&self.tree.n(key).value), (key, value));
                        continue;
                    }
                    let real = self.tree.real(value);
                    let mut sources = match self.tree.n(real).kind {
                        Kind::Seq => self.tree.n(real).content.clone(),
                        _ => vec![value],
                    };
                    sources.reverse();
                    for source in sources {
                        let real = self.tree.real(source);
                        if self.tree.n(real).kind != Kind::Map {
                            return fault(format!(
                                "can only use merge anchors with maps (!!map), but got {}",
                                self.tree.core_tag(real)
                            ));
                        }
                        let copy = self.tree.copy(real)?;
                        self.explode(copy, depth + 1)?;
                        for (key, value) in self.tree.entries(copy) {
                            let name = Rc::clone(&self.tree.n(key).value);
                            match all.get(&name) {
                                Some((old, _)) if !self.settings.fix_merge => all.insert(name, (*old, value)),
                                Some(_) => None,
                                None => all.insert(name, (key, value)),
                            };
                        }
                    }
                }
                self.tree.set_content(id, all.into_values().flat_map(|(key, value)| [key, value]).collect());
            }
        }
        Ok(())
    }

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
