//! Operators with a word to fall back to: `${parameter:-word}` and its kin.

use super::{Expansion, Place};
use crate::text::Str;
use crate::vars::Value;
use crate::vm::code::{ParamName, ParamOp, Quoting, SubscriptKind};
use crate::vm::{Unwind, Vm};

impl Vm {
    /// The value if it counts as there.
    fn present(
        &mut self,
        place: Option<&Place>,
        colon: bool,
        star_join: bool,
    ) -> Result<Option<Expansion>, Unwind> {
        let Some(place) = place else { return Ok(None) };
        let expansion = self.expansion(place)?;
        let there = match &expansion {
            Expansion::Unset => false,
            Expansion::One(text) => !(colon && text.is_empty()),
            Expansion::Many { values, star } => match values.as_slice() {
                [] => false,
                [one] => !(colon && one.is_empty()),
                _ => {
                    let joined_empty = *star && star_join && self.shell.ifs.first.is_empty();
                    !(colon && joined_empty && values.iter().all(|value| value.is_empty()))
                }
            },
        };
        Ok(there.then_some(expansion))
    }

    fn colon(op: ParamOp) -> bool {
        matches!(
            op,
            ParamOp::Default { colon: true }
                | ParamOp::Assign { colon: true }
                | ParamOp::Error { colon: true }
                | ParamOp::Alternative { colon: true }
        )
    }

    pub(crate) fn param_default(&mut self, index: u32, target: u32) -> Result<(), Unwind> {
        let Some(param) = self.code.params.get(index as usize).copied() else { return Ok(()) };
        let subscript = if param.subscript == SubscriptKind::Key { self.args.last().cloned() } else { None };
        let found = self.param_place(&param).and_then(|place| {
            self.present(place.as_ref(), Self::colon(param.op), param.quoting == Quoting::Quoted)
        });
        if matches!(found, Err(Unwind::Expand)) {
            self.args.extend(subscript);
        }
        match found? {
            Some(expansion) => {
                self.push_expansion(expansion, param.quoting);
                self.pc = target as usize;
            }
            None => {
                if param.quoting == Quoting::Quoted && matches!(param.op, ParamOp::Default { .. }) {
                    self.word().quote();
                }
            }
        }
        Ok(())
    }

    pub(crate) fn param_alternative(&mut self, index: u32, target: u32) -> Result<(), Unwind> {
        let Some(param) = self.code.params.get(index as usize).copied() else { return Ok(()) };
        let subscript = if param.subscript == SubscriptKind::Key { self.args.last().cloned() } else { None };
        let found = self
            .param_place(&param)
            .and_then(|place| self.present(place.as_ref(), Self::colon(param.op), false));
        if matches!(found, Err(Unwind::Expand)) {
            self.args.extend(subscript);
        }
        if found?.is_none() {
            self.pc = target as usize;
            if param.quoting == Quoting::Quoted
                && !matches!(param.name, ParamName::Special(b'@'))
                && param.subscript != SubscriptKind::At
            {
                self.word().quote();
            }
        } else if param.quoting == Quoting::Quoted {
            self.word().quote();
        }
        Ok(())
    }

    pub(crate) fn param_assign(&mut self, index: u32) -> Result<(), Unwind> {
        let Some(param) = self.code.params.get(index as usize).copied() else { return Ok(()) };
        let place = self.param_place(&param)?;
        let value = self.args.pop().unwrap_or_default();
        let Some(Place { name: ParamName::Var(symbol), subscript, key }) = place else {
            let mut message = match param.name {
                ParamName::Positional(number) => format!("${number}").into_bytes(),
                ParamName::Special(b) => vec![b'$', b],
                ParamName::Var(symbol) => self.name_of(symbol).to_vec(),
            };
            message.extend_from_slice(b": cannot assign in this way");
            self.error(&message);
            return Err(self.failed_expansion());
        };
        let element = (subscript == SubscriptKind::Key).then(|| key.clone());
        match subscript {
            SubscriptKind::None => self.assign(symbol, Value::Str(value))?,
            SubscriptKind::Key => self.assign_element(symbol, key, value, false)?,
            SubscriptKind::At | SubscriptKind::Star => {
                let mut message = self.name_of(symbol).to_vec();
                message.extend_from_slice(b"[@]: bad array subscript");
                self.error(&message);
                return Err(self.failed_expansion());
            }
        }
        let value = match element {
            Some(key) => self.element(symbol, &key)?,
            None => self.scalar(symbol)?,
        };
        self.push_expansion(Expansion::One(value.unwrap_or_default()), param.quoting);
        Ok(())
    }

    pub(crate) fn param_error(&mut self, index: u32) -> Result<(), Unwind> {
        let Some(param) = self.code.params.get(index as usize).copied() else { return Ok(()) };
        let text = self.args.pop().unwrap_or_default();
        let place = Place { name: param.name, subscript: SubscriptKind::None, key: Str::EMPTY };
        let mut message = self.place_text(&place);
        match param.subscript {
            SubscriptKind::At => message.extend_from_slice(b"[@]"),
            SubscriptKind::Star => message.extend_from_slice(b"[*]"),
            _ => {}
        }
        message.extend_from_slice(b": ");
        if text.is_empty() {
            message.extend_from_slice(if Self::colon(param.op) {
                b"parameter null or not set"
            } else {
                b"parameter not set"
            });
        } else {
            message.extend_from_slice(&text);
        }
        self.error(&message);
        Err(self.expansion_error())
    }
}
