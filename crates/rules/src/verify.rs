//! V: whether a session that was accepted records.
//!
//! Begins with a `sid`. Ends with *confirmed* (V2), *not started* (V3), or in the hands of `monitor`, where the session
//! answered before it was confirmed.

use agora::{Mode, Timestamp};

use crate::findings::{Findings, View};
use crate::journal::{AlarmCause, DecisionKind};
use crate::policy::{Policy, seconds};
use crate::reason::Cause;
use crate::recording::{Because, Phase, Recording, Session};
use crate::rule::RuleId;
use crate::schedule::{Instant, next_of_list};

/// V1: the instants after the `sid`, with what a short `maxIdleTime` adds.
pub(crate) fn instants(recording: &Recording) -> Vec<u32> {
    let policy = &recording.policy;
    let shortest = policy.verify_shortest_gap.max(1);
    let idle_gap = recording.max_idle_time.saturating_mul(policy.idle_share_percent) / 100;
    let longest = if recording.mode == Mode::Web { u32::MAX } else { idle_gap.max(shortest) };
    let mut instants = Vec::new();
    let mut last: Option<u32> = None;
    for instant in policy.verify_instants {
        if let Some(last) = last {
            let gap = instant.saturating_sub(last);
            let parts = gap.div_ceil(longest).min((gap / shortest).max(1));
            instants.extend((1..parts).map(|part| last + gap * part / parts));
        }
        instants.push(instant);
        last = Some(instant);
    }
    instants
}

/// V3: the moment from which a verdict can be sent for.
pub(crate) fn verdict_at(policy: &Policy, session: &Session) -> Option<Timestamp> {
    let last = policy.verify_instants.last().copied().unwrap_or(0);
    session.accepted.map(|accepted| accepted + seconds(last))
}

/// V3: nobody asked in time, or it ran before it was watched: the first answer is judged as one of a live session.
pub(crate) fn is_judged_as_live(policy: &Policy, session: &Session) -> bool {
    let late = match (session.first_asked, verdict_at(policy, session)) {
        (Some(asked), Some(verdict)) => asked >= verdict,
        _ => false,
    };
    late || session.last_good.is_some()
}

/// V1, V2: the next instant of the verification, while it goes on.
pub(crate) fn next_instant(view: View<'_>, session: &Session) -> Option<Instant> {
    let accepted = session.accepted?;
    let policy = &view.recording.policy;
    let line = &session.query;
    if session.is_adopted() {
        let unproved = line.last_sent.is_none();
        return unproved.then_some(Instant { at: accepted, number: 1 });
    }
    match session.phase {
        Phase::Accepted => next_of_list(accepted, &instants(view.recording), line.last_sent, line.ended),
        Phase::Live => {
            let settled = session.recorded || (view.recording.mode == Mode::Web && session.good_answers > 1);
            let instant = next_of_list(accepted, &instants(view.recording), line.last_sent, line.ended)?;
            let over = verdict_at(policy, session).is_some_and(|verdict| view.now >= verdict);
            (!settled && !over).then_some(instant)
        }
        Phase::Acquiring
        | Phase::Starting
        | Phase::Ending
        | Phase::Lost
        | Phase::NotStarted
        | Phase::TakenAsEnded
        | Phase::Over(_)
        | Phase::Abandoned => None,
    }
}

/// V4: whether the registration of this session is waited for: the policy says so, and it is not one that was begun
/// because of a missing one.
fn awaits_registration(view: View<'_>, session: &Session) -> Option<Timestamp> {
    let policy = &view.recording.policy;
    let recording = view.recording;
    let asked_for = policy.started_notification
        && recording.is_wanted()
        && !session.is_adopted()
        && !session.replaced
        && !matches!(session.because, Because::Doubles(_))
        && matches!(session.phase, Phase::Accepted | Phase::Live)
        && crate::stop::wanted(view, session).is_none();
    let within = seconds(policy.registered_within);
    let late = crate::notified::registered_after(session).is_none_or(|after| after > within);
    let due = session.accepted? + within;
    (asked_for && late).then_some(due)
}

