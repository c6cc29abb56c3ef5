//! N, and what notifications add to F, M9, R2, R5, S9, T1, T2, T6 and V4.

use agora::notification::{Details, EventType};
use agora::{AnswerClass, FileEntry, Operation, UnansweredCause};

use super::*;
use crate::journal::{Adopted, EndedHow, Notified, NotifiedAgain, WaitingFor};
use crate::recording::{Because, Phase, Session};

/// A notification about session 1, sent now by the recorder of its `acquire`.
fn notice(desk: &Desk, event: EventType) -> Notified {
    Notified {
        notice: String::new(),
        event,
        sid: sid(1),
        uid: Uid::new(ORIGINAL),
        sent_at: desk.now,
        sequence: 0,
        details: Details::default(),
        raw: None,
    }
}

fn told(desk: &mut Desk, notified: Notified) -> u32 {
    desk.write(By::Agora, Fact::Notified(Box::new(notified)))
}

fn tell(desk: &mut Desk, event: EventType) -> u32 {
    let notified = notice(desk, event);
    told(desk, notified)
}

fn left_idle(desk: &Desk, uid: u32) -> Notified {
    let details = Details { leave: Some(4), ..Details::default() };
    Notified { uid: Uid::new(uid), details, ..notice(desk, EventType::RecorderLeave) }
}

fn failover(desk: &Desk, new_uid: u32) -> Notified {
    let details = Details { new_uid: Uid::new(new_uid), ..Details::default() };
    Notified { details, ..notice(desk, EventType::SessionFailover) }
}

fn fatal(desk: &Desk, code: u32) -> Notified {
    let details = Details { level: Some(5), code: Some(code), ..Details::default() };
    Notified { details, ..notice(desk, EventType::Error) }
}

fn session(desk: &Desk, number: SessionNumber) -> &Session {
    desk.recording.session(number).expect("the session is kept")
}

fn nothing_found(call: &Seen) -> Reply {
    match call.operation {
        Operation::Query | Operation::Stop => not_found(),
        _ => well(call),
    }
}

/// Nothing is found of the first session any more; the others are well.
fn first_gone(call: &Seen) -> Reply {
    match (call.operation, call.session) {
        (Operation::Query | Operation::Stop, 1) => not_found(),
        _ => well(call),
    }
}

#[test]
fn n2_a_further_delivery_is_counted_and_nobody_acts_on_it() {
    let mut desk = running();
    desk.run(20, well);
    let of = tell(&mut desk, EventType::RecorderStarted);
    desk.run(21, well);
    let calls = desk.calls.len();
    desk.write(By::Agora, Fact::NotifiedAgain(NotifiedAgain { of }));
    desk.run(40, well);
    assert_eq!((desk.recording.notified_again, desk.calls.len()), (1, calls));
}

#[test]
fn n3_a_second_end_or_upload_of_the_same_recorder_starts_nothing() {
    for event in [EventType::SessionExit, EventType::Uploaded, EventType::BackedUp] {
        let mut desk = running();
        desk.run(20, well);
        tell(&mut desk, event);
        desk.run(30, well);
        assert_eq!(desk.queries(1, 11), [20], "{event:?}");
        // Of other bytes, so that it is no repeat of a delivery.
        let further = Notified { sequence: 7, ..notice(&desk, event) };
        told(&mut desk, further);
        desk.run(40, well);
        assert_eq!(desk.queries(1, 11), [20], "{event:?}");
    }
}

#[test]
fn n3_the_upload_of_another_recorder_is_another_one() {
    let mut desk = running();
    desk.run(20, well);
    tell(&mut desk, EventType::Uploaded);
    desk.run(30, well);
    let of_the_next_leg = Notified { uid: Uid::new(77), ..notice(&desk, EventType::Uploaded) };
    told(&mut desk, of_the_next_leg);
    desk.run(40, well);
    assert_eq!(desk.queries(1, 11), [20, 30]);
    let heard = session(&desk, 1).heard.as_ref().expect("it was heard of");
    assert_eq!(heard.uploads.len(), 2);
}

