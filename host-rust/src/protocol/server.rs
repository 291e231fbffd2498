//! The registry of sessions: each has a thread that carries out its commands one after the other.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::data::{Cutter, Data};
use super::{Command, Event, Init, Reply, Request, RunRequest, VERSION};
use crate::files::FileError;
use crate::network::Network;
use crate::pipe::Pipe;
use crate::run::RunError;
use crate::session::{Control, Session, SessionBuilder, SessionError};
use crate::snapshot::{Snapshot, SnapshotError};
use crate::types::{Errno, Signal, Stream};

/// Sessions that one server has at most, unless it is told another number.
const MOST_SESSIONS: usize = 1000;

type Tell = Arc<dyn Fn(Event) + Send + Sync>;

/// Sessions by name, and what is told of them.
///
/// ```no_run
/// use wasmsh::Sandbox;
/// use wasmsh::protocol::{Event, Server};
///
/// let server = Server::new(Sandbox::builder(), |event: Event| {
///     println!("{}", serde_json::to_string(&event).unwrap_or_default());
/// });
/// for line in std::io::stdin().lines() {
///     server.line(&line?);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Server(Arc<Shared>);

/// What the server shares with the threads of its sessions.
struct Shared {
    builder: SessionBuilder,
    tell: Tell,
    sessions: Mutex<HashMap<String, Handle>>,
    most: usize,
    clients_choose_network: bool,
}

/// A session's thread, and what reaches it past its queue.
struct Handle {
    jobs: Sender<(u64, Command)>,
    outside: Arc<Mutex<Outside>>,
}

/// What is used while a run is under way.
#[derive(Default)]
struct Outside {
    control: Option<Control>,
    /// Runs that are not over, in their order.
    runs: VecDeque<Asked>,
    /// Of runs that have not begun yet too.
    stdin: HashMap<u64, Input>,
    closed: bool,
}

/// A run that a client has asked for, and what is meant for it before it can have it.
#[derive(Default)]
struct Asked {
    begun: bool,
    cancelled: bool,
    signals: Vec<Signal>,
}

impl Outside {
    /// Interrupts the run that is under way, or is the next.
    fn interrupt(&mut self, signal: Option<Signal>) {
        match (self.runs.front_mut().filter(|run| !run.begun), signal) {
            (Some(run), Some(signal)) => run.signals.push(signal),
            (Some(run), None) => run.cancelled = true,
            (None, signal) => {
                let Some(control) = &self.control else { return };
                match signal {
                    Some(signal) => control.signal(signal),
                    None => control.cancel(),
                }
            }
        }
    }

    /// The first of the runs has begun.
    fn begin(&mut self, control: &Control) {
        let Some(run) = self.runs.front_mut() else { return };
        run.begun = true;
        std::mem::take(&mut run.signals).into_iter().for_each(|signal| control.signal(signal));
        if run.cancelled || self.closed {
            control.cancel();
        }
    }
}

/// The standard input of a run.
#[derive(Default)]
struct Input {
    /// What came before the run has begun.
    early: Vec<u8>,
    ended: bool,
    pipe: Option<Arc<Pipe>>,
}

