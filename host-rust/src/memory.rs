//! The bound on a store's linear memories.

use wasmtime::ResourceLimiter;

use crate::limits::Limit;

/// Refuses growth beyond a limit, which a component meets as an allocation that fails, and tells of growth that comes
/// close to it: what cannot allocate traps, so a run is better ended before.
pub(crate) struct Memory {
    limit: usize,
    /// A memory has become larger than it should since [`Memory::begin`].
    close: bool,
    refused: bool,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, close: false, refused: false }
    }

    /// A run begins.
    pub(crate) fn begin(&mut self) {
        (self.close, self.refused) = (false, false);
    }

    /// What is left for cleaning up: a sixteenth, at most 32 MiB.
    fn comfortable(&self) -> usize {
        self.limit - (self.limit / 16).min(32 << 20)
    }

    fn named(&self) -> Limit {
        Limit::MemoryBytes(self.limit as u64)
    }

    /// The limit, when growth has come close to it.
    pub(crate) fn close(&self) -> Option<Limit> {
        self.close.then(|| self.named())
    }

    /// The limit, when growth was refused.
    pub(crate) fn refused(&self) -> Option<Limit> {
        self.refused.then(|| self.named())
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.close |= desired > self.comfortable();
        self.refused |= desired > self.limit;
        Ok(desired <= self.limit)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= maximum.unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_before_it_is_refused() {
        let mut memory = Memory::new(1 << 20);
        assert!(memory.memory_growing(0, 900 << 10, None).unwrap());
        assert_eq!(memory.close(), None);
        assert!(memory.memory_growing(0, 1 << 20, None).unwrap());
        assert_eq!((memory.close(), memory.refused()), (Some(Limit::MemoryBytes(1 << 20)), None));
        assert!(!memory.memory_growing(0, (1 << 20) + 1, None).unwrap());
        assert_eq!(memory.refused(), Some(Limit::MemoryBytes(1 << 20)));
        memory.begin();
        assert_eq!((memory.close(), memory.refused()), (None, None));
    }
}
