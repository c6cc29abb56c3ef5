//! What the simulation found: each as short as it could be made.

use super::*;
use crate::journal::{EndedHow, WaitingFor};
use crate::recording::Phase;

/// Starts are answered by the script, everything else goes well.
fn starts(mut script: impl FnMut(&Seen) -> Reply) -> impl FnMut(&Seen) -> Reply {
    move |call| if call.operation == Operation::Start { script(call) } else { well(call) }
}

#[test]
fn d8_a_late_answer_to_a_try_that_has_ended_is_no_further_try() {
    let mut desk = Desk::new();
    desk.run(135, starts(|_| Reply::None(UnansweredCause::Timeout, 30_000)));
    let tries = |desk: &Desk| desk.recording.session(1).map(|session| session.start.tries);
    assert_eq!(tries(&desk), Some(1), "four calls without an answer are one try");
    let first =
        desk.calls.iter().find(|call| call.operation == Operation::Start).expect("a start").id.clone();
    desk.answer_now(&first, 501, AnswerClass::ServerError);
    assert_eq!(tries(&desk), Some(1));
    let last = desk.calls.iter().rev().find(|call| call.operation == Operation::Start && call.session == 1);
    let last = last.expect("a start").id.clone();
    desk.answer_now(&last, 429, AnswerClass::RateLimited { retry_after: None });
    let limited = desk.recording.session(1).map(|session| session.start.limited);
    assert_eq!(limited, Some(0), "a 429 that comes late asks for nothing again");
}

#[test]
fn m10_what_was_begun_before_a_long_stretch_is_left_behind_as_a_possible_orphan() {
    let mut desk = Desk::new();
    desk.run(1, starts(|_| answer(AnswerClass::ServerError)));
    desk.attended = false;
    desk.run(800, well);
    desk.attended = true;
    desk.lease();
    desk.run(801, well);
    let session = desk.recording.session(1).expect("a session");
    assert_eq!(session.phase, Phase::Abandoned);
    assert!(session.is_orphan(), "a start that was answered 50x may run");
    assert_eq!(desk.recording.waiting.as_ref().map(|waiting| waiting.why), Some(WaitingFor::Unattended));
}

#[test]
fn m10_what_staff_hurry_while_nobody_acts_does_not_hide_the_stretch() {
    let mut desk = running();
    desk.attended = false;
    desk.run(900, well);
    desk.by_staff(Fact::Hurried);
    desk.run(1_000, well);
    desk.lease();
    assert!(desk.recording.unattended.is_some());
}

#[test]
fn s11_a_start_is_not_repeated_with_a_uid_that_a_late_sid_of_another_session_has() {
    let mut desk = Desk::new();
    desk.run(135, starts(|_| Reply::None(UnansweredCause::Timeout, 30_000)));
    let second = desk.recording.session(2).expect("S5 acquires once more");
    assert_eq!((second.uid.get(), second.phase), (ORIGINAL, Phase::Starting));
    let last = desk.calls.iter().rev().find(|call| call.operation == Operation::Start && call.session == 1);
    let last = last.expect("a start").id.clone();
    desk.answer_now(&last, 200, AnswerClass::Started(sid(1)));
    let before = desk.calls.len();
    // The harness asserts that the guards permit whatever the rules ask for.
    desk.run(600, starts(|_| panic!("no further start")));
    assert!(desk.calls.len() > before, "the first one is watched");
    assert!(desk.recording.session(2).is_some_and(|session| session.is_orphan()));
}

#[test]
fn s11_the_pair_goes_on_in_turn_after_many_sessions_that_had_no_sid() {
    let mut desk = running();
    // The first session ends; its replacement finds every UID in use, again and again.
    desk.run(2_000, |call| match call.operation {
        Operation::Query if call.session == 1 => not_found(),
        Operation::Start => answer(AnswerClass::TaskConflict),
        _ => well(call),
    });
    assert!(matches!(
        desk.recording.session(1).map(|session| session.phase),
        Some(Phase::Over(EndedHow::NotFound))
    ));
    let rounds = desk.calls.iter().filter(|call| call.operation == Operation::Acquire && call.uid == BACKUP);
    assert!(rounds.count() > 3);
    let first_of_last_round = desk.calls.iter().rev().filter(|call| call.operation == Operation::Acquire);
    let uids: Vec<u32> = first_of_last_round.map(|call| call.uid).take(8).collect();
    let turn = uids.windows(2).filter(|pair| pair[1] == BACKUP && pair[0] == ORIGINAL).count();
    assert!(turn > 0, "the backup goes before the original while the original was last: {uids:?}");
}
