//! S: from "record this channel" to a `sid`.
//!
//! Begins when staff ask, when a session is to be replaced (R1, T6), or when staff try again. Ends with a `sid`, with a
//! request that the service refuses (D5), after half an hour of tries (S4), or with a stop (T5).

use agora::{Operation, Timestamp, Uid};

use crate::few::sort_few;
use crate::findings::{Findings, Plan, View, domain_for, reason_for, repeat_plan};
use crate::journal::{AlarmCause, DecisionKind, EntryNumber, RecordingId, SessionNumber, WaitingFor};
use crate::line::Outcome;
use crate::policy::seconds;
use crate::reason::{Cause, Reason, Then};
use crate::recording::{Because, MayRun, Phase, Procedure, Recording, Session, Side};
use crate::rule::RuleId;
use crate::schedule::gap_after;

/// The acquire that begins the next session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextAcquire {
    pub at: Timestamp,
    pub uid: Uid,
    pub rule: RuleId,
    pub cause: Cause,
    /// It takes a UID that is not free, as S5 and S4's minute allow.
    pub reuses: bool,
}

/// What the last session without a `sid` leads to.
enum Onward {
    /// Another session.
    Acquire(NextAcquire),
    /// Nothing but a word to staff, which has its own consequence in the fold.
    Alarm(AlarmCause, RuleId),
    /// Staff decide.
    Wait(WaitingFor, AlarmCause, RuleId),
}

/// Everything that the start procedure finds.
pub(crate) fn look(view: View<'_>, findings: &mut Findings) {
    let recording = view.recording;
    if !recording.is_wanted() {
        for session in &recording.sessions {
            look_after_stop(view, session, findings);
        }
        return;
    }
    // M4: what it was to replace came back before it had a `sid`.
    for session in recording.sessions.iter().filter(|session| session.stop_due.is_some()) {
        look_after_stop(view, session, findings);
    }
    if recording.waiting.is_some() {
        return;
    }
    let begins = recording.procedures().filter_map(|procedure| look_at(view, procedure, findings));
    // Of a pair, one begins after the other: the number of the next session is that of one.
    let begins = begins.collect::<Vec<_>>().into_iter().min_by_key(|next| next.at);
    if let Some(next) = begins {
        findings.plan(acquire_of_next(view, &next));
    }
}

/// What one start procedure finds; the acquire that begins its next session, if one is to begin.
fn look_at(view: View<'_>, procedure: &Procedure, findings: &mut Findings) -> Option<NextAcquire> {
    let recording = view.recording;
    if fell_due_unattended(view, procedure) {
        let begun = last_of_round(recording, procedure)
            .filter(|session| matches!(session.phase, Phase::Acquiring | Phase::Starting));
        match begun {
            // An answer may still come.
            Some(session) if session.acquire.open.is_some() || session.start.open.is_some() => {
                findings.rests.push(crate::monitor::awaits(session.number, Operation::Start, RuleId::M10));
            }
            // What was begun is left behind first, as a possible orphan where it may run (S9).
            Some(session) => give_up(session, RuleId::M10, findings),
            None => {
                let (why, alarm) = (WaitingFor::Unattended, AlarmCause::Unattended);
                wait(view, why, alarm, RuleId::M10, &[procedure.entry], findings);
            }
        }
        return None;
    }
    if waits_for_another(view).is_some() {
        let number = recording.next_session;
        let reason = reason_for(
            number,
            Operation::Acquire,
            RuleId::S10,
            (1, None),
            Cause::OthersWaitLonger,
            Then::GoesOn,
        );
        findings.rests.push(reason);
        return None;
    }
    match last_of_round(recording, procedure) {
        None if awaits_the_first(recording, procedure) => {}
        None => match next_of(view, procedure) {
            Some(next) => return Some(next),
            // Every UID is known to run, or is another recording's: it is looked at again when that changes, or now and then.
            None => findings.looks.push(view.now + seconds(recording.policy.acquire_slow_gap)),
        },
        Some(session) => match session.phase {
            Phase::Acquiring => look_acquiring(view, session, findings),
            Phase::Starting => look_starting(view, session, findings),
            Phase::Abandoned => match onward(view, procedure, session) {
                Onward::Acquire(next) => {
                    let policy = &recording.policy;
                    let tries_end =
                        procedure.minutes_since.map(|since| since + seconds(policy.start_minutes_for));
                    findings.looks.extend(tries_end);
                    return Some(next);
                }
                Onward::Alarm(cause, rule) => {
                    let evidence = [last_entry(session)];
                    findings.decide(DecisionKind::Alarm(cause), rule, &evidence, Cause::Proceeds);
                }
                Onward::Wait(why, alarm, rule) => {
                    wait(view, why, alarm, rule, &[last_entry(session)], findings);
                }
            },
            Phase::Accepted
            | Phase::Live
            | Phase::Ending
            | Phase::Lost
            | Phase::NotStarted
            | Phase::TakenAsEnded
            | Phase::Over(_) => {}
        },
    }
    None
}

