//! The integration checklist on a request before it is sent (S1): the form runs it as one types, the proxy before it
//! accepts. Lengths are counted in bytes, as the service counts them.

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, Uid};
use crate::limits;
use crate::operation::Mode;
use crate::request::{
    AvFileType, Layout, MixedVideoLayout, RecordingConfig, RecordingSettings, StreamMode, StreamTypes,
    TranscodingConfig, UpdateSettings, WebRecorder,
};

/// What the checklist says about one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The field it belongs to.
    pub field: Field,
    /// Whether it stops the request, and the sentence for the person.
    pub check: Check,
}

/// Whether a finding stops a request (S1). The sentence says what to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The service would refuse it, or the recording would certainly fail.
    Blocks(String),
    /// It may fail, or cost more than expected.
    Warns(String),
}

/// A field of a request, for placing a finding beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The channel name.
    Channel,
    /// The UID.
    Uid,
    /// `fileNamePrefix` of the storage profile.
    FileNamePrefix,
    /// `maxIdleTime`.
    MaxIdleTime,
    /// `channelType`.
    ChannelType,
    /// `streamTypes` and `streamMode`.
    StreamTypes,
    /// `subscribeAudioUids` and `subscribeVideoUids`.
    Subscription,
    /// `subscribeUidGroup`.
    SubscribeUidGroup,
    /// `audioProfile`.
    AudioProfile,
    /// Width and height of the picture.
    PictureSize,
    /// Frames per second.
    FramesPerSecond,
    /// The bit rate.
    BitRate,
    /// The layout.
    Layout,
    /// `avFileType`.
    FileTypes,
    /// `snapshotConfig`.
    Snapshot,
    /// The address of the recorded page.
    Url,
    /// `maxRecordingHour`.
    MaxRecordingHour,
    /// Another parameter of the page recorder.
    WebRecorder,
    /// Where a recorded page is streamed to.
    RtmpUrl,
    /// `resourceExpiredHour`.
    ResourceExpiredHour,
}

impl Finding {
    /// A finding that stops the request.
    pub fn blocks(field: Field, sentence: impl Into<String>) -> Self {
        Self { field, check: Check::Blocks(sentence.into()) }
    }

    /// A finding that lets the request through.
    pub fn warns(field: Field, sentence: impl Into<String>) -> Self {
        Self { field, check: Check::Warns(sentence.into()) }
    }

    /// Whether it stops the request.
    pub const fn is_blocking(&self) -> bool {
        matches!(self.check, Check::Blocks(_))
    }

    /// The sentence for the person.
    pub fn sentence(&self) -> &str {
        match &self.check {
            Check::Blocks(sentence) | Check::Warns(sentence) => sentence,
        }
    }
}

/// Checks what was typed as a UID.
pub fn check_uid(text: &str) -> Vec<Finding> {
    match Uid::parse(text) {
        Err(error) => vec![Finding::blocks(Field::Uid, error.to_string())],
        Ok(uid) if uid.get() > Uid::ADVISED_MAX => vec![Finding::warns(
            Field::Uid,
            format!("the service's support advises UIDs up to {}", Uid::ADVISED_MAX),
        )],
        Ok(_) => Vec::new(),
    }
}

/// Checks what was typed as a channel name. Spaces at its ends are legal, and probably a slip.
pub fn check_channel_name(text: &str) -> Vec<Finding> {
    match ChannelName::parse(text) {
        Err(error) => vec![Finding::blocks(Field::Channel, error.to_string())],
        Ok(_) if text.trim() != text => {
            vec![Finding::warns(Field::Channel, "the channel name begins or ends with a space")]
        }
        Ok(_) => Vec::new(),
    }
}

