//! Checks every field of `clientRequest` that the documents name, and refuses what the service would refuse. A field
//! that they do not name is passed over: nobody says that the service refuses it. A field that is `null` is as good as
//! absent, and so is a word that is empty: clients that know no absent field send those.

use core::ops::RangeInclusive;
use core::time::Duration;

use agora::limits;
use agora::request::StreamTypes;
use agora::{Mode, Timestamp, Uid};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::files::MP4_LENGTH;
use crate::media::{Subscribed, Subscription};
use crate::session::{StartParameters, WebParameters};
use crate::unknowns::Spelling;

/// How long a temporary token for storage has to be good at least.
const STS_AT_LEAST: Duration = Duration::from_secs(4 * 3600);
/// All users, in a subscription list.
const ALL_STREAMS: &str = "#allstream#";

/// What is wrong with a request, as a sentence.
pub(super) type Wrong = String;

/// One object of a request, with the name under which its fields are told.
#[derive(Clone, Copy)]
struct Fields<'a> {
    map: &'a Map<String, Value>,
    name: &'a str,
}

impl<'a> Fields<'a> {
    const fn new(map: &'a Map<String, Value>, name: &'a str) -> Self {
        Self { map, name }
    }

    fn wrong(self, key: &str) -> Wrong {
        format!("{}.{key} is invalid", self.name)
    }

    fn missing(self, key: &str) -> Wrong {
        format!("{}.{key} is missing", self.name)
    }

    fn get(self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn has(self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn number(self, key: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Wrong> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) if range.contains(&number) => Ok(Some(number)),
                _ => Err(self.wrong(key)),
            },
        }
    }

    fn text(self, key: &str) -> Result<Option<&'a str>, Wrong> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| self.wrong(key)),
        }
    }

    fn full_text(self, key: &str) -> Result<&'a str, Wrong> {
        self.text(key)?.filter(|text| !text.is_empty()).ok_or_else(|| self.missing(key))
    }

    fn one_of(self, key: &str, words: &[&str]) -> Result<Option<&'a str>, Wrong> {
        match self.text(key)?.filter(|text| !text.is_empty()) {
            Some(text) if !words.contains(&text) => Err(self.wrong(key)),
            text => Ok(text),
        }
    }

    fn flag(self, key: &str) -> Result<Option<bool>, Wrong> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| self.wrong(key)),
        }
    }

    fn object(self, key: &'a str) -> Result<Option<Fields<'a>>, Wrong> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => {
                value.as_object().map(|map| Some(Fields::new(map, key))).ok_or_else(|| self.wrong(key))
            }
        }
    }

    fn texts(self, key: &str) -> Result<Option<Vec<&'a str>>, Wrong> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let list = value.as_array().ok_or_else(|| self.wrong(key))?;
        let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
        texts.map(Some).ok_or_else(|| self.wrong(key))
    }

    fn fraction(self, key: &str) -> Result<Option<f64>, Wrong> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) if (0.0..=1.0).contains(&number) => Ok(Some(number)),
                _ => Err(self.wrong(key)),
            },
        }
    }
}

/// What `acquire` asks for.
pub(super) struct AcquireParameters {
    pub(super) hours: u64,
    pub(super) scene: u8,
    pub(super) start_parameter: Option<Map<String, Value>>,
}

/// Checks the `clientRequest` of an `acquire`.
pub(super) fn acquire_parameters(request: &Map<String, Value>) -> Result<AcquireParameters, Wrong> {
    let fields = Fields::new(request, "clientRequest");
    let hours = fields
        .number("resourceExpiredHour", 1..=u64::from(limits::RESOURCE_EXPIRED_HOURS_MAX))
        .map_err(|_| "Acquire: invalid resourceExpiredHour value!".to_owned())?;
    let scene =
        fields.number("scene", 0..=2).map_err(|_| "Acquire: invalid scene value!".to_owned())?.unwrap_or(0);
    if let Some(ids) = fields.texts("excludeResourceIds")?
        && ids.iter().any(|id| agora::ResourceId::parse(*id).is_err())
    {
        return Err(fields.wrong("excludeResourceIds"));
    }
    fields.one_of("region", &["CN", "AP", "EU", "NA"])?;
    fields.number("regionAffinity", 0..=4)?;
    let start_parameter = fields.object("startParameter")?.map(|parameter| parameter.map.clone());
    Ok(AcquireParameters {
        hours: hours.unwrap_or(u64::from(limits::RESOURCE_EXPIRED_HOURS_DEFAULT)),
        scene: u8::try_from(scene).unwrap_or(0),
        start_parameter,
    })
}

