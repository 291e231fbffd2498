//! The command line of `curl`, and its configuration files.

use std::collections::VecDeque;

use bstr::{BString, ByteSlice};

use super::body::{Data, Part};
use crate::{Fail, Tool};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A switch, which `--no-NAME` turns off.
    Flag,
    Value,
    /// A switch that asks for what is so anyway, or for an order in time that nobody can see.
    Idle,
    /// As that, with an argument.
    IdleValue,
    /// What only whoever makes the connection could do; the result is the same without. It is told.
    Hint,
    HintValue,
    /// What a sandbox cannot give.
    Refused,
    RefusedValue,
}

use Kind::{Flag, Hint, HintValue, Idle, IdleValue, Refused, RefusedValue, Value};

/// Short and long names.
const OPTIONS: &[(char, &str, Kind)] = &[
    ('A', "user-agent", Value),
    ('b', "cookie", Value),
    ('c', "cookie-jar", Value),
    ('C', "continue-at", Value),
    ('d', "data", Value),
    ('D', "dump-header", Value),
    ('e', "referer", Value),
    ('f', "fail", Flag),
    ('F', "form", Value),
    ('g', "globoff", Flag),
    ('G', "get", Flag),
    ('h', "help", Flag),
    ('H', "header", Value),
    ('i', "include", Flag),
    ('I', "head", Flag),
    ('j', "junk-session-cookies", Flag),
    ('J', "remote-header-name", Flag),
    ('K', "config", Value),
    ('L', "location", Flag),
    ('m', "max-time", Value),
    ('M', "manual", Refused),
    ('n', "netrc", Flag),
    ('N', "no-buffer", Idle),
    ('o', "output", Value),
    ('O', "remote-name", Flag),
    ('q', "disable", Flag),
    ('r', "range", Value),
    ('R', "remote-time", Flag),
    ('s', "silent", Flag),
    ('S', "show-error", Flag),
    ('T', "upload-file", Value),
    ('u', "user", Value),
    ('v', "verbose", Flag),
    ('V', "version", Flag),
    ('w', "write-out", Value),
    ('X', "request", Value),
    ('z', "time-cond", Value),
    ('Z', "parallel", Idle),
    ('0', "http1.0", Hint),
    ('4', "ipv4", Hint),
    ('6', "ipv6", Hint),
    ('#', "progress-bar", Flag),
    (':', "next", Flag),
    ('a', "append", Refused),
    ('B', "use-ascii", Refused),
    ('E', "cert", RefusedValue),
    ('k', "insecure", Refused),
    ('l', "list-only", Refused),
    ('p', "proxytunnel", Refused),
    ('P', "ftp-port", RefusedValue),
    ('Q', "quote", RefusedValue),
    ('t', "telnet-option", RefusedValue),
    ('U', "proxy-user", RefusedValue),
    ('x', "proxy", RefusedValue),
    ('y', "speed-time", HintValue),
    ('Y', "speed-limit", HintValue),
    ('\0', "basic", Idle),
    ('\0', "compressed", Flag),
    ('\0', "connect-timeout", HintValue),
    ('\0', "create-dirs", Flag),
    ('\0', "create-file-mode", IdleValue),
    ('\0', "data-ascii", Value),
    ('\0', "data-binary", Value),
    ('\0', "data-raw", Value),
    ('\0', "data-urlencode", Value),
    ('\0', "disallow-username-in-url", Flag),
    ('\0', "expect100-timeout", HintValue),
    ('\0', "fail-early", Flag),
    ('\0', "fail-with-body", Flag),
    ('\0', "form-escape", Refused),
    ('\0', "form-string", Value),
    ('\0', "http1.1", Hint),
    ('\0', "http2", Hint),
    ('\0', "http2-prior-knowledge", Hint),
    ('\0', "http3", Hint),
    ('\0', "json", Value),
    ('\0', "keepalive-time", HintValue),
    ('\0', "limit-rate", HintValue),
    ('\0', "location-trusted", Flag),
    ('\0', "max-filesize", Value),
    ('\0', "max-redirs", Value),
    ('\0', "netrc-file", Value),
    ('\0', "netrc-optional", Flag),
    ('\0', "no-clobber", Flag),
    ('\0', "oauth2-bearer", Value),
    ('\0', "output-dir", Value),
    ('\0', "parallel-immediate", Idle),
    ('\0', "parallel-max", IdleValue),
    ('\0', "path-as-is", Refused),
    ('\0', "post301", Flag),
    ('\0', "post302", Flag),
    ('\0', "post303", Flag),
    ('\0', "progress-meter", Flag),
    ('\0', "proto", Value),
    ('\0', "proto-default", Value),
    ('\0', "proto-redir", Value),
    ('\0', "raw", Hint),
    ('\0', "remove-on-error", Flag),
    ('\0', "remote-name-all", Flag),
    ('\0', "retry", Value),
    ('\0', "retry-all-errors", Flag),
    ('\0', "retry-connrefused", Flag),
    ('\0', "retry-delay", Value),
    ('\0', "retry-max-time", Value),
    ('\0', "ssl", Idle),
    ('\0', "ssl-reqd", Idle),
    ('\0', "stderr", Value),
    ('\0', "styled-output", Idle),
    ('\0', "tcp-nodelay", Idle),
    ('\0', "tcp-fastopen", Hint),
    ('\0', "tlsv1", Idle),
    ('\0', "tlsv1.2", Idle),
    ('\0', "tlsv1.3", Hint),
    ('\0', "tr-encoding", Hint),
    ('\0', "url", Value),
    ('\0', "url-query", Value),
    ('\0', "keepalive", Idle),
    ('\0', "buffer", Idle),
    ('\0', "alpn", Idle),
    ('\0', "sessionid", Idle),
    ('\0', "clobber", Idle),
    ('\0', "abstract-unix-socket", RefusedValue),
    ('\0', "alt-svc", RefusedValue),
    ('\0', "anyauth", Refused),
    ('\0', "aws-sigv4", RefusedValue),
    ('\0', "cacert", RefusedValue),
    ('\0', "capath", RefusedValue),
    ('\0', "cert-type", RefusedValue),
    ('\0', "ciphers", RefusedValue),
    ('\0', "connect-to", RefusedValue),
    ('\0', "crlfile", RefusedValue),
    ('\0', "digest", Refused),
    ('\0', "dns-servers", RefusedValue),
    ('\0', "doh-url", RefusedValue),
    ('\0', "hsts", RefusedValue),
    ('\0', "interface", RefusedValue),
    ('\0', "key", RefusedValue),
    ('\0', "key-type", RefusedValue),
    ('\0', "local-port", RefusedValue),
    ('\0', "mail-from", RefusedValue),
    ('\0', "mail-rcpt", RefusedValue),
    ('\0', "negotiate", Refused),
    ('\0', "noproxy", RefusedValue),
    ('\0', "ntlm", Refused),
    ('\0', "pass", RefusedValue),
    ('\0', "preproxy", RefusedValue),
    ('\0', "proxy-header", RefusedValue),
    ('\0', "request-target", RefusedValue),
    ('\0', "resolve", RefusedValue),
    ('\0', "socks4", RefusedValue),
    ('\0', "socks4a", RefusedValue),
    ('\0', "socks5", RefusedValue),
    ('\0', "socks5-hostname", RefusedValue),
    ('\0', "trace", RefusedValue),
    ('\0', "trace-ascii", RefusedValue),
    ('\0', "unix-socket", RefusedValue),
];

