//! The six operations of the service and its three recording modes.

use core::fmt;

use from_json::FromJson;
use serde::{Deserialize, Serialize};

/// One of the six calls that the service knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    /// Asks for a resource ID, which one session may use within five minutes.
    Acquire,
    /// Starts a recording on a resource ID; answers with the recording ID (`sid`).
    Start,
    /// Asks for the status of a running session.
    Query,
    /// Changes what a running session subscribes to, or its storage credentials.
    Update,
    /// Replaces the whole layout of a composite recording.
    UpdateLayout,
    /// Ends a session.
    Stop,
}

impl Operation {
    /// All operations, in the order in which a session meets them.
    pub const ALL: [Self; 6] =
        [Self::Acquire, Self::Start, Self::Query, Self::Update, Self::UpdateLayout, Self::Stop];

    /// The last segment of the operation's path; the service is case sensitive.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Start => "start",
            Self::Query => "query",
            Self::Update => "update",
            Self::UpdateLayout => "updateLayout",
            Self::Stop => "stop",
        }
    }

    /// The operation that a path segment or a call id names.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How a session records. It cannot change after the start.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, FromJson,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One file per user and medium.
    Individual,
    /// All users composed into one picture ("composite").
    #[default]
    Mix,
    /// A web page, as a browser of the service renders it.
    Web,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Individual, Self::Mix, Self::Web];

    /// The path segment of the mode.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Individual => "individual",
            Self::Mix => "mix",
            Self::Web => "web",
        }
    }

    /// The mode that a path segment names.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
