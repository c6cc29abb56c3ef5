//! The App journal: what one App ID remembers beside the journals of its recordings, so that board facts survive a
//! restart. Its entries are numbered on their own and travel on no stream: pages get the board facts that come of them.

use agora::{EventType, Notification, Sid, Timestamp};
use from_json::{FromJson, Reader};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::journal::{By, Domain, RecordingId, SessionNumber};

/// The number of an entry in its App journal, from 1. Numbers that are missing were unmatched notifications that had to
/// make room for newer ones.
pub type AppEntryNumber = u64;

/// One entry of an App journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct AppEntry {
    /// Its number in this App's journal, from 1.
    pub number: AppEntryNumber,
    /// The server's time.
    pub at: Timestamp,
    /// Who caused it.
    pub by: By,
    /// The version of the format it was written in.
    pub version: u16,
    /// What happened.
    pub fact: AppFact,
}

/// What an entry of an App journal says. The names are part of its format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(remote = "Self")]
pub enum AppFact {
    /// The proxy began to run with another configuration of this App ID than before.
    Configured(Configured),
    /// Another domain goes first from now on (D2).
    DomainAnswered(Domain),
    /// The first notification of its kind came.
    KindSeen(EventType),
    /// A notification that fits no session (N5), or a body that was signed and cannot be read.
    Unmatched(Box<Unmatched>),
    /// The unmatched notifications of this `sid` went into the journal of a recording.
    Matched(Matched),
    /// Staff set up notifications: until then unsigned test deliveries are answered with 200 (N1).
    SetUpAsked {
        /// Until when.
        until: Timestamp,
    },
    /// A test delivery came while staff were setting up notifications.
    Tested,
    /// More sessions ran at once than ever before on this day (B1).
    HighestUse(u32),
    /// A kind that this build does not know, kept as it came.
    #[serde(skip)]
    Unknown(serde_json::Value),
}

impl Serialize for AppFact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown(value) => value.serialize(serializer),
            known => AppFact::serialize(known, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AppFact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(AppFact::deserialize(value.clone()).unwrap_or(Self::Unknown(value)))
    }
}

impl FromJson for AppFact {
    fn from_json(value: Option<&serde_json::Value>, reader: &mut Reader) -> Self {
        // Whether it is of a known kind does not decide whether the entry is read.
        let mut own = Reader::default();
        let known = AppFact::from_json(value, &mut own);
        if own.refused() { Self::Unknown(FromJson::from_json(value, reader)) } else { known }
    }
}

/// The configuration of an App ID, as far as decisions depend on it. It holds no credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Configured {
    /// Calls per second (B1).
    pub qps: u32,
    /// Whether a domain of the region is configured (D2).
    pub has_region: bool,
    /// The names of its storage profiles.
    pub storage: Vec<String>,
    /// The first and the last UID of the reserved range (S11).
    pub uid_range: (u32, u32),
}

/// A notification that fits no session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Unmatched {
    /// What was read of it; none if it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Notification>,
    /// The body as text, cut at the proxy's limit; dropped after a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// Unmatched notifications found their session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Matched {
    /// Whose notifications.
    pub sid: Sid,
    /// Where they went.
    pub recording: RecordingId,
    /// Which session of it.
    pub session: SessionNumber,
}
