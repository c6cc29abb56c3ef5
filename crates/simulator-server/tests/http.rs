//! The program over real connections, on ports that the machine chooses.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::Ledger;

/// How much faster than the wall the simulator runs in these tests.
const RATE: u32 = 20;

struct Running {
    process: Child,
    primary: SocketAddr,
    secondary: SocketAddr,
    region: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallylight-simulator"));
    command.args(["--app-id", "demo", "--customer-key", "key", "--customer-secret", "secret"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run() -> Running {
    let any = "127.0.0.1:0";
    let mut process = program()
        .args(["--listen", any, "--listen-secondary", any, "--listen-region", any])
        .args(["--clock-rate", &RATE.to_string()])
        .spawn()
        .expect("the program starts");
    let output = process.stdout.take().expect("its output is a pipe");
    let mut lines = BufReader::new(output).lines();
    let mut next = |domain: &str| {
        let line = lines.next().expect("a line for each listener").expect("text");
        let address = line.strip_prefix("listening on http://").expect("the address");
        let (address, name) = address.split_once(' ').expect("the domain");
        assert_eq!(name, format!("({domain})"));
        address.parse().expect("an address")
    };
    let (primary, secondary, region) = (next("primary"), next("secondary"), next("region"));
    Running { process, primary, secondary, region }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build();
    ureq::Agent::new_with_config(config)
}

/// One request on a connection of its own: the status and the body.
fn request(at: SocketAddr, method: &str, path: &str, body: &Value) -> Result<(u16, Value), ureq::Error> {
    let url = format!("http://{at}{path}");
    let agent = agent();
    let authorization = "Basic a2V5OnNlY3JldA==";
    let mut response = match method {
        "GET" => {
            agent.get(&url).header("Authorization", authorization).header("Host", "api.agora.io").call()?
        }
        "DELETE" => agent.delete(&url).call()?,
        _ => agent
            .post(&url)
            .header("Authorization", authorization)
            .header("Host", "api.agora.io")
            .content_type("application/json")
            .send(body.to_string())?,
    };
    let text = response.body_mut().read_to_string()?;
    Ok((response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
}

fn answered(at: SocketAddr, method: &str, path: &str, body: &Value) -> (u16, Value) {
    request(at, method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

fn fault(at: SocketAddr, fault: &Value) {
    let (status, answer) = answered(at, "POST", "/simulator/faults", fault);
    assert_eq!(status, 200, "{fault}: {answer}");
}

fn ledger(at: SocketAddr) -> Ledger {
    let (status, ledger) = answered(at, "GET", "/simulator/ledger", &Value::Null);
    assert_eq!(status, 200);
    serde_json::from_value(ledger).expect("the ledger is what its types say")
}

fn acquire_body(cname: &str) -> Value {
    json!({ "cname": cname, "uid": "900001", "clientRequest": {} })
}

fn acquire(at: SocketAddr, cname: &str) -> String {
    let (status, answer) =
        answered(at, "POST", "/v1/apps/demo/cloud_recording/acquire", &acquire_body(cname));
    assert_eq!(status, 200, "{answer}");
    answer["resourceId"].as_str().expect("a resource ID").to_owned()
}

fn start_request(cname: &str, resource_id: &str) -> (String, Value) {
    let body = json!({ "cname": cname, "uid": "900001", "clientRequest": {
        "recordingConfig": { "channelType": 1, "maxIdleTime": 300 },
        "storageConfig": { "vendor": 1, "region": 0, "bucket": "b", "accessKey": "A", "secretKey": "S" },
    }});
    (format!("/v1/apps/demo/cloud_recording/resourceid/{resource_id}/mode/mix/start"), body)
}

/// Acquires and starts; the base of the session's paths.
fn start(at: SocketAddr, cname: &str) -> String {
    let resource_id = acquire(at, cname);
    let (path, body) = start_request(cname, &resource_id);
    let (status, answer) = answered(at, "POST", &path, &body);
    assert_eq!(status, 200, "{answer}");
    let sid = answer["sid"].as_str().expect("a sid");
    format!("/v1/apps/demo/cloud_recording/resourceid/{resource_id}/sid/{sid}/mode/mix")
}

/// Asks again and again until it is so; the condition is the simulator's, so it comes or the test is right to fail.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let given_up = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < given_up, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_recording_from_acquire_to_stop_by_three_domains() {
    let running = run();
    let session = start(running.primary, "room7");
    let query = format!("{session}/query");
    let status = |at| answered(at, "GET", &query, &Value::Null).1["serverResponse"]["status"].clone();
    until("status 5", || status(running.secondary) == 5);
    fault(running.region, &json!({ "fault": "kill", "cname": "room7", "resumes_after_ms": 29_000 }));
    assert_eq!(answered(running.region, "GET", &query, &Value::Null).0, 404);
    until("the next leg", || answered(running.primary, "GET", &query, &Value::Null).0 == 200);
    let (_, answer) = answered(running.primary, "GET", &query, &Value::Null);
    assert!(answer["serverResponse"]["fileList"].as_str().is_some_and(|name| name.starts_with("bak0_")));
    let (code, answer) =
        answered(running.primary, "POST", &format!("{session}/stop"), &acquire_body("room7"));
    assert_eq!((code, &answer["serverResponse"]["uploadingStatus"]), (200, &json!("uploaded")));
    until("the end", || answered(running.primary, "GET", &query, &Value::Null).0 == 404);
    let ledger = ledger(running.secondary);
    assert_eq!(ledger.sessions.len(), 1);
    assert!(!ledger.sessions[0].live);
    assert!(ledger.requests.iter().all(|request| request.host == "api.agora.io"));
    let domains: std::collections::BTreeSet<_> =
        ledger.requests.iter().map(|request| request.domain).collect();
    assert_eq!(domains.len(), 3);
    assert_eq!(ledger.dropped_requests, 0);
}

#[test]
fn an_answer_that_is_lost_closes_the_connection_without_a_byte() {
    let running = run();
    fault(
        running.primary,
        &json!([
            { "fault": "answer_lost", "operation": "start" },
            { "fault": "request_lost", "operation": "start" },
        ]),
    );
    let resource_id = acquire(running.primary, "room7");
    let (path, body) = start_request("room7", &resource_id);
    let body = body.to_string();
    for expected in [1, 1] {
        let mut stream = TcpStream::connect(running.primary).expect("it listens");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: api.agora.io\r\nAuthorization: Basic a2V5OnNlY3JldA==\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it closes in order");
        assert_eq!(answer, b"");
        assert_eq!(ledger(running.primary).sessions.len(), expected);
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_and_the_next_request_is_answered() {
    let running = run();
    let path = "/v1/apps/demo/cloud_recording/acquire";
    let body = json!({ "cname": "x".repeat(1024 * 1024), "uid": "1", "clientRequest": {} });
    // Where the sender still writes when the answer comes, it may see a broken connection instead.
    if let Ok((status, answer)) = request(running.primary, "POST", path, &body) {
        assert_eq!((status, answer), (413, json!({ "message": "Request size limit exceeded" })));
    }
    assert_eq!(answered(running.primary, "POST", path, &acquire_body("room7")).0, 200);
}

#[test]
fn a_late_answer_holds_up_nobody_else() {
    let running = run();
    let session = start(running.primary, "room7");
    let query = format!("{session}/query");
    let wall = Duration::from_secs(3);
    let delay_ms = u64::try_from(wall.as_millis()).expect("small") * u64::from(RATE);
    fault(running.primary, &json!({ "fault": "delay", "operation": "query", "delay_ms": delay_ms }));
    let began = Instant::now();
    std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            let answer = answered(running.primary, "GET", &query, &Value::Null);
            (answer.0, began.elapsed())
        });
        until("the late one has come", || ledger(running.primary).requests.len() == 3);
        assert_eq!(answered(running.primary, "GET", &query, &Value::Null).0, 200);
        assert!(!late.is_finished(), "the quick one overtook it");
        let (status, took) = late.join().expect("no panic");
        assert_eq!(status, 200);
        assert!(took >= wall, "{took:?}");
    });
}

#[test]
fn a_domain_that_refuses_gets_its_port_back() {
    let running = run();
    let refused = || match TcpStream::connect(running.primary) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            true
        }
    };
    let mut open = TcpStream::connect(running.primary).expect("it listens");
    for _ in 0..3 {
        // The command comes by the domain that it takes down, and is answered all the same.
        fault(running.primary, &json!({ "fault": "domain_down", "domain": "primary", "manner": "refuse" }));
        until("it refuses", refused);
        assert_eq!(answered(running.secondary, "GET", "/healthz", &Value::Null).0, 200);
        answered(running.secondary, "DELETE", "/simulator/faults", &Value::Null);
        until("it listens again", || !refused());
        assert_eq!(answered(running.primary, "GET", "/healthz", &Value::Null).0, 200);
    }
    let mut rest = Vec::new();
    open.set_read_timeout(Some(Duration::from_secs(10))).expect("not zero");
    assert_eq!(open.read_to_end(&mut rest).expect("it was closed, not left hanging"), 0);

    let virtual_second =
        json!({ "fault": "domain_down", "domain": "primary", "manner": "refuse", "for_ms": 20_000 });
    fault(running.secondary, &virtual_second);
    until("it refuses", refused);
    until("it listens again by itself", || !refused());
}

#[test]
fn a_domain_that_closes_keeps_its_controls() {
    let running = run();
    fault(running.primary, &json!({ "fault": "domain_down", "domain": "primary" }));
    let path = "/v1/apps/demo/cloud_recording/acquire";
    assert!(request(running.primary, "POST", path, &acquire_body("room7")).is_err());
    assert_eq!(answered(running.secondary, "POST", path, &acquire_body("room7")).0, 200);
    answered(running.primary, "DELETE", "/simulator/faults", &Value::Null);
    assert_eq!(answered(running.primary, "POST", path, &acquire_body("room7")).0, 200);
    let statuses: Vec<_> = ledger(running.primary).requests.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [None, Some(200), Some(200)]);
}

#[test]
fn two_processes_with_one_origin_show_one_time() {
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let origin = (wall.as_millis() - 60_000).to_string();
    let now = || {
        let mut process = program()
            .args(["--listen", "127.0.0.1:0", "--listen-secondary", "127.0.0.1:0"])
            .args(["--clock-rate", "100", "--clock-origin", &origin])
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let address =
            line.trim().trim_start_matches("listening on http://").split(' ').next().map(str::parse);
        let address = address.expect("an address").expect("an address");
        let now = answered(address, "GET", "/healthz", &Value::Null).1["now"].as_i64();
        process.kill().expect("it runs");
        process.wait().expect("it ends");
        now.expect("a time")
    };
    let (first, second) = (now(), now());
    let origin: i64 = origin.parse().expect("a number");
    assert!(first >= origin + 60_000 * 100, "a minute ago at a hundredfold rate");
    assert!((first..first + 30_000 * 100).contains(&second));
}

#[test]
fn a_bad_configuration_is_one_line_and_exit_2() {
    let loopback = ["--listen", "127.0.0.1:0", "--listen-secondary", "127.0.0.1:0"];
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("bound").to_string();
    for (arguments, text) in [
        (&["--listen", "0.0.0.0:0", "--listen-secondary", "127.0.0.1:0"][..], "0.0.0.0:0 is not a loopback"),
        (&["--listen", "127.0.0.1:0", "--listen-secondary", "[::]:0"], "[::]:0 is not a loopback"),
        (&["--listen", "127.0.0.1:0", "--listen-secondary", &taken], "cannot listen on"),
        (&[&loopback[..], &["--clock-rate", "0"]].concat(), "--clock-rate"),
        (&[&loopback[..], &["--clock-origin", "99999999999999"]].concat(), "--clock-origin"),
        (&[&loopback[..], &["--app-id", "a b"]].concat(), "App ID"),
    ] {
        // Of an option given twice clap would complain by itself: leave the usual one out.
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallylight-simulator"));
        let usual = ["--customer-key", "key", "--customer-secret", "secret"];
        command.args(usual).args(arguments);
        if !arguments.contains(&"--app-id") {
            command.args(["--app-id", "demo"]);
        }
        let output = command.output().expect("the program starts");
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(text), "{error}");
        assert!(output.stdout.is_empty());
    }
    let folder = std::env::temp_dir().join(format!("tallylight-scenarios-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (text, says) in [
        ("about = \"a\"\n", "missing field `seconds`"),
        ("about = \"a\"\nseconds = 5\n\nsteps = 1", "line 4: unknown field `steps`"),
        ("about = \"a\"\nseconds = ", "line 2: "),
    ] {
        let file = folder.join("one.toml");
        std::fs::write(&file, text).expect("it is written");
        let listen = &loopback;
        let output =
            program().args(listen).arg("--scenario").arg(&file).output().expect("the program starts");
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{error}");
        assert!(error.contains(says), "{error}");
    }
    std::fs::remove_dir_all(&folder).expect("it is ours");
    let output = program().output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    let output = program().arg("--help").output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn it_ends_in_order_when_it_is_asked_to() {
    for signal in ["-TERM", "-INT"] {
        let mut running = run();
        let killed = Command::new("kill").args([signal, &running.process.id().to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
        assert_eq!(running.process.wait().expect("it ends").code(), Some(0));
    }
}
