//! Reads what a request asks for: what its path names, and the frame of its body.

use agora::Operation;
use serde_json::{Map, Value};

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
