//! What the switchboard needs from outside, as two traits: somewhere to write, and somebody who knows the credentials.
//!
//! Both are called in the middle of a step, and both answer at once: the switchboard runs on one thread, and an entry
//! that [`Store::append`] took is durable before the step goes on (D9).

use agora::{Operation, ResourceId, Sid, Timestamp, Uid};
use rules::api::{AuditOutcome, AuditPage, AuditRecord, SharedViews};
use rules::journal::{Domain, LayoutRequested, Requested, UpdateRequested};
use rules::{AppEntry, AppEntryNumber, AppFact, Entry, EntryNumber, RecordingId};

/// How many bytes an unmatched notification takes of the room that there is for them (N5).
pub fn unmatched_bytes(fact: &AppFact) -> u64 {
    /// What a row and its notices take besides the body.
    const ROW: usize = 1024;
    match fact {
        AppFact::Unmatched(unmatched) => {
            u64::try_from(unmatched.raw.as_ref().map_or(0, String::len) + ROW).unwrap_or(u64::MAX)
        }
        _ => 0,
    }
}

/// Why something could not be written or read, as a sentence for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(pub String);

impl StoreError {
    /// What stands before the reason in the sentence of a store that cannot be written.
    pub const NOT_WRITTEN: &str = "the journal cannot be written: ";

    /// The reason alone, for whoever says already that the journal cannot be written.
    pub fn reason(&self) -> &str {
        self.0.strip_prefix(Self::NOT_WRITTEN).unwrap_or(&self.0)
    }
}

impl core::fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for StoreError {}

/// One entry and whose journal it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The recording.
    pub recording: RecordingId,
    /// The entry, numbered in its recording and over all of them.
    pub entry: Entry,
}

/// What a request with an `Idempotency-Key` led to. It lives for 72 h.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// Who sent it: keys of two people never meet.
    pub person: String,
    /// The key.
    pub key: String,
    /// What the body was, so that another body under the same key is noticed.
    pub body: String,
    /// The recording that it was answered with.
    pub recording: RecordingId,
    /// When, in the journal's time.
    pub at: Timestamp,
}

/// One entry of an App journal and the App ID's name.
#[derive(Debug, Clone, PartialEq)]
pub struct AppLine {
    /// The name of the App ID's section in the configuration.
    pub app: String,
    /// The entry.
    pub entry: AppEntry,
}

/// By what a notification is recognised when it comes again (N2), and where its first delivery was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its `noticeId`, or what else makes it the same, as one text.
    pub key: String,
    /// The App ID's name.
    pub app: String,
    /// The recording in whose journal it is; none: the App journal.
    pub recording: Option<RecordingId>,
    /// The entry's number there.
    pub number: u64,
    /// How many further deliveries were written.
    pub again: u32,
}

/// One row of a table, for a copy: its place in the table, and its values.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CopiedRow {
    /// What rows are ordered by: what stands after this one comes after it.
    pub place: String,
    /// Numbers, texts and nulls, in the order of the table's columns.
    pub values: Vec<serde_json::Value>,
}

/// What is written together or not at all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// The entries, in board order; their board numbers follow the last one written without a gap.
    pub lines: Vec<Line>,
    /// The key that led to them, if one did.
    pub key_use: Option<KeyUse>,
    /// Entries of App journals, each numbered after the last one of its App.
    pub app_lines: Vec<AppLine>,
    /// By what the notifications among the entries are recognised. A key that is known is written anew.
    pub notices: Vec<Notice>,
    /// Unmatched notifications that make room: of these Apps, up to these numbers, with their notices.
    pub dropped: Vec<(String, AppEntryNumber)>,
    /// What the audit tells of it. The store numbers them.
    pub audit: Vec<AuditRecord>,
}

/// Which records of the audit are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Only those about these App IDs; none: all, also those about no App ID.
    pub apps: Option<Vec<String>>,
    /// Only those about this recording.
    pub recording: Option<RecordingId>,
    /// Only those whose person or address holds this text, in whatever case.
    pub who: String,
    /// Only what was refused.
    pub refused: bool,
}

impl AuditFilter {
    /// Whether this record is wanted.
    pub fn fits(&self, record: &AuditRecord) -> bool {
        let who = self.who.to_lowercase();
        let of_app = |apps: &Vec<String>| record.app.as_ref().is_some_and(|app| apps.contains(app));
        self.apps.as_ref().is_none_or(of_app)
            && self.recording.as_ref().is_none_or(|id| record.recording.as_ref() == Some(id))
            && (!self.refused || record.outcome == AuditOutcome::Refused)
            && (record.who.to_lowercase().contains(&who) || record.from.to_lowercase().contains(&who))
    }
}

/// The journal on a disk, or in memory for tests.
pub trait Store {
    /// Writes all of it in one transaction. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// When nothing was written.
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// The text that changes with a new or restored database, and after a run that may have shown entries which it could
    /// not write: what a page has of another one is not what it can go on from.
    ///
    /// # Errors
    /// When it cannot be read.
    fn journal_id(&mut self) -> Result<String, StoreError>;

    /// Hands out every entry ever written, in board order, one by one. In the place of one that is damaged it hands out
    /// [`Fact::damaged`](rules::Fact::damaged).
    ///
    /// # Errors
    /// When they cannot be read.
    fn each_line(&mut self, take: &mut dyn FnMut(Line)) -> Result<(), StoreError>;

