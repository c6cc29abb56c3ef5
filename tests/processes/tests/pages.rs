//! Pages come and go; the calls are those of one.

use std::time::{Duration, Instant};

use agora::Operation;
use process_tests::{Controller, Options, Rig, eventually};
use rules::Fact;
use serde_json::json;

const LONG: Duration = Duration::from_secs(30);

/// Starts and stops one recording, and tells the operations that the service received.
fn operations_with(pages: u64) -> Vec<Operation> {
    let rig = Rig::start(Options::default());
    let _pages: Vec<Controller> = (0..pages).map(|seed| Controller::open(rig.address(), seed)).collect();
    let id = rig.ask("lesson", None);
    eventually(LONG, "the recording is confirmed", || {
        rig.recording(&id).sessions.first().and_then(|session| session.confirmed)
    });
    rig.stop(&id).read::<serde_json::Value>();
    eventually(LONG, "the recording is settled", || rig.recording(&id).settled().then_some(()));
    rig.agree().expect("it agrees");
    rig.ledger().requests.into_iter().filter_map(|request| request.operation).collect()
}

#[test]
fn with_ten_pages_open_the_ledger_is_as_long_as_with_one() {
    let alone = operations_with(1);
    assert_eq!(alone[..2], [Operation::Acquire, Operation::Start]);
    assert!(alone.contains(&Operation::Stop));
    let together = operations_with(10);
    // How many questions meet the end after a stop depends on pace: one more or less. Two that act would ask twice.
    let is_query = |operation: &&Operation| **operation == Operation::Query;
    let queries = |all: &[Operation]| all.iter().filter(is_query).count();
    assert!(queries(&together).abs_diff(queries(&alone)) <= 1, "{together:?} beside {alone:?}");
    let others =
        |all: Vec<Operation>| all.into_iter().filter(|one| *one != Operation::Query).collect::<Vec<_>>();
    assert_eq!(others(together), others(alone));
}

#[test]
fn when_the_acting_page_is_closed_the_other_one_acts_within_8_seconds() {
    let rig = Rig::start(Options::default());
    let mut pages: Vec<Controller> = (0..2).map(|seed| Controller::open(rig.address(), seed)).collect();
    let id = rig.ask("lesson", None);
    eventually(LONG, "the recording is confirmed", || {
        rig.recording(&id).sessions.first().and_then(|session| session.confirmed)
    });
    let acting = pages.iter().position(|page| page.holds(&id)).expect("one of them acts");
    let left = pages.remove(acting);
    let queries = rig.requests(Operation::Query).len();
    let other = pages.pop().expect("the other one");
    let number = other.with(|client, _| client.command_context()).expect("it is connected").client;
    let closed = Instant::now();
    left.close();
    let answer = rig.http.post(&format!("/api/v1/recordings/{id}/hurry"), &json!({}), &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    eventually(Duration::from_secs(8), "the other page asks the service", || {
        (rig.requests(Operation::Query).len() > queries).then_some(())
    });
    assert!(closed.elapsed() < Duration::from_secs(8));
    assert!(other.holds(&id));
    let journal = rig.journal(&id);
    let leased =
        |entry: &&rules::Entry| matches!(&entry.fact, Fact::Leased(leased) if leased.client == number);
    assert!(journal.iter().any(|entry| leased(&entry)), "the journal says who acts now");
    rig.agree().expect("it agrees");
}
