//! The service: takes requests at instants that it is told, and answers as Agora Cloud Recording would.

mod controls;
mod gate;
mod operations;
mod parameters;
mod request;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use agora::limits;
use agora::{Operation, Sid, Timestamp, Uid};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::conditions::{Conditions, ConditionsChange, Page, PageChange, Storage, StorageChange, TokenNeed};
use crate::config::{Config, Range};
use crate::fault::{ActiveFault, Domain, Fault, FaultKind, FaultsAccepted, Manner, Target};
use crate::files::LedgerFile;
use crate::ledger::{Ledger, LedgerRequest, Truth};
use crate::media::{Channel, Publisher};
use crate::notice::{Delivered, Delivery, Fate, Happening, Happenings, Outbox, Sender};
use crate::random::Random;
use crate::session::{ServerFault, Session, World};
use crate::wire::{Handled, Incoming, Outcome};

/// How many requests the ledger keeps.
pub const REQUESTS_MAX: usize = 100_000;
/// How many sessions the ledger keeps; running ones are never dropped.
pub const SESSIONS_MAX: usize = 10_000;
const CHANNELS_MAX: usize = 10_000;
const FAULTS_MAX: usize = 10_000;
const STORAGES_MAX: usize = 10_000;
const PAGES_MAX: usize = 10_000;

/// A simulated Cloud Recording service. It has no clock: every call tells it the time, which never runs backwards.
#[derive(Debug)]
pub struct Service {
    config: Config,
    authorization: String,
    random: Random,
    now: Timestamp,
    /// Sessions by their number; those in `open` have not ended.
    sessions: BTreeMap<u64, Session>,
    numbers: BTreeMap<String, u64>,
    open: BTreeSet<u64>,
    /// When something happens in which session by itself.
    agenda: BTreeSet<(Timestamp, u64)>,
    next_session: u64,
    dropped_sessions: u64,
    resources: BTreeMap<String, Resource>,
    resource_order: VecDeque<String>,
    channels: BTreeMap<String, Channel>,
    /// A channel of which nothing was said.
    unknown_channel: Channel,
    conditions: Conditions,
    storages: BTreeMap<String, Storage>,
    pages: BTreeMap<String, Page>,
    faults: Vec<ActiveFault>,
    next_fault: u64,
    requests: VecDeque<LedgerRequest>,
    next_request: u64,
    /// When the requests of the last second were let through, and for which operation.
    let_through: VecDeque<(Timestamp, Operation)>,
    outbox: Outbox,
}

#[derive(Debug)]
struct Resource {
    cname: String,
    uid: Uid,
    created_at: Timestamp,
    control: Duration,
    scene: u8,
    /// What `start` has to send, where the `acquire` announced it.
    start_parameter: Option<Map<String, Value>>,
    sid: Option<Sid>,
    /// Its start was carried out and answered with code 65.
    not_completed: bool,
}

impl Service {
    /// A service in which nothing has happened yet.
    pub fn new(config: Config, seed: u64) -> Self {
        let pair = format!("{}:{}", config.customer_key, config.customer_secret);
        Self {
            authorization: STANDARD.encode(pair),
            random: Random::new(seed),
            now: Timestamp::from_millis(i64::MIN),
            sessions: BTreeMap::new(),
            numbers: BTreeMap::new(),
            open: BTreeSet::new(),
            agenda: BTreeSet::new(),
            next_session: 1,
            dropped_sessions: 0,
            resources: BTreeMap::new(),
            resource_order: VecDeque::new(),
            channels: BTreeMap::new(),
            unknown_channel: Channel::of(config.publishers),
            conditions: Conditions::default(),
            storages: BTreeMap::new(),
            pages: BTreeMap::new(),
            faults: Vec::new(),
            next_fault: 1,
            requests: VecDeque::new(),
            next_request: 1,
            let_through: VecDeque::new(),
            outbox: Outbox::new(seed),
            config,
        }
    }

