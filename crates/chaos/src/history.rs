//! What happened to each recording, read plainly from the journal's lines: a second reading, which shares nothing with
//! the fold of the rules but the types of the entries. Whoever judges the rules judges by this.

use std::collections::BTreeMap;

use agora::{AnswerClass, Operation, ResourceId, Sid, Timestamp, Uid, UnansweredCause};
use rules::journal::{AlarmCause, By, CallId, DecisionKind, EndedHow, Uids};
use rules::{Entry, EntryNumber, Fact, Policy, RecordingId, RuleId, SessionNumber};

/// What came of a call, as far as any rule tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// What was asked for: a resource ID, a `sid`, a status, an accepted stop.
    Done,
    /// The service's 404.
    NotFound,
    /// 50x of any kind, and a 404 of nobody's.
    Server,
    /// 502, 503, 504 of a gateway.
    Gateway,
    /// Code 65.
    Code65,
    /// Code 62, or a 200 that cannot be read.
    Unclear,
    /// No answer, and D2's repeats are through; whether a byte of them may have left.
    Nothing(bool),
    /// 40x, and the gateway's "no such route".
    Refused,
    /// The limit of concurrent sessions.
    Pcw,
    /// 201 code 7 without a `sid`.
    Already,
    /// Code 53.
    Conflict,
    /// Code 502 of a start.
    NoWorker,
    /// 433, 1001.
    Expired,
}

/// One operation of one session: the calls that left and what came back.
#[derive(Debug, Clone, Default)]
pub struct Lane {
    /// The call that is open.
    pub open: Option<(CallId, Timestamp)>,
    /// When the last one left.
    pub last_sent: Option<Timestamp>,
    /// How many left.
    pub sent: u32,
    /// When the last one ended.
    pub ended: Option<Timestamp>,
    /// How many tries have an outcome.
    pub tries: u32,
    /// The outcome of the last one.
    pub came: Option<Came>,
    /// Calls of the running try without an answer.
    pub unanswered: u32,
    /// Why the last of them had none.
    pub cause: Option<UnansweredCause>,
    /// Whether a byte of them may have left.
    pub left: bool,
    /// 429s in a row, and what the last of them asked for.
    pub limited: u32,
    /// `Retry-After` of the last 429.
    pub retry_after: Option<Timestamp>,
    /// The body of the first call.
    pub body: String,
}

/// One run of the service's 404s.
#[derive(Debug, Clone, Copy)]
pub struct Absence {
    /// When the first was received.
    pub t0: Timestamp,
    /// When the newest query that met one had been sent.
    pub asked: Option<Timestamp>,
    /// How many.
    pub count: u32,
    /// It was declared.
    pub declared: bool,
}

/// What was concluded about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet.
    None,
    /// Lost.
    Lost,
    /// Never started.
    NotStarted,
    /// Taken as ended.
    TakenAsEnded,
    /// Over for certain.
    Over(EndedHow),
    /// Given up before a `sid`; whether it may run.
    GivenUp(bool),
}

/// What notifications told of a session, as far as any rule asks for it (M9, R2, V4).
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// When the last one came.
    pub last: Option<Timestamp>,
    /// The newest 11: when it happened, and when it came.
    pub exit: Option<(Timestamp, Timestamp)>,
    /// A 41 said that nobody was in the channel.
    pub idle: bool,
    /// When the first 13 came, and its entry.
    pub registered: Option<(Timestamp, EntryNumber)>,
}

