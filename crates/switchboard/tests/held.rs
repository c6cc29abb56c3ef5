//! What happens while the journal cannot be written (D9): starts are refused with the reason, a stop goes out with the
//! queries that prove it, every page is told what is not recorded, and all of it is written when the disk returns.

mod common;

use std::time::Duration;

use agora::Operation;
use common::{PERSON, World};
use rules::api::{FromProxy, Unwritten};
use rules::journal::{ClientNumber, DecisionKind, EndedHow};
use rules::{Fact, RecordingId, RuleId};
use switchboard::held::HELD_MAX;
use switchboard::{Actor, Command};

/// One recording that records, and the page that acts for it.
fn recording() -> (World, ClientNumber, RecordingId) {
    let mut world = World::new();
    let page = world.connect();
    world.run(Duration::from_secs(2));
    let actor = world.actor(page);
    let id = world.ask(&actor, "key", &World::ask_request("one")).expect("it is asked for").recording;
    world.run(Duration::from_secs(20));
    (world, page, id)
}

fn stop() -> Command {
    Command::Stop { session: None, undo: Duration::ZERO, reason: String::new(), calls: Vec::new() }
}

/// What the last heartbeat said.
fn told(world: &World, page: ClientNumber) -> Option<Unwritten> {
    let beats = world.pages[&page].messages.iter().rev();
    beats
        .filter_map(|message| match message {
            FromProxy::Heartbeat(heartbeat) => Some(heartbeat.unwritten.clone()),
            _ => None,
        })
        .next()
        .expect("heartbeats come")
}

fn left(world: &World, operation: Operation) -> usize {
    let ends = format!(":{operation}");
    world.sent.iter().filter(|(_, call)| call.0.ends_with(&ends)).count()
}

