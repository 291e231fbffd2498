//! The transport by HTTP ("streamable HTTP" of the protocol): a message is the body of a POST, its answer the response's.
//! Every client that says `initialize` has a session of its own, which its later messages name in a header.
//!
//! The server has nothing to say by itself, so it offers no stream of events: GET is answered with 405, as the protocol has
//! it for such servers.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tiny_http::{Header, Method, Request, Response, Server};
use wasmsh::SessionBuilder;

use super::{Client, INVALID_REQUEST, PARSE_ERROR, VERSIONS, failure};
use crate::cli::{Mcp, NoSession, SOFTWARE, chain, complain};

/// Where messages are sent.
const PATH: &str = "/mcp";

/// The variable that holds what clients must say to be let in: `Authorization: Bearer …`.
const TOKEN: &str = "WASMSH_MCP_TOKEN";

/// The most bytes of one message.
const LONGEST: u64 = 64 << 20;

/// A client that has said nothing for so long makes room for another one, when there is no other.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// Who is being served.
struct Service {
    builder: SessionBuilder,
    options: Mcp,
    token: Option<String>,
    clients: Mutex<Clients>,
}

/// Those who have said `initialize`.
#[derive(Default)]
struct Clients {
    /// By the names of their sessions, and when each was last heard.
    table: BTreeMap<String, (Arc<Client>, Instant)>,
    /// How many more there are to be, whose sessions are being made.
    coming: usize,
}

/// Room for a client whose session is being made: others are served meanwhile.
struct Room<'s>(&'s Service);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.clients().coming -= 1;
    }
}

type Body = Response<Cursor<Vec<u8>>>;

/// Serves until the program is ended.
pub(super) fn serve(options: &Mcp, address: SocketAddr) -> u8 {
    let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
    if token.is_none() && !address.ip().is_loopback() {
        complain(&format!("--http {address}: {TOKEN} must be set to be reached from other machines"));
        return 2;
    }
    let builder = match options.session.builder() {
        Ok(builder) => builder,
        Err(NoSession(status, why)) => {
            complain(&why);
            return status;
        }
    };
    let server = match Server::http(address) {
        Ok(server) => server,
        Err(error) => {
            complain(&format!("--http {address}: {error}"));
            return SOFTWARE;
        }
    };
    complain(&format!("serving at http://{}{PATH}", server.server_addr()));
    let service = Arc::new(Service { builder, options: options.clone(), token, clients: Mutex::default() });
    for request in server.incoming_requests() {
        let service = Arc::clone(&service);
        let answering = move || service.answer(request);
        // A body may come slowly.
        if let Err(error) = std::thread::Builder::new().name("wasmsh-mcp".into()).spawn(answering) {
            complain(&format!("no thread for a request: {error}"));
        }
    }
    0
}

