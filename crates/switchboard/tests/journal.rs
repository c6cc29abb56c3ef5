//! Answers, late and lost ones, restarts, and what people ask for.

mod common;

use std::time::Duration;

use agora::{Operation, Timestamp, UnansweredCause};
use common::World;
use rules::api::AdoptRecording;
use rules::journal::CallId;
use rules::{Fact, RecordingId, RuleId};
use switchboard::Command;

fn facts(world: &World, id: &RecordingId) -> Vec<Fact> {
    let lines = world.store.lines().into_iter();
    lines.filter(|line| line.recording == *id).map(|line| line.entry.fact).collect()
}

#[test]
fn every_number_follows_the_last_one() {
    let mut world = World::new();
    let page = world.connect();
    world.start(page, "math");
    world.start(page, "chem");
    world.run(Duration::from_secs(20));
    let lines = world.store.lines();
    assert!(lines.iter().map(|line| line.entry.board).eq(1..=u64::try_from(lines.len()).expect("few")));
    for id in ["math", "chem"].map(|channel| {
        lines
            .iter()
            .find(|line| matches!(&line.entry.fact, Fact::Requested(r) if r.channel.as_str() == channel))
    }) {
        let id = &id.expect("it was asked for").recording;
        let numbers = lines.iter().filter(|line| line.recording == *id).map(|line| line.entry.number);
        assert!(numbers.eq(1..=world.recording(id).last));
    }
}

#[test]
fn a_routine_answer_that_equals_the_last_one_is_only_noted() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    world.run(Duration::from_secs(600));
    let repeated: Vec<_> = facts(&world, &id)
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Repeated(repeated) => Some(repeated.of),
            _ => None,
        })
        .collect();
    assert!(repeated.len() >= 3, "{repeated:?}");
    let first = repeated[0];
    assert!(repeated.iter().all(|of| *of == first), "all of them equal the same answer");
    let entries = world.switchboard.entries(&id, first - 1, 1).expect("memory can be read").0;
    assert!(matches!(entries[0].fact, Fact::CallAnswered(_)));
}

#[test]
fn a_restart_closes_the_calls_that_it_finds_open() {
    let mut world = World::new();
    let page = world.connect();
    world.latency = Duration::from_secs(5);
    let id = world.start(page, "math");
    world.run(Duration::from_millis(1_500));
    world.restart();
    let last = facts(&world, &id).pop().expect("there are entries");
    let Fact::CallUnanswered(closed) = last else { panic!("not closed: {last:?}") };
    assert_eq!(closed.cause, UnansweredCause::ProxyRestarted);
    let lines = world.store.lines().len();
    world.restart();
    assert_eq!(world.store.lines().len(), lines, "once");
}

#[test]
fn a_late_answer_is_written_and_taken() {
    let mut world = World::new();
    let page = world.connect();
    world.service = Box::new(|outgoing, operation| match operation {
        Operation::Start => None,
        _ => common::willing(outgoing, operation),
    });
    let id = world.start(page, "math");
    world.run(Duration::from_secs(3));
    world.page(page).acts = false;
    let call = world.sent.last().expect("the start left").1.clone();
    assert!(call.0.ends_with(":start"));
    let now = world.now();
    world.switchboard.unanswered(&call, UnansweredCause::Timeout, now);
    world.switchboard.unanswered(&call, UnansweredCause::Timeout, now);
    world.run(Duration::from_secs(20));
    let now = world.now();
    let body = b"{\"resourceId\":\"resource\",\"sid\":\"sid-that-came-late\"}";
    world.switchboard.answered(&call, 200, None, body, now);
    world.switchboard.answered(&call, 200, None, body, now);
    world.switchboard.finished(&call);
    let of_call: Vec<_> = facts(&world, &id)
        .into_iter()
        .filter(|fact| match fact {
            Fact::CallAnswered(answered) => answered.id == call,
            Fact::CallUnanswered(unanswered) => unanswered.id == call,
            _ => false,
        })
        .collect();
    assert!(matches!(of_call[..], [Fact::CallUnanswered(_), Fact::CallAnswered(_)]), "{of_call:?}");
    let sid = world.recording(&id).sessions[0].sid.clone();
    assert_eq!(sid.expect("it is the session").as_str(), "sid-that-came-late");
}

#[test]
fn an_answer_to_no_call_changes_nothing() {
    let mut world = World::new();
    let page = world.connect();
    world.running(page, "math");
    let lines = world.store.lines().len();
    let now = world.now();
    world.switchboard.answered(&CallId("nobody:1:1:query".to_owned()), 200, None, b"{}", now);
    world.switchboard.unanswered(&CallId("nobody:1:1:query".to_owned()), UnansweredCause::Dns, now);
    assert_eq!(world.store.lines().len(), lines);
}

