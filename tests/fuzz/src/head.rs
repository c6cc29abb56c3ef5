//! A whole request as it comes off a connection, told to the real server: its head, its signatures, its body.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use agora::{Mode, Timestamp, UnansweredCause};
use hmac::{Hmac, KeyInit, Mac};
use proxy::server::ports::{AppSettings, Boxed, Clock, Outcome, OutgoingCall, Passed, Settings, Upstream};
use proxy::server::{self, Parts};
use proxy::signature::Signatures;
use rules::Policy;
use rules::api::{Capability, NamedPolicy, Person, Role, StorageSetup};
use rules::journal::Domain;
use secrecy::SecretString;
use sha1::Sha1;
use sha2::Sha256;
use switchboard::memory::MemoryStore;
use tokio::sync::mpsc::UnboundedSender;

use crate::{APP, NoRequests};

const SECRET: &str = "secret-of-notices";

/// How much of an answer is read.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;

/// Nothing here takes longer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(9);

/// Empty lines end any head and fill any body that is waited for; more is refused by its length.
const EMPTY_LINES: usize = 33_000;

/// After it the server closes the connection.
const LAST: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: desk.example.org\r\nconnection: close\r\n\r\n";

/// Sends these bytes to the server on a connection of their own, then empty lines and a last request. `{V1}`, `{V2}` and
/// `{LENGTH}` in the head, which ends at the first empty line, stand for the signatures and the length of what follows: no
/// fuzzer finds those.
///
/// # Panics
/// When the server answers something that is no HTTP, does not answer at all in time, or thanks for a notification
/// whose signature is not in the request.
pub fn head(input: &[u8]) {
    let end = input.windows(4).position(|window| window == b"\r\n\r\n").map_or(input.len(), |end| end + 4);
    let (head, body) = input.split_at(end);
    let (v1, v2) = (hex(&signed::<Hmac<Sha1>>(body)), hex(&signed::<Hmac<Sha256>>(body)));
    let head = replaced(head, b"{V1}", v1.as_bytes());
    let head = replaced(&head, b"{V2}", v2.as_bytes());
    let head = replaced(&head, b"{LENGTH}", body.len().to_string().as_bytes());

    let mut stream = TcpStream::connect(address()).expect("the server listens");
    stream.set_read_timeout(Some(ANSWERED_WITHIN)).expect("a time-out can be set");
    let began = Instant::now();
    // What is refused early is not read to its end.
    let _ = stream.write_all(&[&head, body, &b"\r\n".repeat(EMPTY_LINES), LAST].concat());
    let mut answer = Vec::new();
    // A connection that is reset was ended by the server as well.
    let _ = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer);
    assert!(
        began.elapsed() < ANSWERED_WITHIN,
        "no end of the answer: {:?}",
        String::from_utf8_lossy(&answer)
    );
    if answer.is_empty() {
        return;
    }
    let status = answer.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
    let status = status.and_then(|status| std::str::from_utf8(status).ok()?.parse::<u16>().ok());
    assert!(
        status.is_some_and(|status| (100..600).contains(&status)),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
    if answer.windows(6).any(|window| window == b"\r\n\r\n{}") {
        let head = head.to_ascii_lowercase();
        let has = |wanted: &str| head.windows(wanted.len()).any(|window| window == wanted.as_bytes());
        assert!(has(&v1) || has(&v2), "thanked without a signature: {:?}", String::from_utf8_lossy(&head));
    }
}

fn signed<Kind: Mac + KeyInit>(body: &[u8]) -> Vec<u8> {
    let mut mac = <Kind as KeyInit>::new_from_slice(SECRET.as_bytes()).expect("keys of any length");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn replaced(text: &[u8], mark: &[u8], by: &[u8]) -> Vec<u8> {
    match text.windows(mark.len()).position(|window| window == mark) {
        Some(at) => [&text[..at], by, &text[at + mark.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// A service that nobody reaches.
struct NoService;

impl Upstream for NoService {
    fn send(&self, _: OutgoingCall, tell: UnboundedSender<Outcome>) -> Boxed<()> {
        Box::pin(async move {
            // Whoever asked may be gone.
            let _ = tell.send(Outcome::Unanswered(UnansweredCause::Refused));
        })
    }

    fn simulator(&self, _: bool, _: String, _: Vec<u8>) -> Boxed<Result<Passed, UnansweredCause>> {
        Box::pin(async { Err(UnansweredCause::Refused) })
    }
}

struct Wall(Instant);

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(crate::BEGAN) + self.0.elapsed()
    }

    fn rate(&self) -> u32 {
        1
    }
}

/// Where the server of this process listens.
fn address() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(|| {
        let (tell, address) = channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime starts");
            let served = runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
                tell.send(listener.local_addr()?).expect("somebody waits");
                server::serve(parts(), listener).await
            });
            panic!("the server ended: {served:?}");
        });
        address.recv().expect("the server listens")
    })
}

fn parts() -> Parts {
    let settings = Settings {
        apps: vec![AppSettings {
            name: APP.to_owned(),
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
            uid_range: (900_000, 900_999),
        }],
        policies: vec![NamedPolicy { name: "patient".to_owned(), policy: Policy::default() }],
        person: Person {
            name: "Kim".to_owned(),
            // No lead: nobody sets notifications up, so nothing unsigned is ever thanked for.
            role: Role::Operator,
            capabilities: vec![Capability::View, Capability::Operate],
        },
        tokens: Vec::new(),
        demo: false,
        allowed_origins: vec!["https://desk.example.org".to_owned()],
        allowed_hosts: vec!["desk.example.org".to_owned()],
        build: "fuzz".to_owned(),
    };
    let secrets = vec![SecretString::from("another-secret"), SecretString::from(SECRET)];
    Parts {
        settings,
        store: Box::new(MemoryStore::default()),
        signatures: Signatures::new(BTreeMap::from([(APP.to_owned(), secrets)])),
        requests: Box::new(NoRequests),
        upstream: Arc::new(NoService),
        clock: Arc::new(Wall(Instant::now())),
        statics: axum::Router::new().fallback(async || "the page"),
        alerts: Vec::new(),
        page: None,
        shutdown: Box::pin(std::future::pending()),
    }
}