    /// Takes a request: one to the service, or one to the simulator's controls (`/simulator/…`, `/healthz`).
    pub fn handle(&mut self, now: Timestamp, request: &Incoming) -> Handled {
        self.advance(now);
        let (path, query) = split_target(&request.target);
        let down = self.domain_down(request.domain);
        if down == Some(Manner::Refuse) {
            return Handled { at: self.now, outcome: Outcome::Refused };
        }
        if path == "/healthz" || path.starts_with("/simulator/") {
            let reply = self.control(&request.method, path, query, &request.body);
            return Handled { at: self.now, outcome: Outcome::Answered(reply) };
        }
        self.handle_call(request, path, down)
    }

    /// Takes a request to the controls from inside the process, whatever the state of the domains.
    pub fn control_of(&mut self, now: Timestamp, request: &Incoming) -> Outcome {
        self.advance(now);
        let (path, query) = split_target(&request.target);
        Outcome::Answered(self.control(&request.method, path, query, &request.body))
    }

    /// The `Authorization` header that the service takes.
    pub(crate) fn authorization_header(&self) -> String {
        format!("Basic {}", self.authorization)
    }

    /// Which domains refuse connections at this time.
    pub fn refuses(&mut self, now: Timestamp, domain: Domain) -> bool {
        self.advance(now);
        self.domain_down(domain) == Some(Manner::Refuse)
    }

    /// The next instant at which a domain may stop or begin to work.
    pub fn next_domain_change(&self) -> Option<Timestamp> {
        let edges =
            self.faults.iter().filter(|fault| matches!(fault.fault.kind, FaultKind::DomainDown { .. }));
        edges.flat_map(|fault| [Some(fault.from), fault.until]).flatten().filter(|at| *at > self.now).min()
    }

    /// The next instant at which anything happens by itself: in a session, by a fault that waits, or a delivery that
    /// falls due. Until then nothing but calls can change an answer that is not a matter of the clock.
    pub fn next_due(&self) -> Option<Timestamp> {
        let session = self.agenda.first().map(|(at, _)| *at);
        let fault = self.due_fault().map(|(at, _)| at);
        let delivery = self.outbox.next_due();
        [session, fault, self.next_domain_change(), delivery].into_iter().flatten().min()
    }

    /// The next instant at which a delivery is due, as far as is known now.
    pub fn next_delivery(&self) -> Option<Timestamp> {
        let session = if self.config.notifications.is_some() { self.agenda.first() } else { None };
        [session.map(|(at, _)| *at), self.outbox.next_due()].into_iter().flatten().min()
    }

    /// Takes the notifications that are due: each is to be posted once, and its outcome to be reported within 10 s. One
    /// whose outcome is not reported counts as unanswered.
    pub fn deliveries(&mut self, now: Timestamp) -> Vec<Delivery> {
        self.advance(now);
        match &self.config.notifications {
            Some(settings) => self.outbox.take(settings, self.now),
            None => Vec::new(),
        }
    }

    /// Reports what became of a delivery.
    pub fn delivered(&mut self, now: Timestamp, number: u64, outcome: Delivered) {
        self.advance(now);
        if let Some(settings) = &self.config.notifications {
            self.outbox.settle(settings, self.now, number, outcome);
        }
    }

    /// Sends one test event of each type, as the console does before it takes a webhook; how many.
    pub fn send_test_events(&mut self, now: Timestamp) -> u64 {
        self.advance(now);
        match &self.config.notifications {
            Some(settings) => self.outbox.tell_test_events(settings, &self.config.unknowns, self.now),
            None => 0,
        }
    }

    /// Tells an event of a session, whatever it does: for event types that no session here causes.
    ///
    /// # Errors
    /// When there is no such session, or no notifications are sent.
    pub fn send_event(
        &mut self,
        now: Timestamp,
        sid: &str,
        event: u16,
        uid: Option<String>,
        details: Value,
    ) -> Result<(), String> {
        self.advance(now);
        if self.config.notifications.is_none() {
            return Err("no notifications are sent".to_owned());
        }
        let number = *self.numbers.get(sid).ok_or_else(|| format!("no session {sid:?}"))?;
        self.with_session(number, |session, world, happenings| {
            session.tell_on_request(world.0, (event, uid), details, world.1.config, happenings);
        });
        Ok(())
    }

