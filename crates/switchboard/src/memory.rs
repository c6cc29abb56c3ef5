//! A store in memory, for virtual time: it survives a switchboard, not the program. Copies are the same store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agora::Timestamp;
use rules::api::{AuditRecord, SharedViews};
use rules::{AppEntry, AppEntryNumber, Entry, EntryNumber, RecordingId};

use crate::ports::{AppLine, Batch, KeyUse, Line, Notice, Store, StoreError, unmatched_bytes};

/// The journal of a run in virtual time.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<Line>,
    key_uses: Vec<KeyUse>,
    app_lines: Vec<AppLine>,
    notices: BTreeMap<String, Notice>,
    views: SharedViews,
    audit: Vec<AuditRecord>,
    broken: bool,
}

impl MemoryStore {
    /// Everything that was ever written.
    pub fn lines(&self) -> Vec<Line> {
        self.inner().lines.clone()
    }

    /// Every entry of the App journals that is kept.
    pub fn app_lines(&self) -> Vec<AppLine> {
        self.inner().app_lines.clone()
    }

    /// Everything that was audited.
    pub fn audit(&self) -> Vec<AuditRecord> {
        self.inner().audit.clone()
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
        inner.app_lines.extend(batch.app_lines.iter().cloned());
        inner.audit.extend(batch.audit.iter().cloned());
        inner.notices.extend(batch.notices.iter().map(|notice| (notice.key.clone(), notice.clone())));
        for (app, upto) in &batch.dropped {
            inner.app_lines.retain(|line| {
                line.app != *app || line.entry.number > *upto || unmatched_bytes(&line.entry.fact) == 0
            });
            inner.notices.retain(|_, notice| {
                notice.recording.is_some() || notice.app != *app || notice.number > *upto
            });
        }
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

    fn each_app_line(&mut self, take: &mut dyn FnMut(AppLine, u64)) -> Result<(), StoreError> {
        let mut lines = self.inner().app_lines.clone();
        lines.sort_by(|one, other| (&one.app, one.entry.number).cmp(&(&other.app, other.entry.number)));
        for line in lines {
            let bytes = unmatched_bytes(&line.entry.fact);
            take(line, bytes);
        }
        Ok(())
    }

    fn app_entries(&mut self, app: &str, numbers: &[AppEntryNumber]) -> Result<Vec<AppEntry>, StoreError> {
        let inner = self.inner();
        let fits = |line: &&AppLine| line.app == app && numbers.contains(&line.entry.number);
        Ok(inner.app_lines.iter().filter(fits).map(|line| line.entry.clone()).collect())
    }

    fn notice(&mut self, key: &str) -> Result<Option<Notice>, StoreError> {
        Ok(self.inner().notices.get(key).cloned())
    }

    fn key_use(&mut self, person: &str, key: &str, since: Timestamp) -> Result<Option<KeyUse>, StoreError> {
        let inner = self.inner();
        let fits = |known: &&KeyUse| known.person == person && known.key == key && known.at > since;
        Ok(inner.key_uses.iter().rev().find(fits).cloned())
    }

    fn views(&mut self) -> Result<SharedViews, StoreError> {
        Ok(self.inner().views.clone())
    }

    fn put_views(&mut self, views: &SharedViews) -> Result<(), StoreError> {
        self.probe()?;
        self.inner().views = views.clone();
        Ok(())
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        if self.inner().broken { Err(StoreError("the disk is full".to_owned())) } else { Ok(()) }
    }
}
