//! D: every call.

use agora::{AnswerClass, Operation, UnansweredCause};

use super::*;
use crate::journal::Attempt;
use crate::next::{Urgency, urgency};

#[test]
fn d1_a_stop_leaves_first_and_routine_last() {
    let call = |operation, rule, number| urgency(operation, rule, Attempt { number, of: None });
    let order = [
        call(Operation::Stop, RuleId::T7, 1),
        call(Operation::Start, RuleId::S2, 1),
        call(Operation::Acquire, RuleId::S2, 1),
        call(Operation::Query, RuleId::M2, 1),
        call(Operation::Update, RuleId::U1, 1),
        call(Operation::Query, RuleId::M1, 1),
    ];
    assert!(order.is_sorted() && order[0] < order[1] && order[4] < order[5]);
    assert_eq!(call(Operation::Acquire, RuleId::S8, 3), Urgency::Acquire);
    assert_eq!(call(Operation::Acquire, RuleId::S8, 4), Urgency::Routine);
    for routine in [RuleId::M1, RuleId::M5, RuleId::M6, RuleId::M9, RuleId::L1] {
        assert_eq!(call(Operation::Query, routine, 1), Urgency::Routine);
    }
    for verdict in [RuleId::V1, RuleId::M2, RuleId::M3, RuleId::M11, RuleId::T2, RuleId::T3] {
        assert_eq!(call(Operation::Query, verdict, 1), Urgency::Verdict);
    }
}

/// The acquires of a desk whose calls never get an answer, as (ms, domain, rule).
fn unanswered(cause: UnansweredCause, has_region: bool) -> Vec<(i64, Domain, RuleId)> {
    let mut desk = Desk::on(requested(Policy::default()), BoardFacts { has_region, ..BoardFacts::default() });
    desk.run(12, |_| Reply::None(cause, 0));
    desk.calls.iter().map(|call| (call.at, call.domain, call.rule)).collect()
}

#[test]
fn d2_no_answer_repeats_after_1_3_6_s_on_the_other_domains() {
    use Domain::{Primary, Region, Secondary};
    let plan = |domains: [Domain; 4]| {
        let at = [0, 1_000, 4_000, 10_000];
        let rules = [RuleId::S2, RuleId::D2, RuleId::D2, RuleId::D2];
        (0..4).map(|n| (at[n], domains[n], rules[n])).collect::<Vec<_>>()
    };
    assert_eq!(unanswered(UnansweredCause::Dns, false), plan([Primary, Primary, Secondary, Primary]));
    assert_eq!(unanswered(UnansweredCause::Refused, false), plan([Primary, Primary, Secondary, Primary]));
    assert_eq!(unanswered(UnansweredCause::Dns, true), plan([Primary, Primary, Secondary, Region]));
    assert_eq!(unanswered(UnansweredCause::Refused, true), plan([Primary, Primary, Region, Secondary]));
}

#[test]
fn d2_a_domain_that_answered_stays_first_for_10_min_and_then_a_routine_query_tries_the_first_again() {
    let mut desk = Desk::new();
    let primary_down = |call: &Seen| {
        if call.domain == Domain::Primary { Reply::None(UnansweredCause::Refused, 0) } else { well(call) }
    };
    desk.run(1300, primary_down);
    let acquire =
        desk.calls.iter().position(|call| call.domain == Domain::Secondary).expect("the other suffix");
    let answered_at = desk.calls[acquire].at;
    let later = &desk.calls[acquire + 1..];
    let first_again = later.iter().find(|call| call.domain == Domain::Primary).expect("tried again");
    assert!(first_again.at >= answered_at + 600_000, "{} {answered_at}", first_again.at);
    assert!(first_again.at < answered_at + 600_000 + 130_000);
    assert_eq!(first_again.operation, Operation::Query);
    // A stop does not try the first again.
    let board = &desk.board;
    let much_later = desk.now + std::time::Duration::from_secs(601);
    assert_eq!(board.domain(&desk.recording.policy, much_later, false), Domain::Secondary);
    assert_eq!(board.domain(&desk.recording.policy, much_later, true), Domain::Primary);
}

