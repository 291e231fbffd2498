//! The functions of awk.

use std::cmp::Ordering;
use std::rc::Rc;

use wasmsh_regex::{Captures, Regex};

use super::ast::{Var, special};
use super::fields::{Splitter, split};
use super::machine::{Machine, Step, fatal};
use super::streams::{start_shell, wait};
use super::value::{Array, Text, Value, empty, looks_numeric};
use super::{format, text, time};

impl Machine<'_> {
    fn pop_array_value(&mut self) -> Step<Rc<Array>> {
        match self.pop() {
            Value::Array(array) | Value::Maybe(array) => Ok(array),
            _ => fatal("attempt to use a scalar value as array"),
        }
    }

    fn length(&self, text: &[u8]) -> usize {
        if self.utf8 { text::length(text) } else { text.len() }
    }

    fn position(&self, text: &[u8], byte: usize) -> usize {
        if self.utf8 { text::position(text, byte) } else { byte }
    }

    fn find(&self, regex: &Regex, text: &[u8], from: usize) -> Step<Option<Captures>> {
        regex.captures_at(text, from).or_else(|error| fatal(error.to_string()))
    }

    pub(super) async fn builtin(&mut self, name: &'static str, count: usize) -> Step<()> {
        let result = match name {
            "rotate" => {
                // value, array, key → array, key, value
                let key = self.pop();
                let array = self.pop();
                let value = self.pop();
                self.stack.push(array);
                self.stack.push(key);
                value
            }
            "length" => match self.pop() {
                Value::Array(array) | Value::Maybe(array) => Value::Number(array.len() as f64),
                value => {
                    let text = value.to_text(&self.convfmt);
                    Value::Number(self.length(&text) as f64)
                }
            },
            "substr" => self.substr(count),
            "index" => {
                let (needle, hay) = (self.pop_text(), self.pop_text());
                let found = memchr::memmem::find(&hay, &needle);
                Value::Number(found.map_or(0.0, |at| (self.position(&hay, at) + 1) as f64))
            }
            "split" => self.split(count, false)?,
            "patsplit" => self.split(count, true)?,
            "match" => self.matching(count)?,
            "gensub" => self.gensub(count)?,
            "sprintf" => {
                let from = self.stack.len().saturating_sub(count);
                let arguments: Vec<Value> = self.stack.drain(from..).collect();
                let template = arguments.first().map_or_else(empty, |value| value.to_text(&self.convfmt));
                let mut out = Vec::new();
                let rest = arguments.get(1..).unwrap_or_default();
                format::format(&template, rest, &self.convfmt, self.utf8, &mut out);
                self.check_size(out.len())?;
                Value::Text(out.into())
            }
            "tolower" | "toupper" => {
                let text = self.pop_text();
                Value::Text(text::change_case(&text, name == "toupper").into())
            }
            "sin" => Value::Number(self.pop_number().sin()),
            "cos" => Value::Number(self.pop_number().cos()),
            "exp" => Value::Number(self.pop_number().exp()),
            "log" => Value::Number(self.pop_number().ln()),
            "sqrt" => Value::Number(self.pop_number().sqrt()),
            "int" => Value::Number(self.pop_number().trunc()),
            "atan2" => {
                let x = self.pop_number();
                Value::Number(self.pop_number().atan2(x))
            }
            "rand" => Value::Number(self.random.number()),
            "srand" => {
                let seed =
                    if count > 0 { self.pop_number().trunc() } else { self.t.ctx.now().seconds as f64 };
                self.random = super::random::Random::new(seed as i64 as u32);
                Value::Number(std::mem::replace(&mut self.seed, seed))
            }
            "and" | "or" | "xor" => self.bits(name, count)?,
            "lshift" | "rshift" => {
                let (by, number) = (self.pop_number(), self.pop_number());
                if by < 0.0 || number < 0.0 {
                    return fatal(format!("{name}: negative values are not allowed"));
                }
                let (number, by) = (number as u64, by as u32);
                let result = if name == "lshift" { number.checked_shl(by) } else { number.checked_shr(by) };
                Value::Number(result.unwrap_or(0) as f64)
            }
            "compl" => {
                let number = self.pop_number();
                if number < 0.0 {
                    return fatal("compl: argument 1 negative value is not allowed");
                }
                Value::Number((!(number as u64) & 0x1f_ffff_ffff_ffff) as f64)
            }
            "strtonum" => self.strtonum(),
            "mkbool" => Value::flag(self.pop().is_true()),
            "systime" => Value::Number(self.t.ctx.now().seconds as f64),
            "mktime" => {
                for _ in 1..count {
                    self.pop();
                }
                Value::Number(time::mktime(&self.pop_text()))
            }
            "strftime" => self.strftime(count)?,
            "isarray" => Value::flag(match self.pop() {
                Value::Array(_) => true,
                Value::Maybe(array) => array.len() > 0,
                _ => false,
            }),
            "typeof" => Value::text(match self.pop() {
                Value::Array(_) => b"array",
                Value::Maybe(array) if array.len() > 0 => b"array",
                Value::Maybe(_) => b"untyped",
                Value::Unset => b"unassigned",
                Value::Regex(_) => b"regexp",
                Value::Number(_) => b"number",
                Value::Input(text) if looks_numeric(&text) => b"strnum",
                Value::Input(_) | Value::Text(_) => b"string",
            }),
            "asort" | "asorti" => self.sort(name == "asorti", count).await?,
            "system" => {
                let command = self.pop_text();
                self.flush_outputs().await?;
                Value::Number(match start_shell(&self.t.ctx, &command, Vec::new()) {
                    Ok(pid) => wait(&self.t.ctx, pid).await,
                    Err(_) => -1.0,
                })
            }
            "close" => {
                let to = if count > 1 { self.pop_text()[..] == *b"to" } else { false };
                let name = self.pop_text();
                Value::Number(self.close(&name, to).await?)
            }
            "fflush" => {
                if count == 0 {
                    self.flush_outputs().await?;
                    Value::Number(0.0)
                } else {
                    let name = self.pop_text();
                    if name.is_empty() {
                        self.flush_outputs().await?;
                        Value::Number(0.0)
                    } else {
                        Value::Number(if self.flush_one(&name).await? { 0.0 } else { -1.0 })
                    }
                }
            }
            _ => return fatal(format!("function `{name}' is not known")),
        };
        self.stack.push(result);
        Ok(())
    }

    fn substr(&mut self, count: usize) -> Value {
        let length = if count > 2 { Some(self.pop_number()) } else { None };
        let start = self.pop_number();
        let text = self.pop_text();
        // Rounded, as POSIX has it: characters from `start` up to `start + length`.
        let round = |number: f64| {
            let down = number.floor();
            match (number - down).partial_cmp(&0.5) {
                Some(Ordering::Less) => down,
                Some(Ordering::Equal) if down % 2.0 == 0.0 => down,
                _ => down + 1.0,
            }
        };
        if start.is_nan() || length.is_some_and(f64::is_nan) {
            return Value::Text(empty());
        }
        let mut start = round(start);
        let mut end = match length {
            Some(length) => start + round(length),
            None => f64::INFINITY,
        };
        start = start.max(1.0);
        let total = self.length(&text) as f64 + 1.0;
        end = end.min(total);
        if start >= end {
            return Value::Text(empty());
        }
        let (from, to) = ((start - 1.0) as usize, (end - 1.0) as usize);
        if !self.utf8 || text.is_ascii() {
            return Value::text(text.get(from..to).unwrap_or_default());
        }
        let first = text::offset(&text, from);
        let rest = text.get(first..).unwrap_or_default();
        Value::text(rest.get(..text::offset(rest, to - from)).unwrap_or_default())
    }

    fn split(&mut self, count: usize, by_pattern: bool) -> Step<Value> {
        let separators = if count > 3 { Some(self.pop_array_value()?) } else { None };
        let separator = if count > 2 {
            Some(self.pop())
        } else if by_pattern {
            Some(self.global_value(special::FPAT))
        } else {
            None
        };
        let array = self.pop_array_value()?;
        let subject = self.pop_text();
        let splitter = if by_pattern {
            let pattern = separator.unwrap_or(Value::Unset);
            let regex = self.build(&pattern.to_text(&self.convfmt))?;
            let mut spans = Vec::new();
            split(&subject, &Splitter::Pattern(regex), false, |start, end| {
                spans.push((start, end));
            });
            return Ok(fill(&subject, &array, separators.as_deref(), &spans, true));
        } else {
            match separator {
                Some(separator) => self.splitter_of(&separator)?,
                None => {
                    let fs = self.global_value(special::FS);
                    self.splitter_of(&fs)?
                }
            }
        };
        let mut spans = Vec::new();
        let newlines = self.paragraph && count < 3;
        split(&subject, &splitter, newlines, |start, end| spans.push((start, end)));
        let blanks = matches!(splitter, Splitter::Blanks);
        Ok(fill(&subject, &array, separators.as_deref(), &spans, blanks))
    }

    fn matching(&mut self, count: usize) -> Step<Value> {
        let array = if count > 2 { Some(self.pop_array_value()?) } else { None };
        let pattern = self.pop();
        let subject = self.pop_text();
        let regex = self.dynamic(&pattern)?;
        let found = self.find(&regex, &subject, 0)?;
        if let Some(array) = &array {
            array.clear();
        }
        let Some(whole) = found.as_ref().and_then(|captures| captures.first().copied().flatten()) else {
            self.set(Var::Global(special::RSTART), Value::Number(0.0))?;
            self.set(Var::Global(special::RLENGTH), Value::Number(-1.0))?;
            return Ok(Value::Number(0.0));
        };
        if let (Some(array), Some(captures)) = (&array, &found) {
            let separator = self.global_value(special::SUBSEP).to_text(b"");
            for (group, span) in captures.iter().enumerate() {
                let Some(span) = span else { continue };
                let key = self.number_text(group as f64);
                array.set(key.clone(), Value::Input(span.of(&subject).into()));
                let start = self.position(&subject, span.start) + 1;
                let length = self.length(span.of(&subject));
                for (name, number) in [(&b"start"[..], start), (b"length", length)] {
                    let key = [&key, &separator, name].concat();
                    array.set(key.into(), Value::Number(number as f64));
                }
            }
        }
        let start = (self.position(&subject, whole.start) + 1) as f64;
        let length = self.length(whole.of(&subject)) as f64;
        self.set(Var::Global(special::RSTART), Value::Number(start))?;
        self.set(Var::Global(special::RLENGTH), Value::Number(length))?;
        Ok(Value::Number(start))
    }

    /// Replaces matches; `replace` writes what takes the place of one, and says whether to go on.
    fn replace_all(
        &self,
        regex: &Regex,
        subject: &[u8],
        captures: bool,
        mut replace: impl FnMut(&Captures, &mut Vec<u8>) -> (bool, bool),
    ) -> Step<Option<Vec<u8>>> {
        let mut out = Vec::new();
        let (mut copied, mut from) = (0, 0);
        let mut changed = false;
        let mut previous_end = None;
        while from <= subject.len() {
            let found = if captures {
                self.find(regex, subject, from)?
            } else {
                regex.find_at(subject, from).or_else(|error| fatal(error.to_string()))?.map(|span| vec![Some(span)])
            };
            let Some(found) = found else { break };
            let Some(whole) = found.first().copied().flatten() else { break };
            let is_empty = whole.start == whole.end;
            if !(is_empty && previous_end == Some(whole.start)) {
                let before = out.len();
                out.extend_from_slice(subject.get(copied..whole.start).unwrap_or_default());
                let (replaced, go_on) = replace(&found, &mut out);
                if replaced {
                    changed = true;
                    copied = whole.end;
                } else {
                    out.truncate(before);
                }
                if !go_on {
                    break;
                }
            }
            previous_end = Some(whole.end);
            from = whole.end;
            if is_empty {
                from += bstr::decode_utf8(subject.get(from..).unwrap_or_default()).1.max(1);
            }
        }
        if !changed {
            return Ok(None);
        }
        out.extend_from_slice(subject.get(copied..).unwrap_or_default());
        self.check_size(out.len())?;
        Ok(Some(out))
    }

    /// pattern, text, target → new value, count
    pub(super) fn substitute(&mut self, global: bool) -> Step<()> {
        let subject = self.pop_text();
        let replacement = self.pop_text();
        let pattern = self.pop();
        let regex = self.dynamic(&pattern)?;
        let plain = memchr::memchr2(b'&', b'\\', &replacement).is_none();
        let mut count = 0_u64;
        let result = self.replace_all(&regex, &subject, false, |found, out| {
            count += 1;
            if plain {
                out.extend_from_slice(&replacement);
            } else {
                let whole = found.first().copied().flatten();
                expand(&replacement, whole.map_or(&[][..], |span| span.of(&subject)), out);
            }
            (true, global)
        })?;
        self.stack.push(result.map_or(Value::Text(subject), |text| Value::Text(text.into())));
        self.stack.push(Value::Number(count as f64));
        Ok(())
    }

    fn gensub(&mut self, count: usize) -> Step<Value> {
        let subject = if count > 3 { self.pop_text() } else { self.whole() };
        let how = self.pop();
        let replacement = self.pop_text();
        let pattern = self.pop();
        let how_text = how.to_text(&self.convfmt);
        let all = matches!(how_text.first(), Some(b'g' | b'G'));
        let wanted = if all { 1 } else { how.number().max(1.0) as u64 };
        let regex = self.dynamic(&pattern)?;
        let mut number = 0;
        let result = self.replace_all(&regex, &subject, true, |found, out| {
            number += 1;
            if number < wanted {
                return (false, true);
            }
            let group = |index: usize| {
                found.get(index).copied().flatten().map_or(&[][..], |span| span.of(&subject))
            };
            let mut rest = &replacement[..];
            while let Some((&byte, next)) = rest.split_first() {
                rest = next;
                match (byte, rest.first()) {
                    (b'&', _) => out.extend_from_slice(group(0)),
                    (b'\\', Some(digit @ b'0'..=b'9')) => {
                        out.extend_from_slice(group(usize::from(digit - b'0')));
                        rest = rest.get(1..).unwrap_or_default();
                    }
                    (b'\\', Some(escaped @ (b'&' | b'\\'))) => {
                        out.push(*escaped);
                        rest = rest.get(1..).unwrap_or_default();
                    }
                    _ => out.push(byte),
                }
            }
            (true, all)
        })?;
        Ok(Value::Text(result.map_or(subject, Into::into)))
    }

    fn bits(&mut self, name: &str, count: usize) -> Step<Value> {
        let mut result: Option<u64> = None;
        for _ in 0..count {
            let number = self.pop_number();
            if number < 0.0 {
                return fatal(format!("{name}: negative value is not allowed"));
            }
            let number = number as u64;
            result = Some(match (result, name) {
                (None, _) => number,
                (Some(so_far), "and") => so_far & number,
                (Some(so_far), "or") => so_far | number,
                (Some(so_far), _) => so_far ^ number,
            });
        }
        Ok(Value::Number(result.unwrap_or(0) as f64))
    }

    fn strtonum(&mut self) -> Value {
        let value = self.pop();
        if let Value::Number(_) = value {
            return value;
        }
        let text = value.to_text(&self.convfmt);
        let trimmed = text.trim_ascii();
        let (negative, digits) = match trimmed.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, trimmed),
        };
        let radix = |digits: &[u8], radix: u32| {
            digits
                .iter()
                .map_while(|digit| char::from(*digit).to_digit(radix))
                .fold(0.0, |value, digit| value * f64::from(radix) + f64::from(digit))
        };
        let number = match digits {
            [b'0', b'x' | b'X', rest @ ..] => radix(rest, 16),
            [b'0', rest @ ..] if !rest.is_empty() && rest.iter().all(|digit| (b'0'..=b'7').contains(digit)) => {
                radix(rest, 8)
            }
            _ => return Value::Number(super::value::to_number(&text)),
        };
        Value::Number(if negative { -number } else { number })
    }

    fn strftime(&mut self, count: usize) -> Step<Value> {
        if count > 2 {
            self.pop();
        }
        let when = if count > 1 { self.pop_number() } else { self.t.ctx.now().seconds as f64 };
        let template = if count > 0 {
            self.pop_text()
        } else {
            let info = self.array(Var::Global(special::PROCINFO))?;
            info.get(b"strftime").map_or_else(
                || Text::from(&b"%a %b %e %H:%M:%S %Z %Y"[..]),
                |value| value.to_text(&self.convfmt),
            )
        };
        let text = time::strftime(&String::from_utf8_lossy(&template), when.floor() as i64);
        Ok(Value::text(text.as_bytes()))
    }

    // Order.

    /// The keys of an array as PROCINFO["sorted_in"] says.
    pub(super) async fn sorted_keys(&mut self, array: &Rc<Array>) -> Step<Vec<Text>> {
        let how = match self.global_value(special::PROCINFO) {
            Value::Array(info) => info.get(b"sorted_in"),
            _ => None,
        };
        let how = how.map_or_else(empty, |how| how.to_text(&self.convfmt));
        if how.is_empty() || &how[..] == b"@unsorted" {
            return Ok(array.keys());
        }
        let mut pairs: Vec<(Text, Value)> =
            array.keys().into_iter().map(|key| (key.clone(), array.get(&key).unwrap_or(Value::Unset))).collect();
        self.sort_pairs(&mut pairs, &how).await?;
        Ok(pairs.into_iter().map(|(key, _)| key).collect())
    }

    /// Sorts by one of gawk's orders, or by a function of the program.
    async fn sort_pairs(&mut self, pairs: &mut Vec<(Text, Value)>, how: &[u8]) -> Step<()> {
        let Some(order) = how.strip_prefix(b"@") else {
            let code = self.code.clone();
            let Some(function) = code.functions.iter().position(|entry| entry.name == how) else {
                return fatal(format!("sort comparison function `{}' is not defined", bstr::BStr::new(how)));
            };
            let order = Box::pin(self.merge_sort(std::mem::take(pairs), function)).await?;
            *pairs = order;
            return Ok(());
        };
        let descending = order.ends_with(b"_desc");
        let numeric_key = |key: &Text| super::value::to_number(key);
        let rank = |value: &Value| match value {
            Value::Array(_) => 2,
            value if value.is_numeric() && !matches!(value, Value::Unset) => 0,
            _ => 1,
        };
        let by_value = |a: &Value, b: &Value| {
            rank(a).cmp(&rank(b)).then_with(|| match rank(a) {
                0 => a.number().total_cmp(&b.number()),
                1 => a.to_text(b"%.6g").cmp(&b.to_text(b"%.6g")),
                _ => Ordering::Equal,
            })
        };
        let compare: Box<dyn Fn(&(Text, Value), &(Text, Value)) -> Ordering> = if order.starts_with(b"ind_num") {
            Box::new(|a, b| numeric_key(&a.0).total_cmp(&numeric_key(&b.0)).then_with(|| a.0.cmp(&b.0)))
        } else if order.starts_with(b"ind_str") {
            Box::new(|a, b| a.0.cmp(&b.0))
        } else if order.starts_with(b"val_num") {
            Box::new(|a, b| {
                a.1.number()
                    .total_cmp(&b.1.number())
                    .then_with(|| a.1.to_text(b"%.6g").cmp(&b.1.to_text(b"%.6g")))
                    .then_with(|| a.0.cmp(&b.0))
            })
        } else if order.starts_with(b"val_str") {
            Box::new(|a, b| a.1.to_text(b"%.6g").cmp(&b.1.to_text(b"%.6g")).then_with(|| a.0.cmp(&b.0)))
        } else if order.starts_with(b"val_type") {
            Box::new(move |a, b| by_value(&a.1, &b.1).then_with(|| a.0.cmp(&b.0)))
        } else {
            return fatal(format!("sort comparison function `{}' is not defined", bstr::BStr::new(how)));
        };
        pairs.sort_by(|a, b| if descending { compare(b, a) } else { compare(a, b) });
        Ok(())
    }

    /// Sorts by a function that may do anything, so it cannot be a comparison of `sort_by`.
    async fn merge_sort(&mut self, pairs: Vec<(Text, Value)>, function: usize) -> Step<Vec<(Text, Value)>> {
        let code = self.code.clone();
        let parameters = code.functions.get(function).map_or(0, |entry| entry.parameters);
        let mut runs: Vec<Vec<(Text, Value)>> = pairs.into_iter().map(|pair| vec![pair]).collect();
        while runs.len() > 1 {
            let mut merged = Vec::new();
            let mut rest = runs.into_iter();
            while let Some(left) = rest.next() {
                let Some(right) = rest.next() else {
                    merged.push(left);
                    break;
                };
                let mut out = Vec::with_capacity(left.len() + right.len());
                let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
                while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
                    self.t.ctx.tick().await;
                    let key = |key: &Text| Value::Input(key.clone());
                    let mut arguments = vec![key(&a.0), a.1.clone(), key(&b.0), b.1.clone()];
                    arguments.truncate(parameters);
                    let order = self.call(function, arguments).await?.number();
                    out.extend(if order > 0.0 { right.next() } else { left.next() });
                }
                out.extend(left);
                out.extend(right);
                merged.push(out);
            }
            runs = merged;
        }
        Ok(runs.pop().unwrap_or_default())
    }

    async fn sort(&mut self, by_index: bool, count: usize) -> Step<Value> {
        let how = if count > 2 { self.pop_text() } else { empty() };
        let target = if count > 1 { Some(self.pop_array_value()?) } else { None };
        let source = self.pop_array_value()?;
        let mut pairs = source.pairs();
        let default: &[u8] = if by_index { b"@ind_str_asc" } else { b"@val_type_asc" };
        let how = if how.is_empty() { default } else { &how };
        self.sort_pairs(&mut pairs, how).await?;
        let target = target.unwrap_or(source);
        target.clear();
        let total = pairs.len();
        for (index, (key, value)) in pairs.into_iter().enumerate() {
            let place = self.number_text((index + 1) as f64);
            target.set(place, if by_index { Value::Text(key) } else { value });
        }
        Ok(Value::Number(total as f64))
    }
}

