//! The server over real HTTP and real sockets, with a journal in memory and a service that answers as it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use agora::{EventType, Mode, Operation, Timestamp, UnansweredCause};
use hmac::{Hmac, KeyInit, Mac};
use proxy::server::ports::{
    AppSettings, Boxed, Clock, Outcome, OutgoingCall, Passed, Settings, TokenHolder, Upstream, digest_of,
};
use proxy::server::{self, Parts};
use proxy::signature::Signatures;
use rules::api::{
    Asked, AuditOutcome, AuditRecord, Capability, Frame, FrameContent, FromClient, FromProxy, Hello,
    NamedPolicy, Person, Problem, RecordingPage, Role, SharedViews, StorageSetup, UnmatchedPage,
};
use rules::journal::{Domain, Notified, NotifiedAgain};
use rules::{AppEntry, AppFact, Fact, Policy};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;
use switchboard::memory::MemoryStore;
use switchboard::ports::{Request, RequestFacts, Requests};
use tokio::sync::mpsc::UnboundedSender;
use tungstenite::{Message, WebSocket};

/// A body for each request, told by its operation.
struct PlainRequests;

impl Requests for PlainRequests {
    fn build(&self, facts: &RequestFacts<'_>) -> Result<Request, String> {
        let body = if facts.operation == Operation::Query { Vec::new() } else { b"{}".to_vec() };
        let path = format!("/{}", facts.operation);
        Ok(Request { host: "api.agora.io".to_owned(), path, body, body_hash: "hash".to_owned() })
    }
}

/// A service that acquires at once.
struct Willing {
    /// How many requests it got.
    sent: Arc<AtomicUsize>,
}

impl Upstream for Willing {
    fn send(&self, call: OutgoingCall, tell: UnboundedSender<Outcome>) -> Boxed<()> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let outcome = match call.request.path.as_str() {
                "/acquire" => Outcome::Answered {
                    status: 200,
                    retry_after: None,
                    body: b"{\"resourceId\":\"a-resource\"}".to_vec(),
                },
                _ => Outcome::Unanswered(UnansweredCause::Refused),
            };
            tell.send(outcome).expect("somebody listens");
        })
    }

    fn simulator(&self, get: bool, path: String, body: Vec<u8>) -> Boxed<Result<Passed, UnansweredCause>> {
        Box::pin(async move {
            let body = format!("{get} {path} {}", String::from_utf8_lossy(&body)).into_bytes();
            Ok(Passed { status: 201, content_type: "text/plain".to_owned(), body })
        })
    }
}

struct Wall(std::time::Instant);

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000) + self.0.elapsed()
    }

    fn rate(&self) -> u32 {
        1
    }
}

/// The old and the new secret of notifications; one that was taken away long ago is not among them.
/// The last one is that of the service's published example.
const SECRETS: [&str; 3] = ["old-secret", "new-secret", "secret"];

/// What the attendant shows.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn signatures() -> Signatures {
    let secrets = SECRETS.iter().map(|secret| SecretString::from(*secret)).collect();
    Signatures::new(BTreeMap::from([("desk".to_owned(), secrets)]))
}

/// HMAC-SHA256 of a body, in hexadecimal.
fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("keys of any length");
    mac.update(body.as_bytes());
    proxy::store::hex(&mac.finalize().into_bytes())
}

/// One request, with exactly these headers beside `Host`, `Connection` and the length.
fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
    let own_host = headers.iter().any(|(name, _)| *name == "host");
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !own_host {
        request += &format!("host: {}\r\n", address);
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n{body}", body.len());
    // A refused body may not be read to its end.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_ascii_lowercase(), body.to_owned())
}

struct Rig {
    address: SocketAddr,
    store: MemoryStore,
    /// How many requests the service got.
    sent: Arc<AtomicUsize>,
    /// Dropping it ends the server.
    ending: Option<tokio::sync::oneshot::Sender<()>>,
    ended: Receiver<std::io::Result<()>>,
}

impl Rig {
    fn start(role: Role, demo: bool) -> Self {
        let mut capabilities = vec![Capability::View];
        if role != Role::Viewer {
            capabilities.push(Capability::Operate);
        }
        if role == Role::Lead {
            capabilities.push(Capability::Lead);
        }
        if demo {
            capabilities.push(Capability::Simulate);
        }
        let settings = Settings {
            apps: vec![AppSettings {
                name: "desk".to_owned(),
                hosts: vec![(Domain::Primary, "api.agora.io".to_owned())],
                builds_tokens: false,
                storage: vec![StorageSetup {
                    name: "archive".to_owned(),
                    place: "somewhere".to_owned(),
                    file_name_prefix: Vec::new(),
                }],
                modes: vec![Mode::Mix],
                qps: 10,
                pcw: 50,
                uid_range: (1_000, 1_999),
            }],
            policies: vec![NamedPolicy { name: "patient".to_owned(), policy: Policy::default() }],
            person: Person { name: "Kim".to_owned(), role, capabilities },
            tokens: vec![TokenHolder {
                digest: digest_of(TOKEN),
                person: Person {
                    name: "Night".to_owned(),
                    role: Role::Attendant,
                    capabilities: vec![Capability::View, Capability::Operate],
                },
            }],
            demo,
            allowed_origins: vec!["https://desk.example.org".to_owned()],
            allowed_hosts: vec!["api.example.org".to_owned()],
            build: "test".to_owned(),
        };
        let store = MemoryStore::default();
        let sent = Arc::new(AtomicUsize::new(0));
        let upstream = Willing { sent: sent.clone() };
        let (ending, ends) = tokio::sync::oneshot::channel();
        let (tell_address, address) = channel();
        let (tell_end, ended): (Sender<std::io::Result<()>>, _) = channel();
        let journal = store.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
            let served = runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
                tell_address.send(listener.local_addr()?).expect("the test waits");
                let parts = Parts {
                    settings,
                    store: Box::new(journal),
                    signatures: signatures(),
                    requests: Box::new(PlainRequests),
                    upstream: Arc::new(upstream),
                    clock: Arc::new(Wall(std::time::Instant::now())),
                    statics: axum::Router::new().fallback(async || "the page"),
                    alerts: Vec::new(),
                    page: None,
                    shutdown: Box::pin(async move {
                        let _ = ends.await;
                    }),
                };
                server::serve(parts, listener).await
            });
            let _ = tell_end.send(served);
        });
        let address = address.recv().expect("the server listens");
        Self { address, store, sent, ending: Some(ending), ended }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
        ask(self.address, method, path, headers, body)
    }

    fn get(&self, path: &str) -> (u16, String) {
        let (status, _, body) = self.ask("GET", path, &[], "");
        (status, body)
    }

    /// As the server's own page sends it, unless the headers say who sends it.
    fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, String) {
        let own = format!("http://{}", self.address);
        let told =
            headers.iter().any(|(name, _)| matches!(*name, "origin" | "authorization" | "sec-fetch-site"));
        let own = (!told).then_some(("origin", own.as_str()));
        let headers: Vec<_> =
            [("content-type", "application/json")].iter().chain(&own).chain(headers).copied().collect();
        let (status, _, body) = self.ask("POST", path, &headers, &body.to_string());
        (status, body)
    }

    fn start_recording(&self, headers: &[(&str, &str)], channel: &str) -> (u16, String) {
        let body = json!({ "app": "desk", "channel": channel, "storage": "archive", "settings": {} });
        let headers: Vec<_> = [("idempotency-key", channel)].iter().chain(headers).copied().collect();
        self.post("/api/v1/recordings", &headers, &body)
    }

    fn stream(&self, query: &str, origin: &str) -> Result<WebSocket<TcpStream>, u16> {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
        let request = tungstenite::http::Request::builder()
            .uri(format!("ws://{}/api/v1/stream{query}", self.address))
            .header("host", self.address.to_string())
            .header("origin", origin)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", tungstenite::handshake::client::generate_key())
            .body(())
            .expect("a request");
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(answer.status().as_u16())
            }
            Err(error) => panic!("the handshake broke: {error}"),
        }
    }

    fn own_stream(&self, query: &str) -> WebSocket<TcpStream> {
        self.stream(query, &format!("http://{}", self.address)).expect("it is the server's own page")
    }

    fn end(&mut self) {
        self.ending.take();
        let ended = self.ended.recv_timeout(Duration::from_secs(20)).expect("the server ends");
        ended.expect("it ends well");
    }
}

