//! What is refused, whoever asks: and that nothing is written or sent then.

mod common;

use std::time::Duration;

use agora::Operation;
use agora::request::{Layout, MixedVideoLayout, UpdateSettings};
use common::World;
use rules::api::{ChangeLayout, ChangeUpdate, MakeCall, MakeDecision, Problem};
use rules::journal::{Attempt, DecisionKind, Domain, EndedHow};
use rules::{Fact, RecordingId, RuleId};
use switchboard::{Actor, Command};

fn call(world: &World, id: &RecordingId, operation: Operation) -> MakeCall {
    MakeCall {
        after: world.recording(id).last,
        session: 1,
        operation,
        domain: Domain::Primary,
        rule: RuleId::M1,
        attempt: Attempt::default(),
    }
}

/// A recording that runs, and a page that holds its lease and does nothing.
fn quiet() -> (World, u32, RecordingId) {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    world.page(page).acts = false;
    world.run(Duration::from_secs(2));
    (world, page, id)
}

/// Posts it and expects a refusal of this kind, with nothing written and nothing sent.
#[track_caller]
fn refused(
    world: &mut World,
    actor: &Actor,
    id: &RecordingId,
    call: MakeCall,
    status: u16,
    kind: &str,
) -> Problem {
    let (lines, sent) = (world.store.lines().len(), world.sent.len());
    let posted = world.switchboard.call_posted(actor, id, call, world.now());
    let problem = posted.expect_err("it is refused");
    assert_eq!((problem.status, problem.kind.as_str()), (status, kind), "{problem:?}");
    world.run(Duration::from_secs(2));
    assert_eq!((world.store.lines().len(), world.sent.len()), (lines, sent));
    problem
}

#[test]
fn a_call_without_the_lease_is_refused() {
    let (mut world, page, id) = quiet();
    let other = world.connect_idle();
    let query = call(&world, &id, Operation::Query);
    let (nobody, stranger) = (world.nobody(), world.actor(other));
    refused(&mut world, &nobody, &id, query.clone(), 403, "no_lease");
    refused(&mut world, &stranger, &id, query.clone(), 403, "no_lease");
    // The number is public; only the secret proves.
    let forged = Actor { client: Some((page, "guessed".to_owned())), ..world.nobody() };
    refused(&mut world, &forged, &id, query.clone(), 403, "no_lease");
    let somebody_else = Actor { person: "Lee".to_owned(), ..world.actor(page) };
    refused(&mut world, &somebody_else, &id, query, 403, "no_lease");
}

#[test]
fn a_call_under_an_old_epoch_is_refused() {
    let (mut world, page, id) = quiet();
    let other = world.connect_idle();
    let actor = world.actor(other);
    world.switchboard.commanded(&actor, &id, &Command::Hurry, world.now()).expect("staff may hurry");
    let (old, query) = (world.actor(page), call(&world, &id, Operation::Query));
    refused(&mut world, &old, &id, query, 403, "no_lease");
}

#[test]
fn a_call_that_waits_is_dropped_when_the_lease_passes() {
    let (mut world, page, id) = quiet();
    world.restart();
    let (first, second) = (world.connect_idle(), world.connect_idle());
    let hurry = |world: &mut World, page| {
        let actor = world.actor(page);
        world.switchboard.commanded(&actor, &id, &Command::Hurry, world.now()).expect("staff may hurry");
    };
    hurry(&mut world, first);
    let sent = world.sent.len();
    // Nothing leaves in the first second after a restart, so the call waits.
    let (actor, query) = (world.actor(first), call(&world, &id, Operation::Query));
    world.switchboard.call_posted(&actor, &id, query, world.now()).expect("it is taken");
    hurry(&mut world, second);
    world.run(Duration::from_secs(3));
    assert_eq!(world.sent.len(), sent);
    assert_eq!(world.switchboard.counts().dropped, 1);
    let _ = page;
}

