//! The operators of two values: sums, merges, comparisons.

use std::cmp::Ordering;
use std::rc::Rc;

use super::dates;
use super::eval::{Scope, Yq};
use super::node::{Id, Kind, MAX_DEPTH, Res, Tree, fault, style, too_deep};
use super::parse::{Merge, Op};
use super::scalars::{float_text, integer, number};
use super::steps::matches;

impl Yq {
    /// The result of an operator; a side that has no results is `None`.
    pub(super) fn operate(
        &mut self,
        op: Op,
        merge: Merge,
        left: Option<Id>,
        right: Option<Id>,
        scope: &Scope,
    ) -> Res<Option<Id>> {
        let null = |tree: &mut Tree, id: Option<Id>| id.unwrap_or_else(|| tree.null());
        match op {
            Op::And | Op::Or => {
                let truth = |id: Option<Id>| id.is_some_and(|id| self.tree.truthy(id));
                let value =
                    if op == Op::And { truth(left) && truth(right) } else { truth(left) || truth(right) };
                return Ok(Some(self.tree.boolean(value)));
            }
            Op::Equal | Op::Unequal => {
                let (left, right) = (null(&mut self.tree, left), null(&mut self.tree, right));
                let equal = self.equal(left, right)?;
                return Ok(Some(self.tree.boolean(equal == (op == Op::Equal))));
            }
            Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => {
                let (left, right) = (null(&mut self.tree, left), null(&mut self.tree, right));
                let value = self.compares(op, left, right)?;
                return Ok(Some(self.tree.boolean(value)));
            }
            _ => {}
        }
        let (left, right) = match (left, right) {
            (None, None) => return Ok(None),
            (Some(one), None) | (None, Some(one)) => return self.tree.copy(one).map(Some),
            (Some(left), Some(right)) => (left, right),
        };
        let (left, right) = (self.tree.real(left), self.tree.real(right));
        let result = match op {
            Op::Add => self.add(left, right, scope)?,
            Op::Subtract => self.subtract(left, right, scope)?,
            Op::Multiply => self.multiply(left, right, merge)?,
            Op::Divide => self.divide(left, right)?,
            Op::Modulo => self.modulo(left, right)?,
            _ => left,
        };
        Ok(Some(result))
    }

    fn equal(&self, left: Id, right: Id) -> Res<bool> {
        let (left, right) = (self.tree.real(left), self.tree.real(right));
        let (a, b) = (self.tree.n(left), self.tree.n(right));
        if a.kind == Kind::Scalar
            && b.kind == Kind::Scalar
            && b.value.contains(['*', '?'])
            && !self.tree.is_null(left)
        {
            return Ok(matches(&a.value, &b.value));
        }
        self.tree.same(left, right, 0)
    }

    fn compares(&mut self, op: Op, left: Id, right: Id) -> Res<bool> {
        let (left, right) = (self.tree.real(left), self.tree.real(right));
        let or_equal = matches!(op, Op::LessEqual | Op::GreaterEqual);
        match (self.tree.is_null(left), self.tree.is_null(right)) {
            (true, true) => return Ok(or_equal),
            (true, false) | (false, true) => return Ok(false),
            _ => {}
        }
        let (a, b) = (self.tree.core_tag(left), self.tree.core_tag(right));
        let (x, y) = (&self.tree.n(left).value, &self.tree.n(right).value);
        let order = match (a, b) {
            _ if self.tree.n(left).kind != Kind::Scalar || self.tree.n(right).kind != Kind::Scalar => {
                return fault(format!("{a} not yet supported for comparison"));
            }
            ("!!timestamp", _) | (_, "!!timestamp") => dates::parse(x, None)?.cmp(&dates::parse(y, None)?),
            ("!!str", "!!str") => x.cmp(y),
            _ => match (number(x), number(y)) {
                (Some(x), Some(y)) => match x.partial_cmp(&y) {
                    Some(order) => order,
                    None => return Ok(false),
                },
                _ => return fault(format!("cannot compare {a} with {b}")),
            },
        };
        Ok(match op {
            Op::Less => order == Ordering::Less,
            Op::LessEqual => order != Ordering::Greater,
            Op::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        })
    }