impl Input {
    fn end(&mut self) {
        self.ended = true;
        if let Some(pipe) = &self.pipe {
            pipe.end_from_outside();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut outside = lock(&self.outside);
        outside.closed = true;
        if let Some(control) = &outside.control {
            control.cancel();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a command is not carried out.
struct Failed {
    kind: &'static str,
    errno: Option<Errno>,
    message: String,
}

impl Failed {
    fn new(kind: &'static str, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut next = error.source();
        while let Some(error) = next {
            message.push_str(": ");
            message.push_str(&error.to_string());
            next = error.source();
        }
        Self { kind, errno: None, message }
    }

    fn request(message: impl Into<String>) -> Self {
        Self { kind: "request", errno: None, message: message.into() }
    }
}

impl From<FileError> for Failed {
    fn from(error: FileError) -> Self {
        Self { errno: error.errno(), ..Self::new("file", &error) }
    }
}

impl From<SessionError> for Failed {
    fn from(error: SessionError) -> Self {
        Self::new("session", &error)
    }
}

impl From<SnapshotError> for Failed {
    fn from(error: SnapshotError) -> Self {
        Self::new("snapshot", &error)
    }
}

impl From<RunError> for Failed {
    fn from(error: RunError) -> Self {
        Self::new(if matches!(error, RunError::Busy(_)) { "busy" } else { "session" }, &error)
    }
}

impl Server {
    /// A server whose sessions are made by this builder; `tell` is called from many threads, and its events are in
    /// order for each session.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use wasmsh::Sandbox;
    /// use wasmsh::protocol::{Event, Server};
    ///
    /// let (sender, events) = channel();
    /// let server = Server::new(Sandbox::builder(), move |event| sender.send(event).unwrap_or_default());
    /// assert!(matches!(events.recv()?, Event::Version { protocol: 1, .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(builder: SessionBuilder, tell: impl Fn(Event) + Send + Sync + 'static) -> Self {
        let tell: Tell = Arc::new(tell);
        tell(Event::Version { protocol: VERSION, version: env!("CARGO_PKG_VERSION").to_owned() });
        Self(Arc::new(Shared {
            builder,
            tell,
            sessions: Mutex::default(),
            most: MOST_SESSIONS,
            clients_choose_network: false,
        }))
    }

    /// The most sessions at one time; 1,000 unless set.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use wasmsh::Sandbox;
    /// use wasmsh::protocol::{Event, Server};
    ///
    /// let (sender, events) = channel();
    /// let server = Server::new(Sandbox::builder(), move |event| sender.send(event).unwrap_or_default()).most_sessions(0);
    /// server.line(r#"{"id": 1, "type": "Run", "script": "true"}"#);
    /// assert!(events.iter().any(|event| matches!(event, Event::Failure { id: 1, .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn most_sessions(mut self, most: usize) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.0) {
            shared.most = most;
        }
        self
    }

    /// Lets `Init.allowedHosts` allow hosts: for clients that may reach them anyway.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use wasmsh::Sandbox;
    /// use wasmsh::protocol::{Event, Server};
    ///
    /// let (sender, events) = channel();
    /// let tell = move |event| sender.send(event).unwrap_or_default();
    /// let server = Server::new(Sandbox::builder(), tell).clients_choose_network(true);
    /// server.line(r#"{"id": 1, "type": "Init", "allowedHosts": ["example.org"]}"#);
    /// assert!(events.iter().any(|event| matches!(event, Event::Reply { id: 1, .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn clients_choose_network(mut self, choose: bool) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.0) {
            shared.clients_choose_network = choose;
        }
        self
    }

    /// Takes one message as JSON.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use wasmsh::Sandbox;
    /// use wasmsh::protocol::{Event, Server};
    ///
    /// let (sender, events) = channel();
    /// let server = Server::new(Sandbox::builder(), move |event| sender.send(event).unwrap_or_default());
    /// server.line(r#"{"id": 1, "type": "Run", "script": "exit 3"}"#);
    /// assert!(events.iter().any(|event| matches!(event, Event::Exit { id: 1, status: 3, .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn line(&self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        match serde_json::from_str(line) {
            Ok(request) => self.request(request),
            Err(error) => (self.0.tell)(Event::Diagnostic {
                level: "error".to_owned(),
                message: format!("bad request: {error}"),
            }),
        }
    }

    /// Takes one message. This does not wait for what it asks.
    ///
    /// ```
    /// use wasmsh::protocol::{Command, Request};
    /// use std::sync::mpsc::channel;
    /// use wasmsh::Sandbox;
    /// use wasmsh::protocol::{Event, Server};
    ///
    /// let (sender, events) = channel();
    /// let server = Server::new(Sandbox::builder(), move |event| sender.send(event).unwrap_or_default());
    /// let command = Command::ReadFile { path: "missing".into() };
    /// server.request(Request { id: 1, session: "a".into(), command });
    /// assert!(events.iter().any(|event| matches!(event, Event::Failure { kind, .. } if kind == "file")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn request(&self, request: Request) {
        let Request { id, session, command } = request;
        match self.0.dispatch(id, &session, command) {
            Ok(None) => {}
            Ok(Some(value)) => (self.0.tell)(Event::Reply { id, session, value }),
            Err(failed) => (self.0.tell)(failed.event(id, session)),
        }
    }

    /// Waits until everything that was asked is done, at the end of a connection.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use wasmsh::Sandbox;
    /// use wasmsh::protocol::{Event, Server};
    ///
    /// let (sender, events) = channel();
    /// let server = Server::new(Sandbox::builder(), move |event| sender.send(event).unwrap_or_default());
    /// server.line(r#"{"id": 1, "type": "Run", "script": "echo done > file"}"#);
    /// server.drain();
    /// assert!(events.iter().any(|event| matches!(event, Event::Exit { status: 0, .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(self) {
        // What is dropped before its thread is through is cancelled.
        let handles: Vec<_> = lock(&self.0.sessions).drain().map(|(_, handle)| handle).collect();
        for handle in &handles {
            let mut outside = lock(&handle.outside);
            outside.stdin.values_mut().for_each(Input::end);
            drop(outside);
            // One that has ended needs no telling.
            let _ = handle.jobs.send((0, Command::Close));
        }
        for handle in handles {
            let outside = Arc::clone(&handle.outside);
            // The thread has the other one.
            while Arc::strong_count(&outside) > 2 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
    }
}

