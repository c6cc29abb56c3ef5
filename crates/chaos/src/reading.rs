//! What the journal of a recording says, read plainly and apart from the fold of the rules. The reference model
//! ([`crate::model`]) goes by it.

use core::time::Duration;

use agora::{AnswerClass, EventType, Operation, QueryAnswer, Sid, Timestamp, Uid, UnansweredCause};
use rules::journal::{AlarmCause, By, CallId, CallSent, DecisionKind, Domain, EndedHow, Notified, Uids};
use rules::recording::Because;
use rules::{Entry, Fact, Policy, RuleId, SessionNumber};

use crate::compare::Plan;
use crate::history::{Came, came, parts_of};

/// The calls of one operation of one session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lane {
    pub open: Option<(CallId, Timestamp)>,
    pub sent: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// How many tries came to something, and the last one to what.
    pub tries: u32,
    pub came: Option<Came>,
    /// Calls of the running try that had no answer, whether the last knew no address, whether a byte of any left.
    pub silent: u32,
    pub unresolved: bool,
    pub left: bool,
    /// 429s in a row, and until when the last one asked to wait.
    pub limited: u32,
    pub until: Option<Timestamp>,
    /// Where the try began, and where its last call went.
    pub from: Domain,
    pub to: Domain,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Trying,
    Accepted,
    Live,
    Ending,
    Lost,
    NotStarted,
    Taken,
    Over(EndedHow),
    GivenUp,
}

/// Whether a start without a `sid` may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MayRun {
    No,
    Unlikely,
    Possibly,
}

/// A run of the service's 404s.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Absent {
    pub t0: Timestamp,
    pub asked: Option<Timestamp>,
    pub declared: bool,
}

/// The newest status: which, and when it was asked and told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Status {
    pub code: u8,
    pub asked: Timestamp,
    pub at: Timestamp,
}

/// A run without a clear answer: since when, how many, and how many of them first were code 65.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unclear {
    pub since: Timestamp,
    pub count: u32,
    pub code65: u32,
}

/// One notification: who sent it, when it happened, its place among the events of its sender, and when it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notice {
    pub event: EventType,
    pub uid: Uid,
    pub sent: Timestamp,
    pub sequence: u64,
    pub came: Timestamp,
    /// A 12's new recorder, and whether a 41 says that nobody was there.
    pub new_uid: Option<Uid>,
    pub idle: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub number: SessionNumber,
    pub uid: Uid,
    pub because: Because,
    pub begun: Timestamp,
    pub state: State,
    pub resource: Option<Timestamp>,
    pub sid: Option<(Sid, Timestamp)>,
    pub adopted: bool,
    pub acquire: Lane,
    pub start: Lane,
    pub query: Lane,
    pub stop: Lane,
    pub change: Lane,
    pub late: Vec<(CallId, Timestamp)>,
    pub may_run: MayRun,
    pub status: Option<Status>,
    pub first_asked: Option<Timestamp>,
    pub last_answer: Option<Timestamp>,
    pub confirmed: Option<Timestamp>,
    /// It showed a 5.
    pub recorded: bool,
    /// An index file was named.
    pub named: bool,
    pub failovers: u8,
    pub absent: Option<Absent>,
    /// It answered again, which is not declared yet; it was away before.
    pub back: bool,
    pub was_away: bool,
    pub unclear: Option<Unclear>,
    pub refused: Option<Timestamp>,
    pub ending: Option<Timestamp>,
    pub stop_asked: Option<Timestamp>,
    pub stop_due: Option<(Timestamp, RuleId)>,
    pub stop_accepted: Option<Timestamp>,
    pub replaced: bool,
    pub dismissed: bool,
    /// What notifications told, as they came, and since when one of them wants it asked after.
    pub notices: Vec<Notice>,
    pub asks: Option<Timestamp>,
}

/// One way to a `sid`: why, since when, from which session on, how often all UIDs were in use, when both had failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub because: Because,
    pub begun: Timestamp,
    pub from: SessionNumber,
    pub full: u32,
    pub minutes: Option<Timestamp>,
}

/// An alarm, and whether its cause has passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raised {
    pub cause: AlarmCause,
    pub at: Timestamp,
    pub passed: bool,
}

/// A stretch in which nobody acted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gap {
    pub from: Timestamp,
    pub to: Timestamp,
}

#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub channel: String,
    pub uids: Uids,
    pub policy: Policy,
    pub idle: u32,
    pub hours: u64,
    pub watched: bool,
    /// When a stop is due, and whether it waited for staff when it was pressed.
    pub stop: Option<(Timestamp, bool)>,
    pub waiting: bool,
    pub sessions: Vec<Session>,
    pub next: SessionNumber,
    pub round: Option<Round>,
    pub alarms: Vec<Raised>,
    pub replacements: Vec<Timestamp>,
    pub acted: Timestamp,
    pub gap: Option<Gap>,
    pub hurried: Option<Timestamp>,
    pub last_at: Timestamp,
    /// What was due before notifications came that whoever acts may not know yet.
    pub was_due: Vec<Plan>,
}

