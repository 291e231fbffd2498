//! URLs of `http` and `https` (RFC 3986): their parts, and references relative to them.

/// An absolute URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// Lower case.
    pub(crate) scheme: String,
    /// `USER[:PASSWORD]`, still percent-encoded.
    pub(crate) user: Option<String>,
    /// Lower case; with brackets if it is an address of IPv6.
    pub(crate) host: String,
    /// Where it is written.
    pub(crate) port: Option<u16>,
    /// Begins with a slash.
    pub(crate) path: String,
    /// Without the question mark.
    pub(crate) query: Option<String>,
}

/// Why a text is no such URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("URL using bad/illegal format or missing URL")]
    Malformed,
    #[error("No host part in the URL")]
    NoHost,
    #[error("Port number was not a decimal number between 0 and 65535")]
    BadPort,
}

impl Url {
    /// Reads a URL; without a scheme it is one of `http`.
    pub(crate) fn parse(text: &str) -> Result<Url, UrlError> {
        let text = text.trim_matches(|letter: char| letter.is_ascii_whitespace());
        if text.is_empty() || text.chars().any(|letter| letter.is_ascii_control()) || text.contains(' ') {
            return Err(UrlError::Malformed);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            _ => ("http".to_owned(), text.trim_start_matches('/')),
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        let (host, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, Some(port)),
            _ => (host, None),
        };
        let port = match port {
            None | Some("") => None,
            Some(port) => Some(port.parse().map_err(|_| UrlError::BadPort)?),
        };
        if host.is_empty() {
            return Err(UrlError::NoHost);
        }
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (tail, None),
        };
        let path = if path.is_empty() { "/".to_owned() } else { remove_dots(path) };
        Ok(Url { scheme, user, host: host.to_ascii_lowercase(), port, path, query })
    }

    /// What a reference means here.
    pub(crate) fn join(&self, reference: &str) -> Result<Url, UrlError> {
        let reference = reference.split('#').next().unwrap_or(reference).replace(' ', "%20");
        if let Some((scheme, _)) = reference.split_once("://")
            && is_scheme(scheme)
        {
            return Url::parse(&reference);
        }
        if let Some(rest) = reference.strip_prefix("//") {
            return Url::parse(&format!("{}://{rest}", self.scheme));
        }
        let mut url = self.clone();
        if reference.is_empty() {
            return Ok(url);
        }
        let (path, query) = match reference.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (reference.as_str(), None),
        };
        url.query = query;
        if path.starts_with('/') {
            url.path = remove_dots(path);
        } else if !path.is_empty() {
            let directory = self.path.rfind('/').map_or("/", |slash| self.path.get(..=slash).unwrap_or("/"));
            url.path = remove_dots(&format!("{directory}{path}"));
        }
        Ok(url)
    }

    /// As it is asked for: without user and fragment.
    pub(crate) fn request_form(&self) -> String {
        let mut text = format!("{}://{}", self.scheme, self.authority());
        text.push_str(&self.path);
        if let Some(query) = &self.query {
            text.push('?');
            text.push_str(query);
        }
        text
    }

    /// The host, with the port where it is written.
    pub(crate) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The port that is meant.
    pub(crate) fn real_port(&self) -> u16 {
        self.port.unwrap_or(if self.scheme == "https" { 443 } else { 80 })
    }

    /// Scheme, host and port: who gets passwords.
    pub(crate) fn same_origin(&self, other: &Url) -> bool {
        self.scheme == other.scheme && self.host == other.host && self.real_port() == other.real_port()
    }

    /// The last part of the path; empty if it ends in a slash.
    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

/// RFC 3986, 5.2.4.
fn remove_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let parts: Vec<&str> = path.split('/').collect();
    let last = parts.len().saturating_sub(1);
    for (index, part) in parts.iter().enumerate() {
        match *part {
            "." | "%2e" | "%2E" => {
                if index == last {
                    out.push("");
                }
            }
            ".." => {
                if out.len() > 1 {
                    out.pop();
                }
                if index == last {
                    out.push("");
                }
            }
            part => out.push(part),
        }
    }
    let joined = out.join("/");
    if joined.starts_with('/') { joined } else { format!("/{joined}") }
}

/// What `%41` and the like stand for.
pub(crate) fn percent_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if let (b'%', [high, low, behind @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
        {
            out.push((high * 16 + low) as u8);
            rest = behind;
            continue;
        }
        out.push(*first);
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_references() {
        let url = Url::parse("HTTP://me:p%40w@Example.com:81/a/./b/../c?x=1#f").unwrap();
        assert_eq!(url.request_form(), "http://example.com:81/a/c?x=1");
        assert_eq!(url.user.as_deref(), Some("me:p%40w"));
        for (reference, result) in [
            ("d", "http://example.com:81/a/d"),
            ("../d?y", "http://example.com:81/d?y"),
            ("/d", "http://example.com:81/d"),
            ("?z", "http://example.com:81/a/c?z"),
            ("//o/p", "http://o/p"),
            ("https://o", "https://o/"),
        ] {
            assert_eq!(url.join(reference).unwrap().request_form(), result);
        }
        assert_eq!(Url::parse("localhost:8080").unwrap().request_form(), "http://localhost:8080/");
        assert_eq!(Url::parse("http://[::1]:8/").unwrap().host, "[::1]");
        assert_eq!(Url::parse("http:///x"), Err(UrlError::NoHost));
        assert_eq!(Url::parse("http://a:x/"), Err(UrlError::BadPort));
        assert_eq!(percent_decode("a%2Fb%"), b"a/b%");
    }
}
