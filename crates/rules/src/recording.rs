//! A recording as its journal tells it: [`fold`] takes the entries one by one.
//!
//! The fold keeps what the rules and the board need, and nothing of raw bodies, so that a snapshot stays small. It
//! accepts every sequence of entries: what does not fit changes nothing. It derives facts (a 404 came, a doubt began);
//! conclusions that depend on time are [`Decided`](crate::journal::Fact::Decided) entries.

use agora::{
    AnswerClass, ChannelName, Mode, Operation, QueryAnswer, ResourceId, Sid, Timestamp, Uid, UnansweredCause,
};
use from_json::FromJson;
use serde::{Deserialize, Serialize};

use crate::journal::{
    AlarmCause, By, CallId, Decision, DecisionKind, EndedHow, Entry, EntryNumber, Fact, JOURNAL_VERSION,
    Leased, RecordingId, Requested, SessionNumber, Uids, WaitingFor,
};
use crate::line::{Line, OpenCall, Outcome};
use crate::notified::{Heard, fold_notified};
use crate::policy::{Policy, departures};
use crate::rule::RuleId;
use crate::update::{self, Applied, Change};

/// What staff want: "record this channel until I say stop". Owns one or more sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct Recording {
    /// Its name.
    pub id: RecordingId,
    /// The App ID's name in the configuration.
    pub app: String,
    /// The channel.
    pub channel: ChannelName,
    /// The mode.
    pub mode: Mode,
    /// Its four UIDs (S11).
    pub uids: Uids,
    /// The storage profile's name.
    pub storage: String,
    /// `maxIdleTime` in seconds.
    pub max_idle_time: u32,
    /// For how many hours after its `sid` a session can be controlled (T6).
    pub control_hours: u16,
    /// The policy's name.
    pub policy_name: String,
    /// The policy.
    #[serde(with = "departures")]
    pub policy: Policy,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// It ran before it was watched here.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub watched: bool,
    /// The last entry folded.
    pub last: EntryNumber,
    /// Its time.
    pub last_at: Timestamp,
    /// Who acts for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Leased>,
    /// Staff want it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopIntent>,
    /// Assurance: a main and a backup session record at the same time (A1).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub assured: bool,
    /// Assurance: the session that has the main role; 0 before one has it (A2).
    #[serde(default, skip_serializing_if = "is_no_session")]
    pub main: SessionNumber,
    /// Its sessions, oldest first. Those that are over and older than a few are left out.
    #[serde(default)]
    pub sessions: Vec<Session>,
    /// The number that the next session gets.
    pub next_session: SessionNumber,
    /// The start procedure that runs, if one does; of a pair the one of its first side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<Procedure>,
    /// Assurance: the start procedure of the second side of the pair (A1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Procedure>,
    /// When sessions were replaced, newest last (R3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replacements: Vec<Timestamp>,
    /// It waits for staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// What staff are to see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<Alarm>,
    /// When somebody last acted for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acted_at: Option<Timestamp>,
    /// The last stretch in which nobody did (M10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unattended: Option<Unattended>,
    /// The last call that was refused, with the service's own words (D5, M8, T8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refused>,
    /// Staff want the next query now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hurried: Option<Timestamp>,
    /// Deliveries of notifications that had come before (N2).
    #[serde(default, skip_serializing_if = "crate::line::is_zero")]
    pub notified_again: u32,
    /// Changes that staff asked for and that some session still lacks, oldest first (U1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Where the layout and the subscription stand that were last applied: a new session starts with them (R1).
    #[serde(default, skip_serializing_if = "Applied::is_none")]
    pub applied: Applied,
    /// An entry of a kind or version that this build does not know: no lease is held on it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub unreadable: bool,
}

/// Assurance: which of the two that record at the same time (A1). Each has two of the four UIDs, so a UID tells its side.
/// A recording without assurance has the first alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one that is asked for first.
    #[default]
    First,
    /// The one beside it.
    Second,
}

impl Side {
    /// Whether it is [`Side::First`].
    pub const fn is_first(&self) -> bool {
        matches!(self, Self::First)
    }
}

const fn is_no_session(number: &SessionNumber) -> bool {
    *number == 0
}

/// Staff want it stopped (T7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct StopIntent {
    /// When they pressed.
    pub at: Timestamp,
    /// The entry.
    pub entry: EntryNumber,
    /// Who.
    pub by: String,
    /// Not sent before this.
    pub not_before: Timestamp,
    /// What it waited for when they pressed: it does so again if they take the stop back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited: Option<Waiting>,
}

/// Why something begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Staff asked for the recording.
    Asked,
    /// A session was lost, or never started (R1).
    Replaces(SessionNumber),
    /// Control of a session ends (T6).
    ChangesOver(SessionNumber),
    /// A session ended because nobody was in the channel, and the policy says to begin another (R2).
    Restarts(SessionNumber),
    /// A session was not registered for high availability in time (V4); it is stopped when this one is confirmed.
    Doubles(SessionNumber),
    /// Staff pressed *try again*.
    TriedAgain,
    /// It ran already.
    Adopted,
}

/// One way from nothing to a `sid`: acquires and starts, over all UIDs and rounds (S).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Procedure {
    /// What for.
    pub because: Because,
    /// For which side of a pair (A1).
    #[serde(default, skip_serializing_if = "Side::is_first")]
    pub side: Side,
    /// Since when.
    pub begun: Timestamp,
    /// The entry that began it.
    pub entry: EntryNumber,
    /// The first session of the round that runs.
    pub from_session: SessionNumber,
    /// How many rounds found every UID in use (S7).
    #[serde(default)]
    pub rounds: u32,
    /// Both UIDs have failed: one try a minute since then (S4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes_since: Option<Timestamp>,
}

/// It waits for staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Waiting {
    /// Why.
    pub why: WaitingFor,
    /// By which rule.
    pub rule: RuleId,
    /// Since when.
    pub since: Timestamp,
}

/// Something staff are to see: once per cause, durable, until acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Alarm {
    /// About what.
    pub cause: AlarmCause,
    /// By which rule.
    pub rule: RuleId,
    /// Since when.
    pub at: Timestamp,
    /// The entry that raised it.
    pub entry: EntryNumber,
    /// Its cause has passed.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub passed: bool,
    /// Staff have seen it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub acknowledged: bool,
}

/// What the service answered when it refused a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Refused {
    /// The operation.
    pub operation: Operation,
    /// The HTTP status.
    pub status: u16,
    /// The `code` of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The `reason` or `message` of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The entry of the answer.
    pub entry: EntryNumber,
}

/// A stretch in which nobody acted (M10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Unattended {
    /// When somebody last acted.
    pub from: Timestamp,
    /// When somebody took over.
    pub to: Timestamp,
}

