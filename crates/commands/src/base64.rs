//! `base64` and `base32`: encode and decode (RFC 4648).

use bstr::{BStr, BString};

use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("d,decode", "decode data"),
    Opt::flag("i,ignore-garbage", "when decoding, ignore non-alphabet characters"),
    Opt::value(
        "w,wrap",
        "COLS",
        "wrap encoded lines after COLS character (default 76).\nUse 0 to disable line wrapping",
    ),
];

pub(crate) static BASE64: Command = Command {
    name: "base64",
    usage: &["[OPTION]... [FILE]"],
    about: "Base64 encode or decode FILE, or standard input, to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: OPTIONS,
    more: "",
    usage_status: 1,
    main: |ctx| {
        start(&BASE64, ctx, async |t: &mut Tool| {
            run(
                t,
                &Code {
                    letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                    bits: 6,
                    group: 4,
                },
            )
            .await
        })
    },
};

pub(crate) static BASE32: Command = Command {
    name: "base32",
    usage: &["[OPTION]... [FILE]"],
    about: "Base32 encode or decode FILE, or standard input, to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: OPTIONS,
    more: "",
    usage_status: 1,
    main: |ctx| {
        start(&BASE32, ctx, async |t: &mut Tool| {
            run(t, &Code { letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits: 5, group: 8 }).await
        })
    },
};

/// An encoding: its letters, the bits of each, and how many of them make whole bytes.
struct Code {
    letters: &'static [u8],
    bits: u32,
    group: usize,
}

impl Code {
    fn bytes(&self) -> usize {
        self.group * self.bits as usize / 8
    }

    fn encode(&self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut value = 0_u64;
        for index in 0..self.bytes() {
            value = value << 8 | u64::from(chunk.get(index).copied().unwrap_or(0));
        }
        let used = (chunk.len() * 8).div_ceil(self.bits as usize);
        for index in 0..self.group {
            let shift = self.bits as usize * (self.group - 1 - index);
            let letter = (value >> shift) as usize & (self.letters.len() - 1);
            out.push(if index < used { self.letters.get(letter).copied().unwrap_or(b'=') } else { b'=' });
        }
    }

    /// Appends the bytes of a whole group. False: it is none.
    fn decode(&self, group: &[u8], out: &mut Vec<u8>) -> bool {
        let padding = group.iter().rev().take_while(|letter| **letter == b'=').count();
        let mut value = 0_u64;
        for (index, letter) in group.iter().enumerate() {
            let digit = if index >= group.len() - padding {
                0
            } else {
                match self.letters.iter().position(|other| other == letter) {
                    Some(digit) => digit as u64,
                    None => return false,
                }
            };
            value = value << self.bits | digit;
        }
        let letters = group.len() - padding;
        let bytes = letters * self.bits as usize / 8;
        // A letter that gives no byte has no place.
        if letters == 0 || (bytes * 8).div_ceil(self.bits as usize) != letters {
            return false;
        }
        for index in 0..bytes {
            out.push((value >> (8 * (self.bytes() - 1 - index))) as u8);
        }
        true
    }
}

/// Appends bytes in base64, in one line.
pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit <= chunk.len() {
                let value = bits >> (18 - 6 * digit) & 63;
                out.extend(DIGITS.get(value as usize));
            } else {
                out.push(b'=');
            }
        }
    }
}

async fn run(t: &mut Tool, code: &Code) -> Done {
    let (mut decode, mut garbage, mut wrap) = (false, false, 76);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "d" => decode = true,
            "i" => garbage = true,
            _ => {
                let text: BString = value.unwrap_or_default();
                wrap = match crate::number::parse_size_or_largest(&text, b"") {
                    (value, None | Some(crate::number::Trouble::Overflow)) => {
                        usize::try_from(value).unwrap_or(0)
                    }
                    _ => return Err(Fail::Message(format!("invalid wrap size: {}", t.quote(&text)), 1)),
                };
            }
        }
    }
    let operands = options.operands();
    if let Some(extra) = operands.get(1) {
        return Err(t.extra_operand(BStr::new(extra)));
    }
    let file: &[u8] = operands.first().map_or(b"-", |file| file);
    let cannot =
        |error: wasmsh_os::Errno| Fail::Message(format!("{}: {}", quote_name(file), error.strerror()), 1);
    let mut input = t.open(file).await.map_err(cannot)?;
    let mut pending: Vec<u8> = Vec::new();
    let mut column = 0;
    loop {
        let block = input
            .fill()
            .await
            .map_err(|error| Fail::Message(format!("read error: {}", error.strerror()), 1))?;
        let count = block.len();
        let last = count == 0;
        if decode {
            let known = |byte: &&u8| **byte == b'=' || code.letters.contains(byte);
            if garbage {
                pending.extend(block.iter().filter(known));
            } else {
                pending.extend(block.iter().filter(|byte| **byte != b'\n'));
            }
            let whole = pending.len() / code.group * code.group;
            let mut fine = true;
            for group in pending.get(..whole).unwrap_or_default().chunks(code.group) {
                if !code.decode(group, t.out.buffer()) {
                    fine = false;
                    // What stands before the wrong letter is still decoded.
                    let good = group.iter().take_while(|letter| code.letters.contains(letter)).count();
                    let bytes = good * code.bits as usize / 8;
                    let mut padded = group.get(..good).unwrap_or_default().to_vec();
                    padded.resize(code.group, code.letters.first().copied().unwrap_or_default());
                    let mut text = Vec::new();
                    code.decode(&padded, &mut text);
                    t.out.put(text.get(..bytes).unwrap_or_default());
                    break;
                }
            }
            pending.drain(..whole);
            if last && !pending.is_empty() {
                let good = pending.iter().take_while(|letter| code.letters.contains(letter)).count();
                let mut padded = pending.get(..good).unwrap_or_default().to_vec();
                padded.resize(code.group, code.letters.first().copied().unwrap_or_default());
                let mut text = Vec::new();
                code.decode(&padded, &mut text);
                t.out.put(text.get(..good * code.bits as usize / 8).unwrap_or_default());
                fine = false;
            }
            if !fine {
                return Err(Fail::Message("invalid input".into(), 1));
            }
        } else {
            pending.extend_from_slice(block);
            let whole = if last { pending.len() } else { pending.len() / code.bytes() * code.bytes() };
            let mut text = Vec::with_capacity(whole / code.bytes() * code.group + code.group);
            for chunk in pending.get(..whole).unwrap_or_default().chunks(code.bytes()) {
                code.encode(chunk, &mut text);
            }
            pending.drain(..whole);
            put_wrapped(t.out.buffer(), &text, wrap, &mut column);
            if last && column > 0 && wrap > 0 {
                t.out.put(b"\n");
            }
        }
        if last {
            return Ok(());
        }
        input.consume(count);
        t.out.drain().await?;
    }
}

fn put_wrapped(out: &mut Vec<u8>, text: &[u8], wrap: usize, column: &mut usize) {
    if wrap == 0 {
        out.extend_from_slice(text);
        *column += text.len();
        return;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let (row, more) = rest.split_at((wrap - *column).min(rest.len()));
        out.extend_from_slice(row);
        *column += row.len();
        if *column == wrap {
            out.push(b'\n');
            *column = 0;
        }
        rest = more;
    }
}
