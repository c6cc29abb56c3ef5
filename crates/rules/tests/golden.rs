//! Every body of the interface has one JSON file in `golden/`, so that a change of it is seen.
//!
//! After a change that is meant: `TALLYLIGHT_GOLDEN=write cargo test -p rules --test golden`, and read the difference.

use std::collections::BTreeSet;
use std::path::PathBuf;

use agora::request::{Fraction, Layout, LayoutPlace, MixedVideoLayout, UpdateSettings};
use agora::{
    Answer, AnswerClass, ChannelName, Mode, Notification, Operation, QueryAnswer, RecordingSettings,
    ResourceId, Sid, Timestamp, Uid,
};
use from_json::FromJson;
use rules::api::{
    Acknowledge, AdoptOrphan, AdoptRecording, AppSetup, Asked, AuditOutcome, AuditPage, AuditRecord,
    Capability, ChangeLayout, ChangePolicy, ChangeUpdate, ClaimLeases, Dismiss, Frame, FrameContent,
    FromClient, FromProxy, Heartbeat, Hello, JournalPage, MakeCall, MakeDecision, NamedPolicy, PROTOCOL,
    Person, PressStop, Problem, PutView, PutViews, RecordingPage, RequestRecording, Role, SettingUp, Setup,
    SharedView, SharedViews, StorageSetup, StreamEntry, UnmatchedPage, Unwritten, Written,
};
use rules::app_journal::Unmatched;
use rules::journal::{
    Attempt, By, CallAnswered, CallId, CallSent, DecisionKind, Domain, EndedHow, JOURNAL_VERSION,
    LayoutRequested, Notified, NotifiedAgain, RULES_VERSION, Requested, Uids, UpdateRequested,
};
use rules::{
    AppEntry, AppFact, BoardFacts, Call, Entry, Fact, Patience, Policy, Recording, RecordingId, RuleId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// One notification that fits no session, and one body that nobody can read.
fn unmatched_page() -> UnmatchedPage {
    let body = r#"{"noticeId":"n-1","productId":3,"eventType":40,"notifyMs":1795000001500,"payload":{"cname":"math-7b","uid":"900000","sid":"0123456789abcdef0123456789abcdef","sequence":0,"sendts":1795000001000,"serviceType":1,"details":{"msgName":"recorder_started","status":0}}}"#;
    let read = Notification::read(body.as_bytes()).expect("it is one");
    let entry = |number, unmatched| AppEntry {
        number,
        at: Timestamp::from_millis(1_795_000_002_000),
        by: By::Agora,
        version: JOURNAL_VERSION,
        fact: AppFact::Unmatched(Box::new(unmatched)),
    };
    UnmatchedPage {
        entries: vec![
            entry(12, Unmatched { read: Some(read), raw: Some(body.to_owned()) }),
            entry(9, Unmatched { read: None, raw: Some("{}".to_owned()) }),
        ],
        next: Some(9),
        kept: 101,
        dropped: 2,
    }
}

/// A command and what the service said to it, and refusals that were counted.
fn audit_page() -> AuditPage {
    let record = |number, action: &str, outcome| AuditRecord {
        number,
        at: at(i64::try_from(number).expect("small") * 100),
        who: String::new(),
        role: None,
        from: String::new(),
        sign_in: String::new(),
        action: action.to_owned(),
        app: Some("demonstration".to_owned()),
        recording: None,
        about: String::new(),
        outcome,
        status: None,
        kind: String::new(),
        entry: None,
        more: 0,
        until: None,
        late: false,
        hash: "5f".repeat(32),
    };
    let asked = AuditRecord {
        who: "Demonstration".to_owned(),
        role: Some(Role::Lead),
        from: "127.0.0.1".to_owned(),
        sign_in: "c2f1".to_owned(),
        recording: Some(id()),
        entry: Some(5),
        late: true,
        ..record(7, "POST /api/v1/recordings/{id}/stop", AuditOutcome::Done)
    };
    let answered = AuditRecord {
        who: "Agora".to_owned(),
        recording: Some(id()),
        about: "one:5:1:stop".to_owned(),
        status: Some(200),
        kind: "stopped".to_owned(),
        entry: Some(7),
        ..record(8, "stop", AuditOutcome::Answered)
    };
    let refused = AuditRecord {
        from: "192.0.2.7".to_owned(),
        app: None,
        status: Some(401),
        kind: "signed_out".to_owned(),
        more: 530,
        until: Some(at(60_000)),
        ..record(9, "POST /api/v1/recordings", AuditOutcome::Refused)
    };
    let records = vec![refused, answered, asked];
    AuditPage { records, next: Some(7), newest: 9, head: "5f".repeat(32) }
}

fn writes() -> bool {
    std::env::var_os("TALLYLIGHT_GOLDEN").is_some_and(|value| value == "write")
}

/// Compares one body with its file, and reads it back. Gives back the file's name.
#[track_caller]
fn check<Body>(name: &str, body: &Body) -> String
where
    Body: Serialize + DeserializeOwned + FromJson + PartialEq + core::fmt::Debug,
{
    let file = folder().join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(body).expect("bodies serialise") + "\n";
    if writes() {
        std::fs::write(&file, &text).expect("the folder can be written");
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(text, golden, "{name}.json differs");
    assert_eq!(serde_json::from_str::<Body>(&golden).expect("it reads back"), *body);
    assert_eq!(from_json::from_text::<Body>(&golden).as_ref(), Ok(body), "a page reads it as well");
    format!("{name}.json")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + millis)
}

fn id() -> RecordingId {
    RecordingId::parse("7k2m9x4q1abc").expect("an id")
}

fn uid(number: u32) -> Uid {
    Uid::new(number).expect("not 0")
}

fn channel() -> ChannelName {
    ChannelName::parse("math-7b").expect("a channel")
}

fn person() -> Person {
    let capabilities = vec![Capability::View, Capability::Operate, Capability::Lead, Capability::Simulate];
    Person { name: "Demonstration".to_owned(), role: Role::Lead, capabilities }
}

fn entry(number: u32, by: By, fact: Fact) -> Entry {
    let board = u64::from(number) + 40;
    Entry { number, board, at: at(i64::from(number) * 100), by, version: JOURNAL_VERSION, held: false, fact }
}

fn requested() -> Entry {
    let requested = Requested {
        app: "demonstration".to_owned(),
        channel: channel(),
        uids: Uids {
            original: uid(900_000),
            backup: uid(900_001),
            reserves: vec![uid(900_002), uid(900_003)],
        },
        storage: "archive".to_owned(),
        settings: RecordingSettings::default(),
        policy_name: "patient".to_owned(),
        policy: Policy::default(),
        rules: RULES_VERSION,
        watched: false,
        assured: false,
    };
    entry(1, By::Staff("Demonstration".to_owned()), Fact::Requested(Box::new(requested)))
}

fn sent() -> Entry {
    let sent = CallSent {
        id: CallId::new(&id(), 4, 1, Operation::Query),
        session: 1,
        operation: Operation::Query,
        uid: uid(900_000),
        domain: Domain::Primary,
        host: "api.agora.io".to_owned(),
        rule: RuleId::V1,
        attempt: Attempt { number: 1, of: Some(8) },
        body_hash: String::new(),
        late: false,
        asynchronous: false,
    };
    let by = By::Client { client: 3, epoch: 1, name: "Demonstration".to_owned() };
    entry(2, by, Fact::CallSent(sent))
}

fn answered(raw: Option<&str>) -> Entry {
    let answer = Answer {
        status: 200,
        code: None,
        reason: None,
        class: AnswerClass::Status(QueryAnswer { status: 5, ..QueryAnswer::default() }),
    };
    let id = CallId::new(&id(), 4, 1, Operation::Query);
    entry(3, By::Agora, Fact::CallAnswered(CallAnswered { id, answer, raw: raw.map(str::to_owned) }))
}

fn notified() -> Entry {
    let body = br#"{"noticeId":"2000001428:4330:107","productId":3,"eventType":42,"notifyMs":1790000000990,"payload":{
        "cname":"math-7b","uid":"3133784261","sid":"0123456789abcdef0123456789abcdef","sequence":3,"sendts":1790000000950,
        "serviceType":1,"details":{"msgName":"recorder_slice_start","startUtcMs":1790000000940,
        "discontinueUtcMs":1790000000040,"mixedAllUser":true,"streamUid":"0","trackType":"audio_and_video"}}}"#;
    let read = agora::Notification::read(body).expect("it is one");
    let notified = Notified {
        notice: read.notice,
        event: read.event,
        sid: read.sid.expect("it names one"),
        uid: read.uid,
        sent_at: read.sent_at.expect("it says when"),
        sequence: read.sequence,
        details: read.details,
        raw: None,
    };
    entry(4, By::Agora, Fact::Notified(Box::new(notified)))
}

