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

/// The headers of every answer that a browser may show, in the order of the documentation.
///
/// What a page may load: its own files, its own program, and the proxy it came from (`connect-src 'self'` covers the
/// WebSocket of the same origin). The program is WebAssembly, which needs a word of its own. It makes elements one by one
/// and never from a text, so no text may become one or become a script (`trusted-types`). Nothing of anybody else is loaded,
/// nobody frames it or holds its window, nobody else reads it, and it needs no device.
pub const HEADERS: [(HeaderName, &str); 7] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), serial=(), usb=()",
    ),
];

/// What a browser is told besides over TLS: for two years nothing but TLS, for this host and those below it.
pub const ONLY_TLS: &str = "max-age=63072000; includeSubDomains";

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

/// Adds [`HEADERS`].
pub fn secure(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
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

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
    use tempfile::TempDir;
    use tower::ServiceExt as _;

    use super::*;

    const PROGRAM: &str = "dashboard-d2278185cd252393_bg.wasm";

    fn page() -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let dist = folder.path().join("dist");
        std::fs::create_dir(&dist).expect("made");
        for (name, text) in [
            ("index.html", "<!doctype html>"),
            ("boot.js", "start()"),
            ("app-9d9cde8a5b4f2ae8.css", "body{}"),
            (PROGRAM, "\0asm"),
            ("dashboard-d2278185cd252393_bg.wasm.br", "packed"),
        ] {
            std::fs::write(dist.join(name), text).expect("written");
        }
        std::fs::write(folder.path().join("secret"), "outside").expect("written");
        folder
    }

    async fn get(folder: &TempDir, path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        router(Some(&folder.path().join("dist"))).oneshot(request).await.expect("infallible")
    }

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), 1024).await.expect("a body");
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn the_page_is_asked_for_each_time_and_runs_nothing_but_itself() {
        let folder = page();
        for path in ["/", "/index.html", "/?recording=one", "/boot.js"] {
            let response = get(&folder, path, &[]).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-cache", "{path}");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
            let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().expect("text");
            assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';"), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert!(policy.ends_with("require-trusted-types-for 'script'; trusted-types 'none'"), "{policy}");
            assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        }
        let page = get(&folder, "/", &[]).await;
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html");
        let tag = page.headers()[ETAG].to_str().expect("text").to_owned();
        let again = get(&folder, "/", &[(IF_NONE_MATCH, &tag)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn a_file_with_a_hash_is_kept_and_comes_packed_to_those_who_take_it() {
        let folder = page();
        let plain = get(&folder, &format!("/{PROGRAM}"), &[]).await;
        assert_eq!(plain.headers()[CACHE_CONTROL], FOR_EVER);
        assert_eq!(plain.headers()[CONTENT_TYPE], "application/wasm");
        assert_eq!(text(plain).await, "\0asm");
        let packed = get(&folder, &format!("/{PROGRAM}"), &[(ACCEPT_ENCODING, "gzip, br")]).await;
        assert_eq!(packed.headers()[CONTENT_ENCODING], "br");
        assert_eq!(packed.headers()[CONTENT_TYPE], "application/wasm");
        assert_eq!(text(packed).await, "packed");
        let style = get(&folder, "/app-9d9cde8a5b4f2ae8.css", &[]).await;
        assert_eq!(style.headers()[CACHE_CONTROL], FOR_EVER);
        assert_eq!(style.headers()[CONTENT_TYPE], "text/css");
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_404_and_nothing_outside_is_served() {
        let folder = page();
        let paths = [
            "/recordings",
            "/missing-d2278185cd252393_bg.wasm",
            "/../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/%2e%2e%5csecret",
            "//secret",
        ];
        for path in paths {
            let response = get(&folder, path, &[]).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-cache", "{path}");
            assert!(!text(response).await.contains("outside"), "{path}");
        }
        let post = Request::post("/").body(Body::empty()).expect("a request");
        let answer = router(Some(&folder.path().join("dist"))).oneshot(post).await.expect("infallible");
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        let without = Request::get("/").body(Body::empty()).expect("a request");
        let answer = router(None).oneshot(without).await.expect("infallible");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }

    /// What a host of the page alone is to send: as the proxy, with the proxy's address among what may be asked.
    fn of_a_host_of_files() -> Vec<(String, String)> {
        let far = "connect-src 'self' https://api.example.org wss://api.example.org";
        let mut headers: Vec<(String, String)> = HEADERS
            .iter()
            .map(|(name, value)| (name.to_string(), value.replace("connect-src 'self'", far)))
            .collect();
        headers.push(("strict-transport-security".to_owned(), ONLY_TLS.to_owned()));
        headers
    }

    #[test]
    fn the_documentation_has_hosts_of_files_send_what_the_proxy_sends() {
        let document = include_str!("../../../docs/hosting.md");
        let block = |begin: &str| {
            let (_, rest) = document.split_once(begin).expect("it is there");
            rest.split_once("```").expect("it ends").0.to_owned()
        };
        let quoted = |line: &str| -> Option<(String, String)> {
            let (name, rest) = line.split_once(' ')?;
            let value = rest.strip_prefix('"')?;
            Some((name.to_ascii_lowercase(), value.split('"').next()?.to_owned()))
        };
        let nginx = block("```nginx");
        let nginx: Vec<_> = nginx
            .lines()
            .filter_map(|line| quoted(line.trim().strip_prefix("add_header ")?))
            .filter(|(name, _)| name != "cache-control")
            .collect();
        assert_eq!(nginx, of_a_host_of_files());
        let caddy = block("```caddy");
        let caddy: Vec<_> = caddy
            .lines()
            .filter_map(|line| quoted(line.trim()))
            .filter(|(name, _)| !matches!(name.as_str(), "cache-control" | "header"))
            .collect();
        assert_eq!(caddy, of_a_host_of_files());
        for (name, value) in of_a_host_of_files() {
            let row = format!(
                "| `{name}` | `{}` |",
                value.replace(" https://api.example.org wss://api.example.org", "")
            );
            assert!(document.contains(&row), "docs/hosting.md has no row {row}");
        }
    }

    #[test]
    fn a_hash_is_told_from_a_word() {
        assert!(is_hashed("/dashboard-d2278185cd252393.js"));
        assert!(is_hashed("/snippets/helper-d2278185cd252393.js"));
        assert!(!is_hashed("/boot.js"));
        assert!(!is_hashed("/some-dashboard.js"));
        assert!(!is_hashed("/"));
    }
}