/// One `acquire` + `start`: a resource ID and, once answered, a recording ID. Agora's "task".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Session {
    /// Its number in the recording.
    pub number: SessionNumber,
    /// The UID of its `acquire`, which all its calls carry (F5).
    pub uid: Uid,
    /// Why it was begun.
    pub because: Because,
    /// When.
    pub begun: Timestamp,
    /// Where it stands.
    pub phase: Phase,
    /// Its resource ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// Its recording ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Sid>,
    /// When the recording ID became known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Timestamp>,
    /// When it was first seen to record (V2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Timestamp>,
    /// It showed status 5 (web: `inProgress`), so it recorded something (R5).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub recorded: bool,
    /// How many answers with status 4 or 5 it gave, up to 2 (V2).
    #[serde(default)]
    pub good_answers: u8,
    /// Whether a start of it may run although it has no `sid` (S9).
    #[serde(default, skip_serializing_if = "MayRun::is_no")]
    pub may_run: MayRun,
    /// It is the one entry of its UID: what older starts of that may have left behind is said by it (S9).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub stands_for_older: bool,
    /// Staff took it off the board.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub dismissed: bool,
    /// Staff want this one stopped (T7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_asked: Option<Timestamp>,
    /// The rules want it stopped since then: V3, M4, T6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_due: Option<(Timestamp, RuleId)>,
    /// The last stop that was accepted: when, and its entry (T2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_accepted: Option<(Timestamp, EntryNumber)>,
    /// It is replaced, or was decided not to be (R1).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub replaced: bool,
    /// The last status it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Good>,
    /// When the last HTTP answer to a query came, of whatever kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<LastAnswer>,
    /// When the first query that was answered had been sent (V3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_asked: Option<Timestamp>,
    /// A run of the service's 404s (M2, T3, V3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// A 200 that ended a declared doubt and is not declared itself (M4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Interruption>,
    /// No clear answer to queries since then (M5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclear: Option<Unclear>,
    /// The last run of queries that had no clear answer and came to a good end (M5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Cleared>,
    /// Queries are refused since then (M8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<(Timestamp, EntryNumber)>,
    /// It says that it is ending since then (M7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<(Timestamp, EntryNumber)>,
    /// The times it was away and came back, at most eight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interruptions: Vec<Interruption>,
    /// Failovers that are proved (F1).
    #[serde(default)]
    pub failovers: u8,
    /// Index files that an answer or notification named, at most eight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// What notifications told (N).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Box<Heard>>,
    /// How the upload ended, as the answer to a stop says: `true` where something is in the service's backup (T1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_answer: Option<bool>,
    /// A notification told its `sid` (S9): it is proved by the first 200.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub adopted: bool,
    /// The last 20 answers to queries, one letter each, newest last: `g`ood, `n`ot found, `u`nclear, `r`efused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub strip: String,
    /// Calls that had no answer and may still get one, at most six.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<OpenCall>,
    /// Its acquire.
    #[serde(default)]
    pub acquire: Line,
    /// Its start.
    #[serde(default)]
    pub start: Line,
    /// Its queries.
    #[serde(default)]
    pub query: Line,
    /// Its stops.
    #[serde(default)]
    pub halt: Line,
    /// Its updates, of whatever kind: those of the change that `changing` names.
    #[serde(default, skip_serializing_if = "Line::is_idle")]
    pub change: Line,
    /// The entry of the change that was sent last (U1).
    #[serde(default, skip_serializing_if = "crate::line::is_zero")]
    pub changing: EntryNumber,
    /// Every change that was asked for up to this entry is applied here, or was given up (U1).
    #[serde(default, skip_serializing_if = "crate::line::is_zero")]
    pub changed: EntryNumber,
    /// The resource IDs that its `acquire` asked to keep apart from (A1): the same ones each time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<ResourceId>,
    /// What its `start` carried beyond the request (R1).
    #[serde(default, skip_serializing_if = "Applied::is_none")]
    pub carries: Applied,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_at: Option<Timestamp>,
}

/// Where a session stands. The states exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has no resource ID yet.
    Acquiring,
    /// It has a resource ID and no `sid`.
    Starting,
    /// Accepted: it has a `sid` and was not seen to record (S3).
    Accepted,
    /// Confirmed (V2).
    Live,
    /// The service says that it is ending (M7).
    Ending,
    /// Deemed lost, still asked after (M3, M11).
    Lost,
    /// Never recorded (V3), still asked after (M11).
    NotStarted,
    /// Not found after a stop, still asked after (T3, M11).
    TakenAsEnded,
    /// Its end is certain.
    Over(EndedHow),
    /// Given up before it had a `sid`.
    Abandoned,
}

/// Whether a start without a `sid` may have been carried out (S9).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, FromJson,
)]
#[serde(rename_all = "snake_case")]
pub enum MayRun {
    /// Certainly not.
    #[default]
    No,
    /// Hardly: the service answered 50x.
    Unlikely,
    /// It may: the answer was unclear.
    Possibly,
}

impl MayRun {
    /// Whether it is [`MayRun::No`].
    pub const fn is_no(&self) -> bool {
        matches!(self, Self::No)
    }
}

/// A resource ID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Resource {
    /// The ID.
    pub id: ResourceId,
    /// When it was answered.
    pub at: Timestamp,
}

/// The last status a session answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Good {
    /// 0 … 8 or 20.
    pub status: u8,
    /// When the query had been sent: what the answer proves something about (D10).
    pub asked: Timestamp,
    /// When the answer came.
    pub at: Timestamp,
    /// Its entry.
    pub entry: EntryNumber,
}

/// The last HTTP answer to a query, for the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct LastAnswer {
    /// When it came.
    pub at: Timestamp,
    /// Its entry.
    pub entry: EntryNumber,
    /// The HTTP status; none if there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<u16>,
}

/// A run of the service's 404s with no 200 in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Doubt {
    /// When the first was received.
    pub t0: Timestamp,
    /// Its entry.
    pub first: EntryNumber,
    /// When the query of the newest had been sent; none if only stops were answered 404.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// The newest one's entry.
    pub newest: EntryNumber,
    /// How many there were.
    pub count: u32,
    /// The controller has declared it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub declared: bool,
}

/// Answers that tell nothing, in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Unclear {
    /// Since the first of them.
    pub since: Timestamp,
    /// How many.
    pub count: u32,
    /// How many of them at the beginning were code 65 (M6).
    pub not_completed: u32,
    /// The first one's entry.
    pub first: EntryNumber,
}

/// A run of answers that told nothing, until one did: the mark that it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Cleared {
    /// The first answer of the run.
    pub since: Timestamp,
    /// The good one.
    pub at: Timestamp,
    /// How many told nothing.
    pub count: u32,
}

/// A time in which a session did not answer, and came back (M4): a failover where F1 proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Interruption {
    /// The first 404.
    pub t0: Timestamp,
    /// When it answered again.
    pub back: Timestamp,
    /// The last good query before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Timestamp>,
    /// The entries that show it: the first 404 and the answer that came back.
    pub evidence: (EntryNumber, EntryNumber),
    /// The leg that records since then, where a file name proves it (F1): 0 for `bak0_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<u8>,
}

impl Recording {
    /// The recording that this first entry begins; none if it is not a request.
    pub fn begin(id: RecordingId, entry: &Entry) -> Option<Self> {
        let Fact::Requested(requested) = &entry.fact else { return None };
        let Requested {
            app,
            channel,
            uids,
            storage,
            settings,
            policy_name,
            policy,
            rules: _,
            watched,
            assured,
        } = requested.as_ref();
        let procedure = |side| Procedure {
            because: Because::Asked,
            side,
            begun: entry.at,
            entry: entry.number,
            from_session: 1,
            rounds: 0,
            minutes_since: None,
        };
        let assured = *assured && !watched;
        Some(Self {
            id,
            app: app.clone(),
            channel: channel.clone(),
            mode: settings.mode,
            uids: uids.clone(),
            storage: storage.clone(),
            max_idle_time: settings.recording_config.max_idle_time,
            control_hours: settings.resource_expired_hours,
            policy_name: policy_name.clone(),
            policy: policy.clone(),
            asked_by: match &entry.by {
                By::Staff(name) | By::Client { name, .. } => name.clone(),
                By::Agora | By::Proxy => String::new(),
            },
            asked_at: entry.at,
            watched: *watched,
            last: entry.number,
            last_at: entry.at,
            lease: None,
            stop: None,
            assured,
            main: 0,
            sessions: Vec::new(),
            next_session: 1,
            procedure: (!watched).then(|| procedure(Side::First)),
            second: assured.then(|| procedure(Side::Second)),
            replacements: Vec::new(),
            waiting: None,
            alarms: Vec::new(),
            acted_at: Some(entry.at),
            unattended: None,
            refusal: None,
            hurried: None,
            notified_again: 0,
            changes: Vec::new(),
            applied: Applied::default(),
            unreadable: entry.version > JOURNAL_VERSION,
        })
    }

