//! Who may speak to this server: the host names that it answers to, and the pages that may use a person's browser to
//! send it commands.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, HOST, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Server;
use super::answer::Refused;

/// Lets a request through, or says why not.
pub(crate) async fn guard(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let Some(host) = host_of(&request) else {
        return Refused::bad_request("The request names no host.").into_response();
    };
    if !server.answers_to(&host) {
        let title = format!(
            "This server does not answer to the name {:?}: add it to the configuration.",
            name(&host)
        );
        return Refused::new(StatusCode::MISDIRECTED_REQUEST, "host", title).into_response();
    }
    let path = request.uri().path();
    let is_stream = path == super::routes::STREAM;
    let allowed = match origin_of(headers) {
        // Not a browser's page, or a page that reads from its own server.
        None => !(sends(request.method()) && from_another_site(headers)),
        Some(origin) => server.allows(origin, &host),
    };
    if !allowed && (sends(request.method()) || is_stream) {
        let title = "This page's origin may not use this server: add it to allowed_origins.";
        return Refused::new(StatusCode::FORBIDDEN, "origin", title).into_response();
    }
    let elsewhere = origin_of(headers).filter(|origin| allowed && !is_own(origin, &host)).map(str::to_owned);
    // A sign-in stays within one site, so a page of another could never do more than look in vain: it is told why. Whether
    // it is one, its browser knows best. A demonstration has no sign-in.
    let other_site = elsewhere.is_some() && !server.settings.demo && says(headers, "cross-site");
    let mut response = match request.method() {
        &Method::OPTIONS if elsewhere.is_some() => StatusCode::NO_CONTENT.into_response(),
        _ if other_site => {
            let title = "This page is of another site than this server, and no sign-in crosses that: serve both under one domain, such as desk.example.org and api.example.org.";
            Refused::new(StatusCode::FORBIDDEN, "site", title).into_response()
        }
        _ => next.run(request).await,
    };
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

/// Whether a request may change something. A preflight asks whether it may.
fn sends(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

fn host_of(request: &Request) -> Option<String> {
    let authority = request.uri().authority().map(ToString::to_string);
    let header = || request.headers().get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    authority.or_else(header).map(|host| host.to_ascii_lowercase())
}

fn origin_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("null"))
}

/// Old browsers say nothing; a new one says when a page of another site is behind a request.
fn from_another_site(headers: &HeaderMap) -> bool {
    says(headers, "cross-site") || says(headers, "same-site")
}

/// Whether the browser says that the page behind a request is of this kind of site.
fn says(headers: &HeaderMap, kind: &str) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == kind)
}

/// The host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether this page came from this very server.
fn is_own(origin: &str, host: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host))
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

    /// The page of this server itself (its name was checked), those of the configuration, and in a demonstration those
    /// of this machine.
    fn allows(&self, origin: &str, host: &str) -> bool {
        let of_machine = || {
            let rest = origin.strip_prefix("http://").unwrap_or_default();
            matches!(name(rest), "localhost" | "127.0.0.1")
        };
        is_own(origin, host)
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
    fn an_origin_is_a_servers_own_only_with_the_same_port() {
        assert!(is_own("http://127.0.0.1:7100", "127.0.0.1:7100"));
        assert!(!is_own("http://127.0.0.1:7101", "127.0.0.1:7100"));
        assert!(!is_own("null", "null"));
    }
}
