//! The three sides, and a network between them that takes a little time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agora::request::{self, StorageConfig};
use agora::{
    AppId, ChannelName, Mode, Operation, RecordingSettings, ResourceId, Sid, Timestamp, Uid, UnansweredCause,
};
use client::{Action, Client, Moment, PostId, PostOutcome, Request};
use rules::api::{AdoptRecording, FromClient, NamedPolicy, RequestRecording, SharedViews};
use rules::journal::{CallId, CallSent, ClientNumber, DecisionKind};
use rules::recording::Session;
use rules::{Entry, EntryNumber, Fact, Policy, Recording, RecordingId};
use serde_json::Value;
use simulator::{Config as ServiceConfig, Domain, Incoming, Ledger, LedgerRequest, Outcome, Service};
use switchboard::held::HELD_MAX;
use switchboard::ports::{self, Batch, KeyUse, Line, RequestFacts, Requests, Store, StoreError};
use switchboard::stream::Message;
use switchboard::{Actor, AppConfig, Arrival, Command, Config, Now, Output, Switchboard};

const BEGIN: i64 = 1_700_000_000_000;
const APP: &str = "app";
const APP_ID: &str = "0123456789abcdef0123456789abcdef";
const AUTHORIZATION: &str = "Basic dGVzdC1rZXk6dGVzdC1zZWNyZXQ=";
const PERSON: &str = "ada";
const STEP: u64 = 5;
/// How long a post takes until it is answered.
const LATENCY: u64 = 10;
/// D8: a late answer is listened for.
const LISTEN_LONGER: u64 = 60_000;

/// Numbers without a pattern, the same for the same seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn draw(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 32) as u32
    }
}

/// A journal in memory, which outlives the switchboard.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Line>>>);

