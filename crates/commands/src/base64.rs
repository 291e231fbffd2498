//! `base64`, `base32` and `basenc`: encode and decode (RFC 4648, and ZeroMQ's Z85).

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
    main: |ctx| start(&BASE64, ctx, async |t: &mut Tool| run(t, Some(&CODE_64)).await),
};

pub(crate) static BASE32: Command = Command {
    name: "base32",
    usage: &["[OPTION]... [FILE]"],
    about: "Base32 encode or decode FILE, or standard input, to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: OPTIONS,
    more: "",
    usage_status: 1,
    main: |ctx| start(&BASE32, ctx, async |t: &mut Tool| run(t, Some(&CODE_32)).await),
};

pub(crate) static BASENC: Command = Command {
    name: "basenc",
    usage: &["[OPTION]... [FILE]"],
    about: "basenc encode or decode FILE, or standard input, to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("base64", "same as 'base64' program (RFC4648 section 4)"),
        Opt::flag("base64url", "file- and url-safe base64 (RFC4648 section 5)"),
        Opt::flag("base32", "same as 'base32' program (RFC4648 section 6)"),
        Opt::flag("base32hex", "extended hex alphabet base32 (RFC4648 section 7)"),
        Opt::flag("base16", "hex encoding (RFC4648 section 8)"),
        Opt::flag("base2msbf", "bit string with most significant bit (msb) first"),
        Opt::flag("base2lsbf", "bit string with least significant bit (lsb) first"),
        Opt::flag("d,decode", "decode data"),
        Opt::flag("i,ignore-garbage", "when decoding, ignore non-alphabet characters"),
        Opt::value(
            "w,wrap",
            "COLS",
            "wrap encoded lines after COLS character (default 76).\nUse 0 to disable line wrapping",
        ),
        Opt::flag(
            "z85",
            "ascii85-like encoding (ZeroMQ spec:32/Z85);\n\
             when encoding, input length must be a multiple of 4;\n\
             when decoding, input length must be a multiple of 5",
        ),
    ],
    more: "When decoding, the input may contain newlines in addition to the bytes of\n\
           the formal alphabet.  Use --ignore-garbage to attempt to recover\n\
           from any other non-alphabet bytes in the encoded stream.",
    usage_status: 1,
    main: |ctx| start(&BASENC, ctx, async |t: &mut Tool| run(t, None).await),
};

/// How the letters of a group stand for its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Bits from the highest on; a group that is not whole is filled with `=`.
    Padded,
    /// Bits from the highest on; a byte fills a group.
    Plain,
    /// Bits from the lowest on; a byte fills a group.
    Reversed,
    /// Four bytes are a number whose five digits the letters are.
    Number,
}

/// An encoding: its letters, the bits of each, and how many of them make whole bytes.
struct Code {
    letters: &'static [u8],
    bits: u32,
    group: usize,
    form: Form,
}

const CODE_64: Code = Code {
    letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    bits: 6,
    group: 4,
    form: Form::Padded,
};
const CODE_64_URL: Code = Code {
    letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    bits: 6,
    group: 4,
    form: Form::Padded,
};
const CODE_32: Code =
    Code { letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits: 5, group: 8, form: Form::Padded };
const CODE_32_HEX: Code =
    Code { letters: b"0123456789ABCDEFGHIJKLMNOPQRSTUV", bits: 5, group: 8, form: Form::Padded };
const CODE_16: Code = Code { letters: b"0123456789ABCDEF", bits: 4, group: 2, form: Form::Plain };
const CODE_2: Code = Code { letters: b"01", bits: 1, group: 8, form: Form::Plain };
const CODE_2_REVERSED: Code = Code { letters: b"01", bits: 1, group: 8, form: Form::Reversed };
const CODE_Z85: Code = Code {
    letters: b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
    bits: 0,
    group: 5,
    form: Form::Number,
};

/// What is no letter in a table of digits.
const NO_DIGIT: u8 = 255;

impl Code {
    fn bytes(&self) -> usize {
        if self.form == Form::Number { 4 } else { self.group * self.bits as usize / 8 }
    }

    /// The digit that each byte is as a letter.
    fn digits(&self) -> [u8; 256] {
        let mut table = [NO_DIGIT; 256];
        for (digit, letter) in self.letters.iter().enumerate() {
            if let Some(place) = table.get_mut(usize::from(*letter)) {
                *place = digit as u8;
            }
        }
        table
    }

    fn letter(&self, digit: u64) -> u8 {
        usize::try_from(digit).ok().and_then(|digit| self.letters.get(digit)).copied().unwrap_or(b'=')
    }

    fn encode(&self, chunk: &[u8], out: &mut Vec<u8>) {
        match (self.form, chunk) {
            (Form::Reversed, [byte]) => {
                out.extend((0..8).map(|bit| self.letter(u64::from(byte >> bit & 1))));
                return;
            }
            (Form::Number, chunk) => {
                let value = chunk.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
                out.extend((0..5).rev().map(|power| self.letter(value / 85_u64.pow(power) % 85)));
                return;
            }
            _ => {}
        }
        let mut value = 0_u64;
        for index in 0..self.bytes() {
            value = value << 8 | u64::from(chunk.get(index).copied().unwrap_or(0));
        }
        let used = (chunk.len() * 8).div_ceil(self.bits as usize);
        for index in 0..self.group {
            let shift = self.bits as usize * (self.group - 1 - index);
            let digit = value >> shift & (self.letters.len() as u64 - 1);
            out.push(if index < used { self.letter(digit) } else { b'=' });
        }
    }

