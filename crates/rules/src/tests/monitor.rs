//! M: whether a session still records. F: what its failovers are.

use agora::{AnswerClass, Operation};

use super::*;
use crate::policy::Patience;
use crate::recording::Phase;

/// Answers queries of the first session by the seconds since the request; the second session is well.
fn queries(script: impl Fn(i64) -> Reply) -> impl Fn(&Seen) -> Reply {
    move |call| match call.operation {
        Operation::Query if call.session == 1 => script(call.at / 1000),
        _ => well(call),
    }
}

/// Runs to the first routine query, whose answer is the first of `script`; the seconds it was sent at.
fn first_routine(policy: Policy) -> (Desk, i64) {
    let mut desk = running_with(policy);
    let before = desk.calls.len();
    let mut probe = running_with(desk.recording.policy.clone());
    probe.run(400, well);
    let at = probe.calls[before].at;
    desk.run(u32::try_from(at / 1000 - 1).expect("small"), well);
    (desk, at)
}

/// A session that is not found from its first routine query on; the instant of that 404, in milliseconds.
fn doubted(policy: Policy) -> (Desk, i64) {
    let (desk, at) = first_routine(policy);
    let mut desk = Desk { ..desk };
    desk.run(u32::try_from(at / 1000 + 1).expect("small"), queries(|_| not_found()));
    assert_eq!(
        desk.recording.session(1).and_then(|session| session.doubt).map(|doubt| doubt.t0.millis() - ORIGIN),
        Some(at)
    );
    (desk, at)
}

/// The queries of the first session after t0, in seconds after it.
fn after(desk: &Desk, t0: i64) -> Vec<i64> {
    let queries = desk.calls.iter().filter(|call| call.operation == Operation::Query && call.session == 1);
    queries.map(|call| (call.at - t0) / 1000).filter(|offset| *offset > 0).collect()
}

fn seconds_of(kind: &DecisionKind, desk: &Desk, t0: i64) -> Option<i64> {
    let at = desk.entries.iter().find_map(|entry| match &entry.fact {
        Fact::Decided(decision) if decision.kind == *kind => Some(entry.at.millis() - ORIGIN),
        _ => None,
    })?;
    Some((at - t0) / 1000)
}

#[test]
fn m1_a_live_session_is_asked_every_120_s_give_or_take_a_hash() {
    let mut desk = running();
    desk.run(2000, well);
    let queries: Vec<i64> =
        desk.calls.iter().filter(|call| call.rule == RuleId::M1).map(|call| call.at).collect();
    let gaps: Vec<i64> = queries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap == gaps[0]), "{gaps:?}");
    assert!((114_000..=126_000).contains(&gaps[0]), "{gaps:?}");
    // The hash of this very `sid`, so that a change of the number or of the share is seen.
    assert_eq!(gaps[0], 117_000);
}

#[test]
fn m1_the_interval_keeps_within_idle_time_and_never_below_15_s() {
    let interval = |idle: u32, mode| {
        let mut desk = running();
        desk.recording.max_idle_time = idle;
        desk.recording.mode = mode;
        let session = desk.recording.session(1).expect("a session");
        crate::monitor::interval(&desk.recording, session, 10, 1).as_millis()
    };
    let steady = interval(300, agora::Mode::Mix);
    assert_eq!(interval(100, agora::Mode::Mix), steady * 90 / 120);
    assert_eq!(interval(5, agora::Mode::Mix), steady * 15 / 120);
    assert_eq!(interval(5, agora::Mode::Web), steady);
}

#[test]
fn m1_routine_uses_at_most_40_percent_of_the_budget() {
    let desk = running();
    let session = desk.recording.session(1).expect("a session");
    let interval = |watched| crate::monitor::interval(&desk.recording, session, 10, watched).as_millis();
    assert_eq!(interval(1), interval(400));
    assert_eq!(interval(1000), 250_000);
    assert_eq!(interval(2000), 500_000);
}

#[test]
fn m2_a_404_is_asked_again_after_5_15_and_30_s() {
    let (mut desk, t0) = doubted(Policy::default());
    desk.run(u32::try_from(t0 / 1000 + 32).expect("small"), queries(|_| not_found()));
    assert_eq!(after(&desk, t0), [5, 15, 30]);
    let rules: Vec<_> = desk.calls.iter().rev().take(3).map(|call| call.rule).collect();
    assert_eq!(rules, [RuleId::M2; 3]);
    assert_eq!(
        desk.recording.session(1).map(|session| session.phase),
        Some(Phase::Live),
        "in doubt, not dead"
    );
}