fn next(socket: &mut WebSocket<TcpStream>) -> FromProxy {
    loop {
        match socket.read().expect("a message comes") {
            Message::Text(text) => return serde_json::from_str(&text).expect("it is one of ours"),
            Message::Close(frame) => panic!("closed: {frame:?}"),
            _ => {}
        }
    }
}

/// The next message that this function takes something from.
fn wait_for<T>(socket: &mut WebSocket<TcpStream>, take: impl Fn(FromProxy) -> Option<T>) -> T {
    for _ in 0..200 {
        if let Some(found) = take(next(socket)) {
            return found;
        }
    }
    panic!("it never came")
}

fn hello(socket: &mut WebSocket<TcpStream>) -> Hello {
    match next(socket) {
        FromProxy::Hello(hello) => hello,
        other => panic!("the first message is {other:?}"),
    }
}

fn problem(body: &str) -> Problem {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{body} is no problem: {error}"))
}

#[test]
fn what_watches_the_server_is_told_how_it_is() {
    let rig = Rig::start(Role::Lead, true);
    assert_eq!(rig.get("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(rig.get("/readyz").0, 200);
    rig.store.set_broken(true);
    let (status, body) = rig.get("/readyz");
    assert_eq!((status, problem(&body).kind.as_str()), (503, "journal_unwritable"));
    assert_eq!(rig.get("/healthz").0, 200);
    let (status, body) = rig.start_recording(&[], "math");
    assert_eq!((status, problem(&body).kind.as_str()), (503, "journal_unwritable"));
    rig.store.set_broken(false);
    let (status, head, text) = rig.ask("GET", "/metrics", &[], "");
    assert!(status == 200 && head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(text.contains("tallylight_recordings_live 0\n"), "{text}");
}

#[test]
fn the_page_and_only_the_page_lies_outside_the_interface() {
    let rig = Rig::start(Role::Lead, true);
    assert_eq!(rig.get("/"), (200, "the page".to_owned()));
    assert_eq!(rig.get("/anything.js"), (200, "the page".to_owned()));
    for path in ["/api", "/api/v1/nothing", "/api/v1/recordings/one/nothing", "/api/v2/me"] {
        let (status, body) = rig.get(path);
        assert!(status == 404 || path == "/api", "{path}: {status}");
        if path != "/api" {
            assert_eq!(problem(&body).kind, "no_route", "{path}");
        }
    }
    let (status, _, body) = rig.ask("PUT", "/api/v1/leases", &[], "");
    assert_eq!((status, problem(&body).kind.as_str()), (405, "no_route"));
}

#[test]
fn each_role_may_do_what_its_capabilities_say() {
    let viewer = Rig::start(Role::Viewer, false);
    for path in ["/api/v1/me", "/api/v1/setup", "/api/v1/recordings"] {
        assert_eq!(viewer.get(path).0, 200, "{path}");
    }
    let commands = [
        "recordings",
        "recordings/adopt",
        "recordings/one/stop",
        "recordings/one/stop/withdraw",
        "recordings/one/sessions/1/stop",
        "recordings/one/sessions/1/adopt",
        "recordings/one/update",
        "recordings/one/layout",
        "recordings/one/policy",
        "recordings/one/try-again",
        "recordings/one/hurry",
        "recordings/one/acknowledge",
        "recordings/one/dismiss",
        "recordings/one/calls",
        "recordings/one/decisions",
        "leases",
        "notifications/desk/setup",
    ];
    for path in commands {
        let (status, body) = viewer.post(&format!("/api/v1/{path}"), &[], &json!({}));
        assert_eq!((status, problem(&body).kind.as_str()), (403, "not_allowed"), "{path}");
    }
    let operator = Rig::start(Role::Operator, false);
    let dismiss = json!({ "session": 1, "reason": "gone" });
    assert_eq!(operator.post("/api/v1/recordings/one/dismiss", &[], &dismiss).0, 403);
    assert_eq!(operator.post("/api/v1/recordings/one/stop", &[], &json!({})).0, 404);
    assert_eq!(operator.get("/api/v1/simulator/ledger").0, 404, "only a demonstration has it");
    assert!(viewer.store.lines().is_empty() && operator.store.lines().is_empty());
}

#[test]
fn who_shows_a_token_is_its_holder_and_nobody_else() {
    let rig = Rig::start(Role::Lead, false);
    let bearer = format!("Bearer {TOKEN}");
    let me = |authorization: &str| rig.ask("GET", "/api/v1/me", &[("authorization", authorization)], "");
    let (status, _, body) = me(&bearer);
    let person: Person = serde_json::from_str(&body).expect("a person");
    assert_eq!((status, person.name.as_str(), person.role), (200, "Night", Role::Attendant));
    for wrong in
        ["Bearer ", "Bearer 0123", TOKEN, "Basic 0123456789abcdef0123456789abcdef", &format!("{bearer}0")]
    {
        let (status, _, body) = me(wrong);
        assert_eq!((status, problem(&body).kind.as_str()), (401, "token"), "{wrong:?}");
        let (status, _, _) = rig.ask("GET", "/api/v1/recordings", &[("authorization", wrong)], "");
        assert_eq!(status, 401, "not as the person who is signed in either: {wrong:?}");
    }
    let dismiss = json!({ "session": 1, "reason": "gone" });
    let (status, body) = rig.post("/api/v1/recordings/one/dismiss", &[("authorization", &bearer)], &dismiss);
    assert_eq!((status, problem(&body).title.as_str()), (403, "Night may not do this."));
    // What it writes stands under its name.
    assert_eq!(rig.start_recording(&[("authorization", &bearer)], "math-7b").0, 201);
    assert!(rig.store.lines().iter().any(|line| format!("{line:?}").contains("Night")));
}

#[test]
fn views_are_shared_by_leads_and_nobody_overwrites_another() {
    let rig = Rig::start(Role::Lead, false);
    let read = |body: &str| serde_json::from_str::<SharedViews>(body).expect("the shared views");
    let put = |version: u64, name: &str, view: &str| {
        let body = json!({ "version": version, "views": [{ "name": name, "view": view }] }).to_string();
        let own = format!("http://{}", rig.address);
        let headers = [("content-type", "application/json"), ("origin", own.as_str())];
        let (status, _, body) = rig.ask("PUT", "/api/v1/views", &headers, &body);
        (status, body)
    };
    let (status, body) = rig.get("/api/v1/views");
    assert_eq!((status, read(&body).version), (200, 0), "nobody shared one yet");

    let (status, body) = put(0, "In failover", "q=state%3Afailover");
    let shared = read(&body);
    assert_eq!((status, shared.version, shared.by.as_deref()), (200, 1, Some("Kim")));
    assert_eq!(read(&rig.get("/api/v1/views").1), shared, "the next reader sees the same");

    let (status, body) = put(0, "Mine", "q=math");
    assert_eq!((status, problem(&body).kind.as_str()), (409, "views_changed"));
    let long = "q".repeat(1_001);
    for (name, view) in [("", "q=math"), ("Two\nlines", "q=math"), ("Long", long.as_str())] {
        let (status, body) = put(1, name, view);
        assert_eq!((status, problem(&body).kind.as_str()), (422, "bad_request"), "{name:?}");
    }
    assert_eq!(read(&rig.get("/api/v1/views").1), shared, "what was refused changed nothing");

    let operator = Rig::start(Role::Operator, false);
    let own = format!("http://{}", operator.address);
    let body = json!({ "version": 0, "views": [] }).to_string();
    let (status, _, body) = operator.ask(
        "PUT",
        "/api/v1/views",
        &[("content-type", "application/json"), ("origin", &own)],
        &body,
    );
    assert_eq!((status, problem(&body).kind.as_str()), (403, "not_allowed"));
    assert_eq!(operator.get("/api/v1/views").0, 200, "everybody reads them");
}

#[test]
fn a_recording_is_found_by_what_it_is_known_by() {
    let rig = Rig::start(Role::Operator, false);
    for channel in ["math-7b", "physics"] {
        assert_eq!(rig.start_recording(&[], channel).0, 201);
    }
    let found = |query: &str| {
        let (status, body) = rig.get(&format!("/api/v1/recordings?{query}"));
        assert_eq!(status, 200, "{body}");
        let page: RecordingPage = serde_json::from_str(&body).expect("a page of the list");
        let channels = page.recordings.iter().map(|recording| recording.channel.to_string());
        channels.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found("find=MATH"), "math-7b", "in whatever case");
    assert_eq!(found("find=1000"), "math-7b", "by the UID that it records with");
    assert_eq!(found("find=math%20physics"), "", "every word must fit");
    assert_eq!(found("find="), found(""), "nothing is asked for");
    let (status, body) = rig.get(&format!("/api/v1/recordings?find={}", "a".repeat(2_000)));
    assert_eq!((status, problem(&body).kind.as_str()), (400, "bad_request"));
}

#[test]
fn the_reason_of_a_stop_is_kept_in_the_journal() {
    let rig = Rig::start(Role::Operator, false);
    let (_, body) = rig.start_recording(&[], "math-7b");
    let asked: Asked = serde_json::from_str(&body).expect("it is asked for");
    let path = format!("/api/v1/recordings/{}/stop", asked.recording);
    let (status, body) = rig.post(&path, &[], &json!({ "reason": "r".repeat(501) }));
    assert_eq!((status, problem(&body).kind.as_str()), (422, "bad_request"));
    assert_eq!(rig.post(&path, &[], &json!({ "reason": " the lesson ended early " })).0, 200);
    let lines = rig.store.lines().iter().map(|line| format!("{line:?}")).collect::<Vec<_>>();
    let stops: Vec<_> = lines.iter().filter(|line| line.contains("StopRequested")).collect();
    assert!(stops.len() == 1 && stops[0].contains("the lesson ended early"), "{lines:?}");
}

#[test]
fn a_bad_body_is_told_what_to_change() {
    let rig = Rig::start(Role::Lead, true);
    let json_type = ("content-type", "application/json");
    let ask = |headers: &[(&str, &str)], body: &str| {
        let (status, _, body) = rig.ask("POST", "/api/v1/recordings", headers, body);
        (status, problem(&body).title)
    };
    let (status, title) = ask(&[("content-type", "text/plain")], "{}");
    assert!(status == 415 && title.contains("application/json"), "{status} {title}");
    let (status, title) = ask(&[json_type], "{\"app\":");
    assert!(status == 400 && title.contains("line 1"), "{status} {title}");
    let (status, title) = ask(&[json_type], "{\"app\":\"desk\",\"colour\":1}");
    assert!(status == 422 && title.contains("colour"), "{status} {title}");
    let (status, title) = ask(&[json_type], &format!("{{\"app\":\"{}\"}}", "x".repeat(70_000)));
    assert!(status == 413 && title.contains("65536"), "{status} {title}");
    let deep = format!("{{\"settings\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let (status, _) = ask(&[json_type], &deep);
    assert!(matches!(status, 400 | 422), "{status}");
    let whole = json!({ "app": "desk", "channel": "math", "storage": "archive", "settings": {} }).to_string();
    let (status, title) = ask(&[json_type], &whole);
    assert!(status == 400 && title.contains("Idempotency-Key"), "{status} {title}");
    assert!(rig.store.lines().is_empty());
}

#[test]
fn only_known_hosts_and_origins_are_answered() {
    let rig = Rig::start(Role::Lead, false);
    let (status, _, body) = rig.ask("GET", "/api/v1/me", &[("host", "evil.example")], "");
    assert_eq!((status, problem(&body).kind.as_str()), (421, "host"));
    assert_eq!(rig.ask("GET", "/", &[("host", "evil.example")], "").0, 421);
    assert_eq!(rig.ask("GET", "/api/v1/me", &[("host", "api.example.org:443")], "").0, 200);
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1.evil.example"] {
        assert_eq!(rig.start_recording(&[("origin", origin)], "math").0, 403, "{origin}");
        assert_eq!(rig.stream("", origin).err(), Some(403), "{origin}");
    }
    assert_eq!(rig.start_recording(&[("sec-fetch-site", "cross-site")], "math").0, 403);
    assert!(rig.store.lines().is_empty());
    let allowed = ("origin", "https://desk.example.org");
    let (status, head, _) = rig.ask("OPTIONS", "/api/v1/recordings", &[allowed], "");
    assert_eq!(status, 204);
    assert!(head.contains("access-control-allow-origin: https://desk.example.org"), "{head}");
    assert_eq!(rig.start_recording(&[allowed], "math").0, 201);
    // In a demonstration trunk's own server may be any port of this machine.
    let demo = Rig::start(Role::Lead, true);
    assert_eq!(demo.start_recording(&[("origin", "http://localhost:8080")], "math").0, 201);
    assert!(demo.stream("", "http://127.0.0.1:8080").is_ok());
}

/// The headers of an answer that say who may read it.
fn cors(head: &str) -> Vec<&str> {
    head.lines().filter(|line| line.starts_with("access-control-allow-")).collect()
}

#[test]
fn a_page_on_another_host_of_the_site_may_do_what_its_own_page_may_and_nobody_else_reads_an_answer() {
    let rig = Rig::start(Role::Lead, false);
    let page = ("origin", "https://desk.example.org");
    let same_site = ("sec-fetch-site", "same-site");
    let ask =
        [("access-control-request-method", "POST"), ("access-control-request-headers", "idempotency-key")];
    let (status, head, _) = rig.ask("OPTIONS", "/api/v1/recordings", &[page, same_site, ask[0], ask[1]], "");
    assert_eq!(status, 204);
    for line in [
        "access-control-allow-origin: https://desk.example.org",
        "access-control-allow-credentials: true",
        "access-control-allow-methods: get, post, put",
        "access-control-allow-headers: content-type, idempotency-key, tallylight-client, tallylight-secret",
        "vary: origin",
    ] {
        assert!(head.contains(line), "{line} is missing: {head}");
    }
    let (status, head, _) = rig.ask("GET", "/api/v1/setup", &[page, same_site], "");
    assert_eq!(status, 200);
    assert!(head.contains("access-control-allow-origin: https://desk.example.org\r\n"), "{head}");
    assert!(head.contains("access-control-allow-credentials: true"), "{head}");
    assert_eq!(rig.start_recording(&[page, same_site], "math").0, 201);
    // A refusal too: the page says what is wrong.
    let (status, head, _) = rig.ask("GET", "/api/v1/recordings/missing", &[page, same_site], "");
    assert!(status == 404 && !cors(&head).is_empty(), "{status} {head}");
    for origin in [
        "https://other.example.org",
        "http://desk.example.org",
        "https://desk.example.org.evil.example",
        "https://desk.example.org:8443",
        "null",
    ] {
        for method in ["GET", "OPTIONS"] {
            let (_, head, _) = rig.ask(method, "/api/v1/me", &[("origin", origin), same_site], "");
            assert_eq!(cors(&head), Vec::<&str>::new(), "{method} {origin}");
        }
    }
    let (_, head, _) = rig.ask("GET", "/api/v1/me", &[], "");
    assert_eq!(cors(&head), Vec::<&str>::new(), "nobody asked");
    assert!(rig.stream("", "https://desk.example.org").is_ok());
}

#[test]
fn a_page_of_another_site_is_told_that_it_is_one() {
    let rig = Rig::start(Role::Lead, false);
    let headers = [("origin", "https://desk.example.org"), ("sec-fetch-site", "cross-site")];
    let (status, head, body) = rig.ask("GET", "/api/v1/me", &headers, "");
    assert_eq!((status, problem(&body).kind.as_str()), (403, "site"));
    assert!(
        head.contains("access-control-allow-origin: https://desk.example.org"),
        "it can read that: {head}"
    );
    assert_eq!(rig.start_recording(&headers, "math").0, 403);
    // Nothing is signed in to a demonstration.
    let demo = Rig::start(Role::Lead, true);
    let headers = [("origin", "http://localhost:8080"), ("sec-fetch-site", "cross-site")];
    assert_eq!(demo.ask("GET", "/api/v1/me", &headers, "").0, 200);
}

#[test]
fn two_people_who_start_the_same_channel_at_once_get_one_recording() {
    let rig = Rig::start(Role::Lead, true);
    let body = json!({ "app": "desk", "channel": "math", "storage": "archive", "settings": {} });
    let (address, body) = (rig.address, body.to_string());
    let press = |key: &'static str| {
        let body = body.clone();
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        std::thread::spawn(move || ask(address, "POST", "/api/v1/recordings", &headers, &body))
    };
    let presses = ["one", "two", "three", "four"].map(press);
    let answers = presses.map(|press| press.join().expect("it is answered"));
    let mut statuses = answers.each_ref().map(|(status, ..)| *status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201]);
    let asked = |(_, _, body): &(u16, String, String)| {
        serde_json::from_str::<Asked>(body).expect("it is answered").recording
    };
    let recordings: BTreeSet<_> = answers.iter().map(asked).collect();
    assert_eq!(recordings.len(), 1);
    let requested =
        rig.store.lines().into_iter().filter(|line| matches!(line.entry.fact, Fact::Requested(_)));
    assert_eq!(requested.count(), 1);
}

#[test]
fn a_page_is_greeted_told_everything_and_asked_for_signs_of_life() {
    let rig = Rig::start(Role::Lead, true);
    let (status, body) = rig.start_recording(&[], "math");
    assert_eq!(status, 201);
    let asked: Asked = serde_json::from_str(&body).expect("it was asked for");
    let mut page = rig.own_stream("");
    let greeting = hello(&mut page);
    assert_eq!((greeting.build.as_str(), greeting.clock_rate), ("test", 1));
    let mut shown = Vec::new();
    loop {
        match next(&mut page) {
            FromProxy::Frame(frame) => match frame.content {
                FrameContent::Snapshot { last, recordings, .. } => {
                    shown.extend(recordings.into_iter().map(|recording| recording.id));
                    if last {
                        break;
                    }
                }
                FrameContent::Entries(_) | FrameContent::Boards(_) => panic!("entries before the snapshot"),
            },
            FromProxy::Heartbeat(_) | FromProxy::Offer(_) => {}
            other => panic!("not expected: {other:?}"),
        }
    }
    assert_eq!(shown, std::slice::from_ref(&asked.recording));
    let beat = wait_for(&mut page, |message| match message {
        FromProxy::Heartbeat(beat) => Some(beat),
        _ => None,
    });
    let answer = serde_json::to_string(&FromClient::Beat(beat.beat)).expect("it serialises");
    page.send(Message::text(answer)).expect("it can be sent");
    assert_eq!(beat.newest, 1);
    // A page of another build is told so.
    let mut old = rig.own_stream("?protocol=999");
    match old.read().expect("a message comes") {
        Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 4009),
        other => panic!("not closed: {other:?}"),
    }
    // What is none of ours ends the connection.
    page.send(Message::text("hello")).expect("it can be sent");
    let closed = loop {
        match page.read() {
            Ok(Message::Close(frame)) => break frame,
            Ok(_) => {}
            Err(error) => panic!("broken instead of closed: {error}"),
        }
    };
    assert_eq!(closed.map(|frame| u16::from(frame.code)), Some(1003));
}

