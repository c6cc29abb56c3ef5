//! Who may speak to this server, and in what form: what cannot be read in one way only is refused before anything else is
//! looked at; then the host names that it answers to, and the pages that may use a person's browser to send it commands.
//!
//! All of it comes before the question who is signed in: a browser adds a sign-in to whatever a page of its site sends,
//! also from another port of the same host, so a sign-in proves nothing about the page.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, AUTHORIZATION, CONNECTION, CONTENT_ENCODING,
    CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, ORIGIN, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rules::api::{CLIENT_HEADER, SECRET_HEADER};

use super::Server;
use super::answer::{BODY_BYTES_MAX, Refused};
use super::routes::sized;
use crate::statics::ONLY_TLS;

/// The longest address of a request, in bytes.
const TARGET_BYTES_MAX: usize = 4 * 1024;

/// All header lines of a request together, in bytes.
const HEADERS_BYTES_MAX: usize = 16 * 1024;

/// How long a body may take to come, in real time.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Where the service delivers notifications: `/api/v1/notifications/{app}`.
const NOTIFICATIONS: &str = "/api/v1/notifications/";

/// Lets a request through, or says why not.
pub(crate) async fn guard(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let host = match plain(&request) {
        Ok(host) => host,
        // What follows on the connection may be a part of what was not understood.
        Err(refused) => return closing(refused.into_response()),
    };
    if !server.answers_to(&host) {
        let title = format!(
            "This server does not answer to the name {:?}: add it to the configuration.",
            name(&host)
        );
        return closing(Refused::new(StatusCode::MISDIRECTED_REQUEST, "host", title).into_response());
    }
    if !server.may_come(&request, &host) {
        let title = "A page of this origin may not use this server: add it to allowed_origins. A program that is no page shows a token.";
        return closing(Refused::new(StatusCode::FORBIDDEN, "origin", title).into_response());
    }
    let headers = request.headers();
    let allowed = |origin: &&str| server.allows(origin, &host);
    let elsewhere = origin_of(headers).filter(allowed).filter(|origin| !server.is_own(origin, &host));
    let elsewhere = elsewhere.map(str::to_owned);
    // A sign-in stays within one site, so a page of another could never do more than look in vain: it is told why. Whether
    // it is one, its browser knows best. A demonstration has no sign-in.
    let other_site = elsewhere.is_some() && !server.settings.demo && says(headers, "cross-site");
    // A connection whose request had no length before it began is not used again.
    let unmeasured = headers.contains_key(TRANSFER_ENCODING);
    let mut response = match request.method() {
        &Method::OPTIONS if elsewhere.is_some() => StatusCode::NO_CONTENT.into_response(),
        _ if other_site => {
            let title = "This page is of another site than this server, and no sign-in crosses that: serve both under one domain, such as desk.example.org and api.example.org.";
            Refused::new(StatusCode::FORBIDDEN, "site", title).into_response()
        }
        _ => match whole(request).await {
            Ok(request) => next.run(request).await,
            Err(refused) => closing(refused.into_response()),
        },
    };
    if unmeasured {
        response = closing(response);
    }
    if server.is_only_secure(&host) {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONLY_TLS));
    }
    if let Some(origin) = elsewhere.and_then(|origin| HeaderValue::from_str(&origin).ok()) {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT"));
        let allow = "content-type, idempotency-key, tallylight-client, tallylight-secret";
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allow));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// The host that a request names, if it can be understood in one way only. Two servers that understood it differently
/// would see the border between two requests in different places.
fn plain(request: &Request) -> Result<String, Refused> {
    let refuse = |status, title: &str| Err(Refused::new(status, "bad_request", title));
    let bad = |title: &str| refuse(StatusCode::BAD_REQUEST, title);
    let (headers, target) = (request.headers(), request.uri());
    if request.version() != Version::HTTP_11 {
        return refuse(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "This server speaks HTTP/1.1.");
    }
    if target.to_string().len() > TARGET_BYTES_MAX {
        return refuse(StatusCode::URI_TOO_LONG, "An address has at most 4 kB.");
    }
    let lines = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    if lines.sum::<usize>() > HEADERS_BYTES_MAX {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return refuse(status, "The headers of a request have at most 16 kB together.");
    }
    for name in single() {
        if headers.get_all(&name).iter().nth(1).is_some() {
            return bad(&format!("The header {name} stands there more than once."));
        }
    }
    let method = request.method();
    if !matches!(*method, Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::OPTIONS) {
        let title = "This server takes GET, HEAD, POST, PUT and OPTIONS.";
        return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "no_route", title));
    }
    let unmeasured = headers.get(TRANSFER_ENCODING);
    let takes_unmeasured = *method == Method::POST && is_delivery(target.path());
    if unmeasured.is_some_and(|coding| !takes_unmeasured || coding != "chunked") {
        return refuse(
            StatusCode::LENGTH_REQUIRED,
            "A body needs its Content-Length, and no Transfer-Encoding.",
        );
    }
    let length = headers.get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
    if !sends(method) && length.is_some_and(|length| length != b"0") {
        return bad("A request that only reads has no body.");
    }
    if headers.get(CONTENT_ENCODING).is_some() {
        return refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send the body as it is, without Content-Encoding.",
        );
    }
    if !is_plain(target.path()) {
        return bad(
            "The path is not written plainly: no empty segments, dots, backslashes or control characters.",
        );
    }
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_ascii_lowercase);
    let Some(host) = headers.get(HOST).and_then(text).filter(|host| !host.is_empty()) else {
        return bad("The request names no host.");
    };
    match target.authority() {
        Some(authority) if !authority.as_str().eq_ignore_ascii_case(&host) => {
            bad("The request names two hosts.")
        }
        _ => Ok(host),
    }
}