#[test]
fn n4_the_newest_event_counts_and_not_the_one_that_came_last() {
    let mut desk = running();
    desk.run(100, well);
    let late = Notified { sent_at: desk.now, ..failover(&desk, 78) };
    let early = Notified { sent_at: desk.now - std::time::Duration::from_secs(60), ..failover(&desk, 77) };
    told(&mut desk, late);
    told(&mut desk, early);
    let uids: Vec<u32> =
        session(&desk, 1).heard.iter().flat_map(|heard| &heard.legs).map(|leg| leg.uid.get()).collect();
    assert_eq!(uids, [77, 78]);
    assert_eq!(session(&desk, 1).recorder(), (Uid::new(78).expect("not 0"), true));
}

#[test]
fn n5_a_notification_of_another_sid_changes_nothing_here() {
    let mut desk = running();
    let before = desk.recording.sessions.clone();
    let foreign = Notified { sid: sid(9), ..notice(&desk, EventType::SessionExit) };
    told(&mut desk, foreign);
    assert_eq!(desk.recording.sessions, before);
}

#[test]
fn n6_an_unknown_kind_is_kept_and_makes_no_query_leave() {
    let mut desk = running();
    desk.run(20, well);
    tell(&mut desk, EventType::Unknown(4711));
    desk.run(40, well);
    assert!(desk.queries(1, 11).is_empty());
    assert_eq!(session(&desk, 1).heard.as_ref().map(|heard| heard.last.millis() - ORIGIN), Some(20_000));
}

#[test]
fn m9_these_events_make_a_query_leave_at_once_and_the_others_none() {
    let asking = [3, 11, 12, 31, 32, 40, 41, 70, 71, 72];
    for event in EventType::DOCUMENTED {
        let mut desk = running();
        desk.run(20, well);
        tell(&mut desk, *event);
        desk.run(30, well);
        let asked = desk.queries(1, 11);
        assert_eq!(asked == [20], asking.contains(&event.number()), "{event:?}: {asked:?}");
        assert!(desk.calls.iter().all(|call| call.at < 20_000 || call.rule == RuleId::M9));
    }
    for (level, asked) in [(3, false), (4, true), (5, true)] {
        let mut desk = running();
        desk.run(20, well);
        let details = Details { level: Some(level), ..Details::default() };
        let error = Notified { details, ..notice(&desk, EventType::Error) };
        told(&mut desk, error);
        desk.run(30, well);
        assert_eq!(desk.queries(1, 11).len() == 1, asked, "level {level}");
    }
}

#[test]
fn m9_at_most_one_query_in_5_s_and_none_while_one_is_open() {
    let mut desk = running();
    desk.run(20, well);
    tell(&mut desk, EventType::RecorderStarted);
    desk.run(21, |call| Reply::Answer(200, status_class(call), 8_000));
    // One is open until 28 s.
    tell(&mut desk, EventType::RecorderLeave);
    desk.run(29, well);
    assert_eq!(desk.queries(1, 11), [20, 28]);
    tell(&mut desk, EventType::RecorderStarted);
    desk.run(60, well);
    assert_eq!(desk.queries(1, 11), [20, 28, 33]);
}

fn status_class(call: &Seen) -> AnswerClass {
    match well(call) {
        Reply::Answer(_, class, _) => class,
        Reply::None(..) | Reply::Open => AnswerClass::Unreadable,
    }
}

#[test]
fn m9_a_session_that_was_just_accepted_is_asked_at_v1s_first_instant() {
    let mut desk = Desk::new();
    desk.run(2, well);
    tell(&mut desk, EventType::RecorderStarted);
    desk.run(4, well);
    assert!(desk.queries(1, 0).is_empty());
    desk.run(5, well);
    assert_eq!(desk.queries(1, 0), [5]);
}

#[test]
fn m9_an_11_closes_a_doubt_with_the_404_to_a_query_sent_after_it() {
    let mut desk = running();
    desk.run(20, well);
    let exit = tell(&mut desk, EventType::SessionExit);
    desk.run(21, first_gone);
    let ended = DecisionKind::Ended { session: 1, how: EndedHow::Notified };
    assert_eq!(desk.decided_at(&ended), Some(20));
    let decision = desk.entries.iter().find_map(|entry| match &entry.fact {
        Fact::Decided(decision) if decision.kind == ended => Some(decision.clone()),
        _ => None,
    });
    assert!(decision.expect("it was decided").evidence.contains(&exit));
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (20, BACKUP)], "wanted, so replaced");
}