    /// The entries over all journals whose board number is larger than `after`, in that order, at most `limit`. For a
    /// page that resumes its stream.
    ///
    /// # Errors
    /// When they cannot be read.
    fn lines_after(&mut self, after: u64, limit: usize) -> Result<Vec<Line>, StoreError>;

    /// The entries of one recording after this number, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When they cannot be read.
    fn entries(
        &mut self,
        recording: &RecordingId,
        after: EntryNumber,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Hands out every entry of the App journals that is kept, by App and number, without raw bodies. The number beside
    /// it is how many bytes an unmatched notification takes; 0 for every other entry.
    ///
    /// # Errors
    /// When they cannot be read.
    fn each_app_line(&mut self, take: &mut dyn FnMut(AppLine, u64)) -> Result<(), StoreError>;

    /// These entries of an App journal, as far as they are kept, with their raw bodies.
    ///
    /// # Errors
    /// When they cannot be read.
    fn app_entries(&mut self, app: &str, numbers: &[AppEntryNumber]) -> Result<Vec<AppEntry>, StoreError>;

    /// Where a notification with this key was written.
    ///
    /// # Errors
    /// When it cannot be read.
    fn notice(&mut self, key: &str) -> Result<Option<Notice>, StoreError>;

    /// What this person's key led to, if it was used after `since`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn key_use(&mut self, person: &str, key: &str, since: Timestamp) -> Result<Option<KeyUse>, StoreError>;

    /// The views that the team shares; none were, if nothing was ever put.
    ///
    /// # Errors
    /// When they cannot be read.
    fn views(&mut self) -> Result<SharedViews, StoreError>;

    /// These are the shared views from now on. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// When nothing was written.
    fn put_views(&mut self, views: &SharedViews) -> Result<(), StoreError>;

    /// Up to which board number this target was alerted; none if it never was. A store that keeps none says so.
    ///
    /// # Errors
    /// When it cannot be read.
    fn alerted(&mut self, target: &str) -> Result<Option<u64>, StoreError> {
        let _ = target;
        Ok(None)
    }

    /// This target was alerted up to this board number. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// When nothing was written.
    fn put_alerted(&mut self, target: &str, board: u64) -> Result<(), StoreError> {
        let _ = (target, board);
        Ok(())
    }

    /// The next rows of one table after this place, for a copy of the whole; from its beginning if the place is empty.
    /// None left: the table is copied.
    ///
    /// # Errors
    /// When they cannot be read, or the store has no such table.
    fn copied(&mut self, table: &str, after: &str) -> Result<Vec<CopiedRow>, StoreError> {
        let _ = after;
        Err(StoreError(format!("this store has no table {table:?}")))
    }

    /// One page of the audit, newest first: what is before this number, at most so many. A store that keeps none says so.
    ///
    /// # Errors
    /// When it cannot be read.
    fn audit_page(
        &mut self,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        let _ = (filter, before, limit);
        Err(StoreError("this store keeps no audit".to_owned()))
    }

    /// The run ends in order: everything that any page was shown is written, and nothing more comes.
    fn ended(&mut self) {}

    /// Tries whether a transaction can be written now, without leaving anything behind.
    ///
    /// # Errors
    /// When it cannot.
    fn probe(&mut self) -> Result<(), StoreError>;
}

/// One request to the service before the configuration is added to it.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// What staff asked for: App ID, channel, mode, storage profile, settings. For a `start` with what was changed since
    /// and applied (R1).
    pub requested: &'a Requested,
    /// The operation.
    pub operation: Operation,
    /// Which of the App ID's domains.
    pub domain: Domain,
    /// The UID of the session's `acquire` (F5).
    pub uid: Uid,
    /// The session's resource ID, from the journal.
    pub resource_id: Option<&'a ResourceId>,
    /// When that was answered. A channel token counts from then, so that a repeated `start` has the same bytes.
    pub resource_at: Option<Timestamp>,
    /// The session's recording ID, from the journal.
    pub sid: Option<&'a Sid>,
    /// A `stop` that does not wait for the upload (T1).
    pub asynchronous: bool,
    /// The resource IDs of the recording's other sessions (A1).
    pub exclude: &'a [ResourceId],
    /// What an `update` changes (U1).
    pub update: Option<&'a UpdateRequested>,
    /// The whole layout of an `updateLayout` (U2).
    pub layout: Option<&'a LayoutRequested>,
}

/// One request, complete but for the `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The host name, as the configuration has it: `api.agora.io`.
    pub host: String,
    /// The path, from `/v1/apps/` on.
    pub path: String,
    /// The body; empty for a `query`. It holds storage credentials and is never logged.
    pub body: Vec<u8>,
    /// SHA-256 of the body in hexadecimal; empty for a `query`.
    pub body_hash: String,
}

impl core::fmt::Debug for Request {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Request")
            .field("host", &self.host)
            .field("path", &self.path)
            .field("body_hash", &self.body_hash)
            .finish_non_exhaustive()
    }
}

/// Turns what the journal says into a request, with the names and credentials of the configuration.
pub trait Requests {
    /// The request.
    ///
    /// # Errors
    /// A sentence for people, when the configuration has no such App ID, storage profile or domain, or an ID is missing.
    fn build(&self, facts: &RequestFacts<'_>) -> Result<Request, String>;
}
