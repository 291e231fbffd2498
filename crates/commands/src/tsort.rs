//! `tsort`: brings the names of a partial order into a total one (Knuth, volume 1, 2.2.3, algorithm T).

use std::collections::{BTreeMap, VecDeque};

use bstr::{BStr, BString, ByteSlice};

use crate::quote::quote_name;
use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "tsort",
    usage: &["[OPTION] [FILE]"],
    about: "Write totally ordered list consistent with the partial ordering in FILE.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// A name of the order.
#[derive(Default)]
struct Item {
    name: BString,
    /// How many relations to it from items that are not written yet.
    before: usize,
    /// What it stands before; the relation that was read last is the last.
    after: Vec<usize>,
    written: bool,
    /// The item that follows on the path on which a loop is looked for.
    next: Option<usize>,
}

#[derive(Default)]
struct Order {
    items: Vec<Item>,
    names: BTreeMap<BString, usize>,
    /// The half of a pair whose other half is not read yet.
    half: Option<usize>,
}

impl Order {
    fn token(&mut self, name: &[u8]) {
        let index = match self.names.get(BStr::new(name)) {
            Some(index) => *index,
            None => {
                let index = self.items.len();
                self.items.push(Item { name: name.into(), ..Item::default() });
                self.names.insert(name.into(), index);
                index
            }
        };
        let Some(first) = self.half.take() else {
            self.half = Some(index);
            return;
        };
        if first != index {
            if let Some(item) = self.items.get_mut(index) {
                item.before += 1;
            }
            if let Some(item) = self.items.get_mut(first) {
                item.after.push(index);
            }
        }
    }
}

async fn run(t: &mut Tool) -> Done {
    let mut options = t.options();
    while options.next()?.is_some() {}
    let operands = options.operands();
    if let Some(extra) = operands.get(1) {
        return Err(t.extra_operand(BStr::new(extra)));
    }
    let file: &[u8] = operands.first().map_or(b"-", |file| file);
    let mut input = t
        .open(file)
        .await
        .map_err(|error| Fail::Message(format!("{}: {}", quote_name(file), error.strerror()), 1))?;
    let mut order = Order::default();
    let mut token = Vec::new();
    // What cannot be read any more is the end, as GNU takes it.
    while let Ok(block) = input.fill().await {
        let count = block.len();
        if count == 0 {
            break;
        }
        for (index, piece) in block.split(|byte| matches!(byte, b' ' | b'\t' | b'\n')).enumerate() {
            if index > 0 && !token.is_empty() {
                order.token(&token);
                token.clear();
            }
            token.extend_from_slice(piece);
        }
        input.consume(count);
    }
    if !token.is_empty() {
        order.token(&token);
    }
    if order.half.is_some() {
        return Err(Fail::Message(
            format!("{}: input contains an odd number of tokens", quote_name(file)),
            1,
        ));
    }
    let sorted: Vec<usize> = order.names.values().copied().collect();
    let mut items = order.items;
    let mut left = items.len();
    while left > 0 {
        let free = |index: &usize| items.get(*index).is_some_and(|item| item.before == 0 && !item.written);
        let mut queue: VecDeque<usize> = sorted.iter().copied().filter(free).collect();
        while let Some(index) = queue.pop_front() {
            let Some(item) = items.get_mut(index) else { continue };
            item.written = true;
            left -= 1;
            t.out.put(&item.name);
            t.out.put(b"\n");
            let after = std::mem::take(&mut item.after);
            for next in after.into_iter().rev() {
                if let Some(item) = items.get_mut(next) {
                    item.before -= 1;
                    if item.before == 0 {
                        queue.push_back(next);
                    }
                }
            }
            t.out.drain().await?;
        }
        if left > 0 {
            t.error(format!("{}: input contains a loop:", quote_name(file))).await?;
            break_loop(t, &mut items, &sorted).await?;
        }
    }
    Ok(())
}

/// Finds a loop, tells it, and removes the relation that closes it. A path is followed backwards, from an item to one
/// that stands before it, in rounds through all names, until it comes to an item that it has passed.
async fn break_loop(t: &mut Tool, items: &mut [Item], sorted: &[usize]) -> Done {
    let mut head: Option<usize> = None;
    loop {
        for &index in sorted {
            let Some(item) = items.get(index).filter(|item| item.before > 0) else { continue };
            let Some(at) = head else {
                head = Some(index);
                continue;
            };
            let Some(relation) = item.after.iter().rposition(|next| *next == at) else { continue };
            if item.next.is_none() {
                if let Some(item) = items.get_mut(index) {
                    item.next = head;
                }
                head = Some(index);
                continue;
            }
            let mut names = Vec::new();
            let mut step = head;
            while let Some(on_path) = step {
                let Some(item) = items.get_mut(on_path) else { break };
                names.push(item.name.clone());
                if on_path == index {
                    item.after.remove(relation);
                    break;
                }
                step = item.next;
            }
            if let Some(item) = items.get_mut(at) {
                item.before -= 1;
            }
            items.iter_mut().for_each(|item| item.next = None);
            for name in names {
                t.warn(name.to_str_lossy()).await?;
            }
            return Ok(());
        }
        t.ctx.tick().await;
    }
}
