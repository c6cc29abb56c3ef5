//! S: from a request to a `sid`.

use agora::{AnswerClass, ChannelName, Mode, Operation, Timestamp, Uid, UnansweredCause};

use super::*;
use crate::journal::WaitingFor;
use crate::recording::{MayRun, Phase};

/// A service whose starts are answered by `script`, with the call and its number from 1.
fn starts(mut script: impl FnMut(u32, &Seen) -> Reply) -> impl FnMut(&Seen) -> Reply {
    let mut count = 0;
    move |call| match call.operation {
        Operation::Start => {
            count += 1;
            script(count, call)
        }
        _ => well(call),
    }
}

fn acquires(mut script: impl FnMut(u32, &Seen) -> Reply) -> impl FnMut(&Seen) -> Reply {
    let mut count = 0;
    move |call| match call.operation {
        Operation::Acquire => {
            count += 1;
            script(count, call)
        }
        _ => well(call),
    }
}

#[test]
fn s1_a_request_with_a_uid_twice_or_in_use_is_refused() {
    let desk = running();
    let channel = ChannelName::parse("math-7b").expect("a channel name");
    let mut twice = uids();
    twice.backup = twice.original;
    let refusal = permits_request_for(&Board::default(), &channel, &twice, false);
    assert_eq!(refusal.expect("a UID twice").rule, Some(RuleId::S11));
    let in_use = permits_request_for(&desk.board, &channel, &uids(), true);
    assert_eq!(in_use.expect("a UID in use").rule, Some(RuleId::S11));
}

fn permits_request_for(
    board: &Board,
    channel: &ChannelName,
    uids: &Uids,
    beside: bool,
) -> Option<crate::Refusal> {
    crate::permits_request(board, channel, Mode::Mix, uids, beside).err()
}

#[test]
fn s2_the_start_follows_its_resource_id_at_once() {
    let mut desk = Desk::new();
    desk.run(1, well);
    assert_eq!(desk.by_uid(Operation::Acquire), [(0, ORIGINAL)]);
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL)]);
    assert_eq!(desk.calls[1].rule, RuleId::S2);
}

#[test]
fn s2_a_start_later_than_2_s_is_marked_and_one_older_than_290_s_acquires_anew() {
    let late = |seconds: u64| {
        let mut desk = Desk::new();
        desk.run(0, |_| Reply::Open);
        let id = desk.calls[0].id.clone();
        let resource = agora::ResourceId::parse("resource-1").expect("a resource ID");
        desk.answer_now(&id, 200, AnswerClass::Acquired(resource));
        desk.now = desk.now + std::time::Duration::from_secs(seconds);
        desk.run(u32::try_from(seconds).expect("small") + 1, well);
        desk
    };
    let marked = |desk: &Desk| {
        desk.entries.iter().any(|entry| matches!(&entry.fact, Fact::CallSent(sent) if sent.late))
    };
    assert!(!marked(&late(2)));
    assert!(marked(&late(3)));
    let desk = late(290);
    assert_eq!(desk.by_uid(Operation::Acquire).len(), 1);
    let desk = late(291);
    assert_eq!(desk.by_uid(Operation::Acquire), [(0, ORIGINAL), (291, ORIGINAL)]);
    assert_eq!(desk.by_uid(Operation::Start), [(291, ORIGINAL)]);
}

#[test]
fn s2_codes_433_and_1001_acquire_anew_with_the_same_uid() {
    let mut desk = Desk::new();
    desk.run(5, starts(|n, call| if n == 1 { answer(AnswerClass::ResourceExpired) } else { started(call) }));
    assert_eq!(desk.by_uid(Operation::Acquire), [(0, ORIGINAL), (0, ORIGINAL)]);
    assert!(desk.recording.session(2).is_some_and(|session| session.sid.is_some()));
}

