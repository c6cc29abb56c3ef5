//! Leases and the stream, through a whole switchboard.

mod common;

use std::time::Duration;

use common::World;
use rules::Fact;
use rules::api::{ClaimLeases, FrameContent, FromProxy};
use rules::journal::ClientNumber;
use switchboard::Command;

fn holder(world: &World, id: &rules::RecordingId) -> Option<ClientNumber> {
    world.recording(id).lease.as_ref().map(|lease| lease.client)
}

#[test]
fn a_command_gives_its_page_the_lease_at_once() {
    let mut world = World::new();
    let (first, second) = (world.connect_idle(), world.connect_idle());
    let id = world.start(first, "math");
    assert_eq!(holder(&world, &id), Some(first));
    let actor = world.actor(second);
    world.switchboard.commanded(&actor, &id, &Command::Hurry, world.now()).expect("staff may hurry");
    assert_eq!(holder(&world, &id), Some(second));
    world.run(Duration::from_millis(100));
    let told = |message: &FromProxy| matches!(message, FromProxy::Released(ids) if ids.contains(&id));
    assert!(world.page(first).messages.iter().any(told), "the first page is told");
}

#[test]
fn a_lease_passes_within_five_seconds_and_300_ms_when_its_page_falls_silent() {
    let mut world = World::new();
    let (first, second) = (world.connect(), world.connect());
    let id = world.running(first, "math");
    assert_eq!(holder(&world, &id), Some(first));
    world.page(first).alive = false;
    let silent_from = world.real;
    while holder(&world, &id) == Some(first) {
        world.run(Duration::from_millis(50));
    }
    assert_eq!(holder(&world, &id), Some(second));
    // The last heartbeat that it answered was up to a second earlier.
    let took = world.real - silent_from;
    assert!((Duration::from_secs(4)..=Duration::from_millis(5_400)).contains(&took), "{took:?}");
}

#[test]
fn a_lease_passes_at_once_when_its_page_is_closed() {
    let mut world = World::new();
    let (first, second) = (world.connect(), world.connect());
    let id = world.running(first, "math");
    world.disconnect(first);
    world.run(Duration::from_millis(100));
    assert_eq!(holder(&world, &id), Some(second));
    let epochs: Vec<u32> = leases(&world);
    assert!(epochs.windows(2).all(|pair| pair[1] > pair[0]), "{epochs:?}");
}

#[test]
fn a_lapse_is_mended_within_a_second_although_many_pages_let_the_offer_pass() {
    let mut world = World::new();
    let first = world.connect();
    // They answer heartbeats and claim nothing, as pages do whose program is not there yet.
    let idle: Vec<_> = (0..6).map(|_| world.connect_idle()).collect();
    let last = world.connect();
    let id = world.running(first, "math");
    world.disconnect(first);
    let lapsed = world.real;
    while holder(&world, &id) == Some(first) {
        world.run(Duration::from_millis(20));
        assert!(world.real - lapsed <= Duration::from_secs(1), "nobody acts");
    }
    assert_eq!(holder(&world, &id), Some(last));
    assert!(!idle.contains(&last));
}

fn leases(world: &World) -> Vec<u32> {
    let lines = world.store.lines().into_iter();
    lines
        .filter_map(|line| match line.entry.fact {
            Fact::Leased(leased) => Some(leased.epoch),
            _ => None,
        })
        .collect()
}

#[test]
fn only_what_is_offered_is_granted() {
    let mut world = World::new();
    let (first, second) = (world.connect_idle(), world.connect_idle());
    let id = world.start(first, "math");
    let lines = world.store.lines().len();
    let claim = ClaimLeases { recordings: vec![id.clone()] };
    let actor = world.actor(second);
    let granted = world.switchboard.claimed(&actor, &claim, world.now()).expect("the question is in order");
    assert!(granted.recordings.is_empty());
    assert_eq!((holder(&world, &id), world.store.lines().len()), (Some(first), lines));
}

#[test]
fn a_page_takes_over_after_a_restart_and_the_epoch_grows() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    world.restart();
    let next = world.connect();
    assert!(next > page, "numbers of clients that held a lease are not used again");
    world.run(Duration::from_secs(2));
    assert_eq!(holder(&world, &id), Some(next));
    assert_eq!(leases(&world), [1, 2]);
}

#[test]
fn a_settled_recording_has_no_lease_and_is_in_no_snapshot() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    let mut stopped = false;
    world.service = Box::new(move |outgoing, operation| {
        stopped |= operation == agora::Operation::Stop;
        match operation {
            agora::Operation::Query if stopped => {
                Some((404, "{\"code\":404,\"reason\":\"failed to find worker\"}".to_owned()))
            }
            _ => common::willing(outgoing, operation),
        }
    });
    let actor = world.actor(page);
    let stop =
        Command::Stop { session: None, undo: Duration::ZERO, calls: Vec::new(), reason: String::new() };
    world.switchboard.commanded(&actor, &id, &stop, world.now()).expect("staff may stop");
    world.run(Duration::from_secs(30));
    assert!(world.recording(&id).settled(), "{:?}", world.recording(&id));
    assert_eq!(world.switchboard.gauges(world.now()).leases, 0);
    let newcomer = world.connect_idle();
    assert!(world.page(newcomer).recordings.is_empty());
}