#[test]
fn one_call_goes_all_the_way_and_comes_back_by_the_stream() {
    let rig = Rig::start(Role::Lead, true);
    let mut page = rig.own_stream("");
    let greeting = hello(&mut page);
    let (number, secret) = (greeting.client.to_string(), greeting.secret);
    let proof = [("tallylight-client", number.as_str()), ("tallylight-secret", secret.as_str())];
    let (status, body) = rig.start_recording(&proof, "math");
    assert_eq!(status, 201, "{body}");
    let id = serde_json::from_str::<Asked>(&body).expect("it was asked for").recording;
    let call = json!({ "after": 2, "session": 1, "operation": "acquire", "domain": "primary", "rule": "S2", "attempt": { "number": 1 } });
    let path = format!("/api/v1/recordings/{id}/calls");
    let (status, body) = rig.post(&path, &[], &call);
    assert_eq!((status, problem(&body).kind.as_str()), (403, "no_lease"));
    for _ in 0..2 {
        let (status, body) = rig.post(&path, &proof, &call);
        assert_eq!(status, 202, "{body}");
    }
    let mut facts = Vec::new();
    while facts.last() != Some(&"answered") {
        let entries = wait_for(&mut page, |message| match message {
            FromProxy::Frame(frame) => match frame.content {
                FrameContent::Entries(entries) => Some(entries),
                FrameContent::Snapshot { .. } | FrameContent::Boards(_) => None,
            },
            _ => None,
        });
        for line in entries {
            facts.push(match line.entry.fact {
                Fact::Requested(_) => "requested",
                Fact::Leased(_) => "leased",
                Fact::CallSent(_) => "sent",
                Fact::CallAnswered(answered) => {
                    assert_eq!(answered.raw, None, "raw bodies stay at home");
                    "answered"
                }
                other => panic!("not expected: {other:?}"),
            });
        }
    }
    assert_eq!(facts, ["requested", "leased", "sent", "answered"]);
    let (status, body) = rig.get(&format!("/api/v1/recordings/{id}/journal?after=3"));
    assert_eq!(status, 200);
    assert!(body.contains("a-resource") && body.contains("\"raw\""), "the journal has the raw body: {body}");
    let (status, body) = rig.get(&format!("/api/v1/recordings/{id}"));
    assert!(status == 200 && body.contains("a-resource"), "{body}");
    assert_eq!(rig.get("/api/v1/recordings/missing").0, 404);
    assert_eq!(rig.get("/api/v1/recordings/NOT%20AN%20ID").0, 404);
}

