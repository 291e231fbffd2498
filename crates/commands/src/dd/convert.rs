//! What `dd` does to the bytes between its blocks: character sets, case, swapped pairs, records of a fixed length.

use super::charsets;
use super::options::{Conversions, Plan};

/// The state of a conversion, which goes on over the ends of blocks.
pub(super) struct Converter {
    table: Option<Box<[u8; 256]>>,
    swap: bool,
    /// The first byte of a pair whose second has not come.
    saved: Option<u8>,
    records: Records,
    size: u64,
    newline: u8,
    space: u8,
    /// Place in the record.
    column: u64,
    /// Spaces that may be the end of a record.
    spaces: u64,
    truncated: u64,
}

enum Records {
    None,
    Block,
    Unblock,
}

impl Converter {
    pub(super) fn new(plan: &Plan) -> Converter {
        let conversions = plan.conversions;
        let mut table: Box<[u8; 256]> = Box::new(std::array::from_fn(|index| index as u8));
        let translate = |table: &mut [u8; 256], by: &[u8; 256]| {
            for byte in table.iter_mut() {
                *byte = by.get(usize::from(*byte)).copied().unwrap_or(*byte);
            }
        };
        if conversions.contains(Conversions::ASCII) {
            translate(&mut table, &charsets::ASCII);
        }
        if conversions.contains(Conversions::UPPER) {
            table.make_ascii_uppercase();
        } else if conversions.contains(Conversions::LOWER) {
            table.make_ascii_lowercase();
        }
        let set = if conversions.contains(Conversions::EBCDIC) {
            Some(&charsets::EBCDIC)
        } else if conversions.contains(Conversions::IBM) {
            Some(&charsets::IBM)
        } else {
            None
        };
        let (mut newline, mut space) = (b'\n', b' ');
        if let Some(set) = set {
            translate(&mut table, set);
            let at = |letter: u8| set.get(usize::from(letter)).copied().unwrap_or(letter);
            (newline, space) = (at(b'\n'), at(b' '));
        }
        let changes = table.iter().enumerate().any(|(index, byte)| index != usize::from(*byte));
        Converter {
            table: changes.then_some(table),
            swap: conversions.contains(Conversions::SWAP),
            saved: None,
            records: if conversions.contains(Conversions::BLOCK) {
                Records::Block
            } else if conversions.contains(Conversions::UNBLOCK) {
                Records::Unblock
            } else {
                Records::None
            },
            size: plan.conversion_block,
            newline,
            space,
            column: 0,
            spaces: 0,
            truncated: 0,
        }
    }

    /// Records that lost their end.
    pub(super) fn truncated(&self) -> u64 {
        self.truncated
    }

    /// Converts a block of input, in place, and appends what comes of it to `out`.
    pub(super) fn convert(&mut self, block: &mut Vec<u8>, out: &mut Vec<u8>) {
        if let Some(table) = &self.table {
            for byte in block.iter_mut() {
                *byte = table.get(usize::from(*byte)).copied().unwrap_or(*byte);
            }
        }
        if self.swap {
            if let Some(saved) = self.saved.take() {
                block.insert(0, saved);
            }
            if block.len() % 2 == 1 {
                self.saved = block.pop();
            }
            for pair in block.chunks_exact_mut(2) {
                pair.reverse();
            }
        }
        self.emit(block, out);
    }

    fn emit(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self.records {
            Records::None => out.extend_from_slice(bytes),
            Records::Block => self.block(bytes, out),
            Records::Unblock => self.unblock(bytes, out),
        }
    }

    fn pad(&self, count: u64, out: &mut Vec<u8>) {
        out.resize(out.len() + usize::try_from(count).unwrap_or_default(), self.space);
    }

    fn block(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            if *byte == self.newline {
                self.pad(self.size.saturating_sub(self.column), out);
                self.column = 0;
                continue;
            }
            if self.column == self.size {
                self.truncated += 1;
            } else if self.column < self.size {
                out.push(*byte);
            }
            self.column += 1;
        }
    }

    fn unblock(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            if self.column >= self.size {
                (self.column, self.spaces) = (0, 0);
                out.push(self.newline);
            }
            self.column += 1;
            if *byte == self.space {
                self.spaces += 1;
            } else {
                self.pad(self.spaces, out);
                self.spaces = 0;
                out.push(*byte);
            }
        }
    }

    /// What is left at the end of the input.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(saved) = self.saved.take() {
            self.emit(&[saved], out);
        }
        match self.records {
            Records::Block if self.column > 0 => self.pad(self.size.saturating_sub(self.column), out),
            Records::Unblock if self.column > 0 => out.push(self.newline),
            _ => {}
        }
        self.column = 0;
    }
}