impl Lane {
    fn answered(&mut self, class: &AnswerClass, at: Timestamp) {
        self.ended = Some(at);
        self.silent = 0;
        self.unresolved = false;
        if let AnswerClass::RateLimited { retry_after } = class {
            self.limited += 1;
            self.until = retry_after.map(|span| at + span);
            return;
        }
        self.came_to(came(class));
    }

    /// Whether that ends the try: the call and D2's three repeats are through.
    fn unanswered(&mut self, cause: UnansweredCause, at: Timestamp) -> bool {
        self.ended = Some(at);
        self.unresolved = cause == UnansweredCause::Dns;
        self.left |= !cause.nothing_left();
        self.silent += 1;
        if self.silent > 3 {
            self.silent = 0;
            self.came_to(Some(Came::Nothing(self.left)));
        }
        self.silent == 0
    }

    fn came_to(&mut self, came: Option<Came>) {
        self.limited = 0;
        self.until = None;
        self.tries += 1;
        self.came = came;
    }

    fn restart(&mut self) {
        *self = Self { open: self.open.take(), ..Self::default() };
    }
}

impl Session {
    fn new(number: SessionNumber, uid: Uid, because: Because, begun: Timestamp) -> Self {
        Self {
            number,
            uid,
            because,
            begun,
            state: State::Trying,
            resource: None,
            sid: None,
            adopted: false,
            acquire: Lane::default(),
            start: Lane::default(),
            query: Lane::default(),
            stop: Lane::default(),
            change: Lane::default(),
            late: Vec::new(),
            may_run: MayRun::No,
            status: None,
            first_asked: None,
            last_answer: None,
            confirmed: None,
            recorded: false,
            named: false,
            failovers: 0,
            absent: None,
            back: false,
            was_away: false,
            unclear: None,
            refused: None,
            ending: None,
            stop_asked: None,
            stop_due: None,
            stop_accepted: None,
            replaced: false,
            dismissed: false,
            notices: Vec::new(),
            asks: None,
        }
    }

    /// It has a `sid`, and its end is not certain.
    pub(crate) const fn watched(&self) -> bool {
        self.sid.is_some() && !matches!(self.state, State::Over(_)) && !self.dismissed
    }

    pub(crate) const fn lane(&self, operation: Operation) -> &Lane {
        match operation {
            Operation::Acquire => &self.acquire,
            Operation::Start => &self.start,
            Operation::Query => &self.query,
            Operation::Stop => &self.stop,
            Operation::Update | Operation::UpdateLayout => &self.change,
        }
    }

    const fn lane_mut(&mut self, operation: Operation) -> &mut Lane {
        match operation {
            Operation::Acquire => &mut self.acquire,
            Operation::Start => &mut self.start,
            Operation::Query => &mut self.query,
            Operation::Stop => &mut self.stop,
            Operation::Update | Operation::UpdateLayout => &mut self.change,
        }
    }

    fn stop_it(&mut self, at: Timestamp, rule: RuleId) {
        self.stop_due.get_or_insert((at, rule));
    }

    fn accept(&mut self, sid: &Sid, at: Timestamp) {
        self.sid = Some((sid.clone(), at));
        self.state = State::Accepted;
        self.may_run = MayRun::No;
        self.query.restart();
    }

    fn not_found(&mut self, asked: Option<Timestamp>, at: Timestamp) {
        let absent = self.absent.get_or_insert(Absent { t0: at, asked: None, declared: false });
        absent.asked = absent.asked.max(asked);
    }

    fn not_clear(&mut self, at: Timestamp, is_65: bool) {
        let unclear = self.unclear.get_or_insert(Unclear { since: at, count: 0, code65: 0 });
        unclear.code65 += u32::from(is_65 && unclear.code65 == unclear.count);
        unclear.count += 1;
    }

    fn names(&mut self, files: &[agora::FileEntry]) {
        for file in files {
            self.named |= file.name.ends_with(".m3u8") || file.name.ends_with(".mpd");
            let leg = agora::files::leg_of(&file.name).map_or(0, |leg| leg.saturating_add(1));
            self.failovers = self.failovers.max(leg);
        }
    }

