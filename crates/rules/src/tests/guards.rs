//! The guards: what they refuse whatever is asked, and what they say about what they permit.

use agora::{EventType, Mode, Notification};

use super::*;
use crate::app_journal::{AppEntry, AppFact, Unmatched};
use crate::guards::Permitted;
use crate::journal::{Attempt, EndedHow, NotifiedAgain};
use crate::permits_request;
use crate::recording::Phase;

fn asks(
    desk: &Desk,
    session: SessionNumber,
    operation: Operation,
    domain: Domain,
) -> Result<Permitted, Option<RuleId>> {
    let call = crate::api::MakeCall {
        after: desk.recording.last,
        session,
        operation,
        domain,
        rule: RuleId::M1,
        attempt: Attempt::default(),
    };
    permits(&desk.recording, &desk.board, &call, desk.now).map_err(|refusal| refusal.rule)
}

fn asked(desk: &Desk, session: SessionNumber, operation: Operation) -> Result<Permitted, Option<RuleId>> {
    asks(desk, session, operation, Domain::Primary)
}

/// A desk whose first session has its resource ID and whose start was not sent.
fn acquired_only() -> Desk {
    let mut desk = Desk::new();
    let mut acquire = None;
    desk.run(0, |call| {
        acquire = Some(call.id.clone());
        Reply::Open
    });
    let id = acquire.expect("an acquire");
    desk.answer_now(&id, 200, AnswerClass::Acquired(ResourceId::parse("r1").expect("a resource ID")));
    desk
}

fn later(desk: &mut Desk, millis: i64) {
    desk.now = Timestamp::from_millis(desk.now.millis() + millis);
}

#[test]
fn s2_a_start_is_late_after_2_s_and_refused_after_290() {
    let mut desk = acquired_only();
    later(&mut desk, 2_000);
    let first = asked(&desk, 1, Operation::Start).expect("permitted");
    assert!(!first.late && !first.asynchronous && first.sid.is_none() && first.repeats.is_none());
    assert_eq!(first.uid.get(), ORIGINAL);
    later(&mut desk, 1);
    assert!(asked(&desk, 1, Operation::Start).expect("permitted").late);
    later(&mut desk, 287_999);
    assert!(asked(&desk, 1, Operation::Start).is_ok());
    later(&mut desk, 1);
    assert_eq!(asked(&desk, 1, Operation::Start).err(), Some(Some(RuleId::S2)));
    assert_eq!(asked(&desk, 1, Operation::Acquire).err(), Some(Some(RuleId::S2)));
    assert_eq!(asked(&desk, 1, Operation::Query).err(), Some(Some(RuleId::S3)));
}

#[test]
fn s5_a_repeated_start_has_the_body_of_the_first_and_is_not_late() {
    let mut desk = acquired_only();
    desk.run(0, |_| Reply::Open);
    let sent = desk.recording.last;
    let id = desk.calls.last().expect("a start").id.clone();
    desk.answer_now(&id, 206, AnswerClass::NotCompleted);
    later(&mut desk, 5_000);
    let again = asked(&desk, 1, Operation::Start).expect("permitted");
    assert_eq!((again.repeats, again.late), (Some(sent), false));
    // T5: it is the only start that may leave after a stop.
    desk.press_stop();
    assert!(asked(&desk, 1, Operation::Start).is_ok());
    let mut clear = acquired_only();
    clear.press_stop();
    assert_eq!(asked(&clear, 1, Operation::Start).err(), Some(Some(RuleId::T5)));
}

#[test]
fn s11_no_start_where_the_uid_may_be_in_the_channel_by_another_recording() {
    let mut other = Desk::new();
    other.recording.id = RecordingId::parse("r-0").expect("an id");
    other.board = Board::default();
    other.run(10, well);
    let mut desk = acquired_only();
    assert!(asked(&desk, 1, Operation::Start).is_ok());
    desk.board.include(&other.recording);
    assert_eq!(asked(&desk, 1, Operation::Start).err(), Some(Some(RuleId::S11)));
    // A session of another channel holds nothing here.
    let mut elsewhere = acquired_only();
    other.recording.channel = ChannelName::parse("phys-2a").expect("a channel name");
    elsewhere.board.include(&other.recording);
    assert!(asked(&elsewhere, 1, Operation::Start).is_ok());
    // Another session of the same recording that lives with the UID.
    let mut twice = acquired_only();
    let mut lives = twice.recording.sessions[0].clone();
    lives.number = 2;
    for (phase, free) in [
        (Phase::Accepted, false),
        (Phase::Live, false),
        (Phase::Ending, false),
        (Phase::Lost, true),
        (Phase::Over(EndedHow::Stopped), true),
    ] {
        lives.phase = phase;
        twice.recording.sessions.truncate(1);
        twice.recording.sessions.push(lives.clone());
        assert_eq!(asked(&twice, 1, Operation::Start).is_ok(), free, "{phase:?}");
    }
}

