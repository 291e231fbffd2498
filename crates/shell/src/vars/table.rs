//! The table of variables: indexed by symbol, in pages that a fork shares until one is written to.

use std::rc::Rc;

use super::Var;
use crate::symbol::Sym;

const PAGE: usize = 16;

type Page = [Var; PAGE];

/// All variables of a shell. A clone copies nothing; the first write to a page after it copies that page.
#[derive(Clone)]
pub(crate) struct Table {
    pages: Rc<Vec<Rc<Page>>>,
    absent: Rc<Var>,
}

impl Default for Table {
    fn default() -> Self {
        Table { pages: Rc::new(Vec::new()), absent: Rc::new(Var::default()) }
    }
}

impl Table {
    /// The variable; one that does not exist has no value and no attributes.
    #[inline]
    pub(crate) fn get(&self, symbol: Sym) -> &Var {
        let index = symbol.index();
        match self.pages.get(index / PAGE) {
            Some(page) => page.get(index % PAGE).unwrap_or(&self.absent),
            None => &self.absent,
        }
    }

    /// The variable's place.
    #[inline]
    pub(crate) fn get_mut(&mut self, symbol: Sym) -> &mut Var {
        let index = symbol.index();
        let pages = Rc::make_mut(&mut self.pages);
        if pages.len() <= index / PAGE {
            let empty: Rc<Page> = Rc::new(Default::default());
            pages.resize(index / PAGE + 1, empty);
        }
        // Both are in range: the vector has just been made long enough, and a page has `PAGE` places.
        let page = Rc::make_mut(&mut pages[index / PAGE]);
        &mut page[index % PAGE]
    }

    /// The symbols of the variables that exist, in the order of their numbers.
    pub(crate) fn existing(&self) -> impl Iterator<Item = (Sym, &Var)> {
        self.all().filter(|(_, var)| var.exists)
    }

    /// All of which there may be something to say.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Sym, &Var)> {
        let pages = self.pages.iter().enumerate();
        pages.flat_map(|(p, page)| {
            page.iter().enumerate().map(move |(i, var)| (Sym((p * PAGE + i) as u32), var))
        })
    }
}