    /// The session of this number, if it is still kept.
    pub fn session(&self, number: SessionNumber) -> Option<&Session> {
        self.sessions.iter().find(|session| session.number == number)
    }

    pub(crate) fn session_mut(&mut self, number: SessionNumber) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.number == number)
    }

    /// The sides that it has: both of a pair (A1), or one.
    pub fn sides(&self) -> impl Iterator<Item = Side> + use<> {
        [Side::First, Side::Second].into_iter().take(if self.assured { 2 } else { 1 })
    }

    /// The side of a UID (A1): of a pair the first has the original and the first reserve, the second the backup and the
    /// next reserve.
    pub fn side_of(&self, uid: Uid) -> Side {
        let place = self.uids.reserves.iter().position(|reserve| *reserve == uid);
        let second = uid == self.uids.backup || place.is_some_and(|place| place % 2 == 1);
        if self.assured && second { Side::Second } else { Side::First }
    }

    /// S11: the two UIDs that the sessions of a side take in turn.
    pub(crate) fn pair(&self, side: Side) -> [Uid; 2] {
        let Uids { original, backup, reserves } = &self.uids;
        let reserve = |place: usize, own: Uid| reserves.get(place).copied().unwrap_or(own);
        match (self.assured, side) {
            (false, _) => [*original, *backup],
            (true, Side::First) => [*original, reserve(0, *original)],
            (true, Side::Second) => [*backup, reserve(1, *backup)],
        }
    }

    /// The start procedures that run: of a pair up to two.
    pub fn procedures(&self) -> impl Iterator<Item = &Procedure> {
        self.procedure.iter().chain(&self.second)
    }

    /// The start procedure of a side, if one runs.
    pub const fn procedure_of(&self, side: Side) -> Option<&Procedure> {
        match side {
            Side::First => self.procedure.as_ref(),
            Side::Second => self.second.as_ref(),
        }
    }

    const fn procedure_mut(&mut self, side: Side) -> &mut Option<Procedure> {
        match side {
            Side::First => &mut self.procedure,
            Side::Second => &mut self.second,
        }
    }

    /// Assurance: the session that has the main role (A2); none before one records.
    pub fn main_session(&self) -> Option<&Session> {
        self.session(self.main)
    }

    /// A1: the resource IDs of the sessions that are not over: what an `acquire` asks to keep apart from.
    pub(crate) fn not_over(&self) -> Vec<ResourceId> {
        if !self.assured {
            return Vec::new();
        }
        let apart = |session: &&Session| match session.phase {
            Phase::Over(_) => false,
            Phase::Abandoned => !session.may_run.is_no(),
            _ => true,
        };
        let sessions = self.sessions.iter().filter(apart);
        sessions.filter_map(|session| session.resource.as_ref().map(|resource| resource.id.clone())).collect()
    }

    /// Whether staff want it to record: asked for, and no stop asked.
    pub const fn is_wanted(&self) -> bool {
        self.stop.is_none()
    }

    /// The newest session that records or may record, for a row of the board.
    pub fn current(&self) -> Option<&Session> {
        let alive = |session: &&Session| {
            !matches!(session.phase, Phase::Over(_) | Phase::Abandoned | Phase::NotStarted | Phase::Lost)
        };
        self.sessions.iter().rev().find(alive).or_else(|| self.sessions.last())
    }

    /// Whether nothing runs, nothing is being tried and nothing may run unseen: it leaves the board of live ones.
    pub fn settled(&self) -> bool {
        let quiet = self.sessions.iter().all(Session::is_settled);
        let to_replace = |session: &Session| crate::replace::is_gone(session) && !session.replaced;
        let being_tried = self.procedures().next().is_some() || self.waiting.is_some();
        let to_do = being_tried || (!self.watched && self.sessions.iter().any(to_replace));
        let nothing_to_do = self.stop.is_some() || !to_do;
        let all_seen = self.alarms.iter().all(|alarm| alarm.acknowledged || alarm.passed);
        quiet && nothing_to_do && all_seen
    }

    /// How many sessions are billed now: those that are known to run, and those that perhaps do (R4).
    pub fn billed(&self) -> (usize, usize) {
        let count = |wanted: fn(&Session) -> bool| self.sessions.iter().filter(|s| wanted(s)).count();
        (count(Session::is_billed), count(Session::is_perhaps_billed))
    }

    /// Whether this alarm has been raised, acknowledged or not, and its cause has not passed since.
    pub fn has_alarm(&self, cause: AlarmCause) -> bool {
        self.alarms.iter().any(|alarm| alarm.cause == cause && !alarm.passed)
    }

    /// The alarms that staff have not dealt with.
    pub fn open_alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.iter().filter(|alarm| !alarm.acknowledged && !alarm.passed)
    }

    /// Whether staff must do something or should look: a clear answer missing for two minutes is among it (M5).
    pub fn wants_attention(&self, now: Timestamp) -> bool {
        let long_unclear =
            self.sessions.iter().filter_map(|session| session.unclear).any(|unclear| {
                now.since(unclear.since) >= crate::policy::seconds(self.policy.unclear_attention)
            });
        long_unclear
            || self.unreadable
            || self.waiting.is_some()
            || self.sessions.iter().any(Session::is_orphan)
            || self.open_alarms().next().is_some()
    }

    /// Whether a start is being tried.
    pub fn is_starting(&self) -> bool {
        self.procedures().next().is_some() && self.waiting.is_none()
    }
}

impl Session {
    fn begun_with(number: SessionNumber, uid: Uid, because: Because, at: Timestamp) -> Self {
        Self {
            number,
            uid,
            because,
            begun: at,
            phase: Phase::Acquiring,
            resource: None,
            sid: None,
            accepted: None,
            confirmed: None,
            recorded: false,
            good_answers: 0,
            may_run: MayRun::No,
            stands_for_older: false,
            dismissed: false,
            stop_asked: None,
            stop_due: None,
            stop_accepted: None,
            replaced: false,
            last_good: None,
            last_answer: None,
            first_asked: None,
            doubt: None,
            recovery: None,
            unclear: None,
            cleared: None,
            refused: None,
            ending: None,
            interruptions: Vec::new(),
            failovers: 0,
            files: Vec::new(),
            heard: None,
            upload_answer: None,
            adopted: false,
            strip: String::new(),
            late: Vec::new(),
            acquire: Line::default(),
            start: Line::default(),
            query: Line::default(),
            halt: Line::default(),
            change: Line::default(),
            changing: 0,
            changed: 0,
            excludes: Vec::new(),
            carries: Applied::default(),
            over_at: None,
        }
    }

    /// Whether nothing more is to be found out about it.
    pub const fn is_settled(&self) -> bool {
        if self.start.open.is_some() {
            return false;
        }
        match self.phase {
            Phase::Over(_) => true,
            Phase::Abandoned => matches!(self.may_run, MayRun::No) || self.dismissed,
            Phase::Acquiring
            | Phase::Starting
            | Phase::Accepted
            | Phase::Live
            | Phase::Ending
            | Phase::Lost
            | Phase::NotStarted
            | Phase::TakenAsEnded => self.dismissed,
        }
    }