impl Shared {
    /// `None`: the session's thread answers, or nobody does.
    fn dispatch(self: &Arc<Self>, id: u64, name: &str, command: Command) -> Result<Option<Reply>, Failed> {
        let mut sessions = lock(&self.sessions);
        let known = sessions.get(name);
        let unknown = || Failed::request("no such session");
        match command {
            Command::Close => {
                let handle = sessions.remove(name).ok_or_else(unknown)?;
                drop(sessions);
                drop(handle);
                Ok(Some(Reply::Done(())))
            }
            Command::Init(_) if known.is_some() => Err(Failed::request("the session exists")),
            Command::Stdin { run, data } => {
                let mut outside = lock(&known.ok_or_else(unknown)?.outside);
                let input = outside.stdin.get_mut(&run).ok_or_else(|| Failed::request("no such run"))?;
                match &input.pipe {
                    // A client that sends more than is read must not stop the others: the pipe takes all.
                    Some(pipe) => pipe.push_from_outside(&data.0),
                    None => input.early.extend_from_slice(&data.0),
                }
                Ok(None)
            }
            Command::StdinEnd { run } => {
                let mut outside = lock(&known.ok_or_else(unknown)?.outside);
                let input = outside.stdin.get_mut(&run).ok_or_else(|| Failed::request("no such run"))?;
                input.end();
                Ok(None)
            }
            Command::Signal { .. } | Command::Cancel => {
                let signal = if let Command::Signal { signal } = command { Some(signal) } else { None };
                lock(&known.ok_or_else(unknown)?.outside).interrupt(signal);
                Ok(Some(Reply::Done(())))
            }
            command => {
                if known.is_none() {
                    let init = match &command {
                        Command::Init(init) => init.clone(),
                        _ => Init::default(),
                    };
                    let builder = self.configure(&init)?;
                    let handle = self.start(name, &sessions, move || begin(builder, init))?;
                    sessions.insert(name.to_owned(), handle);
                }
                if let Some(handle) = sessions.get(name) {
                    if let Command::Run(run) = &command {
                        let mut outside = lock(&handle.outside);
                        outside.runs.push_back(Asked::default());
                        if run.stream_stdin {
                            outside.stdin.insert(id, Input::default());
                        }
                    }
                    handle.jobs.send((id, command)).map_err(|_| Failed::request("the session has ended"))?;
                }
                Ok(None)
            }
        }
    }

    fn configure(&self, init: &Init) -> Result<SessionBuilder, Failed> {
        let mut builder = self.builder.clone();
        for (name, value) in &init.env {
            builder = builder.env(name, value.0.clone());
        }
        if let Some(cwd) = &init.cwd {
            builder = builder.cwd(cwd);
        }
        let mut limits = init.limits;
        if let Some(steps) = init.step_budget {
            limits.get_or_insert(builder.present_limits()).steps = (steps > 0).then_some(steps);
        }
        if let Some(limits) = limits {
            builder = builder.limits(limits);
        }
        if let Some(ceilings) = init.ceilings {
            builder = builder.ceilings(ceilings);
        }
        if let Some(quota) = init.quota {
            builder = builder.quota(quota);
        }
        if let Some(bytes) = init.memory_limit {
            builder = builder.memory_limit(bytes);
        }
        if !init.allowed_hosts.is_empty() {
            if !self.clients_choose_network {
                return Err(Failed::request("this server does not let clients allow hosts"));
            }
            let mut network = Network::new();
            for host in &init.allowed_hosts {
                network = network.allow(host.parse().map_err(|error| Failed::new("request", &error))?);
            }
            builder = builder.network(network);
        }
        Ok(builder)
    }

