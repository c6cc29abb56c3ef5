//! A store in memory, for virtual time: it survives a switchboard, not the program. Copies are the same store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agora::Timestamp;
use rules::{Entry, EntryNumber, RecordingId};

use crate::ports::{Batch, KeyUse, Line, Store, StoreError};

/// The journal of a run in virtual time.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<Line>,
    key_uses: Vec<KeyUse>,
    broken: bool,
}

impl MemoryStore {
    /// Everything that was ever written.
    pub fn lines(&self) -> Vec<Line> {
        self.inner().lines.clone()
    }

    /// From now on writing fails, or works again.
    pub fn set_broken(&self, broken: bool) {
        self.inner().broken = broken;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here is left half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.probe()?;
        let mut inner = self.inner();
        inner.lines.extend(batch.lines.iter().cloned());
        inner.key_uses.extend(batch.key_use.clone());
        Ok(())
    }

    fn journal_id(&mut self) -> Result<String, StoreError> {
        Ok("memory".to_owned())
    }

    fn each_line(&mut self, take: &mut dyn FnMut(Line)) -> Result<(), StoreError> {
        self.lines().into_iter().for_each(take);
        Ok(())
    }

    fn lines_after(&mut self, after: u64, limit: usize) -> Result<Vec<Line>, StoreError> {
        let inner = self.inner();
        let later = inner.lines.iter().filter(|line| line.entry.board > after);
        Ok(later.take(limit).cloned().collect())
    }

    fn entries(
        &mut self,
        recording: &RecordingId,
        after: EntryNumber,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let inner = self.inner();
        let theirs = inner.lines.iter().filter(|line| line.recording == *recording);
        let later = theirs.filter(|line| line.entry.number > after);
        Ok(later.take(limit).map(|line| line.entry.clone()).collect())
    }

    fn key_use(&mut self, person: &str, key: &str, since: Timestamp) -> Result<Option<KeyUse>, StoreError> {
        let inner = self.inner();
        let fits = |known: &&KeyUse| known.person == person && known.key == key && known.at > since;
        Ok(inner.key_uses.iter().rev().find(fits).cloned())
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        if self.inner().broken { Err(StoreError("the disk is full".to_owned())) } else { Ok(()) }
    }
}
