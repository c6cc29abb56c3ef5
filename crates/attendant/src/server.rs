//! Where the proxy is, and what is posted to it.

use std::sync::Arc;
use std::time::Duration;

use client::{CommandContext, PostOutcome, Request};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, Url, redirect};
use rules::api::{CLIENT_HEADER, PROTOCOL, SECRET_HEADER};
use secrecy::{ExposeSecret as _, SecretString};

/// A post without an answer for this long is given up. The proxy answers at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// No answer of the proxy to a post is longer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The proxy.
#[derive(Debug, Clone)]
pub struct Server {
    base: Url,
    http: Client,
    /// How an encrypted stream is opened.
    pub tls: Arc<rustls::ClientConfig>,
}

impl Server {
    /// Reads the address.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub fn parse(address: &str) -> Result<Self, String> {
        let wanted = "--server is the address of the proxy, such as https://api.example.org";
        let mut base = Url::parse(address).map_err(|_| wanted.to_owned())?;
        let Some(host) = base.host_str().map(str::to_owned) else { return Err(wanted.to_owned()) };
        let bare = base.query().is_none() && base.fragment().is_none() && base.username().is_empty();
        let encrypted = match base.scheme() {
            _ if !bare => return Err(format!("{wanted}: without a name, a query or a fragment")),
            "https" => true,
            // Whoever listens between could take the token and act.
            "http" if !is_loopback(&host) => {
                return Err(format!("{host} is not this machine: use https, so that nobody reads the token"));
            }
            "http" => false,
            _ => return Err(wanted.to_owned()),
        };
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let tls = tls(encrypted)?;
        let http = Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            .user_agent(concat!("tallylight-attendant/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("no request can be made: {error}"))?;
        Ok(Self { base, http, tls: Arc::new(tls) })
    }

    /// The stream, from what is known on.
    pub fn stream(&self, after: Option<u64>, journal: Option<&str>) -> Url {
        let mut address = self.at("api/v1/stream");
        let scheme = if address.scheme() == "https" { "wss" } else { "ws" };
        // Between these two schemes it always can.
        let _ = address.set_scheme(scheme);
        address.query_pairs_mut().append_pair("protocol", &PROTOCOL.to_string());
        if let (Some(after), Some(journal)) = (after, journal) {
            address
                .query_pairs_mut()
                .append_pair("after", &after.to_string())
                .append_pair("journal", journal);
        }
        address
    }

    fn at(&self, path: &str) -> Url {
        // The path is one of ours, and ids are of letters, digits and hyphens.
        self.base.join(path).unwrap_or_else(|_| self.base.clone())
    }

    /// The status of what is answered to the question who this is; none without an answer.
    pub async fn me(&self, token: &SecretString) -> Option<u16> {
        let request = self.http.get(self.at("api/v1/me")).bearer_auth(token.expose_secret());
        Some(request.send().await.ok()?.status().as_u16())
    }

    /// Posts a step of the rules.
    pub async fn post(
        &self,
        token: &SecretString,
        request: &Request,
        context: Option<&CommandContext>,
    ) -> PostOutcome {
        let (path, body) = match request {
            Request::Call(id, call) => (format!("api/v1/recordings/{id}/calls"), serde_json::to_string(call)),
            Request::Decision(id, decision) => {
                (format!("api/v1/recordings/{id}/decisions"), serde_json::to_string(decision))
            }
            Request::Claim(claim) => ("api/v1/leases".to_owned(), serde_json::to_string(claim)),
        };
        let Ok(body) = body else { return PostOutcome::Unreachable };
        let mut post = self
            .http
            .post(self.at(&path))
            .bearer_auth(token.expose_secret())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        if let Some(context) = context {
            post = post.header(CLIENT_HEADER, context.client).header(SECRET_HEADER, &context.secret);
        }
        match post.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                match text(answer).await {
                    Some(body) => PostOutcome::of_answer(status, &body),
                    None => PostOutcome::Unreachable,
                }
            }
            Err(_) => PostOutcome::Unreachable,
        }
    }
}

/// The body of an answer; none when it breaks off or is longer than anything that the proxy says.
async fn text(mut answer: Response) -> Option<String> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.ok()? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    String::from_utf8(body).ok()
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

fn tls(encrypted: bool) -> Result<rustls::ClientConfig, String> {
    use rustls_platform_verifier::ConfigVerifierExt as _;
    if encrypted {
        return rustls::ClientConfig::with_platform_verifier().map_err(|error| {
            format!("the certificates of this system cannot be read ({error}): install ca-certificates")
        });
    }
    Ok(rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::Server;

    fn refused(address: &str) -> String {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Server::parse(address).expect_err("it is refused")
    }

    #[test]
    fn an_address_that_would_show_the_token_is_refused() {
        assert!(refused("http://desk.example.org").contains("use https"));
        for wrong in
            ["desk.example.org", "ftp://desk.example.org", "https://", "https://a@desk.example.org/?b"]
        {
            assert!(refused(wrong).contains("--server is the address"), "{wrong}");
        }
    }

    #[test]
    fn the_stream_lies_under_the_address_whatever_its_path() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = Server::parse("http://127.0.0.1:7100/desk").expect("it is read");
        assert_eq!(server.stream(None, None).as_str(), "ws://127.0.0.1:7100/desk/api/v1/stream?protocol=2");
        let stream = server.stream(Some(7), Some("a&b"));
        assert_eq!(
            stream.as_str(),
            "ws://127.0.0.1:7100/desk/api/v1/stream?protocol=2&after=7&journal=a%26b"
        );
    }
}
