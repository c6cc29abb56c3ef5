//! What the sessions tell the webhook, through virtual time.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use agora::Timestamp;
use common::{Held, Stage};
use serde_json::{Value, json};
use simulator::{
    Config, Delivered, Delivery, EVENTS, FaultKind, Ledger, Notices, Notifications, REPEATS_MAX, Signatures,
};

const FINE: Delivered = Delivered::Answered(200);

fn body(delivery: &Delivery) -> Value {
    serde_json::from_slice(&delivery.body).expect("a body is JSON")
}

/// The event types in the order in which they happened, without 33, 43 and 44.
fn story(deliveries: &[Delivery]) -> Vec<u16> {
    let mut told: Vec<(i64, u16)> = deliveries
        .iter()
        .filter(|delivery| ![33, 43, 44].contains(&delivery.event))
        .map(|delivery| (body(delivery)["payload"]["sendts"].as_i64().expect("a time"), delivery.event))
        .collect();
    told.sort_by_key(|(at, _)| *at);
    told.into_iter().map(|(_, event)| event).collect()
}

fn payloads(deliveries: &[Delivery], event: u16) -> Vec<Value> {
    deliveries
        .iter()
        .filter(|delivery| delivery.event == event)
        .map(|delivery| body(delivery)["payload"].clone())
        .collect()
}

#[test]
fn a_session_tells_its_whole_life() {
    let mut stage = Stage::telling(1, |_| {});
    let held = stage.started("room7", 900_001);
    let mut told = stage.listen(130.0, |_| FINE);
    assert_eq!(story(&told), [30, 40, 13, 42, 4]);
    assert_eq!(payloads(&told, 43).len(), 2);
    assert_eq!(payloads(&told, 44)[0]["details"]["state"], 0, "0 is receiving");
    assert_eq!(payloads(&told, 33).len(), 2);
    stage.stop(&held, true);
    told.extend(stage.listen(60.0, |_| FINE));
    assert_eq!(story(&told), [30, 40, 13, 42, 4, 41, 31, 11]);
    let first = body(&told[0]);
    let keys = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
    assert_eq!(
        keys(&first).unwrap_or_default(),
        ["eventType", "noticeId", "notifyMs", "payload", "productId"]
    );
    assert_eq!(
        keys(&first["payload"]).unwrap_or_default(),
        ["cname", "details", "sendts", "sequence", "serviceType", "sid", "uid"]
    );
    assert_eq!((&first["productId"], &first["payload"]["uid"]), (&json!(3), &json!("900001")));
    let uploaded = &payloads(&told, 31)[0]["details"];
    assert_eq!(uploaded["msgName"], "uploaded");
    assert_eq!(uploaded["fileList"][0]["fileName"], format!("dept/{}_room7.m3u8", held.sid));
    assert_eq!(payloads(&told, 11)[0]["details"]["exitStatus"], 0);
    let sequences: Vec<u64> =
        stage.ledger().notices.iter().filter_map(|notice| notice.payload["sequence"].as_u64()).collect();
    assert!(sequences.iter().enumerate().all(|(index, sequence)| *sequence == index as u64));
}

#[test]
fn a_failover_is_told_with_both_uids_and_the_exact_gap() {
    let mut stage = Stage::telling(1, |_| {});
    let held = stage.started("room7", 900_001);
    stage.listen(60.0, |_| FINE);
    let killed_at = stage.now;
    stage.kill(&held, Some(12_000));
    let told = stage.listen(60.0, |_| FINE);
    let failover = &payloads(&told, 12)[0];
    let new_uid = failover["details"]["newUid"].as_u64().expect("a number").to_string();
    assert_eq!(failover["uid"], "900001");
    let truth = stage.truth(&held);
    assert_eq!(truth.legs[1].recorder_uid, new_uid);
    let slice = &payloads(&told, 42)[0];
    assert_eq!(slice["uid"], new_uid);
    assert_eq!(slice["details"]["discontinueUtcMs"], killed_at.millis());
    assert_eq!(slice["details"]["startUtcMs"], killed_at.millis() + 12_000);
    assert_eq!(
        (&payloads(&told, 41)[0]["uid"], &payloads(&told, 31)[0]["uid"]),
        (&json!("900001"), &json!("900001")),
        "the dead server's last words"
    );
    let again: Vec<u64> = told
        .iter()
        .map(body)
        .filter(|body| body["payload"]["uid"] == new_uid.as_str())
        .filter_map(|body| body["payload"]["sequence"].as_u64())
        .collect();
    assert!(again.contains(&0), "a new recorder counts from 0: {again:?}");
    stage.stop(&held, true);
    let end = stage.listen(60.0, |_| FINE);
    assert_eq!(story(&end), [41, 31, 11]);
    assert_eq!(payloads(&end, 31)[0]["uid"], new_uid);
}

