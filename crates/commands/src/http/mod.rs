//! HTTP exchanges for `curl` and `wget`: the host carries them out, if its policy lets it.

pub(crate) mod cookies;
pub(crate) mod relay;
pub(crate) mod url;

use wasmsh_os::{Answer, Ctx, FetchError, Header, HttpRequest, Request, Requested, ResponseHead};

/// An exchange whose beginning has come.
pub(crate) struct Exchange {
    requested: Requested,
    /// Status and headers.
    pub(crate) head: ResponseHead,
    ended: bool,
}

/// Sends a request, and waits for the head of the response.
///
/// # Errors
/// The host refuses, or the exchange fails.
pub(crate) async fn exchange(ctx: &Ctx, request: HttpRequest) -> Result<Exchange, FetchError> {
    let requested = ctx.request(Request::Fetch(request));
    loop {
        match requested.answer().await {
            Answer::Head(head) => return Ok(Exchange { requested, head, ended: false }),
            Answer::Ended(Err(error)) => return Err(error),
            Answer::Ended(Ok(())) | Answer::Exited(_) => {
                return Err(FetchError::Protocol("Empty reply from server".into()));
            }
            Answer::Body(_) => {}
        }
    }
}

impl Exchange {
    /// The next part of the body; `None`: it is complete.
    ///
    /// # Errors
    /// The exchange was cut off.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        while !self.ended {
            match self.requested.answer().await {
                Answer::Body(bytes) if bytes.is_empty() => {}
                Answer::Body(bytes) => return Ok(Some(bytes)),
                Answer::Ended(result) => {
                    self.ended = true;
                    result?;
                }
                Answer::Head(_) | Answer::Exited(_) => {}
            }
        }
        Ok(None)
    }

    /// The value of a header of the response.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        header(&self.head.headers, name)
    }

    /// Where a redirect leads.
    pub(crate) fn location(&self) -> Option<String> {
        if !matches!(self.head.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        self.header("location").map(|value| String::from_utf8_lossy(value).trim().to_owned())
    }
}

/// The first header of this name.
pub(crate) fn header<'a>(headers: &'a [Header], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| &header.value[..])
}

/// The words that RFC 9110 has for a status.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

/// The head of a response as it goes over the wire.
pub(crate) fn head_text(head: &ResponseHead) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {} {}\r\n", head.status, reason(head.status)).into_bytes();
    for header in &head.headers {
        text.extend_from_slice(header.name.as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(&header.value);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text
}

/// The name that `Content-Disposition` gives a file, without directories.
pub(crate) fn disposition_name(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let lower = text.to_ascii_lowercase();
    let at = lower.find("filename=")? + "filename=".len();
    let rest = text.get(at..)?.trim_start();
    let name = match rest.strip_prefix('"') {
        Some(quoted) => {
            let mut name = String::new();
            let mut letters = quoted.chars();
            while let Some(letter) = letters.next() {
                match letter {
                    '"' => break,
                    '\\' => name.extend(letters.next()),
                    _ => name.push(letter),
                }
            }
            name
        }
        None => rest.split([';', ' ']).next().unwrap_or_default().to_owned(),
    };
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    (!name.is_empty() && name != "." && name != "..").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        assert_eq!(disposition_name(b"attachment; filename=\"a \\\"b.txt\""), Some("a \"b.txt".into()));
        assert_eq!(disposition_name(b"attachment; filename=../../x; y"), Some("x".into()));
        assert_eq!(disposition_name(b"inline"), None);
    }
}
