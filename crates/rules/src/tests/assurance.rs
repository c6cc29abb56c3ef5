//! A: a main and a backup session record at the same time.

use super::*;
use crate::api::MakeCall;
use crate::journal::{Attempt, WaitingFor};
use crate::permits_pair;
use crate::recording::{Because, Phase, Session, Side};

fn assured(policy: Policy) -> Requested {
    Requested { assured: true, ..requested(policy) }
}

/// A pair that runs since 10 s.
fn pair() -> Desk {
    let mut desk = Desk::with(assured(Policy::default()));
    desk.run(10, well);
    assert_eq!((session(&desk, 1).phase, session(&desk, 2).phase), (Phase::Live, Phase::Live));
    desk
}

fn session(desk: &Desk, number: SessionNumber) -> &Session {
    desk.recording.session(number).expect("the session is kept")
}

/// The first session is not found; everything else is well.
fn first_gone(call: &Seen) -> Reply {
    match (call.operation, call.session) {
        (Operation::Query, 1) => not_found(),
        _ => well(call),
    }
}

fn acquire(desk: &Desk, session: SessionNumber, rule: RuleId) -> Result<crate::Permitted, Option<RuleId>> {
    let call = MakeCall {
        after: desk.recording.last,
        session,
        operation: Operation::Acquire,
        domain: Domain::Primary,
        rule,
        attempt: Attempt::default(),
    };
    permits(&desk.recording, &desk.board, &call, desk.now).map_err(|refusal| refusal.rule)
}

#[test]
fn a1_the_backup_is_acquired_for_when_the_main_has_its_resource_id_and_keeps_apart_from_it() {
    let mut desk = Desk::with(assured(Policy::default()));
    desk.run(5, |call| match call.operation {
        Operation::Acquire if call.session == 1 => Reply::Answer(
            200,
            AnswerClass::Acquired(ResourceId::parse("main").expect("a resource ID")),
            3_000,
        ),
        Operation::Start => Reply::Open,
        _ => well(call),
    });
    let calls: Vec<_> =
        desk.calls.iter().map(|call| (call.at, call.operation, call.session, call.rule)).collect();
    assert_eq!(
        calls,
        [
            (0, Operation::Acquire, 1, RuleId::S2),
            (3_000, Operation::Start, 1, RuleId::S2),
            (3_000, Operation::Acquire, 2, RuleId::A1),
            (3_000, Operation::Start, 2, RuleId::S2),
        ],
        "the start of the main is not waited for"
    );
    assert_eq!(desk.by_uid(Operation::Acquire), [(0, ORIGINAL), (3, BACKUP)]);
    let excluded: Vec<&str> = session(&desk, 2).excludes.iter().map(ResourceId::as_str).collect();
    assert_eq!(excluded, ["main"]);
    assert!(session(&desk, 1).excludes.is_empty());
}

#[test]
fn a1_a_repeated_acquire_keeps_apart_from_the_same_resource_ids() {
    let mut desk = Desk::with(assured(Policy::default()));
    desk.run(2, |call| match (call.operation, call.session) {
        (Operation::Acquire, 2) => answer(AnswerClass::ServerError),
        _ => well(call),
    });
    let again = acquire(&desk, 2, RuleId::S8).expect("it is sent again");
    assert_eq!(again.exclude.len(), 1);
    // The main is over meanwhile: the body stays what it was.
    desk.recording.sessions[0].phase = Phase::Over(crate::journal::EndedHow::Exited);
    assert_eq!(acquire(&desk, 2, RuleId::S8).map(|again| again.exclude), Ok(again.exclude));
}

#[test]
fn a1_each_of_the_pair_fails_on_its_own_with_its_own_two_uids() {
    let mut desk = Desk::with(assured(Policy::default()));
    desk.run(120, |call| match (call.operation, call.uid) {
        (Operation::Start, BACKUP | LAST_RESERVE) => answer(AnswerClass::ServerError),
        _ => well(call),
    });
    assert_eq!(session(&desk, 1).phase, Phase::Live);
    let tried: Vec<u32> = desk
        .by_uid(Operation::Start)
        .into_iter()
        .map(|(_, uid)| uid)
        .filter(|uid| *uid != ORIGINAL)
        .collect();
    assert_eq!(tried[..8], [[BACKUP; 4], [LAST_RESERVE; 4]].concat());
    assert!(tried[8..].iter().all(|uid| [BACKUP, LAST_RESERVE].contains(uid)) && tried.len() > 8);
    assert!(
        desk.recording.has_alarm(AlarmCause::StartFailing),
        "that the main has its sid mends nothing here"
    );
    assert!(desk.recording.procedure_of(Side::First).is_none());
    assert!(desk.recording.procedure_of(Side::Second).is_some_and(|second| second.minutes_since.is_some()));
    // It gets through in the end.
    desk.run(200, well);
    assert!(desk.recording.procedures().next().is_none());
    assert!(!desk.recording.has_alarm(AlarmCause::StartFailing));
    assert_eq!(desk.recording.billed().0, 2);
}

#[test]
fn a1_the_side_of_a_uid_and_what_is_not_assured_has_one() {
    let desk = pair();
    let sides = |recording: &Recording| {
        [ORIGINAL, BACKUP, RESERVE, LAST_RESERVE]
            .map(|uid| recording.side_of(Uid::new(uid).expect("not zero")))
    };
    assert_eq!(sides(&desk.recording), [Side::First, Side::Second, Side::First, Side::Second]);
    assert_eq!(sides(&running().recording), [Side::First; 4]);
}

