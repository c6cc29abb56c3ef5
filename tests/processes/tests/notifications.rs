//! The webhook of the real program, told by the real simulated service and by this test.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use agora::Operation;
use process_tests::{APP, Chance, Controller, Http, NOTIFICATION_SECRETS, Options, Rig, eventually};
use rules::api::UnmatchedPage;
use rules::journal::Notified;
use rules::{AppFact, Fact, RecordingId};
use serde_json::{Value, json};
use simulator::{Delivered, LedgerNotice, Signatures};

const SID: &str = "0123456789abcdef0123456789abcdef";
const KILLS: usize = 8;
const SENDERS: usize = 6;
const V2: &str = "agora-signature-v2";
const V1: &str = "agora-signature";

fn hook() -> String {
    format!("/api/v1/notifications/{APP}")
}

fn body(notice: &str, sid: &str, sequence: usize) -> Vec<u8> {
    json!({
        "noticeId": notice, "productId": 3, "eventType": 33, "notifyMs": 1,
        "payload": {
            "cname": "math-7b", "uid": "900000", "sid": sid, "sequence": sequence, "sendts": 1_790_000_000_000_i64,
            "serviceType": 2, "details": { "msgName": "uploading_progress", "progress": 10 },
        },
    })
    .to_string()
    .into_bytes()
}

/// The status of one delivery that is signed with this secret; none if nothing answers.
fn signed_with(secret: &str, http: &Http, body: &[u8]) -> Option<u16> {
    let signature = Signatures::of(secret, body).sha256;
    http.try_post_bytes(&hook(), body, &[(V2, &signature)]).map(|answer| answer.status)
}

fn notify(http: &Http, body: &[u8]) -> Option<u16> {
    signed_with(NOTIFICATION_SECRETS[0], http, body)
}

fn notified(rig: &Rig, id: &RecordingId) -> Vec<Notified> {
    let notified = |fact| if let Fact::Notified(notified) = fact { Some(*notified) } else { None };
    rig.journal(id).into_iter().filter_map(|entry| notified(entry.fact)).collect()
}

fn in_journal(rig: &Rig, id: &RecordingId) -> Vec<String> {
    notified(rig, id).into_iter().map(|notified| notified.notice).collect()
}

/// The IDs of those that fit no session, newest first.
fn unmatched(rig: &Rig) -> Vec<String> {
    let mut all = Vec::new();
    let mut before = String::new();
    loop {
        let page: UnmatchedPage = rig.http.get(&format!("{}{before}", hook()));
        for entry in page.entries {
            let AppFact::Unmatched(unmatched) = entry.fact else { panic!("not unmatched") };
            all.extend(unmatched.read.map(|read| read.notice));
        }
        match page.next {
            Some(next) => before = format!("?before={next}"),
            None => return all,
        }
    }
}

fn metric(rig: &Rig, name: &str) -> u64 {
    let text = rig.http.try_get("/metrics").expect("it answers").body;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("tallylight_{name} ")));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Every notice of the simulated service.
fn notices(rig: &Rig) -> Vec<LedgerNotice> {
    let answer: Value = rig.service.get("/simulator/notifications");
    serde_json::from_value(answer["notices"].clone()).expect("notices")
}

fn was_thanked(notice: &LedgerNotice) -> bool {
    notice.attempts.iter().any(|attempt| attempt.outcome == Delivered::Answered(200))
}

/// What makes two notices one, where the service repeats it under another `noticeId` (N2).
fn identity(notice: &LedgerNotice) -> String {
    let LedgerNotice { event, at, payload, .. } = notice;
    let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {event} {} {}", text("sid"), text("uid"), payload["sequence"], at.millis())
}

fn written_identity(one: &Notified) -> String {
    let uid = one.uid.map(|uid| uid.to_string()).unwrap_or_default();
    format!("{} {uid} {} {} {}", one.sid, one.event.number(), one.sequence, one.sent_at.millis())
}

