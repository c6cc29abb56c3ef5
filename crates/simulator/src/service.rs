//! The service: takes requests at instants that it is told, and answers as Agora Cloud Recording would.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use agora::limits;
use agora::request::Fraction;
use agora::{ChannelName, Mode, Operation, ResourceId, Sid, Timestamp, Uid};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::{Config, Range};
use crate::fault::{
    ActiveFault, Calls, Domain, Fault, FaultKind, FaultsAccepted, Manner, Target, read_faults,
};
use crate::ledger::{Ledger, LedgerRequest};
use crate::random::Random;
use crate::session::{Channel, ServerFault, Session, StartParameters, StopMet};
use crate::wire::{Handled, Incoming, Outcome, Reply};

/// How many requests the ledger keeps.
pub const REQUESTS_MAX: usize = 100_000;
/// How many sessions the ledger keeps; running ones are never dropped.
pub const SESSIONS_MAX: usize = 10_000;
const RESOURCES_MAX: usize = 20_000;
const CHANNELS_MAX: usize = 10_000;
const FAULTS_MAX: usize = 10_000;
/// How long a request hangs that nobody will answer.
const HANG: Duration = Duration::from_secs(600);

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

/// What a path names.
struct Route {
    app_id: String,
    operation: Operation,
    mode: Option<String>,
    resource_id: Option<String>,
    sid: Option<String>,
}

/// A JSON body as all operations but `query` have it.
struct Envelope {
    cname: String,
    uid: String,
    client_request: Map<String, Value>,
}

/// What an operation came to.
struct Done {
    reply: Reply,
    carried_out: bool,
    delay: Duration,
    resource_id: Option<String>,
    sid: Option<String>,
}

