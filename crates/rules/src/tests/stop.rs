//! T: a stop is kept until it is proved.

use agora::{AnswerClass, Operation, UnansweredCause};

use super::*;
use crate::journal::EndedHow;
use crate::recording::Phase;

const PRESSED: i64 = 20;

/// A running recording whose stop was pressed at 20 s.
fn pressed() -> Desk {
    let mut desk = running();
    desk.run(20, well);
    desk.press_stop();
    desk
}

/// Stops answered by their number from 1, queries by the seconds since the press.
fn service(
    stops: impl Fn(u32, &Seen) -> Reply,
    queries: impl Fn(i64) -> Reply,
) -> impl FnMut(&Seen) -> Reply {
    let mut count = 0;
    move |call| match call.operation {
        Operation::Stop => {
            count += 1;
            stops(count, call)
        }
        Operation::Query => queries(call.at / 1000 - PRESSED),
        _ => well(call),
    }
}

fn stops(desk: &Desk) -> Vec<i64> {
    desk.by_uid(Operation::Stop).into_iter().map(|(at, _)| at - PRESSED).collect()
}

fn queries_after(desk: &Desk) -> Vec<i64> {
    desk.queries(1, PRESSED).into_iter().map(|at| at - PRESSED).collect()
}

fn decided(desk: &Desk, kind: &DecisionKind) -> Option<i64> {
    desk.decided_at(kind).map(|at| at - PRESSED)
}

const STOPPED: DecisionKind = DecisionKind::Ended { session: 1, how: EndedHow::Stopped };

#[test]
fn t1_a_stop_is_asynchronous_only_where_notifications_were_seen() {
    let asynchronous = |notified| {
        let mut desk =
            Desk::on(requested(Policy::default()), BoardFacts { notified, ..BoardFacts::default() });
        desk.run(10, well);
        desk.press_stop();
        desk.run(11, well);
        desk.entries.iter().any(|entry| matches!(&entry.fact, Fact::CallSent(sent) if sent.asynchronous))
    };
    assert!(!asynchronous(None));
    assert!(asynchronous(Some(Timestamp::from_millis(ORIGIN))));
}

#[test]
fn t2_an_accepted_stop_is_proved_by_a_query_5_s_later_and_then_every_15_s() {
    for class in [
        AnswerClass::Stopped(StopAnswer::default()),
        AnswerClass::NoRecordedData,
        AnswerClass::AlreadyExiting,
        AnswerClass::UploadTimeout,
    ] {
        let mut desk = pressed();
        let gone = 36;
        desk.run(
            100,
            service(|_, _| answer(class.clone()), move |at| if at < gone { status(6) } else { not_found() }),
        );
        assert_eq!(stops(&desk), [0]);
        assert_eq!(queries_after(&desk)[..4], [5, 20, 35, 50]);
        assert_eq!(decided(&desk, &STOPPED), Some(50));
        assert!(desk.recording.settled());
    }
}

#[test]
fn t2_still_running_at_30_s_is_stopped_again() {
    let mut desk = pressed();
    desk.run(120, service(|_, _| stopped(), |at| if at < 60 { status(5) } else { not_found() }));
    assert_eq!(stops(&desk), [0, 35]);
    assert_eq!(
        desk.calls
            .iter()
            .filter(|call| call.operation == Operation::Stop)
            .map(|call| call.rule)
            .collect::<Vec<_>>(),
        [RuleId::T7, RuleId::T4]
    );
    assert!(desk.recording.settled());
}

#[test]
fn t2_a_query_at_30_s_counts_and_one_at_29_s_does_not() {
    let again = |first: u32| {
        let policy = Policy { stopped_first: first, stopped_interval: 15, ..Policy::default() };
        let mut desk = Desk::with_policy(policy);
        desk.run(20, well);
        desk.press_stop();
        desk.run(80, service(|_, _| stopped(), |_| status(5)));
        stops(&desk)[1]
    };
    assert_eq!(again(30), 30);
    assert_eq!(again(29), 44);
}

#[test]
fn t3_a_404_to_a_stop_is_gone_or_coming_back() {
    let mut desk = pressed();
    desk.run(700, service(|_, _| not_found(), |_| not_found()));
    assert_eq!(stops(&desk), [0]);
    assert_eq!(queries_after(&desk)[..7], [5, 15, 30, 45, 60, 75, 90]);
    assert_eq!(decided(&desk, &DecisionKind::TakenAsEnded(1)), Some(90));
    assert_eq!(queries_after(&desk)[7..], [105, 120, 150, 180, 240, 300, 600]);
    assert_eq!(decided(&desk, &DecisionKind::Ended { session: 1, how: EndedHow::NotFound }), Some(600));
    assert!(desk.by_uid(Operation::Start).len() == 1, "nothing is replaced after a stop");
}