    /// Everything that happened, as far as it is kept, from the request with the number after `after` on.
    pub fn ledger(&mut self, now: Timestamp, after: u64) -> Ledger {
        self.advance(now);
        Ledger {
            now: self.now,
            requests: self.requests.iter().filter(|request| request.number > after).cloned().collect(),
            dropped_requests: self.requests.front().map_or(0, |request| request.number - 1),
            sessions: self
                .sessions
                .values()
                .map(|session| session.to_ledger(self.now, &self.config))
                .collect(),
            dropped_sessions: self.dropped_sessions,
            notices: self.outbox.ledger(0),
            dropped_notices: self.outbox.dropped(),
        }
    }

    /// Every session that is kept, in the order of their starts, as it truly is at this time.
    pub fn sessions(&mut self, now: Timestamp) -> impl Iterator<Item = Truth<'_>> {
        self.advance(now);
        self.sessions.values().map(Session::truth)
    }

    /// The newest request, if one has come.
    pub fn last_request(&self) -> Option<&LedgerRequest> {
        self.requests.back()
    }

    /// Every file of a session that is there now, in the order of its beginning, and how many more there are; none if
    /// there is no such session.
    pub fn files(&mut self, now: Timestamp, sid: &str) -> Option<(Vec<LedgerFile>, usize)> {
        self.advance(now);
        let session = self.sessions.get(self.numbers.get(sid)?)?;
        let storage = self.storages.get(&session.parameters.bucket).copied().unwrap_or_default();
        Some(session.all_files(self.now, storage, &self.config))
    }

    /// Adds faults; those of servers that are due meet their sessions at once.
    ///
    /// # Errors
    /// When a fault without `after_ms` names a session that does not run; then none is added.
    pub fn add_faults(&mut self, now: Timestamp, faults: Vec<Fault>) -> Result<FaultsAccepted, String> {
        self.advance(now);
        if self.faults.len() + faults.len() > FAULTS_MAX {
            return Err(format!("at most {FAULTS_MAX} faults at a time"));
        }
        for fault in faults.iter().filter(|fault| fault.after_ms == 0) {
            if fault.kind.target().is_some_and(|target| self.struck_by(target).is_empty()) {
                return Err(format!("no running session for the fault {:?}", fault.kind.name()));
            }
        }
        let mut accepted = FaultsAccepted::default();
        for fault in faults {
            let number = self.next_fault;
            self.next_fault += 1;
            let from = self.now + Duration::from_millis(fault.after_ms);
            let until = match &fault.kind {
                FaultKind::DomainDown { for_ms, .. } => for_ms.map(|span| from + Duration::from_millis(span)),
                FaultKind::Answer { .. }
                | FaultKind::Delay { .. }
                | FaultKind::AnswerLost { .. }
                | FaultKind::RequestLost { .. }
                | FaultKind::Kill { .. }
                | FaultKind::Disconnect { .. }
                | FaultKind::End { .. }
                | FaultKind::TokenExpires { .. }
                | FaultKind::NotificationLost { .. }
                | FaultKind::NotificationLate { .. }
                | FaultKind::NotificationTwice { .. } => None,
            };
            if fault.after_ms == 0 && fault.kind.target().is_some() {
                accepted.sids.extend(self.strike(&fault.kind));
            } else {
                self.faults.push(ActiveFault { number, from, until, fault });
                accepted.faults.push(number);
            }
        }
        Ok(accepted)
    }

    /// Removes all faults that wait or are at work. What they have done stays done.
    pub fn clear_faults(&mut self, now: Timestamp) {
        self.advance(now);
        self.faults.clear();
    }

    /// Sets how many publishers a channel has from now on.
    pub fn set_publishers(&mut self, now: Timestamp, cname: &str, publishers: u32) {
        self.advance(now);
        let now = self.now;
        self.channel_to_change(cname).set_count(now, publishers);
        self.channel_changed(cname);
    }

    /// Somebody joins a channel and publishes, or changes what is published.
    ///
    /// # Errors
    /// When the channel is full.
    pub fn publisher_joins(
        &mut self,
        now: Timestamp,
        cname: &str,
        publisher: Publisher,
    ) -> Result<(), String> {
        self.advance(now);
        let now = self.now;
        self.channel_to_change(cname).join(now, publisher)?;
        self.channel_changed(cname);
        Ok(())
    }

    /// Somebody leaves a channel.
    pub fn publisher_leaves(&mut self, now: Timestamp, cname: &str, uid: u32) {
        self.advance(now);
        let now = self.now;
        self.channel_to_change(cname).leave(now, uid);
        self.channel_changed(cname);
    }

    /// Who publishes in a channel.
    pub fn publishers(&self, cname: &str) -> &[Publisher] {
        &self.channels.get(cname).unwrap_or(&self.unknown_channel).people
    }

    /// Changes the conditions of the service.
    pub fn change_conditions(&mut self, now: Timestamp, change: &ConditionsChange) {
        self.advance(now);
        self.conditions.change(change);
    }

    /// The conditions of the service.
    pub const fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Changes the state of a bucket.
    pub fn change_storage(&mut self, now: Timestamp, change: &StorageChange) {
        self.advance(now);
        let storage = Storage { state: change.state, since: self.now };
        self.storages.insert(change.bucket.clone(), storage);
        bound(&mut self.storages, STORAGES_MAX);
        self.schedule_all(|session| session.parameters.bucket == change.bucket);
    }

    /// Changes the state of a page.
    pub fn change_page(&mut self, now: Timestamp, change: &PageChange) {
        self.advance(now);
        self.pages.insert(change.url.clone(), Page { state: change.state, since: self.now });
        bound(&mut self.pages, PAGES_MAX);
        self.schedule_all(|session| session.parameters.web.as_ref().is_some_and(|web| web.url == change.url));
    }

    fn channel_to_change(&mut self, cname: &str) -> &mut Channel {
        if !self.channels.contains_key(cname) {
            bound(&mut self.channels, CHANNELS_MAX - 1);
        }
        let unknown = &self.unknown_channel;
        self.channels.entry(cname.to_owned()).or_insert_with(|| unknown.clone())
    }

    fn channel_changed(&mut self, cname: &str) {
        let is_in =
            |number: &&u64| self.sessions.get(number).is_some_and(|session| session.id.cname == cname);
        let numbers: Vec<u64> = self.open.iter().filter(is_in).copied().collect();
        for number in numbers {
            self.with_session(number, |session, (now, world), happenings| {
                session.look_around(now, world, happenings);
            });
        }
    }

    fn schedule_all(&mut self, which: impl Fn(&Session) -> bool) {
        let is_meant = |number: &&u64| self.sessions.get(number).is_some_and(&which);
        let numbers: Vec<u64> = self.open.iter().filter(is_meant).copied().collect();
        for number in numbers {
            self.with_session(number, |_, _, _| {});
        }
    }

    /// Lets time pass: faults of servers that fall due, sessions that move on, idle out or end, each at its instant.
    fn advance(&mut self, now: Timestamp) {
        let now = now.max(self.now);
        loop {
            let session = self.agenda.first().copied().filter(|(at, _)| *at <= now);
            let fault = self.due_fault().filter(|(at, _)| *at <= now);
            match (session, fault) {
                // At one instant sessions go first: what a fault meets is what they are by then.
                (Some((at, number)), fault) if fault.is_none_or(|(from, _)| at <= from) => {
                    self.now = self.now.max(at);
                    self.with_session(number, |session, (now, world), happenings| {
                        session.step(now, world, happenings);
                    });
                }
                (_, Some((from, index))) => {
                    self.now = self.now.max(from);
                    let fault = self.faults.remove(index);
                    self.strike(&fault.fault.kind);
                }
                (_, None) => break,
            }
        }
        self.now = now;
        if !self.faults.is_empty() {
            self.faults.retain(|fault| fault.until.is_none_or(|until| until > now));
        }
    }

    /// The fault of servers that falls due next, with its place in the list.
    fn due_fault(&self) -> Option<(Timestamp, usize)> {
        let waiting = self.faults.iter().enumerate().filter(|(_, fault)| fault.fault.kind.target().is_some());
        waiting.min_by_key(|(_, fault)| (fault.from, fault.number)).map(|(index, fault)| (fault.from, index))
    }

    /// Works on one session with what it needs to know of the rest; passes on what it tells, and puts it down in the
    /// agenda again.
    fn with_session<Answer>(
        &mut self,
        number: u64,
        work: impl FnOnce(&mut Session, (Timestamp, World<'_>), &mut Happenings<'_>) -> Answer,
    ) -> Option<Answer> {
        let session = self.sessions.get_mut(&number)?;
        let web = session.parameters.web.as_ref();
        let world = World {
            channel: self.channels.get(&session.id.cname).unwrap_or(&self.unknown_channel),
            config: &self.config,
            storage: self.storages.get(&session.parameters.bucket).copied().unwrap_or_default(),
            page: web.map_or_else(Page::default, |web| page_of(&self.pages, &web.url)),
            token_needed: match self.conditions.token {
                TokenNeed::ByCertificate => self.config.app_certificate.is_some(),
                TokenNeed::Required => true,
                TokenNeed::Ignored => false,
            },
        };
        let mut happenings = Happenings { listens: self.config.notifications.as_ref(), list: Vec::new() };
        let answer = work(session, (self.now, world), &mut happenings);
        let due = session.next_due(world, |event| happenings.wants(event));
        if due != session.scheduled {
            if let Some(at) = session.scheduled {
                self.agenda.remove(&(at, number));
            }
            if let Some(at) = due {
                self.agenda.insert((at, number));
            }
            session.scheduled = due;
        }
        if session.has_ended() {
            self.open.remove(&number);
        }
        let list = happenings.list;
        if !list.is_empty() {
            self.tell(number, list);
        }
        Some(answer)
    }

    fn tell(&mut self, number: u64, list: Vec<Happening>) {
        let (Some(session), Some(settings)) = (self.sessions.get(&number), &self.config.notifications) else {
            return;
        };
        let sender =
            Sender { cname: &session.id.cname, sid: session.id.sid.as_str(), scene: session.scene_name() };
        for happening in list {
            let fate = fate_of(&mut self.faults, self.now, &sender, happening.event);
            self.outbox.tell(settings, &self.config.unknowns, &sender, happening, fate);
        }
    }

    fn struck_by(&self, target: &Target) -> Vec<u64> {
        let is_meant = |session: &Session| {
            session.is_live()
                && target.sid.as_ref().is_none_or(|sid| sid == session.id.sid.as_str())
                && target.cname.as_ref().is_none_or(|cname| *cname == session.id.cname)
        };
        let open = self.open.iter().filter(|number| self.sessions.get(number).is_some_and(is_meant));
        open.copied().collect()
    }

    fn strike(&mut self, kind: &FaultKind) -> Vec<String> {
        let Some(target) = kind.target() else { return Vec::new() };
        let mut sids = Vec::new();
        for number in self.struck_by(target) {
            let recorder = self.free_recorder_uid();
            let found = Duration::ZERO;
            let fault = match kind {
                FaultKind::Kill { resumes_after_ms, .. } => {
                    let after =
                        resumes_after_ms.map_or_else(|| self.span(self.config.killed), Duration::from_millis);
                    ServerFault::Moves { after, found, recorder }
                }
                FaultKind::Disconnect { resumes_after_ms, .. } => {
                    let found = limits::FAILOVER_RECONNECT;
                    match resumes_after_ms.map(Duration::from_millis) {
                        Some(after) if after < found => ServerFault::Returns { after },
                        Some(after) => ServerFault::Moves { after, found, recorder },
                        None => ServerFault::Moves {
                            after: found + self.span(self.config.moved),
                            found,
                            recorder,
                        },
                    }
                }
                FaultKind::End { .. } => ServerFault::Ends,
                FaultKind::TokenExpires { .. } => ServerFault::TokenExpires,
                FaultKind::Answer { .. }
                | FaultKind::Delay { .. }
                | FaultKind::AnswerLost { .. }
                | FaultKind::RequestLost { .. }
                | FaultKind::DomainDown { .. }
                | FaultKind::NotificationLost { .. }
                | FaultKind::NotificationLate { .. }
                | FaultKind::NotificationTwice { .. } => continue,
            };
            let met = self.with_session(number, |session, (now, world), happenings| {
                session.strike(now, fault, world.config, happenings).then(|| session.id.sid.to_string())
            });
            sids.extend(met.flatten());
        }
        sids
    }

    /// A random UID that nobody is likely to have: what a recorder takes after a move.
    fn free_recorder_uid(&mut self) -> Uid {
        let number = self.random.between(1_000_000_000, u64::from(Uid::ADVISED_MAX));
        u32::try_from(number).ok().and_then(Uid::new).expect("it is between 1 and 2^31 - 1")
    }

    fn span(&mut self, (low, high): Range) -> Duration {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.random.between(millis(low), millis(high)))
    }

    fn domain_down(&self, domain: Domain) -> Option<Manner> {
        self.faults.iter().find_map(|active| match &active.fault.kind {
            FaultKind::DomainDown { domain: down, manner, .. }
                if *down == domain && active.from <= self.now =>
            {
                Some(*manner)
            }
            FaultKind::DomainDown { .. }
            | FaultKind::Answer { .. }
            | FaultKind::Delay { .. }
            | FaultKind::AnswerLost { .. }
            | FaultKind::RequestLost { .. }
            | FaultKind::Kill { .. }
            | FaultKind::Disconnect { .. }
            | FaultKind::End { .. }
            | FaultKind::TokenExpires { .. }
            | FaultKind::NotificationLost { .. }
            | FaultKind::NotificationLate { .. }
            | FaultKind::NotificationTwice { .. } => None,
        })
    }
}