#[test]
fn n1_every_notification_that_was_answered_200_is_there_after_kill_9() {
    let mut rig = Rig::start(Options::default());
    let id = rig.adopt("math-7b", 900_000, SID);
    let address = rig.address().to_owned();
    let ended = AtomicBool::new(false);
    let mut chance = Chance::new(4);
    let thanked: Vec<String> = thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (address, ended) = (&address, &ended);
                scope.spawn(move || {
                    let http = Http::new(address);
                    let mut thanked = Vec::new();
                    for number in 0.. {
                        if ended.load(Ordering::Relaxed) {
                            break;
                        }
                        let notice = format!("{sender}-{number}");
                        // Half of them fit no session.
                        let unknown = format!("unknown-sid-{sender}-{number}");
                        let sid = if number % 2 == 0 { SID } else { &unknown };
                        if notify(&http, &body(&notice, sid, number * SENDERS + sender)) == Some(200) {
                            thanked.push(notice);
                        }
                    }
                    thanked
                })
            })
            .collect();
        for _ in 0..KILLS {
            thread::sleep(Duration::from_millis(200 + chance.below(600)));
            rig.kill_proxy();
            rig.start_proxy();
        }
        ended.store(true, Ordering::Relaxed);
        senders.into_iter().flat_map(|sender| sender.join().expect("it ends well")).collect()
    });
    let written = in_journal(&rig, &id);
    let all: BTreeSet<String> = written.iter().cloned().chain(unmatched(&rig)).collect();
    assert!(thanked.len() > 100, "only {} were thanked for", thanked.len());
    let lost: Vec<&String> = thanked.iter().filter(|notice| !all.contains(*notice)).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), thanked.len());
    assert_eq!(written.len(), written.iter().collect::<BTreeSet<_>>().len(), "each is written once");
    // What comes again after the kill is known.
    let first = body(&written[0], SID, 0);
    let known = written[0].clone();
    assert_eq!(notify(&rig.http, &first), Some(200));
    assert_eq!(in_journal(&rig, &id).iter().filter(|notice| **notice == known).count(), 1);
}

#[test]
fn n1_killed_right_after_each_200_it_has_each_of_them() {
    let mut rig = Rig::start(Options::default());
    let id = rig.adopt("math-7b", 900_000, SID);
    for number in 0..6 {
        let (mine, strange) = (format!("mine-{number}"), format!("strange-{number}"));
        assert_eq!(notify(&rig.http, &body(&mine, SID, number)), Some(200));
        assert_eq!(notify(&rig.http, &body(&strange, "somebody-elses", number)), Some(200));
        rig.kill_proxy();
        rig.start_proxy();
        assert_eq!(in_journal(&rig, &id).last(), Some(&mine));
        assert_eq!(unmatched(&rig).first(), Some(&strange));
    }
}

#[test]
fn n1_the_raw_bytes_are_signed_by_any_secret_in_either_header_and_nothing_else_is_taken() {
    let rig = Rig::start(Options::default());
    let id = rig.adopt("math-7b", 900_000, SID);
    let plain = body("plain", SID, 0);
    let own = Signatures::of(NOTIFICATION_SECRETS[0], &plain);
    let foreign = Signatures::of("another-secret", &plain).sha256;
    // The same JSON in other bytes, and bytes that are no JSON any more.
    let respelled = [plain.as_slice(), b" "].concat();
    let broken = [&plain[..plain.len() - 1], &[0xff]].concat();
    let status = |body: &[u8], headers: &[(&str, &str)]| {
        rig.http.try_post_bytes(&hook(), body, headers).expect("it answers").status
    };
    for (body, headers) in [
        (&plain, &[][..]),
        (&plain, &[(V2, "")]),
        (&plain, &[(V2, foreign.as_str())]),
        (&plain, &[(V2, own.sha1.as_str())]),
        (&plain, &[(V1, own.sha256.as_str())]),
        (&respelled, &[(V2, own.sha256.as_str()), (V1, own.sha1.as_str())]),
        (&broken, &[(V2, own.sha256.as_str())]),
    ] {
        assert_eq!(status(body, headers), 401, "{headers:?}");
    }
    assert_eq!(in_journal(&rig, &id), Vec::<String>::new());
    assert_eq!(metric(&rig, "notifications_unsigned_total"), 7);
    // Either header suffices, by any of the secrets, also when the other header is wrong.
    assert_eq!(status(&plain, &[(V1, own.sha1.as_str())]), 200);
    let second = body("second", SID, 1);
    let own = Signatures::of(NOTIFICATION_SECRETS[1], &second);
    assert_eq!(status(&second, &[(V2, own.sha256.as_str()), (V1, "00")]), 200);
    // 64 KB and no byte more, whoever signed it.
    let sized = |bytes: usize| {
        let frame = body("", "sized", 2);
        body(&"x".repeat(bytes - frame.len()), "sized", 2)
    };
    assert_eq!(notify(&rig.http, &sized(65_536)), Some(200));
    assert_eq!(notify(&rig.http, &sized(65_537)), Some(413));
    // An App ID that is not configured.
    let elsewhere = rig.http.try_post_bytes("/api/v1/notifications/other", &plain, &[(V2, &own.sha256)]);
    assert_eq!(elsewhere.expect("it answers").status, 401);
    assert_eq!(in_journal(&rig, &id), ["plain", "second"]);
}