#[test]
fn m3_patient_asks_every_15_s_and_believes_a_404_asked_for_at_90_s() {
    let (mut desk, t0) = doubted(Policy::default());
    desk.run(u32::try_from(t0 / 1000 + 95).expect("small"), queries(|_| not_found()));
    assert_eq!(after(&desk, t0), [5, 15, 30, 45, 60, 75, 90]);
    assert_eq!(seconds_of(&DecisionKind::Lost(1), &desk, t0), Some(90));
    assert_eq!(seconds_of(&DecisionKind::Replace(1), &desk, t0), Some(90));
    assert_eq!(desk.by_uid(Operation::Acquire).last().map(|(_, uid)| *uid), Some(BACKUP));
}

#[test]
fn m3_any_other_answer_at_90_s_goes_on_asking() {
    let (mut desk, t0) = doubted(Policy::default());
    let unclear = move |at: i64| {
        let offset = at - t0 / 1000;
        if (80..110).contains(&offset) { answer(AnswerClass::ServerError) } else { not_found() }
    };
    desk.run(u32::try_from(t0 / 1000 + 125).expect("small"), queries(unclear));
    assert_eq!(after(&desk, t0)[5..9], [75, 90, 105, 120]);
    assert_eq!(seconds_of(&DecisionKind::Lost(1), &desk, t0), Some(120));
}

#[test]
fn m3_swift_replaces_at_30_s_and_immediate_at_once_and_both_go_on_asking() {
    let lost = |patience| {
        let (mut desk, t0) = doubted(Policy::with_patience(patience));
        desk.run(u32::try_from(t0 / 1000 + 200).expect("small"), queries(|_| not_found()));
        assert_eq!(after(&desk, t0)[..10], [5, 15, 30, 45, 60, 75, 90, 105, 120, 150]);
        seconds_of(&DecisionKind::Lost(1), &desk, t0)
    };
    assert_eq!(lost(Patience::Swift), Some(30));
    assert_eq!(lost(Patience::Immediate), Some(0));
}

#[test]
fn m3_after_three_proved_failovers_no_fourth_can_come() {
    let lost = |name: &'static str| {
        let mut desk = running();
        desk.run(150, queries(move |_| status_with_file(5, name)));
        desk.run(600, queries(|_| not_found()));
        let doubt = desk.recording.session(1).and_then(|session| session.doubt).expect("a doubt");
        seconds_of(&DecisionKind::Lost(1), &desk, doubt.t0.millis() - ORIGIN)
    };
    assert_eq!(lost("bak2_s_math-7b.m3u8"), Some(30));
    assert_eq!(lost("bak1_s_math-7b.m3u8"), Some(90));
}

#[test]
fn m4_a_good_answer_ends_the_doubt_and_the_gap_is_kept() {
    let (mut desk, t0) = doubted(Policy::default());
    let back = t0 / 1000 + 40;
    desk.run(
        u32::try_from(back + 100).expect("small"),
        queries(move |at| if at < back { not_found() } else { status(5) }),
    );
    let session = desk.recording.session(1).expect("a session");
    assert_eq!(session.phase, Phase::Live);
    assert_eq!(session.interruptions.len(), 1);
    let away = &session.interruptions[0];
    assert_eq!((away.t0.millis() - ORIGIN, away.back.millis() - ORIGIN - t0), (t0, 45_000));
    assert_eq!(desk.by_uid(Operation::Start).len(), 1);
}

#[test]
fn m4_a_lost_session_that_returns_is_a_twin_and_staff_are_asked_every_10_min() {
    let (mut desk, t0) = doubted(Policy::default());
    let back = t0 / 1000 + 170;
    desk.run(
        u32::try_from(back + 1300).expect("small"),
        queries(move |at| if at < back { not_found() } else { status(5) }),
    );
    let phases: Vec<_> = desk.recording.sessions.iter().map(|session| session.phase).collect();
    assert_eq!(phases, [Phase::Live, Phase::Live]);
    assert_eq!(desk.recording.billed(), (2, 0));
    let first = desk.alarmed_at(AlarmCause::Twins(1)).expect("an alarm");
    assert_eq!(desk.alarmed_at(AlarmCause::Twins(2)), Some(first + 600));
    assert!(desk.by_uid(Operation::Stop).is_empty(), "both stay");
}