    /// Whether its UID may be in the channel, so that no other session may take it (S11).
    pub const fn may_hold_uid(&self) -> bool {
        // A repeat that is still out may be carried out, whatever another one was told.
        if self.start.open.is_some() {
            return true;
        }
        match self.phase {
            Phase::Over(_) => false,
            Phase::Abandoned => !matches!(self.may_run, MayRun::No) && !self.dismissed,
            Phase::Acquiring
            | Phase::Starting
            | Phase::Accepted
            | Phase::Live
            | Phase::Ending
            | Phase::Lost
            | Phase::NotStarted
            | Phase::TakenAsEnded => true,
        }
    }

    /// Whether it is a possible orphan (S9).
    pub fn is_orphan(&self) -> bool {
        self.phase == Phase::Abandoned && !self.may_run.is_no() && !self.dismissed
    }

    /// Whether it is known to run (R4).
    pub fn is_billed(&self) -> bool {
        matches!(self.phase, Phase::Accepted | Phase::Live | Phase::Ending)
    }

    /// Whether it perhaps runs (R4).
    pub fn is_perhaps_billed(&self) -> bool {
        matches!(self.phase, Phase::Lost | Phase::NotStarted | Phase::TakenAsEnded)
            || self.is_orphan()
            || (self.phase == Phase::Starting && !self.may_run.is_no())
    }

    /// Whether it has a `sid` and its end is not certain.
    pub fn is_watched(&self) -> bool {
        self.sid.is_some() && !matches!(self.phase, Phase::Over(_)) && !self.dismissed
    }

    /// Whether somebody else began it: its `sid` came by a notification (S9), or it ran before it was watched.
    pub fn is_adopted(&self) -> bool {
        self.adopted || self.because == Because::Adopted
    }

    /// T6: when control over it ends.
    pub fn control_ends(&self, control_hours: u16) -> Option<Timestamp> {
        let span = core::time::Duration::from_secs(u64::from(control_hours) * 3600);
        self.accepted.map(|accepted| accepted + span)
    }

    /// The memory of one operation.
    pub const fn line(&self, operation: Operation) -> &Line {
        match operation {
            Operation::Acquire => &self.acquire,
            Operation::Start => &self.start,
            Operation::Stop => &self.halt,
            Operation::Query => &self.query,
            Operation::Update | Operation::UpdateLayout => &self.change,
        }
    }

    pub(crate) const fn line_mut(&mut self, operation: Operation) -> &mut Line {
        match operation {
            Operation::Acquire => &mut self.acquire,
            Operation::Start => &mut self.start,
            Operation::Stop => &mut self.halt,
            Operation::Query => &mut self.query,
            Operation::Update | Operation::UpdateLayout => &mut self.change,
        }
    }
}

/// Takes one entry into the recording. Entries come in order; one that was folded before changes nothing.
pub fn fold(recording: &mut Recording, entry: &Entry) {
    if entry.number <= recording.last {
        return;
    }
    recording.last = entry.number;
    recording.last_at = entry.at;
    if entry.version > JOURNAL_VERSION {
        recording.unreadable = true;
        return;
    }
    if matches!(entry.by, By::Client { .. }) && !matches!(entry.fact, Fact::Leased(_)) {
        recording.acted_at = Some(entry.at);
    }
    match &entry.fact {
        Fact::Requested(_) => {}
        Fact::Notified(notified) => fold_notified(recording, notified, entry),
        // N2: counted, and acted on by nobody.
        Fact::NotifiedAgain(_) => recording.notified_again = recording.notified_again.saturating_add(1),
        Fact::UpdateRequested(asked) => update::fold_asked(recording, update::touched(asked), entry),
        Fact::LayoutRequested(_) => update::fold_asked(recording, update::LAYOUT, entry),
        Fact::Leased(leased) => fold_leased(recording, leased, entry.at),
        Fact::CallSent(sent) => fold_sent(recording, sent, entry),
        Fact::CallAnswered(answered) => {
            fold_answered(
                recording,
                &answered.id,
                &answered.answer.class,
                Some(answered.answer.status),
                entry,
            );
            note_refusal(recording, &answered.id, &answered.answer, entry.number);
        }
        Fact::CallUnanswered(unanswered) => {
            fold_unanswered(recording, &unanswered.id, unanswered.cause, entry)
        }
        Fact::Repeated(repeated) => fold_repeated(recording, &repeated.id, entry),
        Fact::Decided(decision) => fold_decided(recording, decision, entry),
        Fact::StopRequested(stop) => match stop.session {
            Some(number) => {
                if let Some(session) = recording.session_mut(number) {
                    session.stop_asked = session.stop_asked.or(Some(stop.not_before));
                }
            }
            None => {
                let by = match &entry.by {
                    By::Staff(name) | By::Client { name, .. } => name.clone(),
                    By::Agora | By::Proxy => String::new(),
                };
                let waited = recording.waiting.take();
                recording.stop.get_or_insert(StopIntent {
                    at: entry.at,
                    entry: entry.number,
                    by,
                    not_before: stop.not_before,
                    waited,
                });
                pass_alarms(recording, is_about_starting);
            }
        },
        Fact::StopWithdrawn => {
            if let Some(stop) = recording.stop.take_if(|stop| entry.at < stop.not_before) {
                recording.waiting = stop.waited;
            }
        }
        Fact::PolicyChanged(changed) => {
            recording.policy = changed.policy.clone();
            recording.policy_name.clone_from(&changed.name);
        }
        Fact::TryAgainRequested => begin_again(recording, entry),
        Fact::Hurried => recording.hurried = Some(entry.at),
        Fact::Adopted(adopted) => fold_adopted(recording, adopted, entry),
        Fact::Acknowledged(acknowledged) => {
            let alarm = recording.alarms.iter_mut().find(|alarm| alarm.entry == acknowledged.alarm);
            if let Some(alarm) = alarm {
                alarm.acknowledged = true;
            }
        }
        Fact::Dismissed(dismissed) => {
            if let Some(session) = recording.session_mut(dismissed.session) {
                session.dismissed = true;
            }
            pass_alarms(recording, |cause| cause == AlarmCause::OutOfControl(dismissed.session));
        }
        Fact::Unknown(_) => recording.unreadable = true,
    }
    update::settle(recording);
    prune(recording);
}

/// M10: a new holder after a stretch in which nobody acted asks before it concludes.
fn fold_leased(recording: &mut Recording, leased: &Leased, at: Timestamp) {
    let from = recording.acted_at.unwrap_or(recording.asked_at);
    let interval = crate::monitor::interval_due(recording, from);
    if interval.is_some_and(|interval| at.since(from) > interval * recording.policy.unattended_factor) {
        recording.unattended = Some(Unattended { from, to: at });
        let stale = crate::policy::seconds(recording.policy.doubt_stale);
        for session in &mut recording.sessions {
            let last = session.last_answer.map_or(session.begun, |answer| answer.at);
            let judged_later = matches!(session.phase, Phase::Accepted | Phase::Live | Phase::Ending);
            if judged_later && at.since(last) > stale && session.stop_accepted.is_none() {
                session.doubt = None;
            }
        }
    }
    recording.acted_at = Some(at);
    recording.lease = Some(leased.clone());
}

