//! The simulated service through virtual time: each behaviour that the documents promise, and each fault on request.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use agora::request::acquire_body;
use agora::{AnswerClass, Mode, Operation, ResourceId, Sid, Timestamp, Uid, classify};
use common::{Held, START_OF_TIME, Stage, answer, names};
use serde_json::{Value, json};
use simulator::{
    Calls, Domain, EndedHow, Fault, FaultKind, Incoming, Ledger, Manner, Outcome, SessionState, StrangeBody,
    Target,
};

#[test]
fn a_session_goes_from_status_0_to_5_and_names_its_file() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 900_001);
    let mut statuses = Vec::new();
    for _ in 0..170 {
        let answer = stage.status(&held);
        if statuses.last() != Some(&answer.status) {
            statuses.push(answer.status);
        }
        assert_eq!(answer.files.is_empty(), answer.status < 5);
        stage.wait(0.25);
    }
    assert_eq!(statuses, [0, 1, 2, 3, 4, 5]);
    let mut stage = Stage::new();
    let other = stage.started("room8", 900_001);
    let began = stage.now;
    for (millis, before, from_then) in [(700, 0, 1), (1400, 1, 2), (2200, 2, 3), (3000, 3, 4), (15_000, 4, 5)]
    {
        stage.now = began + Duration::from_millis(millis - 1);
        assert_eq!(stage.status(&other).status, before, "just before {millis} ms");
        stage.wait(0.001);
        assert_eq!(stage.status(&other).status, from_then, "at {millis} ms");
    }
}

#[test]
fn the_index_lies_in_the_folders_of_its_profile() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 900_001);
    stage.wait(15.0);
    let files = stage.status(&held).files;
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].name, format!("dept/{}_room7.m3u8", held.sid));
}

#[test]
fn hls_and_mp4_are_listed_as_objects() {
    let mut stage = Stage::new();
    stage.settings.av_file_types = vec![agora::request::AvFileType::Hls, agora::request::AvFileType::Mp4];
    let held = stage.started("a_b", 900_001);
    stage.wait(20.0);
    let files: Vec<String> = stage.status(&held).files.into_iter().map(|file| file.name).collect();
    assert_eq!(files, [format!("dept/{}_a-b.m3u8", held.sid), format!("dept/{}_a-b_0.mp4", held.sid)]);
}

#[test]
fn a_stop_ends_with_6_then_7_then_404_and_a_second_one_meets_49() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 900_001);
    stage.wait(60.0);
    let handled = stage.stop(&held, false);
    let upload = handled.at.since(stage.now);
    assert!(
        (2.0..=6.0).contains(&upload.as_secs_f64()),
        "a synchronous stop waits for the upload: {upload:?}"
    );
    assert_eq!(stage.status(&held).status, 6);
    assert_eq!(stage.stopped(&held), AnswerClass::AlreadyExiting);
    assert_eq!(stage.truth(&held).state, SessionState::Stopping);
    assert!(!stage.truth(&held).live);
    stage.now = handled.at;
    assert_eq!(stage.status(&held).status, 7);
    stage.wait(4.0);
    assert_eq!(stage.query(&held), AnswerClass::ServiceNotFound);
    assert_eq!(stage.stopped(&held), AnswerClass::ServiceNotFound);
    let truth = stage.truth(&held);
    assert_eq!((truth.state, truth.ended_how), (SessionState::Ended, Some(EndedHow::Stopped)));
}

#[test]
fn an_asynchronous_stop_is_answered_at_once() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 900_001);
    stage.wait(60.0);
    let handled = stage.stop(&held, true);
    assert!(handled.at.since(stage.now) < Duration::from_millis(200));
    let Outcome::Answered(reply) = handled.outcome else { panic!("answered") };
    let class = classify(Operation::Stop, Mode::Mix, reply.status, None, &reply.body).class;
    let AnswerClass::Stopped(stopped) = class else { panic!("{class:?}") };
    assert_eq!((stopped.uploading_status.as_deref(), stopped.files.len()), (Some("unknown"), 0));
    assert_eq!(stage.status(&held).status, 6);
}

#[test]
fn an_upload_that_takes_longer_than_20_seconds_is_code_50() {
    let long = Duration::from_secs(25);
    let mut stage = Stage::with(1, |config| config.upload = (long, long));
    let held = stage.started("room7", 900_001);
    stage.wait(60.0);
    let handled = stage.stop(&held, false);
    assert_eq!(handled.at.since(stage.now), Duration::from_secs(20));
    let Outcome::Answered(reply) = handled.outcome else { panic!("answered") };
    let class = classify(Operation::Stop, Mode::Mix, reply.status, None, &reply.body).class;
    assert_eq!(class, AnswerClass::UploadTimeout);
}

