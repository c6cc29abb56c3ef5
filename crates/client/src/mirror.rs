//! What the stream has told: every live recording folded, the facts of each App, and how far that reaches.
//!
//! A frame is taken only if it follows on the one before it; otherwise a snapshot is asked for and nothing else is taken
//! before it begins. So at every instant the state is the fold of one prefix of the journal.

use std::collections::VecDeque;

use litemap::LiteMap;

use rules::api::{Frame, FrameContent, StreamEntry};
use rules::board::BoardFacts;
use rules::{Board, Fact, Recording, RecordingId};

use crate::early::{EarlyContent, EarlyFrame};
use crate::opened::Opened;

/// A recording that is over stays here until this many newer ones are over; the list shows older ones by page.
const OVER_KEPT: usize = 500;

/// A snapshot that was asked for and did not begin is asked for again after this many real milliseconds. So is one for
/// the sake of a recording that the last snapshot did not hold.
const ASK_AGAIN: u64 = 5_000;

/// What came of a frame.
#[derive(Debug)]
pub(crate) enum Taken<'a> {
    /// These entries are folded in.
    Entries {
        /// Those that were new.
        entries: Vec<&'a StreamEntry>,
        /// The Apps whose facts changed with them, for all of their recordings.
        apps: Vec<String>,
    },
    /// A snapshot began, so what was known before is forgotten, or went on, or ended.
    Snapshot,
    /// It does not follow on what is known, or a snapshot is awaited: not taken.
    Nothing,
}

/// The folded journals.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    journal: Option<String>,
    upto: Option<u64>,
    /// Whether everything up to `upto` is here; not so between the parts of a snapshot.
    complete: bool,
    awaits_snapshot: bool,
    /// When a snapshot is to be asked for.
    ask_at: Option<u64>,
    /// When a snapshot was last asked for.
    asked_at: Option<u64>,
    recordings: LiteMap<RecordingId, Recording>,
    boards: LiteMap<String, Board>,
    changed: LiteMap<RecordingId, ()>,
    over: VecDeque<RecordingId>,
    pub(crate) opened: Opened,
}

impl Mirror {
    /// A stream begins. What is known stays if it is of the same journal, so that only the rest has to come.
    pub(crate) fn begin(&mut self, journal_id: &str) {
        if self.journal.as_deref() != Some(journal_id) {
            self.forget();
            self.journal = Some(journal_id.to_owned());
        }
        // Half a snapshot is nothing that entries could follow on.
        if !self.complete {
            self.upto = None;
        }
        self.awaits_snapshot = self.upto.is_none();
        self.ask_at = None;
        self.asked_at = None;
    }

