//! Walks every row of the service's table of status codes, and the older codes, against the running program over HTTP:
//! each row once as it comes about by itself, and each once as a fault.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const RIGHT: &str = "Basic a2V5OnNlY3JldA==";
const APP: &str = "/v1/apps/demo/cloud_recording";

const ACQUIRE: &[&str] = &["acquire"];
const START: &[&str] = &["start"];
const STOP: &[&str] = &["stop"];
const OF_SESSIONS: &[&str] = &["query", "update", "updateLayout"];
const OF_SESSIONS_AND_STOP: &[&str] = &["query", "update", "updateLayout", "stop"];

/// The service's rows of the table: operations, HTTP status, code, and the reason where the documents spell it.
const TABLE: &[(&[&str], u16, u64, &str)] = &[
    (ACQUIRE, 400, 2, ""),
    (ACQUIRE, 400, 400, "invalid_appid"),
    (ACQUIRE, 400, 401, "invalid_channel_name"),
    (ACQUIRE, 400, 405, "no_active_status"),
    (ACQUIRE, 400, 406, "vendor_over_load"),
    (ACQUIRE, 500, 500, "internal_error"),
    (ACQUIRE, 500, 501, "no_worker_manager_available"),
    (ACQUIRE, 500, 504, "allocate_timeout"),
    (START, 201, 7, "already started"),
    (START, 206, 65, "request not completed"),
    (START, 400, 2, ""),
    (START, 400, 53, "task conflict"),
    (START, 500, 502, "Failed to allocate worker"),
    (START, 500, 62, "request timeout"),
    (OF_SESSIONS_AND_STOP, 206, 65, "request not completed"),
    (OF_SESSIONS_AND_STOP, 400, 2, ""),
    (OF_SESSIONS_AND_STOP, 404, 404, "failed to find worker"),
    (OF_SESSIONS_AND_STOP, 504, 62, "request timeout"),
    (STOP, 206, 435, "no recorded data"),
    (STOP, 400, 49, "invalid operation"),
];

/// The codes of the older list, each with operations that meet it.
const OLDER: &[(&[&str], u64)] = &[
    (ACQUIRE, 8),
    (STOP, 50),
    (START, 52),
    (ACQUIRE, 62),
    (START, 109),
    (START, 110),
    (START, 432),
    (START, 433),
    (OF_SESSIONS, 501),
    (START, 1001),
    (OF_SESSIONS, 1003),
    (ACQUIRE, 1013),
    (OF_SESSIONS, 1028),
];

/// The gateway's rows, which any operation meets.
const GATEWAY: &[(u16, &str)] = &[
    (400, "appid is invalid"),
    (401, "Unauthorized"),
    (401, "Invalid authentication credentials"),
    (404, "no Route matched with those values"),
    (429, "API rate limit exceeded"),
];

