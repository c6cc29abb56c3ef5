//! The three modes, what lives in a channel, and every open question both ways, through virtual time.

mod common;

use agora::request::{
    AvFileType, RecordingSettings, SnapshotConfig, StreamMode, UpdateSettings, WebRecorder, update_body,
};
use agora::{AnswerClass, Mode, Operation};
use common::{Held, Stage};
use serde_json::{Value, json};
use simulator::{Delivered, Delivery, EndedHow, Notifications, Outcome, Place};

const FINE: Delivered = Delivered::Answered(200);

fn individual(stage: &mut Stage) {
    stage.settings.mode = Mode::Individual;
    stage.settings.recording_config.subscribe_uid_group = Some(1);
}

fn web(stage: &mut Stage, url: &str) {
    stage.settings = RecordingSettings {
        mode: Mode::Web,
        web: Some(WebRecorder {
            url: url.to_owned(),
            audio_profile: 0,
            video_width: 1280,
            video_height: 720,
            max_recording_hour: 3,
            video_bitrate: None,
            video_fps: None,
            mobile: None,
            max_video_duration: None,
            onhold: None,
            ready_timeout: Some(10),
        }),
        rtmp_url: Some("rtmp://stream.example.org/x".to_owned()),
        av_file_types: vec![AvFileType::Hls, AvFileType::Mp4],
        ..RecordingSettings::default()
    };
}

/// The bare body of an answer.
fn raw(stage: &mut Stage, operation: Operation, held: &Held, body: &str) -> (u16, Value) {
    match stage.call(operation, (Some(&held.resource_id), Some(&held.sid)), body).outcome {
        Outcome::Answered(reply) => (reply.status, serde_json::from_slice(&reply.body).expect("JSON")),
        other => panic!("{other:?}"),
    }
}

fn queried(stage: &mut Stage, held: &Held) -> (u16, Value) {
    raw(stage, Operation::Query, held, "")
}

fn stopped(stage: &mut Stage, held: &Held, async_stop: bool) -> (u16, Value) {
    let body = agora::request::stop_body(&held.cname, held.uid, async_stop);
    raw(stage, Operation::Stop, held, &body)
}

fn details(told: &[Delivery], event: u16) -> Vec<Value> {
    let bodies = told.iter().filter(|delivery| delivery.event == event);
    bodies
        .map(|delivery| {
            serde_json::from_slice::<Value>(&delivery.body).expect("JSON")["payload"]["details"].clone()
        })
        .collect()
}

fn files(stage: &mut Stage, held: &Held) -> Vec<(String, Place)> {
    let (files, more) = stage.service.files(stage.now, held.sid.as_str()).expect("it is in the ledger");
    assert_eq!(more, 0);
    files.into_iter().map(|file| (file.name, file.place)).collect()
}

#[test]
fn individual_mode_writes_one_index_for_each_user_and_medium() {
    let mut stage = Stage::new();
    individual(&mut stage);
    stage.service.set_publishers(stage.now, "room7", 0);
    let join = json!({"join": [{"uid": 77}, {"uid": 78, "video": false}]});
    stage.control("POST", "/simulator/channels/room7/publishers", &join);
    let held = stage.started("room7", 900_001);
    stage.wait(60.0);
    let (_, body) = queried(&mut stage, &held);
    let list = body["serverResponse"]["fileList"].as_array().expect("a list").clone();
    let names: Vec<&str> = list.iter().filter_map(|file| file["fileName"].as_str()).collect();
    let base = format!("dept/{}_room7__uid_s_", held.sid);
    assert_eq!(
        names,
        [
            format!("{base}77__uid_e_audio.m3u8"),
            format!("{base}77__uid_e_video.m3u8"),
            format!("{base}78__uid_e_audio.m3u8")
        ]
    );
    assert_eq!((&list[0]["uid"], &list[0]["trackType"]), (&json!("77"), &json!("audio")));
    assert_eq!(list[0]["mixedAllUser"], false);
    let slices = files(&mut stage, &held);
    assert!(
        slices.iter().any(|(name, _)| name == &format!("{base}77__uid_e_video_20231114221323000.ts")),
        "{slices:?}"
    );
    stage.kill(&held, Some(10_000));
    stage.wait(30.0);
    let (_, body) = queried(&mut stage, &held);
    let name = body["serverResponse"]["fileList"][0]["fileName"].as_str().expect("a name");
    assert_eq!(name, format!("dept/bak0_{}_room7__uid_s_77__uid_e_audio.m3u8", held.sid));

    stage.settings.recording_config.stream_mode = Some(StreamMode::Standard);
    let merged = stage.started("room7", 900_002);
    stage.wait(60.0);
    let (_, body) = queried(&mut stage, &merged);
    assert!(body["serverResponse"]["fileList"].as_array().is_some_and(|list| list.len() == 5), "{body}");
}