#[test]
fn d10_of_each_session_one_query_and_one_other_call_are_open() {
    let mut desk = running();
    desk.run(200, |call| if call.operation == Operation::Query { Reply::Open } else { well(call) });
    assert_eq!(asked(&desk, 1, Operation::Query).err(), Some(Some(RuleId::D10)));
    desk.press_stop();
    assert!(asked(&desk, 1, Operation::Stop).is_ok(), "a stop does not wait for a query");
    desk.run(201, |_| Reply::Open);
    assert_eq!(asked(&desk, 1, Operation::Stop).err(), Some(Some(RuleId::D10)));
    assert_eq!(asked(&desk, 1, Operation::Update).err(), Some(Some(RuleId::D10)));
}

#[test]
fn t7_a_stop_that_can_be_withdrawn_is_not_sent_before_its_time() {
    let mut desk = running();
    assert_eq!(asked(&desk, 1, Operation::Stop).err(), Some(Some(RuleId::T7)));
    let not_before = desk.now + std::time::Duration::from_secs(5);
    desk.by_staff(Fact::StopRequested(StopRequested { session: None, not_before, reason: String::new() }));
    later(&mut desk, 4_999);
    assert_eq!(asked(&desk, 1, Operation::Stop).err(), Some(Some(RuleId::T7)));
    later(&mut desk, 1);
    let stop = asked(&desk, 1, Operation::Stop).expect("permitted");
    assert_eq!(stop.answer_wait.as_secs(), 30);
    assert_eq!((stop.uid.get(), stop.sid), (ORIGINAL, Some(sid(1))));
}

#[test]
fn d2_a_call_to_the_region_needs_a_domain_of_the_region() {
    let desk = running();
    assert_eq!(asks(&desk, 1, Operation::Query, Domain::Region).err(), Some(Some(RuleId::D2)));
    assert!(asks(&desk, 1, Operation::Query, Domain::Secondary).is_ok());
    let facts = BoardFacts { has_region: true, ..BoardFacts::default() };
    let mut desk = Desk::on(requested(Policy::default()), facts);
    desk.run(10, well);
    assert_eq!(
        asks(&desk, 1, Operation::Query, Domain::Region).map(|query| query.domain),
        Ok(Domain::Region)
    );
}

#[test]
fn s10_s11_a_request_is_refused_while_one_starts_and_asked_about_while_one_lives() {
    let channel = ChannelName::parse("math-7b").expect("a channel name");
    let mut free = uids();
    for uid in [&mut free.original, &mut free.backup].into_iter().chain(&mut free.reserves) {
        *uid = Uid::new(uid.get() + 100).expect("not zero");
    }
    let request = |board: &Board, uids: &Uids, beside: bool| {
        permits_request(board, &channel, Mode::Mix, uids, beside).map_err(|refusal| refusal.rule)
    };
    assert_eq!(request(&Board::default(), &free, false), Ok(()));
    let mut twice = free.clone();
    twice.reserves.push(twice.original);
    assert_eq!(request(&Board::default(), &twice, false), Err(Some(RuleId::S11)));
    let starting = acquired_only();
    assert_eq!(request(&starting.board, &free, true), Err(Some(RuleId::S10)));
    let other_mode = permits_request(&starting.board, &channel, Mode::Web, &free, true);
    assert!(other_mode.is_ok(), "a start of another mode is another procedure");
    let live = running();
    assert_eq!(request(&live.board, &free, false), Err(Some(RuleId::S10)));
    assert_eq!(request(&live.board, &free, true), Ok(()));
    assert_eq!(request(&live.board, &uids(), true), Err(Some(RuleId::S11)));
    let elsewhere = ChannelName::parse("phys-2a").expect("a channel name");
    assert!(permits_request(&live.board, &elsewhere, Mode::Mix, &uids(), false).is_ok());
}