#[test]
fn a_stop_before_anything_was_recorded_is_206_with_435_and_ends_it() {
    let mut stage = Stage::new();
    stage.service.set_publishers(stage.now, "room7", 0);
    let held = stage.started("room7", 900_001);
    stage.wait(60.0);
    assert_eq!(stage.status(&held).status, 4);
    assert_eq!(stage.stopped(&held), AnswerClass::NoRecordedData);
    stage.wait(5.0);
    assert_eq!(stage.query(&held), AnswerClass::ServiceNotFound);
}

#[test]
fn a_channel_that_stays_empty_ends_its_session_after_max_idle_time() {
    let mut stage = Stage::new();
    stage.settings.recording_config.max_idle_time = 30;
    let held = stage.started("room7", 900_001);
    let other = stage.started("room8", 900_001);
    stage.wait(100.0);
    stage.service.set_publishers(stage.now, "room7", 0);
    stage.wait(29.0);
    stage.service.set_publishers(stage.now, "room7", 1);
    stage.wait(10.0);
    stage.service.set_publishers(stage.now, "room7", 0);
    let emptied = stage.now;
    stage.wait(29.9);
    assert_eq!(stage.status(&held).status, 5);
    stage.wait(0.2);
    assert_eq!(stage.status(&held).status, 6);
    stage.wait(10.0);
    assert_eq!(stage.query(&held), AnswerClass::ServiceNotFound);
    let truth = stage.truth(&held);
    assert_eq!((truth.ended_how, truth.live), (Some(EndedHow::Idle), false));
    assert_eq!(truth.legs[0].ended_at, Some(emptied + Duration::from_secs(30)));
    assert_eq!(stage.status(&other).status, 5);
}

#[test]
fn the_first_file_comes_12_seconds_after_somebody_publishes() {
    let mut stage = Stage::new();
    stage.service.set_publishers(stage.now, "room7", 0);
    let held = stage.started("room7", 1);
    stage.wait(60.0);
    stage.service.set_publishers(stage.now, "room7", 1);
    stage.wait(8.0);
    // One more publisher begins nothing anew.
    stage.service.set_publishers(stage.now, "room7", 2);
    stage.wait(3.9);
    assert_eq!(stage.status(&held).status, 4);
    stage.wait(0.1);
    assert_eq!(stage.status(&held).status, 5);
}

#[test]
fn a_resource_id_can_be_started_for_five_minutes_and_once() {
    let mut stage = Stage::new();
    let in_time = stage.acquired("room7", 1);
    let too_late = stage.acquired("room8", 1);
    stage.wait(300.0);
    assert!(matches!(stage.start(&in_time, "room7", 1).class, AnswerClass::Started(_)));
    stage.wait(0.1);
    let late = stage.start(&too_late, "room8", 1);
    assert_eq!((late.status, late.code, late.class), (400, Some(433), AnswerClass::ResourceExpired));
    let again = stage.start(&in_time, "room7", 1);
    assert_eq!((again.status, again.code, again.class), (201, Some(7), AnswerClass::AlreadyStarted(None)));
    assert_eq!(stage.ledger().sessions.len(), 1);
    let unknown = ResourceId::parse("R").expect("a resource ID");
    assert_eq!(stage.start(&unknown, "room7", 1).code, Some(1001));
    let other = stage.acquired("room9", 1);
    assert_eq!(stage.start(&other, "room9", 2).code, Some(432));
}

#[test]
fn a_second_start_can_be_told_the_sid() {
    let mut stage = Stage::with(1, |config| config.unknowns.started_twice_returns_sid = true);
    let held = stage.started("room7", 1);
    let again = stage.start(&held.resource_id, "room7", 1);
    assert_eq!(again.class, AnswerClass::AlreadyStarted(Some(held.sid)));
}

