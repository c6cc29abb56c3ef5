//! The client against a proxy in memory, in virtual time.

mod world;

use agora::Operation;
use client::{EndedBecause, Liveness, Moment, PostOutcome, Request};
use rules::Fact;
use rules::api::{FromProxy, Hello, PROTOCOL};
use world::{Temper, World};

fn posts(world: &World, page: usize) -> Vec<&Request> {
    let steps = |request: &&Request| !matches!(request, Request::Claim(_));
    world.pages[page].posted.iter().map(|(_, request)| request).filter(steps).collect()
}

fn operations(world: &World) -> Vec<Operation> {
    world.proxy.calls().iter().map(|call| call.operation).collect()
}

#[test]
fn one_page_starts_watches_and_stops_a_recording() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    let id = world.proxy.ask("lesson");
    world.run(30_000);
    assert_eq!(operations(&world)[..3], [Operation::Acquire, Operation::Start, Operation::Query]);
    world.proxy.stop(&id);
    world.run(20_000);
    assert!(operations(&world).contains(&Operation::Stop));
    assert!(world.proxy.recordings[&id].settled(), "{:#?}", world.proxy.recordings[&id]);
    world.assert_folded(0);
    assert!(world.pages[0].client.refusals().is_empty());
}

#[test]
fn where_the_proxys_time_falls_behind_an_instant_is_asked_for_twice_at_most() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.proxy.ask("lesson");
    world.run_until(5_000, |world| operations(world).contains(&Operation::Start));
    world.run(500);
    // The page goes on by what it was told before, and lets that go slowly: it may have been told late.
    world.proxy.behind = 400;
    world.run(30_000);
    let queries = operations(&world).iter().filter(|operation| **operation == Operation::Query).count();
    // V1: 5 s after the `sid`, and a second time, because the first was too early by the proxy's time.
    assert_eq!(queries, 2);
    assert!(posts(&world, 0).len() < 15, "{:?}", posts(&world, 0));
}

#[test]
fn two_pages_make_no_more_calls_than_one() {
    let alone = {
        let mut world = World::with_pages(1);
        world.run(2_000);
        world.proxy.ask("lesson");
        world.run(300_000);
        operations(&world)
    };
    let mut world = World::with_pages(2);
    world.run(2_000);
    let id = world.proxy.ask("lesson");
    world.run(300_000);
    assert_eq!(operations(&world), alone);
    let holding = world.pages.iter().filter(|page| page.client.holds(&id)).count();
    assert_eq!(holding, 1, "one lease, one holder");
    let posting = (0..2).filter(|page| !posts(&world, *page).is_empty()).count();
    assert_eq!(posting, 1);
    world.assert_folded(0);
    world.assert_folded(1);
}

#[test]
fn when_the_acting_page_closes_the_other_one_acts() {
    let mut world = World::with_pages(2);
    world.run(2_000);
    let id = world.proxy.ask("lesson");
    world.run(3_000);
    let acting = world.pages.iter().position(|page| page.client.holds(&id)).expect("one holds it");
    world.close_page(acting);
    let calls = world.proxy.calls().len();
    world.run_until(8_000, |world| world.pages[0].client.holds(&id));
    world.run_until(8_000, |world| world.proxy.calls().len() > calls);
}

#[test]
fn without_heartbeats_nothing_is_done_and_it_says_so() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.proxy.ask("lesson");
    world.run(4_000);
    assert_eq!(world.pages[0].client.liveness(world.moment(0)), Liveness::Live);
    let last = world.pages[0].client.last_heartbeat().expect("some came").0;
    world.proxy.beats = false;
    world.run(2_000);
    world.proxy.ask("other");
    world.run(1_000);
    assert_eq!(world.pages[0].client.liveness(world.moment(0)), Liveness::Lost { since: last });
    assert_eq!(world.pages[0].client.now(world.moment(0)), None);
    // Entries still come, and still nothing is done.
    let before = world.pages[0].posted.len();
    for name in ["third", "fourth", "fifth"] {
        world.proxy.ask(name);
        world.run(1_500);
    }
    assert_eq!(world.pages[0].posted.len(), before);
    world.proxy.beats = true;
    world.run(4_000);
    assert_eq!(world.pages[0].client.liveness(world.moment(0)), Liveness::Live);
    assert!(world.pages[0].posted.len() > before, "it goes on where the journal ends");
    world.assert_folded(0);
}

