//! The bytes that go out: names, nesting and order are the service's, and the same request has the same bytes.

use agora::request::{
    AvFileType, ChannelType, Fraction, Layout, LayoutPlace, MixedVideoLayout, Region, SnapshotConfig,
    StorageConfig, TranscodingConfig, UpdateSettings, WebRecorder, acquire_body, path, start_body, stop_body,
    update_body, update_layout_body,
};
use agora::{AppId, ChannelName, Mode, Operation, RecordingSettings, ResourceId, Sid, Uid};
use proptest::prelude::*;

const UID: Uid = Uid::new(900_001).expect("not 0");

fn room() -> ChannelName {
    ChannelName::parse("room7").expect("a channel name")
}

fn storage() -> StorageConfig {
    StorageConfig {
        vendor: 1,
        region: 0,
        bucket: "b".to_owned(),
        access_key: "A".to_owned(),
        secret_key: "S3CRET".to_owned(),
        sts_token: None,
        sts_expiration: None,
        file_name_prefix: vec!["dept".to_owned(), "room7".to_owned()],
        extension_params: None,
    }
}

#[test]
fn the_paths_of_the_six_calls() {
    let app_id = AppId::parse("demo").expect("an App ID");
    let resource_id = ResourceId::parse("R-_").expect("a resource ID");
    let sid = Sid::parse("0123456789").expect("a sid");
    let of = |operation| path(&app_id, operation, Mode::Mix, Some(&resource_id), Some(&sid));
    assert_eq!(of(Operation::Acquire).as_deref(), Some("/v1/apps/demo/cloud_recording/acquire"));
    assert_eq!(
        of(Operation::Start).as_deref(),
        Some("/v1/apps/demo/cloud_recording/resourceid/R-_/mode/mix/start")
    );
    for (operation, name) in [
        (Operation::Query, "query"),
        (Operation::Update, "update"),
        (Operation::UpdateLayout, "updateLayout"),
        (Operation::Stop, "stop"),
    ] {
        let expected = format!("/v1/apps/demo/cloud_recording/resourceid/R-_/sid/0123456789/mode/mix/{name}");
        assert_eq!(of(operation), Some(expected));
        assert_eq!(path(&app_id, operation, Mode::Mix, Some(&resource_id), None), None);
        assert_eq!(path(&app_id, operation, Mode::Mix, None, Some(&sid)), None);
    }
}

