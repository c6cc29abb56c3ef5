//! The parts put together in one thread and in virtual time: the real service, the real switchboard, real clients, staff
//! who press things, and a network between them. Instants wait in a heap; nothing happens between two of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use agora::{ChannelName, Notification, RecordingSettings, Timestamp, UnansweredCause};
use client::{Action, Client, Moment, PostId, PostOutcome, Request};
use rules::api::{FromClient, RequestRecording};
use rules::journal::{CallId, ClientNumber};
use rules::{Call, Recording, RecordingId, RuleId, SessionNumber};
use simulator::{Calls, Delivered, Domain, Fault, FaultKind, Incoming, Notices, Outcome, Service, Target};
use switchboard::notices::Delivery;
use switchboard::stream::Message;
use switchboard::{Actor, Arrival, Command, Now, Output, Switchboard};

use crate::chance::Chance;
use crate::compare::Model;
use crate::desk::{self, APP, AUTHORIZATION, Bodies, Disk, FOREIGN, POLICIES, VIGILANT};
use crate::judge::{Invariant, Judge, Tally, Violation};
use crate::schedule::{Schedule, Step};

const BEGIN: i64 = 1_700_000_000_000;
/// D8: a late answer is listened for.
const LISTEN_LONGER: Duration = Duration::from_secs(60);
/// A post that nobody answers is given up by the page after this, in real milliseconds.
const POST_GIVEN_UP: u64 = 10_000;
/// Somebody whose press was not taken presses again after this, in real milliseconds.
const PRESSED_AGAIN: u64 = 5_000;
/// For how long nothing breaks before it is judged at rest, in the journal's milliseconds.
const REST: u64 = 300_000;
/// So much never happens within a millisecond, unless something goes round in a circle.
const AT_ONCE: u32 = 20_000;
/// How long pages and leases may take to find one another before that, in real milliseconds: whose holder says nothing is
/// free after five seconds, and is offered.
const SETTLE: u64 = 8_000;
/// Who was away for long has its leases again by then, in real milliseconds.
const BACK_AGAIN: u64 = 15_000;

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many instants something happened at.
    pub events: u64,
    /// How many kinds of fault there were.
    pub kinds: usize,
    /// How much of the journal's time passed, in milliseconds.
    pub simulated: u64,
    /// How many entries were written.
    pub entries: usize,
    /// How many requests reached the service.
    pub requests: u64,
    /// How often each invariant was put to the test.
    pub tally: Tally,
    /// The first violation.
    pub violation: Option<Violation>,
    /// A hash over every line and request.
    pub hash: u64,
    /// A hash over the requests alone.
    pub requests_hash: u64,
    /// The real milliseconds at which something was written down.
    pub moments: Vec<u64>,
    /// What happened, where it was asked for.
    pub trace: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A step of the schedule.
    Step(usize),
    /// Somebody presses once more.
    Press(usize, u32),
    /// The proxy has something to do.
    Tick,
    /// The network brings something to the proxy.
    Net(usize),
    /// A message may be there for a page.
    Deliver(usize),
    /// A page asked to be woken.
    Wake(usize, u64),
    /// A post arrives at the proxy.
    Arrive(usize),
    /// The answer to a post arrives at the page.
    Back(usize),
    /// A page that slept or was mute goes on.
    Rouse(usize),
    /// The proxy runs again.
    Restart(u64),
    /// The disk has room again.
    DiskFree,
    /// Faults are over.
    Calm,
    /// The service has notifications to deliver.
    Notices,
    /// Rest is over: judged.
    Judged,
}

enum Brought {
    Answered {
        call: CallId,
        status: u16,
        retry_after: Option<String>,
        body: Vec<u8>,
        sid: Option<(RecordingId, String)>,
    },
    Unanswered(CallId, UnansweredCause),
    Finished(CallId),
}

struct Post {
    page: usize,
    tab: u64,
    number: ClientNumber,
    secret: String,
    id: PostId,
    request: Request,
    /// Whether the answer gets back.
    heard: bool,
    outcome: Option<PostOutcome>,
}

struct Page {
    client: Option<Client>,
    operates: bool,
    attendant: bool,
    person: String,
    number: Option<ClientNumber>,
    connection: u64,
    /// How many times it was closed.
    tab: u64,
    inbox: VecDeque<(u64, Message)>,
    last_arrival: u64,
    /// When it wants to be woken, and the last instant for which that waits in the heap.
    wake_at: u64,
    queued: u64,
    /// It neither hears nor acts before this.
    silent_until: u64,
    /// What its monotonic clock has missed while it slept, and until when it sleeps so.
    missed: u64,
    stands_until: u64,
    wall: i64,
    granularity: u64,
    latency: u64,
    posts_lost: Option<(bool, u32)>,
    /// Until then it may wait for the answer to a post that was lost.
    waits_until: u64,
    /// Answers to posts that came while it was silent.
    unheard: Vec<usize>,
    chance: Chance,
    /// How long the next message, post and answer takes: three streams, so that what happens in one millisecond may happen
    /// in any order.
    ways: [Chance; 3],
}

/// The way of a message to a page.
const DOWN: usize = 0;
/// The way of a post.
const UP: usize = 1;
/// The way of its answer.
const BACK: usize = 2;

/// One run of one schedule.
pub struct Simulation<'a> {
    schedule: &'a Schedule,
    now: u64,
    sequence: u64,
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    board: Option<Switchboard>,
    incarnation: u64,
    disk: Disk,
    seen: usize,
    service: Service,
    pages: Vec<Page>,
    brought: Vec<Option<Brought>>,
    posts: Vec<Option<Post>>,
    tick_at: u64,
    notices_at: u64,
    /// How many notifications about sessions of others came.
    of_others: u64,
    /// For how long the proxy is away once the fuse has burnt.
    cut_down: u64,
    proxy_clock: i64,
    clock_set_at: u64,
    /// An instant of the journal and the real one that belongs to it.
    proxy_base: (i64, u64),
    keys: u64,
    recordings: Vec<RecordingId>,
    asked: Vec<Option<RecordingId>>,
    /// Whose policy was refused, so that they ask with the usual one.
    plain: Vec<bool>,
    touched: Vec<RecordingId>,
    calm: bool,
    judge: Judge,
    model: Model,
    /// How far ahead of the proxy's time a page may be.
    ahead: Duration,
    events: u64,
    requests: u64,
    moments: Vec<u64>,
    tracing: bool,
    trace: Vec<String>,
    done: bool,
}

/// Every so many schedules with lookers-on are run a second time without them.
const ALSO_WITHOUT: u64 = 4;

/// A proxy that is back within so many real milliseconds is awaited by some pages and not yet missed by others.
const BLINK_MILLIS: u64 = 5;

