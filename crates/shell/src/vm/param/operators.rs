//! `${parameter@operator}`, and the attributes of variables.

use super::{Expansion, Place};
use crate::expand::transform;
use crate::options::Opt;
use crate::symbol::Sym;
use crate::text::Str;
use crate::vars::{Attrs, Value};
use crate::vm::code::{ParamName, Quoting, SubscriptKind};
use crate::vm::{Unwind, Vm};

impl Vm {
    pub(super) fn param_transform(
        &mut self,
        place: &Place,
        letter: u8,
        quoting: Quoting,
    ) -> Result<(), Unwind> {
        let symbol = match place.name {
            ParamName::Var(symbol) => Some(symbol),
            _ => None,
        };
        if letter == b'a' {
            let Some(symbol) = symbol else {
                if place.name == ParamName::Special(b'@') {
                    // Positional parameters have no attributes.
                    self.push_operated(&vec![Str::EMPTY; self.shell.args.len()], quoting);
                }
                return Ok(());
            };
            let target = self.resolve(symbol)?.0;
            let flags = Str::from(self.attribute_letters(target));
            let count = match place.subscript {
                SubscriptKind::At | SubscriptKind::Star => match self.values(symbol)?.len() {
                    // Of what is only declared they are shown once.
                    0 => usize::from(
                        self.shell.vars.get(target).exists && !self.shell.vars.get(target).is_set(),
                    ),
                    count => count,
                },
                SubscriptKind::Key | SubscriptKind::None => usize::from(self.shell.vars.get(target).exists),
            };
            if self.opt(Opt::NoUnset)
                && place.subscript == SubscriptKind::None
                && self.scalar(symbol)?.is_none()
                && !self.shell.vars.get(target).value.is_array()
            {
                return Err(self.unbound_place(place));
            }
            let values = vec![flags; count];
            let expansion = match place.subscript {
                SubscriptKind::At => {
                    self.push_operated(&values, quoting);
                    return Ok(());
                }
                SubscriptKind::Star => Expansion::Many { values, star: true },
                _ => values.into_iter().next().map_or(Expansion::Unset, Expansion::One),
            };
            self.push_expansion(expansion, quoting);
            return Ok(());
        }
        if letter == b'A'
            && let Some(symbol) = symbol
        {
            let target = self.resolve(symbol)?.0;
            let text = match place.subscript {
                SubscriptKind::At | SubscriptKind::Star if !self.value(target)?.is_array() => {
                    let key = Place { subscript: SubscriptKind::None, ..place.clone() };
                    return self.param_transform(&key, letter, quoting);
                }
                SubscriptKind::At | SubscriptKind::Star
                    if self.shell.vars.get(target).attrs.contains(crate::vars::Attrs::INVISIBLE) =>
                {
                    Some(
                        [b"declare -", &*self.attribute_letters(target), b" ", &*self.name_of(target)]
                            .concat(),
                    )
                }
                SubscriptKind::At | SubscriptKind::Star => {
                    let mut text = b"declare -".to_vec();
                    text.extend_from_slice(&self.attribute_letters(target));
                    text.push(b' ');
                    text.extend_from_slice(&self.name_of(target));
                    text.push(b'=');
                    text.extend_from_slice(&self.array_text(target));
                    Some(text)
                }
                _ => match self.expansion(place)? {
                    Expansion::One(value) => {
                        let letters = self.attribute_letters(target);
                        let mut text = Vec::new();
                        if !letters.is_empty() {
                            text.extend_from_slice(b"declare -");
                            text.extend_from_slice(&letters);
                            text.push(b' ');
                        }
                        text.extend_from_slice(&self.name_of(target));
                        text.push(b'=');
                        text.extend_from_slice(&wasmsh_syntax::quote::reusable(&value));
                        Some(text)
                    }
                    Expansion::Unset if self.opt(Opt::NoUnset) => return Err(self.unbound_place(place)),
                    Expansion::Unset => {
                        let letters = self.attribute_letters(target);
                        (!letters.is_empty())
                            .then(|| [b"declare -", &*letters, b" ", &*self.name_of(target)].concat())
                    }
                    _ => None,
                },
            };
            if let Some(text) = text {
                self.push_expansion(Expansion::One(text.into()), quoting);
            }
            return Ok(());
        }
        if matches!(letter, b'K' | b'k')
            && let Some(symbol) = symbol
            && matches!(place.subscript, SubscriptKind::At | SubscriptKind::Star)
        {
            let keys = self.keys(symbol)?;
            let values = self.values(symbol)?;
            let star = place.subscript == SubscriptKind::Star;
            if letter == b'k' || values.is_empty() {
                let values: Vec<Str> =
                    keys.into_iter().zip(values).flat_map(|(key, value)| [key, value]).collect();
                if star {
                    self.push_expansion(Expansion::Many { values, star }, quoting);
                } else {
                    self.push_operated(&values, quoting);
                }
            } else {
                let mut text = Vec::new();
                for (key, value) in keys.iter().zip(&values) {
                    if !text.is_empty() {
                        text.push(b' ');
                    }
                    text.extend_from_slice(&transform::key_text(key));
                    text.push(b' ');
                    text.extend_from_slice(&wasmsh_syntax::quote::double(value));
                }
                if self.value(symbol)?.is_assoc() && !text.is_empty() {
                    text.push(b' ');
                }
                self.push_expansion(Expansion::One(text.into()), quoting);
            }
            return Ok(());
        }
        let expansion = self.expansion(place)?;
        if matches!(expansion, Expansion::Unset) && self.opt(Opt::NoUnset) {
            return Err(self.unbound_place(place));
        }
        let result = match letter {
            b'Q' | b'A' | b'K' | b'k' => {
                self.map(expansion, |_, text| Str::from(wasmsh_syntax::quote::reusable(text)))
            }
            b'E' => self.map(expansion, |_, text| Str::from(wasmsh_syntax::quote::decode_ansi_c(text))),
            b'U' => self.map(expansion, |_, text| Str::from(transform::upper(text))),
            b'u' => self.map(expansion, |_, text| {
                let length = crate::expand::pattern::char_len(text);
                let (head, tail) = text.split_at(length.min(text.len()));
                let mut out = transform::upper(head);
                out.extend_from_slice(tail);
                out.into()
            }),
            b'L' => self.map(expansion, |_, text| Str::from(transform::lower(text))),
            b'P' => match expansion {
                Expansion::Unset => Expansion::Unset,
                Expansion::One(text) => Expansion::One(self.prompt(&text)?),
                Expansion::Many { values, star } => {
                    let mut shown = Vec::with_capacity(values.len());
                    for text in values {
                        shown.push(self.prompt(&text)?);
                    }
                    Expansion::Many { values: shown, star }
                }
            },
            _ => {
                let mut message = b"${".to_vec();
                message.extend_from_slice(&self.place_text(place));
                message.extend_from_slice(b"@");
                message.push(letter);
                message.extend_from_slice(b"}: bad substitution");
                if matches!(expansion, Expansion::Unset) {
                    return Ok(());
                }
                self.error(&message);
                return Err(self.expansion_error());
            }
        };
        match result {
            Expansion::Many { values, star: false } => self.push_operated(&values, quoting),
            result => self.push_expansion(result, quoting),
        }
        Ok(())
    }

    /// The letters of a variable's attributes, as `${v@a}` has them.
    pub(crate) fn attribute_letters(&self, symbol: Sym) -> Vec<u8> {
        let var = self.shell.vars.get(symbol);
        let mut letters = Vec::new();
        match var.value {
            Value::Indexed(_) => letters.push(b'a'),
            Value::Assoc(_) => letters.push(b'A'),
            _ if self.is_special_array(symbol) => letters.push(b'a'),
            _ => {}
        }
        for (attr, letter) in [
            (Attrs::INTEGER, b'i'),
            (Attrs::NAMEREF, b'n'),
            (Attrs::READONLY, b'r'),
            (Attrs::TRACE, b't'),
            (Attrs::EXPORT, b'x'),
            (Attrs::CAPITAL, b'c'),
            (Attrs::LOWER, b'l'),
            (Attrs::UPPER, b'u'),
        ] {
            if var.attrs.contains(attr) {
                letters.push(letter);
            }
        }
        letters
    }
}