#[test]
fn pictures_alone_have_no_file_list_and_an_event_each() {
    let mut stage = Stage::telling(1, |_| {});
    individual(&mut stage);
    stage.settings.snapshot = Some(SnapshotConfig { capture_interval: 10 });
    stage.settings.av_file_types = Vec::new();
    let held = stage.started("room7", 900_001);
    let told = stage.listen(60.0, |_| FINE);
    let (_, body) = queried(&mut stage, &held);
    let response = body["serverResponse"].as_object().expect("an object");
    assert!(response.contains_key("sliceStartTime") && !response.contains_key("fileListMode"), "{body}");
    let pictures = details(&told, 45);
    assert_eq!(pictures.len(), 10, "two users, each ten seconds");
    let name = pictures[0]["fileName"].as_str().expect("a name");
    assert_eq!(name, format!("dept/{}_room7__uid_s_101__uid_e_video_20231114221333000.jpg", held.sid));
    assert!(files(&mut stage, &held).iter().any(|(file, _)| file == name));
    let (status, body) = stopped(&mut stage, &held, false);
    assert_eq!((status, &body["serverResponse"]), (200, &json!({"uploadingStatus": "uploaded"})));
}

#[test]
fn web_mode_tells_its_services_and_takes_holds() {
    let mut stage = Stage::telling(1, |_| {});
    web(&mut stage, "https://example.org/lesson");
    let held = stage.started("lesson_1", 900_001);
    let told = stage.listen(30.0, |_| FINE);
    assert_eq!(details(&told, 70).len(), 1);
    assert_eq!(details(&told, 100)[1]["status"], "publishing");
    let (_, body) = queried(&mut stage, &held);
    let services = &body["serverResponse"]["extensionServiceState"];
    assert_eq!(services[0]["payload"]["state"], "inProgress");
    assert_eq!(services[0]["payload"]["fileList"][0]["filename"], format!("dept/{}_lesson-1.m3u8", held.sid));
    assert_eq!(services[1]["payload"]["outputs"][0]["status"], "publishing");
    assert!(body["serverResponse"].get("fileListMode").is_none());
    let hold = UpdateSettings { onhold: Some(true), ..UpdateSettings::default() };
    let body = update_body(&held.cname, held.uid, &hold, None);
    assert_eq!(raw(&mut stage, Operation::Update, &held, &body).0, 200);
    assert_eq!(
        queried(&mut stage, &held).1["serverResponse"]["extensionServiceState"][0]["payload"]["onhold"],
        true
    );
    let layout =
        agora::request::update_layout_body(&held.cname, held.uid, &agora::request::Layout::default());
    let path = format!(
        "/v1/apps/demo/cloud_recording/resourceid/{}/sid/{}/mode/mix/updateLayout",
        held.resource_id, held.sid
    );
    let layout = serde_json::from_str(&layout).expect("JSON");
    assert_eq!(stage.control("POST", &path, &layout).0, 400);
    assert_eq!(
        stage.control("POST", &path.replace("/mix/", "/web/"), &layout).0,
        400,
        "a page has no layout"
    );
    let (_, body) = stopped(&mut stage, &held, false);
    let services = &body["serverResponse"]["extensionServiceState"];
    assert_eq!(services[0]["payload"]["uploadingStatus"], "uploaded");
    assert_eq!(services[1]["payload"]["state"], "exit");
    let told = stage.listen(20.0, |_| FINE);
    assert_eq!(details(&told, 71)[0]["code"], 0);
}

#[test]
fn a_page_that_fails_ends_its_session_and_says_why() {
    for (state, code, limit) in [
        ("unreachable", 5, 10.0),
        ("silent", 4, 30.0),
        ("too_heavy", 2, 70.0),
        ("engine_fails", 3, 10.0),
        ("recorder_fails", 6, 70.0),
    ] {
        let mut stage = Stage::telling(1, |_| {});
        let url = "https://example.org/lesson";
        stage.control("POST", "/simulator/pages", &json!({"url": url, "state": state}));
        web(&mut stage, url);
        let held = stage.started("lesson", 1);
        let told = stage.listen(limit, |_| FINE);
        assert_eq!(details(&told, 71)[0]["code"], code, "{state}");
        assert_eq!(stage.truth(&held).ended_how, Some(EndedHow::PageFailed), "{state}");
    }
    let mut stage = Stage::telling(1, |_| {});
    web(&mut stage, "https://nowhere.invalid/");
    stage.started("lesson", 1);
    assert_eq!(details(&stage.listen(20.0, |_| FINE), 71)[0]["code"], 5);
    web(&mut stage, "https://example.org/");
    let held = stage.started("long", 1);
    let told = stage.listen(3.0 * 3600.0 + 60.0, |_| FINE);
    assert_eq!(details(&told, 71)[0]["code"], 1);
    assert_eq!(stage.truth(&held).ended_how, Some(EndedHow::MaxRecordingHour));
}