#[test]
fn after_a_sleep_the_page_connects_anew_before_it_does_anything() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.proxy.ask("lesson");
    world.run(3_500);
    world.pages[0].wall_ahead = 3_600_000;
    world.poll(0);
    let lost = world.pages[0].client.liveness(world.moment(0));
    assert!(matches!(lost, Liveness::Lost { .. }), "{lost:?}");
    let before = world.pages[0].number;
    world.run(1_100);
    assert_eq!(world.pages[0].client.liveness(world.moment(0)), Liveness::Live);
    assert_ne!(world.pages[0].number, before);
}

#[test]
fn a_frozen_page_loses_its_leases_and_believes_nothing_that_waited_for_it() {
    let mut world = World::with_pages(2);
    world.run(2_000);
    let id = world.proxy.ask("lesson");
    world.run(4_000);
    let frozen = world.pages.iter().position(|page| page.client.holds(&id)).expect("one holds it");
    world.pages[frozen].frozen = true;
    world.run_until(6_000, |world| world.pages[1 - frozen].client.holds(&id));
    world.run(60_000);
    // Sixty heartbeats wait for it, the oldest first, and an offer.
    let (posted, began) = (world.pages[frozen].posted.len(), world.now);
    world.pages[frozen].frozen = false;
    while world.now < began + 3_000 {
        world.run(world::STEP);
        let moment = world.moment(frozen);
        if let Some(now) = world.pages[frozen].client.now(moment) {
            let behind = world.proxy.time().since(now).as_millis();
            assert!(behind < 100, "it takes {behind} ms ago for now");
        }
    }
    assert!(!world.pages[frozen].client.holds(&id));
    assert_eq!(world.pages[frozen].posted.len(), posted, "it does nothing");
    assert_eq!(world.pages[frozen].client.liveness(world.moment(frozen)), Liveness::Live);
    world.assert_folded(frozen);
}

#[test]
fn what_a_page_does_first_when_it_wakes_is_to_ask_and_nothing_is_concluded_before() {
    for steps_with_time in [true, false] {
        let mut world = World::with_pages(1);
        world.run(2_000);
        let id = world.proxy.ask("lesson");
        world.run(200_000);
        let (calls, entries) = (world.proxy.calls().len(), world.proxy.entries.len());
        world.pages[0].frozen = true;
        world.run(900_000);
        if !steps_with_time {
            // Its monotonic clock stood still meanwhile; the other one did not.
            world.pages[0].slept = 900_000;
        }
        world.pages[0].frozen = false;
        world.run_until(10_000, |world| world.proxy.calls().len() > calls);
        let first = world.proxy.calls()[calls].clone();
        assert_eq!((first.operation, first.rule), (Operation::Query, rules::RuleId::M10), "{first:?}");
        let concluded = |new: &&rules::api::StreamEntry| matches!(new.entry.fact, Fact::Decided(_));
        assert_eq!(world.proxy.entries[entries..].iter().filter(concluded).count(), 0);
        world.run(1_000);
        assert!(world.pages[0].client.holds(&id));
        world.assert_folded(0);
    }
}

#[test]
fn a_socket_on_which_nothing_comes_for_three_seconds_is_given_up() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    let before = world.pages[0].number;
    world.proxy.beats = false;
    world.run(2_900);
    assert_eq!(world.pages[0].number, before);
    world.run(1_200);
    assert!(world.pages[0].number.is_some_and(|number| Some(number) != before), "there is another one");
}

