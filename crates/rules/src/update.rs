//! U: a change that staff ask for reaches every session, once.
//!
//! Begins with a request for another layout, subscription, hold, stream or set of credentials. Ends, for each session,
//! with the service's 200, or with a word to staff that it is not applied (U1). A session that begins meanwhile carries
//! what was applied in its `start` (R1), and is sent what was not.

use agora::{AnswerClass, Operation, Timestamp};
use from_json::FromJson;
use serde::{Deserialize, Serialize};

use crate::few::sort_few;
use crate::findings::{Findings, Plan, View, domain_for, reason_for, repeat_plan};
use crate::journal::{AlarmCause, DecisionKind, Entry, EntryNumber, SessionNumber, UpdateRequested};
use crate::line::{Outcome, is_zero};
use crate::policy::seconds;
use crate::reason::{Cause, Reason, Then};
use crate::recording::{Phase, Recording, Session, not_found, pass_alarms};
use crate::rule::RuleId;
use crate::schedule::gap_after;
use crate::stop;

/// How many changes are kept at a time; the proxy refuses further ones, and of journals that hold more the oldest give
/// way.
pub const CHANGES_MAX: usize = 8;

/// A change touches the layout.
pub(crate) const LAYOUT: u8 = 1;
const AUDIO: u8 = 2;
const VIDEO: u8 = 4;
const HOLD: u8 = 8;
const STREAM: u8 = 16;
const CREDENTIALS: u8 = 32;

/// A change that staff asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Change {
    /// The entry that asks for it, and holds it.
    pub entry: EntryNumber,
    /// When.
    pub at: Timestamp,
    /// What it touches, one bit each.
    pub touches: u8,
}

impl Change {
    /// The operation that carries it out.
    pub const fn operation(&self) -> Operation {
        if self.touches == LAYOUT { Operation::UpdateLayout } else { Operation::Update }
    }

    /// U1: whether it is sent until it is applied.
    const fn is_credentials(&self) -> bool {
        self.touches & CREDENTIALS != 0
    }
}

/// Which entries hold what was last applied, part by part; 0 where the request itself does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(default)]
pub struct Applied {
    /// The layout: a `LayoutRequested`.
    #[serde(skip_serializing_if = "is_zero")]
    pub layout: EntryNumber,
    /// Whose audio: an `UpdateRequested`, as are those below.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio: EntryNumber,
    /// Whose video.
    #[serde(skip_serializing_if = "is_zero")]
    pub video: EntryNumber,
    /// Web mode: whether it is on hold.
    #[serde(skip_serializing_if = "is_zero")]
    pub hold: EntryNumber,
    /// Web mode: where it is streamed to.
    #[serde(skip_serializing_if = "is_zero")]
    pub stream: EntryNumber,
    /// The storage profile.
    #[serde(skip_serializing_if = "is_zero")]
    pub storage: EntryNumber,
}

impl Applied {
    /// Whether everything is as it was asked for at first.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> Vec<EntryNumber> {
        let parts = [self.layout, self.audio, self.video, self.hold, self.stream, self.storage];
        let mut entries: Vec<EntryNumber> = parts.into_iter().filter(|entry| *entry > 0).collect();
        sort_few(&mut entries, |entry| *entry);
        entries.dedup();
        entries
    }

    fn take(&mut self, change: Change) {
        let parts = [
            (LAYOUT, &mut self.layout),
            (AUDIO, &mut self.audio),
            (VIDEO, &mut self.video),
            (HOLD, &mut self.hold),
            (STREAM, &mut self.stream),
            (CREDENTIALS, &mut self.storage),
        ];
        for (bit, part) in parts {
            if change.touches & bit != 0 {
                *part = change.entry.max(*part);
            }
        }
    }
}

/// What an `update` touches.
pub(crate) const fn touched(asked: &UpdateRequested) -> u8 {
    let settings = &asked.settings;
    let mut touches = 0;
    if settings.subscribe_audio_uids.is_some() {
        touches |= AUDIO;
    }
    if settings.subscribe_video_uids.is_some() {
        touches |= VIDEO;
    }
    if settings.onhold.is_some() {
        touches |= HOLD;
    }
    if settings.rtmp_url.is_some() {
        touches |= STREAM;
    }
    if asked.storage.is_some() {
        touches |= CREDENTIALS;
    }
    touches
}

/// Staff asked for a change.
pub(crate) fn fold_asked(recording: &mut Recording, touches: u8, entry: &Entry) {
    if touches == 0 {
        return;
    }
    if touches == LAYOUT {
        // U2: a layout replaces the whole, so an older one that nobody has sent yet is of no use any more.
        let sessions = &recording.sessions;
        let sent = |change: &Change| sessions.iter().any(|session| session.changing == change.entry);
        recording.changes.retain(|change| change.touches != LAYOUT || sent(change));
    }
    if recording.changes.len() >= CHANGES_MAX {
        recording.changes.remove(0);
    }
    recording.changes.push(Change { entry: entry.number, at: entry.at, touches });
}

/// An update leaves: it is the next one of its session.
pub(crate) fn fold_sent(recording: &mut Recording, number: SessionNumber) {
    let next = recording.session(number).and_then(|session| next_of(recording, session));
    if let (Some(change), Some(session)) = (next, recording.session_mut(number))
        && session.changing != change.entry
    {
        session.change.restart();
        session.changing = change.entry;
    }
}