/// Headers of which a second line would be read by one program and not by another.
fn single() -> [HeaderName; 11] {
    let own = HeaderName::from_static;
    [
        HOST,
        ORIGIN,
        AUTHORIZATION,
        CONTENT_TYPE,
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        COOKIE,
        own("sec-fetch-site"),
        own("idempotency-key"),
        own(CLIENT_HEADER),
        own(SECRET_HEADER),
    ]
}

/// Whether a path means what it says: what some program before or after this one would make another path of is refused.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    // `%0…` and `%1…` are the control characters, `%7f` is one too.
    let hidden = ["\\", "%5c", "%0", "%1", "%7f", ";", "#"].iter().any(|part| lower.contains(part));
    let dots = |segment: &str| matches!(segment.replace("%2e", ".").as_str(), "." | "..");
    let segments = || lower.strip_prefix('/').unwrap_or(&lower).split('/');
    let count = segments().count();
    let empty = |(place, segment): (usize, &str)| segment.is_empty() && place + 1 < count;
    !hidden && !segments().any(dots) && !segments().enumerate().any(empty)
}

/// The same request with its body, read once and kept in memory: it came whole and in time, is not too large, and is JSON
/// if it is anything. A notification is read by its own route, which has limits of its own.
async fn whole(request: Request) -> Result<Request, Refused> {
    if !sends(request.method()) || is_delivery(request.uri().path()) {
        return Ok(request);
    }
    let too_large = || {
        let title = format!("The body is larger than {BODY_BYTES_MAX} bytes.");
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "bad_request", title)
    };
    // What is announced as too large is not waited for.
    if request.body().size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let late = |_| {
        let title = format!("The body did not arrive within {} s.", BODY_WITHIN.as_secs());
        Refused::new(StatusCode::REQUEST_TIMEOUT, "too_slow", title)
    };
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(BODY_WITHIN, Bytes::from_request(Request::new(body), &()));
    let body = sized(read.await.map_err(late)?)?;
    if body.len() > BODY_BYTES_MAX {
        return Err(too_large());
    }
    if !body.is_empty() && !is_json(&parts.headers) {
        let title = "Send the body as JSON, with Content-Type: application/json.";
        return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_request", title));
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Whether the body is said to be JSON, in the one encoding that it has. A page of another origin can send nothing as this
/// without asking first.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/json")
        && parts.all(|part| matches!(part.as_str(), "charset=utf-8" | "charset=\"utf-8\""))
}

/// This answer, and the end of its connection.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Whether a request may change something. A preflight asks whether it may.
fn sends(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether this is where the service delivers: signed, and no browser's business.
fn is_delivery(path: &str) -> bool {
    path.strip_prefix(NOTIFICATIONS).is_some_and(|app| !app.is_empty() && !app.contains('/'))
}

fn origin_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("null"))
}

/// Whether the browser says that the page behind a request is of this kind of site.
fn says(headers: &HeaderMap, kind: &str) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == kind)
}

