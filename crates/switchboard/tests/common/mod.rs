//! A switchboard in virtual time: a store in memory, a service that answers as it is told, and clients that fold.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::BTreeMap;
use std::time::Duration;

use agora::{Operation, Timestamp};
use rules::api::{
    Asked, ClaimLeases, FrameContent, FromProxy, Hello, MakeCall, NamedPolicy, Problem, RequestRecording,
};
use rules::journal::{CallId, ClientNumber};
use rules::{Board, Fact, Next, Policy, Recording, RecordingId};
use switchboard::held::HELD_MAX;
use switchboard::memory::MemoryStore;
use switchboard::ports::{Request, RequestFacts, Requests};
use switchboard::{Actor, AppConfig, Arrival, Config, Now, Outgoing, Output, Switchboard};

/// The App ID of all tests.
pub const APP: &str = "desk";
/// The person of all tests.
pub const PERSON: &str = "Kim";
/// Journal time at real time zero.
const ORIGIN: i64 = 1_700_000_000_000;

/// Bodies are the facts they are made of; `generation` stands for the configuration's credentials.
struct PlainRequests {
    generation: u32,
}

impl Requests for PlainRequests {
    fn build(&self, facts: &RequestFacts<'_>) -> Result<Request, String> {
        let body = format!("{} {} {}", facts.operation, facts.uid, self.generation);
        let body_hash =
            if facts.operation == Operation::Query { String::new() } else { format!("hash of {body}") };
        let sid = facts.sid.map(ToString::to_string).unwrap_or_default();
        let resource_id = facts.resource_id.map(ToString::to_string).unwrap_or_default();
        Ok(Request {
            host: "api.agora.io".to_owned(),
            path: format!("/{}/{resource_id}/{sid}", facts.operation),
            body: body.into_bytes(),
            body_hash,
        })
    }
}

/// What the service answers.
pub type Service = Box<dyn FnMut(&Outgoing, Operation) -> Option<(u16, String)>>;

/// A client that folds what it is told, and acts where it may.
pub struct Page {
    pub number: ClientNumber,
    pub secret: String,
    pub upto: u64,
    pub recordings: BTreeMap<RecordingId, Recording>,
    pub boards: BTreeMap<String, Board>,
    pub messages: Vec<FromProxy>,
    pub hello: Option<Hello>,
    /// Whether it answers heartbeats.
    pub alive: bool,
    /// Whether it claims what it is offered, and acts by the rules.
    pub acts: bool,
    pub gaps: usize,
    complete: bool,
    posted: Vec<(RecordingId, MakeCall)>,
}

pub struct World {
    pub switchboard: Switchboard,
    pub store: MemoryStore,
    pub real: Duration,
    pub rate: u32,
    pub pages: BTreeMap<ClientNumber, Page>,
    /// When each request left.
    pub sent: Vec<(Timestamp, CallId)>,
    pub service: Service,
    pub latency: Duration,
    answers: Vec<(Duration, CallId, u16, String)>,
    serial: u32,
    generation: u32,
}

pub fn config(rate: u32) -> Config {
    Config {
        apps: vec![AppConfig {
            name: APP.to_owned(),
            qps: 10,
            has_region: false,
            fresh_tokens: false,
            storage: vec!["archive".to_owned()],
            modes: vec![agora::Mode::Mix],
            uid_range: (1_000, 1_999),
        }],
        policies: vec![
            NamedPolicy { name: "patient".to_owned(), policy: Policy::default() },
            NamedPolicy { name: "swift".to_owned(), policy: Policy::with_patience(rules::Patience::Swift) },
            NamedPolicy {
                name: "watchful".to_owned(),
                policy: Policy { started_notification: true, ..Policy::default() },
            },
        ],
        build: "test".to_owned(),
        clock_rate: rate,
        held_max: HELD_MAX,
    }
}

/// A service that does everything at once.
pub fn willing(outgoing: &Outgoing, operation: Operation) -> Option<(u16, String)> {
    let name = outgoing.call.to_string().replace(':', "-");
    Some((
        200,
        match operation {
            Operation::Acquire => format!("{{\"resourceId\":\"resource-{name}\"}}"),
            Operation::Start => format!("{{\"resourceId\":\"resource\",\"sid\":\"sid-{name}\"}}"),
            Operation::Query => {
                "{\"serverResponse\":{\"status\":5,\"fileListMode\":\"string\",\"fileList\":\"\"}}".to_owned()
            }
            Operation::Stop => "{\"serverResponse\":{\"uploadingStatus\":\"uploaded\"}}".to_owned(),
            Operation::Update | Operation::UpdateLayout => "{}".to_owned(),
        },
    ))
}