#[test]
fn m9_an_11_before_a_good_answer_or_before_a_12_closes_nothing() {
    let mut desk = running();
    desk.run(20, well);
    let old =
        Notified { sent_at: Timestamp::from_millis(ORIGIN + 5_000), ..notice(&desk, EventType::SessionExit) };
    told(&mut desk, old);
    desk.run(50, nothing_found);
    assert_eq!(desk.decided_at(&DecisionKind::Ended { session: 1, how: EndedHow::Notified }), None);
    let mut desk = running();
    desk.run(20, well);
    tell(&mut desk, EventType::SessionExit);
    let moved = Notified { sent_at: Timestamp::from_millis(ORIGIN + 20_001), ..failover(&desk, 77) };
    told(&mut desk, moved);
    desk.run(50, nothing_found);
    assert_eq!(desk.decided_at(&DecisionKind::Ended { session: 1, how: EndedHow::Notified }), None);
    assert_eq!(session(&desk, 1).phase, Phase::Live);
}

#[test]
fn m9_a_404_that_was_asked_for_before_the_11_came_is_not_enough() {
    let mut desk = running();
    desk.run(20, well);
    desk.by_staff(Fact::Hurried);
    desk.run(21, |call| Reply::Answer(404, AnswerClass::ServiceNotFound, 2_000).for_query(call));
    tell(&mut desk, EventType::SessionExit);
    desk.run(22, nothing_found);
    let ended = DecisionKind::Ended { session: 1, how: EndedHow::Notified };
    assert_eq!(desk.decided_at(&ended), None, "it was asked for at 20 s");
    desk.run(30, first_gone);
    assert_eq!(desk.decided_at(&ended), Some(25), "5 s after the query before");
}

impl Reply {
    fn for_query(self, call: &Seen) -> Self {
        if call.operation == Operation::Query { self } else { well(call) }
    }
}

#[test]
fn f1_failovers_are_proved_by_12_by_recorders_and_by_file_names_the_largest_counts() {
    let mut desk = running();
    let first = failover(&desk, 77);
    told(&mut desk, first);
    assert_eq!(session(&desk, 1).failover_count(), (1, 1));
    let by_the_new_one = Notified { uid: Uid::new(77), ..notice(&desk, EventType::RecorderStarted) };
    told(&mut desk, by_the_new_one);
    assert_eq!(session(&desk, 1).failover_count(), (1, 1), "the same leg");
    let another = Notified { uid: Uid::new(78), ..notice(&desk, EventType::RecorderStarted) };
    told(&mut desk, another);
    assert_eq!(session(&desk, 1).failover_count(), (2, 2));
    let mut named = notice(&desk, EventType::FileInfos);
    named.details.files = vec![FileEntry { name: "bak2_s_math-7b.m3u8".to_owned(), slice_start: None }];
    told(&mut desk, named);
    assert_eq!(session(&desk, 1).failover_count(), (3, 3));
    assert!(session(&desk, 1).files.contains(&"bak2_s_math-7b.m3u8".to_owned()));
}

