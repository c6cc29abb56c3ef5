//! The journal: the append-only list of everything that happened to a recording, and the only truth about it.
//!
//! Entries are versioned. A reader that meets a kind it does not know keeps it raw ([`Fact::Unknown`]) and acts on
//! nothing in that recording.

use core::fmt;

use agora::notification::Details;
use agora::request::{Layout, UpdateSettings};
use agora::{Answer, ChannelName, EventType, Operation, ResourceId, Sid, Timestamp, Uid, UnansweredCause};
use from_json::{FromJson, Reader};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::policy::Policy;
use crate::rule::RuleId;

/// The version of the journal's format that this build writes.
pub const JOURNAL_VERSION: u16 = 1;

/// The name of what stands in the place of an entry that can no longer be read.
const DAMAGED: &str = "Damaged";

/// The version of the rules that this build applies; a recording notes it when it is asked for.
pub const RULES_VERSION: u16 = 1;

/// The number of an entry in its recording's journal, from 1.
pub type EntryNumber = u32;

/// The number of a session in its recording, from 1, in the order in which they were begun.
pub type SessionNumber = u16;

/// The number of a client: one connection of the stream.
pub type ClientNumber = u32;

/// The name of one recording, given by the proxy: lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingId(String);

impl RecordingId {
    /// Checks the text.
    pub fn parse(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        Self::allows(&text).then_some(Self(text))
    }

    fn allows(text: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=40).contains(&text.len()) && text.bytes().all(allowed)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for RecordingId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RecordingId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("not the id of a recording"))
    }
}

impl FromJson for RecordingId {
    fn from_json(value: Option<&serde_json::Value>, reader: &mut Reader) -> Self {
        let text = reader.text(value);
        if !Self::allows(text) {
            reader.refuse("the id of a recording");
        }
        Self(text.to_owned())
    }
}

/// One entry of a recording's journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct Entry {
    /// Its number in this recording's journal, from 1.
    pub number: EntryNumber,
    /// Its number in the sequence over all journals, which the stream counts by.
    pub board: u64,
    /// The server's time.
    pub at: Timestamp,
    /// Who caused it.
    pub by: By,
    /// The version of the format it was written in.
    #[serde(default = "first_version")]
    pub version: u16,
    /// The journal could not be written when it happened: it was held in memory, and written later (D9).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub held: bool,
    /// What happened.
    pub fact: Fact,
}

const fn first_version() -> u16 {
    1
}

/// Who caused an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person, by the name they are signed in with.
    Staff(String),
    /// The controller: the client that held the lease, under this epoch, and the person it runs for.
    Client {
        /// The connection.
        client: ClientNumber,
        /// The epoch of its lease.
        epoch: u32,
        /// The person signed in there.
        name: String,
    },
    /// The service, by an answer or a notification.
    Agora,
    /// The proxy itself.
    Proxy,
}

/// What an entry says. The names are part of the journal's format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(remote = "Self")]
#[expect(
    clippy::large_enum_variant,
    reason = "a change of policy is rare; boxed, its readers would pay for it"
)]
pub enum Fact {
    /// Staff asked for a recording. Always entry 1.
    Requested(Box<Requested>),
    /// The lease has a new holder.
    Leased(Leased),
    /// One request is about to leave. Durable before it does (D9).
    CallSent(CallSent),
    /// An HTTP answer came, of whatever status, perhaps late (D8).
    CallAnswered(CallAnswered),
    /// The call had no answer (yet).
    CallUnanswered(CallUnanswered),
    /// A routine answer that equals an earlier one.
    Repeated(Repeated),
    /// The controller declared what the rules conclude.
    Decided(Decision),
    /// The service notified, for the first time about this (N2).
    Notified(Box<Notified>),
    /// The service notified about the same once more (N2): it is counted and acted on by nobody.
    NotifiedAgain(NotifiedAgain),
    /// Staff asked for a stop.
    StopRequested(StopRequested),
    /// Staff took a stop back before it was due.
    StopWithdrawn,
    /// Staff asked for a change of subscription, web hold or credentials.
    UpdateRequested(Box<UpdateRequested>),
    /// Staff asked for another layout.
    LayoutRequested(Box<LayoutRequested>),
    /// Staff changed the policy of this recording.
    PolicyChanged(PolicyChanged),
    /// Staff want it tried again, after it waited for them (R3, R5, S4, M10).
    TryAgainRequested,
    /// Staff want the next query now.
    Hurried,
    /// A session that already runs became one of this recording's (S9, or watched from the start).
    Adopted(Adopted),
    /// Staff have seen an alarm.
    Acknowledged(Acknowledged),
    /// Staff took a possible orphan, or a session out of control, off the board.
    Dismissed(Dismissed),
    /// A kind that this build does not know, kept as it came.
    #[serde(skip)]
    Unknown(serde_json::Value),
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown(value) => value.serialize(serializer),
            known => Fact::serialize(known, serializer),
        }
    }
}