#[test]
fn the_stream_leaves_no_gap_and_every_page_folds_the_same() {
    let mut world = World::new();
    let (first, second) = (world.connect(), world.connect_idle());
    for channel in ["math", "chem", "art"] {
        world.start(first, channel);
    }
    world.run(Duration::from_secs(60));
    let newest = world.switchboard.gauges(world.now()).newest;
    for number in [first, second] {
        let page = world.page(number);
        assert_eq!((page.gaps, page.upto), (0, newest));
    }
    let (live, boards) = (world.page(first).live(), world.page(first).boards.clone());
    assert_eq!(live, world.page(second).live());
    assert_eq!(boards, world.page(second).boards);
    for (id, recording) in live {
        assert_eq!(*world.recording(&id), recording);
    }
}

#[test]
fn a_snapshot_is_the_fold_of_the_entries_at_any_cut() {
    // A service that fails by a fixed sequence, so that the journal holds doubts, repeats and replacements too.
    for seed in 1..=6_u32 {
        let mut world = World::new();
        let page = world.connect();
        let mut state = seed;
        world.service = Box::new(move |outgoing, operation| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 29 {
                0 => Some((404, "{\"code\":404,\"reason\":\"failed to find worker\"}".to_owned())),
                1 => Some((500, "{\"code\":500,\"reason\":\"internal\"}".to_owned())),
                2 => None,
                _ => common::willing(outgoing, operation),
            }
        });
        for channel in ["math", "chem", "art"] {
            world.start(page, channel);
        }
        for cut in 1..40_u64 {
            world.run(Duration::from_millis(1_300 * cut % 7_919));
            let newcomer = world.connect_idle();
            let snapshot = world.page(newcomer);
            let (recordings, boards, upto) =
                (snapshot.recordings.clone(), snapshot.boards.clone(), snapshot.upto);
            world.disconnect(newcomer);
            let folded = world.page(page);
            assert_eq!((folded.upto, folded.gaps), (upto, 0));
            assert_eq!(folded.live(), recordings, "seed {seed}, cut {cut}");
            assert_eq!(folded.boards, boards, "seed {seed}, cut {cut}");
        }
    }
}

#[test]
fn a_client_that_was_away_gets_what_it_missed() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    let watcher = world.connect_idle();
    let known = world.page(watcher).upto;
    let recordings = world.page(watcher).recordings.clone();
    world.disconnect(watcher);
    world.run(Duration::from_secs(60));
    let journal = world.page(page).hello.as_ref().expect("it was greeted").journal_id.clone();
    let back = world.connect_from(Some((journal.clone(), known)));
    assert!(!world.page(back).messages.iter().any(is_snapshot), "it gets entries");
    let newest = world.page(page).upto;
    assert_eq!((world.page(back).upto, world.page(back).gaps), (newest, 0));
    // Another journal, or a number that this one never had: everything anew.
    for resume in [("another".to_owned(), known), (journal, newest + 1)] {
        let anew = world.connect_from(Some(resume));
        assert!(world.page(anew).messages.iter().any(is_snapshot));
        let shown = world.page(anew).recordings[&id].clone();
        assert_eq!(shown, *world.recording(&id));
    }
    assert!(recordings.contains_key(&id));
}

fn is_snapshot(message: &FromProxy) -> bool {
    matches!(message, FromProxy::Frame(frame) if matches!(frame.content, FrameContent::Snapshot { .. }))
}

#[test]
fn a_heartbeat_comes_every_real_second_at_any_rate() {
    let mut world = World::at_rate(10);
    let page = world.connect_idle();
    world.run(Duration::from_secs(10));
    let beats: Vec<_> = world
        .page(page)
        .messages
        .iter()
        .filter_map(|message| match message {
            FromProxy::Heartbeat(beat) => Some((beat.beat, beat.now)),
            _ => None,
        })
        .collect();
    assert_eq!(beats.len(), 10);
    for pair in beats.windows(2) {
        assert_eq!(pair[1].0, pair[0].0 + 1);
        let passed = pair[1].1.since(pair[0].1).as_millis();
        assert!((9_990..=10_210).contains(&passed), "{passed} ms of the journal's time");
    }
}

#[test]
fn the_time_of_an_entry_is_never_before_that_of_the_last() {
    let mut world = World::new();
    let page = world.connect();
    world.running(page, "math");
    // The clock of the machine was set back by an hour.
    let now =
        switchboard::Now { journal: world.now().journal - Duration::from_secs(3_600), real: world.real };
    let actor = world.actor(page);
    let mut request = World::ask_request("chem");
    request.beside = true;
    let entropy = world.entropy();
    world.switchboard.asked(&actor, "later", &request, entropy, now).expect("it may be asked for");
    let times: Vec<_> = world.store.lines().into_iter().map(|line| line.entry.at).collect();
    assert!(times.is_sorted());
}
