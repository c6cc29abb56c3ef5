use std::sync::Mutex;

use switchboard::ports::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;

use super::*;

const HOST: &str = "api.agora.io";
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

/// A service that answers each connection with the next of these texts, and notes what came in on each.
struct Service {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

enum Reply {
    /// This, after the whole request; then the connection stays open until the other side ends it.
    Text(String),
    /// This, and then the connection is closed.
    TextThenClose(&'static str),
    /// Says this at once, whatever comes.
    Anyway(&'static str),
    /// Closes before it has read anything.
    Close,
    /// Reads the request, and answers with this when told to.
    When(oneshot::Receiver<()>, &'static str),
    /// Reads what comes and says nothing.
    Silence,
}

impl Service {
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        tokio::spawn(async move {
            for reply in replies {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(answer(stream, reply, Arc::clone(&noted)));
            }
            // Whoever comes more often than expected is noted too.
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Reply::Close, Arc::clone(&noted)));
                noted.lock().expect("not poisoned").push("unexpected".to_owned());
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

async fn answer(mut stream: TcpStream, reply: Reply, noted: Arc<Mutex<Vec<String>>>) {
    match reply {
        Reply::Close => return,
        Reply::Anyway(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Reply::Text(_) | Reply::TextThenClose(_) | Reply::When(..) | Reply::Silence => {}
    }
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        request.extend_from_slice(&buffer[..count]);
        if is_whole(&request) {
            break;
        }
    }
    noted.lock().expect("not poisoned").push(String::from_utf8_lossy(&request).into_owned());
    let text = match &reply {
        Reply::Text(text) => text.as_str(),
        Reply::TextThenClose(text) => text,
        Reply::When(..) | Reply::Silence | Reply::Anyway(_) | Reply::Close => "",
    };
    // The other side may have enough before it has all.
    let _ = stream.write_all(text.as_bytes()).await;
    match reply {
        Reply::TextThenClose(_) | Reply::Close => return,
        Reply::When(told, text) => {
            told.await.expect("the test tells it");
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Reply::Text(_) | Reply::Anyway(_) | Reply::Silence => {}
    }
    while let Ok(1..) = stream.read(&mut buffer).await {
        noted.lock().expect("not poisoned").push("a second request on one connection".to_owned());
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    body.len() >= length.map_or(0, |length| length.trim().parse().expect("a number"))
}

fn ok(body: &str) -> Reply {
    Reply::Text(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

fn upstream(scheme: &str, to: Option<SocketAddr>) -> HttpUpstream {
    // A second test of this process finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let destination = Destination {
        bases: BTreeMap::from([(HOST.to_owned(), format!("{scheme}://{HOST}"))]),
        names: Names(Arc::new(BTreeMap::from([(HOST.to_owned(), to)]))),
        customer: Current::new(Credentials::of("key", "secret")),
    };
    let tls = tls(false).expect("needs nothing of the system");
    HttpUpstream {
        apps: BTreeMap::from([("main".to_owned(), destination)]),
        tls,
        simulator: Some("main".to_owned()),
    }
}

fn call(get: bool, wait: Duration) -> OutgoingCall {
    let body = if get { Vec::new() } else { b"{\"cname\":\"room\"}".to_vec() };
    let request = Request {
        host: HOST.to_owned(),
        path: "/v1/apps/a/acquire".to_owned(),
        body,
        body_hash: String::new(),
    };
    OutgoingCall { app: "main".to_owned(), get, request, wait, listen_longer: LONG }
}

fn send(upstream: &HttpUpstream, call: OutgoingCall) -> UnboundedReceiver<Outcome> {
    let (tell, told) = unbounded_channel();
    tokio::spawn(upstream.send(call, tell));
    told
}

/// All outcomes of one call, until it is over.
async fn outcomes(upstream: &HttpUpstream, call: OutgoingCall) -> Vec<Outcome> {
    let mut told = send(upstream, call);
    let mut outcomes = Vec::new();
    while let Some(outcome) = told.recv().await {
        outcomes.push(outcome);
    }
    outcomes
}

fn unanswered(cause: UnansweredCause) -> Vec<Outcome> {
    vec![Outcome::Unanswered(cause)]
}

#[tokio::test]
async fn a_call_is_one_request_with_the_customer_s_credentials() {
    let service = Service::start(vec![ok("{}"), ok("{\"again\":1}")]).await;
    let upstream = upstream("http", Some(service.address));
    let answered = |body: &str| {
        vec![Outcome::Answered { status: 200, retry_after: None, body: body.as_bytes().to_vec() }]
    };
    assert_eq!(outcomes(&upstream, call(false, LONG)).await, answered("{}"));
    // The service keeps its connections open: this one has one of its own all the same.
    assert_eq!(outcomes(&upstream, call(true, LONG)).await, answered("{\"again\":1}"));
    let requests = service.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    let post = requests[0].to_ascii_lowercase();
    assert!(post.starts_with("post /v1/apps/a/acquire http/1.1\r\n"), "{post}");
    for line in [
        "host: api.agora.io\r\n",
        "authorization: basic a2v5onnly3jlda==\r\n",
        "content-type: application/json;charset=utf-8\r\n",
    ] {
        assert!(post.contains(line), "{line} in {post}");
    }
    assert!(post.ends_with("\r\n\r\n{\"cname\":\"room\"}"), "{post}");
    assert!(requests[1].starts_with("GET /v1/apps/a/acquire HTTP/1.1\r\n"), "{requests:?}");
}

#[tokio::test]
async fn every_status_is_an_answer_and_no_redirect_is_followed() {
    for (status, head) in
        [(302, "Location: http://api.agora.io/elsewhere\r\n"), (503, ""), (404, ""), (201, "")]
    {
        let text = format!("HTTP/1.1 {status} X\r\n{head}Content-Length: 6\r\n\r\n<html>");
        let service = Service::start(vec![Reply::Text(text)]).await;
        let told = outcomes(&upstream("http", Some(service.address)), call(false, LONG)).await;
        assert_eq!(told, [Outcome::Answered { status, retry_after: None, body: b"<html>".to_vec() }]);
        assert_eq!(service.requests().len(), 1);
    }
}

#[tokio::test]
async fn d4_a_retry_after_is_told() {
    let text = "HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n".to_owned();
    let service = Service::start(vec![Reply::Text(text)]).await;
    let told = outcomes(&upstream("http", Some(service.address)), call(false, LONG)).await;
    let retry_after = Some("7".to_owned());
    assert_eq!(told, [Outcome::Answered { status: 429, retry_after, body: Vec::new() }]);
}

#[tokio::test]
async fn a_body_longer_than_a_mebibyte_is_cut_and_still_an_answer() {
    for surplus in [0, 1, 3 * BODY_BYTES_MAX] {
        let service = Service::start(vec![ok(&"x".repeat(BODY_BYTES_MAX + surplus))]).await;
        let told = outcomes(&upstream("http", Some(service.address)), call(false, LONG)).await;
        let [Outcome::Answered { status: 200, body, .. }] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(body.len(), BODY_BYTES_MAX);
    }
}

#[tokio::test]
async fn d2_what_never_left_is_told_from_what_may_have_arrived() {
    // A name that does not resolve.
    assert_eq!(outcomes(&upstream("http", None), call(false, LONG)).await, unanswered(UnansweredCause::Dns));

    // Nobody listens.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let nobody = listener.local_addr().expect("bound");
    drop(listener);
    let told = outcomes(&upstream("http", Some(nobody)), call(false, LONG)).await;
    assert_eq!(told, unanswered(UnansweredCause::Refused));

    // Something else than TLS answers, or the connection is closed before the handshake is over.
    for reply in [Reply::Anyway("HTTP/1.1 400 Bad Request\r\n\r\n"), Reply::Close] {
        let service = Service::start(vec![reply]).await;
        let told = outcomes(&upstream("https", Some(service.address)), call(false, LONG)).await;
        assert_eq!(told, unanswered(UnansweredCause::Tls));
    }

    // The connection breaks at once, after the request, within the head, within the body.
    for reply in [
        Reply::Close,
        Reply::TextThenClose(""),
        Reply::TextThenClose("HTTP/1.1 200 OK\r\nContent-Le"),
        Reply::TextThenClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    ] {
        let service = Service::start(vec![reply]).await;
        let told = outcomes(&upstream("http", Some(service.address)), call(false, LONG)).await;
        assert_eq!(told, unanswered(UnansweredCause::Reset));
        assert!(service.requests().len() <= 1, "{:?}", service.requests());
    }
}

#[tokio::test]
async fn d8_a_late_answer_is_told_after_the_time_out() {
    let (answer_now, told_to) = oneshot::channel();
    let service =
        Service::start(vec![Reply::When(told_to, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")]).await;
    let mut told = send(&upstream("http", Some(service.address)), call(false, SHORT));
    assert_eq!(told.recv().await, Some(Outcome::Unanswered(UnansweredCause::Timeout)));
    answer_now.send(()).expect("it still waits");
    let late = Outcome::Answered { status: 200, retry_after: None, body: b"{}".to_vec() };
    assert_eq!(told.recv().await, Some(late));
    assert_eq!(told.recv().await, None);
    assert_eq!(service.requests().len(), 1);
}

#[tokio::test]
async fn d8_after_the_longer_listening_nothing_more_is_told() {
    let service = Service::start(vec![Reply::Silence]).await;
    let call = OutgoingCall { listen_longer: SHORT, ..call(false, SHORT) };
    let told = outcomes(&upstream("http", Some(service.address)), call).await;
    assert_eq!(told, unanswered(UnansweredCause::Timeout));
}

#[tokio::test]
async fn a_call_that_was_given_up_before_it_was_connected_never_leaves() {
    // TCP connects, the handshake stalls: nothing of the request may leave after the rule's time.
    let service = Service::start(vec![Reply::Silence]).await;
    let told = outcomes(&upstream("https", Some(service.address)), call(false, SHORT)).await;
    let [Outcome::Unanswered(cause)] = told.as_slice() else { panic!("{told:?}") };
    assert!(cause.nothing_left(), "{cause:?}");
}

#[tokio::test]
async fn hosts_that_the_configuration_does_not_name_are_never_asked() {
    let upstream = upstream("http", None);
    let mut foreign = call(false, LONG);
    foreign.request.host = "example.org".to_owned();
    assert_eq!(outcomes(&upstream, foreign).await, unanswered(UnansweredCause::Dns));
    let foreign = OutgoingCall { app: "other".to_owned(), ..call(false, LONG) };
    assert_eq!(outcomes(&upstream, foreign).await, unanswered(UnansweredCause::Dns));
}

#[tokio::test]
async fn the_simulator_s_controls_are_passed_on_without_credentials() {
    let service = Service::start(vec![ok("[1]")]).await;
    let mut upstream = upstream("http", Some(service.address));
    let passed =
        upstream.simulator(false, "/simulator/faults".to_owned(), b"{}".to_vec()).await.expect("answered");
    assert_eq!((passed.status, passed.body.as_slice()), (200, b"[1]".as_slice()));
    let requests = service.requests();
    assert!(requests[0].starts_with("POST /simulator/faults HTTP/1.1\r\n"), "{requests:?}");
    assert!(!requests[0].to_ascii_lowercase().contains("authorization"), "{requests:?}");
    // Nothing else than its controls, and nothing at all without a demonstration.
    assert!(upstream.simulator(true, "/v1/apps".to_owned(), Vec::new()).await.is_err());
    upstream.simulator = None;
    assert!(upstream.simulator(true, "/simulator/ledger".to_owned(), Vec::new()).await.is_err());
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn only_the_services_own_hosts_and_this_machine_get_requests() {
    let led = BTreeMap::from([
        ("simulated.example".to_owned(), Some(SocketAddr::from(([127, 0, 0, 1], 7101)))),
        ("failing.example".to_owned(), None),
        ("outside.example".to_owned(), Some(SocketAddr::from(([192, 0, 2, 1], 443)))),
    ]);
    for base in [
        "https://api.agora.io",
        "https://api-eu-west-1.sd-rtn.com",
        "https://127.0.0.1:7101",
        "http://simulated.example",
        "http://failing.example",
    ] {
        assert!(leads_to_service(base, &led), "{base}");
    }
    for base in [
        "http://api.agora.io",
        "https://api.agora.io:8443",
        "https://api.agora.io.evil.example",
        "https://evil.example",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "http://outside.example",
        "file:///etc/passwd",
        "",
    ] {
        assert!(!leads_to_service(base, &led), "{base}");
    }
    let app = AppUpstream {
        bases: BTreeMap::from([("evil.example".to_owned(), "https://evil.example".to_owned())]),
        resolve: BTreeMap::new(),
        customer: Current::new(Credentials::of("key", "secret")),
    };
    assert!(HttpUpstream::new(BTreeMap::from([("main".to_owned(), app)]), None).is_err());
}

#[test]
fn private_addresses_are_told_from_public_ones() {
    let public = |text: &str| is_public(text.parse().expect("an address"));
    for address in [
        "8.8.8.8",
        "100.63.255.255",
        "172.32.0.1",
        "198.20.0.1",
        "2600::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ] {
        assert!(public(address), "{address}");
    }
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "2001:db8::1",
        "2001:0:1::1",
        "2002:a00:1::1",
        "fc00::1",
        "fe80::1",
        "ff02::1",
    ] {
        assert!(!public(address), "{address}");
    }
}

/// `localhost` stands for a name that somebody led into the private network.
#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_asked() {
    let names = Names(Arc::new(BTreeMap::new()));
    let found = names.resolve("localhost".parse().expect("a name")).await;
    assert!(found.is_err_and(|error| error.is::<UnknownName>()));
}