    /// Appends the bytes of a whole group. False: it is none.
    fn decode(&self, digits: &[u8; 256], group: &[u8], out: &mut Vec<u8>) -> bool {
        let digit_of =
            |letter: u8| digits.get(usize::from(letter)).copied().filter(|digit| *digit != NO_DIGIT);
        let padding = match self.form {
            Form::Padded => group.iter().rev().take_while(|letter| **letter == b'=').count(),
            _ => 0,
        };
        let letters = group.len() - padding;
        let mut value = 0_u64;
        for (index, letter) in group.iter().enumerate() {
            let digit = if index >= letters {
                0
            } else {
                match digit_of(*letter) {
                    Some(digit) => u64::from(digit),
                    None => return false,
                }
            };
            value = match self.form {
                Form::Padded | Form::Plain => value << self.bits | digit,
                Form::Reversed => value | digit << index,
                Form::Number => value * 85 + digit,
            };
        }
        if self.form == Form::Number {
            let Ok(value) = u32::try_from(value) else { return false };
            out.extend(value.to_be_bytes());
            return true;
        }
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

    /// Appends what the letters before a wrong one decode to.
    fn decode_start(&self, digits: &[u8; 256], group: &[u8], out: &mut Vec<u8>) {
        let good = group.iter().take_while(|letter| self.letters.contains(letter)).count();
        let bytes = good * self.bits as usize / 8;
        let mut padded = group.get(..good).unwrap_or_default().to_vec();
        padded.resize(self.group, self.letters.first().copied().unwrap_or_default());
        let mut text = Vec::new();
        self.decode(digits, &padded, &mut text);
        out.extend_from_slice(text.get(..bytes).unwrap_or_default());
    }
}

/// The bytes that a text without white space encodes in base64, padded or not.
pub(crate) fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let digits = CODE_64.digits();
    let mut out = Vec::new();
    for group in text.chunks(4) {
        let mut whole = [b'='; 4];
        whole.get_mut(..group.len())?.copy_from_slice(group);
        if group.len() == 1 || !CODE_64.decode(&digits, &whole, &mut out) {
            return None;
        }
    }
    Some(out)
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

async fn run(t: &mut Tool, fixed: Option<&'static Code>) -> Done {
    let mut code = fixed;
    let (mut decode, mut garbage, mut wrap) = (false, false, 76);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "d" => decode = true,
            "i" => garbage = true,
            "base64" => code = Some(&CODE_64),
            "base64url" => code = Some(&CODE_64_URL),
            "base32" => code = Some(&CODE_32),
            "base32hex" => code = Some(&CODE_32_HEX),
            "base16" => code = Some(&CODE_16),
            "base2msbf" => code = Some(&CODE_2),
            "base2lsbf" => code = Some(&CODE_2_REVERSED),
            "z85" => code = Some(&CODE_Z85),
            _ => {
                let text: BString = value.unwrap_or_default();
                wrap = match crate::number::parse_size_or_largest(&text, b"") {
                    (value, None) => usize::try_from(value).unwrap_or(0),
                    (_, Some(crate::number::Trouble::Overflow)) => 0,
                    _ => return Err(Fail::Message(format!("invalid wrap size: {}", t.quote(&text)), 1)),
                };
            }
        }
    }
    let Some(code) = code else { return Err(Fail::Usage("missing encoding type".into())) };
    let digits = code.digits();
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
            let known =
                |byte: &&u8| (**byte == b'=' && code.form == Form::Padded) || code.letters.contains(byte);
            if garbage {
                pending.extend(block.iter().filter(known));
            } else {
                pending.extend(block.iter().filter(|byte| **byte != b'\n'));
            }
            let whole = pending.len() / code.group * code.group;
            let mut fine = true;
            for group in pending.get(..whole).unwrap_or_default().chunks(code.group) {
                if !code.decode(&digits, group, t.out.buffer()) {
                    fine = false;
                    code.decode_start(&digits, group, t.out.buffer());
                    break;
                }
            }
            pending.drain(..whole);
            if last && !pending.is_empty() {
                // A group of base32 that is not whole stands for nothing.
                if code.group != 8 {
                    code.decode_start(&digits, &pending, t.out.buffer());
                }
                fine = false;
            }
            if !fine {
                return Err(Fail::Message("invalid input".into(), 1));
            }
        } else {
            pending.extend_from_slice(block);
            if last && code.form == Form::Number && !pending.len().is_multiple_of(4) {
                let message = "invalid input (length must be multiple of 4 characters)";
                return Err(Fail::Message(message.into(), 1));
            }
            // A length that Z85 does not have is told before what it would be the end of.
            let unit = if code.form == Form::Number { 30_720 } else { code.bytes() };
            let whole = if last { pending.len() } else { pending.len() / unit * unit };
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