/// Checks `fileNamePrefix`: folders of letters and digits, at most 128 bytes with the slashes between them.
pub fn check_file_name_prefix(folders: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let bytes = folders.iter().map(String::len).sum::<usize>() + folders.len().saturating_sub(1);
    if bytes > limits::FILE_NAME_PREFIX_BYTES_MAX {
        findings.push(Finding::blocks(
            Field::FileNamePrefix,
            format!(
                "a file prefix has at most {} bytes with its slashes; this one has {bytes}",
                limits::FILE_NAME_PREFIX_BYTES_MAX
            ),
        ));
    }
    let is_plain =
        |folder: &String| !folder.is_empty() && folder.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !folders.iter().all(is_plain) {
        findings.push(Finding::blocks(
            Field::FileNamePrefix,
            "a folder of the file prefix has letters and digits only",
        ));
    }
    findings
}

/// Checks the settings of a recording, in the order of the form. Empty: nothing to say.
pub fn check_settings(settings: &RecordingSettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    match settings.mode {
        Mode::Individual | Mode::Mix => {
            check_recording_config(settings.mode, &settings.recording_config, &mut findings);
        }
        Mode::Web => match &settings.web {
            Some(page) => check_page(page, settings.resource_expired_hours, &mut findings),
            None => findings.push(Finding::blocks(Field::Url, "web mode needs the address of a page")),
        },
    }
    check_files(settings, &mut findings);
    if !(1..=limits::RESOURCE_EXPIRED_HOURS_MAX).contains(&settings.resource_expired_hours) {
        findings.push(Finding::blocks(Field::ResourceExpiredHour, "the time of control is 1 to 720 hours"));
    }
    if let Some(url) = &settings.rtmp_url {
        check_stream_address(settings.mode, url, &mut findings);
    }
    findings
}

fn check_recording_config(mode: Mode, config: &RecordingConfig, findings: &mut Vec<Finding>) {
    match config.max_idle_time {
        seconds if !(limits::MAX_IDLE_SECONDS_MIN..=limits::MAX_IDLE_SECONDS_MAX).contains(&seconds) => {
            findings.push(Finding::blocks(
                Field::MaxIdleTime,
                format!(
                    "the idle time is {} to {} seconds",
                    limits::MAX_IDLE_SECONDS_MIN,
                    limits::MAX_IDLE_SECONDS_MAX
                ),
            ))
        }
        ..limits::MAX_IDLE_SECONDS_DEFAULT => findings.push(Finding::warns(
            Field::MaxIdleTime,
            format!(
                "below {} seconds a short break of the network ends the recording; {} is recommended",
                limits::MAX_IDLE_SECONDS_DEFAULT,
                limits::MAX_IDLE_SECONDS_RECOMMENDED
            ),
        )),
        _ => {}
    }
    for (uids, medium) in [(&config.subscribe_audio_uids, "audio"), (&config.subscribe_video_uids, "video")] {
        check_subscription(uids, medium, findings);
    }
    if config.subscribe_audio_uids.is_empty() != config.subscribe_video_uids.is_empty()
        && config.stream_types == StreamTypes::AudioAndVideo
    {
        findings.push(Finding::warns(
            Field::Subscription,
            "users are listed for one medium only: the other medium will not be recorded",
        ));
    }
    match (mode, config.subscribe_uid_group) {
        (_, Some(6..)) => {
            findings.push(Finding::blocks(
                Field::SubscribeUidGroup,
                "the number of users is a group from 0 to 5",
            ));
        }
        (Mode::Individual, None) => {
            findings.push(Finding::blocks(
                Field::SubscribeUidGroup,
                "individual mode needs the number of users expected",
            ));
        }
        (Mode::Individual | Mode::Mix | Mode::Web, _) => {}
    }
    match (mode, config.stream_mode) {
        (_, None) => {}
        (Mode::Individual, Some(StreamMode::Original)) if config.stream_types != StreamTypes::Audio => {
            findings.push(Finding::blocks(Field::StreamTypes, "streams can be kept as sent for audio alone"));
        }
        (Mode::Individual, Some(_)) => {}
        (Mode::Mix | Mode::Web, Some(_)) => {
            findings.push(Finding::blocks(Field::StreamTypes, "only individual mode has a stream mode"));
        }
    }
    if mode == Mode::Individual {
        if config.audio_profile.is_some() {
            findings.push(Finding::blocks(Field::AudioProfile, "only composite mode has an audio profile"));
        }
        if config.transcoding_config.is_some() {
            findings.push(Finding::blocks(
                Field::PictureSize,
                "only composite mode has a picture size and layout",
            ));
        }
    } else {
        check_audio_profile(config.audio_profile, findings);
        if let Some(transcoding) = &config.transcoding_config {
            check_transcoding(transcoding, findings);
        }
    }
}