#[test]
fn a_bucket_that_refuses_ends_it_after_the_200_and_one_that_fails_goes_to_the_backup() {
    let mut stage = Stage::telling(1, |_| {});
    stage.control("POST", "/simulator/storage", &json!({"bucket": "b", "state": "refused"}));
    let held = stage.started("room7", 1);
    stage.wait(5.0);
    assert_eq!(stage.status(&held).status, 4);
    let told = stage.listen(10.0, |_| FINE);
    assert_eq!(stage.query(&held), AnswerClass::ServiceNotFound);
    let error = &details(&told, 1)[0];
    assert_eq!(
        (&error["module"], &error["errorCode"], &error["errorLevel"]),
        (&json!(1), &json!(32), &json!(5))
    );
    assert_eq!(details(&told, 11)[0]["exitStatus"], 1);

    stage.control("POST", "/simulator/storage", &json!({"bucket": "b", "state": "failing"}));
    let held = stage.started("room8", 1);
    stage.listen(60.0, |_| FINE);
    let (status, body) = stopped(&mut stage, &held, false);
    assert_eq!((status, &body["serverResponse"]["uploadingStatus"]), (200, &json!("backuped")));
    let told = stage.listen(30.0, |_| FINE);
    assert_eq!((details(&told, 31).len(), details(&told, 32).len(), details(&told, 2).len()), (0, 1, 2));
    assert!(files(&mut stage, &held).iter().all(|(_, place)| *place == Place::Backup));
    stage.control("POST", "/simulator/storage", &json!({"bucket": "b", "state": "ready"}));
    let base = format!("dept/{}_room8", held.sid);
    let forwarded = files(&mut stage, &held);
    assert!(forwarded.iter().all(|(_, place)| *place == Place::Bucket));
    let tick = stage.now.millis();
    assert!(forwarded.iter().any(|(name, _)| name == &format!("{base}_{tick}_0.m3u8")), "{forwarded:?}");
}

#[test]
fn whoever_takes_the_recorders_uid_kicks_it() {
    let mut stage = Stage::telling(1, |_| {});
    let held = stage.started("room7", 900_001);
    stage.listen(60.0, |_| FINE);
    stage.control("POST", "/simulator/channels/room7/publishers", &json!({"join": [{"uid": 900_001}]}));
    assert_eq!(stage.stopped(&held), AnswerClass::AlreadyExiting);
    let told = stage.listen(30.0, |_| FINE);
    assert_eq!(details(&told, 11)[0]["exitStatus"], 1);
    assert_eq!(stage.truth(&held).ended_how, Some(EndedHow::Kicked));
    let there_before = stage.started("room7", 900_001);
    stage.listen(30.0, |_| FINE);
    assert_eq!(stage.truth(&there_before).ended_how, Some(EndedHow::Kicked));
}

#[test]
fn a_token_is_looked_at_when_the_recorder_joins_and_runs_out() {
    let mut stage = Stage::telling(1, |config| config.app_certificate = Some("certificate".to_owned()));
    let without = stage.started("room7", 1);
    let told = stage.listen(10.0, |_| FINE);
    assert_eq!(details(&told, 1)[0]["errorCode"], 110);
    assert_eq!(stage.truth(&without).ended_how, Some(EndedHow::TokenWrong));
    let seconds = u32::try_from(stage.now.millis() / 1000).expect("before 2106");
    let resource_id = stage.acquired("room7", 1);
    let mut body: Value = serde_json::from_str(&stage.start_body("room7", 1)).expect("JSON");
    body["clientRequest"]["token"] =
        simulator::channel_token("demo", "certificate", ("room7", "1"), seconds, 100).into();
    let ids = (Some(&resource_id), None);
    assert!(matches!(
        stage.answered(Operation::Start, ids, &body.to_string()).class,
        AnswerClass::Started(_)
    ));
    assert_eq!(details(&stage.listen(98.0, |_| FINE), 1), [] as [Value; 0]);
    assert_eq!(details(&stage.listen(10.0, |_| FINE), 1)[0]["errorCode"], 109);
}

#[test]
fn a_recording_needs_somebody_it_subscribes_to() {
    let mut stage = Stage::new();
    stage.settings.recording_config.subscribe_audio_uids = vec!["500".to_owned()];
    stage.settings.recording_config.subscribe_video_uids = vec!["500".to_owned()];
    let held = stage.started("room7", 1);
    stage.wait(60.0);
    assert_eq!(stage.status(&held).status, 4, "nobody it knows is there");
    let all = vec!["#allstream#".to_owned()];
    let update = UpdateSettings { subscribe_audio_uids: Some(all), ..UpdateSettings::default() };
    let body = update_body(&held.cname, held.uid, &update, None);
    assert_eq!(raw(&mut stage, Operation::Update, &held, &body).0, 200);
    stage.wait(12.0);
    assert_eq!(stage.status(&held).status, 5);
}

#[test]
fn a_long_label_is_for_pages_and_web_sessions_count_apart() {
    let mut stage = Stage::with(1, |config| {
        config.concurrent_sessions = 1;
        config.concurrent_web_sessions = 1;
    });
    let acquire = |stage: &mut Stage, cname: &str, scene: u8| {
        let body = json!({"cname": cname, "uid": "5", "clientRequest": {"scene": scene}});
        stage.answered(Operation::Acquire, (None, None), &body.to_string())
    };
    let long = "ä".repeat(500);
    assert_eq!(acquire(&mut stage, &long, 1).status, 200);
    assert_eq!(acquire(&mut stage, &long, 0).code, Some(401));
    assert_eq!(acquire(&mut stage, &"x".repeat(1025), 1).code, Some(401));
    stage.started("room7", 1);
    assert_eq!(acquire(&mut stage, "room8", 0).code, Some(406));
    web(&mut stage, "https://example.org/");
    stage.started("lesson", 1);
    assert_eq!(acquire(&mut stage, "other", 1).code, Some(406));
}

