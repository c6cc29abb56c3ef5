//! Everything that the journal says, folded: the recordings, the boards, and the calls that are under way.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use agora::{Answer, Operation, Timestamp, UnansweredCause};
use rules::journal::{
    CallId, ClientNumber, LayoutRequested, RecordingId, Requested, SessionNumber, UpdateRequested,
};
use rules::{Board, EntryNumber, Fact, Recording, RuleId};

use crate::notices::AppLedger;
use crate::ports::{AppLine, Line};

/// How many ids of sent calls of one recording are remembered, so that the same step posted twice is one call.
const CALL_IDS_KEPT: usize = 64;

/// One recording with what its fold does not keep.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) folded: Recording,
    pub(crate) requested: Box<Requested>,
    /// The newest epoch of its lease.
    pub(crate) epoch: u32,
    /// The last calls that were sent.
    pub(crate) sent: VecDeque<CallId>,
    /// What staff asked to be changed, by its entry, while the recording is not settled.
    pub(crate) changes: BTreeMap<EntryNumber, Change>,
    /// By session: the last answer to a query and its entry, for `Repeated`.
    pub(crate) answers: BTreeMap<SessionNumber, (EntryNumber, Answer)>,
    /// Everything that it was ever known by, in small letters: its id and channel, and the UIDs, recording IDs, resource
    /// IDs and file names of all its sessions, also of those that the fold keeps no more.
    pub(crate) known_by: String,
}

/// How many bytes of names are kept of one recording.
const KNOWN_BY_BYTES_MAX: usize = 8 * 1024;

impl Kept {
    /// Whether it was ever known by this, in small letters.
    pub(crate) fn is_known_by(&self, text: &str) -> bool {
        self.known_by.contains(text)
    }

    fn learn_names(&mut self) {
        let mut names = Vec::new();
        for session in &self.folded.sessions {
            names.push(session.uid.to_string());
            names.extend(session.sid.as_ref().map(|sid| sid.as_str().to_lowercase()));
            names.extend(session.resource.as_ref().map(|resource| resource.id.as_str().to_lowercase()));
            names.extend(session.files.iter().map(|file| file.to_lowercase()));
        }
        for name in names {
            let known = self.known_by.split('\n').any(|known| known == name);
            if !known && self.known_by.len() + name.len() < KNOWN_BY_BYTES_MAX {
                self.known_by.push('\n');
                self.known_by.push_str(&name);
            }
        }
    }
}

/// What staff asked to be changed in a recording that runs (U1).
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Update(Box<UpdateRequested>),
    Layout(Box<LayoutRequested>),
}

/// A call that left and may still be answered.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) recording: RecordingId,
    pub(crate) session: SessionNumber,
    pub(crate) operation: Operation,
    pub(crate) rule: RuleId,
    /// Its time is over and that is written; a late answer is still taken (D8).
    pub(crate) given_up: bool,
}

/// The fold over all journals.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) recordings: BTreeMap<RecordingId, Kept>,
    /// In the order in which they were asked for.
    pub(crate) order: Vec<RecordingId>,
    pub(crate) boards: BTreeMap<String, Board>,
    /// The App journals, by the App ID's name.
    pub(crate) apps: BTreeMap<String, AppLedger>,
    pub(crate) open: HashMap<CallId, Open>,
    /// Those with an entry that can no longer be read.
    pub(crate) damaged: BTreeSet<RecordingId>,
    /// The newest board number.
    pub(crate) newest: u64,
    /// The newest entry's time.
    pub(crate) last_at: Timestamp,
    /// The largest number of a client that ever held a lease.
    pub(crate) last_client: ClientNumber,
}

impl Ledger {
    pub(crate) fn new(boards: BTreeMap<String, Board>) -> Self {
        Self {
            recordings: BTreeMap::new(),
            order: Vec::new(),
            boards,
            apps: BTreeMap::new(),
            open: HashMap::new(),
            damaged: BTreeSet::new(),
            newest: 0,
            last_at: Timestamp::from_millis(i64::MIN),
            last_client: 0,
        }
    }

