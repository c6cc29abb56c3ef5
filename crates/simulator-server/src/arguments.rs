//! The command line, and what it is checked for.

use std::net::SocketAddr;

use agora::AppId;
use clap::Parser;
use simulator::{Config, Domain};

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
        Ok(config)
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