    /// Starts the thread of a session.
    fn start(
        self: &Arc<Self>,
        name: &str,
        sessions: &HashMap<String, Handle>,
        make: impl FnOnce() -> Result<Session, Failed> + Send + 'static,
    ) -> Result<Handle, Failed> {
        if sessions.len() >= self.most {
            return Err(Failed::request(format!("there are {} sessions, which is the limit", self.most)));
        }
        let (jobs, queue) = channel();
        let outside: Arc<Mutex<Outside>> = Arc::default();
        let worker =
            Worker { shared: Arc::clone(self), name: name.to_owned(), outside: Arc::clone(&outside) };
        let thread = std::thread::Builder::new().name("wasmsh-session".into());
        thread.spawn(move || worker.work(make, &queue)).map_err(|error| Failed::new("session", &error))?;
        Ok(Handle { jobs, outside })
    }
}

/// A new session as `Init` wants it.
fn begin(builder: SessionBuilder, init: Init) -> Result<Session, Failed> {
    let mut session = builder.build()?;
    if let Some(snapshot) = init.snapshot {
        session.restore(&Snapshot::from_bytes(snapshot.0)?)?;
    }
    for file in init.initial_files {
        session.write_file_with_mode(&file.path, file.content.0, file.mode.unwrap_or(0o644))?;
    }
    Ok(session)
}

impl Failed {
    fn event(self, id: u64, session: String) -> Event {
        let Self { kind, errno, message } = self;
        Event::Failure { id, session, kind: kind.to_owned(), errno, message }
    }
}

/// The thread of a session.
struct Worker {
    shared: Arc<Shared>,
    name: String,
    outside: Arc<Mutex<Outside>>,
}

impl Worker {
    fn tell(&self, event: Event) {
        (self.shared.tell)(event);
    }

    fn work(&self, make: impl FnOnce() -> Result<Session, Failed>, queue: &Receiver<(u64, Command)>) {
        let mut session = match make() {
            Ok(session) => session,
            Err(failed) => {
                // Whatever was asked of it has this answer. Somebody may have closed it, and begun another of that name.
                let mut sessions = lock(&self.shared.sessions);
                if sessions.get(&self.name).is_some_and(|handle| Arc::ptr_eq(&handle.outside, &self.outside))
                {
                    sessions.remove(&self.name);
                }
                drop(sessions);
                let mut failed = Some(failed);
                while let Ok((id, _)) = queue.recv() {
                    let again = || Failed::request("the session could not be made");
                    self.tell(failed.take().unwrap_or_else(again).event(id, self.name.clone()));
                }
                return;
            }
        };
        lock(&self.outside).control = Some(session.control());
        while let Ok((id, command)) = queue.recv() {
            if lock(&self.outside).closed || matches!(command, Command::Close) {
                return;
            }
            let is_run = matches!(command, Command::Run(_));
            let event = match self.carry_out(&mut session, id, command) {
                Ok(event) => event,
                Err(failed) => failed.event(id, self.name.clone()),
            };
            if is_run {
                lock(&self.outside).runs.pop_front();
            }
            self.tell(event);
        }
    }