/// Runs a schedule to its end, or to the first violation.
pub fn run(schedule: &Schedule, tracing: bool) -> Report {
    let mut report = run_once(schedule, tracing);
    // Who is back first after a proxy that was gone for a blink sets the beat of its heartbeats, a millisecond sooner or
    // later: then the instants may differ by that.
    let blinks = schedule.steps.iter().any(|(_, step)| {
        matches!(step, Step::Kill { down } | Step::KillAtWrite { down, .. } if *down < BLINK_MILLIS)
    });
    let compared = schedule.world.viewers > 0 && schedule.seed.is_multiple_of(ALSO_WITHOUT) && !blinks;
    if compared && report.violation.is_none() {
        let mut alone = schedule.clone();
        alone.world.viewers = 0;
        let without = run_once(&alone, false);
        report.tally.0[Invariant::LookersFree as usize] += 1;
        let same = (report.hash, report.requests_hash) == (without.hash, without.requests_hash);
        if !same && without.violation.is_none() {
            report.violation = Some(Violation {
                invariant: Invariant::LookersFree,
                what: format!("{} requests, and {} without lookers-on", report.requests, without.requests),
                at: 0,
            });
        }
    }
    report
}

fn run_once(schedule: &Schedule, tracing: bool) -> Report {
    let mut simulation = Simulation::new(schedule, tracing);
    simulation.run();
    Report {
        events: simulation.events,
        kinds: schedule.kinds(),
        simulated: simulation.now * u64::from(schedule.world.rate),
        entries: simulation.seen,
        requests: simulation.requests,
        tally: simulation.judge.tally,
        violation: simulation.judge.violation,
        hash: simulation.judge.hash,
        requests_hash: simulation.judge.requests_hash,
        moments: simulation.moments,
        trace: simulation.trace,
    }
}

/// The journal that a schedule leaves.
pub fn journal(schedule: &Schedule) -> Vec<switchboard::ports::Line> {
    let mut simulation = Simulation::new(schedule, false);
    simulation.run();
    std::mem::take(&mut simulation.disk.open().lines)
}

impl<'a> Simulation<'a> {
    fn new(schedule: &'a Schedule, tracing: bool) -> Self {
        let world = &schedule.world;
        let page = |place: usize| Page {
            client: Some(Client::new()),
            operates: place < world.pages,
            attendant: world.attendant && place == 0,
            person: ["ada", "ben", "cleo"][place % 3].to_owned(),
            number: None,
            connection: 0,
            tab: 0,
            inbox: VecDeque::new(),
            last_arrival: 0,
            wake_at: 0,
            queued: 0,
            silent_until: 0,
            missed: 0,
            stands_until: 0,
            wall: 0,
            granularity: 1,
            latency: world.latency,
            posts_lost: None,
            waits_until: 0,
            unheard: Vec::new(),
            chance: Chance::new(schedule.seed, 100 + u64::try_from(place).unwrap_or(0)),
            ways: [200, 300, 400]
                .map(|way| Chance::new(schedule.seed, way + u64::try_from(place).unwrap_or(0))),
        };
        let rate = u64::from(world.rate);
        let slack = Duration::from_millis((world.latency * 8 + 150) * rate);
        let set = schedule.steps.iter().any(|(_, step)| matches!(step, Step::ProxyClock { .. }));
        let ahead = Duration::from_millis(if set { 1_500 * rate } else { 0 });
        let mut simulation = Self {
            schedule,
            now: 0,
            sequence: 0,
            heap: BinaryHeap::new(),
            board: None,
            incarnation: 0,
            disk: Disk::default(),
            seen: 0,
            service: Service::new(desk::service(world), schedule.seed),
            pages: (0..world.pages + world.viewers).map(page).collect(),
            brought: Vec::new(),
            posts: Vec::new(),
            tick_at: u64::MAX,
            notices_at: u64::MAX,
            of_others: 0,
            cut_down: 0,
            proxy_clock: 0,
            clock_set_at: 0,
            proxy_base: (BEGIN, 0),
            keys: 0,
            recordings: Vec::new(),
            asked: vec![None; schedule.steps.len()],
            plain: vec![false; schedule.steps.len()],
            touched: Vec::new(),
            calm: false,
            judge: Judge::new(slack, ahead),
            model: Model::default(),
            ahead,
            events: 0,
            requests: 0,
            moments: Vec::new(),
            tracing,
            trace: Vec::new(),
            done: false,
        };
        simulation.start_proxy();
        for place in 0..simulation.pages.len() {
            simulation.schedule_event(0, Event::Wake(place, 0));
        }
        for (place, (at, _)) in schedule.steps.iter().enumerate() {
            simulation.schedule_event(*at, Event::Step(place));
        }
        simulation.schedule_event(schedule.calm_at, Event::Calm);
        simulation
    }

    fn run(&mut self) {
        let mut at_once = 0;
        while let Some(Reverse((at, _, event))) = self.heap.pop() {
            at_once = if at > self.now { 0 } else { at_once + 1 };
            if at_once % AT_ONCE == AT_ONCE - 1 {
                self.judge.holds(Invariant::Rests, false, || format!("{event:?} again and again"));
            }
            self.now = self.now.max(at);
            self.judge.at(self.now);
            if self.happens(event) {
                self.events += 1;
                self.look();
            }
            self.watch_notices();
            if self.done || self.judge.violation.is_some() {
                break;
            }
        }
    }

    fn schedule_event(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.heap.push(Reverse((at.max(self.now), self.sequence, event)));
    }

    fn rate(&self) -> u64 {
        u64::from(self.schedule.world.rate)
    }

    fn millis(&self) -> i64 {
        i64::try_from(self.now.saturating_mul(self.rate())).unwrap_or(i64::MAX / 4)
    }

    /// The service's time, which is the true one.
    fn time(&self) -> Timestamp {
        Timestamp::from_millis(BEGIN + self.millis())
    }

    /// The proxy's times, as its shell tells them: a wall clock that is set back is absorbed, one that jumps ahead is
    /// followed.
    fn instant(&mut self) -> Now {
        let wall = BEGIN + self.millis() + self.proxy_clock;
        let (base, since) = self.proxy_base;
        let steady = base + i64::try_from((self.now - since) * self.rate()).unwrap_or(i64::MAX / 4);
        if wall > steady {
            self.proxy_base = (wall, self.now);
        }
        let journal = Timestamp::from_millis(wall.max(steady));
        Now { journal, real: Duration::from_millis(self.now) }
    }

    fn moment(&self, page: usize) -> Moment {
        let page = &self.pages[page];
        let now = i64::try_from(self.now).unwrap_or(i64::MAX / 4);
        // While it stands still nobody asks; what a clock counts begins with more than it can miss.
        let monotonic = self.now.max(page.stands_until) - page.missed;
        Moment::new(monotonic, BEGIN + now + page.wall)
    }

    /// How long a span of the journal's time takes for real, rounded up.
    fn real(&self, span: Duration) -> u64 {
        u64::try_from(span.as_millis()).unwrap_or(u64::MAX).div_ceil(self.rate())
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if self.tracing {
            let seconds = self.now * self.rate();
            let text = line();
            self.trace.push(format!("{:>9.3} s  {text}", seconds as f64 / 1_000.0));
        }
    }

    // ---- what happens ------------------------------------------------------------------------------------------------