#[test]
fn f1_a_12_in_a_time_away_explains_it_and_one_long_after_does_not() {
    let counted = |after_return: i64| {
        let mut desk = running();
        desk.run(120, well);
        desk.run(175, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
        desk.run(190, well);
        let back = session(&desk, 1).interruptions.first().expect("it was away").back;
        let sent_at = Timestamp::from_millis(back.millis() + after_return);
        let late = Notified { sent_at, ..failover(&desk, 77) };
        told(&mut desk, late);
        session(&desk, 1).failover_count()
    };
    assert_eq!(counted(-30_000), (1, 1));
    assert_eq!(counted(90_000), (1, 1));
    assert_eq!(counted(90_001), (1, 2));
}

#[test]
fn f3_another_uid_is_of_a_failovers_leg() {
    let mut desk = running();
    let first = failover(&desk, 77);
    told(&mut desk, first);
    desk.run(30, well);
    let second = failover(&desk, 78);
    told(&mut desk, second);
    let leg = |uid| session(&desk, 1).leg_of(Uid::new(uid).expect("not 0"));
    assert_eq!([leg(ORIGINAL), leg(77), leg(78), leg(79)], [Some(0), Some(1), Some(2), None]);
}

#[test]
fn f6_a_42_tells_the_gap_exactly() {
    let mut desk = running();
    desk.run(120, well);
    desk.run(175, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    desk.run(190, well);
    let away = session(&desk, 1).interruptions[0].clone();
    let mut slice = notice(&desk, EventType::SliceStart);
    slice.details.discontinued = Some(Timestamp::from_millis(away.t0.millis() - 3_000));
    slice.details.start = Some(Timestamp::from_millis(away.t0.millis() + 28_000));
    told(&mut desk, slice.clone());
    told(&mut desk, slice);
    let gap = session(&desk, 1).exact_gap(&away).expect("a 42 told it");
    assert_eq!(gap.to.since(gap.from).as_millis(), 31_000);
    assert_eq!(session(&desk, 1).heard.as_ref().map(|heard| heard.gaps.len()), Some(1));
}

#[test]
fn f6_gaps_that_overlap_are_one_in_whatever_order_they_are_told() {
    let mut desk = running();
    let from = desk.now.millis();
    let mut tell_gap = |from_seconds: i64, to_seconds: i64| {
        let mut slice = notice(&desk, EventType::SliceStart);
        slice.notice = format!("{from_seconds}-{to_seconds}");
        slice.details.discontinued = Some(Timestamp::from_millis(from + from_seconds * 1_000));
        slice.details.start = Some(Timestamp::from_millis(from + to_seconds * 1_000));
        told(&mut desk, slice);
        let heard = session(&desk, 1).heard.clone().expect("something was heard");
        let offset = |at: Timestamp| (at.millis() - from) / 1_000;
        heard.gaps.iter().map(|gap| (offset(gap.from), offset(gap.to))).collect::<Vec<_>>()
    };
    assert_eq!(tell_gap(50, 60), [(50, 60)]);
    assert_eq!(tell_gap(10, 20), [(10, 20), (50, 60)], "an older one that is told later");
    assert_eq!(tell_gap(70, 80), [(10, 20), (50, 60), (70, 80)]);
    assert_eq!(tell_gap(60, 65), [(10, 20), (50, 65), (70, 80)], "one goes on where another ends");
    assert_eq!(tell_gap(15, 70), [(10, 80)]);
    assert_eq!(tell_gap(90, 90), [(10, 80)], "nothing is missing");
}

#[test]
fn r2_an_idle_exit_is_not_replaced() {
    let mut desk = running();
    desk.run(20, well);
    let idle = left_idle(&desk, ORIGINAL);
    told(&mut desk, idle);
    tell(&mut desk, EventType::SessionExit);
    desk.run(300, nothing_found);
    assert_eq!(desk.by_uid(Operation::Start).len(), 1);
    assert_eq!(desk.decided_at(&DecisionKind::WaitForStaff(WaitingFor::Idle)), Some(20));
    assert_eq!(desk.recording.waiting.as_ref().map(|waiting| waiting.rule), Some(RuleId::R2));
    assert_eq!(desk.recording.open_alarms().count(), 0, "nothing is wrong");
    desk.by_staff(Fact::TryAgainRequested);
    desk.run(301, well);
    assert_eq!(desk.by_uid(Operation::Start).len(), 2, "record again");
}

#[test]
fn r2_a_41_alone_waits_for_the_end_to_be_certain() {
    let mut desk = running();
    desk.run(20, well);
    let idle = left_idle(&desk, ORIGINAL);
    told(&mut desk, idle);
    desk.run(300, nothing_found);
    assert_eq!(desk.decided_at(&DecisionKind::Lost(1)), Some(110));
    assert_eq!(desk.decided_at(&DecisionKind::WaitForStaff(WaitingFor::Idle)), Some(110));
    assert_eq!(desk.by_uid(Operation::Start).len(), 1);
}

#[test]
fn r2_a_41_of_an_old_leg_or_before_a_new_recorder_is_no_idle_exit() {
    let mut desk = running();
    desk.run(20, well);
    let moved = failover(&desk, 77);
    told(&mut desk, moved);
    let idle = left_idle(&desk, ORIGINAL);
    told(&mut desk, idle);
    assert!(session(&desk, 1).idle_exit().is_none(), "the recorder that was left behind");
    let idle = left_idle(&desk, 77);
    told(&mut desk, idle);
    assert!(session(&desk, 1).idle_exit().is_some());
    let mut desk = running();
    let idle = left_idle(&desk, ORIGINAL);
    told(&mut desk, idle);
    desk.run(20, well);
    tell(&mut desk, EventType::RecorderStarted);
    assert!(session(&desk, 1).idle_exit().is_none(), "it came back");
    let signal = Details { leave: Some(2), ..Details::default() };
    let mut desk = running();
    let left = Notified { details: signal, ..notice(&desk, EventType::RecorderLeave) };
    told(&mut desk, left);
    assert!(session(&desk, 1).idle_exit().is_none());
}

#[test]
fn r2_the_hour_limit_of_a_page_is_staffs_own() {
    for (code, replaced) in [(1, false), (6, true)] {
        let mut desk = running();
        desk.run(20, well);
        let details = Details { code: Some(code), ..Details::default() };
        let stopped = Notified { details, ..notice(&desk, EventType::WebRecorderStopped) };
        told(&mut desk, stopped);
        tell(&mut desk, EventType::SessionExit);
        desk.run(60, first_gone);
        assert_eq!(desk.by_uid(Operation::Start).len() == 2, replaced, "code {code}");
    }
}

#[test]
fn r2_restart_after_idle_begins_another_at_once_and_is_no_replacement() {
    let mut desk = running_with(Policy { restart_after_idle: true, replacements: 0, ..Policy::default() });
    desk.run(20, well);
    let idle = left_idle(&desk, ORIGINAL);
    told(&mut desk, idle);
    tell(&mut desk, EventType::SessionExit);
    desk.run(60, first_gone);
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (20, BACKUP)]);
    assert_eq!(session(&desk, 2).because, Because::Restarts(1));
    assert!(desk.recording.replacements.is_empty(), "R3 does not count it");
    assert_eq!(
        desk.calls.iter().find(|call| call.at == 20_000 && call.session == 2).map(|call| call.rule),
        Some(RuleId::R2)
    );
}

