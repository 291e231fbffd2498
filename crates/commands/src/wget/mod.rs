//! `wget`: fetches files. The host carries the exchanges out, if its policy lets it.

mod session;

use bstr::{BString, ByteSlice};
use wasmsh_os::Output;

use crate::http::cookies::Jar;
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

/// What only whoever makes the connection could do; the result is the same without.
const HINTS: &[&str] =
    &["progress", "show-progress", "connect-timeout", "dns-timeout", "4", "6", "limit-rate"];

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
const AUTHENTICATION: u8 = 6;
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
    /// Milliseconds that a new try waits for at most; each waits a second longer.
    wait_retry: u64,
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
        wait_retry: 10_000,
        host_directories: true,
        most_redirects: 20,
        cookies: true,
        ..Plan::default()
    };
    let mut talk = Talk::All;
    let mut log: Option<(BString, bool)> = None;
    let mut list: Option<BString> = None;
    let mut hints = Vec::new();
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
            "waitretry" => plan.wait_retry = u64::from(seconds(&value, "waitretry")?),
            hint if HINTS.contains(&hint) => hints.push(hint),
            // There is nothing of these that could be left out.
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
            if talk != Talk::Nothing {
                t.err.put(format!("{text}\n").as_bytes());
            }
            // What is told is all that comes of it.
            return Ok(());
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
    if talk != Talk::Nothing {
        for hint in hints {
            let dashes = if hint.len() == 1 { "-" } else { "--" };
            t.warn(format!("{dashes}{hint} has no effect here: the host makes the connection")).await?;
        }
    }
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