impl Memory {
    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.lines().extend(batch.lines.iter().cloned());
        Ok(())
    }

    fn journal_id(&mut self) -> Result<String, StoreError> {
        Ok("journal".to_owned())
    }

    fn each_line(&mut self, take: &mut dyn FnMut(Line)) -> Result<(), StoreError> {
        self.lines().iter().cloned().for_each(take);
        Ok(())
    }

    fn lines_after(&mut self, after: u64, limit: usize) -> Result<Vec<Line>, StoreError> {
        let later = |line: &&Line| line.entry.board > after;
        Ok(self.lines().iter().filter(later).take(limit).cloned().collect())
    }

    fn entries(
        &mut self,
        id: &RecordingId,
        after: EntryNumber,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let fits = |line: &&Line| line.recording == *id && line.entry.number > after;
        Ok(self.lines().iter().filter(fits).take(limit).map(|line| line.entry.clone()).collect())
    }

    // Nothing is notified in this world.
    fn each_app_line(&mut self, _: &mut dyn FnMut(ports::AppLine, u64)) -> Result<(), StoreError> {
        Ok(())
    }

    fn app_entries(
        &mut self,
        _: &str,
        _: &[rules::AppEntryNumber],
    ) -> Result<Vec<rules::AppEntry>, StoreError> {
        Ok(Vec::new())
    }

    fn notice(&mut self, _: &str) -> Result<Option<ports::Notice>, StoreError> {
        Ok(None)
    }

    fn key_use(&mut self, _: &str, _: &str, _: Timestamp) -> Result<Option<KeyUse>, StoreError> {
        Ok(None)
    }

    fn views(&mut self) -> Result<SharedViews, StoreError> {
        Ok(SharedViews::default())
    }

    fn put_views(&mut self, _views: &SharedViews) -> Result<(), StoreError> {
        Ok(())
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Bodies without secrets; a body is its own hash.
struct Bodies;

impl Requests for Bodies {
    fn build(&self, facts: &RequestFacts<'_>) -> Result<ports::Request, String> {
        let RequestFacts {
            requested, operation, domain, uid, resource_id, sid, asynchronous, exclude, ..
        } = *facts;
        let app_id = AppId::parse(APP_ID).expect("valid");
        let settings = &requested.settings;
        let path =
            request::path(&app_id, operation, settings.mode, resource_id, sid).ok_or("an ID is missing")?;
        let channel = &requested.channel;
        let storage = StorageConfig {
            vendor: 1,
            region: 0,
            bucket: "bucket".to_owned(),
            access_key: "access".to_owned(),
            secret_key: "secret".to_owned(),
            sts_token: None,
            sts_expiration: None,
            file_name_prefix: vec!["archive".to_owned()],
            extension_params: None,
        };
        let body = match operation {
            Operation::Acquire => request::acquire_body(channel, uid, settings, exclude),
            Operation::Start => request::start_body(channel, uid, settings, &storage, None),
            Operation::Stop => request::stop_body(channel, uid, asynchronous),
            Operation::Query | Operation::Update | Operation::UpdateLayout => String::new(),
        };
        let host = match domain {
            rules::journal::Domain::Primary => "api.agora.io",
            rules::journal::Domain::Secondary => "api.sd-rtn.com",
            rules::journal::Domain::Region => "api-us-west-1.agora.io",
        };
        Ok(ports::Request { host: host.to_owned(), path, body_hash: body.clone(), body: body.into_bytes() })
    }
}

/// What the network brings at an instant.
enum Brought {
    Answered { call: CallId, status: u16, retry_after: Option<String>, body: Vec<u8> },
    Unanswered(CallId, UnansweredCause),
    Finished(CallId),
}

pub struct Page {
    pub client: Client,
    number: Option<ClientNumber>,
    inbox: VecDeque<Message>,
    posts: Vec<(u64, PostId, Request, ClientNumber)>,
    wake: Option<u64>,
    /// It neither hears nor says anything any more, and its connection is open.
    pub silent: bool,
}

pub struct Together {
    memory: Memory,
    board: Option<Switchboard>,
    service: Service,
    pub pages: Vec<Page>,
    network: Vec<(u64, Brought)>,
    now: u64,
    keys: u64,
    pub chance: Chance,
    /// Calls and decisions that the switchboard refused, other than as overtaken.
    pub refused: Vec<String>,
}

impl Together {
    /// All of them, connected.
    pub fn with_pages(count: usize) -> Self {
        let page = |_| Page {
            client: Client::new(),
            number: None,
            inbox: VecDeque::new(),
            posts: Vec::new(),
            wake: Some(0),
            silent: false,
        };
        let config = ServiceConfig::new(AppId::parse(APP_ID).expect("valid"), "test-key", "test-secret");
        let mut all = Self {
            memory: Memory::default(),
            board: None,
            service: Service::new(config, 1),
            pages: (0..count).map(page).collect(),
            network: Vec::new(),
            now: 0,
            keys: 0,
            chance: Chance(1),
            refused: Vec::new(),
        };
        all.restart();
        all.run(2_000);
        all
    }

    /// The journal's time.
    pub fn time(&self) -> Timestamp {
        Timestamp::from_millis(BEGIN + i64::try_from(self.now).expect("tests are short"))
    }

    pub fn moment(&self) -> Moment {
        Moment::new(self.now, i64::try_from(self.now).expect("tests are short"))
    }

    fn instant(&self) -> Now {
        Now { journal: self.time(), real: Duration::from_millis(self.now) }
    }

    fn board(&mut self) -> &mut Switchboard {
        self.board.as_mut().expect("it runs")
    }

    // ---- the process -----------------------------------------------------------------------------------------------

    /// `kill -9` of the proxy: what it was told and did not write is gone; what it sent is on its way.
    pub fn kill(&mut self) {
        self.board = None;
        self.network.clear();
        let moment = self.moment();
        for page in &mut self.pages {
            if page.number.take().is_some() {
                page.inbox.clear();
                page.client.closed(moment, None, self.chance.draw());
                page.wake = Some(0);
            }
        }
    }

    /// It runs again.
    pub fn restart(&mut self) {
        let app = AppConfig {
            name: APP.to_owned(),
            qps: 10,
            has_region: true,
            fresh_tokens: false,
            storage: vec!["archive".to_owned()],
            modes: vec![Mode::Mix],
            uid_range: (900_000, 999_999),
        };
        let policy = NamedPolicy { name: "patient".to_owned(), policy: Policy::DOCUMENTED };
        let config = Config {
            apps: vec![app],
            policies: vec![policy],
            build: "build".to_owned(),
            clock_rate: 1,
            held_max: HELD_MAX,
        };
        let board =
            Switchboard::open(config, Box::new(self.memory.clone()), Box::new(Bodies), self.instant());
        self.board = Some(board.expect("memory can be read"));
    }

    // ---- staff -----------------------------------------------------------------------------------------------------

    fn actor(&self) -> Actor {
        Actor { person: PERSON.to_owned(), client: None }
    }

    fn fresh(&mut self) -> (String, [u8; 16]) {
        self.keys += 1;
        let key = self.keys;
        // A name is made of the five lower bits of each byte.
        let digit = |place: u32| u8::try_from(key >> (5 * place) & 31).expect("five bits");
        let entropy = core::array::from_fn(|place| digit(u32::try_from(place).expect("sixteen") % 12));
        (format!("key-{key}"), entropy)
    }

    pub fn ask(&mut self, channel: &str) -> RecordingId {
        let ask = RequestRecording {
            app: APP.to_owned(),
            channel: ChannelName::parse(channel).expect("valid"),
            uids: None,
            storage: "archive".to_owned(),
            settings: RecordingSettings::default(),
            policy: None,
            beside: false,
            assured: false,
        };
        let ((key, entropy), actor, now) = (self.fresh(), self.actor(), self.instant());
        let asked = self.board().asked(&actor, &key, &ask, entropy, now).expect("it is taken");
        self.carry_out();
        asked.recording
    }

    pub fn adopt(&mut self, channel: &str, uid: u32, sid: &str) -> RecordingId {
        let adopt = AdoptRecording {
            app: APP.to_owned(),
            channel: ChannelName::parse(channel).expect("valid"),
            mode: Mode::Mix,
            uid: Uid::new(uid).expect("not 0"),
            resource_id: ResourceId::parse("resource").expect("valid"),
            sid: Sid::parse(sid).expect("valid"),
        };
        let ((key, entropy), actor, now) = (self.fresh(), self.actor(), self.instant());
        let asked = self.board().adopted(&actor, &key, &adopt, entropy, now).expect("it is taken");
        self.carry_out();
        asked.recording
    }

    pub fn stop(&mut self, id: &RecordingId) {
        let (actor, now) = (self.actor(), self.instant());
        let stop =
            Command::Stop { session: None, undo: Duration::ZERO, calls: Vec::new(), reason: String::new() };
        self.board().commanded(&actor, id, &stop, now).expect("it is taken");
        self.carry_out();
    }

    pub fn hurry(&mut self, id: &RecordingId) {
        let (actor, now) = (self.actor(), self.instant());
        self.board().commanded(&actor, id, &Command::Hurry, now).expect("it is taken");
        self.carry_out();
    }

    pub fn fault(&mut self, fault: &Value) {
        let answer = self.control("POST", "/simulator/faults", fault.to_string().into_bytes());
        assert_eq!(answer.0, 200, "{}", String::from_utf8_lossy(&answer.1));
    }

    /// Breaks something, if what is to be broken is there.
    pub fn try_fault(&mut self, fault: &Value) {
        self.control("POST", "/simulator/faults", fault.to_string().into_bytes());
    }

    pub fn clear_faults(&mut self) {
        let answer = self.control("DELETE", "/simulator/faults", Vec::new());
        assert_eq!(answer.0, 200, "{}", String::from_utf8_lossy(&answer.1));
    }

    fn control(&mut self, method: &str, target: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let incoming = Incoming {
            // Tests that break domains leave this one alone.
            domain: Domain::Region,
            host: "127.0.0.1".to_owned(),
            method: method.to_owned(),
            target: target.to_owned(),
            authorization: None,
            content_type: Some("application/json".to_owned()),
            body,
        };
        match self.service.handle(self.time(), &incoming).outcome {
            Outcome::Answered(reply) => (reply.status, reply.body),
            other => panic!("the controls always answer: {other:?}"),
        }
    }

    // ---- time ------------------------------------------------------------------------------------------------------

    /// Lets so many milliseconds pass.
    pub fn run(&mut self, millis: u64) {
        let end = self.now + millis;
        while self.now < end {
            self.now += STEP;
            self.step();
        }
    }

    /// Runs until this holds.
    pub fn run_until(&mut self, at_most: u64, what: &str, holds: impl Fn(&mut Self) -> bool) {
        let end = self.now + at_most;
        while !holds(self) {
            if self.now >= end {
                for line in self.memory.lines().iter() {
                    eprintln!("{} {}", line.recording, short(&line.entry));
                }
                panic!("within {at_most} ms it does not come to this: {what}");
            }
            // A look at everything costs more than a step.
            self.run(STEP * 20);
        }
    }

    fn step(&mut self) {
        let now = self.instant();
        let (due, later) = std::mem::take(&mut self.network).into_iter().partition(|(at, _)| *at <= self.now);
        self.network = later;
        if self.board.is_some() {
            for (_, arrival) in due {
                match arrival {
                    Brought::Answered { call, status, retry_after, body } => {
                        self.board().answered(&call, status, retry_after.as_deref(), &body, now);
                    }
                    Brought::Unanswered(call, cause) => self.board().unanswered(&call, cause, now),
                    Brought::Finished(call) => self.board().finished(&call),
                }
                self.carry_out();
            }
            self.board().tick(now);
            self.carry_out();
        }
        for page in 0..self.pages.len() {
            self.drive(page);
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.board().poll_output() {
            match output {
                Output::ToClient { client, message, .. } => {
                    let page = self.pages.iter_mut().find(|page| page.number == Some(client));
                    if let Some(page) = page {
                        page.inbox.push_back(message);
                    }
                }
                Output::Send(outgoing) => self.send(*outgoing),
            }
        }
    }

    fn send(&mut self, outgoing: switchboard::Outgoing) {
        let domain = match outgoing.request.host.as_str() {
            "api.agora.io" => Domain::Primary,
            "api.sd-rtn.com" => Domain::Secondary,
            _ => Domain::Region,
        };
        let incoming = Incoming {
            domain,
            host: outgoing.request.host.clone(),
            method: if outgoing.get { "GET" } else { "POST" }.to_owned(),
            target: outgoing.request.path.clone(),
            authorization: Some(AUTHORIZATION.to_owned()),
            content_type: Some(request::CONTENT_TYPE.to_owned()),
            body: outgoing.request.body.clone(),
        };
        let handled = self.service.handle(self.time(), &incoming);
        let call = outgoing.call;
        let after = |at: Timestamp| u64::try_from((at - Duration::ZERO).millis() - BEGIN).expect("later");
        let (at, given_up) = (after(handled.at), self.now + millis(outgoing.wait));
        match handled.outcome {
            Outcome::Answered(reply) => {
                if at > given_up {
                    let cause = UnansweredCause::Timeout;
                    self.network.push((given_up, Brought::Unanswered(call.clone(), cause)));
                }
                if at <= given_up + LISTEN_LONGER {
                    let answered = Brought::Answered {
                        call: call.clone(),
                        status: reply.status,
                        retry_after: reply.retry_after_s.map(|seconds| seconds.to_string()),
                        body: reply.body,
                    };
                    self.network.push((at, answered));
                }
                self.network.push((at.min(given_up + LISTEN_LONGER), Brought::Finished(call)));
            }
            Outcome::Closed => {
                let cause = if at > given_up { UnansweredCause::Timeout } else { UnansweredCause::Reset };
                self.network.push((at.min(given_up), Brought::Unanswered(call.clone(), cause)));
                self.network.push((at.min(given_up), Brought::Finished(call)));
            }
            Outcome::Refused => {
                let cause = UnansweredCause::Refused;
                self.network.push((self.now, Brought::Unanswered(call.clone(), cause)));
                self.network.push((self.now, Brought::Finished(call)));
            }
        }
    }

    fn drive(&mut self, page: usize) {
        let moment = self.moment();
        if self.pages[page].silent {
            return;
        }
        while let Some(message) = self.pages[page].inbox.pop_front() {
            self.pages[page].client.received(message.get(), moment);
            self.poll(page);
        }
        let now = self.now;
        let (back, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pages[page].posts).into_iter().partition(|(at, ..)| *at <= now);
        self.pages[page].posts = waiting;
        for (_, post, request, number) in back {
            let outcome = self.post(page, number, &request);
            self.pages[page].client.answered(post, outcome, moment);
            self.poll(page);
        }
        if self.pages[page].wake.is_some_and(|at| at <= now) {
            self.poll(page);
        }
    }

    fn post(&mut self, page: usize, number: ClientNumber, request: &Request) -> PostOutcome {
        let now = self.instant();
        let actor = Actor { person: PERSON.to_owned(), client: Some((number, secret(page))) };
        let Some(board) = self.board.as_mut() else { return PostOutcome::Unreachable };
        let answer = match request {
            Request::Claim(claim) => board.claimed(&actor, claim, now).map(drop),
            Request::Call(id, call) => board.call_posted(&actor, id, call.clone(), now).map(drop),
            Request::Decision(id, decision) => {
                board.decision_posted(&actor, id, decision.clone(), now).map(drop)
            }
        };
        self.carry_out();
        match answer {
            Ok(()) => PostOutcome::Accepted,
            Err(problem) if problem.status >= 500 => PostOutcome::Unreachable,
            Err(problem) => {
                if !matches!(problem.kind.as_str(), "stale" | "no_lease") {
                    self.refused.push(format!("at {} ms {request:?}: {problem:?}", self.now));
                }
                PostOutcome::Refused(problem)
            }
        }
    }

    fn poll(&mut self, page: usize) {
        let (moment, now) = (self.moment(), self.instant());
        self.pages[page].wake = None;
        for action in self.pages[page].client.poll(moment) {
            match action {
                Action::Connect { after, journal } => match self.board.as_mut() {
                    None => {
                        let chance = self.chance.draw();
                        self.pages[page].client.closed(moment, Some(1006), chance);
                        self.pages[page].wake = Some(0);
                    }
                    Some(board) => {
                        let arrival = Arrival {
                            person: PERSON.to_owned(),
                            operates: true,
                            attendant: false,
                            secret: secret(page),
                            resume: journal.zip(after),
                        };
                        let number = board.connected(arrival, now);
                        self.pages[page].number = Some(number);
                        self.pages[page].client.connected(moment);
                        self.carry_out();
                    }
                },
                Action::CloseSocket => {
                    if let (Some(number), Some(board)) = (self.pages[page].number.take(), self.board.as_mut())
                    {
                        board.gone(number, now);
                        self.carry_out();
                    }
                    self.pages[page].inbox.clear();
                    let chance = self.chance.draw();
                    self.pages[page].client.closed(moment, None, chance);
                    self.pages[page].wake = Some(0);
                }
                Action::Send(message) => {
                    if let (Some(number), Some(board)) = (self.pages[page].number, self.board.as_mut()) {
                        match message {
                            FromClient::Beat(_) => board.beat(number, now),
                            FromClient::Resync => board.resync(number, now),
                        }
                        self.carry_out();
                    }
                }
                Action::Post { id, request } => {
                    let number = self.pages[page].number.expect("posts need a connection");
                    self.pages[page].posts.push((self.now + LATENCY, id, request, number));
                }
                Action::WakeAt(at) => self.pages[page].wake = Some(at),
            }
        }
    }

    // ---- what is so --------------------------------------------------------------------------------------------------

    pub fn recording(&self, id: &RecordingId) -> &Recording {
        self.board.as_ref().expect("it runs").recording(id).expect("it was asked for")
    }

    pub fn session(&self, id: &RecordingId, number: u16) -> &Session {
        self.recording(id).session(number).expect("it was begun")
    }

    /// Whether the session is begun and this holds for it.
    pub fn session_is(&self, id: &RecordingId, number: u16, holds: impl Fn(&Session) -> bool) -> bool {
        self.recording(id).session(number).is_some_and(holds)
    }

    pub fn ledger(&mut self) -> Ledger {
        let (_, body) = self.control("GET", "/simulator/ledger", Vec::new());
        serde_json::from_slice(&body).expect("a ledger")
    }

    pub fn requests(&mut self, operation: Operation) -> Vec<LedgerRequest> {
        self.ledger().requests.into_iter().filter(|request| request.operation == Some(operation)).collect()
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.memory.lines().iter().map(|line| line.entry.clone()).collect()
    }

    /// Whether a journal names this `sid`.
    pub fn journals_name(&self, sid: &str) -> bool {
        let text = |line: &Line| serde_json::to_string(&line.entry).expect("an entry is JSON");
        self.memory.lines().iter().any(|line| text(line).contains(sid))
    }

    /// Every conclusion with its channel.
    pub fn decisions(&self) -> Vec<(String, DecisionKind)> {
        let channel = |line: &Line| self.recording(&line.recording).channel.as_str().to_owned();
        let decided = |line: &Line| match &line.entry.fact {
            Fact::Decided(decision) => Some((channel(line), decision.kind.clone())),
            _ => None,
        };
        self.memory.lines().iter().filter_map(decided).collect()
    }

    /// Each request has one `CallSent` of the same operation and host at the same instant, and the other way round,
    /// but for calls that never arrived.
    pub fn assert_agrees(&mut self) {
        let mut calls: BTreeMap<(i64, String, Option<String>), i64> = BTreeMap::new();
        for line in self.memory.lines().iter() {
            if let Fact::CallSent(CallSent { operation, host, uid, .. }) = &line.entry.fact {
                let key = (line.entry.at.millis(), format!("{operation} {host}"), Some(uid.to_string()));
                *calls.entry(key).or_default() += 1;
            }
        }
        for request in self.ledger().requests {
            let operation = request.operation.map(|operation| operation.to_string()).unwrap_or_default();
            let key = (request.at.millis(), format!("{operation} {}", request.host), request.uid.clone());
            let left = calls.entry(key).or_default();
            *left -= 1;
            assert!(*left >= 0, "no CallSent for {request:?}");
        }
        let journal = self.memory.lines().len();
        assert!(journal > 0);
        self.assert_replayed();
    }

    /// Every journal, put in a bundle and read again, is replayed to its own calls and conclusions.
    pub fn assert_replayed(&self) {
        let mut journals: BTreeMap<RecordingId, Vec<Entry>> = BTreeMap::new();
        for line in self.memory.lines().iter() {
            journals.entry(line.recording.clone()).or_default().push(line.entry.clone());
        }
        for (id, entries) in journals {
            let facts = rules::BoardFacts { has_region: true, ..rules::BoardFacts::default() };
            let bundle = rules::Bundle::new(id, entries, facts, "test".to_owned(), self.time());
            let text = serde_json::to_string(&bundle).expect("a bundle is JSON");
            let read = rules::Bundle::read(&text).expect("what was written can be read");
            assert_eq!(read, bundle);
            for step in rules::bundle::replay(&read.recording, &read.board, &read.entries) {
                let entry = &read.entries[step.entry as usize - 1];
                assert!(step.verdict.is_same(), "{}: {step:#?} at {entry:#?}", read.recording);
            }
        }
    }

    pub fn assert_no_refusals(&self) {
        for page in &self.pages {
            assert!(page.client.refusals().is_empty(), "{:#?}", page.client.refusals());
        }
    }

    /// The page's state is the fold of the journal.
    pub fn assert_folded(&self, page: usize) {
        let client = &self.pages[page].client;
        assert!(client.complete());
        let board = self.board.as_ref().expect("it runs");
        for (id, recording) in client.recordings() {
            let json = |one: &Recording| serde_json::to_string_pretty(one).expect("a recording is JSON");
            assert_eq!(json(recording), json(board.recording(id).expect("it is in the journal")));
        }
    }
}

fn secret(page: usize) -> String {
    format!("secret-of-{page}")
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).expect("tests are short")
}

fn short(entry: &Entry) -> String {
    let fact = serde_json::to_string(&entry.fact).expect("an entry is JSON");
    let at = entry.at.millis() - BEGIN;
    format!("{:>3} {at:>8} {}", entry.number, fact.chars().take(220).collect::<String>())
}
