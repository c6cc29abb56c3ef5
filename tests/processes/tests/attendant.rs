//! The attendant acts while no page does, and for nobody who acts himself.

use std::fs;
use std::time::Duration;

use agora::Operation;
use process_tests::{ATTENDANT, Attendant, Controller, Http, Options, Rig, eventually};
use rules::{Fact, RecordingId};
use serde_json::json;

const LONG: Duration = Duration::from_secs(30);

/// Who acts for a recording, as the journal says it: everybody in turn.
fn holders(rig: &Rig, id: &RecordingId) -> Vec<String> {
    let holder = |entry: rules::Entry| match entry.fact {
        Fact::Leased(leased) => Some(leased.holder),
        _ => None,
    };
    rig.journal(id).into_iter().filter_map(holder).collect()
}

fn confirmed(rig: &Rig, id: &RecordingId) {
    eventually(LONG, "the recording is confirmed", || {
        rig.recording(id).sessions.first().and_then(|session| session.confirmed)
    });
}

fn attendant(rig: &Rig, further: &[&str]) -> Attendant {
    Attendant::start(rig.address(), &rig.token_file(), further)
}

#[test]
fn it_acts_when_the_page_is_gone_and_gives_way_when_somebody_acts() {
    let rig = Rig::start(Options::default());
    let page = Controller::open(rig.address(), 1);
    let _attendant = attendant(&rig, &[]);
    let context =
        eventually(LONG, "the page is connected", || page.with(|client, _| client.command_context()));
    let id = rig.ask("lesson", Some(&context));
    confirmed(&rig, &id);
    assert!(page.holds(&id) && !holders(&rig, &id).contains(&ATTENDANT.to_owned()), "who asks acts");

    page.close();
    let asked = rig.requests(Operation::Query).len();
    eventually(LONG, "the attendant acts", || {
        (holders(&rig, &id).last().map(String::as_str) == Some(ATTENDANT)).then_some(())
    });
    eventually(LONG, "it asks the service", || (rig.requests(Operation::Query).len() > asked).then_some(()));

    let page = Controller::open(rig.address(), 2);
    let context =
        eventually(LONG, "the page is connected", || page.with(|client, _| client.command_context()));
    let hurry = rig.http.post(&format!("/api/v1/recordings/{id}/hurry"), &json!({}), &Http::proof(&context));
    assert_eq!(hurry.status, 200, "{hurry:?}");
    eventually(LONG, "the page acts", || page.holds(&id).then_some(()));
    rig.agree().expect("it agrees");
}

#[test]
fn it_comes_back_after_the_server_was_killed() {
    let mut rig = Rig::start(Options::default());
    let _attendant = attendant(&rig, &[]);
    let id = rig.ask("lesson", None);
    confirmed(&rig, &id);
    rig.kill_proxy();
    rig.start_proxy();
    let asked = rig.requests(Operation::Query).len();
    eventually(LONG, "it asks the service again", || {
        (rig.requests(Operation::Query).len() > asked + 1).then_some(())
    });
    rig.stop(&id);
    eventually(LONG, "the recording is settled", || rig.recording(&id).settled().then_some(()));
    rig.agree().expect("it agrees");
}

#[test]
fn once_it_does_what_is_due_and_ends() {
    let rig = Rig::start(Options::default());
    let id = rig.ask("lesson", None);
    let mut attendant = attendant(&rig, &["--once"]);
    let status = attendant.ends_within(Duration::from_secs(60));
    assert!(status.success(), "{status}: {}", attendant.said());
    assert!(rig.recording(&id).sessions.iter().any(|session| session.sid.is_some()), "it was started");
    rig.agree().expect("it agrees");
}

#[test]
fn a_token_that_is_refused_is_told_and_never_printed() {
    let rig = Rig::start(Options::default());
    let wrong = rig.folder().join("wrong.token");
    fs::write(&wrong, "another-token-of-more-than-32-characters").expect("the folder can be written");
    let mut refused = Attendant::start(rig.address(), &wrong, &["--once"]);
    assert_eq!(refused.ends_within(LONG).code(), Some(1));
    assert!(refused.said().contains("does not know the token"), "{}", refused.said());
    assert!(!refused.said().contains("another-token"), "{}", refused.said());

    fs::write(&wrong, "short").expect("the folder can be written");
    let mut useless = Attendant::start(rig.address(), &wrong, &[]);
    assert_eq!(useless.ends_within(LONG).code(), Some(2));
    assert!(useless.said().contains("holds no token"), "{}", useless.said());
}
