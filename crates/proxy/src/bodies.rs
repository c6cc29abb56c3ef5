//! Path and body of each request, from the journal, the IDs in it and the configuration's credentials.
//!
//! The same facts give the same bytes, so that a repeat (D2, S4, S5) is recognised by its hash. The hash is keyed with a
//! secret of the journal's file: a plain one of a body that holds storage credentials could be used to guess them.

use std::collections::BTreeMap;

use agora::request::{self, StorageConfig, StorageExtension};
use agora::{AppId, Mode, Operation};
use hmac::{Hmac, KeyInit, Mac};
use rules::journal::{Domain, Requested};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use switchboard::ports::{Request, RequestFacts, Requests};

use crate::secret::{Credentials, Current};
use crate::store::{HASH_KEY_BYTES, hex};
use crate::token::{Claims, HOURS_BEYOND};

/// What requests for one App ID are made of.
#[derive(Debug, Clone)]
pub struct AppRequests {
    /// The App ID.
    pub app_id: AppId,
    /// The App Certificate, if channel tokens are needed: they are built with it.
    pub app_certificate: Option<Current<SecretString>>,
    /// The host of each domain, as the configuration has it.
    pub hosts: BTreeMap<Domain, String>,
    /// The storage profiles by name.
    pub storage: BTreeMap<String, StorageProfile>,
}

/// Where the files of a recording go, with the credentials that the service needs to put them there.
#[derive(Debug, Clone)]
pub struct StorageProfile {
    /// The service's number of the vendor.
    pub vendor: u8,
    /// The service's number of the vendor's region.
    pub region: u8,
    /// The bucket.
    pub bucket: String,
    /// The access key and the secret key.
    pub keys: Current<Credentials>,
    /// The folders before every file name.
    pub file_name_prefix: Vec<String>,
    /// What some vendors need besides.
    pub extension: Option<StorageExtension>,
}

impl StorageProfile {
    fn config(&self) -> StorageConfig {
        let keys = self.keys.now();
        StorageConfig {
            vendor: self.vendor,
            region: self.region,
            bucket: self.bucket.clone(),
            access_key: keys.key.expose_secret().to_owned(),
            secret_key: keys.secret.expose_secret().to_owned(),
            sts_token: None,
            sts_expiration: None,
            file_name_prefix: self.file_name_prefix.clone(),
            extension_params: self.extension.clone(),
        }
    }
}

/// Builds every request of every App ID.
pub struct Bodies {
    apps: BTreeMap<String, AppRequests>,
    hash_key: [u8; HASH_KEY_BYTES],
}

impl Bodies {
    /// For these App IDs by name; bodies are hashed under the key of the journal.
    pub fn new(apps: BTreeMap<String, AppRequests>, hash_key: [u8; HASH_KEY_BYTES]) -> Self {
        Self { apps, hash_key }
    }

    fn hash(&self, body: &[u8]) -> String {
        hex(&self.keyed(body))
    }

    fn keyed(&self, text: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.hash_key).expect("HMAC takes keys of any length");
        mac.update(text);
        mac.finalize().into_bytes().into()
    }

    /// The token with which the recorder joins, where the project has a certificate; a page that is recorded joins nothing.
    ///
    /// All in it follows from the journal: it counts from the answer that brought the resource ID, and what would be chance
    /// is taken from that ID. One resource ID is one session with one UID, so its repeated `start` has the same bytes, and
    /// every other session another token.
    fn token(&self, app: &AppRequests, facts: &RequestFacts<'_>) -> Result<Option<SecretString>, String> {
        let settings = &facts.requested.settings;
        let Some(certificate) = app.app_certificate.as_ref().filter(|_| settings.mode != Mode::Web) else {
            return Ok(None);
        };
        let missing = "this start needs an ID that the journal does not have";
        let resource_id = facts.resource_id.ok_or(missing)?;
        let [first, second, third, fourth, ..] = self.keyed(resource_id.as_str().as_bytes());
        let claims = Claims {
            app_id: &app.app_id,
            channel: &facts.requested.channel,
            uid: facts.uid,
            issued_at: u32::try_from(facts.resource_at.ok_or(missing)?.millis() / 1000)
                .map_err(|_| "the clock is before 1970 or after 2106, and no channel token counts so")?,
            good_for: (u32::from(settings.resource_expired_hours) + HOURS_BEYOND) * 3600,
            salt: u32::from_le_bytes([first, second, third, fourth]),
        };
        Ok(Some(claims.signed(&certificate.now())))
    }
}