    /// A scalar in the place of another: its tag stays if it is a custom one.
    fn scalar_like(&mut self, left: Id, tag: &'static str, value: String) -> Id {
        let new = self.tree.scalar(tag, value);
        let old = self.tree.n(left).clone();
        let node = self.tree.m(new);
        if !old.tag.starts_with("!!") {
            (node.tag, node.style) = (old.tag, old.style & style::TAGGED);
        }
        if tag == "!!str" {
            node.style |= old.style & (style::SINGLE | style::DOUBLE);
        }
        (node.doc, node.file, node.parent, node.key) = (old.doc, old.file, old.parent, old.key);
        new
    }

    fn numbers(&self, left: Id, right: Id) -> Option<(f64, f64)> {
        let numeric = |id: Id| matches!(self.tree.core_tag(id), "!!int" | "!!float");
        if !numeric(left) || !numeric(right) {
            return None;
        }
        Some((number(&self.tree.n(left).value)?, number(&self.tree.n(right).value)?))
    }

    fn integers(&self, left: Id, right: Id) -> Option<(i64, i64)> {
        let whole = |id: Id| self.tree.core_tag(id) == "!!int";
        if !whole(left) || !whole(right) {
            return None;
        }
        Some((integer(&self.tree.n(left).value)?, integer(&self.tree.n(right).value)?))
    }

    fn arithmetic(
        &mut self,
        left: Id,
        right: Id,
        whole: fn(i64, i64) -> i64,
        real: fn(f64, f64) -> f64,
    ) -> Option<Id> {
        if let Some((x, y)) = self.integers(left, right) {
            let text = &self.tree.n(left).value;
            let value = whole(x, y);
            let value = match text.get(..2) {
                Some("0x" | "0X") => format!("0x{value:X}"),
                Some("0o") => format!("0o{value:o}"),
                _ => value.to_string(),
            };
            return Some(self.scalar_like(left, "!!int", value));
        }
        let (x, y) = self.numbers(left, right)?;
        Some(self.scalar_like(left, "!!float", float_text(real(x, y))))
    }

    fn add(&mut self, left: Id, right: Id, scope: &Scope) -> Res {
        if self.tree.is_null(left) {
            let copy = self.tree.copy(right)?;
            return Ok(copy);
        }
        if self.tree.is_null(right) {
            return self.tree.copy(left);
        }
        let (a, b) = (self.tree.n(left).kind, self.tree.n(right).kind);
        match (a, b) {
            (Kind::Seq, _) => {
                let result = self.tree.copy(left)?;
                let members = if b == Kind::Seq { self.tree.n(right).content.clone() } else { vec![right] };
                let first = self.tree.n(result).content.first().copied();
                for member in members {
                    let member = self.tree.copy(member)?;
                    if let Some(first) = first
                        && self.tree.n(first).kind == self.tree.n(member).kind
                        && self.tree.n(member).style == 0
                        && b != Kind::Seq
                    {
                        let quoted = self.tree.core_tag(member) != "!!str";
                        let own = self.tree.n(first).style;
                        let kept = if quoted { own & style::FLOW } else { own };
                        self.tree.m(member).style = kept;
                    }
                    self.tree.push(result, member);
                }
                Ok(result)
            }
            (Kind::Map, Kind::Map) => {
                let result = self.tree.copy(left)?;
                for (key, value) in self.tree.entries(right) {
                    let name = Rc::clone(&self.tree.n(key).value);
                    let value = self.tree.copy(value)?;
                    match self.tree.get(result, &name) {
                        Some(old) => self.replace(old, value),
                        None => {
                            let key = self.tree.copy(key)?;
                            self.tree.put(result, key, value);
                        }
                    }
                }
                Ok(result)
            }
            (Kind::Scalar, Kind::Scalar) => {
                let (a, b) = (self.tree.core_tag(left).to_owned(), self.tree.core_tag(right).to_owned());
                let (x, y) = (Rc::clone(&self.tree.n(left).value), Rc::clone(&self.tree.n(right).value));
                if let Some(result) = self.arithmetic(left, right, i64::wrapping_add, |x, y| x + y) {
                    return Ok(result);
                }
                if a == "!!timestamp"
                    || scope.layout.is_some() && dates::parse(&x, scope.layout.as_deref()).is_ok()
                {
                    let text = dates::shift(&x, &y, 1, scope.layout.as_deref())?;
                    return Ok(self.scalar_like(left, "!!timestamp", text).retag(&mut self.tree));
                }
                if a == "!!str" || b == "!!str" {
                    return Ok(self.scalar_like(left, "!!str", format!("{x}{y}")));
                }
                fault(format!("{b} cannot be added to a {a}"))
            }
            _ => {
                let (a, b) = (self.tree.core_tag(left), self.tree.core_tag(right));
                fault(format!("{b} cannot be added to a {a}"))
            }
        }
    }

