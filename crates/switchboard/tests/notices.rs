//! Notifications: each once, each where it belongs, and kept where it belongs nowhere.

mod common;

use std::time::Duration;

use agora::notification::NotificationError;
use agora::{EventType, Notification, Operation, Sid};
use common::{APP, World};
use rules::api::MakeDecision;
use rules::journal::{DecisionKind, Notified, NotifiedAgain};
use rules::{AppFact, Fact, RecordingId};
use serde_json::json;
use switchboard::Command;
use switchboard::notices::{Delivery, Receipt, UNMATCHED_MAX};

/// One delivery; what is not said is the same for all.
struct Event<'a> {
    notice: &'a str,
    sid: &'a str,
    channel: &'a str,
    uid: u32,
    event: u32,
    sequence: u64,
}

impl Event<'_> {
    fn delivery(&self, sent_at: i64) -> Delivery {
        let body = json!({
            "noticeId": self.notice, "productId": 3, "eventType": self.event, "notifyMs": 1,
            "payload": {
                "cname": self.channel, "uid": self.uid.to_string(), "sid": self.sid, "sequence": self.sequence,
                "sendts": sent_at, "serviceType": 1, "details": { "status": 0 },
            },
        })
        .to_string()
        .into_bytes();
        Delivery { app: APP.to_owned(), read: Notification::read(&body), body }
    }
}

fn unknown(notice: &str) -> Delivery {
    let event = Event { notice, sid: "unknown-sid", channel: "math", uid: 5, event: 40, sequence: 1 };
    event.delivery(1_700_000_000_000)
}

fn take(world: &mut World, deliveries: Vec<Delivery>) -> Vec<Receipt> {
    let now = world.now();
    world.switchboard.notified(deliveries, now).expect("the store works")
}

fn notified(world: &World) -> Vec<Notified> {
    let facts = world.store.lines().into_iter().map(|line| line.entry.fact);
    facts.filter_map(|fact| if let Fact::Notified(one) = fact { Some(*one) } else { None }).collect()
}

fn again(world: &World) -> Vec<NotifiedAgain> {
    let facts = world.store.lines().into_iter().map(|line| line.entry.fact);
    facts.filter_map(|fact| if let Fact::NotifiedAgain(one) = fact { Some(one) } else { None }).collect()
}

fn sid_of(world: &World, id: &RecordingId) -> Sid {
    world.recording(id).sessions[0].sid.clone().expect("it was accepted")
}

fn kept(world: &mut World) -> (u32, u64) {
    let page = world.switchboard.unmatched(APP, None).expect("there is such an App");
    (page.kept, page.dropped)
}

#[test]
fn n2_equal_ids_or_equal_events_are_one_notification_also_at_once_and_after_a_restart() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    let sid = sid_of(&world, &id);
    let uid = world.recording(&id).sessions[0].uid.get();
    let event =
        |notice, event, sequence| Event { notice, sid: sid.as_str(), channel: "math", uid, event, sequence };
    let first = event("one", 40, 1).delivery(5_000_000_000_000);
    let receipts = take(
        &mut world,
        vec![
            first.clone(),
            first.clone(),
            // Another id on the redundant way, the same event.
            event("one-b", 40, 1).delivery(5_000_000_000_000),
            // The same id and another event: never seen, and nothing may be lost by it.
            event("one", 41, 2).delivery(5_000_000_000_000),
            event("two", 31, 3).delivery(5_000_000_000_001),
        ],
    );
    use Receipt::{Again, Written};
    assert_eq!(receipts, [Written, Again, Again, Written, Written]);
    world.restart();
    // Another instant of the event, under a known id, is the same notification: `noticeId` goes first.
    assert_eq!(take(&mut world, vec![first, event("two", 31, 9).delivery(7)]), [Again, Again]);
    let written = notified(&world);
    let events: Vec<u32> = written.iter().map(|one| one.event.number()).collect();
    assert_eq!(events, [40, 41, 31]);
    let numbers: Vec<u32> = world
        .store
        .lines()
        .into_iter()
        .filter(|line| matches!(line.entry.fact, Fact::Notified(_)))
        .map(|line| line.entry.number)
        .collect();
    let of: Vec<u32> = again(&world).into_iter().map(|again| again.of).collect();
    assert_eq!(of, [numbers[0], numbers[0], numbers[0], numbers[2]]);
    let entries = world.store.lines().into_iter().filter(|line| line.recording == id);
    let in_order: Vec<u32> = entries.map(|line| line.entry.number).collect();
    assert!(in_order.iter().copied().eq(1..=u32::try_from(in_order.len()).expect("few")));
}