fn profile<'a>(
    app: &'a AppRequests,
    requested: &Requested,
    name: &str,
) -> Result<&'a StorageProfile, String> {
    app.storage.get(name).ok_or_else(|| {
        format!(
            "the configuration of {:?} has no [[app.storage]] named {name:?} any more: add it again",
            requested.app
        )
    })
}

impl Requests for Bodies {
    fn build(&self, facts: &RequestFacts<'_>) -> Result<Request, String> {
        let requested = facts.requested;
        let app = self.apps.get(&requested.app).ok_or_else(|| {
            format!("the configuration has no [[app]] named {:?} any more: add it again", requested.app)
        })?;
        let host = app.hosts.get(&facts.domain).ok_or_else(|| {
            format!("the configuration of {:?} names no domain for {:?} calls", requested.app, facts.domain)
        })?;
        let settings = &requested.settings;
        let path = request::path(&app.app_id, facts.operation, settings.mode, facts.resource_id, facts.sid)
            .ok_or_else(|| {
            format!("this {} needs an ID that the journal does not have", facts.operation)
        })?;
        let (channel, uid) = (&requested.channel, facts.uid);
        let body = match facts.operation {
            Operation::Acquire => request::acquire_body(channel, uid, settings, facts.exclude),
            Operation::Start => {
                let storage = profile(app, requested, &requested.storage)?.config();
                let token = self.token(app, facts)?;
                let token = token.as_ref().map(ExposeSecret::expose_secret);
                request::start_body(channel, uid, settings, &storage, token)
            }
            Operation::Query => String::new(),
            Operation::Stop => request::stop_body(channel, uid, facts.asynchronous),
            Operation::Update => {
                let update = facts.update.ok_or("nobody asked for a change of this session")?;
                let storage =
                    update.storage.as_ref().map(|name| profile(app, requested, name)).transpose()?;
                let storage = storage.map(StorageProfile::config);
                request::update_body(channel, uid, &update.settings, storage.as_ref())
            }
            Operation::UpdateLayout => {
                let layout = facts.layout.ok_or("nobody asked for another layout of this session")?;
                request::update_layout_body(channel, uid, &layout.layout)
            }
        };
        let body_hash = if body.is_empty() { String::new() } else { self.hash(body.as_bytes()) };
        Ok(Request { host: host.clone(), path, body: body.into_bytes(), body_hash })
    }
}

#[cfg(test)]
mod tests {
    use agora::request::{
        Layout, MixedVideoLayout, RecordingConfig, SnapshotConfig, StreamMode, UpdateSettings, WebRecorder,
    };
    use agora::{ChannelName, RecordingSettings, ResourceId, Sid, Timestamp, Uid};
    use rules::Policy;
    use rules::journal::{LayoutRequested, RULES_VERSION, Requested, Uids, UpdateRequested};

    use super::*;

    fn uid(number: u32) -> Uid {
        Uid::new(number).expect("not zero")
    }

    fn requested() -> Requested {
        Requested {
            app: "main".to_owned(),
            channel: ChannelName::parse("room7").expect("valid"),
            uids: Uids { original: uid(900_001), backup: uid(900_002), reserves: Vec::new() },
            storage: "archive".to_owned(),
            settings: RecordingSettings {
                recording_config: RecordingConfig::default(),
                ..RecordingSettings::default()
            },
            policy_name: "patient".to_owned(),
            policy: Policy::default(),
            rules: RULES_VERSION,
            watched: false,
            assured: false,
        }
    }

