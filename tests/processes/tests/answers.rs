//! Whatever the service answers, the journal says it clearly and nothing is lost.

use std::time::Duration;

use agora::{AnswerClass, Operation, UnansweredCause};
use process_tests::{Controller, Options, Rig, eventually};
use rules::journal::DecisionKind;
use rules::{Entry, Fact, RecordingId};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(40);

/// The classes of the answers to one operation, in order.
fn classes(rig: &Rig, id: &RecordingId, operation: Operation) -> Vec<AnswerClass> {
    let ends = format!(":{operation}");
    let class = |entry: Entry| match entry.fact {
        Fact::CallAnswered(answered) if answered.id.0.ends_with(&ends) => Some(answered.answer.class),
        _ => None,
    };
    rig.journal(id).into_iter().filter_map(class).collect()
}

fn confirmed(rig: &Rig, id: &RecordingId) {
    eventually(LONG, "the recording is confirmed", || {
        rig.recording(id).sessions.iter().find_map(|session| session.confirmed)
    });
}

fn nothing_is_lost(rig: &Rig) {
    let found = rig.agree().expect("it agrees");
    assert_eq!(found["unknown_sids"], json!([]));
}

#[test]
fn html_and_a_megabyte_are_written_down_as_what_they_are() {
    let rig = Rig::start(Options::default());
    let _page = Controller::open(rig.address(), 1);
    rig.fault(&json!([
        { "fault": "answer", "operation": "query", "cname": "html", "status": 502, "body": "html" },
        { "fault": "answer", "operation": "query", "cname": "found", "status": 200, "body": "html" },
        { "fault": "answer", "operation": "query", "cname": "megabyte", "status": 500, "body": "megabyte" },
        { "fault": "answer", "operation": "acquire", "cname": "megabyte", "status": 500, "body": "megabyte" },
        { "fault": "answer", "operation": "query", "cname": "deep", "status": 200, "body": "deep" },
        { "fault": "answer", "operation": "query", "cname": "cut", "status": 200, "body": "cut" },
    ]));
    let expected = [
        ("html", AnswerClass::GatewayError),
        ("found", AnswerClass::Unreadable),
        ("megabyte", AnswerClass::ServerError),
        ("deep", AnswerClass::Unreadable),
        ("cut", AnswerClass::Unreadable),
    ];
    let ids: Vec<_> = expected.iter().map(|(channel, _)| rig.ask(channel, None)).collect();
    for (id, (channel, class)) in ids.iter().zip(&expected) {
        confirmed(&rig, id);
        let classes = classes(&rig, id, Operation::Query);
        assert!(classes.contains(class), "{channel}: {classes:?}");
        let size = serde_json::to_string(&rig.journal(id)).expect("a journal is JSON").len();
        assert!(size < 100_000, "{channel}: a journal of {size} bytes");
    }
    assert_eq!(classes(&rig, &ids[2], Operation::Acquire)[0], AnswerClass::ServerError);
    nothing_is_lost(&rig);
}

#[test]
fn an_answer_that_comes_late_or_never_loses_no_sid() {
    let rig = Rig::start(Options::default());
    let _page = Controller::open(rig.address(), 1);
    rig.fault(&json!([
        // D8: thirty seconds are waited for, and the answer is taken all the same.
        { "fault": "delay", "operation": "start", "cname": "late", "delay_ms": 45_000 },
        { "fault": "answer_lost", "operation": "start", "cname": "lost" },
        { "fault": "delay", "operation": "query", "cname": "slow", "delay_ms": 25_000 },
    ]));
    let [late, lost, slow] = ["late", "lost", "slow"].map(|channel| rig.ask(channel, None));
    for id in [&late, &lost, &slow] {
        confirmed(&rig, id);
    }
    let causes = |id: &RecordingId| -> Vec<UnansweredCause> {
        let cause = |entry: Entry| match entry.fact {
            Fact::CallUnanswered(unanswered) => Some(unanswered.cause),
            _ => None,
        };
        rig.journal(id).into_iter().filter_map(cause).collect()
    };
    assert!(causes(&late).contains(&UnansweredCause::Timeout));
    assert!(causes(&lost).contains(&UnansweredCause::Reset));
    assert!(causes(&slow).contains(&UnansweredCause::Timeout));
    for id in [&late, &lost, &slow] {
        rig.stop(id).read::<Value>();
    }
    // The service carried the lost start out and does not tell its `sid` again: nobody can stop it. So it is shown (S9).
    let lost_sessions = |rig: &Rig| -> Vec<String> {
        let lost = rig.ledger().sessions.into_iter().filter(|session| session.cname == "lost");
        lost.map(|session| session.sid).collect()
    };
    let orphaned = rig.journal(&lost).into_iter().any(|entry| match entry.fact {
        Fact::Decided(decision) => {
            matches!(decision.kind, DecisionKind::Orphaned { session: 1, unlikely: false })
        }
        _ => false,
    });
    assert!(orphaned, "a possible orphan");
    let orphan = lost_sessions(&rig).swap_remove(0);
    eventually(LONG, "no other session lives any more", || {
        (!rig.ledger().sessions.iter().any(|session| session.live && session.sid != orphan)).then_some(())
    });
    let found = rig.agree().expect("it agrees: the orphan is on the board");
    assert_eq!(found["unknown_sids"], json!([orphan]));
}