/// One session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its number.
    pub number: SessionNumber,
    /// Its UID.
    pub uid: Uid,
    /// The round of starts that it belongs to.
    pub round: u32,
    /// When it began.
    pub begun: Timestamp,
    /// Its resource ID, and when it came.
    pub resource: Option<(ResourceId, Timestamp)>,
    /// Its `sid`, and when it came.
    pub sid: Option<(Sid, Timestamp)>,
    /// It became ours when it ran already.
    pub adopted: bool,
    /// Its calls.
    pub acquire: Lane,
    /// Its calls.
    pub start: Lane,
    /// Its calls.
    pub query: Lane,
    /// Its calls.
    pub stop: Lane,
    /// Calls that were given up and may still be answered.
    pub late: Vec<(CallId, Operation, Timestamp)>,
    /// The run of 404s.
    pub absence: Option<Absence>,
    /// The newest status: what, when asked, when told, the entry.
    pub status: Option<(u8, Timestamp, Timestamp, EntryNumber)>,
    /// A 4 or a 5 was told.
    pub started: bool,
    /// A 5 was told.
    pub recorded: bool,
    /// The highest failover that a file name proved (F1).
    pub proved: u8,
    /// Recorders that notifications named beside its own (F1).
    pub recorders: Vec<Uid>,
    /// What notifications told of it.
    pub told: Told,
    /// Why its round began.
    pub because: Because,
    /// A status from 6 on was told, since when.
    pub ending: Option<Timestamp>,
    /// When the first query left that was answered.
    pub first_asked: Option<Timestamp>,
    /// Confirmed (V2).
    pub confirmed: bool,
    /// What was concluded.
    pub verdict: Verdict,
    /// A start may have been carried out, whatever was concluded.
    pub may_run: bool,
    /// When a stop was last accepted.
    pub stop_accepted: Option<Timestamp>,
    /// Staff asked for its stop, not before then.
    pub stop_asked: Option<Timestamp>,
    /// Taken off the board.
    pub dismissed: bool,
    /// Answers without meaning in a row.
    pub unclear: u32,
    /// How many of them at the beginning were code 65.
    pub unclear_65: u32,
    /// Since when queries are refused.
    pub refused: bool,
    /// The entry of the newest answer to a query.
    pub newest_answer: EntryNumber,
}

/// Why a round of starts began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Staff asked, or asked again.
    Asked,
    /// A session was gone (R1).
    Replaces,
    /// Control of a session ends (T6).
    ChangesOver,
}

/// One recording.
#[derive(Debug, Clone)]
pub struct History {
    /// Its name.
    pub id: RecordingId,
    /// Its channel.
    pub channel: String,
    /// Its UIDs.
    pub uids: Uids,
    /// Its policy.
    pub policy: Policy,
    /// For how many hours after its `sid` a session can be controlled.
    pub control_hours: u16,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// The last entry.
    pub last: EntryNumber,
    /// Staff want it stopped: when pressed, when due, the entry.
    pub stop: Option<(Timestamp, Timestamp, EntryNumber)>,
    /// Its sessions.
    pub sessions: Vec<Session>,
    /// The rounds of starts so far: asked, replaced, tried again, or every UID in use.
    pub round: u32,
    /// When this round began.
    pub round_at: Timestamp,
    /// A start is being tried.
    pub starting: bool,
    /// It waits for staff.
    pub waiting: bool,
    /// Both UIDs have failed in this round.
    pub minutes: bool,
    /// Why this round began.
    pub because: Because,
    /// When a client last acted.
    pub acted_at: Timestamp,
    /// The entry and the time of the newest lease.
    pub leased: Option<(EntryNumber, Timestamp)>,
    /// How long nobody had acted before it.
    pub gap_before_lease: core::time::Duration,
    /// When staff last wanted a query at once.
    pub hurried: Option<Timestamp>,
    /// Alarms that were raised, with the entry, and whether staff tried again since.
    pub alarms: Vec<(AlarmCause, EntryNumber)>,
    /// When sessions were replaced.
    pub replaced: Vec<Timestamp>,
}

/// All of them.
pub type Histories = BTreeMap<RecordingId, History>;

impl Session {
    /// The lane of an operation.
    pub fn lane(&mut self, operation: Operation) -> &mut Lane {
        match operation {
            Operation::Acquire => &mut self.acquire,
            Operation::Start => &mut self.start,
            Operation::Query | Operation::Update | Operation::UpdateLayout => &mut self.query,
            Operation::Stop => &mut self.stop,
        }
    }

    /// Whether it has a `sid` and its end is not certain.
    pub fn watched(&self) -> bool {
        self.sid.is_some() && !matches!(self.verdict, Verdict::Over(_)) && !self.dismissed
    }

    fn new(number: SessionNumber, uid: Uid, round: u32, begun: Timestamp) -> Self {
        Self {
            number,
            uid,
            round,
            begun,
            resource: None,
            sid: None,
            adopted: false,
            acquire: Lane::default(),
            start: Lane::default(),
            query: Lane::default(),
            stop: Lane::default(),
            late: Vec::new(),
            absence: None,
            status: None,
            started: false,
            recorded: false,
            proved: 0,
            recorders: Vec::new(),
            told: Told::default(),
            because: Because::Asked,
            ending: None,
            first_asked: None,
            confirmed: false,
            verdict: Verdict::None,
            may_run: false,
            stop_accepted: None,
            stop_asked: None,
            dismissed: false,
            unclear: 0,
            unclear_65: 0,
            refused: false,
            newest_answer: 0,
        }
    }
}