#[test]
fn a_strange_answer_gives_a_clear_entry() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    let html = format!("<html>{}</html>", "x".repeat(1_000_000));
    world.service = Box::new(move |_, _| Some((200, html.clone())));
    world.run(Duration::from_secs(130));
    let answered = facts(&world, &id).into_iter().rev().find_map(|fact| match fact {
        Fact::CallAnswered(answered) => Some(answered),
        _ => None,
    });
    let answered = answered.expect("it was answered");
    assert_eq!(answered.answer.class, agora::AnswerClass::Unreadable);
    assert!(answered.raw.expect("it is kept").len() < 17_000);
}

#[test]
fn the_same_key_is_the_same_wish_for_72_hours() {
    let mut world = World::new();
    let page = world.connect_idle();
    let actor = world.actor(page);
    let first = world.ask(&actor, "key", &World::ask_request("math")).expect("it may be asked for");
    let again = world.ask(&actor, "key", &World::ask_request("math")).expect("it is the same wish");
    assert_eq!((again.recording, again.existing), (first.recording.clone(), true));
    let problem = world.ask(&actor, "key", &World::ask_request("chem")).expect_err("another wish");
    assert_eq!((problem.status, problem.kind.as_str()), (422, "key_reused"));
    world.restart();
    let again = world.ask(&world.nobody(), "key", &World::ask_request("math")).expect("it is the same wish");
    assert_eq!((again.recording, again.existing), (first.recording, true));
    assert_eq!(
        world.store.lines().iter().filter(|line| matches!(line.entry.fact, Fact::Requested(_))).count(),
        1
    );
    world.real += Duration::from_secs(73 * 3_600);
    let later = world.ask(&world.nobody(), "key", &World::ask_request("chem")).expect("the key is forgotten");
    assert!(!later.existing);
}

#[test]
fn s10_a_second_request_while_one_starts_is_answered_with_the_first() {
    let mut world = World::new();
    let page = world.connect();
    world.latency = Duration::from_secs(2);
    let actor = world.actor(page);
    let first = world.ask(&actor, "a", &World::ask_request("math")).expect("it may be asked for");
    world.run(Duration::from_secs(2));
    let second = world.ask(&actor, "b", &World::ask_request("math")).expect("it is answered");
    assert_eq!((second.recording, second.existing), (first.recording, true));
}

#[test]
fn s10_two_people_who_ask_within_two_seconds_get_one_recording_although_the_first_is_started_by_then() {
    let mut world = World::at_rate(10);
    let (first, second) = (world.connect(), world.connect());
    let asked =
        world.ask(&world.actor(first), "a", &World::ask_request("math")).expect("it may be asked for");
    world.run(Duration::from_millis(1_500));
    assert!(world.recording(&asked.recording).sessions.iter().any(|session| session.confirmed.is_some()));
    let same = world.ask(&world.actor(second), "b", &World::ask_request("math")).expect("it is answered");
    assert_eq!((same.recording, same.existing), (asked.recording.clone(), true));
    let starts = world.store.lines().into_iter().filter(
        |line| matches!(&line.entry.fact, Fact::CallSent(sent) if sent.operation == agora::Operation::Start),
    );
    assert_eq!(starts.count(), 1);
    // Whoever means another one beside it says so, and whoever comes later is asked whether they do.
    let beside = meant_beside(World::ask_request("math"));
    assert!(!world.ask(&world.actor(second), "c", &beside).expect("it is confirmed").existing);
    world.run(Duration::from_secs(3));
    let late = world.ask(&world.actor(second), "d", &World::ask_request("math")).expect_err("it costs");
    assert_eq!(late.kind, "beside");
}

fn meant_beside(mut ask: rules::api::RequestRecording) -> rules::api::RequestRecording {
    ask.beside = true;
    ask
}

#[test]
fn s10_a_further_recording_of_a_live_channel_is_confirmed_first() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    let actor = world.actor(page);
    let mut ask = World::ask_request("math");
    let problem = world.ask(&actor, "b", &ask).expect_err("it costs");
    assert_eq!((problem.status, problem.kind.as_str()), (409, "beside"));
    assert!(problem.title.contains(id.as_str()), "it names the other: {}", problem.title);
    ask.beside = true;
    let second = world.ask(&actor, "b", &ask).expect("it is confirmed");
    assert!(!second.existing);
    let (first, second) =
        (world.recording(&id).uids.clone(), world.recording(&second.recording).uids.clone());
    let mut uids = vec![first.original, first.backup, second.original, second.backup];
    uids.extend(first.reserves.iter().chain(&second.reserves));
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), 8, "s11: every one of its own");
}

