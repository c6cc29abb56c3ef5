//! What a session's notifications come to does not depend on the order in which they come, how often, and with which
//! copies: whole lives of sessions of the simulated service, told in every disorder.
//!
//! `cargo xtask test` runs 100 000 cases of each property, by `cargo test --profile chaos -p switchboard --test
//! notice_properties`, which takes a minute; without optimisation it is a hundredth of that. `TALLYLIGHT_CASES` says another
//! number; a failure names its case, and `TALLYLIGHT_CASE` runs that one alone.

mod common;

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use agora::request::{StorageConfig, acquire_body, path, start_body, stop_body};
use agora::{
    Answer, AnswerClass, AppId, ChannelName, Mode, Notification, Operation, QueryAnswer, RecordingSettings,
    ResourceId, Sid, Timestamp, Uid,
};
use common::{APP, World};
use rules::api::AdoptRecording;
use rules::journal::{Attempt, By, CallAnswered, CallId, CallSent, DecisionKind, Domain, Notified};
use rules::notified::Told;
use rules::recording::Phase;
use rules::{Board, Entry, Fact, Next, Recording, RecordingId, RuleId};
use serde_json::{Value, json};
use simulator::{Config, Delivered, Incoming, Notifications, Outcome, Service};
use switchboard::notices::{Delivery, Receipt};

/// How many cases, unless the environment says otherwise.
const CASES: u64 = if cfg!(debug_assertions) { 1_000 } else { 100_000 };

/// So many lives are told; each case takes one of them.
const LIVES: u64 = 96;

const CHANNEL: &str = "room7";
const UID: u32 = 1_500;
const BEGAN: i64 = 1_700_000_000_000;

/// Numbers that look like chance and are the same each time (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % u64::try_from(end.max(1)).expect("small")).expect("below a usize")
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            list.swap(place, self.below(place + 1));
        }
    }
}

// ---- lives -----------------------------------------------------------------------------------------------------------

/// One session's notifications in the order in which they happened, each body once.
struct Life {
    seed: u64,
    resource_id: ResourceId,
    sid: Sid,
    told: Vec<(Notification, Vec<u8>)>,
    /// What they come to, told once and in order.
    told_in_order: Option<Recording>,
}

fn lives() -> &'static [Life] {
    static LIVES_OF_ALL: OnceLock<Vec<Life>> = OnceLock::new();
    LIVES_OF_ALL.get_or_init(|| (0..LIVES).map(live).collect())
}

struct Session {
    service: Service,
    now: Timestamp,
    settings: RecordingSettings,
    ids: (Option<ResourceId>, Option<Sid>),
}

impl Session {
    fn request(&mut self, method: &str, target: String, body: String) -> Value {
        let request = Incoming {
            domain: simulator::Domain::Primary,
            host: "api.agora.io".to_owned(),
            method: method.to_owned(),
            target,
            authorization: Some("Basic a2V5OnNlY3JldA==".to_owned()),
            content_type: Some(agora::request::CONTENT_TYPE.to_owned()),
            body: body.into_bytes(),
        };
        match self.service.handle(self.now, &request).outcome {
            Outcome::Answered(reply) => serde_json::from_slice(&reply.body).unwrap_or_default(),
            Outcome::Closed | Outcome::Refused => Value::Null,
        }
    }

    fn call(&mut self, operation: Operation, body: String) -> Value {
        let app_id = AppId::parse("demo").expect("an App ID");
        let (resource_id, sid) = &self.ids;
        let target = path(&app_id, operation, self.settings.mode, resource_id.as_ref(), sid.as_ref());
        self.request(agora::request::method(operation).as_str(), target.expect("the IDs are there"), body)
    }

    fn control(&mut self, target: &str, body: &Value) {
        self.request("POST", format!("/simulator/{target}"), body.to_string());
    }

    fn listen(&mut self, seconds: u64, bodies: &mut Vec<Vec<u8>>) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some(due) = self.service.next_delivery().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            for delivery in self.service.deliveries(self.now) {
                self.service.delivered(self.now, delivery.number, Delivered::Answered(200));
                bodies.push(delivery.body);
            }
        }
        self.now = until;
    }
}

