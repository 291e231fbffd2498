//! What `wget` does with each URL: requests, redirects, and the files that come of them.

use bstr::{BString, ByteSlice};
use wasmsh_os::{FetchError, Header, HttpRequest, NewTime};

use super::{AUTHENTICATION, FILE_ERROR, GENERIC, NETWORK, SERVER, Session, TLS, Talk};
use crate::http::url::{Url, percent_decode};
use crate::http::{self, Exchange};
use crate::path::join;
use crate::time::{Moment, zone};
use crate::{Fail, Tool};

/// What a failed exchange is told as, and the status it leads to.
fn failure(error: &FetchError, url: &Url) -> (String, u8) {
    match error {
        FetchError::Denied(message) => {
            (format!("failed: Network access denied: {message} ({}).", url.request_form()), NETWORK)
        }
        FetchError::UnknownHost(_) => (
            format!(
                "failed: Name or service not known.\nwget: unable to resolve host address ‘{}’",
                url.host
            ),
            NETWORK,
        ),
        FetchError::Refused => ("failed: Connection refused.".into(), NETWORK),
        FetchError::TimedOut => ("failed: Connection timed out.".into(), NETWORK),
        FetchError::Tls(message) => (format!("failed: {message}"), TLS),
        error => (format!("failed: {error}."), NETWORK),
    }
}

impl Session {
    pub(super) async fn say(&mut self, least: Talk, text: &str) {
        if self.talk >= least {
            self.log.put(text.as_bytes());
            // Nobody is left to tell when this fails.
            let _ = self.log.flush().await;
        }
    }

    pub(super) fn now(&self, t: &Tool, format: &[u8]) -> String {
        let mut out = Vec::new();
        if let Some(moment) = Moment::new(t.ctx.now(), &zone(&t.ctx)) {
            moment.format(format, &mut out);
        }
        out.to_str_lossy().into_owned()
    }