#[test]
fn s11_uids_that_were_asked_for_are_checked() {
    let mut world = World::new();
    let page = world.connect_idle();
    let actor = world.actor(page);
    let uid = |number| agora::Uid::new(number).expect("it is not 0");
    let mut ask = World::ask_request("math");
    for pair in [(999, 1_001), (1_500, 1_500), (1_999, 2_000)] {
        ask.uids = Some((uid(pair.0), uid(pair.1)));
        let problem = world.ask(&actor, "key", &ask).expect_err("the pair cannot be taken");
        assert_eq!((problem.status, problem.kind.as_str()), (422, "uids"), "{pair:?}");
    }
    ask.uids = Some((uid(1_500), uid(1_000)));
    let asked = world.ask(&actor, "key", &ask).expect("the pair is free");
    let uids = &world.recording(&asked.recording).uids;
    assert_eq!((uids.original, uids.backup), (uid(1_500), uid(1_000)));
    assert_eq!(uids.reserves, [uid(1_001), uid(1_002)]);
}

#[test]
fn ten_starts_a_minute_for_one_person() {
    // A minute of the journal's time: at ten times the wall's speed it is over after six seconds.
    for rate in [1, 10] {
        let mut world = World::at_rate(rate);
        let page = world.connect_idle();
        let actor = world.actor(page);
        for n in 0..10 {
            world
                .ask(&actor, &format!("key {n}"), &World::ask_request(&format!("c{n}")))
                .expect("ten are allowed");
        }
        let ask = World::ask_request("eleventh");
        for _ in 0..2 {
            let problem = world.ask(&actor, "eleventh", &ask).expect_err("an eleventh is not");
            assert_eq!(problem.status, 429);
            world.run(Duration::from_secs(29) / rate);
        }
        world.run(Duration::from_secs(3) / rate);
        world.ask(&actor, "eleventh", &ask).expect("a minute later it is");
    }
}

#[test]
fn what_cannot_be_recorded_is_refused_with_what_to_change() {
    let mut world = World::new();
    let nobody = world.nobody();
    let ask = World::ask_request("math");
    let wrong = |change: fn(&mut rules::api::RequestRecording)| {
        let mut ask = ask.clone();
        change(&mut ask);
        ask
    };
    let cases = [
        (wrong(|ask| ask.app = "other".to_owned()), "desk"),
        (wrong(|ask| ask.storage = "other".to_owned()), "archive"),
        (wrong(|ask| ask.policy = Some("other".to_owned())), "patient, swift"),
        (wrong(|ask| ask.settings.mode = agora::Mode::Individual), "mix"),
        (wrong(|ask| ask.settings.recording_config.max_idle_time = 1), "5"),
    ];
    for (ask, hint) in cases {
        let problem = world.ask(&nobody, "key", &ask).expect_err("it cannot be recorded");
        assert_eq!(problem.status, 422);
        assert!(problem.title.contains(hint), "{}", problem.title);
    }
    assert!(world.store.lines().is_empty());
}

#[test]
fn a_stop_can_be_taken_back_until_it_is_due_and_is_said_only_once() {
    let mut world = World::at_rate(10);
    let page = world.connect();
    let id = world.running(page, "math");
    let actor = world.actor(page);
    let stop = Command::Stop {
        session: None,
        undo: Duration::from_secs(5),
        calls: Vec::new(),
        reason: String::new(),
    };
    let say = |world: &mut World, command: &Command| {
        let now = world.now();
        world.switchboard.commanded(&actor, &id, command, now)
    };
    let first = say(&mut world, &stop).expect("staff may stop");
    assert_eq!(say(&mut world, &stop).expect("it is the same stop"), first);
    world.run(Duration::from_millis(4_500));
    assert!(
        !world.sent_operations().iter().any(|(_, operation)| *operation == Operation::Stop),
        "undo is real time"
    );
    say(&mut world, &Command::WithdrawStop).expect("it is not due yet");
    assert_eq!(say(&mut world, &Command::WithdrawStop).expect_err("there is none").kind, "no_stop");
    say(&mut world, &stop).expect("staff may stop again");
    world.run(Duration::from_millis(5_500));
    assert!(world.sent_operations().iter().any(|(_, operation)| *operation == Operation::Stop));
    assert_eq!(say(&mut world, &Command::WithdrawStop).expect_err("it was sent").kind, "too_late");
}