fn by_staff() -> By {
    By::Staff("Demonstration".to_owned())
}

/// A page that is held, and new credentials.
fn update() -> UpdateRequested {
    let settings = UpdateSettings { onhold: Some(true), ..UpdateSettings::default() };
    UpdateRequested { settings, storage: Some("archive".to_owned()) }
}

fn layout() -> Layout {
    let half = Fraction::from_millionths(500_000).expect("below one");
    let place = LayoutPlace {
        uid: Some("77".to_owned()),
        x_axis: Fraction::default(),
        y_axis: Fraction::default(),
        width: half,
        height: Fraction::ONE,
        alpha: None,
        render_mode: Some(1),
    };
    Layout {
        mixed_video_layout: MixedVideoLayout::Custom,
        background_color: Some("#102030".to_owned()),
        layout_config: vec![place],
        ..Layout::default()
    }
}

fn recording() -> Recording {
    Recording::begin(id(), &requested()).expect("it is a request")
}

fn frame(content: FrameContent) -> FromProxy {
    FromProxy::Frame(Frame { after: 40, upto: 43, at: at(400), content })
}

fn setup() -> Setup {
    let storage = StorageSetup {
        name: "archive".to_owned(),
        place: "Amazon S3, region 0, bucket recordings".to_owned(),
        file_name_prefix: vec!["archive".to_owned()],
    };
    let app = AppSetup {
        name: "demonstration".to_owned(),
        hosts: vec!["api.agora.io".to_owned(), "api.sd-rtn.com".to_owned()],
        storage: vec![storage],
        modes: vec![Mode::Mix],
        qps: 10,
        pcw: 50,
        uid_range: (900_000, 999_999),
    };
    let policy = NamedPolicy { name: "swift".to_owned(), policy: Policy::with_patience(Patience::Swift) };
    Setup {
        build: "0.1.0".to_owned(),
        protocol: PROTOCOL,
        person: person(),
        apps: vec![app],
        policies: vec![policy],
        demo: true,
        clock_rate: 10,
        damaged: Vec::new(),
    }
}

