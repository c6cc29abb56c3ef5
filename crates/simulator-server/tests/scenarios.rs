//! The scenario files: each is read, and played in virtual time it is the same each time and shows what it says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use agora::{AppId, Operation, Timestamp};
use serde_json::{Value, json};
use simulator::scenario::{Deed, Scenario, rehearse};
use simulator::{Config, EndedHow, Ledger, LedgerNotice, Notifications};

fn scenarios() -> BTreeMap<String, Scenario> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(folder).expect("the folder is there");
    files
        .map(|entry| {
            let path = entry.expect("a file").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("text");
            let scenario: Scenario = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            scenario.check().unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, scenario)
        })
        .collect()
}

fn played(name: &str, seed: u64) -> Ledger {
    let scenario = &scenarios()[name];
    let mut config = Config::new(AppId::parse("demo").expect("an App ID"), "key", "secret");
    config.notifications = Some(Notifications::default());
    rehearse(scenario, config, seed, Timestamp::from_millis(1_700_000_000_000))
}

#[test]
fn the_same_seed_and_scenario_give_the_same_ledger_byte_by_byte() {
    let names: Vec<String> = scenarios().into_keys().collect();
    assert_eq!(
        names,
        ["bad-token", "flapping-host", "leak", "regional-outage", "school-day", "storm-of-50x"]
    );
    for name in names {
        let text = |seed| serde_json::to_string(&played(&name, seed)).expect("it serialises");
        let first = text(7);
        assert!(first.len() > 1_000, "{name}: something happens");
        assert_eq!(first, text(7), "{name}");
        assert_ne!(first, text(8), "{name}");
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What happened to one session, in order: its requests with their answers (but for 429, which is a matter of what other
/// sessions are asked at the same time), its notifications, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Course {
    requests: Vec<(Operation, Option<u16>, Option<u32>)>,
    /// Without 33, which comes each minute, whatever happens around it.
    events: Vec<u16>,
    failovers: u32,
    ended: Option<EndedHow>,
}

/// Answers every notification with 200.
fn receiver() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
                let mut length = 0;
                for line in reader.by_ref().lines().map_while(Result::ok) {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                        length = value.parse().expect("a number");
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let read = reader.read_exact(&mut body);
                // Who asked may be gone.
                let _ = read.and_then(|()| stream.write_all(answer.as_bytes()));
            });
        }
    });
    format!("http://{address}/hook")
}

/// How one scenario is played over sockets.
#[derive(Clone, Copy)]
struct Play {
    name: &'static str,
    /// How many times faster than the wall the program runs: at 40 a quarter of a second is ten of its own.
    rate: i64,
    /// Every how many seconds staff ask after each recording: no step and no end of a failover is near such an instant.
    ask_every: i64,
    /// How many seconds late a request may be: a machine that is too busy for that plays another scenario.
    late: i64,
}

/// What the service answers with a 50x or a 206 is asked for again so often, a few seconds later.
const TRIES: u32 = 6;

/// Plays a scenario with the real program over sockets. Where the machine was too busy to keep time, it is played again
/// more slowly.
fn played_over_sockets(play: Play, seed: u64) -> BTreeMap<String, Course> {
    let mut slower = [1, 2, 4, 8].into_iter();
    let played = slower.find_map(|slower| played_at(Play { rate: play.rate / slower, ..play }, seed));
    played.expect("the machine keeps time at one of the rates")
}