#[test]
fn what_is_not_answered_200_is_repeated_three_times() {
    for (outcome, gives_up_after) in
        [(Delivered::Answered(204), 36.0), (Delivered::Answered(500), 36.0), (Delivered::Unanswered, 36.0)]
    {
        let mut stage = Stage::telling(1, |config| only(config, &[40]));
        stage.started("room7", 1);
        let told = stage.listen(gives_up_after + 10.0, |_| outcome);
        assert_eq!(told.len(), 1 + usize::from(REPEATS_MAX), "{outcome:?}");
        let bodies: Vec<Value> = told.iter().map(body).collect();
        assert!(bodies.iter().all(|body| body["noticeId"] == bodies[0]["noticeId"]));
        assert!(bodies.iter().all(|body| body["payload"] == bodies[0]["payload"]));
        let sent: Vec<i64> = told.iter().map(|delivery| delivery.at.millis() - told[0].at.millis()).collect();
        assert_eq!(sent, [0, 0, 5_000, 35_000]);
        assert!(told.iter().zip(&bodies).all(|(delivery, body)| body["notifyMs"] == delivery.at.millis()));
        assert_eq!(stage.ledger().notices[0].attempts.len(), 4);
    }
    let mut stage = Stage::telling(1, |config| only(config, &[40]));
    stage.started("room7", 1);
    let mut refused = 1;
    let told = stage.listen(60.0, |_| {
        refused -= 1;
        if refused >= 0 { Delivered::Answered(503) } else { FINE }
    });
    assert_eq!(told.len(), 2);
}

fn only(config: &mut Config, events: &[u16]) {
    if let Some(notifications) = &mut config.notifications {
        notifications.events = Some(events.iter().copied().collect());
    }
}

fn settings(config: &mut Config, change: impl FnOnce(&mut Notifications)) {
    only(config, &[40]);
    if let Some(notifications) = &mut config.notifications {
        change(notifications);
    }
}

#[test]
fn a_delivery_whose_outcome_nobody_reports_counts_as_unanswered_after_10_seconds() {
    let mut stage = Stage::telling(1, |config| only(config, &[40]));
    stage.started("room7", 1);
    stage.wait(4.0);
    let first = stage.service.deliveries(stage.now);
    assert_eq!(first.len(), 1);
    stage.wait(9.1);
    assert_eq!(stage.service.deliveries(stage.now), []);
    stage.wait(0.1);
    let second = stage.service.deliveries(stage.now);
    assert_eq!((second.len(), second[0].attempt), (1, 2));
    assert_eq!(second[0].at, first[0].at + Duration::from_secs(10));
    // The first answer is too late to count, the second in time.
    stage.service.delivered(stage.now, first[0].number, FINE);
    stage.service.delivered(stage.now, second[0].number, FINE);
    stage.wait(3600.0);
    assert_eq!(stage.service.deliveries(stage.now), []);
}

#[test]
fn repeats_can_be_switched_off_and_redundancy_on() {
    let mut stage = Stage::telling(1, |config| settings(config, |settings| settings.repeats = false));
    stage.started("room7", 1);
    assert_eq!(stage.listen(60.0, |_| Delivered::Unanswered).len(), 1);

    for same_id in [true, false] {
        let mut stage = Stage::telling(1, |config| {
            settings(config, |settings| settings.redundant = true);
            config.unknowns.redundant_notice_id = same_id;
        });
        stage.started("room7", 1);
        let told = stage.listen(60.0, |_| FINE);
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].notice_id == told[1].notice_id, same_id);
        assert_eq!(body(&told[0])["payload"], body(&told[1])["payload"]);
    }
}

#[test]
fn notices_get_lost_come_late_and_come_twice_on_request() {
    let mut stage = Stage::telling(1, |_| {});
    let faults = [
        FaultKind::NotificationLost { notices: Notices::of(40, 1) },
        FaultKind::NotificationLate { notices: Notices::of(30, 1), delay_ms: 30_000 },
        FaultKind::NotificationTwice { notices: Notices::of(42, 1) },
    ];
    for fault in faults {
        stage.fault(fault);
    }
    stage.started("room7", 1);
    let told = stage.listen(20.0, |_| FINE);
    assert_eq!(story(&told), [13, 42, 42, 4]);
    let later = stage.listen(20.0, |_| FINE);
    assert_eq!(story(&later), [30]);
    assert!(stage.ledger().notices.iter().any(|notice| notice.event == 40 && notice.lost));
    stage.started("room8", 1);
    assert_eq!(story(&stage.listen(20.0, |_| FINE)), [30, 40, 13, 42, 4], "each fault is used up");
}