#[test]
fn a_uid_is_in_use_in_its_channel_until_its_session_is_over() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 1);
    let resource_id = stage.acquired("room7", 1);
    assert_eq!(stage.start(&resource_id, "room7", 1).class, AnswerClass::TaskConflict);
    stage.started("room7", 2);
    stage.started("room8", 1);
    stage.wait(60.0);
    stage.kill(&held, Some(20_000));
    assert_eq!(stage.start(&resource_id, "room7", 1).class, AnswerClass::TaskConflict);
    stage.wait(20.0);
    let recorder: u32 = stage.truth(&held).legs[1].recorder_uid.parse().expect("a UID");
    let taken = stage.acquired("room7", recorder);
    assert_eq!(stage.start(&taken, "room7", recorder).class, AnswerClass::TaskConflict);
    assert!(matches!(stage.stopped(&held), AnswerClass::Stopped(_)));
    assert_eq!(stage.start(&resource_id, "room7", 1).class, AnswerClass::TaskConflict);
    stage.wait(10.0);
    assert!(matches!(stage.start(&resource_id, "room7", 1).class, AnswerClass::Started(_)));
}

#[test]
fn pcw_counts_live_sessions() {
    let mut stage = Stage::with(1, |config| config.concurrent_sessions = 2);
    let first = stage.started("a", 1);
    stage.started("b", 1);
    let refused = stage.acquire("c", 1);
    assert_eq!((refused.status, refused.code, refused.class), (400, Some(406), AnswerClass::PcwReached));
    stage.wait(60.0);
    assert!(matches!(stage.stopped(&first), AnswerClass::Stopped(_)));
    stage.acquired("c", 1);
}

#[test]
fn ten_requests_are_let_through_in_any_second() {
    let mut stage = Stage::with(1, |config| config.queries_per_second = 10);
    let held = stage.started("room7", 1);
    stage.wait(1.0);
    let limited = AnswerClass::RateLimited { retry_after: None };
    for _ in 0..5 {
        stage.status(&held);
    }
    stage.wait(0.6);
    for _ in 0..5 {
        stage.status(&held);
    }
    assert_eq!(stage.query(&held), limited);
    stage.wait(0.399);
    assert_eq!(stage.query(&held), limited);
    stage.wait(0.001);
    for _ in 0..5 {
        stage.status(&held);
    }
    assert_eq!(stage.query(&held), limited);
}

#[test]
fn control_ends_with_resource_expired_hour_and_the_recording_does_not() {
    let mut stage = Stage::new();
    stage.settings.resource_expired_hours = 1;
    let held = stage.started("room7", 1);
    stage.wait(3599.0);
    stage.status(&held);
    stage.wait(1.0);
    assert_eq!(stage.query(&held), AnswerClass::ServiceNotFound);
    assert_eq!(stage.stopped(&held), AnswerClass::ServiceNotFound);
    assert!(stage.truth(&held).live);
}

#[test]
fn a_killed_process_is_404_for_at_most_30_seconds_and_then_a_new_leg() {
    for seed in 0..40 {
        let mut stage = Stage::with(seed, |_| {});
        let held = stage.started("room7", 900_001);
        stage.wait(60.0);
        stage.kill(&held, None);
        let killed_at = stage.now;
        assert_eq!(stage.query(&held), AnswerClass::ServiceNotFound);
        assert_eq!(stage.stopped(&held), AnswerClass::ServiceNotFound);
        assert_eq!(stage.truth(&held).state, SessionState::FailingOver);
        assert!(stage.truth(&held).live);
        while stage.query(&held) == AnswerClass::ServiceNotFound {
            stage.wait(1.0);
        }
        let gap = stage.now.since(killed_at);
        assert!((5..=30).contains(&gap.as_secs()), "seed {seed}: {gap:?}");
        let answer = stage.status(&held);
        assert_eq!(answer.status, 5);
        assert_eq!(answer.files[0].name, format!("dept/bak0_{}_room7.m3u8", held.sid));
        let truth = stage.truth(&held);
        assert_eq!((truth.failovers, truth.legs.len(), truth.state), (1, 2, SessionState::Recording));
        assert_ne!(truth.legs[0].recorder_uid, truth.legs[1].recorder_uid);
        assert_eq!(truth.legs[0].ended_at, Some(killed_at));
        assert!(matches!(stage.stopped(&held), AnswerClass::Stopped(_)), "the acquired UID still stops it");
    }
}