/// None when something was late.
fn played_at(play: Play, seed: u64) -> Option<BTreeMap<String, Course>> {
    let Play { name, rate, ask_every, late } = play;
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"));
    let scenario = &scenarios()[name];
    let mut process = Command::new(env!("CARGO_BIN_EXE_tallylight-simulator"))
        .args(["--app-id", "demo", "--customer-key", "key", "--customer-secret", "secret"])
        .args([
            "--listen",
            "127.0.0.1:0",
            "--listen-secondary",
            "127.0.0.1:0",
            "--listen-region",
            "127.0.0.1:0",
        ])
        .args(["--clock-rate", &rate.to_string(), "--seed", &seed.to_string(), "--scenario"])
        .arg(file)
        .args(["--notify", &receiver(), "--notify-secret", "secret-of-notices"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let output = process.stdout.take().expect("its output is a pipe");
    let _running = Running(process);
    let lines: Vec<String> = BufReader::new(output).lines().take(3).map(|line| line.expect("text")).collect();
    let address = |place: usize| lines[place].split(' ').nth(2).expect("an address").to_owned();
    // No scenario takes the region's domain down.
    let (primary, controls) = (address(0), address(2));
    let agent =
        ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
    let get = |path: &str| -> Value {
        let mut response = agent.get(format!("{controls}{path}")).call().expect("an answer");
        serde_json::from_reader(response.body_mut().as_reader()).expect("JSON")
    };
    let began = get("/simulator/scenario")["began"].as_i64().expect("when it began");
    let now = || get("/healthz")["now"].as_i64().expect("a time");
    let wait_until = |at: i64| {
        let rest = u64::try_from((at - now()).max(0) / rate).expect("not negative");
        std::thread::sleep(Duration::from_millis(rest));
    };
    let call_once = |method: &str, path: &str, body: &Value| -> (u16, Value) {
        let url = format!("{primary}/v1/apps/demo/cloud_recording{path}");
        let answer = if method == "GET" {
            agent.get(&url).header("authorization", "Basic a2V5OnNlY3JldA==").call()
        } else {
            let request = agent.post(&url).header("authorization", "Basic a2V5OnNlY3JldA==");
            request.content_type("application/json").send(body.to_string())
        };
        // A domain that is down answers nothing.
        let Ok(mut response) = answer else { return (0, Value::Null) };
        let body = serde_json::from_reader(response.body_mut().as_reader()).unwrap_or_default();
        (response.status().as_u16(), body)
    };
    let after = |millis: i64| wait_until(now() + millis);
    // On a slow machine several come due at once, and are too many for a second.
    let call = |method: &str, path: &str, body: &Value| loop {
        let (status, answer) = call_once(method, path, body);
        if status != 429 {
            break (status, answer);
        }
        after(500);
    };
    let call_again = |path: &str, body: &Value| {
        for _ in 1..TRIES {
            let (status, answer) = call("POST", path, body);
            if status < 500 && status != 206 {
                return answer;
            }
            after(3_000);
        }
        call("POST", path, body).1
    };
    let mut deeds = scenario.of_staff().into_iter().peekable();
    let mut held: BTreeMap<String, (String, u32, i64)> = BTreeMap::new();
    let end = began + i64::try_from(scenario.seconds).expect("short") * 1000;
    let (mut uid, millis) = (900_000, |after: &Duration| i64::try_from(after.as_millis()).expect("short"));
    loop {
        let deed = deeds.peek().map(|(at, _)| began + millis(at));
        let ask = held.values().map(|(_, _, at)| *at).min();
        let Some(next) = [deed, ask].into_iter().flatten().min().filter(|next| *next <= end) else { break };
        wait_until(next);
        if now() > next + late * 1000 {
            return None;
        }
        if deed != Some(next) {
            for (base, _, at) in held.values_mut().filter(|(_, _, at)| *at <= next) {
                call("GET", &format!("{base}/query"), &Value::Null);
                *at += ask_every * 1000;
            }
            continue;
        }
        match deeds.next().expect("it was looked at").1 {
            Deed::Record { channel, idle_seconds } => {
                uid += 1;
                let mut body = json!({ "cname": channel, "uid": uid.to_string(), "clientRequest": {} });
                let acquired = call_again("/acquire", &body);
                let Some(resource) = acquired["resourceId"].as_str() else { continue };
                body["clientRequest"] = json!({
                    "recordingConfig": { "channelType": 1, "maxIdleTime": idle_seconds },
                    "storageConfig": { "vendor": 1, "region": 0, "bucket": "b", "accessKey": "A", "secretKey": "S" },
                });
                let started = call_again(&format!("/resourceid/{resource}/mode/mix/start"), &body);
                let Some(sid) = started["sid"].as_str() else { continue };
                let base = format!("/resourceid/{resource}/sid/{sid}/mode/mix");
                held.insert(channel, (base, uid, next + ask_every * 1000));
            }
            Deed::Stop { channel } => {
                let Some((base, uid, _)) = held.remove(&channel) else { continue };
                let body = json!({ "cname": channel, "uid": uid.to_string(), "clientRequest": {"async_stop": true} });
                call_again(&format!("{base}/stop"), &body);
            }
        }
    }
    wait_until(end);
    let ledger: Ledger = serde_json::from_value(get("/simulator/ledger")).expect("a ledger");
    let notices: Vec<LedgerNotice> =
        serde_json::from_value(get("/simulator/notifications")["notices"].clone()).expect("notices");
    let course = |session: &simulator::LedgerSession| {
        let own = ledger.requests.iter().filter(|request| {
            request.sid.as_ref() == Some(&session.sid)
                || request.resource_id.as_ref() == Some(&session.resource_id)
        });
        let events =
            notices.iter().filter(|notice| notice.sid.as_ref() == Some(&session.sid) && notice.event != 33);
        Course {
            requests: own
                .filter(|request| request.status != Some(429))
                .filter_map(|request| Some((request.operation?, request.status, request.code)))
                .collect(),
            events: events.map(|notice| notice.event).collect(),
            failovers: session.failovers,
            ended: session.ended_how,
        }
    };
    Some(ledger.sessions.iter().map(|session| (session.cname.clone(), course(session))).collect())
}

#[test]
fn over_sockets_the_same_seed_and_scenario_give_each_session_the_same_course() {
    // All at once: they wait most of the time.
    std::thread::scope(|scope| {
        let plays = [
            ("bad-token", 40, 130, 10, 3),
            ("flapping-host", 40, 105, 10, 1),
            ("leak", 40, 200, 20, 50),
            ("regional-outage", 40, 140, 10, 8),
            // A whole day: its steps are minutes apart, and nobody asks within a hundred seconds of one.
            ("school-day", 400, 1_100, 60, 4),
            // The first one is asked for again and again, and the others wait for that.
            ("storm-of-50x", 40, 140, 34, 5),
        ];
        assert_eq!(
            plays.map(|(name, ..)| name.to_owned()).to_vec(),
            scenarios().into_keys().collect::<Vec<_>>()
        );
        let plays = plays.map(|(name, rate, ask_every, late, sessions)| {
            let play = move || played_over_sockets(Play { name, rate, ask_every, late }, 7);
            (name, sessions, scope.spawn(play), scope.spawn(play))
        });
        let mut differences = Vec::new();
        for (name, sessions, first, second) in plays {
            let (first, second) = (first.join().expect("it plays"), second.join().expect("it plays"));
            assert_eq!((first.len(), second.len()), (sessions, sessions), "{name}: {:?}", first.keys());
            for (channel, course) in first {
                assert!(
                    course.requests.len() > 2 && course.events.len() > 1,
                    "{name}, {channel}: {course:?}"
                );
                if Some(&course) != second.get(&channel) {
                    differences.push(format!("{name}, {channel}: {course:?} and {:?}", second.get(&channel)));
                }
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    });
}

#[test]
fn each_scenario_shows_what_it_says() {
    let ended = |ledger: &Ledger| -> BTreeMap<String, Option<EndedHow>> {
        ledger.sessions.iter().map(|session| (session.cname.clone(), session.ended_how)).collect()
    };
    let day = ended(&played("school-day", 1));
    assert_eq!(day["room-1"], Some(EndedHow::Stopped));
    assert_eq!(day["room-4"], Some(EndedHow::Idle), "a break is longer than its idle time");

    let outage = played("regional-outage", 1);
    assert_eq!(ended(&outage)["studio-8"], Some(EndedHow::Fault));
    assert_eq!(outage.sessions.iter().filter(|session| session.failovers == 1).count(), 6);

    let leak = played("leak", 1);
    assert!(leak.requests.iter().any(|request| request.code == Some(406)));

    let token = ended(&played("bad-token", 1));
    assert_eq!(token["before"], Some(EndedHow::TokenExpired));
    assert_eq!(token["after-1"], Some(EndedHow::TokenWrong));

    let flap = &played("flapping-host", 1).sessions[0];
    assert_eq!((flap.failovers, flap.ended_how), (3, Some(EndedHow::FaultsExhausted)));

    let storm = played("storm-of-50x", 1);
    assert!(
        storm.requests.iter().filter(|request| request.status.is_some_and(|status| status >= 500)).count()
            > 3
    );
}

#[test]
fn a_scenario_with_a_slip_is_refused() {
    for (text, says) in [
        ("about = \"a\"\nseconds = 5\n[[step]]\nat = 6\ndo.record = { channel = \"a\" }", "after the end"),
        (
            "about = \"a\"\nseconds = 5\n[[step]]\nat = 1\ndo.record = { channel = \"a\", count = 101 }",
            "count",
        ),
        ("about = \"a\"\nseconds = 5\n[[step]]\nat = 1\ndo.fault = { fault = \"explode\" }", "not a fault"),
    ] {
        let scenario: Scenario = toml::from_str(text).expect("its form is right");
        assert!(scenario.check().expect_err("it is refused").contains(says), "{text}");
    }
    assert!(toml::from_str::<Scenario>("about = \"a\"\nseconds = 5\nsteps = 1").is_err());
    assert!(
        toml::from_str::<Scenario>("about = \"a\"\nseconds = 5\n[[step]]\nat = 1\ndo.dance = 1").is_err()
    );
}