// By hand, because `untagged` would give a page a second reader for everything that an entry can hold.
impl<'de> Deserialize<'de> for Fact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Fact::deserialize(value.clone()).unwrap_or(Self::Unknown(value)))
    }
}

impl FromJson for Fact {
    fn from_json(value: Option<&serde_json::Value>, reader: &mut Reader) -> Self {
        let mut own = Reader::default();
        let known = Fact::from_json(value, &mut own);
        if own.refused() { Self::Unknown(FromJson::from_json(value, reader)) } else { known }
    }
}

impl Fact {
    /// What stands in the place of an entry that was written and can no longer be read. No build knows its kind, so its
    /// recording is shown as it is, and nothing is done for it: what the entry said is never guessed.
    pub fn damaged(what: &str) -> Self {
        Self::Unknown(serde_json::json!({ DAMAGED: what }))
    }

    /// What is wrong with the entry that stood here, if this is what stands in its place.
    pub fn damage(&self) -> Option<&str> {
        let Self::Unknown(value) = self else { return None };
        value.get(DAMAGED)?.as_str()
    }

    /// Where its raw body is kept, if it is of a kind that has one.
    pub fn raw_mut(&mut self) -> Option<&mut Option<String>> {
        match self {
            Self::CallAnswered(answered) => Some(&mut answered.raw),
            Self::Notified(notified) => Some(&mut notified.raw),
            _ => None,
        }
    }
}

/// What staff asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct Requested {
    /// The name of the App ID's section in the configuration.
    pub app: String,
    /// The channel.
    pub channel: ChannelName,
    /// The four UIDs of this recording (S11).
    pub uids: Uids,
    /// The storage profile's name; the proxy fills in the credentials.
    pub storage: String,
    /// How it is to be recorded: mode, sizes, idle time, hours of control (T6).
    pub settings: agora::RecordingSettings,
    /// The name of the policy.
    pub policy_name: String,
    /// The policy itself.
    pub policy: Policy,
    /// The rules that were in force.
    pub rules: u16,
    /// Whether the recording ran before it was watched here, so that nothing is started for it at first.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub watched: bool,
    /// Assurance: a main and a backup session record at the same time, and both are billed (A1, A3).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub assured: bool,
}

/// The UIDs of a recording (S11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Uids {
    /// The first session's.
    pub original: Uid,
    /// The next session's; then they alternate.
    pub backup: Uid,
    /// For when neither is free.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reserves: Vec<Uid>,
}

/// The lease has a new holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Leased {
    /// The connection that holds it.
    pub client: ClientNumber,
    /// Grows with every holder.
    pub epoch: u32,
    /// The person signed in there.
    pub holder: String,
}

/// The id of a call: `{recording}:{after}:{session}:{operation}`. The same step decided twice is one call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson)]
#[serde(transparent)]
pub struct CallId(pub String);

impl CallId {
    /// The id of the step that was decided after entry `after`.
    pub fn new(
        recording: &RecordingId,
        after: EntryNumber,
        session: SessionNumber,
        operation: Operation,
    ) -> Self {
        Self(format!("{recording}:{after}:{session}:{operation}"))
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Which of an App ID's domains a call goes to (D2).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, FromJson,
)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// The first of the configuration's pair.
    #[default]
    Primary,
    /// The other suffix.
    Secondary,
    /// The region's own.
    Region,
}