/// S10: the recording of this channel and mode whose start procedure goes first.
///
/// A request is refused while another one starts; this is for two that are replaced at the same time.
pub(crate) fn waits_for_another(view: View<'_>) -> Option<&RecordingId> {
    let recording = view.recording;
    let nothing_sent = recording
        .procedures()
        .all(|procedure| last_of_round(recording, procedure).is_none_or(|last| last.resource.is_none()));
    view.board
        .starting(&recording.channel, recording.mode)
        .filter(|first| **first != recording.id && nothing_sent)
}

/// S11: the acquire that begins the next session, when one is to begin.
pub(crate) fn next_acquire(view: View<'_>) -> Option<NextAcquire> {
    let recording = view.recording;
    let procedures = recording.procedures().filter(|_| recording.waiting.is_none());
    procedures.filter_map(|procedure| next_of(view, procedure)).min_by_key(|next| next.at)
}

/// A1: the second of a pair begins when the first has the answer to its acquire, and does not wait for its start.
fn awaits_the_first(recording: &Recording, procedure: &Procedure) -> bool {
    let answered = |first: &Procedure| of_round(recording, first).any(|session| session.resource.is_some());
    procedure.side == Side::Second && recording.procedure.as_ref().is_some_and(|first| !answered(first))
}

/// The acquire that begins the next session of one start procedure.
fn next_of(view: View<'_>, procedure: &Procedure) -> Option<NextAcquire> {
    let recording = view.recording;
    let Some(session) = last_of_round(recording, procedure) else {
        if awaits_the_first(recording, procedure) {
            return None;
        }
        let (uid, reuses) = first_uid(view, procedure.side)?;
        let waited = (procedure.rounds > 0).then(|| {
            let policy = &recording.policy;
            let quick = policy.acquire_gaps.len();
            let gap = if procedure.rounds as usize <= quick {
                gap_after(&policy.acquire_gaps, procedure.rounds)
            } else {
                policy.acquire_slow_gap
            };
            let ended = recording.sessions.iter().filter_map(ended).max().unwrap_or(procedure.begun);
            (ended + seconds(gap), RuleId::S7, Cause::After(Outcome::TaskConflict))
        });
        let (at, rule, cause) = waited.unwrap_or(match procedure.because {
            Because::Asked | Because::TriedAgain | Because::Adopted => {
                let rule = if procedure.side == Side::Second { RuleId::A1 } else { RuleId::S2 };
                (procedure.begun, rule, Cause::Asked)
            }
            Because::Replaces(lost) => (procedure.begun, RuleId::R1, Cause::IsLost(lost)),
            Because::ChangesOver(_) => (procedure.begun, RuleId::T6, Cause::Proceeds),
            Because::Restarts(ended) => (procedure.begun, RuleId::R2, Cause::IsLost(ended)),
            Because::Doubles(_) => (procedure.begun, RuleId::V4, Cause::Proceeds),
        });
        return Some(NextAcquire { at, uid, rule, cause, reuses });
    };
    if session.phase != Phase::Abandoned {
        return None;
    }
    match onward(view, procedure, session) {
        Onward::Acquire(next) => Some(next),
        Onward::Alarm(..) | Onward::Wait(..) => None,
    }
}

/// The last session of the round that runs.
fn last_of_round<'a>(recording: &'a Recording, procedure: &Procedure) -> Option<&'a Session> {
    let of_side = |session: &&Session| recording.side_of(session.uid) == procedure.side;
    recording.sessions.iter().rfind(of_side).filter(|session| session.number >= procedure.from_session)
}

fn of_round<'a>(recording: &'a Recording, procedure: &Procedure) -> impl Iterator<Item = &'a Session> {
    let (from, side) = (procedure.from_session, procedure.side);
    let of_round = move |session: &&Session| session.number >= from && recording.side_of(session.uid) == side;
    recording.sessions.iter().filter(of_round)
}

