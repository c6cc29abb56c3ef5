//! What happens while the journal cannot be written (D9): starts are refused, and a `stop` goes out all the same.
//!
//! An entry that could not be written is *held*: numbered, folded and streamed like any other, with a mark that says so,
//! and written in its place as soon as the store takes it. Answers are always held, since they happened. Of what the desk
//! may do only stops, the queries of what is being stopped, and what is concluded from them are; everything else is
//! refused with the reason. What is held is lost if the program is killed: every page says so of each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use agora::{Operation, Timestamp};
use rules::api::Unwritten;
use rules::{Entry, EntryNumber, Fact, Recording, RecordingId, SessionNumber};

use crate::audit::HeldAudit;
use crate::ports::{Batch, CopiedRow, Line, StoreError};
use crate::{Draft, Now, RETRY_STORE, Switchboard};

/// How many entries are held in memory at most.
pub const HELD_MAX: usize = 1_000;

/// How many entries one call may lead to: that it left, that it had no answer in time, and a late answer (D8).
const ENTRIES_OF_A_CALL: usize = 3;

/// How often it is tried whether the store can be written while nothing else tries, in real time.
const PROBE_EVERY: Duration = Duration::from_secs(10);

/// What could not be written yet, and why.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// In the board's order; they follow the last one that is written without a gap.
    lines: Vec<Line>,
    /// What was audited meanwhile.
    pub(crate) audit: HeldAudit,
    /// Why the store does not take anything; none while it does.
    trouble: Option<StoreError>,
    /// Since when.
    since: Timestamp,
    /// When it was last tried.
    tried_at: Duration,
}

impl Held {
    pub(crate) const fn trouble(&self) -> Option<&StoreError> {
        self.trouble.as_ref()
    }

    pub(crate) const fn count(&self) -> usize {
        self.lines.len()
    }

    /// The store just took something.
    pub(crate) const fn worked(&mut self, now: Now) {
        self.tried_at = now.real;
    }
}

impl Switchboard {
    /// Takes what could not be written into memory, if it may be held. Gives it back marked.
    ///
    /// # Errors
    /// When it may not: why the store cannot be written.
    pub(crate) fn hold(&mut self, mut batch: Batch) -> Result<Batch, StoreError> {
        let Some(trouble) = self.held.trouble.clone() else {
            return Err(StoreError("the journal can be written, so nothing is held".to_owned()));
        };
        let alone = batch.key_use.is_none() && batch.app_lines.is_empty() && batch.notices.is_empty();
        if !alone || !self.may_hold(&batch.lines) {
            return Err(trouble);
        }
        for line in &mut batch.lines {
            line.entry.held = true;
        }
        self.held.lines.extend(batch.lines.iter().cloned());
        self.held.audit.with_entries(&batch.audit);
        Ok(batch)
    }

    /// The store failed just now.
    pub(crate) fn failed(&mut self, error: StoreError, now: Now) {
        self.counts.store_failures += 1;
        if self.held.trouble.is_none() {
            self.held.since = self.journal_now(now);
        }
        self.held.trouble = Some(error);
        self.held.tried_at = now.real;
    }

    fn may_hold(&self, lines: &[Line]) -> bool {
        let happened = |line: &Line| {
            matches!(line.entry.fact, Fact::CallAnswered(_) | Fact::CallUnanswered(_) | Fact::Repeated(_))
        };
        if lines.iter().all(happened) {
            return true;
        }
        let calls = lines.iter().filter(|line| matches!(line.entry.fact, Fact::CallSent(_))).count();
        // Room is kept for what the calls that are out may still lead to.
        let kept = (self.ledger.open.len() + calls) * ENTRIES_OF_A_CALL;
        if self.held.lines.len() + lines.len() + kept > self.config.held_max {
            return false;
        }
        let pressed: BTreeSet<&RecordingId> = lines
            .iter()
            .filter(|line| matches!(line.entry.fact, Fact::StopRequested(_)))
            .map(|line| &line.recording)
            .collect();
        lines.iter().all(|line| {
            let recording = self.recording(&line.recording);
            let stopping = |session: Option<SessionNumber>| {
                recording.is_some_and(|recording| is_being_stopped(recording, session))
            };
            match &line.entry.fact {
                Fact::CallAnswered(_) | Fact::CallUnanswered(_) | Fact::Repeated(_) => true,
                Fact::StopRequested(_) | Fact::StopWithdrawn => recording.is_some(),
                Fact::CallSent(sent) => match sent.operation {
                    Operation::Stop => true,
                    Operation::Query => stopping(Some(sent.session)),
                    _ => false,
                },
                Fact::Decided(decision) => stopping(decision.kind.session()),
                Fact::Leased(_) => pressed.contains(&line.recording) || stopping(None),
                _ => false,
            }
        })
    }

    /// Why this call cannot be taken now; nothing if it can.
    pub(crate) fn refuses_while_unwritten(
        &self,
        recording: &RecordingId,
        operation: Operation,
        session: SessionNumber,
    ) -> Result<(), StoreError> {
        let Some(trouble) = &self.held.trouble else { return Ok(()) };
        let stopping =
            || self.recording(recording).is_some_and(|recording| is_being_stopped(recording, Some(session)));
        match operation {
            Operation::Stop => Ok(()),
            Operation::Query if stopping() => Ok(()),
            _ => Err(trouble.clone()),
        }
    }

