//! The proxy without I/O: numbering, leases, budget, guards, idempotency, and what each client is told.
//!
//! One value, [`Switchboard`], on one thread. Time is an argument ([`Now`]), randomness is handed in, what is to be done
//! comes out as data ([`Output`]). The way to use it:
//!
//! 1. call one method for what happened (a client connected, a call was posted, an answer came), with the time;
//! 2. take every [`Output`] and do it;
//! 3. call [`Switchboard::tick`] when [`Switchboard::next_due`] has passed.
//!
//! Entries are durable before anything follows from them (D9): the methods write through [`ports::Store`], and only what
//! it took is folded, streamed or sent. Ticking too often does nothing.
//!
//! - `calls`: the controller's one call and one decision, and the answers.
//! - `staff`: what people ask for.
//! - `views`: what the team shares of the list.
//! - `clients`: connections, heartbeats, leases, the stream.
//! - [`audit`]: who did or tried what.
//! - [`alerts`]: which entries somebody outside is to be told of.
//! - [`held`]: what happens while the journal cannot be written.
//! - [`budget`], [`leases`], [`stream`]: the parts they are made of. [`memory`]: a store for virtual time.

pub mod alerts;
pub mod audit;
pub mod budget;
mod calls;
mod clients;
pub mod held;
pub mod leases;
mod ledger;
pub mod memory;
pub mod notices;
pub mod ports;
mod staff;
pub mod stream;
mod views;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use agora::{Mode, Timestamp, UnansweredCause};
use rules::api::{NamedPolicy, Problem, RecordingPage, StreamEntry};
use rules::journal::{By, CallId, CallUnanswered, ClientNumber, Entry, RecordingId, SessionNumber};
use rules::{AppEntryNumber, AppFact, Board, BoardFacts, EntryNumber, Fact, Recording, RuleId};

use budget::Window;
use held::Held;
use leases::Leases;
use ledger::Ledger;
use ports::{Batch, KeyUse, Notice, Request, Requests, Store, StoreError};
use stream::Message;

pub use calls::Posted;
pub use clients::Arrival;
pub use staff::{Command, Filter};

/// How long the store is left alone after it failed, before it is tried again.
const RETRY_STORE: Duration = Duration::from_millis(500);

/// The two times: the journal's, which the rules run on, and the real one, which heartbeats, leases and the budget run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The journal's time. It may step back; entries never do.
    pub journal: Timestamp,
    /// Real time since the program began, from a clock that never steps.
    pub real: Duration,
}

/// What the configuration says.
#[derive(Debug, Clone)]
pub struct Config {
    /// The App IDs.
    pub apps: Vec<AppConfig>,
    /// The policies by name; the first is taken when none is named.
    pub policies: Vec<NamedPolicy>,
    /// The build that the hello names.
    pub build: String,
    /// How much faster than the wall the journal's time runs.
    pub clock_rate: u32,
    /// How many entries may be held in memory while the journal cannot be written (D9): [`held::HELD_MAX`].
    pub held_max: usize,
}

/// One App ID.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// Its name.
    pub name: String,
    /// Calls per second (B1).
    pub qps: u32,
    /// Whether a domain of the region is configured (D2).
    pub has_region: bool,
    /// Whether channel tokens can be built for it (R1, R5).
    pub fresh_tokens: bool,
    /// The names of its storage profiles.
    pub storage: Vec<String>,
    /// The modes that can be asked for.
    pub modes: Vec<Mode>,
    /// The first and the last UID of the reserved range (S11).
    pub uid_range: (u32, u32),
}

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub person: String,
    /// The page, if it says which one it is, and its secret.
    pub client: Option<(ClientNumber, String)>,
}

/// What the shell is to do.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send one request to the service, now. Its `CallSent` is durable.
    Send(Box<Outgoing>),
    /// Send one message to a client.
    ToClient {
        /// The connection.
        client: ClientNumber,
        /// The message.
        message: Message,
        /// Whether it counts towards what a client may be behind: a snapshot is as large as it is.
        counted: bool,
    },
}

