//! The only module that sends requests to the service: to its own hosts, or to a simulator of this machine, one request for
//! one call.
//!
//! A host is one of [`agora::hosts`], or is led to this machine by the configuration. Names of the service that the network
//! leads to a private address get nothing: neither the credentials nor the network behind the proxy are anybody's to reach.
//!
//! Nothing is sent twice: redirects, retries and system proxies are off, and every call has a client of its own, so that
//! there is no idle connection that could turn out to be closed after the request was written to it (an HTTP library
//! sends such a request again by itself). A connection must stand well before the rule's time is over: a call that was
//! given up never leaves later.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use agora::UnansweredCause;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, redirect};
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use crate::secret::{Credentials, Current};
use crate::server::ports::{Boxed, Outcome, OutgoingCall, Passed, Upstream};

/// So much of an answer's body is read; the rest is left where it is.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The most that the simulator's controls may answer: a ledger of a long demonstration.
const SIMULATOR_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long the simulator's controls may take.
const SIMULATOR_WAIT: Duration = Duration::from_secs(10);

/// How requests for one App ID reach the service.
#[derive(Clone)]
pub struct AppUpstream {
    /// The beginning of the address (`https://api.agora.io`) by host, as the configuration has it.
    pub bases: BTreeMap<String, String>,
    /// Where names lead, if not where the system says. `None`: the name does not resolve.
    pub resolve: BTreeMap<String, Option<SocketAddr>>,
    /// Customer key and customer secret, the name and the password of Basic authentication.
    pub customer: Current<Credentials>,
}

/// The service, over HTTP.
pub struct HttpUpstream {
    apps: BTreeMap<String, Destination>,
    tls: rustls::ClientConfig,
    /// The App ID whose domains lead to the simulator; only in a demonstration.
    simulator: Option<String>,
}

struct Destination {
    bases: BTreeMap<String, String>,
    names: Names,
    customer: Current<Credentials>,
}

impl HttpUpstream {
    /// For these App IDs by name. `simulator` names the one behind which the simulator answers, in a demonstration.
    ///
    /// # Errors
    /// When the system has no certificates to check a server's with, and some address begins with `https`; and when an
    /// address is neither the service's nor of this machine.
    pub fn new(apps: BTreeMap<String, AppUpstream>, simulator: Option<String>) -> Result<Self, String> {
        let encrypted =
            apps.values().flat_map(|app| app.bases.values()).any(|base| base.starts_with("https:"));
        let tls = tls(encrypted)?;
        for app in apps.values() {
            if let Some(base) = app.bases.values().find(|base| !leads_to_service(base, &app.resolve)) {
                return Err(format!("{base} is no domain of the service, and nothing is sent there"));
            }
        }
        let mut destinations = BTreeMap::new();
        for (name, app) in apps {
            let names = Names(Arc::new(app.resolve));
            let AppUpstream { bases, customer, .. } = app;
            destinations.insert(name, Destination { bases, names, customer });
        }
        Ok(Self { apps: destinations, tls, simulator })
    }

    /// A client for one request, whose connection must stand after `connect`.
    fn client(&self, names: &Names, connect: Duration) -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .http1_only()
            .pool_max_idle_per_host(0)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .dns_resolver(names.clone())
            .connect_timeout(connect)
            .tcp_nodelay(true)
            .user_agent(concat!("tallylight/", env!("CARGO_PKG_VERSION")))
            .build()
    }

    fn request(&self, call: &OutgoingCall) -> Option<reqwest::RequestBuilder> {
        let destination = self.apps.get(&call.app)?;
        let base = destination.bases.get(&call.request.host)?;
        // The rest is for the request itself: see the head of this module.
        let connect = call.wait * 4 / 5;
        let client = match self.client(&destination.names, connect) {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "no request can be made");
                return None;
            }
        };
        let address = format!("{base}{}", call.request.path);
        let method = if call.get { Method::GET } else { Method::POST };
        let customer = destination.customer.now();
        // The library marks this header as sensitive, so that nothing prints it.
        let mut request = client
            .request(method, address)
            .basic_auth(customer.key.expose_secret(), Some(customer.secret.expose_secret()));
        if !call.get {
            request =
                request.header(CONTENT_TYPE, agora::request::CONTENT_TYPE).body(call.request.body.clone());
        }
        Some(request)
    }
}