    /// Puts a node where another is.
    fn replace(&mut self, old: Id, new: Id) {
        let Some(parent) = self.tree.n(old).parent else { return };
        let mut content = self.tree.n(parent).content.clone();
        for member in &mut content {
            if *member == old {
                *member = new;
            }
        }
        self.tree.set_content(parent, content);
    }

    fn subtract(&mut self, left: Id, right: Id, scope: &Scope) -> Res {
        if self.tree.is_null(left) {
            return self.tree.copy(right);
        }
        if self.tree.n(left).kind == Kind::Seq {
            if self.tree.n(right).kind != Kind::Seq {
                return fault(format!("{} cannot be subtracted from a !!seq", self.tree.core_tag(right)));
            }
            let result = self.tree.shell(left);
            for member in self.tree.n(left).content.clone() {
                let mut found = false;
                for other in &self.tree.n(right).content {
                    found = found || self.tree.same(member, *other, 0)?;
                }
                if !found {
                    let member = self.tree.copy(member)?;
                    self.tree.push(result, member);
                }
            }
            return Ok(result);
        }
        if let Some(result) = self.arithmetic(left, right, i64::wrapping_sub, |x, y| x - y) {
            return Ok(result);
        }
        let (x, y) = (Rc::clone(&self.tree.n(left).value), Rc::clone(&self.tree.n(right).value));
        let layout = scope.layout.as_deref();
        if self.tree.core_tag(left) == "!!timestamp" || layout.is_some() && dates::parse(&x, layout).is_ok() {
            let text = dates::shift(&x, &y, -1, layout)?;
            return Ok(self.scalar_like(left, "!!timestamp", text).retag(&mut self.tree));
        }
        let (a, b) = (self.tree.core_tag(left), self.tree.core_tag(right));
        if a == "!!str" && self.tree.n(right).kind == Kind::Scalar {
            return fault("strings cannot be subtracted");
        }
        fault(format!("{b} cannot be subtracted from {a}"))
    }

    fn multiply(&mut self, left: Id, right: Id, merge: Merge) -> Res {
        if self.tree.is_null(right) && self.tree.n(left).kind != Kind::Scalar {
            return self.tree.copy(left);
        }
        if self.tree.is_null(left) {
            return self.tree.copy(right);
        }
        let (a, b) = (self.tree.n(left).kind, self.tree.n(right).kind);
        if a == b && a != Kind::Scalar {
            let result = self.tree.copy(left)?;
            self.merge(result, right, merge, 0)?;
            return Ok(result);
        }
        if let Some(result) = self.arithmetic(left, right, i64::wrapping_mul, |x, y| x * y) {
            return Ok(result);
        }
        let (tag, other) = (self.tree.core_tag(left), self.tree.core_tag(right));
        let repeat = match (tag, other) {
            ("!!str", "!!int") => Some((left, right)),
            ("!!int", "!!str") => Some((right, left)),
            _ => None,
        };
        let Some((text, count)) = repeat else {
            return fault(format!("cannot multiply {tag} with {other}"));
        };
        let count = integer(&self.tree.n(count).value).unwrap_or(0);
        let Ok(count) = usize::try_from(count) else {
            return fault(format!("cannot repeat string by a negative number ({count})"));
        };
        let value = Rc::clone(&self.tree.n(text).value);
        if value.len().saturating_mul(count) > 10_000_000 {
            return fault(format!("cannot repeat string by more than 10 million ({count})"));
        }
        Ok(self.scalar_like(left, "!!str", value.repeat(count)))
    }