#[test]
fn ten_open_streams_send_what_one_sends_and_are_told_the_same() {
    // The requests that left, and the entries that each page was told, with so many pages of the same browser open.
    let run = |pages: usize| {
        let rig = Rig::start(Role::Lead, true);
        let mut sockets: Vec<_> = (0..pages).map(|_| rig.own_stream("")).collect();
        let greetings: Vec<Hello> = sockets.iter_mut().map(hello).collect();
        let proof = |greeting: &Hello| [greeting.client.to_string(), greeting.secret.clone()];
        let proofs: Vec<_> = greetings.iter().map(proof).collect();
        let headers = |page: usize| -> [(&str, &str); 2] {
            [("tallylight-client", proofs[page][0].as_str()), ("tallylight-secret", proofs[page][1].as_str())]
        };
        let (status, body) = rig.start_recording(&headers(0), "math");
        assert_eq!(status, 201, "{body}");
        let id = serde_json::from_str::<Asked>(&body).expect("it was asked for").recording;
        // Every page has folded the same and wants the same; the first one holds the lease.
        let call = json!({ "after": 2, "session": 1, "operation": "acquire", "domain": "primary", "rule": "S2", "attempt": { "number": 1 } });
        for page in (0..pages).rev() {
            let (status, body) = rig.post(&format!("/api/v1/recordings/{id}/calls"), &headers(page), &call);
            assert_eq!(status, if page == 0 { 202 } else { 403 }, "{page}: {body}");
        }
        let told = |socket: &mut WebSocket<TcpStream>| {
            let mut told = Vec::new();
            while !told.iter().any(|entry: &rules::Entry| matches!(entry.fact, Fact::CallAnswered(_))) {
                told.extend(wait_for(socket, |message| match message {
                    FromProxy::Frame(Frame { content: FrameContent::Entries(entries), .. }) => {
                        Some(entries.into_iter().map(|new| new.entry))
                    }
                    _ => None,
                }));
            }
            told
        };
        let told: Vec<_> = sockets.iter_mut().map(told).collect();
        assert!(told.iter().all(|one| *one == told[0]), "all pages are told the same");
        let kinds: Vec<String> =
            told[0].iter().map(|entry| format!("{:?}", core::mem::discriminant(&entry.fact))).collect();
        (rig.sent.load(Ordering::SeqCst), kinds)
    };
    let alone = run(1);
    assert_eq!(alone.0, 1);
    assert_eq!(run(10), alone);
}

