//! `curl`: transfers a URL. The host carries the exchange out, if its policy lets it.

mod args;
mod body;
mod glob;
mod report;
mod request;
mod sink;

use bstr::{BString, ByteSlice};
use wasmsh_os::{FetchError, HttpRequest, NewTime};

use crate::http::cookies::Jar;
use crate::http::url::Url;
use crate::http::{self, Exchange};
use crate::path::join;
use crate::{Command, Done, Fail, Tool, start};
use args::{Arguments, Config, Global};
use report::Report;
use sink::{Decoder, Sink};

pub(crate) static COMMAND: Command = Command {
    name: "curl",
    usage: &["[options...] <url>"],
    about: "Transfers URLs of http and https. The host carries the exchanges out, and its policy says which are allowed.\n\
            \n\x20-d, --data <data>          HTTP POST data (also --data-raw, --data-binary, --data-urlencode, --json)\
            \n\x20-f, --fail                 Fail fast with no output on HTTP errors\
            \n\x20-F, --form <name=content>  Specify multipart MIME data\
            \n\x20-G, --get                  Put the post data in the URL and use GET\
            \n\x20-H, --header <header>      Pass custom header(s) to server\
            \n\x20-i, --include              Include protocol response headers in the output\
            \n\x20-I, --head                 Show document info only\
            \n\x20-L, --location             Follow redirects\
            \n\x20-o, --output <file>        Write to file instead of stdout\
            \n\x20-O, --remote-name          Write output to a file named as the remote file\
            \n\x20-s, --silent               Silent mode\
            \n\x20-T, --upload-file <file>   Transfer local FILE to destination\
            \n\x20-u, --user <user:password> Server user and password\
            \n\x20-w, --write-out <format>   Use output FORMAT after completion\
            \n\x20-X, --request <method>     Specify request method to use",
    options: &[],
    more: "",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// The version whose behaviour this is.
const AGENT: &str = "curl/7.88.1";

/// How a transfer fails: curl's number for it, and what is said.
struct Problem {
    code: u8,
    message: String,
}

fn problem(code: u8, message: impl Into<String>) -> Problem {
    Problem { code, message: message.into() }
}

impl Problem {
    fn of(error: FetchError, url: &Url, request: &HttpRequest, milliseconds: u64) -> Problem {
        match &error {
            FetchError::Denied(message) => {
                problem(7, format!("Network access denied: {message} ({})", url.request_form()))
            }
            FetchError::UnknownHost(_) => problem(6, format!("Could not resolve host: {}", url.host)),
            FetchError::Refused => problem(
                7,
                format!(
                    "Failed to connect to {} port {} after {milliseconds} ms: Couldn't connect to server",
                    url.host,
                    url.real_port()
                ),
            ),
            FetchError::TimedOut => problem(
                28,
                format!(
                    "Operation timed out after {} milliseconds with 0 bytes received",
                    request.timeout_ms.map_or(milliseconds, u64::from)
                ),
            ),
            FetchError::TooManyRedirects(_) => problem(47, error.to_string()),
            FetchError::TooLarge(_) => problem(63, error.to_string()),
            FetchError::Tls(_) => problem(60, format!("SSL certificate problem: {error}")),
            FetchError::Protocol(_) => problem(56, error.to_string()),
        }
    }
}

/// An error of the sandbox's own streams ends the command; another one only the transfer.
enum Trouble {
    Problem(Problem),
    Fail(Fail),
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Trouble {
        Trouble::Problem(problem)
    }
}

impl From<Fail> for Trouble {
    fn from(fail: Fail) -> Trouble {
        Trouble::Fail(fail)
    }
}

impl From<wasmsh_os::Errno> for Trouble {
    fn from(_: wasmsh_os::Errno) -> Trouble {
        Trouble::Problem(problem(23, "Failure writing output to destination"))
    }
}

async fn run(t: &mut Tool) -> Done {
    let Arguments { configs, global } = args::arguments(t).await?;
    if let Some(file) = &global.stderr {
        if file == "-" {
            t.err = t.ctx.stdout();
        } else if let Ok(output) = t.ctx.create_output(file, false).await {
            t.err = output;
        }
    }
    if !global.silent {
        for file in &global.missing {
            let text =
                format!("Warning: Couldn't read data from file \"{file}\", this makes an empty POST.\n");
            t.err.put(text.as_bytes());
        }
        for hint in &global.hints {
            let text = format!("Warning: --{hint} has no effect here: the host makes the connection\n");
            t.err.put(text.as_bytes());
        }
        // Nobody is left to tell when this fails.
        let _ = t.err.flush().await;
    }
    let mut code = 0;
    let mut number = 0;
    'all: for config in &configs {
        let mut jar = Jar::default();
        let mut fixed = Vec::new();
        for cookie in &config.cookies {
            if cookie.contains(&b'=') {
                fixed.push(cookie.to_str_lossy().into_owned());
            } else if let Some(text) = args::read(t, cookie).await {
                jar.read(&text);
            }
        }
        if config.junk_session {
            jar.begin_session();
        }
        let mut session = Session {
            config,
            global: &global,
            engine: config.cookie_jar.is_some()
                || config.cookies.iter().any(|cookie| !cookie.contains(&b'=')),
            jar,
            fixed: fixed.join("; "),
        };
        let mut outputs = config.outputs.iter();
        let mut uploads = config.uploads.iter();
        for pattern in &config.urls {
            let output =
                outputs.next().cloned().unwrap_or(if config.remote_names { None } else { Some("-".into()) });
            let upload = uploads.next();
            let mut glob = match glob::Glob::new(pattern, config.glob_off) {
                Ok(glob) => glob,
                Err((what, position)) => {
                    let message = format!(
                        "{what} in URL position {position}:\n{pattern}\n{}^",
                        " ".repeat(position - 1)
                    );
                    code = 3;
                    session.complain(t, &problem(3, message)).await?;
                    continue;
                }
            };
            let plain = glob.is_plain();
            while let Some((url, values)) = glob.next() {
                let output = output.as_ref().map(|name| {
                    if plain { name.clone() } else { glob::fill(&name.to_str_lossy(), &values).into() }
                });
                code = session.transfer(t, &url, output, upload, number).await?;
                number += 1;
                if code != 0 && global.fail_early {
                    break 'all;
                }
            }
        }
        if let Some(file) = &config.cookie_jar {
            let text = session.jar.text();
            if file == "-" {
                t.out.put(text.as_bytes());
            } else if let Ok(mut output) = t.ctx.create_output(file, false).await {
                output.put(text.as_bytes());
                output.flush().await?;
            }
        }
    }
    t.status = code;
    Ok(())
}