    /// An answer to a query that was sent at `asked`; true for one that is a status of this session.
    fn told(&mut self, class: &AnswerClass, asked: Timestamp, at: Timestamp) -> bool {
        // D10: an answer to an older question than one that was answered well tells nothing.
        if matches!(self.state, State::Over(_)) || self.status.is_some_and(|status| status.asked > asked) {
            return false;
        }
        self.last_answer = Some(at);
        self.first_asked.get_or_insert(asked);
        match class {
            AnswerClass::Status(status)
                if status.sid.is_none() || status.sid.as_ref() == self.sid.as_ref().map(|(sid, _)| sid) =>
            {
                let first = self.status.is_none() && self.state == State::Accepted;
                self.status = Some(Status { code: status.status, asked, at });
                (self.unclear, self.refused) = (None, None);
                self.recorded |= status.status == 5;
                self.names(&status.files);
                if status.status <= 5 {
                    self.ending = None;
                    self.back |= self.absent.take().is_some_and(|absent| absent.declared || !first);
                } else {
                    self.ending.get_or_insert(at);
                }
                return true;
            }
            AnswerClass::ServiceNotFound => {
                (self.unclear, self.refused) = (None, None);
                self.not_found(Some(asked), at);
            }
            AnswerClass::RateLimited { .. } => {}
            AnswerClass::Refused | AnswerClass::NoRoute => {
                self.unclear = None;
                self.refused.get_or_insert(at);
            }
            class => self.not_clear(at, matches!(class, AnswerClass::NotCompleted)),
        }
        false
    }
}

impl Recording {
    /// The recording that this first entry begins.
    pub(crate) fn begin(entry: &Entry) -> Option<Self> {
        let Fact::Requested(requested) = &entry.fact else { return None };
        let round = Round { because: Because::Asked, begun: entry.at, from: 1, full: 0, minutes: None };
        Some(Self {
            channel: requested.channel.as_str().to_owned(),
            uids: requested.uids.clone(),
            policy: requested.policy.clone(),
            idle: requested.settings.recording_config.max_idle_time,
            hours: u64::from(requested.settings.resource_expired_hours),
            watched: requested.watched,
            stop: None,
            waiting: false,
            sessions: Vec::new(),
            next: 1,
            round: (!requested.watched).then_some(round),
            alarms: Vec::new(),
            replacements: Vec::new(),
            acted: entry.at,
            gap: None,
            hurried: None,
            last_at: entry.at,
            was_due: Vec::new(),
        })
    }

    pub(crate) fn session(&self, number: SessionNumber) -> Option<&Session> {
        self.sessions.iter().find(|session| session.number == number)
    }