    /// False if it was about something that is no more.
    fn happens(&mut self, event: Event) -> bool {
        match event {
            Event::Step(place) => {
                if self.calm {
                    return false;
                }
                let schedule = self.schedule;
                let (_, step) = &schedule.steps[place];
                self.note(|| format!("{step:?}"));
                self.take(place, step, 0);
            }
            Event::Press(place, times) => {
                let schedule = self.schedule;
                let (_, step) = &schedule.steps[place];
                self.take(place, step, times);
            }
            Event::Tick => {
                if self.tick_at > self.now || self.board.is_none() {
                    return false;
                }
                self.tick_at = u64::MAX;
                let now = self.instant();
                self.with_board(|board| board.tick(now));
            }
            Event::Net(place) => return self.brought(place),
            Event::Deliver(page) => return self.deliver(page),
            Event::Wake(page, at) => {
                let own = &mut self.pages[page];
                if own.queued == at {
                    own.queued = u64::MAX;
                }
                if own.wake_at != at || self.is_silent(page) || self.pages[page].client.is_none() {
                    return false;
                }
                self.poll(page);
            }
            Event::Arrive(place) => return self.arrive(place),
            Event::Back(place) => return self.back(place),
            Event::Rouse(page) => {
                if self.is_silent(page) || self.pages[page].client.is_none() {
                    return false;
                }
                self.deliver(page);
                for place in std::mem::take(&mut self.pages[page].unheard) {
                    self.back(place);
                }
                self.poll(page);
            }
            Event::Restart(incarnation) => {
                if self.board.is_some() || incarnation != self.incarnation {
                    return false;
                }
                self.start_proxy();
            }
            Event::DiskFree => {
                self.disk.open().full = false;
                // What was not taken is posted again after a while.
                for page in &mut self.pages {
                    page.waits_until = page.waits_until.max(self.now + 2_000);
                }
            }
            Event::Notices => {
                if self.notices_at > self.now {
                    return false;
                }
                self.notices_at = u64::MAX;
                return self.notices();
            }
            Event::Calm => self.calm_down(),
            Event::Judged => {
                self.judge_at_rest();
                self.judge.holds(Invariant::Rests, true, String::new);
                self.done = true;
            }
        }
        true
    }

    /// Shows the judge what is new.
    fn look(&mut self) {
        let platter = self.disk.open();
        if platter.lines.len() > self.seen && self.moments.last() != Some(&self.now) {
            self.moments.push(self.now);
        }
        while let Some(line) = platter.lines.get(self.seen) {
            self.seen += 1;
            if self.tracing {
                let seconds = self.now * u64::from(self.schedule.world.rate);
                let text = short(line);
                self.trace.push(format!("{:>9.3} s    {text}", seconds as f64 / 1_000.0));
            }
            let objection = self.model.objection(&line.recording, &line.entry, self.ahead);
            if matches!(line.entry.fact, rules::Fact::CallSent(_) | rules::Fact::Decided(_)) {
                self.judge
                    .holds(Invariant::ModelAgrees, objection.is_none(), || objection.unwrap_or_default());
            }
            self.model.take(&line.recording, &line.entry);
            self.judge.line(line);
            if line.entry.number == 1 && !self.recordings.contains(&line.recording) {
                self.recordings.push(line.recording.clone());
            }
            if !self.touched.contains(&line.recording) {
                self.touched.push(line.recording.clone());
            }
        }
        drop(platter);
        let now = if self.touched.is_empty() { None } else { Some(self.instant()) };
        if let (Some(board), Some(now)) = (&self.board, now) {
            let journal = board.journal_now(now);
            let time = Timestamp::from_millis(
                BEGIN + i64::try_from(self.now * u64::from(self.schedule.world.rate)).unwrap_or(i64::MAX / 4),
            );
            for id in self.touched.drain(..) {
                if let Some(recording) = board.recording(&id) {
                    self.judge.folded(recording, &mut self.service, time);
                    let known = board.board(APP);
                    let difference = known.and_then(|known| self.model.difference(recording, known, journal));
                    self.judge.holds(Invariant::ModelAgrees, difference.is_none(), || {
                        difference.unwrap_or_default()
                    });
                }
            }
        }
    }

    // ---- the proxy ---------------------------------------------------------------------------------------------------

    fn start_proxy(&mut self) {
        {
            let mut platter = self.disk.open();
            platter.cut = false;
            let newest = platter.lines.last().map_or(BEGIN, |line| line.entry.at.millis());
            let wall = BEGIN + self.millis() + self.proxy_clock;
            self.proxy_base = (wall.max(newest), self.now);
        }
        let now = self.instant();
        let config = desk::config(&self.schedule.world);
        match Switchboard::open(config, Box::new(self.disk.clone()), Box::new(Bodies), now) {
            Ok(board) if board.unwritten().is_none() => {
                self.board = Some(board);
                self.note(|| "the proxy runs".to_owned());
                self.touched = self.recordings.clone();
                self.after_board();
            }
            // A full disk: it holds what it closed, and the judge reads what is durable. It is started again.
            Ok(_) | Err(_) => {
                let incarnation = self.incarnation;
                self.schedule_event(self.now + 1_000, Event::Restart(incarnation));
            }
        }
    }

    fn kill(&mut self, down: u64) {
        if self.board.take().is_none() {
            return;
        }
        self.note(|| format!("the proxy is killed for {down} ms"));
        self.incarnation += 1;
        self.tick_at = u64::MAX;
        self.brought.clear();
        self.judge.disturbed();
        for page in 0..self.pages.len() {
            self.drop_socket(page, Some(1006));
        }
        let incarnation = self.incarnation;
        self.schedule_event(self.now + down, Event::Restart(incarnation));
    }

    fn with_board<T>(&mut self, work: impl FnOnce(&mut Switchboard) -> T) -> Option<T> {
        let done = work(self.board.as_mut()?);
        self.after_board();
        Some(done)
    }

    /// Does what the proxy wants done; nothing of it if it was killed in the middle.
    fn after_board(&mut self) {
        if self.disk.open().cut {
            let down = self.cut_down;
            self.kill(down);
            self.look();
            return;
        }
        while let Some(output) = self.board.as_mut().and_then(Switchboard::poll_output) {
            match output {
                Output::ToClient { client, message, .. } => {
                    let now = self.now;
                    let Some(place) = self.pages.iter().position(|page| page.number == Some(client)) else {
                        continue;
                    };
                    let page = &mut self.pages[place];
                    let at = (now + latency(page, DOWN)).max(page.last_arrival);
                    page.last_arrival = at;
                    page.inbox.push_back((at, message));
                    self.schedule_event(at, Event::Deliver(place));
                }
                Output::Send(outgoing) => self.send(*outgoing),
            }
        }
        self.schedule_tick();
    }

