//! What a browser calls a site: a scheme, and a host up to the name that its owner registered. A sign-in stays within one.

use reqwest::Url;

/// Whether pages of one address and of the other are of one site. The port does not matter.
pub(super) fn is_same(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme() && registered(one) == registered(other)
}

/// Whether it is an address of this machine only.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// The part of the host that its owner registered: `example.org` of `desk.example.org`. An address in numbers, and a name
/// under which everybody registers, such as `co.uk`, is a site of its own.
fn registered(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    let is_name = url.domain().is_some();
    // An ending that the list does not know counts as one under which everybody registers, as in a browser.
    if is_name { psl::domain_str(host).unwrap_or(host) } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let url = |text| Url::parse(text).expect("an address");
        is_same(&url(one), &url(other))
    }

    #[test]
    fn hosts_are_of_one_site_up_to_the_name_that_was_registered() {
        for other in ["https://api.example.org", "https://example.org:8443", "https://a.b.example.org/desk/"]
        {
            assert!(same("https://desk.example.org", other), "{other}");
        }
        for (one, other) in [
            ("https://desk.example.org", "https://desk.example.net"),
            ("https://desk.example.org", "http://api.example.org"),
            ("https://desk.example.co.uk", "https://api.another.co.uk"),
            // Everybody gets a host there.
            ("https://desk.github.io", "https://api.github.io"),
            // An ending that nobody registered.
            ("https://desk.corp", "https://api.corp"),
            ("http://192.168.1.1", "http://192.168.1.2"),
            ("http://localhost:8080", "http://127.0.0.1:7100"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
        assert!(same("https://desk.school.corp", "https://api.school.corp"));
        assert!(same("http://127.0.0.1:8080", "http://127.0.0.1:7100"));
    }
}