#[test]
fn n1_what_the_disk_does_not_take_is_503_and_new_when_it_comes_again() {
    let mut rig = Rig::start(Options::default());
    let id = rig.adopt("math-7b", 900_000, SID);
    rig.kill_proxy();
    rig.start_proxy_with_little_room(2_000);
    let long = |number: usize| body(&format!("{number}-{}", "x".repeat(20_000)), SID, number);
    let mut taken = 0;
    let refused = eventually(Duration::from_secs(60), "the disk is full", || {
        match notify(&rig.http, &long(taken)) {
            Some(200) => taken += 1,
            other => return Some(other),
        }
        None
    });
    assert_eq!(refused, Some(503));
    assert!(taken > 0);
    rig.kill_proxy();
    rig.start_proxy();
    assert_eq!(in_journal(&rig, &id).len(), taken, "what was thanked for, and nothing else");
    assert_eq!(notify(&rig.http, &long(taken)), Some(200));
    assert_eq!(in_journal(&rig, &id).len(), taken + 1);
}

#[test]
fn n2_redundant_doubled_late_and_repeated_notifications_are_each_written_once() {
    let mut rig = Rig::start(Options {
        clock_rate: 20,
        notifications: Some(&[
            "--notify-redundant",
            "--notify-doubled",
            "200",
            "--notify-late",
            "100",
            "--unknown",
            "redundant-same-notice-id=no",
        ]),
        ..Options::default()
    });
    let page = Controller::open(rig.address(), 1);
    let ids: Vec<_> = (0..3).map(|number| rig.ask(&format!("lesson-{number}"), None)).collect();
    let confirmed = |rig: &Rig, id: &RecordingId| {
        let sessions = rig.recording(id).sessions;
        sessions.first().is_some_and(|session| session.confirmed.is_some())
    };
    eventually(Duration::from_secs(30), "they record", || {
        ids.iter().all(|id| confirmed(&rig, id)).then_some(())
    });
    // From here on answers get lost as well: what was written comes again.
    rig.webhook.begin();
    rig.fault(&json!({ "fault": "kill", "cname": "lesson-0" }));
    rig.fault(&json!({ "fault": "disconnect", "cname": "lesson-1" }));
    eventually(Duration::from_secs(60), "two failovers are proved", || {
        ids[..2].iter().all(|id| rig.recording(id).sessions[0].failovers == 1).then_some(())
    });
    rig.kill_proxy();
    rig.start_proxy();
    for id in &ids {
        rig.stop(id).read::<Value>();
    }
    eventually(Duration::from_secs(60), "they are over", || {
        ids.iter().all(|id| rig.recording(id).settled()).then_some(())
    });
    rig.webhook.make_peace();
    // The late ones and the repeats: two minutes of the service's time at most after the last event.
    let came = eventually(Duration::from_secs(60), "the last notification came", || {
        let notices = notices(&rig);
        let exits = notices.iter().filter(|notice| notice.event == 11 && was_thanked(notice));
        let sids: BTreeSet<&Option<String>> = exits.map(|notice| &notice.sid).collect();
        (sids.len() == 3).then(|| notices.clone())
    });
    let journals: Vec<Vec<Notified>> = ids.iter().map(|id| notified(&rig, id)).collect();
    for journal in &journals {
        assert_eq!(journal.iter().map(|one| &one.sid).collect::<BTreeSet<_>>().len(), 1, "its own session");
    }
    let written: Vec<String> = journals.iter().flatten().map(written_identity).collect();
    let each: BTreeSet<&String> = written.iter().collect();
    assert_eq!(each.len(), written.len(), "each event once, under whichever of its IDs");
    let thanked: Vec<&LedgerNotice> = came.iter().filter(|notice| was_thanked(notice)).collect();
    for notice in &thanked {
        assert!(each.contains(&identity(notice)), "{notice:?}");
    }
    assert!(thanked.iter().any(|notice| notice.attempts.len() > 2), "there are copies");
    assert!(metric(&rig, "notifications_again_total") > 0);
    // None of it was acted on twice: no second session, no failover that was none.
    for (index, id) in ids.iter().enumerate() {
        let recording = rig.recording(id);
        assert_eq!(recording.sessions.len(), 1);
        assert_eq!(usize::from(recording.sessions[0].failovers), usize::from(index < 2));
    }
    page.close();
    rig.agree().expect("it agrees");
}

