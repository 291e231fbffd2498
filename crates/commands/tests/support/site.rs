//! A web site for the cases: one function says what it answers; the real tools reach it over a loopback connection, ours
//! as a host's answers.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use wasmsh_os::{Answer, FetchError, Header, HttpRequest, Kernel, Request, ResponseHead};

/// What has come in.
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

/// What goes out.
pub struct Told {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn told(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Told {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Told { status, headers, body: body.to_vec() }
}

const TEXT: (&str, &str) = ("Content-Type", "text/plain");
const DATA: &[u8] = b"0123456789abcdefghij\n";
const WHEN: &str = "Sat, 04 May 2024 10:00:00 GMT";

/// `hello, gzip` and a newline, packed.
const PACKED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\x48\xaf\xca\x2c\xe0\x02\x00\x86\x1f\x82\xa4\x0c\x00\x00\x00";

/// The answer of the site. `None`: it never comes.
fn answer(asked: &Asked) -> Option<Told> {
    let path = asked.target.split('?').next().unwrap();
    Some(match path {
        "/slow" => return None,
        "/file" | "/dir/name.txt" => file(asked),
        "/missing" => told(404, &[TEXT], b"no such page\n"),
        "/broken" => told(500, &[TEXT], b"broken\n"),
        "/busy" => told(503, &[TEXT], b"busy\n"),
        "/secret" if asked.header("authorization").as_deref() != Some("Basic bWU6cHc=") => {
            told(401, &[TEXT, ("WWW-Authenticate", "Basic realm=\"site\"")], b"who are you?\n")
        }
        "/hop" => told(302, &[("Location", "/echo"), TEXT], b"over there\n"),
        "/hop/301" => told(301, &[("Location", "/echo")], b""),
        "/hop/303" => told(303, &[("Location", "http://site.test/echo?from=303")], b""),
        "/hop/307" => told(307, &[("Location", "../echo")], b""),
        "/hop/308" => told(308, &[("Location", "//other.test/echo")], b""),
        "/hop/ftp" => told(302, &[("Location", "ftp://site.test/x")], b""),
        "/round" => told(302, &[("Location", "/round")], b""),
        "/cookies" => told(
            200,
            &[
                ("Set-Cookie", "session=abc; Path=/"),
                ("Set-Cookie", "long=1; Path=/; Max-Age=9999999999; Secure"),
                TEXT,
            ],
            b"baked\n",
        ),
        "/hop/cookie" => told(302, &[("Location", "/echo"), ("Set-Cookie", "crumb=1; Path=/")], b""),
        "/gzip" => told(200, &[("Content-Encoding", "gzip"), TEXT], PACKED),
        "/named" => {
            told(200, &[("Content-Disposition", "attachment; filename=\"given.txt\""), TEXT], b"named\n")
        }
        "/none" => told(204, &[], b""),
        "/json" => told(200, &[("Content-Type", "application/json; charset=utf-8")], b"{\"a\":[1,2]}\n"),
        _ => echo(asked),
    })
}

fn file(asked: &Asked) -> Told {
    if asked
        .header("if-modified-since")
        .is_some_and(|when| when.ends_with("2025 00:00:00 GMT") || when == WHEN)
    {
        return told(304, &[("Last-Modified", WHEN)], b"");
    }
    let range = asked.header("range").and_then(|range| {
        let range = range.strip_prefix("bytes=")?.to_owned();
        let (from, to) = range.split_once('-')?;
        let last = DATA.len() - 1;
        Some(match (from.parse::<usize>(), to.parse::<usize>()) {
            (Ok(from), Ok(to)) => (from, to.min(last)),
            (Ok(from), Err(_)) => (from, last),
            (Err(_), Ok(count)) => (DATA.len() - count, last),
            _ => return None,
        })
    });
    let common = [("Accept-Ranges", "bytes"), ("Last-Modified", WHEN), ("ETag", "\"v1\""), TEXT];
    match range {
        Some((from, to)) if from <= to => {
            let mut part = told(206, &common, &DATA[from..=to]);
            part.headers.push(("Content-Range", format!("bytes {from}-{to}/{}", DATA.len())));
            part
        }
        Some(_) => told(416, &[("Content-Range", "bytes */21")], b"no such part\n"),
        None => told(200, &common, DATA),
    }
}

/// The request as a text; what differs from call to call has other words in its place.
fn echo(asked: &Asked) -> Told {
    let kind = asked.header("content-type").unwrap_or_default();
    let boundary = kind.split("boundary=").nth(1).unwrap_or("\n\n\n").to_owned();
    let mut text = format!("{} {}\n", asked.method, asked.target).into_bytes();
    let mut headers: Vec<_> =
        asked.headers.iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    headers.sort();
    let transport = ["host", "connection", "proxy-connection", "content-length", "expect", "keep-alive"];
    for (name, value) in headers.iter().filter(|(name, _)| !transport.contains(&&name[..])) {
        text.extend(format!("{name}: ").bytes());
        text.extend(value.iter());
        text.push(b'\n');
    }
    text.push(b'\n');
    text.extend(&asked.body);
    let text = String::from_utf8_lossy(&text).replace(&boundary, "BOUNDARY");
    told(200, &[TEXT], text.as_bytes())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        401 => "Unauthorized",
        404 => "Not Found",
        416 => "Range Not Satisfiable",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Other",
    }
}

/// All headers, with the length; an answer to HEAD has the same.
fn headers(told: &Told) -> Vec<(&'static str, String)> {
    let mut all = told.headers.clone();
    if !matches!(told.status, 204 | 304) {
        all.push(("Content-Length", told.body.len().to_string()));
    }
    all
}

fn is_bare(asked: &Asked, told: &Told) -> bool {
    asked.method == "HEAD" || matches!(told.status, 204 | 304)
}

// Over a connection.

/// Begins to serve; the port.
pub fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || connection(stream));
        }
    });
    port
}

