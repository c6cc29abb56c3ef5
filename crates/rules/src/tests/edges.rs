//! Cases at the edge of a rule, each of which only one of its conditions decides.

use agora::UnansweredCause;

use super::*;
use crate::journal::{EndedHow, Fact};
use crate::line::OpenCall;
use crate::recording::{Because, MayRun, Phase, Session};
use crate::{Next, Then};

fn session(desk: &Desk, number: SessionNumber) -> &Session {
    desk.recording.session(number).expect("the session is kept")
}

/// The script answers starts, everything else goes well.
fn starts(mut script: impl FnMut(&Seen) -> Reply) -> impl FnMut(&Seen) -> Reply {
    move |call| if call.operation == Operation::Start { script(call) } else { well(call) }
}

fn takes_over_after(desk: &mut Desk, millis: i64) -> bool {
    desk.attended = false;
    let acted = desk.recording.acted_at.expect("somebody acted");
    desk.now = Timestamp::from_millis(acted.millis() + millis);
    desk.lease();
    desk.recording.unattended.is_some()
}

#[test]
fn d2_another_domain_that_answers_goes_first_from_then_on() {
    let preferred =
        |desk: &Desk| desk.board.facts().preferred.map(|(domain, at)| (domain, at.millis() - ORIGIN));
    let query = |desk: &mut Desk, to: Domain, begun: Domain| {
        let id = CallId::new(&desk.recording.id, desk.recording.last, 1, Operation::Query);
        let open = OpenCall { id: id.clone(), entry: desk.recording.last, at: desk.now, domain: to };
        let line = &mut desk.recording.sessions[0].query;
        line.sent(open);
        line.domain = Some(begun);
        desk.now = Timestamp::from_millis(desk.now.millis() + 1_000);
        desk.answer_now(&id, 200, AnswerClass::Status(QueryAnswer { status: 5, ..QueryAnswer::default() }));
    };
    let mut desk = running();
    query(&mut desk, Domain::Secondary, Domain::Primary);
    assert_eq!(preferred(&desk), Some((Domain::Secondary, 11_000)));
    query(&mut desk, Domain::Secondary, Domain::Secondary);
    assert_eq!(preferred(&desk), Some((Domain::Secondary, 11_000)), "first since then");
    query(&mut desk, Domain::Region, Domain::Region);
    assert_eq!(preferred(&desk), Some((Domain::Region, 13_000)), "another one");
    query(&mut desk, Domain::Region, Domain::Primary);
    assert_eq!(preferred(&desk), Some((Domain::Region, 14_000)), "the first was tried again, in vain");
}

#[test]
fn t5_what_the_return_of_a_session_made_needless_is_not_started() {
    let mut desk = Desk::new();
    desk.run(0, |call| if call.operation == Operation::Start { Reply::Open } else { well(call) });
    let mut needless = desk.recording.clone();
    needless.sessions[0].start = crate::line::Line::default();
    let start = crate::api::MakeCall {
        after: needless.last,
        session: 1,
        operation: Operation::Start,
        domain: Domain::Primary,
        rule: RuleId::S2,
        attempt: crate::journal::Attempt::default(),
    };
    assert!(permits(&needless, &desk.board, &start, desk.now).is_ok());
    needless.sessions[0].stop_due = Some((desk.now, RuleId::M4));
    let refused = permits(&needless, &desk.board, &start, desk.now).expect_err("nobody needs it");
    assert_eq!(refused.rule, Some(RuleId::T5));
}

#[test]
fn m10_a_session_out_of_control_is_due_at_no_time() {
    let mut asked = requested(Policy { changeover: false, ..Policy::default() });
    asked.settings.resource_expired_hours = 1;
    let mut desk = Desk::with(asked);
    desk.run(3_700, well);
    assert!(!takes_over_after(&mut desk, 100_000_000));
}

#[test]
fn m10_a_start_is_due_within_15_s() {
    let away = |millis| {
        let mut desk = Desk::new();
        takes_over_after(&mut desk, millis)
    };
    assert!(!away(30_000) && away(30_001));
}

#[test]
fn m10_what_staff_hurry_later_does_not_make_a_lost_session_due_later() {
    // Only a session that is lost is left, whose next instant of M11 is near.
    let mut desk = running();
    desk.press_stop();
    desk.run(130, |call| match call.operation {
        Operation::Query | Operation::Stop => not_found(),
        _ => well(call),
    });
    assert_eq!(session(&desk, 1).phase, Phase::TakenAsEnded);
    desk.attended = false;
    desk.run(400, well);
    desk.by_staff(Fact::Hurried);
    desk.lease();
    assert!(desk.recording.unattended.is_some());
}