#[test]
fn m4_a_younger_one_that_is_not_confirmed_gives_way() {
    let (mut desk, t0) = doubted(Policy::default());
    let back = t0 / 1000 + 100;
    desk.run(u32::try_from(back + 60).expect("small"), move |call| match (call.operation, call.session) {
        (Operation::Query, 1) if call.at / 1000 < back => not_found(),
        (Operation::Query, 2) => status(2),
        _ => well(call),
    });
    assert_eq!(desk.by_uid(Operation::Stop).first().map(|(_, uid)| *uid), Some(BACKUP));
    let stop = desk.calls.iter().find(|call| call.operation == Operation::Stop).expect("a stop");
    assert_eq!(stop.rule, RuleId::M4);
}

#[test]
fn m5_unclear_answers_are_asked_again_after_5_10_15_30_s_and_never_end_it() {
    let (mut desk, at) = first_routine(Policy::default());
    desk.run(u32::try_from(at / 1000 + 700).expect("small"), queries(|_| answer(AnswerClass::ServerError)));
    let offsets: Vec<i64> = after(&desk, at);
    assert_eq!(offsets[..6], [5, 15, 30, 60, 90, 120]);
    assert_eq!(desk.recording.session(1).map(|session| session.phase), Some(Phase::Live));
    let alarm = seconds_of(&DecisionKind::Alarm(AlarmCause::Unclear(1)), &desk, at);
    assert_eq!(alarm, Some(600));
}

#[test]
fn m5_two_minutes_without_a_clear_answer_want_attention() {
    let (mut desk, at) = first_routine(Policy::default());
    let second = |offset: i64| u32::try_from(at / 1000 + offset).expect("small");
    desk.run(second(30), queries(|_| answer(AnswerClass::ServerError)));
    let since = Timestamp::from_millis(ORIGIN + at);
    let after = |millis| desk.recording.wants_attention(since + std::time::Duration::from_millis(millis));
    assert!(!after(119_999));
    assert!(after(120_000));
}

#[test]
fn m6_code_65_is_asked_again_after_3_and_6_s_and_then_as_m5() {
    let (mut desk, at) = first_routine(Policy::default());
    desk.run(u32::try_from(at / 1000 + 60).expect("small"), queries(|_| answer(AnswerClass::NotCompleted)));
    assert_eq!(after(&desk, at)[..4], [3, 9, 14, 24]);
}

#[test]
fn m7_an_ending_session_is_asked_every_15_s_until_it_is_not_found() {
    let (mut desk, at) = first_routine(Policy::default());
    let end = at / 1000 + 40;
    desk.run(
        u32::try_from(at / 1000 + 50).expect("small"),
        queries(move |now| if now < end { status(7) } else { not_found() }),
    );
    assert_eq!(after(&desk, at), [15, 30, 45]);
    let ended = DecisionKind::Ended { session: 1, how: crate::journal::EndedHow::Exited };
    assert_eq!(seconds_of(&ended, &desk, at), Some(45));
    assert!(desk.by_uid(Operation::Start).len() == 2, "it was not asked for, so it is replaced");
}

#[test]
fn m7_ending_for_5_min_is_an_alarm_and_then_asked_every_minute() {
    let (mut desk, at) = first_routine(Policy::default());
    desk.run(u32::try_from(at / 1000 + 500).expect("small"), queries(|_| status(6)));
    assert_eq!(seconds_of(&DecisionKind::Alarm(AlarmCause::Ending(1)), &desk, at), Some(300));
    let offsets = after(&desk, at);
    assert_eq!(offsets[18..23], [285, 300, 360, 420, 480]);
}

#[test]
fn m7_status_20_is_replaced_at_once_and_asked_after() {
    let (mut desk, at) = first_routine(Policy::default());
    let gone = at / 1000 + 1;
    desk.run(
        u32::try_from(at / 1000 + 130).expect("small"),
        queries(move |now| if now < gone { status(20) } else { not_found() }),
    );
    assert_eq!(seconds_of(&DecisionKind::Lost(1), &desk, at), Some(0));
    assert_eq!(desk.by_uid(Operation::Start).len(), 2);
    assert!(after(&desk, at).contains(&105));
}