fn check_subscription(uids: &[String], medium: &str, findings: &mut Vec<Finding>) {
    if uids.len() > limits::SUBSCRIBED_UIDS_MAX {
        findings.push(Finding::blocks(
            Field::Subscription,
            format!("at most {} users can be listed for {medium}", limits::SUBSCRIBED_UIDS_MAX),
        ));
    }
    let all = ["#allstream#".to_owned()];
    if uids != all && !uids.iter().all(|uid| Uid::parse(uid).is_ok()) {
        findings.push(Finding::blocks(
            Field::Subscription,
            format!("the list of users for {medium} holds UIDs, or #allstream# alone"),
        ));
    }
}

fn check_audio_profile(profile: Option<u8>, findings: &mut Vec<Finding>) {
    if profile.is_some_and(|profile| profile > 2) {
        findings.push(Finding::blocks(Field::AudioProfile, "the audio profile is 0, 1 or 2"));
    }
}

fn check_transcoding(transcoding: &TranscodingConfig, findings: &mut Vec<Finding>) {
    check_picture(transcoding.width, transcoding.height, findings);
    if !(1..=limits::FRAMES_PER_SECOND_MAX).contains(&transcoding.fps) {
        findings.push(Finding::blocks(
            Field::FramesPerSecond,
            format!("1 to {} frames per second", limits::FRAMES_PER_SECOND_MAX),
        ));
    }
    check_bit_rate(transcoding.width, transcoding.height, transcoding.fps, transcoding.bitrate, findings);
    findings.extend(check_layout(&transcoding.layout));
}

fn check_picture(width: u16, height: u16, findings: &mut Vec<Finding>) {
    let (long_max, short_max) = limits::PICTURE_MAX;
    let (long, short) = (width.max(height), width.min(height));
    let pixels_max = u32::from(long_max) * u32::from(short_max);
    if short == 0 || u32::from(width) * u32::from(height) > pixels_max {
        findings.push(Finding::blocks(
            Field::PictureSize,
            format!("the picture has at most {long_max} × {short_max} pixels"),
        ));
    } else if long > long_max {
        findings.push(Finding::warns(
            Field::PictureSize,
            format!("a side longer than {long_max} pixels may be refused"),
        ));
    }
}

/// Our own measure, about a quarter and eight times of what the service's table of bit rates recommends.
fn check_bit_rate(width: u16, height: u16, fps: u8, kilobits: u32, findings: &mut Vec<Finding>) {
    let pixels_a_second = u64::from(width) * u64::from(height) * u64::from(fps);
    let bits = u64::from(kilobits) * 1000;
    if kilobits == 0 {
        findings.push(Finding::blocks(Field::BitRate, "the bit rate is needed, in kilobits per second"));
    } else if bits * 50 < pixels_a_second {
        findings
            .push(Finding::warns(Field::BitRate, "the bit rate is low for this size: the picture will blur"));
    } else if bits > pixels_a_second {
        findings.push(Finding::warns(Field::BitRate, "the bit rate is higher than this size can use"));
    }
}