fn connection(stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let asked = receive(&mut reader, &mut writer)?;
        let Some(told) = answer(&asked) else {
            std::thread::sleep(std::time::Duration::from_secs(5));
            return None;
        };
        let mut text = format!("HTTP/1.1 {} {}\r\n", told.status, reason(told.status));
        for (name, value) in headers(&told) {
            write!(text, "{name}: {value}\r\n").ok()?;
        }
        text.push_str("\r\n");
        writer.write_all(text.as_bytes()).ok()?;
        if !is_bare(&asked, &told) {
            writer.write_all(&told.body).ok()?;
        }
    }
}

fn receive(reader: &mut BufReader<TcpStream>, writer: &mut TcpStream) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    // Through a proxy the whole URL is asked for.
    let target = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/".into(), |slash| rest[slash..].to_owned()),
        None => target,
    };
    let mut headers = Vec::new();
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).ok()?;
        let text = line.trim_ascii_end();
        if text.is_empty() {
            break;
        }
        let colon = text.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8_lossy(&text[..colon]).into_owned();
        headers.push((name, text[colon + 1..].trim_ascii().to_vec()));
    }
    let mut asked = Asked { method, target, headers, body: Vec::new() };
    if asked.header("expect").is_some() {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    if let Some(length) = asked.header("content-length") {
        asked.body.resize(length.parse().ok()?, 0);
        reader.read_exact(&mut asked.body).ok()?;
    }
    while asked.header("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        chunk.truncate(length);
        asked.body.extend(chunk);
        if length == 0 {
            break;
        }
    }
    asked.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
    Some(asked)
}

// As a host.

/// Answers all requests that a kernel has.
pub fn answer_requests(kernel: &Kernel) {
    for (id, request) in kernel.take_requests() {
        let Request::Fetch(request) = request else { continue };
        let HttpRequest { method, url, headers: given, body, timeout_ms, .. } = request;
        let rest = url.split_once("://").unwrap().1;
        let target = rest.find('/').map_or("/".into(), |slash| rest[slash..].to_owned());
        let given = given.into_iter().map(|header| (header.name, header.value)).collect();
        let asked = Asked { method, target, headers: given, body };
        let Some(told) = answer(&asked) else {
            assert!(timeout_ms.is_some(), "it waits for ever");
            kernel.answer(id, Answer::Ended(Err(FetchError::TimedOut)));
            continue;
        };
        let headers = headers(&told)
            .into_iter()
            .map(|(name, value)| Header { name: name.into(), value: value.into() })
            .collect();
        kernel.answer(id, Answer::Head(ResponseHead { status: told.status, url, headers }));
        if !is_bare(&asked, &told) {
            // In two parts, as a network has it.
            let (first, second) = told.body.split_at(told.body.len() / 2);
            kernel.answer(id, Answer::Body(first.to_vec()));
            kernel.answer(id, Answer::Body(second.to_vec()));
        }
        kernel.answer(id, Answer::Ended(Ok(())));
    }
}
