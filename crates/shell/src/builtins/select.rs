//! The menu of `select`, and `=~`

use wasmsh_regex::{Regex, Syntax};

use crate::options::Shopt;
use crate::symbol::{Sym, known};
use crate::text::Str;
use crate::vars::{Attrs, Indexed, Value};
use crate::vm::run::Next;
use crate::vm::{After, Ctl, Outcome, Pending, Unwind, Vm};

impl Vm {
    /// A pass of `select`: shows the menu, reads a choice.
    pub(crate) fn select(&mut self, symbol: Sym, done: u32) -> Result<Next, Unwind> {
        let items: Vec<Str> = match self.ctl.last() {
            Some(Ctl::Loop { items, .. }) => items.iter().rev().cloned().collect(),
            _ => Vec::new(),
        };
        if items.is_empty() {
            self.pc = done as usize;
            return Ok(Next::Go);
        }
        // Once, and again when an empty line has asked for it.
        let shown = match self.ctl.last_mut() {
            Some(Ctl::Loop { shown, .. }) => std::mem::replace(shown, true),
            _ => false,
        };
        if !shown || self.shell.vars.get(known::REPLY).value.scalar().is_some_and(|reply| reply.is_empty()) {
            let menu = self.menu(&items);
            self.put(2, &menu);
        }
        let prompt = self.shell.vars.get(known::PS3).value.scalar().unwrap_or_else(|| Str::from("#? "));
        self.put(2, &prompt);
        self.flush_now();
        let ctx = self.ctx.clone();
        let future = Box::pin(async move {
            let mut line = Vec::new();
            let mut end = false;
            loop {
                let mut one = Vec::new();
                match ctx.read(0, &mut one, 1).await {
                    Ok(0) | Err(_) => {
                        end = true;
                        break;
                    }
                    Ok(_) if one == b"\n" => break,
                    Ok(_) => line.append(&mut one),
                }
            }
            let after: After = Box::new(move |vm: &mut Vm| {
                if end && line.is_empty() {
                    vm.put(1, b"\n");
                    vm.flush_now();
                    vm.pc = done as usize;
                    vm.set_loop_status(1);
                    return Outcome::Continue;
                }
                if line.trim_ascii().is_empty() {
                    // An empty line shows the menu again.
                    if let Some(Ctl::Loop { shown, .. }) = vm.ctl.last_mut() {
                        *shown = false;
                    }
                    vm.pc -= 1;
                    return Outcome::Continue;
                }
                let choice = std::str::from_utf8(line.trim_ascii())
                    .ok()
                    .and_then(|text| text.parse::<usize>().ok())
                    .and_then(|number| number.checked_sub(1))
                    .and_then(|at| items.get(at).cloned())
                    .unwrap_or_default();
                let assigned = vm
                    .assign(known::REPLY, Value::Str(Str::new(&line)))
                    .and_then(|()| vm.assign(symbol, Value::Str(choice)));
                match assigned {
                    Ok(()) => Outcome::Continue,
                    Err(unwind) => Outcome::Unwind(unwind),
                }
            });
            after
        });
        self.set_pending(Pending::Future { future, interruptible: true });
        Ok(Next::Wait)
    }

    /// The items in numbered columns, as bash lays them out for 80 columns.
    fn menu(&self, items: &[Str]) -> Vec<u8> {
        let columns =
            self.shell.vars.get(known::COLUMNS).value.int().filter(|c| *c > 0).unwrap_or(80) as usize;
        let digits = items.len().to_string().len();
        let widest = items.iter().map(|item| crate::expand::pattern::count_chars(item)).max().unwrap_or(0);
        let width = widest + digits + 2;
        let cell = width + 2;
        let across = (columns / cell).max(1);
        let rows = items.len().div_ceil(across).max(1);
        let rows = if rows == 1 { items.len() } else { rows };
        let mut out = Vec::new();
        for row in 0..rows {
            let mut at = row;
            let mut position = 0;
            while let Some(item) = items.get(at) {
                let text = format!("{:digits$}) ", at + 1);
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(item);
                position += text.len() + crate::expand::pattern::count_chars(item);
                at += rows;
                if at < items.len() {
                    let next = position.div_ceil(cell) * cell;
                    let next = if next - position < 2 { next + cell } else { next };
                    out.resize(out.len() + (next - position), b' ');
                    position = next;
                }
            }
            out.push(b'\n');
        }
        out
    }