/// Checks what an `update` is to change in a session of this mode.
pub fn check_update(mode: Mode, update: &UpdateSettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let UpdateSettings { subscribe_audio_uids, subscribe_video_uids, onhold, rtmp_url } = update;
    for (uids, medium) in [(subscribe_audio_uids, "audio"), (subscribe_video_uids, "video")] {
        let Some(uids) = uids else { continue };
        if mode == Mode::Web {
            findings.push(Finding::blocks(Field::Subscription, "a recorded page subscribes to nobody"));
        } else if uids.is_empty() {
            let sentence = format!("the list of users for {medium} is empty: name some, or #allstream#");
            findings.push(Finding::blocks(Field::Subscription, sentence));
        } else {
            check_subscription(uids, medium, &mut findings);
        }
    }
    if onhold.is_some() && mode != Mode::Web {
        findings.push(Finding::blocks(Field::WebRecorder, "only the recording of a page can be held"));
    }
    if let Some(url) = rtmp_url {
        check_stream_address(mode, url, &mut findings);
    }
    findings
}

fn check_stream_address(mode: Mode, url: &str, findings: &mut Vec<Finding>) {
    if mode != Mode::Web {
        findings.push(Finding::blocks(Field::RtmpUrl, "only web mode can stream to an address"));
    } else if !has_scheme(url, &["rtmp://", "rtmps://"]) {
        findings.push(Finding::blocks(Field::RtmpUrl, "the address begins with rtmp:// or rtmps://"));
    }
}

/// Checks a layout, for a start as for an `updateLayout`.
pub fn check_layout(layout: &Layout) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut blocks = |sentence: &str| findings.push(Finding::blocks(Field::Layout, sentence));
    if layout.layout_config.len() > limits::LAYOUT_PLACES_MAX {
        blocks("a layout has at most 17 places");
    }
    if layout.mixed_video_layout == MixedVideoLayout::Custom && layout.layout_config.is_empty() {
        blocks("a custom layout needs its places");
    }
    let overhangs = |start: u32, length: u32| start + length > crate::request::Fraction::ONE.millionths();
    if layout.layout_config.iter().any(|place| {
        overhangs(place.x_axis.millionths(), place.width.millionths())
            || overhangs(place.y_axis.millionths(), place.height.millionths())
    }) {
        blocks("a place of the layout reaches beyond the picture");
    }
    if layout.background_color.as_ref().is_some_and(|color| !is_color(color)) {
        blocks("a colour is # and six hexadecimal digits");
    }
    if layout.max_resolution_uid.as_ref().is_some_and(|uid| Uid::parse(uid).is_err()) {
        blocks("the large picture is given to a UID");
    }
    findings
}

fn is_color(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit())
}

fn check_page(page: &WebRecorder, resource_expired_hours: u16, findings: &mut Vec<Finding>) {
    if !has_scheme(&page.url, &["https://", "http://"]) {
        findings.push(Finding::blocks(Field::Url, "the address of the page begins with https:// or http://"));
    }
    check_audio_profile(Some(page.audio_profile), findings);
    check_picture(page.video_width, page.video_height, findings);
    let sides = [page.video_width, page.video_height];
    if sides.iter().any(|side| *side > 0 && *side < 240) {
        findings.push(Finding::warns(Field::PictureSize, "a side shorter than 240 pixels may be refused"));
    }
    if !(1..=720).contains(&page.max_recording_hour) {
        findings.push(Finding::blocks(Field::MaxRecordingHour, "a page is recorded for 1 to 720 hours"));
    } else if page.max_recording_hour > resource_expired_hours {
        findings.push(Finding::blocks(
            Field::MaxRecordingHour,
            "the recording would outlive the time in which it can be stopped",
        ));
    }
    if page.video_fps.is_some_and(|fps| !(5..=limits::WEB_FRAMES_PER_SECOND_MAX).contains(&fps)) {
        findings.push(Finding::blocks(
            Field::FramesPerSecond,
            format!("5 to {} frames per second", limits::WEB_FRAMES_PER_SECOND_MAX),
        ));
    }
    if page.max_video_duration.is_some_and(|minutes| !(30..=240).contains(&minutes)) {
        findings.push(Finding::blocks(Field::WebRecorder, "an MP4 file has 30 to 240 minutes"));
    }
    if page.ready_timeout.is_some_and(|seconds| seconds > 60) {
        findings.push(Finding::blocks(Field::WebRecorder, "the page gets at most 60 seconds to be ready"));
    }
}