#[test]
fn r5_a_42_shows_that_a_replacement_recorded() {
    let starts = |told_slice: bool| {
        let mut desk = running();
        desk.run(230, first_gone);
        assert_eq!(desk.by_uid(Operation::Start).len(), 2);
        let quiet = |call: &Seen| match call.operation {
            Operation::Query if call.session == 2 => status_without_file(4),
            _ => first_gone(call),
        };
        desk.run(240, quiet);
        desk.recording.sessions[1].recorded = false;
        if told_slice {
            let slice =
                Notified { sid: sid(2), uid: Uid::new(BACKUP), ..notice(&desk, EventType::SliceStart) };
            told(&mut desk, slice);
        }
        desk.run(700, |call| if call.session < 3 { nothing_found(call) } else { well(call) });
        desk.by_uid(Operation::Start).len()
    };
    assert_eq!((starts(false), starts(true)), (2, 3));
}

#[test]
fn r5_a_fatal_error_before_anything_was_recorded_is_not_replaced_even_once() {
    let replaced = |code: u32, fresh_tokens: bool| {
        let facts = BoardFacts { fresh_tokens, ..BoardFacts::default() };
        let mut desk = Desk::on(requested(Policy::default()), facts);
        desk.run(2, well);
        let error = fatal(&desk, code);
        told(&mut desk, error);
        desk.run(200, first_gone);
        let waits = desk.recording.waiting.as_ref().map(|waiting| (waiting.why, waiting.rule));
        assert_eq!(waits.is_some(), desk.by_uid(Operation::Start).len() == 1);
        assert!(waits.is_none_or(|waits| waits == (WaitingFor::Fatal, RuleId::R5)));
        desk.by_uid(Operation::Start).len() == 2
    };
    assert!(!replaced(32, true) && !replaced(110, true));
    assert!(replaced(109, true) && !replaced(109, false));
    assert!(replaced(47, false));
}