#[test]
fn a_disconnected_server_is_tried_for_60_seconds_and_replaced_within_90() {
    for seed in 0..40 {
        let mut stage = Stage::with(seed, |_| {});
        let held = stage.started("room7", 900_001);
        stage.wait(60.0);
        stage.disconnect(&held, None);
        let since = stage.now;
        while stage.query(&held) == AnswerClass::ServiceNotFound {
            stage.wait(1.0);
        }
        let gap = stage.now.since(since);
        assert!((60..=90).contains(&gap.as_secs()), "seed {seed}: {gap:?}");
        assert_eq!(stage.truth(&held).failovers, 1);
    }
}

#[test]
fn a_server_that_is_reached_again_goes_on_with_its_leg() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 900_001);
    stage.wait(60.0);
    stage.disconnect(&held, Some(20_000));
    stage.wait(19.0);
    assert_eq!(stage.query(&held), AnswerClass::ServiceNotFound);
    stage.wait(1.0);
    assert_eq!(stage.status(&held).files[0].name, format!("dept/{}_room7.m3u8", held.sid));
    let truth = stage.truth(&held);
    assert_eq!((truth.failovers, truth.legs.len(), truth.legs[0].ended_at), (0, 1, None));
    stage.disconnect(&held, Some(60_000));
    stage.wait(60.0);
    assert_eq!(stage.truth(&held).failovers, 1, "from the 60th second on another server has it");
}

#[test]
fn three_moves_are_survived_and_the_fourth_fault_ends_it() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 900_001);
    stage.wait(60.0);
    for index in 0..3 {
        stage.kill(&held, Some(10_000));
        stage.wait(10.0);
        assert_eq!(stage.status(&held).files[0].name, format!("dept/bak{index}_{}_room7.m3u8", held.sid));
        stage.wait(30.0);
    }
    stage.kill(&held, None);
    stage.wait(3600.0);
    assert_eq!(stage.query(&held), AnswerClass::ServiceNotFound);
    let truth = stage.truth(&held);
    assert_eq!((truth.failovers, truth.legs.len(), truth.live), (3, 4, false));
    assert_eq!(truth.ended_how, Some(EndedHow::FaultsExhausted));
    let recorders: BTreeSet<_> = truth.legs.iter().map(|leg| &leg.recorder_uid).collect();
    assert_eq!(recorders.len(), 4);
}

#[test]
fn an_idle_time_does_not_run_out_while_a_session_moves() {
    let mut stage = Stage::new();
    stage.settings.recording_config.max_idle_time = 15;
    let held = stage.started("room7", 1);
    stage.wait(60.0);
    stage.kill(&held, Some(25_000));
    stage.service.set_publishers(stage.now, "room7", 0);
    stage.wait(30.0);
    stage.status(&held);
    stage.wait(10.1);
    assert_eq!(stage.status(&held).status, 6);
}

#[test]
fn faults_of_servers_can_wait() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 1);
    let kind = FaultKind::End { target: Target { sid: None, cname: Some("room7".to_owned()) } };
    stage.service.add_faults(stage.now, vec![Fault { kind, after_ms: 30_000 }]).expect("it may come");
    let due = stage.now + Duration::from_secs(30);
    stage.wait(29.9);
    stage.status(&held);
    stage.wait(500.0);
    let truth = stage.truth(&held);
    assert_eq!((truth.ended_at, truth.ended_how), (Some(due), Some(EndedHow::Fault)));
}

#[test]
fn the_gateway_refuses_before_the_service() {
    let mut stage = Stage::new();
    let right = Some("Basic a2V5OnNlY3JldA==");
    let acquire = "/v1/apps/demo/cloud_recording/acquire";
    for (method, target, authorization, status, text) in [
        ("GET", acquire, right, 404, "no Route matched with those values"),
        ("POST", "/v1/apps/demo/cloud_recording/Acquire", right, 404, "no Route"),
        ("POST", "/v1/apps/demo/cloud_recording/resourceid/R/sid/S/mode/mix/acquire", right, 404, "no Route"),
        ("POST", acquire, None, 401, "Unauthorized"),
        ("POST", acquire, Some("Basic a2V5OndyaW5n"), 401, "Invalid authentication credentials"),
        ("POST", acquire, Some("Bearer a2V5OnNlY3JldA=="), 401, "Invalid authentication"),
        ("POST", "/v1/apps/other/cloud_recording/acquire", right, 400, "appid is invalid"),
        ("POST", acquire, right, 400, "api body validate failed!"),
    ] {
        let request = Incoming {
            domain: Domain::Primary,
            host: "h".to_owned(),
            method: method.to_owned(),
            target: target.to_owned(),
            authorization: authorization.map(str::to_owned),
            content_type: None,
            body: b"{}".to_vec(),
        };
        let Outcome::Answered(reply) = stage.service.handle(stage.now, &request).outcome else {
            panic!("answered")
        };
        let body = String::from_utf8(reply.body).expect("UTF-8");
        assert_eq!(reply.status, status, "{method} {target}");
        assert!(body.contains(text), "{method} {target}: {body}");
    }
}

