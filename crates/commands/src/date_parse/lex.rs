//! The words and numbers of a date.

/// A number without a sign, with one, or what else there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Number(Number),
    /// In small letters, with its periods.
    Word(Vec<u8>),
    Mark(u8),
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) value: i64,
    /// How many digits it is written with.
    pub(super) digits: usize,
    pub(super) signed: bool,
    pub(super) negative: bool,
    /// Nanoseconds of the fraction, which counts forward: -1.5 is -2 and a half.
    pub(super) fraction: Option<u32>,
}

/// Longest word.
const WORD: usize = 19;

/// `None`: a number is too large.
pub(super) fn tokens(text: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 11;
        if blank(&byte) {
            at += 1;
        } else if byte.is_ascii_digit() || byte == b'-' || byte == b'+' {
            let mut sign = None;
            if !byte.is_ascii_digit() {
                sign = Some(byte);
                at += 1;
                while text.get(at).is_some_and(blank) {
                    at += 1;
                }
                if !text.get(at).is_some_and(u8::is_ascii_digit) {
                    // A sign without a number means nothing.
                    continue;
                }
            }
            let (number, length) = number(text.get(at..)?, sign)?;
            tokens.push(Token::Number(number));
            at += length;
        } else if byte.is_ascii_alphabetic() {
            let rest = text.get(at..)?;
            let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'.').count();
            let word = rest.get(..length.min(WORD))?;
            tokens.push(Token::Word(word.to_ascii_lowercase()));
            at += length;
        } else if byte == b'(' {
            at += comment(text.get(at..)?);
        } else if byte == 0 {
            break;
        } else {
            tokens.push(Token::Mark(byte));
            at += 1;
        }
    }
    Some(tokens)
}

/// The length of a comment; comments nest, and one without an end goes on to the end of the text.
fn comment(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    text.len()
}

fn number(text: &[u8], sign: Option<u8>) -> Option<(Number, usize)> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let negative = sign == Some(b'-');
    let mut value: i64 = 0;
    for digit in text.get(..digits)? {
        let digit = i64::from(digit - b'0');
        value = value.checked_mul(10)?;
        value = if negative { value.checked_sub(digit)? } else { value.checked_add(digit)? };
    }
    let mut length = digits;
    let mut fraction = None;
    if let [b'.' | b',', rest @ ..] = text.get(digits..)?
        && rest.first().is_some_and(u8::is_ascii_digit)
    {
        let places = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut nanoseconds = 0_u32;
        for place in 0..9 {
            let digit = rest.get(place).filter(|_| place < places).map_or(0, |byte| byte - b'0');
            nanoseconds = nanoseconds * 10 + u32::from(digit);
        }
        // Digits beyond are cut off, towards the past.
        let more = rest.get(9..places).is_some_and(|rest| rest.iter().any(|byte| *byte != b'0'));
        if negative && (nanoseconds > 0 || more) {
            value = value.checked_sub(1)?;
            nanoseconds = 1_000_000_000 - nanoseconds - u32::from(more);
        }
        fraction = Some(nanoseconds);
        length += 1 + places;
    }
    let signed = sign.is_some();
    Some((Number { value, digits, signed, negative, fraction }, length))
}