impl Upstream for HttpUpstream {
    fn send(&self, call: OutgoingCall, tell: UnboundedSender<Outcome>) -> Boxed<()> {
        let request = self.request(&call);
        let (app, host) = (call.app, call.request.host);
        // Only the end of the path: what goes before it is long, and stands in the journal.
        let operation = call.request.path.rsplit('/').next().unwrap_or_default().to_owned();
        Box::pin(async move {
            let Some(request) = request else {
                tracing::error!(app, host, "the configuration knows no way to this host; nothing was sent");
                let _ = tell.send(Outcome::Unanswered(UnansweredCause::Dns));
                return;
            };
            let mut exchange = Box::pin(exchange(request));
            // Nobody may listen any more when the program ends; what was sent is then closed at the next start.
            match timeout(call.wait, &mut exchange).await {
                Ok(Ok(answer)) => {
                    let _ = tell.send(answer);
                }
                Ok(Err(error)) => {
                    let cause = cause(&error);
                    tracing::info!(app, host, operation, ?cause, error = %chain(&error), "a call had no answer");
                    let _ = tell.send(Outcome::Unanswered(cause));
                }
                Err(_) => {
                    tracing::info!(app, host, operation, "a call had no answer in time");
                    let _ = tell.send(Outcome::Unanswered(UnansweredCause::Timeout));
                    if let Ok(Ok(answer)) = timeout(call.listen_longer, &mut exchange).await {
                        let _ = tell.send(answer);
                    }
                }
            }
        })
    }

    fn simulator(&self, get: bool, path: String, body: Vec<u8>) -> Boxed<Result<Passed, UnansweredCause>> {
        let destination = self
            .simulator
            .as_ref()
            .and_then(|app| self.apps.get(app))
            .filter(|_| path.starts_with("/simulator/"));
        let requests: Vec<_> = destination
            .into_iter()
            .flat_map(|destination| destination.bases.values().map(move |base| (destination, base)))
            .filter_map(|(destination, base)| {
                let client = self.client(&destination.names, SIMULATOR_WAIT / 2).ok()?;
                let method = if get { Method::GET } else { Method::POST };
                let mut request = client.request(method, format!("{base}{path}"));
                if !get {
                    request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
                }
                Some(request)
            })
            .collect();
        Box::pin(async move {
            let mut last = UnansweredCause::Refused;
            // The same controls answer at every domain, and one of them may just be down on request.
            for request in requests {
                match timeout(SIMULATOR_WAIT, pass(request)).await {
                    Ok(Ok(passed)) => return Ok(passed),
                    Ok(Err(error)) => last = cause(&error),
                    Err(_) => last = UnansweredCause::Timeout,
                }
                if !last.nothing_left() {
                    break;
                }
            }
            Err(last)
        })
    }
}

/// Whether this beginning of an address is one of the service's over TLS, or stays on this machine.
pub(crate) fn leads_to_service(base: &str, resolve: &BTreeMap<String, Option<SocketAddr>>) -> bool {
    let Ok(url) = reqwest::Url::parse(base) else { return false };
    let Some(name) = url.host_str() else { return false };
    match resolve.get(name) {
        Some(to) => to.is_none_or(|to| to.ip().is_loopback()),
        None => {
            let of_machine = name.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
            let of_service = agora::hosts::is_of_service(name) && url.port().is_none();
            url.scheme() == "https" && (of_service || of_machine)
        }
    }
}

