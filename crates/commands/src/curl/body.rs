//! What `curl` sends: the data of `-d` and its kin, and the forms of `-F`.

use bstr::{BString, ByteSlice};

use super::args::read;
use crate::{Fail, Tool};

/// A piece of the data.
#[derive(Clone)]
pub(super) struct Data {
    pub(super) bytes: Vec<u8>,
    /// No ampersand stands before it.
    pub(super) joined: bool,
}

/// `application/x-www-form-urlencoded`, as curl writes it.
pub(super) fn url_encode(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else if *byte == b' ' {
            out.push(b'+');
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
}

/// The value of `--data-urlencode`: `text`, `=text`, `name=text`, `@file`, `name@file`.
pub(super) async fn urlencoded(t: &Tool, value: &[u8]) -> Result<Vec<u8>, Fail> {
    let at = value.iter().position(|byte| matches!(byte, b'=' | b'@'));
    let mut out = Vec::new();
    let Some(at) = at else {
        url_encode(value, &mut out);
        return Ok(out);
    };
    let (name, rest) = value.split_at(at);
    let content = rest.get(1..).unwrap_or_default();
    let bytes =
        if rest.starts_with(b"@") { read(t, content).await.unwrap_or_default() } else { content.to_vec() };
    if !name.is_empty() {
        out.extend_from_slice(name);
        out.push(b'=');
    }
    url_encode(&bytes, &mut out);
    Ok(out)
}

impl Data {
    /// `option`: the long name.
    pub(super) async fn new(
        t: &mut Tool,
        option: &str,
        value: &BString,
        missing: &mut Vec<BString>,
    ) -> Result<Data, Fail> {
        let bytes = match option {
            "data-raw" => value.to_vec(),
            "data-urlencode" => urlencoded(t, value).await?,
            _ => match value.strip_prefix(b"@") {
                None => value.to_vec(),
                Some(file) => {
                    // Without the file there is no data, which is only told.
                    let mut bytes = match read(t, file).await {
                        Some(bytes) => bytes,
                        None => {
                            missing.push(file.into());
                            Vec::new()
                        }
                    };
                    if matches!(option, "data" | "data-ascii") {
                        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
                    }
                    bytes
                }
            },
        };
        Ok(Data { bytes, joined: option == "json" })
    }

    /// All pieces as one body.
    pub(super) fn join(pieces: &[Data]) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 && !piece.joined {
                out.push(b'&');
            }
            out.extend_from_slice(&piece.bytes);
        }
        out
    }
}

/// A part of a form.
#[derive(Clone)]
pub(super) struct Part {
    name: BString,
    content: Vec<u8>,
    file_name: Option<BString>,
    kind: Option<BString>,
    headers: Vec<BString>,
}

/// The media type that curl gives a file by its name.
fn media_type(name: &[u8]) -> &'static str {
    let lower = name.to_ascii_lowercase();
    for (ends, kind) in [
        (&[".gif"][..], "image/gif"),
        (&[".jpg", ".jpeg"], "image/jpeg"),
        (&[".png"], "image/png"),
        (&[".svg"], "image/svg+xml"),
        (&[".txt"], "text/plain"),
        (&[".htm", ".html"], "text/html"),
        (&[".pdf"], "application/pdf"),
        (&[".xml"], "application/xml"),
    ] {
        if ends.iter().any(|end| lower.ends_with(end.as_bytes())) {
            return kind;
        }
    }
    "application/octet-stream"
}

/// A word up to one of the separators, perhaps in quotation marks; and the rest.
fn word<'a>(text: &'a [u8], separators: &[u8]) -> (BString, &'a [u8]) {
    if let Some(quoted) = text.strip_prefix(b"\"") {
        let mut out = BString::default();
        let mut at = 0;
        while let Some(byte) = quoted.get(at) {
            match byte {
                b'\\' if matches!(quoted.get(at + 1), Some(b'"' | b'\\')) => {
                    out.extend(quoted.get(at + 1));
                    at += 2;
                }
                b'"' => return (out, quoted.get(at + 1..).unwrap_or_default()),
                byte => {
                    out.push(*byte);
                    at += 1;
                }
            }
        }
        return (out, b"");
    }
    let end = text.iter().position(|byte| separators.contains(byte)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word.into(), rest)
}