#[test]
fn an_attempt_to_connect_that_leads_nowhere_is_given_up_after_ten_seconds() {
    let mut client = client::Client::new();
    let at = |millis: i64| Moment::new(millis.unsigned_abs(), millis);
    assert!(matches!(
        client.poll(at(0))[..],
        [client::Action::Connect { .. }, client::Action::WakeAt(10_000)]
    ));
    assert!(!client.poll(at(9_999)).contains(&client::Action::CloseSocket));
    assert!(client.poll(at(10_000)).contains(&client::Action::CloseSocket));
    client.closed(at(10_000), None, u32::MAX);
    assert_eq!(client.reconnects_at(), Some(10_999));
}

#[test]
fn a_page_whose_timers_are_held_back_acts_on_heartbeats() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.pages[0].timers = false;
    world.proxy.ask("lesson");
    world.run(300_000);
    assert!(world.proxy.calls().len() >= 5, "{:?}", operations(&world));
}

#[test]
fn a_missing_frame_is_noticed_and_a_snapshot_asked_for() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    let id = world.proxy.ask("lesson");
    world.run(8_000);
    // A frame that says that something came before it.
    let moment = world.moment(0);
    let (upto, _) = world.pages[0].client.position().expect("it follows");
    let frame = rules::api::Frame {
        after: upto + 1,
        upto: upto + 2,
        at: world.proxy.time(),
        content: rules::api::FrameContent::Entries(Vec::new()),
    };
    world.pages[0].client.received(&FromProxy::Frame(frame), moment);
    assert!(!world.pages[0].client.complete());
    world.poll(0);
    world.run(1_000);
    world.assert_folded(0);
    assert!(world.pages[0].client.holds(&id), "the lease is in the snapshot");
    let calls = world.proxy.calls().len();
    world.run(150_000);
    assert!(world.proxy.calls().len() > calls, "it goes on acting");
}

#[test]
fn whatever_is_cut_the_state_is_the_fold_of_the_journal() {
    for seed in 1..=20 {
        let mut world = World::with_pages(2);
        world.chance.0 = seed;
        world.cut_once_in = Some(7);
        let mut ids = Vec::new();
        for round in 0..6 {
            ids.push(world.proxy.ask(&format!("lesson-{round}")));
            world.run(9_000);
        }
        for id in &ids[..3] {
            world.proxy.stop(id);
            world.run(9_000);
        }
        assert!(world.cuts > 20, "seed {seed}: {} cuts", world.cuts);
        world.cut_once_in = None;
        world.run(60_000);
        for page in 0..2 {
            world.assert_folded(page);
        }
        for id in &ids[..3] {
            assert!(world.proxy.recordings[id].settled(), "seed {seed}: {id} is stopped");
        }
        // No call was made twice for one step.
        let mut ids: Vec<_> = world.proxy.calls().iter().map(|call| call.id.clone()).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "seed {seed}");
    }
}

#[test]
fn another_journal_is_taken_from_its_beginning() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.proxy.ask("lesson");
    world.run(5_000);
    world.proxy.replace_journal();
    world.cut(0);
    world.run(3_000);
    assert!(world.pages[0].client.recordings().is_empty());
    world.proxy.ask("other");
    world.run(3_000);
    world.assert_folded(0);
    assert_eq!(world.pages[0].client.position().map(|(_, journal)| journal), Some("journal-2".to_owned()));
}

#[test]
fn a_refused_step_is_tried_after_1_2_4_up_to_30_seconds_and_shown() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.proxy.temper = Temper::Refuses(422, "not_permitted");
    let id = world.proxy.ask("lesson");
    world.run(100_000);
    let instants: Vec<_> = world.pages[0]
        .posted
        .iter()
        .filter(|(_, request)| matches!(request, Request::Call(..)))
        .map(|(at, _)| *at)
        .collect();
    let gaps: Vec<_> = instants.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000).collect();
    assert_eq!(gaps[..6], [1, 2, 4, 8, 16, 30]);
    let refusal = world.pages[0].client.refusals().get(&id).expect("it is shown");
    assert_eq!((refusal.status, refusal.sentence.as_str()), (422, "no"));
    world.proxy.temper = Temper::Works;
    world.run(31_000);
    assert!(world.pages[0].client.refusals().is_empty());
    assert!(!world.proxy.calls().is_empty());
}