#[test]
fn n6_every_event_type_of_the_service_goes_signed_through_the_real_receiver() {
    let rig = Rig::start(Options { clock_rate: 20, notifications: Some(&[]), ..Options::default() });
    let page = Controller::open(rig.address(), 1);
    let id = rig.ask("lesson-0", None);
    let sid = eventually(Duration::from_secs(30), "it is accepted", || {
        rig.recording(&id).sessions.first().and_then(|session| session.sid.clone())
    });
    for (event, ..) in simulator::EVENTS {
        let body = json!({ "sid": sid, "event": event, "details": { "ours": *event } });
        let answer = rig.service.post("/simulator/notifications", &body, &[]);
        assert_eq!(answer.status, 200, "{event}: {}", answer.body);
    }
    let ours = |one: &Notified| one.raw.as_ref().is_some_and(|raw| raw.contains("\"ours\""));
    eventually(Duration::from_secs(30), "each is in the journal, with its body", || {
        let told: BTreeSet<u32> =
            notified(&rig, &id).iter().filter(|one| ours(one)).map(|one| one.event.number()).collect();
        simulator::EVENTS.iter().all(|(event, ..)| told.contains(&u32::from(*event))).then_some(())
    });
    assert_eq!(metric(&rig, "notifications_unsigned_total"), 0);
    // None of them ended it: it was asked, and answered.
    assert_eq!(rig.recording(&id).sessions.len(), 1);
    rig.stop(&id).read::<Value>();
    eventually(Duration::from_secs(60), "it is over", || rig.recording(&id).settled().then_some(()));
    page.close();
}

#[test]
fn s9_a_start_whose_answer_was_lost_is_adopted_by_its_notification_and_stopped() {
    let rig = Rig::start(Options { clock_rate: 20, notifications: Some(&[]), ..Options::default() });
    let page = Controller::open(rig.address(), 1);
    let first = rig.ask("lesson-0", None);
    eventually(Duration::from_secs(30), "notifications are known to come", || {
        (!in_journal(&rig, &first).is_empty()).then_some(())
    });
    rig.fault(&json!({ "fault": "answer_lost", "times": 3, "operation": "start" }));
    let id = rig.ask("lesson-1", None);
    eventually(Duration::from_secs(20), "the start has left", || {
        let started = |sent: &rules::journal::CallSent| sent.operation == Operation::Start;
        rig.calls(&id).iter().any(started).then_some(())
    });
    // Nobody looks any more; what the service does goes on.
    page.close();
    let adopted = eventually(Duration::from_secs(30), "it is adopted", || {
        let entries = rig.journal(&id);
        entries.into_iter().find_map(|entry| match entry.fact {
            Fact::Adopted(adopted) => Some(adopted),
            _ => None,
        })
    });
    let session = rig.ledger().sessions.into_iter().find(|session| session.cname == "lesson-1");
    let session = session.expect("it was carried out");
    assert_eq!((session.sid.as_str(), session.uid), (adopted.sid.as_str(), adopted.uid.to_string()));
    // What had come before it fitted went to its journal.
    assert!(notified(&rig, &id).iter().all(|notified| notified.sid == adopted.sid));
    assert!(!notified(&rig, &id).is_empty());
    let again = Controller::open(rig.address(), 2);
    for id in [&first, &id] {
        rig.stop(id).read::<Value>();
    }
    eventually(Duration::from_secs(60), "nothing is left running", || {
        rig.ledger().sessions.iter().all(|session| !session.live).then_some(())
    });
    eventually(Duration::from_secs(60), "and the desk knows", || {
        [&first, &id].into_iter().all(|id| rig.recording(id).settled()).then_some(())
    });
    again.close();
    rig.agree().expect("it agrees");
}

