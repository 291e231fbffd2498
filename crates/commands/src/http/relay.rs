//! An exchange for a program that speaks HTTP itself: what comes of it, as the wire has it (RFC 9112).

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use wasmsh_os::{Ctx, Errno, Exit, FetchError, HttpRequest, Interest, ResponseHead};

use super::{Exchange, exchange, head_text, header};

/// Headers that say how a message is carried: here, what follows says it anew.
const HOP_BY_HOP: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"];

/// The code of a process that carries out `request` and writes the response to its descriptor 1, a pipe; instead of a
/// response that does not come a line with the name of the error and its text. It ends when nobody reads any more.
pub async fn relay(ctx: Ctx, request: HttpRequest) -> Exit {
    let mut work = pin!(write(&ctx, request));
    // While it waits for an answer it writes nothing: only this tells that nobody reads.
    let broken = [Interest { descriptor: 1, read: false, write: false }];
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Pending => ctx.poll_ready(&broken).map(drop),
        Poll::Ready(_) => Poll::Ready(()),
    })
    .await;
    Exit::Code(0)
}

async fn write(ctx: &Ctx, request: HttpRequest) -> Result<(), Errno> {
    let bodiless = request.method.eq_ignore_ascii_case("head");
    match exchange(ctx, request).await {
        Ok(exchange) => response(ctx, exchange, bodiless).await,
        Err(error) => ctx.write_all(1, &failure(&error)).await,
    }
}

async fn response(ctx: &Ctx, mut exchange: Exchange, bodiless: bool) -> Result<(), Errno> {
    let bodiless = bodiless || matches!(exchange.head.status, 100..=199 | 204 | 304);
    let chunked = !bodiless && header(&exchange.head.headers, "content-length").is_none();
    ctx.write_all(1, &head(&exchange.head, chunked)).await?;
    // A body that is cut off ends before its length, or without the last chunk.
    while let Ok(part) = exchange.chunk().await {
        match part {
            Some(bytes) if chunked => {
                ctx.write_all(1, format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
                ctx.write_all(1, &bytes).await?;
                ctx.write_all(1, b"\r\n").await?;
            }
            Some(bytes) => ctx.write_all(1, &bytes).await?,
            None if chunked => return ctx.write_all(1, b"0\r\n\r\n").await,
            None => return Ok(()),
        }
    }
    Ok(())
}

fn head(head: &ResponseHead, chunked: bool) -> Vec<u8> {
    let mut head = head.clone();
    head.headers.retain(|header| !HOP_BY_HOP.iter().any(|name| header.name.eq_ignore_ascii_case(name)));
    let mut text = head_text(&head);
    text.truncate(text.len().saturating_sub(2));
    if chunked {
        text.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    text.extend_from_slice(b"Connection: close\r\n\r\n");
    text
}

fn failure(error: &FetchError) -> Vec<u8> {
    let name = match error {
        FetchError::Denied(_) => "denied",
        FetchError::UnknownHost(_) => "unknown-host",
        FetchError::Refused => "refused",
        FetchError::TimedOut => "timed-out",
        FetchError::TooManyRedirects(_) => "too-many-redirects",
        FetchError::TooLarge(_) => "too-large",
        FetchError::Tls(_) => "tls",
        FetchError::Protocol(_) => "protocol",
    };
    let text = error.to_string().replace(['\r', '\n'], " ");
    format!("{name} {text}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmsh_os::Header;

    #[test]
    fn the_head_says_how_the_body_comes() {
        let given = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        let headers = vec![given("transfer-encoding", "gzip"), given("x", "y")];
        let text = head(&ResponseHead { status: 200, url: String::new(), headers }, true);
        let wanted = "HTTP/1.1 200 OK\r\nx: y\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        assert_eq!(String::from_utf8(text), Ok(wanted.to_owned()));
    }

    #[test]
    fn a_failure_is_one_line() {
        assert_eq!(failure(&FetchError::Denied("a\nb".into())), b"denied a b\n");
    }
}