#[test]
fn a_stale_step_is_decided_anew_within_a_second_and_not_shown() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.proxy.temper = Temper::Refuses(409, "stale");
    world.proxy.ask("lesson");
    world.run(10_000);
    let count = posts(&world, 0).len();
    assert!((8..=11).contains(&count), "once a second, not {count} times in ten");
    assert!(world.pages[0].client.refusals().is_empty());
}

#[test]
fn a_post_without_an_answer_is_made_again_under_the_same_id_after_a_second() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.proxy.temper = Temper::Silent;
    world.proxy.ask("lesson");
    world.run(6_500);
    let posts = posts(&world, 0);
    assert!((5..=7).contains(&posts.len()), "{}", posts.len());
    assert!(posts.windows(2).all(|pair| pair[0] == pair[1]), "always the same");
}

#[test]
fn a_call_that_is_accepted_and_never_sent_is_posted_again() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.proxy.temper = Temper::Forgets;
    world.proxy.ask("lesson");
    world.run(7_000);
    assert!((3..=4).contains(&posts(&world, 0).len()), "every two seconds: {}", posts(&world, 0).len());
    world.proxy.temper = Temper::Works;
    world.run(3_000);
    assert!(!world.proxy.calls().is_empty());
}

#[test]
fn a_lease_that_the_proxy_does_not_know_is_let_go() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.proxy.offers = false;
    let id = world.proxy.ask("lesson");
    let own = world.pages[0].number.expect("it is connected");
    let leased = rules::journal::Leased { client: own, epoch: 1, holder: "ada".to_owned() };
    // Written, but nobody holds it.
    world.proxy.write(&id, rules::journal::By::Proxy, Fact::Leased(leased));
    world.run(1_000);
    assert!(!world.pages[0].client.holds(&id));
    assert_eq!(posts(&world, 0).len(), 1);
}

#[test]
fn a_recording_that_cannot_be_read_is_not_acted_for() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    let id = world.proxy.ask("lesson");
    world.run(4_000);
    assert!(world.pages[0].client.holds(&id));
    let calls = world.proxy.calls().len();
    let unknown = Fact::Unknown(serde_json::json!({ "Teleported": { "to": "elsewhere" } }));
    world.proxy.write(&id, rules::journal::By::Proxy, unknown);
    world.run(30_000);
    assert!(world.pages[0].client.recordings()[&id].unreadable);
    assert!(!world.pages[0].client.holds(&id));
    assert_eq!(world.proxy.holder(&id), None, "another build may take it");
    assert!(world.proxy.calls().len() <= calls + 1);
}

#[test]
fn a_quiet_client_is_polled_only_a_few_times_a_second() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    for number in 0..20 {
        world.proxy.ask(&format!("lesson-{number}"));
    }
    world.run(200_000);
    let before = world.pages[0].polls;
    let messages = world.pages[0].messages;
    world.run(100_000);
    let polls = world.pages[0].polls - before;
    let messages = world.pages[0].messages - messages;
    assert!(polls < messages * 2 + 300, "{polls} polls for {messages} messages");
}

#[test]
fn the_entries_of_an_opened_recording_are_kept_up() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    let id = world.proxy.ask("lesson");
    world.run(4_000);
    world.pages[0].client.open(&id);
    assert_eq!(world.pages[0].client.entries_missing_after(&id), Some(0));
    let journal = |world: &World| -> Vec<rules::Entry> {
        world.proxy.entries.iter().filter(|new| new.recording == id).map(|new| new.entry.clone()).collect()
    };
    let loaded = journal(&world);
    world.run(20_000);
    world.pages[0].client.loaded(&id, loaded);
    assert_eq!(world.pages[0].client.entries_missing_after(&id), None);
    let kept: Vec<_> = world.pages[0].client.entries_for(&id).cloned().collect();
    assert_eq!(kept, journal(&world));
    world.pages[0].client.close(&id);
    assert_eq!(world.pages[0].client.entries_for(&id).count(), 0);
}

#[test]
fn changes_are_told_once() {
    let mut world = World::with_pages(1);
    world.run(2_000);
    world.pages[0].client.changed();
    let id = world.proxy.ask("lesson");
    world.run(100);
    assert_eq!(world.pages[0].client.changed().into_iter().collect::<Vec<_>>(), [id]);
    assert!(world.pages[0].client.changed().is_empty());
}