fn fold_sent(recording: &mut Recording, sent: &crate::journal::CallSent, entry: &Entry) {
    let call = OpenCall { id: sent.id.clone(), entry: entry.number, at: entry.at, domain: sent.domain };
    if recording.session(sent.session).is_none() {
        let begins = sent.operation == Operation::Acquire && sent.session == recording.next_session;
        if !begins {
            return;
        }
        let procedure = recording.procedure_of(recording.side_of(sent.uid));
        let because = procedure.map_or(Because::Asked, |procedure| procedure.because);
        let mut session = Session::begun_with(sent.session, sent.uid, because, entry.at);
        session.excludes = recording.not_over();
        session.carries = recording.applied;
        session.changed = recording.changes.first().map_or(entry.number, |change| change.entry - 1);
        recording.sessions.push(session);
        recording.next_session = recording.next_session.saturating_add(1);
    }
    if matches!(sent.operation, Operation::Update | Operation::UpdateLayout) {
        update::fold_sent(recording, sent.session);
    }
    if let Some(session) = recording.session_mut(sent.session) {
        if let (Operation::Query, Some(heard)) = (sent.operation, &mut session.heard) {
            heard.asks = None;
        }
        session.line_mut(sent.operation).sent(call);
    }
}

/// Where a call is waited for: in its line, or among those that were given up and may still be answered.
fn take_call(session: &mut Session, id: &CallId, operation: Operation) -> Option<(OpenCall, bool)> {
    let line = session.line_mut(operation);
    if line.open.as_ref().is_some_and(|open| open.id == *id) {
        return line.open.take().map(|open| (open, false));
    }
    let place = session.late.iter().position(|call| call.id == *id)?;
    Some((session.late.remove(place), true))
}

fn parse_id(recording: &Recording, id: &CallId) -> Option<(SessionNumber, Operation)> {
    let mut parts = id.0.rsplit(':');
    let operation = Operation::parse(parts.next()?)?;
    let session = parts.next()?.parse().ok()?;
    let _after: EntryNumber = parts.next()?.parse().ok()?;
    (parts.next()? == recording.id.as_str() && parts.next().is_none()).then_some((session, operation))
}

fn fold_answered(
    recording: &mut Recording,
    id: &CallId,
    class: &AnswerClass,
    http: Option<u16>,
    entry: &Entry,
) {
    let Some((number, operation)) = parse_id(recording, id) else { return };
    let Some(session) = recording.session_mut(number) else { return };
    let Some((call, late)) = take_call(session, id, operation) else { return };
    let line = session.line_mut(operation);
    // A late answer ends the try it belongs to, unless a repeat of it is on its way or it has ended without an answer: it
    // is no further try then, and no further 429.
    if !late || (line.open.is_none() && line.unanswered > 0) {
        line.answered(class, entry.at, entry.number);
    }
    match operation {
        Operation::Acquire => acquire_answered(session, class, entry),
        Operation::Start => start_answered(recording, number, class, entry),
        Operation::Query => query_answered(recording, number, &call, class, http, entry),
        Operation::Stop => stop_answered(recording, number, class, entry),
        Operation::Update | Operation::UpdateLayout => update::fold_answered(recording, number, class, entry),
    }
}

/// D5: staff are shown the service's code and reason, so that they see which parameter to check.
fn note_refusal(recording: &mut Recording, id: &CallId, answer: &agora::Answer, entry: EntryNumber) {
    let refused = matches!(answer.class, AnswerClass::Refused | AnswerClass::NoRoute);
    if let Some((_, operation)) = parse_id(recording, id).filter(|_| refused) {
        let (status, code, reason) = (answer.status, answer.code, answer.reason.clone());
        recording.refusal = Some(Refused { operation, status, code, reason, entry });
    }
}

fn fold_repeated(recording: &mut Recording, id: &CallId, entry: &Entry) {
    let Some((number, _)) = parse_id(recording, id) else { return };
    let good = recording.session(number).and_then(|session| session.last_good);
    let Some(good) = good else { return };
    let class = AnswerClass::Status(QueryAnswer { status: good.status, ..QueryAnswer::default() });
    fold_answered(recording, id, &class, Some(200), entry);
}

fn acquire_answered(session: &mut Session, class: &AnswerClass, entry: &Entry) {
    if let (AnswerClass::Acquired(id), Phase::Acquiring) = (class, session.phase) {
        session.resource = Some(Resource { id: id.clone(), at: entry.at });
        session.phase = Phase::Starting;
    }
}

fn start_answered(recording: &mut Recording, number: SessionNumber, class: &AnswerClass, entry: &Entry) {
    let Some(session) = recording.session_mut(number) else { return };
    match class {
        AnswerClass::Started(sid) | AnswerClass::AlreadyStarted(Some(sid)) => {
            // A `sid` that comes late is the session, whatever was decided meanwhile (D8).
            if session.sid.is_none() {
                session.sid = Some(sid.clone());
                session.accepted = Some(entry.at);
                session.phase = Phase::Accepted;
                session.may_run = MayRun::No;
                // V1 counts from the `sid`, not from what was asked before.
                session.query.restart();
            }
            end_round(recording, number, entry);
        }
        _ => {
            if let Some(outcome) = Outcome::of(class) {
                session.may_run = session.may_run.max(may_run_after(outcome));
            }
        }
    }
}

/// D8, S9: a session of the round has its `sid`. Where it came late, or by a notification, another may have been begun
/// meanwhile: that one is not needed any more.
fn end_round(recording: &mut Recording, number: SessionNumber, entry: &Entry) {
    let Some(session) = recording.session(number) else { return };
    let (because, begun, side) = (session.because, session.begun, recording.side_of(session.uid));
    // Also one of a round before, in which every UID was in use (S7).
    let of_it = |procedure: &&Procedure| {
        number >= procedure.from_session || (because == procedure.because && begun >= procedure.begun)
    };
    if let Some(from) = recording.procedure_of(side).filter(of_it).map(|procedure| procedure.from_session) {
        *recording.procedure_mut(side) = None;
        give_up_begun(recording, from, side, entry);
    }
    // What the other of a pair has failed in still stands.
    if recording.assured && recording.procedures().next().is_some() {
        return;
    }
    pass_alarms(recording, |cause| {
        matches!(
            cause,
            AlarmCause::StartFailing
                | AlarmCause::StartRefused
                | AlarmCause::AcquireFailing
                | AlarmCause::UidsInUse
        )
    });
}

/// S9: what an outcome of a start leaves behind.
fn may_run_after(outcome: Outcome) -> MayRun {
    match outcome {
        Outcome::NotCompleted | Outcome::TimedOutInside | Outcome::Unreadable | Outcome::AlreadyStarted => {
            MayRun::Possibly
        }
        Outcome::Unanswered { may_be_done } => {
            if may_be_done {
                MayRun::Possibly
            } else {
                MayRun::No
            }
        }
        Outcome::ServerError | Outcome::GatewayError => MayRun::Unlikely,
        Outcome::Done
        | Outcome::NotFound
        | Outcome::Refused
        | Outcome::NoRoute
        | Outcome::PcwReached
        | Outcome::TaskConflict
        | Outcome::NoWorker
        | Outcome::ResourceExpired => MayRun::No,
    }
}

fn query_answered(
    recording: &mut Recording,
    number: SessionNumber,
    call: &OpenCall,
    class: &AnswerClass,
    http: Option<u16>,
    entry: &Entry,
) {
    let mode = recording.mode;
    let Some(session) = recording.session_mut(number) else { return };
    if matches!(session.phase, Phase::Over(_)) {
        return;
    }
    // An answer proves something about the moment its call was sent (D10): an older one than the newest loses.
    if session.last_good.is_some_and(|good| good.asked > call.at) {
        return;
    }
    session.last_answer = Some(LastAnswer { at: entry.at, entry: entry.number, http });
    if session.first_asked.is_none() {
        session.first_asked = Some(call.at);
    }
    match class {
        AnswerClass::Status(status) => {
            if status.sid.is_some() && status.sid != session.sid {
                note(session, 'u');
                unclear(session, entry, false);
                return;
            }
            note(session, 'g');
            status_answered(session, mode, call, status, entry);
            let ended_alarm = |cause| matches!(cause, AlarmCause::Configuration(n) | AlarmCause::Unclear(n) | AlarmCause::Lost(n) if n == number);
            pass_alarms(recording, ended_alarm);
        }
        AnswerClass::ServiceNotFound => {
            note(session, 'n');
            session.unclear = None;
            session.refused = None;
            not_found(session, Some(call.at), entry);
        }
        AnswerClass::RateLimited { .. } => {}
        AnswerClass::Refused | AnswerClass::NoRoute => {
            note(session, 'r');
            session.unclear = None;
            session.refused = session.refused.or(Some((entry.at, entry.number)));
        }
        AnswerClass::NotCompleted => {
            note(session, 'u');
            unclear(session, entry, true);
        }
        _ => {
            note(session, 'u');
            unclear(session, entry, false);
        }
    }
}

