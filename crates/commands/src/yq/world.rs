//! What comes from outside the documents: files that are loaded, variables of the environment.

use std::rc::Rc;

use bstr::ByteSlice;

use super::call::lower;
use super::eval::{Scope, Yq};
use super::formats::{self, Format};
use super::node::{Fault, Id, Res, fault};
use super::parse::Expr;

impl Yq {
    pub(super) async fn load(&mut self, how: &str, file: &str) -> Res {
        if self.settings.no_files {
            return fault("file operations have been disabled");
        }
        let mut bytes = Vec::new();
        let read = match self.ctx.open_input(file.as_bytes()).await {
            Ok(mut input) => input.read_to_end(&mut bytes).await,
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            return fault(format!("failed to load {file}: open {file}: {}", lower(error.strerror())));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| Fault(format!("failed to load {file}: invalid UTF-8")))?;
        let format = match how {
            "load_str" | "strload" => return Ok(self.tree.string(text)),
            "load_xml" | "xmlload" => Format::Xml,
            "load_props" | "propload" => Format::Props,
            "load_base64" => Format::Base64,
            "load_json" => Format::Json,
            "load_csv" => Format::Csv,
            "load_tsv" => Format::Tsv,
            "load_toml" => Format::Toml,
            _ => Format::Yaml,
        };
        let all = formats::decode(self, &text, format)?;
        match all.as_slice() {
            [] => Ok(self.tree.null()),
            [one] => Ok(*one),
            several => {
                let seq = self.tree.seq();
                for id in several {
                    self.tree.push(seq, *id);
                }
                Ok(seq)
            }
        }
    }

    pub(super) fn envsubst(&mut self, options: &[Expr], scope: &Scope) -> Res<Vec<Id>> {
        if self.settings.no_env {
            return fault("env operations have been disabled");
        }
        let has = |wanted: &str| {
            options.iter().any(|option| matches!(option, Expr::Literal(_, name) if &**name == wanted))
        };
        let (no_unset, no_empty) = (has("nu"), has("ne"));
        let mut found = Vec::new();
        for id in scope.nodes.clone() {
            let real = self.tree.real(id);
            if self.tree.core_tag(real) != "!!str" {
                return fault(format!(
                    "cannot substitute with {}, can only substitute strings",
                    self.tree.core_tag(real)
                ));
            }
            let text = Rc::clone(&self.tree.n(real).value);
            let text = self.substitute(&text, no_unset, no_empty, 0)?;
            let new = self.tree.shell(real);
            self.tree.m(new).value = Rc::from(text);
            found.push(new);
        }
        Ok(found)
    }

    /// Puts variables into a text: `$NAME`, `${NAME}`, and with `-`, `:-`, `+`, `:+` what stands for them.
    fn substitute(&self, text: &str, no_unset: bool, no_empty: bool, depth: usize) -> Res<String> {
        if depth > 16 {
            return fault("variables are nested too deep");
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(rest.get(..at).unwrap_or_default());
            let after = rest.get(at + 1..).unwrap_or_default();
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let (name, default, used) = if let Some(inner) = after.strip_prefix('{') {
                let mut depth = 1;
                let end = inner.char_indices().find(|(_, letter)| {
                    depth += match letter {
                        '{' => 1,
                        '}' => -1,
                        _ => 0,
                    };
                    depth == 0
                });
                let Some((end, _)) = end else { return fault("closing brace expected") };
                let inner = inner.get(..end).unwrap_or_default();
                let length = inner.find(|letter| !is_name(letter)).unwrap_or(inner.len());
                (inner.get(..length).unwrap_or_default(), inner.get(length..).unwrap_or_default(), end + 2)
            } else {
                let length = after.find(|letter| !is_name(letter)).unwrap_or(after.len());
                (after.get(..length).unwrap_or_default(), "", length)
            };
            if name.is_empty() {
                out.push('$');
                rest = after;
                continue;
            }
            let value = self.ctx.env(name).map(|value| value.to_str_lossy().into_owned());
            let (colon, rule) = match default.strip_prefix(':') {
                Some(rule) => (true, rule),
                None => (false, default),
            };
            let present = value.as_deref().is_some_and(|value| !colon || !value.is_empty());
            let other = rule.get(1..).unwrap_or_default();
            match rule.chars().next() {
                Some('-' | '=') if !present => {
                    out.push_str(&self.substitute(other, no_unset, no_empty, depth + 1)?)
                }
                Some('+') if present => {
                    out.push_str(&self.substitute(other, no_unset, no_empty, depth + 1)?)
                }
                Some('+') => {}
                _ => {
                    if value.is_none() && no_unset {
                        return fault(format!("variable ${{{name}}} not set"));
                    }
                    if value.as_deref() == Some("") && no_empty {
                        return fault(format!("variable ${{{name}}} set but empty"));
                    }
                    out.push_str(value.as_deref().unwrap_or_default());
                }
            }
            rest = after.get(used..).unwrap_or_default();
        }
        out.push_str(rest);
        Ok(out)
    }
}
