//! Turns the HTTP status and body of an answer into the class that the rules match on.
//!
//! A body `code` that has a rule of its own goes before the HTTP status; codes mean different things to different
//! operations, so each operation has its own list. Fields are read leniently: numbers may come as texts, `fileList` as
//! a text or a list, file names under `fileName` or `filename`, times in seconds or milliseconds. Whatever the bytes
//! are, the result is bounded: texts and lists are cut, deep nesting counts as "not JSON".

use core::time::Duration;

use serde_json::{Map, Value};

use crate::answer::{Answer, AnswerClass, QueryAnswer, StopAnswer};
use crate::ids::{ResourceId, Sid};
use crate::lenient::{cut, files_of, instant, integer, word};
use crate::operation::{Mode, Operation};

/// A larger body is not read at all: it counts as not JSON.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// How many characters of a `reason` or `message` are kept.
pub const REASON_CHARACTERS_MAX: usize = 200;

/// The longest `Retry-After` that is taken at its word; a longer one would leave a recording without control.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// What an answer means (D3, D5, D6, D7 and the documents' tables of codes, old and new).
///
/// `mode` is that of the session; the answers of web mode have their files and state elsewhere. `retry_after` is the
/// header of that name. `body` may be any bytes.
///
/// Two readings of ours: the service's 404 to `acquire` or `start`, where no session exists yet, is a refusal (D5);
/// and a 206 to `stop` without a code that tells an `uploadingStatus` is a stop (an old legend of the documents has
/// 206 for "some files went to the backup").
pub fn classify(
    operation: Operation,
    mode: Mode,
    status: u16,
    retry_after: Option<&str>,
    body: &[u8],
) -> Answer {
    let body = Body::read(body);
    let class = class_of(operation, mode, status, retry_after, &body);
    Answer { status, code: body.code, reason: body.reason, class }
}

/// A body, as far as every answer is read.
struct Body {
    /// None: not a JSON object.
    fields: Option<Map<String, Value>>,
    code: Option<u32>,
    reason: Option<String>,
    /// `{"message": …}` without a code: the gateway before the service.
    from_gateway: bool,
    /// Has a code or a reason: the service itself, or the gateway's successor for all that the rules care.
    from_service: bool,
}

impl Body {
    fn read(bytes: &[u8]) -> Self {
        // Nesting is limited inside serde_json, so neither reading nor dropping can exhaust the stack.
        let value = if bytes.len() > BODY_BYTES_MAX { None } else { serde_json::from_slice(bytes).ok() };
        let fields: Option<Map<String, Value>> = match value {
            Some(Value::Object(fields)) => Some(fields),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))
            | None => None,
        };
        let field = |name: &str| fields.as_ref().and_then(|fields| fields.get(name));
        let code = field("code").and_then(integer).and_then(|code| u32::try_from(code).ok());
        let reason = field("reason").and_then(Value::as_str);
        let message = field("message").and_then(Value::as_str);
        Self {
            code,
            reason: reason.or(message).map(|text| cut(text, REASON_CHARACTERS_MAX)),
            from_gateway: code.is_none() && reason.is_none() && message.is_some(),
            from_service: code.is_some() || reason.is_some(),
            fields,
        }
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.fields.as_ref().and_then(|fields| fields.get(name))
    }

    fn sid(&self) -> Option<Sid> {
        self.field("sid").and_then(Value::as_str).and_then(|text| Sid::parse(text).ok())
    }

    /// The code, unless it says "success" as old bodies of a 200 do.
    fn error_code(&self) -> Option<u32> {
        self.code.filter(|code| *code != 0 && *code != 200)
    }

    fn is_services_not_found(&self) -> bool {
        let found_no_worker = |reason: &String| reason.contains("failed to find worker");
        self.code == Some(404) || (self.from_service && self.reason.as_ref().is_some_and(found_no_worker))
    }
}

fn class_of(
    operation: Operation,
    mode: Mode,
    status: u16,
    retry_after: Option<&str>,
    body: &Body,
) -> AnswerClass {
    let by_code = || body.code.and_then(|code| class_of_code(operation, code, body));
    match status {
        200 => class_of_success(operation, mode, body).or_else(by_code).unwrap_or(AnswerClass::Unreadable),
        206 => match (operation, body.code) {
            (Operation::Stop, None) => match stop_answer(mode, body) {
                Some(answer) if answer.uploading_status.is_some() => AnswerClass::Stopped(answer),
                Some(_) | None => AnswerClass::NotCompleted,
            },
            _ => by_code().unwrap_or(AnswerClass::NotCompleted),
        },
        201 if operation == Operation::Start && body.code.is_none() && body.sid().is_some() => {
            AnswerClass::AlreadyStarted(body.sid())
        }
        201..=299 => by_code().unwrap_or(AnswerClass::Unreadable),
        429 => AnswerClass::RateLimited { retry_after: retry_after.and_then(read_retry_after) },
        404 => by_code().unwrap_or_else(|| class_of_not_found(operation, body)),
        400..=499 => by_code().unwrap_or(AnswerClass::Refused),
        502..=504 if !body.from_service => AnswerClass::GatewayError,
        500..=599 => by_code().unwrap_or(AnswerClass::ServerError),
        _ => AnswerClass::Unreadable,
    }
}