/// S4: tries of this UID in this round, whichever mixture of S4–S6 asked for them. One that was left behind while its
/// repeats were under way counts as well: its answer may still come, and then it was one.
fn tries_of(recording: &Recording, procedure: &Procedure, uid: Uid) -> u32 {
    of_round(recording, procedure)
        .filter(|session| session.uid == uid)
        .map(|session| {
            let cut = session.phase == Phase::Abandoned && session.start.unanswered > 0;
            session.start.tries + u32::from(cut)
        })
        .sum()
}

/// The outcome that ended a session without a `sid`.
fn last_outcome(session: &Session) -> Option<Outcome> {
    session.start.outcome.or_else(|| session.acquire.outcome.filter(|outcome| *outcome != Outcome::Done))
}

fn ended(session: &Session) -> Option<Timestamp> {
    session.start.ended.max(session.acquire.ended)
}

fn last_entry(session: &Session) -> EntryNumber {
    session.start.ended_entry.max(session.acquire.ended_entry)
}

/// M10: it fell due in a long stretch in which nobody was here.
pub(crate) fn fell_due_unattended(view: View<'_>, procedure: &Procedure) -> bool {
    let recording = view.recording;
    let Some(gap) = &recording.unattended else { return false };
    let long = gap.to.since(gap.from) > seconds(recording.policy.unattended_start);
    let busy_since = of_round(recording, procedure)
        .flat_map(|session| [session.acquire.last_sent, session.start.last_sent])
        .flatten()
        .any(|sent| sent >= gap.to);
    long && procedure.begun < gap.to && !busy_since
}

fn wait(
    view: View<'_>,
    why: WaitingFor,
    alarm: AlarmCause,
    rule: RuleId,
    evidence: &[EntryNumber],
    findings: &mut Findings,
) {
    let kind = if view.recording.has_alarm(alarm) {
        DecisionKind::WaitForStaff(why)
    } else {
        DecisionKind::Alarm(alarm)
    };
    findings.decide(kind, rule, evidence, Cause::Proceeds);
}

fn acquire_of_next(view: View<'_>, next: &NextAcquire) -> Plan {
    let number = view.recording.next_session;
    Plan {
        at: next.at,
        session: number,
        operation: Operation::Acquire,
        domain: view.board.domain(&view.recording.policy, view.now, false),
        reason: reason_for(number, Operation::Acquire, next.rule, (1, None), next.cause, Then::GoesOn),
    }
}

/// S8: the acquire of a session that has no resource ID yet.
fn look_acquiring(view: View<'_>, session: &Session, findings: &mut Findings) {
    let line = &session.acquire;
    if line.open.is_some() {
        findings.rests.push(crate::monitor::awaits(session.number, Operation::Acquire, RuleId::S2));
        return;
    }
    if let Some(repeat) = repeat_plan(view, session, Operation::Acquire) {
        findings.plan(repeat);
        return;
    }
    let policy = &view.recording.policy;
    let (Some(outcome), Some(ended)) = (line.outcome, line.ended) else { return };
    if is_final(outcome) {
        give_up(session, RuleId::D5, findings);
        return;
    }
    let full = outcome == Outcome::PcwReached;
    let (gaps, slow) = if full {
        (&policy.pcw_gaps, policy.pcw_slow_gap)
    } else {
        (&policy.acquire_gaps, policy.acquire_slow_gap)
    };
    let slowly = line.tries as usize > gaps.len();
    if slowly && !full {
        let cause = AlarmCause::AcquireFailing;
        findings.alarm(view, ended, cause, RuleId::S8, &[line.ended_entry]);
    }
    let gap = if slowly { slow } else { gap_after(gaps, line.tries) };
    let of = if slowly { None } else { u32::try_from(gaps.len()).ok() };
    let attempt = (line.tries, of);
    let reason = Reason {
        evidence: vec![line.ended_entry],
        ..reason_for(
            session.number,
            Operation::Acquire,
            RuleId::S8,
            attempt,
            Cause::After(outcome),
            Then::GoesOn,
        )
    };
    // S8: of a pair, the one that was begun first.
    let after_its_own = view.recording.sessions.iter().any(|other| {
        let waits = other.phase == Phase::Acquiring && other.acquire.outcome == Some(Outcome::PcwReached);
        waits && other.number < session.number
    });
    if full && (after_its_own || !view.board.waits_longest(&view.recording.id)) {
        findings.rests.push(Reason { cause: Cause::OthersWaitLonger, ..reason });
        return;
    }
    let at = ended + seconds(gap);
    let domain = domain_for(view, line, false);
    findings.plan(Plan { at, session: session.number, operation: Operation::Acquire, domain, reason });
}

