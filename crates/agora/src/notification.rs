//! What the service notifies about by webhook: the body, turned into one flat value.
//!
//! Nothing in a notification may be missed because it is spelled differently: the keys of `details` are found whatever
//! their case, numbers may come as texts, times in seconds or milliseconds, `fileList` as a text or a list, file names
//! under `fileName` or `filename`, the exit status as `leaveStatus`. Whatever the bytes are, the result is bounded and
//! nothing panics. Event types mean something only together with `productId` 3.

use core::fmt;
use std::borrow::Cow;

use from_json::FromJson;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::{FileEntry, REASON_CHARACTERS_MAX};
use crate::ids::{ChannelName, Sid, Uid};
use crate::lenient::{cut, files_of, instant, integer, word};
use crate::time::Timestamp;

/// A larger body is not read (N1): its sender is answered 413.
pub const NOTIFICATION_BYTES_MAX: usize = 64 * 1024;

/// How many characters of a `noticeId` are kept.
pub const NOTICE_CHARACTERS_MAX: usize = 128;

/// How many characters are kept of the details of an event that nobody documents.
pub const OTHER_CHARACTERS_MAX: usize = 1024;

/// How many UIDs of a list are kept.
pub const UIDS_MAX: usize = 64;

/// The `productId` of Cloud Recording.
pub const CLOUD_RECORDING: u32 = 3;

/// The channel names that test deliveries carry (N1).
pub const TEST_CHANNELS: [&str; 2] = ["test", "test_webhook"];

/// Makes the enum of documented event types, with their numbers and the service's own names for them.
macro_rules! event_types {
    ($($(#[$meta:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// What kind of event it is: `eventType` of product 3. Kept as its number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, FromJson)]
        #[serde(from = "u32", into = "u32")]
        pub enum EventType {
            $($(#[$meta])* $name,)*
            /// A number that no document defines (N6), or an event of another product.
            Unknown(u32),
        }

        impl EventType {
            /// Every documented event type, in the order of their numbers.
            pub const DOCUMENTED: &[Self] = &[$(Self::$name,)*];

            /// The number on the wire.
            pub const fn number(self) -> u32 {
                match self {
                    $(Self::$name => $number,)*
                    Self::Unknown(number) => number,
                }
            }

            /// The service's name for it (`msgName`); empty for one that no document defines.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Unknown(_) => "",
                }
            }
        }

        impl From<u32> for EventType {
            fn from(number: u32) -> Self {
                match number {
                    $($number => Self::$name,)*
                    number => Self::Unknown(number),
                }
            }
        }
    };
}

event_types! {
    /// An error: `module`, `level`, `code`, `stat`, `message`. Only the level tells how bad it is: `stat` 0 and an empty
    /// message come with fatal errors.
    Error = 1, "cloud_recording_error";
    /// A warning: `module`, `code`.
    Warning = 2, "cloud_recording_warning";
    /// A call did not fit the session's state: `status`, `files`. It is no heartbeat.
    StatusUpdate = 3, "cloud_recording_status_update";
    /// The first index was uploaded: `files`.
    FileInfos = 4, "cloud_recording_file_infos";
    /// The session ended: `exit`, 0 after its upload, 1 abnormally.
    SessionExit = 11, "session_exit";
    /// A failover: `new_uid` (F1, F3).
    SessionFailover = 12, "session_failover";
    /// The session is registered for high availability. Best practices names it, the catalogue does not (V4).
    HighAvailabilityRegistered = 13, "high_availability_registered";
    /// The uploader started: `status` 0.
    UploaderStarted = 30, "uploader_started";
    /// Every file is in the bucket: `status`, `files`.
    Uploaded = 31, "uploaded";
    /// Every file is uploaded, at least one of them to the service's backup: `status`, `files`.
    BackedUp = 32, "backuped";
    /// How much is uploaded: `progress`, in ten-thousandths.
    UploadingProgress = 33, "uploading_progress";
    /// The recorder is in the channel: `status` 0.
    RecorderStarted = 40, "recorder_started";
    /// The recorder left: `leave`, a mask.
    RecorderLeave = 41, "recorder_leave";
    /// A first slice, or the first after an interruption: `start`, `discontinued`, `stream_uid`, `track`, `mixed`.
    SliceStart = 42, "recorder_slice_start";
    /// A user's audio comes or does not: `stream_uid`, `receiving`, `start`.
    AudioStreamState = 43, "recorder_audio_stream_state_changed";
    /// A user's video comes or does not: `stream_uid`, `receiving`, `start`.
    VideoStreamState = 44, "recorder_video_stream_state_changed";
    /// A screenshot was uploaded: `files`.
    SnapshotFile = 45, "recorder_snapshot_file";
    /// The upload to the video platform (`vod`) began: `text` is the video's ID.
    VodStarted = 60, "vod_started";
    /// The upload to the video platform (`vod`) is done.
    VodTriggered = 61, "vod_triggered";
    /// The page recorder started: `start`.
    WebRecorderStarted = 70, "web_recorder_started";
    /// The page recorder stopped: `code` (1 is its hour limit), `message`, `text`, `files`.
    WebRecorderStopped = 71, "web_recorder_stopped";
    /// The page needs more than the recorder may use, which ends it at once: `word` is the limit.
    WebRecorderCapabilityLimit = 72, "web_recorder_capability_limit";
    /// The page was loaded again: `word` is the reason.
    WebRecorderReload = 73, "web_recorder_reload";
    /// Transcoding after the recording began.
    TranscoderStarted = 80, "transcoder_started";
    /// Transcoding is done: `word` is the result, `uids`.
    TranscoderCompleted = 81, "transcoder_completed";
    /// Files for the transcoding could not be fetched: `vendor`, `region`, `bucket`, `files`.
    DownloadFailed = 90, "download_failed";
    /// Publishing to a CDN: `word` is the state, `text` the address without its key.
    RtmpPublishStatus = 100, "rtmp_publish_status";
    /// The end of transcoding: `word` is the result, `files`.
    TranscodeFinalResult = 1001, "postpone_transcode_final_result";
}

impl From<EventType> for u32 {
    fn from(event: EventType) -> Self {
        event.number()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.number())
    }
}

/// One delivery, as far as anybody needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Notification {
    /// `noticeId`, at most 128 characters: equal ones are one notification (N2). Empty if there was none.
    pub notice: String,
    /// `productId`; none if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<u32>,
    /// `eventType`. Other products use the same numbers for something else ([`Notification::is_cloud_recording`]).
    pub event: EventType,
    /// When this delivery left the service: another time for every delivery of the same notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified_at: Option<Timestamp>,
    /// `payload.cname`, if it is a channel's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelName>,
    /// `payload.uid`: the recorder's, which a failover changes (F3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// `payload.sid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Sid>,
    /// `payload.sequence`: its place among the events of its sender. Its scope is documented nowhere.
    pub sequence: u64,
    /// `payload.sendts`, in very old bodies `eventMs`: when the event happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// `payload.serviceType`: which part of the service speaks (0 service, 1 recorder, 2 uploader, 6 page recorder, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<u32>,
    /// What the event says.
    pub details: Details,
}

