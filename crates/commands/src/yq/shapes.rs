//! The functions that give a collection another shape: `pick`, `flatten`, `pivot`, `sort_keys`, `explode`.

use std::rc::Rc;

use super::eval::Yq;
use super::node::{Id, Kind, Res, fault};
use super::scalars::integer;

impl Yq {
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
    pub(super) fn pivot(&mut self, id: Id) -> Res {
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
                        None => self.tree.scalar("!!null", ""),
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
                    None => self.tree.scalar("!!null", ""),
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
}