/// Checks the `clientRequest` of a `start`.
pub(super) fn start_parameters(
    mode: Mode,
    request: &Map<String, Value>,
    spelling: Spelling,
    now: Timestamp,
) -> Result<StartParameters, Wrong> {
    let fields = Fields::new(request, "clientRequest");
    let token = fields.text("token")?.filter(|token| !token.is_empty()).map(str::to_owned);
    let storage = storage_config(fields.object("storageConfig")?.ok_or("storageConfig is missing")?, now)?;
    if mode != Mode::Web && fields.has("extensionServiceConfig") {
        return Err("extensionServiceConfig is for web mode".to_owned());
    }
    if mode != Mode::Individual && fields.has("snapshotConfig") {
        return Err("snapshotConfig is for individual mode".to_owned());
    }
    let recording = match mode {
        Mode::Web => Recording::default(),
        Mode::Individual | Mode::Mix => {
            let config = fields.object("recordingConfig")?.ok_or("recordingConfig is missing")?;
            recording_config(mode, config, spelling)?
        }
    };
    let snapshot = fields.object("snapshotConfig")?.map(snapshot_config).transpose()?;
    if snapshot.is_some() && recording.subscribed.streams == StreamTypes::Audio {
        return Err("snapshotConfig needs video: streamTypes is 1 or 2".to_owned());
    }
    let files = fields.object("recordingFileConfig")?;
    let mp4 = match files {
        None => false,
        Some(files) => file_kinds(mode, files)?,
    };
    let (web, rtmp) = match mode {
        Mode::Web => {
            let config =
                fields.object("extensionServiceConfig")?.ok_or("extensionServiceConfig is missing")?;
            let (web, rtmp) = extension_services(config)?;
            (Some(web), rtmp)
        }
        Mode::Individual | Mode::Mix => (None, None),
    };
    Ok(StartParameters {
        max_idle: recording.max_idle,
        mp4,
        // Still pictures alone are asked for by a snapshotConfig without a recordingFileConfig.
        records: snapshot.is_none() || files.is_some(),
        standard: recording.standard,
        folders: storage.folders,
        bucket: storage.bucket,
        sts_expires: storage.sts_expires,
        token,
        subscribed: recording.subscribed,
        snapshot,
        web,
        rtmp,
    })
}

/// What of a `storageConfig` matters here.
pub(super) struct StorageParameters {
    pub(super) bucket: String,
    folders: Vec<String>,
    pub(super) sts_expires: Option<Timestamp>,
}

fn storage_config(fields: Fields<'_>, now: Timestamp) -> Result<StorageParameters, Wrong> {
    for key in ["vendor", "region"] {
        if fields.get(key).and_then(Value::as_u64).is_none() {
            return Err(fields.missing(key));
        }
    }
    let vendor = fields.number("vendor", 1..=11)?.unwrap_or(0);
    let region = fields.number("region", 0..=1000)?.unwrap_or(0);
    let known = match vendor {
        1 => region <= 25 && region != 17 && region != 23,
        2 => region <= 27,
        3 => region <= 19,
        5 | 6 | 11 => region == 0,
        7 => region <= 15,
        8 => (1..=7).contains(&region),
        _ => return Err(fields.wrong("vendor")),
    };
    if !known {
        return Err(fields.wrong("region"));
    }
    let bucket = fields.full_text("bucket")?.to_owned();
    fields.full_text("accessKey")?;
    fields.full_text("secretKey")?;
    let sts_token = fields.text("stsToken")?.filter(|token| !token.is_empty());
    if sts_token.is_some() && !(1..=3).contains(&vendor) {
        return Err(fields.wrong("stsToken"));
    }
    let sts_expires = match fields.number("stsExpiration", 0..=u64::MAX)? {
        Some(seconds) if sts_token.is_some() => {
            let millis = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1000));
            let at = Timestamp::from_millis(millis.ok_or_else(|| fields.wrong("stsExpiration"))?);
            if at < now + STS_AT_LEAST {
                return Err(fields.wrong("stsExpiration"));
            }
            Some(at)
        }
        _ => None,
    };
    let folders: Vec<String> = fields
        .texts("fileNamePrefix")
        .map_err(|_| "storageConfig.fileNamePrefix is a list of texts".to_owned())?
        .unwrap_or_default()
        .into_iter()
        .map(str::to_owned)
        .collect();
    if !agora::check::check_file_name_prefix(&folders).is_empty() {
        return Err(fields.wrong("fileNamePrefix"));
    }
    let endpoint = match fields.object("extensionParams")? {
        None => None,
        Some(extension) => {
            if extension.one_of("sse", &["kms", "aes256"])?.is_some() && vendor != 1 {
                return Err(extension.wrong("sse"));
            }
            if extension.text("tag")?.is_some_and(|tag| !tag.is_empty()) && !(1..=2).contains(&vendor) {
                return Err(extension.wrong("tag"));
            }
            extension.text("endpoint")?.filter(|endpoint| !endpoint.is_empty())
        }
    };
    if vendor == 11 && endpoint.is_none() {
        return Err("storageConfig.extensionParams.endpoint is missing".to_owned());
    }
    Ok(StorageParameters { bucket, folders, sts_expires })
}

