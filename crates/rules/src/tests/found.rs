//! What the simulation found: each as short as it could be made.

use agora::Mode;
use agora::notification::{Details, EventType};

use super::*;
use crate::journal::{Decision, EndedHow, Notified, WaitingFor};
use crate::recording::{Phase, Session};

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

#[test]
fn d2_the_third_repeat_goes_where_the_second_did_not() {
    use Domain::{Primary, Region, Secondary};
    let domains = |causes: [UnansweredCause; 4]| {
        let facts = BoardFacts { has_region: true, ..BoardFacts::default() };
        let mut desk = Desk::on(requested(Policy::default()), facts);
        let mut causes = causes.into_iter();
        desk.run(11, |_| causes.next().map_or(Reply::Open, |cause| Reply::None(cause, 0)));
        desk.calls.iter().take(4).map(|call| call.domain).collect::<Vec<_>>()
    };
    let (dns, reset) = (UnansweredCause::Dns, UnansweredCause::Reset);
    assert_eq!(domains([reset, reset, dns, dns]), [Primary, Primary, Region, Secondary]);
    assert_eq!(domains([dns, dns, reset, reset]), [Primary, Primary, Secondary, Region]);
}

#[test]
fn v3_not_confirmed_in_time_is_an_alarm_also_after_a_take_over() {
    let mut desk = Desk::new();
    desk.run(1, well);
    desk.attended = false;
    desk.run(60, well);
    desk.attended = true;
    desk.lease();
    assert!(desk.recording.unattended.is_some());
    desk.run(300, |_| answer(AnswerClass::ServerError));
    assert_eq!(desk.alarmed_at(AlarmCause::Unconfirmed(1)), Some(120));
}

#[test]
fn m5_an_alarm_that_has_passed_is_raised_again_for_the_same_cause() {
    let mut desk = running();
    let alarms = |desk: &Desk| {
        let raised = DecisionKind::Alarm(AlarmCause::Unclear(1));
        desk.decided().iter().filter(|(_, _, kind)| *kind == raised).count()
    };
    desk.run(1_000, |_| answer(AnswerClass::ServerError));
    assert_eq!(alarms(&desk), 1);
    desk.run(1_300, well);
    assert_eq!(desk.recording.open_alarms().count(), 0, "it passed, though nobody acknowledged it");
    desk.run(2_300, |_| answer(AnswerClass::ServerError));
    assert_eq!(alarms(&desk), 2);
}

#[test]
fn s10_a_recording_that_was_stopped_stands_in_nobodys_way() {
    let mut desk = Desk::new();
    desk.run(1, |_| answer(AnswerClass::ServerError));
    assert!(desk.board.starting(&desk.recording.channel, Mode::Mix).is_some());
    // Something that nobody has acknowledged keeps it on the board.
    let alarm = DecisionKind::Alarm(AlarmCause::Twins(1));
    desk.by_client(Fact::Decided(Decision { kind: alarm, rule: RuleId::M4, evidence: Vec::new() }));
    desk.press_stop();
    assert!(desk.board.starting(&desk.recording.channel, Mode::Mix).is_some(), "not given up yet");
    desk.run(2, well);
    assert!(!desk.recording.settled() && desk.recording.procedure.is_some());
    assert_eq!(desk.board.starting(&desk.recording.channel, Mode::Mix), None);
}

#[test]
fn m1_what_staff_hurry_is_asked_of_every_session() {
    let mut desk = running();
    // The first one is lost and comes back beside its replacement.
    desk.run(1_000, |call| match (call.operation, call.session) {
        (Operation::Query, 1) if call.at < 400_000 => not_found(),
        _ => well(call),
    });
    desk.run(1_010, well);
    let hurried = desk.offset() / 1_000;
    desk.by_staff(Fact::Hurried);
    desk.run(1_012, well);
    assert_eq!(desk.queries(1, hurried), [hurried]);
    assert_eq!(desk.queries(2, hurried), [hurried]);
}

#[test]
fn s4_a_try_of_the_minute_is_not_counted_among_the_four() {
    let mut desk = Desk::new();
    desk.run(900, starts(|_| answer(AnswerClass::ServerError)));
    let starts: Vec<&Seen> = desk.calls.iter().filter(|call| call.operation == Operation::Start).collect();
    assert_eq!(starts[..8].iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 3, 4, 1, 2, 3, 4]);
    assert!(starts.len() > 16 && starts[8..].iter().all(|call| call.attempt == 1));
}