#[test]
fn d2_the_memory_of_a_domain_lasts_exactly_10_min() {
    let at = Timestamp::from_millis(ORIGIN);
    let facts = BoardFacts { preferred: Some((Domain::Secondary, at)), ..BoardFacts::default() };
    let board = Board::restore(facts);
    let policy = Policy::default();
    let after = |millis| board.domain(&policy, Timestamp::from_millis(ORIGIN + millis), true);
    assert_eq!(after(599_999), Domain::Secondary);
    assert_eq!(after(600_000), Domain::Primary);
}

#[test]
fn d2_nothing_left_means_certainly_not_carried_out() {
    let mut desk = Desk::new();
    desk.run(60, |call| match call.operation {
        Operation::Start if call.session == 1 => Reply::None(UnansweredCause::Refused, 0),
        _ => well(call),
    });
    assert!(!desk.recording.sessions.iter().any(crate::recording::Session::is_orphan));
    let mut desk = Desk::new();
    desk.run(60, |call| match call.operation {
        Operation::Start if call.session == 1 => Reply::None(UnansweredCause::Reset, 0),
        _ => well(call),
    });
    assert!(desk.recording.session(1).is_some_and(crate::recording::Session::is_orphan));
}

#[test]
fn d3_an_answer_does_not_switch_domains_except_after_a_gateway_error() {
    let domains = |class: AnswerClass| {
        let mut desk = Desk::new();
        desk.run(10, |call| match call.operation {
            Operation::Start => answer(class.clone()),
            _ => well(call),
        });
        let starts = desk.calls.iter().filter(|call| call.operation == Operation::Start);
        starts.map(|call| call.domain).collect::<Vec<_>>()
    };
    assert_eq!(domains(AnswerClass::ServerError), [Domain::Primary; 3]);
    assert_eq!(domains(AnswerClass::GatewayError), [Domain::Primary, Domain::Secondary, Domain::Primary]);
}

#[test]
fn d4_a_429_is_sent_again_after_1_3_6_s_and_then_every_6_s_and_uses_no_attempt() {
    let mut count = 0;
    let mut desk = Desk::new();
    desk.run(60, |call| match call.operation {
        Operation::Start => {
            count += 1;
            let limited = AnswerClass::RateLimited { retry_after: None };
            if count <= 5 { answer(limited) } else { answer(AnswerClass::ServerError) }
        }
        _ => well(call),
    });
    assert_eq!(desk.instants(Operation::Start)[..6], [0, 1_000, 4_000, 10_000, 16_000, 22_000]);
    // All of S4's gaps still follow.
    assert_eq!(desk.instants(Operation::Start)[6..9], [25_000, 31_000, 40_000]);
}

#[test]
fn d4_a_retry_after_is_obeyed() {
    let mut count = 0;
    let mut desk = Desk::new();
    desk.run(60, |call| match call.operation {
        Operation::Start => {
            count += 1;
            let wait = std::time::Duration::from_secs(17);
            if count == 1 {
                answer(AnswerClass::RateLimited { retry_after: Some(wait) })
            } else {
                started(call)
            }
        }
        _ => well(call),
    });
    assert_eq!(desk.instants(Operation::Start), [0, 17_000]);
}

#[test]
fn d5_a_40x_to_a_start_is_final() {
    for operation in [Operation::Acquire, Operation::Start] {
        let mut desk = Desk::new();
        desk.run(
            600,
            |call| if call.operation == operation { answer(AnswerClass::Refused) } else { well(call) },
        );
        assert_eq!(desk.instants(operation), [0]);
        assert_eq!(desk.alarmed_at(AlarmCause::StartRefused), Some(0));
        let refusal = desk.recording.refusal.as_ref().expect("the service's words are kept");
        assert_eq!((refusal.operation, refusal.status), (operation, 400));
        let waiting = desk.recording.waiting.as_ref().map(|waiting| (waiting.why, waiting.rule));
        assert_eq!(waiting, Some((crate::journal::WaitingFor::Refused, RuleId::D5)));
    }
}

