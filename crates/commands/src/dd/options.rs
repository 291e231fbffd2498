//! The operands of `dd`.

use bitflags::bitflags;
use bstr::{BString, ByteSlice};

use crate::number::{Trouble, parse_size_or_largest};
use crate::opts::Options;
use crate::{Fail, Tool};

bitflags! {
    /// The symbols of `conv=`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(super) struct Conversions: u32 {
        const ASCII = 1;
        const EBCDIC = 2;
        const IBM = 4;
        const BLOCK = 8;
        const UNBLOCK = 16;
        const LOWER = 32;
        const UPPER = 64;
        const SWAP = 128;
        const NO_ERROR = 256;
        const NO_TRUNCATE = 512;
        const SYNC = 1024;
        const EXCLUSIVE = 2048;
        const NO_CREATE = 4096;
        const FLUSH = 8192;
        const SPARSE = 1 << 14;
    }

    /// The symbols of `iflag=` and `oflag=`; those that change nothing here are `OTHER`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(super) struct Flags: u32 {
        const APPEND = 1;
        const DIRECTORY = 2;
        const FULL_BLOCK = 4;
        const NO_FOLLOW = 8;
        const COUNT_BYTES = 16;
        const SKIP_BYTES = 32;
        const SEEK_BYTES = 64;
        const DIRECT = 128;
        const NO_CACHE = 256;
        const OTHER = 512;
    }
}

/// How much is told at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    None,
    NoTransfer,
    All,
}

/// What is to be done.
pub(super) struct Plan {
    pub(super) input: Option<BString>,
    pub(super) output: Option<BString>,
    pub(super) input_block: u64,
    pub(super) output_block: u64,
    pub(super) conversion_block: u64,
    pub(super) conversions: Conversions,
    pub(super) input_flags: Flags,
    pub(super) output_flags: Flags,
    pub(super) status: Status,
    /// Whole blocks, and bytes beyond.
    pub(super) skip: (u64, u64),
    pub(super) seek: (u64, u64),
    pub(super) count: (u64, u64),
    /// Input and output have blocks of their own.
    pub(super) two_buffers: bool,
}

impl Plan {
    /// Where the output begins; `None`: it is too far.
    pub(super) fn seek_bytes(&self) -> Option<u64> {
        self.seek.0.checked_mul(self.output_block)?.checked_add(self.seek.1)
    }
}

const LARGEST: u64 = i64::MAX as u64;

const CONVERSIONS: &[(&str, Conversions, bool)] = &[
    ("ascii", Conversions::ASCII.union(Conversions::UNBLOCK), true),
    ("ebcdic", Conversions::EBCDIC.union(Conversions::BLOCK), true),
    ("ibm", Conversions::IBM.union(Conversions::BLOCK), true),
    ("block", Conversions::BLOCK, true),
    ("unblock", Conversions::UNBLOCK, true),
    ("lcase", Conversions::LOWER, true),
    ("ucase", Conversions::UPPER, true),
    ("sparse", Conversions::SPARSE, false),
    ("swab", Conversions::SWAP, true),
    ("noerror", Conversions::NO_ERROR, false),
    ("nocreat", Conversions::NO_CREATE, false),
    ("excl", Conversions::EXCLUSIVE, false),
    ("notrunc", Conversions::NO_TRUNCATE, false),
    ("sync", Conversions::SYNC, false),
    ("fdatasync", Conversions::FLUSH, false),
    ("fsync", Conversions::FLUSH, false),
];

const FLAGS: &[(&str, Flags)] = &[
    ("append", Flags::APPEND),
    ("binary", Flags::OTHER),
    ("direct", Flags::DIRECT),
    ("directory", Flags::DIRECTORY),
    ("dsync", Flags::OTHER),
    ("noatime", Flags::OTHER),
    ("nocache", Flags::NO_CACHE),
    ("noctty", Flags::OTHER),
    ("nofollow", Flags::NO_FOLLOW),
    ("nolinks", Flags::OTHER),
    ("nonblock", Flags::OTHER),
    ("sync", Flags::OTHER),
    ("text", Flags::OTHER),
    ("fullblock", Flags::FULL_BLOCK),
    ("count_bytes", Flags::COUNT_BYTES),
    ("skip_bytes", Flags::SKIP_BYTES),
    ("seek_bytes", Flags::SEEK_BYTES),
];

