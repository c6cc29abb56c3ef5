//! Alerts reach somebody outside: each alarm once, in order, until it is answered with 200, also across `kill -9`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use process_tests::{APP, Controller, Options, Rig, eventually};
use rules::journal::DecisionKind;
use rules::{Fact, RecordingId};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(60);

/// One post as it came.
#[derive(Debug, Clone)]
struct Post {
    id: String,
    signature: String,
    body: Value,
    /// What it was answered with; none: the connection was closed instead.
    answered: Option<u16>,
}

/// Somebody outside. It answers as the test says.
struct Outside {
    address: String,
    posts: Arc<Mutex<Vec<Post>>>,
    answer: Arc<Mutex<Option<u16>>>,
}

impl Outside {
    fn listen(answer: Option<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it has one").to_string();
        let (posts, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(answer)));
        let (heard, says) = (Arc::clone(&posts), Arc::clone(&answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let answer = *says.lock().expect("nobody fell over");
                if let Some(post) = take(stream, answer) {
                    heard.lock().expect("nobody fell over").push(post);
                }
            }
        });
        Self { address, posts, answer }
    }

    fn answers(&self, answer: Option<u16>) {
        *self.answer.lock().expect("nobody fell over") = answer;
    }

    fn posts(&self) -> Vec<Post> {
        self.posts.lock().expect("nobody fell over").clone()
    }

    fn taken(&self) -> Vec<Post> {
        self.posts().into_iter().filter(|post| post.answered == Some(200)).collect()
    }
}

