//! What pages and proxy say to each other: every body of the HTTP interface and every message of the stream.
//!
//! One module for both sides, and one golden JSON file for each body (`golden/`), so that a change is seen.

use agora::request::{Layout, UpdateSettings};
use agora::{ChannelName, Mode, Operation, RecordingSettings, ResourceId, Sid, Timestamp, Uid};
use from_json::FromJson;
use serde::{Deserialize, Serialize};

use crate::app_journal::{AppEntry, AppEntryNumber};
use crate::board::BoardFacts;
use crate::journal::{
    Attempt, ClientNumber, DecisionKind, Domain, Entry, EntryNumber, RecordingId, SessionNumber,
};
use crate::next::Call;
use crate::policy::Policy;
use crate::recording::Recording;
use crate::rule::RuleId;

/// The version of this interface. A page that was built for another one reloads.
pub const PROTOCOL: u16 = 2;

/// The largest frame of the stream, in bytes.
pub const FRAME_BYTES: usize = 64 * 1024;

/// The header that carries the number of the client whose lease a request rests on.
pub const CLIENT_HEADER: &str = "tallylight-client";
/// The header that carries that client's secret.
pub const SECRET_HEADER: &str = "tallylight-secret";

// ---- GET /api/v1/setup, /api/v1/me -----------------------------------------------------------------------------

/// What a page needs to know before it can ask for anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct Setup {
    /// The proxy's build.
    pub build: String,
    /// [`PROTOCOL`] of the proxy.
    pub protocol: u16,
    /// Who is signed in.
    pub person: Person,
    /// The App IDs that the person may see.
    pub apps: Vec<AppSetup>,
    /// The policies that a recording can be asked for with.
    pub policies: Vec<NamedPolicy>,
    /// Whether this is a demonstration, with a simulator behind it.
    pub demo: bool,
    /// How much faster than the wall the journal's time runs.
    pub clock_rate: u32,
    /// Recordings whose journal is damaged and was set aside: nothing is done for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<RecordingId>,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Person {
    /// The name that the journal shows.
    pub name: String,
    /// The role.
    pub role: Role,
    /// What the role may do.
    pub capabilities: Vec<Capability>,
}

/// A role of staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks on.
    Viewer,
    /// Starts and stops.
    Operator,
    /// Also changes what others share.
    Lead,
    /// No person: the rules without a screen, for recordings that no page acts for.
    Attendant,
}

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// See recordings and their journals.
    View,
    /// Ask for, stop and act for recordings.
    Operate,
    /// Change shared views, dismiss possible orphans.
    Lead,
    /// Break things in the simulator; only in a demonstration.
    Simulate,
}

/// One App ID as a page sees it: no credential, no App ID beyond its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct AppSetup {
    /// Its name in the configuration.
    pub name: String,
    /// Its domains by host name: primary, secondary, and the region's if there is one.
    pub hosts: Vec<String>,
    /// The names of its storage profiles.
    pub storage: Vec<StorageSetup>,
    /// The modes that can be asked for.
    pub modes: Vec<Mode>,
    /// Calls per second (B1).
    pub qps: u32,
    /// Concurrent sessions (B1).
    pub pcw: u32,
    /// The UIDs that are reserved for recorders, first and last (S11).
    pub uid_range: (u32, u32),
}

/// One storage profile as a page sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct StorageSetup {
    /// Its name.
    pub name: String,
    /// Where it is, in words: vendor, region, bucket.
    pub place: String,
    /// What goes before every file name.
    pub file_name_prefix: Vec<String>,
}

/// A policy by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct NamedPolicy {
    /// The name: `patient`, `swift`, `immediate`, or one of the configuration's.
    pub name: String,
    /// The numbers.
    pub policy: Policy,
}

// ---- staff commands --------------------------------------------------------------------------------------------

/// `POST /api/v1/recordings`: ask for a recording. Needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct RequestRecording {
    /// The App ID's name.
    pub app: String,
    /// The channel.
    pub channel: ChannelName,
    /// The pair of UIDs; the proxy takes free ones of the reserved range if none are given, and the reserves always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uids: Option<(Uid, Uid)>,
    /// The storage profile.
    pub storage: String,
    /// How to record: mode, sizes, idle time, hours of control (T6).
    pub settings: RecordingSettings,
    /// The name of the policy; the documented one if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Staff confirmed that the channel has a live recording and that another one is billed (S10).
    #[serde(default)]
    pub beside: bool,
    /// Assurance: staff want a main and a backup session at the same time, and know that both are billed (A3).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub assured: bool,
}

/// `POST /api/v1/recordings/adopt`: watch one that already runs. Needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct AdoptRecording {
    /// The App ID's name.
    pub app: String,
    /// The channel.
    pub channel: ChannelName,
    /// The mode.
    pub mode: Mode,
    /// The UID of its `acquire`.
    pub uid: Uid,
    /// Its resource ID.
    pub resource_id: ResourceId,
    /// Its recording ID.
    pub sid: Sid,
}