fn status_answered(session: &mut Session, mode: Mode, call: &OpenCall, status: &QueryAnswer, entry: &Entry) {
    let before = session.last_good;
    session.last_good =
        Some(Good { status: status.status, asked: call.at, at: entry.at, entry: entry.number });
    if let Some(run) = session.unclear.take() {
        session.cleared = Some(Cleared { since: run.since, at: entry.at, count: run.count });
    }
    session.refused = None;
    let web_runs = mode == Mode::Web && status.web_state.as_deref() == Some("inProgress");
    if status.status == 5 || web_runs {
        session.recorded = true;
    }
    if matches!(status.status, 4 | 5) {
        session.good_answers = session.good_answers.saturating_add(1).min(2);
    }
    let mut leg = None;
    for file in &status.files {
        if let Some(bak) = agora::files::leg_of(&file.name) {
            leg = leg.max(Some(bak));
        }
    }
    let known = session.failovers;
    for file in &status.files {
        add_index(session, &file.name);
    }
    let newly_proved = session.failovers > known;
    match status.status {
        0..=5 => {
            session.ending = None;
            let never_answered = session.phase == Phase::Accepted && before.is_none();
            if let Some(doubt) = session.doubt.take().filter(|doubt| doubt.declared || !never_answered) {
                let away = Interruption {
                    t0: doubt.t0,
                    back: entry.at,
                    last_good: before.map(|good| good.asked),
                    evidence: (doubt.first, entry.number),
                    leg: leg.filter(|_| newly_proved),
                };
                session.recovery = Some(away);
            } else if newly_proved && let Some(last) = session.interruptions.last_mut() {
                // The file names of the new leg come with its first slice, after the first good answer.
                if last.leg.is_none() {
                    last.leg = leg;
                }
            }
        }
        6..=8 => session.ending = session.ending.or(Some((entry.at, entry.number))),
        _ => {
            // Status 20: M11 counts from here.
            session.ending = session.ending.or(Some((entry.at, entry.number)));
        }
    }
}

/// A file that an answer or a notification names: it proves the leg it names (F1), and an index is kept (F4), in the
/// order of the legs.
pub(crate) fn add_index(session: &mut Session, name: &str) {
    /// A composite session has four; one of single users has many, of which the first tell enough.
    const KEPT: usize = 8;
    let leg = agora::files::leg_of(name);
    session.failovers = session.failovers.max(leg.map_or(0, |leg| leg.saturating_add(1)));
    if !(name.ends_with(".m3u8") || name.ends_with(".mpd")) {
        return;
    }
    let order = |name: &str| agora::files::leg_of(name);
    let place = session.files.iter().position(|kept| (order(kept), kept.as_str()) >= (leg, name));
    let place = place.unwrap_or(session.files.len());
    if session.files.get(place).is_none_or(|kept| kept != name) {
        session.files.insert(place, name.to_owned());
        session.files.truncate(KEPT);
    }
}

/// One letter for the strip of answers; the newest 20 are kept.
fn note(session: &mut Session, letter: char) {
    if session.strip.len() >= 20 {
        session.strip.remove(0);
    }
    session.strip.push(letter);
}

fn unclear(session: &mut Session, entry: &Entry, not_completed: bool) {
    let run = session.unclear.get_or_insert(Unclear {
        since: entry.at,
        count: 0,
        not_completed: 0,
        first: entry.number,
    });
    if not_completed && run.count == run.not_completed {
        run.not_completed = run.not_completed.saturating_add(1);
    }
    run.count = run.count.saturating_add(1);
}

pub(crate) fn not_found(session: &mut Session, asked: Option<Timestamp>, entry: &Entry) {
    let doubt = session.doubt.get_or_insert(Doubt {
        t0: entry.at,
        first: entry.number,
        asked: None,
        newest: entry.number,
        count: 0,
        declared: false,
    });
    doubt.newest = entry.number;
    doubt.count = doubt.count.saturating_add(1);
    doubt.asked = doubt.asked.max(asked);
}

fn stop_answered(recording: &mut Recording, number: SessionNumber, class: &AnswerClass, entry: &Entry) {
    let Some(session) = recording.session_mut(number) else { return };
    match class {
        AnswerClass::Stopped(_)
        | AnswerClass::NoRecordedData
        | AnswerClass::AlreadyExiting
        | AnswerClass::UploadTimeout => {
            session.stop_accepted = Some((entry.at, entry.number));
            if let AnswerClass::Stopped(stopped) = class {
                for file in &stopped.files {
                    add_index(session, &file.name);
                }
                session.upload_answer = match stopped.uploading_status.as_deref() {
                    Some("uploaded") => Some(false),
                    Some("backuped") => Some(true),
                    _ => session.upload_answer,
                };
            }
            // The gaps of T4 begin anew should it have to be sent again.
            session.halt.tries = 0;
            pass_alarms(recording, |cause| cause == AlarmCause::StopRefused(number));
        }
        AnswerClass::ServiceNotFound => {
            session.halt.tries = 0;
            not_found(session, None, entry);
        }
        _ => {}
    }
}

fn fold_unanswered(recording: &mut Recording, id: &CallId, cause: UnansweredCause, entry: &Entry) {
    let Some((number, operation)) = parse_id(recording, id) else { return };
    let policy = recording.policy.clone();
    let Some(session) = recording.session_mut(number) else { return };
    let Some((call, late)) = take_call(session, id, operation) else { return };
    if late {
        return;
    }
    let through = session.line_mut(operation).had_no_answer(cause, entry.at, entry.number, &policy);
    if session.late.len() >= 6 {
        session.late.remove(0);
    }
    session.late.push(call);
    // S9: also where a repeat is answered clearly, because that answer is about the repeat.
    if operation == Operation::Start && !cause.nothing_left() {
        session.may_run = MayRun::Possibly;
    }
    if !through {
        return;
    }
    match operation {
        Operation::Query => {
            note(session, 'u');
            session.last_answer = Some(LastAnswer { at: entry.at, entry: entry.number, http: None });
            unclear(session, entry, false);
        }
        Operation::Acquire
        | Operation::Start
        | Operation::Stop
        | Operation::Update
        | Operation::UpdateLayout => {}
    }
}