#[test]
fn s3_a_sid_means_accepted_and_nothing_more() {
    let mut desk = Desk::new();
    desk.run(4, well);
    let session = desk.recording.session(1).expect("a session");
    assert_eq!(session.phase, Phase::Accepted);
    assert_eq!(session.confirmed, None);
}

#[test]
fn s4_a_start_that_fails_goes_out_at_0_3_9_18_s_and_then_with_the_backup_uid() {
    let mut desk = Desk::new();
    desk.run(200, starts(|_, _| answer(AnswerClass::ServerError)));
    let starts = desk.by_uid(Operation::Start);
    let original: Vec<_> = [0, 3, 9, 18].map(|at| (at, ORIGINAL)).to_vec();
    let backup: Vec<_> = [18, 21, 27, 36].map(|at| (at, BACKUP)).to_vec();
    assert_eq!(starts[..4], original);
    assert_eq!(starts[4..8], backup);
    assert_eq!(desk.by_uid(Operation::Acquire)[..2], [(0, ORIGINAL), (18, BACKUP)]);
    assert_eq!(desk.alarmed_at(AlarmCause::StartFailing), Some(36));
    assert_eq!(starts[8..], [(96, ORIGINAL), (156, BACKUP)]);
    let kinds: Vec<_> = desk.decided().into_iter().filter(|(_, rule, _)| *rule == RuleId::S9).collect();
    assert_eq!(kinds[0], (18, RuleId::S9, DecisionKind::Orphaned { session: 1, unlikely: true }));
}

#[test]
fn s4_tries_every_minute_for_half_an_hour_and_then_waits_for_staff() {
    let mut desk = Desk::new();
    desk.run(4000, starts(|_, _| answer(AnswerClass::ServerError)));
    let starts = desk.by_uid(Operation::Start);
    assert_eq!(starts.len(), 8 + 29);
    assert_eq!(starts.last().map(|(at, _)| *at), Some(36 + 29 * 60));
    assert_eq!(desk.decided_at(&DecisionKind::WaitForStaff(WaitingFor::StartTries)), Some(1836));
    assert_eq!(desk.recording.waiting.as_ref().map(|waiting| waiting.why), Some(WaitingFor::StartTries));
    assert!(serde_json::to_string(&desk.recording).expect("JSON").len() < 2048 + 1024);
    desk.by_staff(Fact::TryAgainRequested);
    desk.run(4001, well);
    assert!(desk.recording.sessions.iter().any(|session| session.phase == Phase::Accepted));
}

#[test]
fn s4_four_tries_of_one_uid_whichever_mixture_asked_for_them() {
    let mut desk = Desk::new();
    let mixture = |n: u32, call: &Seen| match n {
        1 | 3 => answer(AnswerClass::ServerError),
        2 => answer(AnswerClass::NotCompleted),
        4 => answer(AnswerClass::WorkerNotAllocated),
        _ => started(call),
    };
    desk.run(60, starts(mixture));
    let starts = desk.by_uid(Operation::Start);
    assert_eq!(starts.iter().filter(|(_, uid)| *uid == ORIGINAL).count(), 4);
    assert_eq!(starts.last().map(|(_, uid)| *uid), Some(BACKUP));
}

#[test]
fn s5_code_65_goes_out_again_after_3_and_6_s_and_then_once_with_a_new_resource_id() {
    let mut desk = Desk::new();
    desk.run(40, starts(|n, call| if n <= 4 { answer(AnswerClass::NotCompleted) } else { started(call) }));
    assert_eq!(
        desk.by_uid(Operation::Start),
        [(0, ORIGINAL), (3, ORIGINAL), (9, ORIGINAL), (9, ORIGINAL), (9, BACKUP)]
    );
    assert_eq!(desk.by_uid(Operation::Acquire), [(0, ORIGINAL), (9, ORIGINAL), (9, BACKUP)]);
    let orphan = desk.recording.session(1).expect("kept as a possible orphan");
    assert!(orphan.is_orphan());
    assert_eq!(orphan.may_run, MayRun::Possibly);
}