/// The transfers of one configuration.
struct Session<'a> {
    config: &'a Config,
    global: &'a Global,
    /// Cookies are kept, from one transfer to the next.
    engine: bool,
    jar: Jar,
    /// Cookies that were written out.
    fixed: String,
}

impl Session<'_> {
    async fn complain(&self, t: &mut Tool, problem: &Problem) -> Result<(), Fail> {
        if self.global.silent && !self.global.show_errors {
            return Ok(());
        }
        t.out.flush().await?;
        t.err.put(format!("curl: ({}) {}\n", problem.code, problem.message).as_bytes());
        // Nobody is left to tell when this fails.
        let _ = t.err.flush().await;
        Ok(())
    }

    async fn note(&self, t: &mut Tool, prefix: &str, text: &[u8]) {
        for line in text.lines() {
            t.err.put(prefix.as_bytes());
            t.err.put(line);
            t.err.put(b"\n");
        }
        // Nobody is left to tell when this fails.
        let _ = t.err.flush().await;
    }

    /// One URL, with retries. The number of what went wrong.
    async fn transfer(
        &mut self,
        t: &mut Tool,
        url: &str,
        output: Option<BString>,
        upload: Option<&BString>,
        number: usize,
    ) -> Result<u8, Fail> {
        let began = t.ctx.monotonic();
        let mut report = Report { url: url.to_owned(), number, ..Report::default() };
        let mut left = self.config.retries;
        let mut delay = 1u64;
        let result = loop {
            let result = self.attempt(t, url, output.as_ref(), upload, &mut report).await;
            let problem = match result {
                Err(Trouble::Fail(fail)) => return Err(fail),
                Err(Trouble::Problem(problem)) => Some(problem),
                Ok(()) => None,
            };
            let passing = matches!(report.status, 408 | 429 | 500 | 502 | 503 | 504);
            let again = match &problem {
                _ if passing => true,
                Some(problem) => {
                    matches!(problem.code, 28)
                        || self.config.retry_all
                        || self.config.retry_refused && problem.code == 7
                }
                None => false,
            };
            let waited = t.ctx.monotonic().saturating_sub(began) / 1_000_000_000;
            let in_time = self.config.retry_most_seconds.is_none_or(|most| most == 0 || waited < most);
            if left == 0 || !again || !in_time {
                break problem;
            }
            let asked = http::header(&report.headers, "retry-after")
                .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
            let seconds = asked.or(self.config.retry_delay).unwrap_or(delay);
            if !self.global.silent {
                let what = match &problem {
                    Some(problem) if !passing => problem.message.clone(),
                    _ => "HTTP error".into(),
                };
                let text = format!(
                    "Warning: Problem: {what}. Will retry in {seconds} seconds. {left} retries left."
                );
                self.note(t, "", text.as_bytes()).await;
            }
            t.ctx.sleep(seconds.saturating_mul(1_000_000_000)).await;
            delay = (delay * 2).min(600);
            left -= 1;
            report = Report { url: url.to_owned(), number, retries: report.retries + 1, ..Report::default() };
        };
        report.nanoseconds = t.ctx.monotonic().saturating_sub(began);
        if let Some(problem) = &result {
            (report.code, report.message) = (problem.code, problem.message.clone());
        }
        if !self.global.silent && !self.global.no_meter && !self.config.head {
            let meter = report.meter();
            t.err.put(meter.as_bytes());
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
        }
        if let Some(problem) = &result {
            self.complain(t, problem).await?;
        }
        if let Some(format) = &self.config.write_out {
            let (out, err) = report.write_out(format);
            t.out.put(&out);
            t.out.flush().await?;
            t.err.put(&err);
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
        }
        Ok(report.code)
    }

    fn parse(&self, url: &str) -> Result<Url, Problem> {
        let with_scheme = match &self.config.scheme {
            Some(scheme) if !url.contains("://") => format!("{scheme}://{url}"),
            _ => url.to_owned(),
        };
        let parsed = Url::parse(&with_scheme).map_err(|error| match error {
            crate::http::url::UrlError::NoHost => problem(3, format!("URL rejected: {error}")),
            error => problem(3, error.to_string()),
        })?;
        if !self.config.protocols.allow(&parsed.scheme) {
            let message = format!("Protocol \"{}\" not supported or disabled in libcurl", parsed.scheme);
            return Err(problem(1, message));
        }
        Ok(parsed)
    }

    async fn attempt(
        &mut self,
        t: &mut Tool,
        url: &str,
        output: Option<&BString>,
        upload: Option<&BString>,
        report: &mut Report,
    ) -> Result<(), Trouble> {
        let config = self.config;
        let mut url = self.parse(url)?;
        if config.no_user_in_url && url.user.is_some() {
            return Err(problem(67, "URL rejected: credentials in URL").into());
        }
        let mut sent = self.content(t, &mut url, upload).await?;
        let posts = upload.is_none() && (sent.method == "POST" || !sent.bytes.is_empty());
        let file = self.file_name(output, &url)?;
        let mut sink = Sink { file, output: None, append: false, decoder: None, written: 0 };
        let mut resumed_from = 0;
        if let Some(from) = &config.resume {
            resumed_from = if from == "-" {
                let file = sink.file.as_ref();
                file.and_then(|file| t.ctx.stat(file, true).ok()).map_or(0, |stat| stat.size)
            } else {
                let offset = from.to_str().ok().and_then(|text| text.parse().ok());
                offset.ok_or_else(|| problem(2, "option -C: expected a proper numerical parameter"))?
            };
            sink.append = true;
        }
        let origin = url.clone();
        let mut followed = 0u64;
        let mut previous: Option<String> = None;
        let began = t.ctx.monotonic();
        loop {
            let request = self.request(t, &url, &origin, &sent, resumed_from, previous.as_deref()).await?;
            report.effective = url.request_form();
            report.method = request.method.clone();
            report.uploaded = request.body.len() as u64;
            if self.global.verbose {
                let mut text = format!("{} {}", request.method, url.path);
                if let Some(query) = &url.query {
                    text.push_str(&format!("?{query}"));
                }
                text.push_str(&format!(" HTTP/1.1\nHost: {}\n", url.authority()));
                for header in &request.headers {
                    text.push_str(&format!("{}: {}\n", header.name, header.value.to_str_lossy()));
                }
                text.push_str(" \n");
                self.note(t, "> ", text.as_bytes()).await;
            }
            let exchange = http::exchange(&t.ctx, request.clone()).await;
            let spent = t.ctx.monotonic().saturating_sub(began);
            let mut exchange =
                exchange.map_err(|error| Problem::of(error, &url, &request, spent / 1_000_000))?;
            report.start_nanoseconds = spent;
            let head = http::head_text(&exchange.head);
            report.status = exchange.head.status;
            report.headers = exchange.head.headers.clone();
            report.header_bytes += head.len() as u64;
            if self.engine {
                let now = t.ctx.now().seconds;
                for header in &exchange.head.headers {
                    if header.name.eq_ignore_ascii_case("set-cookie") {
                        self.jar.set(&header.value, &url, now, true);
                    }
                }
            }
            if self.global.verbose {
                self.note(t, "< ", &head).await;
            }
            if let Some(file) = &config.dump_header {
                if file == "-" {
                    t.out.put(&head);
                } else if let Ok(mut output) = t.ctx.create_output(file, followed > 0).await {
                    output.put(&head);
                    output.flush().await?;
                }
            }
            let next = match exchange.location() {
                Some(location) => Some(url.join(&location).map_err(|error| problem(3, error.to_string()))?),
                None => None,
            };
            if let Some(next) = &next {
                report.redirect_url = next.request_form();
            }
            if let (Some(next), true) = (next, config.follow) {
                let most = config.most_redirects.unwrap_or(50);
                if followed >= most {
                    return Err(problem(47, format!("Maximum ({most}) redirects followed")).into());
                }
                if !config.redirected.allow(&next.scheme) {
                    let message =
                        format!("Protocol \"{}\" not supported or disabled in libcurl", next.scheme);
                    return Err(problem(1, message).into());
                }
                if config.include || config.head {
                    sink.open(t, config).await?;
                    sink.write(t, &head).await?;
                }
                while exchange.chunk().await.ok().flatten().is_some() {}
                let keeps = match report.status {
                    301 => config.keep_post[0],
                    302 => config.keep_post[1],
                    303 => config.keep_post[2],
                    _ => true,
                };
                if !keeps && (posts || report.status == 303 && sent.method != "HEAD") {
                    // A method that was named stays.
                    if config.method.is_none() {
                        sent.method = "GET".into();
                    }
                    (sent.bytes, sent.kind) = (Vec::new(), None);
                }
                followed += 1;
                report.redirects += 1;
                report.redirect_url.clear();
                previous = Some(url.request_form());
                url = next;
                continue;
            }
            return self
                .receive(t, exchange, &head, &mut sink, &url, output.is_none(), resumed_from, report)
                .await;
        }
    }

    /// The body of the last response.
    #[expect(clippy::too_many_arguments, reason = "a part of the function above")]
    async fn receive(
        &mut self,
        t: &mut Tool,
        mut exchange: Exchange,
        head: &[u8],
        sink: &mut Sink,
        url: &Url,
        remote_name: bool,
        resumed_from: u64,
        report: &mut Report,
    ) -> Result<(), Trouble> {
        let config = self.config;
        let status = exchange.head.status;
        let refused = status >= 400;
        let failure = || problem(22, format!("The requested URL returned error: {status}"));
        if refused && config.fail {
            return Err(failure().into());
        }
        if resumed_from > 0 && !refused && status != 206 {
            let message = "HTTP server doesn't seem to support byte ranges. Cannot resume.";
            return Err(problem(33, message).into());
        }
        if status == 416 && resumed_from > 0 {
            // All of it is there already.
            return Ok(());
        }
        if config.header_name
            && remote_name
            && let Some(name) = exchange.header("content-disposition").and_then(http::disposition_name)
        {
            sink.file = Some(self.place(name.as_bytes()));
        }
        if let Some(file) = sink.file.clone() {
            report.file = file.to_string();
            if config.no_clobber {
                let mut free = file.clone();
                let mut count = 1;
                while t.ctx.stat(&free, false).is_ok() {
                    free = format!("{file}.{count}").into();
                    count += 1;
                }
                sink.file = Some(free);
            }
        }
        let stated =
            exchange.header("content-length").and_then(|text| text.to_str().ok()?.parse::<u64>().ok());
        if config.most_bytes.is_some_and(|most| stated.is_some_and(|size| size > most)) && !config.head {
            return Err(problem(63, "Maximum file size exceeded").into());
        }
        sink.open(t, config).await?;
        if config.include || config.head {
            sink.write(t, head).await?;
        }
        if config.compressed {
            let coding = exchange.header("content-encoding").unwrap_or_default().to_ascii_lowercase();
            sink.decoder = match &coding[..] {
                b"gzip" | b"x-gzip" => {
                    Some(Decoder::Gzip(Box::new(flate2::write::MultiGzDecoder::new(Vec::new()))))
                }
                b"deflate" => Some(Decoder::Deflate(Box::new(flate2::write::ZlibDecoder::new(Vec::new())))),
                _ => None,
            };
        }
        let unchanged = self.is_unchanged(t, &exchange);
        let mut first = true;
        loop {
            let chunk = match exchange.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) => {
                    if config.remove_on_error
                        && let Some(file) = &sink.file
                    {
                        sink.output = None;
                        let _ = t.ctx.remove_file(file);
                    }
                    let problem = match error {
                        FetchError::TimedOut => problem(
                            28,
                            format!("Operation timed out with {} bytes received", report.downloaded),
                        ),
                        FetchError::TooLarge(_) => problem(63, "Maximum file size exceeded"),
                        error => problem(18, format!("transfer closed: {error}")),
                    };
                    return Err(problem.into());
                }
            };
            if std::mem::take(&mut first) && sink.decoder.is_some() {
                // The host may have unpacked it already.
                let packed = matches!(&chunk[..], [0x1f, 0x8b, ..] | [0x78, ..] | [0x1f]);
                if !packed {
                    sink.decoder = None;
                }
            }
            if config.head {
                continue;
            }
            report.downloaded += chunk.len() as u64;
            if config.most_bytes.is_some_and(|most| report.downloaded > most) {
                return Err(problem(63, "Maximum file size exceeded").into());
            }
            if unchanged {
                continue;
            }
            let chunk = match &mut sink.decoder {
                Some(decoder) => decoder.feed(&chunk).map_err(|error| {
                    problem(61, format!("Error while processing content unencoding: {error}"))
                })?,
                None => chunk,
            };
            sink.written += chunk.len() as u64;
            sink.write(t, &chunk).await?;
        }
        if let Some(decoder) = sink.decoder.take() {
            let rest = decoder.finish().map_err(|error| {
                problem(61, format!("Error while processing content unencoding: {error}"))
            })?;
            sink.written += rest.len() as u64;
            sink.write(t, &rest).await?;
        }
        if let Some(mut output) = sink.output.take() {
            output.flush().await?;
        }
        if config.remote_time
            && let (Some(file), Some(time)) = (&sink.file, exchange.header("last-modified"))
            && let Some(time) = crate::date_parse::parse(time, t.ctx.now(), &jiff::tz::TimeZone::UTC)
        {
            let _ = t.ctx.set_times(file, NewTime::At(time), NewTime::At(time), true);
        }
        if self.global.verbose {
            self.note(t, "* ", format!("Connection #0 to host {} left intact", url.host).as_bytes()).await;
        }
        if refused && config.fail_with_body {
            return Err(failure().into());
        }
        Ok(())
    }

    /// The time that `-z` names; the second value: whether the document must be older.
    fn condition(&self, t: &Tool) -> Option<(wasmsh_os::Timestamp, bool)> {
        let text = self.config.time_condition.as_ref()?;
        let (older, text) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix(b"+").unwrap_or(text)),
        };
        let date = crate::date_parse::parse(text, t.ctx.now(), &crate::time::zone(&t.ctx));
        let time = date.or_else(|| t.ctx.stat(text, true).ok().map(|stat| stat.modified))?;
        Some((time, older))
    }

    /// Whether the server has sent what `-z` does not want.
    fn is_unchanged(&self, t: &Tool, exchange: &Exchange) -> bool {
        let Some((time, older)) = self.condition(t) else { return false };
        let modified = exchange
            .header("last-modified")
            .and_then(|text| crate::date_parse::parse(text, t.ctx.now(), &jiff::tz::TimeZone::UTC));
        modified.is_some_and(|modified| if older { modified >= time } else { modified <= time })
    }

    fn place(&self, name: &[u8]) -> BString {
        match &self.config.output_dir {
            Some(directory) => join(directory, name),
            None => name.into(),
        }
    }

    fn file_name(&self, output: Option<&BString>, url: &Url) -> Result<Option<BString>, Problem> {
        match output {
            Some(name) if name == "-" => Ok(None),
            Some(name) => Ok(Some(self.place(name))),
            None => match url.file_name() {
                "" => Err(problem(23, "Remote file name has no length")),
                name => Ok(Some(self.place(name.as_bytes()))),
            },
        }
    }
}
