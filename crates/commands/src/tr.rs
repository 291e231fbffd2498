//! `tr`: translates, squeezes and deletes bytes.

use bstr::{BString, ByteSlice};

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "tr",
    usage: &["[OPTION]... STRING1 [STRING2]"],
    about: "Translate, squeeze, and/or delete characters from standard input,\n\
            writing to standard output.  STRING1 and STRING2 specify arrays of\n\
            characters ARRAY1 and ARRAY2 that control the action.",
    options: &[
        Opt::flag("c,C,complement", "use the complement of ARRAY1"),
        Opt::flag("d,delete", "delete characters in ARRAY1, do not translate"),
        Opt::flag(
            "s,squeeze-repeats",
            "replace each sequence of a repeated character\nthat is listed in the last specified ARRAY,\nwith a single occurrence of that character",
        ),
        Opt::flag("t,truncate-set1", "first truncate ARRAY1 to length of ARRAY2"),
    ],
    more: "ARRAYs are specified as strings of characters.  Most represent themselves.\n\
           Interpreted sequences are:\n\n\
           \\NNN \\\\ \\a \\b \\f \\n \\r \\t \\v  CHAR1-CHAR2  [CHAR*]  [CHAR*REPEAT]\n\
           [:alnum:] [:alpha:] [:blank:] [:cntrl:] [:digit:] [:graph:] [:lower:]\n\
           [:print:] [:punct:] [:space:] [:upper:] [:xdigit:]  [=CHAR=]",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// A part of an array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Byte(u8),
    Range(u8, u8),
    Class(Class),
    Equivalent(u8),
    /// `[c*n]`; 0: as often as needed.
    Repeat(u8, u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Alnum,
    Alpha,
    Blank,
    Cntrl,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    Xdigit,
}

impl Class {
    fn parse(name: &[u8]) -> Option<Class> {
        Some(match name {
            b"alnum" => Class::Alnum,
            b"alpha" => Class::Alpha,
            b"blank" => Class::Blank,
            b"cntrl" => Class::Cntrl,
            b"digit" => Class::Digit,
            b"graph" => Class::Graph,
            b"lower" => Class::Lower,
            b"print" => Class::Print,
            b"punct" => Class::Punct,
            b"space" => Class::Space,
            b"upper" => Class::Upper,
            b"xdigit" => Class::Xdigit,
            _ => return None,
        })
    }

    fn contains(self, byte: u8) -> bool {
        match self {
            Class::Alnum => byte.is_ascii_alphanumeric(),
            Class::Alpha => byte.is_ascii_alphabetic(),
            Class::Blank => matches!(byte, b' ' | b'\t'),
            Class::Cntrl => byte.is_ascii_control(),
            Class::Digit => byte.is_ascii_digit(),
            Class::Graph => byte.is_ascii_graphic(),
            Class::Lower => byte.is_ascii_lowercase(),
            Class::Print => byte.is_ascii_graphic() || byte == b' ',
            Class::Punct => byte.is_ascii_punctuation(),
            Class::Space => byte.is_ascii_whitespace() || byte == 11,
            Class::Upper => byte.is_ascii_uppercase(),
            Class::Xdigit => byte.is_ascii_hexdigit(),
        }
    }
}

fn fail<T>(message: impl Into<String>) -> Result<T, Fail> {
    Err(Fail::Message(message.into(), 1))
}

/// A byte, and whether it was written with a backslash.
fn unescape(t: &Tool, text: &[u8]) -> (Vec<(u8, bool)>, Vec<String>) {
    let mut bytes = Vec::new();
    let mut warnings = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            bytes.push((byte, false));
            continue;
        }
        let Some(&letter) = text.get(at) else {
            warnings.push("warning: an unescaped backslash at end of string is not portable".into());
            bytes.push((b'\\', false));
            break;
        };
        at += 1;
        let value = match letter {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'0'..=b'7' => {
                let rest = text.get(at - 1..).unwrap_or_default();
                let (value, mut count) = crate::escape::digits(rest, 8, 3);
                let mut value = value;
                if value > 255 {
                    // Three digits that are too many: the third is a byte of its own.
                    let all = rest.get(..3).unwrap_or_default().as_bstr().to_string();
                    let two = rest.get(..2).unwrap_or_default().as_bstr().to_string();
                    let third = rest.get(2..3).unwrap_or_default().as_bstr().to_string();
                    warnings.push(format!(
                        "warning: the ambiguous octal escape \\{all} is being\n\tinterpreted as the 2-byte sequence \\0{two}, {}",
                        t.quote(third.as_bytes())
                    ));
                    (value, count) = crate::escape::digits(rest, 8, 2);
                }
                at += count - 1;
                value as u8
            }
            other => other,
        };
        bytes.push((value, true));
    }
    (bytes, warnings)
}