/// The answer to both: 201 if it is new, 200 if this was asked before (the same key, or S10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Asked {
    /// The recording.
    pub recording: RecordingId,
    /// Whether it existed before.
    pub existing: bool,
}

/// `POST …/{id}/stop` and `…/sessions/{k}/stop`; a request without a body says the same as one without calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct PressStop {
    /// The stops that follow from the press ([`calls_of_press`](crate::stop::calls_of_press)). The proxy keeps them until the
    /// press can no longer be taken back, and lets them leave then, also when the page that pressed is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// Why it is stopped, for the journal: at most 500 characters; none need be given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// `POST …/{id}/acknowledge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// The entry that raised the alarm.
    pub alarm: EntryNumber,
}

/// `POST …/{id}/dismiss`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Dismiss {
    /// The session.
    pub session: SessionNumber,
    /// Why; 1 to 500 characters.
    pub reason: String,
}

/// `POST …/{id}/policy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct ChangePolicy {
    /// The name of the policy.
    pub policy: String,
}

/// `POST …/{id}/update` (U1): at least one part.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct ChangeUpdate {
    /// Whose streams are recorded from now on, or whether a page's recording is held.
    #[serde(default)]
    pub settings: UpdateSettings,
    /// The storage profile whose credentials the sessions get anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
}

/// `POST …/{id}/layout` (U2): the whole layout. What it leaves out goes back to the service's default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct ChangeLayout {
    /// The layout.
    pub layout: Layout,
}

/// The answer to a staff command about one recording: the entry that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Written {
    /// Its number.
    pub number: EntryNumber,
}

/// `POST …/{id}/sessions/{k}/adopt`: this possible orphan is the session of that `sid` (S9, where several fit).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct AdoptOrphan {
    /// The recording ID, which an unmatched notification named.
    pub sid: Sid,
}

/// The answer to `POST /api/v1/notifications/{app}/setup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct SettingUp {
    /// Until then unsigned test deliveries are answered with 200 (N1).
    pub until: Timestamp,
}

/// `GET /api/v1/notifications/{app}`: one page of the notifications that fit no session, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct UnmatchedPage {
    /// Entries of the App journal.
    pub entries: Vec<AppEntry>,
    /// What to pass as `before` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AppEntryNumber>,
    /// How many are kept.
    pub kept: u32,
    /// How many had to make room.
    pub dropped: u64,
}

/// `GET /api/v1/views`, and the answer to a `PUT`: the views of the list that the team shares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
pub struct SharedViews {
    /// Grows with every change; 0 while nobody ever shared one.
    pub version: u64,
    /// Who changed them last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The views, in their order.
    pub views: Vec<SharedView>,
}

/// One shared view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct SharedView {
    /// Its name, one of a kind.
    pub name: String,
    /// What it shows, as the parameters of the page's address tell it: `q=state%3Afailover&sort=-running`.
    pub view: String,
    /// Who shared it, or changed it last.
    pub by: String,
    /// When, in the journal's time.
    pub at: Timestamp,
}

/// `PUT /api/v1/views`: all of them as they are to be. 409 if somebody changed them since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct PutViews {
    /// The `version` that was read before.
    pub version: u64,
    /// The views, in their order; at most 50.
    pub views: Vec<PutView>,
}

/// One view that is to be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct PutView {
    /// Its name: 1 to 40 characters.
    pub name: String,
    /// What it shows, at most 1000 bytes.
    pub view: String,
}

// ---- the controller --------------------------------------------------------------------------------------------

/// `POST /api/v1/leases`: claim what was offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct ClaimLeases {
    /// The recordings.
    pub recordings: Vec<RecordingId>,
}

/// `POST …/{id}/calls`: the controller's one call. No URL, no body, no `sid`. Answered 202 at once, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct MakeCall {
    /// The last entry of this recording that the client has folded.
    pub after: EntryNumber,
    /// The session; the next number begins one.
    pub session: SessionNumber,
    /// The operation.
    pub operation: Operation,
    /// The domain.
    pub domain: Domain,
    /// Why.
    pub rule: RuleId,
    /// Which try.
    pub attempt: Attempt,
}

/// `POST …/{id}/decisions`: the controller's one conclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct MakeDecision {
    /// The last entry of this recording that the client has folded.
    pub after: EntryNumber,
    /// What is concluded.
    pub kind: DecisionKind,
    /// By which rule.
    pub rule: RuleId,
    /// From which entries.
    pub evidence: Vec<EntryNumber>,
}

/// Every refusal, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct Problem {
    /// What a program can match on, such as `stale`, `not_permitted`, `not_admitted`, `no_lease`, `bad_request`.
    pub kind: String,
    /// A sentence for people: what is wrong and what to change.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The rule that refused, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// `stale` only: the entries that came after `after`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
}

/// `GET /api/v1/recordings`: one page of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct RecordingPage {
    /// The recordings, newest first.
    pub recordings: Vec<Recording>,
    /// What to pass as `before` for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many there are in all.
    pub total: u64,
}

