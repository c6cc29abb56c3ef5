//! Every rule in virtual time: a desk that does what the rules say, against a service that a test scripts.

mod assurance;
mod bundle;
mod checklist;
mod edges;
mod files;
mod found;
mod guards;
mod limits;
mod monitor;
mod notified;
mod replace;
mod start;
mod stop;
mod structure;
mod transport;
mod update;
mod verify;
mod walks;
mod worlds;

use agora::{
    Answer, AnswerClass, ChannelName, FileEntry, Operation, QueryAnswer, RecordingSettings, ResourceId, Sid,
    StopAnswer, Timestamp, Uid, UnansweredCause,
};

use crate::api::MakeDecision;
use crate::journal::{
    AlarmCause, By, CallAnswered, CallId, CallSent, CallUnanswered, Decision, DecisionKind, Domain, Entry,
    Fact, Leased, RecordingId, Requested, SessionNumber, StopRequested, Uids,
};
use crate::policy::Policy;
use crate::{Board, BoardFacts, Next, Recording, RuleId, admits, fold, next, permits, steps};

/// The documented policy with the one number changed that `cargo xtask nudge` asks for.
pub(crate) fn nudged_policy() -> Option<Policy> {
    let wanted = std::env::var("TALLYLIGHT_NUDGE").ok()?;
    let (name, number) = wanted.split_once('=').expect("TALLYLIGHT_NUDGE is name=number");
    let number = number.parse().expect("TALLYLIGHT_NUDGE is name=number");
    Some(Policy::DOCUMENTED.with_number(name, number).expect("TALLYLIGHT_NUDGE names a number of the policy"))
}

pub(crate) const ORIGIN: i64 = 1_795_000_000_000;
pub(crate) const ORIGINAL: u32 = 900_001;
pub(crate) const BACKUP: u32 = 900_002;
pub(crate) const RESERVE: u32 = 900_003;
pub(crate) const LAST_RESERVE: u32 = 900_004;

/// What the scripted service does with one call.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// An HTTP answer after so many milliseconds.
    Answer(u16, AnswerClass, u64),
    /// No answer, known after so many milliseconds.
    None(UnansweredCause, u64),
    /// The call stays open until the test says otherwise.
    Open,
}

/// One call as the scripted service sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// Milliseconds since the request.
    pub at: i64,
    pub operation: Operation,
    pub session: SessionNumber,
    pub uid: u32,
    pub domain: Domain,
    pub rule: RuleId,
    pub attempt: u32,
    pub id: CallId,
    /// The entries whose content the body carries.
    pub changes: Vec<u32>,
}

pub(crate) fn answer(class: AnswerClass) -> Reply {
    let status = match &class {
        AnswerClass::ServiceNotFound | AnswerClass::NoRoute | AnswerClass::ForeignNotFound => 404,
        AnswerClass::RateLimited { .. } => 429,
        AnswerClass::Refused
        | AnswerClass::TaskConflict
        | AnswerClass::ResourceExpired
        | AnswerClass::PcwReached
        | AnswerClass::AlreadyExiting => 400,
        AnswerClass::ServerError | AnswerClass::WorkerNotAllocated | AnswerClass::UploadTimeout => 500,
        AnswerClass::GatewayError | AnswerClass::RequestTimeout => 504,
        AnswerClass::NotCompleted | AnswerClass::NoRecordedData => 206,
        AnswerClass::AlreadyStarted(_) => 201,
        _ => 200,
    };
    Reply::Answer(status, class, 0)
}

pub(crate) fn acquired(call: &Seen) -> Reply {
    let id = format!("resource-{}", call.session);
    answer(AnswerClass::Acquired(
        ResourceId::parse(id).expect("a resource ID of letters, digits and hyphens"),
    ))
}

pub(crate) fn sid(session: SessionNumber) -> Sid {
    Sid::parse(format!("{session:032x}")).expect("32 hexadecimal digits")
}

pub(crate) fn started(call: &Seen) -> Reply {
    answer(AnswerClass::Started(sid(call.session)))
}

/// A status; from 5 on the first file is uploaded and named.
pub(crate) fn status(status: u8) -> Reply {
    if status == 5 { status_with_file(5, "s_math-7b.m3u8") } else { status_without_file(status) }
}

