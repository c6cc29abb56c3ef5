//! U: a change reaches every session, once.

use agora::request::{Layout, UpdateSettings};
use agora::{AnswerClass, Operation, UnansweredCause};

use super::*;
use crate::api::MakeCall;
use crate::journal::{Attempt, LayoutRequested, UpdateRequested};
use crate::update::{Applied, CHANGES_MAX};

fn layout(desk: &mut Desk) -> u32 {
    desk.by_staff(Fact::LayoutRequested(Box::new(LayoutRequested { layout: Layout::default() })))
}

fn audio(desk: &mut Desk) -> u32 {
    let settings = UpdateSettings { subscribe_audio_uids: Some(vec!["7".to_owned()]), ..Default::default() };
    desk.by_staff(Fact::UpdateRequested(Box::new(UpdateRequested { settings, storage: None })))
}

fn credentials(desk: &mut Desk) -> u32 {
    let settings = UpdateSettings::default();
    desk.by_staff(Fact::UpdateRequested(Box::new(UpdateRequested {
        settings,
        storage: Some("lessons".to_owned()),
    })))
}

/// Updates of both kinds are answered by their number, from 1.
fn updates(mut script: impl FnMut(u32, &Seen) -> Reply) -> impl FnMut(&Seen) -> Reply {
    let mut count = 0;
    move |call| match call.operation {
        Operation::Update | Operation::UpdateLayout => {
            count += 1;
            script(count, call)
        }
        _ => well(call),
    }
}

fn sent(desk: &Desk) -> Vec<(i64, Operation, RuleId)> {
    let updates = |call: &&Seen| matches!(call.operation, Operation::Update | Operation::UpdateLayout);
    desk.calls.iter().filter(updates).map(|call| (call.at, call.operation, call.rule)).collect()
}

#[test]
fn u1_a_change_leaves_at_once_and_the_next_one_after_its_answer() {
    let mut desk = running();
    audio(&mut desk);
    layout(&mut desk);
    desk.run(20, updates(|_, _| Reply::Answer(200, AnswerClass::Updated, 1_500)));
    assert_eq!(
        sent(&desk),
        [(10_000, Operation::Update, RuleId::U1), (11_500, Operation::UpdateLayout, RuleId::U2)]
    );
    assert!(desk.recording.changes.is_empty());
}

#[test]
fn u1_a_change_that_fails_goes_out_after_3_6_9_s_and_is_then_reported() {
    for class in [AnswerClass::ServerError, AnswerClass::NotCompleted, AnswerClass::Unreadable] {
        let mut desk = running();
        let change = audio(&mut desk);
        desk.run(200, updates(|_, _| answer(class.clone())));
        let instants: Vec<i64> = sent(&desk).iter().map(|(at, _, _)| at / 1000).collect();
        assert_eq!(instants, [10, 13, 19, 28]);
        assert_eq!(desk.decided_at(&DecisionKind::NotApplied { session: 1, change }), Some(28));
        assert!(desk.recording.has_alarm(AlarmCause::NotApplied(1)));
        assert!(desk.recording.changes.is_empty() && desk.recording.applied.is_none());
    }
}

#[test]
fn u1_a_refused_change_is_reported_at_once() {
    let mut desk = running();
    let change = audio(&mut desk);
    desk.run(60, updates(|_, _| answer(AnswerClass::Refused)));
    assert_eq!(sent(&desk).len(), 1);
    assert_eq!(desk.decided_at(&DecisionKind::NotApplied { session: 1, change }), Some(10));
    assert_eq!(desk.recording.refusal.as_ref().map(|refused| refused.operation), Some(Operation::Update));
}

#[test]
fn u1_an_unanswered_change_has_its_repeats_and_credentials_go_out_until_they_are_applied() {
    let mut desk = running();
    credentials(&mut desk);
    desk.run(
        400,
        updates(|n, _| match n {
            1..=4 => Reply::None(UnansweredCause::Timeout, 10_000),
            5..=9 => answer(AnswerClass::ServerError),
            _ => answer(AnswerClass::Updated),
        }),
    );
    let instants: Vec<i64> = sent(&desk).iter().map(|(at, _, _)| at / 1000).collect();
    // D2: 10 s each with gaps of 1, 3, 6 s; then 3, 6, 9 s; then every 60 s.
    assert_eq!(instants, [10, 21, 34, 50, 63, 69, 78, 138, 198, 258]);
    assert_eq!(desk.alarmed_at(AlarmCause::NotApplied(1)), Some(78));
    assert_eq!(desk.recording.open_alarms().count(), 0, "it was applied");
}