    fn session_mut(&mut self, number: SessionNumber) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.number == number)
    }

    /// Takes one entry in. `interval` is what was due when somebody last acted (M10), for a lease.
    pub(crate) fn take(&mut self, entry: &Entry, interval: Option<Duration>) {
        let at = entry.at;
        self.last_at = at;
        if matches!(entry.by, By::Client { .. }) && !matches!(entry.fact, Fact::Leased(_)) {
            self.acted = at;
        }
        match &entry.fact {
            Fact::Leased(_) => self.leased(interval, at),
            Fact::CallSent(sent) => self.sent(sent, at),
            Fact::CallAnswered(answered) => self.answered(&answered.id, &answered.answer.class, at),
            Fact::Repeated(repeated) => {
                let of = parts_of(&repeated.id).and_then(|(number, _)| self.session(number));
                if let Some(status) = of.and_then(|session| session.status) {
                    let again = QueryAnswer { status: status.code, ..QueryAnswer::default() };
                    self.answered(&repeated.id, &AnswerClass::Status(again), at);
                }
            }
            Fact::CallUnanswered(unanswered) => self.unanswered(&unanswered.id, unanswered.cause, at),
            Fact::Decided(decision) => self.decided(&decision.kind, decision.rule, at),
            Fact::StopRequested(stop) => match stop.session.map(|number| self.session_mut(number)) {
                Some(Some(session)) => _ = session.stop_asked.get_or_insert(stop.not_before),
                Some(None) => {}
                None => {
                    self.stop.get_or_insert((stop.not_before, self.waiting));
                    self.waiting = false;
                    self.pass(is_about_starting);
                }
            },
            Fact::StopWithdrawn => {
                if let Some((_, waited)) = self.stop.take_if(|(due, _)| at < *due) {
                    self.waiting = waited;
                }
            }
            Fact::PolicyChanged(changed) => self.policy = changed.policy.clone(),
            Fact::TryAgainRequested if self.stop.is_none() => {
                self.replacements.clear();
                self.alarms.retain(|alarm| !is_about_starting(alarm.cause));
                self.begin_round(Because::TriedAgain, at);
            }
            Fact::Hurried => self.hurried = Some(at),
            Fact::Dismissed(dismissed) => {
                let number = dismissed.session;
                self.pass(|cause| cause == AlarmCause::OutOfControl(number));
                if let Some(session) = self.session_mut(number) {
                    session.dismissed = true;
                }
            }
            Fact::Adopted(adopted) => {
                if self.session(adopted.session).is_none() {
                    self.sessions.push(Session::new(adopted.session, adopted.uid, Because::Adopted, at));
                    self.next += 1;
                }
                if let Some(session) = self.session_mut(adopted.session).filter(|it| it.sid.is_none()) {
                    session.resource = Some(at);
                    session.adopted = true;
                    session.accept(&adopted.sid, at);
                    self.end_round(adopted.session, at);
                }
            }
            Fact::Notified(notified) => self.notified(notified, at),
            _ => {}
        }
    }

    fn notified(&mut self, notified: &Notified, came: Timestamp) {
        use EventType::{
            BackedUp, Error, RecorderLeave, RecorderStarted, SessionExit, SessionFailover, SliceStart,
            StatusUpdate, Uploaded,
        };
        let of_sid = |its: &&mut Session| its.sid.as_ref().is_some_and(|(sid, _)| *sid == notified.sid);
        let Some(session) = self.sessions.iter_mut().find(of_sid) else { return };
        let Notified { event, sequence, sent_at: sent, details, .. } = notified;
        let uid = notified.uid.unwrap_or(session.uid);
        // N3: an end counts once, an upload once for each recorder.
        let mut known = session.notices.iter().filter(|notice| notice.event == *event);
        let asks = match event {
            SessionExit => known.next().is_none(),
            Uploaded | BackedUp => known.all(|notice| notice.uid != uid),
            Error => details.level.is_some_and(|level| level >= 4),
            StatusUpdate | SessionFailover | RecorderStarted | RecorderLeave => true,
            _ => false,
        };
        if asks && session.watched() {
            session.asks.get_or_insert(came);
        }
        session.recorded |= *event == SliceStart;
        session.names(&details.files);
        let (new_uid, idle) = (details.new_uid, details.left_idle());
        session.notices.push(Notice {
            event: *event,
            uid,
            sent: *sent,
            sequence: *sequence,
            came,
            new_uid,
            idle,
        });
    }

    /// M10: who takes over asks before anything is concluded.
    fn leased(&mut self, interval: Option<Duration>, at: Timestamp) {
        if interval.is_some_and(|interval| at.since(self.acted) > interval * 2) {
            self.gap = Some(Gap { from: self.acted, to: at });
            for session in &mut self.sessions {
                let last = session.last_answer.unwrap_or(session.begun);
                let judged = matches!(session.state, State::Accepted | State::Live | State::Ending);
                if judged && at.since(last) > Duration::from_secs(90) && session.stop_accepted.is_none() {
                    session.absent = None;
                }
            }
        }
        self.acted = at;
    }

    fn sent(&mut self, sent: &CallSent, at: Timestamp) {
        if self.session(sent.session).is_none() {
            let because = self.round.map_or(Because::Asked, |round| round.because);
            self.sessions.push(Session::new(sent.session, sent.uid, because, at));
            self.next += 1;
        }
        self.was_due.retain(|plan| plan.session != sent.session);
        let Some(session) = self.session_mut(sent.session) else { return };
        if sent.operation == Operation::Query {
            session.asks = None;
        }
        let lane = session.lane_mut(sent.operation);
        if lane.silent == 0 && lane.limited == 0 {
            (lane.from, lane.left) = (sent.domain, false);
        }
        lane.to = sent.domain;
        lane.sent = Some(at);
        lane.open = Some((sent.id.clone(), at));
    }

    fn answered(&mut self, id: &CallId, class: &AnswerClass, at: Timestamp) {
        let Some((number, operation)) = parts_of(id) else { return };
        let Some(session) = self.session_mut(number) else { return };
        let open = session.lane_mut(operation).open.take_if(|(open, _)| open == id);
        let place = session.late.iter().position(|(late, _)| late == id);
        let late = open.is_none();
        let Some((_, asked)) = open.or_else(|| place.map(|place| session.late.remove(place))) else { return };
        let lane = session.lane_mut(operation);
        // D8: a late answer ends the try whose repeats it finds waiting.
        if !late || (lane.open.is_none() && lane.silent > 0) {
            lane.answered(class, at);
        }
        match (operation, class) {
            (Operation::Acquire, AnswerClass::Acquired(_)) if session.state == State::Trying => {
                session.resource.get_or_insert(at);
            }
            (Operation::Start, AnswerClass::Started(sid) | AnswerClass::AlreadyStarted(Some(sid))) => {
                if session.sid.is_none() {
                    session.accept(sid, at);
                }
                self.end_round(number, at);
            }
            (Operation::Start, class) => session.may_run = session.may_run.max(may_run(came(class))),
            (Operation::Query, class) if session.told(class, asked, at) => {
                use AlarmCause::{Configuration, Lost, Unclear};
                let passed = [Configuration(number), Unclear(number), Lost(number)];
                self.pass(|cause| passed.contains(&cause));
            }
            (
                Operation::Stop,
                AnswerClass::Stopped(_)
                | AnswerClass::NoRecordedData
                | AnswerClass::AlreadyExiting
                | AnswerClass::UploadTimeout,
            ) => {
                session.stop_accepted = Some(at);
                session.stop.tries = 0;
                if let AnswerClass::Stopped(stopped) = class {
                    session.names(&stopped.files);
                }
                self.pass(|cause| cause == AlarmCause::StopRefused(number));
            }
            (Operation::Stop, AnswerClass::ServiceNotFound) => {
                session.stop.tries = 0;
                session.not_found(None, at);
            }
            _ => {}
        }
    }

    fn unanswered(&mut self, id: &CallId, cause: UnansweredCause, at: Timestamp) {
        let Some((number, operation)) = parts_of(id) else { return };
        let Some(session) = self.session_mut(number) else { return };
        let lane = session.lane_mut(operation);
        let Some(call) = lane.open.take_if(|(open, _)| open == id) else { return };
        let through = lane.unanswered(cause, at);
        if session.late.len() >= 6 {
            session.late.remove(0);
        }
        session.late.push(call);
        if operation == Operation::Start && !cause.nothing_left() {
            session.may_run = MayRun::Possibly;
        }
        if operation == Operation::Query && through {
            session.last_answer = Some(at);
            session.not_clear(at, false);
        }
    }

    fn decided(&mut self, kind: &DecisionKind, rule: RuleId, at: Timestamp) {
        let number = kind.session().unwrap_or(0);
        if let Some(session) = self.session_mut(number) {
            match kind {
                DecisionKind::Confirmed(_) => {
                    session.confirmed.get_or_insert(at);
                    (session.state, session.ending) = (State::Live, None);
                }
                DecisionKind::InDoubt(_) => {
                    session.absent = session.absent.map(|absent| Absent { declared: true, ..absent });
                }
                DecisionKind::Lost(_) => {
                    session.state = State::Lost;
                    let t0 = session.ending.unwrap_or(at);
                    session.absent.get_or_insert(Absent { t0, asked: None, declared: true });
                }
                DecisionKind::NotStarted { alive, .. } => {
                    session.state = State::NotStarted;
                    if *alive {
                        session.stop_it(at, RuleId::V3);
                    }
                }
                DecisionKind::Ending(_) => session.state = State::Ending,
                DecisionKind::Ended { how, .. } => session.state = State::Over(*how),
                DecisionKind::TakenAsEnded(_) => session.state = State::Taken,
                DecisionKind::Orphaned { .. } | DecisionKind::Abandoned(_) if session.sid.is_none() => {
                    session.state = State::GivenUp;
                }
                _ => {}
            }
        }
        match kind {
            DecisionKind::Confirmed(_) | DecisionKind::NotStarted { .. } => {
                self.pass(|cause| cause == AlarmCause::Unconfirmed(number));
                let why = self.session(number).map(|session| session.because);
                let (old, rule) = match why {
                    Some(Because::ChangesOver(old)) => (old, RuleId::T6),
                    Some(Because::Doubles(old)) => (old, RuleId::V4),
                    _ => (0, RuleId::T6),
                };
                if let (DecisionKind::Confirmed(_), Some(old)) = (kind, self.session_mut(old)) {
                    old.stop_it(at, rule);
                }
            }
            DecisionKind::Ended { .. } => self.pass(|cause| cause.session() == Some(number)),
            DecisionKind::Recovered(_) => self.recovered(number, at),
            DecisionKind::Orphaned { .. } => {
                // S9: one entry a UID; a newer one says all that an older unlikely one said.
                let uid = self.session(number).map(|session| session.uid);
                for older in self.sessions.iter_mut().filter(|it| it.number < number && Some(it.uid) == uid) {
                    if older.state == State::GivenUp && older.may_run == MayRun::Unlikely {
                        older.may_run = MayRun::No;
                    }
                }
            }
            DecisionKind::Replace(gone) => {
                if let Some(session) = self.session_mut(*gone) {
                    session.replaced = true;
                }
                if rule == RuleId::R1 {
                    self.replacements.push(at);
                }
                let because = match rule {
                    RuleId::T6 => Because::ChangesOver(*gone),
                    RuleId::V4 => Because::Doubles(*gone),
                    RuleId::R2 => Because::Restarts(*gone),
                    _ => Because::Replaces(*gone),
                };
                self.begin_round(because, at);
            }
            DecisionKind::WaitForStaff(_) => {
                self.sessions.iter_mut().filter(|it| it.gone()).for_each(|session| session.replaced = true);
                self.round = None;
                self.waiting = true;
            }
            DecisionKind::Alarm(cause) => {
                match (cause, &mut self.round) {
                    (AlarmCause::StartFailing, Some(round)) => _ = round.minutes.get_or_insert(at),
                    (AlarmCause::UidsInUse, Some(round)) => {
                        round.full += 1;
                        round.from = self.next;
                    }
                    _ => {}
                }
                self.alarms.retain(|alarm| alarm.cause != *cause);
                self.alarms.push(Raised { cause: *cause, at, passed: false });
            }
            _ => {}
        }
    }

    /// M4: what was being begun in its place is not needed any more.
    fn recovered(&mut self, number: SessionNumber, at: Timestamp) {
        let runs = |other: &&Session| matches!(other.state, State::Accepted | State::Live);
        let others = self.sessions.iter().filter(runs).any(|other| other.number != number);
        let Some(session) = self.session_mut(number) else { return };
        let records = session.status.is_some_and(|status| matches!(status.code, 4 | 5));
        (session.back, session.was_away, session.replaced) = (false, true, false);
        if records {
            session.confirmed.get_or_insert(at);
        }
        session.state = if session.confirmed.is_some() { State::Live } else { State::Accepted };
        if !records {
            return self.pass(|cause| cause == AlarmCause::Lost(number));
        }
        let younger = |it: &&mut Session| others && it.number > number && it.state == State::Accepted;
        for younger in self.sessions.iter_mut().filter(younger) {
            younger.stop_it(at, RuleId::M4);
            younger.replaced = true;
        }
        if let Some(round) = self.round.take_if(|round| matches!(round.because, Because::Replaces(_))) {
            self.give_up_from(round.from, at);
            self.pass(is_about_starting);
        }
        self.pass(|cause| cause == AlarmCause::Lost(number));
    }

    fn begin_round(&mut self, because: Because, begun: Timestamp) {
        self.waiting = false;
        self.round = Some(Round { because, begun, from: self.next, full: 0, minutes: None });
    }

    /// A `sid` came; another session that was begun meanwhile is not needed.
    fn end_round(&mut self, number: SessionNumber, at: Timestamp) {
        // Also one of the same way to a `sid`, in which every UID was in use before (S7).
        let begun = self.session(number).map(|session| (session.because, session.begun));
        let of_it = |round: &mut Round| {
            let same = begun.is_some_and(|(because, at)| because == round.because && at >= round.begun);
            number >= round.from || same
        };
        if let Some(round) = self.round.take_if(of_it) {
            self.give_up_from(round.from, at);
        }
        self.pass(|cause| {
            use AlarmCause::{AcquireFailing, StartFailing, StartRefused, UidsInUse};
            matches!(cause, StartFailing | StartRefused | AcquireFailing | UidsInUse)
        });
    }

    fn give_up_from(&mut self, from: SessionNumber, at: Timestamp) {
        let begun = |it: &&mut Session| it.number >= from && it.state == State::Trying;
        for session in self.sessions.iter_mut().filter(begun) {
            session.stop_it(at, RuleId::M4);
            session.replaced = true;
        }
    }

    fn pass(&mut self, passed: impl Fn(AlarmCause) -> bool) {
        for alarm in &mut self.alarms {
            alarm.passed |= passed(alarm.cause);
        }
    }
}