fn check_files(settings: &RecordingSettings, findings: &mut Vec<Finding>) {
    let kinds = &settings.av_file_types;
    let has = |kind| kinds.contains(&kind);
    let mut blocks = |field, sentence: &str| findings.push(Finding::blocks(field, sentence));
    if has(AvFileType::Mp4) && !has(AvFileType::Hls) {
        blocks(Field::FileTypes, "MP4 files are made of HLS ones: choose both");
    }
    if has(AvFileType::Mp4) && settings.mode == Mode::Individual {
        blocks(Field::FileTypes, "individual mode writes no MP4 files");
    }
    if kinds.iter().enumerate().any(|(index, kind)| kinds.iter().skip(index + 1).any(|other| other == kind)) {
        blocks(Field::FileTypes, "a kind of file is named twice");
    }
    if kinds.is_empty() && settings.snapshot.is_none() {
        blocks(Field::FileTypes, "at least one kind of file is needed");
    }
    if let Some(snapshot) = &settings.snapshot {
        if settings.mode != Mode::Individual {
            blocks(Field::Snapshot, "only individual mode takes pictures");
        }
        if settings.recording_config.stream_types == StreamTypes::Audio {
            blocks(Field::Snapshot, "pictures need video");
        }
        if !(5..=3600).contains(&snapshot.capture_interval) {
            blocks(Field::Snapshot, "a picture is taken every 5 to 3600 seconds");
        }
    }
}