pub(crate) fn status_without_file(status: u8) -> Reply {
    answer(AnswerClass::Status(QueryAnswer { status, ..QueryAnswer::default() }))
}

pub(crate) fn status_with_file(number: u8, file: &str) -> Reply {
    let files = vec![FileEntry { name: file.to_owned(), slice_start: None }];
    answer(AnswerClass::Status(QueryAnswer { status: number, files, ..QueryAnswer::default() }))
}

pub(crate) fn stopped() -> Reply {
    answer(AnswerClass::Stopped(StopAnswer::default()))
}

pub(crate) fn not_found() -> Reply {
    answer(AnswerClass::ServiceNotFound)
}

/// A service where everything goes well.
pub(crate) fn well(call: &Seen) -> Reply {
    match call.operation {
        Operation::Acquire => acquired(call),
        Operation::Start => started(call),
        Operation::Query => status(5),
        Operation::Stop => stopped(),
        Operation::Update | Operation::UpdateLayout => answer(AnswerClass::Updated),
    }
}

pub(crate) fn uids() -> Uids {
    let uid = |number| Uid::new(number).expect("not zero");
    Uids { original: uid(ORIGINAL), backup: uid(BACKUP), reserves: vec![uid(RESERVE), uid(LAST_RESERVE)] }
}

pub(crate) fn requested(policy: Policy) -> Requested {
    let mut settings = RecordingSettings::default();
    settings.recording_config.max_idle_time = 300;
    settings.resource_expired_hours = 720;
    Requested {
        app: "edu".to_owned(),
        channel: ChannelName::parse("math-7b").expect("a channel name"),
        uids: uids(),
        storage: "lessons".to_owned(),
        settings,
        policy_name: "patient".to_owned(),
        policy,
        rules: crate::journal::RULES_VERSION,
        watched: false,
        assured: false,
    }
}

