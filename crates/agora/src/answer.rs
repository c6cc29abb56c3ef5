//! What came back from a call: the HTTP status and body, turned into a class that the rules can match on.

use core::time::Duration;

use from_json::FromJson;
use serde::{Deserialize, Serialize};

pub use crate::classify::{BODY_BYTES_MAX, REASON_CHARACTERS_MAX, RETRY_AFTER_MAX, classify};
use crate::ids::{ResourceId, Sid};
pub use crate::lenient::{FILE_NAME_CHARACTERS_MAX, FILES_MAX};

/// An HTTP answer as the journal keeps it: what the rules need and the screen shows, without the raw body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Answer {
    /// The HTTP status, 100 … 599.
    pub status: u16,
    /// The `code` of the body, if it holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The `reason` (service) or `message` (gateway) of the body, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it means.
    pub class: AnswerClass,
}

/// What an answer means to the rules. The documents' table of codes (per operation) is walked by
/// [`classify()`]; the id in brackets is the rule that acts on the class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum AnswerClass {
    /// 200 to `acquire` with a resource ID.
    Acquired(ResourceId),
    /// 200 to `start` with a `sid`: accepted, not recording (S3).
    Started(Sid),
    /// 200 to `query` with a status (V2, M4, M7).
    Status(QueryAnswer),
    /// 200 to `update` or `updateLayout`.
    Updated,
    /// 200 to `stop` (T2).
    Stopped(StopAnswer),
    /// The service's 404: HTTP 404 with code 404 or "failed to find worker" (D6, M2, T3).
    ServiceNotFound,
    /// A gateway's 404 `{"message": …}`: our own URL is wrong (D6).
    NoRoute,
    /// Any other 404, such as HTML or an empty body: treated as 50x (D6).
    ForeignNotFound,
    /// 429: too many requests (D4).
    RateLimited {
        /// What a `Retry-After` header asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<Duration>,
    },
    /// A 40x without a rule of its own (D5, M8, T8).
    Refused,
    /// HTTP 500–599 with the service's JSON, or 500 and 501 and 505–599 with anything (S4, M5, T4).
    ServerError,
    /// HTTP 502, 503 or 504 without the service's JSON: the next attempt goes to the other domain (D3).
    GatewayError,
    /// Code 65, or a 206 with another code: it reached the service and was not completed (S5, M6, T4).
    NotCompleted,
    /// Code 62: time-out inside the service (S5 for `start`, M5 for the others).
    RequestTimeout,
    /// `start`: 201 with code 7, the resource ID was started before (S6). Some bodies carry the `sid`.
    AlreadyStarted(Option<Sid>),
    /// `start`: code 53, the UID is in use in this channel (S7).
    TaskConflict,
    /// `start`: code 502, no worker; nothing was started (S6).
    WorkerNotAllocated,
    /// `start`: code 433 or 1001, the resource ID is too old or unreadable (S2).
    ResourceExpired,
    /// `acquire`: 400 with code 406, the limit of concurrent tasks (S8).
    PcwReached,
    /// `stop`: 206 with code 435, ended and nothing was recorded (T2).
    NoRecordedData,
    /// `stop`: 400 with code 49, already exiting (T2).
    AlreadyExiting,
    /// `stop`: code 50, the upload was not done in 20 s (T2).
    UploadTimeout,
    /// A 200 whose body is not JSON or lacks what the operation answers (D7), or a status below 200 or 300–399.
    Unreadable,
}

/// What a `query` told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
pub struct QueryAnswer {
    /// 0 … 8 or 20, as the documents number them: 4 and 5 mean started, 6 to 8 ending, 20 an abnormal exit.
    pub status: u8,
    /// The files that the answer names; at most 64 are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileEntry>,
    /// When the first slice of the current recorder began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice_start: Option<crate::Timestamp>,
    /// Web mode: the state of the page recorder, `init`, `inProgress` or `exit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_state: Option<String>,
    /// The `sid` that the body named, if it named one (an answer about another session is no answer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Sid>,
}

/// One file that an answer names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct FileEntry {
    /// The name under the storage prefix, at most 512 characters.
    pub name: String,
    /// When its first slice began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice_start: Option<crate::Timestamp>,
}

/// What a `stop` told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
pub struct StopAnswer {
    /// `uploaded`, `backuped` or `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploading_status: Option<String>,
    /// The files that the answer names; at most 64 are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileEntry>,
}

/// Why a call got no HTTP answer (D2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum UnansweredCause {
    /// The name did not resolve. Nothing left.
    Dns,
    /// The connection was refused. Nothing left.
    Refused,
    /// The TLS handshake failed. Nothing of the request left.
    Tls,
    /// The connection broke after the request left, or while its answer came.
    Reset,
    /// No answer in time.
    Timeout,
    /// The proxy ended while the call was open.
    ProxyRestarted,
}

impl UnansweredCause {
    /// Whether the call was certainly not carried out, because no byte of the request left (D2).
    pub const fn nothing_left(self) -> bool {
        match self {
            Self::Dns | Self::Refused | Self::Tls => true,
            Self::Reset | Self::Timeout | Self::ProxyRestarted => false,
        }
    }
}