#[test]
fn a_page_that_was_away_gets_only_what_it_missed() {
    let rig = Rig::start(Role::Lead, true);
    let mut page = rig.own_stream("");
    let journal = hello(&mut page).journal_id;
    drop(page);
    rig.start_recording(&[], "math");
    let mut page = rig.own_stream(&format!("?after=0&journal={journal}"));
    hello(&mut page);
    let frame = wait_for(&mut page, |message| match message {
        FromProxy::Frame(frame) => Some(frame),
        _ => None,
    });
    assert_eq!((frame.after, frame.upto), (0, 1));
    assert!(matches!(frame.content, FrameContent::Entries(entries) if entries.len() == 1));
}

#[test]
fn the_simulators_controls_are_passed_on_in_a_demonstration() {
    let rig = Rig::start(Role::Lead, true);
    let (status, body) = rig.get("/api/v1/simulator/ledger?from=3");
    assert_eq!((status, body.as_str()), (201, "true /simulator/ledger?from=3 "));
    let (status, body) = rig.post("/api/v1/simulator/faults", &[], &json!({ "kill": 1 }));
    assert_eq!((status, body.as_str()), (201, "false /simulator/faults {\"kill\":1}"));
}

#[test]
fn when_the_server_ends_its_pages_are_told_at_once() {
    let mut rig = Rig::start(Role::Lead, true);
    let mut page = rig.own_stream("");
    hello(&mut page);
    rig.end();
    let closed = loop {
        match page.read() {
            Ok(Message::Close(frame)) => break frame.map(|frame| u16::from(frame.code)),
            Ok(_) => {}
            Err(_) => break None,
        }
    };
    assert!(matches!(closed, None | Some(1001)), "{closed:?}");
}

