//! However much is due at once, the App ID's budget is kept, and a stop does not wait for it.

use std::time::Duration;

use agora::Operation;
use process_tests::{Controller, Options, Rig, eventually};

/// D1: so many in any second.
const QPS: usize = 10;

/// The sessions that are to be asked after at once.
const QUERIES: u32 = 60;

#[test]
fn sixty_queries_and_then_a_stop() {
    // At the wall's own pace: seconds are what this is about.
    let rig = Rig::start(Options { clock_rate: 1, ..Options::default() });
    let page = Controller::open(rig.address(), 1);
    let id = rig.ask("lesson", None);
    eventually(Duration::from_secs(20), "the recording has a sid", || {
        rig.recording(&id).sessions.first().and_then(|session| session.sid.clone())
    });
    for number in 0..QUERIES {
        rig.adopt(&format!("running-{number}"), 5_000 + number, &format!("sid-of-session-{number:04}"));
    }
    eventually(Duration::from_secs(20), "the queries have begun to leave", || {
        (rig.requests(Operation::Query).len() >= QPS).then_some(())
    });
    rig.stop(&id).read::<serde_json::Value>();
    let stopped = rig.recording(&id).stop.expect("a stop was asked for").at;
    let stop = eventually(Duration::from_secs(10), "the stop leaves", || rig.requests(Operation::Stop).pop());
    let waited = stop.at.since(stopped);
    assert!(waited <= Duration::from_secs(1), "the stop waited {} ms", waited.as_millis());
    eventually(Duration::from_secs(30), "every session was asked after", || {
        let requests = rig.requests(Operation::Query);
        let asked: std::collections::BTreeSet<_> =
            requests.iter().filter_map(|request| request.sid.clone()).collect();
        (asked.len() >= usize::try_from(QUERIES).expect("sixty")).then_some(())
    });
    let instants: Vec<_> = rig.ledger().requests.iter().map(|request| request.at).collect();
    assert!(instants.len() > usize::try_from(QUERIES).expect("sixty"));
    for window in instants.windows(QPS + 1) {
        let span = window[QPS].since(window[0]);
        assert!(span >= Duration::from_secs(1), "eleven requests in {} ms", span.as_millis());
    }
    assert!(page.with(|client, _| client.refusals().is_empty()));
    // The checker cannot match requests for sessions that the service never had: they name no UID.
    let sent: usize = rig.recordings().iter().map(|recording| rig.calls(&recording.id).len()).sum();
    assert!(sent >= instants.len(), "{sent} calls for {} requests", instants.len());
}