/// What is asked for, up to `--next`.
#[derive(Default, Clone)]
pub(super) struct Config {
    pub(super) urls: Vec<String>,
    /// Where the bodies go, in the order of the URLs; `None`: the remote name.
    pub(super) outputs: Vec<Option<BString>>,
    pub(super) remote_names: bool,
    pub(super) uploads: Vec<BString>,
    pub(super) headers: Vec<BString>,
    pub(super) data: Vec<Data>,
    pub(super) json: bool,
    pub(super) form: Vec<Part>,
    pub(super) url_query: Vec<BString>,
    pub(super) method: Option<String>,
    pub(super) agent: Option<BString>,
    pub(super) referer: Option<String>,
    pub(super) user: Option<BString>,
    pub(super) bearer: Option<BString>,
    pub(super) cookies: Vec<BString>,
    pub(super) cookie_jar: Option<BString>,
    pub(super) junk_session: bool,
    pub(super) range: Option<String>,
    pub(super) resume: Option<BString>,
    pub(super) time_condition: Option<BString>,
    pub(super) write_out: Option<Vec<u8>>,
    pub(super) dump_header: Option<BString>,
    pub(super) output_dir: Option<BString>,
    pub(super) create_dirs: bool,
    pub(super) no_clobber: bool,
    pub(super) remove_on_error: bool,
    pub(super) remote_time: bool,
    pub(super) header_name: bool,
    pub(super) get: bool,
    pub(super) head: bool,
    pub(super) include: bool,
    pub(super) follow: bool,
    pub(super) trusted: bool,
    pub(super) keep_post: [bool; 3],
    pub(super) most_redirects: Option<u64>,
    pub(super) fail: bool,
    pub(super) fail_with_body: bool,
    pub(super) compressed: bool,
    pub(super) netrc: bool,
    pub(super) netrc_file: Option<BString>,
    pub(super) no_user_in_url: bool,
    pub(super) milliseconds: Option<u32>,
    pub(super) most_bytes: Option<u64>,
    pub(super) retries: u32,
    pub(super) retry_all: bool,
    pub(super) retry_refused: bool,
    pub(super) retry_delay: Option<u64>,
    pub(super) retry_most_seconds: Option<u64>,
    pub(super) glob_off: bool,
    pub(super) scheme: Option<String>,
    pub(super) protocols: Protocols,
    /// Those of `--proto-redir`.
    pub(super) redirected: Protocols,
}

