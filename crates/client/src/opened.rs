//! The entries of the recordings that somebody looks at: loaded once, then kept up by the stream.

use litemap::LiteMap;

use rules::{Entry, EntryNumber, RecordingId};

/// More than a screen shows and less than a page can bear: the oldest go first.
const ENTRIES_KEPT: usize = 5_000;

/// Nobody looks at more recordings at a time.
const OPENED_KEPT: usize = 8;

/// The journals that are on the screen.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    journals: LiteMap<RecordingId, Journal>,
    /// Counts openings, to know the oldest.
    count: u64,
}

#[derive(Debug, Default)]
struct Journal {
    entries: LiteMap<EntryNumber, Entry>,
    /// Everything up to this number was let go.
    dropped: EntryNumber,
    opened: u64,
}

impl Opened {
    pub(crate) fn open(&mut self, id: &RecordingId) {
        self.count += 1;
        self.journals.entry(id.clone()).or_default().opened = self.count;
        while self.journals.len() > OPENED_KEPT {
            let oldest = self.journals.iter().min_by_key(|(_, journal)| journal.opened);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { break };
            self.journals.remove(&oldest);
        }
    }

    pub(crate) fn close(&mut self, id: &RecordingId) {
        self.journals.remove(id);
    }

    pub(crate) fn has(&self, id: &RecordingId) -> bool {
        self.journals.contains_key(id)
    }

    /// An entry came by the stream. One that was loaded stays: it also has the raw body.
    pub(crate) fn add(&mut self, id: &RecordingId, entry: &Entry) {
        if let Some(journal) = self.journals.get_mut(id) {
            journal.entries.entry(entry.number).or_insert_with(|| entry.clone());
            journal.keep_few();
        }
    }

    /// Entries were loaded.
    pub(crate) fn load(&mut self, id: &RecordingId, entries: Vec<Entry>) {
        if let Some(journal) = self.journals.get_mut(id) {
            for entry in entries {
                if entry.number > journal.dropped {
                    journal.entries.insert(entry.number, entry);
                }
            }
            journal.keep_few();
        }
    }

    pub(crate) fn entries(&self, id: &RecordingId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.journals.get(id).into_iter().flat_map(|journal| journal.entries.values())
    }

    /// The last number before the first entry that is missing, if one up to `last` is.
    pub(crate) fn gap(&self, id: &RecordingId, last: EntryNumber) -> Option<EntryNumber> {
        let journal = self.journals.get(id)?;
        let mut whole = journal.dropped;
        for number in journal.entries.keys() {
            if *number != whole + 1 {
                return Some(whole);
            }
            whole = *number;
        }
        (whole < last).then_some(whole)
    }
}

impl Journal {
    fn keep_few(&mut self) {
        while self.entries.len() > ENTRIES_KEPT
            && let Some(number) = self.entries.first().map(|(number, _)| *number)
        {
            self.entries.remove(&number);
            self.dropped = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agora::Timestamp;
    use rules::Fact;
    use rules::journal::By;

    fn entry(number: EntryNumber) -> Entry {
        let at = Timestamp::from_millis(i64::from(number));
        Entry {
            number,
            board: u64::from(number),
            at,
            by: By::Proxy,
            version: 1,
            held: false,
            fact: Fact::Hurried,
        }
    }

    fn id(name: &str) -> RecordingId {
        RecordingId::parse(name).expect("a valid id")
    }

    #[test]
    fn what_is_missing_between_the_loaded_and_the_streamed_entries_is_told() {
        let mut opened = Opened::default();
        let one = id("one");
        opened.add(&one, &entry(1));
        assert_eq!(opened.entries(&one).count(), 0, "nobody looks at it yet");
        opened.open(&one);
        assert_eq!(opened.gap(&one, 0), None);
        assert_eq!(opened.gap(&one, 3), Some(0));
        opened.add(&one, &entry(4));
        opened.load(&one, vec![entry(1), entry(2)]);
        assert_eq!(opened.gap(&one, 4), Some(2));
        opened.load(&one, vec![entry(3), entry(4)]);
        assert_eq!(opened.gap(&one, 4), None);
        assert_eq!(opened.gap(&one, 5), Some(4));
        assert_eq!(opened.entries(&one).map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut opened = Opened::default();
        let one = id("one");
        opened.open(&one);
        for number in 1..=6_000 {
            opened.add(&one, &entry(number));
        }
        assert_eq!(opened.entries(&one).count(), ENTRIES_KEPT);
        assert_eq!(opened.gap(&one, 6_000), None, "what was let go is not missing");
        for number in 0..20 {
            opened.open(&id(&format!("other-{number}")));
        }
        assert!(!opened.has(&one));
        assert_eq!(opened.journals.len(), OPENED_KEPT);
    }
}