/// S9: what an answer to a start leaves behind.
const fn may_run(came: Option<Came>) -> MayRun {
    match came {
        Some(Came::Code65 | Came::Unclear | Came::Already | Came::Nothing(true)) => MayRun::Possibly,
        Some(Came::Server | Came::Gateway) => MayRun::Unlikely,
        _ => MayRun::No,
    }
}

/// Whether an alarm is about what is not being started: it passes when staff stop or try again.
const fn is_about_starting(cause: AlarmCause) -> bool {
    use AlarmCause::{
        AcquireFailing, Fatal, ReplacementFailed, ReplacementsUsed, StartFailing, StartRefused, UidsInUse,
        Unattended,
    };
    matches!(
        cause,
        StartFailing
            | StartRefused
            | AcquireFailing
            | UidsInUse
            | ReplacementsUsed
            | ReplacementFailed
            | Fatal(_)
            | Unattended
    )
}

// ---- what follows from it at once ---------------------------------------------------------------------------------------

pub(crate) const fn unclear(came: Came) -> bool {
    matches!(came, Came::Code65 | Came::Unclear | Came::Nothing(_))
}

pub(crate) const fn in_use(came: Came) -> bool {
    matches!(came, Came::Conflict | Came::Already)
}

impl Session {
    pub(crate) fn trying(&self) -> bool {
        self.state == State::Trying
    }