/// The protocols that may be used.
#[derive(Clone, Copy)]
pub(super) struct Protocols {
    http: bool,
    https: bool,
}

impl Default for Protocols {
    fn default() -> Protocols {
        Protocols { http: true, https: true }
    }
}

impl Protocols {
    pub(super) fn allow(self, scheme: &str) -> bool {
        match scheme {
            "http" => self.http,
            "https" => self.https,
            _ => false,
        }
    }

    /// As a list says it: each name adds, with `-` takes away, with `=` stands alone.
    fn change(&mut self, list: &str) {
        for word in list.split(',') {
            let (sign, name) = match word.strip_prefix(['+', '-', '=']) {
                Some(name) => (word.get(..1).unwrap_or_default(), name),
                None => ("+", word),
            };
            if sign == "=" {
                *self = Protocols { http: false, https: false };
            }
            if matches!(name, "all" | "http") {
                self.http = sign != "-";
            }
            if matches!(name, "all" | "https") {
                self.https = sign != "-";
            }
        }
    }
}

/// What holds for everything.
#[derive(Default)]
pub(super) struct Global {
    pub(super) silent: bool,
    pub(super) show_errors: bool,
    pub(super) no_meter: bool,
    pub(super) verbose: bool,
    pub(super) fail_early: bool,
    pub(super) stderr: Option<BString>,
    /// Files of `-d` that cannot be read.
    pub(super) missing: Vec<BString>,
    /// Options that only whoever makes the connections could follow.
    pub(super) hints: Vec<&'static str>,
}

/// The command line.
pub(super) struct Arguments {
    pub(super) configs: Vec<Config>,
    pub(super) global: Global,
}

fn usage(message: &str) -> Fail {
    Fail::Bare(format!("curl: {message}\ncurl: try 'curl --help' or 'curl --manual' for more information"), 2)
}

fn refused(name: &str) -> Fail {
    Fail::Bare(
        format!("curl: option {name}: not available here: the host makes the connections, and decides how"),
        4,
    )
}

fn number(option: &str, text: &[u8]) -> Result<u64, Fail> {
    let value = text.to_str().ok().and_then(|text| text.trim().parse().ok());
    value.ok_or_else(|| usage(&format!("option {option}: expected a proper numerical parameter")))
}

fn seconds(option: &str, text: &[u8]) -> Result<u32, Fail> {
    let value: Option<f64> = text.to_str().ok().and_then(|text| text.trim().parse().ok());
    match value {
        Some(value) if value.is_finite() && value >= 0.0 => Ok((value * 1000.0).min(4e9) as u32),
        _ => Err(usage(&format!("option {option}: expected a proper numerical parameter"))),
    }
}

/// Bytes, perhaps with `k`, `M` or `G`.
fn size(option: &str, text: &[u8]) -> Result<u64, Fail> {
    let shift = match text.last() {
        Some(b'k' | b'K') => 10,
        Some(b'm' | b'M') => 20,
        Some(b'g' | b'G') => 30,
        _ => return number(option, text),
    };
    let digits = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    Ok(number(option, digits)?.saturating_mul(1 << shift))
}