/// Any text, and texts that try to be something else than a segment of a path.
fn hostile() -> impl Strategy<Value = String> {
    let tricks = ["..", "/", "?", "#", "%2f", "\r\n", "@", ":", "\\", " ", "\0", "\u{202e}", "a-b_9"];
    let pieces = prop::collection::vec(prop::sample::select(tricks.to_vec()), 1..6);
    prop_oneof![
        any::<String>(),
        "[A-Za-z0-9_-]{0,80}",
        "[ -~]{1,40}",
        pieces.prop_map(|pieces| pieces.concat())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_the_ids_are_a_path_has_the_form_of_its_call_or_there_is_none(
        app_id in hostile(), resource_id in hostile(), sid in hostile(),
    ) {
        let (resource_id, sid) = (ResourceId::parse(resource_id).ok(), Sid::parse(sid).ok());
        let app_id = AppId::parse(app_id).or_else(|_| AppId::parse("demo")).expect("an App ID");
        let plain = |segment: &str| {
            !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        for operation in Operation::ALL {
            for mode in [Mode::Mix, Mode::Individual, Mode::Web] {
                let Some(path) = path(&app_id, operation, mode, resource_id.as_ref(), sid.as_ref()) else {
                    prop_assert!(operation != Operation::Acquire);
                    continue;
                };
                let segments: Vec<&str> = path.strip_prefix('/').expect("it is absolute").split('/').collect();
                prop_assert!(segments.iter().all(|segment| plain(segment)), "{}", path);
                let (name, mode) = (operation.to_string(), mode.to_string());
                let fits = match segments.as_slice() {
                    ["v1", "apps", _, "cloud_recording", last] => *last == "acquire" && name == "acquire",
                    ["v1", "apps", _, "cloud_recording", "resourceid", _, "mode", of, last] => {
                        *last == "start" && name == "start" && *of == mode
                    }
                    ["v1", "apps", _, "cloud_recording", "resourceid", _, "sid", _, "mode", of, last] => {
                        *last == name && *of == mode && !matches!(*last, "acquire" | "start")
                    }
                    _ => false,
                };
                prop_assert!(fits, "{}", path);
            }
        }
    }
}

#[test]
fn the_bodies_of_composite_mode() {
    let mut settings = RecordingSettings::default();
    assert_eq!(
        acquire_body(&room(), UID, &settings, &[]),
        r#"{"cname":"room7","uid":"900001","clientRequest":{"scene":0,"resourceExpiredHour":720}}"#
    );
    settings.region = Some(Region::Eu);
    let other = ResourceId::parse("R1").expect("a resource ID");
    assert_eq!(
        acquire_body(&room(), UID, &settings, &[other]),
        r#"{"cname":"room7","uid":"900001","clientRequest":{"scene":0,"resourceExpiredHour":720,"region":"EU","excludeResourceIds":["R1"]}}"#
    );
    settings.av_file_types = vec![AvFileType::Hls, AvFileType::Mp4];
    settings.recording_config.channel_type = ChannelType::Live;
    settings.recording_config.transcoding_config = Some(TranscodingConfig::default());
    assert_eq!(
        start_body(&room(), UID, &settings, &storage(), Some("007")),
        concat!(
            r#"{"cname":"room7","uid":"900001","clientRequest":{"token":"007","#,
            r#""recordingConfig":{"channelType":1,"streamTypes":2,"maxIdleTime":300,"#,
            r#""transcodingConfig":{"width":360,"height":640,"fps":15,"bitrate":500,"mixedVideoLayout":0}},"#,
            r#""recordingFileConfig":{"avFileType":["hls","mp4"]},"#,
            r#""storageConfig":{"vendor":1,"region":0,"bucket":"b","accessKey":"A","secretKey":"S3CRET","#,
            r#""fileNamePrefix":["dept","room7"]}}}"#
        )
    );
    assert_eq!(
        stop_body(&room(), UID, true),
        r#"{"cname":"room7","uid":"900001","clientRequest":{"async_stop":true}}"#
    );
}

#[test]
fn the_bodies_of_individual_mode() {
    let mut settings = RecordingSettings { mode: Mode::Individual, ..RecordingSettings::default() };
    settings.recording_config.subscribe_uid_group = Some(1);
    settings.recording_config.subscribe_audio_uids = vec!["#allstream#".to_owned()];
    settings.snapshot = Some(SnapshotConfig { capture_interval: 10 });
    let body = start_body(&room(), UID, &settings, &storage(), None);
    assert!(body.contains(r##""subscribeAudioUids":["#allstream#"],"subscribeUidGroup":1"##), "{body}");
    assert!(body.contains(r#""snapshotConfig":{"captureInterval":10,"fileType":["jpg"]}"#), "{body}");
}

#[test]
fn the_bodies_of_web_mode() {
    let page = WebRecorder {
        url: "https://example.org/".to_owned(),
        audio_profile: 1,
        video_width: 1280,
        video_height: 720,
        max_recording_hour: 2,
        video_bitrate: None,
        video_fps: Some(15),
        mobile: None,
        max_video_duration: None,
        onhold: None,
        ready_timeout: None,
    };
    let settings = RecordingSettings {
        mode: Mode::Web,
        web: Some(page),
        rtmp_url: Some("rtmp://x/y".to_owned()),
        ..RecordingSettings::default()
    };
    assert!(acquire_body(&room(), UID, &settings, &[]).contains(r#""scene":1"#));
    let body = start_body(&room(), UID, &settings, &storage(), Some("007"));
    assert!(!body.contains("token") && !body.contains("recordingConfig"), "{body}");
    assert!(
        body.contains(concat!(
            r#""extensionServiceConfig":{"errorHandlePolicy":"error_abort","extensionServices":["#,
            r#"{"serviceName":"web_recorder_service","errorHandlePolicy":"error_abort","serviceParam":"#,
            r#"{"url":"https://example.org/","audioProfile":1,"videoWidth":1280,"videoHeight":720,"#,
            r#""maxRecordingHour":2,"videoFps":15}},"#,
            r#"{"serviceName":"rtmp_publish_service","errorHandlePolicy":"error_ignore","serviceParam":"#,
            r#"{"outputs":[{"rtmpUrl":"rtmp://x/y"}]}}]}"#
        )),
        "{body}"
    );
}

#[test]
fn the_bodies_of_changes() {
    let third = Fraction::from_millionths(333_333).expect("below 1");
    let place = LayoutPlace {
        uid: Some("7".to_owned()),
        x_axis: Fraction::default(),
        y_axis: third,
        width: Fraction::ONE,
        height: third,
        alpha: None,
        render_mode: Some(1),
    };
    let layout = Layout {
        mixed_video_layout: MixedVideoLayout::Custom,
        layout_config: vec![place],
        ..Layout::default()
    };
    assert_eq!(
        update_layout_body(&room(), UID, &layout),
        concat!(
            r#"{"cname":"room7","uid":"900001","clientRequest":{"mixedVideoLayout":3,"layoutConfig":["#,
            r#"{"uid":"7","x_axis":0.0,"y_axis":0.333333,"width":1.0,"height":0.333333,"render_mode":1}]}}"#
        )
    );
    let update =
        UpdateSettings { subscribe_audio_uids: Some(vec!["7".to_owned()]), ..UpdateSettings::default() };
    assert_eq!(
        update_body(&room(), UID, &update, None),
        concat!(
            r#"{"cname":"room7","uid":"900001","clientRequest":{"streamSubscribe":{"audioUidList":"#,
            r#"{"subscribeAudioUids":["7"]}}}}"#
        )
    );
    let pause = UpdateSettings { onhold: Some(true), ..UpdateSettings::default() };
    assert!(update_body(&room(), UID, &pause, None).contains(r#"{"webRecordingConfig":{"onhold":true}}"#));
}

#[test]
fn the_same_request_has_the_same_bytes_after_a_journey_through_the_journal() {
    let mut settings = RecordingSettings::default();
    settings.recording_config.transcoding_config = Some(TranscodingConfig::default());
    let kept = serde_json::to_string(&settings).expect("settings serialise");
    let again: RecordingSettings = serde_json::from_str(&kept).expect("and are read");
    assert_eq!(again, settings);
    assert_eq!(
        start_body(&room(), UID, &again, &storage(), None),
        start_body(&room(), UID, &settings, &storage(), None)
    );
    let least: RecordingSettings = serde_json::from_str("{}").expect("every field has a default");
    assert_eq!(least, RecordingSettings::default());
}

#[test]
fn a_setting_with_a_slip_in_its_name_is_refused_and_not_dropped() {
    for wrong in [
        r#"{"recordingConfig":{}}"#,
        r#"{"recording_config":{"max_idle_time":30}}"#,
        r#"{"recording_config":{"maxIdleTime":"30"}}"#,
        r#"{"recording_config":{"channelType":2}}"#,
        r#"{"av_file_types":["HLS"]}"#,
    ] {
        assert!(serde_json::from_str::<RecordingSettings>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_storage_profile_shows_no_credential_in_a_log() {
    let shown = format!("{:?}", storage());
    assert!(!shown.contains("S3CRET") && !shown.contains("access"), "{shown}");
}
