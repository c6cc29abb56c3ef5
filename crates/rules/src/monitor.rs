//! M: whether a session still records, and what a 404 means.
//!
//! Works on every session with a `sid` until its end is certain. A 404 is a doubt (M2), which ends with a good answer
//! (M4) or with a verdict (M3); what is lost is asked after for ten minutes more (M11).

use core::time::Duration;

use agora::{Mode, Operation, Timestamp};

use crate::findings::{Findings, Plan, View, domain_for, reason_for, repeat_plan};
use crate::journal::{AlarmCause, DecisionKind, EndedHow, SessionNumber};
use crate::line::Outcome;
use crate::policy::{Patience, Policy, seconds};
use crate::reason::{Cause, Reason, Then};
use crate::recording::{Doubt, Phase, Recording, Session, Side};
use crate::rule::RuleId;
use crate::schedule::{gap_after, next_of_list, next_of_rhythm};
use crate::{files, notified, stop, verify};

/// M1: the interval between routine queries of this session, when the board holds `watched` sessions.
pub(crate) fn interval(recording: &Recording, session: &Session, qps: u32, watched: usize) -> Duration {
    let policy = &recording.policy;
    let idle = seconds(recording.max_idle_time) * policy.idle_share_percent / 100;
    let wanted = seconds(policy.monitor_interval);
    let short = if recording.mode == Mode::Web { wanted } else { wanted.min(idle) };
    let base = short.max(seconds(policy.monitor_shortest));
    let moved = base * jitter_permille(recording, session, policy) / 1000;
    let routine_share = u128::from(qps.max(1)) * u128::from(policy.monitor_budget_percent.max(1));
    let stretched = watched as u128 * 100_000 / routine_share;
    moved.max(Duration::from_millis(u64::try_from(stretched).unwrap_or(u64::MAX)))
}

/// M1: a hash of the session, never a random number: 1000 ± the policy's share, in thousandths.
fn jitter_permille(recording: &Recording, session: &Session, policy: &Policy) -> u32 {
    // FNV-1a, which is the same on every machine.
    let mut hash: u32 = 0x811C_9DC5;
    let name = session.sid.as_ref().map_or(recording.id.as_str(), agora::Sid::as_str);
    for byte in name.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let reach = policy.monitor_jitter_percent.min(100) * 10;
    1000 - reach + hash % (2 * reach + 1)
}

/// M10: the interval that was due when somebody last acted, at `from`: until the earliest query of a session.
pub(crate) fn interval_due(recording: &Recording, from: Timestamp) -> Option<Duration> {
    let board = crate::board::Board::default();
    // What staff wanted at once they wanted later: it was not due then.
    let calm = recording.hurried.map(|_| Recording { hurried: None, ..recording.clone() });
    let recording = calm.as_ref().unwrap_or(recording);
    let view = View { recording, board: &board, now: from };
    let due = recording
        .sessions
        .iter()
        .filter(|session| session.is_watched())
        .filter_map(|session| {
            // One that may record was due within its interval, whatever came meanwhile that moves its next query.
            let records = matches!(session.phase, Phase::Accepted | Phase::Live | Phase::Ending)
                && !stop::is_out_of_control(view, session);
            let routine = records.then(|| from + interval(recording, session, 1, 0));
            let planned = query_plan(view, session).map(|plan| plan.at);
            [routine, planned].into_iter().flatten().min()
        })
        .min();
    let starts = recording.is_starting().then(|| from + seconds(recording.policy.monitor_shortest));
    [due, starts].into_iter().flatten().min().map(|at| at.since(from).max(Duration::from_secs(1)))
}

