//! The page's files: right types, precompressed copies, and headers that let a page run nothing but itself.
//!
//! Only `/` gives the page. Any other path is a file or a 404: a browser that asks for a missing `.wasm` must not get
//! HTML.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::services::ServeDir;

/// What a page may load: its own files, its own program, and the proxy it came from (`connect-src 'self'` covers the
/// WebSocket of the same origin). The program is WebAssembly, which needs a word of its own.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; font-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// A name with a hash of its content in it never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Everything else is asked for again each time, with its `ETag`.
const EACH_TIME: &str = "no-cache";

/// How many hexadecimal digits trunk's hashes have.
const HASH_DIGITS: usize = 16;

/// Serves the built page from this folder; without one, says where the page is to be had.
pub fn router(assets: Option<&Path>) -> Router {
    let router = match assets {
        Some(folder) => Router::new().fallback_service(ServeDir::new(folder).precompressed_br()),
        None => Router::new().fallback(no_page),
    };
    router.layer(middleware::from_fn(protect))
}

async fn no_page() -> Response {
    let text =
        "This server has no page: build it with `cargo xtask build` and name its folder in server.assets.\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

async fn protect(request: Request, next: Next) -> Response {
    let hashed = is_hashed(request.uri().path());
    let mut response = next.run(request).await;
    let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let caching = if hashed && found { FOR_EVER } else { EACH_TIME };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    secure(headers);
    response
}

/// The headers of every answer that a browser may show: nothing runs but the page's own program, nobody frames it,
/// nobody else reads it.
pub fn secure(headers: &mut HeaderMap) {
    let policies = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in policies {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether trunk put a hash into this name: `dashboard-d2278185cd252393_bg.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let stem = stem.strip_suffix("_bg").unwrap_or(stem);
    stem.rsplit_once('-').is_some_and(|(_, hash)| {
        hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