#[test]
fn fields_of_start_are_checked_in_every_mode() {
    let check = |prepare: fn(&mut Stage), cases: &[(&str, &str, Value)]| {
        let mut stage = Stage::new();
        prepare(&mut stage);
        let resource_id = stage.acquired("room7", 1);
        let good: Value = serde_json::from_str(&stage.start_body("room7", 1)).expect("JSON");
        for (object, key, wrong) in cases {
            let mut bad = good.clone();
            let place = bad["clientRequest"].pointer_mut(object).unwrap_or_else(|| panic!("{object}"));
            place[*key] = wrong.clone();
            let answer = stage.answered(Operation::Start, (Some(&resource_id), None), &bad.to_string());
            assert_eq!((answer.status, answer.code), (400, Some(2)), "{object}/{key} = {wrong}");
        }
        let answer = stage.answered(Operation::Start, (Some(&resource_id), None), &good.to_string());
        assert!(matches!(answer.class, AnswerClass::Started(_)));
    };
    let (storage, recording) = ("/storageConfig", "/recordingConfig");
    check(
        |_| {},
        &[
            (storage, "vendor", json!(4)),
            (storage, "region", json!(17)),
            (storage, "accessKey", json!(null)),
            (storage, "stsExpiration", json!("soon")),
            (storage, "extensionParams", json!({"sse": "aes"})),
            (recording, "streamTypes", json!(3)),
            (recording, "streamMode", json!("original")),
            (recording, "videoStreamType", json!(2)),
            (recording, "subscribeAudioUids", json!(["0"])),
            (recording, "subscribeAudioUids", json!(vec!["1"; 33])),
            (recording, "subscribeUidGroup", json!(6)),
            (recording, "decryptionMode", json!(9)),
            (recording, "decryptionMode", json!(1)),
            (recording, "audioProfile", json!(3)),
            (recording, "privateParams", json!("{")),
            (recording, "transcodingConfig", json!({"width": 1920, "height": 1081})),
            (recording, "transcodingConfig", json!({"fps": 31})),
            (recording, "transcodingConfig", json!({"mixedVideoLayout": 4})),
            (recording, "transcodingConfig", json!({"layoutConfig": [{"x_axis": 0}]})),
            (recording, "transcodingConfig", json!({"backgroundConfig": [{"uid": "1"}]})),
            ("", "token", json!(5)),
            ("", "snapshotConfig", json!({"fileType": ["jpg"]})),
            ("", "extensionServiceConfig", json!({})),
        ],
    );
    check(
        individual,
        &[
            (recording, "subscribeUidGroup", json!(null)),
            (recording, "audioProfile", json!(0)),
            (recording, "transcodingConfig", json!({})),
            (recording, "streamMode", json!("original")),
            ("/recordingFileConfig", "avFileType", json!(["hls", "mp4"])),
            ("", "snapshotConfig", json!({"captureInterval": 4, "fileType": ["jpg"]})),
            ("", "snapshotConfig", json!({"fileType": ["png"]})),
        ],
    );
    let parameter = "/extensionServiceConfig/extensionServices/0/serviceParam";
    check(
        |stage| web(stage, "https://example.org/"),
        &[
            (parameter, "url", json!("example.org")),
            (parameter, "audioProfile", json!(3)),
            (parameter, "videoWidth", json!(1921)),
            (parameter, "videoFps", json!(4)),
            (parameter, "maxRecordingHour", json!(721)),
            (parameter, "maxVideoDuration", json!(29)),
            (parameter, "readyTimeout", json!(61)),
            (parameter, "onhold", json!("no")),
            ("/extensionServiceConfig/extensionServices/1/serviceParam", "outputs", json!([])),
            (
                "/extensionServiceConfig/extensionServices/1/serviceParam",
                "outputs",
                json!([{"rtmpUrl": "http://x"}]),
            ),
            ("/extensionServiceConfig/extensionServices/0", "serviceName", json!("upload_service")),
            ("/extensionServiceConfig", "errorHandlePolicy", json!("stop")),
        ],
    );
}

/// A stage on which one open question has this answer.
fn asked(question: &str) -> Stage {
    Stage::telling(1, |config| config.unknowns.set(question).expect("there is this question"))
}

