//! A proxy in memory and some clients of it, in virtual time: as much of a proxy as a client can tell, and no more.
//!
//! It folds with the same rules, numbers entries, leases, answers posts and makes calls to a service that always works.
//! It has no guards, so what a client must not post shows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use agora::{
    Answer, AnswerClass, ChannelName, Operation, QueryAnswer, RecordingSettings, ResourceId, Sid, StopAnswer,
    Timestamp, Uid,
};
use client::{Action, Client, Moment, PostId, PostOutcome, Request};
use rules::api::{
    Frame, FrameContent, FromClient, FromProxy, Heartbeat, Hello, MakeCall, PROTOCOL, Problem, StreamEntry,
};
use rules::journal::{
    By, CallAnswered, CallId, CallSent, ClientNumber, JOURNAL_VERSION, Leased, RULES_VERSION, Requested,
    StopRequested, Uids,
};
use rules::{Board, Entry, Fact, Policy, Recording, RecordingId};

/// The journal's time when a test begins.
const BEGIN: i64 = 1_000_000;

/// How far virtual time goes in one step, in milliseconds.
pub const STEP: u64 = 10;

/// Numbers without a pattern, the same for the same seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn draw(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 32) as u32
    }

    pub fn once_in(&mut self, of: u32) -> bool {
        self.draw().is_multiple_of(of)
    }
}

/// What the proxy does with posts of calls and decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temper {
    /// It accepts them and carries them out.
    Works,
    /// It accepts them and forgets them.
    Forgets,
    /// It refuses them with this status and kind.
    Refuses(u16, &'static str),
    /// It does not answer.
    Silent,
}

/// The proxy.
pub struct FakeProxy {
    pub journal_id: String,
    pub entries: Vec<StreamEntry>,
    pub recordings: BTreeMap<RecordingId, Recording>,
    pub temper: Temper,
    pub beats: bool,
    pub offers: bool,
    boards: BTreeMap<String, Board>,
    connections: BTreeMap<ClientNumber, Connection>,
    leases: BTreeMap<RecordingId, ClientNumber>,
    asked: BTreeSet<(RecordingId, ClientNumber)>,
    next_client: ClientNumber,
    queue: Vec<(ClientNumber, RecordingId, MakeCall)>,
    now: u64,
    /// By how many milliseconds its time has fallen behind.
    pub behind: u64,
}

struct Connection {
    upto: u64,
    out: VecDeque<FromProxy>,
    answered_at: u64,
}

impl FakeProxy {
    fn new() -> Self {
        Self {
            journal_id: "journal-1".to_owned(),
            entries: Vec::new(),
            recordings: BTreeMap::new(),
            temper: Temper::Works,
            beats: true,
            offers: true,
            boards: BTreeMap::new(),
            connections: BTreeMap::new(),
            leases: BTreeMap::new(),
            asked: BTreeSet::new(),
            next_client: 1,
            queue: Vec::new(),
            now: 0,
            behind: 0,
        }
    }

    pub fn time(&self) -> Timestamp {
        let now = self.now - self.behind;
        Timestamp::from_millis(BEGIN + i64::try_from(now).expect("tests are short"))
    }

    pub fn holder(&self, id: &RecordingId) -> Option<ClientNumber> {
        self.leases.get(id).copied()
    }

    /// Another database: the journal begins anew.
    pub fn replace_journal(&mut self) {
        self.journal_id = "journal-2".to_owned();
        self.entries.clear();
        self.recordings.clear();
        self.boards.clear();
        self.leases.clear();
        self.queue.clear();
    }

    /// Writes an entry and streams it.
    pub fn write(&mut self, id: &RecordingId, by: By, fact: Fact) {
        let entry = Entry {
            number: self.recordings.get(id).map_or(1, |recording| recording.last + 1),
            board: self.entries.len() as u64 + 1,
            at: self.time(),
            by,
            version: JOURNAL_VERSION,
            held: false,
            fact,
        };
        match self.recordings.get_mut(id) {
            Some(recording) => rules::fold(recording, &entry),
            None => {
                let recording = Recording::begin(id.clone(), &entry).expect("the first entry asks for it");
                self.recordings.insert(id.clone(), recording);
            }
        }
        let recording = &self.recordings[id];
        self.boards.entry(recording.app.clone()).or_default().apply(recording, &entry);
        let new = StreamEntry { recording: id.clone(), entry };
        let upto = new.entry.board;
        self.entries.push(new.clone());
        let at = self.time();
        for connection in self.connections.values_mut() {
            let content = FrameContent::Entries(vec![new.clone()]);
            let after = std::mem::replace(&mut connection.upto, upto);
            connection.out.push_back(FromProxy::Frame(Frame { after, upto, at, content }));
        }
    }