    /// Why nothing but stops is taken now.
    pub(crate) fn in_order(&self) -> Result<(), StoreError> {
        self.held.trouble.clone().map_or(Ok(()), Err)
    }

    /// Tries the store again when it is time: writes what is held, or tries whether anything can be written.
    pub(crate) fn try_store(&mut self, now: Now) {
        if self.store_due(now).is_zero() {
            self.write_held(now);
        }
    }

    /// After how much real time [`Switchboard::try_store`] has something to do. Who looks on changes nothing about it, so
    /// that the calls of a desk do not depend on that either (I-15).
    pub(crate) fn store_due(&self, now: Now) -> Duration {
        let every = if self.held.trouble.is_some() { RETRY_STORE } else { PROBE_EVERY };
        (self.held.tried_at + every).saturating_sub(now.real)
    }

    /// Writes what is held, in its place; tries whether anything can be written if nothing is.
    pub(crate) fn write_held(&mut self, now: Now) {
        let written = if self.held.lines.is_empty() && self.held.audit.is_empty() {
            self.store.probe()
        } else {
            let audit = self.held.audit.to_write(self.journal_now(now));
            let lines = std::mem::take(&mut self.held.lines);
            let batch = Batch { lines, audit, ..Batch::default() };
            let written = self.store.append(&batch);
            if written.is_err() {
                self.held.lines = batch.lines;
            } else {
                self.held.audit.written();
                self.counts.written_late += batch.lines.len() as u64;
            }
            written
        };
        match written {
            Ok(()) => {
                self.held.trouble = None;
                self.held.worked(now);
            }
            Err(error) => self.failed(error, now),
        }
    }

    /// The program ends: what is held is tried once more. Gives back what is lost then, in the board's order.
    pub fn last_words(&mut self, now: Now) -> Vec<Line> {
        if self.held.trouble.is_some() {
            self.write_held(now);
        }
        if self.held.lines.is_empty() {
            self.store.ended();
        }
        std::mem::take(&mut self.held.lines)
    }

    /// The newest board number that is durable.
    pub(crate) fn newest_written(&self) -> u64 {
        self.ledger.newest - self.held.lines.len() as u64
    }

    /// The next rows of one table after this place, for a copy of the whole journal.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn copied(&mut self, table: &str, after: &str) -> Result<Vec<CopiedRow>, StoreError> {
        self.store.copied(table, after)
    }

    /// The recordings whose journal is damaged and was set aside: nothing is done for them.
    pub fn damaged(&self) -> impl Iterator<Item = &RecordingId> {
        self.ledger.damaged.iter()
    }

    /// What every page is told while the journal cannot be written.
    pub fn unwritten(&self) -> Option<Unwritten> {
        let trouble = self.held.trouble.as_ref()?;
        let recordings: BTreeSet<&RecordingId> = self.held.lines.iter().map(|line| &line.recording).collect();
        Some(Unwritten {
            reason: trouble.reason().to_owned(),
            since: self.held.since,
            held: u32::try_from(self.held.lines.len()).unwrap_or(u32::MAX),
            recordings: recordings.into_iter().cloned().collect(),
        })
    }

    /// The entries of one recording after this number, written or held, at most so many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn entries_after(
        &mut self,
        recording: &RecordingId,
        after: EntryNumber,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.store.entries(recording, after, limit)?;
        let held = self.held.lines.iter().filter(|line| line.recording == *recording);
        let later = held.filter(|line| line.entry.number > after).map(|line| line.entry.clone());
        let room = limit.saturating_sub(entries.len());
        entries.extend(later.take(room));
        Ok(entries)
    }

    /// The entries over all journals after this board number, written or held, at most so many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn lines_after(&mut self, after: u64, limit: usize) -> Result<Vec<Line>, StoreError> {
        let mut lines = self.store.lines_after(after, limit)?;
        let room = limit.saturating_sub(lines.len());
        lines.extend(self.held.lines.iter().filter(|line| line.entry.board > after).take(room).cloned());
        Ok(lines)
    }

    /// What is written together, numbered: nothing of it is kept yet.
    pub(crate) fn numbered(&self, drafts: Vec<Draft>, at: Timestamp) -> Vec<Line> {
        let mut last: BTreeMap<RecordingId, EntryNumber> = BTreeMap::new();
        let mut lines = Vec::with_capacity(drafts.len());
        for (board, draft) in (self.ledger.newest + 1..).zip(drafts) {
            let Draft { recording, by, fact } = draft;
            let known = self.ledger.recordings.get(&recording).map_or(0, |kept| kept.folded.last);
            let number = last.entry(recording.clone()).or_insert(known);
            *number += 1;
            let version = rules::journal::JOURNAL_VERSION;
            let entry = Entry { number: *number, board, at, by, version, held: false, fact };
            lines.push(Line { recording, entry });
        }
        lines
    }
}

/// Whether this session, or any if none is named, is to be stopped: by staff or by a rule.
pub(crate) fn is_being_stopped(recording: &Recording, session: Option<SessionNumber>) -> bool {
    let is = |number: SessionNumber| rules::stop::is_due_at(recording, number).is_some();
    recording.stop.is_some()
        || match session {
            Some(number) => is(number),
            None => recording.sessions.iter().any(|session| is(session.number)),
        }
}
