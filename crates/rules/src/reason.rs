//! Why a step is taken, and what comes after: what the screen prints beside it.

use agora::{Timestamp, UnansweredCause};
use serde::{Deserialize, Serialize};

use crate::journal::{Attempt, EntryNumber, SessionNumber};
use crate::line::Outcome;
use crate::rule::RuleId;

/// Why a step is due, or why nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule.
    pub rule: RuleId,
    /// The session it is about, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionNumber>,
    /// The step that waits, if one does: a call of this operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<agora::Operation>,
    /// Which try of how many.
    pub attempt: Attempt,
    /// What led to it.
    pub cause: Cause,
    /// The entries it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EntryNumber>,
    /// The instants that follow in the same schedule if this one fails, at most four.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Timestamp>,
    /// What is done when the schedule is through.
    pub then: Then,
}

/// What led to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Staff asked.
    Asked,
    /// The step before was done.
    Proceeds,
    /// The routine.
    Routine,
    /// A new session is being verified.
    Verifying,
    /// The last try came to this.
    After(Outcome),
    /// The last call had no answer.
    NoAnswer(UnansweredCause),
    /// A 429.
    RateLimited,
    /// A 404 at this instant.
    NotFoundSince(Timestamp),
    /// The service says that it is ending.
    IsEnding,
    /// A stop was accepted.
    StopAccepted,
    /// Nobody acted for a while.
    WasUnattended,
    /// A session was lost.
    IsLost(SessionNumber),
    /// A notification came.
    Notified,
    /// An answer is awaited.
    AwaitsAnswer,
    /// Another recording waits longer for the limit of concurrent tasks.
    OthersWaitLonger,
    /// Staff have to decide.
    StaffDecide,
    /// Everything is done.
    Finished,
}

/// What comes when a schedule is through without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It goes on like this for as long as it takes.
    GoesOn,
    /// The other domain.
    OtherDomain,
    /// The same UID with a new resource ID.
    SameUidAgain,
    /// The next UID with a new resource ID.
    NextUid,
    /// One try a minute, with an alarm.
    EveryMinute,
    /// Staff decide.
    WaitsForStaff,
    /// The session is deemed not started and replaced.
    NotStarted,
    /// The session is deemed lost and replaced.
    LostAndReplaced,
    /// The session is deemed lost.
    Lost,
    /// The session is taken as ended.
    TakenAsEnded,
    /// The session is over.
    Over,
}
