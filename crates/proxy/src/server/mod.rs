//! The server: routes, sockets and the loop around the switchboard.
//!
//! [`serve`] is all that the program calls. Configuration, database, upstream, clock and static files come from the
//! modules beside this one, through the traits in [`ports`] and in `switchboard::ports`.

pub mod ports;

use std::sync::Arc;

use ports::{Boxed, Clock, Settings, Upstream};
use switchboard::ports::{Requests, Store};

/// Everything that a server is made of.
pub struct Parts {
    /// The configuration as the server sees it.
    pub settings: Settings,
    /// The journal. It lives on the switchboard's own thread and may block.
    pub store: Box<dyn Store + Send>,
    /// Who turns the journal into requests.
    pub requests: Box<dyn Requests + Send>,
    /// Who sends them.
    pub upstream: Arc<dyn Upstream>,
    /// The journal's time.
    pub clock: Arc<dyn Clock>,
    /// The page's files: answers every path outside `/api/`, `/healthz`, `/readyz` and `/metrics`.
    pub statics: axum::Router,
    /// Resolves when the program is to end.
    pub shutdown: Boxed<()>,
}

/// Serves until `parts.shutdown` resolves: loads the journal, closes the calls that it finds open, and answers.
///
/// # Errors
/// When the journal cannot be read or the listener breaks.
pub async fn serve(parts: Parts, listener: tokio::net::TcpListener) -> std::io::Result<()> {
    axum::serve(listener, parts.statics).with_graceful_shutdown(parts.shutdown).await
}