/// One request that leaves.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The call, by which its answer is reported.
    pub call: CallId,
    /// The App ID's name.
    pub app: String,
    /// Whether it is a `GET` without a body.
    pub get: bool,
    /// Host, path, body.
    pub request: Request,
    /// How long the rule waits for an answer, in the journal's time (D8).
    pub wait: Duration,
}

/// Counts since the start, for `/metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that left.
    pub calls_sent: u64,
    /// Calls that were answered, late ones too.
    pub calls_answered: u64,
    /// Calls that were not answered in time.
    pub calls_unanswered: u64,
    /// Calls and decisions that were refused.
    pub refused: u64,
    /// Calls that waited for budget and were dropped since something came before them.
    pub dropped: u64,
    /// Entries written.
    pub entries: u64,
    /// Times the store could not write.
    pub store_failures: u64,
    /// Entries that were held in memory and written later (D9).
    pub written_late: u64,
    /// Notifications that were written into a recording's journal.
    pub notified: u64,
    /// Further deliveries of notifications that were known (N2).
    pub notified_again: u64,
    /// Notifications that fitted no session when they came (N5).
    pub unmatched: u64,
    /// Unmatched notifications that had to make room for newer ones.
    pub unmatched_dropped: u64,
}

/// What is so at this moment, for `/metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauges {
    /// Recordings that are not settled.
    pub live: usize,
    /// Calls that wait for budget.
    pub waiting: usize,
    /// Calls that left and have no answer yet.
    pub open: usize,
    /// Connections of the stream.
    pub clients: usize,
    /// Leases that are held.
    pub leases: usize,
    /// The newest board number.
    pub newest: u64,
    /// Entries that are held in memory because they cannot be written (D9).
    pub unwritten: usize,
    /// Recordings whose journal is damaged and was set aside.
    pub damaged: usize,
    /// By App ID: how many calls left in the window that ends now, and how many may.
    pub budgets: Vec<(String, u32, u32)>,
}

/// Something that is to be written.
#[derive(Debug, Clone)]
struct Draft {
    recording: RecordingId,
    by: By,
    fact: Fact,
}

/// What is to be written together.
#[derive(Debug, Default)]
struct Writing {
    drafts: Vec<Draft>,
    key_use: Option<KeyUse>,
    app_drafts: Vec<(String, By, AppFact)>,
    notices: Vec<Notice>,
    dropped: Vec<(String, AppEntryNumber)>,
}

/// The journal's id as pages are told it. What is damaged makes it another journal: a page that read an entry while it was
/// whole must not go on from there as if nothing were missing, so it takes a snapshot.
fn told_as(journal_id: String, damaged: &BTreeSet<RecordingId>) -> String {
    if damaged.is_empty() {
        return journal_id;
    }
    let mut hasher = DefaultHasher::new();
    damaged.hash(&mut hasher);
    format!("{journal_id}-{:016x}", hasher.finish())
}

/// The proxy without I/O.
pub struct Switchboard {
    config: Config,
    store: Box<dyn Store + Send>,
    requests: Box<dyn Requests + Send>,
    /// As pages are told it: another one where something is damaged.
    journal_id: String,
    ledger: Ledger,
    windows: BTreeMap<String, Window<(RecordingId, SessionNumber)>>,
    waiting: Vec<calls::Waiting>,
    posted: u64,
    /// What could not be written yet (D9).
    held: Held,
    /// What is asked for just now, for the audit.
    asked: Option<audit::Asked>,
    leases: Leases,
    next_client: ClientNumber,
    /// Lookers-on who came while entries were on their way to the others, and how far each is: they are told everything
    /// with the next frame, so that nobody gets anything earlier or later because somebody looks on.
    newcomers: Vec<(ClientNumber, Option<(String, u64)>)>,
    unsent: Vec<StreamEntry>,
    streamed_at: Duration,
    streamed: u64,
    snapshot: Option<(u64, Vec<Message>)>,
    beat: u64,
    beat_at: Option<Duration>,
    asked_for: BTreeMap<String, VecDeque<Duration>>,
    /// Apps whose unmatched notifications may belong to a session by now.
    to_match: BTreeSet<String>,
    /// When that is tried again after the store failed.
    match_at: Option<Duration>,
    /// Apps whose board facts changed in a way that no recording's journal tells.
    changed_boards: BTreeSet<String>,
    /// The configuration could not be noted yet.
    to_configure: bool,
    /// Entries were written since it was last looked what the boards learnt from them.
    to_note: bool,
    /// When that is looked at and pages are told, next.
    boards_at: Duration,
    counts: Counts,
    outputs: VecDeque<Output>,
}