    /// Staff ask for a recording of a channel of this name.
    pub fn ask(&mut self, name: &str) -> RecordingId {
        let id = RecordingId::parse(name).expect("a valid id");
        let first = 1_000 + 4 * u32::try_from(self.recordings.len()).expect("tests are small");
        let uid = |offset: u32| Uid::new(first + offset).expect("not 0");
        let requested = Requested {
            app: "app".to_owned(),
            channel: ChannelName::parse(name).expect("a valid channel"),
            uids: Uids { original: uid(0), backup: uid(1), reserves: vec![uid(2), uid(3)] },
            storage: "archive".to_owned(),
            settings: RecordingSettings::default(),
            policy_name: "patient".to_owned(),
            policy: Policy::DOCUMENTED,
            rules: RULES_VERSION,
            watched: false,
            assured: false,
        };
        self.write(&id, By::Staff("ada".to_owned()), Fact::Requested(Box::new(requested)));
        id
    }

    /// Staff stop a recording.
    pub fn stop(&mut self, id: &RecordingId) {
        let not_before = self.time();
        let stop = StopRequested { session: None, not_before, reason: String::new() };
        self.write(id, By::Staff("ada".to_owned()), Fact::StopRequested(stop));
    }

    /// The calls that left, in order.
    pub fn calls(&self) -> Vec<&CallSent> {
        self.entries
            .iter()
            .filter_map(|new| match &new.entry.fact {
                Fact::CallSent(sent) => Some(sent),
                _ => None,
            })
            .collect()
    }

    fn connect(&mut self, after: Option<u64>, journal: Option<&str>) -> ClientNumber {
        let number = self.next_client;
        self.next_client += 1;
        let hello = Hello {
            protocol: PROTOCOL,
            build: "build".to_owned(),
            journal_id: self.journal_id.clone(),
            client: number,
            secret: format!("secret-{number}"),
            now: self.time(),
            clock_rate: 1,
        };
        let newest = self.entries.len() as u64;
        let connection = Connection {
            upto: newest,
            out: VecDeque::from([FromProxy::Hello(hello)]),
            answered_at: self.now,
        };
        self.connections.insert(number, connection);
        match after.filter(|after| journal == Some(&self.journal_id) && *after <= newest) {
            Some(after) => {
                let rest: Vec<_> = self.entries[usize::try_from(after).expect("tests are small")..].to_vec();
                if !rest.is_empty() {
                    let (at, content) = (self.time(), FrameContent::Entries(rest));
                    let connection = self.connections.get_mut(&number).expect("it was just made");
                    connection.out.push_back(FromProxy::Frame(Frame { after, upto: newest, at, content }));
                }
            }
            None => self.send_snapshot(number),
        }
        number
    }

    /// In parts of one recording each, so that cuts fall between parts too.
    fn send_snapshot(&mut self, number: ClientNumber) {
        let (at, upto) = (self.time(), self.entries.len() as u64);
        let live: Vec<_> = self.recordings.values().filter(|one| !one.settled()).cloned().collect();
        let boards: Vec<_> =
            self.boards.iter().map(|(app, board)| (app.clone(), board.facts().clone())).collect();
        let connection = self.connections.get_mut(&number).expect("it is connected");
        let parts = live.len().max(1);
        for part in 0..parts {
            let content = FrameContent::Snapshot {
                first: part == 0,
                last: part + 1 == parts,
                recordings: live.get(part).cloned().into_iter().collect(),
                boards: if part == 0 { boards.clone() } else { Vec::new() },
            };
            connection.out.push_back(FromProxy::Frame(Frame { after: upto, upto, at, content }));
        }
        connection.upto = upto;
    }

    fn disconnect(&mut self, number: ClientNumber) {
        self.connections.remove(&number);
        self.leases.retain(|_, holder| *holder != number);
        self.queue.retain(|(client, _, _)| *client != number);
    }

    fn heard(&mut self, number: ClientNumber, message: &FromClient) {
        match message {
            FromClient::Beat(_) => {
                if let Some(connection) = self.connections.get_mut(&number) {
                    connection.answered_at = self.now;
                }
            }
            FromClient::Resync => self.send_snapshot(number),
        }
    }