#[test]
fn bodies_are_checked_as_documented() {
    let mut stage = Stage::new();
    for (body, code) in [
        ("not json", 2),
        (r#"{"cname":"room7","uid":900001,"clientRequest":{}}"#, 2),
        (r#"{"cname":"room7","uid":"4294967296","clientRequest":{}}"#, 2),
        (r#"{"cname":"room7","uid":"0","clientRequest":{}}"#, 2),
        (r#"{"cname":"röom","uid":"1","clientRequest":{}}"#, 401),
        (r#"{"cname":"room7","uid":"1"}"#, 2),
        (r#"{"cname":"room7","uid":"1","clientRequest":{"resourceExpiredHour":721}}"#, 2),
    ] {
        let answer = stage.answered(Operation::Acquire, (None, None), body);
        assert_eq!((answer.status, answer.code), (400, Some(code)), "{body}");
    }
    let resource_id = stage.acquired("room7", 1);
    let good: Value = serde_json::from_str(&stage.start_body("room7", 1)).expect("JSON");
    for (pointer, wrong) in [
        ("/clientRequest/storageConfig/bucket", json!("")),
        ("/clientRequest/storageConfig/fileNamePrefix", json!(["a/b"])),
        ("/clientRequest/recordingConfig/maxIdleTime", json!(4)),
        ("/clientRequest/recordingConfig/channelType", json!(2)),
        ("/clientRequest/recordingConfig", json!(null)),
        ("/clientRequest/recordingFileConfig/avFileType", json!(["mp4"])),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect("it is there") = wrong;
        let answer = stage.answered(Operation::Start, (Some(&resource_id), None), &bad.to_string());
        assert_eq!((answer.status, answer.code), (400, Some(2)), "{pointer}");
    }
    assert!(matches!(stage.start(&resource_id, "room7", 1).class, AnswerClass::Started(_)));
}

#[test]
fn a_session_answers_only_to_its_own_ids() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 1);
    let other = stage.started("room8", 1);
    let crossed = Held { resource_id: other.resource_id, ..held.clone() };
    assert_eq!(stage.query(&crossed), AnswerClass::Refused);
    let foreign = Held { uid: Uid::new(2).expect("not 0"), ..held.clone() };
    assert_eq!(stage.stopped(&foreign), AnswerClass::Refused);
    let unknown = Held { sid: Sid::parse("ffffffffffffffff").expect("a sid"), ..held.clone() };
    assert_eq!(stage.query(&unknown), AnswerClass::ServiceNotFound);
    assert!(stage.truth(&held).live);
}

#[test]
fn update_and_update_layout_are_accepted_from_a_running_session() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 1);
    let layout =
        agora::request::update_layout_body(&held.cname, held.uid, &agora::request::Layout::default());
    let ids = (Some(&held.resource_id), Some(&held.sid));
    assert_eq!(stage.answered(Operation::UpdateLayout, ids, &layout).class, AnswerClass::Updated);
    let nothing = r#"{"cname":"room7","uid":"1","clientRequest":{}}"#;
    assert_eq!(stage.answered(Operation::Update, ids, nothing).code, Some(2));
    stage.kill(&held, Some(10_000));
    assert_eq!(stage.answered(Operation::UpdateLayout, ids, &layout).class, AnswerClass::ServiceNotFound);
}

#[test]
fn an_answer_on_request_replaces_the_service_for_the_next_calls() {
    let mut stage = Stage::new();
    stage.fault(answer(Operation::Start, 2, 500));
    let resource_id = stage.acquired("room7", 1);
    for _ in 0..2 {
        let answer = stage.start(&resource_id, "room7", 1);
        assert_eq!((answer.status, answer.code, answer.class), (500, Some(500), AnswerClass::ServerError));
    }
    assert!(stage.ledger().sessions.is_empty());
    assert!(matches!(stage.start(&resource_id, "room7", 1).class, AnswerClass::Started(_)));
    let faults: Vec<usize> = stage.ledger().requests.iter().map(|request| request.faults.len()).collect();
    assert_eq!(faults, [0, 1, 1, 0]);
}

#[test]
fn code_65_may_come_although_the_start_was_carried_out() {
    let mut stage = Stage::new();
    let mut kind = answer(Operation::Start, 1, 206);
    if let FaultKind::Answer { carried_out, .. } = &mut kind {
        *carried_out = true;
    }
    stage.fault(kind);
    let resource_id = stage.acquired("room7", 1);
    assert_eq!(stage.start(&resource_id, "room7", 1).class, AnswerClass::NotCompleted);
    assert_eq!(stage.start(&resource_id, "room7", 1).class, AnswerClass::AlreadyStarted(None));
    let ledger = stage.ledger();
    assert_eq!(ledger.sessions.len(), 1);
    assert!(ledger.requests[1].carried_out);
    assert_eq!(ledger.requests[1].sid.as_deref(), Some(ledger.sessions[0].sid.as_str()));
}

#[test]
fn faults_meet_only_the_calls_that_they_name() {
    let mut stage = Stage::new();
    let (one, two) = (stage.started("room7", 1), stage.started("room8", 2));
    let mut kind = answer(Operation::Query, 1, 504);
    if let FaultKind::Answer { calls, code, .. } = &mut kind {
        calls.cname = Some("room8".to_owned());
        calls.domain = Some(Domain::Secondary);
        *code = Some(62);
    }
    stage.fault(kind);
    stage.status(&one);
    stage.status(&two);
    stage.domain = Domain::Secondary;
    stage.status(&one);
    assert_eq!(stage.query(&two), AnswerClass::RequestTimeout);
    stage.status(&two);
    let mut kind = answer(Operation::Query, 1, 500);
    if let FaultKind::Answer { calls, .. } = &mut kind {
        calls.uid = Some("2".to_owned());
    }
    stage.fault(kind);
    stage.status(&one);
    assert_eq!(stage.query(&two), AnswerClass::ServerError);
}

#[test]
fn an_answer_that_is_lost_was_carried_out_and_a_request_that_is_lost_was_not() {
    let mut stage = Stage::new();
    stage.fault(FaultKind::AnswerLost { calls: Calls::of(Operation::Start, 1) });
    stage.fault(FaultKind::RequestLost { calls: Calls::of(Operation::Start, 1) });
    for cname in ["room7", "room8"] {
        let resource_id = stage.acquired(cname, 1);
        let body = stage.start_body(cname, 1);
        let handled = stage.call(Operation::Start, (Some(&resource_id), None), &body);
        assert_eq!(handled.outcome, Outcome::Closed);
    }
    let ledger = stage.ledger();
    let kept: Vec<_> = ledger.requests.iter().map(|request| (request.carried_out, request.status)).collect();
    assert_eq!(kept, [(true, Some(200)), (true, None), (true, Some(200)), (false, None)]);
    assert_eq!(ledger.sessions.len(), 1);
    assert_eq!(ledger.sessions[0].cname, "room7");
}

#[test]
fn a_delay_holds_the_answer_and_not_the_work() {
    let mut stage = Stage::new();
    stage.fault(FaultKind::Delay { calls: Calls::of(Operation::Acquire, 1), delay_ms: 40_000 });
    let (cname, uid) = names("room7", 1);
    let body = acquire_body(&cname, uid, &stage.settings, &[]);
    let handled = stage.call(Operation::Acquire, (None, None), &body);
    assert!(handled.at.since(stage.now) >= Duration::from_secs(40));
    assert!(matches!(handled.outcome, Outcome::Answered(reply) if reply.status == 200));
    assert!(stage.ledger().requests[0].carried_out);
}

#[test]
fn strange_bodies_are_what_they_say() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 1);
    for (body, at_least) in [
        (StrangeBody::Empty, 0),
        (StrangeBody::Html, 10),
        (StrangeBody::Gateway, 10),
        (StrangeBody::Megabyte, 1024 * 1024),
        (StrangeBody::Cut, 5),
        (StrangeBody::Deep, 20_000),
    ] {
        let mut kind = answer(Operation::Query, 1, 200);
        if let FaultKind::Answer { body: strange, .. } = &mut kind {
            *strange = Some(body);
        }
        stage.fault(kind);
        let handled = stage.call(Operation::Query, (Some(&held.resource_id), Some(&held.sid)), "");
        let Outcome::Answered(reply) = handled.outcome else { panic!("answered") };
        assert!(reply.body.len() >= at_least, "{body:?}");
        let class = classify(Operation::Query, Mode::Mix, 200, None, &reply.body).class;
        assert_eq!(class, AnswerClass::Unreadable, "{body:?}");
    }
}

