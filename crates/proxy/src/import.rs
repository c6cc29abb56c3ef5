//! A bundle into the journal of a demonstration, as a recording that has ended.
//!
//! Only there: a journal is the only truth about what was recorded, and nothing else of it comes from a file.

use std::path::Path;

use agora::{ChannelName, Timestamp};
use rules::bundle::BUNDLE_BYTES;
use rules::{Bundle, Fact, Recording, fold};
use switchboard::ports::{Batch, Line, Store};

/// Reads a bundle from a file.
///
/// # Errors
/// When there is none, or none that is whole. The sentence names the file.
pub fn read(file: &Path) -> Result<Bundle, String> {
    let fail = |what: String| format!("{}: {what}", file.display());
    let length = std::fs::metadata(file).map_err(|error| fail(error.to_string()))?.len();
    if length > BUNDLE_BYTES as u64 {
        return Err(fail(format!("the bundle is larger than {} MB", BUNDLE_BYTES >> 20)));
    }
    let text = std::fs::read_to_string(file).map_err(|error| fail(error.to_string()))?;
    Bundle::read(&text).map_err(|problem| fail(problem.to_string()))
}

/// Writes a bundle into the journal, its last entry at this instant, and tells the channel. `app` is the name of the App
/// ID in the configuration that it is to belong to.
///
/// # Errors
/// When the recording still runs, is in the journal already, is of a newer build, or cannot be written.
pub fn write(
    store: &mut dyn Store,
    mut bundle: Bundle,
    app: &str,
    last_at: Timestamp,
) -> Result<ChannelName, String> {
    let last = bundle.entries.last().map_or(last_at, |last| last.at);
    bundle.shift(last_at.millis().saturating_sub(last.millis()));
    if let Some(Fact::Requested(requested)) = bundle.entries.first_mut().map(|first| &mut first.fact) {
        app.clone_into(&mut requested.app);
    }
    let begun = bundle.entries.first().and_then(|first| Recording::begin(bundle.recording.clone(), first));
    let mut recording = begun.ok_or_else(|| "the bundle does not begin with a request".to_owned())?;
    for entry in bundle.entries.iter().skip(1) {
        fold(&mut recording, entry);
    }
    if recording.unreadable {
        return Err("the bundle has entries that this build cannot read: use a newer build".to_owned());
    }
    if !recording.settled() {
        return Err(format!(
            "the recording of {} has not ended in this bundle: somebody would go on acting for it. Download it again when it has",
            recording.channel
        ));
    }
    let sentence = |error: switchboard::ports::StoreError| error.0;
    if !store.entries(&bundle.recording, 0, 1).map_err(sentence)?.is_empty() {
        return Err(format!("recording {} is in this journal already", bundle.recording));
    }
    let mut newest = 0;
    store.each_line(&mut |line| newest = line.entry.board).map_err(sentence)?;
    let id = bundle.recording;
    let lines = bundle.entries.into_iter().zip(newest + 1..).map(|(mut entry, board)| {
        entry.board = board;
        Line { recording: id.clone(), entry }
    });
    let batch = Batch { lines: lines.collect(), ..Batch::default() };
    store.append(&batch).map_err(sentence)?;
    Ok(recording.channel)
}

#[cfg(test)]
mod tests {
    use agora::Timestamp;
    use rules::{BoardFacts, Bundle, Entry, Fact, RecordingId};
    use switchboard::ports::Store as _;

    use super::write;
    use crate::store::{JournalTime, SqliteStore};

    /// A kept journal as a bundle.
    fn bundle(journal: &str, id: &str) -> Bundle {
        let entries: Vec<Entry> =
            journal.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
        let exported = entries.last().expect("entries").at;
        let id = RecordingId::parse(id).expect("an id");
        Bundle::new(id, entries, BoardFacts::default(), "test".to_owned(), exported)
    }

    fn ended() -> Bundle {
        bundle(include_str!("../../rules/journals/v1/stop-in-a-failover.jsonl"), "7dvcc0qvqvky")
    }

    const TIME: JournalTime =
        JournalTime { rate: 1, origin: None, now: Timestamp::from_millis(1_800_000_000_000) };

    #[test]
    fn a_recording_that_has_ended_is_in_the_journal_once_and_ends_when_it_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store =
            SqliteStore::open(&folder.path().join("journal.db"), TIME, 30).expect("it opens").store;
        let at = Timestamp::from_millis(1_799_000_000_000);
        write(&mut store, ended(), "demonstration", at).expect("it is written");
        let id = RecordingId::parse("7dvcc0qvqvky").expect("an id");
        let entries = store.entries(&id, 0, 10_000).expect("entries");
        assert_eq!(entries.len(), ended().entries.len());
        assert_eq!(entries.last().map(|last| last.at), Some(at));
        assert!(entries.iter().zip(1..).all(|(entry, board)| entry.board == board));
        let Fact::Requested(requested) = &entries[0].fact else { panic!("a request") };
        assert_eq!(requested.app, "demonstration");
        let again = write(&mut store, ended(), "demonstration", at).expect_err("it is there");
        assert!(again.contains("already"), "{again}");
    }

    #[test]
    fn one_that_still_runs_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store =
            SqliteStore::open(&folder.path().join("journal.db"), TIME, 30).expect("it opens").store;
        let runs =
            bundle(include_str!("../../rules/journals/v1/controller-changes-in-a-failover.jsonl"), "runs");
        let refused = write(&mut store, runs, "demonstration", TIME.now).expect_err("it runs");
        assert!(refused.contains("has not ended"), "{refused}");
    }
}