/// The last entry that whoever decided on a call had seen.
pub fn seen_before(id: &CallId) -> Option<EntryNumber> {
    id.0.split(':').nth(1)?.parse().ok()
}

/// Session and operation of a call's id.
pub fn parts_of(id: &CallId) -> Option<(SessionNumber, Operation)> {
    let mut parts = id.0.rsplit(':');
    let operation = Operation::parse(parts.next()?)?;
    Some((parts.next()?.parse().ok()?, operation))
}

impl History {
    /// The history that this first entry begins.
    pub fn begin(id: &RecordingId, entry: &Entry) -> Option<Self> {
        let Fact::Requested(requested) = &entry.fact else { return None };
        Some(Self {
            id: id.clone(),
            channel: requested.channel.as_str().to_owned(),
            uids: requested.uids.clone(),
            policy: requested.policy.clone(),
            control_hours: requested.settings.resource_expired_hours,
            asked_at: entry.at,
            last: entry.number,
            stop: None,
            sessions: Vec::new(),
            round: 1,
            round_at: entry.at,
            starting: !requested.watched,
            waiting: false,
            minutes: false,
            because: Because::Asked,
            acted_at: entry.at,
            leased: None,
            gap_before_lease: core::time::Duration::ZERO,
            hurried: None,
            alarms: Vec::new(),
            replaced: Vec::new(),
        })
    }

    /// The session of this number.
    pub fn session(&self, number: SessionNumber) -> Option<&Session> {
        self.sessions.iter().find(|session| session.number == number)
    }

    /// Whether staff took it off the board, or took off a younger one that said all that it said: one entry a UID (S9).
    pub fn is_off_the_board(&self, session: &Session) -> bool {
        let said_by =
            |other: &Session| other.dismissed && other.uid == session.uid && other.number > session.number;
        session.dismissed || (session.sid.is_none() && self.sessions.iter().any(said_by))
    }