/// V4: the instant of the query that a missing 13 asks for.
pub(crate) fn registration_query_at(view: View<'_>, session: &Session) -> Option<Timestamp> {
    let due = awaits_registration(view, session)?;
    let asked = session.query.last_sent.is_some_and(|sent| sent >= due);
    let timely = verdict_at(&view.recording.policy, session).is_some_and(|verdict| view.now < verdict);
    (!asked && timely && session.doubt.is_none()).then_some(due)
}

/// V4: no 13 came, and the session answers: a second one is begun, and this one is stopped when that is confirmed.
pub(crate) fn conclude_registration(view: View<'_>, session: &Session, findings: &mut Findings) {
    let Some(due) = awaits_registration(view, session) else { return };
    let recording = view.recording;
    let busy = recording.procedure_of(recording.side_of(session.uid)).is_some()
        || recording.waiting.is_some()
        || recording.watched;
    // A session that has run for long is not doubled because somebody switched this on.
    let verdict = verdict_at(&recording.policy, session);
    let timely = |asked| asked >= due && verdict.is_some_and(|verdict| asked < verdict);
    let good = session.last_good.filter(|good| good.status <= 5 && timely(good.asked));
    let Some(good) = good.filter(|_| !busy && session.doubt.is_none()) else { return };
    let kind = DecisionKind::Replace(session.number);
    findings.decide(kind, RuleId::V4, &[good.entry], Cause::Verifying);
}

/// V2, V3: what the answers so far prove; true if that is a verdict.
pub(crate) fn conclude(view: View<'_>, session: &Session, findings: &mut Findings) -> bool {
    if session.phase != Phase::Accepted {
        return false;
    }
    let policy = &view.recording.policy;
    if let Some(good) = session.last_good.filter(|good| matches!(good.status, 4 | 5)) {
        findings.decide(DecisionKind::Confirmed(session.number), RuleId::V2, &[good.entry], Cause::Verifying);
        return true;
    }
    let Some(verdict) = verdict_at(policy, session) else { return false };
    let stopping = session.stop_accepted.is_some() || crate::stop::wanted(view, session).is_some();
    let judged = !stopping && !session.is_adopted();
    let never_good = session.last_good.is_none();
    let asked_in_time = session.first_asked.is_some_and(|asked| asked < verdict);
    let absent = session.doubt.filter(|_| judged && never_good && asked_in_time);
    if let Some(doubt) = absent.filter(|doubt| doubt.asked.is_some_and(|asked| asked >= verdict)) {
        let kind = DecisionKind::NotStarted { session: session.number, alive: false };
        findings.decide(kind, RuleId::V3, &[doubt.newest], Cause::NotFoundSince(doubt.t0));
        return true;
    }
    let still_preparing = session
        .last_good
        .filter(|good| judged && asked_in_time && good.status <= 3 && session.doubt.is_none());
    if let Some(good) = still_preparing.filter(|good| good.asked >= verdict) {
        let kind = DecisionKind::NotStarted { session: session.number, alive: true };
        findings.decide(kind, RuleId::V3, &[good.entry], Cause::Verifying);
        return true;
    }
    false
}

/// V3: accepted and not confirmed for long is an alarm, whoever attends and whatever is answered.
pub(crate) fn conclude_unconfirmed(view: View<'_>, session: &Session, findings: &mut Findings) {
    let Some(accepted) = session.accepted.filter(|_| session.phase == Phase::Accepted) else { return };
    let at = accepted + seconds(view.recording.policy.unconfirmed_alarm);
    let cause = AlarmCause::Unconfirmed(session.number);
    let evidence: Vec<_> = session.last_answer.map(|answer| answer.entry).into_iter().collect();
    findings.alarm(view, at, cause, RuleId::V3, &evidence);
}