/// The next query of a session, if one is to be sent.
pub(crate) fn query_plan(view: View<'_>, session: &Session) -> Option<Plan> {
    let line = &session.query;
    if !session.is_watched() || line.open.is_some() || stop::is_out_of_control(view, session) {
        return None;
    }
    let plan = |at: Timestamp, rule, attempt, cause, then, routine| Plan {
        at,
        session: session.number,
        operation: Operation::Query,
        domain: domain_for(view, line, routine),
        reason: reason_for(session.number, Operation::Query, rule, attempt, cause, then),
    };
    // What was wanted before there was a `sid` was not about this session: V1 says when it is asked first.
    let known_at = |instant: Timestamp| session.accepted.is_some_and(|accepted| accepted <= instant);
    let asked_since = |instant: Timestamp| line.last_sent.is_some_and(|sent| sent >= instant);
    if let Some(hurried) =
        view.recording.hurried.filter(|hurried| known_at(*hurried) && !asked_since(*hurried))
    {
        return Some(plan(hurried, RuleId::M1, (1, None), Cause::Asked, Then::GoesOn, false));
    }
    if let Some(gap) =
        view.recording.unattended.as_ref().filter(|gap| known_at(gap.to) && !asked_since(gap.to))
    {
        let cause = Cause::WasUnattended;
        return Some(plan(gap.to, RuleId::M10, (1, Some(1)), cause, Then::GoesOn, false));
    }
    if let Some(repeat) = repeat_plan(view, session, Operation::Query) {
        return Some(repeat);
    }
    let mut next = scheduled_plan(view, session, &plan);
    let mut earlier = |other: Option<Plan>| {
        if let Some(other) = other
            && next.as_ref().is_none_or(|next| other.at < next.at)
        {
            next = Some(other);
        }
    };
    earlier(notified::query_at(view, session).map(|(at, entry)| {
        let mut plan = plan(at, RuleId::M9, (1, Some(1)), Cause::Notified, Then::GoesOn, true);
        plan.reason.evidence.push(entry);
        plan
    }));
    earlier(
        verify::registration_query_at(view, session)
            .map(|at| plan(at, RuleId::V4, (1, Some(1)), Cause::Verifying, Then::GoesOn, false)),
    );
    earlier(files::query_instant(view, session).map(|instant| {
        plan(instant.at, RuleId::L1, (instant.number, Some(2)), Cause::Proceeds, Then::GoesOn, true)
    }));
    next
}

/// The next query by the schedules of V, M, M11 and T alone.
fn scheduled_plan(
    view: View<'_>,
    session: &Session,
    plan: &impl Fn(Timestamp, RuleId, (u32, Option<u32>), Cause, Then, bool) -> Plan,
) -> Option<Plan> {
    let line = &session.query;
    let policy = &view.recording.policy;
    let asked_since = |instant: Timestamp| line.last_sent.is_some_and(|sent| sent >= instant);
    if let Some((zero, _)) = session.stop_accepted
        && !is_in_doubt_after_stop(session)
        && !matches!(session.phase, Phase::Lost | Phase::NotStarted | Phase::TakenAsEnded)
    {
        let first = zero + seconds(policy.stopped_first);
        let instant = if line.ended.is_none_or(|ended| ended < first) && !asked_since(first) {
            (first, 1)
        } else {
            let rhythm = next_of_rhythm(first, policy.stopped_interval, line.ended);
            (rhythm.at, rhythm.number.saturating_add(1))
        };
        let attempt = (instant.1, None);
        return Some(plan(instant.0, RuleId::T2, attempt, Cause::StopAccepted, Then::GoesOn, false));
    }
    let watched_after = matches!(session.phase, Phase::Lost | Phase::NotStarted | Phase::TakenAsEnded);
    if let Some(doubt) = session.doubt.filter(|_| watched_after || counts_as_doubt(view, session)) {
        return Some(doubt_plan(view, session, &doubt, &plan));
    }
    if let Some(instant) = verify::next_instant(view, session) {
        let of = u32::try_from(verify::instants(view.recording).len()).ok();
        let mut plan =
            plan(instant.at, RuleId::V1, (instant.number, of), Cause::Verifying, Then::NotStarted, false);
        if let Some(accepted) = session.accepted {
            let instants = verify::instants(view.recording);
            plan.reason.later = instants
                .iter()
                .map(|offset| accepted + seconds(*offset))
                .filter(|later| *later > instant.at)
                .take(4)
                .collect();
        }
        return Some(plan);
    }
    let ended = line.ended.or(session.accepted)?;
    if let Some((since, entry)) = session.ending {
        let slow = ended >= since + seconds(policy.ending_alarm);
        let gap = if slow { policy.ending_slow_interval } else { policy.ending_interval };
        let mut plan = plan(ended + seconds(gap), RuleId::M7, (1, None), Cause::IsEnding, Then::Over, false);
        plan.reason.evidence.push(entry);
        return Some(plan);
    }
    if let Some(unclear) = session.unclear {
        let outcome = line.outcome.unwrap_or(Outcome::ServerError);
        let quick = u32::try_from(policy.not_completed_gaps.len()).unwrap_or(0);
        let not_completed = unclear.not_completed.min(quick);
        let (gap, rule, attempt) = if unclear.count == not_completed {
            let gap = gap_after(&policy.not_completed_gaps, unclear.count);
            (gap, RuleId::M6, (unclear.count, Some(quick)))
        } else {
            let failures = unclear.count - not_completed;
            (gap_after(&policy.unclear_gaps, failures), RuleId::M5, (failures, None))
        };
        let cause = Cause::After(outcome);
        let mut plan = plan(ended + seconds(gap), rule, attempt, cause, Then::GoesOn, rule == RuleId::M5);
        plan.reason.evidence = vec![line.ended_entry];
        return Some(plan);
    }
    let interval = interval(view.recording, session, view.board.facts().qps, view.board.watched());
    if let Some((_, entry)) = session.refused {
        let cause = Cause::After(line.outcome.unwrap_or(Outcome::Refused));
        let mut plan = plan(ended + interval, RuleId::M8, (1, None), cause, Then::GoesOn, true);
        plan.reason.evidence.push(entry);
        return Some(plan);
    }
    Some(plan(ended + interval, RuleId::M1, (1, None), Cause::Routine, Then::GoesOn, true))
}

