//! Reads what a request asks for, and refuses what the service would refuse.

use core::ops::RangeInclusive;
use core::time::Duration;

use agora::Operation;
use agora::limits;
use agora::request::Fraction;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::session::StartParameters;

/// What a path names.
pub(super) struct Route {
    pub(super) app_id: String,
    pub(super) operation: Operation,
    pub(super) mode: Option<String>,
    pub(super) resource_id: Option<String>,
    pub(super) sid: Option<String>,
}

/// A JSON body as all operations but `query` have it.
pub(super) struct Envelope {
    pub(super) cname: String,
    pub(super) uid: String,
    pub(super) client_request: Map<String, Value>,
}

impl Route {
    pub(super) fn read(method: &str, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let (app_id, rest) = match segments.as_slice() {
            ["v1", "apps", app_id, "cloud_recording", rest @ ..] if !app_id.is_empty() => (*app_id, rest),
            _ => return None,
        };
        let (operation, mode, resource_id, sid) = match rest {
            ["acquire"] => (Operation::Acquire, None, None, None),
            ["resourceid", resource_id, "mode", mode, "start"] => {
                (Operation::Start, Some(*mode), Some(*resource_id), None)
            }
            ["resourceid", resource_id, "sid", sid, "mode", mode, name] => {
                let operation = match Operation::parse(name)? {
                    operation @ (Operation::Query
                    | Operation::Update
                    | Operation::UpdateLayout
                    | Operation::Stop) => operation,
                    Operation::Acquire | Operation::Start => return None,
                };
                (operation, Some(*mode), Some(*resource_id), Some(*sid))
            }
            _ => return None,
        };
        if method != agora::request::method(operation).as_str() {
            return None;
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Self {
            app_id: app_id.to_owned(),
            operation,
            mode: owned(mode),
            resource_id: owned(resource_id),
            sid: owned(sid),
        })
    }
}

impl Envelope {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else { return None };
        let cname = fields.get("cname")?.as_str()?.to_owned();
        let uid = fields.get("uid")?.as_str()?.to_owned();
        let Some(Value::Object(client_request)) = fields.remove("clientRequest") else { return None };
        Some(Self { cname, uid, client_request })
    }
}

/// Checks the `clientRequest` of a `start` in composite mode.
pub(super) fn start_parameters(request: &Map<String, Value>) -> Result<StartParameters, String> {
    let storage =
        request.get("storageConfig").and_then(Value::as_object).ok_or("storageConfig is missing")?;
    for key in ["vendor", "region"] {
        if storage.get(key).and_then(Value::as_u64).is_none() {
            return Err(format!("storageConfig.{key} is missing"));
        }
    }
    for key in ["bucket", "accessKey", "secretKey"] {
        if storage.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(format!("storageConfig.{key} is missing"));
        }
    }
    let folders = match storage.get("fileNamePrefix") {
        None => Vec::new(),
        Some(list) => {
            let folders: Vec<String> = Vec::deserialize(list)
                .map_err(|_| "storageConfig.fileNamePrefix is a list of texts".to_owned())?;
            if !agora::check::check_file_name_prefix(&folders).is_empty() {
                return Err("storageConfig.fileNamePrefix is invalid".to_owned());
            }
            folders
        }
    };
    let config =
        request.get("recordingConfig").and_then(Value::as_object).ok_or("recordingConfig is missing")?;
    let number = |key: &str, range: RangeInclusive<u64>, default: u64| match config.get(key) {
        None => Ok(default),
        Some(value) => match value.as_u64() {
            Some(number) if range.contains(&number) => Ok(number),
            _ => Err(format!("recordingConfig.{key} is invalid")),
        },
    };
    if !config.contains_key("channelType") {
        return Err("recordingConfig.channelType is missing".to_owned());
    }
    number("channelType", 0..=1, 0)?;
    number("streamTypes", 0..=2, 2)?;
    number("subscribeUidGroup", 0..=5, 0)?;
    let idle_range = u64::from(limits::MAX_IDLE_SECONDS_MIN)..=u64::from(limits::MAX_IDLE_SECONDS_MAX);
    let idle = number("maxIdleTime", idle_range, u64::from(limits::MAX_IDLE_SECONDS_DEFAULT))?;
    if let Some(transcoding) = config.get("transcodingConfig") {
        let side = |key: &str, default: u64| transcoding.get(key).map_or(Some(default), Value::as_u64);
        let size = side("width", 360).zip(side("height", 640));
        let pixels = size.and_then(|(width, height)| width.checked_mul(height));
        if pixels.is_none_or(|pixels| pixels == 0 || pixels > 1920 * 1080) {
            return Err("transcodingConfig.width and height are invalid".to_owned());
        }
        if transcoding.as_object().is_none_or(|layout| !layout_is_valid(layout)) {
            return Err("transcodingConfig.layoutConfig is invalid".to_owned());
        }
    }
    let kinds = request.get("recordingFileConfig").and_then(|files| files.get("avFileType"));
    let mp4 = match kinds.map(Vec::<String>::deserialize) {
        None => false,
        Some(Ok(kinds)) if kinds.iter().all(|kind| kind == "hls" || kind == "mp4") => {
            if !kinds.iter().any(|kind| kind == "hls") {
                return Err("avFileType must hold hls".to_owned());
            }
            kinds.iter().any(|kind| kind == "mp4")
        }
        Some(_) => return Err("avFileType is invalid".to_owned()),
    };
    Ok(StartParameters { max_idle: Duration::from_secs(idle), mp4, folders })
}

pub(super) fn layout_is_valid(layout: &Map<String, Value>) -> bool {
    let is_place = |place: &Value| {
        ["x_axis", "y_axis", "width", "height"].iter().all(|key| {
            place.get(key).and_then(Value::as_f64).is_some_and(|number| Fraction::try_from(number).is_ok())
        })
    };
    match layout.get("layoutConfig") {
        None => true,
        Some(Value::Array(places)) => {
            places.len() <= limits::LAYOUT_PLACES_MAX && places.iter().all(is_place)
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => false,
    }
}