impl World {
    pub fn new() -> Self {
        Self::at_rate(1)
    }

    pub fn at_rate(rate: u32) -> Self {
        let store = MemoryStore::default();
        let real = Duration::ZERO;
        let switchboard = open(&store, rate, 0, now_at(real, rate));
        Self {
            switchboard,
            store,
            real,
            rate,
            pages: BTreeMap::new(),
            sent: Vec::new(),
            service: Box::new(willing),
            latency: Duration::from_millis(50),
            answers: Vec::new(),
            serial: 0,
            generation: 0,
        }
    }

    pub fn now(&self) -> Now {
        now_at(self.real, self.rate)
    }

    /// The proxy ends and starts again: everybody has to connect anew, and no answer under way arrives.
    pub fn restart(&mut self) {
        self.pages.clear();
        self.answers.clear();
        self.generation += 1;
        self.switchboard = open(&self.store, self.rate, 0, self.now());
    }

    /// The proxy starts again with other credentials.
    pub fn restart_with_other_credentials(&mut self) {
        self.pages.clear();
        self.answers.clear();
        self.switchboard = open(&self.store, self.rate, 1, self.now());
    }

    pub fn connect(&mut self) -> ClientNumber {
        self.connect_from(None)
    }

    pub fn connect_from(&mut self, resume: Option<(String, u64)>) -> ClientNumber {
        self.serial += 1;
        let secret = format!("secret {}", self.serial);
        let upto = resume.as_ref().map_or(0, |(_, after)| *after);
        let arrival = Arrival {
            person: PERSON.to_owned(),
            operates: true,
            attendant: false,
            secret: secret.clone(),
            resume,
        };
        let number = self.switchboard.connected(arrival, self.now());
        let page = Page {
            number,
            secret,
            upto,
            recordings: BTreeMap::new(),
            boards: BTreeMap::new(),
            messages: Vec::new(),
            hello: None,
            alive: true,
            acts: true,
            gaps: 0,
            complete: false,
            posted: Vec::new(),
        };
        self.pages.insert(number, page);
        self.carry_out();
        number
    }

    /// A page that watches and never acts.
    pub fn connect_idle(&mut self) -> ClientNumber {
        let number = self.connect();
        self.page(number).acts = false;
        number
    }

    pub fn disconnect(&mut self, number: ClientNumber) {
        self.pages.remove(&number);
        self.switchboard.gone(number, self.now());
        self.carry_out();
    }

    pub fn page(&mut self, number: ClientNumber) -> &mut Page {
        self.pages.get_mut(&number).expect("the page is connected")
    }

    pub fn actor(&self, number: ClientNumber) -> Actor {
        let page = &self.pages[&number];
        Actor { person: PERSON.to_owned(), client: Some((number, page.secret.clone())) }
    }

    pub fn nobody(&self) -> Actor {
        Actor { person: PERSON.to_owned(), client: None }
    }

    pub fn entropy(&mut self) -> [u8; 16] {
        self.serial += 1;
        let mut entropy = [7; 16];
        entropy[..4].copy_from_slice(&self.serial.to_be_bytes());
        // Each byte of the number becomes letters of its own.
        for (place, byte) in self.serial.to_be_bytes().iter().enumerate() {
            entropy[4 + place] = byte / 32;
        }
        entropy
    }

    pub fn ask_request(channel: &str) -> RequestRecording {
        RequestRecording {
            app: APP.to_owned(),
            channel: agora::ChannelName::parse(channel).expect("a plain name is a channel"),
            uids: None,
            storage: "archive".to_owned(),
            settings: agora::RecordingSettings::default(),
            policy: None,
            beside: false,
            assured: false,
        }
    }

    pub fn ask(&mut self, actor: &Actor, key: &str, request: &RequestRecording) -> Result<Asked, Problem> {
        let entropy = self.entropy();
        let asked = self.switchboard.asked(actor, key, request, entropy, self.now());
        self.carry_out();
        asked
    }