#[test]
fn a_domain_that_is_down_works_again_by_itself_or_when_cleared() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 1);
    let query = |stage: &mut Stage, domain| {
        stage.domain = domain;
        stage.call(Operation::Query, (Some(&held.resource_id), Some(&held.sid)), "").outcome
    };
    let down = |manner, for_ms| FaultKind::DomainDown { domain: Domain::Primary, for_ms, manner };
    stage.fault(down(Manner::Close, Some(10_000)));
    assert_eq!(query(&mut stage, Domain::Primary), Outcome::Closed);
    assert!(matches!(query(&mut stage, Domain::Secondary), Outcome::Answered(_)));
    stage.wait(10.0);
    assert!(matches!(query(&mut stage, Domain::Primary), Outcome::Answered(_)));

    let requests = stage.ledger().requests.len();
    stage.fault(down(Manner::Refuse, None));
    assert_eq!(stage.service.next_domain_change(), None);
    assert!(stage.service.refuses(stage.now, Domain::Primary));
    assert_eq!(query(&mut stage, Domain::Primary), Outcome::Refused);
    assert_eq!(stage.ledger().requests.len(), requests, "a connection that was refused brought no request");
    stage.wait(3600.0);
    assert!(stage.service.refuses(stage.now, Domain::Primary));
    stage.service.clear_faults(stage.now);
    assert!(!stage.service.refuses(stage.now, Domain::Primary));

    let up_again = stage.now + Duration::from_secs(5);
    stage.fault(down(Manner::Hang, Some(5_000)));
    assert_eq!(stage.service.next_domain_change(), Some(up_again));
    let handled = stage.call(Operation::Query, (Some(&held.resource_id), Some(&held.sid)), "");
    assert!(handled.at.since(stage.now) >= Duration::from_secs(300));
    assert_eq!(handled.outcome, Outcome::Closed);
}

