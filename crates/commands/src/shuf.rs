//! `shuf`: writes a random permutation of its lines.

use std::collections::BTreeMap;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Description, Input, Position};

use crate::number::{Trouble, parse_size};
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "shuf",
    usage: &["[OPTION]... [FILE]", "-e [OPTION]... [ARG]...", "-i LO-HI [OPTION]..."],
    about: "Write a random permutation of the input lines to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("e,echo", "treat each ARG as an input line"),
        Opt::value("i,input-range", "LO-HI", "treat each number LO through HI as an input line"),
        Opt::value("n,head-count", "COUNT", "output at most COUNT lines"),
        Opt::value("o,output", "FILE", "write result to FILE instead of standard output"),
        Opt::value("random-source", "FILE", "get random bytes from FILE"),
        Opt::flag("r,repeat", "output lines can be repeated"),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Random numbers, made of as few random bytes as there must be.
struct Random {
    source: Option<(BString, Input)>,
    /// What is left of the bytes taken so far: a number, and the largest that it could be.
    left: u64,
    most: u64,
}

impl Random {
    async fn byte(&mut self, t: &Tool) -> Result<u8, Fail> {
        let Some((name, input)) = &mut self.source else {
            let mut byte = [0];
            t.ctx.random(&mut byte);
            let [byte] = byte;
            return Ok(byte);
        };
        let said = |what: &str, name: &str| Fail::Message(format!("{name}: {what}"), 1);
        let byte =
            input.fill().await.map_err(|error| said(error.strerror(), &quote_name(name)))?.first().copied();
        input.consume(1);
        byte.ok_or_else(|| said("end of file", &t.quote(name)))
    }

    /// A number less than `count`.
    async fn below(&mut self, t: &Tool, count: u64) -> Result<u64, Fail> {
        let Some(largest) = count.checked_sub(1) else { return Ok(0) };
        loop {
            while self.most < largest {
                let byte = u64::from(self.byte(t).await?);
                self.left = self.left.wrapping_shl(8) | byte;
                self.most = self.most.wrapping_shl(8) | 0xff;
            }
            if self.most == largest {
                self.most = 0;
                return Ok(std::mem::take(&mut self.left));
            }
            let excess = self.most - largest;
            let unusable = excess % count;
            let usable = self.most - unusable;
            if self.left <= usable {
                let found = self.left % count;
                (self.left, self.most) = (self.left / count, excess / count);
                return Ok(found);
            }
            // All numbers have to be equally probable: this one is among the few too many.
            (self.left, self.most) = (self.left - usable - 1, unusable - 1);
            t.ctx.tick().await;
        }
    }
}

/// What is shuffled.
enum Lines {
    Range(u64),
    List(Vec<BString>),
}

impl Lines {
    fn put(&self, index: u64, end: u8, out: &mut Vec<u8>) {
        match self {
            Lines::Range(from) => out.extend_from_slice(from.saturating_add(index).to_string().as_bytes()),
            Lines::List(list) => {
                let line = usize::try_from(index).ok().and_then(|index| list.get(index));
                out.extend_from_slice(line.map_or(b"", |line| line));
            }
        }
        out.push(end);
    }
}

fn range(t: &Tool, text: &[u8]) -> Result<(u64, u64), Fail> {
    let wrong =
        |text: &[u8], more: &str| Fail::Message(format!("invalid input range: {}{more}", t.quote(text)), 1);
    let (low, high) = text.split_once_str("-").ok_or_else(|| wrong(text, ""))?;
    let number = |digits: &[u8]| {
        parse_size(digits, b"").map_err(|trouble| match trouble {
            Trouble::Overflow => wrong(digits, ": Value too large for defined data type"),
            _ => wrong(digits, ""),
        })
    };
    let (low, high) = (number(low)?, number(high)?);
    // None at all is a range as well.
    let count = high.wrapping_sub(low).wrapping_add(1);
    if low <= high && count == 0 || low > high && count != 0 {
        return Err(wrong(text, ""));
    }
    Ok((low, count))
}

