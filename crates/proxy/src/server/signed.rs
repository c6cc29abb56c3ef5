//! Who is behind a request. One middleware finds it out for every path of the interface, before anything else is asked:
//! what follows reads it from the request's extensions.

use core::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::IncomingStream;
use rules::api::{Person, Problem};

use super::Server;
use super::answer::Refused;
use super::patience::Patient;
use super::ports::digest_of;

/// Who is signed in behind a request. Every request of a route that needs a capability carries one among its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    /// The person, with the role at this moment.
    pub(crate) person: Person,
    /// The public name of the sign-in, if it rests on one: not for a token, nor in a demonstration.
    pub(crate) sign_in: Option<Arc<str>>,
    /// The address of the client.
    pub(crate) from: IpAddr,
}

/// Nobody is signed in behind a request, and this is what is answered where somebody must be.
#[derive(Debug, Clone)]
pub(crate) struct Unsigned(pub(crate) Problem);

/// The address of the client of a request, whoever it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From(pub(crate) IpAddr);

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, Patient>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Patient>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl<State: Send + Sync> FromRequestParts<State> for Signed {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Refused> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| nobody().into())
    }
}

impl<State: Send + Sync> FromRequestParts<State> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(UNKNOWN)))
    }
}

/// Where a request comes from that came over no connection.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What is answered where somebody must be signed in and nobody is.
pub(crate) fn nobody() -> Problem {
    Refused::new(StatusCode::UNAUTHORIZED, "signed_out", "Nobody is signed in here: sign in first.").0
}

/// Finds out who is behind a request, and hands it on.
pub(crate) async fn identify(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.0.ip());
    let from = peer.unwrap_or(UNKNOWN);
    let person = server.person(request.headers()).cloned();
    let extensions = request.extensions_mut();
    extensions.insert(From(from));
    match person {
        Ok(person) => {
            extensions.insert(Signed { person, sign_in: None, from });
        }
        Err(Refused(problem)) => {
            extensions.insert(Unsigned(problem));
        }
    }
    next.run(request).await
}

impl Server {
    /// Who is behind a request: the holder of the token that it shows, or else the person who is signed in.
    fn person(&self, headers: &HeaderMap) -> Result<&Person, Refused> {
        let Some(shown) = headers.get(AUTHORIZATION) else { return Ok(&self.settings.person) };
        let token = shown.to_str().ok().and_then(|shown| shown.strip_prefix("Bearer "));
        let digest = token.map(digest_of);
        let holder = self.settings.tokens.iter().find(|holder| Some(holder.digest) == digest);
        holder.map(|holder| &holder.person).ok_or_else(|| {
            let title = "This token is not known here: it belongs into a [[token]] of the configuration.";
            Refused::new(StatusCode::UNAUTHORIZED, "token", title)
        })
    }
}
