//! What holds for the fold, the guards and the policy whatever the rule.

use agora::{AnswerClass, Operation};

use super::*;
use crate::api::MakeCall;
use crate::journal::{Attempt, EndedHow};

/// A long and eventful journal.
fn eventful() -> Desk {
    let mut desk = running();
    let mut count = 0;
    desk.run(900, |call| {
        count += 1;
        match (call.operation, count % 7) {
            (Operation::Query, 0 | 1) => not_found(),
            (Operation::Query, 2) => answer(AnswerClass::ServerError),
            (Operation::Query, 3) => Reply::None(agora::UnansweredCause::Reset, 500),
            _ => well(call),
        }
    });
    desk.press_stop();
    desk.run(2000, |call| match call.operation {
        Operation::Query => not_found(),
        _ => well(call),
    });
    desk
}

#[test]
fn a_snapshot_at_any_cut_and_the_entries_after_it_are_the_fold_of_the_journal() {
    let desk = eventful();
    for cut in 1..desk.entries.len() {
        let mut recording = Recording::begin(desk.recording.id.clone(), &desk.entries[0]).expect("a request");
        for entry in &desk.entries[1..cut] {
            fold(&mut recording, entry);
        }
        let text = serde_json::to_string(&recording).expect("a recording is JSON");
        let mut restored: Recording = serde_json::from_str(&text).expect("a recording is read");
        assert_eq!(restored, recording);
        for entry in &desk.entries[cut..] {
            fold(&mut restored, entry);
        }
        assert_eq!(restored, desk.recording, "cut at {cut}");
    }
}

#[test]
fn a_live_recording_is_at_most_2_kb_in_a_snapshot() {
    let mut desk = running();
    let long = "x".repeat(350);
    if let Some(session) = desk.recording.sessions.first_mut()
        && let Some(resource) = &mut session.resource
    {
        resource.id = ResourceId::parse(long).expect("a resource ID");
    }
    desk.run(1000, well);
    let text = serde_json::to_string(&desk.recording).expect("a recording is JSON");
    assert!(text.len() <= 2048, "{} bytes: {text}", text.len());
}

#[test]
fn an_entry_folded_twice_or_of_an_unknown_kind_changes_nothing_that_matters() {
    let desk = eventful();
    let mut recording = desk.recording.clone();
    for entry in &desk.entries {
        fold(&mut recording, entry);
    }
    assert_eq!(recording, desk.recording);
    let text =
        r#"{"number":9000,"board":9000,"at":1795000000000,"by":"proxy","fact":{"Teleported":{"to":"mars"}}}"#;
    let entry: Entry = serde_json::from_str(text).expect("an unknown kind is kept");
    assert!(matches!(entry.fact, Fact::Unknown(_)));
    fold(&mut recording, &entry);
    assert!(recording.unreadable);
    assert_eq!(steps(&recording, &desk.board, desk.now), [Next::Nothing]);
}

fn call(desk: &Desk, session: SessionNumber, operation: Operation) -> MakeCall {
    MakeCall {
        after: desk.recording.last,
        session,
        operation,
        domain: Domain::Primary,
        rule: RuleId::M1,
        attempt: Attempt::default(),
    }
}

#[test]
fn the_guards_refuse_foreign_sessions_starts_after_a_stop_and_second_starts() {
    let mut desk = running();
    let refused = |desk: &Desk, session, operation| {
        permits(&desk.recording, &desk.board, &call(desk, session, operation), desk.now)
            .expect_err("refused")
            .rule
    };
    assert_eq!(refused(&desk, 7, Operation::Query), Some(RuleId::D10));
    assert_eq!(refused(&desk, 7, Operation::Acquire), Some(RuleId::D10));
    assert_eq!(refused(&desk, 1, Operation::Start), Some(RuleId::S2));
    assert_eq!(refused(&desk, 2, Operation::Acquire), Some(RuleId::R1));
    assert_eq!(refused(&desk, 1, Operation::UpdateLayout), Some(RuleId::U1));
    desk.press_stop();
    assert_eq!(refused(&desk, 2, Operation::Acquire), Some(RuleId::T5));
}

#[test]
fn a_conclusion_without_its_evidence_is_refused() {
    let mut desk = running();
    let ended = |evidence: Vec<u32>| MakeDecision {
        after: desk.recording.last,
        kind: DecisionKind::Ended { session: 1, how: EndedHow::Stopped },
        rule: RuleId::T2,
        evidence,
    };
    let last = desk.recording.last;
    assert!(admits(&desk.recording, &desk.board, &ended(vec![last]), desk.now).is_err());
    assert!(admits(&desk.recording, &desk.board, &ended(Vec::new()), desk.now).is_err());
    desk.run(400, |call| if call.operation == Operation::Query { not_found() } else { well(call) });
    let lost = |evidence| MakeDecision {
        after: desk.recording.last,
        kind: DecisionKind::Lost(1),
        rule: RuleId::M3,
        evidence,
    };
    assert!(admits(&desk.recording, &desk.board, &lost(vec![1, 2]), desk.now).is_err());
}

#[test]
fn every_number_of_the_policy_can_be_named_and_changed() {
    let policy = Policy::DOCUMENTED;
    let numbers = policy.numbers();
    assert!(numbers.len() > 80, "{}", numbers.len());
    for (name, number) in numbers {
        let changed = policy.with_number(&name, number + 1).expect("every number can be changed");
        assert_ne!(changed, policy, "{name}");
    }
    assert_eq!(policy.with_number("patience", 1), None);
    assert_eq!(policy.with_number("start_gaps/9", 1), None);
}

#[test]
fn a_policy_travels_as_its_departures() {
    let mut desk = running();
    desk.recording.policy = Policy { start_gaps: [1, 2, 3], ..Policy::DOCUMENTED };
    let value = serde_json::to_value(&desk.recording).expect("JSON");
    assert_eq!(value["policy"], serde_json::json!({"start_gaps": [1, 2, 3]}));
    let back: Recording = serde_json::from_value(value).expect("a recording is read");
    assert_eq!(back, desk.recording);
}