#[test]
fn r1_one_that_is_gone_is_kept_until_it_is_replaced() {
    let mut desk = running();
    let one = desk.recording.sessions[0].clone();
    desk.recording.sessions = (1..=6)
        .map(|number| {
            let phase = if number == 6 { Phase::Over(EndedHow::Exited) } else { Phase::Lost };
            Session { number, phase, replaced: number < 6, ..one.clone() }
        })
        .collect();
    desk.recording.next_session = 7;
    desk.by_staff(Fact::Hurried);
    assert!(desk.recording.session(6).is_some(), "its replacement is still to be decided");
    desk.run(11, well);
    assert!(
        desk.decided().iter().any(|(_, rule, kind)| (*rule, kind) == (RuleId::R1, &DecisionKind::Replace(6)))
    );
}

#[test]
fn s11_with_a_possible_orphan_on_every_uid_the_oldest_is_tried_again() {
    let mut desk = Desk::new();
    desk.run(60, starts(|_| answer(AnswerClass::AlreadyStarted(None))));
    let starts = desk.by_uid(Operation::Start);
    assert_eq!(starts[..4], [(0, ORIGINAL), (0, BACKUP), (0, RESERVE), (0, LAST_RESERVE)]);
    assert_eq!(starts[4], (3, ORIGINAL), "a recording that is wanted is not left at that");
    assert_eq!(desk.alarmed_at(AlarmCause::UidsInUse), Some(0));
}

#[test]
fn s7_the_gap_before_the_next_round_counts_from_the_last_try() {
    let mut desk = Desk::new();
    // Every answer takes a second, and after each round more sessions than are kept have been given up.
    desk.run(60, |call| match call.operation {
        Operation::Start => Reply::Answer(400, AnswerClass::TaskConflict, 1_000),
        _ => well(call),
    });
    let starts: Vec<i64> = desk.by_uid(Operation::Start).iter().map(|(at, _)| *at).collect();
    assert_eq!(starts[..13], [0, 1, 2, 3, 7, 8, 9, 10, 17, 18, 19, 20, 30]);
}

#[test]
fn m10_a_start_that_was_on_its_way_while_nobody_acted_is_not_let_through() {
    let mut desk = Desk::new();
    let asked = match crate::next(&desk.recording, &desk.board, desk.now) {
        crate::Next::Call(call, _) => call.after(desk.recording.last),
        other => panic!("{other:?}"),
    };
    desk.attended = false;
    desk.run(700, well);
    desk.lease();
    let refused = permits(&desk.recording, &desk.board, &asked, desk.now).expect_err("refused");
    assert_eq!(refused.rule, Some(RuleId::M10));
    desk.attended = true;
    desk.run(701, well);
    assert!(desk.calls.is_empty());
    assert_eq!(desk.recording.waiting.as_ref().map(|waiting| waiting.why), Some(WaitingFor::Unattended));
}

#[test]
fn m10_a_query_that_was_open_when_everybody_left_hides_no_stretch() {
    let mut desk = running();
    desk.run(200, |call| if call.operation == Operation::Query { Reply::Open } else { well(call) });
    desk.attended = false;
    desk.run(900, well);
    desk.lease();
    assert!(desk.recording.unattended.is_some());
}

#[test]
fn m3_a_third_failover_that_is_told_of_while_it_happens_is_no_death() {
    let lost_after = |told_at: i64| {
        let mut desk = running();
        let failover = |desk: &mut Desk, uid: u32| {
            let details = Details { new_uid: Uid::new(uid), ..Details::default() };
            desk.write(
                By::Agora,
                Fact::Notified(Box::new(Notified {
                    notice: String::new(),
                    event: EventType::SessionFailover,
                    sid: sid(1),
                    uid: Uid::new(ORIGINAL),
                    sent_at: desk.now,
                    sequence: 0,
                    details,
                    raw: None,
                })),
            );
        };
        failover(&mut desk, 71);
        failover(&mut desk, 72);
        desk.run(100, well);
        let gone = |call: &Seen| if call.operation == Operation::Query { not_found() } else { well(call) };
        let seconds = |desk: &Desk| desk.now.millis() / 1_000 - ORIGIN / 1_000;
        let t0 =
            |desk: &Desk| desk.recording.session(1).and_then(|session| session.doubt).map(|doubt| doubt.t0);
        while t0(&desk).is_none() {
            let next = u32::try_from(seconds(&desk) + 1).expect("small");
            desk.run(next, gone);
        }
        let t0 = t0(&desk).expect("a doubt").millis() / 1_000 - ORIGIN / 1_000;
        desk.run(u32::try_from(t0 + told_at).expect("small"), gone);
        failover(&mut desk, 73);
        desk.run(u32::try_from(t0 + 300).expect("small"), gone);
        let lost = desk.entries.iter().find_map(|entry| match &entry.fact {
            Fact::Decided(decision) if decision.kind == DecisionKind::Lost(1) => Some(entry.at),
            _ => None,
        });
        lost.map(|at| at.millis() / 1_000 - ORIGIN / 1_000 - t0)
    };
    // It was not found by older answers; 30 s after the news it is still not found, and nothing can come after a third.
    assert_eq!(lost_after(40), Some(75));
    assert_eq!(lost_after(85), Some(90));
}