fn fold_decided(recording: &mut Recording, decision: &Decision, entry: &Entry) {
    let rule = decision.rule;
    match &decision.kind {
        DecisionKind::Confirmed(number) => {
            if let Some(session) = recording.session_mut(*number) {
                session.confirmed = session.confirmed.or(Some(entry.at));
                session.phase = Phase::Live;
                session.ending = None;
            }
            let number = *number;
            if recording.assured && recording.main == 0 {
                recording.main = number;
            }
            pass_alarms(recording, |cause| cause == AlarmCause::Unconfirmed(number));
            changed_over(recording, number, entry);
        }
        DecisionKind::InDoubt(number) => {
            if let Some(doubt) = recording.session_mut(*number).and_then(|session| session.doubt.as_mut()) {
                doubt.declared = true;
            }
        }
        DecisionKind::Recovered(number) => recovered(recording, *number, entry),
        DecisionKind::Lost(number) => {
            if let Some(session) = recording.session_mut(*number) {
                session.phase = Phase::Lost;
                if session.doubt.is_none() {
                    // Status 20: what is asked from now on counts from the moment it was told.
                    let (t0, first) = session.ending.unwrap_or((entry.at, entry.number));
                    session.doubt =
                        Some(Doubt { t0, first, asked: None, newest: first, count: 0, declared: true });
                }
            }
        }
        DecisionKind::NotStarted { session: number, alive } => {
            if let Some(session) = recording.session_mut(*number) {
                session.phase = Phase::NotStarted;
                if *alive {
                    session.stop_due = session.stop_due.or(Some((entry.at, RuleId::V3)));
                }
            }
            let number = *number;
            pass_alarms(recording, |cause| cause == AlarmCause::Unconfirmed(number));
        }
        DecisionKind::Ending(number) => {
            if let Some(session) = recording.session_mut(*number) {
                session.phase = Phase::Ending;
            }
        }
        DecisionKind::Ended { session: number, how } => {
            if let Some(session) = recording.session_mut(*number) {
                session.phase = Phase::Over(*how);
                session.over_at = Some(entry.at);
                session.unclear = None;
                session.refused = None;
                session.recovery = None;
                session.late.clear();
                for operation in Operation::ALL {
                    session.line_mut(operation).restart();
                }
            }
            let number = *number;
            pass_alarms(recording, |cause| cause.session() == Some(number));
        }
        DecisionKind::TakenAsEnded(number) => {
            if let Some(session) = recording.session_mut(*number) {
                session.phase = Phase::TakenAsEnded;
            }
        }
        DecisionKind::Orphaned { session: number, unlikely } => {
            let number = *number;
            abandon(recording, number);
            if let Some(session) = recording.session_mut(number) {
                session.may_run = if *unlikely { MayRun::Unlikely } else { MayRun::Possibly };
            }
            // One entry a UID: a newer one says all that an older unlikely one said (S9).
            let uid = recording.session(number).map(|session| session.uid);
            let mut stands_for_older = false;
            for older in &mut recording.sessions {
                let said = older.number < number && Some(older.uid) == uid;
                if said && older.phase == Phase::Abandoned && older.may_run == MayRun::Unlikely {
                    older.may_run = MayRun::No;
                    stands_for_older = true;
                }
            }
            if let Some(session) = recording.session_mut(number).filter(|_| stands_for_older) {
                session.stands_for_older = true;
            }
        }
        DecisionKind::Abandoned(number) => abandon(recording, *number),
        DecisionKind::Replace(number) => {
            let because = match rule {
                RuleId::T6 => Because::ChangesOver(*number),
                RuleId::V4 => Because::Doubles(*number),
                RuleId::R2 => Because::Restarts(*number),
                _ => Because::Replaces(*number),
            };
            if let Some(session) = recording.session_mut(*number) {
                session.replaced = true;
            }
            if rule == RuleId::R1 {
                let keep = recording.policy.replacements as usize;
                recording.replacements.push(entry.at);
                let surplus = recording.replacements.len().saturating_sub(keep.max(1));
                recording.replacements.drain(..surplus);
            }
            let side = recording.session(*number).map(|session| recording.side_of(session.uid));
            begin_procedure(recording, because, side.unwrap_or_default(), entry);
        }
        DecisionKind::WaitForStaff(why) => {
            for session in &mut recording.sessions {
                if crate::replace::is_gone(session) {
                    session.replaced = true;
                }
            }
            recording.procedure = None;
            recording.second = None;
            recording.waiting = Some(Waiting { why: *why, rule, since: entry.at });
        }
        DecisionKind::Alarm(cause) => {
            let next = recording.next_session;
            let side = failed_side(recording, &decision.evidence);
            if *cause == AlarmCause::StartFailing
                && let Some(procedure) = recording.procedure_mut(side)
            {
                procedure.minutes_since = procedure.minutes_since.or(Some(entry.at));
            }
            if *cause == AlarmCause::UidsInUse
                && let Some(procedure) = recording.procedure_mut(side)
            {
                procedure.rounds = procedure.rounds.saturating_add(1);
                procedure.from_session = next;
            }
            raise(recording, *cause, rule, entry);
        }
        DecisionKind::NotApplied { session: number, change } => {
            if let Some(session) = recording.session_mut(*number) {
                session.changed = session.changed.max(*change);
            }
            raise(recording, AlarmCause::NotApplied(*number), rule, entry);
        }
        DecisionKind::TakesOver(number) => recording.main = *number,
    }
}

/// A1: the side whose last start ended at this entry.
fn failed_side(recording: &Recording, evidence: &[EntryNumber]) -> Side {
    let ended =
        |session: &&Session| evidence.contains(&session.start.ended_entry.max(session.acquire.ended_entry));
    let session = recording.sessions.iter().rev().find(ended);
    session.map(|session| recording.side_of(session.uid)).unwrap_or_default()
}

/// An alarm; one a cause.
fn raise(recording: &mut Recording, cause: AlarmCause, rule: RuleId, entry: &Entry) {
    if recording.alarms.iter().any(|alarm| alarm.cause == cause && !alarm.passed) {
        return;
    }
    recording.alarms.retain(|alarm| alarm.cause != cause);
    if recording.alarms.len() >= 16 {
        recording.alarms.remove(0);
    }
    recording.alarms.push(Alarm {
        cause,
        rule,
        at: entry.at,
        entry: entry.number,
        passed: false,
        acknowledged: false,
    });
}

fn recovered(recording: &mut Recording, number: SessionNumber, entry: &Entry) {
    let Some(side) = recording.session(number).map(|session| recording.side_of(session.uid)) else { return };
    let others_run = recording.sessions.iter().any(|other| {
        let runs = matches!(other.phase, Phase::Accepted | Phase::Live);
        other.number != number && runs && recording.side_of(other.uid) == side
    });
    let Some(session) = recording.session_mut(number) else { return };
    if let Some(away) = session.recovery.take() {
        if session.interruptions.len() >= 8 {
            session.interruptions.remove(0);
        }
        session.interruptions.push(away);
    }
    let confirmed = session.confirmed.is_some();
    let started = session.last_good.is_some_and(|good| matches!(good.status, 4 | 5));
    session.phase = if confirmed || started { Phase::Live } else { Phase::Accepted };
    if started && !confirmed {
        session.confirmed = Some(entry.at);
    }
    session.replaced = false;
    // M4: a younger one that was not confirmed yet gives way to an elder that records.
    if started && others_run {
        let younger: Vec<SessionNumber> = recording
            .sessions
            .iter()
            .filter(|other| other.number > number && other.phase == Phase::Accepted)
            .filter(|other| recording.side_of(other.uid) == side)
            .map(|other| other.number)
            .collect();
        for other in recording.sessions.iter_mut().filter(|other| younger.contains(&other.number)) {
            other.stop_due = other.stop_due.or(Some((entry.at, RuleId::M4)));
            other.replaced = true;
        }
    }
    // What was being started in its place is not needed any more, and would be billed as well.
    let replacing =
        recording.procedure_of(side).filter(|procedure| matches!(procedure.because, Because::Replaces(_)));
    if let Some(from) = replacing.filter(|_| started).map(|procedure| procedure.from_session) {
        *recording.procedure_mut(side) = None;
        give_up_begun(recording, from, side, entry);
        if recording.procedures().next().is_none() {
            pass_alarms(recording, is_about_starting);
        }
    }
    pass_alarms(recording, |cause| cause == AlarmCause::Lost(number));
}