    fn post(&mut self, number: ClientNumber, request: &Request) -> PostOutcome {
        let refuse = |status: u16, kind: &str| {
            PostOutcome::Refused(Problem {
                kind: kind.to_owned(),
                title: "no".to_owned(),
                status,
                rule: None,
                entries: Vec::new(),
            })
        };
        match request {
            Request::Claim(claim) => {
                for id in &claim.recordings {
                    if !self.leases.contains_key(id) && self.connections.contains_key(&number) {
                        self.leases.insert(id.clone(), number);
                        let epoch = u32::try_from(self.entries.len()).expect("tests are small");
                        let leased = Leased { client: number, epoch, holder: "ada".to_owned() };
                        self.write(id, By::Proxy, Fact::Leased(leased));
                    }
                }
                PostOutcome::Accepted
            }
            Request::Call(id, _) | Request::Decision(id, _) if self.leases.get(id) != Some(&number) => {
                refuse(403, "no_lease")
            }
            Request::Call(id, call) => match self.temper {
                Temper::Works => {
                    let known = (number, id.clone(), call.clone());
                    if !self.queue.contains(&known) {
                        self.queue.push(known);
                    }
                    PostOutcome::Accepted
                }
                Temper::Forgets => PostOutcome::Accepted,
                Temper::Refuses(status, kind) => refuse(status, kind),
                Temper::Silent => PostOutcome::Unreachable,
            },
            Request::Decision(id, decision) => match self.temper {
                Temper::Works if self.recordings[id].last != decision.after => refuse(409, "stale"),
                Temper::Works => {
                    let (kind, rule) = (decision.kind.clone(), decision.rule);
                    let decided =
                        rules::journal::Decision { kind, rule, evidence: decision.evidence.clone() };
                    self.write(id, client(number), Fact::Decided(decided));
                    PostOutcome::Accepted
                }
                Temper::Forgets => PostOutcome::Accepted,
                Temper::Refuses(status, kind) => refuse(status, kind),
                Temper::Silent => PostOutcome::Unreachable,
            },
        }
    }

    fn tick(&mut self) {
        for (number, id, call) in std::mem::take(&mut self.queue) {
            self.make(number, &id, &call);
        }
        if self.beats && self.now.is_multiple_of(1_000) {
            let (now, newest) = (self.time(), self.entries.len() as u64);
            let heartbeat = Heartbeat { now, beat: self.now / 1_000, newest, unwritten: None };
            for connection in self.connections.values_mut() {
                connection.out.push_back(FromProxy::Heartbeat(heartbeat.clone()));
            }
        }
        let silent = |connection: &Connection| self.now - connection.answered_at >= 5_000;
        let silent: Vec<_> =
            self.connections.iter().filter(|(_, one)| silent(one)).map(|(number, _)| *number).collect();
        for number in silent {
            let lost: Vec<_> = self
                .leases
                .iter()
                .filter(|(_, holder)| **holder == number)
                .map(|(id, _)| id.clone())
                .collect();
            self.leases.retain(|_, holder| *holder != number);
            if !lost.is_empty()
                && let Some(connection) = self.connections.get_mut(&number)
            {
                connection.out.push_back(FromProxy::Released(lost));
            }
        }
        if self.offers && self.now.is_multiple_of(300) {
            self.offer();
        }
    }

    /// To each client in turn.
    fn offer(&mut self) {
        let free =
            self.recordings.values().filter(|one| !one.settled() && !self.leases.contains_key(&one.id));
        for id in free.map(|one| one.id.clone()).collect::<Vec<_>>() {
            let asked = |number: &&ClientNumber| self.asked.contains(&(id.clone(), **number));
            let next = self.connections.keys().find(|number| !asked(number)).copied();
            match next {
                Some(number) => {
                    self.asked.insert((id.clone(), number));
                    let connection = self.connections.get_mut(&number).expect("it is one of them");
                    connection.out.push_back(FromProxy::Offer(vec![id]));
                }
                None => self.asked.retain(|(other, _)| *other != id),
            }
        }
    }

