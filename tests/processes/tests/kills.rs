//! The control desk is killed at random instants.

use std::thread;
use std::time::Duration;

use agora::Operation;
use process_tests::{Chance, Controller, Options, Rig, eventually};
use rules::journal::CallId;
use rules::{Entry, Fact, RecordingId};
use serde_json::json;
use simulator::LedgerSession;

const KILLS: usize = 20;

/// How many recordings there are.
const KINDS: usize = 6;

/// Whether the journal says that a start of this session's UID had no answer: the service does not tell a `sid` twice,
/// so a start that was carried out when the control desk ended has one that nobody was told. The board shows it (S9).
fn answer_never_came(rig: &Rig, ids: &[RecordingId], session: &LedgerSession) -> bool {
    let channel = |id: &&RecordingId| rig.recording(id).channel.as_str() == session.cname;
    let Some(id) = ids.iter().find(channel) else { return false };
    let journal = rig.journal(id);
    let knows = serde_json::to_string(&journal).expect("a journal is JSON").contains(&session.sid);
    let unanswered = |call: &CallId| {
        journal.iter().any(|entry| matches!(&entry.fact, Fact::CallUnanswered(one) if one.id == *call))
    };
    let lost = |entry: &Entry| match &entry.fact {
        Fact::CallSent(sent) => {
            sent.operation == Operation::Start && sent.uid.to_string() == session.uid && unanswered(&sent.id)
        }
        _ => false,
    };
    !knows && journal.iter().any(lost)
}

#[test]
fn killed_twenty_times_while_six_recordings_start_fail_over_and_stop_it_agrees_afterwards() {
    let mut rig = Rig::start(Options::default());
    let seed = std::env::var("TALLYLIGHT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20);
    let mut chance = Chance::new(seed);
    let page = Controller::open(rig.address(), 1);
    let mut ids = Vec::new();
    for kill in 0..KILLS {
        // What happens in which round is fixed; when in it the kill comes is not.
        match kill {
            0..=5 => ids.push(rig.ask(&format!("lesson-{kill}"), None)),
            7 => rig.fault(&json!({ "fault": "kill", "cname": "lesson-0" })),
            8 => rig.fault(&json!({ "fault": "disconnect", "cname": "lesson-1" })),
            9 => rig.fault(&json!({ "fault": "kill", "cname": "lesson-2", "resumes_after_ms": 20_000 })),
            10 => rig.fault(&json!({ "fault": "end", "cname": "lesson-3" })),
            11 => rig.fault(&json!({ "fault": "answer_lost", "times": 3 })),
            13..19 => {
                rig.stop(&ids[kill - 13]).read::<serde_json::Value>();
            }
            _ => {}
        }
        thread::sleep(Duration::from_millis(50 + chance.below(1_500)));
        rig.kill_proxy();
        rig.start_proxy();
    }
    let ledger = eventually(Duration::from_secs(90), "no session lives that anybody could stop", || {
        let ledger = rig.ledger();
        let lives = |session: &&LedgerSession| session.live && !answer_never_came(&rig, &ids, session);
        (ledger.sessions.len() >= KINDS && !ledger.sessions.iter().any(|one| lives(&one))).then_some(ledger)
    });
    let found = rig.agree().expect("it agrees");
    for session in &ledger.sessions {
        let unknown = found["unknown_sids"].as_array().is_some_and(|sids| sids.contains(&json!(session.sid)));
        assert!(!unknown || answer_never_came(&rig, &ids, session), "no journal has the sid of {session:#?}");
    }
    assert!(page.posted().len() > 50);
    for id in &ids {
        let recording = rig.recording(id);
        assert!(recording.stop.is_some(), "{id}");
    }
}
