//! What goes out: the settings that staff ask for, and the paths and bodies that the proxy makes of them.
//!
//! Names and nesting of the JSON are the service's own, which is case sensitive (`async_stop` and `x_axis` are in
//! snake case, the rest in camel case). A body is written field by field in one fixed order, so that the same request
//! made twice has the same bytes: a repeat is recognised by the hash of its body.
//!
//! Two things of the service are left out on purpose. Lists of users *not* to subscribe to: its documents spell their
//! keys in two ways (`unsubscribe…`, `unSubscribe…`), and a subscription list says the same. The decryption secret: it
//! is a credential, and settings are kept in a journal that every page reads.

use core::fmt;

use from_json::FromJson;
use serde::{Deserialize, Serialize};

use crate::ids::{AppId, ChannelName, ResourceId, Sid, Uid};
use crate::operation::{Mode, Operation};

/// What staff ask for when they start a recording, apart from channel, UIDs and storage: kept by value in the journal,
/// turned into bodies by the proxy. Holds no credential.
///
/// What is inside has the service's own names (`maxIdleTime`). A name that is not known is an error: a setting that was
/// silently dropped would make another recording than the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct RecordingSettings {
    /// How it records.
    #[serde(default)]
    pub mode: Mode,
    /// What is subscribed to and how it is composed. Not sent in web mode.
    #[serde(default)]
    pub recording_config: RecordingConfig,
    /// The kinds of file written; `hls` alone, or `hls` and `mp4` (composite and web mode).
    #[serde(default = "only_hls")]
    pub av_file_types: Vec<AvFileType>,
    /// Individual mode: still pictures, instead of or beside the recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotConfig>,
    /// Web mode: the page to record. Needed there, and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<WebRecorder>,
    /// Web mode: where the recorded page is streamed to as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtmp_url: Option<String>,
    /// How long after the `sid` the session can be queried and stopped, in hours, 1 … 720 (T6: we ask for all of it).
    #[serde(default = "all_hours")]
    pub resource_expired_hours: u16,
    /// The only region whose servers may record, where data must stay in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}

impl Default for RecordingSettings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            recording_config: RecordingConfig::default(),
            av_file_types: only_hls(),
            snapshot: None,
            web: None,
            rtmp_url: None,
            resource_expired_hours: all_hours(),
            region: None,
        }
    }
}

fn only_hls() -> Vec<AvFileType> {
    vec![AvFileType::Hls]
}

const fn all_hours() -> u16 {
    crate::limits::RESOURCE_EXPIRED_HOURS_MAX
}

/// The service's `recordingConfig` (composite and individual mode).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordingConfig {
    /// The profile of the channel; it must be the one that the participants' SDK uses.
    #[serde(default)]
    pub channel_type: ChannelType,
    /// Which media are recorded.
    #[serde(default)]
    pub stream_types: StreamTypes,
    /// Individual mode: how the streams are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_mode: Option<StreamMode>,
    /// After how many seconds with nobody in the channel the session ends by itself, 5 … 2 592 000. The service takes
    /// 30 if none is sent; our form's default is 300 (I1).
    #[serde(default = "recommended_idle_seconds")]
    pub max_idle_time: u32,
    /// Which of a sender's two video streams is recorded; the service's default is the high one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_stream_type: Option<VideoStreamType>,
    /// Whose audio is recorded: at most 32 UIDs, or `#allstream#`. Empty: not sent, which means everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribe_audio_uids: Vec<String>,
    /// Whose video is recorded: at most 32 UIDs, or `#allstream#`. Empty: not sent, which means everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribe_video_uids: Vec<String>,
    /// How many users are expected: 0 up to 2, 1 up to 7, 2 up to 12, 3 up to 17, 4 up to 32, 5 up to 49. Needed in
    /// individual mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe_uid_group: Option<u8>,
    /// Composite mode: 0 mono at 48 kbit/s, 1 mono at 128, 2 stereo at 192.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_profile: Option<u8>,
    /// Composite mode: picture size and layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcoding_config: Option<TranscodingConfig>,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self {
            channel_type: ChannelType::default(),
            stream_types: StreamTypes::default(),
            stream_mode: None,
            max_idle_time: recommended_idle_seconds(),
            video_stream_type: None,
            subscribe_audio_uids: Vec::new(),
            subscribe_video_uids: Vec::new(),
            subscribe_uid_group: None,
            audio_profile: None,
            transcoding_config: None,
        }
    }
}