#[test]
fn r5_a_fatal_error_after_something_was_recorded_is_replaced() {
    let mut desk = running();
    desk.run(20, well);
    let error = fatal(&desk, 110);
    told(&mut desk, error);
    desk.run(200, first_gone);
    assert_eq!(desk.by_uid(Operation::Start).len(), 2);
}

#[test]
fn t1_notifications_and_the_answer_to_a_stop_tell_how_the_upload_ended() {
    let mut desk = running();
    assert_eq!(session(&desk, 1).upload(), None);
    tell(&mut desk, EventType::Uploaded);
    assert_eq!(session(&desk, 1).upload(), Some(false));
    tell(&mut desk, EventType::BackedUp);
    assert_eq!(session(&desk, 1).upload(), Some(true));
    let answered = |status: &str| {
        let mut desk = running();
        desk.press_stop();
        let uploading_status = Some(status.to_owned());
        desk.run(60, |call| match call.operation {
            Operation::Stop => answer(AnswerClass::Stopped(StopAnswer {
                uploading_status: uploading_status.clone(),
                ..StopAnswer::default()
            })),
            _ => nothing_found(call),
        });
        session(&desk, 1).upload()
    };
    assert_eq!(
        [answered("uploaded"), answered("backuped"), answered("unknown")],
        [Some(false), Some(true), None]
    );
}

#[test]
fn t2_an_11_after_an_accepted_stop_is_stopped() {
    let mut desk = running();
    desk.run(20, well);
    desk.press_stop();
    desk.run(22, well);
    let exit = tell(&mut desk, EventType::SessionExit);
    desk.run(23, well);
    let stopped = DecisionKind::Ended { session: 1, how: EndedHow::Stopped };
    assert_eq!(desk.decided_at(&stopped), Some(22));
    assert!(desk.entries.iter().any(|entry| matches!(
        &entry.fact,
        Fact::Decided(decision) if decision.kind == stopped && decision.rule == RuleId::T2 && decision.evidence.contains(&exit)
    )));
    assert!(desk.recording.settled());
}

#[test]
fn t6_out_of_control_until_11_or_71_comes() {
    for event in [EventType::SessionExit, EventType::WebRecorderStopped] {
        let mut requested = requested(Policy { changeover: false, ..Policy::default() });
        requested.settings.resource_expired_hours = 1;
        let mut desk = Desk::with(requested);
        desk.run(4000, well);
        assert!(desk.recording.has_alarm(AlarmCause::OutOfControl(1)));
        desk.press_stop();
        desk.run(4001, well);
        assert!(!desk.recording.settled(), "nobody knows");
        tell(&mut desk, event);
        desk.run(4002, well);
        let ended = DecisionKind::Ended { session: 1, how: EndedHow::Notified };
        assert_eq!(desk.decided_at(&ended), Some(4001), "{event:?}");
        assert!(desk.queries(1, 3601).is_empty());
        assert!(desk.recording.settled());
    }
}

/// A desk whose first start was left behind at 0 s; notifications come in this App ID.
fn orphaned() -> Desk {
    let facts = BoardFacts { notified: Some(Timestamp::from_millis(ORIGIN)), ..BoardFacts::default() };
    let mut desk = Desk::on(requested(Policy::default()), facts);
    desk.run(3, |call| match call.operation {
        Operation::Start if call.session == 1 => answer(AnswerClass::AlreadyStarted(None)),
        _ => well(call),
    });
    assert!(session(&desk, 1).is_orphan());
    desk
}

/// Whether a notification of this UID that happened then fits the first session.
fn fits(desk: &Desk, uid: u32, sent_millis: i64) -> bool {
    let sent_at = Timestamp::from_millis(ORIGIN + sent_millis);
    let uid = Uid::new(uid).expect("not 0");
    crate::fits_orphan(&desk.recording, 1, &desk.recording.channel, uid, sent_at)
}

fn adopt(desk: &mut Desk) {
    assert!(fits(desk, ORIGINAL, 0));
    let uid = Uid::new(ORIGINAL).expect("not 0");
    let resource_id = session(desk, 1).resource.clone().expect("a resource ID").id;
    desk.write(By::Agora, Fact::Adopted(Adopted { session: 1, uid, resource_id, sid: sid(1) }));
}

