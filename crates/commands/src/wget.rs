//! `wget`: fetches files. The host carries the exchanges out, if its policy lets it.

use bstr::{BString, ByteSlice};
use wasmsh_os::{FetchError, Header, HttpRequest, NewTime, Output};

use crate::http::cookies::Jar;
use crate::http::url::{Url, percent_decode};
use crate::http::{self, Exchange};
use crate::path::join;
use crate::time::{Moment, zone};
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("V", ""),
    Opt::flag("h", ""),
    Opt::value("o,output-file", "FILE", "log messages to FILE"),
    Opt::value("a,append-output", "FILE", "append messages to FILE"),
    Opt::flag("q,quiet", "quiet (no output)"),
    Opt::flag("v,verbose", "be verbose (this is the default)"),
    Opt::flag("nv,no-verbose", "turn off verboseness, without being quiet"),
    Opt::value("i,input-file", "FILE", "download URLs found in local or external FILE"),
    Opt::value("t,tries", "NUMBER", "set number of retries to NUMBER (0 unlimits)"),
    Opt::flag("retry-connrefused", "retry even if connection is refused"),
    Opt::value("O,output-document", "FILE", "write documents to FILE"),
    Opt::flag("nc,no-clobber", "skip downloads that would download to existing files"),
    Opt::flag("c,continue", "resume getting a partially-downloaded file"),
    Opt::value("start-pos", "OFFSET", "start downloading from zero-based position OFFSET"),
    Opt::value("progress", "TYPE", "select progress gauge type"),
    Opt::flag("show-progress", "display the progress bar in any verbosity mode"),
    Opt::flag("N,timestamping", "don't re-retrieve files unless newer than local"),
    Opt::flag("no-use-server-timestamps", "don't set the local file's timestamp by the one on the server"),
    Opt::flag("S,server-response", "print server response"),
    Opt::flag("spider", "don't download anything"),
    Opt::value("T,timeout", "SECONDS", "set all timeout values to SECONDS"),
    Opt::value("connect-timeout", "SECONDS", "set the connect timeout to SECONDS"),
    Opt::value("read-timeout", "SECONDS", "set the read timeout to SECONDS"),
    Opt::value("dns-timeout", "SECONDS", ""),
    Opt::value("w,wait", "SECONDS", "wait SECONDS between retrievals"),
    Opt::value("waitretry", "SECONDS", "wait 1..SECONDS between retries of a retrieval"),
    Opt::flag("4,inet4-only", ""),
    Opt::flag("6,inet6-only", ""),
    Opt::value("user", "USER", "set both ftp and http user to USER"),
    Opt::value("password", "PASS", "set both ftp and http password to PASS"),
    Opt::value("http-user", "USER", ""),
    Opt::value("http-password", "PASS", ""),
    Opt::flag("nd,no-directories", "don't create directories"),
    Opt::flag("x,force-directories", "force creation of directories"),
    Opt::flag("nH,no-host-directories", "don't create host directories"),
    Opt::value("P,directory-prefix", "PREFIX", "save files to PREFIX/.."),
    Opt::value("header", "STRING", "insert STRING among the headers"),
    Opt::value("max-redirect", "NUM", "maximum redirections allowed per page"),
    Opt::value("referer", "URL", "include 'Referer: URL' header in HTTP request"),
    Opt::flag("save-headers", "save the HTTP headers to file"),
    Opt::value("U,user-agent", "AGENT", "identify as AGENT instead of Wget/VERSION"),
    Opt::flag("no-cookies", "don't use cookies"),
    Opt::value("load-cookies", "FILE", "load cookies from FILE before session"),
    Opt::value("save-cookies", "FILE", "save cookies to FILE after session"),
    Opt::flag("keep-session-cookies", "load and save session (non-permanent) cookies"),
    Opt::value("post-data", "STRING", "use the POST method; send STRING as the data"),
    Opt::value("post-file", "FILE", "use the POST method; send contents of FILE"),
    Opt::value("method", "HTTPMethod", "use method \"HTTPMethod\" in the request"),
    Opt::value("body-data", "STRING", "send STRING as data. --method MUST be set"),
    Opt::value("body-file", "FILE", "send contents of FILE. --method MUST be set"),
    Opt::flag("content-disposition", "honor the Content-Disposition header"),
    Opt::flag("content-on-error", "output the received content on server errors"),
    Opt::flag("trust-server-names", "use the name specified by the redirection URL's last component"),
    Opt::flag("no-cache", "disallow server-cached data"),
    Opt::flag("no-http-keep-alive", ""),
    Opt::flag("no-hsts", ""),
    Opt::flag("no-proxy", ""),
    Opt::flag("no-dns-cache", ""),
    Opt::flag("b,background", ""),
    Opt::flag("r,recursive", ""),
    Opt::flag("m,mirror", ""),
    Opt::flag("p,page-requisites", ""),
    Opt::flag("k,convert-links", ""),
    Opt::flag("no-check-certificate", ""),
    Opt::value("l,level", "NUMBER", ""),
    Opt::value("e,execute", "COMMAND", ""),
    Opt::value("ca-certificate", "FILE", ""),
    Opt::value("certificate", "FILE", ""),
    Opt::value("private-key", "FILE", ""),
    Opt::value("bind-address", "ADDRESS", ""),
    Opt::value("limit-rate", "RATE", ""),
];

