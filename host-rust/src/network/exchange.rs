//! Exchanges under way: each has a thread, which sends the parts of the answer as fast as they are taken.

use std::io::Read as _;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use ureq::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};
use url::Url;

use super::Network;
use super::policy::{Access, Decision, Rule};
use crate::bindings::core::wasmsh::net::types::{FetchError, Header, Request, ResponseHead};
use crate::bindings::core::wasmsh::session::types::{Answer, RequestId};
use crate::mailbox::Mailbox;

/// Bytes of a body that are sent on at once.
const PIECE: usize = 64 << 10;

/// Pieces that wait to be taken, at most.
const AHEAD: usize = 4;

/// Exchanges that a session has at a time. One that was given up counts until its thread notices, which can take as long as
/// an exchange may: a script that asks a slow server and goes on must not have threads without end.
const AT_A_TIME: usize = 256;

/// Bytes that the head of a response may have.
const HEAD_BYTES: usize = 256 << 10;

/// Headers that belong to a connection, or say where it leads: whoever holds the connection writes them.
const OWN: [HeaderName; 9] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    header::EXPECT,
];

/// The exchanges of a session that are under way.
pub(crate) struct Exchanges {
    /// `None`: the session has no network.
    network: Option<Arc<Network>>,
    under_way: Vec<(RequestId, Receiver<Answer>)>,
    /// Each thread has another one of this.
    threads: Arc<()>,
    at_a_time: usize,
}

impl Exchanges {
    pub(crate) fn new(network: Option<Arc<Network>>) -> Self {
        Self { network, under_way: Vec::new(), threads: Arc::default(), at_a_time: AT_A_TIME }
    }

    /// Answers that an exchange is not allowed.
    pub(crate) fn deny(&mut self, id: RequestId, why: String, mailbox: &Arc<Mailbox>) {
        self.fail(id, FetchError::Denied(why), mailbox);
    }

    fn fail(&mut self, id: RequestId, error: FetchError, mailbox: &Arc<Mailbox>) {
        let (sender, receiver) = sync_channel(AHEAD);
        self.under_way.push((id, receiver));
        Parts { sender, mailbox: Arc::clone(mailbox) }.send(Answer::Ended(Err(error)));
    }

    /// Begins an exchange; `mailbox` is woken whenever there is a part of its answer.
    pub(crate) fn begin(&mut self, id: RequestId, request: Request, mailbox: &Arc<Mailbox>) {
        let Some(network) = self.network.clone() else {
            let why = "this session has no network (it is allowed by whoever made it: --allow-host, \
                       SessionBuilder::network, allowedHosts)";
            return self.deny(id, why.to_owned(), mailbox);
        };
        if Arc::strong_count(&self.threads) > self.at_a_time {
            let why = format!("{} requests are under way, which is the limit", self.at_a_time);
            return self.fail(id, FetchError::Protocol(why), mailbox);
        }
        let counted = Arc::clone(&self.threads);
        let (sender, receiver) = sync_channel(AHEAD);
        self.under_way.push((id, receiver));
        let parts = Parts { sender, mailbox: Arc::clone(mailbox) };
        let thread = std::thread::Builder::new().name("wasmsh-fetch".into());
        let failed = parts.clone();
        let started = thread.spawn(move || {
            let result = exchange(&network, request, &parts);
            // Before it is told, so that who was told can begin another one.
            drop(counted);
            parts.send(Answer::Ended(result));
        });
        if let Err(error) = started {
            failed.send(Answer::Ended(Err(FetchError::Protocol(format!("cannot start a thread: {error}")))));
        }
    }

    /// Nobody wants the answer any more: its thread ends when it next has something to say.
    pub(crate) fn cancel(&mut self, id: RequestId) {
        self.under_way.retain(|(other, _)| *other != id);
    }

    pub(crate) fn clear(&mut self) {
        self.under_way.clear();
    }

    /// The next part of each answer that has one and whose id `wants` one.
    pub(crate) fn take(&mut self, mut wants: impl FnMut(RequestId) -> bool) -> Vec<(RequestId, Answer)> {
        let mut taken = Vec::new();
        self.under_way.retain(|(id, receiver)| {
            if !wants(*id) {
                return true;
            }
            match receiver.try_recv() {
                Ok(answer) => {
                    let last = matches!(answer, Answer::Ended(_));
                    taken.push((*id, answer));
                    !last
                }
                Err(TryRecvError::Empty) => true,
                Err(TryRecvError::Disconnected) => {
                    let why = "the exchange was given up".to_owned();
                    taken.push((*id, Answer::Ended(Err(FetchError::Protocol(why)))));
                    false
                }
            }
        });
        taken
    }
}

/// Where the parts of an answer go.
#[derive(Clone)]
struct Parts {
    sender: SyncSender<Answer>,
    mailbox: Arc<Mailbox>,
}

impl Parts {
    /// Waits while nobody takes. Whether anybody still wants it.
    fn send(&self, answer: Answer) -> bool {
        let sent = self.sender.send(answer).is_ok();
        std::task::Wake::wake_by_ref(&self.mailbox);
        sent
    }
}