/// S2–S7: the start on a resource ID.
fn look_starting(view: View<'_>, session: &Session, findings: &mut Findings) {
    let line = &session.start;
    if line.open.is_some() {
        findings.rests.push(crate::monitor::awaits(session.number, Operation::Start, RuleId::S2));
        return;
    }
    if session.acquire.open.is_some() {
        // An answer to an earlier try came late, and the repeat is still out: one call beside the query at a time (D10).
        findings.rests.push(crate::monitor::awaits(session.number, Operation::Acquire, RuleId::D10));
        return;
    }
    let Some(resource) = &session.resource else { return };
    if runs_with(view.recording, session.uid, Some(session.number)) {
        // One that was left behind before this round has its `sid` now: the service would refuse a second one.
        give_up(session, RuleId::S11, findings);
        return;
    }
    let policy = &view.recording.policy;
    let usable_until = resource.at + seconds(policy.resource_usable);
    let send = |plan: Plan, findings: &mut Findings| {
        if view.now > usable_until || plan.at > usable_until {
            give_up(session, RuleId::S2, findings);
        } else {
            findings.plan(plan);
        }
    };
    if let Some(repeat) = repeat_plan(view, session, Operation::Start) {
        send(repeat, findings);
        return;
    }
    let plan = |at, rule, attempt, cause, then| Plan {
        at,
        session: session.number,
        operation: Operation::Start,
        domain: domain_for(view, line, false),
        reason: Reason {
            evidence: vec![last_entry(session)],
            ..reason_for(session.number, Operation::Start, rule, attempt, cause, then)
        },
    };
    let of = Some(policy.start_tries);
    let (Some(outcome), Some(ended)) = (line.outcome, line.ended) else {
        // A try of the minute is one of many, and none of the four (S4).
        let procedure = view.recording.procedure_of(view.recording.side_of(session.uid));
        let (attempt, then) = match procedure.filter(|procedure| procedure.minutes_since.is_none()) {
            Some(procedure) => ((tries_of(view.recording, procedure, session.uid) + 1, of), Then::NextUid),
            None => ((1, None), Then::EveryMinute),
        };
        send(plan(resource.at, RuleId::S2, attempt, Cause::Proceeds, then), findings);
        return;
    };
    let Some(procedure) = view.recording.procedure_of(view.recording.side_of(session.uid)) else {
        give_up(session, RuleId::S9, findings);
        return;
    };
    match same_resource_again(view.recording, procedure, session, outcome) {
        Some((gap, rule, then)) => {
            let tries = tries_of(view.recording, procedure, session.uid);
            let mut next = plan(ended + seconds(gap), rule, (tries + 1, of), Cause::After(outcome), then);
            if rule == RuleId::S4 {
                let mut at = next.at;
                for gap in policy.start_gaps.iter().skip(tries as usize) {
                    at = at + seconds(*gap);
                    next.reason.later.push(at);
                }
            }
            send(next, findings);
        }
        None => give_up(session, rule_of_giving_up(outcome), findings),
    }
}

/// S4, S5: the gap before the same body goes to the same resource ID again; none if it does not.
fn same_resource_again(
    recording: &Recording,
    procedure: &Procedure,
    session: &Session,
    outcome: Outcome,
) -> Option<(u32, RuleId, Then)> {
    let policy = &recording.policy;
    let tries = tries_of(recording, procedure, session.uid);
    if procedure.minutes_since.is_some() || tries >= policy.start_tries {
        return None;
    }
    match outcome {
        Outcome::ServerError | Outcome::GatewayError => {
            let then = if failed_uids(recording, procedure) > 0 { Then::EveryMinute } else { Then::NextUid };
            Some((gap_after(&policy.start_gaps, tries), RuleId::S4, then))
        }
        Outcome::NotCompleted | Outcome::TimedOutInside | Outcome::Unreadable => {
            let repeats = session.start.tries as usize;
            let again = escalated(recording, procedure, session);
            let allowed = !again && repeats <= policy.unclear_start_gaps.len();
            allowed.then(|| {
                (gap_after(&policy.unclear_start_gaps, session.start.tries), RuleId::S5, Then::SameUidAgain)
            })
        }
        Outcome::Unanswered { .. }
        | Outcome::Done
        | Outcome::NotFound
        | Outcome::Refused
        | Outcome::NoRoute
        | Outcome::PcwReached
        | Outcome::AlreadyStarted
        | Outcome::TaskConflict
        | Outcome::NoWorker
        | Outcome::ResourceExpired => None,
    }
}

