//! What is fuzzed: whatever bytes the service may send, told to what reads them. Nothing may panic, and what comes of it is
//! bounded, reads back, and folds.
//!
//! `docs/fuzzing.md` says how; `tests/corpus.rs` tells everything again that was ever found.

mod head;

use std::fmt::Debug;
use std::time::Duration;

use agora::notification::{NOTICE_CHARACTERS_MAX, NOTIFICATION_BYTES_MAX, UIDS_MAX};
use agora::{AnswerClass, ChannelName, Mode, Notification, Operation, ResourceId, Sid, Timestamp, Uid};
use from_json::FromJson;
use rules::api::{AdoptRecording, NamedPolicy};
use rules::{AppEntry, Board, Entry, Policy, Recording, RecordingId};
use serde_json::Value;
use switchboard::memory::MemoryStore;
use switchboard::notices::{Delivery, Receipt};
use switchboard::ports::{Request, RequestFacts, Requests};
use switchboard::{Actor, AppConfig, Arrival, Config, Now, Switchboard};

pub use head::head;

/// How many files of one answer or notification are kept at most.
const FILES_MAX: usize = 64;

/// How many characters of one text are kept at most, file names among them.
const TEXT_MAX: usize = 1_024;

/// The `sid` of the session that the receiver knows.
pub const KNOWN_SID: &str = "0123456789abcdef0123456789abcdef";

const APP: &str = "desk";
const CHANNEL: &str = "math-7b";
const BEGAN: i64 = 1_790_000_000_000;

/// An answer of the service. The first line says to what: operation, mode, status, and perhaps `Retry-After`.
///
/// # Panics
/// When the reader does something that it must not.
pub fn answer(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let line = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let body = parts.next().unwrap_or_default();
    let mut words = line.split(' ');
    let operation = words.next().and_then(Operation::parse).unwrap_or(Operation::Query);
    let mode = words.next().and_then(Mode::parse).unwrap_or(Mode::Mix);
    let status = words.next().and_then(|word| word.parse().ok()).unwrap_or(200);
    let retry_after = words.next();
    let read = agora::classify(operation, mode, status, retry_after, body);
    assert_eq!(read.status, status);
    if let Some(reason) = &read.reason {
        assert!(reason.chars().count() <= agora::answer::REASON_CHARACTERS_MAX, "{reason}");
    }
    let files = match &read.class {
        AnswerClass::Status(answer) => answer.files.len(),
        AnswerClass::Stopped(answer) => answer.files.len(),
        _ => 0,
    };
    assert!(files <= FILES_MAX + 1, "{files} files");
    if !(200..300).contains(&status) {
        let success = matches!(
            read.class,
            AnswerClass::Acquired(_)
                | AnswerClass::Started(_)
                | AnswerClass::Status(_)
                | AnswerClass::Stopped(_)
        );
        assert!(!success, "{read:?}");
    }
    reads_back(&read);
}