#[test]
fn open_questions_of_answers_go_both_ways() {
    let told_sid = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("room7", 1);
        stage.start(&held.resource_id, "room7", 1).class
    };
    assert_eq!(told_sid("started-twice-returns-sid=no"), AnswerClass::AlreadyStarted(None));
    assert!(matches!(told_sid("started-twice-returns-sid=yes"), AnswerClass::AlreadyStarted(Some(_))));

    let after_65 = |question: &str| {
        let mut stage = asked(question);
        let resource_id = stage.acquired("room7", 1);
        stage.control("POST", "/simulator/conditions", &json!({"backend": "late"}));
        assert_eq!(stage.start(&resource_id, "room7", 1).class, AnswerClass::NotCompleted);
        stage.control("POST", "/simulator/conditions", &json!({"backend": "ready"}));
        stage.start(&resource_id, "room7", 1).status
    };
    assert_eq!((after_65("start-after-65=already-started"), after_65("start-after-65=sid")), (201, 200));
    assert_eq!((after_65("65-carried-out=yes"), after_65("65-carried-out=no")), (201, 200));

    let old = |question: &str| {
        asked(question).start(&agora::ResourceId::parse("R").expect("an ID"), "room7", 1).status
    };
    assert_eq!((old("older-codes-status=400"), old("older-codes-status=404")), (400, 404));

    let no_worker = |question: &str| {
        let mut stage = asked(question);
        stage.control("POST", "/simulator/conditions", &json!({"workers": 0}));
        let resource_id = stage.acquired("room7", 1);
        stage.start(&resource_id, "room7", 1).code
    };
    assert_eq!((no_worker("no-worker-code=502"), no_worker("no-worker-code=15")), (Some(502), Some(15)));

    let mismatch = |question: &str| {
        let mut stage = asked(question);
        let body = json!({"cname": "room7", "uid": "1", "clientRequest": {"startParameter": {"token": "x"}}});
        let acquired = stage.answered(Operation::Acquire, (None, None), &body.to_string()).class;
        let AnswerClass::Acquired(resource_id) = acquired else { panic!("{acquired:?}") };
        stage.start(&resource_id, "room7", 1).code
    };
    assert_eq!(mismatch("start-parameter-mismatch=2"), Some(2));
    assert_eq!(mismatch("start-parameter-mismatch=432"), Some(432));

    let bad_name = |question: &str| {
        let body = json!({"cname": "röom", "uid": "1", "clientRequest": {}});
        asked(question).answered(Operation::Acquire, (None, None), &body.to_string()).code
    };
    assert_eq!(bad_name("bad-channel-name-code=401"), Some(401));
    assert_eq!(bad_name("bad-channel-name-code=1013"), Some(1013));

    let bad_layout = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("room7", 1);
        stage.wait(10.0);
        let body = json!({"cname": "room7", "uid": "1", "clientRequest": {"mixedVideoLayout": 4}});
        raw(&mut stage, Operation::UpdateLayout, &held, &body.to_string()).1["code"].clone()
    };
    assert_eq!(bad_layout("bad-layout-code=2"), 2);
    assert_eq!(bad_layout("bad-layout-code=1028"), 1028);

    let away = |question: &str| {
        let mut stage = asked(question);
        let resource_id = stage.acquired("room7", 1);
        stage.control("POST", "/simulator/conditions", &json!({"backend": "away"}));
        stage.start(&resource_id, "room7", 1).code
    };
    assert_eq!((away("start-timeout-code=62"), away("start-timeout-code=52")), (Some(62), Some(52)));

    let checked = |question: &str| {
        let mut stage = asked(question);
        stage.control("POST", "/simulator/conditions", &json!({"token": "required"}));
        let resource_id = stage.acquired("room7", 1);
        stage.start(&resource_id, "room7", 1).status
    };
    assert_eq!((checked("token-checked=after-start"), checked("token-checked=at-start")), (200, 400));

    let expired = |question: &str| {
        let mut stage = asked(question);
        stage.settings.resource_expired_hours = 1;
        let held = stage.started("room7", 1);
        stage.wait(3600.0);
        queried(&mut stage, &held).1["code"].clone()
    };
    for (question, code) in [
        ("after-resource-expired=404", 404),
        ("after-resource-expired=1001", 1001),
        ("after-resource-expired=433", 433),
    ] {
        assert_eq!(expired(question), code);
    }

    let early = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("room7", 1);
        queried(&mut stage, &held).1["serverResponse"].get("fileList").cloned()
    };
    assert_eq!(early("file-list-before-first-slice=yes"), Some(json!("")));
    assert_eq!(early("file-list-before-first-slice=no"), None);

    let unit = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("room7", 1);
        stage.wait(60.0);
        queried(&mut stage, &held).1["serverResponse"]["sliceStartTime"].as_i64()
    };
    assert_eq!(unit("slice-start-unit=ms"), Some(1_700_000_003_000));
    assert_eq!(unit("slice-start-unit=s"), Some(1_700_000_003));

    let form = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("room7", 1);
        stage.kill(&held, Some(20_000));
        queried(&mut stage, &held).1.get("reason").is_some()
    };
    assert!(form("not-found-body=reason") && !form("not-found-body=server-response"));

    let late_query = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("room7", 1);
        stage.control("POST", "/simulator/conditions", &json!({"backend": "late"}));
        queried(&mut stage, &held).1.get("serverResponse").is_some()
    };
    assert!(!late_query("query-206-has-response=no") && late_query("query-206-has-response=yes"));

    let spelt = |question: &str, key: &str| {
        let mut stage = asked(question);
        let resource_id = stage.acquired("room7", 1);
        let mut body: Value = serde_json::from_str(&stage.start_body("room7", 1)).expect("JSON");
        body["clientRequest"]["recordingConfig"][key] = json!(["no UID"]);
        stage.answered(Operation::Start, (Some(&resource_id), None), &body.to_string()).status
    };
    let (lower, camel) = ("unsubscribeAudioUids", "unSubscribeAudioUids");
    let both = "unsubscribe-spelling=both";
    assert_eq!((spelt(both, lower), spelt(both, camel)), (400, 400));
    assert_eq!(
        (spelt("unsubscribe-spelling=unsubscribe", lower), spelt("unsubscribe-spelling=unsubscribe", camel)),
        (400, 200)
    );
    assert_eq!(
        (spelt("unsubscribe-spelling=unSubscribe", lower), spelt("unsubscribe-spelling=unSubscribe", camel)),
        (200, 400)
    );
}