#[test]
fn a_stale_call_is_refused_with_what_came() {
    let (mut world, page, id) = quiet();
    let query = call(&world, &id, Operation::Query);
    let actor = world.actor(page);
    world
        .switchboard
        .commanded(&actor, &id, &Command::ChangePolicy("swift".to_owned()), world.now())
        .expect("allowed");
    let problem = refused(&mut world, &actor, &id, query.clone(), 409, "stale");
    assert_eq!(problem.entries.len(), 1);
    assert!(matches!(problem.entries[0].fact, Fact::PolicyChanged(_)));
    let future = MakeCall { after: query.after + 100, ..query };
    refused(&mut world, &actor, &id, future, 422, "bad_request");
}

#[test]
fn what_does_not_concern_a_session_makes_no_call_stale() {
    let (mut world, page, id) = quiet();
    let query = call(&world, &id, Operation::Query);
    let actor = world.actor(page);
    world.switchboard.commanded(&actor, &id, &Command::Hurry, world.now()).expect("staff may hurry");
    world.switchboard.call_posted(&actor, &id, query, world.now()).expect("a hurry is no reason to refuse");
}

#[test]
fn the_same_step_posted_twice_is_one_call() {
    let (mut world, page, id) = quiet();
    let (actor, query) = (world.actor(page), call(&world, &id, Operation::Query));
    let sent = world.sent.len();
    for _ in 0..5 {
        world.switchboard.call_posted(&actor, &id, query.clone(), world.now()).expect("it is the same call");
        world.run(Duration::from_millis(300));
    }
    assert_eq!(world.sent.len(), sent + 1);
}

#[test]
fn rules_refuse_what_is_not_this_recordings_or_not_wanted() {
    let (mut world, page, id) = quiet();
    let actor = world.actor(page);
    let query = call(&world, &id, Operation::Query);
    refused(&mut world, &actor, &id, MakeCall { session: 9, ..query.clone() }, 422, "not_permitted");
    for operation in [Operation::Stop, Operation::Start] {
        let call = call(&world, &id, operation);
        refused(&mut world, &actor, &id, call, 422, "not_permitted");
    }
    refused(&mut world, &actor, &id, MakeCall { domain: Domain::Region, ..query }, 422, "not_permitted");
    // After the stop nothing is started, whoever asks.
    let stop =
        Command::Stop { session: None, undo: Duration::ZERO, calls: Vec::new(), reason: String::new() };
    world.switchboard.commanded(&actor, &id, &stop, world.now()).expect("staff may stop");
    let acquire = MakeCall { session: 2, ..call(&world, &id, Operation::Acquire) };
    refused(&mut world, &actor, &id, acquire, 422, "not_permitted");
}

#[test]
fn a_conclusion_without_evidence_is_refused() {
    let (mut world, page, id) = quiet();
    let actor = world.actor(page);
    let lines = world.store.lines().len();
    let last = world.recording(&id).last;
    let kinds = [
        DecisionKind::Ended { session: 1, how: EndedHow::Stopped },
        DecisionKind::Lost(1),
        DecisionKind::InDoubt(1),
        DecisionKind::Replace(1),
    ];
    for kind in kinds {
        let decision = MakeDecision { after: last, kind, rule: RuleId::M3, evidence: vec![1, 2] };
        let problem = world
            .switchboard
            .decision_posted(&actor, &id, decision, world.now())
            .expect_err("the journal does not show it");
        assert_eq!((problem.status, problem.kind.as_str()), (422, "not_admitted"));
    }
    let old = MakeDecision { after: 1, kind: DecisionKind::Lost(1), rule: RuleId::M3, evidence: vec![] };
    let problem = world.switchboard.decision_posted(&actor, &id, old, world.now()).expect_err("it is old");
    assert_eq!((problem.status, problem.kind.as_str()), (409, "stale"));
    assert_eq!(world.store.lines().len(), lines);
}

