//! What a session may reach.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

use super::roots::{Roots, Trust, TrustError};

/// How a session uses the network: rules that allow, and limits. What no rule allows is denied.
///
/// ```
/// use wasmsh::{Network, Rule};
///
/// let token = "secret";
/// let network = Network::new()
///     .allow("packages.example.org".parse()?)
///     .allow("https://*.files.example.org".parse()?)
///     // The sandbox never sees the token.
///     .allow(Rule::new("https://api.example.com/v1/")?.methods(["GET"]).header("authorization", token));
/// # Ok::<(), wasmsh::RuleError>(())
/// ```
#[derive(Clone)]
pub struct Network {
    rules: Vec<Rule>,
    pub(super) body_bytes: u64,
    pub(super) time: Duration,
    pub(super) trust: Trust,
    audit: Option<Audit>,
}

/// Who is told of accesses.
type Audit = Arc<dyn Fn(&Access<'_>) + Send + Sync>;

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("rules", &self.rules)
            .field("body_bytes", &self.body_bytes)
            .field("time", &self.time)
            .field("roots", &self.trust.roots)
            .finish_non_exhaustive()
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Network {
    /// Bytes that the body of a response may have, unless [`body_bytes`](Self::body_bytes) says another number.
    ///
    /// ```
    /// assert_eq!(wasmsh::Network::BODY_BYTES, 1 << 30);
    /// ```
    pub const BODY_BYTES: u64 = 1 << 30;
    /// Time that an exchange may take, redirects included, unless [`time`](Self::time) says another one.
    ///
    /// ```
    /// assert_eq!(wasmsh::Network::TIME.as_secs(), 300);
    /// ```
    pub const TIME: Duration = Duration::from_secs(300);

    /// A network in which nothing is allowed yet.
    ///
    /// ```
    /// let network = wasmsh::Network::new();
    /// let mut session = wasmsh::Sandbox::builder().network(network).build()?;
    /// assert!(!session.run("curl -s http://example.org").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            rules: Vec::new(),
            body_bytes: Self::BODY_BYTES,
            time: Self::TIME,
            trust: Trust::default(),
            audit: None,
        }
    }

    /// Allows what the rule describes. Of several rules that fit, the first counts.
    ///
    /// ```
    /// let network = wasmsh::Network::new().allow("https://packages.example.org".parse()?).allow("*.files.example.org".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allow(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The most bytes that the body of a response may have.
    ///
    /// ```
    /// let network = wasmsh::Network::new().body_bytes(1 << 20);
    /// ```
    #[must_use]
    pub fn body_bytes(mut self, bytes: u64) -> Self {
        self.body_bytes = bytes;
        self
    }

    /// The most time that an exchange may take, redirects included.
    ///
    /// ```
    /// let network = wasmsh::Network::new().time(std::time::Duration::from_secs(5));
    /// ```
    #[must_use]
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Which root certificates are trusted, unless they are the platform's.
    ///
    /// ```
    /// let network = wasmsh::Network::new().roots(wasmsh::Roots::Mozilla);
    /// ```
    #[must_use]
    pub fn roots(mut self, roots: Roots) -> Self {
        self.trust.set(roots);
        self
    }

    /// Trusts the certificates of a PEM text, too: a company's own authority, or a proxy's.
    ///
    /// ```no_run
    /// let network = wasmsh::Network::new().trust(std::fs::read("company.pem")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrustError`]
    pub fn trust(mut self, pem: impl AsRef<[u8]>) -> Result<Self, TrustError> {
        self.trust.add(pem.as_ref())?;
        Ok(self)
    }

    /// Is told of every access, allowed or not, each redirect by itself, before anything is sent. It is called in a
    /// thread of the exchange.
    ///
    /// ```
    /// let network = wasmsh::Network::new().audit(|access| eprintln!("{access:?}"));
    /// ```
    #[must_use]
    pub fn audit(mut self, audit: impl Fn(&Access<'_>) + Send + Sync + 'static) -> Self {
        self.audit = Some(Arc::new(audit));
        self
    }

    /// The rule for a request. The error says what is denied, and how it would be allowed.
    pub(super) fn decide(&self, method: &str, url: &Url) -> Result<&Rule, String> {
        let rule = self.rules.iter().find(|rule| rule.fits(method, url));
        let shown = url.host_str().unwrap_or_default();
        let decision = match rule {
            Some(_) => Decision::Allowed,
            None if self.rules.iter().any(|rule| rule.reaches(url)) => Decision::Denied(format!(
                "{method} {shown}{} is not allowed by the network policy of this session",
                url.path()
            )),
            None => Decision::Denied(format!(
                "the network policy of this session does not allow {shown} (allowed hosts are set by whoever made \
                 it: --allow-host, SessionBuilder::network, allowedHosts)"
            )),
        };
        self.tell(&Access { method, url: url.as_str(), decision: &decision });
        match (rule, decision) {
            (Some(rule), _) => Ok(rule),
            (None, Decision::Denied(why)) => Err(why),
            (None, Decision::Allowed) => Err(String::new()),
        }
    }

    pub(super) fn tell(&self, access: &Access<'_>) {
        tracing::info!(method = access.method, url = access.url, decision = ?access.decision, "network access");
        if let Some(audit) = &self.audit {
            audit(access);
        }
    }
}