#[test]
fn open_questions_of_stops_failovers_and_rates_go_both_ways() {
    let stop = |question: &str, async_stop: bool| {
        let mut stage = asked(question);
        let held = stage.started("room7", 1);
        stage.wait(60.0);
        let stopped = stopped(&mut stage, &held, async_stop).1;
        let again = stopped_body(&mut stage, &held);
        (stopped, queried(&mut stage, &held), again)
    };
    fn stopped_body(stage: &mut Stage, held: &Held) -> Value {
        stopped(stage, held, false).1
    }
    let lists = |question| stop(question, true).0["serverResponse"].get("fileList").is_some();
    assert!(!lists("async-stop-lists-files=no") && lists("async-stop-lists-files=yes"));
    let after = |question| stop(question, true).1;
    assert_eq!(after("query-after-async-stop=status").1["serverResponse"]["status"], 6);
    assert_eq!(after("query-after-async-stop=not-found").0, 404);
    assert_eq!(after("query-after-async-stop=501").1["code"], 501);
    let reason = |question| stop(question, false).2.get("reason").is_some();
    assert!(reason("code-49-body=reason") && !reason("code-49-body=server-response"));

    let slow = |question: &str, state: &str| {
        let mut stage = asked(question);
        stage.control("POST", "/simulator/storage", &json!({"bucket": "b", "state": state}));
        let held = stage.started("room7", 1);
        stage.wait(60.0);
        stopped(&mut stage, &held, false).0
    };
    assert_eq!((slow("code-50-status=504", "slow"), slow("code-50-status=500", "slow")), (504, 500));
    assert_eq!(slow("backuped-stop-status=200", "failing"), 200);
    assert_eq!(slow("backuped-stop-status=206", "failing"), 206);

    let moved = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("room7", 900_001);
        stage.listen(60.0, |_| FINE);
        stage.kill(&held, Some(10_000));
        let told = stage.listen(30.0, |_| FINE);
        let recorder = stage.truth(&held).legs[1].recorder_uid.clone();
        (stage, held, told, recorder)
    };
    let status = |question: &str| {
        let (mut stage, held, ..) = moved(question);
        queried(&mut stage, &held).0
    };
    assert_eq!((status("failover-keeps-sid=yes"), status("failover-keeps-sid=no")), (200, 404));
    let names = |question: &str| {
        let (mut stage, held, ..) = moved(question);
        queried(&mut stage, &held).1["serverResponse"]["fileList"]
            .as_str()
            .map_or(0, |list| list.split(';').count())
    };
    assert_eq!((names("files-after-failover=newest-leg"), names("files-after-failover=all-legs")), (1, 2));
    for (question, original, by_recorder) in [
        ("uid-after-failover=original", 200, 400),
        ("uid-after-failover=recorder", 400, 200),
        ("uid-after-failover=either", 200, 200),
    ] {
        let (mut stage, held, _, recorder) = moved(question);
        let layout = |uid: &str| {
            json!({"cname": "room7", "uid": uid, "clientRequest": {"mixedVideoLayout": 1}}).to_string()
        };
        assert_eq!(
            raw(&mut stage, Operation::UpdateLayout, &held, &layout("900001")).0,
            original,
            "{question}"
        );
        assert_eq!(
            raw(&mut stage, Operation::UpdateLayout, &held, &layout(&recorder)).0,
            by_recorder,
            "{question}"
        );
    }
    let told_by = |question: &str| {
        let (_, _, told, recorder) = moved(question);
        let notice = told.iter().find(|delivery| delivery.event == 12).expect("it is told");
        let body: Value = serde_json::from_slice(&notice.body).expect("JSON");
        (body["payload"]["uid"] == recorder.as_str(), body["payload"]["sendts"].as_i64().unwrap_or(0))
    };
    assert!(!told_by("failover-notice-uid=old").0 && told_by("failover-notice-uid=new").0);
    assert_eq!(told_by("failover-noticed=rejoin").1 - told_by("failover-noticed=detection").1, 10_000);
    let count = |question: &str, event: u16| {
        let (_, _, told, _) = moved(question);
        details(&told, event).len()
    };
    assert_eq!((count("old-leg-speaks=yes", 41), count("old-leg-speaks=no", 41)), (1, 0));
    assert_eq!((count("old-leg-exits=no", 11), count("old-leg-exits=yes", 11)), (0, 1));
    assert_eq!((count("event-13-again=no", 13), count("event-13-again=yes", 13)), (0, 1));

    let by_region = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("room7", 1);
        stage.domain = simulator::Domain::Region;
        queried(&mut stage, &held).0
    };
    assert_eq!(
        (by_region("region-reaches-all-sessions=yes"), by_region("region-reaches-all-sessions=no")),
        (200, 404)
    );

    let limited = |question: &str| {
        let mut stage = Stage::with(1, |config| {
            config.queries_per_second = 3;
            config.unknowns.set(question).expect("there is this question");
        });
        stage.wait(0.9);
        for _ in 0..3 {
            stage.acquired("room7", 1);
        }
        stage.wait(0.2);
        let acquire = stage.acquire("room7", 1);
        let other = stage.start(&agora::ResourceId::parse("R").expect("an ID"), "room7", 1);
        (acquire.status, other.status)
    };
    assert_eq!(limited("rate-window=sliding"), (429, 429));
    assert_eq!(limited("rate-window=calendar-second").0, 200);
    assert_eq!(limited("rate-per-operation=no"), (429, 429));
    assert_eq!(limited("rate-per-operation=yes"), (429, 400));
    let header = |question: &str| {
        let mut stage = Stage::with(1, |config| {
            config.queries_per_second = 0;
            config.unknowns.set(question).expect("there is this question");
        });
        match stage.raw("POST", "/v1/apps/demo/cloud_recording/acquire", "{}").outcome {
            Outcome::Answered(reply) => reply.retry_after_s,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((header("429-tells-retry-after=no"), header("429-tells-retry-after=yes")), (None, Some(1)));

    let name = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("a_b", 1);
        stage.wait(60.0);
        stage.status(&held).files[0].name.ends_with("_a_b.m3u8")
    };
    assert!(!name("special-characters-replaced=yes") && name("special-characters-replaced=no"));
}