/// Which try of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// How many there can be; none where the documents set no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
}

/// One request is about to leave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct CallSent {
    /// The call.
    pub id: CallId,
    /// The session; a number that is new begins one.
    pub session: SessionNumber,
    /// The operation.
    pub operation: Operation,
    /// The UID that goes with it: always the one of this session's `acquire` (F5).
    pub uid: Uid,
    /// Which domain, as the rules name it.
    pub domain: Domain,
    /// Which domain, by its host name.
    pub host: String,
    /// Why.
    pub rule: RuleId,
    /// Which try.
    pub attempt: Attempt,
    /// SHA-256 of the body in hexadecimal, empty for a query.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body_hash: String,
    /// The start left later than S2 wants.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub late: bool,
    /// A `stop` that asks to be answered before the upload is done (T1).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub asynchronous: bool,
}

/// An HTTP answer came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct CallAnswered {
    /// The call.
    pub id: CallId,
    /// What it means.
    pub answer: Answer,
    /// The body as text, cut at the proxy's limit; the fold never reads it, and it is dropped after a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// A call had no answer in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct CallUnanswered {
    /// The call.
    pub id: CallId,
    /// Why.
    pub cause: UnansweredCause,
}

/// A routine answer that equals an earlier one: only its time is new.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct Repeated {
    /// The call that was answered.
    pub id: CallId,
    /// The entry whose answer it equals.
    pub of: EntryNumber,
}

/// A conclusion of the rules, declared by the controller and admitted by the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Decision {
    /// What is concluded.
    pub kind: DecisionKind,
    /// By which rule.
    pub rule: RuleId,
    /// From which entries of this journal.
    pub evidence: Vec<EntryNumber>,
}

/// What can be concluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// It records: status 4 or 5 (V2).
    Confirmed(SessionNumber),
    /// A 404: a failover may be running (M2, T3).
    InDoubt(SessionNumber),
    /// It answered again (M4).
    Recovered(SessionNumber),
    /// It is deemed lost, and still asked after (M3, V3).
    Lost(SessionNumber),
    /// It was accepted and never recorded (V3).
    NotStarted {
        /// The session.
        session: SessionNumber,
        /// It still answers, so it is stopped too.
        alive: bool,
    },
    /// The service says that it is ending (M7).
    Ending(SessionNumber),
    /// Its end is certain.
    Ended {
        /// The session.
        session: SessionNumber,
        /// How that is known.
        how: EndedHow,
    },
    /// Not found for the whole window after a stop: taken as ended, and still asked after (T3).
    TakenAsEnded(SessionNumber),
    /// A start without a `sid` is left behind (S9).
    Orphaned {
        /// The session.
        session: SessionNumber,
        /// Whether it may well run, or hardly.
        unlikely: bool,
    },
    /// A session without a `sid` is given up, and certainly runs nowhere.
    Abandoned(SessionNumber),
    /// A session is to be replaced by another (R1, T6).
    Replace(SessionNumber),
    /// Nothing more is done until staff say so.
    WaitForStaff(WaitingFor),
    /// Staff are to see this.
    Alarm(AlarmCause),
    /// A change that staff asked for is not applied to this session, and is not tried any more (U1).
    NotApplied {
        /// The session.
        session: SessionNumber,
        /// The entry that asked for the change.
        change: EntryNumber,
    },
    /// This session is the main one from now on (A2).
    TakesOver(SessionNumber),
}

impl DecisionKind {
    /// The one session that it is about; none where it is about the recording.
    pub const fn session(&self) -> Option<SessionNumber> {
        match self {
            Self::Confirmed(session)
            | Self::InDoubt(session)
            | Self::Recovered(session)
            | Self::Lost(session)
            | Self::Ending(session)
            | Self::TakenAsEnded(session)
            | Self::TakesOver(session)
            | Self::Abandoned(session)
            | Self::NotStarted { session, .. }
            | Self::Ended { session, .. }
            | Self::NotApplied { session, .. }
            | Self::Orphaned { session, .. } => Some(*session),
            Self::Alarm(cause) => cause.session(),
            Self::Replace(_) | Self::WaitForStaff(_) => None,
        }
    }
}