/// One recording, its journal, and the only client that acts for it.
pub(crate) struct Desk {
    pub recording: Recording,
    pub board: Board,
    pub now: Timestamp,
    pub entries: Vec<Entry>,
    pub calls: Vec<Seen>,
    /// Answers on their way: when, and what.
    pending: Vec<(Timestamp, u64, Fact)>,
    order: u64,
    /// Whether the client acts.
    pub attended: bool,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(requested(Policy::default()))
    }

    pub fn with_policy(policy: Policy) -> Self {
        Self::with(requested(policy))
    }

    pub fn with(requested: Requested) -> Self {
        Self::on(requested, BoardFacts::default())
    }

    pub fn on(requested: Requested, facts: BoardFacts) -> Self {
        let now = Timestamp::from_millis(ORIGIN);
        let first = Entry {
            number: 1,
            board: 1,
            at: now,
            by: By::Staff("Mei".to_owned()),
            version: 1,
            held: false,
            fact: Fact::Requested(Box::new(requested)),
        };
        let id = RecordingId::parse("r-1").expect("an id");
        let recording = Recording::begin(id, &first).expect("the first entry is a request");
        let mut board = Board::restore(facts);
        board.apply(&recording, &first);
        let mut desk = Self {
            recording,
            board,
            now,
            entries: vec![first],
            calls: Vec::new(),
            pending: Vec::new(),
            order: 0,
            attended: true,
        };
        desk.lease();
        desk
    }

    pub fn lease(&mut self) {
        let epoch = self.recording.lease.as_ref().map_or(1, |lease| lease.epoch + 1);
        self.write(By::Proxy, Fact::Leased(Leased { client: 1, epoch, holder: "Mei".to_owned() }));
    }

    pub fn write(&mut self, by: By, fact: Fact) -> u32 {
        let number = self.recording.last + 1;
        let entry =
            Entry { number, board: u64::from(number), at: self.now, by, version: 1, held: false, fact };
        // What is written can be read again as it was.
        let text = serde_json::to_string(&entry).expect("an entry is JSON");
        assert_eq!(serde_json::from_str::<Entry>(&text).expect("an entry is read"), entry, "{text}");
        fold(&mut self.recording, &entry);
        self.board.apply(&self.recording, &entry);
        self.entries.push(entry);
        number
    }

    pub fn by_client(&mut self, fact: Fact) -> u32 {
        self.write(By::Client { client: 1, epoch: 1, name: "Mei".to_owned() }, fact)
    }

    pub fn by_staff(&mut self, fact: Fact) -> u32 {
        self.write(By::Staff("Mei".to_owned()), fact)
    }

    pub fn press_stop(&mut self) {
        let not_before = self.now;
        self.by_staff(Fact::StopRequested(StopRequested {
            session: None,
            not_before,
            reason: String::new(),
        }));
    }

    /// Milliseconds since the request.
    pub fn offset(&self) -> i64 {
        self.now.millis() - ORIGIN
    }

    /// Plays until so many seconds after the request; the service answers as the script says.
    pub fn run(&mut self, until_seconds: u32, mut service: impl FnMut(&Seen) -> Reply) -> &mut Self {
        let until = Timestamp::from_millis(ORIGIN + i64::from(until_seconds) * 1000);
        for _ in 0..100_000 {
            self.deliver();
            let wake = match self.attended.then(|| self.act(&mut service)) {
                Some(None) => continue,
                Some(Some(wake)) => wake,
                None => Timestamp::from_millis(i64::MAX),
            };
            let delivery = self.pending.iter().map(|(at, _, _)| *at).min();
            let wake = delivery.map_or(wake, |delivery| delivery.min(wake));
            if wake > until {
                self.now = until;
                return self;
            }
            self.now = wake;
        }
        panic!("the rules never rest: {:#?}", steps(&self.recording, &self.board, self.now));
    }

    fn deliver(&mut self) {
        self.pending.sort_by_key(|(at, order, _)| (*at, *order));
        while self.pending.first().is_some_and(|(at, _, _)| *at <= self.now) {
            let (_, _, fact) = self.pending.remove(0);
            self.write(By::Agora, fact);
        }
    }

    /// Takes the steps that are due; the instant to look again, or `None` if something was done.
    fn act(&mut self, service: &mut impl FnMut(&Seen) -> Reply) -> Option<Timestamp> {
        match next(&self.recording, &self.board, self.now) {
            Next::Decide(decision, reason) => {
                assert_eq!(decision.rule, reason.rule, "a reason cites the rule of its conclusion");
                self.decide(decision);
                None
            }
            Next::Call(call, reason) => {
                assert_eq!(call.rule, reason.rule, "a reason cites the rule of its call");
                self.assert_shows_its_evidence(&call, &reason);
                self.call(call, service);
                None
            }
            Next::WaitUntil(at, _) => {
                assert!(at > self.now, "what waits is not due: {at} at {}", self.now);
                Some(at)
            }
            Next::Nothing => Some(Timestamp::from_millis(i64::MAX)),
        }
    }

    fn decide(&mut self, decision: Decision) {
        let Decision { kind, rule, evidence } = decision;
        let asked = MakeDecision { after: self.recording.last, kind, rule, evidence };
        let admitted = admits(&self.recording, &self.board, &asked, self.now)
            .expect("what the rules conclude is admitted");
        self.by_client(Fact::Decided(admitted));
    }

    /// A call that follows an answer, or the lack of one, names its entry. Queries are about the state of a session.
    fn assert_shows_its_evidence(&self, call: &crate::Call, reason: &crate::Reason) {
        let follows = matches!(reason.cause, crate::Cause::After(_) | crate::Cause::NoAnswer(_));
        if follows && call.operation != Operation::Query && call.operation != Operation::Acquire {
            assert!(!reason.evidence.is_empty(), "{reason:?} shows nothing");
        }
        for number in &reason.evidence {
            let shown = self.entries.iter().find(|entry| entry.number == *number);
            assert!(shown.is_some(), "{reason:?} shows an entry that is not there");
        }
    }

    fn call(&mut self, call: crate::Call, service: &mut impl FnMut(&Seen) -> Reply) {
        let after = self.recording.last;
        let asked = call.after(after);
        let permitted = permits(&self.recording, &self.board, &asked, self.now).unwrap_or_else(|refusal| {
            let sessions = self.recording.sessions.iter();
            let stand: Vec<_> = sessions.map(|of| (of.number, of.uid.get(), of.phase, of.because)).collect();
            panic!("the rules asked for {call:?}, the guards say: {refusal}; {stand:?}")
        });
        let id = CallId::new(&self.recording.id, after, call.session, call.operation);
        let seen = Seen {
            at: self.offset(),
            operation: call.operation,
            session: call.session,
            uid: permitted.uid.get(),
            domain: call.domain,
            rule: call.rule,
            attempt: call.attempt.number,
            id: id.clone(),
            changes: permitted.changes,
        };
        self.by_client(Fact::CallSent(CallSent {
            id: id.clone(),
            session: call.session,
            operation: call.operation,
            uid: permitted.uid,
            domain: call.domain,
            host: "api.agora.io".to_owned(),
            rule: call.rule,
            attempt: call.attempt,
            body_hash: String::new(),
            late: permitted.late,
            asynchronous: permitted.asynchronous,
        }));
        let reply = service(&seen);
        self.calls.push(seen);
        self.order += 1;
        match reply {
            Reply::Answer(status, class, after) => {
                let answer = Answer { status, code: None, reason: None, class };
                let at = self.now + std::time::Duration::from_millis(after);
                self.pending.push((
                    at,
                    self.order,
                    Fact::CallAnswered(CallAnswered { id, answer, raw: None }),
                ));
            }
            Reply::None(cause, after) => {
                let at = self.now + std::time::Duration::from_millis(after);
                self.pending.push((at, self.order, Fact::CallUnanswered(CallUnanswered { id, cause })));
            }
            Reply::Open => {}
        }
    }

    /// An answer that comes late, or to a call that was left open.
    pub fn answer_now(&mut self, id: &CallId, status: u16, class: AnswerClass) {
        let answer = Answer { status, code: None, reason: None, class };
        self.write(By::Agora, Fact::CallAnswered(CallAnswered { id: id.clone(), answer, raw: None }));
    }

    /// The instants of the calls of an operation, in milliseconds since the request.
    pub fn instants(&self, operation: Operation) -> Vec<i64> {
        self.calls.iter().filter(|call| call.operation == operation).map(|call| call.at).collect()
    }

    /// The calls of an operation as (seconds, UID).
    pub fn by_uid(&self, operation: Operation) -> Vec<(i64, u32)> {
        let wanted = self.calls.iter().filter(|call| call.operation == operation);
        wanted.map(|call| (call.at / 1000, call.uid)).collect()
    }

    /// The conclusions so far as (seconds, rule, kind).
    pub fn decided(&self) -> Vec<(i64, RuleId, DecisionKind)> {
        let decided = self.entries.iter().filter_map(|entry| match &entry.fact {
            Fact::Decided(decision) => {
                Some(((entry.at.millis() - ORIGIN) / 1000, decision.rule, decision.kind.clone()))
            }
            _ => None,
        });
        decided.collect()
    }

    /// When something was concluded, in seconds since the request.
    pub fn decided_at(&self, kind: &DecisionKind) -> Option<i64> {
        self.decided().into_iter().find(|(_, _, decided)| decided == kind).map(|(at, _, _)| at)
    }

    /// When an alarm was raised, in seconds since the request.
    pub fn alarmed_at(&self, cause: AlarmCause) -> Option<i64> {
        self.decided_at(&DecisionKind::Alarm(cause))
    }

    /// The queries of one session in seconds since the request, those of at least `from`.
    pub fn queries(&self, session: SessionNumber, from: i64) -> Vec<i64> {
        let wanted =
            self.calls.iter().filter(|call| call.operation == Operation::Query && call.session == session);
        wanted.map(|call| call.at / 1000).filter(|at| *at >= from).collect()
    }

    /// The rule of the last call.
    pub fn last_rule(&self) -> Option<RuleId> {
        self.calls.last().map(|call| call.rule)
    }
}

/// A recording that runs since 10 s: started at once, status 5 at the second query.
pub(crate) fn running() -> Desk {
    running_with(Policy::default())
}

pub(crate) fn running_with(policy: Policy) -> Desk {
    let mut desk = Desk::with_policy(policy);
    desk.run(10, well);
    assert_eq!(desk.recording.session(1).map(|session| session.phase), Some(crate::recording::Phase::Live));
    desk
}