    fn request(
        &self,
        t: &Tool,
        url: &Url,
        origin: &Url,
        method: &str,
        body: &[u8],
        from: u64,
    ) -> HttpRequest {
        let plan = &self.plan;
        let mut headers: Vec<Header> = Vec::new();
        let mut add = |name: &str, value: &[u8]| {
            let value = value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)).collect();
            headers.push(Header { name: name.into(), value });
        };
        if let Some(referer) = &plan.referer {
            add("Referer", referer);
        }
        if from > 0 {
            add("Range", format!("bytes={from}-").as_bytes());
        }
        match &plan.agent {
            Some(agent) if agent.is_empty() => {}
            Some(agent) => add("User-Agent", agent),
            None => add("User-Agent", b"Wget/1.21.3"),
        }
        add("Accept", b"*/*");
        add("Accept-Encoding", b"identity");
        if plan.no_cache {
            add("Cache-Control", b"no-cache");
            add("Pragma", b"no-cache");
        }
        let user = match (&plan.user, &plan.password) {
            (Some(user), password) => {
                let password = password.clone().unwrap_or_default();
                Some(format!("{user}:{password}").into_bytes())
            }
            (None, _) => url.user.as_ref().map(|user| percent_decode(user)),
        };
        if let Some(user) = user.filter(|_| url.same_origin(origin)) {
            let mut value = b"Basic ".to_vec();
            crate::base64::encode(&user, &mut value);
            add("Authorization", &value);
        }
        if plan.cookies
            && let Some(cookies) = self.jar.header(url, t.ctx.now().seconds)
        {
            add("Cookie", cookies.as_bytes());
        }
        if !body.is_empty() || method == "POST" {
            add("Content-Type", b"application/x-www-form-urlencoded");
        }
        for line in &plan.headers {
            let Some((name, value)) = line.split_once_str(":") else { continue };
            let name = name.to_str_lossy().trim().to_owned();
            headers.retain(|header| !header.name.eq_ignore_ascii_case(&name));
            let value = value.trim_ascii().iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0));
            headers.push(Header { name, value: value.collect() });
        }
        HttpRequest {
            method: method.to_owned(),
            url: url.request_form(),
            headers,
            body: body.to_vec(),
            timeout_ms: plan.milliseconds,
            redirects: 0,
        }
    }

    /// Fetches one URL; the status.
    pub(super) async fn get(&mut self, t: &mut Tool, text: &str) -> Result<u8, Fail> {
        let first = match Url::parse(text) {
            Ok(url) => url,
            Err(error) => {
                self.say(Talk::Little, &format!("{text}: {error}.\n")).await;
                return Ok(GENERIC);
            }
        };
        if !matches!(&first.scheme[..], "http" | "https") {
            self.say(Talk::Little, &format!("{text}: Unsupported scheme ‘{}’.\n", first.scheme)).await;
            return Ok(GENERIC);
        }
        let mut attempt = 1;
        loop {
            let result = self.attempt(t, &first, attempt).await?;
            let (status, again) = result;
            if !again || (self.plan.tries > 0 && attempt >= self.plan.tries) {
                return Ok(status);
            }
            self.say(Talk::All, "Retrying.\n\n").await;
            let milliseconds = (attempt * 1000).min(self.plan.wait_retry);
            t.ctx.sleep(milliseconds * 1_000_000).await;
            attempt += 1;
        }
    }

    /// The status, and whether another attempt may help.
    async fn attempt(&mut self, t: &mut Tool, first: &Url, attempt: u64) -> Result<(u8, bool), Fail> {
        let mut url = first.clone();
        let mut method = match &self.plan.method {
            Some(method) => method.clone(),
            None if self.plan.spider => "HEAD".into(),
            None => "GET".into(),
        };
        let mut body = self.plan.body.clone().unwrap_or_default();
        let mut name = self.file_name(&url);
        if self.plan.no_clobber && self.plan.document.is_none() && t.ctx.stat(&name, false).is_ok() {
            self.say(Talk::Little, &format!("File ‘{name}’ already there; not retrieving.\n")).await;
            self.say(Talk::All, "\n").await;
            return Ok((0, false));
        }
        let from = match self.plan.start {
            Some(start) => start,
            None if self.plan.resume => {
                let file = self.plan.document.as_ref().unwrap_or(&name);
                t.ctx.stat(file, true).map_or(0, |stat| stat.size)
            }
            None => 0,
        };
        if self.plan.spider && attempt == 1 {
            self.say(Talk::All, "Spider mode enabled. Check if remote file exists.\n").await;
        }
        let mut redirects = 0;
        loop {
            let now = self.now(t, b"%Y-%m-%d %H:%M:%S");
            let tries = if attempt > 1 { format!("(try:{attempt:2})  ") } else { String::new() };
            self.say(Talk::All, &format!("--{now}--  {tries}{}\n", url.request_form())).await;
            let shown = format!("{}:{}", url.host, url.real_port());
            self.say(Talk::All, &format!("Connecting to {shown}... ")).await;
            let request = self.request(t, &url, first, &method, &body, from);
            let exchange = match http::exchange(&t.ctx, request).await {
                Ok(exchange) => exchange,
                Err(error) => {
                    let (text, status) = failure(&error, &url);
                    let least = if matches!(error, FetchError::Denied(_)) { Talk::Little } else { Talk::All };
                    if least == Talk::Little && self.talk == Talk::Little {
                        self.say(Talk::Little, &format!("wget: {text}\n")).await;
                    } else {
                        self.say(Talk::All, &format!("{text}\n")).await;
                    }
                    let again = match error {
                        FetchError::TimedOut | FetchError::Protocol(_) => true,
                        FetchError::Refused => self.plan.retry_refused,
                        _ => false,
                    };
                    return Ok((status, again));
                }
            };
            let code = exchange.head.status;
            let reason = http::reason(code);
            self.say(
                Talk::All,
                &format!(
                    "connected.\nHTTP request sent, awaiting response... {}",
                    if self.plan.show_response { "\n".to_owned() } else { format!("{code} {reason}\n") }
                ),
            )
            .await;
            if self.plan.show_response {
                let head = http::head_text(&exchange.head).to_str_lossy().into_owned();
                let lines: String =
                    head.lines().filter(|line| !line.is_empty()).map(|line| format!("  {line}\n")).collect();
                // Also when little is told, but not when nothing is.
                self.say(Talk::Little, &lines).await;
            }
            if self.plan.cookies {
                let now = t.ctx.now().seconds;
                for header in &exchange.head.headers {
                    if header.name.eq_ignore_ascii_case("set-cookie") {
                        self.jar.set(&header.value, &url, now, false);
                    }
                }
            }
            if let Some(location) = exchange.location() {
                let next = match url.join(&location) {
                    Ok(next) if matches!(&next.scheme[..], "http" | "https") => next,
                    _ => {
                        self.say(Talk::Little, &format!("{location}: Unsupported scheme.\n")).await;
                        return Ok((GENERIC, false));
                    }
                };
                self.say(Talk::All, &format!("Location: {location} [following]\n")).await;
                redirects += 1;
                if redirects > self.plan.most_redirects {
                    let text = format!("{} redirections exceeded.\n", self.plan.most_redirects);
                    self.say(Talk::Little, &text).await;
                    return Ok((SERVER, false));
                }
                if matches!(code, 301..=303) && method != "HEAD" {
                    method = "GET".into();
                    body.clear();
                }
                if self.plan.trust_names {
                    name = self.file_name(&next);
                }
                url = next;
                continue;
            }
            return self.receive(t, exchange, &url, name, from).await;
        }
    }

    async fn receive(
        &mut self,
        t: &mut Tool,
        mut exchange: Exchange,
        url: &Url,
        mut name: BString,
        from: u64,
    ) -> Result<(u8, bool), Fail> {
        let code = exchange.head.status;
        let now = self.now(t, b"%Y-%m-%d %H:%M:%S");
        if code == 416 && from > 0 {
            self.say(Talk::All, "\n    The file is already fully retrieved; nothing to do.\n\n").await;
            return Ok((0, false));
        }
        if self.plan.spider {
            if code >= 400 {
                self.say(Talk::All, "Remote file does not exist -- broken link!!!\n\n").await;
                if self.talk == Talk::Little {
                    self.say(Talk::Little, &format!("{}:\n", url.request_form())).await;
                    let text = "Remote file does not exist -- broken link!!!\n";
                    self.say(Talk::Little, text).await;
                }
                return Ok((SERVER, false));
            }
            self.length(&exchange, 0).await;
            self.say(Talk::All, "Remote file exists.\n\n").await;
            return Ok((0, false));
        }
        if code >= 400 && !self.plan.content_on_error {
            if self.talk == Talk::Little {
                self.say(Talk::Little, &format!("{}:\n", url.request_form())).await;
            }
            let text = format!("{now} ERROR {code}: {}.\n", http::reason(code));
            self.say(Talk::Little, &text).await;
            self.say(Talk::All, "\n").await;
            return Ok((if code == 401 { AUTHENTICATION } else { SERVER }, false));
        }
        if self.plan.disposition
            && let Some(given) = exchange.header("content-disposition").and_then(http::disposition_name)
        {
            name = self.place(given.as_bytes());
        }
        let modified = exchange
            .header("last-modified")
            .and_then(|text| crate::date_parse::parse(text, t.ctx.now(), &jiff::tz::TimeZone::UTC));
        if self.plan.timestamping
            && let (Some(modified), Ok(stat)) = (modified, t.ctx.stat(&name, true))
            && stat.modified >= modified
        {
            let text = format!("Server file no newer than local file ‘{name}’ -- not retrieving.\n\n");
            self.say(Talk::All, &text).await;
            return Ok((0, false));
        }
        let append = from > 0 && code == 206;
        let to_document = self.document.is_some();
        if !to_document && !append && !self.plan.timestamping && !self.plan.resume {
            // What is there stays.
            let mut free = name.clone();
            let mut count = 1;
            while t.ctx.stat(&free, false).is_ok() {
                free = format!("{name}.{count}").into();
                count += 1;
            }
            name = free;
        }
        let shown = match &self.plan.document {
            Some(file) if file == "-" => BString::from("STDOUT"),
            Some(file) => file.clone(),
            None => name.clone(),
        };
        let length = self.length(&exchange, if append { from } else { 0 }).await;
        self.say(Talk::All, &format!("Saving to: ‘{shown}’\n\n")).await;
        let mut own = None;
        if !to_document {
            self.make_directories(t, &name);
            match t.ctx.create_output(&name, append).await {
                Ok(output) => own = Some(output),
                Err(error) => {
                    let text =
                        format!("{name}: {}\n\nCannot write to ‘{name}’ (Success).\n", error.strerror());
                    self.say(Talk::Little, &text).await;
                    return Ok((FILE_ERROR, false));
                }
            }
        }
        let head = if self.plan.save_headers { http::head_text(&exchange.head) } else { Vec::new() };
        let began = t.ctx.monotonic();
        let mut bytes = 0u64;
        let mut pending = Some(head).filter(|head| !head.is_empty());
        let ended = loop {
            let chunk = match pending.take() {
                Some(head) => head,
                None => match exchange.chunk().await {
                    Ok(Some(chunk)) => {
                        bytes += chunk.len() as u64;
                        chunk
                    }
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                },
            };
            let output = match own.as_mut() {
                Some(output) => Some(output),
                None => self.document.as_mut(),
            };
            if let Some(output) = output
                && let Err(error) = output.write(&chunk).await
            {
                let text = format!("Cannot write to ‘{shown}’ ({}).\n", error.strerror());
                self.say(Talk::Little, &text).await;
                return Ok((FILE_ERROR, false));
            }
        };
        if let Some(output) = own.as_mut().or(self.document.as_mut()) {
            output.flush().await?;
        }
        drop(own);
        let now = self.now(t, b"%Y-%m-%d %H:%M:%S");
        let spent = (t.ctx.monotonic().saturating_sub(began) as f64 / 1e9).max(1e-6);
        let speed = rate(bytes as f64 / spent);
        if let Err(error) = ended {
            let text = format!("{now} ({speed}) - Read error at byte {bytes} ({error}).");
            self.say(Talk::All, &text).await;
            let again = matches!(error, FetchError::TimedOut | FetchError::Protocol(_));
            return Ok((NETWORK, again));
        }
        if self.plan.keep_time
            && self.plan.document.is_none()
            && let Some(modified) = modified
        {
            // A time that cannot be set is as in GNU's no error.
            let _ = t.ctx.set_times(&name, NewTime::At(modified), NewTime::At(modified), true);
        }
        self.files += 1;
        self.bytes += bytes;
        let total = length.map_or_else(|| bytes.to_string(), |length| format!("{bytes}/{length}"));
        if self.talk == Talk::Little {
            let text = format!("{now} URL:{} [{total}] -> \"{shown}\" [1]\n", url.request_form());
            self.say(Talk::Little, &text).await;
        } else {
            let verb = if shown == "STDOUT" { "written to stdout" } else { "saved" };
            let text = if shown == "STDOUT" {
                format!("{now} ({speed}) - {verb} [{total}]\n\n")
            } else {
                format!("{now} ({speed}) - ‘{shown}’ {verb} [{total}]\n\n")
            };
            self.say(Talk::All, &text).await;
        }
        let status = if code >= 400 { SERVER } else { 0 };
        Ok((status, false))
    }

    async fn length(&mut self, exchange: &Exchange, from: u64) -> Option<u64> {
        let length: Option<u64> =
            exchange.header("content-length").and_then(|text| text.to_str().ok()?.trim().parse().ok());
        let kind = exchange.header("content-type").map(|text| text.to_str_lossy().into_owned());
        let kind = kind.map_or_else(String::new, |kind| {
            format!(" [{}]", kind.split(';').next().unwrap_or_default().trim())
        });
        let text = match length {
            None => format!("Length: unspecified{kind}\n"),
            Some(length) => {
                let all = length + from;
                let size = if all >= 1024 { format!(" ({})", short(all)) } else { String::new() };
                format!("Length: {all}{size}{kind}\n")
            }
        };
        self.say(Talk::All, &text).await;
        length
    }

    fn place(&self, name: &[u8]) -> BString {
        match &self.plan.prefix {
            Some(prefix) if prefix != "." => join(prefix, name),
            _ => name.into(),
        }
    }

    fn file_name(&self, url: &Url) -> BString {
        let decoded = percent_decode(url.file_name());
        let mut name: Vec<u8> =
            if decoded.is_empty() { b"index.html".to_vec() } else { decoded.replace("/", "%2F") };
        if matches!(&name[..], b"." | b"..") {
            name = b"index.html".to_vec();
        }
        if let Some(query) = &url.query {
            name.push(b'?');
            name.extend_from_slice(&query.replace('/', "%2F").into_bytes());
        }
        if self.plan.directories {
            let mut path = BString::default();
            if self.plan.host_directories {
                path = join(&path, url.authority().replace(':', "+").as_bytes());
            }
            for part in url.path.split('/').filter(|part| !part.is_empty() && *part != url.file_name()) {
                path = join(&path, part.as_bytes());
            }
            return self.place(&join(&path, &name));
        }
        self.place(&name)
    }

    fn make_directories(&self, t: &Tool, name: &[u8]) {
        for (slash, _) in name.iter().enumerate().filter(|(at, byte)| **byte == b'/' && *at > 0) {
            // One that is there is as good; another error shows when the file is made.
            let _ = t.ctx.make_directory(name.get(..slash).unwrap_or_default(), 0o777);
        }
    }
}

fn short(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{:.1}K", bytes as f64 / 1024.0),
        10_240..1_048_576 => format!("{}K", bytes >> 10),
        1_048_576..10_485_760 => format!("{:.1}M", bytes as f64 / 1_048_576.0),
        10_485_760..1_073_741_824 => format!("{}M", bytes >> 20),
        _ => format!("{:.1}G", bytes as f64 / 1_073_741_824.0),
    }
}

fn rate(bytes: f64) -> String {
    let mut value = bytes;
    for unit in ["B/s", "KB/s", "MB/s", "GB/s"] {
        if value < 1024.0 || unit == "GB/s" {
            let digits = if value >= 99.95 || unit == "B/s" {
                0
            } else if value >= 9.995 {
                1
            } else {
                2
            };
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    String::new()
}