/// S5: whether an earlier session of this UID in this round was left unclear, so that this one is the second.
fn escalated(recording: &Recording, procedure: &Procedure, session: &Session) -> bool {
    of_round(recording, procedure).any(|earlier| {
        let unclear = earlier.start.outcome.is_some_and(Outcome::is_unclear);
        earlier.number < session.number && earlier.uid == session.uid && unclear
    })
}

const fn rule_of_giving_up(outcome: Outcome) -> RuleId {
    match outcome {
        Outcome::ServerError | Outcome::GatewayError => RuleId::S4,
        Outcome::NotCompleted
        | Outcome::TimedOutInside
        | Outcome::Unreadable
        | Outcome::Unanswered { .. } => RuleId::S5,
        Outcome::NoWorker | Outcome::AlreadyStarted => RuleId::S6,
        Outcome::TaskConflict => RuleId::S7,
        Outcome::ResourceExpired => RuleId::S2,
        Outcome::PcwReached => RuleId::S8,
        Outcome::Refused | Outcome::NoRoute | Outcome::NotFound | Outcome::Done => RuleId::D5,
    }
}

/// Leaves a session without a `sid` behind: as a possible orphan where it may run (S9).
fn give_up(session: &Session, rule: RuleId, findings: &mut Findings) {
    let number = session.number;
    let evidence: Vec<_> = Some(last_entry(session)).filter(|entry| *entry > 0).into_iter().collect();
    let cause = last_outcome(session).map_or(Cause::Proceeds, Cause::After);
    match session.may_run {
        MayRun::No => findings.decide(DecisionKind::Abandoned(number), rule, &evidence, cause),
        MayRun::Unlikely | MayRun::Possibly => {
            let unlikely = session.may_run == MayRun::Unlikely;
            let kind = DecisionKind::Orphaned { session: number, unlikely };
            findings.decide(kind, RuleId::S9, &evidence, cause);
        }
    }
}

/// D5: no retry. A 404 to `start` is a 40x like any other (D6).
const fn is_final(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Refused | Outcome::NoRoute | Outcome::NotFound)
}