    fn carry_out(&self, session: &mut Session, id: u64, command: Command) -> Result<Event, Failed> {
        let value = match command {
            Command::Run(run) => return self.run(session, id, run),
            Command::WriteFile { path, content, mode: None } => {
                session.write_file(&path, content.0)?;
                Reply::Done(())
            }
            Command::WriteFile { path, content, mode: Some(mode) } => {
                session.write_file_with_mode(&path, content.0, mode)?;
                Reply::Done(())
            }
            Command::ReadFile { path } => Reply::Content { content: Data(session.read_file(&path)?) },
            Command::ListDir { path } => Reply::Entries { entries: session.list_dir(&path)? },
            Command::Stat { path } => Reply::Stat { stat: session.stat(&path)? },
            Command::Remove { path } => {
                session.remove_all(&path)?;
                Reply::Done(())
            }
            Command::Rename { from, to } => {
                session.rename(&from, &to)?;
                Reply::Done(())
            }
            Command::Snapshot => Reply::Snapshot { snapshot: Data(session.snapshot()?.into_bytes()) },
            Command::Restore { snapshot } => {
                session.restore(&Snapshot::from_bytes(snapshot.0)?)?;
                Reply::Done(())
            }
            Command::Fork { to } => {
                let other = session.fork()?;
                let mut sessions = lock(&self.shared.sessions);
                if sessions.contains_key(&to) {
                    return Err(Failed::request("the session exists"));
                }
                let handle = self.shared.start(&to, &sessions, move || Ok(other))?;
                sessions.insert(to, handle);
                Reply::Done(())
            }
            // These are answered before they come here, and `Init` by having come here.
            Command::Init(_)
            | Command::Stdin { .. }
            | Command::StdinEnd { .. }
            | Command::Signal { .. }
            | Command::Cancel
            | Command::Close => Reply::Done(()),
        };
        Ok(Event::Reply { id, session: self.name.clone(), value })
    }

    fn run(&self, session: &mut Session, id: u64, request: RunRequest) -> Result<Event, Failed> {
        let pipe = request.stream_stdin.then(|| {
            let pipe = Pipe::new(&session.mailbox);
            if let Some(input) = lock(&self.outside).stdin.get_mut(&id) {
                pipe.push(&std::mem::take(&mut input.early));
                if input.ended {
                    pipe.end();
                }
                input.pipe = Some(Arc::clone(&pipe));
            }
            pipe
        });
        let mut limits = request.limits;
        if let Some(ms) = request.timeout_ms {
            limits.get_or_insert(session.limits).wall_time_ms = (ms > 0).then_some(ms);
        }
        let (outside, control) = (Arc::clone(&self.outside), session.control());
        let mut run = session
            .run(request.script.0)
            .on_start(move || lock(&outside).begin(&control))
            .args(request.args.into_iter().map(|argument| argument.0));
        if let Some(name) = request.name {
            run = run.name(name.0);
        }
        for (name, value) in request.env {
            run = run.env(name, value.0);
        }
        if let Some(cwd) = request.cwd {
            run = run.cwd(cwd);
        }
        if let Some(limits) = limits {
            run = run.limits(limits);
        }
        if let Some(bytes) = request.stdin {
            run = run.stdin(bytes.0);
        }
        if let Some(pipe) = pipe {
            run = run.stdin_pipe(pipe);
        }
        if request.fresh {
            run = run.fresh();
        }
        let cutters: Arc<Mutex<(Cutter, Cutter)>> = Arc::default();
        let (writing, tell, name) = (Arc::clone(&cutters), Arc::clone(&self.shared.tell), self.name.clone());
        let result = run.stream_output(move |stream, bytes| {
            let mut cutters = lock(&writing);
            let cutter = if stream == Stream::Stdout { &mut cutters.0 } else { &mut cutters.1 };
            told(&tell, stream, id, &name, cutter.next(bytes));
            ControlFlow::Continue(())
        });
        lock(&self.outside).stdin.remove(&id);
        let (out, err) = std::mem::take(&mut *lock(&cutters));
        told(&self.shared.tell, Stream::Stdout, id, &self.name, out.rest());
        told(&self.shared.tell, Stream::Stderr, id, &self.name, err.rest());
        let output = result?;
        Ok(Event::Exit {
            id,
            session: self.name.clone(),
            status: output.status(),
            exit: output.exit,
            steps: output.steps,
            exceeded: output.exceeded,
            recovery: output.recovery,
        })
    }
}

fn told(tell: &Tell, stream: Stream, id: u64, session: &str, data: Data) {
    if data.0.is_empty() {
        return;
    }
    let session = session.to_owned();
    tell(match stream {
        Stream::Stdout => Event::Stdout { id, session, data },
        Stream::Stderr => Event::Stderr { id, session, data },
    });
}
