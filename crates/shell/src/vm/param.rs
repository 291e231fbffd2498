//! Parameter expansion (bash manual "Shell Parameter Expansion").

use crate::expand::pattern::count_chars;
use crate::options::{Opt, Shopt};
use crate::symbol::Sym;
use crate::text::Str;
use crate::vars::{Attrs, Value};
use crate::vm::code::{Param, ParamName, ParamOp, Quoting, SubscriptKind};
use crate::vm::variables::split_reference;
use crate::vm::{Unwind, Vm};

mod fallback;
mod operators;
mod text;

pub(crate) use text::join;
use text::{change_case, replace, slice_chars};

/// Which parameter, after indirection and with its subscript.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    name: ParamName,
    subscript: SubscriptKind,
    key: Str,
}

/// What a parameter stands for.
pub(crate) enum Expansion {
    Unset,
    One(Str),
    /// `$@`, `$*`, `${a[@]}`, `${a[*]}`.
    Many {
        values: Vec<Str>,
        star: bool,
    },
}

impl Vm {
    /// The place that an expansion is about; takes the key off the stack.
    fn param_place(&mut self, param: &Param) -> Result<Option<Place>, Unwind> {
        let key = if param.subscript == SubscriptKind::Key {
            self.args.pop().unwrap_or_default()
        } else {
            Str::EMPTY
        };
        let place = Place { name: param.name, subscript: param.subscript, key };
        if !param.indirect || matches!(param.op, ParamOp::Names { .. } | ParamOp::Keys) {
            return Ok(Some(place));
        }
        // `${!ref}` of a name reference is the name it refers to; handled where the value is made.
        self.indirect(&place)
    }

    /// `${!v}`: what the value names. `None`: nothing.
    fn indirect(&mut self, place: &Place) -> Result<Option<Place>, Unwind> {
        let target = match self.expansion(place)? {
            Expansion::One(text) => text,
            // An array without the element 0 refers to nothing, and nothing is said.
            Expansion::Unset
                if place.subscript == SubscriptKind::None
                    && matches!(place.name, ParamName::Var(symbol)
                        if self.shell.vars.get(symbol).value.is_array()) =>
            {
                return Ok(None);
            }
            // The same for a positional parameter that is not there.
            Expansion::Unset if matches!(place.name, ParamName::Positional(_)) => {
                return if self.opt(Opt::NoUnset) {
                    Err(self.unbound(&[b"!", &*self.place_text(place)].concat()))
                } else {
                    Ok(None)
                };
            }
            Expansion::Unset => {
                let mut message = self.place_text(place);
                message.extend_from_slice(b": invalid indirect expansion");
                self.error(&message);
                return Err(self.failed_expansion());
            }
            Expansion::Many { values, .. } => match values.as_slice() {
                [] if matches!(place.name, ParamName::Special(_)) => return Ok(None),
                [one] => one.clone(),
                _ => Str::from(values.iter().map(|v| v.to_vec()).collect::<Vec<_>>().join(&b' ')),
            },
        };
        self.place_from_text(&target).map(Some)
    }

