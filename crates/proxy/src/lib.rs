//! The thin proxy: HTTP, WebSocket, `SQLite` and the upstream around the switchboard.
//!
//! - [`server`]: routes, sockets, the loop around the switchboard.
//! - [`config`]: the configuration file. [`password`]: the hashes in it. [`secret`] and [`reload`]:
//!   what in it is exchanged while the program runs.
//! - [`backup`]: a copy of the journal of a proxy that runs.
//! - [`import`]: a bundle into the journal of a demonstration.
//! - [`store`]: the journal in `SQLite`, the only module with SQL.
//! - [`bodies`] and [`upstream`]: what a request is made of, and the only module that sends one. [`token`]: what a recorder
//!   joins a channel with.
//! - [`alerts`]: what somebody outside is told.
//! - [`statics`]: the page's files. [`clock`]: the journal's time.
//!
//! One call in, at most one request out: nothing here retries and nothing here schedules.

pub mod alerts;
pub mod backup;
pub mod bodies;
pub mod clock;
pub mod config;
pub mod import;
pub mod password;
pub mod reload;
pub mod secret;
pub mod server;
pub mod signature;
pub mod statics;
pub mod store;
pub mod token;
pub mod upstream;