#[test]
fn t3_when_it_comes_back_it_is_stopped_at_once() {
    let mut desk = pressed();
    desk.run(
        200,
        service(
            |n, _| if n == 1 { not_found() } else { stopped() },
            |at| if (40..55).contains(&at) { status(5) } else { not_found() },
        ),
    );
    assert_eq!(stops(&desk), [0, 45]);
    assert_eq!(decided(&desk, &STOPPED), Some(65));
}

#[test]
fn t3_counts_from_the_doubt_that_was_open_when_the_stop_was_pressed() {
    let mut desk = running();
    desk.run(400, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    // Lost long ago and replaced; both are stopped (T7).
    desk.press_stop();
    desk.run(900, |call| match call.operation {
        Operation::Stop | Operation::Query => not_found(),
        _ => well(call),
    });
    assert!(desk.recording.settled());
}

#[test]
fn t4_an_unclear_stop_goes_out_after_3_6_9_s_and_then_every_15_s() {
    for class in [AnswerClass::ServerError, AnswerClass::NotCompleted, AnswerClass::RequestTimeout] {
        let mut desk = pressed();
        desk.run(100, service(|_, _| answer(class.clone()), |_| status(5)));
        assert_eq!(stops(&desk), [0, 3, 9, 18, 33, 48, 63, 78]);
        assert_eq!(decided(&desk, &DecisionKind::Alarm(AlarmCause::StopUnconfirmed(1))), Some(60));
    }
}

#[test]
fn t4_sixty_seconds_without_confirmation_are_an_alarm_whatever_the_cause() {
    let mut desk = pressed();
    desk.run(100, service(|_, _| not_found(), |_| not_found()));
    assert_eq!(decided(&desk, &DecisionKind::Alarm(AlarmCause::StopUnconfirmed(1))), Some(60));
}

#[test]
fn t5_a_stop_before_a_sid_lets_no_further_start_leave_except_repeats() {
    let mut desk = Desk::new();
    desk.run(0, |call| if call.operation == Operation::Acquire { acquired(call) } else { Reply::Open });
    desk.press_stop();
    let open = desk.calls.last().expect("a start").id.clone();
    desk.answer_now(&open, 500, AnswerClass::ServerError);
    desk.run(60, well);
    assert_eq!(desk.by_uid(Operation::Start).len(), 1, "no S4 after a stop");
    assert!(desk.recording.session(1).is_some_and(crate::recording::Session::is_orphan));

    let mut desk = Desk::new();
    desk.run(0, |call| if call.operation == Operation::Acquire { acquired(call) } else { Reply::Open });
    desk.press_stop();
    let open = desk.calls.last().expect("a start").id.clone();
    desk.answer_now(&open, 206, AnswerClass::NotCompleted);
    desk.run(60, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (3, ORIGINAL)], "the only way to learn a sid");
    assert_eq!(desk.by_uid(Operation::Stop), [(3, ORIGINAL)]);
    assert!(desk.recording.settled());
}

#[test]
fn t5_a_sid_that_comes_late_is_stopped_at_once() {
    let mut desk = Desk::new();
    desk.run(131, |call| match call.operation {
        Operation::Start if call.session == 1 => Reply::None(UnansweredCause::Timeout, 30_000),
        Operation::Start => Reply::Open,
        _ => well(call),
    });
    desk.press_stop();
    let id = desk.calls.iter().find(|call| call.operation == Operation::Start).expect("a start").id.clone();
    desk.answer_now(&id, 200, AnswerClass::Started(sid(1)));
    desk.run(132, well);
    assert_eq!(desk.by_uid(Operation::Stop), [(131, ORIGINAL)]);
}

#[test]
fn t6_control_ends_before_the_recording_does() {
    let mut requested = requested(Policy::default());
    requested.settings.resource_expired_hours = 72;
    let mut desk = Desk::with(requested);
    desk.run(10, well);
    let session = desk.recording.session(1).expect("a session").clone();
    let control = crate::stop::control(&desk.recording.policy, &session, 72).expect("accepted");
    let seconds = |at: Timestamp| (at.millis() - ORIGIN) / 1000;
    let whole = 72 * 3600;
    assert_eq!(seconds(control.shown), whole * 80 / 100);
    assert_eq!(seconds(control.alarm), whole * 95 / 100);
    assert_eq!(seconds(control.changeover), whole - 3600);
    assert_eq!(seconds(control.ends), whole);
}

