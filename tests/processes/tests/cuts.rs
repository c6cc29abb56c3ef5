//! The socket is cut at random bytes.

use std::collections::BTreeSet;
use std::time::Duration;

use process_tests::{Controller, Cutter, Options, Rig, eventually};
use rules::{Recording, RecordingId};
use serde_json::json;

const CUTS: usize = 50;

/// The fold of a recording's journal up to an entry.
fn folded(rig: &Rig, id: &RecordingId, last: rules::EntryNumber) -> Recording {
    let mut entries = rig.journal(id).into_iter();
    let first = entries.next().expect("a journal has a first entry");
    let mut recording = Recording::begin(id.clone(), &first).expect("the first entry asks for it");
    for entry in entries.filter(|entry| entry.number <= last) {
        rules::fold(&mut recording, &entry);
    }
    recording
}

#[test]
fn cut_fifty_times_the_state_is_the_fold_of_the_journal() {
    let rig = Rig::start(Options::default());
    // One page acts undisturbed, so that something happens all the time.
    let _acting = Controller::open(rig.address(), 1);
    let cutter = Cutter::before(rig.address(), 7, 9_000);
    let page = Controller::open_through(&cutter.address(), rig.address(), 2);
    let ids: Vec<_> = (0..6).map(|number| rig.ask(&format!("lesson-{number}"), None)).collect();
    // The first entry of a recording is too long for a connection that is about to break.
    eventually(Duration::from_secs(20), "the page knows all of them", || {
        page.with(|client, _| client.complete() && client.recordings().len() == ids.len()).then_some(())
    });
    cutter.begin();
    let (mut turn, mut positions) = (0, BTreeSet::new());
    eventually(Duration::from_secs(60), "fifty cuts", || {
        turn += 1;
        let id = &ids[turn % ids.len()];
        // Refused where nothing runs yet, or any more.
        rig.http.post(&format!("/api/v1/recordings/{id}/hurry"), &json!({}), &[]);
        if turn == 60 {
            rig.fault(&json!({ "fault": "kill", "cname": "lesson-1" }));
            rig.stop(&ids[0]);
        }
        positions.extend(page.with(|client, _| client.position()));
        (cutter.cuts() >= CUTS).then_some(())
    });
    assert!(positions.len() >= 10, "it goes on between the cuts: {positions:?}");
    cutter.make_peace();
    eventually(Duration::from_secs(20), "the page is complete again", || {
        page.with(|client, moment| client.complete() && client.now(moment).is_some()).then_some(())
    });
    let known = page.with(|client, _| client.recordings().clone());
    let live: Vec<_> = rig.recordings().into_iter().filter(|recording| !recording.settled()).collect();
    for recording in &live {
        assert!(known.contains_key(&recording.id), "{} is live and not known", recording.id);
    }
    for (id, recording) in &known {
        let json = |one: &Recording| serde_json::to_string_pretty(one).expect("a recording is JSON");
        assert_eq!(json(recording), json(&folded(&rig, id, recording.last)));
    }
    assert!(known.len() >= 5, "{}", known.len());
    rig.agree().expect("it agrees");
}