fn malformed() -> Fail {
    Fail::Bare(
        "curl: option -F: is badly used here\ncurl: try 'curl --help' or 'curl --manual' for more information"
            .into(),
        2,
    )
}

impl Part {
    /// `name=text`, `name=@file`, `name=<file`, with `;type=`, `;filename=`, `;headers=`.
    pub(super) async fn new(t: &mut Tool, value: &[u8]) -> Result<Part, Fail> {
        let (name, rest) = value.split_once_str("=").ok_or_else(malformed)?;
        let (marker, rest) = match rest {
            [marker @ (b'@' | b'<'), rest @ ..] => (Some(*marker), rest),
            _ => (None, rest),
        };
        let (content, mut rest) = word(rest, b";,");
        let mut part =
            Part { name: name.into(), content: Vec::new(), file_name: None, kind: None, headers: Vec::new() };
        match marker {
            None => part.content = content.to_vec(),
            Some(marker) => {
                let Some(bytes) = read(t, &content).await else {
                    return Err(Fail::Bare(
                        "curl: (26) Failed to open/read local data from file/application".into(),
                        26,
                    ));
                };
                part.content = bytes;
                if marker == b'@' {
                    part.file_name = Some(crate::path::base_name(&content).into());
                    part.kind = Some(media_type(&content).into());
                }
            }
        }
        while let Some(tail) = rest.strip_prefix(b";") {
            let (key, after) = tail.split_once_str("=").unwrap_or((tail, b""));
            // A media type has parameters of its own.
            let (value, behind) = word(after, b";");
            match key.trim_ascii() {
                b"type" => {
                    let mut kind = value;
                    let mut behind = behind;
                    while let Some(tail) = behind.strip_prefix(b";") {
                        let known = [&b"type="[..], b"filename=", b"headers=", b"encoder="];
                        if known.iter().any(|key| tail.trim_ascii_start().starts_with(key)) {
                            break;
                        }
                        let (more, after) = word(tail, b";");
                        kind.push(b';');
                        kind.extend_from_slice(&more);
                        behind = after;
                    }
                    part.kind = Some(kind);
                    rest = behind;
                    continue;
                }
                b"filename" => part.file_name = Some(value),
                b"headers" => match value.strip_prefix(b"@") {
                    Some(file) => {
                        let text = read(t, file).await.unwrap_or_default();
                        part.headers.extend(text.lines().filter(|line| !line.is_empty()).map(BString::from));
                    }
                    None => part.headers.push(value),
                },
                key => {
                    let key = key.trim_ascii().as_bstr();
                    let text = format!("curl: option -F: {key}= is not available here");
                    return Err(Fail::Bare(text, 2));
                }
            }
            rest = behind;
        }
        if rest.starts_with(b",") {
            let text = "curl: option -F: several files in one part are not available here";
            return Err(Fail::Bare(text.into(), 2));
        }
        Ok(part)
    }

    /// `name=text`, in which nothing has a meaning.
    pub(super) fn text(value: &[u8]) -> Result<Part, Fail> {
        let (name, content) = value.split_once_str("=").ok_or_else(malformed)?;
        Ok(Part {
            name: name.into(),
            content: content.to_vec(),
            file_name: None,
            kind: None,
            headers: Vec::new(),
        })
    }

    /// The body of a form (RFC 7578).
    pub(super) fn form(parts: &[Part], boundary: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let quoted = |text: &[u8]| text.replace("\"", "%22");
        for part in parts {
            out.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"").as_bytes(),
            );
            out.extend_from_slice(&quoted(&part.name));
            out.push(b'"');
            if let Some(name) = &part.file_name {
                out.extend_from_slice(b"; filename=\"");
                out.extend_from_slice(&quoted(name));
                out.push(b'"');
            }
            out.extend_from_slice(b"\r\n");
            if let Some(kind) = &part.kind {
                out.extend_from_slice(b"Content-Type: ");
                out.extend_from_slice(kind);
                out.extend_from_slice(b"\r\n");
            }
            for header in &part.headers {
                out.extend_from_slice(header);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(&part.content);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        out
    }
}