/// What was decided on an access.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use wasmsh::{Decision, Network, Sandbox};
///
/// let denied = Arc::new(Mutex::new(Vec::new()));
/// let seen = Arc::clone(&denied);
/// let network = Network::new().audit(move |access| {
///     if let Decision::Denied(why) = access.decision {
///         seen.lock().unwrap().push(why.clone());
///     }
/// });
/// Sandbox::builder().network(network).build()?.run("curl -s http://example.org").output()?;
/// assert!(denied.lock().unwrap()[0].contains("does not allow example.org"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It is carried out.
    Allowed,
    /// It is not: why.
    Denied(String),
}

/// An access to the network, as [`Network::audit`] is told of it.
///
/// ```
/// let network = wasmsh::Network::new().audit(|access| {
///     println!("{} {}: {:?}", access.method, access.url, access.decision);
/// });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// `GET` and the like.
    pub method: &'a str,
    /// The whole address.
    pub url: &'a str,
    /// What became of it.
    pub decision: &'a Decision,
}

/// Why a text is no rule.
///
/// ```
/// use wasmsh::{Rule, RuleError};
///
/// assert_eq!(Rule::new("ftp://example.org"), Err(RuleError::Scheme("ftp://example.org".to_owned())));
/// assert_eq!(Rule::new("a*.example.org"), Err(RuleError::Wildcard("a*.example.org".to_owned())));
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RuleError {
    /// It does not read like `[SCHEME://]HOST[:PORT][/PATH]`.
    #[error("{0:?} is not [SCHEME://]HOST[:PORT][/PATH]")]
    Malformed(String),
    /// The scheme is neither http nor https.
    #[error("{0:?}: only http and https can be allowed")]
    Scheme(String),
    /// A `*` stands somewhere else than for the first labels of a host.
    #[error("{0:?}: a * stands alone, or before the first dot of the host")]
    Wildcard(String),
}

/// Something that a session may reach.
///
/// ```
/// use wasmsh::Rule;
///
/// // Reading is allowed below this path, with a credential that the sandbox never sees.
/// let rule = Rule::new("https://api.example.org/v1/")?.methods(["GET"]).header("authorization", "Bearer secret");
/// # Ok::<(), wasmsh::RuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `None`: both.
    scheme: Option<String>,
    host: HostRule,
    /// `None`: the scheme's own.
    port: Option<u16>,
    /// A prefix: whole segments.
    path: String,
    /// Empty: all.
    methods: Vec<String>,
    headers: Vec<(String, Vec<u8>)>,
    private: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostRule {
    Any,
    /// `*.example.com`: all names below, not the name itself.
    Below(String),
    Exactly(Host<String>),
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::new(text)
    }
}

impl Rule {
    /// Reads `[SCHEME://]HOST[:PORT][/PATH]`. Without a scheme both `http` and `https` are allowed, without a port the
    /// scheme's own port, without a path all of them; a path allows itself and all below it. HOST may be `*`, or
    /// begin with `*.`, which stands for any names below a domain.
    ///
    /// ```
    /// use wasmsh::Rule;
    ///
    /// for text in ["example.org", "*.example.org", "https://example.org:8443/files", "*"] {
    ///     Rule::new(text)?;
    /// }
    /// assert!(Rule::new("example.*").is_err());
    /// # Ok::<(), wasmsh::RuleError>(())
    /// ```
    ///
    /// # Errors
    /// [`RuleError`]
    pub fn new(text: &str) -> Result<Self, RuleError> {
        let malformed = || RuleError::Malformed(text.to_owned());
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => {
                let scheme = scheme.to_ascii_lowercase();
                if !matches!(&scheme[..], "http" | "https") {
                    return Err(RuleError::Scheme(text.to_owned()));
                }
                (Some(scheme), rest)
            }
            None => (None, text),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = match authority.rsplit_once(':') {
            // A colon inside brackets belongs to an address.
            Some((host, port)) if !port.contains(']') => (host, Some(port.parse().map_err(|_| malformed())?)),
            _ => (authority, None),
        };
        let host = match host.strip_prefix('*') {
            Some("") => HostRule::Any,
            Some(rest) => {
                let domain = rest.strip_prefix('.').ok_or_else(|| RuleError::Wildcard(text.to_owned()))?;
                match Host::parse(domain).map_err(|_| malformed())? {
                    Host::Domain(domain) if !domain.contains('*') => HostRule::Below(domain),
                    _ => return Err(RuleError::Wildcard(text.to_owned())),
                }
            }
            None if host.contains('*') => return Err(RuleError::Wildcard(text.to_owned())),
            None => HostRule::Exactly(Host::parse(host).map_err(|_| malformed())?),
        };
        // As a URL writes it, so that both sides compare alike.
        let path = Url::parse(&format!("http://host{path}")).map_err(|_| malformed())?.path().to_owned();
        let private = match &host {
            HostRule::Exactly(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            HostRule::Exactly(_) => true,
            HostRule::Any | HostRule::Below(_) => false,
        };
        Ok(Self { scheme, host, port, path, methods: Vec::new(), headers: Vec::new(), private })
    }

    /// Only these methods, not all.
    ///
    /// ```
    /// let rule = "api.example.org".parse::<wasmsh::Rule>()?.methods(["GET", "HEAD"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods.extend(methods.into_iter().map(|method| method.into().to_ascii_uppercase()));
        self
    }