const fn recommended_idle_seconds() -> u32 {
    crate::limits::MAX_IDLE_SECONDS_RECOMMENDED
}

/// Makes an enum that travels as a small number; any other number is refused when it is read.
macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $number:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, FromJson)]
        #[serde(try_from = "u8", into = "u8")]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// All of them, in the service's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }

        impl From<$name> for u8 {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => $number,)+
                }
            }
        }

        impl TryFrom<u8> for $name {
            type Error = String;

            fn try_from(number: u8) -> Result<Self, Self::Error> {
                match number {
                    $($number => Ok(Self::$variant),)+
                    other => Err(format!("{} knows no {other}", stringify!($name))),
                }
            }
        }
    };
}

numbered!(
    /// The profile of a channel.
    ChannelType {
        /// Everybody may speak; idle means that nobody is there.
        #[default]
        Communication = 0,
        /// Hosts and an audience; idle means that no host is there.
        Live = 1,
    }
);
numbered!(
    /// Which media are recorded.
    StreamTypes {
        /// Audio alone.
        Audio = 0,
        /// Video alone.
        Video = 1,
        /// Both.
        #[default]
        AudioAndVideo = 2,
    }
);
numbered!(
    /// Which of a sender's two video streams is recorded.
    VideoStreamType {
        /// The high-quality stream.
        #[default]
        High = 0,
        /// The low-quality stream.
        Low = 1,
    }
);
numbered!(
    /// How the users' pictures are arranged in composite mode.
    MixedVideoLayout {
        /// One large picture, the others over it.
        #[default]
        Float = 0,
        /// All of equal size.
        Adaptive = 1,
        /// One large picture, the others beside it.
        Vertical = 2,
        /// As `layoutConfig` says.
        Custom = 3,
    }
);

/// Individual mode: how the streams are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "lowercase")]
pub enum StreamMode {
    /// Audio transcoded, video as sent.
    Default,
    /// Additionally a merged index of audio and video.
    Standard,
    /// Audio as sent; for audio alone.
    Original,
}

/// A kind of file that a session writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "lowercase")]
pub enum AvFileType {
    /// An index (M3U8) and slices; always written.
    Hls,
    /// Additionally MP4 files, made after the slices.
    Mp4,
}

/// The only region whose servers may record a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "UPPERCASE")]
pub enum Region {
    /// Mainland China.
    Cn,
    /// Asia without mainland China.
    Ap,
    /// Europe.
    Eu,
    /// North America.
    Na,
}

/// The service's `transcodingConfig`: size, rates and layout of the composed picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct TranscodingConfig {
    /// Width in pixels; the service's default is 360.
    pub width: u16,
    /// Height in pixels; the service's default is 640.
    pub height: u16,
    /// Frames per second; the service's default is 15.
    pub fps: u8,
    /// Kilobits per second; the service's default is 500.
    pub bitrate: u32,
    /// The layout at the start.
    #[serde(flatten)]
    pub layout: Layout,
}

impl Default for TranscodingConfig {
    fn default() -> Self {
        Self { width: 360, height: 640, fps: 15, bitrate: 500, layout: Layout::default() }
    }
}

/// A whole layout, as `start` and `updateLayout` send it. `updateLayout` replaces everything: what is not sent goes
/// back to the service's default (U2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "camelCase")]
pub struct Layout {
    /// How the pictures are arranged.
    #[serde(default)]
    pub mixed_video_layout: MixedVideoLayout,
    /// Vertical layout: whose picture is the large one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_resolution_uid: Option<String>,
    /// `#RRGGBB`; the service's default is black.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background_color: Option<String>,
    /// The address of a picture behind all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background_image: Option<String>,
    /// The address of the picture shown for a user who sends no video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_user_background_image: Option<String>,
    /// Custom layout: at most 17 places, in the order of layering.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layout_config: Vec<LayoutPlace>,
    /// A picture of their own for some users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background_config: Vec<UserBackground>,
}