    fn bodies(secret_key: &str, hash_key: u8) -> Bodies {
        let profile = StorageProfile {
            vendor: 1,
            region: 0,
            bucket: "recordings".to_owned(),
            keys: Current::new(Credentials::of("access", secret_key)),
            file_name_prefix: vec!["archive".to_owned()],
            extension: None,
        };
        let app = AppRequests {
            app_id: AppId::parse("0123456789abcdef0123456789abcdef").expect("valid"),
            app_certificate: None,
            hosts: BTreeMap::from([(Domain::Primary, "api.agora.io".to_owned())]),
            storage: BTreeMap::from([("archive".to_owned(), profile)]),
        };
        Bodies::new(BTreeMap::from([("main".to_owned(), app)]), [hash_key; HASH_KEY_BYTES])
    }

    fn build(bodies: &Bodies, requested: &Requested, operation: Operation) -> Result<Request, String> {
        let resource_id = ResourceId::parse("Ab3-_").expect("valid");
        let sid = Sid::parse("0123456789abcdef0123456789abcdef").expect("valid");
        bodies.build(&RequestFacts {
            requested,
            operation,
            domain: Domain::Primary,
            uid: uid(900_001),
            resource_id: Some(&resource_id),
            resource_at: Some(Timestamp::from_millis(1_790_000_000_999)),
            sid: Some(&sid),
            asynchronous: true,
            exclude: &[],
            update: None,
            layout: None,
        })
    }

    #[test]
    fn a_start_carries_the_profile_s_credentials_and_everything_that_staff_asked_for() {
        let start = build(&bodies("storage-secret", 1), &requested(), Operation::Start).expect("complete");
        assert_eq!(start.host, "api.agora.io");
        assert_eq!(
            start.path,
            "/v1/apps/0123456789abcdef0123456789abcdef/cloud_recording/resourceid/Ab3-_/mode/mix/start"
        );
        let body: serde_json::Value = serde_json::from_slice(&start.body).expect("JSON");
        assert_eq!(body["cname"], "room7");
        assert_eq!(body["uid"], "900001");
        assert_eq!(body["clientRequest"]["storageConfig"]["secretKey"], "storage-secret");
        assert_eq!(body["clientRequest"]["recordingConfig"]["maxIdleTime"], 300);
        assert!(!format!("{start:?}").contains("storage-secret"));
    }

    #[test]
    fn a_repeat_has_the_same_bytes_and_a_changed_profile_another_hash() {
        let first = build(&bodies("one", 1), &requested(), Operation::Start).expect("complete");
        assert_eq!(build(&bodies("one", 1), &requested(), Operation::Start).expect("complete"), first);
        let changed = build(&bodies("two", 1), &requested(), Operation::Start).expect("complete");
        assert_ne!(changed.body_hash, first.body_hash);
        // Another journal has another key: the hash alone tells nothing about the body.
        let elsewhere = build(&bodies("one", 2), &requested(), Operation::Start).expect("complete");
        assert_ne!(elsewhere.body_hash, first.body_hash);
        assert_eq!(first.body_hash.len(), 64);
    }

    fn with_certificate(hash_key: u8) -> Bodies {
        let mut bodies = bodies("one", hash_key);
        for app in bodies.apps.values_mut() {
            app.app_certificate = Some(Current::new(SecretString::from("5cfd2fd1755d40ecb72977518be15d3b")));
        }
        bodies
    }

    #[test]
    fn a_start_carries_a_token_of_its_own_where_there_is_a_certificate_and_a_repeat_the_same() {
        let token = |start: Request| {
            let body: serde_json::Value = serde_json::from_slice(&start.body).expect("JSON");
            body["clientRequest"]["token"].as_str().map(str::to_owned)
        };
        let start = |bodies: &Bodies, requested: &Requested| {
            build(bodies, requested, Operation::Start).expect("complete")
        };
        assert_eq!(token(start(&bodies("one", 1), &requested())), None, "no certificate, no token");
        let bodies = with_certificate(1);
        let first = start(&bodies, &requested());
        assert_eq!(start(&bodies, &requested()), first);
        let made = token(first).expect("a token");
        assert!(made.starts_with("007"));
        assert_ne!(token(start(&with_certificate(2), &requested())), Some(made), "nobody else can guess it");
        let mut web = requested();
        web.settings.mode = Mode::Web;
        assert_eq!(token(start(&bodies, &web)), None, "a page is recorded, and no channel joined");
        let stop = build(&bodies, &requested(), Operation::Stop).expect("complete");
        assert!(!String::from_utf8_lossy(&stop.body).contains("007"));
        let printed = format!("{:?}", bodies.apps);
        assert!(!printed.contains("5cfd2fd1755d40ecb72977518be15d3b"), "{printed}");
    }

