//! The integration checklist on a request before it is sent (S1).

use serde::{Deserialize, Serialize};

use crate::limits;

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

/// Checks `fileNamePrefix`: folders of letters and digits, at most 128 bytes with the slashes between them.
pub fn check_file_name_prefix(folders: &[String]) -> Vec<Finding> {
    let blocks = |text: String| Finding { field: Field::FileNamePrefix, check: Check::Blocks(text) };
    let mut findings = Vec::new();
    let bytes = folders.iter().map(String::len).sum::<usize>() + folders.len().saturating_sub(1);
    if bytes > limits::FILE_NAME_PREFIX_BYTES_MAX {
        findings.push(blocks(format!(
            "a file prefix has at most {} bytes with its slashes; this one has {bytes}",
            limits::FILE_NAME_PREFIX_BYTES_MAX
        )));
    }
    if folders.iter().any(|folder| folder.is_empty() || !folder.bytes().all(|b| b.is_ascii_alphanumeric())) {
        findings.push(blocks("a folder of the file prefix has letters and digits only".to_owned()));
    }
    findings
}