#[test]
fn m8_a_refused_query_is_an_alarm_and_monitoring_goes_on() {
    let (mut desk, at) = first_routine(Policy::default());
    let well_again = at / 1000 + 300;
    desk.run(
        u32::try_from(at / 1000 + 400).expect("small"),
        queries(move |now| if now < well_again { answer(AnswerClass::Refused) } else { status(5) }),
    );
    assert_eq!(seconds_of(&DecisionKind::Alarm(AlarmCause::Configuration(1)), &desk, at), Some(0));
    assert_eq!(after(&desk, at)[..2], [117, 234]);
    assert_eq!(desk.recording.open_alarms().count(), 0, "the alarm ends with the first 200");
}

#[test]
fn m9_a_notification_alone_decides_nothing() {
    let mut desk = running();
    desk.write(
        By::Agora,
        Fact::Notified(Box::new(crate::journal::Notified {
            notice: "n1".to_owned(),
            event: agora::EventType::SessionExit,
            sid: sid(1),
            uid: None,
            sent_at: desk.now,
            sequence: 1,
            details: agora::notification::Details::default(),
            raw: None,
        })),
    );
    assert_eq!(desk.recording.session(1).map(|session| session.phase), Some(Phase::Live));
}

#[test]
fn m10_who_takes_over_asks_once_and_a_404_then_is_a_new_t0() {
    let (mut desk, t0) = doubted(Policy::default());
    desk.attended = false;
    let back = u32::try_from(t0 / 1000 + 1000).expect("small");
    desk.run(back, queries(|_| not_found()));
    desk.attended = true;
    desk.lease();
    desk.run(back + 1, queries(|_| not_found()));
    let first = desk.calls.last().expect("a query");
    assert_eq!((first.rule, first.at / 1000), (RuleId::M10, i64::from(back)));
    let doubt = desk.recording.session(1).and_then(|session| session.doubt).expect("a doubt");
    assert_eq!(doubt.t0.millis() - ORIGIN, i64::from(back) * 1000, "no verdict on old answers");
    assert!(desk.recording.unattended.is_some());
}

#[test]
fn m10_a_doubt_that_is_not_old_goes_on_after_a_take_over() {
    let kept = |away: u32| {
        let (mut desk, t0) = doubted(Policy::default());
        desk.attended = false;
        desk.run(u32::try_from(t0 / 1000).expect("small") + away, queries(|_| not_found()));
        desk.attended = true;
        desk.now = Timestamp::from_millis(ORIGIN + t0 + i64::from(away) * 1000);
        desk.lease();
        desk.recording.session(1).and_then(|session| session.doubt).is_some()
    };
    assert!(kept(90));
    assert!(!kept(91));
}

#[test]
fn m10_unattended_is_longer_than_twice_the_interval_that_was_due() {
    let unattended = |away_millis: u64| {
        let (mut desk, t0) = doubted(Policy::default());
        desk.attended = false;
        let acted = desk.recording.acted_at.expect("somebody acted");
        assert_eq!(acted.millis() - ORIGIN, t0);
        desk.now = acted + std::time::Duration::from_millis(away_millis);
        desk.lease();
        desk.recording.unattended.is_some()
    };
    assert!(!unattended(10_000), "the query was due after 5 s");
    assert!(unattended(10_001));
}

#[test]
fn m10_a_start_that_fell_due_in_a_long_stretch_waits_for_staff() {
    let waits = |away: u64| {
        let mut desk = Desk::new();
        desk.now = desk.now + std::time::Duration::from_secs(away);
        desk.lease();
        let until = u32::try_from(away).expect("small") + 1;
        desk.run(until, well);
        desk.recording.waiting.as_ref().map(|waiting| waiting.rule)
    };
    assert_eq!(waits(600), None);
    assert_eq!(waits(601), Some(RuleId::M10));
}