/// Whether an address is one of the open network: no private network, no part of this machine, none of a network's own
/// services, and none that only stands for such a one.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            !(first == 0
                || address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_documentation()
                || address.is_multicast()
                // Shared by carriers, kept by the assignment of protocols, benchmarks, and what was never given out.
                || (first == 100 && (64..128).contains(&second))
                || (first, second, third) == (192, 0, 0)
                || (first == 198 && (18..20).contains(&second))
                || first >= 240)
        }
        IpAddr::V6(address) => {
            let segments = address.segments();
            let embedded = |place: usize| {
                let [high, low] = [segments[place], segments[place + 1]].map(u16::to_be_bytes);
                is_public(Ipv4Addr::new(high[0], high[1], low[0], low[1]).into())
            };
            match segments {
                [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => embedded(6),
                [0x2002, ..] => embedded(1),
                // Documentation, and the ranges of the assignment of protocols.
                [0x2001, 0xdb8, ..] | [0x2001, 0..0x200, ..] | [0x3fff, 0..0x1000, ..] => false,
                // All that was given out so far.
                [first, ..] => first & 0xe000 == 0x2000,
            }
        }
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> reqwest::Result<Outcome> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let retry_after =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = read(response, BODY_BYTES_MAX).await?;
    Ok(Outcome::Answered { status, retry_after, body })
}

async fn pass(request: reqwest::RequestBuilder) -> reqwest::Result<Passed> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/octet-stream")
        .to_owned();
    let body = read(response, SIMULATOR_BYTES_MAX).await?;
    Ok(Passed { status, content_type, body })
}

/// The body, or as much of it as is taken: the connection is then dropped with the rest.
async fn read(mut response: Response, most: usize) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = most - body.len();
        if chunk.len() >= room {
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Why there was no answer, and so whether any byte of the request can have left (D2).
///
/// A connection that could not be made for whatever reason (unreachable, or no answer to it in time) counts as refused:
/// nothing left.
fn cause(error: &reqwest::Error) -> UnansweredCause {
    if error.is_builder() {
        return UnansweredCause::Dns;
    }
    if error.is_dns() || sources(error).any(|source| source.is::<UnknownName>()) {
        return UnansweredCause::Dns;
    }
    if !error.is_connect() {
        return UnansweredCause::Reset;
    }
    // The first connection is TCP's; what is not one of its failures is one of the handshake after it.
    let no_connection = |source: &(dyn Error + 'static)| {
        source.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::NetworkDown
                    | io::ErrorKind::AddrNotAvailable
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::TimedOut
            )
        })
    };
    let encrypted = error.url().is_some_and(|url| url.scheme() == "https");
    if !encrypted || error.is_timeout() || sources(error).any(no_connection) {
        UnansweredCause::Refused
    } else {
        UnansweredCause::Tls
    }
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The causes without the address, which holds IDs.
fn chain(error: &reqwest::Error) -> String {
    let causes: Vec<String> = sources(error).skip(1).map(ToString::to_string).collect();
    causes.join(": ")
}

/// Checks certificates as the system does; without any to check with, where nothing is encrypted.
pub(crate) fn tls(encrypted: bool) -> Result<rustls::ClientConfig, String> {
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

/// Names of the configuration lead where it says, all others where the system says.
#[derive(Debug, Clone)]
struct Names(Arc<BTreeMap<String, Option<SocketAddr>>>);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let fixed = self.0.get(name.as_str()).copied();
        Box::pin(async move {
            let addresses: Addrs = match fixed {
                // With the port: the address has none, since a host with a port is refused by the configuration here.
                Some(Some(address)) => Box::new(std::iter::once(address)),
                Some(None) => return Err(UnknownName.into()),
                None => {
                    let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
                    let public: Vec<_> =
                        found.iter().copied().filter(|address| is_public(address.ip())).collect();
                    if public.is_empty() && !found.is_empty() {
                        let host = name.as_str();
                        tracing::error!(host, "the name leads to a private address; nothing was sent");
                        return Err(UnknownName.into());
                    }
                    Box::new(public.into_iter())
                }
            };
            Ok(addresses)
        })
    }
}

/// A name that the configuration lets fail, or that leads where nothing of ours belongs.
#[derive(Debug)]
struct UnknownName;

impl core::fmt::Display for UnknownName {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("this name leads to nothing that may be asked")
    }
}

impl Error for UnknownName {}

#[cfg(test)]
mod tests;