/// M2, M3, M11, T3: the instants of a run of 404s.
fn doubt_plan(
    view: View<'_>,
    session: &Session,
    doubt: &Doubt,
    plan: &impl Fn(Timestamp, RuleId, (u32, Option<u32>), Cause, Then, bool) -> Plan,
) -> Plan {
    let policy = &view.recording.policy;
    let line = &session.query;
    let zero = doubt.t0;
    let cause = Cause::NotFoundSince(zero);
    let quick_end = policy.doubt_instants.last().copied().unwrap_or(0);
    let window_end = zero + seconds(policy.doubt_window);
    let in_window: Vec<u32> = policy
        .doubt_instants
        .into_iter()
        .chain((1..).map(|k| quick_end + k * policy.doubt_interval.max(1)))
        .take_while(|offset| *offset < policy.doubt_window)
        .chain([policy.doubt_window])
        .collect();
    let watched_after = matches!(session.phase, Phase::Lost | Phase::NotStarted | Phase::TakenAsEnded);
    let stopping = stop::wanted(view, session).is_some();
    let next_in_window = next_of_list(zero, &in_window, line.last_sent, line.ended)
        .filter(|instant| instant.at <= window_end && line.ended.is_none_or(|ended| ended < window_end));
    if let Some(instant) = next_in_window {
        let quick = u32::try_from(policy.doubt_instants.len()).unwrap_or(u32::MAX);
        let of = u32::try_from(in_window.len()).ok();
        let rule = match (stopping, instant.number <= quick) {
            (true, _) => RuleId::T3,
            (false, true) => RuleId::M2,
            (false, false) => RuleId::M3,
        };
        let then = match (stopping, watched_after, view.recording.is_wanted() && !view.recording.watched) {
            (true, _, _) => Then::TakenAsEnded,
            (false, true, _) => Then::Over,
            (false, false, true) => Then::LostAndReplaced,
            (false, false, false) => Then::Lost,
        };
        let mut plan = plan(instant.at, rule, (instant.number, of), cause, then, false);
        plan.reason.evidence = vec![doubt.first, doubt.newest];
        plan.reason.later = in_window
            .iter()
            .map(|offset| zero + seconds(*offset))
            .filter(|later| *later > instant.at)
            .take(4)
            .collect();
        return plan;
    }
    if watched_after {
        let of = u32::try_from(policy.lost_instants.len()).ok();
        if let Some(instant) = next_of_list(zero, &policy.lost_instants, line.last_sent, line.ended) {
            let mut plan = plan(instant.at, RuleId::M11, (instant.number, of), cause, Then::Over, false);
            plan.reason.evidence = vec![doubt.first, doubt.newest];
            return plan;
        }
        // The last instant had no clear answer: only a 404 ends the watch.
        let gap = gap_after(&policy.unclear_gaps, u32::MAX);
        let at = line.ended.unwrap_or(zero) + seconds(gap);
        return plan(at, RuleId::M11, (of.unwrap_or(0), of), cause, Then::Over, false);
    }
    // "Any other non-answer there: go on asking."
    let rhythm = next_of_rhythm(window_end, policy.doubt_interval, line.ended);
    let rule = if stopping { RuleId::T3 } else { RuleId::M3 };
    let then = if stopping { Then::TakenAsEnded } else { Then::Lost };
    plan(rhythm.at, rule, (rhythm.number, None), cause, then, false)
}

