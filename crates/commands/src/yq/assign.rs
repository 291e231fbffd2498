//! Assignments: of values, and of what a node has beside its value.

use std::rc::Rc;

use super::eval::{Scope, Yq, once};
use super::node::{Id, Kind, Res, fault, style};
use super::parse::{Attribute, Expr, Merge, Op};

impl Yq {
    pub(super) async fn assign(
        &mut self,
        what: Attribute,
        relative: bool,
        clobber: bool,
        left: &Expr,
        right: &Expr,
        scope: &Scope,
    ) -> Res<Vec<Id>> {
        if relative {
            for id in self.eval(left, scope).await? {
                let values = self.eval(right, &scope.reading(vec![id])).await?;
                if let Some(value) = values.first() {
                    self.set(what, id, *value, clobber)?;
                }
            }
            return Ok(scope.nodes.clone());
        }
        for group in self.groups(&scope.nodes) {
            let targets = self.eval(left, &scope.of(group.clone())).await?;
            let values = self.eval(right, &scope.reading(group)).await?;
            if let Some(value) = values.first() {
                // The value may be a part of what is changed.
                let value = self.tree.copy(*value)?;
                for id in targets {
                    self.set(what, id, value, clobber)?;
                }
            }
        }
        Ok(scope.nodes.clone())
    }

    pub(super) async fn change(
        &mut self,
        op: Op,
        merge: Merge,
        left: &Expr,
        right: &Expr,
        scope: &Scope,
    ) -> Res<Vec<Id>> {
        for group in self.groups(&scope.nodes) {
            let targets = self.eval(left, &scope.of(group.clone())).await?;
            let values = once(right, self.eval(right, &scope.reading(group)).await?);
            for id in targets {
                if op == Op::Alternative && self.tree.truthy(id) {
                    continue;
                }
                for value in &values {
                    let result = match op {
                        Op::Alternative => Some(*value),
                        _ => self.operate(op, merge, Some(id), Some(*value), scope)?,
                    };
                    if let Some(result) = result {
                        self.set(Attribute::Value, id, result, false)?;
                    }
                }
            }
        }
        Ok(scope.nodes.clone())
    }

    fn set(&mut self, what: Attribute, id: Id, value: Id, clobber: bool) -> Res<()> {
        if what == Attribute::Value {
            return self.tree.assign(id, value, clobber);
        }
        let text = Rc::clone(&self.tree.n(self.tree.real(value)).value);
        let comment = (!text.is_empty()).then(|| Rc::clone(&text));
        match what {
            Attribute::Style => {
                let value = match &*text {
                    "" => 0,
                    "tagged" => style::TAGGED,
                    "double" => style::DOUBLE,
                    "single" => style::SINGLE,
                    "literal" => style::LITERAL,
                    "folded" => style::FOLDED,
                    "flow" => style::FLOW,
                    other => return fault(format!("unknown style {other}")),
                };
                self.tree.m(id).style = value;
            }
            Attribute::Tag => {
                let node = self.tree.m(id);
                if &*text != "!!str" && node.kind == Kind::Scalar && text.starts_with("!!") {
                    node.style &= !style::QUOTED;
                }
                node.style &= !style::TAGGED;
                node.tag = text;
            }
            Attribute::Anchor => self.tree.m(id).anchor = comment,
            Attribute::Alias if text.is_empty() => {}
            Attribute::Alias => {
                let mut root = id;
                while let Some(parent) = self.tree.n(root).parent {
                    root = parent;
                }
                let mut all = Vec::new();
                self.descend(root, true, &mut all)?;
                let target = all.into_iter().find(|id| self.tree.n(*id).anchor.as_deref() == Some(&*text));
                let node = self.tree.m(id);
                (node.kind, node.target, node.value) = (Kind::Alias, target, text);
                (node.style, node.tag, node.content) = (0, Rc::from(""), Vec::new());
            }
            Attribute::Side => self.tree.m(id).side = comment,
            Attribute::Head => (self.tree.m(id).head, self.tree.m(id).leading) = (comment, None),
            Attribute::Foot => self.tree.m(id).foot = comment,
            Attribute::Comments => {
                let node = self.tree.m(id);
                node.head.clone_from(&comment);
                node.side.clone_from(&comment);
                (node.foot, node.leading) = (comment, None);
            }
            Attribute::Value => {}
        }
        Ok(())
    }
}
