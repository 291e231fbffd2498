//! The positional parameters: shared by copies of the shell, and shifted without moving what is left.

use std::ops::Deref;
use std::rc::Rc;

use crate::text::Str;

/// Positional parameters; a clone copies nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    items: Rc<Vec<Str>>,
    /// So many have been shifted away.
    from: usize,
}

impl Args {
    /// `$1` and so on.
    pub(crate) fn new(items: Vec<Str>) -> Args {
        Args { items: Rc::new(items), from: 0 }
    }

    /// `shift count`; no more than there are.
    pub(crate) fn shift(&mut self, count: usize) {
        self.from = self.items.len().min(self.from.saturating_add(count));
        // Every element is moved at most as often as one is taken.
        if self.from > self.items.len() / 2
            && let Some(items) = Rc::get_mut(&mut self.items)
        {
            items.drain(..self.from);
            self.from = 0;
        }
    }
}

impl Deref for Args {
    type Target = [Str];
    fn deref(&self) -> &[Str] {
        self.items.get(self.from..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Args;
    use crate::text::Str;

    #[test]
    fn shifting_keeps_what_others_have() {
        let mut args = Args::new((0..5).map(Str::from_int).collect());
        let other = args.clone();
        args.shift(3);
        assert_eq!(args.to_vec(), [Str::from_int(3), Str::from_int(4)]);
        drop(other);
        args.shift(1);
        assert_eq!(args.to_vec(), [Str::from_int(4)]);
        args.shift(9);
        assert!(args.is_empty());
    }
}