/// What of a `recordingConfig` matters here.
struct Recording {
    max_idle: Duration,
    standard: bool,
    subscribed: Subscribed,
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            max_idle: Duration::from_secs(u64::from(limits::MAX_IDLE_SECONDS_DEFAULT)),
            standard: false,
            subscribed: Subscribed {
                streams: StreamTypes::AudioAndVideo,
                audio: Subscription::All,
                video: Subscription::All,
            },
        }
    }
}

fn recording_config(mode: Mode, fields: Fields<'_>, spelling: Spelling) -> Result<Recording, Wrong> {
    if !fields.has("channelType") {
        return Err(fields.missing("channelType"));
    }
    fields.number("channelType", 0..=1)?;
    let streams = match fields.number("streamTypes", 0..=2)? {
        Some(0) => StreamTypes::Audio,
        Some(1) => StreamTypes::Video,
        _ => StreamTypes::AudioAndVideo,
    };
    let stream_mode = fields.one_of("streamMode", &["default", "standard", "original"])?;
    if stream_mode.is_some_and(|kind| kind != "default") && mode != Mode::Individual {
        return Err(fields.wrong("streamMode"));
    }
    if stream_mode == Some("original") && streams != StreamTypes::Audio {
        return Err("recordingConfig.streamMode original needs streamTypes 0".to_owned());
    }
    let idle_range = u64::from(limits::MAX_IDLE_SECONDS_MIN)..=u64::from(limits::MAX_IDLE_SECONDS_MAX);
    let idle = fields.number("maxIdleTime", idle_range)?;
    fields.number("videoStreamType", 0..=1)?;
    if fields.number("subscribeUidGroup", 0..=5)?.is_none() && mode == Mode::Individual {
        return Err(fields.missing("subscribeUidGroup"));
    }
    let decryption = fields.number("decryptionMode", 0..=8)?.unwrap_or(0);
    let secret = fields.text("secret")?.filter(|secret| !secret.is_empty());
    if decryption != 0 && secret.is_none() {
        return Err(fields.missing("secret"));
    }
    let salt = fields.text("salt")?;
    if decryption >= 7 && salt.and_then(|salt| STANDARD.decode(salt).ok()).is_none_or(|salt| salt.len() != 32)
    {
        return Err(fields.wrong("salt"));
    }
    if let Some(text) = fields.text("privateParams")?
        && !serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object())
    {
        return Err(fields.wrong("privateParams"));
    }
    if mode == Mode::Individual {
        for key in ["audioProfile", "transcodingConfig"] {
            if fields.has(key) {
                return Err(format!("recordingConfig.{key} is for composite mode"));
            }
        }
    }
    fields.number("audioProfile", 0..=2)?;
    if let Some(transcoding) = fields.object("transcodingConfig")? {
        transcoding_config(transcoding)?;
    }
    let (audio, video) = subscriptions(fields, fields, spelling)?;
    // With a list for one medium only the other is not recorded.
    let (audio, video) = match (audio, video) {
        (Some(audio), None) => (audio, Subscription::Nobody),
        (None, Some(video)) => (Subscription::Nobody, video),
        (audio, video) => (audio.unwrap_or_default(), video.unwrap_or_default()),
    };
    Ok(Recording {
        max_idle: Duration::from_secs(idle.unwrap_or(u64::from(limits::MAX_IDLE_SECONDS_DEFAULT))),
        standard: stream_mode == Some("standard"),
        subscribed: Subscribed { streams, audio, video },
    })
}