/// A file, or standard input as `-`.
pub(super) async fn read(t: &Tool, file: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    t.open(file).await.ok()?.read_to_end(&mut bytes).await.ok()?;
    Some(bytes)
}

struct Reader {
    words: VecDeque<BString>,
    /// Those before the last `--next`.
    configs: Vec<Config>,
    current: Config,
    global: Global,
    /// Configuration files that are being read, one from within another.
    depth: u32,
}

impl Reader {
    async fn all(&mut self, t: &mut Tool) -> Result<(), Fail> {
        let mut options = true;
        while let Some(word) = self.words.pop_front() {
            if options && word == "--" {
                options = false;
            } else if let Some(name) = word.strip_prefix(b"--").filter(|_| options) {
                let name = name.to_str_lossy().into_owned();
                self.long(t, &name).await?;
            } else if options && word.len() > 1 && word.starts_with(b"-") {
                self.cluster(t, word).await?;
            } else {
                let url = word.to_str_lossy().into_owned();
                self.current.urls.push(url);
            }
        }
        Ok(())
    }

    async fn long(&mut self, t: &mut Tool, name: &str) -> Result<(), Fail> {
        let shown = format!("--{name}");
        let find = |name: &str| {
            if let Some(exact) = OPTIONS.iter().find(|(_, long, _)| *long == name) {
                return Ok(Some(exact));
            }
            let mut like = OPTIONS.iter().filter(|(_, long, _)| !name.is_empty() && long.starts_with(name));
            match (like.next(), like.next()) {
                (Some(_), Some(_)) => Err(usage(&format!("option {shown}: is ambiguous"))),
                (one, _) => Ok(one),
            }
        };
        let mut on = true;
        let found = match find(name)? {
            Some(found) => Some(found),
            None => match name.strip_prefix("no-") {
                Some(rest) => {
                    on = false;
                    find(rest)?.filter(|(_, _, kind)| matches!(kind, Flag | Idle | Hint | Refused))
                }
                None => None,
            },
        };
        let Some((_, long, kind)) = found else {
            return Err(usage(&format!("option {shown}: is unknown")));
        };
        match kind {
            Flag => self.apply(t, long, &shown, BString::default(), on).await,
            Idle => Ok(()),
            Hint => {
                self.global.hints.extend(on.then_some(*long));
                Ok(())
            }
            Refused if !on => Ok(()),
            Refused => Err(refused(&shown)),
            Value | IdleValue | HintValue | RefusedValue => {
                let Some(value) = self.words.pop_front() else {
                    return Err(usage(&format!("option {shown}: requires parameter")));
                };
                self.valued(t, *kind, long, &shown, value).await
            }
        }
    }

    async fn valued(
        &mut self,
        t: &mut Tool,
        kind: Kind,
        long: &'static str,
        shown: &str,
        value: BString,
    ) -> Result<(), Fail> {
        match kind {
            RefusedValue => Err(refused(shown)),
            IdleValue => Ok(()),
            HintValue => {
                self.global.hints.push(long);
                Ok(())
            }
            _ => self.apply(t, long, shown, value, true).await,
        }
    }

    async fn cluster(&mut self, t: &mut Tool, word: BString) -> Result<(), Fail> {
        let mut at = 1;
        while let Some(&letter) = word.get(at) {
            at += 1;
            let shown = word.to_str_lossy().into_owned();
            let found = OPTIONS.iter().find(|(short, ..)| *short == char::from(letter) && letter != 0);
            let Some((_, long, kind)) = found else {
                return Err(usage(&format!("option {shown}: is unknown")));
            };
            match kind {
                Flag => self.apply(t, long, &shown, BString::default(), true).await?,
                Idle => {}
                Hint => self.global.hints.push(long),
                Refused => return Err(refused(&shown)),
                Value | IdleValue | HintValue | RefusedValue => {
                    let rest = word.get(at..).unwrap_or_default();
                    let value = if rest.is_empty() { self.words.pop_front() } else { Some(rest.into()) };
                    let Some(value) = value else {
                        return Err(usage(&format!("option {shown}: requires parameter")));
                    };
                    return self.valued(t, *kind, long, &shown, value).await;
                }
            }
        }
        Ok(())
    }