/// Presses stop in a page, with the calls that it leads to, and closes the page.
fn press_and_close(world: &mut World, page: rules::journal::ClientNumber, id: &RecordingId, undo: Duration) {
    let actor = world.actor(page);
    let now = world.now();
    let at = world.switchboard.journal_now(now);
    let recording = world.recording(id).clone();
    let board = world.switchboard.board(&recording.app).expect("there is such an App ID").clone();
    let calls = rules::stop::calls_of_press(&recording, &board, None, at);
    assert_eq!(calls.len(), 1, "{calls:?}");
    let stop = Command::Stop { session: None, undo, calls, reason: String::new() };
    world.switchboard.commanded(&actor, id, &stop, now).expect("staff may stop");
    world.disconnect(page);
}

/// When stops of it left, and were asked for, in the journal's time.
fn stops(world: &World) -> (Vec<Timestamp>, Vec<Timestamp>) {
    let lines = world.store.lines();
    let sent = lines.iter().filter_map(|line| match &line.entry.fact {
        Fact::CallSent(sent) if sent.operation == Operation::Stop => Some(line.entry.at),
        _ => None,
    });
    let due = lines.iter().filter_map(|line| match &line.entry.fact {
        Fact::StopRequested(stop) => Some(stop.not_before),
        _ => None,
    });
    (sent.collect(), due.collect())
}

#[test]
fn t7_a_stop_leaves_when_it_is_due_although_the_page_that_pressed_is_gone() {
    for rate in [1, 10] {
        let mut world = World::at_rate(rate);
        let page = world.connect();
        let id = world.running(page, "math");
        press_and_close(&mut world, page, &id, Duration::from_secs(5));
        world.run(Duration::from_millis(4_900));
        assert_eq!(stops(&world).0, [], "it can still be taken back");
        world.run(Duration::from_millis(200));
        let (sent, due) = stops(&world);
        assert_eq!(sent, due, "nobody is connected, and it leaves at its instant");
        world.run(Duration::from_secs(60));
        assert_eq!(stops(&world).0.len(), 1, "once");
    }
}

#[test]
fn t7_a_stop_that_was_kept_is_not_sent_after_it_was_taken_back() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    press_and_close(&mut world, page, &id, Duration::from_secs(5));
    world.run(Duration::from_secs(2));
    let (actor, now) = (world.nobody(), world.now());
    world.switchboard.commanded(&actor, &id, &Command::WithdrawStop, now).expect("it is not due yet");
    world.run(Duration::from_secs(20));
    assert_eq!(stops(&world).0, []);
    // Asked for anew it waits for its own time.
    let later = world.connect_idle();
    world.run(Duration::from_millis(100));
    press_and_close(&mut world, later, &id, Duration::from_secs(5));
    world.run(Duration::from_secs(6));
    let (sent, due) = stops(&world);
    assert_eq!(sent.last(), due.last());
    assert_eq!(sent.len(), 1);
}

#[test]
fn t7_a_stop_that_was_kept_is_one_stop_whoever_acts_meanwhile() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    // Another page takes over, asks the service, and posts the stop when it is due as well.
    let other = world.connect();
    press_and_close(&mut world, page, &id, Duration::from_secs(5));
    world.run(Duration::from_secs(1));
    assert!(world.recording(&id).lease.as_ref().is_some_and(|lease| lease.client == other));
    let (actor, now) = (world.nobody(), world.now());
    world.switchboard.commanded(&actor, &id, &Command::Hurry, now).expect("it runs");
    world.run(Duration::from_secs(10));
    let (sent, due) = stops(&world);
    assert_eq!(sent, due);
}

#[test]
fn t7_a_restart_forgets_a_kept_stop_and_the_next_page_sends_it() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    press_and_close(&mut world, page, &id, Duration::from_secs(5));
    world.restart();
    world.run(Duration::from_secs(10));
    assert_eq!(stops(&world).0, []);
    world.connect();
    world.run(Duration::from_secs(2));
    assert_eq!(stops(&world).0.len(), 1);
}