#[test]
fn a2_the_roles_change_when_the_main_is_in_doubt_and_not_back() {
    let mut desk = pair();
    assert_eq!(desk.recording.main_session().map(|main| main.number), Some(1));
    desk.run(240, |call| match (call.operation, call.session, call.at / 1_000) {
        (Operation::Query, 1, 100..170) => not_found(),
        _ => well(call),
    });
    let doubted = desk.decided_at(&DecisionKind::InDoubt(1)).expect("it is in doubt");
    assert_eq!(desk.decided_at(&DecisionKind::TakesOver(2)), Some(doubted), "at once");
    assert!(desk.decided_at(&DecisionKind::Recovered(1)).is_some());
    assert_eq!(desk.recording.main_session().map(|main| main.number), Some(2));
    assert_eq!(desk.decided_at(&DecisionKind::TakesOver(1)), None);
    assert_eq!(desk.by_uid(Operation::Start).len(), 2, "nothing is started because of it");
}

#[test]
fn a2_the_backup_in_doubt_changes_no_role() {
    let mut desk = pair();
    desk.run(170, |call| match (call.operation, call.session) {
        (Operation::Query, 2) => not_found(),
        _ => well(call),
    });
    assert!(desk.decided_at(&DecisionKind::InDoubt(2)).is_some());
    assert!(desk.decided().iter().all(|(_, rule, _)| *rule != RuleId::A2));
}

#[test]
fn a2_a_main_that_is_lost_is_replaced_beside_the_backup_and_both_are_counted() {
    let mut desk = pair();
    desk.run(300, first_gone);
    assert!(desk.decided_at(&DecisionKind::Lost(1)).is_some());
    let new = session(&desk, 3);
    assert_eq!((new.uid.get(), new.because, new.phase), (RESERVE, Because::Replaces(1), Phase::Live));
    let excluded: Vec<&str> = new.excludes.iter().map(ResourceId::as_str).collect();
    assert_eq!(excluded, ["resource-1", "resource-2"], "what is not over");
    assert_eq!(desk.recording.replacements.len(), 1, "R3 counts it");
    assert_eq!(desk.recording.billed(), (2, 1), "the lost one perhaps (R4)");
    // M4: it comes back beside the one that took its place, and staff are asked which to stop.
    desk.run(900, well);
    assert!(desk.recording.alarms.iter().any(|alarm| matches!(alarm.cause, AlarmCause::Twins(_))));
}

#[test]
fn a2_both_lost_are_both_replaced_within_what_r3_allows() {
    let mut desk = pair();
    desk.run(2_000, |call| {
        if call.operation == Operation::Query && call.at > 20_000 && call.session < 3 {
            not_found()
        } else {
            well(call)
        }
    });
    assert_eq!(desk.recording.replacements.len(), 2);
    let live: Vec<u32> = desk
        .recording
        .sessions
        .iter()
        .filter(|session| session.phase == Phase::Live)
        .map(|session| session.uid.get())
        .collect();
    assert_eq!(live.len(), 2);
    assert!(live.contains(&RESERVE) && live.contains(&LAST_RESERVE), "{live:?}");
}

#[test]
fn a2_two_that_were_asked_for_are_no_twins() {
    let mut desk = pair();
    // One was away and is back: still two, as asked for.
    desk.run(400, |call| match (call.operation, call.session, call.at / 1_000) {
        (Operation::Query, 1, 100..170) => not_found(),
        _ => well(call),
    });
    assert!(!session(&desk, 1).interruptions.is_empty());
    assert!(desk.recording.alarms.iter().all(|alarm| !matches!(alarm.cause, AlarmCause::Twins(_))));
}

#[test]
fn a2_after_it_waited_for_staff_only_the_lost_side_is_tried_again() {
    let mut desk = pair();
    desk.run(1_000, |call| match (call.operation, call.session) {
        (Operation::Query, 1 | 3) => not_found(),
        _ => well(call),
    });
    let why = desk.recording.waiting.as_ref().map(|waiting| waiting.why);
    assert_eq!(why, Some(WaitingFor::FailedReplacement), "R5: the replacement never recorded");
    assert_eq!(session(&desk, 2).phase, Phase::Live);
    let before = desk.by_uid(Operation::Start).len();
    desk.by_staff(Fact::TryAgainRequested);
    desk.run(1_020, |call| {
        if call.operation == Operation::Query && call.session == 1 { not_found() } else { well(call) }
    });
    assert_eq!(desk.by_uid(Operation::Start).len(), before + 1);
    assert!(desk.recording.procedures().next().is_none());
}

#[test]
fn a3_a_pair_is_asked_for_explicitly_and_has_four_uids() {
    let mut desk = Desk::new();
    desk.run(10, well);
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL)]);
    assert_eq!(permits_pair(&uids()), Ok(()));
    let few = Uids { reserves: uids().reserves[..1].to_vec(), ..uids() };
    assert_eq!(permits_pair(&few).map_err(|refusal| refusal.rule), Err(Some(RuleId::A1)));
}

#[test]
fn a3_a_stop_stops_both() {
    let mut desk = pair();
    desk.press_stop();
    desk.run(30, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    assert_eq!(desk.by_uid(Operation::Stop), [(10, ORIGINAL), (10, BACKUP)]);
    assert!(desk.recording.settled());
}