fn has_scheme(url: &str, schemes: &[&str]) -> bool {
    url.len() <= 2048
        && url.chars().all(|character| !character.is_whitespace() && !character.is_control())
        && schemes.iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u1_an_update_changes_what_its_mode_has() {
        let subscription = |uids: &[&str]| UpdateSettings {
            subscribe_audio_uids: Some(uids.iter().map(|uid| (*uid).to_owned()).collect()),
            ..UpdateSettings::default()
        };
        let hold = UpdateSettings { onhold: Some(true), ..UpdateSettings::default() };
        let stream =
            |url: &str| UpdateSettings { rtmp_url: Some(url.to_owned()), ..UpdateSettings::default() };
        for (mode, update, field) in [
            (Mode::Mix, subscription(&["7"]), None),
            (Mode::Individual, subscription(&["#allstream#"]), None),
            (Mode::Mix, subscription(&[]), Some(Field::Subscription)),
            (Mode::Mix, subscription(&["seven"]), Some(Field::Subscription)),
            (Mode::Web, subscription(&["7"]), Some(Field::Subscription)),
            (Mode::Web, hold.clone(), None),
            (Mode::Mix, hold, Some(Field::WebRecorder)),
            (Mode::Web, stream("rtmp://push.example.org/live/key"), None),
            (Mode::Web, stream("https://push.example.org"), Some(Field::RtmpUrl)),
            (Mode::Individual, stream("rtmp://push.example.org"), Some(Field::RtmpUrl)),
        ] {
            let found = check_update(mode, &update);
            let blocks: Vec<Field> =
                found.iter().filter(|finding| finding.is_blocking()).map(|finding| finding.field).collect();
            assert_eq!(blocks.first().copied(), field, "{mode} {update:?}");
        }
    }

    fn texts(findings: &[Finding]) -> Vec<(Field, bool)> {
        findings.iter().map(|finding| (finding.field, finding.is_blocking())).collect()
    }

    fn mix(change: impl FnOnce(&mut RecordingConfig)) -> Vec<(Field, bool)> {
        let mut settings = RecordingSettings::default();
        change(&mut settings.recording_config);
        texts(&check_settings(&settings))
    }

    #[test]
    fn s1_the_defaults_of_our_form_have_nothing_to_remark() {
        assert_eq!(mix(|_| {}), []);
        assert_eq!(mix(|config| config.transcoding_config = Some(TranscodingConfig::default())), []);
    }

    #[test]
    fn s1_idle_times_outside_the_range_block_and_below_the_default_warn() {
        for (seconds, expected) in [
            (0, Some(true)),
            (4, Some(true)),
            (5, Some(false)),
            (29, Some(false)),
            (30, None),
            (2_592_000, None),
            (2_592_001, Some(true)),
            (u32::MAX, Some(true)),
        ] {
            let expected: Vec<_> = expected.map(|blocks| (Field::MaxIdleTime, blocks)).into_iter().collect();
            assert_eq!(mix(|config| config.max_idle_time = seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn s1_a_picture_is_at_most_1920_by_1080_either_way_round_and_30_frames() {
        let sized = |width, height, fps, bitrate| {
            mix(|config| {
                config.transcoding_config =
                    Some(TranscodingConfig { width, height, fps, bitrate, layout: Layout::default() });
            })
        };
        assert_eq!(sized(1920, 1080, 30, 3150), []);
        assert_eq!(sized(1080, 1920, 30, 3150), []);
        assert_eq!(sized(1920, 1081, 30, 3150), [(Field::PictureSize, true)]);
        assert_eq!(sized(0, 1080, 30, 3150), [(Field::PictureSize, true), (Field::BitRate, false)]);
        assert_eq!(sized(1280, 720, 31, 2000), [(Field::FramesPerSecond, true)]);
        assert_eq!(sized(1280, 720, 15, 10), [(Field::BitRate, false)]);
        assert_eq!(sized(1280, 720, 15, 0), [(Field::BitRate, true)]);
        assert_eq!(sized(1280, 720, 15, u32::MAX), [(Field::BitRate, false)]);
        assert_eq!(
            sized(u16::MAX, u16::MAX, 30, 3150),
            [(Field::PictureSize, true), (Field::BitRate, false)]
        );
    }

    #[test]
    fn s1_lengths_are_counted_in_bytes() {
        assert_eq!(texts(&check_channel_name(&"a".repeat(63))), []);
        assert_eq!(texts(&check_channel_name(&"a".repeat(64))), [(Field::Channel, true)]);
        let of_32_characters_and_64_bytes = "é".repeat(32);
        assert!(check_channel_name(&of_32_characters_and_64_bytes)[0].sentence().contains("has 64"));
        assert_eq!(texts(&check_channel_name(" room")), [(Field::Channel, false)]);
        assert_eq!(texts(&check_channel_name("")), [(Field::Channel, true)]);
        let folder = |bytes| "a".repeat(bytes);
        assert_eq!(texts(&check_file_name_prefix(&[folder(63), folder(64)])), []);
        assert_eq!(
            texts(&check_file_name_prefix(&[folder(64), folder(64)])),
            [(Field::FileNamePrefix, true)]
        );
        assert_eq!(texts(&check_file_name_prefix(&["a/b".to_owned()])), [(Field::FileNamePrefix, true)]);
        assert_eq!(texts(&check_file_name_prefix(&[String::new()])), [(Field::FileNamePrefix, true)]);
        assert_eq!(texts(&check_file_name_prefix(&["raum-ä".to_owned()])), [(Field::FileNamePrefix, true)]);
    }

    #[test]
    fn s1_a_uid_is_a_whole_number_that_support_advises() {
        assert_eq!(texts(&check_uid("900001")), []);
        assert_eq!(texts(&check_uid("2147483648")), [(Field::Uid, false)]);
        for wrong in ["", "0", "-1", "+1", " 1", "1.0", "4294967296", "１", "99999999999999999999"] {
            assert_eq!(texts(&check_uid(wrong)), [(Field::Uid, true)], "{wrong}");
        }
    }

    #[test]
    fn u2_a_layout_stays_inside_its_picture() {
        use crate::request::{Fraction, LayoutPlace};
        let half = Fraction::from_millionths(500_000).expect("below 1");
        let place = |x_axis, width| LayoutPlace {
            uid: None,
            x_axis,
            y_axis: Fraction::default(),
            width,
            height: half,
            alpha: None,
            render_mode: None,
        };
        let custom = |layout_config| Layout {
            mixed_video_layout: MixedVideoLayout::Custom,
            layout_config,
            ..Layout::default()
        };
        assert_eq!(check_layout(&Layout::default()), []);
        assert_eq!(check_layout(&custom(vec![place(half, half); 17])), []);
        assert_eq!(texts(&check_layout(&custom(vec![place(half, half); 18]))), [(Field::Layout, true)]);
        assert_eq!(texts(&check_layout(&custom(Vec::new()))), [(Field::Layout, true)]);
        assert_eq!(texts(&check_layout(&custom(vec![place(half, Fraction::ONE)]))), [(Field::Layout, true)]);
        let color = |text: &str| Layout { background_color: Some(text.to_owned()), ..Layout::default() };
        assert_eq!(check_layout(&color("#00ff7F")), []);
        assert_eq!(texts(&check_layout(&color("#00ff7"))), [(Field::Layout, true)]);
        assert_eq!(texts(&check_layout(&color("#00é7F"))), [(Field::Layout, true)]);
    }

    #[test]
    fn s1_a_page_needs_an_address_and_may_not_outlive_its_control() {
        let page = |change: fn(&mut WebRecorder)| {
            let mut page = WebRecorder {
                url: "https://example.org/".to_owned(),
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
            };
            change(&mut page);
            let settings = RecordingSettings {
                mode: Mode::Web,
                web: Some(page),
                resource_expired_hours: 24,
                ..RecordingSettings::default()
            };
            texts(&check_settings(&settings))
        };
        assert_eq!(page(|_| {}), []);
        assert_eq!(page(|page| page.url = "example.org".to_owned()), [(Field::Url, true)]);
        assert_eq!(page(|page| page.url = "https://a b".to_owned()), [(Field::Url, true)]);
        assert_eq!(page(|page| page.max_recording_hour = 24), []);
        assert_eq!(page(|page| page.max_recording_hour = 25), [(Field::MaxRecordingHour, true)]);
        assert_eq!(page(|page| page.max_recording_hour = 0), [(Field::MaxRecordingHour, true)]);
        assert_eq!(page(|page| page.video_fps = Some(4)), [(Field::FramesPerSecond, true)]);
        assert_eq!(page(|page| page.video_width = 200), [(Field::PictureSize, false)]);
        assert_eq!(page(|page| page.video_height = 1700), [(Field::PictureSize, true)]);
        assert_eq!(page(|page| page.audio_profile = 3), [(Field::AudioProfile, true)]);
        assert_eq!(page(|page| page.ready_timeout = Some(61)), [(Field::WebRecorder, true)]);
    }

    #[test]
    fn s1_what_a_mode_does_not_have_blocks() {
        let settings = |mode| RecordingSettings { mode, ..RecordingSettings::default() };
        assert_eq!(texts(&check_settings(&settings(Mode::Web))), [(Field::Url, true)]);
        assert_eq!(texts(&check_settings(&settings(Mode::Individual))), [(Field::SubscribeUidGroup, true)]);
        let mut mp4_alone = settings(Mode::Mix);
        mp4_alone.av_file_types = vec![AvFileType::Mp4];
        assert_eq!(texts(&check_settings(&mp4_alone)), [(Field::FileTypes, true)]);
    }
}
