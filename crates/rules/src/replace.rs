//! R: whether a session that is gone is replaced.
//!
//! Begins with a session that is lost, never started, or ended by itself while the recording is wanted. Ends with a new
//! start procedure (R1), or with a recording that waits for staff (R3, R5, M10).

use crate::findings::{Findings, View};
use crate::journal::{AlarmCause, DecisionKind, EndedHow, EntryNumber, WaitingFor};
use crate::notified::{TOKEN_EXPIRED, Told};
use crate::policy::seconds;
use crate::reason::Cause;
use crate::recording::{Because, Phase, Session, Side};
use crate::rule::RuleId;

/// Whether a session had a `sid` and does not record any more, without staff having ended it.
pub(crate) fn is_gone(session: &Session) -> bool {
    if session.sid.is_none() || session.stop_asked.is_some() {
        return false;
    }
    match session.phase {
        Phase::Lost | Phase::NotStarted => true,
        Phase::Over(how) => match how {
            EndedHow::Exited | EndedHow::Abnormal | EndedHow::NotFound | EndedHow::Notified => true,
            // Stopped because it had not started: its replacement is due all the same.
            EndedHow::Stopped => session.stop_due.is_some_and(|(_, rule)| rule == RuleId::V3),
        },
        Phase::Acquiring
        | Phase::Starting
        | Phase::Accepted
        | Phase::Live
        | Phase::Ending
        | Phase::TakenAsEnded
        | Phase::Abandoned => false,
    }
}

/// Whether a session stands in the way of a replacement: live, starting, unconfirmed, or in doubt.
pub(crate) fn stands_in_the_way(session: &Session) -> bool {
    match session.phase {
        Phase::Acquiring | Phase::Starting | Phase::Accepted | Phase::Live | Phase::Ending => true,
        Phase::Lost | Phase::NotStarted | Phase::TakenAsEnded | Phase::Over(_) | Phase::Abandoned => false,
    }
}

/// R1, R3, R5, M10: what follows from a session that is gone.
pub(crate) fn conclude(view: View<'_>, findings: &mut Findings) {
    for side in view.recording.sides() {
        conclude_side(view, side, findings);
    }
}

/// The same for one side of a pair, or for the only one: a pair is two sessions again as soon as may be (A2).
fn conclude_side(view: View<'_>, side: Side, findings: &mut Findings) {
    let recording = view.recording;
    let of_side = |session: &&Session| recording.side_of(session.uid) == side;
    let sessions = || recording.sessions.iter().filter(of_side);
    let busy = recording.procedure_of(side).is_some() || recording.waiting.is_some();
    if !recording.is_wanted() || busy || sessions().any(stands_in_the_way) {
        return;
    }
    let Some(gone) = sessions().rfind(|session| is_gone(session) && !session.replaced) else { return };
    let evidence = evidence_of(gone);
    let number = gone.number;
    let cause = Cause::IsLost(number);
    if recording.watched {
        findings.alarm(view, view.now, AlarmCause::Lost(number), RuleId::M3, &evidence);
        return;
    }
    let mut wait = |why, alarm, rule| {
        if recording.has_alarm(alarm) {
            findings.decide(DecisionKind::WaitForStaff(why), rule, &evidence, cause);
        } else {
            findings.decide(DecisionKind::Alarm(alarm), rule, &evidence, cause);
        }
    };
    if let Some(idle) = gone.idle_exit() {
        // R2: exempt from R3 and R5.
        let kind = if recording.policy.restart_after_idle {
            DecisionKind::Replace(number)
        } else {
            DecisionKind::WaitForStaff(WaitingFor::Idle)
        };
        let evidence: Vec<_> = evidence.iter().copied().chain([idle.entry]).collect();
        findings.decide(kind, RuleId::R2, &evidence, Cause::Notified);
        return;
    }
    if let Some(fatal) = fatal_error(view, gone) {
        // R5: not even once.
        let alarm = AlarmCause::Fatal(number);
        let kind = if recording.has_alarm(alarm) {
            DecisionKind::WaitForStaff(WaitingFor::Fatal)
        } else {
            DecisionKind::Alarm(alarm)
        };
        let evidence: Vec<_> = evidence.iter().copied().chain([fatal.entry]).collect();
        findings.decide(kind, RuleId::R5, &evidence, Cause::Notified);
        return;
    }
    if matches!(gone.because, Because::Replaces(_)) && !gone.recorded {
        wait(WaitingFor::FailedReplacement, AlarmCause::ReplacementFailed, RuleId::R5);
        return;
    }
    let policy = &recording.policy;
    let window = seconds(policy.replacement_window);
    let lately = recording.replacements.iter().filter(|at| view.now.since(**at) < window).count();
    if lately >= policy.replacements as usize {
        wait(WaitingFor::Replacements, AlarmCause::ReplacementsUsed, RuleId::R3);
        return;
    }
    let fell_due_unattended = recording.unattended.as_ref().is_some_and(|gap| {
        let long = gap.to.since(gap.from) > seconds(policy.unattended_start);
        long && gone.last_answer.is_none_or(|answer| answer.at < gap.to)
    });
    if fell_due_unattended {
        wait(WaitingFor::Unattended, AlarmCause::Unattended, RuleId::M10);
        return;
    }
    findings.decide(DecisionKind::Replace(number), RuleId::R1, &evidence, cause);
}

/// R5: the fatal error that a notification told before anything was recorded, if another session would meet it too.
fn fatal_error(view: View<'_>, session: &Session) -> Option<Told> {
    let fatal = session.heard.as_ref()?.fatal.filter(|_| !session.recorded)?;
    let mended = fatal.value == TOKEN_EXPIRED && view.board.facts().fresh_tokens;
    (!mended).then_some(fatal)
}

/// The entries that show the end of a session, as far as the fold keeps them.
fn evidence_of(session: &Session) -> Vec<EntryNumber> {
    let doubt = session.doubt.map(|doubt| doubt.newest);
    let ending = session.ending.map(|(_, entry)| entry);
    let good = session.last_good.map(|good| good.entry);
    doubt.or(ending).or(good).into_iter().collect()
}