// ---- notifications ---------------------------------------------------------------------------------------------

const SID: &str = "0123456789abcdef0123456789abcdef";
const HOOK: &str = "/api/v1/notifications/desk";

impl Rig {
    /// One delivery, signed with this secret.
    fn notify_with(&self, secret: &str, body: &str) -> (u16, String) {
        let signature = signed(secret, body);
        let headers = [("content-type", "application/json"), ("agora-signature-v2", signature.as_str())];
        let (status, _, answer) = self.ask("POST", HOOK, &headers, body);
        (status, answer)
    }

    #[track_caller]
    fn notify(&self, body: &str) {
        assert_eq!(self.notify_with("new-secret", body), (200, "{}".to_owned()), "{body}");
    }

    /// Has a session watched that already runs.
    fn watch(&self) -> Asked {
        let body = json!({
            "app": "desk", "channel": "math-7b", "mode": "mix", "uid": 900_000, "resource_id": "a-resource", "sid": SID,
        });
        let (status, answer) = self.post("/api/v1/recordings/adopt", &[("idempotency-key", "watch")], &body);
        assert_eq!(status, 201, "{answer}");
        serde_json::from_str(&answer).expect("it is watched")
    }

    fn notified(&self) -> Vec<Notified> {
        let facts = self.store.lines().into_iter().map(|line| line.entry.fact);
        facts
            .filter_map(|fact| if let Fact::Notified(notified) = fact { Some(*notified) } else { None })
            .collect()
    }

    fn unmatched(&self) -> UnmatchedPage {
        let (status, body) = self.get(HOOK);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("a page")
    }

    fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").1;
        let line =
            text.lines().find(|line| line.starts_with(&format!("tallylight_{name} "))).expect("it is there");
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
    }
}

fn event(notice: &str, event: u32, sequence: u64, details: &Value) -> String {
    json!({
        "noticeId": notice, "productId": 3, "eventType": event, "notifyMs": 1_790_000_000_900_i64,
        "payload": {
            "cname": "math-7b", "uid": "900000", "sid": SID, "sequence": sequence, "sendts": 1_790_000_000_500_i64,
            "serviceType": 0, "details": details,
        },
    })
    .to_string()
}

#[test]
fn n1_every_documented_event_goes_through_the_receiver_into_the_journal_of_its_recording() {
    let rig = Rig::start(Role::Lead, true);
    rig.watch();
    let golden = include_str!("../../agora/golden/notifications.json");
    let samples: Vec<Value> = serde_json::from_str(golden).expect("it is JSON");
    let mut expected = Vec::new();
    for sample in &samples {
        rig.notify(&sample["body"].to_string());
        let read: agora::Notification = serde_json::from_value(sample["read"].clone()).expect("it is read");
        if read.sid.is_some() && read.is_cloud_recording() {
            expected.push(read);
        }
    }
    let written = rig.notified();
    assert_eq!(written.len(), expected.len());
    for (written, read) in written.iter().zip(&expected) {
        assert_eq!(
            (&written.notice, written.event, &written.details),
            (&read.notice, read.event, &read.details)
        );
        assert!(written.raw.is_some(), "the raw body is kept");
    }
    let kinds: BTreeSet<EventType> = written.iter().map(|written| written.event).collect();
    assert!(EventType::DOCUMENTED.iter().all(|event| kinds.contains(event)));
    // What names no session of ours, or is of another product, is kept beside.
    assert_eq!(usize::try_from(rig.unmatched().kept).expect("small"), samples.len() - expected.len());
    let raws: Vec<String> = written.into_iter().filter_map(|written| written.raw).collect();
    assert!(raws.iter().all(|raw| !raw.contains("secret-key")), "no key of a live stream is kept");
}

#[test]
fn n1_a_delivery_is_taken_only_with_the_signature_of_its_raw_bytes() {
    let rig = Rig::start(Role::Lead, true);
    rig.watch();
    let body = event("one", 40, 1, &json!({ "status": 0 }));
    let right = signed("new-secret", &body);
    let respelled =
        serde_json::to_string_pretty(&serde_json::from_str::<Value>(&body).expect("JSON")).expect("JSON");
    for (headers, body) in [
        (vec![], body.as_str()),
        (vec![("agora-signature-v2", "")], &body),
        (vec![("agora-signature-v2", &right[1..])], &body),
        (vec![("agora-signature", right.as_str())], &body),
        (vec![("agora-signature-v2", right.as_str())], &respelled),
        (vec![("agora-signature-v2", signed("gone-secret", &body).leak())], &body),
    ] as [(Vec<(&str, &str)>, &str); 6]
    {
        let (status, _, answer) = rig.ask("POST", HOOK, &headers, body);
        assert_eq!((status, problem(&answer).kind.as_str()), (401, "signature"), "{headers:?}");
    }
    assert_eq!(rig.metric("notifications_unsigned_total"), 6);
    let (status, _, _) =
        rig.ask("POST", "/api/v1/notifications/other", &[("agora-signature-v2", &right)], &body);
    assert_eq!(status, 401, "an App ID without secrets takes nothing");
    assert!(rig.notified().is_empty());
    // While a secret is exchanged for another, both are right.
    for (secret, notice) in [("old-secret", "two"), ("new-secret", "three")] {
        let body = event(notice, 40, 1, &json!({ "status": notice.len() }));
        assert_eq!(rig.notify_with(secret, &body).0, 200);
    }
    assert_eq!(rig.notified().len(), 1, "the second is the same by everything but its noticeId");
}

/// The published body whose published digests are right; in the other one a character was lost.
const EXAMPLE: &str = r#"{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f","notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}"#;

#[test]
fn n1_the_services_published_example_is_taken_and_its_damaged_copy_is_not() {
    let rig = Rig::start(Role::Lead, true);
    let damaged = EXAMPLE
        .replace("\"eventMs\":1560408533119,", "")
        .replace("4eb720f0-8da7-11e9-a43e-53f411c2761f", "4eb720f0-8da7-11e9-a43e53f411c2761f");
    for header in [
        ("agora-signature", "033c62f40f687675f17f0f41f91a40c71c0f134c"),
        ("agora-signature-v2", "6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99"),
    ] {
        let status = |body: &str| rig.ask("POST", HOOK, &[header], body).0;
        assert_eq!((status(EXAMPLE), status(&damaged)), (200, 401), "{header:?}");
    }
    assert_eq!(rig.unmatched().kept, 1, "it is of another product, and came twice");
}