    /// The place that text names, as in `${!v}`.
    pub(crate) fn place_from_text(&mut self, text: &Str) -> Result<Place, Unwind> {
        let plain = |name| Place { name, subscript: SubscriptKind::None, key: Str::EMPTY };
        if let [b] = text.as_bytes()
            && b"@*#?-$!".contains(b)
        {
            return Ok(plain(ParamName::Special(*b)));
        }
        if !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
            let number = text.to_text().parse().unwrap_or(u32::MAX);
            return Ok(plain(ParamName::Positional(number)));
        }
        match split_reference(text) {
            Some((name, None)) => Ok(plain(ParamName::Var(self.symbol(name)))),
            Some((name, Some(b"@"))) => Ok(Place {
                name: ParamName::Var(self.symbol(name)),
                subscript: SubscriptKind::At,
                key: Str::EMPTY,
            }),
            Some((name, Some(b"*"))) => Ok(Place {
                name: ParamName::Var(self.symbol(name)),
                subscript: SubscriptKind::Star,
                key: Str::EMPTY,
            }),
            Some((name, Some(subscript))) => {
                let symbol = self.symbol(name);
                let key = self.key_from_source(symbol, subscript)?;
                Ok(Place { name: ParamName::Var(symbol), subscript: SubscriptKind::Key, key })
            }
            None => {
                let mut message = text.to_vec();
                message.extend_from_slice(b": invalid variable name");
                self.error(&message);
                Err(self.failed_expansion())
            }
        }
    }

    /// The value of `$0`, `$1` …
    pub(crate) fn positional(&self, number: u32) -> Option<Str> {
        match number {
            0 => Some(self.shell.name.clone()),
            n => self.shell.args.get(n as usize - 1).cloned(),
        }
    }

    fn special_param(&mut self, letter: u8) -> Option<Str> {
        match letter {
            b'#' => Some(Str::from_int(self.shell.args.len() as i64)),
            b'?' => Some(Str::from_int(i64::from(self.shell.status))),
            b'$' => Some(Str::from_int(i64::from(self.shell.pid.get()))),
            b'!' => self.shell.last_background.map(|pid| Str::from_int(i64::from(pid.get()))),
            b'-' => Some(self.shell.options.flags(self.shell.command_string.is_some()).into()),
            _ => None,
        }
    }

    /// What a parameter stands for.
    fn expansion(&mut self, place: &Place) -> Result<Expansion, Unwind> {
        let one = |value: Option<Str>| value.map_or(Expansion::Unset, Expansion::One);
        Ok(match place.name {
            ParamName::Special(b @ (b'@' | b'*')) => {
                Expansion::Many { values: self.shell.args.to_vec(), star: b == b'*' }
            }
            ParamName::Special(b) => one(self.special_param(b)),
            ParamName::Positional(number) => one(self.positional(number)),
            ParamName::Var(symbol) => match place.subscript {
                SubscriptKind::None => one(self.scalar(symbol)?),
                SubscriptKind::Key => one(self.element(symbol, &place.key)?),
                SubscriptKind::At | SubscriptKind::Star => Expansion::Many {
                    values: self.values(symbol)?,
                    star: place.subscript == SubscriptKind::Star,
                },
            },
        })
    }

    /// The place in words, for messages.
    fn place_text(&self, place: &Place) -> Vec<u8> {
        let mut text = match place.name {
            ParamName::Var(symbol) => self.name_of(symbol).to_vec(),
            ParamName::Positional(number) => number.to_string().into_bytes(),
            ParamName::Special(b) => vec![b],
        };
        match place.subscript {
            SubscriptKind::None => {}
            SubscriptKind::At => text.extend_from_slice(b"[@]"),
            SubscriptKind::Star => text.extend_from_slice(b"[*]"),
            SubscriptKind::Key => {
                text.push(b'[');
                text.extend_from_slice(&place.key);
                text.push(b']');
            }
        }
        text
    }

    /// `set -u` forbids it.
    fn unbound_place(&mut self, place: &Place) -> Unwind {
        let mut text = self.place_text(place);
        if matches!(place.name, ParamName::Positional(_)) {
            text.insert(0, b'$');
        }
        self.unbound(&text)
    }

    /// Appends what a parameter stands for to the word.
    fn push_expansion(&mut self, expansion: Expansion, quoting: Quoting) {
        match expansion {
            Expansion::Unset => {
                if quoting == Quoting::Quoted {
                    self.word().quote();
                }
            }
            Expansion::One(text) => {
                self.word().push(&text, quoting);
                if quoting == Quoting::Quoted {
                    self.word().quote();
                }
            }
            Expansion::Many { values, star } => {
                if star && quoting == Quoting::Quoted {
                    let separator = self.shell.ifs.first.clone();
                    let text = join(&values, &separator);
                    self.word().quote();
                    self.word().push(&text, quoting);
                } else if star {
                    self.push_star(&values, quoting);
                } else {
                    self.push_many(&values, quoting);
                }
            }
        }
    }

    fn bad_substitution(&mut self, param: &Param) -> Unwind {
        let mut message = self.code.ast[param.span].to_vec();
        message.extend_from_slice(b": bad substitution");
        self.error(&message);
        if self.opt(Opt::Posix) {
            return self.expansion_error();
        }
        self.failed_expansion()
    }

    /// `$ref` for a reference to `a[@]`: all of the array.
    pub(crate) fn push_reference(&mut self, symbol: Sym, quoting: Quoting) -> Result<(), Unwind> {
        let expansion = match self.resolve(symbol)? {
            (target, Some(subscript)) if matches!(subscript.as_bytes(), b"@" | b"*") => {
                Expansion::Many { values: self.values(target)?, star: subscript.as_bytes() == b"*" }
            }
            _ => Expansion::One(self.value_or_unset(symbol)?),
        };
        self.push_expansion(expansion, quoting);
        Ok(())
    }

    /// Expands a parameter with any operator but those that have a word to fall back to.
    pub(crate) fn param(&mut self, index: u32) -> Result<(), Unwind> {
        let Some(param) = self.code.params.get(index as usize).copied() else { return Ok(()) };
        // What an instruction that gives way finds again.
        let (args, numbers) = (self.args.len(), self.numbers.len());
        let depth = 3.min(args);
        let kept: Option<(Vec<Str>, Vec<i64>)> = self.may_give_way(&param).then(|| {
            (
                self.args.get(args - depth..).unwrap_or_default().to_vec(),
                self.numbers.get(numbers.saturating_sub(2)..).unwrap_or_default().to_vec(),
            )
        });
        let result = self.param_with(param);
        if matches!(result, Err(Unwind::Expand))
            && let Some((operands, values)) = kept
        {
            self.args.truncate(args - depth);
            self.args.extend(operands);
            self.numbers.truncate(numbers.saturating_sub(2));
            self.numbers.extend(values);
        }
        result
    }

    /// Whether a text may have to be expanded for a parameter.
    fn may_give_way(&self, param: &Param) -> bool {
        param.indirect
            || matches!(param.op, ParamOp::Transform(b'P'))
            || matches!(param.name, ParamName::Var(symbol)
                if self.shell.vars.get(symbol).attrs.contains(crate::vars::Attrs::NAMEREF))
    }

    fn param_with(&mut self, param: Param) -> Result<(), Unwind> {
        let quoting = param.quoting;
        match param.op {
            ParamOp::Bad => return Err(self.bad_substitution(&param)),
            ParamOp::Names { at } => {
                let ParamName::Var(symbol) = param.name else { return Err(self.bad_substitution(&param)) };
                let prefix = self.name_of(symbol);
                let values: Vec<Str> = self
                    .variable_names()
                    .into_iter()
                    .filter(|(name, symbol)| {
                        name.starts_with(&prefix) && self.shell.vars.get(*symbol).is_set()
                    })
                    .map(|(name, _)| name)
                    .collect();
                if !at && quoting != Quoting::Quoted && self.shell.ifs.first.is_empty() {
                    let text = join(&values, b"");
                    self.push_expansion(Expansion::One(text), quoting);
                    return Ok(());
                }
                if at {
                    self.push_operated(&values, quoting);
                } else {
                    self.push_expansion(Expansion::Many { values, star: true }, quoting);
                }
                return Ok(());
            }
            ParamOp::Keys => {
                let ParamName::Var(symbol) = param.name else { return Err(self.bad_substitution(&param)) };
                let values = if self.refers_to_element(symbol)? { Vec::new() } else { self.keys(symbol)? };
                if param.subscript == SubscriptKind::Star
                    && quoting != Quoting::Quoted
                    && self.shell.ifs.first.is_empty()
                {
                    let text = join(&values, b" ");
                    self.push_expansion(Expansion::One(text), quoting);
                    return Ok(());
                }
                if param.subscript == SubscriptKind::Star || quoting != Quoting::Quoted {
                    let star = param.subscript == SubscriptKind::Star;
                    self.push_expansion(Expansion::Many { values, star }, quoting);
                } else {
                    self.push_operated(&values, quoting);
                }
                return Ok(());
            }
            _ => {}
        }
        // The operands lie above the key.
        let mut operands: [Str; 2] = [Str::EMPTY, Str::EMPTY];
        match param.op {
            ParamOp::Replace { replacement, .. } => {
                if replacement {
                    operands[1] = self.args.pop().unwrap_or_default();
                }
                operands[0] = self.args.pop().unwrap_or_default();
            }
            ParamOp::RemovePrefix { .. }
            | ParamOp::RemoveSuffix { .. }
            | ParamOp::Case { pattern: true, .. } => {
                operands[0] = self.args.pop().unwrap_or_default();
            }
            _ => {}
        }
        let (mut offset, mut length) = (0, None);
        if let ParamOp::Substring { length: given } = param.op {
            if given {
                length = self.numbers.pop();
            }
            offset = self.numbers.pop().unwrap_or_default();
        }
        // `${!ref}` of a name reference is the name.
        if param.indirect
            && param.op == ParamOp::Value
            && param.subscript == SubscriptKind::None
            && let ParamName::Var(symbol) = param.name
            && self.shell.vars.get(symbol).attrs.contains(crate::vars::Attrs::NAMEREF)
        {
            let name = match self.resolve(symbol)? {
                (target, _) if target == symbol => {
                    let Some(value) = self.shell.vars.get(symbol).value.scalar() else {
                        let mut message = self.name_of(symbol).to_vec();
                        message.extend_from_slice(b": invalid indirect expansion");
                        self.error(&message);
                        return Err(self.failed_expansion());
                    };
                    value
                }
                (target, None) => self.name_of(target),
                (target, Some(subscript)) => {
                    Str::from([&*self.name_of(target), b"[", &*subscript, b"]"].concat())
                }
            };
            self.push_expansion(Expansion::One(name), quoting);
            return Ok(());
        }
        let Some(place) = self.param_place(&param)? else {
            if quoting == Quoting::Quoted {
                self.word().quote();
            }
            return Ok(());
        };
        if param.op == ParamOp::Length {
            return self.param_length(&place, quoting);
        }
        if let ParamOp::Transform(letter) = param.op {
            if letter == b'A' && matches!(place.name, ParamName::Special(b) if !b"@*".contains(&b)) {
                // No variable, no assignment.
                self.push_expansion(Expansion::One(Str::EMPTY), quoting);
                return Ok(());
            }
            return self.param_transform(&place, letter, quoting);
        }
        let expansion = self.expansion(&place)?;
        if matches!(expansion, Expansion::Unset) {
            if self.opt(Opt::NoUnset) {
                return Err(self.unbound_place(&place));
            }
            self.push_expansion(expansion, quoting);
            return Ok(());
        }
        let result = match param.op {
            ParamOp::RemovePrefix { longest } => {
                let pattern = self.pattern(&operands[0], self.nocase());
                self.map(expansion, |_, text| match pattern.prefix(text, longest) {
                    Some(end) => Str::new(text.get(end..).unwrap_or_default()),
                    None => text.clone(),
                })
            }
            ParamOp::RemoveSuffix { longest } => {
                let pattern = self.pattern(&operands[0], self.nocase());
                self.map(expansion, |_, text| match pattern.suffix(text, longest) {
                    Some(start) => Str::new(text.get(..start).unwrap_or_default()),
                    None => text.clone(),
                })
            }
            ParamOp::Replace { which, .. } => {
                let pattern = self.pattern(&operands[0], self.shopt(Shopt::NoCaseMatch));
                let empty = operands[0].is_empty();
                let ampersand = self.shopt(Shopt::PatsubReplacement);
                let replacement = operands[1].clone();
                self.map(expansion, |vm, text| {
                    replace(&pattern, empty, which, text, &replacement, ampersand, vm.expansion_limit)
                })
            }
            ParamOp::Case { change, all, pattern } => {
                // Here extended patterns are always understood.
                let pattern = pattern.then(|| self.pattern_with(&operands[0], true, false));
                self.map(expansion, |_, text| change_case(text, change, all, pattern.as_deref()))
            }
            ParamOp::Substring { .. } => self.substring(&place, expansion, offset, length)?,
            _ => expansion,
        };
        match result {
            Expansion::Many { values, .. }
                if self.shell.ifs.first.is_empty()
                    && quoting != Quoting::Quoted
                    && matches!(param.op, ParamOp::RemovePrefix { .. } | ParamOp::RemoveSuffix { .. })
                    && matches!(place.name, ParamName::Var(_)) =>
            {
                // Bash makes one word of them.
                let text = join(&values, b" ");
                self.push_expansion(Expansion::One(text), quoting);
            }
            // Without quotes these join as `$@` does where nothing is split.
            Expansion::Many { values, star: false }
                if quoting != Quoting::Quoted
                    && matches!(
                        param.op,
                        ParamOp::Replace { .. } | ParamOp::Case { .. } | ParamOp::Substring { .. }
                    ) =>
            {
                self.push_many(&values, quoting);
            }
            Expansion::Many { values, star: false } if param.op != ParamOp::Value => {
                self.push_operated(&values, quoting);
            }
            result => self.push_expansion(result, quoting),
        }
        Ok(())
    }

    fn nocase(&self) -> bool {
        false
    }

    fn map(&mut self, expansion: Expansion, change: impl Fn(&Vm, &Str) -> Str) -> Expansion {
        match expansion {
            Expansion::Unset => Expansion::Unset,
            Expansion::One(text) => Expansion::One(change(self, &text)),
            Expansion::Many { values, star } => {
                Expansion::Many { values: values.iter().map(|text| change(self, text)).collect(), star }
            }
        }
    }

    /// `set -u`: there is no array whose length is asked for. A command string ends with status 1 then, as in bash.
    fn unbound_array(&mut self, symbol: Sym) -> Unwind {
        let name = self.name_of(symbol);
        let _ = self.unbound(&name);
        self.too_many_arguments()
    }

    fn param_length(&mut self, place: &Place, quoting: Quoting) -> Result<(), Unwind> {
        let length = match place.name {
            ParamName::Special(b'@' | b'*') => self.shell.args.len(),
            ParamName::Var(symbol) if matches!(place.subscript, SubscriptKind::At | SubscriptKind::Star) => {
                match self.value(symbol)? {
                    value @ (Value::Unset | Value::Indexed(_) | Value::Assoc(_))
                        if self.opt(Opt::NoUnset)
                            && (matches!(value, Value::Unset)
                                || self.shell.vars.get(symbol).attrs.contains(Attrs::INVISIBLE)) =>
                    {
                        return Err(self.unbound_array(symbol));
                    }
                    Value::Unset => 0,
                    Value::Indexed(array) => array.len(),
                    Value::Assoc(array) => array.len(),
                    _ => 1,
                }
            }
            // Bash's answer for a reference to an element.
            ParamName::Var(symbol)
                if place.subscript == SubscriptKind::None && self.refers_to_element(symbol)? =>
            {
                0
            }
            _ => match self.expansion(place)? {
                Expansion::One(text) => count_chars(&text),
                Expansion::Many { values, .. } => values.len(),
                Expansion::Unset => match place.name {
                    ParamName::Var(symbol)
                        if self.opt(Opt::NoUnset) && place.subscript == SubscriptKind::Key =>
                    {
                        return Err(self.unbound_array(symbol));
                    }
                    _ if self.opt(Opt::NoUnset) => return Err(self.unbound_place(place)),
                    _ => 0,
                },
            },
        };
        let text = Str::from_int(length as i64);
        self.push_expansion(Expansion::One(text), quoting);
        Ok(())
    }

    fn substring(
        &mut self,
        place: &Place,
        expansion: Expansion,
        offset: i64,
        length: Option<i64>,
    ) -> Result<Expansion, Unwind> {
        let negative = |vm: &mut Vm, length: i64| {
            vm.error(format!("{length}: substring expression < 0").as_bytes());
            vm.failed_expansion()
        };
        match expansion {
            Expansion::Unset => Ok(Expansion::Unset),
            Expansion::One(text) => {
                if offset >= 0
                    && let Some(length) = length.filter(|length| *length >= 0)
                    && let Ok(start) = usize::try_from(offset)
                    && let Some(end) =
                        usize::try_from(length).ok().and_then(|length| start.checked_add(length))
                    && let Some(head) = text.get(..end.min(text.len()))
                    && head.is_ascii()
                {
                    // What follows need not be looked at.
                    return Ok(Expansion::One(Str::new(head.get(start..).unwrap_or_default())));
                }
                let count = count_chars(&text) as i64;
                let start = if offset < 0 { count + offset } else { offset };
                if start < 0 || start > count {
                    return Ok(Expansion::One(Str::EMPTY));
                }
                let end = match length {
                    None => count,
                    Some(length) if length < 0 => {
                        let end = count + length;
                        if end < start {
                            return Err(negative(self, length));
                        }
                        end
                    }
                    Some(length) => start.saturating_add(length).min(count),
                };
                Ok(Expansion::One(slice_chars(&text, start as usize, end as usize)))
            }
            // Of a variable that is no array the text is meant.
            Expansion::Many { mut values, .. }
                if values.len() == 1
                    && let ParamName::Var(symbol) = place.name
                    && !self.value(symbol)?.is_array() =>
            {
                let text = values.pop().unwrap_or_default();
                self.substring(place, Expansion::One(text), offset, length)
            }
            Expansion::Many { mut values, star } => {
                // Of the positional parameters `$0` is number 0; a sparse array is counted by its indices.
                let first: Vec<i64> = match place.name {
                    ParamName::Special(_) => {
                        values.insert(0, self.shell.name.clone());
                        (0..values.len() as i64).collect()
                    }
                    ParamName::Var(symbol) => match self.value(symbol)? {
                        Value::Indexed(array) => array.iter().map(|(index, _)| index).collect(),
                        // Bash counts the elements of an associative array from 1.
                        Value::Assoc(_) => (1..=values.len() as i64).collect(),
                        _ => (0..values.len() as i64).collect(),
                    },
                    ParamName::Positional(_) => Vec::new(),
                };
                let end = first.last().map_or(0, |last| last + 1);
                let start = if offset < 0 { end + offset } else { offset };
                if start < 0 || start >= end {
                    return Ok(Expansion::Many { values: Vec::new(), star });
                }
                if let Some(length) = length
                    && length < 0
                {
                    return Err(negative(self, length));
                }
                let skip = first.iter().take_while(|index| **index < start).count();
                let take = length.map_or(usize::MAX, |length| length as usize);
                let values = values.into_iter().skip(skip).take(take).collect();
                Ok(Expansion::Many { values, star })
            }
        }
    }
}
