//! The server: routes, sockets and the loop around the switchboard.
//!
//! [`serve`] is all that the program calls. Configuration, database, upstream, clock and static files come from the
//! modules beside this one, through the traits in [`ports`] and in `switchboard::ports`.
//!
//! - `routes`: every path with the capability it needs, in one table.
//! - `signed`: who is behind a request.
//! - `gate`: in what form a request may come, and which hosts and origins are answered.
//! - `desk`: the thread of the switchboard. `socket`: one page's stream.
//! - `notifications`: the webhook of the service. `patience`: how long a connection may be silent.
//! - `audit`: who did or tried what.
//! - `answer`: JSON and problems. `metrics`: what Prometheus reads.

mod answer;
mod audit;
pub(crate) mod desk;
mod gate;
mod metrics;
mod notifications;
mod patience;
pub mod ports;
mod routes;
mod signed;
mod socket;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use ports::{AppSettings, Boxed, Clock, Settings, Upstream};
use rules::journal::Domain;
use switchboard::held::HELD_MAX;
use switchboard::ports::{Requests, Store};
use switchboard::{AppConfig, Config, Switchboard};

use crate::alerts::{Target, Teller, Told};
use crate::signature::Signatures;
use desk::Desk;
use patience::{Limits, Patient};

/// Everything that a server is made of.
pub struct Parts {
    /// The configuration as the server sees it.
    pub settings: Settings,
    /// The journal. It lives on the switchboard's own thread and may block.
    pub store: Box<dyn Store + Send>,
    /// Who knows whether a notification comes from the service.
    pub signatures: Signatures,
    /// Who turns the journal into requests.
    pub requests: Box<dyn Requests + Send>,
    /// Who sends them.
    pub upstream: Arc<dyn Upstream>,
    /// The journal's time.
    pub clock: Arc<dyn Clock>,
    /// The page's files: answers every path outside `/api/`, `/healthz`, `/readyz` and `/metrics`.
    pub statics: axum::Router,
    /// Who outside is told what.
    pub alerts: Vec<Target>,
    /// The page's address, for what is told outside.
    pub page: Option<reqwest::Url>,
    /// Resolves when the program is to end.
    pub shutdown: Boxed<()>,
}

/// What every handler shares.
pub(crate) struct Server {
    settings: Settings,
    clock_rate: u32,
    upstream: Arc<dyn Upstream>,
    signatures: Signatures,
    /// Deliveries whose signature was bad or missing.
    unsigned: AtomicU64,
    /// Alerts that were posted, and posts that failed.
    told: Arc<Told>,
    desk: Desk,
    /// What is audited by itself, counted where it comes in a flood.
    floods: audit::Floods,
    /// It listens where only this machine reaches it.
    loopback: bool,
}

/// Serves until `parts.shutdown` resolves: loads the journal, closes the calls that it finds open, and answers.
///
/// # Errors
/// When the journal cannot be read or written, or the listener breaks.
pub async fn serve(parts: Parts, listener: tokio::net::TcpListener) -> io::Result<()> {
    let Parts { settings, store, signatures, requests, upstream, clock, statics, alerts, page, shutdown } =
        parts;
    let start = Instant::now();
    let clock_rate = clock.rate();
    let config = Config {
        apps: settings.apps.iter().map(app_config).collect(),
        policies: settings.policies.clone(),
        build: settings.build.clone(),
        clock_rate,
        held_max: HELD_MAX,
    };
    let now = desk::now(clock.as_ref(), start);
    let opening = tokio::task::spawn_blocking(move || Switchboard::open(config, store, requests, now));
    let switchboard = opening
        .await
        .map_err(io::Error::other)?
        .map_err(|error| io::Error::other(format!("the journal cannot be opened: {error}")))?;
    let (desk, mut ended) = desk::start(switchboard, upstream.clone(), clock, start)?;
    let told = Arc::new(Told::default());
    for target in alerts {
        let teller = Teller::new(target, page.clone(), desk.clone(), told.clone());
        // It ends with the desk, or with the runtime.
        tokio::spawn(teller.map_err(io::Error::other)?.run());
    }
    let loopback = listener.local_addr()?.ip().is_loopback();
    let server = Arc::new(Server {
        settings,
        clock_rate,
        upstream,
        signatures,
        unsigned: AtomicU64::new(0),
        told,
        desk: desk.clone(),
        floods: audit::Floods::default(),
        loopback,
    });
    let router = routes::router(&server, statics);
    tokio::spawn(audit::tend(server.clone()));
    let (ending, counted) = (desk.clone(), server.clone());
    let shutdown = async move {
        shutdown.await;
        counted.floods.flush(&counted.desk, true);
        // The sockets close with it, so that pages know and connect again.
        ending.end();
    };
    let listener = Patient::new(listener, Limits::SERVER);
    let service = router.into_make_service_with_connect_info::<signed::Peer>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown).into_future();
    tokio::pin!(serving);
    let (served, runs) = tokio::select! {
        served = &mut serving => (served, true),
        well = &mut ended => match well {
            Ok(()) => (serving.await, false),
            // A server without its switchboard answers nothing: better that somebody starts it again.
            Err(_) => return Err(io::Error::other("the switchboard fell over; its own message stands above")),
        },
    };
    if runs {
        desk.end();
        // It waits a little for answers on their way.
        let _ = ended.await;
    }
    served
}

fn app_config(app: &AppSettings) -> AppConfig {
    AppConfig {
        name: app.name.clone(),
        qps: app.qps,
        has_region: app.hosts.iter().any(|(domain, _)| *domain == Domain::Region),
        fresh_tokens: app.builds_tokens,
        storage: app.storage.iter().map(|storage| storage.name.clone()).collect(),
        modes: app.modes.clone(),
        uid_range: app.uid_range,
    }
}