#[test]
fn s5_an_unanswered_start_has_had_its_repeats_and_acquires_anew_at_once() {
    let mut desk = Desk::new();
    let silent = |n: u32, call: &Seen| {
        if n <= 4 { Reply::None(UnansweredCause::Timeout, 30_000) } else { started(call) }
    };
    desk.run(200, starts(silent));
    // 30 s each, and D2's gaps of 1, 3 and 6 s.
    assert_eq!(
        desk.by_uid(Operation::Start),
        [(0, ORIGINAL), (31, ORIGINAL), (64, ORIGINAL), (100, ORIGINAL), (130, ORIGINAL)]
    );
    assert_eq!(desk.by_uid(Operation::Acquire), [(0, ORIGINAL), (130, ORIGINAL)]);
}

#[test]
fn s5_when_the_second_resource_id_finds_the_uid_in_use_the_first_one_lives() {
    let mut desk = Desk::new();
    let script = |n: u32, call: &Seen| match n {
        1..=3 => answer(AnswerClass::NotCompleted),
        4 => answer(AnswerClass::TaskConflict),
        _ => started(call),
    };
    desk.run(40, starts(script));
    assert_eq!(desk.by_uid(Operation::Start).last(), Some(&(9, BACKUP)));
    assert!(desk.recording.session(1).is_some_and(crate::recording::Session::is_orphan));
}

#[test]
fn s6_no_worker_acquires_anew_at_once_then_after_3_and_6_s_then_the_backup_uid() {
    let mut desk = Desk::new();
    let script =
        |n: u32, call: &Seen| if n <= 4 { answer(AnswerClass::WorkerNotAllocated) } else { started(call) };
    desk.run(40, starts(script));
    assert_eq!(
        desk.by_uid(Operation::Acquire),
        [(0, ORIGINAL), (0, ORIGINAL), (3, ORIGINAL), (9, ORIGINAL), (9, BACKUP)]
    );
    assert!(!desk.recording.sessions.iter().any(crate::recording::Session::is_orphan));
}

#[test]
fn s6_201_code_7_with_a_sid_is_ours_and_without_one_is_a_possible_orphan() {
    let mut desk = Desk::new();
    desk.run(4, starts(|_, call| answer(AnswerClass::AlreadyStarted(Some(sid(call.session))))));
    assert_eq!(desk.recording.session(1).map(|session| session.phase), Some(Phase::Accepted));
    let mut desk = Desk::new();
    desk.run(
        4,
        starts(|n, call| if n == 1 { answer(AnswerClass::AlreadyStarted(None)) } else { started(call) }),
    );
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (0, BACKUP)]);
    assert!(desk.recording.session(1).is_some_and(crate::recording::Session::is_orphan));
}

#[test]
fn s7_a_uid_in_use_leads_to_the_next_free_one_and_then_to_waits() {
    let mut desk = Desk::new();
    desk.run(60, starts(|_, _| answer(AnswerClass::TaskConflict)));
    let starts = desk.by_uid(Operation::Start);
    let round = |at: i64| [(at, ORIGINAL), (at, BACKUP), (at, RESERVE), (at, LAST_RESERVE)];
    assert_eq!(starts[..4], round(0));
    assert_eq!(desk.alarmed_at(AlarmCause::UidsInUse), Some(0));
    assert_eq!(starts[4..8], round(3));
    assert_eq!(starts[8..12], round(9));
    assert_eq!(starts[12..16], round(18));
    assert_eq!(starts[16..], round(48));
}

#[test]
fn s8_a_failing_acquire_goes_out_after_3_6_9_s_and_then_every_30_s_with_an_alarm() {
    let mut desk = Desk::new();
    desk.run(80, acquires(|_, _| answer(AnswerClass::ServerError)));
    assert_eq!(desk.instants(Operation::Acquire), [0, 3_000, 9_000, 18_000, 48_000, 78_000]);
    assert_eq!(desk.alarmed_at(AlarmCause::AcquireFailing), Some(18));
    assert!(desk.calls.iter().skip(1).all(|call| call.rule == RuleId::S8));
    // What is to come says which answer it follows.
    let (_, _, reason) =
        crate::planned(&desk.recording, &desk.board, desk.now).into_iter().next().expect("a plan");
    assert_eq!(reason.evidence, [desk.recording.last]);
}