/// Whether a request shows a token instead of a sign-in. A browser adds none by itself, so no page can borrow one; whether
/// it is a right one is asked later.
fn shows_token(headers: &HeaderMap) -> bool {
    headers.get(AUTHORIZATION).is_some_and(|shown| shown.as_bytes().starts_with(b"Bearer "))
}

/// The host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_loopback_name(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

impl Server {
    fn answers_to(&self, host: &str) -> bool {
        let name = name(host);
        self.settings.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
            || (self.loopback && is_loopback_name(name))
    }

    /// Whether a request may come from where it says: every one that may change something, and the stream, needs the
    /// origin of an allowed page, or shows a token. What only reads may come from anywhere but another site's page.
    fn may_come(&self, request: &Request, host: &str) -> bool {
        let (headers, path) = (request.headers(), request.uri().path());
        let site = headers.get("sec-fetch-site");
        if sends(request.method()) || path == super::routes::STREAM {
            return match origin_of(headers) {
                // What a browser says of its own page must fit its origin.
                Some(origin) if self.is_own(origin, host) => {
                    site.is_none_or(|_| says(headers, "same-origin"))
                }
                // A page of another site is told so further on.
                Some(origin) => self.allows(origin, host),
                None if path == super::routes::STREAM => shows_token(headers),
                // No browser is behind these: a demonstration has nothing that a page could borrow.
                None if site.is_none() => {
                    let borrows = headers.contains_key(COOKIE);
                    shows_token(headers) || is_delivery(path) || (self.settings.demo && !borrows)
                }
                None => says(headers, "same-origin"),
            };
        }
        // A page's pictures and scripts say no origin. Somebody who follows a link comes with a page of its own.
        let follows = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
            && headers.get("sec-fetch-dest").is_some_and(|destination| destination == "document");
        let from_elsewhere = says(headers, "cross-site") || says(headers, "same-site");
        let allowed = origin_of(headers).is_some_and(|origin| self.allows(origin, host));
        !(path.starts_with("/api/") && from_elsewhere) || allowed || follows
    }

    /// Whether this page came from this very server.
    fn is_own(&self, origin: &str, host: &str) -> bool {
        // Where pages come over TLS, one that did not is somebody else's.
        let plain = || !self.is_only_secure(host) && origin.strip_prefix("http://") == Some(host);
        origin.strip_prefix("https://") == Some(host) || plain()
    }

    /// Whether browsers reach this host over TLS: the configuration names it so.
    fn is_only_secure(&self, host: &str) -> bool {
        let of_host = |allowed: &String| {
            allowed.strip_prefix("https://").is_some_and(|allowed| allowed.eq_ignore_ascii_case(host))
        };
        self.settings.allowed_origins.iter().any(of_host)
    }

    /// The page of this server itself (its name was checked), those of the configuration, and in a demonstration those
    /// of this machine.
    fn allows(&self, origin: &str, host: &str) -> bool {
        let of_machine = || {
            let rest = origin.strip_prefix("http://").unwrap_or_default();
            matches!(name(rest), "localhost" | "127.0.0.1")
        };
        self.is_own(origin, host)
            || self.settings.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
            || (self.settings.demo && of_machine())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_without_its_port() {
        for (host, expected) in [
            ("desk.example.org", "desk.example.org"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:7", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(name(host), expected);
        }
    }

    #[test]
    fn a_path_means_what_it_says() {
        for path in [
            "/",
            "/boot.js",
            "/api/v1/recordings/01-ab/stop",
            "/api/v1/notifications/a%20b%2fc",
            "/snippets/",
        ] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "//",
            "/api//v1",
            "/api/./v1",
            "/api/../v1",
            "/api/%2e%2E/v1",
            "/api/.%2e",
            "/a\\b",
            "/a%5Cb",
            "/a%00",
            "/a%0d%0ab",
            "/a%1b",
            "/a%7f",
            "/a;b",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn json_is_told_from_what_a_form_can_send() {
        let said = |text: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]);
            is_json(&headers)
        };
        for right in
            ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=\"UTF-8\""]
        {
            assert!(said(right), "{right}");
        }
        for wrong in [
            "",
            "text/plain",
            "text/plain; application/json",
            "application/json, text/plain",
            "application/json;charset=utf-7",
            "application/jsonp",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!said(wrong), "{wrong}");
        }
    }
}
