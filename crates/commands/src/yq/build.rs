//! Texts, sequences and maps that an expression makes.

use std::rc::Rc;

use super::eval::{Scope, Yq};
use super::node::{Id, Res};
use super::parse::{Expr, Part};

impl Yq {
    pub(super) async fn text(&mut self, parts: &[Part], scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for owner in self.owners(scope) {
            let inner = scope.reading(owner.into_iter().collect());
            let mut text = String::new();
            for part in parts {
                match part {
                    Part::Text(part) => text.push_str(part),
                    Part::Inner(expr) => {
                        for id in self.eval(expr, &inner).await? {
                            text.push_str(&self.as_text(id)?);
                        }
                    }
                }
            }
            let new = self.tree.string(text);
            found.push(self.like(new, owner));
        }
        Ok(found)
    }

    pub(super) async fn array(&mut self, inner: Option<&Expr>, scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for group in self.groups(&scope.nodes) {
            let seq = self.tree.seq();
            self.like(seq, group.first().copied());
            if let Some(inner) = inner {
                for id in self.eval(inner, &scope.of(group)).await? {
                    let copy = self.tree.copy(id)?;
                    self.tree.m(copy).together = false;
                    self.tree.m(copy).leading = None;
                    self.tree.push(seq, copy);
                }
            }
            found.push(seq);
        }
        Ok(found)
    }

    pub(super) async fn object(&mut self, entries: &[(Expr, Expr)], scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for owner in self.owners(scope) {
            let inner = scope.of(owner.into_iter().collect());
            let map = self.tree.map();
            let mut maps = vec![self.like(map, owner)];
            for (key, value) in entries {
                let keys = self.eval(key, &inner).await?;
                let values = self.eval(value, &inner).await?;
                let mut next = Vec::new();
                let last = maps.len() * keys.len() * values.len();
                for map in &maps {
                    for key in &keys {
                        for value in &values {
                            let map = if last == maps.len() { *map } else { self.tree.copy(*map)? };
                            let name = Rc::clone(&self.tree.n(self.tree.real(*key)).value);
                            let value = self.tree.copy(*value)?;
                            self.tree.m(value).leading = None;
                            match self.tree.get(map, &name) {
                                Some(old) => self.tree.assign(old, value, true)?,
                                None => {
                                    let key = self.tree.copy(*key)?;
                                    self.tree.put(map, key, value);
                                }
                            }
                            next.push(map);
                        }
                    }
                }
                maps = next;
                self.ctx.ticks(maps.len() as u32).await;
            }
            found.extend(maps);
        }
        Ok(found)
    }
}