#[test]
fn a_repeat_whose_body_would_differ_is_refused() {
    let mut world = World::new();
    let page = world.connect();
    world.service = Box::new(|outgoing, operation| match operation {
        Operation::Start => Some((500, "{\"code\":1,\"reason\":\"oops\"}".to_owned())),
        _ => common::willing(outgoing, operation),
    });
    let id = world.start(page, "math");
    world.run(Duration::from_millis(2_000));
    assert_eq!(world.sent_operations().len(), 2, "acquire and one start");
    world.restart_with_other_credentials();
    let page = world.connect_idle();
    let actor = world.actor(page);
    world.switchboard.commanded(&actor, &id, &Command::Hurry, world.now()).expect("staff may hurry");
    world.run(Duration::from_secs(3));
    let start = MakeCall { rule: RuleId::S4, ..call(&world, &id, Operation::Start) };
    let problem = refused(&mut world, &actor, &id, start, 422, "not_permitted");
    assert!(problem.title.contains("same body"), "{}", problem.title);
}

#[test]
fn nothing_is_promised_while_the_journal_cannot_be_written() {
    let (mut world, page, id) = quiet();
    let (actor, query) = (world.actor(page), call(&world, &id, Operation::Query));
    // An answer comes while the disk is full: it is kept, and written before anything else.
    world.switchboard.call_posted(&actor, &id, query, world.now()).expect("it is taken");
    world.run(Duration::from_millis(20));
    let lines = world.store.lines().len();
    world.store.set_broken(true);
    world.run(Duration::from_secs(2));
    assert!(world.switchboard.writable().is_err());
    let ask = World::ask_request("other");
    let problem = world.ask(&actor, "key", &ask).expect_err("nothing can be promised");
    assert_eq!((problem.status, problem.rule), (503, Some(RuleId::D9)));
    assert_eq!(world.store.lines().len(), lines);
    world.store.set_broken(false);
    world.run(Duration::from_secs(1));
    assert!(world.switchboard.writable().is_ok());
    assert_eq!(world.store.lines().len(), lines + 1, "the answer is written");
    world.ask(&actor, "key", &ask).expect("now it can be promised");
}

#[test]
fn u1_a_change_is_written_once_asked_for_and_refused_where_it_makes_no_sense() {
    let (mut world, page, id) = quiet();
    let actor = world.actor(page);
    let now = world.now();
    let mut command = |command: Command| world.switchboard.commanded(&actor, &id, &command, now);
    let update = |settings: UpdateSettings, storage: Option<&str>| {
        Command::Update(Box::new(ChangeUpdate { settings, storage: storage.map(str::to_owned) }))
    };
    let subscription =
        || UpdateSettings { subscribe_audio_uids: Some(vec!["77".to_owned()]), ..UpdateSettings::default() };
    for (change, status) in [
        (update(UpdateSettings::default(), None), 422),
        (update(UpdateSettings { onhold: Some(true), ..UpdateSettings::default() }, None), 422),
        (update(subscription(), Some("elsewhere")), 422),
        (
            Command::Layout(Box::new(ChangeLayout {
                layout: Layout { mixed_video_layout: MixedVideoLayout::Custom, ..Layout::default() },
            })),
            422,
        ),
    ] {
        let problem = command(change.clone()).expect_err("it is refused");
        assert_eq!(problem.status, status, "{change:?}: {problem:?}");
    }
    let written = command(update(subscription(), Some("archive"))).expect("it is taken").number;
    let again = command(Command::Layout(Box::default())).expect("it is taken").number;
    assert!(again > written);
    command(Command::Stop { session: None, undo: Duration::ZERO, calls: Vec::new(), reason: String::new() })
        .expect("it is taken");
    assert_eq!(command(update(subscription(), None)).expect_err("too late").kind, "stopping");
    let facts: Vec<Fact> = world.store.lines().into_iter().map(|line| line.entry.fact).collect();
    let asked =
        facts.iter().filter(|fact| matches!(fact, Fact::UpdateRequested(_) | Fact::LayoutRequested(_)));
    assert_eq!(asked.count(), 2);
}
