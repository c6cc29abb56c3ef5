//! How a recording stands: one name for everything that its fold says, and the class, mark and group that belong to it.

use agora::Timestamp;
use client::Refusal;
use rules::journal::{AlarmCause, EndedHow, WaitingFor};
use rules::line::Outcome;
use rules::recording::{Alarm, Because, Phase, Recording, Session};
use rules::{Call, Patience, Reason, SessionNumber};

use crate::parts::icon::{Glyph, Tone};
use crate::parts::lamps::Lamps;
use crate::parts::pips::Failovers;
use crate::parts::strip::Probe;

/// How a recording stands. The names exclude each other; the worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// An entry of a kind that this build does not know.
    Unreadable,
    /// Nothing more is done until staff say so.
    Waits(WaitingFor),
    /// A session is lost, and nobody records.
    Lost(SessionNumber),
    /// A session is lost, and another one is being started.
    Replacing,
    /// Two sessions record and are billed.
    Twins,
    /// Control of a session has ended.
    OutOfControl(SessionNumber),
    /// Staff asked for a stop, and can still take it back.
    StopPending(Timestamp),
    /// A stop is refused.
    StopRefused(SessionNumber),
    /// A stop is not confirmed for long.
    StopUnconfirmed(SessionNumber),
    /// A stop had no clear answer and is sent again.
    StopRetrying(SessionNumber),
    /// A stop was answered 404: it is sent again when the session is back.
    StopWaits(SessionNumber),
    /// A stop is on its way or was accepted.
    Stopping(SessionNumber),
    /// Not found after a stop, and still asked after.
    TakenAsEnded(SessionNumber),
    /// A start that may run unseen.
    Orphan(SessionNumber),
    /// 404 for less than a process restart takes, or a doubt that no failover explains.
    InDoubt(SessionNumber),
    /// 404 within the ninety seconds of a failover.
    InFailover(SessionNumber),
    /// No clear answer.
    Unclear(SessionNumber),
    /// Our own queries are refused.
    Refused(SessionNumber),
    /// The service says that it is ending.
    Ending(SessionNumber),
    /// Waits for the limit of sessions.
    WaitsForRoom,
    /// A start failed and is tried again.
    StartRetrying,
    /// An acquire or a start is on its way.
    Starting,
    /// Accepted, not confirmed.
    Unconfirmed(SessionNumber),
    /// It records.
    Records(SessionNumber),
    /// All is over.
    Ended(Option<EndedHow>),
}

/// The three questions of staff, and what is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Someone must act.
    NeedsYou,
    /// The rules are at it.
    Handled,
    /// It records.
    Recording,
    /// It is over.
    Ended,
}

impl Standing {
    /// How a recording stands at `now`.
    pub fn of(recording: &Recording, now: Timestamp) -> Self {
        if recording.unreadable {
            return Self::Unreadable;
        }
        if let Some(waiting) = &recording.waiting {
            return Self::Waits(waiting.why);
        }
        if let Some(stop) = recording.stop.as_ref().filter(|stop| now < stop.not_before) {
            return Self::StopPending(stop.not_before);
        }
        let alive: Vec<&Session> = recording.sessions.iter().filter(|session| session.is_billed()).collect();
        let has = |wanted: fn(AlarmCause) -> Option<SessionNumber>| {
            recording.open_alarms().find_map(|alarm| wanted(alarm.cause))
        };
        if let Some(number) =
            has(|cause| if let AlarmCause::OutOfControl(number) = cause { Some(number) } else { None })
        {
            return Self::OutOfControl(number);
        }
        if recording.stop.is_some()
            && let Some(standing) = Self::of_stop(recording)
        {
            return standing;
        }
        if alive.len() > 1 && alive.iter().filter(|session| session.confirmed.is_some()).count() > 1 {
            return Self::Twins;
        }
        let lost = recording
            .sessions
            .iter()
            .rev()
            .find(|session| matches!(session.phase, Phase::Lost | Phase::NotStarted));
        if let Some(session) = alive.last() {
            return Self::of_session(recording, session, now);
        }
        // One that was stopped starts nothing more, except what may still tell a `sid` (T5).
        let trying = |session: &Session| matches!(session.phase, Phase::Acquiring | Phase::Starting);
        if recording.is_starting() && (recording.is_wanted() || recording.sessions.iter().any(trying)) {
            let replaces = recording
                .procedure
                .as_ref()
                .is_some_and(|procedure| matches!(procedure.because, Because::Replaces(_)));
            return Self::of_start(recording, replaces);
        }
        if let Some(session) = lost.filter(|_| recording.is_wanted()) {
            return Self::Lost(session.number);
        }
        if let Some(session) = recording.sessions.iter().find(|session| session.is_orphan()) {
            return Self::Orphan(session.number);
        }
        if let Some(session) =
            recording.sessions.iter().rev().find(|session| session.phase == Phase::TakenAsEnded)
        {
            return Self::TakenAsEnded(session.number);
        }
        if let Some(session) = lost {
            return Self::Lost(session.number);
        }
        let how = recording.sessions.iter().rev().find_map(|session| match session.phase {
            Phase::Over(how) => Some(how),
            _ => None,
        });
        Self::Ended(how)
    }