#[test]
fn only_what_may_change_the_step_makes_it_stale() {
    use crate::journal::{Acknowledged, Dismissed, Repeated};
    let recording = RecordingId::parse("r-1").expect("an id");
    let concerns = |fact: &Fact, session| crate::concerns(&recording, fact, session);
    let answered = |session: SessionNumber| {
        let id = CallId::new(&recording, 7, session, Operation::Query);
        let answer = Answer { status: 500, code: None, reason: None, class: AnswerClass::ServerError };
        Fact::CallAnswered(CallAnswered { id, answer, raw: None })
    };
    assert!(
        concerns(&answered(1), Some(1)) && !concerns(&answered(2), Some(1)) && concerns(&answered(2), None)
    );
    let id = CallId::new(&recording, 7, 2, Operation::Query);
    let unanswered = Fact::CallUnanswered(CallUnanswered { id: id.clone(), cause: UnansweredCause::Timeout });
    assert!(concerns(&unanswered, Some(2)) && !concerns(&unanswered, Some(1)));
    assert!(!concerns(&Fact::Repeated(Repeated { id, of: 1 }), Some(2)));
    assert!(!concerns(&Fact::Acknowledged(Acknowledged { alarm: 1 }), None));
    let dismissed = Fact::Dismissed(Dismissed { session: 2, reason: "seen over".to_owned() });
    assert!(concerns(&dismissed, Some(2)) && !concerns(&dismissed, Some(1)));
    let decided =
        |kind| Fact::Decided(crate::journal::Decision { kind, rule: RuleId::M2, evidence: vec![1] });
    assert!(concerns(&decided(DecisionKind::InDoubt(2)), Some(2)));
    assert!(!concerns(&decided(DecisionKind::InDoubt(2)), Some(1)));
    assert!(concerns(&Fact::TryAgainRequested, Some(1)) && !concerns(&Fact::Hurried, Some(1)));
}

#[test]
fn s9_every_delivery_shows_that_notifications_come() {
    let mut desk = running();
    desk.board = Board::default();
    desk.by_client(Fact::Hurried);
    assert_eq!(desk.board.facts().notified, None);
    later(&mut desk, 7_000);
    let at = desk.now;
    desk.write(By::Agora, Fact::NotifiedAgain(NotifiedAgain { of: 1 }));
    assert_eq!(desk.board.facts().notified, Some(at));
    let policy = Policy::DOCUMENTED;
    let day = std::time::Duration::from_secs(86_400);
    assert!(desk.board.is_notified(&policy, at + day));
    assert!(!desk.board.is_notified(&policy, at + day + std::time::Duration::from_millis(1)));
}

#[test]
fn n5_the_app_journal_tells_what_no_recording_does() {
    let mut board = Board::default();
    let mut at = Timestamp::from_millis(ORIGIN);
    let mut write = |board: &mut Board, fact: AppFact| {
        at = at + std::time::Duration::from_secs(1);
        board.apply_app(&AppEntry { number: 1, at, by: By::Proxy, version: 1, fact });
        at
    };
    let unmatched = |product: u32, channel: &str| {
        let body = serde_json::json!({"productId": product, "eventType": 40, "payload": {"cname": channel}});
        let read = Notification::read(body.to_string().as_bytes()).ok();
        AppFact::Unmatched(Box::new(Unmatched { read, raw: None }))
    };
    write(&mut board, AppFact::Unmatched(Box::new(Unmatched { read: None, raw: Some("{".to_owned()) })));
    assert_eq!(*board.facts(), BoardFacts::default(), "what nobody can read proves nothing");
    let when = write(&mut board, AppFact::DomainAnswered(Domain::Secondary));
    assert_eq!(board.facts().preferred, Some((Domain::Secondary, when)));
    write(&mut board, AppFact::DomainAnswered(Domain::Primary));
    assert_eq!(board.facts().preferred, None);
    let when = write(&mut board, AppFact::KindSeen(EventType::SessionExit));
    write(&mut board, AppFact::KindSeen(EventType::SessionExit));
    assert_eq!(board.facts().kinds, [(EventType::SessionExit, when)]);
    let until = Timestamp::from_millis(ORIGIN + 900_000);
    write(&mut board, AppFact::SetUpAsked { until });
    let tested = write(&mut board, AppFact::Tested);
    let highest = write(&mut board, AppFact::HighestUse(7));
    let facts = board.facts();
    assert_eq!(
        (facts.setting_up, facts.tested, facts.highest),
        (Some(until), Some(tested), Some((highest, 7)))
    );
    let tested = write(&mut board, unmatched(3, "test"));
    assert_eq!((board.facts().tested, board.facts().notified), (Some(tested), None));
    write(&mut board, unmatched(1, "math-7b"));
    assert_eq!(board.facts().notified, None, "of another product");
    let came = write(&mut board, unmatched(3, "math-7b"));
    assert_eq!(board.facts().notified, Some(came));
    assert_eq!(board.facts().kinds, [(EventType::SessionExit, when), (EventType::RecorderStarted, came)]);
}
