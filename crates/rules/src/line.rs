//! The memory of one operation of one session: what is open, what the current try has been through, what came of it.
//!
//! A *try* is one call with the repeats of rule D2. A 429 is not an outcome: the same call goes again (D4).

use agora::{AnswerClass, Timestamp, UnansweredCause};
use from_json::FromJson;
use serde::{Deserialize, Serialize};

use crate::journal::{CallId, Domain, EntryNumber};
use crate::policy::{Policy, seconds};

/// A call whose answer is awaited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct OpenCall {
    /// The call.
    pub id: CallId,
    /// Its `CallSent`.
    pub entry: EntryNumber,
    /// When it left.
    pub at: Timestamp,
    /// Where it went.
    pub domain: Domain,
}

/// What a try came to. Classes that no rule tells apart for the operation are one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done: a resource ID, a `sid`, a status, a stop that was accepted.
    Done,
    /// The service's 404 (D6).
    NotFound,
    /// 50x, and 404s that are nobody's (D6).
    ServerError,
    /// 502, 503, 504 from something before the service (D3).
    GatewayError,
    /// Code 65.
    NotCompleted,
    /// Code 62.
    TimedOutInside,
    /// A 200 that cannot be read (D7).
    Unreadable,
    /// No answer after D2; `false` where no byte of any of its calls left.
    Unanswered {
        /// Whether it may have been carried out.
        may_be_done: bool,
    },
    /// 40x (D5, M8, T8).
    Refused,
    /// The gateway does not know our URL (D6).
    NoRoute,
    /// `acquire`: the limit of concurrent tasks (S8).
    PcwReached,
    /// `start`: 201 with code 7 and no `sid` (S6).
    AlreadyStarted,
    /// `start`: code 53 (S7).
    TaskConflict,
    /// `start`: code 502 (S6).
    NoWorker,
    /// `start`: codes 433 and 1001 (S2).
    ResourceExpired,
}

impl Outcome {
    /// What an answer comes to; none for a 429, which is no outcome.
    pub fn of(class: &AnswerClass) -> Option<Self> {
        Some(match class {
            AnswerClass::Acquired(_)
            | AnswerClass::Started(_)
            | AnswerClass::Status(_)
            | AnswerClass::Updated
            | AnswerClass::Stopped(_)
            | AnswerClass::NoRecordedData
            | AnswerClass::AlreadyExiting
            | AnswerClass::UploadTimeout
            | AnswerClass::AlreadyStarted(Some(_)) => Self::Done,
            AnswerClass::ServiceNotFound => Self::NotFound,
            AnswerClass::ForeignNotFound | AnswerClass::ServerError => Self::ServerError,
            AnswerClass::GatewayError => Self::GatewayError,
            AnswerClass::NotCompleted => Self::NotCompleted,
            AnswerClass::RequestTimeout => Self::TimedOutInside,
            AnswerClass::Unreadable => Self::Unreadable,
            AnswerClass::Refused => Self::Refused,
            AnswerClass::NoRoute => Self::NoRoute,
            AnswerClass::PcwReached => Self::PcwReached,
            AnswerClass::AlreadyStarted(None) => Self::AlreadyStarted,
            AnswerClass::TaskConflict => Self::TaskConflict,
            AnswerClass::WorkerNotAllocated => Self::NoWorker,
            AnswerClass::ResourceExpired => Self::ResourceExpired,
            AnswerClass::RateLimited { .. } => return None,
        })
    }

    /// Whether a call with this outcome may have been carried out ("unclear" in the words of the rules).
    pub const fn is_unclear(self) -> bool {
        match self {
            Self::NotCompleted | Self::TimedOutInside | Self::Unreadable | Self::Unanswered { .. } => true,
            Self::Done
            | Self::NotFound
            | Self::ServerError
            | Self::GatewayError
            | Self::Refused
            | Self::NoRoute
            | Self::PcwReached
            | Self::AlreadyStarted
            | Self::TaskConflict
            | Self::NoWorker
            | Self::ResourceExpired => false,
        }
    }
}

/// The memory of one operation of one session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(default)]
pub struct Line {
    /// The call that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenCall>,
    /// When the first call of the run left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_sent: Option<Timestamp>,
    /// When the last call left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sent: Option<Timestamp>,
    /// Its `CallSent`.
    #[serde(skip_serializing_if = "is_zero")]
    pub sent_entry: EntryNumber,
    /// When the last call ended: its answer, or the moment it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The entry that ended it.
    #[serde(skip_serializing_if = "is_zero")]
    pub ended_entry: EntryNumber,
    /// How many tries of this run have an outcome.
    #[serde(skip_serializing_if = "is_zero")]
    pub tries: u32,
    /// The outcome of the last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Calls of the current try that had no answer.
    #[serde(skip_serializing_if = "is_zero")]
    pub unanswered: u32,
    /// Why the last of them had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<UnansweredCause>,
    /// Whether a byte of one of them left.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub left: bool,
    /// Where the try began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// Where the last call went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_domain: Option<Domain>,
    /// 429s in a row.
    #[serde(skip_serializing_if = "is_zero")]
    pub limited: u32,
    /// What the last 429's `Retry-After` asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_until: Option<Timestamp>,
}

