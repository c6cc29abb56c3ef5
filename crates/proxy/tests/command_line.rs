//! The program as it is started: what it prints, and with which status it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

const DEMONSTRATION: &str = r#"
[server]
demo = true
[[app]]
name = "main"
app_id = "0123456789abcdef0123456789abcdef"
customer_key = "key"
customer_secret = "very-secret-text"
domains = ["http://api.agora.io", "http://api.sd-rtn.com"]
resolve = { "api.agora.io" = "", "api.sd-rtn.com" = "" }
uid_range = [900000, 999999]
[[app.storage]]
name = "archive"
vendor = 1
region = 0
bucket = "recordings"
access_key = "access-secret-text"
secret_key = "storage-secret-text"
"#;

fn configuration(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tallylight.toml");
    std::fs::write(&file, text).expect("written");
    (folder, file)
}

fn tallylight(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallylight"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    tallylight(arguments).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running server. It ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(file: &Path, arguments: &[&str]) -> Self {
        let mut child = tallylight(&["serve", "--config"])
            .arg(file)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("it prints its address");
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_owned();
        Self { child, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_command_explains_itself() {
    for arguments in
        [&["--help"][..], &["serve", "--help"], &["check", "--help"], &["hash-password", "--help"]]
    {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}");
        assert!(text(&output.stdout).contains("Usage: tallylight"), "{arguments:?}");
    }
}

#[test]
fn a_checked_configuration_is_printed_without_its_secrets() {
    let (_folder, file) = configuration(DEMONSTRATION);
    let output = run(&["check", "--config", &file.display().to_string()]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(printed.contains("bucket = recordings") && printed.contains("no problem found"), "{printed}");
    assert!(!printed.contains("secret-text"), "{printed}");
}

#[test]
fn a_bad_configuration_is_one_clear_line_and_status_2() {
    let (_folder, file) = configuration(
        &DEMONSTRATION.replace("[900000, 999999]", "[1, 2]").replace("vendor = 1", "vendor = 4"),
    );
    let file = file.display().to_string();
    let output = run(&["serve", "--config", &file]);
    let printed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(printed.lines().count(), 1, "{printed}");
    assert!(printed.starts_with("tallylight: app.main.") && printed.contains("1 more"), "{printed}");
    let output = run(&["check", "--config", &file]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr).lines().count(), 2);
    assert_eq!(run(&["serve", "--config", "/nothing/here.toml"]).status.code(), Some(2));
    assert_eq!(run(&["serve", "--unknown"]).status.code(), Some(2));
}

#[test]
fn a_port_in_use_is_one_clear_line_and_status_1() {
    let (_folder, file) = configuration(DEMONSTRATION);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let output = run(&["serve", "--config", &file.display().to_string(), "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stderr);
    assert!(printed.contains(&format!("{address} is in use")) && printed.lines().count() == 1, "{printed}");
}

#[test]
fn a_journal_of_another_rate_is_refused_with_the_rate_to_use() {
    let (folder, file) = configuration(DEMONSTRATION);
    drop(Server::start(&file, &["--clock-rate", "10"]));
    let output = run(&["serve", "--config", &file.display().to_string(), "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("use --clock-rate 10"), "{}", text(&output.stderr));
    assert!(folder.path().join("tallylight.db").is_file());
}

#[test]
fn it_answers_and_ends_in_order_when_it_is_asked_to() {
    let (_folder, file) = configuration(DEMONSTRATION);
    let mut server = Server::start(&file, &[]);
    for path in ["/healthz", "/readyz", "/api/v1/me"] {
        assert!(server.get(path).starts_with("HTTP/1.1 200 "), "{path}");
    }
    if cfg!(unix) {
        let asked = Command::new("kill")
            .args(["-TERM", &server.child.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(asked.success());
        assert_eq!(server.child.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn a_hash_is_made_of_what_comes_in() {
    let mut child = tallylight(&["hash-password"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("piped").write_all(b"correct horse battery\n").expect("read");
    let output = child.wait_with_output().expect("it ends");
    assert!(text(&output.stdout).starts_with("$argon2id$"));
}

#[cfg(unix)]
#[test]
fn secrets_are_exchanged_without_a_restart_and_a_wrong_file_changes_nothing() {
    let text = DEMONSTRATION.replace("\"very-secret-text\"", "{ file = \"customer\" }");
    let (folder, file) = configuration(&text);
    let secret = folder.path().join("customer");
    std::fs::write(&secret, "old-very-secret-text").expect("written");
    let mut child = tallylight(&["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut address = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut address).expect("it listens");
    let address = address.trim().strip_prefix("listening on http://").expect("an address").to_owned();
    let mut server = Server { child, address };
    let mut log = BufReader::new(server.child.stderr.take().expect("piped"));
    let mut said = String::new();
    let mut until = |what: &str| {
        loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).expect("text"), 0, "it ended; it said: {said}");
            said += &line;
            if line.contains(what) {
                return said.clone();
            }
        }
    };
    let ask = |id: u32| {
        let asked = Command::new("kill").args(["-HUP", &id.to_string()]).status().expect("there is kill");
        assert!(asked.success());
    };
    // It answers, so it listens to signals too.
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
    std::fs::write(&secret, "new-very-secret-text").expect("written");
    ask(server.child.id());
    until("exchanged: app.main.customer_key and customer_secret");
    std::fs::write(&file, text.replace("qps", "qqs").replace("vendor = 1", "vendor = 99")).expect("written");
    ask(server.child.id());
    until("the secrets stay as they were");
    std::fs::write(&file, text.replace("[900000, 999999]", "[800000, 999999]")).expect("written");
    ask(server.child.id());
    let said = until("waiting for a restart: app.main");
    assert!(said.contains("no secret changed"), "{said}");
    assert!(!said.contains("very-secret-text"), "{said}");
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
}
