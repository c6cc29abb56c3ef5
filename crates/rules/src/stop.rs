//! T: a stop is an intention that is kept until it is proved.
//!
//! Begins with a press, or with a rule that wants a session stopped (V3, M4, T6). Ends with *stopped* (T2, M7) or *taken
//! as ended* (T3), and then in the hands of M11.

use core::time::Duration;

use agora::{Operation, Timestamp};

use crate::board::Board;
use crate::findings::{Findings, Plan, View, domain_for, reason_for, repeat_plan};
use crate::journal::{AlarmCause, DecisionKind, EndedHow, EntryNumber, SessionNumber};
use crate::line::Outcome;
use crate::next::{Call, call_of};
use crate::policy::{Policy, StopAnswers, seconds};
use crate::reason::{Cause, Then};
use crate::recording::{Doubt, Phase, Recording, Session};
use crate::rule::RuleId;
use crate::schedule::gap_after;

/// Whether this session is to be stopped, since when, and by which rule.
pub(crate) fn wanted(view: View<'_>, session: &Session) -> Option<(Timestamp, RuleId)> {
    let of_recording = view.recording.stop.as_ref().map(|stop| (stop.not_before, RuleId::T7));
    let of_session = session.stop_asked.map(|at| (at, RuleId::T7));
    [of_recording, of_session, session.stop_due].into_iter().flatten().min_by_key(|(at, _)| *at)
}

/// From when on a stop of this session may leave that was asked for, by staff or by a rule.
pub fn is_due_at(recording: &Recording, session: SessionNumber) -> Option<Timestamp> {
    let session = recording.session(session)?;
    let of_recording = recording.stop.as_ref().map(|stop| stop.not_before);
    let due = session.stop_due.map(|(at, _)| at);
    [of_recording, session.stop_asked, due].into_iter().flatten().min()
}

/// From when on a stop of this session may leave that staff asked for (T7). One that a rule wants before is sent by that
/// rule, and says so.
pub fn asked_for_at(recording: &Recording, session: SessionNumber) -> Option<Timestamp> {
    let session = recording.session(session)?;
    let of_recording = recording.stop.as_ref().map(|stop| stop.not_before);
    [of_recording, session.stop_asked].into_iter().flatten().min()
}

/// T1: whether a stop is to be answered before the upload is done.
pub(crate) fn is_asynchronous(view: View<'_>) -> bool {
    match view.recording.policy.stop_answers {
        StopAnswers::Automatic => view.board.is_notified(&view.recording.policy, view.now),
        StopAnswers::Asynchronous => true,
        StopAnswers::Synchronous => false,
    }
}

/// T6: control over the session has ended; no answer about it is evidence.
pub(crate) fn is_out_of_control(view: View<'_>, session: &Session) -> bool {
    session.control_ends(view.recording.control_hours).is_some_and(|end| view.now >= end)
}