/// Why a number is none: `true`: it is too large.
struct Wrong(bool);

fn number(text: &[u8]) -> Result<u64, Wrong> {
    // Factors of a product, from the last to the first, as `2x80x18b`.
    let mut product: Option<u64> = None;
    for factor in text.rsplit(|byte| *byte == b'x') {
        let plain = factor.strip_suffix(b"B").filter(|rest| rest.last().is_some_and(u8::is_ascii_digit));
        let (value, trouble) = parse_size_or_largest(plain.unwrap_or(factor), b"bcEGkKMPTwYZ0");
        let digits = factor.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'+');
        match trouble {
            None if digits || factor.trim_ascii_start().first().is_some_and(u8::is_ascii_digit) => {}
            Some(Trouble::Overflow) => return Err(Wrong(true)),
            _ => return Err(Wrong(false)),
        }
        product = Some(match product {
            None => value,
            Some(other) => value.checked_mul(other).ok_or(Wrong(false))?,
        });
    }
    match product {
        Some(value) if value <= LARGEST => Ok(value),
        Some(_) => Err(Wrong(true)),
        None => Err(Wrong(false)),
    }
}

/// Reads the operands; the options are only `--help` and `--version`.
pub(super) fn parse(t: &Tool, mut options: Options) -> Result<Plan, Fail> {
    while options.next()?.is_some() {}
    let mut plan = Plan {
        input: None,
        output: None,
        input_block: 0,
        output_block: 0,
        conversion_block: 0,
        conversions: Conversions::empty(),
        input_flags: Flags::empty(),
        output_flags: Flags::empty(),
        status: Status::All,
        skip: (0, 0),
        seek: (0, 0),
        count: (u64::MAX, 0),
        two_buffers: false,
    };
    let (mut block, mut skip, mut seek, mut count) = (0, 0, 0, None);
    for operand in options.operands() {
        let unrecognized = || Fail::Usage(format!("unrecognized operand {}", t.quote(&operand)));
        let Some((name, value)) = operand.split_once_str("=") else { return Err(unrecognized()) };
        match name {
            b"if" => plan.input = Some(value.into()),
            b"of" => plan.output = Some(value.into()),
            b"conv" => {
                for symbol in value.split(|byte| *byte == b',') {
                    let Some((_, bits, two)) =
                        CONVERSIONS.iter().find(|(word, ..)| word.as_bytes() == symbol)
                    else {
                        return Err(Fail::Usage(format!("invalid conversion: {}", t.quote(symbol))));
                    };
                    plan.conversions |= *bits;
                    plan.two_buffers |= two;
                }
            }
            b"iflag" => plan.input_flags |= flags(t, "input", value)?,
            b"oflag" => plan.output_flags |= flags(t, "output", value)?,
            b"status" => {
                plan.status = match value {
                    b"none" => Status::None,
                    b"noxfer" => Status::NoTransfer,
                    b"progress" => Status::All,
                    _ => return Err(Fail::Usage(format!("invalid status level: {}", t.quote(value)))),
                };
            }
            b"ibs" | b"obs" | b"bs" | b"cbs" | b"skip" | b"iseek" | b"seek" | b"oseek" | b"count" => {
                let least = u64::from(name.ends_with(b"bs"));
                let parsed = number(value);
                let parsed =
                    parsed.and_then(|number| if number < least { Err(Wrong(false)) } else { Ok(number) });
                let number = parsed.map_err(|Wrong(large)| {
                    let why = if large {
                        ": Value too large for defined data type".to_owned()
                    } else {
                        String::new()
                    };
                    Fail::Message(format!("invalid number: {}{why}", t.quote(value)), 1)
                })?;
                let bytes = value.contains(&b'B');
                match name {
                    b"ibs" => plan.input_block = number,
                    b"obs" => plan.output_block = number,
                    b"bs" => block = number,
                    b"cbs" => plan.conversion_block = number,
                    b"skip" | b"iseek" => {
                        skip = number;
                        plan.input_flags
                            .set(Flags::SKIP_BYTES, bytes || plan.input_flags.contains(Flags::SKIP_BYTES));
                    }
                    b"count" => {
                        count = Some(number);
                        plan.input_flags
                            .set(Flags::COUNT_BYTES, bytes || plan.input_flags.contains(Flags::COUNT_BYTES));
                    }
                    _ => {
                        seek = number;
                        plan.output_flags
                            .set(Flags::SEEK_BYTES, bytes || plan.output_flags.contains(Flags::SEEK_BYTES));
                    }
                }
            }
            _ => return Err(unrecognized()),
        }
    }
    if block > 0 {
        (plan.input_block, plan.output_block) = (block, block);
    } else {
        plan.two_buffers = true;
    }
    for size in [&mut plan.input_block, &mut plan.output_block] {
        if *size == 0 {
            *size = 512;
        }
    }
    if plan.conversion_block == 0 {
        plan.conversions.remove(Conversions::BLOCK | Conversions::UNBLOCK);
    }
    check(t, &plan)?;
    let split = |number: u64, bytes: bool, block: u64| {
        if bytes { (number / block, number % block) } else { (number, 0) }
    };
    plan.skip = split(skip, plan.input_flags.contains(Flags::SKIP_BYTES), plan.input_block);
    plan.seek = split(seek, plan.output_flags.contains(Flags::SEEK_BYTES), plan.output_block);
    if let Some(count) = count {
        plan.count = split(count, plan.input_flags.contains(Flags::COUNT_BYTES), plan.input_block);
    }
    Ok(plan)
}