/// An answer to an update.
pub(crate) fn fold_answered(
    recording: &mut Recording,
    number: SessionNumber,
    class: &AnswerClass,
    entry: &Entry,
) {
    let Some(session) = recording.session_mut(number) else { return };
    match class {
        AnswerClass::Updated => {
            let done = session.changing;
            session.changed = session.changed.max(done);
            session.change.restart();
            let change = recording.changes.iter().copied().find(|change| change.entry == done);
            if let Some(change) = change {
                recording.applied.take(change);
            }
            pass_alarms(recording, |cause| cause == AlarmCause::NotApplied(number));
        }
        AnswerClass::ServiceNotFound => {
            // The gaps of U1 begin anew when it has come back.
            session.change.tries = 0;
            not_found(session, None, entry);
        }
        _ => {}
    }
}

/// Forgets the changes that no session lacks any more, and all of them when a stop was asked for.
pub(crate) fn settle(recording: &mut Recording) {
    if recording.changes.is_empty() {
        return;
    }
    if recording.stop.is_some() {
        recording.changes.clear();
        return;
    }
    let sessions = &recording.sessions;
    recording.changes.retain(|change| {
        let lacks = |session: &Session| session.changed < change.entry && may_take(session);
        let has = |session: &Session| session.changed >= change.entry;
        sessions.iter().any(lacks) || !sessions.iter().any(has)
    });
}

/// Whether a change may still reach this session.
const fn may_take(session: &Session) -> bool {
    match session.phase {
        Phase::Acquiring | Phase::Starting | Phase::Accepted | Phase::Live | Phase::Lost => {
            session.stop_asked.is_none() && session.stop_due.is_none() && !session.dismissed
        }
        Phase::Ending | Phase::NotStarted | Phase::TakenAsEnded | Phase::Over(_) | Phase::Abandoned => false,
    }
}

fn next_of(recording: &Recording, session: &Session) -> Option<Change> {
    recording.changes.iter().copied().find(|change| change.entry > session.changed)
}

/// The change that this session lacks and can be sent, when it is live.
pub(crate) fn to_apply(view: View<'_>, session: &Session) -> Option<Change> {
    let live = session.phase == Phase::Live
        && session.is_watched()
        && stop::wanted(view, session).is_none()
        && !stop::is_out_of_control(view, session);
    if live { next_of(view.recording, session) } else { None }
}

/// The `CallSent` whose body the next one must equal: the same change was sent before.
pub(crate) const fn repeats(session: &Session, change: Change) -> Option<EntryNumber> {
    let again = session.changing == change.entry && session.change.sent_entry > 0;
    // Credentials are read anew each time: that they changed is what they are sent for.
    if again && !change.is_credentials() { Some(session.change.sent_entry) } else { None }
}

/// U1: the next update of a session.
pub(crate) fn look(view: View<'_>, session: &Session, findings: &mut Findings) {
    let Some(change) = to_apply(view, session) else { return };
    let line = &session.change;
    let busy = [&session.acquire, &session.start, &session.halt, line].iter().any(|line| line.open.is_some());
    if busy || session.doubt.is_some() {
        return;
    }
    let operation = change.operation();
    let number = session.number;
    let rule = if operation == Operation::UpdateLayout { RuleId::U2 } else { RuleId::U1 };
    let plan = |at: Timestamp, rule, attempt, cause, then| Plan {
        at,
        session: number,
        operation,
        domain: domain_for(view, line, false),
        reason: Reason {
            evidence: vec![change.entry],
            ..reason_for(number, operation, rule, attempt, cause, then)
        },
    };
    let (Some(outcome), Some(ended), true) = (line.outcome, line.ended, session.changing == change.entry)
    else {
        if session.changing == change.entry
            && let Some(mut repeat) = repeat_plan(view, session, operation)
        {
            repeat.operation = operation;
            findings.plan(repeat);
            return;
        }
        findings.plan(plan(change.at, rule, (1, None), Cause::Asked, Then::GoesOn));
        return;
    };
    if let Some(repeat) = repeat_plan(view, session, operation) {
        findings.plan(repeat);
        return;
    }
    let policy = &view.recording.policy;
    let quick = policy.update_gaps.len();
    let of = u32::try_from(quick + 1).ok();
    let cause = Cause::After(outcome);
    if outcome == Outcome::NotFound {
        // It came back: at once (T3).
        if let Some(good) = session.last_good.filter(|good| good.status <= 5 && good.at > ended) {
            findings.plan(plan(good.at, RuleId::U1, (1, None), cause, Then::GoesOn));
        }
        return;
    }
    let refused = matches!(outcome, Outcome::Refused | Outcome::NoRoute);
    if !refused && line.tries as usize <= quick {
        let at = ended + seconds(gap_after(&policy.update_gaps, line.tries));
        findings.plan(plan(at, RuleId::U1, (line.tries + 1, of), cause, Then::WaitsForStaff));
        return;
    }
    let evidence = [change.entry, line.ended_entry];
    if change.is_credentials() {
        findings.alarm(view, ended, AlarmCause::NotApplied(number), RuleId::U1, &evidence);
        let at = ended + seconds(policy.credentials_gap);
        findings.plan(plan(at, RuleId::U1, (line.tries + 1, None), cause, Then::GoesOn));
        return;
    }
    let kind = DecisionKind::NotApplied { session: number, change: change.entry };
    findings.decide(kind, RuleId::U1, &evidence, cause);
}
