//! Every row of the service's tables of answers, old and new, and bytes that no table knows.

use std::time::Duration;

use agora::answer::{FILES_MAX, REASON_CHARACTERS_MAX};
use agora::{Answer, AnswerClass, Mode, Operation, QueryAnswer, StopAnswer, Timestamp, classify};
use proptest::prelude::*;

use AnswerClass::{
    AlreadyExiting, AlreadyStarted, ForeignNotFound, GatewayError, NoRecordedData, NoRoute, NotCompleted,
    PcwReached, Refused, RequestTimeout, ResourceExpired, ServerError, ServiceNotFound, TaskConflict,
    Unreadable, UploadTimeout, WorkerNotAllocated,
};
use Operation::{Acquire, Query, Start, Stop, Update, UpdateLayout};

const SID: &str = "0123456789abcdef0123456789abcdef";
const AFTER_START: [Operation; 4] = [Query, Update, UpdateLayout, Stop];

fn mix(operation: Operation, status: u16, body: &str) -> AnswerClass {
    classify(operation, Mode::Mix, status, None, body.as_bytes()).class
}

fn coded(code: u32, reason: &str) -> String {
    format!(r#"{{"code":{code},"reason":"{reason}"}}"#)
}

fn sid() -> agora::Sid {
    agora::Sid::parse(SID).expect("a sid")
}

fn query(mode: Mode, response: &str) -> QueryAnswer {
    let body = format!(
        r#"{{"cname":"room7","uid":"1","resourceId":"R","sid":"{SID}","serverResponse":{response}}}"#
    );
    match classify(Query, mode, 200, None, body.as_bytes()).class {
        AnswerClass::Status(answer) => answer,
        other => panic!("{other:?} for {response}"),
    }
}

fn stop(mode: Mode, response: &str) -> StopAnswer {
    let body = format!(r#"{{"cname":"room7","uid":"1","sid":"{SID}","serverResponse":{response}}}"#);
    match classify(Stop, mode, 200, None, body.as_bytes()).class {
        AnswerClass::Stopped(answer) => answer,
        other => panic!("{other:?} for {response}"),
    }
}

fn names(files: &[agora::FileEntry]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn the_rows_of_the_current_table_that_hold_for_every_operation() {
    for operation in Operation::ALL {
        assert_eq!(mix(operation, 400, r#"{"message":"appid is invalid"}"#), Refused);
        assert_eq!(mix(operation, 401, r#"{"message":"Unauthorized"}"#), Refused);
        assert_eq!(mix(operation, 401, r#"{"message":"Invalid authentication credentials"}"#), Refused);
        assert_eq!(mix(operation, 404, r#"{"message":"no Route matched with those values"}"#), NoRoute);
        assert_eq!(
            mix(operation, 429, r#"{"message":"API rate limit exceeded"}"#),
            AnswerClass::RateLimited { retry_after: None }
        );
        assert_eq!(mix(operation, 400, &coded(2, "api body validate failed!")), Refused);
    }
}

#[test]
fn the_rows_of_acquire() {
    for (status, code, reason, class) in [
        (400, 400, "invalid_appid", Refused),
        (400, 401, "invalid_channel_name", Refused),
        (400, 405, "no_active_status", Refused),
        (400, 406, "vendor_over_load", PcwReached),
        (500, 500, "internal_error", ServerError),
        (500, 501, "no_worker_manager_available", ServerError),
        (500, 504, "allocate_timeout", ServerError),
        // The old meaning of 62: the service is not enabled.
        (400, 62, "the service is not enabled", Refused),
    ] {
        assert_eq!(mix(Acquire, status, &coded(code, reason)), class, "{status} {code}");
    }
    let acquired = mix(Acquire, 200, r#"{"cname":"room7","uid":"1","resourceId":"Ab3-_"}"#);
    assert_eq!(acquired, AnswerClass::Acquired(agora::ResourceId::parse("Ab3-_").expect("an ID")));
}

#[test]
fn the_rows_of_start() {
    for (status, code, reason, class) in [
        (201, 7, "already started", AlreadyStarted(None)),
        (206, 65, "request not completed", NotCompleted),
        (400, 53, "task conflict", TaskConflict),
        (500, 502, "Failed to allocate worker", WorkerNotAllocated),
        (500, 62, "request timeout", RequestTimeout),
        (400, 433, "resourceId expired", ResourceExpired),
        (400, 1001, "resourceId cannot be parsed", ResourceExpired),
        (400, 432, "cname does not match", Refused),
        (400, 1003, "appid does not match", Refused),
        (400, 1013, "bad channel name", Refused),
        (400, 109, "token expired", Refused),
        (400, 110, "token wrong", Refused),
        (400, 8, "wrong header", Refused),
        (500, 52, "start timeout", ServerError),
        (400, 406, "not a capacity here", Refused),
    ] {
        assert_eq!(mix(Start, status, &coded(code, reason)), class, "{status} {code}");
    }
    let body = format!(r#"{{"cname":"room7","uid":"1","resourceId":"R","sid":"{SID}"}}"#);
    assert_eq!(mix(Start, 200, &body), AnswerClass::Started(sid()));
    let with_sid = format!(r#"{{"code":7,"reason":"already started","sid":"{SID}"}}"#);
    assert_eq!(mix(Start, 201, &with_sid), AlreadyStarted(Some(sid())));
    assert_eq!(mix(Start, 201, &body), AlreadyStarted(Some(sid())));
    // The third form: a code without a reason, and an empty sid.
    assert_eq!(mix(Start, 500, r#"{"resourceId":"R","sid":"","code":15}"#), ServerError);
}

#[test]
fn the_rows_of_query_update_and_update_layout() {
    for operation in [Query, Update, UpdateLayout] {
        for (status, code, reason, class) in [
            (206, 65, "request not completed", NotCompleted),
            (404, 404, "failed to find worker", ServiceNotFound),
            (504, 62, "request timeout", RequestTimeout),
            (400, 1003, "sid does not match", Refused),
            // Old: the service is exiting. Its HTTP status is documented nowhere, so the status decides.
            (500, 501, "service exiting", ServerError),
            (400, 501, "service exiting", Refused),
            (400, 406, "not a capacity here", Refused),
            (400, 53, "not a conflict here", Refused),
            (400, 49, "only of a stop", Refused),
        ] {
            assert_eq!(mix(operation, status, &coded(code, reason)), class, "{operation} {status} {code}");
        }
    }
    assert_eq!(mix(UpdateLayout, 400, &coded(1028, "bad layout")), Refused);
    let body = format!(r#"{{"cname":"room7","uid":"1","resourceId":"R","sid":"{SID}"}}"#);
    assert_eq!(mix(Update, 200, &body), AnswerClass::Updated);
    assert_eq!(mix(UpdateLayout, 200, &body), AnswerClass::Updated);
    assert_eq!(mix(Update, 200, &coded(2, "no")), Unreadable);
}

#[test]
fn the_rows_of_stop() {
    for (status, code, reason, class) in [
        (206, 65, "request not completed", NotCompleted),
        (206, 435, "no recorded data", NoRecordedData),
        (400, 49, "invalid operation", AlreadyExiting),
        (404, 404, "failed to find worker", ServiceNotFound),
        (504, 62, "request timeout", RequestTimeout),
        // The HTTP status of 50 is documented nowhere.
        (504, 50, "upload timeout", UploadTimeout),
        (500, 50, "upload timeout", UploadTimeout),
        (206, 50, "upload timeout", UploadTimeout),
        (200, 50, "upload timeout", UploadTimeout),
        (400, 432, "uid does not match", Refused),
    ] {
        assert_eq!(mix(Stop, status, &coded(code, reason)), class, "{status} {code}");
    }
    let seen = format!(
        r#"{{"cname":"c","uid":"1","resourceId":"R","sid":"{SID}","code":49,"serverResponse":
           {{"fileListMode":"string","fileListStr":"a/{SID}_c.m3u8","payload":{{"message":"Failed"}}}}}}"#
    );
    assert_eq!(mix(Stop, 400, &seen), AlreadyExiting);
}

#[test]
fn d6_only_the_services_own_404_is_one() {
    let real = r#"{"cname":"room7","code":404,"reason":"failed to find worker","uid":"1"}"#;
    for operation in AFTER_START {
        assert_eq!(mix(operation, 404, real), ServiceNotFound);
        assert_eq!(mix(operation, 404, r#"{"code":"404"}"#), ServiceNotFound);
        assert_eq!(mix(operation, 404, r#"{"reason":"failed to find worker"}"#), ServiceNotFound);
        assert_eq!(mix(operation, 404, r#"{"message":"no Route matched with those values"}"#), NoRoute);
        assert_eq!(mix(operation, 404, r#"{"message":"failed to find worker"}"#), NoRoute);
        for foreign in [
            "",
            "<html>404</html>",
            "{}",
            "[]",
            "null",
            r#"{"code":405}"#,
            r#"{"message":5}"#,
            "{\"code\":404",
        ] {
            assert_eq!(mix(operation, 404, foreign), ForeignNotFound, "{operation} {foreign}");
        }
        assert_ne!(mix(operation, 400, real), ServiceNotFound);
        assert_ne!(mix(operation, 200, real), ServiceNotFound);
    }
    for operation in [Acquire, Start] {
        assert_eq!(mix(operation, 404, real), Refused);
    }
}

#[test]
fn d3_a_gateway_error_is_told_from_the_services_own() {
    for operation in Operation::ALL {
        for status in [502, 503, 504] {
            for body in ["", "<html/>", "{}", r#"{"message":"upstream"}"#, "[1]"] {
                assert_eq!(mix(operation, status, body), GatewayError, "{operation} {status} {body}");
            }
            assert_eq!(mix(operation, status, &coded(15, "x")), ServerError);
            assert_eq!(mix(operation, status, r#"{"code":15}"#), ServerError);
        }
        for status in [500, 501, 505, 599] {
            assert_eq!(mix(operation, status, "<html/>"), ServerError);
        }
    }
}

#[test]
fn d7_only_200_with_what_was_asked_for_is_success() {
    for operation in Operation::ALL {
        for body in ["", "<html/>", "[]", "null", "\"x\"", "{\"a\":", "\u{feff}{}", r#"{"message":"hello"}"#]
        {
            assert_eq!(mix(operation, 200, body), Unreadable, "{operation} {body}");
        }
        for status in [0, 100, 199, 202, 204, 299, 300, 302, 399, 600, u16::MAX] {
            assert_eq!(mix(operation, status, "{}"), Unreadable, "{operation} {status}");
        }
        assert_eq!(mix(operation, 206, "{}"), NotCompleted);
        assert_eq!(mix(operation, 206, ""), NotCompleted);
        assert_eq!(mix(operation, 206, &coded(999, "new")), NotCompleted);
        assert_eq!(mix(operation, 418, "teapot"), Refused);
    }
    assert_eq!(mix(Acquire, 200, r#"{"resourceId":""}"#), Unreadable);
    assert_eq!(mix(Acquire, 200, r#"{"resourceId":"a/../b"}"#), Unreadable);
    assert_eq!(mix(Start, 200, r#"{"sid":""}"#), Unreadable);
    assert_eq!(mix(Start, 200, r#"{"sid":7}"#), Unreadable);
    for status in
        ["9", "19", "21", "-1", "1e400", "4.5", "null", "\"\"", "true", "[]", "18446744073709551615"]
    {
        let body = format!(r#"{{"serverResponse":{{"status":{status}}}}}"#);
        assert_eq!(mix(Query, 200, &body), Unreadable, "{status}");
    }
    assert_eq!(mix(Query, 200, r#"{"status":5}"#), Unreadable);
}

#[test]
fn d4_a_retry_after_in_seconds_is_read() {
    let after = |header| match classify(Query, Mode::Mix, 429, Some(header), b"").class {
        AnswerClass::RateLimited { retry_after } => retry_after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after("7"), Some(Duration::from_secs(7)));
    assert_eq!(after(" 7 "), Some(Duration::from_secs(7)));
    assert_eq!(after("0"), Some(Duration::ZERO));
    assert_eq!(after("99999999999"), Some(Duration::from_secs(3600)));
    for unread in ["", "-1", "soon", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999999999999"] {
        assert_eq!(after(unread), None, "{unread}");
    }
}

#[test]
fn a_query_is_read_in_every_documented_shape() {
    let at = Some(Timestamp::from_millis(1_700_000_000_123));
    let text = query(
        Mode::Mix,
        r#"{"status":5,"fileListMode":"string","fileList":"s_room7.m3u8","sliceStartTime":1700000000123}"#,
    );
    assert_eq!((text.status, names(&text.files), text.slice_start), (5, vec!["s_room7.m3u8"], at));
    assert_eq!(text.sid, Some(sid()));

    let list = query(
        Mode::Individual,
        r#"{"status":"4","fileListMode":"json","fileList":[
            {"fileName":"a.mp4","trackType":"audio_and_video","uid":"0","mixedAllUser":"true","isPlayable":true,
             "sliceStartTime":"1700000000123"},
            {"filename":"b.mp4","sliceStartTime":1700000000}, {"name":"c"}, 5, "d.m3u8", {"fileName":""}]}"#,
    );
    assert_eq!((list.status, names(&list.files)), (4, vec!["a.mp4", "b.mp4", "d.m3u8"]));
    assert_eq!(list.files[0].slice_start, at);
    assert_eq!(list.files[1].slice_start, Some(Timestamp::from_millis(1_700_000_000_000)));
    assert_eq!(list.slice_start, None);

    let snapshots = query(Mode::Individual, r#"{"status":5.0,"sliceStartTime":1700000000123}"#);
    assert_eq!((snapshots.status, snapshots.files.len(), snapshots.slice_start), (5, 0, at));

    let web = query(
        Mode::Web,
        r#"{"status":5,"extensionServiceState":[
            {"serviceName":"rtmp_publish_service","payload":{"state":"inProgress","outputs":[]}},
            {"serviceName":"web_recorder_service","payload":{"state":"inProgress","onhold":false,
             "fileList":[{"filename":"w.m3u8","sliceStartTime":1700000000123}]}}]}"#,
    );
    assert_eq!((web.web_state.as_deref(), names(&web.files)), (Some("inProgress"), vec!["w.m3u8"]));

    for nothing in [
        r#"{"status":4,"fileList":""}"#,
        r#"{"status":4,"fileList":[]}"#,
        r#"{"status":4}"#,
        r#"{"status":4,"fileList":7}"#,
    ] {
        assert_eq!(query(Mode::Mix, nothing).files, [], "{nothing}");
    }
    for status in [0, 1, 2, 3, 6, 7, 8, 20] {
        assert_eq!(query(Mode::Mix, &format!(r#"{{"status":{status}}}"#)).status, status);
    }
}

#[test]
fn slice_times_are_told_apart_by_their_size() {
    let start =
        |number: &str| query(Mode::Mix, &format!(r#"{{"status":5,"sliceStartTime":{number}}}"#)).slice_start;
    let millis = |number| Some(Timestamp::from_millis(number));
    assert_eq!(start("1700000000"), millis(1_700_000_000_000));
    assert_eq!(start("1700000000123"), millis(1_700_000_000_123));
    assert_eq!(start("1.7e12"), millis(1_700_000_000_000));
    for none in ["0", "-5", "null", "1e300", "9223372036854775807", "\"x\"", "{}"] {
        assert_eq!(start(none), None, "{none}");
    }
}

#[test]
fn a_stop_is_read_in_every_documented_shape() {
    let text = stop(
        Mode::Mix,
        r#"{"fileListMode":"string","fileList":"s_room7.m3u8","uploadingStatus":"uploaded"}"#,
    );
    assert_eq!(
        (text.uploading_status.as_deref(), names(&text.files)),
        (Some("uploaded"), vec!["s_room7.m3u8"])
    );
    let lost = stop(Mode::Mix, r#"{"fileList":[],"fileListMode":"json","uploadingStatus":"backuped"}"#);
    assert_eq!((lost.uploading_status.as_deref(), lost.files.len()), (Some("backuped"), 0));
    assert_eq!(
        stop(Mode::Mix, r#"{"uploadingStatus":"unknow"}"#).uploading_status.as_deref(),
        Some("unknown")
    );
    let web = stop(
        Mode::Web,
        r#"{"extensionServiceState":[{"serviceName":"upload_service","playload":{"uploadingStatus":"uploaded"}},
            {"serviceName":"web_recorder_service","payload":{"state":"exit","fileList":[{"filename":"w.m3u8","sliceStartTime":0}]}}]}"#,
    );
    assert_eq!((web.uploading_status.as_deref(), names(&web.files)), (Some("uploaded"), vec!["w.m3u8"]));
    assert_eq!(web.files[0].slice_start, None);
    assert_eq!(mix(Stop, 200, "{}"), AnswerClass::Stopped(StopAnswer::default()));
    assert_eq!(mix(Stop, 200, r#"{"code":0}"#), AnswerClass::Stopped(StopAnswer::default()));
    // An old legend has 206 for "some files went to the backup".
    let backup = r#"{"serverResponse":{"uploadingStatus":"backuped","fileList":[]}}"#;
    assert!(matches!(mix(Stop, 206, backup), AnswerClass::Stopped(_)));
}

#[test]
fn code_and_reason_are_kept_and_cut() {
    let answer = classify(Start, Mode::Mix, 400, None, coded(53, "task conflict").as_bytes());
    assert_eq!(
        (answer.status, answer.code, answer.reason.as_deref()),
        (400, Some(53), Some("task conflict"))
    );
    let answer = classify(Start, Mode::Mix, 401, None, br#"{"message":"Unauthorized"}"#);
    assert_eq!((answer.code, answer.reason.as_deref()), (None, Some("Unauthorized")));
    let long = "é".repeat(5000);
    let answer = classify(Start, Mode::Mix, 400, None, coded(2, &long).as_bytes());
    assert_eq!(answer.reason.map(|reason| reason.chars().count()), Some(REASON_CHARACTERS_MAX));
    for odd in [r#"{"code":-1,"reason":5}"#, r#"{"code":1e99}"#, r#"{"code":4294967296}"#, r#"{"code":null}"#]
    {
        let answer = classify(Start, Mode::Mix, 400, None, odd.as_bytes());
        assert_eq!((answer.code, answer.reason, answer.class), (None, None, Refused), "{odd}");
    }
    assert_eq!(classify(Start, Mode::Mix, 400, None, br#"{"code":"53"}"#).class, TaskConflict);
    // Of a key that comes twice the last one counts.
    assert_eq!(classify(Start, Mode::Mix, 400, None, br#"{"code":53,"code":2}"#).class, Refused);
}

#[test]
fn f1_a_list_that_is_cut_still_shows_its_newest_leg() {
    let file = |name: String| format!(r#"{{"fileName":"{name}"}}"#);
    let mut files: Vec<String> = (0..200).map(|number| file(format!("x_{number}.m3u8"))).collect();
    files.push(file("bak1_x.m3u8".to_owned()));
    files.push(file("bak0_x.m3u8".to_owned()));
    let answer = query(Mode::Individual, &format!(r#"{{"status":5,"fileList":[{}]}}"#, files.join(",")));
    assert_eq!(answer.files.len(), FILES_MAX);
    assert_eq!(answer.files.iter().filter_map(|file| agora::files::leg_of(&file.name)).max(), Some(1));
}

#[test]
fn monstrous_bodies_are_bounded() {
    let deep_list = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_object = format!("{}1{}", r#"{"serverResponse":"#.repeat(10_000), "}".repeat(10_000));
    let deep_inside = format!(r#"{{"code":404,"reason":{deep_list}}}"#);
    let many_files = format!(
        r#"{{"serverResponse":{{"status":5,"fileList":[{}"z"]}}}}"#,
        format!(r#""{}","#, "f".repeat(1000)).repeat(1000)
    );
    let megabyte = format!(r#"{{"code":404,"reason":"{}"}}"#, "x".repeat(1024 * 1024));
    let too_large = format!(r#"{{"code":404,"reason":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    for body in [&deep_list, &deep_object, &deep_inside, &many_files, &megabyte, &too_large] {
        for operation in Operation::ALL {
            for status in [200, 201, 206, 400, 404, 429, 500, 503] {
                assert_bounded(&classify(operation, Mode::Mix, status, None, body.as_bytes()));
            }
        }
    }
    assert_eq!(mix(Query, 404, &megabyte), ServiceNotFound);
    assert_eq!(mix(Query, 404, &too_large), ForeignNotFound);
    assert_eq!(mix(Query, 404, &deep_inside), ForeignNotFound);
    for bad in [
        &b"\xff\xfe"[..],
        b"{\"sid\":\"\xc3\x28\"}",
        b"{\"a\":NaN}",
        b"{\"a\":1e999}",
        b"\0",
        b"{\"\\ud800\":1}",
    ] {
        assert_eq!(classify(Start, Mode::Mix, 200, None, bad).class, Unreadable);
    }
}

fn assert_bounded(answer: &Answer) {
    let length = serde_json::to_string(answer).expect("an answer serialises").len();
    assert!(length < 64 * 600 * 6, "{length} bytes");
    assert!(answer.reason.as_ref().is_none_or(|reason| reason.chars().count() <= REASON_CHARACTERS_MAX));
    // What is journalled can be read again.
    let again: Answer =
        serde_json::from_str(&serde_json::to_string(answer).expect("serialises")).expect("reads");
    assert_eq!(again, *answer);
}

/// JSON with the service's own keys in any place.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let key = prop::sample::select(vec![
        "code",
        "reason",
        "message",
        "sid",
        "resourceId",
        "serverResponse",
        "status",
        "fileList",
        "fileName",
        "filename",
        "sliceStartTime",
        "uploadingStatus",
        "extensionServiceState",
        "serviceName",
        "payload",
        "state",
    ]);
    let word = prop::sample::select(vec![
        SID,
        "404",
        "65",
        "web_recorder_service",
        "upload_service",
        "failed to find worker",
        "",
        "bak0_x",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (0_i64..1100).prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        word.prop_map(Into::into),
        ".{0,40}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(key.clone(), inner, 0..6).prop_map(|fields| {
                serde_json::Value::Object(
                    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
                )
            }),
        ]
    })
}

fn operations() -> impl Strategy<Value = Operation> {
    prop::sample::select(Operation::ALL.to_vec())
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(Mode::ALL.to_vec())
}

proptest! {
    #[test]
    fn never_panics_on_any_bytes(
        operation in operations(), mode in modes(), status in any::<u16>(),
        retry_after in prop::option::of(".{0,20}"), body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        assert_bounded(&classify(operation, mode, status, retry_after.as_deref(), &body));
    }

    #[test]
    fn never_panics_on_any_json_of_the_services_keys(
        operation in operations(), mode in modes(),
        status in prop::sample::select(vec![200_u16, 201, 206, 400, 404, 429, 500, 502, 504]), body in json(),
    ) {
        let answer = classify(operation, mode, status, None, body.to_string().as_bytes());
        assert_bounded(&answer);
        // Nothing but these two statuses can begin a session or tell that one is gone.
        if matches!(answer.class, AnswerClass::Started(_)) { prop_assert_eq!(status, 200); }
        if answer.class == ServiceNotFound { prop_assert_eq!(status, 404); }
    }
}