/// Whether a run of 404s is a doubt about a session that recorded, not one that has not begun to (V3).
fn counts_as_doubt(view: View<'_>, session: &Session) -> bool {
    match session.phase {
        Phase::Live => true,
        Phase::Accepted => {
            verify::is_judged_as_live(&view.recording.policy, session)
                || session.is_adopted()
                || session.halt.outcome == Some(Outcome::NotFound)
        }
        Phase::Ending
        | Phase::Lost
        | Phase::NotStarted
        | Phase::TakenAsEnded
        | Phase::Acquiring
        | Phase::Starting
        | Phase::Over(_)
        | Phase::Abandoned => false,
    }
}

/// T3: a stop was accepted once, and a later one was answered 404.
fn is_in_doubt_after_stop(session: &Session) -> bool {
    session.halt.outcome == Some(Outcome::NotFound) && session.doubt.is_some()
}

/// What the answers of a session with a `sid` prove now.
pub(crate) fn conclude(view: View<'_>, session: &Session, findings: &mut Findings) {
    if !session.is_watched() {
        return;
    }
    let policy = &view.recording.policy;
    let number = session.number;
    if let Some(away) = &session.recovery {
        let evidence = [away.evidence.0, away.evidence.1];
        let cause = Cause::NotFoundSince(away.t0);
        findings.decide(DecisionKind::Recovered(number), RuleId::M4, &evidence, cause);
        return;
    }
    let ended = |how| DecisionKind::Ended { session: number, how };
    if stop::is_out_of_control(view, session) {
        // T6: no answer is evidence any more; a notification is.
        let told = session.told_exit().or_else(|| session.heard.as_ref().and_then(|heard| heard.page_ended));
        if let Some(told) = told {
            findings.decide(ended(EndedHow::Notified), RuleId::T6, &[told.entry], Cause::Notified);
        }
        return;
    }
    // M10: no verdict rests on answers older than the take-over.
    let told = [session.doubt.and_then(|doubt| doubt.asked), session.last_good.map(|good| good.asked)];
    let told = told.into_iter().flatten().max();
    if view.recording.unattended.as_ref().is_some_and(|gap| told.is_none_or(|asked| asked < gap.to)) {
        stop::conclude_alarms(view, session, findings);
        conclude_alarms(view, session, findings);
        return;
    }
    if let Some(exit) = session.told_exit() {
        if let Some((_, entry)) = session.stop_accepted {
            findings.decide(ended(EndedHow::Stopped), RuleId::T2, &[entry, exit.entry], Cause::StopAccepted);
            return;
        }
        let found_after = |doubt: &Doubt| doubt.asked.is_some_and(|asked| asked >= exit.came);
        if let Some(doubt) = session.doubt.filter(found_after) {
            let evidence = [exit.entry, doubt.newest];
            findings.decide(ended(EndedHow::Notified), RuleId::M9, &evidence, Cause::Notified);
            return;
        }
    }
    let asked_again_at_the_end = |doubt: &Doubt| {
        let last = policy.lost_instants.last().copied().unwrap_or(0);
        doubt.asked.is_some_and(|asked| asked >= doubt.t0 + seconds(last))
    };
    match session.phase {
        Phase::Lost | Phase::NotStarted | Phase::TakenAsEnded => {
            if let Some(doubt) = &session.doubt {
                if asked_again_at_the_end(doubt) {
                    let kind = DecisionKind::Ended { session: number, how: EndedHow::NotFound };
                    let cause = Cause::NotFoundSince(doubt.t0);
                    findings.decide(kind, RuleId::M11, &[doubt.first, doubt.newest], cause);
                    return;
                }
                if session.phase != Phase::TakenAsEnded {
                    stop::conclude_not_found(view, session, doubt, findings);
                }
            }
            stop::conclude_accepted(view, session, findings);
        }
        Phase::Accepted | Phase::Live | Phase::Ending => {
            if stop::conclude_accepted(view, session, findings) {
                return;
            }
            conclude_running(view, session, findings);
        }
        Phase::Acquiring | Phase::Starting | Phase::Over(_) | Phase::Abandoned => {}
    }
    conclude_alarms(view, session, findings);
}