    pub(crate) fn accepted_at(&self) -> Option<Timestamp> {
        self.sid.as_ref().map(|(_, at)| *at)
    }

    /// The last outcome of a session without a `sid`, and when it came.
    pub(crate) fn failed(&self) -> (Option<Came>, Timestamp) {
        let came = self.start.came.or(self.acquire.came.filter(|came| *came != Came::Done));
        (came, self.start.ended.max(self.acquire.ended).unwrap_or(self.begun))
    }

    /// M11: it is still asked after, although it is deemed gone.
    pub(crate) const fn is_watched_on(&self) -> bool {
        matches!(self.state, State::Lost | State::NotStarted | State::Taken)
    }

    /// V3: the last moment of the verification.
    pub(crate) fn verdict(&self) -> Timestamp {
        self.accepted_at().unwrap_or(self.begun) + Duration::from_secs(90)
    }

    /// M2, V3: its 404s are a doubt about something that ran.
    pub(crate) fn in_doubt(&self) -> bool {
        let by_m = self.status.is_some() || self.first_asked.is_some_and(|asked| asked >= self.verdict());
        let stopped = self.stop.came == Some(Came::NotFound);
        self.absent.is_some()
            && (self.state == State::Live
                || (self.state == State::Accepted && (by_m || self.adopted || stopped)))
    }

