//! Who did or tried what (`docs/audit.md`). A command is audited in the transaction that writes what it led to, and so are a
//! call that changes something at the service and its answer; what leads to no entry, refusals above all, is noted by itself.
//!
//! While the journal cannot be written, what is audited is held in memory like the entries, and marked when it is written.

use rules::api::{AuditOutcome, AuditPage, AuditRecord, Role};
use rules::journal::By;
use rules::{Fact, RecordingId};

use agora::Operation;

use crate::ports::{AppLine, AuditFilter, Batch, Line, StoreError};
use crate::{Now, Switchboard};

/// How many records are held in memory at most, besides those of entries that are held. What is beyond is counted.
const HELD_MAX: usize = 1_000;

/// Who asks for something, as the shell knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asking {
    /// The name; empty: nobody is signed in.
    pub who: String,
    /// The role.
    pub role: Option<Role>,
    /// The address.
    pub from: String,
    /// The public name of the sign-in.
    pub sign_in: String,
    /// What is asked for: method and route.
    pub action: String,
    /// About which App ID, as far as the request itself says it.
    pub app: Option<String>,
    /// About which recording, as far as the request itself says it.
    pub recording: Option<RecordingId>,
    /// What else tells it apart.
    pub about: String,
}

impl Asking {
    /// What came of it, as a record that has no number yet.
    pub fn record(self, outcome: AuditOutcome, now: agora::Timestamp) -> AuditRecord {
        let Self { who, role, from, sign_in, action, app, recording, about } = self;
        AuditRecord {
            number: 0,
            at: now,
            who,
            role,
            from,
            sign_in,
            action,
            app,
            recording,
            about,
            outcome,
            status: None,
            kind: String::new(),
            entry: None,
            more: 0,
            until: None,
            late: false,
            hash: String::new(),
        }
    }
}

/// What is being asked for just now, and whether it is audited by now.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    asking: Asking,
    written: bool,
}

/// What was audited and could not be written yet.
#[derive(Debug, Default)]
pub(crate) struct HeldAudit {
    records: Vec<AuditRecord>,
    /// How many there was no room for.
    lost: u64,
}

impl HeldAudit {
    pub(crate) const fn is_empty(&self) -> bool {
        self.records.is_empty() && self.lost == 0
    }

    /// What belongs to entries that are held, and is bounded as they are.
    pub(crate) fn with_entries(&mut self, records: &[AuditRecord]) {
        self.records.extend(records.iter().cloned().map(|record| AuditRecord { late: true, ..record }));
    }

    fn alone(&mut self, record: AuditRecord) {
        if self.records.len() < HELD_MAX {
            self.records.push(AuditRecord { late: true, ..record });
        } else {
            self.lost += 1 + record.more;
        }
    }

    /// All that is held, to be written; those that were lost are one record.
    pub(crate) fn to_write(&self, at: agora::Timestamp) -> Vec<AuditRecord> {
        let mut records = self.records.clone();
        if self.lost > 0 {
            let asking = Asking { action: "lost".to_owned(), ..Asking::default() };
            let record = asking.record(AuditOutcome::Refused, at);
            let about = "the journal could not be written, and there was no room for these in memory";
            records.push(AuditRecord { more: self.lost, about: about.to_owned(), late: true, ..record });
        }
        records
    }

    pub(crate) fn written(&mut self) {
        *self = Self::default();
    }
}

impl Switchboard {
    /// From now on everything that is written is what this asks for.
    pub fn asking(&mut self, asking: Option<Asking>) {
        self.asked = asking.map(|asking| Asked { asking, written: false });
    }

    /// Nothing is asked for any more. Gives back whether what was is audited, with what it led to.
    pub fn asked_for(&mut self) -> bool {
        self.asked.take().is_some_and(|asked| asked.written)
    }

    /// Who asks just now.
    pub(crate) fn who_asks(&self) -> Option<Asking> {
        self.asked.as_ref().map(|asked| asked.asking.clone())
    }

    /// Lets what is written meanwhile be what somebody else asked for earlier.
    pub(crate) fn asked_by<T>(&mut self, earlier: Option<Asking>, work: impl FnOnce(&mut Self) -> T) -> T {
        let earlier = earlier.map(|asking| Asked { asking, written: false });
        let before = std::mem::replace(&mut self.asked, earlier);
        let done = work(self);
        self.asked = before;
        done
    }