#[test]
fn n1_what_is_too_large_or_cannot_be_stored_is_said() {
    let rig = Rig::start(Role::Lead, true);
    let page = |bytes: usize| {
        let frame = event("large", 1, 1, &json!({ "errorMsg": "" }));
        event("large", 1, 1, &json!({ "errorMsg": "x".repeat(bytes - frame.len()) }))
    };
    assert_eq!(page(65_536).len(), 65_536);
    rig.notify(&page(65_536));
    assert_eq!(rig.notify_with("new-secret", &page(65_537)).0, 413);
    rig.store.set_broken(true);
    let body = event("one", 40, 1, &json!({}));
    let (status, answer) = rig.notify_with("new-secret", &body);
    assert_eq!((status, problem(&answer).kind.as_str()), (503, "journal_unwritable"));
    rig.store.set_broken(false);
    // It comes again, and is not taken for a duplicate of what was never stored.
    rig.notify(&body);
    assert_eq!(rig.unmatched().kept, 2);
}

#[test]
fn n1_signed_bodies_that_nobody_can_read_are_kept() {
    let rig = Rig::start(Role::Lead, true);
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for body in ["", "null", "{}", "{\"eventType\":\"x\"}", &deep] {
        rig.notify(body);
    }
    let bad_utf8 = [b"{\"a\":\"".as_slice(), &[0xff, 0xfe], b"\"}"].concat();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"new-secret").expect("keys of any length");
    mac.update(&bad_utf8);
    let signature = proxy::store::hex(&mac.finalize().into_bytes());
    let mut stream = TcpStream::connect(rig.address).expect("the server listens");
    let head = format!(
        "POST {HOOK} HTTP/1.1\r\nconnection: close\r\nhost: {}\r\nagora-signature-v2: {signature}\r\ncontent-length: {}\r\n\r\n",
        rig.address,
        bad_utf8.len()
    );
    stream.write_all(&[head.as_bytes(), &bad_utf8].concat()).expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let page = rig.unmatched();
    assert_eq!((page.kept, page.entries.len()), (6, 6));
    let unread = |entry: &AppEntry| matches!(&entry.fact, AppFact::Unmatched(one) if one.read.is_none());
    assert!(page.entries.iter().all(unread));
}

#[test]
fn n1_a_body_that_breaks_off_or_never_ends_is_not_waited_for() {
    let rig = Rig::start(Role::Lead, true);
    let begin = |length: usize| {
        let mut stream = TcpStream::connect(rig.address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out can be set");
        let head = format!(
            "POST {HOOK} HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\n\r\n{{\"noticeId\"",
            rig.address
        );
        stream.write_all(head.as_bytes()).expect("it is read");
        stream
    };
    let answer = |stream: &mut TcpStream| {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).map(|()| String::from_utf8_lossy(&answer).into_owned())
    };
    // Too much was announced: it is refused before it comes.
    assert_eq!(answer(&mut begin(65_537)).expect("an answer"), "HTTP/1.1 413");
    let mut silent = begin(1_000);
    let broken = begin(1_000);
    broken.shutdown(std::net::Shutdown::Both).expect("it was open");
    // Others are answered meanwhile.
    assert_eq!(rig.notify_with("new-secret", &event("one", 40, 1, &json!({}))).0, 200);
    assert_eq!(answer(&mut silent).expect("an answer"), "HTTP/1.1 408");
    assert_eq!(rig.unmatched().kept, 1);
}

#[test]
fn n2_a_replayed_body_is_counted_and_the_journal_does_not_grow_for_ever() {
    let rig = Rig::start(Role::Lead, true);
    rig.watch();
    let body = event("one", 31, 4, &json!({ "status": 0 }));
    for _ in 0..60 {
        rig.notify(&body);
    }
    assert_eq!(rig.notified().len(), 1);
    let again: Vec<_> = rig
        .store
        .lines()
        .into_iter()
        .filter_map(|line| match line.entry.fact {
            Fact::NotifiedAgain(again) => Some(again.of),
            _ => None,
        })
        .collect();
    assert_eq!(again.len(), usize::try_from(NotifiedAgain::WRITTEN_MAX).expect("small"));
    let first = rig.store.lines().into_iter().find(|line| matches!(line.entry.fact, Fact::Notified(_)));
    assert!(again.iter().all(|of| Some(*of) == first.as_ref().map(|line| line.entry.number)));
    assert_eq!(rig.metric("notifications_again_total"), 59);
}

#[test]
fn n1_unsigned_tests_are_taken_only_while_staff_set_notifications_up() {
    let rig = Rig::start(Role::Lead, true);
    let test = json!({
        "noticeId": "t", "productId": 3, "eventType": 40,
        "payload": { "cname": "test_webhook", "uid": "12121212", "sid": "x" },
    });
    let other = json!({ "noticeId": "t", "productId": 3, "eventType": 40, "payload": { "cname": "room" } });
    assert_eq!(rig.post(HOOK, &[], &test).0, 401);
    let (status, body) = rig.post(&format!("{HOOK}/setup"), &[], &json!({}));
    assert_eq!(status, 200, "{body}");
    assert_eq!(rig.post("/api/v1/notifications/nothing/setup", &[], &json!({})).0, 422);
    for _ in 0..3 {
        assert_eq!(rig.post(HOOK, &[], &test), (200, "{}".to_owned()));
    }
    assert_eq!(rig.post(HOOK, &[], &other).0, 401, "only tests");
    assert!(rig.notified().is_empty());
    let facts: Vec<AppFact> = rig.store.app_lines().into_iter().map(|line| line.entry.fact).collect();
    let tested = facts.iter().filter(|fact| matches!(fact, AppFact::Tested)).count();
    assert_eq!(tested, 1, "it is noted once, and acts on nothing");
    assert!(!facts.iter().any(|fact| matches!(fact, AppFact::Unmatched(_))));
}

#[test]
fn n5_the_pages_learn_of_what_fits_no_session() {
    let rig = Rig::start(Role::Lead, true);
    let mut page = rig.own_stream("");
    hello(&mut page);
    rig.notify(&event("one", 40, 1, &json!({ "status": 0 })));
    let facts = wait_for(&mut page, |message| match message {
        FromProxy::Frame(frame) => match frame.content {
            FrameContent::Boards(boards) => boards.into_iter().find(|(_, facts)| facts.unmatched.is_some()),
            FrameContent::Snapshot { .. } | FrameContent::Entries(_) => None,
        },
        FromProxy::Heartbeat(beat) => {
            let _ = beat;
            None
        }
        _ => None,
    })
    .1;
    assert_eq!(facts.unmatched.map(|count| (count.kept, count.dropped)), Some((1, 0)));
    assert!(
        facts.notified.is_some() && facts.kinds.iter().any(|(kind, _)| *kind == EventType::RecorderStarted)
    );
    // Once its session is known, it goes where it belongs.
    rig.watch();
    let facts = wait_for(&mut page, |message| match message {
        FromProxy::Frame(frame) => match frame.content {
            FrameContent::Boards(boards) => boards.into_iter().find(|(_, facts)| facts.unmatched.is_none()),
            FrameContent::Snapshot { .. } | FrameContent::Entries(_) => None,
        },
        _ => None,
    });
    assert_eq!(facts.0, "desk");
    assert_eq!(rig.notified().len(), 1);
    assert_eq!(rig.unmatched().kept, 0);
}

