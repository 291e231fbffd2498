//! URL globbing: `{a,b}`, `[1-9]`, `[01-10:2]`, `[a-z]`, and `#1` in the name of an output.

/// URLs that one pattern stands for, one after the other, so that a large range takes no memory.
pub(super) struct Glob {
    parts: Vec<Part>,
    /// Which of its values each set has next; `None`: all were told.
    next: Option<Vec<usize>>,
}

enum Part {
    Text(String),
    Set(Set),
}

enum Set {
    Words(Vec<String>),
    Numbers { first: u64, step: u64, count: usize, width: usize },
    Letters { first: u8, step: u8, count: usize },
}

impl Set {
    fn len(&self) -> usize {
        match self {
            Set::Words(words) => words.len(),
            Set::Numbers { count, .. } | Set::Letters { count, .. } => *count,
        }
    }

    fn value(&self, index: usize) -> String {
        match self {
            Set::Words(words) => words.get(index).cloned().unwrap_or_default(),
            Set::Numbers { first, step, width, .. } => {
                crate::pad::zeros((first + step * index as u64).to_string(), *width)
            }
            Set::Letters { first, step, .. } => {
                char::from(first.saturating_add(step.saturating_mul(index as u8))).to_string()
            }
        }
    }
}

fn range(text: &str) -> Option<Set> {
    let (text, step) = match text.split_once(':') {
        Some((text, step)) => (text, step.parse::<u64>().ok().filter(|step| *step > 0)?),
        None => (text, 1),
    };
    let (low, high) = text.split_once('-')?;
    if let (Ok(first), Ok(last)) = (low.parse::<u64>(), high.parse::<u64>()) {
        if first > last {
            return None;
        }
        let count = usize::try_from((last - first) / step + 1).ok()?;
        let width = if low.starts_with('0') { low.len() } else { 0 };
        return Some(Set::Numbers { first, step, count, width });
    }
    match (low.as_bytes(), high.as_bytes()) {
        ([low], [high]) if low.is_ascii_alphabetic() && high.is_ascii_alphabetic() && low <= high => {
            let step = u8::try_from(step).ok()?;
            let count = usize::from((high - low) / step) + 1;
            Some(Set::Letters { first: *low, step, count })
        }
        _ => None,
    }
}

impl Glob {
    /// `off`: braces and brackets stand for themselves. An error: what is wrong, and at which byte.
    pub(super) fn new(pattern: &str, off: bool) -> Result<Glob, (String, usize)> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = pattern;
        while !off && let Some(letter) = rest.chars().next() {
            let position = pattern.len() - rest.len() + 1;
            let after = rest.get(letter.len_utf8()..).unwrap_or_default();
            match letter {
                '\\' if after.starts_with(['{', '}', '[', ']']) => {
                    text.push_str(after.get(..1).unwrap_or_default());
                    rest = after.get(1..).unwrap_or_default();
                    continue;
                }
                '{' => {
                    let Some((inside, behind)) = after.split_once('}') else {
                        return Err(("unmatched brace".into(), position));
                    };
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    parts.push(Part::Set(Set::Words(inside.split(',').map(ToOwned::to_owned).collect())));
                    rest = behind;
                    continue;
                }
                '}' => return Err(("unmatched close brace/bracket".into(), position)),
                '[' => {
                    // An address of IPv6 is none.
                    if let Some((inside, behind)) = after.split_once(']')
                        && inside.contains(':')
                        && inside.chars().all(|letter| letter.is_ascii_hexdigit() || ":.%".contains(letter))
                        && !inside.contains('-')
                    {
                        text.push('[');
                        text.push_str(inside);
                        text.push(']');
                        rest = behind;
                        continue;
                    }
                    let found =
                        after.split_once(']').and_then(|(inside, behind)| Some((range(inside)?, behind)));
                    let Some((set, behind)) = found else {
                        return Err(("bad range".into(), position + 1));
                    };
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    parts.push(Part::Set(set));
                    rest = behind;
                    continue;
                }
                ']' => return Err(("unmatched close brace/bracket".into(), position)),
                letter => text.push(letter),
            }
            rest = after;
        }
        if off {
            text.push_str(pattern);
        }
        parts.push(Part::Text(text));
        let sets = parts.iter().filter(|part| matches!(part, Part::Set(_))).count();
        Ok(Glob { parts, next: Some(vec![0; sets]) })
    }

    /// Whether it stands for one URL alone.
    pub(super) fn is_plain(&self) -> bool {
        self.parts.len() == 1
    }

    /// The next URL, and the values of its sets.
    pub(super) fn next(&mut self) -> Option<(String, Vec<String>)> {
        let indices = self.next.take()?;
        let mut url = String::new();
        let mut values = Vec::new();
        let mut lengths = Vec::new();
        let mut each = indices.iter();
        for part in &self.parts {
            match part {
                Part::Text(text) => url.push_str(text),
                Part::Set(set) => {
                    let value = set.value(each.next().copied().unwrap_or_default());
                    url.push_str(&value);
                    values.push(value);
                    lengths.push(set.len());
                }
            }
        }
        // The last one turns first.
        let mut indices = indices;
        for (index, length) in indices.iter_mut().zip(lengths).rev() {
            *index += 1;
            if *index < length {
                self.next = Some(indices);
                break;
            }
            *index = 0;
        }
        Some((url, values))
    }
}

/// Puts the values of the sets into the name of an output.
pub(super) fn fill(name: &str, values: &[String]) -> String {
    if values.is_empty() {
        return name.to_owned();
    }
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('#') {
        out.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = after.split_at(digits);
        match number.parse::<usize>().ok().and_then(|number| values.get(number.checked_sub(1)?)) {
            Some(value) => out.push_str(value),
            None => {
                out.push('#');
                out.push_str(number);
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pattern: &str) -> Vec<String> {
        let mut glob = Glob::new(pattern, false).unwrap();
        std::iter::from_fn(|| glob.next().map(|(url, _)| url)).collect()
    }

    #[test]
    fn sets_and_ranges() {
        assert_eq!(all("h/{a,b}[1-2]"), ["h/a1", "h/a2", "h/b1", "h/b2"]);
        assert_eq!(all("[08-12:2]"), ["08", "10", "12"]);
        assert_eq!(all("x[a-c]"), ["xa", "xb", "xc"]);
        assert_eq!(all("http://[::1]:80/"), ["http://[::1]:80/"]);
        assert!(Glob::new("{a", false).is_err());
        assert!(Glob::new("[3-1]", false).is_err());
        assert_eq!(fill("o#1-#2#3", &["a".into(), "b".into()]), "oa-b#3");
    }
}