fn exchange(network: &Network, request: Request, parts: &Parts) -> Result<(), FetchError> {
    let time =
        request.timeout_ms.map_or(network.time, |ms| network.time.min(Duration::from_millis(ms.into())));
    let deadline = Instant::now().checked_add(time);
    let left = || match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
        Some(left) if left.is_zero() => Err(FetchError::TimedOut),
        left => Ok(left),
    };
    let mut url = Url::parse(&request.url).map_err(|error| malformed(&request.url, error))?;
    let mut method = request.method.to_ascii_uppercase();
    let mut headers = headers(&request.headers)?;
    let mut body = request.body;
    for redirect in 0.. {
        let rule = network.decide(&method, &url).map_err(FetchError::Denied)?;
        let response = send(network, rule, &method, &url, &headers, &body, left()?)?;
        let target = match location(&response, &url) {
            Some(target) if request.redirects > 0 => target?,
            _ => return receive(network, response, &url, parts),
        };
        if redirect >= request.redirects {
            return Err(FetchError::TooManyRedirects(request.redirects));
        }
        // RFC 9110, 15.4: the method stays but for what browsers, and curl, have always changed.
        let status = response.status();
        let changes = match status {
            StatusCode::SEE_OTHER => !matches!(&method[..], "GET" | "HEAD"),
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == "POST",
            _ => false,
        };
        if changes {
            method = "GET".to_owned();
            body = Vec::new();
            headers.retain(|(name, _)| *name != header::CONTENT_TYPE && *name != header::CONTENT_ENCODING);
        }
        if target.origin() != url.origin() {
            // What is meant for one is not told to another.
            headers.retain(|(name, _)| *name != header::AUTHORIZATION && *name != header::COOKIE);
        }
        url = target;
    }
    Ok(())
}

fn malformed(url: &str, error: impl std::fmt::Display) -> FetchError {
    FetchError::Protocol(format!("{url:?} is no URL: {error}"))
}

fn headers(given: &[Header]) -> Result<Vec<(HeaderName, HeaderValue)>, FetchError> {
    let mut headers = Vec::with_capacity(given.len());
    for Header { name, value } in given {
        let wrong = || FetchError::Protocol(format!("{name:?} is no header, or its value is none"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let value = HeaderValue::from_bytes(value).map_err(|_| wrong())?;
        if !OWN.contains(&name) {
            headers.push((name, value));
        }
    }
    Ok(headers)
}

/// Where a redirect leads.
fn location(response: &ureq::http::Response<Body>, from: &Url) -> Option<Result<Url, FetchError>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = String::from_utf8_lossy(response.headers().get(header::LOCATION)?.as_bytes());
    Some(from.join(&location).map_err(|error| malformed(&location, error)))
}

fn send(
    network: &Network,
    rule: &Rule,
    method: &str,
    url: &Url,
    headers: &[(HeaderName, HeaderValue)],
    body: &[u8],
    time: Option<Duration>,
) -> Result<ureq::http::Response<Body>, FetchError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(FetchError::Protocol(format!("Protocol {:?} not supported", url.scheme())));
    }
    // The rest of the way knows the address only as this text.
    let uri =
        Uri::try_from(without_userinfo(url).as_str()).map_err(|error| malformed(url.as_str(), error))?;
    let mut request = ureq::http::Request::builder()
        .method(Method::from_bytes(method.as_bytes()).map_err(|_| malformed(method, "no method"))?)
        .uri(uri);
    if let Some(map) = request.headers_mut() {
        for (name, value) in headers {
            map.append(name, value.clone());
        }
        for (name, value) in rule.headers() {
            let wrong = || FetchError::Protocol(format!("the header {name:?} of the network policy is none"));
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            map.insert(name, HeaderValue::from_bytes(value).map_err(|_| wrong())?);
        }
    }
    // Root certificates are read when somebody needs them.
    let tls = match url.scheme() {
        "https" => network.trust.tls().map_err(FetchError::Tls)?,
        _ => TlsConfig::default(),
    };
    let config = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .max_response_header_size(HEAD_BYTES)
        .max_idle_connections(0)
        .proxy(None)
        // What the sandbox does not say is not said.
        .user_agent("")
        .accept("")
        .accept_encoding("")
        .timeout_global(time)
        .build();
    let guard = Guard {
        rule: rule.clone(),
        network: network.clone(),
        method: method.to_owned(),
        url: url.to_string(),
    };
    let agent = Agent::with_parts(config, DefaultConnector::default(), guard);
    let sent = if body.is_empty() && !matches!(method, "POST" | "PUT" | "PATCH") {
        request.body(()).map(|request| agent.run(request))
    } else {
        request.body(body).map(|request| agent.run(request))
    };
    sent.map_err(|error| FetchError::Protocol(error.to_string()))?.map_err(|error| failure(error, url))
}