/// The JSON examples of the crate's documentation.
fn documented_faults() -> Vec<Value> {
    let documentation = include_str!("../src/lib.rs");
    let blocks = documentation.split("//! ```json\n").skip(1).filter_map(|rest| rest.split("//! ```").next());
    let lists =
        blocks.map(|block| block.lines().map(|line| line.trim_start_matches("//!")).collect::<String>());
    lists.flat_map(|list| serde_json::from_str::<Vec<Value>>(&list).expect("the examples are JSON")).collect()
}

#[test]
fn the_controls_take_the_documented_json() {
    let examples = documented_faults();
    assert!(examples.len() >= 15);
    for example in examples {
        let mut stage = Stage::new();
        let held = stage.started("room7", 1);
        let mut fault = example.clone();
        if fault["sid"].is_string() {
            fault["sid"] = held.sid.as_str().into();
        }
        let (status, accepted) = stage.control("POST", "/simulator/faults", &fault);
        assert_eq!(status, 200, "{fault}: {accepted}");
        if accepted["sids"] == json!([held.sid]) {
            assert_eq!(accepted["faults"], json!([]));
            continue;
        }
        // By the other domain: one that refuses takes its controls with it.
        stage.domain = Domain::Region;
        let (_, active) = stage.control("GET", "/simulator/faults", &Value::Null);
        for (key, value) in fault.as_object().expect("an object") {
            assert_eq!(&active[0][key], value, "{key} of {fault}");
        }
        let (_, cleared) = stage.control("DELETE", "/simulator/faults", &Value::Null);
        assert_eq!(cleared, json!([]));
    }
}

#[test]
fn a_fault_with_a_slip_is_refused() {
    let mut stage = Stage::new();
    for wrong in [
        json!({"fault": "answer", "status": 500, "time": 3}),
        json!({"fault": "answer"}),
        json!({"fault": "answer", "status": 99}),
        json!({"fault": "kill"}),
        json!({"fault": "kill", "sid": "0123456789"}),
        json!({"fault": "explode"}),
        json!({"fault": "domain_down"}),
        json!({"fault": "domain_down", "domain": "primary", "cname": "room7"}),
        json!({"fault": "delay", "operation": "Start", "delay_ms": 1}),
        json!([{"fault": "answer_lost"}, {"fault": "kill", "cname": "nobody"}]),
        json!(5),
    ] {
        let (status, answer) = stage.control("POST", "/simulator/faults", &wrong);
        assert_eq!(status, 400, "{wrong}: {answer}");
        assert!(answer["error"].is_string());
    }
    let (_, active) = stage.control("GET", "/simulator/faults", &Value::Null);
    assert_eq!(active, json!([]), "a list with a slip does nothing at all");
    stage.fault(answer(Operation::Start, 1, 500));
    let (status, cleared) = stage.control("POST", "/simulator/faults/clear", &Value::Null);
    assert_eq!((status, cleared), (200, json!([])));
}