#[test]
fn s9_staff_adopt_what_no_orphan_fits_by_itself_from_the_list_of_unmatched_notifications() {
    // The service's own notifications get lost; what comes is this test's, from a service whose clock is an hour behind.
    let rig = Rig::start(Options {
        clock_rate: 20,
        notifications: Some(&["--notify-lost", "1000"]),
        ..Options::default()
    });
    let page = Controller::open(rig.address(), 1);
    rig.fault(&json!({ "fault": "answer_lost", "times": 3, "operation": "start" }));
    let id = rig.ask("lesson-1", None);
    eventually(Duration::from_secs(20), "the start was carried out", || {
        (!rig.ledger().sessions.is_empty()).then_some(())
    });
    page.close();
    let session = rig.ledger().sessions.remove(0);
    let told = json!({
        "noticeId": "an-hour-ago", "productId": 3, "eventType": 40, "notifyMs": 1,
        "payload": {
            "cname": session.cname, "uid": session.uid, "sid": session.sid, "sequence": 0,
            "sendts": session.started_at.millis() - 3_600_000, "serviceType": 1,
            "details": { "msgName": "recorder_started", "status": 0 },
        },
    });
    assert_eq!(notify(&rig.http, told.to_string().as_bytes()), Some(200));
    let list: UnmatchedPage = rig.http.get(&hook());
    let AppFact::Unmatched(loose) = &list.entries[0].fact else { panic!("{list:?}") };
    let read = loose.read.as_ref().expect("it is read");
    assert_eq!(read.channel.as_ref().map(agora::ChannelName::as_str), Some("lesson-1"));
    let sid = read.sid.clone().expect("it names a session");
    let adopt = |sid: &str, orphan: u32| {
        let path = format!("/api/v1/recordings/{id}/sessions/{orphan}/adopt");
        rig.http.post(&path, &json!({ "sid": sid }), &[]).status
    };
    eventually(Duration::from_secs(40), "nobody waits for the answer any more", || {
        (adopt(sid.as_str(), 1) == 200).then_some(())
    });
    assert_eq!((adopt("nobody-ever-named-it", 1), adopt(sid.as_str(), 9)), (409, 404));
    // It left the list for the journal, and the next query proves it.
    assert_eq!(unmatched(&rig), Vec::<String>::new());
    assert_eq!(in_journal(&rig, &id), ["an-hour-ago"]);
    let again = Controller::open(rig.address(), 2);
    eventually(Duration::from_secs(40), "it is proved", || {
        rig.recording(&id).sessions[0].last_good.map(|_| ())
    });
    assert_eq!(rig.ledger().sessions.len(), 1);
    rig.stop(&id).read::<Value>();
    eventually(Duration::from_secs(60), "it is over", || rig.recording(&id).settled().then_some(()));
    assert!(rig.ledger().sessions.iter().all(|session| !session.live));
    again.close();
    rig.agree().expect("it agrees");
}

#[test]
fn n1_nothing_depends_on_notifications() {
    let rig = Rig::start(Options {
        clock_rate: 20,
        notifications: Some(&["--notify-lost", "1000"]),
        ..Options::default()
    });
    let page = Controller::open(rig.address(), 1);
    let id = rig.ask("lesson-0", None);
    eventually(Duration::from_secs(30), "it records", || {
        rig.recording(&id).sessions.first().is_some_and(|session| session.confirmed.is_some()).then_some(())
    });
    rig.fault(&json!({ "fault": "kill", "cname": "lesson-0" }));
    eventually(Duration::from_secs(60), "a file tells of the failover", || {
        rig.http.post(&format!("/api/v1/recordings/{id}/hurry"), &json!({}), &[]);
        (rig.recording(&id).sessions[0].failovers == 1).then_some(())
    });
    rig.stop(&id).read::<Value>();
    eventually(Duration::from_secs(60), "it is over", || rig.recording(&id).settled().then_some(()));
    assert!(notified(&rig, &id).is_empty());
    page.close();
    rig.agree().expect("it agrees");
}