/// What an event says: one flat value for all event types, which name the fields they have ([`EventType`]).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(default)]
pub struct Details {
    /// Which module an error or warning is about: 0 recorder, 1 uploader, 2 service, 6 page recorder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<u32>,
    /// `errorLevel`: 1 debug … 4 major, 5 fatal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// `errorCode`, `warnCode`, or why the page recorder stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// `stat` of an error. It says nothing about how bad the error is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stat: Option<u32>,
    /// The service's own words, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `status`, where it is a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    /// `exitStatus`: 0 normal, 1 abnormal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<u32>,
    /// `leaveCode`, a mask ([`LEAVE_NO_USERS`] and others); 0 says that it could not begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leave: Option<u32>,
    /// `newUid`: the UID of the recorder that takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_uid: Option<Uid>,
    /// `progress`, 0 … 10 000. Whether it only grows is disputed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<u32>,
    /// The files that it names; at most 64 are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileEntry>,
    /// When recording began (again), the page recorder started, or the stream's state changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// When the last good slice before `start` ended: the gap is what lies between (F6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discontinued: Option<Timestamp>,
    /// Whose stream it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_uid: Option<Uid>,
    /// `trackType`: `audio`, `video` or `audio_and_video`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// `mixedAllUser`: whether everybody is in one file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixed: Option<bool>,
    /// Whether the stream comes. On the wire `state` 0 says that it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiving: Option<bool>,
    /// A word of the service: a limit, a reason, a result, a state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// A text of the service: a video's ID, an address without its key, more about an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The storage's `vendor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<u32>,
    /// The storage's `region`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<u32>,
    /// The storage's `bucket`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// `uids`: whose recordings were transcoded; at most 64 are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uids: Vec<Uid>,
    /// The details of an event that no document defines, as JSON, at most 1 024 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
}

/// Bit of `leave`: the recorder was told to end by a signal.
pub const LEAVE_SIGNAL: u32 = 2;
/// Bit of `leave`: nobody else was in the channel for `maxIdleTime` (R2).
pub const LEAVE_NO_USERS: u32 = 4;
/// Bit of `leave`: to be ignored, say the documents.
pub const LEAVE_IGNORED: u32 = 8;
/// Bit of `leave`: it was told to leave the channel.
pub const LEAVE_CALLED: u32 = 16;