type Subscriptions = (Option<Subscription>, Option<Subscription>);

fn subscriptions(audio: Fields<'_>, video: Fields<'_>, spelling: Spelling) -> Result<Subscriptions, Wrong> {
    Ok((
        subscription(
            audio,
            ["subscribeAudioUids", "unsubscribeAudioUids", "unSubscribeAudioUids"],
            spelling,
        )?,
        subscription(
            video,
            ["subscribeVideoUids", "unsubscribeVideoUids", "unSubscribeVideoUids"],
            spelling,
        )?,
    ))
}

fn subscription(
    fields: Fields<'_>,
    [wanted, lower, camel]: [&str; 3],
    spelling: Spelling,
) -> Result<Option<Subscription>, Wrong> {
    let only = uid_list(fields, wanted)?;
    let lower = if spelling == Spelling::Camel { None } else { uid_list(fields, lower)? };
    let camel = if spelling == Spelling::Lower { None } else { uid_list(fields, camel)? };
    let but = lower.or(camel);
    match (only, but) {
        (Some(_), Some(_)) => Err(format!("{wanted} and its opposite exclude each other")),
        (Some(Listed::All), None) => Ok(Some(Subscription::All)),
        (Some(Listed::Users(users)), None) => Ok(Some(Subscription::Only(users))),
        (None, Some(Listed::All)) => Ok(Some(Subscription::Nobody)),
        (None, Some(Listed::Users(users))) => Ok(Some(Subscription::AllBut(users))),
        (None, None) => Ok(None),
    }
}

enum Listed {
    All,
    Users(Vec<u32>),
}

fn uid_list(fields: Fields<'_>, key: &str) -> Result<Option<Listed>, Wrong> {
    let Some(list) = fields.texts(key)? else { return Ok(None) };
    if list == [ALL_STREAMS] {
        return Ok(Some(Listed::All));
    }
    let users: Result<Vec<u32>, _> = list.iter().map(|text| Uid::parse(text).map(Uid::get)).collect();
    match users {
        Ok(users) if users.len() <= limits::SUBSCRIBED_UIDS_MAX => Ok(Some(Listed::Users(users))),
        _ => Err(fields.wrong(key)),
    }
}

fn transcoding_config(fields: Fields<'_>) -> Result<(), Wrong> {
    let side = |key: &str, default: u64| match fields.get(key) {
        None => Some(default),
        Some(value) => value.as_u64(),
    };
    let size = side("width", 360).zip(side("height", 640));
    let pixels = size.and_then(|(width, height)| width.checked_mul(height));
    if pixels.is_none_or(|pixels| pixels == 0 || pixels > 1920 * 1080) {
        return Err("transcodingConfig.width and height are invalid".to_owned());
    }
    fields.number("fps", 1..=u64::from(limits::FRAMES_PER_SECOND_MAX))?;
    fields.number("bitrate", 1..=1_000_000)?;
    layout(fields)
}