/// What a sandbox cannot give.
const REFUSED: &[&str] = &[
    "b",
    "r",
    "m",
    "p",
    "k",
    "l",
    "e",
    "no-check-certificate",
    "ca-certificate",
    "certificate",
    "private-key",
    "bind-address",
];

pub(crate) static COMMAND: Command = Command {
    name: "wget",
    usage: &["[OPTION]... [URL]..."],
    about: "GNU Wget, a non-interactive network retriever.\n\
            The host carries the exchanges out, and its policy says which are allowed.",
    options: OPTIONS,
    more: "",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Statuses of wget.
const GENERIC: u8 = 1;
const FILE_ERROR: u8 = 3;
const NETWORK: u8 = 4;
const TLS: u8 = 5;
const SERVER: u8 = 8;

#[derive(Default)]
struct Plan {
    document: Option<BString>,
    prefix: Option<BString>,
    no_clobber: bool,
    resume: bool,
    start: Option<u64>,
    timestamping: bool,
    keep_time: bool,
    show_response: bool,
    spider: bool,
    milliseconds: Option<u32>,
    tries: u64,
    retry_refused: bool,
    wait: u64,
    user: Option<BString>,
    password: Option<BString>,
    directories: bool,
    host_directories: bool,
    headers: Vec<BString>,
    most_redirects: u64,
    referer: Option<BString>,
    agent: Option<BString>,
    save_headers: bool,
    cookies: bool,
    method: Option<String>,
    body: Option<Vec<u8>>,
    disposition: bool,
    content_on_error: bool,
    trust_names: bool,
    no_cache: bool,
}

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Talk {
    Nothing,
    Little,
    All,
}

struct Session {
    plan: Plan,
    talk: Talk,
    jar: Jar,
    log: Output,
    /// The one file of `-O`, and whether it has something.
    document: Option<Output>,
    files: u64,
    bytes: u64,
}

/// `-nc` and the like are clusters that wget reads as one.
fn joined(arguments: Vec<BString>) -> Vec<BString> {
    let mut out = Vec::new();
    let mut options = true;
    for word in arguments {
        options &= word != "--";
        let long = match &word[..] {
            b"-nv" => "--no-verbose",
            b"-nc" => "--no-clobber",
            b"-nd" => "--no-directories",
            b"-nH" => "--no-host-directories",
            b"-np" => continue,
            _ => {
                out.push(word);
                continue;
            }
        };
        out.push(if options { long.into() } else { word });
    }
    out
}

fn seconds(text: &[u8], name: &str) -> Result<u32, Fail> {
    let value: Option<f64> = text.to_str().ok().and_then(|text| text.trim_end_matches('s').parse().ok());
    match value {
        Some(value) if value.is_finite() && value >= 0.0 => Ok((value * 1000.0).min(4e9) as u32),
        _ => {
            let text = format!("--{name}: Invalid time period ‘{}’", text.as_bstr());
            Err(Fail::Bare(format!("wget: {text}"), 2))
        }
    }
}

fn number(text: &[u8], name: &str) -> Result<u64, Fail> {
    let text = text.as_bstr();
    if text == "inf" {
        return Ok(0);
    }
    let value = text.to_str().ok().and_then(|text| text.parse().ok());
    value.ok_or_else(|| Fail::Bare(format!("wget: {name}: Invalid number ‘{text}’."), 2))
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        keep_time: true,
        tries: 20,
        host_directories: true,
        most_redirects: 20,
        cookies: true,
        ..Plan::default()
    };
    let mut talk = Talk::All;
    let mut log: Option<(BString, bool)> = None;
    let mut list: Option<BString> = None;
    let (mut load, mut save, mut keep_session) = (Vec::new(), None, false);
    let mut options = t.options_of(joined(t.arguments()));
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        if REFUSED.contains(&name) {
            let shown = if name.len() == 1 { format!("-{name}") } else { format!("--{name}") };
            let text = "not available here: the host makes the connections, and decides how";
            return Err(Fail::Bare(format!("wget: option ‘{shown}’: {text}"), GENERIC));
        }
        match name {
            "V" => return Err(Fail::Version),
            "h" => return Err(Fail::Help),
            "o" => log = Some((value, false)),
            "a" => log = Some((value, true)),
            "q" => talk = Talk::Nothing,
            "v" => talk = Talk::All,
            "nv" => talk = Talk::Little,
            "i" => list = Some(value),
            "t" => plan.tries = number(&value, "tries")?,
            "retry-connrefused" => plan.retry_refused = true,
            "O" => plan.document = Some(value),
            "nc" => plan.no_clobber = true,
            "c" => plan.resume = true,
            "start-pos" => plan.start = Some(number(&value, "start-pos")?),
            "N" => plan.timestamping = true,
            "no-use-server-timestamps" => plan.keep_time = false,
            "S" => plan.show_response = true,
            "spider" => plan.spider = true,
            "T" | "read-timeout" => {
                plan.milliseconds = Some(seconds(&value, "timeout")?).filter(|time| *time > 0);
            }
            "w" => plan.wait = u64::from(seconds(&value, "wait")?),
            "user" | "http-user" => plan.user = Some(value),
            "password" | "http-password" => plan.password = Some(value),
            "x" => plan.directories = true,
            "nd" => plan.directories = false,
            "nH" => plan.host_directories = false,
            "P" => plan.prefix = Some(value),
            "header" => plan.headers.push(value),
            "max-redirect" => plan.most_redirects = number(&value, "max-redirect")?,
            "referer" => plan.referer = Some(value),
            "save-headers" => plan.save_headers = true,
            "U" => plan.agent = Some(value),
            "no-cookies" => plan.cookies = false,
            "load-cookies" => load.push(value),
            "save-cookies" => save = Some(value),
            "keep-session-cookies" => keep_session = true,
            "post-data" => {
                plan.method = Some("POST".into());
                plan.body = Some(value.into());
            }
            "post-file" | "body-file" => {
                if name == "post-file" {
                    plan.method = Some("POST".into());
                }
                let mut text = Vec::new();
                let wrong = |error: wasmsh_os::Errno| {
                    Fail::Bare(format!("BODY data file ‘{value}’ missing: {}", error.strerror()), FILE_ERROR)
                };
                t.open(&value).await.map_err(wrong)?.read_to_end(&mut text).await.map_err(wrong)?;
                plan.body = Some(text);
            }
            "body-data" => plan.body = Some(value.into()),
            "method" => plan.method = Some(value.to_str_lossy().to_ascii_uppercase()),
            "content-disposition" => plan.disposition = true,
            "content-on-error" => plan.content_on_error = true,
            "trust-server-names" => plan.trust_names = true,
            "no-cache" => plan.no_cache = true,
            _ => {}
        }
    }
    let mut urls: Vec<String> =
        options.operands().iter().map(|word| word.to_str_lossy().into_owned()).collect();
    if let Some(list) = &list {
        let mut text = Vec::new();
        let result = match t.open(list).await {
            Ok(mut input) => input.read_to_end(&mut text).await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            let text = format!("{list}: {}\nNo URLs found in {list}.", error.strerror());
            return Err(Fail::Bare(text, GENERIC));
        }
        let lines = text.lines().map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        urls.extend(lines.map(|line| line.to_str_lossy().into_owned()));
    }
    if urls.is_empty() {
        let text =
            "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.";
        return Err(Fail::Bare(text.into(), GENERIC));
    }
    if plan.body.is_some() && plan.method.is_none() {
        let text =
            "You must specify a method through --method=HTTPMethod to use with --body-data or --body-file.";
        return Err(Fail::Bare(text.into(), 2));
    }
    let log = match log {
        None => t.ctx.stderr(),
        Some((file, append)) => match t.ctx.create_output(&file, append).await {
            Ok(output) => output,
            Err(error) => return Err(Fail::Bare(format!("{file}: {}", error.strerror()), GENERIC)),
        },
    };
    let mut session = Session { plan, talk, jar: Jar::default(), log, document: None, files: 0, bytes: 0 };
    for file in load {
        if let Ok(text) = t.ctx.read_file(&file).await {
            session.jar.read(&text);
        }
    }
    if let Some(file) = session.plan.document.clone()
        && !session.plan.spider
    {
        let opened = if file == "-" {
            Ok(t.ctx.stdout())
        } else {
            t.ctx.create_output(&file, session.plan.resume).await
        };
        match opened {
            Ok(output) => session.document = Some(output),
            Err(error) => return Err(Fail::Bare(format!("{file}: {}", error.strerror()), GENERIC)),
        }
    }
    let mut status = 0;
    for (index, url) in urls.iter().enumerate() {
        if index > 0 && session.plan.wait > 0 {
            t.ctx.sleep(session.plan.wait * 1_000_000).await;
        }
        let one = session.get(t, url).await?;
        // The least number is the gravest, but for 0.
        status = if status == 0 || one != 0 && one < status { one } else { status };
    }
    if let Some(mut document) = session.document.take() {
        document.flush().await?;
    }
    if let Some(file) = save {
        if !keep_session {
            session.jar.begin_session();
        }
        if let Ok(mut output) = t.ctx.create_output(&file, false).await {
            output.put(session.jar.text().as_bytes());
            output.flush().await?;
        }
    }
    if session.files > 1 {
        let now = session.now(t, b"%Y-%m-%d %H:%M:%S");
        let text = format!(
            "FINISHED --{now}--\nDownloaded: {} files, {} in 0s\n",
            session.files,
            human(session.bytes)
        );
        session.say(Talk::All, &text).await;
    }
    // Nobody is left to tell when this fails.
    let _ = session.log.flush().await;
    t.status = status;
    Ok(())
}

fn human(bytes: u64) -> String {
    match bytes {
        0..1024 => bytes.to_string(),
        1024..1_048_576 => format!("{:.1}K", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1}M", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1}G", bytes as f64 / 1_073_741_824.0),
    }
}

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
    async fn say(&mut self, least: Talk, text: &str) {
        if self.talk >= least {
            self.log.put(text.as_bytes());
            // Nobody is left to tell when this fails.
            let _ = self.log.flush().await;
        }
    }

    fn now(&self, t: &Tool, format: &[u8]) -> String {
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
    async fn get(&mut self, t: &mut Tool, text: &str) -> Result<u8, Fail> {
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
            t.ctx.sleep(attempt.min(10) * 1_000_000_000).await;
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
                        self.jar.set(&header.value, &url, now);
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
            return Ok((SERVER, false));
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