    fn session_mut(&mut self, number: SessionNumber) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.number == number)
    }

    /// Whether somebody was told that control of this session ends, or has ended (T6).
    pub fn control_told(&self, number: SessionNumber) -> bool {
        self.alarms.iter().any(|(cause, _)| {
            matches!(cause, AlarmCause::ControlEnding(of) | AlarmCause::OutOfControl(of) if *of == number)
        })
    }

    /// Whether this session can neither be queried nor stopped any more (T6).
    pub fn out_of_control(&self, session: &Session, now: Timestamp) -> bool {
        let hours = core::time::Duration::from_secs(u64::from(self.control_hours) * 3_600);
        session.sid.as_ref().is_some_and(|(_, accepted)| now >= *accepted + hours)
    }

    /// Takes one entry in.
    pub fn take(&mut self, entry: &Entry) {
        self.last = entry.number;
        let at = entry.at;
        match &entry.fact {
            Fact::Leased(_) => {
                self.gap_before_lease = at.since(self.acted_at);
                self.leased = Some((entry.number, at));
            }
            Fact::CallSent(sent) => {
                if self.session(sent.session).is_none() {
                    let because = self.because;
                    self.sessions
                        .push(Session { because, ..Session::new(sent.session, sent.uid, self.round, at) });
                }
                if let Some(session) = self.session_mut(sent.session) {
                    let lane = session.lane(sent.operation);
                    if lane.unanswered == 0 && lane.limited == 0 {
                        lane.left = false;
                    }
                    lane.open = Some((sent.id.clone(), at));
                    lane.last_sent = Some(at);
                    lane.sent += 1;
                    if lane.sent == 1 {
                        lane.body.clone_from(&sent.body_hash);
                    }
                }
            }
            Fact::CallAnswered(answered) => self.answered(&answered.id, &answered.answer.class, entry),
            Fact::Repeated(repeated) => {
                let status = parts_of(&repeated.id)
                    .and_then(|(number, _)| self.session(number))
                    .and_then(|session| session.status.map(|status| status.0));
                if let Some(status) = status {
                    let answer = agora::QueryAnswer { status, ..agora::QueryAnswer::default() };
                    self.answered(&repeated.id, &AnswerClass::Status(answer), entry);
                }
            }
            Fact::CallUnanswered(unanswered) => self.unanswered(&unanswered.id, unanswered.cause, at),
            Fact::Decided(decision) => self.decided(&decision.kind, decision.rule, entry),
            Fact::StopRequested(stop) => match stop.session {
                None => {
                    self.stop.get_or_insert((at, stop.not_before, entry.number));
                    self.waiting = false;
                }
                Some(number) => {
                    if let Some(session) = self.session_mut(number) {
                        session.stop_asked.get_or_insert(stop.not_before);
                    }
                }
            },
            Fact::StopWithdrawn => self.stop = None,
            Fact::PolicyChanged(changed) => self.policy = changed.policy.clone(),
            Fact::TryAgainRequested => {
                self.replaced.clear();
                self.next_round(at, Because::Asked);
            }
            Fact::Hurried => self.hurried = Some(at),
            Fact::Adopted(adopted) => {
                if self.session(adopted.session).is_none() {
                    self.sessions.push(Session::new(adopted.session, adopted.uid, self.round, at));
                }
                let round = self.round;
                if let Some(session) = self.session_mut(adopted.session) {
                    let of_this_round = session.round == round;
                    session.adopted = true;
                    session.resource = Some((adopted.resource_id.clone(), at));
                    session.sid.get_or_insert((adopted.sid.clone(), at));
                    self.starting &= !of_this_round;
                }
            }
            Fact::Dismissed(dismissed) => {
                if let Some(session) = self.session_mut(dismissed.session) {
                    session.dismissed = true;
                }
            }
            Fact::Notified(notified) => {
                let of_sid = |session: &&mut Session| {
                    session.sid.as_ref().is_some_and(|(sid, _)| *sid == notified.sid)
                };
                let Some(session) = self.sessions.iter_mut().find(of_sid) else { return };
                let named = [notified.uid, notified.details.new_uid];
                for uid in named.into_iter().flatten() {
                    if uid != session.uid && !session.recorders.contains(&uid) {
                        session.recorders.push(uid);
                    }
                }
                let legs = notified.details.files.iter().filter_map(|file| agora::files::leg_of(&file.name));
                session.proved = legs.map(|leg| leg.saturating_add(1)).fold(session.proved, u8::max);
                session.recorded |= notified.event == agora::EventType::SliceStart;
                let told = &mut session.told;
                told.last = Some(at);
                match notified.event {
                    agora::EventType::SessionExit
                        if told.exit.is_none_or(|(known, _)| known < notified.sent_at) =>
                    {
                        told.exit = Some((notified.sent_at, at));
                    }
                    agora::EventType::RecorderLeave => told.idle |= notified.details.left_idle(),
                    agora::EventType::HighAvailabilityRegistered => {
                        told.registered = told.registered.or(Some((at, entry.number)));
                    }
                    _ => {}
                }
            }
            Fact::Requested(_)
            | Fact::NotifiedAgain(_)
            | Fact::UpdateRequested(_)
            | Fact::LayoutRequested(_)
            | Fact::Acknowledged(_)
            | Fact::Unknown(_) => {}
        }
        if matches!(entry.by, By::Client { .. }) {
            self.acted_at = at;
        }
    }

    fn next_round(&mut self, at: Timestamp, because: Because) {
        self.round += 1;
        self.because = because;
        self.round_at = at;
        self.starting = true;
        self.waiting = false;
        self.minutes = false;
    }

    fn answered(&mut self, id: &CallId, class: &AnswerClass, entry: &Entry) {
        let Some((number, operation)) = parts_of(id) else { return };
        let round = self.round;
        let Some(session) = self.session_mut(number) else { return };
        let at = entry.at;
        let lane = session.lane(operation);
        let (sent_at, ends_try) = match &lane.open {
            Some((open, sent_at)) if open == id => {
                let sent_at = *sent_at;
                lane.open = None;
                (sent_at, true)
            }
            _ => {
                // A late answer ends the try it belongs to, unless a repeat is on its way or the try is through.
                let ends_try = lane.open.is_none() && lane.unanswered > 0;
                let Some(place) = session.late.iter().position(|(late, ..)| late == id) else { return };
                (session.late.remove(place).2, ends_try)
            }
        };
        let lane = session.lane(operation);
        if ends_try {
            lane.ended = Some(at);
            lane.unanswered = 0;
            lane.cause = None;
            if let AnswerClass::RateLimited { retry_after } = class {
                lane.limited += 1;
                lane.retry_after = retry_after.map(|span| at + span);
            } else {
                lane.limited = 0;
                lane.retry_after = None;
                lane.tries += 1;
                lane.came = came(class);
            }
        }
        match operation {
            Operation::Acquire => {
                if let (AnswerClass::Acquired(resource), None) = (class, &session.resource) {
                    session.resource = Some((resource.clone(), at));
                }
            }
            Operation::Start => match class {
                AnswerClass::Started(sid) | AnswerClass::AlreadyStarted(Some(sid)) => {
                    if session.sid.is_none() {
                        session.sid = Some((sid.clone(), at));
                        session.query = Lane::default();
                        session.verdict = Verdict::None;
                        session.may_run = false;
                    }
                    if session.round == round {
                        self.starting = false;
                    }
                }
                _ => {
                    let may = came(class).is_some_and(|came| match came {
                        Came::Server | Came::Gateway | Came::Code65 | Came::Unclear | Came::Already => true,
                        Came::Nothing(left) => left,
                        Came::Done
                        | Came::NotFound
                        | Came::Refused
                        | Came::Pcw
                        | Came::Conflict
                        | Came::NoWorker
                        | Came::Expired => false,
                    });
                    session.may_run |= may;
                }
            },
            Operation::Query => session.asked(sent_at, class, entry),
            Operation::Stop => match class {
                AnswerClass::Stopped(_)
                | AnswerClass::NoRecordedData
                | AnswerClass::AlreadyExiting
                | AnswerClass::UploadTimeout => {
                    session.stop_accepted = Some(at);
                    session.stop.tries = 0;
                }
                AnswerClass::ServiceNotFound => {
                    session.stop.tries = 0;
                    session.newest_answer = entry.number;
                    session.not_found(None, at);
                }
                _ => {}
            },
            Operation::Update | Operation::UpdateLayout => {}
        }
    }

    fn unanswered(&mut self, id: &CallId, cause: UnansweredCause, at: Timestamp) {
        let Some((number, operation)) = parts_of(id) else { return };
        let Some(session) = self.session_mut(number) else { return };
        let lane = session.lane(operation);
        let Some((_, sent_at)) = lane.open.take_if(|(open, _)| open == id) else { return };
        lane.ended = Some(at);
        lane.left |= !cause.nothing_left();
        lane.cause = Some(cause);
        lane.unanswered += 1;
        let through = lane.unanswered > 3;
        if through {
            lane.unanswered = 0;
            lane.limited = 0;
            lane.retry_after = None;
            lane.tries += 1;
            lane.came = Some(Came::Nothing(lane.left));
        }
        let left = lane.left;
        // No more are kept than can still be answered.
        if session.late.len() >= 6 {
            session.late.remove(0);
        }
        session.late.push((id.clone(), operation, sent_at));
        if operation == Operation::Start {
            session.may_run |= left;
        }
        if operation == Operation::Query && through {
            session.unclear += 1;
        }
    }

    fn decided(&mut self, kind: &DecisionKind, rule: RuleId, entry: &Entry) {
        let at = entry.at;
        let verdict = match kind {
            DecisionKind::Lost(number) => Some((*number, Verdict::Lost)),
            DecisionKind::NotStarted { session, .. } => Some((*session, Verdict::NotStarted)),
            DecisionKind::TakenAsEnded(number) => Some((*number, Verdict::TakenAsEnded)),
            DecisionKind::Ended { session, how } => Some((*session, Verdict::Over(*how))),
            DecisionKind::Orphaned { session, .. } => Some((*session, Verdict::GivenUp(true))),
            DecisionKind::Abandoned(number) => Some((*number, Verdict::GivenUp(false))),
            DecisionKind::Confirmed(number) => {
                if let Some(session) = self.session_mut(*number) {
                    session.confirmed = true;
                    session.ending = None;
                }
                None
            }
            DecisionKind::Recovered(number) => {
                // What was to be replaced is back.
                let records = self.session(*number).is_some_and(|session| {
                    session.status.is_some_and(|(status, ..)| matches!(status, 4 | 5))
                });
                self.starting &= !(records && self.because == Because::Replaces);
                if let Some(session) = self.session_mut(*number).filter(|_| records) {
                    session.confirmed = true;
                }
                Some((*number, Verdict::None))
            }
            DecisionKind::InDoubt(number) => {
                if let Some(absence) = self.session_mut(*number).and_then(|session| session.absence.as_mut())
                {
                    absence.declared = true;
                }
                None
            }
            DecisionKind::Ending(_) | DecisionKind::NotApplied { .. } | DecisionKind::TakesOver(_) => None,
            DecisionKind::Replace(_) => {
                let because = if rule == RuleId::R1 { Because::Replaces } else { Because::ChangesOver };
                if because == Because::Replaces {
                    self.replaced.push(at);
                }
                self.next_round(at, because);
                None
            }
            DecisionKind::WaitForStaff(_) => {
                self.waiting = true;
                self.starting = false;
                None
            }
            DecisionKind::Alarm(cause) => {
                match cause {
                    AlarmCause::StartFailing if self.starting => self.minutes = true,
                    AlarmCause::UidsInUse if self.starting => {
                        self.round += 1;
                    }
                    _ => {}
                }
                self.alarms.push((*cause, entry.number));
                None
            }
        };
        if let Some((number, verdict)) = verdict
            && let Some(session) = self.session_mut(number)
            && !(matches!(verdict, Verdict::GivenUp(_)) && session.sid.is_some())
        {
            session.verdict = verdict;
        }
    }
}