/// What comes after a session that was given up.
fn onward(view: View<'_>, procedure: &Procedure, session: &Session) -> Onward {
    let recording = view.recording;
    let policy = &recording.policy;
    let outcome = last_outcome(session);
    if outcome.is_some_and(is_final) {
        return Onward::Wait(WaitingFor::Refused, AlarmCause::StartRefused, RuleId::D5);
    }
    let ended = ended(session).unwrap_or(session.begun);
    let cause = outcome.map_or(Cause::Proceeds, Cause::After);
    if let Some(since) = procedure.minutes_since {
        if view.now >= since + seconds(policy.start_minutes_for) {
            return Onward::Wait(WaitingFor::StartTries, AlarmCause::StartFailing, RuleId::S4);
        }
        let uid = next_in_turn(recording, session.uid);
        let at = ended + seconds(policy.start_minute);
        return Onward::Acquire(NextAcquire { at, uid, rule: RuleId::S4, cause, reuses: true });
    }
    let same_uid = |gap: u32, rule, reuses| {
        Onward::Acquire(NextAcquire { at: ended + seconds(gap), uid: session.uid, rule, cause, reuses })
    };
    let tries = tries_of(recording, procedure, session.uid);
    let with_outcome = |wanted: fn(Outcome) -> bool| {
        of_round(recording, procedure)
            .filter(|other| other.uid == session.uid && other.start.outcome.is_some_and(wanted))
            .count()
    };
    // One whose start may have been carried out keeps its UID from others (S11).
    let same_is_free = view.board.is_free(&recording.channel, session.uid, None);
    match outcome {
        // The resource ID went stale before its start, or the service says so (S2).
        None if same_is_free => return same_uid(0, RuleId::S2, false),
        Some(Outcome::ResourceExpired) if tries < policy.start_tries && same_is_free => {
            return same_uid(0, RuleId::S2, false);
        }
        Some(Outcome::NoWorker) if tries < policy.start_tries && same_is_free => {
            let failures = with_outcome(|outcome| outcome == Outcome::NoWorker);
            if failures <= policy.no_worker_gaps.len() + 1 {
                let gap = if failures <= 1 { 0 } else { policy.no_worker_gaps[failures - 2] };
                return same_uid(gap, RuleId::S6, false);
            }
        }
        Some(unclear)
            if unclear.is_unclear()
                && tries < policy.start_tries
                && with_outcome(Outcome::is_unclear) <= 1 =>
        {
            return same_uid(0, RuleId::S5, true);
        }
        Some(Outcome::ServerError | Outcome::GatewayError) if tries < policy.start_tries => {
            // Left behind although tries were left: its resource ID was too old (S2).
            return same_uid(0, RuleId::S2, true);
        }
        _ => {}
    }
    if failed_uids(recording, procedure) >= 2 {
        return Onward::Alarm(AlarmCause::StartFailing, RuleId::S4);
    }
    let in_use = matches!(outcome, Some(Outcome::TaskConflict | Outcome::AlreadyStarted));
    let rule = if in_use { RuleId::S7 } else { RuleId::S4 };
    let held_back = session.may_run == MayRun::Possibly && view.board.is_notified(policy, view.now);
    let holder_is_ours = outcome == Some(Outcome::TaskConflict)
        && recording
            .sessions
            .iter()
            .any(|other| other.uid == session.uid && other.may_run == MayRun::Possibly)
        && view.board.is_notified(policy, view.now);
    let gap = if held_back || holder_is_ours { policy.orphan_wait } else { 0 };
    let tried: Vec<Uid> = of_round(recording, procedure).map(|session| session.uid).collect();
    let free = order(recording, procedure.side)
        .into_iter()
        .find(|uid| !tried.contains(uid) && view.board.is_free(&recording.channel, *uid, None));
    match free {
        Some(uid) => {
            Onward::Acquire(NextAcquire { at: ended + seconds(gap), uid, rule, cause, reuses: false })
        }
        None if failed_uids(recording, procedure) > 0 => Onward::Alarm(AlarmCause::StartFailing, RuleId::S4),
        None => Onward::Alarm(AlarmCause::UidsInUse, RuleId::S7),
    }
}

/// S4: how many UIDs of this round have failed otherwise than by being in use.
fn failed_uids(recording: &Recording, procedure: &Procedure) -> usize {
    let mut uids: Vec<Uid> = of_round(recording, procedure)
        .filter(|session| session.phase == Phase::Abandoned)
        .filter(|session| {
            last_outcome(session)
                .is_some_and(|outcome| !matches!(outcome, Outcome::TaskConflict | Outcome::AlreadyStarted))
        })
        .map(|session| session.uid)
        .collect();
    sort_few(&mut uids, |uid| *uid);
    uids.dedup();
    uids.len()
}

/// S11: original and backup in turn, then the reserves; of a pair each side has two of them (A1).
fn order(recording: &Recording, side: Side) -> Vec<Uid> {
    let pair = recording.pair(side);
    let last = recording
        .sessions
        .iter()
        .rev()
        .filter(|session| session.sid.is_some())
        .map(|session| session.uid)
        .find(|uid| pair.contains(uid));
    let first = last.map_or(pair[0], |last| other_of_pair(recording, last));
    let mut order = vec![first, other_of_pair(recording, first)];
    if !recording.assured {
        order.extend(&recording.uids.reserves);
    }
    order
}

fn other_of_pair(recording: &Recording, uid: Uid) -> Uid {
    let [original, backup] = recording.pair(recording.side_of(uid));
    if uid == original { backup } else { original }
}

/// S4: whose turn it is in the next minute: the other of the pair. A session that is to be changed over, or doubled, runs
/// with one of them; a reserve takes its turn.
fn next_in_turn(recording: &Recording, uid: Uid) -> Uid {
    let other = other_of_pair(recording, uid);
    let reserves = recording.uids.reserves.iter().copied();
    let reserves = reserves.filter(|reserve| *reserve != uid && !recording.assured);
    let in_turn = [other].into_iter().chain(reserves).chain([uid]);
    in_turn.into_iter().find(|uid| !runs_with(recording, *uid, None)).unwrap_or(other)
}