    /// Takes a frame that follows on what is known.
    pub(crate) fn take<'a>(&mut self, frame: &'a Frame, monotonic: u64) -> Taken<'a> {
        match &frame.content {
            FrameContent::Snapshot { first, last, recordings, boards } => {
                self.take_part((*first, *last), recordings, boards, (frame.after, frame.upto), monotonic)
            }
            FrameContent::Boards(boards) => {
                if self.awaits_snapshot || !self.complete || self.upto != Some(frame.after) {
                    self.miss(monotonic);
                    return Taken::Nothing;
                }
                for (app, facts) in boards {
                    self.boards.entry(app.clone()).or_default().set_facts(facts.clone());
                }
                let apps = boards.iter().map(|(app, _)| app.clone()).collect();
                Taken::Entries { entries: Vec::new(), apps }
            }
            FrameContent::Entries(entries) => {
                if self.awaits_snapshot || !self.complete || self.upto != Some(frame.after) {
                    self.miss(monotonic);
                    return Taken::Nothing;
                }
                self.take_entries(entries, frame.upto, monotonic)
            }
        }
    }

    /// Takes a part of a snapshot that was read without the code that folds.
    pub(crate) fn take_early(&mut self, frame: EarlyFrame, monotonic: u64) {
        let EarlyContent::Snapshot { first, last, recordings, boards } = &frame.content;
        self.take_part((*first, *last), recordings, boards, (frame.after, frame.upto), monotonic);
    }

    /// Takes a part of a snapshot: whether it is the first and the last one, and the numbers that it stands between.
    fn take_part(
        &mut self,
        (first, last): (bool, bool),
        recordings: &[Recording],
        boards: &[(String, BoardFacts)],
        (after, upto): (u64, u64),
        monotonic: u64,
    ) -> Taken<'static> {
        if first {
            self.forget();
            self.awaits_snapshot = false;
            self.ask_at = None;
            self.boards =
                boards.iter().map(|(app, facts)| (app.clone(), Board::restore(facts.clone()))).collect();
        } else if self.awaits_snapshot || self.complete || self.upto != Some(after) {
            self.miss(monotonic);
            return Taken::Nothing;
        }
        self.take_snapshot(recordings, last, upto)
    }

    /// Whether a snapshot is to be asked for now; said once, and again when none comes.
    pub(crate) fn take_request(&mut self, monotonic: u64) -> bool {
        let due = self.ask_at.is_some_and(|at| at <= monotonic);
        if due {
            self.asked_at = Some(monotonic);
            self.awaits_snapshot = true;
            self.ask_at = Some(monotonic.saturating_add(ASK_AGAIN));
        }
        due
    }

    pub(crate) fn next_request(&self) -> Option<u64> {
        self.ask_at
    }

    pub(crate) fn complete(&self) -> bool {
        self.complete && !self.awaits_snapshot
    }

    /// What to name when a stream is opened: the position, and the journal that it is of.
    pub(crate) fn position(&self) -> Option<(u64, String)> {
        let upto = self.upto.filter(|_| self.complete)?;
        Some((upto, self.journal.clone()?))
    }

    pub(crate) fn recordings(&self) -> &LiteMap<RecordingId, Recording> {
        &self.recordings
    }

    pub(crate) fn boards(&self) -> &LiteMap<String, Board> {
        &self.boards
    }

    pub(crate) fn take_changed(&mut self) -> Vec<RecordingId> {
        core::mem::take(&mut self.changed).into_iter().map(|(id, ())| id).collect()
    }

    fn take_snapshot(&mut self, recordings: &[Recording], last: bool, upto: u64) -> Taken<'static> {
        for recording in recordings {
            self.boards.entry(recording.app.clone()).or_default().include(recording);
            self.changed.insert(recording.id.clone(), ());
            self.recordings.insert(recording.id.clone(), recording.clone());
        }
        self.upto = Some(upto);
        self.complete = last;
        Taken::Snapshot
    }

    fn take_entries<'a>(&mut self, entries: &'a [StreamEntry], upto: u64, monotonic: u64) -> Taken<'a> {
        let mut folded = Vec::with_capacity(entries.len());
        let mut apps = Vec::new();
        for new in entries {
            match self.take_entry(new, &mut apps) {
                Fold::Done => folded.push(new),
                Fold::Known => {}
                Fold::Stranger => {
                    // It was over when the snapshot was made, and may be live again now: a snapshot tells. Not with
                    // every entry, because a recording that stays over is in none of them.
                    let earliest = self.asked_at.map_or(monotonic, |asked| asked.saturating_add(ASK_AGAIN));
                    self.ask_at.get_or_insert(earliest.max(monotonic));
                }
                Fold::Gap => {
                    self.miss(monotonic);
                    return Taken::Entries { entries: folded, apps };
                }
            }
        }
        self.upto = Some(upto);
        Taken::Entries { entries: folded, apps }
    }

    fn take_entry(&mut self, new: &StreamEntry, apps: &mut Vec<String>) -> Fold {
        let entry = &new.entry;
        match self.recordings.get_mut(&new.recording) {
            Some(recording) if entry.number <= recording.last => return Fold::Known,
            Some(recording) if entry.number == recording.last + 1 => rules::fold(recording, entry),
            Some(_) => return Fold::Gap,
            None if entry.number == 1 => match Recording::begin(new.recording.clone(), entry) {
                Some(recording) => {
                    self.recordings.insert(new.recording.clone(), recording);
                }
                None => return Fold::Stranger,
            },
            None => return Fold::Stranger,
        }
        self.opened.add(&new.recording, entry);
        self.changed.insert(new.recording.clone(), ());
        if let Some(recording) = self.recordings.get(&new.recording) {
            let board = self.boards.entry(recording.app.clone()).or_default();
            let before = board.facts().clone();
            board.apply(recording, entry);
            // S8: an answer to an `acquire` decides who waits for the limit of concurrent tasks.
            let waits =
                matches!(&entry.fact, Fact::CallAnswered(answered) if answered.id.0.ends_with(":acquire"));
            if (waits || *board.facts() != before) && !apps.contains(&recording.app) {
                apps.push(recording.app.clone());
            }
            if recording.settled() {
                self.keep_few_that_are_over(&new.recording);
            }
        }
        Fold::Done
    }

    fn keep_few_that_are_over(&mut self, settled: &RecordingId) {
        self.over.retain(|id| id != settled);
        self.over.push_back(settled.clone());
        while self.over.len() > OVER_KEPT
            && let Some(oldest) = self.over.pop_front()
        {
            // It may be live again, or on the screen.
            let removable = self.recordings.get(&oldest).is_some_and(Recording::settled);
            if removable && !self.opened.has(&oldest) {
                self.recordings.remove(&oldest);
                self.changed.insert(oldest, ());
            }
        }
    }

    /// Something is missing: nothing more is taken before a snapshot.
    pub(crate) fn miss(&mut self, monotonic: u64) {
        self.awaits_snapshot = true;
        self.ask_at.get_or_insert(monotonic);
    }

    fn forget(&mut self) {
        self.changed.extend(core::mem::take(&mut self.recordings).into_iter().map(|(id, _)| (id, ())));
        self.boards.clear();
        self.over.clear();
        self.upto = None;
        self.complete = false;
    }
}

enum Fold {
    Done,
    /// It is in the fold already.
    Known,
    /// Of a recording that is not here.
    Stranger,
    /// An entry before it is missing.
    Gap,
}