/// Lets a session live, with faults by chance, until its last notification came.
fn live(seed: u64) -> Life {
    let mut chance = Chance(seed);
    let mut config = Config::new(AppId::parse("demo").expect("an App ID"), "key", "secret");
    config.queries_per_second = 1_000;
    config.notifications = Some(Notifications::default());
    for (question, words) in [
        ("sequence-scope", &["leg", "session", "module"][..]),
        ("old-leg-speaks", &["yes", "no"]),
        ("old-leg-exits", &["no", "no", "yes"]),
        ("failover-notice-uid", &["old", "new"]),
        ("failover-noticed", &["rejoin", "detection"]),
        ("event-13-again", &["no", "yes"]),
        ("exit-before-upload", &["no", "yes"]),
        ("notification-drift", &["no", "no", "yes"]),
        ("sendts-unit", &["ms", "ms", "s"]),
        ("files-after-failover", &["newest-leg", "all-legs"]),
    ] {
        let word = words[chance.below(words.len())];
        config.unknowns.set(&format!("{question}={word}")).expect("there is this question");
    }
    let mode = [Mode::Mix, Mode::Mix, Mode::Individual][chance.below(3)];
    let mut settings = RecordingSettings { mode, ..RecordingSettings::default() };
    settings.recording_config.subscribe_uid_group = (mode == Mode::Individual).then_some(1);
    let (channel, uid) = (ChannelName::parse(CHANNEL).expect("a name"), Uid::new(UID).expect("not 0"));
    let mut session = Session {
        service: Service::new(config, seed),
        now: Timestamp::from_millis(BEGAN),
        settings: settings.clone(),
        ids: (None, None),
    };
    let storage = StorageConfig {
        vendor: 1,
        region: 0,
        bucket: "b".to_owned(),
        access_key: "A".to_owned(),
        secret_key: "S".to_owned(),
        sts_token: None,
        sts_expiration: None,
        file_name_prefix: vec![],
        extension_params: None,
    };
    let acquired = session.call(Operation::Acquire, acquire_body(&channel, uid, &settings, &[]));
    let resource_id =
        ResourceId::parse(acquired["resourceId"].as_str().expect("it is acquired")).expect("an ID");
    session.ids.0 = Some(resource_id.clone());
    let started = session.call(Operation::Start, start_body(&channel, uid, &settings, &storage, None));
    let sid = Sid::parse(started["sid"].as_str().expect("it is started")).expect("a sid");
    session.ids.1 = Some(sid.clone());
    if chance.one_in(4) {
        let state = ["failing", "slow", "refused"][chance.below(3)];
        session.control("storage", &json!({ "bucket": "b", "state": state }));
    }
    let mut bodies = Vec::new();
    for _ in 0..chance.below(5) {
        session.listen(20 + u64::try_from(chance.below(100)).expect("small"), &mut bodies);
        let fault = match chance.below(6) {
            0 | 1 => json!({ "fault": "kill", "cname": CHANNEL }),
            2 | 3 => json!({ "fault": "disconnect", "cname": CHANNEL }),
            4 => json!({ "fault": "disconnect", "cname": CHANNEL, "resumes_after_ms": 25_000 }),
            _ => json!({ "fault": "end", "cname": CHANNEL }),
        };
        session.control("faults", &fault);
        if chance.one_in(3) {
            session.control("channels", &json!({ "cname": CHANNEL, "publishers": chance.below(4) }));
        }
    }
    session.listen(150, &mut bodies);
    session.call(Operation::Stop, stop_body(&channel, uid, true));
    session.listen(900, &mut bodies);
    let mut told: Vec<(Notification, Vec<u8>)> = bodies
        .into_iter()
        .map(|body| (Notification::read(&body).expect("the service's own"), body))
        .collect();
    told.sort_by_key(|(read, _)| (read.sent_at, read.sequence));
    assert!(told.len() >= 3, "seed {seed}: {}", told.len());
    let mut life = Life { seed, resource_id, sid, told, told_in_order: None };
    let each_once = life.told.iter().map(|one| copy(one, None, None)).collect();
    life.told_in_order = Some(Desk::watching(&life).told(vec![each_once]).1);
    life
}

/// A delivery of this notification; perhaps under another `noticeId`, perhaps later.
fn copy((read, body): &(Notification, Vec<u8>), notice: Option<String>, later: Option<u64>) -> Delivery {
    let mut read = read.clone();
    if let Some(notice) = notice {
        read.notice = notice;
    }
    if let (Some(later), Some(at)) = (later, read.notified_at) {
        read.notified_at = Some(at + Duration::from_millis(later));
    }
    Delivery { app: APP.to_owned(), read: Ok(read), body: body.clone() }
}

// ---- the desk --------------------------------------------------------------------------------------------------------

struct Desk {
    world: World,
    id: RecordingId,
}

