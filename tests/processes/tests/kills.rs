//! The control desk is killed at random instants.

use std::thread;
use std::time::Duration;

use process_tests::{Chance, Controller, Options, Rig, eventually};
use serde_json::json;

const KILLS: usize = 20;

#[test]
fn killed_twenty_times_while_six_recordings_start_fail_over_and_stop_it_agrees_afterwards() {
    let mut rig = Rig::start(Options::default());
    let mut chance = Chance::new(20);
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
    eventually(Duration::from_secs(90), "no session lives any more", || {
        let ledger = rig.ledger();
        let lives = ledger.sessions.iter().any(|session| session.live);
        (ledger.sessions.len() >= 6 && !lives).then_some(())
    });
    let found = rig.agree().expect("it agrees");
    assert_eq!(found["unknown_sids"], json!([]), "every sid is in a journal");
    assert!(page.posted().len() > 50);
    for id in &ids {
        let recording = rig.recording(id);
        assert!(recording.stop.is_some(), "{id}");
    }
}
