//! What a page reads of the vocabulary is read as serde reads it, by `FromJson`.

use agora::notification::Notification;
use agora::request::{Layout, LayoutPlace, TranscodingConfig, UpdateSettings};
use agora::{
    Answer, AppId, ChannelName, Mode, Operation, RecordingSettings, ResourceId, Sid, Timestamp, Uid,
    UnansweredCause,
};
use from_json::agreement::{Chance, Hints, agree, check};
use serde_json::{Value, json};

/// The fields of a layout stand among those of the picture, so that nobody can say beforehand which there are.
fn picture(field: &str, chance: &mut Chance<'_>) -> Value {
    if !field.is_empty() && field != "transcodingConfig" {
        return chance.json(2);
    }
    let layout: Layout = chance.value_of().expect("a layout");
    let mut picture = serde_json::to_value(layout).expect("it can be written");
    for (name, number) in [("width", 640), ("height", 360), ("fps", 15), ("bitrate", 500)] {
        picture[name] = json!(number);
    }
    picture
}

const HINTS: Hints = Hints { texts: |_| &[], anything: picture };

#[test]
fn settings_are_read_as_serde_reads_them() {
    check::<RecordingSettings>(&HINTS, 0..400);
    check::<TranscodingConfig>(&HINTS, 0..200);
    check::<LayoutPlace>(&HINTS, 0..200);
    check::<UpdateSettings>(&HINTS, 0..100);
    check::<Mode>(&HINTS, 0..50);
    check::<Operation>(&HINTS, 0..50);
}

#[test]
fn answers_are_read_as_serde_reads_them() {
    check::<Answer>(&HINTS, 0..800);
    check::<UnansweredCause>(&HINTS, 0..50);
    check::<Notification>(&HINTS, 0..400);
}

#[test]
fn identifiers_are_read_as_serde_reads_them() {
    for text in
        ["", "room7", "a/b", "a".repeat(64).as_str(), "7k2m9x4q1abc", "größer", "a_b-c d", &"a".repeat(513)]
    {
        agree::<AppId>(&json!(text));
        agree::<ChannelName>(&json!(text));
        agree::<ResourceId>(&json!(text));
        agree::<Sid>(&json!(text));
    }
    for number in [json!(0), json!(1), json!(u32::MAX), json!(u64::MAX), json!(-1), json!("1"), json!(1.0)] {
        agree::<Uid>(&number);
        agree::<Timestamp>(&number);
    }
    assert_eq!(agree(&json!(i64::MIN)), Some(Timestamp::from_millis(i64::MIN)));
}
