//! Faults on request: what to break, for which calls, when and how often.

use agora::{Operation, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One fault, as `POST /simulator/faults` takes it. See the documentation of the crate for examples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What breaks.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// From when on, in milliseconds after the request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after_ms: u64,
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self { kind, after_ms: 0 }
    }
}

/// Which calls a fault of calls meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Only this operation; none: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Only this channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cname: Option<String>,
    /// Only this UID (of the body, or of the session).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Only requests that come by this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// How many calls; then the fault is over.
    #[serde(default = "once")]
    pub times: u32,
}

const fn once() -> u32 {
    1
}

impl Default for Calls {
    fn default() -> Self {
        Self { operation: None, cname: None, uid: None, domain: None, times: once() }
    }
}

impl Calls {
    /// The next `times` calls of an operation.
    pub fn of(operation: Operation, times: u32) -> Self {
        Self { operation: Some(operation), times, ..Self::default() }
    }
}

/// Which sessions a fault of servers meets: the one with this `sid`, or all running ones of this channel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Target {
    /// The recording ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cname: Option<String>,
}

/// Which notices a fault of notifications meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// Only this event type; none: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<u16>,
    /// Only this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Only this channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cname: Option<String>,
    /// How many notices; then the fault is over.
    #[serde(default = "once")]
    pub times: u32,
}

impl Notices {
    /// The next `times` notices of an event type.
    pub const fn of(event: u16, times: u32) -> Self {
        Self { event: Some(event), sid: None, cname: None, times }
    }
}

/// What breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum FaultKind {
    /// A call is answered with this status and code.
    Answer {
        /// Which calls.
        #[serde(flatten)]
        calls: Calls,
        /// The HTTP status.
        status: u16,
        /// The `code` of the body; none: the usual one for this operation and status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u32>,
        /// The `reason` of the body; none: the usual one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Another body than the service's JSON.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<StrangeBody>,
        /// The `Retry-After` header, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u64>,
        /// Whether the call is carried out all the same.
        #[serde(default)]
        carried_out: bool,
    },
    /// A call is carried out; its answer comes late.
    Delay {
        /// Which calls.
        #[serde(flatten)]
        calls: Calls,
        /// How late, in milliseconds.
        delay_ms: u64,
    },
    /// A call is carried out; its connection is closed without an answer.
    AnswerLost {
        /// Which calls.
        #[serde(flatten)]
        calls: Calls,
    },
    /// A call is not carried out; its connection is closed without an answer.
    RequestLost {
        /// Which calls.
        #[serde(flatten)]
        calls: Calls,
    },
    /// A domain does not work.
    DomainDown {
        /// Which one.
        domain: Domain,
        /// For how long, in milliseconds; none: until the faults are cleared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_ms: Option<u64>,
        /// In which way.
        #[serde(default)]
        manner: Manner,
    },
    /// The process that records is killed: another server goes on within 30 s.
    Kill {
        /// Whose process.
        #[serde(flatten)]
        target: Target,
        /// After how long another server goes on; none: chance decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resumes_after_ms: Option<u64>,
    },
    /// The server that records loses its connection: it is tried to be reached again for 60 s, then another server goes
    /// on, within 90 s in all.
    Disconnect {
        /// Whose server.
        #[serde(flatten)]
        target: Target,
        /// After how long the same server is reached again (below 60 s) or another one goes on; none: it is not reached
        /// again, and chance decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resumes_after_ms: Option<u64>,
    },
    /// The session ends for good, without a failover.
    End {
        /// Which one.
        #[serde(flatten)]
        target: Target,
    },
    /// The recorder's token runs out: the session ends without an upload.
    TokenExpires {
        /// Whose.
        #[serde(flatten)]
        target: Target,
    },
    /// A notice is never delivered.
    NotificationLost {
        /// Which ones.
        #[serde(flatten)]
        notices: Notices,
    },
    /// A notice is delivered late, and so after others that came later.
    NotificationLate {
        /// Which ones.
        #[serde(flatten)]
        notices: Notices,
        /// How late, in milliseconds.
        delay_ms: u64,
    },
    /// A notice is delivered a second time although it was answered.
    NotificationTwice {
        /// Which ones.
        #[serde(flatten)]
        notices: Notices,
    },
}

impl FaultKind {
    /// The calls that it meets; none if it is no fault of calls.
    pub const fn calls(&self) -> Option<&Calls> {
        match self {
            Self::Answer { calls, .. }
            | Self::Delay { calls, .. }
            | Self::AnswerLost { calls }
            | Self::RequestLost { calls } => Some(calls),
            Self::DomainDown { .. }
            | Self::Kill { .. }
            | Self::Disconnect { .. }
            | Self::End { .. }
            | Self::TokenExpires { .. }
            | Self::NotificationLost { .. }
            | Self::NotificationLate { .. }
            | Self::NotificationTwice { .. } => None,
        }
    }

    /// The sessions that it meets; none if it is no fault of servers.
    pub const fn target(&self) -> Option<&Target> {
        match self {
            Self::Kill { target, .. }
            | Self::Disconnect { target, .. }
            | Self::End { target }
            | Self::TokenExpires { target } => Some(target),
            Self::Answer { .. }
            | Self::Delay { .. }
            | Self::AnswerLost { .. }
            | Self::RequestLost { .. }
            | Self::DomainDown { .. }
            | Self::NotificationLost { .. }
            | Self::NotificationLate { .. }
            | Self::NotificationTwice { .. } => None,
        }
    }