#[test]
fn channels_are_set_by_their_control() {
    let mut stage = Stage::new();
    let body = json!([{"cname": "room7", "publishers": 0}, {"cname": "room8", "publishers": 3}]);
    assert_eq!(stage.control("POST", "/simulator/channels", &body).0, 200);
    let (_, channels) = stage.control("GET", "/simulator/channels", &Value::Null);
    assert_eq!(channels, body);
    assert_eq!(stage.control("POST", "/simulator/channels", &json!({"cname": "room7"})).0, 400);
    assert_eq!(stage.control("POST", "/simulator/nothing", &Value::Null).0, 404);
    let (status, ledger) = stage.control("GET", "/simulator/ledger?after=0", &Value::Null);
    assert_eq!(
        (status, ledger["requests"].as_array().map(Vec::len)),
        (200, Some(0)),
        "controls are no calls"
    );
}

#[test]
fn the_same_seed_and_requests_give_the_same_ledger() {
    let play = |seed| {
        let mut stage = Stage::with(seed, |_| {});
        let held: Vec<Held> = (1..=4).map(|uid| stage.started("room7", uid)).collect();
        for step in 0..60 {
            stage.wait(3.7);
            match step {
                10 => stage.kill(&held[0], None),
                20 => stage.disconnect(&held[1], None),
                30 => stage.fault(FaultKind::AnswerLost { calls: Calls::of(Operation::Stop, 1) }),
                35 => drop(stage.stop(&held[2], false)),
                _ => drop(stage.query(&held[step % 4])),
            }
        }
        stage.ledger()
    };
    assert_eq!(play(7), play(7));
    assert_ne!(play(7), play(8));
    let ledger = play(7);
    let text = serde_json::to_string(&ledger).expect("it serialises");
    assert_eq!(serde_json::from_str::<Ledger>(&text).expect("and is read"), ledger);
}

#[test]
fn looking_more_often_does_not_change_what_happens() {
    let play = |looks: u32| {
        let mut stage = Stage::new();
        let held: Vec<Held> = (1..=3).map(|uid| stage.started("room7", uid)).collect();
        for session in &held {
            stage.kill(session, None);
            stage.wait(5.0);
        }
        for _ in 0..looks {
            stage.wait(120.0 / f64::from(looks));
            stage.ledger();
        }
        stage.ledger().sessions
    };
    assert_eq!(play(1), play(240));
}

#[test]
fn the_clock_never_runs_backwards() {
    let mut stage = Stage::new();
    let held = stage.started("room7", 1);
    stage.wait(60.0);
    stage.status(&held);
    stage.now = Timestamp::from_millis(START_OF_TIME);
    assert_eq!(stage.status(&held).status, 5);
    assert!(stage.ledger().requests.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn the_ledger_is_bounded_and_says_what_it_dropped() {
    let mut stage = Stage::new();
    for _ in 0..simulator::REQUESTS_MAX + 5 {
        stage.raw("GET", "/nowhere", "");
    }
    let ledger = stage.service.ledger(stage.now, 100_000);
    assert_eq!((ledger.dropped_requests, ledger.requests.len()), (5, 5));
    assert_eq!(ledger.requests[0].number, 100_001);
}

#[test]
fn ended_sessions_are_dropped_first_and_running_ones_never() {
    let mut stage = Stage::new();
    let running = stage.started("room7", 1);
    for _ in 0..simulator::SESSIONS_MAX + 2 {
        let ended = stage.started("room8", 1);
        stage.fault(FaultKind::End { target: ended.target() });
        stage.wait(1.0);
    }
    let ledger = stage.ledger();
    assert_eq!((ledger.sessions.len(), ledger.dropped_sessions), (simulator::SESSIONS_MAX, 3));
    assert_eq!(ledger.sessions[0].sid, running.sid.as_str());
    stage.status(&running);
}
