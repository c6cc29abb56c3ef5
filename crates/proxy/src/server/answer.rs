//! How this server answers: JSON, or a problem that says what to change.

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rules::api::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::desk::Ended;
use super::gate::is_json;

/// The largest body of a request, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

/// How deep lists and objects of a body may lie in each other.
const DEPTH_MAX: usize = 32;

/// What kind of a refusal an answer is, for the audit: an extension of the response.
#[derive(Debug, Clone)]
pub(crate) struct Kind(pub(crate) String);

/// A refusal, as an answer.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Problem);

/// What every handler gives back.
pub(crate) type Answer = Result<Response, Refused>;

impl Refused {
    pub(crate) fn new(status: StatusCode, kind: &str, title: impl Into<String>) -> Self {
        Self(Problem {
            kind: kind.to_owned(),
            title: title.into(),
            status: status.as_u16(),
            rule: None,
            entries: Vec::new(),
        })
    }

    pub(crate) fn bad_request(title: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", title)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<Ended> for Refused {
    fn from(_: Ended) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ending", "The server is ending. Try again in a moment.")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = written(status, "application/problem+json", &self.0);
        response.extensions_mut().insert(Kind(self.0.kind));
        response
    }
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    written(status, "application/json", body)
}

fn written(status: StatusCode, content_type: &'static str, body: &impl Serialize) -> Response {
    // Every map in these types has text keys and every number is finite.
    let body = serde_json::to_vec(body).expect("bodies of the interface always serialise");
    let mut response = (status, Body::from(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Reads a JSON body.
pub(crate) fn read<Value: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<Value, Refused> {
    if !is_json(headers) {
        return Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "bad_request",
            "Send the body as JSON, with Content-Type: application/json.",
        ));
    }
    if depth(body) > DEPTH_MAX {
        return Err(Refused::bad_request(format!("The body is nested more than {DEPTH_MAX} levels deep.")));
    }
    // Every type refuses fields that it does not know, and a field that stands there twice.
    serde_json::from_slice(body).map_err(|error| {
        let status = match error.classify() {
            Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            Category::Io | Category::Syntax | Category::Eof => StatusCode::BAD_REQUEST,
        };
        Refused::new(status, "bad_request", format!("The body is not right: {error}."))
    })
}

/// How deep lists and objects lie in each other, of whatever this is.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_texts() {
        for (json, expected) in [
            ("1", 0),
            ("[[1],[2,{}]]", 3),
            (r#"{"a":"[[[[\"[["}"#, 1),
            (r#"{"a":"\\","b":[]}"#, 2),
            ("]]][", 1),
        ] {
            assert_eq!(depth(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn a_body_has_one_depth_one_type_and_no_field_twice() {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let read =
            |text: &str| read::<rules::api::AdoptOrphan>(&headers, &Bytes::copy_from_slice(text.as_bytes()));
        let status = |text: &str| read(text).err().map(|refused| refused.0.status);
        assert_eq!(status(r#"{"sid":"0123456789abcdef0123456789abcdef"}"#), None);
        assert_eq!(status(r#"{"sid":"0123456789abcdef","sid":"0123456789abcdef"}"#), Some(422));
        assert_eq!(status(&format!("{}{}", "[".repeat(33), "]".repeat(33))), Some(400));
    }
}