#[test]
fn s9_a_notification_fits_a_start_of_its_channel_and_uid_that_left_not_5_s_after_it() {
    let desk = orphaned();
    assert!(fits(&desk, ORIGINAL, 0) && fits(&desk, ORIGINAL, 60_000));
    assert!(fits(&desk, ORIGINAL, -5_000) && !fits(&desk, ORIGINAL, -5_001));
    assert!(!fits(&desk, BACKUP, 0));
    let elsewhere = ChannelName::parse("phys-2a").expect("a channel name");
    let uid = Uid::new(ORIGINAL).expect("not 0");
    assert!(!crate::fits_orphan(&desk.recording, 1, &elsewhere, uid, desk.now));
    assert!(!crate::fits_orphan(&desk.recording, 7, &desk.recording.channel, uid, desk.now));
    assert!(!fits(&running(), ORIGINAL, 60_000));
    let mut dismissed = desk;
    dismissed.recording.sessions[0].dismissed = true;
    assert!(!fits(&dismissed, ORIGINAL, 0));
    dismissed.recording.sessions[0].dismissed = false;
    dismissed.recording.unreadable = true;
    assert!(!fits(&dismissed, ORIGINAL, 0));
}

#[test]
fn s9_between_two_tries_of_an_unclear_start_it_may_be_adopted_and_not_while_one_is_open() {
    let mut desk = Desk::new();
    desk.run(2, |call| match call.operation {
        Operation::Start => answer(AnswerClass::NotCompleted),
        _ => well(call),
    });
    assert!(fits(&desk, ORIGINAL, 0));
    desk.run(4, |_| Reply::Open);
    assert!(!fits(&desk, ORIGINAL, 0));
}

#[test]
fn s9_an_adopted_session_is_proved_by_a_200_to_the_next_query_and_nothing_else_is_started() {
    let mut desk = orphaned();
    adopt(&mut desk);
    desk.run(60, well);
    assert_eq!(desk.queries(1, 0).first(), Some(&3), "at once");
    assert_eq!(desk.decided_at(&DecisionKind::Confirmed(1)), Some(3));
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL)], "no other UID was started in the 10 s");
    assert_eq!(desk.recording.billed(), (1, 0));
}

#[test]
fn s9_an_adopted_session_that_is_not_found_is_in_doubt_and_is_seen_over() {
    let mut desk = orphaned();
    adopt(&mut desk);
    desk.run(100, first_gone);
    assert_eq!(desk.decided_at(&DecisionKind::InDoubt(1)), Some(3));
    assert_eq!(desk.decided_at(&DecisionKind::Lost(1)), Some(93));
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (93, BACKUP)]);
}

#[test]
fn s9_an_adopted_session_is_stopped_at_once_if_the_recording_is() {
    let mut desk = orphaned();
    desk.press_stop();
    desk.run(5, well);
    adopt(&mut desk);
    desk.run(60, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    assert_eq!(desk.by_uid(Operation::Stop), [(5, ORIGINAL)]);
    assert!(desk.recording.settled());
}

#[test]
fn s9_adopted_beside_a_live_one_it_is_a_twin() {
    let mut desk = orphaned();
    desk.run(30, well);
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (10, BACKUP)]);
    adopt(&mut desk);
    desk.run(40, well);
    let phases: Vec<_> = desk.recording.sessions.iter().map(|session| session.phase).collect();
    assert_eq!(phases, [Phase::Live, Phase::Live]);
    assert_eq!(desk.alarmed_at(AlarmCause::Twins(1)), Some(30));
}

fn waiting_for_13() -> Desk {
    Desk::with_policy(Policy { started_notification: true, ..Policy::default() })
}

#[test]
fn v4_with_a_13_in_time_nothing_is_doubled() {
    let doubled = |came: u32| {
        let mut desk = waiting_for_13();
        desk.run(came, well);
        tell(&mut desk, EventType::HighAvailabilityRegistered);
        desk.run(60, well);
        desk.by_uid(Operation::Start).len() == 2
    };
    assert!(!doubled(4) && !doubled(9));
    let mut late = waiting_for_13();
    late.run(9, well);
    late.now = Timestamp::from_millis(ORIGIN + 10_001);
    tell(&mut late, EventType::HighAvailabilityRegistered);
    late.run(60, well);
    assert_eq!(late.by_uid(Operation::Start).len(), 2);
}