#[test]
fn d6_only_the_services_404_is_a_doubt() {
    for (class, doubt) in [
        (AnswerClass::ServiceNotFound, true),
        (AnswerClass::NoRoute, false),
        (AnswerClass::ForeignNotFound, false),
    ] {
        let mut desk = running();
        desk.run(
            200,
            |call| if call.operation == Operation::Query { answer(class.clone()) } else { well(call) },
        );
        let session = desk.recording.session(1).expect("a session");
        assert_eq!(session.doubt.is_some(), doubt, "{class:?}");
        assert_eq!(desk.alarmed_at(AlarmCause::Configuration(1)).is_some(), class == AnswerClass::NoRoute);
        assert_eq!(session.unclear.is_some(), class == AnswerClass::ForeignNotFound);
    }
}

#[test]
fn d7_only_a_readable_200_is_success() {
    let mut desk = Desk::new();
    let mut count = 0;
    desk.run(20, |call| match call.operation {
        Operation::Start => {
            count += 1;
            if count == 1 { answer(AnswerClass::Unreadable) } else { started(call) }
        }
        _ => well(call),
    });
    assert_eq!(desk.instants(Operation::Start), [0, 3_000], "unclear for a start");
    let mut desk = running();
    desk.run(160, |call| {
        if call.operation == Operation::Query { answer(AnswerClass::Unreadable) } else { well(call) }
    });
    assert_eq!(desk.last_rule(), Some(RuleId::M5));
}

#[test]
fn d8_an_answer_is_waited_for_10_s_and_30_s_where_it_is_slow() {
    let wait = |desk: &Desk, operation, session| {
        let call = crate::api::MakeCall {
            after: desk.recording.last,
            session,
            operation,
            domain: Domain::Primary,
            rule: RuleId::S2,
            attempt: Attempt::default(),
        };
        permits(&desk.recording, &desk.board, &call, desk.now).expect("permitted").answer_wait.as_secs()
    };
    let fresh = Desk::new();
    assert_eq!(wait(&fresh, Operation::Acquire, 1), 10);
    let mut acquired_only = Desk::new();
    acquired_only.run(0, |_| Reply::Open);
    let id = acquired_only.calls[0].id.clone();
    acquired_only.answer_now(
        &id,
        200,
        AnswerClass::Acquired(ResourceId::parse("r1").expect("a resource ID")),
    );
    assert_eq!(wait(&acquired_only, Operation::Start, 1), 30);
    let mut desk = running();
    assert_eq!(wait(&desk, Operation::Query, 1), 10);
    desk.press_stop();
    assert_eq!(wait(&desk, Operation::Stop, 1), 30);
    desk.recording.policy.stop_answers = crate::policy::StopAnswers::Asynchronous;
    assert_eq!(wait(&desk, Operation::Stop, 1), 10);
}

#[test]
fn d8_a_sid_that_comes_late_is_the_session_whatever_was_decided_meanwhile() {
    let mut desk = Desk::new();
    desk.run(131, |call| match call.operation {
        Operation::Start if call.session == 1 => Reply::None(UnansweredCause::Timeout, 30_000),
        Operation::Start => Reply::Open,
        _ => well(call),
    });
    let id = desk.calls.iter().find(|call| call.operation == Operation::Start).expect("a start").id.clone();
    assert_eq!(
        desk.recording.session(1).map(|session| session.phase),
        Some(crate::recording::Phase::Abandoned)
    );
    desk.answer_now(&id, 200, AnswerClass::Started(sid(1)));
    let session = desk.recording.session(1).expect("a session");
    assert_eq!(session.phase, crate::recording::Phase::Accepted);
    assert_eq!(session.sid, Some(sid(1)));
}

