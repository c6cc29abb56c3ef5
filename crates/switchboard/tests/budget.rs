//! D1: what leaves, and in which order, through a whole switchboard.

mod common;

use std::time::Duration;

use agora::Operation;
use common::World;
use rules::api::MakeCall;
use rules::journal::{Attempt, Domain};
use rules::{RecordingId, RuleId};
use switchboard::{Command, Now};

/// The most that left in any 1.1 s.
fn most_in_a_window(world: &World) -> usize {
    let sent = &world.sent;
    let in_window =
        |from: i64| sent.iter().filter(|(at, _)| (from..=from + 1_100).contains(&at.millis())).count();
    sent.iter().map(|(at, _)| in_window(at.millis())).max().unwrap_or(0)
}

fn query(world: &World, id: &RecordingId) -> MakeCall {
    MakeCall {
        after: world.recording(id).last,
        session: 1,
        operation: Operation::Query,
        domain: Domain::Primary,
        rule: RuleId::M1,
        attempt: Attempt { number: 1, of: None },
    }
}

/// This many recordings that run, and the page that acts for them.
fn running(world: &mut World, count: usize) -> (u32, Vec<RecordingId>) {
    let page = world.connect();
    let ids = (0..count).map(|n| world.start(page, &format!("channel {n}"))).collect();
    world.run(Duration::from_secs(110));
    (page, ids)
}

#[test]
fn d1_never_more_than_ten_leave_in_any_window_while_thirty_recordings_start() {
    let mut world = World::new();
    running(&mut world, 30);
    assert!(world.sent.len() > 100, "{}", world.sent.len());
    assert!(most_in_a_window(&world) <= 10, "{}", most_in_a_window(&world));
}

#[test]
fn d1_a_clock_that_jumps_ahead_opens_no_second_budget() {
    let mut world = World::new();
    let (page, ids) = running(&mut world, 20);
    world.page(page).acts = false;
    world.run(Duration::from_secs(5));
    let actor = world.actor(page);
    for id in &ids {
        let call = query(&world, id);
        world.switchboard.call_posted(&actor, id, call, world.now()).expect("a query is permitted");
    }
    let waiting = world.switchboard.gauges(world.now()).waiting;
    assert!(waiting > 0);
    let now = world.now();
    let span = Duration::from_millis(50);
    let jumped = Now { journal: now.journal + Duration::from_secs(300), real: now.real + span };
    world.switchboard.tick(jumped);
    assert_eq!(world.switchboard.gauges(jumped).waiting, waiting);
    let due = world.switchboard.next_due(jumped);
    assert!(due <= Duration::from_millis(1_101), "{due:?}");
    world.run(Duration::from_secs(20));
    assert_eq!(world.switchboard.gauges(world.now()).waiting, 0);
}

#[test]
fn d1_a_stop_overtakes_sixty_queries_and_leaves_within_a_second() {
    let mut world = World::new();
    let (page, ids) = running(&mut world, 60);
    world.page(page).acts = false;
    world.run(Duration::from_secs(5));
    world.sent.clear();
    let actor = world.actor(page);
    for id in &ids {
        let call = query(&world, id);
        world.switchboard.call_posted(&actor, id, call, world.now()).expect("a query is permitted");
    }
    let stop =
        Command::Stop { session: None, undo: Duration::ZERO, calls: Vec::new(), reason: String::new() };
    let last = ids.last().expect("there are sixty");
    world.switchboard.commanded(&actor, last, &stop, world.now()).expect("staff may stop");
    let call = MakeCall { operation: Operation::Stop, rule: RuleId::T7, ..query(&world, last) };
    let asked = world.now();
    world.switchboard.call_posted(&actor, last, call, asked).expect("the stop was asked for");
    world.run(Duration::from_secs(9));
    let place = world.sent_operations().iter().position(|(_, operation)| *operation == Operation::Stop);
    let place = place.expect("it left");
    assert!(place <= 10, "it was number {place}");
    assert!(world.sent[place].0.since(asked.journal) <= Duration::from_secs(1));
    assert!(most_in_a_window(&world) <= 10);
    // The query of the recording that was stopped is out of date; the other 59 leave in their turn.
    assert_eq!(world.sent.len(), 60);
}

#[test]
fn d1_holds_across_a_restart() {
    let mut world = World::new();
    let (page, ids) = running(&mut world, 12);
    world.page(page).acts = false;
    world.run(Duration::from_secs(3));
    world.sent.clear();
    for id in &ids {
        let (actor, call) = (world.actor(page), query(&world, id));
        world.switchboard.call_posted(&actor, id, call, world.now()).expect("a query is permitted");
    }
    world.run(Duration::from_millis(30));
    let before = world.sent.len();
    assert!((1..=10).contains(&before));
    world.restart();
    let restarted = world.switchboard.journal_now(world.now());
    let page = world.connect();
    world.run(Duration::from_secs(4));
    world.disconnect(page);
    assert!(world.sent.len() > before, "the new page goes on");
    assert!(most_in_a_window(&world) <= 10);
    assert!(world.sent[before].0.since(restarted) >= Duration::from_secs(1));
}

#[test]
fn s2_every_start_leaves_within_two_seconds_of_its_resource_id() {
    let mut world = World::new();
    running(&mut world, 10);
    let late = world.store.lines().into_iter().filter(|line| match &line.entry.fact {
        rules::Fact::CallSent(sent) => sent.late,
        _ => false,
    });
    assert_eq!(late.count(), 0);
    let starts =
        world.sent_operations().iter().filter(|(_, operation)| *operation == Operation::Start).count();
    assert_eq!(starts, 10);
}

#[test]
fn d4_a_429_halves_what_leaves() {
    let mut world = World::new();
    let (page, ids) = running(&mut world, 20);
    world.page(page).acts = false;
    world.run(Duration::from_secs(3));
    world.sent.clear();
    world.service = Box::new(|_, _| Some((429, "{\"message\":\"API rate limit exceeded\"}".to_owned())));
    let actor = world.actor(page);
    for id in &ids {
        let call = query(&world, id);
        world.switchboard.call_posted(&actor, id, call, world.now()).expect("a query is permitted");
    }
    world.run(Duration::from_millis(3_000));
    // Nine of ten at once (the tenth is for a stop), then four of five a window.
    let counts: Vec<usize> = [0..1_000, 1_000..2_000, 2_000..3_000]
        .into_iter()
        .map(|span| world.sent_operations().iter().filter(|(at, _)| span.contains(at)).count())
        .collect();
    assert_eq!(counts, [9, 4, 4]);
}