    #[test]
    fn the_other_calls_carry_no_credential() {
        let bodies = bodies("one", 1);
        let acquire = build(&bodies, &requested(), Operation::Acquire).expect("complete");
        assert!(acquire.path.ends_with("/cloud_recording/acquire"));
        let query = build(&bodies, &requested(), Operation::Query).expect("complete");
        assert!(query.path.ends_with("/sid/0123456789abcdef0123456789abcdef/mode/mix/query"));
        assert!(query.body.is_empty() && query.body_hash.is_empty());
        let stop = build(&bodies, &requested(), Operation::Stop).expect("complete");
        assert_eq!(
            String::from_utf8_lossy(&stop.body),
            r#"{"cname":"room7","uid":"900001","clientRequest":{"async_stop":true}}"#
        );
        for request in [acquire, stop] {
            assert!(!String::from_utf8_lossy(&request.body).contains("secretKey"));
        }
    }

    fn build_change(
        update: Option<&UpdateRequested>,
        layout: Option<&LayoutRequested>,
    ) -> Result<Request, String> {
        let resource_id = ResourceId::parse("Ab3-_").expect("valid");
        let sid = Sid::parse("0123456789abcdef0123456789abcdef").expect("valid");
        bodies("storage-secret", 1).build(&RequestFacts {
            requested: &requested(),
            operation: if layout.is_some() { Operation::UpdateLayout } else { Operation::Update },
            domain: Domain::Primary,
            uid: uid(900_001),
            resource_id: Some(&resource_id),
            resource_at: Some(Timestamp::from_millis(1_790_000_000_999)),
            sid: Some(&sid),
            asynchronous: false,
            exclude: &[],
            update,
            layout,
        })
    }

    #[test]
    fn u1_an_update_holds_what_was_asked_for_and_credentials_only_where_they_are_renewed() {
        let mut update = UpdateRequested {
            settings: UpdateSettings {
                subscribe_audio_uids: Some(vec!["7".to_owned()]),
                ..UpdateSettings::default()
            },
            storage: None,
        };
        let sent = build_change(Some(&update), None).expect("complete");
        assert!(sent.path.ends_with("/mode/mix/update"), "{}", sent.path);
        assert_eq!(
            String::from_utf8_lossy(&sent.body),
            r#"{"cname":"room7","uid":"900001","clientRequest":{"streamSubscribe":{"audioUidList":{"subscribeAudioUids":["7"]}}}}"#
        );
        update.put_over(&UpdateRequested {
            settings: UpdateSettings {
                subscribe_audio_uids: Some(vec!["8".to_owned()]),
                subscribe_video_uids: Some(vec!["#allstream#".to_owned()]),
                ..UpdateSettings::default()
            },
            storage: Some("archive".to_owned()),
        });
        let sent = build_change(Some(&update), None).expect("complete");
        let body: serde_json::Value = serde_json::from_slice(&sent.body).expect("JSON");
        let request = &body["clientRequest"];
        assert_eq!(request["streamSubscribe"]["audioUidList"]["subscribeAudioUids"][0], "8");
        assert_eq!(request["streamSubscribe"]["videoUidList"]["subscribeVideoUids"][0], "#allstream#");
        assert_eq!(request["storageConfig"]["secretKey"], "storage-secret");
        update.storage = Some("gone".to_owned());
        assert!(build_change(Some(&update), None).expect_err("unknown").contains("\"gone\""));
        assert!(build_change(None, None).is_err(), "nobody asked");
    }