    /// M1: FNV-1a of its `sid`.
    pub(crate) fn hash(&self) -> u32 {
        let hash = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let sid = self.sid.iter().flat_map(|(sid, _)| sid.as_str().bytes());
        sid.fold(0x811C_9DC5, hash)
    }

    /// N4: the newest notification of this kind.
    fn newest(&self, of_kind: impl Fn(&Notice) -> bool) -> Option<&Notice> {
        let order = |notice: &Notice| (notice.sent, notice.uid != self.uid, notice.sequence);
        let of_kind = self.notices.iter().filter(|notice| of_kind(notice));
        of_kind.reduce(|newest, next| if order(next) > order(newest) { next } else { newest })
    }

    /// M9: when the 11 came that ended it: after the last good answer, and no 12 is later.
    pub(crate) fn exit(&self) -> Option<Timestamp> {
        let exit = self.newest(|notice| notice.event == EventType::SessionExit)?;
        let good = self.status.is_some_and(|status| status.code <= 5 && status.asked >= exit.sent);
        let moved = self.newest(|notice| notice.event == EventType::SessionFailover);
        (!good && moved.is_none_or(|moved| moved.sent <= exit.sent)).then_some(exit.came)
    }

    /// R2: a 41 of the recorder that is there now says that nobody else was, and nothing later says otherwise.
    pub(crate) fn left_idle(&self) -> bool {
        use EventType::{RecorderLeave, RecorderStarted, SessionFailover, SliceStart};
        let Some(left) = self.newest(|notice| notice.event == RecorderLeave && notice.idle) else {
            return false;
        };
        let order = |notice: &Notice| (notice.sent, notice.uid != self.uid, notice.sequence);
        let there = |notice: &Notice| {
            matches!(notice.event, SessionFailover | RecorderStarted | SliceStart)
                && order(notice) > order(left)
        };
        let current = self.legs().into_iter().max().map_or(self.uid, |(_, uid)| uid);
        left.uid == current && !self.notices.iter().any(there)
    }

    /// F3: the recorders of failovers, each with the earliest event that names it.
    fn legs(&self) -> Vec<(Timestamp, Uid)> {
        let mut legs: Vec<(Timestamp, Uid)> = Vec::new();
        for notice in &self.notices {
            let announced = notice.new_uid.filter(|_| notice.event == EventType::SessionFailover);
            for uid in [Some(notice.uid), announced].into_iter().flatten().filter(|uid| *uid != self.uid) {
                match legs.iter_mut().find(|(_, leg)| *leg == uid) {
                    Some((at, _)) => *at = notice.sent.min(*at),
                    None => legs.push((notice.sent, uid)),
                }
            }
        }
        legs
    }

    /// F1: failovers that are proved: by file names, by 12s, or by the recorders that sent something.
    pub(crate) fn proved(&self) -> u8 {
        let count = |named: &dyn Fn(&Notice) -> Option<Uid>| {
            let mut uids: Vec<Uid> = self.notices.iter().filter_map(named).collect();
            uids.retain(|uid| *uid != self.uid);
            uids.sort_unstable();
            uids.dedup();
            u8::try_from(uids.len()).unwrap_or(u8::MAX)
        };
        let announced =
            count(&|notice| notice.new_uid.filter(|_| notice.event == EventType::SessionFailover));
        self.failovers.max(announced).max(count(&|notice| Some(notice.uid)))
    }

    /// When the last notification came.
    pub(crate) fn told_last(&self) -> Option<Timestamp> {
        self.notices.iter().map(|notice| notice.came).max()
    }