fn conclude_running(view: View<'_>, session: &Session, findings: &mut Findings) {
    let policy = &view.recording.policy;
    let number = session.number;
    let status = session.last_good.map(|good| good.status);
    if session.phase == Phase::Ending {
        if let (Some((_, entry)), Some(doubt)) = (session.ending, session.doubt) {
            let stopped = session.stop_accepted.is_some() || session.stop_asked.is_some();
            let ours = stopped || view.recording.stop.is_some() || session.stop_due.is_some();
            let how = if ours { EndedHow::Stopped } else { EndedHow::Exited };
            let kind = DecisionKind::Ended { session: number, how };
            findings.decide(kind, RuleId::M7, &[entry, doubt.newest], Cause::IsEnding);
        } else if let Some(good) = session.last_good.filter(|good| matches!(good.status, 4 | 5)) {
            findings.decide(DecisionKind::Confirmed(number), RuleId::V2, &[good.entry], Cause::Proceeds);
        }
        return;
    }
    if let (Some((_, entry)), Some(6..=8)) = (session.ending, status) {
        findings.decide(DecisionKind::Ending(number), RuleId::M7, &[entry], Cause::IsEnding);
        return;
    }
    if let (Some((_, entry)), Some(20)) = (session.ending, status) {
        findings.decide(DecisionKind::Lost(number), RuleId::M7, &[entry], Cause::IsEnding);
        return;
    }
    if verify::conclude(view, session, findings) {
        return;
    }
    let Some(doubt) = session.doubt.filter(|_| counts_as_doubt(view, session)) else { return };
    if !doubt.declared {
        let rule = if session.halt.outcome == Some(Outcome::NotFound) { RuleId::T3 } else { RuleId::M2 };
        let kind = DecisionKind::InDoubt(number);
        findings.decide(kind, rule, &[doubt.first], Cause::NotFoundSince(doubt.t0));
        return;
    }
    if stop::wanted(view, session).is_some() {
        stop::conclude_not_found(view, session, &doubt, findings);
        return;
    }
    if is_believed(policy, session, &doubt) {
        let cause = Cause::NotFoundSince(doubt.t0);
        findings.decide(DecisionKind::Lost(number), RuleId::M3, &[doubt.first, doubt.newest], cause);
    }
}

/// M3: whether the run of 404s is believed. V3 is patient whatever the policy.
fn is_believed(policy: &Policy, session: &Session, doubt: &Doubt) -> bool {
    let asked_from = |offset| doubt.asked.is_some_and(|asked| asked >= doubt.t0 + seconds(offset));
    let process_window = policy.doubt_instants.last().copied().unwrap_or(0);
    let patience = if session.phase == Phase::Accepted { Patience::Patient } else { policy.patience };
    // What a notification told of just now may be what these 404s are about: the third failover is not over yet.
    let asked_after_news = session
        .heard
        .as_ref()
        .is_none_or(|heard| doubt.asked.is_some_and(|asked| asked >= heard.last + seconds(process_window)));
    match patience {
        // No fourth failover can come (F1).
        Patience::Patient
            if asked_after_news && u32::from(session.proved_failovers()) >= policy.failovers =>
        {
            asked_from(process_window)
        }
        Patience::Patient => asked_from(policy.doubt_window),
        Patience::Swift => asked_from(process_window),
        Patience::Immediate => true,
    }
}