#[test]
fn n1_nothing_is_taken_while_the_store_is_broken_and_the_same_delivery_is_new_afterwards() {
    let mut world = World::new();
    world.store.set_broken(true);
    let now = world.now();
    world.switchboard.notified(vec![unknown("one")], now).expect_err("it cannot be stored");
    world.store.set_broken(false);
    assert_eq!(take(&mut world, vec![unknown("one")]), [Receipt::Unmatched]);
}

#[test]
fn n5_a_flood_of_unknown_sids_makes_room_and_is_counted_also_after_a_restart() {
    let mut world = World::new();
    let total = UNMATCHED_MAX + 700;
    for begin in (0..total).step_by(250) {
        let some = (begin..(begin + 250).min(total)).map(|number| {
            let (notice, sid) = (format!("n{number}"), format!("unknown-{number}"));
            let event = Event { notice: &notice, sid: &sid, channel: "math", uid: 5, event: 40, sequence: 1 };
            event.delivery(1_700_000_000_000)
        });
        assert!(take(&mut world, some.collect()).iter().all(|receipt| *receipt == Receipt::Unmatched));
    }
    let (rows, dropped) = kept(&mut world);
    assert!(rows as usize <= UNMATCHED_MAX && rows as usize > UNMATCHED_MAX - 500, "{rows}");
    assert_eq!(u64::from(rows) + dropped, total as u64);
    world.restart();
    assert_eq!(kept(&mut world), (rows, dropped));
    // The newest come first, and the pages follow one another.
    let page = world.switchboard.unmatched(APP, None).expect("a page");
    let next = page.next.expect("there are more");
    let older = world.switchboard.unmatched(APP, Some(next)).expect("a page");
    assert!(
        page.entries.iter().map(|entry| entry.number).min() > older.entries.iter().map(|e| e.number).max()
    );
}

#[test]
fn n5_large_bodies_make_room_by_their_bytes() {
    let mut world = World::new();
    for number in 0..4_000 {
        let body = format!("{{\"eventType\":9,\"noticeId\":\"{number}\",\"x\":\"{}\"}}", "x".repeat(15_000));
        let read = Notification::read(body.as_bytes());
        take(&mut world, vec![Delivery { app: APP.to_owned(), read, body: body.into_bytes() }]);
    }
    let (rows, dropped) = kept(&mut world);
    assert!(u64::from(rows) * 15_000 <= switchboard::notices::UNMATCHED_BYTES_MAX, "{rows}");
    assert_eq!(u64::from(rows) + dropped, 4_000);
}

#[test]
fn n1_a_signed_body_that_cannot_be_read_is_kept_unmatched() {
    let mut world = World::new();
    let delivery =
        Delivery { app: APP.to_owned(), read: Err(NotificationError::NotAnObject), body: vec![0xff, b'x'] };
    assert_eq!(take(&mut world, vec![delivery]), [Receipt::Unmatched]);
    let page = world.switchboard.unmatched(APP, None).expect("a page");
    let AppFact::Unmatched(unmatched) = &page.entries[0].fact else { panic!("{page:?}") };
    assert_eq!((unmatched.read.as_ref(), unmatched.raw.as_deref()), (None, Some("\u{fffd}x")));
}