    /// What was asked for is audited.
    pub(crate) fn audited(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.written = true;
        }
    }

    /// What is audited of what is written together.
    pub(crate) fn audit_of(
        &self,
        lines: &[Line],
        app_lines: &[AppLine],
        at: agora::Timestamp,
    ) -> Vec<AuditRecord> {
        let mut records: Vec<AuditRecord> = lines.iter().filter_map(|line| self.call_record(line)).collect();
        let is_call = lines.iter().any(|line| matches!(line.entry.fact, Fact::CallSent(_)));
        if let Some(asked) = self.asked.as_ref().filter(|asked| !asked.written && !is_call) {
            let mut record = asked.asking.clone().record(AuditOutcome::Done, at);
            if let Some(line) = lines.first() {
                record.app = self.app_of(line).or(record.app);
                record.recording = Some(line.recording.clone());
                record.entry = Some(line.entry.number);
            } else if let Some(line) = app_lines.first() {
                record.app = Some(line.app.clone());
            }
            records.push(record);
        }
        records
    }

    /// What is audited of an entry about a call that changes something at the service.
    fn call_record(&self, line: &Line) -> Option<AuditRecord> {
        let by = |who: String| Asking { who, ..Asking::default() };
        let (asking, id, operation, outcome) = match &line.entry.fact {
            Fact::CallSent(sent) => {
                let name = match &line.entry.by {
                    By::Client { name, .. } | By::Staff(name) => name.clone(),
                    _ => String::new(),
                };
                let asking = self.who_asks().unwrap_or_else(|| by(name));
                (asking, &sent.id, sent.operation, AuditOutcome::Sent)
            }
            Fact::CallAnswered(answered) => {
                let operation = self.ledger.open.get(&answered.id)?.operation;
                (by("Agora".to_owned()), &answered.id, operation, AuditOutcome::Answered)
            }
            Fact::CallUnanswered(unanswered) => {
                let operation = self.ledger.open.get(&unanswered.id)?.operation;
                (Asking::default(), &unanswered.id, operation, AuditOutcome::Unanswered)
            }
            _ => return None,
        };
        if operation == Operation::Query {
            return None;
        }
        let asking = Asking { action: operation.to_string(), about: id.to_string(), ..asking };
        let mut record = asking.record(outcome, line.entry.at);
        record.app = self.app_of(line);
        record.recording = Some(line.recording.clone());
        record.entry = Some(line.entry.number);
        match &line.entry.fact {
            Fact::CallAnswered(answered) => {
                record.status = Some(answered.answer.status);
                record.kind = name_of(&answered.answer.class);
            }
            Fact::CallUnanswered(unanswered) => record.kind = name_of(&unanswered.cause),
            _ => {}
        }
        Some(record)
    }

    fn app_of(&self, line: &Line) -> Option<String> {
        match &line.entry.fact {
            Fact::Requested(requested) => Some(requested.app.clone()),
            _ => self.recording(&line.recording).map(|recording| recording.app.clone()),
        }
    }

    /// Audits what led to no entry: a refusal, an attempt, what only reads. It is never lost for a full disk, only late.
    pub fn audit(&mut self, records: Vec<AuditRecord>, now: Now) {
        let at = self.journal_now(now);
        let records: Vec<AuditRecord> = records
            .into_iter()
            .map(|record| {
                let known = record.recording.as_ref().and_then(|id| self.recording(id));
                let app = known.map(|recording| recording.app.clone()).or(record.app);
                // A name that no App ID has is nobody's.
                let app = app.filter(|app| self.windows.contains_key(app));
                AuditRecord { at, until: (record.more > 0).then_some(at), app, ..record }
            })
            .collect();
        if self.held.trouble().is_some() {
            self.try_store(now);
        }
        if self.held.trouble().is_none() {
            let batch = Batch { audit: records.clone(), ..Batch::default() };
            match self.store.append(&batch) {
                Ok(()) => {
                    self.held.worked(now);
                    return;
                }
                Err(error) => self.failed(error, now),
            }
        }
        records.into_iter().for_each(|record| self.held.audit.alone(record));
    }

    /// One page of the audit, newest first. What is held is not in it yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn audit_page(
        &mut self,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.store.audit_page(filter, before, limit)
    }
}

/// The name of a variant, as it is written.
fn name_of(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(object)) => {
            object.into_iter().next().map(|(name, _)| name).unwrap_or_default()
        }
        _ => String::new(),
    }
}
