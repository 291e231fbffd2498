//! What `curl` asks a server: method, headers and body, and who it says that it is.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Header, HttpRequest};

use super::body::{self, Data, Part};
use super::{AGENT, Session, Trouble, args};
use crate::http::url::{Url, percent_decode};
use crate::path::join;
use crate::time::Moment;
use crate::{Fail, Tool};

impl Session<'_> {
    /// What is sent; the URL may get a query, or the name of the file.
    pub(super) async fn content(
        &self,
        t: &mut Tool,
        url: &mut Url,
        upload: Option<&BString>,
    ) -> Result<Content, Trouble> {
        let config = self.config;
        let mut sent = Content { method: "GET".into(), bytes: Vec::new(), kind: None, accept: None };
        let mut queries: Vec<Vec<u8>> = Vec::new();
        if let Some(file) = upload {
            sent.method = "PUT".into();
            let name: &[u8] = if file == "." { b"-" } else { file };
            sent.bytes = args::read(t, name).await.ok_or_else(|| {
                let hint = "curl: try 'curl --help' or 'curl --manual' for more information";
                Trouble::Fail(Fail::Bare(format!("curl: Can't open '{file}'!\n{hint}"), 26))
            })?;
            if url.path.ends_with('/') && name != b"-" {
                let mut encoded = Vec::new();
                for byte in crate::path::base_name(file) {
                    if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
                        encoded.push(*byte);
                    } else {
                        encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
                    }
                }
                url.path.push_str(&encoded.to_str_lossy());
            }
        } else if !config.form.is_empty() {
            let mut random = [0u8; 8];
            t.ctx.random(&mut random);
            let boundary = format!("------------------------{:016x}", u64::from_le_bytes(random));
            sent.method = "POST".into();
            sent.bytes = Part::form(&config.form, &boundary);
            sent.kind = Some(format!("multipart/form-data; boundary={boundary}"));
        } else if !config.data.is_empty() {
            let data = Data::join(&config.data);
            if config.get || config.head {
                queries.push(data);
            } else {
                sent.method = "POST".into();
                sent.bytes = data;
                sent.kind = Some("application/x-www-form-urlencoded".into());
                if config.json {
                    sent.kind = Some("application/json".into());
                    sent.accept = Some("application/json".into());
                }
            }
        }
        for query in &config.url_query {
            queries.push(match query.strip_prefix(b"+") {
                Some(rest) => rest.to_vec(),
                None => body::urlencoded(t, query).await?,
            });
        }
        for mut query in queries {
            // What is appended to a URL has its escapes in small letters.
            let mut at = 0;
            while let Some(next) = query.get(at..).and_then(|rest| rest.find_byte(b'%')) {
                at += next + 1;
                let is_escape =
                    query.get(at..at + 2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
                if let Some(digits) = query.get_mut(at..at + 2).filter(|_| is_escape) {
                    digits.make_ascii_lowercase();
                }
            }
            let text = query.to_str_lossy();
            url.query = Some(match url.query.take() {
                Some(old) if !old.is_empty() => format!("{old}&{text}"),
                _ => text.into_owned(),
            });
        }
        if config.head {
            sent.method = "HEAD".into();
        }
        if let Some(method) = &config.method {
            sent.method.clone_from(method);
        }
        Ok(sent)
    }

    /// The request of one exchange.
    pub(super) async fn request(
        &self,
        t: &Tool,
        url: &Url,
        origin: &Url,
        sent: &Content,
        resumed_from: u64,
        previous: Option<&str>,
    ) -> Result<HttpRequest, Trouble> {
        let config = self.config;
        let mut headers: Vec<Header> = Vec::new();
        let mut add = |name: &str, value: &[u8]| {
            // A header cannot have another one inside.
            let value = value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)).collect();
            headers.push(Header { name: name.into(), value });
        };
        if resumed_from > 0 {
            add("Range", format!("bytes={resumed_from}-").as_bytes());
        } else if let Some(range) = &config.range {
            add("Range", format!("bytes={range}").as_bytes());
        }
        // Others than who was asked first do not get the password.
        if config.trusted || url.same_origin(origin) {
            if let Some(bearer) = &config.bearer {
                add("Authorization", format!("Bearer {bearer}").as_bytes());
            } else if let Some(user) = self.credentials(t, url).await {
                let user = if user.contains(&b':') { user } else { [&user[..], b":"].concat() };
                let mut value = b"Basic ".to_vec();
                crate::base64::encode(&user, &mut value);
                add("Authorization", &value);
            }
        }
        match &config.agent {
            Some(agent) if agent.is_empty() => {}
            Some(agent) => add("User-Agent", agent),
            None => add("User-Agent", AGENT.as_bytes()),
        }
        add("Accept", sent.accept.as_deref().unwrap_or("*/*").as_bytes());
        if config.compressed {
            add("Accept-Encoding", b"deflate, gzip");
        }
        let (referer, automatic) = match &config.referer {
            Some(text) => match text.strip_suffix(";auto") {
                Some(text) => (Some(text.to_owned()), true),
                None => (Some(text.clone()), false),
            },
            None => (None, false),
        };
        let referer = if automatic { previous.map(ToOwned::to_owned).or(referer) } else { referer };
        if let Some(referer) = referer.filter(|referer| !referer.is_empty()) {
            add("Referer", referer.as_bytes());
        }
        let kept = if self.engine { self.jar.header(url, t.ctx.now().seconds) } else { None };
        let cookies = match (kept, self.fixed.is_empty()) {
            (Some(kept), true) => Some(kept),
            (Some(kept), false) => Some(format!("{kept}; {}", self.fixed)),
            (None, false) => Some(self.fixed.clone()),
            (None, true) => None,
        };
        if let Some(cookies) = cookies {
            add("Cookie", cookies.as_bytes());
        }
        if let Some((time, older)) = self.condition(t)
            && let Some(moment) = Moment::new(time, &jiff::tz::TimeZone::UTC)
        {
            let mut value = Vec::new();
            moment.format(b"%a, %d %b %Y %H:%M:%S GMT", &mut value);
            add(if older { "If-Unmodified-Since" } else { "If-Modified-Since" }, &value);
        }
        if let Some(kind) = &sent.kind {
            add("Content-Type", kind.as_bytes());
        }
        for line in &config.headers {
            let line = line.trim_end_with(|letter| letter == '\r' || letter == '\n');
            let (name, value) = match line.split_once_str(":") {
                Some((name, value)) => (name, Some(value.trim_ascii())),
                None => match line.strip_suffix(b";") {
                    Some(name) => (name, None),
                    None => continue,
                },
            };
            let name = name.to_str_lossy().trim().to_owned();
            let valid = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte));
            if !valid {
                continue;
            }
            headers.retain(|header| {
                let own = [
                    "user-agent",
                    "accept",
                    "content-type",
                    "referer",
                    "cookie",
                    "authorization",
                    "range",
                    "accept-encoding",
                ];
                !(header.name.eq_ignore_ascii_case(&name)
                    && own.iter().any(|own| own.eq_ignore_ascii_case(&name))
                    && !config.headers.iter().any(|other| {
                        // One that was given before stays.
                        other.split_once_str(":").is_some_and(|(_, value)| {
                            value.trim_ascii() == &header.value[..] && !value.trim_ascii().is_empty()
                        })
                    }))
            });
            let foreign = !config.trusted && !url.same_origin(origin);
            let secret = name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("cookie");
            match value {
                Some(b"") => {}
                _ if foreign && secret => {}
                value => {
                    let value = value.unwrap_or_default();
                    let value =
                        value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)).collect();
                    headers.push(Header { name, value });
                }
            }
        }
        Ok(HttpRequest {
            method: sent.method.clone(),
            url: url.request_form(),
            headers,
            body: sent.bytes.clone(),
            timeout_ms: config.milliseconds,
            redirects: 0,
        })
    }

    /// User and password: given, of the URL, or from `.netrc`.
    async fn credentials(&self, t: &Tool, url: &Url) -> Option<Vec<u8>> {
        if let Some(user) = &self.config.user {
            return Some(user.to_vec());
        }
        if let Some(user) = &url.user {
            return Some(percent_decode(user));
        }
        if !self.config.netrc {
            return None;
        }
        let file = match &self.config.netrc_file {
            Some(file) => file.clone(),
            None => join(&t.ctx.env("HOME").unwrap_or_default(), b".netrc"),
        };
        let text = t.ctx.read_file(&file).await.ok()?;
        netrc(&text.to_str_lossy(), &url.host)
    }
}