    fn make(&mut self, number: ClientNumber, id: &RecordingId, call: &MakeCall) {
        let recording = &self.recordings[id];
        let call_id = CallId::new(id, call.after, call.session, call.operation);
        let session = recording.session(call.session);
        let (originals, place) = (recording.uids.clone(), call.session % 2);
        let uid =
            session.map_or(if place == 1 { originals.original } else { originals.backup }, |one| one.uid);
        let halted = session.is_some_and(|session| session.stop_accepted.is_some());
        let sent = CallSent {
            id: call_id.clone(),
            session: call.session,
            operation: call.operation,
            uid,
            domain: call.domain,
            host: "api.agora.io".to_owned(),
            rule: call.rule,
            attempt: call.attempt,
            body_hash: String::new(),
            late: false,
            asynchronous: false,
        };
        self.write(id, client(number), Fact::CallSent(sent));
        let name = format!("{id}-{}", call.session);
        let (status, class) = match call.operation {
            Operation::Acquire => {
                (200, AnswerClass::Acquired(ResourceId::parse(format!("resource-{name}")).expect("valid")))
            }
            Operation::Start => {
                (200, AnswerClass::Started(Sid::parse(format!("sid-{name}-0")).expect("valid")))
            }
            Operation::Query if halted => (404, AnswerClass::ServiceNotFound),
            Operation::Query => {
                (200, AnswerClass::Status(QueryAnswer { status: 5, ..QueryAnswer::default() }))
            }
            Operation::Stop => (200, AnswerClass::Stopped(StopAnswer::default())),
            Operation::Update | Operation::UpdateLayout => (200, AnswerClass::Updated),
        };
        let answer = Answer { status, code: None, reason: None, class };
        self.write(id, By::Agora, Fact::CallAnswered(CallAnswered { id: call_id, answer, raw: None }));
    }
}

fn client(number: ClientNumber) -> By {
    By::Client { client: number, epoch: 1, name: "ada".to_owned() }
}

/// One page: a client and its driver.
pub struct Page {
    pub client: Client,
    pub number: Option<ClientNumber>,
    /// Every post, with its instant.
    pub posted: Vec<(u64, Request)>,
    /// Posts whose answers come later.
    on_their_way: Vec<(u64, PostId, Request, ClientNumber)>,
    /// How long an answer takes.
    pub latency: u64,
    wake: Option<u64>,
    /// How far its wall clock is ahead.
    pub wall_ahead: i64,
    /// For how long its monotonic clock stood still.
    pub slept: u64,
    /// Whether its timers fire; a hidden page's hardly do.
    pub timers: bool,
    /// Whether nothing of it runs at all; what comes waits.
    pub frozen: bool,
    /// The messages of the socket that it has received.
    pub messages: usize,
    pub polls: usize,
}

/// The proxy and its pages.
pub struct World {
    pub proxy: FakeProxy,
    pub pages: Vec<Page>,
    pub now: u64,
    pub chance: Chance,
    /// Cuts a socket after one message in so many.
    pub cut_once_in: Option<u32>,
    pub cuts: usize,
}

impl World {
    pub fn with_pages(count: usize) -> Self {
        let page = |_| Page {
            client: Client::new(),
            number: None,
            posted: Vec::new(),
            on_their_way: Vec::new(),
            latency: 30,
            wake: Some(0),
            wall_ahead: 0,
            slept: 0,
            timers: true,
            frozen: false,
            messages: 0,
            polls: 0,
        };
        Self {
            proxy: FakeProxy::new(),
            pages: (0..count).map(page).collect(),
            now: 0,
            chance: Chance(1),
            cut_once_in: None,
            cuts: 0,
        }
    }

    /// What both clocks of a page show now.
    pub fn moment(&self, page: usize) -> Moment {
        let wall = i64::try_from(self.now).expect("tests are short") + self.pages[page].wall_ahead;
        Moment::new(5_000_000 + self.now - self.pages[page].slept, wall)
    }

    /// Lets so many milliseconds pass.
    pub fn run(&mut self, millis: u64) {
        let end = self.now + millis;
        while self.now < end {
            self.now += STEP;
            self.proxy.now = self.now;
            self.proxy.tick();
            for page in 0..self.pages.len() {
                self.drive(page);
            }
        }
    }

    /// Runs until this holds, at most so many milliseconds.
    pub fn run_until(&mut self, at_most: u64, holds: impl Fn(&Self) -> bool) {
        let end = self.now + at_most;
        while !holds(self) {
            assert!(self.now < end, "it does not come to hold within {at_most} ms");
            self.run(STEP);
        }
    }