/// `GET …/{id}/journal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct JournalPage {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// Whether there are more after the last one; ask with `?after=`.
    pub more: bool,
}

// ---- the stream ------------------------------------------------------------------------------------------------

/// What the proxy sends, one JSON text message each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum FromProxy {
    /// The first message.
    Hello(Hello),
    /// What is new.
    Frame(Frame),
    /// Every real second. The client answers each with [`FromClient::Beat`].
    Heartbeat(Heartbeat),
    /// Free leases, offered to this client alone for 300 ms.
    Offer(Vec<RecordingId>),
    /// Leases that this client no longer holds.
    Released(Vec<RecordingId>),
}

/// The first message of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: u16,
    /// The proxy's build.
    pub build: String,
    /// Changes with a new or restored database.
    pub journal_id: String,
    /// This connection's number.
    pub client: ClientNumber,
    /// This connection's secret, for [`SECRET_HEADER`].
    pub secret: String,
    /// The server's time.
    pub now: Timestamp,
    /// How much faster than the wall it runs.
    pub clock_rate: u32,
}

/// One packed change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct Frame {
    /// The `upto` of the frame sent to this client before it. If it is not what the client has, it asks for a snapshot.
    pub after: u64,
    /// The board number up to which this client now knows everything that it may see.
    pub upto: u64,
    /// The server's time.
    pub at: Timestamp,
    /// What changed.
    pub content: FrameContent,
}

/// What a frame holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum FrameContent {
    /// A part of a snapshot: the live recordings, folded.
    Snapshot {
        /// The first part: forget everything before it.
        first: bool,
        /// The last part: now it is complete.
        last: bool,
        /// The recordings of this part.
        recordings: Vec<Recording>,
        /// The board facts of each App, in the first part.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        boards: Vec<(String, BoardFacts)>,
    },
    /// New entries, in board order.
    Entries(Vec<StreamEntry>),
    /// The board facts of these App IDs as they are now: something changed that no recording's journal tells.
    Boards(Vec<(String, BoardFacts)>),
}

/// One entry on the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct StreamEntry {
    /// Whose journal it belongs to.
    pub recording: RecordingId,
    /// The entry; raw bodies are left out.
    pub entry: Entry,
}

/// The proof of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Heartbeat {
    /// The server's time.
    pub now: Timestamp,
    /// Counts up; the answer repeats it.
    pub beat: u64,
    /// The newest board number, whether or not this client may see the entry.
    pub newest: u64,
    /// Why the journal cannot be written, while it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwritten: Option<Unwritten>,
}

/// The journal cannot be written (D9): starts are refused, stops go out, and what happens is held in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Unwritten {
    /// The reason, as a sentence without its full stop.
    pub reason: String,
    /// Since when, by the server's time.
    pub since: Timestamp,
    /// How many entries are held in memory, and lost if the proxy is killed.
    pub held: u32,
    /// Whose they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recordings: Vec<RecordingId>,
}

/// What a client sends on the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum FromClient {
    /// The answer to a heartbeat.
    Beat(u64),
    /// A gap was seen: send a snapshot.
    Resync,
}

// ---- the audit -------------------------------------------------------------------------------------------------

/// One record of the audit: who did or tried what, when, from where and with which role, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct AuditRecord {
    /// Its number, from 1 without a gap.
    pub number: u64,
    /// When, in the journal's time.
    pub at: Timestamp,
    /// Who, as the journal names them; empty: nobody was signed in. For an answer of the service it is `Agora`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
    /// Their role at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The address of their machine, as this server sees it; empty for what the service or the proxy did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The public name of the sign-in, if it rests on one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sign_in: String,
    /// What: the method and the route of a request, or the operation of a call to the service.
    pub action: String,
    /// About which App ID, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// About which recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingId>,
    /// What else tells it apart: a call's id, a path that does not exist.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// The HTTP status: of our answer to a request, of the service's answer to a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The kind of the refusal, or of the service's answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The entry of the recording's journal that was written with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryNumber>,
    /// How many more like it came, up to `until`, and were counted and not kept one by one; 0 for a record of one.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub more: u64,
    /// The last of those that were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// It was written later than it happened, out of memory: the journal could not be written then.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub late: bool,
    /// SHA-256 over the hash before and this record without this field, in hexadecimal. Never part of what it is made over.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

fn is_nothing<Value: Default + PartialEq>(value: &Value) -> bool {
    *value == Value::default()
}

/// What came of what the audit tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused, and nothing was done.
    Refused,
    /// A call left for the service.
    Sent,
    /// The service answered a call.
    Answered,
    /// A call had no answer.
    Unanswered,
}

/// `GET /api/v1/audit`: one page of the audit, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct AuditPage {
    /// The records, each with its hash.
    pub records: Vec<AuditRecord>,
    /// What to pass as `before` for what is earlier; also where none of the records that were looked through fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// The number of the newest record.
    pub newest: u64,
    /// The hash of the newest record, in which all before it are: whoever keeps it can prove later that none is missing.
    pub head: String,
}