impl Desk {
    fn watching(life: &Life) -> Self {
        let mut world = World::new();
        let page = world.connect_idle();
        let adopt = AdoptRecording {
            app: APP.to_owned(),
            channel: ChannelName::parse(CHANNEL).expect("a name"),
            mode: Mode::Mix,
            uid: Uid::new(UID).expect("not 0"),
            resource_id: life.resource_id.clone(),
            sid: life.sid.clone(),
        };
        let (actor, now) = (world.actor(page), world.now());
        let asked = world.switchboard.adopted(&actor, "key", &adopt, [3; 16], now);
        let id = asked.expect("it may be watched").recording;
        world.disconnect(page);
        Self { world, id }
    }

    /// Brings these deliveries, so many at once: what became of each, and what they come to.
    fn told(&mut self, batches: Vec<Vec<Delivery>>) -> (Vec<Receipt>, Recording) {
        let mut receipts = Vec::new();
        for batch in batches {
            self.world.real += Duration::from_millis(700);
            let now = self.world.now();
            receipts.extend(self.world.switchboard.notified(batch, now).expect("the store works"));
        }
        (receipts, essence(self.recording()))
    }

    fn recording(&self) -> &Recording {
        self.world.recording(&self.id)
    }

    fn notified(&self) -> Vec<Notified> {
        let facts = self.world.store.lines().into_iter().map(|line| line.entry.fact);
        facts.filter_map(|fact| if let Fact::Notified(one) = fact { Some(*one) } else { None }).collect()
    }
}

/// The recording without what depends on when something came: the numbers and times of entries, and whether a query is
/// wanted now.
fn essence(recording: &Recording) -> Recording {
    let mut recording = recording.clone();
    recording.last = 0;
    recording.last_at = Timestamp::default();
    recording.notified_again = 0;
    for heard in recording.sessions.iter_mut().filter_map(|session| session.heard.as_mut()) {
        heard.last = Timestamp::default();
        heard.asks = None;
        heard.registered = heard.registered.map(|_| Timestamp::default());
        for told in [
            &mut heard.exit,
            &mut heard.failover,
            &mut heard.left_idle,
            &mut heard.present,
            &mut heard.page_ended,
            &mut heard.fatal,
        ] {
            *told = told.map(|told| Told { came: Timestamp::default(), entry: 0, ..told });
        }
    }
    recording
}

/// Cuts a list into pieces by chance: what comes while the disk is busy is written together.
fn in_batches(mut list: Vec<Delivery>, chance: &mut Chance) -> Vec<Vec<Delivery>> {
    let mut batches = Vec::new();
    while !list.is_empty() {
        let rest = list.split_off((1 + chance.below(8)).min(list.len()));
        batches.push(std::mem::replace(&mut list, rest));
    }
    batches
}

/// Runs a property for every case, on all cores.
fn for_each_case(property: fn(&Life, &mut Chance)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let lives = lives();
    let run = |case: u64| {
        let life = &lives[usize::try_from(case % LIVES).expect("small")];
        let outcome = std::panic::catch_unwind(|| property(life, &mut Chance(case)));
        if let Err(cause) = outcome {
            eprintln!("TALLYLIGHT_CASE={case} fails; its life has seed {}", life.seed);
            std::panic::resume_unwind(cause);
        }
    };
    if let Some(case) = number("TALLYLIGHT_CASE") {
        return run(case);
    }
    let cases = number("TALLYLIGHT_CASES").unwrap_or(CASES);
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope
                .spawn(move || (thread..cases).step_by(usize::try_from(threads).expect("few")).for_each(run));
        }
    });
}

// ---- the properties --------------------------------------------------------------------------------------------------

#[test]
fn i33_i34_any_order_any_repetition_and_any_copies_give_the_same_state() {
    for_each_case(|life, chance| {
        let mut deliveries = Vec::new();
        for (number, one) in life.told.iter().enumerate() {
            // The service repeats up to three times under the same ID, on each of two paths, whose IDs may differ.
            let other = chance.one_in(3).then(|| format!("redundant-{number}"));
            for repeat in 0..1 + chance.below(4) {
                deliveries.push(copy(one, None, (repeat > 0).then(|| chance.draw() % 60_000)));
            }
            if let Some(other) = other {
                for _ in 0..1 + chance.below(2) {
                    deliveries.push(copy(one, Some(other.clone()), None));
                }
            }
        }
        chance.shuffle(&mut deliveries);
        let mut desk = Desk::watching(life);
        let count = deliveries.len();
        let (receipts, state) = desk.told(in_batches(deliveries, chance));
        assert_eq!(Some(&state), life.told_in_order.as_ref());
        // I-33: each is written once, and every further delivery is counted.
        let written = receipts.iter().filter(|receipt| **receipt == Receipt::Written).count();
        let again = receipts.iter().filter(|receipt| **receipt == Receipt::Again).count();
        assert_eq!((written, again), (life.told.len(), count - life.told.len()));
        let notified = desk.notified();
        assert_eq!(notified.len(), life.told.len());
        let identities: BTreeSet<_> =
            notified.iter().map(|one| (one.uid, one.event, one.sequence, one.sent_at)).collect();
        assert_eq!(identities.len(), life.told.len(), "that of a later leg is no duplicate");
    });
}