    /// Merges a node into another of the same kind.
    fn merge(&mut self, into: Id, from: Id, how: Merge, depth: usize) -> Res<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        if self.tree.n(into).kind == Kind::Seq {
            let members = self.tree.n(from).content.clone();
            if how.append {
                for member in members {
                    let member = self.tree.copy(member)?;
                    self.tree.push(into, member);
                }
                return Ok(());
            }
            if !how.deep {
                if !how.new {
                    self.tree.set_content(into, Vec::new());
                    for member in members {
                        let member = self.tree.copy(member)?;
                        self.tree.push(into, member);
                    }
                }
                return Ok(());
            }
            for (index, member) in members.into_iter().enumerate() {
                match self.tree.n(into).content.get(index).copied() {
                    Some(old) => self.merge_one(old, member, how, depth)?,
                    None if how.existing => {}
                    None => {
                        let member = self.tree.copy(member)?;
                        self.tree.push(into, member);
                    }
                }
            }
            return Ok(());
        }
        for (at, comment) in [(0, self.tree.n(from).head.clone()), (1, self.tree.n(from).foot.clone())] {
            if comment.is_some() && depth == 0 {
                let node = self.tree.m(into);
                if at == 0 { node.head = comment } else { node.foot = comment }
            }
        }
        for (key, value) in self.tree.entries(from) {
            let name = Rc::clone(&self.tree.n(key).value);
            match self.tree.get(into, &name) {
                Some(old) => self.merge_one(old, value, how, depth)?,
                None if how.existing => {}
                None => {
                    let key = self.tree.copy(key)?;
                    let value = self.tree.copy(value)?;
                    if self.tree.n(into).content.is_empty() {
                        self.tree.m(into).style &= style::TAGGED;
                    }
                    self.tree.put(into, key, value);
                }
            }
        }
        self.tree.check()
    }

    fn merge_one(&mut self, old: Id, value: Id, how: Merge, depth: usize) -> Res<()> {
        let (a, b) = (self.tree.n(old).kind, self.tree.n(value).kind);
        if a == b && matches!(a, Kind::Map | Kind::Seq) {
            return self.merge(old, value, how, depth + 1);
        }
        if how.new && !self.tree.is_null(old) {
            return Ok(());
        }
        self.tree.assign(old, value, how.clobber)
    }

    fn divide(&mut self, left: Id, right: Id) -> Res {
        if let Some((x, y)) = self.numbers(left, right) {
            let value = x / y;
            let text = match value {
                _ if value.is_nan() => "NaN".into(),
                _ if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.into(),
                _ => float_text(value),
            };
            return Ok(self.scalar_like(left, "!!float", text));
        }
        let (a, b) = (self.tree.core_tag(left), self.tree.core_tag(right));
        if a == "!!str" && b == "!!str" {
            let (x, y) = (Rc::clone(&self.tree.n(left).value), Rc::clone(&self.tree.n(right).value));
            return Ok(self.split_text(&x, &y));
        }
        fault(format!("{a} cannot be divided by {b}"))
    }

    fn modulo(&mut self, left: Id, right: Id) -> Res {
        if let Some((x, y)) = self.integers(left, right) {
            return match x.checked_rem(y) {
                Some(value) => Ok(self.scalar_like(left, "!!int", value.to_string())),
                None => fault("cannot modulo by 0"),
            };
        }
        if let Some((x, y)) = self.numbers(left, right) {
            let value = x % y;
            let text = if value.is_nan() { "NaN".into() } else { float_text(value) };
            return Ok(self.scalar_like(left, "!!float", text));
        }
        let (a, b) = (self.tree.core_tag(left), self.tree.core_tag(right));
        fault(format!("{a} cannot modulo by {b}"))
    }

    /// The order of two nodes when sorted: nulls, booleans, numbers, texts.
    pub(super) fn order(&self, left: Id, right: Id) -> Ordering {
        let rank = |id: Id| match self.tree.core_tag(id) {
            "!!null" => 0,
            "!!bool" => 1,
            "!!int" | "!!float" => 2,
            "!!timestamp" => 3,
            "!!map" => 5,
            "!!seq" => 6,
            _ => 4,
        };
        let (x, y) = (rank(left), rank(right));
        let (a, b) = (&self.tree.n(self.tree.real(left)).value, &self.tree.n(self.tree.real(right)).value);
        x.cmp(&y).then_with(|| match x {
            1 => self.tree.truthy(left).cmp(&self.tree.truthy(right)),
            2 => number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)),
            3 => match (dates::parse(a, None), dates::parse(b, None)) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => a.cmp(b),
            },
            4 => a.cmp(b),
            _ => Ordering::Equal,
        })
    }
}

/// Gives a new scalar the tag that its text has.
trait Retag {
    fn retag(self, tree: &mut Tree) -> Id;
}

impl Retag for Id {
    fn retag(self, tree: &mut Tree) -> Id {
        let tag = super::scalars::resolve(&tree.n(self).value);
        tree.m(self).tag = Rc::from(tag);
        self
    }
}