#[test]
fn a_notification_that_comes_before_the_answer_to_its_start_finds_its_session() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.start(page, "math");
    // The answer to the start is on its way.
    while !world.sent_operations().iter().any(|(_, operation)| *operation == Operation::Start) {
        world.run(Duration::from_millis(5));
    }
    assert!(world.recording(&id).sessions[0].sid.is_none());
    let (_, call) = world.sent.last().expect("the start left").clone();
    let sid = format!("sid-{}", call.to_string().replace(':', "-"));
    let uid = world.recording(&id).sessions[0].uid.get();
    let event = Event { notice: "one", sid: &sid, channel: "math", uid, event: 40, sequence: 1 };
    assert_eq!(take(&mut world, vec![event.delivery(5_000_000_000_000)]), [Receipt::Unmatched]);
    world.run(Duration::from_secs(2));
    let written = notified(&world);
    assert_eq!(written.len(), 1);
    assert_eq!((written[0].sid.as_str(), written[0].event), (sid.as_str(), EventType::RecorderStarted));
    assert_eq!(kept(&mut world), (0, 0));
    // It is known where it is now, so a second delivery is written there.
    assert_eq!(take(&mut world, vec![event.delivery(5_000_000_000_000)]), [Receipt::Again]);
    assert_eq!(again(&world).len(), 1);
    assert_eq!(world.recording(&id).sessions.len(), 1, "nothing was begun by it");
}

/// A recording whose first start was answered unclearly, so that it may run, and whose page is gone; and its UID.
fn orphaned(world: &mut World, channel: &str) -> (RecordingId, u32) {
    let page = world.connect();
    world.service = Box::new(|outgoing, operation| match operation {
        Operation::Start => Some((206, "{\"code\":65,\"reason\":\"not completed\"}".to_owned())),
        _ => common::willing(outgoing, operation),
    });
    let id = world.start(page, channel);
    while world.recording(&id).sessions.first().is_none_or(|session| session.may_run.is_no()) {
        world.run(Duration::from_millis(20));
    }
    // Nobody goes on after the page is gone.
    world.disconnect(page);
    let uid = world.recording(&id).sessions[0].uid.get();
    (id, uid)
}

