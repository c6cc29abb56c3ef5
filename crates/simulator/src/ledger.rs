//! What really happened: every request that came, and the true state of every session. Tests judge by it.

use agora::{Mode, Operation, ResourceId, Sid, Timestamp, Uid};
use serde::{Deserialize, Serialize};

use crate::fault::Domain;
use crate::notice::LedgerNotice;

/// The answer to `GET /simulator/ledger`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The service's time.
    pub now: Timestamp,
    /// The requests, oldest first.
    pub requests: Vec<LedgerRequest>,
    /// How many older requests were dropped to bound the memory; 0 means that the list is complete.
    pub dropped_requests: u64,
    /// The sessions, in the order of their starts.
    pub sessions: Vec<LedgerSession>,
    /// How many ended sessions were dropped to bound the memory.
    pub dropped_sessions: u64,
    /// The notices that the sessions gave, oldest first; empty where no notifications are sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<LedgerNotice>,
    /// How many older notices were dropped to bound the memory.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped_notices: u64,
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One request that the service received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRequest {
    /// Counted from 1; without a gap.
    pub number: u64,
    /// When it came.
    pub at: Timestamp,
    /// The listener by which it came.
    pub domain: Domain,
    /// Its `Host` header.
    pub host: String,
    /// The HTTP method.
    pub method: String,
    /// The operation that its path names; none if it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The mode that its path names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The channel: of its body, or of the session that its path names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cname: Option<String>,
    /// The UID: of its body, or the one of the session that its path names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The resource ID: of its path, or the one that an `acquire` was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// The recording ID: of its path, or the one that a `start` was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it changed something or told the truth: false when it was refused, or lost on its way.
    pub carried_out: bool,
    /// The HTTP status of the answer; none if it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The `code` in the answer's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// When it was answered, or its connection was closed.
    pub answered_at: Timestamp,
    /// The faults on request that met it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// One session, as it truly is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerSession {
    /// The recording ID.
    pub sid: String,
    /// The resource ID.
    pub resource_id: String,
    /// The channel.
    pub cname: String,
    /// The UID of its `acquire`.
    pub uid: String,
    /// How it records.
    pub mode: Mode,
    /// When its `start` came.
    pub started_at: Timestamp,
    /// What it does.
    pub state: SessionState,
    /// Whether it records or will go on recording: starting, recording, or moving to another server. It is billed.
    pub live: bool,
    /// Until when it can be queried and stopped.
    pub control_until: Timestamp,
    /// The number of moves to another server so far.
    pub failovers: u32,
    /// What each server recorded, the first server first.
    pub legs: Vec<LedgerLeg>,
    /// When it ended, or will have ended if it is stopping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it ended or is stopping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_how: Option<EndedHow>,
}

/// A session as it truly is, as far as it can be told without a copy: for whoever looks after every step.
#[derive(Debug, Clone, Copy)]
pub struct Truth<'a> {
    /// The recording ID.
    pub sid: &'a Sid,
    /// The resource ID.
    pub resource_id: &'a ResourceId,
    /// The channel, or the label of a web recording.
    pub cname: &'a str,
    /// The UID of its `acquire`.
    pub uid: Uid,
    /// The UID of its recorder in the channel: random after a move to another server.
    pub recorder: Uid,
    /// As [`LedgerSession::live`].
    pub live: bool,
    /// Whether it is between two servers, and answers 404.
    pub moving: bool,
    /// Why it ended or is stopping.
    pub ended: Option<EndedHow>,
    /// The number of moves to another server so far.
    pub failovers: u8,
    /// When its `start` came.
    pub started_at: Timestamp,
    /// Until when it can be queried and stopped.
    pub control_until: Timestamp,
}

/// What one server recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLeg {
    /// The UID of the recorder in the channel: the acquired one first, then random ones.
    pub recorder_uid: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it broke off or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The files it has written.
    pub files: Vec<String>,
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Status 0 to 3.
    Starting,
    /// Status 4 or 5.
    Recording,
    /// Between two servers: query, update and stop are answered 404.
    FailingOver,
    /// Status 6 or 7: nothing is recorded any more.
    Stopping,
    /// Gone: 404.
    Ended,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedHow {
    /// A `stop` asked for it.
    Stopped,
    /// Nobody was in the channel for `maxIdleTime`.
    Idle,
    /// A fourth fault: the service gives up after three moves.
    FaultsExhausted,
    /// The fault `end`.
    Fault,
    /// Somebody took the recorder's UID in its channel.
    Kicked,
    /// The token was wrong or missing.
    TokenWrong,
    /// The token ran out.
    TokenExpired,
    /// The bucket refused its credentials.
    StorageRefused,
    /// The page did not load, or could not be recorded.
    PageFailed,
    /// `maxRecordingHour` was over.
    MaxRecordingHour,
}