impl Details {
    /// Whether the recorder left because nobody was in the channel (R2).
    pub fn left_idle(&self) -> bool {
        self.leave.is_some_and(|mask| mask & LEAVE_NO_USERS != 0)
    }
}

/// Why a body is not a notification. It may still be the service's, if its signature is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationError {
    /// It has more than [`NOTIFICATION_BYTES_MAX`] bytes.
    TooLarge,
    /// It is no JSON object: not UTF-8, not JSON, nested too deep, or another value.
    NotAnObject,
    /// It has no `eventType` that is a number.
    NoEventType,
}

impl fmt::Display for NotificationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLarge => "the body is larger than 65536 bytes",
            Self::NotAnObject => "the body is not a JSON object",
            Self::NoEventType => "the body has no eventType that is a number",
        })
    }
}

impl core::error::Error for NotificationError {}

impl Notification {
    /// Reads a delivery. Where a key stands twice, the last one counts.
    ///
    /// # Errors
    /// When the bytes are too many, no JSON object, or without an `eventType`. Everything else is read as far as it goes.
    pub fn read(body: &[u8]) -> Result<Self, NotificationError> {
        if body.len() > NOTIFICATION_BYTES_MAX {
            return Err(NotificationError::TooLarge);
        }
        // Nesting is limited inside serde_json, so neither reading nor dropping can exhaust the stack.
        let Ok(Value::Object(envelope)) = serde_json::from_slice(body) else {
            return Err(NotificationError::NotAnObject);
        };
        let nothing = Map::new();
        let payload = field(&envelope, "payload").and_then(Value::as_object).unwrap_or(&nothing);
        let details = field(payload, "details").and_then(Value::as_object).unwrap_or(&nothing);
        let number = unsigned(field(&envelope, "eventType")).ok_or(NotificationError::NoEventType)?;
        let product = unsigned(field(&envelope, "productId"));
        let event = EventType::from(number);
        // The same number means something else where another product speaks.
        let known =
            if matches!(product, None | Some(CLOUD_RECORDING)) { event } else { EventType::Unknown(number) };
        let time = |map, name| field(map, name).and_then(instant);
        let sequence = field(payload, "sequence").and_then(integer);
        Ok(Self {
            notice: id(field(&envelope, "noticeId")),
            product,
            event,
            notified_at: time(&envelope, "notifyMs"),
            channel: text(field(payload, "cname")).and_then(|name| ChannelName::parse(name).ok()),
            uid: uid(field(payload, "uid")),
            sid: text(field(payload, "sid")).and_then(|sid| Sid::parse(sid).ok()),
            sequence: sequence.and_then(|number| u64::try_from(number).ok()).unwrap_or(0),
            sent_at: time(payload, "sendts").or_else(|| time(&envelope, "eventMs")),
            service: unsigned(field(payload, "serviceType")),
            details: Details::read(known, details),
        })
    }

    /// The body as it may be kept and shown: the address of a live stream without its key, everything else as it came.
    pub fn keepable<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        if self.event != EventType::RtmpPublishStatus {
            return Cow::Borrowed(body);
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return Cow::Borrowed(body) };
        let mut at = Some(&mut value);
        for name in ["payload", "details", "rtmpUrl"] {
            at = at.and_then(Value::as_object_mut).and_then(|map| {
                let key = map.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
                map.get_mut(&key)
            });
        }
        if let Some(address) = at {
            *address = Value::String(self.details.text.clone().unwrap_or_default());
        }
        serde_json::to_vec(&value).map_or(Cow::Borrowed(body), Cow::Owned)
    }

    /// Whether it is about Cloud Recording.
    pub fn is_cloud_recording(&self) -> bool {
        self.product.is_none_or(|product| product == CLOUD_RECORDING)
    }

    /// Whether it looks like a test delivery of the service's console (N1). A channel may really have this name, so this
    /// is asked only about what no session fits.
    pub fn is_test(&self) -> bool {
        self.channel.as_ref().is_some_and(|channel| TEST_CHANNELS.contains(&channel.as_str()))
    }
}