#[test]
fn m11_a_lost_session_is_asked_for_ten_minutes_more_and_only_then_over() {
    let (mut desk, t0) = doubted(Policy::default());
    desk.run(u32::try_from(t0 / 1000 + 700).expect("small"), queries(|_| not_found()));
    assert_eq!(after(&desk, t0)[6..], [90, 105, 120, 150, 180, 240, 300, 600]);
    let over = DecisionKind::Ended { session: 1, how: crate::journal::EndedHow::NotFound };
    assert_eq!(seconds_of(&over, &desk, t0), Some(600));
}

#[test]
fn f1_failovers_are_proved_by_file_names_and_possible_by_gaps() {
    let (mut desk, t0) = doubted(Policy::default());
    let back = t0 / 1000 + 20;
    let script = move |at: i64| if at < back { not_found() } else { status(5) };
    desk.run(u32::try_from(back + 100).expect("small"), queries(script));
    assert_eq!(desk.recording.session(1).map(crate::recording::Session::failover_count), Some((0, 1)));
    desk.run(
        u32::try_from(back + 300).expect("small"),
        queries(|_| status_with_file(5, "bak0_s_math-7b.m3u8")),
    );
    let session = desk.recording.session(1).expect("a session");
    assert_eq!(session.failover_count(), (1, 1), "the interruption is explained");
    assert_eq!(session.interruptions[0].leg, Some(0));
}

#[test]
fn f2_the_window_is_90_s_and_three_failovers_are_the_most() {
    let policy = Policy::default();
    let documented = |span: std::time::Duration| u32::try_from(span.as_secs()).expect("small");
    assert_eq!(policy.doubt_window, documented(agora::limits::FAILOVER_TOTAL));
    assert_eq!(policy.doubt_instants[2], documented(agora::limits::FAILOVER_KILLED));
    assert_eq!(policy.failovers, u32::from(agora::limits::FAILOVERS_MAX));
}

#[test]
fn f3_a_uid_that_a_failover_brought_is_never_taken() {
    let (mut desk, t0) = doubted(Policy::default());
    desk.run(u32::try_from(t0 / 1000 + 95).expect("small"), queries(|_| not_found()));
    let ours = [ORIGINAL, BACKUP, RESERVE, LAST_RESERVE];
    assert!(desk.calls.iter().all(|call| ours.contains(&call.uid)));
}

#[test]
fn f5_calls_keep_the_uid_of_the_acquire_after_a_failover() {
    let mut desk = running();
    desk.run(400, queries(|_| status_with_file(5, "bak0_s_math-7b.m3u8")));
    assert!(desk.calls.iter().all(|call| call.uid == ORIGINAL));
}

#[test]
fn f4_the_index_files_that_answers_name_are_kept() {
    let mut desk = running();
    desk.run(200, queries(|_| status_with_file(5, "s_math-7b.m3u8")));
    desk.run(400, queries(|_| status_with_file(5, "bak0_s_math-7b.m3u8")));
    assert_eq!(
        desk.recording.session(1).map(|session| session.files.clone()),
        Some(vec!["s_math-7b.m3u8".to_owned(), "bak0_s_math-7b.m3u8".to_owned()])
    );
}

#[test]
fn f6_a_gap_is_bounded_by_the_last_good_query_and_the_first_good_answer() {
    let (mut desk, t0) = doubted(Policy::default());
    let back = t0 / 1000 + 20;
    desk.run(
        u32::try_from(back + 60).expect("small"),
        queries(move |at| if at < back { not_found() } else { status(5) }),
    );
    let session = desk.recording.session(1).expect("a session");
    let away = &session.interruptions[0];
    assert!(away.last_good.is_some_and(|good| good < away.t0) && away.back > away.t0);
}

#[test]
fn m10_after_a_take_over_nothing_is_concluded_from_older_answers() {
    let (mut desk, t0) = doubted(Policy::default());
    let lost = u32::try_from(t0 / 1000 + 100).expect("small");
    desk.run(lost, queries(|_| not_found()));
    desk.press_stop();
    desk.attended = false;
    desk.run(lost + 3_000, queries(|_| not_found()));
    desk.attended = true;
    desk.lease();
    let stop_is_not_found = |call: &Seen| match call.operation {
        Operation::Stop => not_found(),
        Operation::Query => Reply::Open,
        _ => well(call),
    };
    desk.run(lost + 3_010, stop_is_not_found);
    let taken = desk.decided_at(&DecisionKind::TakenAsEnded(1));
    assert_eq!(taken, None, "the last answer to a query is from before");
}