#[test]
fn every_body_is_the_one_in_its_file() {
    let files = [
        check("setup", &setup()),
        check("me", &person()),
        check(
            "request-recording",
            &RequestRecording {
                app: "demonstration".to_owned(),
                channel: channel(),
                uids: Some((uid(900_000), uid(900_001))),
                storage: "archive".to_owned(),
                settings: RecordingSettings::default(),
                policy: Some("swift".to_owned()),
                beside: true,
                assured: false,
            },
        ),
        check(
            "adopt-recording",
            &AdoptRecording {
                app: "demonstration".to_owned(),
                channel: channel(),
                mode: Mode::Mix,
                uid: uid(4_711),
                resource_id: ResourceId::parse("JyvK8nXHuV1BE64GDkAaBGEscvtHW7v8BrQoRPCHxmeVxwY22")
                    .expect("a resource"),
                sid: Sid::parse("0123456789abcdef0123456789abcdef").expect("a recording ID"),
            },
        ),
        check("asked", &Asked { recording: id(), existing: false }),
        check("acknowledge", &Acknowledge { alarm: 17 }),
        check(
            "shared-views",
            &SharedViews {
                version: 3,
                by: Some("ada".to_owned()),
                views: vec![SharedView {
                    name: "In failover".to_owned(),
                    view: "q=state%3Afailover&sort=-running".to_owned(),
                    by: "ada".to_owned(),
                    at: at(7_000),
                }],
            },
        ),
        check(
            "put-views",
            &PutViews {
                version: 2,
                views: vec![PutView {
                    name: "In failover".to_owned(),
                    view: "q=state%3Afailover&sort=-running".to_owned(),
                }],
            },
        ),
        check(
            "press-stop",
            &PressStop {
                calls: vec![Call {
                    session: 2,
                    operation: Operation::Stop,
                    domain: Domain::Primary,
                    rule: RuleId::T7,
                    attempt: Attempt { number: 1, of: None },
                }],
                reason: "the lesson ended early".to_owned(),
            },
        ),
        check("dismiss", &Dismiss { session: 2, reason: "the channel was closed".to_owned() }),
        check("change-policy", &ChangePolicy { policy: "swift".to_owned() }),
        check(
            "change-update",
            &ChangeUpdate {
                settings: UpdateSettings {
                    subscribe_audio_uids: Some(vec!["77".to_owned()]),
                    subscribe_video_uids: Some(vec!["#allstream#".to_owned()]),
                    onhold: None,
                    rtmp_url: None,
                },
                storage: Some("archive".to_owned()),
            },
        ),
        check("change-layout", &ChangeLayout { layout: layout() }),
        check("entry-update-requested", &entry(6, by_staff(), Fact::UpdateRequested(Box::new(update())))),
        check(
            "entry-layout-requested",
            &entry(7, by_staff(), Fact::LayoutRequested(Box::new(LayoutRequested { layout: layout() }))),
        ),
        check(
            "adopt-orphan",
            &AdoptOrphan { sid: Sid::parse("0123456789abcdef0123456789abcdef").expect("a sid") },
        ),
        check("setting-up", &SettingUp { until: Timestamp::from_millis(1_795_000_900_000) }),
        check("unmatched-page", &unmatched_page()),
        check("audit-page", &audit_page()),
        check("written", &Written { number: 18 }),
        check("claim-leases", &ClaimLeases { recordings: vec![id()] }),
        check(
            "make-call",
            &MakeCall {
                after: 4,
                session: 1,
                operation: Operation::Query,
                domain: Domain::Primary,
                rule: RuleId::V1,
                attempt: Attempt { number: 1, of: Some(8) },
            },
        ),
        check(
            "make-decision",
            &MakeDecision {
                after: 30,
                kind: DecisionKind::Ended { session: 1, how: EndedHow::Stopped },
                rule: RuleId::T2,
                evidence: vec![26, 30],
            },
        ),
        check(
            "problem",
            &Problem {
                kind: "stale".to_owned(),
                title: "Something came in between; fold these entries and decide anew.".to_owned(),
                status: 409,
                rule: None,
                entries: vec![sent()],
            },
        ),
        check(
            "recording-page",
            &RecordingPage { recordings: vec![recording()], next: Some(id().to_string()), total: 51 },
        ),
        check(
            "journal-page",
            &JournalPage { entries: vec![requested(), sent(), answered(Some("{}"))], more: false },
        ),
        check(
            "stream-hello",
            &FromProxy::Hello(Hello {
                protocol: PROTOCOL,
                build: "0.1.0".to_owned(),
                journal_id: "0123456789abcdef".to_owned(),
                client: 3,
                secret: "00112233445566778899aabbccddeeff".to_owned(),
                now: at(0),
                clock_rate: 10,
            }),
        ),
        check(
            "stream-snapshot",
            &frame(FrameContent::Snapshot {
                first: true,
                last: true,
                recordings: vec![recording()],
                boards: vec![("demonstration".to_owned(), BoardFacts::default())],
            }),
        ),
        check(
            "stream-entries",
            &frame(FrameContent::Entries(vec![
                StreamEntry { recording: id(), entry: sent() },
                StreamEntry { recording: id(), entry: answered(None) },
            ])),
        ),
        check("entry-notified", &notified()),
        check(
            "entry-notified-again",
            &entry(5, By::Agora, Fact::NotifiedAgain(NotifiedAgain { of: notified().number })),
        ),
        check(
            "stream-heartbeat",
            &FromProxy::Heartbeat(Heartbeat { now: at(1_000), beat: 7, newest: 43, unwritten: None }),
        ),
        check(
            "stream-heartbeat-unwritten",
            &FromProxy::Heartbeat(Heartbeat {
                now: at(2_000),
                beat: 8,
                newest: 45,
                unwritten: Some(Unwritten {
                    reason: "the disk is full (database or disk is full)".to_owned(),
                    since: at(1_500),
                    held: 2,
                    recordings: vec![id()],
                }),
            }),
        ),
        check("entry-held", &Entry { held: true, ..sent() }),
        check("stream-offer", &FromProxy::Offer(vec![id()])),
        check("stream-released", &FromProxy::Released(vec![id()])),
        check("stream-beat", &FromClient::Beat(7)),
        check("stream-resync", &FromClient::Resync),
    ];
    let known: BTreeSet<String> = files.into_iter().collect();
    let present = std::fs::read_dir(folder()).expect("the folder can be read");
    let present: BTreeSet<String> =
        present.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(known, present, "a file for each body, and a body for each file");
}