/// The replacement of `sub`: `&` is the match, `\&` an ampersand, `\\&` a backslash and the match.
fn expand(replacement: &[u8], matched: &[u8], out: &mut Vec<u8>) {
    let mut rest = replacement;
    while let Some((&byte, next)) = rest.split_first() {
        rest = next;
        match byte {
            b'&' => out.extend_from_slice(matched),
            b'\\' if rest.starts_with(b"&") => {
                out.push(b'&');
                rest = rest.get(1..).unwrap_or_default();
            }
            b'\\' if rest.starts_with(b"\\&") => {
                out.push(b'\\');
                out.extend_from_slice(matched);
                rest = rest.get(2..).unwrap_or_default();
            }
            b'\\' if rest.starts_with(b"\\\\&") => {
                out.extend_from_slice(b"\\&");
                rest = rest.get(3..).unwrap_or_default();
            }
            _ => out.push(byte),
        }
    }
}

/// Fills the arrays of `split`: the fields, and what stands between them. With `outer`, also what stands around.
fn fill(
    subject: &[u8],
    array: &Array,
    separators: Option<&Array>,
    spans: &[(usize, usize)],
    outer: bool,
) -> Value {
    array.clear();
    let key = |number: usize| -> Text { number.to_string().into_bytes().into() };
    for (index, (start, end)) in spans.iter().enumerate() {
        array.set(key(index + 1), Value::Input(subject.get(*start..*end).unwrap_or_default().into()));
    }
    if let Some(separators) = separators {
        separators.clear();
        let between = |from: usize, to: usize| Value::text(subject.get(from..to).unwrap_or_default());
        if outer && let Some((first, _)) = spans.first() {
            if *first > 0 || !spans.is_empty() {
                separators.set(key(0), between(0, *first));
            }
        }
        for (index, pair) in spans.windows(2).enumerate() {
            if let [(_, end), (start, _)] = pair {
                separators.set(key(index + 1), between(*end, *start));
            }
        }
        if outer && let Some((_, last)) = spans.last() {
            separators.set(key(spans.len()), between(*last, subject.len()));
        }
    }
    Value::Number(spans.len() as f64)
}
