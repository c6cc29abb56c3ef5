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

/// The largest body of a request, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

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
        written(status, "application/problem+json", &self.0)
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
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "bad_request",
            "Send the body as JSON, with Content-Type: application/json.",
        ));
    }
    // The parser bounds the depth, and every type refuses fields that it does not know.
    serde_json::from_slice(body).map_err(|error| {
        let status = match error.classify() {
            Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            Category::Io | Category::Syntax | Category::Eof => StatusCode::BAD_REQUEST,
        };
        Refused::new(status, "bad_request", format!("The body is not right: {error}."))
    })
}
