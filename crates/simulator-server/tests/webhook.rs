//! Notifications over real connections, to a receiver of this test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use simulator::Signatures;

const SECRET: &str = "secret-of-notices";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallylight-simulator"));
    command
        .args(["--app-id", "demo", "--customer-key", "key", "--customer-secret", "secret"])
        .args(["--listen", "127.0.0.1:0", "--listen-secondary", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// One POST: its path, its headers in lower case, its body. It is answered with this status.
fn receive(listener: &TcpListener, status: u16) -> (String, Vec<(String, String)>, Vec<u8>) {
    let (mut stream, _) = listener.accept().expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("not zero");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    };
    let path = line().split(' ').nth(1).expect("a path").to_owned();
    let mut headers = Vec::new();
    loop {
        let header = line();
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").expect("a length").1.parse();
    let mut body = vec![0; length.expect("a number")];
    reader.read_exact(&mut body).expect("the body");
    answer(&mut stream, status);
    (path, headers, body)
}

fn answer(stream: &mut TcpStream, status: u16) {
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}")
        .expect("it reads");
}

#[test]
fn a_notice_is_signed_and_repeated_until_it_is_answered_200() {
    let receiver = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = receiver.local_addr().expect("bound");
    let mut process = program()
        .args(["--notify", &format!("http://{address}/hook?app=demo"), "--notify-secret", SECRET])
        .args(["--notify-events", "40", "--clock-rate", "20"])
        .spawn()
        .expect("the program starts");
    let output = process.stdout.take().expect("its output is a pipe");
    let running = Running(process);
    let line = BufReader::new(output).lines().next().expect("a line").expect("text");
    let service = line.split(' ').nth(2).expect("the address").to_owned();
    ureq::post(format!("{service}/simulator/notifications"))
        .send(json!({"test": true}).to_string())
        .expect("it takes the order");
    let mut bodies = Vec::new();
    for status in [503, 204, 200] {
        let (path, headers, body) = receive(&receiver, status);
        let header =
            |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        assert_eq!(path, "/hook?app=demo");
        assert_eq!(header("content-type"), Some("application/json"));
        let signatures = Signatures::of(SECRET, &body);
        assert_eq!(header("agora-signature"), Some(signatures.sha1.as_str()));
        assert_eq!(header("agora-signature-v2"), Some(signatures.sha256.as_str()));
        bodies.push(serde_json::from_slice::<Value>(&body).expect("JSON"));
    }
    assert!(bodies.iter().all(|body| body["noticeId"] == bodies[0]["noticeId"]));
    assert!(bodies[1]["notifyMs"].as_i64() > bodies[0]["notifyMs"].as_i64());
    assert_eq!(bodies[0]["payload"]["cname"], "test_webhook");
    drop(running);
}

#[test]
fn a_webhook_elsewhere_and_a_slip_are_refused() {
    let secret = ["--notify-secret", SECRET];
    for (arguments, text) in [
        (&["--notify", "http://192.0.2.1:80/", secret[0], secret[1]][..], "not a loopback address"),
        (&["--notify", "https://127.0.0.1:80/", secret[0], secret[1]], "--notify"),
        (&["--notify", "http://127.0.0.1/", secret[0], secret[1]], "--notify"),
        (&["--notify", "http://127.0.0.1:80/", "--notify-secret", "short"], "--notify-secret"),
        (
            &["--notify", "http://127.0.0.1:80/", secret[0], secret[1], "--notify-events", "99"],
            "no event type 99",
        ),
        (&["--unknown", "event-13=perhaps"], "event-13 is one of yes|no"),
        (&["--unknown", "everything=yes"], "no open question"),
        (&["--scenario", "/nowhere.toml"], "--scenario"),
    ] {
        let output = program().args(arguments).output().expect("the program starts");
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(text), "{arguments:?}: {error}");
    }
    let output = program().args(["--notify", "http://127.0.0.1:80/"]).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2), "a webhook needs its secret");
}