#[test]
fn chance_loses_doubles_and_reorders() {
    let mut stage = Stage::telling(3, |config| {
        if let Some(settings) = &mut config.notifications {
            settings.lost_per_mille = 200;
            settings.doubled_per_mille = 200;
            settings.late_per_mille = 200;
        }
    });
    for uid in 1..=40 {
        stage.started("room7", uid);
    }
    let told = stage.listen(600.0, |_| FINE);
    let notices = stage.ledger().notices;
    let share = |count: usize| count * 1000 / notices.len();
    assert!((150..250).contains(&share(notices.iter().filter(|notice| notice.lost).count())));
    let mut copies: BTreeMap<String, usize> = BTreeMap::new();
    for delivery in &told {
        *copies.entry(delivery.notice_id.clone()).or_default() += 1;
    }
    assert!((100..250).contains(&share(copies.values().filter(|copies| **copies == 2).count())));
    let times: Vec<i64> =
        told.iter().filter_map(|delivery| body(delivery)["payload"]["sendts"].as_i64()).collect();
    assert!(times.windows(2).any(|pair| pair[0] > pair[1]), "some overtake others");
    assert!(told.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn test_events_and_events_on_request_are_sent() {
    let mut stage = Stage::telling(1, |_| {});
    assert_eq!(
        stage.control("POST", "/simulator/notifications", &json!({"test": true})).1["notices"],
        EVENTS.len()
    );
    let told = stage.listen(10.0, |_| FINE);
    assert_eq!(told.len(), EVENTS.len());
    let payload = &body(&told[0])["payload"];
    assert_eq!((&payload["cname"], &payload["uid"]), (&json!("test_webhook"), &json!("12121212")));
    assert!(payload.get("sid").is_none());
    let held = stage.started("room7", 1);
    stage.listen(10.0, |_| FINE);
    for (event, name, service_type) in EVENTS {
        let request = json!({"sid": held.sid, "event": event, "details": {"videoId": "v"}});
        assert_eq!(stage.control("POST", "/simulator/notifications", &request).0, 200);
        let told = stage.listen(1.0, |_| FINE);
        let payload = payloads(&told, *event).pop().expect("it is told");
        assert_eq!(
            (&payload["details"]["msgName"], &payload["serviceType"]),
            (&json!(name), &json!(service_type))
        );
        assert_eq!(payload["details"]["videoId"], "v");
    }
    let unknown = json!({"sid": "nobody", "event": 60});
    assert_eq!(stage.control("POST", "/simulator/notifications", &unknown).0, 400);
}

#[test]
fn without_notifications_nothing_is_told_and_nothing_else_changes() {
    let play = |telling: bool| {
        let mut stage = if telling { Stage::telling(7, |_| {}) } else { Stage::with(7, |_| {}) };
        let held: Vec<Held> = (1..=3).map(|uid| stage.started("room7", uid)).collect();
        for step in 0..40 {
            stage.wait(7.3);
            stage.service.deliveries(stage.now);
            match step {
                5 => stage.kill(&held[0], None),
                9 => stage.disconnect(&held[1], None),
                30 => drop(stage.stop(&held[2], false)),
                _ => drop(stage.query(&held[step % 3])),
            }
        }
        Ledger { notices: Vec::new(), dropped_notices: 0, ..stage.ledger() }
    };
    assert_eq!(play(true), play(false));
}

#[test]
fn looking_more_often_does_not_change_what_is_told() {
    let play = |looks: u32| {
        let mut stage = Stage::telling(5, |config| {
            if let Some(settings) = &mut config.notifications {
                settings.latency = (Duration::ZERO, Duration::from_secs(9));
                settings.lost_per_mille = 100;
            }
        });
        let held: Vec<Held> = (1..=3).map(|uid| stage.started("room7", uid)).collect();
        for session in &held {
            stage.kill(session, None);
            stage.wait(5.0);
        }
        for _ in 0..looks {
            stage.wait(240.0 / f64::from(looks));
            stage.ledger();
        }
        let told: Vec<(Timestamp, Vec<u8>)> = stage
            .service
            .deliveries(stage.now)
            .into_iter()
            .filter(|delivery| delivery.attempt == 1)
            .map(|delivery| (delivery.at, delivery.body))
            .collect();
        told
    };
    assert_eq!(play(1), play(480));
}

#[test]
fn the_next_due_time_is_never_late() {
    let mut stage = Stage::telling(2, |_| {});
    let held = stage.started("room7", 1);
    stage.kill(&held, None);
    let mut quiet = 0;
    while quiet < 200 {
        let due = stage.service.next_due().expect("a running session has something before it");
        assert!(due > stage.now || stage.service.deliveries(stage.now).is_empty());
        stage.now = due;
        let before = stage.service.ledger(stage.now, 0).notices.len();
        for delivery in stage.service.deliveries(stage.now) {
            stage.service.delivered(stage.now, delivery.number, FINE);
        }
        quiet += 1;
        assert!(before <= stage.ledger().notices.len());
    }
    assert!(stage.truth(&held).live);
}

#[test]
fn signatures_are_of_the_bytes_that_are_sent() {
    let mut stage = Stage::telling(1, |_| {});
    stage.started("room7", 1);
    let told = stage.listen(10.0, |_| FINE);
    let signatures = Signatures::of("secret", &told[0].body);
    assert_eq!((signatures.sha1.len(), signatures.sha256.len()), (40, 64));
    assert_ne!(signatures, Signatures::of("other", &told[0].body));
}