#[test]
fn only_stops_of_what_is_stopped_come_with_a_press() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    let (actor, now) = (world.actor(page), world.now());
    let call = |session, operation, rule| rules::Call {
        session,
        operation,
        domain: rules::journal::Domain::Primary,
        rule,
        attempt: rules::journal::Attempt { number: 1, of: None },
    };
    let stop = call(1, Operation::Stop, RuleId::T7);
    let wrong = [
        (None, vec![call(1, Operation::Query, RuleId::T7)]),
        (None, vec![call(1, Operation::Stop, RuleId::T4)]),
        (None, vec![stop, stop]),
        (Some(1), vec![call(2, Operation::Stop, RuleId::T7)]),
    ];
    let lines = world.store.lines().len();
    for (session, calls) in wrong {
        let command = Command::Stop { session, undo: Duration::ZERO, calls, reason: String::new() };
        let refused = world.switchboard.commanded(&actor, &id, &command, now).expect_err("no stop of it");
        assert_eq!((refused.status, refused.kind.as_str()), (422, "bad_request"));
    }
    assert_eq!(world.store.lines().len(), lines, "nothing was written");
    // One of a session that is not there is left out.
    let calls = vec![call(7, Operation::Stop, RuleId::T7), stop];
    let command = Command::Stop { session: None, undo: Duration::ZERO, calls, reason: String::new() };
    world.switchboard.commanded(&actor, &id, &command, now).expect("staff may stop");
    assert_eq!(stops(&world).0.len(), 1, "without a time to take it back it leaves with the press");
}

#[test]
fn commands_about_what_is_not_there_are_refused() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    let lines = world.store.lines().len();
    let nobody = world.nobody();
    let cases = [
        (Command::TryAgain, 409),
        (Command::WithdrawStop, 409),
        (Command::Acknowledge(3), 404),
        (Command::ChangePolicy("none".to_owned()), 422),
        (
            Command::Stop {
                session: Some(9),
                undo: Duration::ZERO,
                calls: Vec::new(),
                reason: String::new(),
            },
            404,
        ),
        (Command::Dismiss { session: 9, reason: "gone".to_owned() }, 404),
        (Command::Dismiss { session: 1, reason: " ".to_owned() }, 422),
    ];
    for (command, status) in cases {
        let problem = world.switchboard.commanded(&nobody, &id, &command, world.now());
        assert_eq!(problem.expect_err("there is nothing to do").status, status, "{command:?}");
    }
    let missing = RecordingId::parse("missing").expect("it is an id");
    let problem = world.switchboard.commanded(&nobody, &missing, &Command::Hurry, world.now());
    assert_eq!(problem.expect_err("there is no such recording").status, 404);
    assert_eq!(world.store.lines().len(), lines);
}

#[test]
fn a_session_that_runs_already_is_watched_once() {
    let mut world = World::new();
    let page = world.connect();
    let actor = world.actor(page);
    let adopt = AdoptRecording {
        app: common::APP.to_owned(),
        channel: agora::ChannelName::parse("math").expect("a channel"),
        mode: agora::Mode::Mix,
        uid: agora::Uid::new(4_711).expect("it is not 0"),
        resource_id: agora::ResourceId::parse("resource").expect("a resource ID"),
        sid: agora::Sid::parse("0123456789abcdef").expect("a recording ID"),
    };
    let entropy = world.entropy();
    let now = world.now();
    let asked = world.switchboard.adopted(&actor, "key", &adopt, entropy, now).expect("it may be watched");
    world.run(Duration::from_secs(5));
    let operations = world.sent_operations();
    assert!(!operations.is_empty() && operations.iter().all(|(_, operation)| *operation == Operation::Query));
    assert!(world.recording(&asked.recording).watched);
    let now = world.now();
    let again = world.switchboard.adopted(&actor, "another", &adopt, entropy, now);
    assert_eq!(again.expect_err("it is watched already").status, 409);
}

#[test]
fn the_list_goes_by_pages_newest_first() {
    let mut world = World::new();
    let page = world.connect_idle();
    let ids: Vec<_> = (0..7).map(|n| world.start(page, &format!("channel {n}"))).collect();
    let filter = switchboard::Filter { live: Some(true), ..switchboard::Filter::default() };
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = world.switchboard.page(&filter, before.as_ref(), 3);
        assert_eq!(page.total, 7);
        seen.extend(page.recordings.into_iter().map(|recording| recording.id));
        match page.next {
            Some(next) => before = RecordingId::parse(next),
            None => break,
        }
    }
    assert!(seen.iter().rev().eq(&ids));
    let ended = switchboard::Filter { live: Some(false), ..switchboard::Filter::default() };
    assert_eq!(world.switchboard.page(&ended, None, 3).total, 0);
    let named = switchboard::Filter { channel: Some("nel 3".to_owned()), ..switchboard::Filter::default() };
    assert_eq!(world.switchboard.page(&named, None, 3).total, 1);
}