/// The fields of a layout, as `transcodingConfig` and `updateLayout` have them.
fn layout(fields: Fields<'_>) -> Result<(), Wrong> {
    fields.number("mixedVideoLayout", 0..=3)?;
    fields.text("maxResolutionUid")?;
    for key in ["backgroundImage", "defaultUserBackgroundImage"] {
        fields.text(key)?;
    }
    if let Some(color) = fields.text("backgroundColor")?.filter(|color| !color.is_empty()) {
        let digits = color.strip_prefix('#').unwrap_or_default();
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(fields.wrong("backgroundColor"));
        }
    }
    match fields.get("layoutConfig") {
        None => {}
        Some(Value::Array(places)) if places.len() <= limits::LAYOUT_PLACES_MAX => {
            for place in places {
                let place = place.as_object().ok_or_else(|| fields.wrong("layoutConfig"))?;
                layout_place(Fields::new(place, "layoutConfig"))?;
            }
        }
        Some(_) => return Err(fields.wrong("layoutConfig")),
    }
    match fields.get("backgroundConfig") {
        None => Ok(()),
        Some(Value::Array(backgrounds)) => backgrounds.iter().try_for_each(|background| {
            let background = background.as_object().ok_or_else(|| fields.wrong("backgroundConfig"))?;
            let background = Fields::new(background, "backgroundConfig");
            background.full_text("uid")?;
            background.full_text("image_url")?;
            background.number("render_mode", 0..=1).map(drop)
        }),
        Some(_) => Err(fields.wrong("backgroundConfig")),
    }
}

fn layout_place(place: Fields<'_>) -> Result<(), Wrong> {
    place.text("uid")?;
    for key in ["x_axis", "y_axis", "width", "height"] {
        place.fraction(key)?.ok_or_else(|| place.missing(key))?;
    }
    place.fraction("alpha")?;
    place.number("render_mode", 0..=1).map(drop)
}

/// Whether MP4 files are written as well.
fn file_kinds(mode: Mode, fields: Fields<'_>) -> Result<bool, Wrong> {
    let Some(kinds) = fields.texts("avFileType").map_err(|_| "avFileType is invalid".to_owned())? else {
        return Ok(false);
    };
    if !kinds.iter().all(|kind| *kind == "hls" || *kind == "mp4") {
        return Err("avFileType is invalid".to_owned());
    }
    if !kinds.contains(&"hls") {
        return Err("avFileType must hold hls".to_owned());
    }
    let mp4 = kinds.contains(&"mp4");
    if mp4 && mode == Mode::Individual {
        return Err("avFileType is hls alone in individual mode".to_owned());
    }
    Ok(mp4)
}

fn snapshot_config(fields: Fields<'_>) -> Result<Duration, Wrong> {
    let interval = fields.number("captureInterval", 5..=3600)?.unwrap_or(10);
    match fields.texts("fileType")? {
        Some(kinds) if kinds == ["jpg"] => Ok(Duration::from_secs(interval)),
        Some(_) => Err(fields.wrong("fileType")),
        None => Err(fields.missing("fileType")),
    }
}

fn extension_services(fields: Fields<'_>) -> Result<(WebParameters, Option<String>), Wrong> {
    fields.one_of("errorHandlePolicy", &["error_abort", "error_ignore"])?;
    let services = match fields.get("extensionServices") {
        Some(Value::Array(services)) => services,
        _ => return Err(fields.missing("extensionServices")),
    };
    let (mut web, mut rtmp) = (None, None);
    for service in services {
        let service = service.as_object().ok_or_else(|| fields.wrong("extensionServices"))?;
        let service = Fields::new(service, "extensionServices");
        service.one_of("errorHandlePolicy", &["error_abort", "error_ignore"])?;
        let parameter = service.object("serviceParam")?.ok_or_else(|| service.missing("serviceParam"))?;
        match service.full_text("serviceName")? {
            "web_recorder_service" => web = Some(web_recorder(parameter)?),
            "rtmp_publish_service" => rtmp = Some(rtmp_output(parameter)?),
            _ => return Err(service.wrong("serviceName")),
        }
    }
    let web = web.ok_or("extensionServices holds no web_recorder_service")?;
    Ok((web, rtmp))
}

