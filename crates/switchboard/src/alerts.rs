//! Which entries somebody outside is to be told of, by step: a first try that fails is nobody's matter.
//!
//! The journal is the list of what is to be told, and how far a target was told is one number that is kept beside it
//! ([`Store::put_alerted`](crate::ports::Store::put_alerted)): nothing is forgotten by a restart, and nothing told twice for
//! any other reason than that the target's answer was lost.

use agora::Timestamp;
use rules::journal::{AlarmCause, DecisionKind, SessionNumber, WaitingFor};
use rules::{EntryNumber, Fact, RecordingId, RuleId};
use serde::Serialize;

use crate::Switchboard;
use crate::ports::StoreError;

/// How many entries are looked through at once.
const LOOKED_THROUGH: usize = 500;

/// How far a recording is on the way to needing someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It answers again after a doubt (M4).
    Recovered,
    /// A 404: a failover may be running (M2).
    Failover,
    /// The last of several tries leaves.
    LastTry,
    /// The rules are at their end: a person is needed.
    Needed,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Recovered, Self::Failover, Self::LastTry, Self::Needed];

    /// Its name in the configuration and in what is posted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Failover => "failover",
            Self::LastTry => "last_try",
            Self::Needed => "needed",
        }
    }

    /// The step that an entry takes, if it takes one.
    pub fn of(fact: &Fact) -> Option<Self> {
        match fact {
            Fact::CallSent(sent) => (sent.attempt.number > 1 && sent.attempt.of == Some(sent.attempt.number))
                .then_some(Self::LastTry),
            Fact::Decided(decision) => match decision.kind {
                DecisionKind::InDoubt(_) => Some(Self::Failover),
                DecisionKind::Recovered(_) => Some(Self::Recovered),
                // All other waits have an alarm beside them.
                DecisionKind::Alarm(_) | DecisionKind::WaitForStaff(WaitingFor::Idle) => Some(Self::Needed),
                _ => None,
            },
            _ => None,
        }
    }
}

/// One thing to tell. Posted as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// The same whenever the same is told again: `{recording}:{entry}`.
    pub id: String,
    /// The board number of its entry.
    #[serde(skip)]
    pub board: u64,
    /// The step.
    pub step: Step,
    /// When, by the journal's time.
    pub at: Timestamp,
    /// What, as a sentence for people.
    pub title: String,
    /// The App ID's name.
    pub app: String,
    /// The channel.
    pub channel: String,
    /// The recording.
    pub recording: RecordingId,
    /// The entry.
    pub entry: EntryNumber,
    /// The session that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionNumber>,
    /// The rule.
    pub rule: RuleId,
    /// What an alarm is about, as the journal names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<AlarmCause>,
}

impl Switchboard {
    /// What is to be told after this board number, and up to which number that is all. Only what is durable is told.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn alerts_after(&mut self, after: u64) -> Result<(Vec<Alert>, u64), StoreError> {
        if self.newest_written() <= after {
            return Ok((Vec::new(), after));
        }
        let lines = self.store.lines_after(after, LOOKED_THROUGH)?;
        let upto = lines.last().map_or(after, |line| line.entry.board);
        let mut alerts = Vec::new();
        for line in lines {
            let Some(step) = Step::of(&line.entry.fact) else { continue };
            let Some(recording) = self.recording(&line.recording) else { continue };
            let channel = recording.channel.to_string();
            let (title, rule, session, cause) = match &line.entry.fact {
                Fact::Decided(decision) => {
                    let cause = match decision.kind {
                        DecisionKind::Alarm(cause) => Some(cause),
                        _ => None,
                    };
                    (title_of(&decision.kind), decision.rule, decision.kind.session(), cause)
                }
                Fact::CallSent(sent) => ("the last try leaves", sent.rule, Some(sent.session), None),
                _ => continue,
            };
            alerts.push(Alert {
                id: format!("{}:{}", line.recording, line.entry.number),
                board: line.entry.board,
                step,
                at: line.entry.at,
                title: format!("{channel}: {title}."),
                app: recording.app.clone(),
                channel,
                recording: line.recording,
                entry: line.entry.number,
                session,
                rule,
                cause,
            });
        }
        Ok((alerts, upto))
    }

    /// Up to which board number a target was told; for one that was never told anything, the newest, so that what was
    /// long ago is not told.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn alerted(&mut self, target: &str) -> Result<u64, StoreError> {
        match self.store.alerted(target)? {
            Some(board) => Ok(board),
            None => Ok(self.newest_written()),
        }
    }

    /// A target was told everything up to this board number.
    ///
    /// # Errors
    /// When it cannot be written: then the last may be told again after a restart.
    pub fn put_alerted(&mut self, target: &str, board: u64) -> Result<(), StoreError> {
        self.in_order()?;
        self.store.put_alerted(target, board)
    }
}

const fn title_of(kind: &DecisionKind) -> &'static str {
    match kind {
        DecisionKind::InDoubt(_) => "not found, so a failover may be running",
        DecisionKind::Recovered(_) => "it answers again",
        DecisionKind::WaitForStaff(_) => "it waits for staff",
        DecisionKind::Alarm(cause) => match cause {
            AlarmCause::StartFailing => "both UIDs failed to start",
            AlarmCause::StartRefused => "the start is refused",
            AlarmCause::AcquireFailing => "no resource ID can be had",
            AlarmCause::UidsInUse => "every UID is in use",
            AlarmCause::Unconfirmed(_) => "accepted, and not confirmed in time",
            AlarmCause::Unclear(_) => "no clear answer for long",
            AlarmCause::Configuration(_) => "the service refuses our own calls",
            AlarmCause::Ending(_) => "ending for long",
            AlarmCause::Twins(_) => "two sessions run and are billed",
            AlarmCause::Lost(_) => "a session is lost",
            AlarmCause::ReplacementsUsed => "the replacements are used up",
            AlarmCause::ReplacementFailed => "a replacement did not record",
            AlarmCause::StopUnconfirmed(_) => "a stop is not confirmed",
            AlarmCause::StopRefused(_) => "a stop is refused",
            AlarmCause::ControlEnding(_) => "control over a session ends soon",
            AlarmCause::OutOfControl(_) => "control over a session has ended",
            AlarmCause::Unattended => "a start fell due while nobody was here",
            AlarmCause::NotApplied(_) => "a change is not applied",
            AlarmCause::Fatal(_) => "a fatal error before anything was recorded",
        },
        _ => "something happened",
    }
}
