//! Selections of columns: names, numbers, ranges, prefixes and suffixes.

use bstr::{BString, ByteSlice};

use crate::Fail;

/// The columns that a selection names, in its order.
pub(super) fn columns(selection: &[u8], header: &[BString], named: bool) -> Result<Vec<usize>, Fail> {
    let (inverted, text) = match selection.strip_prefix(b"!") {
        Some(rest) => (true, rest),
        None => (false, selection),
    };
    let mut found = Vec::new();
    for item in parts(text, b',') {
        select(&item, header, named, &mut found)?;
    }
    if inverted {
        return Ok((0..header.len()).filter(|column| !found.contains(column)).collect());
    }
    Ok(found)
}

/// The parts of a text between a sign that is not quoted, with their quotes.
fn parts(text: &[u8], sign: u8) -> Vec<BString> {
    let mut all = vec![BString::default()];
    let mut quoted = false;
    for byte in text {
        quoted ^= *byte == b'"';
        if *byte == sign && !quoted {
            all.push(BString::default());
        } else if let Some(last) = all.last_mut() {
            last.push(*byte);
        }
    }
    all
}

fn unknown(name: &[u8]) -> Fail {
    Fail::Message(format!("unknown column name \"{}\"", name.as_bstr()), 1)
}

fn select(item: &BString, header: &[BString], named: bool, found: &mut Vec<usize>) -> Result<(), Fail> {
    if item == "*" {
        found.extend(0..header.len());
        return Ok(());
    }
    let ends = parts(item, b':');
    if let [from, to] = ends.as_slice() {
        let from = if from.is_empty() { 0 } else { one(from, header, named)? };
        let to = if to.is_empty() { header.len().saturating_sub(1) } else { one(to, header, named)? };
        if from <= to {
            found.extend(from..=to)
        } else {
            found.extend((to..=from).rev())
        }
        return Ok(());
    }
    if !item.starts_with(b"\"") {
        let matching = |test: &dyn Fn(&BString) -> bool| -> Vec<usize> {
            header.iter().enumerate().filter(|(_, name)| test(name)).map(|(column, _)| column).collect()
        };
        if let Some(prefix) = item.strip_suffix(b"*") {
            found.extend(matching(&|name| name.starts_with(prefix)));
            return Ok(());
        }
        if let Some(suffix) = item.strip_prefix(b"*") {
            found.extend(matching(&|name| name.ends_with(suffix)));
            return Ok(());
        }
    }
    found.push(one(item, header, named)?);
    Ok(())
}

fn one(item: &BString, header: &[BString], named: bool) -> Result<usize, Fail> {
    if let Some(name) = item.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        let name = name.replace(b"\"\"", b"\"");
        return header.iter().position(|column| **column == *name).ok_or_else(|| unknown(&name));
    }
    let text = item.to_str_lossy();
    if named && let Some(column) = header.iter().position(|name| name == item) {
        return Ok(column);
    }
    if let Ok(number) = text.parse::<i64>() {
        let at = if number < 0 { number + header.len() as i64 } else { number };
        return usize::try_from(at).ok().filter(|at| *at < header.len()).ok_or_else(|| {
            Fail::Message(
                format!("column index {number} is out of range: there are {} columns", header.len()),
                1,
            )
        });
    }
    if named
        && let Some((name, nth)) = text.strip_suffix(']').and_then(|text| text.rsplit_once('['))
        && let Ok(nth) = nth.parse::<i64>()
    {
        let all: Vec<usize> = header
            .iter()
            .enumerate()
            .filter(|(_, column)| **column == *name)
            .map(|(column, _)| column)
            .collect();
        let at = if nth < 0 { nth + all.len() as i64 } else { nth };
        return usize::try_from(at).ok().and_then(|at| all.get(at).copied()).ok_or_else(|| unknown(item));
    }
    Err(unknown(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections() {
        let header: Vec<BString> = ["a", "b", "dim_x", "dim_y", "b"].map(BString::from).to_vec();
        let get = |text: &str| columns(text.as_bytes(), &header, true).unwrap();
        assert_eq!(get("b,0"), [1, 0]);
        assert_eq!(get("-1"), [4]);
        assert_eq!(get("2:0"), [2, 1, 0]);
        assert_eq!(get("!0:1"), [2, 3, 4]);
        assert_eq!(get("dim_*,b[-1]"), [2, 3, 4]);
        assert_eq!(get("*_y,*"), [3, 0, 1, 2, 3, 4]);
        assert!(columns(b"zz", &header, true).is_err());
        assert!(columns(b"9", &header, true).is_err());
    }
}