    fn of_stop(recording: &Recording) -> Option<Self> {
        for alarm in recording.open_alarms() {
            match alarm.cause {
                AlarmCause::StopRefused(number) => return Some(Self::StopRefused(number)),
                AlarmCause::StopUnconfirmed(number) => return Some(Self::StopUnconfirmed(number)),
                _ => {}
            }
        }
        let session = recording.sessions.iter().rev().find(|session| {
            matches!(
                session.phase,
                Phase::Starting
                    | Phase::Accepted
                    | Phase::Live
                    | Phase::Ending
                    | Phase::Lost
                    | Phase::NotStarted
            )
        })?;
        let number = session.number;
        Some(if session.doubt.is_some() && session.stop_accepted.is_none() {
            Self::StopWaits(number)
        } else if session.stop_accepted.is_none()
            && session.halt.outcome.is_some_and(|outcome| outcome != Outcome::Done)
        {
            Self::StopRetrying(number)
        } else {
            Self::Stopping(number)
        })
    }

    fn of_session(recording: &Recording, session: &Session, now: Timestamp) -> Self {
        let number = session.number;
        if let Some(doubt) = &session.doubt {
            let since = now.since(doubt.t0);
            let window = core::time::Duration::from_secs(u64::from(recording.policy.doubt_window));
            let killed = agora::limits::FAILOVER_KILLED;
            let patient = recording.policy.patience == Patience::Patient;
            return if since >= killed && since <= window && patient && session.confirmed.is_some() {
                Self::InFailover(number)
            } else {
                Self::InDoubt(number)
            };
        }
        if session.phase == Phase::Ending || session.ending.is_some() {
            return Self::Ending(number);
        }
        if session.refused.is_some() {
            return Self::Refused(number);
        }
        if session.unclear.is_some() || session.query.unanswered > 0 {
            return Self::Unclear(number);
        }
        if session.stop_asked.is_some() || session.stop_due.is_some() {
            return Self::Stopping(number);
        }
        if session.confirmed.is_some() { Self::Records(number) } else { Self::Unconfirmed(number) }
    }

    fn of_start(recording: &Recording, replaces: bool) -> Self {
        let session = recording
            .sessions
            .last()
            .filter(|session| matches!(session.phase, Phase::Acquiring | Phase::Starting));
        let failed = |outcome: Option<Outcome>| outcome.is_some_and(|outcome| outcome != Outcome::Done);
        let tried_before = recording.procedure.as_ref().is_some_and(|procedure| {
            recording
                .sessions
                .iter()
                .any(|session| session.number >= procedure.from_session && session.phase == Phase::Abandoned)
        });
        match session {
            Some(session) if session.acquire.outcome == Some(Outcome::PcwReached) => Self::WaitsForRoom,
            Some(session) if failed(session.start.outcome) || failed(session.acquire.outcome) => {
                Self::StartRetrying
            }
            Some(session) if session.start.unanswered > 0 || session.acquire.unanswered > 0 => {
                Self::StartRetrying
            }
            _ if replaces => Self::Replacing,
            _ if tried_before => Self::StartRetrying,
            _ => Self::Starting,
        }
    }

    /// The session that it is about, if it is about one.
    pub const fn session(self) -> Option<SessionNumber> {
        match self {
            Self::Lost(number)
            | Self::OutOfControl(number)
            | Self::StopRefused(number)
            | Self::StopUnconfirmed(number)
            | Self::StopRetrying(number)
            | Self::StopWaits(number)
            | Self::Stopping(number)
            | Self::TakenAsEnded(number)
            | Self::Orphan(number)
            | Self::InDoubt(number)
            | Self::InFailover(number)
            | Self::Unclear(number)
            | Self::Refused(number)
            | Self::Ending(number)
            | Self::Unconfirmed(number)
            | Self::Records(number) => Some(number),
            Self::Unreadable
            | Self::Waits(_)
            | Self::Replacing
            | Self::Twins
            | Self::StopPending(_)
            | Self::WaitsForRoom
            | Self::StartRetrying
            | Self::Starting
            | Self::Ended(_) => None,
        }
    }