/// M4: sessions of the round that have no `sid` yet are given up, and stopped if one comes.
fn give_up_begun(recording: &mut Recording, from: SessionNumber, side: Side, entry: &Entry) {
    let others: Vec<Uid> = recording
        .sessions
        .iter()
        .map(|session| session.uid)
        .filter(|uid| recording.side_of(*uid) != side)
        .collect();
    for begun in recording.sessions.iter_mut().filter(|session| session.number >= from) {
        if matches!(begun.phase, Phase::Acquiring | Phase::Starting) && !others.contains(&begun.uid) {
            begun.stop_due = begun.stop_due.or(Some((entry.at, RuleId::M4)));
            begun.replaced = true;
        }
    }
}

/// T6, V4: once the new session is confirmed, the old one is stopped.
fn changed_over(recording: &mut Recording, number: SessionNumber, entry: &Entry) {
    let because = recording.session(number).map(|session| session.because);
    let (old, rule) = match because {
        Some(Because::ChangesOver(old)) => (old, RuleId::T6),
        Some(Because::Doubles(old)) => (old, RuleId::V4),
        _ => return,
    };
    if let Some(old) = recording.session_mut(old) {
        old.stop_due = old.stop_due.or(Some((entry.at, rule)));
    }
}

fn abandon(recording: &mut Recording, number: SessionNumber) {
    if let Some(session) = recording.session_mut(number)
        && session.sid.is_none()
    {
        session.phase = Phase::Abandoned;
    }
}

fn begin_procedure(recording: &mut Recording, because: Because, side: Side, entry: &Entry) {
    recording.waiting = None;
    let from_session = recording.next_session;
    *recording.procedure_mut(side) = Some(Procedure {
        because,
        side,
        begun: entry.at,
        entry: entry.number,
        from_session,
        rounds: 0,
        minutes_since: None,
    });
}

fn begin_again(recording: &mut Recording, entry: &Entry) {
    if recording.stop.is_some() {
        return;
    }
    recording.replacements.clear();
    recording.alarms.retain(|alarm| !is_about_starting(alarm.cause));
    // A1: of a pair what still records goes on, and the other side is tried again.
    let lives = |recording: &Recording, side| {
        let of_side = |session: &&Session| recording.side_of(session.uid) == side;
        recording.sessions.iter().filter(of_side).any(crate::replace::stands_in_the_way)
    };
    let lost: Vec<Side> =
        recording.sides().filter(|side| !recording.assured || !lives(recording, *side)).collect();
    recording.waiting = None;
    for side in lost {
        begin_procedure(recording, Because::TriedAgain, side, entry);
    }
}

fn fold_adopted(recording: &mut Recording, adopted: &crate::journal::Adopted, entry: &Entry) {
    if recording.session(adopted.session).is_none() {
        if adopted.session != recording.next_session {
            return;
        }
        let session = Session::begun_with(adopted.session, adopted.uid, Because::Adopted, entry.at);
        recording.sessions.push(session);
        recording.next_session = recording.next_session.saturating_add(1);
    }
    if let Some(session) = recording.session_mut(adopted.session)
        && session.sid.is_none()
    {
        session.resource = Some(Resource { id: adopted.resource_id.clone(), at: entry.at });
        session.sid = Some(adopted.sid.clone());
        session.accepted = Some(entry.at);
        session.phase = Phase::Accepted;
        session.may_run = MayRun::No;
        session.adopted = true;
        session.query.restart();
        end_round(recording, adopted.session, entry);
    }
}

/// Marks the alarms of these causes as passed: they stay until acknowledged, and no longer call.
pub(crate) fn pass_alarms(recording: &mut Recording, passed: impl Fn(AlarmCause) -> bool) {
    for alarm in &mut recording.alarms {
        if passed(alarm.cause) {
            alarm.passed = true;
        }
    }
    recording.alarms.retain(|alarm| !(alarm.passed && alarm.acknowledged));
}

/// Whether an alarm is about something that is not being started: it passes when staff try again, or stop.
const fn is_about_starting(cause: AlarmCause) -> bool {
    match cause {
        AlarmCause::StartFailing
        | AlarmCause::StartRefused
        | AlarmCause::AcquireFailing
        | AlarmCause::UidsInUse
        | AlarmCause::ReplacementsUsed
        | AlarmCause::ReplacementFailed
        | AlarmCause::Fatal(_)
        | AlarmCause::Unattended => true,
        AlarmCause::Unconfirmed(_)
        | AlarmCause::Unclear(_)
        | AlarmCause::Configuration(_)
        | AlarmCause::Ending(_)
        | AlarmCause::Twins(_)
        | AlarmCause::Lost(_)
        | AlarmCause::StopUnconfirmed(_)
        | AlarmCause::StopRefused(_)
        | AlarmCause::ControlEnding(_)
        | AlarmCause::OutOfControl(_)
        | AlarmCause::NotApplied(_) => false,
    }
}

/// Leaves out sessions that nothing is to be found out about, except the newest few.
fn prune(recording: &mut Recording) {
    const KEPT: usize = 4;
    let rounds = recording.procedures().map(|procedure| procedure.from_session);
    let from = rounds.min().unwrap_or(recording.next_session);
    // S11: the pair goes on in turn from the newest of its sessions that had a `sid`.
    let turns: Vec<SessionNumber> = recording
        .sides()
        .filter_map(|side| {
            let pair = recording.pair(side);
            let of_pair = |session: &&Session| session.sid.is_some() && pair.contains(&session.uid);
            recording.sessions.iter().rev().find(of_pair).map(|session| session.number)
        })
        .collect();
    let mut surplus = recording.sessions.len().saturating_sub(KEPT);
    // S9: a notification may be about one that staff took off the board; the newest of a UID says so for all of them.
    let off_board: Vec<(Uid, SessionNumber)> = recording
        .sessions
        .iter()
        .filter(|session| session.dismissed && session.sid.is_none() && !session.may_run.is_no())
        .map(|session| (session.uid, session.number))
        .collect();
    let speaks = |session: &Session| {
        off_board.iter().rfind(|(uid, _)| *uid == session.uid).is_some_and(|(_, of)| *of == session.number)
    };
    recording.sessions.retain(|session| {
        // R1: one that is still to be replaced stays until that is decided.
        let to_replace = crate::replace::is_gone(session) && !session.replaced;
        // S7: the gap before the next round counts from the end of the newest.
        let newest = session.number + 1 == recording.next_session;
        let told = session.is_settled() && !to_replace && !newest;
        let leave = surplus > 0
            && told
            && session.number < from
            && !turns.contains(&session.number)
            && !speaks(session);
        if leave {
            surplus -= 1;
        }
        !leave
    });
    // Tries of the minute leave many sessions behind; only the newest tell what comes next.
    let newest = recording.next_session.saturating_sub(if recording.assured { 6 } else { 3 });
    let by_the_minute = |side| {
        recording.procedure_of(side).is_some_and(|procedure: &Procedure| procedure.minutes_since.is_some())
    };
    let sides: Vec<Side> = recording.sides().filter(|side| by_the_minute(*side)).collect();
    if !sides.is_empty() {
        let of_sides =
            recording.sessions.iter().filter(|session| sides.contains(&recording.side_of(session.uid)));
        let older: Vec<SessionNumber> =
            of_sides.map(|session| session.number).filter(|number| *number < newest).collect();
        recording.sessions.retain(|session| {
            !older.contains(&session.number)
                || !session.is_settled()
                || turns.contains(&session.number)
                || speaks(session)
        });
    }
}