    /// Folds one entry of an App journal that a former run wrote.
    pub(crate) fn take_in_app(&mut self, line: &AppLine, bytes: u64) {
        self.last_at = self.last_at.max(line.entry.at);
        let ledger = self.apps.entry(line.app.clone()).or_default();
        ledger.take_in(&line.entry, bytes);
        let count = ledger.count();
        // An App ID that the configuration no longer has keeps its journal, and has no board.
        if let Some(board) = self.boards.get_mut(&line.app) {
            board.apply_app(&line.entry);
            board.set_unmatched(count);
        }
    }

    /// Folds one entry that is durable, whether just written or by a former run.
    pub(crate) fn take_in(&mut self, line: &Line) {
        let Line { recording: id, entry } = line;
        self.newest = self.newest.max(entry.board);
        self.last_at = self.last_at.max(entry.at);
        if entry.fact.damage().is_some() {
            self.damaged.insert(id.clone());
        }
        if let Some(kept) = self.recordings.get_mut(id) {
            rules::fold(&mut kept.folded, entry);
        } else {
            // A journal that does not begin with a request is kept on the disk, and shown nowhere.
            let Fact::Requested(requested) = &entry.fact else { return };
            let Some(folded) = Recording::begin(id.clone(), entry) else { return };
            let channel = folded.channel.as_str();
            let known_by = format!("{id}\n{channel}\n{}", folded.uids.original).to_lowercase();
            let kept = Kept {
                known_by,
                folded,
                requested: requested.clone(),
                epoch: 0,
                sent: VecDeque::new(),
                changes: BTreeMap::new(),
                answers: BTreeMap::new(),
            };
            self.recordings.insert(id.clone(), kept);
            self.order.push(id.clone());
        }
        let Some(kept) = self.recordings.get_mut(id) else { return };
        match &entry.fact {
            Fact::Leased(leased) => {
                kept.epoch = kept.epoch.max(leased.epoch);
                self.last_client = self.last_client.max(leased.client);
            }
            Fact::CallSent(sent) => {
                kept.sent.push_back(sent.id.clone());
                if kept.sent.len() > CALL_IDS_KEPT {
                    kept.sent.pop_front();
                }
                let open = Open {
                    recording: id.clone(),
                    session: sent.session,
                    operation: sent.operation,
                    rule: sent.rule,
                    given_up: false,
                };
                self.open.insert(sent.id.clone(), open);
            }
            Fact::CallAnswered(answered) => {
                let open = self.open.remove(&answered.id);
                if let Some(open) = open.filter(|open| open.operation == Operation::Query) {
                    kept.answers.insert(open.session, (entry.number, answered.answer.clone()));
                }
            }
            Fact::Repeated(repeated) => {
                self.open.remove(&repeated.id);
            }
            Fact::UpdateRequested(update) => {
                kept.changes.insert(entry.number, Change::Update(update.clone()));
            }
            Fact::LayoutRequested(layout) => {
                kept.changes.insert(entry.number, Change::Layout(layout.clone()));
            }
            Fact::CallUnanswered(unanswered) => {
                if let Some(open) = self.open.get_mut(&unanswered.id) {
                    kept.answers.remove(&open.session);
                    open.given_up = true;
                }
                if unanswered.cause != UnansweredCause::Timeout {
                    self.open.remove(&unanswered.id);
                }
            }
            _ => {}
        }
        if matches!(
            entry.fact,
            Fact::CallSent(_) | Fact::CallAnswered(_) | Fact::Adopted(_) | Fact::Notified(_)
        ) {
            kept.learn_names();
        }
        if matches!(entry.fact, Fact::CallAnswered(_) | Fact::Adopted(_)) {
            self.apps.entry(kept.folded.app.clone()).or_default().learn(&kept.folded);
        }
        self.boards.entry(kept.folded.app.clone()).or_default().apply(&kept.folded, entry);
        if kept.folded.settled() {
            kept.answers.clear();
            kept.changes.clear();
        }
    }

    /// The calls that have no answer and no end in the journal, in the order of their ids.
    pub(crate) fn never_closed(&self) -> Vec<(CallId, RecordingId)> {
        let open = self.open.iter().filter(|(_, open)| !open.given_up);
        let mut calls: Vec<_> = open.map(|(id, open)| (id.clone(), open.recording.clone())).collect();
        calls.sort();
        calls
    }
}
