//! C: the checklist of every session.

use agora::notification::EventType;

use super::*;
use crate::checklist::{Advice, Checked, Item, Verdict, checklist};

/// The checklist of the first session.
fn of(desk: &Desk) -> [Checked; 10] {
    let session = desk.recording.session(1).expect("the first session");
    checklist(&desk.recording, session, &desk.board)
}

fn verdict(desk: &Desk, item: Item) -> Verdict {
    of(desk)[usize::from(item.number()) - 1].verdict
}

fn advice(desk: &Desk, item: Item) -> Option<Advice> {
    of(desk)[usize::from(item.number()) - 1].advice.clone()
}

fn played(seconds: u32, script: impl FnMut(&Seen) -> Reply) -> Desk {
    let mut desk = Desk::new();
    desk.run(seconds, script);
    desk
}

/// What every call of one operation is answered with, while the others go well.
fn with(operation: Operation, class: AnswerClass) -> impl FnMut(&Seen) -> Reply {
    move |call| if call.operation == operation { answer(class.clone()) } else { well(call) }
}

#[test]
fn c1_the_ten_items_are_those_of_the_documents_in_their_order() {
    let numbers: Vec<u8> = Item::ALL.iter().map(|item| item.number()).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    let optional: Vec<u8> =
        Item::ALL.iter().filter(|item| !item.is_required()).map(|item| item.number()).collect();
    assert_eq!(optional, [8, 9, 10]);
    assert!(of(&running()).iter().map(|checked| checked.item).eq(Item::ALL));
}

#[test]
fn c1_a_recording_that_runs_passes_what_its_journal_proves() {
    let desk = running();
    for checked in of(&desk) {
        let wanted = if checked.item == Item::Notifications { Verdict::NotKnown } else { Verdict::Passed };
        assert_eq!(checked.verdict, wanted, "{checked:?}");
        for entry in &checked.evidence {
            assert!(desk.entries.iter().any(|known| known.number == *entry), "{checked:?}");
        }
        let shown = !matches!(checked.item, Item::Notifications | Item::Domains);
        assert_eq!(!checked.evidence.is_empty(), shown, "{checked:?}");
    }
}

#[test]
fn c1_before_anything_came_back_nothing_is_known_but_what_we_do_ourselves() {
    let desk = played(1, |_| Reply::Open);
    for checked in of(&desk) {
        let ours = matches!(checked.item, Item::Domains | Item::IdleTime);
        let wanted = if ours { Verdict::Passed } else { Verdict::NotKnown };
        assert_eq!(checked.verdict, wanted, "{checked:?}");
    }
}

#[test]
fn c1_a_refused_key_is_told_from_a_refused_parameter() {
    let refuse = |status: u16, code: Option<u32>| {
        let mut desk = Desk::new();
        desk.run(0, |_| Reply::Open);
        let id = desk.calls[0].id.clone();
        let answer = Answer { status, code, reason: None, class: AnswerClass::Refused };
        desk.write(By::Agora, Fact::CallAnswered(CallAnswered { id, answer, raw: None }));
        desk
    };
    let shut = refuse(401, None);
    assert_eq!(verdict(&shut, Item::Subscription), Verdict::Failed);
    assert_eq!(advice(&shut, Item::Subscription), Some(Advice::SwitchOn));
    assert_eq!(verdict(&shut, Item::Parameters), Verdict::NotKnown);
    let wrong = refuse(400, Some(2));
    assert_eq!(verdict(&wrong, Item::Subscription), Verdict::NotKnown);
    assert_eq!(verdict(&wrong, Item::Parameters), Verdict::Failed);
    assert_eq!(of(&wrong)[4].evidence, [wrong.recording.last]);
}

#[test]
fn c1_an_address_that_the_gateway_does_not_know_fails_the_second_item() {
    let desk = played(1, with(Operation::Acquire, AnswerClass::NoRoute));
    assert_eq!(verdict(&desk, Item::RequestMethod), Verdict::Failed);
    assert_eq!(advice(&desk, Item::RequestMethod), Some(Advice::CheckAddress));
    let desk = played(3, well);
    assert_eq!(verdict(&desk, Item::RequestMethod), Verdict::NotKnown, "nothing was asked for yet");
}

#[test]
fn c1_a_uid_that_somebody_has_and_a_resource_that_is_not_started_fail_the_third() {
    let desk = played(1, with(Operation::Start, AnswerClass::TaskConflict));
    assert_eq!(verdict(&desk, Item::Resource), Verdict::Failed);
    assert_eq!(advice(&desk, Item::Resource), Some(Advice::ReserveUids));
    let mut desk = Desk::new();
    desk.run(0, |_| Reply::Open);
    desk.press_stop();
    let acquire = desk.calls[0].clone();
    if let Reply::Answer(status, class, _) = acquired(&acquire) {
        desk.answer_now(&acquire.id, status, class);
    }
    desk.run(2, |_| panic!("no start leaves after a stop"));
    assert_eq!(verdict(&desk, Item::Resource), Verdict::Failed);
    assert_eq!(of(&desk)[2].evidence.len(), 1);
}