impl Switchboard {
    /// Folds everything that was ever written, and closes the calls that a former run left open.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn open(
        config: Config,
        mut store: Box<dyn Store + Send>,
        requests: Box<dyn Requests + Send>,
        now: Now,
    ) -> Result<Self, StoreError> {
        let journal_id = store.journal_id()?;
        let boards = config.apps.iter().map(|app| {
            let facts = BoardFacts {
                qps: app.qps,
                has_region: app.has_region,
                fresh_tokens: app.fresh_tokens,
                ..BoardFacts::default()
            };
            (app.name.clone(), Board::restore(facts))
        });
        let mut ledger = Ledger::new(boards.collect());
        store.each_app_line(&mut |line, bytes| ledger.take_in_app(&line, bytes))?;
        store.each_line(&mut |line| ledger.take_in(&line))?;
        let journal_id = told_as(journal_id, &ledger.damaged);
        let start = steady_at(now, config.clock_rate);
        let windows = config.apps.iter().map(|app| (app.name.clone(), Window::new(app.qps, start)));
        let mut switchboard = Self {
            windows: windows.collect(),
            config,
            store,
            requests,
            journal_id,
            waiting: Vec::new(),
            posted: 0,
            held: Held::default(),
            asked: None,
            leases: Leases::default(),
            next_client: ledger.last_client.saturating_add(1),
            newcomers: Vec::new(),
            unsent: Vec::new(),
            streamed_at: Duration::ZERO,
            streamed: ledger.newest,
            snapshot: None,
            beat: 0,
            beat_at: None,
            asked_for: BTreeMap::new(),
            to_match: BTreeSet::new(),
            match_at: None,
            changed_boards: BTreeSet::new(),
            to_configure: false,
            to_note: false,
            boards_at: Duration::ZERO,
            counts: Counts::default(),
            outputs: VecDeque::new(),
            ledger,
        };
        let close = |(id, recording): (CallId, RecordingId)| Draft {
            recording,
            by: By::Proxy,
            fact: Fact::CallUnanswered(CallUnanswered { id, cause: UnansweredCause::ProxyRestarted }),
        };
        let never_closed = switchboard.ledger.never_closed();
        switchboard.write(never_closed.into_iter().map(close).collect(), None, now)?;
        switchboard.ledger.open.clear();
        // A desk whose disk is full can still stop what runs: it is noted when that is over.
        switchboard.to_configure = switchboard.note_configuration(now).is_err();
        for id in switchboard.ledger.order.clone() {
            switchboard.update_lease_of(&id);
        }
        Ok(switchboard)
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Does what has become due: writes what is held, sends what has a place, frees and offers leases, beats, streams.
    pub fn tick(&mut self, now: Now) {
        self.try_store(now);
        self.tend_apps(now);
        self.pump(now);
        self.tend_clients(now);
    }

    /// After how much real time [`Switchboard::tick`] has something to do.
    pub fn next_due(&self, now: Now) -> Duration {
        let rate = self.config.clock_rate.max(1);
        let sending = self.next_sending(now).map(|at| at.since(self.steady_now(now)) / rate);
        let kept = self.next_kept(now).map(|at| at.since(self.journal_now(now)) / rate);
        let mut due = self.client_due(now);
        if let Some(app) = self.app_due(now) {
            due = due.min(app);
        }
        for sending in sending.into_iter().chain(kept) {
            due = due.min(sending);
        }
        due.min(self.store_due(now))
    }

    /// One recording, folded.
    pub fn recording(&self, id: &RecordingId) -> Option<&Recording> {
        self.ledger.recordings.get(id).map(|kept| &kept.folded)
    }

    /// What is known of an App ID, by its name, beside the recording that is looked at.
    pub fn board(&self, app: &str) -> Option<&Board> {
        self.ledger.boards.get(app)
    }

    /// One page of all recordings, newest first.
    pub fn page(&self, filter: &Filter, before: Option<&RecordingId>, limit: usize) -> RecordingPage {
        let all = self.ledger.order.iter().rev().filter_map(|id| self.ledger.recordings.get(id));
        let fits: Vec<&Recording> = all.filter(|kept| filter.fits(kept)).map(|kept| &kept.folded).collect();
        let from = match before {
            None => 0,
            Some(before) => {
                fits.iter().position(|recording| recording.id == *before).map_or(fits.len(), |at| at + 1)
            }
        };
        let rest = fits.get(from..).unwrap_or_default();
        let page: Vec<Recording> = rest.iter().take(limit).map(|recording| (*recording).clone()).collect();
        let next = (rest.len() > limit).then(|| page.last().map(|last| last.id.to_string())).flatten();
        RecordingPage { total: u64::try_from(fits.len()).unwrap_or(u64::MAX), recordings: page, next }
    }

    /// Entries of one recording after this number, and whether there are more.
    ///
    /// # Errors
    /// When the store cannot read.
    pub fn entries(
        &mut self,
        id: &RecordingId,
        after: EntryNumber,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), StoreError> {
        let mut entries = self.entries_after(id, after, limit.saturating_add(1))?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        Ok((entries, more))
    }

    /// Whether a transaction can be written now.
    ///
    /// # Errors
    /// When it cannot; the sentence says why.
    pub fn writable(&mut self) -> Result<(), StoreError> {
        self.in_order()?;
        self.store.probe()
    }

    /// What happened since the start.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// What is so now.
    pub fn gauges(&self, now: Now) -> Gauges {
        let at = self.steady_now(now);
        let budgets = self.windows.iter();
        let budgets = budgets.map(|(app, window)| (app.clone(), window.in_use(at), window.allowed(at)));
        Gauges {
            live: self.ledger.recordings.values().filter(|kept| !kept.folded.settled()).count(),
            waiting: self.waiting.len(),
            open: self.ledger.open.values().filter(|open| !open.given_up).count(),
            clients: self.leases.clients().count(),
            leases: self.leases.held(),
            newest: self.ledger.newest,
            unwritten: self.held.count(),
            damaged: self.ledger.damaged.len(),
            budgets: budgets.collect(),
        }
    }

    /// The journal's time, never before the last entry's.
    pub fn journal_now(&self, now: Now) -> Timestamp {
        now.journal.max(self.ledger.last_at)
    }

    /// The time that the budget is counted by (D1): real time at the journal's pace. A clock that is set makes the journal
    /// jump, and the service has not seen a second pass by that.
    pub(crate) fn steady_now(&self, now: Now) -> Timestamp {
        steady_at(now, self.config.clock_rate)
    }

    // ---- writing -------------------------------------------------------------------------------------------------

    /// Writes these in one transaction, and takes them in. Gives back the number of each in its journal.
    fn write(
        &mut self,
        drafts: Vec<Draft>,
        key_use: Option<KeyUse>,
        now: Now,
    ) -> Result<Vec<EntryNumber>, StoreError> {
        self.write_all(Writing { drafts, key_use, ..Writing::default() }, now)
    }

    /// Writes all of this in one transaction, and takes it in. Gives back the number of each entry of a recording.
    fn write_all(&mut self, writing: Writing, now: Now) -> Result<Vec<EntryNumber>, StoreError> {
        let Writing { drafts, key_use, app_drafts, notices, dropped } = writing;
        if drafts.is_empty() && key_use.is_none() && app_drafts.is_empty() && notices.is_empty() {
            return Ok(Vec::new());
        }
        let at = self.journal_now(now);
        if self.held.trouble().is_some() {
            self.try_store(now);
        }
        let lines = self.numbered(drafts, at);
        let app_lines = self.app_lines(app_drafts, at);
        let audit = self.audit_of(&lines, &app_lines, at);
        let mut batch = Batch { lines, key_use, app_lines, notices, dropped, audit };
        if self.held.trouble().is_none() {
            match self.store.append(&batch) {
                Ok(()) => self.held.worked(now),
                Err(error) => self.failed(error, now),
            }
        }
        if self.held.trouble().is_some() {
            batch = self.hold(batch)?;
        }
        if !batch.audit.is_empty() {
            self.audited();
        }
        self.to_note |= !batch.lines.is_empty();
        let numbers = batch.lines.iter().map(|line| line.entry.number).collect();
        for line in batch.lines {
            self.counts.entries += 1;
            self.ledger.take_in(&line);
            self.update_lease_of(&line.recording);
            if matters_to_unmatched(&line.entry.fact)
                && let Some(kept) = self.ledger.recordings.get(&line.recording)
            {
                self.to_match.insert(kept.folded.app.clone());
            }
            self.unsent.push(stream::without_raw(line));
        }
        self.take_in_app(&batch.app_lines, &batch.dropped);
        Ok(numbers)
    }

    /// Writes what happened: it is never refused, and held where it cannot be written.
    fn write_surely(&mut self, draft: Draft, now: Now) {
        if let Err(error) = self.write(vec![draft], None, now) {
            debug_assert!(false, "what happened is held: {error}");
        }
    }

    /// There is a lease for every recording that is not settled and that this build can read.
    fn update_lease_of(&mut self, id: &RecordingId) {
        let exists =
            self.recording(id).is_some_and(|recording| !recording.settled() && !recording.unreadable);
        if let Some(client) = self.leases.exists(id, exists) {
            self.tell_released(client, vec![id.clone()]);
        }
    }
}