/// How the end of a session is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum EndedHow {
    /// A stop was accepted and the session is gone (T2).
    Stopped,
    /// The service said it was ending, and it is gone (M7).
    Exited,
    /// It ended abnormally (M7, status 20) and is gone.
    Abnormal,
    /// It was not found for as long as the rules ask (M11).
    NotFound,
    /// A notification said so, and it is gone (M9).
    Notified,
}

/// Why a recording waits for staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// Too many replacements (R3).
    Replacements,
    /// A replacement did not record either (R5).
    FailedReplacement,
    /// The service refused the request (D5).
    Refused,
    /// Half an hour of tries is over (S4).
    StartTries,
    /// It fell due while nobody was here (M10).
    Unattended,
    /// It ended because nobody was in the channel (R2).
    Idle,
    /// A notification told of a fatal error before anything was recorded (R5).
    Fatal,
}

/// What an alarm is about: one alarm a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum AlarmCause {
    /// Both UIDs failed to start (S4).
    StartFailing,
    /// The service refused the start (D5).
    StartRefused,
    /// No resource ID can be had (S8).
    AcquireFailing,
    /// Every UID is in use (S7).
    UidsInUse,
    /// Accepted, and not confirmed in time (V3).
    Unconfirmed(SessionNumber),
    /// No clear answer for long (M5).
    Unclear(SessionNumber),
    /// Our own calls are refused: the configuration (M8, D6).
    Configuration(SessionNumber),
    /// Ending for long (M7).
    Ending(SessionNumber),
    /// Two sessions run and are billed (M4); the count tells repeats apart.
    Twins(u32),
    /// A session is lost and nobody records (M3).
    Lost(SessionNumber),
    /// Replacements are used up (R3).
    ReplacementsUsed,
    /// A replacement did not record (R5).
    ReplacementFailed,
    /// A stop is not confirmed (T4).
    StopUnconfirmed(SessionNumber),
    /// A stop is refused (T8).
    StopRefused(SessionNumber),
    /// Control over a session ends soon (T6).
    ControlEnding(SessionNumber),
    /// Control over a session has ended (T6).
    OutOfControl(SessionNumber),
    /// It waits for staff since nobody was here (M10).
    Unattended,
    /// A change that staff asked for is not applied to this session (U1).
    NotApplied(SessionNumber),
    /// A notification told of a fatal error before anything was recorded (R5).
    Fatal(SessionNumber),
}

impl AlarmCause {
    /// The session that it is about.
    pub const fn session(self) -> Option<SessionNumber> {
        match self {
            Self::Unconfirmed(number)
            | Self::Unclear(number)
            | Self::Configuration(number)
            | Self::Ending(number)
            | Self::Lost(number)
            | Self::StopUnconfirmed(number)
            | Self::StopRefused(number)
            | Self::ControlEnding(number)
            | Self::OutOfControl(number)
            | Self::NotApplied(number)
            | Self::Fatal(number) => Some(number),
            Self::StartFailing
            | Self::StartRefused
            | Self::AcquireFailing
            | Self::UidsInUse
            | Self::Twins(_)
            | Self::ReplacementsUsed
            | Self::ReplacementFailed
            | Self::Unattended => None,
        }
    }
}

/// The service notified. The proxy writes one such entry for each notification (N2), in the order in which they came,
/// which means nothing (N4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Notified {
    /// `noticeId`; empty if the service gave none.
    pub notice: String,
    /// The event type.
    pub event: EventType,
    /// The session's `sid`.
    pub sid: Sid,
    /// The recorder's UID, which a failover changes (F3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// When it happened, as the service says (`sendts`); where it does not say, when it came.
    pub sent_at: Timestamp,
    /// Its place among the events of its sender, whose scope nobody documents.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sequence: u64,
    /// What it says.
    #[serde(default)]
    pub details: Details,
    /// The body as text, cut at the proxy's limit; the fold never reads it, and it is dropped after a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")
)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The same notification once more: the same `noticeId`, or the same `sid`, UID, event type, `sequence` and time (N2).
/// At most [`NotifiedAgain::WRITTEN_MAX`] are written for one notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct NotifiedAgain {
    /// The entry of the first delivery.
    pub of: EntryNumber,
}

