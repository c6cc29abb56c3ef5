//! Every documented event type of the webhook, the ways in which its fields drift, and bytes that no document knows.
//!
//! `golden/notifications.json` holds bodies and what is read from them. After a change that is meant:
//! `TALLYLIGHT_GOLDEN=write cargo test -p agora --test notification`, and read the difference.

use std::collections::BTreeSet;
use std::path::PathBuf;

use agora::notification::{
    NOTIFICATION_BYTES_MAX, NotificationError, OTHER_CHARACTERS_MAX, TEST_CHANNELS, UIDS_MAX,
};
use agora::{EventType, Notification, Timestamp, Uid};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    says: String,
    body: Value,
    read: Option<Notification>,
}

fn read(body: &Value) -> Notification {
    Notification::read(body.to_string().as_bytes()).expect("it has an event type")
}

fn of(event: u32, details: &Value) -> Notification {
    read(&json!({"noticeId": "n", "productId": 3, "eventType": event, "payload": {"details": details}}))
}

#[test]
fn every_sample_is_read_as_the_golden_file_says() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/notifications.json");
    let text = std::fs::read_to_string(&file).expect("the golden file");
    let samples: Vec<Sample> = serde_json::from_str(&text).expect("it is JSON");
    let again: Vec<Sample> =
        samples.into_iter().map(|sample| Sample { read: Some(read(&sample.body)), ..sample }).collect();
    let text_again = serde_json::to_string_pretty(&again).expect("it serialises") + "\n";
    if std::env::var_os("TALLYLIGHT_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(&file, &text_again).expect("the folder can be written");
    } else {
        assert_eq!(text_again, text, "notifications.json differs");
    }
    let back: Vec<Sample> = serde_json::from_str(&text_again).expect("it reads back");
    assert_eq!(back, again);
    let seen: BTreeSet<EventType> =
        again.iter().filter_map(|sample| sample.read.as_ref()).map(|read| read.event).collect();
    for event in EventType::DOCUMENTED {
        assert!(seen.contains(event), "no sample of {event} {}", event.name());
    }
}

#[test]
fn an_event_type_is_its_number_in_json() {
    for event in EventType::DOCUMENTED.iter().copied().chain([EventType::Unknown(47)]) {
        assert_eq!(EventType::from(event.number()), event);
        assert_eq!(serde_json::to_value(event).expect("it serialises"), json!(event.number()));
    }
    assert_eq!(EventType::from(20), EventType::Unknown(20), "20 is a status, not an event");
}

#[test]
fn f1_the_new_uid_is_read_as_a_number_and_as_a_text() {
    for new_uid in [json!(3_133_784_261_u32), json!("3133784261")] {
        let read = of(12, &json!({"msgName": "session_failover", "newUid": new_uid}));
        assert_eq!(read.details.new_uid, Uid::new(3_133_784_261));
    }
}

#[test]
fn the_state_of_a_stream_is_0_when_it_comes() {
    for (state, comes) in [(json!(0), true), (json!("0"), true), (json!(1), false)] {
        assert_eq!(of(43, &json!({"state": state})).details.receiving, Some(comes));
    }
    assert_eq!(of(44, &json!({})).details.receiving, None);
}

#[test]
fn r2_the_leave_code_is_a_mask() {
    assert!(of(41, &json!({"leaveCode": 6})).details.left_idle());
    assert!(of(41, &json!({"leaveCode": "4"})).details.left_idle());
    for other in [json!(0), json!(2), json!(16), Value::Null] {
        assert!(!of(41, &json!({"leaveCode": other})).details.left_idle());
    }
}

#[test]
fn times_are_read_in_seconds_and_in_milliseconds() {
    for sent in [json!(1_715_670_681), json!("1715670681"), json!(1_715_670_681_000_i64)] {
        let body = json!({"eventType": 40, "productId": 3, "payload": {"sendts": sent}});
        assert_eq!(read(&body).sent_at, Some(Timestamp::from_millis(1_715_670_681_000)));
    }
    assert_eq!(read(&json!({"eventType": 40, "payload": {"sendts": -5}})).sent_at, None);
}

#[test]
fn n1_test_deliveries_are_recognised_by_their_channel() {
    for channel in TEST_CHANNELS {
        assert!(read(&json!({"eventType": 40, "payload": {"cname": channel}})).is_test());
    }
    for other in [json!("tests"), json!("room"), json!(""), json!(7), Value::Null] {
        assert!(!read(&json!({"eventType": 40, "payload": {"cname": other}})).is_test());
    }
}