#[test]
fn v4_without_a_13_a_second_session_begins_and_the_first_is_stopped_when_it_is_confirmed() {
    let mut desk = waiting_for_13();
    let mut stopped_first = false;
    desk.run(120, |call| match (call.operation, call.session) {
        (Operation::Stop, _) => {
            stopped_first = true;
            stopped()
        }
        (Operation::Query, 1) if stopped_first => not_found(),
        _ => well(call),
    });
    assert_eq!(desk.queries(1, 0)[..2], [5, 10]);
    assert_eq!(desk.calls.iter().find(|call| call.at == 10_000).map(|call| call.rule), Some(RuleId::V4));
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (10, BACKUP)]);
    assert_eq!(desk.by_uid(Operation::Stop), [(15, ORIGINAL)]);
    let stop = desk.calls.iter().find(|call| call.operation == Operation::Stop).expect("a stop");
    assert_eq!(stop.rule, RuleId::V4);
    assert!(desk.recording.replacements.is_empty());
    assert_eq!(desk.recording.billed(), (1, 0), "it never leaves two");
}

#[test]
fn v4_a_404_instead_is_left_to_v_and_a_session_that_ran_for_long_is_not_doubled() {
    let mut desk = waiting_for_13();
    desk.run(60, nothing_found);
    assert_eq!(desk.by_uid(Operation::Start).len(), 1);
    let mut desk = running();
    desk.run(100, well);
    desk.recording.policy.started_notification = true;
    desk.run(900, well);
    assert_eq!(desk.by_uid(Operation::Start).len(), 1);
    assert!(desk.calls.iter().all(|call| call.rule != RuleId::V4));
}

#[test]
fn v4_it_can_be_switched_on_where_the_last_3_starts_had_their_13_within_10_s() {
    let asked = Policy { started_notification: true, ..Policy::default() };
    let mut desk = Desk::new();
    let mut expects = |came: &[u32], offset: u64| {
        let mut board = Board::default();
        for (number, seconds) in (1..).zip(came) {
            let mut other = Desk::new();
            other.board = board;
            other.run(0, |call| match call.operation {
                Operation::Start => answer(AnswerClass::Started(sid(number))),
                _ => well(call),
            });
            other.now = other.now + std::time::Duration::from_millis(u64::from(*seconds) * 1000 + offset);
            let registered =
                Notified { sid: sid(number), ..notice(&other, EventType::HighAvailabilityRegistered) };
            told(&mut other, registered);
            board = other.board;
        }
        desk.board = board;
        crate::permits_policy(&desk.board, &asked).is_ok()
    };
    assert!(expects(&[1, 2, 10], 0));
    assert!(!expects(&[1, 2, 10], 1));
    assert!(!expects(&[1, 2], 0));
    assert!(expects(&[99, 1, 2, 3], 0), "the last three count");
    assert!(crate::permits_policy(&Board::default(), &Policy::default()).is_ok());
    let refused = crate::permits_policy(&Board::default(), &asked).expect_err("nothing was ever seen");
    assert_eq!(refused.rule, Some(RuleId::V4));
}

#[test]
fn d8_a_start_that_is_answered_after_another_was_begun_leaves_no_session_half_way() {
    let mut desk = Desk::new();
    desk.run(131, |call| match (call.operation, call.session) {
        (Operation::Start, 1) => Reply::None(UnansweredCause::Timeout, 30_000),
        (Operation::Acquire, 2) => Reply::Answer(200, acquired_class(call), 5_000),
        _ => well(call),
    });
    let id = desk.calls.iter().find(|call| call.operation == Operation::Start).expect("a start").id.clone();
    desk.answer_now(&id, 200, AnswerClass::Started(sid(1)));
    desk.run(200, well);
    assert_eq!(session(&desk, 1).phase, Phase::Live);
    assert_eq!(session(&desk, 2).phase, Phase::Abandoned, "it is not needed, and nothing was started");
    assert_eq!(desk.recording.billed(), (1, 0));
}

fn acquired_class(call: &Seen) -> AnswerClass {
    match acquired(call) {
        Reply::Answer(_, class, _) => class,
        Reply::None(..) | Reply::Open => AnswerClass::Unreadable,
    }
}
