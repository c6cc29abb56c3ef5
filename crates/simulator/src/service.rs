//! The service: takes requests at instants that it is told, and answers as Agora Cloud Recording would.

mod controls;
mod gate;
mod operations;
mod request;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use agora::limits;
use agora::{ChannelName, Sid, Timestamp, Uid};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::{Config, Range};
use crate::fault::{ActiveFault, Domain, Fault, FaultKind, FaultsAccepted, Manner, Target};
use crate::ledger::{Ledger, LedgerRequest, Truth};
use crate::random::Random;
use crate::session::{Channel, ServerFault, Session};
use crate::wire::{Handled, Incoming, Outcome};

/// How many requests the ledger keeps.
pub const REQUESTS_MAX: usize = 100_000;
/// How many sessions the ledger keeps; running ones are never dropped.
pub const SESSIONS_MAX: usize = 10_000;
const CHANNELS_MAX: usize = 10_000;
const FAULTS_MAX: usize = 10_000;

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
    next_session: u64,
    dropped_sessions: u64,
    resources: BTreeMap<String, Resource>,
    resource_order: VecDeque<String>,
    channels: BTreeMap<String, Channel>,
    faults: Vec<ActiveFault>,
    next_fault: u64,
    requests: VecDeque<LedgerRequest>,
    next_request: u64,
    /// When the requests of the last second were let through.
    let_through: VecDeque<Timestamp>,
}

#[derive(Debug)]
struct Resource {
    cname: ChannelName,
    uid: Uid,
    created_at: Timestamp,
    control: Duration,
    sid: Option<Sid>,
}

impl Service {
    /// A service in which nothing has happened yet.
    pub fn new(config: Config, seed: u64) -> Self {
        let pair = format!("{}:{}", config.customer_key, config.customer_secret);
        Self {
            authorization: STANDARD.encode(pair),
            random: Random::new(seed),
            config,
            now: Timestamp::from_millis(i64::MIN),
            sessions: BTreeMap::new(),
            numbers: BTreeMap::new(),
            open: BTreeSet::new(),
            next_session: 1,
            dropped_sessions: 0,
            resources: BTreeMap::new(),
            resource_order: VecDeque::new(),
            channels: BTreeMap::new(),
            faults: Vec::new(),
            next_fault: 1,
            requests: VecDeque::new(),
            next_request: 1,
            let_through: VecDeque::new(),
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
                | FaultKind::End { .. } => None,
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
        let before = self.channel(cname);
        let since = if (before.publishers > 0) == (publishers > 0) { before.since } else { self.now };
        self.channels.insert(cname.to_owned(), Channel { publishers, since });
        while self.channels.len() > CHANNELS_MAX {
            self.channels.pop_first();
        }
    }

    fn channel(&self, cname: &str) -> Channel {
        let unknown = Channel { publishers: self.config.publishers, since: Timestamp::from_millis(i64::MIN) };
        self.channels.get(cname).copied().unwrap_or(unknown)
    }

    /// Lets time pass: faults of servers that fall due, sessions that move, idle out or end.
    fn advance(&mut self, now: Timestamp) {
        let now = now.max(self.now);
        loop {
            let due = self
                .faults
                .iter()
                .enumerate()
                .filter(|(_, fault)| fault.from <= now && fault.fault.kind.target().is_some());
            let Some((index, _)) = due.min_by_key(|(_, fault)| (fault.from, fault.number)) else { break };
            let fault = self.faults.remove(index);
            self.settle(fault.from);
            self.strike(&fault.fault.kind);
        }
        self.settle(now);
        self.faults.retain(|fault| fault.until.is_none_or(|until| until > now));
    }

    fn settle(&mut self, now: Timestamp) {
        self.now = now;
        let mut ended = Vec::new();
        for number in &self.open {
            let Some(session) = self.sessions.get_mut(number) else { continue };
            let unknown =
                Channel { publishers: self.config.publishers, since: Timestamp::from_millis(i64::MIN) };
            let channel = self.channels.get(session.cname.as_str()).copied().unwrap_or(unknown);
            session.settle(now, channel, &self.config);
            if session.has_ended() {
                ended.push(*number);
            }
        }
        for number in ended {
            self.open.remove(&number);
        }
    }

    fn struck_by(&self, target: &Target) -> Vec<u64> {
        let is_meant = |session: &Session| {
            session.is_live()
                && target.sid.as_ref().is_none_or(|sid| sid == session.sid.as_str())
                && target.cname.as_ref().is_none_or(|cname| cname == session.cname.as_str())
        };
        let open = self.open.iter().filter(|number| self.sessions.get(number).is_some_and(is_meant));
        open.copied().collect()
    }

    fn strike(&mut self, kind: &FaultKind) -> Vec<String> {
        let Some(target) = kind.target() else { return Vec::new() };
        let mut sids = Vec::new();
        for number in self.struck_by(target) {
            let recorder = self.free_recorder_uid();
            let fault = match kind {
                FaultKind::Kill { resumes_after_ms, .. } => {
                    let after =
                        resumes_after_ms.map_or_else(|| self.span(self.config.killed), Duration::from_millis);
                    ServerFault::Moves { after, recorder }
                }
                FaultKind::Disconnect { resumes_after_ms, .. } => {
                    match resumes_after_ms.map(Duration::from_millis) {
                        Some(after) if after < limits::FAILOVER_RECONNECT => ServerFault::Returns { after },
                        Some(after) => ServerFault::Moves { after, recorder },
                        None => ServerFault::Moves {
                            after: limits::FAILOVER_RECONNECT + self.span(self.config.moved),
                            recorder,
                        },
                    }
                }
                FaultKind::End { .. } => ServerFault::Ends,
                FaultKind::Answer { .. }
                | FaultKind::Delay { .. }
                | FaultKind::AnswerLost { .. }
                | FaultKind::RequestLost { .. }
                | FaultKind::DomainDown { .. } => continue,
            };
            let now = self.now;
            let Some(session) = self.sessions.get_mut(&number) else { continue };
            if session.strike(now, fault) {
                sids.push(session.sid.to_string());
            }
            if session.has_ended() {
                self.open.remove(&number);
            }
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
            | FaultKind::End { .. } => None,
        })
    }
}

fn split_target(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}