#[test]
fn i34_what_gets_lost_leaves_less_and_never_another_state_and_what_comes_late_completes_it() {
    for_each_case(|life, chance| {
        let mut deliveries: Vec<Delivery> = life.told.iter().map(|one| copy(one, None, None)).collect();
        chance.shuffle(&mut deliveries);
        let late = deliveries.split_off(chance.below(deliveries.len() + 1));
        let mut desk = Desk::watching(life);
        let (_, _) = desk.told(in_batches(deliveries, chance));
        let before = desk.recording().clone();
        let (_, state) = desk.told(in_batches(late, chance));
        assert_eq!(Some(&state), life.told_in_order.as_ref(), "what came late completes it");
        // With the late ones lost, it knew no more than there was.
        let (lossy, whole) = (&before.sessions[0], &desk.recording().sessions[0]);
        assert!(lossy.proved_failovers() <= whole.proved_failovers());
        assert!(lossy.files.iter().all(|file| whole.files.contains(file) || whole.files.len() == 8));
        assert_eq!(lossy.phase, whole.phase, "notifications alone end nothing (M9)");
        if let (Some(lossy), Some(whole)) = (&lossy.heard, &whole.heard) {
            for leg in &lossy.legs {
                assert!(whole.legs.iter().any(|known| known.uid == leg.uid), "{leg:?}");
            }
            for gap in &lossy.gaps {
                let covers = |whole: &rules::notified::Gap| whole.from <= gap.from && gap.to <= whole.to;
                assert!(whole.gaps.iter().any(covers), "{gap:?}");
            }
            for upload in &lossy.uploads {
                let known = whole.uploads.iter().find(|known| known.uid == upload.uid);
                let known = known.expect("that recorder's upload is known");
                assert!(known.uploaded >= upload.uploaded && known.backed_up >= upload.backed_up);
            }
        }
    });
}

#[test]
fn i37_no_notification_ends_a_session_that_answers() {
    for_each_case(|life, chance| {
        let mut deliveries: Vec<Delivery> =
            life.told.iter().filter(|_| !chance.one_in(4)).map(|one| copy(one, None, None)).collect();
        chance.shuffle(&mut deliveries);
        let mut desk = Desk::watching(life);
        desk.told(in_batches(deliveries, chance));
        let mut recording = desk.recording().clone();
        let before = recording.sessions[0].phase;
        assert!(matches!(before, Phase::Accepted), "{before:?}");
        // One query after all of it, answered with 4 or 5.
        let at = recording.last_at + Duration::from_secs(1);
        let id = CallId("after-all".to_owned());
        let sent = CallSent {
            id: id.clone(),
            session: 1,
            operation: Operation::Query,
            uid: Uid::new(UID).expect("not 0"),
            domain: Domain::Primary,
            host: "api.agora.io".to_owned(),
            rule: RuleId::M9,
            attempt: Attempt { number: 1, of: Some(1) },
            body_hash: String::new(),
            late: false,
            asynchronous: false,
        };
        let status = QueryAnswer { status: 4 + u8::from(chance.one_in(2)), ..QueryAnswer::default() };
        let answer = Answer { status: 200, code: None, reason: None, class: AnswerClass::Status(status) };
        for fact in [Fact::CallSent(sent), Fact::CallAnswered(CallAnswered { id, answer, raw: None })] {
            let number = recording.last + 1;
            rules::fold(
                &mut recording,
                &Entry { number, board: 0, at, by: By::Proxy, version: 1, held: false, fact },
            );
        }
        let mut board = Board::default();
        board.include(&recording);
        for later in [0, 1, 10, 100] {
            for step in rules::steps(&recording, &board, at + Duration::from_secs(later)) {
                if let Next::Decide(decision, _) = step {
                    let harmless = matches!(
                        decision.kind,
                        DecisionKind::Confirmed(_) | DecisionKind::Recovered(_) | DecisionKind::Alarm(_)
                    );
                    assert!(harmless, "{decision:?}");
                }
            }
        }
        let phase = recording.sessions[0].phase;
        assert!(matches!(phase, Phase::Accepted | Phase::Live), "it answers, and is {phase:?}");
    });
}