impl Service {
    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut request: Request) {
        if let Err(response) = self.admits(&request) {
            send(request, response);
            return;
        }
        match request.method() {
            Method::Post => {
                let mut text = Vec::new();
                let read = request.as_reader().take(LONGEST + 1).read_to_end(&mut text);
                let response = match read {
                    Ok(length) if length as u64 > LONGEST => refusal(413, "the message is too long"),
                    Ok(_) => match serde_json::from_slice(&text) {
                        Ok(message) => return self.message(request, &message),
                        Err(error) => answer(400, &failure(&Value::Null, PARSE_ERROR, &error.to_string())),
                    },
                    Err(error) => refusal(400, &error.to_string()),
                };
                send(request, response);
            }
            Method::Delete => {
                let ended = name(&request).and_then(|name| self.clients().table.remove(&name));
                let response = match ended {
                    Some((client, _)) => {
                        client.cancel();
                        empty(204)
                    }
                    None => refusal(404, "no such session"),
                };
                send(request, response);
            }
            _ => send(request, with(refusal(405, "POST a message"), "Allow", "POST, DELETE")),
        }
    }

    /// Whether somebody may ask at all. A page of the web must not reach this machine through its user's browser: what
    /// sends the origin of another place, or has found this one under another name, is refused.
    fn admits(&self, request: &Request) -> Result<(), Body> {
        if request.url().split('?').next() != Some(PATH) {
            return Err(refusal(404, "messages are sent to /mcp"));
        }
        if let Some(token) = &self.token {
            let given = value(request, "Authorization").unwrap_or_default();
            if !same(given.as_bytes(), format!("Bearer {token}").as_bytes()) {
                return Err(with(refusal(401, "no token"), "WWW-Authenticate", "Bearer"));
            }
        } else {
            let here = |place: &str| {
                let host = place.split_once("://").map_or(place, |(_, host)| host);
                let host = if host.starts_with('[') {
                    host.split_inclusive(']').next()
                } else {
                    host.split(':').next()
                };
                matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"))
            };
            let from = ["Origin", "Host"].map(|name| value(request, name));
            if from.iter().flatten().any(|place| !here(place)) {
                return Err(refusal(403, "not from here"));
            }
        }
        match value(request, "MCP-Protocol-Version") {
            Some(version) if !VERSIONS.contains(&version) => {
                Err(refusal(400, "no such version of the protocol"))
            }
            _ => Ok(()),
        }
    }

    fn message(&self, request: Request, message: &Value) {
        if !message.is_object() {
            send(request, answer(400, &failure(&Value::Null, INVALID_REQUEST, "not one message")));
            return;
        }
        let (client, new) = if message.get("method") == Some(&json!("initialize")) {
            match self.begin() {
                Ok((name, client)) => (client, Some(name)),
                Err(response) => return send(request, response),
            }
        } else {
            let Some(name) = name(&request) else {
                return send(request, refusal(400, "no Mcp-Session-Id"));
            };
            let Some(client) = self.clients().table.get_mut(&name).map(|(client, heard)| {
                *heard = Instant::now();
                Arc::clone(client)
            }) else {
                return send(request, refusal(404, "no such session"));
            };
            (client, None)
        };
        // What needs no answer leaves it where it is, and is told that it was taken.
        let place = Arc::new(Mutex::new(Some(request)));
        let taken = Arc::clone(&place);
        let needs_none = message.get("id").is_none() || message.get("method").is_none();
        client.receive(
            message,
            Box::new(move |text| {
                let mut response = answer(200, &text);
                if let Some(name) = new {
                    response = with(response, "Mcp-Session-Id", &name);
                }
                if let Some(request) = take(&taken) {
                    send(request, response);
                }
            }),
        );
        if needs_none && let Some(request) = take(&place) {
            send(request, empty(202));
        }
    }

    /// Room for one more client, if need be by forgetting one.
    fn room(&self) -> Result<Room<'_>, Body> {
        let mut clients = self.clients();
        if clients.table.len().saturating_add(clients.coming) >= self.options.sessions {
            let oldest = clients
                .table
                .iter()
                .filter(|(_, (client, heard))| client.idle() && heard.elapsed() >= FORGOTTEN)
                .min_by_key(|(_, (_, heard))| *heard)
                .map(|(name, _)| name.clone());
            match oldest {
                Some(name) => clients.table.remove(&name),
                None => return Err(refusal(503, "too many sessions")),
            };
        }
        clients.coming += 1;
        Ok(Room(self))
    }

    /// A client of its own.
    fn begin(&self) -> Result<(String, Arc<Client>), Body> {
        let room = self.room()?;
        let failed = |why: &str| {
            complain(why);
            refusal(500, "the sandbox cannot be made")
        };
        let mut session = self.builder.clone().build().map_err(|error| failed(&chain(&error)))?;
        self.options.session.prepare(&mut session).map_err(|NoSession(_, why)| failed(&why))?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| failed(&error.to_string()))?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let client = Arc::new(Client::new(session));
        self.clients().table.insert(name.clone(), (Arc::clone(&client), Instant::now()));
        drop(room);
        Ok((name, client))
    }
}

fn take(place: &Mutex<Option<Request>>) -> Option<Request> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Compares in a time that does not tell where the two differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn value<'r>(request: &'r Request, name: &'static str) -> Option<&'r str> {
    request.headers().iter().find(|header| header.field.equiv(name)).map(|header| header.value.as_str())
}

fn name(request: &Request) -> Option<String> {
    value(request, "Mcp-Session-Id").map(str::to_owned)
}

/// Adds a header of ours, whose name and value are ASCII.
fn with(mut response: Body, name: &str, value: &str) -> Body {
    if let Ok(header) = Header::from_bytes(name, value) {
        response.add_header(header);
    }
    response
}

fn empty(status: u16) -> Body {
    Response::from_data(Vec::new()).with_status_code(status)
}

/// Text for whoever looks for the reason.
fn refusal(status: u16, why: &str) -> Body {
    Response::from_string(format!("{why}\n")).with_status_code(status)
}

fn answer(status: u16, message: &Value) -> Body {
    let body = Response::from_string(message.to_string()).with_status_code(status);
    with(body, "Content-Type", "application/json")
}

fn send(request: Request, response: Body) {
    if let Err(error) = request.respond(response) {
        tracing::debug!(%error, "a client has gone");
    }
}