#[test]
fn s9_an_orphan_that_stands_for_older_starts_is_not_adopted_unasked() {
    let mut desk = Desk::new();
    // Each UID fails, and then comes round again.
    desk.run(200, starts(|_| answer(AnswerClass::ServerError)));
    let of_original = |session: &&Session| session.uid.get() == ORIGINAL && session.is_orphan();
    let orphans: Vec<&Session> = desk.recording.sessions.iter().filter(of_original).collect();
    assert_eq!(orphans.len(), 1, "one entry a UID");
    assert!(orphans[0].number > 1 && orphans[0].stands_for_older);
    let channel = desk.recording.channel.clone();
    let (number, uid) = (orphans[0].number, orphans[0].uid);
    assert!(crate::may_fit_orphan(&desk.recording, number, &channel, uid));
    assert!(!crate::fits_orphan(&desk.recording, number, &channel, uid, desk.now));
}

#[test]
fn m10_an_answer_that_comes_while_nobody_acts_hides_no_stretch() {
    let mut desk = running();
    desk.run(200, |call| if call.operation == Operation::Query { Reply::Open } else { well(call) });
    let open = desk.calls.last().expect("a query").id.clone();
    desk.attended = false;
    desk.run(900, well);
    desk.answer_now(&open, 404, AnswerClass::ServiceNotFound);
    desk.lease();
    assert!(
        desk.recording.unattended.is_some(),
        "the next query is due after the answer, and one was due long ago"
    );
}

#[test]
fn r1_a_start_that_was_on_its_way_when_the_lost_one_came_back_is_not_let_through() {
    let policy = Policy::with_patience(crate::Patience::Immediate);
    let mut desk = Desk::on(requested(policy), BoardFacts::default());
    desk.run(130, well);
    let limited = |call: &Seen| match call.operation {
        Operation::Query => not_found(),
        Operation::Start => answer(AnswerClass::RateLimited { retry_after: None }),
        _ => well(call),
    };
    while desk.recording.session(2).is_none_or(|session| session.start.limited == 0) {
        let next = u32::try_from(desk.offset() / 1_000 + 1).expect("small");
        desk.run(next, limited);
    }
    let later = desk.now + core::time::Duration::from_secs(30);
    let start = crate::steps(&desk.recording, &desk.board, later).into_iter().find_map(|step| match step {
        crate::Next::Call(call, _) if call.operation == Operation::Start => Some(call),
        _ => None,
    });
    let start = start.expect("D4 repeats it").after(desk.recording.last);
    let allowed = permits(&desk.recording, &desk.board, &start, desk.now);
    assert!(allowed.is_ok(), "{allowed:?}");
    while desk.recording.procedure.is_some() {
        let next = u32::try_from(desk.offset() / 1_000 + 1).expect("small");
        desk.run(next, |call| if call.operation == Operation::Start { limited(call) } else { well(call) });
    }
    let refused = permits(&desk.recording, &desk.board, &start, desk.now).expect_err("it is back");
    assert!(matches!(refused.rule, Some(RuleId::R1 | RuleId::S2)), "{refused:?}");
}

#[test]
fn d8_a_late_answer_belongs_to_the_call_that_it_names() {
    let mut desk = running();
    let from = desk.calls.len();
    desk.run(138, |call| match call.operation {
        Operation::Query => Reply::None(UnansweredCause::Timeout, 1_000),
        _ => well(call),
    });
    let late: Vec<Seen> = desk.calls[from..]
        .iter()
        .filter(|call| call.operation == Operation::Query)
        .take(3)
        .cloned()
        .collect();
    desk.answer_now(&late[1].id, 404, AnswerClass::ServiceNotFound);
    let asked = desk.recording.session(1).and_then(|session| session.doubt).and_then(|doubt| doubt.asked);
    assert_eq!(asked.map(|asked| asked.millis() - ORIGIN), Some(late[1].at));
}

#[test]
fn s7_a_holder_that_is_not_ours_is_not_waited_for() {
    let facts = BoardFacts { notified: Some(Timestamp::from_millis(ORIGIN)), ..BoardFacts::default() };
    let mut desk = Desk::on(requested(Policy::default()), facts);
    desk.run(12, |call| match (call.operation, call.uid) {
        (Operation::Start, ORIGINAL) => answer(AnswerClass::TaskConflict),
        _ => well(call),
    });
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (0, BACKUP)]);
}