/// What faults on request do to a notice; they are counted down.
fn fate_of(faults: &mut Vec<ActiveFault>, now: Timestamp, sender: &Sender<'_>, event: u16) -> Fate {
    let mut fate = Fate::default();
    if faults.is_empty() {
        return fate;
    }
    faults.retain_mut(|active| {
        let meets = active.from <= now
            && active.fault.kind.notices().is_some_and(|notices| {
                notices.times > 0
                    && notices.event.is_none_or(|wanted| wanted == event)
                    && notices.sid.as_deref().is_none_or(|sid| sid == sender.sid)
                    && notices.cname.as_deref().is_none_or(|cname| cname == sender.cname)
            });
        if !meets {
            return true;
        }
        match &active.fault.kind {
            FaultKind::NotificationLost { .. } => fate.lost = true,
            FaultKind::NotificationLate { delay_ms, .. } => fate.late += Duration::from_millis(*delay_ms),
            FaultKind::NotificationTwice { .. } => fate.doubled = true,
            FaultKind::Answer { .. }
            | FaultKind::Delay { .. }
            | FaultKind::AnswerLost { .. }
            | FaultKind::RequestLost { .. }
            | FaultKind::DomainDown { .. }
            | FaultKind::Kill { .. }
            | FaultKind::Disconnect { .. }
            | FaultKind::End { .. }
            | FaultKind::TokenExpires { .. } => {}
        }
        !active.fault.kind.use_once()
    });
    fate
}

/// The state of a page: what was said of it; else an address that can never resolve is unreachable.
fn page_of(pages: &BTreeMap<String, Page>, url: &str) -> Page {
    if let Some(page) = pages.get(url) {
        return *page;
    }
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#', ':']).next();
    if host.is_some_and(|host| host.ends_with(".invalid")) {
        return Page { state: crate::conditions::PageState::Unreachable, ..Page::default() };
    }
    Page::default()
}

fn bound<Value>(map: &mut BTreeMap<String, Value>, most: usize) {
    while map.len() > most {
        map.pop_first();
    }
}

fn split_target(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}