    /// The page's socket breaks.
    pub fn cut(&mut self, page: usize) {
        if let Some(number) = self.pages[page].number.take() {
            self.proxy.disconnect(number);
            let (moment, chance) = (self.moment(page), self.chance.draw());
            self.pages[page].client.closed(moment, Some(1006), chance);
            self.poll(page);
        }
    }

    /// The page is closed for good.
    pub fn close_page(&mut self, page: usize) {
        if let Some(number) = self.pages[page].number {
            self.proxy.disconnect(number);
        }
        self.pages.remove(page);
    }

    fn drive(&mut self, page: usize) {
        if self.pages[page].frozen {
            return;
        }
        let moment = self.moment(page);
        while let Some(number) = self.pages[page].number {
            let message =
                self.proxy.connections.get_mut(&number).and_then(|connection| connection.out.pop_front());
            let Some(message) = message else { break };
            // What travels is text.
            let text = serde_json::to_string(&message).expect("a message is JSON");
            self.pages[page].messages += 1;
            self.pages[page].client.received_text(&text, moment);
            if let Some(of) = self.cut_once_in
                && self.chance.once_in(of)
            {
                self.cuts += 1;
                self.cut(page);
                break;
            }
            self.poll(page);
        }
        let now = self.now;
        let (back, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pages[page].on_their_way).into_iter().partition(|(at, ..)| *at <= now);
        self.pages[page].on_their_way = waiting;
        for (_, post, request, number) in back {
            let outcome = self.proxy.post(number, &request);
            self.pages[page].client.answered(post, outcome, moment);
            self.poll(page);
        }
        let due = self.pages[page].wake.is_some_and(|at| at <= moment.monotonic);
        if due && self.pages[page].timers {
            self.poll(page);
        }
    }

    /// Polls once and does what is said.
    pub fn poll(&mut self, page: usize) {
        let moment = self.moment(page);
        let driven = &mut self.pages[page];
        driven.polls += 1;
        driven.wake = None;
        for action in driven.client.poll(moment) {
            match action {
                Action::Connect { after, journal } => {
                    driven.number = Some(self.proxy.connect(after, journal.as_deref()));
                    driven.client.connected(moment);
                }
                Action::CloseSocket => {
                    if let Some(number) = driven.number.take() {
                        self.proxy.disconnect(number);
                    }
                    driven.client.closed(moment, None, self.chance.draw());
                    driven.wake = Some(0);
                }
                Action::Send(message) => {
                    if let Some(number) = driven.number {
                        self.proxy.heard(number, &message);
                    }
                }
                Action::Post { id, request } => {
                    let number = driven.number.expect("posts need a connection");
                    let same = |other: &Request| match (other, &request) {
                        (Request::Call(one, a), Request::Call(two, b)) => {
                            let id = |recording, call: &MakeCall| {
                                CallId::new(recording, call.after, call.session, call.operation)
                            };
                            id(one, a) == id(two, b)
                        }
                        (one, two) => !matches!(two, Request::Claim(_)) && one == two,
                    };
                    let twice = driven.on_their_way.iter().any(|(_, _, other, _)| same(other));
                    assert!(!twice, "posted twice at once: {request:?}");
                    driven.posted.push((self.now, request.clone()));
                    driven.on_their_way.push((self.now + driven.latency, id, request, number));
                }
                Action::WakeAt(at) => driven.wake = Some(at),
            }
        }
    }

    /// The client's state is the fold of the journal, as far as it is about live recordings.
    pub fn assert_folded(&self, page: usize) {
        fn live<'a>(recordings: impl Iterator<Item = &'a Recording>) -> Vec<Recording> {
            recordings.filter(|one| !one.settled()).cloned().collect()
        }
        let client = &self.pages[page].client;
        assert!(client.complete(), "a snapshot is missing");
        pretty(&live(client.recordings().values()), &live(self.proxy.recordings.values()));
        for (app, board) in client.boards() {
            assert_eq!(Some(board.facts()), self.proxy.boards.get(app).map(Board::facts));
        }
    }
}

/// Compares as JSON, which is short where the difference is.
fn pretty(left: &[Recording], right: &[Recording]) {
    assert_eq!(left.len(), right.len(), "as many live recordings");
    for (left, right) in left.iter().zip(right) {
        let json = |one: &Recording| serde_json::to_string_pretty(one).expect("a recording is JSON");
        assert_eq!(json(left), json(right));
    }
}