async fn run(t: &mut Tool) -> Done {
    let (mut echo, mut given, mut output, mut source) = (false, None, None, None);
    let (mut head, mut repeat, mut end) = (u64::MAX, false, b'\n');
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let text = value.unwrap_or_default();
        let once = |done: bool, what: &str| {
            let message = format!("multiple {what} specified");
            if done { Err(Fail::Message(message, 1)) } else { Ok(()) }
        };
        match name {
            "e" => echo = true,
            "i" => {
                once(given.is_some(), "-i options")?;
                given = Some(range(t, &text)?);
            }
            "n" => {
                head = head.min(match parse_size(&text, b"") {
                    Ok(count) => count,
                    Err(Trouble::Overflow) => u64::MAX,
                    Err(_) => {
                        return Err(Fail::Message(format!("invalid line count: {}", t.quote(&text)), 1));
                    }
                });
            }
            "o" => {
                once(output.as_ref().is_some_and(|other| *other != text), "output files")?;
                output = Some(text);
            }
            "r" => repeat = true,
            "z" => end = 0,
            _ => {
                once(source.as_ref().is_some_and(|other| *other != text), "random sources")?;
                source = Some(text);
            }
        }
    }
    let operands = options.operands();
    if echo && given.is_some() {
        return Err(Fail::Usage("cannot combine -e and -i options".into()));
    }
    let extra = if given.is_some() { operands.first() } else { operands.get(1).filter(|_| !echo) };
    if let Some(extra) = extra {
        return Err(t.extra_operand(extra.as_bstr()));
    }
    let mut random = Random { source: None, left: 0, most: 0 };
    let unreadable = |name: &[u8], error: wasmsh_os::Errno| {
        Fail::Message(format!("{}: {}", quote_name(name), error.strerror()), 1)
    };
    if let Some(name) = source {
        let input = t.ctx.open_input(&name).await.map_err(|error| unreadable(&name, error))?;
        random.source = Some((name, input));
    }
    let (lines, count) = match given {
        Some((low, count)) => (Lines::Range(low), count),
        None => {
            let list = if echo {
                operands
            } else if head == 0 && !repeat {
                Vec::new()
            } else {
                let name = operands.first().cloned().unwrap_or_else(|| "-".into());
                let input = t.open(&name).await.map_err(|error| unreadable(&name, error))?;
                read(t, input, end, if repeat { u64::MAX } else { head }, &mut random).await?
            };
            let count = list.len() as u64;
            (Lines::List(list), count)
        }
    };
    if let Some(name) = output {
        t.out = t.ctx.create_output(&name, false).await.map_err(|error| unreadable(&name, error))?;
    }
    if repeat {
        if count == 0 && head > 0 {
            return Err(Fail::Message("no lines to repeat".into(), 1));
        }
        while head > 0 {
            let index = random.below(t, count).await?;
            lines.put(index, end, t.out.buffer());
            t.out.drain().await?;
            t.ctx.tick().await;
            head -= u64::from(head != u64::MAX);
        }
        return Ok(());
    }
    // The places that no longer hold their own number.
    let mut swapped: BTreeMap<u64, u64> = BTreeMap::new();
    let mut order = Vec::new();
    for place in 0..count.min(head) {
        let other = place + random.below(t, count - place).await?;
        let mine = swapped.remove(&place).unwrap_or(place);
        let index = if other == place { mine } else { swapped.insert(other, mine).unwrap_or(other) };
        // A source can come to its end, and then nothing is written.
        if random.source.is_some() {
            order.push(index);
        } else {
            lines.put(index, end, t.out.buffer());
            t.out.drain().await?;
        }
        t.ctx.tick().await;
    }
    for index in order {
        lines.put(index, end, t.out.buffer());
        t.out.drain().await?;
    }
    Ok(())
}

/// The lines; of a stream whose length is not known, a sample no larger than what is wanted.
async fn read(
    t: &mut Tool,
    mut input: Input,
    end: u8,
    head: u64,
    random: &mut Random,
) -> Result<Vec<BString>, Fail> {
    let stream =
        !matches!(&**input.description(), Description::File(file) if file.seek(Position::Current(0)).is_ok());
    let most = if stream { usize::try_from(head).unwrap_or(usize::MAX) } else { usize::MAX };
    let (mut list, mut seen): (Vec<BString>, u64) = (Vec::new(), 0);
    loop {
        // Where the next line would go is decided before it is known to be there.
        let place = if list.len() < most {
            list.len()
        } else {
            usize::try_from(random.below(t, seen + 1).await?).unwrap_or(usize::MAX)
        };
        let line = input
            .line(end)
            .await
            .map_err(|error| Fail::Message(format!("read error: {}", error.strerror()), 1))?;
        let Some(line) = line else { return Ok(list) };
        let line = crate::lines::body(line, end);
        seen += 1;
        if place < list.len() {
            if let Some(slot) = list.get_mut(place) {
                *slot = line.into();
            }
        } else if list.len() < most {
            list.push(line.into());
        }
    }
}