    /// Its class and mark.
    pub const fn look(self) -> (Tone, Glyph) {
        match self {
            Self::Unreadable => (Tone::Caution, Glyph::Unknown),
            Self::Waits(WaitingFor::Idle) => (Tone::Neutral, Glyph::Ended),
            Self::Waits(WaitingFor::Unattended) => (Tone::Caution, Glyph::Caution),
            Self::Waits(_) | Self::Lost(_) | Self::StopRefused(_) => (Tone::Critical, Glyph::Critical),
            Self::Replacing
            | Self::StartRetrying
            | Self::WaitsForRoom
            | Self::Unclear(_)
            | Self::InDoubt(_) => (Tone::Caution, Glyph::Retry),
            Self::StopRetrying(_) | Self::StopUnconfirmed(_) => (Tone::Caution, Glyph::Retry),
            Self::Refused(_) | Self::OutOfControl(_) => (Tone::Caution, Glyph::Caution),
            Self::Twins | Self::InFailover(_) => (Tone::Failover, Glyph::Failover),
            Self::Orphan(_) => (Tone::Caution, Glyph::Unknown),
            Self::StopPending(_) | Self::StopWaits(_) | Self::Stopping(_) | Self::Ending(_) => {
                (Tone::Neutral, Glyph::Stopping)
            }
            Self::Starting | Self::Unconfirmed(_) => (Tone::Neutral, Glyph::Starting),
            Self::Records(_) => (Tone::Recording, Glyph::Recording),
            Self::TakenAsEnded(_) | Self::Ended(_) => (Tone::Neutral, Glyph::Ended),
        }
    }
}

/// In which group of the list a recording is.
pub fn group(recording: &Recording, standing: Standing, now: Timestamp) -> Group {
    if recording.settled() {
        return Group::Ended;
    }
    match standing {
        Standing::Unreadable
        | Standing::Waits(_)
        | Standing::Twins
        | Standing::OutOfControl(_)
        | Standing::StopRefused(_)
        | Standing::StopUnconfirmed(_)
        | Standing::Orphan(_) => Group::NeedsYou,
        _ if recording.wants_attention(now) => Group::NeedsYou,
        Standing::Records(_) => Group::Recording,
        Standing::Ended(_) => Group::Ended,
        Standing::Lost(_)
        | Standing::Replacing
        | Standing::StopPending(_)
        | Standing::StopRetrying(_)
        | Standing::StopWaits(_)
        | Standing::Stopping(_)
        | Standing::TakenAsEnded(_)
        | Standing::InDoubt(_)
        | Standing::InFailover(_)
        | Standing::Unclear(_)
        | Standing::Refused(_)
        | Standing::Ending(_)
        | Standing::WaitsForRoom
        | Standing::StartRetrying
        | Standing::Starting
        | Standing::Unconfirmed(_) => Group::Handled,
    }
}

/// The session that a row or a page is about.
pub fn shown_session(recording: &Recording, standing: Standing) -> Option<&Session> {
    standing.session().and_then(|number| recording.session(number)).or_else(|| recording.current())
}

/// The alarm that staff should see first, if there is one.
pub fn first_alarm(recording: &Recording) -> Option<&Alarm> {
    recording.open_alarms().last()
}

/// The lamps of a session.
pub fn lamps(session: Option<&Session>) -> Lamps {
    match session {
        Some(session) if session.confirmed.is_some() => Lamps::Confirmed,
        Some(session) if session.sid.is_some() => Lamps::Accepted,
        _ => Lamps::Dark,
    }
}

/// The failovers of a session.
pub fn failovers(recording: &Recording, session: &Session) -> Failovers {
    let (proved, possible) = session.failover_count();
    let allowed = u8::try_from(recording.policy.failovers).unwrap_or(u8::MAX);
    let running = session.doubt.is_some() && matches!(session.phase, Phase::Live | Phase::Accepted);
    Failovers { proved, possible: possible.min(allowed), running, allowed }
}

/// The last answers of a session, for its strip.
pub fn probes(session: &Session) -> Vec<Probe> {
    let mut probes = Vec::with_capacity(session.strip.len());
    let mut doubted = false;
    for letter in session.strip.chars() {
        probes.push(match letter {
            'g' if doubted => Probe::Back,
            'g' => Probe::Good,
            _ => Probe::Doubt,
        });
        doubted = letter == 'n';
    }
    if matches!(session.phase, Phase::Lost | Phase::Over(EndedHow::NotFound))
        && let Some(last) = probes.last_mut()
    {
        *last = Probe::Lost;
    }
    probes
}

/// The call that comes next, as far as a screen needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Coming {
    /// When; none if it is due now.
    pub at: Option<Timestamp>,
    /// Which, and for which session.
    pub call: Call,
    /// Why.
    pub reason: Reason,
}

/// The call that a screen shows: the first of those that the rules plan.
pub fn coming(planned: Vec<(Timestamp, Call, Reason)>, now: Timestamp) -> Option<Coming> {
    let (at, call, reason) = planned.into_iter().next()?;
    Some(Coming { at: (at > now).then_some(at), call, reason })
}

/// Whether a refusal is worth showing: a lease that went elsewhere or a step that is decided anew is not.
pub fn worth_showing(refusal: &Refusal) -> bool {
    !matches!(refusal.status, 409) && refusal.status != 0
}