/// A notification's body whose signature is right, delivered twice: the receiver keeps it, and knows it the second time.
///
/// # Panics
/// When the reader or the receiver does something that it must not.
pub fn receiver(input: &[u8]) {
    if input.len() > NOTIFICATION_BYTES_MAX {
        // Refused with 413 before anything reads it.
        return;
    }
    let read = Notification::read(input);
    if let Ok(read) = &read {
        assert!(read.notice.chars().count() <= NOTICE_CHARACTERS_MAX);
        assert!(read.details.files.len() <= FILES_MAX + 1 && read.details.uids.len() <= UIDS_MAX);
        bounded(&serde_json::to_value(read).expect("it is JSON"));
        // A kept body is what came, but for the key of a live stream's address.
        let _ = read.keepable(input);
    }
    let store = MemoryStore::default();
    let mut desk = open(&store);
    let id = watch(&mut desk);
    let delivery = Delivery { app: APP.to_owned(), read: read.clone(), body: input.to_vec() };
    let first = desk.notified(vec![delivery.clone()], now(1)).expect("the store works");
    let second = desk.notified(vec![delivery], now(2)).expect("the store works");
    let named = read.as_ref().is_ok_and(|read| !read.notice.is_empty());
    match first[..] {
        [Receipt::Written] => {
            let sid = read.as_ref().ok().and_then(|read| read.sid.as_ref()).map(Sid::as_str);
            assert_eq!(sid, Some(KNOWN_SID));
        }
        [Receipt::Unmatched] => {}
        _ => panic!("it never came before: {first:?}"),
    }
    if named {
        assert_eq!(second, [Receipt::Again]);
    }
    desk.tick(now(3));
    // Every entry reads back, by both readers; the fold of all of them is what the desk has.
    let lines = store.lines();
    for line in &lines {
        reads_back(&line.entry);
    }
    for line in store.app_lines() {
        reads_back::<AppEntry>(&line.entry);
    }
    let mut entries = lines.into_iter().filter(|line| line.recording == id).map(|line| line.entry);
    let mut folded =
        Recording::begin(id.clone(), &entries.next().expect("it was asked for")).expect("a request");
    for entry in entries {
        rules::fold(&mut folded, &entry);
    }
    assert_eq!(Some(&folded), desk.recording(&id));
    reads_back(&folded);
    // What is to be done next can be said, now and much later, and all of it survives a restart.
    let mut board = Board::default();
    board.include(&folded);
    for later in [0, 100, 1_000_000] {
        let _ = rules::steps(&folded, &board, folded.last_at + Duration::from_secs(later));
    }
    let again = open(&store);
    assert_eq!(again.recording(&id), desk.recording(&id));
}

/// Whatever was written is read back the same, by a server and by a page.
fn reads_back<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + FromJson + PartialEq + Debug,
{
    let text = serde_json::to_string(value).expect("it is JSON");
    let by_server: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(&by_server, value);
    let by_page: T = from_json::from_text(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(&by_page, value);
}

/// No text in it is longer than is kept.
fn bounded(value: &Value) {
    match value {
        Value::String(text) => assert!(text.chars().count() <= TEXT_MAX, "{text}"),
        Value::Array(list) => list.iter().for_each(bounded),
        Value::Object(map) => map.values().for_each(bounded),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct NoRequests;

impl Requests for NoRequests {
    fn build(&self, _: &RequestFacts<'_>) -> Result<Request, String> {
        Err("nothing is sent here".to_owned())
    }
}

fn now(seconds: u64) -> Now {
    let real = Duration::from_secs(seconds);
    Now { journal: Timestamp::from_millis(BEGAN) + real, real }
}

fn open(store: &MemoryStore) -> Switchboard {
    let config = Config {
        apps: vec![AppConfig {
            name: APP.to_owned(),
            qps: 10,
            has_region: false,
            fresh_tokens: false,
            storage: vec!["archive".to_owned()],
            modes: vec![Mode::Mix],
            uid_range: (900_000, 900_999),
        }],
        policies: vec![NamedPolicy { name: "patient".to_owned(), policy: Policy::default() }],
        build: "fuzz".to_owned(),
        clock_rate: 1,
        held_max: switchboard::held::HELD_MAX,
    };
    Switchboard::open(config, Box::new(store.clone()), Box::new(NoRequests), now(0))
        .expect("memory always opens")
}

fn watch(desk: &mut Switchboard) -> RecordingId {
    let secret = "a page".to_owned();
    let arrival = Arrival {
        person: "Kim".to_owned(),
        operates: true,
        attendant: false,
        secret: secret.clone(),
        resume: None,
    };
    let client = desk.connected(arrival, now(0));
    let adopt = AdoptRecording {
        app: APP.to_owned(),
        channel: ChannelName::parse(CHANNEL).expect("a name"),
        mode: Mode::Mix,
        uid: Uid::new(900_000).expect("not 0"),
        resource_id: ResourceId::parse("resource").expect("an ID"),
        sid: Sid::parse(KNOWN_SID).expect("a sid"),
    };
    let actor = Actor { person: "Kim".to_owned(), client: Some((client, secret)) };
    let asked = desk.adopted(&actor, "key", &adopt, [1; 16], now(0));
    asked.expect("it may be watched").recording
}

/// The entries of a journal are what a page reads too.
const _: fn(&Entry) = reads_back::<Entry>;