#[test]
fn d9_a_stop_goes_out_is_proved_and_is_written_when_the_disk_returns() {
    let (mut world, page, id) = recording();
    let (actor, lines) = (world.actor(page), world.store.lines());
    world.store.set_broken(true);
    world
        .switchboard
        .commanded(&actor, &id, &stop(), world.now())
        .expect("a stop is never refused for the disk");
    // The service knows it no more once it was stopped.
    world.service = Box::new(|outgoing, operation| match operation {
        Operation::Query => Some((404, r#"{"code":404,"reason":"failed to find worker"}"#.to_owned())),
        _ => common::willing(outgoing, operation),
    });
    world.run(Duration::from_secs(30));
    assert_eq!(left(&world, Operation::Stop), 1, "the stop left");
    let folded = world.switchboard.recording(&id).expect("it is known");
    assert!(folded.sessions.iter().all(|session| !session.is_billed()), "and was proved: {folded:#?}");
    assert_eq!(world.store.lines().len(), lines.len(), "nothing of it is written yet");
    let unwritten = told(&world, page).expect("every page is told");
    assert_eq!(
        (unwritten.reason.as_str(), &unwritten.recordings[..]),
        ("the disk is full", &[id.clone()][..])
    );
    assert!(unwritten.held >= 4, "{unwritten:?}");
    let (entries, _) = world.switchboard.entries(&id, 0, 500).expect("they are read from memory too");
    assert_eq!(entries.iter().filter(|entry| entry.held).count(), unwritten.held as usize);
    assert!(entries.iter().all(|entry| entry.held == (entry.board > lines.len() as u64)));

    world.store.set_broken(false);
    world.run(Duration::from_secs(2));
    assert_eq!(told(&world, page), None);
    let written = world.store.lines();
    let boards: Vec<u64> = written.iter().map(|line| line.entry.board).collect();
    assert!(boards.iter().copied().eq(1..=boards.len() as u64), "in their places: {boards:?}");
    assert_eq!(&written[..lines.len()], &lines[..]);
    assert!(written[lines.len()..].iter().filter(|line| line.entry.held).count() == unwritten.held as usize);
    let stopped = |fact: &Fact| {
        matches!(fact, Fact::Decided(decision)
            if matches!(decision.kind, DecisionKind::Ended { how: EndedHow::Stopped, .. }))
    };
    assert!(written.iter().any(|line| stopped(&line.entry.fact)), "it is stopped, and that is written");
    let before = world.switchboard.recording(&id).cloned();
    world.restart();
    assert_eq!(world.switchboard.recording(&id).cloned(), before, "what was shown is what is read");
}

#[test]
fn d9_nothing_but_stops_leaves_while_nothing_can_be_written() {
    let (mut world, page, id) = recording();
    let actor = world.actor(page);
    world.store.set_broken(true);
    // The page goes on with its routine queries, and nothing of it leaves.
    let sent = world.sent.len();
    world.run(Duration::from_secs(300));
    assert_eq!(world.sent.len(), sent);
    for (key, channel) in [("a", "two"), ("b", "three")] {
        let refused = world.ask(&actor, key, &World::ask_request(channel)).expect_err("nothing is promised");
        assert_eq!(
            (refused.status, refused.kind.as_str(), refused.rule),
            (503, "journal_unwritable", Some(RuleId::D9))
        );
        assert!(refused.title.contains("the disk is full"), "{}", refused.title);
    }
    let refused = world.switchboard.commanded(&actor, &id, &Command::Hurry, world.now());
    assert_eq!(refused.expect_err("it is no stop").status, 503);
    assert_eq!(told(&world, page).expect("it is said").held, 0);
    world.store.set_broken(false);
    world.run(Duration::from_secs(2));
    world.ask(&actor, "a", &World::ask_request("two")).expect("now it can be promised, under the same key");
    world.run(Duration::from_secs(5));
    assert!(world.sent.len() > sent);
}

#[test]
fn d9_an_answer_that_comes_meanwhile_is_shown_and_its_session_can_be_stopped() {
    let mut world = World::new();
    let page = world.connect();
    world.run(Duration::from_secs(2));
    world.latency = Duration::from_secs(3);
    let actor = world.actor(page);
    let id = world.ask(&actor, "key", &World::ask_request("one")).expect("it is asked for").recording;
    while left(&world, Operation::Start) == 0 {
        world.run(Duration::from_millis(100));
    }
    // The start is out, and its `sid` comes when the disk is full.
    world.store.set_broken(true);
    world.run(Duration::from_secs(4));
    let sid = |world: &World| world.switchboard.recording(&id).and_then(|one| one.sessions[0].sid.clone());
    assert!(sid(&world).is_some(), "whoever is here can see it");
    world.switchboard.commanded(&actor, &id, &stop(), world.now()).expect("and stop it");
    world.run(Duration::from_secs(2));
    assert_eq!(left(&world, Operation::Stop), 1);
    world.store.set_broken(false);
    world.run(Duration::from_secs(2));
    let known = sid(&world);
    world.restart();
    assert_eq!(sid(&world), known);
}

#[test]
fn d9_a_desk_that_starts_with_a_full_disk_can_stop_what_runs() {
    let (mut world, _, id) = recording();
    world.store.set_broken(true);
    world.restart();
    let page = world.connect();
    world.run(Duration::from_secs(1));
    let actor = world.actor(page);
    world
        .switchboard
        .commanded(&actor, &id, &stop(), world.now())
        .expect("a stop is never refused for the disk");
    world.run(Duration::from_secs(2));
    assert_eq!(left(&world, Operation::Stop), 1);
    world.store.set_broken(false);
    world.run(Duration::from_secs(2));
    assert!(world.switchboard.writable().is_ok());
}

#[test]
fn d9_at_most_a_thousand_entries_are_held_and_no_answer_is_refused() {
    let (mut world, page, id) = recording();
    let actor = Actor { person: PERSON.to_owned(), ..world.actor(page) };
    world.store.set_broken(true);
    // It can be stopped and taken back for ever: until there is no more room.
    let later = Command::Stop {
        session: None,
        undo: Duration::from_secs(60),
        reason: String::new(),
        calls: Vec::new(),
    };
    let mut taken = 0;
    let refused = loop {
        let command = if taken % 2 == 0 { &later } else { &Command::WithdrawStop };
        match world.switchboard.commanded(&actor, &id, command, world.now()) {
            Ok(_) => taken += 1,
            Err(problem) => break problem,
        }
    };
    assert_eq!(refused.status, 503);
    assert!((HELD_MAX - 10..=HELD_MAX).contains(&taken), "{taken}");
    assert_eq!(world.switchboard.unwritten().expect("it is full").held as usize, taken);
    world.store.set_broken(false);
    let lines = world.store.lines().len();
    world.run(Duration::from_secs(2));
    assert!(world.store.lines().len() >= lines + taken, "all of them are written");
}