/// What a request carries.
pub(super) struct Content {
    pub(super) method: String,
    pub(super) bytes: Vec<u8>,
    pub(super) kind: Option<String>,
    accept: Option<String>,
}

/// `LOGIN:PASSWORD` of a machine.
fn netrc(text: &str, host: &str) -> Option<Vec<u8>> {
    let mut words =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    let (mut login, mut password) = (None, None);
    let mut here = false;
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if here {
                    break;
                }
                here = word == "default" || words.next().is_some_and(|name| name.eq_ignore_ascii_case(host));
            }
            "login" => {
                let value = words.next();
                if here {
                    login = value;
                }
            }
            "password" => {
                let value = words.next();
                if here {
                    password = value;
                }
            }
            _ => {}
        }
    }
    if !here {
        return None;
    }
    Some(format!("{}:{}", login.unwrap_or_default(), password.unwrap_or_default()).into_bytes())
}

#[cfg(test)]
mod tests {
    #[test]
    fn machines_of_netrc() {
        let text = "machine a login x password y\n# machine b login no\nmachine b login z\n password w\ndefault login d";
        assert_eq!(super::netrc(text, "a").unwrap(), b"x:y");
        assert_eq!(super::netrc(text, "b").unwrap(), b"z:w");
        assert_eq!(super::netrc(text, "c").unwrap(), b"d:");
    }
}