#[test]
fn commands_carry_the_number_and_the_secret_of_the_connection() {
    let mut world = World::with_pages(1);
    assert_eq!(world.pages[0].client.command_context(), None);
    world.run(1_000);
    let context = world.pages[0].client.command_context().expect("it is connected");
    assert_eq!((context.client, context.secret.as_str()), (1, "secret-1"));
    world.cut(0);
    assert_eq!(world.pages[0].client.command_context(), None);
    world.run(2_000);
    assert_eq!(world.pages[0].client.command_context().map(|context| context.client), Some(2));
}

#[test]
fn a_proxy_of_another_protocol_ends_it() {
    let mut client = client::Client::new();
    let moment = Moment::new(0, 0);
    client.poll(moment);
    client.connected(moment);
    let hello = Hello {
        protocol: PROTOCOL + 1,
        build: "other".to_owned(),
        journal_id: "journal".to_owned(),
        client: 1,
        secret: "secret".to_owned(),
        now: agora::Timestamp::from_millis(0),
        clock_rate: 1,
    };
    client.received(&FromProxy::Hello(hello), moment);
    assert!(client.poll(moment).contains(&client::Action::CloseSocket));
    client.closed(moment, None, 0);
    assert_eq!(client.liveness(moment), Liveness::Ended(EndedBecause::NewBuild));
    assert_eq!(client.reconnects_at(), None);
    assert!(client.poll(Moment::new(60_000, 60_000)).is_empty());
}

#[test]
fn an_answer_of_http_means_one_of_three_things() {
    assert_eq!(PostOutcome::of_answer(202, ""), PostOutcome::Accepted);
    assert_eq!(PostOutcome::of_answer(503, "<html>"), PostOutcome::Unreachable);
    let PostOutcome::Refused(problem) = PostOutcome::of_answer(404, "<html>") else {
        panic!("a 404 is a refusal, whoever wrote it")
    };
    assert_eq!(problem.status, 404);
    let body = r#"{"kind": "stale", "title": "older", "status": 409}"#;
    let PostOutcome::Refused(problem) = PostOutcome::of_answer(409, body) else { panic!("it is a refusal") };
    assert_eq!(problem.kind, "stale");
}

#[test]
fn a_client_that_only_looks_on_takes_no_lease_until_it_takes_part() {
    let mut world = World::with_pages(1);
    world.pages[0].client = client::Client::looking_on();
    world.run(2_000);
    let id = world.proxy.ask("lesson");
    world.run(5_000);
    assert!(world.pages[0].client.recordings().contains_key(&id), "it shows what others do");
    assert!(!world.pages[0].client.holds(&id));
    assert!(world.proxy.calls().is_empty());
    // It was offered the lease before, and takes it as soon as it can.
    world.proxy.offers = false;
    world.pages[0].client.take_part(client::Hands::new());
    world.poll(0);
    world.run(100);
    assert!(world.pages[0].client.holds(&id));
    world.run_until(8_000, |world| world.proxy.calls().len() >= 2);
    world.assert_folded(0);
}

#[test]
fn what_happens_before_a_client_can_read_it_is_kept_for_it() {
    let mut world = World::with_pages(2);
    let before = world.proxy.ask("before");
    world.pages[0].client = client::Client::without_eyes();
    world.run(2_000);
    assert!(world.pages[0].client.complete(), "a snapshot is understood");
    assert!(world.pages[0].client.recordings().contains_key(&before));
    let meanwhile = world.proxy.ask("meanwhile");
    world.run(1_000);
    assert!(!world.pages[0].client.recordings().contains_key(&meanwhile));
    assert!(!world.pages[0].client.sees());
    let moment = world.moment(0);
    world.pages[0].client.open_eyes(client::Eyes::new(), moment);
    assert!(world.pages[0].client.recordings().contains_key(&meanwhile), "it was kept");
    world.run(1_000);
    world.assert_folded(0);
}
