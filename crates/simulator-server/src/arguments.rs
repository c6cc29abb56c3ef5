//! The command line, and what it is checked for.

use std::net::SocketAddr;
use std::path::PathBuf;

use agora::AppId;
use clap::Parser;
use simulator::scenario::Scenario;
use simulator::{Config, Domain, EVENTS, Notifications};

/// A simulated Agora Cloud Recording service that fails on request. Its controls lie under `/simulator/`.
#[derive(Debug, Parser)]
#[command(name = "tallylight-simulator")]
pub(crate) struct Arguments {
    /// Where the primary domain (api.agora.io) listens; loopback only, port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,

    /// Where the secondary domain (api.sd-rtn.com) listens.
    #[arg(long, value_name = "ADDR")]
    listen_secondary: SocketAddr,

    /// Where a region's domain listens.
    #[arg(long, value_name = "ADDR")]
    listen_region: Option<SocketAddr>,

    /// The only App ID that it knows.
    #[arg(long, value_name = "ID")]
    app_id: String,

    /// The customer key of Basic auth.
    #[arg(long, value_name = "KEY")]
    customer_key: String,

    /// The customer secret of Basic auth.
    #[arg(long, value_name = "SECRET")]
    customer_secret: String,

    /// The same seed gives the same service.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many times faster than the wall its clock runs.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) clock_rate: u32,

    /// When both clocks showed the same, in milliseconds since the Unix epoch; the start of the process if not given.
    #[arg(long, value_name = "T")]
    pub(crate) clock_origin: Option<i64>,

    /// How many publishers a channel has of which nothing was said; with 0 sessions end by their idle time.
    #[arg(long, value_name = "N", default_value_t = 2)]
    publishers: u32,

    /// The App Certificate: with one, recorders need a token for their channel that is signed with it.
    #[arg(long, value_name = "CERTIFICATE")]
    app_certificate: Option<String>,

    /// Where notifications go, such as `http://127.0.0.1:7100/api/v1/notifications/demonstration`; loopback only.
    #[arg(long, value_name = "URL", requires = "notify_secret")]
    notify: Option<String>,

    /// The secret that notifications are signed with: 7 to 32 letters, digits, hyphens and underscores.
    #[arg(long, value_name = "SECRET", requires = "notify")]
    notify_secret: Option<String>,

    /// Only these event types, with commas between them; all if not given.
    #[arg(long, value_name = "TYPES", value_delimiter = ',', requires = "notify")]
    notify_events: Vec<u16>,

    /// Delivers every notification on two paths.
    #[arg(long, requires = "notify")]
    notify_redundant: bool,

    /// Repeats no notification, whatever it is answered.
    #[arg(long, requires = "notify")]
    notify_once: bool,

    /// Of a thousand notifications, how many get lost.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "notify")]
    notify_lost: u16,

    /// Of a thousand deliveries, how many come a second time.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "notify")]
    notify_doubled: u16,

    /// Of a thousand deliveries, how many come 20 to 120 s late, after others that happened later.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "notify")]
    notify_late: u16,

    /// What the service does where its documents are silent; may be given often. See docs/simulator.md, or
    /// GET /simulator/unknowns of a running one.
    #[arg(long, value_name = "NAME=VALUE")]
    unknown: Vec<String>,

    /// A scenario to play from the start on. Its recordings are started by `cargo xtask demo`, not by this program.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

/// Where notifications go.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) address: SocketAddr,
    /// The `Host` header.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) secret: String,
}

impl Arguments {
    /// The service that they describe.
    pub(crate) fn config(&self) -> Result<Config, String> {
        let app_id = AppId::parse(self.app_id.as_str()).map_err(|error| format!("--app-id: {error}"))?;
        if self.customer_key.is_empty() || self.customer_key.contains(':') {
            return Err("--customer-key: a key has at least one character and no colon".to_owned());
        }
        if self.customer_secret.is_empty() {
            return Err("--customer-secret: a secret is needed".to_owned());
        }
        let mut config = Config::new(app_id, self.customer_key.as_str(), self.customer_secret.as_str());
        config.publishers = self.publishers;
        config.app_certificate = self.app_certificate.clone().filter(|certificate| !certificate.is_empty());
        for unknown in &self.unknown {
            config.unknowns.set(unknown).map_err(|error| format!("--unknown: {error}"))?;
        }
        for (option, per_mille) in [
            ("--notify-lost", self.notify_lost),
            ("--notify-doubled", self.notify_doubled),
            ("--notify-late", self.notify_late),
        ] {
            if per_mille > 1000 {
                return Err(format!("{option}: from 0 to 1000"));
            }
        }
        if let Some(stranger) =
            self.notify_events.iter().find(|event| !EVENTS.iter().any(|(known, ..)| known == *event))
        {
            return Err(format!("--notify-events: there is no event type {stranger}"));
        }
        config.notifications = self.notify.is_some().then(|| Notifications {
            events: (!self.notify_events.is_empty()).then(|| self.notify_events.iter().copied().collect()),
            repeats: !self.notify_once,
            redundant: self.notify_redundant,
            lost_per_mille: self.notify_lost,
            doubled_per_mille: self.notify_doubled,
            late_per_mille: self.notify_late,
            ..Notifications::default()
        });
        Ok(config)
    }

    /// Where notifications go; loopback only, since whoever starts this program decides what is posted there.
    pub(crate) fn webhook(&self) -> Result<Option<Webhook>, String> {
        let (Some(url), Some(secret)) = (&self.notify, &self.notify_secret) else { return Ok(None) };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(7..=32).contains(&secret.len()) || !secret.bytes().all(plain) {
            return Err("--notify-secret: 7 to 32 letters, digits, hyphens and underscores".to_owned());
        }
        let wrong = || format!("--notify: {url:?} is not http://127.0.0.1:PORT/PATH");
        let uri: hyper::Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(wrong)?;
        let host = authority.as_str().replacen("localhost", "127.0.0.1", 1);
        let address: SocketAddr = host.parse().map_err(|_| wrong())?;
        if !address.ip().is_loopback() {
            return Err(format!("--notify: {address} is not a loopback address"));
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        Ok(Some(Webhook { address, host: authority.to_string(), target, secret: secret.clone() }))
    }

    /// The scenario that is played, if one was named.
    pub(crate) fn scenario(&self) -> Result<Option<Scenario>, String> {
        let Some(file) = &self.scenario else { return Ok(None) };
        let told = |error: &dyn std::fmt::Display| format!("--scenario: {}: {error}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| told(&error))?;
        let scenario: Scenario = toml::from_str(&text).map_err(|error| {
            let message = error.message().replace('\n', ", ");
            match error.span().filter(|span| span.end > 0).and_then(|span| text.get(..span.start)) {
                Some(before) => told(&format!("line {}: {message}", before.matches('\n').count() + 1)),
                None => told(&message),
            }
        })?;
        scenario.check().map_err(|error| told(&error))?;
        Ok(Some(scenario))
    }

    /// The listeners, loopback ones only: it takes any command from whoever reaches it.
    pub(crate) fn addresses(&self) -> Result<Vec<(Domain, SocketAddr)>, String> {
        let all = [
            (Domain::Primary, Some(self.listen)),
            (Domain::Secondary, Some(self.listen_secondary)),
            (Domain::Region, self.listen_region),
        ];
        let given: Vec<_> =
            all.into_iter().filter_map(|(domain, address)| Some((domain, address?))).collect();
        match given.iter().find(|(_, address)| !address.ip().is_loopback()) {
            Some((_, address)) => Err(format!("{address} is not a loopback address")),
            None => Ok(given),
        }
    }
}