#[test]
fn t6_a_wanted_recording_is_changed_over_and_the_old_session_stopped_when_the_new_one_is_confirmed() {
    let mut requested = requested(Policy::default());
    requested.settings.resource_expired_hours = 1;
    let mut desk = Desk::with(requested);
    let mut gone = false;
    desk.run(2000, |call| match call.operation {
        Operation::Stop => {
            gone = true;
            stopped()
        }
        Operation::Query if call.session == 1 && gone => not_found(),
        _ => well(call),
    });
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (1800, BACKUP)], "half-time of an hour");
    assert_eq!(desk.by_uid(Operation::Stop), [(1805, ORIGINAL)]);
    assert!(desk.recording.replacements.is_empty(), "a changeover is no replacement (R3)");
    assert_eq!(desk.alarmed_at(AlarmCause::ControlEnding(1)), Some(1800));
}

#[test]
fn t6_after_the_end_no_answer_is_evidence() {
    let mut requested = requested(Policy { changeover: false, ..Policy::default() });
    requested.settings.resource_expired_hours = 1;
    let mut desk = Desk::with(requested);
    desk.run(4000, |call| match call.operation {
        Operation::Query if call.at >= 3_600_000 => not_found(),
        _ => well(call),
    });
    assert!(desk.queries(1, 3600).is_empty());
    assert_eq!(desk.alarmed_at(AlarmCause::OutOfControl(1)), Some(3600));
    assert_eq!(desk.by_uid(Operation::Start).len(), 1);
}

#[test]
fn t7_a_stop_of_the_recording_stops_each_session_that_is_not_over() {
    let mut desk = running();
    desk.run(300, |call| {
        let lost = call.operation == Operation::Query && call.session == 1;
        if lost { not_found() } else { well(call) }
    });
    assert_eq!(desk.recording.session(1).map(|session| session.phase), Some(Phase::Lost));
    desk.press_stop();
    desk.run(301, |call| match (call.operation, call.session) {
        (_, 1) => not_found(),
        _ => well(call),
    });
    assert_eq!(desk.by_uid(Operation::Stop), [(300, ORIGINAL), (300, BACKUP)]);
}

#[test]
fn t7_nothing_is_stopped_that_nobody_asked_to_stop() {
    let desk = running();
    let call = crate::api::MakeCall {
        after: desk.recording.last,
        session: 1,
        operation: Operation::Stop,
        domain: Domain::Primary,
        rule: RuleId::T7,
        attempt: crate::journal::Attempt::default(),
    };
    assert_eq!(
        permits(&desk.recording, &desk.board, &call, desk.now).expect_err("nobody asked").rule,
        Some(RuleId::T7)
    );
}

#[test]
fn t8_a_refused_stop_is_an_alarm_and_goes_out_every_60_s() {
    let mut desk = pressed();
    desk.run(
        220,
        service(
            |n, _| if n < 4 { answer(AnswerClass::Refused) } else { stopped() },
            |at| if at < 180 { status(5) } else { not_found() },
        ),
    );
    assert_eq!(stops(&desk), [0, 60, 120, 180]);
    assert_eq!(decided(&desk, &DecisionKind::Alarm(AlarmCause::StopRefused(1))), Some(0));
}

#[test]
fn t5_a_stop_that_is_taken_back_leaves_it_waiting_for_staff_as_before() {
    let mut desk = Desk::new();
    desk.run(5, |call| match call.operation {
        Operation::Acquire => answer(AnswerClass::Refused),
        _ => well(call),
    });
    let waiting = desk.recording.waiting.clone();
    assert!(waiting.is_some());
    let not_before = desk.now + std::time::Duration::from_secs(10);
    desk.by_staff(Fact::StopRequested(crate::journal::StopRequested {
        session: None,
        not_before,
        reason: String::new(),
    }));
    assert_eq!(desk.recording.waiting, None);
    desk.by_staff(Fact::StopWithdrawn);
    assert_eq!(desk.recording.waiting, waiting);
}

#[test]
fn d8_a_sid_that_comes_late_ends_what_was_begun_meanwhile() {
    let mut desk = Desk::new();
    // The first start is never answered, and a second resource ID is asked for with the same UID (S5).
    desk.run(200, |call| match call.operation {
        Operation::Start if call.session == 1 => Reply::None(agora::UnansweredCause::Timeout, 30_000),
        Operation::Start => Reply::Open,
        _ => well(call),
    });
    let first = desk.calls.iter().rfind(|call| call.operation == Operation::Start && call.session == 1);
    let first = first.expect("a start").id.clone();
    assert_eq!(
        desk.recording.session(2).map(|session| session.phase),
        Some(crate::recording::Phase::Starting)
    );
    desk.answer_now(&first, 200, AnswerClass::Started(sid(1)));
    let second =
        desk.calls.iter().rfind(|call| call.operation == Operation::Start).expect("a start").id.clone();
    desk.answer_now(&second, 200, AnswerClass::Started(sid(2)));
    desk.run(260, well);
    let stopped: Vec<_> = desk.calls.iter().filter(|call| call.operation == Operation::Stop).collect();
    assert!(!stopped.is_empty(), "one of two is enough");
    assert!(stopped.iter().all(|call| call.session == 2));
}