    /// `[[ left =~ right ]]`: the status, and `BASH_REMATCH`.
    pub(crate) fn cond_regex(&mut self, left: &Str, right: &Str) -> Result<u8, Unwind> {
        let syntax = Syntax {
            ignore_case: self.shopt(Shopt::NoCaseMatch),
            strict_operators: true,
            utf8: !self.shell.bytes,
            ..Syntax::EXTENDED
        };
        let key = (u8::from(syntax.ignore_case) | u8::from(self.shell.bytes) << 1, right.clone());
        let cached = self.shell.shared.regexes.borrow().get(&key).cloned();
        let regex = match cached {
            Some(regex) => regex,
            None => {
                if !is_regular(right) {
                    return Ok(2);
                }
                let Ok(regex) = Regex::new(right, &syntax) else { return Ok(2) };
                let regex = std::rc::Rc::new(regex);
                let mut cache = self.shell.shared.regexes.borrow_mut();
                if cache.len() >= 64 {
                    cache.clear();
                }
                cache.insert(key, regex.clone());
                regex
            }
        };
        let captures = regex.captures_at(left, 0).unwrap_or(None);
        let matched = captures.is_some();
        let values: Vec<Str> = captures
            .unwrap_or_default()
            .into_iter()
            .map(|span| span.map_or(Str::EMPTY, |span| Str::new(span.of(left))))
            .collect();
        let var = self.shell.vars.get_mut(known::BASH_REMATCH);
        if !var.attrs.contains(Attrs::READONLY) {
            var.exists = true;
            var.value = Value::Indexed(std::rc::Rc::new(Indexed::from_values(values)));
        }
        Ok(u8::from(!matched))
    }
}

/// Whether every repetition has something to repeat and a proper count, as `regcomp(3)` demands of an extended
/// regular expression.
fn is_regular(text: &[u8]) -> bool {
    let mut nothing = true;
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        at += 1;
        match b {
            b'\\' => {
                at += 1;
                nothing = false;
            }
            b'[' => {
                at = bracket_end(text, at);
                nothing = false;
            }
            b'(' | b'|' | b'^' => nothing = true,
            b'*' | b'+' | b'?' if nothing => return false,
            b'{' => {
                if nothing {
                    return false;
                }
                let rest = text.get(at..).unwrap_or_default();
                let Some(close) = rest.iter().position(|b| *b == b'}') else { return false };
                let count = rest.get(..close).unwrap_or_default();
                let mut parts = count.split(|b| *b == b',');
                let fine = parts.clone().count() <= 2
                    && count.iter().all(|b| b.is_ascii_digit() || *b == b',')
                    && !(count.is_empty() || parts.all(<[u8]>::is_empty) && count.len() != 1);
                if !fine {
                    return false;
                }
                at += close + 1;
            }
            _ => nothing = false,
        }
    }
    true
}

/// The position behind a bracket expression whose `[` stands before `at`.
fn bracket_end(text: &[u8], mut at: usize) -> usize {
    if text.get(at) == Some(&b'^') {
        at += 1;
    }
    if text.get(at) == Some(&b']') {
        at += 1;
    }
    while let Some(&b) = text.get(at) {
        at += 1;
        match b {
            b']' => return at,
            b'[' => {
                if let Some(kind @ (b':' | b'.' | b'=')) = text.get(at).copied() {
                    let rest = text.get(at + 1..).unwrap_or_default();
                    if let Some(close) = memchr::memmem::find(rest, &[kind, b']']) {
                        at += close + 3;
                    }
                }
            }
            _ => {}
        }
    }
    at
}