    async fn apply(
        &mut self,
        t: &mut Tool,
        long: &str,
        shown: &str,
        value: BString,
        on: bool,
    ) -> Result<(), Fail> {
        let text = || value.to_str_lossy().into_owned();
        match long {
            "silent" => self.global.silent = on,
            "show-error" => self.global.show_errors = on,
            "progress-meter" => self.global.no_meter = !on,
            "verbose" => self.global.verbose = on,
            "fail-early" => self.global.fail_early = on,
            "stderr" => self.global.stderr = Some(value),
            "help" => return Err(Fail::Help),
            "version" => return Err(Fail::Version),
            "next" => {
                if self.current.urls.is_empty() {
                    return Err(usage("option --next: missing URL before --next"));
                }
                self.configs.push(std::mem::take(&mut self.current));
            }
            "config" => {
                if self.depth > 15 {
                    return Err(usage("option --config: configuration files are nested too deeply"));
                }
                let Some(file) = read(t, &value).await else {
                    return Err(Fail::Bare(
                        format!(
                            "curl: option {shown}: error encountered when reading a file\n\
                             curl: try 'curl --help' or 'curl --manual' for more information"
                        ),
                        26,
                    ));
                };
                self.depth += 1;
                let mut words: VecDeque<BString> = config_words(&file).into();
                words.append(&mut self.words);
                self.words = words;
            }
            _ => {
                let value_read = match long {
                    "write-out" => match value.strip_prefix(b"@") {
                        Some(file) => {
                            let mut text = read(t, file).await.unwrap_or_default();
                            text.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
                            Some(text)
                        }
                        None => Some(value.to_vec()),
                    },
                    "header" => match value.strip_prefix(b"@") {
                        Some(file) => Some(read(t, file).await.unwrap_or_default()),
                        None => None,
                    },
                    _ => None,
                };
                let data = match long {
                    "data" | "data-ascii" | "data-binary" | "data-raw" | "data-urlencode" | "json" => {
                        Some(Data::new(t, long, &value, &mut self.global.missing).await?)
                    }
                    _ => None,
                };
                let part = match long {
                    "form" => Some(Part::new(t, &value).await?),
                    "form-string" => Some(Part::text(&value)?),
                    _ => None,
                };
                let config = &mut self.current;
                match long {
                    "url" => config.urls.push(text()),
                    "output" => config.outputs.push(Some(value)),
                    "remote-name" => config.outputs.push(None),
                    "remote-name-all" => config.remote_names = on,
                    "upload-file" => config.uploads.push(value),
                    "header" => match value_read {
                        Some(file) => config.headers.extend(file.lines().map(BString::from)),
                        None => config.headers.push(value),
                    },
                    "form" | "form-string" => config.form.extend(part),
                    "url-query" => config.url_query.push(value),
                    "request" => config.method = Some(text()),
                    "user-agent" => config.agent = Some(value),
                    "referer" => config.referer = Some(text()),
                    "user" => config.user = Some(value),
                    "oauth2-bearer" => config.bearer = Some(value),
                    "cookie" => config.cookies.push(value),
                    "cookie-jar" => config.cookie_jar = Some(value),
                    "junk-session-cookies" => config.junk_session = on,
                    "range" => config.range = Some(text()),
                    "continue-at" => config.resume = Some(value),
                    "time-cond" => config.time_condition = Some(value),
                    "write-out" => config.write_out = value_read,
                    "dump-header" => config.dump_header = Some(value),
                    "output-dir" => config.output_dir = Some(value),
                    "create-dirs" => config.create_dirs = on,
                    "no-clobber" => config.no_clobber = on,
                    "remove-on-error" => config.remove_on_error = on,
                    "remote-time" => config.remote_time = on,
                    "remote-header-name" => config.header_name = on,
                    "get" => config.get = on,
                    "head" => config.head = on,
                    "include" => config.include = on,
                    "location" => config.follow = on,
                    "location-trusted" => (config.follow, config.trusted) = (on, on),
                    "post301" => config.keep_post[0] = on,
                    "post302" => config.keep_post[1] = on,
                    "post303" => config.keep_post[2] = on,
                    "max-redirs" => {
                        config.most_redirects =
                            if value == "-1" { Some(u64::MAX) } else { Some(number(shown, &value)?) };
                    }
                    "fail" => config.fail = on,
                    "fail-with-body" => config.fail_with_body = on,
                    "compressed" => config.compressed = on,
                    "netrc" | "netrc-optional" => config.netrc = on,
                    "netrc-file" => (config.netrc, config.netrc_file) = (true, Some(value)),
                    "disallow-username-in-url" => config.no_user_in_url = on,
                    "max-time" => {
                        config.milliseconds = Some(seconds(shown, &value)?).filter(|time| *time > 0)
                    }
                    "max-filesize" => config.most_bytes = Some(size(shown, &value)?),
                    "retry" => config.retries = u32::try_from(number(shown, &value)?).unwrap_or(u32::MAX),
                    "retry-all-errors" => config.retry_all = on,
                    "retry-connrefused" => config.retry_refused = on,
                    "retry-delay" => {
                        config.retry_delay = Some(number(shown, &value)?).filter(|time| *time > 0)
                    }
                    "retry-max-time" => config.retry_most_seconds = Some(number(shown, &value)?),
                    "globoff" => config.glob_off = on,
                    "proto" => config.protocols.change(&text()),
                    "proto-redir" => config.redirected.change(&text()),
                    "proto-default" => config.scheme = Some(text()),
                    "json" => {
                        config.json = true;
                        config.data.extend(data);
                    }
                    "data" | "data-ascii" | "data-binary" | "data-raw" | "data-urlencode" => {
                        config.data.extend(data);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// The words of a configuration file: an option a line, with its argument behind blanks, `=` or `:`.
fn config_words(text: &[u8]) -> Vec<BString> {
    let mut words = Vec::new();
    for line in text.lines() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'=' || *byte == b':';
        let end = line.iter().position(is_end).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let mut rest = rest;
        while let [first, tail @ ..] = rest {
            if !is_end(first) {
                break;
            }
            rest = tail;
        }
        let mut option = BString::default();
        if !name.starts_with(b"-") {
            option.extend_from_slice(b"--");
        }
        option.extend_from_slice(name);
        words.push(option);
        if rest.is_empty() {
            continue;
        }
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let mut value = BString::default();
            let mut bytes = quoted.iter();
            while let Some(byte) = bytes.next() {
                match byte {
                    b'"' => break,
                    b'\\' => match bytes.next() {
                        Some(b'n') => value.push(b'\n'),
                        Some(b't') => value.push(b'\t'),
                        Some(b'r') => value.push(b'\r'),
                        Some(b'v') => value.push(11),
                        Some(other) => value.push(*other),
                        None => {}
                    },
                    byte => value.push(*byte),
                }
            }
            words.push(value);
        } else {
            let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            words.push(rest.get(..end).unwrap_or_default().into());
        }
    }
    words
}

/// Reads the command line, behind the user's configuration.
pub(super) async fn arguments(t: &mut Tool) -> Result<Arguments, Fail> {
    let given = t.arguments();
    let mut words: Vec<BString> = Vec::new();
    let disabled = given.first().is_some_and(|word| word == "-q" || word == "--disable");
    if !disabled {
        let home = t.ctx.env("CURL_HOME").or_else(|| t.ctx.env("HOME")).unwrap_or_default();
        if let Ok(text) = t.ctx.read_file(&crate::path::join(&home, b".curlrc")).await {
            words = config_words(&text);
        }
    }
    words.extend(given);
    let any = !words.is_empty();
    let mut reader = Reader {
        words: words.into(),
        configs: Vec::new(),
        current: Config::default(),
        global: Global::default(),
        depth: 0,
    };
    reader.all(t).await?;
    if !reader.current.urls.is_empty() {
        reader.configs.push(reader.current);
    }
    if reader.configs.is_empty() {
        let hint = "curl: try 'curl --help' or 'curl --manual' for more information";
        return Err(if any { usage("no URL specified!") } else { Fail::Bare(hint.into(), 2) });
    }
    Ok(Arguments { configs: reader.configs, global: reader.global })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_files() {
        let words = config_words(b"# remark\nurl = \"http://a/\\\"b\"\n-o x y\nsilent\n--data: q\n");
        assert_eq!(words, ["--url", "http://a/\"b", "-o", "x", "--silent", "--data", "q"]);
    }
}