/// What was answered: operation, HTTP status, code.
type Met = BTreeSet<(&'static str, u16, u64)>;

struct Running {
    process: Child,
    at: SocketAddr,
    agent: ureq::Agent,
    rooms: u32,
    met: RefCell<Met>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An answer: the status, and the body.
type Answer = (u16, Value);

impl Running {
    /// Runs at a hundred times the wall's speed, so that the limit of ten requests a second is out of the way.
    fn start(options: &[&str]) -> Self {
        Self::at_rate("100", options)
    }

    fn at_rate(rate: &str, options: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tallylight-simulator"))
            .args(["--app-id", "demo", "--customer-key", "key", "--customer-secret", "secret"])
            .args(["--listen", "127.0.0.1:0", "--listen-secondary", "127.0.0.1:0", "--clock-rate", rate])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = process.stdout.take().expect("its output is a pipe");
        let line = BufReader::new(output).lines().next().expect("a line").expect("text");
        let address = line.strip_prefix("listening on http://").and_then(|rest| rest.split(' ').next());
        let at = address.expect("the address").parse().expect("an address");
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        Self { process, at, agent: ureq::Agent::new_with_config(config), rooms: 0, met: RefCell::default() }
    }

    fn send(&self, method: &str, path: &str, authorization: Option<&str>, body: &Value) -> Answer {
        let url = format!("http://{}{path}", self.at);
        let mut response = if method == "GET" {
            let request = self.agent.get(&url);
            let request = authorization
                .into_iter()
                .fold(request, |request, text| request.header("Authorization", text));
            request.call().expect("an answer")
        } else {
            let request = self.agent.post(&url).content_type("application/json;charset=utf-8");
            let request = authorization
                .into_iter()
                .fold(request, |request, text| request.header("Authorization", text));
            request.send(body.to_string()).expect("an answer")
        };
        let text = response.body_mut().read_to_string().expect("text");
        self.note(
            path,
            (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text))),
        )
    }

    /// Puts down which row this was.
    fn note(&self, path: &str, answer: Answer) -> Answer {
        let operation =
            ["acquire", "start"].iter().chain(OF_SESSIONS_AND_STOP).find(|name| path.ends_with(**name));
        if let (Some(operation), Some(code)) = (operation, answer.1["code"].as_u64()) {
            self.met.borrow_mut().insert((*operation, answer.0, code));
        }
        answer
    }

    /// A call that waits out the limit of ten in a second: the limit has a row of its own.
    fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        for _ in 0..200 {
            let answer = self.send(method, path, Some(RIGHT), body);
            if answer.0 != 429 {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{method} {path}: limited for ever")
    }

    fn control(&self, path: &str, body: &Value) {
        let answer = self.send("POST", &format!("/simulator/{path}"), None, body);
        assert_eq!(answer.0, 200, "{path} {body}: {}", answer.1);
    }

    fn room(&mut self) -> String {
        self.rooms += 1;
        format!("room{}", self.rooms)
    }

    fn acquire(&self, cname: &str, request: Value) -> Answer {
        self.call("POST", &format!("{APP}/acquire"), &envelope(cname, request))
    }

    fn acquired(&self, cname: &str) -> String {
        let (status, body) = self.acquire(cname, json!({}));
        assert_eq!(status, 200, "{body}");
        body["resourceId"].as_str().expect("a resource ID").to_owned()
    }

    fn start_on(&self, resource_id: &str, cname: &str) -> Answer {
        self.call("POST", &format!("{APP}/resourceid/{resource_id}/mode/mix/start"), &start_body(cname))
    }

    /// A session that runs: the base of its paths, and its resource ID.
    fn session(&mut self) -> (String, String, String) {
        let cname = self.room();
        let resource_id = self.acquired(&cname);
        let (status, body) = self.start_on(&resource_id, &cname);
        assert_eq!(status, 200, "{body}");
        let sid = body["sid"].as_str().expect("a sid");
        (cname, format!("{APP}/resourceid/{resource_id}/sid/{sid}/mode/mix"), resource_id)
    }

    fn operation(&self, base: &str, cname: &str, operation: &str) -> Answer {
        match operation {
            "query" => self.call("GET", &format!("{base}/query"), &Value::Null),
            "update" => self.call(
                "POST",
                &format!("{base}/update"),
                &envelope(
                    cname,
                    json!({"streamSubscribe": {"audioUidList": {"subscribeAudioUids": ["#allstream#"]}}}),
                ),
            ),
            "updateLayout" => self.call(
                "POST",
                &format!("{base}/updateLayout"),
                &envelope(cname, json!({"mixedVideoLayout": 1})),
            ),
            "stop" => {
                self.call("POST", &format!("{base}/stop"), &envelope(cname, json!({"async_stop": true})))
            }
            other => panic!("no operation {other}"),
        }
    }

    fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        for _ in 0..4_000 {
            if is_so(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("never: {what}")
    }

    fn recording(&self, base: &str) {
        self.until("it records", |running| {
            running.operation(base, "", "query").1["serverResponse"]["status"]
                .as_u64()
                .is_some_and(|status| status >= 4)
        });
    }
}

fn envelope(cname: &str, request: Value) -> Value {
    json!({ "cname": cname, "uid": "900001", "clientRequest": request })
}

fn start_body(cname: &str) -> Value {
    envelope(
        cname,
        json!({
            "recordingConfig": { "channelType": 1, "maxIdleTime": 300 },
            "storageConfig": { "vendor": 1, "region": 0, "bucket": "b", "accessKey": "A", "secretKey": "S" },
        }),
    )
}

fn told(answer: &Answer) -> (u16, Option<u64>, Option<&str>, Option<&str>) {
    (answer.0, answer.1["code"].as_u64(), answer.1["reason"].as_str(), answer.1["message"].as_str())
}

/// What a row of the service has: status, code and reason, and no message of the gateway.
fn service(answer: &Answer, status: u16, code: u64, reason: &str) {
    assert_eq!(told(answer), (status, Some(code), Some(reason), None));
}

/// What a row of the gateway has: status and message, and no code.
fn gateway(answer: &Answer, status: u16, message: &str) {
    assert_eq!(told(answer), (status, None, None, Some(message)));
}

#[test]
fn any_operation_meets_the_gateway() {
    let running = Running::start(&[]);
    let (acquire, body) = (format!("{APP}/acquire"), envelope("room", json!({})));
    let send = |method, path: &str, authorization| running.send(method, path, authorization, &body);
    gateway(&send("POST", "/v1/apps/other/cloud_recording/acquire", Some(RIGHT)), 400, "appid is invalid");
    gateway(&send("POST", &acquire, None), 401, "Unauthorized");
    gateway(&send("POST", &acquire, Some("Basic a2V5OndyaW5n")), 401, "Invalid authentication credentials");
    let no_route = "no Route matched with those values";
    gateway(&send("GET", &acquire, Some(RIGHT)), 404, no_route);
    gateway(&send("POST", &format!("{APP}/Acquire"), Some(RIGHT)), 404, no_route);
    gateway(
        &send("POST", &format!("{APP}/resourceid/R/sid/S/mode/mix/updatelayout"), Some(RIGHT)),
        404,
        no_route,
    );
    gateway(&send("POST", &format!("{APP}/resourceid/R/sid/S/mode/mix/query"), Some(RIGHT)), 404, no_route);
}

#[test]
fn any_operation_meets_the_rate_limit() {
    let running = Running::at_rate("1", &[]);
    let path = format!("{APP}/resourceid/R/sid/S/mode/mix/query");
    let answers: Vec<Answer> =
        (0..40).map(|_| running.send("GET", &path, Some(RIGHT), &Value::Null)).collect();
    let limited: Vec<&Answer> = answers.iter().filter(|answer| answer.0 == 429).collect();
    gateway(limited.first().expect("ten in a second are the limit"), 429, "API rate limit exceeded");
}

#[test]
fn every_row_comes_about_by_itself() {
    let walks = [
        rows_of_acquire,
        rows_of_start,
        rows_of_sessions,
        rows_of_stop,
        older_codes,
        older_codes_by_switches,
    ];
    let met: Met = std::thread::scope(|scope| {
        let walks = walks.map(|walk| scope.spawn(walk));
        walks.into_iter().flat_map(|walk| walk.join().expect("each row is as documented")).collect()
    });
    let of_table = TABLE.iter().flat_map(|(operations, status, code, _)| {
        operations.iter().map(move |operation| (*operation, *status, *code))
    });
    let missing: Vec<_> = of_table.filter(|row| !met.contains(row)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (operations, code) in OLDER {
        let was_met = met.iter().any(|(operation, _, met)| operations.contains(operation) && met == code);
        assert!(was_met, "{operations:?} {code}");
    }
}

fn rows_of_acquire() -> Met {
    let mut running = Running::start(&["--unknown", "older-codes-status=400"]);
    let cname = running.room();
    let expired = json!({"resourceExpiredHour": 721});
    service(&running.acquire(&cname, expired), 400, 2, "Acquire: invalid resourceExpiredHour value!");
    let long_uid = json!({"cname": cname, "uid": "4294967296", "clientRequest": {}});
    let answer = running.call("POST", &format!("{APP}/acquire"), &long_uid);
    service(&answer, 400, 2, "api body validate failed!");
    service(&running.acquire("röom", json!({})), 400, 401, "invalid_channel_name");
    for (conditions, status, code, reason) in [
        (json!({"recording": "disabled"}), 400, 400, "invalid_appid"),
        (json!({"recording": "enabled", "account": "suspended"}), 400, 405, "no_active_status"),
        (json!({"account": "active", "managers": "broken"}), 500, 500, "internal_error"),
        (json!({"managers": "none"}), 500, 501, "no_worker_manager_available"),
        (json!({"managers": "slow"}), 500, 504, "allocate_timeout"),
        (json!({"managers": "ready", "backend": "late"}), 500, 504, "allocate_timeout"),
    ] {
        running.control("conditions", &conditions);
        service(&running.acquire(&cname, json!({})), status, code, reason);
    }
    running.control("conditions", &json!({"backend": "ready"}));
    for _ in 0..50 {
        running.session();
    }
    service(&running.acquire(&cname, json!({})), 400, 406, "vendor_over_load");
    running.met.take()
}

fn rows_of_start() -> Met {
    let mut running = Running::start(&[]);
    let (cname, _, resource_id) = running.session();
    service(&running.start_on(&resource_id, &cname), 201, 7, "already started");
    let conflicting = running.acquired(&cname);
    service(&running.start_on(&conflicting, &cname), 400, 53, "task conflict");

    let cname = running.room();
    let resource_id = running.acquired(&cname);
    let path = format!("{APP}/resourceid/{resource_id}/mode/mix/start");
    let answer = running.call("POST", &path, &envelope(&cname, json!({})));
    assert_eq!((answer.0, answer.1["code"].as_u64()), (400, Some(2)));
    running.control("conditions", &json!({"workers": 0}));
    service(&running.start_on(&resource_id, &cname), 500, 502, "Failed to allocate worker");
    running.control("conditions", &json!({"workers": "any", "backend": "away"}));
    service(&running.start_on(&resource_id, &cname), 500, 62, "request timeout");
    running.control("conditions", &json!({"backend": "late"}));
    service(&running.start_on(&resource_id, &cname), 206, 65, "request not completed");
    running.control("conditions", &json!({"backend": "ready"}));
    service(&running.start_on(&resource_id, &cname), 201, 7, "already started");
    running.met.take()
}

fn rows_of_sessions() -> Met {
    let mut running = Running::start(&[]);
    let (cname, base, _) = running.session();
    running.recording(&base);
    for operation in ["query", "update", "updateLayout"] {
        assert_eq!(running.operation(&base, &cname, operation).0, 200, "{operation}");
        running.control("conditions", &json!({"backend": "late"}));
        service(&running.operation(&base, &cname, operation), 206, 65, "request not completed");
        running.control("conditions", &json!({"backend": "away"}));
        service(&running.operation(&base, &cname, operation), 504, 62, "request timeout");
        running.control("conditions", &json!({"backend": "ready"}));
    }
    let wrong_mode = base.replace("/mode/mix", "/mode/web");
    let answer = running.operation(&wrong_mode, &cname, "query");
    assert_eq!((answer.0, answer.1["code"].as_u64()), (400, Some(2)));
    let answer = running.call("POST", &format!("{base}/update"), &envelope(&cname, json!({})));
    service(&answer, 400, 2, "api body validate failed!");
    for layout in [json!({}), json!({"mixedVideoLayout": 4}), json!({"layoutConfig": [{"uid": "1"}]})] {
        let answer = running.call("POST", &format!("{base}/updateLayout"), &envelope(&cname, layout));
        assert_eq!((answer.0, answer.1["code"].as_u64()), (400, Some(2)));
    }
    running
        .control("faults", &json!({"fault": "disconnect", "cname": cname, "resumes_after_ms": 10_000_000}));
    for operation in ["query", "update", "updateLayout", "stop"] {
        service(&running.operation(&base, &cname, operation), 404, 404, "failed to find worker");
    }
    running.met.take()
}

fn rows_of_stop() -> Met {
    let mut running = Running::start(&[]);
    let (cname, base, _) = running.session();
    running.recording(&base);
    running.control("conditions", &json!({"backend": "away"}));
    service(&running.operation(&base, &cname, "stop"), 504, 62, "request timeout");
    running.control("conditions", &json!({"backend": "ready"}));
    let answer =
        running.call("POST", &format!("{base}/stop"), &envelope(&cname, json!({"async_stop": "yes"})));
    assert_eq!((answer.0, answer.1["code"].as_u64()), (400, Some(2)));
    running.control("storage", &json!({"bucket": "b", "state": "slow"}));
    running.control("conditions", &json!({"backend": "late"}));
    service(&running.operation(&base, &cname, "stop"), 206, 65, "request not completed");
    running.control("conditions", &json!({"backend": "ready"}));
    service(&running.operation(&base, &cname, "stop"), 400, 49, "invalid operation");
    running.until("it is gone", |running| running.operation(&base, &cname, "query").0 == 404);
    service(&running.operation(&base, &cname, "stop"), 404, 404, "failed to find worker");

    let cname = running.room();
    running.control("channels", &json!({"cname": cname, "publishers": 0}));
    let (_, body) = running.start_on(&running.acquired(&cname), &cname);
    let ids = |name: &str| body[name].as_str().expect("an ID").to_owned();
    let base = format!("{APP}/resourceid/{}/sid/{}/mode/mix", ids("resourceId"), ids("sid"));
    running.recording(&base);
    service(&running.operation(&base, &cname, "stop"), 206, 435, "no recorded data");

    // An upload that takes longer than 20 s: the old code 50.
    let (cname, base, _) = running.session();
    running.recording(&base);
    let answer = running.call("POST", &format!("{base}/stop"), &envelope(&cname, json!({})));
    service(&answer, 504, 50, "upload timeout");
    running.met.take()
}

fn older_codes() -> Met {
    let mut running =
        Running::start(&["--unknown", "token-checked=at-start", "--app-certificate", "certificate"]);
    let cname = running.room();
    let resource_id = running.acquired(&cname);
    let start = |resource_id: &str, body: &Value| {
        running.call("POST", &format!("{APP}/resourceid/{resource_id}/mode/mix/start"), body)
    };
    service(&start(&resource_id, &start_body(&cname)), 400, 110, "token invalid");
    let mut body = start_body(&cname);
    body["clientRequest"]["token"] =
        simulator::channel_token("demo", "certificate", (&cname, "900001"), 1_000, 60).into();
    service(&start(&resource_id, &body), 400, 109, "token expired");
    service(
        &start(&resource_id, &start_body("other")),
        400,
        432,
        "cname or uid does not match the resourceId",
    );
    service(&start("R", &start_body(&cname)), 400, 1001, "resourceId cannot be parsed");
    running.control("conditions", &json!({"recording": "disabled_old"}));
    assert_eq!(running.acquire(&cname, json!({})).1["code"], 62);
    running.control("conditions", &json!({"recording": "enabled", "token": "ignored"}));

    let (cname, base, _) = running.session();
    let crossed = base.replace(base.split('/').nth(6).expect("its resource ID"), "R");
    service(&running.operation(&crossed, &cname, "query"), 400, 1003, "sid does not match the resourceId");
    let unfit = envelope("room1", json!({}));
    running.until("the resource ID is too old", |running| {
        let answer = running.call("POST", &format!("{APP}/resourceid/{resource_id}/mode/mix/start"), &unfit);
        told(&answer) == (400, Some(433), Some("resourceId expired"), None)
    });
    running.met.take()
}

/// Those that newer codes replaced come about where a switch says so.
fn older_codes_by_switches() -> Met {
    let mut running = Running::start(&[
        "--unknown",
        "older-codes-status=422",
        "--unknown",
        "bad-channel-name-code=1013",
        "--unknown",
        "start-timeout-code=52",
        "--unknown",
        "no-worker-code=15",
        "--unknown",
        "query-after-async-stop=501",
        "--unknown",
        "bad-layout-code=1028",
    ]);
    service(&running.acquire("röom", json!({})), 422, 1013, "invalid channel name");
    let url = format!("http://{}{APP}/acquire", running.at);
    let request = running.agent.post(&url).content_type("text/plain").header("Authorization", RIGHT);
    let mut response = request.send(envelope("room", json!({})).to_string().as_str()).expect("it answers");
    let body = response.body_mut().read_to_string().expect("text");
    let answer = (response.status().as_u16(), serde_json::from_str(&body).expect("JSON"));
    service(&running.note(&url, answer), 422, 8, "invalid content type");

    let cname = running.room();
    let resource_id = running.acquired(&cname);
    running.control("conditions", &json!({"backend": "away"}));
    service(&running.start_on(&resource_id, &cname), 500, 52, "start timeout");
    running.control("conditions", &json!({"backend": "ready", "workers": 0}));
    let answer = running.start_on(&resource_id, &cname);
    assert_eq!(told(&answer), (500, Some(15), None, None), "as it was seen: without a reason");
    running.control("conditions", &json!({"workers": "any"}));

    let (cname, base, _) = running.session();
    running.recording(&base);
    let answer = running.call("POST", &format!("{base}/updateLayout"), &envelope(&cname, json!({})));
    service(&answer, 422, 1028, "api body validate failed!");

    // Its files take long, so that it is exiting for a while.
    let (cname, base, _) = running.session();
    running.recording(&base);
    running.control("storage", &json!({"bucket": "b", "state": "slow"}));
    assert_eq!(running.operation(&base, &cname, "stop").0, 200);
    service(&running.operation(&base, &cname, "query"), 422, 501, "exiting");
    running.met.take()
}

#[test]
fn every_row_comes_as_a_fault() {
    let mut running = Running::start(&[]);
    let (cname, base, _) = running.session();
    let call = |operation: &str| match operation {
        "acquire" => running.acquire(&cname, json!({})),
        "start" => running.start_on("R", &cname),
        other => running.operation(&base, &cname, other),
    };
    let fault = |operation: &str, more: Value| {
        let mut fault = json!({"fault": "answer", "operation": operation});
        fault.as_object_mut().expect("it is one").extend(more.as_object().expect("it is one").clone());
        // One that the real limit kept from being used up.
        running.control("faults/clear", &Value::Null);
        running.control("faults", &fault);
    };
    for (operations, status, code, reason) in TABLE {
        for operation in *operations {
            fault(operation, json!({"status": status, "code": code}));
            let answer = call(operation);
            let reason = if reason.is_empty() { "invalid parameter" } else { reason };
            service(&answer, *status, *code, reason);
        }
    }
    for (operations, code) in OLDER {
        for operation in *operations {
            fault(operation, json!({"status": 400, "code": code}));
            let answer = call(operation);
            assert_eq!((answer.0, answer.1["code"].as_u64()), (400, Some(*code)), "{operation}");
            assert!(answer.1["reason"].is_string(), "{operation} {code}: {}", answer.1);
        }
    }
    // As it was seen: without a reason.
    fault("start", json!({"status": 500, "code": 15}));
    assert_eq!(told(&call("start")), (500, Some(15), None, None));
    for operation in ["acquire", "start", "query", "update", "updateLayout", "stop"] {
        for (status, message) in GATEWAY {
            fault(operation, json!({"status": status, "body": "gateway", "reason": message}));
            if *status != 429 {
                gateway(&call(operation), *status, message);
                continue;
            }
            // `call` would wait this one out.
            let (method, path) = match operation {
                "acquire" => ("POST", format!("{APP}/acquire")),
                "start" => ("POST", format!("{APP}/resourceid/R/mode/mix/start")),
                "query" => ("GET", format!("{base}/query")),
                other => ("POST", format!("{base}/{other}")),
            };
            let body = envelope(&cname, json!({}));
            gateway(&running.send(method, &path, Some(RIGHT), &body), *status, message);
        }
    }
    // The usual words of a status, where an order names none.
    for (status, message) in [(401, "Invalid authentication credentials"), (429, "API rate limit exceeded")] {
        fault("query", json!({"status": status}));
        let answer = running.send("GET", &format!("{base}/query"), Some(RIGHT), &Value::Null);
        gateway(&answer, status, message);
    }
    for (operation, status, code) in
        [("start", 201, 7), ("query", 206, 65), ("stop", 504, 62), ("update", 404, 404), ("acquire", 400, 2)]
    {
        fault(operation, json!({"status": status}));
        let answer = call(operation);
        assert_eq!((answer.0, answer.1["code"].as_u64()), (status, Some(code)), "{operation}");
    }
}