#[test]
fn s9_a_lost_start_is_adopted_by_its_notification_and_by_no_other() {
    let mut world = World::new();
    let (id, uid) = orphaned(&mut world, "math");
    let at = world.recording(&id).last_at.millis();
    let event = |notice, sid, channel, uid| Event { notice, sid, channel, uid, event: 40, sequence: 1 };
    for (misfit, sent_at) in [
        (event("a", "another-sid-1", "physics", uid), at),
        (event("b", "another-sid-2", "math", uid + 1), at),
        (event("c", "another-sid-3", "math", uid), at - 60_000),
    ] {
        assert_eq!(take(&mut world, vec![misfit.delivery(sent_at)]), [Receipt::Unmatched]);
        world.run(Duration::from_millis(50));
        assert!(world.recording(&id).sessions[0].sid.is_none());
    }
    let right = event("d", "the-lost-sid", "math", uid);
    assert_eq!(take(&mut world, vec![right.delivery(at)]), [Receipt::Unmatched]);
    world.run(Duration::from_millis(50));
    let session = &world.recording(&id).sessions[0];
    assert_eq!(session.sid.as_ref().map(Sid::as_str), Some("the-lost-sid"));
    let facts: Vec<Fact> = world.store.lines().into_iter().map(|line| line.entry.fact).collect();
    let [.., Fact::Adopted(adopted), Fact::Notified(written)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((adopted.uid.get(), &adopted.sid), (uid, &written.sid));
    assert_eq!(kept(&mut world).0, 3);
    // The next one of the same session goes straight to it.
    let next = Event { event: 42, notice: "e", ..right };
    assert_eq!(take(&mut world, vec![next.delivery(at + 1)]), [Receipt::Written]);
}

#[test]
fn s9_while_a_start_with_the_same_uid_is_open_nothing_else_is_adopted() {
    let mut world = World::new();
    let page = world.connect();
    world.service = Box::new(|outgoing, operation| match operation {
        Operation::Start => Some((500, "{}".to_owned())),
        _ => common::willing(outgoing, operation),
    });
    let id = world.start(page, "math");
    // Both UIDs fail; the first comes round again with a third session, whose start nobody answers.
    let uid_of = |world: &World, place: usize| {
        world.recording(&id).sessions.get(place).map(|session| session.uid.get())
    };
    for _ in 0..5_000 {
        if uid_of(&world, 2).is_some() {
            break;
        }
        world.run(Duration::from_millis(20));
    }
    let uid = uid_of(&world, 0).expect("the first session");
    world.service = Box::new(|outgoing, operation| match operation {
        Operation::Start => None,
        _ => common::willing(outgoing, operation),
    });
    let open = |world: &World| {
        let recording = world.recording(&id);
        let of_uid = recording.sessions.iter().skip(1).filter(|session| session.uid.get() == uid);
        of_uid.filter(|session| session.start.open.is_some()).count()
    };
    for _ in 0..5_000 {
        if open(&world) > 0 {
            break;
        }
        world.run(Duration::from_millis(200));
    }
    assert_eq!(open(&world), 1);
    let event = Event { notice: "a", sid: "the-new-sid", channel: "math", uid, event: 40, sequence: 1 };
    let at = world.recording(&id).last_at.millis();
    assert_eq!(take(&mut world, vec![event.delivery(at)]), [Receipt::Unmatched]);
    world.run(Duration::from_millis(50));
    assert!(world.recording(&id).sessions[0].sid.is_none(), "it may be the open start's");
}

#[test]
fn s9_a_restart_before_the_adoption_loses_nothing() {
    let mut world = World::new();
    let (id, uid) = orphaned(&mut world, "math");
    let at = world.recording(&id).last_at.millis();
    let event = Event { notice: "a", sid: "the-lost-sid", channel: "math", uid, event: 40, sequence: 1 };
    take(&mut world, vec![event.delivery(at)]);
    world.restart();
    world.run(Duration::from_millis(50));
    assert_eq!(world.recording(&id).sessions[0].sid.as_ref().map(Sid::as_str), Some("the-lost-sid"));
}

#[test]
fn s9_staff_choose_an_unmatched_sid_for_an_orphan() {
    let mut world = World::new();
    let (id, uid) = orphaned(&mut world, "math");
    let at = world.recording(&id).last_at.millis();
    // It came too early by its own clock, so that nothing fits by itself.
    let event = Event { notice: "a", sid: "the-lost-sid", channel: "math", uid, event: 40, sequence: 1 };
    take(&mut world, vec![event.delivery(at - 3_600_000)]);
    world.run(Duration::from_millis(50));
    let page = world.connect_idle();
    let (actor, now) = (world.actor(page), world.now());
    let sid = |text: &str| Sid::parse(text).expect("a sid");
    let mut adopt = |session, sid| {
        world.switchboard.commanded(&actor, &id, &Command::Adopt { session, sid }, now).map_err(|p| p.status)
    };
    assert_eq!(adopt(1, sid("nobody-named-it")), Err(409));
    assert_eq!(adopt(7, sid("the-lost-sid")), Err(404));
    adopt(1, sid("the-lost-sid")).expect("staff may");
    adopt(1, sid("the-lost-sid")).expect("said twice, it is said once");
    world.run(Duration::from_millis(50));
    assert_eq!(notified(&world).len(), 1);
    assert_eq!(world.recording(&id).sessions[0].sid, Some(sid("the-lost-sid")));
}

#[test]
fn what_the_app_journal_says_survives_a_restart_and_reaches_every_page() {
    let mut world = World::new();
    let page = world.connect();
    world.running(page, "math");
    take(&mut world, vec![unknown("one")]);
    let (actor, now) = (world.nobody(), world.now());
    world.switchboard.set_up_notifications(&actor, APP, now).expect("staff may");
    assert!(world.switchboard.tested(APP, world.now()));
    world.run(Duration::from_secs(3));
    let facts = world.page(page).boards[APP].facts().clone();
    assert_eq!(facts.unmatched.map(|count| count.kept), Some(1));
    assert!(facts.setting_up.is_some() && facts.tested.is_some() && facts.notified.is_some());
    assert_eq!(facts.highest.map(|(_, most)| most), Some(1));
    assert_eq!(facts.kinds.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [EventType::RecorderStarted]);
    world.restart();
    let other = world.connect();
    world.run(Duration::from_secs(2));
    let mut after = world.page(other).boards[APP].facts().clone();
    // Calls went on meanwhile, and were answered.
    after.preferred = facts.preferred;
    assert_eq!(after, facts);
    // A quarter of an hour later unsigned tests are refused again.
    world.run(Duration::from_secs(15 * 60));
    assert!(!world.switchboard.tested(APP, world.now()));
}

#[test]
fn a_conclusion_that_a_notification_overtook_is_decided_anew_and_one_that_is_wrong_is_refused() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "math");
    let (actor, after) = (world.actor(page), world.recording(&id).last);
    let decision =
        MakeDecision { after, kind: DecisionKind::Lost(1), rule: rules::RuleId::M3, evidence: vec![after] };
    let now = world.now();
    let problem =
        world.switchboard.decision_posted(&actor, &id, decision.clone(), now).expect_err("it lives");
    assert_eq!((problem.status, problem.kind.as_str()), (422, "not_admitted"));
    let sid = sid_of(&world, &id);
    let event = Event { notice: "one", sid: sid.as_str(), channel: "math", uid: 5, event: 33, sequence: 1 };
    take(&mut world, vec![event.delivery(1_700_000_000_000)]);
    let now = world.now();
    let problem = world.switchboard.decision_posted(&actor, &id, decision, now).expect_err("it lives");
    assert_eq!((problem.status, problem.kind.as_str()), (409, "stale"));
    let [came] = &problem.entries[..] else { panic!("one entry came: {:?}", problem.entries) };
    assert!(matches!(&came.fact, Fact::Notified(one) if one.raw.is_none()), "{came:?}");
}