/// One channel of `POST /simulator/channels`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelChange {
    cname: String,
    publishers: u32,
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

    fn handle_call(&mut self, request: &Incoming, path: &str, down: Option<Manner>) -> Handled {
        let route = Route::read(&request.method, path);
        let envelope = Envelope::read(&request.body);
        let session = route.as_ref().and_then(|route| self.session_of(route));
        let cname = session
            .map(|session| session.cname.to_string())
            .or_else(|| envelope.as_ref().map(|envelope| cut(&envelope.cname)));
        let uid = session
            .map(|session| session.uid.to_string())
            .or_else(|| envelope.as_ref().map(|envelope| cut(&envelope.uid)));
        let mut entry = LedgerRequest {
            number: self.next_request,
            at: self.now,
            domain: request.domain,
            host: cut(&request.host),
            method: cut(&request.method),
            operation: route.as_ref().map(|route| route.operation),
            mode: route.as_ref().and_then(|route| route.mode.as_deref()).and_then(Mode::parse),
            cname,
            uid,
            resource_id: route.as_ref().and_then(|route| route.resource_id.as_deref()).map(cut),
            sid: route.as_ref().and_then(|route| route.sid.as_deref()).map(cut),
            carried_out: false,
            status: None,
            code: None,
            answered_at: self.now,
            faults: Vec::new(),
        };
        self.next_request += 1;

        let handled = if let Some(manner) = down {
            entry.faults.push("domain_down".to_owned());
            let wait = if manner == Manner::Hang { HANG } else { Duration::ZERO };
            Handled { at: self.now + wait, outcome: Outcome::Closed }
        } else {
            match self.refused_at_the_gate(request, route.as_ref()) {
                Err(reply) => {
                    let at = self.now + self.span(self.config.answer_delay);
                    Handled { at, outcome: Outcome::Answered(reply) }
                }
                Ok(route) => self.carry_out(request, route, envelope, &mut entry),
            }
        };
        entry.answered_at = handled.at;
        if let Outcome::Answered(reply) = &handled.outcome {
            entry.status = Some(reply.status);
            entry.code = reply.code();
        }
        self.requests.push_back(entry);
        while self.requests.len() > REQUESTS_MAX {
            self.requests.pop_front();
        }
        handled
    }

    /// What the gateway before the service does: routes, credentials, rate.
    fn refused_at_the_gate<'a>(
        &mut self,
        request: &Incoming,
        route: Option<&'a Route>,
    ) -> Result<&'a Route, Reply> {
        let Some(route) = route else {
            return Err(Reply::message(404, "no Route matched with those values"));
        };
        let Some(authorization) = &request.authorization else {
            return Err(Reply::message(401, "Unauthorized"));
        };
        let proof = authorization.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
        if proof.map(|(_, proof)| proof.trim()) != Some(self.authorization.as_str()) {
            return Err(Reply::message(401, "Invalid authentication credentials"));
        }
        if route.app_id != self.config.app_id.as_str() {
            return Err(Reply::message(400, "appid is invalid"));
        }
        let second_ago = self.now - Duration::from_secs(1);
        while self.let_through.front().is_some_and(|at| *at <= second_ago) {
            self.let_through.pop_front();
        }
        let limit = usize::try_from(self.config.queries_per_second).unwrap_or(usize::MAX);
        if self.let_through.len() >= limit {
            return Err(Reply::message(429, "API rate limit exceeded"));
        }
        self.let_through.push_back(self.now);
        Ok(route)
    }

    /// The operation, with the faults on request around it.
    fn carry_out(
        &mut self,
        request: &Incoming,
        route: &Route,
        envelope: Option<Envelope>,
        entry: &mut LedgerRequest,
    ) -> Handled {
        let is_delay = |kind: &FaultKind| matches!(kind, FaultKind::Delay { .. });
        let delay = self.take_fault(request.domain, entry, is_delay);
        let fault = self.take_fault(request.domain, entry, |kind| !is_delay(kind));
        let mut late = match delay {
            Some(FaultKind::Delay { delay_ms, .. }) => Duration::from_millis(delay_ms),
            _ => Duration::ZERO,
        };
        let replaced = match &fault {
            Some(FaultKind::Answer { status, code, reason, body, retry_after_s, .. }) => {
                let mut reply = match body {
                    Some(body) => Reply::strange(*status, *body),
                    None => usual_reply(route.operation, *status, *code, reason.as_deref()),
                };
                reply.retry_after_s = *retry_after_s;
                Some(reply)
            }
            _ => None,
        };
        let reaches_the_service = match &fault {
            Some(FaultKind::Answer { carried_out, .. }) => *carried_out,
            Some(FaultKind::RequestLost { .. }) => false,
            _ => true,
        };
        let done = if reaches_the_service { Some(self.perform(request, route, envelope)) } else { None };
        late += match &done {
            Some(done) => done.delay,
            None => self.span(self.config.answer_delay),
        };
        if let Some(done) = &done {
            entry.carried_out = done.carried_out;
            entry.resource_id = entry.resource_id.take().or_else(|| done.resource_id.clone());
            entry.sid = entry.sid.take().or_else(|| done.sid.clone());
        }
        let outcome = match (&fault, replaced, done) {
            (Some(FaultKind::AnswerLost { .. } | FaultKind::RequestLost { .. }), _, _) => Outcome::Closed,
            (_, Some(reply), _) => Outcome::Answered(reply),
            (_, None, Some(done)) => Outcome::Answered(done.reply),
            (_, None, None) => Outcome::Closed,
        };
        Handled { at: self.now + late, outcome }
    }

    /// Takes the first fault of calls that meets this request, and counts it down.
    fn take_fault(
        &mut self,
        domain: Domain,
        entry: &mut LedgerRequest,
        is_wanted: impl Fn(&FaultKind) -> bool,
    ) -> Option<FaultKind> {
        let now = self.now;
        let meets = |calls: &Calls| {
            calls.times > 0
                && calls.operation.is_none_or(|operation| Some(operation) == entry.operation)
                && calls.domain.is_none_or(|wanted| wanted == domain)
                && calls.cname.as_ref().is_none_or(|cname| Some(cname) == entry.cname.as_ref())
                && calls.uid.as_ref().is_none_or(|uid| Some(uid) == entry.uid.as_ref())
        };
        let index = self.faults.iter().position(|active| {
            active.from <= now
                && is_wanted(&active.fault.kind)
                && active.fault.kind.calls().is_some_and(meets)
        })?;
        let kind = self.faults[index].fault.kind.clone();
        entry.faults.push(kind.name().to_owned());
        let left = self.faults[index].fault.kind.calls_mut().map(|calls| {
            calls.times = calls.times.saturating_sub(1);
            calls.times
        });
        if left == Some(0) {
            self.faults.remove(index);
        }
        Some(kind)
    }

    fn perform(&mut self, request: &Incoming, route: &Route, envelope: Option<Envelope>) -> Done {
        if route.operation == Operation::Query {
            return self.query(route);
        }
        let is_json = request.content_type.as_deref().is_none_or(|kind| kind.starts_with("application/json"));
        if !is_json {
            return self.refused(Reply::error(400, 8, "invalid content type"));
        }
        let Some(envelope) = envelope else {
            return self.refused(Reply::error(400, 2, "api body validate failed!"));
        };
        match route.operation {
            Operation::Acquire => self.acquire(&envelope),
            Operation::Start => self.start(route, &envelope),
            Operation::Query => self.query(route),
            Operation::Update | Operation::UpdateLayout => self.update(route, &envelope),
            Operation::Stop => self.stop(route, &envelope),
        }
    }

    fn refused(&mut self, reply: Reply) -> Done {
        let delay = self.span(self.config.answer_delay);
        Done { reply, carried_out: false, delay, resource_id: None, sid: None }
    }

    fn accepted(&mut self, body: &Value) -> Done {
        let delay = self.span(self.config.answer_delay);
        Done { reply: Reply::json(200, body), carried_out: true, delay, resource_id: None, sid: None }
    }

    fn acquire(&mut self, envelope: &Envelope) -> Done {
        let Ok(cname) = ChannelName::parse(envelope.cname.as_str()) else {
            return self.refused(Reply::error(400, 401, "invalid_channel_name"));
        };
        let Ok(uid) = Uid::parse(&envelope.uid) else {
            return self.refused(Reply::error(400, 2, "api body validate failed!"));
        };
        let hours = match envelope.client_request.get("resourceExpiredHour") {
            None => u64::from(limits::RESOURCE_EXPIRED_HOURS_DEFAULT),
            Some(value) => match value.as_u64() {
                Some(hours @ 1..=720) => hours,
                _ => {
                    let reason = "Acquire: invalid resourceExpiredHour value!";
                    return self.refused(Reply::error(400, 2, reason));
                }
            },
        };
        if envelope
            .client_request
            .get("scene")
            .is_some_and(|scene| scene.as_u64().is_none_or(|scene| scene > 2))
        {
            return self.refused(Reply::error(400, 2, "Acquire: invalid scene value!"));
        }
        let live = self.open.iter().filter(|number| self.sessions.get(number).is_some_and(Session::is_live));
        if live.count() >= usize::try_from(self.config.concurrent_sessions).unwrap_or(usize::MAX) {
            return self.refused(Reply::error(400, 406, "vendor_over_load"));
        }
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let resource_id = self.random.text(alphabet, 172);
        self.resources.insert(
            resource_id.clone(),
            Resource {
                cname: cname.clone(),
                uid,
                created_at: self.now,
                control: Duration::from_secs(hours * 3600),
                sid: None,
            },
        );
        self.resource_order.push_back(resource_id.clone());
        if self.resource_order.len() > RESOURCES_MAX
            && let Some(oldest) = self.resource_order.pop_front()
        {
            self.resources.remove(&oldest);
        }
        let mut done =
            self.accepted(&json!({ "cname": cname, "uid": uid.to_string(), "resourceId": resource_id }));
        done.resource_id = Some(resource_id);
        done
    }

    fn start(&mut self, route: &Route, envelope: &Envelope) -> Done {
        let resource_id = route.resource_id.clone().unwrap_or_default();
        let Some(resource) = self.resources.get(&resource_id) else {
            return self.refused(Reply::error(400, 1001, "resourceId cannot be parsed"));
        };
        if resource.cname.as_str() != envelope.cname || resource.uid.to_string() != envelope.uid {
            return self.refused(Reply::error(400, 432, "cname or uid does not match the resourceId"));
        }
        if let Some(sid) = resource.sid.clone() {
            let told = self.config.already_started_tells_sid;
            let mut body = json!({ "code": 7, "reason": "already started" });
            if told {
                body["sid"] = sid.as_str().into();
            }
            return self.refused(Reply::json(201, &body));
        }
        if self.now.since(resource.created_at) > limits::RESOURCE_LIFETIME {
            return self.refused(Reply::error(400, 433, "resourceId expired"));
        }
        if route.mode.as_deref() != Some(Mode::Mix.as_str()) {
            let reason = "the simulator knows composite mode only";
            return self.refused(Reply::error(400, 2, reason));
        }
        let parameters = match start_parameters(&envelope.client_request) {
            Ok(parameters) => parameters,
            Err(reason) => return self.refused(Reply::error(400, 2, &reason)),
        };
        let (cname, uid, control) = (resource.cname.clone(), resource.uid, resource.control);
        let holds =
            |number: &u64| self.sessions.get(number).is_some_and(|session| session.holds(&cname, uid));
        if self.open.iter().any(holds) {
            return self.refused(Reply::error(400, 53, "task conflict"));
        }
        let Ok(parsed) = ResourceId::parse(resource_id.as_str()) else {
            return self.refused(Reply::error(400, 1001, "resourceId cannot be parsed"));
        };
        let sid =
            Sid::parse(self.random.text(b"0123456789abcdef", 32)).expect("32 hexadecimal digits are a sid");
        let body =
            json!({ "cname": cname, "uid": uid.to_string(), "resourceId": resource_id, "sid": sid.as_str() });
        let session = Session::new(
            parsed,
            sid.clone(),
            (cname, uid),
            Mode::Mix,
            self.now,
            self.now + control,
            parameters,
        );
        self.add_session(session);
        if let Some(resource) = self.resources.get_mut(&resource_id) {
            resource.sid = Some(sid.clone());
        }
        let mut done = self.accepted(&body);
        done.delay = self.span(self.config.start_delay);
        done.sid = Some(sid.to_string());
        done
    }

    fn add_session(&mut self, session: Session) {
        let number = self.next_session;
        self.next_session += 1;
        self.numbers.insert(session.sid.to_string(), number);
        self.sessions.insert(number, session);
        self.open.insert(number);
        if self.sessions.len() > SESSIONS_MAX
            && let Some(oldest) = self.sessions.keys().copied().find(|number| !self.open.contains(number))
            && let Some(dropped) = self.sessions.remove(&oldest)
        {
            self.numbers.remove(dropped.sid.as_str());
            self.dropped_sessions += 1;
        }
    }

    fn session_of(&self, route: &Route) -> Option<&Session> {
        let number = self.numbers.get(route.sid.as_ref()?)?;
        self.sessions.get(number)
    }

    /// The number of the session that a path names, if it can be spoken to; else the refusal.
    fn reachable(&self, route: &Route) -> Result<u64, Reply> {
        let not_found = || Reply::error(404, 404, "failed to find worker");
        let number = route.sid.as_ref().and_then(|sid| self.numbers.get(sid)).ok_or_else(not_found)?;
        let session = self.sessions.get(number).ok_or_else(not_found)?;
        if route.resource_id.as_deref() != Some(session.resource_id.as_str()) {
            return Err(Reply::error(400, 1003, "sid does not match the resourceId"));
        }
        if route.mode.as_deref() != Some(session.mode.as_str()) {
            return Err(Reply::error(400, 2, "the mode is not the one of the start"));
        }
        if session.status(self.now).is_none() || self.now >= session.control_until {
            let (cname, uid) = (session.cname.as_str(), session.uid.to_string());
            let body = json!({ "cname": cname, "code": 404, "reason": "failed to find worker", "uid": uid });
            return Err(Reply::json(404, &body));
        }
        Ok(*number)
    }

    fn query(&mut self, route: &Route) -> Done {
        let session = match self.reachable(route) {
            Ok(number) => &self.sessions[&number],
            Err(reply) => return self.refused(reply),
        };
        let mut response = session.file_list(&self.config);
        response["status"] = session.status(self.now).into();
        let mut body = ids(session);
        body["serverResponse"] = response;
        self.accepted(&body)
    }

    fn update(&mut self, route: &Route, envelope: &Envelope) -> Done {
        let session = match self.reachable(route) {
            Ok(number) => &self.sessions[&number],
            Err(reply) => return self.refused(reply),
        };
        if !is_of(session, envelope) {
            return self.refused(Reply::error(400, 432, "cname or uid does not match the resourceId"));
        }
        if session.status(self.now).is_some_and(|status| status > 5) {
            return self.refused(Reply::error(400, 2, "the session is exiting"));
        }
        let keys: &[&str] = match route.operation {
            Operation::Update => &["streamSubscribe", "storageConfig"],
            Operation::UpdateLayout => &[
                "mixedVideoLayout",
                "maxResolutionUid",
                "backgroundColor",
                "backgroundImage",
                "defaultUserBackgroundImage",
                "layoutConfig",
                "backgroundConfig",
            ],
            Operation::Acquire | Operation::Start | Operation::Query | Operation::Stop => &[],
        };
        let request = &envelope.client_request;
        if !request.keys().any(|key| keys.contains(&key.as_str())) || !layout_is_valid(request) {
            let code = if route.operation == Operation::UpdateLayout { 1028 } else { 2 };
            return self.refused(Reply::error(400, code, "api body validate failed!"));
        }
        let body = ids(session);
        self.accepted(&body)
    }

    fn stop(&mut self, route: &Route, envelope: &Envelope) -> Done {
        let number = match self.reachable(route) {
            Ok(number) => number,
            Err(reply) => return self.refused(reply),
        };
        let asynchronous = match envelope.client_request.get("async_stop") {
            None => false,
            Some(Value::Bool(asynchronous)) => *asynchronous,
            Some(Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                return self.refused(Reply::error(400, 2, "async_stop is true or false"));
            }
        };
        if !is_of(&self.sessions[&number], envelope) {
            return self.refused(Reply::error(400, 432, "cname or uid does not match the resourceId"));
        }
        let upload = self.span(self.config.upload);
        let (now, exit) = (self.now, self.config.exit);
        let Some(session) = self.sessions.get_mut(&number) else {
            return self.refused(Reply::error(404, 404, "failed to find worker"));
        };
        let met = session.stop(now, upload, exit);
        let mut body = ids(session);
        let files = session.file_list(&self.config);
        match met {
            StopMet::NotFound => self.refused(Reply::error(404, 404, "failed to find worker")),
            StopMet::AlreadyExiting => {
                body["code"] = 49.into();
                body["reason"] = "invalid operation".into();
                self.refused(Reply::json(400, &body))
            }
            StopMet::NothingRecorded => {
                body["code"] = 435.into();
                body["reason"] = "no recorded data".into();
                let mut done = self.accepted(&body);
                done.reply = Reply::json(206, &body);
                done
            }
            StopMet::Stops { .. } if asynchronous => {
                body["serverResponse"] = json!({ "uploadingStatus": "unknown" });
                self.accepted(&body)
            }
            StopMet::Stops { uploaded_at } => {
                body["serverResponse"] = files;
                body["serverResponse"]["uploadingStatus"] = "uploaded".into();
                let mut done = self.accepted(&body);
                let wait = uploaded_at.since(now);
                if wait > limits::UPLOAD_WAIT {
                    done.reply = Reply::error(504, 50, "upload timeout");
                }
                done.delay = wait.min(limits::UPLOAD_WAIT);
                done
            }
        }
    }

    fn control(&mut self, method: &str, path: &str, query: &str, body: &[u8]) -> Reply {
        let now = self.now;
        match (method, path) {
            ("GET", "/healthz") => Reply::json(200, &json!({ "status": "ok", "now": now })),
            ("GET", "/simulator/ledger") => {
                let after = query.split('&').find_map(|pair| pair.strip_prefix("after="));
                match after.map_or(Ok(0), str::parse) {
                    Ok(after) => to_reply(&self.ledger(now, after)),
                    Err(_) => wrong("after is the number of a request"),
                }
            }
            ("GET", "/simulator/faults") => to_reply(&self.faults),
            ("POST", "/simulator/faults") => {
                match read_faults(body).and_then(|faults| self.add_faults(now, faults)) {
                    Ok(accepted) => to_reply(&accepted),
                    Err(error) => wrong(&error),
                }
            }
            ("DELETE", "/simulator/faults") => {
                self.clear_faults(now);
                to_reply(&self.faults)
            }
            ("POST", "/simulator/channels") => match read_channels(body) {
                Ok(changes) => {
                    for change in &changes {
                        self.set_publishers(now, &change.cname, change.publishers);
                    }
                    Reply::json(200, &json!({ "channels": changes.len() }))
                }
                Err(error) => wrong(&error),
            },
            ("GET", "/simulator/channels") => {
                let channels: Vec<Value> = self
                    .channels
                    .iter()
                    .map(|(cname, channel)| json!({ "cname": cname, "publishers": channel.publishers }))
                    .collect();
                Reply::json(200, &channels.into())
            }
            _ => Reply::json(404, &json!({ "error": "the simulator has no such control" })),
        }
    }
}