    fn schedule_tick(&mut self) {
        let now = self.instant();
        let Some(board) = &self.board else { return };
        let due = board.next_due(now);
        let millis = u64::try_from(due.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let at = self.now + millis.clamp(1, 3_600_000);
        if at < self.tick_at {
            self.tick_at = at;
            self.schedule_event(at, Event::Tick);
        }
    }

    fn send(&mut self, outgoing: switchboard::Outgoing) {
        // The line of it is durable: the judge sees it first.
        self.look();
        let known = self.judge.was_sent(&outgoing.call.0);
        self.judge.leaves(&outgoing.call.0, known);
        let domain = match outgoing.request.host.as_str() {
            "api.agora.io" => Domain::Primary,
            "api.sd-rtn.com" => Domain::Secondary,
            _ => Domain::Region,
        };
        let incoming = Incoming {
            domain,
            host: outgoing.request.host,
            method: if outgoing.get { "GET" } else { "POST" }.to_owned(),
            target: outgoing.request.path,
            authorization: Some(AUTHORIZATION.to_owned()),
            content_type: Some(agora::request::CONTENT_TYPE.to_owned()),
            body: outgoing.request.body,
        };
        let time = self.time();
        let handled = self.service.handle(time, &incoming);
        let call = outgoing.call;
        if handled.outcome != Outcome::Refused {
            self.requests += 1;
            self.judge.request(&mut self.service, time);
        }
        let at = self.now + self.real(handled.at.since(time)).max(1);
        let given_up = self.now + self.real(outgoing.wait);
        let listened = given_up + self.real(LISTEN_LONGER);
        match handled.outcome {
            Outcome::Answered(reply) => {
                if at > given_up {
                    self.bring(given_up, Brought::Unanswered(call.clone(), UnansweredCause::Timeout));
                }
                if at <= listened {
                    let sid = self.sid_of(&call, reply.status, &reply.body);
                    let answered = Brought::Answered {
                        call: call.clone(),
                        status: reply.status,
                        retry_after: reply.retry_after_s.map(|seconds| seconds.to_string()),
                        body: reply.body,
                        sid,
                    };
                    self.bring(at, answered);
                }
                self.bring(at.min(listened), Brought::Finished(call));
            }
            Outcome::Closed => {
                let cause = if at > given_up { UnansweredCause::Timeout } else { UnansweredCause::Reset };
                self.bring(at.min(given_up), Brought::Unanswered(call.clone(), cause));
                self.bring(at.min(given_up), Brought::Finished(call));
            }
            Outcome::Refused => {
                self.bring(self.now + 1, Brought::Unanswered(call.clone(), UnansweredCause::Refused));
                self.bring(self.now + 1, Brought::Finished(call));
            }
        }
    }

    /// The `sid` that an answer to a start really carries.
    fn sid_of(&self, call: &CallId, status: u16, body: &[u8]) -> Option<(RecordingId, String)> {
        if !call.0.ends_with(":start") || !matches!(status, 200 | 201) {
            return None;
        }
        let text = core::str::from_utf8(body).ok()?;
        let (_, rest) = text.split_once("\"sid\":\"")?;
        let (sid, _) = rest.split_once('"')?;
        let id = RecordingId::parse(call.0.split(':').next()?)?;
        let open = self.judge.histories.get(&id)?;
        let known = open.sessions.iter().any(|session| session.sid.is_some() && session.start.open.is_some());
        (!known && text.ends_with('}')).then(|| (id, sid.to_owned()))
    }

    // ---- notifications ---------------------------------------------------------------------------------------------

    /// Wakes when the next one is due, if there is a webhook.
    fn watch_notices(&mut self) {
        if self.schedule.world.webhook.is_none() {
            return;
        }
        if let Some(due) = self.service.next_delivery() {
            let since = due.since(Timestamp::from_millis(BEGIN));
            let at = self.real(since).max(self.now);
            if at < self.notices_at {
                self.notices_at = at;
                self.schedule_event(at, Event::Notices);
            }
        }
    }

    /// What is due is posted, all of it at once.
    fn notices(&mut self) -> bool {
        let time = self.time();
        let due = self.service.deliveries(time);
        if due.is_empty() {
            return false;
        }
        let numbers: Vec<u64> = due.iter().map(|delivery| delivery.number).collect();
        let outcome = self.receive(due.into_iter().map(|delivery| delivery.body).collect(), true);
        for number in numbers {
            self.service.delivered(time, number, outcome);
        }
        true
    }

    /// The proxy is handed bodies that its shell found to be signed well.
    fn receive(&mut self, bodies: Vec<Vec<u8>>, ours: bool) -> Delivered {
        let read = |body: &Vec<u8>| Notification::read(body);
        let deliveries: Vec<Delivery> = bodies
            .iter()
            .map(|body| Delivery { app: APP.to_owned(), read: read(body), body: body.clone() })
            .collect();
        let ids: Vec<(String, u64)> = deliveries
            .iter()
            .filter_map(|delivery| delivery.read.as_ref().ok())
            .map(|read| (read.notice.clone(), u64::from(u32::from(read.event))))
            .collect();
        if self.board.is_some() {
            self.note(|| format!("notifications {ids:?}"));
        }
        let now = self.instant();
        match self.with_board(|board| board.notified(deliveries, now)) {
            Some(Ok(receipts)) if self.board.is_some() => {
                self.look();
                let platter = self.disk.clone();
                let platter = platter.open();
                for ((notice, _), receipt) in ids.iter().zip(receipts) {
                    self.judge.thanked(notice, receipt, ours, || platter.has_notice(notice));
                }
                Delivered::Answered(200)
            }
            Some(Err(_)) if self.board.is_some() => Delivered::Answered(503),
            _ => Delivered::Unanswered,
        }
    }

    /// A notification about a session that somebody else started in one of our channels.
    fn notice_of_others(&mut self, channel: u64, event: u16) {
        self.of_others += 1;
        let (number, channel, sent) = (self.of_others, self.channel(channel), self.time().millis());
        let body = format!(
            r#"{{"noticeId":"others:{number}:{event}","productId":3,"eventType":{event},"notifyMs":{sent},"payload":{{"cname":"{channel}","uid":"77{number}","sid":"{FOREIGN}{number:04}","sequence":1,"sendts":{sent},"serviceType":0,"details":{{"msgName":"other","leaveCode":4,"newUid":5}}}}}}"#
        );
        self.receive(vec![body.into_bytes()], false);
    }

    fn bring(&mut self, at: u64, brought: Brought) {
        let place = self.brought.len();
        self.brought.push(Some(brought));
        self.schedule_event(at, Event::Net(place));
    }

    fn brought(&mut self, place: usize) -> bool {
        let Some(brought) = self.brought.get_mut(place).and_then(Option::take) else { return false };
        let now = self.instant();
        match brought {
            Brought::Answered { call, status, retry_after, body, sid } => {
                let incarnation = self.incarnation;
                self.with_board(|board| board.answered(&call, status, retry_after.as_deref(), &body, now));
                self.look();
                let writable = !self.disk.open().full && self.incarnation == incarnation;
                let owed = self.board.as_mut().is_none_or(|board| board.writable().is_err());
                if let (Some((id, sid)), true, false) = (sid, writable, owed) {
                    self.judge.delivered(&id, &sid);
                }
            }
            Brought::Unanswered(call, cause) => {
                self.with_board(|board| board.unanswered(&call, cause, now));
            }
            Brought::Finished(call) => {
                self.with_board(|board| board.finished(&call));
            }
        }
        true
    }

    // ---- pages -------------------------------------------------------------------------------------------------------

    fn is_silent(&self, page: usize) -> bool {
        self.pages[page].silent_until > self.now
    }

    fn drop_socket(&mut self, page: usize, code: Option<u16>) {
        let moment = self.moment(page);
        let own = &mut self.pages[page];
        if own.number.take().is_none() {
            return;
        }
        own.inbox.clear();
        own.connection += 1;
        let chance = u32::try_from(own.chance.draw() >> 32).unwrap_or(0);
        if let Some(client) = &mut own.client {
            client.closed(moment, code, chance);
            self.poll_soon(page);
        }
    }

    fn poll_soon(&mut self, page: usize) {
        let now = self.now;
        self.pages[page].wake_at = now;
        self.schedule_event(now, Event::Wake(page, now));
    }

    fn deliver(&mut self, page: usize) -> bool {
        if self.is_silent(page) {
            return false;
        }
        let mut any = false;
        while self.pages[page].inbox.front().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, message)) = self.pages[page].inbox.pop_front() else { break };
            any = true;
            let moment = self.moment(page);
            if let Some(client) = &mut self.pages[page].client {
                client.received(message.get(), moment);
                self.poll(page);
            }
        }
        any
    }

    fn poll(&mut self, page: usize) {
        let moment = self.moment(page);
        self.pages[page].wake_at = u64::MAX;
        let Some(client) = &mut self.pages[page].client else { return };
        for action in client.poll(moment) {
            match action {
                Action::Connect { after, journal } => self.connect(page, journal.zip(after)),
                Action::CloseSocket => {
                    if let Some(number) = self.pages[page].number {
                        let now = self.instant();
                        self.with_board(|board| board.gone(number, now));
                    }
                    if self.pages[page].number.is_some() {
                        self.drop_socket(page, None);
                    }
                }
                Action::Send(message) => {
                    if let Some(number) = self.pages[page].number {
                        let now = self.instant();
                        self.with_board(|board| match message {
                            FromClient::Beat(_) => board.beat(number, now),
                            FromClient::Resync => board.resync(number, now),
                        });
                    }
                }
                Action::Post { id, request } => self.post(page, id, request),
                Action::WakeAt(at) => {
                    let now = self.now;
                    let own = &mut self.pages[page];
                    // A browser's seconds are not the proxy's.
                    let phase = if own.granularity > 1 { 3 } else { 0 };
                    let at = (at + own.missed).max(now).next_multiple_of(own.granularity.max(1)) + phase;
                    own.wake_at = at;
                    if own.queued != at {
                        own.queued = at;
                        self.schedule_event(at, Event::Wake(page, at));
                    }
                }
            }
        }
    }

    fn connect(&mut self, page: usize, resume: Option<(String, u64)>) {
        let moment = self.moment(page);
        let now = self.instant();
        let own = &mut self.pages[page];
        own.connection += 1;
        let secret = format!("secret-{page}-{}", own.connection);
        let chance = u32::try_from(own.chance.draw() >> 32).unwrap_or(0);
        let arrival = Arrival {
            person: own.person.clone(),
            operates: own.operates,
            attendant: own.attendant,
            secret,
            resume,
        };
        let Some(board) = self.board.as_mut() else {
            if let Some(client) = &mut self.pages[page].client {
                client.closed(moment, Some(1006), chance);
            }
            self.poll_soon(page);
            return;
        };
        let number = board.connected(arrival, now);
        let own = &mut self.pages[page];
        own.number = Some(number);
        own.last_arrival = self.now;
        if let Some(client) = &mut own.client {
            client.connected(moment);
        }
        self.after_board();
        self.poll_soon(page);
    }

    fn post(&mut self, page: usize, id: PostId, request: Request) {
        let own = &mut self.pages[page];
        let Some(number) = own.number else { return };
        let (arrives, heard) = match &mut own.posts_lost {
            Some((arrive, times)) if *times > 0 => {
                *times -= 1;
                own.waits_until = self.now + POST_GIVEN_UP + 2_000;
                (*arrive, false)
            }
            _ => (true, true),
        };
        let at = self.now + latency(own, UP);
        let (connection, tab) = (own.connection, own.tab);
        let secret = format!("secret-{page}-{connection}");
        let post = Post { page, tab, number, secret, id, request, heard, outcome: None };
        let place = self.posts.len();
        self.posts.push(Some(post));
        if arrives {
            self.schedule_event(at, Event::Arrive(place));
        }
        if !heard {
            if !arrives && let Some(post) = &mut self.posts[place] {
                post.outcome = Some(PostOutcome::Unreachable);
            }
            self.schedule_event(self.now + POST_GIVEN_UP, Event::Back(place));
        }
    }

    fn arrive(&mut self, place: usize) -> bool {
        let Some(post) = self.posts[place].as_ref() else { return false };
        let actor = Actor {
            person: self.pages[post.page].person.clone(),
            client: Some((post.number, post.secret.clone())),
        };
        let (request, post_page) = (post.request.clone(), post.page);
        let now = self.instant();
        let answer = self.with_board(|board| match &request {
            Request::Claim(claim) => board.claimed(&actor, claim, now).map(drop),
            Request::Call(id, call) => board.call_posted(&actor, id, call.clone(), now).map(drop),
            Request::Decision(id, decision) => {
                board.decision_posted(&actor, id, decision.clone(), now).map(drop)
            }
        });
        let outcome = match answer {
            None => PostOutcome::Unreachable,
            Some(_) if self.board.is_none() => PostOutcome::Unreachable,
            Some(Ok(())) => {
                self.judge.holds(Invariant::NoUselessPost, true, String::new);
                PostOutcome::Accepted
            }
            Some(Err(problem)) if problem.status >= 500 => PostOutcome::Unreachable,
            Some(Err(problem)) => {
                // Something came in between that the page had not seen, whether it concerned this session or not.
                let seen = match &request {
                    Request::Call(id, call) => Some((id, call.after)),
                    Request::Decision(id, decision) => Some((id, decision.after)),
                    Request::Claim(_) => None,
                };
                let news = seen.is_some_and(|(id, after)| {
                    self.recording(id).is_some_and(|recording| recording.last > after)
                });
                let overtaken = news || matches!(problem.kind.as_str(), "stale" | "no_lease");
                // A page whose estimate of the server's time is ahead may be refused for a moment.
                let ahead =
                    self.schedule.steps.iter().any(|(_, step)| matches!(step, Step::ProxyClock { .. }));
                // A resource ID grows too old on its way.
                let aged = problem.rule == Some(RuleId::S2);
                // Another recording of the channel was quicker, or control ended meanwhile.
                let out_of_control = match &request {
                    Request::Decision(id, decision) => decision
                        .kind
                        .session()
                        .is_some_and(|session| self.is_out_of_control(id, session, now)),
                    _ => false,
                };
                let outrun = out_of_control
                    || matches!(problem.rule, Some(RuleId::S10 | RuleId::S11 | RuleId::T6))
                    // The quarter of an hour was over when a slow page's word arrived.
                    || (problem.rule == Some(RuleId::R3) && self.is_behind(post_page, now));
                let moment = self.moment(post_page);
                let page_time = self.pages[post_page].client.as_ref().and_then(|client| client.now(moment));
                let proxy_time = self.board.as_ref().map(|board| board.journal_now(now));
                self.judge.holds(Invariant::NoUselessPost, overtaken || ahead || aged || outrun, || {
                    format!(
                        "{request:?} is refused: {} ({:?}); the page's time is {page_time:?}, the proxy's {proxy_time:?}",
                        problem.title, problem.rule
                    )
                });
                PostOutcome::Refused(problem)
            }
        };
        let Some(post) = self.posts[place].as_mut() else { return true };
        post.outcome = Some(outcome);
        if post.heard {
            let at = self.now + latency(&mut self.pages[post.page], BACK);
            self.schedule_event(at, Event::Back(place));
        }
        true
    }

    fn back(&mut self, place: usize) -> bool {
        let Some(post) = self.posts[place].take() else { return false };
        if self.is_silent(post.page) {
            self.pages[post.page].unheard.push(place);
            self.posts[place] = Some(post);
            return false;
        }
        let moment = self.moment(post.page);
        let outcome = if post.heard {
            post.outcome.unwrap_or(PostOutcome::Unreachable)
        } else {
            PostOutcome::Unreachable
        };
        let own = &mut self.pages[post.page];
        // A page that was closed meanwhile hears nothing; the posts of an earlier connection still come back.
        let same_tab = post.tab == own.tab;
        let Some(client) = own.client.as_mut().filter(|_| same_tab) else { return false };
        client.answered(post.id, outcome, moment);
        self.poll(post.page);
        true
    }

    // ---- steps -------------------------------------------------------------------------------------------------------

    fn channel(&self, number: u64) -> String {
        format!("lesson-{number}")
    }

    fn which(&self, which: u64) -> Option<RecordingId> {
        let count = u64::try_from(self.recordings.len()).unwrap_or(0);
        let place = usize::try_from(which.checked_rem(count)?).ok()?;
        // The newest first: a press is mostly about what is new.
        self.recordings.iter().rev().nth(place).cloned()
    }

    fn actor(&self, page: usize) -> Actor {
        let own = &self.pages[page];
        let client = own.number.map(|number| (number, format!("secret-{page}-{}", own.connection)));
        Actor { person: own.person.clone(), client }
    }

    /// Whether somebody presses again: the press was not taken, because nobody answered.
    fn press_again(&mut self, place: usize, times: u32) {
        if times < 30 {
            self.schedule_event(self.now + PRESSED_AGAIN, Event::Press(place, times + 1));
        }
    }

    fn take(&mut self, place: usize, step: &Step, times: u32) {
        match step {
            Step::Ask { page, channel, beside, again } => {
                self.ask(place, times, *page, *channel, *beside, *again)
            }
            Step::Stop { page, which, undo_ms } => {
                let Some(id) = self.which(*which) else { return };
                let calls = self.calls_of_press(*page, &id, None);
                let stop = Command::Stop {
                    session: None,
                    undo: Duration::from_millis(*undo_ms),
                    calls,
                    reason: String::new(),
                };
                if !self.command(*page, &id, &stop) {
                    self.press_again(place, times);
                } else if self.attended() {
                    self.look();
                    let now = self.instant().journal;
                    self.judge.stop_pressed(&id, now);
                }
            }
            Step::StopSession { page, which, session } => {
                let Some(id) = self.which(*which) else { return };
                let sessions: Vec<_> = self
                    .board
                    .as_ref()
                    .and_then(|board| board.recording(&id))
                    .map(|recording| recording.sessions.iter().map(|session| session.number).collect())
                    .unwrap_or_default();
                let count = u64::try_from(sessions.len()).unwrap_or(0);
                let Some(nth) = session.checked_rem(count).and_then(|nth| usize::try_from(nth).ok()) else {
                    return;
                };
                let session = Some(sessions[nth]);
                let calls = self.calls_of_press(*page, &id, session);
                let stop = Command::Stop { session, undo: Duration::ZERO, calls, reason: String::new() };
                self.command(*page, &id, &stop);
            }
            Step::Withdraw { page, which } => self.say(*page, *which, &Command::WithdrawStop),
            Step::Hurry { page, which } => self.say(*page, *which, &Command::Hurry),
            Step::TryAgain { page, which } => self.say(*page, *which, &Command::TryAgain),
            Step::Policy { page, which, policy } => {
                self.say(*page, *which, &Command::ChangePolicy(POLICIES[*policy % 3].0.to_owned()));
            }
            Step::Acknowledge { page, which } => {
                let Some(id) = self.which(*which) else { return };
                let alarms: Vec<_> = self
                    .recording(&id)
                    .map(|recording| recording.open_alarms().map(|alarm| alarm.entry).collect())
                    .unwrap_or_default();
                for alarm in alarms {
                    self.command(*page, &id, &Command::Acknowledge(alarm));
                }
            }
            Step::Dismiss { page, which } => {
                let Some(id) = self.which(*which) else { return };
                let orphan = self
                    .recording(&id)
                    .and_then(|recording| recording.sessions.iter().find(|session| session.is_orphan()))
                    .map(|session| session.number);
                if let Some(session) = orphan {
                    let reason = "looked at the bucket".to_owned();
                    self.command(*page, &id, &Command::Dismiss { session, reason });
                }
            }
            Step::Publishers { channel, count } => {
                let (time, channel) = (self.time(), self.channel(*channel));
                self.service.set_publishers(time, &channel, *count);
            }
            Step::Answer { operation, status, code, carried_out, times, retry_after } => {
                self.fault(FaultKind::Answer {
                    calls: Calls { operation: *operation, times: *times, ..Calls::default() },
                    status: *status,
                    code: *code,
                    reason: None,
                    body: None,
                    retry_after_s: *retry_after,
                    carried_out: *carried_out,
                });
            }
            Step::Strange { operation, status, body, carried_out, times } => {
                self.fault(FaultKind::Answer {
                    calls: Calls { operation: *operation, times: *times, ..Calls::default() },
                    status: *status,
                    code: None,
                    reason: None,
                    body: Some(*body),
                    retry_after_s: None,
                    carried_out: *carried_out,
                });
            }
            Step::Delay { operation, millis, times } => {
                let calls = Calls { operation: *operation, times: *times, ..Calls::default() };
                self.fault(FaultKind::Delay { calls, delay_ms: *millis });
            }
            Step::AnswerLost { operation, times } => {
                let calls = Calls { operation: *operation, times: *times, ..Calls::default() };
                self.fault(FaultKind::AnswerLost { calls });
            }
            Step::RequestLost { operation, times } => {
                let calls = Calls { operation: *operation, times: *times, ..Calls::default() };
                self.fault(FaultKind::RequestLost { calls });
            }
            Step::Down { domain, manner, millis } => {
                self.fault(FaultKind::DomainDown { domain: *domain, for_ms: Some(*millis), manner: *manner });
            }
            Step::NoticesLost { event, times } => {
                self.fault(FaultKind::NotificationLost { notices: of_notices(*event, *times) });
            }
            Step::NoticesLate { event, millis, times } => {
                let notices = of_notices(*event, *times);
                self.fault(FaultKind::NotificationLate { notices, delay_ms: *millis });
            }
            Step::NoticesTwice { event, times } => {
                self.fault(FaultKind::NotificationTwice { notices: of_notices(*event, *times) });
            }
            Step::NoticeOfOthers { channel, event, times } => {
                for _ in 0..*times {
                    self.notice_of_others(*channel, *event);
                }
            }
            Step::ServerKilled { channel, resumes } => {
                let target = Target { sid: None, cname: Some(self.channel(*channel)) };
                self.fault(FaultKind::Kill { target, resumes_after_ms: *resumes });
            }
            Step::ServerCut { channel, resumes } => {
                let target = Target { sid: None, cname: Some(self.channel(*channel)) };
                self.fault(FaultKind::Disconnect { target, resumes_after_ms: *resumes });
            }
            Step::SessionEnds { channel } => {
                let target = Target { sid: None, cname: Some(self.channel(*channel)) };
                self.fault(FaultKind::End { target });
            }
            _ => self.break_desk(step),
        }
    }

    /// Faults of pages, network and proxy.
    fn break_desk(&mut self, step: &Step) {
        self.judge.disturbed();
        let now = self.instant();
        match step {
            Step::Close { page } => {
                let own = &mut self.pages[*page];
                own.client = None;
                own.tab += 1;
                own.inbox.clear();
                if let Some(number) = own.number.take() {
                    own.connection += 1;
                    self.with_board(|board| board.gone(number, now));
                }
            }
            Step::Open { page } => self.open(*page),
            Step::Sleep { page, millis, ticking } => {
                let own = &mut self.pages[*page];
                own.silent_until = own.silent_until.max(self.now + millis);
                if !ticking {
                    // What its clock did not count has passed when it wakes.
                    let until = own.stands_until.max(self.now + millis);
                    own.missed += until - own.stands_until.max(self.now);
                    own.stands_until = until;
                }
                let at = own.silent_until;
                self.schedule_event(at, Event::Rouse(*page));
            }
            Step::Mute { page, millis } => {
                let own = &mut self.pages[*page];
                own.silent_until = own.silent_until.max(self.now + millis);
                let at = own.silent_until;
                self.schedule_event(at, Event::Rouse(*page));
            }
            Step::Throttle { page, granularity } => {
                let shown = *granularity < self.pages[*page].granularity;
                self.pages[*page].granularity = *granularity;
                // A page that is shown again has its overdue timers fire at once.
                if shown && self.pages[*page].client.is_some() {
                    self.poll_soon(*page);
                }
            }
            Step::Cut { page } => {
                if let Some(number) = self.pages[*page].number {
                    self.with_board(|board| board.gone(number, now));
                    self.drop_socket(*page, Some(1006));
                }
            }
            Step::WallClock { page, by } => self.pages[*page].wall += by,
            Step::Slow { page, millis } => {
                let own = &mut self.pages[*page];
                own.latency = *millis;
                own.waits_until = own.waits_until.max(self.now + BACK_AGAIN);
            }
            Step::PostsLost { page, arrive, times } => self.pages[*page].posts_lost = Some((*arrive, *times)),
            Step::Kill { down } => self.kill(*down),
            Step::KillAtWrite { writes, durable, down } => {
                self.cut_down = *down;
                self.disk.open().fuse = Some((*writes, *durable));
            }
            Step::DiskFull { millis } => {
                self.disk.open().full = true;
                self.schedule_event(self.now + millis, Event::DiskFree);
            }
            Step::ProxyClock { by } => {
                self.proxy_clock += by;
                self.clock_set_at = self.now;
            }
            _ => {}
        }
    }

    fn open(&mut self, page: usize) {
        let own = &mut self.pages[page];
        if own.client.is_none() {
            own.client = Some(Client::new());
            own.connection += 1;
            own.granularity = 1;
            self.poll_soon(page);
        }
    }

    fn fault(&mut self, kind: FaultKind) {
        let time = self.time();
        // One whose session does not run breaks nothing.
        let _ = self.service.add_faults(time, vec![Fault::from(kind)]);
    }

    /// Whether the page's time is more than a second of real time behind the proxy's.
    fn is_behind(&self, page: usize, now: Now) -> bool {
        let page = self.pages[page].client.as_ref().and_then(|client| client.now(self.moment(page)));
        let proxy = self.board.as_ref().map(|board| board.journal_now(now));
        page.zip(proxy).is_some_and(|(page, proxy)| {
            proxy.since(page) > Duration::from_secs(1) * self.schedule.world.rate
        })
    }

    fn is_out_of_control(&self, id: &RecordingId, session: SessionNumber, now: Now) -> bool {
        self.recording(id).is_some_and(|recording| {
            let session = recording.session(session);
            let ends = session.and_then(|session| session.control_ends(recording.control_hours));
            ends.is_some_and(|ends| now.journal >= ends)
        })
    }

    fn recording(&self, id: &RecordingId) -> Option<&Recording> {
        self.board.as_ref()?.recording(id)
    }

    fn ask(&mut self, place: usize, times: u32, page: usize, channel: u64, beside: bool, again: bool) {
        if self.pages[page].client.is_none() {
            return;
        }
        let world = &self.schedule.world;
        let mut settings =
            RecordingSettings { resource_expired_hours: world.control_hours, ..RecordingSettings::default() };
        settings.recording_config.max_idle_time = world.idle_seconds;
        let ask = RequestRecording {
            app: APP.to_owned(),
            channel: ChannelName::parse(self.channel(channel)).expect("letters and digits are a channel"),
            uids: None,
            storage: "archive".to_owned(),
            settings,
            policy: Some(POLICIES[world.policy % 3].0.to_owned()),
            beside,
            assured: false,
        };
        let vigilant = world.webhook.as_ref().is_some_and(|webhook| webhook.vigilant) && !self.plain[place];
        let ask = if vigilant { RequestRecording { policy: Some(VIGILANT.to_owned()), ..ask } } else { ask };
        self.keys += 1;
        let number = self.keys;
        let entropy = core::array::from_fn(|byte| {
            let shift = 5 * u32::try_from(byte % 12).unwrap_or(0);
            u8::try_from((number >> shift) & 31).unwrap_or(0)
        });
        let key = format!("key-{place}");
        let (actor, now) = (self.actor(page), self.instant());
        let answer = self.with_board(|board| board.asked(&actor, &key, &ask, entropy, now));
        match answer {
            Some(Ok(asked)) if self.board.is_some() => {
                self.look();
                let before = self.asked[place].replace(asked.recording.clone());
                if let Some(before) = before {
                    self.judge.holds(Invariant::OnePress, before == asked.recording, || {
                        format!("one press became {before} and {}", asked.recording)
                    });
                }
                if again && times == 0 {
                    self.schedule_event(self.now + 700, Event::Press(place, 100));
                }
            }
            Some(Err(problem)) if vigilant && problem.rule == Some(RuleId::V4) => {
                // It is asked for with another policy then.
                self.plain[place] = true;
                self.ask(place, times, page, channel, beside, again);
            }
            Some(Err(problem)) if problem.status < 500 => {}
            _ => self.press_again(place, times),
        }
    }

    fn say(&mut self, page: usize, which: u64, command: &Command) {
        if let Some(id) = self.which(which) {
            self.command(page, &id, command);
        }
    }

    /// Whether it was heard, whatever was answered.
    fn command(&mut self, page: usize, id: &RecordingId, command: &Command) -> bool {
        if self.pages[page].client.is_none() {
            return true;
        }
        let (actor, now) = (self.actor(page), self.instant());
        let answer = self.with_board(|board| board.commanded(&actor, id, command, now));
        match answer {
            Some(Ok(_)) => self.board.is_some(),
            Some(Err(problem)) => problem.status < 500,
            None => false,
        }
    }

    /// The stops that a page sends along with the press, by what it knows.
    fn calls_of_press(&self, page: usize, id: &RecordingId, session: Option<SessionNumber>) -> Vec<Call> {
        let Some(client) = &self.pages[page].client else { return Vec::new() };
        let Some(recording) = client.recordings().get(id) else { return Vec::new() };
        let Some(board) = client.boards().get(&recording.app) else { return Vec::new() };
        let Some(now) = client.now(self.moment(page)) else { return Vec::new() };
        rules::stop::calls_of_press(recording, board, session, now)
    }

    /// Whether every page is there, awake and quick, and the proxy runs.
    fn attended(&self) -> bool {
        let well = |page: &Page| {
            page.client.is_some()
                && page.number.is_some()
                // Who was away has its leases again after a while.
                && page.silent_until + BACK_AGAIN <= self.now.max(BACK_AGAIN)
                && page.waits_until <= self.now
                && page.granularity <= 1
                && page.posts_lost.is_none_or(|(_, times)| times == 0)
                && page.latency <= self.schedule.world.latency
        };
        let platter = self.disk.open();
        let live = |(place, page): (usize, &Page)| {
            page.client
                .as_ref()
                .is_some_and(|client| client.now(self.moment(place)).is_some() && client.complete())
        };
        self.board.is_some()
            // A clock that was just set is known with the next heartbeat.
            && self.now >= self.clock_set_at + 2_000
            && !platter.full
            && platter.fuse.is_none()
            && self.pages.iter().all(well)
            && self.pages.iter().enumerate().all(live)
    }

    // ---- at rest -----------------------------------------------------------------------------------------------------

    fn calm_down(&mut self) {
        if !self.calm {
            self.calm = true;
            self.note(|| "faults are off".to_owned());
            let time = self.time();
            self.service.clear_faults(time);
            for channel in 0..self.schedule.world.channels {
                let channel = self.channel(channel);
                self.service.set_publishers(time, &channel, 2);
            }
            {
                let mut platter = self.disk.open();
                platter.full = false;
                platter.fuse = None;
            }
            if self.board.is_none() {
                self.start_proxy();
            }
            for page in 0..self.pages.len() {
                self.open(page);
                let now = self.now;
                let own = &mut self.pages[page];
                // It wakes before its time.
                own.missed -= own.stands_until.saturating_sub(now);
                own.stands_until = own.stands_until.min(now);
                let moment = self.moment(page);
                let own = &mut self.pages[page];
                own.silent_until = 0;
                own.granularity = 1;
                own.latency = self.schedule.world.latency;
                own.posts_lost = None;
                if let Some(client) = &mut own.client
                    && own.number.is_none()
                {
                    client.reconnect_now(moment);
                }
                own.waits_until = self.now + BACK_AGAIN;
                self.poll_soon(page);
                self.schedule_event(self.now, Event::Rouse(page));
            }
        }
        let time = self.time();
        if self.service.sessions(time).any(|truth| truth.moving) {
            // A move that began before is not over: no rest yet.
            let later = self.now + 10_000 / self.rate() + 1;
            self.schedule_event(later, Event::Calm);
            return;
        }
        let rest = self.now + SETTLE + REST / self.rate();
        self.schedule_event(rest, Event::Judged);
    }

    fn judge_at_rest(&mut self) {
        let time = self.time();
        let rate = self.rate();
        let now = self.instant();
        let Some(board) = &self.board else { return };
        let journal = board.journal_now(now);
        crate::rest::judge(&mut self.judge, board, &mut self.service, &self.disk.open(), journal, time);
        // I-40: what every page shows is what the proxy folded.
        for page in &self.pages {
            let Some(client) = &page.client else { continue };
            self.judge.holds(Invariant::SamePicture, client.complete(), || {
                "a page never got its snapshot".to_owned()
            });
            for (id, shown) in client.recordings() {
                // What was written just now is still on its way.
                let fresh = Duration::from_millis((2_000 + 2 * page.latency) * rate);
                if board.recording(id).is_none_or(|own| journal.since(own.last_at) < fresh) {
                    continue;
                }
                let same = board.recording(id).is_some_and(|own| own == shown);
                self.judge.holds(Invariant::SamePicture, same, || {
                    let own = board.recording(id).map(|own| format!("{own:#?}")).unwrap_or_default();
                    let shown = format!("{shown:#?}");
                    let differ = own.lines().zip(shown.lines()).find(|(own, shown)| own != shown);
                    format!("{id} is not the same on a page: {differ:?}")
                });
            }
        }
    }
}