#[test]
fn u1_a_404_is_a_doubt_and_the_change_is_sent_again_when_the_session_is_back() {
    let mut desk = running();
    layout(&mut desk);
    let back = 40;
    desk.run(100, |call| match call.operation {
        Operation::UpdateLayout if call.at / 1000 < back => not_found(),
        Operation::Query if call.at / 1000 < back => not_found(),
        _ => well(call),
    });
    let instants: Vec<i64> = sent(&desk).iter().map(|(at, _, _)| at / 1000).collect();
    assert_eq!(desk.decided_at(&DecisionKind::InDoubt(1)), Some(10));
    assert_eq!(desk.queries(1, 11)[..3], [15, 25, 40]);
    assert_eq!(instants, [10, 40]);
    assert!(desk.recording.changes.is_empty());
}

#[test]
fn u1_nothing_is_changed_in_a_doubt_or_after_a_stop() {
    let mut desk = running();
    desk.run(200, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    audio(&mut desk);
    let call = MakeCall {
        after: desk.recording.last,
        session: 1,
        operation: Operation::Update,
        domain: Domain::Primary,
        rule: RuleId::U1,
        attempt: Attempt::default(),
    };
    let refused = permits(&desk.recording, &desk.board, &call, desk.now).expect_err("in doubt");
    assert_eq!(refused.rule, Some(RuleId::U1));
    let mut desk = running();
    audio(&mut desk);
    desk.press_stop();
    desk.run(60, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    assert!(sent(&desk).is_empty());
    assert!(desk.recording.changes.is_empty());
}

#[test]
fn u1_the_changes_that_wait_are_bounded_and_a_repeat_has_the_body_of_the_first() {
    let mut desk = Desk::new();
    for _ in 0..2 * CHANGES_MAX {
        audio(&mut desk);
    }
    assert_eq!(desk.recording.changes.len(), CHANGES_MAX);
    let mut desk = running();
    audio(&mut desk);
    desk.run(12, updates(|_, _| answer(AnswerClass::ServerError)));
    let first = desk.recording.session(1).expect("a session").change.sent_entry;
    let call = MakeCall {
        after: desk.recording.last,
        session: 1,
        operation: Operation::Update,
        domain: Domain::Primary,
        rule: RuleId::U1,
        attempt: Attempt::default(),
    };
    let permitted = permits(&desk.recording, &desk.board, &call, desk.now).expect("it is sent again");
    assert_eq!(permitted.repeats, Some(first));
    let layout = MakeCall { operation: Operation::UpdateLayout, ..call };
    assert!(permits(&desk.recording, &desk.board, &layout, desk.now).is_err(), "nobody asked for a layout");
}

#[test]
fn u2_of_two_layouts_that_wait_the_newer_one_is_sent() {
    let mut desk = Desk::new();
    layout(&mut desk);
    let newer = layout(&mut desk);
    desk.run(20, well);
    assert_eq!(sent(&desk).len(), 1);
    assert_eq!(desk.recording.applied.layout, newer);
}

#[test]
fn r1_a_replacement_starts_with_what_was_applied_and_is_sent_what_was_not() {
    let mut desk = running();
    let applied = layout(&mut desk);
    desk.run(20, well);
    let pending = audio(&mut desk);
    desk.run(260, |call| match (call.operation, call.session) {
        (Operation::Update | Operation::Query, 1) => not_found(),
        _ => well(call),
    });
    let second = desk.recording.session(2).expect("a replacement");
    assert_eq!(second.carries, Applied { layout: applied, ..Applied::default() });
    let updated: Vec<_> = desk.calls.iter().filter(|call| call.operation == Operation::Update).collect();
    assert_eq!(updated.iter().map(|call| call.session).collect::<Vec<_>>(), [1, 2]);
    let start = desk.calls.iter().find(|call| call.operation == Operation::Start && call.session == 2);
    assert_eq!(start.map(|call| call.changes.clone()), Some(vec![applied]));
    assert_eq!(desk.recording.applied.audio, pending);
}

#[test]
fn u1_another_change_repeats_no_body() {
    let mut desk = running();
    let repeats = |desk: &Desk| {
        let call = MakeCall {
            after: desk.recording.last,
            session: 1,
            operation: Operation::UpdateLayout,
            domain: Domain::Primary,
            rule: RuleId::U1,
            attempt: Attempt::default(),
        };
        permits(&desk.recording, &desk.board, &call, desk.now).expect("permitted").repeats
    };
    layout(&mut desk);
    assert_eq!(repeats(&desk), None, "the first time it is sent");
    desk.run(11, updates(|_, _| answer(AnswerClass::ServerError)));
    assert_eq!(sent(&desk).len(), 1);
    assert!(repeats(&desk).is_some(), "the second time it has the same body");
    desk.run(60, updates(|_, _| answer(AnswerClass::ServerError)));
    assert!(desk.recording.changes.is_empty(), "it was given up");
    layout(&mut desk);
    assert_eq!(repeats(&desk), None, "another one has a body of its own");
}