#[test]
fn open_questions_of_notifications_go_both_ways() {
    let told = |question: &str| {
        let mut stage = asked(question);
        let held = stage.started("room7", 1);
        let mut told = stage.listen(60.0, |_| FINE);
        stage.stop(&held, true);
        told.extend(stage.listen(60.0, |_| FINE));
        told.iter()
            .map(|delivery| serde_json::from_slice(&delivery.body).expect("JSON"))
            .collect::<Vec<Value>>()
    };
    let find = |bodies: &[Value], event: u16| {
        bodies.iter().position(|body| body["eventType"] == event).map(|index| bodies[index].clone())
    };
    assert!(find(&told("event-13=yes"), 13).is_some() && find(&told("event-13=no"), 13).is_none());
    let registered =
        |question: &str| find(&told(question), 13).expect("it is told")["payload"]["details"].clone();
    assert_eq!(registered("event-13-details=nothing"), json!({"msgName": "ha_register_success"}));
    assert_eq!(registered("event-13-details=status")["status"], 0);
    assert!(told("envelope-sid=yes").iter().all(|body| body["sid"] == body["payload"]["sid"]));
    assert!(told("envelope-sid=no").iter().all(|body| body.get("sid").is_none()));
    assert_eq!(told("sendts-unit=s")[0]["payload"]["sendts"], 1_700_000_003);
    assert_eq!(told("sendts-unit=ms")[0]["payload"]["sendts"], 1_700_000_003_000_i64);
    assert_eq!(told("service-scene=yes")[0]["payload"]["serviceScene"], "rtc_record");
    assert!(told("service-scene=no")[0]["payload"].get("serviceScene").is_none());
    let drifted = told("notification-drift=yes");
    let details = |event: u16| find(&drifted, event).expect("it is told")["payload"]["details"].clone();
    assert_eq!(details(31)["status"], "0");
    assert!(details(31)["fileList"][0]["filename"].is_string());
    assert_eq!(details(11)["leaveStatus"], 0);
    assert!(details(43)["utcMs"].is_number());
    let at = |bodies: &[Value], event: u16| {
        find(bodies, event).and_then(|body| body["payload"]["sendts"].as_i64())
    };
    let early = told("exit-before-upload=yes");
    assert!(at(&early, 11) < at(&early, 31));
    let late = told("exit-before-upload=no");
    assert_eq!(at(&late, 11), at(&late, 31));
    let modules = told("sequence-scope=module");
    assert_eq!(find(&modules, 30).map(|body| body["payload"]["sequence"].clone()), Some(json!(0)));
    assert_eq!(find(&modules, 40).map(|body| body["payload"]["sequence"].clone()), Some(json!(0)));
    let session = told("sequence-scope=session");
    assert_eq!(find(&session, 40).map(|body| body["payload"]["sequence"].clone()), Some(json!(1)));

    let leg = told("sequence-scope=leg");
    assert_eq!(find(&leg, 40).map(|body| body["payload"]["sequence"].clone()), Some(json!(1)));
    let plain = told("notification-drift=no");
    let plainly = |event: u16| find(&plain, event).expect("it is told")["payload"]["details"].clone();
    assert_eq!((plainly(31)["status"].clone(), plainly(11)["exitStatus"].clone()), (json!(0), json!(0)));
    assert!(plainly(31)["fileList"][0]["fileName"].is_string() && plainly(43)["UtcMs"].is_number());

    let ids = |question: &str| {
        let mut stage = Stage::with(1, |config| {
            config.notifications = Some(Notifications { redundant: true, ..Notifications::default() });
            config.unknowns.set(question).expect("there is this question");
        });
        stage.started("room7", 1);
        let told = stage.listen(20.0, |_| FINE);
        let of_40 = told.iter().filter(|delivery| delivery.event == 40);
        of_40.map(|delivery| delivery.notice_id.clone()).collect::<Vec<String>>()
    };
    let (same, other) = (ids("redundant-same-notice-id=yes"), ids("redundant-same-notice-id=no"));
    assert!(same.len() == 2 && same[0] == same[1], "{same:?}");
    assert!(other.len() == 2 && other[0] != other[1], "{other:?}");

    let test = |question: &str| {
        let mut stage = asked(question);
        stage.service.send_test_events(stage.now);
        let told = stage.listen(5.0, |_| FINE).remove(0);
        (
            told.signed,
            serde_json::from_slice::<Value>(&told.body).expect("JSON")["payload"].get("sid").cloned(),
        )
    };
    assert!(test("test-event-signed=yes").0 && !test("test-event-signed=no").0);
    assert_eq!((test("test-event-sid=absent").1, test("test-event-sid=empty").1), (None, Some(json!(""))));
    assert!(
        test("test-event-sid=made-up").1.is_some_and(|sid| sid.as_str().is_some_and(|sid| sid.len() == 32))
    );
}