const fn of_notices(event: Option<u16>, times: u32) -> Notices {
    Notices { event, sid: None, cname: None, times }
}

fn latency(page: &mut Page, way: usize) -> u64 {
    let most = page.latency.max(1);
    1 + page.ways[way].below(most)
}

/// One line of the journal in few words.
fn short(line: &switchboard::ports::Line) -> String {
    use rules::Fact;
    let entry = &line.entry;
    let what = match &entry.fact {
        Fact::Requested(requested) => {
            format!("requested {} {:?}", requested.channel.as_str(), requested.uids)
        }
        Fact::Leased(leased) => format!("leased to client {} ({})", leased.client, leased.holder),
        Fact::CallSent(sent) => format!(
            "{} session {} UID {} by {} try {} to {:?}",
            sent.operation, sent.session, sent.uid, sent.rule, sent.attempt.number, sent.domain
        ),
        Fact::CallAnswered(answered) => {
            let class = format!("{:?}", answered.answer.class);
            let class: String = class.chars().take(60).collect();
            format!("{} answered {} {class}", answered.id.0, answered.answer.status)
        }
        Fact::CallUnanswered(unanswered) => {
            format!("{} not answered: {:?}", unanswered.id.0, unanswered.cause)
        }
        Fact::Repeated(repeated) => format!("{} as before", repeated.id.0),
        Fact::Decided(decision) => {
            format!("{:?} by {} from {:?}", decision.kind, decision.rule, decision.evidence)
        }
        other => {
            let text = format!("{other:?}");
            text.chars().take(100).collect()
        }
    };
    let at = (entry.at.millis() - BEGIN) as f64 / 1_000.0;
    format!("{} #{} at {at:.3} s: {what}", line.recording, entry.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_that_a_fault_names_is_the_one_that_it_meets() {
        let schedule = Schedule::draw(3);
        let report = run(&schedule, false);
        assert!(report.events > 0);
    }
}