fn web_recorder(fields: Fields<'_>) -> Result<WebParameters, Wrong> {
    let url = fields.full_text("url")?;
    let is_address = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace));
    if !is_address {
        return Err(fields.wrong("url"));
    }
    fields.number("audioProfile", 0..=2)?.ok_or_else(|| fields.missing("audioProfile"))?;
    let side = |key: &str| fields.number(key, 1..=1920)?.ok_or_else(|| fields.missing(key));
    let (width, height) = (side("videoWidth")?, side("videoHeight")?);
    if width * height > 1920 * 1080 {
        return Err("serviceParam.videoWidth and videoHeight are invalid".to_owned());
    }
    let hours =
        fields.number("maxRecordingHour", 1..=720)?.ok_or_else(|| fields.missing("maxRecordingHour"))?;
    fields.number("videoBitrate", 1..=1_000_000)?;
    fields.number("videoFps", 5..=60)?;
    fields.flag("mobile")?;
    let minutes = fields.number("maxVideoDuration", 30..=240)?;
    let onhold = fields.flag("onhold")?.unwrap_or(false);
    let ready_timeout = fields.number("readyTimeout", 0..=60)?.unwrap_or(0);
    Ok(WebParameters {
        url: url.to_owned(),
        max_recording: Duration::from_secs(hours * 3600),
        mp4_length: minutes.map_or(MP4_LENGTH, |minutes| Duration::from_secs(minutes * 60)),
        onhold,
        ready_timeout: Duration::from_secs(ready_timeout),
    })
}

fn rtmp_output(fields: Fields<'_>) -> Result<String, Wrong> {
    let outputs = match fields.get("outputs") {
        Some(Value::Array(outputs)) => outputs.as_slice(),
        _ => return Err(fields.missing("outputs")),
    };
    let [output] = outputs else { return Err(fields.wrong("outputs")) };
    let output = output.as_object().ok_or_else(|| fields.wrong("outputs"))?;
    let output = Fields::new(output, "outputs");
    let url = output.full_text("rtmpUrl")?;
    if url.starts_with("rtmp://") || url.starts_with("rtmps://") {
        Ok(url.to_owned())
    } else {
        Err(output.wrong("rtmpUrl"))
    }
}

/// What an `update` changes; what is none stays.
#[derive(Default)]
pub(super) struct Update {
    pub(super) audio: Option<Subscription>,
    pub(super) video: Option<Subscription>,
    pub(super) onhold: Option<bool>,
    pub(super) rtmp: Option<String>,
    pub(super) storage: Option<StorageParameters>,
}

/// Checks the `clientRequest` of an `update`: at least one part, and each of this mode.
pub(super) fn update_parameters(
    mode: Mode,
    request: &Map<String, Value>,
    spelling: Spelling,
    now: Timestamp,
) -> Result<Update, Wrong> {
    let fields = Fields::new(request, "clientRequest");
    let (rtc, web) = (["streamSubscribe"], ["webRecordingConfig", "rtmpPublishConfig"]);
    let foreign: &[&str] = if mode == Mode::Web { &rtc } else { &web };
    if let Some(key) = foreign.iter().find(|key| fields.has(key)) {
        return Err(format!("{key} is not for this mode"));
    }
    if !rtc.iter().chain(&web).chain(&["storageConfig"]).any(|key| fields.has(key)) {
        return Err("api body validate failed!".to_owned());
    }
    let mut update = Update::default();
    if let Some(streams) = fields.object("streamSubscribe")? {
        let nothing = Map::new();
        let nothing = Fields::new(&nothing, "streamSubscribe");
        let audio = streams.object("audioUidList")?;
        let video = streams.object("videoUidList")?;
        if audio.is_none() && video.is_none() {
            return Err("api body validate failed!".to_owned());
        }
        (update.audio, update.video) =
            subscriptions(audio.unwrap_or(nothing), video.unwrap_or(nothing), spelling)?;
    }
    if let Some(web) = fields.object("webRecordingConfig")? {
        update.onhold = Some(web.flag("onhold")?.ok_or_else(|| web.missing("onhold"))?);
    }
    if let Some(publish) = fields.object("rtmpPublishConfig")? {
        update.rtmp = Some(rtmp_output(publish)?);
    }
    if let Some(storage) = fields.object("storageConfig")? {
        update.storage = Some(storage_config(storage, now)?);
    }
    Ok(update)
}

/// Checks the `clientRequest` of an `updateLayout`.
pub(super) fn layout_parameters(request: &Map<String, Value>) -> Result<(), Wrong> {
    let keys = [
        "mixedVideoLayout",
        "maxResolutionUid",
        "backgroundColor",
        "backgroundImage",
        "defaultUserBackgroundImage",
        "layoutConfig",
        "backgroundConfig",
    ];
    let fields = Fields::new(request, "clientRequest");
    if !keys.iter().any(|key| fields.has(key)) {
        return Err("api body validate failed!".to_owned());
    }
    layout(fields)
}