    /// Asks for a recording through a page, minding the limit of starts a minute.
    pub fn start(&mut self, page: ClientNumber, channel: &str) -> RecordingId {
        let actor = self.actor(page);
        let request = Self::ask_request(channel);
        for _ in 0..10 {
            match self.ask(&actor, &format!("key of {channel}"), &request) {
                Ok(asked) => return asked.recording,
                Err(problem) if problem.status == 429 => self.run(Duration::from_secs(7)),
                Err(problem) => panic!("{channel} is refused: {problem:?}"),
            }
        }
        panic!("{channel} was never accepted")
    }

    /// A recording that runs and is confirmed.
    pub fn running(&mut self, page: ClientNumber, channel: &str) -> RecordingId {
        let id = self.start(page, channel);
        self.run(Duration::from_secs(8));
        let recording = self.switchboard.recording(&id).expect("it was asked for");
        assert!(recording.current().is_some_and(|session| session.confirmed.is_some()), "{recording:?}");
        id
    }

    pub fn recording(&self, id: &RecordingId) -> &Recording {
        self.switchboard.recording(id).expect("there is such a recording")
    }

    /// Lets real time pass, in steps no longer than what is due.
    pub fn run(&mut self, span: Duration) {
        let end = self.real + span;
        loop {
            self.switchboard.tick(self.now());
            self.carry_out();
            self.act();
            self.carry_out();
            if self.real >= end {
                return;
            }
            let due = self
                .switchboard
                .next_due(self.now())
                .clamp(Duration::from_millis(1), Duration::from_millis(100));
            let answer = self.answers.iter().map(|(at, ..)| *at).min().unwrap_or(end);
            self.real = (self.real + due).min(end).min(answer.max(self.real));
            let (come, later) =
                std::mem::take(&mut self.answers).into_iter().partition(|(at, ..)| *at <= self.real);
            self.answers = later;
            let come: Vec<(Duration, CallId, u16, String)> = come;
            for (_, call, status, body) in come {
                let now = self.now();
                self.switchboard.answered(&call, status, None, body.as_bytes(), now);
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.switchboard.poll_output() {
            match output {
                Output::Send(outgoing) => {
                    let now = self.now();
                    let at = self.switchboard.journal_now(now);
                    self.sent.push((at, outgoing.call.clone()));
                    let operation = outgoing.call.0.rsplit(':').next().and_then(Operation::parse);
                    let operation = operation.expect("a call's id ends with its operation");
                    if let Some((status, body)) = (self.service)(&outgoing, operation) {
                        let at = self.real + self.latency;
                        self.answers.push((at, outgoing.call.clone(), status, body));
                    }
                }
                Output::ToClient { client, message, .. } => {
                    let text = message.text();
                    assert!(text.len() <= rules::api::FRAME_BYTES, "a frame of {} bytes", text.len());
                    let message: FromProxy = serde_json::from_str(text).expect("it is a message");
                    let now = self.now();
                    let Some(page) = self.pages.get_mut(&client) else { continue };
                    if let (FromProxy::Heartbeat(_), true) = (&message, page.alive) {
                        self.switchboard.beat(client, now);
                    }
                    page.take(message);
                }
            }
        }
    }

    /// Every page that acts claims what it was offered, and posts the steps that are due.
    fn act(&mut self) {
        let numbers: Vec<ClientNumber> = self.pages.keys().copied().collect();
        for number in numbers {
            let actor = self.actor(number);
            let at = self.switchboard.journal_now(self.now());
            let now = self.now();
            let page = self.pages.get_mut(&number).expect("the page is connected");
            if !page.acts || !page.alive || !page.complete {
                page.messages.retain(|message| !matches!(message, FromProxy::Offer(_)));
                continue;
            }
            let offered: Vec<RecordingId> = page
                .messages
                .iter()
                .filter_map(|message| match message {
                    FromProxy::Offer(recordings) => Some(recordings.clone()),
                    _ => None,
                })
                .flatten()
                .collect();
            page.messages.retain(|message| !matches!(message, FromProxy::Offer(_)));
            let mut calls = Vec::new();
            let mut decisions = Vec::new();
            for recording in page.recordings.values() {
                if recording.lease.as_ref().is_none_or(|lease| lease.client != number) {
                    continue;
                }
                for step in rules::steps(recording, &page.boards[&recording.app], at) {
                    match step {
                        Next::Call(call, _) => calls.push((recording.id.clone(), call.after(recording.last))),
                        Next::Decide(decision, _) => decisions.push((
                            recording.id.clone(),
                            rules::api::MakeDecision {
                                after: recording.last,
                                kind: decision.kind,
                                rule: decision.rule,
                                evidence: decision.evidence,
                            },
                        )),
                        Next::WaitUntil(..) | Next::Nothing => {}
                    }
                }
            }
            calls.retain(|call| !page.posted.contains(call));
            page.posted.extend(calls.iter().cloned());
            if !offered.is_empty() {
                let claim = ClaimLeases { recordings: offered };
                let _ = self.switchboard.claimed(&actor, &claim, now);
            }
            for (id, call) in calls {
                let _ = self.switchboard.call_posted(&actor, &id, call, now);
            }
            for (id, decision) in decisions {
                let _ = self.switchboard.decision_posted(&actor, &id, decision, now);
            }
        }
    }

    /// The operations that left, with the milliseconds since the first.
    pub fn sent_operations(&self) -> Vec<(i64, Operation)> {
        let first = self.sent.first().map_or(0, |(at, _)| at.millis());
        let operation = |call: &CallId| call.0.rsplit(':').next().and_then(Operation::parse);
        self.sent.iter().filter_map(|(at, call)| Some((at.millis() - first, operation(call)?))).collect()
    }
}

impl Page {
    fn take(&mut self, message: FromProxy) {
        match &message {
            FromProxy::Hello(hello) => self.hello = Some(hello.clone()),
            FromProxy::Frame(frame) => {
                let begins = matches!(frame.content, FrameContent::Snapshot { first: true, .. });
                if frame.after != self.upto && !begins {
                    self.gaps += 1;
                }
                self.upto = frame.upto;
                match &frame.content {
                    FrameContent::Snapshot { first, last, recordings, boards } => {
                        if *first {
                            self.recordings.clear();
                            self.boards = boards
                                .iter()
                                .map(|(app, facts)| (app.clone(), Board::restore(facts.clone())))
                                .collect();
                        }
                        for recording in recordings {
                            self.boards.entry(recording.app.clone()).or_default().include(recording);
                            self.recordings.insert(recording.id.clone(), recording.clone());
                        }
                        self.complete = *last;
                    }
                    FrameContent::Boards(boards) => {
                        for (app, facts) in boards {
                            self.boards.entry(app.clone()).or_default().set_facts(facts.clone());
                        }
                    }
                    FrameContent::Entries(entries) => {
                        for line in entries {
                            self.fold(&line.recording, &line.entry);
                        }
                    }
                }
            }
            FromProxy::Heartbeat(_) | FromProxy::Offer(_) | FromProxy::Released(_) => {}
        }
        self.messages.push(message);
    }

    fn fold(&mut self, id: &RecordingId, entry: &rules::Entry) {
        if let Some(recording) = self.recordings.get_mut(id) {
            rules::fold(recording, entry);
        } else if matches!(entry.fact, Fact::Requested(_)) {
            let begun = Recording::begin(id.clone(), entry).expect("a request begins a recording");
            self.recordings.insert(id.clone(), begun);
        }
        if let Some(recording) = self.recordings.get(id) {
            self.boards.entry(recording.app.clone()).or_default().apply(recording, entry);
        }
    }

    /// What a snapshot would hold.
    pub fn live(&self) -> BTreeMap<RecordingId, Recording> {
        let live = self.recordings.iter().filter(|(_, recording)| !recording.settled());
        live.map(|(id, recording)| (id.clone(), recording.clone())).collect()
    }
}

fn now_at(real: Duration, rate: u32) -> Now {
    Now { journal: Timestamp::from_millis(ORIGIN) + real * rate, real }
}

fn open(store: &MemoryStore, rate: u32, generation: u32, now: Now) -> Switchboard {
    let requests = PlainRequests { generation };
    Switchboard::open(config(rate), Box::new(store.clone()), Box::new(requests), now)
        .expect("memory always opens")
}