async fn parse(t: &mut Tool, text: &[u8]) -> Result<Vec<Part>, Fail> {
    let (bytes, warnings) = unescape(t, text);
    for warning in warnings {
        t.warn(warning).await?;
    }
    let plain =
        |at: usize, wanted: u8| bytes.get(at).is_some_and(|(byte, escaped)| *byte == wanted && !escaped);
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(&(byte, _)) = bytes.get(at) {
        if plain(at, b'[')
            && let Some((part, length)) = bracket(t, &bytes, at, &plain)?
        {
            parts.push(part);
            at += length;
            continue;
        }
        if plain(at + 1, b'-')
            && let Some(&(high, _)) = bytes.get(at + 2)
        {
            if high < byte {
                let show = |byte: u8| match byte {
                    b'\\' => "\\\\".to_owned(),
                    32..127 => char::from(byte).to_string(),
                    _ => format!("\\{byte:03o}"),
                };
                let (low, high) = (show(byte), show(high));
                return fail(format!(
                    "range-endpoints of '{low}-{high}' are in reverse collating sequence order"
                ));
            }
            parts.push(Part::Range(byte, high));
            at += 3;
            continue;
        }
        parts.push(Part::Byte(byte));
        at += 1;
    }
    Ok(parts)
}

type Bracket = Result<Option<(Part, usize)>, Fail>;

fn bracket(t: &Tool, bytes: &[(u8, bool)], at: usize, plain: &dyn Fn(usize, u8) -> bool) -> Bracket {
    let raw = |from: usize, to: usize| -> Vec<u8> {
        bytes.get(from..to).unwrap_or_default().iter().map(|(byte, _)| *byte).collect()
    };
    for kind in [b':', b'='] {
        if !plain(at + 1, kind) {
            continue;
        }
        let close = (at + 2..bytes.len()).find(|index| plain(*index, kind) && plain(index + 1, b']'));
        let Some(close) = close else { continue };
        let inner = raw(at + 2, close);
        let length = close + 2 - at;
        if kind == b':' {
            // `[:*]` is a repeat.
            if inner.is_empty() {
                return fail("missing character class name '[::]'");
            }
            return match Class::parse(&inner) {
                Some(class) => Ok(Some((Part::Class(class), length))),
                None if plain(at + 2, b'*') => break,
                None => fail(format!("invalid character class {}", t.quote(&inner))),
            };
        }
        match &inner[..] {
            [] => return fail("missing equivalence class character '[==]'"),
            [byte] => return Ok(Some((Part::Equivalent(*byte), length))),
            _ if plain(at + 2, b'*') => break,
            _ => {
                return fail(format!(
                    "{}: equivalence class operand must be a single character",
                    inner.as_bstr()
                ));
            }
        }
    }
    if plain(at + 2, b'*')
        && let Some(&(byte, _)) = bytes.get(at + 1)
        && let Some(close) = (at + 3..bytes.len()).find(|index| plain(*index, b']'))
    {
        let digits = raw(at + 3, close);
        let count = if digits.is_empty() {
            0
        } else {
            let (radix, trimmed): (u32, &[u8]) =
                if digits.starts_with(b"0") { (8, &digits) } else { (10, &digits) };
            let mut value = 0_u64;
            for digit in trimmed {
                match char::from(*digit).to_digit(radix) {
                    Some(digit) => {
                        value = value.saturating_mul(u64::from(radix)).saturating_add(u64::from(digit))
                    }
                    None => {
                        return fail(format!("invalid repeat count {} in [c*n] construct", t.quote(&digits)));
                    }
                }
            }
            value
        };
        return Ok(Some((Part::Repeat(byte, count), close + 1 - at)));
    }
    Ok(None)
}