#[test]
fn s4_a_try_that_an_old_resource_id_cuts_off_is_one_of_the_four() {
    let mut desk = Desk::new();
    let mut nth = 0;
    desk.run(
        310,
        starts(|call| {
            nth += 1;
            match (call.session, nth) {
                (1, 1..=3) => Reply::Answer(500, AnswerClass::ServerError, 90_000),
                (1, _) => Reply::None(UnansweredCause::Reset, 5_000),
                _ => Reply::Open,
            }
        }),
    );
    assert_eq!(
        desk.by_uid(Operation::Start),
        [(0, ORIGINAL), (93, ORIGINAL), (189, ORIGINAL), (288, ORIGINAL), (293, BACKUP)]
    );
}

#[test]
fn s9_a_notification_may_be_about_an_orphan_that_staff_took_off_the_board_long_ago() {
    let mut desk = Desk::new();
    let unclear = || starts(|_| answer(AnswerClass::NotCompleted));
    desk.run(30, unclear());
    for session in [1, 2] {
        assert!(desk.recording.session(session).is_some_and(Session::is_orphan));
    }
    let uid = desk.recording.session(1).expect("the first session").uid;
    assert_eq!(desk.recording.session(2).map(|session| session.uid), Some(uid), "S5");
    let reason = "looked at the bucket".to_owned();
    desk.by_staff(Fact::Dismissed(crate::journal::Dismissed { session: 1, reason }));
    desk.run(1_200, unclear());
    assert!(desk.recording.next_session > 10, "many came after it");
    let channel = desk.recording.channel.clone();
    let fits = |session| crate::may_fit_orphan(&desk.recording, session, &channel, uid);
    assert!(fits(1) && fits(2), "so neither is adopted without staff");
}

#[test]
fn t2_a_stop_whose_acceptance_came_late_is_proved_and_not_taken_as_ended() {
    let mut desk = running_with(Policy::with_patience(crate::Patience::Swift));
    let mut stops = 0;
    let mut script = move |call: &Seen| match call.operation {
        Operation::Query => not_found(),
        Operation::Acquire => Reply::Open,
        Operation::Stop => {
            stops += 1;
            if stops == 1 { Reply::None(UnansweredCause::Timeout, 10_000) } else { not_found() }
        }
        _ => well(call),
    };
    desk.run(170, &mut script);
    assert_eq!(desk.recording.session(1).map(|session| session.phase), Some(Phase::Lost));
    desk.press_stop();
    desk.run(185, &mut script);
    let first = desk.calls.iter().find(|call| call.operation == Operation::Stop).expect("a stop").id.clone();
    desk.answer_now(&first, 200, AnswerClass::Stopped(StopAnswer::default()));
    desk.run(300, &mut script);
    assert_eq!(desk.decided_at(&DecisionKind::TakenAsEnded(1)), None);
    let stopped = DecisionKind::Ended { session: 1, how: EndedHow::Stopped };
    assert!(desk.decided().iter().any(|(_, rule, kind)| (*rule, kind) == (RuleId::T2, &stopped)));
}

#[test]
fn s11_a_uid_is_not_free_while_a_start_with_it_is_out() {
    let mut desk = Desk::new();
    let mut nth = 0;
    let mut script = move |call: &Seen| match call.operation {
        Operation::Start => {
            nth += 1;
            if nth == 1 { Reply::None(UnansweredCause::Timeout, 30_000) } else { Reply::Open }
        }
        Operation::Acquire if call.session > 1 => Reply::Open,
        Operation::Query if call.at < 40_000 => status(7),
        Operation::Query => not_found(),
        _ => well(call),
    };
    desk.run(32, &mut script);
    let starts: Vec<CallId> = desk
        .calls
        .iter()
        .filter(|call| call.operation == Operation::Start)
        .map(|call| call.id.clone())
        .collect();
    assert_eq!(starts.len(), 2);
    desk.answer_now(&starts[0], 200, AnswerClass::Started(sid(1)));
    desk.run(70, &mut script);
    let session = desk.recording.session(1).expect("the first session");
    assert!(matches!(session.phase, Phase::Over(_)) && !session.is_settled());
    let uid = session.uid;
    let free = |desk: &Desk| desk.board.is_free(&desk.recording.channel, uid, None);
    assert!(!free(&desk), "its repeat may still be carried out");
    let cause = UnansweredCause::Timeout;
    desk.write(By::Proxy, Fact::CallUnanswered(CallUnanswered { id: starts[1].clone(), cause }));
    assert!(free(&desk));
}