#[test]
fn m10_the_answer_to_the_query_of_the_take_over_counts() {
    let mut desk = running();
    desk.attended = false;
    desk.run(1_000, well);
    desk.attended = true;
    desk.lease();
    desk.run(1_001, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    assert_eq!(desk.decided_at(&DecisionKind::InDoubt(1)), Some(1_000));
}

#[test]
fn m3_what_comes_after_a_doubt_is_said() {
    let then = |watched: bool, stop: bool| {
        let mut desk = running();
        desk.run(135, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
        desk.recording.watched = watched;
        if stop {
            desk.press_stop();
        }
        let planned = crate::planned(&desk.recording, &desk.board, desk.now);
        let query = planned.into_iter().find(|(_, call, _)| call.operation == Operation::Query);
        query.map(|(_, _, reason)| reason.then)
    };
    assert_eq!(then(false, false), Some(Then::LostAndReplaced));
    assert_eq!(then(true, false), Some(Then::Lost), "who only watches replaces nothing");
    assert_eq!(then(false, true), Some(Then::TakenAsEnded));
}

#[test]
fn t2_an_accepted_stop_is_asked_after_also_where_an_older_question_was_answered_404() {
    let mut desk = running();
    let mut query = None;
    desk.run(134, |call| match call.operation {
        Operation::Query => {
            query = Some(call.id.clone());
            Reply::Open
        }
        _ => well(call),
    });
    desk.press_stop();
    desk.run(135, well);
    desk.answer_now(&query.expect("a routine query"), 404, AnswerClass::ServiceNotFound);
    assert!(session(&desk, 1).doubt.is_some() && session(&desk, 1).stop_accepted.is_some());
    desk.run(139, |call| if call.operation == Operation::Query { status(6) } else { well(call) });
    let last = desk.calls.last().expect("a query");
    assert_eq!((last.rule, last.at), (RuleId::T2, 139_000));
}

#[test]
fn m7_an_end_that_a_stop_asked_for_is_a_stop_whoever_asked() {
    let ended = |by_rule: bool, by_staff: bool| {
        let mut desk = running();
        desk.run(20, |call| if call.operation == Operation::Query { status(6) } else { well(call) });
        desk.recording.sessions[0].stop_due = by_rule.then_some((desk.now, RuleId::M4));
        if by_staff {
            desk.press_stop();
        }
        desk.run(200, |call| match call.operation {
            Operation::Query if call.at < 130_000 => status(6),
            Operation::Query => not_found(),
            Operation::Stop => Reply::None(UnansweredCause::Timeout, 500_000),
            _ => well(call),
        });
        let ended = desk.decided().into_iter().find_map(|(_, rule, kind)| match kind {
            DecisionKind::Ended { session: 1, how } => Some((rule, how)),
            _ => None,
        });
        ended.expect("it ended")
    };
    assert_eq!(ended(false, false), (RuleId::M7, EndedHow::Exited));
    assert_eq!(ended(true, false), (RuleId::M7, EndedHow::Stopped));
    assert_eq!(ended(false, true), (RuleId::M7, EndedHow::Stopped));
}

#[test]
fn f6_the_newest_eight_gaps_are_kept() {
    use agora::notification::{Details, EventType};
    let mut desk = running();
    let tell = |desk: &mut Desk, second: i64| {
        let at = |second: i64| Some(Timestamp::from_millis(ORIGIN + second * 1_000));
        let details = Details { discontinued: at(second), start: at(second + 1), ..Details::default() };
        let notified = crate::journal::Notified {
            notice: String::new(),
            event: EventType::SliceStart,
            sid: sid(1),
            uid: Uid::new(ORIGINAL),
            sent_at: desk.now,
            sequence: 0,
            details,
            raw: None,
        };
        desk.write(By::Agora, Fact::Notified(Box::new(notified)));
    };
    let gaps = |desk: &Desk| session(desk, 1).heard.as_ref().map_or(0, |heard| heard.gaps.len());
    for nth in 0..8 {
        tell(&mut desk, nth * 10);
        assert_eq!(gaps(&desk), usize::try_from(nth + 1).expect("small"));
    }
    tell(&mut desk, 80);
    assert_eq!(gaps(&desk), 8);
    let first = session(&desk, 1).heard.as_ref().and_then(|heard| heard.gaps.first().copied());
    assert_eq!(first.map(|gap| gap.from.millis() - ORIGIN), Some(10_000), "the oldest makes room");
}

#[test]
fn s9_a_session_whose_start_was_not_sent_is_no_orphan() {
    let mut desk = Desk::new();
    desk.run(0, |call| if call.operation == Operation::Start { Reply::Open } else { well(call) });
    let uid = Uid::new(ORIGINAL).expect("not zero");
    let may = |recording: &Recording| crate::may_fit_orphan(recording, 1, &recording.channel, uid);
    assert!(may(&desk.recording), "its start is out");
    let mut unsent = desk.recording.clone();
    unsent.sessions[0].start = crate::line::Line::default();
    assert!(!may(&unsent));
    assert!(!unsent.sessions[0].is_perhaps_billed());
    unsent.sessions[0].may_run = MayRun::Unlikely;
    assert!(may(&unsent) && unsent.sessions[0].is_perhaps_billed());
    unsent.sessions[0].phase = Phase::Acquiring;
    assert!(!unsent.sessions[0].is_perhaps_billed());
}

#[test]
fn t6_an_alarm_passes_for_the_session_that_is_dismissed_alone() {
    let mut asked = requested(Policy { changeover: false, ..Policy::default() });
    asked.settings.resource_expired_hours = 1;
    let mut desk = Desk::with(asked);
    desk.run(3_700, well);
    let out = AlarmCause::OutOfControl(1);
    let dismiss = |desk: &mut Desk, session| {
        let dismissed = crate::journal::Dismissed { session, reason: "seen over".to_owned() };
        desk.by_staff(Fact::Dismissed(dismissed));
    };
    dismiss(&mut desk, 2);
    assert!(desk.recording.has_alarm(out));
    dismiss(&mut desk, 1);
    assert!(!desk.recording.has_alarm(out));
}

#[test]
fn v3_an_alarm_that_it_is_not_confirmed_passes_when_it_is() {
    let mut desk = Desk::new();
    desk.run(130, |call| {
        if call.operation == Operation::Query { answer(AnswerClass::ServerError) } else { well(call) }
    });
    assert!(desk.recording.has_alarm(AlarmCause::Unconfirmed(1)));
    desk.run(200, well);
    assert_eq!(session(&desk, 1).phase, Phase::Live);
    assert!(!desk.recording.has_alarm(AlarmCause::Unconfirmed(1)));
}

#[test]
fn f1_a_file_name_that_is_known_proves_no_other_failover() {
    let mut desk = running();
    let away = |desk: &mut Desk, from: u32, file: &'static str| {
        desk.run(from + 160, move |call| match call.operation {
            Operation::Query if call.at / 1_000 < i64::from(from) + 140 => not_found(),
            Operation::Query => status_with_file(5, file),
            _ => well(call),
        });
    };
    away(&mut desk, 10, "bak0_s_math-7b.m3u8");
    away(&mut desk, 170, "bak0_s_math-7b.m3u8");
    let legs: Vec<_> = session(&desk, 1).interruptions.iter().map(|away| away.leg).collect();
    assert_eq!(legs, [Some(0), None]);
}

#[test]
fn m4_the_first_404s_of_a_new_session_are_no_interruption() {
    let mut desk = Desk::new();
    desk.run(30, |call| match call.operation {
        Operation::Query if call.at < 20_000 => not_found(),
        _ => well(call),
    });
    assert_eq!(session(&desk, 1).phase, Phase::Live);
    assert!(session(&desk, 1).interruptions.is_empty(), "it began late");
    assert!(desk.decided().iter().all(|(_, _, kind)| !matches!(kind, DecisionKind::Recovered(_))));
    // One that was seen before was away.
    let mut desk = Desk::new();
    desk.run(30, |call| match (call.operation, call.at / 1_000) {
        (Operation::Query, 0..=5) => status(3),
        (Operation::Query, 6..=12) => not_found(),
        _ => well(call),
    });
    assert_eq!(session(&desk, 1).interruptions.len(), 1);
}

#[test]
fn s2_a_repeat_that_would_come_too_late_for_its_resource_id_is_not_waited_for() {
    let mut desk = Desk::new();
    desk.run(
        400,
        starts(|call| match call.session {
            1 if call.at == 0 => Reply::Answer(500, AnswerClass::ServerError, 288_500),
            1 => panic!("{call:?} on a resource ID that is too old"),
            _ => started(call),
        }),
    );
    // The next gap would end at 291.5 s, and the resource ID is good until 290 s: it is left behind at once.
    assert_eq!(desk.by_uid(Operation::Acquire), [(0, ORIGINAL), (288, ORIGINAL)]);
}

#[test]
fn s5_the_second_acquire_has_one_try() {
    let mut desk = Desk::new();
    desk.run(
        30,
        starts(|call| if call.uid == ORIGINAL { answer(AnswerClass::NotCompleted) } else { started(call) }),
    );
    assert_eq!(
        desk.by_uid(Operation::Start),
        [(0, ORIGINAL), (3, ORIGINAL), (9, ORIGINAL), (9, ORIGINAL), (9, BACKUP)]
    );
}

#[test]
fn s9_what_is_left_behind_shows_the_answer_that_it_rests_on() {
    let mut desk = Desk::new();
    desk.run(
        30,
        starts(|call| if call.uid == ORIGINAL { answer(AnswerClass::NotCompleted) } else { started(call) }),
    );
    let of_answers = desk.entries.iter().filter(|entry| matches!(entry.fact, Fact::CallAnswered(_)));
    let answers: Vec<u32> = of_answers.map(|entry| entry.number).collect();
    let mut left = 0;
    for entry in &desk.entries {
        if let Fact::Decided(Decision { kind: DecisionKind::Orphaned { .. }, evidence, .. }) = &entry.fact {
            assert!(evidence.len() == 1 && answers.contains(&evidence[0]), "{evidence:?}");
            left += 1;
        }
    }
    assert_eq!(left, 2);
}

#[test]
fn t3_a_stop_is_sent_again_only_after_an_answer_that_came_later() {
    let mut desk = running();
    desk.press_stop();
    // The stop finds nothing; an answer to a question that is older comes a moment before.
    desk.run(11, |call| if call.operation == Operation::Stop { not_found() } else { Reply::Open });
    let planned = |desk: &Desk| {
        let planned = crate::planned(&desk.recording, &desk.board, desk.now);
        planned.into_iter().any(|(_, call, _)| call.operation == Operation::Stop)
    };
    assert!(!planned(&desk), "it was seen before the stop, and not since");
    let mut doubted = desk.recording.sessions[0].clone();
    doubted.doubt = None;
    desk.recording.sessions[0] = doubted;
    assert!(!planned(&desk), "the good answer is older than the 404");
}

#[test]
fn t7_a_press_for_one_session_sends_a_stop_to_that_one_alone() {
    let mut desk = running();
    let mut other = desk.recording.sessions[0].clone();
    other.number = 2;
    other.sid = Some(sid(2));
    desk.recording.sessions.push(other);
    let calls = |session| {
        let calls = crate::stop::calls_of_press(&desk.recording, &desk.board, session, desk.now);
        calls.into_iter().map(|call| call.session).collect::<Vec<_>>()
    };
    assert_eq!(calls(None), [1, 2]);
    assert_eq!(calls(Some(2)), [2]);
}

#[test]
fn u1_what_no_session_can_take_any_more_does_not_wait() {
    use crate::journal::LayoutRequested;
    let waits = |spoil: fn(&mut Session, Timestamp)| {
        let mut desk = running();
        let mut other = desk.recording.sessions[0].clone();
        other.number = 2;
        other.changed = 1_000;
        spoil(&mut desk.recording.sessions[0], Timestamp::from_millis(ORIGIN));
        desk.recording.sessions.push(other);
        desk.by_staff(Fact::LayoutRequested(Box::new(LayoutRequested { layout: Default::default() })));
        !desk.recording.changes.is_empty()
    };
    assert!(waits(|_, _| {}), "the first session lacks it");
    assert!(!waits(|session, at| session.stop_asked = Some(at)));
    assert!(!waits(|session, at| session.stop_due = Some((at, RuleId::M4))));
    assert!(!waits(|session, _| session.dismissed = true));
    assert!(!waits(|session, _| session.phase = Phase::Ending));
}

#[test]
fn u1_a_change_that_was_answered_404_waits_for_an_answer_that_came_later() {
    use crate::journal::LayoutRequested;
    let mut desk = running();
    desk.by_staff(Fact::LayoutRequested(Box::new(LayoutRequested { layout: Default::default() })));
    desk.run(10, |call| if call.operation == Operation::UpdateLayout { not_found() } else { Reply::Open });
    let planned = |desk: &Desk| {
        let planned = crate::planned(&desk.recording, &desk.board, desk.now);
        planned.into_iter().any(|(_, call, _)| call.operation == Operation::UpdateLayout)
    };
    desk.recording.sessions[0].doubt = None;
    assert!(!planned(&desk), "nobody has seen it since");
    let good = desk.recording.sessions[0].last_good.as_mut().expect("a good answer");
    good.at = Timestamp::from_millis(ORIGIN + 11_000);
    assert!(planned(&desk));
    let good = desk.recording.sessions[0].last_good.as_mut().expect("a good answer");
    good.status = 6;
    assert!(!planned(&desk), "it is ending");
}

#[test]
fn v3_nothing_is_judged_not_started_that_is_being_stopped() {
    let mut desk = Desk::new();
    desk.run(80, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    desk.press_stop();
    desk.run(130, |call| match call.operation {
        Operation::Query => not_found(),
        Operation::Stop => answer(AnswerClass::ServerError),
        _ => well(call),
    });
    let not_started = desk.decided().into_iter().any(|(_, rule, _)| rule == RuleId::V3);
    assert!(!not_started || session(&desk, 1).phase != Phase::NotStarted);
}

#[test]
fn s4_a_minutes_try_does_not_take_the_uid_of_a_session_that_is_changed_over() {
    let mut asked = requested(Policy::default());
    asked.settings.resource_expired_hours = 1;
    let mut desk = Desk::with(asked);
    desk.run(2_100, |call| match (call.operation, call.session) {
        (Operation::Start, 2..) => answer(AnswerClass::ServerError),
        _ => well(call),
    });
    assert_eq!(session(&desk, 1).phase, Phase::Live);
    let later: Vec<u32> =
        desk.by_uid(Operation::Start).into_iter().filter(|(at, _)| *at > 1_800).map(|(_, uid)| uid).collect();
    assert!(later.len() > 8 && !later.contains(&ORIGINAL), "{later:?}");
}

#[test]
fn s7_a_sid_of_a_round_before_ends_the_search() {
    let mut desk = Desk::new();
    let mut first = None;
    desk.run(
        13,
        starts(|call| {
            if first.is_some() {
                return answer(AnswerClass::TaskConflict);
            }
            first = Some(call.id.clone());
            Reply::None(UnansweredCause::Timeout, 10_000)
        }),
    );
    let procedure = desk.recording.procedure.as_ref().expect("it goes on");
    assert!(procedure.rounds == 1 && procedure.from_session > 1, "{procedure:?}");
    desk.answer_now(&first.expect("a start"), 200, AnswerClass::Started(sid(1)));
    assert_eq!(session(&desk, 1).sid, Some(sid(1)));
    assert!(desk.recording.procedure.is_none(), "nothing more is started: {:?}", desk.recording.procedure);
}

#[test]
fn s11_a_start_whose_uid_a_session_of_before_has_is_left_behind() {
    let mut desk = Desk::new();
    desk.run(0, |call| if call.operation == Operation::Start { Reply::Open } else { well(call) });
    let mut late = desk.recording.sessions[0].clone();
    late.number = 0;
    late.phase = Phase::Accepted;
    late.sid = Some(sid(9));
    late.accepted = Some(desk.now);
    late.because = Because::TriedAgain;
    late.start = crate::line::Line::default();
    desk.recording.sessions.insert(0, late);
    desk.recording.sessions[1].start = crate::line::Line::default();
    match next(&desk.recording, &desk.board, desk.now) {
        Next::Decide(decision, _) => {
            assert_eq!((decision.kind, decision.rule), (DecisionKind::Abandoned(1), RuleId::S11));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_without_a_version_is_of_the_first_one() {
    let text = r#"{"number":2,"board":2,"at":1795000000000,"by":"proxy","fact":"Hurried"}"#;
    let entry: Entry = serde_json::from_str(text).expect("an entry");
    assert_eq!(entry.version, 1);
    assert_eq!(from_json::from_text::<Entry>(text).map(|entry| entry.version), Ok(1));
}

#[test]
fn a_raw_body_is_where_an_answer_and_a_notification_have_theirs() {
    let answer = Answer { status: 200, code: None, reason: None, class: AnswerClass::Updated };
    let id = CallId("r-1:1:1:update".to_owned());
    let mut answered = Fact::CallAnswered(CallAnswered { id, answer, raw: Some("{}".to_owned()) });
    assert_eq!(answered.raw_mut().and_then(Option::take), Some("{}".to_owned()));
    assert_eq!(Fact::Hurried.raw_mut(), None);
}