/// Whether an entry may show whose the unmatched notifications are: a `sid`, or a possible orphan (S9).
const fn matters_to_unmatched(fact: &Fact) -> bool {
    matches!(fact, Fact::CallAnswered(_) | Fact::CallUnanswered(_) | Fact::Decided(_) | Fact::Adopted(_))
}

/// How much of a body an entry keeps, in bytes.
const RAW_BYTES_MAX: usize = 16 * 1024;

/// What an entry keeps of a body: text, cut where it is too long.
fn raw_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(RAW_BYTES_MAX)]);
    if body.len() <= RAW_BYTES_MAX {
        return text.into_owned();
    }
    format!("{text}… ({} bytes in all)", body.len())
}

/// A refusal.
fn steady_at(now: Now, rate: u32) -> Timestamp {
    Timestamp::default() + now.real * rate.max(1)
}

fn problem(status: u16, kind: &str, title: impl Into<String>) -> Problem {
    Problem { kind: kind.to_owned(), title: title.into(), status, rule: None, entries: Vec::new() }
}

/// The journal cannot be written, so nothing is started and nothing is promised (D9).
fn unwritable(error: &StoreError) -> Problem {
    let reason = error.reason();
    let title =
        format!("The journal cannot be written, so nothing was done: {reason}. Try again in a moment.");
    Problem { rule: Some(RuleId::D9), ..problem(503, "journal_unwritable", title) }
}

fn no_recording(id: &RecordingId) -> Problem {
    problem(404, "no_recording", format!("There is no recording {id}."))
}