fn without_userinfo(url: &Url) -> Url {
    let mut url = url.clone();
    // Neither fails for http and https.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

/// Finds the addresses of a host, and refuses those that the rule does not mean: what was checked is what is connected to.
#[derive(Debug)]
struct Guard {
    rule: Rule,
    network: Network,
    method: String,
    url: String,
}

/// What [`Guard`] says through `ureq`, which has no error for it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(ureq::Error::BadUri(uri.to_string()));
        };
        let Some(name) = DefaultResolver::host_and_port(scheme, authority) else {
            return Err(ureq::Error::BadUri(uri.to_string()));
        };
        let mut all = self.empty();
        for address in name.to_socket_addrs().map_err(|_| ureq::Error::HostNotFound)? {
            if !self.rule.allows_address(address.ip()) {
                let why = format!(
                    "{} has the address {}, which is of this machine or of a private network; the network policy \
                     of this session does not allow that",
                    authority.host(),
                    address.ip()
                );
                let decision = Decision::Denied(why.clone());
                self.network.tell(&Access { method: &self.method, url: &self.url, decision: &decision });
                return Err(ureq::Error::Other(Box::new(Refused(why))));
            }
            if all.len() < MOST_ADDRESSES {
                all.push(address);
            }
        }
        if all.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(all) }
    }
}

/// What `ResolvedSocketAddrs` has room for.
const MOST_ADDRESSES: usize = 16;

fn failure(error: ureq::Error, url: &Url) -> FetchError {
    match error {
        ureq::Error::HostNotFound => FetchError::UnknownHost(url.host_str().unwrap_or_default().to_owned()),
        ureq::Error::Timeout(_) => FetchError::TimedOut,
        ureq::Error::ConnectionFailed => FetchError::Refused,
        ureq::Error::Tls(why) => FetchError::Tls(why.to_owned()),
        ureq::Error::Rustls(error) => FetchError::Tls(error.to_string()),
        ureq::Error::Io(error) => io_failure(&error),
        ureq::Error::Other(other) if other.is::<Refused>() => FetchError::Denied(other.to_string()),
        error => FetchError::Protocol(error.to_string()),
    }
}

fn io_failure(error: &std::io::Error) -> FetchError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => FetchError::Refused,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => FetchError::TimedOut,
        // What rustls has to say comes as an error of reading or writing.
        ErrorKind::InvalidData => FetchError::Tls(error.to_string()),
        _ => FetchError::Protocol(error.to_string()),
    }
}

fn receive(
    network: &Network,
    mut response: ureq::http::Response<Body>,
    url: &Url,
    parts: &Parts,
) -> Result<(), FetchError> {
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| Header { name: name.as_str().to_owned(), value: value.as_bytes().to_vec() })
        .collect();
    let head = ResponseHead { status: response.status().as_u16(), url: url.to_string(), headers };
    if !parts.send(Answer::Head(head)) {
        return Ok(());
    }
    let mut body = response.body_mut().as_reader();
    let mut total: u64 = 0;
    loop {
        let mut piece = vec![0; PIECE];
        let count = match body.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(match error.downcast::<ureq::Error>() {
                    Ok(error) => failure(error, url),
                    Err(error) => io_failure(&error),
                });
            }
        };
        total += count as u64;
        if total > network.body_bytes {
            return Err(FetchError::TooLarge(network.body_bytes));
        }
        piece.truncate(count);
        if !parts.send(Answer::Body(piece)) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next answer to anything.
    fn answer(exchanges: &mut Exchanges, mailbox: &Mailbox) -> (RequestId, Answer) {
        loop {
            if let Some(answer) = exchanges.take(|_| true).pop() {
                return answer;
            }
            mailbox.wait(None);
            mailbox.take();
        }
    }

    #[test]
    fn exchanges_that_were_given_up_count_while_they_last() {
        // Takes connections and says nothing.
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let network = Network::new().allow(address.to_string().parse().unwrap());
        let mailbox = Arc::new(Mailbox::default());
        let mut exchanges = Exchanges::new(Some(Arc::new(network)));
        exchanges.at_a_time = 2;
        let request = || Request {
            method: "GET".to_owned(),
            url: format!("http://{address}/"),
            headers: Vec::new(),
            body: Vec::new(),
            redirects: 0,
            timeout_ms: None,
        };
        for id in 0..2 {
            exchanges.begin(id, request(), &mailbox);
            exchanges.cancel(id);
        }
        exchanges.begin(2, request(), &mailbox);
        let (id, refused) = answer(&mut exchanges, &mailbox);
        let Answer::Ended(Err(FetchError::Protocol(why))) = refused else { panic!("{refused:?}") };
        assert_eq!((id, &*why), (2, "2 requests are under way, which is the limit"));
        // Their ends come when the server hangs up.
        drop((server.accept().unwrap(), server.accept().unwrap(), server));
        while Arc::strong_count(&exchanges.threads) > 1 {
            std::thread::yield_now();
        }
        exchanges.begin(3, request(), &mailbox);
        assert!(matches!(answer(&mut exchanges, &mailbox), (3, Answer::Ended(Err(FetchError::Refused)))));
    }
}
