//! V: whether an accepted session records.

use agora::{AnswerClass, Mode, Operation};

use super::*;
use crate::recording::Phase;

/// A session whose queries are answered by their number, from 1.
fn queries(mut script: impl FnMut(u32, &Seen) -> Reply) -> impl FnMut(&Seen) -> Reply {
    let mut count = 0;
    move |call| match call.operation {
        Operation::Query if call.session == 1 => {
            count += 1;
            script(count, call)
        }
        _ => well(call),
    }
}

#[test]
fn v1_asks_5_10_20_35_50_65_80_and_90_s_after_the_sid() {
    let mut desk = Desk::new();
    desk.run(89, queries(|_, _| status(1)));
    assert_eq!(desk.queries(1, 0), [5, 10, 20, 35, 50, 65, 80]);
    desk.run(90, queries(|_, _| status(1)));
    assert_eq!(desk.queries(1, 0).last(), Some(&90));
    assert!(
        desk.calls
            .iter()
            .filter(|call| call.operation == Operation::Query)
            .all(|call| call.rule == RuleId::V1)
    );
}

#[test]
fn v1_a_short_idle_time_shortens_the_gaps_but_none_below_4_s() {
    let gaps = |idle: u32, mode: Mode| {
        let mut requested = requested(Policy::default());
        requested.settings.recording_config.max_idle_time = idle;
        requested.settings.mode = mode;
        let desk = Desk::with(requested);
        let instants = crate::verify::instants(&desk.recording);
        let pairs = instants.windows(2).map(|pair| pair[1] - pair[0]);
        let all: Vec<u32> = pairs.collect();
        (all.iter().copied().max().unwrap_or(0), all.iter().copied().min().unwrap_or(0))
    };
    assert_eq!(gaps(300, Mode::Mix), (15, 5));
    assert_eq!(gaps(30, Mode::Mix), (15, 5));
    // 0.9 × 16 s = 14 s: the gaps of 15 s are halved.
    let (longest, shortest) = gaps(16, Mode::Mix);
    assert_eq!((longest, shortest), (10, 5));
    let (longest, shortest) = gaps(5, Mode::Mix);
    assert_eq!((longest, shortest), (5, 5));
    let (longest, _) = gaps(9, Mode::Mix);
    assert_eq!(longest, 8);
    assert_eq!(gaps(5, Mode::Web), (15, 5));
}

#[test]
fn v1_no_gap_is_divided_below_the_shortest() {
    let policy = Policy { verify_instants: [8, 16, 24, 32, 40, 48, 56, 64], ..Policy::default() };
    let mut requested = requested(policy);
    requested.settings.recording_config.max_idle_time = 5;
    let desk = Desk::with(requested);
    assert_eq!(crate::verify::instants(&desk.recording)[..3], [8, 12, 16]);
}

#[test]
fn v2_status_4_or_5_confirms_and_after_a_4_the_instants_go_on_until_a_5() {
    let mut desk = Desk::new();
    desk.run(100, queries(|n, _| status(if n < 4 { 4 } else { 5 })));
    assert_eq!(desk.decided_at(&DecisionKind::Confirmed(1)), Some(5));
    assert_eq!(desk.queries(1, 0), [5, 10, 20, 35]);
    let mut web = requested(Policy::default());
    web.settings.mode = Mode::Web;
    let mut desk = Desk::with(web);
    desk.run(100, queries(|_, _| status(4)));
    let verifying = desk.calls.iter().filter(|call| call.rule == RuleId::V1).map(|call| call.at / 1000);
    assert_eq!(verifying.collect::<Vec<_>>(), [5, 10], "a second 4 is enough in web mode");
}

#[test]
fn v2_a_404_after_a_4_is_a_doubt() {
    let mut desk = Desk::new();
    desk.run(30, queries(|n, _| if n == 1 { status(4) } else { not_found() }));
    assert_eq!(desk.decided_at(&DecisionKind::InDoubt(1)), Some(10));
    assert_eq!(desk.queries(1, 0), [5, 10, 15, 25]);
}

#[test]
fn v3_never_found_is_not_started_by_a_query_sent_at_90_s_and_not_before() {
    let mut desk = Desk::new();
    desk.run(89, queries(|_, _| not_found()));
    assert_eq!(desk.recording.session(1).map(|session| session.phase), Some(Phase::Accepted));
    desk.run(91, queries(|_, _| not_found()));
    assert_eq!(desk.decided_at(&DecisionKind::NotStarted { session: 1, alive: false }), Some(90));
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (90, BACKUP)]);
}

#[test]
fn v3_still_preparing_at_90_s_is_replaced_and_stopped_at_once() {
    let mut desk = Desk::new();
    desk.run(91, queries(|_, _| status(2)));
    assert_eq!(desk.decided_at(&DecisionKind::NotStarted { session: 1, alive: true }), Some(90));
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (90, BACKUP)]);
    assert_eq!(desk.by_uid(Operation::Stop), [(90, ORIGINAL)]);
}

#[test]
fn v3_a_404_after_a_200_is_a_doubt_and_patient_whatever_the_policy() {
    let policy = Policy::with_patience(crate::Patience::Immediate);
    let mut desk = Desk::with_policy(policy);
    desk.run(99, queries(|n, _| if n == 1 { status(2) } else { not_found() }));
    assert_eq!(desk.decided_at(&DecisionKind::InDoubt(1)), Some(10));
    assert_eq!(desk.decided_at(&DecisionKind::Lost(1)), None);
    desk.run(101, queries(|_, _| not_found()));
    assert_eq!(desk.decided_at(&DecisionKind::Lost(1)), Some(100));
}

#[test]
fn v3_unclear_answers_are_no_verdict_but_an_alarm_at_120_s() {
    let mut desk = Desk::new();
    desk.run(300, queries(|_, _| answer(AnswerClass::ServerError)));
    assert_eq!(desk.recording.session(1).map(|session| session.phase), Some(Phase::Accepted));
    assert_eq!(desk.alarmed_at(AlarmCause::Unconfirmed(1)), Some(120));
    assert_eq!(desk.by_uid(Operation::Start).len(), 1);
    assert_eq!(desk.queries(1, 91)[..3], [120, 150, 180], "M5's rhythm goes on");
}

#[test]
fn v3_a_first_answer_after_90_s_is_judged_as_one_of_a_live_session() {
    let mut desk = Desk::new();
    desk.run(1, well);
    desk.attended = false;
    desk.run(200, well);
    desk.attended = true;
    desk.run(201, queries(|_, _| not_found()));
    assert_eq!(desk.decided_at(&DecisionKind::InDoubt(1)), Some(200));
    assert_eq!(desk.decided_at(&DecisionKind::NotStarted { session: 1, alive: false }), None);
}

#[test]
fn v4_a_missing_notification_starts_nothing_unless_the_policy_says_so() {
    let mut desk = Desk::new();
    desk.run(600, well);
    assert!(!desk.recording.policy.started_notification);
    assert_eq!(desk.by_uid(Operation::Start).len(), 1);
}

#[test]
fn v5_accepted_and_confirmed_are_told_apart() {
    let mut desk = Desk::new();
    desk.run(4, well);
    let session = desk.recording.session(1).expect("a session");
    assert!(session.accepted.is_some() && session.confirmed.is_none());
    desk.run(5, well);
    let session = desk.recording.session(1).expect("a session");
    assert!(session.accepted.is_some() && session.confirmed.is_some());
}