/// Repeats of one byte that are kept: of a byte of the first array the last one counts, and more of them than this in
/// both arrays would only fill memory.
const MOST_REPEATS: usize = 1 << 20;

/// All bytes of an array, in order; a lone `[c*]` fills up to `length`.
fn expand(parts: &[Part], length: usize) -> Vec<u8> {
    let fixed: usize = parts
        .iter()
        .map(|part| match part {
            Part::Byte(_) | Part::Equivalent(_) => 1,
            Part::Range(low, high) => usize::from(high - low) + 1,
            Part::Class(class) => (0..=255).filter(|byte| class.contains(*byte)).count(),
            Part::Repeat(_, count) => usize::try_from(*count).unwrap_or(usize::MAX),
        })
        .fold(0, usize::saturating_add);
    let mut all = Vec::new();
    for part in parts {
        match part {
            Part::Byte(byte) | Part::Equivalent(byte) => all.push(*byte),
            Part::Range(low, high) => all.extend(*low..=*high),
            Part::Class(class) => all.extend((0..=255).filter(|byte| class.contains(*byte))),
            Part::Repeat(byte, 0) => all.resize(all.len() + length.saturating_sub(fixed), *byte),
            Part::Repeat(byte, count) => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX).min(MOST_REPEATS);
                all.resize(all.len() + count, *byte);
            }
        }
    }
    all
}

async fn run(t: &mut Tool) -> Done {
    let (mut complement, mut delete, mut squeeze, mut truncate) = (false, false, false, false);
    let mut options = t.options_in_order();
    while let Some((name, _)) = options.next()? {
        match name {
            "c" => complement = true,
            "d" => delete = true,
            "s" => squeeze = true,
            _ => truncate = true,
        }
    }
    let operands = options.operands();
    check_operands(t, &operands, delete, squeeze)?;
    let first = match operands.first() {
        Some(text) => parse(t, text).await?,
        None => return Err(t.missing_operand()),
    };
    let second = match operands.get(1) {
        Some(text) => Some(parse(t, text).await?),
        None => None,
    };
    if first.iter().any(|part| matches!(part, Part::Repeat(_, 0))) {
        return fail("the [c*] repeat construct may not appear in string1");
    }
    let mut set1 = expand(&first, 0);
    if complement {
        let mut present = [false; 256];
        for byte in &set1 {
            if let Some(place) = present.get_mut(usize::from(*byte)) {
                *place = true;
            }
        }
        set1 =
            (0..=255_u8).filter(|byte| !present.get(usize::from(*byte)).copied().unwrap_or(false)).collect();
    }
    let translate = !delete && second.is_some();
    let mut map: [u8; 256] = std::array::from_fn(|index| index as u8);
    let mut remove = [false; 256];
    let mut squeezed = [false; 256];
    let mut set2 = Vec::new();
    if let Some(second) = &second {
        if second.iter().filter(|part| matches!(part, Part::Repeat(_, 0))).count() > 1 {
            return fail("only one [c*] repeat construct may appear in string2");
        }
        if translate {
            if second.iter().any(|part| matches!(part, Part::Equivalent(_))) {
                return fail("[=c=] expressions may not appear in string2 when translating");
            }
            let other = |part: &Part| matches!(part, Part::Class(class) if !matches!(class, Class::Lower | Class::Upper));
            if second.iter().any(other) {
                return fail(
                    "when translating, the only character classes that may appear in\nstring2 are 'upper' and 'lower'",
                );
            }
        }
        set2 = expand(second, set1.len());
    }
    if translate {
        let second = second.as_deref().unwrap_or_default();
        cases(&first, second, complement)?;
        if set2.is_empty() && !truncate && !set1.is_empty() {
            return fail("when not truncating set1, string2 must be non-empty");
        }
        if complement
            && first.iter().any(|part| matches!(part, Part::Class(_)))
            && !truncate
            && !(set2.windows(2).all(|pair| matches!(pair, [a, b] if a == b)))
        {
            return fail(
                "when translating with complemented character classes,\nstring2 must map all characters in the domain to one",
            );
        }
        if truncate {
            set1.truncate(set2.len());
        } else if let Some(last) = set2.last().copied() {
            if set2.len() < set1.len() && matches!(second.last(), Some(Part::Class(_))) {
                return fail(
                    "when translating with string1 longer than string2,\nthe latter string must not end with a character class",
                );
            }
            set2.resize(set1.len().max(set2.len()), last);
        }
        for (from, to) in set1.iter().zip(&set2) {
            if let Some(place) = map.get_mut(usize::from(*from)) {
                *place = *to;
            }
        }
    }
    let squeeze_set = if second.is_some() { &set2 } else { &set1 };
    for byte in squeeze_set.iter().filter(|_| squeeze) {
        if let Some(place) = squeezed.get_mut(usize::from(*byte)) {
            *place = true;
        }
    }
    for byte in set1.iter().filter(|_| delete) {
        if let Some(place) = remove.get_mut(usize::from(*byte)) {
            *place = true;
        }
    }
    filter(t, &map, &remove, &squeezed, delete, squeeze).await
}

