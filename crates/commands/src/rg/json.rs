//! The JSON lines of `rg --json`.

use super::{Plan, Stats};
use crate::base64::encode;

/// `{"text": …}`, or `{"bytes": …}` in base64 for what is no text.
fn data(out: &mut Vec<u8>, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            out.extend_from_slice(b"{\"text\":");
            string(out, text);
        }
        Err(_) => {
            out.extend_from_slice(b"{\"bytes\":\"");
            encode(bytes, out);
            out.push(b'"');
        }
    }
    out.push(b'}');
}

fn string(out: &mut Vec<u8>, text: &str) {
    // A string can always be written as JSON.
    let _ = serde_json::to_writer(out, text);
}

pub(crate) fn begin(out: &mut Vec<u8>, path: &[u8]) {
    out.extend_from_slice(b"{\"type\":\"begin\",\"data\":{\"path\":");
    data(out, path);
    out.extend_from_slice(b"}}\n");
}

/// A `match` or a `context`.
#[expect(clippy::too_many_arguments, reason = "the fields of the message")]
pub(crate) fn lines(
    out: &mut Vec<u8>,
    kind: &str,
    plan: &Plan,
    path: &[u8],
    lines: &[u8],
    number: u64,
    offset: u64,
    spans: &[(usize, usize)],
) {
    out.extend_from_slice(format!("{{\"type\":\"{kind}\",\"data\":{{\"path\":").as_bytes());
    data(out, path);
    out.extend_from_slice(b",\"lines\":");
    data(out, lines);
    let number = if plan.line_number { number.to_string() } else { "null".into() };
    out.extend_from_slice(
        format!(",\"line_number\":{number},\"absolute_offset\":{offset},\"submatches\":[").as_bytes(),
    );
    for (index, (start, end)) in spans.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"match\":");
        data(out, lines.get(*start..*end).unwrap_or_default());
        out.extend_from_slice(format!(",\"start\":{start},\"end\":{end}}}").as_bytes());
    }
    out.extend_from_slice(b"]}}\n");
}

fn human(nanoseconds: u64) -> String {
    let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    format!("{:.6}s", seconds as f64 + rest as f64 / 1e9)
}

pub(crate) fn end(out: &mut Vec<u8>, path: &[u8], binary: Option<u64>, stats: &Stats) {
    out.extend_from_slice(b"{\"type\":\"end\",\"data\":{\"path\":");
    data(out, path);
    let binary = binary.map_or("null".into(), |offset| offset.to_string());
    let (seconds, rest) = (stats.nanoseconds / 1_000_000_000, stats.nanoseconds % 1_000_000_000);
    out.extend_from_slice(
        format!(
            ",\"binary_offset\":{binary},\"stats\":{{\"elapsed\":{{\"secs\":{seconds},\"nanos\":{rest},\"human\":\"{}\"}},\
             \"searches\":{},\"searches_with_match\":{},\"bytes_searched\":{},\"bytes_printed\":{},\
             \"matched_lines\":{},\"matches\":{}}}}}}}\n",
            human(stats.nanoseconds),
            stats.searches,
            stats.searches_with_match,
            stats.bytes_searched,
            stats.bytes_printed,
            stats.matched_lines,
            stats.matches
        )
        .as_bytes(),
    );
}

/// The last line; its names are in alphabetical order.
pub(crate) fn summary(out: &mut Vec<u8>, stats: &Stats, total: u64) {
    let elapsed = |nanoseconds: u64| {
        format!(
            "{{\"human\":\"{}\",\"nanos\":{},\"secs\":{}}}",
            human(nanoseconds),
            nanoseconds % 1_000_000_000,
            nanoseconds / 1_000_000_000
        )
    };
    out.extend_from_slice(
        format!(
            "{{\"data\":{{\"elapsed_total\":{},\"stats\":{{\"bytes_printed\":{},\"bytes_searched\":{},\"elapsed\":{},\
             \"matched_lines\":{},\"matches\":{},\"searches\":{},\"searches_with_match\":{}}}}},\"type\":\"summary\"}}\n",
            elapsed(total),
            stats.bytes_printed,
            stats.bytes_searched,
            elapsed(stats.nanoseconds),
            stats.matched_lines,
            stats.matches,
            stats.searches,
            stats.searches_with_match
        )
        .as_bytes(),
    );
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_no_text() {
        let mut out = Vec::new();
        super::data(&mut out, b"\xffab\xfe");
        assert_eq!(out, b"{\"bytes\":\"/2Fi/g==\"}");
    }
}