    /// V4: when the first 13 came.
    pub(crate) fn registered(&self) -> Option<Timestamp> {
        let registered =
            self.notices.iter().filter(|notice| notice.event == EventType::HighAvailabilityRegistered);
        registered.map(|notice| notice.came).min()
    }

    /// S11: its UID may be in the channel.
    pub(crate) fn holds(&self) -> bool {
        match self.state {
            _ if self.start.open.is_some() => true,
            State::Over(_) => false,
            State::GivenUp => self.may_run != MayRun::No && !self.dismissed,
            _ => true,
        }
    }

    /// R1: it recorded, or was to, and is gone without staff having ended it.
    pub(crate) fn gone(&self) -> bool {
        let ended = match self.state {
            State::Lost | State::NotStarted => true,
            State::Over(EndedHow::Stopped) => self.stop_due.is_some_and(|(_, rule)| rule == RuleId::V3),
            State::Over(_) => true,
            _ => false,
        };
        ended && self.sid.is_some() && self.stop_asked.is_none()
    }
}

impl Recording {
    /// S10: a start procedure runs, or what is left of one.
    pub(crate) fn starting(&self) -> bool {
        let runs = self.round.is_some() && !self.waiting;
        runs && (self.stop.is_none() || self.sessions.iter().any(Session::trying))
    }

    pub(crate) fn round(&self) -> impl DoubleEndedIterator<Item = &Session> {
        let from = self.round.map_or(SessionNumber::MAX, |round| round.from);
        self.sessions.iter().filter(move |session| session.number >= from)
    }

    /// S4: tries of a UID in this round; one that was left behind among its repeats was one.
    pub(crate) fn tries(&self, uid: Uid) -> u32 {
        let cut = |it: &Session| u32::from(it.state == State::GivenUp && it.start.silent > 0);
        self.round().filter(|session| session.uid == uid).map(|it| it.start.tries + cut(it)).sum()
    }

    /// S4: how many UIDs of this round failed, otherwise than by being in use.
    pub(crate) fn failed_uids(&self) -> usize {
        let failed =
            |it: &&Session| it.state == State::GivenUp && it.failed().0.is_some_and(|came| !in_use(came));
        let mut uids: Vec<Uid> = self.round().filter(failed).map(|session| session.uid).collect();
        uids.sort_unstable();
        uids.dedup();
        uids.len()
    }

    pub(crate) fn other(&self, uid: Uid) -> Uid {
        if uid == self.uids.original { self.uids.backup } else { self.uids.original }
    }

    /// S11: whether another session is known to run with this UID.
    pub(crate) fn runs_with(&self, uid: Uid, except: SessionNumber) -> bool {
        let runs = |its: &&Session| matches!(its.state, State::Accepted | State::Live | State::Ending);
        self.sessions.iter().filter(runs).any(|its| its.uid == uid && its.number != except)
    }

    /// S4: the other of the pair, or a reserve where that runs.
    pub(crate) fn in_turn(&self, uid: Uid) -> Uid {
        let reserves = self.uids.reserves.iter().copied().filter(|reserve| *reserve != uid);
        let mut all = [self.other(uid)].into_iter().chain(reserves).chain([uid]);
        all.find(|uid| !self.runs_with(*uid, 0)).unwrap_or(self.other(uid))
    }

    /// S11: original and backup in turn, then the reserves.
    pub(crate) fn order(&self) -> Vec<Uid> {
        let pair = [self.uids.original, self.uids.backup];
        let last = self.sessions.iter().rfind(|it| it.sid.is_some() && pair.contains(&it.uid));
        let first = last.map_or(self.uids.original, |last| self.other(last.uid));
        let mut order = vec![first, self.other(first)];
        order.extend(&self.uids.reserves);
        order
    }

    /// S11: the UID that was lost, or left behind as a possible orphan, longest ago.
    pub(crate) fn gone_longest(&self) -> Option<Uid> {
        let since = |its: &Session| match its.state {
            State::GivenUp => Some(its.failed().1),
            State::Lost | State::NotStarted | State::Taken => its.absent.map(|absent| absent.t0),
            _ => None,
        };
        let gone_since = |uid: &Uid| {
            let holders = self.sessions.iter().filter(|its| its.uid == *uid && its.holds());
            Some((holders.map(since).collect::<Option<Vec<_>>>()?.into_iter().max()?, *uid))
        };
        self.order().iter().filter_map(gone_since).min().map(|(_, uid)| uid)
    }

    /// T: since when a session is to be stopped, and by which rule.
    pub(crate) fn stop_wanted(&self, session: &Session) -> Option<(Timestamp, RuleId)> {
        let by_staff = [self.stop.map(|(due, _)| due), session.stop_asked].into_iter().flatten().min();
        let asked = by_staff.map(|at| (at, RuleId::T7));
        [asked, session.stop_due].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}