fn to_reply(value: &impl serde::Serialize) -> Reply {
    let value =
        serde_json::to_value(value).expect("the simulator's own types have text keys and finite numbers");
    Reply::json(200, &value)
}

fn wrong(error: &str) -> Reply {
    Reply::json(400, &json!({ "error": error }))
}

fn read_channels(body: &[u8]) -> Result<Vec<ChannelChange>, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    let list = if value.is_array() { value } else { Value::Array(vec![value]) };
    serde_json::from_value(list).map_err(|error| format!("not a channel: {error}"))
}

fn split_target(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// What the ledger keeps of a text that came from outside.
fn cut(text: &str) -> String {
    text.chars().take(512).collect()
}

fn ids(session: &Session) -> Value {
    json!({
        "cname": session.cname,
        "uid": session.uid.to_string(),
        "resourceId": session.resource_id,
        "sid": session.sid,
    })
}

fn is_of(session: &Session, envelope: &Envelope) -> bool {
    session.cname.as_str() == envelope.cname && session.uid.to_string() == envelope.uid
}

impl Route {
    fn read(method: &str, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let (app_id, rest) = match segments.as_slice() {
            ["v1", "apps", app_id, "cloud_recording", rest @ ..] if !app_id.is_empty() => (*app_id, rest),
            _ => return None,
        };
        let (operation, mode, resource_id, sid) = match rest {
            ["acquire"] => (Operation::Acquire, None, None, None),
            ["resourceid", resource_id, "mode", mode, "start"] => {
                (Operation::Start, Some(*mode), Some(*resource_id), None)
            }
            ["resourceid", resource_id, "sid", sid, "mode", mode, name] => {
                let operation = match Operation::parse(name)? {
                    operation @ (Operation::Query
                    | Operation::Update
                    | Operation::UpdateLayout
                    | Operation::Stop) => operation,
                    Operation::Acquire | Operation::Start => return None,
                };
                (operation, Some(*mode), Some(*resource_id), Some(*sid))
            }
            _ => return None,
        };
        if method != agora::request::method(operation).as_str() {
            return None;
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Self {
            app_id: app_id.to_owned(),
            operation,
            mode: owned(mode),
            resource_id: owned(resource_id),
            sid: owned(sid),
        })
    }
}

impl Envelope {
    fn read(body: &[u8]) -> Option<Self> {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else { return None };
        let cname = fields.get("cname")?.as_str()?.to_owned();
        let uid = fields.get("uid")?.as_str()?.to_owned();
        let Some(Value::Object(client_request)) = fields.remove("clientRequest") else { return None };
        Some(Self { cname, uid, client_request })
    }
}

/// Checks the `clientRequest` of a `start` in composite mode.
fn start_parameters(request: &Map<String, Value>) -> Result<StartParameters, String> {
    let storage =
        request.get("storageConfig").and_then(Value::as_object).ok_or("storageConfig is missing")?;
    for key in ["vendor", "region"] {
        if storage.get(key).and_then(Value::as_u64).is_none() {
            return Err(format!("storageConfig.{key} is missing"));
        }
    }
    for key in ["bucket", "accessKey", "secretKey"] {
        if storage.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(format!("storageConfig.{key} is missing"));
        }
    }
    let folders = match storage.get("fileNamePrefix") {
        None => Vec::new(),
        Some(list) => {
            let folders: Vec<String> = Deserialize::deserialize(list)
                .map_err(|_| "storageConfig.fileNamePrefix is a list of texts".to_owned())?;
            if !agora::check::check_file_name_prefix(&folders).is_empty() {
                return Err("storageConfig.fileNamePrefix is invalid".to_owned());
            }
            folders
        }
    };
    let config =
        request.get("recordingConfig").and_then(Value::as_object).ok_or("recordingConfig is missing")?;
    let number = |key: &str, range: core::ops::RangeInclusive<u64>, default: u64| match config.get(key) {
        None => Ok(default),
        Some(value) => match value.as_u64() {
            Some(number) if range.contains(&number) => Ok(number),
            _ => Err(format!("recordingConfig.{key} is invalid")),
        },
    };
    if !config.contains_key("channelType") {
        return Err("recordingConfig.channelType is missing".to_owned());
    }
    number("channelType", 0..=1, 0)?;
    number("streamTypes", 0..=2, 2)?;
    number("subscribeUidGroup", 0..=5, 0)?;
    let idle_range = u64::from(limits::MAX_IDLE_SECONDS_MIN)..=u64::from(limits::MAX_IDLE_SECONDS_MAX);
    let idle = number("maxIdleTime", idle_range, u64::from(limits::MAX_IDLE_SECONDS_DEFAULT))?;
    if let Some(transcoding) = config.get("transcodingConfig") {
        let side = |key: &str, default: u64| transcoding.get(key).map_or(Some(default), Value::as_u64);
        let size = side("width", 360).zip(side("height", 640));
        let pixels = size.and_then(|(width, height)| width.checked_mul(height));
        if pixels.is_none_or(|pixels| pixels == 0 || pixels > 1920 * 1080) {
            return Err("transcodingConfig.width and height are invalid".to_owned());
        }
        if transcoding.as_object().is_none_or(|layout| !layout_is_valid(layout)) {
            return Err("transcodingConfig.layoutConfig is invalid".to_owned());
        }
    }
    let kinds = request.get("recordingFileConfig").and_then(|files| files.get("avFileType"));
    let mp4 = match kinds.map(Vec::<String>::deserialize) {
        None => false,
        Some(Ok(kinds)) if kinds.iter().all(|kind| kind == "hls" || kind == "mp4") => {
            if !kinds.iter().any(|kind| kind == "hls") {
                return Err("avFileType must hold hls".to_owned());
            }
            kinds.iter().any(|kind| kind == "mp4")
        }
        Some(_) => return Err("avFileType is invalid".to_owned()),
    };
    Ok(StartParameters { max_idle: Duration::from_secs(idle), mp4, folders })
}

