//! Arguments of options that are one of a few words, which may be abbreviated (gnulib's `argmatch`).

use crate::{Fail, Tool};

/// What `value` stands for among `words` (a word, and what it means). The error lists the words, synonyms on one line.
pub(crate) fn choose(
    t: &Tool,
    option: &str,
    value: &[u8],
    words: &[(&'static str, &'static str)],
) -> Result<&'static str, Fail> {
    if let Some((_, meaning)) = words.iter().find(|(word, _)| word.as_bytes() == value) {
        return Ok(meaning);
    }
    let mut matching =
        words.iter().filter(|(word, _)| word.as_bytes().starts_with(value)).map(|(_, meaning)| *meaning);
    let first = matching.next();
    let ambiguous = matching.any(|other| Some(other) != first);
    if let (Some(meaning), false) = (first, ambiguous) {
        return Ok(meaning);
    }
    let what = if ambiguous { "ambiguous" } else { "invalid" };
    let option = t.quote(option.as_bytes());
    let mut message = format!("{what} argument {} for {option}\nValid arguments are:", t.quote(value));
    let mut last = None;
    for (word, meaning) in words {
        if last == Some(meaning) {
            message.push_str(&format!(", {}", t.quote(word.as_bytes())));
        } else {
            message.push_str(&format!("\n  - {}", t.quote(word.as_bytes())));
        }
        last = Some(meaning);
    }
    // This status does not follow the command's own.
    Err(Fail::UsageStatus(message, 1))
}
