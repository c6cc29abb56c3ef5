//! The picture of a recording: which state it is shown in, and whether it needs staff.
//!
//! States exclude each other, and each belongs to one of five classes. The words are the page's.

use agora::Timestamp;

use crate::journal::AlarmCause;
use crate::policy::seconds;
use crate::recording::{Phase, Recording, Session};

/// The one state that a recording is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nobody records, and the rules wait for staff.
    Lost,
    /// The service refused the request (D5).
    StartRefused,
    /// A stop is not confirmed for long, or refused (T4, T8).
    StopNotConfirmed,
    /// A start may run that has no `sid` (S9).
    PossibleOrphan,
    /// Two sessions record (M4).
    Twins,
    /// Control over it has ended (T6).
    OutOfControl,
    /// A 404 within the failover window (M2, M3).
    InFailover,
    /// No clear answer (M5, M6).
    Unclear,
    /// Our calls are refused (M8).
    CallsRefused,
    /// A start is tried again (S4–S8).
    StartRetrying,
    /// Waits for the limit of concurrent tasks (S8).
    WaitingForRoom,
    /// A session was lost and another one is being started (R1).
    Replacing,
    /// Asked for, no `sid` yet.
    Starting,
    /// Accepted, not confirmed (V).
    Accepted,
    /// A stop was asked for (T).
    Stopping,
    /// The service says that it is ending (M7).
    Ending,
    /// Confirmed (V2).
    Recording,
    /// Over.
    Ended,
    /// The journal has entries that this build cannot read.
    Unreadable,
}

/// The five classes of states: glyph, word and hue go by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Lost or refused.
    Critical,
    /// Being retried, or unclear.
    Caution,
    /// A failover.
    Failover,
    /// It records.
    Recording,
    /// Starting, stopping, ended.
    Neutral,
}

impl State {
    /// All states, worst first.
    pub const ALL: [Self; 19] = [
        Self::Lost,
        Self::StartRefused,
        Self::StopNotConfirmed,
        Self::PossibleOrphan,
        Self::Twins,
        Self::OutOfControl,
        Self::InFailover,
        Self::Unclear,
        Self::CallsRefused,
        Self::StartRetrying,
        Self::WaitingForRoom,
        Self::Replacing,
        Self::Starting,
        Self::Accepted,
        Self::Stopping,
        Self::Ending,
        Self::Recording,
        Self::Ended,
        Self::Unreadable,
    ];

    /// Its class.
    pub const fn class(self) -> Class {
        match self {
            Self::Lost | Self::StartRefused | Self::OutOfControl | Self::Unreadable => Class::Critical,
            Self::StopNotConfirmed
            | Self::PossibleOrphan
            | Self::Unclear
            | Self::CallsRefused
            | Self::StartRetrying
            | Self::WaitingForRoom
            | Self::Replacing => Class::Caution,
            Self::Twins | Self::InFailover => Class::Failover,
            Self::Recording => Class::Recording,
            Self::Starting | Self::Accepted | Self::Stopping | Self::Ending | Self::Ended => Class::Neutral,
        }
    }
}

/// The state that a recording is shown in.
pub fn state(recording: &Recording, now: Timestamp) -> State {
    if recording.unreadable {
        return State::Unreadable;
    }
    let open = |wanted: fn(AlarmCause) -> bool| recording.open_alarms().any(|alarm| wanted(alarm.cause));
    let out_of_control = |session: &&Session| {
        session.is_watched() && session.control_ends(recording.control_hours).is_some_and(|end| now >= end)
    };
    if recording.sessions.iter().any(|session| out_of_control(&session)) {
        return State::OutOfControl;
    }
    if recording.waiting.is_some() {
        let refused = recording
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.why == crate::journal::WaitingFor::Refused);
        return if refused { State::StartRefused } else { State::Lost };
    }
    let running = || recording.sessions.iter().filter(|session| session.is_watched());
    if recording.stop.is_some() && running().next().is_some() {
        let unconfirmed =
            open(|cause| matches!(cause, AlarmCause::StopUnconfirmed(_) | AlarmCause::StopRefused(_)));
        return if unconfirmed { State::StopNotConfirmed } else { State::Stopping };
    }
    let live = running().filter(|session| session.phase == Phase::Live).count();
    if live > 1 && open(|cause| matches!(cause, AlarmCause::Twins(_))) {
        return State::Twins;
    }
    let Some(session) = recording.current() else {
        return if recording.stop.is_some() { State::Ended } else { State::Starting };
    };
    let orphan = recording.sessions.iter().any(Session::is_orphan);
    match session.phase {
        Phase::Live | Phase::Accepted if session.doubt.is_some_and(|doubt| doubt.declared) => {
            State::InFailover
        }
        Phase::Live | Phase::Accepted if session.refused.is_some() => State::CallsRefused,
        Phase::Live | Phase::Accepted if session.unclear.is_some() || session.query.unanswered > 0 => {
            State::Unclear
        }
        Phase::Live => State::Recording,
        Phase::Accepted => State::Accepted,
        Phase::Ending => State::Ending,
        Phase::Acquiring if session.acquire.outcome == Some(crate::line::Outcome::PcwReached) => {
            State::WaitingForRoom
        }
        Phase::Acquiring | Phase::Starting => starting(recording, session),
        Phase::TakenAsEnded => State::Stopping,
        Phase::Abandoned | Phase::Lost | Phase::NotStarted | Phase::Over(_) => {
            if recording.is_starting() && recording.is_wanted() {
                State::StartRetrying
            } else if orphan {
                State::PossibleOrphan
            } else if recording.is_wanted() && !recording.settled() {
                State::Lost
            } else {
                State::Ended
            }
        }
    }
}

fn starting(recording: &Recording, session: &Session) -> State {
    let tried = session.acquire.tries > 0 && session.resource.is_none()
        || session.start.tries > 0
        || session.acquire.unanswered > 0
        || session.start.unanswered > 0
        || recording.procedure.as_ref().is_some_and(|procedure| procedure.from_session < session.number);
    let replaces = matches!(session.because, crate::recording::Because::Replaces(_));
    match (tried, replaces) {
        (true, _) => State::StartRetrying,
        (false, true) => State::Replacing,
        (false, false) => State::Starting,
    }
}

/// Whether staff must do something, or should look (M5's two minutes among it): the first group of the board.
pub fn wants_attention(recording: &Recording, now: Timestamp) -> bool {
    let long_unclear = recording.sessions.iter().any(|session| {
        let attention = seconds(recording.policy.unclear_attention);
        session.unclear.is_some_and(|unclear| now.since(unclear.since) >= attention)
    });
    let orphan = recording.sessions.iter().any(Session::is_orphan);
    long_unclear
        || orphan
        || recording.waiting.is_some()
        || recording.unreadable
        || recording.open_alarms().next().is_some()
}