#[test]
fn n6_what_no_document_defines_keeps_its_details_within_bounds() {
    let known = of(47, &json!({"msgName": "new", "value": 3}));
    assert_eq!(known.details.other.as_deref(), Some(r#"{"msgName":"new","value":3}"#));
    let long = of(47, &json!({"value": "x".repeat(5000)}));
    assert_eq!(long.details.other.map(|other| other.chars().count()), Some(OTHER_CHARACTERS_MAX));
    let rtc = read(&json!({"eventType": 11, "productId": 1, "payload": {"details": {"exitStatus": 0}}}));
    assert_eq!((rtc.event.number(), rtc.is_cloud_recording()), (11, false));
    assert_eq!(rtc.details.exit, None, "it means something else there");
}

#[test]
fn the_key_of_a_live_stream_is_not_kept() {
    for (address, kept) in [
        ("rtmp://push.example.com/live/key", "rtmp://push.example.com/live/…"),
        ("rtmps://user:word@push.example.com/live/key?a=/b/c", "rtmps://push.example.com/live/…"),
        ("key", "key/…"),
        ("", "/…"),
    ] {
        let read = of(100, &json!({"rtmpUrl": address, "status": "publishing"}));
        assert_eq!(read.details.text.as_deref(), Some(kept));
    }
}

#[test]
fn a_kept_body_holds_no_key_of_a_live_stream() {
    let body = json!({"eventType": 100, "productId": 3, "payload": {"details": {"rtmpUrl": "rtmp://a.example/live/key"}}});
    let body = body.to_string();
    let kept = Notification::read(body.as_bytes()).expect("it is one").keepable(body.as_bytes()).into_owned();
    let kept = String::from_utf8(kept).expect("it is text");
    assert!(kept.contains("rtmp://a.example/live/…") && !kept.contains("key"), "{kept}");
    let other = br#"{"eventType":40,  "x":1}"#;
    assert_eq!(Notification::read(other).expect("it is one").keepable(other).as_ref(), other);
}

#[test]
fn bodies_that_are_no_notification_say_so() {
    let deep = "[".repeat(60_000);
    let deep_object =
        format!(r#"{{"eventType":1,"payload":{}{}}}"#, r#"{"a":"#.repeat(2000), "}".repeat(2000));
    for (body, error) in [
        (vec![b' '; NOTIFICATION_BYTES_MAX + 1], NotificationError::TooLarge),
        (b"".to_vec(), NotificationError::NotAnObject),
        (b"[]".to_vec(), NotificationError::NotAnObject),
        (b"\xff\xfe{}".to_vec(), NotificationError::NotAnObject),
        (b"{\"eventType\":1,\"a\":\"\xff\"}".to_vec(), NotificationError::NotAnObject),
        (deep.into_bytes(), NotificationError::NotAnObject),
        (deep_object.into_bytes(), NotificationError::NotAnObject),
        (b"{\"eventType\":1} trailing".to_vec(), NotificationError::NotAnObject),
        (b"{}".to_vec(), NotificationError::NoEventType),
        (br#"{"eventType":"one"}"#.to_vec(), NotificationError::NoEventType),
        (br#"{"eventType":-1}"#.to_vec(), NotificationError::NoEventType),
        (br#"{"eventType":4294967296}"#.to_vec(), NotificationError::NoEventType),
    ] {
        assert_eq!(
            Notification::read(&body),
            Err(error),
            "{}",
            String::from_utf8_lossy(&body[..body.len().min(60)])
        );
    }
}

#[test]
fn where_a_key_stands_twice_the_last_one_counts() {
    let body =
        br#"{"eventType":40,"eventType":41,"payload":{"sid":"aaaaaaaa"},"payload":{"sid":"bbbbbbbb"}}"#;
    let read = Notification::read(body).expect("it is one");
    assert_eq!(read.event, EventType::RecorderLeave);
    assert_eq!(read.sid.map(|sid| sid.to_string()).as_deref(), Some("bbbbbbbb"));
}

#[test]
fn lists_and_texts_are_cut() {
    let names: Vec<Value> = (0..500).map(|number| json!({"fileName": format!("f{number}.ts")})).collect();
    assert_eq!(of(31, &json!({"fileList": names})).details.files.len(), agora::answer::FILES_MAX);
    let uids: Vec<Value> = (1..500).map(|number| json!(number)).collect();
    assert_eq!(of(81, &json!({"uids": uids})).details.uids.len(), UIDS_MAX);
    let body = json!({"eventType": 1, "noticeId": "é".repeat(999), "payload": {"details": {"errorMsg": "é".repeat(999)}}});
    let read = read(&body);
    assert_eq!(read.notice.chars().count(), 128);
    let notice = |id: &str| {
        let body = json!({"eventType": 1, "noticeId": id}).to_string();
        Notification::read(body.as_bytes()).expect("it has an event type").notice
    };
    let (one, other) = (format!("{}1", "x".repeat(300)), format!("{}2", "x".repeat(300)));
    assert_ne!(notice(&one), notice(&other), "what was cut away still tells them apart");
    assert_eq!(notice(&one), notice(&one));
    assert_eq!(notice(&"é".repeat(128)), "é".repeat(128));
    assert_eq!(read.details.message.map(|message| message.chars().count()), Some(200));
}

/// A JSON value of any shape, with the keys that are looked for among its keys.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "payload",
        "details",
        "fileList",
        "fileName",
        "filename",
        "sliceStartTime",
        "newUid",
        "uid",
        "sid",
        "cname",
        "sendts",
        "sequence",
        "status",
        "uids",
        "aliVodInfo",
        "videoId",
        "rtmpUrl",
        "UTCMS",
        "leaveCode",
        "noticeId",
        "startUtcMs",
        "discontinueUtcMs",
        "errorMsg",
        "state",
        "mixedAllUser",
    ]);
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(keys.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Notification::read(&bytes);
    }

    #[test]
    fn any_value_under_any_event_type_is_read_and_reads_back(
        event in prop::sample::select(EventType::DOCUMENTED),
        payload in any_value(),
        details in any_value(),
    ) {
        for payload in [payload, json!({"details": details})] {
            let body = json!({"eventType": event.number(), "productId": 3, "payload": payload});
            let read = read(&body);
            prop_assert_eq!(read.event, event);
            let text = serde_json::to_string(&read).expect("it serialises");
            prop_assert_eq!(serde_json::from_str::<Notification>(&text).expect("it reads back"), read);
        }
    }
}