pub(crate) const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A repeat that is due by D2 or D4, whatever the operation's own schedule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// D2: the same bytes again, to this domain; the number of the repeat, from 1.
    Unanswered {
        /// When.
        at: Timestamp,
        /// Where to.
        domain: Domain,
        /// Which repeat.
        number: u32,
    },
    /// D4: the same call again after a 429; how many there have been.
    Limited {
        /// When.
        at: Timestamp,
        /// How many 429s in a row.
        number: u32,
    },
}

impl Line {
    /// Whether nothing was ever sent, or all of it is forgotten.
    pub const fn is_idle(&self) -> bool {
        self.open.is_none() && self.last_sent.is_none()
    }

    /// Forgets the run: the next try is the first again.
    pub fn restart(&mut self) {
        let open = self.open.take();
        *self = Self { open, ..Self::default() };
    }

    /// A call left.
    pub fn sent(&mut self, call: OpenCall) {
        if self.unanswered == 0 && self.limited == 0 {
            self.domain = Some(call.domain);
            self.left = false;
        }
        self.first_sent = self.first_sent.or(Some(call.at));
        self.last_sent = Some(call.at);
        self.sent_entry = call.entry;
        self.last_domain = Some(call.domain);
        self.open = Some(call);
    }

    /// An HTTP answer came to the open call.
    pub fn answered(&mut self, class: &AnswerClass, at: Timestamp, entry: EntryNumber) {
        self.open = None;
        self.ended = Some(at);
        self.ended_entry = entry;
        self.unanswered = 0;
        self.cause = None;
        if let AnswerClass::RateLimited { retry_after } = class {
            self.limited = self.limited.saturating_add(1);
            self.limited_until = retry_after.map(|span| at + span);
            return;
        }
        self.limited = 0;
        self.limited_until = None;
        self.tries = self.tries.saturating_add(1);
        self.outcome = Outcome::of(class);
    }

    /// The open call had no answer; true if that ends the try (D2 is through).
    pub fn had_no_answer(
        &mut self,
        cause: UnansweredCause,
        at: Timestamp,
        entry: EntryNumber,
        policy: &Policy,
    ) -> bool {
        self.open = None;
        self.ended = Some(at);
        self.ended_entry = entry;
        self.cause = Some(cause);
        self.left |= !cause.nothing_left();
        self.unanswered = self.unanswered.saturating_add(1);
        if self.unanswered as usize <= policy.domain_repeat_gaps.len() {
            return false;
        }
        self.unanswered = 0;
        self.limited = 0;
        self.limited_until = None;
        self.tries = self.tries.saturating_add(1);
        self.outcome = Some(Outcome::Unanswered { may_be_done: self.left });
        true
    }

    /// The repeat that D2 or D4 asks for, if the current try has not come to its outcome.
    pub fn repeat(&self, policy: &Policy, has_region: bool) -> Option<Repeat> {
        let ended = self.ended?;
        if self.open.is_some() {
            return None;
        }
        if self.unanswered > 0 {
            let number = self.unanswered;
            let gap = policy.domain_repeat_gaps.get(number as usize - 1)?;
            let first = self.domain.unwrap_or_default();
            let domain = repeat_domain(first, number, self, has_region);
            return Some(Repeat::Unanswered { at: ended + seconds(*gap), domain, number });
        }
        if self.limited > 0 {
            let last = policy.rate_limited_gaps.len() - 1;
            let gap = policy.rate_limited_gaps[(self.limited as usize - 1).min(last)];
            let at = self.limited_until.unwrap_or(ended + seconds(gap));
            return Some(Repeat::Limited { at, number: self.limited });
        }
        None
    }

    /// D3: the domain for the next attempt of the operation's own schedule.
    pub fn next_domain(&self, preferred: Domain) -> Domain {
        match (self.outcome, self.last_domain) {
            (Some(Outcome::GatewayError), Some(domain)) => other_suffix(domain),
            _ => preferred,
        }
    }
}

/// The same name under the other suffix.
pub fn other_suffix(domain: Domain) -> Domain {
    match domain {
        Domain::Primary | Domain::Region => Domain::Secondary,
        Domain::Secondary => Domain::Primary,
    }
}

/// D2: where the n-th repeat goes. The third goes where the second did not, whatever that one met.
fn repeat_domain(first: Domain, number: u32, line: &Line, has_region: bool) -> Domain {
    let suffix = other_suffix(first);
    let region = if first == Domain::Region { Domain::Primary } else { Domain::Region };
    let resolved = line.cause != Some(UnansweredCause::Dns);
    match (number, has_region) {
        (1, _) => first,
        (2, true) if resolved => region,
        (2, _) => suffix,
        (_, true) if line.last_domain == Some(suffix) => region,
        (_, true) if resolved || line.last_domain == Some(region) => suffix,
        (_, true) => region,
        (_, false) => first,
    }
}