fn flags(t: &Tool, which: &str, list: &[u8]) -> Result<Flags, Fail> {
    let mut all = Flags::empty();
    for symbol in list.split(|byte| *byte == b',') {
        match FLAGS.iter().find(|(word, _)| word.as_bytes() == symbol) {
            Some((_, bits)) => all |= *bits,
            None => return Err(Fail::Usage(format!("invalid {which} flag: {}", t.quote(symbol)))),
        }
    }
    Ok(all)
}

fn check(t: &Tool, plan: &Plan) -> Result<(), Fail> {
    if plan.output_flags.contains(Flags::FULL_BLOCK) {
        return Err(Fail::Usage(format!("invalid output flag: {}", t.quote(b"fullblock"))));
    }
    let several = |set: Conversions| (plan.conversions & set).bits().count_ones() > 1;
    let wrong = |what: &str| Err(Fail::Message(format!("cannot combine {what}"), 1));
    if several(Conversions::ASCII | Conversions::EBCDIC | Conversions::IBM) {
        return wrong("any two of {ascii,ebcdic,ibm}");
    }
    if several(Conversions::BLOCK | Conversions::UNBLOCK) {
        return wrong("block and unblock");
    }
    if several(Conversions::LOWER | Conversions::UPPER) {
        return wrong("lcase and ucase");
    }
    if several(Conversions::EXCLUSIVE | Conversions::NO_CREATE) {
        return wrong("excl and nocreat");
    }
    let both = Flags::DIRECT | Flags::NO_CACHE;
    if plan.input_flags.contains(both) || plan.output_flags.contains(both) {
        return wrong("direct and nocache");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_multiply() {
        let show = |text: &str| number(text.as_bytes()).map_err(|wrong| wrong.0);
        assert_eq!(show("2x3"), Ok(6));
        assert_eq!(show("1k"), Ok(1024));
        assert_eq!(show("2x80x18b"), Ok(2 * 80 * 18 * 512));
        assert_eq!(show("3B"), Ok(3));
        assert_eq!(show("1kB"), Ok(1000));
        assert_eq!(show("kBb"), Err(false));
        assert_eq!(show("B"), Err(false));
        assert_eq!(show(""), Err(false));
        assert_eq!(show("-1"), Err(false));
        assert_eq!(show("99999999999999999999"), Err(true));
    }
}