impl Details {
    /// Reads the details of an event of this type; what the type does not have is not looked for.
    pub fn read(event: EventType, from: &Map<String, Value>) -> Self {
        use EventType as Type;
        let mut read = Self::default();
        let number = |name| unsigned(field(from, name));
        let words = |name| field(from, name).and_then(word);
        let short = |name| text(field(from, name)).map(|text| cut(text, REASON_CHARACTERS_MAX));
        let time = |name| field(from, name).and_then(instant);
        let list = || files_of(field(from, "fileList"));
        match event {
            Type::Error => {
                read.module = number("module");
                read.level = number("errorLevel");
                read.code = number("errorCode");
                read.stat = number("stat");
                read.message = short("errorMsg").filter(|message| !message.is_empty());
            }
            Type::Warning => {
                read.module = number("module");
                read.code = number("warnCode");
            }
            Type::StatusUpdate | Type::Uploaded | Type::BackedUp => {
                read.status = number("status");
                read.files = list();
            }
            Type::FileInfos => read.files = list(),
            Type::SessionExit => read.exit = number("exitStatus").or_else(|| number("leaveStatus")),
            Type::SessionFailover => read.new_uid = uid(field(from, "newUid")),
            Type::UploaderStarted | Type::RecorderStarted => read.status = number("status"),
            Type::UploadingProgress => read.progress = number("progress"),
            Type::RecorderLeave => read.leave = number("leaveCode"),
            Type::SliceStart => {
                read.start = time("startUtcMs");
                read.discontinued = time("discontinueUtcMs");
                read.stream_uid = uid(field(from, "streamUid"));
                read.track = words("trackType");
                read.mixed = boolean(field(from, "mixedAllUser"));
            }
            Type::AudioStreamState | Type::VideoStreamState => {
                read.stream_uid = uid(field(from, "streamUid"));
                read.receiving = number("state").map(|state| state == 0);
                read.start = time("UtcMs");
            }
            Type::SnapshotFile => read.files = files_of(field(from, "fileName")),
            Type::VodStarted => {
                let video = field(from, "aliVodInfo").and_then(Value::as_object);
                let id = video.and_then(|video| text(field(video, "videoId")));
                read.text = id.map(|id| cut(id, REASON_CHARACTERS_MAX));
            }
            Type::WebRecorderStarted => read.start = time("recorderStartTime"),
            Type::WebRecorderStopped => {
                read.code = number("code");
                read.message = short("message").filter(|message| !message.is_empty());
                read.text = short("details").filter(|details| !details.is_empty());
                read.files = list();
            }
            Type::WebRecorderCapabilityLimit => read.word = words("limitType"),
            Type::WebRecorderReload => read.word = words("reason"),
            Type::TranscoderCompleted => {
                read.word = words("result");
                let uids = field(from, "uids").and_then(Value::as_array);
                read.uids = uids
                    .map(|uids| uids.iter().filter_map(|one| uid(Some(one))).take(UIDS_MAX).collect())
                    .unwrap_or_default();
            }
            Type::DownloadFailed => {
                read.vendor = number("vendor");
                read.region = number("region");
                read.bucket = short("bucket");
                let names = text(field(from, "fileName")).unwrap_or_default();
                let names = names.split(';').map(|name| Value::String(name.trim().to_owned())).collect();
                read.files = files_of(Some(&Value::Array(names)));
            }
            Type::RtmpPublishStatus => {
                read.word = words("status");
                read.text = short("rtmpUrl").map(|address| without_key(&address));
            }
            Type::TranscodeFinalResult => {
                read.word = words("result");
                read.files = list();
            }
            Type::HighAvailabilityRegistered
            | Type::VodTriggered
            | Type::TranscoderStarted
            | Type::Unknown(_) => {}
        }
        // Nobody documents what a 13 carries.
        if matches!(event, Type::Unknown(_) | Type::HighAvailabilityRegistered) && !from.is_empty() {
            read.other = serde_json::to_string(from).ok().map(|json| cut(&json, OTHER_CHARACTERS_MAX));
        }
        read
    }
}

/// The address of a live stream without its last part, which is the key to publish there.
fn without_key(address: &str) -> String {
    let (start, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let kept = rest.rsplit_once('/').map_or(rest, |(kept, _)| kept);
    if start.is_empty() { format!("{kept}/…") } else { format!("{start}://{kept}/…") }
}

/// A field by its name, whatever its case; the exact spelling goes first.
fn field<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name)
        .or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

fn unsigned(value: Option<&Value>) -> Option<u32> {
    value.and_then(integer).and_then(|number| u32::try_from(number).ok())
}

fn boolean(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        other => integer(other).map(|number| number != 0),
    }
}

/// An id of which the end may be what tells it from another: one that is too long ends with a hash of the whole (FNV-1a).
fn cut_id(text: &str) -> String {
    if text.chars().nth(NOTICE_CHARACTERS_MAX).is_none() {
        return text.to_owned();
    }
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{}{hash:016x}", cut(text, NOTICE_CHARACTERS_MAX - 16))
}

/// An opaque id, which may be written as a number.
fn id(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => cut_id(text),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => String::new(),
    }
}

fn uid(value: Option<&Value>) -> Option<Uid> {
    unsigned(value).and_then(Uid::new)
}