#[test]
fn s8_the_limit_of_tasks_is_waited_for_5_10_15_s_and_then_30_s() {
    let mut desk = Desk::new();
    desk.run(95, acquires(|_, _| answer(AnswerClass::PcwReached)));
    assert_eq!(desk.instants(Operation::Acquire), [0, 5_000, 15_000, 30_000, 60_000, 90_000]);
}

#[test]
fn s8_only_the_start_that_has_waited_longest_asks_for_the_limit() {
    let mut first = Desk::new();
    first.run(1, acquires(|_, _| answer(AnswerClass::PcwReached)));
    let mut second = Desk::new();
    second.recording.id = RecordingId::parse("r-2").expect("an id");
    second.recording.channel = ChannelName::parse("phys-2a").expect("a channel name");
    second.now = second.now + std::time::Duration::from_secs(2);
    second.board = first.board.clone();
    second.run(60, acquires(|_, _| answer(AnswerClass::PcwReached)));
    assert_eq!(second.instants(Operation::Acquire), [2_000]);
    let rests = crate::next::look(&second.recording, &second.board, second.now).rests;
    assert_eq!(rests.first().map(|reason| reason.cause), Some(crate::Cause::OthersWaitLonger));
}

#[test]
fn s9_an_orphan_holds_back_the_next_uid_for_10_s_where_notifications_come() {
    let facts = |notified| BoardFacts { notified, ..BoardFacts::default() };
    let gap = |facts: BoardFacts| {
        let mut desk = Desk::on(requested(Policy::default()), facts);
        desk.run(
            60,
            starts(|n, call| if n <= 1 { answer(AnswerClass::AlreadyStarted(None)) } else { started(call) }),
        );
        desk.by_uid(Operation::Start)[1].0
    };
    assert_eq!(gap(facts(None)), 0);
    assert_eq!(gap(facts(Some(Timestamp::from_millis(ORIGIN)))), 10);
    let day = 86_400_000;
    assert_eq!(gap(facts(Some(Timestamp::from_millis(ORIGIN - day)))), 10);
    assert_eq!(gap(facts(Some(Timestamp::from_millis(ORIGIN - day - 1)))), 0);
}