/// The next stop of a session, if one is to be sent.
pub(crate) fn stop_plan(view: View<'_>, session: &Session) -> Option<Plan> {
    let (since, rule) = wanted(view, session)?;
    let line = &session.halt;
    let taken_as_ended = session.phase == Phase::TakenAsEnded;
    // D10: one call beside the query. A start may be out again when the answer to an earlier one came late.
    let lines = [&session.acquire, &session.start, &session.change, line];
    let busy = lines.iter().any(|line| line.open.is_some());
    if !session.is_watched() || taken_as_ended || busy || is_out_of_control(view, session) {
        return None;
    }
    if let Some(repeat) = repeat_plan(view, session, Operation::Stop) {
        return Some(repeat);
    }
    let plan = |at: Timestamp, rule, attempt, cause| Plan {
        at,
        session: session.number,
        operation: Operation::Stop,
        domain: domain_for(view, line, false),
        reason: crate::reason::Reason {
            evidence: if line.ended_entry == 0 { Vec::new() } else { vec![line.ended_entry] },
            ..reason_for(session.number, Operation::Stop, rule, attempt, cause, Then::GoesOn)
        },
    };
    let Some(outcome) = line.outcome.filter(|_| line.last_sent.is_some()) else {
        let cause = if rule == RuleId::T7 { Cause::Asked } else { Cause::Proceeds };
        return Some(plan(since, rule, (1, None), cause));
    };
    let policy = &view.recording.policy;
    let ended = line.ended?;
    let cause = Cause::After(outcome);
    let runs = session.last_good.filter(|good| good.status <= 5);
    match outcome {
        Outcome::Done => {
            let (accepted, _) = session.stop_accepted?;
            let again = accepted + seconds(policy.stop_again);
            let good = runs.filter(|good| good.asked >= again)?;
            Some(plan(good.at, RuleId::T4, (1, None), Cause::StopAccepted))
        }
        Outcome::NotFound => {
            // It came back: at once (T3).
            let good = runs.filter(|good| session.doubt.is_none() && good.at > ended)?;
            Some(plan(good.at, RuleId::T3, (1, None), cause))
        }
        Outcome::Refused | Outcome::NoRoute => {
            let gap = seconds(policy.refused_stop_gap);
            Some(plan(ended + gap, RuleId::T8, (line.tries, None), cause))
        }
        Outcome::ServerError
        | Outcome::GatewayError
        | Outcome::NotCompleted
        | Outcome::TimedOutInside
        | Outcome::Unreadable
        | Outcome::Unanswered { .. }
        | Outcome::PcwReached
        | Outcome::AlreadyStarted
        | Outcome::TaskConflict
        | Outcome::NoWorker
        | Outcome::ResourceExpired => {
            let quick = policy.stop_gaps.len();
            let gap = if line.tries as usize <= quick {
                gap_after(&policy.stop_gaps, line.tries)
            } else {
                policy.stop_slow_gap
            };
            Some(plan(ended + seconds(gap), RuleId::T4, (line.tries, None), cause))
        }
    }
}

/// T7: the calls that a press of stop leads to, if nothing else comes before it is due: of the whole recording, or of one
/// session. A page sends them along with the press, so that they leave although it is gone by then.
pub fn calls_of_press(
    recording: &Recording,
    board: &Board,
    session: Option<SessionNumber>,
    now: Timestamp,
) -> Vec<Call> {
    let mut asked = recording.clone();
    for of in &mut asked.sessions {
        if session.is_none_or(|number| number == of.number) {
            of.stop_asked = Some(now);
        }
    }
    let view = View { recording: &asked, board, now };
    let plans = asked.sessions.iter().filter(|of| session.is_none_or(|number| number == of.number));
    let plans = plans.filter_map(|of| stop_plan(view, of));
    plans.filter(|plan| plan.at <= now && plan.reason.rule == RuleId::T7).map(|plan| call_of(&plan)).collect()
}

/// T2: a stop was accepted, and a query sent after it finds nothing.
pub(crate) fn conclude_accepted(view: View<'_>, session: &Session, findings: &mut Findings) -> bool {
    conclude_alarms(view, session, findings);
    let Some(evidence) = proof(session) else { return false };
    let kind = DecisionKind::Ended { session: session.number, how: EndedHow::Stopped };
    findings.decide(kind, RuleId::T2, &evidence, Cause::StopAccepted);
    true
}

/// T2: the entries that prove an accepted stop, if they are there: the acceptance, and a 404 to a query sent after it.
fn proof(session: &Session) -> Option<[EntryNumber; 2]> {
    let ((at, entry), doubt) = session.stop_accepted.zip(session.doubt)?;
    let found_after = doubt.asked.is_some_and(|asked| asked >= at);
    found_after.then_some([entry, doubt.newest])
}