#[test]
fn c1_until_something_was_recorded_the_profile_and_the_parameters_are_not_known() {
    let mut desk = played(6, |call| match call.operation {
        Operation::Query => status(4),
        _ => well(call),
    });
    assert_eq!(verdict(&desk, Item::Start), Verdict::Passed);
    assert_eq!(verdict(&desk, Item::Parameters), Verdict::NotKnown, "they show after the first 4");
    desk.run(12, |call| if call.operation == Operation::Query { status(4) } else { well(call) });
    assert_eq!(verdict(&desk, Item::Parameters), Verdict::Passed);
    assert_eq!(verdict(&desk, Item::ChannelProfile), Verdict::NotKnown);
    assert_eq!(advice(&desk, Item::ChannelProfile), Some(Advice::CompareProfile));
    desk.run(40, well);
    assert_eq!(verdict(&desk, Item::ChannelProfile), Verdict::Passed);
    assert_eq!(advice(&desk, Item::ChannelProfile), None);
}

#[test]
fn c1_one_that_never_recorded_fails_the_fifth_and_the_sixth() {
    let desk = played(92, |call| match (call.operation, call.session) {
        (Operation::Query, 1) => not_found(),
        _ => well(call),
    });
    assert_eq!(
        desk.recording.session(1).map(|session| session.phase),
        Some(crate::recording::Phase::NotStarted)
    );
    assert_eq!(verdict(&desk, Item::Start), Verdict::Failed);
    assert_eq!(verdict(&desk, Item::Parameters), Verdict::Failed);
    assert_eq!(advice(&desk, Item::Start), Some(Advice::CheckParameters));
}

#[test]
fn c1_the_limits_fail_by_what_the_service_says_and_advise_by_the_estimate() {
    let full = played(1, with(Operation::Acquire, AnswerClass::PcwReached));
    assert_eq!(verdict(&full, Item::Limits), Verdict::Failed);
    assert_eq!(advice(&full, Item::Limits), Some(Advice::AskForSessions { running: 0 }));
    let limited = played(0, with(Operation::Acquire, AnswerClass::RateLimited { retry_after: None }));
    assert_eq!(verdict(&limited, Item::Limits), Verdict::Failed);
    assert_eq!(advice(&limited, Item::Limits), Some(Advice::AskForCalls { needed: 0, allowed: 10 }));
    let mut desk = running();
    assert_eq!(advice(&desk, Item::Limits), None);
    let facts = BoardFacts { qps: 2, ..BoardFacts::default() };
    desk.board = Board::restore(facts);
    desk.board.include(&desk.recording);
    // Of two calls a second routine queries may use less than one.
    assert_eq!(verdict(&desk, Item::Limits), Verdict::Passed);
    assert_eq!(advice(&desk, Item::Limits), Some(Advice::AskForCalls { needed: 1, allowed: 2 }));
}

#[test]
fn c1_notifications_pass_when_the_kinds_of_the_checklist_were_seen() {
    let since = Timestamp::from_millis(ORIGIN);
    let heard = |kinds: &[EventType]| {
        let kinds = kinds.iter().map(|kind| (*kind, since)).collect();
        let facts = BoardFacts { notified: Some(since), kinds, ..BoardFacts::default() };
        let mut desk = Desk::on(requested(Policy::default()), facts);
        desk.run(10, well);
        desk
    };
    let all = [EventType::RecorderStarted, EventType::SessionExit, EventType::Uploaded];
    let desk = heard(&all);
    assert_eq!(verdict(&desk, Item::Notifications), Verdict::Passed);
    assert_eq!(advice(&desk, Item::Notifications), Some(Advice::AskForRedundancy));
    let mut desk = heard(&all[..1]);
    assert_eq!(verdict(&desk, Item::Notifications), Verdict::NotKnown, "it has not ended yet");
    assert_eq!(advice(&desk, Item::Notifications), Some(Advice::Subscribe(all[1..].to_vec())));
    desk.press_stop();
    desk.run(60, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    assert_eq!(verdict(&desk, Item::Notifications), Verdict::Failed);
    // Redundant ones came: nothing more to ask for.
    let mut desk = heard(&all);
    desk.recording.notified_again = 1;
    assert_eq!(advice(&desk, Item::Notifications), None);
}

#[test]
fn c1_a_call_that_went_to_the_other_domain_shows_that_both_are_used() {
    let mut nth = 0;
    let desk = played(20, |call| {
        nth += 1;
        if nth <= 2 { Reply::None(UnansweredCause::Reset, 0) } else { well(call) }
    });
    let domains = &of(&desk)[8];
    assert_eq!((domains.verdict, domains.evidence.len()), (Verdict::Passed, 1));
}

#[test]
fn c1_an_idle_time_below_the_services_own_fails_and_below_300_s_is_advised_against() {
    let with = |seconds: u32| {
        let mut asked = requested(Policy::default());
        asked.settings.recording_config.max_idle_time = seconds;
        let mut desk = Desk::with(asked);
        desk.run(0, |_| Reply::Open);
        (verdict(&desk, Item::IdleTime), advice(&desk, Item::IdleTime))
    };
    let raise = Some(Advice::RaiseIdleTime(300));
    assert_eq!(with(29), (Verdict::Failed, raise.clone()));
    assert_eq!(with(30), (Verdict::Passed, raise.clone()));
    assert_eq!(with(299), (Verdict::Passed, raise));
    assert_eq!(with(300), (Verdict::Passed, None));
}