    #[test]
    fn u2_an_update_of_the_layout_sends_the_whole_layout() {
        let layout = Layout {
            mixed_video_layout: MixedVideoLayout::Vertical,
            max_resolution_uid: Some("7".to_owned()),
            ..Layout::default()
        };
        let sent = build_change(None, Some(&LayoutRequested { layout })).expect("complete");
        assert!(sent.path.ends_with("/mode/mix/updateLayout"), "{}", sent.path);
        assert_eq!(
            String::from_utf8_lossy(&sent.body),
            r#"{"cname":"room7","uid":"900001","clientRequest":{"mixedVideoLayout":2,"maxResolutionUid":"7"}}"#
        );
    }

    #[test]
    fn every_mode_has_its_own_start() {
        let mut individual = requested();
        individual.settings.mode = Mode::Individual;
        individual.settings.recording_config.subscribe_uid_group = Some(1);
        individual.settings.recording_config.stream_mode = Some(StreamMode::Standard);
        individual.settings.snapshot = Some(SnapshotConfig { capture_interval: 30 });
        let start = build(&bodies("one", 1), &individual, Operation::Start).expect("complete");
        assert!(start.path.ends_with("/mode/individual/start"), "{}", start.path);
        let body: serde_json::Value = serde_json::from_slice(&start.body).expect("JSON");
        assert_eq!(body["clientRequest"]["recordingConfig"]["streamMode"], "standard");
        assert_eq!(body["clientRequest"]["snapshotConfig"]["captureInterval"], 30);

        let mut web = requested();
        web.settings.mode = Mode::Web;
        web.settings.web = Some(WebRecorder {
            url: "https://example.org/board".to_owned(),
            audio_profile: 0,
            video_width: 1280,
            video_height: 720,
            max_recording_hour: 3,
            video_bitrate: None,
            video_fps: None,
            mobile: None,
            max_video_duration: None,
            onhold: None,
            ready_timeout: None,
        });
        let start = build(&bodies("one", 1), &web, Operation::Start).expect("complete");
        assert!(start.path.ends_with("/mode/web/start"), "{}", start.path);
        let body: serde_json::Value = serde_json::from_slice(&start.body).expect("JSON");
        let request = &body["clientRequest"];
        let service = &request["extensionServiceConfig"]["extensionServices"][0];
        assert_eq!(service["serviceName"], "web_recorder_service");
        assert_eq!(service["serviceParam"]["maxRecordingHour"], 3);
        assert!(request.get("recordingConfig").is_none() && request.get("token").is_none());
        let acquire = build(&bodies("one", 1), &web, Operation::Acquire).expect("complete");
        assert!(String::from_utf8_lossy(&acquire.body).contains(r#""scene":1"#));
    }

    #[test]
    fn r1_a_later_start_carries_what_was_changed() {
        let mut changed = requested();
        changed.put_over(&UpdateRequested {
            settings: UpdateSettings {
                subscribe_video_uids: Some(vec!["9".to_owned()]),
                ..UpdateSettings::default()
            },
            storage: None,
        });
        changed.put_layout(&Layout { mixed_video_layout: MixedVideoLayout::Adaptive, ..Layout::default() });
        let start = build(&bodies("one", 1), &changed, Operation::Start).expect("complete");
        let body: serde_json::Value = serde_json::from_slice(&start.body).expect("JSON");
        let config = &body["clientRequest"]["recordingConfig"];
        assert_eq!(config["subscribeVideoUids"][0], "9");
        assert_eq!(config["transcodingConfig"]["mixedVideoLayout"], 1);
        assert_eq!(config["transcodingConfig"]["width"], 360, "the service's own default");
    }

    #[test]
    fn what_the_configuration_no_longer_has_is_said() {
        let refused = |requested: &Requested| {
            build(&bodies("one", 1), requested, Operation::Start).expect_err("something is missing")
        };
        let gone = Requested { app: "other".to_owned(), ..requested() };
        assert!(refused(&gone).contains("no [[app]] named \"other\""));
        let gone = Requested { storage: "other".to_owned(), ..requested() };
        assert!(refused(&gone).contains("no [[app.storage]] named \"other\""));
    }
}