/// T3: a stop was answered 404, and so was a query at the end of the window.
pub(crate) fn conclude_not_found(view: View<'_>, session: &Session, doubt: &Doubt, findings: &mut Findings) {
    let answered_so = session.halt.outcome == Some(Outcome::NotFound);
    let window = seconds(view.recording.policy.doubt_window);
    let believed = doubt.asked.is_some_and(|asked| asked >= doubt.t0 + window);
    // One that is proved to be stopped needs no belief: a stop that was accepted may have been answered late (D8).
    if wanted(view, session).is_some() && answered_so && believed && proof(session).is_none() {
        let kind = DecisionKind::TakenAsEnded(session.number);
        let evidence = [doubt.first, doubt.newest, session.halt.ended_entry];
        findings.decide(kind, RuleId::T3, &evidence, Cause::NotFoundSince(doubt.t0));
    }
}

/// T4, T8: what staff are to see of a stop.
pub(crate) fn conclude_alarms(view: View<'_>, session: &Session, findings: &mut Findings) {
    let Some((since, _)) = wanted(view, session) else { return };
    if matches!(session.phase, Phase::TakenAsEnded | Phase::Over(_)) {
        return;
    }
    let policy = &view.recording.policy;
    let line = &session.halt;
    let evidence = match (line.ended_entry, &view.recording.stop) {
        (0, Some(stop)) => vec![stop.entry],
        (0, None) => Vec::new(),
        (entry, _) => vec![entry],
    };
    let number = session.number;
    if matches!(line.outcome, Some(Outcome::Refused | Outcome::NoRoute)) {
        findings.alarm(view, since, AlarmCause::StopRefused(number), RuleId::T8, &evidence);
    }
    let at = since + seconds(policy.stop_alarm);
    findings.alarm(view, at, AlarmCause::StopUnconfirmed(number), RuleId::T4, &evidence);
}

/// T6: when staff are told how much control is left, when it is an alarm, and when a wanted recording is changed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// From here on the time left is shown.
    pub shown: Timestamp,
    /// From here on it is an alarm.
    pub alarm: Timestamp,
    /// Here a wanted recording is changed over.
    pub changeover: Timestamp,
    /// Here it ends.
    pub ends: Timestamp,
}

/// T6: the instants of a session that was accepted.
pub fn control(policy: &Policy, session: &Session, control_hours: u16) -> Option<Control> {
    let accepted = session.accepted?;
    let ends = session.control_ends(control_hours)?;
    let whole = ends.since(accepted);
    let share = |percent: u32| accepted + whole * percent / 100;
    let reserve = seconds(policy.control_reserve);
    let changeover = if whole < reserve * 2 { accepted + whole / 2 } else { ends - reserve };
    Some(Control {
        shown: share(policy.control_shown_percent),
        alarm: share(policy.control_alarm_percent).min(changeover),
        changeover,
        ends,
    })
}

/// T6: what the nearing end of control asks for.
pub(crate) fn conclude_control(view: View<'_>, session: &Session, findings: &mut Findings) {
    let recording = view.recording;
    let runs = matches!(session.phase, Phase::Accepted | Phase::Live | Phase::Ending);
    let Some(control) = control(&recording.policy, session, recording.control_hours).filter(|_| runs) else {
        return;
    };
    let evidence: Vec<_> = session.last_answer.map(|answer| answer.entry).into_iter().collect();
    let number = session.number;
    findings.alarm(view, control.alarm, AlarmCause::ControlEnding(number), RuleId::T6, &evidence);
    findings.alarm(view, control.ends, AlarmCause::OutOfControl(number), RuleId::T6, &evidence);
    let to_change = recording.policy.changeover
        && recording.is_wanted()
        && !recording.watched
        && session.phase == Phase::Live
        && !session.replaced
        && wanted(view, session).is_none()
        && recording.procedure_of(recording.side_of(session.uid)).is_none()
        && recording.waiting.is_none();
    if to_change && view.now < control.ends {
        if view.now >= control.changeover {
            findings.decide(DecisionKind::Replace(number), RuleId::T6, &evidence, Cause::Proceeds);
        } else {
            findings.looks.push(control.changeover);
        }
    }
}

/// D8: how long a stop is waited for.
pub(crate) fn answer_wait(view: View<'_>) -> Duration {
    let policy = &view.recording.policy;
    if is_asynchronous(view) { seconds(policy.answer_wait) } else { seconds(policy.slow_answer_wait) }
}
