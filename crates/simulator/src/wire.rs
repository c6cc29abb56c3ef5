//! Requests and answers without a network: what a server reads off a connection, and what it writes or does not write.

use agora::Timestamp;
use serde_json::{Value, json};

use crate::fault::{Domain, StrangeBody};

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The listener by which it came.
    pub domain: Domain,
    /// The `Host` header.
    pub host: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What to do with a request, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// When to answer, or to close the connection.
    pub at: Timestamp,
    /// The answer.
    pub outcome: Outcome,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is answered.
    Answered(Reply),
    /// Its connection is closed without an answer.
    Closed,
    /// Its connection was never accepted. A server with a network refuses it before there is a request.
    Refused,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: &'static str,
    /// The `Retry-After` header, in seconds.
    pub retry_after_s: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type, retry_after_s: None, body: body.into() }
    }

    /// What the gateway says to a body that it does not read to its end.
    pub fn too_large() -> Self {
        Self::gateway(413)
    }

    /// The service's error.
    pub(crate) fn error(status: u16, code: u32, reason: &str) -> Self {
        Self::json(status, &json!({ "code": code, "reason": reason }))
    }

    /// The gateway's error.
    pub(crate) fn message(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "message": message }))
    }

    /// The gateway's error in its usual words.
    pub(crate) fn gateway(status: u16) -> Self {
        Self::message(
            status,
            match status {
                400 => "appid is invalid",
                401 => "Invalid authentication credentials",
                404 => "no Route matched with those values",
                413 => "Request size limit exceeded",
                429 => "API rate limit exceeded",
                _ => "An unexpected error occurred",
            },
        )
    }

    pub(crate) fn strange(status: u16, body: StrangeBody) -> Self {
        match body {
            StrangeBody::Empty => Self::new(status, "text/plain", ""),
            StrangeBody::Html => Self::new(
                status,
                "text/html",
                format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"),
            ),
            StrangeBody::Gateway => Self::gateway(status),
            StrangeBody::Megabyte => Self::json(status, &json!({ "padding": "x".repeat(1024 * 1024) })),
            StrangeBody::Cut => Self::new(status, "application/json", r#"{"code":0,"reason":"brok"#),
            StrangeBody::Deep => {
                Self::new(status, "application/json", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)))
            }
        }
    }

    /// The `code` of the body, for the ledger.
    pub(crate) fn code(&self) -> Option<u32> {
        // Most answers have none; that is seen without reading them.
        if !self.body.windows(6).any(|part| part == b"\"code\"") {
            return None;
        }
        let value: Value = serde_json::from_slice(&self.body).ok()?;
        value.get("code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok())
    }
}