#[test]
fn v4_what_the_last_starts_had_is_known_after_a_restart() {
    let mut world = World::new();
    let page = world.connect();
    let mut last = None;
    let watch = |world: &mut World, id: &RecordingId| {
        let page = world.connect();
        let (actor, now) = (world.actor(page), world.now());
        let asked =
            world.switchboard.commanded(&actor, id, &Command::ChangePolicy("watchful".to_owned()), now);
        asked.map_err(|problem| (problem.status, problem.kind))
    };
    for (number, channel) in ["one", "two", "three"].into_iter().enumerate() {
        let id = world.running(page, channel);
        let (sid, uid) = (sid_of(&world, &id), world.recording(&id).sessions[0].uid.get());
        assert_eq!(watch(&mut world, &id), Err((409, "policy".to_owned())), "{number} starts had theirs");
        let notice = format!("13-{number}");
        let event = Event { notice: &notice, sid: sid.as_str(), channel, uid, event: 13, sequence: 0 };
        assert_eq!(take(&mut world, vec![event.delivery(5_000_000_000_000)]), [Receipt::Written]);
        last = Some(id);
    }
    let id = last.expect("there were three");
    world.restart();
    watch(&mut world, &id).expect("the last three starts had theirs");
    // A start without one, and it is not known any more, also after another restart.
    let page = world.connect();
    let other = world.running(page, "four");
    world.restart();
    assert_eq!(watch(&mut world, &other), Err((409, "policy".to_owned())));
}