#[test]
fn the_addresses_of_notifications_are_told_by_either_path() {
    let asked = |question: &str, version: u8, authorization: Option<&str>| {
        let mut stage = asked(question);
        let request = simulator::Incoming {
            domain: simulator::Domain::Primary,
            host: "api.sd-rtn.com".to_owned(),
            method: "GET".to_owned(),
            target: format!("/v{version}/ncs/ip"),
            authorization: authorization.map(str::to_owned),
            content_type: None,
            body: Vec::new(),
        };
        match stage.service.handle(stage.now, &request).outcome {
            Outcome::Answered(reply) => {
                let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
                (reply.status, body["data"]["service"]["hosts"][0]["primaryIP"].clone())
            }
            other => panic!("{other:?}"),
        }
    };
    let own = Some("Basic a2V5OnNlY3JldA==");
    let told = (200, json!("127.0.0.1"));
    for version in [1, 2] {
        assert_eq!(asked("ncs-ip-path=both", version, own), told);
        assert_eq!(asked("ncs-ip-path=both", version, None).0, 401);
        assert_eq!(asked("ncs-ip-path=v1", version, own).0, if version == 1 { 200 } else { 404 });
        assert_eq!(asked("ncs-ip-path=v2", version, own).0, if version == 2 { 200 } else { 404 });
    }
}

/// A client that knows no absent field, and words that are empty, as the official clients send them.
#[test]
fn null_and_empty_words_are_as_good_as_absent() {
    let mut stage = Stage::new();
    let body = json!({"cname": "room7", "uid": "1", "clientRequest": {
        "scene": null, "resourceExpiredHour": null, "region": "", "regionAffinity": null,
        "excludeResourceIds": null, "startParameter": null,
    }});
    let AnswerClass::Acquired(resource_id) =
        stage.answered(Operation::Acquire, (None, None), &body.to_string()).class
    else {
        panic!("it is acquired")
    };
    let body = json!({"cname": "room7", "uid": "1", "clientRequest": {
        "token": "", "appsCollection": {"combinationPolicy": "default"}, "snapshotConfig": null,
        "extensionServiceConfig": null, "recordingFileConfig": {"avFileType": null},
        "recordingConfig": {
            "channelType": 1, "streamTypes": 2, "streamMode": "", "decryptionMode": null, "secret": "", "salt": null,
            "audioProfile": null, "videoStreamType": 0, "maxIdleTime": null, "subscribeUidGroup": 0,
            "subscribeAudioUids": null, "unSubscribeAudioUids": null, "privateParams": null,
            "transcodingConfig": {
                "width": 640, "height": null, "backgroundColor": "", "backgroundImage": null,
                "maxResolutionUid": "", "layoutConfig": null, "backgroundConfig": null,
            },
        },
        "storageConfig": {
            "vendor": 1, "region": 0, "bucket": "b", "accessKey": "A", "secretKey": "S", "stsToken": null,
            "stsExpiration": null, "fileNamePrefix": null, "extensionParams": {"sse": "", "tag": ""},
        },
    }});
    let answered = stage.answered(Operation::Start, (Some(&resource_id), None), &body.to_string());
    assert!(matches!(answered.class, AnswerClass::Started(_)), "{answered:?}");
}

#[test]
fn every_switch_is_tried_with_each_of_its_words() {
    let tests =
        [include_str!("modes.rs"), include_str!("behaviour.rs"), include_str!("notifications.rs")].concat();
    for [name, words, ..] in simulator::Unknowns::default().table() {
        if words.contains('…') {
            let tried: std::collections::BTreeSet<&str> = tests
                .split(&format!("\"{name}="))
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .collect();
            assert!(tried.len() >= 2, "{name}: {tried:?}");
            continue;
        }
        for word in words.split('|') {
            assert!(tests.contains(&format!("\"{name}={word}\"")), "no test says {name}={word}");
        }
    }
}

#[test]
fn the_document_lists_every_switch() {
    let document = include_str!("../../../docs/simulator.md");
    let of_document: Vec<&str> =
        document.lines().skip_while(|line| !line.contains("`--unknown NAME=VALUE`; the tests")).collect();
    for [name, words, default, about] in simulator::Unknowns::default().table() {
        let words: Vec<String> = words.split('|').map(|word| format!("`{word}`")).collect();
        let row = format!("| `{name}` | {} | `{default}` | {about} |", words.join(", "));
        assert!(of_document.contains(&row.as_str()), "docs/simulator.md lacks: {row}");
    }
}