/// `[:lower:]` against `[:upper:]` maps each letter to its other case; both must stand at the same place.
fn cases(first: &[Part], second: &[Part], complement: bool) -> Done {
    let is_case = |part: &Part| matches!(part, Part::Class(Class::Lower | Class::Upper));
    if complement || !second.iter().any(is_case) {
        return Ok(());
    }
    let place = |parts: &[Part], index: usize| expand(parts.get(..index).unwrap_or_default(), 0).len();
    for (index, _) in second.iter().enumerate().filter(|(_, part)| is_case(part)) {
        let at = place(second, index);
        let matching =
            first.iter().enumerate().any(|(other, part)| is_case(part) && place(first, other) == at);
        if !matching {
            return fail("misaligned [:upper:] and/or [:lower:] construct");
        }
    }
    Ok(())
}

fn check_operands(t: &Tool, operands: &[BString], delete: bool, squeeze: bool) -> Done {
    let least = if delete == squeeze { 2 } else { 1 };
    let most = if delete && !squeeze { 1 } else { 2 };
    if operands.len() < least {
        return match operands.first() {
            None => Err(t.missing_operand()),
            Some(first) => {
                let reason = if squeeze {
                    "Two strings must be given when both deleting and squeezing repeats."
                } else {
                    "Two strings must be given when translating."
                };
                Err(Fail::Usage(format!("missing operand after {}\n{reason}", t.quote(first))))
            }
        };
    }
    match operands.get(most) {
        None => Ok(()),
        Some(extra) => {
            let reason = if operands.len() == 2 {
                "\nOnly one string may be given when deleting without squeezing repeats."
            } else {
                ""
            };
            Err(Fail::Usage(format!("extra operand {}{reason}", t.quote(extra))))
        }
    }
}

async fn filter(
    t: &mut Tool,
    map: &[u8; 256],
    remove: &[bool; 256],
    squeezed: &[bool; 256],
    delete: bool,
    squeeze: bool,
) -> Done {
    let cannot = |error: wasmsh_os::Errno| Fail::Message(format!("read error: {}", error.strerror()), 1);
    let mut input = t.ctx.stdin().map_err(cannot)?;
    let mut last: Option<u8> = None;
    let at = |table: &[bool; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(false);
    loop {
        let block = input.fill().await.map_err(cannot)?;
        if block.is_empty() {
            return Ok(());
        }
        let count = block.len();
        let translated = block.iter().map(|byte| map.get(usize::from(*byte)).copied().unwrap_or(*byte));
        let out = t.out.buffer();
        match (delete, squeeze) {
            (false, false) => out.extend(translated),
            (true, false) => out.extend(block.iter().filter(|byte| !at(remove, **byte))),
            _ => {
                for byte in translated.filter(|byte| !delete || !at(remove, *byte)) {
                    if last == Some(byte) && at(squeezed, byte) {
                        continue;
                    }
                    last = Some(byte);
                    out.push(byte);
                }
            }
        }
        input.consume(count);
        t.out.flush().await?;
    }
}