/// The codes with a rule of their own, per operation. A code that is missing here is judged by the HTTP status.
fn class_of_code(operation: Operation, code: u32, body: &Body) -> Option<AnswerClass> {
    match (operation, code) {
        (_, 65) => Some(AnswerClass::NotCompleted),
        // To `acquire` an old 62 says that the service is not enabled.
        (Operation::Acquire, 62) => None,
        (_, 62) => Some(AnswerClass::RequestTimeout),
        (Operation::Acquire, 406) => Some(AnswerClass::PcwReached),
        (Operation::Start, 7) => Some(AnswerClass::AlreadyStarted(body.sid())),
        (Operation::Start, 53) => Some(AnswerClass::TaskConflict),
        (Operation::Start, 502) => Some(AnswerClass::WorkerNotAllocated),
        (Operation::Start, 433 | 1001) => Some(AnswerClass::ResourceExpired),
        (Operation::Stop, 435) => Some(AnswerClass::NoRecordedData),
        (Operation::Stop, 49) => Some(AnswerClass::AlreadyExiting),
        (Operation::Stop, 50) => Some(AnswerClass::UploadTimeout),
        (
            Operation::Acquire
            | Operation::Start
            | Operation::Query
            | Operation::Update
            | Operation::UpdateLayout
            | Operation::Stop,
            _,
        ) => None,
    }
}

fn class_of_not_found(operation: Operation, body: &Body) -> AnswerClass {
    if body.is_services_not_found() {
        return match operation {
            Operation::Acquire | Operation::Start => AnswerClass::Refused,
            Operation::Query | Operation::Update | Operation::UpdateLayout | Operation::Stop => {
                AnswerClass::ServiceNotFound
            }
        };
    }
    if body.from_gateway { AnswerClass::NoRoute } else { AnswerClass::ForeignNotFound }
}

/// The class of a 200 that holds what its operation answers.
fn class_of_success(operation: Operation, mode: Mode, body: &Body) -> Option<AnswerClass> {
    body.fields.as_ref()?;
    match operation {
        Operation::Acquire => {
            let text = body.field("resourceId").and_then(Value::as_str)?;
            ResourceId::parse(text).ok().map(AnswerClass::Acquired)
        }
        Operation::Start => body.sid().map(AnswerClass::Started),
        Operation::Query => query_answer(mode, body).map(AnswerClass::Status),
        Operation::Update | Operation::UpdateLayout => {
            (body.error_code().is_none() && !body.from_gateway).then_some(AnswerClass::Updated)
        }
        Operation::Stop => {
            if body.error_code().is_some() || body.from_gateway {
                return None;
            }
            stop_answer(mode, body).map(AnswerClass::Stopped)
        }
    }
}

fn query_answer(mode: Mode, body: &Body) -> Option<QueryAnswer> {
    let response = body.field("serverResponse")?.as_object()?;
    let status = match integer(response.get("status")?)? {
        status @ (0..=8 | 20) => u8::try_from(status).ok()?,
        // A number that the documents do not know is no answer to "does it record?".
        _ => return None,
    };
    let page = page_recorder(mode, response);
    let files = files_of(response.get("fileList").or_else(|| page.and_then(|page| page.get("fileList"))));
    Some(QueryAnswer {
        status,
        files,
        slice_start: response.get("sliceStartTime").and_then(instant),
        web_state: page.and_then(|page| page.get("state")).and_then(word),
        sid: body.sid(),
    })
}

fn stop_answer(mode: Mode, body: &Body) -> Option<StopAnswer> {
    body.fields.as_ref()?;
    let Some(response) = body.field("serverResponse").and_then(Value::as_object) else {
        // What an asynchronous stop answers is documented nowhere.
        return Some(StopAnswer::default());
    };
    let uploader = service_payload(response, "upload_service");
    let uploading_status = response
        .get("uploadingStatus")
        .or_else(|| uploader.and_then(|uploader| uploader.get("uploadingStatus")))
        .and_then(word)
        // The documents themselves once had this slip.
        .map(|status| if status == "unknow" { "unknown".to_owned() } else { status });
    let page = page_recorder(mode, response);
    let files = files_of(response.get("fileList").or_else(|| page.and_then(|page| page.get("fileList"))));
    Some(StopAnswer { uploading_status, files })
}

fn page_recorder(mode: Mode, response: &Map<String, Value>) -> Option<&Map<String, Value>> {
    match mode {
        Mode::Web => service_payload(response, "web_recorder_service"),
        Mode::Individual | Mode::Mix => None,
    }
}

/// The payload of one of the services that web mode reports about.
fn service_payload<'a>(response: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    let services = response.get("extensionServiceState")?.as_array()?;
    let is_named = |service: &&Value| service.get("serviceName").and_then(Value::as_str) == Some(name);
    let service = services.iter().find(is_named)?;
    // An old schema spells the key wrongly.
    service.get("payload").or_else(|| service.get("playload"))?.as_object()
}

/// Seconds only: a date would need a clock, and the service documents neither.
fn read_retry_after(header: &str) -> Option<Duration> {
    let seconds: u64 = header.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}