#[test]
fn d9_what_is_sent_twice_under_one_id_is_one_call() {
    let id = |after| CallId::new(&RecordingId::parse("r-1").expect("an id"), after, 1, Operation::Start);
    assert_eq!(id(4), id(4));
    assert_ne!(id(4), id(5));
    assert_eq!(id(4).0, "r-1:4:1:start");
}

#[test]
fn d10_gaps_count_from_the_end_of_a_call_and_instants_from_their_zero() {
    let mut desk = Desk::new();
    desk.run(60, |call| match call.operation {
        Operation::Start => Reply::Answer(500, AnswerClass::ServerError, 2_000),
        _ => well(call),
    });
    assert_eq!(desk.instants(Operation::Start)[..3], [0, 5_000, 13_000]);
    let mut desk = Desk::new();
    desk.run(60, |call| match call.operation {
        Operation::Query => Reply::Answer(
            200,
            AnswerClass::Status(QueryAnswer { status: 1, ..QueryAnswer::default() }),
            6_000,
        ),
        _ => well(call),
    });
    assert_eq!(desk.queries(1, 0), [5, 20, 35, 50], "the instant at 10 s passed while a query was open");
}

#[test]
fn d10_one_query_and_one_other_call_are_open_at_most() {
    let mut desk = running();
    desk.run(131, |call| if call.operation == Operation::Query { Reply::Open } else { well(call) });
    let query = crate::api::MakeCall {
        after: desk.recording.last,
        session: 1,
        operation: Operation::Query,
        domain: Domain::Primary,
        rule: RuleId::M1,
        attempt: Attempt::default(),
    };
    let refusal = permits(&desk.recording, &desk.board, &query, desk.now).expect_err("one is open");
    assert_eq!(refusal.rule, Some(RuleId::D10));
    desk.press_stop();
    desk.run(132, well);
    assert_eq!(desk.by_uid(Operation::Stop).len(), 1, "a stop does not wait for a query");
}

#[test]
fn d10_an_older_answer_loses_against_a_newer_one() {
    let mut desk = running();
    desk.run(131, |call| if call.operation == Operation::Query { Reply::Open } else { well(call) });
    let late = desk.calls.last().expect("a query").id.clone();
    desk.write(
        By::Proxy,
        Fact::CallUnanswered(CallUnanswered { id: late.clone(), cause: UnansweredCause::Timeout }),
    );
    desk.run(140, well);
    assert!(desk.recording.session(1).is_some_and(|session| session.last_good.is_some()));
    desk.answer_now(&late, 404, AnswerClass::ServiceNotFound);
    assert!(desk.recording.session(1).is_some_and(|session| session.doubt.is_none()));
}

#[test]
fn d9_a_repeated_answer_says_that_the_status_is_as_it_was() {
    let mut desk = running();
    desk.run(20, well);
    let good =
        |desk: &Desk| desk.recording.session(1).and_then(|session| session.last_good).expect("a status");
    let before = good(&desk);
    desk.run(200, |call| if call.operation == Operation::Query { Reply::Open } else { well(call) });
    let open = desk.calls.last().expect("a query").id.clone();
    let of = desk.recording.last;
    desk.write(By::Agora, Fact::Repeated(crate::journal::Repeated { id: open, of }));
    let after = good(&desk);
    assert_eq!(after.status, before.status);
    assert!(after.asked > before.asked && desk.recording.sessions[0].query.open.is_none());
}

#[test]
fn d8_a_line_that_is_forgotten_still_knows_the_call_that_is_open() {
    let mut desk = running();
    desk.run(200, |call| if call.operation == Operation::Query { Reply::Open } else { well(call) });
    let mut line = desk.recording.sessions[0].query.clone();
    assert!(line.open.is_some() && !line.is_idle());
    line.restart();
    assert!(line.open.is_some() && line.last_sent.is_none() && line.tries == 0);
}