    /// A header that every request by this rule gets, in the place of the sandbox's own: a credential that the sandbox
    /// never sees.
    ///
    /// ```
    /// let rule = "api.example.org".parse::<wasmsh::Rule>()?.header("authorization", "Bearer secret");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into().to_ascii_lowercase(), value.into()));
        self
    }

    /// The name may lead to an address of this machine or of a private network. Without this, only rules that name
    /// such an address, or `localhost`, do.
    ///
    /// ```
    /// let rule = "localhost:8080".parse::<wasmsh::Rule>()?.private();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    pub(super) fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }

    /// Whether a connection to this address is meant.
    pub(super) fn allows_address(&self, address: IpAddr) -> bool {
        self.private || super::address::is_public(address)
    }

    /// Host, port and scheme fit.
    fn reaches(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let host_fits = match &self.host {
            HostRule::Any => true,
            HostRule::Exactly(own) => *own == host.to_owned(),
            HostRule::Below(domain) => match host {
                Host::Domain(name) => {
                    name.strip_suffix(&domain[..]).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
                }
                Host::Ipv4(_) | Host::Ipv6(_) => false,
            },
        };
        let port_fits = match self.port {
            Some(port) => url.port_or_known_default() == Some(port),
            None => url.port().is_none(),
        };
        host_fits && port_fits && self.scheme.as_ref().is_none_or(|scheme| scheme == url.scheme())
    }

    fn fits(&self, method: &str, url: &Url) -> bool {
        let below = || {
            let rest = url.path().strip_prefix(&self.path[..]);
            rest.is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'))
        };
        // Servers may read these as separators, after the prefix was compared.
        let plain = || {
            let path = url.path().to_ascii_lowercase();
            self.path == "/" || !["%2f", "%5c", "%2e"].iter().any(|code| path.contains(code))
        };
        self.reaches(url)
            && below()
            && plain()
            && (self.methods.is_empty() || self.methods.iter().any(|own| own == method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(rule: &str, method: &str, url: &str) -> bool {
        let network = Network::new().allow(rule.parse().unwrap());
        network.decide(method, &Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn rules_allow_what_they_name() {
        for (rule, url) in [
            ("example.com", "http://example.com/a"),
            ("example.com", "https://EXAMPLE.com"),
            ("*.example.com", "https://a.b.example.com/"),
            ("*", "https://anything.test/x"),
            ("example.com:8080", "http://example.com:8080/"),
            ("https://example.com/v1", "https://example.com/v1/x?y"),
            ("https://example.com/v1/", "https://example.com/v1/x"),
            ("[::1]:80", "http://[::1]/"),
            ("bücher.example", "http://xn--bcher-kva.example/"),
        ] {
            assert!(allowed(rule, "GET", url), "{rule} {url}");
        }
    }

    #[test]
    fn rules_allow_nothing_else() {
        for (rule, url) in [
            ("example.com", "http://example.com.evil.test/"),
            ("example.com", "http://a.example.com/"),
            ("example.com", "http://example.com:8080/"),
            ("example.com", "http://example.com@evil.test/"),
            ("*.example.com", "http://example.com/"),
            ("*.example.com", "http://badexample.com/"),
            ("https://example.com", "http://example.com/"),
            ("https://example.com/v1", "https://example.com/v10"),
            ("https://example.com/v1", "https://example.com/v1/../v2"),
            ("https://example.com/v1", "https://example.com/v1/%2e%2e/v2"),
            ("https://example.com/v1", "https://example.com/v1/..%2fv2"),
            ("127.0.0.1:80", "http://127.0.0.2/"),
        ] {
            assert!(!allowed(rule, "GET", url), "{rule} {url}");
        }
        let reading = Network::new().allow(Rule::new("a.test").unwrap().methods(["get"]));
        let url = Url::parse("http://a.test/").unwrap();
        assert!(reading.decide("GET", &url).is_ok());
        assert!(reading.decide("POST", &url).unwrap_err().contains("POST a.test/"));
    }

    #[test]
    fn malformed_rules_are_refused() {
        for text in ["", "a b", "ftp://a", "a:b", "*a", "a.*", "*.*.a", "http://"] {
            assert!(Rule::new(text).is_err(), "{text}");
        }
    }
}