/// One place of a custom layout, in fractions of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct LayoutPlace {
    /// Whose picture goes here; none: the next user without a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The left edge.
    pub x_axis: Fraction,
    /// The top edge.
    pub y_axis: Fraction,
    /// The width.
    pub width: Fraction,
    /// The height.
    pub height: Fraction,
    /// Opacity; the service's default is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<Fraction>,
    /// 0 crops the picture to fill the place, 1 fits it into the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_mode: Option<u8>,
}

/// A background picture for one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct UserBackground {
    /// Whose.
    pub uid: String,
    /// Its address.
    pub image_url: String,
    /// 0 crops, 1 fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_mode: Option<u8>,
}

/// A number from 0 to 1, exact to a millionth: it compares and prints the same everywhere, which a float would not
/// promise.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, FromJson,
)]
#[serde(try_from = "f64", into = "f64")]
pub struct Fraction(u32);

impl Fraction {
    /// The whole.
    pub const ONE: Self = Self(1_000_000);

    /// So many millionths; none above one.
    pub const fn from_millionths(millionths: u32) -> Option<Self> {
        if millionths <= Self::ONE.0 { Some(Self(millionths)) } else { None }
    }

    /// How many millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

impl From<Fraction> for f64 {
    fn from(fraction: Fraction) -> Self {
        Self::from(fraction.0) / 1_000_000.0
    }
}

impl TryFrom<f64> for Fraction {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        if !(0.0..=1.0).contains(&number) {
            return Err("a fraction is between 0 and 1");
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and 1 000 000"
        )]
        Ok(Self((number * 1_000_000.0).round() as u32))
    }
}

/// The service's `snapshotConfig` (individual mode).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotConfig {
    /// Seconds between two pictures, 5 … 3600; the service's default is 10.
    pub capture_interval: u16,
}

/// What the page recorder of web mode is told (`web_recorder_service`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebRecorder {
    /// The address of the page.
    pub url: String,
    /// 0 mono at 48 kbit/s, 1 mono at 128, 2 stereo at 192.
    pub audio_profile: u8,
    /// Width in pixels.
    pub video_width: u16,
    /// Height in pixels.
    pub video_height: u16,
    /// After how many hours the recording ends by itself, 1 … 720. There is no `maxIdleTime` in web mode.
    pub max_recording_hour: u16,
    /// Kilobits per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_bitrate: Option<u32>,
    /// Frames per second, 5 … 60; the service's default is 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_fps: Option<u8>,
    /// Whether the page is rendered as on a phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<bool>,
    /// The length of an MP4 file in minutes, 30 … 240; the service's default is 120.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_video_duration: Option<u16>,
    /// Whether it starts paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onhold: Option<bool>,
    /// How many seconds the page gets to report that it is ready, 0 … 60; 0, the default, means no check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_timeout: Option<u8>,
}

/// Where files go: made by the proxy from a storage profile, never by a page. Its `Debug` shows no credential.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageConfig {
    /// 1 S3, 2 Alibaba, 3 Tencent, 5 Azure, 6 Google, 7 Huawei, 8 Baidu, 11 S3-compatible.
    pub vendor: u8,
    /// The vendor's region, by the service's numbering.
    pub region: u8,
    /// The bucket's name.
    pub bucket: String,
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
    /// A temporary token (vendors 1, 2, 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_token: Option<String>,
    /// When the temporary token expires, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_expiration: Option<u64>,
    /// The folders of the files; see [`check_file_name_prefix`](crate::check::check_file_name_prefix).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_name_prefix: Vec<String>,
    /// What some vendors need besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_params: Option<StorageExtension>,
}

impl fmt::Debug for StorageConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StorageConfig")
            .field("vendor", &self.vendor)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .field("file_name_prefix", &self.file_name_prefix)
            .finish_non_exhaustive()
    }
}

