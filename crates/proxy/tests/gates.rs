//! Requests that a browser could be made to send, and requests that nobody sends by accident: the real program refuses them,
//! nothing is written, and the service behind it hears nothing.
//!
//! The service is a listener that notes every connection. What is forged would reach it at once if it were let in, as the
//! last request of each test proves.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// An answer that must come.
const LONG: Duration = Duration::from_secs(30);

/// How long a server may say nothing to something that it does not understand and may still wait for the rest of.
const SHORT: Duration = Duration::from_secs(1);

/// Stands for the service, and counts who comes.
struct Recorder {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Recorder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let visits = Arc::new(AtomicUsize::new(0));
        let count = visits.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let answered = stream.and_then(|mut stream| {
                    let _ = stream.read(&mut [0; 4096])?;
                    stream.write_all(answer.as_bytes())
                });
                // Whoever asked may be gone.
                let _ = answered;
            }
        });
        Self { address, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

/// The program with the recorder behind it. It ends with the test.
struct Desk {
    child: Child,
    address: String,
    recorder: Recorder,
    _folder: TempDir,
}

impl Desk {
    fn start(server: &str) -> Self {
        let recorder = Recorder::start();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tallylight.toml");
        let to = recorder.address;
        let text = format!(
            r#"
[server]
{server}
[[app]]
name = "main"
app_id = "0123456789abcdef0123456789abcdef"
customer_key = "key"
customer_secret = "very-secret-text"
domains = ["http://api.agora.io", "http://api.sd-rtn.com"]
resolve = {{ "api.agora.io" = "{to}", "api.sd-rtn.com" = "{to}" }}
uid_range = [900000, 999999]
[[app.storage]]
name = "archive"
vendor = 1
region = 0
bucket = "recordings"
access_key = "access-secret-text"
secret_key = "storage-secret-text"
[[staff]]
name = "Kim"
role = "lead"
"#
        );
        std::fs::write(&file, text).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tallylight"))
            .args(["serve", "--config"])
            .arg(&file)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("it prints its address");
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_owned();
        Self { child, address, recorder, _folder: folder }
    }

    /// Sends these bytes and gives back all that comes until the server closes, or nothing more comes.
    fn exchange(&self, bytes: &[u8], wait: Duration) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(wait)).expect("not zero");
        // What is refused may not be read to its end.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A request with these headers beside its host and its length.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            request += &format!("host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!("content-length: {}\r\n", body.len());
        }
        let answer = self.exchange(format!("{request}\r\n{body}").as_bytes(), LONG);
        let status = statuses(&answer).first().copied().unwrap_or_else(|| panic!("no answer: {request}"));
        (status, answer)
    }

    /// A fault for the simulator: whoever may send it reaches the recorder at once.
    fn own_request(&self) -> String {
        format!(
            "POST /api/v1/simulator/faults HTTP/1.1\r\nhost: {0}\r\norigin: http://{0}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}",
            self.address
        )
    }

    /// Nothing was sent and nothing was written so far; the own page's request is sent.
    fn nothing_happened_until_the_own_page_asked(&self) {
        assert_eq!(self.recorder.visits(), 0, "something reached the service");
        let (status, list) = self.ask("GET", "/api/v1/recordings", &[], "");
        assert!(status == 200 && list.contains(r#""recordings":[]"#), "{list}");
        let answer = self.exchange(self.own_request().as_bytes(), LONG);
        assert_eq!(statuses(&answer), [200], "{answer}");
        assert_eq!(self.recorder.visits(), 1);
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status of every answer in what came.
fn statuses(answer: &str) -> Vec<u16> {
    answer
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|head| head.get(..3).and_then(|status| status.parse().ok()).expect("a status"))
        .collect()
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn forged_cross_site_requests_are_refused() {
    let desk = Desk::start("demo = true");
    let own = format!("http://{}", desk.address);
    let host = &desk.address;
    let suffixed = format!("{own}.evil.example");
    let named = format!("{own}@evil.example");
    let two = format!("{own} https://evil.example");
    let rebound = format!("evil.example:{}", host.rsplit(':').next().expect("a port"));
    let rebound_origin = format!("http://{rebound}");
    let referer = format!("{own}/");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let multipart = ("content-type", "multipart/form-data; boundary=x");
    let text = ("content-type", "text/plain");
    let evil = ("origin", "https://evil.example");
    let null = ("origin", "null");
    let cross = ("sec-fetch-site", "cross-site");
    let forged: [(&str, &[(&str, &str)]); 26] = [
        ("a form", &[evil, form, cross]),
        ("a form with a file", &[evil, multipart, cross]),
        ("a form whose text is JSON", &[evil, text, cross]),
        ("a script without asking first", &[evil, text, cross, ("sec-fetch-mode", "no-cors")]),
        ("a script that pretends to have asked", &[evil, JSON, cross, ("sec-fetch-mode", "cors")]),
        ("a script in an old browser", &[evil, JSON]),
        ("a sandboxed frame", &[null, JSON, cross]),
        ("a file on the disk", &[("origin", "file://"), JSON]),
        ("an extension", &[("origin", "chrome-extension://abcdef"), JSON]),
        (
            "another host of the site",
            &[("origin", "https://other.example.org"), JSON, ("sec-fetch-site", "same-site")],
        ),
        ("a name that begins as the own one", &[("origin", &suffixed), JSON]),
        ("a user's name that is the own one", &[("origin", &named), JSON]),
        ("two origins in a line", &[("origin", &two), JSON]),
        ("two lines of origins", &[("origin", &own), evil, JSON]),
        ("an empty origin", &[("origin", ""), JSON]),
        ("the own origin, and the browser denies it", &[("origin", &own), JSON, cross]),
        (
            "the own origin, and the browser says a sibling",
            &[("origin", &own), JSON, ("sec-fetch-site", "same-site")],
        ),
        ("the own origin as a form", &[("origin", &own), form, ("sec-fetch-site", "same-origin")]),
        ("no origin, from another site", &[JSON, cross]),
        ("no origin, from a sibling", &[JSON, ("sec-fetch-site", "same-site")]),
        ("no origin, typed", &[JSON, ("sec-fetch-site", "none")]),
        ("no origin, with a cookie", &[JSON, ("cookie", "__Host-sid=0123456789abcdef")]),
        ("the own page only as referer", &[evil, JSON, ("referer", &referer)]),
        ("another name for this machine", &[("host", &rebound), ("origin", &rebound_origin), JSON]),
        ("another method by a header", &[evil, JSON, ("x-http-method-override", "GET")]),
        (
            "another host by a header",
            &[evil, JSON, ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")],
        ),
    ];
    let start = r#"{"app":"main","channel":"math","storage":"archive","settings":{}}"#;
    for (what, headers) in forged {
        for (method, path, body) in [
            ("POST", "/api/v1/simulator/faults", "{}"),
            ("POST", "/api/v1/recordings", start),
            ("PUT", "/api/v1/views", "{}"),
        ] {
            let headers: Vec<_> = headers.iter().chain(&[("idempotency-key", "one")]).copied().collect();
            let (status, answer) = desk.ask(method, path, &headers, body);
            assert!(matches!(status, 400 | 403 | 415 | 421), "{what} {path}: {answer}");
            assert!(!answer.to_ascii_lowercase().contains("access-control-allow"), "{what} {path}: {answer}");
        }
    }
    // What only reads tells another site's page nothing, and does nothing.
    for (method, path) in
        [("GET", "/api/v1/setup"), ("GET", "/api/v1/simulator/ledger"), ("HEAD", "/api/v1/recordings")]
    {
        for headers in [
            &[cross, ("sec-fetch-dest", "image")][..],
            &[evil, cross],
            &[null, ("sec-fetch-site", "same-site")],
        ] {
            assert_eq!(desk.ask(method, path, headers, "").0, 403, "{method} {path} {headers:?}");
        }
    }
    let (_, asked_first) =
        desk.ask("OPTIONS", "/api/v1/recordings", &[evil, ("access-control-request-method", "POST")], "");
    assert!(!asked_first.to_ascii_lowercase().contains("access-control-allow"), "{asked_first}");
    desk.nothing_happened_until_the_own_page_asked();
}

/// The stream carries nothing of what browsers say about a page but its origin.
#[test]
fn a_stream_is_opened_only_by_an_allowed_page_or_with_a_token() {
    for server in ["demo = true", "allowed_origins = [\"https://desk.example.org\"]"] {
        let desk = Desk::start(server);
        let own = format!("http://{}", desk.address);
        let other_port = "http://127.0.0.1:1";
        let suffixed = format!("{own}.evil.example");
        let secret = ("cookie", "__Host-sid=0123456789abcdef");
        let upgrade = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ];
        let mut refused =
            vec![None, Some("null"), Some("https://evil.example"), Some(suffixed.as_str()), Some("")];
        if server != "demo = true" {
            // A strict cookie is sent from there.
            refused.push(Some(other_port));
            refused.push(Some("http://desk.example.org"));
        }
        for origin in refused {
            let headers: Vec<_> = upgrade
                .iter()
                .copied()
                .chain([secret])
                .chain(origin.map(|origin| ("origin", origin)))
                .collect();
            let request =
                |head: &mut String, (name, value): (&str, &str)| *head += &format!("{name}: {value}\r\n");
            let mut head = format!("GET /api/v1/stream HTTP/1.1\r\nhost: {}\r\n", desk.address);
            headers.iter().for_each(|line| request(&mut head, *line));
            let answer = desk.exchange(format!("{head}\r\n").as_bytes(), LONG);
            assert_eq!(statuses(&answer), [403], "{origin:?}");
            assert!(answer.contains(r#""kind":"origin""#), "asked before who is signed in: {answer}");
        }
    }
}

#[test]
fn malformed_and_smuggled_requests_are_refused() {
    let desk = Desk::start("demo = true");
    let host = &desk.address;
    let own = format!("host: {host}\r\norigin: http://{host}\r\ncontent-type: application/json\r\n");
    let hidden = desk.own_request();
    let length = hidden.len();
    let post = format!("POST /api/v1/simulator/faults HTTP/1.1\r\n{own}");
    let hook = format!("POST /api/v1/notifications/main HTTP/1.1\r\nhost: {host}\r\n");
    let chunked = "transfer-encoding: chunked\r\n";
    let long = "x".repeat(5_000);
    let lines = (0..20).map(|line| format!("x-{line}: {}\r\n", "y".repeat(1_000))).collect::<String>();
    let many = (0..120).map(|line| format!("x-{line}: y\r\n")).collect::<String>();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let large = "1".repeat(70_000);
    // Behind each lies a request that would be carried out, if it were taken for one.
    let cases: Vec<(&str, String)> = vec![
        ("a length and chunks", format!("{post}content-length: 4\r\n{chunked}\r\n0\r\n\r\n{hidden}")),
        ("chunks and a length", format!("{post}{chunked}content-length: 4\r\n\r\n0\r\n\r\n{hidden}")),
        ("chunks", format!("{post}{chunked}\r\n2\r\n{{}}\r\n0\r\n\r\n")),
        (
            "chunks, then as it is",
            format!("{post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "as it is, then chunks",
            format!("{post}transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "a coding that is none",
            format!("{post}transfer-encoding: xchunked\r\ncontent-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        (
            "a space before the colon",
            format!("{post}transfer-encoding : chunked\r\ncontent-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        (
            "a tab before the coding",
            format!("{post}transfer-encoding:\tchunked\r\ncontent-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        ("chunks twice", format!("{post}{chunked}{chunked}\r\n0\r\n\r\n{hidden}")),
        (
            "chunks on a folded line",
            format!("{post}transfer-encoding:\r\n chunked\r\ncontent-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        (
            "chunks in capitals",
            format!("{post}Transfer-Encoding: CHUNKED\r\ncontent-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        (
            "chunks behind a bare line feed",
            format!("{post}x: y\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        (
            "chunks and a length where chunks are taken",
            format!("{hook}content-length: 4\r\n{chunked}\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "a chunk of a size that no number holds",
            format!("{hook}{chunked}\r\nfffffffffffffffff\r\n{hidden}"),
        ),
        ("a chunk of a negative size", format!("{hook}{chunked}\r\n-1\r\n{hidden}")),
        ("a chunk without its end", format!("{hook}{chunked}\r\n2\r\n{{}}0\r\n\r\n{hidden}")),
        ("two lengths", format!("{post}content-length: 2\r\ncontent-length: {length}\r\n\r\n{{}}{hidden}")),
        ("two lengths in a line", format!("{post}content-length: 2, {length}\r\n\r\n{{}}{hidden}")),
        ("a length with a sign", format!("{post}content-length: +2\r\n\r\n{{}}{hidden}")),
        ("a negative length", format!("{post}content-length: -1\r\n\r\n{{}}{hidden}")),
        ("a hexadecimal length", format!("{post}content-length: 0x2\r\n\r\n{{}}{hidden}")),
        (
            "a length that no number holds",
            format!("{post}content-length: 99999999999999999999\r\n\r\n{{}}{hidden}"),
        ),
        ("a length in two parts", format!("{post}content-length: 2 0\r\n\r\n{{}}{hidden}")),
        ("an empty length", format!("{post}content-length: \r\n\r\n{{}}{hidden}")),
        (
            "a body where nothing is sent",
            format!("GET /api/v1/me HTTP/1.1\r\n{own}content-length: {length}\r\n\r\n{hidden}"),
        ),
        (
            "chunks where nothing is sent",
            format!("GET /api/v1/me HTTP/1.1\r\n{own}{chunked}\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "HTTP/1.0",
            format!("POST /api/v1/simulator/faults HTTP/1.0\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        ("HTTP/0.9", format!("GET /api/v1/me\r\n\r\n{hidden}")),
        ("HTTP/1.2", format!("GET /api/v1/me HTTP/1.2\r\n{own}\r\n{hidden}")),
        ("http/1.1 in small letters", format!("GET /api/v1/me http/1.1\r\n{own}\r\n{hidden}")),
        ("the beginning of HTTP/2", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{hidden}")),
        (
            "no host",
            format!(
                "POST /api/v1/simulator/faults HTTP/1.1\r\norigin: http://{host}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
            ),
        ),
        ("two hosts", format!("{post}host: evil.example\r\ncontent-length: 2\r\n\r\n{{}}{hidden}")),
        (
            "another host in the first line",
            format!(
                "POST http://evil.example/api/v1/simulator/faults HTTP/1.1\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"
            ),
        ),
        (
            "the own host in the first line only",
            format!(
                "POST http://{host}/api/v1/simulator/faults HTTP/1.1\r\nhost: evil.example\r\norigin: http://{host}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}{hidden}"
            ),
        ),
        ("a long address", format!("GET /api/v1/me?{long} HTTP/1.1\r\n{own}\r\n{hidden}")),
        ("large headers", format!("GET /api/v1/me HTTP/1.1\r\n{own}{lines}\r\n{hidden}")),
        ("many headers", format!("GET /api/v1/me HTTP/1.1\r\n{own}{many}\r\n{hidden}")),
        ("a zero in a header", format!("{post}x: a\0b\r\ncontent-length: 2\r\n\r\n{{}}{hidden}")),
        (
            "a carriage return in a header",
            format!("{post}x: a\rb: c\r\ncontent-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        ("a space in a header's name", format!("{post}x y: z\r\ncontent-length: 2\r\n\r\n{{}}{hidden}")),
        ("a line that is no header", format!("{post}nothing\r\ncontent-length: 2\r\n\r\n{{}}{hidden}")),
        ("a folded line", format!("{post}x: a\r\n b\r\ncontent-length: 2\r\n\r\n{{}}{hidden}")),
        (
            "dots in the path",
            format!(
                "POST /api/v1/x/../simulator/faults HTTP/1.1\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"
            ),
        ),
        (
            "hidden dots in the path",
            format!(
                "POST /api/v1/x/%2e%2E/simulator/faults HTTP/1.1\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"
            ),
        ),
        (
            "dots behind the simulator's path",
            format!(
                "POST /api/v1/simulator/../v1/apps HTTP/1.1\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"
            ),
        ),
        (
            "a backslash in the path",
            format!("POST /api/v1/simulator\\faults HTTP/1.1\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        (
            "a hidden line break in the path",
            format!(
                "POST /api/v1/simulator/faults%0d%0ax HTTP/1.1\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"
            ),
        ),
        (
            "a hidden zero in the path",
            format!(
                "POST /api/v1/simulator/faults%00 HTTP/1.1\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"
            ),
        ),
        (
            "two slashes",
            format!("POST //api/v1/simulator/faults HTTP/1.1\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        ("TRACE", format!("TRACE /api/v1/me HTTP/1.1\r\n{own}\r\n{hidden}")),
        ("CONNECT", format!("CONNECT {host} HTTP/1.1\r\n{own}\r\n{hidden}")),
        ("DELETE", format!("DELETE /api/v1/recordings/one HTTP/1.1\r\n{own}\r\n{hidden}")),
        (
            "a method with a space",
            format!("PO ST /api/v1/simulator/faults HTTP/1.1\r\n{own}content-length: 2\r\n\r\n{{}}{hidden}"),
        ),
        ("a packed body", format!("{post}content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{{}}{hidden}")),
        ("a type twice", format!("{post}content-type: text/plain\r\ncontent-length: 2\r\n\r\n{{}}{hidden}")),
        (
            "a deep body",
            format!(
                "POST /api/v1/recordings HTTP/1.1\r\n{own}connection: close\r\ncontent-length: {}\r\n\r\n{deep}",
                deep.len()
            ),
        ),
        ("a large body", format!("{post}content-length: {}\r\n\r\n{large}{hidden}", large.len())),
        ("a body that ends early", format!("{post}content-length: 20\r\n\r\n{{}}")),
    ];
    assert!(cases.len() >= 40);
    for (what, bytes) in cases {
        let answer = desk.exchange(bytes.as_bytes(), SHORT);
        let statuses = statuses(&answer);
        assert!(statuses.len() <= 1 && statuses.iter().all(|status| *status >= 400), "{what}: {answer}");
        assert_eq!(desk.recorder.visits(), 0, "{what} was taken for something else: {answer}");
    }
    desk.nothing_happened_until_the_own_page_asked();
}