/// V3, M5, M7, M8: what staff are to see.
fn conclude_alarms(view: View<'_>, session: &Session, findings: &mut Findings) {
    let policy = &view.recording.policy;
    let number = session.number;
    verify::conclude_unconfirmed(view, session, findings);
    if let Some(unclear) = session.unclear {
        let at = unclear.since + seconds(policy.unclear_alarm);
        findings.alarm(view, at, AlarmCause::Unclear(number), RuleId::M5, &[unclear.first]);
    }
    if let Some((since, entry)) = session.refused {
        findings.alarm(view, since, AlarmCause::Configuration(number), RuleId::M8, &[entry]);
    }
    if let Some((since, entry)) = session.ending.filter(|_| session.phase == Phase::Ending) {
        let at = since + seconds(policy.ending_alarm);
        findings.alarm(view, at, AlarmCause::Ending(number), RuleId::M7, &[entry]);
    }
}

/// M4: several sessions of one recording run: staff choose, and are asked again.
pub(crate) fn conclude_twins(view: View<'_>, findings: &mut Findings) {
    for side in view.recording.sides() {
        conclude_twins_of(view, side, findings);
    }
}

fn conclude_twins_of(view: View<'_>, side: Side, findings: &mut Findings) {
    let live = |session: &&Session| session.phase == Phase::Live && stop::wanted(view, session).is_none();
    let running: Vec<&Session> = view
        .recording
        .sessions
        .iter()
        .filter(live)
        .filter(|session| view.recording.side_of(session.uid) == side)
        .collect();
    let came_back = running.iter().any(|session| session.adopted || !session.interruptions.is_empty());
    let changing =
        running.iter().any(|session| matches!(session.because, crate::recording::Because::ChangesOver(_)));
    if running.len() < 2 || changing || !came_back {
        return;
    }
    let evidence: Vec<_> =
        running.iter().filter_map(|session| session.last_good).map(|good| good.entry).collect();
    let raised = view.recording.alarms.iter().filter_map(|alarm| match alarm.cause {
        AlarmCause::Twins(count) => Some((count, alarm.at)),
        _ => None,
    });
    let (count, at) = match raised.max() {
        Some((count, at)) => (count + 1, at + seconds(view.recording.policy.twins_alarm)),
        None => (1, view.now),
    };
    findings.alarm(view, at, AlarmCause::Twins(count), RuleId::M4, &evidence);
}

/// A2: when the session that has the main role is in doubt, or gone, another one that records takes it at once.
pub(crate) fn conclude_roles(view: View<'_>, findings: &mut Findings) {
    let recording = view.recording;
    if !recording.assured || !recording.is_wanted() || recording.main == 0 {
        return;
    }
    let records = |session: &Session| {
        let stops = stop::wanted(view, session).is_some() || session.dismissed;
        session.phase == Phase::Live && session.doubt.is_none() && !stops
    };
    let main = recording.main_session();
    if main.is_some_and(records) {
        return;
    }
    let Some(other) = recording.sessions.iter().find(|session| records(session)) else { return };
    let doubt = main.and_then(|main| main.doubt).map(|doubt| doubt.first);
    let good = other.last_good.map(|good| good.entry);
    let evidence: Vec<_> = doubt.into_iter().chain(good).collect();
    findings.decide(DecisionKind::TakesOver(other.number), RuleId::A2, &evidence, Cause::Proceeds);
}

/// The reason why nothing is due for a session whose query is open.
pub(crate) fn awaits(session: SessionNumber, operation: Operation, rule: RuleId) -> Reason {
    reason_for(session, operation, rule, (1, None), Cause::AwaitsAnswer, Then::GoesOn)
}