impl Session {
    fn not_found(&mut self, asked: Option<Timestamp>, at: Timestamp) {
        let absence = self.absence.get_or_insert(Absence { t0: at, asked: None, count: 0, declared: false });
        absence.asked = absence.asked.max(asked);
        absence.count += 1;
    }

    fn asked(&mut self, sent_at: Timestamp, class: &AnswerClass, entry: &Entry) {
        let at = entry.at;
        if matches!(self.verdict, Verdict::Over(_)) {
            return;
        }
        // D10: an answer to an older question than one that was answered well tells nothing.
        if self.status.is_some_and(|(_, asked, ..)| asked > sent_at) {
            return;
        }
        self.newest_answer = entry.number;
        self.first_asked.get_or_insert(sent_at);
        match class {
            AnswerClass::Status(status)
                if status.sid.is_none() || status.sid.as_ref() == self.sid.as_ref().map(|(sid, _)| sid) =>
            {
                self.status = Some((status.status, sent_at, at, entry.number));
                self.unclear = 0;
                self.unclear_65 = 0;
                self.refused = false;
                let legs = status.files.iter().filter_map(|file| agora::files::leg_of(&file.name));
                self.proved = legs.map(|leg| leg.saturating_add(1)).fold(self.proved, u8::max);
                match status.status {
                    0..=5 => {
                        self.started |= matches!(status.status, 4 | 5);
                        self.recorded |= status.status == 5;
                        self.absence = None;
                        self.ending = None;
                    }
                    _ => {
                        self.ending.get_or_insert(at);
                    }
                }
            }
            AnswerClass::ServiceNotFound => {
                self.unclear = 0;
                self.unclear_65 = 0;
                self.refused = false;
                self.not_found(Some(sent_at), at);
            }
            AnswerClass::RateLimited { .. } => {}
            AnswerClass::Refused | AnswerClass::NoRoute => {
                self.unclear = 0;
                self.unclear_65 = 0;
                self.refused = true;
            }
            AnswerClass::NotCompleted => {
                if self.unclear == self.unclear_65 {
                    self.unclear_65 += 1;
                }
                self.unclear += 1;
            }
            _ => self.unclear += 1,
        }
    }
}