    /// The notices that it meets; none if it is no fault of notifications.
    pub const fn notices(&self) -> Option<&Notices> {
        match self {
            Self::NotificationLost { notices }
            | Self::NotificationLate { notices, .. }
            | Self::NotificationTwice { notices } => Some(notices),
            Self::Answer { .. }
            | Self::Delay { .. }
            | Self::AnswerLost { .. }
            | Self::RequestLost { .. }
            | Self::DomainDown { .. }
            | Self::Kill { .. }
            | Self::Disconnect { .. }
            | Self::End { .. }
            | Self::TokenExpires { .. } => None,
        }
    }

    /// Counts one use down; whether the fault is used up.
    pub(crate) const fn use_once(&mut self) -> bool {
        let times = match self {
            Self::Answer { calls, .. }
            | Self::Delay { calls, .. }
            | Self::AnswerLost { calls }
            | Self::RequestLost { calls } => &mut calls.times,
            Self::NotificationLost { notices }
            | Self::NotificationLate { notices, .. }
            | Self::NotificationTwice { notices } => &mut notices.times,
            Self::DomainDown { .. }
            | Self::Kill { .. }
            | Self::Disconnect { .. }
            | Self::End { .. }
            | Self::TokenExpires { .. } => return false,
        };
        *times = times.saturating_sub(1);
        *times == 0
    }

    /// The word that names it in the ledger.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "answer",
            Self::Delay { .. } => "delay",
            Self::AnswerLost { .. } => "answer_lost",
            Self::RequestLost { .. } => "request_lost",
            Self::DomainDown { .. } => "domain_down",
            Self::Kill { .. } => "kill",
            Self::Disconnect { .. } => "disconnect",
            Self::End { .. } => "end",
            Self::TokenExpires { .. } => "token_expires",
            Self::NotificationLost { .. } => "notification_lost",
            Self::NotificationLate { .. } => "notification_late",
            Self::NotificationTwice { .. } => "notification_twice",
        }
    }
}

/// A body that is not the service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrangeBody {
    /// Nothing at all.
    Empty,
    /// An HTML page, as from a proxy in between.
    Html,
    /// The gateway's `{"message": …}`.
    Gateway,
    /// One megabyte of JSON.
    Megabyte,
    /// JSON that breaks off.
    Cut,
    /// Ten thousand nested lists.
    Deep,
}

/// One of the names by which the service is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// `api.agora.io`.
    Primary,
    /// `api.sd-rtn.com`.
    Secondary,
    /// A region's name.
    Region,
}

impl Domain {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Region => "region",
        }
    }
}

/// How a domain fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// A connection is accepted and closed when the request has come: nobody knows what became of it. The simulator's
    /// controls go on working by this domain.
    #[default]
    Close,
    /// Connections are refused, the simulator's controls included.
    Refuse,
    /// A request is taken and never answered.
    Hang,
}

/// A fault that waits or is at work, as `GET /simulator/faults` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveFault {
    /// Its number, from 1 on.
    pub number: u64,
    /// From when on.
    pub from: Timestamp,
    /// Until when; none: until it is used up or cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The fault; `times` counts down.
    #[serde(flatten)]
    pub fault: Fault,
}

/// The answer to `POST /simulator/faults`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FaultsAccepted {
    /// The numbers of the faults that wait or are at work.
    pub faults: Vec<u64>,
    /// The sessions that a fault of servers has met at once.
    pub sids: Vec<String>,
}

/// Reads one fault or a list of them; a key that no fault knows is an error, since a slip would break nothing silently.
pub(crate) fn read_faults(body: &[u8]) -> Result<Vec<Fault>, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    let list = match value {
        Value::Array(list) => list,
        single @ (Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            vec![single]
        }
    };
    list.into_iter().map(read_fault).collect()
}

fn read_fault(value: Value) -> Result<Fault, String> {
    let keys: Vec<String> =
        value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
    let fault: Fault = serde_json::from_value(value).map_err(|error| format!("not a fault: {error}"))?;
    let own: &[&str] = match &fault.kind {
        FaultKind::Answer { status, .. } if !(200..=599).contains(status) => {
            return Err(format!("an answer has a status from 200 to 599, not {status}"));
        }
        FaultKind::Answer { .. } => &["status", "code", "reason", "body", "retry_after_s", "carried_out"],
        FaultKind::Delay { .. } => &["delay_ms"],
        FaultKind::NotificationLate { .. } => &["delay_ms"],
        FaultKind::AnswerLost { .. }
        | FaultKind::RequestLost { .. }
        | FaultKind::End { .. }
        | FaultKind::TokenExpires { .. }
        | FaultKind::NotificationLost { .. }
        | FaultKind::NotificationTwice { .. } => &[],
        FaultKind::DomainDown { .. } => &["domain", "for_ms", "manner"],
        FaultKind::Kill { .. } | FaultKind::Disconnect { .. } => &["resumes_after_ms"],
    };
    let shared: &[&str] = if fault.kind.calls().is_some() {
        &["operation", "cname", "uid", "domain", "times"]
    } else if fault.kind.target().is_some() {
        &["sid", "cname"]
    } else if fault.kind.notices().is_some() {
        &["event", "sid", "cname", "times"]
    } else {
        &[]
    };
    let known = |key: &String| {
        ["fault", "after_ms"].iter().chain(own).chain(shared).any(|name| *name == key.as_str())
    };
    if let Some(stranger) = keys.iter().find(|key| !known(key)) {
        return Err(format!("the fault {:?} has no field {stranger:?}", fault.kind.name()));
    }
    if fault.kind.target().is_some_and(|target| target.sid.is_none() && target.cname.is_none()) {
        return Err(format!("the fault {:?} needs a \"sid\" or a \"cname\"", fault.kind.name()));
    }
    Ok(fault)
}