impl NotifiedAgain {
    /// How many further deliveries of one notification are written. The service delivers one four times at most on each
    /// way; whoever has seen a signed body can send it for ever.
    pub const WRITTEN_MAX: u32 = 16;
}

/// Staff asked for a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct StopRequested {
    /// One session (T7), or the whole recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionNumber>,
    /// It is not sent before this, and can be withdrawn until then.
    pub not_before: Timestamp,
    /// Why, in their words; at most 500 characters, and none if they gave none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Staff asked for a change of what runs (U1). It concerns every session of the recording that is not over.
///
/// The rules say which of these entries one `update` carries ([`Permitted::changes`](crate::guards::Permitted)); the proxy
/// builds its body from their contents, later ones over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
pub struct UpdateRequested {
    /// Whose streams are recorded from now on, or whether a page's recording is held.
    #[serde(default)]
    pub settings: UpdateSettings,
    /// The storage profile whose credentials the sessions get: the proxy fills in those that it has when the call leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
}

impl UpdateRequested {
    /// Puts a later one over this one.
    pub fn put_over(&mut self, later: &Self) {
        let UpdateSettings { subscribe_audio_uids, subscribe_video_uids, onhold, rtmp_url } = &later.settings;
        let mine = &mut self.settings;
        mine.subscribe_audio_uids = subscribe_audio_uids.clone().or(mine.subscribe_audio_uids.take());
        mine.subscribe_video_uids = subscribe_video_uids.clone().or(mine.subscribe_video_uids.take());
        mine.onhold = onhold.or(mine.onhold);
        mine.rtmp_url = rtmp_url.clone().or(mine.rtmp_url.take());
        self.storage = later.storage.clone().or(self.storage.take());
    }

    /// Whether it asks for nothing but new credentials (U1 repeats that until it is applied).
    pub fn is_refresh(&self) -> bool {
        self.storage.is_some() && self.settings == UpdateSettings::default()
    }
}

/// Staff asked for another layout of a composed picture: the whole of it (U2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
pub struct LayoutRequested {
    /// The layout.
    pub layout: Layout,
}

impl Requested {
    /// What a later `start` carries: this, with a change that was applied (R1).
    pub fn put_over(&mut self, update: &UpdateRequested) {
        let UpdateSettings { subscribe_audio_uids, subscribe_video_uids, onhold, rtmp_url } =
            &update.settings;
        let config = &mut self.settings.recording_config;
        if let Some(uids) = subscribe_audio_uids {
            config.subscribe_audio_uids.clone_from(uids);
        }
        if let Some(uids) = subscribe_video_uids {
            config.subscribe_video_uids.clone_from(uids);
        }
        if let (Some(onhold), Some(page)) = (onhold, &mut self.settings.web) {
            page.onhold = Some(*onhold);
        }
        if let Some(rtmp_url) = rtmp_url {
            self.settings.rtmp_url = Some(rtmp_url.clone());
        }
        if let Some(storage) = &update.storage {
            self.storage.clone_from(storage);
        }
    }

    /// What a later `start` carries: this, with a layout that was applied (R1).
    pub fn put_layout(&mut self, layout: &Layout) {
        let config = &mut self.settings.recording_config;
        config.transcoding_config.get_or_insert_default().layout = layout.clone();
    }
}

/// Staff changed the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct PolicyChanged {
    /// Its name.
    pub name: String,
    /// The policy.
    pub policy: Policy,
}

/// A running session became one of this recording's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Adopted {
    /// The session that it is, or becomes.
    pub session: SessionNumber,
    /// Its UID.
    pub uid: Uid,
    /// Its resource ID.
    pub resource_id: ResourceId,
    /// Its recording ID.
    pub sid: Sid,
}

/// Staff have seen an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Acknowledged {
    /// The entry that raised it.
    pub alarm: EntryNumber,
}

/// Staff took a session off the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Dismissed {
    /// The session.
    pub session: SessionNumber,
    /// Why, in their words; at most 500 characters.
    pub reason: String,
}