/// S11: whether a session is known to run with this UID, the one of this number apart.
pub(crate) fn runs_with(recording: &Recording, uid: Uid, except: Option<SessionNumber>) -> bool {
    recording.sessions.iter().any(|other| {
        let runs = matches!(other.phase, Phase::Accepted | Phase::Live | Phase::Ending);
        runs && other.uid == uid && Some(other.number) != except
    })
}

/// S11: the UID of a round's first session, and whether it is one that is not free.
fn first_uid(view: View<'_>, side: Side) -> Option<(Uid, bool)> {
    let recording = view.recording;
    let order = order(recording, side);
    let free = order.iter().find(|uid| view.board.is_free(&recording.channel, **uid, None));
    if let Some(uid) = free {
        return Some((*uid, false));
    }
    // No reserve either: the one lost, or left behind as a possible orphan, longest ago; never one that is known to run.
    let free_since = |uid: &Uid| {
        let holders =
            || recording.sessions.iter().filter(|session| session.uid == *uid && session.may_hold_uid());
        let since = |session: &Session| match session.phase {
            Phase::Abandoned => ended(session),
            Phase::Lost | Phase::NotStarted | Phase::TakenAsEnded => session.doubt.map(|doubt| doubt.t0),
            Phase::Acquiring
            | Phase::Starting
            | Phase::Accepted
            | Phase::Live
            | Phase::Ending
            | Phase::Over(_) => None,
        };
        holders().map(since).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max())
    };
    order.into_iter().filter_map(|uid| free_since(&uid).map(|at| (at, uid))).min().map(|(_, uid)| (uid, true))
}

/// T5: a stop before a `sid` is known, asked for by staff or by M4.
fn look_after_stop(view: View<'_>, session: &Session, findings: &mut Findings) {
    let rule = if view.recording.is_wanted() { RuleId::M4 } else { RuleId::T5 };
    match session.phase {
        Phase::Acquiring => {
            if session.acquire.open.is_none() {
                findings.decide(
                    DecisionKind::Abandoned(session.number),
                    rule,
                    &stop_evidence(view),
                    Cause::Asked,
                );
            }
        }
        Phase::Starting => {
            let line = &session.start;
            if line.open.is_some() {
                findings.rests.push(crate::monitor::awaits(session.number, Operation::Start, rule));
                return;
            }
            let unclear = line.outcome.is_some_and(Outcome::is_unclear) || line.unanswered > 0;
            // S11: one that came late has this UID now; the service would refuse a second one.
            let taken = runs_with(view.recording, session.uid, Some(session.number));
            let usable = !taken
                && session.resource.as_ref().is_some_and(|resource| {
                    view.now <= resource.at + seconds(view.recording.policy.resource_usable)
                });
            let repeat = repeat_plan(view, session, Operation::Start)
                .filter(|_| usable && (unclear || !session.may_run.is_no()));
            if let Some(repeat) = repeat {
                findings.plan(repeat);
                return;
            }
            let side = view.recording.side_of(session.uid);
            let procedure = view.recording.procedure_of(side).cloned().unwrap_or(Procedure {
                because: session.because,
                side,
                begun: session.begun,
                entry: 0,
                from_session: session.number,
                rounds: 0,
                minutes_since: None,
            });
            let again = line
                .outcome
                .filter(|_| usable && unclear)
                .and_then(|outcome| same_resource_again(view.recording, &procedure, session, outcome));
            match (again, line.ended, line.outcome) {
                (Some((gap, RuleId::S5, then)), Some(ended), Some(outcome)) => {
                    let attempt = (line.tries + 1, None);
                    let domain = domain_for(view, line, false);
                    let reason = Reason {
                        evidence: vec![line.ended_entry],
                        ..reason_for(
                            session.number,
                            Operation::Start,
                            RuleId::S5,
                            attempt,
                            Cause::After(outcome),
                            then,
                        )
                    };
                    findings.plan(Plan {
                        at: ended + seconds(gap),
                        session: session.number,
                        operation: Operation::Start,
                        domain,
                        reason,
                    });
                }
                _ => give_up(session, rule, findings),
            }
        }
        Phase::Accepted
        | Phase::Live
        | Phase::Ending
        | Phase::Lost
        | Phase::NotStarted
        | Phase::TakenAsEnded
        | Phase::Over(_)
        | Phase::Abandoned => {}
    }
}

fn stop_evidence(view: View<'_>) -> Vec<EntryNumber> {
    view.recording.stop.as_ref().map(|stop| stop.entry).into_iter().collect()
}