// ---- the audit -----------------------------------------------------------------------------------------------------

/// What the audit tells, as `who action outcome status kind`.
fn audited(rig: &Rig) -> Vec<String> {
    let told = rig.store.audit().into_iter().map(|record| {
        let AuditRecord { who, action, outcome, status, kind, .. } = record;
        let status = status.map(|status| status.to_string()).unwrap_or_default();
        format!("{who}|{action}|{outcome:?}|{status}|{kind}")
    });
    told.collect()
}

#[test]
fn a_command_and_the_calls_that_it_leads_to_are_audited_with_who_and_from_where() {
    let rig = Rig::start(Role::Lead, true);
    let mut socket = rig.own_stream("");
    let hello = hello(&mut socket);
    let client = hello.client.to_string();
    let proof = [("tallylight-client", client.as_str()), ("tallylight-secret", hello.secret.as_str())];
    let (status, body) = rig.start_recording(&proof, "math");
    assert_eq!(status, 201, "{body}");
    let asked: Asked = serde_json::from_str(&body).expect("an answer");
    let recording = asked.recording.to_string();
    let first = rig.store.audit().first().cloned().expect("it is audited");
    assert_eq!((first.who.as_str(), first.role, first.from.as_str()), ("Kim", Some(Role::Lead), "127.0.0.1"));
    assert_eq!((first.action.as_str(), first.app.as_deref()), ("POST /api/v1/recordings", Some("desk")));
    assert_eq!((first.recording, first.entry), (Some(asked.recording.clone()), Some(1)));
    let call = json!({ "after": 2, "session": 1, "operation": "acquire", "domain": "primary", "rule": "S2",
        "attempt": { "number": 1, "of": 4 } });
    let (status, body) = rig.post(&format!("/api/v1/recordings/{recording}/calls"), &proof, &call);
    assert_eq!(status, 202, "{body}");
    wait_for(&mut socket, |message| match message {
        FromProxy::Frame(Frame { content: FrameContent::Entries(entries), .. }) => {
            entries.into_iter().any(|entry| matches!(entry.entry.fact, Fact::CallAnswered(_))).then_some(())
        }
        _ => None,
    });
    let (status, _) = rig.post(&format!("/api/v1/recordings/{recording}/hurry"), &proof, &json!({}));
    assert_eq!(status, 200);
    assert_eq!(
        audited(&rig),
        [
            "Kim|POST /api/v1/recordings|Done||",
            "Kim|acquire|Sent||",
            "Agora|acquire|Answered|200|acquired",
            "Kim|POST /api/v1/recordings/{id}/hurry|Done||",
        ]
    );
    let calls = rig.store.audit();
    assert_eq!(calls[1].from, "127.0.0.1");
    assert!(calls[1].about.ends_with(":2:1:acquire"), "{}", calls[1].about);
    // The same again is nothing new, and is told all the same.
    let (status, _) = rig.start_recording(&proof, "math");
    assert_eq!(status, 200);
    assert_eq!(audited(&rig).last().map(String::as_str), Some("Kim|POST /api/v1/recordings|Done|200|"));
}

#[test]
fn what_is_refused_is_audited_too_whoever_tries_it() {
    let rig = Rig::start(Role::Viewer, true);
    assert_eq!(rig.start_recording(&[], "math").0, 403);
    assert_eq!(rig.get("/api/v1/backup?table=meta").0, 403);
    assert_eq!(rig.get("/api/v1/recordings").0, 200, "who reads is not audited");
    let (status, _, _) = rig.ask("GET", "/api/v1/setup", &[("authorization", "Bearer nothing")], "");
    assert_eq!(status, 401);
    let (status, _, _) = rig.ask("POST", "/api/v1/recordings", &[("host", "evil.example")], "{}");
    assert_eq!(status, 421);
    let (status, _, _) = rig.ask("POST", "/api/v1/notifications/desk", &[("agora-signature-v2", "00")], "{}");
    assert_eq!(status, 401);
    let (status, _, _) = rig.ask("POST", "/api/v1/leases", &[("origin", "https://evil.example")], "{}");
    assert_eq!(status, 403);
    assert_eq!(
        audited(&rig),
        [
            "Kim|POST /api/v1/recordings|Refused|403|not_allowed",
            "Kim|GET /api/v1/backup|Refused|403|not_allowed",
            "|GET /api/v1/setup|Refused|401|token",
            "|POST /api/v1/recordings|Refused|421|host",
            "|POST /api/v1/notifications/{app}|Refused|401|signature",
            "|POST /api/v1/leases|Refused|403|origin",
        ]
    );
    assert!(rig.store.audit().iter().all(|record| record.from == "127.0.0.1"));
}

#[test]
fn a_flood_of_refusals_leaves_a_few_records() {
    let rig = Rig::start(Role::Viewer, true);
    for _ in 0..40 {
        assert_eq!(rig.start_recording(&[], "math").0, 403);
    }
    assert_eq!(rig.store.audit().len(), 5);
    let mut rig = rig;
    rig.end();
    let told = rig.store.audit();
    assert_eq!(told.len(), 6, "those that were counted are one");
    assert_eq!(told.last().map(|record| record.more), Some(35));
}

#[test]
fn on_a_full_disk_nothing_starts_unaudited_and_a_stop_is_audited_late() {
    let rig = Rig::start(Role::Lead, true);
    let (status, body) = rig.start_recording(&[], "math");
    assert_eq!(status, 201, "{body}");
    let asked: Asked = serde_json::from_str(&body).expect("an answer");
    rig.store.set_broken(true);
    assert_eq!(rig.start_recording(&[], "other").0, 503);
    let (status, body) = rig.post(&format!("/api/v1/recordings/{}/stop", asked.recording), &[], &json!({}));
    assert_eq!(status, 200, "{body}");
    assert_eq!(rig.store.audit().len(), 1, "nothing can be written");
    rig.store.set_broken(false);
    // The next command has everything written that waits.
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while rig.store.audit().len() < 3 && std::time::Instant::now() < deadline {
        rig.get("/readyz");
    }
    let told: Vec<(String, AuditOutcome, bool)> =
        rig.store.audit().into_iter().map(|record| (record.action, record.outcome, record.late)).collect();
    assert_eq!(
        told,
        [
            ("POST /api/v1/recordings".to_owned(), AuditOutcome::Done, false),
            ("POST /api/v1/recordings".to_owned(), AuditOutcome::Refused, true),
            ("POST /api/v1/recordings/{id}/stop".to_owned(), AuditOutcome::Done, true),
        ]
    );
}