fn take(stream: TcpStream, answer: Option<u16>) -> Option<Post> {
    let mut reader = BufReader::new(stream);
    let (mut id, mut signature, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "tallylight-alert" => value.clone_into(&mut id),
            "tallylight-signature" => value.clone_into(&mut signature),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if let Some(status) = answer {
        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        reader.get_mut().write_all(text.as_bytes()).ok()?;
    }
    Some(Post { id, signature, body: serde_json::from_slice(&body).ok()?, answered: answer })
}

/// A desk that tells `outside`, and a page that acts.
fn desk(outside: &Outside, more: &str) -> (Rig, Controller) {
    let mut rig = Rig::start(Options::default());
    rig.kill_proxy();
    rig.configure(&format!(
        "\n[[alert]]\nname = \"night\"\nurl = \"http://{}/hook?token=1\"\nsecret = \"a-secret-of-tests\"\n{more}",
        outside.address
    ));
    rig.start_proxy();
    let page = Controller::open(rig.address(), 1);
    (rig, page)
}

/// The alarms in a journal, as alerts name them.
fn alarms(rig: &Rig, id: &RecordingId) -> Vec<String> {
    let is_alarm = |fact: &Fact| matches!(fact, Fact::Decided(decision) if matches!(decision.kind, DecisionKind::Alarm(_)));
    let journal = rig.journal(id);
    let alarms = journal.iter().filter(|entry| is_alarm(&entry.fact));
    alarms.map(|entry| format!("{id}:{}", entry.number)).collect()
}

/// A start that the service refuses for good, which is an alarm at once (D5).
fn refused(rig: &Rig, channel: &str) -> RecordingId {
    rig.fault(&json!({ "fault": "answer", "operation": "acquire", "cname": channel, "times": 1, "status": 400, "code": 2 }));
    let id = rig.ask(channel, None);
    eventually(LONG, "there is an alarm", || alarms(rig, &id).pop());
    id
}

#[test]
fn each_alarm_is_posted_until_it_is_taken_and_survives_kills() {
    let outside = Outside::listen(Some(500));
    let (mut rig, page) = desk(&outside, "");
    let first = refused(&rig, "lesson-1");
    eventually(LONG, "it is tried more than once", || (outside.posts().len() >= 2).then_some(()));
    assert!(
        outside.posts().iter().all(|post| post.id == alarms(&rig, &first)[0]),
        "what comes after it waits"
    );
    // Nobody at all, and the desk is killed meanwhile.
    outside.answers(None);
    let second = refused(&rig, "lesson-2");
    rig.kill_proxy();
    rig.start_proxy();
    assert!(outside.taken().is_empty());
    outside.answers(Some(200));
    let taken = eventually(LONG, "both are taken", || Some(outside.taken()).filter(|taken| taken.len() >= 2));
    let expected: Vec<String> = [&first, &second].into_iter().flat_map(|id| alarms(&rig, id)).collect();
    let ids: Vec<String> = taken.iter().map(|post| post.id.clone()).collect();
    assert_eq!(ids, expected);

    let post = &taken[0];
    let told = |name: &str| post.body[name].as_str().unwrap_or_default().to_owned();
    assert_eq!((told("alert"), told("id"), told("step")), ("night".into(), post.id.clone(), "needed".into()));
    assert_eq!((told("app"), told("channel"), told("rule")), (APP.into(), "lesson-1".into(), "D5".into()));
    assert_eq!(
        (told("cause"), told("title")),
        ("start_refused".into(), "lesson-1: the start is refused.".into())
    );
    let (since, made) = post.signature.split_once(",v1=").expect("both parts");
    assert!(since.strip_prefix("t=").is_some_and(|since| since.parse::<u64>().is_ok()), "{}", post.signature);
    assert_eq!(made.len(), 64);

    // And nothing of it again: not after a kill either.
    for channel in ["lesson-3", "lesson-4"] {
        rig.kill_proxy();
        rig.start_proxy();
        let id = refused(&rig, channel);
        let next = alarms(&rig, &id).remove(0);
        eventually(LONG, "it is told", || outside.taken().iter().any(|post| post.id == next).then_some(()));
    }
    let mut ids: Vec<String> = outside.taken().into_iter().map(|post| post.id).collect();
    assert_eq!(ids.len(), 4);
    ids.dedup();
    assert_eq!(ids.len(), 4, "each once");
    drop(page);
}

#[test]
fn alerts_go_by_step_and_a_journal_that_cannot_be_written_is_told_too() {
    let outside = Outside::listen(Some(200));
    let (mut rig, _page) = desk(&outside, "steps = [\"needed\", \"failover\", \"recovered\"]\n");
    rig.kill_proxy();
    rig.start_proxy_on_a_disk_that_fills(true);
    let id = rig.ask("lesson-1", None);
    eventually(LONG, "the recording is confirmed", || {
        rig.recording(&id).sessions.iter().find_map(|session| session.confirmed)
    });
    assert!(outside.posts().is_empty(), "what goes well is told nobody");
    rig.fault(&json!({ "fault": "kill", "cname": "lesson-1", "resumes_after_ms": 20_000 }));
    let steps = || {
        let step = |post: &Post| post.body["step"].as_str().unwrap_or_default().to_owned();
        outside.posts().iter().map(step).collect::<Vec<_>>()
    };
    rig.http.post(&format!("/api/v1/recordings/{id}/hurry"), &json!({}), &[]);
    eventually(LONG, "the failover and its end are told", || (steps().len() >= 2).then_some(()));
    assert_eq!(steps(), ["failover", "recovered"]);

    rig.set_room(false);
    eventually(LONG, "the disk is told", || (steps().len() >= 3).then_some(()));
    let disk = outside.posts().remove(2);
    assert!(disk.id.starts_with("journal:"), "{disk:?}");
    assert_eq!(disk.body["step"], "needed");
    assert!(
        disk.body["title"].as_str().is_some_and(|title| title.starts_with("The journal cannot be written: "))
    );
    rig.set_room(true);
    eventually(LONG, "its return is told", || (steps().len() >= 4).then_some(()));
    assert_eq!(outside.posts()[3].id, format!("{}:again", disk.id));
    rig.stop(&id);
}