#[test]
fn s9_an_orphan_is_flagged_until_staff_dismiss_it() {
    let mut desk = Desk::new();
    desk.run(
        20,
        starts(|n, call| if n <= 1 { answer(AnswerClass::AlreadyStarted(None)) } else { started(call) }),
    );
    desk.press_stop();
    desk.run(120, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    assert!(!desk.recording.settled());
    desk.by_staff(Fact::Dismissed(crate::journal::Dismissed {
        session: 1,
        reason: "the channel is empty".to_owned(),
    }));
    assert!(desk.recording.settled());
}

#[test]
fn s10_a_second_start_in_a_channel_is_refused_while_one_runs() {
    let mut desk = Desk::new();
    desk.run(0, |_| Reply::Open);
    let channel = ChannelName::parse("math-7b").expect("a channel name");
    let other = Uids {
        original: Uid::new(7).expect("not zero"),
        backup: Uid::new(8).expect("not zero"),
        reserves: Vec::new(),
    };
    let starting = permits_request_for(&desk.board, &channel, &other, true);
    assert_eq!(starting.expect("one starts").rule, Some(RuleId::S10));
    let desk = running();
    assert_eq!(
        permits_request_for(&desk.board, &channel, &other, false).expect("one is live").rule,
        Some(RuleId::S10)
    );
    assert_eq!(permits_request_for(&desk.board, &channel, &other, true), None);
}

#[test]
fn s11_a_uid_that_may_live_is_not_taken_and_the_pair_alternates() {
    // The original is lost, the backup replaces it; the backup is lost while the original is still asked after.
    let mut desk = running();
    desk.run(700, |call| match call.operation {
        Operation::Query => {
            let lives = call.session == 3 || (call.session == 2 && call.at < 350_000);
            if lives { status(5) } else { not_found() }
        }
        _ => well(call),
    });
    let acquires = desk.by_uid(Operation::Acquire);
    assert_eq!(acquires[0].1, ORIGINAL);
    assert_eq!(acquires[1].1, BACKUP);
    assert_eq!(acquires[2].1, RESERVE, "the original is not over yet: {acquires:?}");
}

#[test]
fn s11_with_no_free_uid_at_all_the_one_lost_longest_ago_is_taken() {
    let mut requested = requested(Policy { replacements: 10, ..Policy::default() });
    requested.uids.reserves.clear();
    let mut desk = Desk::with(requested);
    // Each session records for a while and is then lost, sooner than the one before it is over.
    let mut seen = std::collections::BTreeMap::new();
    desk.run(900, |call| match call.operation {
        Operation::Query => {
            let begun = *seen.entry(call.session).or_insert(call.at);
            if call.at - begun < 20_000 { status(5) } else { not_found() }
        }
        _ => well(call),
    });
    let acquires: Vec<_> = desk.by_uid(Operation::Acquire).into_iter().map(|(_, uid)| uid).collect();
    assert!(acquires.len() >= 3, "{acquires:?}");
    assert_eq!(acquires[..3], [ORIGINAL, BACKUP, ORIGINAL]);
}

#[test]
fn s10_of_two_that_are_replaced_at_once_the_second_waits_for_the_first() {
    let mut first = Desk::new();
    first.run(0, |_| Reply::Open);
    let mut second = Desk::new();
    second.recording.id = RecordingId::parse("r-2").expect("an id");
    second.board = first.board.clone();
    second.run(30, well);
    assert!(second.calls.is_empty());
}

#[test]
fn s9_a_start_that_was_cut_may_run_whatever_its_repeat_is_told() {
    let mut desk = Desk::new();
    desk.run(
        1,
        starts(|nth, _| match nth {
            1 => Reply::None(agora::UnansweredCause::Reset, 0),
            _ => answer(AnswerClass::Refused),
        }),
    );
    assert!(desk.recording.session(1).is_some_and(crate::recording::Session::is_orphan));
}

#[test]
fn s6_the_uid_of_a_start_that_may_run_is_not_taken_again() {
    let mut desk = Desk::new();
    desk.run(
        5,
        starts(|nth, _| match nth {
            1 => answer(AnswerClass::ServerError),
            _ => answer(AnswerClass::WorkerNotAllocated),
        }),
    );
    let uids: Vec<_> = desk.by_uid(Operation::Start).into_iter().map(|(_, uid)| uid).take(3).collect();
    assert_eq!(uids, [ORIGINAL, ORIGINAL, BACKUP]);
}

#[test]
fn s11_the_second_uid_of_a_round_is_one_that_no_other_recording_holds() {
    // Another recording of the channel lives with the UID that is our backup.
    let mut theirs = requested(Policy::default());
    theirs.uids.original = Uid::new(BACKUP).expect("not zero");
    theirs.uids.backup = Uid::new(7).expect("not zero");
    theirs.uids.reserves.clear();
    let mut other = Desk::with(theirs);
    other.recording.id = RecordingId::parse("r-0").expect("an id");
    other.board = Board::default();
    other.run(10, well);
    let mut desk = Desk::new();
    desk.board = other.board;
    desk.run(10, starts(|n, call| if n == 1 { answer(AnswerClass::TaskConflict) } else { started(call) }));
    assert_eq!(desk.by_uid(Operation::Start), [(0, ORIGINAL), (0, RESERVE)]);
}