/// What some storage vendors need besides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StorageExtension {
    /// S3: `kms` or `aes256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sse: Option<String>,
    /// S3 and Alibaba: a tag on each object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// S3-compatible storage (vendor 11): its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// What an `update` changes; at least one part, unless it brings new storage credentials alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct UpdateSettings {
    /// Composite and individual mode: whose audio from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe_audio_uids: Option<Vec<String>>,
    /// Composite and individual mode: whose video from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe_video_uids: Option<Vec<String>>,
    /// Web mode: pause (`true`) or go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onhold: Option<bool>,
    /// Web mode: where to stream to from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtmp_url: Option<String>,
}

/// The HTTP method of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Without a body.
    Get,
    /// With a JSON body.
    Post,
}

impl Method {
    /// As it stands in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// The method of an operation: only `query` is a GET.
pub const fn method(operation: Operation) -> Method {
    match operation {
        Operation::Query => Method::Get,
        Operation::Acquire
        | Operation::Start
        | Operation::Update
        | Operation::UpdateLayout
        | Operation::Stop => Method::Post,
    }
}

/// The value of the `Content-Type` header of every call with a body.
pub const CONTENT_TYPE: &str = "application/json;charset=utf-8";

/// The path of an operation, from `/v1/apps/…` on. None when an ID is missing that the operation needs: `start` needs a
/// resource ID, the others but `acquire` also a `sid`. The IDs hold no character that a path would have to escape.
pub fn path(
    app_id: &AppId,
    operation: Operation,
    mode: Mode,
    resource_id: Option<&ResourceId>,
    sid: Option<&Sid>,
) -> Option<String> {
    let base = format!("/v1/apps/{app_id}/cloud_recording");
    match operation {
        Operation::Acquire => Some(format!("{base}/acquire")),
        Operation::Start => {
            let resource_id = resource_id?;
            Some(format!("{base}/resourceid/{resource_id}/mode/{mode}/start"))
        }
        Operation::Query | Operation::Update | Operation::UpdateLayout | Operation::Stop => {
            let (resource_id, sid) = (resource_id?, sid?);
            Some(format!("{base}/resourceid/{resource_id}/sid/{sid}/mode/{mode}/{operation}"))
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, Request> {
    cname: &'a ChannelName,
    uid: String,
    client_request: Request,
}

fn body<Request: Serialize>(cname: &ChannelName, uid: Uid, client_request: Request) -> String {
    serde_json::to_string(&Envelope { cname, uid: uid.to_string(), client_request })
        .expect("maps with text keys and finite numbers always serialise")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AcquireRequest<'a> {
    scene: u8,
    resource_expired_hour: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    exclude_resource_ids: &'a [ResourceId],
}

/// The body of `acquire`. `exclude` names the resource IDs of the recording's other sessions, so that this one runs
/// elsewhere (A1).
pub fn acquire_body(
    cname: &ChannelName,
    uid: Uid,
    settings: &RecordingSettings,
    exclude: &[ResourceId],
) -> String {
    let request = AcquireRequest {
        scene: match settings.mode {
            Mode::Web => 1,
            Mode::Individual | Mode::Mix => 0,
        },
        resource_expired_hour: settings.resource_expired_hours,
        region: settings.region,
        exclude_resource_ids: exclude,
    };
    body(cname, uid, request)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_config: Option<&'a RecordingConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_file_config: Option<RecordingFileConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_config: Option<SnapshotRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension_service_config: Option<ExtensionServiceConfig<'a>>,
    storage_config: &'a StorageConfig,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordingFileConfig<'a> {
    av_file_type: &'a [AvFileType],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotRequest {
    capture_interval: u16,
    file_type: [&'static str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtensionServiceConfig<'a> {
    error_handle_policy: &'static str,
    extension_services: Vec<ExtensionService<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtensionService<'a> {
    service_name: &'static str,
    error_handle_policy: &'static str,
    service_param: ServiceParam<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ServiceParam<'a> {
    Web(&'a WebRecorder),
    Rtmp { outputs: [RtmpOutput<'a>; 1] },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RtmpOutput<'a> {
    rtmp_url: &'a str,
}

/// The body of `start`. `storage` and `token` come from the proxy's configuration.
pub fn start_body(
    cname: &ChannelName,
    uid: Uid,
    settings: &RecordingSettings,
    storage: &StorageConfig,
    token: Option<&str>,
) -> String {
    let web_mode = settings.mode == Mode::Web;
    let services = || {
        let page = settings.web.as_ref().map(|page| ExtensionService {
            service_name: "web_recorder_service",
            error_handle_policy: "error_abort",
            service_param: ServiceParam::Web(page),
        });
        let stream = settings.rtmp_url.as_deref().map(|rtmp_url| ExtensionService {
            service_name: "rtmp_publish_service",
            error_handle_policy: "error_ignore",
            service_param: ServiceParam::Rtmp { outputs: [RtmpOutput { rtmp_url }] },
        });
        page.into_iter().chain(stream).collect()
    };
    let request = StartRequest {
        token: token.filter(|_| !web_mode),
        recording_config: (!web_mode).then_some(&settings.recording_config),
        recording_file_config: (!settings.av_file_types.is_empty())
            .then_some(RecordingFileConfig { av_file_type: &settings.av_file_types }),
        snapshot_config: settings.snapshot.as_ref().filter(|_| settings.mode == Mode::Individual).map(
            |snapshot| SnapshotRequest { capture_interval: snapshot.capture_interval, file_type: ["jpg"] },
        ),
        extension_service_config: web_mode.then(|| ExtensionServiceConfig {
            error_handle_policy: "error_abort",
            extension_services: services(),
        }),
        storage_config: storage,
    };
    body(cname, uid, request)
}

#[derive(Serialize)]
struct StopRequest {
    async_stop: bool,
}

/// The body of `stop`. Without `async_stop` the service answers only when the files are uploaded, in up to 20 s (T1).
pub fn stop_body(cname: &ChannelName, uid: Uid, async_stop: bool) -> String {
    body(cname, uid, StopRequest { async_stop })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UpdateRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_subscribe: Option<StreamSubscribe<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_recording_config: Option<WebRecordingConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtmp_publish_config: Option<RtmpPublishConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_config: Option<&'a StorageConfig>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StreamSubscribe<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_uid_list: Option<AudioUidList<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_uid_list: Option<VideoUidList<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AudioUidList<'a> {
    subscribe_audio_uids: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VideoUidList<'a> {
    subscribe_video_uids: &'a [String],
}

#[derive(Serialize)]
struct WebRecordingConfig {
    onhold: bool,
}

#[derive(Serialize)]
struct RtmpPublishConfig<'a> {
    outputs: [RtmpOutput<'a>; 1],
}

/// The body of `update`. `storage` replaces the storage credentials of the session (a temporary token's refresh).
pub fn update_body(
    cname: &ChannelName,
    uid: Uid,
    update: &UpdateSettings,
    storage: Option<&StorageConfig>,
) -> String {
    let audio = update.subscribe_audio_uids.as_deref();
    let video = update.subscribe_video_uids.as_deref();
    let request = UpdateRequest {
        stream_subscribe: (audio.is_some() || video.is_some()).then(|| StreamSubscribe {
            audio_uid_list: audio.map(|uids| AudioUidList { subscribe_audio_uids: uids }),
            video_uid_list: video.map(|uids| VideoUidList { subscribe_video_uids: uids }),
        }),
        web_recording_config: update.onhold.map(|onhold| WebRecordingConfig { onhold }),
        rtmp_publish_config: update
            .rtmp_url
            .as_deref()
            .map(|rtmp_url| RtmpPublishConfig { outputs: [RtmpOutput { rtmp_url }] }),
        storage_config: storage,
    };
    body(cname, uid, request)
}

/// The body of `updateLayout`: the whole layout (U2).
pub fn update_layout_body(cname: &ChannelName, uid: Uid, layout: &Layout) -> String {
    body(cname, uid, layout)
}