fn layout_is_valid(layout: &Map<String, Value>) -> bool {
    let is_place = |place: &Value| {
        ["x_axis", "y_axis", "width", "height"].iter().all(|key| {
            place.get(key).and_then(Value::as_f64).is_some_and(|number| Fraction::try_from(number).is_ok())
        })
    };
    match layout.get("layoutConfig") {
        None => true,
        Some(Value::Array(places)) => {
            places.len() <= limits::LAYOUT_PLACES_MAX && places.iter().all(is_place)
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => false,
    }
}

/// The answer that the documents have for a status of an operation, where a fault leaves code or reason open.
fn usual_reply(operation: Operation, status: u16, code: Option<u32>, reason: Option<&str>) -> Reply {
    let code = match (status, code) {
        (_, Some(code)) => code,
        (401, None) => return Reply::message(401, reason.unwrap_or("Invalid authentication credentials")),
        (429, None) => return Reply::message(429, reason.unwrap_or("API rate limit exceeded")),
        (200, None) => return Reply::json(200, &json!({})),
        (201, None) => 7,
        (206, None) => 65,
        (400, None) => 2,
        (status, None) => u32::from(status),
    };
    let usual = match (operation, code) {
        (_, 2) => "invalid parameter",
        (_, 7) => "already started",
        (_, 49) => "invalid operation",
        (_, 50) => "upload timeout",
        (_, 53) => "task conflict",
        (_, 62) => "request timeout",
        (_, 65) => "request not completed",
        (Operation::Acquire, 400) => "invalid_appid",
        (Operation::Acquire, 401) => "invalid_channel_name",
        (_, 404) => "failed to find worker",
        (_, 405) => "no_active_status",
        (_, 406) => "vendor_over_load",
        (_, 432) => "cname or uid does not match the resourceId",
        (_, 433) => "resourceId expired",
        (_, 435) => "no recorded data",
        (Operation::Acquire, 501) => "no_worker_manager_available",
        (Operation::Acquire, 504) => "allocate_timeout",
        (Operation::Start, 502) => "Failed to allocate worker",
        (_, 1001) => "resourceId cannot be parsed",
        _ => "internal_error",
    };
    Reply::error(status, code, reason.unwrap_or(usual))
}
