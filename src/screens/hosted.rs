//! Whether the host of this page has browsers keep it to what it needs: what a page may do is told by the headers that it
//! comes with, and a host of files sends none unless somebody told it to (`docs/hosting.md`).

use gloo_net::http::Request;
use leptos::prelude::*;

use crate::dom::{Element, Node, el};
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Tone};
use crate::words::comfort as says;

/// Each header, and what its value holds at least.
const NEEDED: [(&str, &[&str]); 7] = [
    ("content-security-policy", &["wasm-unsafe-eval", "frame-ancestors", "base-uri", "trusted-types"]),
    ("x-content-type-options", &["nosniff"]),
    ("referrer-policy", &["no-referrer"]),
    ("cross-origin-opener-policy", &["same-origin"]),
    ("cross-origin-embedder-policy", &["require-corp"]),
    ("cross-origin-resource-policy", &["same-origin"]),
    ("permissions-policy", &["camera=()"]),
];

/// Needed where the page came over TLS.
const ONLY_TLS: (&str, &[&str]) = ("strict-transport-security", &["max-age="]);

/// The headers that are not there, or do not say enough.
fn missing(header: impl Fn(&str) -> Option<String>, over_tls: bool) -> Vec<&'static str> {
    let lacks = |(name, parts): &(&'static str, &[&str])| {
        let value = header(name).unwrap_or_default();
        let says_enough = parts.iter().all(|part| value.contains(part)) && !value.contains("unsafe-inline");
        (!says_enough).then_some(*name)
    };
    NEEDED.iter().chain(over_tls.then_some(&ONLY_TLS)).filter_map(lacks).collect()
}

/// Asks the host for the page once more, and looks at what it sends with it. Nothing if it cannot be asked.
pub async fn ask_host() -> Vec<&'static str> {
    let Ok(answer) = Request::get(".").send().await else { return Vec::new() };
    // A request whose answer nobody reads counts as broken off.
    let _ = answer.text().await;
    let over_tls = window().location().protocol().is_ok_and(|protocol| protocol == "https:");
    missing(|name| answer.headers().get(name), over_tls)
}

/// Which headers the host does not send; nothing where it sends them all.
pub fn unprotected(missing: &[&'static str]) -> Option<Node> {
    (!missing.is_empty()).then(|| {
        let text: Element = el("p").add(says::not_sent(&missing.join(", ")));
        banner(Tone::Caution, Glyph::Caution, true).add(text).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_of_the_page_does_not_send_is_named() {
        let sent = |name: &str| {
            let needed = NEEDED.iter().chain([&ONLY_TLS]).find(|(needed, _)| *needed == name);
            needed.map(|(_, parts)| parts.join("; "))
        };
        assert_eq!(missing(sent, true), Vec::<&str>::new());
        let but = |lost: &'static str| missing(|name| sent(name).filter(|_| name != lost), true);
        assert_eq!(but("referrer-policy"), ["referrer-policy"]);
        assert_eq!(missing(|_| None, false).len(), NEEDED.len());
        let loose = |name: &str| sent(name).map(|value| value + "; style-src 'unsafe-inline'");
        assert_eq!(missing(loose, false).len(), NEEDED.len());
    }
}
