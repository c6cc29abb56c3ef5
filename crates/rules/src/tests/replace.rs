//! R: whether a session that is gone is replaced.

use agora::Operation;

use super::*;
use crate::journal::{EndedHow, WaitingFor};

/// Sessions record for `seconds` after their start and are then not found.
fn short_lived(seconds: i64) -> impl FnMut(&Seen) -> Reply {
    let mut begun = std::collections::BTreeMap::new();
    move |call| match call.operation {
        Operation::Start => {
            begun.insert(call.session, call.at);
            well(call)
        }
        Operation::Query => {
            let since = begun.get(&call.session).copied().unwrap_or(0);
            if call.at - since < seconds * 1000 { status(5) } else { not_found() }
        }
        _ => well(call),
    }
}

#[test]
fn r1_a_lost_session_is_replaced_by_one_with_the_other_uid() {
    let mut desk = Desk::new();
    desk.run(300, short_lived(60));
    assert_eq!(
        desk.by_uid(Operation::Start).iter().map(|(_, uid)| *uid).collect::<Vec<_>>()[..2],
        [ORIGINAL, BACKUP]
    );
    assert_eq!(desk.calls.iter().filter(|call| call.rule == RuleId::R1).count(), 1);
}

#[test]
fn r1_not_while_another_session_of_it_lives() {
    // Lost and replaced; the replacement lives, the first comes back and is lost again.
    let mut desk = running();
    desk.run(3000, |call| match (call.operation, call.session) {
        (Operation::Query, 1) if (300_000..700_000).contains(&call.at) => status(5),
        (Operation::Query, 1) => not_found(),
        _ => well(call),
    });
    assert_eq!(desk.by_uid(Operation::Start).len(), 2);
}

#[test]
fn r2_never_after_a_stop() {
    let mut desk = running();
    desk.run(150, well);
    desk.press_stop();
    desk.run(1500, |call| match call.operation {
        Operation::Query | Operation::Stop => not_found(),
        _ => well(call),
    });
    assert_eq!(desk.by_uid(Operation::Start).len(), 1);
    assert!(desk.recording.settled());
}

#[test]
fn r3_three_replacements_in_15_min_and_then_staff_decide() {
    let mut desk = Desk::new();
    desk.run(2000, short_lived(20));
    assert_eq!(desk.by_uid(Operation::Start).len(), 4);
    assert_eq!(
        desk.recording.waiting.as_ref().map(|waiting| (waiting.why, waiting.rule)),
        Some((WaitingFor::Replacements, RuleId::R3))
    );
    assert!(desk.alarmed_at(AlarmCause::ReplacementsUsed).is_some());
    desk.by_staff(Fact::TryAgainRequested);
    desk.run(2001, well);
    assert_eq!(desk.by_uid(Operation::Start).len(), 5);
}

#[test]
fn r3_replacements_older_than_15_min_do_not_count() {
    let replaced = |age_seconds: i64| {
        let mut desk = running();
        desk.run(200, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
        let now = desk.now.millis();
        desk.recording.replacements = (0..3).map(|_| Timestamp::from_millis(now)).collect();
        // The verdict comes when the window has passed or not.
        let verdict =
            desk.recording.session(1).and_then(|session| session.doubt).expect("a doubt").t0.millis()
                + 90_000;
        let old = Timestamp::from_millis(verdict - age_seconds * 1000);
        desk.recording.replacements = vec![old; 3];
        desk.run(250, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
        desk.by_uid(Operation::Start).len() == 2
    };
    assert!(!replaced(899));
    assert!(replaced(900));
}

#[test]
fn r4_lost_sessions_and_orphans_count_as_perhaps_billed() {
    let mut desk = running();
    desk.run(300, |call| {
        let lost = call.operation == Operation::Query && call.session == 1;
        if lost { not_found() } else { well(call) }
    });
    assert_eq!(desk.recording.billed(), (1, 1));
}

#[test]
fn r5_a_replacement_that_never_recorded_is_not_replaced() {
    let mut desk = running();
    desk.run(600, |call| match call.operation {
        Operation::Query => not_found(),
        _ => well(call),
    });
    assert_eq!(desk.by_uid(Operation::Start).len(), 2);
    assert_eq!(desk.recording.waiting.as_ref().map(|waiting| waiting.rule), Some(RuleId::R5));
    assert!(desk.alarmed_at(AlarmCause::ReplacementFailed).is_some());
}

#[test]
fn r1_a_watched_recording_is_not_replaced_since_its_settings_are_not_known() {
    let mut requested = requested(Policy::default());
    requested.watched = true;
    let mut desk = Desk::with(requested);
    desk.by_staff(Fact::Adopted(crate::journal::Adopted {
        session: 1,
        uid: uids().original,
        resource_id: ResourceId::parse("resource-1").expect("a resource ID"),
        sid: sid(1),
    }));
    desk.run(1, well);
    assert_eq!(desk.queries(1, 0), [0], "the next query proves it");
    desk.run(300, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    assert!(desk.by_uid(Operation::Start).is_empty());
    assert!(desk.alarmed_at(AlarmCause::Lost(1)).is_some());
}

#[test]
fn r1_an_exit_that_nobody_asked_for_is_replaced() {
    let mut desk = running();
    desk.run(200, |call| match (call.operation, call.session) {
        (Operation::Query, 1) if call.at < 150_000 => status(7),
        (Operation::Query, 1) => not_found(),
        _ => well(call),
    });
    assert!(desk.decided_at(&DecisionKind::Ended { session: 1, how: EndedHow::Exited }).is_some());
    assert_eq!(desk.by_uid(Operation::Start).len(), 2);
}

#[test]
fn r1_a_session_that_ended_by_itself_stays_on_the_board_until_it_is_replaced() {
    let mut desk = running();
    desk.run(200, |call| if call.operation == Operation::Query { status(7) } else { well(call) });
    desk.run(215, |call| match call.operation {
        Operation::Query => not_found(),
        Operation::Acquire => Reply::Open,
        _ => well(call),
    });
    let ended = desk.entries.iter().position(|entry| {
        matches!(&entry.fact, Fact::Decided(decision) if matches!(decision.kind, DecisionKind::Ended { .. }))
    });
    let ended = ended.expect("it ended");
    let mut recording = Recording::begin(desk.recording.id.clone(), &desk.entries[0]).expect("a request");
    for entry in &desk.entries[1..=ended] {
        fold(&mut recording, entry);
    }
    assert!(!recording.settled());
}

#[test]
fn m4_a_replacement_without_a_sid_is_given_up_when_the_elder_records_again() {
    let mut desk = running();
    // Lost at first; back while the replacement still waits for its resource ID.
    desk.run(400, |call| match (call.operation, call.session) {
        (Operation::Query, 1) if (120_000..230_000).contains(&call.at) => not_found(),
        (Operation::Acquire, 2) => answer(AnswerClass::ServerError),
        _ => well(call),
    });
    assert_eq!(desk.by_uid(Operation::Start).len(), 1, "nothing is started beside one that records");
    assert!(desk.recording.procedure.is_none());
    assert_eq!(desk.recording.billed(), (1, 0));
}