/// What an answer comes to; none for a 429.
pub fn came(class: &AnswerClass) -> Option<Came> {
    Some(match class {
        AnswerClass::Acquired(_)
        | AnswerClass::Started(_)
        | AnswerClass::Status(_)
        | AnswerClass::Updated
        | AnswerClass::Stopped(_)
        | AnswerClass::NoRecordedData
        | AnswerClass::AlreadyExiting
        | AnswerClass::UploadTimeout
        | AnswerClass::AlreadyStarted(Some(_)) => Came::Done,
        AnswerClass::ServiceNotFound => Came::NotFound,
        AnswerClass::ForeignNotFound | AnswerClass::ServerError => Came::Server,
        AnswerClass::GatewayError => Came::Gateway,
        AnswerClass::NotCompleted => Came::Code65,
        AnswerClass::RequestTimeout | AnswerClass::Unreadable => Came::Unclear,
        AnswerClass::Refused | AnswerClass::NoRoute => Came::Refused,
        AnswerClass::PcwReached => Came::Pcw,
        AnswerClass::AlreadyStarted(None) => Came::Already,
        AnswerClass::TaskConflict => Came::Conflict,
        AnswerClass::WorkerNotAllocated => Came::NoWorker,
        AnswerClass::ResourceExpired => Came::Expired,
        AnswerClass::RateLimited { .. } => return None,
    })
}
