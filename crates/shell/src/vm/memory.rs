//! The memory that variables take: measured when much has been assigned, and bounded for a session.

use std::collections::HashSet;
use std::rc::Rc;

use crate::shared::Shared;
use crate::text::Str;
use crate::vars::{Indexed, Value, Var};
use crate::vm::{Unwind, Vm};

/// How much is assigned between two measurements, unless the ceiling or what there is asks for something else.
const STEP: u64 = 16 * 1024 * 1024;

/// What an element or a variable takes beside its text.
pub(crate) const PLACE: usize = 64;

/// What one process has of the variables of its session.
pub(crate) struct Memory {
    shared: Rc<Shared>,
    /// Bytes that have been assigned since the last measurement.
    grown: u64,
    /// When to measure.
    next: u64,
    /// All of its variables, at the last measurement.
    total: u64,
    /// Those that it shares with its parent.
    inherited: u64,
}

impl Memory {
    pub(crate) fn new(shared: Rc<Shared>, ceiling: u64) -> Memory {
        Memory { shared, grown: 0, next: STEP.min(ceiling / 8), total: 0, inherited: 0 }
    }

    /// That of a child, which shares everything to begin with.
    pub(crate) fn fork(&self) -> Memory {
        Memory {
            shared: self.shared.clone(),
            grown: self.grown,
            next: self.next,
            total: self.total,
            inherited: self.total,
        }
    }

    fn own(&self) -> u64 {
        self.total.saturating_sub(self.inherited)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let all = &self.shared.variable_bytes;
        all.set(all.get().saturating_sub(self.own()));
    }
}

/// Adds up values; what is shared counts once.
#[derive(Default)]
struct Sum {
    bytes: u64,
    seen: HashSet<usize>,
}

impl Sum {
    fn text(&mut self, text: &Str) {
        self.bytes += PLACE as u64;
        if let Some((place, size)) = text.allocation()
            && (size < 4096 || self.seen.insert(place))
        {
            self.bytes += size as u64;
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Unset | Value::Int(_) => {}
            Value::Str(text) => self.text(text),
            Value::Indexed(array) => {
                if self.seen.insert(Rc::as_ptr(array) as usize) {
                    match &**array {
                        Indexed::Dense(items) => items.iter().for_each(|item| self.text(item)),
                        Indexed::Sparse(items) => items.values().for_each(|item| self.text(item)),
                    }
                }
            }
            Value::Assoc(array) => {
                if self.seen.insert(Rc::as_ptr(array) as usize) {
                    for (key, value) in array.unsorted() {
                        self.text(key);
                        self.text(value);
                    }
                }
            }
        }
    }
}

impl Vm {
    /// So many bytes are about to be kept.
    #[inline]
    pub(crate) fn keep(&mut self, bytes: usize) -> Result<(), Unwind> {
        self.memory.grown += bytes as u64;
        if self.memory.grown > self.memory.next { self.measure(bytes) } else { Ok(()) }
    }

    #[cold]
    fn measure(&mut self, coming: usize) -> Result<(), Unwind> {
        let ceiling = self.ctx.kernel().ceilings().variable_bytes;
        let mut sum = Sum::default();
        let hidden = self.calls.iter().flat_map(|call| &call.saved).map(|(_, var)| var);
        let every: Vec<&Var> = self.shell.vars.existing().map(|(_, var)| var).chain(hidden).collect();
        for var in every {
            sum.bytes += PLACE as u64;
            sum.value(&var.value);
        }
        self.shell.args.iter().for_each(|arg| sum.text(arg));
        let before = self.memory.own();
        self.memory.total = sum.bytes;
        let all = &self.memory.shared.variable_bytes;
        let total = all.get().saturating_sub(before) + self.memory.own();
        all.set(total);
        self.memory.next = STEP.max(sum.bytes / 8).min(ceiling / 8);
        if total.saturating_add(coming as u64) > ceiling {
            // The next assignment measures again.
            self.memory.grown = self.memory.next;
            self.error(
                format!("cannot allocate memory: the variables take more than {ceiling} bytes").as_bytes(),
            );
            // As where there is no more memory: the shell ends.
            return Err(Unwind::Exit(2));
        }
        self.memory.grown = 0;
        self.fuel(u32::try_from(sum.bytes / (PLACE as u64 * 64)).unwrap_or(u32::MAX));
        Ok(())
    }
}
